// A WebSocket over the socket of a connection, by Beast. Internal to the HTTP layer.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "server/http/metrics.h"
#include "server/http/websocket.h"

namespace sx {

class WebSocketSession final : public WebSocket,
                               public std::enable_shared_from_this<WebSocketSession> {
 public:
  // done: called once, when everything has ended.
  WebSocketSession(boost::asio::ip::tcp::socket socket, HttpUpgrade upgrade, std::string server,
                   WorkerMetrics& metrics, std::function<void()> done);

  void start(const std::string& host);
  void abort();  // cut now
  void receive(Receiver receiver) override;
  bool send(std::string_view data, bool is_text) override;
  void close(std::uint16_t code, std::string_view reason) override;
  bool ended() const override { return ended_; }

 private:
  using error_code = boost::beast::error_code;

  void read_next();
  void write_next();
  void deliver();
  void end();
  // Runs fn on the loop: never from inside the caller's own run.
  void later(void (WebSocketSession::*fn)());

  boost::beast::websocket::stream<boost::asio::ip::tcp::socket> stream_;
  HttpUpgrade upgrade_;
  WorkerMetrics& metrics_;
  std::function<void()> done_;
  boost::beast::flat_buffer buffer_;
  std::deque<SocketMessage> inbox_;
  std::size_t inbox_bytes_ = 0;
  std::deque<SocketMessage> outbox_;
  std::size_t outbox_bytes_ = 0;
  Receiver receiver_;
  boost::beast::websocket::close_reason close_reason_;
  bool open_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool full_ = false;
  bool close_wanted_ = false;
  bool closing_ = false;
  bool ended_ = false;
};

}  // namespace sx
