// See settings.h. What each kind of value must look like: settings_check.cpp.
#include "server/config/settings.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "engine/base/edit_distance.h"
#include "engine/base/str.h"

extern char** environ;

namespace sx {
namespace {

constexpr SettingRow kRows[] = {
#define SX_SETTING(id, kind, variable, option, fallback, expected, scope, group, meaning) \
  {Setting::id, SettingKind::kind,   variable, option, fallback,                          \
   expected,    SettingScope::scope, group,    meaning},
#include "server/config/settings.def"
#undef SX_SETTING
};

constexpr SettingScope kEveryScope[] = {SettingScope::Installation, SettingScope::Serve,
                                        SettingScope::Command};

// Variables that scripts, builds and tests read: no setting of a server, and no mistake.
constexpr std::string_view kToolVariables[] = {"SX_ROOT", "SX_BINARY", "SX_SANITIZED",
                                               "SX_TEST_LONG", "SX_TEST_TIMEOUT_MS"};

constexpr std::string_view kFileSuffix = "_FILE";

std::string_view nearest_variable(std::string_view name) {
  std::string_view best;
  int most = static_cast<int>(std::max<std::size_t>(2, name.size() / 3));
  for (const SettingRow& row : kRows) {
    const int distance = edit_distance(name, row.variable, most);
    if (distance > most) continue;
    most = distance - 1;  // the first of those that are as near
    best = row.variable;
  }
  return best;
}

// Without the line end that editors and `echo` put there.
Result<std::string> secret_from_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{str("cannot be read: ", std::strerror(errno))};
  std::stringstream content;
  content << file.rdbuf();
  if (file.bad()) return Error{str("cannot be read: ", std::strerror(errno))};
  std::string text = content.str();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return Error{"is empty; expected the secret as its only line"};
  return text;
}

// Where a value came from, as its reader would name it.
std::string name_of(const SettingRow& row, Settings::Source source) {
  if (source == Settings::Source::Option) return std::string(row.option);
  if (source == Settings::Source::File) return str(row.variable, kFileSuffix);
  return std::string(row.variable);
}

bool in_scope(const SettingRow& row, std::span<const SettingScope> scopes) {
  return std::find(scopes.begin(), scopes.end(), row.scope) != scopes.end();
}

}  // namespace

std::span<const SettingRow> setting_rows() { return kRows; }

const SettingRow& setting_row(Setting id) { return kRows[static_cast<std::size_t>(id)]; }

Environment process_environment() {
  Environment out;
  for (char** at = environ; at && *at; ++at) {
    const std::string_view entry = *at;
    const std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos && entry.starts_with("SX_"))
      out.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return out;
}

void Settings::give(Setting id, std::string value) {
  values_[index(id)] = {std::move(value), Source::Option};
}

void Settings::read_environment(const Environment& environment,
                                std::vector<std::string>& problems) {
  auto variable = [&](std::string_view name) -> const std::string* {
    for (const auto& [key, value] : environment)
      if (key == name && !value.empty()) return &value;
    return nullptr;
  };
  for (const SettingRow& row : kRows) {
    Value& value = values_[index(row.id)];
    if (value.source == Source::Option) continue;
    value = {std::string(row.fallback), Source::Fallback};
    if (row.variable.empty()) continue;
    const std::string* direct = variable(row.variable);
    if (direct) value = {*direct, Source::Environment};
    if (row.kind != SettingKind::Secret) continue;
    const std::string file_variable = str(row.variable, kFileSuffix);
    const std::string* file = variable(file_variable);
    if (!file) continue;
    if (direct) {
      problems.push_back(str(row.variable, " and ", file_variable,
                             " are both set; expected one of them: unset the other"));
      continue;
    }
    auto text = secret_from_file(*file);
    if (text.ok()) {
      value = {text.take(), Source::File};
    } else {
      problems.push_back(str(file_variable, " names ", *file, ", which ", text.error().message));
    }
  }
}

void Settings::find_unknown(const Environment& environment) {
  for (const auto& [name, value] : environment) {
    const bool tool = std::find(std::begin(kToolVariables), std::end(kToolVariables), name) !=
                      std::end(kToolVariables);
    const bool known = std::any_of(std::begin(kRows), std::end(kRows), [&](const SettingRow& row) {
      return row.variable == name ||
             (row.kind == SettingKind::Secret && name == str(row.variable, kFileSuffix));
    });
    if (tool || known) continue;
    const std::string_view nearest = nearest_variable(name);
    warnings_.push_back(str(name, " is no setting of this version and is ignored",
                            nearest.empty() ? "" : str("; did you mean ", nearest, "?")));
  }
}

