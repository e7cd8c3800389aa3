// Tests: a condition becomes a jump, without a boolean in between.
#include "engine/compiler/codegen.h"

namespace sx {

namespace {

struct Comparison {
  std::string_view name;
  Op jump;       // of registers
  bool swapped;  // (> a b) is (< b a)
  Op immediate;  // register against a small constant; Trap: none
  Op flipped;    // constant against register
};
constexpr Comparison kComparisons[] = {
    {"<", Op::JumpLt, false, Op::JumpLtI, Op::JumpGtI},
    {"<=", Op::JumpLe, false, Op::JumpLeI, Op::JumpGeI},
    {">", Op::JumpLt, true, Op::JumpGtI, Op::JumpLtI},
    {">=", Op::JumpLe, true, Op::JumpGeI, Op::JumpLeI},
    {"==", Op::JumpNumEq, false, Op::Trap, Op::Trap},
    {"=", Op::JumpEq, false, Op::JumpEqI, Op::JumpEqI},
    {"identical?", Op::JumpIs, false, Op::Trap, Op::Trap},
};

bool fits_i8(const Node* n) {
  return n->is_int() && n->value.as_int() >= -128 && n->value.as_int() <= 127;
}

// Equal to it means being the same word.
bool is_word(const Node* n) {
  return n->is_const() && (n->value.is_bool() || n->value.is_keyword() || n->value.is_char() ||
                           n->value.is_empty_list());
}

}  // namespace

// Is the value of n true or false, and better computed by a jump?
bool FunctionGen::is_boolean(const Node* n) const {
  if (n->kind == NodeKind::And || n->kind == NodeKind::Or) {
    for (const Node* kid : n->kids)
      if (!is_boolean(kid)) return false;
    return true;
  }
  if (n->kind != NodeKind::Prim) return false;
  const std::string_view name = unit_.primitive(n->index).name;
  for (std::string_view unary : {"not", "nil?", "pair?", "empty?", "pos?", "neg?", "zero?"})
    if (name == unary) return true;
  if (n->kids.size() != 2) return false;
  for (const Comparison& c : kComparisons)
    if (name == c.name) return true;
  return name == "not=";
}

// Jumps to target if n is true (sense) or false (not sense); goes on otherwise.
void FunctionGen::test(Node* n, bool sense, LabelId target) {
  if (unit_.failed() || !reachable_) return;
  const unsigned mark = next_;
  switch (n->kind) {
    case NodeKind::Const:
      if ((n->encoded || n->value.truthy()) == sense) jump(target);
      break;
    case NodeKind::And:
    case NodeKind::Or: {
      const bool stops = n->kind == NodeKind::Or;  // the truth that decides at once
      if (stops == sense) {
        for (Node* kid : n->kids) test(kid, sense, target);
        break;
      }
      const LabelId past = label();
      for (std::size_t i = 0; i + 1 < n->kids.size(); ++i) test(n->kids[i], stops, past);
      test(n->kids.back(), sense, target);
      bind(past);
      break;
    }
    case NodeKind::If: {
      if (n->kids[2]->kind == NodeKind::Fail) {
        test(n->kids[0], false, fail_.back());
        test(n->kids[1], sense, target);
        break;
      }
      const LabelId no = label(), end = label();
      test(n->kids[0], false, no);
      test(n->kids[1], sense, target);
      jump(end);
      bind(no);
      test(n->kids[2], sense, target);
      bind(end);
      break;
    }
    case NodeKind::Seq:
      for (std::size_t i = 0; i + 1 < n->kids.size(); ++i) gen(n->kids[i], none());
      test(n->kids.back(), sense, target);
      break;
    case NodeKind::Let:
      bind_let(n);
      test(n->kids.back(), sense, target);
      break;
    case NodeKind::Letrec:
      bind_letrec(n);
      test(n->kids.back(), sense, target);
      break;
    case NodeKind::Alt: {
      const LabelId end = label();
      for (Node* kid : n->kids) {
        const LabelId next = label();
        fail_.push_back(next);
        test(kid, sense, target);
        fail_.pop_back();
        jump(end);
        bind(next);
      }
      bind(end);
      break;
    }
    case NodeKind::Fail:
      jump(fail_.back());
      break;
    default: {
      if (n->kind == NodeKind::Prim && test_primitive(n, sense, target)) break;
      std::vector<Node*> one{n};
      const unsigned reg = operand(one, 0, none());
      branch(sense ? Op::JumpIf : Op::JumpIfNot, reg, target);
    }
  }
  next_ = mark;
}

bool FunctionGen::test_primitive(Node* n, bool sense, LabelId target) {
  const std::string_view name = unit_.primitive(n->index).name;
  auto& kids = n->kids;
  if (kids.size() == 1) {
    if (name == "not") {
      test(kids[0], !sense, target);
      return true;
    }
    Op op = Op::Trap;
    unsigned immediate = 0;
    if (name == "nil?")
      op = Op::JumpNil;
    else if (name == "pair?")
      op = Op::JumpPair;
    else if (name == "empty?")
      op = Op::JumpEmpty;
    else if (name == "pos?")
      op = Op::JumpGtI;
    else if (name == "neg?")
      op = Op::JumpLtI;
    else if (name == "zero?") {
      const unsigned a = operand(kids, 0, none());
      const unsigned zero = alloc();
      op_ad(Op::LoadInt, zero, 0);
      line(n, true);
      branch2(Op::JumpNumEq, a, zero, sense, target);
      return true;
    }
    if (op == Op::Trap) return false;
    const unsigned a = operand(kids, 0, none());
    line(n, op == Op::JumpGtI || op == Op::JumpLtI);
    branch2(op, a, immediate, sense, target);
    return true;
  }
  if (kids.size() != 2) return false;
  if (name == "not=") {
    for (const Comparison& c : kComparisons)
      if (c.name == "=") {
        const unsigned a = operand(kids, 0, none());
        const unsigned b = operand(kids, 1, none());
        branch2(c.jump, a, b, !sense, target);
      }
    return true;
  }
  for (const Comparison& c : kComparisons) {
    if (name != c.name) continue;
    const bool equality = name == "=" || name == "identical?";
    if (equality && (kids[0]->is_const() || kids[1]->is_const())) {
      const std::size_t constant = kids[1]->is_const() ? 1 : 0;
      if (kids[constant]->value.is_nil()) {
        branch2(Op::JumpNil, operand(kids, 1 - constant, none()), 0, sense, target);
        return true;
      }
      if (is_word(kids[constant])) {
        const unsigned a = operand(kids, 1 - constant, none());
        const unsigned b = alloc();
        load_constant(kids[constant], b);
        branch2(Op::JumpIs, a, b, sense, target);
        return true;
      }
    }
    if (c.immediate != Op::Trap && fits_i8(kids[1])) {
      const unsigned a = operand(kids, 0, none());
      line(n);
      branch2(c.immediate, a, static_cast<unsigned>(kids[1]->value.as_int()), sense, target);
      return true;
    }
    if (c.flipped != Op::Trap && fits_i8(kids[0])) {
      const unsigned b = operand(kids, 1, none());
      line(n, true);
      branch2(c.flipped, b, static_cast<unsigned>(kids[0]->value.as_int()), sense, target);
      return true;
    }
    const unsigned a = operand(kids, 0, none());
    const unsigned b = operand(kids, 1, none());
    line(n, c.swapped);
    branch2(c.jump, c.swapped ? b : a, c.swapped ? a : b, sense, target);
    return true;
  }
  return false;
}

}  // namespace sx
