// What is particular to the PostgreSQL backend: connections that break at the worst moment, a
// database that stops and starts, ownership, what is refused and how.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

namespace {

bool says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  const bool found = message.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

std::string open_error(const std::string& url, PgOptions options = {}) {
  auto store = open_pg_store(url, options);
  REQUIRE_FALSE(store.ok());
  return store.error().message;
}

// Stands between the store and the database and cuts the connection when COMMIT is executed.
class Proxy {
 public:
  enum class Cut { Never, BeforeCommit, AfterCommit };

  explicit Proxy(const std::string& url) : url_(url) {
    const std::size_t at = url.find("host=") + 5;
    real_ = url.substr(at, url.find('&', at) - at) + "/.s.PGSQL.5432";
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(dir_ / ".s.PGSQL.5432");
    REQUIRE(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_, 20) == 0);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Proxy() {
    stopping_ = true;
    acceptor_.join();
    for (auto& thread : pumps_) thread.join();
    close(listener_);
  }

  std::string url() const {
    const std::size_t at = url_.find("host=") + 5;
    return url_.substr(0, at) + dir_.path() + url_.substr(url_.find('&', at));
  }

  std::atomic<Cut> cut{Cut::Never};      // once
  std::atomic<bool> refuse_then{false};  // after a cut nobody gets through
  std::atomic<int> cuts{0};

 private:
  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
  }

  void accept_all() {
    while (!stopping_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, 20) != 1) continue;
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_un address = address_of(real_);
      if ((cuts > 0 && refuse_then) ||
          connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(client);
        close(server);
        continue;
      }
      pumps_.emplace_back([this, client, server] { pump(client, server); });
    }
  }

  // True when the bytes execute a prepared COMMIT; learns its name from the Parse message.
  static bool commits(std::string_view bytes, std::string& name) {
    bool executed = false;
    while (bytes.size() >= 5) {
      std::uint32_t size;
      std::memcpy(&size, bytes.data() + 1, 4);
      size = ntohl(size);
      if (size + 1 > bytes.size()) break;  // of a start-up or of a long message: not ours
      const std::string_view body = bytes.substr(5, size - 4);
      if (bytes[0] == 'P' && body.find(std::string_view("\0COMMIT\0", 8)) != std::string_view::npos)
        name = std::string(body.substr(0, body.find('\0')));
      if (bytes[0] == 'B' && !name.empty()) {
        const std::string_view rest = body.substr(body.find('\0') + 1);  // after the portal
        executed = executed || rest.substr(0, rest.find('\0')) == name;
      }
      bytes.remove_prefix(size + 1);
    }
    return executed;
  }

  void pump(int client, int server) {
    std::string commit_name;
    std::vector<char> buffer(1 << 16);
    bool open = true;
    while (open && !stopping_) {
      pollfd waiting[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (poll(waiting, 2, 20) <= 0) continue;
      for (const bool from_client : {true, false}) {
        if (!waiting[from_client ? 0 : 1].revents) continue;
        const ssize_t n = read(from_client ? client : server, buffer.data(), buffer.size());
        if (n <= 0) {
          open = false;
          break;
        }
        const bool commit =
            from_client && commits({buffer.data(), static_cast<std::size_t>(n)}, commit_name);
        const Cut now = commit ? cut.exchange(Cut::Never) : Cut::Never;
        if (now != Cut::Never) ++cuts;
        if (now == Cut::BeforeCommit) {
          open = false;
          break;
        }
        if (write(from_client ? server : client, buffer.data(), static_cast<std::size_t>(n)) != n)
          open = false;
        if (now == Cut::AfterCommit) {
          // The database has answered when its answer can be read; nobody gets it.
          pollfd answered{server, POLLIN, 0};
          poll(&answered, 1, 5000);
          open = false;
          break;
        }
      }
    }
    close(client);
    close(server);
  }

  const std::string url_;
  TempDir dir_;
  std::string real_;
  int listener_;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::vector<std::thread> pumps_;
};

}  // namespace

