#include "server/store/commit_watch.h"

#include <algorithm>
#include <vector>

namespace sx::store {

PositionWait CommitWatch::wait_past(std::uint64_t pos, std::int64_t timeout_ms, Callback done) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_ && timeout_ms > 0) {
      // Counted before looking: whoever advances after this look sees somebody waiting.
      ++waiting_;
      if (committed_.load() <= pos) {
        const PositionWait wait{Clock::now() + std::chrono::milliseconds(timeout_ms),
                                ++last_number_};
        waiters_.emplace(wait, Waiter{pos, std::move(done)});
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
        wake_.notify_one();  // the earliest end may be another one now
        return wait;
      }
      --waiting_;
    }
  }
  done(committed_.load());
  return {};
}

void CommitWatch::forget(const PositionWait& wait) {
  std::map<PositionWait, Waiter>::node_type forgotten;  // let go of when the lock is gone
  {
    std::lock_guard lock(mutex_);
    forgotten = waiters_.extract(wait);
    if (!forgotten.empty()) --waiting_;
  }
}

void CommitWatch::advance(std::uint64_t committed) {
  if (committed_.exchange(committed) == committed) return;
  if (waiting_.load() == 0) return;
  {
    std::lock_guard lock(mutex_);
    moved_ = true;
  }
  wake_.notify_one();
}

void CommitWatch::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void CommitWatch::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!closed_ && !moved_) {
      if (waiters_.empty()) {
        wake_.wait(lock);
      } else {
        // A copy: the waiter may be forgotten meanwhile.
        const Clock::time_point until = waiters_.begin()->first.until;
        wake_.wait_until(lock, until);
      }
    }
    moved_ = false;
    const std::uint64_t committed = committed_.load();
    const auto now = Clock::now();
    std::vector<Callback> told;
    for (auto at = waiters_.begin(); at != waiters_.end();) {
      if (closed_ || at->second.pos < committed || at->first.until <= now) {
        told.push_back(std::move(at->second.done));
        at = waiters_.erase(at);
      } else {
        ++at;
      }
    }
    waiting_ -= told.size();
    const bool last = closed_;
    lock.unlock();
    for (Callback& done : told) done(committed);
    told.clear();
    if (last) return;
    lock.lock();
  }
}

}  // namespace sx::store
