// Making an engine for the command line: module roots, embedded bundles, basic servicers.
#include <sys/random.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace fs = std::filesystem;

Result<std::string> read_file(const std::string& path) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) return Error{str(path, ": is a directory; expected a file")};
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{str(path, ": cannot be read: ", std::strerror(errno))};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

ModuleRoots::ModuleRoots(const std::string& file_or_dir) {
  auto add = [&](const fs::path& path) {
    std::string text = path.lexically_normal().string();
    if (text.empty()) text = ".";
    for (const std::string& have : roots_)
      if (have == text) return;
    roots_.push_back(text);
  };
  std::error_code ec;
  if (!file_or_dir.empty()) {
    fs::path at = fs::absolute(file_or_dir, ec).lexically_normal();
    if (!fs::is_directory(at, ec)) at = at.parent_path();
    const fs::path own = at;
    while (true) {
      if (fs::is_directory(at / "lib", ec)) {
        add(fs::proximate(at, ec));
        break;
      }
      if (at == at.parent_path()) break;
      at = at.parent_path();
    }
    add(fs::proximate(own, ec));
  }
  if (const char* project = std::getenv("SX_PROJECT_DIR"); project && *project) add(project);
  if (fs::is_directory("lib", ec)) add(".");
}

std::optional<SourceFile> ModuleRoots::find(std::string_view module) const {
  if (module.empty() || module.find("..") != std::string_view::npos || module.front() == '/')
    return std::nullopt;
  const fs::path name{std::string(module)};
  std::vector<fs::path> candidates = {fs::path("lib") / (name.string() + ".sx"),
                                      fs::path("lib") / name / (name.filename().string() + ".sx"),
                                      fs::path(name.string() + ".sx")};
  if (module.substr(0, 4) == "web/")
    candidates.insert(candidates.begin(),
                      fs::path("web/sx") / (std::string(module.substr(4)) + ".sx"));
  std::error_code ec;
  for (const std::string& root : roots_) {
    for (const fs::path& candidate : candidates) {
      const fs::path path = (fs::path(root) / candidate).lexically_normal();
      if (!fs::is_regular_file(path, ec)) continue;
      auto text = read_file(path.string());
      if (!text.ok()) continue;
      return SourceFile{text.take(), candidate.lexically_normal().string()};
    }
  }
  return std::nullopt;
}

std::optional<std::span<const std::uint8_t>> embedded_file(std::string_view name) {
  for (const EmbeddedFile& file : embedded_files())
    if (file.name == name) return file.bytes;
  return std::nullopt;
}

namespace {

// By the kind of its row in the table of settings; the store's URL may hold a password, and a
// variable of another version may be a secret too.
bool is_secret_variable(std::string_view name) {
  const bool listed = false
#define SX_SETTING(id, kind, variable, ...) \
  || (name == variable &&                   \
      (std::string_view(#kind) == "Secret" || std::string_view(#kind) == "Store"))
#include "server/config/settings.def"
#undef SX_SETTING
      ;
  return listed || name.find("SECRET") != std::string_view::npos ||
         name.find("PASSWORD") != std::string_view::npos ||
         name.find("TOKEN") != std::string_view::npos;
}

}  // namespace

void add_basic_servicers(Runner& runner) {
  runner.add("console/write", [](IoCall& call) {
    std::string text;
    if (!call.text(0, text)) return;
    std::fwrite(text.data(), 1, text.size(), stdout);
    call.reply(Value::nil());
  });
  runner.add("log/write", [](IoCall& call) {
    std::string text;
    if (!call.text(1, text)) return;
    std::fprintf(stderr, "%s\n", text.c_str());
    call.reply(Value::nil());
  });
  runner.add("clock/now", [](IoCall& call) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    call.reply(make_int(call.vm.cx, std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000));
  });
  runner.add("random/bytes", [](IoCall& call) {
    std::int64_t n = 0;
    if (!call.integer(0, n)) return;
    if (n < 0 || n > 65536) {
      call.fail("range-error", str("random/bytes: Expected 0 to 65536, got ", n));
      return;
    }
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(n));
    std::size_t at = 0;
    while (at < bytes.size()) {
      const ssize_t got = getrandom(bytes.data() + at, bytes.size() - at, 0);
      if (got <= 0) {
        call.fail("io-error", "random/bytes: the system's generator failed");
        return;
      }
      at += static_cast<std::size_t>(got);
    }
    call.reply(make_bytes(call.vm.cx, bytes));
  });
  runner.add("env/get", [](IoCall& call) {
    std::string name;
    if (!call.text(0, name)) return;
    // Secrets stay with the host: programs get what is derived from them by other ops.
    const bool secret = is_secret_variable(name);
    if (name.rfind("SX_", 0) != 0 || secret) {
      call.fail(
          "permission-error",
          str("env/get: ", name,
              " is not readable by programs; names begin with SX_ and secrets are not given out"));
      return;
    }
    const char* value = std::getenv(name.c_str());
    call.reply(value ? make_string(call.vm.cx, value) : Value::nil());
  });
}

std::unique_ptr<Engine> make_engine(const EngineOptions& options) {
  VmConfig config;
  config.heap.stress = options.gc_stress;
  config.heap.limit_bytes = options.heap_limit;
  if (getrandom(&config.hash_seed, sizeof config.hash_seed, 0) != sizeof config.hash_seed)
    config.hash_seed = 0x9e3779b97f4a7c15ULL ^ static_cast<std::uint64_t>(std::time(nullptr));
  auto engine = std::make_unique<Engine>(config);
  add_basic_servicers(engine->runner);
  add_host_servicers(engine->runner);
  auto roots = std::make_shared<ModuleRoots>(options.near);
  engine->find_source = [roots](std::string_view module) { return roots->find(module); };
  engine->on_notice = [](std::string_view notice) {
    std::fprintf(stderr, "sx: %.*s\n", static_cast<int>(notice.size()), notice.data());
  };
  // Opened when a module is asked for that lies in it: a start pays for what it uses. A project's
  // own sources come before what is embedded.
  if (!options.source_only) {
    engine->find_bundles = [opened =
                                std::set<std::string_view>()](std::string_view module) mutable {
      std::vector<Engine::LibraryBundle> found;
      const std::string wanted = str("bundles/", module.substr(0, module.find('/')), ".sxbc");
      for (const EmbeddedFile& file : embedded_files()) {
        const bool matches =
            module.empty() ? file.name.starts_with("bundles/") : file.name == wanted;
        if (!matches || !opened.insert(file.name).second) continue;
        found.push_back(
            {.bytes = {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()},
             .name = file.name,
             .built_in = true});
      }
      return found;
    };
  }
  return engine;
}

}  // namespace sx::cli
