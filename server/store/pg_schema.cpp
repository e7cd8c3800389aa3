#include "server/store/pg_schema.h"

#include <openssl/rand.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "engine/base/str.h"

namespace sx::store {
namespace {

// As in SQLite (sqlite_schema.cpp), with three differences. sx_head keeps what SQLite finds at the
// end of the log: its row lock is the order of commits. A stream's id is the position of its first
// event. Texts are bytea: bytes as they are, compared byte by byte whatever the database's locale.
constexpr const char* kTables = R"sql(
  BEGIN;
  CREATE TABLE sx_head(id bigint PRIMARY KEY, schema bigint NOT NULL, pos bigint NOT NULL,
                       hash bytea NOT NULL, counter bigint NOT NULL, batch bytea NOT NULL,
                       owner bytea NOT NULL, epoch bigint NOT NULL);
  CREATE TABLE sx_owner(id bigint PRIMARY KEY, token bytea NOT NULL, name bytea NOT NULL,
                        seen timestamptz NOT NULL);
  CREATE TABLE sx_stream(id bigint PRIMARY KEY, name bytea NOT NULL UNIQUE,
                         truncated bigint NOT NULL);
  CREATE TABLE sx_event(pos bigint PRIMARY KEY, stream bigint NOT NULL, seq bigint NOT NULL,
                        type bytea, at bigint NOT NULL, data bytea NOT NULL, hash bytea NOT NULL,
                        UNIQUE(stream, seq));
  CREATE TABLE sx_once(stream bigint NOT NULL, key bytea NOT NULL, pos bigint NOT NULL,
                       count bigint NOT NULL, PRIMARY KEY(stream, key));
  CREATE TABLE sx_kv(key bytea PRIMARY KEY, value bytea NOT NULL, version bigint NOT NULL,
                     sum bigint NOT NULL);
  CREATE TABLE sx_outbox(id bigint PRIMARY KEY, queue bytea NOT NULL, due bigint NOT NULL,
                         attempts bigint NOT NULL, data bytea NOT NULL, sum bigint NOT NULL);
  CREATE INDEX sx_outbox_by_due ON sx_outbox(due, id);
  INSERT INTO sx_owner VALUES(1, '', '', now());
  INSERT INTO sx_head VALUES(1, 1, 0, decode(repeat('00', 32), 'hex'), 0, '', '', 0);
  COMMIT
)sql";

std::string line_of(const char* path) {
  std::string line;
  if (std::FILE* file = std::fopen(path, "re")) {
    for (int c; (c = std::fgetc(file)) != EOF && c != '\n';) line += static_cast<char>(c);
    std::fclose(file);
  }
  return line;
}

// Where this process runs, so that a pid found later can be looked up: the boot of the machine and
// the namespace that pids belong to.
std::string place() {
  struct stat info {};
  stat("/proc/self/ns/pid", &info);
  return str(line_of("/proc/sys/kernel/random/boot_id"), ":", info.st_ino);
}

// The 22nd field of /proc/PID/stat: a pid that was given anew has another one.
std::string started(pid_t pid) {
  const std::string line = line_of(str("/proc/", pid, "/stat").c_str());
  std::size_t at = line.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  if (at == std::string::npos) return "";
  return line.substr(at + 1, line.find(' ', at + 1) - at - 1);
}

// "HOST PID STARTED PLACE"
std::string own_name() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return str(std::string_view(host), " ", getpid(), " ", started(getpid()), " ", place());
}

struct OwnerName {
  std::string host, pid, started_at, at_place;
};
OwnerName parse_name(std::string_view text) {
  OwnerName name;
  for (std::string* part : {&name.host, &name.pid, &name.started_at, &name.at_place}) {
    const std::size_t end = text.find(' ');
    *part = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return name;
}

// True only for certain: it ran here and is gone.
bool is_dead(const OwnerName& name) {
  if (name.at_place != place()) return false;
  const auto pid = static_cast<pid_t>(std::strtol(name.pid.c_str(), nullptr, 10));
  return pid <= 0 || started(pid) != name.started_at;
}

}  // namespace

std::string random_token() {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) throw LedgerError("no random bytes for a token", false);
  std::string token;
  for (unsigned char byte : bytes) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  return token;
}

