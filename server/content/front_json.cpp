// JSON front matter (Hugo): one object at the head of the file. Strict but for trailing commas,
// which are named.
#include <cstdlib>
#include <string>

#include "engine/base/str.h"
#include "server/content/front_parts.h"
#include "server/content/utf8.h"

namespace sx {
namespace {

using Kind = FrontValue::Kind;

class JsonReader {
 public:
  JsonReader(std::string_view text, int first_line, const FrontLimits& limits,
             std::vector<std::string>& warnings)
      : text_(text), line_(first_line), limits_(limits), warnings_(warnings) {}

  Result<FrontValue> value(std::size_t depth) {
    if (depth > limits_.depth_max)
      return wrong(str("nested deeper than ", limits_.depth_max, " levels"));
    if (++count_ > limits_.values_max)
      return wrong(str("more than ", limits_.values_max, " values"));
    space();
    FrontValue out;
    out.line = line_;
    out.column = column();
    if (at_ >= text_.size()) return wrong("the text ends inside a value; close the braces");
    const char c = text_[at_];
    if (c == '{') return object(std::move(out), depth);
    if (c == '[') return array(std::move(out), depth);
    if (c == '"') {
      out.kind = Kind::String;
      out.quoted = true;
      SX_TRY(out.text, string());
      return out;
    }
    std::size_t end = at_;
    while (end < text_.size() &&
           std::string_view(" \t\r\n,]}").find(text_[end]) == std::string_view::npos)
      ++end;
    out.text = std::string(text_.substr(at_, end - at_));
    if (out.text == "null") {
      out.kind = Kind::Null;
    } else if (out.text == "true" || out.text == "false") {
      out.kind = Kind::Bool;
      out.boolean = out.text == "true";
    } else if (!number(out)) {
      return wrong("expected a value: \"text\" in quotes, a number, true, false, null, [ or {");
    }
    at_ = end;
    return out;
  }

  std::size_t position() const { return at_; }

 private:
  int column() const { return static_cast<int>(at_ - line_start_) + 1; }

  Error wrong(std::string_view what) const {
    return Error{front_place(line_, column(), str("JSON: ", what))};
  }

  void space() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  static bool number(FrontValue& out) {
    const std::string& t = out.text;
    std::size_t i = !t.empty() && t[0] == '-' ? 1 : 0;
    const auto digits = [&] {
      const std::size_t start = i;
      while (i < t.size() && t[i] >= '0' && t[i] <= '9') ++i;
      return i - start;
    };
    const std::size_t whole = digits();
    if (whole == 0 || (whole > 1 && t[i - whole] == '0')) return false;
    bool real = false;
    if (i < t.size() && t[i] == '.') {
      real = true;
      ++i;
      if (digits() == 0) return false;
    }
    if (i < t.size() && (t[i] == 'e' || t[i] == 'E')) {
      real = true;
      ++i;
      if (i < t.size() && (t[i] == '+' || t[i] == '-')) ++i;
      if (digits() == 0) return false;
    }
    if (i != t.size()) return false;
    out.kind = real || whole > 18 ? Kind::Float : Kind::Int;
    if (out.kind == Kind::Int) {
      out.integer = std::strtoll(t.c_str(), nullptr, 10);
    } else {
      out.real = std::strtod(t.c_str(), nullptr);
    }
    return true;
  }

  bool hex4(std::int32_t& out) {
    if (text_.size() - at_ < 4) return false;
    out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_ + static_cast<std::size_t>(i)];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      out = out * 16 + digit;
    }
    at_ += 4;
    return true;
  }

  Result<std::string> string() {
    std::string out;
    ++at_;
    for (;;) {
      if (at_ >= text_.size() || text_[at_] == '\n')
        return wrong("a string is not closed: \" is missing");
      const char c = text_[at_++];
      if (c == '"') return out;
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      const char e = at_ < text_.size() ? text_[at_++] : 0;
      switch (e) {
        case '"':
        case '\\':
        case '/':
          out.push_back(e);
          break;
        case 'b':
          out.push_back('\b');
          break;
        case 'f':
          out.push_back('\f');
          break;
        case 'n':
          out.push_back('\n');
          break;
        case 'r':
          out.push_back('\r');
          break;
        case 't':
          out.push_back('\t');
          break;
        case 'u': {
          std::int32_t high = 0;
          if (!hex4(high)) return wrong("\\u needs four hex digits");
          if (high >= 0xD800 && high < 0xDC00 && text_.substr(at_, 2) == "\\u") {
            const std::size_t back = at_;
            at_ += 2;
            std::int32_t low = 0;
            if (hex4(low) && low >= 0xDC00 && low < 0xE000) {
              high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            } else {
              at_ = back;
            }
          }
          append_utf8(out, high >= 0xD800 && high < 0xE000 ? 0xFFFD : high);
          break;
        }
        default:
          return wrong("unknown escape; write \\\\ for a backslash");
      }
    }
  }

  Result<FrontValue> object(FrontValue out, std::size_t depth) {
    out.kind = Kind::Map;
    ++at_;
    for (;;) {
      space();
      if (at_ < text_.size() && text_[at_] == '}') break;
      if (at_ >= text_.size() || text_[at_] != '"')
        return wrong("expected a field name in quotes or }");
      const int line = line_, place = column();
      SX_TRY(const std::string name, string());
      space();
      if (at_ >= text_.size() || text_[at_] != ':') return wrong("expected : after the field name");
      ++at_;
      SX_TRY(FrontValue field, value(depth + 1));
      front_put(out, name, std::move(field), line, place, warnings_);
      space();
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
      } else if (at_ >= text_.size() || text_[at_] != '}') {
        return wrong("expected , or } after a field");
      }
    }
    ++at_;
    return out;
  }

  Result<FrontValue> array(FrontValue out, std::size_t depth) {
    out.kind = Kind::List;
    ++at_;
    for (;;) {
      space();
      if (at_ < text_.size() && text_[at_] == ']') break;
      SX_TRY(FrontValue item, value(depth + 1));
      out.items.push_back(std::move(item));
      space();
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
      } else if (at_ >= text_.size() || text_[at_] != ']') {
        return wrong("expected , or ] after an item");
      }
    }
    ++at_;
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0, line_start_ = 0, count_ = 0;
  int line_;
  const FrontLimits& limits_;
  std::vector<std::string>& warnings_;
};

}  // namespace

Result<FrontValue> read_json(std::string_view text, int first_line, const FrontLimits& limits,
                             std::vector<std::string>& warnings, std::size_t& end) {
  JsonReader reader(text.substr(0, limits.bytes_max), first_line, limits, warnings);
  SX_TRY(FrontValue root, reader.value(0));
  end = reader.position();
  return root;
}

}  // namespace sx
