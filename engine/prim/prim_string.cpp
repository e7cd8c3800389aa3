// Strings: parts, positions, comparison, conversion. Indexes count code points.
#include <algorithm>

#include "engine/prim/support.h"
#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "engine/render/html_buffer.h"

namespace sx {
namespace {

// Index in code points of a byte offset.
std::int64_t char_index(const String* s, std::size_t offset) {
  return static_cast<std::int64_t>(s->ascii() ? offset : utf8_count(s->view().substr(0, offset)));
}

bool want_two_strings(Context& cx, const char* who, Value* args) {
  return want_string(cx, who, args[0]) && want_string(cx, who, args[1]);
}

}  // namespace

namespace {

constexpr std::size_t kShortBytes = 1024;
constexpr std::size_t kCharsWithoutIndex = 64;

std::size_t decimal_length(std::uint64_t n) {
  std::size_t length = 1;
  for (; n >= 10000; n /= 10000) length += 4;
  return length + (n >= 10) + (n >= 100) + (n >= 1000);
}

// Texts and small integers are put straight into the string they make, when that is short: most of
// what programs put together. Unset: there is something else.
Value joined(Context& cx, Value* args, int count) {
  std::size_t bytes = 0, chars = 0;
  for (int i = 0; i < count; ++i) {
    const Value v = args[i];
    if (is_string(v)) {
      bytes += as_string(v)->byte_len;
      chars += as_string(v)->char_len;
    } else if (v.is_int()) {
      const std::int64_t n = v.as_int();
      const std::size_t length = n < 0 ? 1 + decimal_length(static_cast<std::uint64_t>(-n))
                                       : decimal_length(static_cast<std::uint64_t>(n));
      bytes += length;
      chars += length;
    } else {
      return Value::unset();
    }
    if (bytes > kShortBytes) return Value::unset();
  }
  if (bytes != chars && chars > kCharsWithoutIndex) return Value::unset();
  String* const made =
      new_string(cx, static_cast<std::uint32_t>(bytes), static_cast<std::uint32_t>(chars));
  char* to = made->data();
  for (int i = 0; i < count; ++i) {
    const Value v = args[i];
    if (is_string(v)) {
      to = HtmlBuffer::copy(to, as_string(v)->data(), as_string(v)->byte_len);
      continue;
    }
    const std::int64_t n = v.as_int();
    auto rest = static_cast<std::uint64_t>(n);
    if (n < 0) {
      *to++ = '-';
      rest = 0 - rest;
    }
    to += decimal_length(rest);
    char* digit = to;
    for (; rest > UINT32_MAX; rest /= 10) *--digit = static_cast<char>('0' + rest % 10);
    auto small = static_cast<std::uint32_t>(rest);
    do *--digit = static_cast<char>('0' + small % 10);
    while ((small /= 10) != 0);
  }
  return Value::object(made);
}

}  // namespace

SX_PRIMITIVE(prim_str) {
  if (count == 1 && is_string(args[0])) return args[0];
  const Value short_text = joined(cx, args, count);
  if (!short_text.is_unset()) return short_text;
  HtmlBuffer& out = empty_buffer(cx);
  for (int i = 0; i < count; ++i) append_display(cx, out, args[i]);
  const bool large = out.size() > kTextBytesMax / 256;
  const Value made = make_text(cx, out.view());
  if (large) empty_buffer(cx);  // it is given back now, not at the next use
  return made;
}

SX_PRIMITIVE(prim_string_length) {
  if (!want_string(cx, "string/length", args[0])) return Value::unset();
  return Value::small_int(as_string(args[0])->char_len);
}

SX_PRIMITIVE(prim_string_slice) {
  if (!want_string(cx, "string/slice", args[0])) return Value::unset();
  const std::int64_t n = as_string(args[0])->char_len;
  std::int64_t from = 0, to = n;
  if (args[1].is_int()) {
    from = args[1].as_int();
  } else if (!want_int64(cx, "string/slice", args[1], from)) {
    return Value::unset();
  }
  if (count == 3 && args[2].is_int()) {
    to = args[2].as_int();
  } else if (count == 3 && !args[2].is_nil() && !want_int64(cx, "string/slice", args[2], to)) {
    return Value::unset();
  }
  if (from < 0) from = std::max<std::int64_t>(0, from + n);
  if (to < 0) to = std::max<std::int64_t>(0, to + n);
  from = std::min(from, n);
  to = std::max(from, std::min(to, n));
  const std::uint32_t a = string_offset(as_string(args[0]), static_cast<std::uint32_t>(from));
  const std::uint32_t b = string_offset(as_string(args[0]), static_cast<std::uint32_t>(to));
  return make_substring(cx, args[0], a, b);
}

SX_PRIMITIVE(prim_string_index_of) {
  if (!want_two_strings(cx, "string/index-of", args)) return Value::unset();
  std::int64_t from = 0;
  if (count == 3 && !want_count(cx, "string/index-of", args[2], from)) return Value::unset();
  const String* s = as_string(args[0]);
  if (from > s->char_len) return Value::nil();
  cx.charge(s->byte_len);
  const std::size_t at = find_text(s->view(), as_string(args[1])->view(),
                                   string_offset(s, static_cast<std::uint32_t>(from)));
  return at == std::string_view::npos ? Value::nil() : Value::small_int(char_index(s, at));
}

SX_PRIMITIVE(prim_string_last_index_of) {
  if (!want_two_strings(cx, "string/last-index-of", args)) return Value::unset();
  const String* s = as_string(args[0]);
  cx.charge(s->byte_len);
  const std::size_t at = s->view().rfind(as_string(args[1])->view());
  return at == std::string_view::npos ? Value::nil() : Value::small_int(char_index(s, at));
}

SX_PRIMITIVE(prim_string_contains) {
  if (!want_two_strings(cx, "string/contains?", args)) return Value::unset();
  cx.charge(as_string(args[0])->byte_len);
  return Value::boolean(find_text(as_string(args[0])->view(), as_string(args[1])->view(), 0) !=
                        std::string_view::npos);
}

SX_PRIMITIVE(prim_string_starts_with) {
  if (!want_two_strings(cx, "string/starts-with?", args)) return Value::unset();
  return Value::boolean(as_string(args[0])->view().starts_with(as_string(args[1])->view()));
}

SX_PRIMITIVE(prim_string_ends_with) {
  if (!want_two_strings(cx, "string/ends-with?", args)) return Value::unset();
  return Value::boolean(as_string(args[0])->view().ends_with(as_string(args[1])->view()));
}

SX_PRIMITIVE(prim_string_is_blank) {
  if (args[0].is_nil()) return Value::tru();
  if (!want_string(cx, "string/blank?", args[0])) return Value::unset();
  const std::string_view s = as_string(args[0])->view();
  for (std::size_t at = 0; at < s.size();)
    if (!is_whitespace(utf8_decode(s, at))) return Value::fals();
  return Value::tru();
}

// UTF-8 orders like the code points it encodes.
SX_PRIMITIVE(prim_string_compare) {
  if (!want_two_strings(cx, "string/compare", args)) return Value::unset();
  const int c = as_string(args[0])->view().compare(as_string(args[1])->view());
  return Value::small_int(c < 0 ? -1 : c > 0 ? 1 : 0);
}

SX_PRIMITIVE(prim_string_less) {
  for (int i = 0; i < count; ++i)
    if (!want_string(cx, "string<?", args[i])) return Value::unset();
  for (int i = 0; i + 1 < count; ++i)
    if (as_string(args[i])->view().compare(as_string(args[i + 1])->view()) >= 0)
      return Value::fals();
  return Value::tru();
}

SX_PRIMITIVE(prim_string_to_list) {
  if (!want_string(cx, "string->list", args[0])) return Value::unset();
  std::vector<Value> chars;  // immediates
  const std::string_view s = as_string(args[0])->view();
  for (std::size_t at = 0; at < s.size();) chars.push_back(Value::character(utf8_decode(s, at)));
  cx.charge(chars.size() * 24);
  return make_list(cx, chars);
}

SX_PRIMITIVE(prim_list_to_string) {
  std::vector<Value> chars;
  if (!gather(cx, "list->string", args[0], chars)) return Value::unset();
  std::string out;
  for (Value c : chars) {
    if (!c.is_char()) return cx.fail_type("list->string", "char", c);
    utf8_append(out, c.id());
  }
  return make_text(cx, out);
}

SX_PRIMITIVE(prim_string_to_symbol) {
  if (args[0].is_symbol()) return args[0];
  if (!want_string(cx, "string->symbol", args[0])) return Value::unset();
  return cx.symbol(as_string(args[0])->view());
}
SX_PRIMITIVE(prim_symbol_to_string) {
  if (!args[0].is_symbol()) return cx.fail_type("symbol->string", "symbol", args[0]);
  return make_text(cx, cx.symbols.name(args[0].id()));
}
SX_PRIMITIVE(prim_string_to_keyword) {
  if (args[0].is_keyword()) return args[0];
  if (!want_string(cx, "string->keyword", args[0])) return Value::unset();
  return cx.keyword(as_string(args[0])->view());
}
SX_PRIMITIVE(prim_keyword_to_string) {
  if (!args[0].is_keyword()) return cx.fail_type("keyword->string", "keyword", args[0]);
  return make_text(cx, cx.symbols.name(args[0].id()));
}

SX_PRIMITIVE(prim_write_string) { return make_text(cx, written(cx, args[0])); }

SX_PRIMITIVE(prim_display_string) { return prim_str(cx, args, 1); }

SX_PRIMITIVE(prim_read_string) {
  if (!want_string(cx, "read-string", args[0])) return Value::unset();
  const std::string text(as_string(args[0])->view());  // the reader allocates
  cx.charge(text.size() * 4);
  Result<Value> value = read_data(cx, text);
  if (!value.ok()) return cx.fail("read-error", value.error().message);
  return *value;
}

}  // namespace sx
