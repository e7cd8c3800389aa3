// UTF-8 with a fast path for ASCII: eight bytes at a time until a byte has its top bit set.
#include "engine/base/utf8.h"

#include <cstring>

#include "engine/base/scan.h"

namespace sx {
namespace {

std::uint64_t load8(const char* p) {
  std::uint64_t w;
  std::memcpy(&w, p, sizeof w);
  return w;
}

// Number of leading ASCII bytes from `at` on.
std::size_t skip_ascii(std::string_view text, std::size_t at) {
  const std::size_t size = text.size();
  while (at + 8 <= size && (load8(text.data() + at) & kTopBits) == 0) at += 8;
  while (at < size && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

// Looks at the sequence at `at`. Returns its length if well-formed; otherwise minus the length of
// the maximal part that could have been a beginning (Unicode 15, section 3.9, "best practice").
int classify(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0x100;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  int length;
  unsigned low = 0x80, high = 0xBF;  // bounds of the second byte
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;   // overlong
    if (first == 0xED) high = 0x9F;  // surrogates
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;   // overlong
    if (first == 0xF4) high = 0x8F;  // beyond U+10FFFF
  } else {
    return -1;
  }
  if (byte(1) < low || byte(1) > high) return -1;
  for (int i = 2; i < length; ++i)
    if ((byte(static_cast<std::size_t>(i)) & 0x1C0) != 0x80) return -i;
  return length;
}

}  // namespace

std::size_t utf8_valid_prefix(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto continues = [p](std::size_t i) { return (p[i] & 0xC0) == 0x80; };
  std::size_t at = 0;
  while ((at = skip_ascii(text, at)) < text.size()) {
    // Runs of the plain cases of two and three bytes; classify knows the odd ones.
    while (text.size() - at >= 3) {
      const unsigned first = p[at];
      if (first >= 0xE1 && first <= 0xEF && first != 0xED && continues(at + 1) &&
          continues(at + 2)) {
        at += 3;
      } else if (first >= 0xC2 && first <= 0xDF && continues(at + 1)) {
        at += 2;
      } else {
        break;
      }
    }
    if (at == text.size() || p[at] < 0x80) continue;
    const int length = classify(text, at);
    if (length < 0) return at;
    at += static_cast<std::size_t>(length);
  }
  return text.size();
}

bool utf8_valid(std::string_view text) { return utf8_valid_prefix(text) == text.size(); }

bool utf8_ascii(std::string_view text) { return skip_ascii(text, 0) == text.size(); }

std::size_t utf8_count(const char* text, std::size_t size) {
  // Most text is short and ASCII.
  if (size < 8) {
    if ((load_upto8(text, size) & kTopBits) == 0) return size;
  } else {
    std::size_t at = 0;
    std::uint64_t seen = load8(text + size - 8);
    for (; at + 8 < size; at += 8) seen |= load8(text + at);
    if ((seen & kTopBits) == 0) return size;
  }
  // Every byte that does not continue a sequence begins one.
  std::size_t continuations = 0;
  std::size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    const std::uint64_t w = load8(text + at);
    const std::uint64_t is_continuation = (w >> 7) & (~w >> 6) & 0x0101010101010101u;
    continuations += (is_continuation * 0x0101010101010101u) >> 56;
  }
  for (; at < size; ++at) continuations += (text[at] & 0xC0) == 0x80;
  return size - continuations;
}

std::uint32_t utf8_decode(std::string_view text, std::size_t& at) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data()) + at;
  const std::uint32_t first = p[0];
  if (first < 0x80) {
    at += 1;
    return first;
  }
  if (first < 0xE0) {
    at += 2;
    return (first & 0x1F) << 6 | (p[1] & 0x3Fu);
  }
  if (first < 0xF0) {
    at += 3;
    return (first & 0x0F) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
  }
  at += 4;
  return (first & 0x07) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
}

std::uint32_t utf8_decode_lossy(std::string_view text, std::size_t& at) {
  const int length = classify(text, at);
  if (length > 0) return utf8_decode(text, at);
  at += static_cast<std::size_t>(-length);
  return kReplacementChar;
}

int utf8_encode(std::uint32_t c, char* out) {
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xC0 | c >> 6);
    out[1] = static_cast<char>(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xE0 | c >> 12);
    out[1] = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out[2] = static_cast<char>(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | c >> 18);
  out[1] = static_cast<char>(0x80 | (c >> 12 & 0x3F));
  out[2] = static_cast<char>(0x80 | (c >> 6 & 0x3F));
  out[3] = static_cast<char>(0x80 | (c & 0x3F));
  return 4;
}

void utf8_append(std::string& out, std::uint32_t c) {
  char bytes[4];
  out.append(bytes, static_cast<std::size_t>(utf8_encode(c, bytes)));
}

std::string utf8_replace_invalid(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t valid = utf8_valid_prefix(text.substr(at));
    out.append(text.substr(at, valid));
    at += valid;
    if (at < text.size()) utf8_append(out, utf8_decode_lossy(text, at));
  }
  return out;
}

}  // namespace sx
