#include "engine/bytecode/tables.h"

#include "engine/bytecode/fingerprint.h"

namespace sx {

Tables::Tables(std::vector<PrimitiveArity> primitives, const std::vector<std::string_view>& io_ops)
    : primitives_(std::move(primitives)), fingerprint_(fingerprint_of(primitives_, io_ops)) {}

}  // namespace sx
