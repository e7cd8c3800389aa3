// Lists: chains of pairs that end in ().
#include "engine/value/collections.h"
#include "engine/value/root_list.h"

namespace sx {

Value make_list(Context& cx, std::span<const Value> values) {
  RootList rooted(cx.heap, values);
  return make_list_rooted(cx, rooted.data(), static_cast<std::uint32_t>(rooted.size()));
}

Value make_list_rooted(Context& cx, const Value* slots, std::uint32_t count) {
  Value list = Value::empty_list();
  // cons protects its arguments, so the list needs no root of its own.
  for (std::uint32_t i = count; i-- > 0;) list = cx.heap.cons(slots[i], list);
  return list;
}

std::int64_t list_length(Value v) {
  std::int64_t n = 0;
  for (; is_pair(v); v = cdr(v)) ++n;
  return v.is_empty_list() ? n : -1;
}

}  // namespace sx
