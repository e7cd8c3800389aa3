// See access_log.h.
#include "server/http/access_log.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "engine/base/str.h"

namespace sx {
namespace {

// How often SIGUSR1 came: each log compares with what it has seen.
std::atomic<int> g_reopens_asked{0};
static_assert(std::atomic<int>::is_always_lock_free);

void ask_to_reopen(int) { g_reopens_asked.fetch_add(1, std::memory_order_relaxed); }

constexpr char kHex[] = "0123456789abcdef";

void append_padded(std::string& out, int value, int width) {
  const std::string digits = std::to_string(value);
  for (int i = static_cast<int>(digits.size()); i < width; ++i) out += '0';
  out += digits;
}

void append_iso_time(std::string& out, std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  append_padded(out, tm.tm_year + 1900, 4);
  out += '-';
  append_padded(out, tm.tm_mon + 1, 2);
  out += '-';
  append_padded(out, tm.tm_mday, 2);
  out += 'T';
  append_padded(out, tm.tm_hour, 2);
  out += ':';
  append_padded(out, tm.tm_min, 2);
  out += ':';
  append_padded(out, tm.tm_sec, 2);
  out += '.';
  append_padded(out, static_cast<int>(unix_ms % 1000), 3);
  out += 'Z';
}

void append_common_time(std::string& out, std::int64_t unix_ms) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  append_padded(out, tm.tm_mday, 2);
  out += str('/', std::string_view(kMonths[tm.tm_mon]), '/', tm.tm_year + 1900, ':');
  append_padded(out, tm.tm_hour, 2);
  out += ':';
  append_padded(out, tm.tm_min, 2);
  out += ':';
  append_padded(out, tm.tm_sec, 2);
  out += " +0000";
}

// Printable ASCII but for the quote and the backslash as is, everything else escaped. A byte above
// 0x7f becomes \u00XX in JSON (a target is bytes, not necessarily UTF-8) and \xXX otherwise.
void append_escaped(std::string& out, std::string_view text, bool json) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += json ? "\\u00" : "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

void append_id(std::string& out, std::uint64_t id) {
  for (int shift = 60; shift >= 0; shift -= 4) out += kHex[(id >> shift) & 15];
}

void append_line(std::string& out, const AccessEntry& e, AccessLogConfig::Format format) {
  if (format == AccessLogConfig::Format::Json) {
    out += "{\"time\":\"";
    append_iso_time(out, e.unix_ms);
    out += "\",\"remote\":\"";
    append_escaped(out, e.remote, true);
    out += "\",\"method\":\"";
    append_escaped(out, e.method, true);
    out += "\",\"target\":\"";
    append_escaped(out, e.target, true);
    out += str("\",\"status\":", e.status, ",\"bytes\":", e.bytes,
               ",\"duration_us\":", e.duration_us, ",\"id\":\"");
    append_id(out, e.id);
    out += "\"}\n";
    return;
  }
  append_escaped(out, e.remote.empty() ? "-" : e.remote, false);
  out += " - - [";
  append_common_time(out, e.unix_ms);
  out += "] \"";
  if (e.method.empty()) {
    out += '-';
  } else {
    append_escaped(out, e.method, false);
    out += ' ';
    append_escaped(out, e.target, false);
    out += str(" HTTP/", e.version);
  }
  out += str("\" ", e.status, " ", e.bytes, " ");
  if (format == AccessLogConfig::Format::Combined) {
    for (const std::string_view given : {e.referer, e.user_agent}) {
      out += '"';
      append_escaped(out, given.empty() ? "-" : given, false);
      out += "\" ";
    }
  }
  out += str(e.duration_us, " ");
  append_id(out, e.id);
  out += '\n';
}

Result<int> open_log(const std::string& path) {
  if (path.empty()) return STDERR_FILENO;
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return Error{str("cannot write the access log ", path, ": ", std::strerror(errno))};
  return fd;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) {
        ::usleep(10'000);
        continue;
      }
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Result<std::shared_ptr<AccessLog>> AccessLog::open(AccessLogConfig config) {
  SX_TRY(const int fd, open_log(config.path));
  struct sigaction action {};
  action.sa_handler = ask_to_reopen;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
  return std::shared_ptr<AccessLog>(new AccessLog(std::move(config), fd));
}

AccessLog::AccessLog(AccessLogConfig config, int fd)
    : config_(std::move(config)), reopens_seen_(g_reopens_asked.load()), fd_(fd) {
  // The writer takes no signals: they are for the threads that asked for them.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  if (fd_ != STDERR_FILENO) ::close(fd_);
}

std::string AccessLog::format(const AccessEntry& entry, AccessLogConfig::Format format) {
  std::string line;
  append_line(line, entry, format);
  return line;
}

void AccessLog::write(const AccessEntry& entry) {
  thread_local std::string line;
  line.clear();
  append_line(line, entry, config_.format);
  bool half_full = false;
  {
    const std::lock_guard lock(mutex_);
    if (buffer_.size() + line.size() > config_.buffer_bytes_max) {
      ++dropped_;
      return;
    }
    const bool before = buffer_.size() > 256 * 1024;
    buffer_ += line;
    half_full = !before && buffer_.size() > 256 * 1024;
  }
  if (half_full) wake_.notify_one();
}

void AccessLog::flush() {
  std::unique_lock lock(mutex_);
  flush_now_ = true;
  wake_.notify_one();
  written_.wait(lock, [this] { return buffer_.empty() && !writing_; });
}

Result<void> AccessLog::reopen() {
  if (config_.path.empty()) return {};
  SX_TRY(const int fd, open_log(config_.path));
  flush();
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return !writing_; });
  ::close(fd_);
  fd_ = fd;
  return {};
}

// What is in the buffer goes to the new file; one that cannot be opened leaves the old one in use.
void AccessLog::reopen_if_asked(std::unique_lock<std::mutex>& lock) {
  const int asked = g_reopens_asked.load(std::memory_order_relaxed);
  if (asked == reopens_seen_) return;
  reopens_seen_ = asked;
  if (config_.path.empty()) return;
  lock.unlock();
  const auto fd = open_log(config_.path);
  lock.lock();
  if (!fd.ok()) return;
  ::close(fd_);
  fd_ = *fd;
}

std::uint64_t AccessLog::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void AccessLog::run() {
  std::string out;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, std::chrono::milliseconds(config_.flush_interval_ms),
                   [this] { return stop_ || flush_now_ || buffer_.size() > 256 * 1024; });
    flush_now_ = false;
    reopen_if_asked(lock);
    if (dropped_ > dropped_reported_) {
      buffer_ += str("{\"dropped_lines\":", dropped_ - dropped_reported_, "}\n");
      dropped_reported_ = dropped_;
    }
    if (!buffer_.empty()) {
      out.swap(buffer_);
      writing_ = true;
      const int fd = fd_;
      lock.unlock();
      const bool written = write_all(fd, out);
      lock.lock();
      writing_ = false;
      // What could not be written (disk full) is gone: count it as one loss, keep serving.
      if (!written) ++dropped_;
      out.clear();
    }
    written_.notify_all();
    if (stop_ && buffer_.empty()) return;
  }
}

}  // namespace sx
