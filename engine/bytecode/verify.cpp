// The structural half of the verifier: instructions, operands, jumps, handlers, tables. The paths
// are followed in verify_flow.cpp.
#include "engine/bytecode/verify.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "engine/base/str.h"
#include "engine/bytecode/constant.h"
#include "engine/bytecode/verify_flow.h"
#include "engine/value/shape.h"

namespace sx {
namespace {

constexpr std::uint32_t kDictKeysMax = kShapeKeysMax;
constexpr std::uint32_t kCapturesMax = 256;  // instructions name a capture by one byte

class FunctionVerifier {
 public:
  FunctionVerifier(const UnitImage& unit, std::uint32_t index, const Tables& tables,
                   const VerifyLimits& limits)
      : unit_(unit),
        index_(index),
        function_(unit.functions[index]),
        tables_(tables),
        limits_(limits) {}

  Result<void> run(CaptureFacts& facts) {
    SX_CHECK(check_frame());
    SX_CHECK(decode());
    for (const Instruction& ins : code_) SX_CHECK(check_instruction(ins));
    SX_CHECK(check_fused());
    if (!code_.back().ends_block()) return error(&code_.back(), "the code can run off its end");
    SX_CHECK(check_handlers());
    SX_CHECK(check_lines());
    return verify_flow(unit_, index_, code_, limits_, facts);
  }

 private:
  Error error(const Instruction* at, const std::string& what) const {
    return verify_error(unit_, index_, at, what);
  }

  Result<void> check_frame() {
    const std::size_t parameters = std::size_t{function_.required} + function_.optional +
                                   function_.keys.size() + (function_.rest ? 1 : 0);
    if (function_.registers > kRegistersMax)
      return error(nullptr, str("has ", function_.registers, " registers, at most ", kRegistersMax,
                                " are possible"));
    if (parameters > function_.registers)
      return error(nullptr,
                   str("has ", parameters, " parameters in ", function_.registers, " registers"));
    if (function_.captures > kCapturesMax)
      return error(nullptr, str("has ", function_.captures, " captures, at most ", kCapturesMax,
                                " are possible"));
    if (index_ == 0 && (parameters > 0 || function_.captures > 0 || function_.component))
      return error(nullptr, "runs the top-level forms, so it takes no parameters and captures");
    if (function_.code.empty()) return error(nullptr, "has no code");
    if (function_.code.size() > limits_.code_words_max)
      return error(nullptr, str("has ", function_.code.size(), " words of code, at most ",
                                limits_.code_words_max, " are accepted"));
    std::unordered_set<std::string_view> keys;
    for (const std::string& key : function_.keys)
      if (!keys.insert(key).second)
        return error(nullptr, str("has the key parameter ", key, " twice"));
    return {};
  }

  Result<void> decode() {
    const auto& words = function_.code;
    starts_.assign(words.size(), false);
    for (std::uint32_t pc = 0; pc < words.size();) {
      Instruction ins;
      ins.pc = pc;
      ins.first = words[pc];
      const OpInfo* info = op_info(ins_op(ins.first));
      ins.op = static_cast<Op>(ins_op(ins.first));
      if (info == nullptr || ins.op == Op::Trap)
        return error(nullptr, str("has no valid instruction at pc ", pc, " (code ",
                                  unsigned{ins_op(ins.first)}, ")"));
      ins.format = info->format;
      ins.words = static_cast<std::uint32_t>(base_words(ins.format));
      if (ins.format == Format::WF) {
        if (ins.d() >= unit_.functions.size()) return out_of(ins, "function", ins.d(), functions());
        ins.words += (unit_.functions[ins.d()].captures + 1u) / 2;
      }
      if (ins.words > words.size() - pc) return error(&ins, "is cut off by the end of the code");
      if (base_words(ins.format) == 2) ins.second = words[pc + 1];
      starts_[pc] = true;
      code_.push_back(ins);
      pc = ins.end();
    }
    return {};
  }

