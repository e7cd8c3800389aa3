// A whole unit: its header, the modules it uses, its top-level forms in order, its image.
#include <algorithm>
#include <set>

#include "engine/base/sha256.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/compiler/expander.h"
#include "engine/compiler/portable.h"
#include "engine/reader/reader.h"

namespace sx {

bool Expander::read_forms(std::string_view source, std::vector<const Form*>& out) {
  ReadOptions read;
  read.file = options_.file;
  Reader reader(cx_, source, read);
  for (;;) {
    Position at{reader.line(), reader.column()};
    auto form = reader.next();
    if (!form.ok()) {
      error_ = form.error();
      return false;
    }
    if (form.value() == Value::eof()) return true;
    // A list knows where it begins; a name alone ends where the reader stands.
    if (form.value().is_symbol()) {
      const auto width = static_cast<std::uint32_t>(utf8_count(cx_.symbols.name(form->id())));
      at = {reader.line(), reader.column() > width ? reader.column() - width : 1};
    }
    out.push_back(forms_.from_value(form.value(), at));
  }
}

// (module path :use (m…) :export (name…) :portable (name…))
bool Expander::module_header(const Form* form) {
  static constexpr const char* kUsage =
      "Usage: (module path :use (module…) :export (name…) :portable (~component…))";
  if (form->size() < 2 || !form->items[1]->is_symbol()) return fail(form, kUsage), false;
  module_ = text_of(form->items[1]);
  module_symbol_ = cx_.symbols.intern(module_);
  for (std::size_t i = 2; i < form->size(); i += 2) {
    const Form* key = form->items[i];
    if (!key->is_keyword() || i + 1 == form->size() || !form->items[i + 1]->is_proper())
      return fail(form, kUsage), false;
    const std::string_view name = cx_.symbols.name(key->value.id());
    for (const Form* item : form->items[i + 1]->items) {
      if (!item->is_symbol()) return fail(form, kUsage), false;
      if (name == "use") {
        if (!use_module(text_of(item), item)) return false;
      } else if (name == "export") {
        for (const Form* other : export_forms_)
          if (text_of(other) == text_of(item))
            return fail(item, str(text_of(item), " is exported twice.")), false;
        export_forms_.push_back(item);
      } else if (name == "portable") {
        portable_forms_.push_back(item);
      } else {
        return fail(form, str("Unknown part :", name, " of module. ", kUsage)), false;
      }
    }
  }
  return true;
}

bool Expander::use_module(const std::string& path, const Form* at) {
  if (path == module_) return fail(at, str("The module ", path, " uses itself.")), false;
  if (std::find(uses_.begin(), uses_.end(), path) != uses_.end()) return true;
  auto required = services_.modules.require(path, module_.empty() ? options_.file : module_);
  if (!required.ok()) {
    fail(at, required.error().message);
    return false;
  }
  const ModuleInterface* interface = required.value();
  uses_.push_back(path);
  for (const Export& exported : interface->exports) {
    if (exported.name.find('#') != std::string::npos) continue;  // a private macro
    const auto [found, fresh] = visible_.emplace(exported.name, Visible{&exported, interface});
    if (!fresh && found->second.interface->module != interface->module) {
      fail(at, str("Both ", found->second.interface->module, " and ", path, " export ",
                   exported.name, "."));
      return false;
    }
  }
  return true;
}

Result<std::vector<Node*>> Expander::expand_unit(std::string_view source) {
  std::vector<const Form*> forms;
  std::vector<Node*> nodes;
  if (!read_forms(source, forms)) return *error_;
  static const Form start = [] {
    Form f;
    f.at = {1, 1};
    return f;
  }();
  const bool is_module =
      !forms.empty() && forms[0]->is_list() && forms_.is_named(forms[0]->items[0], "module");
  if (options_.expect_module && !is_module)
    return Error{
        str(options_.file, ":1:1: Expected (module path …) as the first form of a module's file.")};
  if (is_module && forms[0]->size() > 1 && forms[0]->items[1]->is_symbol())
    module_ = text_of(forms[0]->items[1]);
  // Modules every unit sees; one of them sees those before it.
  for (const std::string& implicit : options_.implicit_uses) {
    if (implicit == module_) break;
    if (!use_module(implicit, forms.empty() ? &start : forms[0])) return *error_;
  }
  std::vector<const Form*> flat, all;
  std::size_t first = 0;
  if (is_module) {
    if (!module_header(forms[0])) return *error_;
    first = 1;
  }
  for (std::size_t i = first; i < forms.size(); ++i) {
    const Form* form = forms[i];
    if (form->is_list() && forms_.is_named(form->items[0], "use")) {
      if (is_module)
        fail(form, "A module names what it uses in its header: (module path :use (…)).");
      for (std::size_t k = 1; k < form->size() && !failed(); ++k) {
        if (!form->items[k]->is_symbol())
          fail(form, "Usage: (use module…)");
        else
          use_module(text_of(form->items[k]), form->items[k]);
      }
    } else if (form->is_list() && forms_.is_named(form->items[0], "module")) {
      fail(form, "module must be the first form of the file.");
    } else {
      flat.push_back(form);
    }
    if (failed()) return *error_;
  }
  std::vector<const Form*> seen;
  for (const Form* form : flat) register_definitions(form, seen, false);
  for (const Form* form : seen) {
    if (failed()) return *error_;
    const Form* expanded = expand_head(form, nullptr);
    if (expanded == form)
      all.push_back(form);
    else
      register_definitions(expanded, all, true);
  }
  for (const Form* name : export_forms_)
    if (!failed() && !definition_of(name))
      fail(name, str("The module exports ", text_of(name), " but does not define it."));
  for (const Form* name : portable_forms_) {
    if (failed()) break;
    Definition* d = definition_of(name);
    if (!d || !d->exported || d->kind != Definition::Kind::Component)
      fail(name, str(":portable names components that the module exports, and ", text_of(name),
                     " is none."));
    else
      d->portable = true;
  }
  for (const Form* form : all) {
    if (failed()) return *error_;
    nodes.push_back(expand_top(form));
  }
  check_local_calls();
  if (failed()) return *error_;
  return nodes;
}

void Expander::describe(UnitImage& image) const {
  image.module = module_;
  image.file = options_.file;
  image.uses = uses_;
  const auto add = [&](const Definition& d) {
    Export e;
    e.name = d.global->full;
    e.kind = d.kind == Definition::Kind::Macro       ? ExportKind::Macro
             : d.portable                            ? ExportKind::Portable
             : d.kind == Definition::Kind::Component ? ExportKind::Component
                                                     : ExportKind::Value;
    e.doc = d.doc;
    e.usage = d.usage;
    image.exports.push_back(std::move(e));
  };
  for (const Form* name : export_forms_)
    for (const Definition& d : definitions_)
      if (d.exported && d.symbol == name->value.id()) add(d);
  // Later inputs of a session see all that this one defines, and how it is called.
  for (const Definition& d : definitions_)
    if (!d.exported && (d.kind == Definition::Kind::Macro || options_.interactive)) add(d);
  std::set<std::string> ops(required_ops_.begin(), required_ops_.end());
  image.requires_ops.assign(ops.begin(), ops.end());
}

Result<std::unique_ptr<UnitImage>> compile_source(CompileServices services, std::string_view source,
                                                  const CompileOptions& options) {
  Expander expander(services, options);
  SX_TRY(std::vector<Node*> nodes, expander.expand_unit(source));
  auto image = std::make_unique<UnitImage>();
  expander.describe(*image);
  image->source_hash = hex(content_sha256(source));
  auto generated = generate_unit(services, nodes, *image);
  if (!generated.ok()) return generated.error();
  SX_CHECK(finish_portable(services, *image));
  return image;
}

}  // namespace sx
