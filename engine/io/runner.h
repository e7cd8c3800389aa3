// Runs tasks and lets servicers answer their requests: the host side of `perform`.
//
// A request is {:op "persist/append" :args (…)}. Its servicer answers at once or later (same
// thread); the task is parked meanwhile and nothing else is. The same on the command line, in a
// request handler, in a test and in the browser.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/vm/vm.h"

namespace sx {

class Runner;

// One request that waits for its answer. Cheap to copy; answer exactly once, on the VM's thread.
struct IoTicket {
  Runner* runner = nullptr;
  TaskId task = 0;
  std::uint64_t turn = 0;  // an answer to a turn that is over (task cancelled or ended) is dropped
  void reply(Value value) const;
  // kind as in {:kind …}, e.g. "io-error".
  void fail(std::string_view kind, std::string_view message, Value data = Value::nil()) const;
  // What to do when nobody waits for the answer any more because the task was cancelled: let go of
  // what is under way. Runs at most once, before the task's cleanups, and not after the answer; it
  // must not use the VM. No effect when the request is over already.
  void on_cancel(std::function<void()> hook) const;
};

struct IoCall {
  Vm& vm;
  std::string_view op;
  Value args;  // list or vector; valid until the first allocation, unless read through arg()
  IoTicket ticket;
  int count() const;
  // Argument i, or nil when not given. Re-read after allocations.
  Value arg(int i) const;
  void reply(Value value) { ticket.reply(value); }
  void fail(std::string_view kind, std::string_view message) { ticket.fail(kind, message); }
  // The argument as text; false (and the call has failed with a type error) when it is not one.
  bool text(int i, std::string& out);
  bool integer(int i, std::int64_t& out);
};

using Servicer = std::function<void(IoCall&)>;

struct TaskLimits {
  std::int64_t fuel_max = -1;  // calls and back edges in all; -1: none
};

class Runner {
 public:
  explicit Runner(Vm& vm) : vm_(vm) {}
  Runner(const Runner&) = delete;

  void add(std::string_view op, Servicer servicer) {
    servicers_[std::string(op)] = std::move(servicer);
  }
  bool services(std::string_view op) const { return servicers_.count(std::string(op)) != 0; }
  // Gets every op that has no servicer of its own (the browser's port). It must answer or fail.
  void set_fallback(Servicer servicer) { fallback_ = std::move(servicer); }

  // outcome is Returned or Raised; value is valid during the call.
  using Done = std::function<void(Outcome outcome, Value value)>;
  // Starts a task and runs it until it ends or waits. done may be called before spawn returns.
  TaskId spawn(Value function, const Value* args, int count, Done done, TaskLimits limits = {});
  // Ends a task from outside; its cleanups run. Unknown or ended tasks are ignored.
  void cancel(TaskId task, std::uint64_t turn_of_spawn, std::string_view kind,
              std::string_view message);
  // From now on the task may use that much, whatever it has used before. Not for ended tasks.
  void refuel(TaskId task, std::int64_t fuel) {
    if (State& state = tasks_[task]; !state.ending) state.fuel_left = fuel;
  }
  std::uint64_t serial(TaskId task) const { return task < tasks_.size() ? tasks_[task].serial : 0; }

  // When a task used its slice: called to have step() called soon (a server posts it to its loop).
  // Unset: the task simply goes on.
  std::function<void(std::function<void()>)> on_yield;
  std::int64_t slice_fuel = 500'000;
  // Asked between slices; true cancels the task that runs (Ctrl-C at a terminal).
  bool (*interrupted)() = nullptr;

  // Runs a function to its end on the spot; servicers must answer at once.
  Result<Value> run_now(Value function, const Value* args, int count, std::int64_t fuel_max = -1);

  std::size_t waiting() const { return active_; }
  Vm& vm() { return vm_; }

 private:
  friend struct IoTicket;
  struct State {
    Done done;
    std::int64_t fuel_left = -1;
    std::uint64_t turn = 0;    // of the request that is out; no two of a runner share one
    std::uint64_t serial = 0;  // which spawn this slot belongs to; 0: free
    bool stepping = false;     // in step(): an answer given now is taken up by its loop
    bool answered = false;
    bool waiting = false;  // has a request out
    bool ending = false;   // its fuel is used up: cleanups run on a reserve, then it is dropped
    std::function<void()> on_cancel;  // of the request that is out
  };
  void step(TaskId task);
  void service(TaskId task);
  bool charge(TaskId task, Outcome outcome);
  void end(TaskId task, Outcome outcome, Value value);
  Value with_place(Value raised);
  void answer(const IoTicket& ticket, bool raise, Value value);

  Vm& vm_;
  std::unordered_map<std::string, Servicer> servicers_;
  Servicer fallback_;
  std::vector<State> tasks_;
  std::uint64_t next_serial_ = 1;
  std::uint64_t next_turn_ = 1;
  std::size_t active_ = 0;
};

struct IoOpInfo {
  const char* name;
  const char* side;
  const char* contract;
};
// The table made from io_ops.def.
const IoOpInfo* io_ops(std::size_t& count);

// An error value as a person reads it: message, then one "  at name (file:line:column)" per frame.
std::string describe_error(Context& cx, Value error);
// The short form: "kind: message", or the printed value of something else that was raised.
std::string error_summary(Context& cx, Value error);

}  // namespace sx
