// The durable store: append-only streams, a key-value table and an outbox, written together by one
// `commit` and read from any thread. Backends: SQLite (embedded, durable) and memory; both pass the
// same suite. Event data, values and outbox payloads are text that the store never looks into.
//
// What holds for every backend:
//   - A commit is all or nothing. Its conditions and its writes are one step.
//   - No reply of any kind, also no conflict and no idempotent repeat, before everything that it
//     rests on is on disk.
//   - `seq` counts 1, 2, 3 … per stream and `pos` 1, 2, 3 … over the whole store, without gaps and
//     in commit order; neither is ever reused, also not after truncation or a restart.
//   - After a reply to a commit every later read, on any thread, sees it.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.h"

namespace sx::store {

// ---- what is stored ----

struct Event {
  std::string stream;
  std::uint64_t seq = 0;  // within the stream, from 1
  std::uint64_t pos = 0;  // within the store, from 1
  std::string type;
  std::int64_t at_ms = 0;
  std::string data;
  std::string hash;  // 64 hex digits: this record chained to all before it (chain.h)
  // True when truncation dropped type, time and data: then only stream, seq, pos and hash are left.
  bool compacted = false;
  bool operator==(const Event&) const = default;
};

// An event where it lies in the store, valid during the call that is handed it.
struct EventView {
  std::uint64_t seq = 0, pos = 0;
  std::string_view type;
  std::int64_t at_ms = 0;
  std::string_view data;
  bool compacted = false;
};
using EventSink = std::function<void(const EventView&)>;

// An event before it has its place.
struct NewEvent {
  std::string type;
  std::int64_t at_ms = 0;
  std::string data;
};

// ---- what a commit may do ----

// Appends the events as one block: consecutive seqs and positions.
struct Append {
  std::string stream;
  std::vector<NewEvent> events;
};
// … only if the stream's last seq is `expected` (0: the stream must not exist yet).
struct AppendExpect {
  std::string stream;
  std::uint64_t expected = 0;
  std::vector<NewEvent> events;
};
// … only the first time this key is used on this stream; later the reply is the stored block.
struct AppendOnce {
  std::string stream;
  std::string key;
  std::vector<NewEvent> events;
};
struct KvPut {
  std::string key;
  std::string value;
};
// Writes `value` only if the present value is `expected` (nullopt: only if the key is absent).
struct KvCas {
  std::string key;
  std::optional<std::string> expected;
  std::string value;
};
struct KvDelete {
  std::string key;
};
// Drops type, time and data of the stream's events up to and including `through`.
// What lies beyond the end of the stream is not affected: `through` is cut to its last seq.
struct Truncate {
  std::string stream;
  std::uint64_t through = 0;
};
// A message to be delivered by somebody else, not before `due_ms`.
struct OutboxPut {
  std::string queue;
  std::string data;
  std::int64_t due_ms = 0;
};
// The message was delivered or given up: it leaves the outbox.
struct OutboxDone {
  std::uint64_t id = 0;
};
// The delivery failed: try again at `due_ms`; counts as one attempt.
struct OutboxRetry {
  std::uint64_t id = 0;
  std::int64_t due_ms = 0;
};

using Op = std::variant<Append, AppendExpect, AppendOnce, KvPut, KvCas, KvDelete, Truncate,
                        OutboxPut, OutboxDone, OutboxRetry>;

// ---- what a commit answers ----

struct AppendReply {
  std::uint64_t first_seq = 0;
  std::uint64_t first_pos = 0;
  std::uint64_t count = 0;
  // AppendOnce found its key: nothing was written, `events` is the block stored the first time.
  bool repeated = false;
  std::vector<Event> events;

