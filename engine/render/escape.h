// Escaping for HTML. Both functions scan eight bytes at a time and copy runs.
#pragma once

#include <string>
#include <string_view>

namespace sx {

void escape_text(std::string& out, std::string_view s);       // & < >
void escape_attribute(std::string& out, std::string_view s);  // & < > " '

}  // namespace sx
