// A value: one 64-bit word, NaN-boxed, the same on both targets.
//
// Doubles are stored as they are. Every bit pattern whose top 16 bits are 0xFFF9…0xFFFF is a tag:
//   0xFFFF  int     48-bit two's complement (all-ones tag: `a & b` tests two operands at once)
//   0xFFFE  object  address of a heap object (wasm32: the low word)
//   0xFFFD  symbol  id in the SymbolTable
//   0xFFFC  keyword id in the same table
//   0xFFFB  char    Unicode scalar value
//   0xFFFA  special nil, false, true, (), unset, eof
//   0xFFF9  reserved: never a valid value
// Doubles that come from outside (reader, bundles, typed arrays, wire) go through
// Value::from_double, which canonicalises NaN, so no double can be mistaken for a tag.
// No file format holds raw value words.
#pragma once

#include <cstdint>
#include <cstring>

namespace sx {

#define SX_INLINE inline __attribute__((always_inline))

struct Object;

inline constexpr int kTagShift = 48;
inline constexpr std::uint64_t kPayloadMask = (std::uint64_t{1} << kTagShift) - 1;

enum class Tag : std::uint16_t {
  Special = 0xFFFA,
  Char = 0xFFFB,
  Keyword = 0xFFFC,
  Symbol = 0xFFFD,
  Object = 0xFFFE,
  Int = 0xFFFF,
};

inline constexpr std::int64_t kSmallIntMax = (std::int64_t{1} << 47) - 1;
inline constexpr std::int64_t kSmallIntMin = -(std::int64_t{1} << 47);

struct Value {
  std::uint64_t bits;

  static constexpr std::uint64_t tagged(Tag tag, std::uint64_t payload) {
    return (static_cast<std::uint64_t>(tag) << kTagShift) | payload;
  }

  static constexpr Value special(std::uint64_t n) { return {tagged(Tag::Special, n)}; }
  static constexpr Value nil() { return special(0); }
  static constexpr Value fals() { return special(1); }  // nil and false differ in bit 0 only
  static constexpr Value tru() { return special(2); }
  static constexpr Value empty_list() { return special(4); }
  // Not a program-visible value: an argument not given, a letrec variable or global not set yet.
  static constexpr Value unset() { return special(6); }
  static constexpr Value eof() { return special(8); }
  static constexpr Value boolean(bool b) { return b ? tru() : fals(); }

  // n must lie in kSmallIntMin…kSmallIntMax; Heap-aware make_int (number.h) makes big ones.
  static constexpr Value small_int(std::int64_t n) {
    return {tagged(Tag::Int, static_cast<std::uint64_t>(n) & kPayloadMask)};
  }
  static constexpr bool fits_small(std::int64_t n) {
    return n >= kSmallIntMin && n <= kSmallIntMax;
  }
  static Value from_double(double d) {
    if (d != d) return {0x7FF8000000000000u};
    return raw_double(d);
  }
  // For results of arithmetic on canonical doubles: hardware NaNs (0x7FF8…, 0xFFF8…) are no tags.
  static SX_INLINE Value raw_double(double d) {
    Value v;
    std::memcpy(&v.bits, &d, sizeof d);
    return v;
  }
  static Value object(const Object* o) {
    return {tagged(Tag::Object, static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(o)))};
  }
  static constexpr Value symbol(std::uint32_t id) { return {tagged(Tag::Symbol, id)}; }
  static constexpr Value keyword(std::uint32_t id) { return {tagged(Tag::Keyword, id)}; }
  static constexpr Value character(std::uint32_t c) { return {tagged(Tag::Char, c)}; }

  constexpr std::uint16_t top() const { return static_cast<std::uint16_t>(bits >> kTagShift); }
  constexpr bool has(Tag t) const { return top() == static_cast<std::uint16_t>(t); }
  constexpr bool is_double() const { return top() < 0xFFF9; }
  constexpr bool is_int() const { return bits >= (std::uint64_t{0xFFFF} << kTagShift); }
  constexpr bool is_object() const { return has(Tag::Object); }
  constexpr bool is_symbol() const { return has(Tag::Symbol); }
  constexpr bool is_keyword() const { return has(Tag::Keyword); }
  constexpr bool is_char() const { return has(Tag::Char); }
  constexpr bool is_nil() const { return bits == nil().bits; }
  constexpr bool is_unset() const { return bits == unset().bits; }
  constexpr bool is_empty_list() const { return bits == empty_list().bits; }
  constexpr bool is_bool() const { return bits == tru().bits || bits == fals().bits; }
  // Only nil and false are false.
  constexpr bool truthy() const { return (bits & ~std::uint64_t{1}) != nil().bits; }

  constexpr std::int64_t as_int() const { return static_cast<std::int64_t>(bits << 16) >> 16; }
  SX_INLINE double as_double() const {
    double d;
    std::memcpy(&d, &bits, sizeof d);
    return d;
  }
  SX_INLINE Object* as_object() const {
    return reinterpret_cast<Object*>(static_cast<std::uintptr_t>(bits & kPayloadMask));
  }
  constexpr std::uint32_t id() const {
    return static_cast<std::uint32_t>(bits);
  }  // symbol, keyword, char

  // Identity: the same word. Content equality is sx::equal (value/equal.h).
  constexpr bool operator==(const Value& o) const { return bits == o.bits; }
};
static_assert(sizeof(Value) == 8);

SX_INLINE bool both_ints(Value a, Value b) {
  return (a.bits & b.bits) >= (std::uint64_t{0xFFFF} << kTagShift);
}

}  // namespace sx
