// One client connection and the worker it belongs to. Internal to the HTTP layer; includes Boost.
//
// A connection is a coroutine (run) that reads a request, hands it to the handler, waits for the
// answer and writes it, in that order, so pipelined requests are answered in theirs. The usual
// small request costs one recv and one sendmsg and touches no timer: the connection's single timer
// is armed for the farthest deadline seen and looks at the current one only when it fires.
//
// Lifetime: connections count references without atomics, since everything but WorkerCore::post
// stays on the worker's thread. The coroutine holds one, the timer one, every Responder one.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "server/http/access_log.h"
#include "server/http/head_scanner.h"
#include "server/http/http.h"
#include "server/http/metrics.h"
#include "server/http/origin.h"
#include "server/http/request_parser.h"

namespace sx {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Tcp = asio::ip::tcp;

class WorkerCore;

// A coroutine that starts at once and frees itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

using AllHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<struct AllTag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using IdleHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<struct IdleTag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class Connection final : public ResponseSink, public AllHook, public IdleHook {
 public:
  Connection(WorkerCore& worker, Tcp::socket socket, std::string peer_ip);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves until the connection ends.
  Detached run();

  void close_if_idle();  // a drain began, or room is needed
  void abort();          // cut now, whatever is going on

  void respond(std::uint64_t exchange, HttpResponse&& response) override;
  void retain() override { ++references_; }
  void release() override;
  bool finished(std::uint64_t exchange) const override;

 private:
  enum class Phase { None, Idle, Head, Body, Handler, Write, Linger };
  enum class Step { NeedMore, Ready, Refused, Gone };
  enum class Pump { Done, Blocked, Failed };

  class Ref;
  struct Read;    // co_await Read(*this): bytes appended to the buffer; false at the end
  struct Answer;  // co_await Answer(*this): response_ is set; false when the connection was cut
  struct Flush;   // co_await Flush(*this): everything pending is written; false on failure

  ~Connection() = default;

  // Receiving.
  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void make_room();
  void consume(std::size_t n);
  Step advance();  // takes what is in the buffer as far as it goes
  void begin_request();
  Step finish_head();
  Step read_ended();
  Step refuse(Refusal refusal);
  Clock::time_point receive_deadline() const;
  bool begin_idle();  // false when the connection should end instead of waiting for a request
  void end_idle();

  // Answering.
  void dispatch();
  void answered();  // awaiting_ is over: let the coroutine go on
  void begin_response();
  void build_head(std::uint64_t content_length, bool show_length);
  bool open_file(FileRange& range);
  Pump pump();
  Clock::time_point write_deadline() const;
  void end_exchange();
  void end_connection();

  // The one timer.
  void set_deadline(Clock::time_point deadline, Phase phase);
  void clear_deadline() {
    deadline_ = Clock::time_point::max();
    phase_ = Phase::None;
  }
  void arm_timer();
  void on_timer();

  WorkerCore& worker_;
  Tcp::socket socket_;
  asio::steady_timer timer_;
  std::string peer_ip_;
  std::size_t references_ = 0;

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;

  HeadScanner scanner_;
  std::optional<RequestParser> parser_;
  Phase phase_ = Phase::None;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point timer_at_ = Clock::time_point::max();  // when the armed timer fires
  bool timer_armed_ = false;
  bool expired_ = false;
  bool aborted_ = false;

  // The current exchange.
  std::uint64_t exchange_ = 0;
  std::uint64_t requests_ = 0;
  bool awaiting_ = false;  // the handler owes an answer
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool continue_due_ = false;
  bool refused_ = false;
  bool in_body_ = false;
  bool parsed_head_ = false;
  bool waited_ = false;  // the head did not come in one piece
  Clock::time_point first_byte_at_;
  Clock::time_point received_at_;  // head complete, or first byte while it is not
  Clock::time_point write_began_;
  HttpResponse response_;
  std::coroutine_handle<> answer_waiter_;
  // Kept for the access log after the request has been handed over.
  std::string log_method_, log_target_, log_remote_;
  bool log_http11_ = true;
  std::uint64_t id_ = 0;

  // What is being written: the head (small bodies appended), then a body or part of a file.
  std::string out_;
  std::size_t out_at_ = 0;
  std::string_view body_;
  int file_fd_ = -1;
  std::shared_ptr<const OpenFile> file_;
  std::uint64_t file_at_ = 0;
  std::uint64_t file_left_ = 0;
  std::uint64_t sent_ = 0;  // of this response, head included
  std::uint64_t body_bytes_ = 0;
};

// One worker: a thread's event loop, its listening socket, its handler and its connections.
class WorkerCore final : public Worker {
 public:
  WorkerCore(const HttpConfig& config, const OriginPolicy& origins, WorkerMetrics& metrics,
             std::size_t index, std::uint64_t first_id);
  ~WorkerCore();

  std::size_t index() const override { return index_; }
  void post(std::function<void()> fn) override;
  TimerId after(std::uint64_t ms, std::function<void()> fn) override;
  bool cancel(TimerId timer) override;
  bool draining() const override { return draining_; }

  // Main thread, before the worker's thread exists.
  Result<void> bind(const Tcp::endpoint& endpoint, bool share_port);
  std::uint16_t bound_port() const;
  Result<void> listen();

  // The worker's thread.
  Result<void> make_handler(const HandlerFactory& factory);
  void loop();  // until a drain has ended
  void accept();
  void drain(std::uint32_t deadline_ms);
  void abort_connections();
  void connection_ended();

  std::string_view date();  // "Sun, 06 Nov 1994 08:49:37 GMT", made once a second
  std::uint64_t next_id();

  using AllList = boost::intrusive::list<Connection, boost::intrusive::base_hook<AllHook>,
                                         boost::intrusive::constant_time_size<false>>;
  using IdleList = boost::intrusive::list<Connection, boost::intrusive::base_hook<IdleHook>,
                                          boost::intrusive::constant_time_size<false>>;

  const HttpConfig& config;
  const OriginPolicy& origins;
  WorkerMetrics& metrics;
  asio::io_context io{1};
  Handler handler;
  AllList connections;
  IdleList idle;  // longest idle first

 private:
  void accepted(Tcp::socket socket, const Tcp::endpoint& peer);
  void finish_if_done();

  void run_posted();

  std::size_t index_;
  std::uint64_t next_id_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  Tcp::acceptor acceptor_;
  Tcp::endpoint peer_;
  asio::steady_timer retry_;
  asio::steady_timer drain_timer_;
  std::unordered_map<TimerId, std::unique_ptr<asio::steady_timer>> timers_;
  TimerId last_timer_ = 0;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // under posted_mutex_
  bool draining_ = false;
  bool ended_ = false;
  Clock::time_point drain_deadline_ = Clock::time_point::max();
  std::int64_t date_second_ = -1;
  std::string date_;
};

}  // namespace sx
