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
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "server/http/access_log.h"
#include "server/http/address_limits.h"
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
class WebSocketSession;

// The answer that says why a request is refused.
HttpResponse refusal_response(const Refusal& refusal);

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
  struct HeadLines;

  // counted_as: its address in the worker's AddressLimits, empty if it does not count.
  Connection(WorkerCore& worker, Tcp::socket socket, std::string peer_ip, std::string counted_as);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves until the connection ends.
  Detached run();

  void close_if_idle();  // a drain began, or room is needed
  void pass_if_idle();   // to another process
  void abort();          // cut now, whatever is going on

  void respond(std::uint64_t exchange, HttpResponse&& response) override;
  void retain() override { ++references_; }
  void release() override;
  bool finished(std::uint64_t exchange) const override;
  bool write_stream(std::uint64_t exchange, std::string_view piece) override;
  void end_stream(std::uint64_t exchange, bool whole) override;
  void drain_stream();  // a drain began; of a WebSocket too
  void read_body(std::uint64_t exchange, BodyCallback done) override;
  void on_given_up(std::uint64_t exchange, bool when_client_goes, GivenUpCallback call) override;

 private:
  enum class Phase { None, Idle, Head, Body, Handler, Write, Linger };
  enum class Step { NeedMore, Ready, Refused, Gone };
  enum class Pump { Done, Blocked, Failed };

  class Ref;
  struct Read;  // co_await Read(*this): bytes appended to the buffer; false at the end
  // co_await Answer(*this): response_ is set, or the handler wants more of the body; false when the
  // connection was cut.
  struct Answer;
  struct Flush;  // co_await Flush(*this): everything pending is written; false on failure
  struct Ended;  // co_await Ended(*this): the WebSocket that the connection became is over
  struct Made;   // co_await Made(*this): more of the stream to be written; false at its end

  ~Connection() = default;

  // Receiving.
  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void make_room();
  void consume(std::size_t n);
  Step advance();  // takes what is in the buffer as far as it goes
  void begin_request();
  Step finish_head();
  Step take_body();              // as far as what is in the buffer goes
  void deliver_body(Step step);  // to the handler that reads it
  Step read_ended();
  Step refuse(Refusal refusal);
  Clock::time_point receive_deadline() const;
  bool begin_idle();  // false when the connection should end instead of waiting for a request
  void end_idle();
  void pass_on();  // the connection is another process's from now on

  // Answering.
  void dispatch();
  void answered();  // awaiting_ is over: let the coroutine go on
  void set_handler_deadline();
  void begin_response();
  void begin_ready();
  void build_head(std::uint64_t content_length, bool show_length);
  void end_head();
  void close_if_last();
  bool open_file(FileRange& range);
  bool begin_part();  // the next of parts_; false after the last one
  Pump pump();
  Clock::time_point write_deadline() const;
  void end_exchange();
  void end_connection();

  // A body that is made while it is sent: stream.cpp.
  void begin_websocket();
  void begin_stream();
  void take_made();     // what has been made goes into what is written, as one chunk
  bool close_stream();  // true if it was sent whole
  void signal_stream(StreamSignal signal);
  void wake_stream();
  void watch_peer();
  void look_at_peer();

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
  std::string counted_as_;
  // Of the last request: the same authority again needs no second look.
  std::string known_authority_, known_scheme_, known_host_;
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
  bool passing_ = false;         // its read was cancelled in order to pass it on
  bool read_cancelled_ = false;  // the last read took nothing because it was cancelled

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
  bool reads_ = false;   // the handler reads the body
  BodyCallback body_waiter_;
  Clock::time_point first_byte_at_;
  Clock::time_point received_at_;  // head complete, or first byte while it is not
  Clock::time_point write_began_;
  Clock::time_point head_sent_at_;  // of a stream
  Clock::time_point handler_deadline_;
  GivenUpCallback given_up_;
  bool watches_client_ = false;  // given_up_ wants to know when the client goes
  HttpResponse response_;
  std::shared_ptr<const ReadyAnswer> ready_;  // instead of response_, of which the status is left
  std::string refusal_why_;
  std::coroutine_handle<> answer_waiter_;
  // Kept for the access log after the request has been handed over.
  std::string log_method_, log_target_, log_remote_;
  std::string log_referer_, log_agent_;  // when the log shows them
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
  std::shared_ptr<FileParts> parts_;
  std::size_t part_at_ = 0;
  std::uint64_t sent_ = 0;         // of this response, head included
  std::uint64_t sent_before_ = 0;  // when the socket was full for the first time
  std::uint64_t body_bytes_ = 0;

  std::shared_ptr<WebSocketSession> websocket_;
  std::coroutine_handle<> websocket_waiter_;

  // The stream under way, from its start to its end.
  std::shared_ptr<HttpStream> stream_;
  std::string stream_made_;  // and not yet in out_
  std::optional<std::uint64_t> stream_length_;
  bool stream_chunked_ = false;
  bool stream_open_ = false;   // its maker has not ended it
  bool stream_whole_ = false;  // it was ended as it should be
  bool stream_full_ = false;   // its maker waits for room
  bool stream_last_sent_ = false;
  bool peer_gone_ = false;
  bool peer_watched_ = false;  // a wait for it is outstanding
  bool peer_talks_ = false;    // it sends on: its end cannot be seen
  std::coroutine_handle<> stream_waiter_;
};

