// Content by its own hash: a folder of immutable files named by the SHA-256 of what they hold.
//
// A blob lies at ab/<64 hex digits> as it is, or at ab/<64 hex digits>.zst when zstd makes it
// clearly smaller. A .zst file starts with a skippable frame that holds the size of the content, so
// that the size is known without unpacking; the zstd command reads such files as well.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "server/store/sniff.h"

namespace sx::store {

// What streams and keys keep of a blob: never the bytes.
struct BlobRef {
  std::string cid;  // 64 lower-case hex digits
  std::uint64_t size = 0;
  std::string mime;  // from the content
  bool operator==(const BlobRef&) const = default;
};

bool is_cid(std::string_view text);

// Content that arrives in pieces. Dropping it before finish() leaves no trace.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&&) noexcept;
  ~BlobWriter();
  Result<void> write(std::string_view piece);
  // The blob is on disk when this returns. Equal content is kept once.
  Result<BlobRef> finish();

 private:
  friend class BlobStore;
  struct Sink;
  explicit BlobWriter(std::unique_ptr<Sink> sink);
  std::unique_ptr<Sink> sink_;
};

// Safe to use from many threads and processes at a time.
class BlobStore {
 public:
  static constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 30;

  // Makes the folder (mode 0700) if absent.
  static Result<BlobStore> open(const std::string& folder);

  Result<BlobRef> put(std::string_view bytes) const;
  Result<BlobWriter> writer(std::uint64_t bytes_max = kBytesMax) const;
  // The bytes, checked against their hash. Unknown, malformed and damaged cids are errors in words.
  Result<std::string> get(std::string_view cid) const;
  bool has(std::string_view cid) const;
  Result<std::uint64_t> size(std::string_view cid) const;
  // When it was put last, in seconds since 1970.
  Result<std::int64_t> put_at(std::string_view cid) const;
  // `length` bytes of the content from an offset, fewer at its end. A blob that is not compressed
  // is read only where asked; only whole reads by get() compare the hash.
  Result<std::string> read(std::string_view cid, std::uint64_t from, std::uint64_t length) const;
  Result<BlobRef> stat(std::string_view cid) const;
  // True if it was there.
  Result<bool> remove(std::string_view cid) const;
  Result<std::vector<std::string>> list() const;  // all cids, sorted

 private:
  friend class BlobWriter;
  explicit BlobStore(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

}  // namespace sx::store
