// The fingerprint of the engine's tables, worked out by the compiler.
#include "engine/bytecode/fingerprint.h"

#include "engine/fingerprint.h"

namespace sx {
namespace {

constexpr PrimitiveArity kPrimitives[] = {
#define SX_PRIM(name, function, least, most, effect, usage) {name, least, most},
#include "engine/prim/primitives.def"
#undef SX_PRIM
};
constexpr std::string_view kIoOps[] = {
#define SX_IO(name, side, contract) name,
#include "engine/io/io_ops.def"
#undef SX_IO
};
constexpr Sha256Digest kFingerprint = fingerprint_of(kPrimitives, kIoOps);

}  // namespace

const Sha256Digest& engine_fingerprint() { return kFingerprint; }

}  // namespace sx
