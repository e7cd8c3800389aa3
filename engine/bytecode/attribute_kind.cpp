// The names of attributes that hold addresses, styles or code (attribute_kind.h).
#include "engine/bytecode/attribute_kind.h"

#include <string>

namespace sx {
namespace {

constexpr std::string_view kUrls[] = {
    "action",   "attributionsrc", "background", "cite",       "classid",   "codebase", "data",
    "dynsrc",   "formaction",     "href",       "hx-get",     "icon",      "longdesc", "lowsrc",
    "manifest", "poster",         "profile",    "src",        "sx-delete", "sx-get",   "sx-patch",
    "sx-post",  "sx-put",         "usemap",     "xlink:href", "xml:base"};
// Several addresses; by, from, to and values of SVG animations can set an href.
constexpr std::string_view kUrlLists[] = {"archive", "by",     "from", "imagesrcset",
                                          "ping",    "srcset", "to",   "values"};

template <std::size_t N>
bool one_of(std::string_view name, const std::string_view (&names)[N]) {
  for (std::string_view each : names)
    if (each == name) return true;
  return false;
}

}  // namespace

TemplateOp attribute_op(std::string_view name) {
  std::string low(name);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (low.starts_with("on") || low.starts_with("sx-on") || low == "srcdoc" || low == "http-equiv")
    return TemplateOp::Forbidden;
  if (low == "style") return TemplateOp::Style;
  if (one_of(low, kUrls)) return TemplateOp::Url;
  if (one_of(low, kUrlLists)) return TemplateOp::UrlList;
  return TemplateOp::Attribute;
}

}  // namespace sx
