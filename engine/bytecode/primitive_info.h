// What the compiler and the verifier need to know of a primitive. The table itself is made by
// prim/primitives.h, which stands right of the compiler and hands it over as a span.
#pragma once

#include <cstdint>

#include "engine/gc/context.h"

namespace sx {

// args points at `count` consecutive VM registers: roots, updated by the collector, so read args[i]
// again after anything that may allocate. They may be the caller's variables: never write them.
// count is within the declared arity. On failure: return cx.fail(…) (= unset with cx.error set).
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
  const char* usage;  // "(string/index-of s part [from])": arity errors print it
  const char*
      manual;  // the same and what it does; nullptr in the kernel, which has no reference page
};

}  // namespace sx
