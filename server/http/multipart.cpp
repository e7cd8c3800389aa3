#include "server/http/multipart.h"

#include <algorithm>
#include <utility>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "server/http/field.h"

namespace sx {
namespace {

constexpr std::size_t kPaddingMax = 64;  // white space that may follow a boundary
constexpr std::string_view kCrlf = "\r\n";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// One parameter after a media type or disposition: `; name=token` or `; name="quoted"`. Takes it
// off the front of `text`. False: it is malformed.
bool take_parameter(std::string_view& text, std::string& name, std::string& value) {
  text = trimmed(text);
  if (text.empty() || text.front() != ';') return false;
  text = trimmed(text.substr(1));
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || !is_token(text.substr(0, equals))) return false;
  name = ascii_lower(text.substr(0, equals));
  text.remove_prefix(equals + 1);
  value.clear();
  if (text.empty() || text.front() != '"') {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view token = trimmed(text.substr(0, end));
    if (!is_token(token)) return false;
    value = token;
    text.remove_prefix(end);
    return true;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text = trimmed(text.substr(i + 1));
      return text.empty() || text.front() == ';';
    }
    // Only these two are escaped; elsewhere a backslash is one, as in the names of some systems.
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    value += text[i];
  }
  return false;
}

bool boundary_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  const std::size_t semicolon = std::min(content_type.find(';'), content_type.size());
  if (!same_name(trimmed(content_type.substr(0, semicolon)), "multipart/form-data"))
    return std::nullopt;
  std::string_view rest = content_type.substr(semicolon);
  std::string name, value, boundary;
  while (!rest.empty()) {
    if (!take_parameter(rest, name, value)) return std::string();
    if (name != "boundary") continue;
    if (!boundary.empty()) return std::string();
    boundary = value;
  }
  if (boundary.size() > 70 || (!boundary.empty() && boundary.back() == ' ')) return std::string();
  for (const char c : boundary)
    if (!boundary_char(c)) return std::string();
  return boundary;
}

MultipartParser::MultipartParser(std::string_view boundary, const MultipartLimits& limits,
                                 PartSink& sink)
    : limits_(limits), sink_(sink), delimiter_(str("\r\n--", boundary)) {}

bool MultipartParser::refuse(std::string why) {
  refusal_ = Refusal{400, std::move(why)};
  return false;
}

bool MultipartParser::take(std::optional<Refusal> refusal) {
  if (!refusal) return true;
  refusal_ = std::move(refusal);
  return false;
}

bool MultipartParser::put(std::string_view bytes) {
  if (refusal_) return false;
  if (state_ == State::Epilogue) return true;  // means nothing
  buffer_ += bytes;
  for (bool more = true; more;)
    if (!step(more)) return false;
  buffer_.erase(0, at_);
  at_ = 0;
  return true;
}

bool MultipartParser::finish() {
  if (refusal_) return false;
  if (state_ == State::Epilogue) return true;
  return refuse("the form ends before its last boundary");
}

bool MultipartParser::step(bool& more) {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  more = false;
  switch (state_) {
    case State::Start: {
      // The first delimiter may stand at the very start, without a line end before it.
      std::string_view wanted = delimiter_;
      if (rest.empty()) return true;
      if (rest[0] != '\r') wanted.remove_prefix(2);
      const std::size_t n = std::min(wanted.size(), rest.size());
      if (rest.substr(0, n) != wanted.substr(0, n))
        return refuse("the form does not begin with the boundary that its Content-Type names");
      if (n < wanted.size()) return true;
      at_ += n;
      state_ = State::AfterDelimiter;
      more = true;
      return true;
    }
    case State::AfterDelimiter: {
      if (rest.size() < 2) return true;
      if (rest.substr(0, 2) == "--") {
        state_ = State::Epilogue;
        buffer_.clear();
        at_ = 0;
        return true;
      }
      const std::size_t eol = std::min(rest.find_first_not_of(" \t"), rest.size());
      if (eol == rest.size() || (rest[eol] == '\r' && eol + 1 == rest.size())) {
        if (eol <= kPaddingMax) return true;
      } else if (eol <= kPaddingMax && rest.substr(eol, 2) == kCrlf) {
        if (++parts_ > limits_.parts_max)
          return take(Refusal{413, str("the form has more than ", limits_.parts_max, " parts")});
        at_ += eol + 2;
        state_ = State::Head;
        more = true;
        return true;
      }
      return refuse(
          "a boundary of the form is followed by something else than the end of its line");
    }
    case State::Head: {
      if (rest.substr(0, 2) == kCrlf) return refuse("a part of the form has no name");
      const std::size_t end = rest.find("\r\n\r\n");
      // Of one whose end has not come, the last three bytes may be the beginning of that.
      if (end == std::string_view::npos ? rest.size() > limits_.part_head_bytes_max + 3
                                        : end > limits_.part_head_bytes_max)
        return take(Refusal{
            431, str("the head of a part is larger than ", limits_.part_head_bytes_max, " bytes")});
      if (end == std::string_view::npos) return true;
      if (!read_head(rest.substr(0, end))) return false;
      at_ += end + 4;
      state_ = State::Data;
      more = true;
      return true;
    }
    case State::Data:
      return step_data(more);
    case State::Epilogue:
      return true;
  }
  return true;
}

