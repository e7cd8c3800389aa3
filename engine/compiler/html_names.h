// The names of HTML and SVG elements, and what kind of value an attribute holds.
#pragma once

#include <string>
#include <string_view>

#include "engine/bytecode/image.h"

namespace sx {

bool is_markup_tag(std::string_view name);
bool is_void_tag(std::string_view name);  // no content: br, img, …
// How a computed value of the attribute is escaped and checked.
TemplateOp attribute_context(std::string_view name);
bool is_attribute_name(std::string_view name);

}  // namespace sx
