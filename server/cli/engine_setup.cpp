// Making an engine for the command line: module roots, embedded bundles, basic servicers.
#include <sys/random.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
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
    const bool secret = name == "SX_SECRET" || name == "SX_FED_SECRET" ||
                        name == "SX_ADMIN_PASSWORD" || name == "SX_API_TOKEN";
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
  auto roots = std::make_shared<ModuleRoots>(options.near);
  engine->find_source = [roots](std::string_view module) { return roots->find(module); };
  engine->on_notice = [](std::string_view notice) {
    std::fprintf(stderr, "sx: %.*s\n", static_cast<int>(notice.size()), notice.data());
  };
  if (!options.source_only) {
    for (const EmbeddedFile& file : embedded_files()) {
      if (file.name.substr(0, 8) != "bundles/") continue;
      // A project's own sources come before what is embedded: its bundle is not used then.
      const auto added = engine->add_bundle(
          {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()}, file.name, true);
      if (!added.ok()) engine->on_notice(added.error().message);
    }
  }
  return engine;
}

namespace {

// "file:line:column" in an error's text.
struct Place {
  std::string file;
  long line = 0, column = 0;
  std::size_t end = 0;
};

// The first place at or after `from`, if there is one.
std::optional<Place> find_place(std::string_view text, std::size_t from) {
  const auto digits = [&](std::size_t at) {
    std::size_t n = 0;
    while (at + n < text.size() && n < 9 && text[at + n] >= '0' && text[at + n] <= '9') ++n;
    return n;
  };
  const auto number = [&](std::size_t at, std::size_t n) {
    return std::strtol(std::string(text.substr(at, n)).c_str(), nullptr, 10);
  };
  for (std::size_t at = text.find(':', from); at != std::string_view::npos;
       at = text.find(':', at + 1)) {
    const std::size_t line = digits(at + 1);
    const std::size_t second = at + 1 + line;
    if (line == 0 || second >= text.size() || text[second] != ':') continue;
    const std::size_t column = digits(second + 1);
    if (column == 0) continue;
    std::size_t start = at;
    while (start > from && !std::strchr(" (\n", text[start - 1])) --start;
    return Place{std::string(text.substr(start, at - start)), number(at + 1, line),
                 number(second + 1, column), second + 1 + column};
  }
  return std::nullopt;
}

std::optional<std::string> line_of(const std::string& source, long line) {
  std::istringstream in(source);
  std::string found;
  for (long at = 0; at < line; ++at)
    if (!std::getline(in, found)) return std::nullopt;
  return found;
}

}  // namespace

void report_error(std::string_view text, const SourceOf& source_of) {
  std::fprintf(stderr, "error: %.*s\n", static_cast<int>(text.size()), text.data());
  // The line that the first place names is shown; one of the program rather than of the libraries
  // that every program calls.
  std::string library;
  for (std::size_t from = 0;;) {
    const auto place = find_place(text, from);
    if (!place) break;
    from = place->end;
    std::optional<std::string> source;
    if (source_of) source = source_of(place->file);
    if (!source && place->file.ends_with(".sx"))
      if (auto file = read_file(place->file); file.ok()) source = file.take();
    if (!source) continue;
    const auto line = line_of(*source, place->line);
    if (!line) continue;
    char margin[16];
    std::snprintf(margin, sizeof margin, "%6ld | ", place->line);
    const std::string shown =
        str(margin, *line, "\n       | ",
            std::string(static_cast<std::size_t>(place->column - 1), ' '), "^");
    if (place->file.starts_with("lib/core/") || place->file.starts_with("lib/test/")) {
      if (library.empty()) library = shown;
      continue;
    }
    std::fprintf(stderr, "%s\n", shown.c_str());
    return;
  }
  if (!library.empty()) std::fprintf(stderr, "%s\n", library.c_str());
}

}  // namespace sx::cli