  std::size_t functions() const { return unit_.functions.size(); }

  Error out_of(const Instruction& ins, const char* what, std::size_t index,
               std::size_t count) const {
    return error(&ins, str("names ", what, " ", index, ", there are ", count));
  }

  Result<void> check_registers(const Instruction& ins) {
    unsigned highest = 0;
    bool any = false;
    ins.each_read([&](unsigned r) {
      highest = std::max(highest, r);
      any = true;
    });
    if (ins.writes_a()) {
      highest = std::max<unsigned>(highest, ins.a());
      any = true;
    }
    // The window's control words belong to the frame even when there is no argument.
    if (ins.is_call()) highest = std::max(highest, ins.a() + kCallControl - 1 + ins.b());
    if (any && highest >= function_.registers)
      return error(&ins, str("uses r", highest, " in a frame of ", function_.registers));
    return {};
  }

  Result<void> check_instruction(const Instruction& ins) {
    SX_CHECK(check_registers(ins));
    if (ins.is_jump()) SX_CHECK(check_jump(ins));
    switch (ins.format) {
      case Format::WK:
        return check_constant_index(ins, ins.d());
      case Format::WG:
      case Format::RG:
        if (ins.d() >= unit_.globals.size())
          return out_of(ins, "global", ins.d(), unit_.globals.size());
        return {};
      case Format::CALLG:
        if (ins.second >= unit_.globals.size())
          return out_of(ins, "global", ins.second, unit_.globals.size());
        return {};
      case Format::PRIM:
        return check_primitive(ins);
      case Format::KEY:
        return check_key(ins);
      case Format::TPL:
        return check_template(ins);
      case Format::WF:
        return check_captures(ins);
      default:
        break;
    }
    switch (ins.op) {
      case Op::LoadSpecial:
        if (ins.b() > 4) return out_of(ins, "special value", ins.b(), 5);
        return {};
      case Op::ConstWide:
        return check_constant_index(ins, ins.second);
      case Op::MakeDict:
        return check_dict(ins);
      case Op::GetCapture:
      case Op::CellGetCap:
      case Op::CellSetCap:
        if (ins.b() >= function_.captures)
          return out_of(ins, "capture", ins.b(), function_.captures);
        return {};
      case Op::Apply:
      case Op::TailApply:
        if (ins.b() == 0) return error(&ins, "has no argument list");
        return {};
      case Op::CallSelf:
        if (function_.optional > 0 || function_.rest || function_.component ||
            !function_.keys.empty())
          return error(&ins, "calls a function whose parameters are not all required ones");
        if (ins.b() != function_.required)
          return error(&ins, str("passes ", unsigned{ins.b()}, " arguments to a function of ",
                                 function_.required));
        return {};
      default:
        return {};
    }
  }

  // A fused instruction does the work of the one behind it without looking at what it is.
  Result<void> check_fused() {
    for (std::size_t i = 0; i < code_.size(); ++i) {
      const Instruction& ins = code_[i];
      const Op wanted = follower(ins.op);
      if (wanted == Op::Trap) continue;
      bool fits = wanted == Op::Loop;
      if (i + 1 < code_.size() && code_[i + 1].op == wanted)
        code_[i + 1].each_read([&](unsigned r) { fits = fits || r == ins.a(); });
      else
        fits = false;
      if (!fits || (ins.op == Op::PairFirst && ins.c() != 0))
        return error(&ins, str("does not stand before a fitting ",
                               op_info(static_cast<std::uint8_t>(wanted))->name));
    }
    return {};
  }

  Result<void> check_constant_index(const Instruction& ins, std::size_t index) {
    if (index >= unit_.constants.size())
      return out_of(ins, "constant", index, unit_.constants.size());
    return {};
  }

