// Keyed hashing for hash tables: SipHash-1-3 over bytes (Aumasson, Bernstein 2012; the variant that
// Rust and Ruby use for tables) and a mixer for integers. The key is per process and never visible
// to programs, so nobody outside can choose keys that collide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sx {

// A bijection that spreads every input bit over the word (splitmix64's finisher).
constexpr std::uint64_t hash_mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9u;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBu;
  return x ^ x >> 31;
}
constexpr std::uint64_t hash_int(std::uint64_t x, std::uint64_t seed) {
  return hash_mix(hash_mix(x + seed) ^ (seed >> 17 | seed << 47));
}
// Order matters: combine(combine(h, a), b) ≠ combine(combine(h, b), a).
constexpr std::uint64_t hash_combine(std::uint64_t h, std::uint64_t next) {
  return hash_mix((h << 5 | h >> 59) * 0x9E3779B97F4A7C15u + next);
}

inline std::uint64_t hash_bytes(const void* data, std::size_t size, std::uint64_t seed) {
  const auto rotl = [](std::uint64_t x, int n) { return x << n | x >> (64 - n); };
  const std::uint64_t k0 = seed, k1 = hash_mix(seed ^ 0x736F6D6570736575u);
  std::uint64_t v0 = k0 ^ 0x736F6D6570736575u, v1 = k1 ^ 0x646F72616E646F6Du;
  std::uint64_t v2 = k0 ^ 0x6C7967656E657261u, v3 = k1 ^ 0x7465646279746573u;
  const auto round = [&] {
    v0 += v1, v1 = rotl(v1, 13), v1 ^= v0, v0 = rotl(v0, 32);
    v2 += v3, v3 = rotl(v3, 16), v3 ^= v2;
    v0 += v3, v3 = rotl(v3, 21), v3 ^= v0;
    v2 += v1, v1 = rotl(v1, 17), v1 ^= v2, v2 = rotl(v2, 32);
  };
  const auto* p = static_cast<const unsigned char*>(data);
  std::size_t left = size;
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t m;
    std::memcpy(&m, p, 8);
    v3 ^= m;
    round();
    v0 ^= m;
  }
  std::uint64_t last = static_cast<std::uint64_t>(size) << 56;
  for (std::size_t i = 0; i < left; ++i) last |= static_cast<std::uint64_t>(p[i]) << (8 * i);
  v3 ^= last;
  round();
  v0 ^= last;
  v2 ^= 0xFF;
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}
inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) {
  return hash_bytes(text.data(), text.size(), seed);
}

}  // namespace sx