void prepare_pg_schema(PgConnection& db, const std::string& url) {
  for (int attempt = 0;; ++attempt) {
    try {
      const PgResult head = db.run("SELECT schema FROM sx_head WHERE id = 1");
      if (head.rows() == 0)
        throw PgError(str("the table sx_head in ", pg_shown(url),
                          " is empty: it is damaged, restore a backup"),
                      "", false);
      if (head.i64(0, 0) != kSchemaVersion)
        throw PgError(str("the store at ", pg_shown(url), " has schema version ", head.i64(0, 0),
                          ", this sx reads version ", kSchemaVersion, ": use the sx that wrote it"),
                      "", false);
      return;
    } catch (const PgError& error) {
      if (error.code != "42P01" || attempt > 0) throw;  // undefined table
    }
    try {
      db.exec(kTables);
    } catch (const PgError& error) {
      db.exec("ROLLBACK");
      if (error.code != "42P07" && error.code != "23505") throw;  // another one was faster
    }
  }
}

PgOwner take_pg_ownership(PgConnection& db, const std::string& url, const PgOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto patience = Clock::now() + std::chrono::milliseconds(options.lease_ms);
  std::string watched, seen_first;
  for (;;) {
    db.exec("BEGIN");
    try {
      const PgResult found = db.run(
          "SELECT token, name, CAST(extract(epoch FROM seen) * 1000 AS bigint), "
          "CAST(extract(epoch FROM now() - seen) * 1000 AS bigint) FROM sx_owner "
          "WHERE id = 1 FOR UPDATE");
      if (found.rows() == 0)
        throw PgError("the table sx_owner is empty: restore a backup", "", false);
      const std::string token(found.text(0, 0));
      const std::string seen = std::to_string(found.i64(0, 2));
      const OwnerName name = parse_name(found.text(0, 1));
      const bool free = token.empty() || is_dead(name) || found.i64(0, 3) > options.lease_ms;
      if (free) {
        PgOwner owner{random_token(), 0};
        db.run("UPDATE sx_owner SET token = $1, name = $2, seen = now() WHERE id = 1",
               PgParams().add(std::string_view(owner.token)).add(std::string_view(own_name())));
        const PgResult epoch =
            db.run("UPDATE sx_head SET owner = $1, epoch = epoch + 1 WHERE id = 1 RETURNING epoch",
                   PgParams().add(std::string_view(owner.token)));
        owner.epoch = epoch.u64(0, 0);
        db.exec("COMMIT");
        return owner;
      }
      db.exec("ROLLBACK");
      // A sign of life while we look, or simply none yet that is old enough.
      if (watched.empty()) {
        watched = token;
        seen_first = seen;
      }
      if (token != watched || seen != seen_first || Clock::now() > patience)
        throw PgError(str("the store at ", pg_shown(url), " is in use by process ", name.pid,
                          " on ", name.host,
                          ": one process at a time may own it. Stop that one first, or let it do "
                          "the work"),
                      "", false);
    } catch (...) {
      if (!db.lost() && db.in_transaction()) db.exec("ROLLBACK");
      throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

bool renew_pg_lease(PgConnection& db, const PgOwner& owner) {
  return db.run("UPDATE sx_owner SET seen = now() WHERE id = 1 AND token = $1",
                PgParams().add(std::string_view(owner.token)))
             .changed_rows() == 1;
}

void release_pg_ownership(PgConnection& db, const PgOwner& owner) {
  db.run("UPDATE sx_owner SET token = '' WHERE id = 1 AND token = $1",
         PgParams().add(std::string_view(owner.token)));
}

Event event_from(const PgResult& result, int row, std::string stream, int first_column) {
  Event event;
  event.stream = std::move(stream);
  event.seq = result.u64(row, first_column);
  event.pos = result.u64(row, first_column + 1);
  event.compacted = result.is_null(row, first_column + 2);
  if (!event.compacted) {
    event.type = result.text(row, first_column + 2);
    event.at_ms = result.i64(row, first_column + 3);
    event.data = result.text(row, first_column + 4);
  }
  Digest hash{};
  read_digest(result.text(row, first_column + 5), hash);
  event.hash = to_hex(hash);
  return event;
}

}  // namespace sx::store
