// For tests: a server in this process and clients that send exactly the bytes they are told to.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "doctest/doctest.h"
#include "server/http/http.h"
#include "server/http/metrics.h"

namespace sx::test {

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // lower-case names; the last one wins
  std::string head;
  std::string body;
  const std::string& operator[](const std::string& name) { return headers[name]; }
};

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // One response; status 0 when the connection ended or nothing came in time.
  Reply receive(bool head_only = false, int timeout_ms = 5000) {
    Reply reply;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!more(timeout_ms)) return reply;
    reply.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    reply.status = std::atoi(reply.head.c_str() + 9);
    std::size_t at = reply.head.find("\r\n") + 2;
    while (at < reply.head.size()) {
      const std::size_t eol = reply.head.find("\r\n", at);
      const std::string line = reply.head.substr(at, eol - at);
      const std::size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      reply.headers[name] = line.substr(colon + 2);
      at = eol + 2;
    }
    if (head_only || reply.status < 200 || reply.status == 204 || reply.status == 304) return reply;
    if (reply.headers["transfer-encoding"] == "chunked") {
      for (;;) {
        const auto chunk = receive_chunk(timeout_ms);
        if (!chunk) return Reply{};
        if (chunk->empty()) return reply;
        reply.body += *chunk;
      }
    }
    const std::size_t length = std::strtoull(reply.headers["content-length"].c_str(), nullptr, 10);
    while (buffer_.size() < length)
      if (!more(timeout_ms)) return Reply{};
    reply.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return reply;
  }

  // The next chunk of a chunked body; empty: the last one; nullopt: cut, or nothing in time.
  std::optional<std::string> receive_chunk(int timeout_ms = 5000) {
    std::size_t eol;
    while ((eol = buffer_.find("\r\n")) == std::string::npos)
      if (!more(timeout_ms)) return std::nullopt;
    const std::size_t size = std::strtoull(buffer_.c_str(), nullptr, 16);
    while (buffer_.size() < eol + 2 + size + 2)
      if (!more(timeout_ms)) return std::nullopt;
    std::string chunk = buffer_.substr(eol + 2, size);
    buffer_.erase(0, eol + 2 + size + 2);
    return chunk;
  }

  // Exactly n bytes; fewer when the connection ended or nothing came in time.
  std::string receive_bytes(std::size_t n, int timeout_ms = 5000) {
    while (buffer_.size() < n && more(timeout_ms)) {
    }
    std::string bytes = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return bytes;
  }

  // All that comes until the server closes.
  std::string receive_rest(int timeout_ms = 5000) {
    while (more(timeout_ms)) {
    }
    return std::exchange(buffer_, {});
  }

  Reply get(std::string_view target, std::string_view headers = "") {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
         "\r\n");
    return receive();
  }

  // True when the server closes without sending anything else.
  bool closed(int timeout_ms = 5000) { return buffer_.empty() && !more(timeout_ms) && ended_; }

 private:
  bool more(int timeout_ms) {
    pollfd watched{fd_, POLLIN, 0};
    if (::poll(&watched, 1, timeout_ms) <= 0) return false;
    char bytes[16384];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string buffer_;
};

inline double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// Waits up to two seconds for something another thread brings about.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 400; ++i) {
    if (condition()) return true;
    ::usleep(5'000);
  }
  return condition();
}

}  // namespace sx::test
