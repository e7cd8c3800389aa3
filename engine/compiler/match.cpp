// match: patterns are tried in order; a pattern is a chain of tests and bindings that ends in the
// clause's body. A test that does not hold is `Fail`, a jump to the next clause.
#include <algorithm>

#include "engine/base/str.h"
#include "engine/compiler/expander.h"
#include "engine/compiler/match_cover.h"

namespace sx {

class MatchCompiler {
 public:
  using Then = std::function<Node*(const Scope*)>;

  explicit MatchCompiler(Expander& e) : e_(e) {}

  // The code that runs `then` with the pattern's names bound if subject matches, else fails.
  Node* pattern(const Form* p, Var* subject, const Scope* scope, const Then& then) {
    if (e_.failed()) return nil(p);
    if (++depth_ > 200) {
      --depth_;
      return e_.fail(p, "This pattern nests more than 200 deep.");
    }
    Node* made = dispatch(p, subject, scope, then);
    --depth_;
    return made;
  }

  std::vector<std::uint32_t> names;  // bound so far by the pattern of this clause

 private:
  Node* nil(const Form* at) { return e_.constant(Value::nil(), at); }
  Node* fail_node(const Form* at) { return e_.node(NodeKind::Fail, at); }
  Node* local(Var* var, const Form* at) { return e_.local(var, at); }
  Node* when(Node* test, Node* then, const Form* at) {
    return e_.node(NodeKind::If, at, {test, then, fail_node(at)});
  }
  Node* number(std::size_t n, const Form* at) {
    return e_.constant(Value::small_int(static_cast<std::int64_t>(n)), at);
  }
  Node* equals(const Form* datum, Var* subject, const Form* at) {
    return e_.prim("=", {local(subject, at), e_.quoted(datum)}, at);
  }
  // Binds `part` to a fresh variable and matches p against it.
  Node* inner(const Form* p, Node* part, const Scope* scope, const Then& then) {
    Var* var = e_.temp("part");
    Node* rest = pattern(p, var, scope, then);
    return e_.let1(var, part, rest, p);
  }

  Node* dispatch(const Form* p, Var* subject, const Scope* scope, const Then& then) {
    switch (p->kind) {
      case Form::Kind::Atom:
        if (!p->value.is_symbol()) return when(equals(p, subject, p), then(scope), p);
        return name(p, subject, scope, then);
      case Form::Kind::Vector:
        return vector(p, subject, scope, then);
      case Form::Kind::Dict:
        return dict(p, subject, scope, then);
      case Form::Kind::List:
        return form(p, subject, scope, then);
      default:
        return when(equals(p, subject, p), then(scope), p);
    }
  }

  Node* name(const Form* p, Var* subject, const Scope* scope, const Then& then) {
    if (e_.forms_.is_named(p, "_")) return then(scope);
    if (std::find(names.begin(), names.end(), p->value.id()) != names.end())
      return e_.fail(p, str("The pattern binds ", e_.text_of(p), " twice."));
    names.push_back(p->value.id());
    Var* var = e_.new_var(p->value.id());
    Node* rest = then(e_.bind(scope, var));
    return e_.let1(var, local(subject, p), rest, p);
  }

  Node* vector(const Form* p, Var* subject, const Scope* scope, const Then& then) {
    std::size_t count = p->size();
    const Form* tail = nullptr;
    for (std::size_t i = 0; i < p->size(); ++i) {
      if (!e_.forms_.is_named(p->items[i], "&")) continue;
      if (i + 2 != p->size()) return e_.fail(p, "Expected exactly one pattern after &.");
      count = i;
      tail = p->items[i + 1];
    }
    Node* size = e_.prim("count", {local(subject, p)}, p);
    Node* long_enough = tail ? e_.prim(">=", {size, number(count, p)}, p)
                             : e_.prim("=", {size, number(count, p)}, p);
    Node* test =
        e_.node(NodeKind::And, p, {e_.prim("vector?", {local(subject, p)}, p), long_enough});
    return when(test, elements(p, 0, count, tail, subject, scope, then), p);
  }

