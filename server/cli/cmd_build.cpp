// sx build, disasm: bundles and what is in them.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "engine/base/str.h"
#include "engine/bytecode/bundle.h"
#include "engine/bytecode/disasm.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace {

// Modules of the standard library that every SX binary and kernel has: not repeated in bundles.
bool is_standard(std::string_view module) {
  return module == "core" || module == "test" || module.substr(0, 5) == "test/";
}

}  // namespace

int cmd_build(const std::vector<std::string>& files, const std::string& out,
              const BuildOptions& build, const EngineOptions& options) {
  EngineOptions near = options;
  near.near = files.front();
  near.source_only = build.with_core || embedded_files().empty();
  auto engine = make_engine(near);
  std::vector<std::unique_ptr<UnitImage>> scripts;
  std::set<std::string, std::less<>> named;  // modules of the files
  std::string entry;
  for (const std::string& file : files) {
    auto text = read_file(file);
    if (!text.ok()) {
      report_error(text.error().message);
      return 1;
    }
    // A module is loaded (its macros may be needed); a script is only compiled.
    auto image =
        engine->compile({text.value(), std::filesystem::path(file).lexically_normal().string()});
    if (!image.ok()) {
      report_error(image.error().message);
      return 1;
    }
    entry = image.value()->module;
    named.insert(entry);
    if (entry.empty()) {
      // A script becomes a module named after its file, so that the bundle has an entry.
      image.value()->module = entry = std::filesystem::path(file).stem().string();
      scripts.push_back(image.take());
      continue;
    }
    const auto loaded = engine->require_module(entry);
    if (!loaded.ok()) {
      report_error(loaded.error().message);
      return 1;
    }
  }
  std::set<std::string, std::less<>> elsewhere;
  for (const std::string& path : build.beside) {
    auto text = read_file(path);
    auto bundle = text.ok() ? decode_bundle(text.value(), engine_tables(), path)
                            : Result<Bundle>(text.error());
    if (!bundle.ok()) {
      report_error(bundle.error().message);
      return 1;
    }
    for (const auto& unit : bundle.value().units) elsewhere.insert(unit->module);
  }
  std::vector<const UnitImage*> units;
  for (const auto& loaded : engine->modules())
    if (named.count(loaded.module) ||
        (!elsewhere.count(loaded.module) && (build.with_core || !is_standard(loaded.module))))
      units.push_back(loaded.image);
  for (const auto& script : scripts) units.push_back(script.get());
  std::uint32_t entry_index = 0;
  while (entry_index < units.size() && units[entry_index]->module != entry) ++entry_index;
  const std::string bytes = encode_bundle(units, entry_index, engine_tables(), !build.no_names);
  const auto written = write_file(out, bytes);
  if (!written.ok()) {
    report_error(written.error().message);
    return 1;
  }
  if (build.json) {
    std::string modules;
    for (const UnitImage* unit : units)
      modules += str(modules.empty() ? "" : ",", json_text(unit->module));
    std::printf("{\"file\":%s,\"bytes\":%zu,\"entry\":%s,\"modules\":[%s]}\n",
                json_text(out).c_str(), bytes.size(), json_text(entry).c_str(), modules.c_str());
  } else {
    std::fprintf(stderr, "%s: %zu module%s, %zu bytes\n", out.c_str(), units.size(),
                 units.size() == 1 ? "" : "s", bytes.size());
  }
  return 0;
}

int cmd_disasm(const std::string& file, const EngineOptions& options) {
  auto text = read_file(file);
  if (!text.ok()) {
    report_error(text.error().message);
    return 1;
  }
  EngineOptions near = options;
  near.near = file;
  auto engine = make_engine(near);
  std::vector<std::unique_ptr<UnitImage>> units;
  if (text.value().substr(0, 4) == "SXBC") {
    auto bundle = decode_bundle(text.value(), engine_tables(), file);
    if (!bundle.ok()) {
      report_error(bundle.error().message);
      return 1;
    }
    units = std::move(bundle.value().units);
  } else {
    auto image =
        engine->compile({text.value(), std::filesystem::path(file).lexically_normal().string()});
    if (!image.ok()) {
      report_error(image.error().message);
      return 1;
    }
    units.push_back(image.take());
  }
  for (const auto& unit : units) std::printf("%s", disassemble(*unit, engine_tables()).c_str());
  return 0;
}

}  // namespace sx::cli
