#include "server/store/dump_lines.h"

#include <algorithm>
#include <charconv>

#include "engine/base/str.h"
#include "engine/base/utf8.h"

namespace sx::store {
namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// {"name":"text","name":12,…}
class FieldParser {
 public:
  explicit FieldParser(std::string_view line) : rest_(line) {}

  Result<JsonFields> parse() {
    JsonFields fields;
    if (!take('{')) return wrong("'{'");
    for (bool first = true; !take('}'); first = false) {
      if (!first && !take(',')) return wrong("',' or '}'");
      std::string name;
      if (!text(name)) return wrong("the name of a field in quotes");
      if (!take(':')) return wrong("':'");
      if (!rest_.empty() && rest_.front() == '"') {
        std::string value;
        if (!text(value)) return wrong("a text that ends");
        fields[name] = std::move(value);
      } else {
        std::int64_t n = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), n);
        if (error != std::errc()) return wrong("a text or a whole number");
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        fields[name] = n;
      }
    }
    if (!rest_.empty()) return wrong("the end of the line");
    return fields;
  }

 private:
  Error wrong(std::string_view expected) {
    return Error{str("expected ", expected, ", found '", rest_.substr(0, 20), "'")};
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool text(std::string& out) {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (rest_.empty()) return false;
      const char escape = rest_.front();
      rest_.remove_prefix(1);
      switch (escape) {
        case 'n':
          out += '\n';
          break;
        case 't':
          out += '\t';
          break;
        case 'r':
          out += '\r';
          break;
        case 'b':
          out += '\b';
          break;
        case 'f':
          out += '\f';
          break;
        case 'u': {
          unsigned code = 0;
          const auto [end, error] = std::from_chars(
              rest_.data(), rest_.data() + std::min<std::size_t>(rest_.size(), 4), code, 16);
          // We write no others; whoever edits an export keeps to UTF-8.
          if (error != std::errc() || end != rest_.data() + 4 || code >= 0x80) return false;
          rest_.remove_prefix(4);
          out += static_cast<char>(code);
          break;
        }
        case '"':
        case '\\':
        case '/':
          out += escape;
          break;
        default:
          return false;
      }
    }
    return false;
  }
  std::string_view rest_;
};

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kBase64[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

bool unbase64(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const char* at = c ? std::find(kBase64, kBase64 + 64, c) : kBase64 + 64;
    if (at == kBase64 + 64) return false;
    group = group << 6 | static_cast<std::uint32_t>(at - kBase64);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits);
      group &= (1u << bits) - 1;
    }
  }
  return group == 0;
}

Line& Line::text(std::string_view name, std::string_view text) {
  if (!utf8_valid(text)) return raw(str(name, "64"), str('"', base64(text), '"'));
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20) {
      quoted += "\\u00";
      quoted += "0123456789abcdef"[byte >> 4];
      quoted += "0123456789abcdef"[byte & 15];
    } else {
      quoted += c;
    }
  }
  return raw(name, quoted + "\"");
}

Line& Line::raw(std::string_view name, std::string_view value) {
  out_ += str(out_.empty() ? "{" : ",", '"', name, "\":", value);
  return *this;
}

bool Fields::has(std::string_view name) const {
  return fields_.count(name) != 0 || fields_.count(str(name, "64")) != 0;
}

std::string Fields::text(std::string_view name) {
  if (const auto found = fields_.find(name); found != fields_.end())
    if (const auto* value = std::get_if<std::string>(&found->second)) return *value;
  if (const auto found = fields_.find(str(name, "64")); found != fields_.end()) {
    std::string out;
    const auto* value = std::get_if<std::string>(&found->second);
    if (value && unbase64(*value, out)) return out;
  }
  complain(str("the text \"", name, "\" is missing"));
  return "";
}

std::int64_t Fields::number(std::string_view name) {
  if (const auto found = fields_.find(name); found != fields_.end())
    if (const auto* value = std::get_if<std::int64_t>(&found->second)) return *value;
  complain(str("the number \"", name, "\" is missing"));
  return 0;
}

std::uint64_t Fields::count(std::string_view name) {
  const std::int64_t n = number(name);
  if (n < 0) complain(str("\"", name, "\" is ", n, ", expected 0 or more"));
  return static_cast<std::uint64_t>(n);
}

void Fields::complain(std::string what) {
  if (complaint_.empty()) complaint_ = std::move(what);
}

Result<JsonFields> parse_json_fields(std::string_view line) { return FieldParser(line).parse(); }

}  // namespace sx::store
