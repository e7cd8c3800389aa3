// The old generation: size-segregated 64 KB blocks, large objects, and the state of the collector.
// Private to gc/.
//
// A block holds cells of one size. A free stretch of cells is a run: its first word is the number
// of cells (its kind byte is 0, which no object has), the second the next run. Allocation bumps
// through the current run of its size class; a sweep rebuilds the runs of one block, and blocks are
// swept only when their class needs cells (or before the next mark).
#pragma once

#include <unordered_map>
#include <vector>

#include "engine/gc/heap.h"

namespace sx {

inline constexpr std::size_t kBlockBytes = 64 * 1024;
inline constexpr std::uint32_t kCellWordsMax = 1024;  // larger objects are allocated one by one
inline constexpr std::uint64_t kPoison = 0xFFF9FFF9FFF9FFF9u;  // no valid header, no valid value
inline constexpr std::uint8_t kGcHashed = 32;  // has an entry in the identity hash table

struct Block {
  std::uint32_t cell_words;
  std::uint32_t cells;
  std::uint64_t* first() { return reinterpret_cast<std::uint64_t*>(this) + 2; }
};
static_assert(sizeof(Block) <= 16);

struct FreeRun {
  std::uint64_t cells;
  std::uint64_t next;  // FreeRun*
};

// One size class. Blocks in [0, swept) have runs and unmarked objects only; the others still hold
// the marks of the last mark phase.
struct SizeClass {
  std::uint32_t cell_words = 0;
  std::uint64_t* at = nullptr;  // current run
  std::uint64_t* end = nullptr;
  FreeRun* runs = nullptr;  // further runs of swept blocks
  std::vector<Block*> blocks;
  std::size_t swept = 0;
};

struct LargeObject {
  std::uint64_t place;  // in Old::large; it also keeps the object at 16 bytes, as cells are at 8
  std::uint64_t size_words;
  Object* object() { return reinterpret_cast<Object*>(this + 1); }
};

// An object whose slots from `from` on are still to be marked.
struct Grey {
  Object* object;
  std::uint32_t from;
};

struct RootSourceEntry {
  Heap::RootSource source;
  void* owner;
};

struct Heap::Old {
  explicit Old(Heap& heap);
  ~Old();

  // A cell for `words`; its content is undefined. Counts it as live.
  Object* allocate(std::uint32_t words) {
    if (words > kCellWordsMax) return allocate_large(words);
    SizeClass& c = classes[class_of[words]];
    if (c.at == c.end) refill(c);
    auto* cell = reinterpret_cast<Object*>(c.at);
    c.at += c.cell_words;
    bytes += c.cell_words * 8u;
    return cell;
  }
  Object* allocate_large(std::uint32_t words);
  // Bytes an object takes here.
  std::size_t footprint(std::uint32_t words) const {
    return words > kCellWordsMax ? words * std::size_t{8}
                                 : classes[class_of[words]].cell_words * std::size_t{8};
  }

  // --- minor collection
  Object* promote(Object* young);
  void minor_visit(Value& slot) {
    Object* o = slot.as_object();
    if (heap.is_young(o))
      slot = Value::object(promote(o));
    else if (marking)
      mark(o);
  }
  Object* copy_out(Object* young);  // not copied yet; the copy's slots are still to be scanned
  void scan_list(Object* pair);
  void scan_promoted();
  void scan(Object* o, Visitor& visitor);

  // --- mark
  void mark(Object* o) {
    if (o->gc & kGcMarked || !(o->gc & kGcOld)) return;
    o->gc |= kGcMarked;
    marked_bytes += footprint(o->words);
    grey.push_back({o, 0});
  }
  void start_marking();
  // Marks about `budget_words` words; true when nothing grey is left.
  bool mark_step(std::size_t budget_words);
  std::size_t mark_list(Object* pair, std::size_t budget_words);
  void finish_marking();

  // --- sweep
  void refill(SizeClass& c);
  void sweep_block(SizeClass& c, Block* block);
  void sweep_all();
  // Sweeps up to `blocks` of the blocks that nobody needed yet; true when none is left.
  bool sweep_some(std::size_t blocks);
  void sweep_large();
  void release_dead_specials();
  Block* take_block();

  std::size_t total() const {
    return bytes + heap.stats_.external_bytes +
           static_cast<std::size_t>(heap.next_ - cycle_start) * 8;
  }
  void set_threshold();
  void visit_roots(Visitor& visitor);

  Heap& heap;
  HeapConfig config;

  std::vector<SizeClass> classes;
  std::uint8_t class_of[kCellWordsMax + 1];
  std::vector<Block*> spare_blocks;
  std::vector<LargeObject*> large;
  std::size_t bytes = 0;        // of objects not known to be dead
  std::size_t threshold = 0;    // total() at which marking starts
  std::size_t sweep_class = 0;  // the classes before it have no block left to sweep

  bool marking = false;
  std::size_t marked_bytes = 0;
  std::vector<Grey> grey;

  std::vector<Object*> promoted;    // copied, slots not yet scanned
  std::vector<Object*> remembered;  // old objects that may refer to young ones
  std::size_t promoted_words = 0;   // in this minor collection
  bool collecting = false;
  bool unconfirmed_limit = false;  // over_limit_ was set without a full collection before

  std::uint64_t* cycle_start = nullptr;  // objects between here and next_ are the young ones
  std::size_t large_since_minor = 0;
  std::size_t external_since_minor = 0;
  std::uint64_t stress_count = 0;

  std::vector<RootSourceEntry> sources;
  SpecialHooks hooks[256];
  std::vector<Object*> young_specials, old_specials;
  std::vector<Object*> young_hashed;
  std::unordered_map<Object*, std::uint32_t> hashes;
  std::uint32_t next_hash = 1;

  std::vector<void*> static_chunks;
  std::uint64_t* static_at = nullptr;
  std::uint64_t* static_end = nullptr;
};

// Stops the process: the heap is damaged or memory is exhausted, nothing can be unwound safely.
[[noreturn]] void heap_fatal(const char* what);

}  // namespace sx
