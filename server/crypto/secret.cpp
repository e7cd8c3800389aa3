// Reading and making DIR/secret.
#include "server/crypto/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/base/str.h"
#include "server/crypto/crypto.h"

namespace sx {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kConfiguredCharactersMin = 32;
constexpr std::size_t kFileBytesMax = 2048;  // some thirty secrets

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

Error damaged(const std::string& path, std::string_view found) {
  return Error{str("the secret file ", path, " is damaged: found ", found,
                   ", expected 64 hex digits a line. Restore it, or remove it to get a new secret, "
                   "which logs everybody out")};
}

Result<RootSecrets> parse_secrets(const std::string& path, std::string_view text) {
  RootSecrets secrets;
  if (text.size() >= kFileBytesMax) return damaged(path, "too much text");
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    Result<std::string> bytes = hex_decode(row);
    if (row.size() != kSecretBytes * 2 || !bytes)
      return damaged(path, str(row.size(), " characters in line ", line));
    secrets.push_back(bytes.take());
  }
  if (secrets.empty()) return damaged(path, "nothing");
  return secrets;
}

// None: there is no such file.
Result<RootSecrets> read_secrets(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.fd < 0) {
    if (errno == ENOENT) return RootSecrets();
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
  char buffer[kFileBytesMax];
  std::size_t size = 0;
  while (size < sizeof buffer) {
    const ssize_t got = ::read(file.fd, buffer + size, sizeof buffer - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{str("the secret file ", path, " cannot be read: ", reason())};
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return parse_secrets(path, std::string_view(buffer, size));
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

void sync_folder(const std::string& dir) {
  const Descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd >= 0) ::fsync(folder.fd);
}

// Writes the secrets to a new file beside `path` and hands its name to `place`, which puts it
// there.
Result<void> write_secrets(const std::string& path, const RootSecrets& secrets,
                           int (*place)(const char* from, const char* to)) {
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
    std::string text;
    for (const std::string& secret : secrets) text += hex_encode(secret) + "\n";
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t put = ::write(file.fd, text.data() + done, text.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return failed("written");
      done += static_cast<std::size_t>(put);
    }
    if (::fsync(file.fd) != 0) return failed("written");
  }
  if (place(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) return failed("made");
  ::unlink(temporary.c_str());
  return {};
}

}  // namespace

Result<std::string> read_root_secret(std::string_view text) {
  if (text.size() == kSecretBytes * 2) {
    if (auto bytes = hex_decode(text)) return bytes;
  }
  if (text.size() == 43) {
    if (auto bytes = base64url_decode(text)) return bytes;
  }
  if (text.size() < kConfiguredCharactersMin)
    return Error{str("has ", text.size(), " characters; expected at least ",
                     kConfiguredCharactersMin, ": use the output of `openssl rand -hex 32`")};
  return sha256(text);
}

Result<RootSecrets> load_or_create_secrets(const std::string& dir,
                                           std::optional<std::string_view> configured) {
  if (configured && !configured->empty()) {
    auto bytes = read_root_secret(*configured);
    if (!bytes.ok()) return Error{str("SX_SECRET ", bytes.error().message)};
    return RootSecrets{bytes.take()};
  }
  const std::string path = str(dir, "/", kSecretFileName);
  SX_TRY(RootSecrets found, read_secrets(path));
  if (!found.empty()) return found;
  SX_CHECK(make_directories(dir));
  // link() does not replace: of two processes that start at once the first one's file stays.
  SX_CHECK(write_secrets(path, {random_bytes(kSecretBytes)}, ::link));
  sync_folder(dir);
  SX_TRY(RootSecrets made, read_secrets(path));
  if (made.empty()) return Error{str("the secret file ", path, " vanished while it was made")};
  return made;
}

Result<std::size_t> rotate_secret(const std::string& dir, std::size_t before_max) {
  const std::string path = str(dir, "/", kSecretFileName);
  SX_TRY(RootSecrets secrets, read_secrets(path));
  if (secrets.empty())
    return Error{str("there is no secret file ", path,
                     "; the first start of a server makes one. One that SX_SECRET names is changed "
                     "there, and the former one goes to SX_SECRETS_BEFORE")};
  secrets.insert(secrets.begin(), random_bytes(kSecretBytes));
  if (secrets.size() > before_max + 1) secrets.resize(before_max + 1);
  SX_CHECK(write_secrets(path, secrets, ::rename));
  sync_folder(dir);
  return secrets.size();
}

}  // namespace sx
