// Definitions at the top level: registered first, so that everything in a file sees everything
// defined in it, then expanded in order.
#include <algorithm>
#include <cstring>

#include "engine/base/str.h"
#include "engine/compiler/expander.h"

namespace sx {

namespace {

bool is_definition(const SpecialForm* special) {
  static constexpr std::string_view kNames[] = {"define", "defmacro", "defrecord", "defcomp"};
  return special &&
         std::find(std::begin(kNames), std::end(kNames), special->name) != std::end(kNames);
}

// The form's docstring: a text at `at` that more forms follow.
const Form* docstring(const Form* form, std::size_t at) {
  return form->size() > at + 1 && form->items[at]->is_text() ? form->items[at] : nullptr;
}

}  // namespace

Definition* Expander::definition_of(const Form* symbol) {
  std::uint32_t id = symbol->value.id();
  for (;;) {
    if (const auto found = definition_by_symbol_.find(id); found != definition_by_symbol_.end())
      return found->second;
    if (!cx_.symbols.is_alias(id) || cx_.symbols.alias_module(id) != module_symbol_) return nullptr;
    id = cx_.symbols.alias_base(id);
  }
}

Definition* Expander::add_definition(const Form* symbol, Definition::Kind kind, const Form* form) {
  if (!symbol->is_symbol()) {
    fail(form, str("Expected a name to define, got ", forms_.show(symbol), "."));
    return nullptr;
  }
  const std::uint32_t id = symbol->value.id();
  const std::string name = text_of(symbol);
  if (const auto found = definition_by_symbol_.find(id); found != definition_by_symbol_.end()) {
    fail(form,
         str(name, " is defined twice; the first time in line ", found->second->at.line, "."));
    return nullptr;
  }
  definitions_.emplace_back();
  Definition* d = &definitions_.back();
  d->kind = kind;
  d->symbol = id;
  d->name = name;
  d->form = form;
  d->at = symbol->at;
  d->usage = name;
  if (cx_.symbols.is_alias(id)) {  // made by a macro's template: visible to that expansion only
    std::string full;
    do full = private_name(module_, str(name, "~", ++alias_definitions_));
    while (options_.interactive && !services_.macros.global_value(full).is_unset());
    d->global = global(full);
  } else {
    for (const Form* exported : export_forms_)
      d->exported = d->exported || text_of(exported) == name;
    if (d->exported)
      if (const auto other = visible_.find(name); other != visible_.end())
        fail(form, str("The module ", other->second.interface->module,
                       ", which is used here, already exports ", name, "."));
    d->global = global(d->exported ? name : private_name(module_, name));
  }
  d->global->own = true;
  definition_by_symbol_.emplace(id, d);
  definition_by_global_.emplace(d->global, d);
  return d;
}

void Expander::register_definition(const Form* form, const SpecialForm* special) {
  const std::string_view kind = special->name;
  const auto count = static_cast<int>(form->size()) - 1;
  if (count < special->least || (special->most >= 0 && count > special->most)) {
    fail(form, str("Usage: ", special->usage));
    return;
  }
  const Form* target = form->items[1];
  const auto set_signature = [&](Definition* d, const Form* params, bool component) {
    signatures_.push_back(signature_of(d->name, params, component));
    d->global->signature = &signatures_.back();
    d->usage = signatures_.back().usage;
  };
  if (kind == "define") {
    if (target->kind == Form::Kind::List) {
      Definition* d = add_definition(target->items[0], Definition::Kind::Value, form);
      if (!d) return;
      Form params;
      params.kind = Form::Kind::List;
      params.items = {target->items.begin() + 1, target->items.end()};
      params.tail = target->tail;
      if (params.items.empty() && target->tail)
        set_signature(d, target->tail, false);
      else
        set_signature(d, &params, false);
      if (const Form* doc = docstring(form, 2)) d->doc = doc->text;
      return;
    }
    if (count > 2) {
      fail(form, str("define takes one value for a name. Usage: ", special->usage));
      return;
    }
    Definition* d = add_definition(target, Definition::Kind::Value, form);
    if (d && count == 2 && form->items[2]->is_list() && form->items[2]->size() >= 2 &&
        is_special(form->items[2], "fn", nullptr))
      set_signature(d, form->items[2]->items[1], false);
    return;
  }
  if (kind == "defrecord") {
    if (!target->is_symbol() || !form->items[2]->is_proper()) {
      fail(form, str("Usage: ", special->usage));
      return;
    }
    Definition* d = add_definition(target, Definition::Kind::Record, form);
    if (!d) return;
    set_signature(d, form->items[2], false);
    const std::string name = d->name;
    const auto derived = [&](const std::string& suffix, const std::string& param) {
      Definition* part =
          add_definition(forms_.symbol(name + suffix, target->at), Definition::Kind::Record, form);
      if (part)
        part->usage = str("(", name, suffix, " ", param, ")"),
        part->global->signature = parse_usage(part->usage, false);
    };
    derived("?", "x");
    for (const Form* field : form->items[2]->items) {
      if (!field->is_symbol()) {
        fail(form, str("Expected field names, got ", forms_.show(field), "."));
        return;
      }
      derived("-" + text_of(field), name);
    }
    return;
  }
  const bool macro = kind == "defmacro";
  Definition* d =
      add_definition(target, macro ? Definition::Kind::Macro : Definition::Kind::Component, form);
  if (!d) return;
  if (!macro && (d->name.empty() || d->name[0] != '~')) {
    fail(form, str("A component's name begins with ~: ~", d->name, "."));
    return;
  }
  if (const Form* doc = docstring(form, 3)) d->doc = doc->text;
  set_signature(d, form->items[2], !macro);
}

void Expander::register_definitions(const Form* form, std::vector<const Form*>& flat,
                                    bool expand_macros) {
  if (failed()) return;
  if (expand_macros) form = expand_head(form, nullptr);
  const SpecialForm* special = special_head(form, nullptr);
  if (special && special->expand == &Expander::form_do && form->is_list()) {
    for (std::size_t i = 1; i < form->size(); ++i)
      register_definitions(form->items[i], flat, expand_macros);
    return;
  }
  if (is_definition(special)) register_definition(form, special);
  flat.push_back(form);
}

// --- expansion -------------------------------------------------------------------------------

Node* Expander::define_global(Definition* definition, Node* v, const Form* at) {
  Node* made = node(NodeKind::DefGlobal, at, {v});
  made->global = definition->global;
  return made;
}

Node* Expander::expand_top(const Form* form) {
  const SpecialForm* special = special_head(form, nullptr);
  if (is_definition(special)) return expand_definition(form, special);
  return value(form, nullptr);
}

Node* Expander::expand_definition(const Form* form, const SpecialForm* special) {
  const std::string_view kind = special->name;
  if (kind == "defrecord") return define_record(form);
  const Form* target = form->items[1];
  const bool function_form = target->kind == Form::Kind::List;
  Definition* d = definition_of(function_form ? target->items[0] : target);
  if (!d) return fail(form, "This definition was not registered.");
  if (kind == "define" && !function_form) {
    Node* v = form->size() == 3 ? value(form->items[2], nullptr) : constant(Value::nil(), form);
    if (v->kind == NodeKind::Lambda) {
      if (v->fn->name.empty()) {
        v->fn->name = d->name;
        v->fn->usage = d->usage;
      }
      if (!options_.interactive) v->fn->global = d->global;
    }
    return define_global(d, v, form);
  }
  const Form* params;
  std::size_t first;
  if (function_form) {
    params = target->tail && target->size() == 1 ? target->tail : [&] {
      Form* list = forms_.list({target->items.begin() + 1, target->items.end()}, target->at);
      if (target->tail) list->tail = target->tail;
      return static_cast<const Form*>(list);
    }();
    first = docstring(form, 2) ? 3 : 2;
  } else {
    params = form->items[2];
    first = docstring(form, 3) ? 4 : 3;
  }
  const bool saved = in_macro_;
  if (kind == "defmacro") in_macro_ = true;
  const bool component = kind == "defcomp";
  FnNode* fn = function(params, form->items, first, nullptr, d->name, form, component);
  in_macro_ = saved;
  if (d->portable && !failed()) make_portable(fn, target, form);
  fn->usage = d->usage;
  if (!options_.interactive && kind == "define") fn->global = d->global;
  Node* lambda = node(NodeKind::Lambda, form);
  lambda->fn = fn;
  lambda->depth = static_cast<std::uint16_t>(fn->body->depth + 1);
  return define_global(d, lambda, form);
}

// What a portable component gives says how it was called: kCallHoles.
void Expander::make_portable(FnNode* fn, const Form* name, const Form* at) {
  std::vector<Node*> arguments;
  for (std::size_t i = 0; i < fn->keys.size(); ++i) {
    if (fn->keys[i]->assigned) {
      fail(at, str("A portable component cannot set! its parameter ", fn->key_names[i],
                   ": its call travels with what it was given. Bind another name with let."));
      return;
    }
    arguments.push_back(constant(cx_.keyword(fn->key_names[i]), at));
    arguments.push_back(local(fn->keys[i], at));
  }
  templates_.emplace_back();
  templates_.back().holes = kCallHoles;
  templates_.back().parts = {{TemplateOp::Text, 0, {}}};
  Node* children = fn->rest ? local(fn->rest, at) : constant(Value::nil(), at);
  Node* made = node(NodeKind::Template, at,
                    {fn->body, quoted(name), prim("dict", std::move(arguments), at), children});
  made->markup = &templates_.back();
  made->depth = static_cast<std::uint16_t>(fn->body->depth + 1);
  fn->body = made;
}

// (defrecord point (x y)): the type, its constructor, point?, point-x, point-y.
Node* Expander::define_record(const Form* form) {
  const Form* target = form->items[1];
  const Form* fields = form->items[2];
  const std::string name = text_of(target);
  GlobalName* type = global(private_name(module_, name + "%type"));
  // Instances print with this name: that of a private type says whose it is.
  const Definition* constructor = definition_of(target);
  const bool named_by_module = constructor && !constructor->exported && !module_.empty();
  const Form* type_name =
      named_by_module ? forms_.symbol(private_name(module_, name), target->at) : target;
  const auto type_value = [&] {
    Node* made = node(NodeKind::Global, form);
    made->global = type;
    return made;
  };
  std::vector<Node*> nodes;
  Form keys;
  keys.kind = Form::Kind::Vector;
  keys.at = form->at;
  for (const Form* field : fields->items)
    keys.items.push_back(forms_.atom(cx_.keyword(text_of(field)), field->at));
  Node* define_type = node(NodeKind::DefGlobal, form,
                           {prim("%record-type", {quoted(type_name), quoted(&keys)}, form)});
  define_type->global = type;
  nodes.push_back(define_type);
  const auto function_of = [&](const std::string& suffix, std::size_t params, auto make_body) {
    Definition* d =
        definition_of(suffix.empty() ? target : forms_.symbol(name + suffix, target->at));
    if (!d) return;
    fns_.emplace_back();
    FnNode* fn = &fns_.back();
    fn->name = d->name;
    fn->usage = d->usage;
    fn->at = form->at;
    std::vector<Node*> args;
    for (std::size_t i = 0; i < params; ++i) {
      fn->required.push_back(temp("field"));
      args.push_back(local(fn->required.back(), form));
    }
    fn->body = make_body(args);
    Node* lambda = node(NodeKind::Lambda, form);
    lambda->fn = fn;
    nodes.push_back(define_global(d, lambda, form));
  };
  function_of("", fields->size(), [&](std::vector<Node*> args) {
    args.insert(args.begin(), type_value());
    return prim("%record", std::move(args), form);
  });
  function_of("?", 1, [&](std::vector<Node*> args) {
    return prim("%record?", {args[0], type_value()}, form);
  });
  for (std::size_t i = 0; i < fields->size(); ++i)
    function_of("-" + text_of(fields->items[i]), 1, [&](std::vector<Node*> args) {
      return prim(
          "%record-ref",
          {args[0], type_value(), constant(Value::small_int(static_cast<std::int64_t>(i)), form)},
          form);
    });
  nodes.push_back(constant(Value::nil(), form));
  return seq(std::move(nodes), form);
}

}  // namespace sx
