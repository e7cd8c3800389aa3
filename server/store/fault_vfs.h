// A SQLite VFS for tests that stands between SQLite and the real disk: it lets chosen writes and
// syncs fail, and knows which bytes were never synced, so that a power cut can be played at any
// time.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace sx::store {

struct Faults {
  static constexpr const char* kVfsName = "sx-faults";

  // Registers the VFS (once) and forgets all faults and unsynced writes.
  static void reset();

  // Counted from now, the n-th call (1 = the next) of these kinds fails, and `times - 1` after it.
  // A failed sync leaves its bytes unsynced for ever, as Linux does: only writing them again helps.
  static void fail(std::uint64_t n, std::uint64_t times, bool writes, bool syncs);
  static void disk_full(bool full);  // every write answers SQLITE_FULL
  static std::uint64_t failed();     // faults given since reset
  static void stop_failing();

  // Copies database and WAL to another path as a power cut now would leave them: of each unsynced
  // write either all or nothing is there, at random; `keep` is the share that made it (0 … 1).
  static void power_cut(const std::string& database, const std::string& copy,
                        std::mt19937_64& random, double keep);
};

}  // namespace sx::store
