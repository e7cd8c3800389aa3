// The code generator: core nodes → registers and instructions.
//
// Registers are a stack: parameters, then the variables in scope, then temporaries; next_ is the
// first free one. A value is generated for a destination: nowhere, a register, or the caller.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/compiler/ast.h"
#include "engine/compiler/compiler.h"

namespace sx {

// Owners, captures and self references of a function and those within it.
void analyse_function(FnNode* fn);

// The image's tables while its functions are generated.
class UnitGen {
 public:
  UnitGen(const CompileServices& services, UnitImage& image) : services_(services), image_(image) {}

  Result<void> run(FnNode* top);

  std::uint32_t constant(const std::string& encoded);
  std::uint32_t constant(Value immediate, Position at);
  std::uint32_t global(const GlobalName* name);
  std::uint32_t function(FnNode* fn);
  std::uint32_t markup(TemplateImage* markup);
  const PrimitiveInfo& primitive(std::uint32_t index) const { return services_.primitives[index]; }
  void fail(Position at, const std::string& message);
  bool failed() const { return !error_.empty(); }

 private:
  const CompileServices& services_;
  UnitImage& image_;
  std::unordered_map<std::string, std::uint32_t> constants_;
  std::unordered_map<const GlobalName*, std::uint32_t> globals_;
  std::unordered_map<FnNode*, std::uint32_t> functions_;
  std::vector<FnNode*> order_;
  std::unordered_map<TemplateImage*, std::uint32_t> templates_;
  std::string error_;
};

// How a primitive that has an instruction maps to it.
struct PrimitiveOp {
  enum class Shape : std::uint8_t {
    Binary,   // r[a] := op r[b] r[c]
    Swapped,  // the same with the operands swapped (> and >=)
    Unary,    // r[a] := op r[b]
    Store3,   // op r[a] r[b] r[c]; its value is the third
    Store2,   // op r[a] r[b]; its value is the second
    Update,   // r[a] := op r[a] r[b] r[c] (assoc)
    Default,  // r[a] := op r[b] r[c], or r[a], the third
    Values,   // r[a] := of c values from r[b] (list, vector)
  };
  const char* name;
  Op op;
  Shape shape;
  int least, most;
};
const PrimitiveOp* find_primitive_op(std::string_view name, std::size_t args);

class FunctionGen {
 public:
  FunctionGen(UnitGen& unit, FnNode* fn, bool long_jumps)
      : unit_(unit), fn_(fn), long_jumps_(long_jumps) {}

  FunctionImage run();
  bool needs_long_jumps() const { return needs_long_jumps_; }

 private:
  struct Dest {
    enum class Kind : std::uint8_t { Effect, Reg, Tail };
    Kind kind = Kind::Effect;
    unsigned reg = 0;
    bool fresh = false;  // reg holds nothing yet: it may be used before the value is complete
    bool is_reg() const { return kind == Kind::Reg; }
    bool is_tail() const { return kind == Kind::Tail; }
    bool is_effect() const { return kind == Kind::Effect; }
  };
  static Dest none() { return {}; }
  static Dest into(unsigned reg) { return {Dest::Kind::Reg, reg, true}; }
  static Dest over(unsigned reg) { return {Dest::Kind::Reg, reg, false}; }
  static Dest tail() { return {Dest::Kind::Tail, 0, false}; }

  struct Label {
    struct Use {
      std::uint32_t at, after;
      enum : std::uint8_t { E, D, Word } field;
    };
    std::uint32_t target = UINT32_MAX;
    std::vector<Use> uses;
  };
  using LabelId = std::size_t;

