#include "server/cli/hand_over.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "engine/base/str.h"
#include "server/cli/control.h"

extern char** environ;

namespace sx::cli {
namespace {

// One byte says what a message is; descriptors travel beside it.
enum Kind : char {
  kListening = 'L',   // old → new: all listening sockets
  kReady = 'G',       // new → old: begin
  kConnection = 'C',  // old → new: one that is idle
  kReleased = 'R',    // old → new: the store is free
  kServing = 'S',     // new → old: we serve
};

constexpr std::size_t kDescriptorsMax = 250;  // the kernel takes 253 in one message
constexpr int kReadyMs = 120'000;
constexpr const char* kLeftSockets = "SX_LISTENING_SOCKETS";

bool send_message(int channel, Kind kind, std::span<const int> descriptors = {}) {
  char byte = kind;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<char> control(CMSG_SPACE(sizeof(int) * descriptors.size()));
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(head), descriptors.data(), sizeof(int) * descriptors.size());
  }
  for (;;) {
    const ssize_t n = ::sendmsg(channel, &message, MSG_NOSIGNAL);
    if (n == 1) return true;
    if (n < 0 && errno == EINTR) continue;
    return false;
  }
}

// The next message's kind, 0 at the end or after timeout_ms (-1: none).
char receive_message(int channel, std::vector<int>& descriptors, int timeout_ms) {
  pollfd watched{channel, POLLIN, 0};
  int ready;
  while ((ready = ::poll(&watched, 1, timeout_ms)) < 0 && errno == EINTR) {
  }
  if (ready <= 0) return 0;
  char byte = 0;
  iovec part{&byte, 1};
  char control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  while ((n = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (n != 1) return 0;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const std::size_t before = descriptors.size();
    descriptors.resize(before + count);
    std::memcpy(descriptors.data() + before, CMSG_DATA(head), count * sizeof(int));
  }
  return byte;
}

// Connections come by themselves, faster than the other side may read: both ends wait for room.
void be_patient(int channel) {
  timeval none{};
  ::setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
  ::setsockopt(channel, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
}

std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::string> words;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\0', at), all.size());
    words.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// Where the program lies, also when another file lies there by now.
std::string own_path() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  std::string text(path, n > 0 ? static_cast<std::size_t>(n) : 0);
  constexpr std::string_view kDeleted = " (deleted)";
  if (text.ends_with(kDeleted)) text.resize(text.size() - kDeleted.size());
  return text;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

// ---- the new process

Result<std::optional<TakeOver>> TakeOver::begin(const std::string& folder) {
  const int channel = connect_to_owner(folder);
  if (channel < 0) return std::optional<TakeOver>();
  TakeOver made(channel);
  be_patient(channel);
  if (!send_words(channel, {"hand-over"}) ||
      receive_message(channel, made.sockets_, kReadyMs) != kListening || made.sockets_.empty())
    return Error{str("the server that runs on ", folder,
                     " does not hand over: it is of another version, or is handing over already; "
                     "stop it first")};
  return std::optional<TakeOver>(std::move(made));
}

TakeOver::TakeOver(TakeOver&& other) noexcept
    : channel_(std::exchange(other.channel_, -1)),
      sockets_(std::move(other.sockets_)),
      connections_(std::move(other.connections_)) {}

TakeOver::~TakeOver() {
  if (channel_ >= 0) ::close(channel_);
  for (const int fd : connections_) ::close(fd);
}

Result<void> TakeOver::wait_for_store() {
  if (send_message(channel_, kReady)) {
    for (;;) {
      const char kind = receive_message(channel_, connections_, -1);
      if (kind == kConnection) continue;
      if (kind == kReleased) return {};
      break;
    }
  }
  return Error{"the server that was to be replaced went away before it had released its store"};
}

void TakeOver::done() {
  send_message(channel_, kServing);
  ::close(std::exchange(channel_, -1));
}

// ---- the old process

HandOver::~HandOver() {
  if (channel_ >= 0) ::close(channel_);
  for (const int fd : sockets_) ::close(fd);
}

bool HandOver::began() const {
  const std::lock_guard lock(mutex_);
  return channel_ >= 0;
}

bool HandOver::begin(int channel) {
  if (began() || beginning_.exchange(true)) {
    ::close(channel);
    return false;
  }
  be_patient(channel);
  std::vector<int> sockets = server_.listening_sockets();
  if (sockets.size() > kDescriptorsMax) sockets.resize(kDescriptorsMax);
  std::vector<int> none;
  if (!send_message(channel, kListening, sockets) ||
      receive_message(channel, none, kReadyMs) != kReady) {
    std::fprintf(stderr, "sx: the process that was to take over gave up; this one goes on\n");
    ::close(channel);
    beginning_ = false;
    return false;
  }
  for (const int fd : sockets) sockets_.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  {
    const std::lock_guard lock(mutex_);
    channel_ = channel;
  }
  auto sending = std::make_shared<std::mutex>();
  server_.hand_over(drain_ms_, [channel, sending](int fd) {
    const std::lock_guard lock(*sending);
    send_message(channel, kConnection, {&fd, 1});
    ::close(fd);
  });
  return true;
}

bool HandOver::finish() {
  std::vector<int> none;
  return send_message(channel_, kReleased) && receive_message(channel_, none, kReadyMs) == kServing;
}

Error HandOver::restart_in_place() {
  std::string list;
  for (const int fd : sockets_) {
    ::fcntl(fd, F_SETFD, 0);
    list += str(list.empty() ? "" : ",", fd);
  }
  ::setenv(kLeftSockets, list.c_str(), 1);
  std::vector<std::string> words = own_arguments();
  std::erase(words, "--replace");
  std::vector<char*> arguments = pointers(words);
  ::execv("/proc/self/exe", arguments.data());
  return Error{str("the server could not be started again: ", std::strerror(errno))};
}

Result<void> start_successor() {
  std::vector<std::string> words = own_arguments();
  if (words.empty()) return Error{"/proc/self/cmdline cannot be read"};
  std::erase(words, "--replace");
  words.push_back("--replace");
  const std::string path = own_path();
  std::vector<char*> arguments = pointers(words);
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, path.c_str(), nullptr, nullptr, arguments.data(), environ);
  if (failed != 0) return Error{str(path, " cannot be started: ", std::strerror(failed))};
  return {};
}

std::vector<int> left_sockets() {
  std::vector<int> sockets;
  const char* list = std::getenv(kLeftSockets);
  if (!list) return sockets;
  for (const char* at = list; *at != '\0';) {
    char* end = nullptr;
    const long fd = std::strtol(at, &end, 10);
    if (end == at) break;
    if (::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC) == 0)
      sockets.push_back(static_cast<int>(fd));
    at = *end == ',' ? end + 1 : end;
  }
  ::unsetenv(kLeftSockets);
  return sockets;
}

}  // namespace sx::cli