TEST_CASE("everything is there after closing and opening, and seqs and versions go on") {
  const std::string url = Postgres::server().fresh_url();
  std::uint64_t version = 0;
  std::string head;
  {
    auto s = must_open_pg(url);
    must_append(*s, "a", {"1", "2", "3"});
    must_append(*s, "gone", {"x"});
    must(*s, {Truncate{"gone", 1}, AppendOnce{"a", "key", {event("4")}}, OutboxPut{"q", "m", 5}});
    must(*s, {KvPut{"k", "v"}});
    version = std::get<KvReply>(must(*s, {KvDelete{"k"}}).at(0)).version;
    head = s->verify()->head;
  }
  auto s = must_open_pg(url);
  CHECK(s->committed() == 5);
  CHECK(s->last_seq("gone").value() == 1);
  CHECK(datas(s->read("a", 1, 9)) == Texts{"1", "2", "3", "4"});
  CHECK(s->verify()->head == head);
  CHECK(std::get<AppendReply>(must(*s, {AppendOnce{"a", "key", {event("4")}}}).at(0)).repeated);
  CHECK(must_append(*s, "gone", {"y"}).first_seq == 2);
  CHECK(std::get<KvReply>(must(*s, {KvPut{"k", "w"}}).at(0)).version > version);
  must_verify(*s);
}

TEST_CASE("a connection lost around COMMIT: the outcome is looked up, nothing is lost or doubled") {
  for (const Proxy::Cut cut : {Proxy::Cut::BeforeCommit, Proxy::Cut::AfterCommit}) {
    CAPTURE(static_cast<int>(cut));
    Proxy proxy(Postgres::server().fresh_url());
    auto s = must_open_pg(proxy.url());
    must_append(*s, "a", {"1"});
    proxy.cut = cut;
    const auto reply = must_append(*s, "a", {"2"});
    CHECK(proxy.cuts == 1);
    CHECK(reply.first_seq == 2);
    must(*s, {KvPut{"k", "v"}});
    CHECK(must_append(*s, "a", {"3"}).first_seq == 3);
    CHECK(datas(s->read("a", 1, 9)) == Texts{"1", "2", "3"});
    must_verify(*s);
  }
}

TEST_CASE(
    "when the outcome of a COMMIT cannot be learnt the answer says so, and later it is seen") {
  Proxy proxy(Postgres::server().fresh_url());
  auto s = must_open_pg(proxy.url());
  must_append(*s, "a", {"1"});
  proxy.refuse_then = true;
  proxy.cut = Proxy::Cut::AfterCommit;
  const std::string said = must_fail(*s, {Append{"a", {event("2")}}});
  says(said, "may or may not have survived, read before repeating it");
  says(must_fail(*s, {Append{"a", {event("3")}}}), "nothing is written until it answers again");
  proxy.refuse_then = false;
  CHECK(must_append(*s, "a", {"4"}).first_seq == 3);  // 2 had survived
  CHECK(datas(s->read("a", 1, 9)) == Texts{"1", "2", "4"});
  CHECK(s->stats()->recoveries >= 1);
  must_verify(*s);
}

TEST_CASE(
    "the database stops and starts under load: errors are clear, nothing acknowledged is lost") {
  Postgres& server = Postgres::server();
  auto s = must_open_pg(server.fresh_url());
  for (const char* mode : {"fast", "immediate"}) {
    CAPTURE(mode);
    std::mutex mutex;
    std::vector<std::string> acknowledged, errors;
    std::atomic<bool> stop{false};
    std::vector<std::thread> writers;
    for (int t = 0; t < 4; ++t)
      writers.emplace_back([&, t] {
        for (int i = 0; !stop; ++i) {
          const std::string data = std::string(mode) + std::to_string(t) + ":" + std::to_string(i);
          auto outcome = commit_and_wait(*s, {Append{"s", {event(data)}}});
          std::lock_guard lock(mutex);
          (outcome.ok() ? acknowledged : errors)
              .push_back(outcome.ok() ? data : outcome.error().message);
        }
      });
    const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(150)); };
    pause();
    server.stop(mode);
    std::this_thread::sleep_for(std::chrono::milliseconds(3500));  // longer than writers wait
    server.start();
    // By itself, without anybody's doing: soon writes are acknowledged again.
    bool back = false;
    for (int i = 0; i < 100 && !back; ++i) {
      pause();
      back = commit_and_wait(*s, {Append{"back", {event("x")}}}).ok();
    }
    CHECK(back);
    pause();
    stop = true;
    for (auto& writer : writers) writer.join();
    REQUIRE(!errors.empty());
    for (const std::string& error : errors)
      if (error.find("PostgreSQL") == std::string::npos) says(error, "PostgreSQL");
    std::map<std::string, int> stored;
    const auto all = s->read("s", 1, SIZE_MAX);
    REQUIRE_MESSAGE(all.ok(), all.error().message);
    for (const Event& e : all->events) stored[e.data]++;
    int lost = 0, doubled = 0;
    for (const std::string& data : acknowledged) lost += stored.count(data) == 0;
    for (const auto& [data, count] : stored) doubled += count > 1;
    CHECK(lost == 0);
    CHECK(doubled == 0);
    CHECK(acknowledged.size() > 10);
    must_verify(*s);
  }
}

