// Typed arrays: numbers of one machine type, packed, little-endian like both targets.
#include <cstring>

#include "engine/base/str.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

TypedArray* as_typed(Value v) { return static_cast<TypedArray*>(v.as_object()); }

template <class T>
T load(const TypedArray* array, std::uint32_t i) {
  T x;
  std::memcpy(&x, array->data() + std::size_t{i} * sizeof(T), sizeof(T));
  return x;
}
template <class T>
void store(TypedArray* array, std::uint32_t i, T x) {
  std::memcpy(array->data() + std::size_t{i} * sizeof(T), &x, sizeof(T));
}

}  // namespace

Value make_typed_array(Context& cx, Element element, std::uint32_t count) {
  const std::uint64_t bytes = std::uint64_t{count} * element_bytes(element);
  const auto words = static_cast<std::uint32_t>((bytes + 7) / 8);
  auto* made = static_cast<TypedArray*>(cx.heap.alloc(Kind::TypedArray, 2 + words));
  made->count = count;
  made->element = element;
  std::memset(made->data(), 0, std::size_t{words} * 8);
  return Value::object(made);
}

Value typed_get(Context& cx, Value v, std::uint32_t i) {
  const TypedArray* array = as_typed(v);
  switch (array->element) {
    case Element::U8:
      return Value::small_int(array->data()[i]);
    case Element::I32:
      return Value::small_int(load<std::int32_t>(array, i));
    case Element::I64:
      return make_int(cx, load<std::int64_t>(array, i));
    case Element::F64:
      break;
  }
  return Value::from_double(load<double>(array, i));
}

std::string typed_text(const TypedArray* array, std::uint32_t i) {
  if (array->element == Element::F64)
    return double_to_string(Value::from_double(load<double>(array, i)).as_double());
  return str(array->element == Element::U8    ? array->data()[i]
             : array->element == Element::I32 ? load<std::int32_t>(array, i)
                                              : load<std::int64_t>(array, i));
}

bool typed_accepts(Context& cx, const char* who, Element element, Value x) {
  if (element == Element::F64) {
    if (is_number(x)) return true;
    cx.fail_type(who, "number", x);
    return false;
  }
  if (!is_integer(x)) {
    cx.fail_type(who, "integer", x);
    return false;
  }
  std::int64_t n;
  const bool fits = to_int64(x, n);
  if (fits && (element == Element::I64 ||
               (element == Element::U8 ? n >= 0 && n <= 255 : n >= INT32_MIN && n <= INT32_MAX)))
    return true;
  const char* holds = element == Element::U8    ? "u8-array holds integers from 0 to 255"
                      : element == Element::I32 ? "i32-array holds integers of 32 bits with sign"
                                                : "i64-array holds integers of 64 bits with sign";
  cx.fail("range-error", str(who, ": ", element == Element::U8 ? "a " : "an ", holds, ", got ",
                             int_to_string(x).substr(0, 40)));
  return false;
}

void typed_set(Value v, std::uint32_t i, Value x) {
  TypedArray* array = as_typed(v);
  if (array->element == Element::F64) return store(array, i, to_double(x));
  std::int64_t n = 0;
  to_int64(x, n);
  switch (array->element) {
    case Element::U8:
      array->data()[i] = static_cast<std::uint8_t>(n);
      return;
    case Element::I32:
      return store(array, i, static_cast<std::int32_t>(n));
    default:
      return store(array, i, n);
  }
}

}  // namespace sx
