// Persistent vectors, dicts, sets, strings, numbers, equality and hashing: the C++ side of the data
// types. Everything that allocates may move objects: arguments are protected by the callee, and
// the caller must not use its own copies of object Values afterwards unless they are rooted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/gc/context.h"

namespace sx {

// --- numbers ---------------------------------------------------------------------------------
Value make_int(Context& cx, std::int64_t n);
Value make_uint(Context& cx, std::uint64_t n);
bool is_integer(Value v);
bool is_number(Value v);
// v as int64 if it is an integer that fits.
bool to_int64(Value v, std::int64_t& out);
double to_double(Value v);  // of any number
// Arithmetic for all number kinds; type and division errors by cx.fail (returns unset).
Value num_add(Context& cx, Value a, Value b);
Value num_sub(Context& cx, Value a, Value b);
Value num_mul(Context& cx, Value a, Value b);
Value num_div(Context& cx, Value a, Value b);  // exact integers that do not divide give a float
Value num_quotient(Context& cx, Value a, Value b);
Value num_remainder(Context& cx, Value a, Value b);
Value num_modulo(Context& cx, Value a, Value b);
// -1, 0, 1; 2 when unordered (NaN). Exact for integer against float. Both must be numbers.
int num_compare(Value a, Value b);
// Decimal text of an integer; shortest round-trip text of a double (1.0, 1e+21, +nan.0, +inf.0,
// -inf.0).
std::string int_to_string(Value v, int radix = 10);
std::string double_to_string(double d);
// Parses a number literal as the reader does (integers of any size, 0x…, floats, +inf.0 …), or
// unset.
Value parse_number(Context& cx, std::string_view text);

// --- strings, bytes --------------------------------------------------------------------------
// text must be valid UTF-8 (callers check what comes from outside: utf8_valid in base/utf8.h) and
// must not lie in the heap (copy part of a String out first: the allocation may move it).
// Here as elsewhere in what loops call, text goes by its pointer and its size: in WebAssembly a
// string_view goes through memory.
Value make_string(Context& cx, const char* text, std::size_t size);
SX_INLINE Value make_string(Context& cx, std::string_view text) {
  return make_string(cx, text.data(), text.size());
}
Value make_bytes(Context& cx, std::span<const std::uint8_t> data);
Value make_static_string(Context& cx, std::string_view text);
// Byte offset of code point index i (0…char_len) in s, and back. Constant time: long non-ASCII
// strings carry a sparse index, so a String is only ever made by these functions.
std::uint32_t string_offset(const String* s, std::uint32_t i);
std::uint32_t string_index(const String* s, std::uint32_t offset);

// --- lists -----------------------------------------------------------------------------------
Value make_list(Context& cx, std::span<const Value> values);  // values are rooted by the callee
// From values in memory that the collector updates (VM registers, a RootList): no copy.
Value make_list_rooted(Context& cx, const Value* slots, std::uint32_t count);
// Number of pairs, or -1 when it is not a proper list.
std::int64_t list_length(Value v);

// --- vectors ---------------------------------------------------------------------------------
Value make_vector(Context& cx, std::span<const Value> values);
Value make_vector_rooted(Context& cx, const Value* slots, std::uint32_t count);  // as for lists
Value empty_vector(Context& cx);
std::uint32_t vector_count(Value v);
Value vector_get(Value v, std::uint32_t i);  // i < count
Value vector_push(Context& cx, Value v, Value x);
Value vector_set(Context& cx, Value v, std::uint32_t i, Value x);  // i < count
Value vector_pop(Context& cx, Value v);                            // count > 0

// --- dicts -----------------------------------------------------------------------------------
Value empty_dict(Context& cx);
std::uint32_t dict_count(Value d);
Value dict_get(Context& cx, Value d, Value key);  // unset when absent
Value dict_put(Context& cx, Value d, Value key, Value value);
Value dict_remove(Context& cx, Value d, Value key);
// Iteration in insertion order. No allocation; the dict must be kept alive and re-set after one.
class DictCursor {
 public:
  // from: a position() of an earlier cursor over the same dict.
  DictCursor(const Context& cx, Value dict, std::uint32_t from = 0)
      : cx_(cx), dict_(dict), at_(from) {}
  bool next(Value& key, Value& value);
  std::uint32_t position() const { return at_; }

