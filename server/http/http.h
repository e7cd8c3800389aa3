// The server's HTTP/1.1 layer as the rest of the server sees it: requests, responses, workers. No
// Boost here.
//
// A server runs N workers. Each is one thread with its own event loop, its own listening socket
// (SO_REUSEPORT) and its own Handler, made by the HandlerFactory on that thread; nothing of a
// worker is touched by another thread except Worker::post. A request is handed to the handler when
// its head and body are complete; the handler answers through the Responder, at once or later:
//
//   HttpServer server;
//   auto started = server.start(config, [](Worker& worker) -> Result<Handler> {
//     return Handler([&worker](HttpRequest&& request, Responder responder) {
//       responder.send(HttpResponse::text(200, "hello\n"));
//     });
//   });
//   server.run_until_signal(10'000);
//
// What the layer decides alone, before any handler sees a request: framing, limits, deadlines,
// which hosts we answer for (421) and whose X-Forwarded-* we believe. It always writes Date and
// Content-Length itself and drops the body for HEAD, so handlers answer HEAD as they answer GET.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"

namespace sx {

class AccessLog;    // server/http/access_log.h
class HttpMetrics;  // server/http/metrics.h

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// What a BodyReader gets: bytes, the end, or why there will be none.
struct BodyPiece {
  enum class Kind { Bytes, End, Refused, Gone } kind = Kind::Gone;
  std::string_view bytes;  // valid during the call
  int status = 0;          // Refused: 400, 408 or 413, and the reason as a sentence
  std::string_view why;
};
using BodyCallback = std::function<void(const BodyPiece&)>;

// Why nobody waits for an answer any more.
enum class GivenUp { ClientGone, TimedOut };
using GivenUpCallback = std::function<void(GivenUp)>;

class ResponseSink;

// Reads a body that was not waited for. Move-only, used and dropped on the thread of its worker,
// and of use only until the answer is given. What nobody reads is not taken from the client.
class BodyReader {
 public:
  BodyReader() = default;
  BodyReader(ResponseSink* sink, std::uint64_t exchange);
  BodyReader(BodyReader&& other) noexcept;
  BodyReader& operator=(BodyReader&& other) noexcept;
  ~BodyReader();

  // One read at a time; done is called once, later or at once.
  void read(BodyCallback done);
  explicit operator bool() const { return sink_ != nullptr; }

 private:
  ResponseSink* sink_ = nullptr;
  std::uint64_t exchange_ = 0;
};

struct HttpRequest {
  std::string method;     // as sent: GET, POST, …
  std::string target;     // as sent: "/a%20b?x=1", or the absolute form
  std::string path;       // the path part of target, still percent-encoded
  std::string query;      // what follows the first '?', still encoded, without the '?'
  std::string version;    // "1.1" or "1.0"
  HttpHeaders headers;    // names lower-cased, values trimmed, in the order sent
  std::string body;       // de-chunked; empty where `reader` reads it
  std::string remote_ip;  // the client: the peer, or what a trusted proxy says of it
  std::string scheme;     // "http" or "https", as the client sees it
  std::string host;      // authority for absolute URLs, lower-cased, with the port if one was given
  std::uint64_t id = 0;  // unique across workers and restarts; the access log shows it in hex
  BodyReader reader;     // see HttpConfig::reads_body

