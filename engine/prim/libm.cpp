// Elementary functions (libm.h). exp, log, sin, cos, tan and atan follow the polynomials and
// reductions published with FDLIBM (Sun Microsystems, 1993); arguments beyond 2^20 are reduced by
// Payne and Hanek's method with integers; pow works in double-double arithmetic (Dekker, 1971).
#include "engine/prim/libm.h"

#include <cmath>
#include <cstdint>

#include "engine/prim/double_double.h"

namespace sx::libm {
namespace {

// --- reduction by pi/2 --------------------------------------------------------------------------
// The first 1280 bits of 2/pi.
constexpr std::uint64_t kTwoOverPi[20] = {
    0xA2F9836E4E441529u, 0xFC2757D1F534DDC0u, 0xDB6295993C439041u, 0xFE5163ABDEBBC561u,
    0xB7246E3A424DD2E0u, 0x06492EEA09D1921Cu, 0xFE1DEB1CB129A73Eu, 0xE88235F52EBB4484u,
    0xE99C7026B45F7E41u, 0x3991D639835339F4u, 0x9C845F8BBDF9283Bu, 0x1FF897FFDE05980Fu,
    0xEF2F118B5A0A6D1Fu, 0x6D367ECF27CB09B7u, 0x4F463F669E5FEA2Du, 0x7527BAC7EBE5F17Bu,
    0x3D0739F78A5292EAu, 0x6BFB5FB11F8D5D08u, 0x56033046FC7B6BABu, 0xF0CFBC209AF4361Du,
};

// 64 bits of 2/pi from bit `at` on; bits before the point and after the table are 0.
std::uint64_t two_over_pi_bits(int at) {
  const auto word = [](int i) { return i < 0 || i >= 20 ? std::uint64_t{0} : kTwoOverPi[i]; };
  const int index = at >= 0 ? at / 64 : -((63 - at) / 64);
  const int shift = at - index * 64;
  const std::uint64_t high = word(index) << shift;
  return shift == 0 ? high : high | word(index + 1) >> (64 - shift);
}

// x = n · pi/2 + y, |y| <= pi/4 (about); returns n mod 4. x > 0 is large and finite.
int reduce_large(double x, Pair& y) {
  const std::uint64_t u = bits_of(x);
  const int exponent = static_cast<int>(u >> 52) - 1075;
  const std::uint64_t m = (u & 0xFFFFFFFFFFFFFu) | 0x10000000000000u;
  // m · 2^exponent · 2/pi modulo 4: bits of 2/pi that give multiples of 4 are left out.
  const int start = exponent - 2;
  using Wide = unsigned __int128;
  const Wide low = static_cast<Wide>(two_over_pi_bits(start + 128)) * m;
  const Wide mid = static_cast<Wide>(two_over_pi_bits(start + 64)) * m + (low >> 64);
  const std::uint64_t top = two_over_pi_bits(start) * m + static_cast<std::uint64_t>(mid >> 64);
  Wide f = static_cast<Wide>(top) << 64 | static_cast<std::uint64_t>(mid);
  int n = static_cast<int>(f >> 126);
  f <<= 2;
  f |= static_cast<std::uint64_t>(low) >> 62;
  bool negative = false;
  if (f >> 127) {  // more than a half: the next multiple is nearer
    ++n;
    f = ~f + 1;
    negative = true;
  }
  const auto a = static_cast<std::uint64_t>(f >> 64), b = static_cast<std::uint64_t>(f);
  const double part[4] = {
      static_cast<double>(a >> 32) * 0x1p-32, static_cast<double>(a & 0xFFFFFFFFu) * 0x1p-64,
      static_cast<double>(b >> 32) * 0x1p-96, static_cast<double>(b & 0xFFFFFFFFu) * 0x1p-128};
  Pair fraction = quick_sum(part[0], part[1]);
  fraction = add(fraction, quick_sum(part[2], part[3]));
  y = mul(fraction, kHalfPi);
  if (negative) y = negate(y);
  return n & 3;
}

int reduce(double x, Pair& y) {
  const double ax = std::fabs(x);
  if (ax <= 0.78539816339744830962) {
    y = {x, 0};
    return 0;
  }
  int n;
  if (ax < 1.6e6) {  // Cody and Waite in three steps
    const double fn = std::floor(ax * 6.36619772367581382433e-01 + 0.5);
    n = static_cast<int>(fn) & 3;
    double r = ax - fn * 1.57079632673412561417e+00;
    double t = r;
    double w = fn * 6.07710050630396597660e-11;
    r = t - w;
    w = fn * 2.02226624879595063154e-21 - ((t - r) - w);
    t = r;
    const double w3 = fn * 2.02226624871116645580e-21;
    if (std::fabs(r) < 0x1p-30 * ax) {  // much cancelled: the third part of pi/2 counts
      r = ax - fn * 1.57079632673412561417e+00;
      const double w2 = fn * 6.07710050630396597660e-11;
      Pair s = two_sum(r, -w2);
      s = add(s, {-w3, 0});
      s = add(s, {-fn * 8.47842766036889956997e-32, 0});
      y = s;
    } else {
      const double y0 = r - w;
      y = {y0, (r - y0) - w};
    }
  } else {
    n = reduce_large(ax, y);
  }
  if (x < 0) {
    y = negate(y);
    n = (4 - n) & 3;
  }
  return n;
}

double kernel_sin(Pair a) {
  constexpr double S1 = -1.66666666666666324348e-01, S2 = 8.33333333332248946124e-03,
                   S3 = -1.98412698298579493134e-04, S4 = 2.75573137070700676789e-06,
                   S5 = -2.50507602534068634195e-08, S6 = 1.58969099521155010221e-10;
  const double x = a.hi, y = a.lo, z = x * x, w = z * z;
  const double r = S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6), v = z * x;
  return x - ((z * (0.5 * y - v * r) - y) - v * S1);
}

double kernel_cos(Pair a) {
  constexpr double C1 = 4.16666666666666019037e-02, C2 = -1.38888888888741095749e-03,
                   C3 = 2.48015872894767294178e-05, C4 = -2.75573143513906633035e-07,
                   C5 = 2.08757232129817482790e-09, C6 = -1.13596475577881948265e-11;
  const double x = a.hi, y = a.lo, z = x * x, w = z * z;
  const double r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6));
  const double hz = 0.5 * z, v = 1.0 - hz;
  return v + (((1.0 - v) - hz) + (z * r - x * y));
}

