// Names and values of HTTP fields (RFC 9110 §5), for both sides: what may be sent, and names that
// are equal in any case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/scan.h"

namespace sx {

inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

inline std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

inline bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  return true;
}

struct TokenChars {
  bool is[256] = {};
  constexpr TokenChars() {
    for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
      is[static_cast<unsigned char>(c)] = true;
  }
};
inline constexpr TokenChars kTokenChars;

// A method or a field name.
inline bool is_token(std::string_view text) {
  for (const char c : text)
    if (!kTokenChars.is[static_cast<unsigned char>(c)]) return false;
  return !text.empty();
}

// No control characters but tabs. Eight bytes at a time: values of hundreds go out with every page.
inline bool is_field_value(std::string_view value) {
  for (std::size_t at = 0;; ++at) {
    at = scan(value, at,
              [](std::uint64_t w) { return bytes_below(w, 0x20) | bytes_equal(w, 0x7f); });
    if (at == value.size()) return true;
    if (value[at] != '\t') return false;
  }
}

}  // namespace sx
