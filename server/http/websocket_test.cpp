// WebSockets on raw sockets: the handshake, frames, closing, limits, a stopping server.
#include "server/http/websocket.h"

#include <atomic>
#include <memory>
#include <vector>

#include "server/http/test_client.h"

namespace sx {
namespace {

using test::Client;
using test::eventually;
using test::Reply;

struct Seen {
  std::atomic<int> opened{0}, ended{0}, messages{0}, full{0}, room{0};
  std::atomic<std::size_t> sent{0};
};

void echo(const std::shared_ptr<WebSocket>& socket, const std::shared_ptr<Seen>& seen) {
  socket->receive([socket, seen](std::optional<SocketMessage> message) {
    if (!message) return;
    ++seen->messages;
    if (message->data == "close") return socket->close(4001, "as you wish");
    socket->send(message->data, message->is_text);
    echo(socket, seen);
  });
}

// /echo says everything again; /flood sends until it is held up; others are ordinary.
HandlerFactory talker(std::shared_ptr<Seen> seen, WebSocketLimits limits) {
  return [seen, limits](Worker&) -> Result<Handler> {
    return Handler([seen, limits](HttpRequest&& request, Responder responder) {
      if (request.path != "/echo" && request.path != "/flood")
        return responder.send(HttpResponse::text(200, "plain"));
      if (auto refused = refuse_websocket(request, {"https://friend.example"}))
        return responder.send(*std::move(refused));
      const bool flood = request.path == "/flood";
      responder.send(websocket_response(request, "chat", limits,
                                        [seen, flood](std::shared_ptr<WebSocket> socket) {
                                          ++seen->opened;
                                          // Not a cycle that stays: the session lets go of it at
                                          // its end.
                                          socket->on_ended = [seen] { ++seen->ended; };
                                          if (!flood) return echo(socket, seen);
                                          const auto fill = [seen, weak = std::weak_ptr(socket)] {
                                            const auto here = weak.lock();
                                            const std::string piece(16 * 1024, 'x');
                                            while (here && seen->sent < (64u << 20)) {
                                              seen->sent += piece.size();
                                              if (!here->send(piece, false)) {
                                                ++seen->full;
                                                return;
                                              }
                                            }
                                          };
                                          socket->on_room = [seen, fill] {
                                            ++seen->room;
                                            fill();
                                          };
                                          fill();
                                        }));
    });
  };
}

struct Talking {
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  HttpServer server;
  explicit Talking(HttpConfig config = {}, WebSocketLimits limits = {}) {
    config.port = 0;
    REQUIRE(server.start(config, talker(seen, limits)));
  }
};

constexpr const char* kUpgrade =
    "Host: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

// A client's frame: masked, as it must be.
std::string frame(int opcode, std::string_view data, bool final = true, bool masked = true) {
  std::string out;
  out += static_cast<char>((final ? 0x80 : 0) | opcode);
  const char mask_bit = static_cast<char>(masked ? 0x80 : 0);
  if (data.size() < 126) {
    out += static_cast<char>(mask_bit | static_cast<char>(data.size()));
  } else if (data.size() < 65536) {
    out += static_cast<char>(mask_bit | 126);
    out += static_cast<char>(data.size() >> 8);
    out += static_cast<char>(data.size() & 255);
  } else {
    out += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>(data.size() >> shift & 255);
  }
  if (!masked) return out + std::string(data);
  const char mask[4] = {1, 2, 3, 4};
  out.append(mask, 4);
  for (std::size_t i = 0; i < data.size(); ++i) out += static_cast<char>(data[i] ^ mask[i % 4]);
  return out;
}

struct Frame {
  int opcode = -1;  // -1: cut, or nothing in time
  std::string data;
  int code() const {
    return data.size() < 2
               ? 0
               : static_cast<unsigned char>(data[0]) * 256 + static_cast<unsigned char>(data[1]);
  }
};

Frame next_frame(Client& client) {
  auto head = client.receive_bytes(2);
  if (head.size() != 2) return {};
  std::size_t size = static_cast<unsigned char>(head[1]);
  if (size >= 126) {
    const auto more = client.receive_bytes(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : more) size = size * 256 + static_cast<unsigned char>(c);
  }
  const std::string data = client.receive_bytes(size);
  return {head[0] & 15, data};
}

bool open(Client& client, std::string_view path = "/echo", std::string_view more = "") {
  client.send("GET " + std::string(path) + " HTTP/1.1\r\n" + kUpgrade + std::string(more) + "\r\n");
  return client.receive(true).status == 101;
}

TEST_CASE("the handshake is that of RFC 6455, and messages come back as they went") {
  Talking t;
  Client client(t.server.port());
  client.send("GET /echo HTTP/1.1\r\n" + std::string(kUpgrade) +
              "Sec-WebSocket-Protocol: other, chat\r\n\r\n");
  Reply reply = client.receive(true);
  CHECK(reply.status == 101);
  CHECK(reply["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(reply["sec-websocket-protocol"] == "chat");
  CHECK(reply.headers.count("sec-websocket-extensions") == 0);
  CHECK(t.server.metrics().totals().websockets == 1);
  for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 300'000u}) {
    client.send(frame(2, std::string(size, 'b')));
    const Frame back = next_frame(client);
    CHECK(back.opcode == 2);
    CHECK(back.data.size() == size);
  }
  client.send(frame(1,
                    "Gr\xc3\xbc\xc3\x9f"
                    "e"));
  CHECK(next_frame(client).data ==
        "Gr\xc3\xbc\xc3\x9f"
        "e");
}

TEST_CASE("fragments are one message, and a ping between them is answered") {
  Talking t;
  Client client(t.server.port());
  REQUIRE(open(client));
  client.send(frame(1, "one ", false) + frame(9, "are you there") + frame(0, "two ", false) +
              frame(0, "three"));
  const Frame pong = next_frame(client);
  CHECK(pong.opcode == 10);
  CHECK(pong.data == "are you there");
  CHECK(next_frame(client).data == "one two three");
}

TEST_CASE("either side can close, with a code and a reason") {
  Talking t;
  Client client(t.server.port());
  REQUIRE(open(client));
  client.send(frame(8, std::string("\x03\xe8", 2) + "bye"));
  const Frame back = next_frame(client);
  CHECK(back.opcode == 8);
  CHECK(back.code() == 1000);
  CHECK(client.closed());
  client.close();  // the server lets the client close first, for five seconds
  CHECK(eventually([&] { return t.seen->ended == 1; }));
  CHECK(eventually([&] { return t.server.metrics().totals().websockets == 0; }));
  CHECK(eventually([&] { return t.server.metrics().totals().connections == 0; }));

  Client other(t.server.port());
  REQUIRE(open(other));
  other.send(frame(1, "close"));
  const Frame closing = next_frame(other);
  CHECK(closing.opcode == 8);
  CHECK(closing.code() == 4001);
  CHECK(closing.data.substr(2) == "as you wish");
  other.send(frame(8, closing.data));
  CHECK(other.closed());
}

TEST_CASE("what breaks the protocol closes the socket with the code for it") {
  const std::pair<std::string, int> cases[] = {
      {frame(1, "unmasked", true, false), 1002},
      {frame(3, "reserved opcode"), 1002},
      {frame(0, "continues nothing"), 1002},
      {frame(9, std::string(126, 'x')), 1002},
      {frame(9, "x", false), 1002},
      {frame(1, "one", false) + frame(1, "two"), 1002},
      {frame(1, "\xff\xfe"), 1007},
      {frame(8, "\x03"), 1002},
      {std::string("\xc1\x80\x01\x02\x03\x04", 6), 1002},
  };
  for (const auto& [bytes, code] : cases) {
    CAPTURE(code);
    Talking t;
    Client client(t.server.port());
    REQUIRE(open(client));
    client.send(bytes);
    const Frame back = next_frame(client);
    CHECK(back.opcode == 8);
    CHECK(back.code() == code);
    CHECK(client.closed());
    client.close();
    CHECK(eventually([&] { return t.seen->ended == 1; }));
  }
}

TEST_CASE("a message that is too long ends the socket with 1009, announced or in fragments") {
  Talking t({}, {.message_bytes_max = 1000, .idle_timeout_ms = 60'000});
  Client client(t.server.port());
  REQUIRE(open(client));
  client.send(frame(2, std::string(1000, 'x')));
  CHECK(next_frame(client).data.size() == 1000);
  client.send(frame(2, std::string(1001, 'x')));
  CHECK(next_frame(client).code() == 1009);
  Client other(t.server.port());
  REQUIRE(open(other));
  for (int i = 0; i < 3; ++i) other.send(frame(i == 0 ? 2 : 0, std::string(400, 'x'), false));
  CHECK(next_frame(other).code() == 1009);
}

TEST_CASE("who may open a socket: our own pages, those listed, and programs") {
  Talking t;
  const auto status = [&](std::string_view more) {
    Client client(t.server.port());
    client.send("GET /echo HTTP/1.1\r\n" + std::string(kUpgrade) + std::string(more) + "\r\n");
    return client.receive(true).status;
  };
  CHECK(status("") == 101);
  CHECK(status("Origin: http://localhost\r\n") == 101);
  CHECK(status("Origin: https://friend.example\r\n") == 101);
  CHECK(status("Origin: https://evil.example\r\n") == 403);
  CHECK(status("Origin: https://localhost\r\n") == 403);
  CHECK(status("Origin: null\r\n") == 403);
}

TEST_CASE("what is no handshake gets its status, and the connection stays one of HTTP") {
  Talking t;
  const std::pair<std::string, int> cases[] = {
      {"GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 426},
      {"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 426},
      {"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n",
       426},
      {"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
       426},
      {"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
       400},
      {"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Version: 13\r\n\r\n",
       400},
      {"POST /echo HTTP/1.1\r\nContent-Length: 0\r\n" + std::string(kUpgrade) + "\r\n", 400},
  };
  for (const auto& [bytes, expected] : cases) {
    CAPTURE(bytes);
    Client client(t.server.port());
    client.send(bytes);
    Reply reply = client.receive();
    CHECK(reply.status == expected);
    if (expected == 426 && reply.headers.count("sec-websocket-version") == 0)
      CHECK(reply["upgrade"] == "websocket");
  }
  Client early(t.server.port());
  early.send("GET /echo HTTP/1.1\r\n" + std::string(kUpgrade) + "\r\n" + frame(1, "too early"));
  CHECK(early.receive().status == 400);
  // An address that is none, asked to upgrade, answers as ever.
  Client plain(t.server.port());
  plain.send("GET /plain HTTP/1.1\r\n" + std::string(kUpgrade) + "\r\n");
  CHECK(plain.receive().body == "plain");
  CHECK(plain.get("/plain").body == "plain");
}

TEST_CASE("a peer that says nothing is pinged, and ended when it does not answer") {
  Talking t({}, {.message_bytes_max = 1000, .idle_timeout_ms = 300});
  Client client(t.server.port());
  REQUIRE(open(client));
  CHECK(next_frame(client).opcode == 9);
  CHECK(eventually([&] { return t.seen->ended == 1; }));
}

TEST_CASE("a peer that takes nothing holds up who sends, at a bounded size") {
  Talking t;
  Client client(t.server.port());
  REQUIRE(open(client, "/flood"));
  REQUIRE(eventually([&] { return t.seen->full > 0; }));
  std::size_t before = 0;
  while (before != t.seen->sent) {
    before = t.seen->sent;
    ::usleep(100'000);
  }
  CHECK(t.seen->sent < (24u << 20));
  for (std::size_t got = 0; got < (64u << 20);) {
    const Frame one = next_frame(client);
    REQUIRE(one.opcode == 2);
    got += one.data.size();
  }
  CHECK(t.seen->room > 0);
}

TEST_CASE("a peer that just goes is noticed") {
  Talking t;
  {
    Client client(t.server.port());
    REQUIRE(open(client));
  }
  CHECK(eventually([&] { return t.seen->ended == 1; }));
  CHECK(eventually([&] { return t.server.metrics().totals().connections == 0; }));
}

TEST_CASE("a stopping server closes its sockets with 1001, and cuts who does not answer") {
  Talking t;
  Client polite(t.server.port()), silent(t.server.port());
  REQUIRE(open(polite));
  REQUIRE(open(silent));
  t.server.stop_gracefully(500);
  const Frame closing = next_frame(polite);
  CHECK(closing.opcode == 8);
  CHECK(closing.code() == 1001);
  polite.send(frame(8, closing.data));
  t.server.wait();
  CHECK(t.seen->ended == 2);
}

}  // namespace
}  // namespace sx
