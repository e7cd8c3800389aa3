// Markup: rendering to HTML, trusted HTML, fragments.
#include "engine/prim/support.h"
#include "engine/render/render.h"

namespace sx {
namespace {

Value make_raw(Context& cx, Value text) {
  Root held(cx.heap, text);
  Object* object = cx.heap.alloc(Kind::Raw, 2);
  static_cast<RawMarkup*>(object)->text = held;
  return Value::object(object);
}

Value render(Context& cx, const char* who, Value markup, bool page) {
  constexpr std::string_view kDoctype = "<!DOCTYPE html>";
  std::string out(kDoctype);
  const Result<void> done = render_html(cx, markup, out);
  cx.charge(out.size());
  if (!done.ok()) return cx.fail("render-error", str(who, done.error().message.substr(6)));
  std::string_view html = out;
  const std::string_view body = html.substr(kDoctype.size());
  const bool is_html = body.starts_with("<html>") || body.starts_with("<html ");
  return make_text(cx, page && is_html ? html : body);
}

}  // namespace

SX_PRIMITIVE(prim_html_render) { return render(cx, "html/render", args[0], false); }
SX_PRIMITIVE(prim_render_page) { return render(cx, "render-page", args[0], true); }

SX_PRIMITIVE(prim_raw) {
  if (is_kind(args[0], Kind::Raw)) return args[0];
  if (!want_string(cx, "raw", args[0])) return Value::unset();
  return make_raw(cx, args[0]);
}

SX_PRIMITIVE(prim_doctype) { return make_raw(cx, make_string(cx, "<!DOCTYPE html>")); }

SX_PRIMITIVE(prim_frag) {
  Root children(cx.heap, prim_list(cx, args, count));
  Object* object = cx.heap.alloc(Kind::Template, 3);
  auto* fragment = static_cast<Template*>(object);
  fragment->info_bits =
      static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&fragment_template()));
  fragment->holes()[0] = children;
  return Value::object(fragment);
}

SX_PRIMITIVE(prim_is_frag) {
  if (is_kind(args[0], Kind::Raw)) return Value::tru();
  if (!is_kind(args[0], Kind::Template)) return Value::fals();
  const TemplateInfo* info = static_cast<const Template*>(args[0].as_object())->info();
  if (info == &fragment_template() || info->part_count == 0) return Value::tru();
  const TemplatePart& part = info->parts[0];
  return Value::boolean(part.op != TemplateOp::Static || !part.text.starts_with("<"));
}

}  // namespace sx
