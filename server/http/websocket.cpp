// See websocket.h and websocket_session.h.
#include "server/http/websocket.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <utility>

#include "engine/base/str.h"
#include "server/http/field.h"
#include "server/http/websocket_session.h"

namespace sx {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using std::chrono::milliseconds;

constexpr std::size_t kInboxBytesMax = 256 * 1024;
constexpr std::size_t kInboxMessagesMax = 64;
constexpr std::size_t kOutboxBytesMax = 64 * 1024;
constexpr auto kHandshakeTime = std::chrono::seconds(5);

bool has_token(const std::string* list, std::string_view wanted) {
  if (!list) return false;
  std::string_view rest = *list;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (same_name(item, wanted)) return true;
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
  }
  return false;
}

// 16 bytes as base64.
bool is_key(std::string_view key) {
  if (key.size() != 24 || key.substr(22) != "==") return false;
  return std::all_of(key.begin(), key.begin() + 22, [](char c) {
    const char l = ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

}  // namespace

std::optional<HttpResponse> refuse_websocket(const HttpRequest& request,
                                             const std::vector<std::string>& origins) {
  const auto refuse = [](int status, std::string_view why) {
    return HttpResponse::text(status, str(status, " ", http_status_text(status), ": ", why, "\n"));
  };
  if (!has_token(request.header("upgrade"), "websocket") ||
      !has_token(request.header("connection"), "upgrade")) {
    HttpResponse response = refuse(426, "this address speaks WebSocket");
    response.set_header("Upgrade", "websocket");
    return response;
  }
  if (request.method != "GET" || request.version != "1.1")
    return refuse(400, "a WebSocket begins with a GET request of HTTP/1.1");
  const std::string* version = request.header("sec-websocket-version");
  if (!version || *version != "13") {
    HttpResponse response = refuse(426, "the WebSocket version understood is 13");
    response.set_header("Sec-WebSocket-Version", "13");
    return response;
  }
  const std::string* key = request.header("sec-websocket-key");
  if (!key || !is_key(*key)) return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  // Programs send no Origin; every browser does.
  if (const std::string* origin = request.header("origin")) {
    const bool own = same_name(*origin, str(request.scheme, "://", request.host));
    const bool listed = std::any_of(origins.begin(), origins.end(), [&](const std::string& one) {
      return one == "*" || same_name(one, *origin);
    });
    if (!own && !listed) return refuse(403, "pages of another origin may not open this WebSocket");
  }
  return std::nullopt;
}

HttpResponse websocket_response(const HttpRequest& request, const std::string& protocol,
                                const WebSocketLimits& limits,
                                std::function<void(std::shared_ptr<WebSocket>)> start) {
  auto upgrade = std::make_shared<HttpUpgrade>();
  upgrade->start = std::move(start);
  upgrade->key = *request.header("sec-websocket-key");
  upgrade->limits = limits;
  // Chosen only if the client offered it: another one would make it give up.
  if (has_token(request.header("sec-websocket-protocol"), protocol)) upgrade->protocol = protocol;
  HttpResponse response;
  response.status = 101;
  response.body = std::move(upgrade);
  return response;
}

WebSocketSession::WebSocketSession(asio::ip::tcp::socket socket, HttpUpgrade upgrade,
                                   std::string server, WorkerMetrics& metrics,
                                   std::function<void()> done)
    : stream_(std::move(socket)),
      upgrade_(std::move(upgrade)),
      metrics_(metrics),
      done_(std::move(done)) {
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = kHandshakeTime;
  timeout.idle_timeout = milliseconds(upgrade_.limits.idle_timeout_ms);
  timeout.keep_alive_pings = true;
  stream_.set_option(timeout);
  stream_.auto_fragment(false);
  stream_.read_message_max(upgrade_.limits.message_bytes_max);
  // Compression is off: it would cost every socket a window, and a small message can unpack to a
  // large one.
  stream_.set_option(websocket::stream_base::decorator(
      [protocol = upgrade_.protocol, date = std::move(server)](websocket::response_type& response) {
        response.erase(beast::http::field::server);
        response.set(beast::http::field::date, date);
        if (!protocol.empty()) response.set(beast::http::field::sec_websocket_protocol, protocol);
      }));
}

void WebSocketSession::start(const std::string& host) {
  beast::http::request<beast::http::empty_body> request;
  request.method(beast::http::verb::get);
  request.target("/");
  request.version(11);
  request.set(beast::http::field::host, host);
  request.set(beast::http::field::upgrade, "websocket");
  request.set(beast::http::field::connection, "Upgrade");
  request.set(beast::http::field::sec_websocket_key, upgrade_.key);
  request.set(beast::http::field::sec_websocket_version, "13");
  metrics_.websockets.add();
  stream_.async_accept(request, [self = shared_from_this()](error_code ec) {
    if (ec) return self->end();
    self->open_ = true;
    const auto start = std::exchange(self->upgrade_.start, nullptr);
    self->read_next();
    if (start) start(self);
    if (self->close_wanted_) self->write_next();
  });
}

void WebSocketSession::abort() {
  error_code ec;
  beast::get_lowest_layer(stream_).close(ec);
  if (!open_ && !ended_) later(&WebSocketSession::end);
}

void WebSocketSession::later(void (WebSocketSession::*fn)()) {
  asio::post(stream_.get_executor(), [self = shared_from_this(), fn] { (*self.*fn)(); });
}

// A message ahead of the receiver: closing frames and pongs are only seen by who reads.
void WebSocketSession::read_next() {
  if (reading_ || ended_ || inbox_.size() >= kInboxMessagesMax || inbox_bytes_ >= kInboxBytesMax)
    return;
  reading_ = true;
  stream_.async_read(buffer_, [self = shared_from_this()](error_code ec, std::size_t bytes) {
    self->reading_ = false;
    if (ec) return self->end();
    self->metrics_.bytes_in.add(bytes);
    self->inbox_bytes_ += bytes;
    self->inbox_.push_back(
        {self->stream_.got_text(), beast::buffers_to_string(self->buffer_.data())});
    self->buffer_.consume(self->buffer_.size());
    if (self->buffer_.capacity() > kOutboxBytesMax) self->buffer_ = beast::flat_buffer();
    self->deliver();
    self->read_next();
  });
}

void WebSocketSession::deliver() {
  if (!receiver_ || (inbox_.empty() && !ended_)) return;
  const auto receiver = std::exchange(receiver_, nullptr);
  if (inbox_.empty()) return receiver(std::nullopt);
  SocketMessage message = std::move(inbox_.front());
  inbox_.pop_front();
  inbox_bytes_ -= message.data.size();
  receiver(std::move(message));
}

void WebSocketSession::receive(Receiver receiver) {
  receiver_ = std::move(receiver);
  deliver();
  if (!ended_) read_next();
}

bool WebSocketSession::send(std::string_view data, bool is_text) {
  if (ended_ || close_wanted_) return true;
  outbox_bytes_ += data.size();
  outbox_.push_back({is_text, std::string(data)});
  write_next();
  full_ = outbox_bytes_ >= kOutboxBytesMax;
  return !full_;
}

void WebSocketSession::close(std::uint16_t code, std::string_view reason) {
  if (ended_ || close_wanted_) return;
  close_wanted_ = true;
  close_reason_.code = code;
  // A control frame has room for 123 bytes of it.
  reason = reason.substr(0, 123);
  close_reason_.reason.assign(reason.data(), reason.size());
  write_next();
}

void WebSocketSession::write_next() {
  if (writing_ || closing_ || ended_ || !open_) return;
  if (!outbox_.empty()) {
    writing_ = true;
    stream_.text(outbox_.front().is_text);
    stream_.async_write(asio::buffer(outbox_.front().data),
                        [self = shared_from_this()](error_code ec, std::size_t bytes) {
                          self->writing_ = false;
                          if (ec) return;  // the reader sees the end as well
                          self->metrics_.bytes_out.add(bytes);
                          self->outbox_bytes_ -= self->outbox_.front().data.size();
                          self->outbox_.pop_front();
                          if (self->full_ && self->outbox_bytes_ < kOutboxBytesMax / 2) {
                            self->full_ = false;
                            if (self->on_room) self->on_room();
                          }
                          self->write_next();
                        });
    return;
  }
  if (!close_wanted_) return;
  closing_ = true;
  stream_.async_close(close_reason_, [self = shared_from_this()](error_code) { self->end(); });
}

void WebSocketSession::end() {
  if (ended_) return;
  ended_ = true;
  metrics_.websockets.subtract();
  error_code ec;
  beast::get_lowest_layer(stream_).close(ec);
  const auto self = shared_from_this();
  deliver();
  if (const auto ended = std::exchange(on_ended, nullptr)) ended();
  on_room = nullptr;
  if (const auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace sx