// One worker: a thread's event loop, its listening socket, its handler and its connections.
class WorkerCore final : public Worker {
 public:
  WorkerCore(const HttpConfig& config, const OriginPolicy& origins, AddressLimits& addresses,
             WorkerMetrics& metrics, std::size_t index, std::uint64_t first_id);
  ~WorkerCore();

  std::size_t index() const override { return index_; }
  void post(std::function<void()> fn) override;
  TimerId after(std::uint64_t ms, std::function<void()> fn) override;
  bool cancel(TimerId timer) override;
  bool draining() const override { return draining_; }
  void set_shortcut(Shortcut given) override { shortcut = std::move(given); }
  std::shared_ptr<const ReadyAnswer> make_ready(HttpResponse response) const override;

  // Main thread, before the worker's thread exists.
  Result<void> bind(const Tcp::endpoint& endpoint, bool share_port);
  std::uint16_t bound_port() const;
  Result<void> inherit(int fd);  // a listening socket of another process
  Result<void> listen();
  std::vector<int> listening_sockets() const;

  // The worker's thread.
  Result<void> make_handler(const HandlerFactory& factory);
  void loop();  // until a drain has ended
  void accept();
  void adopt(int fd);
  void drain(std::uint32_t deadline_ms);
  void hand_over(std::uint32_t deadline_ms, std::function<void(int fd)> pass);
  // Connections go to another process: see HttpServer::hand_over.
  bool passing() const { return static_cast<bool>(pass_); }
  void pass_connection(int fd) { pass_(fd); }
  void abort_connections();
  void connection_ended();

  // Whether what this address takes is limited.
  bool is_limited(std::string_view ip) const;

  std::string_view date();  // "Sun, 06 Nov 1994 08:49:37 GMT", made once a second
  std::uint64_t next_id();

  using AllList = boost::intrusive::list<Connection, boost::intrusive::base_hook<AllHook>,
                                         boost::intrusive::constant_time_size<false>>;
  using IdleList = boost::intrusive::list<Connection, boost::intrusive::base_hook<IdleHook>,
                                          boost::intrusive::constant_time_size<false>>;

  const HttpConfig& config;
  const OriginPolicy& origins;
  AddressLimits& addresses;
  WorkerMetrics& metrics;
  // Sockets and timers are used on this thread alone; others only post.
  asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  Handler handler;
  Shortcut shortcut;
  AllList connections;
  IdleList idle;  // longest idle first

 private:
  struct Listener {
    explicit Listener(asio::io_context& io) : acceptor(io), retry(io) {}
    Tcp::acceptor acceptor;
    Tcp::endpoint peer;
    asio::steady_timer retry;
  };

  void accept_on(Listener& listener);
  void accepted(Tcp::socket socket, const Tcp::endpoint& peer);
  void refuse_connection(Tcp::socket& socket, int status, std::string_view why);
  void finish_if_done();

  void run_posted();

  std::size_t index_;
  std::uint64_t next_id_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::list<Listener> listeners_;
  asio::steady_timer drain_timer_;
  std::unordered_map<TimerId, std::unique_ptr<asio::steady_timer>> timers_;
  TimerId last_timer_ = 0;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // under posted_mutex_
  std::function<void(int fd)> pass_;
  Clock::time_point accept_failure_told_;
  bool draining_ = false;
  bool ended_ = false;
  Clock::time_point drain_deadline_ = Clock::time_point::max();
  std::int64_t date_second_ = -1;
  std::string date_;
};

}  // namespace sx
