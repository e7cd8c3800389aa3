// Workers and the server: sockets, threads, start and stop. See http.h and connection.h.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <thread>

#include "engine/base/str.h"
#include "server/http/connection.h"

namespace sx {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr std::uint32_t kAcceptRetryMs = 100;  // after running out of descriptors or memory

void run_guarded(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "http: a function posted to a worker failed: %s\n", e.what());
  } catch (...) {
    std::fprintf(stderr, "http: a function posted to a worker failed\n");
  }
}

std::string ip_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

}  // namespace

// ---- WorkerCore

WorkerCore::WorkerCore(const HttpConfig& config, const OriginPolicy& origins,
                       WorkerMetrics& metrics, std::size_t index, std::uint64_t first_id)
    : config(config),
      origins(origins),
      metrics(metrics),
      index_(index),
      next_id_(first_id),
      work_(asio::make_work_guard(io)),
      acceptor_(io),
      retry_(io),
      drain_timer_(io) {}

WorkerCore::~WorkerCore() {
  // What was posted after the end is dropped, not run, while the event loop it may refer to lives.
  const std::lock_guard lock(posted_mutex_);
  posted_.clear();
}

std::uint64_t WorkerCore::next_id() {
  const std::uint64_t id = next_id_;
  next_id_ += config.workers;
  return id;
}

void WorkerCore::post(std::function<void()> fn) {
  bool first;
  {
    const std::lock_guard lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(fn));
  }
  if (first) asio::post(io, [this] { run_posted(); });
}

void WorkerCore::run_posted() {
  std::vector<std::function<void()>> batch;
  {
    const std::lock_guard lock(posted_mutex_);
    batch.swap(posted_);
  }
  for (const auto& fn : batch) run_guarded(fn);
}

Worker::TimerId WorkerCore::after(std::uint64_t ms, std::function<void()> fn) {
  const TimerId id = ++last_timer_;
  if (ended_) return id;
  auto timer = std::make_unique<asio::steady_timer>(io, milliseconds(ms));
  timer->async_wait([this, id, fn = std::move(fn)](const error_code& ec) {
    if (ec || timers_.erase(id) == 0) return;
    run_guarded(fn);
  });
  timers_.emplace(id, std::move(timer));
  return id;
}

bool WorkerCore::cancel(TimerId timer) { return timers_.erase(timer) != 0; }

Result<void> WorkerCore::bind(const Tcp::endpoint& endpoint, bool share_port) {
  error_code ec;
  const auto failed = [&](std::string_view what) {
    std::string remedy;
    if (ec == asio::error::address_in_use)
      remedy = "; another program has the port, choose another one";
    if (ec == asio::error::access_denied) remedy = "; ports below 1024 need privileges";
    const std::string ip = endpoint.address().to_string();
    return Error{str("cannot ", what, " on ", endpoint.address().is_v6() ? "[" + ip + "]" : ip, ":",
                     endpoint.port(), ": ", ec.message(), remedy)};
  };
  if (acceptor_.open(endpoint.protocol(), ec)) return failed("open a socket to listen");
  ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
  acceptor_.set_option(Tcp::acceptor::reuse_address(true), ec);
  if (endpoint.address().is_v6()) acceptor_.set_option(boost::asio::ip::v6_only(false), ec);
  if (share_port && acceptor_.set_option(ReusePort(true), ec)) return failed("share the port");
  if (acceptor_.bind(endpoint, ec)) return failed("listen");
  return {};
}

std::uint16_t WorkerCore::bound_port() const {
  error_code ec;
  return acceptor_.local_endpoint(ec).port();
}

Result<void> WorkerCore::listen() {
  error_code ec;
  if (acceptor_.listen(config.listen_backlog, ec))
    return Error{str("cannot listen on port ", bound_port(), ": ", ec.message())};
  return {};
}

Result<void> WorkerCore::make_handler(const HandlerFactory& factory) {
  try {
    SX_TRY(handler, factory(*this));
  } catch (const std::exception& e) {
    return Error{str("worker ", index_, " could not start: ", e.what())};
  }
  if (!handler) return Error{str("worker ", index_, " was given no request handler")};
  return {};
}

void WorkerCore::loop() { io.run(); }

void WorkerCore::accept() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_accept(peer_, [this](const error_code& ec, Tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!ec) {
      accepted(std::move(socket), peer_);
      return accept();
    }
    if (ec == asio::error::operation_aborted) return;
    if (ec == asio::error::connection_aborted || ec == asio::error::connection_reset)
      return accept();
    std::fprintf(stderr, "http: cannot accept connections: %s\n", ec.message().c_str());
    retry_.expires_after(milliseconds(kAcceptRetryMs));
    retry_.async_wait([this](const error_code& stopped) {
      if (!stopped) accept();
    });
  });
}

