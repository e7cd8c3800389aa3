// Variables, closures, loops, branches, exception regions.
#include <algorithm>

#include "engine/base/str.h"
#include "engine/bytecode/constant.h"
#include "engine/compiler/codegen.h"

namespace sx {

// --- let and letrec --------------------------------------------------------------------------

void FunctionGen::bind_let(Node* n) {
  for (std::size_t i = 0; i < n->vars.size(); ++i) {
    Var* var = n->vars[i];
    Node* init = n->kids[i];
    unsigned reg;
    // A second name of a variable that never changes needs no register of its own.
    if (in_register(init, reg) && !(init->var && init->var->assigned) && !var->assigned) {
      var->reg = static_cast<int>(reg);
      continue;
    }
    reg = alloc();
    gen(init, into(reg));
    if (var->boxed()) op_abc(Op::CellNew, reg, reg);
    var->reg = static_cast<int>(reg);
    name_local(var);
  }
}

void FunctionGen::gen_let(Node* n, Dest d) {
  // A value that is used as soon as it is there: the body is the variable.
  bind_let(n);
  gen(n->kids.back(), d);
}

void FunctionGen::bind_letrec(Node* n) {
  for (Var* var : n->vars) {
    if (!var) continue;
    var->reg = static_cast<int>(alloc());
    name_local(var);
    if (!var->boxed()) continue;
    load_special(static_cast<unsigned>(var->reg), 4);
    op_abc(Op::CellNew, static_cast<unsigned>(var->reg), static_cast<unsigned>(var->reg));
  }
  // Closures made before one of those they capture get it afterwards.
  struct Patch {
    Var *closure, *captured;
    unsigned index;
  };
  std::vector<Patch> patches;
  std::vector<Var*> blank;  // registers that are read before they hold their closure
  for (std::size_t i = 0; i < n->vars.size(); ++i) {
    Var* var = n->vars[i];
    if (!var || !var->is_self()) continue;
    const auto& captures = var->lambda->captures;
    for (std::size_t c = 0; c < captures.size(); ++c)
      for (std::size_t k = i + 1; k < n->vars.size(); ++k)
        if (n->vars[k] == captures[c] && !captures[c]->boxed()) {
          patches.push_back({var, captures[c], static_cast<unsigned>(c)});
          if (std::find(blank.begin(), blank.end(), captures[c]) == blank.end())
            blank.push_back(captures[c]);
        }
  }
  for (Var* var : blank) load_special(static_cast<unsigned>(var->reg), 0);
  for (std::size_t i = 0; i < n->vars.size(); ++i) {
    Var* var = n->vars[i];
    if (!var) {
      gen(n->kids[i], none());
      continue;
    }
    const auto reg = static_cast<unsigned>(var->reg);
    if (!var->boxed()) {
      gen(n->kids[i], into(reg));
      for (const Patch& p : patches)
        if (p.captured == var)
          op_abc(Op::PatchClosure, static_cast<unsigned>(p.closure->reg), reg, p.index);
      continue;
    }
    const unsigned mark = next_;
    const unsigned value = alloc();
    gen(n->kids[i], into(value));
    op_abc(Op::CellSet, reg, value);
    next_ = mark;
  }
}

void FunctionGen::gen_letrec(Node* n, Dest d) {
  bind_letrec(n);
  gen(n->kids.back(), d);
}

void FunctionGen::gen_closure(FnNode* fn, unsigned reg, Node* at) {
  const unsigned mark = next_;
  std::vector<std::uint16_t> sources;
  if (fn->captures.size() > 200)
    unit_.fail(at->at, "This function uses more than 200 variables from around it. Split it.");
  for (Var* var : fn->captures) {
    if (fn_->self == var) {
      const unsigned self = alloc();
      op_abc(Op::GetSelf, self);
      sources.push_back(static_cast<std::uint16_t>(self));
    } else if (var->owner == fn_) {
      sources.push_back(static_cast<std::uint16_t>(var->reg));
    } else {
      sources.push_back(static_cast<std::uint16_t>(0x8000 | capture_index(var)));
    }
  }
  op_ad(Op::MakeClosure, reg, unit_.function(fn));
  for (std::size_t i = 0; i < sources.size(); i += 2)
    word(sources[i] | static_cast<std::uint32_t>(i + 1 < sources.size() ? sources[i + 1] : 0)
                          << 16);
  next_ = mark;
}

void FunctionGen::gen_set(Node* n, Dest d) {
  Var* var = n->var;
  const unsigned mark = next_;
  if (var->owner == fn_ && !var->boxed()) {
    gen(n->kids[0], over(static_cast<unsigned>(var->reg)));
  } else {
    const unsigned reg = operand(n->kids, 0, none());
    line(n);
    if (var->owner == fn_)
      op_abc(Op::CellSet, static_cast<unsigned>(var->reg), reg);
    else
      op_abc(Op::CellSetCap, reg, static_cast<unsigned>(capture_index(var)));
  }
  next_ = mark;
  nil_result(d);
}

// --- loops -----------------------------------------------------------------------------------

void FunctionGen::gen_loop(Node* n, Dest d) {
  for (std::size_t i = 0; i < n->vars.size(); ++i) {
    const unsigned reg = alloc();
    gen(n->kids[i], into(reg));
  }
  for (std::size_t i = 0; i < n->vars.size(); ++i) {
    n->vars[i]->reg = static_cast<int>(next_ - n->vars.size() + i);
    name_local(n->vars[i]);
  }
  const std::size_t hoisted_before = hoist_constants(n->kids.back());
  n->index = pc();
  // Each turn has cells of its own: closures of earlier turns keep theirs.
  for (Var* var : n->vars)
    if (var->boxed())
      op_abc(Op::CellNew, static_cast<unsigned>(var->reg), static_cast<unsigned>(var->reg));
  gen(n->kids.back(), d);
  hoisted_.resize(hoisted_before);
}

// Numbers that are operands within the loop and fit no instruction are loaded once, before it: up
// to four, as registers are few. What was hoisted before.
std::size_t FunctionGen::hoist_constants(const Node* body) {
  const std::size_t before = hoisted_.size();
  std::vector<Node*> found;
  int budget = 300;
  find_constants(body, -1, budget, found);
  for (Node* constant : found) {
    unsigned reg;
    if (in_register(constant, reg)) continue;
    if (hoisted_.size() - before == 4 || next_ > kRegistersMax / 2) break;
    reg = alloc();
    load_constant(constant, reg);
    hoisted_.emplace_back(constant, reg);
  }
  return before;
}

// operand: how small a number must be for the instruction that takes it; -1: it takes none.
void FunctionGen::find_constants(const Node* n, int operand, int& budget,
                                 std::vector<Node*>& out) const {
  if (--budget < 0) return;
  if (n->kind == NodeKind::Const) {
    const bool fits = n->is_int() && n->value.as_int() >= -operand && n->value.as_int() < operand;
    const bool number =
        n->encoded ? n->text[0] == static_cast<char>(ConstantTag::Double) : n->value.is_int();
    if (operand >= 0 && number && !fits) out.push_back(const_cast<Node*>(n));
    return;
  }
  int next = -1;
  if (n->kind == NodeKind::Prim) {
    const PrimitiveOp* op = find_primitive_op(unit_.primitive(n->index).name, n->kids.size());
    if (op) {
      const bool division = op->op == Op::Div || op->op == Op::Quotient ||
                            op->op == Op::Remainder || op->op == Op::Modulo;
      next = division ? 0 : 128;
    }
  }
  for (const Node* kid : n->kids) find_constants(kid, next, budget, out);
}

void FunctionGen::gen_recur(Node* n) {
  assign_all(n->target->vars, n->kids);
  line(n);
  loop_to(n->target->index);
}

// Does evaluating n read the register? Gives up (yes) when the budget is spent.
bool FunctionGen::reads(const Node* n, unsigned reg, int& budget) const {
  if (--budget < 0) return true;
  if (n->kind == NodeKind::Local || n->kind == NodeKind::SetLocal) {
    if (n->var->owner == fn_ && n->var->reg == static_cast<int>(reg)) return true;
  }
  if (n->kind == NodeKind::Lambda) {
    for (const Var* var : n->fn->captures)
      if (var->owner == fn_ && var->reg == static_cast<int>(reg)) return true;
  }
  for (const Node* kid : n->kids)
    if (reads(kid, reg, budget)) return true;
  return false;
}

// Arithmetic and the like on variables and constants: may be evaluated in any order.
bool FunctionGen::is_simple(const Node* n, int& budget) const {
  if (--budget < 0) return false;
  if (n->kind == NodeKind::Const || n->kind == NodeKind::Local) return true;
  if (n->kind != NodeKind::Prim || unit_.primitive(n->index).effect != Effect::Pure) return false;
  for (const Node* kid : n->kids)
    if (!is_simple(kid, budget)) return false;
  return true;
}

// vars := values, all at once.
void FunctionGen::assign_all(const std::vector<Var*>& vars, const std::vector<Node*>& values) {
  const unsigned mark = next_;
  bool any_order = true;
  for (const Node* v : values) {
    int budget = 40;
    any_order = any_order && is_simple(v, budget);
  }
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < values.size(); ++i) {
    unsigned reg;
    if (in_register(values[i], reg) && static_cast<int>(reg) == vars[i]->reg) continue;  // stays
    left.push_back(i);
  }
  std::vector<std::pair<unsigned, unsigned>> moves;
  while (!left.empty()) {
    // Next: the first one, or in any order one that nothing left still reads.
    std::size_t chosen = left.size();
    for (std::size_t k = 0; k < left.size() && (any_order || k == 0); ++k) {
      bool read = false;
      int budget = 200;
      for (std::size_t other = 0; other < left.size() && !read; ++other)
        if (other != k)
          read = reads(values[left[other]], static_cast<unsigned>(vars[left[k]]->reg), budget);
      if (!read) {
        chosen = k;
        break;
      }
    }
    const bool direct = chosen < left.size();
    const std::size_t i = left[direct ? chosen : 0];
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(direct ? chosen : 0));
    const auto target = static_cast<unsigned>(vars[i]->reg);
    if (direct) {
      gen(values[i], over(target));
    } else {
      const unsigned temp = alloc();
      gen(values[i], into(temp));
      moves.emplace_back(target, temp);
    }
  }
  for (auto [to, from] : moves) move(to, from);
  next_ = mark;
}

