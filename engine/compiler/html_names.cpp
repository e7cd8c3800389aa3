// The names of HTML and SVG elements (html_names.h).
#include "engine/compiler/html_names.h"

#include <algorithm>
#include <iterator>

namespace sx {

namespace {

// Sorted for binary search.
constexpr std::string_view kTags[] = {"a",
                                      "abbr",
                                      "address",
                                      "animate",
                                      "animateMotion",
                                      "animateTransform",
                                      "area",
                                      "article",
                                      "aside",
                                      "audio",
                                      "b",
                                      "base",
                                      "bdi",
                                      "bdo",
                                      "blockquote",
                                      "body",
                                      "br",
                                      "button",
                                      "canvas",
                                      "caption",
                                      "circle",
                                      "cite",
                                      "clipPath",
                                      "code",
                                      "col",
                                      "colgroup",
                                      "data",
                                      "datalist",
                                      "dd",
                                      "defs",
                                      "del",
                                      "desc",
                                      "details",
                                      "dfn",
                                      "dialog",
                                      "div",
                                      "dl",
                                      "dt",
                                      "ellipse",
                                      "em",
                                      "embed",
                                      "feBlend",
                                      "feColorMatrix",
                                      "feComponentTransfer",
                                      "feComposite",
                                      "feConvolveMatrix",
                                      "feDiffuseLighting",
                                      "feDisplacementMap",
                                      "feDistantLight",
                                      "feDropShadow",
                                      "feFlood",
                                      "feFuncA",
                                      "feFuncB",
                                      "feFuncG",
                                      "feFuncR",
                                      "feGaussianBlur",
                                      "feImage",
                                      "feMerge",
                                      "feMergeNode",
                                      "feMorphology",
                                      "feOffset",
                                      "fePointLight",
                                      "feSpecularLighting",
                                      "feSpotLight",
                                      "feTile",
                                      "feTurbulence",
                                      "fieldset",
                                      "figcaption",
                                      "figure",
                                      "filter",
                                      "footer",
                                      "foreignObject",
                                      "form",
                                      "g",
                                      "h1",
                                      "h2",
                                      "h3",
                                      "h4",
                                      "h5",
                                      "h6",
                                      "head",
                                      "header",
                                      "hgroup",
                                      "hr",
                                      "html",
                                      "i",
                                      "iframe",
                                      "image",
                                      "img",
                                      "input",
                                      "ins",
                                      "kbd",
                                      "label",
                                      "legend",
                                      "li",
                                      "line",
                                      "linearGradient",
                                      "link",
                                      "main",
                                      "map",
                                      "mark",
                                      "marker",
                                      "mask",
                                      "math",
                                      "menu",
                                      "meta",
                                      "metadata",
                                      "meter",
                                      "mpath",
                                      "nav",
                                      "noscript",
                                      "object",
                                      "ol",
                                      "optgroup",
                                      "option",
                                      "output",
                                      "p",
                                      "param",
                                      "path",
                                      "pattern",
                                      "picture",
                                      "polygon",
                                      "polyline",
                                      "pre",
                                      "progress",
                                      "q",
                                      "radialGradient",
                                      "rect",
                                      "rp",
                                      "rt",
                                      "ruby",
                                      "s",
                                      "samp",
                                      "script",
                                      "search",
                                      "section",
                                      "select",
                                      "slot",
                                      "small",
                                      "source",
                                      "span",
                                      "stop",
                                      "strong",
                                      "style",
                                      "sub",
                                      "summary",
                                      "sup",
                                      "svg",
                                      "switch",
                                      "symbol",
                                      "table",
                                      "tbody",
                                      "td",
                                      "template",
                                      "text",
                                      "textPath",
                                      "textarea",
                                      "tfoot",
                                      "th",
                                      "thead",
                                      "time",
                                      "title",
                                      "tr",
                                      "track",
                                      "tspan",
                                      "u",
                                      "ul",
                                      "use",
                                      "var",
                                      "video",
                                      "view",
                                      "wbr"};

constexpr std::string_view kVoid[] = {"area",  "base", "br",   "col",   "embed",  "hr",    "img",
                                      "input", "link", "meta", "param", "source", "track", "wbr"};

template <std::size_t N>
bool has(const std::string_view (&names)[N], std::string_view name) {
  return std::binary_search(std::begin(names), std::end(names), name);
}

}  // namespace

bool is_markup_tag(std::string_view name) { return has(kTags, name); }
bool is_void_tag(std::string_view name) { return has(kVoid, name); }

bool is_tag_name(std::string_view name) {
  const auto letter = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
  };
  if (name.empty() || !letter(static_cast<unsigned char>(name[0])) || name[0] < 0) return false;
  for (unsigned char c : name)
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != ':' && c != '.' && c != '_')
      return false;
  return true;
}

bool is_attribute_name(std::string_view name) {
  if (name.empty()) return false;
  for (unsigned char c : name)
    if (c <= ' ' || c == '"' || c == '\'' || c == '>' || c == '<' || c == '/' || c == '=' ||
        c == '&' || c == 0x7F)
      return false;
  return true;
}

}  // namespace sx
