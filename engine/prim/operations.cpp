// What the data instructions and the primitives of the same name do (operations.h).
#include "engine/prim/operations.h"

#include "engine/prim/support.h"

namespace sx {
namespace {

const RecordType* type_of(Value record) {
  return static_cast<const RecordType*>(
      static_cast<const Record*>(record.as_object())->type.as_object());
}

// The slot of a field, or -1.
int record_slot(Value record, Value key) {
  const RecordType* type = type_of(record);
  for (std::uint32_t i = 0; i < type->field_count; ++i)
    if (vector_get(type->fields, i) == key) return static_cast<int>(i);
  return -1;
}

// The index as one inside [0, count), or -1.
std::int64_t index_within(Value index, std::size_t count) {
  if (!index.is_int() || index.as_int() < 0 || static_cast<std::uint64_t>(index.as_int()) >= count)
    return -1;
  return index.as_int();
}

std::uint32_t typed_count(Value v) { return static_cast<const TypedArray*>(v.as_object())->count; }

Value char_at(const String* s, std::uint32_t i) {
  if (s->ascii()) return Value::character(static_cast<unsigned char>(s->data()[i]));
  std::size_t at = string_offset(s, i);
  return Value::character(utf8_decode(s->view(), at));
}

}  // namespace

Value op_first(Context& cx, Value s) {
  if (is_pair(s)) return car(s);
  if (s.is_nil() || s.is_empty_list()) return Value::nil();
  if (is_vector(s)) return vector_count(s) == 0 ? Value::nil() : vector_get(s, 0);
  Sequence sequence(cx, s);
  if (!sequence.valid()) return cx.fail_type("first", "list", s);
  Value v = Value::nil();
  return sequence.next(v) ? v : Value::nil();
}

Value op_rest(Context& cx, Value s) {
  if (is_pair(s)) return cdr(s);
  if (s.is_nil() || s.is_empty_list()) return Value::empty_list();
  Sequence sequence(cx, s);
  if (!sequence.valid()) return cx.fail_type("rest", "list", s);
  Value v;
  if (!sequence.next(v)) return Value::empty_list();
  ListBuilder out(cx);
  while (sequence.next(v)) out.add(v);
  return out.finish();
}

Value op_count(Context& cx, Value s) {
  if (s.is_nil() || s.is_empty_list()) return Value::small_int(0);
  if (s.is_object()) {
    const Object* object = s.as_object();
    switch (object->kind) {
      case Kind::Pair: {
        const std::int64_t n = list_length(s);
        if (n < 0) return cx.fail("type-error", "count: Expected list, got a dotted list");
        cx.charge(static_cast<std::size_t>(n) * 8);
        return Value::small_int(n);
      }
      case Kind::Vector:
        return Value::small_int(vector_count(s));
      case Kind::ShapeDict:
      case Kind::HashDict:
        return Value::small_int(dict_count(s));
      case Kind::Set:
        return Value::small_int(set_count(s));
      case Kind::String:
        return Value::small_int(static_cast<const String*>(object)->char_len);
      case Kind::Bytes:
        return Value::small_int(static_cast<const Bytes*>(object)->byte_len);
      case Kind::Array:
        return Value::small_int(static_cast<const Array*>(object)->count);
      case Kind::TypedArray:
        return Value::small_int(typed_count(s));
      case Kind::Table:
        return Value::small_int(static_cast<const Table*>(object)->live);
      default:
        break;
    }
  }
  return cx.fail_type("count", "list", s);
}

Value op_is_empty(Context& cx, Value s) {
  if (s.is_nil() || s.is_empty_list()) return Value::tru();
  if (is_pair(s)) return Value::fals();
  if (s.is_object()) {
    switch (s.as_object()->kind) {
      case Kind::Vector:
      case Kind::ShapeDict:
      case Kind::HashDict:
      case Kind::Set:
      case Kind::String:
      case Kind::Bytes:
      case Kind::Array:
      case Kind::TypedArray:
      case Kind::Table:
        return Value::boolean(op_count(cx, s) == Value::small_int(0));
      default:
        break;
    }
  }
  return cx.fail_type("empty?", "list", s);
}

namespace {

// Element `index` of a collection with positions; unset when out of range, *failed on other errors.
Value element_at(Context& cx, const char* who, Value s, Value index, std::size_t* count,
                 bool* failed) {
  *failed = false;
  *count = 0;
  if (!is_integer(index)) {
    *failed = true;
    return cx.fail_type(who, "integer", index);
  }
  if (is_pair(s)) {
    std::int64_t left = index.is_int() ? index.as_int() : -1;
    cx.charge(static_cast<std::size_t>(left < 0 ? 0 : left) * 8);
    if (left >= 0) {
      for (Value at = s; is_pair(at); at = cdr(at), --left)
        if (left == 0) return car(at);
    }
    const std::int64_t n = list_length(s);
    *count = n < 0 ? 0 : static_cast<std::size_t>(n);
    return Value::unset();
  }
  if (s.is_nil() || s.is_empty_list()) return Value::unset();
  if (s.is_object()) {
    const Object* object = s.as_object();
    std::int64_t i;
    switch (object->kind) {
      case Kind::Vector:
        *count = vector_count(s);
        i = index_within(index, *count);
        return i < 0 ? Value::unset() : vector_get(s, static_cast<std::uint32_t>(i));
      case Kind::Array: {
        const auto* array = static_cast<const Array*>(object);
        *count = array->count;
        i = index_within(index, *count);
        return i < 0 ? Value::unset() : array->store.as_object()->slots(0)[i];
      }
      case Kind::TypedArray:
        *count = typed_count(s);
        i = index_within(index, *count);
        return i < 0 ? Value::unset() : typed_get(cx, s, static_cast<std::uint32_t>(i));
      case Kind::String: {
        const auto* text = static_cast<const String*>(object);
        *count = text->char_len;
        i = index_within(index, *count);
        return i < 0 ? Value::unset() : char_at(text, static_cast<std::uint32_t>(i));
      }
      case Kind::Bytes: {
        const auto* bytes = static_cast<const Bytes*>(object);
        *count = bytes->byte_len;
        i = index_within(index, *count);
        return i < 0 ? Value::unset() : Value::small_int(bytes->data()[i]);
      }
      default:
        break;
    }
  }
  *failed = true;
  return cx.fail_type(who, "list", s);
}

}  // namespace

Value op_nth(Context& cx, Value s, Value index) {
  std::size_t count;
  bool failed;
  const Value v = element_at(cx, "nth", s, index, &count, &failed);
  if (!v.is_unset() || failed) return v;
  return fail_index(cx, "nth", index, s, count);
}

SX_PRIMITIVE(prim_nth) {
  std::size_t size;
  bool failed;
  const Value v = element_at(cx, "nth", args[0], args[1], &size, &failed);
  if (!v.is_unset() || failed) return v;
  return count == 3 ? args[2] : fail_index(cx, "nth", args[1], args[0], size);
}

SX_PRIMITIVE(prim_string_ref) {
  if (!want_string(cx, "string/ref", args[0])) return Value::unset();
  std::size_t size;
  bool failed;
  const Value v = element_at(cx, "string/ref", args[0], args[1], &size, &failed);
  if (!v.is_unset() || failed) return v;
  return fail_index(cx, "string/ref", args[1], args[0], size);
}

SX_PRIMITIVE(prim_bytes_ref) {
  if (!want_bytes(cx, "bytes/ref", args[0])) return Value::unset();
  std::size_t size;
  bool failed;
  const Value v = element_at(cx, "bytes/ref", args[0], args[1], &size, &failed);
  if (!v.is_unset() || failed) return v;
  return fail_index(cx, "bytes/ref", args[1], args[0], size);
}

Value op_lookup(Context& cx, Value coll, Value key, bool* failed) {
  *failed = false;
  if (coll.is_nil()) return Value::unset();
  if (coll.is_object()) {
    const Object* object = coll.as_object();
    switch (object->kind) {
      case Kind::ShapeDict:
      case Kind::HashDict:
        return dict_get(cx, coll, key);
      case Kind::Record: {
        const int slot = record_slot(coll, key);
        return slot < 0 ? Value::unset() : static_cast<const Record*>(object)->fields()[slot];
      }
      case Kind::Vector: {
        const std::int64_t i = index_within(key, vector_count(coll));
        return i < 0 ? Value::unset() : vector_get(coll, static_cast<std::uint32_t>(i));
      }
      case Kind::Array: {
        const auto* array = static_cast<const Array*>(object);
        const std::int64_t i = index_within(key, array->count);
        return i < 0 ? Value::unset() : array->store.as_object()->slots(0)[i];
      }
      case Kind::TypedArray: {
        const std::int64_t i = index_within(key, typed_count(coll));
        return i < 0 ? Value::unset() : typed_get(cx, coll, static_cast<std::uint32_t>(i));
      }
      case Kind::Table:
        return table_get(cx, coll, key);
      case Kind::Set:
        return set_contains(cx, coll, key) ? key : Value::unset();
      default:
        break;
    }
  }
  *failed = true;
  return cx.fail_type("get", "dict", coll);
}

Value op_get(Context& cx, Value coll, Value key) {
  bool failed;
  const Value v = op_lookup(cx, coll, key, &failed);
  return v.is_unset() && !failed ? Value::nil() : v;
}

Value op_assoc(Context& cx, Value coll, Value key, Value value) {
  if (coll.is_nil()) {
    Root k(cx.heap, key), v(cx.heap, value);
    const Value empty = empty_dict(cx);
    return dict_put(cx, empty, k, v);
  }
  if (is_dict(coll)) return dict_put(cx, coll, key, value);
  if (is_vector(coll)) {
    if (!is_integer(key)) return cx.fail_type("assoc", "integer", key);
    const std::uint32_t n = vector_count(coll);
    if (key.is_int() && key.as_int() == n) return vector_push(cx, coll, value);
    const std::int64_t i = index_within(key, n);
    if (i < 0) return fail_index(cx, "assoc", key, coll, n);
    return vector_set(cx, coll, static_cast<std::uint32_t>(i), value);
  }
  if (is_kind(coll, Kind::Record)) {
    const int slot = record_slot(coll, key);
    if (slot < 0) {
      std::string shown;
      append_display(cx, shown, key);
      return cx.fail("key-error", str("assoc: the record type ", record_name(cx, type_of(coll)),
                                      " has no field ", shown));
    }
    Root from(cx.heap, coll), x(cx.heap, value);
    const std::uint32_t words = coll.as_object()->words;
    Object* copy = cx.heap.alloc(Kind::Record, words);
    std::memcpy(copy->raw(), from.get().as_object()->raw(), (words - 1) * 8);
    static_cast<Record*>(copy)->fields()[slot] = x;
    return Value::object(copy);
  }
  return cx.fail_type("assoc", "dict", coll);
}

Value op_conj(Context& cx, Value coll, Value x) {
  if (coll.is_nil() || coll.is_empty_list()) return cx.heap.cons(x, Value::empty_list());
  if (is_pair(coll)) return cx.heap.cons(x, coll);
  if (is_vector(coll)) return vector_push(cx, coll, x);
  if (is_kind(coll, Kind::Set)) return set_add(cx, coll, x);
  if (is_dict(coll)) {
    if (is_vector(x) && vector_count(x) == 2)
      return dict_put(cx, coll, vector_get(x, 0), vector_get(x, 1));
    return cx.fail("type-error", "conj: Expected a [key value] vector for a dict");
  }
  return cx.fail_type("conj", "list", coll);
}

Value op_array_get(Context& cx, Value a, Value index) {
  if (is_kind(a, Kind::TypedArray)) {
    const std::uint32_t n = typed_count(a);
    if (index.is_int() && index.as_int() >= 0 && index.as_int() < n)
      return typed_get(cx, a, static_cast<std::uint32_t>(index.as_int()));
    if (!is_integer(index)) return cx.fail_type("array/get", "integer", index);
    return fail_index(cx, "array/get", index, a, n);
  }
  if (!is_kind(a, Kind::Array)) return cx.fail_type("array/get", "array", a);
  if (!is_integer(index)) return cx.fail_type("array/get", "integer", index);
  const auto* array = static_cast<const Array*>(a.as_object());
  const std::int64_t i = index_within(index, array->count);
  if (i < 0) return fail_index(cx, "array/get", index, a, array->count);
  return array->store.as_object()->slots(0)[i];
}

Value op_array_set(Context& cx, Value a, Value index, Value x) {
  if (is_kind(a, Kind::TypedArray)) {
    const std::uint32_t n = typed_count(a);
    if (!is_integer(index)) return cx.fail_type("array/set!", "integer", index);
    if (index_within(index, n) < 0) return fail_index(cx, "array/set!", index, a, n);
    if (!typed_accepts(cx, "array/set!", static_cast<const TypedArray*>(a.as_object())->element, x))
      return Value::unset();
    typed_set(a, static_cast<std::uint32_t>(index.as_int()), x);
    return x;
  }
  if (!is_kind(a, Kind::Array)) return cx.fail_type("array/set!", "array", a);
  if (!is_integer(index)) return cx.fail_type("array/set!", "integer", index);
  const auto* array = static_cast<const Array*>(a.as_object());
  const std::int64_t i = index_within(index, array->count);
  if (i < 0) return fail_index(cx, "array/set!", index, a, array->count);
  Object* store = array->store.as_object();
  store->slots(0)[i] = x;
  cx.heap.write_barrier(store, store->slots(0) + i, x);
  return x;
}

Value op_table_get(Context& cx, Value t, Value key) {
  if (!is_kind(t, Kind::Table)) return cx.fail_type("table/get", "table", t);
  const Value v = table_get(cx, t, key);
  return v.is_unset() ? Value::nil() : v;
}

Value op_table_put(Context& cx, Value t, Value key, Value x) {
  if (!is_kind(t, Kind::Table)) return cx.fail_type("table/put!", "table", t);
  Root value(cx.heap, x);
  table_put(cx, t, key, x);
  return value;
}

Value op_cell_get(Context& cx, Value c) {
  if (!is_kind(c, Kind::Cell)) return cx.fail_type("cell/get", "cell", c);
  return as_cell(c)->value;
}

Value op_cell_set(Context& cx, Value c, Value x) {
  if (!is_kind(c, Kind::Cell)) return cx.fail_type("cell/set!", "cell", c);
  as_cell(c)->value = x;
  cx.heap.write_barrier(c.as_object(), x);
  return x;
}

}  // namespace sx
