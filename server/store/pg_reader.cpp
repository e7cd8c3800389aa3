#include "server/store/pg_reader.h"

#include <algorithm>
#include <limits>

#include "engine/base/str.h"
#include "server/store/read_sql.h"

namespace sx::store {
namespace {

constexpr std::size_t kIdleMax = 16;
constexpr std::size_t kChunk = 1'000;  // rows fetched at a time
constexpr std::int64_t kVerifyChunk = 5'000;

constexpr const char* kBegin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

}  // namespace

// All statements of one call see the same moment.
class PgReader::Transaction {
 public:
  explicit Transaction(PgReader& reader) : db_(reader.db_) {}
  ~Transaction() {
    try {
      if (!db_.lost() && db_.in_transaction()) db_.run("COMMIT");
    } catch (const PgError&) {
      // A read transaction has nothing to lose; one that cannot end dies with its connection.
    }
  }

 private:
  PgConnection& db_;
};

Slice PgReader::read(std::string_view name, std::uint64_t from_seq, std::size_t limit) {
  Slice slice;
  from_seq = std::max<std::uint64_t>(from_seq, 1);
  constexpr const char* kRange =
      "SELECT e.seq, e.pos, e.type, e.at, e.data, e.hash FROM sx_event e "
      "JOIN sx_stream s ON s.id = e.stream "
      "WHERE s.name = $1 AND e.seq >= $2 AND e.seq > s.truncated ORDER BY e.seq LIMIT $3";
  const auto range = [&](std::uint64_t from, std::size_t rows) {
    return PgParams().add(name).add(sql_number(from)).add(sql_limit(rows));
  };
  Transaction transaction(*this);
  std::vector<PgResult> found = db_.run_all(
      {{kBegin, {}},
       {"SELECT truncated, (SELECT coalesce(max(e.seq), 0) FROM sx_event e WHERE e.stream = s.id) "
        "FROM sx_stream s WHERE name = $1",
        PgParams().add(name)},
       {kRange, range(from_seq, std::min(limit, kChunk))}});
  if (found[1].rows() == 0) return slice;
  const std::uint64_t truncated = found[1].u64(0, 0);
  slice.last = found[1].u64(0, 1);
  if (from_seq <= truncated) {
    slice.compacted_through = truncated;
    from_seq = truncated + 1;
  }
  PgResult rows = std::move(found[2]);
  for (std::size_t bytes = 0;;) {
    for (int i = 0; i < rows.rows() && bytes <= kReadBytesMax; ++i) {
      slice.events.push_back(event_from(rows, i, std::string(name)));
      bytes += slice.events.back().data.size();
    }
    if (static_cast<std::size_t>(rows.rows()) < kChunk || slice.events.size() >= limit ||
        bytes > kReadBytesMax)
      break;
    rows = db_.run(
        kRange, range(slice.events.back().seq + 1, std::min(limit - slice.events.size(), kChunk)));
  }
  slice.more = (slice.events.empty() ? from_seq : slice.events.back().seq + 1) <= slice.last;
  return slice;
}

Slice PgReader::read_all(std::uint64_t from_pos, std::size_t limit) {
  Slice slice;
  from_pos = std::max<std::uint64_t>(from_pos, 1);
  constexpr const char* kRange =
      "SELECT e.seq, e.pos, e.type, e.at, e.data, e.hash, s.name FROM sx_event e "
      "JOIN sx_stream s ON s.id = e.stream WHERE e.pos >= $1 ORDER BY e.pos LIMIT $2";
  const auto range = [&](std::uint64_t from, std::size_t rows) {
    return PgParams().add(sql_number(from)).add(sql_limit(rows));
  };
  Transaction transaction(*this);
  std::vector<PgResult> found = db_.run_all({{kBegin, {}},
                                             {"SELECT pos FROM sx_head WHERE id = 1", {}},
                                             {kRange, range(from_pos, std::min(limit, kChunk))}});
  slice.last = found[1].rows() ? found[1].u64(0, 0) : 0;
  PgResult rows = std::move(found[2]);
  for (std::size_t bytes = 0;;) {
    for (int i = 0; i < rows.rows() && bytes <= kReadBytesMax; ++i) {
      slice.events.push_back(event_from(rows, i, std::string(rows.text(i, 6))));
      bytes += slice.events.back().data.size();
    }
    if (static_cast<std::size_t>(rows.rows()) < kChunk || slice.events.size() >= limit ||
        bytes > kReadBytesMax)
      break;
    rows = db_.run(
        kRange, range(slice.events.back().pos + 1, std::min(limit - slice.events.size(), kChunk)));
  }
  slice.more = (slice.events.empty() ? from_pos : slice.events.back().pos + 1) <= slice.last;
  return slice;
}

std::uint64_t PgReader::last_seq(std::string_view stream) {
  const PgResult rows = db_.run(
      "SELECT coalesce(max(e.seq), 0) FROM sx_event e JOIN sx_stream s ON s.id = e.stream "
      "WHERE s.name = $1",
      PgParams().add(stream));
  return rows.rows() ? rows.u64(0, 0) : 0;
}

std::vector<Event> PgReader::read_once(std::string_view stream, std::string_view key) {
  const PgResult rows = db_.run(
      "SELECT e.seq, e.pos, e.type, e.at, e.data, e.hash FROM sx_once o "
      "JOIN sx_stream s ON s.id = o.stream "
      "JOIN sx_event e ON e.pos >= o.pos AND e.pos < o.pos + o.count "
      "WHERE s.name = $1 AND o.key = $2 ORDER BY e.pos",
      PgParams().add(stream).add(key));
  std::vector<Event> events;
  for (int i = 0; i < rows.rows(); ++i) events.push_back(event_from(rows, i, std::string(stream)));
  return events;
}

std::optional<KvEntry> PgReader::kv_get(std::string_view key) {
  const PgResult rows =
      db_.run("SELECT value, version FROM sx_kv WHERE key = $1", PgParams().add(key));
  if (rows.rows() == 0) return std::nullopt;
  return KvEntry{std::string(key), std::string(rows.text(0, 0)), rows.u64(0, 1)};
}

std::vector<KvEntry> PgReader::kv_list(std::string_view prefix, std::size_t limit,
                                       std::string_view after) {
  const std::string end = after_prefix(prefix);
  const PgResult rows = db_.run(
      "SELECT key, value, version FROM sx_kv "
      "WHERE key >= $1 AND key > $2 AND ($3 = ''::bytea OR key < $3) ORDER BY key LIMIT $4",
      PgParams().add(prefix).add(after).add(std::string_view(end)).add(sql_limit(limit)));
  std::vector<KvEntry> entries;
  for (int i = 0; i < rows.rows(); ++i)
    entries.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), rows.u64(i, 2)});
  return entries;
}

