#include "server/cli/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "engine/base/str.h"

namespace sx::cli {

namespace {

// Request: u32 words, then u32 length and bytes of each. Answer: frames of u8 kind, u32 length,
// bytes; kind 1 output, 2 messages, 0 the end with the exit status as one byte. Host byte order:
// both ends are the same machine.
constexpr std::size_t kClientsMax = 16;
constexpr int kStopSeconds = 10;   // for running commands when the server ends
constexpr int kWordsSeconds = 10;  // for the words of a command to arrive
// A client that takes nothing for so long is given up: the export it reads keeps old pages alive.
constexpr int kStallSeconds = 60;
constexpr std::uint32_t kWordsMax = 64;
constexpr std::uint32_t kWordBytesMax = 1 << 16;

bool read_all(int fd, void* to, std::size_t size) {
  auto* p = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = ::read(fd, p, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    p += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_all(int fd, const void* from, std::size_t size) {
  const auto* p = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t put = ::send(fd, p, size, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    p += put;
    size -= static_cast<std::size_t>(put);
  }
  return true;
}

bool write_frame(int fd, std::uint8_t kind, std::string_view bytes) {
  const auto length = static_cast<std::uint32_t>(bytes.size());
  return write_all(fd, &kind, 1) && write_all(fd, &length, 4) &&
         write_all(fd, bytes.data(), bytes.size());
}

std::optional<std::vector<std::string>> read_words(int fd) {
  std::uint32_t count = 0;
  if (!read_all(fd, &count, 4) || count > kWordsMax) return std::nullopt;
  std::vector<std::string> words(count);
  for (std::string& word : words) {
    std::uint32_t length = 0;
    if (!read_all(fd, &length, 4) || length > kWordBytesMax) return std::nullopt;
    word.resize(length);
    if (!read_all(fd, word.data(), length)) return std::nullopt;
  }
  return words;
}

bool address_of(const std::string& path, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

std::string socket_path(const std::string& folder) { return str(folder, "/control.sock"); }

}  // namespace

CommandOutput terminal_output() {
  return {[](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); },
          [](std::string_view text) {
            std::fflush(stdout);
            std::fwrite(text.data(), 1, text.size(), stderr);
          },
          isatty(STDERR_FILENO) != 0};
}

Result<std::unique_ptr<ControlServer>> ControlServer::start(
    const std::string& folder, ControlCommand run, std::function<void(int channel)> hand_over) {
  const std::string path = socket_path(folder);
  sockaddr_un address;
  if (!address_of(path, address))
    return Error{str(path, ": the path of the data folder is too long for a control socket (",
                     sizeof address.sun_path - 1, " bytes); choose a shorter one with --data")};
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error{str("control socket: ", std::strerror(errno))};
  ::unlink(path.c_str());  // we own the store: whoever left it is gone
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 8) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd);
    return Error{str(path, ": the control socket cannot be made: ", why)};
  }
  return std::unique_ptr<ControlServer>(
      new ControlServer(fd, path, std::move(run), std::move(hand_over)));
}

ControlServer::ControlServer(int fd, std::string path, ControlCommand run,
                             std::function<void(int channel)> hand_over)
    : fd_(fd), path_(std::move(path)), run_(std::move(run)), hand_over_(std::move(hand_over)) {
  if (::pipe(wake_) != 0) wake_[0] = wake_[1] = -1;
  thread_ = std::thread([this] { serve(); });
}

ControlServer::~ControlServer() {
  ::unlink(path_.c_str());
  if (wake_[1] >= 0) ::close(wake_[1]);
  ::shutdown(fd_, SHUT_RDWR);
  thread_.join();
  wait_for_clients();
  ::close(fd_);
  if (wake_[0] >= 0) ::close(wake_[0]);
}

