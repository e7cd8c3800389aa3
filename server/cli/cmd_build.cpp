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

// Levenshtein distance, for short names.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// Public names at most two changes away, at most three of them.
std::vector<std::string> similar_names(Engine& engine, std::string_view name) {
  std::vector<std::string> found;
  auto consider = [&](std::string_view candidate) {
    if (candidate.find('#') == std::string_view::npos && found.size() < 3 &&
        distance(name, candidate) <= 2)
      found.emplace_back(candidate);
  };
  for (std::uint32_t i = 0; i < primitive_count(); ++i) consider(primitives()[i].name);
  for (const Global& global : engine.vm.globals.all()) consider(global.name);
  return found;
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
    auto image =
        engine->compile({text.value(), std::filesystem::path(file).lexically_normal().string()});
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
  std::fprintf(stderr, "%s: %zu module%s, %zu bytes\n", out.c_str(), units.size(),
               units.size() == 1 ? "" : "s", bytes.size());
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

int cmd_doc(const std::string& name, const EngineOptions& options) {
  EngineOptions near = options;
  if (near.near.empty()) near.near = ".";
  auto engine = make_engine(near);
  if (const char* usage = special_form_usage(name)) {
    std::printf("%s\nA special form: docs/language.md has its rules and examples.\n", usage);
    return 0;
  }
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
      const ModuleRoots roots(near.near);
      for (const std::string& root : roots.roots()) {
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
    std::string near_names;
    for (const std::string& candidate : similar_names(*engine, name))
      near_names += str(near_names.empty() ? ". Did you mean " : ", ", candidate);
    report_error(str("nothing public is called ", name, near_names, near_names.empty() ? "" : "?"));
    return 1;
  }
  std::printf("%s\n%s\n", global->usage.c_str(), global->doc.c_str());
  return 0;
}

}  // namespace sx::cli