  Result<void> check_jump(const Instruction& ins) {
    const std::int64_t target = ins.target();
    if (target < 0 || target >= static_cast<std::int64_t>(starts_.size()) ||
        !starts_[static_cast<std::size_t>(target)])
      return error(&ins, str("jumps to pc ", target, ", which is no instruction"));
    const bool backward = target < ins.end();
    if (backward != (ins.op == Op::Loop))
      return error(&ins, str("jumps from pc ", ins.pc, " to pc ", target,
                             backward ? ": only Loop goes backward" : ": Loop only goes backward"));
    if ((ins.format == Format::RRJ || ins.format == Format::RIJ) && ins.c() > 1)
      return error(&ins, str("has the sense ", unsigned{ins.c()}, ", expected 0 or 1"));
    return {};
  }

  Result<void> check_primitive(const Instruction& ins) {
    const auto& primitives = tables_.primitives();
    if (ins.second >= primitives.size())
      return out_of(ins, "primitive", ins.second, primitives.size());
    const PrimitiveArity& p = primitives[ins.second];
    const int count = ins.c();
    if (count < p.min_args || (p.max_args >= 0 && count > p.max_args))
      return error(
          &ins, str("passes ", count, " arguments to ", p.name, ", which takes ", int{p.min_args},
                    "…", p.max_args < 0 ? std::string("any") : str(int{p.max_args})));
    return {};
  }

  Result<void> check_key(const Instruction& ins) {
    SX_CHECK(check_constant_index(ins, ins.second));
    std::string_view name;
    if (!constant_keyword(unit_.constants[ins.second], name))
      return error(&ins, str("constant ", ins.second, " is not a keyword"));
    return {};
  }

