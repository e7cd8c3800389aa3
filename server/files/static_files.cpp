// See static_files.h.
#include "server/files/static_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "engine/base/str.h"
#include "server/files/compress.h"
#include "server/files/conditional.h"

namespace sx {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::size_t kCacheEntriesMax = 20'000;
// A file written within this time may be written again without its time stamp moving.
constexpr std::int64_t kSettledNs = 1'000'000'000;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string content_etag(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string out = "\"";
  for (std::size_t i = 0; i < 16; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  out += '"';
  return out;
}

std::string stat_etag(std::uint64_t inode, std::uint64_t size, std::int64_t mtime_ns) {
  std::string out = "\"";
  for (const std::uint64_t part : {inode, size, static_cast<std::uint64_t>(mtime_ns)}) {
    if (out.size() > 1) out += '-';
    for (int shift = 60; shift >= 0; shift -= 4)
      if (const auto digit = part >> shift; digit != 0 || shift == 0) out += kHex[digit & 15];
  }
  out += '"';
  return out;
}

std::optional<std::string> read_file(int fd, std::uint64_t size) {
  std::string bytes(size, '\0');
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t n = ::pread(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;  // shrinking under us: the next request finds it settled
    at += static_cast<std::size_t>(n);
  }
  return bytes;
}

}  // namespace

bool has_content_hash(std::string_view file_name) {
  if (const std::size_t slash = file_name.rfind('/'); slash != std::string_view::npos)
    file_name.remove_prefix(slash + 1);
  std::size_t dot = file_name.find('.');
  while (dot != std::string_view::npos && dot > 0) {
    const std::size_t next = file_name.find('.', dot + 1);
    if (next == std::string_view::npos) return false;
    const std::string_view part = file_name.substr(dot + 1, next - dot - 1);
    bool hex = part.size() >= 8;
    for (const char c : part) hex = hex && hex_value(c) >= 0;
    if (hex) return true;
    dot = next;
  }
  return false;
}

std::optional<std::string> StaticFiles::safe_path(std::string_view encoded) {
  if (encoded.empty() || encoded.size() > PATH_MAX) return std::nullopt;
  std::string path;
  path.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '%') {
      if (i + 2 >= encoded.size()) return std::nullopt;
      const int high = hex_value(encoded[i + 1]);
      const int low = hex_value(encoded[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      if (c == '/') return std::nullopt;
      i += 2;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\') return std::nullopt;
    path += c;
  }
  std::string_view rest = path;
  for (;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment.empty() || segment.size() > NAME_MAX) return std::nullopt;
    if (segment[0] == '.' && segment != ".well-known") return std::nullopt;
    if (slash == std::string_view::npos) return path;
    rest.remove_prefix(slash + 1);
  }
}

Result<std::unique_ptr<StaticFiles>> StaticFiles::open(StaticFilesConfig config) {
  int fd = -1;
  std::string real_root;
  if (!config.root.empty()) {
    fd = ::open(config.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
      return Error{str("cannot serve files from ", config.root, ": ", std::strerror(errno))};
    char* resolved = ::realpath(config.root.c_str(), nullptr);
    if (resolved) real_root = resolved;
    ::free(resolved);
  }
  return std::unique_ptr<StaticFiles>(new StaticFiles(std::move(config), fd, std::move(real_root)));
}

StaticFiles::StaticFiles(StaticFilesConfig config, int root_fd, std::string real_root)
    : config_(std::move(config)), root_fd_(root_fd), real_root_(std::move(real_root)) {}

StaticFiles::~StaticFiles() {
  if (root_fd_ >= 0) ::close(root_fd_);
}

std::shared_ptr<const OpenFile> StaticFiles::open_beneath(const std::string& path) const {
  // O_NONBLOCK: opening a FIFO somebody left there must not hang the worker.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  open_how how{};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  long fd = ::syscall(SYS_openat2, root_fd_, path.c_str(), &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
    // Kernels and sandboxes without openat2: open, then ask the kernel what was opened.
    fd = ::openat(root_fd_, path.c_str(), kFlags);
    if (fd < 0) return nullptr;
    auto file = std::make_shared<OpenFile>(static_cast<int>(fd));
    char real[PATH_MAX];
    const ssize_t n = ::readlink(str("/proc/self/fd/", fd).c_str(), real, sizeof real);
    const std::string_view opened(real, n > 0 ? static_cast<std::size_t>(n) : 0);
    const bool inside = !real_root_.empty() && opened.size() > real_root_.size() &&
                        opened.substr(0, real_root_.size()) == real_root_ &&
                        (real_root_ == "/" || opened[real_root_.size()] == '/');
    return inside ? file : nullptr;
  }
  if (fd < 0) return nullptr;
  return std::make_shared<OpenFile>(static_cast<int>(fd));
}

