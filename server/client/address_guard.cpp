#include "server/client/address_guard.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace sx {
namespace {

struct Block4 {
  std::uint32_t prefix;
  int bits;
};
constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}
constexpr Block4 kNotPublic4[] = {
    {v4(0, 0, 0, 0), 8},        // this network
    {v4(10, 0, 0, 0), 8},       // private
    {v4(100, 64, 0, 0), 10},    // carrier-grade NAT
    {v4(127, 0, 0, 0), 8},      // loopback
    {v4(169, 254, 0, 0), 16},   // link-local, cloud metadata
    {v4(172, 16, 0, 0), 12},    // private
    {v4(192, 0, 0, 0), 24},     // protocol assignments
    {v4(192, 0, 2, 0), 24},     // documentation
    {v4(192, 31, 196, 0), 24},  // AS112
    {v4(192, 52, 193, 0), 24},  // AMT
    {v4(192, 88, 99, 0), 24},   // 6to4 relays, retired
    {v4(192, 168, 0, 0), 16},   // private
    {v4(192, 175, 48, 0), 24},  // AS112
    {v4(198, 18, 0, 0), 15},    // benchmarking
    {v4(198, 51, 100, 0), 24},  // documentation
    {v4(203, 0, 113, 0), 24},   // documentation
    {v4(224, 0, 0, 0), 4},      // multicast
    {v4(240, 0, 0, 0), 4},      // reserved, broadcast
};

bool is_public(std::uint32_t address) {
  return std::none_of(std::begin(kNotPublic4), std::end(kNotPublic4), [&](const Block4& block) {
    return (address ^ block.prefix) >> (32 - block.bits) == 0;
  });
}

using Bytes6 = std::array<unsigned char, 16>;
struct Block6 {
  Bytes6 prefix;
  int bits;
};
constexpr Block6 kNotPublic6[] = {
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48},  // NAT64 of one site
    {{0x01, 0x00}, 64},                          // discard
    {{0x20, 0x01, 0x00}, 23},                    // protocol assignments, Teredo among them
    {{0x20, 0x01, 0x0d, 0xb8}, 32},              // documentation
    {{0x3f, 0xff, 0x00}, 20},                    // documentation
    {{0x5f, 0x00}, 16},                          // segment routing
    {{0xfc}, 7},                                 // unique local
    {{0xfe, 0x80}, 10},                          // link-local
    {{0xfe, 0xc0}, 10},                          // site-local, retired
    {{0xff}, 8},                                 // multicast
};

bool within(const Bytes6& address, const Block6& block) {
  for (int bit = 0; bit < block.bits; bit += 8) {
    const int left = block.bits - bit;
    const auto mask = static_cast<unsigned char>(left >= 8 ? 0xff : 0xff << (8 - left));
    const auto i = static_cast<std::size_t>(bit / 8);
    if ((address[i] ^ block.prefix[i]) & mask) return false;
  }
  return true;
}

std::uint32_t v4_at(const Bytes6& b, std::size_t at) {
  return v4(b[at], b[at + 1], b[at + 2], b[at + 3]);
}

bool is_public(const Bytes6& b) {
  const bool first_ten_zero =
      std::all_of(b.begin(), b.begin() + 10, [](unsigned char c) { return c == 0; });
  if (first_ten_zero && b[10] == 0xff && b[11] == 0xff) return is_public(v4_at(b, 12));  // mapped
  // ::, ::1 and the retired IPv4-compatible form.
  if (first_ten_zero && b[10] == 0 && b[11] == 0) return false;
  constexpr Block6 kNat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};
  if (within(b, kNat64)) return is_public(v4_at(b, 12));
  if (b[0] == 0x20 && b[1] == 0x02) return is_public(v4_at(b, 2));  // 6to4
  return std::none_of(std::begin(kNotPublic6), std::end(kNotPublic6),
                      [&](const Block6& block) { return within(b, block); });
}

}  // namespace

bool is_public_address(const boost::asio::ip::address& address) {
  return address.is_v4() ? is_public(address.to_v4().to_uint())
                         : is_public(address.to_v6().to_bytes());
}

}  // namespace sx
