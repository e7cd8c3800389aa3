// Conditionals, sequences, threading, quoting, effects: forms that map directly onto core nodes.
#include "engine/base/str.h"
#include "engine/compiler/expander.h"

namespace sx {

Node* Expander::form_if(const Form* form, const Scope* scope) {
  Node* test = value(form->items[1], scope);
  if (test->kind == NodeKind::Const && form->size() > 2) {
    // Both branches are still checked.
    Node* then = expand(form->items[2], scope);
    Node* otherwise =
        form->size() > 3 ? expand(form->items[3], scope) : constant(Value::nil(), form);
    return test->encoded || test->value.truthy() ? then : otherwise;
  }
  Node* then = expand(form->items[2], scope);
  Node* otherwise = form->size() > 3 ? expand(form->items[3], scope) : constant(Value::nil(), form);
  return node(NodeKind::If, form, {test, then, otherwise});
}

Node* Expander::form_when(const Form* form, const Scope* scope) {
  Node* test = value(form->items[1], scope);
  return node(NodeKind::If, form,
              {test, body(form->items, 2, scope, form), constant(Value::nil(), form)});
}

Node* Expander::form_unless(const Form* form, const Scope* scope) {
  Node* test = value(form->items[1], scope);
  return node(NodeKind::If, form,
              {test, constant(Value::nil(), form), body(form->items, 2, scope, form)});
}

// The clauses of cond and guard from index `from` on; `otherwise` when there is no else.
Node* Expander::clauses(const Form* form, std::size_t from, const Scope* scope, Node* otherwise) {
  std::vector<std::pair<Node*, Node*>> tests;
  std::vector<const Form*> places;
  for (std::size_t i = from; i < form->size() && !failed(); ++i) {
    const Form* clause = form->items[i];
    if (!clause->is_list())
      return fail(clause, str("Expected a clause (test body…), got ", forms_.show(clause), "."));
    const Form* head = clause->items[0];
    if (forms_.is_named(head, "else") &&
        resolve(head->value.id(), scope).kind != Resolved::Kind::Local) {
      if (i + 1 != form->size()) return fail(form, "The else clause must be the last one.");
      otherwise = body(clause->items, 1, scope, clause);
      break;
    }
    places.push_back(clause);
    if (clause->size() == 1) {
      // (test): its own value, if true. In a tail position only the last one is.
      tests.emplace_back(value(head, scope), nullptr);
    } else {
      Node* test = value(head, scope);
      tests.emplace_back(test, body(clause->items, 1, scope, clause));
    }
  }
  for (std::size_t i = tests.size(); i-- > 0;) {
    auto [test, then] = tests[i];
    otherwise = then ? node(NodeKind::If, places[i], {test, then, otherwise})
                     : node(NodeKind::Or, places[i], {test, otherwise});
  }
  return otherwise;
}

Node* Expander::form_cond(const Form* form, const Scope* scope) {
  return clauses(form, 1, scope, constant(Value::nil(), form));
}

Node* Expander::form_case(const Form* form, const Scope* scope) {
  Var* subject = temp("case");
  Node* v = value(form->items[1], scope);
  Node* otherwise = constant(Value::nil(), form);
  std::vector<std::pair<Node*, Node*>> tests;
  std::vector<const Form*> places;
  for (std::size_t i = 2; i < form->size() && !failed(); ++i) {
    const Form* clause = form->items[i];
    if (!clause->is_list())
      return fail(clause, str("Expected a clause (datum body…), got ", forms_.show(clause), "."));
    const Form* data = clause->items[0];
    if (forms_.is_named(data, "else")) {
      if (i + 1 != form->size()) return fail(form, "The else clause must be the last one.");
      otherwise = body(clause->items, 1, scope, clause);
      break;
    }
    // A quoted datum is a habit from other languages: 'a is the list (quote a).
    if (is_special(data, "quote", scope) && data->size() == 2)
      return fail(clause, str("The data of case are not evaluated: write ",
                              forms_.show(data->items[1]), " without the quote."));
    std::vector<Node*> any;
    const auto add = [&](const Form* datum) {
      any.push_back(prim("=", {local(subject, datum), quoted(datum)}, datum));
    };
    if (data->kind == Form::Kind::List) {
      for (const Form* datum : data->items) add(datum);
    } else {
      add(data);
    }
    tests.emplace_back(any.size() == 1 ? any[0] : node(NodeKind::Or, clause, std::move(any)),
                       body(clause->items, 1, scope, clause));
    places.push_back(clause);
  }
  for (std::size_t i = tests.size(); i-- > 0;)
    otherwise = node(NodeKind::If, places[i], {tests[i].first, tests[i].second, otherwise});
  return let1(subject, v, otherwise, form);
}

Node* Expander::form_and(const Form* form, const Scope* scope) {
  if (form->size() == 1) return constant(Value::tru(), form);
  std::vector<Node*> kids;
  for (std::size_t i = 1; i + 1 < form->size(); ++i) kids.push_back(value(form->items[i], scope));
  kids.push_back(expand(form->items.back(), scope));
  return kids.size() == 1 ? kids[0] : node(NodeKind::And, form, std::move(kids));
}

Node* Expander::form_or(const Form* form, const Scope* scope) {
  if (form->size() == 1) return constant(Value::nil(), form);
  std::vector<Node*> kids;
  for (std::size_t i = 1; i + 1 < form->size(); ++i) kids.push_back(value(form->items[i], scope));
  kids.push_back(expand(form->items.back(), scope));
  return kids.size() == 1 ? kids[0] : node(NodeKind::Or, form, std::move(kids));
}

Node* Expander::form_do(const Form* form, const Scope* scope) {
  return body(form->items, 1, scope, form);
}

Node* Expander::form_define(const Form* form, const Scope*) {
  return fail(
      form,
      "define stands at the top level, in a body or in do. Here a value is expected: use let.");
}

Node* Expander::form_nested_definition(const Form* form, const Scope*) {
  return fail(form, str(forms_.show(form->items[0]), " stands at the top level of a file only."));
}

Node* Expander::thread(const Form* form, const Scope* scope, bool last) {
  Form* result = form->items[1];
  for (std::size_t i = 2; i < form->size(); ++i) {
    Form* step = form->items[i];
    std::vector<Form*> items;
    if (step->is_list() && !is_special(step, "fn", scope))
      items = step->items;
    else
      items = {step};
    items.insert(last ? items.end() : items.begin() + 1, result);
    result = forms_.list(std::move(items), step->at);
  }
  return expand(result, scope);
}
Node* Expander::form_thread_first(const Form* form, const Scope* scope) {
  return thread(form, scope, false);
}
Node* Expander::form_thread_last(const Form* form, const Scope* scope) {
  return thread(form, scope, true);
}

Node* Expander::form_quote(const Form* form, const Scope*) { return quoted(form->items[1]); }

// --- errors and cleanups ---------------------------------------------------------------------

Node* Expander::form_guard(const Form* form, const Scope* scope) {
  const Form* spec = form->items[1];
  if (!spec->is_list() || !spec->items[0]->is_symbol())
    return fail(form, "Expected (guard (name clause…) body…).");
  Node* content;
  {
    NonTail guard(*this);
    content = body(form->items, 2, scope, form);
  }
  Var* var = new_var(spec->items[0]->value.id());
  Node* again = effect(Op::Raise, {local(var, spec)}, spec);
  Node* handler = clauses(spec, 1, bind(scope, var), again);
  Node* made = node(NodeKind::Guard, form, {content, handler});
  made->var = var;
  return made;
}

Node* Expander::form_protect(const Form* form, const Scope* scope) {
  Node* content = value(form->items[1], scope);
  if (form->size() == 2) return content;
  NonTail guard(*this);
  Node* cleanup = body(form->items, 2, scope, form);
  // The cleanup's code stands twice, on the normal and on the unwinding path: as a call when long.
  if (cleanup->depth <= 4 && cleanup->kind != NodeKind::Seq && cleanup->kind != NodeKind::Protect)
    return node(NodeKind::Protect, form, {content, cleanup});
  Var* fn = temp("cleanup");
  Node* call = node(NodeKind::Call, form, {local(fn, form)});
  return let1(fn, thunk(cleanup, form), node(NodeKind::Protect, form, {content, call}), form);
}

Node* Expander::form_raise(const Form* form, const Scope* scope) {
  return effect(Op::Raise, values(form, 1, scope), form);
}

// Raised where it is written: the backtrace begins with the program's own line.
Node* Expander::form_error(const Form* form, const Scope* scope) {
  return effect(Op::Raise, {prim("%error", values(form, 1, scope), form)}, form);
}

// --- effects ---------------------------------------------------------------------------------

Node* Expander::form_perform(const Form* form, const Scope* scope) {
  const Form* request = form->items[1];
  if (request->kind == Form::Kind::Dict)
    for (std::size_t i = 0; i < request->size(); i += 2)
      if (request->items[i]->is_keyword() &&
          cx_.symbols.name(request->items[i]->value.id()) == "op" &&
          request->items[i + 1]->is_text())
        required_ops_.push_back(request->items[i + 1]->text);
  return effect(Op::Perform, values(form, 1, scope), form);
}

Node* Expander::form_with_handler(const Form* form, const Scope* scope) {
  Node* handler = value(form->items[1], scope);
  NonTail guard(*this);
  return effect(Op::WithHandler, {handler, thunk(body(form->items, 2, scope, form), form)}, form);
}
Node* Expander::form_call_handled(const Form* form, const Scope* scope) {
  return effect(Op::WithHandler, values(form, 1, scope), form);
}

Node* Expander::form_with_limits(const Form* form, const Scope* scope) {
  const Form* written = form->items[1];
  for (std::size_t i = 0; written->kind == Form::Kind::Dict && i < written->size(); i += 2) {
    const Form* key = written->items[i];
    const std::string_view name =
        key->is_keyword() ? cx_.symbols.name(key->value.id()) : std::string_view();
    if (name != "fuel" && name != "heap" && name != "depth")
      return fail(form, str("with-limits knows no limit ", forms_.show(key),
                            ". Expected :fuel, :heap or :depth."));
  }
  Node* limits = value(written, scope);
  NonTail guard(*this);
  Var* var = temp("limits");
  Node* run =
      effect(Op::Limited, {thunk(body(form->items, 2, scope, form), form), local(var, form)}, form);
  return let1(var, limits, run, form);
}
Node* Expander::form_call_limited(const Form* form, const Scope* scope) {
  return effect(Op::Limited, values(form, 1, scope), form);
}

Node* Expander::form_resume(const Form* form, const Scope* scope) {
  return effect(Op::Resume, values(form, 1, scope), form);
}
Node* Expander::form_resume_raise(const Form* form, const Scope* scope) {
  return effect(Op::ResumeRaise, values(form, 1, scope), form);
}
Node* Expander::form_fiber_new(const Form* form, const Scope* scope) {
  return effect(Op::FiberNew, values(form, 1, scope), form);
}
Node* Expander::form_fiber_step(const Form* form, const Scope* scope) {
  return effect(Op::FiberStep, values(form, 1, scope), form);
}
Node* Expander::form_fiber_cancel(const Form* form, const Scope* scope) {
  return effect(Op::FiberCancel, values(form, 1, scope), form);
}
Node* Expander::form_fiber_copy(const Form* form, const Scope* scope) {
  return effect(Op::FiberCopy, values(form, 1, scope), form);
}
Node* Expander::form_get_dynamic(const Form* form, const Scope*) {
  return effect(Op::GetDynamic, {}, form);
}
Node* Expander::form_set_dynamic(const Form* form, const Scope* scope) {
  return effect(Op::SetDynamic, values(form, 1, scope), form);
}
Node* Expander::form_backtrace(const Form* form, const Scope*) {
  return effect(Op::Backtrace, {}, form);
}

Node* Expander::form_apply(const Form* form, const Scope* scope) {
  return node(NodeKind::Apply, form, values(form, 1, scope));
}

Node* Expander::form_parameterize(const Form* form, const Scope* scope) {
  const Form* bindings = form->items[1];
  if (!bindings->is_proper())
    return fail(form, "Expected (parameterize ((parameter value)…) body…).");
  Var* before = temp("dynamic");
  std::vector<Var*> vars;
  std::vector<Node*> kids;
  Node* extended = local(before, form);
  for (const Form* binding : bindings->items) {
    if (!binding->is_list() || binding->size() != 2)
      return fail(binding, str("Expected (parameter value), got ", forms_.show(binding), "."));
    for (int i = 0; i < 2; ++i) {
      vars.push_back(temp(i == 0 ? "parameter" : "value"));
      Node* part = value(binding->items[static_cast<std::size_t>(i)], scope);
      kids.push_back(i == 0 ? prim("%parameter", {part}, binding) : part);
    }
  }
  for (std::size_t i = 0; i + 1 < vars.size(); i += 2)
    extended = prim(
        "cons", {prim("cons", {local(vars[i], form), local(vars[i + 1], form)}, form), extended},
        form);
  vars.push_back(before);
  kids.push_back(effect(Op::GetDynamic, {}, form));
  Node* content;
  {
    NonTail guard(*this);
    content = body(form->items, 2, scope, form);
  }
  // The bindings are in force from here to the end of the body, however it is left.
  Node* run = seq({effect(Op::SetDynamic, {extended}, form), content}, form);
  Node* restore = effect(Op::SetDynamic, {local(before, form)}, form);
  kids.push_back(node(NodeKind::Protect, form, {run, restore}));
  Node* made = node(NodeKind::Let, form, std::move(kids));
  made->vars = std::move(vars);
  return made;
}

// --- tests -----------------------------------------------------------------------------------

Node* Expander::form_test(const Form* form, const Scope* scope) {
  const Form* name = form->items[1];
  if (!name->is_text())
    return fail(form, str("Expected a test's name as a string, got ", forms_.show(name), "."));
  const Resolved r = resolve_top(cx_.symbols.intern("test/register"), false);
  if (r.kind != Resolved::Kind::Global)
    return fail(form, "test needs lib/test: add test to :use, or (use test) in a script.");
  Node* callee = node(NodeKind::Global, form);
  callee->global = r.global;
  NonTail guard(*this);
  Node* run = thunk(body(form->items, 2, scope, form), form);
  run->fn->name = str("test \"", name->text, "\"");
  return node(NodeKind::Call, form,
              {callee, quoted(name), run, text_constant(options_.file, form),
               constant(Value::small_int(form->at.line), form)});
}

}  // namespace sx
