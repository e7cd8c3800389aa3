// Integers beyond the four operations: pairs of quotient and remainder, roots, bits, wrapping to a
// width, and the operations of 64-bit machines for languages that have them.
#include "engine/prim/support.h"
#include "engine/value/bigint.h"
#include "engine/value/number.h"

namespace sx {
namespace {

bool want_integer(Context& cx, const char* who, Value v) {
  if (is_integer(v)) return true;
  cx.fail_type(who, "integer", v);
  return false;
}

// The lowest 64 bits in two's complement.
std::uint64_t low64(Value v) {
  const IntView view(v);
  std::uint64_t n = 0;
  if (view.count() > 0) n = view.limbs()[0];
  if (view.count() > 1) n |= static_cast<std::uint64_t>(view.limbs()[1]) << 32;
  return view.negative() ? 0 - n : n;
}

bool want_low64(Context& cx, const char* who, Value v, std::uint64_t& out) {
  if (!want_integer(cx, who, v)) return false;
  out = low64(v);
  return true;
}

Value fail_zero(Context& cx, const char* who) {
  return cx.fail("division-by-zero", str(who, ": division by zero"));
}

Value signed64(Context& cx, std::uint64_t n) { return make_int(cx, static_cast<std::int64_t>(n)); }

enum class Divide { Div, Rem, UnsignedDiv, UnsignedRem };

Value divide64(Context& cx, const char* who, Divide op, const Value* args) {
  std::uint64_t a, b;
  if (!want_low64(cx, who, args[0], a) || !want_low64(cx, who, args[1], b)) return Value::unset();
  if (b == 0) return fail_zero(cx, who);
  if (op == Divide::UnsignedDiv) return signed64(cx, a / b);
  if (op == Divide::UnsignedRem) return signed64(cx, a % b);
  // The one quotient that does not fit wraps to itself.
  if (b == ~std::uint64_t{0}) return signed64(cx, op == Divide::Div ? 0 - a : 0);
  const auto x = static_cast<std::int64_t>(a), y = static_cast<std::int64_t>(b);
  return make_int(cx, op == Divide::Div ? x / y : x % y);
}

enum class Shift { Left, Right, UnsignedRight };

// Counts of 64 and more shift everything out.
Value shift64(Context& cx, const char* who, Shift op, const Value* args) {
  std::uint64_t a;
  std::int64_t n = 0;
  if (!want_low64(cx, who, args[0], a) || !want_count(cx, who, args[1], n)) return Value::unset();
  if (op == Shift::Left) return signed64(cx, n > 63 ? 0 : a << n);
  if (op == Shift::UnsignedRight) return signed64(cx, n > 63 ? 0 : a >> n);
  return make_int(cx, static_cast<std::int64_t>(a) >> (n > 63 ? 63 : n));
}

// [quotient remainder]
Value divide_pair(Context& cx, Value (*quotient)(Context&, Value, Value), const Value* args,
                  bool floor) {
  Root q(cx.heap, quotient(cx, args[0], args[1]));
  if (q.get().is_unset()) return q;
  const Value r = floor ? num_modulo(cx, args[0], args[1]) : num_remainder(cx, args[0], args[1]);
  if (r.is_unset()) return r;
  return make_entry(cx, q, r);
}

Value floor_quotient(Context& cx, Value a, Value b) {
  Root x(cx.heap, a), y(cx.heap, b);
  const Value m = num_modulo(cx, x, y);
  if (m.is_unset()) return m;
  const Value rest = num_sub(cx, x, m);
  if (rest.is_unset()) return rest;
  return num_quotient(cx, rest, y);
}

// n mod 2^bits, from 0 or around it.
Value wrap(Context& cx, const char* who, const Value* args, bool with_sign) {
  std::int64_t bits = 0;
  if (!want_integer(cx, who, args[0]) || !want_count(cx, who, args[1], bits)) return Value::unset();
  if (bits < 1 || bits > 65536)
    return cx.fail("range-error", str(who, ": Expected a width of 1 to 65536 bits, got ", bits));
  if (bits <= 64) {
    const unsigned unused = 64u - static_cast<unsigned>(bits);
    const std::uint64_t n = low64(args[0]) << unused;
    if (with_sign) return make_int(cx, static_cast<std::int64_t>(n) >> unused);
    return make_uint(cx, n >> unused);
  }
  Root size(cx.heap, num_shift(cx, Value::small_int(1), bits));
  Root n(cx.heap, num_modulo(cx, args[0], size));
  const Value half = num_shift(cx, size, -1);
  return with_sign && num_compare(n, half) >= 0 ? num_sub(cx, n, size) : n.get();
}

}  // namespace

SX_PRIMITIVE(prim_floor_divide) { return divide_pair(cx, floor_quotient, args, true); }
SX_PRIMITIVE(prim_truncate_divide) { return divide_pair(cx, num_quotient, args, false); }
SX_PRIMITIVE(prim_floor_quotient) { return floor_quotient(cx, args[0], args[1]); }

SX_PRIMITIVE(prim_integer_sqrt) {
  if (!want_integer(cx, "integer-sqrt", args[0])) return Value::unset();
  if (num_sign(args[0]) < 0)
    return cx.fail("range-error", str("integer-sqrt: Expected an integer of at least 0, got ",
                                      int_to_string(args[0]).substr(0, 40)));
  return num_isqrt(cx, args[0]);
}

SX_PRIMITIVE(prim_lcm) {
  Root lcm(cx.heap, Value::small_int(1));
  for (int i = 0; i < count; ++i) {
    if (!want_integer(cx, "lcm", args[i])) return Value::unset();
    if (num_sign(args[i]) == 0) {
      lcm = args[i];
      continue;
    }
    if (num_sign(lcm) == 0) continue;
    const Value gcd = num_gcd(cx, lcm, args[i]);
    const Value part = num_quotient(cx, args[i], gcd);
    const Value product = num_mul(cx, lcm, part);
    if (product.is_unset()) return product;
    lcm = num_abs(cx, product);
  }
  return lcm;
}

SX_PRIMITIVE(prim_sign) {
  if (!want_number(cx, "sign", args[0])) return Value::unset();
  return Value::small_int(num_sign(args[0]));
}

SX_PRIMITIVE(prim_bit_count) {
  if (!want_integer(cx, "bit-count", args[0])) return Value::unset();
  // The ones of n, or the zeros of a negative number: those of -1 - n.
  const Value v = num_sign(args[0]) < 0 ? num_bit_not(cx, args[0]) : args[0];
  if (v.is_unset()) return v;
  const IntView view(v);
  std::int64_t ones = 0;
  for (std::uint32_t i = 0; i < view.count(); ++i) ones += __builtin_popcount(view.limbs()[i]);
  cx.charge(view.count() * 4);
  return Value::small_int(ones);
}

SX_PRIMITIVE(prim_bit_length) {
  if (!want_integer(cx, "bit-length", args[0])) return Value::unset();
  const Value v = num_sign(args[0]) < 0 ? num_bit_not(cx, args[0]) : args[0];
  if (v.is_unset()) return v;
  return Value::small_int(static_cast<std::int64_t>(IntView(v).bit_length()));
}

SX_PRIMITIVE(prim_bit_test) {
  std::int64_t i = 0;
  if (!want_integer(cx, "bit-set?", args[0]) || !want_count(cx, "bit-set?", args[1], i))
    return Value::unset();
  const Value shifted = num_shift(cx, args[0], -i);
  return Value::boolean((low64(shifted) & 1) != 0);
}

SX_PRIMITIVE(prim_int_wrap) { return wrap(cx, "int/wrap", args, true); }
SX_PRIMITIVE(prim_uint_wrap) { return wrap(cx, "uint/wrap", args, false); }

SX_PRIMITIVE(prim_i64_div) { return divide64(cx, "i64/div", Divide::Div, args); }
SX_PRIMITIVE(prim_i64_rem) { return divide64(cx, "i64/rem", Divide::Rem, args); }
SX_PRIMITIVE(prim_i64_udiv) { return divide64(cx, "i64/udiv", Divide::UnsignedDiv, args); }
SX_PRIMITIVE(prim_i64_urem) { return divide64(cx, "i64/urem", Divide::UnsignedRem, args); }
SX_PRIMITIVE(prim_i64_shl) { return shift64(cx, "i64/shl", Shift::Left, args); }
SX_PRIMITIVE(prim_i64_shr) { return shift64(cx, "i64/shr", Shift::Right, args); }
SX_PRIMITIVE(prim_i64_ushr) { return shift64(cx, "i64/ushr", Shift::UnsignedRight, args); }

SX_PRIMITIVE(prim_i64_rotl) {
  std::uint64_t a;
  std::int64_t n = 0;
  if (!want_low64(cx, "i64/rotl", args[0], a) || !want_int64(cx, "i64/rotl", args[1], n))
    return Value::unset();
  const auto k = static_cast<unsigned>(static_cast<std::uint64_t>(n) & 63);
  return signed64(cx, k == 0 ? a : a << k | a >> (64 - k));
}

SX_PRIMITIVE(prim_i64_ult) {
  std::uint64_t a, b;
  if (!want_low64(cx, "i64/ult?", args[0], a) || !want_low64(cx, "i64/ult?", args[1], b))
    return Value::unset();
  return Value::boolean(a < b);
}

SX_PRIMITIVE(prim_float_to_bits) {
  if (!args[0].is_double()) return cx.fail_type("float->bits", "float", args[0]);
  return signed64(cx, Value::from_double(args[0].as_double()).bits);
}

SX_PRIMITIVE(prim_bits_to_float) {
  std::uint64_t bits;
  if (!want_low64(cx, "bits->float", args[0], bits)) return Value::unset();
  double d;
  std::memcpy(&d, &bits, sizeof d);
  return Value::from_double(d);
}

}  // namespace sx
