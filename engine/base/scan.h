// Scanning text eight bytes at a time for the few bytes that matter: the reader, the printer and
// JSON copy what lies between them at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sx {

inline constexpr std::uint64_t kEachByte = 0x0101010101010101u;
inline constexpr std::uint64_t kTopBits = 0x8080808080808080u;

// Masks with the top bit of a byte set where it matches. Above the first match (towards the end of
// the text) they may be wrong: only the lowest set bit counts.
constexpr std::uint64_t bytes_below(std::uint64_t w, unsigned char limit) {
  return (w - kEachByte * limit) & ~w & kTopBits;
}
constexpr std::uint64_t bytes_equal(std::uint64_t w, char c) {
  return bytes_below(w ^ (kEachByte * static_cast<unsigned char>(c)), 1);
}

// Up to eight bytes as a word, the first one lowest, without reading beyond them.
inline std::uint64_t load_upto8(const char* from, std::size_t n) {
  std::uint64_t w = 0;
  if (n >= 8) {
    std::memcpy(&w, from, 8);
  } else if (n >= 4) {
    std::uint32_t low, high;
    std::memcpy(&low, from, 4);
    std::memcpy(&high, from + n - 4, 4);
    w = low | static_cast<std::uint64_t>(high) << (8 * (n - 4));
  } else if (n != 0) {
    const auto byte = [&](std::size_t i) {
      return static_cast<std::uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
    };
    w = byte(0) | byte(n / 2) | byte(n - 1);
  }
  return w;
}

// Offset of the first byte at or after `at` that `stops` (word → mask as above) marks, or
// text.size().
template <class Stops>
inline std::size_t scan(std::string_view text, std::size_t at, Stops stops) {
  const auto first = [](std::uint64_t mask) {
    return static_cast<std::size_t>(__builtin_ctzll(mask)) / 8;
  };
  for (; text.size() - at >= 8; at += 8) {
    std::uint64_t w;
    std::memcpy(&w, text.data() + at, 8);
    if (const std::uint64_t mask = stops(w)) return at + first(mask);
  }
  const std::size_t left = text.size() - at;
  if (left == 0) return at;
  const std::uint64_t w = load_upto8(text.data() + at, left);
  const std::uint64_t mask = stops(w) & ((std::uint64_t{1} << 8 * left) - 1);
  return mask ? at + first(mask) : text.size();
}

// To the quote or backslash.
inline std::size_t scan_quoted(std::string_view text, std::size_t at, char quote) {
  return scan(text, at,
              [quote](std::uint64_t w) { return bytes_equal(w, quote) | bytes_equal(w, '\\'); });
}
// The same, or to a control character (below U+0020).
inline std::size_t scan_uncontrolled(std::string_view text, std::size_t at, char quote) {
  return scan(text, at, [quote](std::uint64_t w) {
    return bytes_equal(w, quote) | bytes_equal(w, '\\') | bytes_below(w, 0x20);
  });
}
// The same, or to anything else that is not printable ASCII.
inline std::size_t scan_plain(std::string_view text, std::size_t at, char quote) {
  return scan(text, at, [quote](std::uint64_t w) {
    return bytes_equal(w, quote) | bytes_equal(w, '\\') | bytes_below(w, 0x20) |
           bytes_equal(w, 0x7F) | (w & kTopBits);
  });
}

}  // namespace sx
