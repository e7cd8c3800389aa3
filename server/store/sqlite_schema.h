// The tables of a store in SQLite, and opening a connection to them.
#pragma once

#include <string>

#include "server/store/sqlite_db.h"

namespace sx::store {

struct SqliteOptions {
  // Tests only. `vfs`: a registered SQLite VFS, nullptr for the platform's. Without `sync` nothing
  // is promised about a power failure.
  const char* vfs = nullptr;
  bool sync = true;
  // The last events of the log are verified when it is opened; 0: none.
  std::uint64_t tail_walk = 1'000;
  // Frames (pages) of new WAL after which it is folded into the database; tests fold more often.
  int fold_frames = 4'000;
};

inline constexpr int kApplicationId = 0x53585354;  // "SXST"

// Opens for writing; throws SqliteError.
SqliteDb open_writer(const std::string& path, const SqliteOptions& options);
SqliteDb open_reader(const std::string& path, const SqliteOptions& options);

// Makes the tables in an empty database; throws LedgerError for a foreign one or a newer version.
void prepare_schema(SqliteDb& db, const std::string& path);
// Registers a new owner and begins its epoch; every write transaction compares the token.
void take_ownership(SqliteDb& db, const std::string& token);

// The event in six columns of the current row: seq, pos, type, at, data, hash.
Event event_from(const SqliteStatement& row, std::string stream, int first_column = 0);

}  // namespace sx::store