void WorkerCore::accepted(Tcp::socket socket, const Tcp::endpoint& peer) {
  error_code ec;
  metrics.connections_total.add();
  if (metrics.connections.get() >= config.connections_max) {
    if (idle.empty()) {
      metrics.connections_refused.add();
      static constexpr std::string_view kText =
          "503 Service Unavailable: too many connections at once, try again shortly\n";
      const std::string answer = str(
          "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nDate: ",
          date(), "\r\nRetry-After: ", config.retry_after_s, "\r\nContent-Length: ", kText.size(),
          "\r\nConnection: close\r\n\r\n", kText);
      [[maybe_unused]] const ssize_t sent =
          ::send(socket.native_handle(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      return;
    }
    idle.front().close_if_idle();
  }
  socket.set_option(Tcp::no_delay(true), ec);
  metrics.connections.add();
  auto* connection = new Connection(*this, std::move(socket), ip_text(peer.address()));
  connection->run();
}

void WorkerCore::connection_ended() {
  metrics.connections.subtract();
  finish_if_done();
}

void WorkerCore::drain(std::uint32_t deadline_ms) {
  const auto deadline = Clock::now() + milliseconds(deadline_ms);
  if (ended_ || (draining_ && deadline >= drain_deadline_)) return;
  drain_deadline_ = deadline;
  if (!draining_) {
    draining_ = true;
    error_code ec;
    // Those who have already connected are served; closing the listener now would reset them.
    if (acceptor_.is_open()) {
      acceptor_.non_blocking(true, ec);
      for (;;) {
        Tcp::endpoint peer;
        Tcp::socket socket = acceptor_.accept(peer, ec);
        if (ec) break;
        accepted(std::move(socket), peer);
      }
      acceptor_.close(ec);
    }
    retry_.cancel();
    for (auto it = idle.begin(); it != idle.end();) (it++)->close_if_idle();
  }
  if (deadline_ms == 0) {
    abort_connections();
  } else {
    drain_timer_.expires_at(deadline);
    drain_timer_.async_wait([this](const error_code& ec) {
      if (!ec) abort_connections();
    });
  }
  finish_if_done();
}

void WorkerCore::abort_connections() {
  for (auto it = connections.begin(); it != connections.end();) (it++)->abort();
}

void WorkerCore::finish_if_done() {
  if (!draining_ || ended_ || !connections.empty()) return;
  ended_ = true;
  // Not from inside whatever ended the last connection.
  asio::post(io, [this] {
    handler = nullptr;
    timers_.clear();
    drain_timer_.cancel();
    work_.reset();
  });
}

std::string_view WorkerCore::date() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != date_second_) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    date_second_ = now.tv_sec;
    std::tm tm{};
    gmtime_r(&now.tv_sec, &tm);
    char text[64];
    const int n = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                kDays[tm.tm_wday], tm.tm_mday, kMonths[tm.tm_mon],
                                tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    date_.assign(text, static_cast<std::size_t>(n));
  }
  return date_;
}

// ---- HttpServer

struct HttpServer::Impl {
  HttpConfig config;
  OriginPolicy origins;
  HttpMetrics metrics;
  std::deque<WorkerCore> workers;
  std::vector<std::thread> threads;
  std::mutex join_mutex;
  std::uint16_t port = 0;
  int ended_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // counts workers that have ended

  ~Impl() {
    if (ended_fd >= 0) ::close(ended_fd);
  }
};

namespace {

Result<void> check_config(const HttpConfig& config) {
  if (config.workers == 0 || config.workers > 1024)
    return Error{str("workers must be 1 to 1024, not ", config.workers)};
  if (config.header_bytes_max < 256 || config.header_bytes_max > 64 * 1024 * 1024)
    return Error{
        str("header_bytes_max must be 256 bytes to 64 MiB, not ", config.header_bytes_max)};
  if (config.target_bytes_max == 0 || config.header_count_max == 0 || config.connections_max == 0 ||
      config.requests_max == 0)
    return Error{"a limit of 0 would refuse every request"};
  if (config.header_timeout_ms == 0 || config.body_timeout_ms == 0 || config.idle_timeout_ms == 0 ||
      config.handler_timeout_ms == 0 || config.write_timeout_ms == 0)
    return Error{"a timeout of 0 would refuse every request"};
  return {};
}

// Set by the signal handler's owner; the handler may only touch what is async-signal-safe.
std::atomic<int> signal_fd{-1};
std::atomic<int> first_signal{0};

void on_signal(int number) {
  const int saved = errno;
  int none = 0;
  first_signal.compare_exchange_strong(none, number);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(signal_fd.load(), &one, sizeof one);
  errno = saved;
}

}  // namespace

HttpServer::HttpServer() = default;

HttpServer::~HttpServer() {
  if (!impl_) return;
  stop_gracefully(0);
  wait();
}

