// What an attribute's name says about a computed value: the one table that the compiler (attributes
// written out in a component) and the adapters (attributes spread from a dict) both go by.
#pragma once

#include <string_view>

#include "engine/bytecode/image.h"

namespace sx {

// The hole operation for an attribute with a computed value, in any case of letters. Forbidden:
// on*, sx-on*, srcdoc, http-equiv.
TemplateOp attribute_op(std::string_view name);

}  // namespace sx
