// sx serve, store, blog: the commands of an installation. Their options come from the table of
// settings (server/config/settings.def).
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <thread>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/cli/app_host.h"
#include "server/cli/hand_over.h"
#include "server/cli/serve_options.h"
#include "server/config/settings.h"
#include "server/http/access_log.h"
#include "server/http/metrics.h"
#include "server/worker/forms.h"
#include "server/worker/process_metrics.h"

namespace sx::cli {

namespace {

constexpr SettingScope kServeScopes[] = {SettingScope::Installation, SettingScope::Serve};

Result<void> run_setup(Installation& it, const Settings& settings, const std::string& login_url) {
  const std::string& user = settings.text(Setting::AdminUser);
  const std::string& given = settings.text(Setting::AdminPassword);
  const std::string password = given.empty() ? generate_password() : given;
  SX_TRY(auto engine, make_app_engine(it.app, nullptr));
  auto done = call_app(*engine, it.app, "setup",
                       {{"admin-user", user},
                        {"admin-password", password},
                        {"admin-password-made", given.empty() ? "1" : ""},
                        {"api-token", settings.text(Setting::ApiToken)},
                        {"grants", settings.text(Setting::Grants)},
                        {"demo", settings.flag(Setting::Demo) ? "1" : ""}});
  if (!done.ok()) return Error{str("The application's setup failed: ", done.error().message)};
  if (is_dict(done.value())) {
    const Value created =
        dict_get(engine->cx(), done.value(), engine->cx().keyword("admin-created"));
    if (!created.is_unset() && created.truthy() && given.empty()) {
      std::printf(
          "\n  First start: user %s, password %s\n  Log in at %s (this is shown once) and choose "
          "your "
          "own within a week\n\n",
          user.c_str(), password.c_str(), login_url.c_str());
      std::fflush(stdout);
    }
  }
  return {};
}

int fail(std::string_view message) {
  report_error(message);
  return 1;
}

// Everything that can be wrong with the configuration, at once; nothing is opened.
Result<void> check_configuration(Settings& settings) {
  const auto resolved = settings.resolve(process_environment(), kServeScopes);
  const auto folder = check_data_folder(settings.text(Setting::Data));
  if (resolved.ok()) return folder;
  if (folder.ok()) return resolved;
  return Error{str(resolved.error().message, "\n", folder.error().message)};
}

// Whether the application that is to take over could be loaded: found out while the old one serves.
Result<void> check_application(const std::string& app) {
  SX_TRY(auto source, find_app(app));
  return source.make_engine()->require_module(source.module);
}

// As many open files as the system allows us, and no more connections than fit: at its own limit
// the server closes the longest idle one to make room, which a failing accept() could not.
void fit_to_open_files(HttpConfig& http, const Settings& settings) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  if (files.rlim_cur < files.rlim_max) {
    const rlim_t before = files.rlim_cur;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) files.rlim_cur = before;
  }
  if (files.rlim_cur == RLIM_INFINITY) return;
  // Some are for the store, and for files that are sent and received.
  const auto all = static_cast<std::size_t>(files.rlim_cur);
  const std::size_t others = std::max<std::size_t>(64, all / 8);
  const std::size_t fit =
      all > others
          ? std::max<std::size_t>(1, (all - others) / std::max<std::size_t>(1, http.workers))
          : 1;
  if (http.connections_max <= fit) return;
  if (settings.given(Setting::ConnectionsMax))
    std::fprintf(stderr,
                 "sx: warning: this process may open %zu files (ulimit -Hn): %zu connections per "
                 "worker, not %zu\n",
                 all, fit, http.connections_max);
  http.connections_max = fit;
}

