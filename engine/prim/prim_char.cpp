// Characters: predicates and simple case mapping.
#include <algorithm>

#include "engine/prim/char_tables.h"
#include "engine/prim/support.h"

namespace sx {
namespace {

template <std::size_t N>
std::uint32_t map_case(const CaseRun (&runs)[N], std::uint32_t c) {
  const CaseRun* after = std::upper_bound(
      runs, runs + N, c, [](std::uint32_t x, const CaseRun& run) { return x < run.first; });
  // Runs of stride 2 may interleave: the run wanted is one of the last few that begin before c.
  for (int back = 0; after > runs && back < 3; ++back) {
    --after;
    const std::uint32_t offset = c - after->first;
    if (offset <= after->length && offset % after->stride == 0)
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(c) + after->delta);
  }
  return c;
}

bool want_char(Context& cx, const char* who, Value v) {
  if (v.is_char()) return true;
  cx.fail_type(who, "char", v);
  return false;
}

}  // namespace

bool is_whitespace(std::uint32_t c) {
  if (c <= 32) return c == 32 || (c >= 9 && c <= 13);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::uint32_t char_upcase(std::uint32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  return map_case(kUpperRuns, c);
}

std::uint32_t char_downcase(std::uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return map_case(kLowerRuns, c);
}

SX_PRIMITIVE(prim_char_to_integer) {
  if (!want_char(cx, "char->integer", args[0])) return Value::unset();
  return Value::small_int(args[0].id());
}
SX_PRIMITIVE(prim_integer_to_char) {
  std::int64_t n = 0;
  if (!want_int64(cx, "integer->char", args[0], n)) return Value::unset();
  if (n < 0 || n > 0x10FFFF || !utf8_is_scalar(static_cast<std::uint32_t>(n)))
    return cx.fail(
        "range-error",
        str("integer->char: Expected a code point from 0 to 1114111 that is no surrogate, got ",
            n));
  return Value::character(static_cast<std::uint32_t>(n));
}
SX_PRIMITIVE(prim_char_is_digit) {
  if (!want_char(cx, "char/digit?", args[0])) return Value::unset();
  return Value::boolean(args[0].id() >= '0' && args[0].id() <= '9');
}
SX_PRIMITIVE(prim_char_is_whitespace) {
  if (!want_char(cx, "char/whitespace?", args[0])) return Value::unset();
  return Value::boolean(is_whitespace(args[0].id()));
}
SX_PRIMITIVE(prim_char_upper) {
  if (!want_char(cx, "char/upper", args[0])) return Value::unset();
  return Value::character(char_upcase(args[0].id()));
}
SX_PRIMITIVE(prim_char_lower) {
  if (!want_char(cx, "char/lower", args[0])) return Value::unset();
  return Value::character(char_downcase(args[0].id()));
}

}  // namespace sx
