// SHA-256 (FIPS 180-4). The WASM kernel has no crypto library; bundles, templates and sources are
// named by this hash on both sides.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sx {

using Sha256Digest = std::array<std::uint8_t, 32>;

class ContentHash {
 public:
  ContentHash();
  void update(const void* data, std::size_t size);
  void update(std::string_view text) { update(text.data(), text.size()); }
  // Ends the message. The object must not be used afterwards.
  Sha256Digest finish();

 private:
  void block(const std::uint8_t* p);
  std::uint32_t state_[8];
  std::uint64_t size_ = 0;
  std::uint8_t buffer_[64];
};

Sha256Digest content_sha256(std::string_view data);
// Lower-case hexadecimal of the first `bytes` bytes.
std::string hex(const Sha256Digest& digest, std::size_t bytes = 32);

}  // namespace sx
