// How much one address may take: connections at a time, and requests by a token bucket. One table
// for all workers of a server; an IPv6 network of 64 bits counts as one address.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sx {

struct AddressLimitsConfig {
  std::size_t connections_max = 0;        // 0: no limit
  std::uint32_t requests_per_second = 0;  // 0: no limit
  std::uint32_t requests_burst = 1;       // what may come at once after a pause
};

// "203.0.113.9" as it is; of an IPv6 address the network; a mapped IPv4 address as that.
std::string address_key(std::string_view ip);

class AddressLimits {
 public:
  explicit AddressLimits(const AddressLimitsConfig& config) : config_(config) {}
  AddressLimits(const AddressLimits&) = delete;

  bool limits_connections() const { return config_.connections_max != 0; }
  bool limits_requests() const { return config_.requests_per_second != 0; }

  // One connection more; false: it has as many as it may, and this one does not count.
  bool connect(std::string_view key);
  void disconnect(std::string_view key);
  // One request; the seconds to wait when it is one too many. now_ms of a clock that never falls.
  std::optional<std::uint32_t> request(std::string_view key, std::uint64_t now_ms);

  std::size_t size() const;  // addresses that are remembered

 private:
  struct Entry {
    std::size_t connections = 0;
    std::uint64_t full_at_us = 0;  // when its bucket is full again
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>()(key);
    }
  };
  // Locks that few share: every request of every worker passes here.
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries;
    std::size_t prune_at = 1024;
  };
  Shard& shard(std::string_view key) { return shards_[Hash()(key) % shards_.size()]; }
  static void prune(Shard& shard, std::uint64_t now_us);

  const AddressLimitsConfig config_;
  std::array<Shard, 16> shards_;
};

}  // namespace sx
