#include "server/cli/app_host.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/crypto/secret.h"
#include "server/io/http_servicer.h"

namespace sx::cli {

namespace fs = std::filesystem;

std::string env_or(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value && *value ? value : fallback;
}

namespace {

// Files below /static/: what is embedded, and in a checkout what the build made there.
Result<std::unique_ptr<StaticFiles>> open_static() {
  StaticFilesConfig config;
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name.substr(0, 7) == "static/")
      config.embedded.emplace(
          file.name.substr(7),
          std::string_view(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()));
  }
  std::string root = env_or("SX_STATIC_DIR", "");
  if (root.empty()) {
    const std::string project = env_or("SX_PROJECT_DIR", ".");
    std::error_code ec;
    if (fs::is_directory(fs::path(project) / "build/static", ec))
      root = (fs::path(project) / "build/static").string();
  }
  config.root = root;
  return StaticFiles::open(std::move(config));
}

}  // namespace

Result<AppSource> find_app(const std::string& given) {
  const std::string app = given.empty() ? "blog/app" : given;
  std::error_code ec;
  std::string near = env_or("SX_PROJECT_DIR", ".");
  std::string bundle;
  std::string module = app;
  if (app.ends_with(".sxbc")) {
    SX_TRY(bundle, read_file(app));
    near = app;
  } else if (fs::is_directory(app, ec)) {
    near = app;
    module = "app";
  } else if (app.ends_with(".sx")) {
    near = app;
    module = fs::path(app).stem().string();
  }
  auto shared_bundle = std::make_shared<std::string>(std::move(bundle));
  AppSource made;
  made.module = module;
  made.make_engine = [near, shared_bundle, app] {
    EngineOptions engine_options;
    engine_options.near = near;
    engine_options.heap_limit = std::size_t{1} << 30;
    auto engine = cli::make_engine(engine_options);
    if (!shared_bundle->empty()) {
      const auto added = engine->add_bundle(*shared_bundle, app);
      if (!added.ok()) engine->on_notice(added.error().message);
    }
    return engine;
  };
  if (!shared_bundle->empty()) {
    auto probe = made.make_engine();
    if (probe->last_bundle_entry().empty())
      return Error{str(app, ": the bundle has no entry module")};
    made.module = probe->last_bundle_entry();
  }
  return made;
}

void add_host_servicers(Runner& runner) {
  add_http_servicer(
      runner,
      []() -> HttpClient& {
        static HttpClient client;
        return client;
      },
      nullptr);
}

Result<std::unique_ptr<Installation>> open_installation(InstallationOptions options) {
  auto made = std::make_unique<Installation>();
  Installation& it = *made;
  it.data = options.data.empty() ? env_or("SX_PERSIST_DIR", "data") : options.data;
  std::error_code ec;
  fs::create_directories(it.data, ec);
  if (ec)
    return Error{str(it.data, ": the data folder cannot be made: ", ec.message(),
                     ". Give another one with --data or SX_PERSIST_DIR.")};
  ::chmod(it.data.c_str(), 0700);
  SX_TRY(it.secret, load_or_create_secret(it.data));
  const std::string url = options.store.empty()
                              ? str("sqlite:", (fs::path(it.data) / "store.db").string())
                              : options.store;
  SX_TRY(it.store, store::open_store(url));
  SX_TRY(auto blobs, store::BlobStore::open((fs::path(it.data) / "blobs").string()));
  it.blobs = std::make_unique<store::BlobStore>(std::move(blobs));
  it.passwords = std::make_unique<PasswordPool>();
  it.http_client = std::make_unique<HttpClient>();
  SX_TRY(it.static_files, open_static());

  SX_TRY(auto source, find_app(options.app));
  it.app.app_module = source.module;
  it.app.make_engine = source.make_engine;
  it.app.store = it.store.get();
  it.app.blobs = it.blobs.get();
  it.app.passwords = it.passwords.get();
  it.app.http_client = it.http_client.get();
  it.app.static_files = it.static_files.get();
  it.app.root_secret = it.secret;
  it.app.log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  it.app.settings = {{"base-url", env_or("SX_BASE_URL", "")},
                     {"title", env_or("SX_TITLE", "")},
                     {"tagline", env_or("SX_TAGLINE", "")}};
  return made;
}

