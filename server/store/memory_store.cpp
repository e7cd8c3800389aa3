#include "server/store/memory_store.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "engine/base/str.h"
#include "server/store/appender.h"
#include "server/store/chain.h"
#include "server/store/ledger.h"

namespace sx::store {
namespace {

struct Record {
  Event event;  // compacted: without type, time and data
  Digest hash{};
  Digest payload{};  // only when compacted
};
struct Stream {
  std::vector<std::uint64_t> positions;  // of seq 1, 2, 3 …
  std::uint64_t truncated = 0;
};
struct Value {
  std::string value;
  std::uint64_t version = 0;
};

struct Tables {
  std::deque<Record> log;  // index = pos - 1
  std::map<std::string, Stream, std::less<>> streams;
  std::map<std::pair<std::string, std::string>, Ledger::Block> once;
  std::map<std::string, Value, std::less<>> kv;
  std::map<std::uint64_t, OutboxItem> outbox;
  std::uint64_t counter = 0;  // kv versions and outbox ids
  std::uint64_t bytes = 0;    // of data and values

  std::vector<Event> block(Ledger::Block block) const {
    std::vector<Event> events;
    for (std::uint64_t i = 0; i < block.count; ++i)
      events.push_back(log[block.first_pos - 1 + i].event);
    return events;
  }
};

// A group holds the lock from begin to commit, so readers see whole groups. Nothing here can fail
// but memory itself, and running out of that inside a group is not survived.
class MemoryLedger : public Ledger {
 public:
  MemoryLedger(Tables& tables, std::shared_mutex& mutex) : tables_(tables), mutex_(mutex) {}

  void begin() override {
    mutex_.lock();
    open_ = true;
    began_empty_ = tables_.log.empty() && tables_.counter == 0;
  }
  void commit() override {
    last_pos_ = tables_.log.size();
    open_ = false;
    mutex_.unlock();
  }
  // Only an import into an empty store is ever undone.
  void rollback() noexcept override {
    if (!open_) return;
    if (!began_empty_) std::terminate();
    tables_ = {};
    open_ = false;
    mutex_.unlock();
  }
  void recover() override {}

  std::uint64_t last_pos() const override { return last_pos_; }
  std::uint64_t last_seq(std::string_view stream) override {
    const auto found = tables_.streams.find(stream);
    return found == tables_.streams.end() ? 0 : found->second.positions.size();
  }
  std::optional<std::string> kv_value(std::string_view key) override {
    const auto found = tables_.kv.find(key);
    if (found == tables_.kv.end()) return std::nullopt;
    return found->second.value;
  }
  std::optional<Block> once(std::string_view stream, std::string_view key) override {
    const auto found = tables_.once.find({std::string(stream), std::string(key)});
    if (found == tables_.once.end()) return std::nullopt;
    return found->second;
  }
  std::vector<Event> events(Block block) override { return tables_.block(block); }

