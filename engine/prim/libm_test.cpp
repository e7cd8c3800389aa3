// The elementary functions against the host's long double ones: at most 1 ulp off.
#include "engine/prim/libm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>

using namespace sx;

namespace {

// Random doubles, the same ones at every run.
struct Random {
  std::uint64_t state = 0x9E3779B97F4A7C15u;
  std::uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  double between(double a, double b) {
    return a + (b - a) * static_cast<double>(next() >> 11) * 0x1p-53;
  }
};

double ulps(double got, long double want) {
  const double nearest = static_cast<double>(want);
  if (std::isinf(nearest) || std::isnan(nearest) || std::isinf(got) || std::isnan(got))
    return got == nearest || (got != got && nearest != nearest) ? 0 : 1e9;
  int exponent;
  std::frexp(nearest, &exponent);
  const double unit = std::ldexp(1.0, exponent - 53 < -1074 ? -1074 : exponent - 53);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / unit);
}

template <class Mine, class Theirs>
double worst(double from, double to, Mine mine, Theirs theirs) {
  Random random;
  double most = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double x = random.between(from, to);
    const double off = ulps(mine(x), theirs(static_cast<long double>(x)));
    if (off > most) most = off;
  }
  return most;
}

}  // namespace

TEST_CASE("elementary functions are at most 1 ulp off") {
  const auto e = [](long double x) { return std::exp(x); };
  const auto l = [](long double x) { return std::log(x); };
  const auto s = [](long double x) { return std::sin(x); };
  const auto c = [](long double x) { return std::cos(x); };
  const auto t = [](long double x) { return std::tan(x); };
  const auto a = [](long double x) { return std::atan(x); };
  CHECK(worst(-745, 709.7, libm::exp, e) <= 1);
  CHECK(worst(-1, 1, libm::exp, e) <= 1);
  CHECK(worst(1e-300, 1e300, libm::log, l) <= 1);
  CHECK(worst(0.5, 2, libm::log, l) <= 1);
  CHECK(worst(-10, 10, libm::sin, s) <= 1);
  CHECK(worst(-1e6, 1e6, libm::sin, s) <= 1);
  CHECK(worst(-1e15, 1e15, libm::sin, s) <= 1);
  CHECK(worst(-10, 10, libm::cos, c) <= 1);
  CHECK(worst(-1e300, 1e300, libm::cos, c) <= 1);
  CHECK(worst(-10, 10, libm::tan, t) <= 1);
  CHECK(worst(-1e9, 1e9, libm::tan, t) <= 1);
  CHECK(worst(-5, 5, libm::atan, a) <= 1);
  CHECK(worst(-1e5, 1e5, libm::atan, a) <= 1);
}

TEST_CASE("the other elementary functions are at most 1 ulp off, over all sizes of arguments") {
  struct Function {
    const char* name;
    double (*mine)(double);
    long double (*theirs)(long double);
    double from, to;     // where it is looked at closely
    double least, most;  // of the arguments of every size
  };
  const Function functions[] = {
      {"asin", libm::asin, asinl, -1, 1, -1, 1},
      {"acos", libm::acos, acosl, -1, 1, -1, 1},
      {"expm1", libm::expm1, expm1l, -2, 2, -60, 709},
      {"log1p", libm::log1p, log1pl, -0.9, 3, -0.999, 1e300},
      {"log2", libm::log2, log2l, 0.5, 2, 0, 1e308},
      {"log10", libm::log10, log10l, 0.5, 20, 0, 1e308},
      {"sinh", libm::sinh, sinhl, -3, 3, -710, 710},
      {"cosh", libm::cosh, coshl, -3, 3, -710, 710},
      {"tanh", libm::tanh, tanhl, -3, 3, -30, 30},
      {"asinh", libm::asinh, asinhl, -3, 3, -1e300, 1e300},
      {"acosh", libm::acosh, acoshl, 1, 3, 1, 1e300},
      {"atanh", libm::atanh, atanhl, -1, 1, -1, 1},
      {"cbrt", libm::cbrt, cbrtl, -9, 9, -1e308, 1e308},
      {"sqrt", [](double x) { return std::sqrt(x); }, sqrtl, 0, 9, 0, 1e308},
  };
  for (const Function& f : functions) {
    INFO(f.name);
    CHECK(worst(f.from, f.to, f.mine, f.theirs) <= 1);
    Random random;
    double most = 0, at = 0;
    for (int i = 0; i < 100'000; ++i) {
      std::uint64_t bits = random.next();
      double x;
      std::memcpy(&x, &bits, sizeof x);
      if (!(x >= f.least && x <= f.most)) continue;
      const double off = ulps(f.mine(x), f.theirs(static_cast<long double>(x)));
      if (off > most) most = off, at = x;
    }
    INFO("at " << at);
    CHECK(most <= 1);
  }
  Random random;
  double most = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double scale = std::ldexp(1.0, static_cast<int>(random.next() % 2000) - 1000);
    const double x = random.between(-9, 9) * scale, y = random.between(-9, 9) * scale;
    const double off = ulps(libm::hypot(x, y), hypotl(x, y));
    if (off > most) most = off;
    const double angle = ulps(libm::atan2(y, x), atan2l(y, x));
    if (angle > most) most = angle;
  }
  CHECK(most <= 1.5);
}

