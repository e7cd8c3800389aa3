// The verifier: what has passed it cannot make the run loop read or write outside its frame, its
// code or its tables, whatever its origin. Nothing of a bundle runs before.
//
// Checked for every function: instructions and their operands; jumps and handlers land on
// instruction starts, backward only by Loop, handlers behind the code they guard; no fall off the
// end; call windows fit into the frame; every register is written before it is read, on every path;
// cell and closure instructions are given cells and fresh closures, captured ones included.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/result.h"
#include "engine/bytecode/image.h"
#include "engine/bytecode/tables.h"

namespace sx {

struct VerifyLimits {
  std::uint32_t code_words_max = 1u << 22;  // of one function
  // Register states compared and stored while following the paths of one function: bounds the time
  // and memory that a hostile function can take. Ordinary code needs some hundred per word.
  std::uint64_t work_max = std::uint64_t{1} << 31;
  std::size_t state_bytes_max = std::size_t{256} << 20;
};

Result<void> verify_unit(const UnitImage& unit, const Tables& tables,
                         const VerifyLimits& limits = {});

}  // namespace sx
