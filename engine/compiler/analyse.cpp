// Which function owns a variable, which functions capture it, and which functions can reach
// themselves without a variable.
#include <algorithm>

#include "engine/compiler/codegen.h"

namespace sx {

namespace {

void use(Var* var, FnNode* fn) {
  for (FnNode* f = fn; f && f != var->owner; f = f->parent) {
    if (f->self == var) return;  // the running closure itself
    if (std::find(f->captures.begin(), f->captures.end(), var) != f->captures.end()) return;
    f->captures.push_back(var);
    var->captured = true;
  }
}

void walk(Node* n, FnNode* fn) {
  for (Var* var : n->vars)
    if (var) {
      var->owner = fn;
      if (n->kind == NodeKind::Letrec && var->is_self()) var->lambda->self = var;
    }
  switch (n->kind) {
    case NodeKind::Local:
    case NodeKind::SetLocal:
      use(n->var, fn);
      break;
    case NodeKind::Guard:
      n->var->owner = fn;
      break;
    case NodeKind::Lambda:
      n->fn->parent = fn;
      analyse_function(n->fn);
      break;
    default:
      break;
  }
  for (Node* kid : n->kids) walk(kid, fn);
}

}  // namespace

void analyse_function(FnNode* fn) {
  for (Var* var : fn->parameters()) var->owner = fn;
  for (auto& [var, fallback] : fn->defaults) walk(fallback, fn);
  walk(fn->body, fn);
}

}  // namespace sx
