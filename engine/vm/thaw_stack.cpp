// A fiber owns its stack from the first frame on, so that the collector sees what is there: it may
// run between two frames, never within one.
#include "engine/vm/thaw_stack.h"

#include "engine/base/str.h"
#include "engine/vm/freeze_code.h"

namespace sx {

namespace {

constexpr std::uint64_t kAmountMax = std::uint64_t{1} << (sizeof(void*) == 4 ? 30 : 50);

Fiber* as_fiber(Value v) { return static_cast<Fiber*>(v.as_object()); }

class StackReader {
 public:
  StackReader(Vm& vm, ThawValues& in, RootList& fibers, std::size_t index)
      : vm_(vm),
        in_(in),
        fibers_(fibers),
        index_(index),
        state_(as_fiber(fibers[index])->state()) {}

  // Frames from the outermost inwards. The innermost one waits for a value or goes on by itself.
  bool run(bool waits, bool fresh) {
    const std::size_t count = in_.count_of(2);
    if (!in_.ok()) return false;
    if (count == 0) return in_.bad("a fiber without a frame");
    if (fresh && count != 1) return in_.bad("a fiber that has not begun has frames");
    for (std::size_t i = 0; i < count; ++i) {
      const bool innermost = i + 1 == count;
      if (!frame(i == 0, innermost, !innermost || waits, fresh)) return false;
      if ((i & 0xFF) != 0) continue;
      vm_.cx.heap.fiber_touched(as_fiber(fibers_[index_]));
      if (!in_.room()) return false;
    }
    state_->dest = waits ? awaits_ : kNoDest;
    return true;
  }

 private:
  bool frame(bool outermost, bool innermost, bool waits, bool fresh) {
    const std::uint8_t tag = in_.byte();
    const std::uint8_t handler = in_.byte();
    if (!in_.ok()) return false;
    if (tag > static_cast<std::uint8_t>(FrameTag::Return) || handler > 1)
      return in_.bad("a frame of no known kind");
    if (handler && outermost) return in_.bad("a fiber begins with a handler of nobody");
    if (handler) {
      Value k;
      if (!in_.value(k)) return false;
      if (!is_kind(k, Kind::Continuation)) return in_.bad("a handler without its continuation");
      state_->base[awaits_] = k;
    }
    if (static_cast<FrameTag>(tag) == FrameTag::Return) {
      if (!waits) return in_.bad("a frame that only returns has nothing to wait for");
      const Function& fn = FreezeAccess::return_function(vm_);
      if (!place(FreezeAccess::return_closure(vm_), fn, outermost, handler != 0)) return false;
      state_->pc = FreezeAccess::return_code(vm_);
      awaits_ = 0;
      return true;
    }

    Value closure;
    Unit* unit;
    std::uint32_t index;
    if (!in_.value(closure) || !in_.function_at(unit, index)) return false;
    const Function& fn = unit->functions[index];
    if (!is_closure(closure) || as_closure(closure)->function() != &fn)
      return in_.bad("a frame runs another function than its closure");
    const std::uint64_t pc = in_.number();
    if (!in_.ok()) return false;
    if (pc > fn.code_words || (fresh && pc != 0)) return in_.bad("a frame stands outside its code");
    const Result<const CodePoint*> found =
        code_point_of(*unit, index, static_cast<std::uint32_t>(pc));
    vm_.cx.charge(std::size_t{fn.code_words} * 64);
    if (!found.ok()) return in_.bad(found.error().message);
    const CodePoint& point = **found;
    if (waits && point.awaits == kAwaitsNothing)
      return in_.bad("a frame waits where its code does not");
    if (!place(closure, fn, outermost, handler != 0)) return false;
    state_->pc = fn.code + pc;
    if (innermost) state_->back_edge = point.back_edge;
    return registers(fn, point, waits);
  }

  bool registers(const Function& fn, const CodePoint& point, bool waits) {
    std::bitset<256> live = point.live;
    if (waits) live.reset(point.awaits);
    if (in_.number() != live.count()) return in_.bad("a frame does not have its registers");
    const Result<const CaptureFacts*> facts = capture_facts_of(*fn.unit);
    if (!facts.ok()) return in_.bad(facts.error().message);
    const std::vector<bool>& cells = (*facts)->must_be_cell[fn.index];
    for (std::uint32_t r = 0; r < fn.registers; ++r) {
      if (!live[r]) continue;
      const RegisterType type = point.types[r];
      Value v;
      if (!in_.value(v, true)) return false;
      if (type == kUndefined) return in_.bad("a frame has a value where its code has none");
      const bool cell = type == kCellValue || (type >= kCaptureAt && cells[type - kCaptureAt]);
      if (cell && !is_kind(v, Kind::Cell)) return in_.bad("a frame lacks the cell of a variable");
      if (type >= kClosureOf && type < kCaptureAt &&
          (!is_closure(v) || as_closure(v)->function() != &fn.unit->functions[type - kClosureOf]))
        return in_.bad("a frame lacks a closure that it made");
      state_->base[r] = v;
    }
    awaits_ = point.awaits;
    return true;
  }

