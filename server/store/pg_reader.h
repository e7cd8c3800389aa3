// Reading a PostgreSQL store: a pool of connections, each call one short read transaction, and
// threads for callers that must not wait themselves.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/store/pg_connection.h"
#include "server/store/pg_schema.h"
#include "server/store/store.h"

namespace sx::store {

// One connection; throws PgError.
class PgReader {
 public:
  explicit PgReader(const std::string& url) : db_(url, {}) {}

  Slice read(std::string_view stream, std::uint64_t from_seq, std::size_t limit);
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
  Result<void> dump(const RowSink& sink);
  bool lost() const { return db_.lost(); }

 private:
  class Transaction;
  std::optional<BadRecord> walk_chain(ChainWalker& walker);
  std::optional<BadRecord> check_rows(VerifyReport& report);

  PgConnection db_;
};

class PgReaderPool {
 public:
  // on_gone: told on any thread whenever the database turns out to be gone.
  PgReaderPool(std::string url, std::size_t threads, std::function<void()> on_gone);
  ~PgReaderPool() { close(); }

  // Calls f(reader) with a connection of the caller's own for that time. One that turns out to be
  // dead (the database was restarted) is replaced once.
  template <class F>
  auto with(F f) -> Result<decltype(f(std::declval<PgReader&>()))> {
    for (int tries = 0;; ++tries) {
      std::unique_ptr<PgReader> reader;
      bool fresh = false;
      if (auto taken = take(reader, fresh); !taken.ok()) return taken.error();
      try {
        auto answer = f(*reader);
        give_back(std::move(reader));
        return answer;
      } catch (const PgError& error) {
        if (error.lost) {
          forget_idle();
          on_gone_();
        }
        if (!error.lost || fresh || tries > 0) return Error{error.what()};
      } catch (const std::exception& error) {
        return Error{error.what()};
      }
    }
  }

  // Runs the job on a thread of the pool; after close() on this one.
  void soon(std::function<void()> job);
  void close();

 private:
  Result<void> take(std::unique_ptr<PgReader>& reader, bool& fresh);
  void give_back(std::unique_ptr<PgReader> reader) noexcept;
  void forget_idle() noexcept;
  void run();

  const std::string url_;
  const std::function<void()> on_gone_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PgReader>> idle_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sx::store
