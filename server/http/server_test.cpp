// Deadlines, load, workers, stopping: the server as its operator and its handlers meet it.
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "server/http/access_log.h"
#include "server/http/test_client.h"

namespace sx {
namespace {

using test::Client;
using test::eventually;
using test::ms_since;
using test::Reply;
using Steady = std::chrono::steady_clock;

HttpConfig any_port() {
  HttpConfig config;
  config.port = 0;
  return config;
}

// GET /now answers at once, /later after 100 ms, /never not at all, /drop drops the Responder,
// /throw throws, /big answers with 8 MiB.
Result<Handler> sampler(Worker& worker) {
  auto held = std::make_shared<std::vector<Responder>>();
  auto big = std::make_shared<const std::string>(8 << 20, 'x');
  return Handler([&worker, held, big](HttpRequest&& request, Responder responder) {
    if (request.path == "/never") return held->push_back(std::move(responder));
    if (request.path == "/drop") return;
    if (request.path == "/throw") throw std::runtime_error("thrown by a test");
    if (request.path == "/later") {
      auto later = std::make_shared<Responder>(std::move(responder));
      worker.after(100, [later] { later->send(HttpResponse::text(200, "later")); });
      return;
    }
    HttpResponse response = HttpResponse::text(
        200, "now " + request.remote_ip + " " + request.scheme + "://" + request.host);
    if (request.path == "/big") response.body = big;
    if (request.path.starts_with("/file")) {
      response.body =
          FileRange{request.query, 0, request.path == "/file-long" ? 5000u : 3000u, nullptr};
    }
    responder.send(std::move(response));
  });
}

TEST_CASE("a request head that does not arrive is answered 408 and closed") {
  HttpServer server;
  HttpConfig config = any_port();
  config.header_timeout_ms = 150;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  const auto start = Steady::now();
  client.send("GET / HTTP/1.1\r\nHost: loc");
  // A byte now and then does not buy time.
  for (int i = 0; i < 4; ++i) {
    ::usleep(30'000);
    client.send("a");
  }
  Reply reply = client.receive();
  CHECK(reply.status == 408);
  CHECK(reply["connection"] == "close");
  CHECK(ms_since(start) > 120);
  CHECK(ms_since(start) < 1500);
  CHECK(client.closed());
  CHECK(server.metrics().totals().receive_timeouts == 1);
}

TEST_CASE("a body that does not arrive is answered 408") {
  HttpServer server;
  HttpConfig config = any_port();
  config.body_timeout_ms = 150;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(client.receive().status == 408);
  CHECK(client.closed());
}

TEST_CASE("idle connections are closed quietly, new silent ones too") {
  HttpServer server;
  HttpConfig config = any_port();
  config.idle_timeout_ms = 150;
  config.header_timeout_ms = 100;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  CHECK(client.get("/now").status == 200);
  const auto start = Steady::now();
  CHECK(client.closed());
  CHECK(ms_since(start) > 100);
  Client silent(server.port());
  CHECK(silent.closed());
}

TEST_CASE("a handler that does not answer in time is answered for with 503") {
  HttpServer server;
  HttpConfig config = any_port();
  config.handler_timeout_ms = 100;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  Reply reply = client.get("/never");
  CHECK(reply.status == 503);
  CHECK(client.closed());
  CHECK(server.metrics().totals().handler_timeouts == 1);
  CHECK(server.metrics().totals().requests_in_flight == 0);
}

TEST_CASE("a late answer after the deadline is dropped and disturbs nobody") {
  HttpServer server;
  HttpConfig config = any_port();
  config.handler_timeout_ms = 30;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  CHECK(client.get("/later").status == 503);
  ::usleep(150'000);
  Client other(server.port());
  CHECK(other.get("/now").status == 200);
}

TEST_CASE("who works for an answer is told when nobody waits for it any more") {
  std::atomic<int> gone{0}, timed_out{0};
  HttpServer server;
  HttpConfig config = any_port();
  config.handler_timeout_ms = 2'500;
  REQUIRE(server.start(config, [&](Worker& worker) -> Result<Handler> {
    return Handler([&](HttpRequest&& request, Responder responder) {
      auto held = std::make_shared<Responder>(std::move(responder));
      held->on_given_up(request.method == "GET", [&, held](GivenUp why) {
        ++(why == GivenUp::ClientGone ? gone : timed_out);
      });
      if (request.path == "/soon")
        worker.after(50, [held] { held->send(HttpResponse::text(200, "soon")); });
    });
  }));
  {
    // One that has closed, one that sends nothing more, one with a request behind.
    Client closed(server.port()), half(server.port()), more(server.port());
    for (Client* client : {&closed, &half, &more})
      client->send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
    closed.close();
    half.finish_sending();
    more.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
    more.finish_sending();
    CHECK(test::eventually([&] { return gone == 3; }));
    CHECK(half.receive_rest().empty());
    CHECK(timed_out == 0);
  }
  // An answer that comes soon reaches who ended its side.
  Client soon(server.port());
  soon.send("GET /soon HTTP/1.1\r\nHost: localhost\r\n\r\n");
  soon.finish_sending();
  CHECK(soon.receive().body == "soon");
  // A write goes on without its client, to the deadline.
  Client write(server.port());
  write.send("POST /never HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  write.finish_sending();
  CHECK(write.receive().status == 503);
  CHECK(timed_out == 1);
  CHECK(gone == 3);
  CHECK(test::eventually([&] { return server.metrics().totals().requests_in_flight == 0; }));
}

TEST_CASE("a dropped responder and a throwing handler answer 500, and the connection lives on") {
  HttpServer server;
  REQUIRE(server.start(any_port(), sampler));
  Client client(server.port());
  CHECK(client.get("/drop").status == 500);
  CHECK(client.get("/throw").status == 500);
  CHECK(client.get("/now").status == 200);
}

TEST_CASE("a client that does not read its answer is cut off after the write timeout") {
  HttpServer server;
  HttpConfig config = any_port();
  config.write_timeout_ms = 200;
  config.bytes_per_second_min = 1 << 30;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(eventually([&] { return server.metrics().totals().connections == 1; }));
  CHECK(eventually([&] { return server.metrics().totals().connections == 0; }));
}

TEST_CASE("large shared bodies and files arrive whole") {
  HttpServer server;
  REQUIRE(server.start(any_port(), sampler));
  const std::string path = "/tmp/sx_http_test_" + std::to_string(::getpid());
  std::ofstream(path) << std::string(1500, 'a') << std::string(1500, 'b');
  Client client(server.port());
  CHECK(client.get("/big").body == std::string(8 << 20, 'x'));
  CHECK(client.get("/file?" + path).body == std::string(1500, 'a') + std::string(1500, 'b'));
  CHECK(client.get("/file-long?" + path).status == 500);
  CHECK(client.get("/file?/nonexistent").status == 500);
  CHECK(client.get("/file?/tmp").status == 500);
  CHECK(client.get("/now").status == 200);
  ::unlink(path.c_str());
}

TEST_CASE("requests above the limit are shed with Retry-After") {
  HttpServer server;
  HttpConfig config = any_port();
  config.requests_max = 2;
  config.retry_after_s = 7;
  REQUIRE(server.start(config, sampler));
  Client a(server.port()), b(server.port()), c(server.port());
  a.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  b.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return server.metrics().totals().requests_in_flight == 2; }));
  Reply shed = c.get("/now");
  CHECK(shed.status == 503);
  CHECK(shed["retry-after"] == "7");
  CHECK(a.receive().status == 200);
  CHECK(b.receive().status == 200);
  CHECK(c.get("/now").status == 200);
}

TEST_CASE("at the connection limit the longest idle connection makes room, busy ones do not") {
  HttpServer server;
  HttpConfig config = any_port();
  config.connections_max = 2;
  REQUIRE(server.start(config, sampler));
  Client a(server.port()), b(server.port());
  CHECK(a.get("/now").status == 200);
  CHECK(b.get("/now").status == 200);
  Client c(server.port());
  CHECK(c.get("/now").status == 200);
  CHECK(a.closed());
  CHECK(b.get("/now").status == 200);

  b.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
  c.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return server.metrics().totals().requests_in_flight == 2; }));
  Client d(server.port());
  Reply refused = d.receive();
  CHECK(refused.status == 503);
  CHECK(refused["retry-after"] == "1");
}

