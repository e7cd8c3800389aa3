// A connection and its prepared statements, with errors as SqliteError (never leaves this folder).
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/store/chain.h"
#include "server/store/ledger.h"

namespace sx::store {

struct SqliteError : LedgerError {
  // After an I/O error, a failed sync above all, the handle may believe in bytes that the disk does
  // not hold: only such errors ask for a reopening.
  SqliteError(const std::string& message, int extended_code)
      : LedgerError(message, (extended_code & 0xff) == SQLITE_IOERR), code(extended_code) {}
  int code;
};

// "could not <doing>: the disk is full …": what happened and what to do about it.
std::string explain_sqlite(int extended_code, std::string_view doing, std::string_view detail);

// The same as the reason for which one record is bad: what to do is said once, for all of them.
std::string what_is_bad(const SqliteError& error);

class SqliteDb;

// A prepared statement. Use: bind in order, then step() until it answers false, which also makes it
// ready for the next use; or run() for one that answers no rows; reset() when leaving rows unread.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(SqliteDb& db, const char* sql);
  ~SqliteStatement() { sqlite3_finalize(statement_); }
  SqliteStatement(SqliteStatement&& other) noexcept { *this = std::move(other); }
  SqliteStatement& operator=(SqliteStatement&& other) noexcept {
    std::swap(statement_, other.statement_);
    std::swap(next_, other.next_);
    return *this;
  }

  // Texts are borrowed until the statement is reset.
  SqliteStatement& bind(std::int64_t n);
  SqliteStatement& bind(std::uint64_t n) { return bind(static_cast<std::int64_t>(n)); }
  SqliteStatement& bind(std::string_view text);
  SqliteStatement& bind(const Digest& digest);
  SqliteStatement& bind_null();

  bool step();
  void run() {
    while (step()) {
    }
  }
  void reset() noexcept;

  std::int64_t i64(int column) const { return sqlite3_column_int64(statement_, column); }
  std::uint64_t u64(int column) const { return static_cast<std::uint64_t>(i64(column)); }
  // Valid until the next step or reset.
  std::string_view text(int column) const;
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int next_ = 1;
};

// Leaves a statement ready for its next use, also when a row in the middle was the last one wanted.
class SqliteUse {
 public:
  explicit SqliteUse(SqliteStatement& statement) : statement_(statement) {}
  ~SqliteUse() { statement_.reset(); }

 private:
  SqliteStatement& statement_;
};

// One connection, used by one thread at a time. Statements must be gone before it is.
class SqliteDb {
 public:
  SqliteDb() = default;
  // vfs: nullptr for the platform's own.
  SqliteDb(const std::string& path, const char* vfs, int flags);
  ~SqliteDb() { sqlite3_close(db_); }
  SqliteDb(SqliteDb&& other) noexcept { *this = std::move(other); }
  SqliteDb& operator=(SqliteDb&& other) noexcept {
    std::swap(db_, other.db_);
    return *this;
  }

  void exec(const char* sql);
  std::string text_of(const char* sql);  // first column of the first row, "" without one
  std::int64_t number_of(const char* sql);
  // After a failed sync the WAL is evidence: closing must not fold it into the database.
  void leave_wal_on_close() noexcept;
  sqlite3* raw() const { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

}  // namespace sx::store
