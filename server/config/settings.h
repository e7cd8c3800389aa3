// The settings of an installation: one table (settings.def), read from the command line and the
// environment, checked as a whole before anything is opened.
//
//   Settings settings;
//   settings.give(Setting::HttpPort, "8001");           // from the command line
//   SX_CHECK(settings.resolve(process_environment()));  // everything that is wrong, in one error
//   settings.number(Setting::HttpPort);
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace sx {

struct HttpConfig;  // server/http/http.h

enum class Setting {
#define SX_SETTING(id, ...) id,
#include "server/config/settings.def"
#undef SX_SETTING
};

enum class SettingKind {
  Text,
  Number,
  Choice,
  Flag,     // 1 true yes on, 0 false no off
  Path,     // of a file or folder
  Address,  // an IP address, or localhost
  BaseUrl,  // http(s)://host[:port]
  Hosts,    // names, with port or wildcard
  Proxies,  // addresses or blocks
  Store,    // URL of a store
  UserName,
  Grants,  // USER:ACTION[:RESOURCE]
  Secret,  // never shown
};

enum class SettingScope { Installation, Serve, Command };

struct SettingRow {
  Setting id;
  SettingKind kind;
  std::string_view variable;
  std::string_view option;
  std::string_view fallback;
  std::string_view expected;
  SettingScope scope;
  std::string_view group;
  std::string_view meaning;
};

std::span<const SettingRow> setting_rows();
const SettingRow& setting_row(Setting id);

// What a kind looks like on the command line: NUMBER, PATH, …
std::string_view setting_placeholder(SettingKind kind);

using Environment = std::vector<std::pair<std::string, std::string>>;
Environment process_environment();

// What is wrong with a value, a sentence that names what was found (never a secret) and what was
// expected; nullopt if nothing is.
std::optional<std::string> setting_problem(const SettingRow& row, std::string_view value);

class Settings {
 public:
  enum class Source { Fallback, Environment, File, Option };

  // A value of the command line.
  void give(Setting id, std::string value);

  // Reads the environment and checks every value in one of the scopes. The error lists all that is
  // wrong, one line each. Warnings are sentences about what works, but hardly as meant.
  Result<void> resolve(const Environment& environment, std::span<const SettingScope> scopes);
  Result<void> resolve(const Environment& environment);  // of every scope
  const std::vector<std::string>& warnings() const { return warnings_; }

  bool given(Setting id) const;  // by option or environment
  Source source(Setting id) const { return values_[index(id)].source; }
  const std::string& text(Setting id) const { return values_[index(id)].text; }
  std::int64_t number(Setting id) const;  // of a Number that has a value
  bool flag(Setting id) const;
  std::vector<std::string> list(Setting id) const;  // split at commas and spaces

  // The value as it may be shown: "(set)" for a secret, passwords inside a store's URL as ***.
  std::string shown(Setting id) const;

  // Every setting of the scopes with its value and where that comes from, one line each.
  std::string report(std::span<const SettingScope> scopes) const;

 private:
  struct Value {
    std::string text;
    Source source = Source::Fallback;
  };
  static std::size_t index(Setting id) { return static_cast<std::size_t>(id); }
  void read_environment(const Environment& environment, std::vector<std::string>& problems);
  void find_unknown(const Environment& environment);
  void warn_of_doubtful();

  std::vector<Value> values_{setting_rows().size()};
  std::vector<std::string> warnings_;
};

// The part of the settings that the HTTP server takes (settings_http.cpp).
HttpConfig http_config(const Settings& settings);

// The data folder: made if it is missing, with mode 0700. An error says why the server must not use
// it: it is no folder, cannot be written, or others may write in it.
Result<void> prepare_data_folder(const std::string& path);

// The same without changing anything: for a check of the configuration alone.
Result<void> check_data_folder(const std::string& path);

}  // namespace sx
