// The dataflow half of the verifier: definite assignment, and which registers hold cells and fresh
// closures. Private to bytecode/verify*.cpp.
#pragma once

#include <string>
#include <vector>

#include "engine/bytecode/instruction.h"
#include "engine/bytecode/verify.h"

namespace sx {

// What is known of a register.
using RegisterType = std::uint32_t;
inline constexpr RegisterType kUndefined = 0;
inline constexpr RegisterType kAnyValue = 1;
inline constexpr RegisterType kCellValue = 2;
inline constexpr RegisterType kClosureOf = 1u << 20;  // + function index: made in this function
inline constexpr RegisterType kCaptureAt = 1u << 21;  // + index: read from an own capture

// One captured variable of one closure that is made: slot `slot` of function `target` gets `type`.
struct CaptureFlow {
  std::uint32_t function;  // where
  std::uint32_t pc;
  std::uint32_t target;
  std::uint16_t slot;
  RegisterType type;
};

// What the functions of a unit expect of their captures, filled in by verify_flow.
struct CaptureFacts {
  std::vector<std::vector<bool>> must_be_cell;  // by function and capture
  std::vector<CaptureFlow> flows;
};

// "in NAME at pc 12 (GetKey): …"
Error verify_error(const UnitImage& unit, std::uint32_t function, const Instruction* at,
                   const std::string& what);

// What is known where the instruction that ends at pc has been carried out, or at the function's
// entry (pc 0).
struct FlowProbe {
  std::uint32_t pc = 0;
  bool reached = false;
  std::vector<RegisterType> types;
};

// The function's operands and jumps have been checked; instructions are in order.
Result<void> verify_flow(const UnitImage& unit, std::uint32_t function,
                         const std::vector<Instruction>& instructions, const VerifyLimits& limits,
                         CaptureFacts& facts, FlowProbe* probe = nullptr);

// After verify_flow of every function: each capture that is used as a cell is given one.
Result<void> verify_captures(const UnitImage& unit, CaptureFacts& facts);

}  // namespace sx
