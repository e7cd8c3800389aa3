// Arithmetic over the three representations of a number: small integer, BigInt, double. An integer
// operation takes the shortest way that is exact: 48 bits, 64 or 128 bits, limbs.
#include "engine/value/number.h"

#include <cmath>

#include "engine/base/str.h"
#include "engine/value/bigint.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

bool check_numbers(Context& cx, const char* who, Value a, Value b) {
  if (!is_number(a)) {
    cx.fail_type(who, "number", a);
    return false;
  }
  if (!is_number(b)) {
    cx.fail_type(who, "number", b);
    return false;
  }
  return true;
}

Value make_int128(Context& cx, __int128 n) {
  if (n >= INT64_MIN && n <= INT64_MAX) return make_int(cx, static_cast<std::int64_t>(n));
  IntBuffer out;
  out.reset(4);
  auto magnitude =
      n < 0 ? ~static_cast<unsigned __int128>(n) + 1 : static_cast<unsigned __int128>(n);
  for (int i = 0; i < 4; ++i, magnitude >>= 32)
    out.limbs[i] = static_cast<std::uint32_t>(magnitude);
  out.negative = n < 0;
  return make_integer(cx, out);
}

Value division_by_zero(Context& cx, const char* who, Value a) {
  const std::string dividend = a.is_double() ? double_to_string(a.as_double())
                               : a.is_int()  ? int_to_string(a)
                                             : std::string("a large integer");
  return cx.fail("division-by-zero",
                 str(who, ": Division by zero (the dividend is ", dividend, ")"));
}

Value add_or_sub(Context& cx, const char* who, Value a, Value b, bool subtract) {
  if (!check_numbers(cx, who, a, b)) return Value::unset();
  if (a.is_double() || b.is_double()) {
    const double x = to_double(a), y = to_double(b);
    return Value::from_double(subtract ? x - y : x + y);
  }
  std::int64_t x, y;
  if (to_int64(a, x) && to_int64(b, y)) {
    std::int64_t result;
    if (!(subtract ? __builtin_sub_overflow(x, y, &result) : __builtin_add_overflow(x, y, &result)))
      return make_int(cx, result);
  }
  IntBuffer out;
  big_add(IntView(a), IntView(b), subtract, out);
  cx.charge(out.count * sizeof(std::uint32_t));
  return make_integer(cx, out);
}

enum class Division { Quotient, Remainder, Modulo };

Value divide_whole(Context& cx, const char* who, Value a, Value b, Division kind) {
  if (!check_numbers(cx, who, a, b)) return Value::unset();
  if (a.is_double() || b.is_double()) {
    const double x = to_double(a), y = to_double(b);
    if (y == 0) return division_by_zero(cx, who, a);
    if (kind == Division::Quotient) return Value::from_double(std::trunc(x / y));
    double rest = std::fmod(x, y);
    if (kind == Division::Modulo && rest != 0 && (rest < 0) != (y < 0)) rest += y;
    return Value::from_double(rest);
  }
  std::int64_t x, y;
  if (to_int64(a, x) && to_int64(b, y)) {
    if (y == 0) return division_by_zero(cx, who, a);
    if (y == -1) return kind == Division::Quotient ? num_negate(cx, a) : Value::small_int(0);
    if (kind == Division::Quotient) return make_int(cx, x / y);
    std::int64_t rest = x % y;
    if (kind == Division::Modulo && rest != 0 && (rest < 0) != (y < 0)) rest += y;
    return make_int(cx, rest);
  }
  const IntView va(a), vb(b);
  if (vb.zero()) return division_by_zero(cx, who, a);
  IntBuffer quotient, rest;
  cx.charge(std::size_t{va.count()} * vb.count() * sizeof(std::uint32_t));
  if (kind == Division::Quotient) {
    big_divide(va, vb, &quotient, nullptr);
    return make_integer(cx, quotient);
  }
  big_divide(va, vb, nullptr, &rest);
  if (kind == Division::Modulo && rest.count && rest.negative != vb.negative()) {
    IntBuffer sum;
    big_add(rest.view(), vb, false, sum);
    return make_integer(cx, sum);
  }
  return make_integer(cx, rest);
}

// An integer against a double, exactly.
int compare_int_double(Value a, double d) {
  if (std::isnan(d)) return 2;
  if (std::isinf(d)) return d > 0 ? -1 : 1;
  const double whole = std::trunc(d);
  int order;
  std::int64_t n;
  if (to_int64(a, n) && whole >= -0x1p63 && whole < 0x1p63) {
    const auto m = static_cast<std::int64_t>(whole);
    order = n < m ? -1 : n > m ? 1 : 0;
  } else {
    IntBuffer integer;
    big_from_double(whole, integer);
    order = big_compare(IntView(a), integer.view());
  }
  if (order) return order;
  return whole < d ? -1 : whole > d ? 1 : 0;
}

}  // namespace

Value make_int(Context& cx, std::int64_t n) {
  if (Value::fits_small(n)) return Value::small_int(n);
  IntBuffer out;
  const auto magnitude = n < 0 ? ~static_cast<std::uint64_t>(n) + 1 : static_cast<std::uint64_t>(n);
  out.reset(2);
  out.limbs[0] = static_cast<std::uint32_t>(magnitude);
  out.limbs[1] = static_cast<std::uint32_t>(magnitude >> 32);
  out.negative = n < 0;
  return make_integer(cx, out);
}

