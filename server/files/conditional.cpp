#include "server/files/conditional.h"

#include <algorithm>
#include <atomic>

#include "engine/base/str.h"
#include "server/files/negotiate.h"
#include "server/http/field.h"

namespace sx {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool is_weak(std::string_view etag) { return etag.starts_with("W/"); }

// Strong comparison: a weak tag equals nothing.
bool strongly_listed(std::string_view list, std::string_view etag) {
  if (trim(list) == "*") return true;
  if (etag.empty() || is_weak(etag)) return false;
  for (;;) {
    const std::size_t open = list.find('"');
    if (open == std::string_view::npos) return false;
    const std::size_t close = list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    const bool weak = open >= 2 && list.substr(open - 2, 2) == "W/";
    if (!weak && list.substr(open, close + 1 - open) == etag) return true;
    list.remove_prefix(close + 1);
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// One range-spec. False: malformed, so the whole header counts for nothing. A range that lies
// behind the end is well-formed and absent.
bool read_spec(std::string_view text, std::uint64_t size, std::vector<ByteRange>& out) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  const std::string_view from = text.substr(0, dash), to = text.substr(dash + 1);
  if (from.empty()) {
    const auto last = number(to);
    if (!last) return false;
    const std::uint64_t length = std::min(*last, size);
    if (length > 0) out.push_back({size - length, length});
    return true;
  }
  const auto first = number(from);
  const auto last = to.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : number(to);
  if (!first || !last || *last < *first) return false;
  if (*first < size) out.push_back({*first, std::min(*last, size - 1) - *first + 1});
  return true;
}

// Ranges that touch or overlap as one.
std::vector<ByteRange> merged(const std::vector<ByteRange>& ranges) {
  std::vector<ByteRange> out;
  for (ByteRange next : ranges) {
    for (std::size_t i = 0; i < out.size();) {
      const ByteRange& have = out[i];
      const bool apart =
          next.first > have.first + have.length || have.first > next.first + next.length;
      if (apart) {
        ++i;
        continue;
      }
      const std::uint64_t first = std::min(have.first, next.first);
      next = {first, std::max(have.first + have.length, next.first + next.length) - first};
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
      i = 0;
    }
    out.push_back(next);
  }
  return out;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return str("bytes ", range.first, "-", range.first + range.length - 1, "/", size);
}

// Not to be guessed by who makes the file: no content of theirs can look like the end of a part.
std::string fresh_boundary() {
  static std::atomic<std::uint64_t> count{0};
  static const std::uint64_t seed =
      reinterpret_cast<std::uintptr_t>(&count) * 0x9e3779b97f4a7c15ULL;
  std::uint64_t n = (seed ^ ++count) * 0xbf58476d1ce4e5b9ULL;
  n ^= n >> 31;
  std::string text = "sx-part-";
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[n >> shift & 15];
  return text;
}

template <class Single, class Part>
void answer(const HttpRequest& request, HttpResponse& response, const Validators& current,
            std::uint64_t size, Single single, Part part) {
  response.set_header("Accept-Ranges", "bytes");
  RangeChoice choice;
  if (request.method == "GET" && response.status == 200)
    choice = choose_ranges(request, size, current);
  switch (choice.kind) {
    case RangeChoice::Kind::Whole:
      return single({0, size});
    case RangeChoice::Kind::Unsatisfiable:
      response =
          HttpResponse::text(416, str("416 Range Not Satisfiable: there are ", size, " bytes\n"));
      response.set_header("Content-Range", str("bytes */", size));
      response.set_header("Accept-Ranges", "bytes");
      return;
    case RangeChoice::Kind::Some:
      break;
  }
  response.status = 206;
  if (choice.ranges.size() == 1) {
    response.set_header("Content-Range", content_range(choice.ranges[0], size));
    return single(choice.ranges[0]);
  }
  const std::string boundary = fresh_boundary();
  const std::string* type = response.header("Content-Type");
  const std::string type_line = type ? str("Content-Type: ", *type, "\r\n") : "";
  for (const ByteRange& range : choice.ranges)
    part(str("\r\n--", boundary, "\r\n", type_line, "Content-Range: ", content_range(range, size),
             "\r\n\r\n"),
         range);
  part(str("\r\n--", boundary, "--\r\n"), {});
  response.set_header("Content-Type", str("multipart/byteranges; boundary=", boundary));
}

}  // namespace

bool has_precondition(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers)
    if (name.size() >= 8 && name.compare(0, 3, "if-") == 0) return true;
  return false;
}

