// JSON (RFC 8259): own reader and writer, iterative, so nesting is bounded by memory and :depth.
// Objects keep the order of their keys; the last of equal keys wins. Integers are exact whatever
// their size, numbers with a fraction or exponent are floats.
#include <cmath>

#include "engine/base/scan.h"
#include "engine/prim/support.h"
#include "engine/value/root_list.h"

namespace sx {
namespace {

constexpr std::int64_t kDepthMax = 100'000;
constexpr std::size_t kShared = 256;  // places, named by a byte
constexpr std::size_t kSharedBytesMax = 24;
constexpr std::size_t kSmallDigits = 14;  // as many as always fit a small integer

class JsonReader {
 public:
  JsonReader(Context& cx, std::string_view text, bool keywords, std::int64_t depth_max)
      : cx_(cx),
        text_(text),
        keywords_(keywords),
        depth_max_(depth_max),
        values_(cx.heap),
        shared_(cx.heap) {}

  Value read() {
    for (;;) {
      if (!read_value()) return Value::unset();
      if (opened_) {  // a container began: its first element or key is next
        opened_ = false;
        continue;
      }
      // A value is complete: close what ends here, until another value is due.
      for (;;) {
        skip_space();
        if (levels_.empty()) {
          if (at_ != text_.size()) return fail("the end of the text");
          return values_.back();
        }
        const char c = peek();
        const bool object = levels_.back().object;
        if (c == ',') {
          ++at_;
          skip_space();
          if (object && !read_key()) return Value::unset();
          break;
        }
        if (c != (object ? '}' : ']')) return fail(object ? "',' or '}'" : "',' or ']'");
        ++at_;
        if (!close()) return Value::unset();
      }
    }
  }

 private:
  struct Level {
    bool object;
    std::size_t base;  // first value of the container in values_
  };

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  Value fail(std::string_view expected) {
    std::size_t line = 1, start = 0;
    for (std::size_t i = 0; i < at_ && i < text_.size(); ++i)
      if (text_[i] == '\n') {
        ++line;
        start = i + 1;
      }
    const std::size_t column = utf8_count(text_.substr(start, at_ - start)) + 1;
    std::string found = "the end of the text";
    if (at_ < text_.size()) {
      std::size_t next = at_;
      const std::uint32_t c = utf8_decode(text_, next);
      found =
          c < 32 ? str("the control character ", c) : str("'", text_.substr(at_, next - at_), "'");
    }
    return cx_.fail("json-error", str("json/read: line ", line, ", column ", column, ": expected ",
                                      expected, ", found ", found));
  }

  // Reads one scalar, an empty container, or the opening of a container.
  bool read_value() {
    skip_space();
    switch (peek()) {
      case '{':
      case '[': {
        const bool object = peek() == '{';
        if (static_cast<std::int64_t>(levels_.size()) >= depth_max_) {
          cx_.fail("json-error",
                   str("json/read: nested deeper than ", depth_max_, ": give {:depth n} for more"));
          return false;
        }
        ++at_;
        levels_.push_back({object, values_.size()});
        skip_space();
        if (peek() == (object ? '}' : ']')) {
          ++at_;
          return close();
        }
        opened_ = true;
        return !object || read_key();
      }
      case '"':
        return read_string(false);
      case 't':
        return read_word("true", Value::tru());
      case 'f':
        return read_word("false", Value::fals());
      case 'n':
        return read_word("null", Value::nil());
      default:
        break;
    }
    if (peek() == '-' || (peek() >= '0' && peek() <= '9')) return read_number();
    fail("a value");
    return false;
  }

  bool read_word(std::string_view word, Value v) {
    if (text_.substr(at_, word.size()) != word) {
      fail(word);
      return false;
    }
    at_ += word.size();
    values_.push(v);
    return true;
  }

  bool read_key() {
    if (peek() != '"') {
      fail("a string (the key)");
      return false;
    }
    if (!read_string(true)) return false;
    skip_space();
    if (peek() != ':') {
      fail("':'");
      return false;
    }
    ++at_;
    return true;
  }

  bool read_hex4(std::uint32_t& out) {
    out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      std::uint32_t digit;
      if (c >= '0' && c <= '9')
        digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<std::uint32_t>(c - 'A' + 10);
      else
        return fail("four hexadecimal digits"), false;
      out = out * 16 + digit;
      ++at_;
    }
    return true;
  }

