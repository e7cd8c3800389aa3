// Primitives by name: for compilers. A program that runs knows them by their index.
#include <iterator>

#include "engine/prim/primitives.h"

namespace sx {
namespace {

constexpr std::string_view kNames[] = {
#define SX_PRIM(name, function, min, max, effect, usage) name,
#include "engine/prim/primitives.def"
#undef SX_PRIM
};
constexpr std::uint32_t kSlots = 1024;  // a power of two, at least twice as many
static_assert(std::size(kNames) * 2 <= kSlots);

constexpr std::uint32_t hash_name(std::string_view name) {
  std::uint32_t h = 2166136261u;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h ^ (h >> 15);
}

// Open addressing, filled at compile time: no work at start, no allocation.
struct Index {
  std::int16_t slots[kSlots];
  constexpr Index() : slots() {
    for (auto& slot : slots) slot = -1;
    for (std::uint32_t i = 0; i < std::size(kNames); ++i) {
      std::uint32_t at = hash_name(kNames[i]) & (kSlots - 1);
      while (slots[at] >= 0) at = (at + 1) & (kSlots - 1);
      slots[at] = static_cast<std::int16_t>(i);
    }
  }
};
constexpr Index kIndex;

}  // namespace

int find_primitive(std::string_view name) {
  for (std::uint32_t at = hash_name(name) & (kSlots - 1); kIndex.slots[at] >= 0;
       at = (at + 1) & (kSlots - 1)) {
    if (name == primitives()[kIndex.slots[at]].name) return kIndex.slots[at];
  }
  return -1;
}

}  // namespace sx
