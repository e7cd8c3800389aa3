// Growing, numbers, and escaping (html_buffer.h).
#include "engine/render/html_buffer.h"

#include <cstdlib>

#include "engine/base/fatal.h"
#include "engine/base/scan.h"

namespace sx {
namespace {

// The bytes that have to be escaped. < and > differ in one bit, & and " in another: one comparison
// each. Only the lowest set bit counts (base/scan.h).
template <bool Quotes>
SX_INLINE std::uint64_t special(std::uint64_t w) {
  std::uint64_t mask = bytes_equal(w & (kEachByte * 0xFD), '<');
  if (Quotes) {
    mask |= bytes_equal(w & (kEachByte * 0xFB), '"') | bytes_equal(w, '\'');
  } else {
    mask |= bytes_equal(w, '&');
  }
  return mask;
}

std::string_view reference(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return "&#39;";
  }
}

// A buffer as large as pages usually are stays with the context: a fresh one would cost more than
// writing it does.
constexpr std::size_t kBufferKept = std::size_t{4} << 20;

}  // namespace

HtmlBuffer& empty_buffer(Context& cx) {
  if (cx.html == nullptr) cx.html = std::make_unique<HtmlBuffer>();
  auto& buffer = static_cast<HtmlBuffer&>(*cx.html);
  buffer.clear(kBufferKept);
  return buffer;
}

HtmlBuffer::~HtmlBuffer() { std::free(data_); }

void HtmlBuffer::clear(std::size_t keep) {
  if (static_cast<std::size_t>(end_ - data_) > keep) {
    std::free(data_);
    data_ = end_ = nullptr;
  }
  to_ = data_;
}

void HtmlBuffer::grow(std::size_t bytes) {
  const std::size_t used = size();
  const std::size_t room = static_cast<std::size_t>(end_ - data_);
  std::size_t wanted = used + bytes + kSlack;
  if (wanted < room * 2) wanted = room * 2;
  if (wanted < 4096) wanted = 4096;
  data_ = static_cast<char*>(std::realloc(data_, wanted));
  if (data_ == nullptr) fatal("out of memory while rendering");
  to_ = data_ + used;
  end_ = data_ + wanted;
}

void HtmlBuffer::decimal(std::int64_t n) {
  char digits[20];
  char* at = digits + sizeof digits;
  const bool negative = n < 0;
  auto rest = negative ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
  // Two digits a step, and 32-bit division, which is the cheaper one, for most numbers.
  while (rest > UINT32_MAX) {
    *--at = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  auto small = static_cast<std::uint32_t>(rest);
  while (small >= 10) {
    const std::uint32_t pair = small % 100;
    small /= 100;
    *--at = static_cast<char>('0' + pair % 10);
    *--at = static_cast<char>('0' + pair / 10);
  }
  if (small != 0 || at == digits + sizeof digits) *--at = static_cast<char>('0' + small);
  if (negative) put('-');
  put({at, static_cast<std::size_t>(digits + sizeof digits - at)});
}

void HtmlBuffer::append(const char* data, std::size_t size) { put_inline({data, size}); }

template <bool Quotes>
void HtmlBuffer::escape(const char* from, std::size_t left) {
  make_room(left);
  while (left != 0) {
    // Eight bytes are stored whether or not all of them stay.
    const std::size_t n = left < 8 ? left : 8;
    std::uint64_t w = load_upto8(from, n);
    std::memcpy(to_, &w, 8);
    std::uint64_t mask = special<Quotes>(w);
    if (n < 8) mask &= (std::uint64_t{1} << (8 * n)) - 1;
    if (mask == 0) {
      from += n;
      to_ += n;
      left -= n;
      continue;
    }
    const std::size_t plain = static_cast<std::size_t>(__builtin_ctzll(mask)) / 8;
    to_ += plain;
    const std::string_view text = reference(from[plain]);
    make_room(left + text.size());
    to_ = copy(to_, text.data(), text.size());
    from += plain + 1;
    left -= plain + 1;
  }
}

template void HtmlBuffer::escape<false>(const char*, std::size_t);
template void HtmlBuffer::escape<true>(const char*, std::size_t);

}  // namespace sx
