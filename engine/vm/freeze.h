// Freezing: a suspended fiber, or a continuation, as bytes; thawing: the fiber from the bytes, in
// this process or another, on this side or the other. docs/effects.md tells the whole story,
// freeze_code.h has the format.
//
// Code is named by module and hash, data travels by value with its sharing and its circles. What a
// module's global holds (functions, parameters, tables …) is named by the global: a module's own
// state stays with its module. What cannot travel is refused with the way to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/vm/vm.h"

namespace sx {

// Writes the fiber (or continuation) to `out` and consumes it and every fiber that travels with it,
// without running their cleanups: these travel. False: cx.error says why, nothing has changed.
bool freeze(Vm& vm, Value fiber, std::string& out);

// The fiber. Trusts nothing in the bytes but what they ask the fiber's own code to do: who may hand
// in bytes is the caller's business. Unset: cx.error says why.
Value thaw(Vm& vm, std::string_view bytes);

// What frozen bytes say about themselves, their hash checked, nothing thawed.
struct FrozenUnit {
  std::string module, file;
  std::string hash;  // 32 bytes
};
struct FrozenInfo {
  bool portable = false;
  std::vector<FrozenUnit> units;
};
Result<FrozenInfo> frozen_info(const Vm& vm, std::string_view bytes);

// Writes the content hash that belongs to the bytes into them (for tests and fuzzing).
void reseal_frozen(std::string& bytes);

}  // namespace sx
