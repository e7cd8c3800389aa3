// Errors, cleanups, effects, fibers, limits.
#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/reference/machine.h"
#include "engine/value/collections.h"

namespace sx::reference {

namespace {

constexpr std::int64_t kReserveFuel = 200'000;

Continuation* continuation_of(Value v) { return static_cast<Continuation*>(v.as_object()); }

}  // namespace

Fiber* Machine::fiber_of(Value v) const {
  return reinterpret_cast<Fiber*>(
      static_cast<std::uintptr_t>(static_cast<sx::Fiber*>(v.as_object())->state_bits));
}

Fiber* Machine::new_fiber(Role role) {
  Fiber* fiber = make<Fiber>();
  fiber->role = role;
  fiber->dynamic = current_ && role != Role::Task ? current_->dynamic : Value::empty_list();
  auto* object = static_cast<sx::Fiber*>(cx_.heap.alloc(Kind::Fiber, 5));
  object->state_bits = reinterpret_cast<std::uintptr_t>(fiber);
  object->parent = object->handler = object->dynamic = Value::nil();
  fiber->self = Value::object(object);
  return fiber;
}

void Machine::finish(Fiber* fiber) {
  static_cast<sx::Fiber*>(fiber->self.as_object())->state_bits = 0;
}

void Machine::enter_fiber(Fiber* fiber) {
  settle();
  fiber->parent = current_;
  fiber->status = Status::Running;
  current_ = fiber;
  new_slice();
}

Value Machine::report(std::string_view key, Value v) {
  const Field fields[] = {{key, v}};
  return make_dict(cx_, fields);
}

// The fiber's last frame returned.
void Machine::leave_fiber(Value v) {
  Fiber* const fiber = current_;
  settle();
  finish(fiber);
  if (fiber->role == Role::Task) {
    state_ = State::Ended;
    return;
  }
  current_ = fiber->parent;
  new_slice();
  give(fiber->role == Role::Stepped ? report("done", v) : v);
}

// --- unwinding -------------------------------------------------------------------------------

void Machine::raise(Value error) {
  const Value key = cx_.keyword("trace");
  if (is_dict(error) && dict_get(cx_, error, key).is_nil())
    error = dict_put(cx_, error, key, Value::empty_list());
  start_unwinding({Unwind::Raise, 0, error});
}

void Machine::start_unwinding(UnwindState state) {
  unwind_ = state;
  state_ = State::Unwind;
}

// Takes one frame off, or ends the fiber.
void Machine::unwind_step() {
  Frame* const frame = current_->k;
  if (frame) {
    current_->k = frame->next;
    switch (frame->kind) {
      case FrameKind::Guard:
        if (unwind_.kind != Unwind::Raise) return;
        return clauses(cdr(frame->x), unwind_.error,
                       bind(frame->env, car(frame->x).id(), unwind_.error));
      case FrameKind::Cleanup:
        if (skip_cleanups_) return;
        push(FrameKind::Unwinding)->unwind = unwind_;
        return eval_body(frame->x, frame->env);
      case FrameKind::Unwinding:
        // The error of a cleanup is dropped when a limit or a cancellation runs the cleanup.
        if (unwind_.kind == Unwind::Raise && frame->unwind.kind != Unwind::Raise)
          unwind_ = frame->unwind;
        return;
      case FrameKind::Dynamic:
        current_->dynamic = frame->x;
        return;
      case FrameKind::HandlerRun: {
        // A handler is left without having resumed: its continuation ends first.
        Continuation* k = continuation_of(frame->x);
        if (skip_cleanups_ || k->used != 0 || !has_cleanup(fiber_of(k->inner), fiber_of(k->outer)))
          return;
        k->used = 1;
        push(FrameKind::Unwinding)->unwind = unwind_;
        return cancel_chain(fiber_of(k->inner), fiber_of(k->outer), unwind_.error);
      }
      default:
        return;
    }
  }
  Fiber* const fiber = current_;
  const bool target = unwind_.kind != Unwind::Raise && fiber->mark == unwind_.target;
  settle();
  finish(fiber);
  if (fiber->role == Role::Task) {
    state_ = State::Failed;
    return;
  }
  current_ = fiber->parent;
  new_slice();
  if (target) {
    skip_cleanups_ = false;
    if (unwind_.kind == Unwind::Cancel)
      return give(fiber->role == Role::Stepped ? report("raised", unwind_.error) : Value::nil());
    unwind_.kind = Unwind::Raise;
    return;
  }
  if (fiber->role == Role::Stepped && unwind_.kind == Unwind::Raise)
    give(report("raised", unwind_.error));
}

// Is any frame of the chain inside a protect? held: or of the continuations that handlers at work
// in it still have to resume?
bool Machine::has_cleanup(Fiber* inner, Fiber* outer, bool held) const {
  for (Fiber* fiber = inner;; fiber = fiber->parent) {
    for (const Frame* frame = fiber->k; frame; frame = frame->next) {
      if (frame->kind == FrameKind::Cleanup) return true;
      if (!held || frame->kind != FrameKind::HandlerRun) continue;
      const Continuation* k = continuation_of(frame->x);
      if (k->used == 0 && has_cleanup(fiber_of(k->inner), fiber_of(k->outer), true)) return true;
    }
    if (fiber == outer) return false;
  }
}

// --- handlers --------------------------------------------------------------------------------

bool Machine::check_thunk(Value thunk) {
  if (!is_closure(thunk)) {
    cx_.fail_type("fiber", "function", thunk);
    return raise_pending(), false;
  }
  auto& fn = *static_cast<Lambda*>(as_closure(thunk)->function());
  if (!fn.required.empty()) return arity_error(fn, 0), false;
  return true;
}

void Machine::start_handler(Value handler, Fiber*& child) {
  if (!is_closure(handler))
    return fail("type-error", str("with-handler: Expected a function (fn (request k) …), got ",
                                  type_name(handler)));
  const auto& fn = *static_cast<Lambda*>(as_closure(handler)->function());
  if (fn.required.size() > 2 || (!fn.has_rest && fn.required.size() + fn.optional.size() < 2))
    return fail("arity-error", str("with-handler: Expected a function of the request and its "
                                   "continuation, got one with the usage ",
                                   fn.usage_text));
  child = new_fiber(Role::Handled);
  child->handler = handler;
}

void Machine::perform(Value request) {
  Fiber* const inner = current_;
  Fiber* outer = inner;
  while (outer->role == Role::Limited) outer = outer->parent;
  if (outer->role == Role::Task) return host_request(request);
  settle();
  Fiber* const parent = outer->parent;
  outer->parent = nullptr;
  outer->status = Status::Suspended;
  current_ = parent;
  new_slice();
  if (outer->role == Role::Stepped) {
    outer->inner = inner;
    return give(report("request", request));
  }
  const Value k = continuation(inner, outer);
  push(FrameKind::HandlerRun)->x = k;
  std::vector<Value> args{request, k};
  apply(outer->handler, args);
}

void Machine::resume(Value k_value, Value v, bool raises) {
  k_value = as_held(k_value);
  if (!is_kind(k_value, Kind::Continuation))
    return fail("type-error", str("resume: Expected continuation, got ", type_name(k_value)));
  Continuation* k = continuation_of(k_value);
  if (k->used != 0)
    return fail("one-shot",
                "resume: this continuation was already resumed or cancelled; copy it "
                "with fiber/copy before to resume it more than once");
  k->used = 1;
  // A handler whose last step this is leaves nothing behind.
  if (current_->k && current_->k->kind == FrameKind::HandlerRun &&
      continuation_of(current_->k->x)->used != 0)
    current_->k = current_->k->next;
  settle();
  Fiber* const outer = fiber_of(k->outer);
  outer->parent = current_;
  outer->status = Status::Running;
  current_ = fiber_of(k->inner);
  new_slice();
  if (raises) return raise(v);
  give(v);
}

void Machine::host_request(Value request) {
  const Value op = is_dict(request) ? dict_get(cx_, request, cx_.keyword("op")) : Value::nil();
  const Value args = is_dict(request) ? dict_get(cx_, request, cx_.keyword("args")) : Value::nil();
  if (is_string(op) && as_string(op)->view() == "console/write" && is_pair(args)) {
    out_.append(as_string(car(args))->view());
    return give(Value::nil());
  }
  fail("io-error", str("The reference evaluator has no servicer for ", print(cx_, request)));
}

// --- fibers ----------------------------------------------------------------------------------

void Machine::fiber_new(Value thunk) {
  if (!check_thunk(thunk)) return;
  Fiber* const fiber = new_fiber(Role::Stepped);
  fiber->thunk = thunk;
  give(fiber->self);
}

void Machine::fiber_step(Value fiber_value, Value v, Value budget) {
  if (!is_kind(fiber_value, Kind::Fiber))
    return fail("type-error", str("fiber/step: Expected fiber, got ", type_name(fiber_value)));
  Fiber* const fiber = fiber_of(fiber_value);
  if (!fiber) return fail("fiber-error", "fiber/step: this fiber has finished");
  if (fiber->role != Role::Stepped || fiber->status == Status::Running)
    return fail("fiber-error", "fiber/step: this fiber is running");
  std::int64_t fuel = -1;
  if (!budget.is_nil() && (!to_int64(budget, fuel) || fuel < 0))
    return fail("type-error", "fiber/step: Expected fuel as an integer from 0 or nil");
  settle();
  fiber->fuel_left = fuel;
  fiber->parent = current_;
  const bool fresh = fiber->status == Status::Fresh;
  fiber->status = Status::Running;
  current_ = fiber->inner ? fiber->inner : fiber;
  fiber->inner = nullptr;
  new_slice();
  if (!fresh) return give(v);
  std::vector<Value> none;
  apply(fiber->thunk, none);
}

void Machine::cancel_chain(Fiber* inner, Fiber* outer, Value error) {
  settle();
  outer->parent = current_;
  if (outer->role == Role::Stepped) outer->inner = nullptr;
  outer->status = Status::Running;
  current_ = inner;
  new_slice();
  start_unwinding({Unwind::Cancel, mark_of(outer), error});
}

void Machine::fiber_cancel(Value target, Value error) {
  target = as_held(target);
  if (is_kind(target, Kind::Continuation)) {
    Continuation* k = continuation_of(target);
    if (k->used != 0) return give(Value::nil());
    k->used = 1;
    return cancel_chain(fiber_of(k->inner), fiber_of(k->outer), error);
  }
  if (!is_kind(target, Kind::Fiber))
    return fail("type-error", str("fiber/cancel: Expected fiber, got ", type_name(target)));
  Fiber* const fiber = fiber_of(target);
  if (!fiber) return give(Value::nil());
  if (fiber->role != Role::Stepped || fiber->status == Status::Running)
    return fail("fiber-error", "fiber/cancel: this fiber is running");
  if (fiber->status == Status::Fresh) {
    finish(fiber);
    return give(report("raised", error));
  }
  if (fiber->fuel_left >= 0) fiber->fuel_left = kReserveFuel;
  cancel_chain(fiber->inner ? fiber->inner : fiber, fiber, error);
}

void Machine::fiber_copy(Value source) {
  source = as_held(source);
  const bool is_k = is_kind(source, Kind::Continuation);
  if (!is_k && !is_kind(source, Kind::Fiber))
    return fail("type-error",
                str("fiber/copy: Expected fiber or continuation, got ", type_name(source)));
  Fiber* const fiber = is_k ? nullptr : fiber_of(source);
  if (is_k ? continuation_of(source)->used != 0 : !fiber || fiber->status == Status::Running)
    return fail(
        "fiber-error",
        "fiber/copy: only a suspended fiber can be copied; this one is running or has ended");
  Fiber* const inner = is_k           ? fiber_of(continuation_of(source)->inner)
                       : fiber->inner ? fiber->inner
                                      : fiber;
  Fiber* const outer = is_k ? fiber_of(continuation_of(source)->outer) : fiber;
  if (has_cleanup(inner, outer, true))
    return fail("fiber-error",
                "fiber/copy: the fiber is inside protect; its cleanup would run twice");
  Fiber *first = nullptr, *last = nullptr;
  copy_chain(inner, outer, first, last);
  if (is_k) return give(continuation(first, last));
  if (first != last) last->inner = first;
  give(last->self);
}

void Machine::copy_chain(Fiber* inner, Fiber* outer, Fiber*& first, Fiber*& last) {
  for (Fiber* from = inner;; from = from->parent) {
    Fiber* const copy = new_fiber(from->role);
    const Value self = copy->self;
    *copy = *from;
    copy->self = self;
    copy->parent = copy->inner = nullptr;
    if (last) last->parent = copy;
    if (!first) first = copy;
    last = copy;
    copy_held(copy);
    if (from == outer) break;
  }
}

// A handler in the middle of its work has its own continuation in each copy.
void Machine::copy_held(Fiber* copy) {
  std::vector<Frame*> frames;
  std::size_t changed = 0;
  for (Frame* frame = copy->k; frame; frame = frame->next) {
    frames.push_back(frame);
    if (frame->kind == FrameKind::HandlerRun && continuation_of(frame->x)->used == 0)
      changed = frames.size();
  }
  Frame* next = changed < frames.size() ? frames[changed] : nullptr;
  for (std::size_t i = changed; i > 0; --i) {
    Frame* const twin = make<Frame>();
    *twin = *frames[i - 1];
    twin->next = next;
    next = twin;
    if (twin->kind != FrameKind::HandlerRun || continuation_of(twin->x)->used != 0) continue;
    const Value original = twin->x;
    Fiber *first = nullptr, *last = nullptr;
    copy_chain(fiber_of(continuation_of(original)->inner),
               fiber_of(continuation_of(original)->outer), first, last);
    twin->x = continuation(first, last);
    Held* all = nullptr;
    for (const Held* held = copy->held; held; held = held->next) {
      Held* const again = make<Held>();
      *again = *held;
      if (held->copy == original) again->copy = twin->x;
      again->next = all;
      all = again;
    }
    Held* const held = make<Held>();
    held->original = original;
    held->copy = twin->x;
    held->next = all;
    copy->held = held;
  }
  copy->k = next;
}

Value Machine::continuation(Fiber* inner, Fiber* outer) {
  auto* k = static_cast<Continuation*>(cx_.heap.alloc(Kind::Continuation, 4));
  k->used = k->reserved = 0;
  k->inner = inner->self;
  k->outer = outer->self;
  return Value::object(k);
}

// What a continuation is in the fiber that names it: variables are not copied with a fiber.
Value Machine::as_held(Value k) const {
  for (const Fiber* fiber = current_; fiber; fiber = fiber->parent)
    for (const Held* held = fiber->held; held; held = held->next)
      if (held->original == k) return held->copy;
  return k;
}

// --- limits ----------------------------------------------------------------------------------

void Machine::start_limited(Value limits, Fiber*& child) {
  if (!is_dict(limits))
    return fail("type-error",
                str("with-limits: Expected a dict {:fuel :heap :depth}, got ", type_name(limits)));
  std::int64_t amounts[3] = {-1, -1, -1};
  const char* const names[3] = {"fuel", "heap", "depth"};
  std::uint32_t known = 0;
  for (int i = 0; i < 3; ++i) {
    const Value v = dict_get(cx_, limits, cx_.keyword(names[i]));
    if (!v.is_unset()) ++known;
    if (v.is_unset() || v.is_nil()) continue;
    if (!to_int64(v, amounts[i]) || amounts[i] < 0)
      return fail("type-error",
                  str("with-limits: Expected :", names[i], " as an integer from 0, got ",
                      print(cx_, v, {.bytes_max = 80})));
  }
  if (known < dict_count(limits))
    return fail("value-error", str("with-limits: Expected the limits :fuel, :heap and :depth, got ",
                                   print(cx_, limits, {.bytes_max = 120})));
  child = new_fiber(Role::Limited);
  child->fuel_left = amounts[0];
}

// A call was made: its body is about to be evaluated.
void Machine::charge() {
  if (++used_ >= budget_) check_fuel();
}

// Takes what was used from every budget that is running.
void Machine::settle() {
  for (Fiber* fiber = current_; fiber; fiber = fiber->parent)
    if (fiber->fuel_left >= 0)
      fiber->fuel_left = used_ < fiber->fuel_left ? fiber->fuel_left - used_ : 0;
  used_ = 0;
}

void Machine::new_slice() {
  budget_ = INT64_MAX;
  for (const Fiber* fiber = current_; fiber; fiber = fiber->parent)
    if (fiber->fuel_left >= 0 && fiber->fuel_left < budget_) budget_ = fiber->fuel_left;
}

void Machine::check_fuel() {
  settle();
  Fiber* spent = nullptr;  // the outermost one decides
  for (Fiber* fiber = current_; fiber; fiber = fiber->parent)
    if (fiber->fuel_left == 0) spent = fiber;
  if (!spent) return new_slice();
  if (spent->role == Role::Limited) return limit_error(spent, "fuel");
  // Suspended here: what it was about to do is done when it goes on.
  if (state_ == State::Eval) {
    push(FrameKind::Resume, env_)->x = list({form_});
  } else if (state_ == State::Return) {
    push(FrameKind::Deliver)->x = value_;
  }
  if (spent != current_) spent->inner = current_;
  spent->status = Status::Suspended;
  current_ = spent->parent;
  spent->parent = nullptr;
  new_slice();
  give(report("out-of-fuel", Value::tru()));
}

void Machine::limit_error(Fiber* setter, std::string_view what) {
  const bool again = setter->on_reserve;
  if (again) {
    for (Fiber* fiber = setter; fiber; fiber = fiber->parent)
      if (fiber->on_reserve) setter = fiber;
  } else {
    for (Fiber* fiber = current_;; fiber = fiber->parent) {
      fiber->on_reserve = true;
      if (fiber->fuel_left >= 0 && fiber->fuel_left < kReserveFuel) fiber->fuel_left = kReserveFuel;
      if (fiber == setter) break;
    }
  }
  new_slice();
  const Field data[] = {{"limit", cx_.keyword(what)}};
  const Value details = make_dict(cx_, data);
  cx_.fail("limit", str("The ", what, " limit of this run was exceeded"), details);
  skip_cleanups_ = again;
  start_unwinding({Unwind::Limit, mark_of(setter), cx_.error});
}

}  // namespace sx::reference
