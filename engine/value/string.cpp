// Strings and byte strings. A string with non-ASCII text of more than 64 code points carries,
// behind its bytes, the byte offset of every 64th code point, so that indexing costs the same
// everywhere.
#include <cstring>

#include "engine/base/utf8.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

constexpr std::uint32_t kIndexStep = 64;

std::uint32_t text_words(std::uint32_t byte_len) { return 3 + (byte_len + 7) / 8; }
// Entry k is the offset of code point 64 · (k + 1).
std::uint32_t index_entries(std::uint32_t byte_len, std::uint32_t char_len) {
  return byte_len == char_len || char_len == 0 ? 0 : (char_len - 1) / kIndexStep;
}

// Offset of the code point that lies `skip` code points behind offset `at` of `size` bytes.
std::uint32_t skip_chars(const char* data, std::uint32_t size, std::uint32_t at,
                         std::uint32_t skip) {
  // Whole words first: a character begins at every byte that does not continue one.
  const std::uint32_t from = at;
  while (skip > 8 && size - at >= 8) {
    std::uint64_t w;
    std::memcpy(&w, data + at, sizeof w);
    const std::uint64_t continuations = (w >> 7) & (~w >> 6) & 0x0101010101010101u;
    skip -= 8 - static_cast<std::uint32_t>((continuations * 0x0101010101010101u) >> 56);
    at += 8;
  }
  if (at != from)
    while (at < size && (data[at] & 0xC0) == 0x80) ++at;
  while (skip--)
    at += static_cast<std::uint32_t>(utf8_length(static_cast<unsigned char>(data[at])));
  return at;
}

// Everything but the bytes is set here; `text` must not lie in the heap.
template <class Alloc>
Value build_string(std::string_view text, Alloc alloc) {
  const auto byte_len = static_cast<std::uint32_t>(text.size());
  const auto char_len = static_cast<std::uint32_t>(utf8_count(text));
  const std::uint32_t entries = index_entries(byte_len, char_len);
  const std::uint32_t words = text_words(byte_len);
  auto* s = static_cast<String*>(alloc(words + (entries + 1) / 2));
  s->byte_len = byte_len;
  s->char_len = char_len;
  s->hash = 0;
  if (byte_len) {
    s->raw()[words - 2] = 0;  // the bytes behind the text are zero
    std::memcpy(s->data(), text.data(), byte_len);
  }
  if (entries) {
    auto* index = reinterpret_cast<std::uint32_t*>(s->raw() + (words - 1));
    if (entries & 1) index[entries] = 0;
    std::uint32_t at = 0;
    for (std::uint32_t i = 0; i < entries; ++i)
      index[i] = at = skip_chars(s->data(), byte_len, at, kIndexStep);
  }
  return Value::object(s);
}

}  // namespace

Value make_string(Context& cx, const char* data, std::size_t size) {
  const std::string_view text(data, size);
  if (text.size() > UINT32_MAX / 2)
    return cx.fail("limit", "String too long: the most is 2147483647 bytes");
  return build_string(text,
                      [&](std::uint32_t words) { return cx.heap.alloc(Kind::String, words); });
}

Value make_static_string(Context& cx, std::string_view text) {
  return build_string(
      text, [&](std::uint32_t words) { return cx.heap.alloc_static(Kind::String, words); });
}

Value make_bytes(Context& cx, std::span<const std::uint8_t> data) {
  if (data.size() > UINT32_MAX / 2)
    return cx.fail("limit", "Byte string too long: the most is 2147483647 bytes");
  const auto byte_len = static_cast<std::uint32_t>(data.size());
  const std::uint32_t words = text_words(byte_len);
  auto* b = static_cast<Bytes*>(cx.heap.alloc(Kind::Bytes, words));
  b->byte_len = byte_len;
  b->reserved = 0;
  b->hash = 0;
  if (byte_len) {
    b->raw()[words - 2] = 0;
    std::memcpy(b->data(), data.data(), byte_len);
  }
  return Value::object(b);
}

std::uint32_t string_offset(const String* s, std::uint32_t i) {
  if (s->ascii()) return i;
  if (i >= s->char_len) return s->byte_len;
  const std::uint32_t block = i / kIndexStep;
  if (block == 0) return skip_chars(s->data(), s->byte_len, 0, i);
  const auto* index =
      reinterpret_cast<const std::uint32_t*>(s->raw() + (text_words(s->byte_len) - 1));
  return skip_chars(s->data(), s->byte_len, index[block - 1], i % kIndexStep);
}

std::uint32_t string_index(const String* s, std::uint32_t offset) {
  if (s->ascii()) return offset;
  if (offset >= s->byte_len) return s->char_len;
  const std::uint32_t entries = index_entries(s->byte_len, s->char_len);
  const auto* index =
      reinterpret_cast<const std::uint32_t*>(s->raw() + (text_words(s->byte_len) - 1));
  // The last indexed code point at or before offset.
  std::uint32_t low = 0, high = entries;
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    if (index[middle] <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const std::uint32_t from = low ? index[low - 1] : 0;
  return low * kIndexStep +
         static_cast<std::uint32_t>(utf8_count({s->data() + from, offset - from}));
}

}  // namespace sx
