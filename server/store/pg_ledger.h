// The writing side of a PostgreSQL store: one connection, one transaction per group, heads in
// memory. Rows are collected and go to the database together when the group commits, in two round
// trips: BEGIN, the head's UPDATE and all rows; then COMMIT.
//
// The head's UPDATE is where safety lies. It names the owner, the epoch and the batch that this
// process wrote last; if any of them is not so, it changes no row and the group is not committed.
// So what is kept in memory (heads, the end of the log) is what the database holds, or nothing is
// written. The batch's random id also tells after a lost connection whether COMMIT happened.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/store/ledger.h"
#include "server/store/pg_connection.h"
#include "server/store/pg_schema.h"

namespace sx::store {

class PgLedger : public Ledger {
 public:
  // Throws PgError.
  PgLedger(std::string url, PgOptions options, PgOwner owner);
  ~PgLedger() override;

  void begin() override;
  void expect(const std::vector<Op>& ops) override;
  void commit() override;
  void rollback() noexcept override;
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
  struct Head {
    std::int64_t id = 0;  // 0: the stream does not exist yet
    std::uint64_t last_seq = 0;
    std::uint64_t truncated = 0;
  };
  struct End {
    std::uint64_t pos = 0;
    Digest hash{};
    std::uint64_t counter = 0;
    std::string batch;
  };
  // Rows on their way, a column each.
  struct Rows {
    std::vector<std::int64_t> stream_id;
    std::vector<std::string> stream_name;
    std::vector<std::int64_t> pos, stream, seq, at;
    std::vector<std::string> type, data, hash;
    std::vector<std::int64_t> once_stream, once_pos, once_count;
    std::vector<std::string> once_key;
    std::map<std::string, std::uint64_t> kv;  // versions of keys that changed; values in kv_
    std::vector<std::int64_t> outbox_id, outbox_due, outbox_sum;
    std::vector<std::string> outbox_queue, outbox_data;
    bool empty() const;
  };
  using OnceKey = std::pair<std::string, std::string>;

  Head& head(std::string_view stream);
  void fetch();  // all that is wanted and not known yet
  void flush(bool last);
  std::vector<PgConnection::Step> row_steps();
  Head& stream_to_grow(std::string_view stream);
  void connect();
  End read_end();
  void after_lost_commit(const std::string& why);
  PgConnection& db();

  const std::string url_;
  const PgOptions options_;
  const PgOwner owner_;
  std::unique_ptr<PgConnection> db_;
  bool outage_ = false;  // the last attempt to connect failed: do not wait long again
  bool open_ = false;    // rows of this group are with the database
  std::unordered_map<std::string, Head> heads_;
  std::unordered_map<std::string, std::optional<std::string>> kv_;  // of this group
  std::map<OnceKey, std::optional<Block>> once_;                    // of this group
  std::set<std::string> wanted_streams_, wanted_keys_;
  std::set<OnceKey> wanted_once_;
  Rows rows_;
  End end_, acked_;
  std::string batch_;  // of this group
};

}  // namespace sx::store
