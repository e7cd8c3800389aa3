// Writing a file whole or not at all: the bytes go to a file without a name, which takes the name
// only when they are all on it. Killed in between, nothing is left behind.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "engine/base/str.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace {

Error failure(const std::string& path, const char* what, const char* remedy = "") {
  return Error{str(path, ": ", what, ": ", std::strerror(errno), remedy)};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

struct OpenFile {
  int fd = -1;
  std::string name;  // of a temporary file that is to be removed unless it is renamed
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
    if (!name.empty()) ::unlink(name.c_str());
  }
};

}  // namespace

Result<void> write_file(const std::string& path, std::string_view bytes) {
  namespace fs = std::filesystem;
  std::error_code ec;
  // A link stays one; a device is written to in place.
  const fs::path real = fs::weakly_canonical(path, ec);
  const std::string target = ec || real.empty() ? path : real.string();
  struct stat before {};
  const bool exists = ::stat(target.c_str(), &before) == 0;
  if (exists && S_ISDIR(before.st_mode)) {
    errno = EISDIR;
    return failure(path, "cannot be written");
  }
  OpenFile file;
  if (exists && !S_ISREG(before.st_mode)) {
    file.fd = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
    if (file.fd < 0) return failure(path, "cannot be written");
    if (!write_all(file.fd, bytes)) return failure(path, "writing failed");
    return {};
  }
  std::string folder = fs::path(target).parent_path().string();
  if (folder.empty()) folder.assign(1, '.');
  const std::string temporary = str(target, ".", ::getpid(), ".tmp");
  file.fd = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  const bool nameless = file.fd >= 0;
  if (!nameless) {  // a file system without such files, or no folder
    file.fd = ::open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (file.fd < 0) return failure(path, "cannot be written");
    file.name = temporary;
  }
  if (exists) (void)!::fchmod(file.fd, before.st_mode & 07777);
  if (!write_all(file.fd, bytes) || ::fsync(file.fd) != 0)
    return failure(path, "writing failed", "; what was there before is unchanged");
  if (nameless) {
    const std::string open_file = str("/proc/self/fd/", file.fd);
    if (::linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, temporary.c_str(), AT_SYMLINK_FOLLOW) != 0)
      return failure(path, "cannot be written");
    file.name = temporary;
  }
  if (::rename(temporary.c_str(), target.c_str()) != 0) return failure(path, "cannot be replaced");
  file.name.clear();
  return {};
}

}  // namespace sx::cli