TEST_CASE("powers and cubes have exact logarithms and roots") {
  for (int n = -1074; n < 1024; ++n) CHECK(libm::log2(std::ldexp(1.0, n)) == n);
  double power = 1;
  for (int n = 0; n <= 22; ++n, power *= 10) CHECK(libm::log10(power) == n);
  for (int n = 1; n < 200'000; n += 17) {
    const double cube = static_cast<double>(n) * n * n;
    CHECK(libm::cbrt(cube) == n);
    CHECK(libm::cbrt(-cube) == -n);
  }
  CHECK(libm::hypot(0x3p600, 0x4p600) == 0x5p600);
  CHECK(libm::hypot(3e-320, 0) == 3e-320);
}

TEST_CASE("multiples of pi/2 lose nothing to cancellation") {
  for (int n = 1; n < 100'000; n = n * 3 / 2 + 1) {
    const double x = n * 1.5707963267948966;
    CHECK(ulps(libm::sin(x), std::sin(static_cast<long double>(x))) <= 1);
    CHECK(ulps(libm::cos(x), std::cos(static_cast<long double>(x))) <= 1);
  }
}

TEST_CASE("pow is at most 1 ulp off") {
  Random random;
  double most = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double x = random.between(1e-3, 50), y = random.between(-150, 150);
    const double off =
        ulps(libm::pow(x, y), std::pow(static_cast<long double>(x), static_cast<long double>(y)));
    if (off > most) most = off;
  }
  CHECK(most <= 1);
  CHECK(libm::pow(10, 2) == 100);
  CHECK(libm::pow(2, 0.5) == std::sqrt(2.0));
  CHECK(libm::pow(2, -1074) == 4.9406564584124654e-324);
}

TEST_CASE("the special values of C hold") {
  CHECK(libm::exp(-HUGE_VAL) == 0);
  CHECK(libm::exp(HUGE_VAL) == HUGE_VAL);
  CHECK(libm::log(0) == -HUGE_VAL);
  CHECK(std::isnan(libm::log(-1)));
  CHECK(std::isnan(libm::sin(HUGE_VAL)));
  CHECK(libm::pow(0, -1) == HUGE_VAL);
  CHECK(libm::pow(-0.0, -1) == -HUGE_VAL);
  CHECK(libm::pow(-8, 3) == -512);
  CHECK(std::isnan(libm::pow(-8, 0.5)));
  CHECK(libm::pow(NAN, 0) == 1);
  CHECK(libm::atan2(0, -1) == doctest::Approx(3.141592653589793));
  CHECK(libm::atan2(-1, -1) == doctest::Approx(-2.356194490192345));
  CHECK(libm::atan(HUGE_VAL) == doctest::Approx(1.5707963267948966));
  for (auto* odd : {libm::asin, libm::expm1, libm::log1p, libm::sinh, libm::tanh, libm::asinh,
                    libm::atanh, libm::cbrt}) {
    CHECK(odd(0.0) == 0);
    CHECK(std::signbit(odd(-0.0)));
    CHECK(std::isnan(odd(NAN)));
  }
  CHECK(std::isnan(libm::asin(1.5)));
  CHECK(std::isnan(libm::acos(-1.5)));
  CHECK(std::isnan(libm::acosh(0.5)));
  CHECK(std::isnan(libm::atanh(2)));
  CHECK(std::isnan(libm::log1p(-2)));
  CHECK(libm::log1p(-1) == -HUGE_VAL);
  CHECK(libm::atanh(-1) == -HUGE_VAL);
  CHECK(libm::expm1(HUGE_VAL) == HUGE_VAL);
  CHECK(libm::expm1(-HUGE_VAL) == -1);
  CHECK(libm::sinh(-HUGE_VAL) == -HUGE_VAL);
  CHECK(libm::cosh(-HUGE_VAL) == HUGE_VAL);
  CHECK(libm::tanh(-HUGE_VAL) == -1);
  CHECK(libm::asinh(-HUGE_VAL) == -HUGE_VAL);
  CHECK(libm::acosh(HUGE_VAL) == HUGE_VAL);
  CHECK(libm::cbrt(-HUGE_VAL) == -HUGE_VAL);
  CHECK(libm::log2(0) == -HUGE_VAL);
  CHECK(libm::log10(HUGE_VAL) == HUGE_VAL);
  CHECK(libm::hypot(HUGE_VAL, NAN) == HUGE_VAL);
  CHECK(libm::cosh(710.47) < HUGE_VAL);
}
