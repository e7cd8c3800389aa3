// Types come from the verifier's own dataflow, looked at in one point; liveness is the usual
// backward analysis over whole functions, with an edge from every instruction to the handlers
// around it.
#include "engine/bytecode/verify_frame.h"

#include "engine/base/str.h"

namespace sx {

Instruction instruction_at(const UnitImage& unit, const FunctionImage& function, std::uint32_t pc) {
  Instruction ins;
  ins.pc = pc;
  ins.first = function.code[pc];
  ins.op = static_cast<Op>(ins_op(ins.first));
  ins.format = op_info(ins_op(ins.first))->format;
  ins.words = static_cast<std::uint32_t>(base_words(ins.format));
  if (ins.words == 2) ins.second = function.code[pc + 1];
  if (ins.format == Format::WF) ins.words += (unit.functions[ins.d()].captures + 1u) / 2;
  return ins;
}

namespace {

using Registers = std::bitset<256>;

std::vector<Instruction> decode(const UnitImage& unit, const FunctionImage& function) {
  std::vector<Instruction> code;
  for (std::uint32_t pc = 0; pc < function.code.size(); pc = code.back().end())
    code.push_back(instruction_at(unit, function, pc));
  return code;
}

class Liveness {
 public:
  Liveness(const UnitImage& unit, const FunctionImage& function,
           const std::vector<Instruction>& code)
      : unit_(unit), function_(function), in_(function.code.size() + 1) {
    bool changed = true;
    while (changed) {
      changed = false;
      for (auto at = code.rbegin(); at != code.rend(); ++at) {
        const Registers before = before_instruction(*at);
        if (before == in_[at->pc]) continue;
        in_[at->pc] = before;
        changed = true;
      }
    }
  }

  // What is read from pc on.
  const Registers& at(std::size_t pc) const { return in_[pc]; }
  // What handlers read when an error leaves an instruction at pc.
  Registers in_handlers(std::uint32_t pc) const {
    Registers live;
    for (const HandlerEntry& h : function_.handlers) {
      if (pc < h.from || pc >= h.to) continue;
      Registers handler = in_[h.target];
      handler.reset(h.reg);
      live |= handler;
    }
    return live;
  }

 private:
  Registers before_instruction(const Instruction& ins) const {
    Registers live;
    if (!ins.ends_block()) live = in_[ins.end()];
    if (ins.is_jump()) live |= in_[static_cast<std::size_t>(ins.target())];
    if (ins.writes_a()) live.reset(ins.a());
    ins.each_read([&](unsigned r) { live.set(r & 0xFF); });
    if (ins.op == Op::MakeClosure) {
      const std::uint16_t captures = unit_.functions[ins.d()].captures;
      for (std::uint32_t i = 0; i < captures; ++i) {
        const std::uint32_t pair = function_.code[ins.pc + 1 + i / 2];
        const std::uint32_t spec = i % 2 != 0 ? pair >> 16 : pair & 0xFFFF;
        if ((spec & 0x8000) == 0) live.set(spec & 0xFF);
      }
    }
    return live | in_handlers(ins.pc);
  }

  const UnitImage& unit_;
  const FunctionImage& function_;
  std::vector<Registers> in_;  // by pc
};

}  // namespace

Result<CodePoint> code_point(const UnitImage& unit, std::uint32_t index, std::uint32_t pc) {
  const FunctionImage& function = unit.functions[index];
  const auto impossible = [&] {
    return verify_error(unit, index, nullptr, str("does not stand still at pc ", pc));
  };
  const std::vector<Instruction> code = decode(unit, function);
  const Instruction* before = nullptr;
  for (const Instruction& ins : code)
    if (ins.end() == pc) before = &ins;
  if (pc != 0 && !before) return impossible();

  CodePoint point;
  FlowProbe probe;
  probe.pc = pc;
  CaptureFacts facts;
  for (const FunctionImage& f : unit.functions) facts.must_be_cell.emplace_back(f.captures);
  SX_CHECK(verify_flow(unit, index, code, {}, facts, &probe));
  if (!probe.reached) return impossible();
  point.types = std::move(probe.types);

  const Liveness liveness(unit, function, code);
  if (!before) {
    point.live = liveness.at(0);
    return point;
  }
  if (before->op == Op::Loop) {
    point.back_edge = true;
    point.live = liveness.at(static_cast<std::size_t>(before->target()));
  } else {
    if (before->ends_block() || pc >= function.code.size()) return impossible();
    point.live = liveness.at(pc);
  }
  point.live |= liveness.in_handlers(before->pc);
  if (before->is_call() || before->is_suspension()) point.awaits = before->a();
  return point;
}

Result<CaptureFacts> capture_facts(const UnitImage& unit) {
  CaptureFacts facts;
  for (const FunctionImage& f : unit.functions) facts.must_be_cell.emplace_back(f.captures);
  for (std::uint32_t i = 0; i < unit.functions.size(); ++i)
    SX_CHECK(verify_flow(unit, i, decode(unit, unit.functions[i]), {}, facts));
  SX_CHECK(verify_captures(unit, facts));
  return facts;
}

}  // namespace sx
