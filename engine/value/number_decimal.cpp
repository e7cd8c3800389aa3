// Decimal text to the nearest double, by exact integer arithmetic. The kernel reads floats with
// this: it needs no tables, where the fast reader has 10 KB of powers that no compression makes
// smaller. Natively fast_float reads them; both round correctly, so both give the same double.
#include <cmath>
#include <cstdint>
#include <string>

#include "engine/value/bigint.h"
#include "engine/value/number.h"

namespace sx {
namespace {

constexpr std::size_t kDigitsMax = 800;  // no double, and no point between two, has more than 768
constexpr std::int64_t kExponentMax = 100'000;

double power_of_ten(std::int64_t n) {  // n ≤ 22: exact
  double out = 1;
  while (n-- > 0) out *= 10;
  return out;
}

}  // namespace

double decimal_to_double(std::string_view text) {
  std::string digits;
  std::int64_t exponent = 0;  // the value is digits · 10^exponent
  bool point = false, beyond = false;
  std::size_t i = 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      point = true;
      continue;
    }
    if (point) --exponent;
    if (digits.empty() && text[i] == '0') continue;
    if (digits.size() < kDigitsMax) {
      digits.push_back(text[i]);
    } else {
      ++exponent;
      beyond = beyond || text[i] != '0';
    }
  }
  if (i < text.size()) {
    ++i;
    const bool negative = text[i] == '-';
    if (text[i] == '-' || text[i] == '+') ++i;
    std::int64_t written = 0;
    for (; i < text.size(); ++i)
      if (written < kExponentMax * kExponentMax) written = written * 10 + (text[i] - '0');
    exponent += negative ? -written : written;
  }
  if (digits.empty()) return 0;
  if (beyond) {  // a digit that is not zero decides between two doubles as well as all of them
    digits.push_back('1');
    --exponent;
  }
  while (digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  const std::int64_t top = static_cast<std::int64_t>(digits.size()) + exponent;
  if (top > 310) return HUGE_VAL;
  if (top < -325) return 0;
  if (digits.size() <= 15 && exponent >= -22 && exponent <= 22) {
    double whole = 0;  // exact, and so is the power: one rounding
    for (const char c : digits) whole = whole * 10 + (c - '0');
    return exponent < 0 ? whole / power_of_ten(-exponent) : whole * power_of_ten(exponent);
  }
  IntBuffer whole, power;
  if (exponent >= 0) {
    digits.append(static_cast<std::size_t>(exponent), '0');
    big_from_text(digits, 10, false, whole);
    return big_to_double(whole.view());
  }
  big_from_text(digits, 10, false, whole);
  big_from_text("1" + std::string(static_cast<std::size_t>(-exponent), '0'), 10, false, power);
  return big_ratio(whole.view(), power.view());
}

}  // namespace sx
