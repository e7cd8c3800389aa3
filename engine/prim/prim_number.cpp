// Numbers: arithmetic, comparison, rounding, elementary functions, text.
#include <cmath>

#include "engine/prim/libm.h"
#include "engine/prim/support.h"
#include "engine/value/number.h"

namespace sx {
namespace {

constexpr Value kZero = Value::small_int(0);

using Binary = Value (*)(Context&, Value, Value);

// a op b op c … from the left. The accumulator is an operand of the next step only, and the
// arithmetic protects its own operands.
Value fold(Context& cx, Binary op, Value start, Value* args, int from, int count) {
  Value sum = start;
  for (int i = from; i < count && !sum.is_unset(); ++i) sum = op(cx, sum, args[i]);
  return sum;
}

enum class Order { Less, LessEqual, Greater, GreaterEqual, Equal };

Value compare_chain(Context& cx, const char* who, Order order, Value* args, int count) {
  // What comes behind the first two that decide is not looked at, as in compiled code.
  if (!want_number(cx, who, args[0])) return Value::unset();
  for (int i = 0; i + 1 < count; ++i) {
    if (!want_number(cx, who, args[i + 1])) return Value::unset();
    const int c = num_compare(args[i], args[i + 1]);
    bool ok = false;
    switch (order) {
      case Order::Less:
        ok = c == -1;
        break;
      case Order::LessEqual:
        ok = c == -1 || c == 0;
        break;
      case Order::Greater:
        ok = c == 1;
        break;
      case Order::GreaterEqual:
        ok = c == 1 || c == 0;
        break;
      case Order::Equal:
        ok = c == 0;
        break;
    }
    if (!ok) return Value::fals();
  }
  return Value::tru();
}

Value extreme(Context& cx, const char* who, int wanted, Value* args, int count) {
  for (int i = 0; i < count; ++i)
    if (!want_number(cx, who, args[i])) return Value::unset();
  int best = 0;
  for (int i = 0; i < count; ++i) {
    const int c = num_compare(args[i], args[best]);
    if (c == 2) return Value::from_double(NAN);
    if (c == wanted) best = i;
  }
  return args[best];
}

double round_half_even(double d) {
  const double down = std::floor(d), gap = d - down;
  if (gap < 0.5) return down;
  if (gap > 0.5) return down + 1;
  return std::fmod(down, 2) == 0 ? down : down + 1;
}

Value to_integer(Context& cx, const char* who, double (*rounding)(double), Value v) {
  if (is_integer(v)) return v;
  if (!v.is_double()) return cx.fail_type(who, "number", v);
  return num_from_integral_double(cx, who, rounding(v.as_double()));
}

Value elementary(Context& cx, const char* who, double (*function)(double), Value v) {
  if (!want_number(cx, who, v)) return Value::unset();
  return Value::from_double(function(to_double(v)));
}

double floor_of(double d) { return std::floor(d); }
double ceil_of(double d) { return std::ceil(d); }
double trunc_of(double d) { return std::trunc(d); }
double sqrt_of(double d) { return std::sqrt(d); }  // exact by IEEE 754 on both targets

bool want_radix(Context& cx, const char* who, Value v, std::int64_t& radix) {
  if (!want_int64(cx, who, v, radix)) return false;
  if (radix >= 2 && radix <= 36) return true;
  cx.fail("range-error", str(who, ": Expected a radix from 2 to 36, got ", radix));
  return false;
}

Value parity(Context& cx, const char* who, Value v, bool odd) {
  if (!is_integer(v)) return cx.fail_type(who, "integer", v);
  return Value::boolean(is_odd(v) == odd);
}

}  // namespace

SX_PRIMITIVE(prim_add) {
  if (count == 1 && !want_number(cx, "+", args[0])) return Value::unset();
  return count == 0 ? kZero : fold(cx, num_add, args[0], args, 1, count);
}
SX_PRIMITIVE(prim_subtract) {
  return count == 1 ? num_negate(cx, args[0]) : fold(cx, num_sub, args[0], args, 1, count);
}
SX_PRIMITIVE(prim_multiply) {
  if (count == 1 && !want_number(cx, "*", args[0])) return Value::unset();
  return count == 0 ? Value::small_int(1) : fold(cx, num_mul, args[0], args, 1, count);
}
SX_PRIMITIVE(prim_divide) {
  return count == 1 ? num_div(cx, Value::small_int(1), args[0])
                    : fold(cx, num_div, args[0], args, 1, count);
}
SX_PRIMITIVE(prim_quotient) { return num_quotient(cx, args[0], args[1]); }
SX_PRIMITIVE(prim_remainder) { return num_remainder(cx, args[0], args[1]); }
SX_PRIMITIVE(prim_modulo) { return num_modulo(cx, args[0], args[1]); }

SX_PRIMITIVE(prim_less) { return compare_chain(cx, "<", Order::Less, args, count); }
SX_PRIMITIVE(prim_less_equal) { return compare_chain(cx, "<=", Order::LessEqual, args, count); }
SX_PRIMITIVE(prim_greater) { return compare_chain(cx, ">", Order::Greater, args, count); }
SX_PRIMITIVE(prim_greater_equal) {
  return compare_chain(cx, ">=", Order::GreaterEqual, args, count);
}
SX_PRIMITIVE(prim_number_equal) { return compare_chain(cx, "==", Order::Equal, args, count); }

SX_PRIMITIVE(prim_is_number) { return Value::boolean(is_number(args[0])); }
SX_PRIMITIVE(prim_is_integer) { return Value::boolean(is_integer(args[0])); }
SX_PRIMITIVE(prim_is_float) { return Value::boolean(args[0].is_double()); }
SX_PRIMITIVE(prim_is_nan) {
  return Value::boolean(args[0].is_double() && std::isnan(args[0].as_double()));
}

SX_PRIMITIVE(prim_abs) {
  if (!want_number(cx, "abs", args[0])) return Value::unset();
  return num_abs(cx, args[0]);
}
SX_PRIMITIVE(prim_min) { return extreme(cx, "min", -1, args, count); }
SX_PRIMITIVE(prim_max) { return extreme(cx, "max", 1, args, count); }
SX_PRIMITIVE(prim_floor) { return to_integer(cx, "floor", floor_of, args[0]); }
SX_PRIMITIVE(prim_ceil) { return to_integer(cx, "ceil", ceil_of, args[0]); }
SX_PRIMITIVE(prim_round) { return to_integer(cx, "round", round_half_even, args[0]); }
SX_PRIMITIVE(prim_truncate) { return to_integer(cx, "truncate", trunc_of, args[0]); }
SX_PRIMITIVE(prim_int) {
  if (args[0].is_char()) return Value::small_int(args[0].id());
  return to_integer(cx, "int", trunc_of, args[0]);
}
SX_PRIMITIVE(prim_float) {
  if (!want_number(cx, "float", args[0])) return Value::unset();
  return Value::from_double(to_double(args[0]));
}

SX_PRIMITIVE(prim_sqrt) { return elementary(cx, "sqrt", sqrt_of, args[0]); }
SX_PRIMITIVE(prim_exp) { return elementary(cx, "exp", libm::exp, args[0]); }
SX_PRIMITIVE(prim_sin) { return elementary(cx, "sin", libm::sin, args[0]); }
SX_PRIMITIVE(prim_cos) { return elementary(cx, "cos", libm::cos, args[0]); }
SX_PRIMITIVE(prim_tan) { return elementary(cx, "tan", libm::tan, args[0]); }
SX_PRIMITIVE(prim_log) {
  if (!want_number(cx, "log", args[0])) return Value::unset();
  if (count == 1) return Value::from_double(libm::log(to_double(args[0])));
  if (!want_number(cx, "log", args[1])) return Value::unset();
  return Value::from_double(libm::log(to_double(args[0])) / libm::log(to_double(args[1])));
}
SX_PRIMITIVE(prim_atan) {
  if (count == 1) return elementary(cx, "atan", libm::atan, args[0]);
  if (!want_number(cx, "atan", args[0]) || !want_number(cx, "atan", args[1])) return Value::unset();
  return Value::from_double(libm::atan2(to_double(args[0]), to_double(args[1])));
}

SX_PRIMITIVE(prim_expt) {
  if (!want_number(cx, "expt", args[0]) || !want_number(cx, "expt", args[1])) return Value::unset();
  const bool unit = args[0].is_int() && args[0].as_int() >= -1 && args[0].as_int() <= 1;
  if (!is_integer(args[0]) || !is_integer(args[1]) || (!unit && num_sign(args[1]) < 0))
    return Value::from_double(libm::pow(to_double(args[0]), to_double(args[1])));
  return num_expt(cx, args[0], args[1]);
}

SX_PRIMITIVE(prim_inc) {
  if (!want_number(cx, "inc", args[0])) return Value::unset();
  return num_add(cx, args[0], Value::small_int(1));
}
SX_PRIMITIVE(prim_dec) {
  if (!want_number(cx, "dec", args[0])) return Value::unset();
  return num_sub(cx, args[0], Value::small_int(1));
}
SX_PRIMITIVE(prim_is_zero) {
  if (!want_number(cx, "zero?", args[0])) return Value::unset();
  return Value::boolean(num_compare(args[0], kZero) == 0);
}
SX_PRIMITIVE(prim_is_positive) {
  if (!want_number(cx, "pos?", args[0])) return Value::unset();
  return Value::boolean(num_compare(args[0], kZero) == 1);
}
SX_PRIMITIVE(prim_is_negative) {
  if (!want_number(cx, "neg?", args[0])) return Value::unset();
  return Value::boolean(num_compare(args[0], kZero) == -1);
}
SX_PRIMITIVE(prim_is_even) { return parity(cx, "even?", args[0], false); }
SX_PRIMITIVE(prim_is_odd) { return parity(cx, "odd?", args[0], true); }

SX_PRIMITIVE(prim_gcd) {
  Root gcd(cx.heap, kZero);
  for (int i = 0; i < count; ++i) {
    if (!is_integer(args[i])) return cx.fail_type("gcd", "integer", args[i]);
    gcd = num_gcd(cx, gcd, args[i]);
  }
  return gcd;
}

SX_PRIMITIVE(prim_number_to_string) {
  if (!want_number(cx, "number->string", args[0])) return Value::unset();
  std::int64_t radix = 10;
  if (count == 2 && !want_radix(cx, "number->string", args[1], radix)) return Value::unset();
  if (args[0].is_double()) {
    if (radix != 10)
      return cx.fail("range-error", "number->string: a float is written in radix 10 only");
    return make_text(cx, double_to_string(args[0].as_double()));
  }
  return make_text(cx, int_to_string(args[0], static_cast<int>(radix)));
}

SX_PRIMITIVE(prim_string_to_number) {
  if (!want_string(cx, "string->number", args[0])) return Value::unset();
  std::int64_t radix = 10;
  if (count == 2 && !want_radix(cx, "string->number", args[1], radix)) return Value::unset();
  const std::string text(as_string(args[0])->view());
  cx.charge(text.size());
  const Value v =
      radix == 10 ? parse_number(cx, text) : parse_integer(cx, text, static_cast<int>(radix));
  return v.is_unset() ? Value::nil() : v;
}

SX_PRIMITIVE(prim_parse_int) {
  if (args[0].is_nil()) return Value::nil();
  if (!want_string(cx, "parse-int", args[0])) return Value::unset();
  std::int64_t radix = 10;
  if (count == 2 && !want_radix(cx, "parse-int", args[1], radix)) return Value::unset();
  std::string_view view = as_string(args[0])->view();
  while (!view.empty() && static_cast<unsigned char>(view.front()) <= ' ') view.remove_prefix(1);
  while (!view.empty() && static_cast<unsigned char>(view.back()) <= ' ') view.remove_suffix(1);
  const Value v = parse_integer(cx, std::string(view), static_cast<int>(radix));
  return v.is_unset() ? Value::nil() : v;
}

}  // namespace sx
