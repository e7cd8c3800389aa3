// The template languages of static site generators inside Markdown bodies: what has a plain meaning
// is replaced, the rest is found and left for the report. Included by site_*.cpp only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/content/site_import.h"

namespace sx {

// Jekyll: {{ site.baseurl }} and {{ site.url }} vanish, {{ "/a.png" | relative_url }} becomes
// /a.png,
// {% highlight ruby %} … {% endhighlight %} becomes a fence, {% raw %} goes.
// Hugo: {{< figure src="a.png" alt="A" >}} becomes ![A](a.png), {{< highlight go >}} a fence.
std::string replace_plain_tags(std::string_view body, SiteKind kind);

struct TemplateTag {
  int line = 0;      // of the body, from 1
  std::string text;  // shortened
};

// Tags that are left, outside code.
std::vector<TemplateTag> find_template_tags(std::string_view body);

// The text of a first-level heading with which the body begins; `rest` is what follows it.
std::string leading_heading(std::string_view body, std::string_view& rest);

}  // namespace sx
