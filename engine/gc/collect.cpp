// Minor collections (copying the young into the old generation) and incremental marking.
//
// Why marking is sound. An object is white (no mark), grey (marked, but what it refers to, or a
// large one refers to from some place on, is still to be marked) or black. `edges` are references
// that will still be looked at. At the end of each minor collection, what a black object or the
// marked part of a grey one refers to is marked or among the edges:
// (1) Marking starts at the end of a minor collection: nothing is young.
// (2) write_barrier greys a white old object stored into an old one, whatever the colour of the
//     holder. So a store behind the place that marking has reached in a large array is seen as well
//     as one ahead of it. Nothing moves slots past the barrier: Heap::grow leaves them where they
//     are, and whoever copies them to another object stores each with the barrier.
// (3) What is promoted is born black, and scanning it greys the white objects it refers to. What is
//     large and born old is grey, as it is filled without barriers.
// (4) Every minor collection greys what remembered objects (touched fibers among them), roots and
//     the changed parts of stacks refer to. A part of a stack that a mark was shown (marked_in) can
//     change only after control has returned to it; then minor collections visit it again.
// Registers need no barrier: when a minor collection has just visited all roots and neither a grey
// object nor an edge is left, no program code ran in between, so everything reachable is marked.
//
// What bounds a pause. Copying: the nursery in use is resized after each collection so that copying
// and looking at written places costs about as much as copying kCopyBytes; at worst, when a program
// changes its ways, one whole nursery survives. Marking: kMarkStepWords and kMarkPerWord times what
// was promoted (up to kMarkPromotedWords) or allocated outside the nursery. Sweeping: some blocks
// for each that was filled.
// What bounds the heap. Marking an object costs less than 3.5 times its words, and while the
// nursery is as small as much copying makes it, each promoted word pays for 8. So a mark of L words
// ends before the heap has grown by half of L; it starts when the heap has grown by a third since
// the last one, plus what is allocated until the sweep is done (a twelfth). From one mark to the
// end of the next the heap stays below about 2.1 times what was alive.
#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/gc/old_space.h"

namespace sx {
namespace {

// In words, blocks and bytes.
constexpr std::size_t kMarkStepWords = 64 * 1024;
constexpr std::size_t kMarkPerWord = 8;  // and as many words for each that was promoted,
constexpr std::size_t kMarkPromotedWords = 320 * 1024;  // up to so many
constexpr std::size_t kObjectWords = 4;  // looking at an object costs as much as so many words
constexpr std::size_t kFetched = 16;     // headers on the way from memory while marking
constexpr std::uintptr_t kSideBySide = 256;
constexpr std::size_t kSweepBlocks = 16;
constexpr std::size_t kSweepPerBlock = 4;
constexpr std::size_t kSweepBlocksBeforeMark = 48;
constexpr std::size_t kCopyBytes = 384 * 1024;  // the work of copying that the nursery aims at
constexpr std::size_t kRememberedBytes = 64;    // looking at what was written to, in such bytes
constexpr std::size_t kNurseryShareMin = 8;     // an eighth of it is always in use
constexpr std::uint8_t kKindMax = [] {
  std::uint8_t last = 0;
#define SX_KIND(code, name, type_name, prefix, layout) last = code > last ? code : last;
#include "engine/value/object_kinds.def"
#undef SX_KIND
  return last;
}();

}  // namespace

std::uint32_t Visitor::mark_number() const {
  return heap_.old_->marking ? heap_.old_->mark_number : 0;
}

void Visitor::visit_object(Value& slot) {
  if (minor_)
    heap_.old_->minor_visit(slot);
  else
    heap_.old_->edges.push_back(slot.as_object());
}

Object* Heap::Old::copy_out(Object* young) {
  const std::uint32_t words = young->words;
  const auto kind = static_cast<std::uint8_t>(young->kind);
  if (kind == 0 || kind > kKindMax)
    heap_fatal("stale reference: an object was used after a collection without being rooted");
  Object* copy = allocate(young->kind, words);
  if (words == 3) {  // a pair: most of what survives
    const auto* from = reinterpret_cast<const std::uint64_t*>(young);
    auto* to = reinterpret_cast<std::uint64_t*>(copy);
    to[0] = from[0];
    to[1] = from[1];
    to[2] = from[2];
  } else {
    std::memcpy(static_cast<void*>(copy), young, words * std::size_t{8});
  }
  copy->gc =
      static_cast<std::uint8_t>((young->gc & kGcHashed) | kGcOld | (marking ? kGcMarked : 0));
  if (marking) marked_bytes += footprint(words);
  work.promoted_words += words;
  young->gc |= kGcForwarded;
  young->raw()[0] = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(copy));
  return copy;
}

