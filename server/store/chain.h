// The hash chain over the log and the checksums of single rows.
//
// An event is bound in two steps, so that the chain still verifies after truncation has dropped the
// payload and kept its digest:
//   payload = SHA-256("sx-event-1" | u64 |type| | type | i64 at | u64 |data| | data)
//   hash    = SHA-256(hash of pos-1 | u64 pos | u64 seq | u64 |stream| | stream | payload)
// Numbers are little-endian; the hash before the first event is 32 zero bytes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "server/store/digest.h"
#include "server/store/store.h"

namespace sx::store {

Digest sha256(std::initializer_list<std::string_view> parts);
std::string to_hex(const Digest& digest);
bool from_hex(std::string_view hex, Digest& out);  // false: not 64 hex digits in lower case
inline std::string_view as_text(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}
// SHA-256 of a text that comes in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  void add(std::string_view piece);
  Digest finish();

 private:
  void* context_;  // EVP_MD_CTX
};
// Copies a stored 32-byte text into a digest; false when it has another size.
bool read_digest(std::string_view bytes, Digest& out);

Digest payload_digest(std::string_view type, std::int64_t at_ms, std::string_view data);
Digest chain_hash(const Digest& previous, std::uint64_t pos, std::string_view stream,
                  std::uint64_t seq, const Digest& payload);

// Checksums of rows outside the log (kv, outbox): the first 8 bytes of a SHA-256 over all fields.
std::int64_t row_checksum(std::initializer_list<std::string_view> texts,
                          std::initializer_list<std::uint64_t> numbers);

// One stored event as the walker wants it.
struct ChainRecord {
  std::uint64_t pos = 0;
  std::string_view stream;
  std::uint64_t seq = 0;
  bool compacted = false;
  std::string_view type;
  std::int64_t at_ms = 0;
  std::string_view data;  // compacted: the 32 bytes of the payload digest
  std::string_view hash;
  std::uint64_t truncated_through = 0;  // of its stream
};

// Walks records in order of pos and says what is wrong with the first bad one.
class ChainWalker {
 public:
  ChainWalker() = default;
  // Starts in the middle, after a record that is trusted; stream seqs are then checked from the
  // first sight of each stream on.
  ChainWalker(std::uint64_t pos, const Digest& hash) : pos_(pos), hash_(hash), whole_(false) {}

  std::optional<BadRecord> feed(const ChainRecord& record);
  std::uint64_t pos() const { return pos_; }
  const Digest& hash() const { return hash_; }
  std::uint64_t compacted() const { return compacted_; }

 private:
  std::uint64_t pos_ = 0;
  Digest hash_{};
  bool whole_ = true;
  std::uint64_t compacted_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> seqs_;
};

}  // namespace sx::store
