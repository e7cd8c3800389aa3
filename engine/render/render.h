// The HTML adapter: markup values → HTML text.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/gc/context.h"
#include "engine/render/html_writer.h"

namespace sx {

// The HTML of `markup`: template instances with their holes escaped by context, raw markup,
// strings, numbers, lists of these. page: with <!DOCTYPE html> before an html element. Charges
// fuel; never allocates on the SX heap. The text lies in a buffer of the context and is valid
// until the next rendering. Errors name the type of a value that has no HTML, and the attribute
// where one is concerned.
Result<std::string_view> render_html(Context& cx, Value markup, bool page,
                                     const RenderLimits& limits = {});
// The same, appended to `out`.
Result<void> render_html(Context& cx, Value markup, std::string& out,
                         const RenderLimits& limits = {});

}  // namespace sx
