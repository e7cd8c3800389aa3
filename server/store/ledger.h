// The rows beneath a store as its one writer sees them, and the rules of a commit over them.
// The rules live here once; a backend only looks rows up and writes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/store/digest.h"
#include "server/store/store.h"

namespace sx::store {

// A backend failed below the rules. Never leaves the writer's thread: it becomes an Error there.
struct LedgerError : std::runtime_error {
  LedgerError(const std::string& message, bool reopen_needed)
      : std::runtime_error(message), reopen(reopen_needed) {}
  bool reopen;         // what the disk holds is in doubt: use no handle again before recover()
  bool retry = false;  // certainly nothing was written: the same commits may be run again
};

// Of the tables, the same in every database.
inline constexpr int kSchemaVersion = 1;

// Numbers above what a bigint can hold occur in no row; they must not wrap to negative ones.
inline std::uint64_t sql_number(std::uint64_t n) {
  return std::min<std::uint64_t>(n, std::numeric_limits<std::int64_t>::max());
}

// Used by one thread. Everything between begin() and commit() is one transaction on disk, and
// lookups see what it wrote so far. Every function may throw LedgerError, except rollback().
class Ledger {
 public:
  struct Block {
    std::uint64_t first_pos = 0;
    std::uint64_t count = 0;
  };

  virtual ~Ledger() = default;

  virtual void begin() = 0;
  // These ops come next in this transaction. A ledger that is far away may look up what they need
  // in one go.
  virtual void expect(const std::vector<Op>&) {}
  virtual void commit() = 0;  // returns when all is on disk
  virtual void rollback() noexcept = 0;
  // After the answers of a group are out: upkeep that no caller should wait for. Must not throw.
  virtual void upkeep() noexcept {}
  // After LedgerError::reopen: opens everything anew and checks that nothing acknowledged is lost.
  virtual void recover() = 0;

  virtual std::uint64_t last_pos() const = 0;
  virtual std::uint64_t last_seq(std::string_view stream) = 0;
  virtual std::optional<std::string> kv_value(std::string_view key) = 0;
  virtual std::optional<Block> once(std::string_view stream, std::string_view key) = 0;
  virtual std::vector<Event> events(Block block) = 0;

  virtual AppendReply append(std::string_view stream, const std::vector<NewEvent>& events) = 0;
  virtual void remember_once(std::string_view stream, std::string_view key, Block block) = 0;
  virtual KvReply kv_put(std::string_view key, std::string_view value) = 0;
  virtual KvReply kv_delete(std::string_view key) = 0;
  virtual TruncateReply truncate(std::string_view stream, std::uint64_t through) = 0;
  virtual OutboxReply outbox_put(const OutboxPut& message) = 0;
  virtual OutboxReply outbox_done(std::uint64_t id) = 0;
  virtual OutboxReply outbox_retry(std::uint64_t id, std::int64_t due_ms) = 0;

  // For import into an empty store: an event of which only the digest of its payload is left, and
  // the counter that the next kv version or outbox id follows.
  virtual AppendReply append_compacted(std::string_view stream, const Digest& payload) = 0;
  virtual void set_counter(std::uint64_t counter) = 0;
  virtual std::uint64_t counter() const = 0;
  virtual Digest last_hash() const = 0;
  // Gives space back; outside of transactions.
  virtual void compact() {}
};

// What can be said of a commit without looking at the store: its size in bytes, or what is wrong.
Result<std::size_t> check_commit(const std::vector<Op>& ops);

// Applies one commit, or finds its first conflict and writes nothing. The ops are left as they are,
// so that a commit whose group failed can be run again.
CommitOutcome run_commit(Ledger& ledger, const std::vector<Op>& ops);

}  // namespace sx::store
