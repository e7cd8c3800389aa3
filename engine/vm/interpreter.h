// The machine state behind the run loop, and its slow paths. Internal to engine/vm.
//
// The run loop keeps base, pc, fuel in locals; before a slow path it saves them into the fiber
// state (fs) and the interpreter, afterwards it loads them again. Slow paths never recurse.
#pragma once

#include "engine/vm/vm.h"

namespace sx {

class RootList;

enum class Unwind : std::uint8_t { Raise, Limit, Cancel };

// What the run loop does after a slow path.
enum class Next : std::uint8_t {
  Run,    // load the state and go on
  Raise,  // unwind with `error`
  Exit,   // leave run() with `outcome`
  Again,  // leave the run loop and enter it anew: a slice has ended (WebAssembly)
};

// What resume does with the value, and whose frame it leaves.
enum class Resuming : std::uint8_t {
  Answer,  // the value is that of perform
  Raise,   // it is raised there
  Tail,    // Answer, and the frame that resumes is done
};

struct Interpreter {
  explicit Interpreter(Vm& vm) : vm(vm), cx(vm.cx) {}

  Vm& vm;
  Context& cx;
  FiberState* fs = nullptr;
  std::int64_t fuel = 0;   // calls and back edges left in this slice
  std::int64_t slice = 0;  // what fuel started at
  std::int64_t host_fuel = 0;
  Outcome outcome = Outcome::Returned;
  Value result = Value::nil();
  Unwind unwinding = Unwind::Raise;
  std::uint32_t unwind_target = 0;  // Limit, Cancel: mark of the fiber at whose end unwinding stops
  bool skip_cleanups = false;       // the reserve of a limit is used up too

  Fiber* current() const { return static_cast<Fiber*>(vm.current_.as_object()); }
  void set_current(Value fiber) {
    vm.current_ = fiber;
    fs = static_cast<Fiber*>(fiber.as_object())->state();
  }

  const void** labels() const { return vm.labels_; }
  Value current_value() const { return vm.current_; }
  std::uint32_t shape_of_keys(Value keys);

  Outcome run_loop();

  // call.cpp — the callee is in window[0], arguments from window[3].
  Next call(Value* window, int count, bool tail);
  Next apply(Value* window, int count, bool tail);
  Next enter(Value* window, Value callee, const Value* args, int count, bool tail,
             std::uint32_t extra_flags);
  bool arrange(const Function& fn, const Value* args, int count, Value* out);
  Value* place_frame(Value* window, const Function& fn, std::uint32_t flags);
  Value* pop_frame();  // to the caller's frame; the slot for the result
  Next fail(std::string_view kind, std::string_view message, Value data = Value::nil());
  Next arity_error(const Function& fn, int count);
  Next not_callable(Value callee);
  Next not_numbers(std::uint32_t word);
  Next unbound(const Global& global);
  Value parameter_value(Value parameter) const;

  // effects.cpp
  Next return_slow(Value value);  // Return through a flagged link
  bool cancel_unresumed(Value* window, const Vm::Stub& then, Value operand);
  Next leave_fiber(Value value);    // the current fiber's first frame returned
  Next deliver(Value v);            // r[dest] of the current fiber's top frame := v
  void finish_fiber(Fiber* fiber);  // its stack goes; budgets and limits are put back
  Value new_fiber(Value thunk, FiberRole role);
  Next with_handler(std::uint8_t a, Value handler, Value thunk);
  Next perform(std::uint8_t a, Value request);
  Next perform_outwards(Value request);
  Next hand_over(Continuation* k, Value outer, Value request, bool budget);
  Next call_handler(Value* slot, Value handler, Value request);
  Next resume(std::uint8_t a, Value k, Value v, Resuming how);
  Next not_resumable(Value k);
  Next fiber_step(std::uint8_t a, Value fiber, Value value, Value budget);
  Next fiber_cancel(std::uint8_t a, Value fiber_or_k, Value error);
  Next fiber_copy(std::uint8_t a, Value fiber_or_k);
  void copy_chain(Value inner, Value outer, bool stepped, RootList& copies);
  void copy_held_continuations(RootList& copies, std::size_t index);
  Value make_continuation(const Root& original, const Root& inner, const Root& outer);
  Next limited(std::uint8_t a, Value thunk, Value limits);
  Next check_fuel();
  Next check_back_edge();
  void take_back_edge();
  void settle();
  void new_slice();
  void switch_to(Value fiber);  // current := fiber, the old one is remembered
  bool has_pending_cleanup(Value inner, Value outer) const;
  Next cancel_chain(Value inner, Value outer, Value error);
  Next limit_error(Value setter, std::string_view what);
  Value depth_setter() const;
  Value heap_setter() const;
  bool nests_too_deep();
  Value report(std::string_view key, Value v);  // {:key v}

  // unwind.cpp
  Next unwind(Value error);
  bool land_in_guard(Value error);
  Next end_cleanup(Value token);
  Value setter_of_heap_refusal(Value error);
  Value unwind_token();
  std::uint32_t mark_of(Value fiber);
  bool resume_unwinding_of_failed_cleanup();
  Value add_trace(Value error);
};

// Takes the last `count` frames' description; innermost first.
Value make_backtrace(Vm& vm, Value fiber, int frames_max);
// Line and column of a word index in a function; 0 when unknown.
LineEntry position_at(const Function& fn, std::uint32_t pc_index);

}  // namespace sx
