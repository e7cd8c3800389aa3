// Bits of integers of any size, as if in two's complement without end; 64-bit wrapping arithmetic.
#include "engine/prim/support.h"
#include "engine/value/bigint.h"
#include "engine/value/number.h"

namespace sx {
namespace {

Value bitwise(Context& cx, const char* who, BitOp op, Value* args, int count) {
  for (int i = 0; i < count; ++i)
    if (!is_integer(args[i])) return cx.fail_type(who, "integer", args[i]);
  if (count == 0) return Value::small_int(op == BitOp::And ? -1 : 0);
  Value all = args[0];  // an operand of the next step only
  for (int i = 1; i < count; ++i) all = num_bits(cx, op, all, args[i]);
  return all;
}

Value shift(Context& cx, const char* who, Value* args, bool right) {
  std::int64_t n = 0;
  if (!is_integer(args[0])) return cx.fail_type(who, "integer", args[0]);
  if (!want_int64(cx, who, args[1], n)) return Value::unset();
  if (n < -INT64_MAX) n = -INT64_MAX;
  return num_shift(cx, args[0], right ? -n : n);
}

// The lowest 64 bits of an integer.
bool wrap64(Context& cx, const char* who, Value v, std::uint64_t& out) {
  if (!is_integer(v)) {
    cx.fail_type(who, "integer", v);
    return false;
  }
  const IntView view(v);
  out = 0;
  if (view.count() > 0) out = view.limbs()[0];
  if (view.count() > 1) out |= static_cast<std::uint64_t>(view.limbs()[1]) << 32;
  if (view.negative()) out = 0 - out;
  return true;
}

enum class Wrap { Add, Sub, Mul };

Value wrapped(Context& cx, const char* who, Wrap op, Value* args) {
  std::uint64_t a = 0, b = 0;
  if (!wrap64(cx, who, args[0], a) || !wrap64(cx, who, args[1], b)) return Value::unset();
  const std::uint64_t n = op == Wrap::Add ? a + b : op == Wrap::Sub ? a - b : a * b;
  return make_int(cx, static_cast<std::int64_t>(n));
}

}  // namespace

SX_PRIMITIVE(prim_bit_and) { return bitwise(cx, "bit-and", BitOp::And, args, count); }
SX_PRIMITIVE(prim_bit_or) { return bitwise(cx, "bit-or", BitOp::Or, args, count); }
SX_PRIMITIVE(prim_bit_xor) { return bitwise(cx, "bit-xor", BitOp::Xor, args, count); }
SX_PRIMITIVE(prim_bit_not) {
  if (!is_integer(args[0])) return cx.fail_type("bit-not", "integer", args[0]);
  return num_bit_not(cx, args[0]);
}
SX_PRIMITIVE(prim_shift_left) { return shift(cx, "shift-left", args, false); }
SX_PRIMITIVE(prim_shift_right) { return shift(cx, "shift-right", args, true); }

SX_PRIMITIVE(prim_i64_add) { return wrapped(cx, "i64/add", Wrap::Add, args); }
SX_PRIMITIVE(prim_i64_sub) { return wrapped(cx, "i64/sub", Wrap::Sub, args); }
SX_PRIMITIVE(prim_i64_mul) { return wrapped(cx, "i64/mul", Wrap::Mul, args); }

}  // namespace sx
