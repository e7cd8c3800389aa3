// The old generation: cells and sweeping.
#include "engine/gc/old_space.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/base/fatal.h"
#include "engine/base/str.h"

namespace sx {
namespace {

constexpr std::size_t kSpareBlocksMax = 32;
constexpr std::size_t kAskedPerBlock = 64;  // looking at that many headers costs as much as a block
constexpr std::size_t kThresholdMin = std::size_t{12} << 20;

void* must_allocate(std::size_t bytes, std::size_t alignment) {
  void* p = std::aligned_alloc(alignment, bytes);
  if (p == nullptr) heap_fatal("out of memory");
  return p;
}

void poison(std::uint64_t* from, std::uint64_t* to) {
  for (; from < to; ++from) *from = kPoison;
}

}  // namespace

void heap_fatal(const char* what) { fatal(str("heap: ", what)); }

Heap::Old::Old(Heap& h) : heap(h) {
  // Exact sizes for small objects (pairs, closures, small dicts), then steps of at most a quarter.
  std::vector<std::uint32_t> sizes;
  for (std::uint32_t w = 2; w <= 8; ++w) sizes.push_back(w);
  for (std::uint32_t base = 8; base < kCellWordsMax; base *= 2)
    for (std::uint32_t step = 1; step <= 4; ++step) sizes.push_back(base + base * step / 4);
  classes.resize(sizes.size());
  std::uint32_t words = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    classes[i].cell_words = sizes[i];
    for (; words <= sizes[i]; ++words) class_of[words] = static_cast<std::uint8_t>(i);
  }
}

Heap::Old::~Old() {
  for (Object* o : young_specials)
    if (auto release = hooks[static_cast<std::uint8_t>(o->kind)].release) release(o);
  for (Object* o : old_specials)
    if (auto release = hooks[static_cast<std::uint8_t>(o->kind)].release) release(o);
  for (SizeClass& c : classes)
    for (Block* block : c.blocks) std::free(block);
  for (Block* block : spare_blocks) std::free(block);
  for (LargeObject* node : large) std::free(node);
  for (void* chunk : static_chunks) std::free(chunk);
}

Block* Heap::Old::take_block() {
  if (!spare_blocks.empty()) {
    Block* block = spare_blocks.back();
    spare_blocks.pop_back();
    return block;
  }
  return static_cast<Block*>(must_allocate(kBlockBytes, 4096));
}

void Heap::Old::refill(SizeClass& c) {
  for (;;) {
    if (c.runs != nullptr) {
      FreeRun* run = c.runs;
      c.runs = reinterpret_cast<FreeRun*>(static_cast<std::uintptr_t>(run->next));
      c.at = reinterpret_cast<std::uint64_t*>(run);
      c.end = c.at + run->cells * c.cell_words;
      return;
    }
    if (c.swept == c.blocks.size() || refill_blocks == 0) break;
    --refill_blocks;
    sweep_block(c, c.blocks[c.swept]);
  }
  Block* block = take_block();
  block->cell_words = c.cell_words;
  block->cells = static_cast<std::uint32_t>((kBlockBytes / 8 - 2) / c.cell_words);
  c.blocks.push_back(block);
  std::swap(c.blocks[c.swept++], c.blocks.back());
  c.at = block->first();
  c.end = c.at + std::size_t{block->cells} * c.cell_words;
}

// Sweeps c.blocks[c.swept], which must be `block`. A block without a live object is given back.
void Heap::Old::sweep_block(SizeClass& c, Block* block) {
  ++work.swept_blocks;
  std::uint64_t* const first = block->first();
  std::uint64_t* const end = first + std::size_t{block->cells} * c.cell_words;
  FreeRun* const runs_before = c.runs;
  FreeRun* run = nullptr;  // the stretch that ends at `at`
  for (std::uint64_t* at = first; at < end;) {
    auto* o = reinterpret_cast<Object*>(at);
    std::uint64_t cells = 1;
    if (o->kind == Kind{}) {
      cells = reinterpret_cast<FreeRun*>(at)->cells;
    } else if (o->gc & kGcMarked) {
      o->gc &= static_cast<std::uint8_t>(~kGcMarked);
      run = nullptr;
      at += c.cell_words;
      continue;
    }
    std::uint64_t* const next = at + cells * c.cell_words;
    if (config.stress) poison(at, next);
    if (run == nullptr) {
      run = reinterpret_cast<FreeRun*>(at);
      run->cells = 0;
      run->next = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(c.runs));
      c.runs = run;
    }
    run->cells += cells;
    at = next;
  }
  if (c.runs != runs_before && c.runs->cells == block->cells) {
    c.runs = runs_before;
    c.blocks[c.swept] = c.blocks.back();
    c.blocks.pop_back();
    if (spare_blocks.size() < kSpareBlocksMax)
      spare_blocks.push_back(block);
    else
      std::free(block);
  } else {
    ++c.swept;
  }
}

// Asks one object with outside state or a hash whether it has died; false when all were asked.
bool Heap::Old::release_one_dead() {
  std::vector<Object*>& list = specials_unswept != 0 ? old_specials : old_hashed;
  std::size_t& unswept = specials_unswept != 0 ? specials_unswept : hashed_unswept;
  if (unswept == 0) return false;
  Object* o = list[--unswept];
  if (o->gc & kGcMarked) return true;
  list[unswept] = list.back();
  list.pop_back();
  if (&list == &old_hashed)
    hashes.erase(o);
  else if (auto release = hooks[static_cast<std::uint8_t>(o->kind)].release)
    release(o);
  return true;
}

bool Heap::Old::sweep_some(std::size_t blocks) {
  // Cells are not used again, and large objects not freed, before those in lists were asked.
  for (std::size_t asked = 1; release_one_dead(); ++asked)
    if (asked % kAskedPerBlock == 0 && --blocks == 0) return false;
  for (std::size_t freed = 0; large_unswept != 0; ++freed) {
    if (blocks == 0) return false;
    const std::size_t cost = sweep_one_large() + (freed % kAskedPerBlock == 0);
    blocks -= cost < blocks ? cost : blocks;
  }
  for (; sweep_class < classes.size(); ++sweep_class) {
    SizeClass& c = classes[sweep_class];
    for (; c.swept < c.blocks.size(); --blocks) {
      if (blocks == 0) return false;
      sweep_block(c, c.blocks[c.swept]);
    }
  }
  return true;
}

void Heap::Old::set_threshold() {
  const std::size_t live = bytes + heap.stats_.external_bytes;
  threshold = live + live / 3;
  // Little room below the limit: start early, so that garbage does not look like an excess.
  if (config.limit_bytes != 0 && threshold > config.limit_bytes / 4 * 3)
    threshold = config.limit_bytes / 4 * 3;
  if (threshold < live + live / 8) threshold = live + live / 8;
  if (threshold < kThresholdMin) threshold = kThresholdMin;
}

}  // namespace sx
