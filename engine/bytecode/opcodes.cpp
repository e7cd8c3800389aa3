// The table behind op_info, made from opcodes.def.
#include "engine/bytecode/opcodes.h"

namespace sx {
namespace {

struct OpTable {
  OpInfo info[256];
  constexpr OpTable() : info{} {
#define SX_OP(code, name, format, meaning) info[code] = {#name, Format::format};
#include "engine/bytecode/opcodes.def"
#undef SX_OP
  }
};
constexpr OpTable kOps;

}  // namespace

const OpInfo* op_info(std::uint8_t code) {
  return kOps.info[code].name == nullptr ? nullptr : &kOps.info[code];
}

}  // namespace sx
