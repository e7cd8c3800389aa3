// Large objects: each in memory of its own, with cards that say where in it the program stored.
//
// An object of slots is followed by a byte for every kCardWords words of it. The barrier sets the
// byte of the slot and lists the object as dirty once; a minor collection looks at the slots of the
// set cards alone. So a table of a million entries costs as much as what was put into it.
#include <cstdlib>
#include <cstring>

#include "engine/gc/old_space.h"

namespace sx {
namespace {

// Giving memory back: 4 MB cost as much as sweeping 16 blocks.
constexpr std::uint32_t kFreeWords = 512 * 1024;
constexpr std::size_t kFreeCost = 16;

std::size_t cards_of(std::uint32_t words) {
  return (words / kCardWords + 8) & ~std::size_t{7};  // read eight at a time
}

std::size_t bytes_of(std::uint32_t words, bool cards) {
  return sizeof(LargeObject) + words * std::size_t{8} + (cards ? cards_of(words) : 0);
}

template <std::uint32_t LargeObject::*kPlace>
void add(std::vector<LargeObject*>& list, LargeObject* node) {
  node->*kPlace = static_cast<std::uint32_t>(list.size());
  list.push_back(node);
}

template <std::uint32_t LargeObject::*kPlace>
void take_out(std::vector<LargeObject*>& list, LargeObject* node) {
  LargeObject* last = list.back();
  last->*kPlace = node->*kPlace;
  list[last->*kPlace] = last;
  list.pop_back();
  node->*kPlace = LargeObject::kNone;
}

std::uint8_t* cards_behind(LargeObject* node) {
  Object* o = node->object();
  return reinterpret_cast<std::uint8_t*>(o) + o->words * std::size_t{8};
}

bool has_cards(const Object* o) { return kind_layout(o->kind).layout != Layout::Raw; }

}  // namespace

Object* Heap::Old::allocate_large(Kind kind, std::uint32_t words) {
  const bool cards = kind_layout(kind).layout != Layout::Raw;
  auto* node = static_cast<LargeObject*>(std::malloc(bytes_of(words, cards)));
  if (node == nullptr) heap_fatal("out of memory");
  node->dirty = node->grey = LargeObject::kNone;
  node->marked_words = 0;
  add<&LargeObject::place>(large, node);
  if (cards)
    std::memset(reinterpret_cast<std::uint8_t*>(node->object()) + words * std::size_t{8}, 0,
                cards_of(words));
  bytes += words * std::size_t{8};
  return node->object();
}

void Heap::Old::remember_slot(Object* holder, const Value* slot) {
  LargeObject* node = LargeObject::of(holder);
  const auto word = static_cast<std::size_t>(slot - reinterpret_cast<const Value*>(holder));
  cards_behind(node)[word / kCardWords] = 1;
  if (node->dirty == LargeObject::kNone) add<&LargeObject::dirty>(dirty, node);
}

void Heap::Old::remember_large(Object* holder) {
  LargeObject* node = LargeObject::of(holder);
  std::memset(cards_behind(node), 1, holder->words / kCardWords + std::size_t{1});
  if (node->dirty == LargeObject::kNone) add<&LargeObject::dirty>(dirty, node);
}

void Heap::Old::forget_large(Object* holder) {
  LargeObject* node = LargeObject::of(holder);
  if (node->dirty == LargeObject::kNone) return;
  take_out<&LargeObject::dirty>(dirty, node);
  std::memset(cards_behind(node), 0, cards_of(holder->words));
}

// What was stored is young, or the barrier has greyed it: only the young are looked for.
void Heap::Old::scan_dirty() {
  for (LargeObject* node : dirty) {
    Object* o = node->object();
    node->dirty = LargeObject::kNone;
    std::uint8_t* const cards = cards_behind(node);
    const std::size_t count = cards_of(o->words);
    Value* const words = reinterpret_cast<Value*>(o);
    const std::size_t first = std::size_t{1} + kind_layout(o->kind).prefix_words;
    for (std::size_t at = 0; at < count; at += 8) {
      std::uint64_t eight;
      std::memcpy(&eight, cards + at, 8);
      if (eight == 0) continue;
      for (std::size_t card = at; card < at + 8; ++card) {
        if (cards[card] == 0) continue;
        ++work.places;
        std::size_t from = card * kCardWords, to = from + kCardWords;
        if (from < first) from = first;
        if (to > o->words) to = o->words;
        for (Value* slot = words + from; slot < words + to; ++slot)
          if (slot->is_object() && heap.is_young(slot->as_object()))
            *slot = Value::object(promote(slot->as_object()));
      }
      std::memset(cards + at, 0, 8);
    }
  }
  dirty.clear();
}

void Heap::Old::grey_large(Object* o) {
  if (!has_cards(o)) return;
  LargeObject* node = LargeObject::of(o);
  node->marked_words = 1u + kind_layout(o->kind).prefix_words;
  add<&LargeObject::grey>(grey_larges, node);
}

// Marks what the next stretch of a grey large object refers to. What it cost.
std::size_t Heap::Old::mark_large() {
  LargeObject* node = grey_larges.back();
  Object* o = node->object();
  const std::uint32_t from = node->marked_words;
  const std::uint32_t to = o->words - from > kScanChunk ? from + kScanChunk : o->words;
  node->marked_words = to;
  if (to == o->words) take_out<&LargeObject::grey>(grey_larges, node);
  push_edges(reinterpret_cast<Value*>(o) + from, reinterpret_cast<Value*>(o) + to);
  return to - from + 1;
}

// The objects before large_unswept still hold the marks of the last mark.
void Heap::Old::free_large(LargeObject* node) {
  if (node->dirty != LargeObject::kNone) take_out<&LargeObject::dirty>(dirty, node);
  if (node->grey != LargeObject::kNone) take_out<&LargeObject::grey>(grey_larges, node);
  if (node->place < large_unswept) {
    LargeObject* last = large[--large_unswept];
    std::swap(last->place, node->place);
    large[last->place] = last;
    large[node->place] = node;
  }
  take_out<&LargeObject::place>(large, node);
  std::free(node);
}

std::size_t Heap::Old::sweep_one_large() {
  LargeObject* node = large[large_unswept - 1];
  Object* o = node->object();
  if (o->gc & kGcMarked) {
    o->gc &= static_cast<std::uint8_t>(~kGcMarked);
    --large_unswept;
    return 0;
  }
  if (o->words > kFreeWords) {  // piece by piece
    o->words -= kFreeWords;
    node = static_cast<LargeObject*>(std::realloc(node, bytes_of(o->words, false)));
    large[large_unswept - 1] = node;
    return kFreeCost;
  }
  const std::size_t cost = o->words * kFreeCost / kFreeWords;
  free_large(node);
  return cost;
}

void Heap::discard(Object* object) {
  Old& old = *old_;
  if (object->words <= kCellWordsMax || old.config.stress) return;
  if ((object->gc & (kGcOld | kGcStatic | kGcHashed)) != kGcOld) return;
  if (old.among_edges(object)) return;
  const std::size_t size = object->words * std::size_t{8};
  old.bytes -= size;
  if (old.marking && (object->gc & kGcMarked)) old.marked_bytes -= size;
  old.free_large(LargeObject::of(object));
  stats_.old_bytes = old.bytes;
}

Object* Heap::grow(Object* object, std::uint32_t words) {
  Old& old = *old_;
  if (object->words <= kCellWordsMax || !(object->gc & kGcOld) || old.config.stress) return nullptr;
  const std::uint32_t words_before = object->words;
  const std::size_t added = (words - words_before) * std::size_t{8};
  make_room_for_large(added);
  if (old.among_edges(object)) return nullptr;
  LargeObject* node = LargeObject::of(object);
  node = static_cast<LargeObject*>(std::realloc(node, bytes_of(words, true)));
  if (node == nullptr) heap_fatal("out of memory");
  object = node->object();
  old.large[node->place] = node;
  if (node->dirty != LargeObject::kNone) old.dirty[node->dirty] = node;
  if (node->grey != LargeObject::kNone) old.grey_larges[node->grey] = node;
  auto* const values = reinterpret_cast<Value*>(object);
  auto* const cards = reinterpret_cast<std::uint8_t*>(values + words);
  const std::size_t cards_before = cards_of(words_before);
  std::memmove(cards, values + words_before, cards_before);
  std::memset(cards + cards_before, 0, cards_of(words) - cards_before);
  for (Value* slot = values + words_before; slot < values + words; ++slot) *slot = Value::nil();
  object->words = words;
  old.bytes += added;
  if (old.marking && (object->gc & kGcMarked)) old.marked_bytes += added;
  old.large_since_minor += added;
  stats_.allocated_bytes += added;
  stats_.old_bytes = old.bytes;
  return object;
}

}  // namespace sx
