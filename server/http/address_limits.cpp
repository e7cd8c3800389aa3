#include "server/http/address_limits.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace sx {

std::string address_key(std::string_view ip) {
  if (ip.find(':') == std::string_view::npos) return std::string(ip);
  const std::string text(ip.substr(0, ip.find('%')));
  in6_addr address{};
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return text;
  char out[INET6_ADDRSTRLEN];
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    ::inet_ntop(AF_INET, address.s6_addr + 12, out, sizeof out);
    return out;
  }
  std::memset(address.s6_addr + 8, 0, 8);
  ::inet_ntop(AF_INET6, &address, out, sizeof out);
  return out;
}

bool AddressLimits::connect(std::string_view key) {
  if (config_.connections_max == 0) return true;
  Shard& s = shard(key);
  const std::lock_guard lock(s.mutex);
  auto at = s.entries.find(key);
  if (at == s.entries.end()) at = s.entries.emplace(key, Entry()).first;
  if (at->second.connections >= config_.connections_max) return false;
  ++at->second.connections;
  return true;
}

void AddressLimits::disconnect(std::string_view key) {
  if (config_.connections_max == 0) return;
  Shard& s = shard(key);
  const std::lock_guard lock(s.mutex);
  const auto at = s.entries.find(key);
  if (at == s.entries.end() || at->second.connections == 0) return;
  // Its bucket may still be in use; without one the entry has done its work.
  if (--at->second.connections == 0 && config_.requests_per_second == 0) s.entries.erase(at);
}

std::optional<std::uint32_t> AddressLimits::request(std::string_view key, std::uint64_t now_ms) {
  if (config_.requests_per_second == 0) return std::nullopt;
  // The bucket is the time at which it will be full again: a request moves that on by its share.
  // In microseconds, for rates that are no divisor of a thousand.
  const std::uint64_t share = 1'000'000 / config_.requests_per_second;
  const std::uint64_t room = share * std::max<std::uint32_t>(config_.requests_burst, 1);
  const std::uint64_t now = now_ms * 1000;
  Shard& s = shard(key);
  const std::lock_guard lock(s.mutex);
  auto at = s.entries.find(key);
  if (at == s.entries.end()) {
    if (s.entries.size() >= s.prune_at) prune(s, now);
    at = s.entries.emplace(key, Entry()).first;
  }
  std::uint64_t& full_at = at->second.full_at_us;
  const std::uint64_t from = std::max(full_at, now);
  if (from + share - now > room)
    return static_cast<std::uint32_t>((from + share - now - room + 999'999) / 1'000'000);
  full_at = from + share;
  return std::nullopt;
}

void AddressLimits::prune(Shard& s, std::uint64_t now) {
  std::erase_if(s.entries, [&](const auto& entry) {
    return entry.second.connections == 0 && entry.second.full_at_us <= now;
  });
  s.prune_at = std::max<std::size_t>(1024, s.entries.size() * 2);
}

std::size_t AddressLimits::size() const {
  std::size_t count = 0;
  for (const Shard& s : shards_) {
    const std::lock_guard lock(s.mutex);
    count += s.entries.size();
  }
  return count;
}

}  // namespace sx
