// sx serve, user, store, blog: the commands of an installation, and their options.
// Configuration: flag, then environment, then default.
#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/cli/app_host.h"
#include "server/cli/serve_options.h"
#include "server/http/access_log.h"
#include "server/http/metrics.h"
#include "server/worker/process_metrics.h"

namespace sx::cli {

namespace {

struct ServeOptions {
  InstallationOptions installation;
  std::string host, access_log = "json", access_log_file;
  int port = -1;
  std::size_t workers = 0;
  bool demo = false;
  HttpConfig http;
};

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text + ",") {
    if (c == ',' || c == ' ') {
      if (!word.empty()) out.push_back(word);
      word.clear();
    } else {
      word += c;
    }
  }
  return out;
}

Result<int> port_of(const ServeOptions& options) {
  if (options.port >= 0) return options.port;
  const std::string text = env_or("SX_HTTP_PORT", "8000");
  char* end = nullptr;
  const long port = std::strtol(text.c_str(), &end, 10);
  if (*end != '\0' || port < 0 || port > 65535)
    return Error{str("SX_HTTP_PORT is ", text, "; expected a number from 0 to 65535")};
  return static_cast<int>(port);
}

Result<void> run_setup(Installation& it, const ServeOptions& options,
                       const std::string& login_url) {
  const std::string user = env_or("SX_ADMIN_USER", "admin");
  const std::string given = env_or("SX_ADMIN_PASSWORD", "");
  const std::string password = given.empty() ? generate_password() : given;
  SX_TRY(auto engine, make_app_engine(it.app, nullptr));
  auto done = call_app(*engine, it.app, "setup",
                       {{"admin-user", user},
                        {"admin-password", password},
                        {"api-token", env_or("SX_API_TOKEN", "")},
                        {"demo", options.demo ? "1" : ""}});
  if (!done.ok()) return Error{str("The application's setup failed: ", done.error().message)};
  if (is_dict(done.value())) {
    const Value created =
        dict_get(engine->cx(), done.value(), engine->cx().keyword("admin-created"));
    if (!created.is_unset() && created.truthy() && given.empty()) {
      std::printf("\n  First start: user %s, password %s\n  Log in at %s (this is shown once)\n\n",
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

int cmd_serve(ServeOptions& options) {
  const auto port = port_of(options);
  if (!port.ok()) return fail(port.error().message);
  auto opened = open_installation(options.installation);
  if (!opened.ok()) return fail(opened.error().message);
  Installation& it = **opened;

  HttpConfig& http = options.http;
  http.address = options.host.empty() ? env_or("SX_HTTP_HOST", "127.0.0.1") : options.host;
  http.port = static_cast<std::uint16_t>(port.value());
  http.workers =
      options.workers ? options.workers : std::max(1u, std::thread::hardware_concurrency());
  http.hosts = words(env_or("SX_HOSTS", ""));
  http.base_url = env_or("SX_BASE_URL", "");
  http.trusted_proxies = words(env_or("SX_TRUSTED_PROXIES", ""));
  if (options.access_log != "none") {
    AccessLogConfig log;
    log.format = options.access_log == "common" ? AccessLogConfig::Format::Common
                                                : AccessLogConfig::Format::Json;
    log.path = options.access_log_file;
    auto made = AccessLog::open(log);
    if (!made.ok()) return fail(made.error().message);
    http.access_log = made.take();
  }
  const std::string shown_host =
      http.address == "0.0.0.0" || http.address == "::" ? "localhost" : http.address;
  const std::string base =
      http.base_url.empty()
          ? str("http://", shown_host == "127.0.0.1" ? "localhost" : shown_host, ":", port.value())
          : http.base_url;
  const auto setup = run_setup(it, options, base + "/login");
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
  it.app.system.metrics_token = env_or("SX_METRICS_TOKEN", "");
  it.app.system.public_name = !http.base_url.empty();
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
  auto control = ControlServer::start(
      it.data, [&it](const std::vector<std::string>& words, const CommandOutput& output) {
        return run_installation_command(it, words, output);
      });
  if (!control.ok())
    report_error(str(control.error().message,
                     "; `sx blog import` and other commands cannot reach this server"));
  std::printf("sx: serving %s on http://%s:%u/ with %zu worker%s, data in %s\n",
              it.app.app_module.c_str(), shown_host.c_str(), server.port(), http.workers,
              http.workers == 1 ? "" : "s", it.data.c_str());
  std::fflush(stdout);
  server.run_until_signal(10'000);
  it.http_client->stop();  // it answers workers, which are gone now
  if (control.ok()) control.take().reset();
  it.store->close();
  return 0;
}

}  // namespace

void add_serve_commands(CLI::App& app, int& status) {
  static ServeOptions serve_options;
  ServeOptions& o = serve_options;
  static std::string text;
  static bool json = false, dry_run = false;

  auto installation = [&o](CLI::App* command) {
    command->add_option("--data", o.installation.data, "data folder (SX_PERSIST_DIR, ./data)");
    command->add_option("--store", o.installation.store,
                        "sqlite:PATH or memory: (default: sqlite in the data folder)");
  };

  auto* serve = app.add_subcommand("serve", "serve an application; without one, the blog");
  serve->add_option("APP", o.installation.app, "a bundle, a source file or a folder");
  installation(serve);
  serve->add_option("--host", o.host, "address to listen on (SX_HTTP_HOST, 127.0.0.1)");
  serve->add_option("--port", o.port, "port (SX_HTTP_PORT, 8000; 0: any free one)")
      ->check(CLI::Range(0, 65535));
  serve->add_option("--workers", o.workers, "worker threads (one per core)")
      ->check(CLI::Range(1, 256));
  serve->add_option("--access-log", o.access_log, "json, common or none")
      ->check(CLI::IsMember({"json", "common", "none"}));
  serve->add_option("--access-log-file", o.access_log_file, "default: standard error");
  serve->add_flag("--demo", o.demo, "fill an empty installation with example posts");
  serve->add_option("--header-bytes-max", o.http.header_bytes_max);
  serve->add_option("--body-bytes-max", o.http.body_bytes_max);
  serve->add_option("--header-timeout-ms", o.http.header_timeout_ms);
  serve->add_option("--body-timeout-ms", o.http.body_timeout_ms);
  serve->add_option("--idle-timeout-ms", o.http.idle_timeout_ms);
  serve->add_option("--handler-timeout-ms", o.http.handler_timeout_ms);
  serve->add_option("--write-timeout-ms", o.http.write_timeout_ms);
  serve->add_option("--connections-max", o.http.connections_max, "per worker");
  serve->add_option("--requests-max", o.http.requests_max, "in flight, per worker");
  serve->callback([&] { status = cmd_serve(serve_options); });

  auto* routes = app.add_subcommand("routes", "what an application answers to");
  routes->add_option("APP", text, "a bundle, a source file or a folder; default: the blog");
  routes->add_flag("--json", json);
  routes->callback([&] { status = cmd_routes(text, json); });

  auto* user = app.add_subcommand("user", "users of the installation");
  user->require_subcommand(1);
  auto* add = user->add_subcommand(
      "add", "make a user; the password is SX_USER_PASSWORD or made and printed");
  add->add_option("NAME", text)->required();
  installation(add);
  add->callback([&] {
    std::vector<std::string> words{"user", "add", text};
    if (const std::string password = env_or("SX_USER_PASSWORD", ""); !password.empty())
      words.push_back(password);
    status = cmd_installation(serve_options.installation, words);
  });

  auto* store = app.add_subcommand("store", "the event store");
  store->require_subcommand(1);
  auto* verify = store->add_subcommand("verify", "recompute every hash and checksum");
  installation(verify);
  verify->add_flag("--json", json);
  verify->callback([&] {
    status =
        cmd_installation(serve_options.installation, {"store", "verify", json ? "--json" : ""});
  });
  auto* stats = store->add_subcommand("stats", "what is in it");
  installation(stats);
  stats->add_flag("--json", json);
  stats->callback([&] {
    status = cmd_installation(serve_options.installation, {"store", "stats", json ? "--json" : ""});
  });

  auto* blog = app.add_subcommand("blog", "the blog's content");
  blog->require_subcommand(1);
  auto* import =
      blog->add_subcommand("import", "import a folder of Markdown (Jekyll, Hugo, Zola or plain)");
  import->add_option("DIR", text)->required();
  import->add_flag("--dry-run", dry_run, "report only");
  installation(import);
  import->callback([&] { 
    std::error_code ec;
  const std::string folder = std::filesystem::absolute(text, ec).lexically_normal().string();
  status = dry_run ? plan_site(text, terminal_output())
                   : cmd_installation(serve_options.installation, {"blog", "import", folder});
});
}  // namespace sx::cli

}  // namespace sx::cli
