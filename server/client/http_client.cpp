#include "server/client/http_client.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <thread>

#include "engine/base/str.h"
#include "server/client/address_guard.h"
#include "server/client/name_resolver.h"
#include "server/client/url_target.h"
#include "server/http/field.h"

namespace sx {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using Tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using ErrorCode = boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kResolverThreads = 8;
constexpr std::size_t kIdlePerOriginMax = 8;
constexpr std::size_t kIdleMax = 64;
constexpr auto kIdleTime = std::chrono::seconds(15);

using Failure = HttpClientError;

// Made by a function: GCC 12 destroys aggregates that are built inside a co_return twice.
Failure failure(std::string_view kind, std::string message) {
  return {std::string(kind), std::move(message)};
}

NameAnswer address_itself(const std::string& name) {
  NameAnswer answer;
  answer.addresses.push_back(name);
  return answer;
}

// The lookup of tests, or none: the system's.
NameResolver::Lookup lookup_of(const HttpClientNetwork& network) {
  if (!network.lookup) return nullptr;
  return [lookup = network.lookup](const std::string& name) {
    NameAnswer answer;
    answer.addresses = lookup(name);
    if (answer.addresses.empty()) answer.error = "no such name";
    return answer;
  };
}

// A connection, plain or with TLS.
struct Wire {
  std::unique_ptr<beast::tcp_stream> plain;
  std::unique_ptr<beast::ssl_stream<beast::tcp_stream>> tls;
  beast::flat_buffer buffer;
  std::string pool_key;
  Clock::time_point idle_since;

  beast::tcp_stream& lowest() { return tls ? beast::get_lowest_layer(*tls) : *plain; }
  // Nothing has come on it since the last answer, not even its end.
  bool quiet() {
    char byte;
    const auto got = ::recv(lowest().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
};

// One call of request(): answered once, by whoever is first.
struct Exchange {
  HttpClientRequest request;
  std::function<void(HttpClientOutcome)> done;
  Clock::time_point deadline;
  asio::steady_timer timer;
  Wire* wire = nullptr;  // the one in use, to be closed when time is up

  Exchange(asio::io_context& io, HttpClientRequest r, std::function<void(HttpClientOutcome)> d)
      : request(std::move(r)),
        done(std::move(d)),
        deadline(Clock::now() + milliseconds(request.timeout_ms)),
        timer(io) {}

  bool answered() const { return !done; }
  void answer(HttpClientOutcome outcome) {
    if (auto call = std::exchange(done, nullptr)) call(std::move(outcome));
    timer.cancel();
  }
  // Ends it before its answer has come. Closed, not cancelled: between two reads there is nothing
  // to cancel, and the next one must fail as well.
  void cut(Failure why) {
    if (answered()) return;
    if (wire) wire->lowest().close();
    answer(std::move(why));
  }
};

Failure timed_out(const Exchange& x) {
  return {"timeout", str(x.request.url, ": no answer within ", x.request.timeout_ms, " ms")};
}

// What cannot be sent, or nothing.
std::optional<Failure> refusal(const HttpClientRequest& request) {
  if (!is_token(request.method) || same_name(request.method, "CONNECT"))
    return failure("bad-request",
                   str("expected a method such as GET or POST, got '", request.method, "'"));
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_field_value(value))
      return failure("bad-request",
                     str("expected a header name and a value without line ends, got ", name));
    for (const std::string_view own :
         {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade",
          "expect", "keep-alive", "proxy-connection"})
      if (same_name(name, own))
        return failure("bad-request", str("the header ", name, " is written by the client itself"));
  }
  return std::nullopt;
}

}  // namespace

struct HttpClient::Impl {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  ssl::context tls{ssl::context::tls_client};
  std::multimap<std::string, std::unique_ptr<Wire>> idle;
  asio::steady_timer idle_timer{io};  // runs while there are idle connections
  std::map<std::uint64_t, std::shared_ptr<Exchange>> active;
  std::atomic<std::uint64_t> last_number{0};
  HttpClientNetwork network;
  NameResolver names;  // ends before the loop it posts to
  std::atomic<bool> stopped{false};
  std::thread thread;

