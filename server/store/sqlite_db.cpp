#include "server/store/sqlite_db.h"

#include "engine/base/str.h"

namespace sx::store {
namespace {

[[noreturn]] void fail(sqlite3* db, std::string_view doing) {
  const int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
  throw SqliteError(
      explain_sqlite(code, doing, db ? sqlite3_errmsg(db) : "no memory for a connection"), code);
}

}  // namespace

std::string explain_sqlite(int extended_code, std::string_view doing, std::string_view detail) {
  std::string_view why;
  switch (extended_code & 0xff) {
    case SQLITE_FULL:
      why = "the disk is full: free some space";
      break;
    case SQLITE_IOERR:
      why = "the disk reported an error: check the system log and the disk";
      break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      why = "the file or its folder is not writable for this user: correct its owner or mode";
      break;
    case SQLITE_CANTOPEN:
      why = "the file could not be opened: check that its folder exists and is accessible";
      break;
    case SQLITE_NOTADB:
      why = "the file is not a SQLite database: give another path, or restore a backup";
      break;
    case SQLITE_CORRUPT:
      why =
          "the database file is damaged: restore a backup; `sx store export --rescue` reads what "
          "is left";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      why = "another program holds the database locked: end it and retry";
      break;
    default:
      why = "SQLite refused";
  }
  return str("could not ", doing, ": ", why, " (", detail, ", code ", extended_code, ")");
}

std::string what_is_bad(const SqliteError& error) {
  const int code = error.code & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? "its page of the file is damaged"
                                                         : error.what();
}

SqliteStatement::SqliteStatement(SqliteDb& db, const char* sql) {
  if (sqlite3_prepare_v3(db.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) !=
      SQLITE_OK)
    fail(db.raw(), "read the store's tables");
}

SqliteStatement& SqliteStatement::bind(std::int64_t n) {
  sqlite3_bind_int64(statement_, next_++, n);
  return *this;
}

SqliteStatement& SqliteStatement::bind(std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  if (sqlite3_bind_text64(statement_, next_++, text.empty() ? "" : text.data(), text.size(),
                          SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK) {
    reset();
    fail(sqlite3_db_handle(statement_), "pass a text to the store");
  }
  return *this;
}

SqliteStatement& SqliteStatement::bind(const Digest& digest) {
  sqlite3_bind_blob(statement_, next_++, digest.data(), digest.size(), SQLITE_STATIC);
  return *this;
}

SqliteStatement& SqliteStatement::bind_null() {
  sqlite3_bind_null(statement_, next_++);
  return *this;
}

bool SqliteStatement::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    reset();
    return false;
  }
  sqlite3* db = sqlite3_db_handle(statement_);
  const int code = sqlite3_extended_errcode(db);
  const std::string detail = sqlite3_errmsg(db);
  reset();
  throw SqliteError(explain_sqlite(code, "use the store", detail), code);
}

void SqliteStatement::reset() noexcept {
  if (!statement_) return;
  sqlite3_reset(statement_);
  next_ = 1;
}

std::string_view SqliteStatement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes ? std::string_view(static_cast<const char*>(bytes), size) : std::string_view();
}

SqliteDb::SqliteDb(const std::string& path, const char* vfs, int flags) {
  const int result =
      sqlite3_open_v2(path.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  if (result != SQLITE_OK) {
    const std::string message = explain_sqlite(result, str("open the store ", path),
                                               db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(result));
    sqlite3_close(db_);
    db_ = nullptr;
    throw SqliteError(message, result);
  }
  sqlite3_busy_timeout(db_, 5000);
}

void SqliteDb::exec(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(db_, "use the store");
}

std::string SqliteDb::text_of(const char* sql) {
  SqliteStatement statement(*this, sql);
  return statement.step() ? std::string(statement.text(0)) : std::string();
}

std::int64_t SqliteDb::number_of(const char* sql) {
  SqliteStatement statement(*this, sql);
  return statement.step() ? statement.i64(0) : 0;
}

void SqliteDb::leave_wal_on_close() noexcept {
  if (db_) sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace sx::store