TEST_CASE("a second owner is refused while the first lives, and takes over when it has closed") {
  const std::string url = Postgres::server().fresh_url();
  auto s = must_open_pg(url, {.lease_ms = 1000});
  const std::string said = open_error(url, {.lease_ms = 1000});
  says(said, "is in use by process " + std::to_string(getpid()));
  says(said, "Stop that one first");
  s->close();
  must_append(*must_open_pg(url, {.lease_ms = 1000}), "a", {"1"});
}

TEST_CASE("a writer that lost the ownership writes nothing more and says so") {
  Postgres& server = Postgres::server();
  const std::string url = server.fresh_url();
  auto s = must_open_pg(url);
  must_append(*s, "a", {"1"});
  server.sql("UPDATE sx_head SET owner = 'somebody else', epoch = epoch + 1", url);
  says(must_fail(*s, {Append{"a", {event("2")}}}), "another process has taken over the store");
  says(must_fail(*s, {AppendExpect{"a", 7, {event("2")}}}), "another process has taken over");
  CHECK(datas(s->read("a", 1, 9)) == Texts{"1"});
}

TEST_CASE("rows written past the owner's back stop it, they do not mix with its own") {
  Postgres& server = Postgres::server();
  const std::string url = server.fresh_url();
  auto s = must_open_pg(url);
  must_append(*s, "a", {"1"});
  server.sql("INSERT INTO sx_event VALUES(2, 1, 2, ':t', 0, 'forged', '')", url);
  says(must_fail(*s, {Append{"a", {event("2")}}}), "holds rows that this process did not write");
  server.sql("DELETE FROM sx_event WHERE pos = 2", url);
  CHECK(must_append(*s, "a", {"2"}).first_seq == 2);
}

TEST_CASE("verify names the first bad record, whatever was done to it") {
  struct Damage {
    const char* sql;
    std::uint64_t pos;
    const char* says;
  };
  for (const Damage& damage :
       {Damage{"UPDATE sx_event SET data = 'forged' WHERE pos = 2", 2, "was changed"},
        Damage{"DELETE FROM sx_event WHERE pos = 2", 3, "position 2 is missing"},
        Damage{"UPDATE sx_kv SET value = 'forged'", 0, "checksum of the key 'k'"},
        Damage{"UPDATE sx_outbox SET data = 'forged'", 0, "outbox message"},
        Damage{"UPDATE sx_head SET pos = 1", 1, "sx_head says that the log ends at 1"}}) {
    CAPTURE(damage.sql);
    const std::string url = Postgres::server().fresh_url();
    auto s = must_open_pg(url);
    must_append(*s, "a", {"1", "2", "3"});
    must(*s, {KvPut{"k", "v"}, OutboxPut{"q", "m", 0}});
    must_verify(*s);
    Postgres::server().sql(damage.sql, url);
    const auto report = s->verify();
    REQUIRE(report.ok());
    REQUIRE(report->bad.has_value());
    CHECK(report->bad->pos == damage.pos);
    says(report->bad->what, damage.says);
  }
}

TEST_CASE("what cannot be opened is refused in words, without the password") {
  Postgres& server = Postgres::server();
  const std::string said =
      open_error("postgres://me:secret@127.0.0.1:1/x?connect_timeout=2&password=secret");
  says(said, "PostgreSQL at postgres://me@127.0.0.1:1/x cannot be reached");
  CHECK(said.find("secret") == std::string::npos);

  std::string url = server.fresh_url();
  const std::string none = "postgres:///nowhere" + url.substr(url.find('?'));
  says(open_error(none), "database \"nowhere\" does not exist");

  must_open_pg(url)->close();
  server.sql("UPDATE sx_head SET schema = 9", url);
  says(open_error(url), "has schema version 9, this sx reads version 1");
}

TEST_CASE("a commit is waited for until it is on disk, whatever the database's default is") {
  Postgres& server = Postgres::server();
  server.sql("ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf()");
  const std::string url = server.fresh_url();
  auto s = must_open_pg(url);
  must_append(*s, "a", {"1"});
  // Each session of ours has it on; the one that asks has the default.
  CHECK(server.sql("SHOW synchronous_commit") == "off");
  server.sql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf()");
  std::string refused;
  for (int i = 0; i < 50 && refused.empty(); ++i) {
    auto other = open_pg_store(server.fresh_url());
    if (!other.ok()) refused = other.error().message;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  says(refused, "runs with fsync = off");
  server.sql("ALTER SYSTEM RESET ALL; SELECT pg_reload_conf()");
}
