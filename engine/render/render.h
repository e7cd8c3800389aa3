// The HTML adapter: markup values → HTML text. Iterative, and never allocates on the SX heap.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/bytecode/unit.h"
#include "engine/gc/context.h"

namespace sx {

struct RenderLimits {
  std::size_t bytes_max = std::size_t{256} << 20;
};

// Appends the HTML of `markup` to `out`: template instances with their holes escaped by context,
// raw markup, strings, numbers, lists of these. Errors name the type of a value that has no HTML,
// and the attribute where one is concerned; `out` is then incomplete.
Result<void> render_html(const Context& cx, Value markup, std::string& out,
                         const RenderLimits& limits = {});

// The template behind (frag …): one hole in element content. Not of any unit.
const TemplateInfo& fragment_template();

}  // namespace sx