  Node* elements(const Form* p, std::size_t i, std::size_t count, const Form* tail, Var* subject,
                 const Scope* scope, const Then& then) {
    if (i < count)
      return inner(
          p->items[i], e_.prim("nth", {local(subject, p), number(i, p)}, p), scope,
          [&, i](const Scope* s) { return elements(p, i + 1, count, tail, subject, s, then); });
    if (tail)
      return inner(tail, e_.prim("drop", {number(count, p), local(subject, p)}, p), scope, then);
    return then(scope);
  }

  Node* dict(const Form* p, Var* subject, const Scope* scope, const Then& then) {
    Node* entries = entry(p, 0, subject, scope, then);
    Node* is_dict = e_.node(
        NodeKind::Or, p,
        {e_.prim("dict?", {local(subject, p)}, p), e_.prim("record?", {local(subject, p)}, p)});
    return when(is_dict, entries, p);
  }

  Node* entry(const Form* p, std::size_t i, Var* subject, const Scope* scope, const Then& then) {
    if (i >= p->size()) return then(scope);
    const Form* key = p->items[i];
    if (key->is_symbol() || key->kind == Form::Kind::List)
      return e_.fail(p, "The keys of a dict pattern are literals.");
    Node* part = inner(p->items[i + 1], e_.prim("get", {local(subject, p), e_.quoted(key)}, p),
                       scope, [&, i](const Scope* s) { return entry(p, i + 2, subject, s, then); });
    return when(e_.prim("has-key?", {local(subject, p), e_.quoted(key)}, p), part, p);
  }

  Node* form(const Form* p, Var* subject, const Scope* scope, const Then& then) {
    if (p->tail || !p->items[0]->is_symbol())
      return e_.fail(p, str("Not a pattern: ", e_.forms_.show(p),
                            ". Lists are matched by (list p…) or (cons p q)."));
    const std::string head = e_.text_of(p->items[0]);
    const std::size_t n = p->size() - 1;
    if (head == "quote" && n == 1) return when(equals(p->items[1], subject, p), then(scope), p);
    if (head == "list") return list(p, 1, subject, scope, then);
    if (head == "cons" && n == 2) {
      Node* parts =
          inner(p->items[1], e_.prim("first", {local(subject, p)}, p), scope, [&](const Scope* s) {
            return inner(p->items[2], e_.prim("cdr", {local(subject, p)}, p), s, then);
          });
      return when(e_.prim("pair?", {local(subject, p)}, p), parts, p);
    }
    if (head == "?" && (n == 1 || n == 2)) {
      Node* test = e_.node(NodeKind::Call, p, {e_.value(p->items[1], scope), local(subject, p)});
      // A primitive in this place is called as one.
      const Resolved r =
          p->items[1]->is_symbol() ? e_.resolve(p->items[1]->value.id(), scope) : Resolved{};
      if (r.kind == Resolved::Kind::Primitive) test = e_.prim(r.primitive, {local(subject, p)}, p);
      return when(test, n == 1 ? then(scope) : pattern(p->items[2], subject, scope, then), p);
    }
    if (head == "and") return all(p, 1, subject, scope, then);
    if (head == "or" && n > 0) return any(p, subject, scope, then);
    return record(p, subject, scope, then);
  }

  Node* all(const Form* p, std::size_t i, Var* subject, const Scope* scope, const Then& then) {
    if (i >= p->size()) return then(scope);
    return pattern(p->items[i], subject, scope,
                   [&, i](const Scope* s) { return all(p, i + 1, subject, s, then); });
  }

  Node* list(const Form* p, std::size_t i, Var* subject, const Scope* scope, const Then& then) {
    if (i >= p->size())
      return when(e_.prim("=", {local(subject, p), e_.constant(Value::empty_list(), p)}, p),
                  then(scope), p);
    if (e_.forms_.is_named(p->items[i], "&")) {
      if (i + 2 != p->size()) return e_.fail(p, "Expected exactly one pattern after &.");
      return pattern(p->items[i + 1], subject, scope, then);
    }
    Node* parts =
        inner(p->items[i], e_.prim("first", {local(subject, p)}, p), scope, [&, i](const Scope* s) {
          Var* rest = e_.temp("rest");
          Node* others = list(p, i + 1, rest, s, then);
          return e_.let1(rest, e_.prim("cdr", {local(subject, p)}, p), others, p);
        });
    return when(e_.prim("pair?", {local(subject, p)}, p), parts, p);
  }

