// Error values: dicts {:kind :message :data :trace}.
#include "engine/prim/support.h"

namespace sx {
namespace {

// The field of an error value, or unset.
Value field(Context& cx, Value error, std::string_view name) {
  return is_dict(error) ? dict_get(cx, error, cx.keyword(name)) : Value::unset();
}

Value field_or_nil(Context& cx, Value error, std::string_view name) {
  const Value v = field(cx, error, name);
  return v.is_unset() ? Value::nil() : v;
}

Value error_value(Context& cx, Value kind, Value message, Value data) {
  const Field fields[] = {
      {"kind", kind}, {"message", message}, {"data", data}, {"trace", Value::nil()}};
  return make_dict(cx, fields);
}

}  // namespace

SX_PRIMITIVE(prim_is_error) {
  return Value::boolean(!field(cx, args[0], "kind").is_unset() &&
                        !field(cx, args[0], "message").is_unset());
}
SX_PRIMITIVE(prim_error_kind) { return field_or_nil(cx, args[0], "kind"); }
SX_PRIMITIVE(prim_error_data) { return field_or_nil(cx, args[0], "data"); }

SX_PRIMITIVE(prim_error_message) {
  const Value message = field(cx, args[0], "message");
  return message.is_unset() ? prim_str(cx, args, 1) : message;
}

SX_PRIMITIVE(prim_make_error) {
  if (!args[0].is_keyword()) return cx.fail_type("make-error", "keyword", args[0]);
  if (!want_string(cx, "make-error", args[1])) return Value::unset();
  return error_value(cx, args[0], args[1], count == 3 ? args[2] : Value::nil());
}

// (error message [data]) or (error kind [message [data]]).
SX_PRIMITIVE(prim_error) {
  if (args[0].is_keyword()) {
    Root message(cx.heap, count > 1 ? args[1] : Value::nil());
    if (message.get().is_nil()) message = make_string(cx, "");
    if (!want_string(cx, "error", message)) return Value::unset();
    return error_value(cx, args[0], message, count > 2 ? args[2] : Value::nil());
  }
  if (!want_string(cx, "error", args[0])) return Value::unset();
  if (count > 2 && !args[2].is_nil())
    return cx.fail(
        "arity-error",
        "error: Expected (error message [data]) or (error kind message [data]), got three "
        "arguments that do not begin with a keyword");
  return error_value(cx, cx.keyword("error"), args[0], count > 1 ? args[1] : Value::nil());
}

}  // namespace sx
