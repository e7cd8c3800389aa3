// Forms that are rewritten into simpler ones: functions and their parameters, destructuring, loops,
// match, templates, records.
#include "engine/base/str.h"
#include "engine/prim/primitives.h"
#include "engine/reader/printer.h"
#include "engine/reference/machine.h"
#include "engine/value/collections.h"

namespace sx::reference {

namespace {

std::string shown(const Context& cx, Value form) { return print(cx, form, {.bytes_max = 60}); }

}  // namespace

Value Machine::list_of(const std::vector<Value>& items, Value tail) {
  for (std::size_t i = items.size(); i > 0; --i) tail = cx_.heap.cons(items[i - 1], tail);
  return tail;
}
Value Machine::list(std::initializer_list<Value> items) {
  return list_of(std::vector<Value>(items));
}
std::vector<Value> Machine::items_of(Value list) const {
  std::vector<Value> out;
  for (; is_pair(list); list = cdr(list)) out.push_back(car(list));
  return out;
}

Value Machine::internal(std::string_view name) { return cx_.symbol(str("\x01", name)); }
Value Machine::fresh(std::string_view name) {
  return Value::symbol(cx_.symbols.make_alias(cx_.symbols.intern(name), 0));
}
Value Machine::quoted(Value datum) { return list({internal("quote"), datum}); }

Value Machine::primitive(std::string_view name) {
  const SymbolId id = cx_.symbols.intern(name);
  if (const auto known = primitives_.find(id); known != primitives_.end()) return known->second;
  const int index = find_primitive(name);
  Value made = Value::unset();
  if (index >= 0) {
    auto* object = static_cast<PrimitiveObject*>(cx_.heap.alloc(Kind::Primitive, 2));
    object->index = static_cast<std::uint32_t>(index);
    object->reserved = 0;
    made = Value::object(object);
  }
  primitives_.emplace(id, made);
  return made;
}

Value Machine::strip(Value datum) {
  if (datum.is_symbol()) {
    SymbolId id = datum.id();
    while (cx_.symbols.is_alias(id)) id = cx_.symbols.alias_base(id);
    return Value::symbol(id);
  }
  if (is_pair(datum)) {
    std::vector<Value> items;
    for (; is_pair(datum); datum = cdr(datum)) items.push_back(strip(car(datum)));
    return list_of(items, strip(datum));
  }
  if (is_vector(datum)) {
    std::vector<Value> items;
    for (std::uint32_t i = 0; i < vector_count(datum); ++i)
      items.push_back(strip(vector_get(datum, i)));
    return make_vector(cx_, items);
  }
  return datum;
}

// --- functions -------------------------------------------------------------------------------

// usage_name: what the usage line calls it.
Value Machine::make_lambda(Value name, std::string_view usage_name, Value params, Value body,
                           Env* env) {
  lambdas_.emplace_back();
  Lambda& fn = lambdas_.back();
  if (name.is_symbol()) fn.name_text = cx_.symbols.name(name.id());
  fn.usage_text = str("(", usage_name);
  std::vector<Value> before;  // what the body begins with: defaults, then patterns
  if (params.is_symbol()) {
    fn.usage_text += str(" &rest ", cx_.symbols.name(params.id()));
    fn.has_rest = true;
    fn.rest = params.id();
    params = Value::empty_list();
  }
  enum { Required, Optional, Keys, Rest } part = Required;
  std::vector<Value> patterns;
  const auto variable = [&](Value pattern) {
    if (pattern.is_symbol()) return pattern.id();
    const Value temp = fresh("argument");
    pattern_bindings(pattern, temp, patterns);
    return temp.id();
  };
  for (; is_pair(params); params = cdr(params)) {
    const Value item = car(params);
    fn.usage_text += str(" ", shown(cx_, strip(item)));
    const std::string_view marker = item.is_symbol() ? cx_.symbols.name(item.id()) : "";
    if (marker == "&opt") {
      part = Optional;
    } else if (marker == "&key") {
      part = Keys;
    } else if (marker == "&rest") {
      part = Rest;
    } else if (part == Required) {
      fn.required.push_back(variable(item));
    } else if (part == Rest) {
      fn.has_rest = true;
      fn.rest = variable(item);
    } else {
      const bool given = is_pair(item);
      const SymbolId id = variable(given ? car(item) : item);
      (part == Optional ? fn.optional : fn.keys)
          .push_back({id, given ? car(cdr(item)) : Value::unset()});
    }
  }
  if (params.is_symbol()) {  // (a . rest)
    fn.usage_text += str(" &rest ", cx_.symbols.name(params.id()));
    fn.has_rest = true;
    fn.rest = params.id();
  }
  fn.usage_text += ")";
  if (!patterns.empty())
    body = list({cx_.heap.cons(internal("let*"), cx_.heap.cons(list_of(patterns), body))});
  fn.body = body;
  fn.Function::name = fn.name_text;
  fn.Function::usage = fn.usage_text;
  auto* closure = static_cast<Closure*>(cx_.heap.alloc(Kind::Closure, 3));
  closure->function_bits = reinterpret_cast<std::uintptr_t>(static_cast<Function*>(&fn));
  closure->captures()[0] =
      Value::small_int(static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(env)));
  return Value::object(closure);
}

