// A script of a thousand operations, and every moment at which the power could have gone: after
// each write, with none, all and several random choices of what was not synced yet. What was
// acknowledged is there, every commit is there whole or not at all, no seq is given twice.
//
// SX_TEST_LONG=1 tries more choices at each moment.
#include <algorithm>
#include <cstdlib>

#include "server/store/replay_vfs.h"
#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

namespace {

constexpr int kOperations = 1'000;

// Commit i, 1, 2, 3 …: what it writes follows from i alone.
std::vector<Op> operation(int i) {
  const std::string n = std::to_string(i);
  const std::string stream = "s" + std::to_string(i % 7);
  Append batch{stream, {}};
  for (int k = 0; k < 1 + i % 3; ++k)
    batch.events.push_back(event(n + "/" + std::to_string(k) + std::string(i % 11 * 30, 'x')));
  std::vector<Op> ops{batch, KvPut{"last", n}, Append{"all", {event(n)}}};
  if (i % 10 == 0) ops.push_back(AppendOnce{"once", n, {event(n)}});
  if (i % 50 == 0) ops.push_back(Truncate{"s3", static_cast<std::uint64_t>(i / 10)});
  return ops;
}

struct Expected {
  std::vector<std::string> datas;           // by pos - 1, after all operations
  std::vector<std::uint64_t> pos_after{0};  // by operation
};

// The store left by a cut holds the first n operations, n not less than what was acknowledged.
void check_cut(const std::string& path, std::uint64_t acknowledged, const Expected& expected) {
  auto opened = open_sqlite_store(path, {nullptr, false});
  REQUIRE_MESSAGE(opened.ok(), opened.error().message);
  Store& s = **opened;
  const std::uint64_t pos = s.committed();
  const auto at = std::find(expected.pos_after.begin(), expected.pos_after.end(), pos);
  REQUIRE(at != expected.pos_after.end());  // a torn commit would end at another position
  const auto n = static_cast<std::uint64_t>(at - expected.pos_after.begin());
  REQUIRE(n >= acknowledged);
  const auto last = s.kv_get("last").value();
  REQUIRE((last ? last->value : "0") == std::to_string(n));
  const auto report = s.verify();
  REQUIRE(report.ok());
  REQUIRE_MESSAGE(!report->bad.has_value(), report->bad->what);
  REQUIRE(report->events == pos);
  std::uint64_t wrong = 0, seen = 0;
  const auto all = s.read_all(1, SIZE_MAX);
  for (const Event& e : all->events) {
    wrong += e.pos != ++seen;
    wrong += !e.compacted && e.data != expected.datas[e.pos - 1];
  }
  REQUIRE(wrong == 0);
  REQUIRE(seen == pos);
  // What comes next gets the next numbers.
  const std::uint64_t last_seq = s.last_seq("all").value();
  REQUIRE(last_seq == n);
  const auto reply = must_append(s, "all", {"after"});
  REQUIRE(reply.first_seq == last_seq + 1);
  REQUIRE(reply.first_pos == pos + 1);
}

}  // namespace

TEST_CASE("at whatever moment the power goes, a thousand operations lose nothing acknowledged") {
  TempDir dir;
  ReplayLog::begin();
  Expected expected;
  {
    SqliteOptions options{ReplayLog::kVfsName, true};
    options.fold_frames = 300;  // so that the WAL is folded, and starts over, again and again
    auto s = must_open(dir / "s.db", options);
    ReplayLog::mark(0);
    for (int i = 1; i <= kOperations; ++i) {
      must(*s, operation(i));
      ReplayLog::mark(static_cast<std::uint64_t>(i));
      expected.pos_after.push_back(s->committed());
    }
  }
  {
    auto model = open_memory_store();
    for (int i = 1; i <= kOperations; ++i) {
      auto ops = operation(i);
      std::erase_if(ops, [](const Op& op) { return std::holds_alternative<Truncate>(op); });
      must(*model, ops);
    }
    const auto all_events = model->read_all(1, SIZE_MAX);
    for (const Event& e : all_events->events) expected.datas.push_back(e.data);
  }
  const ReplayLog log = ReplayLog::take();
  std::size_t syncs = 0, writes = 0;
  for (const Recorded& event : log.events) {
    syncs += event.kind == Recorded::Kind::Sync;
    writes += event.kind == Recorded::Kind::Write;
  }
  CHECK(syncs >= kOperations);

  // The store is opened and verified at every sync of an even thousand and at a sample of the
  // moments between; the choice does not depend on the clock.
  const bool all = std::getenv("SX_TEST_LONG") != nullptr;
  const std::size_t stride = all ? 1 : 23;
  std::mt19937_64 random(20'240'607);
  Replay replay(log);
  std::size_t moments = 0, cuts = 0;
  bool started = false;
  TempDir copies;
  while (replay.step()) {
    const Recorded& last = replay.last();
    started = started || last.kind == Recorded::Kind::Mark;
    if (!started) continue;  // before the store was first opened nothing is promised
    ++moments;
    if (moments % stride != 0) continue;
    CAPTURE(moments);
    CAPTURE(replay.marked());
    std::vector<Replay::Keep> ways{Replay::Keep::None};
    if (replay.unsynced() > 0) {
      ways.push_back(Replay::Keep::All);
      for (int i = 0; i < (all ? 3 : 1); ++i) ways.push_back(Replay::Keep::Some);
    }
    for (const Replay::Keep way : ways) {
      ++cuts;
      CAPTURE(static_cast<int>(way));
      std::filesystem::remove((copies / "s.db") + "-shm");
      replay.cut(copies.path(), way, random);
      check_cut(copies / "s.db", replay.marked(), expected);
    }
  }
  CHECK(cuts > 500);
  MESSAGE(writes, " writes, ", syncs, " syncs, ", moments, " moments, ", cuts, " power cuts");
}
