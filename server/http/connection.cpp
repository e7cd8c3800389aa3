// See connection.h.
#include "server/http/connection.h"

#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "engine/base/str.h"
#include "server/http/connection_ref.h"
#include "server/http/field.h"
#include "server/http/websocket_session.h"

namespace sx {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBufferBytes = 4 * 1024;          // holds the usual request
constexpr std::size_t kBodyBufferBytes = 64 * 1024;     // while a large body arrives
constexpr std::size_t kChunkLineBytesMax = 16 * 1024;   // a chunk header or trailers
constexpr std::size_t kFileBytesPerTurn = 1024 * 1024;  // then other connections get theirs
// How often it is looked whether a client that waits for a handler is still there. Not sooner: who
// ends its side behind the request (nc -N) still gets what is answered quickly.
constexpr std::uint32_t kClientLookMs = 1000;
constexpr std::uint32_t kDrainFreshMs = 500;  // a drain's patience with those who have said nothing

// The other side has closed, or will send nothing more: behind what it has sent it waits for
// nothing.
bool has_hung_up(int fd) {
  pollfd watched{fd, POLLRDHUP, 0};
  return ::poll(&watched, 1, 0) > 0;
}

}  // namespace

struct Connection::Read {
  explicit Read(Connection& connection) : c(connection) {}
  bool await_ready() const noexcept { return c.aborted_; }
  void await_suspend(std::coroutine_handle<> waiter) {
    c.make_room();
    c.socket_.async_read_some(asio::buffer(c.buffer_.get() + c.end_, c.capacity_ - c.end_),
                              [this, waiter](const boost::system::error_code& ec, std::size_t n) {
                                got = n;
                                c.read_cancelled_ = ec == asio::error::operation_aborted;
                                waiter.resume();
                              });
  }
  bool await_resume() const {
    c.end_ += got;
    if (got) c.worker_.metrics.bytes_in.add(got);
    return got != 0 && !c.aborted_;
  }

  Connection& c;
  std::size_t got = 0;
};

struct Connection::Answer {
  explicit Answer(Connection& connection) : c(connection) {}
  bool await_ready() const noexcept { return !c.awaiting_ || c.body_waiter_; }
  void await_suspend(std::coroutine_handle<> waiter) {
    c.answer_waiter_ = waiter;
    c.handler_deadline_ = Clock::now() + milliseconds(c.worker_.config.handler_timeout_ms);
    c.set_handler_deadline();
  }
  bool await_resume() const { return !c.aborted_; }

  Connection& c;
};

struct Connection::Flush {
  explicit Flush(Connection& connection) : c(connection) {}
  bool await_ready() {
    state = c.pump();
    return state != Pump::Blocked;
  }
  void await_suspend(std::coroutine_handle<> handle) {
    waiter = handle;
    c.write_began_ = Clock::now();
    // What the kernel's buffers took at once has been read by nobody yet: it earns no time.
    c.sent_before_ = c.sent_;
    wait();
  }
  bool await_resume() const { return state == Pump::Done; }

  void wait() {
    c.set_deadline(c.write_deadline(), Phase::Write);
    c.socket_.async_wait(Tcp::socket::wait_write, [this](const boost::system::error_code& ec) {
      state = ec || c.aborted_ || c.expired_ ? Pump::Failed : c.pump();
      if (state == Pump::Blocked) return wait();
      c.clear_deadline();
      waiter.resume();
    });
  }

  Connection& c;
  Pump state = Pump::Failed;
  std::coroutine_handle<> waiter;
};

struct Connection::Ended {
  explicit Ended(Connection& connection) : c(connection) {}
  bool await_ready() const { return c.websocket_->ended(); }
  void await_suspend(std::coroutine_handle<> waiter) { c.websocket_waiter_ = waiter; }
  void await_resume() const {}

  Connection& c;
};

struct Connection::Made {
  explicit Made(Connection& connection) : c(connection) {}
  bool over() const { return c.aborted_ || c.peer_gone_; }
  bool work() const { return !c.stream_made_.empty() || (c.stream_whole_ && !c.stream_last_sent_); }
  bool await_ready() const { return over() || work() || !c.stream_open_; }
  void await_suspend(std::coroutine_handle<> waiter) {
    c.stream_waiter_ = waiter;
    c.watch_peer();
  }
  bool await_resume() const { return !over() && work(); }

