#include "server/client/name_resolver.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "doctest/doctest.h"

namespace sx {
namespace {

// Names that begin with "hang" answer when the gate opens.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::atomic<int> lookups{0};

  NameAnswer lookup(const std::string& name) {
    ++lookups;
    if (name.starts_with("hang")) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return open; });
    }
    if (name == "nobody") return {{}, "no such name"};
    return {{"192.0.2.1"}, ""};
  }
  void let_go() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

std::future<NameAnswer> ask(NameResolver& resolver, const std::string& name) {
  auto promise = std::make_shared<std::promise<NameAnswer>>();
  resolver.resolve(name, [promise](const NameAnswer& answer) { promise->set_value(answer); });
  return promise->get_future();
}

bool answered(std::future<NameAnswer>& future, int ms = 5000) {
  return future.wait_for(std::chrono::milliseconds(ms)) == std::future_status::ready;
}

TEST_CASE("a name whose server does not answer holds up no other name") {
  auto gate = std::make_shared<Gate>();
  NameResolver resolver(4, [gate](const std::string& name) { return gate->lookup(name); });
  auto hanging = ask(resolver, "hang.example");
  for (int i = 0; i < 20; ++i) {
    auto quick = ask(resolver, "quick" + std::to_string(i));
    REQUIRE(answered(quick));
    CHECK(quick.get().addresses.size() == 1);
  }
  CHECK_FALSE(answered(hanging, 0));
  gate->let_go();
  CHECK(answered(hanging));
}

TEST_CASE("however many ask for a name that hangs, it takes one thread") {
  auto gate = std::make_shared<Gate>();
  NameResolver resolver(2, [gate](const std::string& name) { return gate->lookup(name); });
  std::vector<std::future<NameAnswer>> hanging;
  for (int i = 0; i < 50; ++i) hanging.push_back(ask(resolver, "hang.example"));
  auto quick = ask(resolver, "quick");
  REQUIRE(answered(quick));
  CHECK(gate->lookups == 2);
  gate->let_go();
  for (auto& one : hanging) CHECK(answered(one));
}

TEST_CASE("an unknown name is told with its reason") {
  auto gate = std::make_shared<Gate>();
  NameResolver resolver(2, [gate](const std::string& name) { return gate->lookup(name); });
  auto asked = ask(resolver, "nobody");
  REQUIRE(answered(asked));
  const NameAnswer answer = asked.get();
  CHECK(answer.addresses.empty());
  CHECK(answer.error == "no such name");
}

TEST_CASE("a resolver ends at once while a lookup hangs, and calls nobody afterwards") {
  auto gate = std::make_shared<Gate>();
  auto called = std::make_shared<std::atomic<bool>>(false);
  {
    NameResolver resolver(2, [gate](const std::string& name) { return gate->lookup(name); });
    resolver.resolve("hang.example", [called](const NameAnswer&) { *called = true; });
    while (gate->lookups == 0) std::this_thread::yield();
  }
  gate->let_go();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK_FALSE(*called);
}

TEST_CASE("the system's resolver knows localhost and addresses") {
  NameResolver resolver;
  auto local = ask(resolver, "localhost");
  REQUIRE(answered(local));
  const NameAnswer answer = local.get();
  REQUIRE_FALSE(answer.addresses.empty());
  CHECK((answer.addresses[0] == "127.0.0.1" || answer.addresses[0] == "::1"));
  auto unknown = ask(resolver, "no-such-name.invalid");
  REQUIRE(answered(unknown, 30'000));
  CHECK_FALSE(unknown.get().error.empty());
}

}  // namespace
}  // namespace sx
