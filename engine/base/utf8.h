// UTF-8: validation, decoding, encoding, counting. Text inside the engine is always valid UTF-8;
// what comes from outside is checked here, once, at the border.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sx {

inline constexpr std::uint32_t kReplacementChar = 0xFFFD;

// A Unicode scalar value: not a surrogate, not beyond U+10FFFF.
constexpr bool utf8_is_scalar(std::uint32_t c) {
  return c < 0xD800 || (c >= 0xE000 && c <= 0x10FFFF);
}

// Shortest forms only, no surrogates, nothing above U+10FFFF.
bool utf8_valid(std::string_view text);
// Byte offset of the first ill-formed sequence, or text.size().
std::size_t utf8_valid_prefix(std::string_view text);
// Code points in valid text.
std::size_t utf8_count(const char* text, std::size_t size);
inline std::size_t utf8_count(std::string_view text) {
  return utf8_count(text.data(), text.size());
}
bool utf8_ascii(std::string_view text);

// Length of the sequence that starts with this byte of valid text.
constexpr int utf8_length(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}
// The code point at byte offset `at` of valid text; moves `at` behind it. at < text.size().
std::uint32_t utf8_decode(std::string_view text, std::size_t& at);
// The same for text that may be ill-formed: kReplacementChar for each maximal ill-formed part.
std::uint32_t utf8_decode_lossy(std::string_view text, std::size_t& at);
// Appends a scalar value.
void utf8_append(std::string& out, std::uint32_t c);
// Writes 1…4 bytes; returns how many.
int utf8_encode(std::uint32_t c, char* out);
// Bytes that c takes.
constexpr int utf8_size(std::uint32_t c) {
  return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}
// text with each ill-formed part replaced by U+FFFD.
std::string utf8_replace_invalid(std::string_view text);

}  // namespace sx
