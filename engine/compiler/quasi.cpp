// Quasiquote: a template becomes code that builds the data. Inside defmacro every symbol of the
// template becomes (macro/rename 'symbol), so that an expansion neither captures the caller's
// names nor is captured by them; ,'x inserts the bare symbol on purpose.
#include <vector>

#include "engine/base/str.h"
#include "engine/compiler/expander.h"

namespace sx {

namespace {
bool is_tagged(const Forms& forms, const Form* form, std::string_view tag) {
  return form->is_list() && form->size() == 2 && forms.is_named(form->items[0], tag);
}
}  // namespace

Node* Expander::form_quasiquote(const Form* form, const Scope* scope) {
  NonTail guard(*this);
  return quasi(form->items[1], 1, scope);
}

Node* Expander::form_stray_unquote(const Form* form, const Scope*) {
  return fail(form, "An unquote (, or ,@) outside of a quasiquote.");
}

// True if building the form needs no code: nothing unquoted, and no symbol to rename. Decided for a
// template and all its parts at once, the innermost first.
bool Expander::quasi_constant(const Form* form) {
  if (const auto known = quasi_constants_.find(form); known != quasi_constants_.end())
    return known->second;
  struct Open {
    const Form* form;
    std::size_t next = 0;
    bool constant = true;
  };
  std::vector<Open> open{{form}};
  for (;;) {
    Open& o = open.back();
    const Form* part = nullptr;
    if (o.next < o.form->items.size()) {
      part = o.form->items[o.next++];
    } else if (o.next == o.form->items.size() && o.form->tail) {
      part = o.form->tail;
      ++o.next;
    }
    if (part) {
      open.push_back({part});
      continue;
    }
    const Form* f = o.form;
    if (f->is_symbol() &&
        (in_macro_ || forms_.is_named(f, "unquote") || forms_.is_named(f, "unquote-splicing") ||
         forms_.is_named(f, "quasiquote")))
      o.constant = false;
    const bool constant = o.constant;
    quasi_constants_[f] = constant;
    open.pop_back();
    if (open.empty()) return constant;
    open.back().constant = open.back().constant && constant;
  }
}

Node* Expander::quasi(const Form* form, int level, const Scope* scope) {
  if (failed()) return constant(Value::nil(), form);
  if (quasi_constant(form)) return quoted(form);
  if (form->is_symbol())
    return in_macro_ ? prim("macro/rename", {quoted(form)}, form) : quoted(form);
  struct Depth {
    int& d;
    explicit Depth(int& depth) : d(depth) { ++d; }
    ~Depth() { --d; }
  } depth(depth_);
  if (depth_ > 1000) return fail(form, "This template nests more than 1000 deep.");
  if (is_tagged(forms_, form, "unquote") || is_tagged(forms_, form, "quasiquote") ||
      is_tagged(forms_, form, "unquote-splicing")) {
    const bool deeper = forms_.is_named(form->items[0], "quasiquote");
    if (level == 1 && forms_.is_named(form->items[0], "unquote"))
      return value(form->items[1], scope);
    if (level == 1 && !deeper)
      return fail(form, ",@ splices into a list or vector; here there is none around it.");
    return prim("list",
                {quasi(form->items[0], level, scope),
                 quasi(form->items[1], level + (deeper ? 1 : -1), scope)},
                form);
  }
  switch (form->kind) {
    case Form::Kind::List:
      return quasi_items(form, level, scope);
    case Form::Kind::Vector:
      return prim("vec", {quasi_items(form, level, scope)}, form);
    case Form::Kind::Set:
      return prim("->set", {quasi_items(form, level, scope)}, form);
    default: {
      std::vector<Node*> entries;
      if (form->kind == Form::Kind::Record) entries.push_back(record_type_of(form));
      for (const Form* item : form->items) entries.push_back(quasi(item, level, scope));
      if (form->kind == Form::Kind::Record) return prim("%record", std::move(entries), form);
      return call_primitive(find_primitive("dict"), form, std::move(entries));
    }
  }
}

// A list of the items: runs of single items, joined with what is spliced.
Node* Expander::quasi_items(const Form* form, int level, const Scope* scope) {
  std::vector<Node*> parts, run;
  auto finish_run = [&] {
    if (!run.empty()) parts.push_back(sequence(std::move(run), false, form));
    run.clear();
  };
  Node* tail = nullptr;
  for (std::size_t i = 0; i < form->size() && !failed(); ++i) {
    const Form* item = form->items[i];
    // `(a . ,b) reads as (a unquote b)
    if (i > 0 && i + 2 == form->size() && forms_.is_named(item, "unquote") &&
        form->kind == Form::Kind::List) {
      tail = level == 1
                 ? value(form->items[i + 1], scope)
                 : prim("list",
                        {quasi(item, level, scope), quasi(form->items[i + 1], level - 1, scope)},
                        form);
      break;
    }
    if (level == 1 && is_tagged(forms_, item, "unquote-splicing")) {
      finish_run();
      Node* spliced = value(item->items[1], scope);
      parts.push_back(prim("->list", {spliced}, item));
      continue;
    }
    run.push_back(quasi(item, level, scope));
  }
  if (form->tail) tail = quasi(form->tail, level, scope);
  if (!tail) {
    finish_run();
    if (parts.empty()) return constant(Value::empty_list(), form);
    return parts.size() == 1 ? parts[0]
                             : call_primitive(find_primitive("append"), form, std::move(parts));
  }
  run.push_back(tail);
  if (parts.empty()) return prim("%list*", std::move(run), form);
  // Something spliced before a dotted tail: (apply %list* (append … (list tail)))
  parts.push_back(prim("list", std::move(run), form));
  Node* function = node(NodeKind::Global, form);
  function->global = global(private_name(kPrimitiveModule, "%list*"));
  return node(NodeKind::Apply, form,
              {function, call_primitive(find_primitive("append"), form, std::move(parts))});
}

}  // namespace sx
