// Primitives: leaf functions in C++. They never call back into the VM (map, sort and their kin are
// SX code in lib/core), never block, and take their arguments in VM registers.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/gc/context.h"

namespace sx {

// args points at `count` consecutive VM registers: roots, updated by the collector, so read args[i]
// again after anything that may allocate. count is within the declared arity. On failure: return
// cx.fail(…) (= unset with cx.error set).
using PrimitiveFn = Value (*)(Context& cx, Value* args, int count);

enum class Effect : std::uint8_t {
  Pure,      // same arguments, same result, no change: folded at compile time, usable in macros
  Mutating,  // changes or reads mutable objects given as arguments
  Fresh,     // makes a new mutable object
};

struct PrimitiveInfo {
  const char* name;
  PrimitiveFn fn;
  std::int8_t min_args;
  std::int8_t max_args;  // -1: any number
  Effect effect;
  const char* usage;  // "(string/index-of s part [from]) the first index of …": also the doc
};

// The table made from primitives.def, in its order; the index is what CallPrim carries.
const PrimitiveInfo* primitives();
std::uint32_t primitive_count();
// Index of the primitive with this name, or -1.
int find_primitive(std::string_view name);

}  // namespace sx
