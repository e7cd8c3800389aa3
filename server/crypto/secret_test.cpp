// The root secret: made once, kept private, refused when others could read it.
#include "server/crypto/secret.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "server/crypto/crypto.h"

using namespace sx;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    char name[] = "/tmp/sx-secret-XXXXXX";
    path = mkdtemp(name);
  }
  ~TemporaryFolder() { fs::remove_all(path); }
};

void write(const std::string& path, std::string_view text, mode_t mode) {
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
}

// The one that signs.
Result<std::string> load_or_create_secret(const std::string& dir,
                                          std::optional<std::string_view> configured) {
  auto secrets = load_or_create_secrets(dir, configured);
  if (!secrets.ok()) return secrets.error();
  return secrets->front();
}

bool says(const Result<std::string>& result, std::string_view part) {
  return !result.ok() && result.error().message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the first start makes a private secret that later starts find") {
  const TemporaryFolder folder;
  const std::string dir = folder.path + "/data/deep";
  const Result<std::string> first = load_or_create_secret(dir, std::nullopt);
  REQUIRE(first.ok());
  CHECK(first->size() == 32);
  CHECK(load_or_create_secret(dir, std::nullopt).value() == *first);
  struct stat info;
  REQUIRE(::stat((dir + "/secret").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(std::distance(fs::directory_iterator(dir), fs::directory_iterator()) == 1);
}

TEST_CASE("two installations have different secrets") {
  const TemporaryFolder a, b;
  CHECK(load_or_create_secret(a.path, std::nullopt).value() !=
        load_or_create_secret(b.path, std::nullopt).value());
}

TEST_CASE("starts at the same moment agree on one secret") {
  const TemporaryFolder folder;
  std::vector<std::string> found(8);
  std::vector<std::thread> threads;
  for (std::string& slot : found)
    threads.emplace_back([&] { slot = load_or_create_secret(folder.path, std::nullopt).take(); });
  for (std::thread& thread : threads) thread.join();
  CHECK(std::set<std::string>(found.begin(), found.end()).size() == 1);
}

TEST_CASE("a configured secret wins and leaves no file") {
  const TemporaryFolder folder;
  const std::string bytes = sha256("x");
  CHECK(load_or_create_secret(folder.path, hex_encode(bytes)).value() == bytes);
  CHECK(load_or_create_secret(folder.path, base64url_encode(bytes)).value() == bytes);
  CHECK(load_or_create_secret(folder.path, "a sentence that is long enough to be one").value() ==
        sha256("a sentence that is long enough to be one"));
  CHECK(says(load_or_create_secret(folder.path, "short"), "SX_SECRET has 5 characters"));
  CHECK(fs::is_empty(folder.path));
}

TEST_CASE("an empty configured secret counts as none") {
  const TemporaryFolder folder;
  REQUIRE(load_or_create_secret(folder.path, "").ok());
  CHECK(fs::exists(folder.path + "/secret"));
}

TEST_CASE("a secret that others may read is refused with the remedy") {
  const TemporaryFolder folder;
  REQUIRE(load_or_create_secret(folder.path, std::nullopt).ok());
  for (const mode_t mode : {0640, 0604, 0660, 0644}) {
    ::chmod((folder.path + "/secret").c_str(), mode);
    const auto result = load_or_create_secret(folder.path, std::nullopt);
    CHECK(says(result, "chmod 600"));
  }
}

TEST_CASE("a damaged secret is refused, never replaced") {
  const TemporaryFolder folder;
  const std::string path = folder.path + "/secret";
  for (const std::string& text :
       {std::string(), std::string("abc\n"), std::string(64, 'z'), std::string(63, 'a'),
        std::string(65, 'a'), std::string(10000, 'a'), std::string(64, 'a') + "\nabc\n",
        "\n" + std::string(64, 'a') + "\n"}) {
    write(path, text, 0600);
    CHECK(says(load_or_create_secret(folder.path, std::nullopt), "expected 64 hex digits"));
    CHECK(fs::file_size(path) == text.size());
  }
}

TEST_CASE("a link, a folder or a pipe in place of the secret is refused") {
  const TemporaryFolder folder;
  const std::string path = folder.path + "/secret";
  fs::create_symlink("/etc/hostname", path);
  CHECK(says(load_or_create_secret(folder.path, std::nullopt), "symbolic link"));
  fs::remove(path);
  fs::create_directory(path);
  CHECK(says(load_or_create_secret(folder.path, std::nullopt), "not a regular file"));
  fs::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(says(load_or_create_secret(folder.path, std::nullopt), "not a regular file"));
}

TEST_CASE("a data folder that cannot be made is named") {
  const TemporaryFolder folder;
  write(folder.path + "/file", "", 0600);
  CHECK(says(load_or_create_secret(folder.path + "/file/data", std::nullopt), folder.path));
}

TEST_CASE("a new secret signs at once, those before it stay behind it") {
  const TemporaryFolder folder;
  const std::string first = load_or_create_secret(folder.path, std::nullopt).value();
  REQUIRE(rotate_secret(folder.path, 3).value() == 2);
  const RootSecrets both = load_or_create_secrets(folder.path, std::nullopt).value();
  REQUIRE(both.size() == 2);
  CHECK(both[0] != first);
  CHECK(both[1] == first);
  struct stat info;
  REQUIRE(::stat((folder.path + "/secret").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

TEST_CASE("only so many former secrets are kept, none if asked so") {
  const TemporaryFolder folder;
  REQUIRE(load_or_create_secret(folder.path, std::nullopt).ok());
  for (int i = 0; i < 5; ++i) REQUIRE(rotate_secret(folder.path, 2).ok());
  CHECK(load_or_create_secrets(folder.path, std::nullopt)->size() == 3);
  CHECK(rotate_secret(folder.path, 0).value() == 1);
  CHECK(load_or_create_secrets(folder.path, std::nullopt)->size() == 1);
}

TEST_CASE("where no secret is, none is changed") {
  const TemporaryFolder folder;
  const auto result = rotate_secret(folder.path, 3);
  REQUIRE(!result.ok());
  CHECK(result.error().message.find("there is no secret file") != std::string::npos);
  CHECK(fs::is_empty(folder.path));
}
