// Declares every primitive of primitives.def, and SX_PRIMITIVE(name) { … } to define one.
#pragma once

#include "engine/prim/primitives.h"

namespace sx {

#define SX_PRIM(name, function, min, max, effect, usage) \
  Value function(Context& cx, Value* args, int count);
#include "engine/prim/primitives.def"
#undef SX_PRIM

}  // namespace sx

#define SX_PRIMITIVE(function)                                               \
  Value function([[maybe_unused]] Context& cx, [[maybe_unused]] Value* args, \
                 [[maybe_unused]] int count)