// --- branches --------------------------------------------------------------------------------

void FunctionGen::gen_if(Node* n, Dest d) {
  Node* then = n->kids[1];
  Node* otherwise = n->kids[2];
  if (otherwise->kind == NodeKind::Fail) {
    test(n->kids[0], false, fail_.back());
    gen(then, d);
    return;
  }
  const LabelId no = label();
  if (d.is_effect() && otherwise->kind == NodeKind::Const) {
    test(n->kids[0], false, no);
    gen(then, d);
    bind(no);
    return;
  }
  if (d.is_effect() && then->kind == NodeKind::Const) {
    test(n->kids[0], true, no);
    gen(otherwise, d);
    bind(no);
    return;
  }
  const LabelId end = label();
  test(n->kids[0], false, no);
  gen(then, d);
  jump(end);
  bind(no);
  gen(otherwise, d);
  bind(end);
}

void FunctionGen::gen_and_or(Node* n, Dest d) {
  const bool is_and = n->kind == NodeKind::And;
  const LabelId out = label(), end = label();
  const unsigned mark = next_;
  bool booleans = true;
  for (std::size_t i = 0; i + 1 < n->kids.size(); ++i)
    booleans = booleans && is_boolean(n->kids[i]);
  if (d.is_effect() || booleans) {
    // What leaves early is known: false from and, true from or.
    for (std::size_t i = 0; i + 1 < n->kids.size(); ++i) test(n->kids[i], !is_and, out);
    gen(n->kids.back(), d);
    if (!d.is_effect()) {
      jump(end);
      bind(out);
      const unsigned reg = scratch(d);
      load_special(reg, is_and ? 1 : 2);
      finish(d, reg);
    } else {
      bind(out);
    }
    bind(end);
    next_ = mark;
    return;
  }
  const unsigned reg = d.is_reg() && d.fresh ? d.reg : alloc();
  for (std::size_t i = 0; i + 1 < n->kids.size(); ++i) {
    gen(n->kids[i], into(reg));
    branch(is_and ? Op::JumpIfNot : Op::JumpIf, reg, out);
  }
  if (d.is_tail()) {
    gen(n->kids.back(), d);
    bind(out);
    finish(d, reg);
  } else {
    gen(n->kids.back(), into(reg));
    bind(out);
    finish(d, reg);
  }
  next_ = mark;
}

