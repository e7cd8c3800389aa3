#include "engine/vm/fiber.h"

#include <cstdlib>
#include <new>

#include "engine/base/fatal.h"
#include "engine/bytecode/unit.h"

namespace sx {

namespace {
void fill_nil(Value* from, Value* to) {
  for (; from < to; ++from) *from = Value::nil();
}

// Capacities are kSegmentSlotsFirst times a power of two.
int size_of(std::size_t capacity) {
  int size = 0;
  while ((std::size_t{kSegmentSlotsFirst} << size) < capacity) ++size;
  return size;
}
}  // namespace

StackPool::~StackPool() {
  for (int size = 0; size < kSizes; ++size)
    while (spare_count_[size] > 0) std::free(spares_[size][--spare_count_[size]]);
  while (state_count_ > 0) delete states_[--state_count_];
}

Segment* StackPool::take(std::size_t slots_min, Segment* below) {
  std::size_t capacity = kSegmentSlotsFirst;
  if (below) {
    capacity = std::size_t{below->capacity} * 2;
    if (capacity > kSegmentSlotsLargest) capacity = kSegmentSlotsLargest;
  }
  while (capacity < slots_min) capacity *= 2;
  Segment* segment;
  const int size = size_of(capacity);
  if (spare_count_[size] > 0) {
    segment = spares_[size][--spare_count_[size]];
  } else {
    const std::size_t bytes = sizeof(Segment) + (capacity + kSegmentSlack) * sizeof(Value);
    segment = static_cast<Segment*>(std::malloc(bytes));
    if (!segment)
      fatal("out of memory for a stack");  // the heap limit is far below what malloc refuses
    heap_->external_grew(bytes);
    segment->capacity = static_cast<std::uint32_t>(capacity);
    fill_nil(segment->slots(), segment->end());
  }
  segment->below = below;
  segment->caller_base = nullptr;
  segment->marked_in = 0;
  segment->settled = false;
  return segment;
}

void StackPool::give(Segment* segment) { give(segment, false); }

void StackPool::give(Segment* segment, bool stale) {
  const int size = size_of(segment->capacity);
  if (spare_count_[size] < spares_max(size)) {
    // Words left by a running fiber stay valid until the next collection, which clears the spares.
    if (stale) fill_nil(segment->slots(), segment->end());
    segment->blank = stale;
    spares_[size][spare_count_[size]++] = segment;
    return;
  }
  heap_->external_shrank(sizeof(Segment) + (segment->capacity + kSegmentSlack) * sizeof(Value));
  std::free(segment);
}

void StackPool::clear_spares() {
  for (int size = 0; size < kSizes; ++size)
    for (int i = 0; i < spare_count_[size]; ++i) {
      Segment* segment = spares_[size][i];
      if (!segment->blank) fill_nil(segment->slots(), segment->end());
      segment->blank = true;
    }
}

FiberState* StackPool::new_state() {
  if (state_count_ > 0) {
    FiberState* state = states_[--state_count_];
    *state = FiberState{};
    state->pool = this;
    return state;
  }
  auto* state = new FiberState;
  state->pool = this;
  return state;
}

void StackPool::free_state(FiberState* state) { free_state(state, false); }
void StackPool::free_dead_state(FiberState* state) { free_state(state, true); }

void StackPool::free_state(FiberState* state, bool stale) {
  for (Segment* segment = state->top; segment;) {
    Segment* below = segment->below;
    give(segment, stale);
    segment = below;
  }
  state->top = nullptr;
  if (state_count_ < kSparesMax) {
    states_[state_count_++] = state;
  } else {
    delete state;
  }
}

void trace_fiber_stack(FiberState* state, Visitor& visitor) {
  Segment* segment = state->top;
  if (!segment) return;
  // The top frame's registers end at base + registers of the closure in base[-3], which may
  // have moved already: bring the slot up to date before reading through it.
  visitor.visit(state->base[-3]);
  const Function* fn = as_closure(state->base[-3])->function();
  Value* live_end = state->base + fn->registers;
  const std::uint32_t mark = visitor.mark_number();
  while (segment) {
    // A deep stack changes at its top only: a minor collection need not walk down all of it, and
    // a mark, which must, is shown a few segments at a time.
    if (visitor.minor() ? segment->settled : segment->marked_in == mark) {
      if (visitor.minor()) return;
    } else {
      if (!visitor.spend(segment->capacity)) return;
      if (live_end > segment->end()) live_end = segment->end();
      visitor.visit_range(segment->slots(), live_end);
      fill_nil(live_end, segment->end());
      segment->settled = segment != state->top;
      segment->marked_in = mark;
    }
    if (!segment->below) break;
    // Below, the caller's window start is the last live slot: its arguments were copied up here.
    const auto delta = static_cast<std::uint32_t>(segment->slots()[2].as_int()) & kLinkDelta;
    live_end = segment->caller_base + delta - kCallControl + 1;
    segment = segment->below;
  }
}

}  // namespace sx
