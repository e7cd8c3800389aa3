// The host side: tasks that wait, interleave, are cancelled, run out of fuel.
#include "engine/vm/test_machine.h"

using namespace sx;

namespace {

// A machine whose op test/later is answered when the test says so.
struct Host : TestMachine {
  explicit Host(bool stress) : TestMachine(stress) {
    engine.runner.add("test/later", [this](IoCall& call) {
      names.push_back(print(engine.cx(), call.arg(0)));
      tickets.push_back(call.ticket);
    });
    engine.runner.add("test/note", [this](IoCall& call) {
      log.push_back(print(engine.cx(), call.arg(0)));
      call.reply(Value::nil());
    });
  }
  // Starts the text as a task of its own. Its end is noted in `ends`.
  TaskId spawn(const std::string& text, TaskLimits limits = {}) {
    const auto fn = engine.eval(
        "(define (later x) (perform {:op \"test/later\" :args [x]})) (define (note x) (perform "
        "{:op \"test/note\" :args [x]})) (fn () " +
            text + ")",
        "t.sx");
    if (!fn.ok()) FAIL(fn.error().message);
    const std::size_t mine = ends.size();
    ends.push_back("");
    return engine.runner.spawn(
        *fn, nullptr, 0,
        [this, mine](Outcome outcome, Value v) {
          ends[mine] = (outcome == Outcome::Returned ? "value " : "error ") +
                       (outcome == Outcome::Returned ? print(engine.cx(), v)
                                                     : error_summary(engine.cx(), v));
        },
        limits);
  }
  std::vector<IoTicket> tickets;
  std::vector<std::string> names, log, ends;
};

}  // namespace

TEST_CASE("tasks wait for their answers independently") {
  for (bool stress : {false, true}) {
    Host host(stress);
    for (const char* name : {":a", ":b", ":c"})
      host.spawn(str("(list (later ", name, ") (later (list ", name, ")))"));
    CHECK(host.names == std::vector<std::string>{":a", ":b", ":c"});
    CHECK(host.engine.runner.waiting() == 3);
    host.tickets[2].reply(Value::small_int(3));
    host.tickets[0].reply(Value::small_int(1));
    host.tickets[1].fail("io-error", "broken");
    CHECK(host.names == std::vector<std::string>{":a", ":b", ":c", "(:c)", "(:a)"});
    host.tickets[4].reply(make_string(host.engine.cx(), "x"));
    host.tickets[3].reply(Value::nil());
    CHECK(host.ends ==
          std::vector<std::string>{"value (1 \"x\")", "error broken", "value (3 nil)"});
    CHECK(host.engine.runner.waiting() == 0);
  }
}

TEST_CASE("an answer is taken once, and never by another request") {
  Host host(true);
  host.spawn("(list (later 1) (later 2))");
  host.tickets[0].reply(Value::small_int(10));
  host.tickets[0].reply(Value::small_int(11));
  host.tickets[0].fail("io-error", "late");
  CHECK(host.ends[0] == "");
  host.tickets[1].reply(Value::small_int(20));
  CHECK(host.ends[0] == "value (10 20)");
  // The next task may get the same slot: old tickets are still old.
  host.spawn("(later 3)");
  host.tickets[0].reply(Value::small_int(99));
  host.tickets[1].reply(Value::small_int(99));
  CHECK(host.ends[1] == "");
  host.tickets[2].reply(Value::small_int(30));
  CHECK(host.ends[1] == "value 30");
}

TEST_CASE("cancelling a waiting task runs its cleanups, which may wait themselves") {
  for (bool stress : {false, true}) {
    Host host(stress);
    const TaskId task = host.spawn(
        "(guard (e (else :caught)) (protect (protect (later 1) (note (later :cleanup))) (note "
        ":outer)))");
    const std::uint64_t serial = host.engine.runner.serial(task);
    host.engine.runner.cancel(task, serial, "cancelled", "the client left");
    CHECK(host.ends[0] == "");
    host.tickets[0].reply(Value::small_int(1));  // too late
    CHECK(host.ends[0] == "");
    host.tickets[1].reply(Value::small_int(7));
    CHECK(host.log == std::vector<std::string>{"7", ":outer"});
    CHECK(host.ends[0] == "error the client left");
    host.engine.runner.cancel(task, serial, "cancelled", "again");
    host.spawn("(later 2)");
    host.engine.runner.cancel(task, serial, "cancelled", "somebody else's slot");
    host.tickets[2].reply(Value::nil());
    CHECK(host.ends[1] == "value nil");
  }
}

