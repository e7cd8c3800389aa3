#include "server/store/replay_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "server/store/vfs_shim.h"

namespace sx::store {
namespace {

std::recursive_mutex mutex;
ReplayLog recorded;
std::map<std::string, int> known;

struct ShimFile {
  sqlite3_file base;
  int file;  // -1: temporary, not recorded
};
using Shim = VfsShim<ShimFile>;
ShimFile* shim(sqlite3_file* file) { return Shim::own(file); }
sqlite3_file* real(sqlite3_file* file) { return Shim::real(file); }
#define REAL(file, method, ...) real(file)->pMethods->method(real(file) __VA_OPT__(, ) __VA_ARGS__)

void record(Recorded event) {
  if (event.file >= 0) recorded.events.push_back(std::move(event));
}

int shim_write(sqlite3_file* file, const void* bytes, int n, sqlite3_int64 at) {
  std::lock_guard lock(mutex);
  record({Recorded::Kind::Write, shim(file)->file, at,
          std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(n)), 0});
  return REAL(file, xWrite, bytes, n, at);
}
int shim_truncate(sqlite3_file* file, sqlite3_int64 size) {
  std::lock_guard lock(mutex);
  record({Recorded::Kind::Truncate, shim(file)->file, size, "", 0});
  return REAL(file, xTruncate, size);
}
// The real sync is left out: it would prove nothing here and cost the test its speed.
int shim_sync(sqlite3_file* file, int) {
  std::lock_guard lock(mutex);
  record({Recorded::Kind::Sync, shim(file)->file, 0, "", 0});
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
  own->file = -1;
  const int result = platform->xOpen(platform, name, real(file), flags, out_flags);
  if (real(file)->pMethods) own->base.pMethods = &kMethods;
  if (result == SQLITE_OK && name) {
    std::lock_guard lock(mutex);
    const auto [at, fresh] = known.try_emplace(name, static_cast<int>(recorded.files.size()));
    if (fresh) recorded.files.emplace_back(name);
    own->file = at->second;
  }
  return result;
}

// A removed file is one cut to nothing. Unless the folder is synced as well, that it is gone may
// not have reached the disk.
int shim_delete(sqlite3_vfs*, const char* name, int sync_dir) {
  std::lock_guard lock(mutex);
  if (const auto found = known.find(name); found != known.end()) {
    record({Recorded::Kind::Delete, found->second, 0, "", 0});
    if (sync_dir) record({Recorded::Kind::Sync, found->second, 0, "", 0});
  }
  return platform->xDelete(platform, name, sync_dir);
}

void register_vfs() {
  static sqlite3_vfs own;
  if (platform) return;
  platform = sqlite3_vfs_find(nullptr);
  own = Shim::vfs(platform, ReplayLog::kVfsName);
  own.xOpen = shim_open;
  own.xDelete = shim_delete;
  sqlite3_vfs_register(&own, 0);
}

}  // namespace

void ReplayLog::begin() {
  std::lock_guard lock(mutex);
  register_vfs();
  recorded = {};
  known.clear();
}

void ReplayLog::mark(std::uint64_t number) {
  std::lock_guard lock(mutex);
  recorded.events.push_back({Recorded::Kind::Mark, 0, 0, "", number});
}

ReplayLog ReplayLog::take() {
  std::lock_guard lock(mutex);
  known.clear();
  return std::move(recorded);
}

void Replay::apply(std::string& bytes, const Recorded& event) {
  const auto offset = static_cast<std::size_t>(event.offset);
  if (event.kind != Recorded::Kind::Write) {
    bytes.resize(offset);
    return;
  }
  bytes.resize(std::max(bytes.size(), offset + event.bytes.size()));
  bytes.replace(offset, event.bytes.size(), event.bytes);
}

bool Replay::step() {
  if (at_ == log_.events.size()) return false;
  const Recorded& event = log_.events[at_++];
  File& file = disk_[static_cast<std::size_t>(event.file)];
  switch (event.kind) {
    case Recorded::Kind::Write:
    case Recorded::Kind::Truncate:
    case Recorded::Kind::Delete:
      file.unsynced.push_back(&event);
      break;
    case Recorded::Kind::Sync:
      for (const Recorded* write : file.unsynced) apply(file.synced, *write);
      file.unsynced.clear();
      break;
    case Recorded::Kind::Mark:
      marked_ = event.mark;
      if (event.mark > 0) break;
      for (File& each : disk_)
        if (!each.unsynced.empty() && each.unsynced.back()->kind == Recorded::Kind::Delete) {
          each.synced.clear();
          each.unsynced.clear();
        }
      break;
  }
  return true;
}

std::size_t Replay::unsynced() const {
  std::size_t count = 0;
  for (const File& file : disk_) count += file.unsynced.size();
  return count;
}

void Replay::cut(const std::string& folder, Keep keep, std::mt19937_64& random) const {
  constexpr std::size_t kSector = 512;
  for (std::size_t i = 0; i < disk_.size(); ++i) {
    const std::string name = std::filesystem::path(log_.files[i]).filename();
    std::string bytes = disk_[i].synced;
    for (const Recorded* write : disk_[i].unsynced) {
      if (keep == Keep::None) break;
      if (keep == Keep::All || (write->kind != Recorded::Kind::Write && random() % 2)) {
        apply(bytes, *write);
        continue;
      }
      if (write->kind != Recorded::Kind::Write) continue;
      // Sector by sector of the file, as a disk does it.
      const auto begin = static_cast<std::size_t>(write->offset);
      const std::size_t end = begin + write->bytes.size();
      for (std::size_t at = begin; at < end;) {
        const std::size_t stop = std::min(end, (at / kSector + 1) * kSector);
        if (random() % 2)
          apply(bytes, {Recorded::Kind::Write, 0, static_cast<std::int64_t>(at),
                        write->bytes.substr(at - begin, stop - at), 0});
        at = stop;
      }
    }
    // An empty file is as good as none, and so is how a removed one stands here.
    std::filesystem::remove(std::filesystem::path(folder) / name);
    if (!bytes.empty())
      std::ofstream(std::filesystem::path(folder) / name, std::ios::binary) << bytes;
  }
}

}  // namespace sx::store
