// Follows the register types along every path. Code is visited in order, again and again until the
// states at joins no longer change: jumps go forward, so one pass settles everything but the heads
// of loops.
#include "engine/bytecode/verify_flow.h"

#include "engine/base/str.h"

namespace sx {
namespace {

RegisterType join(RegisterType x, RegisterType y) {
  if (x == y) return x;
  return x == kUndefined || y == kUndefined ? kUndefined : kAnyValue;
}

class Flow {
 public:
  Flow(const UnitImage& unit, std::uint32_t index, const std::vector<Instruction>& code,
       const VerifyLimits& limits, CaptureFacts& facts, FlowProbe* probe)
      : unit_(unit),
        index_(index),
        function_(unit.functions[index]),
        code_(code),
        limits_(limits),
        facts_(facts),
        probe_(probe),
        registers_(function_.registers) {}

  Result<void> run() {
    SX_CHECK(place_joins());
    do {
      changed_ = false;
      facts_.flows.resize(flows_before_);
      SX_CHECK(pass());
      if (work_ > limits_.work_max) return too_many_paths();
    } while (changed_);
    return {};
  }

 private:
  Error error(const Instruction& at, const std::string& what) const {
    return verify_error(unit_, index_, &at, what);
  }

  Error too_many_paths() const {
    return verify_error(unit_, index_, nullptr, "has too many paths to be verified");
  }

  // Words where several paths may meet: jump targets, and handler targets.
  Result<void> place_joins() {
    flows_before_ = facts_.flows.size();
    join_at_.assign(function_.code.size(), kNoJoin);
    for (const Instruction& ins : code_)
      if (ins.is_jump()) SX_CHECK(add_join(static_cast<std::size_t>(ins.target())));
    for (const HandlerEntry& h : function_.handlers) SX_CHECK(add_join(h.target));
    return {};
  }
  Result<void> add_join(std::size_t pc) {
    if (join_at_[pc] != kNoJoin) return {};
    join_at_[pc] = static_cast<std::uint32_t>(reached_.size());
    reached_.push_back(false);
    if ((states_.size() + registers_) * sizeof(RegisterType) > limits_.state_bytes_max)
      return verify_error(unit_, index_, nullptr, "has more jump targets than can be verified");
    states_.resize(states_.size() + registers_);
    return {};
  }

  // The current state also reaches pc.
  Result<void> flow_to(std::size_t pc, unsigned below = 256) {
    const std::uint32_t j = join_at_[pc];
    RegisterType* state = states_.data() + std::size_t{j} * registers_;
    work_ += registers_ + 1;
    if (work_ > limits_.work_max) return too_many_paths();
    if (!reached_[j]) {
      reached_[j] = true;
      changed_ = true;
      for (unsigned r = 0; r < registers_; ++r) state[r] = r < below ? now_[r] : kUndefined;
      return {};
    }
    for (unsigned r = 0; r < registers_; ++r) {
      const RegisterType merged = join(state[r], r < below ? now_[r] : kUndefined);
      if (merged != state[r]) {
        state[r] = merged;
        changed_ = true;
      }
    }
    return {};
  }

  Result<void> pass() {
    now_.assign(registers_, kUndefined);
    const unsigned parameters = function_.required + function_.optional +
                                static_cast<unsigned>(function_.keys.size()) +
                                (function_.rest ? 1u : 0u);
    for (unsigned r = 0; r < parameters; ++r) now_[r] = kAnyValue;
    bool live = true;
    if (probe_ && probe_->pc == 0) look();
    for (const Instruction& ins : code_) {
      if (const std::uint32_t j = join_at_[ins.pc]; j != kNoJoin) {
        if (live) SX_CHECK(flow_to(ins.pc));
        live = reached_[j];
        const RegisterType* state = states_.data() + std::size_t{j} * registers_;
        now_.assign(state, state + registers_);
      }
      if (!live) continue;  // nothing leads here: it cannot run
      SX_CHECK(step(ins));
      if (probe_ && ins.end() == probe_->pc) look();
      if (ins.is_jump()) SX_CHECK(flow_to(static_cast<std::size_t>(ins.target())));
      live = !ins.ends_block();
    }
    return {};
  }

  // The last pass over the code, with settled states, has the last word.
  void look() {
    probe_->reached = true;
    probe_->types = now_;
  }

  Result<void> step(const Instruction& ins) {
    SX_CHECK(check_reads(ins));
    work_ += function_.handlers.size() + 1;
    // An error may leave from here. What a call has above its window, and the window, is lost.
    // An error may also come when the result is there already: the instruction used up a limit.
    const bool window = ins.is_call() || ins.is_suspension();
    const RegisterType result = result_type(ins);
    const RegisterType overwritten = ins.writes_a() ? now_[ins.a()] : kUndefined;
    if (ins.writes_a() && !window) now_[ins.a()] = join(overwritten, result);
    for (const HandlerEntry& h : function_.handlers) {
      if (ins.pc < h.from || ins.pc >= h.to) continue;
      const RegisterType before = now_[h.reg];
      now_[h.reg] = kAnyValue;  // the error
      // Not lost although it may lie above the window: it is written by the unwinding.
      const Result<void> flowed = flow_to_handler(h, window ? ins.a() : 256u);
      now_[h.reg] = before;
      SX_CHECK(flowed);
    }
    if (window)
      for (unsigned r = ins.a() + 1u; r < registers_; ++r) now_[r] = kUndefined;
    if (ins.writes_a()) now_[ins.a()] = result;
    return {};
  }