void ControlServer::serve() {
  while (true) {
    pollfd waiting[2] = {{fd_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno == EINTR) continue;
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents & (POLLERR | POLLHUP | POLLNVAL)) return;
    const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    forget_done();
    if (clients_.size() >= kClientsMax) {
      write_frame(client, 2, "error: the server runs too many commands already, try again later\n");
      write_frame(client, 0, "\1");
      ::close(client);
      continue;
    }
    Client& made = clients_.emplace_back();
    made.fd = client;
    made.thread = std::thread([this, &made] {
      answer(made);
      made.done = true;
    });
  }
}

void ControlServer::forget_done() {
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (!client->done) {
      ++client;
      continue;
    }
    client->thread.join();
    if (client->fd >= 0) ::close(client->fd);
    client = clients_.erase(client);
  }
}

// What they have begun they may end; who does not take what is written is not waited for.
void ControlServer::wait_for_clients() {
  for (int tries = 0; tries < kStopSeconds * 100 && !clients_.empty(); ++tries) {
    forget_done();
    if (!clients_.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  for (Client& client : clients_)
    if (client.fd >= 0) ::shutdown(client.fd, SHUT_RDWR);
  for (Client& client : clients_) {
    client.thread.join();
    if (client.fd >= 0) ::close(client.fd);
  }
}

// One client from its words to its end.
void ControlServer::answer(Client& made) {
  const int client = made.fd;
  const auto patience = [client](int option, int seconds) {
    const timeval time{seconds, 0};
    ::setsockopt(client, SOL_SOCKET, option, &time, sizeof time);
  };
  patience(SO_RCVTIMEO, kWordsSeconds);
  patience(SO_SNDTIMEO, kStallSeconds);
  const auto words = read_words(client);
  if (hand_over_ && words && *words == std::vector<std::string>{"hand-over"}) {
    patience(SO_SNDTIMEO, kWordsSeconds);
    made.fd = -1;
    return hand_over_(client);
  }
  if (words) {
    // A frame that was cut must not be followed by another: the client could not tell them apart.
    bool lost = false;
    const auto say = [&](std::uint8_t kind, std::string_view bytes) {
      if (!lost && !write_frame(client, kind, bytes)) lost = true;
    };
    const CommandOutput output{[&](std::string_view text) { say(1, text); },
                               [&](std::string_view text) { say(2, text); }, false,
                               [&] { return lost; }};
    const char status = static_cast<char>(run_(*words, output));
    say(0, {&status, 1});
  }
  ::shutdown(client, SHUT_RDWR);
}

int connect_to_owner(const std::string& folder) {
  sockaddr_un address;
  if (!address_of(socket_path(folder), address)) return -1;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;  // nobody there, or a socket left by a process that died
}

bool send_words(int fd, const std::vector<std::string>& words) {
  const auto count = static_cast<std::uint32_t>(words.size());
  bool sent = write_all(fd, &count, 4);
  for (const std::string& word : words) {
    const auto length = static_cast<std::uint32_t>(word.size());
    sent = sent && write_all(fd, &length, 4) && write_all(fd, word.data(), word.size());
  }
  return sent;
}

std::optional<int> run_by_owner(const std::string& folder, const std::string& store_url,
                                const std::vector<std::string>& words,
                                const CommandOutput& output) {
  const int fd = connect_to_owner(folder);
  if (fd < 0) return std::nullopt;
  std::vector<std::string> all = words;
  if (!store_url.empty()) all.insert(all.begin(), str(kForStore, store_url));
  const bool sent = send_words(fd, all);
  std::optional<int> status;
  while (sent && !status) {
    std::uint8_t kind = 0;
    std::uint32_t length = 0;
    if (!read_all(fd, &kind, 1) || !read_all(fd, &length, 4)) break;
    std::string bytes(length, '\0');
    if (!read_all(fd, bytes.data(), length)) break;
    if (kind == 0)
      status = bytes.empty() ? 1 : static_cast<unsigned char>(bytes[0]);
    else
      (kind == 1 ? output.out : output.err)(bytes);
  }
  ::close(fd);
  if (status == kOtherStore) return std::nullopt;
  if (!status) {
    output.err(
        "error: the server went away while it ran the command; what it had finished stays\n");
    status = 1;
  }
  return status;
}

}  // namespace sx::cli
