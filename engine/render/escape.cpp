// Escaping for HTML (escape.h).
#include "engine/render/escape.h"

#include <cstdint>
#include <cstring>

namespace sx {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101u;
constexpr std::uint64_t kHigh = 0x8080808080808080u;

// Is some byte of x equal to c? May also say yes for a byte right above a real one: then the
// byte loop simply looks at eight bytes for nothing.
constexpr std::uint64_t has_byte(std::uint64_t x, unsigned char c) {
  const std::uint64_t y = x ^ (kOnes * c);
  return (y - kOnes) & ~y & kHigh;
}

template <bool Quotes>
const char* entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return Quotes ? "&quot;" : nullptr;
    case '\'':
      return Quotes ? "&#39;" : nullptr;
    default:
      return nullptr;
  }
}

template <bool Quotes>
void escape(std::string& out, std::string_view s) {
  std::size_t from = 0, at = 0;
  while (at < s.size()) {
    if (s.size() - at >= 8) {
      std::uint64_t word;
      std::memcpy(&word, s.data() + at, 8);
      std::uint64_t hit = has_byte(word, '&') | has_byte(word, '<') | has_byte(word, '>');
      if (Quotes) hit |= has_byte(word, '"') | has_byte(word, '\'');
      if (hit == 0) {
        at += 8;
        continue;
      }
    }
    const std::size_t end = s.size() - at >= 8 ? at + 8 : s.size();
    for (; at < end; ++at) {
      if (const char* text = entity<Quotes>(s[at])) {
        out.append(s, from, at - from);
        out += text;
        from = at + 1;
      }
    }
  }
  out.append(s, from);
}

}  // namespace

void escape_text(std::string& out, std::string_view s) { escape<false>(out, s); }
void escape_attribute(std::string& out, std::string_view s) { escape<true>(out, s); }

}  // namespace sx
