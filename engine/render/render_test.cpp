// The HTML adapter against hostile values in every context, and escaping at every alignment.
#include "engine/render/render.h"

#include <doctest/doctest.h>

#include "engine/base/str.h"
#include "engine/render/attributes.h"
#include "engine/render/html_buffer.h"
#include "engine/value/collections.h"

using namespace sx;

namespace {

struct World {
  Context cx{HeapConfig{.stress = true}, 7};
  std::vector<TemplatePart> parts;
  TemplateInfo info;

  // The HTML of a template with one hole.
  Result<std::string> render(TemplateOp op, const char* name, Value hole) {
    Root held(cx.heap, hole);
    parts = {{TemplateOp::Static, 0, "<x"}, {op, 0, name}, {TemplateOp::Static, 0, ">"}};
    info.holes = 1;
    info.parts = parts.data();
    info.part_count = 3;
    Object* object = cx.heap.alloc(Kind::Template, 3);
    auto* instance = static_cast<Template*>(object);
    instance->info_bits = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&info));
    instance->holes()[0] = held;
    std::string out;
    const auto done = render_html(cx, Value::object(instance), out);
    if (!done.ok()) return done.error();
    return out;
  }
  Result<std::string> render(TemplateOp op, const char* name, std::string_view hole) {
    return render(op, name, make_string(cx, hole));
  }
};

// What people put into forms to break out of a page: from the OWASP cheat sheet and its kin.
const char* const kHostile[] = {"<script>alert(1)</script>",
                                "\"><script>alert(1)</script>",
                                "'><script>alert(1)</script>",
                                "</title><script>alert(1)</script>",
                                "</textarea><script>alert(1)</script>",
                                "</style><script>alert(1)</script>",
                                "</script><script>alert(1)</script>",
                                "<img src=x onerror=alert(1)>",
                                "<svg onload=alert(1)>",
                                "<svg/onload=alert(1)>",
                                "\" onmouseover=\"alert(1)",
                                "' onmouseover='alert(1)",
                                "\" onfocus=alert(1) autofocus x=\"",
                                "<iframe src=javascript:alert(1)>",
                                "<a href=javascript:alert(1)>x</a>",
                                "<body onload=alert(1)>",
                                "<details open ontoggle=alert(1)>",
                                "<math><mtext><script>alert(1)</script>",
                                "<!--<script>",
                                "--><script>alert(1)</script>",
                                "<![CDATA[<script>alert(1)</script>]]>",
                                "<?php echo 1 ?>",
                                "&lt;script&gt;",
                                "&#60;script&#62;",
                                "&#x3c;script&#x3e;",
                                "<<script>alert(1)//<</script>",
                                "<scr<script>ipt>alert(1)</script>",
                                "<SCRIPT SRC=//x></SCRIPT>",
                                "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">",
                                "<IMG SRC=`javascript:alert(1)`>",
                                "<base href=//evil>",
                                "<form action=//evil><input name=a>",
                                "<object data=javascript:alert(1)>",
                                "<embed src=javascript:alert(1)>",
                                "<meta http-equiv=refresh content=0;url=javascript:alert(1)>",
                                "<link rel=stylesheet href=//evil>",
                                "<style>@import '//evil';</style>",
                                "<x style=\"background:url(javascript:alert(1))\">",
                                "<video><source onerror=alert(1)>",
                                "<input autofocus onfocus=alert(1)>",
                                "<marquee onstart=alert(1)>",
                                "<template><script>alert(1)</script></template>",
                                "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
                                "javascript:alert(1)",
                                "JavaScript:alert(1)",
                                "JAVASCRIPT:alert(1)",
                                "jAvAsCrIpT:alert(1)",
                                " javascript:alert(1)",
                                "\tjavascript:alert(1)",
                                "\njavascript:alert(1)",
                                "\r\njavascript:alert(1)",
                                "java\tscript:alert(1)",
                                "java\nscript:alert(1)",
                                "java\rscript:alert(1)",
                                "javascript\t:alert(1)",
                                "\x01javascript:alert(1)",
                                "\x1fjavascript:alert(1)",
                                "java\x01script:alert(1)",
                                "javascript:alert(1)//http://x",
                                "javascript://x%0aalert(1)",
                                "javascript:/*http://*/alert(1)",
                                "vbscript:msgbox(1)",
                                "VBScript:x",
                                "livescript:x",
                                "mocha:x",
                                "data:text/html,<script>alert(1)</script>",
                                "data:text/html;base64,PHNjcmlwdD4=",
                                "DATA:text/html,x",
                                "data:image/svg+xml,<svg onload=alert(1)>",
                                "data:image/svg+xml;base64,AAAA",
                                "data:application/xhtml+xml,x",
                                "data:text/javascript,alert(1)",
                                "data:,x",
                                "data:image/pngx,x",
                                "data: text/html,x",
                                "da\nta:text/html,x",
                                "file:///etc/passwd",
                                "blob:https://x/1",
                                "filesystem:x",
                                "about:blank:x",
                                "view-source:x",
                                "feed:javascript:alert(1)",
                                "jar:javascript:x",
                                "ws://x",
                                "chrome://x",
                                "resource://x",
                                "intent://x",
                                "ms-its:x",
                                "mhtml:x",
                                "\xC2\xA0javascript:alert(1)",
                                "\xE2\x80\x8Bjavascript:alert(1)",
                                "\xEF\xBB\xBFjavascript:alert(1)",
                                "javascript\xEF\xBC\x9A:x",
                                "javascript&#58;:alert(1)",
                                "javascript&colon;:x",
                                "%6aavascript:alert(1)",
                                "color:red;background:url(javascript:alert(1))",
                                "background:URL(//evil)",
                                "width:expression(alert(1))",
                                "x:e\\78 pression(alert(1))",
                                "x:exp/**/ression(alert(1))",
                                "behavior:url(//evil.htc)",
                                "-moz-binding:url(//evil)",
                                "background:u\\72l(//evil)",
                                "color:red}body{display:none",
                                "x:</style><script>alert(1)</script>",
                                "background:image-set('//evil' 1x)",
                                "background:src('//evil')",
                                "@import '//evil'",
                                "x:'\n;y:url(x)",
                                "content:\"</style>\"",
                                "x:1;;;:;url(x)",
                                "background:-webkit-image-set(url(x))",
                                "x:attr(y)",
                                "x:element(#a)"};
