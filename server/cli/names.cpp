#include "server/cli/names.h"

#include <algorithm>
#include <set>

#include "engine/base/edit_distance.h"
#include "engine/base/str.h"
#include "engine/prim/primitives.h"
#include "server/cli/cli.h"
#include "server/cli/project_names.h"

namespace sx::cli {

namespace {

constexpr std::string_view kSpecialForms[] = {
#define SX_FORM(name, function, least, most, usage) name,
#include "engine/compiler/special_forms.def"
#undef SX_FORM
};

const char* kind_name(const Export& e) {
  switch (e.kind) {
    case ExportKind::Macro:
      return "macro";
    case ExportKind::Component:
      return "component";
    case ExportKind::Portable:
      return "portable component";
    case ExportKind::Value:
      break;
  }
  return e.usage.empty() || e.usage[0] != '(' ? "value" : "function";
}

std::optional<Manual> exported(Engine& engine, std::string_view name) {
  std::optional<Manual> found;
  engine.each_export([&](std::string_view module, const Export& e) {
    if (e.name != name || found) return;
    found = Manual{e.name, kind_name(e), e.usage, e.doc, std::string(module)};
  });
  return found;
}

const IoOpInfo* find_op(std::string_view name) {
  std::size_t count = 0;
  const IoOpInfo* ops = io_ops(count);
  for (std::size_t i = 0; i < count; ++i)
    if (name == ops[i].name) return &ops[i];
  return nullptr;
}

// A name that a module of the project exports which nobody has loaded yet.
std::optional<Manual> in_project(Engine& engine, std::string_view name, const std::string& near) {
  for (const ProjectModule& module : modules_near(engine, name, near)) {
    if (std::find(module.exports.begin(), module.exports.end(), name) == module.exports.end())
      continue;
    const auto loaded = engine.require_module(module.path);
    if (auto manual = exported(engine, name)) return manual;
    if (!loaded.ok())
      return Manual{std::string(name), "name", "",
                    str("The module does not load: ", loaded.error().message), module.path};
  }
  return std::nullopt;
}

std::optional<Manual> module_manual(Engine& engine, std::string_view name) {
  const auto exports_of = [&] {
    std::string text;
    engine.each_export([&](std::string_view module, const Export& e) {
      if (module != name) return;
      text += str(text.empty() ? "" : "\n", "  ", e.usage.empty() ? e.name : e.usage);
    });
    return text;
  };
  std::string text = exports_of();
  if (text.empty() && engine.find_source && engine.find_source(name) &&
      engine.require_module(name).ok())
    text = exports_of();
  if (text.empty()) return std::nullopt;
  return Manual{std::string(name), "module", str("(module ", name, ")"), str("Exports:\n", text),
                ""};
}

std::string_view behind_slash(std::string_view name) {
  const auto slash = name.rfind('/');
  return slash == std::string_view::npos || slash + 1 == name.size() ? name
                                                                     : name.substr(slash + 1);
}

}  // namespace

std::optional<Manual> find_manual(Engine& engine, std::string_view name, const std::string& near) {
  (void)engine.require_module("core").ok();
  if (const char* usage = special_form_usage(name))
    return Manual{std::string(name), "special form", usage,
                  "A special form: docs/language.md has its rules and examples.", ""};
  std::optional<Manual> manual;
  if (const int i = find_primitive(name); i >= 0) {
    const PrimitiveInfo& info = primitives()[i];
    manual = Manual{std::string(name), "primitive", info.usage, "", ""};
    // The manual begins with the usage.
    std::string_view text = info.manual;
    if (text.substr(0, manual->usage.size()) == manual->usage)
      text.remove_prefix(manual->usage.size());
    while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
    manual->text = text;
    return manual;
  }
  manual = exported(engine, name);
  if (!manual) manual = in_project(engine, name, near);
  if (!manual) {  // defined in the REPL
    const Global* global = engine.find_global(str("#", name));
    if (!global) global = engine.find_global(name);
    if (global && !global->value.is_unset())
      manual = Manual{std::string(name),
                      global->macro           ? "macro"
                      : global->component     ? "component"
                      : global->usage.empty() ? "value"
                                              : "function",
                      global->usage, global->doc, ""};
  }
  if (const IoOpInfo* op = find_op(name)) {
    const std::string contract = str("IO op, ", op->side, ": ", op->contract);
    if (!manual) return Manual{std::string(name), "IO op", "", contract, ""};
    manual->text += str(manual->text.empty() ? "" : "\n\n", "Also an ", contract);
  }
  return manual ? manual : module_manual(engine, name);
}

std::string manual_text(const Manual& manual) {
  std::string out = manual.usage.empty() ? manual.name : manual.usage;
  if (!manual.module.empty() && manual.module != "core")
    out += str("\n", manual.kind, " of ", manual.module);
  if (!manual.text.empty()) out += str("\n", manual.text);
  return out + "\n";
}

std::vector<std::string> public_names(Engine& engine) {
  std::set<std::string, std::less<>> names;
  const auto add = [&](std::string_view name) {
    if (!name.empty() && name[0] != '%' && name.find('#') == std::string_view::npos)
      names.emplace(name);
  };
  for (const std::string_view name : kSpecialForms) add(name);
  for (std::uint32_t i = 0; i < primitive_count(); ++i) add(primitives()[i].name);
  engine.each_export([&](std::string_view module, const Export& e) {
    add(module);
    add(e.name);
  });
  // What scripts and the REPL define is called #name.
  for (const Global& global : engine.vm.globals.all())
    if (!global.value.is_unset() && !global.name.empty())
      add(std::string_view(global.name).substr(global.name[0] == '#' ? 1 : 0));
  std::size_t count = 0;
  const IoOpInfo* ops = io_ops(count);
  for (std::size_t i = 0; i < count; ++i) add(ops[i].name);
  return {names.begin(), names.end()};
}

std::vector<std::string> similar_names(Engine& engine, std::string_view name,
                                       const std::string& near) {
  std::vector<std::string> candidates = public_names(engine);
  if (name.find('/') != std::string_view::npos)
    for (const ProjectModule& module : modules_near(engine, name, near))
      candidates.insert(candidates.end(), module.exports.begin(), module.exports.end());
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  const int limit = name.size() <= 3 ? 1 : 2;
  std::vector<std::pair<int, std::string>> found;
  for (std::string& candidate : candidates) {
    int score = edit_distance(name, candidate, limit);
    // "split" and "splitt" are looked for as string/split, "str/split" too.
    score = std::min(score, edit_distance(behind_slash(name), behind_slash(candidate), limit) + 1);
    if (score <= limit) found.emplace_back(score, std::move(candidate));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& [score, candidate] : found)
    if (names.size() < 4) names.push_back(std::move(candidate));
  return names;
}

std::vector<std::string> module_names(Engine& engine) {
  std::set<std::string> names;
  engine.each_export([&](std::string_view module, const Export&) { names.emplace(module); });
  return {names.begin(), names.end()};
}

}  // namespace sx::cli
