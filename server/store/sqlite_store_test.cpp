// What is particular to the SQLite backend: files, reopening, ownership, damage that verify finds.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "server/store/owner_lock.h"
#include "server/store/sqlite_db.h"
#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

namespace {

namespace fs = std::filesystem;

std::string open_error(const std::string& url) {
  auto store = open_store(url);
  REQUIRE_FALSE(store.ok());
  return store.error().message;
}
bool says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  const bool found = message.find(part) != std::string::npos;
  CHECK(found);
  return found;
}
// Changes a closed store's file behind its back.
void tamper(const std::string& path, const char* sql) {
  SqliteDb db(path, nullptr, SQLITE_OPEN_READWRITE);
  db.exec(sql);
}
BadRecord must_be_bad(const std::string& path) {
  auto store = must_open(path, {.tail_walk = 0});
  const auto report = store->verify();
  REQUIRE(report.ok());
  REQUIRE(report->bad.has_value());
  return *report->bad;
}
int mode_of(const std::string& path) {
  struct stat info;
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

}  // namespace

TEST_CASE("everything is there after closing and opening, and seqs and versions go on") {
  TempDir dir;
  std::uint64_t version = 0;
  std::string head;
  {
    auto s = must_open(dir / "s.db");
    must_append(*s, "a", {"1", "2", "3"});
    must_append(*s, "gone", {"x"});
    must(*s, {Truncate{"gone", 1}, AppendOnce{"a", "key", {event("4")}}, OutboxPut{"q", "m", 5}});
    must(*s, {KvPut{"k", "v"}});
    version = std::get<KvReply>(must(*s, {KvDelete{"k"}}).at(0)).version;
    head = s->verify()->head;
  }
  for (int round = 0; round < 2; ++round) {
    auto s = must_open(dir / "s.db");
    CHECK(s->committed() == 5);
    CHECK(s->last_seq("a").value() == 4);
    CHECK(s->last_seq("gone").value() == 1);
    CHECK(datas(s->read("a", 1, 9)) == Texts{"1", "2", "3", "4"});
    CHECK(s->verify()->head == head);
    CHECK(s->outbox_due("q", 5, 1)->size() == 1);
    CHECK(std::get<AppendReply>(must(*s, {AppendOnce{"a", "key", {event("4")}}}).at(0)).repeated);
  }
  auto s = must_open(dir / "s.db");
  CHECK(must_append(*s, "gone", {"y"}).first_seq == 2);
  CHECK(std::get<KvReply>(must(*s, {KvPut{"k", "w"}}).at(0)).version > version);
  must_verify(*s);
}

TEST_CASE("opening makes the missing folders and keeps all files to their owner") {
  TempDir dir;
  auto s = open_store("sqlite:" + (dir / "deep/er/s.db"));
  REQUIRE(s.ok());
  must_append(**s, "a", {"1"});
  CHECK(mode_of(dir / "deep") == 0700);
  CHECK(mode_of(dir / "deep/er") == 0700);
  for (const char* suffix : {"", "-wal", ".lock"})
    CHECK(mode_of((dir / "deep/er/s.db") + suffix) == 0600);
}

TEST_CASE("an unknown store url is answered with what is supported") {
  says(open_error("mysql:x"), "'mysql:x' is not a store: supported are sqlite:PATH");
  says(open_error(""), "sqlite:PATH");
  says(open_error("memory"), "memory:");
  says(open_error("sqlite:"), "give sqlite:PATH");
  says(open_error("sqlite::memory:"), "memory:");
}

