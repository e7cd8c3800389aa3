// The unit's tables, emitting words and labels, simple values.
#include "engine/compiler/codegen.h"

#include <algorithm>

#include "engine/base/str.h"
#include "engine/bytecode/constant.h"
#include "engine/compiler/expander.h"

namespace sx {

// --- the unit --------------------------------------------------------------------------------

void UnitGen::fail(Position at, const std::string& message) {
  if (error_.empty()) error_ = str(image_.file, ":", at.line, ":", at.column, ": ", message);
}

std::uint32_t UnitGen::constant(const std::string& encoded) {
  const auto [found, fresh] =
      constants_.emplace(encoded, static_cast<std::uint32_t>(image_.constants.size()));
  if (fresh) image_.constants.push_back(encoded);
  return found->second;
}

std::uint32_t UnitGen::constant(Value immediate, Position at) {
  auto encoded = encode_constant(services_.cx, immediate);
  if (!encoded.ok()) {
    fail(at, encoded.error().message);
    return 0;
  }
  return constant(*encoded);
}

std::uint32_t UnitGen::global(const GlobalName* name) {
  const auto [found, fresh] =
      globals_.emplace(name, static_cast<std::uint32_t>(image_.globals.size()));
  if (fresh) image_.globals.push_back(name->full);
  if (found->second > 0xFFFF)
    fail({1, 1}, "One file refers to more than 65,536 global names. Split it.");
  return found->second;
}

std::uint32_t UnitGen::function(FnNode* fn) {
  const auto [found, fresh] = functions_.emplace(fn, static_cast<std::uint32_t>(order_.size()));
  if (fresh) order_.push_back(fn);
  if (found->second > 0xFFFF) fail(fn->at, "One file holds more than 65,536 functions. Split it.");
  return found->second;
}

std::uint32_t UnitGen::markup(TemplateImage* markup) {
  const auto [found, fresh] =
      templates_.emplace(markup, static_cast<std::uint32_t>(image_.templates.size()));
  if (fresh) image_.templates.push_back(*markup);
  return found->second;
}

Result<void> UnitGen::run(FnNode* top) {
  function(top);
  for (std::size_t i = 0; i < order_.size() && !failed(); ++i) {
    FnNode* fn = order_[i];
    FunctionGen gen(*this, fn, false);
    image_.functions.push_back(gen.run());
    if (gen.needs_long_jumps()) image_.functions.back() = FunctionGen(*this, fn, true).run();
  }
  if (failed()) return Error{error_};
  return {};
}

Result<void> generate_unit(const CompileServices& services, const std::vector<Node*>& top,
                           UnitImage& image) {
  Node body{NodeKind::Seq};
  body.kids = top;
  if (top.empty())
    body = Node{NodeKind::Const};
  else
    body.at = top[0]->at;
  FnNode fn;
  fn.name = "";
  fn.usage = "";
  fn.body = &body;
  analyse_function(&fn);
  UnitGen unit(services, image);
  return unit.run(&fn);
}

// --- emitting --------------------------------------------------------------------------------

unsigned FunctionGen::alloc(unsigned count) {
  const unsigned first = next_;
  next_ += count;
  reserve(next_);
  return first;
}

void FunctionGen::reserve(unsigned end) {
  if (end > used_) used_ = end;
  if (end > kRegistersMax) {
    unit_.fail(fn_->at, str("The function ", fn_->name.empty() ? "(fn …)" : fn_->name,
                            " needs more than ", kRegistersMax,
                            " registers: too many variables or nested calls at once. Split it into "
                            "smaller functions."));
    next_ = next_ % 200;  // the code is thrown away
  }
}

void FunctionGen::line(const Node* n, bool written) {
  if (!reachable_ || n->at.line == 0) return;
  const LineEntry entry{pc(), n->at.line, n->at.column, written ? n->index + 1 : 0};
  if (!out_.lines.empty()) {
    const LineEntry& last = out_.lines.back();
    if (last.line == entry.line && last.column == entry.column && last.written == entry.written)
      return;
    if (last.pc == entry.pc) out_.lines.pop_back();
  }
  out_.lines.push_back(entry);
}

void FunctionGen::op_abc(Op op, unsigned a, unsigned b, unsigned c) {
  if (!reachable_) return;
  switch (op) {
    case Op::First:
      fuse(Op::JumpPair, Op::PairFirst, b, b);
      break;
    case Op::Add:
      fuse(Op::Mul, Op::MulAdd, b, c);
      fuse(Op::Add, Op::AddAdd, b, c);
      fuse(Op::Sub, Op::SubAdd, b, c);
      break;
    case Op::Sub:
      fuse(Op::Mul, Op::MulSub, b, c);
      break;
    default:
      break;
  }
  last_ = pc();
  word(enc_abc(op, a, b, c));
}

void FunctionGen::fuse(Op op, Op fused, unsigned a, unsigned b) {
  if (last_ >= pc() || last_ == fused_) return;
  std::uint32_t& w = code_[last_];
  if (ins_op(w) != static_cast<std::uint8_t>(op)) return;
  if (last_ + static_cast<std::uint32_t>(base_words(op_info(ins_op(w))->format)) != pc()) return;
  if (a < 256 && ins_a(w) != a && ins_a(w) != b) return;
  if (op == Op::JumpPair && ins_c(w) != 0) return;
  w = (w & ~0xFFu) | static_cast<std::uint32_t>(fused);
  fused_ = pc();
}

FunctionGen::LabelId FunctionGen::label() {
  labels_.emplace_back();
  return labels_.size() - 1;
}

void FunctionGen::bind(LabelId label) {
  labels_[label].target = pc();
  if (!labels_[label].uses.empty()) reachable_ = true;
}

void FunctionGen::jump(LabelId label) {
  if (!reachable_) return;
  labels_[label].uses.push_back({pc(), pc() + 1, Label::Use::E});
  word(enc_e(Op::Jump, 0));
  reachable_ = false;
}

void FunctionGen::branch(Op op, unsigned reg, LabelId target) {
  if (!reachable_) return;
  if (long_jumps_) {
    const LabelId over = label();
    if (op == Op::JumpIfSet) {  // has no opposite: set → the jump, else past it
      const LabelId taken = label();
      labels_[taken].uses.push_back({pc(), pc() + 1, Label::Use::D});
      word(enc_ad(op, reg, 0));
      jump(over);
      bind(taken);
    } else {
      labels_[over].uses.push_back({pc(), pc() + 1, Label::Use::D});
      word(enc_ad(op == Op::JumpIf ? Op::JumpIfNot : Op::JumpIf, reg, 0));
    }
    jump(target);
    bind(over);
    return;
  }
  labels_[target].uses.push_back({pc(), pc() + 1, Label::Use::D});
  word(enc_ad(op, reg, 0));
}

void FunctionGen::branch2(Op op, unsigned a, unsigned b, bool sense, LabelId target) {
  if (!reachable_) return;
  if (op == Op::JumpLt) fuse(Op::ArrayGet, Op::ArrayGetLt, a, b);
  labels_[target].uses.push_back({pc() + 1, pc() + 2, Label::Use::Word});
  op_abc(op, a, b, sense ? 1 : 0);
  word(0);
}

void FunctionGen::loop_to(std::uint32_t target) {
  if (!reachable_) return;
  fuse(Op::AddI, Op::AddILoop, 256, 256);
  fuse(Op::Move, Op::MoveLoop, 256, 256);
  fuse(Op::Rest, Op::RestLoop, 256, 256);
  word(enc_e(Op::Loop, static_cast<std::int32_t>(target) - static_cast<std::int32_t>(pc() + 1)));
  reachable_ = false;
}

void FunctionGen::move(unsigned to, unsigned from) {
  if (to != from) op_abc(Op::Move, to, from);
}

void FunctionGen::patch() {
  for (const Label& l : labels_) {
    for (const Label::Use& use : l.uses) {
      const auto offset =
          static_cast<std::int32_t>(l.target) - static_cast<std::int32_t>(use.after);
      std::uint32_t& w = code_[use.at];
      if (use.field == Label::Use::E) {
        w = (w & 0xFF) | static_cast<std::uint32_t>(offset) << 8;
      } else if (use.field == Label::Use::Word) {
        w = static_cast<std::uint32_t>(offset);
      } else {
        if (offset > 32767) needs_long_jumps_ = true;
        w = (w & 0xFFFF) | static_cast<std::uint32_t>(offset) << 16;
      }
    }
  }
  if (code_.size() > (1u << 22)) unit_.fail(fn_->at, "This function is too long. Split it.");
}

// --- functions -------------------------------------------------------------------------------

void FunctionGen::name_local(const Var* var) {
  named_.push_back({pc(), 0, static_cast<std::uint32_t>(var->reg), var->name});
}

void FunctionGen::forget_locals(unsigned from) {
  while (!named_.empty() && named_.back().place >= from) {
    LocalEntry local = std::move(named_.back());
    named_.pop_back();
    local.to = pc();
    if (local.to > local.from && !local.name.empty()) out_.locals.push_back(std::move(local));
  }
}

void FunctionGen::prologue() {
  for (Var* var : fn_->parameters()) {
    var->reg = static_cast<int>(alloc());
    name_local(var);
  }
  int budget = 300;
  if (fn_->simple() && loops(fn_->body, budget)) hoist_constants(fn_->body);
  start_ = pc();
  const auto box = [&](Var* var) {
    if (var->boxed())
      op_abc(Op::CellNew, static_cast<unsigned>(var->reg), static_cast<unsigned>(var->reg));
  };
  for (Var* var : fn_->required) box(var);
  const auto fill_in = [&](Var* var) {
    const auto reg = static_cast<unsigned>(var->reg);
    const LabelId given = label();
    branch(Op::JumpIfSet, reg, given);
    Node* fallback = nullptr;
    for (auto& [owner, node] : fn_->defaults)
      if (owner == var) fallback = node;
    if (fallback)
      gen(fallback, over(reg));
    else
      load_special(reg, 0);
    bind(given);
    box(var);
  };
  for (Var* var : fn_->optional) fill_in(var);
  for (Var* var : fn_->keys) fill_in(var);
  if (fn_->rest) box(fn_->rest);
}

FunctionImage FunctionGen::run() {
  prologue();
  if (fn_->parent) {
    gen(fn_->body, tail());
  } else {  // the unit itself: its frame stays, so that backtraces name the top-level form
    const unsigned reg = alloc();
    gen(fn_->body, into(reg));
    finish(tail(), reg);
  }
  forget_locals(0);
  for (std::size_t i = 0; i < fn_->captures.size(); ++i)
    out_.locals.push_back(
        {0, pc(), static_cast<std::uint32_t>(kCapturePlace + i), fn_->captures[i]->name});
  patch();
  out_.name = fn_->name;
  out_.usage = fn_->usage;
  out_.registers = static_cast<std::uint16_t>(used_ == 0 ? 1 : used_);
  out_.required = static_cast<std::uint16_t>(fn_->required.size());
  out_.optional = static_cast<std::uint16_t>(fn_->optional.size());
  out_.captures = static_cast<std::uint16_t>(fn_->captures.size());
  out_.rest = fn_->rest != nullptr;
  out_.component = fn_->component;
  out_.keys = fn_->key_names;
  out_.code = std::move(code_);
  return std::move(out_);
}

// --- values ----------------------------------------------------------------------------------

void FunctionGen::finish(Dest d, unsigned reg) {
  if (d.is_reg()) move(d.reg, reg);
  if (d.is_tail()) {
    op_abc(Op::Return, reg);
    reachable_ = false;
  }
}

void FunctionGen::nil_result(Dest d) {
  if (d.is_effect()) return;
  const unsigned mark = next_;
  const unsigned reg = scratch(d);
  load_special(reg, 0);
  finish(d, reg);
  next_ = mark;
}

void FunctionGen::load_constant(Node* n, unsigned reg) {
  const auto pool = [&](std::uint32_t index) {
    if (index <= 0xFFFF) {
      op_ad(Op::Const, reg, index);
    } else {
      op_abc(Op::ConstWide, reg);
      word(index);
    }
  };
  if (n->encoded) return pool(unit_.constant(n->text));
  const Value v = n->value;
  if (v.is_nil()) return load_special(reg, 0);
  if (v == Value::fals()) return load_special(reg, 1);
  if (v == Value::tru()) return load_special(reg, 2);
  if (v.is_empty_list()) return load_special(reg, 3);
  if (v.is_int() && v.as_int() >= -32768 && v.as_int() <= 32767)
    return op_ad(Op::LoadInt, reg, static_cast<unsigned>(v.as_int()) & 0xFFFF);
  pool(unit_.constant(v, n->at));
}

int FunctionGen::capture_index(const Var* var) const {
  const auto found = std::find(fn_->captures.begin(), fn_->captures.end(), var);
  return found == fn_->captures.end() ? -1 : static_cast<int>(found - fn_->captures.begin());
}

void FunctionGen::load_local(Var* var, unsigned reg) {
  if (fn_->self == var) return op_abc(Op::GetSelf, reg);
  if (var->owner == fn_) {
    if (var->boxed())
      op_abc(Op::CellGet, reg, static_cast<unsigned>(var->reg));
    else
      move(reg, static_cast<unsigned>(var->reg));
    return;
  }
  op_abc(var->boxed() ? Op::CellGetCap : Op::GetCapture, reg,
         static_cast<unsigned>(capture_index(var)));
}

bool FunctionGen::in_register(const Node* n, unsigned& reg) const {
  if (n->kind == NodeKind::Const) {
    for (const auto& [constant, place] : hoisted_)
      if (constant->encoded == n->encoded && constant->value == n->value &&
          constant->text == n->text) {
        reg = place;
        return true;
      }
  }
  if (n->kind != NodeKind::Local || n->var->owner != fn_ || n->var->boxed()) return false;
  reg = static_cast<unsigned>(n->var->reg);
  return true;
}

// Might evaluating nodes[from…] change the variable?
bool FunctionGen::may_assign(const std::vector<Node*>& nodes, std::size_t from,
                             const Var* var) const {
  if (!var || !var->assigned) return false;
  for (std::size_t i = from; i < nodes.size(); ++i)
    if (nodes[i]->kind != NodeKind::Const && nodes[i]->kind != NodeKind::Local) return true;
  return false;
}

// The register with the value of nodes[i]: the variable's own, d's if that is free, or a temporary.
unsigned FunctionGen::operand(const std::vector<Node*>& nodes, std::size_t i, Dest d) {
  unsigned reg;
  if (in_register(nodes[i], reg) && !may_assign(nodes, i + 1, nodes[i]->var)) return reg;
  reg = d.is_reg() && d.fresh ? d.reg : alloc();
  gen(nodes[i], into(reg));
  return reg;
}

// The values in consecutive registers; where they start.
unsigned FunctionGen::consecutive(const std::vector<Node*>& nodes) {
  bool in_place = !nodes.empty();
  unsigned first = 0;
  for (std::size_t i = 0; i < nodes.size() && in_place; ++i) {
    unsigned reg;
    in_place = in_register(nodes[i], reg) && (i == 0 || reg == first + i);
    if (i == 0) first = reg;
  }
  if (in_place) return first;
  first = next_;
  for (Node* n : nodes) {
    const unsigned reg = alloc();
    gen(n, into(reg));
  }
  if (nodes.empty()) reserve(first + 1);
  return first;
}

void FunctionGen::gen(Node* n, Dest d) {
  if (unit_.failed()) return;
  const unsigned mark = next_;
  switch (n->kind) {
    case NodeKind::Const:
      if (d.is_effect()) break;
      {
        const unsigned reg = scratch(d);
        load_constant(n, reg);
        finish(d, reg);
      }
      break;
    case NodeKind::Local: {
      unsigned reg;
      if (in_register(n, reg)) {
        finish(d, reg);
        break;
      }
      if (d.is_effect() && !n->var->early) break;
      reg = scratch(d);
      line(n);
      load_local(n->var, reg);
      finish(d, reg);
      break;
    }
    case NodeKind::Global: {
      const unsigned reg = scratch(d);
      line(n);
      op_ad(Op::GetGlobal, reg, unit_.global(n->global));
      finish(d, reg);
      break;
    }
    case NodeKind::SetLocal:
      gen_set(n, d);
      break;
    case NodeKind::SetGlobal:
    case NodeKind::DefGlobal: {
      const unsigned reg = operand(n->kids, 0, none());
      line(n);
      op_ad(n->kind == NodeKind::DefGlobal ? Op::DefGlobal : Op::SetGlobal, reg,
            unit_.global(n->global));
      next_ = mark;
      nil_result(d);
      break;
    }
    case NodeKind::If:
      gen_if(n, d);
      break;
    case NodeKind::And:
    case NodeKind::Or:
      gen_and_or(n, d);
      break;
    case NodeKind::Seq:
      for (std::size_t i = 0; i + 1 < n->kids.size(); ++i) gen(n->kids[i], none());
      gen(n->kids.back(), d);
      break;
    case NodeKind::Let:
      gen_let(n, d);
      break;
    case NodeKind::Letrec:
      gen_letrec(n, d);
      break;
    case NodeKind::Loop:
      gen_loop(n, d);
      break;
    case NodeKind::Recur:
      gen_recur(n);
      break;
    case NodeKind::Lambda: {
      if (d.is_effect()) break;
      const unsigned reg = scratch(d);
      gen_closure(n->fn, reg, n);
      finish(d, reg);
      break;
    }
    case NodeKind::Call:
      gen_call(n, d, false);
      break;
    case NodeKind::Apply:
      gen_call(n, d, true);
      break;
    case NodeKind::Prim:
      gen_primitive(n, d);
      break;
    case NodeKind::Dict: {
      const unsigned first = consecutive(n->kids);
      const unsigned reg = scratch(d);
      op_abc(Op::MakeDict, reg, first, static_cast<unsigned>(n->kids.size()));
      word(unit_.constant(n->text));
      finish(d, reg);
      break;
    }
    case NodeKind::Template: {
      const unsigned first = consecutive(n->kids);
      const unsigned reg = scratch(d);
      op_abc(Op::MakeTemplate, reg, first, static_cast<unsigned>(n->kids.size()));
      word(unit_.markup(n->markup));
      finish(d, reg);
      break;
    }
    case NodeKind::Guard:
      gen_guard(n, d);
      break;
    case NodeKind::Protect:
      gen_protect(n, d);
      break;
    case NodeKind::Effect:
      gen_effect(n, d);
      break;
    case NodeKind::Alt:
      gen_alt(n, d);
      break;
    case NodeKind::Fail:
      jump(fail_.back());
      break;
  }
  next_ = mark;
  if (!named_.empty()) forget_locals(mark);
}

}  // namespace sx
