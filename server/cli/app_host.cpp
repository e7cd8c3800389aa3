#include "server/cli/app_host.h"

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
Result<std::unique_ptr<StaticFiles>> open_static(const Settings& settings) {
  StaticFilesConfig config;
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name.substr(0, 7) == "static/")
      config.embedded.emplace(
          file.name.substr(7),
          std::string_view(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()));
  }
  std::string root = settings.text(Setting::StaticDir);
  if (root.empty()) {
    const std::string project =
        settings.given(Setting::Project) ? settings.text(Setting::Project) : ".";
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
    const auto has = [&](const char* file) { return fs::exists(fs::path(app) / file, ec); };
    if (!has("app.sx") && !has("lib/app.sx") && !has("lib/app/app.sx"))
      return Error{
          str(app, ": there is no app.sx in this folder; give the file or bundle to serve")};
  } else if (app.ends_with(".sx")) {
    SX_CHECK(read_file(app));
    near = app;
    module = fs::path(app).stem().string();
  }
  const bool is_bundle = app.ends_with(".sxbc");
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
  if (is_bundle) {
    EngineOptions engine_options;
    engine_options.near = near;
    auto probe = cli::make_engine(engine_options);
    SX_CHECK(probe->add_bundle(*shared_bundle, app));
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

namespace {

constexpr std::string_view kSqlite = "sqlite:";

// The store of an installation, written in one way.
std::string store_url(const Settings& settings) {
  const std::string url = settings.given(Setting::Store)
                              ? settings.text(Setting::Store)
                              : str(kSqlite, settings.text(Setting::Data), "/store.db");
  if (!url.starts_with(kSqlite)) return url;
  std::error_code ec;
  const fs::path path = fs::absolute(url.substr(kSqlite.size()), ec).lexically_normal();
  return ec ? url : str(kSqlite, path.string());
}

// Commands that look at what is there have nothing to look at in a store that they would make: a
// folder that was misspelled is told instead.
Result<void> check_there(const std::string& url) {
  if (!url.starts_with(kSqlite)) return {};
  const std::string path = url.substr(kSqlite.size());
  std::error_code ec;
  if (fs::exists(path, ec)) return {};
  return Error{
      str("there is no store at ", path,
          ". Say where it is with --data or --store; `sx serve` and `sx user add` make one")};
}

}  // namespace

Result<std::unique_ptr<Installation>> open_installation(const Settings& settings,
                                                        const std::string& app) {
  auto made = std::make_unique<Installation>();
  Installation& it = *made;
  SX_TRY(const auto source, find_app(app));  // before anything is made for it
  it.data = settings.text(Setting::Data);
  SX_CHECK(prepare_data_folder(it.data));
  SX_TRY(it.app.root_secrets, load_or_create_secrets(it.data, settings.text(Setting::Secret)));
  for (const std::string& before : settings.list(Setting::SecretsBefore)) {
    SX_TRY(auto secret, read_root_secret(before));
    it.app.root_secrets.push_back(secret);
  }
  it.store_url = store_url(settings);
  SX_TRY(it.store, store::open_store(it.store_url));
  SX_TRY(auto blobs, store::BlobStore::open((fs::path(it.data) / "blobs").string()));
  it.blobs = std::make_unique<store::BlobStore>(std::move(blobs));
  it.passwords = std::make_unique<PasswordPool>();
  it.http_client = std::make_unique<HttpClient>();
  SX_TRY(it.static_files, open_static(settings));

  it.app.app_module = source.module;
  it.app.make_engine = source.make_engine;
  it.app.store = it.store.get();
  it.app.blobs = it.blobs.get();
  it.app.passwords = it.passwords.get();
  it.app.http_client = it.http_client.get();
  it.app.static_files = it.static_files.get();
  it.app.log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  it.app.settings = {{"base-url", settings.text(Setting::BaseUrl)},
                     {"kernel-base", settings.text(Setting::KernelBase)},
                     {"title", settings.text(Setting::Title)},
                     {"tagline", settings.text(Setting::Tagline)},
                     // Others may write what we read (lib/host/position.sx).
                     {"shared-store", it.store->reads_wait() ? "1" : ""}};
  return made;
}

namespace {

int fail(const CommandOutput& output, std::string_view message) {
  output.err(str("error: ", message, "\n"));
  return 1;
}

// words: KEY=VALUE…, one of them command=…; the application does the rest. It answers {:status
// :out :err}.
int run_app_command(Installation& it, const std::vector<std::string>& words,
                    const CommandOutput& output) {
  auto engine = make_app_engine(it.app, nullptr);
  if (!engine.ok()) return fail(output, engine.error().message);
  std::vector<std::pair<std::string, std::string>> given;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos)
      given.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  const auto answer = call_app(**engine, it.app, "command", given);
  if (!answer.ok()) return fail(output, answer.error().message);
  if (!is_dict(answer.value()))
    return fail(output, str("the application ", it.app.app_module,
                            " has no users and tokens: it does not export a function `command`"));
  Context& cx = (*engine)->cx();
  auto text_at = [&](const char* key) {
    const Value v = dict_get(cx, answer.value(), cx.keyword(key));
    return !v.is_unset() && is_string(v) ? std::string(as_string(v)->view()) : std::string();
  };
  if (const std::string out = text_at("out"); !out.empty()) output.out(out);
  if (const std::string err = text_at("err"); !err.empty()) return fail(output, err);
  return 0;
}

}  // namespace

int run_installation_command(Installation& it, const std::vector<std::string>& given,
                             const CommandOutput& output) {
  std::vector<std::string> words = given;
  if (!words.empty() && words[0].starts_with(kForStore)) {
    if (words[0].substr(kForStore.size()) != it.store_url) return kOtherStore;
    words.erase(words.begin());
  }
  auto is = [&](std::size_t i, std::string_view word) {
    return i < words.size() && words[i] == word;
  };
  if (is(0, "blog") && is(1, "import") && words.size() == 3)
    return import_site(it, words[2], output);
  if (is(0, "app")) return run_app_command(it, words, output);
  if (is(0, "store")) return run_store_command(it, words, output);
  return fail(output, "this server does not know that command; it is of another version");
}

int cmd_installation(Settings& settings, const std::vector<std::string>& words, bool makes_store) {
  const CommandOutput output = terminal_output();
  constexpr SettingScope kScopes[] = {SettingScope::Installation, SettingScope::Command};
  if (const auto resolved = settings.resolve(process_environment(), kScopes); !resolved.ok()) {
    fail(output, resolved.error().message);
    return 2;
  }
  const std::string url = store_url(settings);
  if (const auto status = run_by_owner(settings.text(Setting::Data),
                                       settings.given(Setting::Store) ? url : "", words, output))
    return *status;
  if (!makes_store)
    if (const auto there = check_there(url); !there.ok())
      return fail(output, there.error().message);
  auto installation = open_installation(settings, "");
  if (!installation.ok()) return fail(output, installation.error().message);
  const int status = run_installation_command(**installation, words, output);
  (*installation)->store->close();
  return status;
}

}  // namespace sx::cli