// Appends (name value) for each part of a vector or dict pattern over the variable `subject`.
void Machine::pattern_bindings(Value pattern, Value subject, std::vector<Value>& out) {
  const auto bind_part = [&](Value part, Value form) {
    if (part.is_symbol()) {
      if (cx_.symbols.name(part.id()) != "_") out.push_back(list({part, form}));
      return;
    }
    const Value temp = fresh("part");
    out.push_back(list({temp, form}));
    pattern_bindings(part, temp, out);
  };
  const auto named = [&](Value v, std::string_view name) {
    return v.is_symbol() && cx_.symbols.name(v.id()) == name;
  };
  if (is_vector(pattern)) {
    const std::uint32_t count = vector_count(pattern);
    std::uint32_t least = 0;
    for (std::uint32_t i = 0; i < count && !named(vector_get(pattern, i), "&"); ++i)
      if (!named(vector_get(pattern, i), "_")) least = i + 1;
    const Value parts = fresh("parts");
    out.push_back(list({parts, list({primitive("%parts"), subject, Value::small_int(least),
                                     make_string(cx_, shown(cx_, pattern))})}));
    for (std::uint32_t i = 0; i < count; ++i) {
      const Value part = vector_get(pattern, i);
      if (named(part, "&")) {
        bind_part(vector_get(pattern, i + 1),
                  list({primitive("drop"), Value::small_int(i), parts}));
        return;
      }
      bind_part(part, list({primitive("nth"), parts, Value::small_int(i)}));
    }
    return;
  }
  DictCursor cursor(cx_, pattern);
  Value key, part;
  while (cursor.next(key, part)) {
    if (cx_.symbols.name(key.id()) != "keys") {
      bind_part(part, list({primitive("get"), subject, key}));
      continue;
    }
    for (const Value name : items_of(part)) {
      const bool given = is_pair(name);
      const Value symbol = given ? car(name) : name;
      const Value found = cx_.keyword(cx_.symbols.name(symbol.id()));
      out.push_back(list({symbol, given ? list({primitive("get"), subject, found, car(cdr(name))})
                                        : list({primitive("get"), subject, found})}));
    }
  }
}

// ((letrec ((name (fn (x…) body…))) name) init…)
Value Machine::named_let(Value name, Value bindings, Value body) {
  std::vector<Value> params, call{Value::nil()};
  for (const Value binding : items_of(bindings)) {
    params.push_back(car(binding));
    call.push_back(car(cdr(binding)));
  }
  const Value fn = cx_.heap.cons(internal("fn"), cx_.heap.cons(list_of(params), body));
  call[0] = list({internal("letrec"), list({list({name, fn})}), name});
  return list_of(call);
}

Value Machine::thread(Value form, bool last, Env* env) {
  std::vector<Value> items = items_of(form);
  Value result = items[1];
  for (std::size_t i = 2; i < items.size(); ++i) {
    std::vector<Value> step{items[i]};
    if (is_pair(items[i]) && !is_special(items[i], Special::Fn, env)) step = items_of(items[i]);
    step.insert(last ? step.end() : step.begin() + 1, result);
    result = list_of(step);
  }
  return result;
}

// --- records ---------------------------------------------------------------------------------

