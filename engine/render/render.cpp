// The HTML adapter: whole pages at once (render.h).
#include "engine/render/render.h"

#include "engine/render/html_page.h"

namespace sx {
namespace {

TemplateInfo one_part(const TemplatePart* part, std::uint16_t holes) {
  TemplateInfo t;
  t.holes = holes;
  t.parts = part;
  t.part_count = 1;
  return t;
}

}  // namespace

Result<std::string_view> render_html(Context& cx, Value markup, bool page,
                                     const RenderLimits& limits) {
  HtmlBuffer& out = empty_buffer(cx);
  out.put(kDoctype);
  HtmlWriter writer(cx, out, limits);
  SX_CHECK(writer.start(markup));
  SX_CHECK(writer.run());
  cx.charge(out.size() + writer.steps() * 8);
  return without_doctype_unless_page(out.view(), page);
}

Result<void> render_html(Context& cx, Value markup, std::string& out, const RenderLimits& limits) {
  SX_TRY(const std::string_view html, render_html(cx, markup, false, limits));
  out.append(html);
  return {};
}

const TemplateInfo& fragment_template() {
  static const TemplatePart part{TemplateOp::Text, 0, {}};
  static const TemplateInfo info = one_part(&part, 1);
  return info;
}

const TemplateInfo& element_template() {
  static const TemplatePart part{TemplateOp::Text, 1, {}};
  static const TemplateInfo info = one_part(&part, 2);
  return info;
}

const TemplateInfo& keyed_template() {
  static const TemplatePart part{TemplateOp::Text, 0, {}};
  static const TemplateInfo info = one_part(&part, 1);
  return info;
}

}  // namespace sx