int cmd_serve(Settings& settings, const std::string& app, bool check_only, bool replace) {
  // A file that may not grow (ulimit -f) is an error of the write, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  if (const auto checked = check_configuration(settings); !checked.ok()) {
    report_error(checked.error().message);
    return 2;
  }
  for (const std::string& warning : settings.warnings())
    std::fprintf(stderr, "sx: warning: %s\n", warning.c_str());
  if (check_only) {
    std::printf("%s\nThe configuration is good.\n", settings.report(kServeScopes).c_str());
    return 0;
  }
  HttpConfig http = http_config(settings);
  fit_to_open_files(http, settings);
  http.inherited_sockets = left_sockets();
  std::optional<TakeOver> predecessor;
  if (replace) {
    if (settings.text(Setting::Store) == "memory:")
      return fail("a store in memory ends with its process: such a server cannot be replaced");
    if (const auto good = check_application(app); !good.ok()) return fail(good.error().message);
    auto asked = TakeOver::begin(settings.text(Setting::Data));
    if (!asked.ok()) return fail(asked.error().message);
    if (*asked) {
      predecessor.emplace(*std::move(*asked));
      http.inherited_sockets = predecessor->listening_sockets();
      if (const auto ours = predecessor->wait_for_store(); !ours.ok())
        return fail(ours.error().message);
    }
  }
  auto opened = open_installation(settings, app);
  if (!opened.ok()) return fail(opened.error().message);
  Installation& it = **opened;

  if (const std::string& format = settings.text(Setting::AccessLog); format != "none") {
    AccessLogConfig log;
    log.format = format == "common"     ? AccessLogConfig::Format::Common
                 : format == "combined" ? AccessLogConfig::Format::Combined
                                        : AccessLogConfig::Format::Json;
    log.path = settings.text(Setting::AccessLogFile);
    auto made = AccessLog::open(log);
    if (!made.ok()) return fail(made.error().message);
    http.access_log = made.take();
  }
  const std::string shown_host =
      http.address == "0.0.0.0" || http.address == "::" ? "localhost" : http.address;
  const std::string base =
      http.base_url.empty()
          ? str("http://", shown_host == "127.0.0.1" ? "localhost" : shown_host, ":", http.port)
          : http.base_url;
  const auto setup = run_setup(it, settings, base + "/login");
  if (!setup.ok()) return fail(setup.error().message);

  // The start is over when every worker's application is made; one that fails stops it.
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t ready = 0;
  std::string failure;
  it.app.on_ready = [&](Result<void> made) {
    const std::lock_guard lock(mutex);
    ++ready;
    if (!made.ok() && failure.empty()) failure = made.error().message;
    changed.notify_one();
  };
  HttpServer server;
  it.app.system.metrics = [&server, &it] {
    return server.metrics().prometheus() + process_metrics(*it.store);
  };
  it.app.system.store_answers = [&it] { return it.store->answers(); };
  it.app.system.metrics_token = settings.text(Setting::MetricsToken);
  it.app.system.public_name = !http.base_url.empty();
  http.reads_body = is_multipart_form;
  const auto started =
      server.start(http, [&it](Worker& worker) { return make_isolate(worker, it.app); });
  if (!started.ok()) return fail(started.error().message);
  {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::minutes(5),
                     [&] { return ready == http.workers || !failure.empty(); });
    if (ready < http.workers && failure.empty())
      failure = "the application did not become ready within five minutes";
    if (!failure.empty()) {
      lock.unlock();
      server.stop_gracefully(0);
      server.wait();
      return fail(failure);
    }
  }
  // Other commands reach the store through us. They never hold up requests: a thread of their own.
  const auto drain_ms = static_cast<std::uint32_t>(settings.number(Setting::DrainTimeoutMs));
  HandOver successor(server, drain_ms);
  auto control = ControlServer::start(
      it.data,
      [&it](const std::vector<std::string>& words, const CommandOutput& output) {
        return run_installation_command(it, words, output);
      },
      [&successor](int channel) { successor.begin(channel); });
  if (!control.ok())
    report_error(str(control.error().message,
                     "; `sx blog import` and other commands cannot reach this server"));
  const std::string process = predecessor ? str(" (process ", ::getpid(), ")") : "";
  std::printf("sx: serving %s on http://%s:%u/ with %zu worker%s, data in %s%s\n",
              it.app.app_module.c_str(), shown_host.c_str(), server.port(), http.workers,
              http.workers == 1 ? "" : "s", it.data.c_str(), process.c_str());
  std::fflush(stdout);
  if (predecessor) {
    for (const int fd : predecessor->take_connections()) server.adopt(fd);
    predecessor->done();
  }
  server.run_until_signal(drain_ms, [] {
    if (const auto started = start_successor(); !started.ok())
      report_error(str(started.error().message, "; this server goes on"));
  });
  it.http_client->stop();  // it answers workers, which are gone now
  if (control.ok()) control.take().reset();
  it.store->close();
  if (!successor.began() || successor.finish()) return 0;
  return fail(successor.restart_in_place().message);
}

