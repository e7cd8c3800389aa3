#include "engine/io/runner.h"

#include <utility>

#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/value/collections.h"

namespace sx {

namespace {

// The contracts are for the reference pages, which the kernel does not show.
#ifdef __wasm__
#define SX_CONTRACT(text) nullptr
#else
#define SX_CONTRACT(text) text
#endif
const IoOpInfo kIoOps[] = {
#define SX_IO(name, side, contract) {name, #side, SX_CONTRACT(contract)},
#include "engine/io/io_ops.def"
#undef SX_IO
};

constexpr std::int64_t kCancelFuel = 200'000;  // for the cleanups of a task that used up its fuel

}  // namespace

const IoOpInfo* io_ops(std::size_t& count) {
  count = sizeof kIoOps / sizeof *kIoOps;
  return kIoOps;
}

void IoTicket::reply(Value value) const { runner->answer(*this, false, value); }

void IoTicket::fail(std::string_view kind, std::string_view message, Value data) const {
  Context& cx = runner->vm_.cx;
  cx.fail(kind, message, data);
  runner->answer(*this, true, cx.error);
}

void IoTicket::on_cancel(std::function<void()> hook) const {
  Runner::State& state = runner->tasks_[task];
  if (state.waiting && state.turn == turn) state.on_cancel = std::move(hook);
}

int IoCall::count() const {
  if (is_vector(args)) return static_cast<int>(vector_count(args));
  const std::int64_t n = list_length(args);
  return n < 0 ? 0 : static_cast<int>(n);
}

Value IoCall::arg(int i) const {
  // The request is what the task ended its slice with: rooted there.
  const Value request = vm.result(ticket.task);
  Value list = dict_get(vm.cx, request, vm.cx.keyword("args"));
  if (is_vector(list))
    return static_cast<std::uint32_t>(i) < vector_count(list) ? vector_get(list, i) : Value::nil();
  for (; is_pair(list); list = cdr(list), --i)
    if (i == 0) return car(list);
  return Value::nil();
}

bool IoCall::text(int i, std::string& out) {
  const Value v = arg(i);
  if (is_string(v)) {
    out.assign(as_string(v)->view());
    return true;
  }
  if (is_bytes(v)) {
    out.assign(reinterpret_cast<const char*>(as_bytes(v)->data()), as_bytes(v)->byte_len);
    return true;
  }
  fail("type-error", str(op, ": argument ", i + 1, ": Expected string, got ", type_name(v)));
  return false;
}

bool IoCall::integer(int i, std::int64_t& out) {
  const Value v = arg(i);
  if (to_int64(v, out)) return true;
  fail("type-error", str(op, ": argument ", i + 1, ": Expected integer, got ", type_name(v)));
  return false;
}

TaskId Runner::spawn(Value function, const Value* args, int count, Done done, TaskLimits limits) {
  const TaskId id = vm_.start(function, args, count);
  if (id >= tasks_.size()) tasks_.resize(id + 1);
  State& state = tasks_[id];
  state = State{};
  state.done = std::move(done);
  state.fuel_left = limits.fuel_max;
  state.serial = next_serial_++;
  ++active_;
  step(id);
  return id;
}

// Deducts what the last slice used. False: the budget and the reserve for cleanups are used up.
bool Runner::charge(TaskId id, Outcome outcome) {
  State& state = tasks_[id];
  if (state.fuel_left < 0) return true;
  state.fuel_left -= vm_.fuel_used();
  if (state.fuel_left > 0) return true;
  state.fuel_left = 0;
  if (outcome != Outcome::OutOfFuel) return true;  // it stands at a request, or has ended in time
  if (state.ending) return false;
  vm_.cx.fail("limit", "The fuel limit of this run was exceeded");
  vm_.cancel(id, vm_.cx.error);
  state.ending = true;
  state.fuel_left = kCancelFuel;
  return true;
}

// A raised value that is no error, as an error that says what and where.
Value Runner::with_place(Value raised) {
  Context& cx = vm_.cx;
  Root place(cx.heap, vm_.take_place_of(raised));
  if (!is_pair(place)) return raised;
  Root error(cx.heap, raised);
  if (!is_dict(raised) || !is_string(dict_get(cx, raised, cx.keyword("message")))) {
    cx.fail("error", error_summary(cx, raised));
    error = cx.error;
  }
  return dict_put(cx, error, cx.keyword("trace"), place);
}

void Runner::end(TaskId id, Outcome outcome, Value value) {
  State& state = tasks_[id];
  Done done = std::move(state.done);
  const auto on_cancel = std::exchange(state.on_cancel, nullptr);
  state.done = nullptr;
  state.serial = 0;
  state.waiting = false;
  --active_;
  if (on_cancel) on_cancel();  // it ends while it waits: nobody takes the answer
  if (outcome == Outcome::Raised) value = with_place(value);
  Vm::Pin pin(vm_, value);
  vm_.finish(id);
  if (done) done(outcome, pin.get());
}

void Runner::step(TaskId id) {
  tasks_[id].stepping = true;
  while (true) {
    std::int64_t fuel = slice_fuel;
    if (tasks_[id].fuel_left >= 0 && tasks_[id].fuel_left < fuel) fuel = tasks_[id].fuel_left;
    const Outcome outcome = vm_.run(id, fuel);
    if (!charge(id, outcome)) {
      vm_.cx.fail(
          "limit",
          "The fuel limit of this run was exceeded, and so was the reserve for its cleanups");
      return end(id, Outcome::Raised, vm_.cx.error);
    }
    if (outcome == Outcome::Returned || outcome == Outcome::Raised)
      return end(id, outcome, vm_.result(id));
    State& state = tasks_[id];
    if (interrupted && !state.ending && interrupted()) {
      vm_.cx.fail("interrupted", "");
      vm_.cancel(id, vm_.cx.error);
      state.ending = true;
      state.fuel_left = kCancelFuel;
      continue;
    }
    if (outcome == Outcome::Suspended) {
      state.turn = next_turn_++;
      state.answered = false;
      state.waiting = true;
      service(id);  // may spawn other tasks: tasks_ may have moved
      if (tasks_[id].answered) continue;
      tasks_[id].stepping = false;
      return;
    }
    if (!on_yield) continue;
    state.stepping = false;
    on_yield([this, id, serial = state.serial] {
      const State& at = tasks_[id];
      if (at.serial == serial && !at.stepping && !at.waiting) step(id);
    });
    return;
  }
}

void Runner::service(TaskId id) {
  Context& cx = vm_.cx;
  const Value request = vm_.result(id);
  const IoTicket ticket{this, id, tasks_[id].turn};
  const Value op = is_dict(request) ? dict_get(cx, request, cx.keyword("op")) : Value::unset();
  if (!is_string(op)) {
    ticket.fail("unhandled-request",
                str("perform: no handler took the request ", print(cx, request, {.bytes_max = 120}),
                    "; a request to the host is {:op \"name\" :args (…)}"));
    return;
  }
  const std::string name(as_string(op)->view());
  const auto found = servicers_.find(name);
  const Servicer* servicer = found != servicers_.end() ? &found->second
                             : fallback_               ? &fallback_
                                                       : nullptr;
  if (!servicer) {
    ticket.fail("no-servicer", str("No servicer for the IO op ", name,
                                   " here; register one, or handle the request with with-handler"));
    return;
  }
  const Value args = dict_get(cx, request, cx.keyword("args"));
  IoCall call{vm_, name, args.is_unset() ? Value::empty_list() : args, ticket};
  (*servicer)(call);
}

void Runner::answer(const IoTicket& ticket, bool raise, Value value) {
  State& state = tasks_[ticket.task];
  if (state.serial == 0 || state.turn != ticket.turn || !state.waiting) return;
  state.waiting = false;
  state.on_cancel = nullptr;
  if (raise) {
    vm_.resume_raise(ticket.task, value);
  } else {
    vm_.resume(ticket.task, value);
  }
  if (state.stepping) {
    state.answered = true;
  } else {
    step(ticket.task);
  }
}

void Runner::cancel(TaskId id, std::uint64_t serial, std::string_view kind,
                    std::string_view message) {
  if (serial == 0 || id >= tasks_.size() || tasks_[id].serial != serial) return;
  vm_.cx.fail(kind, message);
  vm_.cancel(id, vm_.cx.error);
  if (const auto on_cancel = std::exchange(tasks_[id].on_cancel, nullptr)) on_cancel();
  State& state = tasks_[id];
  state.turn = 0;
  state.waiting = false;
  if (state.stepping) {
    state.answered = true;  // by its own servicer: its loop goes on with the cancellation
  } else {
    step(id);
  }
}

Result<Value> Runner::run_now(Value function, const Value* args, int count, std::int64_t fuel_max) {
  bool ended = false;
  Outcome outcome = Outcome::Raised;
  Value value = Value::nil();
  auto yield = std::move(on_yield);
  on_yield = nullptr;
  const TaskId id = spawn(function, args, count,
                          [&](Outcome o, Value v) {
                            ended = true;
                            outcome = o;
                            value = v;
                          },
                          {fuel_max});
  std::string waits_for;
  if (!ended) {
    const std::uint64_t mine = serial(id);
    const Value request = vm_.result(id);
    waits_for = is_dict(request) ? print(vm_.cx, dict_get(vm_.cx, request, vm_.cx.keyword("op")))
                                 : print(vm_.cx, request, {.bytes_max = 80});
    const std::string message =
        str("The IO op ", waits_for, " does not answer at once; it cannot be used here");
    cancel(id, mine, "io-error", message);
    if (!ended) {  // a cleanup waits as well: it is not waited for
      vm_.cx.fail("io-error", message);
      end(id, Outcome::Raised, vm_.cx.error);
    }
  }
  on_yield = std::move(yield);
  if (outcome == Outcome::Raised) return Error{describe_error(vm_.cx, value)};
  return value;
}

std::string error_summary(Context& cx, Value error) {
  if (is_dict(error)) {
    const Value message = dict_get(cx, error, cx.keyword("message"));
    if (is_string(message)) return std::string(as_string(message)->view());
  }
  return str("Uncaught value: ", print(cx, error, {.bytes_max = 400}));
}

namespace {

// Kinds whose messages say by themselves what kind of error it is.
bool is_plain_kind(std::string_view kind) {
  static constexpr std::string_view kPlain[] = {"error",
                                                "type-error",
                                                "arity-error",
                                                "index-error",
                                                "range-error",
                                                "value-error",
                                                "key-error",
                                                "io-error",
                                                "read-error",
                                                "json-error",
                                                "match-error",
                                                "render-error",
                                                "fiber-error",
                                                "no-servicer",
                                                "one-shot",
                                                "freeze-error",
                                                "thaw-error",
                                                "unbound",
                                                "limit",
                                                "cancelled",
                                                "unhandled-request",
                                                "division-by-zero",
                                                "internal-error"};
  for (std::string_view plain : kPlain)
    if (plain == kind) return true;
  return false;
}

}  // namespace

std::string describe_error(Context& cx, Value error) {
  std::string out = error_summary(cx, error);
  if (!is_dict(error)) return out;
  const Value kind = dict_get(cx, error, cx.keyword("kind"));
  if (kind.is_keyword())
    if (const std::string_view name = cx.symbols.name(kind.id());
        !is_plain_kind(name) || out.empty())
      out = out.empty() ? std::string(name) : str(name, ": ", out);
  const Value data = dict_get(cx, error, cx.keyword("data"));
  if (!data.is_unset() && !data.is_nil())
    out += str("\n  data: ", print(cx, data, {.bytes_max = 400}));
  for (Value at = dict_get(cx, error, cx.keyword("trace")); is_pair(at); at = cdr(at))
    if (is_string(car(at))) out += str("\n  at ", as_string(car(at))->view());
  return out;
}

}  // namespace sx
