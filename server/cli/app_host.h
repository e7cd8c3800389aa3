// What the commands that work on an installation share: data folder, secret, store, blobs, and the
// application's configuration.
#pragma once

#include <memory>
#include <string>

#include "server/cli/cli.h"
#include "server/cli/control.h"
#include "server/config/settings.h"
#include "server/worker/isolate.h"

namespace CLI {
class App;
}

namespace sx::cli {

// Opened parts of one installation. Members are destroyed in reverse order.
struct Installation {
  std::string data;
  std::string store_url;  // as it is compared: of SQLite with an absolute path
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::BlobStore> blobs;
  std::unique_ptr<PasswordPool> passwords;
  std::unique_ptr<HttpClient> http_client;
  std::unique_ptr<StaticFiles> static_files;
  AppConfig app;
};

// Where an application comes from: a module, a bundle, a source file or a folder; "": the blog.
struct AppSource {
  std::string module;
  std::function<std::unique_ptr<Engine>()> make_engine;  // with its module roots and bundle
};
Result<AppSource> find_app(const std::string& given);

// Environment variable, or the default when unset or empty.
std::string env_or(const char* name, const std::string& fallback);

// Opens everything, for an application as find_app() takes it. The settings are resolved.
Result<std::unique_ptr<Installation>> open_installation(const Settings& settings,
                                                        const std::string& app);

// Runs a command's words ("blog" "import" DIR …) on an open installation: by the owner of the store
// for itself and for those who ask over the control socket.
int run_installation_command(Installation& installation, const std::vector<std::string>& words,
                             const CommandOutput& output);

// The same from the command line: by the running server if there is one, else here. makes_store:
// where there is no store yet, one is made.
int cmd_installation(Settings& settings, const std::vector<std::string>& words,
                     bool makes_store = false);

// cmd_people.cpp: sx user, token, secret
void add_people_commands(CLI::App& app, Settings& settings, int& status);

// cmd_serve.cpp: the options of a command, from the table of settings; with those of serving, too.
void add_setting_options(CLI::App* command, Settings& settings, bool serves = false);

// cmd_store.cpp: sx store
void add_store_commands(CLI::App& app, Settings& settings, int& status);
int run_store_command(Installation& installation, const std::vector<std::string>& words,
                      const CommandOutput& output);

// cmd_routes.cpp
int cmd_routes(const std::string& app, bool json);

// cmd_import.cpp
int import_site(Installation& installation, const std::string& dir, const CommandOutput& output);
int plan_site(const std::string& dir, const CommandOutput& output);

}  // namespace sx::cli