  explicit Impl(HttpClientNetwork in_tests)
      : network(std::move(in_tests)), names(kResolverThreads, lookup_of(network)) {
    ErrorCode ec;
    tls.set_default_verify_paths(ec);
    tls.set_verify_mode(ssl::verify_peer);
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
    thread = std::thread([this] { io.run(); });
  }

  ~Impl() { stop(); }

  bool is_public(const asio::ip::address& address) const {
    return network.is_public ? network.is_public(address.to_string()) : is_public_address(address);
  }

  void stop() {
    if (stopped.exchange(true)) return;
    work.reset();
    io.stop();
    thread.join();
    io.restart();
    io.poll();  // what was asked and not begun
    for (const auto& [number, x] : active)
      x->answer(Failure{"connect-error", str(x->request.url, ": the client was stopped")});
    active.clear();
    idle.clear();
  }

  // --- connections -------------------------------------------------------------------------------

  std::unique_ptr<Wire> take_idle(const std::string& key) {
    for (;;) {
      const auto at = idle.find(key);
      if (at == idle.end()) return nullptr;
      std::unique_ptr<Wire> wire = std::move(at->second);
      idle.erase(at);
      if (Clock::now() - wire->idle_since < kIdleTime && wire->quiet()) return wire;
    }
  }

  void keep(std::unique_ptr<Wire> wire) {
    if (idle.size() >= kIdleMax || idle.count(wire->pool_key) >= kIdlePerOriginMax) return;
    wire->lowest().expires_never();
    wire->idle_since = Clock::now();
    const std::string key = wire->pool_key;
    if (idle.empty()) close_idle_later();
    idle.emplace(key, std::move(wire));
  }

  void close_idle_later() {
    idle_timer.expires_after(kIdleTime);
    idle_timer.async_wait([this](ErrorCode ec) {
      if (ec) return;
      const auto now = Clock::now();
      std::erase_if(idle,
                    [&](const auto& one) { return now - one.second->idle_since >= kIdleTime; });
      if (!idle.empty()) close_idle_later();
    });
  }

  // No address and no error: not within the deadline.
  asio::awaitable<NameAnswer> resolve(const std::string& name, Clock::time_point deadline) {
    ErrorCode not_an_address;
    asio::ip::make_address(name, not_an_address);
    if (!not_an_address) co_return address_itself(name);
    struct Question {
      asio::steady_timer timer;  // cancelled by the answer
      NameAnswer answer;
    };
    auto question = std::make_shared<Question>(Question{asio::steady_timer(io, deadline), {}});
    names.resolve(name, [this, question](const NameAnswer& answer) {
      asio::post(io, [question, answer] {
        question->answer = answer;
        question->timer.cancel();
      });
    });
    co_await question->timer.async_wait(kAwait);
    co_return question->answer;
  }

