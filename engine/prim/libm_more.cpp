// More elementary functions (libm.h), in double-double arithmetic where the plain formulas would
// lose bits. asin and acos follow the polynomials published with FDLIBM (Sun Microsystems, 1993).
#include <cmath>

#include "engine/prim/double_double.h"
#include "engine/prim/libm.h"

namespace sx::libm {
namespace {

constexpr Pair kInverseLn2 = {0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56};
constexpr Pair kInverseLn10 = {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57};

double like_sign(double magnitude, double x) { return std::signbit(x) ? -magnitude : magnitude; }
double value_of(Pair p) { return p.hi + p.lo; }
Pair half(Pair p) { return {p.hi / 2, p.lo / 2}; }

// The square root of a pair, hi > 0.
Pair sqrt_pair(Pair a) {
  const double r = std::sqrt(a.hi);
  const Pair rest = add(a, negate(two_product(r, r)));
  return quick_sum(r, value_of(rest) / (2 * r));
}

// (asin x - x) / x as a function of x²; and the same with (1 - x)/2 near 1.
double asin_rational(double t) {
  constexpr double P0 = 1.66666666666666657415e-01, P1 = -3.25565818622400915405e-01,
                   P2 = 2.01212532134862925881e-01, P3 = -4.00555345006794114027e-02,
                   P4 = 7.91534994289814532176e-04, P5 = 3.47933107596021167570e-05,
                   Q1 = -2.40339491173441421878e+00, Q2 = 2.02094576023350569471e+00,
                   Q3 = -6.88283971605453293030e-01, Q4 = 7.70381505559019352791e-02;
  const double p = t * (P0 + t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5)))));
  return p / (1.0 + t * (Q1 + t * (Q2 + t * (Q3 + t * Q4))));
}

constexpr double kQuarterPi = 7.85398163397448278999e-01;
double upper_half(double d) { return double_of(bits_of(d) & 0xFFFFFFFF00000000u); }

// log of 1 + x in a pair, x > -1 and finite.
Pair log1p_pair(Pair x) {
  const Pair one = add({1, 0}, x);
  // What adding 1 took from x: log(1 + x) = log(one) + (x - (one - 1)) / one.
  const Pair lost = add(x, negate(add(one, {-1, 0})));
  return add(log_pair(one), {value_of(lost) / one.hi, 0});
}

}  // namespace

double asin(double x) {
  const double a = std::fabs(x);
  if (!(a <= 1)) return NAN;
  if (a < 0.5) return a < 0x1p-26 ? x : x + x * asin_rational(x * x);
  if (a == 1) return like_sign(kHalfPi.hi, x);
  const double t = (1 - a) / 2, r = asin_rational(t), s = std::sqrt(t);
  double angle;
  if (a >= 0.975) {
    angle = kHalfPi.hi - (2 * (s + s * r) - kHalfPi.lo);
  } else {
    const double w = upper_half(s), c = (t - w * w) / (s + w);
    angle = kQuarterPi - (2 * s * r - (kHalfPi.lo - 2 * c) - (kQuarterPi - 2 * w));
  }
  return like_sign(angle, x);
}

double acos(double x) {
  const double a = std::fabs(x);
  if (!(a <= 1)) return NAN;
  if (a == 1) return x > 0 ? 0 : 2 * kHalfPi.hi;
  if (a < 0.5) return kHalfPi.hi - (x - (kHalfPi.lo - x * asin_rational(x * x)));
  const double z = (1 - a) / 2, s = std::sqrt(z), r = asin_rational(z);
  if (x < 0) return 2 * (kHalfPi.hi - (s + (r * s - kHalfPi.lo)));
  const double w = upper_half(s), c = (z - w * w) / (s + w);
  return 2 * (w + (r * s + c));
}

double expm1(double x) {
  if (x != x || std::fabs(x) < 0x1p-54) return x;
  if (x > 709.782712893383973096) return HUGE_VAL;
  if (x < -50) return -1;
  if (x > 50) return exp(x);
  return value_of(expm1_pair({x, 0}));
}

double log1p(double x) {
  if (!(x > -1)) return x == -1 ? -HUGE_VAL : NAN;
  if (std::fabs(x) < 0x1p-54 || x == HUGE_VAL) return x;
  return value_of(log1p_pair({x, 0}));
}

