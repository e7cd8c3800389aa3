// str(a, b, …): text made of strings and integers, without iostream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace sx {

inline void str_append(std::string& out, std::string_view s) { out.append(s); }
inline void str_append(std::string& out, char c) { out.push_back(c); }
template <class I>
  requires(std::is_integral_v<I> && !std::is_same_v<I, char> && !std::is_same_v<I, bool>)
void str_append(std::string& out, I n) {
  out.append(std::to_string(n));
}

template <class... Parts>
std::string str(const Parts&... parts) {
  std::string out;
  (str_append(out, parts), ...);
  return out;
}

}  // namespace sx
