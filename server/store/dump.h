// A store as lines of JSON: what `sx store export` writes and `sx store import` reads, from any
// backend into any other. docs/persist.md describes the lines.
//
// Events carry their hashes, so the chain of the imported store is the chain of the exported one;
// the last line carries the SHA-256 of all lines before it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/store/blobs.h"
#include "server/store/chain.h"
#include "server/store/ledger.h"
#include "server/store/store.h"

namespace sx::store {

// Lines go out in pieces of some size; a failure ends the export.
class DumpWriter {
 public:
  explicit DumpWriter(std::function<Result<void>(std::string_view)> out);

  Result<void> row(const Row& row);
  // The content of a blob, in pieces: lines for cid, in order of their place.
  Result<void> blob(const BlobRef& ref, std::uint64_t at, std::string_view bytes);
  // What could not be read, in an export for rescue. Such an export is imported only after mending
  // (mend.h). What is readable of a damaged record follows as its own line.
  Result<void> damage(const BadRecord& bad);
  // A line of another export, without its end.
  Result<void> copy(std::string_view text);
  // The closing line; also hands out what was held back.
  Result<void> finish();

  std::uint64_t lines() const { return lines_; }
  std::uint64_t damaged() const { return damaged_; }

 private:
  Result<void> line(std::string text);

  std::function<Result<void>(std::string_view)> out_;
  std::string pending_;
  Sha256Stream sum_;
  std::uint64_t lines_ = 0, damaged_ = 0;
};

// Fills an empty store and the blobs from lines. All or nothing for the store: one transaction.
// `next` answers the lines without their ends, nullopt after the last. Errors name the line.
struct LoadReport {
  std::uint64_t events = 0, kv_keys = 0, blobs = 0;
};
using NextLine = std::function<Result<std::optional<std::string>>()>;
// check_hashes: false for lines of which the chain is known not to hold (mend.h): it begins anew.
Result<LoadReport> load_dump(Store& store, const BlobStore* blobs, const NextLine& next,
                             bool check_hashes = true);

// Blobs that no event, value or message names are removed, when they are older than the grace time:
// a blob is put before what names it is committed. A name is its 64 digits anywhere in a text.
struct BlobSweep {
  std::uint64_t kept = 0, removed = 0, bytes = 0;  // bytes of content that is gone
};
Result<BlobSweep> sweep_blobs(Store& store, const BlobStore& blobs, std::int64_t grace_seconds);

}  // namespace sx::store
