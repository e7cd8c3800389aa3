// The stacks of thawed fibers: chains of fibers, frames, registers. Internal to engine/vm/thaw*.
#pragma once

#include <cstdint>

#include "engine/value/root_list.h"
#include "engine/vm/vm.h"

namespace sx {

// What the stacks are read from. All of it answers false with an error in cx.
class ThawValues {
 public:
  virtual bool value(Value& v, bool may_be_unset = false) = 0;
  virtual bool unit_at(Unit*& unit) = 0;
  virtual bool function_at(Unit*& unit, std::uint32_t& function) = 0;
  virtual std::uint8_t byte() = 0;
  virtual std::uint64_t number() = 0;
  virtual std::size_t count_of(std::size_t bytes_each) = 0;
  virtual bool ok() = 0;                        // nothing read so far was cut off
  virtual bool bad(std::string_view what) = 0;  // always false
  virtual bool room() = 0;

 protected:
  ~ThawValues() = default;
};

enum class ChainOf : std::uint8_t { Fiber, FreshFiber, Continuation };

// Reads the stacks of fibers[first … first + count), innermost first, and makes a chain of them.
// budget: set when one of them has limits to be counted.
bool thaw_chain(Vm& vm, ThawValues& in, RootList& fibers, std::size_t first, std::uint32_t count,
                ChainOf chain, bool portable, bool& budget);

}  // namespace sx
