// Sets: dicts whose keys are the members, in insertion order.
#include "engine/value/collections.h"

namespace sx {
namespace {

Value make_set(Context& cx, Value dict) {
  Root rooted(cx.heap, dict);
  Object* set = cx.heap.alloc(Kind::Set, 2);
  set->slots(0)[0] = rooted;
  return Value::object(set);
}

}  // namespace

Value empty_set(Context& cx) { return make_set(cx, empty_dict(cx)); }

bool set_contains(Context& cx, Value s, Value x) {
  return !dict_get(cx, set_dict(s), x).is_unset();
}

Value set_add(Context& cx, Value s, Value x) {
  const Value dict = set_dict(s);
  if (!dict_get(cx, dict, x).is_unset()) return s;
  return make_set(cx, dict_put(cx, dict, x, Value::tru()));
}

Value set_remove(Context& cx, Value s, Value x) {
  const Value dict = set_dict(s);
  if (dict_get(cx, dict, x).is_unset()) return s;
  return make_set(cx, dict_remove(cx, dict, x));
}

std::uint32_t set_count(Value s) { return dict_count(set_dict(s)); }

}  // namespace sx
