// The names that a program can use, and what their manuals say: for `sx doc` and the REPL.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sx.h"

namespace sx::cli {

struct Manual {
  std::string name;
  std::string kind;    // "special form", "primitive", "function", "macro", "component", "IO op",
                       // "module"
  std::string usage;   // (name argument…)
  std::string text;    // may have several lines
  std::string module;  // that exports it; "" when it is there without asking
};

// What is known of a name; the module of the project that exports it is loaded (near: a file or
// folder of the project).
std::optional<Manual> find_manual(Engine& engine, std::string_view name, const std::string& near);
std::string manual_text(const Manual& manual);

// Every public name at hand, sorted: special forms, primitives, exports, IO ops, modules.
std::vector<std::string> public_names(Engine& engine);
// Those of them that look like the name, the most similar first, at most four.
std::vector<std::string> similar_names(Engine& engine, std::string_view name,
                                       const std::string& near);
// The modules at hand, sorted.
std::vector<std::string> module_names(Engine& engine);

}  // namespace sx::cli
