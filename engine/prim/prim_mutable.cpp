// Mutable objects: cells, arrays, tables, string builders.
#include "engine/prim/support.h"
#include "engine/render/html_buffer.h"
#include "engine/value/builder.h"

namespace sx {

// --- cells --------------------------------------------------------------------------------------
SX_PRIMITIVE(prim_cell) { return cx.heap.make_cell(count == 1 ? args[0] : Value::nil()); }
SX_PRIMITIVE(prim_cell_get) { return op_cell_get(cx, args[0]); }
SX_PRIMITIVE(prim_cell_set) { return op_cell_set(cx, args[0], args[1]); }

// --- arrays -------------------------------------------------------------------------------------
SX_PRIMITIVE(prim_array_new) {
  std::int64_t n = 0;
  if (count > 0 && !want_count(cx, "array/new", args[0], n)) return Value::unset();
  const std::size_t bytes =
      n > (std::int64_t{1} << 28) ? SIZE_MAX : static_cast<std::size_t>(n) * 8;
  if (!want_room(cx, "array/new", bytes)) return Value::unset();
  cx.charge(static_cast<std::size_t>(n) * 8);
  return make_array(cx, static_cast<std::uint32_t>(n), count == 2 ? args[1] : Value::nil());
}
SX_PRIMITIVE(prim_array_get) { return op_array_get(cx, args[0], args[1]); }
SX_PRIMITIVE(prim_array_set) { return op_array_set(cx, args[0], args[1], args[2]); }
namespace {

// Typed arrays have the length they were made with.
bool want_growing(Context& cx, const char* who, Value v) {
  if (!is_kind(v, Kind::TypedArray)) return want_kind(cx, who, Kind::Array, v);
  cx.fail("type-error", str(who, ": the ", type_name(v),
                            " has a fixed length: make a longer one, or use (array/new)"));
  return false;
}

}  // namespace

SX_PRIMITIVE(prim_array_push) {
  if (!want_growing(cx, "array/push!", args[0])) return Value::unset();
  array_push(cx, args[0], args[1]);
  return args[0];
}
SX_PRIMITIVE(prim_array_pop) {
  if (!want_growing(cx, "array/pop!", args[0])) return Value::unset();
  if (array_count(args[0]) == 0) return cx.fail("index-error", "array/pop!: the array is empty");
  return array_pop(args[0]);
}
// --- tables -------------------------------------------------------------------------------------
namespace {

// Entry i of a table by position: false past the end; key unset where deleted.
bool table_entry(Value t, std::uint32_t i, Value& key, Value& value) {
  const auto* table = static_cast<const Table*>(t.as_object());
  if (i >= table->used) return false;
  const Value* slots = table->entries.as_object()->slots(0);
  key = slots[2 * i];
  value = slots[2 * i + 1];
  return true;
}

}  // namespace

SX_PRIMITIVE(prim_table_new) {
  Root table(cx.heap, make_table(cx));
  if (count == 0 || args[0].is_nil()) return table;
  if (!want_dict(cx, "table/new", args[0])) return Value::unset();
  Value key, value;
  for (std::uint32_t i = 0; dict_entry(cx, args[0], i, key, value); ++i)
    if (!key.is_unset()) table_put(cx, table, key, value);
  cx.charge(dict_count(args[0]) * 64);
  return table;
}
SX_PRIMITIVE(prim_table_get) {
  if (!want_kind(cx, "table/get", Kind::Table, args[0])) return Value::unset();
  const Value v = table_get(cx, args[0], args[1]);
  return !v.is_unset() ? v : count == 3 ? args[2] : Value::nil();
}
SX_PRIMITIVE(prim_table_put) {
  if (!want_kind(cx, "table/put!", Kind::Table, args[0])) return Value::unset();
  table_put(cx, args[0], args[1], args[2]);
  return args[2];
}
SX_PRIMITIVE(prim_table_remove) {
  if (!want_kind(cx, "table/remove!", Kind::Table, args[0])) return Value::unset();
  return Value::boolean(table_remove(cx, args[0], args[1]));
}
SX_PRIMITIVE(prim_table_has) {
  if (!want_kind(cx, "table/has?", Kind::Table, args[0])) return Value::unset();
  return Value::boolean(!table_get(cx, args[0], args[1]).is_unset());
}
SX_PRIMITIVE(prim_table_count) {
  if (!want_kind(cx, "table/count", Kind::Table, args[0])) return Value::unset();
  return Value::small_int(table_count(args[0]));
}
SX_PRIMITIVE(prim_table_keys) {
  if (!want_kind(cx, "table/keys", Kind::Table, args[0])) return Value::unset();
  ListBuilder out(cx);
  Value key, value;
  for (std::uint32_t i = 0; table_entry(args[0], i, key, value); ++i)
    if (!key.is_unset()) out.add(key);
  cx.charge(table_count(args[0]) * 24);
  return out.finish();
}
SX_PRIMITIVE(prim_table_entries) {
  if (!want_kind(cx, "table/entries", Kind::Table, args[0])) return Value::unset();
  ListBuilder out(cx);
  Value key, value;
  for (std::uint32_t i = 0; table_entry(args[0], i, key, value); ++i)
    if (!key.is_unset()) out.add(make_entry(cx, key, value));
  cx.charge(table_count(args[0]) * 64);
  return out.finish();
}

// --- string builders ----------------------------------------------------------------------------
SX_PRIMITIVE(prim_builder_new) { return make_builder(cx); }
SX_PRIMITIVE(prim_builder_add) {
  if (!want_kind(cx, "builder/add!", Kind::StringBuilder, args[0])) return Value::unset();
  for (int i = 1; i < count; ++i) {
    bool ok;
    if (is_string(args[i])) {
      cx.charge(as_string(args[i])->byte_len);
      ok = builder_add(cx, args[0], as_string(args[i])->view());
    } else {
      HtmlBuffer& text = empty_buffer(cx);
      append_display(cx, text, args[i]);
      ok = builder_add(cx, args[0], text.view());
    }
    if (!ok) return Value::unset();
  }
  return args[0];
}
SX_PRIMITIVE(prim_builder_value) {
  if (!want_kind(cx, "builder/value", Kind::StringBuilder, args[0])) return Value::unset();
  return make_text(cx, builder_text(args[0]));
}

}  // namespace sx