  Connection& c;
};

Connection::Connection(WorkerCore& worker, Tcp::socket socket, std::string peer_ip,
                       std::string counted_as)
    : worker_(worker),
      socket_(std::move(socket)),
      timer_(worker.io),
      peer_ip_(std::move(peer_ip)),
      counted_as_(std::move(counted_as)),
      scanner_({worker.config.header_bytes_max, worker.config.header_count_max,
                worker.config.target_bytes_max}) {
  worker_.connections.push_back(*this);
}

void Connection::release() {
  if (--references_ == 0) delete this;
}

bool Connection::finished(std::uint64_t exchange) const {
  return !awaiting_ || exchange != exchange_;
}

// ---- The life of a connection

Detached Connection::run() {
  const Ref self(*this);
  bool linger = false;
  for (;;) {
    if (begin_ == end_) {
      if (worker_.passing() && !aborted_) {
        pass_on();
        break;
      }
      if (!begin_idle()) break;
      const bool more = co_await Read(*this);
      end_idle();
      if (!more) {
        if (passing_ && read_cancelled_ && !aborted_ && !expired_) pass_on();
        break;
      }
    }
    begin_request();
    Step step = advance();
    while (step == Step::NeedMore) {
      waited_ = true;
      if (continue_due_) {
        continue_due_ = false;
        out_ = "HTTP/1.1 100 Continue\r\n\r\n";
        if (!co_await Flush(*this)) {
          step = Step::Gone;
          break;
        }
      }
      set_deadline(receive_deadline(), in_body_ ? Phase::Body : Phase::Head);
      const bool more = co_await Read(*this);
      step = more ? advance() : read_ended();
    }
    clear_deadline();
    if (step == Step::Gone) break;
    if (step == Step::Ready) {
      dispatch();
      bool answered = co_await Answer(*this);
      clear_deadline();
      while (answered && awaiting_ && body_waiter_) {
        Step piece = take_body();
        while (piece == Step::NeedMore && awaiting_) {
          if (continue_due_) {
            continue_due_ = false;
            out_ = "HTTP/1.1 100 Continue\r\n\r\n";
            if (!co_await Flush(*this)) {
              piece = Step::Gone;
              break;
            }
          }
          set_deadline(receive_deadline(), Phase::Body);
          const bool more = co_await Read(*this);
          piece = more ? take_body() : read_ended();
        }
        clear_deadline();
        deliver_body(piece);
        answered = co_await Answer(*this);
        clear_deadline();
      }
      if (!answered) break;
      if (reads_ && !parser_->is_done()) {
        // What is left of the body is not waited for.
        refused_ = true;
        keep_alive_ = false;
      }
    }
    if (std::holds_alternative<std::shared_ptr<HttpUpgrade>>(response_.body)) {
      begin_websocket();
      if (websocket_) {
        co_await Ended(*this);
        end_exchange();
        break;
      }
    }
    if (ready_) {
      begin_ready();
    } else {
      begin_response();
    }
    if (stream_) begin_stream();
    bool sent = co_await Flush(*this);
    if (stream_) {
      head_sent_at_ = Clock::now();
      while (sent) {
        const bool more = co_await Made(*this);
        if (!more) break;
        take_made();
        sent = co_await Flush(*this);
      }
      sent = close_stream() && sent;
    }
    end_exchange();
    if (!sent) break;
    if (!keep_alive_) {
      linger = refused_ || begin_ != end_;
      break;
    }
  }
  if (linger && !aborted_) {
    // Closing with unread input would reset the connection and could take our answer with it.
    boost::system::error_code ec;
    socket_.shutdown(Tcp::socket::shutdown_send, ec);
    set_deadline(Clock::now() + milliseconds(worker_.config.linger_timeout_ms), Phase::Linger);
    for (;;) {
      begin_ = end_ = 0;
      const bool more = co_await Read(*this);
      if (!more || expired_) break;
    }
  }
  end_connection();
}

bool Connection::begin_idle() {
  if (aborted_) return false;
  const bool fresh = requests_ == 0;
  if (worker_.draining() && !fresh) return false;
  if (capacity_ > 4 * kBufferBytes) {
    buffer_.reset();
    capacity_ = 0;
  }
  begin_ = end_ = 0;
  const auto& config = worker_.config;
  const std::uint32_t patience = !fresh               ? config.idle_timeout_ms
                                 : worker_.draining() ? kDrainFreshMs
                                                      : config.header_timeout_ms;
  worker_.idle.push_back(*this);
  set_deadline(Clock::now() + milliseconds(patience), Phase::Idle);
  return true;
}

