#include "engine/vm/vm.h"

#include "engine/value/collections.h"
#include "engine/vm/interpreter.h"

namespace sx {

namespace {

void trace_fiber(Object* object, Visitor& visitor) {
  auto* fiber = static_cast<Fiber*>(object);
  visitor.visit(fiber->parent);
  visitor.visit(fiber->handler);
  visitor.visit(fiber->dynamic);
  if (FiberState* state = fiber->state()) trace_fiber_stack(state, visitor);
}

void release_fiber(Object* object) {
  auto* fiber = static_cast<Fiber*>(object);
  FiberState* state = fiber->state();
  if (!state) return;
  fiber->state_bits = 0;
  state->pool->free_dead_state(state);
}

}  // namespace

Vm::Vm(const VmConfig& config)
    : cx(config.heap, config.hash_seed),
      stack_bytes_max_(config.stack_bytes_max),
      heap_limit_(config.heap.limit_bytes) {
  cx.vm = this;
  pool_.set_heap(&cx.heap);
  cx.heap.set_special(Kind::Fiber, {trace_fiber, release_fiber});
  cx.heap.add_root_source(visit_roots, this);
  make_stub(return_stub_, Op::Return);
  make_stub(unwind_stub_, Op::EndCleanup);
  // (fn list) → (apply fn list): how the host starts any callable with any arguments.
  apply_stub_code_[0] = enc_abc(Op::Move, 2, 0);
  apply_stub_code_[1] = enc_abc(Op::Move, 5, 1);
  apply_stub_code_[2] = enc_abc(Op::TailApply, 2, 1);
  apply_stub_code_[3] = enc_abc(Op::Trap);
  apply_stub_.code = apply_stub_code_;
  apply_stub_.code_words = 4;
  apply_stub_.registers = 6;
  apply_stub_.required = 0;  // the two arguments are placed by start()
  apply_stub_.simple = true;
  apply_stub_.unit = &stub_unit_;
}

Vm::~Vm() { cx.heap.remove_root_source(this); }

void Vm::make_stub(Stub& stub, Op op) {
  stub.code[0] = enc_abc(op, 0);
  stub.function.code = stub.code;
  stub.function.code_words = 1;
  stub.function.registers = 2 + kCallControl;  // its operand, and the window of what it waits for
  stub.function.simple = true;
  stub.function.unit = &stub_unit_;
  auto* closure = static_cast<Closure*>(cx.heap.alloc_static(Kind::Closure, 2));
  closure->function_bits = reinterpret_cast<std::uintptr_t>(&stub.function);
  stub.closure = Value::object(closure);
}

void Vm::visit_roots(void* owner, Visitor& visitor) {
  Vm& vm = *static_cast<Vm*>(owner);
  visitor.visit(vm.cx.error);
  visitor.visit(vm.cx.copy_mark);
  visitor.visit(vm.scratch_);
  visitor.visit(vm.untaken_);
  visitor.visit(vm.current_);
  // The running fiber's stack changes without barriers; if it is young it is traced twice. A mark
  // comes to it through the fiber.
  if (!vm.current_.is_nil() && visitor.minor())
    if (FiberState* state = static_cast<Fiber*>(vm.current_.as_object())->state())
      trace_fiber_stack(state, visitor);
  for (Task& task : vm.tasks_) {
    visitor.visit(task.fiber);
    visitor.visit(task.inner);
    visitor.visit(task.result);
  }
  for (Value& v : vm.apply_buffer_) visitor.visit(v);
  for (Value& v : vm.bound_buffer_) visitor.visit(v);
  for (Pin* pin = vm.pins_; pin; pin = pin->next_) visitor.visit(pin->value_);
  for (Global& global : vm.globals.all()) visitor.visit(global.value);
  if (vm.running_) visitor.visit(vm.running_->result);
  vm.pool_.clear_spares();
}

Unit* Vm::link(std::unique_ptr<UnitImage> image) {
  units_.push_back(link_unit(cx, globals, std::move(image)));
  return units_.back().get();
}

Value Vm::closure_of(const Function& fn) {
  auto* closure = static_cast<Closure*>(cx.heap.alloc(Kind::Closure, 2));
  closure->function_bits = reinterpret_cast<std::uintptr_t>(&fn);
  return Value::object(closure);
}

TaskId Vm::start(Value function, const Value* args, int count) {
  Root fn_root(cx.heap, function);
  Root list(cx.heap, make_list(cx, {args, static_cast<std::size_t>(count)}));
  TaskId id;
  if (free_tasks_.empty()) {
    id = static_cast<TaskId>(tasks_.size());
    tasks_.emplace_back();
  } else {
    id = free_tasks_.back();
    free_tasks_.pop_back();
  }
  Root stub(cx.heap, closure_of(apply_stub_));
  Interpreter it(*this);
  const Value fiber = it.new_fiber(stub, FiberRole::Task);
  auto* object = static_cast<Fiber*>(fiber.as_object());
  object->dynamic = Value::empty_list();
  object->state()->base[0] = fn_root;
  object->state()->base[1] = list;
  cx.heap.fiber_touched(object);
  tasks_[id] = Task{fiber, fiber, Value::nil(), Task::Next::Continue};
  return id;
}

Outcome Vm::run(TaskId id, std::int64_t fuel) {
  Interpreter it(*this);
  Interpreter* const outer = running_;
  running_ = &it;
  it.set_current(tasks_[id].inner);
  it.host_fuel = fuel;
  cx.fuel = 0;
  it.slice = it.fuel = 0;
  it.new_slice();
  it.outcome = Outcome::Returned;
  switch (tasks_[id].next) {
    case Task::Next::Continue:
      it.take_back_edge();
      break;
    case Task::Next::Cancel:
      it.unwinding = Unwind::Cancel;
      it.unwind_target = it.mark_of(tasks_[id].fiber);
      [[fallthrough]];
    case Task::Next::Raise:
      cx.error = tasks_[id].result;
      it.outcome = Outcome::Raised;
      break;
  }
  tasks_[id].next = Task::Next::Continue;
  it.fs->status = FiberStatus::Running;
  const Outcome outcome = it.run_loop();
  it.settle();
  fuel_used_ = fuel - it.host_fuel;
  if (cx.heap.limit() != heap_limit_) cx.heap.set_limit(heap_limit_);
  Task& task = tasks_[id];
  task.result = it.result;
  task.inner = current_;
  cx.heap.fiber_touched(current_.as_object());
  current_ = Value::nil();
  running_ = outer;
  if (outcome == Outcome::Returned || outcome == Outcome::Raised) task.inner = Value::nil();
  return outcome;
}

Value Vm::result(TaskId task) const { return tasks_[task].result; }

void Vm::resume(TaskId id, Value value) {
  Task& task = tasks_[id];
  auto* fiber = static_cast<Fiber*>(task.inner.as_object());
  FiberState* state = fiber->state();
  if (state->dest != kNoDest) state->base[state->dest] = value;
  cx.heap.fiber_touched(fiber);
}

void Vm::resume_raise(TaskId id, Value error) {
  tasks_[id].result = error;
  tasks_[id].next = Task::Next::Raise;
}

void Vm::cancel(TaskId id, Value error) {
  tasks_[id].result = error;
  tasks_[id].next = Task::Next::Cancel;
}

void Vm::finish(TaskId id) {
  tasks_[id] = Task{};
  free_tasks_.push_back(id);
}

Vm::Pin::Pin(Vm& vm, Value v) : vm_(vm), value_(v), next_(vm.pins_) {
  if (next_) next_->previous_ = this;
  vm.pins_ = this;
}

Vm::Pin::~Pin() {
  if (previous_) {
    previous_->next_ = next_;
  } else {
    vm_.pins_ = next_;
  }
  if (next_) next_->previous_ = previous_;
}

Value Vm::backtrace_list(int frames_max) { return make_backtrace(*this, current_, frames_max); }

}  // namespace sx