  // The first value of a header (lower-case name), or null.
  const std::string* header(std::string_view name) const;
};

// An open file whose descriptor is closed with the last reference.
class OpenFile {
 public:
  explicit OpenFile(int fd) : fd_(fd) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile();
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Part of a file, streamed by the kernel. With `file` set that descriptor is read and path is only
// a name for messages; otherwise path is opened when the response is sent.
struct FileRange {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::shared_ptr<const OpenFile> file;
};

class StreamWriter;

// What the maker of a streamed body is told.
enum class StreamSignal {
  Room,      // after a write that said false: there is room again
  Gone,      // nobody listens any more; what is written from now on is dropped
  Draining,  // the server is stopping: come to an end
};

// A body that is made while it is sent: in chunks to HTTP/1.1, until the connection closes to 1.0.
// Both functions are called on the worker's thread; `start` never for an answer without a body
// (HEAD, 204, 304), `signal` only between start and the end of the writer.
struct HttpStream {
  std::function<void(StreamWriter)> start;
  std::function<void(StreamSignal)> signal;
  // How many bytes it will be, where that is known: then it goes with a Content-Length. One that
  // ends with another number is cut.
  std::optional<std::uint64_t> length;
};

// Text and parts of files one after the other: several ranges of a file in one answer.
struct FilePart {
  std::string text;
  FileRange range;  // after the text; may be empty
};
using FileParts = std::vector<FilePart>;

struct HttpUpgrade;  // server/http/websocket.h; the status is 101

// Own bytes, bytes shared with a cache, a file, parts of one, a body in the making, or none because
// the connection becomes another one.
using HttpBody = std::variant<std::string, std::shared_ptr<const std::string>, FileRange,
                              std::shared_ptr<FileParts>, std::shared_ptr<HttpStream>,
                              std::shared_ptr<HttpUpgrade>>;

struct HttpResponse {
  int status = 200;
  // Date, Content-Length, Transfer-Encoding and Keep-Alive are the layer's own: given here they are
  // ignored (Content-Length counts when a HEAD is answered with an empty body). "Connection: close"
  // closes the connection after this response. One entry per Set-Cookie.
  HttpHeaders headers;
  HttpBody body;

  const std::string* header(std::string_view name) const;     // any case
  void set_header(std::string_view name, std::string value);  // replaces or adds
  std::uint64_t body_bytes() const;

  static HttpResponse text(int status, std::string body);  // text/plain; charset=utf-8
};

// "OK", "Not Found", …; "Status" for a number without a name.
std::string_view http_status_text(int status);

// An answer made ahead, for what is asked for again and again: sent as it is, with the date of the
// moment. Shared and never changed; Worker::make_ready makes it.
struct ReadyAnswer {
  int status = 200;
  std::string before_date;                  // the status line and headers, up to the value of Date
  std::string after_date;                   // the rest, but for Connection and the empty line
  std::shared_ptr<const std::string> body;  // null: none
};

// Asked before the handler: the answer to a request whose answer is there already, or null.
using Shortcut = std::function<std::shared_ptr<const ReadyAnswer>(const HttpRequest&)>;

// Where a Responder delivers. Counted without atomics: everything stays on the worker's thread.
class ResponseSink {
 public:
  virtual void respond(std::uint64_t exchange, HttpResponse&& response) = 0;
  virtual void retain() = 0;
  virtual void release() = 0;
  // True when the exchange will accept no answer any more: deadline passed or client gone.
  virtual bool finished(std::uint64_t exchange) const = 0;
  // The body of an answer that is a stream, see StreamWriter.
  virtual bool write_stream(std::uint64_t exchange, std::string_view piece) = 0;
  virtual void end_stream(std::uint64_t exchange, bool whole) = 0;
  // The body of a request that is read by its handler, see BodyReader.
  virtual void read_body(std::uint64_t exchange, BodyCallback done) = 0;
  virtual void on_given_up(std::uint64_t exchange, bool when_client_goes, GivenUpCallback call) = 0;

 protected:
  ~ResponseSink() = default;
};

// The one answer to one request. Move-only; used and dropped on the thread of its worker only. An
// answer after the deadline, or to a client that has gone, is quietly dropped. Dropped unsent, the
// client gets 500.
class Responder {
 public:
  Responder() = default;
  Responder(ResponseSink* sink, std::uint64_t exchange) : sink_(sink), exchange_(exchange) {
    sink_->retain();
  }
  Responder(Responder&& other) noexcept
      : sink_(std::exchange(other.sink_, nullptr)), exchange_(other.exchange_) {}
  Responder& operator=(Responder&& other) noexcept {
    if (this != &other) {
      drop();
      sink_ = std::exchange(other.sink_, nullptr);
      exchange_ = other.exchange_;
    }
    return *this;
  }
  ~Responder() { drop(); }

  // Answers. A second call does nothing.
  void send(HttpResponse response) {
    if (ResponseSink* sink = std::exchange(sink_, nullptr)) {
      sink->respond(exchange_, std::move(response));
      sink->release();
    }
  }

