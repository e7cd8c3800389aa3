// Typed arrays, and the work on ranges of arrays of both kinds.
#include <cstring>

#include "engine/prim/arrays.h"

namespace sx {
namespace {

// Optional bounds at args[at] and args[at + 1] as a range within [0, size]; an error otherwise.
bool want_range(Context& cx, const char* who, Value array, const Value* args, int count, int at,
                std::uint32_t& from, std::uint32_t& to) {
  const std::uint32_t size = any_array_count(array);
  std::int64_t low = 0, high = size;
  if (at < count && !want_int64(cx, who, args[at], low)) return false;
  if (at + 1 < count && !args[at + 1].is_nil() && !want_int64(cx, who, args[at + 1], high))
    return false;
  if (low < 0 || high > size || low > high) {
    cx.fail("index-error",
            str(who, ": the range ", low, " to ", high, " is not within the ", type_name(array),
                " of ", size, size == 1 ? " element" : " elements"));
    return false;
  }
  from = static_cast<std::uint32_t>(low);
  to = static_cast<std::uint32_t>(high);
  return true;
}

}  // namespace

SX_PRIMITIVE(prim_array_typed) {
  Element element;
  std::int64_t n = 0;
  if (!want_element(cx, "array/typed", args[0], element) ||
      !want_count(cx, "array/typed", args[1], n) || !want_typed_room(cx, "array/typed", element, n))
    return Value::unset();
  if (count == 3 && !typed_accepts(cx, "array/typed", element, args[2])) return Value::unset();
  const Value made = make_typed_array(cx, element, static_cast<std::uint32_t>(n));
  if (count == 3)
    for (std::uint32_t i = 0; i < as_typed(made)->count; ++i) typed_set(made, i, args[2]);
  return made;
}

SX_PRIMITIVE(prim_array_type) {
  if (!want_array(cx, "array/type", args[0])) return Value::unset();
  if (!is_typed(args[0])) return cx.keyword("any");
  return cx.keyword(kElementNames[static_cast<std::uint32_t>(as_typed(args[0])->element)]);
}

SX_PRIMITIVE(prim_array_slice) {
  if (!want_array(cx, "array/slice", args[0])) return Value::unset();
  std::uint32_t from, to;
  if (!want_range(cx, "array/slice", args[0], args, count, 1, from, to)) return Value::unset();
  const std::uint32_t n = to - from;
  if (is_typed(args[0])) {
    const Element element = as_typed(args[0])->element;
    if (!want_typed_room(cx, "array/slice", element, n)) return Value::unset();
    const Value made = make_typed_array(cx, element, n);
    const std::size_t size = element_bytes(element);
    std::memcpy(as_typed(made)->data(), as_typed(args[0])->data() + from * size, n * size);
    return made;
  }
  if (!want_room(cx, "array/slice", std::size_t{n} * 8)) return Value::unset();
  cx.charge(std::size_t{n} * 8);
  const Value made = make_array(cx, n, Value::nil());
  for (std::uint32_t i = 0; i < n; ++i) array_set(cx, made, i, array_get(args[0], from + i));
  return made;
}

SX_PRIMITIVE(prim_array_fill) {
  if (!want_array(cx, "array/fill!", args[0])) return Value::unset();
  std::uint32_t from, to;
  if (!want_range(cx, "array/fill!", args[0], args, count, 2, from, to)) return Value::unset();
  cx.charge(std::size_t{to - from} * 8);
  if (is_typed(args[0])) {
    if (!typed_accepts(cx, "array/fill!", as_typed(args[0])->element, args[1]))
      return Value::unset();
    for (std::uint32_t i = from; i < to; ++i) typed_set(args[0], i, args[1]);
  } else {
    for (std::uint32_t i = from; i < to; ++i) array_set(cx, args[0], i, args[1]);
  }
  return args[0];
}

// (array/copy! to at from [start end])
SX_PRIMITIVE(prim_array_copy) {
  static constexpr const char* kWho = "array/copy!";
  if (!want_array(cx, kWho, args[0]) || !want_array(cx, kWho, args[2])) return Value::unset();
  std::uint32_t from, to;
  std::int64_t at = 0;
  if (!want_int64(cx, kWho, args[1], at) ||
      !want_range(cx, kWho, args[2], args, count, 3, from, to))
    return Value::unset();
  const std::uint32_t n = to - from;
  if (at < 0 || at > any_array_count(args[0]) || any_array_count(args[0]) - at < n)
    return cx.fail("index-error", str(kWho, ": ", n, n == 1 ? " element does" : " elements do",
                                      " not fit at index ", at, " of the ", type_name(args[0]),
                                      " of ", any_array_count(args[0])));
  const auto target = static_cast<std::uint32_t>(at);
  cx.charge(std::size_t{n} * 8);
  if (is_typed(args[0]) && is_typed(args[2]) &&
      as_typed(args[0])->element == as_typed(args[2])->element) {
    const std::size_t size = element_bytes(as_typed(args[0])->element);
    std::memmove(as_typed(args[0])->data() + target * size, as_typed(args[2])->data() + from * size,
                 n * size);
    return args[0];
  }
  // Within one array the order matters: from the end when moving up.
  const bool up = args[0] == args[2] && target > from;
  for (std::uint32_t k = 0; k < n; ++k) {
    const std::uint32_t i = up ? n - 1 - k : k;
    const Value x =
        is_typed(args[2]) ? typed_get(cx, args[2], from + i) : array_get(args[2], from + i);
    if (!is_typed(args[0])) {
      array_set(cx, args[0], target + i, x);
    } else if (typed_accepts(cx, kWho, as_typed(args[0])->element, x)) {
      typed_set(args[0], target + i, x);
    } else {
      return Value::unset();
    }
  }
  return args[0];
}

SX_PRIMITIVE(prim_array_to_bytes) {
  if (!is_typed(args[0])) return cx.fail_type("array->bytes", "typed array", args[0]);
  const TypedArray* array = as_typed(args[0]);
  const std::size_t size = std::size_t{array->count} * element_bytes(array->element);
  if (!want_room(cx, "array->bytes", size)) return Value::unset();
  cx.charge(size);
  const std::vector<std::uint8_t> copy(array->data(), array->data() + size);
  return make_bytes(cx, copy);
}

SX_PRIMITIVE(prim_bytes_to_array) {
  if (!want_bytes(cx, "bytes->array", args[0])) return Value::unset();
  Element element = Element::U8;
  if (count == 2 && !want_element(cx, "bytes->array", args[1], element)) return Value::unset();
  const std::uint32_t size = as_bytes(args[0])->byte_len, each = element_bytes(element);
  if (size % each != 0)
    return cx.fail("value-error",
                   str("bytes->array: ", size, " bytes are no whole number of :",
                       kElementNames[static_cast<std::uint32_t>(element)], " of ", each, " bytes"));
  if (!want_typed_room(cx, "bytes->array", element, size / each)) return Value::unset();
  const Value made = make_typed_array(cx, element, size / each);
  std::memcpy(as_typed(made)->data(), as_bytes(args[0])->data(), size);
  return made;
}

}  // namespace sx
