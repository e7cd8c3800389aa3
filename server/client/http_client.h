// Requests to other servers: HTTP/1.1 with TLS, deadlines, size limits, redirects, connections that
// are used again, and a guard against addresses that are not public. No Boost here.
//
// One thread of its own does the sockets; callers are answered on that thread and post the answer
// to theirs. A failure has a kind by which programs tell them apart:
//
//   bad-url          not an absolute http or https URL
//   bad-request      a method, header or option that cannot be sent
//   dns-error        the name does not resolve
//   private-address  it resolves to addresses that are not public, and only public ones are allowed
//   connect-error    nobody listens, or the network is unreachable
//   tls-error        the certificate or the handshake is refused
//   timeout          not done within the time allowed
//   too-large        the answer is longer than allowed
//   protocol-error   what came is not HTTP, or the connection was lost half way
//   redirect-error   too many redirects, or one that leads where we do not go
//   cancelled        called off by cancel()
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sx {

struct HttpClientRequest {
  std::string method = "GET";
  std::string url;  // absolute, http or https; credentials in it are refused
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::uint32_t timeout_ms = 30'000;  // for everything, redirects included
  std::uint32_t connect_timeout_ms =
      10'000;             // resolving, connecting and the TLS handshake of one hop
  int redirects_max = 0;  // 0: a 3xx is the answer
  std::size_t response_bytes_max = std::size_t{16} << 20;
  bool public_only = false;  // refuse addresses that are not public
};

struct HttpClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, as received
  std::string body;
  std::string url;  // where it came from, after redirects
};

struct HttpClientError {
  std::string kind;
  std::string message;
};

using HttpClientOutcome = std::variant<HttpClientResponse, HttpClientError>;

// What tests put in the place of the network: what a name means, and which addresses are public.
struct HttpClientNetwork {
  std::function<std::vector<std::string>(const std::string& name)> lookup;
  std::function<bool(const std::string& address)> is_public;
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientNetwork network = {});
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  // Ends what is under way as a connect-error and waits for the client's thread: afterwards it
  // calls nobody. Later requests are refused in the same way, on the caller's thread.
  void stop();

  // done is called once, on the client's thread. Any thread may ask. The number is for cancel().
  std::uint64_t request(HttpClientRequest request, std::function<void(HttpClientOutcome)> done);
  // Calls a request off: its connection is closed, whatever it is at, and it ends as cancelled. No
  // effect on one that is answered. Any thread.
  void cancel(std::uint64_t number);
  // The same, waiting for the answer.
  HttpClientOutcome request_and_wait(HttpClientRequest request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sx