  Result<void> flow_to_handler(const HandlerEntry& h, unsigned below) {
    if (h.reg < below) return flow_to(h.target, below);
    saved_.assign(now_.begin(), now_.end());
    for (unsigned r = below; r < registers_; ++r) now_[r] = kUndefined;
    now_[h.reg] = kAnyValue;
    Result<void> flowed = flow_to(h.target);
    now_.swap(saved_);
    return flowed;
  }

  Result<void> check_reads(const Instruction& ins) {
    int undefined = -1;
    ins.each_read([&](unsigned r) {
      if (now_[r] == kUndefined && undefined < 0) undefined = static_cast<int>(r);
    });
    if (undefined >= 0)
      return error(ins, str("reads r", undefined, " before it is written on every path"));
    switch (ins.op) {
      case Op::CellGet:
        return need_cell(ins, ins.b());
      case Op::CellSet:
        return need_cell(ins, ins.a());
      case Op::CellGetCap:
      case Op::CellSetCap:
        facts_.must_be_cell[index_][ins.b()] = true;
        return {};
      case Op::MakeClosure:
        return check_closure(ins);
      case Op::PatchClosure: {
        const RegisterType closure = now_[ins.a()];
        if (closure < kClosureOf || closure >= kCaptureAt)
          return error(ins, str("r", unsigned{ins.a()}, " does not hold a closure made here"));
        const std::uint32_t target = closure - kClosureOf;
        if (ins.c() >= unit_.functions[target].captures)
          return error(ins, str("capture ", unsigned{ins.c()}, " of a function with ",
                                unit_.functions[target].captures));
        facts_.flows.push_back({index_, ins.pc, target, ins.c(), now_[ins.b()]});
        return {};
      }
      default:
        return {};
    }
  }

  Result<void> need_cell(const Instruction& ins, unsigned r) {
    const RegisterType type = now_[r];
    if (type == kCellValue) return {};
    if (type < kCaptureAt) return error(ins, str("r", r, " does not hold a cell on every path"));
    facts_.must_be_cell[index_][type - kCaptureAt] = true;
    return {};
  }

  Result<void> check_closure(const Instruction& ins) {
    const std::uint16_t captures = unit_.functions[ins.d()].captures;
    for (std::uint16_t i = 0; i < captures; ++i) {
      const std::uint32_t pair = function_.code[ins.pc + 1 + i / 2];
      const std::uint32_t spec = i % 2 != 0 ? pair >> 16 : pair & 0xFFFF;
      RegisterType type;
      if ((spec & 0x8000) != 0) {
        type = kCaptureAt + (spec & 0x7FFF);
      } else {
        type = now_[spec];
        if (type == kUndefined)
          return error(ins, str("captures r", spec, " before it is written on every path"));
      }
      facts_.flows.push_back({index_, ins.pc, ins.d(), i, type});
    }
    return {};
  }

  RegisterType result_type(const Instruction& ins) const {
    switch (ins.op) {
      case Op::Move:
        return now_[ins.b()];
      case Op::CellNew:
        return kCellValue;
      case Op::MakeClosure:
        return kClosureOf + ins.d();
      case Op::GetCapture:
        return kCaptureAt + ins.b();
      default:
        return kAnyValue;
    }
  }

  static constexpr std::uint32_t kNoJoin = UINT32_MAX;
  const UnitImage& unit_;
  const std::uint32_t index_;
  const FunctionImage& function_;
  const std::vector<Instruction>& code_;
  const VerifyLimits& limits_;
  CaptureFacts& facts_;
  FlowProbe* const probe_;
  const unsigned registers_;
  std::vector<std::uint32_t> join_at_;  // by pc: which join
  std::vector<bool> reached_;           // by join
  std::vector<RegisterType> states_;    // by join and register
  std::vector<RegisterType> now_, saved_;
  std::size_t flows_before_ = 0;
  std::uint64_t work_ = 0;
  bool changed_ = false;
};

}  // namespace

Result<void> verify_flow(const UnitImage& unit, std::uint32_t function,
                         const std::vector<Instruction>& instructions, const VerifyLimits& limits,
                         CaptureFacts& facts, FlowProbe* probe) {
  return Flow(unit, function, instructions, limits, facts, probe).run();
}

Result<void> verify_captures(const UnitImage& unit, CaptureFacts& facts) {
  // A capture that is handed on to a slot that must be a cell must be one itself. Inner functions
  // come after outer ones, so backwards one pass does nearly all.
  constexpr int kPassesMax = 1000;
  bool changed = true;
  for (int passes = 0; changed; ++passes) {
    if (passes > kPassesMax)
      return Error{str(unit.file, ": captures are handed on in too long a chain")};
    changed = false;
    for (auto at = facts.flows.rbegin(); at != facts.flows.rend(); ++at) {
      const CaptureFlow& flow = *at;
      if (flow.type < kCaptureAt || !facts.must_be_cell[flow.target][flow.slot]) continue;
      std::vector<bool>& own = facts.must_be_cell[flow.function];
      if (own[flow.type - kCaptureAt]) continue;
      own[flow.type - kCaptureAt] = true;
      changed = true;
    }
  }
  for (const CaptureFlow& flow : facts.flows) {
    if (!facts.must_be_cell[flow.target][flow.slot]) continue;
    if (flow.type == kCellValue || flow.type >= kCaptureAt) continue;
    Instruction at;
    at.pc = flow.pc;
    at.first = unit.functions[flow.function].code[flow.pc];
    at.op = static_cast<Op>(ins_op(at.first));
    return verify_error(unit, flow.function, &at,
                        str("capture ", flow.slot, " of function ", flow.target,
                            " is used as a cell there, but is given something else"));
  }
  return {};
}

}  // namespace sx
