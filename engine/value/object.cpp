// The table of object kinds and the words that error messages use for types.
#include "engine/value/object.h"

namespace sx {
namespace {

constexpr KindInfo kNoKind = {"none", "unknown", 0, Layout::Raw};

struct KindTable {
  KindInfo info[256];
  constexpr KindTable() : info{} {
    for (KindInfo& entry : info) entry = kNoKind;
#define SX_KIND(code, name, type_name, prefix, layout) \
  info[code] = {#name, type_name, prefix, Layout::layout};
#include "engine/value/object_kinds.def"
#undef SX_KIND
  }
};
constexpr KindTable kKinds;

}  // namespace

const KindInfo& kind_info(Kind kind) { return kKinds.info[static_cast<std::uint8_t>(kind)]; }

const char* type_name(Value v) {
  if (v.is_double()) return "float";
  if (v.is_int()) return "integer";
  if (is_kind(v, Kind::TypedArray)) {
    switch (static_cast<const TypedArray*>(v.as_object())->element) {
      case Element::U8:
        return "u8-array";
      case Element::I32:
        return "i32-array";
      case Element::I64:
        return "i64-array";
      case Element::F64:
        return "f64-array";
    }
  }
  if (v.is_object()) return kind_info(v.as_object()->kind).type_name;
  if (v.is_symbol()) return "symbol";
  if (v.is_keyword()) return "keyword";
  if (v.is_char()) return "char";
  if (v.is_nil()) return "nil";
  if (v.is_bool()) return "boolean";
  if (v.is_empty_list()) return "list";
  if (v == Value::eof()) return "eof";
  return "unset";
}

}  // namespace sx