Result<void> HttpServer::start(HttpConfig config, HandlerFactory factory) {
  if (impl_) return Error{"the server has been started before"};
  SX_CHECK(check_config(config));
  SX_TRY(OriginPolicy origins, OriginPolicy::make(config));

  error_code ec;
  const std::string name = config.address == "localhost" ? "127.0.0.1" : config.address;
  const auto address = asio::ip::make_address(
      name.size() > 2 && name.front() == '[' ? name.substr(1, name.size() - 2) : name, ec);
  if (ec)
    return Error{str("the listen address \"", config.address,
                     "\" is not an IP address such as 127.0.0.1, 0.0.0.0 or ::1")};
  auto impl = std::make_unique<Impl>();
  impl->config = std::move(config);
  impl->origins = std::move(origins);

  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto base =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  for (std::size_t i = 0; i < impl->config.workers; ++i)
    impl->workers.emplace_back(impl->config, impl->origins, impl->metrics.add_worker(), i,
                               base + i);

  const bool share = impl->config.workers > 1;
  std::uint16_t port = impl->config.port;
  if (share) {
    // With SO_REUSEPORT two servers could take the same port and each get half of the requests. A
    // socket without it tells whether the port is really free.
    WorkerMetrics unused;
    WorkerCore probe(impl->config, impl->origins, unused, 0, 0);
    SX_CHECK(probe.bind({address, port}, false));
    port = probe.bound_port();
  }
  for (WorkerCore& worker : impl->workers) {
    SX_CHECK(worker.bind({address, port}, share));
    port = worker.bound_port();
  }
  impl->port = port;

  // Each worker makes its handler on its own thread; nobody accepts before all have one.
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t ready = 0;
  std::optional<Error> failure;
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);  // inherited: signals are the main thread's business
  const int ended_fd = impl->ended_fd;
  for (WorkerCore& worker : impl->workers) {
    impl->threads.emplace_back([&, ended_fd, core = &worker] {
      {
        Result<void> made = core->make_handler(factory);
        const std::lock_guard lock(mutex);
        if (!made && !failure) failure = made.error();
        ++ready;
        changed.notify_all();
      }
      core->loop();
      core->handler = nullptr;
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t n = ::write(ended_fd, &one, sizeof one);
    });
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ready == impl->workers.size(); });
  }
  for (WorkerCore& worker : impl->workers) {
    if (failure) break;
    if (Result<void> listening = worker.listen(); !listening) failure = listening.error();
  }
  for (WorkerCore& worker : impl->workers) {
    asio::post(worker.io, [&worker, failed = failure.has_value()] {
      if (failed) {
        worker.drain(0);
      } else {
        worker.accept();
      }
    });
  }
  if (failure) {
    for (std::thread& thread : impl->threads) thread.join();
    return *failure;
  }
  impl_ = std::move(impl);
  return {};
}

std::uint16_t HttpServer::port() const { return impl_ ? impl_->port : 0; }

const HttpMetrics& HttpServer::metrics() const {
  static const HttpMetrics kNone;
  return impl_ ? impl_->metrics : kNone;
}

void HttpServer::post_all(std::function<void(Worker&)> fn) {
  if (!impl_) return;
  for (WorkerCore& worker : impl_->workers) worker.post([&worker, fn] { fn(worker); });
}

void HttpServer::stop_gracefully(std::uint32_t deadline_ms) {
  if (!impl_) return;
  for (WorkerCore& worker : impl_->workers)
    asio::post(worker.io, [&worker, deadline_ms] { worker.drain(deadline_ms); });
}

void HttpServer::wait() {
  if (!impl_) return;
  const std::lock_guard lock(impl_->join_mutex);
  for (std::thread& thread : impl_->threads)
    if (thread.joinable()) thread.join();
}

int HttpServer::run_until_signal(std::uint32_t drain_ms) {
  if (!impl_) return 0;
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  signal_fd = fd;
  first_signal = 0;
  struct sigaction action {
  }, old_int{}, old_term{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &old_int);
  ::sigaction(SIGTERM, &action, &old_term);
  std::size_t signals = 0;
  std::uint64_t ended = 0;
  while (ended < impl_->workers.size()) {
    pollfd watched[2] = {{fd, POLLIN, 0}, {impl_->ended_fd, POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) break;
    std::uint64_t count = 0;
    if (::read(fd, &count, sizeof count) == sizeof count) {
      stop_gracefully(signals == 0 && count == 1 ? drain_ms : 0);
      signals += count;
    }
    if (::read(impl_->ended_fd, &count, sizeof count) == sizeof count) ended += count;
  }
  wait();
  ::sigaction(SIGINT, &old_int, nullptr);
  ::sigaction(SIGTERM, &old_term, nullptr);
  signal_fd = -1;
  ::close(fd);
  return first_signal;
}

}  // namespace sx
