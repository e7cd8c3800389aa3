// The slow paths that instructions and primitives share: what First, Get, Assoc … do when their
// operand is not the case the run loop handles itself. Failure: unset, with cx.error set.
// They may allocate: the caller reads its registers again afterwards.
#pragma once

#include "engine/gc/context.h"

namespace sx {

Value op_first(Context& cx, Value s);     // nil when empty
Value op_rest(Context& cx, Value s);      // () when empty
Value op_count(Context& cx, Value s);     // small int
Value op_is_empty(Context& cx, Value s);  // true or false
Value op_nth(Context& cx, Value s, Value index);
Value op_get(Context& cx, Value coll, Value key);  // nil when absent
// The same, unset without cx.error being touched when absent; *failed tells an error apart.
Value op_lookup(Context& cx, Value coll, Value key, bool* failed);
Value op_assoc(Context& cx, Value coll, Value key, Value value);

// A list that grows at its end (%list-begin): may it still, or is it under construction twice?
SX_INLINE bool list_grows(const Context& cx, Value last, Value begin) {
  return is_pair(last) && is_pair(begin) && car(begin) == cx.copy_mark &&
         !(last.as_object()->gc & kGcStatic);
}
// The fresh pair comes behind `last`, or before it when the list grows no more.
SX_INLINE void list_add(Context& cx, Value last, Value pair, Value begin) {
  if (__builtin_expect(list_grows(cx, last, begin), 1)) {
    as_pair(last)->cdr = pair;
    cx.heap.write_barrier(last.as_object(), pair);
  } else {
    as_pair(pair)->cdr = last;
  }
}

Value op_conj(Context& cx, Value coll, Value x);
Value op_array_get(Context& cx, Value array, Value index);
Value op_array_set(Context& cx, Value array, Value index, Value x);  // x
Value op_table_get(Context& cx, Value table, Value key);             // nil when absent
Value op_table_put(Context& cx, Value table, Value key, Value x);    // x
Value op_cell_get(Context& cx, Value cell);
Value op_cell_set(Context& cx, Value cell, Value x);  // x

// Starts a macro expansion: (macro/rename s) now gives aliases of s in `module` (a symbol id), the
// same one for the same symbol until the next begin_expansion.
void begin_expansion(Context& cx, std::uint32_t module);

}  // namespace sx
