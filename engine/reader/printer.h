// The printer: value → SX text that reads back equal (write form), or display form (strings and
// chars without quotes at the top level). Iterative.
#pragma once

#include <string>

#include "engine/gc/context.h"

namespace sx {

struct PrintOptions {
  bool display = false;
  std::size_t bytes_max = SIZE_MAX;  // stop with "…" (error messages, backtraces)
};

// Mutable and opaque values print as #<kind …>, which the reader refuses by name. Cyclic mutable
// values are shown as #<cycle>. Never allocates on the SX heap.
std::string print(const Context& cx, Value v, const PrintOptions& options = {});

}  // namespace sx