  using Connected = std::variant<std::unique_ptr<Wire>, Failure>;
  asio::awaitable<Connected> connect(Exchange& x, const UrlTarget& target) {
    const std::string& url = target.text;
    const auto deadline =
        std::min(x.deadline, Clock::now() + milliseconds(x.request.connect_timeout_ms));
    const NameAnswer found = co_await resolve(target.host, deadline);
    if (x.answered()) co_return timed_out(x);
    if (found.addresses.empty() && found.error.empty())
      co_return failure("timeout", str(url, ": the name ", target.host, " was not resolved within ",
                                       x.request.connect_timeout_ms, " ms"));
    if (found.addresses.empty())
      co_return failure("dns-error",
                        str(url, ": the name ", target.host, " does not resolve: ", found.error));
    std::vector<Tcp::endpoint> endpoints;
    for (const std::string& text : found.addresses) {
      ErrorCode bad;
      const auto address = asio::ip::make_address(text, bad);
      if (!bad && (!x.request.public_only || is_public(address)))
        endpoints.emplace_back(address, target.port);
    }
    if (endpoints.empty())
      co_return failure("private-address",
                        str(url, ": ", target.host,
                            " is not on the public internet, and only public addresses are allowed "
                            "here"));

    auto wire = std::make_unique<Wire>();
    if (target.tls)
      wire->tls = std::make_unique<beast::ssl_stream<beast::tcp_stream>>(io, tls);
    else
      wire->plain = std::make_unique<beast::tcp_stream>(io);
    x.wire = wire.get();
    wire->lowest().expires_at(deadline);
    const auto [connect_error, endpoint] = co_await wire->lowest().async_connect(endpoints, kAwait);
    if (x.answered()) co_return timed_out(x);
    if (connect_error == beast::error::timeout)
      co_return failure("timeout",
                        str(url, ": no connection within ", x.request.connect_timeout_ms, " ms"));
    if (connect_error)
      co_return failure("connect-error", str(url, ": cannot connect to ", target.host, " port ",
                                             unsigned{target.port}, ": ", connect_error.message()));
    ErrorCode ignored;
    wire->lowest().socket().set_option(Tcp::no_delay(true), ignored);
    if (wire->tls) {
      auto& stream = *wire->tls;
      ErrorCode not_an_address;
      asio::ip::make_address(target.host, not_an_address);
      if (not_an_address) SSL_set_tlsext_host_name(stream.native_handle(), target.host.c_str());
      stream.set_verify_callback(ssl::host_name_verification(target.host));
      const auto [tls_error] = co_await stream.async_handshake(ssl::stream_base::client, kAwait);
      if (x.answered()) co_return timed_out(x);
      if (tls_error == beast::error::timeout)
        co_return failure(
            "timeout", str(url, ": no TLS handshake within ", x.request.connect_timeout_ms, " ms"));
      if (tls_error) {
        const long verified = SSL_get_verify_result(stream.native_handle());
        const bool certificate = verified != X509_V_OK;
        co_return failure("tls-error",
                          certificate
                              ? str(url, ": the certificate of ", target.host, " is not accepted: ",
                                    std::string_view(X509_verify_cert_error_string(verified)))
                              : str(url, ": the TLS handshake failed: ", tls_error.message()));
      }
    }
    co_return wire;
  }

  // --- one request and its answer
  // ------------------------------------------------------------------

  struct Lost {  // the connection ended before a byte of the answer
    Failure error;
  };
  using Answer = std::variant<HttpClientResponse, Failure, Lost>;

  template <class Stream>
  asio::awaitable<Answer> ask(Exchange& x, const UrlTarget& target,
                              const http::request<http::string_body>& request, Wire& wire,
                              Stream& stream, bool* keep_alive) {
    const std::string& url = target.text;
    wire.lowest().expires_at(x.deadline);
    auto failed = [&](const ErrorCode& ec) -> Failure {
      if (ec == beast::error::timeout || x.answered()) return timed_out(x);
      if (ec == http::error::body_limit)
        return {"too-large",
                str(url, ": the answer is longer than ", x.request.response_bytes_max, " bytes")};
      if (ec == http::error::header_limit)
        return {"too-large",
                str(url, ": the head of the answer is longer than ", kHeadBytesMax, " bytes")};
      return {"protocol-error", str(url, ": the answer cannot be read: ", ec.message())};
    };
    const auto [write_error, written] = co_await http::async_write(stream, request, kAwait);
    // A server may answer and close before it has read everything: its answer is looked for.
    const bool unsent = static_cast<bool>(write_error);
    if (unsent && (write_error == beast::error::timeout || x.answered())) co_return timed_out(x);
    for (;;) {
      http::response_parser<http::string_body> parser;
      parser.body_limit(x.request.response_bytes_max);
      parser.header_limit(kHeadBytesMax);
      if (request.method() == http::verb::head) parser.skip(true);
      const auto [head_error, head_bytes] =
          co_await http::async_read_header(stream, wire.buffer, parser, kAwait);
      if (head_error) {
        const bool nothing = !parser.got_some() && wire.buffer.size() == 0;
        Failure error = failed(head_error);
        if (nothing && error.kind == "protocol-error") {
          error.message = str(url, ": the connection was closed without an answer");
          Lost lost{std::move(error)};
          co_return lost;
        }
        co_return error;
      }
      const unsigned status = parser.get().result_int();
      if (status >= 100 && status < 200 && status != 101) continue;  // 100 and 103 go before
      if (status == 101)
        co_return failure("protocol-error", str(url, ": the answer changes to another protocol"));
      while (!parser.is_done()) {
        const auto [body_error, body_bytes] =
            co_await http::async_read_some(stream, wire.buffer, parser, kAwait);
        if (body_error) co_return failed(body_error);
      }
      *keep_alive = !unsent && parser.keep_alive() && wire.buffer.size() == 0;
      HttpClientResponse response;
      response.status = static_cast<int>(status);
      for (const auto& field : parser.get()) {
        response.headers.emplace_back(ascii_lower(field.name_string()), std::string(field.value()));
      }
      response.body = std::move(parser.get().body());
      response.url = url;
      co_return response;
    }
  }

