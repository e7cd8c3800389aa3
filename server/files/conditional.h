// Conditional and range requests (RFC 9110 §13 and §14), for files, blobs and answers of handlers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http.h"

namespace sx {

// What is known of the representation that a request is about.
struct Validators {
  std::string_view etag;                 // as in the header; empty: none
  std::optional<std::int64_t> modified;  // seconds since 1970
};

enum class Precondition { Proceed, NotModified, Failed };  // 304, 412

// The order of RFC 9110 §13.2.2: If-Match, else If-Unmodified-Since; then If-None-Match, else
// If-Modified-Since. A date that cannot be read counts as absent.
Precondition check_preconditions(const HttpRequest& request, const Validators& current);
// False: nothing in the request is a condition, so it is Proceed whatever is current.
bool has_precondition(const HttpRequest& request);

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  bool operator==(const ByteRange&) const = default;
};

struct RangeChoice {
  enum class Kind { Whole, Some, Unsatisfiable } kind = Kind::Whole;
  std::vector<ByteRange> ranges;  // Some: at least one, in the order asked for
};

// Which part of `size` bytes a GET asks for. Ranges that touch or overlap become one; what is no
// byte range, more than kRangesMax of them, or an If-Range that does not hold means all of it.
inline constexpr std::size_t kRangesMax = 16;
RangeChoice choose_ranges(const HttpRequest& request, std::uint64_t size,
                          const Validators& current);

// Makes the 200 response with these bytes a 206 or 416 if the request asks for ranges; otherwise
// the bytes become its body. The response has its Content-Type and its validators already; it gets
// Accept-Ranges.
void answer_ranges(const HttpRequest& request, HttpResponse& response, const Validators& current,
                   std::shared_ptr<const std::string> bytes);
void answer_ranges(const HttpRequest& request, HttpResponse& response, const Validators& current,
                   FileRange whole);

}  // namespace sx
