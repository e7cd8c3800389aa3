// Failing disks and power cuts, by the VFS of fault_vfs.h: nothing acknowledged is ever lost, and
// the store goes on, or says that it does not.
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <thread>

#include "server/store/durable_file.h"
#include "server/store/fault_vfs.h"
#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

namespace {

const SqliteOptions kFaulty{Faults::kVfsName, true};

// What callers were told: data of acknowledged events by stream and seq, and what got an error.
struct Told {
  std::map<std::pair<std::string, std::uint64_t>, std::string> acknowledged;
  std::map<std::string, bool> failed;  // by data
};

// Appends "1", "2", … one by one with other ops around them; notes the answers.
void write_some(Store& store, Told& told, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    const std::string data = std::to_string(i), stream = i % 3 ? "a" : "b";
    auto outcome = commit_and_wait(
        store, {Append{stream, {event(data)}}, KvPut{"last", data}, Append{"all", {event(data)}}});
    if (!outcome.ok()) {
      told.failed[data] = true;
      continue;
    }
    REQUIRE_FALSE(outcome->conflict.has_value());
    for (int op : {0, 2}) {
      const auto& reply = std::get<AppendReply>(outcome->replies[op]);
      told.acknowledged[{op ? "all" : stream, reply.first_seq}] = data;
    }
  }
}

// Every acknowledged event is there; a failed one is there whole (in both its streams) or not at
// all.
void check_told(Store& store, const Told& told) {
  must_verify(store);
  std::map<std::pair<std::string, std::uint64_t>, std::string> stored;
  std::map<std::string, int> copies;
  const auto all = store.read_all(1, SIZE_MAX);
  REQUIRE_MESSAGE(all.ok(), all.error().message);
  std::uint64_t pos = 0;
  for (const Event& e : all->events) {
    REQUIRE(e.pos == ++pos);
    stored[{e.stream, e.seq}] = e.data;
    copies[e.data]++;
  }
  for (const auto& [place, data] : told.acknowledged) {
    const auto found = stored.find(place);
    REQUIRE(found != stored.end());
    REQUIRE(found->second == data);
  }
  for (const auto& [data, count] : copies) {
    CAPTURE(data);
    REQUIRE(count == 2);
  }
}

}  // namespace

TEST_CASE(
    "whichever write or sync fails once, nothing acknowledged is lost and the store goes on") {
  struct Kind {
    bool writes, syncs;
  };
  for (const Kind kind : {Kind{true, false}, Kind{false, true}}) {
    std::uint64_t n = 1;
    int with_errors = 0;
    for (bool fault_came = true; fault_came; ++n) {
      CAPTURE(kind.syncs);
      CAPTURE(n);
      Faults::reset();
      TempDir dir;
      Told told;
      {
        auto s = must_open(dir / "s.db", kFaulty);
        write_some(*s, told, 1, 3);
        REQUIRE(told.failed.empty());
        Faults::fail(n, 1, kind.writes, kind.syncs);
        write_some(*s, told, 4, 12);
        fault_came = Faults::failed() == 1;
        Faults::stop_failing();
        with_errors += !told.failed.empty();
        CHECK(told.failed.size() <= 1);  // one fault, one group: all others must succeed
        write_some(*s, told, 16, 3);
        CHECK(told.failed.count("17") == 0);
        check_told(*s, told);
        if (!told.failed.empty()) CHECK(s->stats()->recoveries >= 1);
      }
      auto again = must_open(dir / "s.db");
      check_told(*again, told);
      REQUIRE(n < 500);
    }
    CHECK(n > 5);
    CHECK(with_errors >= static_cast<int>(n) - 3);  // nearly every fault hit a commit
  }
}

TEST_CASE("while the disk keeps failing every write gets an error, and afterwards all goes on") {
  Faults::reset();
  TempDir dir;
  Told told;
  auto s = must_open(dir / "s.db", kFaulty);
  write_some(*s, told, 1, 5);
  Faults::fail(1, UINT64_MAX, true, true);
  write_some(*s, told, 6, 5);
  CHECK(told.failed.size() == 5);
  const auto during = s->read("a", 1, 1);
  if (!during.ok()) CHECK(during.error().message.find("out of service") != std::string::npos);
  Faults::stop_failing();
  write_some(*s, told, 11, 5);
  CHECK(told.failed.size() == 5);
  check_told(*s, told);
}

