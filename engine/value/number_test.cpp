// Numbers: known values, identities over random operands up to 2,000 bits, text that reads back.
#include "engine/value/number.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include "engine/value/bigint.h"
#include "engine/value/collections.h"

using namespace sx;

namespace {

struct Numbers {
  explicit Numbers(bool stress = false) : cx(config(stress), 42) {}
  static HeapConfig config(bool stress) {
    HeapConfig c;
    c.stress = stress;
    return c;
  }
  Value n(std::string_view text) { return parse_number(cx, text); }
  std::string show(Value v) {
    if (v.is_unset()) return "unset";
    return v.is_double() ? double_to_string(v.as_double()) : int_to_string(v);
  }
  // Both operands are parsed before one is used: the first has to be rooted.
  template <class F>
  std::string apply(F f, std::string_view a, std::string_view b) {
    Root x(cx.heap, n(a));
    const Value y = n(b);
    return show(f(cx, x, y));
  }
  std::string fail_kind() {
    return cx.error.is_nil()
               ? ""
               : std::string(cx.symbols.name(dict_get(cx, cx.error, cx.keyword("kind")).id()));
  }
  std::string message() {
    return std::string(as_string(dict_get(cx, cx.error, cx.keyword("message")))->view());
  }

  Value random_integer() {
    const unsigned bits = random() % 4 == 0 ? random() % 2000 : random() % 140;
    std::string hex = random() % 2 ? "-0x0" : "0x0";
    for (unsigned i = 0; i < bits / 4; ++i) {
      // Runs of zeros and ones are where carries go wrong.
      const unsigned style = random() % 8;
      hex.push_back(style == 0 ? '0' : style == 1 ? 'f' : "0123456789abcdef"[random() % 16]);
    }
    return n(hex);
  }

  // `fresh` is the result of an allocation, so what it is held against is read after it.
  bool same(Value fresh, const Root& other) { return equal(cx, fresh, other); }
  static int order(Value fresh, const Root& other) { return num_compare(fresh, other); }

  Context cx;
  std::mt19937_64 random{7};
};

std::uint64_t bits_of(double d) {
  std::uint64_t bits;
  std::memcpy(&bits, &d, sizeof bits);
  return bits;
}

}  // namespace

TEST_CASE("integers grow past every representation and come back") {
  Numbers t;
  CHECK(t.apply(num_add, "140737488355327", "1") == "140737488355328");
  CHECK(t.apply(num_sub, "-140737488355328", "1") == "-140737488355329");
  CHECK(t.apply(num_sub, "140737488355328", "1") == "140737488355327");
  CHECK(t.apply(num_add, "9223372036854775807", "1") == "9223372036854775808");
  CHECK(t.apply(num_sub, "-9223372036854775808", "1") == "-9223372036854775809");
  CHECK(t.apply(num_mul, "9223372036854775807", "-9223372036854775808") ==
        "-85070591730234615856620279821087277056");
  CHECK(t.apply(num_quotient, "-9223372036854775808", "-1") == "9223372036854775808");
  CHECK(t.apply(num_sub, "18446744073709551616", "18446744073709551615") == "1");
  Root product(t.cx.heap, Value::small_int(1));
  for (int i = 2; i <= 30; ++i) product = num_mul(t.cx, product, Value::small_int(i));
  CHECK(t.show(product) == "265252859812191058636308480000000");
  CHECK(t.show(num_expt(t.cx, Value::small_int(2), Value::small_int(200))) ==
        "1606938044258990275541962092341162602522202993782792835301376");
  // What fits is always small, so equal integers have one representation.
  Root big(t.cx.heap, t.n("100000000000000000000"));
  CHECK(num_sub(t.cx, big, big) == Value::small_int(0));
}

