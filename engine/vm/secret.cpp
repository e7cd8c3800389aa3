// Secrets: values that print as nothing and are refused where a fiber may go to a client, and the
// mark of such fibers.
#include "engine/prim/declare.h"
#include "engine/vm/fiber.h"

namespace sx {

SX_PRIMITIVE(prim_fiber_portable) {
  if (!is_kind(args[0], Kind::Fiber)) return cx.fail_type("fiber/new", "fiber", args[0]);
  FiberState* state = static_cast<Fiber*>(args[0].as_object())->state();
  if (!state || state->status != FiberStatus::Fresh)
    return cx.fail("fiber-error", "fiber/new: a fiber is portable from its beginning or never");
  state->portable = true;
  return args[0];
}

SX_PRIMITIVE(prim_secret) {
  if (is_kind(args[0], Kind::Secret)) return args[0];
  Object* secret = cx.heap.alloc(Kind::Secret, 2);
  secret->slots(0)[0] = args[0];
  return Value::object(secret);
}

SX_PRIMITIVE(prim_reveal) {
  if (!is_kind(args[0], Kind::Secret)) return cx.fail_type("reveal", "secret", args[0]);
  return args[0].as_object()->slots(0)[0];
}

SX_PRIMITIVE(prim_is_secret) { return Value::boolean(is_kind(args[0], Kind::Secret)); }

}  // namespace sx