  asio::awaitable<Answer> hop(Exchange& x, const UrlTarget& target,
                              const http::request<http::string_body>& request) {
    const std::string key = str(target.origin(), x.request.public_only ? " public" : "");
    const bool repeatable =
        request.method() == http::verb::get || request.method() == http::verb::head ||
        request.method() == http::verb::options || request.method() == http::verb::put ||
        request.method() == http::verb::delete_;
    for (bool fresh = false;; fresh = true) {
      std::unique_ptr<Wire> wire = fresh || !repeatable ? nullptr : take_idle(key);
      const bool reused = wire != nullptr;
      if (!wire) {
        auto connected = co_await connect(x, target);
        x.wire = nullptr;
        if (auto* error = std::get_if<Failure>(&connected)) co_return std::move(*error);
        wire = std::move(std::get<std::unique_ptr<Wire>>(connected));
        wire->pool_key = key;
      }
      x.wire = wire.get();
      bool keep_alive = false;
      // Not one expression: GCC 12 loses temporaries of a co_await inside ?:.
      std::optional<Answer> answer;
      if (wire->tls)
        answer = co_await ask(x, target, request, *wire, *wire->tls, &keep_alive);
      else
        answer = co_await ask(x, target, request, *wire, *wire->plain, &keep_alive);
      x.wire = nullptr;
      if (keep_alive) keep(std::move(wire));
      // A kept connection may have been closed the moment we wrote on it.
      if (reused && std::holds_alternative<Lost>(*answer) && !x.answered()) continue;
      co_return *std::move(answer);
    }
  }

  static const std::string* location(const HttpClientResponse& response) {
    switch (response.status) {
      case 301:
      case 302:
      case 303:
      case 307:
      case 308:
        for (const auto& [name, value] : response.headers)
          if (name == "location") return &value;
    }
    return nullptr;
  }