  Result<void> check_dict(const Instruction& ins) {
    SX_CHECK(check_constant_index(ins, ins.second));
    std::vector<std::string_view> names;
    if (!constant_keywords(unit_.constants[ins.second], names))
      return error(&ins, str("constant ", ins.second, " is not a vector of keywords"));
    if (names.size() != ins.c() || names.size() > kDictKeysMax)
      return error(&ins, str("has ", unsigned{ins.c()}, " values for ", names.size(),
                             " keys, at most ", kDictKeysMax));
    for (std::size_t i = 0; i < names.size(); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (names[i] == names[k]) return error(&ins, str("has the key :", names[i], " twice"));
    return {};
  }

  Result<void> check_template(const Instruction& ins) {
    if (ins.second >= unit_.templates.size())
      return out_of(ins, "template", ins.second, unit_.templates.size());
    if (ins.c() != unit_.templates[ins.second].holes)
      return error(&ins, str("fills ", unsigned{ins.c()}, " holes of template ", ins.second,
                             ", which has ", unit_.templates[ins.second].holes));
    return {};
  }

  Result<void> check_captures(const Instruction& ins) {
    const std::uint16_t captures = unit_.functions[ins.d()].captures;
    for (std::uint32_t i = 0; i < captures; ++i) {
      const std::uint32_t pair = function_.code[ins.pc + 1 + i / 2];
      const std::uint32_t spec = i % 2 != 0 ? pair >> 16 : pair & 0xFFFF;
      const bool own = (spec & 0x8000) != 0;
      const std::uint32_t index = spec & 0x7FFF;
      if (own && index >= function_.captures)
        return out_of(ins, "capture", index, function_.captures);
      if (!own && index >= function_.registers)
        return error(&ins, str("uses r", index, " in a frame of ", function_.registers));
    }
    return {};
  }

  Result<void> check_handlers() {
    for (std::size_t i = 0; i < function_.handlers.size(); ++i) {
      const HandlerEntry& h = function_.handlers[i];
      const auto bad = [&](const std::string& what) {
        return error(nullptr,
                     str("has the handler ", i, " for pc ", h.from, " to ", h.to, ", ", what));
      };
      const std::size_t end = function_.code.size();
      if (h.from >= h.to || h.to > end) return bad(str("in code of ", end, " words"));
      if (!starts_[h.from] || (h.to < end && !starts_[h.to]))
        return bad("which are not both instruction starts");
      // Behind what it guards: a handler that could catch its own errors would loop without fuel.
      if (h.target < h.to || h.target >= end || !starts_[h.target])
        return bad(str("with the target ", h.target, ", expected an instruction behind them"));
      if (h.reg >= function_.registers)
        return bad(str("with r", unsigned{h.reg}, " in a frame of ", function_.registers));
      if (h.kind != HandlerKind::Guard && h.kind != HandlerKind::Cleanup)
        return bad("of an unknown kind");
    }
    return {};
  }

  Result<void> check_lines() {
    std::int64_t previous = -1;
    for (const LineEntry& line : function_.lines) {
      if (line.pc <= previous || line.pc >= function_.code.size())
        return error(nullptr, str("has a line entry for pc ", line.pc, " out of order or range"));
      if (line.written > tables_.primitives().size())
        return error(nullptr, str("has a line entry for primitive ", line.written - 1,
                                  " that this engine has not"));
      previous = line.pc;
    }
    return {};
  }

  const UnitImage& unit_;
  const std::uint32_t index_;
  const FunctionImage& function_;
  const Tables& tables_;
  const VerifyLimits& limits_;
  std::vector<Instruction> code_;
  std::vector<bool> starts_;
};

Result<void> verify_template(const UnitImage& unit, std::size_t index) {
  const TemplateImage& t = unit.templates[index];
  for (const TemplatePart& part : t.parts) {
    if (part.op > TemplateOp::Forbidden)
      return Error{str(unit.file, ": template ", index, " has a part of the unknown kind ",
                       static_cast<unsigned>(part.op))};
    if (part.op != TemplateOp::Static && part.hole >= t.holes)
      return Error{str(unit.file, ": template ", index, " uses hole ", part.hole, " of ", t.holes)};
  }
  return {};
}

}  // namespace

Error verify_error(const UnitImage& unit, std::uint32_t function, const Instruction* at,
                   const std::string& what) {
  const std::string& name = unit.functions[function].name;
  std::string where = str(unit.file.empty() ? "<unit>" : unit.file, ": function ", function);
  if (!name.empty()) where += str(" (", name, ")");
  if (at == nullptr) return Error{str(where, " ", what)};
  const OpInfo* info = op_info(static_cast<std::uint8_t>(at->op));
  return Error{str(where, ", pc ", at->pc, " (", info == nullptr ? "?" : info->name, "): ", what)};
}

Result<void> verify_unit(const UnitImage& unit, const Tables& tables, const VerifyLimits& limits) {
  if (unit.functions.empty())
    return Error{str(unit.file, ": a unit needs a function for its top level")};
  if (unit.functions.size() > 0x10000)
    return Error{
        str(unit.file, ": ", unit.functions.size(), " functions in one unit, at most 65536")};
  for (std::size_t i = 0; i < unit.constants.size(); ++i)
    if (const Result<void> checked = check_constant(unit.constants[i]); !checked.ok())
      return Error{str(unit.file, ": constant ", i, ": ", checked.error().message)};
  for (const std::string& name : unit.globals)
    if (name.empty()) return Error{str(unit.file, ": a global has an empty name")};
  std::unordered_set<std::string_view> exports;
  for (const Export& e : unit.exports)
    if (e.name.empty() || !exports.insert(e.name).second)
      return Error{str(unit.file, ": the export \"", e.name, "\" is empty or given twice")};
  for (std::size_t i = 0; i < unit.templates.size(); ++i) SX_CHECK(verify_template(unit, i));

  CaptureFacts facts;
  for (const FunctionImage& f : unit.functions) facts.must_be_cell.emplace_back(f.captures);
  for (std::uint32_t i = 0; i < unit.functions.size(); ++i)
    SX_CHECK(FunctionVerifier(unit, i, tables, limits).run(facts));
  return verify_captures(unit, facts);
}

}  // namespace sx
