// WebSockets (RFC 6455): a connection that a handler answered with an upgrade. No Boost here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http.h"

namespace sx {

struct SocketMessage {
  bool is_text = true;
  std::string data;
};

// One WebSocket, on the thread of its worker. Pings are answered and sent, and a silent peer is
// ended, without anybody's help.
class WebSocket {
 public:
  using Receiver = std::function<void(std::optional<SocketMessage>)>;

  // The next message, now or later; nullopt when the socket has ended. One receiver at a time.
  virtual void receive(Receiver receiver) = 0;
  // Queues a message. False: the peer is slower; go on after on_room.
  virtual bool send(std::string_view data, bool is_text) = 0;
  // What was sent before goes first. Codes: 1000, 1001, 1011, 3000 to 4999.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  virtual bool ended() const = 0;

  std::function<void()> on_room;   // after a send that said false
  std::function<void()> on_ended;  // once, when the peer is gone or the closing is complete

 protected:
  ~WebSocket() = default;
};

struct WebSocketLimits {
  std::size_t message_bytes_max = 1024 * 1024;  // a longer one ends the socket with 1009
  std::uint32_t idle_timeout_ms = 60'000;       // pings go after half of it
};

// The answer of a handler that upgrades its connection. `start` is called when the handshake is
// done.
struct HttpUpgrade {
  std::function<void(std::shared_ptr<WebSocket>)> start;
  std::string key;       // Sec-WebSocket-Key
  std::string protocol;  // the one chosen, or empty
  WebSocketLimits limits;
};

// Why the request cannot become a WebSocket (400, 403, 426), or nothing. A page of another origin
// than the request's own and those given is refused: browsers let any page open a socket to any
// server, with its cookies. "*" among them stands for all.
std::optional<HttpResponse> refuse_websocket(const HttpRequest& request,
                                             const std::vector<std::string>& origins);

// The 101 for a request that is not refused.
HttpResponse websocket_response(const HttpRequest& request, const std::string& protocol,
                                const WebSocketLimits& limits,
                                std::function<void(std::shared_ptr<WebSocket>)> start);

}  // namespace sx
