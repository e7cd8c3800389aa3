// Password hashing and the pool that bounds it.
#include "server/crypto/password.h"

#include <doctest/doctest.h>
#include <sodium.h>

#include <atomic>
#include <chrono>
#include <future>
#include <set>

using namespace sx;
using Answer = PasswordPool::Answer;

namespace {

double milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

}  // namespace

TEST_CASE("a hash names argon2id with 19 MiB, two passes, one lane, and a salt of its own") {
  const std::string first = hash_password("correct horse").take();
  const std::string second = hash_password("correct horse").take();
  CHECK(first.find("$argon2id$v=19$m=19456,t=2,p=1$") == 0);
  CHECK(first != second);
  CHECK_FALSE(password_needs_rehash(first));
}

TEST_CASE("the right password verifies and every other one does not") {
  const std::string hash = hash_password("correct horse").take();
  CHECK(verify_password(hash, "correct horse"));
  CHECK_FALSE(verify_password(hash, "correct horsf"));
  CHECK_FALSE(verify_password(hash, ""));
  CHECK_FALSE(verify_password(hash, std::string_view("correct horse\0", 14)));
}

TEST_CASE("passwords of any script and up to the limit work, longer and empty ones are refused") {
  const std::string longest(kPasswordBytesMax, 'x');
  CHECK(verify_password(hash_password(longest).take(), longest));
  CHECK(verify_password(hash_password("пароль密码🔑").take(), "пароль密码🔑"));
  CHECK_FALSE(hash_password(longest + "x").ok());
  CHECK_FALSE(hash_password("").ok());
}

TEST_CASE("argon2id hashes with other parameters verify and ask to be made anew") {
  char foreign[crypto_pwhash_STRBYTES];
  REQUIRE(crypto_pwhash_str_alg(foreign, "x", 1, 3, 8u << 20, crypto_pwhash_ALG_ARGON2ID13) == 0);
  CHECK(std::string(foreign).find("m=8192,t=3") != std::string::npos);
  CHECK(verify_password(foreign, "x"));
  CHECK_FALSE(verify_password(foreign, "y"));
  CHECK(password_needs_rehash(foreign));
  CHECK(password_needs_rehash("not a hash"));
}

TEST_CASE("hashes that are foreign, damaged or greedy are false, not a crash") {
  for (const char* hash :
       {"", "plain", "$2b$10$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=4096,t=3,p=1$aaaa$bbbb",
        "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$aaaa",
        "$argon2id$v=19$m=19456,t=99999,p=1$c29tZXNhbHQ$aaaa", "$argon2id$$$$"})
    CHECK_FALSE(verify_password(hash, "x"));
}

TEST_CASE("an unknown user costs what a wrong password costs") {
  const std::string hash = hash_password("correct horse").take();
  dummy_verify("warm up");
  double known = 1e9, unknown = 1e9;
  for (int i = 0; i < 5; ++i) {
    known = std::min(known, milliseconds([&] { verify_password(hash, "wrong"); }));
    unknown = std::min(unknown, milliseconds([&] { CHECK_FALSE(dummy_verify("wrong")); }));
  }
  CHECK(unknown > known * 0.5);
  CHECK(unknown < known * 2.0);
}

TEST_CASE("generated passwords are six typeable groups and never repeat") {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string password = generate_password();
    CHECK(password.size() == 35);
    CHECK(password.find_first_not_of("abcdefghijkmnpqrstuvwxyz23456789-") == std::string::npos);
    CHECK(seen.insert(password).second);
  }
}

TEST_CASE("the pool hashes and verifies on its own threads") {
  PasswordPool pool;
  std::promise<Result<std::string>> hashed;
  pool.hash("secret", [&](Result<std::string> hash) { hashed.set_value(std::move(hash)); });
  const Result<std::string> hash = hashed.get_future().get();
  REQUIRE(hash.ok());
  std::promise<Answer> right, wrong, nobody;
  std::atomic<bool> other_thread{false};
  const auto here = std::this_thread::get_id();
  pool.verify(*hash, "secret", [&](Answer answer) {
    other_thread = std::this_thread::get_id() != here;
    right.set_value(answer);
  });
  pool.verify(*hash, "Secret", [&](Answer answer) { wrong.set_value(answer); });
  pool.dummy("secret", [&](Answer answer) { nobody.set_value(answer); });
  CHECK(right.get_future().get() == Answer::Yes);
  CHECK(wrong.get_future().get() == Answer::No);
  CHECK(nobody.get_future().get() == Answer::No);
  CHECK(other_thread);
}

TEST_CASE("a full pool answers busy at once, and every callback is called exactly once") {
  std::atomic<int> busy{0}, answered{0};
  {
    PasswordPool pool(1, 2);
    double slowest = 0;
    for (int i = 0; i < 50; ++i)
      slowest = std::max(
          slowest, milliseconds([&] {
            pool.dummy("x", [&](Answer answer) { ++(answer == Answer::Busy ? busy : answered); });
          }));
    CHECK(pool.queued() <= 2);
    CHECK(busy >= 40);
    bool refused = false;
    for (int i = 0; i < 20 && !refused; ++i)
      pool.hash("x", [&](Result<std::string> hash) {
        if (!hash.ok()) refused = true;
      });
    CHECK(refused);
  }
  CHECK(busy + answered == 50);
}

TEST_CASE("the passwords that are used most are known, in any case; others are not") {
  for (const char* common :
       {"password", "12345678", "PassWord", "trustno1", "1qaz2wsx", "iloveyou"})
    CHECK_MESSAGE(is_common_password(common), common);
  int taken_for_common = 0;
  for (int i = 0; i < 1000; ++i) taken_for_common += is_common_password(generate_password());
  CHECK(taken_for_common == 0);
  CHECK_FALSE(is_common_password(""));
  CHECK_FALSE(is_common_password("correct horse battery staple"));
}
