// Workers and the server: sockets, threads, start and stop. See http.h and connection.h.
#include <fcntl.h>
#include <netinet/tcp.h>
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

constexpr int kUnsentBytesMax = 256 * 1024;    // of a connection, in the kernel
constexpr std::uint32_t kAcceptRetryMs = 100;  // after running out of descriptors or memory
constexpr auto kAcceptFailurePause = std::chrono::seconds(10);  // between two lines about that

void run_guarded(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "http: a function posted to a worker failed: %s\n", e.what());
  } catch (...) {
    std::fprintf(stderr, "http: a function posted to a worker failed\n");
  }
}

// Of a socket that came from elsewhere.
Tcp protocol_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return address.ss_family == AF_INET6 ? Tcp::v6() : Tcp::v4();
}

std::string ip_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

}  // namespace

// ---- WorkerCore

WorkerCore::WorkerCore(const HttpConfig& config, const OriginPolicy& origins,
                       AddressLimits& addresses, WorkerMetrics& metrics, std::size_t index,
                       std::uint64_t first_id)
    : config(config),
      origins(origins),
      addresses(addresses),
      metrics(metrics),
      index_(index),
      next_id_(first_id),
      work_(asio::make_work_guard(io)),
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
  Tcp::acceptor& acceptor = listeners_.emplace_back(io).acceptor;
  if (acceptor.open(endpoint.protocol(), ec)) return failed("open a socket to listen");
  ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  acceptor.set_option(Tcp::acceptor::reuse_address(true), ec);
  if (endpoint.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only(false), ec);
  if (share_port && acceptor.set_option(ReusePort(true), ec)) return failed("share the port");
  if (acceptor.bind(endpoint, ec)) return failed("listen");
  return {};
}

Result<void> WorkerCore::inherit(int fd) {
  error_code ec;
  listeners_.emplace_back(io).acceptor.assign(protocol_of(fd), fd, ec);
  if (ec) return Error{str("a listening socket cannot be taken over: ", ec.message())};
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return {};
}

std::uint16_t WorkerCore::bound_port() const {
  error_code ec;
  return listeners_.front().acceptor.local_endpoint(ec).port();
}

std::vector<int> WorkerCore::listening_sockets() const {
  std::vector<int> sockets;
  for (const Listener& listener : listeners_)
    sockets.push_back(const_cast<Tcp::acceptor&>(listener.acceptor).native_handle());
  return sockets;
}

Result<void> WorkerCore::listen() {
  error_code ec;
  for (Listener& listener : listeners_) {
    // Accepted sockets inherit it. Without it the system takes megabytes for everybody who does not
    // read: a thousand of them would be a gigabyte.
    ::setsockopt(listener.acceptor.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT,
                 &kUnsentBytesMax, sizeof kUnsentBytesMax);
    if (listener.acceptor.listen(config.listen_backlog, ec))
      return Error{str("cannot listen on port ", bound_port(), ": ", ec.message())};
  }
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
  for (Listener& listener : listeners_) accept_on(listener);
}

void WorkerCore::accept_on(Listener& listener) {
  if (!listener.acceptor.is_open()) return;
  listener.acceptor.async_accept(
      listener.peer, [this, &listener](const error_code& ec, Tcp::socket socket) {
        // Also when a drain began meanwhile: this one has connected, and is served.
        if (!ec) accepted(std::move(socket), listener.peer);
        if (!listener.acceptor.is_open() || ec == asio::error::operation_aborted) return;
        if (!ec || ec == asio::error::connection_aborted || ec == asio::error::connection_reset)
          return accept_on(listener);
        if (const auto now = Clock::now(); now - accept_failure_told_ >= kAcceptFailurePause) {
          accept_failure_told_ = now;
          std::fprintf(stderr, "http: cannot accept connections at present: %s\n",
                       ec.message().c_str());
        }
        listener.retry.expires_after(milliseconds(kAcceptRetryMs));
        listener.retry.async_wait([this, &listener](const error_code& stopped) {
          if (!stopped) accept_on(listener);
        });
      });
}

