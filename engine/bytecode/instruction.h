// One decoded instruction and the registers it touches: what the verifier and the disassembler both
// need to know about every format.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/bytecode/opcodes.h"

namespace sx {

// The instruction that must stand behind a fused one; Trap: any.
constexpr Op follower(Op op) {
  switch (op) {
    case Op::AddILoop:
    case Op::MoveLoop:
    case Op::RestLoop:
      return Op::Loop;
    case Op::PairFirst:
      return Op::First;
    case Op::ArrayGetLt:
      return Op::JumpLt;
    case Op::MulSub:
      return Op::Sub;
    case Op::MulAdd:
    case Op::AddAdd:
    case Op::SubAdd:
      return Op::Add;
    default:
      return Op::Trap;
  }
}

struct Instruction {
  std::uint32_t pc = 0;      // index of its first word
  std::uint32_t words = 1;   // all of them, extra ones included
  std::uint32_t first = 0;   // first word
  std::uint32_t second = 0;  // second word of formats that have one
  Op op = Op::Trap;
  Format format = Format::None;
  std::uint8_t a() const { return ins_a(first); }
  std::uint8_t b() const { return ins_b(first); }
  std::uint8_t c() const { return ins_c(first); }
  std::uint16_t d() const { return ins_d(first); }
  std::uint32_t end() const { return pc + words; }

  bool is_call() const { return format == Format::CALL || format == Format::CALLG; }
  bool is_suspension() const { return format == Format::WIN1 || format == Format::WIN2; }
  bool is_jump() const {
    return format == Format::J || format == Format::RJ || format == Format::RRJ ||
           format == Format::RIJ;
  }
  // Nothing is executed after it.
  bool ends_block() const {
    switch (op) {
      case Op::Trap:
      case Op::Jump:
      case Op::Loop:
      case Op::Return:
      case Op::TailCall:
      case Op::TailGlobal:
      case Op::TailApply:
      case Op::TailResume:
      case Op::Raise:
      case Op::EndCleanup:
        return true;
      default:
        return false;
    }
  }
  // The word index a jump leads to; may lie outside the function.
  std::int64_t target() const {
    const std::int64_t from = end();
    if (format == Format::J) return from + ins_e(first);
    if (format == Format::RJ) return from + ins_di(first);
    return from + static_cast<std::int32_t>(second);
  }
  // The callee is in r[a].
  bool calls_register() const { return format == Format::CALL && op != Op::CallSelf; }

  // Calls read(register) for each register read, in no particular order. Registers beyond 255
  // (a window that does not fit) are passed on as they are. The capture words of MakeClosure are
  // not covered.
  template <class F>
  void each_read(F&& read) const {
    const unsigned ra = a(), rb = b(), rc = c();
    const auto range = [&](unsigned from, unsigned count) {
      for (unsigned i = 0; i < count; ++i) read(from + i);
    };
    switch (format) {
      case Format::R:
      case Format::RG:
      case Format::RU:
      case Format::RJ:
      case Format::RIJ:
        read(ra);
        break;
      case Format::WR:
      case Format::WRI:
      case Format::WRU:
      case Format::KEY:
      case Format::WIN1:
        read(rb);
        break;
      case Format::WRR:
        read(rb), read(rc);
        break;
      case Format::RR:
      case Format::RRJ:
      case Format::RRU:
        read(ra), read(rb);
        break;
      case Format::RRR:
        read(ra), read(rb), read(rc);
        break;
      case Format::CALL:
        if (calls_register()) read(ra);
        range(ra + kCallControl, rb);
        break;
      case Format::CALLG:
        range(ra + kCallControl, rb);
        break;
      case Format::PRIM:
      case Format::TPL:
        range(rb, rc);
        break;
      case Format::LIT:
        if (op != Op::ConstWide) range(rb, rc);
        break;
      case Format::WIN2:
        read(rb), read(rc);
        if (op == Op::FiberStep) read(rc + 1);
        break;
      default:
        break;
    }
  }
  // r[a] is written (these read it first).
  bool writes_a() const {
    switch (format) {
      case Format::None:
      case Format::R:
      case Format::RR:
      case Format::RRU:
      case Format::RG:
      case Format::RU:
      case Format::J:
      case Format::RJ:
      case Format::RRJ:
      case Format::RIJ:
        return false;
      case Format::RRR:
        return op == Op::Assoc || op == Op::TableGetOr || op == Op::ListAdd;
      default:
        return true;
    }
  }
};

struct FunctionImage;
struct UnitImage;
// The instruction at a word of a verified function: nothing is checked again (verify_frame.cpp).
Instruction instruction_at(const UnitImage& unit, const FunctionImage& function, std::uint32_t pc);

}  // namespace sx
