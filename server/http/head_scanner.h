// Finds the end of a request head in a growing buffer and refuses what lenient parsers disagree on.
//
// Request smuggling lives on differences between two readers of the same bytes, so everything that
// is not plainly a head by RFC 9112 is refused here, before the message parser sees it: bare CR or
// LF, NUL, continuation lines (obs-fold), white space before the colon or at the start, a
// request line that is not exactly `method SP target SP version`, and heads over the limits. The
// scan is incremental: a byte is looked at once however slowly it arrives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sx {

// A request that is not going to be handled: the status and, for the person at the other end, why.
struct Refusal {
  int status = 0;
  std::string why;
};

struct HeadLimits {
  std::size_t header_bytes_max;
  std::size_t header_count_max;
  std::size_t target_bytes_max;
};

class HeadScanner {
 public:
  enum class State { More, Complete, Refused };

  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}

  // Forgets the last request; the next scan begins with a new one.
  void reset();

  // `head` begins at the same byte each time until reset() and may only grow.
  State scan(std::string_view head);

  std::size_t head_bytes() const { return at_; }       // when Complete, with the final empty line
  const Refusal& refusal() const { return refusal_; }  // when Refused
  bool saw_request_line() const { return line_ > 0; }

 private:
  State refuse(int status, std::string why);
  // The line being read ends at line_end, or goes on behind it; `bytes` are there of the head.
  State check_size(std::size_t line_end, std::size_t bytes);
  State check_request_line(std::string_view line);

  HeadLimits limits_;
  std::size_t at_ = 0;    // start of the line being read
  std::size_t seen_ = 0;  // no LF in [at_, seen_)
  std::size_t line_ = 0;  // number of complete lines
  Refusal refusal_;
};

}  // namespace sx
