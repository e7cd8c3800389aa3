// Number operations beyond the four basic ones (those are in collections.h): rounding, powers,
// bits, text in any radix. Errors through cx.fail, returning unset.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/gc/context.h"

namespace sx {

Value num_negate(Context& cx, Value a);
Value num_abs(Context& cx, Value a);
// The integer that a finite double with no fraction is; fails for infinities and NaN.
Value num_from_integral_double(Context& cx, const char* who, double d);
// base to a power, exactly: integers, the power ≥ 0 unless the base is -1, 0 or 1.
Value num_expt(Context& cx, Value base, Value exponent);
Value num_gcd(Context& cx, Value a, Value b);
// Two's complement of unlimited width.
enum class BitOp : std::uint8_t { And, Or, Xor };
Value num_bits(Context& cx, BitOp op, Value a, Value b);
Value num_bit_not(Context& cx, Value a);
// a · 2^left, rounded down; left may be negative.
Value num_shift(Context& cx, Value a, std::int64_t left);
// The largest integer whose square is at most a (a ≥ 0).
Value num_isqrt(Context& cx, Value a);
// An optional sign and digits of the radix (2–36, either case), nothing else; unset otherwise.
Value parse_integer(Context& cx, std::string_view text, int radix);
// The double nearest to digits[.digits][e[sign]digits] or .digits…, which the text must be.
double decimal_to_double(std::string_view text);
bool is_odd(Value integer);
// -1, 0 or 1; NaN: 0.
int num_sign(Value v);

}  // namespace sx
