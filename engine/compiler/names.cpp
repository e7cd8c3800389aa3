// What a name means: a local variable, a definition of this unit, an export of a used module, a
// special form or a primitive, in this order. A symbol that a macro's template introduced and that
// nothing binds locally is looked up where the macro was defined.
#include <algorithm>
#include <cstring>

#include "engine/base/edit_distance.h"
#include "engine/base/str.h"
#include "engine/compiler/expander.h"
#include "engine/compiler/html_names.h"

namespace sx {

std::string private_name(std::string_view module, std::string_view name) {
  return str(module, "#", name);
}

GlobalName* Expander::global(std::string_view full) {
  const auto found = global_names_.find(std::string(full));
  if (found != global_names_.end()) return found->second;
  globals_.emplace_back();
  globals_.back().full = full;
  global_names_.emplace(full, &globals_.back());
  return &globals_.back();
}

Resolved Expander::resolve(std::uint32_t symbol, const Scope* scope, bool head) {
  for (; scope; scope = scope->parent)
    if (scope->symbol == symbol) return {.kind = Resolved::Kind::Local, .var = scope->var};
  return resolve_top(symbol, head);
}

Resolved Expander::resolve_export(const Export& exported, const std::string& module) {
  Resolved r;
  r.kind = exported.kind == ExportKind::Macro ? Resolved::Kind::Macro : Resolved::Kind::Global;
  r.global = global(exported.name);
  r.module = module;
  if (r.kind == Resolved::Kind::Global && !r.global->signature)
    r.global->signature = parse_usage(exported.usage, exported.kind >= ExportKind::Component);
  return r;
}

Resolved Expander::resolve_builtin(std::string_view name) {
  Resolved r;
  if (const SpecialForm* special = find_special_form(name)) {
    r.kind = Resolved::Kind::Special;
    r.special = special;
  } else if (const int index = find_primitive(name); index >= 0) {
    r.kind = Resolved::Kind::Primitive;
    r.primitive = index;
  }
  return r;
}

Resolved Expander::resolve_top(std::uint32_t symbol, bool head) {
  const SpecialForm* inlined =
      head ? find_special_form(cx_.symbols.name(forms_.base(symbol))) : nullptr;
  if (inlined && !inlined->inlined) inlined = nullptr;
  auto is_implicit = [&](const std::string& module) {
    return std::find(options_.implicit_uses.begin(), options_.implicit_uses.end(), module) !=
           options_.implicit_uses.end();
  };
  auto special = [](const SpecialForm* form) {
    return Resolved{.kind = Resolved::Kind::Special, .special = form};
  };
  if (const auto found = definition_by_symbol_.find(symbol); found != definition_by_symbol_.end()) {
    if (inlined && is_implicit(module_)) return special(inlined);
    Definition* definition = found->second;
    Resolved r;
    r.kind = definition->kind == Definition::Kind::Macro ? Resolved::Kind::Macro
                                                         : Resolved::Kind::Global;
    r.global = definition->global;
    r.module = module_;
    return r;
  }
  if (cx_.symbols.is_alias(symbol)) {
    const std::uint32_t module = cx_.symbols.alias_module(symbol);
    const std::uint32_t base = cx_.symbols.alias_base(symbol);
    return module == module_symbol_
               ? resolve_top(base, head)
               : resolve_in_module(std::string(cx_.symbols.name(module)), base, head);
  }
  const std::string name(cx_.symbols.name(symbol));
  // What a session defined itself goes before what it uses.
  if (options_.interactive) {
    const std::string full = private_name(module_, name);
    if (!services_.macros.global_value(full).is_unset()) {
      Resolved r;
      r.kind =
          services_.macros.global_is_macro(full) ? Resolved::Kind::Macro : Resolved::Kind::Global;
      r.global = global(full);
      r.module = module_;
      if (r.kind == Resolved::Kind::Global && !r.global->signature)
        r.global->signature = parse_usage(services_.macros.global_usage(full),
                                          services_.macros.global_is_component(full));
      return r;
    }
  }
  if (const auto found = visible_.find(name); found != visible_.end()) {
    if (inlined && is_implicit(found->second.interface->module)) return special(inlined);
    return resolve_export(*found->second.exported, found->second.interface->module);
  }
  if (const SpecialForm* form = find_special_form(name); form && form->inlined && !head)
    if (const int index = find_primitive(name); index >= 0)
      return {.kind = Resolved::Kind::Primitive, .primitive = index};
  return resolve_builtin(name);
}

// Names in the templates of another module's macros: what they mean there.
Resolved Expander::resolve_in_module(const std::string& module, std::uint32_t symbol, bool head) {
  if (cx_.symbols.is_alias(symbol)) return resolve_top(symbol, head);
  const std::string name(cx_.symbols.name(symbol));
  if (const SpecialForm* form = find_special_form(name); form && form->inlined && head)
    return {.kind = Resolved::Kind::Special, .special = form};
  const std::string full = private_name(module, name);
  if (!services_.macros.global_value(full).is_unset()) {
    Resolved r;
    r.kind =
        services_.macros.global_is_macro(full) ? Resolved::Kind::Macro : Resolved::Kind::Global;
    r.global = global(full);
    r.module = module;
    return r;
  }
  if (!module.empty()) {
    auto required = services_.modules.require(module, module_);
    if (required.ok()) {
      const ModuleInterface* home = required.value();
      for (const Export& e : home->exports)
        if (e.name == name) return resolve_export(e, module);
      for (const std::string& used : home->uses) {
        auto other = services_.modules.require(used, module);
        if (!other.ok()) continue;
        for (const Export& e : other.value()->exports)
          if (e.name == name) return resolve_export(e, used);
      }
    }
  }
  return resolve_builtin(name);
}

Resolved Expander::head_of(const Form* form, const Scope* scope) {
  if (form->kind != Form::Kind::List || !form->items[0]->is_symbol()) return {};
  return resolve(form->items[0]->value.id(), scope, true);
}

const SpecialForm* Expander::special_head(const Form* form, const Scope* scope) {
  const Resolved r = head_of(form, scope);
  return r.kind == Resolved::Kind::Special ? r.special : nullptr;
}

bool Expander::is_special(const Form* form, const char* name, const Scope* scope) {
  const SpecialForm* special = special_head(form, scope);
  return special && std::strcmp(special->name, name) == 0;
}

namespace {

// What a word of another language is called here; empty for words nobody expects.
std::string_view known_elsewhere(std::string_view name) {
#define SX_WORD(word, write) \
  if (name == word) return write;
#include "engine/compiler/other_words.def"
#undef SX_WORD
  return {};
}

}  // namespace

Node* Expander::unbound(const Form* symbol, const Scope* scope) {
  const std::string name = text_of(symbol);
  if (const std::string library = services_.modules.exporter_of(name);
      !library.empty() && library != module_)
    return error_at(symbol->at,
                    str("Unbound name: ", name, ". The library ", library, " has it: write ",
                        module_.empty() ? str("(use ", library, ") at the top.")
                                        : str(":use (", library, ") in the module's header.")));
  if (const std::string_view here = known_elsewhere(name); !here.empty())
    return error_at(symbol->at, str("Unbound name: ", name, ". In SX: ", here, "."));
  const int limit = name.size() <= 1 ? 0 : name.size() <= 3 ? 1 : 2;
  std::vector<std::pair<int, std::string>> near;
  auto consider = [&](std::string_view candidate) {
    const int distance = edit_distance(name, candidate, limit);
    if (distance <= limit && candidate != name) near.emplace_back(distance, candidate);
  };
  for (; scope; scope = scope->parent) consider(scope->var->name);
  for (const Definition& d : definitions_) consider(d.name);
  for (const auto& [visible, unused] : visible_) consider(visible);
  for (const PrimitiveInfo& p : services_.primitives) consider(p.name);
#define SX_FORM(form, function, least, most, usage) consider(form);
#include "engine/compiler/special_forms.def"
#undef SX_FORM
  std::sort(near.begin(), near.end());
  near.erase(
      std::unique(near.begin(), near.end(), [](auto& a, auto& b) { return a.second == b.second; }),
      near.end());
  std::string message =
      str(name.empty() || name[0] != '~' ? "Unbound name: " : "Unknown component: ", name);
  for (std::size_t i = 0; i < near.size() && i < 3; ++i)
    message += str(i == 0                                           ? ". Did you mean "
                   : i + 1 == std::min<std::size_t>(near.size(), 3) ? " or "
                                                                    : ", ",
                   near[i].second);
  message += near.empty() ? "." : "?";
  const std::size_t told = near.empty() ? message.size() : 0;
  if (name.find("--") != std::string_view::npos)
    message += " Names with -- are private to their module.";
  if (name.size() > 1 && is_markup_tag(name))
    message += str(
        " As an element it stands at the head of a form; to pass it as a function write (fn (x) (",
        name, " x)).");
  if (message.size() == told) message += " Define it, or use the module that exports it.";
  return error_at(symbol->at, message);
}

// The signature in a usage line "(name a b &opt c &key k &rest r)"; nullptr when there is none.
const Signature* Expander::parse_usage(std::string_view usage, bool component) {
  if (usage.empty() || usage[0] != '(') return nullptr;
  Signature s;
  s.usage = usage;
  s.component = component;
  std::vector<std::string> tokens;
  std::size_t at = 1;
  while (at < usage.size() && usage[at] != ')') {
    if (usage[at] == ' ') {
      ++at;
      continue;
    }
    const std::size_t start = at;
    int nesting = 0;
    bool text = false;
    for (; at < usage.size(); ++at) {
      const char c = usage[at];
      if (text) {
        if (c == '\\')
          ++at;
        else if (c == '"')
          text = false;
        continue;
      }
      if (c == '"')
        text = true;
      else if (c == '(' || c == '[' || c == '{')
        ++nesting;
      else if ((c == ')' || c == ']' || c == '}') && nesting-- == 0)
        break;
      else if (c == ' ' && nesting == 0)
        break;
    }
    tokens.emplace_back(usage.substr(start, at - start));
  }
  enum { Required, Optional, Keys, Rest } part = Required;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    std::string& token = tokens[i];
    if (token == "&opt")
      part = Optional;
    else if (token == "&key")
      part = Keys;
    else if (token == "&rest")
      part = Rest;
    else if (part == Required)
      ++s.required, s.names.push_back(token);
    else if (part == Optional)
      ++s.optional;
    else if (part == Rest)
      s.rest = true;
    else
      s.keys.push_back(token[0] == '(' ? token.substr(1, token.find_first_of(" )") - 1) : token);
  }
  signatures_.push_back(std::move(s));
  return &signatures_.back();
}