  std::uint64_t last_seq() const { return first_seq + count - 1; }
  std::uint64_t last_pos() const { return first_pos + count - 1; }
};
struct KvReply {
  // Of this write. Grows with every kv write in the store, so a version is never seen twice.
  std::uint64_t version = 0;
  bool existed = false;  // the key had a value before
};
struct TruncateReply {
  std::uint64_t through = 0;  // what the stream is truncated through now
  std::uint64_t last_seq = 0;
};
struct OutboxReply {
  std::uint64_t id = 0;
  bool existed = true;  // OutboxDone, OutboxRetry: the message was there
};
using OpReply = std::variant<AppendReply, KvReply, TruncateReply, OutboxReply>;

// The first condition that did not hold; then nothing at all was written.
struct Conflict {
  std::size_t index = 0;  // of the op in the commit
  std::string target;     // the stream or key
  // AppendExpect: last seqs. KvCas: values, nullopt for an absent key.
  std::variant<std::uint64_t, std::optional<std::string>> expected, actual;
  bool operator==(const Conflict&) const = default;
};

struct CommitOutcome {
  std::vector<OpReply> replies;  // one per op, unless there is a conflict
  std::optional<Conflict> conflict;
  std::uint64_t committed = 0;  // the store-wide position after this commit's group
};

using CommitCallback = std::function<void(Result<CommitOutcome>)>;

// ---- what reads answer ----

struct Slice {
  std::vector<Event> events;
  // read(): > 0 when the wanted range starts in a part that truncation dropped; `events` then
  // starts after it. A fold from there is not the fold of the
  // stream: start from a snapshot.
  std::uint64_t compacted_through = 0;
  std::uint64_t last = 0;  // the stream's last seq, or the store's last pos, at this read
  bool more = false;       // `limit` or the size bound cut the answer
};
struct KvEntry {
  std::string key;
  std::string value;
  std::uint64_t version = 0;
  bool operator==(const KvEntry&) const = default;
};
struct StreamInfo {
  std::string name;
  std::uint64_t last_seq = 0;
  std::uint64_t truncated_through = 0;
  bool operator==(const StreamInfo&) const = default;
};
struct OutboxItem {
  std::uint64_t id = 0;
  std::string queue;
  std::string data;
  std::int64_t due_ms = 0;
  std::uint64_t attempts = 0;
  bool operator==(const OutboxItem&) const = default;
};
struct Stats {
  std::uint64_t committed = 0;  // events ever committed = last pos
  std::uint64_t streams = 0;
  std::uint64_t kv_keys = 0;
  std::uint64_t outbox = 0;
  std::uint64_t bytes = 0;  // on disk (memory: of payloads)
  // Since this process opened the store:
  std::uint64_t commits = 0;  // answered with replies
  std::uint64_t conflicts = 0;
  std::uint64_t errors = 0;
  std::uint64_t groups = 0;         // commits / groups = members of a group
  std::uint64_t largest_group = 0;  // members
  std::uint64_t commit_us = 0;      // moving average time of one group's COMMIT with its sync
  std::uint64_t recoveries = 0;     // times the store was reopened after an I/O failure
};
struct BadRecord {
  std::uint64_t pos = 0;  // 0 when the damage is not in an event
  std::string stream;
  std::uint64_t seq = 0;
  std::string what;
  // Rescue alone: not seen to be bad, but the record before it, which would prove it, is gone.
  bool unproven = false;
  std::string key;  // when the damage is in the value of a key
};
struct VerifyReport {
  std::uint64_t events = 0;
  std::uint64_t compacted = 0;
  std::uint64_t kv_keys = 0;
  std::string head;              // hash of the last event: whoever noted it elsewhere can compare
  std::optional<BadRecord> bad;  // the first one
};

// ---- a whole store, row by row ----

// A truncated event as export sees it: `payload` binds it into the hash chain.
struct CompactedEvent {
  Event event;
  std::string payload;  // 64 hex digits
};
struct TruncatedStream {
  std::string name;
  std::uint64_t through = 0;
};
struct OnceMark {
  std::string stream, key;
  std::uint64_t first_pos = 0, count = 0;
};
// The last row: where the log ends, and the counter of kv versions and outbox ids.
struct StoreEnd {
  std::uint64_t events = 0, counter = 0;
};
using Row =
    std::variant<Event, CompactedEvent, TruncatedStream, OnceMark, KvEntry, OutboxItem, StoreEnd>;
using RowSink = std::function<Result<void>(const Row&)>;

struct CompactReport {
  std::uint64_t bytes_before = 0, bytes_after = 0;
};

class Ledger;

// A wait for a position that is under way; number 0: none is.
struct PositionWait {
  std::chrono::steady_clock::time_point until;
  std::uint64_t number = 0;
  auto operator<=>(const PositionWait&) const = default;
};

// ---- the store ----

class Store {
 public:
  virtual ~Store() = default;  // as close()

  // Queues the ops as one commit. `done` runs exactly once, on the store's own thread (callers post
  // to their loop) or, if the store is closed, at once. It must not block and not throw. An empty
  // list of ops is an error, and so are empty names and oversized texts (kNameBytesMax …).
  virtual void commit(std::vector<Op> ops, CommitCallback done) = 0;

