// The heap: a precise, moving, generational collector.
//
// Young objects are bump-allocated in a nursery. A minor collection copies every reachable young
// object into the old generation (en masse promotion: afterwards nothing is young). The old
// generation is size-segregated 64 KB blocks plus large objects, collected by incremental
// mark–sweep; marking and sweeping advance by a step at each minor collection.
//
// Pauses are bounded by work, not by the size of the heap (gc/collect.cpp has the figures). A store
// into a large object is remembered by the place in it (cards, gc/large_space.cpp), large objects
// and deep stacks are marked piece by piece, and the nursery shrinks when much of it survives.
// What is left: one minor collection looks at all the places the program has written since the
// last one, and a full collection (the limit is near) stops the program for as long as it takes.
//
// Roots: Root handles on the C++ side, root sources (the VM: running fiber stacks, globals), the
// remembered set. The C++ stack is never scanned: whoever allocates while holding an object keeps
// it in a Root or a VM register and reads it again afterwards.
//
// Invariant about stacks: a fiber that has not run since the last minor collection holds no young
// reference. The VM calls fiber_touched() when it leaves a fiber; the running fiber's stack is
// visited by the VM's root source each time. Scanning a stack also overwrites the dead slots
// above its top frame with nil, so a stale slot never survives a collection.
//
// Stress mode: every allocation collects (all young objects move, their old place is poisoned and
// not reused for as long as possible) and every 64th also runs a full mark–sweep with poisoned free
// cells. A stale reference stops the process with a sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/value/object.h"

namespace sx {

class Heap;

// Visits one slot: in a minor collection it is rewritten to the object's new address.
class Visitor {
 public:
  SX_INLINE void visit(Value& slot) {
    if (slot.is_object()) visit_object(slot);
  }
  void visit_range(Value* from, Value* to) {
    for (; from < to; ++from) visit(*from);
  }
  // Looks for young objects only: what has not changed since the last minor collection has none.
  bool minor() const { return minor_; }
  // Names the mark under way, for those who note what they have shown to it; 0: there is none.
  std::uint32_t mark_number() const;
  // Asks before showing a piece of that many words. No: the step is at its end, the hook returns
  // and is called again in a later one. The program may run in between.
  bool spend(std::size_t words) {
    if (minor_) return true;
    if (left_ == 0) unfinished_ = true;
    const bool granted = left_ != 0;
    left_ -= words < left_ ? words : left_;
    return granted;
  }

 private:
  friend class Heap;
  explicit Visitor(Heap& heap, bool minor) : heap_(heap), minor_(minor) {}
  void visit_object(Value& slot);  // gc/collect.cpp
  Heap& heap_;
  bool minor_;
  bool unfinished_ = false;
  std::size_t left_ = SIZE_MAX;
};

// Keeps one value alive and up to date while it is in scope. Strictly nested, like the C++ stack.
class Root {
 public:
  inline Root(Heap& heap, Value v);
  inline ~Root();
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  Value get() const { return value_; }
  operator Value() const { return value_; }
  Root& operator=(Value v) {
    value_ = v;
    return *this;
  }

 private:
  friend class Heap;
  Heap& heap_;
  Root* previous_;
  Value value_;
};

struct HeapConfig {
  std::size_t nursery_bytes = std::size_t{2} << 20;  // at most: less while much survives
  std::size_t limit_bytes = std::size_t{1} << 30;    // young + old + external; 0 = no limit
  bool stress = false;
  // Told when the program stops for the collector and when it goes on, to measure pauses.
  void (*on_pause)(void* owner, bool begins) = nullptr;
  void* pause_owner = nullptr;
};

// What a minor collection had to do: its pause in units that are the same on every machine.
struct HeapWork {
  std::size_t promoted_words = 0;
  std::size_t places = 0;        // in large objects, where something young was stored
  std::size_t marked_words = 0;  // an object counts as a few words more than it has
  std::size_t swept_blocks = 0;
};

struct HeapStats {
  std::uint64_t minor_collections = 0;
  std::uint64_t major_collections = 0;
  std::uint64_t allocated_bytes = 0;  // ever, approximately (nursery turns)
  std::size_t old_bytes = 0;
  std::size_t external_bytes = 0;
  HeapWork last;  // of the last minor collection
};

class Heap {
 public:
  explicit Heap(const HeapConfig& config);
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // A new object of `words` words (header included, ≥ 2). Its raw prefix is zero-filled only by
  // alloc_slots; the caller fills everything before the next allocation. May collect.
  SX_INLINE Object* alloc(Kind kind, std::uint32_t words) {
    std::uint64_t* at = next_;
    if (__builtin_expect(static_cast<std::size_t>(end_ - at) < words, 0))
      return alloc_slow(kind, words);
    next_ = at + words;
    auto* object = reinterpret_cast<Object*>(at);
    *at = header(kind, words);
    return object;
  }
  // Like alloc, with prefix zeroed and every slot set to `fill`. fill must not be a young object.
  // What is large (over 8 KB, perhaps) may be old from the start: every store into it, the first
  // ones too, goes through write_barrier.
  Object* alloc_slots(Kind kind, std::uint32_t words, Value fill = Value::nil());
  // An object in the static generation: never traced, moved or freed. Must refer to statics only.
  Object* alloc_static(Kind kind, std::uint32_t words);
  // An immutable value and all it refers to, copied into the static generation; sharing stays.
  Value copy_to_static(Value v);

