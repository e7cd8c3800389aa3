// Types, identity, equality, hashing, names, fresh symbols.
#include "engine/bytecode/unit.h"
#include "engine/prim/support.h"

namespace sx {

SX_PRIMITIVE(prim_is_nil) { return Value::boolean(args[0].is_nil()); }
SX_PRIMITIVE(prim_is_boolean) { return Value::boolean(args[0].is_bool()); }
SX_PRIMITIVE(prim_is_string) { return Value::boolean(is_string(args[0])); }
SX_PRIMITIVE(prim_is_symbol) { return Value::boolean(args[0].is_symbol()); }
SX_PRIMITIVE(prim_is_keyword) { return Value::boolean(args[0].is_keyword()); }
SX_PRIMITIVE(prim_is_char) { return Value::boolean(args[0].is_char()); }
SX_PRIMITIVE(prim_is_list) { return Value::boolean(is_pair(args[0]) || args[0].is_empty_list()); }
SX_PRIMITIVE(prim_is_pair) { return Value::boolean(is_pair(args[0])); }
SX_PRIMITIVE(prim_is_vector) { return Value::boolean(is_vector(args[0])); }
SX_PRIMITIVE(prim_is_dict) { return Value::boolean(is_dict(args[0])); }
SX_PRIMITIVE(prim_is_set) { return Value::boolean(is_kind(args[0], Kind::Set)); }
SX_PRIMITIVE(prim_is_function) {
  const Value v = args[0];
  return Value::boolean(is_closure(v) || is_kind(v, Kind::Primitive) ||
                        is_kind(v, Kind::Parameter) || is_kind(v, Kind::RecordType));
}
SX_PRIMITIVE(prim_is_bytes) { return Value::boolean(is_bytes(args[0])); }
SX_PRIMITIVE(prim_is_cell) { return Value::boolean(is_kind(args[0], Kind::Cell)); }
SX_PRIMITIVE(prim_is_array) {
  return Value::boolean(is_kind(args[0], Kind::Array) || is_kind(args[0], Kind::TypedArray));
}
SX_PRIMITIVE(prim_is_table) { return Value::boolean(is_kind(args[0], Kind::Table)); }
SX_PRIMITIVE(prim_is_record) { return Value::boolean(is_kind(args[0], Kind::Record)); }
SX_PRIMITIVE(prim_is_markup) {
  return Value::boolean(is_kind(args[0], Kind::Template) || is_kind(args[0], Kind::Raw));
}

SX_PRIMITIVE(prim_type_of) {
  if (is_kind(args[0], Kind::Record))
    return cx.keyword(
        record_name(cx, static_cast<const RecordType*>(
                            static_cast<const Record*>(args[0].as_object())->type.as_object())));
  return cx.keyword(type_name(args[0]));
}

SX_PRIMITIVE(prim_is_identical) { return Value::boolean(args[0] == args[1]); }
SX_PRIMITIVE(prim_not) { return Value::boolean(!args[0].truthy()); }

SX_PRIMITIVE(prim_equal) {
  for (int i = 0; i + 1 < count; ++i)
    if (!equal(cx, args[i], args[i + 1])) return Value::fals();
  return Value::tru();
}
SX_PRIMITIVE(prim_not_equal) { return Value::boolean(!prim_equal(cx, args, count).truthy()); }

SX_PRIMITIVE(prim_hash) {
  return Value::small_int(static_cast<std::int64_t>(hash_value(cx, args[0]) >> 18));
}

SX_PRIMITIVE(prim_name) {
  const Value v = args[0];
  if (is_string(v)) return v;
  if (v.is_symbol() || v.is_keyword()) return make_text(cx, cx.symbols.name(v.id()));
  if (is_kind(v, Kind::RecordType))
    return make_text(cx, record_name(cx, static_cast<const RecordType*>(v.as_object())));
  if (is_closure(v)) return make_text(cx, as_closure(v)->function()->name);
  if (is_kind(v, Kind::Primitive)) return make_text(cx, primitive_of(v).name);
  return cx.fail_type("name", "string, keyword or symbol", v);
}

SX_PRIMITIVE(prim_gensym) {
  std::string_view base = "g";
  if (count == 1 && is_string(args[0]))
    base = as_string(args[0])->view();
  else if (count == 1 && args[0].is_symbol())
    base = cx.symbols.name(args[0].id());
  else if (count == 1)
    return cx.fail_type("gensym", "string", args[0]);
  const std::string name(base);
  return Value::symbol(cx.symbols.make_alias(cx.symbols.intern(name), cx.expansion.module));
}

void begin_expansion(Context& cx, std::uint32_t module) {
  cx.expansion.module = module;
  cx.expansion.renamed.clear();
}

SX_PRIMITIVE(prim_macro_rename) {
  if (!args[0].is_symbol()) return cx.fail_type("macro/rename", "symbol", args[0]);
  const std::uint32_t id = args[0].id();
  const auto known = cx.expansion.renamed.find(id);
  if (known != cx.expansion.renamed.end()) return Value::symbol(known->second);
  const std::uint32_t alias = cx.symbols.make_alias(id, cx.expansion.module);
  cx.expansion.renamed.emplace(id, alias);
  return Value::symbol(alias);
}

}  // namespace sx
