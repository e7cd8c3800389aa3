// How primitives reach the text module (engine/text): regular expressions and Unicode.
#pragma once

#include "engine/prim/support.h"
#include "engine/text/text.h"

namespace sx {

// The value that the module replies, or its error. a and b are registers that hold strings, or
// nullptr for none; `who` names the primitive in errors.
Value call_text(Context& cx, const char* who, TextOp op, const Value* a, const Value* b,
                std::uint32_t first = 0, std::uint32_t second = 0);

}  // namespace sx
