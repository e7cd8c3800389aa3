// Frozen fibers with every single bit changed, as they are and with their hash made good again.
#include <doctest/doctest.h>

#include "engine/vm/test_frozen.h"

using namespace sx;

namespace {

struct Flips {
  int accepted = 0, unnoticed = 0;
};

Flips flip_every_bit(const std::string& good, std::size_t step) {
  auto machine = std::make_unique<FrozenMachine>();
  Flips flips;
  for (std::size_t bit = 0; bit < good.size() * 8; bit += step) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    if (machine->run_within_limits(bad)) ++flips.unnoticed;
    if (bit / 8 >= 40 && bit / 8 < 72) continue;  // the hash itself: resealed it is the good one
    reseal_frozen(bad);
    if (machine->run_within_limits(bad) && ++flips.accepted % 256 == 0)
      machine = std::make_unique<FrozenMachine>();
  }
  return flips;
}

}  // namespace

TEST_CASE("the frozen samples thaw and run") {
  for (const bool stress : {false, true}) {
    FrozenMachine machine(stress);
    for (const int kind : {0, 1, 10, 20, 40}) {
      CAPTURE(kind);
      CHECK(machine.run_within_limits(machine.frozen(kind)));
    }
  }
}

TEST_CASE(
    "every single-bit flip of a frozen fiber is refused, and resealed it is refused or runs within "
    "its limits") {
  FrozenMachine machine;
  for (const int kind : {0, 1, 20}) {
    const std::string good = machine.frozen(kind);
    const Flips flips = flip_every_bit(good, 1);
    CAPTURE(kind);
    CHECK(flips.unnoticed == 0);
    // Flips in numbers and texts are valid fibers: not all were refused at the door.
    CHECK(flips.accepted > 10);
  }
}

TEST_CASE("bytes cut off anywhere, their hash made good, are refused") {
  FrozenMachine machine;
  const std::string good = machine.frozen(0);
  for (std::size_t size = 0; size < good.size(); ++size) {
    std::string cut = good.substr(0, size);
    reseal_frozen(cut);
    CAPTURE(size);
    CAPTURE(good.size());
    CHECK_FALSE(machine.run_within_limits(cut));
    // The stated size made good as well.
    if (size < 76) continue;
    for (int i = 0; i < 4; ++i)
      cut[72 + static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * i));
    reseal_frozen(cut);
    CHECK_FALSE(machine.run_within_limits(cut));
  }
}
