// Settings: what wins, what is refused and in which words, what is never shown.
#include "server/config/settings.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "server/http/http.h"

using namespace sx;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    char name[] = "/tmp/sx-settings-XXXXXX";
    path = mkdtemp(name);
  }
  ~TemporaryFolder() { fs::remove_all(path); }
};

std::string error_of(const Environment& environment) {
  Settings settings;
  const auto resolved = settings.resolve(environment);
  return resolved.ok() ? "" : resolved.error().message;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string all_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("an option wins over the environment, which wins over the default") {
  Settings settings;
  REQUIRE(settings.resolve({}).ok());
  CHECK(settings.number(Setting::HttpPort) == 8000);
  CHECK(!settings.given(Setting::HttpPort));
  REQUIRE(settings.resolve({{"SX_HTTP_PORT", "8001"}}).ok());
  CHECK(settings.number(Setting::HttpPort) == 8001);
  settings.give(Setting::HttpPort, "8002");
  REQUIRE(settings.resolve({{"SX_HTTP_PORT", "8001"}}).ok());
  CHECK(settings.number(Setting::HttpPort) == 8002);
  CHECK(settings.source(Setting::HttpPort) == Settings::Source::Option);
}

TEST_CASE("an empty variable counts as none") {
  Settings settings;
  REQUIRE(settings.resolve({{"SX_HTTP_PORT", ""}, {"SX_BASE_URL", ""}}).ok());
  CHECK(settings.number(Setting::HttpPort) == 8000);
}

TEST_CASE("every default passes its own check") {
  for (const SettingRow& row : setting_rows())
    if (!row.fallback.empty()) CHECK_MESSAGE(!setting_problem(row, row.fallback), row.variable);
}

TEST_CASE("variables and options have one setting each, and secrets have no option") {
  std::set<std::string_view> names;
  for (const SettingRow& row : setting_rows()) {
    CHECK_MESSAGE(row.variable.starts_with("SX_"), row.variable);
    CHECK_MESSAGE(names.insert(row.variable).second, row.variable);
    if (!row.option.empty()) CHECK_MESSAGE(names.insert(row.option).second, row.option);
    if (row.kind == SettingKind::Secret) CHECK_MESSAGE(row.option.empty(), row.variable);
    CHECK_MESSAGE(!row.meaning.empty(), row.variable);
  }
}

TEST_CASE("all that is wrong is said at once, with what was found and what was expected") {
  const std::string text = error_of({{"SX_HTTP_PORT", "80000"},
                                     {"SX_HTTP_HOST", "nowhere"},
                                     {"SX_BASE_URL", "https://blog.example/path"},
                                     {"SX_ACCESS_LOG", "xml"}});
  CHECK(text.starts_with("4 settings are wrong\n"));
  CHECK(has(text, "\n  SX_HTTP_PORT is \"80000\"; expected a whole number from 0 to 65535\n"));
  CHECK(has(text, "\n  SX_HTTP_HOST is \"nowhere\"; expected an address such as 127.0.0.1"));
  CHECK(has(text, "\n  SX_BASE_URL is \"https://blog.example/path\"; expected scheme and host"));
  CHECK(has(text, "\n  SX_ACCESS_LOG is \"xml\"; expected json, common, combined or none\n"));
  CHECK(has(text, "sx serve --check-config"));
}

TEST_CASE("a wrong option is named as the option") {
  Settings settings;
  settings.give(Setting::Workers, "many");
  const auto resolved = settings.resolve({});
  REQUIRE(!resolved.ok());
  CHECK(has(resolved.error().message,
            "--workers is \"many\"; expected a whole number from 1 to 256"));
}

TEST_CASE("what is wrong with each kind of value") {
  struct Case {
    const char* variable;
    const char* value;
    const char* words;
  };
  const Case cases[] = {
      {"SX_HTTP_PORT", "8000x", "expected a whole number from 0 to 65535"},
      {"SX_HTTP_PORT", "-1", "expected a whole number"},
      {"SX_HTTP_PORT", "99999999999999999999", "expected a whole number"},
      {"SX_WORKERS", "0", "from 1 to 256"},
      {"SX_HTTP_HOST", "1.2.3", "expected an address"},
      {"SX_BASE_URL", "blog.example", "expected scheme and host"},
      {"SX_BASE_URL", "ftp://blog.example", "expected scheme and host"},
      {"SX_HOSTS", "blog.example, http://x", "expected names separated by commas"},
      {"SX_TRUSTED_PROXIES", "proxy", "expected addresses or blocks"},
      {"SX_TRUSTED_PROXIES", "10.0.0.0/33", "expected addresses or blocks"},
      {"SX_STORE", "mysql://x", "expected sqlite:PATH, postgres://"},
      {"SX_DEMO", "maybe", "expected 1 or 0"},
      {"SX_ADMIN_USER", "a b", "expected 1 to 64 characters"},
      {"SX_GRANTS", "ada", "expected USER:ACTION"},
      {"SX_GRANTS", "ada:", "expected USER:ACTION"},
      {"SX_GRANTS", "ada:post/write, :x", "expected USER:ACTION"},
      {"SX_GRANTS", "ada:post/write:", "expected USER:ACTION"},
      {"SX_TITLE", "a\nb", "control character"},
      {"SX_TITLE", "\xff", "not UTF-8"},
      {"SX_HTTP_HEADER_BYTES_MAX", "1", "from 256 to 1048576"},
  };
  for (const Case& one : cases) {
    const std::string text = error_of({{one.variable, one.value}});
    CHECK_MESSAGE(has(text, std::string("\n  ") + one.variable + " "), text);
    CHECK_MESSAGE(has(text, one.words), text);
  }
}

TEST_CASE("what is right is taken") {
  const Environment good = {
      {"SX_HTTP_HOST", "::1"},
      {"SX_BASE_URL", "https://blog.example:8443/"},
      {"SX_HOSTS", "blog.example *.blog.example,other.example:80"},
      {"SX_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8, fd00::/8"},
      {"SX_STORE", "postgres://blog@db/blog"},
      {"SX_GRANTS", "ada:post/write,bob:*:own"},
      {"SX_ADMIN_USER", "Zoë"},
      {"SX_SECRETS_BEFORE", std::string(64, 'a') + "," + std::string(64, 'b')}};
  Settings settings;
  const auto resolved = settings.resolve(good);
  CHECK_MESSAGE(resolved.ok(), (resolved.ok() ? "" : resolved.error().message));
  CHECK(settings.list(Setting::Hosts).size() == 3);
  CHECK(settings.list(Setting::TrustedProxies)[1] == "10.0.0.0/8");
}

TEST_CASE("a secret is in no message") {
  const std::string text = error_of({{"SX_SECRET", "hunter2"},
                                     {"SX_ADMIN_PASSWORD", "hunter2"},
                                     {"SX_SECRETS_BEFORE", "hunter2"},
                                     {"SX_API_TOKEN", "hunter2"},
                                     {"SX_STORE", "mysql://blog:hunter2@db/x"}});
  CHECK(has(text, "5 settings are wrong"));
  CHECK(has(text, "SX_SECRET has 7 characters; expected at least 32"));
  CHECK(has(text, "SX_ADMIN_PASSWORD has 7 characters; expected at least 8"));
  CHECK(!has(text, "hunter2"));
}

TEST_CASE("the report shows values and their sources, never a secret") {
  Settings settings;
  settings.give(Setting::HttpPort, "8080");
  REQUIRE(settings
              .resolve({{"SX_API_TOKEN", "hunter2-hunter2-hunter2"},
                        {"SX_STORE", "postgres://blog:hunter2@db/blog"}})
              .ok());
  const SettingScope scopes[] = {SettingScope::Installation, SettingScope::Serve};
  const std::string text = settings.report(scopes);
  CHECK(!has(text, "hunter2"));
  CHECK(has(text, "SX_HTTP_PORT                  8080  (option)"));
  CHECK(has(text, "SX_API_TOKEN                  (set, not shown)  (environment)"));
  CHECK(has(text, "postgres://blog:***@db/blog"));
  CHECK(has(text, "SX_HTTP_HOST                  127.0.0.1  (default)"));
}

TEST_CASE("a secret may be in a file that a variable names") {
  const TemporaryFolder folder;
  const std::string path = folder.path + "/token";
  std::ofstream(path) << "token-from-a-file-0123456789\n";
  Settings settings;
  REQUIRE(settings.resolve({{"SX_API_TOKEN_FILE", path}}).ok());
  CHECK(settings.text(Setting::ApiToken) == "token-from-a-file-0123456789");
  CHECK(settings.warnings().empty());
  CHECK(has(error_of({{"SX_API_TOKEN_FILE", folder.path + "/none"}}), "which cannot be read"));
  CHECK(has(error_of({{"SX_API_TOKEN_FILE", path}, {"SX_API_TOKEN", "token-of-the-environment"}}),
            "are both set; expected one of them"));
  std::ofstream(path) << "";
  CHECK(has(error_of({{"SX_API_TOKEN_FILE", path}}), "is empty"));
}

TEST_CASE("an unknown variable is named with the nearest known one") {
  Settings settings;
  REQUIRE(settings.resolve({{"SX_BASE_ULR", "https://x.example"}, {"SX_ENTIRELY_ELSE", "1"}}).ok());
  const std::string text = all_of(settings.warnings());
  CHECK(has(text,
            "SX_BASE_ULR is no setting of this version and is ignored; did you mean "
            "SX_BASE_URL?\n"));
  CHECK(has(text, "SX_ENTIRELY_ELSE is no setting of this version and is ignored\n"));
}

TEST_CASE("what works but is hardly meant is a warning") {
  Settings settings;
  REQUIRE(settings.resolve({{"SX_BASE_URL", "https://blog.example"}}).ok());
  CHECK(has(all_of(settings.warnings()), "SX_TRUSTED_PROXIES is not set"));
  REQUIRE(settings.resolve({{"SX_HTTP_HOST", "0.0.0.0"}}).ok());
  CHECK(has(all_of(settings.warnings()), "get 421"));
  REQUIRE(settings.resolve({{"SX_TRUSTED_PROXIES", "0.0.0.0/0"}}).ok());
  CHECK(has(all_of(settings.warnings()), "anybody can claim any address"));
  REQUIRE(settings.resolve({{"SX_API_TOKEN", "short-token"}}).ok());
  CHECK(has(all_of(settings.warnings()), "may be guessed"));
  REQUIRE(settings.resolve({}).ok());
  CHECK(settings.warnings().empty());
}

TEST_CASE("a command that does not serve is not stopped by what only a server reads") {
  Settings settings;
  const SettingScope scopes[] = {SettingScope::Installation};
  CHECK(settings.resolve({{"SX_HTTP_PORT", "x"}}, scopes).ok());
  CHECK(!settings.resolve({{"SX_STORE", "x"}}, scopes).ok());
}

TEST_CASE("the defaults of the HTTP server are those of the table") {
  Settings settings;
  REQUIRE(settings.resolve({}).ok());
  const HttpConfig made = http_config(settings);
  const HttpConfig own;
  CHECK(made.address == own.address);
  CHECK(made.port == own.port);
  CHECK(made.workers >= 1);
  CHECK(made.header_bytes_max == own.header_bytes_max);
  CHECK(made.header_count_max == own.header_count_max);
  CHECK(made.target_bytes_max == own.target_bytes_max);
  CHECK(made.body_bytes_max == own.body_bytes_max);
  CHECK(made.connections_max == own.connections_max);
  CHECK(made.requests_max == own.requests_max);
  CHECK(made.header_timeout_ms == own.header_timeout_ms);
  CHECK(made.body_timeout_ms == own.body_timeout_ms);
  CHECK(made.handler_timeout_ms == own.handler_timeout_ms);
  CHECK(made.write_timeout_ms == own.write_timeout_ms);
  CHECK(made.idle_timeout_ms == own.idle_timeout_ms);
  CHECK(made.bytes_per_second_min == own.bytes_per_second_min);
}

TEST_CASE("a data folder is made private, an empty one is closed to others") {
  const TemporaryFolder folder;
  const std::string path = folder.path + "/a/b";
  REQUIRE(prepare_data_folder(path).ok());
  struct stat info;
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  ::chmod(path.c_str(), 0777);
  REQUIRE(prepare_data_folder(path).ok());
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("a data folder with content that others can write is refused with the remedy") {
  const TemporaryFolder folder;
  std::ofstream(folder.path + "/store.db") << "x";
  for (const mode_t mode : {0777, 0770, 0702, 0720}) {
    ::chmod(folder.path.c_str(), mode);
    const auto result = prepare_data_folder(folder.path);
    REQUIRE(!result.ok());
    CHECK(has(result.error().message, "can be written by others"));
    CHECK(has(result.error().message, "chmod 700"));
  }
  ::chmod(folder.path.c_str(), 0755);
  CHECK(prepare_data_folder(folder.path).ok());
}

TEST_CASE("a file in place of the data folder is named") {
  const TemporaryFolder folder;
  const std::string path = folder.path + "/file";
  std::ofstream(path) << "x";
  const auto result = prepare_data_folder(path);
  REQUIRE(!result.ok());
  CHECK(has(result.error().message, "is a file; expected a folder"));
  CHECK(!prepare_data_folder(path + "/deeper").ok());
}
