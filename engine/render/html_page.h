// The doctype of whole pages. It is written first, and left out again unless the page turns out to
// begin with an html element.
#pragma once

#include <string_view>

namespace sx {

inline constexpr std::string_view kDoctype = "<!DOCTYPE html>";

inline std::string_view without_doctype_unless_page(std::string_view text, bool page) {
  const std::string_view body = text.substr(kDoctype.size());
  const bool is_html = body.starts_with("<html>") || body.starts_with("<html ");
  return page && is_html ? text : body;
}

}  // namespace sx
