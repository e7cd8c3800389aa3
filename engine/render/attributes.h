// The checks of attribute names, URLs and styles: shared by the adapters to HTML and to the DOM, so
// that both refuse the same things.
#pragma once

#include <string>
#include <string_view>

#include "engine/bytecode/attribute_kind.h"

namespace sx {

// [a-zA-Z_:][-a-zA-Z0-9_:.]*
bool attribute_name_valid(std::string_view name);

// Shown instead of a URL that was refused.
inline constexpr std::string_view kInvalidUrl = "about:invalid";
// Relative addresses, fragments, and the schemes http https mailto tel sms ftp; in attributes that
// load images (name: src, poster, …) also data: with a raster image.
bool url_allowed(std::string_view attribute, std::string_view url);
// srcset, ping, …: every part that could be a URL.
bool url_list_allowed(std::string_view attribute, std::string_view list);
// The declarations of a style attribute that are safe; the others are left out.
std::string safe_style(std::string_view style);

}  // namespace sx