static_assert(sizeof(kHostile) / sizeof(kHostile[0]) >= 100);

bool has_markup(std::string_view s) {  // anything a parser could take for a tag
  return s.find('<') != std::string_view::npos || s.find('>') != std::string_view::npos;
}

}  // namespace

TEST_CASE("hostile text stays text") {
  World w;
  for (const char* evil : kHostile) {
    CAPTURE(std::string(evil));
    const auto html = w.render(TemplateOp::Text, "", evil);
    REQUIRE(html.ok());
    const std::string inner = html->substr(2, html->size() - 3);
    CHECK_FALSE(has_markup(inner));
  }
}

TEST_CASE("a hostile attribute value stays inside its quotes") {
  World w;
  for (const char* evil : kHostile) {
    CAPTURE(std::string(evil));
    const auto html = w.render(TemplateOp::Attribute, "title", evil);
    REQUIRE(html.ok());
    REQUIRE(html->starts_with("<x title=\""));
    REQUIRE(html->ends_with("\">"));
    const std::string inner = html->substr(10, html->size() - 12);
    CHECK_FALSE(has_markup(inner));
    CHECK(inner.find('"') == std::string::npos);
    CHECK(inner.find('\'') == std::string::npos);
  }
}

TEST_CASE("no hostile URL keeps a scheme that can run code") {
  World w;
  int refused = 0;
  for (const char* evil : kHostile) {
    CAPTURE(std::string(evil));
    const auto html = w.render(TemplateOp::Url, "href", evil);
    REQUIRE(html.ok());
    const bool invalid = *html == "<x href=\"about:invalid\">";
    refused += invalid ? 1 : 0;
    if (invalid) continue;
    // What was let through has no colon before the first / ? #.
    const std::string_view text = evil;
    CHECK(text.substr(0, text.find_first_of("/?#")).find(':') == std::string_view::npos);
  }
  CHECK(refused >= 50);
}

TEST_CASE("hostile parts of a URL list refuse the whole") {
  World w;
  for (const char* evil : kHostile) {
    if (url_allowed("href", evil)) continue;
    CAPTURE(std::string(evil));
    const auto html = w.render(TemplateOp::UrlList, "srcset", str("/a.png 1x, ", evil, " 2x"));
    REQUIRE(html.ok());
    CHECK(html->find("script:") == std::string::npos);
    CHECK_FALSE(has_markup(html->substr(2, html->size() - 3)));
  }
}

