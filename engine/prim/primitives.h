// Primitives: leaf functions in C++. They never call back into the VM (map, sort and their kin are
// SX code in lib/core), never block, and take their arguments in VM registers.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/bytecode/primitive_info.h"
#include "engine/value/object.h"

namespace sx {

// The table made from primitives.def, in its order; the index is what CallPrim carries.
const PrimitiveInfo* primitives();
std::uint32_t primitive_count();
// Index of the primitive with this name, or -1.
int find_primitive(std::string_view name);

// A native of an extension (Engine::extend): its index lies above those of the table, which is what
// bundles are compared by; programs reach it by its global.
struct ExtensionNative : PrimitiveObject {
  std::uint64_t info_bits;  // const PrimitiveInfo*, wide enough on both targets
};

// What the primitive object v is, of the table or of an extension.
const PrimitiveInfo& primitive_of(Value v);

}  // namespace sx