Object* Heap::Old::promote(Object* young) {
  if (young->gc & kGcForwarded)
    return reinterpret_cast<Object*>(static_cast<std::uintptr_t>(young->raw()[0]));
  Object* copy = copy_out(young);
  if (kind_layout(copy->kind).layout != Layout::Raw) promoted.push_back(copy);
  return copy;
}

void Heap::Old::scan(Object* o, Visitor& visitor) {
  const KindLayout info = kind_layout(o->kind);
  if (info.layout == Layout::Raw) return;
  Value* slot = o->slots(info.prefix_words);
  Value* const end = reinterpret_cast<Value*>(o) + o->words;
  for (; slot < end; ++slot)
    if (slot->is_object()) minor_visit(*slot);
  if (info.layout == Layout::Special)
    if (auto trace = hooks[static_cast<std::uint8_t>(o->kind)].trace) trace(o, visitor);
}

// A list is followed along its cdrs, so that its pairs lie one after the other and none of them
// takes a turn through `promoted`.
void Heap::Old::scan_list(Object* pair) {
  for (;;) {
    Value* slots = pair->slots(0);
    if (slots[0].is_object()) minor_visit(slots[0]);
    if (!slots[1].is_object()) return;
    Object* next = slots[1].as_object();
    if (!heap.is_young(next) || (next->gc & kGcForwarded) || next->kind != Kind::Pair) {
      minor_visit(slots[1]);
      return;
    }
    next = copy_out(next);
    slots[1] = Value::object(next);
    pair = next;
  }
}

void Heap::Old::scan_promoted() {
  Visitor visitor(heap, true);
  while (!promoted.empty()) {
    Object* o = promoted.back();
    promoted.pop_back();
    if (o->kind == Kind::Pair)
      scan_list(o);
    else
      scan(o, visitor);
  }
}

void Heap::Old::visit_roots(Visitor& visitor) {
  for (Root* root = heap.roots_; root != nullptr; root = root->previous_)
    visitor.visit(root->value_);
  for (const RootSourceEntry& entry : sources) entry.source(entry.owner, visitor);
}

void Heap::Old::start_marking() {
  sweep_all();
  marking = heap.marks_ = true;
  ++mark_number;
  marked_bytes = 0;
  Visitor visitor(heap, false);
  visit_roots(visitor);
}

// What a pair refers to becomes edges. A list without objects in it is followed as long as its
// pairs lie side by side. What it cost.
std::size_t Heap::Old::mark_pair(Object* pair) {
  for (std::size_t cost = 3;; cost += 3) {
    const Value* slots = pair->slots(0);
    if (pair->words > 3 && slots[2].is_object()) edges.push_back(slots[2].as_object());
    if (slots[0].is_object()) {  // the cdr waits below: a list of lists needs no deep stack
      if (slots[1].is_object()) edges.push_back(slots[1].as_object());
      edges.push_back(slots[0].as_object());
      return cost;
    }
    if (!slots[1].is_object()) return cost;
    Object* next = slots[1].as_object();
    if (reinterpret_cast<std::uintptr_t>(next) - reinterpret_cast<std::uintptr_t>(pair) +
                kSideBySide >=
            2 * kSideBySide ||
        cost > kScanChunk || next->kind != Kind::Pair) {
      edges.push_back(next);
      return cost;
    }
    if (next->gc & kGcMarked || !(next->gc & kGcOld)) return cost;
    next->gc |= kGcMarked;
    marked_bytes += footprint(next->words);
    pair = next;
  }
}

