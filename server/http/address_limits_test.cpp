#include "server/http/address_limits.h"

#include "server/http/test_client.h"

namespace sx {
namespace {

using test::Client;
using test::eventually;
using test::Reply;

TEST_CASE("an address is itself, an IPv6 one its network") {
  CHECK(address_key("203.0.113.9") == "203.0.113.9");
  CHECK(address_key("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::");
  CHECK(address_key("2001:db8:1:2::9") == "2001:db8:1:2::");
  CHECK(address_key("::ffff:203.0.113.9") == "203.0.113.9");
  CHECK(address_key("fe80::1%eth0") == "fe80::");
}

TEST_CASE("a bucket takes its burst at once and then its rate") {
  AddressLimits limits({.connections_max = 0, .requests_per_second = 10, .requests_burst = 5});
  std::uint64_t now = 1'000'000;
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limits.request("a", now));
  CHECK(limits.request("a", now) == 1);
  CHECK_FALSE(limits.request("b", now));
  CHECK(limits.request("a", now + 99));
  CHECK_FALSE(limits.request("a", now + 100));
  CHECK(limits.request("a", now + 100));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limits.request("a", now + 10'000));
  CHECK(limits.request("a", now + 10'000));
}

TEST_CASE("a slow rate says how long to wait") {
  AddressLimits limits({.connections_max = 0, .requests_per_second = 1, .requests_burst = 1});
  CHECK_FALSE(limits.request("a", 5000));
  CHECK(limits.request("a", 5000) == 1);
  CHECK(limits.request("a", 5900) == 1);
  CHECK_FALSE(limits.request("a", 6000));
}

TEST_CASE("addresses that have been quiet are forgotten") {
  AddressLimits limits({.connections_max = 0, .requests_per_second = 10, .requests_burst = 1});
  for (int i = 0; i < 200'000; ++i)
    limits.request("a" + std::to_string(i), static_cast<std::uint64_t>(i));
  CHECK(limits.size() < 40'000);
}

TEST_CASE("connections are counted until they end") {
  AddressLimits limits({.connections_max = 2, .requests_per_second = 0, .requests_burst = 1});
  CHECK(limits.connect("a"));
  CHECK(limits.connect("a"));
  CHECK_FALSE(limits.connect("a"));
  CHECK(limits.connect("b"));
  limits.disconnect("a");
  CHECK(limits.connect("a"));
  limits.disconnect("a");
  limits.disconnect("a");
  limits.disconnect("b");
  CHECK(limits.size() == 0);
}

Result<Handler> hello(Worker&) {
  return Handler(
      [](HttpRequest&&, Responder responder) { responder.send(HttpResponse::text(200, "hello")); });
}

struct Limited {
  HttpServer server;
  explicit Limited(HttpConfig config) {
    config.port = 0;
    config.limit_loopback = true;
    REQUIRE(server.start(config, hello));
  }
};

TEST_CASE("one address too many connections: 429 and closed, and room again when one ends") {
  HttpConfig config;
  config.address_connections_max = 2;
  config.workers = 2;
  Limited limited(config);
  const std::uint16_t port = limited.server.port();
  auto first = std::make_unique<Client>(port);
  Client second(port);
  CHECK(first->get("/").status == 200);
  CHECK(second.get("/").status == 200);
  Client third(port);
  Reply reply = third.receive();
  CHECK(reply.status == 429);
  CHECK(reply["retry-after"] == "1");
  CHECK(third.closed());
  CHECK(second.get("/").status == 200);
  first.reset();
  CHECK(eventually([&] {
    Client again(port);
    return again.get("/").status == 200;
  }));
  CHECK(limited.server.metrics().totals().address_refused >= 1);
}

TEST_CASE("one address too many requests: 429 with Retry-After, the connection stays") {
  HttpConfig config;
  config.address_requests_per_second = 1;
  config.address_requests_burst = 3;
  Limited limited(config);
  Client client(limited.server.port());
  for (int i = 0; i < 3; ++i) CHECK(client.get("/").status == 200);
  Reply reply = client.get("/");
  CHECK(reply.status == 429);
  CHECK(reply["retry-after"] == "1");
  CHECK(client.get("/").status == 429);
  CHECK(limited.server.metrics().totals().address_refused == 2);
}

TEST_CASE("behind a trusted proxy the client counts, not the proxy") {
  HttpConfig config;
  config.address_requests_per_second = 1;
  config.address_requests_burst = 1;
  config.address_connections_max = 1;
  config.trusted_proxies = {"127.0.0.1"};
  Limited limited(config);
  Client one(limited.server.port()), two(limited.server.port());
  CHECK(one.get("/", "X-Forwarded-For: 203.0.113.1\r\n").status == 200);
  CHECK(two.get("/", "X-Forwarded-For: 203.0.113.2\r\n").status == 200);
  CHECK(two.get("/", "X-Forwarded-For: 203.0.113.1\r\n").status == 429);
}

TEST_CASE("this machine itself is not limited unless that is asked for") {
  HttpConfig config;
  config.port = 0;
  config.address_requests_per_second = 1;
  config.address_requests_burst = 1;
  config.address_connections_max = 1;
  HttpServer server;
  REQUIRE(server.start(config, hello));
  Client one(server.port()), two(server.port());
  for (int i = 0; i < 5; ++i) {
    CHECK(one.get("/").status == 200);
    CHECK(two.get("/").status == 200);
  }
}

}  // namespace
}  // namespace sx
