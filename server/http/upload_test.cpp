// Bodies that the handler reads while they arrive.
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "server/http/test_client.h"

namespace sx {
namespace {

using test::Client;
using test::eventually;
using test::Reply;

struct Seen {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<int> pieces{0}, gone{0}, requests{0};
  std::function<void()> go_on;  // of /hold; only the worker touches it
};

// One body being read, until it ends or its sender goes. The pending read owns it.
struct Summing : std::enable_shared_from_this<Summing> {
  Seen& seen;
  BodyReader reader;
  Responder responder;
  bool hold;  // after the first piece, until /go-on
  std::uint64_t bytes = 0;

  Summing(Seen& seen, HttpRequest& request, Responder responder)
      : seen(seen),
        reader(std::move(request.reader)),
        responder(std::move(responder)),
        hold(request.path == "/hold") {}

  void next() {
    reader.read([self = shared_from_this()](const BodyPiece& piece) { self->take(piece); });
  }

  void take(const BodyPiece& piece) {
    switch (piece.kind) {
      case BodyPiece::Kind::Bytes:
        ++seen.pieces;
        seen.bytes += piece.bytes.size();
        bytes += piece.bytes.size();
        if (!std::exchange(hold, false)) return next();
        seen.go_on = [self = shared_from_this()] { self->next(); };
        return;
      case BodyPiece::Kind::End:
        return responder.send(HttpResponse::text(200, std::to_string(bytes)));
      case BodyPiece::Kind::Refused:
        return responder.send(HttpResponse::text(piece.status, std::string(piece.why)));
      case BodyPiece::Kind::Gone:
        ++seen.gone;
        return responder.send(HttpResponse::text(400, "gone"));
    }
  }
};

// A request with `X-Read` reads its body itself. /sum answers how long the body was, /never reads
// nothing and answers 403, /hold waits after its first piece until somebody asks for /go-on, and
// anything else is an ordinary request.
HandlerFactory reader(std::shared_ptr<Seen> seen) {
  return [seen](Worker&) -> Result<Handler> {
    return Handler([seen](HttpRequest&& request, Responder responder) {
      ++seen->requests;
      if (request.path == "/go-on") {
        responder.send(HttpResponse::text(200, "on"));
        return std::exchange(seen->go_on, nullptr)();
      }
      if (!request.reader) return responder.send(HttpResponse::text(200, "echo " + request.body));
      if (request.path == "/never") return responder.send(HttpResponse::text(403, "not you"));
      std::make_shared<Summing>(*seen, request, std::move(responder))->next();
    });
  };
}

struct Reading {
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  HttpServer server;
  explicit Reading(HttpConfig config = {}) {
    config.port = 0;
    config.reads_body = [](const HttpRequest& head) { return head.header("x-read") != nullptr; };
    REQUIRE(server.start(config, reader(seen)));
  }
};

std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\n" +
         std::string(more) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

TEST_CASE("a body is read in pieces, whole, and the connection goes on") {
  Reading r;
  Client client(r.server.port());
  const std::string big(3'000'000, 'x');
  client.send(post("/sum", big));
  CHECK(client.receive().body == "3000000");
  CHECK(r.seen->pieces > 10);
  client.send(post("/sum", "abc") + post("/sum", "defg"));
  CHECK(client.receive().body == "3");
  CHECK(client.receive().body == "4");
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi");
  CHECK(client.receive().body == "echo hi");
}

TEST_CASE("a chunked body is read without its chunks") {
  Reading r;
  Client client(r.server.port());
  client.send(
      "POST /sum HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n");
  ::usleep(20'000);
  client.send("6\r\n world\r\n0\r\nTrailer: x\r\n\r\n");
  CHECK(client.receive().body == "11");
  client.send(post("/sum", "abc"));
  CHECK(client.receive().body == "3");
}

TEST_CASE("who must not send is told so before anything is read") {
  Reading r;
  Client client(r.server.port());
  client.send(
      "POST /never HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\nContent-Length: 100000000\r\n"
      "Expect: 100-continue\r\n\r\n");
  Reply reply = client.receive();
  CHECK(reply.status == 403);
  CHECK(reply["connection"] == "close");
  CHECK(client.closed());
  CHECK(r.seen->bytes == 0);
}

TEST_CASE("100 Continue is said when the body is asked for") {
  Reading r;
  Client client(r.server.port());
  client.send(
      "POST /sum HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\nContent-Length: 3\r\n"
      "Expect: 100-continue\r\n\r\n");
  CHECK(client.receive().status == 100);
  client.send("abc");
  CHECK(client.receive().body == "3");
}

TEST_CASE("a reader that does not read holds up its sender, not the memory") {
  Reading r;
  Client client(r.server.port());
  const std::string big(30'000'000, 'x');
  client.send(
      "POST /hold HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\nContent-Length: 30000000\r\n\r\n");
  std::thread sender([&] { CHECK(client.send(big)); });
  REQUIRE(eventually([&] { return r.seen->pieces == 1; }));
  ::usleep(50'000);
  CHECK(r.seen->pieces == 1);
  CHECK(r.server.metrics().totals().bytes_in < 200'000);
  Client other(r.server.port());
  other.send(post("/sum", "abc"));
  CHECK(other.receive().body == "3");
  CHECK(other.get("/go-on").body == "on");
  sender.join();
  CHECK(client.receive().body == "30000000");
}

TEST_CASE("more than may be uploaded is refused, announced or not") {
  HttpConfig config;
  config.body_bytes_max = 10;
  config.upload_bytes_max = 100;
  Reading r(config);
  Client announced(r.server.port());
  announced.send(post("/sum", std::string(101, 'x')));
  CHECK(announced.receive().status == 413);
  CHECK(r.seen->requests == 0);
  Client chunked(r.server.port());
  chunked.send(
      "POST /sum HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "50\r\n" +
      std::string(80, 'x') + "\r\n50\r\n" + std::string(80, 'x') + "\r\n0\r\n\r\n");
  CHECK(chunked.receive().status == 413);
  CHECK(chunked.closed());
  Client good(r.server.port());
  good.send(post("/sum", std::string(100, 'x')));
  CHECK(good.receive().body == "100");
  // Others keep to the limit of ordinary bodies.
  Client other(r.server.port());
  other.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n12345678901");
  CHECK(other.receive().status == 413);
}

TEST_CASE("a body that stops coming is told to its reader as 408") {
  HttpConfig config;
  config.body_timeout_ms = 100;
  Reading r(config);
  Client client(r.server.port());
  client.send(
      "POST /sum HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\nContent-Length: 10\r\n\r\nabc");
  Reply reply = client.receive();
  CHECK(reply.status == 408);
  CHECK(reply["connection"] == "close");
}

TEST_CASE("a malformed chunk is told to the reader as 400 and ends the connection") {
  Reading r;
  Client client(r.server.port());
  client.send(
      "POST /sum HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\nzz\r\n");
  CHECK(client.receive().status == 400);
  CHECK(client.closed());
}

TEST_CASE("a sender that goes half way is told to its reader") {
  Reading r;
  {
    Client client(r.server.port());
    client.send(
        "POST /sum HTTP/1.1\r\nHost: localhost\r\nX-Read: 1\r\nContent-Length: 10\r\n\r\nabc");
    REQUIRE(eventually([&] { return r.seen->pieces == 1; }));
  }
  CHECK(eventually([&] { return r.seen->gone == 1; }));
  CHECK(eventually([&] { return r.server.metrics().totals().connections == 0; }));
}

}  // namespace
}  // namespace sx
