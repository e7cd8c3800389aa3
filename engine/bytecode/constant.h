// Constants as bytes. A value has one encoding, so equal constants are found by comparing bytes,
// and the same source gives the same bundle.
//
// A tag byte, then its payload; parts follow their whole (pre-order):
//   Nil False True EmptyList   –
//   Int       zigzag LEB128 (integers within 64 bits)
//   BigInt    u8 negative, count, u32 limbs little-endian (integers beyond 64 bits)
//   Double    8 bytes; NaN only as 0x7FF8000000000000
//   String Bytes Symbol Keyword Raw    length, bytes (UTF-8 but for Bytes)
//   Char      LEB128 scalar value
//   List      count ≥ 1, elements           DottedList   count ≥ 1, elements, tail
//   Vector    count, elements               Set          count, members in insertion order
//   Dict      count, key value key value … in insertion order
//   Record    name of the type, count, names of the fields; then the value of each
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/gc/context.h"

namespace sx {

enum class ConstantTag : std::uint8_t {
  Nil = 0,
  False = 1,
  True = 2,
  EmptyList = 3,
  Int = 4,
  BigInt = 5,
  Double = 6,
  String = 7,
  Bytes = 8,
  Char = 9,
  Symbol = 10,
  Keyword = 11,
  List = 12,
  DottedList = 13,
  Vector = 14,
  Dict = 15,
  Set = 16,
  Raw = 17,
  Record = 18,
};

inline constexpr std::size_t kConstantDepthMax = 2'000'000;  // as deep as the reader reads

// The bytes of a value. Functions, cells, arrays and whatever else has no fixed content are refused
// by name. Source positions of pairs are not kept. Iterative; does not allocate on the heap.
Result<std::string> encode_constant(const Context& cx, Value v);

// The value of the bytes. as_static: in the static generation (constants of units), where it needs
// no root; otherwise the caller roots it at once.
Result<Value> decode_constant(Context& cx, std::string_view bytes, bool as_static);

// Whether decode_constant would accept the bytes; needs no heap.
Result<void> check_constant(std::string_view bytes);

// The name if the (checked) bytes are a keyword.
bool constant_keyword(std::string_view bytes, std::string_view& name);
// The names if the (checked) bytes are a vector of keywords.
bool constant_keywords(std::string_view bytes, std::vector<std::string_view>& names);

}  // namespace sx