bool MultipartParser::step_data(bool& more) {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  const std::size_t found = rest.find(delimiter_);
  if (found != std::string_view::npos) {
    if (found > 0 && !take(sink_.part_data(rest.substr(0, found)))) return false;
    if (!take(sink_.end_part())) return false;
    at_ += found + delimiter_.size();
    state_ = State::AfterDelimiter;
    more = true;
    return true;
  }
  // What could be the beginning of the delimiter stays.
  std::size_t keep = std::min(rest.size(), delimiter_.size() - 1);
  while (keep > 0 &&
         rest.substr(rest.size() - keep) != std::string_view(delimiter_).substr(0, keep))
    --keep;
  const std::size_t certain = rest.size() - keep;
  if (certain > 0 && !take(sink_.part_data(rest.substr(0, certain)))) return false;
  at_ += certain;
  return true;
}

bool MultipartParser::read_head(std::string_view lines) {
  PartHead head;
  bool disposed = false, named = false, typed = false;
  while (!lines.empty()) {
    const std::size_t eol = std::min(lines.find(kCrlf), lines.size());
    const std::string_view line = lines.substr(0, eol);
    lines.remove_prefix(std::min(eol + 2, lines.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return refuse("a part of the form has a line in its head that is not `Name: value`");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    for (const char c : value)
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
        return refuse("a part of the form has a control character in its head");
    if (same_name(name, "content-disposition")) {
      if (std::exchange(disposed, true))
        return refuse("a part of the form has more than one Content-Disposition");
      std::size_t end = std::min(value.find(';'), value.size());
      if (!same_name(trimmed(value.substr(0, end)), "form-data"))
        return refuse("a part of the form has a Content-Disposition other than form-data");
      std::string_view rest = value.substr(end);
      std::string key, text;
      while (!trimmed(rest).empty()) {
        if (!take_parameter(rest, key, text))
          return refuse("a part of the form has a Content-Disposition that cannot be read");
        if (!utf8_valid(text)) return refuse("a name in the form is not UTF-8 text");
        if (key == "name") {
          if (std::exchange(named, true)) return refuse("a part of the form has two names");
          head.name = text;
        } else if (key == "filename") {
          if (head.filename) return refuse("a part of the form has two file names");
          head.filename = text;
        }  // filename* does not belong in forms (RFC 7578 §4.2) and counts for nothing
      }
    } else if (same_name(name, "content-type")) {
      if (std::exchange(typed, true))
        return refuse("a part of the form has more than one Content-Type");
      if (!utf8_valid(value)) return refuse("a type in the form is not UTF-8 text");
      head.type = value;
    } else if (same_name(name, "content-transfer-encoding")) {
      if (!same_name(value, "binary") && !same_name(value, "8bit") && !same_name(value, "7bit"))
        return refuse(
            "a part of the form has a Content-Transfer-Encoding, which forms do not have");
    }
  }
  if (!named) return refuse("a part of the form has no name");
  return take(sink_.begin_part(head));
}

}  // namespace sx