void WorkerCore::adopt(int fd) {
  error_code ec;
  Tcp::socket socket(io);
  socket.assign(protocol_of(fd), fd, ec);
  if (ec) {
    ::close(fd);
    return;
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  const Tcp::endpoint peer = socket.remote_endpoint(ec);
  if (!ec) accepted(std::move(socket), peer);  // else it has gone on the way
}

bool WorkerCore::is_limited(std::string_view ip) const {
  const bool loopback = ip == "::1" || ip.starts_with("127.");
  return (config.limit_loopback || !loopback) && !origins.trusts(ip);
}

void WorkerCore::refuse_connection(Tcp::socket& socket, int status, std::string_view why) {
  const std::string text = str(status, " ", http_status_text(status), ": ", why, "\n");
  const std::string answer =
      str("HTTP/1.1 ", status, " ", http_status_text(status),
          "\r\nContent-Type: text/plain; charset=utf-8\r\nDate: ", date(),
          "\r\nRetry-After: ", config.retry_after_s, "\r\nContent-Length: ", text.size(),
          "\r\nConnection: close\r\n\r\n", text);
  [[maybe_unused]] const ssize_t sent =
      ::send(socket.native_handle(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  // Not shut down in both directions: a request on its way would reset the answer away.
  error_code ec;
  socket.shutdown(Tcp::socket::shutdown_send, ec);
}

void WorkerCore::accepted(Tcp::socket socket, const Tcp::endpoint& peer) {
  error_code ec;
  metrics.connections_total.add();
  std::string ip = ip_text(peer.address());
  std::string counted_as;
  if (addresses.limits_connections() && is_limited(ip)) {
    counted_as = address_key(ip);
    if (!addresses.connect(counted_as)) {
      metrics.address_refused.add();
      return refuse_connection(socket, 429, "too many connections from your address");
    }
  }
  if (metrics.connections.get() >= config.connections_max) {
    if (idle.empty()) {
      metrics.connections_refused.add();
      if (!counted_as.empty()) addresses.disconnect(counted_as);
      return refuse_connection(socket, 503, "too many connections at once, try again shortly");
    }
    idle.front().close_if_idle();
  }
  socket.set_option(Tcp::no_delay(true), ec);
  metrics.connections.add();
  auto* connection = new Connection(*this, std::move(socket), std::move(ip), std::move(counted_as));
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
    for (Listener& listener : listeners_) {
      listener.retry.cancel();
      if (!listener.acceptor.is_open()) continue;
      listener.acceptor.non_blocking(true, ec);
      for (;;) {
        Tcp::endpoint peer;
        Tcp::socket socket = listener.acceptor.accept(peer, ec);
        if (ec) break;
        accepted(std::move(socket), peer);
      }
      listener.acceptor.close(ec);
    }
    for (auto it = idle.begin(); it != idle.end();) (it++)->close_if_idle();
    for (auto it = connections.begin(); it != connections.end();) (it++)->drain_stream();
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

void WorkerCore::hand_over(std::uint32_t deadline_ms, std::function<void(int fd)> pass) {
  if (ended_ || draining_) return;
  draining_ = true;
  pass_ = std::move(pass);
  error_code ec;
  // The other process has these sockets too: their queues stay, and it accepts what is in them.
  for (Listener& listener : listeners_) {
    listener.retry.cancel();
    listener.acceptor.close(ec);
  }
  for (auto it = idle.begin(); it != idle.end();) (it++)->pass_if_idle();
  for (auto it = connections.begin(); it != connections.end();) (it++)->drain_stream();
  drain_deadline_ = Clock::now() + milliseconds(deadline_ms);
  drain_timer_.expires_at(drain_deadline_);
  drain_timer_.async_wait([this](const error_code& stopped) {
    if (!stopped) abort_connections();
  });
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
    shortcut = nullptr;
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
  AddressLimits addresses;
  HttpMetrics metrics;
  std::deque<WorkerCore> workers;
  std::vector<std::thread> threads;
  std::mutex join_mutex;
  std::atomic<std::size_t> adopted{0};
  std::uint16_t port = 0;
  int ended_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // counts workers that have ended

  explicit Impl(HttpConfig given)
      : config(std::move(given)),
        addresses({config.address_connections_max, config.address_requests_per_second,
                   config.address_requests_burst}) {}

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
      config.requests_max == 0 || config.streams_max == 0)
    return Error{"a limit of 0 would refuse every request"};
  if (config.header_timeout_ms == 0 || config.body_timeout_ms == 0 || config.idle_timeout_ms == 0 ||
      config.handler_timeout_ms == 0 || config.write_timeout_ms == 0)
    return Error{"a timeout of 0 would refuse every request"};
  return {};
}

// Set by the signal handler's owner; the handler may only touch what is async-signal-safe.
std::atomic<int> signal_fd{-1};
std::atomic<int> first_signal{0};
std::atomic<int> hangups{0};

void on_signal(int number) {
  const int saved = errno;
  // The descriptor counts: a hang-up more than all the others there can be.
  std::uint64_t one = 1;
  if (number == SIGHUP) {
    hangups.fetch_add(1);
    one = std::uint64_t{1} << 32;
  } else {
    int none = 0;
    first_signal.compare_exchange_strong(none, number);
  }
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
  auto impl = std::make_unique<Impl>(std::move(config));
  impl->origins = std::move(origins);

  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto base =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  for (std::size_t i = 0; i < impl->config.workers; ++i)
    impl->workers.emplace_back(impl->config, impl->origins, impl->addresses,
                               impl->metrics.add_worker(), i, base + i);

  const std::vector<int>& inherited = impl->config.inherited_sockets;
  const bool share = impl->config.workers > 1;
  std::uint16_t port = impl->config.port;
  // Each of the inherited sockets has a queue of its own: none may be left without a worker, and no
  // worker without a socket.
  for (std::size_t i = 0; i < std::max(inherited.size(), impl->workers.size()); ++i) {
    if (inherited.empty()) break;
    const int fd = i < inherited.size()
                       ? inherited[i]
                       : ::fcntl(inherited[i % inherited.size()], F_DUPFD_CLOEXEC, 0);
    WorkerCore& worker = impl->workers[i % impl->workers.size()];
    SX_CHECK(worker.inherit(fd));
    if (port != 0 && port != worker.bound_port())
      return Error{str("the running server listens on port ", worker.bound_port(),
                       "; it cannot be replaced by one on port ", port)};
    port = worker.bound_port();
  }
  if (share && inherited.empty()) {
    // With SO_REUSEPORT two servers could take the same port and each get half of the requests. A
    // socket without it tells whether the port is really free.
    WorkerMetrics unused;
    WorkerCore probe(impl->config, impl->origins, impl->addresses, unused, 0, 0);
    SX_CHECK(probe.bind({address, port}, false));
    port = probe.bound_port();
  }
  for (WorkerCore& worker : impl->workers) {
    if (!inherited.empty()) break;
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
      core->shortcut = nullptr;
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

std::vector<int> HttpServer::listening_sockets() const {
  std::vector<int> all;
  if (!impl_) return all;
  for (const WorkerCore& worker : impl_->workers)
    for (const int fd : worker.listening_sockets()) all.push_back(fd);
  return all;
}

void HttpServer::hand_over(std::uint32_t deadline_ms, std::function<void(int fd)> pass) {
  if (!impl_) return;
  for (WorkerCore& worker : impl_->workers)
    asio::post(worker.io, [&worker, deadline_ms, pass] { worker.hand_over(deadline_ms, pass); });
}

void HttpServer::adopt(int fd) {
  if (!impl_) return;
  WorkerCore& worker = impl_->workers[impl_->adopted++ % impl_->workers.size()];
  asio::post(worker.io, [&worker, fd] { worker.adopt(fd); });
}

void HttpServer::wait() {
  if (!impl_) return;
  const std::lock_guard lock(impl_->join_mutex);
  for (std::thread& thread : impl_->threads)
    if (thread.joinable()) thread.join();
}

int HttpServer::run_until_signal(std::uint32_t drain_ms, std::function<void()> on_hangup) {
  if (!impl_) return 0;
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  signal_fd = fd;
  first_signal = 0;
  struct sigaction action {
  }, old_int{}, old_term{}, old_hup{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &old_int);
  ::sigaction(SIGTERM, &action, &old_term);
  if (on_hangup) ::sigaction(SIGHUP, &action, &old_hup);
  std::size_t signals = 0;
  std::uint64_t ended = 0;
  while (ended < impl_->workers.size()) {
    pollfd watched[2] = {{fd, POLLIN, 0}, {impl_->ended_fd, POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) break;
    std::uint64_t count = 0;
    if (::read(fd, &count, sizeof count) == sizeof count) {
      if (hangups.exchange(0) > 0 && on_hangup) on_hangup();
      count &= UINT32_MAX;
      if (count > 0) stop_gracefully(signals == 0 && count == 1 ? drain_ms : 0);
      signals += count;
    }
    if (::read(impl_->ended_fd, &count, sizeof count) == sizeof count) ended += count;
  }
  wait();
  ::sigaction(SIGINT, &old_int, nullptr);
  ::sigaction(SIGTERM, &old_term, nullptr);
  if (on_hangup) ::sigaction(SIGHUP, &old_hup, nullptr);
  signal_fd = -1;
  ::close(fd);
  return first_signal;
}

}  // namespace sx
