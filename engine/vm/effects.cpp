// Fibers: perform, with-handler, resume, fiber/step, cancel, copy, limits, fuel.
//
// A suspension is not an exit: frames stay where they are, whole fibers change hands. A handler's
// continuation is the chain of fibers from the performer (inner) to the one whose with-handler
// took the request (outer); resuming puts the chain on top of the fiber that resumes.
#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/value/collections.h"
#include "engine/vm/frames.h"

namespace sx {

namespace {

constexpr std::int64_t kSliceMax = 16384;
constexpr std::int64_t kReserveFuel = 200'000;  // for cleanups after a limit was hit
constexpr std::size_t kReserveBytes = 4u << 20;
#ifdef __wasm__
// What runs the kernel makes its functions faster after a while, but never one that is at work: the
// run loop is entered anew at each slice, so that the fast one is used as soon as it is there.
constexpr Next kAfterSlice = Next::Again;
#else
constexpr Next kAfterSlice = Next::Run;
#endif
constexpr std::int64_t kBytesMax = std::int64_t{1} << (sizeof(void*) == 4 ? 30 : 50);

}  // namespace

void Interpreter::switch_to(Value fiber) {
  cx.heap.fiber_touched(vm.current_.as_object());
  set_current(fiber);
}

Next Interpreter::deliver(Value v) {
  if (fs->dest != kNoDest) fs->base[fs->dest] = v;
  take_back_edge();
  fs->status = FiberStatus::Running;
  return Next::Run;
}

Value Interpreter::report(std::string_view key, Value v) {
  const Field fields[] = {{key, v}};
  return make_dict(cx, fields);
}

// Pops the top frame; the caller's frame becomes the top. Not for a fiber's first frame.
Value* Interpreter::pop_frame() {
  Value* base = fs->base;
  const auto link = static_cast<std::uint32_t>(base[-1].bits);
  fs->pc = reinterpret_cast<const std::uint32_t*>(
      static_cast<std::uintptr_t>(base[-2].bits & kPayloadMask));
  Value* caller;
  if (link & kLinkSegment) {
    Segment* segment = fs->top;
    caller = segment->caller_base;
    fs->top = segment->below;
    fs->top->settled = false;
    fs->stack_bytes -= segment->capacity * sizeof(Value);
    vm.pool_.give(segment);
  } else {
    caller = base - (link & kLinkDelta);
  }
  fs->base = caller;
  return caller + (link & kLinkDelta) - kCallControl;
}

Next Interpreter::return_slow(Value value) {
  const auto link = static_cast<std::uint32_t>(fs->base[-1].bits);
  if (link & kLinkFiber) return leave_fiber(value);
  Value* slot = pop_frame();
  if (!(link & kLinkHandler)) {
    *slot = value;
    return Next::Run;
  }
  // The handler returned: its value is the value of with-handler. A continuation that it did not
  // resume and whose extent has cleanups ends here, with its owner.
  auto* k = as_continuation(slot[-1]);
  if (k->used == 0 && has_pending_cleanup(k->inner, k->outer)) {
    Root value_root(cx.heap, value);
    cx.fail("cancelled", "The handler returned without resuming");
    if (cancel_unresumed(slot, vm.return_stub_, value_root)) return Next::Raise;
    value = value_root;
  }
  slot[-1] = value;
  return Next::Run;
}

// A handler ends and its continuation, in window[-1], was not resumed: if that has cleanups, it is
// cancelled with cx.error (true: the caller raises). Afterwards `then` goes on with its operand, in
// a frame at `window`: where a cleanup performs, the handler is called on top of that frame.
bool Interpreter::cancel_unresumed(Value* window, const Vm::Stub& then, Value operand) {
  auto* k = as_continuation(window[-1]);
  if (k->used != 0 || !has_pending_cleanup(k->inner, k->outer)) return false;
  window[0] = then.closure;
  Value* const frame = place_frame(window, then.function, kLinkHandler);
  if (!frame) return false;  // at the end of the stack, reserve included
  frame[0] = operand;
  for (unsigned i = 1; i < then.function.registers; ++i) frame[i] = Value::nil();
  fs->base = frame;
  fs->pc = then.function.code;
  fs->dest = 1;
  k->used = 1;
  const Value inner = k->inner, outer = k->outer;
  cancel_chain(inner, outer, cx.error);
  return true;
}

void Interpreter::finish_fiber(Fiber* fiber) {
  FiberState* state = fiber->state();
  if (state->fuel_left >= 0) settle();
  fiber->state_bits = 0;
  vm.pool_.free_state(state);
}

Next Interpreter::leave_fiber(Value value) {
  Fiber* fiber = current();
  const FiberRole role = fs->role;
  const bool budget = fs->has_budget();
  const Value parent = fiber->parent;
  if (role == FiberRole::Task) {
    result = value;
    outcome = Outcome::Returned;
    finish_fiber(fiber);
    return Next::Exit;
  }
  finish_fiber(fiber);
  set_current(parent);  // the finished fiber has no stack left to remember
  if (budget) new_slice();
  if (role == FiberRole::Stepped) return deliver(report("done", value));
  return deliver(value);
}

Value Interpreter::new_fiber(Value thunk, FiberRole role) {
  if (!is_closure(thunk)) return cx.fail_type("fiber", "function", thunk);
  const Function& fn = *as_closure(thunk)->function();
  if (fn.required != 0) {
    arity_error(fn, 0);
    return Value::unset();
  }
  Root root(cx.heap, thunk);
  auto* fiber = static_cast<Fiber*>(cx.heap.alloc(Kind::Fiber, 5));
  fiber->state_bits = 0;
  fiber->parent = Value::nil();
  fiber->handler = Value::nil();
  fiber->dynamic = vm.current_.is_nil() ? Value::empty_list() : current()->dynamic;
  FiberState* state = vm.pool_.new_state();
  state->role = role;
  fiber->state_bits = reinterpret_cast<std::uintptr_t>(state);
  std::uint32_t room = fn.registers + kCallControl + 1;
  if (role == FiberRole::Task && room < kSegmentSlotsTask) room = kSegmentSlotsTask;
  Segment* segment = vm.pool_.take(room, nullptr);
  state->top = segment;
  state->stack_bytes = segment->capacity * sizeof(Value);
  Value* slots = segment->slots();
  slots[0] = root;
  slots[1] = Value::small_int(0);
  slots[2] = Value::small_int(kLinkFiber);
  state->base = slots + kCallControl;
  state->pc = fn.code;
  cx.heap.register_special(fiber);
  if (!fn.simple) {
    // Optional, key and rest parameters of a thunk start out not given.
    Root fiber_root(cx.heap, Value::object(fiber));
    const int count = fn.parameters();
    for (int i = 0; i < count; ++i) state->base[i] = Value::unset();
    if (fn.rest) state->base[count - 1] = Value::empty_list();
    return fiber_root;
  }
  return Value::object(fiber);
}

Next Interpreter::with_handler(std::uint8_t a, Value handler, Value thunk) {
  if (!is_closure(handler))
    return fail("type-error", str("with-handler: Expected a function (fn (request k) …), got ",
                                  type_name(handler)));
  const Function& fn = *as_closure(handler)->function();
  if (fn.required > 2 || (!fn.rest && fn.required + fn.optional < 2))
    return fail("arity-error", str("with-handler: Expected a function of the request and its "
                                   "continuation, got one with the usage ",
                                   fn.usage));
  if (nests_too_deep()) return limit_error(depth_setter(), "depth");
  Root handler_root(cx.heap, handler);
  const Value child = new_fiber(thunk, FiberRole::Handled);
  if (child.is_unset()) return Next::Raise;
  Fiber* fiber = as_fiber(child);
  fiber->handler = handler_root;
  fiber->parent = vm.current_;
  fs->dest = a;
  switch_to(child);
  fs->status = FiberStatus::Running;
  return Next::Run;
}

bool Interpreter::has_pending_cleanup(Value inner, Value outer) const {
  for (Value at = inner;; at = as_fiber(at)->parent) {
    if (fiber_has_cleanup(as_fiber(at)->state(), false)) return true;
    if (at == outer) return false;
  }
}

// The fibers from the current one to `outer` are k's; the handler that outer runs under is called.
SX_INLINE Next Interpreter::hand_over(Continuation* k, Value outer, Value request, bool budget) {
  Fiber* const performer = current();
  Fiber* const last = as_fiber(outer);
  k->aux = budget ? 1 : 0;
  k->used = 0;
  k->reserved = 0;
  k->inner = vm.current_;
  k->outer = outer;
  const Value parent = last->parent;
  const Value handler = last->handler;
  last->parent = Value::nil();
  cx.heap.fiber_touched(performer);
  set_current(parent);
  if (budget) new_slice();
  FiberState* const state = fs;
  state->status = FiberStatus::Running;
  // The continuation stays in r[dest]; the handler's window starts above it.
  Value* const base = state->base;
  Value* const slot = base + state->dest;
  slot[0] = Value::object(k);
  if (is_closure(handler)) {
    const Function& fn = *as_closure(handler)->function();
    Value* const frame = slot + 1 + kCallControl;
    if (fn.simple && fn.required == 2 && frame + fn.registers <= state->top->end()) {
      // As nearly always: the arguments go straight to their registers.
      slot[1] = handler;
      frame[-2] = Value::small_int(0);
      frame[-2].bits |= reinterpret_cast<std::uintptr_t>(state->pc);
      frame[-1] = Value::small_int(
          static_cast<std::int64_t>(static_cast<std::uint32_t>(frame - base) | kLinkHandler));
      frame[0] = request;
      frame[1] = Value::object(k);
      state->base = frame;
      state->pc = fn.code;
      return --fuel > 0 ? Next::Run : check_fuel();
    }
  }
  return call_handler(slot, handler, request);
}

// A handler that is no function of just two parameters, or has no room: slot[0] is the
// continuation.
__attribute__((noinline)) Next Interpreter::call_handler(Value* slot, Value handler,
                                                         Value request) {
  std::vector<Value>& args = vm.apply_buffer_;
  args.assign({request, slot[0]});
  const Value* const base = fs->base;
  const Next next = enter(slot + 1, handler, args.data(), 2, false, kLinkHandler);
  args.clear();
  // No room for the handler's frame: its continuation ends, then the limit goes on.
  if (next == Next::Raise && fs->base == base && !skip_cleanups)
    cancel_unresumed(slot + 1, vm.unwind_stub_, unwind_token());
  return next;
}

namespace {
constexpr std::uint32_t kContinuationWords = 4;
}

Next Interpreter::perform(std::uint8_t a, Value request) {
  fs->dest = a;
  fs->status = FiberStatus::Suspended;
  if (fs->role != FiberRole::Handled || cx.heap.is_full(kContinuationWords))
    return perform_outwards(request);
  auto* k = static_cast<Continuation*>(cx.heap.alloc(Kind::Continuation, kContinuationWords));
  return hand_over(k, vm.current_, request, false);
}

// The same where there are limits on the way, the host or a stepping fiber answers, or the nursery
// is full.
__attribute__((noinline)) Next Interpreter::perform_outwards(Value request) {
  const Value inner = vm.current_;
  bool budget = false;
  Value at = inner;
  while (as_fiber(at)->state()->role == FiberRole::Limited) {
    budget = budget || as_fiber(at)->state()->has_budget();
    at = as_fiber(at)->parent;
  }
  switch (as_fiber(at)->state()->role) {
    case FiberRole::Task:
      settle();
      result = request;
      outcome = Outcome::Suspended;
      return Next::Exit;
    case FiberRole::Stepped: {
      settle();
      Fiber* stepped = as_fiber(at);
      stepped->handler = inner;
      cx.heap.write_barrier(stepped, inner);
      stepped->state()->status = FiberStatus::Suspended;
      const Value parent = stepped->parent;
      stepped->parent = Value::nil();
      switch_to(parent);
      new_slice();
      return deliver(report("request", request));
    }
    default:
      break;
  }
  if (budget) settle();
  Root request_root(cx.heap, request);
  Root outer_root(cx.heap, at);
  auto* k = static_cast<Continuation*>(cx.heap.alloc(Kind::Continuation, kContinuationWords));
  return hand_over(k, outer_root, request_root, budget);
}

__attribute__((noinline)) Next Interpreter::not_resumable(Value k) {
  if (!is_kind(k, Kind::Continuation))
    return fail("type-error", str("resume: Expected continuation, got ", type_name(k)));
  return fail("one-shot",
              "resume: this continuation was already resumed or cancelled; copy it "
              "with fiber/copy before to resume it more than once");
}

Next Interpreter::resume(std::uint8_t a, Value k, Value v, Resuming how) {
  if (!is_kind(k, Kind::Continuation) || as_continuation(k)->used != 0) return not_resumable(k);
  Continuation* continuation = as_continuation(k);
  continuation->used = 1;
  const Value inner = continuation->inner;
  Fiber* const outer = as_fiber(continuation->outer);
  const bool budget = continuation->aux != 0;
  if (budget) settle();
  FiberState* const left = fs;
  left->dest = a;
  if (how == Resuming::Tail) {
    Value* const base = left->base;
    const auto link = static_cast<std::uint32_t>(base[-1].bits);
    const std::uint32_t flags = link & ~kLinkDelta;
    const bool own_handler = flags == kLinkHandler && as_continuation(base[-4])->used != 0;
    if (flags == 0 || own_handler) {
      // The frame goes, as by pop_frame, and the continuation below that of its handler.
      left->pc = reinterpret_cast<const std::uint32_t*>(
          static_cast<std::uintptr_t>(base[-2].bits & kPayloadMask));
      left->base = base - (link & kLinkDelta);
      left->dest =
          static_cast<std::uint8_t>((link & kLinkDelta) - kCallControl - (own_handler ? 1 : 0));
    } else {
      // The frame ends its segment or fiber: it stays, as one that returns its register 0.
      left->pc = vm.return_stub_.code;
      left->dest = 0;
    }
  }
  const Value resumer = vm.current_;
  outer->parent = resumer;
  cx.heap.link_barrier(outer, resumer.as_object());
  cx.heap.fiber_touched(resumer.as_object());
  set_current(inner);
  if (budget) new_slice();
  FiberState* const state = fs;
  state->status = FiberStatus::Running;
  if (how == Resuming::Raise) {
    cx.error = v;
    unwinding = Unwind::Raise;
    return Next::Raise;
  }
  if (state->dest != kNoDest) state->base[state->dest] = v;
  if (state->back_edge) take_back_edge();
  return Next::Run;
}

Next Interpreter::fiber_step(std::uint8_t a, Value fiber_value, Value value, Value budget) {
  if (!is_kind(fiber_value, Kind::Fiber))
    return fail("type-error", str("fiber/step: Expected fiber, got ", type_name(fiber_value)));
  Fiber* fiber = as_fiber(fiber_value);
  FiberState* state = fiber->state();
  if (!state) return fail("fiber-error", "fiber/step: this fiber has finished");
  if (state->role != FiberRole::Stepped || state->status == FiberStatus::Running)
    return fail("fiber-error", "fiber/step: this fiber is running");
  std::int64_t fuel_budget = -1;
  if (!budget.is_nil() && (!to_int64(budget, fuel_budget) || fuel_budget < 0))
    return fail("type-error", "fiber/step: Expected fuel as an integer from 0 or nil");
  settle();
  fs->dest = a;
  fiber->parent = vm.current_;
  cx.heap.write_barrier(fiber, vm.current_);
  state->fuel_left = fuel_budget;
  const bool fresh = state->status == FiberStatus::Fresh;
  state->status = FiberStatus::Running;
  const Value inner = fiber->handler.is_nil() ? fiber_value : fiber->handler;
  fiber->handler = Value::nil();
  switch_to(inner);
  new_slice();
  if (fresh) return fuel > 0 ? Next::Run : check_fuel();
  const Next next = deliver(value);
  return next == Next::Run && fuel <= 0 ? check_fuel() : next;
}

Next Interpreter::cancel_chain(Value inner, Value outer, Value error) {
  settle();
  Fiber* outer_fiber = as_fiber(outer);
  outer_fiber->parent = vm.current_;
  cx.heap.write_barrier(outer_fiber, vm.current_);
  // Where a Stepped fiber goes on; a handler stays in force for the cleanups.
  if (outer_fiber->state()->role == FiberRole::Stepped) outer_fiber->handler = Value::nil();
  outer_fiber->state()->status = FiberStatus::Running;
  switch_to(inner);
  new_slice();
  unwinding = Unwind::Cancel;
  unwind_target = mark_of(outer);
  cx.error = error;
  return Next::Raise;
}

Next Interpreter::fiber_cancel(std::uint8_t a, Value target, Value error) {
  fs->dest = a;
  if (is_kind(target, Kind::Continuation)) {
    Continuation* k = as_continuation(target);
    if (k->used != 0) return deliver(Value::nil());
    k->used = 1;
    return cancel_chain(k->inner, k->outer, error);
  }
  if (!is_kind(target, Kind::Fiber))
    return fail("type-error", str("fiber/cancel: Expected fiber, got ", type_name(target)));
  Fiber* fiber = as_fiber(target);
  FiberState* state = fiber->state();
  if (!state) return deliver(Value::nil());
  if (state->status == FiberStatus::Running)
    return fail("fiber-error", "fiber/cancel: this fiber is running");
  if (state->status == FiberStatus::Fresh) {
    Root error_root(cx.heap, error);
    finish_fiber(fiber);
    return deliver(report("raised", error_root));
  }
  const Value inner = fiber->handler.is_nil() ? target : fiber->handler;
  // What the last step left of its fuel says nothing about the cleanups.
  if (state->fuel_left >= 0) state->fuel_left = kReserveFuel;
  return cancel_chain(inner, target, error);
}

// --- limits and fuel ---------------------------------------------------------------------------

Next Interpreter::limited(std::uint8_t a, Value thunk, Value limits) {
  if (!is_dict(limits))
    return fail("type-error",
                str("with-limits: Expected a dict {:fuel :heap :depth}, got ", type_name(limits)));
  std::int64_t amounts[3] = {-1, -1, -1};
  const char* const names[3] = {"fuel", "heap", "depth"};
  std::uint32_t known = 0;
  for (int i = 0; i < 3; ++i) {
    const Value v = dict_get(cx, limits, cx.keyword(names[i]));
    if (!v.is_unset()) ++known;
    if (v.is_unset() || v.is_nil()) continue;
    if (!to_int64(v, amounts[i]) || amounts[i] < 0)
      return fail("type-error",
                  str("with-limits: Expected :", names[i], " as an integer from 0, got ",
                      print(cx, v, {.bytes_max = 80})));
  }
  if (known < dict_count(limits))
    return fail("value-error", str("with-limits: Expected the limits :fuel, :heap and :depth, got ",
                                   print(cx, limits, {.bytes_max = 120})));
  const Value child = new_fiber(thunk, FiberRole::Limited);
  if (child.is_unset()) return Next::Raise;
  settle();
  Fiber* fiber = as_fiber(child);
  FiberState* state = fiber->state();
  state->fuel_left = amounts[0];
  // Sizes have 32 bits in WebAssembly.
  const auto bytes = [](std::int64_t n) {
    return static_cast<std::size_t>(n < kBytesMax ? n : kBytesMax);
  };
  if (amounts[1] >= 0) state->heap_limit = cx.heap.used_bytes() + bytes(amounts[1]) + 1;
  if (amounts[2] >= 0) state->depth_bytes_max = bytes(amounts[2]) + 1;
  fiber->parent = vm.current_;
  fs->dest = a;
  switch_to(child);
  fs->status = FiberStatus::Running;
  new_slice();
  return fuel > 0 ? Next::Run : check_fuel();
}

// The fiber whose depth limit is exceeded, the outermost one; the task for that of the VM. nil:
// none.
Value Interpreter::depth_setter() const {
  Value setter = Value::nil();
  std::size_t bytes = 0;
  for (Value at = vm.current_; !at.is_nil(); at = as_fiber(at)->parent) {
    const FiberState* state = as_fiber(at)->state();
    bytes += state->stack_bytes;
    std::size_t limit = state->depth_bytes_max;
    if (state->role == FiberRole::Task) limit = vm.stack_bytes_max_;
    if (limit != 0 && bytes > limit + (state->on_reserve ? kReserveBytes : 0)) setter = at;
  }
  return setter;
}

// The same for the heap, after a collection: somebody's limit is exceeded.
Value Interpreter::heap_setter() const {
  const std::size_t used = cx.heap.used_bytes();
  Value setter = Value::nil();
  for (Value at = vm.current_;; at = as_fiber(at)->parent) {
    const FiberState* state = as_fiber(at)->state();
    if (state->heap_limit != 0 && used > state->heap_limit) setter = at;
    if (state->role == FiberRole::Task) return setter.is_nil() ? at : setter;
  }
}

// Handlers nest as calls do, each in a fiber with a stack of its own. The whole chain is looked at
// only when it may have grown by a quarter, so that entering a handler stays cheap.
bool Interpreter::nests_too_deep() {
  if (++vm.fibers_entered_ < vm.fibers_check_at_) return false;
  std::uint64_t count = 0;
  for (Value at = vm.current_; !at.is_nil(); at = as_fiber(at)->parent) ++count;
  vm.fibers_check_at_ = vm.fibers_entered_ + (count / 4 > 16 ? count / 4 : 16);
  return !depth_setter().is_nil();
}

// Raises the limit error that only the setter sees. Cleanups on the way run on a reserve; what is
// ended already and exceeds that as well is left without further cleanups.
Next Interpreter::limit_error(Value setter, std::string_view what) {
  const bool again = as_fiber(setter)->state()->on_reserve;
  if (again) {
    for (Value at = setter; !at.is_nil(); at = as_fiber(at)->parent)
      if (as_fiber(at)->state()->on_reserve) setter = at;
  } else {
    const std::size_t heap_reserve = cx.heap.used_bytes() + kReserveBytes;
    for (Value at = vm.current_;; at = as_fiber(at)->parent) {
      FiberState* state = as_fiber(at)->state();
      state->on_reserve = true;
      if (state->fuel_left >= 0 && state->fuel_left < kReserveFuel) state->fuel_left = kReserveFuel;
      if (state->heap_limit != 0 && state->heap_limit < heap_reserve)
        state->heap_limit = heap_reserve;
      if (at != setter) continue;
      if (what == "heap") state->heap_limit = heap_reserve;
      break;
    }
  }
  unwind_target = mark_of(setter);
  new_slice();
  const Field data[] = {{"limit", cx.keyword(what)}};
  const Value details = make_dict(cx, data);
  cx.fail("limit", str("The ", what, " limit of this run was exceeded"), details);
  unwinding = Unwind::Limit;
  skip_cleanups = again;
  return Next::Raise;
}

// Charges what was used since the slice began to everybody whose budget is running.
void Interpreter::settle() {
  const std::int64_t used = slice - fuel - cx.fuel;
  cx.fuel = 0;
  slice = fuel;
  host_fuel -= used;
  for (Value at = vm.current_; !at.is_nil(); at = as_fiber(at)->parent) {
    FiberState* state = as_fiber(at)->state();
    if (state && state->fuel_left >= 0) {
      state->fuel_left -= used;
      if (state->fuel_left < 0) state->fuel_left = 0;
    }
  }
}

void Interpreter::new_slice() {
  std::int64_t least = host_fuel < kSliceMax ? host_fuel : kSliceMax;
  std::size_t heap = vm.heap_limit_;
  bool own_heap = false;
  for (Value at = vm.current_; !at.is_nil(); at = as_fiber(at)->parent) {
    const FiberState* state = as_fiber(at)->state();
    if (state->fuel_left >= 0 && state->fuel_left < least) least = state->fuel_left;
    if (state->heap_limit == 0) continue;
    // A reserve outranks the limits around it, the VM's own included.
    if (!own_heap ? heap == 0 || state->heap_limit < heap || state->on_reserve
                  : state->heap_limit < heap)
      heap = state->heap_limit;
    own_heap = true;
  }
  if (least < 0) least = 0;
  slice = fuel = least;
  if (heap != cx.heap.limit()) cx.heap.set_limit(heap);
}

// At a safe point with the state saved and no value awaited.
Next Interpreter::check_fuel() {
  settle();
  if (cx.heap.over_limit()) {
    cx.heap.collect_full();
    if (cx.heap.over_limit()) return limit_error(heap_setter(), "heap");
  }
  // The outermost budget that ran out decides.
  Value spent = Value::nil();
  for (Value at = vm.current_; !at.is_nil(); at = as_fiber(at)->parent)
    if (as_fiber(at)->state()->fuel_left == 0) spent = at;
  if (!spent.is_nil()) {
    Fiber* fiber = as_fiber(spent);
    if (fiber->state()->role == FiberRole::Limited) return limit_error(spent, "fuel");
    fs->dest = kNoDest;
    fs->status = FiberStatus::Suspended;
    if (spent != vm.current_) {
      // A fiber that was being stepped goes on only with the one that steps it.
      fs->status = FiberStatus::Running;
      fiber->handler = vm.current_;
      cx.heap.write_barrier(fiber, vm.current_);
    }
    fiber->state()->status = FiberStatus::Suspended;
    const Value parent = fiber->parent;
    fiber->parent = Value::nil();
    switch_to(parent);
    new_slice();
    return deliver(report("out-of-fuel", Value::tru()));
  }
  if (host_fuel <= 0) {
    fs->dest = kNoDest;
    outcome = Outcome::OutOfFuel;
    return Next::Exit;
  }
  new_slice();
  return kAfterSlice;
}

// At a Loop, pc behind it. The jump is taken when the fiber goes on; a limit error unwinds from
// here.
Next Interpreter::check_back_edge() {
  FiberState* const looping = fs;
  looping->back_edge = true;
  const Next next = check_fuel();
  if ((next == Next::Run || next == Next::Again) && fs == looping) take_back_edge();
  return next;
}

void Interpreter::take_back_edge() {
  if (!fs->back_edge) return;
  fs->back_edge = false;
  fs->pc += ins_e(fs->pc[-1]);
}

}  // namespace sx
