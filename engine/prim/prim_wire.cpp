// Reading the wire form of markup, and learning the templates it names.
#include "engine/bytecode/templates.h"
#include "engine/prim/support.h"
#include "engine/render/wire.h"

namespace sx {
namespace {

// The text is copied: reading allocates, and strings of the heap move.
std::string copied(Value text) { return std::string(as_string(text)->view()); }

}  // namespace

SX_PRIMITIVE(prim_wire_read) {
  if (!want_string(cx, "wire/read", args[0])) return Value::unset();
  WireReading reading;
  if (count > 1 && !args[1].is_nil()) {
    if (!want_dict(cx, "wire/read", args[1])) return Value::unset();
    const Value trusted = dict_get(cx, args[1], cx.keyword("trusted"));
    reading.trusted = !trusted.is_unset() && trusted.truthy();
  }
  const Result<Value> markup = wire_read(cx, copied(args[0]), reading);
  if (markup.ok()) return *markup;
  if (reading.unknown.empty()) return cx.fail("wire-error", markup.error().message);
  ListBuilder hashes(cx);
  for (const std::string& hash : reading.unknown) hashes.add(make_text(cx, hash));
  const Field fields[] = {{"unknown", hashes.finish()}};
  Root data(cx.heap, make_dict(cx, fields));
  return cx.fail("unknown-template", markup.error().message, data);
}

SX_PRIMITIVE(prim_wire_define) {
  if (!want_string(cx, "wire/define", args[0])) return Value::unset();
  const auto info = wire_define(cx, copied(args[0]));
  if (!info.ok()) return cx.fail("wire-error", info.error().message);
  return make_text(cx, template_hash_text(**info));
}

}  // namespace sx
