// Writing the wire form of markup, and the definitions of templates for those who ask.
#include "engine/bytecode/templates.h"
#include "engine/prim/support.h"
#include "engine/render/wire.h"

namespace sx {
namespace {

// A list of strings, none for nil and false.
bool texts_of(Context& cx, Value list, std::vector<std::string>& out) {
  if (list.is_unset() || !list.truthy()) return true;
  std::vector<Value> texts;
  if (!gather(cx, "wire/write", list, texts)) return false;
  for (Value text : texts) {
    if (!want_string(cx, "wire/write", text)) return false;
    out.emplace_back(as_string(text)->view());
  }
  return true;
}

}  // namespace

SX_PRIMITIVE(prim_wire_write) {
  WireWriteOptions options;
  if (count > 1 && !args[1].is_nil()) {
    if (!want_dict(cx, "wire/write", args[1])) return Value::unset();
    const Value define = dict_get(cx, args[1], cx.keyword("define"));
    options.define_all = define == Value::tru();
    if (!options.define_all && !texts_of(cx, define, options.define)) return Value::unset();
    const Value components = dict_get(cx, args[1], cx.keyword("components"));
    if (!texts_of(cx, components, options.components)) return Value::unset();
  }
  const Result<std::string> text = wire_write(cx, args[0], options);
  if (!text.ok()) return cx.fail("wire-error", text.error().message);
  return make_string(cx, *text);
}

SX_PRIMITIVE(prim_wire_template) {
  if (!want_string(cx, "wire/template", args[0])) return Value::unset();
  const TemplateInfo* info = TemplateTable::of(cx).find(as_string(args[0])->view());
  return info == nullptr ? Value::nil() : make_text(cx, wire_definition(*info));
}

}  // namespace sx