double kernel_tan(Pair a, bool odd) {
  constexpr double T[] = {
      3.33333333333334091986e-01, 1.33333333333201242699e-01, 5.39682539762260521377e-02,
      2.18694882948595424599e-02, 8.86323982359930005737e-03, 3.59207910759131235356e-03,
      1.45620945432529025516e-03, 5.88041240820264096874e-04, 2.46463134818469906812e-04,
      7.81794442939557092300e-05, 7.14072491382608190305e-05, -1.85586374855275456654e-05,
      2.59073051863633712884e-05};
  double x = a.hi, y = a.lo;
  const bool big = std::fabs(x) >= 0.67434, negative = x < 0;
  if (big) {
    if (negative) x = -x, y = -y;
    x = (7.85398163397448278999e-01 - x) + (3.06161699786838301793e-17 - y);
    y = 0;
  }
  const double z = x * x;
  double w = z * z;
  double r = T[1] + w * (T[3] + w * (T[5] + w * (T[7] + w * (T[9] + w * T[11]))));
  double v = z * (T[2] + w * (T[4] + w * (T[6] + w * (T[8] + w * (T[10] + w * T[12])))));
  double s = z * x;
  r = y + z * (s * (r + v) + y) + s * T[0];
  w = x + r;
  if (big) {
    s = odd ? -1.0 : 1.0;
    v = s - 2.0 * (x + (r - w * w / (w + s)));
    return negative ? -v : v;
  }
  if (!odd) return w;
  const double w0 = double_of(bits_of(w) & 0xFFFFFFFF00000000u);
  v = r - (w0 - x);
  const double q = -1.0 / w, q0 = double_of(bits_of(q) & 0xFFFFFFFF00000000u);
  return q0 + q * (1.0 + q0 * w0 + q0 * v);
}

// The sum of a^n / n! from n = 1 on, |a| <= log 2 / 2: e to the power a, less 1.
Pair expm1_series(Pair r) {
  Pair sum = {1, 0};
  for (int n = 23; n >= 2; --n) sum = add({1, 0}, mul(mul(sum, r), kInverse.of[n]));
  return mul(sum, r);
}

// The k of a = k log 2 + r, and r.
double reduce_exp(Pair a, Pair& r) {
  const double k = std::floor(a.hi * 1.44269504088896338700e+00 + 0.5);
  r = add(a, negate(mul({k, 0}, kLn2)));
  return k;
}

}  // namespace

