// What each kind of setting must look like, and the data folder.
#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "server/config/settings.h"
#include "server/crypto/secret.h"
#include "server/http/origin.h"

namespace sx {
namespace {

using Problem = std::optional<std::string>;

constexpr std::size_t kShownMax = 80;

// As it stands there, cut where it is long and without what would disturb a terminal.
std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value.substr(0, kShownMax))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return str(out, value.size() > kShownMax ? "…\"" : "\"");
}

bool whole_number(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// "least..most", either may be missing.
void bounds_of(std::string_view expected, std::int64_t& least, std::int64_t& most) {
  const std::size_t dots = expected.find("..");
  if (dots == std::string_view::npos) return;
  whole_number(expected.substr(0, dots), least);
  whole_number(expected.substr(dots + 2), most);
}

Problem number_problem(const SettingRow& row, std::string_view value) {
  std::int64_t least = 0, most = INT64_MAX, number = 0;
  bounds_of(row.expected, least, most);
  if (whole_number(value, number) && number >= least && number <= most) return std::nullopt;
  return str("is ", quoted(value), "; expected a whole number from ", least, " to ", most);
}

Problem length_problem(const SettingRow& row, std::string_view value, bool secret) {
  std::int64_t least = 0, most = INT64_MAX;
  bounds_of(row.expected, least, most);
  std::int64_t length = 0;
  for (const char c : value) length += (c & 0xc0) != 0x80;
  if (length < least)
    return str("has ", length, " characters; expected at least ", least,
               secret ? ". Choose a longer one, such as the output of `openssl rand -hex 32`" : "");
  if (length > most) return str("has ", length, " characters; expected at most ", most);
  if (!utf8_valid(value)) return "is not UTF-8 text; expected text";
  for (const char c : value)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return "has a control character, such as a line end; expected one line of text";
  return std::nullopt;
}

Problem choice_problem(const SettingRow& row, std::string_view value) {
  std::string shown;
  for (std::size_t from = 0; from <= row.expected.size();) {
    const std::size_t end = std::min(row.expected.find('|', from), row.expected.size());
    const std::string_view one = row.expected.substr(from, end - from);
    if (one == value) return std::nullopt;
    shown += str(shown.empty() ? "" : end == row.expected.size() ? " or " : ", ", one);
    from = end + 1;
  }
  return str("is ", quoted(value), "; expected ", shown);
}

Problem flag_problem(std::string_view value) {
  for (const std::string_view word : {"1", "true", "yes", "on", "0", "false", "no", "off"})
    if (word == value) return std::nullopt;
  return str("is ", quoted(value), "; expected 1 or 0");
}

Problem address_problem(std::string_view value) {
  const std::string text(value);
  in6_addr parsed;
  if (value == "localhost" || inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
      inet_pton(AF_INET6, text.c_str(), &parsed) == 1)
    return std::nullopt;
  return str("is ", quoted(value),
             "; expected an address such as 127.0.0.1 (this machine only), 0.0.0.0 (everywhere) or "
             "::1");
}

// The server's own reading decides: what it would refuse is wrong here too.
Problem origin_problem(SettingKind kind, std::string_view value) {
  HttpConfig config;
  std::vector<std::string> entries;
  std::string entry;
  for (const char c : str(value, ",")) {
    if (c != ',' && c != ' ') {
      entry += c;
    } else if (!entry.empty()) {
      entries.push_back(std::exchange(entry, {}));
    }
  }
  if (kind == SettingKind::BaseUrl) config.base_url = value;
  if (kind == SettingKind::Hosts) config.hosts = entries;
  if (kind == SettingKind::Proxies) config.trusted_proxies = entries;
  if (OriginPolicy::make(config).ok()) return std::nullopt;
  const char* expected =
      kind == SettingKind::BaseUrl ? "scheme and host without a path, such as https://blog.example"
      : kind == SettingKind::Hosts
          ? "names separated by commas, such as blog.example, *.blog.example or blog.example:8080"
          : "addresses or blocks separated by commas, such as 127.0.0.1 or 10.0.0.0/8";
  return str("is ", quoted(value), "; expected ", expected);
}

Problem store_problem(std::string_view value) {
  for (const std::string_view scheme : {"sqlite:", "postgres://", "postgresql://", "memory:"})
    if (value.starts_with(scheme)) return std::nullopt;
  const std::size_t colon = value.find(':');
  return str("begins with ", quoted(value.substr(0, std::min<std::size_t>(colon, 20))),
             "; expected sqlite:PATH, postgres://… or memory:");
}

Problem user_name_problem(std::string_view value) {
  std::size_t length = 0;
  bool odd = !utf8_valid(value);
  for (const char c : value) {
    length += (c & 0xc0) != 0x80;
    odd = odd || static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/';
  }
  if (!odd && length >= 1 && length <= 64) return std::nullopt;
  return str("is ", quoted(value),
             "; expected 1 to 64 characters without spaces, slashes or control characters");
}

Problem grants_problem(std::string_view value) {
  std::string entry;
  for (const char c : str(value, ",")) {
    if (c != ',' && c != ' ') {
      entry += c;
      continue;
    }
    if (entry.empty()) continue;
    const std::string_view text = entry;
    const std::size_t first = text.find(':');
    const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
    const bool good = first != std::string_view::npos && first > 0 && first + 1 < text.size() &&
                      second != first + 1 && second != text.size() - 1;
    if (!good)
      return str("has the entry ", quoted(text),
                 "; expected USER:ACTION or USER:ACTION:RESOURCE, such as ada:post/write");
    entry.clear();
  }
  return std::nullopt;
}

Problem secrets_problem(std::string_view value) {
  std::size_t from = 0;
  int number = 0;
  while (from <= value.size()) {
    const std::size_t comma = std::min(value.find(',', from), value.size());
    ++number;
    const auto read = read_root_secret(value.substr(from, comma - from));
    if (!read.ok()) return str("has as its entry ", number, " one that ", read.error().message);
    from = comma + 1;
  }
  return std::nullopt;
}

std::string mode_text(const struct stat& info) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(info.st_mode & 07777));
  return text;
}

}  // namespace