  // True when nobody waits for the answer any more, so work for it may be abandoned.
  bool abandoned() const { return !sink_ || sink_->finished(exchange_); }
  // Has `call` called once when that comes to be before there is an answer: the deadline has
  // passed, or, with when_client_goes, the client has gone, which is seen within a second or two.
  // Then the connection is closed and the access log has the status 499.
  void on_given_up(bool when_client_goes, GivenUpCallback call) {
    if (sink_) sink_->on_given_up(exchange_, when_client_goes, std::move(call));
  }
  explicit operator bool() const { return sink_ != nullptr; }

 private:
  void drop() {
    if (sink_) send(HttpResponse::text(500, "500 Internal Server Error: no answer was given\n"));
  }

  ResponseSink* sink_ = nullptr;
  std::uint64_t exchange_ = 0;
};

// Where the maker of a streamed body puts it. Move-only; used on the thread of its worker only.
// Dropped without finish() the connection is cut, so that the client can tell that something is
// missing.
class StreamWriter {
 public:
  StreamWriter() = default;
  StreamWriter(ResponseSink* sink, std::uint64_t exchange) : sink_(sink), exchange_(exchange) {
    sink_->retain();
  }
  StreamWriter(StreamWriter&& other) noexcept
      : sink_(std::exchange(other.sink_, nullptr)), exchange_(other.exchange_) {}
  StreamWriter& operator=(StreamWriter&& other) noexcept {
    if (this != &other) {
      end(false);
      sink_ = std::exchange(other.sink_, nullptr);
      exchange_ = other.exchange_;
    }
    return *this;
  }
  ~StreamWriter() { end(false); }

  // Takes the piece. False: the client is slower than its maker; write on after StreamSignal::Room.
  bool write(std::string_view piece) { return !sink_ || sink_->write_stream(exchange_, piece); }
  // That was all of it.
  void finish() { end(true); }

 private:
  void end(bool whole) {
    if (ResponseSink* sink = std::exchange(sink_, nullptr)) {
      sink->end_stream(exchange_, whole);
      sink->release();
    }
  }

  ResponseSink* sink_ = nullptr;
  std::uint64_t exchange_ = 0;
};

// One thread and its event loop. Lives as long as the server's threads run.
class Worker {
 public:
  using TimerId = std::uint64_t;  // never 0

  virtual std::size_t index() const = 0;

  // Runs fn on this worker's loop, later. Callable from any thread.
  virtual void post(std::function<void()> fn) = 0;

  // Runs fn on this worker's loop once, after `ms`. Worker's thread only.
  virtual TimerId after(std::uint64_t ms, std::function<void()> fn) = 0;
  // True when the timer had not fired and now never will. Worker's thread only.
  virtual bool cancel(TimerId timer) = 0;

  // True from the start of a graceful stop: begin nothing that outlives the requests in flight.
  virtual bool draining() const = 0;

  // Requests whose body is there are shown to the shortcut before they go to the handler, behind
  // all checks and limits. Worker's thread only.
  virtual void set_shortcut(Shortcut shortcut) = 0;
  // The response as it would go out. Null for what cannot be made ahead: a file, a stream, one
  // that closes its connection or has a Date of its own, an invalid one.
  virtual std::shared_ptr<const ReadyAnswer> make_ready(HttpResponse response) const = 0;

 protected:
  ~Worker() = default;
};

// Called on the worker's thread with a complete request. It must not block. An exception that
// escapes is answered with 500.
using Handler = std::function<void(HttpRequest&&, Responder)>;

// Called once per worker, on its thread, before anything is accepted. The handler it returns is
// destroyed on that thread too, after the last connection has ended.
using HandlerFactory = std::function<Result<Handler>(Worker&)>;

struct HttpConfig {
  std::string address = "127.0.0.1";  // an IPv4 or IPv6 address, or "localhost"
  std::uint16_t port = 8000;          // 0: any free port, see HttpServer::port()
  std::size_t workers = 1;
  int listen_backlog = 1024;
  // Listening sockets of a process that hands over to this one, instead of new ones: all of them
  // are listened on, however many workers there are. Taken over by start().
  std::vector<int> inherited_sockets;

  // Limits. 431, 414, 413 when exceeded.
  std::size_t header_bytes_max = 32 * 1024;
  std::size_t header_count_max = 128;
  std::size_t target_bytes_max = 8 * 1024;
  std::size_t body_bytes_max = 16 * 1024 * 1024;

