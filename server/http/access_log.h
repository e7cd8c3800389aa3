// One line per request, as JSON or in the common or combined log format, to stderr or a file.
//
// Workers format a line and append it to a buffer; a thread of the log's own writes the buffer out.
// A full disk or a stuck pipe therefore never stops a worker: lines over the buffer's limit are
// dropped, counted, and the count is logged when writing works again. Everything a client can
// choose (method, target, address as a proxy reports it) is escaped, so a line is always one line
// and always valid UTF-8.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "engine/base/result.h"

namespace sx {

struct AccessEntry {
  std::int64_t unix_ms = 0;  // when the response ended
  std::string_view remote;
  std::string_view method;  // empty when the request line was never understood
  std::string_view target;
  std::string_view version;
  int status = 0;
  std::uint64_t bytes = 0;  // of the body, as sent
  std::uint64_t duration_us = 0;
  std::uint64_t id = 0;
  std::string_view referer;  // for the combined format
  std::string_view user_agent;
};

struct AccessLogConfig {
  // Common and combined lines end in the duration in microseconds and the request's number.
  enum class Format { Json, Common, Combined };
  Format format = Format::Json;
  std::string path;  // empty: stderr
  std::size_t buffer_bytes_max = 4 * 1024 * 1024;
  std::uint32_t flush_interval_ms = 200;
};

class AccessLog {
 public:
  // Opens the file for appending; an error says why it cannot be written. From then on SIGUSR1 has
  // every log reopened.
  static Result<std::shared_ptr<AccessLog>> open(AccessLogConfig config);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  ~AccessLog();  // writes what is buffered

  void write(const AccessEntry& entry);  // any thread
  void flush();                          // returns when everything given before is written
  Result<void> reopen();                 // after the file was moved away (log rotation)
  std::uint64_t dropped() const;
  bool shows_agents() const { return config_.format == AccessLogConfig::Format::Combined; }

  // The line for an entry, with its newline.
  static std::string format(const AccessEntry& entry, AccessLogConfig::Format format);

 private:
  AccessLog(AccessLogConfig config, int fd);
  void run();

  void reopen_if_asked(std::unique_lock<std::mutex>& lock);

  const AccessLogConfig config_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;     // the writer's
  std::condition_variable written_;  // for flush()
  std::string buffer_;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_reported_ = 0;
  bool writing_ = false;
  bool stop_ = false;
  bool flush_now_ = false;
  int reopens_seen_;
  int fd_;
  std::thread thread_;
};

}  // namespace sx