TEST_CASE("what is not a store is refused with what it is") {
  TempDir dir;
  says(open_error("sqlite:" + dir.path()), "is a folder, expected a file");

  std::ofstream(dir / "text.db") << std::string(5000, 'x');
  says(open_error("sqlite:" + (dir / "text.db")), "not a SQLite database");

  {
    SqliteDb(dir / "other.db", nullptr, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        .exec("CREATE TABLE posts(x)");
  }
  says(open_error("sqlite:" + (dir / "other.db")), "is a database of another program");

  must_open(dir / "newer.db").reset();
  tamper(dir / "newer.db", "UPDATE meta SET value=9 WHERE key='schema'");
  const auto message = open_error("sqlite:" + (dir / "newer.db"));
  says(message, "has schema version 9, this sx reads version 1");
  says(message, "use the newer sx");

  says(open_error("sqlite:" + (dir / "text.db/below/s.db")), "text.db/below");
}

TEST_CASE("a store that was cut to nothing is refused, one that was never made begins") {
  TempDir dir;
  const std::string path = dir / "s.db";
  std::ofstream(path).close();  // a crash right after the file was made
  {
    auto s = must_open(path);
    must_append(*s, "a", {"1"});
  }
  fs::resize_file(path, 0);
  for (int i = 0; i < 2; ++i) {
    const auto message = open_error("sqlite:" + path);
    says(message, path + " is empty, and it was not");
    says(message, "remove the file if a new store is meant");
    CHECK(fs::file_size(path) == 0);
  }
  fs::remove(path);
  CHECK(must_open(path)->committed() == 0);
}

TEST_CASE("a store whose file was cut in half is refused by its name, and not changed") {
  TempDir dir;
  const std::string path = dir / "s.db";
  {
    auto s = must_open(path);
    for (int i = 0; i < 200; ++i) must_append(*s, "a", {std::string(500, 'x')});
  }
  const auto half = fs::file_size(path) / 2;
  fs::resize_file(path, half);
  const auto message = open_error("sqlite:" + path);
  says(message, path);
  says(message, "damaged");
  says(message, "`sx store export --rescue` reads what is left");
  CHECK(message.find("store verify") == std::string::npos);
  CHECK(fs::file_size(path) == half);
}

TEST_CASE("a second opening in the same process is refused, and closing frees the store") {
  TempDir dir;
  auto s = must_open(dir / "s.db");
  const auto second = open_sqlite_store(dir / "s.db");
  REQUIRE_FALSE(second.ok());
  says(second.error().message, "is in use by this very process");
  s->close();
  CHECK(open_sqlite_store(dir / "s.db").ok());
}

TEST_CASE("a store owned by another live process is refused naming its pid") {
  TempDir dir;
  int ready[2], finish[2];
  REQUIRE(pipe(ready) == 0);
  REQUIRE(pipe(finish) == 0);
  const pid_t child = fork();
  if (child == 0) {  // only takes the lock: a forked child must not use doctest or SQLite
    auto lock = OwnerLock::take(dir / "s.db");
    char byte = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    close(finish[1]);
    if (read(finish[0], &byte, 1) < 0) _exit(1);
    _exit(0);
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  CHECK(byte == 'y');
  const auto refused = open_sqlite_store(dir / "s.db");
  REQUIRE_FALSE(refused.ok());
  says(refused.error().message, "in use by process " + std::to_string(child));
  says(refused.error().message, "Stop that one first");
  close(finish[1]);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(open_sqlite_store(dir / "s.db").ok());
  for (int fd : {ready[0], ready[1], finish[0]}) close(fd);
}

TEST_CASE("a writer that lost the ownership writes nothing more and says so") {
  TempDir dir;
  auto s = must_open(dir / "s.db");
  must_append(*s, "a", {"1"});
  tamper(dir / "s.db", "UPDATE meta SET value='somebody else' WHERE key='owner'");
  says(must_fail(*s, {Append{"a", {event("2")}}}), "another process has taken over the store");
  CHECK(datas(s->read("a", 1, 9)) == Texts{"1"});
}

TEST_CASE("every opening begins a new epoch") {
  TempDir dir;
  for (int i = 0; i < 3; ++i) must_open(dir / "s.db").reset();
  SqliteDb db(dir / "s.db", nullptr, SQLITE_OPEN_READWRITE);
  CHECK(db.number_of("SELECT value FROM meta WHERE key='epoch'") == 3);
}

TEST_CASE("verify names the first bad record, whatever was done to it") {
  struct Damage {
    const char* sql;
    std::uint64_t pos, seq;
    const char* stream;
    const char* says;
  };
  for (const Damage& damage : {
           Damage{"UPDATE event SET data='forged' WHERE pos=3", 3, 2, "a", "was changed"},
           Damage{"UPDATE event SET at=at+1 WHERE pos=2", 2, 1, "b", "was changed"},
           Damage{"UPDATE event SET type=':u' WHERE pos=2", 2, 1, "b", "was changed"},
           Damage{"UPDATE event SET seq=9 WHERE pos=5", 5, 9, "a", "was changed"},
           Damage{"UPDATE event SET stream=(SELECT id FROM stream WHERE name='b'), seq=7 WHERE "
                  "pos=3",
                  3, 7, "b", "was changed"},
           Damage{"UPDATE event SET hash=zeroblob(32) WHERE pos=4", 4, 3, "a", "was changed"},
           Damage{"UPDATE event SET hash=zeroblob(3) WHERE pos=4", 4, 3, "a", "3 bytes"},
           Damage{"DELETE FROM event WHERE pos=3", 4, 3, "a", "position 3 is missing"},
           Damage{"UPDATE event SET type=NULL, data=zeroblob(32) WHERE pos=2", 2, 1, "b",
                  "truncated only through seq 0"},
           Damage{"UPDATE stream SET truncated=2 WHERE name='a'", 3, 2, "a", "still there"},
           Damage{"UPDATE event SET data=zeroblob(32) WHERE pos=1", 1, 1, "a", "was changed"},
           Damage{"UPDATE kv SET value='forged'", 0, 0, "", "checksum of the key 'k'"},
           Damage{"UPDATE kv SET version=version+1", 0, 0, "", "checksum of the key 'k'"},
           Damage{"UPDATE outbox SET data='forged'", 0, 0, "", "outbox message"},
       }) {
    CAPTURE(damage.sql);
    TempDir dir;
    {
      auto s = must_open(dir / "s.db");
      must_append(*s, "a", {"1"});
      must_append(*s, "b", {"x"});
      must_append(*s, "a", {"2", "3", "4"});
      must(*s, {KvPut{"k", "v"}, OutboxPut{"q", "m", 0}, Truncate{"a", 1}});
      must_verify(*s);
    }
    tamper(dir / "s.db", damage.sql);
    const BadRecord bad = must_be_bad(dir / "s.db");
    CHECK(bad.pos == damage.pos);
    CHECK(bad.seq == damage.seq);
    CHECK(bad.stream == damage.stream);
    says(bad.what, damage.says);
  }
}

TEST_CASE("bytes overwritten in the middle of the file are found, not served as truth") {
  TempDir dir;
  {
    auto s = must_open(dir / "s.db");
    for (int i = 0; i < 50; ++i) must_append(*s, "a", {std::string(2000, 'x')});
  }
  {
    std::fstream file(dir / "s.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(0, std::ios::end);
    file.seekp(static_cast<long>(file.tellg()) / 2);
    file << std::string(300, '#');
  }
  CHECK(must_be_bad(dir / "s.db").what.size() > 10);
}

TEST_CASE("the WAL is folded in the background and does not grow without bound") {
  TempDir dir;
  auto s = must_open(dir / "s.db", {nullptr, false});
  const std::string big(64 << 10, 'x');
  std::uintmax_t largest = 0;
  for (int i = 0; i < 200; ++i) {  // 200 × 1 MiB, three times what the writer lets the WAL grow to
    Append op{"a", {}};
    for (int k = 0; k < 16; ++k) op.events.push_back(event(big));
    must(*s, {op});
    largest = std::max(largest, std::filesystem::file_size(dir / "s.db-wal"));
  }
  CHECK(largest < (128u << 20));
  CHECK(std::filesystem::file_size(dir / "s.db") > (64u << 20));
  must_verify(*s);
}