TEST_CASE("a store out of reach goes on by itself when it is back, without a write") {
  Faults::reset();
  TempDir dir;
  Told told;
  auto s = must_open(dir / "s.db", kFaulty);
  write_some(*s, told, 1, 5);
  CHECK(s->answers());
  // The write fails, and the file is not there to be opened anew.
  std::filesystem::rename(dir / "s.db", dir / "away.db");
  Faults::fail(1, 1, true, true);
  write_some(*s, told, 6, 1);
  CHECK(told.failed.size() == 1);
  CHECK_FALSE(s->answers());
  CHECK_FALSE(s->read("a", 1, 1).ok());
  std::filesystem::rename(dir / "away.db", dir / "s.db");
  for (int tries = 0; tries < 1500 && !s->answers(); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(s->answers());
  CHECK(s->read("a", 1, 1).ok());
  check_told(*s, told);
}

TEST_CASE("a full disk is an error in words, and no commit is half written") {
  Faults::reset();
  TempDir dir;
  Told told;
  auto s = must_open(dir / "s.db", kFaulty);
  write_some(*s, told, 1, 5);
  Faults::disk_full(true);
  const auto message = must_fail(*s, {Append{"a", {event("x")}}});
  CHECK(message.find("the disk is full: free some space") != std::string::npos);
  CHECK(says_disk_full(message));
  CHECK(says_disk_full(file_error("write", "/x", ENOSPC).message));
  CHECK_FALSE(says_disk_full(file_error("write", "/x", EACCES).message));
  write_some(*s, told, 6, 2);
  CHECK(told.failed.size() == 2);
  CHECK(s->last_seq("all").value() == 5);  // reading still works
  Faults::disk_full(false);
  write_some(*s, told, 8, 3);
  CHECK(told.failed.size() == 2);
  check_told(*s, told);
}

TEST_CASE("a group that fails answers an error to all its members") {
  Faults::reset();
  TempDir dir;
  auto s = must_open(dir / "s.db", kFaulty);
  must_append(*s, "a", {"1"});
  Faults::fail(1, 1, false, true);
  std::atomic<int> ok{0}, failed{0};
  for (int i = 0; i < 40; ++i)
    s->commit({AppendExpect{"a", 1, {event("x")}}}, [&](Result<CommitOutcome> outcome) {
      // A conflict, too, rests on what the group wrote and must not be told before it is on disk.
      outcome.ok() ? ++ok : ++failed;
    });
  s->close();
  CHECK(ok + failed == 40);
  CHECK(failed >= 1);
  CHECK(Faults::failed() == 1);
  auto again = must_open(dir / "s.db");
  must_verify(*again);
  CHECK(again->last_seq("a").value() <= 2);
}

TEST_CASE("a power cut at any moment loses nothing acknowledged, also after failed syncs") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed ", seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 24; ++round) {
    CAPTURE(round);
    Faults::reset();
    TempDir dir;
    auto s = must_open(dir / "s.db", kFaulty);
    must_append(*s, "start", {"0"});
    if (round % 2) Faults::fail(20 + random() % 40, 1 + random() % 2, false, true);
    std::mutex mutex;
    std::map<std::pair<std::string, std::uint64_t>, std::string> acknowledged;
    std::atomic<bool> stop{false};
    std::vector<std::thread> writers;
    for (int t = 0; t < 4; ++t)
      writers.emplace_back([&, t] {
        const std::string stream = "s" + std::to_string(t);
        for (int i = 0; !stop; ++i) {
          const std::string data = std::to_string(i) + std::string(i % 50 * 40, 'x');
          auto outcome = commit_and_wait(*s, {Append{stream, {event(data)}}, KvPut{stream, data}});
          if (!outcome.ok()) continue;
          std::lock_guard lock(mutex);
          acknowledged[{stream, std::get<AppendReply>(outcome->replies[0]).first_seq}] = data;
        }
      });
    for (int cut = 0; cut < 4; ++cut) {
      std::this_thread::sleep_for(std::chrono::microseconds(3000 + random() % 6000));
      std::map<std::pair<std::string, std::uint64_t>, std::string> before;
      {
        std::lock_guard lock(mutex);
        before = acknowledged;
      }
      const std::string copy = dir / ("cut" + std::to_string(cut) + ".db");
      Faults::power_cut(dir / "s.db", copy, random, cut == 0 ? 0.0 : cut * 0.33);
      auto after = must_open(copy, {nullptr, false});
      must_verify(*after);
      int lost = 0;
      for (const auto& [place, data] : before) {
        const auto slice = after->read(place.first, place.second, 1);
        lost += slice->events.size() != 1 || slice->events[0].data != data;
      }
      CHECK(lost == 0);
    }
    stop = true;
    for (auto& writer : writers) writer.join();
    must_verify(*s);
    CHECK(acknowledged.size() > 10);
  }
}

TEST_CASE("a file is written whole or not at all, and missing folders are made") {
  TempDir dir;
  REQUIRE(make_folders(dir / "a/b/c").ok());
  REQUIRE(write_file_durably(dir / "a/b/c/f", "one").ok());
  REQUIRE(write_file_durably(dir / "a/b/c/f", "two").ok());
  REQUIRE(renew_file(dir / "a/b/c/f").ok());
  REQUIRE(renew_file(dir / "a/b/c/absent").ok());
  CHECK(std::filesystem::file_size(dir / "a/b/c/f") == 3);
  const auto error = write_file_durably(dir / "nowhere/f", "x");
  REQUIRE_FALSE(error.ok());
  CHECK(error.error().message.find("could not write") == 0);
  CHECK(make_folders(dir / "a/b/c/f").error().message.find("is a file, expected a folder") !=
        std::string::npos);
  int entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "a/b/c")) {
    (void)entry;
    ++entries;
  }
  CHECK(entries == 1);  // no temporary file is left
}
