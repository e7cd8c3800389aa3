#include "server/store/sqlite_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "engine/base/str.h"
#include "server/store/appender.h"
#include "server/store/durable_file.h"
#include "server/store/owner_lock.h"
#include "server/store/sqlite_ledger.h"
#include "server/store/sqlite_reader.h"

namespace sx::store {
namespace {

class SqliteStore : public Store {
 public:
  SqliteStore(std::string path, const SqliteOptions& options, OwnerLock lock)
      : path_(std::move(path)),
        lock_(std::move(lock)),
        readers_(path_, options),
        ledger_(std::make_unique<SqliteLedger>(path_, options, lock_.token(), readers_)),
        appender_(*ledger_) {}
  ~SqliteStore() override { close(); }

  void commit(std::vector<Op> ops, CommitCallback done) override {
    appender_.submit(std::move(ops), std::move(done));
  }

  Result<Slice> read(std::string_view stream, std::uint64_t from_seq, std::size_t limit) override {
    return readers_.with([&](SqliteReader& r) { return r.read(stream, from_seq, limit); });
  }
  Result<Slice> read_all(std::uint64_t from_pos, std::size_t limit) override {
    return readers_.with([&](SqliteReader& r) { return r.read_all(from_pos, limit); });
  }
  Result<std::uint64_t> last_seq(std::string_view stream) override {
    return readers_.with([&](SqliteReader& r) { return r.last_seq(stream); });
  }
  Result<std::vector<Event>> read_once(std::string_view stream, std::string_view key) override {
    return readers_.with([&](SqliteReader& r) { return r.read_once(stream, key); });
  }
  Result<std::optional<KvEntry>> kv_get(std::string_view key) override {
    return readers_.with([&](SqliteReader& r) { return r.kv_get(key); });
  }
  Result<std::vector<KvEntry>> kv_list(std::string_view prefix, std::size_t limit,
                                       std::string_view after) override {
    return readers_.with([&](SqliteReader& r) { return r.kv_list(prefix, limit, after); });
  }
  Result<std::vector<StreamInfo>> streams() override {
    return readers_.with([&](SqliteReader& r) { return r.streams(); });
  }
  Result<std::vector<OutboxItem>> outbox_due(std::string_view queue, std::int64_t now_ms,
                                             std::size_t limit) override {
    return readers_.with([&](SqliteReader& r) { return r.outbox_due(queue, now_ms, limit); });
  }
  std::uint64_t committed() const override { return appender_.committed(); }
  void wait_past(std::uint64_t pos, std::int64_t timeout_ms,
                 std::function<void(std::uint64_t)> done) override {
    appender_.watch().wait_past(pos, timeout_ms, std::move(done));
  }
  Result<Stats> stats() override {
    return readers_.with([&](SqliteReader& r) {
      Stats stats;
      appender_.add_stats(stats);
      r.add_stats(stats);
      for (const char* suffix : {"", "-wal"}) {
        struct stat info;
        if (stat((path_ + suffix).c_str(), &info) == 0)
          stats.bytes += static_cast<std::uint64_t>(info.st_size);
      }
      return stats;
    });
  }
  Result<VerifyReport> verify() override {
    return readers_.with([](SqliteReader& r) { return r.verify(); });
  }

  Result<void> dump(const RowSink& sink) override {
    auto done = readers_.with([&](SqliteReader& r) { return r.dump(sink); });
    return done.ok() ? *done : done.error();
  }
  Result<CompactReport> compact() override {
    CompactReport report;
    SX_TRY(const Stats before, stats());
    SX_CHECK(exclusive([](Ledger& ledger) { ledger.compact(); }));
    SX_TRY(const Stats after, stats());
    report = {before.bytes, after.bytes};
    return report;
  }
  Result<void> exclusive(const std::function<void(Ledger&)>& job) override {
    return appender_.exclusive(job);
  }

  void close() override {
    std::lock_guard guard(close_mutex_);
    appender_.close();
    readers_.refuse("the store is closed");
    readers_.pause(false);
    ledger_.reset();  // the last connection folds the WAL into the database and removes it
    lock_.release();
  }

 private:
  const std::string path_;
  std::mutex close_mutex_;
  OwnerLock lock_;
  SqliteReaderPool readers_;
  std::unique_ptr<SqliteLedger> ledger_;
  Appender appender_;
};

// The file exists afterwards, readable for its owner only, and its name is on disk.
Result<void> make_database_file(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISREG(info.st_mode)) return {};
    if (S_ISDIR(info.st_mode))
      return Error{str("the store ", path, " is a folder, expected a file: give for example ", path,
                       "/sx.db")};
    return Error{str("the store ", path, " is not a plain file")};
  }
  SX_CHECK(make_folders(folder_of(path)));
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return Error{str("could not make the store ", path, ": ",
                     std::string_view(std::strerror(errno)),
                     ": its folder must exist and be writable for this user")};
  close(fd);
  return sync_folder(folder_of(path));
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path,
                                                 const SqliteOptions& options) {
  if (path.empty() || path.starts_with(":"))
    return Error{
        str("the store path '", path, "' is not a file name: give sqlite:PATH, or memory:")};
  SX_CHECK(make_database_file(path));
  auto lock = OwnerLock::take(path);
  if (!lock.ok()) return lock.error();
  try {
    return std::unique_ptr<Store>(std::make_unique<SqliteStore>(path, options, lock.take()));
  } catch (const std::exception& error) {
    return Error{error.what()};
  }
}

}  // namespace sx::store
