// Which parts of the kernel a unit needs. Natively all of them are one program.
#pragma once

#include <cstdint>

#include "engine/bytecode/image.h"

namespace sx {

// Bits, as the loaders in web/glue and web/node know them.
enum class KernelModule : std::uint32_t { Tools = 1, Text = 2 };

// The bits of all modules whose primitives the unit's code calls or takes as values.
std::uint32_t modules_needed(const UnitImage& unit);

}  // namespace sx
