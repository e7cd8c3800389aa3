#include "server/store/owner_lock.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/base/str.h"

namespace sx::store {
namespace {

constexpr std::string_view kMade = "\nmade\n";

std::string note_in(int fd) {
  char buffer[64];
  const ssize_t size = pread(fd, buffer, sizeof buffer, 0);
  return std::string(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
}

std::string pid_in(int fd) {
  std::string note = note_in(fd);
  note.resize(std::min(note.size(), note.find_first_not_of("0123456789")));
  return note;
}

bool write_note(int fd, const std::string& note) {
  return ftruncate(fd, 0) == 0 &&
         pwrite(fd, note.data(), note.size(), 0) == static_cast<ssize_t>(note.size());
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
  // flock and not fcntl: fcntl locks would not keep one process from opening its store twice.
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
  lock.held_before_ = note_in(lock.fd_).find(kMade) != std::string::npos;
  if (!write_note(lock.fd_, str(getpid(), lock.held_before_ ? kMade : std::string_view("\n"))))
    return Error{str("could not write the lock file ", lock_path, ": ",
                     std::string_view(std::strerror(errno)))};
  return lock;
}

void OwnerLock::note_made() noexcept {
  if (!held_before_) held_before_ = write_note(fd_, str(getpid(), kMade));
}

void OwnerLock::release() noexcept {
  if (fd_ >= 0) close(fd_);  // the file stays: removing it would race with the next owner
  fd_ = -1;
}

}  // namespace sx::store
