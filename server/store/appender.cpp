#include "server/store/appender.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "engine/base/str.h"

namespace sx::store {
namespace {

constexpr std::size_t kGroupMembersMax = 4096;
constexpr int kTriesMax = 5;
constexpr auto kRecoverPause = std::chrono::seconds(1);
constexpr std::size_t kGroupBytesMax = 32u << 20;
// Beyond these the disk does not keep up; refusing at once beats answering minutes later.
constexpr std::size_t kQueueMembersMax = 100'000;
constexpr std::size_t kQueueBytesMax = 512u << 20;

using Clock = std::chrono::steady_clock;

}  // namespace

Appender::Appender(Ledger& ledger) : ledger_(ledger), watch_(ledger.last_pos()) {
  committed_ = ledger.last_pos();
  thread_ = std::thread([this] { run(); });
}

void Appender::submit(std::vector<Op> ops, CommitCallback done) {
  Member member{std::move(ops), std::move(done)};
  const Result<std::size_t> bytes = check_commit(member.ops);
  if (bytes.ok()) {
    member.bytes = *bytes;
  } else {
    member.outcome = bytes.error();
  }
  const char* refusal = nullptr;
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (closing_) {
      refusal = "the store is closed: nothing was written";
    } else if (queue_.size() >= kQueueMembersMax || queue_bytes_ + member.bytes > kQueueBytesMax) {
      refusal =
          "the store has more writes waiting than it can take: nothing was written, retry later";
    } else {
      queue_bytes_ += member.bytes;
      queue_.push_back(std::move(member));
      wake = queue_.size() >= wake_at_;
      if (wake) wake_at_ = kAwake;
    }
  }
  if (refusal) {
    counters_.errors++;
    member.done(Error{refusal});  // NOLINT(bugprone-use-after-move): what is refused stays
  } else if (wake) {
    wake_.notify_one();
  }
}

void Appender::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  watch_.close();
}

void Appender::add_stats(Stats& stats) const {
  stats.committed = committed();
  stats.commits = counters_.commits;
  stats.conflicts = counters_.conflicts;
  stats.errors = counters_.errors;
  stats.groups = counters_.groups;
  stats.largest_group = counters_.largest;
  stats.commit_us = counters_.commit_us;
  stats.recoveries = counters_.recoveries;
}

void Appender::run() {
  for (;;) {
    Job job;
    Group group = take_group(job);
    if (job.work) job.done.set_value(run_job(*job.work));
    if (group.empty() && !job.work) return;
    if (group.empty()) continue;
    process(group);
    reply(group);
    if (!broken_) ledger_.upkeep();
  }
}