void Settings::warn_of_doubtful() {
  const std::string& base = text(Setting::BaseUrl);
  const std::string& address = text(Setting::HttpHost);
  const bool everywhere = address == "0.0.0.0" || address == "::";
  if (base.starts_with("https:") && text(Setting::TrustedProxies).empty())
    warnings_.push_back(
        "SX_BASE_URL is https, but SX_TRUSTED_PROXIES is not set: every visitor seems to come from "
        "the proxy, so one who guesses passwords slows down all logins. Set it to the proxy's "
        "address");
  if (everywhere && base.empty() && text(Setting::Hosts).empty())
    warnings_.push_back(str("listening on ", address,
                            " without SX_BASE_URL or SX_HOSTS: requests for other names than "
                            "localhost get 421. Set one of them to the server's name"));
  for (const std::string& proxy : list(Setting::TrustedProxies))
    if (proxy.ends_with("/0"))
      warnings_.push_back(str("SX_TRUSTED_PROXIES has ", proxy,
                              ": anybody can claim any address. List the proxy's own address"));
  if (given(Setting::ApiToken) && text(Setting::ApiToken).size() < 24)
    warnings_.push_back(
        "SX_API_TOKEN has less than 24 characters and may be guessed. Use the output of `openssl "
        "rand -hex 32`");
}

Result<void> Settings::resolve(const Environment& environment) {
  return resolve(environment, kEveryScope);
}

Result<void> Settings::resolve(const Environment& environment,
                               std::span<const SettingScope> scopes) {
  std::vector<std::string> problems;
  warnings_.clear();
  read_environment(environment, problems);
  for (const SettingRow& row : kRows) {
    const Value& value = values_[index(row.id)];
    if (value.source == Source::Fallback || !in_scope(row, scopes)) continue;
    if (auto problem = setting_problem(row, value.text))
      problems.push_back(str(name_of(row, value.source), " ", *problem));
  }
  if (problems.empty()) {
    if (in_scope(setting_row(Setting::HttpHost), scopes)) {
      find_unknown(environment);
      warn_of_doubtful();
    }
    return {};
  }
  std::string all =
      problems.size() == 1 ? "a setting is wrong" : str(problems.size(), " settings are wrong");
  for (const std::string& problem : problems) all += str("\n  ", problem);
  return Error{str(all,
                   "\n`sx serve --help` lists all settings; `sx serve --check-config` checks "
                   "them and starts nothing")};
}

bool Settings::given(Setting id) const {
  const Value& value = values_[index(id)];
  return value.source != Source::Fallback && !value.text.empty();
}

std::int64_t Settings::number(Setting id) const {
  return std::strtoll(text(id).c_str(), nullptr, 10);
}

bool Settings::flag(Setting id) const {
  const std::string& value = text(id);
  return value == "1" || value == "true" || value == "yes" || value == "on";
}

std::vector<std::string> Settings::list(Setting id) const {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text(id) + ",") {
    if (c != ',' && c != ' ') {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::exchange(word, {}));
    }
  }
  return out;
}

std::string Settings::shown(Setting id) const {
  const SettingRow& row = setting_row(id);
  const std::string& value = text(id);
  if (value.empty()) return "-";
  if (row.kind == SettingKind::Secret) return "(set, not shown)";
  if (row.kind != SettingKind::Store) return value;
  // scheme://user:password@host…
  const std::size_t start = value.find("://");
  const std::size_t at = value.rfind('@');
  if (start == std::string::npos || at == std::string::npos || at < start + 3) return value;
  const std::size_t colon = value.find(':', start + 3);
  if (colon == std::string::npos || colon > at) return value;
  return str(value.substr(0, colon + 1), "***", value.substr(at));
}

std::string Settings::report(std::span<const SettingScope> scopes) const {
  std::string out;
  std::string_view group;
  for (const SettingRow& row : kRows) {
    if (!in_scope(row, scopes)) continue;
    if (row.group != group) out += str(out.empty() ? "" : "\n", row.group, "\n");
    group = row.group;
    const char* from = "";
    switch (source(row.id)) {
      case Source::Fallback:
        from = "default";
        break;
      case Source::Environment:
        from = "environment";
        break;
      case Source::File:
        from = "file";
        break;
      case Source::Option:
        from = "option";
        break;
    }
    std::string name(row.variable);
    name.resize(std::max<std::size_t>(name.size() + 1, 30), ' ');
    out += str("  ", name, shown(row.id), "  (", from, ")\n");
  }
  return out;
}

}  // namespace sx
