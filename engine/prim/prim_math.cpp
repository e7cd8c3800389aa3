// Functions of floats beyond the elementary ones, made of them and of what IEEE 754 makes exact, so
// that both targets print the same bytes. Errors stay within a few units of the last place.
#include <cmath>

#include "engine/prim/libm.h"
#include "engine/prim/support.h"
#include "engine/value/number.h"

namespace sx {
namespace {

constexpr double kLn2 = 0.6931471805599453, kLn10 = 2.302585092994046;

double sign_like(double magnitude, double x) { return std::signbit(x) ? -magnitude : magnitude; }

// W. Kahan's way around the cancellation in exp(x) - 1 and log(1 + x).
double expm1_of(double x) {
  const double u = libm::exp(x);
  if (u == 1.0 || x != x) return x;
  const double d = u - 1.0;
  if (d == -1.0 || std::isinf(u)) return d;
  return d * x / libm::log(u);
}
double log1p_of(double x) {
  const double u = 1.0 + x;
  if (u == 1.0) return x;
  if (!std::isfinite(u) || u <= 0) return libm::log(u);
  return libm::log(u) * x / (u - 1.0);
}

double asin_of(double x) {
  return std::fabs(x) > 1 ? NAN : libm::atan2(x, std::sqrt((1 - x) * (1 + x)));
}
double acos_of(double x) {
  return std::fabs(x) > 1 ? NAN : libm::atan2(std::sqrt((1 - x) * (1 + x)), x);
}
double sinh_of(double x) {
  const double a = std::fabs(x);
  if (a > 22) {
    const double e = libm::exp(a / 2);
    return sign_like(e / 2 * e, x);
  }
  const double t = expm1_of(a);
  return sign_like((t + t / (t + 1)) / 2, x);
}
double cosh_of(double x) {
  const double a = std::fabs(x);
  if (a > 22) {
    const double e = libm::exp(a / 2);
    return e / 2 * e;
  }
  const double t = libm::exp(a);
  return t / 2 + 0.5 / t;
}
double tanh_of(double x) {
  const double a = std::fabs(x);
  if (a > 22) return sign_like(1, x);
  const double t = expm1_of(2 * a);
  return sign_like(t / (t + 2), x);
}
double asinh_of(double x) {
  const double a = std::fabs(x);
  if (a > 1e8) return sign_like(libm::log(a) + kLn2, x);
  return sign_like(log1p_of(a + a * a / (1 + std::sqrt(1 + a * a))), x);
}
double acosh_of(double x) {
  if (x < 1) return NAN;
  if (x > 1e8) return libm::log(x) + kLn2;
  const double t = x - 1;
  return log1p_of(t + std::sqrt(2 * t + t * t));
}
double atanh_of(double x) { return log1p_of(2 * x / (1 - x)) / 2; }

double cbrt_of(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  const double a = std::fabs(x);
  double t = libm::exp(libm::log(a) / 3);
  t -= (t - a / (t * t)) / 3;  // one step of Newton's
  const double whole = std::floor(t + 0.5);
  if (whole * whole * whole == a) t = whole;
  return sign_like(t, x);
}

// Exact at the powers of two.
double log2_of(double x) {
  if (!(x > 0) || std::isinf(x)) return libm::log(x);
  int e;
  double m = std::frexp(x, &e);
  if (m < 0.7071067811865476) {
    m *= 2;
    --e;
  }
  return e + libm::log(m) / kLn2;
}

// Exact at the powers of ten that floats hold exactly.
double log10_of(double x) {
  const double r = libm::log(x) / kLn10;
  const double n = std::floor(r + 0.5);
  if (n >= 0 && n <= 22) {
    double power = 1;
    for (int i = 0; i < static_cast<int>(n); ++i) power *= 10;
    if (power == x) return n;
  }
  return r;
}

double hypot_of(double x, double y) {
  double a = std::fabs(x), b = std::fabs(y);
  if (std::isinf(a) || std::isinf(b)) return INFINITY;
  if (a < b) {
    const double t = a;
    a = b;
    b = t;
  }
  if (a == 0 || a != a || b != b) return a + b;
  const double r = b / a;
  return a * std::sqrt(1 + r * r);
}

Value apply(Context& cx, const char* who, double (*function)(double), Value v) {
  if (!want_number(cx, who, v)) return Value::unset();
  return Value::from_double(function(to_double(v)));
}

}  // namespace

SX_PRIMITIVE(prim_asin) { return apply(cx, "asin", asin_of, args[0]); }
SX_PRIMITIVE(prim_acos) { return apply(cx, "acos", acos_of, args[0]); }
SX_PRIMITIVE(prim_sinh) { return apply(cx, "sinh", sinh_of, args[0]); }
SX_PRIMITIVE(prim_cosh) { return apply(cx, "cosh", cosh_of, args[0]); }
SX_PRIMITIVE(prim_tanh) { return apply(cx, "tanh", tanh_of, args[0]); }
SX_PRIMITIVE(prim_asinh) { return apply(cx, "asinh", asinh_of, args[0]); }
SX_PRIMITIVE(prim_acosh) { return apply(cx, "acosh", acosh_of, args[0]); }
SX_PRIMITIVE(prim_atanh) { return apply(cx, "atanh", atanh_of, args[0]); }
SX_PRIMITIVE(prim_expm1) { return apply(cx, "expm1", expm1_of, args[0]); }
SX_PRIMITIVE(prim_log1p) { return apply(cx, "log1p", log1p_of, args[0]); }
SX_PRIMITIVE(prim_log2) { return apply(cx, "log2", log2_of, args[0]); }
SX_PRIMITIVE(prim_log10) { return apply(cx, "log10", log10_of, args[0]); }
SX_PRIMITIVE(prim_cbrt) { return apply(cx, "cbrt", cbrt_of, args[0]); }
SX_PRIMITIVE(prim_hypot) {
  if (!want_number(cx, "hypot", args[0]) || !want_number(cx, "hypot", args[1]))
    return Value::unset();
  return Value::from_double(hypot_of(to_double(args[0]), to_double(args[1])));
}
SX_PRIMITIVE(prim_is_finite) {
  if (!want_number(cx, "finite?", args[0])) return Value::unset();
  return Value::boolean(!args[0].is_double() || std::isfinite(args[0].as_double()));
}
SX_PRIMITIVE(prim_is_infinite) {
  if (!want_number(cx, "infinite?", args[0])) return Value::unset();
  return Value::boolean(args[0].is_double() && std::isinf(args[0].as_double()));
}

}  // namespace sx
