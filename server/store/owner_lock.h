// One process owns a store for writing: a lock file beside the database, held by flock for as long
// as the process lives, with the owner's pid in it for the message that others see, and a note once
// the store has been made.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace sx::store {

class OwnerLock {
 public:
  OwnerLock() = default;
  ~OwnerLock() { release(); }
  OwnerLock(OwnerLock&& other) noexcept { *this = std::move(other); }
  OwnerLock& operator=(OwnerLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(token_, other.token_);
    std::swap(held_before_, other.held_before_);
    return *this;
  }

  // Takes `<path>.lock`, or says who has it. A lock left by a dead process is taken over.
  static Result<OwnerLock> take(const std::string& path);
  // 32 random hex digits: the database keeps them beside the epoch, and every write compares.
  const std::string& token() const { return token_; }
  // True when an earlier owner noted that the store has been made: an empty file in its place has
  // lost what it held.
  bool held_before() const { return held_before_; }
  void note_made() noexcept;
  void release() noexcept;

 private:
  int fd_ = -1;
  std::string token_;
  bool held_before_ = false;
};

}  // namespace sx::store
