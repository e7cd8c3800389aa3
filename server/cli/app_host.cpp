#include "server/cli/app_host.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/crypto/secret.h"

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
      config.embedded.emplace(file.name.substr(7),
                              std::string_view(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()));
  }
  std::string root = env_or("SX_STATIC_DIR", "");
  if (root.empty()) {
    const std::string project = env_or("SX_PROJECT_DIR", ".");
    std::error_code ec;
    if (fs::is_directory(fs::path(project) / "build/static", ec)) root = (fs::path(project) / "build/static").string();
  }
  config.root = root;
  return StaticFiles::open(std::move(config));
}

}  // namespace

Result<std::unique_ptr<Installation>> open_installation(InstallationOptions options) {
  auto made = std::make_unique<Installation>();
  Installation& it = *made;
  it.data = options.data.empty() ? env_or("SX_PERSIST_DIR", "data") : options.data;
  std::error_code ec;
  fs::create_directories(it.data, ec);
  if (ec) return Error{str(it.data, ": the data folder cannot be made: ", ec.message(), ". Give another one with --data or SX_PERSIST_DIR.")};
  ::chmod(it.data.c_str(), 0700);
  SX_TRY(it.secret, load_or_create_secret(it.data));
  const std::string url = options.store.empty() ? str("sqlite:", (fs::path(it.data) / "store.db").string()) : options.store;
  SX_TRY(it.store, store::open_store(url));
  SX_TRY(auto blobs, store::BlobStore::open((fs::path(it.data) / "blobs").string()));
  it.blobs = std::make_unique<store::BlobStore>(std::move(blobs));
  it.passwords = std::make_unique<PasswordPool>();
  SX_TRY(it.static_files, open_static());

  const std::string app = options.app.empty() ? "blog/app" : options.app;
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
  it.app.app_module = module;
  it.app.make_engine = [near, shared_bundle, app] {
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
    auto probe = it.app.make_engine();
    if (probe->last_bundle_entry().empty()) return Error{str(app, ": the bundle has no entry module")};
    it.app.app_module = probe->last_bundle_entry();
  }
  it.app.store = it.store.get();
  it.app.blobs = it.blobs.get();
  it.app.passwords = it.passwords.get();
  it.app.static_files = it.static_files.get();
  it.app.root_secret = it.secret;
  it.app.log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  it.app.settings = {{"base-url", env_or("SX_BASE_URL", "")}, {"domain", env_or("SX_DOMAIN", "blog")},
                     {"grants", env_or("SX_GRANTS", "")},     {"title", env_or("SX_TITLE", "")}};
  return made;
}

int cmd_user_add(const InstallationOptions& options, const std::string& name) {
  auto installation = open_installation(options);
  if (!installation.ok()) {
    report_error(installation.error().message);
    return 1;
  }
  Installation& it = **installation;
  auto engine = make_app_engine(it.app, nullptr);
  if (!engine.ok()) {
    report_error(engine.error().message);
    return 1;
  }
  const std::string given = env_or("SX_USER_PASSWORD", "");
  const std::string password = given.empty() ? generate_password() : given;
  const auto added = call_app(**engine, it.app, "add-user", {{"user", name}, {"password", password}});
  if (!added.ok()) {
    report_error(added.error().message);
    return 1;
  }
  if (!added.value().truthy()) {
    report_error(str("the user ", name, " exists already"));
    return 1;
  }
  if (given.empty()) std::printf("user %s, password %s\n", name.c_str(), password.c_str());
  else std::printf("user %s added\n", name.c_str());
  return 0;
}

int cmd_store_verify(const InstallationOptions& options, bool json) {
  auto installation = open_installation(options);
  if (!installation.ok()) {
    report_error(installation.error().message);
    return 1;
  }
  auto report = (*installation)->store->verify();
  if (!report.ok()) {
    report_error(report.error().message);
    return 1;
  }
  const bool good = !report->bad.has_value();
  if (json) {
    std::printf("{\"ok\":%s,\"events\":%llu,\"compacted\":%llu,\"head\":\"%s\"}\n", good ? "true" : "false",
                static_cast<unsigned long long>(report->events), static_cast<unsigned long long>(report->compacted),
                report->head.c_str());
  } else if (good) {
    std::printf("verified %llu events (%llu compacted), head %s\n", static_cast<unsigned long long>(report->events),
                static_cast<unsigned long long>(report->compacted), report->head.c_str());
  } else {
    report_error(str("damaged at position ", report->bad->pos, " (", report->bad->stream, " ", report->bad->seq, "): ",
                     report->bad->what));
  }
  return good ? 0 : 1;
}

int cmd_store_stats(const InstallationOptions& options, bool json) {
  auto installation = open_installation(options);
  if (!installation.ok()) {
    report_error(installation.error().message);
    return 1;
  }
  auto stats = (*installation)->store->stats();
  if (!stats.ok()) {
    report_error(stats.error().message);
    return 1;
  }
  const char* format = json ? "{\"events\":%llu,\"streams\":%llu,\"keys\":%llu,\"outbox\":%llu,\"bytes\":%llu}\n"
                            : "events %llu, streams %llu, keys %llu, outbox %llu, bytes %llu\n";
  std::printf(format, static_cast<unsigned long long>(stats->committed), static_cast<unsigned long long>(stats->streams),
              static_cast<unsigned long long>(stats->kv_keys), static_cast<unsigned long long>(stats->outbox),
              static_cast<unsigned long long>(stats->bytes));
  return 0;
}

}  // namespace sx::cli
