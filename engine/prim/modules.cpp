#include "engine/prim/modules.h"

#include <string_view>

#include "engine/bytecode/opcodes.h"
#include "engine/prim/primitives.h"

namespace sx {
namespace {

struct Row {
  const char* primitive;
  KernelModule module;
};
constexpr Row kRows[] = {
#define SX_PRIM_MODULE(name, module) {name, KernelModule::module},
#include "engine/prim/modules.def"
#undef SX_PRIM_MODULE
};

std::uint32_t module_of(std::string_view primitive) {
  for (const Row& row : kRows)
    if (primitive == row.primitive) return static_cast<std::uint32_t>(row.module);
  return 0;
}

}  // namespace

std::uint32_t modules_needed(const UnitImage& unit) {
  std::uint32_t needed = 0;
  for (const std::string_view name : unit.globals) {
    // As a value it is the global "primitive#name".
    const std::size_t hash = name.find('#');
    if (hash != std::string_view::npos && name.substr(0, hash) == "primitive")
      needed |= module_of(name.substr(hash + 1));
  }
  for (const FunctionImage& function : unit.functions) {
    for (std::size_t pc = 0; pc < function.code.size();) {
      const std::uint32_t word = function.code[pc];
      const OpInfo* info = op_info(ins_op(word));
      if (info == nullptr) break;  // the verifier refuses it
      if (info->format == Format::PRIM && pc + 1 < function.code.size() &&
          function.code[pc + 1] < primitive_count())
        needed |= module_of(primitives()[function.code[pc + 1]].name);
      pc += static_cast<std::size_t>(base_words(info->format));
      if (info->format == Format::WF && ins_d(word) < unit.functions.size())
        pc += (unit.functions[ins_d(word)].captures + 1u) / 2;
    }
  }
  return needed;
}

}  // namespace sx
