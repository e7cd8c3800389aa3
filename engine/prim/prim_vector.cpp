// Vectors, and the functions that serve several persistent collections.
#include "engine/prim/support.h"

namespace sx {

SX_PRIMITIVE(prim_vector) {
  return make_vector_rooted(cx, args, static_cast<std::uint32_t>(count));
}

SX_PRIMITIVE(prim_vec) {
  if (is_vector(args[0])) return args[0];
  Root list(cx.heap, args[0]);
  if (is_dict(args[0])) list = prim_to_list(cx, args, 1);
  std::vector<Value> elements;
  if (!gather(cx, "vec", list, elements)) return Value::unset();
  return make_vector(cx, elements);
}

SX_PRIMITIVE(prim_list_to_vector) {
  if (!is_pair(args[0]) && !args[0].is_empty_list())
    return cx.fail_type("list->vector", "list", args[0]);
  std::vector<Value> elements;
  if (!gather(cx, "list->vector", args[0], elements)) return Value::unset();
  return make_vector(cx, elements);
}

namespace {

// Reads [from, to) for a vector of n elements from optional arguments at args[1], args[2].
bool want_slice(Context& cx, const char* who, Value* args, int count, std::uint32_t& from,
                std::uint32_t& to) {
  const std::uint32_t n = vector_count(args[0]);
  std::int64_t a = 0, b = n;
  if (count > 1 && !want_count(cx, who, args[1], a)) return false;
  if (count > 2 && !args[2].is_nil() && !want_count(cx, who, args[2], b)) return false;
  if (a > n || b > n || a > b) {
    cx.fail("index-error", str(who, ": Range ", a, " to ", b, " out of range: the vector has ", n,
                               n == 1 ? " element" : " elements"));
    return false;
  }
  from = static_cast<std::uint32_t>(a);
  to = static_cast<std::uint32_t>(b);
  return true;
}

}  // namespace

SX_PRIMITIVE(prim_vector_to_list) {
  if (!is_vector(args[0])) return cx.fail_type("vector->list", "vector", args[0]);
  std::uint32_t from = 0, to = 0;
  if (!want_slice(cx, "vector->list", args, count, from, to)) return Value::unset();
  Root list(cx.heap, Value::empty_list());
  for (std::uint32_t i = to; i > from; --i) list = cx.heap.cons(vector_get(args[0], i - 1), list);
  cx.charge((to - from) * 24);
  return list;
}

SX_PRIMITIVE(prim_subvec) {
  if (!is_vector(args[0])) return cx.fail_type("subvec", "vector", args[0]);
  std::uint32_t from = 0, to = 0;
  if (!want_slice(cx, "subvec", args, count, from, to)) return Value::unset();
  std::vector<Value> elements;
  elements.reserve(to - from);
  for (std::uint32_t i = from; i < to; ++i) elements.push_back(vector_get(args[0], i));
  cx.charge(elements.size() * 8);
  return make_vector(cx, elements);
}

SX_PRIMITIVE(prim_peek) {
  const Value v = args[0];
  if (v.is_nil() || v.is_empty_list()) return Value::nil();
  if (is_pair(v)) return car(v);
  if (!is_vector(v)) return cx.fail_type("peek", "vector", v);
  const std::uint32_t n = vector_count(v);
  return n == 0 ? Value::nil() : vector_get(v, n - 1);
}

SX_PRIMITIVE(prim_pop) {
  const Value v = args[0];
  if (is_pair(v)) return cdr(v);
  if (is_vector(v) && vector_count(v) > 0) return vector_pop(cx, v);
  if (is_vector(v) || v.is_empty_list() || v.is_nil())
    return cx.fail("index-error", str("pop: the ", type_name(v), " is empty"));
  return cx.fail_type("pop", "vector", v);
}

SX_PRIMITIVE(prim_conj) {
  if (count == 1) return args[0];
  Root coll(cx.heap, args[0]);
  for (int i = 1; i < count; ++i) {
    const Value next = op_conj(cx, coll, args[i]);
    if (next.is_unset()) return next;
    coll = next;
  }
  return coll;
}

SX_PRIMITIVE(prim_get) {
  bool failed;
  const Value v = op_lookup(cx, args[0], args[1], &failed);
  if (!v.is_unset() || failed) return v;
  return count == 3 ? args[2] : Value::nil();
}

SX_PRIMITIVE(prim_get_in) {
  Root at(cx.heap, args[0]);
  Sequence path(cx, args[1]);
  if (!path.valid()) return cx.fail_type("get-in", "list", args[1]);
  Value key;
  while (path.next(key)) {
    bool failed;
    const Value v = op_lookup(cx, at, key, &failed);
    if (failed) return v;
    if (v.is_unset()) return count == 3 ? args[2] : Value::nil();
    at = v;
  }
  return at;
}

SX_PRIMITIVE(prim_has_key) {
  bool failed;
  const Value v = op_lookup(cx, args[0], args[1], &failed);
  return failed ? v : Value::boolean(!v.is_unset());
}

SX_PRIMITIVE(prim_assoc) {
  if (count % 2 == 0)
    return cx.fail("arity-error", "assoc: Expected a value after every key, got a key without one");
  Root coll(cx.heap, args[0]);
  for (int i = 1; i < count; i += 2) {
    const Value next = op_assoc(cx, coll, args[i], args[i + 1]);
    if (next.is_unset()) return next;
    coll = next;
  }
  return coll;
}

// What a vector pattern takes apart, checked before its parts are fetched one by one.
SX_PRIMITIVE(prim_parts) {
  if (!want_string(cx, "%parts", args[2])) return Value::unset();
  const std::int64_t wanted = args[1].is_int() ? args[1].as_int() : 0;
  std::int64_t has = 0;
  const Value v = args[0];
  if (is_pair(v)) {
    for (Value at = v; is_pair(at) && has < wanted; at = cdr(at)) ++has;
  } else if (is_vector(v) || is_kind(v, Kind::Array) || is_string(v) || is_bytes(v)) {
    has = op_count(cx, v).as_int();
  } else if (!v.is_empty_list() && (!v.is_nil() || wanted > 0)) {
    return cx.fail("type-error",
                   str("The pattern ", as_string(args[2])->view(),
                       " expects a vector or list, got ", type_name(v)),
                   v);
  }
  if (has >= wanted) return v;
  return cx.fail(
      "index-error",
      str("The pattern ", as_string(args[2])->view(), " expects ", wanted,
          wanted == 1 ? " element, the " : " elements, the ", type_name(v), " has ", has),
      v);
}

}  // namespace sx
