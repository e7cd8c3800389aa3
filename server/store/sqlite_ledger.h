// The writing side of a SQLite store: one connection, one transaction per group, heads in memory.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "server/store/ledger.h"
#include "server/store/sqlite_reader.h"
#include "server/store/sqlite_schema.h"

namespace sx::store {

// Folds the WAL into the database on a thread and connection of its own, so that no commit pays for
// it. Failures are not reported: the next round writes the same pages again, and until one succeeds
// the WAL keeps everything.
class SqliteCheckpointer {
 public:
  SqliteCheckpointer(const std::string& path, const SqliteOptions& options);
  ~SqliteCheckpointer();
  // The WAL has this many frames now. Cheap.
  void wal_grew_to(int frames);
  // True once after each round: what is left in the WAL is only what came meanwhile.
  bool take_round_done() noexcept { return round_done_.exchange(false); }
  void leave_wal_on_close() noexcept { leave_wal_ = true; }

 private:
  void run();

  SqliteDb db_;
  const int fold_frames_;
  std::mutex mutex_;
  std::condition_variable wake_;
  int frames_ = 0;
  int folded_ = 0;  // frames at the last round
  bool stopping_ = false;
  std::atomic<bool> round_done_{false};
  std::atomic<bool> leave_wal_{false};
  std::thread thread_;
};

class SqliteLedger : public Ledger {
 public:
  // `readers` is borrowed: recovery has to close every connection. Throws LedgerError.
  SqliteLedger(std::string path, SqliteOptions options, std::string token,
               SqliteReaderPool& readers);
  ~SqliteLedger() override;

  void begin() override;
  void commit() override;
  void rollback() noexcept override;
  void upkeep() noexcept override;
  void recover() override;

  std::uint64_t last_pos() const override { return acked_.pos; }
  std::uint64_t last_seq(std::string_view stream) override { return head(stream).last_seq; }
  std::optional<std::string> kv_value(std::string_view key) override;
  std::optional<Block> once(std::string_view stream, std::string_view key) override;
  std::vector<Event> events(Block block) override;

  AppendReply append(std::string_view stream, const std::vector<NewEvent>& events) override;
  void remember_once(std::string_view stream, std::string_view key, Block block) override;
  KvReply kv_put(std::string_view key, std::string_view value) override;
  KvReply kv_delete(std::string_view key) override;
  TruncateReply truncate(std::string_view stream, std::uint64_t through) override;
  OutboxReply outbox_put(const OutboxPut& message) override;
  OutboxReply outbox_done(std::uint64_t id) override;
  OutboxReply outbox_retry(std::uint64_t id, std::int64_t due_ms) override;
  AppendReply append_compacted(std::string_view stream, const Digest& payload) override;
  void set_counter(std::uint64_t counter) override { end_.counter = counter; }
  std::uint64_t counter() const override { return end_.counter; }
  Digest last_hash() const override { return end_.hash; }
  void compact() override;

 private:
  void hold_until_folded();
  struct Head {
    std::int64_t id = 0;  // 0: the stream does not exist yet
    std::uint64_t last_seq = 0;
    std::uint64_t truncated = 0;
  };
  // Where the whole store ends.
  struct End {
    std::uint64_t pos = 0;
    Digest hash{};
    std::uint64_t counter = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Connection;  // the database handle with its prepared statements

  Head& head(std::string_view stream);
  End read_end(SqliteDb& db);
  void connect();
  void check_recovered();
  void check_tail(SqliteDb& db);
  // Verifies the events from one position on; what is wrong with the first bad one.
  std::optional<BadRecord> walk_from(SqliteDb& db, std::uint64_t from, ChainWalker& walker);

  const std::string path_;
  const SqliteOptions options_;
  const std::string token_;
  SqliteReaderPool& readers_;
  std::unique_ptr<Connection> db_;  // null between a failed recovery and the next try
  std::unique_ptr<SqliteCheckpointer> checkpointer_;
  std::unordered_map<std::string, Head, TextHash, std::equal_to<>> heads_;
  int next_own_fold_ = 0;
  End end_;    // with what the open transaction added
  End acked_;  // as of the last COMMIT
};

}  // namespace sx::store