bool all_options_wanted = false;

void add_setting_option(CLI::App* command, Settings& settings, const SettingRow& row) {
  const std::string described = str(row.meaning, " [", row.variable, "]");
  CLI::Option* option = nullptr;
  if (row.kind == SettingKind::Flag) {
    option = command->add_flag_function(
        std::string(row.option), [&settings, id = row.id](std::int64_t) { settings.give(id, "1"); },
        described);
  } else {
    option = command->add_option_function<std::string>(
        std::string(row.option),
        [&settings, id = row.id](const std::string& value) { settings.give(id, value); },
        described);
    option->type_name(std::string(setting_placeholder(row.kind)));
    if (!row.fallback.empty()) option->default_str(std::string(row.fallback));
  }
  option->group(std::string(row.group));
}

}  // namespace

// Made when the command is met: there are hundreds over all commands, a third of what the start of
// any other command costs.
void add_setting_options(CLI::App* command, Settings& settings, bool serves) {
  const auto make = [command, &settings, serves](std::size_t) {
    for (const SettingRow& row : setting_rows())
      if (!row.option.empty() &&
          (row.scope == SettingScope::Installation || (serves && row.scope == SettingScope::Serve)))
        add_setting_option(command, settings, row);
  };
  if (all_options_wanted) return make(0);
  command->preparse_callback(make);
}

void add_serve_commands(CLI::App& app, int& status, bool all_options) {
  all_options_wanted = all_options;
  static Settings settings;
  static std::string text;
  static bool json = false, dry_run = false, check_only = false, replace = false;

  auto* serve = app.add_subcommand("serve", "serve an application; without one, the blog");
  serve->add_option("APP", text, "a bundle, a source file or a folder");
  serve->add_flag(
      "--replace", replace,
      "take the place of the server that runs on this data folder, without a request lost");
  serve->add_flag("--check-config", check_only,
                  "check all settings and show where each comes from; start nothing");
  add_setting_options(serve, settings, true);
  serve->footer(
      "Options win over the environment variables in brackets. Secrets come from the environment "
      "only:\nSX_SECRET SX_ADMIN_PASSWORD SX_API_TOKEN SX_METRICS_TOKEN and others, or from files "
      "that\nSX_…_FILE name. All settings: docs/configuration.md");
  serve->callback([&] { status = cmd_serve(settings, text, check_only, replace); });

  auto* routes = app.add_subcommand("routes", "what an application answers to");
  routes->add_option("APP", text, "a bundle, a source file or a folder; default: the blog");
  routes->add_flag("--json", json);
  routes->callback([&] { status = cmd_routes(text, json); });

  add_people_commands(app, settings, status);

  add_store_commands(app, settings, status);

  auto* blog = app.add_subcommand("blog", "the blog's content");
  blog->require_subcommand(1);
  auto* import =
      blog->add_subcommand("import", "import a folder of Markdown (Jekyll, Hugo, Zola or plain)");
  import->add_option("DIR", text)->required();
  import->add_flag("--dry-run", dry_run, "report only");
  add_setting_options(import, settings);
  import->callback([&] {
    std::error_code ec;
  const std::string folder = std::filesystem::absolute(text, ec).lexically_normal().string();
  status = dry_run ? plan_site(text, terminal_output())
                   : cmd_installation(settings, {"blog", "import", folder}, true);
});
}  // namespace sx::cli

}  // namespace sx::cli
