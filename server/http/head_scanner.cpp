// See head_scanner.h.
#include "server/http/head_scanner.h"

#include <cstring>

#include "engine/base/str.h"

namespace sx {
namespace {

// The longest method and version we read, and the spaces between: what a request line may have
// beside its target.
constexpr std::size_t kRequestLineExtra = 40;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void HeadScanner::reset() {
  at_ = seen_ = line_ = 0;
  refusal_ = {};
}

HeadScanner::State HeadScanner::refuse(int status, std::string why) {
  refusal_ = {status, std::move(why)};
  return State::Refused;
}

HeadScanner::State HeadScanner::scan(std::string_view head) {
  if (seen_ < at_) seen_ = at_;
  // Said at once: a handshake need not have a line end, and nobody waits for what is not coming.
  if (line_ == 0 && !head.empty() && head[0] == '\x16')
    return refuse(400, "this port speaks HTTP without TLS: the address begins with http://");
  while (seen_ < head.size()) {
    const void* found = std::memchr(head.data() + seen_, '\n', head.size() - seen_);
    if (!found) {
      seen_ = head.size();
      break;
    }
    const std::size_t lf = static_cast<std::size_t>(static_cast<const char*>(found) - head.data());
    // Too long comes first, as it would if the bytes arrived one by one.
    if (const State state = check_size(lf, lf + 1); state == State::Refused) return state;
    if (lf == at_ || head[lf - 1] != '\r')
      return refuse(400,
                    str("line ", line_ + 1, " of the request ends with LF alone, expected CR LF"));
    const std::string_view line = head.substr(at_, lf - 1 - at_);
    if (std::memchr(line.data(), '\r', line.size()))
      return refuse(400,
                    str("line ", line_ + 1, " of the request contains a CR that ends no line"));
    if (std::memchr(line.data(), '\0', line.size()))
      return refuse(400, str("line ", line_ + 1, " of the request contains a NUL byte"));
    at_ = seen_ = lf + 1;
    if (line_ == 0) {
      if (const State state = check_request_line(line); state == State::Refused) return state;
    } else if (line.empty()) {
      return State::Complete;
    } else if (line[0] == ' ' || line[0] == '\t') {
      return refuse(400, str("header line ", line_,
                             " begins with white space (continued headers are not allowed)"));
    } else if (line_ > limits_.header_count_max) {
      return refuse(431,
                    str("the request has more than ", limits_.header_count_max, " header lines"));
    }
    ++line_;
  }
  return check_size(head.size(), head.size());
}

HeadScanner::State HeadScanner::check_size(std::size_t line_end, std::size_t bytes) {
  if (line_ == 0 && line_end > limits_.target_bytes_max + kRequestLineExtra)
    return refuse(414,
                  str("the request target is longer than ", limits_.target_bytes_max, " bytes"));
  if (bytes > limits_.header_bytes_max)
    return refuse(431, str("the request head is larger than ", limits_.header_bytes_max, " bytes"));
  return State::More;
}

HeadScanner::State HeadScanner::check_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || last == first)
    return refuse(400, "the request line is not `method target HTTP/1.1`");
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (target.size() > limits_.target_bytes_max)
    return refuse(414,
                  str("the request target is longer than ", limits_.target_bytes_max, " bytes"));
  if (target.empty() || target.find(' ') != std::string_view::npos)
    return refuse(400, "the request line has more than two spaces");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (version.size() == 8 && version.substr(0, 5) == "HTTP/" && is_digit(version[5]) &&
        version[6] == '.' && is_digit(version[7]))
      return refuse(505, str("this server speaks HTTP/1.1, not ", version));
    return refuse(400, "the request line does not end with HTTP/1.1");
  }
  return State::Complete;
}

}  // namespace sx
