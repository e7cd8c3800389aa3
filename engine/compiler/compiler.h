// The compiler: source text → UnitImage. Reader → expander (macros, forms checked) → core AST →
// registers and instructions. Deterministic: the same sources give the same image.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/bytecode/image.h"
#include "engine/gc/context.h"

namespace sx {

// What the expander needs of the running system. sx.h's implementation passes it in.
class MacroRunner {
 public:
  virtual ~MacroRunner() = default;
  // Calls expander function `fn` with the list of unevaluated argument forms; the expansion, or
  // the error it raised (printed with its message), within fuel and heap limits.
  virtual Result<Value> run_macro(Value fn, Value argument_forms) = 0;
  // Links and runs top-level code compiled so far so that later macros of the same file can use
  // the functions and macros it defines (each top-level form of a module that defines a macro, or
  // a function a macro needs, is evaluated at compile time in a scratch unit).
  virtual Result<void> run_for_macros(const UnitImage& form) = 0;
  // The global with this full name as known at compile time: its value, or unset.
  virtual Value global_value(std::string_view full_name) = 0;
};

// What is visible from other modules.
struct ModuleInterface {
  std::string module;
  std::vector<Export> exports;
};
class ModuleResolver {
 public:
  virtual ~ModuleResolver() = default;
  // Loads (compiling if needed) the module and returns its interface; an error names who asked,
  // what was looked for and where; a cycle is an error naming the whole circle.
  virtual Result<const ModuleInterface*> require(std::string_view module, std::string_view asked_by) = 0;
};

struct CompileOptions {
  std::string file;            // for positions and backtraces
  bool expect_module = false;  // the file must begin with (module …)
  // For the REPL and eval: names defined by earlier inputs (full names) are visible.
  bool interactive = false;
  std::vector<std::string> implicit_uses = {"core"};  // modules every unit sees, unless it is one of them
};

struct CompileServices {
  Context& cx;
  MacroRunner& macros;
  ModuleResolver& modules;
};

// An error text has the shape "file:line:column: message" with the offending form shown.
Result<std::unique_ptr<UnitImage>> compile_source(CompileServices services, std::string_view source,
                                                  const CompileOptions& options);

}  // namespace sx