  // True for requests that go to the handler as soon as their head is there: it reads the body, as
  // large as upload_bytes_max, through HttpRequest::reader. Unset: none.
  std::function<bool(const HttpRequest& head)> reads_body;
  std::size_t upload_bytes_max = 256 * 1024 * 1024;

  // Deadlines. 408 for a request that does not arrive, 503 for a handler that does not answer.
  std::uint32_t header_timeout_ms = 10'000;
  std::uint32_t body_timeout_ms = 20'000;  // plus the time the bytes received may take, see below
  std::uint32_t idle_timeout_ms = 60'000;  // between requests on a kept-alive connection
  std::uint32_t handler_timeout_ms = 30'000;
  std::uint32_t write_timeout_ms = 20'000;  // plus the time the bytes sent may take
  std::uint32_t linger_timeout_ms = 1'000;  // how long a refused sender may go on before we hang up
  // Big bodies may take longer than the timeouts above as long as they move at this average rate.
  std::uint32_t bytes_per_second_min = 4 * 1024;

  // Load. Above them: the longest idle connection is closed, else 503 with Retry-After.
  std::size_t connections_max = 10'000;  // per worker
  std::size_t requests_max = 1'000;      // in flight, per worker
  std::size_t streams_max = 4'000;       // streamed answers under way, per worker
  // Per address, over all workers; above them 429 with Retry-After. 0: no limit. Trusted proxies
  // are exempt, their clients are not; nor is this machine, unless limit_loopback.
  std::size_t address_connections_max = 256;
  std::uint32_t address_requests_per_second = 0;
  std::uint32_t address_requests_burst = 100;
  bool limit_loopback = false;
  std::uint32_t retry_after_s = 1;
  std::uint64_t requests_per_connection_max = 0;  // 0: no limit

  // Identity. Requests for another host than these get 421. A name matches with any port,
  // "name:port" only that port, "*.name" any subdomain, "*" everything. Loopback names and
  // addresses and the host of base_url always match.
  std::vector<std::string> hosts;  // SX_HOSTS
  std::string base_url;            // SX_BASE_URL: where set, its scheme and host are the request's
  // Addresses or CIDR blocks whose X-Forwarded-For/-Proto/-Host, or in their absence Forwarded, are
  // believed; default none.
  std::vector<std::string> trusted_proxies;  // SX_TRUSTED_PROXIES

  // Sent with every response that has no header of the name, refusals and errors too; at most 16.
  HttpHeaders default_headers;

  std::shared_ptr<AccessLog> access_log;  // null: none
};

class HttpServer {
 public:
  HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();  // stops at once and waits

  // Binds, makes every worker's handler and begins to accept. On an error nothing runs.
  Result<void> start(HttpConfig config, HandlerFactory factory);

  std::uint16_t port() const;          // the bound port
  const HttpMetrics& metrics() const;  // valid while the server object lives, from start() on

  // Runs fn(worker) on every worker's loop, later. Any thread.
  void post_all(std::function<void(Worker&)> fn);

  // Stops accepting, closes idle connections, lets requests in flight finish with
  // "Connection: close", and cuts what is left after the deadline. Returns at once; any thread.
  void stop_gracefully(std::uint32_t deadline_ms);

  // The listening sockets, to be given to another process. Valid while the server runs.
  std::vector<int> listening_sockets() const;

  // As stop_gracefully, but for a process that goes on with the same listening sockets: those who
  // are waiting to be accepted wait for it, and a connection is not closed but passed, as soon as
  // nothing of it is in this process any more. pass is called on the workers' threads and owns the
  // descriptor. Returns at once.
  void hand_over(std::uint32_t deadline_ms, std::function<void(int fd)> pass);
  // Serves a connection that another process has passed. Any thread, after start().
  void adopt(int fd);

  // Returns when every worker has ended.
  void wait();

  // Waits for SIGINT or SIGTERM, then stops gracefully; a second signal stops at once. Call it from
  // the main thread. Returns the number of the first signal, or 0 if the server was stopped by
  // other means. on_hangup: called for every SIGHUP meanwhile; without it the signal is not caught.
  int run_until_signal(std::uint32_t drain_ms, std::function<void()> on_hangup = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sx
