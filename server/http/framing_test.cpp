// What bytes are a request, told to a real server over a real socket.
#include <memory>

#include "server/http/head_scanner.h"
#include "server/http/test_client.h"

namespace sx {
namespace {

using test::Client;
using test::Reply;

// Answers with what it understood: method, path, query, body, one per line.
Result<Handler> echo(Worker&) {
  return Handler([](HttpRequest&& request, Responder responder) {
    responder.send(HttpResponse::text(
        200, request.method + " " + request.path + " " + request.query + "\n" + request.body));
  });
}

HttpConfig small_limits() {
  HttpConfig config;
  config.port = 0;
  config.header_bytes_max = 2048;
  config.target_bytes_max = 512;
  config.header_count_max = 20;
  config.body_bytes_max = 1000;
  return config;
}

struct Echo {
  HttpServer server;
  explicit Echo(HttpConfig config = small_limits()) {
    REQUIRE(server.start(std::move(config), echo));
  }
  // The answer to these bytes, and whether the connection was closed after it.
  Reply ask(const std::string& bytes) {
    Client client(server.port());
    client.send(bytes);
    return client.receive();
  }
};

TEST_CASE("a plain request is answered with Date, Content-Length and the body") {
  Echo echo;
  Client client(echo.server.port());
  Reply reply = client.get("/a%20b/?x=1&y=%2F");
  CHECK(reply.status == 200);
  CHECK(reply.body == "GET /a%20b/ x=1&y=%2F\n");
  CHECK(reply["content-length"] == std::to_string(reply.body.size()));
  CHECK(reply["date"].size() == 29);
  CHECK(reply["date"].substr(25) == " GMT");
  CHECK(client.get("/again").body == "GET /again \n");
}

TEST_CASE("pipelined requests are answered in their order, also when some answers come later") {
  HttpServer server;
  REQUIRE(server.start(small_limits(), [](Worker& worker) -> Result<Handler> {
    return Handler([&worker](HttpRequest&& request, Responder responder) {
      if (request.query != "slow") return responder.send(HttpResponse::text(200, request.path));
      auto held = std::make_shared<Responder>(std::move(responder));
      worker.after(20, [held, path = request.path] { held->send(HttpResponse::text(200, path)); });
    });
  }));
  Client client(server.port());
  std::string bytes;
  for (int i = 0; i < 50; ++i)
    bytes += "GET /" + std::to_string(i) + (i % 10 == 0 ? "?slow" : "") +
             " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.send(bytes);
  for (int i = 0; i < 50; ++i) CHECK(client.receive().body == "/" + std::to_string(i));
}

TEST_CASE("a request may arrive a byte at a time") {
  Echo echo;
  Client client(echo.server.port());
  const std::string bytes =
      "POST /slow HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;a=b\r\nabc\r\n4\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n";
  for (const char c : bytes) {
    client.send(std::string(1, c));
    ::usleep(200);
  }
  CHECK(client.receive().body == "POST /slow \nabcdefg");
  CHECK(client.get("/next").status == 200);
}

TEST_CASE("bodies come by length and in chunks, and the next request begins where they end") {
  Echo echo;
  Client client(echo.server.port());
  client.send(
      "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
      "\r\n"  // an empty line between requests is forgiven
      "PUT /b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "00000A\r\n0123456789\r\n1\r\n!\r\n0\r\n\r\n"
      "POST /c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.receive().body == "POST /a \nhello");
  CHECK(client.receive().body == "PUT /b \n0123456789!");
  CHECK(client.receive().body == "POST /c \n");
}

TEST_CASE("HEAD gets the headers of GET without the body") {
  Echo echo;
  Client client(echo.server.port());
  client.send("HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  Reply head = client.receive(true);
  CHECK(head.status == 200);
  CHECK(head["content-length"] == std::to_string(std::string("HEAD /x \n").size()));
  CHECK(client.get("/x").body == "GET /x \n");
}

TEST_CASE("HTTP/1.0 closes unless keep-alive is asked for, and needs no Host") {
  Echo echo;
  {
    Client client(echo.server.port());
    client.send("GET / HTTP/1.0\r\n\r\n");
    Reply reply = client.receive();
    CHECK(reply.status == 200);
    CHECK(reply["connection"] == "close");
    CHECK(client.closed());
  }
  Client client(echo.server.port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  Reply reply = client.receive();
  CHECK(reply["connection"] == "keep-alive");
  client.send("GET /2 HTTP/1.0\r\n\r\n");
  CHECK(client.receive().status == 200);
}

TEST_CASE("Connection: close is honoured") {
  Echo echo;
  Client client(echo.server.port());
  Reply reply = client.get("/", "Connection: close\r\n");
  CHECK(reply["connection"] == "close");
  CHECK(client.closed());
}

TEST_CASE("100 Continue is sent when the body has not begun, and only then") {
  Echo echo;
  Client client(echo.server.port());
  client.send(
      "POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive().status == 100);
  client.send("abc");
  CHECK(client.receive().body == "POST /e \nabc");
  client.send(
      "POST /f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: "
      "100-continue\r\n\r\nxyz");
  CHECK(client.receive().body == "POST /f \nxyz");
  client.send(
      "POST /g HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\nExpect: "
      "100-continue\r\n\r\n");
  CHECK(client.receive().status == 413);
}

TEST_CASE("the absolute form and OPTIONS * are understood") {
  Echo echo;
  CHECK(echo.ask("GET http://localhost:99/p?q HTTP/1.1\r\nHost: other\r\n\r\n").body ==
        "GET /p q\n");
  CHECK(echo.ask("GET http://localhost?q HTTP/1.1\r\nHost: x\r\n\r\n").body == "GET / q\n");
  CHECK(echo.ask("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n").body == "OPTIONS * \n");
  CHECK(echo.ask("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 400);
}

TEST_CASE("what two readers could understand differently is refused and the connection closed") {
  Echo echo;
  const std::string host = "Host: localhost\r\n";
  const auto post = [&](const std::string& headers, const std::string& body = "") {
    return "POST / HTTP/1.1\r\n" + host + headers + "\r\n" + body;
  };
  struct Case {
    const char* why;
    std::string bytes;
    int status;
  };
  const Case cases[] = {
      {"two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400},
      {"the same length twice", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
      {"a list of lengths", post("Content-Length: 3, 3\r\n", "abc"), 400},
      {"a signed length", post("Content-Length: +3\r\n", "abc"), 400},
      {"a negative length", post("Content-Length: -1\r\n"), 400},
      {"a hexadecimal length", post("Content-Length: 0x3\r\n", "abc"), 400},
      {"an empty length", post("Content-Length: \r\n"), 400},
      {"a length beyond 64 bits", post("Content-Length: 99999999999999999999\r\n"), 400},
      {"length and chunks",
       post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"chunks and length",
       post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), 400},
      {"two encodings",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"an unknown encoding", post("Transfer-Encoding: gzip\r\n"), 501},
      {"chunked not last", post("Transfer-Encoding: chunked, gzip\r\n"), 501},
      {"a disguised encoding", post("Transfer-Encoding: xchunked\r\n"), 501},
      {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"a space before the colon", post("Content-Length : 3\r\n", "abc"), 400},
      {"a header without a colon", post("Nonsense\r\n"), 400},
      {"a header without a name", post(": x\r\n"), 400},
      {"a continued header", post("X: a\r\n b\r\n"), 400},
      {"a header that begins with a tab", "GET / HTTP/1.1\r\n\tX: y\r\n" + host + "\r\n", 400},
      {"a bare LF after a header", "GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", 400},
      {"bare LFs alone", "GET / HTTP/1.1\nHost: localhost\n\n", 400},
      {"a bare CR inside a value", post("X: a\rb\r\n"), 400},
      {"a NUL inside a value", post(std::string("X: a\0b\r\n", 8)), 400},
      {"a control character in a value",
       post("X: a\x01"
            "b\r\n"),
       400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"a Host with a path", "GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n", 400},
      {"a Host with a user", "GET / HTTP/1.1\r\nHost: a@localhost\r\n\r\n", 400},
      {"a chunk size that is no number",
       post("Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n"), 400},
      {"a chunk size with a sign", post("Transfer-Encoding: chunked\r\n", "-3\r\nabc\r\n0\r\n\r\n"),
       400},
      {"a chunk size with 0x", post("Transfer-Encoding: chunked\r\n", "0x3\r\nabc\r\n0\r\n\r\n"),
       400},
      {"a chunk size beyond 64 bits",
       post("Transfer-Encoding: chunked\r\n", "10000000000000003\r\nabc\r\n0\r\n\r\n"), 400},
      {"a chunk longer than it says",
       post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"), 400},
      {"a chunk size ended by LF alone",
       post("Transfer-Encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n"), 400},
      {"a method that is no token", "G@T / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"an unknown method", "BREW /pot HTTP/1.1\r\n" + host + "\r\n", 501},
      {"CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n", 501},
      {"TRACE", "TRACE / HTTP/1.1\r\n" + host + "\r\n", 501},
      {"two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"a space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
      {"a relative target", "GET index.html HTTP/1.1\r\n" + host + "\r\n", 400},
      {"a fragment", "GET /a#b HTTP/1.1\r\n" + host + "\r\n", 400},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", 505},
      {"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"a version in lower case", "GET / http/1.1\r\n" + host + "\r\n", 400},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 12), 400},
      {"TLS without a line end", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
       400},
      {"an unknown expectation", post("Expect: cake\r\nContent-Length: 1\r\n", "x"), 417},
      {"a long target", "GET /" + std::string(600, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 414},
      {"an endless target", "GET /" + std::string(9000, 'a'), 414},
      {"a large head", post("X: " + std::string(3000, 'a') + "\r\n"), 431},
      {"an endless head", "GET / HTTP/1.1\r\nX: " + std::string(9000, 'a'), 431},
      {"a large body", post("Content-Length: 1001\r\n"), 413},
      {"a large body in chunks", post("Transfer-Encoding: chunked\r\n", "7d0\r\n"), 413},
      {"a body of small chunks over the limit",
       post("Transfer-Encoding: chunked\r\n", "1f4\r\n" + std::string(500, 'a') + "\r\n1f5\r\n"),
       413},
      {"an endless chunk extension",
       post("Transfer-Encoding: chunked\r\n", "1;" + std::string(40000, 'a')), 400},
  };
  for (const Case& c : cases) {
    CAPTURE(c.why);
    Client client(echo.server.port());
    client.send(c.bytes);
    Reply reply = client.receive();
    CHECK(reply.status == c.status);
    CHECK(reply["connection"] == "close");
    CHECK(reply.body.substr(0, 3) == std::to_string(c.status));
    CHECK(reply["content-type"] == "text/plain; charset=utf-8");
    CHECK(client.closed());
  }
}

TEST_CASE("more header lines than allowed are 431") {
  Echo echo;
  std::string bytes = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 25; ++i) bytes += "A: b\r\n";
  CHECK(echo.ask(bytes + "\r\n").status == 431);
}

TEST_CASE("header names reach the handler in lower case, in order, with trimmed values") {
  HttpServer server;
  REQUIRE(server.start(small_limits(), [](Worker&) -> Result<Handler> {
    return Handler([](HttpRequest&& request, Responder responder) {
      std::string out;
      for (const auto& [name, value] : request.headers) out += name + "=" + value + "|";
      responder.send(HttpResponse::text(200, out));
    });
  }));
  Client client(server.port());
  CHECK(client.get("/", "X-B:   two  \r\nX-A: \xc3\xa9\r\nX-B: three\r\n").body ==
        "host=localhost|x-b=two|x-a=\xc3\xa9|x-b=three|");
}

TEST_CASE("a handler cannot split a response or set framing headers") {
  HttpServer server;
  REQUIRE(server.start(small_limits(), [](Worker&) -> Result<Handler> {
    return Handler([](HttpRequest&& request, Responder responder) {
      HttpResponse response = HttpResponse::text(200, "body");
      if (request.path == "/split") response.headers.emplace_back("X", "a\r\nSet-Cookie: b");
      if (request.path == "/name") response.headers.emplace_back("X\r\nY", "a");
      if (request.path == "/length") {
        response.headers.emplace_back("content-length", "9999");
        response.headers.emplace_back("Transfer-Encoding", "chunked");
      }
      if (request.path == "/status") response.status = 99;
      responder.send(std::move(response));
    });
  }));
  Client client(server.port());
  CHECK(client.get("/split").status == 500);
  CHECK(client.get("/name").status == 500);
  CHECK(client.get("/status").status == 500);
  Reply reply = client.get("/length");
  CHECK(reply.body == "body");
  CHECK(reply["transfer-encoding"].empty());
  CHECK(client.get("/").body == "body");
}

TEST_CASE("no mutation of a request brings the server down") {
  Echo echo;
  const std::string seeds[] = {
      "GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n",
      "POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\nhello world",
      "POST /p HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "HEAD http://localhost/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
  };
  std::uint64_t state = 0x9e3779b97f4a7c15;
  const auto random = [&](std::size_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<std::size_t>(state % below);
  };
  int answered = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = seeds[random(4)];
    for (std::size_t n = 1 + random(4); n > 0; --n) {
      const std::size_t at = random(bytes.size());
      switch (random(5)) {
        case 0:
          bytes[at] = static_cast<char>(random(256));
          break;
        case 1:
          bytes.erase(at, 1 + random(8));
          break;
        case 2:
          bytes.insert(at, std::string(1 + random(3), "\r\n\0 :;0f"[random(8)]));
          break;
        case 3:
          bytes.insert(at, bytes.substr(random(bytes.size()), random(20)));
          break;
        case 4:
          bytes.resize(at + 1);
          break;
      }
    }
    Client client(echo.server.port());
    REQUIRE(client.connected());
    client.send(bytes);
    client.finish_sending();
    if (client.receive(true, 2000).status != 0) ++answered;
  }
  CHECK(answered > 500);
  Client client(echo.server.port());
  CHECK(client.get("/alive").status == 200);
  client.close();
  CHECK(test::eventually([&] { return echo.server.metrics().totals().connections == 0; }));
}

}  // namespace
TEST_CASE("what is wrong with a long request line is the same however it arrives") {
  const HeadLimits limits{2048, 20, 512};
  const std::string line = std::string(600, '\0') + "\r\n\r\n";
  HeadScanner whole(limits), bytewise(limits);
  CHECK(whole.scan(line) == HeadScanner::State::Refused);
  std::size_t at = 0;
  while (bytewise.scan(std::string_view(line).substr(0, at)) == HeadScanner::State::More) ++at;
  CHECK(whole.refusal().status == 414);
  CHECK(bytewise.refusal().status == 414);
}

}  // namespace sx
