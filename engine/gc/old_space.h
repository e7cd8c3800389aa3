// The old generation: size-segregated 64 KB blocks, large objects, and the state of the collector.
// Private to gc/.
//
// A block holds cells of one size. A free stretch of cells is a run: its first word is the number
// of cells (its kind byte is 0, which no object has), the second the next run. Allocation bumps
// through the current run of its size class; a sweep rebuilds the runs of one block, and blocks are
// swept only when their class needs cells (or before the next mark).
#pragma once

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "engine/gc/heap.h"

namespace sx {

inline constexpr std::size_t kNurseryBytesMin = 64 * 1024;
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

// In front of a large object; 16 bytes, so that the object lies as malloc gives memory.
struct LargeObject {
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t place;         // in Old::large
  std::uint32_t dirty;         // in Old::dirty, or kNone
  std::uint32_t grey;          // in Old::grey_larges, or kNone
  std::uint32_t marked_words;  // grey: what the words before this one refer to is marked
  Object* object() { return reinterpret_cast<Object*>(this + 1); }
  static LargeObject* of(Object* o) { return reinterpret_cast<LargeObject*>(o) - 1; }
};
static_assert(sizeof(LargeObject) == 16);

inline constexpr std::uint32_t kCardWords = 16;
inline constexpr std::uint32_t kScanChunk = 1024;  // words of a large object marked at a time

struct RootSourceEntry {
  Heap::RootSource source;
  void* owner;
};

struct Heap::Old {
  explicit Old(Heap& heap);
  ~Old();

  // A cell for `words`; its content is undefined. Counts it as live.
  Object* allocate(Kind kind, std::uint32_t words) {
    if (words > kCellWordsMax) return allocate_large(kind, words);
    SizeClass& c = classes[class_of[words]];
    if (c.at == c.end) refill(c);
    auto* cell = reinterpret_cast<Object*>(c.at);
    c.at += c.cell_words;
    bytes += c.cell_words * 8u;
    return cell;
  }
  Object* allocate_large(Kind kind, std::uint32_t words);
  void free_large(LargeObject* node);
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
  // The places in large objects where the program stored something young.
  void remember_slot(Object* holder, const Value* slot);
  void remember_large(Object* holder);
  void forget_large(Object* holder);
  void scan_dirty();
  void remember(Object* holder) {
    if (holder->gc & kGcRemembered) return;
    holder->gc |= kGcRemembered;
    remembered.push_back(holder);
  }

  // --- mark
  void mark(Object* o) {
    if (o->gc & kGcMarked || !(o->gc & kGcOld)) return;
    o->gc |= kGcMarked;
    marked_bytes += footprint(o->words);
    if (o->words > kCellWordsMax)
      grey_large(o);
    else
      grey.push_back(o);
  }
  // References found by marking wait in `edges` until their headers have come from memory.
  void push_edges(const Value* from, const Value* to) {
    for (; from < to; ++from)
      if (from->is_object()) edges.push_back(from->as_object());
  }
  // The mark will still look at it: it must stay where it is.
  bool among_edges(const Object* o) const {
    return marking && std::find(edges.begin(), edges.end(), o) != edges.end();
  }
  void grey_large(Object* o);
  std::size_t mark_large();
  std::size_t mark_pair(Object* pair);
  std::size_t mark_children(Object* o, std::size_t budget_words);
  void start_marking();
  // Marks about `budget_words` words; true when nothing grey is left.
  bool mark_step(std::size_t budget_words);
  void finish_marking();

  // --- sweep
  void refill(SizeClass& c);
  void sweep_block(SizeClass& c, Block* block);
  // Sweeps as much as about `blocks` blocks cost; true when nothing is left to sweep.
  bool sweep_some(std::size_t blocks);
  void sweep_all() { sweep_some(SIZE_MAX); }
  bool release_one_dead();
  std::size_t sweep_one_large();
  Block* take_block();

  std::size_t total() const {
    return bytes + heap.stats_.external_bytes +
           static_cast<std::size_t>(heap.next_ - cycle_start) * 8;
  }
  void set_threshold();
  void size_nursery(std::size_t used, std::size_t work_bytes);
  void visit_roots(Visitor& visitor);

  Heap& heap;
  HeapConfig config;

  std::vector<SizeClass> classes;
  std::uint8_t class_of[kCellWordsMax + 1];
  std::vector<Block*> spare_blocks;
  std::vector<LargeObject*> large;
  std::size_t large_unswept = 0;  // as many from the front hold the marks of the last mark
  std::size_t bytes = 0;          // of objects not known to be dead
  std::size_t threshold = 0;      // total() at which marking starts
  std::size_t sweep_class = 0;    // the classes before it have no block left to sweep
  std::size_t refill_blocks = 0;  // how many blocks may still be swept for want of cells

  bool marking = false;
  std::uint32_t mark_number = 0;
  std::size_t marked_bytes = 0;
  std::vector<Object*> grey;  // in cells: marked, what they refer to not yet
  std::vector<LargeObject*> grey_larges;
  std::vector<Object*> edges;  // perhaps marked, perhaps not, perhaps more than once

  std::vector<Object*> promoted;    // copied, slots not yet scanned
  std::vector<Object*> remembered;  // old objects in cells that may refer to young ones
  std::vector<LargeObject*> dirty;  // large ones with cards set
  HeapWork work;                    // of this minor collection
  bool collecting = false;

  std::uint64_t* cycle_start = nullptr;  // objects between here and next_ are the young ones
  std::size_t nursery_now = 0;           // bytes of the nursery in use
  std::size_t large_since_minor = 0;
  std::size_t external_since_minor = 0;
  std::uint64_t stress_count = 0;

  std::vector<RootSourceEntry> sources;
  SpecialHooks hooks[256];
  // The first *_unswept of the old ones are still to be asked whether the last mark met them.
  std::vector<Object*> young_specials, old_specials;
  std::size_t specials_unswept = 0;
  std::vector<Object*> young_hashed, old_hashed;
  std::size_t hashed_unswept = 0;
  std::unordered_map<Object*, std::uint32_t> hashes;
  std::uint32_t next_hash = 1;

  std::vector<void*> static_chunks;
  std::uint64_t* static_at = nullptr;
  std::uint64_t* static_end = nullptr;
};

// Stops the process: the heap is damaged or memory is exhausted, nothing can be unwound safely.
[[noreturn]] void heap_fatal(const char* what);

}  // namespace sx
