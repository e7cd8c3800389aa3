// Functions of floats beyond the elementary ones.
#include <cmath>

#include "engine/prim/libm.h"
#include "engine/prim/support.h"
#include "engine/value/number.h"

namespace sx {
namespace {

Value apply(Context& cx, const char* who, double (*function)(double), Value v) {
  if (!want_number(cx, who, v)) return Value::unset();
  return Value::from_double(function(to_double(v)));
}

}  // namespace

SX_PRIMITIVE(prim_asin) { return apply(cx, "asin", libm::asin, args[0]); }
SX_PRIMITIVE(prim_acos) { return apply(cx, "acos", libm::acos, args[0]); }
SX_PRIMITIVE(prim_sinh) { return apply(cx, "sinh", libm::sinh, args[0]); }
SX_PRIMITIVE(prim_cosh) { return apply(cx, "cosh", libm::cosh, args[0]); }
SX_PRIMITIVE(prim_tanh) { return apply(cx, "tanh", libm::tanh, args[0]); }
SX_PRIMITIVE(prim_asinh) { return apply(cx, "asinh", libm::asinh, args[0]); }
SX_PRIMITIVE(prim_acosh) { return apply(cx, "acosh", libm::acosh, args[0]); }
SX_PRIMITIVE(prim_atanh) { return apply(cx, "atanh", libm::atanh, args[0]); }
SX_PRIMITIVE(prim_expm1) { return apply(cx, "expm1", libm::expm1, args[0]); }
SX_PRIMITIVE(prim_log1p) { return apply(cx, "log1p", libm::log1p, args[0]); }
SX_PRIMITIVE(prim_log2) { return apply(cx, "log2", libm::log2, args[0]); }
SX_PRIMITIVE(prim_log10) { return apply(cx, "log10", libm::log10, args[0]); }
SX_PRIMITIVE(prim_cbrt) { return apply(cx, "cbrt", libm::cbrt, args[0]); }
SX_PRIMITIVE(prim_hypot) {
  if (!want_number(cx, "hypot", args[0]) || !want_number(cx, "hypot", args[1]))
    return Value::unset();
  return Value::from_double(libm::hypot(to_double(args[0]), to_double(args[1])));
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