std::size_t Heap::Old::mark_children(Object* o, std::size_t budget_words) {
  if (o->kind == Kind::Pair) return mark_pair(o);
  const KindLayout info = kind_layout(o->kind);
  if (info.layout == Layout::Raw) return 0;
  push_edges(o->slots(info.prefix_words), reinterpret_cast<Value*>(o) + o->words);
  if (info.layout != Layout::Special) return o->words;
  const auto trace = hooks[static_cast<std::uint8_t>(o->kind)].trace;
  if (trace == nullptr) return o->words;
  Visitor visitor(heap, false);
  visitor.left_ = budget_words;
  trace(o, visitor);
  if (visitor.unfinished_) grey.push_back(o);
  return o->words + budget_words - visitor.left_;
}

bool Heap::Old::mark_step(std::size_t budget_words) {
#ifndef __wasm__
  Object* fetched[kFetched] = {};  // a ring: their headers are on the way
  std::size_t at = 0, fetching = 0;
#endif
  std::size_t done = 0;
  while (done < budget_words) {
    Object* o;
    if (!edges.empty()) {
      o = edges.back();
      edges.pop_back();
#ifndef __wasm__  // which cannot fetch ahead
      __builtin_prefetch(o, 1);
      std::swap(o, fetched[at++ % kFetched]);
      if (o == nullptr) {
        ++fetching;
        continue;
      }
    } else if (fetching != 0) {
      o = std::exchange(fetched[at++ % kFetched], nullptr);
      if (o == nullptr) continue;
      --fetching;
#endif
    } else if (!grey.empty()) {
      o = grey.back();
      grey.pop_back();
      done += kObjectWords + mark_children(o, budget_words - done);
      continue;
    } else if (!grey_larges.empty()) {
      done += mark_large();
      continue;
    } else {
      work.marked_words += done;
      return true;
    }
    ++done;
    if (o->gc & kGcMarked || !(o->gc & kGcOld)) continue;
    o->gc |= kGcMarked;
    marked_bytes += footprint(o->words);
    done += kObjectWords;
    if (o->words > kCellWordsMax)
      grey_large(o);
    else
      done += mark_children(o, done < budget_words ? budget_words - done : 1);
  }
  work.marked_words += done;
#ifndef __wasm__
  for (Object* o : fetched)
    if (o != nullptr) edges.push_back(o);
#endif
  return false;
}

void Heap::Old::finish_marking() {
  marking = heap.marks_ = false;
  sweep_class = 0;
  ++heap.stats_.major_collections;
  specials_unswept = old_specials.size();
  hashed_unswept = old_hashed.size();
  large_unswept = large.size();
  for (SizeClass& c : classes) {
    // What is left of the current run becomes a free run again, so that the sweep can step over it.
    if (c.at != c.end) {
      auto* run = reinterpret_cast<FreeRun*>(c.at);
      run->cells = static_cast<std::uint64_t>(c.end - c.at) / c.cell_words;
      run->next = 0;
    }
    c.at = c.end = nullptr;
    c.runs = nullptr;
    c.swept = 0;
  }
  bytes = marked_bytes;
  set_threshold();
}

// So much of the nursery is used next that copying costs about kCopyBytes, if it costs in
// proportion what it did after the last `used` bytes.
void Heap::Old::size_nursery(std::size_t used, std::size_t work_bytes) {
  const std::size_t least = std::max(config.nursery_bytes / kNurseryShareMin, kNurseryBytesMin / 2);
  if (used < least) return;
  std::size_t next = work_bytes == 0 ? SIZE_MAX : used / 64 * kCopyBytes / work_bytes * 64;
  if (next > nursery_now * 2) next = nursery_now * 2;
  if (next > config.nursery_bytes) next = config.nursery_bytes;
  if (next < least) next = least;
  nursery_now = next & ~std::size_t{63};
}