  // (or p…): the names that the alternatives bind travel in a vector to where they are used.
  Node* any(const Form* p, Var* subject, const Scope* scope, const Then& then) {
    std::vector<std::uint32_t> bound;
    std::vector<Node*> alternatives;
    for (std::size_t i = 1; i < p->size(); ++i) {
      MatchCompiler one(e_);
      one.depth_ = depth_;
      Node* found = one.pattern(p->items[i], subject, scope, [&](const Scope* s) -> Node* {
        if (i == 1) {
          bound = one.names;
        } else {
          std::vector<std::uint32_t> a = bound, b = one.names;
          std::sort(a.begin(), a.end());
          std::sort(b.begin(), b.end());
          if (a != b)
            return e_.fail(p, "Every alternative of an or pattern must bind the same names.");
        }
        if (bound.empty()) return e_.constant(Value::tru(), p);
        std::vector<Node*> values;
        for (std::uint32_t id : bound) values.push_back(local(e_.resolve(id, s).var, p));
        return e_.prim("vector", std::move(values), p);
      });
      alternatives.push_back(found);
    }
    alternatives.push_back(e_.constant(Value::fals(), p));
    Node* found = e_.node(NodeKind::Alt, p, std::move(alternatives));
    if (bound.empty()) return when(found, then(scope), p);
    Var* values = e_.temp("matched");
    std::vector<Var*> vars;
    std::vector<Node*> kids;
    for (std::size_t i = 0; i < bound.size(); ++i) {
      names.push_back(bound[i]);
      vars.push_back(e_.new_var(bound[i]));
      kids.push_back(e_.prim("nth", {local(values, p), number(i, p)}, p));
      scope = e_.bind(scope, vars.back());
    }
    kids.push_back(then(scope));
    Node* bind_all = e_.node(NodeKind::Let, p, std::move(kids));
    bind_all->vars = std::move(vars);
    return e_.let1(values, found, when(local(values, p), bind_all, p), p);
  }

  // (point p…): the predicate point? and the accessors point-x… of the record.
  Node* record(const Form* p, Var* subject, const Scope* scope, const Then& then) {
    const Form* head = p->items[0];
    const Resolved r = e_.resolve(head->value.id(), scope);
    const std::string name = e_.text_of(head);
    const auto related = [&](const std::string& suffix) {
      Form* symbol = e_.forms_.symbol(name + suffix, head->at);
      const Resolved found = e_.resolve_top(symbol->value.id(), false);
      Node* callee = nullptr;
      if (found.kind == Resolved::Kind::Global) {
        callee = e_.node(NodeKind::Global, p);
        callee->global = found.global;
      }
      return callee;
    };
    Node* test = related("?");
    if (r.kind != Resolved::Kind::Global || !r.global->signature || !test)
      return e_.fail(
          p, str("Unknown pattern (", name,
                 " …). Expected a record, list, cons, quote, ?, or, and, [p…] or {:key p}."));
    const Signature& s = *r.global->signature;
    if (p->size() - 1 != s.names.size())
      return e_.fail(
          p, str(name, " has ", s.names.size(), " fields, the pattern has ", p->size() - 1, "."));
    std::vector<Node*> accessors;
    for (const std::string& field : s.names) {
      Node* accessor = related("-" + field);
      if (!accessor) return e_.fail(p, str(name, "-", field, " is not visible here."));
      accessors.push_back(e_.node(NodeKind::Call, p, {accessor, local(subject, p)}));
    }
    return when(e_.node(NodeKind::Call, p, {test, local(subject, p)}),
                fields(p, 0, accessors, scope, then), p);
  }

  Node* fields(const Form* p, std::size_t i, const std::vector<Node*>& accessors,
               const Scope* scope, const Then& then) {
    if (i >= accessors.size()) return then(scope);
    return inner(p->items[i + 1], accessors[i], scope,
                 [&, i](const Scope* s) { return fields(p, i + 1, accessors, s, then); });
  }

