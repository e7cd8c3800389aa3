// Double-double arithmetic (Dekker, 1971): a number as the sum of two doubles, about 106 bits. The
// elementary functions do in it what must not lose the last bits. Internal to libm.
#pragma once

#include <cstdint>
#include <cstring>

namespace sx::libm {

inline std::uint64_t bits_of(double d) {
  std::uint64_t u;
  std::memcpy(&u, &d, 8);
  return u;
}
inline double double_of(std::uint64_t u) {
  double d;
  std::memcpy(&d, &u, 8);
  return d;
}

// x · 2^n, rounded once.
inline double scale(double x, int n) {
  const auto power = [](int e) { return double_of(static_cast<std::uint64_t>(e + 1023) << 52); };
  while (n > 1023) {
    x *= power(1023);
    n -= 1023;
    if (n > 2046) n = 2046;
  }
  // Keep 53 bits of headroom so that only the last step can round into the subnormals.
  while (n < -1022) {
    x *= power(-1022 + 53);
    n += 1022 - 53;
    if (n < -4092) n = -4092;
  }
  return x * power(n);
}

struct Pair {
  double hi, lo;
};

constexpr Pair quick_sum(double a, double b) {  // |a| >= |b|
  const double s = a + b;
  return {s, b - (s - a)};
}
constexpr Pair two_sum(double a, double b) {
  const double s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
constexpr Pair split(double a) {
  const double t = 134217729.0 * a, hi = t - (t - a);
  return {hi, a - hi};
}
constexpr Pair two_product(double a, double b) {
  const double p = a * b;
  const Pair x = split(a), y = split(b);
  return {p, ((x.hi * y.hi - p) + x.hi * y.lo + x.lo * y.hi) + x.lo * y.lo};
}
constexpr Pair add(Pair a, Pair b) {
  Pair s = two_sum(a.hi, b.hi);
  const Pair t = two_sum(a.lo, b.lo);
  s.lo += t.hi;
  s = quick_sum(s.hi, s.lo);
  s.lo += t.lo;
  return quick_sum(s.hi, s.lo);
}
constexpr Pair mul(Pair a, Pair b) {
  Pair p = two_product(a.hi, b.hi);
  p.lo += a.hi * b.lo + a.lo * b.hi;
  return quick_sum(p.hi, p.lo);
}
constexpr Pair negate(Pair a) { return {-a.hi, -a.lo}; }
constexpr Pair div(Pair a, Pair b) {
  const double q1 = a.hi / b.hi;
  Pair r = add(a, negate(mul({q1, 0}, b)));
  const double q2 = r.hi / b.hi;
  r = add(r, negate(mul({q2, 0}, b)));
  const double q3 = r.hi / b.hi;
  return add(quick_sum(q1, q2), {q3, 0});
}

inline constexpr Pair kLn2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
inline constexpr Pair kHalfPi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

// 1/n for the series.
inline constexpr int kInversesMax = 42;
struct Inverses {
  Pair of[kInversesMax] = {};
  constexpr Inverses() {
    for (int n = 1; n < kInversesMax; ++n) of[n] = div({1, 0}, {static_cast<double>(n), 0});
  }
};
inline constexpr Inverses kInverse;

// log of hi + lo > 0 (finite, hi normal) to about 100 bits.
Pair log_pair(Pair x);
// e to the power a less 1, and e to the power a, |a| < 750.
Pair expm1_pair(Pair a);
double exp_pair(Pair a);

}  // namespace sx::libm
