#include "engine/sx.h"

#include <algorithm>

#include "engine/base/sha256.h"
#include "engine/base/str.h"
#include "engine/bytecode/bundle.h"
#include "engine/bytecode/verify.h"
#include "engine/fingerprint.h"
#include "engine/prim/declare.h"
#include "engine/prim/operations.h"
#include "engine/prim/primitives.h"
#include "engine/reader/printer.h"
#include "engine/value/collections.h"

namespace sx {

namespace {

constexpr std::int64_t kMacroFuel = 20'000'000;
// A native of an extension: header, index, description.
constexpr std::uint32_t kExtensionWords = 3;

}  // namespace

const Tables& engine_tables() {
  static const Tables tables = [] {
    std::vector<PrimitiveArity> arities;
    for (std::uint32_t i = 0; i < primitive_count(); ++i)
      arities.push_back({primitives()[i].name, primitives()[i].min_args, primitives()[i].max_args});
    return Tables(engine_fingerprint(), std::move(arities));
  }();
  return tables;
}

std::string table_fingerprint() { return hex(engine_tables().fingerprint()); }

Result<std::string> to_json(Context& cx, Value v) {
  Value args[] = {v};
  const Value text = prim_json_write(cx, args, 1);
  if (text.is_unset()) return Error{error_summary(cx, cx.error)};
  return std::string(as_string(text)->view());
}

Result<Value> from_json(Context& cx, std::string_view json) {
  const Field fields[] = {{"keywords", Value::tru()}};
  Root options(cx.heap, make_dict(cx, fields));
  const Value text = make_string(cx, json);
  Value args[] = {text, options};
  const Value v = prim_json_read(cx, args, 2);
  if (v.is_unset()) return Error{error_summary(cx, cx.error)};
  return v;
}

const char* special_form_usage(std::string_view name) {
  // The inlined ones are functions of lib/core too and have their manuals there.
#define SX_INLINE_FORM(form, function, least, most, usage)
#define SX_FORM(form, function, least, most, usage) \
  if (name == form) return usage;
#include "engine/compiler/special_forms.def"
#undef SX_FORM
  return nullptr;
}

Engine::Engine(const VmConfig& config) : vm(config), runner(vm) {
  vm.tables = &engine_tables();
  define_primitives();
}
Engine::~Engine() = default;

void Engine::define_primitives() {
  const PrimitiveInfo* table = primitives();
  for (std::uint32_t i = 0; i < primitive_count(); ++i) {
    Global* global = vm.globals.intern(str(kPrimitiveModule, "#", table[i].name));
    auto* object = static_cast<PrimitiveObject*>(vm.cx.heap.alloc_static(Kind::Primitive, 2));
    object->index = i;
    object->reserved = 0;
    global->value = Value::object(object);
    global->usage = table[i].usage;
  }
}

Result<void> Engine::extend(Extension extension) {
  const std::string& module = extension.module;
  if (interfaces_.count(module) || available_.count(module))
    return Error{str("The extension ", module, " cannot be added: a module of this name is there")};
  for (const PrimitiveInfo& native : extension.natives) {
    const std::string_view name = native.name;
    if (!name.starts_with(str(module, "/")))
      return Error{str("The extension ", module, " cannot add ", name,
                       ": expected a name that begins ", "with ", module, "/")};
    if (vm.globals.find(name))
      return Error{str("The extension ", module, " cannot add ", name, ": the name is taken")};
  }
  extensions_.push_back(std::make_unique<Extension>(std::move(extension)));
  const Extension& added = *extensions_.back();
  auto interface = std::make_unique<ModuleInterface>();
  interface->module = added.module;
  for (const PrimitiveInfo& native : added.natives) {
    Global* global = vm.globals.intern(native.name);
    auto* object =
        static_cast<ExtensionNative*>(vm.cx.heap.alloc_static(Kind::Primitive, kExtensionWords));
    object->index = primitive_count() + extension_natives_++;
    object->reserved = 0;
    object->info_bits = reinterpret_cast<std::uintptr_t>(&native);
    global->value = Value::object(object);
    global->usage = native.usage;
    if (native.manual) global->doc = native.manual;
    Export made;
    made.name = native.name;
    made.kind = ExportKind::Value;
    made.usage = native.usage;
    if (native.manual) made.doc = native.manual;
    interface->exports.push_back(std::move(made));
  }
  interfaces_[added.module] = std::move(interface);
  return {};
}

CompileServices Engine::services() {
  return CompileServices{vm.cx, *this, *this, {primitives(), primitive_count()}};
}

// --- what the compiler asks ----------------------------------------------------------------------

void Engine::begin_expansion(std::uint32_t module) { sx::begin_expansion(vm.cx, module); }

Result<Value> Engine::run_macro(Value fn, Value argument_forms) {
  // The expander function takes the argument forms as its arguments.
  std::vector<Value> args;
  for (Value at = argument_forms; is_pair(at); at = cdr(at)) args.push_back(car(at));
  return runner.run_now(fn, args.data(), static_cast<int>(args.size()), kMacroFuel);
}

Result<void> Engine::run_for_macros(const UnitImage& unit) {
  Unit* linked = vm.link(std::make_unique<UnitImage>(unit));
  for (const Export& e : linked->image->exports)
    if (e.kind == ExportKind::Macro)
      if (Global* global = vm.globals.find(e.name)) global->macro = true;
  auto ran = runner.run_now(vm.closure_of(linked->functions[0]), nullptr, 0, kMacroFuel);
  if (!ran.ok()) return ran.error();
  return {};
}

Value Engine::global_value(std::string_view full_name) {
  const Global* global = vm.globals.find(full_name);
  return global ? global->value : Value::unset();
}

bool Engine::global_is_macro(std::string_view full_name) {
  const Global* global = vm.globals.find(full_name);
  return global && global->macro;
}

bool Engine::global_is_component(std::string_view full_name) {
  const Global* global = vm.globals.find(full_name);
  return global && global->component;
}

std::string_view Engine::global_usage(std::string_view full_name) {
  const Global* global = vm.globals.find(full_name);
  return global ? std::string_view(global->usage) : std::string_view();
}

Value Engine::global(std::string_view full_name) { return global_value(full_name); }

// --- modules -------------------------------------------------------------------------------------

Result<void> Engine::load_image(std::unique_ptr<UnitImage> image, bool from_bundle, Value* value) {
  for (const std::string& use : image->uses) SX_CHECK(require_module(use));
  auto interface = std::make_unique<ModuleInterface>();
  interface->module = image->module;
  interface->exports = image->exports;
  interface->uses = image->uses;
  const std::string module = image->module;
  if (!from_bundle)
    SX_CHECK(verify_unit(*image, engine_tables()));  // a bundle was verified when added
  if (!from_bundle && admit) SX_CHECK(admit(*image));
  Unit* unit = vm.link(std::move(image));
  for (const Export& e : unit->image->exports) {
    Global* global = vm.globals.find(e.name);
    if (!global) continue;
    global->macro = e.kind == ExportKind::Macro;
    global->component = e.kind >= ExportKind::Component;
    global->doc = e.doc;
    global->usage = e.usage;
  }
  auto ran = runner.run_now(vm.closure_of(unit->functions[0]), nullptr, 0);
  if (!ran.ok()) return ran.error();
  if (value) *value = ran.value();
  if (!module.empty()) {
    interfaces_[module] = std::move(interface);
    loaded_.push_back({module, unit->image.get(), from_bundle});
  }
  return {};
}

Result<const ModuleInterface*> Engine::require(std::string_view module, std::string_view asked_by) {
  const std::string name(module);
  if (const auto found = interfaces_.find(name); found != interfaces_.end())
    return static_cast<const ModuleInterface*>(found->second.get());
  for (std::size_t i = 0; i < loading_.size(); ++i) {
    if (loading_[i] != name) continue;
    std::string circle = name;
    for (std::size_t j = i + 1; j < loading_.size(); ++j) circle += str(" → ", loading_[j]);
    return Error{str("Modules use each other in a circle: ", circle, " → ", name)};
  }
  struct Loading {
    std::vector<std::string>& chain;
    Loading(std::vector<std::string>& c, std::string n) : chain(c) {
      chain.push_back(std::move(n));
    }
    ~Loading() { chain.pop_back(); }
  } loading(loading_, name);

  std::optional<SourceFile> source;
  if (!available_.count(name)) find_in_bundles(name, name);
  if (!available_.count(name)) {
    if (find_source) source = find_source(module);
    if (!source) find_in_bundles(name, "");
  }
  if (const auto found = available_.find(name); !source && found != available_.end()) {
    if (found->second.library && find_source) source = find_source(module);
    if (source && hex(content_sha256(source->text)) == found->second.image->source_hash)
      source.reset();
    if (!source) {
      // What it uses comes first: when that is refused, this one stays available.
      const UnitImage& waiting = *found->second.image;
      for (const std::string& use : waiting.uses) SX_CHECK(require_module(use));
      if (admit) SX_CHECK(admit(waiting));
      auto image = std::move(available_[name].image);
      available_.erase(name);
      SX_CHECK(load_image(std::move(image), true, nullptr));
      return static_cast<const ModuleInterface*>(interfaces_[name].get());
    }
  }
  if (!source) {
    return Error{str(
        "Module ", name, " was not found", asked_by.empty() ? "" : str(" (used by ", asked_by, ")"),
        ": expected it in a bundle, or as the file ", name, ".sx under a module root")};
  }
  CompileOptions options;
  options.file = source->file;
  options.expect_module = true;
  SX_TRY(auto image, compile_source(services(), source->text, options));
  if (image->module != name)
    return Error{str(source->file, ": the file declares (module ", image->module,
                     " …), expected (module ", name, " …): a module's path is its file's path")};
  SX_CHECK(load_image(std::move(image), false, nullptr));
  return static_cast<const ModuleInterface*>(interfaces_[name].get());
}

const UnitImage* Engine::image_of(std::string_view module) {
  for (const LoadedModule& loaded : loaded_)
    if (loaded.module == module) return loaded.image;
  return nullptr;
}

std::string Engine::exporter_of(std::string_view name) {
  std::string found;
  each_export([&](std::string_view module, const Export& e) {
    // Of two copies of a name the same one is told in every run.
    if (e.name == name && (found.empty() || module < found)) found = module;
  });
  return found;
}

// Adds the bundles that are said to hold modules like `asked` until one has the module.
bool Engine::find_in_bundles(std::string_view module, std::string_view asked) {
  if (!find_bundles) return false;
  const std::string name(module);
  for (const LibraryBundle& bundle : find_bundles(asked)) {
    const auto added = add_bundle(bundle, true);
    if (!added.ok() && on_notice) on_notice(added.error().message);
    if (available_.count(name)) return true;
  }
  return false;
}

Result<void> Engine::require_module(std::string_view module) {
  // A copy: the chain grows while the module is looked for.
  const std::string asked_by = loading_.empty() ? std::string() : loading_.back();
  auto required = require(module, asked_by);
  if (!required.ok()) return required.error();
  return {};
}

Result<void> Engine::add_bundle(const LibraryBundle& given, bool library) {
  SX_TRY(Bundle bundle, decode_bundle(given.bytes, engine_tables(), given.name, !given.built_in));
  if (!given.built_in)
    for (const auto& unit : bundle.units) SX_CHECK(verify_unit(*unit, engine_tables()));
  if (!library)
    last_entry_ = bundle.entry < bundle.units.size() ? bundle.units[bundle.entry]->module : "";
  for (auto& unit : bundle.units) {
    const std::string module = unit->module;
    if (interfaces_.count(module)) continue;  // loaded already
    if (library && available_.count(module)) continue;
    available_[module] = {std::move(unit), library};
  }
  return {};
}

Result<std::unique_ptr<UnitImage>> Engine::compile(const SourceFile& source) {
  CompileOptions options;
  options.file = source.file;
  return compile_source(services(), source.text, options);
}

Result<Value> Engine::run_source(const SourceFile& source) {
  SX_TRY(auto image, compile(source));
  Value value = Value::nil();
  SX_CHECK(load_image(std::move(image), false, &value));
  return value;
}

Result<Value> Engine::eval(std::string_view text, std::string_view file, bool interactive) {
  CompileOptions options;
  options.file = std::string(file);
  options.interactive = interactive;
  if (interactive)
    options.implicit_uses.insert(options.implicit_uses.end(), interactive_uses_.begin(),
                                 interactive_uses_.end());
  SX_TRY(auto image, compile_source(services(), text, options));
  if (interactive) {
    for (const std::string& use : image->uses)
      if (std::find(options.implicit_uses.begin(), options.implicit_uses.end(), use) ==
          options.implicit_uses.end())
        interactive_uses_.push_back(use);
  }
  Value value = Value::nil();
  SX_CHECK(load_image(std::move(image), false, &value));
  return value;
}

std::vector<std::string> Engine::missing_ops() const {
  std::vector<std::string> missing;
  for (const LoadedModule& loaded : loaded_)
    for (const std::string& op : loaded.image->requires_ops)
      if (!runner.services(op)) missing.push_back(str(op, " (needed by ", loaded.module, ")"));
  return missing;
}

}  // namespace sx