void Connection::end_idle() {
  IdleHook::unlink();
  clear_deadline();
}

void Connection::end_connection() {
  boost::system::error_code ec;
  socket_.close(ec);
  timer_.cancel();
  if (awaiting_) {
    awaiting_ = false;
    worker_.metrics.requests_in_flight.subtract();
  }
  if (const auto done = std::exchange(body_waiter_, nullptr)) done({});
  if (!counted_as_.empty()) worker_.addresses.disconnect(counted_as_);
  response_ = {};
  AllHook::unlink();
  worker_.connection_ended();
}

void Connection::close_if_idle() {
  if (!IdleHook::is_linked()) return;
  if (requests_ == 0 && worker_.draining()) {
    // Its first request may be on the way.
    set_deadline(Clock::now() + milliseconds(kDrainFreshMs), Phase::Idle);
    return;
  }
  IdleHook::unlink();
  boost::system::error_code ec;
  // Not closed: a request that has just been read is still served.
  socket_.cancel(ec);
}

void Connection::pass_if_idle() {
  if (!IdleHook::is_linked()) return;
  passing_ = true;
  boost::system::error_code ec;
  // The read that has taken something by now is served here; only one that has not is given up.
  socket_.cancel(ec);
}

void Connection::pass_on() {
  boost::system::error_code ec;
  const int fd = socket_.release(ec);
  if (!ec) worker_.pass_connection(fd);
}

void Connection::abort() {
  if (aborted_) return;
  aborted_ = true;
  boost::system::error_code ec;
  socket_.close(ec);
  if (awaiting_) answered();
  wake_stream();
  if (websocket_) websocket_->abort();
}

// ---- Receiving

void Connection::make_room() {
  constexpr std::size_t kRoom = 1024;  // a read should be worth its system call
  if (begin_ == end_) begin_ = end_ = 0;
  const std::size_t used = end_ - begin_;
  const bool large_body = in_body_ && parser_->announced_bytes() > kBodyBufferBytes;
  const std::size_t wanted = large_body ? kBodyBufferBytes : kBufferBytes;
  if (capacity_ >= wanted) {
    if (capacity_ - end_ >= kRoom) return;
    if (capacity_ - used >= kRoom) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, used);
      begin_ = 0;
      end_ = used;
      return;
    }
  }
  std::size_t size = std::max(capacity_, wanted);
  while (size - used < kRoom) size *= 2;
  auto bigger = std::make_unique_for_overwrite<char[]>(size);
  if (used) std::memcpy(bigger.get(), buffer_.get() + begin_, used);
  buffer_ = std::move(bigger);
  capacity_ = size;
  begin_ = 0;
  end_ = used;
}

void Connection::consume(std::size_t n) {
  begin_ += n;
  if (begin_ == end_) begin_ = end_ = 0;
}

void Connection::begin_request() {
  scanner_.reset();
  parser_.reset();
  in_body_ = parsed_head_ = waited_ = refused_ = continue_due_ = head_only_ = reads_ = false;
  keep_alive_ = true;
  first_byte_at_ = received_at_ = Clock::now();
  id_ = worker_.next_id();
  ++requests_;
}

Connection::Step Connection::advance() {
  if (!in_body_) {
    // Empty lines before a request are skipped: some clients send one after a form body.
    while (unread().substr(0, 2) == "\r\n") consume(2);
    if (unread().empty() || unread() == "\r") return Step::NeedMore;
    switch (scanner_.scan(unread())) {
      case HeadScanner::State::More:
        return Step::NeedMore;
      case HeadScanner::State::Refused:
        return refuse(scanner_.refusal());
      case HeadScanner::State::Complete:
        break;
    }
    if (const Step step = finish_head(); step != Step::NeedMore) return step;
  }
  return take_body();
}

Connection::Step Connection::take_body() {
  while (begin_ != end_ && !parser_->is_done()) {
    std::size_t taken = 0;
    if (!parser_->put_body(unread(), taken)) return refuse(parser_->refusal());
    consume(taken);
    if (taken == 0) break;
  }
  if (parser_->is_done()) return Step::Ready;
  if (reads_ && !parser_->body().empty()) return Step::Ready;
  if (end_ - begin_ >= kChunkLineBytesMax)
    return refuse({400, "a chunk header or the trailers of the chunked body are too long"});
  return Step::NeedMore;
}