namespace {

int fail(const CommandOutput& output, std::string_view message) {
  output.err(str("error: ", message, "\n"));
  return 1;
}

// words: user add NAME [PASSWORD]
int add_user(Installation& it, const std::string& name, const std::string& given,
             const CommandOutput& output) {
  auto engine = make_app_engine(it.app, nullptr);
  if (!engine.ok()) return fail(output, engine.error().message);
  const std::string password = given.empty() ? generate_password() : given;
  const auto added =
      call_app(**engine, it.app, "add-user", {{"user", name}, {"password", password}});
  if (!added.ok()) return fail(output, added.error().message);
  if (!added.value().truthy()) return fail(output, str("the user ", name, " exists already"));
  output.out(given.empty() ? str("user ", name, ", password ", password, "\n")
                           : str("user ", name, " added\n"));
  return 0;
}

int verify_store(Installation& it, bool json, const CommandOutput& output) {
  auto report = it.store->verify();
  if (!report.ok()) return fail(output, report.error().message);
  const bool good = !report->bad.has_value();
  if (json) {
    output.out(str("{\"ok\":", good ? "true" : "false", ",\"events\":", report->events,
                   ",\"compacted\":", report->compacted, ",\"head\":\"", report->head, "\"}\n"));
  } else if (good) {
    output.out(str("verified ", report->events, " events (", report->compacted,
                   " compacted), head ", report->head, "\n"));
  } else {
    fail(output, str("damaged at position ", report->bad->pos, " (", report->bad->stream, " ",
                     report->bad->seq, "): ", report->bad->what));
  }
  return good ? 0 : 1;
}

int store_stats(Installation& it, bool json, const CommandOutput& output) {
  auto stats = it.store->stats();
  if (!stats.ok()) return fail(output, stats.error().message);
  const char* names[] = {"events", "streams", "keys", "outbox", "bytes"};
  const std::uint64_t counts[] = {stats->committed, stats->streams, stats->kv_keys, stats->outbox,
                                  stats->bytes};
  std::string text = json ? "{" : "";
  for (int i = 0; i < 5; ++i) {
    if (i > 0) text += json ? "," : ", ";
    text += json ? str("\"", names[i], "\":", counts[i]) : str(names[i], " ", counts[i]);
  }
  output.out(str(text, json ? "}\n" : "\n"));
  return 0;
}

}  // namespace

int run_installation_command(Installation& it, const std::vector<std::string>& words,
                             const CommandOutput& output) {
  auto is = [&](std::size_t i, std::string_view word) {
    return i < words.size() && words[i] == word;
  };
  if (is(0, "blog") && is(1, "import") && words.size() == 3)
    return import_site(it, words[2], output);
  if (is(0, "user") && is(1, "add") && words.size() >= 3)
    return add_user(it, words[2], words.size() > 3 ? words[3] : "", output);
  if (is(0, "store") && is(1, "verify")) return verify_store(it, is(2, "--json"), output);
  if (is(0, "store") && is(1, "stats")) return store_stats(it, is(2, "--json"), output);
  return fail(output, "this server does not know that command; it is of another version");
}

int cmd_installation(const InstallationOptions& options, const std::vector<std::string>& words) {
  const CommandOutput output = terminal_output();
  const std::string data = options.data.empty() ? env_or("SX_PERSIST_DIR", "data") : options.data;
  if (options.store.empty())
    if (const auto status = run_by_owner(data, words, output)) return *status;
  auto installation = open_installation(options);
  if (!installation.ok()) return fail(output, installation.error().message);
  const int status = run_installation_command(**installation, words, output);
  (*installation)->store->close();
  return status;
}

}  // namespace sx::cli