 private:
  const Context& cx_;
  Value dict_;
  std::uint32_t at_;
};
// Builds {:kind "x" …}-like dicts from C++: pairs of keyword name and value (values protected).
struct Field {
  std::string_view key;
  Value value;
};
Value make_dict(Context& cx, std::span<const Field> fields);
// From count × (key, value) in memory that the collector updates; a later key replaces an equal
// one.
Value dict_from_entries(Context& cx, const Value* slots, std::uint32_t count);

// --- sets ------------------------------------------------------------------------------------
// The dict whose keys are the members: iterate a set with a DictCursor over it.
inline Value set_dict(Value s) { return s.as_object()->slots(0)[0]; }
Value empty_set(Context& cx);
bool set_contains(Context& cx, Value s, Value x);
Value set_add(Context& cx, Value s, Value x);
Value set_remove(Context& cx, Value s, Value x);
std::uint32_t set_count(Value s);

// --- arrays, tables (mutable) ----------------------------------------------------------------
Value make_array(Context& cx, std::uint32_t count, Value fill);
void array_push(Context& cx, Value array, Value x);
std::uint32_t array_count(Value array);
Value array_get(Value array, std::uint32_t i);  // i < count
void array_set(Context& cx, Value array, std::uint32_t i, Value x);
Value array_pop(Value array);  // count > 0
Value make_table(Context& cx);
Value table_get(Context& cx, Value table, Value key);  // unset when absent
void table_put(Context& cx, Value table, Value key, Value value);
bool table_remove(Context& cx, Value table, Value key);
std::uint32_t table_count(Value table);
// Iteration in insertion order; no allocation and no table_put meanwhile.
class TableCursor {
 public:
  explicit TableCursor(Value table, std::uint32_t from = 0) : table_(table), at_(from) {}
  bool next(Value& key, Value& value);
  std::uint32_t position() const { return at_; }

 private:
  Value table_;
  std::uint32_t at_;
};

// --- typed arrays (mutable, fixed length) ------------------------------------------------------
inline constexpr std::uint32_t kTypedArrayCountMax = std::uint32_t{1} << 30;
Value make_typed_array(Context& cx, Element element, std::uint32_t count);  // zeros
Value typed_get(Context& cx, Value array, std::uint32_t i);                 // i < count
// Can x be an element? Fails with who and what the type holds.
bool typed_accepts(Context& cx, const char* who, Element element, Value x);
void typed_set(Value array, std::uint32_t i, Value x);  // i < count; x was accepted
// The text of element i, without making a value of it.
std::string typed_text(const TypedArray* array, std::uint32_t i);

// --- record types ----------------------------------------------------------------------------
// The type with this name (a symbol) and these fields (keywords): one per context, static. Unset
// with an error when there are too many.
Value record_type(Context& cx, Value name, std::span<const Value> fields);
// The name as the program wrote it: without the module of a private type.
std::string_view record_name(const Context& cx, const RecordType* type);

// --- equality, hashing, order ----------------------------------------------------------------
// `=`: by content for immutable data, identity for mutable; (= 1 1.0) is false; NaN equals itself.
// Iterative: deep data cannot overflow the C++ stack.
bool equal(const Context& cx, Value a, Value b);
// Keyed, agrees with equal. Identity hash for mutable objects.
std::uint64_t hash_value(Context& cx, Value v);
// Total order used by sort without a comparator: numbers, strings, keywords, symbols, chars,
// booleans, nil, lists and vectors lexicographically. 2 when the two cannot be ordered.
int compare_values(const Context& cx, Value a, Value b);

}  // namespace sx