void Connection::deliver_body(Step step) {
  const auto done = std::exchange(body_waiter_, nullptr);
  if (!done) return;
  BodyPiece piece;
  const std::string bytes = std::exchange(parser_->body(), {});
  std::string why;
  if (step == Step::Ready && (!bytes.empty() || parser_->is_done())) {
    piece.kind = bytes.empty() ? BodyPiece::Kind::End : BodyPiece::Kind::Bytes;
    piece.bytes = bytes;
  } else if (step == Step::Refused) {
    piece.kind = BodyPiece::Kind::Refused;
    piece.status = response_.status;
    why = refusal_why_;
    piece.why = why;
  }
  done(piece);
}

void Connection::read_body(std::uint64_t exchange, BodyCallback done) {
  if (finished(exchange) || !reads_ || refused_ || body_waiter_) return done({});
  body_waiter_ = std::move(done);
  if (auto waiter = std::exchange(answer_waiter_, nullptr))
    asio::post(worker_.io, [self = Ref(*this), waiter] { waiter.resume(); });
}

Connection::Step Connection::finish_head() {
  const std::size_t head_bytes = scanner_.head_bytes();
  if (waited_) received_at_ = Clock::now();
  const auto& config = worker_.config;
  parser_.emplace(config.header_bytes_max);
  const bool good = parser_->put_head(unread().substr(0, head_bytes));
  HttpRequest& request = parser_->request();
  parsed_head_ = true;
  head_only_ = request.method == "HEAD";
  if (config.access_log) {
    log_method_ = request.method;
    log_target_ = request.target;
    log_remote_ = peer_ip_;
    log_http11_ = parser_->http11();
    if (config.access_log->shows_agents()) {
      const std::string* referer = request.header("referer");
      const std::string* agent = request.header("user-agent");
      log_referer_ = referer ? *referer : "";
      log_agent_ = agent ? *agent : "";
    }
  }
  if (!good) return refuse(parser_->refusal());
  consume(head_bytes);
  keep_alive_ = parser_->keep_alive();

  std::string own_address;
  std::string_view authority = parser_->authority();
  if (authority.empty() && !parser_->http11()) {
    // HTTP/1.0 need not name a host: then it is the address that was dialled.
    boost::system::error_code ec;
    const Tcp::endpoint local = socket_.local_endpoint(ec);
    const std::string ip = local.address().to_string();
    own_address =
        local.address().is_v6() ? str("[", ip, "]:", local.port()) : str(ip, ":", local.port());
    authority = own_address;
  }
  if (!known_authority_.empty() && authority == known_authority_) {
    request.remote_ip = peer_ip_;
    request.scheme = known_scheme_;
    request.host = known_host_;
  } else {
    if (auto refusal = worker_.origins.apply(request, peer_ip_, authority)) return refuse(*refusal);
    if (worker_.origins.trusts_nobody()) {
      known_authority_ = authority;
      known_scheme_ = request.scheme;
      known_host_ = request.host;
    }
  }
  if (config.access_log) log_remote_ = request.remote_ip;
  request.id = id_;
  reads_ = !parser_->is_done() && config.reads_body && config.reads_body(request);
  if (!parser_->limit_body(reads_ ? config.upload_bytes_max : config.body_bytes_max))
    return refuse(parser_->refusal());
  if (parser_->is_done()) return Step::Ready;
  in_body_ = true;
  received_at_ = Clock::now();
  continue_due_ = parser_->wants_continue() && begin_ == end_;
  return reads_ ? Step::Ready : Step::NeedMore;
}

Clock::time_point Connection::receive_deadline() const {
  const auto& config = worker_.config;
  if (!in_body_) return first_byte_at_ + milliseconds(config.header_timeout_ms);
  const std::uint64_t earned =
      parser_->body_bytes() * 1000 / std::max<std::uint32_t>(config.bytes_per_second_min, 1);
  return received_at_ + milliseconds(config.body_timeout_ms + earned);
}

Connection::Step Connection::read_ended() {
  if (!expired_ || aborted_) return Step::Gone;
  worker_.metrics.receive_timeouts.add();
  return refuse({408, in_body_ ? "the request body did not arrive in time"
                               : "the request head did not arrive in time"});
}

