// Strings made from strings: case, trimming, splitting, joining, replacing, padding, format.
#include <algorithm>

#include "engine/base/scan.h"
#include "engine/prim/support.h"
#include "engine/render/html_buffer.h"

namespace sx {
namespace {

// The bit that tells upper from lower case, in every byte of w that is one of the 26 letters from
// `first` on. All bytes are ASCII.
constexpr std::uint64_t case_bits(std::uint64_t w, char first) {
  const std::uint64_t from = w + kEachByte * (0x80u - static_cast<unsigned char>(first));
  const std::uint64_t behind = w + kEachByte * (0x80u - static_cast<unsigned char>(first) - 26);
  return (from & ~behind & kTopBits) >> 2;
}

// The string in `rooted`, which is ASCII, in the other case. Its last word ends with zeros.
Value map_ascii(Context& cx, const Value& rooted, char first) {
  const auto words = [](const String* s) {
    return reinterpret_cast<const std::uint64_t*>(s->data());
  };
  const String* s = as_string(rooted);
  const std::size_t count = (s->byte_len + 7) / 8;
  std::size_t at = 0;
  while (at < count && case_bits(words(s)[at], first) == 0) ++at;
  if (at == count) return rooted;
  String* out = make_ascii(cx, s->byte_len);
  if (!out) return Value::unset();
  s = as_string(rooted);
  auto* to = reinterpret_cast<std::uint64_t*>(out->data());
  for (at = 0; at < count; ++at) to[at] = words(s)[at] ^ case_bits(words(s)[at], first);
  return Value::object(out);
}

// first: the first letter of the case that changes.
Value map_chars(Context& cx, const char* who, Value* args, char first,
                std::uint32_t (*map)(std::uint32_t)) {
  if (!want_string(cx, who, args[0])) return Value::unset();
  if (as_string(args[0])->ascii()) return map_ascii(cx, args[0], first);
  const std::string_view s = as_string(args[0])->view();
  std::string out;
  out.reserve(s.size());
  bool changed = false;
  for (std::size_t at = 0; at < s.size();) {
    const std::uint32_t c = utf8_decode(s, at);
    const std::uint32_t mapped = map(c);
    changed |= mapped != c;
    utf8_append(out, mapped);
  }
  return changed ? make_text(cx, out) : args[0];
}

Value trim(Context& cx, const char* who, Value* args, bool left, bool right) {
  if (!want_string(cx, who, args[0])) return Value::unset();
  const std::string_view s = as_string(args[0])->view();
  std::size_t from = 0, to = s.size();
  while (left && from < to) {
    std::size_t at = from;
    if (!is_whitespace(utf8_decode(s, at))) break;
    from = at;
  }
  while (right && to > from) {
    std::size_t start = to - 1;
    while (start > from && (static_cast<unsigned char>(s[start]) & 0xC0) == 0x80) --start;
    std::size_t at = start;
    if (!is_whitespace(utf8_decode(s, at))) break;
    to = start;
  }
  return make_substring(cx, args[0], static_cast<std::uint32_t>(from),
                        static_cast<std::uint32_t>(to));
}

struct Slice {
  std::uint32_t from, to;
};

Value list_of_slices(Context& cx, const Value& rooted, const std::vector<Slice>& slices) {
  ListBuilder out(cx);
  cx.charge(slices.size() * 48);
  for (const Slice& slice : slices) out.add(make_substring(cx, rooted, slice.from, slice.to));
  return out.finish();
}

Value pad(Context& cx, const char* who, Value* args, int count, bool left) {
  if (!want_string(cx, who, args[0])) return Value::unset();
  std::int64_t width = 0;
  if (!want_count(cx, who, args[1], width)) return Value::unset();
  std::uint32_t fill = ' ';
  if (count == 3) {
    const Value c = args[2];
    if (c.is_char()) {
      fill = c.id();
    } else if (is_string(c) && as_string(c)->char_len == 1) {
      std::size_t at = 0;
      fill = utf8_decode(as_string(c)->view(), at);
    } else {
      return cx.fail_type(who, "char", c);
    }
  }
  const String* s = as_string(args[0]);
  if (width <= s->char_len) return args[0];
  const auto missing = static_cast<std::uint64_t>(width) - s->char_len;
  if (!want_room(cx, who,
                 missing > kTextBytesMax ? SIZE_MAX : static_cast<std::size_t>(missing) * 4))
    return Value::unset();
  std::string padding, out;
  for (std::uint64_t i = 0; i < missing; ++i) utf8_append(padding, fill);
  s = as_string(args[0]);
  if (left) out += padding;
  out += s->view();
  if (!left) out += padding;
  return make_text(cx, out);
}

Value replace(Context& cx, const char* who, Value* args, bool all) {
  for (int i = 0; i < 3; ++i)
    if (!want_string(cx, who, args[i])) return Value::unset();
  const std::string_view s = as_string(args[0])->view(), part = as_string(args[1])->view(),
                         by = as_string(args[2])->view();
  if (part.empty()) return cx.fail("value-error", str(who, ": the part to replace is empty"));
  cx.charge(s.size());
  std::size_t at = find_text(s, part, 0);
  if (at == std::string_view::npos) return args[0];
  HtmlBuffer& out = empty_buffer(cx);
  std::size_t from = 0;
  while (at != std::string_view::npos) {
    out.put(s.substr(from, at - from));
    out.put(by);
    if (out.size() > kTextBytesMax) return want_room(cx, who, out.size()), Value::unset();
    from = at + part.size();
    at = all ? find_text(s, part, from) : std::string_view::npos;
  }
  out.put(s.substr(from));
  return make_text(cx, out.view());
}

}  // namespace

SX_PRIMITIVE(prim_string_upper) { return map_chars(cx, "string/upper", args, 'a', char_upcase); }
SX_PRIMITIVE(prim_string_lower) { return map_chars(cx, "string/lower", args, 'A', char_downcase); }
SX_PRIMITIVE(prim_string_trim) { return trim(cx, "string/trim", args, true, true); }
SX_PRIMITIVE(prim_string_trim_left) { return trim(cx, "string/trim-left", args, true, false); }
SX_PRIMITIVE(prim_string_trim_right) { return trim(cx, "string/trim-right", args, false, true); }
SX_PRIMITIVE(prim_string_pad_left) { return pad(cx, "string/pad-left", args, count, true); }
SX_PRIMITIVE(prim_string_pad_right) { return pad(cx, "string/pad-right", args, count, false); }
SX_PRIMITIVE(prim_string_replace) { return replace(cx, "string/replace", args, true); }
SX_PRIMITIVE(prim_string_replace_first) { return replace(cx, "string/replace-first", args, false); }

SX_PRIMITIVE(prim_string_split) {
  if (!want_string(cx, "string/split", args[0])) return Value::unset();
  std::string separator;
  if (args[1].is_char())
    utf8_append(separator, args[1].id());
  else if (want_string(cx, "string/split", args[1]))
    separator = as_string(args[1])->view();
  else
    return Value::unset();
  std::int64_t parts_max = INT64_MAX;
  if (count == 3 && !args[2].is_nil() && !want_count(cx, "string/split", args[2], parts_max))
    return Value::unset();
  if (parts_max == 0) parts_max = INT64_MAX;
  const std::string_view s = as_string(args[0])->view();
  cx.charge(s.size());
  std::vector<Slice> slices;
  const auto left = [&] { return static_cast<std::int64_t>(slices.size()) + 1 < parts_max; };
  std::size_t from = 0;
  if (separator.empty()) {
    while (from < s.size()) {
      std::size_t at = from;
      utf8_decode(s, at);
      if (!left()) at = s.size();
      slices.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at)});
      from = at;
    }
    return list_of_slices(cx, args[0], slices);
  }
  while (left()) {
    const std::size_t at = find_text(s, separator, from);
    if (at == std::string_view::npos) break;
    slices.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at)});
    from = at + separator.size();
  }
  slices.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(s.size())});
  return list_of_slices(cx, args[0], slices);
}