  // A frame for fn on top, its registers nil; as Interpreter::place_frame does it.
  bool place(Value closure, const Function& fn, bool outermost, bool handler) {
    std::uint32_t link = handler ? std::uint32_t{kLinkHandler} : 0u;
    std::uint32_t delta = 0;
    Value* base;
    StackPool& pool = FreezeAccess::pool(vm_);
    const std::size_t slots = std::size_t{fn.registers} + kCallControl + 1;
    if (outermost) {
      grow(pool.take(slots, nullptr), nullptr);
      base = state_->top->slots() + kCallControl;
      link |= kLinkFiber;
    } else {
      delta = awaits_ + (handler ? 1u : 0u) + kCallControl;
      base = state_->base + delta;
      if (base + fn.registers > state_->top->end()) {
        if (state_->stack_bytes > FreezeAccess::stack_bytes_max(vm_))
          return in_.bad("its stack is deeper than the limit of this engine");
        grow(pool.take(slots, state_->top), state_->base);
        base = state_->top->slots() + kCallControl;
        link |= kLinkSegment;
      }
    }
    base[-3] = closure;
    base[-2] = Value::small_int(0);
    if (!outermost) base[-2].bits |= reinterpret_cast<std::uintptr_t>(state_->pc);
    base[-1] = Value::small_int(static_cast<std::int64_t>(delta | link));
    for (std::uint32_t r = 0; r < fn.registers; ++r) base[r] = Value::nil();
    state_->base = base;
    return true;
  }
  void grow(Segment* segment, Value* caller_base) {
    segment->caller_base = caller_base;
    state_->top = segment;
    state_->stack_bytes += segment->capacity * sizeof(Value);
  }

  Vm& vm_;
  ThawValues& in_;
  RootList& fibers_;
  const std::size_t index_;
  FiberState* const state_;
  std::uint8_t awaits_ = 0;  // of the frame on top
};

// The limits that a strand of with-limits brings along count from here on.
bool read_limits(Vm& vm, ThawValues& in, FiberState* state) {
  const std::uint64_t fuel = in.number(), heap = in.number(), depth = in.number();
  if (!in.ok()) return false;
  if (fuel > kAmountMax || heap > kAmountMax || depth > kAmountMax)
    return in.bad("a limit is beyond what limits can be");
  state->fuel_left = static_cast<std::int64_t>(fuel) - 1;
  if (heap > 0) state->heap_limit = vm.cx.heap.used_bytes() + static_cast<std::size_t>(heap);
  state->depth_bytes_max = static_cast<std::size_t>(depth);
  return true;
}

bool read_strand(Vm& vm, ThawValues& in, RootList& fibers, std::size_t index, bool innermost,
                 bool outermost, ChainOf chain, bool portable) {
  const std::uint8_t role_byte = in.byte();
  if (!in.ok()) return false;
  if (role_byte > static_cast<std::uint8_t>(FiberRole::Limited))
    return in.bad("a fiber of no known role");
  const auto role = static_cast<FiberRole>(role_byte);
  const bool of_fiber = chain != ChainOf::Continuation;
  const bool fits = outermost ? role == (of_fiber ? FiberRole::Stepped : FiberRole::Handled)
                              : role == FiberRole::Handled || role == FiberRole::Limited;
  if (!fits) return in.bad("a fiber does not fit in its chain");
  Value dynamic, handler = Value::nil();
  if (!in.value(dynamic)) return false;
  if (role == FiberRole::Handled) {
    if (!in.value(handler)) return false;
    if (!is_closure(handler)) return in.bad("a handler is no function");
  }

  StackPool& pool = FreezeAccess::pool(vm);
  FiberState* state = pool.new_state();
  state->role = role;
  state->portable = portable;
  {
    Fiber* fiber = as_fiber(fibers[index]);
    fiber->dynamic = dynamic;
    fiber->handler = handler;
    fiber->state_bits = reinterpret_cast<std::uintptr_t>(state);
    vm.cx.heap.write_barrier(fiber, dynamic);
    vm.cx.heap.write_barrier(fiber, handler);
  }
  const bool fresh = chain == ChainOf::FreshFiber;
  bool done = role != FiberRole::Limited || read_limits(vm, in, state);
  if (done) {
    const std::uint8_t waits = in.byte();
    done = in.ok() && (waits <= 1 || in.bad("a flag is neither 0 nor 1"));
    // Whoever has a child waits for it; what a handler was given waits for the reply.
    const bool must_wait = !innermost || chain == ChainOf::Continuation;
    if (done && ((must_wait && waits == 0) || (fresh && waits != 0)))
      done = in.bad("a fiber does not wait as its place in the chain demands");
    done = done && StackReader(vm, in, fibers, index).run(waits != 0, fresh);
  }
  Fiber* fiber = as_fiber(fibers[index]);
  if (!done) {
    fiber->state_bits = 0;
    pool.free_state(state);
    return false;
  }
  state->status = fresh                    ? FiberStatus::Fresh
                  : innermost || outermost ? FiberStatus::Suspended
                                           : FiberStatus::Running;
  vm.cx.heap.register_special(fiber);
  vm.cx.heap.fiber_touched(fiber);
  return true;
}

}  // namespace

bool thaw_chain(Vm& vm, ThawValues& in, RootList& fibers, std::size_t first, std::uint32_t count,
                ChainOf chain, bool portable, bool& budget) {
  const std::size_t last = first + count - 1;
  if (chain == ChainOf::FreshFiber && count != 1)
    return in.bad("a fiber that has not begun has a chain");
  for (std::size_t i = first; i <= last; ++i)
    if (!read_strand(vm, in, fibers, i, i == first, i == last, chain, portable && i == last))
      return false;
  // Linked only when all of them stand.
  for (std::size_t i = first; i < last; ++i) {
    budget = budget || as_fiber(fibers[i])->state()->has_budget();
    as_fiber(fibers[i])->parent = fibers[i + 1];
    vm.cx.heap.write_barrier(as_fiber(fibers[i]), fibers[i + 1]);
  }
  if (chain == ChainOf::Fiber && count > 1) {
    as_fiber(fibers[last])->handler = fibers[first];
    vm.cx.heap.write_barrier(as_fiber(fibers[last]), fibers[first]);
  }
  return true;
}

}  // namespace sx
