// Reading and making DIR/secret.
#include "server/crypto/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/base/str.h"
#include "server/crypto/crypto.h"

namespace sx {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kConfiguredCharactersMin = 32;

// Closes a descriptor at the end of its scope.
struct Descriptor {
  int fd;
  explicit Descriptor(int fd_in) : fd(fd_in) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

std::string reason() { return std::strerror(errno); }

Result<std::string> from_configuration(std::string_view text) {
  if (text.size() == kSecretBytes * 2) {
    if (auto bytes = hex_decode(text)) return bytes;
  }
  if (text.size() == 43) {
    if (auto bytes = base64url_decode(text)) return bytes;
  }
  if (text.size() < kConfiguredCharactersMin)
    return Error{str("SX_SECRET has ", text.size(), " characters; at least ",
                     kConfiguredCharactersMin,
                     " are needed: use the output of `openssl rand -hex 32`")};
  return sha256(text);
}

// nullopt-like: an empty string means "no such file".
Result<std::string> read_secret(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.fd < 0) {
    if (errno == ENOENT) return std::string();
    if (errno == ELOOP)
      return Error{str("the secret file ", path, " is a symbolic link; put the file itself there")};
    return Error{str("the secret file ", path, " cannot be read: ", reason())};
  }
  struct stat info;
  if (::fstat(file.fd, &info) != 0)
    return Error{str("the secret file ", path, " cannot be read: ", reason())};
  if (!S_ISREG(info.st_mode)) return Error{str("the secret file ", path, " is not a regular file")};
  if ((info.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(info.st_mode & 07777));
    return Error{str("the secret file ", path, " is open to others (mode ", mode,
                     "): anybody who read it can forge sessions. Run `chmod 600 ", path,
                     "`, or remove it to get a new secret, which logs everybody out")};
  }
  char buffer[256];
  std::size_t size = 0;
  while (size < sizeof buffer) {
    const ssize_t got = ::read(file.fd, buffer + size, sizeof buffer - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{str("the secret file ", path, " cannot be read: ", reason())};
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  std::string_view text(buffer, size);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  Result<std::string> bytes = hex_decode(text);
  if (text.size() != kSecretBytes * 2 || !bytes)
    return Error{
        str("the secret file ", path, " is damaged: found ", size,
            " bytes, expected 64 hex digits. Restore it, or remove it to get a new secret, "
            "which logs everybody out")};
  return bytes;
}

Result<void> make_directories(const std::string& dir) {
  for (std::size_t at = 1; at <= dir.size(); ++at) {
    if (at != dir.size() && dir[at] != '/') continue;
    const std::string part = dir.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return Error{str("the data folder ", part, " cannot be made: ", reason())};
  }
  return {};
}

Result<void> write_secret(const std::string& dir, const std::string& path) {
  const std::string temporary = str(path, ".", hex_encode(random_bytes(8)), ".new");
  const auto failed = [&](const char* what) {
    const std::string why = reason();
    ::unlink(temporary.c_str());
    return Error{str("the secret file ", path, " cannot be ", what, ": ", why)};
  };
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd < 0) return failed("made");
    const std::string text = hex_encode(random_bytes(kSecretBytes)) + "\n";
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t put = ::write(file.fd, text.data() + done, text.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return failed("written");
      done += static_cast<std::size_t>(put);
    }
    if (::fsync(file.fd) != 0) return failed("written");
  }
  // link() does not replace: of two processes that start at once the first one's file stays.
  if (::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) return failed("made");
  ::unlink(temporary.c_str());
  const Descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd >= 0) ::fsync(folder.fd);
  return {};
}

}  // namespace

Result<std::string> load_or_create_secret(const std::string& dir,
                                          std::optional<std::string_view> configured) {
  if (configured && !configured->empty()) return from_configuration(*configured);
  const std::string path = str(dir, "/", kSecretFileName);
  SX_TRY(std::string found, read_secret(path));
  if (!found.empty()) return found;
  SX_CHECK(make_directories(dir));
  SX_CHECK(write_secret(dir, path));
  SX_TRY(std::string made, read_secret(path));
  if (made.empty()) return Error{str("the secret file ", path, " vanished while it was made")};
  return made;
}

Result<std::string> load_or_create_secret(const std::string& dir) {
  const char* configured = std::getenv("SX_SECRET");
  return load_or_create_secret(
      dir, configured ? std::optional<std::string_view>(configured) : std::nullopt);
}

}  // namespace sx
