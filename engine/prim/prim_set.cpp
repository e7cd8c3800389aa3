// Sets: immutable, in insertion order.
#include "engine/prim/support.h"

namespace sx {
namespace {

// Adds the members of the set (or any sequence) in a register to `into`.
bool add_all(Context& cx, const char* who, Root& into, Value source) {
  Sequence sequence(cx, source);
  if (!sequence.valid()) {
    cx.fail_type(who, "set", source);
    return false;
  }
  Value v;
  std::size_t n = 0;
  for (; sequence.next(v); ++n) into = set_add(cx, into, v);
  cx.charge(n * 64);
  return true;
}

// The members of args[0] that satisfy `keep`.
template <class Keep>
Value filter_set(Context& cx, Value* args, Keep keep) {
  Root out(cx.heap, empty_set(cx));
  Sequence sequence(cx, args[0]);
  Root member(cx.heap, Value::nil());
  Value v;
  std::size_t n = 0;
  for (; sequence.next(v); ++n) {
    member = v;
    if (keep(member.get())) out = set_add(cx, out, member);
  }
  cx.charge(n * 64);
  return out;
}

bool want_sets(Context& cx, const char* who, Value* args, int count) {
  for (int i = 0; i < count; ++i)
    if (!want_kind(cx, who, Kind::Set, args[i])) return false;
  return true;
}

}  // namespace

SX_PRIMITIVE(prim_set) {
  Root set(cx.heap, empty_set(cx));
  for (int i = 0; i < count; ++i) set = set_add(cx, set, args[i]);
  return set;
}

SX_PRIMITIVE(prim_to_set) {
  if (is_kind(args[0], Kind::Set)) return args[0];
  Root set(cx.heap, empty_set(cx));
  if (!add_all(cx, "->set", set, args[0])) return Value::unset();
  return set;
}

SX_PRIMITIVE(prim_disj) {
  if (!want_kind(cx, "disj", Kind::Set, args[0])) return Value::unset();
  Root set(cx.heap, args[0]);
  for (int i = 1; i < count; ++i) set = set_remove(cx, set, args[i]);
  return set;
}

SX_PRIMITIVE(prim_union) {
  if (!want_sets(cx, "union", args, count)) return Value::unset();
  if (count == 0) return empty_set(cx);
  Root set(cx.heap, args[0]);
  for (int i = 1; i < count; ++i)
    if (!add_all(cx, "union", set, args[i])) return Value::unset();
  return set;
}

SX_PRIMITIVE(prim_intersection) {
  if (!want_sets(cx, "intersection", args, count)) return Value::unset();
  return filter_set(cx, args, [&](Value v) {
    for (int i = 1; i < count; ++i)
      if (!set_contains(cx, args[i], v)) return false;
    return true;
  });
}

SX_PRIMITIVE(prim_difference) {
  if (!want_sets(cx, "difference", args, count)) return Value::unset();
  return filter_set(cx, args, [&](Value v) {
    for (int i = 1; i < count; ++i)
      if (set_contains(cx, args[i], v)) return false;
    return true;
  });
}

SX_PRIMITIVE(prim_is_subset) {
  if (!want_sets(cx, "subset?", args, 2)) return Value::unset();
  Sequence sequence(cx, args[0]);
  Value v;
  while (sequence.next(v))
    if (!set_contains(cx, args[1], v)) return Value::fals();
  return Value::tru();
}

}  // namespace sx
