// The names of HTML and SVG elements, and which names can be written as attributes.
#pragma once

#include <string_view>

namespace sx {

bool is_markup_tag(std::string_view name);
bool is_void_tag(std::string_view name);  // no content: br, img, …
bool is_attribute_name(std::string_view name);
bool is_tag_name(std::string_view name);  // a letter, then letters, digits and - : . _

}  // namespace sx
