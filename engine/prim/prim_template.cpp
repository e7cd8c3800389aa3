// Templates by their hash, for readers of the wire form that are written in SX (lib/core/wire.sx):
// pages do without wire_read.cpp.
#include "engine/bytecode/templates.h"
#include "engine/prim/support.h"

namespace sx {

// (%template/define holes parts): parts are strings, static HTML, and [op hole name].
SX_PRIMITIVE(prim_template_define) {
  TemplateImage image;
  std::vector<Value> parts, fields;
  if (!gather(cx, "%template/define", args[1], parts)) return Value::unset();
  bool good =
      args[0].is_int() && args[0].as_int() >= 0 && args[0].as_int() < 65536 && parts.size() < 65536;
  if (good) image.holes = static_cast<std::uint16_t>(args[0].as_int());
  for (std::size_t i = 0; good && i < parts.size(); ++i) {
    TemplatePart part{TemplateOp::Static, 0, {}};
    Value text = parts[i];
    if (is_vector(text)) {
      fields.clear();
      gather(cx, "", text, fields);
      good = fields.size() == 3 && fields[0].is_int() && fields[0].as_int() > 0 &&
             fields[0].as_int() <= static_cast<int>(TemplateOp::Forbidden) && fields[1].is_int() &&
             fields[1].as_int() >= 0 && fields[1].as_int() < image.holes;
      if (!good) break;
      part.op = static_cast<TemplateOp>(fields[0].as_int());
      part.hole = static_cast<std::uint16_t>(fields[1].as_int());
      text = fields[2];
    }
    good = is_string(text);
    if (good) part.text = as_string(text)->view();
    image.parts.push_back(std::move(part));
  }
  if (!good)
    return cx.fail("wire-error", "%template/define: Expected strings and [op hole name] as parts");
  const auto made = TemplateTable::of(cx).define(std::move(image));
  if (!made.ok()) return cx.fail("wire-error", made.error().message);
  return make_text(cx, template_hash_text(**made));
}

// (%template/make hash values): nil: not known; a number: of the holes that it has instead, also
// for who asks without values.
SX_PRIMITIVE(prim_template_make) {
  if (!want_string(cx, "%template/make", args[0])) return Value::unset();
  const bool asks = args[1].is_nil();
  if (!asks && !want_kind(cx, "%template/make", Kind::Array, args[1])) return Value::unset();
  const TemplateInfo* info = TemplateTable::of(cx).find(as_string(args[0])->view());
  if (!info) return Value::nil();
  const std::uint32_t holes = asks ? 0 : array_count(args[1]);
  if (asks || holes != info->holes) return Value::small_int(info->holes);
  auto* made = static_cast<Template*>(cx.heap.alloc_slots(Kind::Template, holes + 2));
  made->info_bits = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(info));
  for (std::uint32_t i = 0; i < holes; ++i) {
    made->holes()[i] = array_get(args[1], i);
    cx.heap.write_barrier(made, made->holes()[i]);
  }
  return Value::object(made);
}

SX_PRIMITIVE(prim_wire_components) {
  ListBuilder hashes(cx);
  for (const TemplateTable::Component& each : TemplateTable::of(cx).components())
    hashes.add(make_text(cx, each.about->hash));
  return hashes.finish();
}

// (%component hash): [function has-children keyword…], nil: not known.
SX_PRIMITIVE(prim_component) {
  if (!want_string(cx, "%component", args[0])) return Value::unset();
  const TemplateTable::Component found =
      TemplateTable::of(cx).component(as_string(args[0])->view());
  if (found.unit == nullptr) return Value::nil();
  for (const Global* global : found.unit->globals) {
    if (global->name != found.about->name || !is_closure(global->value)) continue;
    const Function* fn = as_closure(global->value)->function();
    std::vector<Value> values = {global->value, Value::boolean(fn->rest)};
    for (std::uint32_t i = 0; i < fn->key_count; ++i) values.push_back(Value::keyword(fn->keys[i]));
    return make_vector(cx, values);
  }
  return Value::nil();
}

}  // namespace sx