TEST_CASE("division is exact where it can be, else a correctly rounded float") {
  Numbers t;
  CHECK(t.apply(num_div, "6", "3") == "2");
  CHECK(t.apply(num_div, "1", "3") == "0.3333333333333333");
  CHECK(t.apply(num_div, "1000000000000000000000000000001", "3") == "3.333333333333333e+29");
  CHECK(t.apply(num_div, "18446744073709551617", "3") == "6148914691236517000.0");
  Root a(t.cx.heap, num_expt(t.cx, Value::small_int(10), Value::small_int(400)));
  Root b(t.cx.heap, num_expt(t.cx, Value::small_int(10), Value::small_int(399)));
  CHECK(t.show(num_div(t.cx, a, b)) == "10");
  b = num_add(t.cx, b, Value::small_int(1));
  CHECK(t.show(num_div(t.cx, a, b)) == "10.0");
  CHECK(t.show(num_div(t.cx, Value::small_int(1), a)) == "0.0");
  CHECK(t.apply(num_div, "1", "0.0") == "+inf.0");
  for (auto* f : {num_div, num_quotient, num_remainder, num_modulo}) {
    t.cx.error = Value::nil();
    CHECK(f(t.cx, Value::small_int(1), Value::small_int(0)).is_unset());
    CHECK(t.fail_kind() == "division-by-zero");
    CHECK(f(t.cx, a, Value::small_int(0)).is_unset());
  }
  CHECK(num_add(t.cx, Value::small_int(1), Value::nil()).is_unset());
  CHECK(t.message() == "+: Expected number, got nil");
}

TEST_CASE("a quotient of integers is the nearest double, also where it is subnormal") {
  Numbers t;
  for (int round = 0; round < 3000; ++round) {
    // d = m · 2^e with an odd denominator of our own choice: exact by construction.
    const auto m = static_cast<std::int64_t>(t.random() >> 11);
    const int e = static_cast<int>(t.random() % 1200) - 1130;
    const double expected = std::ldexp(static_cast<double>(m), e);
    if (expected == 0 || std::isinf(expected)) continue;
    IntBuffer num, den, shifted;
    const IntView mv(m), one(std::int64_t{1}), odd(std::int64_t{1000003});
    big_mul(mv, odd, num);
    if (e >= 0) {
      big_shift(num.view(), e, shifted);
      CHECK(bits_of(big_ratio(shifted.view(), odd)) == bits_of(expected));
    } else {
      big_shift(odd, -e, den);
      CHECK(bits_of(big_ratio(num.view(), den.view())) == bits_of(expected));
    }
  }
}

TEST_CASE("quotient, remainder and modulo agree for random operands") {
  for (const bool stress : {false, true}) {
    Numbers t(stress);
    for (int round = 0; round < (stress ? 500 : 20000); ++round) {
      Root a(t.cx.heap, t.random_integer()), b(t.cx.heap, t.random_integer());
      if (num_sign(b) == 0) continue;
      Root q(t.cx.heap, num_quotient(t.cx, a, b)), r(t.cx.heap, num_remainder(t.cx, a, b));
      Root m(t.cx.heap, num_modulo(t.cx, a, b));
      Root product(t.cx.heap, num_mul(t.cx, q, b));
      REQUIRE(t.order(num_add(t.cx, product, r), a) == 0);
      Root size(t.cx.heap, num_abs(t.cx, b));
      REQUIRE(t.order(num_abs(t.cx, r), size) < 0);
      REQUIRE(num_sign(r) * num_sign(a) >= 0);
      REQUIRE(num_sign(m) * num_sign(b) >= 0);
      const Value apart = num_sub(t.cx, m, r);
      REQUIRE(num_sign(num_remainder(t.cx, apart, b)) == 0);
      // (a + b) - b = a, (a + b)² = a² + 2ab + b²
      Root sum(t.cx.heap, num_add(t.cx, a, b));
      REQUIRE(t.same(num_sub(t.cx, sum, b), a));
      Root left(t.cx.heap, num_mul(t.cx, sum, sum)), ab(t.cx.heap, num_mul(t.cx, a, b));
      Root right(t.cx.heap, num_mul(t.cx, a, a));
      right = num_add(t.cx, right, ab);
      right = num_add(t.cx, right, ab);
      const Value b2 = num_mul(t.cx, b, b);
      right = num_add(t.cx, right, b2);
      REQUIRE(equal(t.cx, left, right));
      REQUIRE(num_compare(a, b) == -num_compare(b, a));
      REQUIRE(num_compare(a, b) == num_sign(num_sub(t.cx, a, b)));
    }
  }
}