Value make_uint(Context& cx, std::uint64_t n) {
  if (n <= static_cast<std::uint64_t>(kSmallIntMax))
    return Value::small_int(static_cast<std::int64_t>(n));
  IntBuffer out;
  out.reset(2);
  out.limbs[0] = static_cast<std::uint32_t>(n);
  out.limbs[1] = static_cast<std::uint32_t>(n >> 32);
  return make_integer(cx, out);
}

bool is_integer(Value v) { return v.is_int() || is_bigint(v); }
bool is_number(Value v) { return v.is_int() || v.is_double() || is_bigint(v); }

bool to_int64(Value v, std::int64_t& out) {
  if (v.is_int()) {
    out = v.as_int();
    return true;
  }
  if (!is_bigint(v)) return false;
  const auto* big = static_cast<const BigInt*>(v.as_object());
  if (big->limb_count > 2) return false;
  const std::uint64_t magnitude = std::uint64_t{big->limbs()[1]} << 32 | big->limbs()[0];
  constexpr std::uint64_t kMin = std::uint64_t{1} << 63;
  if (big->negative ? magnitude > kMin : magnitude >= kMin) return false;
  out = static_cast<std::int64_t>(big->negative ? ~magnitude + 1 : magnitude);
  return true;
}

double to_double(Value v) {
  if (v.is_double()) return v.as_double();
  if (v.is_int()) return static_cast<double>(v.as_int());
  return big_to_double(IntView(v));
}

Value num_add(Context& cx, Value a, Value b) { return add_or_sub(cx, "+", a, b, false); }
Value num_sub(Context& cx, Value a, Value b) { return add_or_sub(cx, "-", a, b, true); }

Value num_mul(Context& cx, Value a, Value b) {
  if (!check_numbers(cx, "*", a, b)) return Value::unset();
  if (a.is_double() || b.is_double()) return Value::from_double(to_double(a) * to_double(b));
  std::int64_t x, y;
  if (to_int64(a, x) && to_int64(b, y)) return make_int128(cx, static_cast<__int128>(x) * y);
  const IntView va(a), vb(b);
  if (va.count() + vb.count() > kLimbsMax + 1)
    return cx.fail("limit",
                   str("*: The product would have more than ", kLimbsMax * 32ull, " bits"));
  cx.charge(std::size_t{va.count()} * vb.count() * sizeof(std::uint32_t));
  IntBuffer out;
  big_mul(va, vb, out);
  return make_integer(cx, out);
}

Value num_div(Context& cx, Value a, Value b) {
  if (!check_numbers(cx, "/", a, b)) return Value::unset();
  if (a.is_double() || b.is_double()) {
    if (b.is_int() && b.as_int() == 0) return division_by_zero(cx, "/", a);
    return Value::from_double(to_double(a) / to_double(b));
  }
  std::int64_t x, y;
  if (to_int64(a, x) && to_int64(b, y)) {
    if (y == 0) return division_by_zero(cx, "/", a);
    if (y == -1) return num_negate(cx, a);
    if (x % y == 0) return make_int(cx, x / y);
    constexpr std::int64_t kExact = std::int64_t{1} << 53;
    if (x >= -kExact && x <= kExact && y >= -kExact && y <= kExact)
      return Value::from_double(static_cast<double>(x) / static_cast<double>(y));
  }
  const IntView va(a), vb(b);
  if (vb.zero()) return division_by_zero(cx, "/", a);
  cx.charge(std::size_t{va.count()} * vb.count() * sizeof(std::uint32_t));
  IntBuffer quotient, rest;
  big_divide(va, vb, &quotient, &rest);
  if (rest.count == 0) return make_integer(cx, quotient);
  return Value::from_double(big_ratio(va, vb));
}

Value num_quotient(Context& cx, Value a, Value b) {
  return divide_whole(cx, "quotient", a, b, Division::Quotient);
}
Value num_remainder(Context& cx, Value a, Value b) {
  return divide_whole(cx, "remainder", a, b, Division::Remainder);
}
Value num_modulo(Context& cx, Value a, Value b) {
  return divide_whole(cx, "modulo", a, b, Division::Modulo);
}

int num_compare(Value a, Value b) {
  if (both_ints(a, b)) return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int() ? 1 : 0;
  if (a.is_double() && b.is_double()) {
    const double x = a.as_double(), y = b.as_double();
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
  }
  if (a.is_double()) {
    const int order = compare_int_double(b, a.as_double());
    return order == 2 ? 2 : -order;
  }
  if (b.is_double()) return compare_int_double(a, b.as_double());
  return big_compare(IntView(a), IntView(b));
}

Value num_negate(Context& cx, Value a) {
  if (a.is_double()) return Value::from_double(-a.as_double());
  return num_sub(cx, Value::small_int(0), a);
}

int num_sign(Value v) {
  if (v.is_double()) return v.as_double() > 0 ? 1 : v.as_double() < 0 ? -1 : 0;
  if (v.is_int()) return v.as_int() > 0 ? 1 : v.as_int() < 0 ? -1 : 0;
  return static_cast<const BigInt*>(v.as_object())->negative ? -1 : 1;
}

Value num_abs(Context& cx, Value a) {
  if (!is_number(a)) return cx.fail_type("abs", "number", a);
  if (a.is_double()) return Value::from_double(std::fabs(a.as_double()));
  return num_sign(a) < 0 ? num_negate(cx, a) : a;
}

bool is_odd(Value integer) {
  const IntView v(integer);
  return v.count() && (v.limbs()[0] & 1);
}

}  // namespace sx
