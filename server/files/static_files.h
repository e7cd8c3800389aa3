// Files over HTTP: from a folder, from bytes inside the binary, or both (the folder first).
//
// Validators, ranges, conditional requests and precompressed siblings (app.js.br, .zst, .gz) follow
// RFC 9110. Nothing outside the root is ever opened: the path is decoded once and checked segment
// by segment, and the kernel resolves it beneath the root (openat2), so a symbolic link cannot lead
// out either. Small files are kept in memory and looked at again (stat) on every request, so an
// edited file is served at once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "server/files/negotiate.h"
#include "server/http/http.h"

namespace sx {

// Name ("css/site.css", siblings included) → bytes that outlive the StaticFiles.
using EmbeddedFiles = std::map<std::string, std::string_view, std::less<>>;

struct StaticFilesConfig {
  std::string root;  // empty: only embedded files
  EmbeddedFiles embedded;
  std::size_t cached_file_bytes_max = 256 * 1024;
  std::size_t cache_bytes_max = 64 * 1024 * 1024;
  // Larger files are not hashed: their ETag is made of inode, size and modification time.
  std::size_t hashed_bytes_max = 4 * 1024 * 1024;
};

class StaticFiles {
 public:
  // An error if the root is given and cannot be opened as a folder.
  static Result<std::unique_ptr<StaticFiles>> open(StaticFilesConfig config);
  StaticFiles(const StaticFiles&) = delete;
  StaticFiles& operator=(const StaticFiles&) = delete;
  ~StaticFiles();

  // `path` is relative to the root and percent-encoded as in the request. nullopt: no such file
  // (folders, hidden files and every attempt to leave the root included), so the caller can go on.
  // Other methods than GET and HEAD get 405. Any thread.
  std::optional<HttpResponse> serve(const HttpRequest& request, std::string_view path);

  // The decoded, checked path, or nullopt for what must not be looked up: empty segments, "." and
  // "..", hidden names (but .well-known), backslashes, encoded slashes, control characters, NUL,
  // broken escapes.
  static std::optional<std::string> safe_path(std::string_view encoded);

 private:
  struct Cached {
    std::int64_t mtime_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;
    std::string etag;
    std::shared_ptr<const std::string> bytes;  // null: too large
  };
  // One representation of a file, ready to be sent.
  struct Found {
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    bool embedded = false;  // then mtime_ns means nothing
    std::string etag;
    std::shared_ptr<const std::string> bytes;  // or
    std::shared_ptr<const OpenFile> file;
  };

  StaticFiles(StaticFilesConfig config, int root_fd, std::string real_root);
  std::shared_ptr<const OpenFile> open_beneath(const std::string& path) const;
  std::optional<Found> find(const std::string& path);
  std::optional<Found> find_on_disk(const std::string& path);
  std::optional<Found> find_embedded(const std::string& path);

  const StaticFilesConfig config_;
  const int root_fd_;  // -1: none
  const std::string real_root_;
  std::mutex mutex_;
  std::map<std::string, Cached, std::less<>> cache_;     // under mutex_
  std::map<std::string, Cached, std::less<>> embedded_;  // under mutex_; filled when asked for
  std::size_t cache_bytes_ = 0;
};

// True for names with a content hash in the middle (app.0a1b2c3d.js): such a URL never changes.
bool has_content_hash(std::string_view file_name);

}  // namespace sx
