// Many threads on one store: order without gaps, acks that can be read, groups that form.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

TEST_CASE("eight threads committing leave gapless positions, and every ack is readable at once") {
  on_each_backend([](Store& s) {
    constexpr int kThreads = 8, kCommits = 150;
    std::atomic<int> unreadable{0}, failed{0};
    std::mutex mutex;
    std::set<std::uint64_t> positions;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        const std::string own = "own" + std::to_string(t);
        for (int i = 0; i < kCommits; ++i) {
          const std::string data = own + ":" + std::to_string(i);
          auto outcome =
              commit_and_wait(s, {Append{own, {event(data)}}, Append{"shared", {event(data)}}});
          if (!outcome.ok() || outcome->conflict) {
            ++failed;
            continue;
          }
          for (const OpReply& any : outcome->replies) {
            const auto& reply = std::get<AppendReply>(any);
            const auto all = s.read_all(reply.first_pos, 1);
            if (all->events.size() != 1 || all->events[0].data != data ||
                all->events[0].seq != reply.first_seq || s.committed() < reply.first_pos ||
                outcome->committed < reply.first_pos)
              ++unreadable;
            std::lock_guard lock(mutex);
            positions.insert(reply.first_pos);
          }
          if (s.last_seq(own).value() != std::uint64_t(i) + 1) ++unreadable;
        }
      });
    for (auto& thread : threads) thread.join();
    CHECK(failed == 0);
    CHECK(unreadable == 0);
    CHECK(positions.size() == 2 * kThreads * kCommits);
    CHECK(*positions.begin() == 1);
    CHECK(*positions.rbegin() == 2 * kThreads * kCommits);
    CHECK(s.last_seq("shared").value() == kThreads * kCommits);
    const auto stats = s.stats();
    CHECK(stats->commits == kThreads * kCommits);
    CHECK(stats->largest_group > 1);
    CHECK(stats->groups < stats->commits);
  });
}

TEST_CASE("of many appends that expect the same seq exactly one wins each round") {
  on_each_backend([](Store& s) {
    constexpr int kThreads = 8, kRounds = 60;
    std::atomic<int> won{0}, lost{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (int round = 0; round < kRounds; ++round) {
          auto outcome =
              commit_and_wait(s, {AppendExpect{"race", std::uint64_t(round), {event("x")}}});
          if (!outcome.ok()) continue;
          outcome->conflict ? ++lost : ++won;
          while (s.last_seq("race").value() <= std::uint64_t(round)) std::this_thread::yield();
        }
      });
    for (auto& thread : threads) thread.join();
    CHECK(won == kRounds);
    CHECK(lost == kRounds * (kThreads - 1));
    CHECK(s.last_seq("race").value() == kRounds);
  });
}

TEST_CASE("a counter kept by kv-cas loses no increment") {
  on_each_backend([](Store& s) {
    constexpr int kThreads = 4, kIncrements = 50;
    must(s, {KvPut{"n", "0"}});
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < kIncrements;) {
          const std::string now = s.kv_get("n").value()->value;
          auto outcome = commit_and_wait(s, {KvCas{"n", now, std::to_string(std::stoi(now) + 1)}});
          if (outcome.ok() && !outcome->conflict) ++i;
        }
      });
    for (auto& thread : threads) thread.join();
    CHECK(s.kv_get("n").value()->value == std::to_string(kThreads * kIncrements));
  });
}

TEST_CASE("a reader following positions sees every event once and in order while writers write") {
  on_each_backend([](Store& s) {
    constexpr std::uint64_t kEvents = 600;
    std::thread writers[3];
    for (int t = 0; t < 3; ++t)
      writers[t] = std::thread([&, t] {
        for (std::uint64_t i = 0; i < kEvents / 3; ++i)
          (void)commit_and_wait(s, {Append{"s" + std::to_string(t), {event("x")}}});
      });
    std::uint64_t next = 1, wrong = 0;
    while (next <= kEvents) {
      const std::uint64_t promised = s.committed();
      const auto slice = s.read_all(next, 50);
      if (promised >= next && slice->events.empty()) ++wrong;
      for (const Event& e : slice->events) wrong += e.pos != next++;
    }
    for (auto& writer : writers) writer.join();
    CHECK(wrong == 0);
  });
}

TEST_CASE("closing answers everything that was queued before") {
  TempDir dir;
  auto s = must_open(dir / "s.db");
  std::atomic<int> done{0}, failed{0};
  for (int i = 0; i < 500; ++i)
    s->commit({Append{"a", {event("x")}}},
              [&](Result<CommitOutcome> outcome) { outcome.ok() ? ++done : ++failed; });
  s->close();
  CHECK(done == 500);
  CHECK(failed == 0);
  CHECK(must_open(dir / "s.db")->last_seq("a").value() == 500);
}