TEST_CASE("a hostile style keeps harmless declarations only") {
  World w;
  for (const char* evil : kHostile) {
    CAPTURE(std::string(evil));
    const auto html = w.render(TemplateOp::Style, "style", str("color: red;", evil));
    REQUIRE(html.ok());
    CHECK(html->starts_with("<x style=\"color: red"));
    for (const char* bad : {"url(", "URL(", "expression(", "import", "<", "alert", "binding",
                            "image-set", "behavior"})
      CHECK(html->substr(2).find(bad) == std::string::npos);
  }
}

TEST_CASE("hostile names are no attributes") {
  World w;
  for (const char* evil : kHostile) {
    CAPTURE(std::string(evil));
    Root key(w.cx.heap, make_string(w.cx, evil));
    const Value dict = dict_put(w.cx, empty_dict(w.cx), key, Value::tru());
    const auto html = w.render(TemplateOp::Spread, "", dict);
    if (html.ok()) CHECK(attribute_name_valid(evil));
  }
  for (const char* name : {"onclick", "ONCLICK", "OnLoad", "onx", "srcdoc"}) {
    const Value dict = dict_put(w.cx, empty_dict(w.cx), w.cx.keyword(name), w.cx.keyword("x"));
    const auto html = w.render(TemplateOp::Spread, "", dict);
    REQUIRE_FALSE(html.ok());
    CHECK(html.error().message.find(name) != std::string::npos);
  }
}

TEST_CASE("text in a style or script element must be raw and cannot end it") {
  World w;
  for (const char* evil : kHostile) {
    CHECK_FALSE(w.render(TemplateOp::RawText, "", evil).ok());
    Root text(w.cx.heap, make_string(w.cx, evil));
    Object* raw = w.cx.heap.alloc(Kind::Raw, 2);
    static_cast<RawMarkup*>(raw)->text = text;
    const auto html = w.render(TemplateOp::RawText, "", Value::object(raw));
    const std::string_view s = evil;
    const bool closes =
        s.find("</") != std::string_view::npos || s.find("<!--") != std::string_view::npos;
    CHECK(html.ok() == !closes);
  }
}

TEST_CASE("computed event handlers are refused by name") {
  World w;
  const auto html = w.render(TemplateOp::Forbidden, "onclick", "x");
  REQUIRE_FALSE(html.ok());
  CHECK(html.error().message.find("onclick") != std::string::npos);
}

TEST_CASE("escaping is right at every offset and length") {
  for (std::size_t length = 0; length < 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (char c : {'&', '<', '>', '"', '\'', 'x', '\x7f', '\x27'}) {
        std::string text(length, 'a');
        text[at] = c;
        std::string want_text, want_attribute;
        for (char x : text) {
          const char* both = x == '&' ? "&amp;" : x == '<' ? "&lt;" : x == '>' ? "&gt;" : nullptr;
          const char* quote = x == '"' ? "&quot;" : x == '\'' ? "&#39;" : nullptr;
          want_text += both ? std::string(both) : std::string(1, x);
          want_attribute += both    ? std::string(both)
                            : quote ? std::string(quote)
                                    : std::string(1, x);
        }
        HtmlBuffer got_text, got_attribute;
        got_text.text(text);
        got_attribute.attribute(text);
        CHECK(got_text.view() == want_text);
        CHECK(got_attribute.view() == want_attribute);
      }
    }
  }
}

TEST_CASE("attributes are classified whatever their case") {
  CHECK(attribute_op("HREF") == TemplateOp::Url);
  CHECK(attribute_op("xlink:href") == TemplateOp::Url);
  CHECK(attribute_op("formAction") == TemplateOp::Url);
  CHECK(attribute_op("srcset") == TemplateOp::UrlList);
  for (const char* animated : {"to", "from", "by", "values"})
    CHECK(attribute_op(animated) == TemplateOp::UrlList);
  for (const char* request : {"sx-get", "sx-post", "sx-put", "sx-patch", "sx-delete"})
    CHECK(attribute_op(request) == TemplateOp::Url);
  CHECK(attribute_op("Style") == TemplateOp::Style);
  CHECK(attribute_op("onLoad") == TemplateOp::Forbidden);
  CHECK(attribute_op("srcdoc") == TemplateOp::Forbidden);
  CHECK(attribute_op("title") == TemplateOp::Attribute);
}

TEST_CASE("a page larger than the limit is refused") {
  World w;
  RenderLimits limits;
  limits.bytes_max = 10;
  std::string out;
  Root text(w.cx.heap, make_string(w.cx, "0123456789abcdef"));
  const Value pair[2] = {text, text};
  CHECK_FALSE(render_html(w.cx, make_vector(w.cx, pair), out, limits).ok());
}
