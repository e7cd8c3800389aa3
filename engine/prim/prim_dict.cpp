// Dicts: immutable, in insertion order.
#include "engine/prim/support.h"

namespace sx {

SX_PRIMITIVE(prim_dict) {
  if (count % 2 != 0)
    return cx.fail("arity-error", "dict: Expected a value after every key, got a key without one");
  Root dict(cx.heap, empty_dict(cx));
  for (int i = 0; i < count; i += 2) dict = dict_put(cx, dict, args[i], args[i + 1]);
  return dict;
}

SX_PRIMITIVE(prim_dissoc) {
  if (args[0].is_nil()) return args[0];
  if (!want_dict(cx, "dissoc", args[0])) return Value::unset();
  Root dict(cx.heap, args[0]);
  for (int i = 1; i < count; ++i) dict = dict_remove(cx, dict, args[i]);
  return dict;
}

namespace {

enum class Part { Keys, Values, Entries };

// args[0]: a dict or nil, in a register.
Value dict_list(Context& cx, const char* who, Part part, Value* args) {
  if (args[0].is_nil()) return Value::empty_list();
  if (!want_dict(cx, who, args[0])) return Value::unset();
  ListBuilder out(cx);
  Value key, value;
  std::uint32_t i = 0;
  for (; dict_entry(cx, args[0], i, key, value); ++i) {
    if (key.is_unset()) continue;
    out.add(part == Part::Keys ? key : part == Part::Values ? value : make_entry(cx, key, value));
  }
  cx.charge(i * 24);
  return out.finish();
}

// [k v], (k v) or (k . v).
bool split_entry(Context& cx, Value entry, Value& key, Value& value) {
  if (is_vector(entry) && vector_count(entry) == 2) {
    key = vector_get(entry, 0);
    value = vector_get(entry, 1);
    return true;
  }
  if (is_pair(entry)) {
    key = car(entry);
    const Value tail = cdr(entry);
    if (is_pair(tail) && cdr(tail).is_empty_list()) {
      value = car(tail);
      return true;
    }
    if (!is_pair(tail) && !tail.is_empty_list()) {
      value = tail;
      return true;
    }
  }
  cx.fail("type-error", str("list->dict: Expected a [key value] vector, got ", type_name(entry)),
          entry);
  return false;
}

}  // namespace

SX_PRIMITIVE(prim_keys) { return dict_list(cx, "keys", Part::Keys, args); }
SX_PRIMITIVE(prim_vals) { return dict_list(cx, "vals", Part::Values, args); }
SX_PRIMITIVE(prim_dict_to_list) { return dict_list(cx, "dict->list", Part::Entries, args); }

SX_PRIMITIVE(prim_list_to_dict) {
  Sequence entries(cx, args[0]);
  if (!entries.valid()) return cx.fail_type("list->dict", "list", args[0]);
  Root dict(cx.heap, empty_dict(cx));
  Value entry, key, value;
  std::size_t n = 0;
  for (; entries.next(entry); ++n) {
    if (!split_entry(cx, entry, key, value)) return Value::unset();
    dict = dict_put(cx, dict, key, value);
  }
  cx.charge(n * 64);
  return dict;
}

SX_PRIMITIVE(prim_merge) {
  Root dict(cx.heap, Value::nil());
  std::size_t n = 0;
  for (int k = 0; k < count; ++k) {
    if (args[k].is_nil()) continue;
    if (!want_dict(cx, "merge", args[k])) return Value::unset();
    if (dict.get().is_nil()) {
      dict = args[k];
      continue;
    }
    Value key, value;
    for (std::uint32_t i = 0; dict_entry(cx, args[k], i, key, value); ++i, ++n)
      if (!key.is_unset()) dict = dict_put(cx, dict, key, value);
  }
  cx.charge(n * 64);
  return dict.get().is_nil() ? empty_dict(cx) : dict.get();
}

}  // namespace sx
