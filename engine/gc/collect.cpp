// Minor collections (copying the young into the old generation) and incremental marking.
//
// Why marking is sound: it starts with an empty nursery. While it runs, (1) write_barrier greys a
// white old object stored into an old one, (2) every minor collection greys the white old objects
// that promoted objects, remembered objects (touched fibers among them) and roots refer to.
// Registers need no barrier: when a minor collection has just visited all roots and no grey object
// is left, no program code ran in between, so everything reachable is marked.
#include <cstring>

#include "engine/gc/old_space.h"

namespace sx {
namespace {

constexpr std::uint32_t kScanChunk = 4096;          // slots of one object marked at a time
constexpr std::size_t kMarkStepWords = 128 * 1024;  // least work of a step: well below 1 ms
// A little of the sweeping at each minor collection, as the next mark wants all of it done.
constexpr std::size_t kSweepBlocks = 16;
constexpr std::size_t kSweepBlocksBeforeMark = 64;
constexpr std::uint8_t kKindMax = [] {
  std::uint8_t last = 0;
#define SX_KIND(code, name, type_name, prefix, layout) last = code > last ? code : last;
#include "engine/value/object_kinds.def"
#undef SX_KIND
  return last;
}();

}  // namespace

void Visitor::visit_object(Value& slot) {
  if (minor_)
    heap_.old_->minor_visit(slot);
  else
    heap_.old_->mark(slot.as_object());
}

Object* Heap::Old::copy_out(Object* young) {
  const std::uint32_t words = young->words;
  const auto kind = static_cast<std::uint8_t>(young->kind);
  if (kind == 0 || kind > kKindMax)
    heap_fatal("stale reference: an object was used after a collection without being rooted");
  Object* copy = allocate(words);
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
  promoted_words += words;
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
  marking = true;
  marked_bytes = 0;
  Visitor visitor(heap, false);
  visit_roots(visitor);
}

// A list is followed along its cdrs: none of its pairs takes a turn through `grey`. What it cost.
std::size_t Heap::Old::mark_list(Object* pair, std::size_t budget_words) {
  std::size_t done = 0;
  for (;;) {
    const Value* slots = pair->slots(0);
    if (slots[0].is_object()) mark(slots[0].as_object());
    done += 3;
    if (pair->words > 3 && slots[2].is_object()) mark(slots[2].as_object());
    if (!slots[1].is_object()) return done;
    Object* next = slots[1].as_object();
    if (next->kind != Kind::Pair || done >= budget_words) {
      mark(next);
      return done;
    }
    if (next->gc & kGcMarked || !(next->gc & kGcOld)) return done;
    next->gc |= kGcMarked;
    marked_bytes += footprint(next->words);
    pair = next;
  }
}

bool Heap::Old::mark_step(std::size_t budget_words) {
  Visitor visitor(heap, false);
  std::size_t done = 0;
  while (!grey.empty() && done < budget_words) {
    const Grey item = grey.back();
    grey.pop_back();
    Object* o = item.object;
    if (o->kind == Kind::Pair) {
      done += mark_list(o, budget_words - done);
      continue;
    }
    const KindLayout info = kind_layout(o->kind);
    if (info.layout == Layout::Raw) {
      ++done;
      continue;
    }
    if (item.from == 0 && info.layout == Layout::Special)
      if (auto trace = hooks[static_cast<std::uint8_t>(o->kind)].trace) trace(o, visitor);
    const std::uint32_t slots = o->words - 1 - info.prefix_words;
    std::uint32_t until = slots;
    if (slots - item.from > kScanChunk) {
      until = item.from + kScanChunk;
      grey.push_back({o, until});
    }
    Value* const base = o->slots(info.prefix_words);
    for (Value* slot = base + item.from; slot < base + until; ++slot)
      if (slot->is_object()) mark(slot->as_object());
    done += until - item.from + 1;
  }
  return grey.empty();
}

void Heap::Old::finish_marking() {
  marking = false;
  sweep_class = 0;
  ++heap.stats_.major_collections;
  release_dead_specials();
  for (auto it = hashes.begin(); it != hashes.end();)
    it = it->first->gc & kGcMarked ? std::next(it) : hashes.erase(it);
  sweep_large();
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

void Heap::collect_minor() {
  Old& old = *old_;
  if (old.collecting) heap_fatal("a collection was started by a trace or release hook");
  old.collecting = true;
  pause(true);
  ++stats_.minor_collections;
  old.promoted_words = 0;

  Visitor visitor(*this, true);
  old.visit_roots(visitor);
  for (std::size_t i = 0; i < old.remembered.size(); ++i) {
    Object* o = old.remembered[i];
    o->gc &= static_cast<std::uint8_t>(~kGcRemembered);
    old.scan(o, visitor);
  }
  old.remembered.clear();
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
    if (o->gc & kGcForwarded)
      old.hashes[reinterpret_cast<Object*>(static_cast<std::uintptr_t>(o->raw()[0]))] = hash;
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
    end_ = end_of_nursery_;
  }
  old.cycle_start = next_;
  old.large_since_minor = 0;
  old.external_since_minor = 0;

  if (!old.marking) {
    const bool due = old.total() > old.threshold;
    if (old.sweep_some(due ? kSweepBlocksBeforeMark : kSweepBlocks) && due) old.start_marking();
  }
  if (old.marking && old.mark_step(kMarkStepWords + 3 * old.promoted_words)) old.finish_marking();
  stats_.old_bytes = old.bytes;
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
