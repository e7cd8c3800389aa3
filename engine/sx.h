// The embedding API: one Engine is one isolate. Everything that runs SX (the command line, a server
// worker, the browser kernel, tests) goes through it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/bytecode/image.h"
#include "engine/bytecode/tables.h"
#include "engine/compiler/compiler.h"
#include "engine/io/runner.h"
// Values as text and as HTML are part of the embedding API, and so is what a loaded unit needs.
#include "engine/prim/modules.h"
#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "engine/render/render.h"
#include "engine/vm/vm.h"

namespace sx {

struct SourceFile {
  std::string text;
  std::string file;  // shown in errors: relative to the project
};

// Functions in C++ that the embedder adds to the language: a module that programs name in :use. The
// tables that bundles are compared by do not change; a bundle that uses the module is refused by
// its name where nobody added it. IO ops are added with Runner::add.
struct Extension {
  std::string module;  // "image"
  // Their names are exports of the module, complete as written ("image/resize"), unlike any other;
  // manual is what `sx doc` prints. The texts live as long as the engine.
  std::vector<PrimitiveInfo> natives;
};

class Engine : private MacroRunner, private ModuleResolver {
 public:
  explicit Engine(const VmConfig& config);
  ~Engine() override;

  Vm vm;
  Runner runner;
  Context& cx() { return vm.cx; }

  // Where source modules come from: "persist/log" → its text, or nothing. Asked in order after the
  // bundles.
  std::function<std::optional<SourceFile>(std::string_view module)> find_source;
  // Asked before a unit is linked; one that is refused stays available. A host that has not loaded
  // all of its primitives yet (web/kernel.cpp) refuses what needs them.
  std::function<Result<void>(const UnitImage&)> admit;
  // Bundles that came with the program, looked into only when a module is needed that nothing at
  // hand has: each is asked for by its module, then, when no source was found either, by "".
  struct LibraryBundle {
    std::string_view bytes;  // stay as long as the engine
    std::string_view name;
    // A part of this very program, checked when that was built: it is not checked at every start.
    bool built_in = false;
  };
  std::function<std::vector<LibraryBundle>(std::string_view module)> find_bundles;
  // Told about what a person should know: a refused bundle for which the source was compiled.
  std::function<void(std::string_view notice)> on_notice;

  // Adds natives before anything that uses them is compiled or loaded. Refused: a module that is
  // there already, a name that is taken or that does not begin with "module/".
  Result<void> extend(Extension extension);

  // Makes the modules of a bundle available (verified, not run). bytes may go afterwards.
  // Refused: an error that names both sides and the remedy; nothing of it becomes available.
  // library: what came with the binary; a project whose source of a module differs from it (by
  // hash) gets its own source compiled instead. built_in: as in LibraryBundle.
  Result<void> add_bundle(std::string_view bytes, std::string_view name = "bundle",
                          bool library = false, bool built_in = false) {
    return add_bundle(LibraryBundle{bytes, name, built_in}, library);
  }
  // The module's path of the bundle's entry, "" when it has none.
  const std::string& last_bundle_entry() const { return last_entry_; }

  // Loads (linking, running its top level) a module and what it uses; later calls do nothing.
  Result<void> require_module(std::string_view module);
  // Compiles and runs a script or module text; the value of its last top-level form.
  Result<Value> run_source(const SourceFile& source);
  // The same for an interactive line: earlier definitions stay visible.
  Result<Value> eval(std::string_view text, std::string_view file = "<eval>",
                     bool interactive = false);
  // Compiles without running, with everything it uses loaded for its macros.
  Result<std::unique_ptr<UnitImage>> compile(const SourceFile& source);
  // A global by its full name ("blog/handler"), or unset.
  Value global(std::string_view full_name);
  const Global* find_global(std::string_view full_name) { return vm.globals.find(full_name); }

  // The loaded modules in the order they were loaded: dependencies first.
  struct LoadedModule {
    std::string module;
    const UnitImage* image;
    bool from_bundle;
  };
  std::span<const LoadedModule> modules() const { return loaded_; }

  // Every export of the modules at hand, those of bundles that are not loaded included:
  // visit(module, export).
  template <class Visit>
  void each_export(Visit visit) {
    find_in_bundles("", "");
    for (const auto& [module, interface] : interfaces_)
      for (const Export& e : interface->exports) visit(std::string_view(module), e);
    for (const auto& [module, available] : available_)
      for (const Export& e : available.image->exports) visit(std::string_view(module), e);
  }

  // A suspended fiber or continuation as bytes; it is used up (vm/freeze.h).
  Result<std::string> freeze(Value fiber);
  // The fiber again, with the modules it needs loaded first. Who may hand in bytes is the caller's
  // decision: they say what loaded code does next. The caller roots it at once.
  Result<Value> thaw(std::string_view bytes);

  // Ops that loaded modules declare and nobody here services: each with the module that needs it.
  std::vector<std::string> missing_ops() const;

 private:
  Result<void> add_bundle(const LibraryBundle& bytes, bool library);
  void begin_expansion(std::uint32_t module) override;
  Result<Value> run_macro(Value fn, Value argument_forms) override;
  Result<void> run_for_macros(const UnitImage& unit) override;
  Value global_value(std::string_view full_name) override;
  bool global_is_macro(std::string_view full_name) override;
  bool global_is_component(std::string_view full_name) override;
  std::string_view global_usage(std::string_view full_name) override;
  Result<const ModuleInterface*> require(std::string_view module,
                                         std::string_view asked_by) override;
  std::string exporter_of(std::string_view name) override;
  const UnitImage* image_of(std::string_view module) override;

  CompileServices services();
  Result<void> load_image(std::unique_ptr<UnitImage> image, bool from_bundle, Value* value);
  void define_primitives();

  struct Available {
    std::unique_ptr<UnitImage> image;
    bool library = false;
  };
  std::unordered_map<std::string, Available> available_;  // from bundles
  std::unordered_map<std::string, std::unique_ptr<ModuleInterface>> interfaces_;
  std::vector<LoadedModule> loaded_;
  std::vector<std::string> loading_;  // the chain of modules being loaded: cycles
  std::string last_entry_;
  bool find_in_bundles(std::string_view module, std::string_view asked);

  std::vector<std::unique_ptr<Extension>> extensions_;
  std::uint32_t extension_natives_ = 0;
  std::vector<std::string> interactive_uses_;  // what earlier inputs made visible with (use …)
};

// JSON by the primitives that programs use, so that both have one meaning. Objects become dicts
// with keyword keys, arrays vectors.
Result<std::string> to_json(Context& cx, Value v);
Result<Value> from_json(Context& cx, std::string_view json);

// The usage line of a special form, or null.
const char* special_form_usage(std::string_view name);

// The vocabularies whose fingerprint bundles carry.
const Tables& engine_tables();
// "1.0.0 tables 12ab34…": what `sx version` prints and bundles are compared with.
std::string table_fingerprint();

}  // namespace sx
