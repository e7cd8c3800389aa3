// Helpers for writing primitives: argument checks, walking sequences, building lists and text.
//
// The collector may move objects at every allocation. args[i] are registers and stay right; any
// other object value kept across an allocation lives in a Root.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/gc/context.h"
#include "engine/prim/declare.h"
#include "engine/prim/operations.h"
#include "engine/value/collections.h"

namespace sx {

class HtmlBuffer;

// One native result may not be larger than this; the heap limit usually answers first.
inline constexpr std::size_t kTextBytesMax = std::size_t{1} << 30;

// --- checks: false leaves "who: Expected …, got …" in cx.error ----------------------------------
inline bool want_string(Context& cx, const char* who, Value v) {
  if (is_string(v)) return true;
  cx.fail_type(who, "string", v);
  return false;
}
inline bool want_bytes(Context& cx, const char* who, Value v) {
  if (is_bytes(v)) return true;
  cx.fail_type(who, "bytes", v);
  return false;
}
inline bool want_number(Context& cx, const char* who, Value v) {
  if (is_number(v)) return true;
  cx.fail_type(who, "number", v);
  return false;
}
inline bool want_dict(Context& cx, const char* who, Value v) {
  if (is_dict(v)) return true;
  cx.fail_type(who, "dict", v);
  return false;
}
inline bool want_kind(Context& cx, const char* who, Kind kind, Value v) {
  if (is_kind(v, kind)) return true;
  cx.fail_type(who, kind_info(kind).type_name, v);
  return false;
}
// An integer that fits 64 bits.
bool want_int64(Context& cx, const char* who, Value v, std::int64_t& out);
// An integer ≥ 0, clamped to INT64_MAX when it is a big one.
bool want_count(Context& cx, const char* who, Value v, std::int64_t& out);
// Would a text or bytes of this size be refused? Leaves the error if so.
bool want_room(Context& cx, const char* who, std::size_t bytes);

// "who: Index 7 out of range: the vector has 3 elements"
Value fail_index(Context& cx, const char* who, Value index, Value coll, std::size_t count);

// --- text ---------------------------------------------------------------------------------------
// A string from C++ text (valid UTF-8, not inside the SX heap); charges its bytes.
Value make_text(Context& cx, const char* text, std::size_t size);
SX_INLINE Value make_text(Context& cx, std::string_view text) {
  return make_text(cx, text.data(), text.size());
}
// A short string but for its bytes, which the caller writes before anything else is allocated. Only
// for text that needs no index: ASCII, or at most 64 characters. Charges its bytes.
String* new_string(Context& cx, std::uint32_t bytes, std::uint32_t chars);
// Where `part` begins in `text` at or behind `from`; npos: nowhere.
std::size_t find_text(const std::string_view& text, const std::string_view& part, std::size_t from);
// A string of that many ASCII bytes. The caller writes all of them before anything else is
// allocated. nullptr: the error is left. Charges its bytes.
String* make_ascii(Context& cx, std::size_t bytes);
// Bytes [from, to) of the string in a rooted place (a register or Root's variable); both offsets
// at code point borders.
Value make_substring(Context& cx, const Value& rooted, std::uint32_t from, std::uint32_t to);
// The written form of v. This and the display text are cut where they get longer than any text may
// be: make_text refuses them.
std::string written(const Context& cx, Value v);
// Appends the display text of v.
void append_display(const Context& cx, std::string& out, Value v);
void append_display(const Context& cx, HtmlBuffer& out, Value v);
// Appends s as a JSON string (prim_json.cpp).
void append_json_string(std::string& out, std::string_view s);
// Unicode White_Space.
bool is_whitespace(std::uint32_t c);
std::uint32_t char_upcase(std::uint32_t c);
std::uint32_t char_downcase(std::uint32_t c);

// --- sequences ----------------------------------------------------------------------------------
// Entry i of a dict by position (deleted entries are holes): false past the end; key unset for a
// hole. No allocation.
bool dict_entry(const Context& cx, Value dict, std::uint32_t i, Value& key, Value& value);
Value make_entry(Context& cx, Value key, Value value);  // [key value]

// Walks a list, vector, set, dict (entries as [k v]), array of any kind or nil across allocations.
class Sequence {
 public:
  Sequence(Context& cx, Value v);
  // False when v was none of these: fail_type(who, "list", v) is the usual answer.
  bool valid() const { return valid_; }
  // The next element, or false at the end. May allocate (dict entries). `out` is not rooted.
  bool next(Value& out);
  // After the end: true when the list ended in something other than ().
  bool dotted() const { return dotted_; }

 private:
  Context& cx_;
  Root value_;
  std::uint32_t at_ = 0;
  bool valid_ = true;
  bool dotted_ = false;
};

// Appends at the end of a list.
class ListBuilder {
 public:
  explicit ListBuilder(Context& cx)
      : cx_(cx), head_(cx.heap, Value::empty_list()), last_(cx.heap, Value::empty_list()) {}
  void add(Value v) {
    const Value pair = cx_.heap.cons(v, Value::empty_list());
    link(pair);
    last_ = pair;
  }
  // Ends the list with `tail` instead of ().
  Value finish_with(Value tail) {
    if (last_.get().is_empty_list()) return tail;
    Pair* last = as_pair(last_);
    last->cdr = tail;
    cx_.heap.write_barrier(last, tail);
    return head_;
  }
  Value finish() const { return head_; }

 private:
  void link(Value pair) {
    if (last_.get().is_empty_list()) {
      head_ = pair;
      return;
    }
    Pair* last = as_pair(last_);
    last->cdr = pair;
    cx_.heap.write_barrier(last, pair);
  }
  Context& cx_;
  Root head_, last_;
};

// The elements of a list, vector, set, array or nil, without allocating: valid until the next
// allocation. Dicts are refused like other types (walk them with Sequence). False: error left.
bool gather(Context& cx, const char* who, Value v, std::vector<Value>& out);

}  // namespace sx
