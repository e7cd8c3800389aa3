// Calls of the core library's walks over a sequence (map, filter, reduce, …) with a function that
// is written right there become a loop: no closure, no call for each element. What the loop does is
// what lib/core/core.sx does, element by element in the same order.
//
// Lists grow at their end, pair by pair, unless a fiber was copied since the start: then somebody
// else may be building on the same pairs (%list-begin, %list-add, %list-end).
#include <array>

#include "engine/base/str.h"
#include "engine/compiler/expander.h"

namespace sx {

namespace {

struct Walk {
  std::string_view name;
  std::size_t arguments;   // of the call
  std::size_t parameters;  // of the function given
};
constexpr Walk kWalks[] = {
    {"map", 2, 1},     {"for-each", 2, 1},  {"filter", 2, 1},      {"remove", 2, 1},
    {"reduce", 3, 2},  {"fold-left", 3, 2}, {"fold-right", 3, 2},  {"filter-map", 2, 1},
    {"some", 2, 1},    {"every", 2, 1},     {"any?", 2, 1},        {"all?", 2, 1},
    {"find", 2, 1},    {"count-if", 2, 1},  {"map-indexed", 2, 2}, {"mapv", 2, 1},
    {"filterv", 2, 1},
};

// A function this large is called: its variables would crowd the registers of the one around it.
constexpr int kNodesMax = 400;
constexpr std::uint16_t kDepthMax = 100;

bool exceeds(const Node* n, int& budget) {
  if (--budget < 0) return true;
  for (const Node* kid : n->kids)
    if (exceeds(kid, budget)) return true;
  return false;
}

}  // namespace

// The function of a walk, if it can stand in a loop: a plain lambda, or a primitive by name.
bool Expander::is_inlinable(const Node* function, std::size_t parameters) const {
  if (function->kind == NodeKind::Lambda) {
    const FnNode* fn = function->fn;
    int budget = kNodesMax;
    return fn->simple() && !fn->component && fn->required.size() == parameters &&
           fn->body->depth < kDepthMax && !exceeds(fn->body, budget);
  }
  const int index = primitive_value(function);
  if (index < 0) return false;
  const PrimitiveInfo& info = services_.primitives[static_cast<std::size_t>(index)];
  const auto count = static_cast<int>(parameters);
  return count >= info.min_args && (info.max_args < 0 || count <= info.max_args);
}

// The primitive that the node names as a value, or -1.
int Expander::primitive_value(const Node* n) const {
  if (n->kind != NodeKind::Global) return -1;
  const std::string prefix = private_name(kPrimitiveModule, "");
  const std::string_view full = n->global->full;
  return full.starts_with(prefix) ? find_primitive(full.substr(prefix.size())) : -1;
}

Node* Expander::apply_inline(Node* function, std::vector<Node*> args, const Form* at) {
  if (function->kind != NodeKind::Lambda)
    return prim(primitive_value(function), std::move(args), at);
  args.push_back(function->fn->body);
  Node* let = node(NodeKind::Let, at, std::move(args));
  let->vars = function->fn->required;
  return let;
}

// kids: the function called and its arguments. The loop, or null when it is an ordinary call.
Node* Expander::inline_walk(const GlobalName* global, const std::vector<Node*>& kids,
                            const Form* at) {
  const Walk* walk = nullptr;
  for (const Walk& w : kWalks)
    if (w.name == global->full && kids.size() == w.arguments + 1) walk = &w;
  if (!walk || global->own || !is_inlinable(kids[1], walk->parameters)) return nullptr;
  Node* const f = kids[1];
  const std::string_view name = walk->name;
  const auto is = [&](auto... names) { return ((name == names) || ...); };
  const auto read = [&](Var* var) { return local(var, at); };
  const auto branch = [&](Node* test, Node* then, Node* otherwise) {
    return node(NodeKind::If, at, {test, then, otherwise});
  };
  const auto special = [&](Value v) { return constant(v, at); };

  Var* const list = temp("list");
  Var* const element = temp("element");
  Node* const loop = node(NodeKind::Loop, at);
  // The variables of the loop, the list last: what is made of an element is made before it moves
  // on.
  std::vector<Var*> vars;
  std::vector<Node*> starts;
  const auto turn = [&](std::vector<Node*> next) {
    next.push_back(prim("rest", {read(list)}, at));
    Node* recur = node(NodeKind::Recur, at, std::move(next));
    recur->target = loop;
    return recur;
  };
  const auto with_element = [&](Node* body) {
    return let1(element, prim("first", {read(list)}, at), body, at);
  };
  const auto call = [&] { return apply_inline(f, {read(element)}, at); };
  const auto walk_over = [&](Node* sequence, Node* body, Node* end) {
    vars.push_back(list);
    starts.push_back(prim("->list", {sequence}, at));
    starts.push_back(branch(prim("pair?", {read(list)}, at), body, end));
    loop->vars = vars;
    loop->kids = starts;
    for (const Node* kid : loop->kids)
      if (kid->depth >= loop->depth) loop->depth = static_cast<std::uint16_t>(kid->depth + 1);
    return loop;
  };

  if (is("reduce", "fold-left", "fold-right")) {
    Var* const acc = temp("acc");
    vars = {acc};
    starts = {kids[2]};
    const bool right = name == "fold-right";
    Node* const sequence = right ? prim("reverse", {prim("->list", {kids[3]}, at)}, at) : kids[3];
    Node* const x = prim("first", {read(list)}, at);
    Node* const value = apply_inline(
        f, right ? std::vector<Node*>{x, read(acc)} : std::vector<Node*>{read(acc), x}, at);
    return walk_over(sequence, turn({value}), read(acc));
  }
  if (is("for-each"))
    return walk_over(kids[2], seq({with_element(call()), turn({})}, at), special(Value::nil()));
  if (is("every", "all?"))
    return walk_over(kids[2], branch(with_element(call()), turn({}), special(Value::fals())),
                     special(Value::tru()));
  if (is("any?"))
    return walk_over(kids[2], branch(with_element(call()), special(Value::tru()), turn({})),
                     special(Value::fals()));
  if (is("some"))
    return walk_over(kids[2], node(NodeKind::Or, at, {with_element(call()), turn({})}),
                     special(Value::nil()));
  if (is("find"))
    return walk_over(kids[2], with_element(branch(call(), read(element), turn({}))),
                     special(Value::nil()));
  if (is("count-if")) {
    Var* const n = temp("n");
    vars = {n};
    starts = {special(Value::small_int(0))};
    Node* const counted = branch(with_element(call()), prim("inc", {read(n)}, at), read(n));
    return walk_over(kids[2], turn({counted}), read(n));
  }

  // What makes a list.
  Var* const begin = temp("begin");
  Var* const out = temp("out");  // the last pair
  const auto add = [&](Node* x) { return prim("%list-add", {read(out), x, read(begin)}, at); };
  const auto made = [&] { return prim("%list-end", {read(begin), read(out)}, at); };
  const auto begun = [&](Node* body) { return let1(begin, prim("%list-begin", {}, at), body, at); };
  Node* const none = read(begin);
  if (is("map-indexed")) {
    Var* const i = temp("i");
    vars = {out, i};
    starts = {none, special(Value::small_int(0))};
    Node* const value = with_element(apply_inline(f, {read(i), read(element)}, at));
    return begun(walk_over(kids[2], turn({add(value), prim("inc", {read(i)}, at)}), made()));
  }
  vars = {out};
  starts = {none};
  Node* next;
  if (is("map", "mapv")) {
    next = add(with_element(call()));
  } else if (is("filter-map")) {
    Var* const value = temp("value");
    next = let1(value, with_element(call()), branch(read(value), add(read(value)), read(out)), at);
  } else {
    const bool keep = !is("remove");
    Node* const test = call();
    next = with_element(keep ? branch(test, add(read(element)), read(out))
                             : branch(test, read(out), add(read(element))));
  }
  Node* const all = begun(walk_over(kids[2], turn({next}), made()));
  return is("mapv", "filterv") ? prim("vec", {all}, at) : all;
}

}  // namespace sx