std::vector<StreamInfo> PgReader::streams() {
  const PgResult rows = db_.run(
      "SELECT name, (SELECT coalesce(max(e.seq), 0) FROM sx_event e WHERE e.stream = s.id), "
      "truncated FROM sx_stream s ORDER BY name");
  std::vector<StreamInfo> infos;
  for (int i = 0; i < rows.rows(); ++i)
    infos.push_back({std::string(rows.text(i, 0)), rows.u64(i, 1), rows.u64(i, 2)});
  return infos;
}

std::vector<OutboxItem> PgReader::outbox_due(std::string_view queue, std::int64_t now_ms,
                                             std::size_t limit) {
  const PgResult rows = db_.run(
      "SELECT id, queue, data, due, attempts FROM sx_outbox "
      "WHERE due <= $1 AND ($2 = ''::bytea OR queue = $2) ORDER BY due, id LIMIT $3",
      PgParams().add(now_ms).add(queue).add(sql_limit(limit)));
  std::vector<OutboxItem> items;
  for (int i = 0; i < rows.rows(); ++i)
    items.push_back({rows.u64(i, 0), std::string(rows.text(i, 1)), std::string(rows.text(i, 2)),
                     rows.i64(i, 3), rows.u64(i, 4)});
  return items;
}

void PgReader::add_stats(Stats& stats) {
  const PgResult counts = db_.run(
      "SELECT (SELECT count(*) FROM sx_stream), (SELECT count(*) FROM sx_kv), "
      "(SELECT count(*) FROM sx_outbox)");
  stats.streams = counts.u64(0, 0);
  stats.kv_keys = counts.u64(0, 1);
  stats.outbox = counts.u64(0, 2);
  try {
    stats.bytes =
        db_.run(
               "SELECT CAST(sum(pg_total_relation_size(CAST(t AS regclass))) AS bigint) FROM "
               "(VALUES ('sx_event'), ('sx_stream'), ('sx_once'), ('sx_kv'), ('sx_outbox'), "
               "('sx_head'), ('sx_owner')) AS w(t)")
            .u64(0, 0);
  } catch (const PgError& error) {
    if (error.lost) throw;  // an engine that does not tell sizes is fine
  }
}

