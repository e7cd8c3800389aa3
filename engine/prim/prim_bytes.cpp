// Byte strings.
#include <algorithm>

#include "engine/prim/support.h"

namespace sx {

SX_PRIMITIVE(prim_string_to_bytes) {
  if (!want_string(cx, "string->bytes", args[0])) return Value::unset();
  const std::string text(as_string(args[0])->view());
  cx.charge(text.size());
  return make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

SX_PRIMITIVE(prim_bytes_to_string) {
  if (!want_bytes(cx, "bytes->string", args[0])) return Value::unset();
  const Bytes* b = as_bytes(args[0]);
  const std::string text(reinterpret_cast<const char*>(b->data()), b->byte_len);
  const std::size_t valid = utf8_valid_prefix(text);
  if (valid == text.size()) return make_text(cx, text);
  if (count == 2 && args[1].is_keyword() && cx.symbols.name(args[1].id()) == "replace")
    return make_text(cx, utf8_replace_invalid(text));
  return cx.fail("value-error", str("bytes->string: invalid UTF-8 at byte ", valid,
                                    ": give :replace to put U+FFFD where the text is broken"));
}

SX_PRIMITIVE(prim_bytes) {
  std::vector<std::uint8_t> out;
  for (int i = 0; i < count; ++i) {
    std::int64_t n = 0;
    if (!want_int64(cx, "bytes", args[i], n)) return Value::unset();
    if (n < 0 || n > 255)
      return cx.fail("range-error", str("bytes: Expected an integer from 0 to 255, got ", n));
    out.push_back(static_cast<std::uint8_t>(n));
  }
  return make_bytes(cx, out);
}

SX_PRIMITIVE(prim_bytes_length) {
  if (!want_bytes(cx, "bytes/length", args[0])) return Value::unset();
  return Value::small_int(as_bytes(args[0])->byte_len);
}

SX_PRIMITIVE(prim_bytes_slice) {
  if (!want_bytes(cx, "bytes/slice", args[0])) return Value::unset();
  const std::int64_t n = as_bytes(args[0])->byte_len;
  std::int64_t from = 0, to = n;
  if (!want_int64(cx, "bytes/slice", args[1], from)) return Value::unset();
  if (count == 3 && !args[2].is_nil() && !want_int64(cx, "bytes/slice", args[2], to))
    return Value::unset();
  if (from < 0) from = std::max<std::int64_t>(0, from + n);
  if (to < 0) to = std::max<std::int64_t>(0, to + n);
  from = std::min(from, n);
  to = std::max(from, std::min(to, n));
  const std::uint8_t* data = as_bytes(args[0])->data();
  const std::vector<std::uint8_t> part(data + from, data + to);
  cx.charge(part.size());
  return make_bytes(cx, part);
}

SX_PRIMITIVE(prim_bytes_concat) {
  std::vector<std::uint8_t> out;
  for (int i = 0; i < count; ++i) {
    if (!want_bytes(cx, "bytes/concat", args[i])) return Value::unset();
    const Bytes* b = as_bytes(args[i]);
    out.insert(out.end(), b->data(), b->data() + b->byte_len);
    if (out.size() > kTextBytesMax && !want_room(cx, "bytes/concat", out.size()))
      return Value::unset();
  }
  cx.charge(out.size());
  return make_bytes(cx, out);
}

}  // namespace sx
