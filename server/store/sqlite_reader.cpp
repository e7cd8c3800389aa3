#include "server/store/sqlite_reader.h"

#include <algorithm>
#include <limits>

#include "server/store/read_sql.h"

namespace sx::store {
namespace {

constexpr std::size_t kIdleMax = 32;
constexpr int kVerifyChunk = 10'000;  // rows per read transaction, so that the WAL can be folded in

}  // namespace

// All statements of one call see the same moment.
class SqliteReader::Transaction {
 public:
  explicit Transaction(SqliteReader& reader) : reader_(reader) { reader_.begin_.run(); }
  ~Transaction() {
    try {
      reader_.end_.run();
    } catch (const SqliteError&) {
      // A read transaction has nothing to lose; one that cannot end dies with its connection.
    }
  }

 private:
  SqliteReader& reader_;
};

SqliteReader::SqliteReader(SqliteDb db)
    : db_(std::move(db)),
      begin_(db_, "BEGIN"),
      end_(db_, "COMMIT"),
      stream_(db_,
              "SELECT id, truncated, (SELECT ifnull(max(seq), 0) FROM event WHERE stream=id) "
              "FROM stream WHERE name=?"),
      range_(db_,
             "SELECT seq, pos, type, at, data, hash FROM event "
             "WHERE stream=? AND seq>=? ORDER BY seq LIMIT ?"),
      scan_(db_,
            "SELECT seq, pos, type, at, data FROM event "
            "WHERE stream=? AND seq>=? ORDER BY seq LIMIT ?"),
      all_(db_,
           "SELECT e.seq, e.pos, e.type, e.at, e.data, e.hash, s.name, s.truncated "
           "FROM event e CROSS JOIN stream s ON s.id=e.stream "
           "WHERE e.pos>=? ORDER BY e.pos LIMIT ?"),
      once_(db_, "SELECT pos, count FROM once WHERE stream=? AND key=?"),
      block_(db_,
             "SELECT seq, pos, type, at, data, hash FROM event "
             "WHERE pos>=? AND pos<? ORDER BY pos"),
      kv_(db_, "SELECT value, version FROM kv WHERE key=?"),
      kv_list_(db_,
               "SELECT key, value, version FROM kv "
               "WHERE key>=?1 AND key>?2 AND (?3='' OR key<?3) ORDER BY key LIMIT ?4"),
      outbox_(db_,
              "SELECT id, queue, data, due, attempts FROM outbox "
              "WHERE due<=?1 AND (?2='' OR queue=?2) ORDER BY due, id LIMIT ?3") {}

SqliteReader::~SqliteReader() = default;

SqliteReader::StreamRow SqliteReader::find_stream(std::string_view name) {
  SqliteUse use(stream_);
  if (!stream_.bind(name).step()) return {};
  return {stream_.i64(0), stream_.u64(1), stream_.u64(2)};
}

std::int64_t SqliteReader::begin_slice(std::string_view name, std::uint64_t& from_seq,
                                       Slice& slice) {
  const StreamRow stream = find_stream(name);
  from_seq = std::max<std::uint64_t>(from_seq, 1);
  if (from_seq <= stream.truncated) {
    slice.compacted_through = stream.truncated;
    from_seq = stream.truncated + 1;
  }
  slice.last = stream.last;
  return stream.id;
}

Slice SqliteReader::read(std::string_view name, std::uint64_t from_seq, std::size_t limit) {
  Transaction transaction(*this);
  Slice slice;
  const std::int64_t stream = begin_slice(name, from_seq, slice);
  if (!stream) return slice;
  SqliteUse use(range_);
  range_.bind(stream).bind(sql_number(from_seq)).bind(sql_limit(limit));
  std::size_t bytes = 0;
  while (bytes <= kReadBytesMax && range_.step()) {
    slice.events.push_back(event_from(range_, std::string(name)));
    bytes += slice.events.back().data.size();
  }
  slice.more = (slice.events.empty() ? from_seq : slice.events.back().seq + 1) <= slice.last;
  return slice;
}

Slice SqliteReader::scan(std::string_view name, std::uint64_t from_seq, std::size_t limit,
                         const EventSink& sink) {
  Transaction transaction(*this);
  Slice slice;
  const std::int64_t stream = begin_slice(name, from_seq, slice);
  if (!stream) return slice;
  SqliteUse use(scan_);
  scan_.bind(stream).bind(sql_number(from_seq)).bind(sql_limit(limit));
  std::uint64_t next = from_seq;
  std::size_t bytes = 0;
  while (bytes <= kReadBytesMax && scan_.step()) {
    EventView event;
    event.seq = scan_.u64(0);
    event.pos = scan_.u64(1);
    event.type = scan_.text(2);
    event.at_ms = scan_.i64(3);
    event.data = scan_.text(4);
    // Of the events of a stream only those it is truncated through have no type.
    event.compacted = event.type.empty() && scan_.is_null(2);
    bytes += event.data.size();
    next = event.seq + 1;
    sink(event);
  }
  slice.more = next <= slice.last;
  return slice;
}

Slice SqliteReader::read_all(std::uint64_t from_pos, std::size_t limit) {
  Transaction transaction(*this);
  Slice slice;
  from_pos = std::max<std::uint64_t>(from_pos, 1);
  slice.last = static_cast<std::uint64_t>(db_.number_of("SELECT ifnull(max(pos), 0) FROM event"));
  SqliteUse use(all_);
  all_.bind(sql_number(from_pos)).bind(sql_limit(limit));
  std::size_t bytes = 0;
  while (bytes <= kReadBytesMax && all_.step()) {
    slice.events.push_back(event_from(all_, std::string(all_.text(6))));
    bytes += slice.events.back().data.size();
  }
  slice.more = (slice.events.empty() ? from_pos : slice.events.back().pos + 1) <= slice.last;
  return slice;
}

std::uint64_t SqliteReader::last_seq(std::string_view stream) { return find_stream(stream).last; }

std::vector<Event> SqliteReader::read_once(std::string_view name, std::string_view key) {
  Transaction transaction(*this);
  std::vector<Event> events;
  const StreamRow stream = find_stream(name);
  SqliteUse use_once(once_), use_block(block_);
  if (!once_.bind(stream.id).bind(key).step()) return events;
  block_.bind(once_.i64(0)).bind(once_.i64(0) + once_.i64(1));
  while (block_.step()) events.push_back(event_from(block_, std::string(name)));
  return events;
}

std::optional<KvEntry> SqliteReader::kv_get(std::string_view key) {
  SqliteUse use(kv_);
  if (!kv_.bind(key).step()) return std::nullopt;
  return KvEntry{std::string(key), std::string(kv_.text(0)), kv_.u64(1)};
}

std::vector<KvEntry> SqliteReader::kv_list(std::string_view prefix, std::size_t limit,
                                           std::string_view after) {
  std::vector<KvEntry> entries;
  const std::string end = after_prefix(prefix);
  SqliteUse use(kv_list_);
  kv_list_.bind(prefix).bind(after).bind(std::string_view(end)).bind(sql_limit(limit));
  while (kv_list_.step())
    entries.push_back(
        {std::string(kv_list_.text(0)), std::string(kv_list_.text(1)), kv_list_.u64(2)});
  return entries;
}

std::vector<StreamInfo> SqliteReader::streams() {
  SqliteStatement list(db_,
                       "SELECT name, (SELECT ifnull(max(seq), 0) FROM event WHERE stream=id), "
                       "truncated FROM stream ORDER BY name");
  std::vector<StreamInfo> infos;
  while (list.step()) infos.push_back({std::string(list.text(0)), list.u64(1), list.u64(2)});
  return infos;
}

std::vector<OutboxItem> SqliteReader::outbox_due(std::string_view queue, std::int64_t now_ms,
                                                 std::size_t limit) {
  std::vector<OutboxItem> items;
  SqliteUse use(outbox_);
  outbox_.bind(now_ms).bind(queue).bind(sql_limit(limit));
  while (outbox_.step())
    items.push_back({outbox_.u64(0), std::string(outbox_.text(1)), std::string(outbox_.text(2)),
                     outbox_.i64(3), outbox_.u64(4)});
  return items;
}

void SqliteReader::add_stats(Stats& stats) {
  Transaction transaction(*this);
  stats.streams = static_cast<std::uint64_t>(db_.number_of("SELECT count(*) FROM stream"));
  stats.kv_keys = static_cast<std::uint64_t>(db_.number_of("SELECT count(*) FROM kv"));
  stats.outbox = static_cast<std::uint64_t>(db_.number_of("SELECT count(*) FROM outbox"));
}

std::optional<BadRecord> SqliteReader::walk_chain(ChainWalker& walker) {
  for (;;) {
    int rows = 0;
    try {
      SqliteUse use(all_);
      all_.bind(walker.pos() + 1).bind(std::int64_t{kVerifyChunk});
      for (; all_.step(); ++rows) {
        const bool compacted = all_.is_null(2);
        auto bad = walker.feed({all_.u64(1), all_.text(6), all_.u64(0), compacted, all_.text(2),
                                all_.i64(3), all_.text(4), all_.text(5), all_.u64(7)});
        if (bad) return bad;
      }
    } catch (const SqliteError& error) {
      return BadRecord{walker.pos() + 1, "", 0, what_is_bad(error)};
    }
    if (rows < kVerifyChunk) break;
  }
  return std::nullopt;
}

VerifyReport SqliteReader::verify() {
  VerifyReport report;
  ChainWalker walker;
  report.bad = walk_chain(walker);
  report.events = walker.pos();
  report.compacted = walker.compacted();
  report.head = to_hex(walker.hash());
  if (!report.bad) report.bad = check_rows(report);
  return report;
}

Result<void> SqliteReader::dump_events(const RowSink& sink, std::uint64_t& next, int rows_max) {
  SqliteUse use(all_);
  all_.bind(next).bind(std::int64_t{rows_max});
  while (all_.step()) {
    Event event = event_from(all_, std::string(all_.text(6)));
    next = event.pos + 1;
    if (event.compacted) {
      Digest payload;
      if (!read_digest(all_.text(4), payload))
        return Error{str("event ", event.pos,
                         " does not keep the digest of its payload: see "
                         "`sx store verify`")};
      SX_CHECK(sink(CompactedEvent{std::move(event), to_hex(payload)}));
    } else {
      SX_CHECK(sink(event));
    }
  }
  return {};
}

Result<void> SqliteReader::dump(const RowSink& sink) {
  std::uint64_t next = 1, before = 0;
  do {
    before = next;
    SX_CHECK(dump_events(sink, next, kVerifyChunk));
  } while (next - before >= kVerifyChunk);
  Transaction transaction(*this);
  SX_CHECK(dump_events(sink, next, INT32_MAX));
  return dump_rest(sink, next - 1);
}

Result<void> SqliteReader::dump_rest(const RowSink& sink, std::uint64_t events) {
  SqliteStatement streams(db_, "SELECT name, truncated FROM stream WHERE truncated>0 ORDER BY id");
  while (streams.step())
    SX_CHECK(sink(TruncatedStream{std::string(streams.text(0)), streams.u64(1)}));
  SqliteStatement once(db_,
                       "SELECT s.name, o.key, o.pos, o.count FROM once o "
                       "JOIN stream s ON s.id=o.stream ORDER BY o.pos");
  while (once.step())
    SX_CHECK(sink(
        OnceMark{std::string(once.text(0)), std::string(once.text(1)), once.u64(2), once.u64(3)}));
  SqliteStatement kv(db_, "SELECT key, value, version FROM kv ORDER BY key");
  while (kv.step())
    SX_CHECK(sink(KvEntry{std::string(kv.text(0)), std::string(kv.text(1)), kv.u64(2)}));
  SqliteStatement outbox(db_, "SELECT id, queue, data, due, attempts FROM outbox ORDER BY id");
  while (outbox.step())
    SX_CHECK(sink(OutboxItem{outbox.u64(0), std::string(outbox.text(1)),
                             std::string(outbox.text(2)), outbox.i64(3), outbox.u64(4)}));
  return sink(StoreEnd{events, static_cast<std::uint64_t>(
                                   db_.number_of("SELECT value FROM meta WHERE key='counter'"))});
}

std::optional<BadRecord> SqliteReader::check_rows(VerifyReport& report) {
  try {
    // An event that lost its stream would be skipped by the join of the walk.
    const auto rows = static_cast<std::uint64_t>(
        db_.number_of("SELECT count(*) FROM event NOT INDEXED WHERE stream NOT IN "
                      "(SELECT id FROM stream)"));
    if (rows) return BadRecord{0, "", 0, str(rows, " events belong to no stream")};
    SqliteStatement kv(db_, "SELECT key, value, version, sum FROM kv");
    for (; kv.step(); ++report.kv_keys)
      if (row_checksum({kv.text(0), kv.text(1)}, {kv.u64(2)}) != kv.i64(3))
        return BadRecord{0, "", 0,
                         str("the checksum of the key '", kv.text(0), "' does not match")};
    SqliteStatement outbox(db_, "SELECT id, queue, data, sum FROM outbox");
    while (outbox.step())
      if (row_checksum({outbox.text(1), outbox.text(2)}, {outbox.u64(0)}) != outbox.i64(3))
        return BadRecord{
            0, "", 0, str("the checksum of the outbox message ", outbox.u64(0), " does not match")};
    const std::string structure = db_.text_of("PRAGMA integrity_check(1)");
    if (structure != "ok")
      return BadRecord{0, "", 0, str("the database file is damaged: ", structure)};
  } catch (const SqliteError& error) {
    return BadRecord{0, "", 0, what_is_bad(error)};
  }
  return std::nullopt;
}

Result<void> SqliteReaderPool::take(std::unique_ptr<SqliteReader>& reader) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !paused_ || !refusal_.empty(); });
    if (!refusal_.empty()) return Error{refusal_};
    ++in_use_;
    if (!idle_.empty()) {
      reader = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (reader) return {};
  try {
    reader = std::make_unique<SqliteReader>(open_reader(path_, options_));
    return {};
  } catch (const std::exception& error) {
    give_back(nullptr);
    return Error{error.what()};
  }
}

void SqliteReaderPool::give_back(std::unique_ptr<SqliteReader> reader) noexcept {
  {
    std::lock_guard lock(mutex_);
    --in_use_;
    if (reader && !paused_ && idle_.size() < kIdleMax) {
      idle_.push_back(std::move(reader));
      return;
    }
    if (reader && paused_) {
      // pause() closes it in the way it was asked to.
      idle_.push_back(std::move(reader));
    }
  }
  changed_.notify_all();
}

void SqliteReaderPool::pause(bool leave_wal) noexcept {
  std::vector<std::unique_ptr<SqliteReader>> closing;
  std::unique_lock lock(mutex_);
  paused_ = true;
  changed_.wait(lock, [&] { return in_use_ == 0; });
  closing.swap(idle_);
  if (leave_wal)
    for (auto& reader : closing) reader->leave_wal_on_close();
}

void SqliteReaderPool::resume() noexcept {
  {
    std::lock_guard lock(mutex_);
    paused_ = false;
    refusal_.clear();
  }
  changed_.notify_all();
}

void SqliteReaderPool::refuse(std::string reason) noexcept {
  {
    std::lock_guard lock(mutex_);
    refusal_ = std::move(reason);
  }
  changed_.notify_all();
}

}  // namespace sx::store