void Machine::define_record(Value name, Value fields, Env* env) {
  Module& module = *env->module;
  const std::string base(cx_.symbols.name(name.id()));
  std::vector<Value> keys;
  std::vector<SymbolId>& names = module.records[name.id()];
  for (const Value field : items_of(fields)) {
    names.push_back(field.id());
    keys.push_back(cx_.keyword(cx_.symbols.name(field.id())));
  }
  std::vector<Value> args{name, make_vector(cx_, keys)};
  const Value maker = primitive("%record-type");
  const Value type =
      primitives()[static_cast<PrimitiveObject*>(maker.as_object())->index].fn(cx_, args.data(), 2);
  const auto define = [&](const std::string& suffix, Value params, Value body) {
    const std::string full = base + suffix;
    const Value symbol = cx_.symbol(full);
    module.values[symbol.id()] = make_lambda(symbol, full, params, list({body}), env);
  };
  std::vector<Value> make{primitive("%record"), quoted(type)};
  const std::vector<Value> params = items_of(fields);
  make.insert(make.end(), params.begin(), params.end());
  define("", fields, list_of(make));
  define("?", list({cx_.symbol("x")}),
         list({primitive("%record?"), cx_.symbol("x"), quoted(type)}));
  for (std::size_t i = 0; i < params.size(); ++i)
    define(str("-", cx_.symbols.name(params[i].id())), list({name}),
           list({primitive("%record-ref"), name, quoted(type),
                 Value::small_int(static_cast<std::int64_t>(i))}));
}

// --- match -----------------------------------------------------------------------------------

void Machine::pattern_names(Value pattern, std::vector<Value>& out) {
  if (pattern.is_symbol()) {
    if (cx_.symbols.name(pattern.id()) != "_" && cx_.symbols.name(pattern.id()) != "&")
      out.push_back(pattern);
  } else if (is_pair(pattern)) {
    const std::string_view head =
        car(pattern).is_symbol() ? cx_.symbols.name(car(pattern).id()) : "";
    Value parts = cdr(pattern);
    if (head == "quote") return;
    if (head == "?") parts = cdr(parts);
    if (head == "or") return pattern_names(car(parts), out);
    for (const Value part : items_of(parts)) pattern_names(part, out);
  } else if (is_vector(pattern)) {
    for (std::uint32_t i = 0; i < vector_count(pattern); ++i)
      pattern_names(vector_get(pattern, i), out);
  } else if (is_dict(pattern)) {
    DictCursor cursor(cx_, pattern);
    Value key, part;
    while (cursor.next(key, part)) pattern_names(part, out);
  }
}

