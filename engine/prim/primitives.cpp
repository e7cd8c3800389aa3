// The table of primitives, made from primitives.def.
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

}  // namespace

const PrimitiveInfo* primitives() { return kPrimitives; }
std::uint32_t primitive_count() { return kCount; }

const PrimitiveInfo& primitive_of(Value v) {
  const auto* object = static_cast<const PrimitiveObject*>(v.as_object());
  if (object->index < kCount) return kPrimitives[object->index];
  return *reinterpret_cast<const PrimitiveInfo*>(
      static_cast<std::uintptr_t>(static_cast<const ExtensionNative*>(object)->info_bits));
}

}  // namespace sx