  // Would the next alloc of this size take the slow path (and perhaps collect)?
  SX_INLINE bool is_full(std::uint32_t words) const {
    return static_cast<std::size_t>(end_ - next_) < words;
  }

  // Constructors protect their own arguments.
  SX_INLINE Value cons(Value car, Value cdr) {
    if (__builtin_expect(is_full(3), 0)) return cons_slow(car, cdr);
    auto* pair = static_cast<Pair*>(alloc(Kind::Pair, 3));
    pair->car = car;
    pair->cdr = cdr;
    return Value::object(pair);
  }
  Value make_cell(Value v);

  // After storing v into a slot of holder, where holder may be old. Every store into an object
  // that is not freshly allocated goes through this.
  SX_INLINE void write_barrier(Object* holder, Value v) {
    if (v.is_object() && (holder->gc & kGcOld)) barrier_slow(holder, v.as_object());
  }
  // The same for a holder that may be large: it is remembered by the slot, not as a whole.
  SX_INLINE void write_barrier(Object* holder, const Value* slot, Value v) {
    if (v.is_object() && (holder->gc & kGcOld)) barrier_slow(holder, slot, v.as_object());
  }
  // The VM stops running this fiber: its stack may hold young references.
  SX_INLINE void fiber_touched(Object* fiber) {
    if ((fiber->gc & (kGcOld | kGcRemembered)) == kGcOld) remember(fiber);
  }
  // The same as write_barrier for holders that are mostly old and hold what is old, fibers: their
  // switches would call for nothing.
  SX_INLINE void link_barrier(Object* holder, Object* stored) {
    if ((holder->gc & kGcOld) && (marks_ || is_young(stored))) barrier_slow(holder, stored);
  }

  bool is_young(const Object* o) const {
    auto* p = reinterpret_cast<const std::uint64_t*>(o);
    return p >= begin_ && p < end_of_nursery_;
  }

  // Memory outside the heap that belongs to a heap object (fiber stacks, builders).
  void external_grew(std::size_t bytes);
  void external_shrank(std::size_t bytes);
  // Would `bytes` more exceed the limit? Natives ask before one large allocation.
  bool can_allocate(std::size_t bytes) const;
  // True once the heap is over its limit; the VM turns it into a limit error at a safe point.
  // Growth of external memory alone sets it without a collection: call collect_full() first and
  // ask again, so that garbage is never taken for an excess.
  bool over_limit() const { return over_limit_; }
  void set_limit(std::size_t bytes);
  std::size_t limit() const;
  // What counts against the limit now, the nursery aside.
  std::size_t used_bytes() const { return stats_.old_bytes + stats_.external_bytes; }

  // Nothing refers to the object any more: one that is large is given back at once.
  void discard(Object* object);
  // Makes an object of slots larger where it lies or by moving its pages; the new slots are nil.
  // Only one place refers to it and takes its new address (with the barrier). Null: it is not
  // large, nothing has happened. May collect.
  Object* grow(Object* object, std::uint32_t words);

  void collect_minor();
  void collect_full();

  using RootSource = void (*)(void* owner, Visitor& visitor);
  void add_root_source(RootSource source, void* owner);
  void remove_root_source(void* owner);
  // How Special kinds are traced and released (the VM registers Fiber, value/builder.cpp
  // StringBuilder). trace visits what the external state refers to (the slots after the prefix are
  // traced like those of any object); release frees it. Neither may allocate on the heap.
  struct SpecialHooks {
    void (*trace)(Object*, Visitor&) = nullptr;
    void (*release)(Object*) = nullptr;
  };
  void set_special(Kind kind, SpecialHooks hooks);
  // Objects with external state are registered once after construction so that they are released.
  void register_special(Object* object);

  // A 32-bit identity hash that stays with a mutable object when it moves.
  std::uint32_t identity_hash(Object* object);

  const HeapStats& stats() const { return stats_; }
  void set_stress(bool on);

 private:
  friend class Root;
  friend class Visitor;

  static constexpr std::uint64_t header(Kind kind, std::uint32_t words) {
    return static_cast<std::uint64_t>(words) | (static_cast<std::uint64_t>(kind) << 32);
  }
  Object* alloc_slow(Kind kind, std::uint32_t words);
  Value cons_slow(Value car, Value cdr);
  void pause(bool begins);
  void remember(Object* holder);
  void barrier_slow(Object* holder, Object* stored);
  void barrier_slow(Object* holder, const Value* slot, Object* stored);
  void make_room_for_large(std::size_t bytes);

  std::uint64_t* next_ = nullptr;   // bump pointer
  std::uint64_t* end_ = nullptr;    // end of what may be bumped; == next_ in stress mode
  std::uint64_t* begin_ = nullptr;  // nursery bounds
  std::uint64_t* end_of_nursery_ = nullptr;
  Root* roots_ = nullptr;
  bool over_limit_ = false;
  bool marks_ = false;  // a mark is under way
  HeapStats stats_;

  struct Old;  // blocks, large objects, mark stack, remembered places: gc/old_space.h
  Old* old_;
};

inline Root::Root(Heap& heap, Value v) : heap_(heap), previous_(heap.roots_), value_(v) {
  heap.roots_ = this;
}
inline Root::~Root() { heap_.roots_ = previous_; }

}  // namespace sx