// The form that is `ok` with the names bound if subject (a variable) fits, else `fail`.
Value Machine::match_pattern(Value pattern, Value subject, Value ok, Value fail, Env* env) {
  const auto when = [&](Value test, Value then) {
    return list({internal("if"), test, then, fail});
  };
  const auto prim = [&](std::string_view name, std::initializer_list<Value> args) {
    return cx_.heap.cons(primitive(name), list(args));
  };
  const auto equals = [&](Value datum) { return prim("=", {subject, quoted(strip(datum))}); };
  const auto let1 = [&](Value name, Value form, Value then) {
    return list({internal("let*"), list({list({name, form})}), then});
  };
  const auto number = [](std::size_t n) { return Value::small_int(static_cast<std::int64_t>(n)); };
  // Matches parts one after the other: built from the last to the first.
  struct Part {
    Value pattern, form;
  };
  const auto all = [&](const std::vector<Part>& parts) {
    Value then = ok;
    for (std::size_t i = parts.size(); i > 0; --i) {
      const Value temp = fresh("part");
      then =
          let1(temp, parts[i - 1].form, match_pattern(parts[i - 1].pattern, temp, then, fail, env));
    }
    return then;
  };
  const auto named = [&](Value v, std::string_view name) {
    return v.is_symbol() && cx_.symbols.name(v.id()) == name;
  };

  if (pattern.is_symbol()) return named(pattern, "_") ? ok : let1(pattern, subject, ok);
  if (is_vector(pattern)) {
    std::vector<Part> parts;
    const std::uint32_t count = vector_count(pattern);
    std::uint32_t least = count;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (named(vector_get(pattern, i), "&")) {
        least = i;
        parts.push_back({vector_get(pattern, i + 1), prim("drop", {number(i), subject})});
        break;
      }
      parts.push_back({vector_get(pattern, i), prim("nth", {subject, number(i)})});
    }
    const Value size = prim("count", {subject});
    const Value fits =
        least < count ? prim(">=", {size, number(least)}) : prim("=", {size, number(count)});
    return when(list({internal("and"), prim("vector?", {subject}), fits}), all(parts));
  }
  if (is_dict(pattern)) {
    std::vector<std::pair<Value, Value>> entries;
    DictCursor cursor(cx_, pattern);
    Value key, part;
    while (cursor.next(key, part)) entries.emplace_back(key, part);
    Value then = ok;
    for (std::size_t i = entries.size(); i > 0; --i) {
      const auto& [k, p] = entries[i - 1];
      const Value temp = fresh("part");
      then = when(
          prim("has-key?", {subject, quoted(k)}),
          let1(temp, prim("get", {subject, quoted(k)}), match_pattern(p, temp, then, fail, env)));
    }
    return when(list({internal("or"), prim("dict?", {subject}), prim("record?", {subject})}), then);
  }
  if (!is_pair(pattern)) return when(equals(pattern), ok);

  const std::vector<Value> items = items_of(pattern);
  const Value head = items[0];
  if (named(head, "quote")) return when(equals(items[1]), ok);
  if (named(head, "cons"))
    return when(prim("pair?", {subject}),
                all({{items[1], prim("first", {subject})}, {items[2], prim("cdr", {subject})}}));
  if (named(head, "list")) {
    if (items.size() == 1) return when(prim("=", {subject, quoted(Value::empty_list())}), ok);
    if (named(items[1], "&")) return match_pattern(items[2], subject, ok, fail, env);
    const Value rest = fresh("rest"), first = fresh("first");
    const Value others = match_pattern(cx_.heap.cons(head, cdr(cdr(pattern))), rest, ok, fail, env);
    return when(prim("pair?", {subject}),
                let1(first, prim("first", {subject}),
                     match_pattern(items[1], first, let1(rest, prim("cdr", {subject}), others),
                                   fail, env)));
  }
  if (named(head, "?"))
    return when(list({items[1], subject}),
                items.size() == 2 ? ok : match_pattern(items[2], subject, ok, fail, env));
  if (named(head, "and")) {
    Value then = ok;
    for (std::size_t i = items.size(); i > 1; --i)
      then = match_pattern(items[i - 1], subject, then, fail, env);
    return then;
  }
  if (named(head, "or")) {
    // What follows becomes a function of the names that every alternative binds.
    std::vector<Value> names;
    pattern_names(items[1], names);
    const Value go_on = fresh("matched");
    const Value call = cx_.heap.cons(go_on, list_of(names));
    Value otherwise = fail;
    for (std::size_t i = items.size(); i > 1; --i)
      otherwise = match_pattern(items[i - 1], subject, call, otherwise, env);
    return let1(go_on, list({internal("fn"), list_of(names), ok}), otherwise);
  }
  const std::string name(cx_.symbols.name(strip(head).id()));
  std::vector<Part> parts;
  const auto record = env->module->records.find(head.id());
  if (record == env->module->records.end()) return list({internal("quote"), Value::nil()});
  for (std::size_t i = 0; i < record->second.size(); ++i)
    parts.push_back(
        {items[i + 1],
         list({cx_.symbol(str(name, "-", cx_.symbols.name(record->second[i]))), subject})});
  return when(list({cx_.symbol(name + "?"), subject}), all(parts));
}

