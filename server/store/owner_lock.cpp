#include "server/store/owner_lock.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/base/str.h"

namespace sx::store {
namespace {

// flock and not fcntl: fcntl locks would not keep one process from opening its store twice.
std::string pid_in(int fd) {
  char buffer[32] = {};
  const ssize_t size = pread(fd, buffer, sizeof buffer - 1, 0);
  std::string pid;
  for (ssize_t i = 0; i < size && buffer[i] >= '0' && buffer[i] <= '9'; ++i) pid += buffer[i];
  return pid;
}

}  // namespace

Result<OwnerLock> OwnerLock::take(const std::string& path) {
  const std::string lock_path = path + ".lock";
  OwnerLock lock;
  lock.fd_ = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock.fd_ < 0)
    return Error{str("could not open the lock file ", lock_path, ": ",
                     std::string_view(std::strerror(errno)),
                     ": the store's folder must be writable for this user")};
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return Error{str("could not lock ", lock_path, ": ", std::string_view(std::strerror(errno)))};
    const std::string pid = pid_in(lock.fd_);
    return Error{
        str("the store ", path, " is in use by ",
            pid == std::to_string(getpid()) ? "this very process"
            : pid.empty()                   ? "another process"
                                            : "process " + pid,
            ": one process at a time may own it. Stop that one first, or let it do the work")};
  }
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return Error{"no random bytes for the owner token"};
  for (unsigned char byte : bytes) {
    lock.token_ += "0123456789abcdef"[byte >> 4];
    lock.token_ += "0123456789abcdef"[byte & 15];
  }
  const std::string note = str(getpid(), "\n");
  if (ftruncate(lock.fd_, 0) != 0 ||
      pwrite(lock.fd_, note.data(), note.size(), 0) != static_cast<ssize_t>(note.size()))
    return Error{str("could not write the lock file ", lock_path, ": ",
                     std::string_view(std::strerror(errno)))};
  return lock;
}

void OwnerLock::release() noexcept {
  if (fd_ >= 0) close(fd_);  // the file stays: removing it would race with the next owner
  fd_ = -1;
}

}  // namespace sx::store
