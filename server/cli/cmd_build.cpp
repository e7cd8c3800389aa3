// sx build, disasm, doc: bundles and what is in them.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "engine/base/str.h"
#include "engine/bytecode/bundle.h"
#include "engine/bytecode/disasm.h"
#include "engine/prim/primitives.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace {

// Modules of the standard library that every SX binary and kernel has: not repeated in bundles.
bool is_standard(std::string_view module) {
  return module == "core" || module.substr(0, 5) == "core/" || module == "test";
}

}  // namespace

int cmd_build(const std::vector<std::string>& files, const std::string& out, bool with_core,
              const EngineOptions& options) {
  EngineOptions near = options;
  near.near = files.front();
  near.source_only = with_core || embedded_files().empty();
  auto engine = make_engine(near);
  std::vector<std::unique_ptr<UnitImage>> scripts;
  std::string entry;
  for (const std::string& file : files) {
    auto text = read_file(file);
    if (!text.ok()) {
      report_error(text.error().message);
      return 1;
    }
    // A module is loaded (its macros may be needed); a script is only compiled.
    auto image = engine->compile({text.value(), std::filesystem::path(file).lexically_normal().string()});
    if (!image.ok()) {
      report_error(image.error().message);
      return 1;
    }
    entry = image.value()->module;
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
  std::vector<const UnitImage*> units;
  for (const auto& loaded : engine->modules())
    if (with_core || !is_standard(loaded.module)) units.push_back(loaded.image);
  for (const auto& script : scripts) units.push_back(script.get());
  std::uint32_t entry_index = 0;
  while (entry_index < units.size() && units[entry_index]->module != entry) ++entry_index;
  const std::string bytes = encode_bundle(units, entry_index, engine_tables());
  const auto written = write_file(out, bytes);
  if (!written.ok()) {
    report_error(written.error().message);
    return 1;
  }
  std::fprintf(stderr, "%s: %zu modules, %zu bytes\n", out.c_str(), units.size(), bytes.size());
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
    auto image = engine->compile({text.value(), std::filesystem::path(file).lexically_normal().string()});
    if (!image.ok()) {
      report_error(image.error().message);
      return 1;
    }
    units.push_back(image.take());
  }
  for (const auto& unit : units)
    std::printf("%s", disassemble(*unit, engine_tables()).c_str());
  return 0;
}

int cmd_doc(const std::string& name, const EngineOptions& options) {
  EngineOptions near = options;
  if (near.near.empty()) near.near = ".";
  auto engine = make_engine(near);
  if (const int i = find_primitive(name); i >= 0) {
    std::printf("%s\n", primitives()[i].manual);
    return 0;
  }
  // "persist/append" is exported by a module of its folder; load those that may have it.
  const auto core = engine->require_module("core");
  if (!core.ok()) {
    report_error(core.error().message);
    return 1;
  }
  const Global* global = engine->find_global(name);
  if (!global || global->usage.empty()) {
    const auto slash = name.find('/');
    if (slash != std::string::npos) {
      for (const std::string& root : ModuleRoots(near.near).roots()) {
        std::error_code ec;
        const auto folder = std::filesystem::path(root) / "lib" / name.substr(0, slash);
        for (const auto& entry : std::filesystem::directory_iterator(folder, ec)) {
          const std::string stem = entry.path().stem().string();
          if (entry.path().extension() == ".sx" && !stem.ends_with("-test"))
            (void)engine->require_module(str(name.substr(0, slash), "/", stem)).ok();
        }
      }
      global = engine->find_global(name);
    }
  }
  if (!global || (global->usage.empty() && global->doc.empty())) {
    report_error(str("nothing public is called ", name));
    return 1;
  }
  std::printf("%s\n%s\n", global->usage.c_str(), global->doc.c_str());
  return 0;
}

}  // namespace sx::cli
