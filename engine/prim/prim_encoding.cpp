// Encodings of text and bytes: HTML escapes, percent-encoding, base64, hexadecimal.
#include <algorithm>

#include "engine/prim/support.h"
#include "engine/render/html_buffer.h"

namespace sx {
namespace {

constexpr char kHexUpper[] = "0123456789ABCDEF";
constexpr char kHexLower[] = "0123456789abcdef";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void percent_encode(std::string& out, std::string_view text) {
  for (char c : text) {
    if (unreserved(c)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHexUpper[byte >> 4]);
    out.push_back(kHexUpper[byte & 15]);
  }
}

// Index of a broken escape, or npos when all is well; broken escapes are kept as they are.
std::size_t percent_decode(std::string& out, std::string_view text, bool form) {
  std::size_t broken = std::string_view::npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && form) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else if (i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      if (broken == std::string_view::npos) broken = i;
      out.push_back('%');
    }
  }
  return broken;
}

Value decoded_text(Context& cx, std::string text) {
  return make_text(cx, utf8_valid(text) ? text : utf8_replace_invalid(text));
}

bool is_keyword_named(Context& cx, Value v, std::string_view name) {
  return v.is_keyword() && cx.symbols.name(v.id()) == name;
}

// The bytes of a string or byte string.
bool want_data(Context& cx, const char* who, Value v, std::string_view& out) {
  if (is_string(v))
    out = as_string(v)->view();
  else if (is_bytes(v))
    out = {reinterpret_cast<const char*>(as_bytes(v)->data()), as_bytes(v)->byte_len};
  else
    return cx.fail_type(who, "bytes", v), false;
  cx.charge(out.size());
  return true;
}

Value bytes_of(Context& cx, const std::string& data) {
  return make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kBase64Url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

}  // namespace

SX_PRIMITIVE(prim_html_escape) {
  if (!want_string(cx, "html/escape", args[0])) return Value::unset();
  HtmlBuffer out;
  out.attribute(as_string(args[0])->view());
  return make_text(cx, out.view());
}

SX_PRIMITIVE(prim_url_encode) {
  std::string text, out;
  append_display(cx, text, args[0]);
  percent_encode(out, text);
  return make_text(cx, out);
}

SX_PRIMITIVE(prim_url_decode) {
  if (!want_string(cx, "url/decode", args[0])) return Value::unset();
  const bool form = count == 2 && is_keyword_named(cx, args[1], "form");
  std::string out;
  const std::size_t broken = percent_decode(out, as_string(args[0])->view(), form);
  if (broken != std::string_view::npos)
    return cx.fail("value-error",
                   str("url/decode: Expected two hexadecimal digits after the % at byte ", broken));
  return decoded_text(cx, std::move(out));
}

SX_PRIMITIVE(prim_url_encode_form) {
  if (args[0].is_nil()) return make_text(cx, "");
  if (!want_dict(cx, "url/encode-form", args[0])) return Value::unset();
  std::string out;
  Value key, value;
  const auto add = [&](Value v) {
    if (v.is_nil()) return;
    std::string name, text;
    if (key.is_keyword() || key.is_symbol())
      name = cx.symbols.name(key.id());
    else
      append_display(cx, name, key);
    append_display(cx, text, v);
    if (!out.empty()) out.push_back('&');
    percent_encode(out, name);
    out.push_back('=');
    percent_encode(out, text);
  };
  for (std::uint32_t i = 0; dict_entry(cx, args[0], i, key, value); ++i) {
    if (key.is_unset()) continue;
    if (is_pair(value) || value.is_empty_list() || is_vector(value)) {
      std::vector<Value> all;
      if (!gather(cx, "url/encode-form", value, all)) return Value::unset();
      for (Value v : all) add(v);
    } else {
      add(value);
    }
  }
  return make_text(cx, out);
}