  bool read_escape() {
    const char c = peek();
    switch (c) {
      case '"':
      case '\\':
      case '/':
        buffer_.push_back(c);
        break;
      case 'b':
        buffer_.push_back('\b');
        break;
      case 'f':
        buffer_.push_back('\f');
        break;
      case 'n':
        buffer_.push_back('\n');
        break;
      case 'r':
        buffer_.push_back('\r');
        break;
      case 't':
        buffer_.push_back('\t');
        break;
      case 'u': {
        ++at_;
        std::uint32_t unit;
        if (!read_hex4(unit)) return false;
        if (unit >= 0xD800 && unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
          at_ += 2;
          std::uint32_t low;
          if (!read_hex4(low)) return false;
          if (low < 0xDC00 || low > 0xDFFF)
            return fail("the second half of a surrogate pair"), false;
          unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }
        if (!utf8_is_scalar(unit)) return fail("the other half of a surrogate pair"), false;
        utf8_append(buffer_, unit);
        return true;
      }
      default:
        return fail("an escape: one of \" \\ / b f n r t u"), false;
    }
    ++at_;
    return true;
  }

  bool read_string(bool key) {
    ++at_;
    buffer_.clear();
    for (;;) {
      const std::size_t end = scan_uncontrolled(text_, at_, '"');
      std::string_view plain = text_.substr(at_, end - at_);
      at_ = end;
      if (peek() == '"' && at_ < text_.size()) {
        ++at_;
        if (!buffer_.empty()) plain = buffer_.append(plain);
        values_.push(key && keywords_ ? cx_.keyword(plain) : text(plain));
        return true;
      }
      if (peek() != '\\' || at_ >= text_.size()) return fail("'\"'"), false;
      buffer_.append(plain);
      ++at_;
      if (!read_escape()) return false;
    }
  }

  // Short texts come again and again (keys above all): each place of a small table remembers the
  // last one that belongs there. Saves memory, and hashing and comparing what is the same object.
  Value text(std::string_view plain) {
    if (plain.size() > kSharedBytesMax) return make_string(cx_, plain);
    std::uint64_t mixed = plain.size();
    for (std::size_t at = 0; at < plain.size(); at += 8)
      mixed = (mixed ^ load_upto8(plain.data() + at, plain.size() - at)) * 0x9E3779B97F4A7C15u;
    const auto place = static_cast<std::size_t>(mixed >> 56);
    if (shared_.size() == 0)
      for (std::size_t i = 0; i < kShared; ++i) shared_.push(Value::nil());
    const Value known = shared_[place];
    if (!known.is_nil() && as_string(known)->view() == plain) return known;
    const Value made = make_string(cx_, plain);
    shared_[place] = made;
    return made;
  }

  bool read_number() {
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (peek() >= '0' && peek() <= '9') ++at_;
      return at_ > from;
    };
    if (peek() == '-') ++at_;
    if (peek() == '0')
      ++at_;
    else if (!digits())
      return fail("a digit"), false;
    bool integral = true;
    if (peek() == '.') {
      integral = false;
      ++at_;
      if (!digits()) return fail("a digit"), false;
    }
    if (peek() == 'e' || peek() == 'E') {
      integral = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return fail("a digit"), false;
    }
    const std::string_view number = text_.substr(start, at_ - start);
    if (integral && number.size() <= kSmallDigits) {
      std::int64_t n = 0;
      for (const char c : number)
        if (c != '-') n = n * 10 + (c - '0');
      values_.push(Value::small_int(number[0] == '-' ? -n : n));
      return true;
    }
    const Value v = parse_number(cx_, number);
    const bool fits = integral ? is_integer(v) : v.is_double() && std::isfinite(v.as_double());
    if (!fits) {
      at_ = start;
      return fail("a number in range"), false;
    }
    values_.push(v);
    return true;
  }

  bool close() {
    const Level level = levels_.back();
    levels_.pop_back();
    const auto n = static_cast<std::uint32_t>(values_.size() - level.base);
    const Value made = level.object ? dict_from_entries(cx_, values_.data() + level.base, n / 2)
                                    : make_vector_rooted(cx_, values_.data() + level.base, n);
    if (made.is_unset()) return false;
    values_.truncate(level.base);
    values_.push(made);
    return true;
  }

  Context& cx_;
  std::string_view text_;
  bool keywords_;
  std::int64_t depth_max_;
  RootList values_;
  RootList shared_;
  std::vector<Level> levels_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool opened_ = false;
};

}  // namespace

