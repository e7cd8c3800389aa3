// A fiber's stack: frames in malloc'ed segments outside the heap, so registers never move while
// code runs and the C++ stack holds only the run loop.
//
// Frame layout (slots of 8 bytes, growing upwards):
//   base[-3]  the running closure; the result is written here (it is r[a] of the caller's window)
//   base[-2]  return pc of the caller, as a tagged int
//   base[-1]  link: distance to the caller's base in bits 0–15, LinkFlags above, as a tagged int
//   base[0]…  registers, overlapping the caller's outgoing arguments
// Every slot holds a valid tagged word, so a segment is scanned without knowing the frames in it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/bytecode/opcodes.h"
#include "engine/gc/heap.h"

namespace sx {

enum LinkFlags : std::uint32_t {
  kLinkSegment = 1u << 16,  // first frame of its segment: the caller is in the segment below
  kLinkFiber = 1u << 17,    // first frame of its fiber
  kLinkHandler = 1u << 18,  // a handler called by perform: the continuation is in the slot below
};
inline constexpr std::uint32_t kLinkDelta = 0xFFFF;

struct Segment {
  Segment* below;
  Value* caller_base;  // base of the frame that called into this segment (nullptr: fiber's first)
  std::uint32_t capacity;   // slots
  std::uint32_t marked_in;  // number of the mark that has been shown it
  // Unchanged since a collection visited it: no young objects in it, nor in those below.
  bool settled;
  bool blank;  // spare, and all nil
  Value* slots() { return reinterpret_cast<Value*>(this + 1); }
  Value* end() { return slots() + capacity; }
};

// Why a fiber runs on top of its parent: decides what its end, its requests and its errors become.
enum class FiberRole : std::uint8_t {
  Task,     // started by the host
  Handled,  // with-handler
  Stepped,  // fiber/new and fiber/step
  Limited,  // with-limits
};

enum class FiberStatus : std::uint8_t {
  Fresh,      // not started: the thunk waits in its first frame
  Suspended,  // waits for a value in register `dest` of its top frame (kNoDest: for nothing)
  Running,    // the VM is in it, or it waits for a child fiber
  Finished,
};

inline constexpr std::uint8_t kNoDest = 255;

class StackPool;

struct FiberState {
  StackPool* pool = nullptr;  // where it came from and goes back to
  Segment* top = nullptr;
  Value* base = nullptr;              // top frame
  const std::uint32_t* pc = nullptr;  // next instruction of the top frame
  FiberRole role = FiberRole::Task;
  FiberStatus status = FiberStatus::Fresh;
  std::uint8_t dest = kNoDest;
  bool portable = false;    // may be frozen for a client: see freeze.h
  bool on_reserve = false;  // a limit was hit: cleanups run on the reserve
  // Names the fiber as the end of an unwinding; 0: never was. A copy has that of its original, so
  // that a copy made within a cleanup ends where the original would.
  std::uint32_t mark = 0;
  // Stopped by a Loop whose jump is still to be taken: pc is behind the Loop meanwhile, so that
  // unwinding finds the regions the Loop lies in, not those of its target.
  bool back_edge = false;
  // Budgets; the run loop is in force of the least one in its chain of fibers.
  std::int64_t fuel_left = -1;      // Stepped, Limited; -1: none
  std::size_t depth_bytes_max = 0;  // Limited: 0 = none
  std::size_t heap_limit = 0;  // Limited, or a task on its reserve: what the heap may hold in all
  std::size_t stack_bytes = 0;

  bool has_budget() const { return fuel_left >= 0 || heap_limit != 0; }
};

// Makes and recycles segments; owned by the VM.
class StackPool {
 public:
  StackPool() = default;
  ~StackPool();
  StackPool(const StackPool&) = delete;
  // Counts the stacks' memory. The pool outlives it.
  void set_heap(Heap* heap) { heap_ = heap; }
  Segment* take(std::size_t slots_min, Segment* below);
  void give(Segment* segment);
  // Spare segments hold stale words: they are cleared at each collection.
  void clear_spares();
  FiberState* new_state();
  void free_state(FiberState* state);
  // The same for a fiber that the collector found dead: its slots refer to dead objects.
  void free_dead_state(FiberState* state);

 private:
  static constexpr int kSparesMax = 8;
  static constexpr int kSizes = 8;  // 64, 128, … 8192 slots
  static int spares_max(int size) { return size == 0 ? kSparesMax : 2; }
  void give(Segment* segment, bool stale);
  void free_state(FiberState* state, bool stale);

  Heap* heap_ = nullptr;
  // A call that crosses the end of a segment again and again must not cost an allocation each time.
  Segment* spares_[kSizes][kSparesMax];
  int spare_count_[kSizes] = {};
  FiberState* states_[kSparesMax];
  int state_count_ = 0;
};

// Slots past the end that a call window may spill into before its frame moves to a new segment.
inline constexpr std::uint32_t kSegmentSlack = 8;
inline constexpr std::uint32_t kSegmentSlotsFirst = 64;      // 512 bytes
inline constexpr std::uint32_t kSegmentSlotsTask = 256;      // 2 KB: most programs' only one
inline constexpr std::uint32_t kSegmentSlotsLargest = 8192;  // 64 KB

// Visits every live slot of a fiber's stack and overwrites the dead ones above its top frame.
void trace_fiber_stack(FiberState* state, Visitor& visitor);

}  // namespace sx