SX_PRIMITIVE(prim_url_parse_query) {
  if (args[0].is_nil()) return empty_dict(cx);
  if (!want_string(cx, "url/parse-query", args[0])) return Value::unset();
  const bool all = count == 2 && is_keyword_named(cx, args[1], "all");
  std::string query(as_string(args[0])->view());
  cx.charge(query.size() * 4);
  std::string_view left = query;
  if (!left.empty() && left[0] == '?') left.remove_prefix(1);
  Root dict(cx.heap, empty_dict(cx)), key(cx.heap, Value::nil()), value(cx.heap, Value::nil());
  while (!left.empty()) {
    const std::size_t end = std::min(left.find('&'), left.size());
    const std::string_view part = left.substr(0, end);
    left.remove_prefix(end < left.size() ? end + 1 : end);
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    std::string name, text;
    percent_decode(name, part.substr(0, equals), true);
    if (equals < part.size()) percent_decode(text, part.substr(equals + 1), true);
    key = decoded_text(cx, std::move(name));
    value = decoded_text(cx, std::move(text));
    if (all) {
      const Value before = dict_get(cx, dict, key);
      ListBuilder joined(cx);
      Sequence values(cx, before.is_unset() ? Value::nil() : before);
      Value v;
      while (values.next(v)) joined.add(v);
      joined.add(value);
      value = joined.finish();
    }
    dict = dict_put(cx, dict, key, value);
  }
  return dict;
}

SX_PRIMITIVE(prim_base64_encode) {
  std::string_view data;
  if (!want_data(cx, "base64/encode", args[0], data)) return Value::unset();
  const bool url = count == 2 && is_keyword_named(cx, args[1], "url");
  const char* digits = url ? kBase64Url : kBase64;
  std::string out;
  out.reserve((data.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, data.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < n ? static_cast<unsigned char>(data[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) {
      if (k <= n)
        out.push_back(digits[group >> (18 - 6 * k) & 63]);
      else if (!url)
        out.push_back('=');
    }
  }
  return make_text(cx, out);
}

SX_PRIMITIVE(prim_base64_decode) {
  if (!want_string(cx, "base64/decode", args[0])) return Value::unset();
  const std::string_view text = as_string(args[0])->view();
  cx.charge(text.size());
  std::string out;
  std::uint32_t group = 0;
  int bits = 0;
  std::size_t digits = 0, padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int digit = base64_digit(c);
    if (digit < 0 || padding > 0)
      return cx.fail("value-error", str("base64/decode: byte ", i, " does not belong there"));
    ++digits;
    group = group << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>(group >> bits));
      group &= (1u << bits) - 1;
    }
  }
  if (digits % 4 == 1 || padding > 2 || (padding > 0 && (digits + padding) % 4 != 0))
    return cx.fail("value-error", str("base64/decode: ", digits, " digits and ", padding,
                                      " padding characters: the text is cut short"));
  if (group != 0) return cx.fail("value-error", "base64/decode: the last digit has stray bits");
  return bytes_of(cx, out);
}

SX_PRIMITIVE(prim_hex_encode) {
  std::string_view data;
  if (!want_data(cx, "hex/encode", args[0], data)) return Value::unset();
  std::string out;
  out.reserve(data.size() * 2);
  for (char c : data) {
    out.push_back(kHexLower[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kHexLower[static_cast<unsigned char>(c) & 15]);
  }
  return make_text(cx, out);
}

SX_PRIMITIVE(prim_hex_decode) {
  if (!want_string(cx, "hex/decode", args[0])) return Value::unset();
  const std::string_view text = as_string(args[0])->view();
  cx.charge(text.size());
  if (text.size() % 2 != 0)
    return cx.fail("value-error",
                   str("hex/decode: Expected an even number of digits, got ", text.size()));
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0)
      return cx.fail("value-error",
                     str("hex/decode: byte ", high < 0 ? i : i + 1, " is no hexadecimal digit"));
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes_of(cx, out);
}

}  // namespace sx
