// str(a, b, …): text made of strings and integers, without iostream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace sx {

// One argument of str, so that a call is a few stores and one call, whatever its arguments are:
// messages are all over the engine, and their making must not be.
class StrPart {
 public:
  StrPart(std::string_view s) : data_(s.data()), size_(static_cast<std::uint32_t>(s.size())) {}
  StrPart(const std::string& s) : data_(&s), size_(kString) {}
  StrPart(const char* s) : data_(s), size_(kZeroEnded) {}
  StrPart(char c) : integer_(c), size_(kChar) {}
  template <class I>
  requires(std::is_integral_v<I> && !std::is_same_v<I, char> && !std::is_same_v<I, bool>)
      StrPart(I n)
      : integer_(static_cast<std::int64_t>(n)),
        size_(std::is_unsigned_v<I> && sizeof(I) == 8 ? kUnsigned : kSigned) {}

  void append_to(std::string& out) const;

 private:
  static constexpr std::uint32_t kString = 0xFFFFFFFF, kZeroEnded = 0xFFFFFFFE, kChar = 0xFFFFFFFD,
                                 kSigned = 0xFFFFFFFC, kUnsigned = 0xFFFFFFFB;
  union {
    const void* data_;
    std::int64_t integer_;
  };
  std::uint32_t size_;  // or one of the kinds above; no text is that long
};

std::string str_of(const StrPart* parts, std::size_t count);
void append_decimal(std::string& out, std::int64_t n);

template <class... Parts>
std::string str(const Parts&... parts) {
  const StrPart list[] = {StrPart(parts)...};
  return str_of(list, sizeof...(parts));
}

}  // namespace sx
