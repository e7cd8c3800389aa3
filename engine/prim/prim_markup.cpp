// Markup: rendering to HTML, trusted HTML, fragments, computed elements, pages in pieces.
#include <algorithm>

#include "engine/prim/support.h"
#include "engine/render/html_stream.h"
#include "engine/render/render.h"

namespace sx {
namespace {

Value make_raw(Context& cx, Value text) {
  Root held(cx.heap, text);
  Object* object = cx.heap.alloc(Kind::Raw, 2);
  static_cast<RawMarkup*>(object)->text = held;
  return Value::object(object);
}

// An instance of one of the engine's own templates, with holes that the caller fills before the
// next allocation.
Template* instantiate(Context& cx, const TemplateInfo& info, std::uint32_t holes) {
  auto* made = static_cast<Template*>(cx.heap.alloc_slots(Kind::Template, holes + 2));
  made->info_bits = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&info));
  return made;
}

void fill(Context& cx, Template* instance, std::uint32_t hole, Value v) {
  instance->holes()[hole] = v;
  cx.heap.write_barrier(instance, v);
}

// "render: Expected …" as the primitive's own sentence.
Value fail_render(Context& cx, const char* who, const Error& error) {
  return cx.fail("render-error", str(who, error.message.substr(6)));
}

Value render(Context& cx, const char* who, Value markup, bool page) {
  const Result<std::string_view> html = render_html(cx, markup, page);
  if (!html.ok()) return fail_render(cx, who, html.error());
  return make_string(cx, *html);
}

// Is this a tag for an element with these children? Leaves the error if not.
bool want_tag(Context& cx, Value tag, bool children) {
  if (!is_string(tag) && !tag.is_keyword()) {
    cx.fail_type("el", "keyword or string", tag);
    return false;
  }
  const std::string_view name =
      tag.is_keyword() ? cx.symbols.name(tag.id()) : as_string(tag)->view();
  if (!computed_tag_allowed(name)) {
    cx.fail("render-error", str("el: '", name.substr(0, 40),
                                "' cannot be a computed tag: expected the name of an element that "
                                "neither runs code nor loads another page. Write it as a literal, "
                                "(el :tag …), if it is meant"));
    return false;
  }
  if (children && tag_is_void(name)) {
    cx.fail("render-error", str("el: <", name, "> cannot have children"));
    return false;
  }
  return true;
}

}  // namespace

SX_PRIMITIVE(prim_html_render) { return render(cx, "html/render", args[0], false); }
SX_PRIMITIVE(prim_render_page) { return render(cx, "render-page", args[0], true); }

SX_PRIMITIVE(prim_html_stream) { return make_html_stream(cx, args[0]); }

SX_PRIMITIVE(prim_html_next) {
  if (!want_kind(cx, "html/next!", Kind::HtmlStream, args[0])) return Value::unset();
  std::int64_t bytes = kStreamPiece;
  if (count > 1 && !want_count(cx, "html/next!", args[1], bytes)) return Value::unset();
  bytes = std::clamp<std::int64_t>(bytes, 1, kTextBytesMax);
  const auto piece = html_stream_next(cx, args[0], static_cast<std::size_t>(bytes));
  if (!piece.ok()) return fail_render(cx, "html/next!", piece.error());
  return piece->empty() ? Value::nil() : make_string(cx, *piece);
}

SX_PRIMITIVE(prim_raw) {
  if (is_kind(args[0], Kind::Raw)) return args[0];
  if (!want_string(cx, "raw", args[0])) return Value::unset();
  return make_raw(cx, args[0]);
}

SX_PRIMITIVE(prim_doctype) { return make_raw(cx, make_string(cx, "<!DOCTYPE html>")); }

SX_PRIMITIVE(prim_html_comment) {
  if (!want_string(cx, "html/comment", args[0])) return Value::unset();
  // Spaces at both ends and between hyphens: nothing inside can end a comment early.
  std::string out = "<!-- ";
  for (char c : as_string(args[0])->view()) {
    if (c == '-' && out.back() == '-') out.push_back(' ');
    out.push_back(c);
  }
  out += " -->";
  return make_raw(cx, make_text(cx, out));
}

SX_PRIMITIVE(prim_frag) {
  Root children(cx.heap, prim_list(cx, args, count));
  Template* fragment = instantiate(cx, fragment_template(), 1);
  fill(cx, fragment, 0, children);
  return Value::object(fragment);
}

// (%element tag children name value…)
SX_PRIMITIVE(prim_element) {
  if (!want_tag(cx, args[0], !args[1].is_nil())) return Value::unset();
  Template* element = instantiate(cx, element_template(), static_cast<std::uint32_t>(count));
  for (int i = 0; i < count; ++i) fill(cx, element, static_cast<std::uint32_t>(i), args[i]);
  return Value::object(element);
}

// (el tag :name value child…), the function.
SX_PRIMITIVE(prim_el) {
  std::uint32_t pairs = 0;
  for (int i = 1; i < count; ++i) {
    if (!args[i].is_keyword()) continue;
    if (i + 1 == count)
      return cx.fail("render-error",
                     str("el: the attribute :", cx.symbols.name(args[i].id()), " has no value"));
    ++pairs;
    ++i;
  }
  ListBuilder list(cx);
  for (int i = 1; i < count; ++i) {
    if (args[i].is_keyword()) {
      ++i;
    } else {
      list.add(args[i]);
    }
  }
  Root children(cx.heap, list.finish());
  if (children.get().is_empty_list()) children = Value::nil();
  if (!want_tag(cx, args[0], !children.get().is_nil())) return Value::unset();
  Template* element = instantiate(cx, element_template(), 2 + 2 * pairs);
  fill(cx, element, 0, args[0]);
  fill(cx, element, 1, children);
  std::uint32_t at = 2;
  for (int i = 1; i < count; ++i) {
    if (!args[i].is_keyword()) continue;
    fill(cx, element, at++, args[i]);
    fill(cx, element, at++, args[++i]);
  }
  return Value::object(element);
}

SX_PRIMITIVE(prim_is_frag) {
  if (is_kind(args[0], Kind::Raw)) return Value::tru();
  if (!is_kind(args[0], Kind::Template)) return Value::fals();
  const TemplateInfo* info = static_cast<const Template*>(args[0].as_object())->info();
  if (info == &element_template()) return Value::fals();
  if (info == &fragment_template() || info->part_count == 0) return Value::tru();
  const TemplatePart& part = info->parts[0];
  return Value::boolean(part.op != TemplateOp::Static || !part.text.starts_with("<"));
}

}  // namespace sx