Connection::Step Connection::refuse(Refusal refusal) {
  refused_ = true;
  keep_alive_ = false;
  if (!parsed_head_) {
    log_method_.clear();
    log_target_.clear();
    log_remote_ = peer_ip_;
    log_referer_.clear();
    log_agent_.clear();
  }
  response_ = refusal_response(refusal);
  refusal_why_ = std::move(refusal.why);
  return Step::Refused;
}

// ---- Answering

void Connection::dispatch() {
  ++exchange_;
  WorkerMetrics& metrics = worker_.metrics;
  if (const std::string& ip = parser_->request().remote_ip;
      worker_.addresses.limits_requests() && worker_.is_limited(ip)) {
    const auto now = std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch());
    const auto wait =
        worker_.addresses.request(address_key(ip), static_cast<std::uint64_t>(now.count()));
    if (wait) {
      metrics.address_refused.add();
      response_ = refusal_response({429, "too many requests from your address"});
      response_.set_header("Retry-After", std::to_string(*wait));
      return;
    }
  }
  if (metrics.requests_in_flight.get() >= worker_.config.requests_max) {
    metrics.requests_shed.add();
    response_ = refusal_response({503, "too many requests at once, try again shortly"});
    response_.set_header("Retry-After", std::to_string(worker_.config.retry_after_s));
    return;
  }
  if (worker_.shortcut && !reads_ && (ready_ = worker_.shortcut(parser_->request()))) {
    response_.status = ready_->status;
    return;
  }
  metrics.requests_in_flight.add();
  awaiting_ = true;
  try {
    if (reads_) parser_->request().reader = BodyReader(this, exchange_);
    worker_.handler(std::move(parser_->request()), Responder(this, exchange_));
  } catch (const std::exception& e) {
    // Unwinding dropped the Responder, which answered 500 if nothing else had.
    std::fprintf(stderr, "http: the request handler failed: %s\n", e.what());
  } catch (...) {
    std::fprintf(stderr, "http: the request handler failed\n");
  }
  // A reader that the handler did not take would keep this connection, which owns it, for ever.
  if (reads_) parser_->request().reader = {};
}

void Connection::respond(std::uint64_t exchange, HttpResponse&& response) {
  if (finished(exchange)) return;
  response_ = std::move(response);
  answered();
}

void Connection::on_given_up(std::uint64_t exchange, bool when_client_goes, GivenUpCallback call) {
  if (finished(exchange)) return;
  given_up_ = std::move(call);
  watches_client_ = when_client_goes;
  if (answer_waiter_) set_handler_deadline();
}

void Connection::set_handler_deadline() {
  const auto look = Clock::now() + milliseconds(kClientLookMs);
  set_deadline(watches_client_ ? std::min(look, handler_deadline_) : handler_deadline_,
               Phase::Handler);
}

void Connection::answered() {
  awaiting_ = false;
  given_up_ = nullptr;
  watches_client_ = false;
  worker_.metrics.requests_in_flight.subtract();
  // Never resumed from here: the caller may be in the middle of its own run loop, and the next
  // pipelined request would call the handler again inside it.
  if (auto waiter = std::exchange(answer_waiter_, nullptr))
    asio::post(worker_.io, [self = Ref(*this), waiter] { waiter.resume(); });
}

