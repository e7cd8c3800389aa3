#include "server/store/pg_store.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/base/str.h"
#include "server/store/pg_ledger.h"
#include "server/store/pg_reader.h"
#include "server/store/pg_schema.h"
#include "server/store/reading_store.h"

namespace sx::store {
namespace {

constexpr std::size_t kReaderThreads = 4;
constexpr int kOutagePauseMs = 500;  // between two looks at a database that does not answer

// Says every few seconds that the owner lives, over a connection of its own.
class Lease {
 public:
  Lease(std::string url, PgOwner owner, int lease_ms)
      : url_(std::move(url)), owner_(std::move(owner)), pause_(lease_ms / 5) {
    thread_ = std::thread([this] { run(); });
  }
  ~Lease() { end(false); }

  // Stops, and gives the store free for others.
  void end(bool release) {
    {
      std::lock_guard lock(mutex_);
      if (!thread_.joinable()) return;
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    if (!release) return;
    try {
      PgConnection db(url_, {});
      release_pg_ownership(db, owner_);
    } catch (const std::exception&) {
      // Out of reach: the next owner waits until the lease is over, or sees that we are gone.
    }
  }

  // Whether the last sign of life arrived.
  bool reached() const { return reached_; }

  // A reader found the database gone: the next sign of life is due now.
  void look_now() {
    {
      std::lock_guard lock(mutex_);
      hurry_ = true;
    }
    wake_.notify_one();
  }

 private:
  void run() {
    std::unique_ptr<PgConnection> db;
    std::unique_lock lock(mutex_);
    for (;;) {
      const int pause_ms = reached_ ? pause_ : std::min(pause_, kOutagePauseMs);
      wake_.wait_for(lock, std::chrono::milliseconds(pause_ms),
                     [&] { return stopping_ || (hurry_ && reached_); });
      if (stopping_) return;
      hurry_ = false;
      lock.unlock();
      try {
        if (!db) db = std::make_unique<PgConnection>(url_, PgConnection::Options{});
        renew_pg_lease(*db, owner_);
        reached_ = true;
      } catch (const std::exception&) {
        db.reset();  // the writer reports what is wrong; this only tries again
        reached_ = false;
      }
      lock.lock();
    }
  }

  const std::string url_;
  const PgOwner owner_;
  const int pause_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool hurry_ = false;
  std::atomic<bool> reached_{true};
  std::thread thread_;
};

class PgStore : public ReadingStore<PgStore, PgReader> {
  friend ReadingStore<PgStore, PgReader>;

 public:
  PgStore(const std::string& url, const PgOptions& options, const PgOwner& owner)
      : lease_(url, owner, options.lease_ms),
        readers_(url, kReaderThreads, [this] { lease_.look_now(); }),
        ledger_(std::make_unique<PgLedger>(url, options, owner)),
        appender_(*ledger_) {}
  ~PgStore() override { close(); }

  bool answers() const override { return lease_.reached() && appender_.answers(); }
  bool reads_wait() const override { return true; }
  void read_soon(std::function<void()> job) override { readers_.soon(std::move(job)); }

  void close() override {
    std::lock_guard guard(close_mutex_);
    appender_.close();
    readers_.close();
    ledger_.reset();
    lease_.end(true);
  }

 private:
  std::mutex close_mutex_;
  Lease lease_;
  PgReaderPool readers_;
  std::unique_ptr<PgLedger> ledger_;
  Appender appender_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_pg_store(const std::string& url, const PgOptions& options) {
  try {
    PgConnection db(url, {options.sync});
    prepare_pg_schema(db, url);
    const PgOwner owner = take_pg_ownership(db, url, options);
    return std::unique_ptr<Store>(std::make_unique<PgStore>(url, options, owner));
  } catch (const std::exception& error) {
    return Error{error.what()};
  }
}

Result<void> run_on_pg(const std::string& url, const std::string& sql) {
  try {
    PgConnection connection(url, {});
    connection.exec(sql.c_str());
    return {};
  } catch (const std::exception& error) {
    return Error{error.what()};
  }
}

}  // namespace sx::store
