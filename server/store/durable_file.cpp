#include "server/store/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/base/str.h"

namespace sx::store {
namespace {

struct Fd {
  int fd;
  ~Fd() {
    if (fd >= 0) close(fd);
  }
};

std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return str(path, ".tmp-", getpid(), "-", counter++);
}

}  // namespace

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> make_folders(const std::string& folder) {
  struct stat info;
  if (stat(folder.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return {};
    return Error{str(folder, " is a file, expected a folder")};
  }
  if (errno != ENOENT) return file_error("look at the folder", folder, errno);
  const std::string parent = folder_of(folder);
  if (parent != folder) SX_CHECK(make_folders(parent));
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error("make the folder", folder, errno);
  return sync_folder(parent);
}

Result<void> sync_folder(const std::string& folder) {
  Fd dir{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (dir.fd < 0 || fsync(dir.fd) != 0) return file_error("sync the folder", folder, errno);
  return {};
}

Error file_error(std::string_view doing, const std::string& path, int code) {
  std::string_view advice = "";
  if (code == ENOSPC || code == EDQUOT) advice = ": free some space";
  if (code == EACCES || code == EPERM || code == EROFS)
    advice = ": it must be writable for this user";
  return Error{
      str("could not ", doing, " ", path, ": ", std::string_view(std::strerror(code)), advice)};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Result<void> put_in_place(int fd, const std::string& temporary, const std::string& path) {
  if (fsync(fd) != 0 || rename(temporary.c_str(), path.c_str()) != 0) {
    const int code = errno;
    unlink(temporary.c_str());
    return file_error("write", path, code);
  }
  return sync_folder(folder_of(path));
}

Result<void> write_file_durably(const std::string& path, std::string_view bytes) {
  const std::string temporary = temporary_name(path);
  Fd file{open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.fd < 0) return file_error("write", path, errno);
  if (!write_all(file.fd, bytes)) {
    const int code = errno;
    unlink(temporary.c_str());
    return file_error("write", path, code);
  }
  return put_in_place(file.fd, temporary, path);
}

Result<void> renew_file(const std::string& path) {
  Fd from{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (from.fd < 0) {
    if (errno == ENOENT) return {};
    return file_error("read", path, errno);
  }
  struct stat info;
  if (fstat(from.fd, &info) != 0) return file_error("read", path, errno);
  const std::string temporary = temporary_name(path);
  Fd to{open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, info.st_mode & 0777)};
  if (to.fd < 0) return file_error("write", temporary, errno);
  std::string buffer(1 << 20, '\0');
  for (;;) {
    const ssize_t n = read(from.fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) break;
    if (n < 0 || !write_all(to.fd, {buffer.data(), static_cast<std::size_t>(n)})) {
      const int code = errno;
      unlink(temporary.c_str());
      return file_error("renew", path, code);
    }
  }
  return put_in_place(to.fd, temporary, path);
}

}  // namespace sx::store
