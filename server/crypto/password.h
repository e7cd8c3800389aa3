// Password hashing by argon2id and the bounded pool that keeps it off the request loops.
//
// One hash costs 19 MiB and tens of milliseconds: on a request loop login would be a lever to stop
// the server, without a bound on the queue a lever to fill its memory.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/base/result.h"

namespace sx {

// Longer passwords are refused rather than cut.
inline constexpr std::size_t kPasswordBytesMax = 1024;

// "$argon2id$v=19$m=19456,t=2,p=1$…" (OWASP's figures). An error for an empty or overlong password
// and when memory is short. Slow: call it through PasswordPool.
Result<std::string> hash_password(std::string_view password);

// Whether `password` belongs to `hash`. Any argon2id string is accepted, also with other
// parameters (within limits that keep a hostile hash from eating the machine); anything else is
// false, after the same work.
bool verify_password(std::string_view hash, std::string_view password);

// The work of verify_password against a hash that nobody has: for unknown users, so that the time
// of an answer does not tell whether the name exists. Always false.
bool dummy_verify(std::string_view password);

// True if `hash` was made with weaker or other parameters than hash_password uses now.
bool password_needs_rehash(std::string_view hash);

// True if `password` is one of the few thousand that are used most, whatever the case of its ASCII
// letters: what is tried first by whoever guesses.
bool is_common_password(std::string_view password);

// A password people can type: six groups of five characters from 32 without look-alikes
// ("k7mwz-…"), 150 bits.
std::string generate_password();

// Runs password work on its own threads. Callbacks run on a pool thread: they post to their loop.
class PasswordPool {
 public:
  enum class Answer { Yes, No, Busy };

  explicit PasswordPool(std::size_t threads = 2, std::size_t queue_max = 64);
  // Waits for running work; queued work is answered Busy (verify) or with an error (hash).
  ~PasswordPool();
  PasswordPool(const PasswordPool&) = delete;
  PasswordPool& operator=(const PasswordPool&) = delete;

  // Each callback is called exactly once. When the queue is full it is called at once, on the
  // caller's thread, with Busy or an error.
  void hash(std::string password, std::function<void(Result<std::string>)> done);
  void verify(std::string hash, std::string password, std::function<void(Answer)> done);
  // verify for a user that does not exist.
  void dummy(std::string password, std::function<void(Answer)> done);

  std::size_t queued() const;

 private:
  struct Job {
    enum class Kind { Hash, Verify, Dummy } kind;
    std::string hash;
    std::string password;
    std::function<void(Result<std::string>)> hashed;
    std::function<void(Answer)> answered;
  };
  void submit(Job job);
  void run();
  static void refuse(Job& job);
  static void perform(Job& job);

  const std::size_t queue_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sx
