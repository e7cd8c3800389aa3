// A SQLite VFS that writes down every write, truncation and sync of the files it opens, in order,
// with marks of the test between them. Afterwards the files can be rebuilt as a power cut at any
// point could have left them.
//
// What is legal after a cut: everything before a file's last sync is there; of what came after it,
// each 512-byte sector of each write may or may not be, in any combination. Truncations and
// removals count as writes. The store syncs the folder when it is opened: mark 0 stands for that,
// what was removed before it stays removed.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sx::store {

struct Recorded {
  enum class Kind { Write, Truncate, Delete, Sync, Mark };
  Kind kind;
  int file = 0;             // index in ReplayLog::files
  std::int64_t offset = 0;  // Truncate: the new size
  std::string bytes;
  std::uint64_t mark = 0;  // what the test said
};

class ReplayLog {
 public:
  static constexpr const char* kVfsName = "sx-replay";

  // Starts recording anew; registers the VFS on first use.
  static void begin();
  static void mark(std::uint64_t number);
  // Stops, and hands over what was recorded.
  static ReplayLog take();

  std::vector<std::string> files;
  std::vector<Recorded> events;
};

// The files while the log is played: what is certainly on disk, and what may be.
class Replay {
 public:
  explicit Replay(const ReplayLog& log) : log_(log), disk_(log.files.size()) {}

  bool step();  // plays one event; false at the end
  const Recorded& last() const { return log_.events[at_ - 1]; }
  std::uint64_t marked() const { return marked_; }  // the last mark that was passed
  std::size_t unsynced() const;

  // Writes the files to `folder` under their last names: all certain bytes, and of the others those
  // that `keep` says: all, none, or a choice of sectors.
  enum class Keep { None, All, Some };
  void cut(const std::string& folder, Keep keep, std::mt19937_64& random) const;

 private:
  struct File {
    std::string synced;
    std::vector<const Recorded*> unsynced;
  };
  static void apply(std::string& bytes, const Recorded& event);

  const ReplayLog& log_;
  std::vector<File> disk_;
  std::size_t at_ = 0;
  std::uint64_t marked_ = 0;
};

}  // namespace sx::store