Connection::Pump Connection::pump() {
  if (aborted_) return Pump::Failed;
  const int fd = socket_.native_handle();
  std::size_t turn = kFileBytesPerTurn;
  for (;;) {
    const std::size_t head = out_.size() - out_at_;
    ssize_t n;
    if (body_.empty() && head != 0) {
      n = ::send(fd, out_.data() + out_at_, head,
                 MSG_NOSIGNAL | MSG_DONTWAIT | (file_left_ ? MSG_MORE : 0));
      if (n > 0) out_at_ += static_cast<std::size_t>(n);
    } else if (!body_.empty()) {
      iovec parts[2] = {{out_.data() + out_at_, head},
                        {const_cast<char*>(body_.data()), body_.size()}};
      msghdr message{};
      message.msg_iov = head ? parts : parts + 1;
      message.msg_iovlen = head && !body_.empty() ? 2 : 1;
      n = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (file_left_ ? MSG_MORE : 0));
      if (n > 0) {
        const std::size_t of_head = std::min(head, static_cast<std::size_t>(n));
        out_at_ += of_head;
        body_.remove_prefix(static_cast<std::size_t>(n) - of_head);
      }
    } else if (file_left_ != 0) {
      if (turn == 0) return Pump::Blocked;
      auto offset = static_cast<off_t>(file_at_);
      n = ::sendfile(fd, file_->fd(), &offset, std::min<std::uint64_t>(file_left_, turn));
      if (n == 0) return Pump::Failed;  // truncated meanwhile: the promised length cannot be kept
      if (n > 0) {
        file_at_ += static_cast<std::uint64_t>(n);
        file_left_ -= static_cast<std::uint64_t>(n);
        turn -= static_cast<std::size_t>(n);
      }
    } else if (begin_part()) {
      continue;
    } else {
      out_.clear();
      out_at_ = 0;
      return Pump::Done;
    }
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Pump::Blocked : Pump::Failed;
    }
    sent_ += static_cast<std::uint64_t>(n);
    worker_.metrics.bytes_out.add(static_cast<std::uint64_t>(n));
  }
}

Clock::time_point Connection::write_deadline() const {
  const auto& config = worker_.config;
  const std::uint64_t earned =
      (sent_ - sent_before_) * 1000 / std::max<std::uint32_t>(config.bytes_per_second_min, 1);
  return write_began_ + milliseconds(config.write_timeout_ms + earned);
}

void Connection::end_exchange() {
  // A stream may last for days: its duration is the time to its head.
  const auto end = std::exchange(head_sent_at_, {});
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(
                            (end == Clock::time_point() ? Clock::now() : end) - received_at_)
                            .count();
  const std::uint64_t unsent = body_.size() + file_left_;
  worker_.metrics.record(response_.status, static_cast<std::uint64_t>(duration));
  if (worker_.config.access_log) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    AccessEntry entry;
    entry.unix_ms = static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
    entry.remote = log_remote_;
    entry.method = log_method_;
    entry.target = log_target_;
    entry.version = log_http11_ ? "1.1" : "1.0";
    entry.status = response_.status;
    entry.bytes = body_bytes_ - std::min(body_bytes_, unsent);
    entry.duration_us = static_cast<std::uint64_t>(duration);
    entry.id = id_;
    entry.referer = log_referer_;
    entry.user_agent = log_agent_;
    worker_.config.access_log->write(entry);
  }
  file_.reset();
  parts_.reset();
  ready_.reset();
  body_ = {};
  file_left_ = 0;
  response_ = {};
  if (out_.capacity() > 4 * kBufferBytes) out_ = {};
}

// ---- The one timer

void Connection::set_deadline(Clock::time_point deadline, Phase phase) {
  deadline_ = deadline;
  phase_ = phase;
  expired_ = false;
  if (!timer_armed_ || deadline < timer_at_) arm_timer();
}

void Connection::arm_timer() {
  timer_at_ = deadline_;
  timer_armed_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = Ref(*this)](const boost::system::error_code& ec) {
    if (!ec) self->on_timer();
  });
}

void Connection::on_timer() {
  timer_armed_ = false;
  if (aborted_ || phase_ == Phase::None) return;
  if (Clock::now() < deadline_) return arm_timer();
  expired_ = true;
  boost::system::error_code ec;
  switch (phase_) {
    case Phase::None:
      return;
    case Phase::Idle:
    case Phase::Head:
    case Phase::Body:
    case Phase::Write:
    case Phase::Linger:
      socket_.cancel(ec);
      return;
    case Phase::Handler: {
      if (!awaiting_) return;
      const Ref self(*this);
      if (Clock::now() < handler_deadline_) {
        if (watches_client_ && has_hung_up(socket_.native_handle())) {
          response_.status = 499;  // as nginx logs it
          body_bytes_ = 0;
          end_exchange();
          const auto call = std::exchange(given_up_, nullptr);
          abort();
          call(GivenUp::ClientGone);
          return;
        }
        return set_handler_deadline();
      }
      worker_.metrics.handler_timeouts.add();
      keep_alive_ = false;
      response_ = refusal_response({503, "the request took too long"});
      const auto call = std::exchange(given_up_, nullptr);
      answered();
      if (call) call(GivenUp::TimedOut);
      return;
    }
  }
}

}  // namespace sx