void append_json_string(std::string& out, std::string_view s) {
  out.push_back('"');
  for (std::size_t from = 0;;) {
    const std::size_t end = scan_uncontrolled(s, from, '"');
    out.append(s, from, end - from);
    if (end == s.size()) break;
    from = end + 1;
    const auto c = static_cast<unsigned char>(s[end]);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default: {
        const char* hex = "0123456789abcdef";
        out += "\\u00";
        out.push_back(hex[c >> 4]);
        out.push_back(hex[c & 15]);
      }
    }
  }
  out.push_back('"');
}

namespace {

// Writes without allocating on the SX heap, so raw values stay right.
class JsonWriter {
 public:
  JsonWriter(Context& cx, std::int64_t indent) : cx_(cx), indent_(indent) {}

  bool write(Value root) {
    if (!begin(root)) return false;
    while (!levels_.empty()) {
      // Asked now and then: shared structure may make more text than there is memory for.
      if (out_.size() > checked_ + (std::size_t{1} << 20)) {
        checked_ = out_.size();
        if (!want_room(cx_, "json/write", checked_)) return false;
      }
      Level& level = levels_.back();
      Value key, value;
      bool has_key = false;
      if (!advance(level, key, value, has_key)) {
        const char close = level.close;
        const bool empty = level.first;
        levels_.pop_back();
        if (!empty) new_line();
        out_.push_back(close);
        continue;
      }
      if (!level.first) out_.push_back(',');
      level.first = false;
      new_line();
      if (has_key) {
        if (!write_key(key)) return false;
        out_ += indent_ > 0 ? ": " : ":";
      }
      if (!begin(value)) return false;
    }
    return true;
  }
  const std::string& text() const { return out_; }

 private:
  struct Level {
    Value rest;  // the container; of a list what is left
    std::uint32_t at = 0;
    char close;
    bool first = true;
  };

  void new_line() {
    if (indent_ == 0) return;
    out_.push_back('\n');
    out_.append(levels_.size() * static_cast<std::size_t>(indent_), ' ');
  }

  bool fail(Value v) {
    cx_.fail("type-error", str("json/write: JSON has no form for a ", type_name(v)), v);
    return false;
  }

  // Writes a scalar, or opens a container.
  bool begin(Value v) {
    if (v.is_nil())
      out_ += "null";
    else if (v.is_bool())
      out_ += v.truthy() ? "true" : "false";
    else if (is_integer(v))
      out_ += int_to_string(v);
    else if (v.is_double()) {
      if (!std::isfinite(v.as_double())) {
        cx_.fail("value-error",
                 str("json/write: JSON has no form for ", double_to_string(v.as_double())));
        return false;
      }
      out_ += double_to_string(v.as_double());
    } else if (is_string(v))
      append_json_string(out_, as_string(v)->view());
    else if (v.is_keyword() || v.is_symbol())
      append_json_string(out_, cx_.symbols.name(v.id()));
    else if (v.is_char()) {
      std::string text;
      utf8_append(text, v.id());
      append_json_string(out_, text);
    } else if (is_pair(v) || v.is_empty_list() || is_vector(v) || is_kind(v, Kind::Set)) {
      out_.push_back('[');
      levels_.push_back({v, 0, ']', true});
    } else if (is_dict(v)) {
      out_.push_back('{');
      levels_.push_back({v, 0, '}', true});
    } else if (is_kind(v, Kind::Record)) {
      out_.push_back('{');
      levels_.push_back({v, 0, '}', true});
    } else if (is_kind(v, Kind::TypedArray)) {
      return write_typed(static_cast<const TypedArray*>(v.as_object()));
    } else {
      return fail(v);
    }
    return true;
  }

  bool write_typed(const TypedArray* array) {
    out_.push_back('[');
    for (std::uint32_t i = 0; i < array->count; ++i) {
      if (i > 0) out_.push_back(',');
      const std::string text = typed_text(array, i);
      if (text.back() == '0' && (text == "+nan.0" || text == "+inf.0" || text == "-inf.0")) {
        cx_.fail("value-error", str("json/write: JSON has no form for ", text));
        return false;
      }
      out_ += text;
    }
    out_.push_back(']');
    return true;
  }