// Calls of local functions with a number of arguments they cannot take. A name that is set! may
// hold another function by then.
void Expander::check_local_calls() {
  for (const auto& [form, var] : local_calls_) {
    if (failed()) return;
    if (var->assigned || (!var->function && var->loop_arity < 0)) continue;
    const FnNode* fn = var->function;
    const std::size_t n = form->size() - 1;
    const std::size_t least = fn ? fn->required.size() : static_cast<std::size_t>(var->loop_arity);
    const std::size_t most = fn ? least + fn->optional.size() : least;
    if (n >= least && (n <= most || (fn && (fn->rest || !fn->keys.empty())))) continue;
    const std::string name = forms_.show(form->items[0]);
    fail(form, str(name, " was given ", n, n == 1 ? " argument" : " arguments",
                   n < least ? ", it needs " : ", it takes at most ", n < least ? least : most,
                   ". Usage: ", fn ? std::string_view(fn->usage) : var->loop_usage));
  }
}

// Are the arguments of this call (items from `first`) what the function takes?
bool Expander::check_call(const Form* form, const Signature& s, std::size_t first) {
  const std::size_t n = form->size() - first;
  auto wrong = [&](std::string what) {
    fail(form, str(what, " Usage: ", s.usage));
    return false;
  };
  auto count = [&](std::size_t k) { return str(k, k == 1 ? " argument" : " arguments"); };
  const std::string who = forms_.show(form->items[0]);
  const auto positional = static_cast<std::size_t>(s.required + s.optional);
  if (n < static_cast<std::size_t>(s.required))
    return wrong(str(who, " was given ", count(n), ", it needs ", s.required, "."));
  if (s.rest || n <= positional) return true;
  if (s.keys.empty())
    return wrong(str(who, " was given ", count(n), ", it takes at most ", positional, "."));
  for (std::size_t i = first + positional; i < form->size(); i += 2) {
    const Form* key = form->items[i];
    if (!key->is_keyword()) {
      if (key->kind == Form::Kind::Atom && !key->is_symbol())
        return wrong(str(who, " takes keyword arguments here, found ", forms_.show(key), "."));
      return true;  // computed: checked when it runs
    }
    const std::string name(cx_.symbols.name(key->value.id()));
    if (std::find(s.keys.begin(), s.keys.end(), name) == s.keys.end())
      return wrong(str(who, " has no keyword :", name, "."));
    if (i + 1 == form->size()) return wrong(str(who, ": the keyword :", name, " has no value."));
  }
  return true;
}

}  // namespace sx