Pair log_pair(Pair x) {
  int k = 0;
  double z = std::frexp(x.hi, &k);  // [0.5, 1)
  if (z < 0.70710678118654752440) {
    z *= 2;
    --k;
  }
  const double low = x.lo == 0 ? 0 : scale(x.lo, -k);
  // log z = 2 atanh s, s = (z - 1) / (z + 1), |s| < 0.172
  const Pair s = div(add({z - 1, 0}, {low, 0}), add(two_sum(z, 1), {low, 0})), s2 = mul(s, s);
  Pair sum = {0, 0};
  for (int n = 41; n >= 3; n -= 2) sum = mul(add(sum, kInverse.of[n]), s2);
  sum = mul(add(sum, {1, 0}), s);
  return add({2 * sum.hi, 2 * sum.lo}, mul({static_cast<double>(k), 0}, kLn2));
}

Pair expm1_pair(Pair a) {
  Pair r;
  const double k = reduce_exp(a, r);
  Pair sum = expm1_series(r);
  if (k == 0) return sum;
  const int n = static_cast<int>(k);
  sum = {scale(sum.hi, n), scale(sum.lo, n)};
  // 2^k (1 + sum) - 1
  return add(sum, add({scale(1, n), 0}, {-1, 0}));
}

double exp_pair(Pair a) {
  Pair r;
  const double k = reduce_exp(a, r);
  const Pair sum = add({1, 0}, expm1_series(r));
  return scale(sum.hi + sum.lo, static_cast<int>(k));
}

double exp(double x) {
  // 1/3!, 1/4!, …, 1/14!
  constexpr double F[] = {1.6666666666666666e-01, 4.1666666666666664e-02, 8.3333333333333332e-03,
                          1.3888888888888889e-03, 1.9841269841269841e-04, 2.4801587301587302e-05,
                          2.7557319223985893e-06, 2.7557319223985888e-07, 2.5052108385441720e-08,
                          2.0876756987868100e-09, 1.6059043836821613e-10, 1.1470745597729725e-11};
  if (x != x) return x;
  if (x > 709.782712893383973096) return HUGE_VAL;
  if (x < -745.13321910194110842) return 0;
  // x = k log 2 + r + tail, |r| <= log 2 / 2
  int k = 0;
  double r = x, tail = 0;
  if (std::fabs(x) > 0.34657359027997265471) {
    k = static_cast<int>(x * 1.44269504088896338700e+00 + (x < 0 ? -0.5 : 0.5));
    const double hi = x - k * 6.93147180369123816490e-01, lo = k * 1.90821492927058770002e-10;
    r = hi - lo;
    tail = (hi - r) - lo;
  }
  double p = F[11];
  for (int i = 10; i >= 0; --i) p = p * r + F[i];
  // 1 + r exactly, then what is small.
  const Pair s = two_sum(1.0, r);
  const double y = s.hi + (s.lo + (tail + tail * r + r * r * (0.5 + r * p)));
  return k == 0 ? y : scale(y, k);
}

double log(double x) {
  constexpr double L1 = 6.666666666666735130e-01, L2 = 3.999999999940941908e-01,
                   L3 = 2.857142874366239149e-01, L4 = 2.222219843214978396e-01,
                   L5 = 1.818357216161805012e-01, L6 = 1.531383769920937332e-01,
                   L7 = 1.479819860511658591e-01;
  if (x != x || x == HUGE_VAL) return x;
  if (x == 0) return -HUGE_VAL;
  if (x < 0) return NAN;
  int k = 0;
  double z = std::frexp(x, &k);
  if (z < 0.70710678118654752440) {
    z *= 2;
    --k;
  }
  const double f = z - 1.0, hfsq = 0.5 * f * f, s = f / (2.0 + f), z2 = s * s, w = z2 * z2;
  const double t1 = w * (L2 + w * (L4 + w * L6)), t2 = z2 * (L1 + w * (L3 + w * (L5 + w * L7)));
  const double dk = k;
  return s * (hfsq + t1 + t2) + dk * 1.90821492927058770002e-10 - hfsq + f +
         dk * 6.93147180369123816490e-01;
}

double sin(double x) {
  if (!std::isfinite(x)) return NAN;
  if (std::fabs(x) < 0x1p-26) return x;
  Pair y;
  switch (reduce(x, y)) {
    case 0:
      return kernel_sin(y);
    case 1:
      return kernel_cos(y);
    case 2:
      return -kernel_sin(y);
    default:
      return -kernel_cos(y);
  }
}