  AppendReply append(std::string_view name, const std::vector<NewEvent>& events) override {
    Stream& stream = tables_.streams.try_emplace(std::string(name)).first->second;
    AppendReply reply;
    reply.first_seq = stream.positions.size() + 1;
    reply.first_pos = tables_.log.size() + 1;
    reply.count = events.size();
    for (const NewEvent& event : events) {
      const std::uint64_t pos = tables_.log.size() + 1;
      const std::uint64_t seq = stream.positions.size() + 1;
      const Digest previous = tables_.log.empty() ? Digest{} : tables_.log.back().hash;
      Record record;
      record.hash =
          chain_hash(previous, pos, name, seq, payload_digest(event.type, event.at_ms, event.data));
      record.event = {std::string(name),  seq, pos, event.type, event.at_ms, event.data,
                      to_hex(record.hash)};
      tables_.bytes += event.data.size();
      tables_.log.push_back(std::move(record));
      stream.positions.push_back(pos);
    }
    return reply;
  }
  AppendReply append_compacted(std::string_view name, const Digest& payload) override {
    Stream& stream = tables_.streams.try_emplace(std::string(name)).first->second;
    const std::uint64_t pos = tables_.log.size() + 1, seq = stream.positions.size() + 1;
    Record record;
    record.payload = payload;
    record.hash = chain_hash(last_hash(), pos, name, seq, payload);
    record.event = {std::string(name), seq, pos, "", 0, "", to_hex(record.hash), true};
    tables_.log.push_back(std::move(record));
    stream.positions.push_back(pos);
    return {seq, pos, 1};
  }
  void set_counter(std::uint64_t counter) override { tables_.counter = counter; }
  std::uint64_t counter() const override { return tables_.counter; }
  Digest last_hash() const override {
    return tables_.log.empty() ? Digest{} : tables_.log.back().hash;
  }
  void remember_once(std::string_view stream, std::string_view key, Block block) override {
    tables_.once[{std::string(stream), std::string(key)}] = block;
  }
  KvReply kv_put(std::string_view key, std::string_view value) override {
    auto [at, fresh] = tables_.kv.try_emplace(std::string(key));
    tables_.bytes += value.size() - at->second.value.size();
    at->second = {std::string(value), ++tables_.counter};
    return {tables_.counter, !fresh};
  }
  KvReply kv_delete(std::string_view key) override {
    const std::uint64_t version = ++tables_.counter;
    const auto found = tables_.kv.find(key);
    if (found == tables_.kv.end()) return {version, false};
    tables_.bytes -= found->second.value.size();
    tables_.kv.erase(found);
    return {version, true};
  }
  TruncateReply truncate(std::string_view name, std::uint64_t through) override {
    const auto found = tables_.streams.find(name);
    if (found == tables_.streams.end()) return {};
    Stream& stream = found->second;
    through = std::min<std::uint64_t>(through, stream.positions.size());
    for (; stream.truncated < through; ++stream.truncated) {
      Record& record = tables_.log[stream.positions[stream.truncated] - 1];
      Event& event = record.event;
      if (event.compacted) continue;
      record.payload = payload_digest(event.type, event.at_ms, event.data);
      tables_.bytes -= event.data.size();
      event = {event.stream, event.seq, event.pos, "", 0, "", event.hash, true};
    }
    return {stream.truncated, stream.positions.size()};
  }
  OutboxReply outbox_put(const OutboxPut& message) override {
    const std::uint64_t id = ++tables_.counter;
    tables_.outbox[id] = {id, message.queue, message.data, message.due_ms, 0};
    return {id, true};
  }
  OutboxReply outbox_done(std::uint64_t id) override { return {id, tables_.outbox.erase(id) > 0}; }
  OutboxReply outbox_retry(std::uint64_t id, std::int64_t due_ms) override {
    const auto found = tables_.outbox.find(id);
    if (found == tables_.outbox.end()) return {id, false};
    found->second.due_ms = due_ms;
    found->second.attempts++;
    return {id, true};
  }

 private:
  Tables& tables_;
  std::shared_mutex& mutex_;
  std::uint64_t last_pos_ = 0;
  bool open_ = false, began_empty_ = false;
};

class MemoryStore : public Store {
 public:
  MemoryStore() : ledger_(tables_, mutex_), appender_(ledger_) {}
  ~MemoryStore() override { close(); }

  void commit(std::vector<Op> ops, CommitCallback done) override {
    appender_.submit(std::move(ops), std::move(done));
  }