TEST_CASE("a graceful stop lets a request in flight finish and closes what is idle") {
  HttpServer server;
  REQUIRE(server.start(any_port(), sampler));
  const std::uint16_t port = server.port();
  Client busy(port), idle(port);
  CHECK(idle.get("/now").status == 200);
  busy.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return server.metrics().totals().requests_in_flight == 1; }));
  const auto start = Steady::now();
  server.stop_gracefully(5000);
  CHECK(idle.closed());
  Reply reply = busy.receive();
  CHECK(reply.body == "later");
  CHECK(reply["connection"] == "close");
  server.wait();
  CHECK(ms_since(start) < 2000);
  CHECK_FALSE(Client(port).connected());
}

TEST_CASE("a graceful stop cuts what is left at its deadline") {
  HttpServer server;
  REQUIRE(server.start(any_port(), sampler));
  Client client(server.port());
  client.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return server.metrics().totals().requests_in_flight == 1; }));
  const auto start = Steady::now();
  server.stop_gracefully(150);
  server.wait();
  CHECK(ms_since(start) > 100);
  CHECK(ms_since(start) < 2000);
  CHECK(client.receive().status == 0);
}

TEST_CASE("two workers share a port, each with its own handler on its own thread") {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  HttpServer server;
  HttpConfig config = any_port();
  config.workers = 2;
  REQUIRE(server.start(config, [&](Worker& worker) -> Result<Handler> {
    {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    }
    const auto made_on = std::this_thread::get_id();
    return Handler([&worker, made_on](HttpRequest&& request, Responder responder) {
      const bool same = made_on == std::this_thread::get_id();
      responder.send(HttpResponse::text(
          same ? 200 : 500, std::to_string(worker.index()) + " " + std::to_string(request.id)));
    });
  }));
  CHECK(threads.size() == 2);
  std::set<std::string> indexes, ids;
  for (int i = 0; i < 60; ++i) {
    Client client(server.port());
    const Reply reply = client.get("/");
    REQUIRE(reply.status == 200);
    indexes.insert(reply.body.substr(0, 1));
    ids.insert(reply.body.substr(2));
  }
  CHECK(indexes == std::set<std::string>{"0", "1"});
  CHECK(ids.size() == 60);
}