std::optional<StaticFiles::Found> StaticFiles::find_on_disk(const std::string& path) {
  if (root_fd_ < 0) return std::nullopt;
  auto file = open_beneath(path);
  struct stat info {};
  if (!file || ::fstat(file->fd(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  Found found;
  found.size = static_cast<std::uint64_t>(info.st_size);
  found.mtime_ns = info.st_mtim.tv_sec * std::int64_t{1'000'000'000} + info.st_mtim.tv_nsec;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = cache_.find(path);
        it != cache_.end() && it->second.mtime_ns == found.mtime_ns &&
        it->second.size == found.size && it->second.inode == info.st_ino) {
      found.etag = it->second.etag;
      found.bytes = it->second.bytes;
      if (!found.bytes) found.file = std::move(file);
      return found;
    }
  }
  if (found.size <= config_.hashed_bytes_max) {
    auto bytes = read_file(file->fd(), found.size);
    if (!bytes) return std::nullopt;
    found.etag = content_etag(*bytes);
    if (found.size <= config_.cached_file_bytes_max)
      found.bytes = std::make_shared<const std::string>(std::move(*bytes));
  } else {
    found.etag = stat_etag(info.st_ino, found.size, found.mtime_ns);
  }
  if (!found.bytes) found.file = std::move(file);

  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec - found.mtime_ns > kSettledNs) {
    const std::lock_guard lock(mutex_);
    const std::size_t held = found.bytes ? found.bytes->size() : 0;
    if (cache_bytes_ + held > config_.cache_bytes_max || cache_.size() >= kCacheEntriesMax) {
      cache_.clear();
      cache_bytes_ = 0;
    }
    Cached& entry = cache_[path];
    cache_bytes_ += held - (entry.bytes ? entry.bytes->size() : 0);
    entry = {found.mtime_ns, found.size, info.st_ino, found.etag, found.bytes};
  }
  return found;
}

std::optional<StaticFiles::Found> StaticFiles::find_embedded(const std::string& path) {
  const auto it = config_.embedded.find(path);
  if (it == config_.embedded.end()) return std::nullopt;
  Found found;
  found.embedded = true;
  found.size = it->second.size();
  const std::lock_guard lock(mutex_);
  Cached& entry = embedded_[path];
  if (!entry.bytes) {
    entry.bytes = std::make_shared<const std::string>(it->second);
    entry.etag = content_etag(it->second);
  }
  found.bytes = entry.bytes;
  found.etag = entry.etag;
  return found;
}

std::optional<StaticFiles::Found> StaticFiles::find(const std::string& path) {
  auto found = find_on_disk(path);
  return found ? found : find_embedded(path);
}

std::optional<HttpResponse> StaticFiles::serve(const HttpRequest& request,
                                               std::string_view encoded) {
  const auto path = safe_path(encoded);
  if (!path) return std::nullopt;
  auto found = find(*path);
  if (!found) return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response =
        HttpResponse::text(405, str("405 Method Not Allowed: a file answers GET and HEAD, not ",
                                    request.method.substr(0, 32), "\n"));
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }

  const std::string_view type = content_type_for(*path);
  // A range counts bytes of what is sent; a client that asks for one means the file's own bytes.
  const std::string* range_header = request.method == "GET" ? request.header("range") : nullptr;
  Encoding encoding = Encoding::Identity;
  bool varies = compressible(type);
  if (!range_header) {
    const AcceptedEncodings accepted = accepted_encodings(request.header("accept-encoding"));
    for (std::size_t i = 0; i < accepted.count; ++i) {
      // Both from the same place: an embedded sibling does not belong to a file that shadows its
      // original, and one older than the original is left over from an earlier build.
      const std::string sibling = *path + std::string(encoding_extension(accepted.order[i]));
      auto smaller = found->embedded ? find_embedded(sibling) : find_on_disk(sibling);
      if (!smaller || smaller->mtime_ns < found->mtime_ns) continue;
      const std::int64_t mtime_ns = found->mtime_ns;
      found = std::move(smaller);
      found->mtime_ns = mtime_ns;
      encoding = accepted.order[i];
      varies = true;
      break;
    }
  }

  HttpResponse response;
  response.headers.reserve(10);
  const auto add = [&](const char* name, std::string value) {
    response.headers.emplace_back(name, std::move(value));
  };
  const std::int64_t modified = found->mtime_ns / 1'000'000'000;
  add("ETag", found->etag);
  if (modified > 0) add("Last-Modified", http_date(modified));
  add("Cache-Control",
      has_content_hash(*path) ? "public, max-age=31536000, immutable" : "no-cache");
  if (varies) add("Vary", "Accept-Encoding");
  add("X-Content-Type-Options", "nosniff");

  const Validators current{found->etag, modified > 0 ? std::optional(modified) : std::nullopt};
  switch (check_preconditions(request, current)) {
    case Precondition::NotModified:
      response.status = 304;
      return response;
    case Precondition::Failed:
      return HttpResponse::text(412, "412 Precondition Failed: the file is another one by now\n");
    case Precondition::Proceed:
      break;
  }

  add("Content-Type", std::string(type));
  if (encoding != Encoding::Identity) add("Content-Encoding", std::string(encoding_name(encoding)));
  if (found->bytes) {
    answer_ranges(request, response, current, std::move(found->bytes));
  } else {
    answer_ranges(request, response, current,
                  FileRange{*path, 0, found->size, std::move(found->file)});
  }
  return response;
}

}  // namespace sx
