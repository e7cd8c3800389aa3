// The 32 bytes of a SHA-256.
#pragma once

#include <array>
#include <cstdint>

namespace sx::store {

using Digest = std::array<std::uint8_t, 32>;

}  // namespace sx::store
