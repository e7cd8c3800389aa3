// argon2id by libsodium, and the threads it runs on.
#include "server/crypto/password.h"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "engine/base/str.h"
#include "server/crypto/crypto.h"

namespace sx {
namespace {

// OWASP 2024 and ASVS 5.0: m = 19 MiB, t = 2, p = 1. libsodium always uses p = 1.
constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemoryBytes = 19u << 20;

// What a stored hash may ask for. Ours ask for 19456 KiB and 2 passes; hashes brought along from
// elsewhere commonly for up to 64 MiB.
constexpr long kMemoryKibMax = 256 * 1024;
constexpr long kPassesMax = 16;

bool start_sodium() {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

// The number after `name` in "$argon2id$v=19$m=19456,t=2,p=1$…"; -1 if it is not there.
long parameter(std::string_view hash, std::string_view name) {
  const std::size_t at = hash.find(name);
  if (at == std::string_view::npos) return -1;
  long value = 0;
  std::size_t digits = 0;
  for (std::size_t i = at + name.size(); i < hash.size() && hash[i] >= '0' && hash[i] <= '9'; ++i) {
    if (++digits > 9) return -1;
    value = value * 10 + (hash[i] - '0');
  }
  return digits == 0 ? -1 : value;
}

bool is_acceptable_hash(std::string_view hash) {
  if (hash.substr(0, 10) != "$argon2id$" || hash.size() >= crypto_pwhash_STRBYTES) return false;
  if (hash.find('\0') != std::string_view::npos) return false;
  const long memory = parameter(hash, "$m=");
  const long passes = parameter(hash, ",t=");
  return memory > 0 && memory <= kMemoryKibMax && passes > 0 && passes <= kPassesMax;
}

// A hash of random bytes that were thrown away, made once.
const std::string& nobodys_hash() {
  static const std::string hash = [] {
    Result<std::string> made = hash_password(generate_token());
    return made ? made.take() : std::string();
  }();
  return hash;
}

}  // namespace

Result<std::string> hash_password(std::string_view password) {
  if (password.empty()) return Error{"the password is empty"};
  if (password.size() > kPasswordBytesMax)
    return Error{str("the password has ", password.size(), " bytes; at most ", kPasswordBytesMax,
                     " are accepted")};
  if (!start_sodium()) return Error{"the crypto library did not start"};
  char out[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str_alg(out, password.data(), password.size(), kPasses, kMemoryBytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0)
    return Error{"not enough memory to hash a password (19 MiB are needed)"};
  return std::string(out);
}

bool verify_password(std::string_view hash, std::string_view password) {
  if (!start_sodium()) return false;
  if (password.size() > kPasswordBytesMax || !is_acceptable_hash(hash))
    return dummy_verify(password);
  const std::string terminated(hash);
  return crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) == 0;
}

bool dummy_verify(std::string_view password) {
  const std::string& hash = nobodys_hash();
  const std::string_view tried = password.substr(0, kPasswordBytesMax);
  // Nobody knows the password of that hash, but even a match is a no.
  const int match = crypto_pwhash_str_verify(hash.c_str(), tried.data(), tried.size());
  static_cast<void>(match);
  return false;
}

bool password_needs_rehash(std::string_view hash) {
  if (!start_sodium() || !is_acceptable_hash(hash)) return true;
  const std::string terminated(hash);
  return crypto_pwhash_str_needs_rehash(terminated.c_str(), kPasses, kMemoryBytes) != 0;
}

std::string generate_password() {
  // 32 characters, so that five bits of a random byte choose one without bias. No 0 o 1 l.
  constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(kAlphabet.size() == 32);
  constexpr int kGroups = 6, kGroupSize = 5;
  const std::string random = random_bytes(kGroups * kGroupSize);
  std::string out;
  for (int i = 0; i < kGroups * kGroupSize; ++i) {
    if (i != 0 && i % kGroupSize == 0) out.push_back('-');
    out.push_back(kAlphabet[static_cast<unsigned char>(random[i]) & 31]);
  }
  return out;
}

PasswordPool::PasswordPool(std::size_t threads, std::size_t queue_max) : queue_max_(queue_max) {
  const std::size_t count = std::max<std::size_t>(threads, 1);
  threads_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
}

PasswordPool::~PasswordPool() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(jobs_);
  }
  wake_.notify_all();
  for (Job& job : left) refuse(job);
  for (std::thread& thread : threads_) thread.join();
}

void PasswordPool::hash(std::string password, std::function<void(Result<std::string>)> done) {
  Job job{Job::Kind::Hash, {}, std::move(password), std::move(done), {}};
  submit(std::move(job));
}

void PasswordPool::verify(std::string hash, std::string password,
                          std::function<void(Answer)> done) {
  Job job{Job::Kind::Verify, std::move(hash), std::move(password), {}, std::move(done)};
  submit(std::move(job));
}

void PasswordPool::dummy(std::string password, std::function<void(Answer)> done) {
  Job job{Job::Kind::Dummy, {}, std::move(password), {}, std::move(done)};
  submit(std::move(job));
}

std::size_t PasswordPool::queued() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void PasswordPool::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && jobs_.size() < queue_max_) {
      jobs_.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  refuse(job);
}

void PasswordPool::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    perform(job);
  }
}

void PasswordPool::refuse(Job& job) {
  sodium_memzero(job.password.data(), job.password.size());
  if (job.kind == Job::Kind::Hash) {
    job.hashed(Error{"too many passwords are being checked; try again in a moment"});
  } else {
    job.answered(Answer::Busy);
  }
}

void PasswordPool::perform(Job& job) {
  switch (job.kind) {
    case Job::Kind::Hash: {
      Result<std::string> made = hash_password(job.password);
      sodium_memzero(job.password.data(), job.password.size());
      job.hashed(std::move(made));
      break;
    }
    case Job::Kind::Verify: {
      const bool match = verify_password(job.hash, job.password);
      sodium_memzero(job.password.data(), job.password.size());
      job.answered(match ? Answer::Yes : Answer::No);
      break;
    }
    case Job::Kind::Dummy:
      dummy_verify(job.password);
      sodium_memzero(job.password.data(), job.password.size());
      job.answered(Answer::No);
      break;
  }
}

}  // namespace sx
