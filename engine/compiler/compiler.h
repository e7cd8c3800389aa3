// The compiler: source text → UnitImage. Reader → expander (macros, forms checked) → core AST →
// registers and instructions. Deterministic: the same sources give the same image.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/bytecode/image.h"
#include "engine/bytecode/primitive_info.h"
#include "engine/gc/context.h"

namespace sx {

// Primitives are visible everywhere. As values they are globals of this reserved module, one per
// primitive, which whoever builds the VM defines before anything runs: "primitive#first". So a
// module that defines its own `first` never changes what others mean by it.
inline constexpr std::string_view kPrimitiveModule = "primitive";

// The full name of a global that is not exported. Scripts have module "": "#name".
std::string private_name(std::string_view module, std::string_view name);

// What the expander needs of the running system. sx.h's implementation passes it in.
class MacroRunner {
 public:
  virtual ~MacroRunner() = default;
  // The next run_macro expands a macro of this module (a symbol id): what its (macro/rename s)
  // makes are aliases into it (sx::begin_expansion).
  virtual void begin_expansion(std::uint32_t module) = 0;
  // Calls expander function `fn` with the list of unevaluated argument forms; the expansion, or
  // the error it raised (printed with its message), within fuel and heap limits.
  virtual Result<Value> run_macro(Value fn, Value argument_forms) = 0;
  // Links and runs a scratch unit: a macro of the file being compiled and the definitions of the
  // same file that its expander needs, so that later forms can use it.
  virtual Result<void> run_for_macros(const UnitImage& unit) = 0;
  // The global with this full name as known at compile time: its value, or unset.
  virtual Value global_value(std::string_view full_name) = 0;
  // True if that global is a macro (Global::macro).
  virtual bool global_is_macro(std::string_view full_name) = 0;
  // True if that global is a component (Global::component).
  virtual bool global_is_component(std::string_view full_name) = 0;
  // How that global is called (Global::usage), "" when it does not say.
  virtual std::string_view global_usage(std::string_view full_name) = 0;
};

// What is visible from other modules. Private macros are listed too, under their full names
// ("core#helper"): an expansion may mention them, source text cannot.
struct ModuleInterface {
  std::string module;
  std::vector<Export> exports;
  std::vector<std::string>
      uses;  // UnitImage::uses: where names in the module's macros may come from
};
class ModuleResolver {
 public:
  virtual ~ModuleResolver() = default;
  // Loads (compiling if needed) the module and returns its interface; an error names who asked,
  // what was looked for and where; a cycle is an error naming the whole circle.
  virtual Result<const ModuleInterface*> require(std::string_view module,
                                                 std::string_view asked_by) = 0;
  // A module at hand that exports the name, for the error about a name that is not visible; or "".
  virtual std::string exporter_of(std::string_view) { return {}; }
  // The code of a module that require() gave, or null.
  virtual const UnitImage* image_of(std::string_view) { return nullptr; }
};

struct CompileOptions {
  std::string file;            // for positions and backtraces
  bool expect_module = false;  // the file must begin with (module …)
  // For the REPL and eval: names defined by earlier inputs (full names) are visible.
  bool interactive = false;
  std::vector<std::string> implicit_uses = {
      "core"};  // modules every unit sees, unless it is one of them
};

struct CompileServices {
  Context& cx;
  MacroRunner& macros;
  ModuleResolver& modules;
  std::span<const PrimitiveInfo> primitives;  // in the order of their indices
};

// An error text has the shape "file:line:column: message" with the offending form shown.
Result<std::unique_ptr<UnitImage>> compile_source(CompileServices services, std::string_view source,
                                                  const CompileOptions& options);

}  // namespace sx
