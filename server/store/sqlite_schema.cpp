#include "server/store/sqlite_schema.h"

#include "engine/base/str.h"

namespace sx::store {
namespace {

// event: `type` NULL marks a truncated record; its `data` is then the 32-byte payload digest, which
// keeps the hash chain verifiable (chain.h). There is no row per stream head: the last seq is the
// end of the index event_by_stream, so an append writes two B-trees and nothing else.
// meta.counter numbers kv versions and outbox ids; like seq and pos it never goes back.
constexpr const char* kTables = R"sql(
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE stream(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
                      truncated INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE event(pos INTEGER PRIMARY KEY, stream INTEGER NOT NULL, seq INTEGER NOT NULL,
                     type TEXT, at INTEGER NOT NULL, data NOT NULL, hash BLOB NOT NULL);
  CREATE UNIQUE INDEX event_by_stream ON event(stream, seq);
  CREATE TABLE once(stream INTEGER NOT NULL, key TEXT NOT NULL, pos INTEGER NOT NULL,
                    count INTEGER NOT NULL, PRIMARY KEY(stream, key)) WITHOUT ROWID;
  CREATE TABLE kv(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, version INTEGER NOT NULL,
                  sum INTEGER NOT NULL);
  CREATE TABLE outbox(id INTEGER PRIMARY KEY, queue TEXT NOT NULL, due INTEGER NOT NULL,
                      attempts INTEGER NOT NULL, data TEXT NOT NULL, sum INTEGER NOT NULL);
  CREATE INDEX outbox_by_due ON outbox(due, id);
  INSERT INTO meta VALUES('schema', 1), ('epoch', 0), ('owner', ''), ('counter', 0);
)sql";

}  // namespace

SqliteDb open_writer(const std::string& path, const SqliteOptions& options) {
  SqliteDb db(path, options.vfs, SQLITE_OPEN_READWRITE);
  db.exec("PRAGMA trusted_schema=OFF");
  db.exec(options.sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
  return db;
}

SqliteDb open_reader(const std::string& path, const SqliteOptions& options) {
  SqliteDb db(path, options.vfs, SQLITE_OPEN_READWRITE);  // a WAL reader writes its read mark
  db.exec("PRAGMA trusted_schema=OFF; PRAGMA query_only=ON; PRAGMA cache_size=-8192");
  return db;
}

void prepare_schema(SqliteDb& db, const std::string& path) {
  const std::int64_t application = db.number_of("PRAGMA application_id");
  const std::int64_t tables = db.number_of("SELECT count(*) FROM sqlite_master");
  if (application == 0 && tables == 0) {
    db.exec("BEGIN IMMEDIATE");
    db.exec(kTables);
    db.exec(str("PRAGMA application_id=", kApplicationId).c_str());
    db.exec("COMMIT");
    return;
  }
  if (application != kApplicationId)
    throw LedgerError(str(path, " is a database of another program (application id ", application,
                          ", expected ", kApplicationId, "): give another path"),
                      false);
  const std::int64_t version = db.number_of("SELECT value FROM meta WHERE key='schema'");
  if (version != kSchemaVersion)
    throw LedgerError(
        str(path, " has schema version ", version, ", this sx reads version ", kSchemaVersion,
            version > kSchemaVersion ? ": use the newer sx that wrote it"
                                     : ": the file is damaged or was made by a trial version"),
        false);
}

void take_ownership(SqliteDb& db, const std::string& token) {
  db.exec("BEGIN IMMEDIATE");
  SqliteStatement(db, "UPDATE meta SET value=value+1 WHERE key='epoch'").run();
  SqliteStatement owner(db, "UPDATE meta SET value=? WHERE key='owner'");
  owner.bind(token).run();
  db.exec("COMMIT");
}

Event event_from(const SqliteStatement& row, std::string stream, int first_column) {
  Event event;
  event.stream = std::move(stream);
  event.seq = row.u64(first_column);
  event.pos = row.u64(first_column + 1);
  event.compacted = row.is_null(first_column + 2);
  if (!event.compacted) {
    event.type = row.text(first_column + 2);
    event.at_ms = row.i64(first_column + 3);
    event.data = row.text(first_column + 4);
  }
  Digest hash{};
  read_digest(row.text(first_column + 5), hash);
  event.hash = to_hex(hash);
  return event;
}

}  // namespace sx::store