double cos(double x) {
  if (!std::isfinite(x)) return NAN;
  Pair y;
  switch (reduce(x, y)) {
    case 0:
      return kernel_cos(y);
    case 1:
      return -kernel_sin(y);
    case 2:
      return -kernel_cos(y);
    default:
      return kernel_sin(y);
  }
}

double tan(double x) {
  if (!std::isfinite(x)) return NAN;
  if (std::fabs(x) < 0x1p-27) return x;
  Pair y;
  const int n = reduce(x, y);
  return kernel_tan(y, (n & 1) != 0);
}

double atan(double x) {
  constexpr double kHigh[] = {4.63647609000806093515e-01, 7.85398163397448278999e-01,
                              9.82793723247329054082e-01, 1.57079632679489655800e+00};
  constexpr double kLow[] = {2.26987774529616870924e-17, 3.06161699786838301793e-17,
                             1.39033110312309984516e-17, 6.12323399573676603587e-17};
  constexpr double A[] = {
      3.33333333333329318027e-01,  -1.99999999998764832476e-01, 1.42857142725034663711e-01,
      -1.11111104054623557880e-01, 9.09088713343650656196e-02,  -7.69187620504482999495e-02,
      6.66107313738753120669e-02,  -5.83357013379057348645e-02, 4.97687799461593236017e-02,
      -3.65315727442169155270e-02, 1.62858201153657823623e-02};
  if (x != x) return x;
  const bool negative = std::signbit(x);
  double ax = std::fabs(x);
  if (ax >= 0x1p66) return negative ? -kHigh[3] : kHigh[3];
  int id = -1;
  if (ax < 0x1p-27) return x;
  if (ax >= 2.4375) {
    id = 3;
    ax = -1.0 / ax;
  } else if (ax >= 1.1875) {
    id = 2;
    ax = (ax - 1.5) / (1.0 + 1.5 * ax);
  } else if (ax >= 0.6875) {
    id = 1;
    ax = (ax - 1.0) / (ax + 1.0);
  } else if (ax >= 0.4375) {
    id = 0;
    ax = (2.0 * ax - 1.0) / (2.0 + ax);
  }
  const double z = ax * ax, w = z * z;
  const double s1 = z * (A[0] + w * (A[2] + w * (A[4] + w * (A[6] + w * (A[8] + w * A[10])))));
  const double s2 = w * (A[1] + w * (A[3] + w * (A[5] + w * (A[7] + w * A[9]))));
  const double r = id < 0 ? ax - ax * (s1 + s2) : kHigh[id] - (ax * (s1 + s2) - kLow[id] - ax);
  return negative ? -r : r;
}

double atan2(double y, double x) {
  if (x != x || y != y) return NAN;
  constexpr double kPi = 3.1415926535897931160e+00, kPiLow = 1.2246467991473531772e-16;
  const bool left = std::signbit(x), below = std::signbit(y);
  double angle;
  if (y == 0)
    angle = left ? kPi : 0;
  else if (x == 0)
    angle = kPi / 2;
  else if (std::isinf(x))
    angle = std::isinf(y) ? (left ? 3 * kPi / 4 : kPi / 4) : (left ? kPi : 0);
  else if (std::isinf(y))
    angle = kPi / 2;
  else {
    const double q = std::fabs(y / x);
    angle = q > 0x1p64 ? kPi / 2 : atan(q);
    if (left) angle = kPi - (angle - kPiLow);
  }
  return below ? -angle : angle;
}

double pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return NAN;
  const bool integral = std::fabs(y) >= 0x1p53 || std::floor(y) == y;
  const bool odd = integral && std::fabs(y) < 0x1p53 && std::fmod(y, 2) != 0;
  const double sign = std::signbit(x) && odd ? -1 : 1;
  const double ax = std::fabs(x);
  if (ax == 0 || std::isinf(ax)) {
    const bool large = (ax == 0) == (y < 0);
    return large ? sign * HUGE_VAL : sign * 0.0;
  }
  if (std::isinf(y)) return ax == 1 ? 1 : (ax > 1) == (y > 0) ? HUGE_VAL : 0;
  if (x < 0 && !integral) return NAN;
  if (ax == 1) return sign;
  const Pair l = log_pair({ax, 0});
  const double size = l.hi * y;
  if (size > 710) return sign * HUGE_VAL;
  if (size < -746) return sign * 0.0;
  return sign * exp_pair(mul(l, {y, 0}));
}

}  // namespace sx::libm
