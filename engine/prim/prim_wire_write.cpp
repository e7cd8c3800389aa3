// Writing the wire form of markup, and the definitions of templates for those who ask.
#include "engine/bytecode/templates.h"
#include "engine/prim/support.h"
#include "engine/render/wire.h"

namespace sx {

SX_PRIMITIVE(prim_wire_write) {
  WireWriteOptions options;
  if (count > 1 && !args[1].is_nil()) {
    if (!want_dict(cx, "wire/write", args[1])) return Value::unset();
    const Value define = dict_get(cx, args[1], cx.keyword("define"));
    options.define_all = define == Value::tru();
    if (!options.define_all && !define.is_unset() && define.truthy()) {
      std::vector<Value> hashes;
      if (!gather(cx, "wire/write", define, hashes)) return Value::unset();
      for (Value hash : hashes) {
        if (!want_string(cx, "wire/write", hash)) return Value::unset();
        options.define.emplace_back(as_string(hash)->view());
      }
    }
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