double log2(double x) {
  if (!(x > 0) || x == HUGE_VAL) return log(x);
  int k = 0;
  double m = std::frexp(x, &k);
  if (m < 0.70710678118654752440) {
    m *= 2;
    --k;
  }
  return value_of(add({static_cast<double>(k), 0}, mul(log_pair({m, 0}), kInverseLn2)));
}

double log10(double x) {
  if (!(x > 0) || x == HUGE_VAL) return log(x);
  return value_of(mul(log_pair({x, 0}), kInverseLn10));
}

double sinh(double x) {
  const double a = std::fabs(x);
  if (!(a >= 0x1p-28)) return x;
  if (a > 711) return like_sign(HUGE_VAL, x);
  if (a > 22) return like_sign(exp_pair(add({a, 0}, negate(kLn2))), x);
  const Pair t = expm1_pair({a, 0});
  return like_sign(value_of(half(add(t, div(t, add(t, {1, 0}))))), x);
}

double cosh(double x) {
  const double a = std::fabs(x);
  if (x != x) return x;
  if (a > 711) return HUGE_VAL;
  if (a > 22) return exp_pair(add({a, 0}, negate(kLn2)));
  const Pair e = add(expm1_pair({a, 0}), {1, 0});
  return value_of(half(add(e, div({1, 0}, e))));
}

double tanh(double x) {
  const double a = std::fabs(x);
  if (!(a >= 0x1p-28)) return x;
  if (a > 22) return like_sign(1, x);
  const Pair t = expm1_pair({2 * a, 0});
  return like_sign(value_of(div(t, add(t, {2, 0}))), x);
}

double asinh(double x) {
  const double a = std::fabs(x);
  if (!(a >= 0x1p-28) || a == HUGE_VAL) return x;
  if (a > 0x1p60) return like_sign(value_of(add(log_pair({a, 0}), kLn2)), x);
  // log(1 + a + a² / (1 + sqrt(1 + a²)))
  const Pair square = two_product(a, a);
  const Pair root = sqrt_pair(add(square, {1, 0}));
  const Pair more = add({a, 0}, div(square, add(root, {1, 0})));
  return like_sign(value_of(log1p_pair(more)), x);
}

double acosh(double x) {
  if (!(x >= 1)) return NAN;
  if (x == 1) return 0;
  if (x == HUGE_VAL) return x;
  if (x > 0x1p60) return value_of(add(log_pair({x, 0}), kLn2));
  const Pair square = mul(two_sum(x, -1), two_sum(x, 1));
  return value_of(log1p_pair(add(two_sum(x, -1), sqrt_pair(square))));
}

double atanh(double x) {
  const double a = std::fabs(x);
  if (!(a < 1)) return a == 1 ? like_sign(HUGE_VAL, x) : NAN;
  if (a < 0x1p-28) return x;
  // log((1 + a) / (1 - a)) / 2 = log(1 + 2a / (1 - a)) / 2
  return like_sign(value_of(half(log1p_pair(div({2 * a, 0}, two_sum(1, -a))))), x);
}

double cbrt(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  int e = 0;
  const double m = std::frexp(std::fabs(x), &e);
  const int third = (e - (e % 3 + 3) % 3) / 3;
  const double z = scale(m, e - 3 * third);  // [0.5, 4)
  double t = 0.6 + 0.3 * z;
  for (int i = 0; i < 6; ++i) t -= (t - z / (t * t)) / 3;
  // The last step with the exact remainder: t (t² t - z) / (3 t³).
  const Pair cube = mul(two_product(t, t), {t, 0});
  t -= value_of(add(cube, {-z, 0})) / (3 * t * t);
  return like_sign(scale(t, third), x);
}

double hypot(double x, double y) {
  double a = std::fabs(x), b = std::fabs(y);
  if (a == HUGE_VAL || b == HUGE_VAL) return HUGE_VAL;
  if (a != a || b != b) return NAN;
  if (a < b) {
    const double t = a;
    a = b;
    b = t;
  }
  if (b == 0) return a;
  int e = 0;
  std::frexp(a, &e);
  a = scale(a, -e);
  b = scale(b, -e);
  if (b < 0x1p-54) return scale(a, e);
  return scale(value_of(sqrt_pair(add(two_product(a, a), two_product(b, b)))), e);
}

}  // namespace sx::libm