  Expander& e_;
  int depth_ = 0;
};

namespace {

// Where the pattern takes & as "and what follows", how many elements come before it; else SIZE_MAX.
std::size_t elements_before_rest(const Forms& forms, const Form* vector) {
  for (std::size_t i = 0; i < vector->size(); ++i)
    if (forms.is_named(vector->items[i], "&")) return i;
  return SIZE_MAX;
}

}  // namespace

// Does the pattern fit every value?
bool Expander::fits_all(const Form* p) const {
  if (p->is_symbol()) return true;
  if (!p->is_list() || p->size() < 2 || !p->items[0]->is_symbol()) return false;
  const bool all = forms_.is_named(p->items[0], "and");
  if (!all && !forms_.is_named(p->items[0], "or")) return false;
  std::size_t fitting = 0;
  for (std::size_t i = 1; i < p->size(); ++i) fitting += fits_all(p->items[i]) ? 1 : 0;
  return all ? fitting == p->size() - 1 : fitting > 0;
}

// Clauses behind one that fits everything, and, where the value is written as a vector and its
// shape is known, patterns of another shape: mistakes that would show as nothing happening.
bool Expander::check_match_shape(const Form* form) {
  // A macro's match is written for every value it may be given.
  if (cx_.symbols.is_alias(form->items[0]->value.id())) return true;
  const Form* subject = form->items[1];
  bool complete = false;
  for (std::size_t i = 2; i < form->size(); ++i) {
    const Form* clause = form->items[i];
    if (!clause->is_list()) return true;  // refused with its own message
    const Form* p = clause->items[0];
    const bool guarded = clause->size() >= 3 && clause->items[1]->is_keyword() &&
                         cx_.symbols.name(clause->items[1]->value.id()) == "when";
    if (complete)
      return fail(p, "This clause is never reached: the one before it fits everything."), false;
    bool fits = fits_all(p);
    if (subject->kind == Form::Kind::Vector) {
      const std::size_t rest = elements_before_rest(forms_, p);
      const bool vector = p->kind == Form::Kind::Vector;
      if ((vector && (rest == SIZE_MAX ? p->size() != subject->size() : rest > subject->size())) ||
          p->kind == Form::Kind::Dict || p->kind == Form::Kind::Text || p->is_int() ||
          p->is_keyword())
        return fail(p, str("This pattern never fits: the value is a vector of ", subject->size(),
                           subject->size() == 1 ? " element." : " elements.")),
               false;
      if (vector) {
        fits = true;
        for (const Form* item : p->items) fits = fits && fits_all(item);
      }
    }
    complete = complete || (fits && !guarded);
  }
  return true;
}

Node* Expander::form_match(const Form* form, const Scope* scope) {
  if (!check_match_shape(form)) return constant(Value::nil(), form);
  Var* subject = temp("subject");
  Node* v = value(form->items[1], scope);
  std::vector<Node*> alternatives;
  for (std::size_t i = 2; i < form->size() && !failed(); ++i) {
    const Form* clause = form->items[i];
    if (!clause->is_list())
      return fail(clause, str("Expected a clause (pattern body…), got ", forms_.show(clause), "."));
    std::size_t first = 1;
    const Form* condition = nullptr;
    if (clause->size() >= 3 && clause->items[1]->is_keyword() &&
        cx_.symbols.name(clause->items[1]->value.id()) == "when") {
      condition = clause->items[2];
      first = 3;
    }
    MatchCompiler compiler(*this);
    alternatives.push_back(
        compiler.pattern(clause->items[0], subject, scope, [&](const Scope* inner) -> Node* {
          if (!condition) return body(clause->items, first, inner, clause);
          Node* test = value(condition, inner);
          return node(
              NodeKind::If, clause,
              {test, body(clause->items, first, inner, clause), node(NodeKind::Fail, clause)});
        }));
  }
  // A macro's match is written for every value it may be given.
  if (!failed() && !cx_.symbols.is_alias(form->items[0]->value.id()))
    if (const auto missed = missed_by_match(*this, form, scope))
      return fail(form, str("No clause of this match fits ", *missed,
                            ": add one for it, or (_ …) for all that is left."));
  Node* message = prim("str",
                       {text_constant("No clause of match fits ", form),
                        prim("write-string", {local(subject, form)}, form)},
                       form);
  Node* error =
      prim("make-error",
           {constant(cx_.keyword("match-error"), form), message, local(subject, form)}, form);
  alternatives.push_back(effect(Op::Raise, {error}, form));
  return let1(subject, v, node(NodeKind::Alt, form, std::move(alternatives)), form);
}

}  // namespace sx
