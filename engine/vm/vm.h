// The virtual machine of one isolate: tasks, the run loop, effects. One heap, no threads, no host
// access: a request that no handler takes leaves run() as Outcome::Suspended and the host answers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/bytecode/unit.h"
#include "engine/gc/context.h"
#include "engine/vm/fiber.h"

namespace sx {

struct Interpreter;
class Tables;

enum class Outcome : std::uint8_t { Returned, Raised, Suspended, OutOfFuel };

struct VmConfig {
  HeapConfig heap;
  std::uint64_t hash_seed = 0x5eed5eed5eed5eedULL;
  std::size_t stack_bytes_max = std::size_t{512} << 20;  // all stacks of one task
};

using TaskId = std::uint32_t;

class Vm {
 public:
  explicit Vm(const VmConfig& config);
  ~Vm();
  Vm(const Vm&) = delete;

 private:
  StackPool pool_;  // before the heap, which gives the stacks of its fibers back when it goes

 public:
  Context cx;
  Globals globals;
  // What frozen fibers are stamped with; set by the engine.
  const Tables* tables = nullptr;

  // Takes a verified image into the VM and keeps it.
  Unit* link(std::unique_ptr<UnitImage> image);
  // A closure of a function without captures.
  Value closure_of(const Function& fn);

  // --- tasks: one fiber started by the host ---------------------------------------------------
  TaskId start(Value function, const Value* args, int count);
  // Runs until the task returns, raises, suspends on a request, or has used `fuel`.
  Outcome run(TaskId task, std::int64_t fuel);
  // What the last run() used of its fuel.
  std::int64_t fuel_used() const { return fuel_used_; }
  // The value returned, the error raised, or the request: what the last run() of the task ended
  // with.
  Value result(TaskId task) const;
  // Answers the request of a suspended task; run() goes on from there.
  void resume(TaskId task, Value value);
  void resume_raise(TaskId task, Value error);
  // Cleanups of the task run with the next run(); it ends Raised with `error`.
  void cancel(TaskId task, Value error);
  // The task's memory may go. Every started task is finished with exactly once.
  void finish(TaskId task);

  // Visited as roots: values the host keeps.
  class Pin {
   public:
    Pin(Vm& vm, Value v);
    ~Pin();
    Pin(const Pin&) = delete;
    Value get() const { return value_; }
    void set(Value v) { value_ = v; }

   private:
    friend class Vm;
    Vm& vm_;
    Value value_;
    Pin* previous_ = nullptr;
    Pin* next_ = nullptr;
  };

  // The backtrace of what a task just ended with, a value that has none in itself; nil: unknown.
  Value take_place_of(Value raised);
  // The innermost frame when such a value was raised last; "": none was.
  std::string raised_at() const;

  // "name (file:line:column)" per frame of the task, innermost first, at most `frames_max`.
  Value backtrace_list(int frames_max);

 private:
  friend struct Interpreter;
  friend struct FreezeAccess;  // freeze_code.h: units and stacks
  struct Task {
    Value fiber = Value::nil();  // the root fiber; unused slot when nil
    Value inner = Value::nil();  // the fiber to continue in
    Value result = Value::nil();
    enum class Next : std::uint8_t { Continue, Raise, Cancel } next = Next::Continue;
  };
  static void visit_roots(void* owner, Visitor& visitor);

  std::vector<std::unique_ptr<Unit>> units_;
  std::vector<Task> tasks_;
  std::vector<TaskId> free_tasks_;
  Pin* pins_ = nullptr;
  Interpreter* running_ = nullptr;  // the run() in progress

  // A function of the VM itself: one instruction on register 0, no source.
  struct Stub {
    std::uint32_t code[1];
    Function function;
    Value closure;
  };
  void make_stub(Stub& stub, Op op);

  Value current_ = Value::nil();         // running fiber
  Value scratch_ = Value::nil();         // a value between two allocations of a slow path
  Value untaken_ = Value::nil();         // (value . backtrace) of what nobody takes
  const Function* raised_in_ = nullptr;  // and where a value that is no error was raised last
  const std::uint32_t* raised_at_ = nullptr;
  std::vector<Value> apply_buffer_;  // arguments being spread
  std::vector<Value> bound_buffer_;  // arguments being arranged
  const void* labels_[256] = {};     // where each instruction's code is (computed goto)
  std::size_t stack_bytes_max_;
  std::size_t heap_limit_;  // of the isolate; with-limits only lowers it
  std::int64_t fuel_used_ = 0;
  std::uint32_t marks_ = 0;
  std::uint64_t fibers_entered_ = 0, fibers_check_at_ = 0;
  Stub return_stub_;  // Return r0
  Stub unwind_stub_;  // EndCleanup r0
  Unit stub_unit_;
  Function apply_stub_;  // (fn list) → (apply fn list)
  std::uint32_t apply_stub_code_[4];
};

}  // namespace sx
