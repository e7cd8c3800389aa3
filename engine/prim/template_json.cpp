// A template as the DOM adapter takes it. Apart from prim_dom.cpp, which is in tools.wasm: an
// export of the kernel calls this.
#include "engine/io/page_parts.h"
#include "engine/prim/support.h"
#include "engine/render/html_writer.h"

namespace sx {

// A template for the page, as JSON text.
std::string template_json(const TemplateInfo& info) {
  std::string out = "[";
  if (&info == &element_template()) return "1";
  if (&info == &keyed_template()) return "2";
  for (std::uint32_t i = 0; i < info.part_count; ++i) {
    if (i > 0) out.push_back(',');
    out += str(static_cast<int>(info.parts[i].op), ",");
    append_json_string(out, info.parts[i].text);
  }
  return out + "]";
}

}  // namespace sx
