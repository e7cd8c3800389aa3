// The pending error is the one root a context has of its own. Building errors needs dicts, which
// lie above the heap: value/context_errors.cpp.
#include "engine/gc/context.h"

namespace sx {

Context::Context(const HeapConfig& config, std::uint64_t seed)
    : heap(config), symbols(seed), hash_seed(seed) {
  heap.add_root_source(
      [](void* owner, Visitor& visitor) { visitor.visit(static_cast<Context*>(owner)->error); },
      this);
}

}  // namespace sx
