// Functions and local variables: parameters, destructuring, let in its kinds, loops, letrec.
#include <algorithm>
#include <cstring>

#include "engine/base/str.h"
#include "engine/compiler/expander.h"

namespace sx {

namespace {
constexpr std::size_t kParametersMax = 120;
}

// --- parameters ------------------------------------------------------------------------------

std::string Expander::usage_line(const std::string& name, const Form* params) {
  std::string out = "(" + name;
  if (params->is_symbol()) {
    out += " &rest " + text_of(params);
  } else {
    for (const Form* item : params->items) out += " " + forms_.show(item, 60);
    if (params->tail) out += " &rest " + forms_.show(params->tail);
  }
  return out + ")";
}

Signature Expander::signature_of(const std::string& name, const Form* params, bool component) {
  Signature s;
  s.usage = usage_line(name, params);
  s.component = component;
  if (params->is_symbol()) s.rest = true;
  if (params->kind != Form::Kind::List) return s;
  s.rest = params->tail != nullptr;
  enum { Required, Optional, Keys, Rest } part = Required;
  for (const Form* item : params->items) {
    const std::string text = item->is_symbol() ? text_of(item) : forms_.show(item);
    if (text == "&opt")
      part = Optional;
    else if (text == "&key")
      part = Keys;
    else if (text == "&rest")
      part = Rest;
    else if (part == Required)
      ++s.required, s.names.push_back(text);
    else if (part == Optional)
      ++s.optional;
    else if (part == Rest)
      s.rest = true;
    else
      s.keys.push_back(item->is_list() && item->items[0]->is_symbol() ? text_of(item->items[0])
                                                                      : text);
  }
  return s;
}

bool Expander::is_pattern(const Form* form) const {
  return form->kind == Form::Kind::Vector || form->kind == Form::Kind::Dict;
}

bool Expander::parameters(const Form* list, FnNode* fn, Parameters& out, const Scope* scope) {
  out.scope = scope;
  if (list->is_symbol()) {  // all arguments as one list
    fn->rest = new_var(list->value.id());
    out.scope = bind(out.scope, fn->rest);
    return true;
  }
  if (list->is_empty()) return true;
  if (list->kind != Form::Kind::List) {
    fail(list, str("Expected a parameter list (a b…) or one name for all arguments, got ",
                   forms_.show(list), "."));
    return false;
  }
  enum { Required, Optional, Keys, Rest } part = Required;
  std::vector<std::uint32_t> seen;
  auto add = [&](const Form* name) -> Var* {
    if (is_pattern(name)) {
      Var* var = temp("argument");
      out.patterns.emplace_back(name, var);
      return var;
    }
    if (!name->is_symbol()) {
      fail(name, str("Expected a parameter name, got ", forms_.show(name), "."));
      return nullptr;
    }
    const std::uint32_t id = name->value.id();
    if (std::find(seen.begin(), seen.end(), id) != seen.end()) {
      fail(list, str("The parameter ", text_of(name), " is given twice."));
      return nullptr;
    }
    seen.push_back(id);
    Var* var = new_var(id);
    out.scope = bind(out.scope, var);
    return var;
  };
  if (list->size() > kParametersMax) {
    fail(list, str("A function takes at most ", kParametersMax, " parameters. Pass a dict."));
    return false;
  }
  std::vector<Form*> items = list->items;
  if (list->tail) {
    items.push_back(forms_.symbol("&rest", list->at));
    items.push_back(list->tail);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Form* item = items[i];
    if (item->is_symbol() && !text_of(item).empty() && text_of(item)[0] == '&') {
      const std::string marker = text_of(item);
      auto order = [&](auto next) {
        if (part >= next)
          fail(list, str(marker,
                         " stands after a later part. The order is: required, &opt, &key, &rest."));
        part = next;
      };
      if (marker == "&opt")
        order(Optional);
      else if (marker == "&key")
        order(Keys);
      else if (marker == "&rest")
        order(Rest);
      else
        fail(item, str("Unknown parameter marker ", marker, ". Expected &opt, &key or &rest."));
      if (failed()) return false;
      if (part == Rest && i + 2 != items.size()) {
        fail(list, "Expected exactly one name after &rest.");
        return false;
      }
      continue;
    }
    if (part == Required || part == Rest) {
      Var* var = add(item);
      if (!var) return false;
      if (part == Rest)
        fn->rest = var;
      else
        fn->required.push_back(var);
      continue;
    }
    const Form* name = item;
    Node* fallback = nullptr;
    if (item->kind == Form::Kind::List) {
      if (item->tail || item->size() != 2) {
        fail(item, "Expected (name default).");
        return false;
      }
      name = item->items[0];
      fallback = value(item->items[1], out.scope);
    }
    Var* var = add(name);
    if (!var) return false;
    if (part == Keys) {
      if (!name->is_symbol()) {
        fail(name, "A keyword parameter needs a plain name.");
        return false;
      }
      fn->keys.push_back(var);
      fn->key_names.push_back(text_of(name));
      var->component_key = fn->component;
    } else {
      fn->optional.push_back(var);
    }
    if (fallback) fn->defaults.emplace_back(var, fallback);
  }
  return !failed();
}

FnNode* Expander::function(const Form* params, const std::vector<Form*>& forms, std::size_t from,
                           const Scope* scope, const std::string& name, const Form* at,
                           bool component) {
  NonTail guard(*this);
  fns_.emplace_back();
  FnNode* fn = &fns_.back();
  fn->name = name;
  fn->at = at->at;
  fn->component = component;
  fn->usage = usage_line(name.empty() ? "fn" : name, params);
  Parameters p;
  if (!parameters(params, fn, p, scope)) {
    fn->body = constant(Value::nil(), at);
    return fn;
  }
  if (p.patterns.empty()) {
    fn->body = body(forms, from, p.scope, at);
    return fn;
  }
  std::vector<Var*> vars;
  std::vector<Node*> kids;
  for (auto& [pattern, subject] : p.patterns)
    p.scope = bind_pattern(pattern, subject, p.scope, vars, kids);
  kids.push_back(body(forms, from, p.scope, at));
  fn->body = node(NodeKind::Let, at, std::move(kids));
  fn->body->vars = std::move(vars);
  return fn;
}

Node* Expander::form_fn(const Form* form, const Scope* scope) {
  FnNode* fn = function(form->items[1], form->items, 2, scope, "", form);
  Node* made = node(NodeKind::Lambda, form);
  made->fn = fn;
  if (fn->body) made->depth = static_cast<std::uint16_t>(fn->body->depth + 1);
  return made;
}

// --- destructuring ---------------------------------------------------------------------------

const Scope* Expander::bind_pattern(const Form* pattern, Var* subject, const Scope* scope,
                                    std::vector<Var*>& vars, std::vector<Node*>& inits) {
  struct Depth {
    int& depth;
    ~Depth() { --depth; }
  } level{++depth_};
  if (depth_ > kNestingMax) {
    fail(pattern, str("Patterns nest more than ", kNestingMax, " deep."));
    return scope;
  }
  auto bind_part = [&](const Form* part, Node* part_value) {
    if (is_pattern(part)) {
      Var* inner = temp("part");
      vars.push_back(inner);
      inits.push_back(part_value);
      scope = bind_pattern(part, inner, scope, vars, inits);
    } else if (!part->is_symbol()) {
      fail(part,
           str("Expected a name, [a b] or {:keys (a b)} to bind, got ", forms_.show(part), "."));
    } else if (text_of(part) != "_") {
      Var* var = new_var(part->value.id());
      vars.push_back(var);
      inits.push_back(part_value);
      scope = bind(scope, var);
    }
  };
  if (pattern->kind == Form::Kind::Vector) {
    // Checked as a whole, so that an error speaks of the pattern.
    std::size_t least = 0;
    for (std::size_t i = 0; i < pattern->size() && !forms_.is_named(pattern->items[i], "&"); ++i)
      if (!forms_.is_named(pattern->items[i], "_")) least = i + 1;
    Var* checked = temp("parts");
    vars.push_back(checked);
    inits.push_back(prim("%parts",
                         {local(subject, pattern),
                          constant(Value::small_int(static_cast<std::int64_t>(least)), pattern),
                          text_constant(forms_.show(pattern, 60), pattern)},
                         pattern));
    subject = checked;
    for (std::size_t i = 0; i < pattern->size() && !failed(); ++i) {
      const Form* part = pattern->items[i];
      if (forms_.is_named(part, "&")) {
        if (i + 2 != pattern->size()) {
          fail(pattern, "Expected exactly one name after & in the pattern.");
          break;
        }
        bind_part(pattern->items[i + 1],
                  prim("drop",
                       {constant(Value::small_int(static_cast<std::int64_t>(i)), part),
                        local(subject, part)},
                       part));
        break;
      }
      bind_part(part, prim("nth",
                           {local(subject, part),
                            constant(Value::small_int(static_cast<std::int64_t>(i)), part)},
                           part));
    }
    return scope;
  }
  auto lookup = [&](const Form* at, std::string_view key) {
    return prim("get", {local(subject, at), constant(cx_.keyword(key), at)}, at);
  };
  for (std::size_t i = 0; i < pattern->size() && !failed(); i += 2) {
    const Form* key = pattern->items[i];
    const Form* part = pattern->items[i + 1];
    if (!key->is_keyword()) {
      fail(pattern, "A dict pattern has keywords as keys: {:keys (a b)} or {:key pattern}.");
      break;
    }
    const std::string key_name(cx_.symbols.name(key->value.id()));
    if (key_name != "keys") {
      bind_part(part, lookup(part, key_name));
      continue;
    }
    for (const Form* name : part->items) {
      if (name->is_list() && name->size() == 2 && name->items[0]->is_symbol()) {  // (name default)
        const Form* n = name->items[0];
        Node* found = prim(
            "get",
            {local(subject, n), constant(cx_.keyword(text_of(n)), n), value(name->items[1], scope)},
            n);
        bind_part(n, found);
      } else if (name->is_symbol()) {
        bind_part(name, lookup(name, text_of(name)));
      } else {
        fail(pattern, "Expected names in {:keys (name…)}.");
      }
    }
  }
  return scope;
}

// --- let -------------------------------------------------------------------------------------

bool Expander::binding_pairs(const Form* form, const Form* bindings,
                             std::vector<std::pair<const Form*, const Form*>>& out) {
  if (!bindings->is_proper()) {
    fail(form, str("Expected bindings ((name value)…), got ", forms_.show(bindings), "."));
    return false;
  }
  for (const Form* item : bindings->items) {
    if (!item->is_list() || item->size() != 2 ||
        (!item->items[0]->is_symbol() && !is_pattern(item->items[0]))) {
      fail(item, str("Expected (name value) in the bindings, got ", forms_.show(item), "."));
      return false;
    }
    out.emplace_back(item->items[0], item->items[1]);
  }
  return true;
}

Node* Expander::form_let(const Form* form, const Scope* scope) {
  if (form->items[1]->is_symbol()) return named_let(form, scope);
  std::vector<std::pair<const Form*, const Form*>> pairs;
  if (!binding_pairs(form, form->items[1], pairs)) return constant(Value::nil(), form);
  return sequential_let(form, pairs, scope, true);
}

Node* Expander::form_let_star(const Form* form, const Scope* scope) {
  std::vector<std::pair<const Form*, const Form*>> pairs;
  if (!binding_pairs(form, form->items[1], pairs)) return constant(Value::nil(), form);
  return sequential_let(form, pairs, scope, false);
}

Node* Expander::sequential_let(const Form* form,
                               const std::vector<std::pair<const Form*, const Form*>>& pairs,
                               const Scope* scope, bool parallel) {
  std::vector<Var*> vars;
  std::vector<Node*> kids;
  const Scope* inner = scope;
  std::vector<std::pair<const Form*, Var*>> patterns;
  std::vector<std::uint32_t> seen;
  for (const auto& [name, init] : pairs) {
    Node* v = value(init, parallel ? scope : inner);
    Var* var = is_pattern(name) ? temp("value") : new_var(name->value.id());
    if (v->kind == NodeKind::Lambda && v->fn->name.empty()) {
      v->fn->name = var->name;
      if (v->fn->usage.compare(0, 3, "(fn") == 0) v->fn->usage.replace(1, 2, var->name);
    }
    if (v->kind == NodeKind::Lambda) var->function = v->fn;
    vars.push_back(var);
    kids.push_back(v);
    if (is_pattern(name)) {
      if (parallel)
        patterns.emplace_back(name, var);
      else
        inner = bind_pattern(name, var, inner, vars, kids);
    } else {
      if (parallel && std::find(seen.begin(), seen.end(), var->symbol) != seen.end())
        return fail(form, str("let binds ", var->name,
                              " twice. Use let* where one follows from the other."));
      seen.push_back(var->symbol);
      inner = bind(inner, var);
    }
  }
  for (auto& [pattern, var] : patterns) inner = bind_pattern(pattern, var, inner, vars, kids);
  kids.push_back(body(form->items, 2, inner, form));
  if (vars.empty()) return kids.back();
  Node* made = node(NodeKind::Let, form, std::move(kids));
  made->vars = std::move(vars);
  return made;
}

// --- letrec ----------------------------------------------------------------------------------

bool Expander::is_lambda_form(const Form* form, const Scope* scope) {
  return is_special(form, "fn", scope);
}

Node* Expander::letrec(const std::vector<std::pair<const Form*, const Form*>>& definitions,
                       const std::function<Node*(const Scope*)>& make_body, const Scope* scope,
                       const Form* at) {
  letrecs_.emplace_back();
  LetrecScope* info = &letrecs_.back();
  std::vector<Var*> vars;
  int group = 0;
  for (const auto& [name, init] : definitions) {
    Var* var = nullptr;
    if (name) {
      for (Var* other : vars)
        if (other && other->symbol == name->value.id())
          return fail(name, str(text_of(name), " is defined twice in this body."));
      var = new_var(name->value.id());
      var->letrec = info;
      var->letrec_index = static_cast<int>(vars.size());
      scope = bind(scope, var);
    }
    vars.push_back(var);
  }
  std::vector<const Form*> inits;
  for (const auto& [name, init] : definitions) {
    const Form* expanded = name ? expand_head(init, scope) : init;
    inits.push_back(expanded);
    const bool lambda = name && is_lambda_form(expanded, scope);
    if (!lambda || (!info->is_lambda.empty() && !info->is_lambda.back())) ++group;
    info->is_lambda.push_back(lambda);
    info->group.push_back(group);
  }
  if (failed()) return constant(Value::nil(), at);
  std::vector<Node*> kids;
  for (std::size_t i = 0; i < inits.size(); ++i) {
    info->current = static_cast<int>(i);
    Node* v;
    if (info->is_lambda[i]) {
      const Form* fn = inits[i];
      if (fn->size() < 2) return fail(fn, "Usage: (fn (param…) body…)");
      // A docstring of a local function is a comment.
      const std::size_t first = fn->size() > 3 && fn->items[2]->is_text() ? 3 : 2;
      v = node(NodeKind::Lambda, fn);
      v->fn = function(fn->items[1], fn->items, first, scope, vars[i]->name, fn);
      v->depth = static_cast<std::uint16_t>(v->fn->body->depth + 1);
      vars[i]->lambda = vars[i]->function = v->fn;
    } else {
      v = value(inits[i], scope);
    }
    kids.push_back(v);
  }
  info->current = -1;
  for (Var* var : vars)
    if (var) var->letrec = nullptr;
  kids.push_back(make_body(scope));
  Node* made = node(NodeKind::Letrec, at, std::move(kids));
  made->vars = std::move(vars);
  return made;
}

Node* Expander::form_letrec(const Form* form, const Scope* scope) {
  std::vector<std::pair<const Form*, const Form*>> pairs;
  if (!binding_pairs(form, form->items[1], pairs)) return constant(Value::nil(), form);
  for (auto& [name, init] : pairs)
    if (!name->is_symbol()) return fail(form, "letrec binds plain names only.");
  return letrec(
      pairs, [&](const Scope* inner) { return body(form->items, 2, inner, form); }, scope, form);
}

// --- loops -----------------------------------------------------------------------------------

Node* Expander::form_loop(const Form* form, const Scope* scope) {
  return loop_over(form, form->items[1], 2, nullptr, scope);
}

Node* Expander::named_let(const Form* form, const Scope* scope) {
  if (form->size() < 3) return fail(form, "Usage: (let name ((name value)…) body…)");
  return loop_over(form, form->items[2], 3, form->items[1], scope);
}

// A loop, or a named let. A named let whose name is only called, in tail position, is a loop;
// otherwise it is a function that calls itself.
Node* Expander::loop_over(const Form* form, const Form* bindings, std::size_t body_from,
                          const Form* name, const Scope* scope) {
  std::vector<std::pair<const Form*, const Form*>> pairs;
  if (!binding_pairs(form, bindings, pairs)) return constant(Value::nil(), form);
  std::vector<Node*> inits;
  for (const auto& [unused, init] : pairs) inits.push_back(value(init, scope));
  const Scope* inner = scope;
  Var* self = nullptr;
  if (name) {
    self = new_var(name->value.id());
    self->loop_arity = static_cast<int>(pairs.size());
    self->loop_usage = usage_line(self->name, bindings);
    inner = bind(inner, self);
  }
  std::vector<Var*> vars, parts;
  std::vector<Node*> part_values;
  for (const auto& [pattern, unused] : pairs) {
    vars.push_back(is_pattern(pattern) ? temp("value") : new_var(pattern->value.id()));
    if (!is_pattern(pattern)) inner = bind(inner, vars.back());
  }
  const std::size_t index = loops_.size();
  std::vector<std::size_t> outer_calls;
  for (const LoopScope& outer : loops_) outer_calls.push_back(outer.tail_calls.size());
  // A plain loop is never a function, so the loops around it stay reachable from it.
  nodes_.push_back({NodeKind::Loop});
  Node* loop = &nodes_.back();
  loop->at = form->at;
  loops_.push_back({.node = loop, .name = self, .arity = vars.size()});
  if (self) self->loop = static_cast<int>(index);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (is_pattern(pairs[i].first))
      inner = bind_pattern(pairs[i].first, vars[i], inner, parts, part_values);
  Node* content = body(form->items, body_from, inner, form);
  if (!parts.empty()) {
    part_values.push_back(content);
    content = node(NodeKind::Let, form, std::move(part_values));
    content->vars = std::move(parts);
  }
  LoopScope done = std::move(loops_.back());
  loops_.pop_back();
  if (self) self->loop = -1;
  int depth = content->depth;
  for (Node* init : inits) depth = std::max<int>(depth, init->depth);
  if (done.other_uses == 0) {
    for (Node* call : done.tail_calls) {
      if (call->kind == NodeKind::Recur) continue;
      call->kind = NodeKind::Recur;
      call->target = loop;
      call->kids.erase(call->kids.begin());
    }
    loop->vars = std::move(vars);
    loop->kids = std::move(inits);
    loop->kids.push_back(content);
    loop->depth = static_cast<std::uint16_t>(depth + 1);
    return loop;
  }
  // Inside a function the loops around are out of reach.
  for (std::size_t i = 0; i < index; ++i)
    loops_[i].other_uses += loops_[i].tail_calls.size() - outer_calls[i];
  for (Node* call : done.tail_calls) {
    if (call->kind != NodeKind::Recur) continue;  // (recur …) in a named let
    call->kind = NodeKind::Call;
    call->kids.insert(call->kids.begin(), local(self, form));
  }
  fns_.emplace_back();
  FnNode* fn = &fns_.back();
  fn->name = self->name;
  fn->usage = usage_line(self->name, bindings);
  fn->at = form->at;
  fn->required = std::move(vars);
  fn->body = content;
  self->lambda = fn;
  Node* lambda = node(NodeKind::Lambda, form);
  lambda->fn = fn;
  lambda->depth = static_cast<std::uint16_t>(content->depth + 1);
  inits.insert(inits.begin(), local(self, form));
  Node* call = node(NodeKind::Call, form, std::move(inits));
  Node* made = node(NodeKind::Letrec, form, {lambda, call});
  made->vars = {self};
  return made;
}

Node* Expander::form_recur(const Form* form, const Scope* scope) {
  if (loops_.empty()) return fail(form, "recur outside of a loop.");
  const std::size_t index = loops_.size() - 1;
  if (index < barrier_)
    return fail(form,
                "recur is not in tail position: something is left to do after it. Only the last "
                "step of a loop's body can recur.");
  if (form->size() - 1 != loops_[index].arity)
    return fail(form, str("The loop has ", loops_[index].arity,
                          loops_[index].arity == 1 ? " variable" : " variables",
                          ", recur was given ", form->size() - 1, "."));
  Node* made = node(NodeKind::Recur, form, values(form, 1, scope));
  made->target = loops_[index].node;
  if (loops_[index].name) loops_[index].tail_calls.push_back(made);
  return made;
}

Node* Expander::form_set(const Form* form, const Scope* scope) {
  const Form* name = form->items[1];
  if (!name->is_symbol())
    return fail(form, str("Expected a name to set, got ", forms_.show(name), "."));
  const Resolved r = resolve(name->value.id(), scope);
  if (r.kind == Resolved::Kind::Local) {
    if (r.var->loop >= 0) ++loops_[static_cast<std::size_t>(r.var->loop)].other_uses;
    r.var->assigned = true;
    Node* v = value(form->items[2], scope);
    local(r.var, name);  // counts as a use for letrec's order
    Node* made = node(NodeKind::SetLocal, form, {v});
    made->var = r.var;
    return made;
  }
  if (r.kind == Resolved::Kind::Unbound) return unbound(name, scope);
  Definition* definition = r.kind == Resolved::Kind::Global ? definition_of(name) : nullptr;
  const bool own = definition || (options_.interactive && r.kind == Resolved::Kind::Global &&
                                  r.module == module_);
  if (!own)
    return fail(form, str("set! of ", text_of(name),
                          ": only local variables and definitions of this module can be set."));
  r.global->assigned = true;
  Node* made = node(NodeKind::SetGlobal, form, {value(form->items[2], scope)});
  made->global = r.global;
  return made;
}

}  // namespace sx
