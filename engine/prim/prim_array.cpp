// What arrays of all kinds share: the growing ones of any values and the typed ones of fixed
// length.
#include "engine/prim/arrays.h"

namespace sx {

bool want_array(Context& cx, const char* who, Value v) {
  if (is_typed(v) || is_kind(v, Kind::Array)) return true;
  cx.fail_type(who, "array", v);
  return false;
}

std::uint32_t any_array_count(Value v) { return is_typed(v) ? as_typed(v)->count : array_count(v); }

bool want_element(Context& cx, const char* who, Value v, Element& out) {
  if (v.is_keyword()) {
    const std::string_view name = cx.symbols.name(v.id());
    for (std::uint32_t i = 0; i < 4; ++i)
      if (name == kElementNames[i]) {
        out = static_cast<Element>(i);
        return true;
      }
  }
  std::string shown;
  append_display(cx, shown, v);
  cx.fail("value-error", str(who, ": Expected an element type (:u8 :i32 :i64 or :f64), got ",
                             shown.substr(0, 60)));
  return false;
}

bool want_typed_room(Context& cx, const char* who, Element element, std::int64_t count) {
  if (count <= static_cast<std::int64_t>(kTypedArrayCountMax)) {
    const std::size_t bytes = static_cast<std::size_t>(count) * element_bytes(element);
    cx.charge(bytes);
    return want_room(cx, who, bytes);
  }
  return want_room(cx, who, SIZE_MAX);
}

SX_PRIMITIVE(prim_array_length) {
  if (!want_array(cx, "array/length", args[0])) return Value::unset();
  return Value::small_int(any_array_count(args[0]));
}

SX_PRIMITIVE(prim_array_to_list) {
  if (!want_array(cx, "array->list", args[0])) return Value::unset();
  Sequence sequence(cx, args[0]);
  ListBuilder out(cx);
  Value v;
  while (sequence.next(v)) out.add(v);
  cx.charge(any_array_count(args[0]) * std::size_t{24});
  return out.finish();
}

SX_PRIMITIVE(prim_list_to_array) {
  Sequence sequence(cx, args[0]);
  if (!sequence.valid()) return cx.fail_type("list->array", "list", args[0]);
  Root array(cx.heap, make_array(cx, 0, Value::nil()));
  Value v;
  std::size_t n = 0;
  for (; sequence.next(v); ++n) array_push(cx, array, v);
  cx.charge(n * 16);
  if (count == 1 || args[1].is_nil()) return array;
  Element element;
  if (!want_element(cx, "list->array", args[1], element) ||
      !want_typed_room(cx, "list->array", element, static_cast<std::int64_t>(n)))
    return Value::unset();
  const Value made = make_typed_array(cx, element, static_cast<std::uint32_t>(n));
  for (std::uint32_t i = 0; i < n; ++i) {
    const Value x = array_get(array, i);
    if (!typed_accepts(cx, "list->array", element, x)) return Value::unset();
    typed_set(made, i, x);
  }
  return made;
}

}  // namespace sx