SX_PRIMITIVE(prim_string_lines) {
  if (!want_string(cx, "string/lines", args[0])) return Value::unset();
  const std::string_view s = as_string(args[0])->view();
  cx.charge(s.size());
  std::vector<Slice> slices;
  for (std::size_t from = 0; from < s.size();) {
    const std::size_t end = std::min(s.find('\n', from), s.size());
    const std::size_t to = end > from && s[end - 1] == '\r' && end < s.size() ? end - 1 : end;
    slices.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to)});
    from = end + 1;
  }
  return list_of_slices(cx, args[0], slices);
}

SX_PRIMITIVE(prim_string_join) {
  std::string separator;
  if (count == 2 && args[1].is_char()) {
    utf8_append(separator, args[1].id());
  } else if (count == 2) {
    if (!want_string(cx, "string/join", args[1])) return Value::unset();
    separator = as_string(args[1])->view();
  }
  std::vector<Value> elements;
  if (is_string(args[0])) return cx.fail_type("string/join", "list", args[0]);
  if (!gather(cx, "string/join", args[0], elements)) return Value::unset();
  HtmlBuffer& out = empty_buffer(cx);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) out.put(separator);
    if (is_string(elements[i]))
      out.put_inline(as_string(elements[i])->view());
    else
      append_display(cx, out, elements[i]);
    if (out.size() > kTextBytesMax && !want_room(cx, "string/join", out.size()))
      return Value::unset();
  }
  return make_text(cx, out.view());
}

