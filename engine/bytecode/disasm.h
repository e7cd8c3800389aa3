// A unit as readable text, for `sx disasm` and for tests that compare listings.
#pragma once

#include <string>
#include <string_view>

#include "engine/bytecode/image.h"
#include "engine/bytecode/tables.h"

namespace sx {

// Functions with their instructions, operands resolved (constants, globals, primitives), source
// lines and handlers; then templates and exports. Also for images that do not verify.
std::string disassemble(const UnitImage& unit, const Tables& tables);

// An encoded constant as SX text, cut to about `bytes_max` bytes.
std::string constant_text(std::string_view encoded, std::size_t bytes_max = 60);

}  // namespace sx