Value Machine::match_form(Value form, Env* env) {
  const Value subject = fresh("subject");
  const Value message = list({primitive("str"), make_string(cx_, "No clause of match fits "),
                              list({primitive("write-string"), subject})});
  Value otherwise =
      list({internal("raise"),
            list({primitive("make-error"), cx_.keyword("match-error"), message, subject})});
  const std::vector<Value> all = items_of(cdr(cdr(form)));
  for (std::size_t i = all.size(); i > 0; --i) {
    const std::vector<Value> clause = items_of(all[i - 1]);
    const Value next = fresh("next"), fail = list({next});
    const bool guarded =
        clause.size() >= 3 && clause[1].is_keyword() && cx_.symbols.name(clause[1].id()) == "when";
    Value ok =
        cx_.heap.cons(internal("do"), list_of({clause.begin() + (guarded ? 3 : 1), clause.end()}));
    if (guarded) ok = list({internal("if"), clause[2], ok, fail});
    const Value matched = match_pattern(clause[0], subject, ok, fail, env);
    otherwise = list({internal("let*"),
                      list({list({next, list({internal("fn"), Value::empty_list(), otherwise})})}),
                      matched});
  }
  return list({internal("let*"), list({list({subject, car(cdr(form))})}), otherwise});
}

// --- templates -------------------------------------------------------------------------------

Value Machine::quasi(Value form, int level, bool in_macro) {
  const auto tag = [&](Value f, std::string_view name) {
    return is_pair(f) && car(f).is_symbol() && cx_.symbols.name(strip(car(f)).id()) == name &&
           is_pair(cdr(f)) && cdr(cdr(f)).is_empty_list();
  };
  if (form.is_symbol()) {
    if (!in_macro) return quoted(strip(form));
    return list({primitive("macro/rename"), quoted(form)});
  }
  if (tag(form, "unquote") && level == 1) return car(cdr(form));
  if (tag(form, "unquote") || tag(form, "quasiquote") || tag(form, "unquote-splicing")) {
    const int inner = level + (tag(form, "quasiquote") ? 1 : -1);
    return list({primitive("list"), quasi(car(form), level, in_macro),
                 quasi(car(cdr(form)), inner, in_macro)});
  }
  if (is_pair(form)) {
    std::vector<Value> items;
    for (; is_pair(form); form = cdr(form)) items.push_back(car(form));
    return quasi_items(items, form, level, in_macro, true);
  }
  if (is_vector(form)) {
    std::vector<Value> items;
    for (std::uint32_t i = 0; i < vector_count(form); ++i) items.push_back(vector_get(form, i));
    return list(
        {primitive("vec"), quasi_items(items, Value::empty_list(), level, in_macro, false)});
  }
  if (is_kind(form, Kind::Set) || is_dict(form)) {
    const bool set = is_kind(form, Kind::Set);
    std::vector<Value> items;
    DictCursor cursor(cx_, set ? set_dict(form) : form);
    Value key, v;
    while (cursor.next(key, v)) {
      items.push_back(key);
      if (!set) items.push_back(v);
    }
    if (set)
      return list(
          {primitive("->set"), quasi_items(items, Value::empty_list(), level, in_macro, false)});
    std::vector<Value> call{primitive("dict")};
    for (const Value item : items) call.push_back(quasi(item, level, in_macro));
    return list_of(call);
  }
  return quoted(form);
}

Value Machine::quasi_items(const std::vector<Value>& items, Value tail, int level, bool in_macro,
                           bool in_list) {
  const auto named = [&](Value v, std::string_view name) {
    return v.is_symbol() && cx_.symbols.name(strip(v).id()) == name;
  };
  std::vector<Value> parts{primitive("append")}, run{primitive("list")};
  const auto finish_run = [&] {
    if (run.size() > 1) parts.push_back(list_of(run));
    run.resize(1);
  };
  Value last = Value::unset();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Value item = items[i];
    if (in_list && i > 0 && i + 2 == items.size() && named(item, "unquote")) {
      last = level == 1 ? items[i + 1]
                        : list({primitive("list"), quasi(item, level, in_macro),
                                quasi(items[i + 1], level - 1, in_macro)});
      break;
    }
    if (level == 1 && is_pair(item) && named(car(item), "unquote-splicing")) {
      finish_run();
      parts.push_back(list({primitive("->list"), car(cdr(item))}));
      continue;
    }
    run.push_back(quasi(item, level, in_macro));
  }
  if (last.is_unset() && !tail.is_empty_list()) last = quasi(tail, level, in_macro);
  finish_run();
  if (last.is_unset()) return list_of(parts);
  // The elements in front of a dotted tail.
  return list({internal("apply"), primitive("%list*"),
               list({primitive("append"), list_of(parts), list({primitive("list"), last})})});
}

}  // namespace sx::reference
