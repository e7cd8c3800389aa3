// Bodies that are made while they are sent, as the connection sees them.
//
// The maker writes into stream_made_, as much as it likes up to kMadeBytesMax, then waits for room.
// The connection's coroutine takes what has been made as one chunk, and writes it while the maker
// makes the next: never more than two such amounts are in memory, however slow the client is.
// While nothing is being made the socket is watched, so that a client that goes is noticed at once.
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>

#include "server/http/connection.h"
#include "server/http/connection_ref.h"
#include "server/http/websocket_session.h"

namespace sx {
namespace {

constexpr std::size_t kMadeBytesMax = 64 * 1024;

void append_hex(std::string& out, std::size_t n) {
  char digits[16];
  std::size_t at = sizeof digits;
  do {
    digits[--at] = "0123456789abcdef"[n & 15];
    n >>= 4;
  } while (n != 0);
  out.append(digits + at, sizeof digits - at);
}

}  // namespace

void Connection::begin_websocket() {
  auto upgrade = std::get<std::shared_ptr<HttpUpgrade>>(response_.body);
  if (!upgrade || begin_ != end_ || !parser_ || worker_.draining()) {
    // Bytes behind the request would be frames before the handshake.
    const bool draining = worker_.draining();
    response_ = HttpResponse::text(
        draining ? 503 : 400,
        draining ? "503 Service Unavailable: the server is stopping\n"
                 : "400 Bad Request: a WebSocket says nothing before it is answered\n");
    keep_alive_ = false;
    return;
  }
  body_bytes_ = 0;
  head_sent_at_ = Clock::now();
  websocket_ = std::make_shared<WebSocketSession>(
      std::move(socket_), std::move(*upgrade), std::string(worker_.date()), worker_.metrics,
      [self = Ref(*this)] {
        if (auto waiter = std::exchange(self->websocket_waiter_, nullptr)) waiter.resume();
      });
  websocket_->start(peer_ip_);
}

void Connection::begin_stream() {
  worker_.metrics.streams.add();
  stream_made_.clear();
  stream_open_ = true;
  stream_whole_ = stream_full_ = stream_last_sent_ = peer_gone_ = peer_talks_ = false;
  // What it makes at once goes out together with the head.
  const auto stream = stream_;
  stream->start(StreamWriter(this, exchange_));
  if (worker_.draining()) signal_stream(StreamSignal::Draining);
  if (!stream_made_.empty()) take_made();
}

void Connection::take_made() {
  const std::size_t bytes = stream_made_.size();
  sent_ = sent_before_ = 0;  // the deadline of a write counts from the last one
  if (bytes != 0) {
    body_bytes_ += bytes;
    if (stream_chunked_) {
      append_hex(out_, bytes);
      out_ += "\r\n";
    }
    out_ += stream_made_;
    if (stream_chunked_) out_ += "\r\n";
    stream_made_.clear();
    if (stream_made_.capacity() > 2 * kMadeBytesMax) stream_made_ = {};
  }
  if (stream_full_) {
    stream_full_ = false;
    // Posted: others have their turn between two pieces of a body that is made and taken quickly.
    asio::post(worker_.io, [self = Ref(*this), exchange = exchange_] {
      if (exchange == self->exchange_) self->signal_stream(StreamSignal::Room);
    });
  }
  if (stream_whole_ && stream_made_.empty()) {
    if (stream_chunked_) out_ += "0\r\n\r\n";
    stream_last_sent_ = true;
  }
}

bool Connection::close_stream() {
  const bool whole =
      stream_whole_ && stream_last_sent_ && (!stream_length_ || body_bytes_ == *stream_length_);
  if (stream_open_) signal_stream(StreamSignal::Gone);
  stream_open_ = false;
  stream_.reset();
  stream_made_ = {};
  stream_waiter_ = nullptr;
  worker_.metrics.streams.subtract();
  return whole;
}

void Connection::signal_stream(StreamSignal signal) {
  if (!stream_open_) return;
  const auto stream = stream_;  // it may end in the call
  if (stream && stream->signal) stream->signal(signal);
}

void Connection::drain_stream() {
  if (stream_) signal_stream(StreamSignal::Draining);
  if (websocket_) websocket_->close(1001, "the server is stopping");
}

bool Connection::write_stream(std::uint64_t exchange, std::string_view piece) {
  if (!stream_open_ || exchange != exchange_) return true;
  if (piece.empty()) return !stream_full_;
  stream_made_ += piece;
  wake_stream();
  stream_full_ = stream_made_.size() >= kMadeBytesMax;
  return !stream_full_;
}

void Connection::end_stream(std::uint64_t exchange, bool whole) {
  if (!stream_open_ || exchange != exchange_) return;
  stream_open_ = false;
  stream_whole_ = whole;
  wake_stream();
}

void Connection::wake_stream() {
  // Posted, since the caller may be the virtual machine in the middle of its run.
  if (auto waiter = std::exchange(stream_waiter_, nullptr))
    asio::post(worker_.io, [self = Ref(*this), waiter] { waiter.resume(); });
}

void Connection::watch_peer() {
  if (peer_watched_ || peer_talks_) return;
  peer_watched_ = true;
  socket_.async_wait(Tcp::socket::wait_read,
                     [self = Ref(*this)](const boost::system::error_code& ec) {
                       self->peer_watched_ = false;
                       if (!ec && !self->aborted_ && self->stream_) self->look_at_peer();
                     });
}

void Connection::look_at_peer() {
  char byte;
  const ssize_t n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n > 0) {
    peer_talks_ = true;  // its next request, which waits for the end of this answer
  } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    watch_peer();
  } else {
    peer_gone_ = true;
    wake_stream();
  }
}

}  // namespace sx
