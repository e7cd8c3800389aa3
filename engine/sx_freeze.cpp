// Freezing and thawing for whoever embeds the engine: errors as sentences, modules loaded on
// demand.
#include "engine/sx.h"
#include "engine/vm/freeze.h"

namespace sx {

Result<std::string> Engine::freeze(Value fiber) {
  std::string bytes;
  if (!sx::freeze(vm, fiber, bytes)) return Error{error_summary(cx(), cx().error)};
  return bytes;
}

Result<Value> Engine::thaw(std::string_view bytes) {
  // A header that is refused here is refused again below, with the whole sentence.
  if (const Result<FrozenInfo> info = frozen_info(vm, bytes); info.ok())
    for (const FrozenUnit& unit : info->units)
      if (!unit.module.empty()) SX_CHECK(require_module(unit.module));
  const Value fiber = sx::thaw(vm, bytes);
  if (fiber.is_unset()) return Error{error_summary(cx(), cx().error)};
  return fiber;
}

}  // namespace sx