std::string_view setting_placeholder(SettingKind kind) {
  switch (kind) {
    case SettingKind::Number:
      return "NUMBER";
    case SettingKind::Path:
      return "PATH";
    case SettingKind::Address:
      return "ADDRESS";
    case SettingKind::BaseUrl:
    case SettingKind::Store:
      return "URL";
    case SettingKind::Hosts:
    case SettingKind::Proxies:
    case SettingKind::Grants:
      return "LIST";
    case SettingKind::UserName:
      return "NAME";
    case SettingKind::Text:
    case SettingKind::Choice:
    case SettingKind::Flag:
    case SettingKind::Secret:
      return "TEXT";
  }
  return "TEXT";
}

std::optional<std::string> setting_problem(const SettingRow& row, std::string_view value) {
  if (row.id == Setting::Secret || row.id == Setting::SecretsBefore) {
    if (row.id == Setting::SecretsBefore) return secrets_problem(value);
    const auto read = read_root_secret(value);
    if (!read.ok()) return read.error().message;
    return std::nullopt;
  }
  switch (row.kind) {
    case SettingKind::Number:
      return number_problem(row, value);
    case SettingKind::Choice:
      return choice_problem(row, value);
    case SettingKind::Flag:
      return flag_problem(value);
    case SettingKind::Address:
      return address_problem(value);
    case SettingKind::BaseUrl:
    case SettingKind::Hosts:
    case SettingKind::Proxies:
      return origin_problem(row.kind, value);
    case SettingKind::Store:
      return store_problem(value);
    case SettingKind::UserName:
      return user_name_problem(value);
    case SettingKind::Grants:
      return grants_problem(value);
    case SettingKind::Text:
    case SettingKind::Path:
      return length_problem(row, value, false);
    case SettingKind::Secret:
      return length_problem(row, value, true);
  }
  return std::nullopt;
}

Result<void> check_data_folder(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return Error{str("the data folder ", path, " cannot be looked at: ", std::strerror(errno))};
  }
  if (!S_ISDIR(info.st_mode))
    return Error{str("the data folder ", path,
                     " is a file; expected a folder. Give another one "
                     "with --data or SX_PERSIST_DIR")};
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return Error{str("the data folder ", path, " cannot be written by this user (mode ",
                     mode_text(info), ", owner ", info.st_uid, ", this is ", ::geteuid(),
                     "). Run `chown -R` for this user, or give another folder with --data")};
  if ((info.st_mode & 022) == 0) return {};
  // An empty folder holds nothing that others could have put there: it is closed at the start.
  std::error_code ec;
  const bool empty = std::filesystem::is_empty(path, ec);
  if (!ec && empty && info.st_uid == ::geteuid()) return {};
  return Error{str("the data folder ", path, " can be written by others (mode ", mode_text(info),
                   "): they could replace posts, users and the secret. Look through it, then run "
                   "`chmod 700 ",
                   path, "`")};
}

Result<void> prepare_data_folder(const std::string& path) {
  SX_CHECK(check_data_folder(path));
  std::error_code ec;
  std::filesystem::create_directories(path, ec);
  if (ec)
    return Error{str("the data folder ", path, " cannot be made: ", ec.message(),
                     ". Give another one with --data or SX_PERSIST_DIR")};
  struct stat info;
  if (::stat(path.c_str(), &info) == 0 && info.st_uid == ::geteuid() && (info.st_mode & 077) != 0)
    ::chmod(path.c_str(), 0700);
  return check_data_folder(path);
}

}  // namespace sx