SX_PRIMITIVE(prim_string_repeat) {
  if (!want_string(cx, "string/repeat", args[0])) return Value::unset();
  std::int64_t n = 0;
  if (!want_count(cx, "string/repeat", args[1], n)) return Value::unset();
  const std::string_view s = as_string(args[0])->view();
  if (s.empty()) return args[0];
  if (static_cast<std::uint64_t>(n) > kTextBytesMax / s.size())
    return want_room(cx, "string/repeat", SIZE_MAX), Value::unset();
  const std::size_t size = s.size() * static_cast<std::size_t>(n);
  if (!want_room(cx, "string/repeat", size)) return Value::unset();
  if (as_string(args[0])->ascii()) {
    String* made = make_ascii(cx, size);
    if (!made) return Value::unset();
    // What is there already is written behind itself, twice as much each time.
    char* const to = made->data();
    if (as_string(args[0])->byte_len == 1) {
      std::memset(to, *as_string(args[0])->data(), size);
      return Value::object(made);
    }
    std::size_t done = std::min(as_string(args[0])->view().size(), size);
    if (size > 0) std::memcpy(to, as_string(args[0])->data(), done);
    for (std::size_t more; done < size; done += more) {
      more = std::min(done, size - done);
      std::memcpy(to + done, to, more);
    }
    return Value::object(made);
  }
  HtmlBuffer& out = empty_buffer(cx);
  for (std::int64_t i = 0; i < n; ++i) out.put(s);
  return make_text(cx, out.view());
}

SX_PRIMITIVE(prim_string_reverse) {
  if (!want_string(cx, "string/reverse", args[0])) return Value::unset();
  const std::string_view s = as_string(args[0])->view();
  std::string out(s.size(), '\0');
  std::size_t to = s.size();
  for (std::size_t at = 0; at < s.size();) {
    const auto n = static_cast<std::size_t>(utf8_length(static_cast<unsigned char>(s[at])));
    to -= n;
    std::copy_n(s.data() + at, n, out.data() + to);
    at += n;
  }
  return make_text(cx, out);
}

}  // namespace sx
