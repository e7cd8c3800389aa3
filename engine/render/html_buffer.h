// What HTML, and other text made of many short pieces, is written into: bytes in one growing block.
// The pieces are copied here, inline and a word at a time, without a call each.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/gc/context.h"

namespace sx {

class HtmlBuffer final : public Context::Attachment {
 public:
  HtmlBuffer() = default;
  ~HtmlBuffer() override;
  HtmlBuffer(const HtmlBuffer&) = delete;
  HtmlBuffer& operator=(const HtmlBuffer&) = delete;

  std::size_t size() const { return static_cast<std::size_t>(to_ - data_); }
  std::string_view view() const { return {data_, size()}; }
  // Begins again; a block larger than `keep` bytes is given back.
  void clear(std::size_t keep = SIZE_MAX);
  // Takes what lies behind `size` off the end.
  void truncate(std::size_t size) { to_ = data_ + size; }

  void put(std::string_view s) { append(s.data(), s.size()); }
  // The same for the loops that do little else.
  SX_INLINE void put_inline(std::string_view s) {
    make_room(s.size());
    to_ = copy(to_, s.data(), s.size());
  }
  void put(char c) {
    make_room(1);
    *to_++ = c;
  }
  // ` name="`, the beginning of an attribute whose value follows.
  SX_INLINE void begin_attribute(std::string_view name) {
    make_room(name.size());
    *to_++ = ' ';
    to_ = copy(to_, name.data(), name.size());
    *to_++ = '=';
    *to_++ = '"';
  }
  void decimal(std::int64_t n);
  // & < > as character references; " ' too
  void text(std::string_view s) { escape<false>(s.data(), s.size()); }
  void attribute(std::string_view s) { escape<true>(s.data(), s.size()); }

  // Copies a few bytes without a call; where the copy ends.
  SX_INLINE static char* copy(char* to, const char* from, std::size_t n) {
    if (n > 64) {
      std::memcpy(to, from, n);
    } else if (n >= 8) {
      // Words from the front, then the last eight bytes once more or for the first time.
      for (std::size_t at = 0; at + 8 < n; at += 8) word<std::uint64_t>(to + at, from + at);
      word<std::uint64_t>(to + n - 8, from + n - 8);
    } else if (n >= 4) {
      word<std::uint32_t>(to, from);
      word<std::uint32_t>(to + n - 4, from + n - 4);
    } else if (n != 0) {
      to[0] = from[0];
      to[n / 2] = from[n / 2];
      to[n - 1] = from[n - 1];
    }
    return to + n;
  }

 private:
  // Room beyond what was asked for, so that whole words can be stored.
  static constexpr std::size_t kSlack = 16;

  SX_INLINE void make_room(std::size_t bytes) {
    if (__builtin_expect(static_cast<std::size_t>(end_ - to_) < bytes + kSlack, 0)) grow(bytes);
  }
  template <class Word>
  SX_INLINE static void word(char* to, const char* from) {
    Word w;
    std::memcpy(&w, from, sizeof w);
    std::memcpy(to, &w, sizeof w);
  }
  void append(const char* data, std::size_t size);
  template <bool Quotes>
  void escape(const char* from, std::size_t left);
  void grow(std::size_t bytes);

  char* data_ = nullptr;
  char* to_ = nullptr;
  char* end_ = nullptr;
};

// The context's buffer for what is written in one go, emptied. Its text is valid until the next
// call.
HtmlBuffer& empty_buffer(Context& cx);

}  // namespace sx
