// Reading and writing the bytes of constants and bundles: little-endian words, LEB128 counts in
// their shortest form (one value, one encoding), length-prefixed text. A reader never looks beyond
// its end: after a failed read ok() is false and every further read gives zero.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sx {

inline void put_u32(std::string& out, std::uint32_t n) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(n >> (8 * i)));
}
inline void put_u64(std::string& out, std::uint64_t n) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(n >> (8 * i)));
}
inline void put_count(std::string& out, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7) out.push_back(static_cast<char>(n | 0x80));
  out.push_back(static_cast<char>(n));
}
inline void put_text(std::string& out, std::string_view text) {
  put_count(out, text.size());
  out.append(text);
}
constexpr std::uint64_t zigzag(std::int64_t n) {
  return static_cast<std::uint64_t>(n) << 1 ^ static_cast<std::uint64_t>(n >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t n) {
  return static_cast<std::int64_t>(n >> 1 ^ (~(n & 1) + 1));
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }
  bool at_end() const { return at_ == bytes_.size(); }
  void fail() {
    ok_ = false;
    at_ = bytes_.size();
  }

  std::uint8_t u8() {
    if (left() < 1) return fail(), 0;
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(word(4)); }
  std::uint64_t u64() { return word(8); }
  std::uint64_t count() {
    std::uint64_t n = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = u8();
      if (shift == 63 && byte > 1) break;
      n |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift > 0) break;  // not the shortest form
        return n;
      }
    }
    return fail(), 0;
  }
  // A number of things that take at least `bytes_each` bytes: more than the rest holds is refused
  // here, before anybody reserves memory for them.
  std::size_t count_of(std::size_t bytes_each) {
    const std::uint64_t n = count();
    if (n > left() / bytes_each) return fail(), 0;
    return static_cast<std::size_t>(n);
  }
  std::string_view text() { return take(count()); }
  std::string_view take(std::uint64_t size) {
    if (size > left()) return fail(), std::string_view();
    const std::string_view part = bytes_.substr(at_, static_cast<std::size_t>(size));
    at_ += part.size();
    return part;
  }

 private:
  std::uint64_t word(std::size_t size) {
    if (left() < size) return fail(), 0;
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < size; ++i)
      n |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes_[at_ + i])) << (8 * i);
    at_ += size;
    return n;
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace sx