void FunctionGen::gen_alt(Node* n, Dest d) {
  const LabelId end = label();
  for (std::size_t i = 0; i < n->kids.size(); ++i) {
    const LabelId next = label();
    fail_.push_back(next);
    gen(n->kids[i], d);
    fail_.pop_back();
    jump(end);
    bind(next);
  }
  // The last alternative never fails: match ends with a raise, an or pattern with false.
  bind(end);
}

// --- guard and protect -----------------------------------------------------------------------

void FunctionGen::gen_guard(Node* n, Dest d) {
  const unsigned mark = next_;
  Dest inner = d;
  if (d.is_tail() || (d.is_reg() && !d.fresh)) inner = into(alloc());
  const unsigned live = next_;
  const LabelId end = label();
  const std::uint32_t from = pc();
  gen(n->kids[0], inner);
  const std::uint32_t to = pc();
  if (inner.is_reg()) finish(d, inner.reg);
  if (!d.is_tail()) jump(end);
  if (to > from) {
    next_ = live;
    const unsigned error = alloc();
    out_.handlers.push_back({from, to, pc(), static_cast<std::uint8_t>(error), HandlerKind::Guard});
    reachable_ = true;
    if (n->var->boxed()) op_abc(Op::CellNew, error, error);
    n->var->reg = static_cast<int>(error);
    name_local(n->var);
    gen(n->kids[1], d);
  }
  bind(end);
  next_ = mark;
}

void FunctionGen::gen_protect(Node* n, Dest d) {
  const unsigned mark = next_;
  Dest inner = d;
  if (!d.is_effect() && !(d.is_reg() && d.fresh)) inner = into(alloc());
  const unsigned live = next_;
  const LabelId end = label();
  const std::uint32_t from = pc();
  gen(n->kids[0], inner);
  const std::uint32_t to = pc();
  gen(n->kids[1], none());
  if (inner.is_reg()) finish(d, inner.reg);
  if (!d.is_tail()) jump(end);
  if (to > from) {
    next_ = live;
    const unsigned error = alloc();
    out_.handlers.push_back(
        {from, to, pc(), static_cast<std::uint8_t>(error), HandlerKind::Cleanup});
    reachable_ = true;
    gen(n->kids[1], none());
    // Also where nothing reaches it: it marks the end of the cleanup's code for the unwinder.
    reachable_ = true;
    op_abc(Op::EndCleanup, error);
    reachable_ = false;
  }
  bind(end);
  next_ = mark;
}

}  // namespace sx
