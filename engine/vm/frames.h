// Looking at suspended fibers: their frames and their pending cleanups. Internal to engine/vm.
#pragma once

#include "engine/vm/interpreter.h"

namespace sx {

inline Fiber* as_fiber(Value v) { return static_cast<Fiber*>(v.as_object()); }
inline Continuation* as_continuation(Value v) { return static_cast<Continuation*>(v.as_object()); }

// Calls visit(base, pc, link, caller's base) for each frame of a suspended fiber from the top down
// until it answers false; the outermost one has no caller.
template <class Visit>
void each_frame(const FiberState* state, Visit visit) {
  Segment* segment = state->top;
  Value* base = state->base;
  const std::uint32_t* pc = state->pc;
  while (true) {
    const auto link = static_cast<std::uint32_t>(base[-1].bits);
    Value* caller = nullptr;
    if (!(link & kLinkFiber))
      caller = (link & kLinkSegment) ? segment->caller_base : base - (link & kLinkDelta);
    if (!visit(base, pc, link, caller) || !caller) return;
    pc = reinterpret_cast<const std::uint32_t*>(
        static_cast<std::uintptr_t>(base[-2].bits & kPayloadMask));
    if (link & kLinkSegment) segment = segment->below;
    base = caller;
  }
}

// Is any frame of this suspended fiber inside a protect? but_winds: cleanups that every copy of the
// fiber has for itself do not count.
bool fiber_has_cleanup(const FiberState* state, bool but_winds);

}  // namespace sx
