// Which passwords are used most: a sorted table of the beginnings of their hashes. A stranger's
// password falls into it by chance once in a million.
#include <algorithm>
#include <cstdint>

#include "server/crypto/crypto.h"
#include "server/crypto/password.h"

namespace sx {

namespace {

constexpr std::uint32_t kCommon[] = {
#include "server/crypto/common_passwords.inc"
};

}  // namespace

bool is_common_password(std::string_view password) {
  std::string lower(password);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  std::uint32_t beginning = 0;
  const std::string digest = sha256(lower);
  for (int i = 0; i < 4; ++i) beginning = beginning << 8 | static_cast<unsigned char>(digest[i]);
  return std::binary_search(std::begin(kCommon), std::end(kCommon), beginning);
}

}  // namespace sx