  bool write_key(Value key) {
    if (is_string(key))
      append_json_string(out_, as_string(key)->view());
    else if (key.is_keyword() || key.is_symbol())
      append_json_string(out_, cx_.symbols.name(key.id()));
    else if (is_integer(key))
      append_json_string(out_, int_to_string(key));
    else {
      cx_.fail("type-error",
               str("json/write: Expected a string, keyword, symbol or integer as a key, got ",
                   type_name(key)),
               key);
      return false;
    }
    return true;
  }

  bool advance(Level& level, Value& key, Value& value, bool& has_key) {
    const Value v = level.rest;
    if (is_pair(v)) {
      value = car(v);
      level.rest = cdr(v);
      if (!is_pair(level.rest)) level.rest = Value::empty_list();
      return true;
    }
    if (is_vector(v)) {
      if (level.at >= vector_count(v)) return false;
      value = vector_get(v, level.at++);
      return true;
    }
    if (!v.is_object()) return false;
    if (is_kind(v, Kind::Record)) {
      const auto* record = static_cast<const Record*>(v.as_object());
      if (level.at + 2 >= record->words) return false;
      key = vector_get(static_cast<const RecordType*>(record->type.as_object())->fields, level.at);
      value = record->fields()[level.at++];
      has_key = true;
      return true;
    }
    const bool set = is_kind(v, Kind::Set);
    do {
      if (!dict_entry(cx_, set ? set_dict(v) : v, level.at, key, value)) return false;
      ++level.at;
    } while (key.is_unset());
    if (set) value = key;
    has_key = !set;
    return true;
  }

  Context& cx_;
  std::int64_t indent_;
  std::string out_;
  std::vector<Level> levels_;
  std::size_t checked_ = 0;
};

// An option of an options dict, or nil.
Value option(Context& cx, Value* args, int count, std::string_view name) {
  if (count < 2 || args[1].is_nil()) return Value::nil();
  const Value v = dict_get(cx, args[1], cx.keyword(name));
  return v.is_unset() ? Value::nil() : v;
}

}  // namespace

SX_PRIMITIVE(prim_json_read) {
  if (!want_string(cx, "json/read", args[0])) return Value::unset();
  if (count == 2 && !args[1].is_nil() && !want_dict(cx, "json/read", args[1]))
    return Value::unset();
  std::int64_t depth = kDepthMax;
  const Value limit = option(cx, args, count, "depth");
  if (!limit.is_nil() && !want_count(cx, "json/read", limit, depth)) return Value::unset();
  // What is old stays where it is; young text is read from a copy.
  std::string_view text = as_string(args[0])->view();
  std::string copy;
  if (!(args[0].as_object()->gc & kGcOld)) text = copy = text;
  cx.charge(text.size() * 4);
  JsonReader reader(cx, text, option(cx, args, count, "keywords").truthy(), depth);
  return reader.read();
}

namespace {

// The JSON text of args[0] with the options args[1]. False: cx.error is set.
bool write_json(Context& cx, const char* who, Value* args, int count, std::string& out) {
  if (count == 2 && !args[1].is_nil() && !want_dict(cx, who, args[1])) return false;
  std::int64_t indent = 0;
  const Value wanted = option(cx, args, count, "indent");
  if (!wanted.is_nil() && !want_count(cx, who, wanted, indent)) return false;
  JsonWriter writer(cx, indent > 16 ? 16 : indent);
  if (!writer.write(args[0])) return false;
  out = writer.text();
  return true;
}

}  // namespace

SX_PRIMITIVE(prim_json_write) {
  std::string text;
  return write_json(cx, "json/write", args, count, text) ? make_text(cx, text) : Value::unset();
}

// What could mean something to a parser of HTML, and the ends of lines that JSON allows and old
// JavaScript does not, stand in strings only: there an escape is the same character.
SX_PRIMITIVE(prim_html_json) {
  std::string text;
  if (!write_json(cx, "html/json", args, count, text)) return Value::unset();
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view at(text.data() + i, text.size() - i);
    if (at[0] == '<' || at[0] == '>' || at[0] == '&') {
      out += at[0] == '<' ? "\\u003c" : at[0] == '>' ? "\\u003e" : "\\u0026";
    } else if (at.starts_with("\xE2\x80\xA8") || at.starts_with("\xE2\x80\xA9")) {
      out += at[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += at[0];
    }
  }
  Value made = make_text(cx, out);
  return made.is_unset() ? made : prim_raw(cx, &made, 1);
}

}  // namespace sx
