#include "engine/base/sha256.h"

#include <cstring>

namespace sx {
void ContentHash::update(const void* data, std::size_t size) {
  if (size == 0) return;
  const auto* p = static_cast<const std::uint8_t*>(data);
  std::size_t held = size_ % 64;
  size_ += size;
  if (held > 0) {
    const std::size_t take = size < 64 - held ? size : 64 - held;
    std::memcpy(buffer_ + held, p, take);
    p += take;
    size -= take;
    if (held + take < 64) return;
    block(buffer_);
  }
  for (; size >= 64; size -= 64, p += 64) block(p);
  if (size > 0) std::memcpy(buffer_, p, size);
}

Sha256Digest content_sha256(std::string_view data) {
  ContentHash hasher;
  hasher.update(data);
  return hasher.finish();
}

std::string hex(const Sha256Digest& digest, std::size_t bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes && i < digest.size(); ++i) {
    out.push_back(digits[digest[i] >> 4]);
    out.push_back(digits[digest[i] & 15]);
  }
  return out;
}

}  // namespace sx
