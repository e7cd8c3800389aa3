// What the stores of the databases share: writes go to an appender, reads to a pool of readers.
#pragma once

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "server/store/appender.h"
#include "server/store/store.h"

namespace sx::store {

// Self has `readers_`, with with(f) calling f(Reader&), and `appender_`.
template <class Self, class Reader>
class ReadingStore : public Store {
 public:
  void commit(std::vector<Op> ops, CommitCallback done) override {
    appender().submit(std::move(ops), std::move(done));
  }

  Result<Slice> read(std::string_view stream, std::uint64_t from_seq, std::size_t limit) override {
    return with([&](Reader& r) { return r.read(stream, from_seq, limit); });
  }
  Result<Slice> scan(std::string_view stream, std::uint64_t from_seq, std::size_t limit,
                     const EventSink& sink) override {
    if constexpr (requires(Reader & r) { r.scan(stream, from_seq, limit, sink); }) {
      return with([&](Reader& r) { return r.scan(stream, from_seq, limit, sink); });
    } else {
      return Store::scan(stream, from_seq, limit, sink);
    }
  }
  Result<Slice> read_all(std::uint64_t from_pos, std::size_t limit) override {
    return with([&](Reader& r) { return r.read_all(from_pos, limit); });
  }
  Result<std::uint64_t> last_seq(std::string_view stream) override {
    return with([&](Reader& r) { return r.last_seq(stream); });
  }
  Result<std::vector<Event>> read_once(std::string_view stream, std::string_view key) override {
    return with([&](Reader& r) { return r.read_once(stream, key); });
  }
  Result<std::optional<KvEntry>> kv_get(std::string_view key) override {
    return with([&](Reader& r) { return r.kv_get(key); });
  }
  Result<std::vector<KvEntry>> kv_list(std::string_view prefix, std::size_t limit,
                                       std::string_view after) override {
    return with([&](Reader& r) { return r.kv_list(prefix, limit, after); });
  }
  Result<std::vector<StreamInfo>> streams() override {
    return with([&](Reader& r) { return r.streams(); });
  }
  Result<std::vector<OutboxItem>> outbox_due(std::string_view queue, std::int64_t now_ms,
                                             std::size_t limit) override {
    return with([&](Reader& r) { return r.outbox_due(queue, now_ms, limit); });
  }
  bool answers() const override { return static_cast<const Self*>(this)->appender_.answers(); }
  std::uint64_t committed() const override {
    return static_cast<const Self*>(this)->appender_.committed();
  }
  PositionWait wait_past(std::uint64_t pos, std::int64_t timeout_ms,
                         std::function<void(std::uint64_t)> done) override {
    return appender().watch().wait_past(pos, timeout_ms, std::move(done));
  }
  void stop_waiting(const PositionWait& wait) override { appender().watch().forget(wait); }
  Result<Stats> stats() override {
    return with([&](Reader& r) {
      Stats stats;
      appender().add_stats(stats);
      r.add_stats(stats);
      return stats;
    });
  }
  Result<VerifyReport> verify() override {
    return with([](Reader& r) { return r.verify(); });
  }
  Result<void> dump(const RowSink& sink) override {
    auto done = with([&](Reader& r) { return r.dump(sink); });
    return done.ok() ? *done : done.error();
  }
  Result<CompactReport> compact() override {
    SX_TRY(const Stats before, stats());
    SX_CHECK(exclusive([](Ledger& ledger) { ledger.compact(); }));
    SX_TRY(const Stats after, stats());
    return CompactReport{before.bytes, after.bytes};
  }
  Result<void> exclusive(const std::function<void(Ledger&)>& job) override {
    return appender().exclusive(job);
  }

 private:
  template <class F>
  auto with(F f) {
    return static_cast<Self*>(this)->readers_.with(std::move(f));
  }
  Appender& appender() { return static_cast<Self*>(this)->appender_; }
};

}  // namespace sx::store
