// What the verifier knows about one point of a function: which registers somebody may still read
// there, and what they must hold. Frozen fibers are written and checked by it (vm/freeze.h).
#pragma once

#include <bitset>
#include <vector>

#include "engine/bytecode/verify_flow.h"

namespace sx {

inline constexpr std::uint8_t kAwaitsNothing = 255;

// A point where a frame can stand still: before the function's first instruction (pc 0), or behind
// an instruction that was carried out.
struct CodePoint {
  // The register that gets the value waited for, when the instruction before is a call or a
  // suspension; otherwise kAwaitsNothing.
  std::uint8_t awaits = kAwaitsNothing;
  // The instruction before is a Loop whose jump is still to be taken.
  bool back_edge = false;
  // By register. The types are those with the awaited value in place.
  std::vector<RegisterType> types;
  // May be read later, by what follows or by a handler that an error here leads to. The awaited
  // register is among them only if what follows reads it.
  std::bitset<256> live;
};

// The unit must have passed verify_unit. pc is the index of a word; an error if the function cannot
// stand still there.
Result<CodePoint> code_point(const UnitImage& unit, std::uint32_t function, std::uint32_t pc);

// Which captures of which functions have to be cells. The unit must have passed verify_unit.
Result<CaptureFacts> capture_facts(const UnitImage& unit);

}  // namespace sx
