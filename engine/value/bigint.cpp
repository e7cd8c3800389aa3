#include "engine/value/bigint.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "engine/base/str.h"
#include "engine/value/bigint_large.h"

namespace sx {
namespace {

// Above these sizes natively bigint_large.cpp takes over: Boost's Karatsuba and 64-bit limbs, text
// by halves. The kernel does without: it would pay 20 KB for numbers of hundreds of digits.
#ifdef __wasm__
constexpr std::uint32_t kSchoolbookMax = ~0u, kDirectTextLimbs = ~0u;
constexpr std::size_t kDirectTextDigits = ~std::size_t{0};
#else
constexpr std::uint32_t kSchoolbookMax = 16, kDirectTextLimbs = 100;
constexpr std::size_t kDirectTextDigits = 2048;
#endif

// out := out * factor + addend, in place, growing by at most one limb (room is there).
void multiply_small(IntBuffer& out, std::uint32_t factor, std::uint32_t addend) {
  std::uint64_t carry = addend;
  for (std::uint32_t i = 0; i < out.count; ++i) {
    carry += std::uint64_t{out.limbs[i]} * factor;
    out.limbs[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  if (carry) out.limbs[out.count++] = static_cast<std::uint32_t>(carry);
}

// limbs := limbs / divisor; the remainder.
std::uint32_t divide_small(std::uint32_t* limbs, std::uint32_t count, std::uint32_t divisor) {
  std::uint64_t rest = 0;
  for (std::uint32_t i = count; i-- > 0;) {
    rest = rest << 32 | limbs[i];
    limbs[i] = static_cast<std::uint32_t>(rest / divisor);
    rest %= divisor;
  }
  return static_cast<std::uint32_t>(rest);
}

// The top 64 bits of a magnitude, with the lowest bit set if anything below is, and the exponent.
std::uint64_t top_bits(const IntView& a, std::int64_t& exponent) {
  const std::uint64_t length = a.bit_length();
  if (length <= 64) {
    std::uint64_t bits = a.count() ? a.limbs()[0] : 0;
    if (a.count() > 1) bits |= std::uint64_t{a.limbs()[1]} << 32;
    exponent = 0;
    return bits;
  }
  const std::uint64_t shift = length - 64;
  exponent = static_cast<std::int64_t>(shift);
  const auto word = static_cast<std::uint32_t>(shift / 32);
  const auto bit = static_cast<unsigned>(shift % 32);
  std::uint64_t bits = a.limbs()[word] >> bit;
  bits |= std::uint64_t{a.limbs()[word + 1]} << (32 - bit);
  if (bit) bits |= std::uint64_t{a.limbs()[word + 2]} << (64 - bit);
  bool sticky = bit && (a.limbs()[word] & ((1u << bit) - 1));
  for (std::uint32_t i = 0; !sticky && i < word; ++i) sticky = a.limbs()[i] != 0;
  return bits | (sticky ? 1 : 0);
}

}  // namespace

RadixChunk radix_chunk(int radix) {
  RadixChunk chunk{0, 1};
  while (std::uint64_t{chunk.power} * static_cast<unsigned>(radix) <= 0xFFFFFFFFu) {
    chunk.power *= static_cast<std::uint32_t>(radix);
    ++chunk.digits;
  }
  return chunk;
}

void append_digits(std::vector<std::uint32_t> limbs, int radix, std::size_t width,
                   std::string& out) {
  static const char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  const RadixChunk chunk = radix_chunk(radix);
  std::string reversed;
  auto count = static_cast<std::uint32_t>(limbs.size());
  while (count && limbs[count - 1] == 0) --count;
  while (count) {
    std::uint32_t rest = divide_small(limbs.data(), count, chunk.power);
    while (count && limbs[count - 1] == 0) --count;
    for (std::uint32_t i = 0; i < chunk.digits && (count || rest); ++i) {
      reversed.push_back(kDigits[rest % static_cast<unsigned>(radix)]);
      rest /= static_cast<unsigned>(radix);
    }
  }
  if (reversed.size() < width) reversed.append(width - reversed.size(), '0');
  out.append(reversed.rbegin(), reversed.rend());
}

void read_digits(std::string_view text, int radix, IntBuffer& out) {
  const auto value_of = [](char c) -> std::uint32_t {
    if (c <= '9') return static_cast<std::uint32_t>(c - '0');
    return static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
  };
  const RadixChunk chunk = radix_chunk(radix);
  out.reset(static_cast<std::uint32_t>(text.size() / chunk.digits + 2));
  out.count = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint32_t n = (text.size() - at) % chunk.digits;
    if (n == 0) n = chunk.digits;
    std::uint32_t value = 0, power = 1;
    for (std::uint32_t i = 0; i < n; ++i) {
      value = value * static_cast<unsigned>(radix) + value_of(text[at + i]);
      power *= static_cast<std::uint32_t>(radix);
    }
    multiply_small(out, power, value);
    at += n;
  }
}

void IntBuffer::reset(std::uint32_t n) {
  if (n > capacity_) {
    heap_.reset(new std::uint32_t[n]);
    limbs = heap_.get();
    capacity_ = n;
  }
  std::memset(limbs, 0, std::size_t{n} * sizeof *limbs);
  count = n;
  negative = false;
}

void IntBuffer::assign(const IntView& v) {
  reset(v.count());
  std::memcpy(limbs, v.limbs(), std::size_t{v.count()} * sizeof *limbs);
  negative = v.negative();
}

int big_compare_magnitude(const IntView& a, const IntView& b) {
  if (a.count() != b.count()) return a.count() < b.count() ? -1 : 1;
  for (std::uint32_t i = a.count(); i-- > 0;)
    if (a.limbs()[i] != b.limbs()[i]) return a.limbs()[i] < b.limbs()[i] ? -1 : 1;
  return 0;
}

int big_compare(const IntView& a, const IntView& b) {
  if (a.negative() != b.negative()) return a.negative() ? -1 : 1;
  const int magnitude = big_compare_magnitude(a, b);
  return a.negative() ? -magnitude : magnitude;
}

void big_add(const IntView& a, const IntView& b, bool subtract, IntBuffer& out) {
  const bool b_negative = b.negative() != subtract;
  const IntView* large = &a;
  const IntView* small = &b;
  bool negative = a.negative();
  const int order = big_compare_magnitude(a, b);
  if (order < 0) {
    large = &b;
    small = &a;
    negative = b_negative;
  }
  if (a.negative() == b_negative) {
    out.reset(large->count() + 1);
    std::uint64_t carry = 0;
    for (std::uint32_t i = 0; i < large->count(); ++i) {
      carry += large->limbs()[i];
      if (i < small->count()) carry += small->limbs()[i];
      out.limbs[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    out.limbs[large->count()] = static_cast<std::uint32_t>(carry);
  } else {
    out.reset(large->count());
    std::int64_t borrow = 0;
    for (std::uint32_t i = 0; i < large->count(); ++i) {
      std::int64_t digit = std::int64_t{large->limbs()[i]} + borrow;
      if (i < small->count()) digit -= small->limbs()[i];
      out.limbs[i] = static_cast<std::uint32_t>(digit);
      borrow = digit < 0 ? -1 : 0;
    }
  }
  out.negative = negative;
  out.trim();
}

void big_mul(const IntView& a, const IntView& b, IntBuffer& out) {
  const bool negative = a.negative() != b.negative();
  if (a.count() > kSchoolbookMax && b.count() > kSchoolbookMax) {
    large_mul(a, b, out);
    out.negative = negative;
    return;
  }
  out.reset(a.count() + b.count());
  for (std::uint32_t i = 0; i < b.count(); ++i) {
    const std::uint64_t factor = b.limbs()[i];
    std::uint64_t carry = 0;
    for (std::uint32_t j = 0; j < a.count(); ++j) {
      carry += factor * a.limbs()[j] + out.limbs[i + j];
      out.limbs[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    out.limbs[i + a.count()] = static_cast<std::uint32_t>(carry);
  }
  out.negative = negative;
  out.trim();
}

namespace {

// Knuth's algorithm D on magnitudes; b has at least two limbs and is at most a.
void divide_long(const IntView& a, const IntView& b, IntBuffer* quotient, IntBuffer* remainder) {
  const std::uint32_t n = b.count(), m = a.count() - n;
  const int shift = __builtin_clz(b.limbs()[n - 1]);
  IntBuffer dividend, divisor, scratch;
  big_shift(IntView(a.limbs(), a.count(), false), shift, dividend);
  big_shift(IntView(b.limbs(), n, false), shift, divisor);
  IntBuffer& q = quotient ? *quotient : scratch;
  q.reset(m + 1);
  std::uint32_t* u = dividend.limbs;  // a.count() + 1 limbs: big_shift makes one more
  const std::uint32_t* v = divisor.limbs;
  for (std::uint32_t j = m + 1; j-- > 0;) {
    const std::uint64_t top = std::uint64_t{u[j + n]} << 32 | u[j + n - 1];
    std::uint64_t digit = top / v[n - 1], rest = top % v[n - 1];
    while (digit >> 32 || digit * v[n - 2] > (rest << 32 | u[j + n - 2])) {
      --digit;
      rest += v[n - 1];
      if (rest >> 32) break;
    }
    std::uint64_t carry = 0;
    std::int64_t borrow = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      carry += digit * v[i];
      borrow += std::int64_t{u[i + j]} - static_cast<std::uint32_t>(carry);
      u[i + j] = static_cast<std::uint32_t>(borrow);
      borrow >>= 32;
      carry >>= 32;
    }
    borrow += std::int64_t{u[j + n]} - static_cast<std::int64_t>(carry);
    u[j + n] = static_cast<std::uint32_t>(borrow);
    if (borrow < 0) {  // one too many: rare
      --digit;
      std::uint64_t sum = 0;
      for (std::uint32_t i = 0; i < n; ++i) {
        sum += std::uint64_t{u[i + j]} + v[i];
        u[i + j] = static_cast<std::uint32_t>(sum);
        sum >>= 32;
      }
      u[j + n] += static_cast<std::uint32_t>(sum);
    }
    q.limbs[j] = static_cast<std::uint32_t>(digit);
  }
  if (remainder) big_shift(IntView(u, n, false), -shift, *remainder);
}

}  // namespace

void big_divide(const IntView& a, const IntView& b, IntBuffer* quotient, IntBuffer* remainder) {
  const bool negative = a.negative() != b.negative();
  if (big_compare_magnitude(a, b) < 0) {
    if (quotient) quotient->reset(0);
    if (remainder) remainder->assign(a);
    return;
  }
  if (b.count() == 1) {
    IntBuffer scratch;
    IntBuffer& q = quotient ? *quotient : scratch;
    q.assign(a);
    const std::uint32_t rest = divide_small(q.limbs, q.count, b.limbs()[0]);
    q.negative = negative;
    q.trim();
    if (remainder) {
      remainder->reset(1);
      remainder->limbs[0] = rest;
      remainder->negative = a.negative();
      remainder->trim();
    }
    return;
  }
  if (b.count() > kSchoolbookMax) {
    large_divide(a, b, quotient, remainder);
  } else {
    divide_long(a, b, quotient, remainder);
  }
  if (quotient) {
    quotient->negative = negative;
    quotient->trim();
  }
  if (remainder) {
    remainder->negative = a.negative();
    remainder->trim();
  }
}

void big_shift(const IntView& a, std::int64_t left, IntBuffer& out) {
  if (left >= 0) {
    const auto words = static_cast<std::uint32_t>(left / 32);
    const auto bits = static_cast<unsigned>(left % 32);
    out.reset(a.count() + words + 1);
    for (std::uint32_t i = 0; i < a.count(); ++i) {
      const std::uint64_t wide = std::uint64_t{a.limbs()[i]} << bits;
      out.limbs[i + words] |= static_cast<std::uint32_t>(wide);
      out.limbs[i + words + 1] = static_cast<std::uint32_t>(wide >> 32);
    }
    out.negative = a.negative();
    out.trim();
    return;
  }
  const std::uint64_t right = ~static_cast<std::uint64_t>(left) + 1;
  if (right >= a.bit_length()) {
    out.reset(1);
    out.limbs[0] = a.negative() ? 1 : 0;
    out.negative = a.negative();
    out.trim();
    return;
  }
  const auto words = static_cast<std::uint32_t>(right / 32);
  const auto bits = static_cast<unsigned>(right % 32);
  bool lost = bits && (a.limbs()[words] & ((1u << bits) - 1));
  for (std::uint32_t i = 0; !lost && i < words; ++i) lost = a.limbs()[i] != 0;
  const std::uint32_t kept = a.count() - words;
  out.reset(kept + 1);
  for (std::uint32_t i = 0; i < kept; ++i) {
    std::uint64_t wide = a.limbs()[i + words];
    if (i + 1 < kept) wide |= std::uint64_t{a.limbs()[i + words + 1]} << 32;
    out.limbs[i] = static_cast<std::uint32_t>(wide >> bits);
  }
  if (a.negative() && lost)
    for (std::uint32_t i = 0; ++out.limbs[i] == 0; ++i) {
    }
  out.negative = a.negative();
  out.trim();
}

double big_to_double(const IntView& a) {
  std::int64_t exponent = 0;
  const std::uint64_t bits = top_bits(a, exponent);
  double d = static_cast<double>(bits);
  if (exponent > 2000) {
    d = HUGE_VAL;
  } else {
    d = std::ldexp(d, static_cast<int>(exponent));
  }
  return a.negative() ? -d : d;
}

double big_ratio(const IntView& a, const IntView& b) {
  // Scale so that the integer quotient has 64 to 66 bits, then round once.
  const auto scale =
      static_cast<std::int64_t>(b.bit_length()) - static_cast<std::int64_t>(a.bit_length()) + 65;
  // Far below the smallest subnormal, or above the largest double.
  if (scale > 1300) return a.negative() != b.negative() ? -0.0 : 0.0;
  if (scale < -1100) return a.negative() != b.negative() ? -HUGE_VAL : HUGE_VAL;
  IntBuffer shifted, quotient, rest;
  bool inexact = false;
  if (scale >= 0) {
    big_shift(a, scale, shifted);
    big_divide(shifted.view(), b, &quotient, &rest);
  } else {
    big_shift(b, -scale, shifted);
    big_divide(a, shifted.view(), &quotient, &rest);
  }
  inexact = rest.count != 0;
  std::int64_t exponent = 0;
  std::uint64_t bits = top_bits(quotient.view(), exponent) | (inexact ? 1 : 0);
  exponent -= scale;
  // Subnormal results have fewer bits: drop the excess here, keeping the sticky bit, so that the
  // conversion and ldexp do not round twice.
  const std::int64_t lowest = exponent + (64 - __builtin_clzll(bits)) - 53;
  if (lowest < -1074) {
    const auto drop = static_cast<unsigned>(-1074 - exponent);
    if (drop >= 66) {
      bits = 0;
    } else {
      // Round half to even at bit `drop` by hand.
      using Wide = unsigned __int128;
      const Wide wide = bits;
      const Wide half = Wide{1} << (drop - 1);
      const Wide below = wide & ((Wide{1} << drop) - 1);
      Wide kept = wide >> drop;
      if (below > half || (below == half && (kept & 1))) ++kept;
      bits = static_cast<std::uint64_t>(kept);
    }
    exponent = -1074;
  }
  const double d = std::ldexp(static_cast<double>(bits), static_cast<int>(exponent));
  return a.negative() != b.negative() ? -d : d;
}

void big_from_double(double d, IntBuffer& out) {
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(std::trunc(d)), &exponent);
  const auto bits = static_cast<std::int64_t>(std::ldexp(fraction, 53));
  big_shift(IntView(bits), exponent - 53, out);
  out.negative = d < 0;
  out.trim();
}

std::string big_to_text(const IntView& a, int radix) {
  if (a.zero()) return "0";
  std::string out;
  if (a.negative()) out.push_back('-');
  if (a.count() <= kDirectTextLimbs) {
    append_digits({a.limbs(), a.limbs() + a.count()}, radix, 0, out);
    return out;
  }
  large_to_text(a, radix, out);
  return out;
}

void big_from_text(std::string_view digits, int radix, bool negative, IntBuffer& out) {
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  if (digits.size() > kDirectTextDigits) {
    large_from_text(digits, radix, out);
  } else {
    read_digits(digits, radix, out);
  }
  out.negative = negative;
  out.trim();
}

Value make_integer(Context& cx, IntBuffer& out) {
  out.trim();
  if (out.count <= 2) {
    std::uint64_t magnitude = out.count ? out.limbs[0] : 0;
    if (out.count == 2) magnitude |= std::uint64_t{out.limbs[1]} << 32;
    if (!out.negative && magnitude <= static_cast<std::uint64_t>(kSmallIntMax))
      return Value::small_int(static_cast<std::int64_t>(magnitude));
    if (out.negative && magnitude <= static_cast<std::uint64_t>(kSmallIntMax) + 1)
      return Value::small_int(-static_cast<std::int64_t>(magnitude));
  }
  if (out.count > kLimbsMax)
    return cx.fail("limit", str("Integer too large: the result would have ", out.count * 32ull,
                                " bits, the most is ", kLimbsMax * 32ull));
  auto* big = static_cast<BigInt*>(cx.heap.alloc(Kind::BigInt, 2 + (out.count + 1) / 2));
  big->limb_count = out.count;
  big->negative = out.negative;
  big->limbs()[out.count - 1 + (out.count & 1)] = 0;  // the unused half of the last word
  std::memcpy(big->limbs(), out.limbs, out.count * sizeof(std::uint32_t));
  return Value::object(big);
}

}  // namespace sx
