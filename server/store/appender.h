// The one writer of a store: a thread that drains the queue of commits into groups, one transaction
// and one sync for each group, and answers all members after it.
//
// There is no fixed delay. While one group syncs, the next one collects; only when the last group
// had several members, the writer waits a fraction of a sync for those callers to come back.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/store/commit_watch.h"
#include "server/store/ledger.h"
#include "server/store/store.h"

namespace sx::store {

class Appender {
 public:
  // The ledger is borrowed and used only on the appender's thread from here to close().
  explicit Appender(Ledger& ledger);
  ~Appender() { close(); }

  void submit(std::vector<Op> ops, CommitCallback done);
  // Runs the job on the appender's thread between two groups and waits for it.
  Result<void> exclusive(const std::function<void(Ledger&)>& job);
  // Answers everything queued before, then stops. Idempotent; not from the appender's thread.
  void close();

  std::uint64_t committed() const { return committed_.load(std::memory_order_acquire); }
  CommitWatch& watch() { return watch_; }
  // False while the ledger has to recover first, which is tried again every second.
  bool answers() const { return !out_of_service_.load(std::memory_order_relaxed); }
  void add_stats(Stats& stats) const;

 private:
  struct Member {
    std::vector<Op> ops;
    CommitCallback done;
    std::size_t bytes = 0;
    Result<CommitOutcome> outcome{CommitOutcome{}};
  };
  using Group = std::vector<Member>;
  struct Job {
    const std::function<void(Ledger&)>* work = nullptr;
    std::promise<Result<void>> done;
  };
  enum class Attempt { Answered, TryAgain, TryOneByOne };

  void run();
  Group take_group(Job& job);
  void process(Group& group);
  Attempt attempt(Member* first, Member* last, bool may_repeat);
  bool recover();
  void set_broken(std::optional<std::string> why);
  Result<void> run_job(const std::function<void(Ledger&)>& job);
  void fail(Member* first, Member* last, const std::string& message);
  void reply(Group& group) noexcept;

  Ledger& ledger_;
  std::atomic<std::uint64_t> committed_{0};
  CommitWatch watch_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Member> queue_;
  // How many members the thread sleeps for. While it works nobody needs to wake it: with many
  // callers, waking is what would cost most.
  static constexpr std::size_t kAwake = SIZE_MAX;
  std::size_t wake_at_ = kAwake;
  std::size_t queue_bytes_ = 0;
  std::deque<Job> jobs_;
  bool closing_ = false;

  // Only the thread's own:
  std::size_t last_members_ = 1;
  std::optional<std::string> broken_;  // why the ledger has to recover before it is used again
  std::atomic<bool> out_of_service_{false};  // broken_, for others

  struct Counters {
    std::atomic<std::uint64_t> commits{0}, conflicts{0}, errors{0}, groups{0}, largest{0},
        commit_us{0}, recoveries{0};
  } counters_;
  std::thread thread_;  // last: starts when all above exists
};

}  // namespace sx::store
