#include "server/store/sqlite_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "engine/base/str.h"
#include "server/store/durable_file.h"
#include "server/store/owner_lock.h"
#include "server/store/reading_store.h"
#include "server/store/sqlite_ledger.h"
#include "server/store/sqlite_reader.h"

namespace sx::store {
namespace {

class SqliteStore : public ReadingStore<SqliteStore, SqliteReader> {
  friend ReadingStore<SqliteStore, SqliteReader>;

 public:
  SqliteStore(std::string path, const SqliteOptions& options, OwnerLock lock)
      : path_(std::move(path)),
        lock_(std::move(lock)),
        readers_(path_, options),
        ledger_(std::make_unique<SqliteLedger>(path_, options, lock_.token(), readers_)),
        appender_(*ledger_) {
    lock_.note_made();
  }
  ~SqliteStore() override { close(); }

  Result<Stats> stats() override {
    SX_TRY(Stats stats, ReadingStore::stats());
    for (const char* suffix : {"", "-wal"}) {
      struct stat info;
      if (stat((path_ + suffix).c_str(), &info) == 0)
        stats.bytes += static_cast<std::uint64_t>(info.st_size);
    }
    return stats;
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

// The file exists afterwards, readable for its owner only, and its name is on disk. Answers whether
// it was there before and had nothing in it.
Result<bool> make_database_file(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISREG(info.st_mode)) return info.st_size == 0;
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
  SX_CHECK(sync_folder(folder_of(path)));
  return false;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path,
                                                 const SqliteOptions& options) {
  if (path.empty() || path.starts_with(":"))
    return Error{
        str("the store path '", path, "' is not a file name: give sqlite:PATH, or memory:")};
  SX_TRY(const bool empty, make_database_file(path));
  auto lock = OwnerLock::take(path);
  if (!lock.ok()) return lock.error();
  // One that was never made is empty as well, after a crash in its first moments.
  if (empty && lock->held_before() && ::access((path + "-wal").c_str(), F_OK) != 0)
    return Error{str("the store ", path,
                     " is empty, and it was not: something cut the file off. Nothing was changed. "
                     "Restore a backup, or remove the file if a new store is meant")};
  try {
    return std::unique_ptr<Store>(std::make_unique<SqliteStore>(path, options, lock.take()));
  } catch (const std::exception& error) {
    const std::string why = error.what();
    return why.find(path) != std::string::npos
               ? Error{why}
               : Error{str("the store ", path, " cannot be opened: ", why)};
  }
}

}  // namespace sx::store