// Empty only when there is a job instead, or when the store closes and nothing is left.
Appender::Group Appender::take_group(Job& job) {
  std::unique_lock lock(mutex_);
  const auto wanted = [&] { return closing_ || !queue_.empty() || !jobs_.empty(); };
  // Readers, too, wait for a broken ledger to recover: not only when somebody writes.
  while (broken_) {
    wake_at_ = 1;
    if (wake_.wait_for(lock, kRecoverPause, wanted)) break;
    lock.unlock();
    recover();
    lock.lock();
  }
  wake_at_ = 1;
  wake_.wait(lock, wanted);
  wake_at_ = kAwake;
  if (!jobs_.empty()) {
    job = std::move(jobs_.front());
    jobs_.pop_front();
    return {};
  }
  // The callers just answered are likely to write again at once. Without this short patience their
  // first few would get a sync of their own and the many others would wait for two.
  if (last_members_ > 1 && queue_.size() < last_members_ && !closing_) {
    const auto patience =
        std::chrono::microseconds(std::min<std::uint64_t>(counters_.commit_us / 2, 1000));
    wake_at_ = last_members_;
    wake_.wait_for(lock, patience, [&] { return closing_ || queue_.size() >= last_members_; });
    wake_at_ = kAwake;
  }
  Group group;
  std::size_t bytes = 0;
  while (!queue_.empty() && group.size() < kGroupMembersMax &&
         (group.empty() || bytes + queue_.front().bytes <= kGroupBytesMax)) {
    bytes += queue_.front().bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  last_members_ = group.size();
  return group;
}

void Appender::process(Group& group) {
  // What was refused on arrival is answered in its turn but takes no part.
  const auto valid_end = std::stable_partition(group.begin(), group.end(),
                                               [](const Member& m) { return m.outcome.ok(); });
  Member* const first = group.data();
  Member* const last = first + std::distance(group.begin(), valid_end);
  const auto attempt = [&](Member* from, Member* to) {
    for (int tries = 1;; ++tries) {
      const Attempt made = this->attempt(from, to, tries < kTriesMax);
      if (made != Attempt::TryAgain) return made;
    }
  };
  if (first != last && attempt(first, last) == Attempt::TryOneByOne)
    for (Member* member = first; member != last; ++member) attempt(member, member + 1);
  committed_.store(ledger_.last_pos(), std::memory_order_release);
  watch_.advance(ledger_.last_pos());
}

// One transaction for the members [first, last). TryAgain: it was undone for a reason that passes,
// such as a database that restarts. TryOneByOne: it was undone before COMMIT for a reason that may
// lie in one member alone, such as its size on a nearly full disk.
Appender::Attempt Appender::attempt(Member* first, Member* last, bool may_repeat) {
  bool committing = false;
  if (broken_ && !recover()) {
    fail(first, last, *broken_);
    return Attempt::Answered;
  }
  try {
    ledger_.begin();
    for (Member* member = first; member != last; ++member) ledger_.expect(member->ops);
    for (Member* member = first; member != last; ++member)
      member->outcome = run_commit(ledger_, member->ops);
    committing = true;
    const auto start = Clock::now();
    ledger_.commit();
    const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
    const std::uint64_t average = counters_.commit_us;
    counters_.commit_us = average == 0 ? spent.count() : (average * 7 + spent.count()) / 8;
    counters_.groups++;
    counters_.largest = std::max<std::uint64_t>(counters_.largest, last - first);
    for (Member* member = first; member != last; ++member)
      member->outcome->committed = ledger_.last_pos();
    return Attempt::Answered;
  } catch (const LedgerError& error) {
    ledger_.rollback();
    if (error.retry && may_repeat && (!error.reopen || recover())) return Attempt::TryAgain;
    if (!error.reopen && !committing && last - first > 1) return Attempt::TryOneByOne;
    fail(first, last, error.what());
    if (!error.reopen) return Attempt::Answered;
    set_broken(error.what());
  } catch (const std::exception& error) {  // out of memory
    ledger_.rollback();
    fail(first, last, str("the store could not write: ", std::string_view(error.what())));
    return Attempt::Answered;
  }
  recover();  // now rather than at the next write, so that readers have a store again
  return Attempt::Answered;
}

Result<void> Appender::exclusive(const std::function<void(Ledger&)>& job) {
  Job made;
  made.work = &job;
  auto done = made.done.get_future();
  {
    std::lock_guard lock(mutex_);
    if (closing_) return Error{"the store is closed"};
    jobs_.push_back(std::move(made));
  }
  wake_.notify_one();
  return done.get();
}

Result<void> Appender::run_job(const std::function<void(Ledger&)>& job) {
  if (broken_ && !recover()) return Error{*broken_};
  try {
    job(ledger_);
    committed_.store(ledger_.last_pos(), std::memory_order_release);
    watch_.advance(ledger_.last_pos());
    return {};
  } catch (const LedgerError& error) {
    ledger_.rollback();
    if (error.reopen) {
      set_broken(error.what());
      recover();
    }
    return Error{error.what()};
  } catch (const std::exception& error) {
    ledger_.rollback();
    return Error{error.what()};
  }
}

// On failure broken_ says why, and the next group tries again.
bool Appender::recover() {
  try {
    ledger_.recover();
    set_broken(std::nullopt);
    counters_.recoveries++;
    return true;
  } catch (const std::exception& error) {
    set_broken(error.what());
    return false;
  }
}

void Appender::set_broken(std::optional<std::string> why) {
  broken_ = std::move(why);
  out_of_service_ = broken_.has_value();
}

void Appender::fail(Member* first, Member* last, const std::string& message) {
  for (Member* member = first; member != last; ++member) member->outcome = Error{message};
}

void Appender::reply(Group& group) noexcept {
  for (Member& member : group) {
    if (!member.outcome.ok()) {
      counters_.errors++;
    } else if (member.outcome->conflict) {
      counters_.conflicts++;
    } else {
      counters_.commits++;
    }
    member.done(std::move(member.outcome));
  }
}

}  // namespace sx::store
