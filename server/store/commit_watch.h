// Waiting for a store to move on without asking it again and again: who wants to know registers a
// position and a time, and is told once, when the committed position has passed it or the time is
// over.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "server/store/store.h"

namespace sx::store {

class CommitWatch {
 public:
  using Callback = std::function<void(std::uint64_t committed)>;

  explicit CommitWatch(std::uint64_t committed) : committed_(committed) {}
  ~CommitWatch() { close(); }
  CommitWatch(const CommitWatch&) = delete;

  // `done` runs exactly once: at once on this thread if the position is past already or the store
  // is closed, otherwise on the watch's own thread. It must not block and not throw.
  PositionWait wait_past(std::uint64_t pos, std::int64_t timeout_ms, Callback done);
  // Takes a waiter off. No effect on one that has been told, or is being told right now.
  void forget(const PositionWait& wait);
  // The store stands at this position now. Costs next to nothing while nobody waits.
  void advance(std::uint64_t committed);
  // Tells all who wait where the store stands. Idempotent.
  void close();

 private:
  struct Waiter {
    std::uint64_t pos = 0;
    Callback done;
  };
  using Clock = std::chrono::steady_clock;

  void run();

  std::atomic<std::uint64_t> committed_;
  std::atomic<std::size_t> waiting_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<PositionWait, Waiter> waiters_;  // by the end of their patience
  std::uint64_t last_number_ = 0;
  bool moved_ = false;
  bool closed_ = false;
  std::thread thread_;  // started by the first who waits
};

}  // namespace sx::store
