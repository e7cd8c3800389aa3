// Integers as two's complement bits, powers, roots and the step from doubles to integers.
#include <cmath>

#include "engine/base/str.h"
#include "engine/value/bigint.h"
#include "engine/value/collections.h"
#include "engine/value/number.h"

namespace sx {
namespace {

// The i-th 32-bit word of the infinite two's complement form, made from sign and magnitude.
class TwosComplement {
 public:
  explicit TwosComplement(const IntView& v) : view_(v) {}
  // Words must be asked for in order from 0.
  std::uint32_t next() {
    const std::uint32_t limb = at_ < view_.count() ? view_.limbs()[at_] : 0;
    ++at_;
    if (!view_.negative()) return limb;
    const std::uint64_t word = std::uint64_t{~limb} + carry_;
    carry_ = word >> 32;
    return static_cast<std::uint32_t>(word);
  }

 private:
  const IntView& view_;
  std::uint32_t at_ = 0;
  std::uint64_t carry_ = 1;
};

std::uint32_t apply(BitOp op, std::uint32_t a, std::uint32_t b) {
  switch (op) {
    case BitOp::And:
      return a & b;
    case BitOp::Or:
      return a | b;
    case BitOp::Xor:
      break;
  }
  return a ^ b;
}

const char* bit_op_name(BitOp op) {
  return op == BitOp::And ? "bit-and" : op == BitOp::Or ? "bit-or" : "bit-xor";
}

}  // namespace

Value num_bits(Context& cx, BitOp op, Value a, Value b) {
  if (!is_integer(a)) return cx.fail_type(bit_op_name(op), "integer", a);
  if (!is_integer(b)) return cx.fail_type(bit_op_name(op), "integer", b);
  if (both_ints(a, b)) {
    const std::int64_t x = a.as_int(), y = b.as_int();
    return Value::small_int(op == BitOp::And ? x & y : op == BitOp::Or ? x | y : x ^ y);
  }
  const IntView va(a), vb(b);
  const bool negative = apply(op, va.negative(), vb.negative()) & 1;
  const std::uint32_t words = (va.count() > vb.count() ? va.count() : vb.count()) + 1;
  IntBuffer out;
  out.reset(words);
  TwosComplement ta(va), tb(vb);
  std::uint64_t carry = 1;
  for (std::uint32_t i = 0; i < words; ++i) {
    const std::uint32_t word = apply(op, ta.next(), tb.next());
    if (negative) {
      carry += static_cast<std::uint32_t>(~word);
      out.limbs[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    } else {
      out.limbs[i] = word;
    }
  }
  out.negative = negative;
  cx.charge(words * sizeof(std::uint32_t));
  return make_integer(cx, out);
}

Value num_bit_not(Context& cx, Value a) {
  if (!is_integer(a)) return cx.fail_type("bit-not", "integer", a);
  return num_sub(cx, Value::small_int(-1), a);
}

Value num_shift(Context& cx, Value a, std::int64_t left) {
  if (!is_integer(a)) return cx.fail_type("shift-left", "integer", a);
  const IntView v(a);
  if (v.zero()) return a;
  if (left > 0 && static_cast<std::uint64_t>(left) + v.bit_length() > kLimbsMax * 32ull)
    return cx.fail("limit",
                   str("shift-left: The result would have more than ", kLimbsMax * 32ull, " bits"));
  IntBuffer out;
  big_shift(v, left, out);
  cx.charge(out.count * sizeof(std::uint32_t));
  return make_integer(cx, out);
}

Value num_from_integral_double(Context& cx, const char* who, double d) {
  if (std::isnan(d) || std::isinf(d))
    return cx.fail("type-error", str(who, ": Expected finite number, got ", double_to_string(d)));
  if (d >= -0x1p62 && d <= 0x1p62) return make_int(cx, static_cast<std::int64_t>(d));
  IntBuffer out;
  big_from_double(d, out);
  return make_integer(cx, out);
}

Value num_expt(Context& cx, Value base, Value exponent) {
  if (!is_integer(base)) return cx.fail_type("expt", "integer", base);
  if (!is_integer(exponent)) return cx.fail_type("expt", "integer", exponent);
  if (num_sign(exponent) < 0) {
    if (num_sign(base) == 0)
      return cx.fail("division-by-zero", "expt: Division by zero (0 to a negative power)");
    if (base.is_int() && base.as_int() == 1) return base;
    if (base.is_int() && base.as_int() == -1) return Value::small_int(is_odd(exponent) ? -1 : 1);
    return cx.fail_type("expt", "exponent from 0 up", exponent);
  }
  if (base.is_int() && base.as_int() >= -1 && base.as_int() <= 1) {
    if (num_sign(exponent) == 0) return Value::small_int(1);
    if (base.as_int() == -1 && !is_odd(exponent)) return Value::small_int(1);
    return base;
  }
  std::int64_t n;
  if (!to_int64(exponent, n) || (IntView(base).bit_length() - 1) >
                                    (kLimbsMax * 32ull) / static_cast<std::uint64_t>(n ? n : 1))
    return cx.fail("limit",
                   str("expt: The result would have more than ", kLimbsMax * 32ull, " bits"));
  Root square(cx.heap, base);
  Root result(cx.heap, Value::small_int(1));
  while (true) {
    if (n & 1) {
      result = num_mul(cx, result, square);
      if (result.get().is_unset()) return result;
    }
    n >>= 1;
    if (n == 0) return result;
    square = num_mul(cx, square, square);
    if (square.get().is_unset()) return square;
  }
}

Value num_gcd(Context& cx, Value a, Value b) {
  if (!is_integer(a)) return cx.fail_type("gcd", "integer", a);
  if (!is_integer(b)) return cx.fail_type("gcd", "integer", b);
  Root x(cx.heap, a), y(cx.heap, b);
  while (num_sign(y) != 0) {
    const Value rest = num_remainder(cx, x, y);
    x = y.get();
    y = rest;
  }
  return num_abs(cx, x);
}

Value num_isqrt(Context& cx, Value a) {
  if (!is_integer(a)) return cx.fail_type("isqrt", "integer", a);
  if (num_sign(a) < 0)
    return cx.fail("type-error", "isqrt: Expected integer of at least 0, got a negative one");
  if (num_sign(a) == 0) return a;
  // Newton from above: x := (x + a / x) / 2 falls until it is the root.
  Root n(cx.heap, a);
  Root x(cx.heap, num_shift(cx, Value::small_int(1),
                            static_cast<std::int64_t>((IntView(a).bit_length() + 1) / 2)));
  while (true) {
    Root next(cx.heap, num_quotient(cx, n, x));
    next = num_add(cx, next, x);
    next = num_shift(cx, next, -1);
    if (num_compare(next, x) >= 0) return x;
    x = next.get();
  }
}

}  // namespace sx