std::optional<BadRecord> PgReader::walk_chain(ChainWalker& walker) {
  for (;;) {
    const PgResult rows = db_.run(
        "SELECT e.seq, e.pos, e.type, e.at, e.data, e.hash, s.name, s.truncated FROM sx_event e "
        "JOIN sx_stream s ON s.id = e.stream WHERE e.pos >= $1 ORDER BY e.pos LIMIT $2",
        PgParams().add(walker.pos() + 1).add(kVerifyChunk));
    for (int i = 0; i < rows.rows(); ++i) {
      const bool compacted = rows.is_null(i, 2);
      auto bad = walker.feed({rows.u64(i, 1), rows.text(i, 6), rows.u64(i, 0), compacted,
                              compacted ? std::string_view() : rows.text(i, 2), rows.i64(i, 3),
                              rows.text(i, 4), rows.text(i, 5), rows.u64(i, 7)});
      if (bad) return bad;
    }
    if (rows.rows() < kVerifyChunk) return std::nullopt;
  }
}

VerifyReport PgReader::verify() {
  VerifyReport report;
  ChainWalker walker;
  report.bad = walk_chain(walker);
  report.events = walker.pos();
  report.compacted = walker.compacted();
  report.head = to_hex(walker.hash());
  if (!report.bad) report.bad = check_rows(report);
  return report;
}

// One moment: PostgreSQL keeps a snapshot without being in anybody's way.
Result<void> PgReader::dump(const RowSink& sink) {
  Transaction transaction(*this);
  db_.run(kBegin);
  std::uint64_t next = 1;
  for (bool more = true; more;) {
    const PgResult rows = db_.run(
        "SELECT e.seq, e.pos, e.type, e.at, e.data, e.hash, s.name FROM sx_event e "
        "JOIN sx_stream s ON s.id = e.stream WHERE e.pos >= $1 ORDER BY e.pos LIMIT $2",
        PgParams().add(next).add(static_cast<std::int64_t>(kChunk)));
    for (int i = 0; i < rows.rows(); ++i) {
      Event event = event_from(rows, i, std::string(rows.text(i, 6)));
      next = event.pos + 1;
      if (event.compacted) {
        Digest payload{};
        if (!read_digest(rows.text(i, 4), payload))
          return Error{str("event ", event.pos, " does not keep the digest of its payload")};
        SX_CHECK(sink(CompactedEvent{std::move(event), to_hex(payload)}));
      } else {
        SX_CHECK(sink(event));
      }
    }
    more = static_cast<std::size_t>(rows.rows()) == kChunk;
  }
  const PgResult streams =
      db_.run("SELECT name, truncated FROM sx_stream WHERE truncated > 0 ORDER BY id");
  for (int i = 0; i < streams.rows(); ++i)
    SX_CHECK(sink(TruncatedStream{std::string(streams.text(i, 0)), streams.u64(i, 1)}));
  const PgResult once = db_.run(
      "SELECT s.name, o.key, o.pos, o.count FROM sx_once o "
      "JOIN sx_stream s ON s.id = o.stream ORDER BY o.pos");
  for (int i = 0; i < once.rows(); ++i)
    SX_CHECK(sink(OnceMark{std::string(once.text(i, 0)), std::string(once.text(i, 1)),
                           once.u64(i, 2), once.u64(i, 3)}));
  std::string after;
  for (bool more = true; more;) {
    const PgResult kv =
        db_.run("SELECT key, value, version FROM sx_kv WHERE key > $1 ORDER BY key LIMIT $2",
                PgParams().add(std::string_view(after)).add(static_cast<std::int64_t>(kChunk)));
    for (int i = 0; i < kv.rows(); ++i) {
      after = kv.text(i, 0);
      SX_CHECK(sink(KvEntry{after, std::string(kv.text(i, 1)), kv.u64(i, 2)}));
    }
    more = static_cast<std::size_t>(kv.rows()) == kChunk;
  }
  const PgResult outbox =
      db_.run("SELECT id, queue, data, due, attempts FROM sx_outbox ORDER BY id");
  for (int i = 0; i < outbox.rows(); ++i)
    SX_CHECK(sink(OutboxItem{outbox.u64(i, 0), std::string(outbox.text(i, 1)),
                             std::string(outbox.text(i, 2)), outbox.i64(i, 3), outbox.u64(i, 4)}));
  const PgResult head = db_.run("SELECT counter FROM sx_head WHERE id = 1");
  return sink(StoreEnd{next - 1, head.rows() ? head.u64(0, 0) : 0});
}