  // Events of one stream with seq >= from_seq, oldest first. An unknown stream is an empty slice.
  virtual Result<Slice> read(std::string_view stream, std::uint64_t from_seq,
                             std::size_t limit) = 0;
  // The same without copies and hashes: each event is handed to the sink, and `events` of the
  // answer stays empty. The sink must not use the store.
  virtual Result<Slice> scan(std::string_view stream, std::uint64_t from_seq, std::size_t limit,
                             const EventSink& sink) {
    SX_TRY(Slice slice, read(stream, from_seq, limit));
    for (const Event& e : slice.events) sink({e.seq, e.pos, e.type, e.at_ms, e.data, e.compacted});
    slice.events.clear();
    return slice;
  }
  // Events of all streams with pos >= from_pos in commit order, compacted ones as such.
  virtual Result<Slice> read_all(std::uint64_t from_pos, std::size_t limit) = 0;
  virtual Result<std::uint64_t> last_seq(std::string_view stream) = 0;
  // The block that an AppendOnce with this key stored, or an empty one.
  virtual Result<std::vector<Event>> read_once(std::string_view stream, std::string_view key) = 0;
  virtual Result<std::optional<KvEntry>> kv_get(std::string_view key) = 0;
  // Entries whose key starts with prefix and is > after, by key in byte order.
  virtual Result<std::vector<KvEntry>> kv_list(std::string_view prefix,
                                               std::size_t limit = SIZE_MAX,
                                               std::string_view after = {}) = 0;
  // All streams by name in byte order, also fully truncated ones.
  virtual Result<std::vector<StreamInfo>> streams() = 0;
  // Messages of a queue ("" for all) that are due at now_ms, by due time and id.
  virtual Result<std::vector<OutboxItem>> outbox_due(std::string_view queue, std::int64_t now_ms,
                                                     std::size_t limit) = 0;

  // False while the disk or the database is known to be out of reach; it is tried again by itself.
  virtual bool answers() const { return true; }

  // True when a read waits for another process: then event loops have it done by read_soon().
  virtual bool reads_wait() const { return false; }
  // Runs the job on a thread that may wait. Stores that answer at once run it on this one.
  virtual void read_soon(std::function<void()> job) { job(); }

  // Position of the last event that is on disk and visible; wait-free.
  virtual std::uint64_t committed() const = 0;
  // Tells `done` the committed position once: when it is past `pos`, when the time is over, or when
  // the store closes; at once on this thread if that is so already, else on a thread of the store.
  virtual PositionWait wait_past(std::uint64_t pos, std::int64_t timeout_ms,
                                 std::function<void(std::uint64_t committed)> done) = 0;
  // Nobody waits any more: `done` is dropped, unless it has been told or is being told right now.
  virtual void stop_waiting(const PositionWait& wait) = 0;
  virtual Result<Stats> stats() = 0;
  // Walks everything and recomputes every hash and checksum. May run beside writers.
  virtual Result<VerifyReport> verify() = 0;

  // Hands over all rows as they are at one moment; events come first, in commit order. May run
  // beside writers. An error of the sink ends it.
  virtual Result<void> dump(const RowSink& sink) = 0;
  // Gives space back to the file system where the backend can; writers wait meanwhile.
  virtual Result<CompactReport> compact() = 0;
  // Runs the job alone on the writer's thread, between two groups. A LedgerError undoes what it
  // began and is the answer.
  virtual Result<void> exclusive(const std::function<void(Ledger&)>& job) = 0;

  // Answers what is queued, syncs and releases the store; later calls answer an error. Idempotent.
  virtual void close() = 0;
};

inline constexpr std::size_t kNameBytesMax = 1024;          // streams, keys, types, queues
inline constexpr std::size_t kTextBytesMax = 64u << 20;     // data, values, payloads
inline constexpr std::size_t kCommitBytesMax = 256u << 20;  // all texts of one commit
inline constexpr std::size_t kReadBytesMax = 16u << 20;     // a slice stops after passing this

struct OpenStoreOptions {
  // Whether "sqlite:PATH?unsafe-no-sync" is taken, a store that a power failure may lose or tear:
  // for tests of what is written, never for a server.
  bool allow_unsafe = false;
};
// "sqlite:PATH" (a file, made with its folder if absent) or "memory:".
Result<std::unique_ptr<Store>> open_store(std::string_view url,
                                          const OpenStoreOptions& options = {});

// True for an error that comes of a full disk, of any backend and of the blobs: such an error
// passes by itself once there is room again. All of them tell the reader to free some space.
inline bool says_disk_full(std::string_view message) {
  return message.find("free some space") != std::string_view::npos;
}

// Blocking commit for commands and tests; never from the store's thread or a request loop.
Result<CommitOutcome> commit_and_wait(Store& store, std::vector<Op> ops);

}  // namespace sx::store