TEST_CASE("a second server cannot take a port that is taken, and says which") {
  HttpServer first;
  HttpConfig config = any_port();
  config.workers = 2;
  REQUIRE(first.start(config, sampler));
  config.port = first.port();
  for (const std::size_t workers : {1u, 2u}) {
    config.workers = workers;
    HttpServer second;
    const auto started = second.start(config, sampler);
    REQUIRE_FALSE(started);
    CHECK(started.error().message.find(std::to_string(first.port())) != std::string::npos);
  }
}

TEST_CASE("a handler that cannot be made stops the start with its reason") {
  HttpServer server;
  HttpConfig config = any_port();
  config.workers = 2;
  const auto started = server.start(config, [](Worker& worker) -> Result<Handler> {
    if (worker.index() == 1) return Error{"no bundle"};
    return sampler(worker);
  });
  REQUIRE_FALSE(started);
  CHECK(started.error().message == "no bundle");
}

TEST_CASE("posted functions run on the worker's thread, timers fire once and can be cancelled") {
  std::atomic<int> fired{0}, cancelled{0};
  std::atomic<bool> same_thread{false};
  HttpServer server;
  REQUIRE(server.start(any_port(), [&](Worker& worker) -> Result<Handler> {
    worker.after(10, [&] { ++fired; });
    const Worker::TimerId timer = worker.after(10, [&] { ++cancelled; });
    CHECK(worker.cancel(timer));
    CHECK_FALSE(worker.cancel(timer));
    const auto thread = std::this_thread::get_id();
    worker.post([&, thread] { same_thread = thread == std::this_thread::get_id(); });
    return sampler(worker);
  }));
  CHECK(eventually([&] { return fired == 1 && same_thread; }));
  std::atomic<int> posted{0};
  server.post_all([&](Worker&) { ++posted; });
  CHECK(eventually([&] { return posted == 1; }));
  ::usleep(30'000);
  CHECK(fired == 1);
  CHECK(cancelled == 0);
}

TEST_CASE("answers posted from another thread reach their clients") {
  HttpServer server;
  REQUIRE(server.start(any_port(), [](Worker& worker) -> Result<Handler> {
    return Handler([&worker](HttpRequest&&, Responder responder) {
      // The Responder stays with the worker: only the wake-up crosses threads.
      auto held = std::make_shared<Responder>(std::move(responder));
      auto* raw =
          new std::function<void()>([held] { held->send(HttpResponse::text(200, "posted")); });
      std::thread([&worker, raw] {
        worker.post([raw] {
          (*raw)();
          delete raw;
        });
      }).detach();
    });
  }));
  Client client(server.port());
  for (int i = 0; i < 20; ++i) CHECK(client.get("/").body == "posted");
}

TEST_CASE("only our own hosts are answered for") {
  HttpConfig config = any_port();
  config.hosts = {"Example.org", "shop.example:8080", "*.wild.example"};
  HttpServer server;
  REQUIRE(server.start(config, sampler));
  const auto ask = [&](const std::string& host) {
    Client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return client.receive();
  };
  CHECK(ask("example.org").body == "now 127.0.0.1 http://example.org");
  CHECK(ask("EXAMPLE.org:99").body == "now 127.0.0.1 http://example.org:99");
  CHECK(ask("shop.example:8080").status == 200);
  CHECK(ask("a.wild.example").status == 200);
  CHECK(ask("localhost:1").status == 200);
  CHECK(ask("127.9.9.9").status == 200);
  CHECK(ask("[::1]:80").status == 200);
  CHECK(ask("blog.localhost").status == 200);
  for (const char* stranger : {"evil.example", "shop.example", "shop.example:81", "wild.example",
                               "notexample.org", "example.org.evil.example", "127.evil.example",
                               "localhost.evil.example", "10.0.0.1", "[::2]"}) {
    CAPTURE(stranger);
    CHECK(ask(stranger).status == 421);
  }
}

TEST_CASE("SX_BASE_URL gives the scheme and host of every request") {
  HttpConfig config = any_port();
  config.base_url = "https://blog.example";
  HttpServer server;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  CHECK(client.get("/").body == "now 127.0.0.1 https://blog.example");
  config.base_url = "blog.example";
  HttpServer other;
  CHECK_FALSE(other.start(config, sampler));
}

TEST_CASE("forwarded headers are believed from trusted proxies only") {
  const std::string x =
      "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: example.org\r\nForwarded: for=1.1.1.1;proto=http\r\n";
  HttpConfig config = any_port();
  config.hosts = {"example.org"};
  {
    HttpServer server;
    REQUIRE(server.start(config, sampler));
    Client client(server.port());
    CHECK(client.get("/", x).body == "now 127.0.0.1 http://localhost");
  }
  config.trusted_proxies = {"127.0.0.0/8", "10.0.0.0/8"};
  HttpServer server;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  CHECK(client.get("/", x).body == "now 203.0.113.9 https://example.org");
  CHECK(client.get("/", "Forwarded: for=\"[2001:db8::1]:99\";proto=https;host=example.org\r\n")
            .body == "now 2001:db8::1 https://example.org");
  CHECK(client.get("/", "X-Forwarded-For: nonsense\r\n").body == "now 127.0.0.1 http://localhost");
  CHECK(client.get("/", "X-Forwarded-Host: evil.example\r\n").status == 421);
  config.trusted_proxies = {"10.0.0.0/99"};
  HttpServer other;
  CHECK_FALSE(other.start(config, sampler));
}

TEST_CASE("the access log has one line per request and survives hostile targets") {
  const std::string path = "/tmp/sx_access_test_" + std::to_string(::getpid());
  AccessLogConfig log_config;
  log_config.path = path;
  auto log = AccessLog::open(log_config);
  REQUIRE(log);
  HttpConfig config = any_port();
  config.access_log = log.value();
  HttpServer server;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  CHECK(client.get("/now?q=\"\\\xc3\xbf").status == 200);
  client.send("NONSENSE\r\n\r\n");
  CHECK(client.receive().status == 400);
  CHECK(eventually([&] { return server.metrics().totals().requests == 2; }));
  log.value()->flush();
  std::ifstream file(path);
  std::string first, second, third;
  CHECK(std::getline(file, first));
  CHECK(std::getline(file, second));
  CHECK_FALSE(std::getline(file, third));
  CHECK(first.find("\"target\":\"/now?q=\\\"\\\\\\u00c3\\u00bf\",\"status\":200,") !=
        std::string::npos);
  CHECK(first.find("\"remote\":\"127.0.0.1\",\"method\":\"GET\"") != std::string::npos);
  CHECK(first.substr(0, 11) == "{\"time\":\"20");
  CHECK(second.find("\"method\":\"\",\"target\":\"\",\"status\":400") != std::string::npos);
  ::unlink(path.c_str());
}

TEST_CASE("the common log format escapes quotes and control characters") {
  AccessEntry entry;
  entry.unix_ms = 784111777000;
  entry.remote = "::1";
  entry.method = "GET";
  entry.target = "/\"\n\x1b[31m";
  entry.version = "1.1";
  entry.status = 200;
  entry.bytes = 5;
  entry.duration_us = 9;
  entry.id = 255;
  CHECK(AccessLog::format(entry, AccessLogConfig::Format::Common) ==
        "::1 - - [06/Nov/1994:08:49:37 +0000] \"GET /\\\"\\x0a\\x1b[31m HTTP/1.1\" 200 5 9 "
        "00000000000000ff\n");
}

TEST_CASE("the combined log format has referer and agent, escaped, or a dash") {
  AccessEntry entry;
  entry.unix_ms = 784111777000;
  entry.remote = "::1";
  entry.method = "GET";
  entry.target = "/";
  entry.version = "1.1";
  entry.status = 200;
  entry.user_agent = "a \"b\"";
  CHECK(AccessLog::format(entry, AccessLogConfig::Format::Combined) ==
        "::1 - - [06/Nov/1994:08:49:37 +0000] \"GET / HTTP/1.1\" 200 0 \"-\" \"a \\\"b\\\"\" 0 "
        "0000000000000000\n");
}

TEST_CASE("every response has the default headers that it does not set itself") {
  HttpConfig config = any_port();
  config.default_headers = {{"X-Content-Type-Options", "nosniff"}, {"Content-Type", "text/odd"}};
  HttpServer server;
  REQUIRE(server.start(config, sampler));
  Client client(server.port());
  Reply found = client.get("/now");
  CHECK(found["x-content-type-options"] == "nosniff");
  CHECK(found["content-type"] != "text/odd");
  Client refused(server.port());
  Reply bad = refused.get("bad");
  CHECK(bad.status == 400);
  CHECK(bad["x-content-type-options"] == "nosniff");
}

TEST_CASE("an access log that cannot be written is an error naming the file") {
  AccessLogConfig config;
  config.path = "/nonexistent/folder/log";
  const auto log = AccessLog::open(config);
  REQUIRE_FALSE(log);
  CHECK(log.error().message.find("/nonexistent/folder/log") != std::string::npos);
}

TEST_CASE("metrics count what happened") {
  HttpServer server;
  REQUIRE(server.start(any_port(), sampler));
  Client client(server.port());
  for (int i = 0; i < 3; ++i) client.get("/now");
  client.get("/drop");
  CHECK(eventually([&] { return server.metrics().totals().requests == 4; }));
  const std::string text = server.metrics().prometheus();
  CHECK(text.find("sx_http_requests_total{class=\"2xx\"} 3\n") != std::string::npos);
  CHECK(text.find("sx_http_requests_total{class=\"5xx\"} 1\n") != std::string::npos);
  CHECK(text.find("sx_http_connections 1\n") != std::string::npos);
  CHECK(text.find("sx_http_request_duration_seconds_count 4\n") != std::string::npos);
  CHECK(text.find("_bucket{le=\"0.0025\"}") != std::string::npos);
}

}  // namespace
}  // namespace sx
