// Byte strings as data of binary formats: numbers of every width and order, searching, lists.
#include <algorithm>
#include <cstring>

#include "engine/prim/support.h"

namespace sx {
namespace {

// A number as formats hold it.
struct NumberType {
  const char* name;
  std::uint8_t bytes;
  char kind;  // 'u', 'i' or 'f'
  bool big_endian;
};
constexpr NumberType kTypes[] = {
    {"u8", 1, 'u', false},    {"i8", 1, 'i', false},    {"u16le", 2, 'u', false},
    {"u16be", 2, 'u', true},  {"i16le", 2, 'i', false}, {"i16be", 2, 'i', true},
    {"u32le", 4, 'u', false}, {"u32be", 4, 'u', true},  {"i32le", 4, 'i', false},
    {"i32be", 4, 'i', true},  {"u64le", 8, 'u', false}, {"u64be", 8, 'u', true},
    {"i64le", 8, 'i', false}, {"i64be", 8, 'i', true},  {"f32le", 4, 'f', false},
    {"f32be", 4, 'f', true},  {"f64le", 8, 'f', false}, {"f64be", 8, 'f', true},
};

const NumberType* want_type(Context& cx, const char* who, Value v) {
  if (v.is_keyword())
    for (const NumberType& type : kTypes)
      if (cx.symbols.name(v.id()) == type.name) return &type;
  std::string shown;
  append_display(cx, shown, v);
  cx.fail("value-error", str(who,
                             ": Expected a number type (:u8 :i8, :u16 :i16 :u32 :i32 :u64 :i64 "
                             ":f32 :f64 with le or be), got ",
                             shown.substr(0, 60)));
  return nullptr;
}

bool want_place(Context& cx, const char* who, Value bytes, Value at, std::size_t size,
                std::size_t& out) {
  std::int64_t i = 0;
  if (!want_int64(cx, who, at, i)) return false;
  const std::int64_t n = as_bytes(bytes)->byte_len;
  if (i < 0 || i > n || static_cast<std::size_t>(n - i) < size) {
    cx.fail("index-error", str(who, ": ", size, size == 1 ? " byte" : " bytes", " at index ", i,
                               " go beyond the ", n, n == 1 ? " byte" : " bytes", " there are"));
    return false;
  }
  out = static_cast<std::size_t>(i);
  return true;
}

std::string_view view_of(Value bytes) {
  const Bytes* b = as_bytes(bytes);
  return {reinterpret_cast<const char*>(b->data()), b->byte_len};
}

Value make_bytes_of(Context& cx, const std::string& data) {
  return make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
}

}  // namespace

SX_PRIMITIVE(prim_bytes_to_number) {
  static constexpr const char* kWho = "bytes->number";
  if (!want_bytes(cx, kWho, args[0])) return Value::unset();
  const NumberType* type = want_type(cx, kWho, args[1]);
  std::size_t at = 0;
  if (!type ||
      !want_place(cx, kWho, args[0], count == 3 ? args[2] : Value::small_int(0), type->bytes, at))
    return Value::unset();
  const std::uint8_t* data = as_bytes(args[0])->data() + at;
  std::uint64_t n = 0;
  for (unsigned i = 0; i < type->bytes; ++i)
    n |= static_cast<std::uint64_t>(data[type->big_endian ? type->bytes - 1 - i : i]) << (8 * i);
  if (type->kind == 'u') return make_uint(cx, n);
  if (type->kind == 'i') {
    const unsigned unused = 64u - 8u * type->bytes;
    return make_int(cx, static_cast<std::int64_t>(n << unused) >> unused);
  }
  if (type->bytes == 4) {
    const auto half = static_cast<std::uint32_t>(n);
    float f;
    std::memcpy(&f, &half, sizeof f);
    return Value::from_double(static_cast<double>(f));
  }
  double d;
  std::memcpy(&d, &n, sizeof d);
  return Value::from_double(d);
}

SX_PRIMITIVE(prim_number_to_bytes) {
  static constexpr const char* kWho = "number->bytes";
  const NumberType* type = want_type(cx, kWho, args[1]);
  if (!type) return Value::unset();
  std::uint64_t n = 0;
  if (type->kind == 'f') {
    if (!want_number(cx, kWho, args[0])) return Value::unset();
    const double d = to_double(args[0]);
    if (type->bytes == 4) {
      const auto f = static_cast<float>(d);
      std::uint32_t half;
      std::memcpy(&half, &f, sizeof f);
      n = half;
    } else {
      n = Value::from_double(d).bits;
    }
  } else {
    if (!is_integer(args[0])) return cx.fail_type(kWho, "integer", args[0]);
    const unsigned bits = 8u * type->bytes;
    // The least and the greatest that fit, compared exactly: u64 is beyond int64.
    const bool with_sign = type->kind == 'i';
    Root low(cx.heap, with_sign ? make_int(cx, -1 - static_cast<std::int64_t>(
                                                        (std::uint64_t{1} << (bits - 1)) - 1))
                                : Value::small_int(0));
    const std::uint64_t most =
        with_sign ? (std::uint64_t{1} << (bits - 1)) - 1 : ~std::uint64_t{0} >> (64 - bits);
    const Value high = make_uint(cx, most);
    if (num_compare(args[0], low) < 0 || num_compare(args[0], high) > 0)
      return cx.fail("range-error", str(kWho, ": ", int_to_string(args[0]).substr(0, 40),
                                        " does not fit :", type->name));
    std::int64_t small;
    if (to_int64(args[0], small)) {
      n = static_cast<std::uint64_t>(small);
    } else {
      const auto* big = static_cast<const BigInt*>(args[0].as_object());
      n = big->limbs()[0] | static_cast<std::uint64_t>(big->limbs()[1]) << 32;
    }
  }
  std::uint8_t out[8];
  for (unsigned i = 0; i < type->bytes; ++i)
    out[type->big_endian ? type->bytes - 1 - i : i] = static_cast<std::uint8_t>(n >> (8 * i));
  return make_bytes(cx, {out, type->bytes});
}

SX_PRIMITIVE(prim_bytes_index_of) {
  static constexpr const char* kWho = "bytes/index-of";
  if (!want_bytes(cx, kWho, args[0]) || !want_bytes(cx, kWho, args[1])) return Value::unset();
  std::int64_t from = 0;
  if (count == 3 && !want_count(cx, kWho, args[2], from)) return Value::unset();
  const std::string_view all = view_of(args[0]);
  if (from > static_cast<std::int64_t>(all.size())) return Value::nil();
  cx.charge(all.size());
  const std::size_t found = all.find(view_of(args[1]), static_cast<std::size_t>(from));
  return found == std::string_view::npos ? Value::nil()
                                         : Value::small_int(static_cast<std::int64_t>(found));
}

SX_PRIMITIVE(prim_bytes_starts_with) {
  if (!want_bytes(cx, "bytes/starts-with?", args[0]) ||
      !want_bytes(cx, "bytes/starts-with?", args[1]))
    return Value::unset();
  const std::string_view part = view_of(args[1]);
  return Value::boolean(view_of(args[0]).substr(0, part.size()) == part);
}

SX_PRIMITIVE(prim_bytes_repeat) {
  std::int64_t n = 0;
  if (!want_bytes(cx, "bytes/repeat", args[0]) || !want_count(cx, "bytes/repeat", args[1], n))
    return Value::unset();
  const std::string_view part = view_of(args[0]);
  if (part.empty()) return args[0];
  const bool huge = static_cast<std::uint64_t>(n) > kTextBytesMax / part.size();
  const std::size_t size = huge ? SIZE_MAX : part.size() * static_cast<std::size_t>(n);
  if (!want_room(cx, "bytes/repeat", size)) return Value::unset();
  std::string out;
  out.reserve(size);
  for (std::int64_t i = 0; i < n; ++i) out += part;
  cx.charge(size);
  return make_bytes_of(cx, out);
}

SX_PRIMITIVE(prim_bytes_to_list) {
  if (!want_bytes(cx, "bytes->list", args[0])) return Value::unset();
  const std::string data(view_of(args[0]));
  cx.charge(data.size() * 24);
  ListBuilder out(cx);
  for (const char c : data) out.add(Value::small_int(static_cast<unsigned char>(c)));
  return out.finish();
}

SX_PRIMITIVE(prim_list_to_bytes) {
  Sequence sequence(cx, args[0]);
  if (!sequence.valid()) return cx.fail_type("list->bytes", "list", args[0]);
  std::string out;
  Value v;
  while (sequence.next(v)) {
    if (!is_integer(v)) return cx.fail_type("list->bytes", "integer", v);
    if (!v.is_int() || v.as_int() < 0 || v.as_int() > 255)
      return cx.fail("range-error", str("list->bytes: Expected integers from 0 to 255, got ",
                                        int_to_string(v).substr(0, 40)));
    out.push_back(static_cast<char>(v.as_int()));
  }
  cx.charge(out.size() * 8);
  return make_bytes_of(cx, out);
}

}  // namespace sx
