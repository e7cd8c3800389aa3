// UTF-8 on the way in: what comes from files and forms is made valid before anything looks at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sx {

inline constexpr std::int32_t kInvalidCodePoint = -1;

// The code point at `at` (which must be < text.size()); moves `at` past it. Invalid bytes give
// kInvalidCodePoint and move on by one byte.
std::int32_t next_code_point(std::string_view text, std::size_t& at);

void append_utf8(std::string& out, std::int32_t code_point);

bool is_valid_utf8(std::string_view text);

// The text with each maximal invalid piece replaced by U+FFFD.
std::string repair_utf8(std::string_view text);

std::size_t count_code_points(std::string_view text);

// Text in Windows-1252 (which contains ISO 8859-1's letters) as UTF-8; nullopt when a byte has no
// meaning there, so that binary data is not taken for text.
std::optional<std::string> windows_1252_to_utf8(std::string_view text);

}  // namespace sx