TEST_CASE("bits behave as two's complement of unlimited width") {
  Numbers t;
  for (int round = 0; round < 5000; ++round) {
    Root a(t.cx.heap, t.random_integer()), b(t.cx.heap, t.random_integer());
    Root conj(t.cx.heap, num_bits(t.cx, BitOp::And, a, b));
    Root disj(t.cx.heap, num_bits(t.cx, BitOp::Or, a, b));
    Root exor(t.cx.heap, num_bits(t.cx, BitOp::Xor, a, b));
    // a + b = (a | b) + (a & b), a ^ b = (a | b) - (a & b)
    Root sum(t.cx.heap, num_add(t.cx, a, b));
    REQUIRE(t.same(num_add(t.cx, disj, conj), sum));
    REQUIRE(t.same(num_sub(t.cx, disj, conj), exor));
    REQUIRE(t.same(num_bit_not(t.cx, num_bit_not(t.cx, a)), a));
    // Shifting right is division by a power of two, rounded down.
    const auto k = static_cast<std::int64_t>(t.random() % 200);
    Root power(t.cx.heap, num_expt(t.cx, Value::small_int(2), Value::small_int(k)));
    Root right(t.cx.heap, num_shift(t.cx, a, -k));
    Root low(t.cx.heap, num_modulo(t.cx, a, power));
    right = num_mul(t.cx, right, power);
    REQUIRE(t.same(num_add(t.cx, right, low), a));
    Root left(t.cx.heap, num_shift(t.cx, a, k));
    REQUIRE(t.same(num_mul(t.cx, a, power), left));
  }
  CHECK(num_shift(t.cx, Value::small_int(-1), -100) == Value::small_int(-1));
  CHECK(num_shift(t.cx, Value::small_int(1), INT64_MAX).is_unset());
  CHECK(t.fail_kind() == "limit");
}

TEST_CASE("gcd, roots and powers") {
  Numbers t;
  CHECK(t.apply(num_gcd, "12", "-18") == "6");
  CHECK(t.apply(num_gcd, "0", "0") == "0");
  Root a(t.cx.heap, num_expt(t.cx, Value::small_int(6), Value::small_int(60)));
  Root b(t.cx.heap, num_expt(t.cx, Value::small_int(10), Value::small_int(50)));
  Root power(t.cx.heap, num_expt(t.cx, Value::small_int(2), Value::small_int(50)));
  CHECK(t.same(num_gcd(t.cx, a, b), power));
  for (int round = 0; round < 500; ++round) {
    Root n(t.cx.heap, num_abs(t.cx, t.random_integer()));
    Root r(t.cx.heap, num_isqrt(t.cx, n));
    REQUIRE(t.order(num_mul(t.cx, r, r), n) <= 0);
    r = num_add(t.cx, r, Value::small_int(1));
    REQUIRE(t.order(num_mul(t.cx, r, r), n) > 0);
  }
  CHECK(t.show(num_expt(t.cx, Value::small_int(2), Value::small_int(-1))) == "unset");
  CHECK(t.show(num_expt(t.cx, Value::small_int(-1), t.n("100000000000000000001"))) == "-1");
  CHECK(num_expt(t.cx, Value::small_int(10), t.n("100000000000")).is_unset());
  CHECK(t.fail_kind() == "limit");
}

