// The table of primitives, made from primitives.def, and its index by name.
#include "engine/prim/primitives.h"

#include "engine/prim/declare.h"

namespace sx {
namespace {

// A row's usage line is its text up to the parenthesis that closes the first one, cut at compile
// time: the rest need not be in the kernel.
constexpr std::size_t usage_length(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i + 1;
  }
  return text.size();
}
template <std::size_t n>
struct UsageLine {
  char text[n + 1] = {};
  constexpr explicit UsageLine(std::string_view whole) {
    for (std::size_t i = 0; i < n; ++i) text[i] = whole[i];
  }
};
#define SX_PRIM(name, function, min, max, effect, usage) \
  constexpr UsageLine<usage_length(usage)> usage_of_##function{usage};
#include "engine/prim/primitives.def"
#undef SX_PRIM

#ifdef __wasm__
#define SX_MANUAL(text) nullptr
#else
#define SX_MANUAL(text) text
#endif

constexpr PrimitiveInfo kPrimitives[] = {
#define SX_PRIM(name, function, min, max, effect, usage) \
  {name, function, min, max, Effect::effect, usage_of_##function.text, SX_MANUAL(usage)},
#include "engine/prim/primitives.def"
#undef SX_PRIM
};
constexpr std::uint32_t kCount = sizeof(kPrimitives) / sizeof(kPrimitives[0]);
constexpr std::uint32_t kSlots = 1024;  // a power of two, at least twice kCount
static_assert(kCount * 2 <= kSlots);

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
    for (std::uint32_t i = 0; i < kCount; ++i) {
      std::uint32_t at = hash_name(kPrimitives[i].name) & (kSlots - 1);
      while (slots[at] >= 0) at = (at + 1) & (kSlots - 1);
      slots[at] = static_cast<std::int16_t>(i);
    }
  }
};
constexpr Index kIndex;

}  // namespace

const PrimitiveInfo* primitives() { return kPrimitives; }
std::uint32_t primitive_count() { return kCount; }

const PrimitiveInfo& primitive_of(Value v) {
  const auto* object = static_cast<const PrimitiveObject*>(v.as_object());
  if (object->index < kCount) return kPrimitives[object->index];
  return *reinterpret_cast<const PrimitiveInfo*>(
      static_cast<std::uintptr_t>(static_cast<const ExtensionNative*>(object)->info_bits));
}

int find_primitive(std::string_view name) {
  for (std::uint32_t at = hash_name(name) & (kSlots - 1); kIndex.slots[at] >= 0;
       at = (at + 1) & (kSlots - 1)) {
    if (name == kPrimitives[kIndex.slots[at]].name) return kIndex.slots[at];
  }
  return -1;
}

}  // namespace sx
