// Records and parameters: what defrecord and make-parameter are made of.
#include "engine/prim/support.h"

namespace sx {
namespace {

const RecordType* type_of(Value v) { return static_cast<const RecordType*>(v.as_object()); }

bool is_instance(Value v, Value type) {
  return is_kind(v, Kind::Record) && static_cast<const Record*>(v.as_object())->type == type;
}

}  // namespace

SX_PRIMITIVE(prim_record_type) {
  if (!args[0].is_symbol()) return cx.fail_type("%record-type", "symbol", args[0]);
  if (!is_vector(args[1])) return cx.fail_type("%record-type", "vector", args[1]);
  std::vector<Value> fields;  // keywords: nothing that moves
  for (std::uint32_t i = 0; i < vector_count(args[1]); ++i) {
    fields.push_back(vector_get(args[1], i));
    if (!fields.back().is_keyword()) return cx.fail_type("%record-type", "keyword", fields.back());
  }
  return record_type(cx, args[0], fields);
}

SX_PRIMITIVE(prim_record) {
  if (!is_kind(args[0], Kind::RecordType)) return cx.fail_type("%record", "record-type", args[0]);
  const std::uint32_t fields = type_of(args[0])->field_count;
  if (static_cast<std::uint32_t>(count - 1) != fields)
    return cx.fail("arity-error", str(record_name(cx, type_of(args[0])), ": Expected ", fields,
                                      fields == 1 ? " value, got " : " values, got ", count - 1));
  Object* object = cx.heap.alloc(Kind::Record, 2 + fields);
  auto* record = static_cast<Record*>(object);
  record->type = args[0];
  for (std::uint32_t i = 0; i < fields; ++i) record->fields()[i] = args[i + 1];
  return Value::object(record);
}

SX_PRIMITIVE(prim_is_record_of) { return Value::boolean(is_instance(args[0], args[1])); }

SX_PRIMITIVE(prim_record_ref) {
  if (!is_kind(args[1], Kind::RecordType))
    return cx.fail_type("%record-ref", "record-type", args[1]);
  const std::string_view name = record_name(cx, type_of(args[1]));
  if (!args[2].is_int() || args[2].as_int() < 0 ||
      args[2].as_int() >= type_of(args[1])->field_count)
    return cx.fail_type("%record-ref", "field index", args[2]);
  if (!is_instance(args[0], args[1])) {
    const Value key =
        vector_get(type_of(args[1])->fields, static_cast<std::uint32_t>(args[2].as_int()));
    const std::string who = str(name, "-", cx.symbols.name(key.id()));
    return cx.fail_type(who.c_str(), std::string(name).c_str(), args[0]);
  }
  return static_cast<const Record*>(args[0].as_object())->fields()[args[2].as_int()];
}

SX_PRIMITIVE(prim_record_fields) {
  if (!want_kind(cx, "record/fields", Kind::Record, args[0])) return Value::unset();
  const Value fields =
      type_of(static_cast<const Record*>(args[0].as_object())->type)->fields;  // static
  ListBuilder out(cx);
  for (std::uint32_t i = 0; i < vector_count(fields); ++i) out.add(vector_get(fields, i));
  return out.finish();
}

SX_PRIMITIVE(prim_record_to_dict) {
  if (!want_kind(cx, "record->dict", Kind::Record, args[0])) return Value::unset();
  const Value fields = type_of(static_cast<const Record*>(args[0].as_object())->type)->fields;
  Root dict(cx.heap, empty_dict(cx));
  for (std::uint32_t i = 0; i < vector_count(fields); ++i)
    dict = dict_put(cx, dict, vector_get(fields, i),
                    static_cast<const Record*>(args[0].as_object())->fields()[i]);
  return dict;
}

SX_PRIMITIVE(prim_make_parameter) {
  Object* object = cx.heap.alloc(Kind::Parameter, 3);
  auto* parameter = static_cast<Parameter*>(object);
  parameter->default_value = count > 0 ? args[0] : Value::nil();
  parameter->name = count > 1 ? args[1] : Value::nil();
  return Value::object(parameter);
}

SX_PRIMITIVE(prim_parameter) {
  return want_kind(cx, "parameterize", Kind::Parameter, args[0]) ? args[0] : Value::unset();
}

}  // namespace sx