TEST_CASE("integers and floats compare exactly") {
  Numbers t;
  const auto order = [&](std::string_view a, std::string_view b) {
    Root x(t.cx.heap, t.n(a));
    return num_compare(x, t.n(b));
  };
  CHECK(order("9007199254740993", "9007199254740992.0") == 1);
  CHECK(order("9007199254740992.0", "9007199254740993") == -1);
  CHECK(order("9007199254740992", "9007199254740992.0") == 0);
  CHECK(order("1", "1.5") == -1);
  CHECK(order("-1", "-1.5") == 1);
  CHECK(order("9223372036854775807", "9223372036854775808.0") == -1);
  CHECK(order("-9223372036854775808", "-9223372036854775808.0") == 0);
  CHECK(order("1000000000000000000000000", "1e24") == 1);  // 1e24 is 999999999999999983222784
  CHECK(order("999999999999999983222784", "1e24") == 0);
  CHECK(order("100000000000000000000", "+inf.0") == -1);
  CHECK(order("100000000000000000000", "-inf.0") == 1);
  CHECK(order("1", "+nan.0") == 2);
  CHECK(order("+nan.0", "+nan.0") == 2);
}

TEST_CASE("doubles have one text, the shortest that reads back") {
  Numbers t;
  const std::pair<double, const char*> known[] = {
      {1.0, "1.0"},
      {0.1, "0.1"},
      {1e21, "1e+21"},
      {1e20, "100000000000000000000.0"},
      {-0.0, "-0.0"},
      {0.0, "0.0"},
      {1e-5, "0.00001"},
      {1e-7, "1e-7"},
      {123.456, "123.456"},
      {5e-324, "5e-324"},
      {1e300, "1e+300"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {100.0, "100.0"},
      {-2.5, "-2.5"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {INFINITY, "+inf.0"},
      {-INFINITY, "-inf.0"},
      {NAN, "+nan.0"},
      {1.5e22, "1.5e+22"}};
  for (const auto& [d, text] : known) CHECK(double_to_string(d) == text);
  for (int round = 0; round < 100000; ++round) {
    std::uint64_t bits = t.random();
    if (round % 3 == 0) bits &= ~((std::uint64_t{1} << (t.random() % 52)) - 1);
    double d;
    std::memcpy(&d, &bits, sizeof d);
    if (std::isnan(d)) continue;
    const Value back = parse_number(t.cx, double_to_string(d));
    REQUIRE(back.is_double());
    REQUIRE(bits_of(back.as_double()) == bits);
  }
}

TEST_CASE("exact decimal reading gives the double that strtod gives") {
  const auto check = [](const std::string& text) {
    CAPTURE(text);
    CHECK(decimal_to_double(text) == std::strtod(text.c_str(), nullptr));
  };
  for (const char* text : {"0.0",
                           "1.5",
                           "123456789012345678.25",
                           "9007199254740993.0",
                           "0.1",
                           "1e22",
                           "1e23",
                           "8.5e-23",
                           "2.2250738585072011e-308",
                           "2.2250738585072014e-308",
                           "4.9e-324",
                           "2.4703282292062327e-324",
                           "2.4703282292062328e-324",
                           "1.7976931348623157e308",
                           "1.7976931348623159e308",
                           "1e400",
                           "1e-400",
                           ".5",
                           "00000.000001",
                           "1e99999999999999999999",
                           "1e-99999999999999999999",
                           "0e99999999999"})
    check(text);
  // Half-way points with a digit far behind that decides.
  check("9007199254740993." + std::string(900, '0') + "1");
  check("9007199254740993." + std::string(900, '0'));
  check(std::string(400, '0') + "1." + std::string(50, '3'));
  std::mt19937_64 random(7);
  for (int i = 0; i < 4000; ++i) {
    std::string text;
    const auto digits = 1 + random() % 40;
    for (std::uint64_t d = 0; d < digits; ++d)
      text.push_back(static_cast<char>('0' + random() % 10));
    text.insert(random() % text.size() + 1, ".");
    if (text.back() == '.') text.push_back('0');
    if (i % 3 != 0) text += "e" + std::to_string(static_cast<int>(random() % 680) - 345);
    check(text);
  }
}

TEST_CASE("integers read back in every radix") {
  Numbers t;
  for (int round = 0; round < 100000; ++round) {
    Root a(t.cx.heap, t.random_integer());
    const int radix = round % 2 ? 10 : 2 + static_cast<int>(t.random() % 35);
    const std::string text = int_to_string(a, radix);
    REQUIRE(t.same(parse_integer(t.cx, text, radix), a));
  }
  // Long enough for the divided ways of both directions.
  for (const int radix : {10, 2, 7, 36}) {
    Root a(t.cx.heap, num_expt(t.cx, Value::small_int(7), Value::small_int(9000)));
    a = num_add(t.cx, a, Value::small_int(12345));
    const std::string text = int_to_string(a, radix);
    CHECK(t.same(parse_integer(t.cx, text, radix), a));
    // Horner's rule, one digit at a time, as the independent way.
    Root horner(t.cx.heap, Value::small_int(0));
    for (const char c : text) {
      horner = num_mul(t.cx, horner, Value::small_int(radix));
      horner = num_add(t.cx, horner, Value::small_int(c <= '9' ? c - '0' : c - 'a' + 10));
    }
    CHECK(equal(t.cx, horner, a));
  }
}

TEST_CASE("only number literals parse as numbers") {
  Numbers t;
  CHECK(t.show(t.n("+5")) == "5");
  CHECK(t.show(t.n("0x1F")) == "31");
  CHECK(t.show(t.n("-0xff")) == "-255");
  CHECK(t.show(t.n("1e9")) == "1000000000.0");
  CHECK(t.show(t.n(".5")) == "0.5");
  CHECK(t.show(t.n("-1.5E-3")) == "-0.0015");
  CHECK(t.show(t.n("1e400")) == "+inf.0");
  for (const char* bad :
       {"",    "+",     "-",   ".",    "1.",    "1e", "1e+", "0x", "0xg",  "1x",  "inf",
        "nan", "1.5.2", "--1", "0x-1", "1_000", " 1", "1 ",  "e5", "+inf", "1.e5"})
    CHECK_MESSAGE(t.n(bad).is_unset(), bad);
}

TEST_CASE("doubles turn into the integer they are") {
  Numbers t;
  CHECK(t.show(num_from_integral_double(t.cx, "floor", 1e24)) == "999999999999999983222784");
  CHECK(t.show(num_from_integral_double(t.cx, "floor", -0x1p63)) == "-9223372036854775808");
  CHECK(t.show(num_from_integral_double(t.cx, "floor", 3.0)) == "3");
  CHECK(num_from_integral_double(t.cx, "floor", INFINITY).is_unset());
  CHECK(t.message() == "floor: Expected finite number, got +inf.0");
  for (int round = 0; round < 5000; ++round) {
    Root a(t.cx.heap, t.random_integer());
    const double d = to_double(a);
    if (std::isinf(d)) continue;
    Root back(t.cx.heap, num_from_integral_double(t.cx, "floor", d));
    REQUIRE(num_compare(back, Value::from_double(d)) == 0);
    // No other double is nearer.
    Root error(t.cx.heap, num_abs(t.cx, num_sub(t.cx, a, back)));
    for (const double next : {std::nextafter(d, INFINITY), std::nextafter(d, -INFINITY)}) {
      if (std::isinf(next) || std::fabs(next) < 0x1p53) continue;
      Root other(t.cx.heap, num_from_integral_double(t.cx, "floor", next));
      REQUIRE(t.order(num_abs(t.cx, num_sub(t.cx, a, other)), error) >= 0);
    }
  }
}

TEST_CASE("64-bit edges convert both ways") {
  Numbers t;
  for (const std::int64_t n : {INT64_MIN, INT64_MIN + 1, INT64_MAX, kSmallIntMin, kSmallIntMax,
                               kSmallIntMin - 1, kSmallIntMax + 1, std::int64_t{0}}) {
    std::int64_t back = 1;
    CHECK(to_int64(make_int(t.cx, n), back));
    CHECK(back == n);
    CHECK(int_to_string(make_int(t.cx, n)) == std::to_string(n));
  }
  std::int64_t out;
  CHECK_FALSE(to_int64(make_uint(t.cx, UINT64_MAX), out));
  CHECK(int_to_string(make_uint(t.cx, UINT64_MAX)) == "18446744073709551615");
  CHECK_FALSE(to_int64(t.n("-9223372036854775809"), out));
}
