#include "server/store/fault_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <vector>

#include "server/store/vfs_shim.h"

namespace sx::store {
namespace {

// One write or truncation that no sync has covered yet.
struct Unsynced {
  std::int64_t offset = 0;
  std::string before;            // the bytes that it replaced, as far as there were any
  std::string after;             // what it wrote; a truncation writes nothing
  std::int64_t size_before = 0;  // of the file
  std::int64_t size_after = 0;
  bool doomed = false;  // a sync of it failed: no later sync brings it to the disk
};

struct File {
  ino_t inode = 0;
  std::vector<Unsynced> unsynced;
};

std::recursive_mutex mutex;
std::map<std::string, File> files;
std::uint64_t calls_until_fault = 0, faults_left = 0, faults_given = 0;
bool fail_writes = false, fail_syncs = false, full = false;

bool fault(bool applies) {
  if (!applies || faults_left == 0) return false;
  if (calls_until_fault > 1) {
    --calls_until_fault;
    return false;
  }
  --faults_left;
  ++faults_given;
  return true;
}

struct ShimFile {
  sqlite3_file base;
  const char* path;  // SQLite keeps it alive as long as the file is open; null for temporary ones
};
using Shim = VfsShim<ShimFile>;
ShimFile* shim(sqlite3_file* file) { return Shim::own(file); }
sqlite3_file* real(sqlite3_file* file) { return Shim::real(file); }
#define REAL(file, method, ...) real(file)->pMethods->method(real(file) __VA_OPT__(, ) __VA_ARGS__)

std::int64_t size_of(sqlite3_file* file) {
  sqlite3_int64 size = 0;
  REAL(file, xFileSize, &size);
  return size;
}

std::string bytes_at(sqlite3_file* file, std::int64_t offset, std::int64_t count) {
  const std::int64_t there = std::min(count, std::max<std::int64_t>(size_of(file) - offset, 0));
  std::string bytes(static_cast<std::size_t>(there), '\0');
  if (there > 0) REAL(file, xRead, bytes.data(), static_cast<int>(there), offset);
  return bytes;
}

int shim_write(sqlite3_file* file, const void* bytes, int n, sqlite3_int64 at) {
  std::lock_guard lock(mutex);
  if (full) return SQLITE_FULL;
  if (fault(fail_writes)) return SQLITE_IOERR_WRITE;
  if (shim(file)->path) {
    Unsynced write{at, bytes_at(file, at, n), std::string(static_cast<const char*>(bytes), n),
                   size_of(file)};
    write.size_after = std::max<std::int64_t>(write.size_before, at + n);
    files[shim(file)->path].unsynced.push_back(std::move(write));
  }
  return REAL(file, xWrite, bytes, n, at);
}

int shim_truncate(sqlite3_file* file, sqlite3_int64 size) {
  std::lock_guard lock(mutex);
  if (shim(file)->path) {
    const std::int64_t before = size_of(file);
    files[shim(file)->path].unsynced.push_back(
        {size, bytes_at(file, size, before - size), "", before, size});
  }
  return REAL(file, xTruncate, size);
}

int shim_sync(sqlite3_file* file, int flags) {
  std::lock_guard lock(mutex);
  const char* path = shim(file)->path;
  if (fault(fail_syncs)) {
    if (path)
      for (Unsynced& write : files[path].unsynced) write.doomed = true;
    return SQLITE_IOERR_FSYNC;
  }
  // The real sync is left out: it would prove nothing here and cost the test its speed.
  (void)flags;
  if (path) std::erase_if(files[path].unsynced, [](const Unsynced& w) { return !w.doomed; });
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = [] {
  sqlite3_io_methods methods = Shim::methods();
  methods.xWrite = shim_write;
  methods.xTruncate = shim_truncate;
  methods.xSync = shim_sync;
  return methods;
}();

sqlite3_vfs* platform = nullptr;

int shim_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  ShimFile* own = shim(file);
  own->base.pMethods = nullptr;
  own->path = name;
  const int result = platform->xOpen(platform, name, real(file), flags, out_flags);
  if (real(file)->pMethods) own->base.pMethods = &kMethods;
  if (result == SQLITE_OK && name) {
    std::lock_guard lock(mutex);
    struct stat info;
    if (stat(name, &info) == 0) {
      File& known = files[name];
      if (known.inode != info.st_ino) known = {info.st_ino, {}};  // another file took the name
    }
  }
  return result;
}

int shim_delete(sqlite3_vfs*, const char* name, int sync_dir) {
  std::lock_guard lock(mutex);
  files.erase(name);
  return platform->xDelete(platform, name, sync_dir);
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

void Faults::reset() {
  static sqlite3_vfs vfs = [] {
    platform = sqlite3_vfs_find(nullptr);
    sqlite3_vfs copy = Shim::vfs(platform, kVfsName);
    copy.xOpen = shim_open;
    copy.xDelete = shim_delete;
    return copy;
  }();
  sqlite3_vfs_register(&vfs, 0);
  std::lock_guard lock(mutex);
  files.clear();
  faults_left = faults_given = 0;
  full = false;
}

void Faults::fail(std::uint64_t n, std::uint64_t times, bool writes, bool syncs) {
  std::lock_guard lock(mutex);
  calls_until_fault = n;
  faults_left = times;
  fail_writes = writes;
  fail_syncs = syncs;
}

void Faults::disk_full(bool is_full) {
  std::lock_guard lock(mutex);
  full = is_full;
}

std::uint64_t Faults::failed() {
  std::lock_guard lock(mutex);
  return faults_given;
}

void Faults::stop_failing() {
  std::lock_guard lock(mutex);
  faults_left = 0;
}

void Faults::power_cut(const std::string& database, const std::string& copy,
                       std::mt19937_64& random, double keep) {
  std::lock_guard lock(mutex);
  for (const char* suffix : {"", "-wal"}) {
    const std::string path = database + suffix;
    if (!std::filesystem::exists(path)) continue;
    std::string bytes = slurp(path);
    const auto& unsynced = files[path].unsynced;
    for (auto write = unsynced.rbegin(); write != unsynced.rend(); ++write) {
      bytes.resize(std::max<std::size_t>(bytes.size(), write->offset + write->before.size()));
      bytes.replace(write->offset, write->before.size(), write->before);
      bytes.resize(write->size_before);
    }
    for (const Unsynced& write : unsynced) {
      if (std::uniform_real_distribution<>()(random) >= keep) continue;
      const bool truncation = write.after.empty();
      if (truncation) {
        bytes.resize(write.size_after);
        continue;
      }
      bytes.resize(std::max<std::size_t>(bytes.size(), write.offset + write.after.size()));
      bytes.replace(write.offset, write.after.size(), write.after);
    }
    std::ofstream(copy + suffix, std::ios::binary) << bytes;
  }
}

}  // namespace sx::store
