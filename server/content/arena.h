// Memory for C parsers that must not run away: a budget of bytes and a deadline, and a way out of
// the parser when either is used up.
//
// The parsers here are plain C and take their memory from us. When Arena::take finds nothing left
// it longjmps to `exhausted`, over C frames only; what they had allocated goes with the arena. The
// function that calls setjmp must hold nothing with a destructor.
#pragma once

#include <algorithm>
#include <chrono>
#include <csetjmp>
#include <cstddef>
#include <cstdlib>
#include <vector>

namespace sx {

class Arena {
 public:
  Arena(std::size_t budget_bytes, std::chrono::milliseconds time)
      : budget_(budget_bytes), deadline_(std::chrono::steady_clock::now() + time) {}
  ~Arena() {
    for (void* chunk : chunks_) std::free(chunk);
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Aligned, not cleared. Does not return when budget or time is used up.
  void* take(std::size_t size) {
    void* piece = allocate(size);
    if (piece == nullptr) std::longjmp(exhausted, 1);
    return piece;
  }

  std::jmp_buf exhausted;

 private:
  void* allocate(std::size_t size) {
    if (size > budget_) return nullptr;
    size = (size + 15) & ~std::size_t{15};
    if ((++calls_ & 63) == 0 && std::chrono::steady_clock::now() > deadline_) return nullptr;
    if (size > left_) {
      const std::size_t chunk = std::max(size, kChunkBytes);
      if (chunk > budget_ - used_) return nullptr;
      void* memory = std::malloc(chunk);
      if (memory == nullptr) return nullptr;
      chunks_.push_back(memory);
      used_ += chunk;
      if (chunk > kChunkBytes) return memory;  // an outsized piece leaves the current chunk in use
      next_ = static_cast<char*>(memory);
      left_ = chunk;
    }
    void* piece = next_;
    next_ += size;
    left_ -= size;
    return piece;
  }

  static constexpr std::size_t kChunkBytes = 64 * 1024;
  std::size_t budget_, used_ = 0, left_ = 0, calls_ = 0;
  char* next_ = nullptr;
  std::chrono::steady_clock::time_point deadline_;
  std::vector<void*> chunks_;
};

}  // namespace sx
