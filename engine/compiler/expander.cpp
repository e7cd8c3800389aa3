// Nodes, and expressions in general: symbols, literals, calls, bodies.
#include "engine/compiler/expander.h"

#include <cstring>

#include "engine/base/str.h"
#include "engine/bytecode/constant.h"
#include "engine/value/collections.h"

namespace sx {

namespace {

constexpr int kNodeDepthMax = 5000;
// Values that fit in consecutive registers beside the locals.
constexpr std::size_t kArgumentsMax = 200;

constexpr SpecialForm kSpecialForms[] = {
#define SX_FORM(name, function, least, most, usage) \
  {name, &Expander::function, least, most, usage, false},
#define SX_INLINE_FORM(name, function, least, most, usage) \
  {name, &Expander::function, least, most, usage, true},
#include "engine/compiler/special_forms.def"
#undef SX_FORM
#undef SX_INLINE_FORM
};

// Pure primitives that are worth computing at compile time, on numbers, booleans and keywords.
bool is_foldable(std::string_view name) {
  static constexpr std::string_view kNames[] = {"+",
                                                "-",
                                                "*",
                                                "/",
                                                "quotient",
                                                "remainder",
                                                "modulo",
                                                "<",
                                                "<=",
                                                ">",
                                                ">=",
                                                "==",
                                                "=",
                                                "not=",
                                                "inc",
                                                "dec",
                                                "abs",
                                                "min",
                                                "max",
                                                "zero?",
                                                "pos?",
                                                "neg?",
                                                "even?",
                                                "odd?",
                                                "bit-and",
                                                "bit-or",
                                                "bit-xor",
                                                "bit-not",
                                                "shift-left",
                                                "shift-right",
                                                "not",
                                                "nil?",
                                                "char->integer",
                                                "integer->char"};
  for (auto n : kNames)
    if (n == name) return true;
  return false;
}

bool is_self_evaluating(const Form* form) {
  std::vector<const Form*> pending{form};
  while (!pending.empty()) {
    const Form* f = pending.back();
    pending.pop_back();
    if (f->kind == Form::Kind::List || f->is_symbol()) return false;
    pending.insert(pending.end(), f->items.begin(), f->items.end());
  }
  return true;
}

}  // namespace

const SpecialForm* find_special_form(std::string_view name) {
  for (const auto& form : kSpecialForms)
    if (name == form.name) return &form;
  return nullptr;
}

Expander::Expander(CompileServices services, const CompileOptions& options)
    : services_(services), options_(options), cx_(services.cx), forms_(services.cx) {
  for (std::size_t i = 0; i < services_.primitives.size(); ++i)
    primitive_index_.emplace(services_.primitives[i].name, static_cast<int>(i));
  module_symbol_ = cx_.symbols.intern("");
}

// --- nodes -----------------------------------------------------------------------------------

Node* Expander::error_at(Position at, std::string message) {
  if (!error_) error_ = Error{str(options_.file, ":", at.line, ":", at.column, ": ", message)};
  nodes_.push_back({NodeKind::Const});
  return &nodes_.back();
}

Node* Expander::fail(const Form* at, std::string message) {
  return error_at(at->at, str(message, "\n  in: ", forms_.show(at)));
}

Node* Expander::node(NodeKind kind, const Form* at, std::vector<Node*> kids) {
  nodes_.push_back({kind});
  Node* made = &nodes_.back();
  made->at = at->at;
  int depth = 0;
  for (Node* kid : kids) depth = kid->depth > depth ? kid->depth : depth;
  made->depth = static_cast<std::uint16_t>(depth + 1);
  made->kids = std::move(kids);
  if (depth >= kNodeDepthMax) {
    made->depth = 1;
    fail(at, "This expression nests too deeply. Break it into functions.");
  }
  return made;
}

Node* Expander::constant(Value immediate, const Form* at) {
  Node* made = node(NodeKind::Const, at);
  made->value = immediate;
  return made;
}

Node* Expander::quoted(const Form* datum) {
  if (datum->kind == Form::Kind::Atom && !datum->value.is_symbol() && !datum->value.is_double())
    return constant(datum->value, datum);
  Root v(cx_.heap, forms_.to_value(datum, true));
  auto bytes = encode_constant(cx_, v);
  if (!bytes) return fail(datum, bytes.error().message);
  Node* made = node(NodeKind::Const, datum);
  made->encoded = true;
  made->text = bytes.take();
  return made;
}

Node* Expander::text_constant(std::string_view text, const Form* at) {
  return quoted(forms_.text(text, at->at));
}

Node* Expander::local(Var* var, const Form* at) {
  Node* made = node(NodeKind::Local, at);
  made->var = var;
  if (LetrecScope* letrec = var->letrec; letrec && letrec->current >= 0) {
    const auto use = static_cast<std::size_t>(letrec->current);
    const auto definition = static_cast<std::size_t>(var->letrec_index);
    const bool same_group = letrec->is_lambda[use] && letrec->is_lambda[definition] &&
                            letrec->group[use] == letrec->group[definition];
    if (use <= definition && !same_group) var->early = true;
  }
  return made;
}

Node* Expander::effect(Op op, std::vector<Node*> args, const Form* at) {
  Node* made = node(NodeKind::Effect, at, std::move(args));
  made->op = op;
  return made;
}

Node* Expander::seq(std::vector<Node*> kids, const Form* at) {
  if (kids.empty()) return constant(Value::nil(), at);
  if (kids.size() == 1) return kids[0];
  return node(NodeKind::Seq, at, std::move(kids));
}

Node* Expander::let1(Var* var, Node* value, Node* body, const Form* at) {
  Node* made = node(NodeKind::Let, at, {value, body});
  made->vars = {var};
  return made;
}

Node* Expander::thunk(Node* body, const Form* at) {
  fns_.emplace_back();
  FnNode* fn = &fns_.back();
  fn->at = at->at;
  fn->usage = "(fn ())";
  fn->body = body;
  Node* made = node(NodeKind::Lambda, at);
  made->fn = fn;
  made->depth = static_cast<std::uint16_t>(body->depth + 1);
  return made;
}

Var* Expander::new_var(std::uint32_t symbol) {
  vars_.emplace_back();
  vars_.back().symbol = symbol;
  vars_.back().name = cx_.symbols.name(forms_.base(symbol));
  return &vars_.back();
}

// A variable that no source text can name.
Var* Expander::temp(std::string_view name) {
  vars_.emplace_back();
  vars_.back().name = name;
  return &vars_.back();
}

const Scope* Expander::bind(const Scope* scope, std::uint32_t symbol, Var* var) {
  scopes_.push_back({scope, symbol, var});
  return &scopes_.back();
}
const Scope* Expander::bind(const Scope* scope, Var* var) { return bind(scope, var->symbol, var); }

int Expander::find_primitive(std::string_view name) const {
  const auto found = primitive_index_.find(name);
  return found == primitive_index_.end() ? -1 : found->second;
}

Node* Expander::prim(std::string_view name, std::vector<Node*> args, const Form* at) {
  const int index = find_primitive(name);
  if (index < 0) return fail(at, str("This engine has no primitive ", name, "."));
  return prim(index, std::move(args), at);
}

Node* Expander::prim(int index, std::vector<Node*> args, const Form* at) {
  Node* made = node(NodeKind::Prim, at, std::move(args));
  made->index = static_cast<std::uint32_t>(index);
  return fold(index, made);
}

// The value of a call on constants; an error stays what it is: something that happens when run.
Node* Expander::fold(int primitive, Node* call) {
  const PrimitiveInfo& info = services_.primitives[static_cast<std::size_t>(primitive)];
  if (call->kids.size() > 8 || info.effect != Effect::Pure || !is_foldable(info.name)) return call;
  Value args[8];
  for (std::size_t i = 0; i < call->kids.size(); ++i) {
    if (!call->kids[i]->is_const()) return call;
    args[i] = call->kids[i]->value;
  }
  Value result = info.fn(cx_, args, static_cast<int>(call->kids.size()));
  if (result.is_unset()) {
    cx_.error = Value::nil();
    return call;
  }
  if (result.is_object() || result.is_double()) return call;
  call->kind = NodeKind::Const;
  call->value = result;
  call->kids.clear();
  call->depth = 1;
  return call;
}

// --- expressions -----------------------------------------------------------------------------

Node* Expander::value(const Form* form, const Scope* scope) {
  NonTail guard(*this);
  return expand(form, scope);
}

std::vector<Node*> Expander::values(const Form* form, std::size_t from, const Scope* scope) {
  std::vector<Node*> out;
  for (std::size_t i = from; i < form->items.size(); ++i)
    out.push_back(value(form->items[i], scope));
  return out;
}

Node* Expander::expand(const Form* form, const Scope* scope) {
  if (failed()) return constant(Value::nil(), form);
  if (++depth_ > kNestingMax) {
    --depth_;
    return fail(form, str("Expressions nest more than ", kNestingMax,
                          " deep. Break this one into functions, or quote it if it is data."));
  }
  Node* made;
  switch (form->kind) {
    case Form::Kind::Atom:
      made = form->value.is_symbol() ? expand_symbol(form, scope) : quoted(form);
      break;
    case Form::Kind::List:
      made = expand_list(form, scope);
      break;
    case Form::Kind::Vector:
    case Form::Kind::Dict:
    case Form::Kind::Set:
    case Form::Kind::Record:
      made = expand_collection(form, scope);
      break;
    default:
      made = quoted(form);
      break;
  }
  --depth_;
  return made;
}

Node* Expander::expand_symbol(const Form* form, const Scope* scope) {
  const Resolved r = resolve(form->value.id(), scope);
  switch (r.kind) {
    case Resolved::Kind::Local:
      if (r.var->loop >= 0) ++loops_[static_cast<std::size_t>(r.var->loop)].other_uses;
      return local(r.var, form);
    case Resolved::Kind::Global: {
      Node* made = node(NodeKind::Global, form);
      made->global = r.global;
      return made;
    }
    case Resolved::Kind::Primitive: {
      Node* made = node(NodeKind::Global, form);
      made->global = global(private_name(
          kPrimitiveModule, services_.primitives[static_cast<std::size_t>(r.primitive)].name));
      return made;
    }
    case Resolved::Kind::Macro:
      return fail(form,
                  str(text_of(form), " is a macro, not a value. Wrap it in a function: (fn (x) (",
                      text_of(form), " x))"));
    case Resolved::Kind::Special:
      return fail(form,
                  str(text_of(form), " is a special form, not a value. Usage: ", r.special->usage));
    case Resolved::Kind::Unbound:
      break;
  }
  return unbound(form, scope);
}

Node* Expander::expand_list(const Form* form, const Scope* scope) {
  if (form->tail)
    return fail(form,
                "A call cannot be a dotted list. Expected (f argument…); quote it if it is data.");
  const Resolved head = head_of(form, scope);
  switch (head.kind) {
    case Resolved::Kind::Special: {
      const auto n = static_cast<int>(form->size()) - 1;
      if (n < head.special->least || (head.special->most >= 0 && n > head.special->most))
        return fail(form, str(head.special->name, " does not take ", n, n == 1 ? " form" : " forms",
                              ". Usage: ", head.special->usage));
      return (this->*head.special->expand)(form, scope);
    }
    case Resolved::Kind::Macro: {
      const Form* expansion = expand_macro(form, head);
      return expansion ? expand(expansion, scope) : constant(Value::nil(), form);
    }
    default:
      break;
  }
  if (is_element(form, scope)) return element(form, scope);
  return expand_call(form, head, scope);
}

Node* Expander::expand_call(const Form* form, const Resolved& head, const Scope* scope) {
  const Form* name = form->items[0];
  if (head.kind == Resolved::Kind::Unbound && name->is_symbol()) return unbound(name, scope);
  if (name->is_keyword()) {  // (:key coll [default]) is (get coll :key [default])
    if (form->size() != 2 && form->size() != 3)
      return fail(form, str(forms_.show(name), " was given ", form->size() - 1,
                            form->size() == 2 ? " argument" : " arguments", ". Usage: (",
                            forms_.show(name), " coll [default])"));
    std::vector<Node*> args = values(form, 1, scope);
    args.insert(args.begin() + 1, quoted(name));
    return prim("get", std::move(args), form);
  }
  if (name->kind == Form::Kind::Atom && !name->is_symbol())
    return fail(form, str("Not callable: ", forms_.show(name),
                          ". Expected a function; quote the list if it is data."));
  if (head.kind == Resolved::Kind::Primitive)
    return call_primitive(head.primitive, form, values(form, 1, scope));
  if (form->size() - 1 > kArgumentsMax)
    return fail(form, str("A call takes at most ", kArgumentsMax, " arguments, this one has ",
                          form->size() - 1, ". Pass a list, or use apply."));
  if (name->is_symbol() && !text_of(name).empty() && text_of(name)[0] == '~' &&
      head.kind != Resolved::Kind::Local)
    return component_call(form, head, scope);
  if (head.kind == Resolved::Kind::Local) local_calls_.emplace_back(form, head.var);
  if (head.kind == Resolved::Kind::Local && head.var->loop >= 0) {
    const auto index = static_cast<std::size_t>(head.var->loop);
    const bool tail = index >= barrier_ && form->size() - 1 == loops_[index].arity;
    std::vector<Node*> kids = values(form, 1, scope);
    kids.insert(kids.begin(), local(head.var, name));
    Node* call = node(NodeKind::Call, form, std::move(kids));
    if (tail)
      loops_[index].tail_calls.push_back(call);
    else
      ++loops_[index].other_uses;
    return call;
  }
  if (head.kind == Resolved::Kind::Global && head.global->signature &&
      !check_call(form, *head.global->signature))
    return constant(Value::nil(), form);
  // ((fn (x…) body…) value…) is a let.
  if (name->is_list() && name->size() >= 2 && is_special(name, "fn", scope) &&
      name->items[1]->is_proper() && name->items[1]->size() == form->size() - 1) {
    std::vector<std::pair<const Form*, const Form*>> pairs;
    bool plain = true;
    for (std::size_t i = 0; i + 1 < form->size(); ++i) {
      const Form* param = name->items[1]->items[i];
      if (!param->is_symbol() || text_of(param)[0] == '&') plain = false;
      pairs.emplace_back(param, form->items[i + 1]);
    }
    if (plain) {
      std::vector<Var*> vars;
      std::vector<Node*> kids;
      const Scope* inner = scope;
      for (auto& [param, init] : pairs) {
        kids.push_back(value(init, scope));
        vars.push_back(new_var(param->value.id()));
      }
      for (Var* var : vars) inner = bind(inner, var);
      kids.push_back(body(name->items, 2, inner, name));
      Node* let = node(NodeKind::Let, form, std::move(kids));
      let->vars = std::move(vars);
      return let;
    }
  }
  std::vector<Node*> kids = values(form, 0, scope);
  if (head.kind == Resolved::Kind::Global)
    if (Node* loop = inline_walk(head.global, kids, form)) return loop;
  return node(NodeKind::Call, form, std::move(kids));
}

Node* Expander::call_primitive(int index, const Form* form, std::vector<Node*> args) {
  const PrimitiveInfo& info = services_.primitives[static_cast<std::size_t>(index)];
  const auto n = static_cast<int>(args.size());
  if (n < info.min_args || (info.max_args >= 0 && n > info.max_args)) {
    std::string_view usage = info.usage;
    return fail(form, str(info.name, " was given ", n, n == 1 ? " argument" : " arguments",
                          ". Usage: ", usage));
  }
  const std::string_view name = info.name;
  if (name == "list") return sequence(std::move(args), false, form);
  if (name == "vector") return sequence(std::move(args), true, form);
  if (args.size() > kArgumentsMax) {
    // Too many for the registers: over a list, where the function is one that folds.
    static constexpr std::string_view kFolding[] = {"str",    "+",     "*",     "concat",
                                                    "append", "merge", "union", "bytes/concat"};
    for (auto folding : kFolding) {
      if (name != folding) continue;
      std::vector<Node*> parts;
      for (std::size_t i = 0; i < args.size(); i += kArgumentsMax)
        parts.push_back(prim(
            index,
            {args.begin() + static_cast<std::ptrdiff_t>(i),
             args.begin() + static_cast<std::ptrdiff_t>(std::min(args.size(), i + kArgumentsMax))},
            form));
      return prim(index, std::move(parts), form);
    }
    return fail(form, str(name, " takes at most ", kArgumentsMax,
                          " arguments in one call, this one has ", args.size(), "."));
  }
  return prim(index, std::move(args), form);
}

// (list …) or (vector …) of any length.
Node* Expander::sequence(std::vector<Node*> args, bool vector, const Form* at) {
  if (args.size() <= kArgumentsMax) return prim(vector ? "vector" : "list", std::move(args), at);
  std::vector<Node*> parts;
  for (std::size_t i = 0; i < args.size(); i += kArgumentsMax)
    parts.push_back(
        prim("list",
             {args.begin() + static_cast<std::ptrdiff_t>(i),
              args.begin() + static_cast<std::ptrdiff_t>(std::min(args.size(), i + kArgumentsMax))},
             at));
  while (parts.size() > kArgumentsMax) {
    std::vector<Node*> fewer;
    for (std::size_t i = 0; i < parts.size(); i += kArgumentsMax)
      fewer.push_back(prim(
          "append",
          {parts.begin() + static_cast<std::ptrdiff_t>(i),
           parts.begin() + static_cast<std::ptrdiff_t>(std::min(parts.size(), i + kArgumentsMax))},
          at));
    parts = std::move(fewer);
  }
  Node* all = prim("append", std::move(parts), at);
  return vector ? prim("list->vector", {all}, at) : all;
}

// The type of a record form as code: asked for by name and fields, as the reader does.
Node* Expander::record_type_of(const Form* form) {
  const auto* type = static_cast<const RecordType*>(form->value.as_object());
  Form keys;
  keys.kind = Form::Kind::Vector;
  keys.at = form->at;
  for (std::uint32_t i = 0; i < type->field_count; ++i)
    keys.items.push_back(forms_.atom(vector_get(type->fields, i), form->at));
  return prim("%record-type", {quoted(forms_.atom(type->name, form->at)), quoted(&keys)}, form);
}

Node* Expander::expand_collection(const Form* form, const Scope* scope) {
  if (is_self_evaluating(form)) return quoted(form);
  if (form->kind == Form::Kind::Vector) return sequence(values(form, 0, scope), true, form);
  if (form->kind == Form::Kind::Set)
    return call_primitive(find_primitive("set"), form, values(form, 0, scope));
  if (form->kind == Form::Kind::Record) {
    std::vector<Node*> fields = values(form, 0, scope);
    fields.insert(fields.begin(), record_type_of(form));
    return prim("%record", std::move(fields), form);
  }
  bool keywords = form->size() <= 2 * kShapeKeysMax;
  for (std::size_t i = 0; i < form->size(); i += 2)
    keywords = keywords && form->items[i]->is_keyword();
  if (keywords) {
    std::vector<Form*> keys;
    std::vector<Node*> kids;
    for (std::size_t i = 0; i < form->size(); i += 2) {
      keys.push_back(form->items[i]);
      kids.push_back(value(form->items[i + 1], scope));
    }
    Form vector;
    vector.kind = Form::Kind::Vector;
    vector.at = form->at;
    vector.items = std::move(keys);
    Node* encoded = quoted(&vector);
    Node* made = node(NodeKind::Dict, form, std::move(kids));
    made->text = encoded->text;
    return made;
  }
  std::vector<Node*> entries = values(form, 0, scope);
  if (entries.size() <= kArgumentsMax) return prim("dict", std::move(entries), form);
  std::vector<Node*> parts;
  for (std::size_t i = 0; i < entries.size(); i += kArgumentsMax)
    parts.push_back(prim("dict",
                         {entries.begin() + static_cast<std::ptrdiff_t>(i),
                          entries.begin() + static_cast<std::ptrdiff_t>(
                                                std::min(entries.size(), i + kArgumentsMax))},
                         form));
  return call_primitive(find_primitive("merge"), form, std::move(parts));
}

// --- bodies ----------------------------------------------------------------------------------

Node* Expander::body(const std::vector<Form*>& forms, std::size_t from, const Scope* scope,
                     const Form* at) {
  if (from >= forms.size()) return constant(Value::nil(), at);
  // Heads are expanded only as far as needed to see whether something is defined here.
  std::vector<const Form*> items;
  bool defines = false;
  std::vector<const Form*> pending;
  for (std::size_t i = forms.size(); i-- > from;) pending.push_back(forms[i]);
  while (!pending.empty() && !failed()) {
    const Form* item = expand_head(pending.back(), scope);
    pending.pop_back();
    const SpecialForm* special = special_head(item, scope);
    if (special && std::strcmp(special->name, "define") == 0) defines = true;
    // A (do …) with definitions among body forms belongs to the body.
    if (special && special->expand == &Expander::form_do && item->size() > 1) {
      for (std::size_t i = item->size(); i-- > 1;) pending.push_back(item->items[i]);
      continue;
    }
    items.push_back(item);
  }
  if (failed()) return constant(Value::nil(), at);
  if (defines) return body_with_definitions(items, scope, at);
  std::vector<Node*> kids;
  for (std::size_t i = 0; i + 1 < items.size(); ++i) kids.push_back(value(items[i], scope));
  kids.push_back(items.empty() ? constant(Value::nil(), at) : expand(items.back(), scope));
  return seq(std::move(kids), at);
}

Node* Expander::body_with_definitions(const std::vector<const Form*>& items, const Scope* scope,
                                      const Form* at) {
  std::vector<std::pair<const Form*, const Form*>> definitions;
  std::size_t last = 0;  // behind the last definition
  for (std::size_t i = 0; i < items.size(); ++i) {
    const SpecialForm* special = special_head(items[i], scope);
    if (special && std::strcmp(special->name, "define") == 0) last = i + 1;
  }
  for (std::size_t i = 0; i < last; ++i) {
    const Form* item = items[i];
    const SpecialForm* special = special_head(item, scope);
    if (!special || std::strcmp(special->name, "define") != 0) {
      definitions.emplace_back(nullptr, item);
      continue;
    }
    if (item->size() < 2) return fail(item, str("Usage: ", special->usage));
    const Form* target = item->items[1];
    if (target->is_symbol()) {
      if (item->size() > 3)
        return fail(item, str("define takes one value for a name. Usage: ", special->usage));
      definitions.emplace_back(
          target, item->size() == 3 ? item->items[2] : forms_.atom(Value::nil(), item->at));
    } else if (target->kind == Form::Kind::List && target->items[0]->is_symbol()) {
      // (define (f . params) body…): as (define f (fn params body…))
      std::vector<Form*> parts{forms_.symbol("fn", item->at)};
      Form* params =
          target->tail && target->size() == 1
              ? target->tail
              : forms_.list({target->items.begin() + 1, target->items.end()}, target->at);
      parts.push_back(params);
      parts.insert(parts.end(), item->items.begin() + 2, item->items.end());
      Form* fn = forms_.list(std::move(parts), item->at);
      definitions.emplace_back(target->items[0], fn);
    } else {
      return fail(item, str("Expected a name or (name param…) to define. Usage: ", special->usage));
    }
  }
  return letrec(
      definitions,
      [&](const Scope* inner) -> Node* {
        if (last >= items.size()) return constant(Value::nil(), at);
        std::vector<Node*> kids;
        for (std::size_t i = last; i + 1 < items.size(); ++i)
          kids.push_back(value(items[i], inner));
        kids.push_back(expand(items.back(), inner));
        return seq(std::move(kids), at);
      },
      scope, at);
}

}  // namespace sx