TEST_CASE("a servicer is told when nobody waits for its answer any more") {
  Host host(true);
  std::vector<std::string> told;
  host.engine.runner.add("test/held", [&](IoCall& call) {
    const std::string name = print(host.engine.cx(), call.arg(0));
    host.tickets.push_back(call.ticket);
    call.ticket.on_cancel([&told, name] { told.push_back(name); });
  });
  const auto cancel = [&](TaskId task) {
    host.engine.runner.cancel(task, host.engine.runner.serial(task), "cancelled", "enough");
  };
  const std::string held = "(define (held x) (perform {:op \"test/held\" :args [x]})) ";
  SUBCASE("before the cleanups run, and once") {
    const TaskId task = host.spawn("(do " + held + "(protect (held 1) (note (count \"abc\"))))");
    CHECK(told.empty());
    cancel(task);
    cancel(task);
    CHECK(told == std::vector<std::string>{"1"});
    CHECK(host.log == std::vector<std::string>{"3"});
    host.tickets[0].reply(Value::nil());  // too late
    CHECK(host.ends[0] == "error enough");
  }
  SUBCASE("not when it has answered: what is cancelled then is the next request") {
    const TaskId task = host.spawn("(do " + held + "(held 1) (protect (later 2) (held 3)))");
    host.tickets[0].reply(Value::nil());
    host.tickets[0].on_cancel([&told] { told.push_back("too late"); });
    cancel(task);  // at 2, which nobody minds; its cleanup waits for 3
    CHECK(told.empty());
    cancel(task);
    CHECK(told == std::vector<std::string>{"3"});
  }
  SUBCASE("when a run that may not wait ends it") {
    CHECK(host.run("(do " + held + "(held 1))") ==
          "error: The IO op \"test/held\" does not answer at once; it cannot be used here");
    CHECK(told == std::vector<std::string>{"1"});
    host.run("(do " + held + "(protect (held 2) (held 3)))");  // a cleanup that would wait, too
    CHECK(told == std::vector<std::string>{"1", "2", "3"});
  }
}

TEST_CASE("a servicer may cancel the task that it serves") {
  Host host(false);
  host.engine.runner.add("test/suicide", [&](IoCall& call) {
    Runner& runner = host.engine.runner;
    runner.cancel(call.ticket.task, runner.serial(call.ticket.task), "cancelled", "as asked");
    call.reply(Value::nil());
  });
  host.spawn("(protect (do (perform {:op \"test/suicide\"}) (note :not-reached)) (note :cleanup))");
  CHECK(host.ends[0] == "error as asked");
  CHECK(host.log == std::vector<std::string>{":cleanup"});
}

TEST_CASE("a task's fuel counts across its requests, and its cleanups still run") {
  Host host(false);
  host.spawn("(protect (let loop () (note :turn) (loop)) (note :cleanup))", {2000});
  CHECK(host.ends[0] == "error The fuel limit of this run was exceeded");
  CHECK(host.log.size() > 2);
  CHECK(host.log.size() < 2000);
  CHECK(host.log.back() == ":cleanup");
  host.spawn("(protect (let loop () (loop)) (let loop () (loop)))", {2000});
  CHECK(host.ends[1] ==
        "error The fuel limit of this run was exceeded, and so was the reserve for its cleanups");
  CHECK(host.engine.runner.waiting() == 0);
}

TEST_CASE("long tasks take turns when the host wants it") {
  Host host(false);
  std::vector<std::function<void()>> later;
  host.engine.runner.slice_fuel = 1000;
  host.engine.runner.on_yield = [&](std::function<void()> go) { later.push_back(std::move(go)); };
  host.spawn("(let loop ((i 0)) (if (< i 5000) (loop (+ i 1)) (note :a)))");
  host.spawn("(let loop ((i 0)) (if (< i 2500) (loop (+ i 1)) (note :b)))");
  const TaskId third = host.spawn("(protect (let loop () (loop)) (note :c))");
  CHECK(host.log.empty());
  host.engine.runner.cancel(third, host.engine.runner.serial(third), "cancelled", "enough");
  for (std::size_t i = 0; i < later.size() && i < 1000; ++i) {
    const std::function<void()> go = later[i];  // going on may add to the list
    go();
  }
  CHECK(host.log == std::vector<std::string>{":c", ":b", ":a"});
  CHECK(host.ends == std::vector<std::string>{"value nil", "value nil", "error enough"});
}

TEST_CASE("run_now refuses to wait and says for what") {
  Host host(true);
  CHECK(host.run("(perform {:op \"test/later\" :args (list 1)})") ==
        "error: The IO op \"test/later\" does not answer at once; it cannot be used here");
  CHECK(host.run("(protect (perform {:op \"test/later\"}) (perform {:op \"test/later\"}))") ==
        "error: The IO op \"test/later\" does not answer at once; it cannot be used here");
  for (const IoTicket& ticket : host.tickets) ticket.reply(Value::nil());
  CHECK(host.engine.runner.waiting() == 0);
  CHECK(host.run("(+ 1 2)") == "3");
}
