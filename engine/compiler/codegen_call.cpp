// Calls, primitives with and without an instruction of their own, effects.
#include <algorithm>

#include "engine/base/str.h"
#include "engine/compiler/codegen.h"

namespace sx {

using OpShape = PrimitiveOp::Shape;

namespace {

constexpr PrimitiveOp kPrimitiveOps[] = {
    {"+", Op::Add, OpShape::Binary, 2, 200},
    {"-", Op::Sub, OpShape::Binary, 2, 200},
    {"*", Op::Mul, OpShape::Binary, 2, 200},
    {"/", Op::Div, OpShape::Binary, 2, 200},
    {"quotient", Op::Quotient, OpShape::Binary, 2, 2},
    {"remainder", Op::Remainder, OpShape::Binary, 2, 2},
    {"modulo", Op::Modulo, OpShape::Binary, 2, 2},
    {"<", Op::Lt, OpShape::Binary, 2, 2},
    {"<=", Op::Le, OpShape::Binary, 2, 2},
    {">", Op::Lt, OpShape::Swapped, 2, 2},
    {">=", Op::Le, OpShape::Swapped, 2, 2},
    {"==", Op::NumEq, OpShape::Binary, 2, 2},
    {"=", Op::Eq, OpShape::Binary, 2, 2},
    {"not", Op::Not, OpShape::Unary, 1, 1},
    {"nil?", Op::IsNil, OpShape::Unary, 1, 1},
    {"pair?", Op::IsPair, OpShape::Unary, 1, 1},
    {"empty?", Op::IsEmpty, OpShape::Unary, 1, 1},
    {"keyword?", Op::IsKeyword, OpShape::Unary, 1, 1},
    {"cons", Op::Cons, OpShape::Binary, 2, 2},
    {"car", Op::Car, OpShape::Unary, 1, 1},
    {"cdr", Op::Cdr, OpShape::Unary, 1, 1},
    {"first", Op::First, OpShape::Unary, 1, 1},
    {"rest", Op::Rest, OpShape::Unary, 1, 1},
    {"count", Op::Count, OpShape::Unary, 1, 1},
    {"list", Op::List, OpShape::Values, 0, 200},
    {"vector", Op::MakeVector, OpShape::Values, 0, 200},
    {"get", Op::Get, OpShape::Binary, 2, 2},
    {"assoc", Op::Assoc, OpShape::Update, 3, 3},
    {"%list-add", Op::ListAdd, OpShape::Update, 3, 3},
    {"nth", Op::Nth, OpShape::Binary, 2, 2},
    {"array/get", Op::ArrayGet, OpShape::Binary, 2, 2},
    {"array/set!", Op::ArraySet, OpShape::Store3, 3, 3},
    {"table/get", Op::TableGet, OpShape::Binary, 2, 2},
    {"table/get", Op::TableGetOr, OpShape::Default, 3, 3},
    {"table/put!", Op::TablePut, OpShape::Store3, 3, 3},
    {"cell/get", Op::CellRead, OpShape::Unary, 1, 1},
    {"cell/set!", Op::CellWrite, OpShape::Store2, 2, 2},
};

bool fits_i8(std::int64_t n) { return n >= -128 && n <= 127; }
bool fits_u8(const Node* n) {
  return n->is_int() && n->value.as_int() >= 0 && n->value.as_int() <= 255;
}

}  // namespace

const PrimitiveOp* find_primitive_op(std::string_view name, std::size_t args) {
  for (const PrimitiveOp& op : kPrimitiveOps)
    if (name == op.name && static_cast<int>(args) >= op.least && static_cast<int>(args) <= op.most)
      return &op;
  return nullptr;
}

// --- calls -----------------------------------------------------------------------------------

// Is the callee the function being generated, for certain and with the right number of arguments?
bool FunctionGen::calls_self(const Node* n) const {
  const Node* callee = n->kids[0];
  if (!fn_->simple() || n->kids.size() - 1 != fn_->required.size() || fn_->component) return false;
  if (callee->kind == NodeKind::Local) return fn_->self && callee->var == fn_->self;
  return callee->kind == NodeKind::Global && fn_->global == callee->global &&
         !callee->global->assigned;
}

// Does the function, whose value n is, call itself in tail position?
bool FunctionGen::loops(const Node* n, int& budget) const {
  if (--budget < 0) return false;
  switch (n->kind) {
    case NodeKind::Call:
      return calls_self(n);
    case NodeKind::If:
      return loops(n->kids[1], budget) || loops(n->kids[2], budget);
    case NodeKind::And:
    case NodeKind::Or:
    case NodeKind::Seq:
    case NodeKind::Let:
    case NodeKind::Letrec:
    case NodeKind::Loop:
      return loops(n->kids.back(), budget);
    default:
      return false;
  }
}

void FunctionGen::gen_call(Node* n, Dest d, bool apply) {
  const unsigned mark = next_;
  const bool self = !apply && calls_self(n);
  const std::vector<Node*> args(n->kids.begin() + 1, n->kids.end());
  if (self && d.is_tail()) {
    assign_all(fn_->required, args);
    line(n);
    loop_to(start_);
    next_ = mark;
    return;
  }
  Node* callee = n->kids[0];
  const bool global = !apply && !self && callee->kind == NodeKind::Global;
  const unsigned window = d.is_reg() && d.fresh && d.reg + 1 == next_ ? d.reg : alloc();
  if (!global && !self) gen(callee, into(window));
  next_ = window + kCallControl;
  reserve(next_);
  for (Node* arg : args) {
    const unsigned reg = alloc();
    gen(arg, into(reg));
  }
  line(n);
  const auto count = static_cast<unsigned>(args.size());
  if (apply) {
    op_abc(d.is_tail() ? Op::TailApply : Op::Apply, window, count);
  } else if (global) {
    op_abc(d.is_tail() ? Op::TailGlobal : Op::CallGlobal, window, count);
    word(unit_.global(callee->global));
  } else {
    op_abc(self ? Op::CallSelf : d.is_tail() ? Op::TailCall : Op::Call, window, count);
  }
  next_ = mark;
  if (d.is_tail())
    reachable_ = false;
  else
    finish(d, window);
}

// --- primitives ------------------------------------------------------------------------------

void FunctionGen::gen_primitive(Node* n, Dest d) {
  const PrimitiveInfo& info = unit_.primitive(n->index);
  const std::string_view name = info.name;
  auto& kids = n->kids;
  const unsigned mark = next_;
  if (d.is_effect() && name == "not") {
    gen(kids[0], d);
    return;
  }
  if (name == "inc" || name == "dec") {
    const unsigned a = operand(kids, 0, d);
    const unsigned reg = scratch(d);
    line(n, true);
    op_abc(Op::AddI, reg, a, name == "inc" ? 1u : 0xFFu);
    finish(d, reg);
    next_ = mark;
    return;
  }
  if (name == "-" && kids.size() == 1) {
    const unsigned a = operand(kids, 0, d);
    const unsigned reg = scratch(d);
    line(n);
    op_abc(Op::MulI, reg, a, 0xFF);
    finish(d, reg);
    next_ = mark;
    return;
  }
  if (kids.size() > 2 &&
      (name == "<" || name == "<=" || name == ">" || name == ">=" || name == "==" || name == "="))
    return gen_comparison_chain(n, d);
  const PrimitiveOp* op = find_primitive_op(name, kids.size());
  if (!op) {
    const unsigned first = consecutive(kids);
    const unsigned reg = scratch(d);
    line(n);
    op_abc(Op::CallPrim, reg, first, static_cast<unsigned>(kids.size()));
    word(n->index);
    finish(d, reg);
    next_ = mark;
    return;
  }
  switch (op->shape) {
    case OpShape::Binary:
    case OpShape::Swapped: {
      if (op->op == Op::Add || op->op == Op::Sub || op->op == Op::Mul || op->op == Op::Div)
        return gen_arithmetic(n, d, op->op);
      if (op->op == Op::Get && kids[1]->is_const() && kids[1]->value.is_keyword()) {
        const unsigned a = operand(kids, 0, d);
        const unsigned reg = scratch(d);
        line(n);
        op_abc(Op::GetKey, reg, a);
        word(unit_.constant(kids[1]->value, n->at));
        finish(d, reg);
        break;
      }
      if (op->op == Op::ArrayGet && fits_u8(kids[1])) {
        const unsigned a = operand(kids, 0, d);
        const unsigned reg = scratch(d);
        line(n);
        op_abc(Op::ArrayGetI, reg, a, static_cast<unsigned>(kids[1]->value.as_int()));
        finish(d, reg);
        break;
      }
      const unsigned a = operand(kids, 0, d);
      const unsigned b = operand(kids, 1, d.is_reg() && d.fresh && a != d.reg ? d : none());
      const unsigned reg = scratch(d);
      line(n, op->shape == OpShape::Swapped);
      if (op->shape == OpShape::Swapped)
        op_abc(op->op, reg, b, a);
      else
        op_abc(op->op, reg, a, b);
      finish(d, reg);
      break;
    }
    case OpShape::Unary: {
      const unsigned a = operand(kids, 0, d);
      const unsigned reg = scratch(d);
      line(n);
      op_abc(op->op, reg, a);
      finish(d, reg);
      break;
    }
    case OpShape::Store3:
    case OpShape::Store2: {
      const unsigned a = operand(kids, 0, none());
      if (op->op == Op::ArraySet && fits_u8(kids[1])) {
        const unsigned v = operand(kids, 2, none());
        line(n);
        op_abc(Op::ArraySetI, a, v, static_cast<unsigned>(kids[1]->value.as_int()));
        finish(d, v);
        break;
      }
      const unsigned b = operand(kids, 1, none());
      const unsigned c = op->shape == OpShape::Store3 ? operand(kids, 2, none()) : 0;
      line(n);
      op_abc(op->op, a, b, c);
      finish(d, op->shape == OpShape::Store3 ? c : b);
      break;
    }
    case OpShape::Update: {
      // The variable that the result goes to is changed where it is.
      unsigned own;
      const bool in_place = d.is_reg() && in_register(kids[0], own) && own == d.reg &&
                            !may_assign(kids, 1, kids[0]->var);
      const unsigned a = d.is_reg() && (d.fresh || in_place) ? d.reg : alloc();
      if (!in_place) gen(kids[0], into(a));
      const unsigned b = operand(kids, 1, none());
      const unsigned c = operand(kids, 2, none());
      line(n);
      op_abc(op->op, a, b, c);
      finish(d, a);
      break;
    }
    case OpShape::Default: {
      const unsigned b = operand(kids, 0, none());
      const unsigned c = operand(kids, 1, none());
      const unsigned a = d.is_reg() && d.fresh ? d.reg : alloc();
      gen(kids[2], into(a));
      line(n);
      op_abc(op->op, a, b, c);
      finish(d, a);
      break;
    }
    case OpShape::Values: {
      const unsigned first = consecutive(kids);
      const unsigned reg = scratch(d);
      line(n);
      op_abc(op->op, reg, first, static_cast<unsigned>(kids.size()));
      word(0);
      finish(d, reg);
      break;
    }
  }
  next_ = mark;
}

// n-ary + - * /, folded from the left, with small constants in the instruction.
void FunctionGen::gen_arithmetic(Node* n, Dest d, Op op) {
  auto& kids = n->kids;
  const unsigned mark = next_;
  const auto immediate = [&](const Node* kid, std::int64_t& value) {
    if (!kid->is_int()) return false;
    value = kid->value.as_int();
    // What the instruction adds is negative for minus alone (which (+ x -0) is not: -0.0 - 0 is
    // -0.0, but -0.0 + 0 is 0.0), what it multiplies by for (- x): errors name the operator.
    if (op == Op::Sub) value = -value;
    return fits_i8(value) && (op == Op::Sub ? value < 0 : op != Op::Div && value >= 0);
  };
  // All arguments are evaluated before the first two are added: what may raise or change something
  // behind them asks for registers of its own.
  const bool quiet = std::all_of(kids.begin() + 2, kids.end(), [](const Node* kid) {
    return kid->kind == NodeKind::Const || kid->kind == NodeKind::Local;
  });
  if (!quiet) {
    std::vector<unsigned> regs;
    for (std::size_t i = 0; i < kids.size(); ++i) regs.push_back(operand(kids, i, none()));
    const unsigned sum = alloc();
    for (std::size_t i = 1; i < kids.size(); ++i) {
      line(n);
      op_abc(op, sum, i == 1 ? regs[0] : sum, regs[i]);
    }
    finish(d, sum);
    next_ = mark;
    return;
  }
  std::int64_t value = 0;
  const unsigned result = d.is_reg() && (d.fresh || kids.size() == 2) ? d.reg : 256;
  const Dest hint = d.is_reg() && d.fresh ? d : none();
  unsigned left;
  std::size_t i = 1;
  const Op with_immediate = op == Op::Mul ? Op::MulI : Op::AddI;
  if (op != Op::Sub && op != Op::Div && immediate(kids[0], value) && !kids[1]->is_int()) {
    const unsigned b = operand(kids, 1, hint);
    left = result < 256 ? result : alloc();
    line(n);
    op_abc(with_immediate, left, b, static_cast<unsigned>(value));
    i = 2;
  } else {
    left = operand(kids, 0, hint);
  }
  for (; i < kids.size(); ++i) {
    if (immediate(kids[i], value)) {
      const unsigned to = result < 256 ? result : alloc();
      line(n);
      op_abc(with_immediate, to, left, static_cast<unsigned>(value));
      left = to;
      continue;
    }
    const unsigned b = operand(kids, i, hint.is_reg() && left != hint.reg ? hint : none());
    const unsigned to = result < 256 ? result : alloc();
    line(n);
    op_abc(op, to, left, b);
    left = to;
  }
  finish(d, left);
  next_ = mark;
}

// (< a b c): every operand once, then neighbours pair by pair.
void FunctionGen::gen_comparison_chain(Node* n, Dest d) {
  const unsigned mark = next_;
  const PrimitiveOp* op = find_primitive_op(unit_.primitive(n->index).name, 2);
  std::vector<unsigned> regs;
  for (std::size_t i = 0; i < n->kids.size(); ++i) regs.push_back(operand(n->kids, i, none()));
  const unsigned reg = d.is_reg() && d.fresh ? d.reg : alloc();
  const LabelId end = label();
  for (std::size_t i = 0; i + 1 < regs.size(); ++i) {
    line(n, op->shape == OpShape::Swapped);
    if (op->shape == OpShape::Swapped)
      op_abc(op->op, reg, regs[i + 1], regs[i]);
    else
      op_abc(op->op, reg, regs[i], regs[i + 1]);
    if (i + 2 < regs.size()) branch(Op::JumpIfNot, reg, end);
  }
  bind(end);
  finish(d, reg);
  next_ = mark;
}

// --- effects ---------------------------------------------------------------------------------

void FunctionGen::gen_effect(Node* n, Dest d) {
  const unsigned mark = next_;
  auto& kids = n->kids;
  switch (n->op) {
    case Op::Raise: {
      const unsigned a = operand(kids, 0, none());
      line(n);
      op_abc(Op::Raise, a);
      reachable_ = false;
      break;
    }
    case Op::SetDynamic: {
      const unsigned a = operand(kids, 0, none());
      op_abc(Op::SetDynamic, a);
      next_ = mark;
      nil_result(d);
      break;
    }
    case Op::GetDynamic:
    case Op::Backtrace: {
      const unsigned reg = scratch(d);
      op_abc(n->op, reg);
      finish(d, reg);
      break;
    }
    case Op::FiberNew:
    case Op::FiberCopy: {
      const unsigned a = operand(kids, 0, none());
      const unsigned reg = scratch(d);
      line(n);
      op_abc(n->op, reg, a);
      finish(d, reg);
      break;
    }
    case Op::Resume:
      if (d.is_tail()) {
        const unsigned a = operand(kids, 0, none());
        const unsigned b = operand(kids, 1, none());
        line(n);
        op_abc(Op::TailResume, a, b);
        reachable_ = false;
        break;
      }
      [[fallthrough]];
    default: {
      // Suspension points: the result's register lies above everything that is live.
      unsigned b = operand(kids, 0, none());
      unsigned c = 0;
      if (n->op == Op::FiberStep) {
        c = next_;
        for (std::size_t i = 1; i < 3; ++i) {
          const unsigned reg = alloc();
          gen(kids[i], into(reg));
        }
      } else if (kids.size() > 1) {
        c = operand(kids, 1, none());
      }
      const unsigned window = d.is_reg() && d.fresh && d.reg + 1 == next_ ? d.reg : alloc();
      reserve(window + kCallControl);
      line(n);
      op_abc(n->op, window, b, c);
      finish(d, window);
      break;
    }
  }
  next_ = mark;
}

}  // namespace sx