  // --- emitting (codegen.cpp) ---
  unsigned alloc(unsigned count = 1);
  void reserve(unsigned end);  // registers below end are in use by an instruction
  void word(std::uint32_t w) {
    if (reachable_) code_.push_back(w);
  }
  void op_abc(Op op, unsigned a = 0, unsigned b = 0, unsigned c = 0);
  void op_ad(Op op, unsigned a, unsigned d) { word(enc_ad(op, a, d)); }
  // The instruction just emitted, if it is `op` and r[a] is a or b: it becomes `fused`, which also
  // does the work of the one that comes next.
  void fuse(Op op, Op fused, unsigned a, unsigned b);
  std::uint32_t pc() const { return static_cast<std::uint32_t>(code_.size()); }
  // The code from here on belongs to n. written: the instruction has another name than the
  // primitive n, or takes its operands the other way around; errors name the primitive.
  void line(const Node* n, bool written = false);
  LabelId label();
  void bind(LabelId label);
  void jump(LabelId label);
  void branch(Op op, unsigned reg, LabelId label);  // JumpIf, JumpIfNot, JumpIfSet
  void branch2(Op op, unsigned a, unsigned b, bool sense, LabelId label);
  void loop_to(std::uint32_t target);
  void move(unsigned to, unsigned from);
  void patch();

  // --- values (codegen.cpp) ---
  void gen(Node* n, Dest d);
  void finish(Dest d, unsigned reg);
  unsigned scratch(Dest d) { return d.is_reg() ? d.reg : alloc(); }
  void load_constant(Node* n, unsigned reg);
  void load_special(unsigned reg, unsigned what) { op_abc(Op::LoadSpecial, reg, what); }
  void nil_result(Dest d);
  bool in_register(const Node* n, unsigned& reg) const;
  bool may_assign(const std::vector<Node*>& nodes, std::size_t from, const Var* var) const;
  unsigned operand(const std::vector<Node*>& nodes, std::size_t i, Dest d);
  unsigned consecutive(const std::vector<Node*>& nodes);
  void load_local(Var* var, unsigned reg);
  void name_local(const Var* var);    // from here on its register has its name
  void forget_locals(unsigned from);  // registers from here on are free again
  void prologue();

  // --- binding and control (codegen_control.cpp) ---
  void gen_let(Node* n, Dest d);
  void bind_let(Node* n);
  void gen_letrec(Node* n, Dest d);
  void bind_letrec(Node* n);
  void gen_loop(Node* n, Dest d);
  std::size_t hoist_constants(const Node* n);
  void find_constants(const Node* n, int operand, int& budget, std::vector<Node*>& out) const;
  void gen_recur(Node* n);
  void assign_all(const std::vector<Var*>& vars, const std::vector<Node*>& values);
  void gen_if(Node* n, Dest d);
  void gen_and_or(Node* n, Dest d);
  void gen_alt(Node* n, Dest d);
  void gen_guard(Node* n, Dest d);
  void gen_protect(Node* n, Dest d);
  void gen_closure(FnNode* fn, unsigned reg, Node* at);
  void gen_set(Node* n, Dest d);
  int capture_index(const Var* var) const;
  bool reads(const Node* n, unsigned reg, int& budget) const;
  bool is_simple(const Node* n, int& budget) const;

  // --- tests (codegen_branch.cpp) ---
  void test(Node* n, bool sense, LabelId label);
  bool test_primitive(Node* n, bool sense, LabelId label);
  bool is_boolean(const Node* n) const;

  // --- calls (codegen_call.cpp) ---
  void gen_call(Node* n, Dest d, bool apply);
  bool calls_self(const Node* n) const;
  bool loops(const Node* n, int& budget) const;
  void gen_primitive(Node* n, Dest d);
  void gen_arithmetic(Node* n, Dest d, Op op);
  void gen_comparison_chain(Node* n, Dest d);
  void gen_effect(Node* n, Dest d);

  UnitGen& unit_;
  FnNode* fn_;
  bool long_jumps_;
  bool needs_long_jumps_ = false;
  FunctionImage out_;
  std::vector<std::uint32_t> code_;
  std::vector<Label> labels_;
  unsigned next_ = 0, used_ = 0;
  bool reachable_ = true;
  std::uint32_t last_ = 0;            // the last instruction of one word, or PairFirst
  std::uint32_t fused_ = UINT32_MAX;  // the instruction behind the last fused one
  std::uint32_t start_ = 0;           // where a call of itself in tail position goes on
  std::vector<LabelId> fail_;
  std::vector<LocalEntry> named_;  // variables in scope
  // Constants that the loops around keep in registers, and those registers.
  std::vector<std::pair<const Node*, unsigned>> hoisted_;
  std::vector<Var*> undefined_;  // of the letrec being made: closures that do not exist yet
};

}  // namespace sx
