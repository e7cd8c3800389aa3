// Numbers and text: integers in any radix, doubles as their shortest text that reads back the same.
// Dragonbox prints on both sides; reading rounds correctly on both (number_decimal.cpp).
#define FMT_HEADER_ONLY 1
#include <fmt/format.h>

#include <cmath>
#ifndef __wasm__
#include <fast_float/fast_float.h>
#endif

#include "engine/base/str.h"
#include "engine/value/bigint.h"
#include "engine/value/collections.h"
#include "engine/value/number.h"

namespace sx {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_digit_of(char c, int radix) {
  int value;
  if (is_digit(c)) {
    value = c - '0';
  } else {
    const char lower = static_cast<char>(c | 0x20);
    if (lower < 'a' || lower > 'z') return false;
    value = lower - 'a' + 10;
  }
  return value < radix;
}

// The value of a run of digits; `digits` is not empty and valid.
Value integer_of_digits(Context& cx, std::string_view digits, int radix, bool negative) {
  if (digits.size() <= 11 && radix <= 16) {
    std::int64_t n = 0;
    for (const char c : digits) n = n * radix + (is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    return make_int(cx, negative ? -n : n);
  }
  // A digit is at most log2(36) < 5.2 bits; refuse before working on absurd lengths.
  if (digits.size() > kLimbsMax * 32ull)
    return cx.fail("limit", "Integer literal too long to hold");
  cx.charge(digits.size() * (digits.size() / 1024 + 1));
  IntBuffer out;
  big_from_text(digits, radix, negative, out);
  return make_integer(cx, out);
}

}  // namespace

std::string int_to_string(Value v, int radix) {
  if (v.is_int() && radix == 10) return str(v.as_int());
  if (v.is_int()) {
    char digits[49];  // 48 bits and the sign
    char* at = digits + sizeof digits;
    const std::int64_t n = v.as_int();
    auto left = static_cast<std::uint64_t>(n < 0 ? -n : n);
    do {
      *--at = "0123456789abcdefghijklmnopqrstuvwxyz"[left % static_cast<unsigned>(radix)];
      left /= static_cast<unsigned>(radix);
    } while (left != 0);
    if (n < 0) *--at = '-';
    return std::string(at, static_cast<std::size_t>(digits + sizeof digits - at));
  }
  return big_to_text(IntView(v), radix);
}

std::string double_to_string(double d) {
  if (std::isnan(d)) return "+nan.0";
  if (std::isinf(d)) return d > 0 ? "+inf.0" : "-inf.0";
  if (d == 0) return std::signbit(d) ? "-0.0" : "0.0";
  const auto decimal = fmt::detail::dragonbox::to_decimal(std::fabs(d));
  std::string digits = str(decimal.significand);
  int exponent = decimal.exponent;
  while (digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  const int count = static_cast<int>(digits.size());
  const int point = count + exponent;  // digits before the decimal point
  std::string out;
  if (d < 0) out.push_back('-');
  if (point > 21 || point < -5) {
    out.push_back(digits[0]);
    if (count > 1) {
      out.push_back('.');
      out.append(digits, 1);
    }
    out.push_back('e');
    out.push_back(point > 0 ? '+' : '-');
    append_decimal(out, point > 0 ? point - 1 : 1 - point);
  } else if (point <= 0) {
    out.append("0.");
    out.append(static_cast<std::size_t>(-point), '0');
    out.append(digits);
  } else if (point >= count) {
    out.append(digits);
    out.append(static_cast<std::size_t>(point - count), '0');
    out.append(".0");
  } else {
    out.append(digits, 0, static_cast<std::size_t>(point));
    out.push_back('.');
    out.append(digits, static_cast<std::size_t>(point));
  }
  return out;
}

Value parse_integer(Context& cx, std::string_view text, int radix) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return Value::unset();
  for (const char c : text)
    if (!is_digit_of(c, radix)) return Value::unset();
  return integer_of_digits(cx, text, radix, negative);
}

Value parse_number(Context& cx, std::string_view text) {
  if (text == "+inf.0") return Value::from_double(HUGE_VAL);
  if (text == "-inf.0") return Value::from_double(-HUGE_VAL);
  if (text == "+nan.0") return Value::from_double(NAN);
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest.size() > 2 && rest[0] == '0' && (rest[1] == 'x' || rest[1] == 'X')) {
    if (rest[2] == '-' || rest[2] == '+') return Value::unset();
    const std::string_view digits = rest.substr(2);
    for (const char c : digits)
      if (!is_digit_of(c, 16)) return Value::unset();
    return integer_of_digits(cx, digits, 16, negative);
  }
  // digits [. digits] [e [sign] digits] | . digits [e …]
  std::size_t i = 0;
  while (i < rest.size() && is_digit(rest[i])) ++i;
  const std::size_t whole = i;
  if (i == rest.size()) {
    if (whole == 0) return Value::unset();
    return integer_of_digits(cx, rest, 10, negative);
  }
  if (rest[i] == '.') {
    const std::size_t fraction = ++i;
    while (i < rest.size() && is_digit(rest[i])) ++i;
    if (i == fraction) return Value::unset();
  } else if (whole == 0) {
    return Value::unset();
  }
  if (i < rest.size() && (rest[i] == 'e' || rest[i] == 'E')) {
    ++i;
    if (i < rest.size() && (rest[i] == '-' || rest[i] == '+')) ++i;
    const std::size_t exponent = i;
    while (i < rest.size() && is_digit(rest[i])) ++i;
    if (i == exponent) return Value::unset();
  }
  if (i != rest.size()) return Value::unset();
#ifdef __wasm__
  const double d = decimal_to_double(rest);
#else
  double d = 0;
  fast_float::from_chars(rest.data(), rest.data() + rest.size(), d);
#endif
  return Value::from_double(negative ? -d : d);
}

}  // namespace sx