  Result<Slice> read(std::string_view name, std::uint64_t from_seq, std::size_t limit) override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    Slice slice;
    const auto found = tables_.streams.find(name);
    if (found == tables_.streams.end()) return slice;
    const Stream& stream = found->second;
    from_seq = std::max<std::uint64_t>(from_seq, 1);
    if (from_seq <= stream.truncated) slice.compacted_through = stream.truncated;
    slice.last = stream.positions.size();
    std::size_t bytes = 0;
    for (std::uint64_t seq = std::max(from_seq, stream.truncated + 1); seq <= slice.last; ++seq) {
      if (slice.events.size() == limit || bytes > kReadBytesMax) {
        slice.more = true;
        break;
      }
      slice.events.push_back(tables_.log[stream.positions[seq - 1] - 1].event);
      bytes += slice.events.back().data.size();
    }
    return slice;
  }
  Result<Slice> read_all(std::uint64_t from_pos, std::size_t limit) override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    Slice slice;
    slice.last = tables_.log.size();
    std::size_t bytes = 0;
    for (std::uint64_t pos = std::max<std::uint64_t>(from_pos, 1); pos <= slice.last; ++pos) {
      if (slice.events.size() == limit || bytes > kReadBytesMax) {
        slice.more = true;
        break;
      }
      slice.events.push_back(tables_.log[pos - 1].event);
      bytes += slice.events.back().data.size();
    }
    return slice;
  }
  Result<std::uint64_t> last_seq(std::string_view name) override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    const auto found = tables_.streams.find(name);
    return found == tables_.streams.end() ? std::uint64_t{0} : found->second.positions.size();
  }
  Result<std::vector<Event>> read_once(std::string_view stream, std::string_view key) override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    const auto found = tables_.once.find({std::string(stream), std::string(key)});
    if (found == tables_.once.end()) return std::vector<Event>{};
    return tables_.block(found->second);
  }
  Result<std::optional<KvEntry>> kv_get(std::string_view key) override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    const auto found = tables_.kv.find(key);
    if (found == tables_.kv.end()) return std::optional<KvEntry>{};
    return std::optional<KvEntry>{{found->first, found->second.value, found->second.version}};
  }
  Result<std::vector<KvEntry>> kv_list(std::string_view prefix, std::size_t limit,
                                       std::string_view after) override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    std::vector<KvEntry> entries;
    auto at = after < prefix ? tables_.kv.lower_bound(prefix) : tables_.kv.upper_bound(after);
    for (; at != tables_.kv.end() && entries.size() < limit && at->first.starts_with(prefix); ++at)
      entries.push_back({at->first, at->second.value, at->second.version});
    return entries;
  }
  Result<std::vector<StreamInfo>> streams() override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    std::vector<StreamInfo> infos;
    for (const auto& [name, stream] : tables_.streams)
      infos.push_back({name, stream.positions.size(), stream.truncated});
    return infos;
  }
  Result<std::vector<OutboxItem>> outbox_due(std::string_view queue, std::int64_t now_ms,
                                             std::size_t limit) override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    std::vector<OutboxItem> items;
    for (const auto& [id, item] : tables_.outbox)
      if (item.due_ms <= now_ms && (queue.empty() || item.queue == queue)) items.push_back(item);
    std::stable_sort(items.begin(), items.end(),
                     [](const auto& a, const auto& b) { return a.due_ms < b.due_ms; });
    if (items.size() > limit) items.resize(limit);
    return items;
  }

  std::uint64_t committed() const override { return appender_.committed(); }
  PositionWait wait_past(std::uint64_t pos, std::int64_t timeout_ms,
                         std::function<void(std::uint64_t)> done) override {
    return appender_.watch().wait_past(pos, timeout_ms, std::move(done));
  }
  void stop_waiting(const PositionWait& wait) override { appender_.watch().forget(wait); }
  Result<Stats> stats() override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    Stats stats;
    appender_.add_stats(stats);
    stats.streams = tables_.streams.size();
    stats.kv_keys = tables_.kv.size();
    stats.outbox = tables_.outbox.size();
    stats.bytes = tables_.bytes;
    return stats;
  }
  Result<VerifyReport> verify() override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    VerifyReport report;
    ChainWalker walker;
    for (const Record& record : tables_.log) {
      const Event& e = record.event;
      report.bad =
          walker.feed({e.pos, e.stream, e.seq, e.compacted, e.type, e.at_ms,
                       e.compacted ? as_text(record.payload) : std::string_view(e.data),
                       as_text(record.hash), tables_.streams.find(e.stream)->second.truncated});
      if (report.bad) break;
    }
    report.events = walker.pos();
    report.compacted = walker.compacted();
    report.head = to_hex(walker.hash());
    report.kv_keys = tables_.kv.size();
    return report;
  }
  Result<void> dump(const RowSink& sink) override {
    std::shared_lock lock(mutex_);
    if (closed_) return closed();
    for (const Record& record : tables_.log) {
      if (record.event.compacted) {
        SX_CHECK(sink(CompactedEvent{record.event, to_hex(record.payload)}));
      } else {
        SX_CHECK(sink(record.event));
      }
    }
    for (const auto& [name, stream] : tables_.streams)
      if (stream.truncated) SX_CHECK(sink(TruncatedStream{name, stream.truncated}));
    for (const auto& [key, block] : tables_.once)
      SX_CHECK(sink(OnceMark{key.first, key.second, block.first_pos, block.count}));
    for (const auto& [key, value] : tables_.kv)
      SX_CHECK(sink(KvEntry{key, value.value, value.version}));
    for (const auto& [id, item] : tables_.outbox) SX_CHECK(sink(item));
    return sink(StoreEnd{tables_.log.size(), tables_.counter});
  }
  Result<CompactReport> compact() override { return CompactReport{}; }
  Result<void> exclusive(const std::function<void(Ledger&)>& job) override {
    return appender_.exclusive(job);
  }
  void close() override {
    appender_.close();
    std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  static Error closed() { return Error{"the store is closed"}; }

  std::shared_mutex mutex_;
  Tables tables_;
  bool closed_ = false;
  MemoryLedger ledger_;
  Appender appender_;
};

}  // namespace

std::unique_ptr<Store> open_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace sx::store