Precondition check_preconditions(const HttpRequest& request, const Validators& current) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (const std::string* match = request.header("if-match")) {
    if (!strongly_listed(*match, current.etag)) return Precondition::Failed;
  } else if (const std::string* since = request.header("if-unmodified-since");
             since && current.modified) {
    if (const auto then = parse_http_date(*since); then && *current.modified > *then)
      return Precondition::Failed;
  }
  if (const std::string* none = request.header("if-none-match")) {
    if (trim(*none) == "*" || (!current.etag.empty() && etag_listed(*none, current.etag)))
      return reads ? Precondition::NotModified : Precondition::Failed;
  } else if (const std::string* since = request.header("if-modified-since");
             since && reads && current.modified) {
    if (const auto then = parse_http_date(*since); then && *current.modified <= *then)
      return Precondition::NotModified;
  }
  return Precondition::Proceed;
}

RangeChoice choose_ranges(const HttpRequest& request, std::uint64_t size,
                          const Validators& current) {
  const std::string* header = request.header("range");
  if (!header) return {};
  if (const std::string* condition = request.header("if-range")) {
    // A strong tag or the exact date; anything else means "send it all".
    const std::string_view given = trim(*condition);
    const bool same_tag = !current.etag.empty() && !is_weak(current.etag) && given == current.etag;
    const bool same_date = current.modified && parse_http_date(given) == current.modified;
    if (!same_tag && !same_date) return {};
  }
  std::string_view list = trim(*header);
  if (list.size() < 6 || !same_name(list.substr(0, 6), "bytes=")) return {};
  list.remove_prefix(6);
  RangeChoice choice;
  std::size_t specs = 0;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    const std::string_view spec = trim(list.substr(0, comma));
    more = comma != std::string_view::npos;
    if (more) list.remove_prefix(comma + 1);
    if (spec.empty()) continue;  // lists may have empty elements
    if (++specs > kRangesMax || !read_spec(spec, size, choice.ranges)) return {};
  }
  if (specs == 0) return {};
  if (choice.ranges.empty()) {
    choice.kind = RangeChoice::Kind::Unsatisfiable;
    return choice;
  }
  choice.kind = RangeChoice::Kind::Some;
  choice.ranges = merged(choice.ranges);
  return choice;
}

void answer_ranges(const HttpRequest& request, HttpResponse& response, const Validators& current,
                   std::shared_ptr<const std::string> bytes) {
  std::string parts;
  bool several = false;
  answer(
      request, response, current, bytes->size(),
      [&](const ByteRange& range) {
        if (range.length == bytes->size()) {
          response.body = bytes;
        } else {
          response.body = bytes->substr(range.first, range.length);
        }
      },
      [&](const std::string& head, const ByteRange& range) {
        several = true;
        parts += head;
        parts.append(*bytes, range.first, range.length);
      });
  if (several) response.body = std::move(parts);
}

void answer_ranges(const HttpRequest& request, HttpResponse& response, const Validators& current,
                   FileRange whole) {
  const std::uint64_t start = whole.offset;
  auto parts = std::make_shared<FileParts>();
  answer(
      request, response, current, whole.length,
      [&](const ByteRange& range) {
        whole.offset = start + range.first;
        whole.length = range.length;
        response.body = whole;
      },
      [&](const std::string& head, const ByteRange& range) {
        parts->push_back({head, {whole.path, start + range.first, range.length, whole.file}});
      });
  if (!parts->empty()) response.body = std::move(parts);
}

}  // namespace sx