  asio::awaitable<HttpClientOutcome> run(Exchange& x) {
    if (auto refused = refusal(x.request)) co_return std::move(*refused);
    auto parsed = parse_url(x.request.url);
    if (!parsed.ok()) co_return failure("bad-url", parsed.error().message);
    UrlTarget target = parsed.take();
    std::string method = x.request.method, body = x.request.body;
    bool same_origin = true;
    for (int redirects = 0;; ++redirects) {
      http::request<http::string_body> request;
      request.method_string(method);
      request.target(target.target);
      request.version(11);
      request.set(http::field::host, target.authority());
      bool has_agent = false;
      for (const auto& [name, value] : x.request.headers) {
        // What is meant for one server is not shown to another.
        if (!same_origin && (same_name(name, "authorization") || same_name(name, "cookie") ||
                             same_name(name, "proxy-authorization")))
          continue;
        if (body.empty() && redirects > 0 && same_name(name, "content-type")) continue;
        has_agent = has_agent || same_name(name, "user-agent");
        request.insert(name, value);
      }
      if (!has_agent) request.set(http::field::user_agent, "sx");
      request.body() = body;
      if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
        request.content_length(body.size());

      Answer answer = co_await hop(x, target, request);
      if (auto* lost = std::get_if<Lost>(&answer)) co_return std::move(lost->error);
      if (auto* error = std::get_if<Failure>(&answer)) co_return std::move(*error);
      auto& response = std::get<HttpClientResponse>(answer);
      const std::string* to = location(response);
      if (!to || x.request.redirects_max == 0) co_return std::move(response);
      if (redirects >= x.request.redirects_max)
        co_return failure("redirect-error",
                          str(x.request.url, ": more than ", x.request.redirects_max,
                              " redirects; the last to ", *to));
      auto next = resolve_url(target, *to);
      if (!next.ok())
        co_return failure(
            "redirect-error",
            str(target.text, ": redirects to a place we do not go: ", next.error().message));
      if (target.tls && !next->tls)
        co_return failure("redirect-error",
                          str(target.text, ": redirects from https to http, to ", next->text));
      same_origin = same_origin && next->origin() == target.origin();
      const bool changes_to_get =
          (response.status == 303 && method != "HEAD") ||
          ((response.status == 301 || response.status == 302) && method == "POST");
      if (changes_to_get) {
        method = "GET";
        body.clear();
      }
      target = next.take();
    }
  }

  void begin(std::uint64_t number, HttpClientRequest request,
             std::function<void(HttpClientOutcome)> done) {
    if (stopped)
      return done(failure("connect-error", str(request.url, ": the client was stopped")));
    auto x = std::make_shared<Exchange>(io, std::move(request), std::move(done));
    active.emplace(number, x);
    x->timer.expires_at(x->deadline);
    x->timer.async_wait([x](ErrorCode ec) {
      if (!ec) x->cut(timed_out(*x));
    });
    asio::co_spawn(
        io,
        [this, number, x]() -> asio::awaitable<void> {
          HttpClientOutcome outcome = co_await run(*x);
          x->answer(std::move(outcome));
          active.erase(number);
        },
        [x](std::exception_ptr error) {
          if (!error) return;
          try {
            std::rethrow_exception(error);
          } catch (const std::exception& e) {
            x->answer(Failure{"protocol-error", str(x->request.url, ": ", e.what())});
          }
        });
  }
};

HttpClient::HttpClient(HttpClientNetwork network)
    : impl_(std::make_unique<Impl>(std::move(network))) {}
HttpClient::~HttpClient() = default;

void HttpClient::stop() { impl_->stop(); }

std::uint64_t HttpClient::request(HttpClientRequest request,
                                  std::function<void(HttpClientOutcome)> done) {
  const std::uint64_t number = ++impl_->last_number;
  if (impl_->stopped) {
    impl_->begin(number, std::move(request), std::move(done));
    return number;
  }
  asio::post(impl_->io, [impl = impl_.get(), number, request = std::move(request),
                         done = std::move(done)]() mutable {
    impl->begin(number, std::move(request), std::move(done));
  });
  return number;
}

void HttpClient::cancel(std::uint64_t number) {
  if (impl_->stopped) return;
  // After the request itself, which may be on its way to the client's thread.
  asio::post(impl_->io, [impl = impl_.get(), number] {
    const auto at = impl->active.find(number);
    if (at == impl->active.end()) return;
    const std::shared_ptr<Exchange> x = at->second;
    x->cut(failure("cancelled", str(x->request.url, ": called off")));
  });
}

HttpClientOutcome HttpClient::request_and_wait(HttpClientRequest request) {
  std::promise<HttpClientOutcome> promise;
  auto answer = promise.get_future();
  this->request(std::move(request),
                [&](HttpClientOutcome outcome) { promise.set_value(std::move(outcome)); });
  return answer.get();
}

}  // namespace sx