void Heap::collect_minor() {
  Old& old = *old_;
  if (old.collecting) heap_fatal("a collection was started by a trace or release hook");
  old.collecting = true;
  pause(true);
  ++stats_.minor_collections;
  old.work = {};
  const auto used = static_cast<std::size_t>(next_ - old.cycle_start) * 8;
  // Those in lists come first: until they were asked for their marks, no cell is used again.
  const bool asked = old.specials_unswept + old.hashed_unswept == 0;
  old.refill_blocks = asked ? kSweepBlocks + kSweepPerBlock * (used / kBlockBytes) : 0;

  Visitor visitor(*this, true);
  old.visit_roots(visitor);
  for (std::size_t i = 0; i < old.remembered.size(); ++i) {
    Object* o = old.remembered[i];
    o->gc &= static_cast<std::uint8_t>(~kGcRemembered);
    old.scan(o, visitor);
  }
  const std::size_t written = old.remembered.size();
  old.remembered.clear();
  old.scan_dirty();
  old.scan_promoted();

  for (Object* o : old.young_specials) {
    if (o->gc & kGcForwarded)
      old.old_specials.push_back(
          reinterpret_cast<Object*>(static_cast<std::uintptr_t>(o->raw()[0])));
    else if (auto release = old.hooks[static_cast<std::uint8_t>(o->kind)].release)
      release(o);
  }
  old.young_specials.clear();
  for (Object* o : old.young_hashed) {
    const auto entry = old.hashes.find(o);
    const std::uint32_t hash = entry->second;
    old.hashes.erase(entry);
    if (!(o->gc & kGcForwarded)) continue;
    auto* moved = reinterpret_cast<Object*>(static_cast<std::uintptr_t>(o->raw()[0]));
    old.hashes[moved] = hash;
    old.old_hashed.push_back(moved);
  }
  old.young_hashed.clear();

  stats_.allocated_bytes += static_cast<std::uint64_t>(next_ - old.cycle_start) * 8;
  if (old.config.stress) {
    // The used stretch is poisoned and allocation goes on behind it, so a stale reference meets
    // poison for as long as possible, not a new object at the same address.
    for (std::uint64_t* p = old.cycle_start; p < next_; ++p) *p = kPoison;
    if (static_cast<std::size_t>(end_of_nursery_ - next_) * 8 < old.config.nursery_bytes / 8)
      next_ = begin_;
    end_ = next_;
  } else {
    next_ = begin_;
    old.size_nursery(used, old.work.promoted_words * 8 + old.work.places * kCardWords * 8 +
                               written * kRememberedBytes);
    end_ = begin_ + old.nursery_now / 8;
  }
  old.cycle_start = next_;
  const std::size_t outside_words = (old.large_since_minor + old.external_since_minor) / 8;
  const std::size_t mark_words =
      kMarkStepWords + std::min(kMarkPerWord * old.work.promoted_words, kMarkPromotedWords) +
      kMarkPerWord / 2 * outside_words;
  old.large_since_minor = 0;
  old.external_since_minor = 0;

  if (!old.marking) {
    const bool due = old.total() > old.threshold;
    const std::size_t blocks =
        (due ? kSweepBlocksBeforeMark : kSweepBlocks) +
        kSweepPerBlock * ((old.work.promoted_words + outside_words) * 8 / kBlockBytes);
    if (old.sweep_some(blocks) && due) old.start_marking();
  }
  if (old.marking && old.mark_step(mark_words)) old.finish_marking();
  stats_.old_bytes = old.bytes;
  stats_.last = old.work;
  old.collecting = false;
  pause(false);

  const std::size_t limit = old.config.limit_bytes;
  if (limit != 0 && (over_limit_ || old.total() > limit)) collect_full();
}

void Heap::collect_full() {
  Old& old = *old_;
  const std::size_t limit = old.config.limit_bytes;
  old.config.limit_bytes = 0;  // the minor collection must not start another full one
  collect_minor();
  old.config.limit_bytes = limit;
  old.collecting = true;
  pause(true);
  // A mark under way keeps what died since it began: end it, then mark once more from the roots.
  if (old.marking) {
    old.mark_step(SIZE_MAX);
    old.finish_marking();
  }
  old.start_marking();
  old.mark_step(SIZE_MAX);
  old.finish_marking();
  old.sweep_all();
  old.collecting = false;
  pause(false);
  stats_.old_bytes = old.bytes;
  over_limit_ = limit != 0 && old.total() > limit;
}

}  // namespace sx
