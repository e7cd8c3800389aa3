#include "server/cli/project_names.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "engine/base/str.h"
#include "engine/reader/reader.h"
#include "engine/value/collections.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kDepthMax = 4;             // folders below the one of the name
constexpr std::size_t kFilesMax = 2000;  // a project whose folder holds more is not looked through

std::string folder_of(std::string_view name) {
  if (!name.empty() && name[0] == '~') name.remove_prefix(1);
  const auto slash = name.find('/');
  return std::string(slash == std::string_view::npos ? std::string_view() : name.substr(0, slash));
}

// The header (module path … :export (name …)) that a text begins with; path "": there is none.
ProjectModule header_of(Engine& engine, std::string_view text, const std::string& file) {
  Context& cx = engine.cx();
  ProjectModule out;
  Reader reader(cx, text, {.file = file, .positions = false});
  const auto form = reader.next();
  if (!form.ok() || !is_pair(*form) || !(car(*form) == cx.symbol("module"))) return out;
  Value at = cdr(*form);
  if (!is_pair(at) || !car(at).is_symbol()) return out;
  out.path = cx.symbols.name(car(at).id());
  const Value wanted = cx.keyword("export");
  for (at = cdr(at); is_pair(at) && is_pair(cdr(at)); at = cdr(cdr(at))) {
    if (!(car(at) == wanted)) continue;
    for (Value names = car(cdr(at)); is_pair(names); names = cdr(names))
      if (car(names).is_symbol()) out.exports.emplace_back(cx.symbols.name(car(names).id()));
  }
  return out;
}

// The places where files of modules of a folder may lie (ModuleRoots::find).
std::vector<fs::path> places(const ModuleRoots& roots, const std::string& folder) {
  std::vector<fs::path> out;
  for (const std::string& root : roots.roots()) {
    out.push_back(fs::path(root) / "lib" / folder);
    if (folder.empty()) continue;
    out.push_back(fs::path(root) / (folder == "web" ? "web/sx" : folder));
  }
  return out;
}

}  // namespace

std::vector<ProjectModule> modules_near(Engine& engine, std::string_view name,
                                        const std::string& near) {
  std::vector<ProjectModule> found;
  std::set<std::string> seen;
  std::size_t files = 0;
  const ModuleRoots roots(near);
  std::error_code ec;
  for (const fs::path& place : places(roots, folder_of(name))) {
    for (fs::recursive_directory_iterator
             at(place, fs::directory_options::skip_permission_denied, ec),
         end;
         !ec && at != end && files < kFilesMax; at.increment(ec)) {
      if (at.depth() >= kDepthMax) at.disable_recursion_pending();
      const fs::path& path = at->path();
      const std::string stem = path.stem().string();
      if (path.extension() != ".sx" || stem.ends_with("-test")) continue;
      ++files;
      const auto text = read_file(path.string());
      if (!text.ok()) continue;
      ProjectModule module = header_of(engine, *text, path.string());
      if (!module.path.empty() && seen.insert(module.path).second)
        found.push_back(std::move(module));
    }
    ec.clear();
  }
  std::sort(found.begin(), found.end(),
            [](const ProjectModule& a, const ProjectModule& b) { return a.path < b.path; });
  return found;
}

std::vector<std::string> project_names(Engine& engine, std::string_view word,
                                       const std::string& near) {
  std::set<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::string_view(name).substr(0, word.size()) == word) names.insert(name);
  };
  if (word.find('/') != std::string_view::npos) {
    for (const ProjectModule& module : modules_near(engine, word, near)) {
      add(module.path);
      for (const std::string& name : module.exports) add(name);
    }
  } else {
    const ModuleRoots roots(near);
    std::error_code ec;
    for (const std::string& root : roots.roots())
      for (const auto& entry : fs::directory_iterator(fs::path(root) / "lib", ec))
        if (entry.is_directory(ec)) add(entry.path().filename().string() + "/");
  }
  return {names.begin(), names.end()};
}

}  // namespace sx::cli
