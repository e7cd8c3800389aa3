// Reading a SQLite store from any thread: a pool of connections, each call one short read
// transaction that is over when the call returns.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/base/str.h"
#include "server/store/sqlite_schema.h"
#include "server/store/store.h"

namespace sx::store {

// One connection with its statements; throws SqliteError.
class SqliteReader {
 public:
  explicit SqliteReader(SqliteDb db);
  ~SqliteReader();

  Slice read(std::string_view stream, std::uint64_t from_seq, std::size_t limit);
  Slice scan(std::string_view stream, std::uint64_t from_seq, std::size_t limit,
             const EventSink& sink);
  Slice read_all(std::uint64_t from_pos, std::size_t limit);
  std::uint64_t last_seq(std::string_view stream);
  std::vector<Event> read_once(std::string_view stream, std::string_view key);
  std::optional<KvEntry> kv_get(std::string_view key);
  std::vector<KvEntry> kv_list(std::string_view prefix, std::size_t limit, std::string_view after);
  std::vector<StreamInfo> streams();
  std::vector<OutboxItem> outbox_due(std::string_view queue, std::int64_t now_ms,
                                     std::size_t limit);
  void add_stats(Stats& stats);
  VerifyReport verify();
  // All rows as of one moment. Events go first, without a long transaction; those that were
  // truncated while it ran come with their payload, which whoever reads the dump drops.
  Result<void> dump(const RowSink& sink);
  // The walk that verify() does over events, from where the walker stands to the end.
  std::optional<BadRecord> walk_chain(ChainWalker& walker);
  void leave_wal_on_close() noexcept { db_.leave_wal_on_close(); }

 private:
  class Transaction;
  struct StreamRow {
    std::int64_t id = 0;  // 0: no such stream
    std::uint64_t truncated = 0;
    std::uint64_t last = 0;
  };
  StreamRow find_stream(std::string_view name);
  // What a read from from_seq on can find, which begins behind what is truncated. The stream's id,
  // 0 for none.
  std::int64_t begin_slice(std::string_view name, std::uint64_t& from_seq, Slice& slice);
  Result<void> dump_events(const RowSink& sink, std::uint64_t& next, int rows_max);
  Result<void> dump_rest(const RowSink& sink, std::uint64_t events);
  std::optional<BadRecord> check_rows(VerifyReport& report);

  SqliteDb db_;
  // After db_, so that they are gone before it.
  SqliteStatement begin_, end_, stream_, range_, scan_, all_, once_, block_, kv_, kv_list_, outbox_;
};

class SqliteReaderPool {
 public:
  SqliteReaderPool(std::string path, SqliteOptions options)
      : path_(std::move(path)), options_(options) {}

  // Calls f(reader) with a connection of the caller's own for that time.
  template <class F>
  auto with(F f) -> Result<decltype(f(std::declval<SqliteReader&>()))> {
    std::unique_ptr<SqliteReader> reader;
    if (auto taken = take(reader); !taken.ok()) return taken.error();
    try {
      auto answer = f(*reader);
      give_back(std::move(reader));
      return answer;
    } catch (const std::exception& error) {
      reader.reset();  // whatever state it is in, nobody uses it again
      give_back(nullptr);
      return Error{error.what()};
    }
  }

  // Waits until nobody reads, closes all connections and makes later readers wait. When the WAL is
  // in doubt, closing must leave it as it is.
  void pause(bool leave_wal) noexcept;
  void resume() noexcept;
  // Later readers get this error instead of waiting; resume() ends it.
  void refuse(std::string reason) noexcept;

 private:
  Result<void> take(std::unique_ptr<SqliteReader>& reader);
  void give_back(std::unique_ptr<SqliteReader> reader) noexcept;

  const std::string path_;
  const SqliteOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<SqliteReader>> idle_;
  std::size_t in_use_ = 0;
  bool paused_ = false;
  std::string refusal_;
};

}  // namespace sx::store