std::optional<BadRecord> PgReader::check_rows(VerifyReport& report) {
  const PgResult counts = db_.run(
      "SELECT count(*), (SELECT count(*) FROM sx_event e WHERE NOT EXISTS "
      "(SELECT 1 FROM sx_stream s WHERE s.id = e.stream)), "
      "(SELECT pos FROM sx_head WHERE id = 1) FROM sx_head");
  if (counts.u64(0, 1) > 0)
    return BadRecord{0, "", 0, str(counts.u64(0, 1), " events belong to no stream")};
  if (counts.u64(0, 2) < report.events)
    return BadRecord{counts.u64(0, 2), "", 0,
                     str("sx_head says that the log ends at ", counts.u64(0, 2),
                         ", but there are events up to ", report.events)};
  std::string after;  // no key is empty
  for (;;) {
    const PgResult rows =
        db_.run("SELECT key, value, version, sum FROM sx_kv WHERE key > $1 ORDER BY key LIMIT $2",
                PgParams().add(std::string_view(after)).add(kVerifyChunk));
    for (int i = 0; i < rows.rows(); ++i, ++report.kv_keys)
      if (row_checksum({rows.text(i, 0), rows.text(i, 1)}, {rows.u64(i, 2)}) != rows.i64(i, 3))
        return BadRecord{0, "", 0,
                         str("the checksum of the key '", rows.text(i, 0), "' does not match")};
    if (rows.rows() < kVerifyChunk) break;
    after = rows.text(rows.rows() - 1, 0);
  }
  std::int64_t last_id = 0;
  for (;;) {
    const PgResult rows =
        db_.run("SELECT id, queue, data, sum FROM sx_outbox WHERE id > $1 ORDER BY id LIMIT $2",
                PgParams().add(last_id).add(kVerifyChunk));
    for (int i = 0; i < rows.rows(); ++i)
      if (row_checksum({rows.text(i, 1), rows.text(i, 2)}, {rows.u64(i, 0)}) != rows.i64(i, 3))
        return BadRecord{
            0, "", 0,
            str("the checksum of the outbox message ", rows.u64(i, 0), " does not match")};
    if (rows.rows() < kVerifyChunk) break;
    last_id = rows.i64(rows.rows() - 1, 0);
  }
  return std::nullopt;
}

PgReaderPool::PgReaderPool(std::string url, std::size_t threads, std::function<void()> on_gone)
    : url_(std::move(url)), on_gone_(std::move(on_gone)) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Result<void> PgReaderPool::take(std::unique_ptr<PgReader>& reader, bool& fresh) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return Error{"the store is closed"};
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
      return {};
    }
  }
  fresh = true;
  try {
    reader = std::make_unique<PgReader>(url_);
    return {};
  } catch (const std::exception& error) {
    on_gone_();
    return Error{error.what()};
  }
}

void PgReaderPool::give_back(std::unique_ptr<PgReader> reader) noexcept {
  std::lock_guard lock(mutex_);
  if (!closed_ && idle_.size() < kIdleMax && !reader->lost()) idle_.push_back(std::move(reader));
}

void PgReaderPool::forget_idle() noexcept {
  std::vector<std::unique_ptr<PgReader>> gone;
  std::lock_guard lock(mutex_);
  gone.swap(idle_);
}

void PgReaderPool::soon(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      jobs_.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  job();
}

void PgReaderPool::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
  }
}

void PgReaderPool::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  forget_idle();
}

}  // namespace sx::store
