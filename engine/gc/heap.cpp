// Allocation slow paths, barriers, limits, static objects, identity hashes.
#include "engine/gc/heap.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "engine/base/hash.h"
#include "engine/gc/old_space.h"

namespace sx {
namespace {

constexpr std::size_t kStaticChunkBytes = 64 * 1024;
constexpr std::uint64_t kStressFullEvery = 64;
constexpr std::size_t kDirectBytesMin = std::size_t{kCellWordsMax} * 8;

}  // namespace

Heap::Heap(const HeapConfig& config) : old_(new Old(*this)) {
  Old& old = *old_;
  old.config = config;
  old.config.stress = false;
  std::size_t& nursery = old.config.nursery_bytes;
  if (nursery < kNurseryBytesMin) nursery = kNurseryBytesMin;
  nursery = (nursery + 63) & ~std::size_t{63};
  begin_ = static_cast<std::uint64_t*>(std::aligned_alloc(64, nursery));
  if (begin_ == nullptr) heap_fatal("no memory for the nursery");
  end_of_nursery_ = begin_ + nursery / 8;
  next_ = old.cycle_start = begin_;
  old.nursery_now = std::max(nursery / 4, kNurseryBytesMin) & ~std::size_t{63};
  end_ = begin_ + old.nursery_now / 8;
  old.set_threshold();
  set_stress(config.stress);
}

Heap::~Heap() {
  delete old_;
  std::free(begin_);
}

Object* Heap::alloc_slow(Kind kind, std::uint32_t words) {
  Old& old = *old_;
  if (old.collecting) heap_fatal("a trace or release hook allocated");
  const std::size_t size = words * std::size_t{8};
  const bool direct = size > old.config.nursery_bytes / 16 && size > kDirectBytesMin;
  if (!direct) {
    if (old.config.stress && ++old.stress_count % kStressFullEvery == 0)
      collect_full();
    else
      collect_minor();
    auto* object = reinterpret_cast<Object*>(next_);
    next_ += words;
    if (old.config.stress) end_ = next_;
    *reinterpret_cast<std::uint64_t*>(object) = header(kind, words);
    return object;
  }
  make_room_for_large(size);
  Object* object = old.allocate_large(kind, words);
  *reinterpret_cast<std::uint64_t*>(object) = header(kind, words);
  object->gc = kGcOld;
  if (old.marking) old.mark(object);  // grey: it is filled before the next step
  old.large_since_minor += size;
  stats_.allocated_bytes += size;
  stats_.old_bytes = old.bytes;
  // The caller fills it without barriers, perhaps with young objects.
  if (kind_layout(kind).layout != Layout::Raw) old.remember_large(object);
  return object;
}

// A large object counts as much as one of the nursery: collections come as often.
void Heap::make_room_for_large(std::size_t bytes) {
  Old& old = *old_;
  if (old.config.stress && ++old.stress_count % kStressFullEvery == 0)
    collect_full();
  else if (old.config.stress || old.large_since_minor + bytes > old.config.nursery_bytes ||
           end_ == next_)
    collect_minor();
  if (over_limit_ || old.config.limit_bytes == 0) return;
  if (old.total() + bytes <= old.config.limit_bytes) return;
  collect_full();
  over_limit_ = old.total() + bytes > old.config.limit_bytes;
}

Object* Heap::alloc_slots(Kind kind, std::uint32_t words, Value fill) {
  Object* object = alloc(kind, words);
  const std::size_t prefix = kind_layout(kind).prefix_words;
  std::memset(static_cast<void*>(object->raw()), 0, prefix * 8);
  Value* const end = reinterpret_cast<Value*>(object) + words;
  for (Value* slot = object->slots(prefix); slot < end; ++slot) *slot = fill;
  if (object->gc & kGcOld) old_->forget_large(object);  // nothing young is in it yet
  return object;
}

Object* Heap::alloc_static(Kind kind, std::uint32_t words) {
  Old& old = *old_;
  const std::size_t size = words * std::size_t{8};
  if (static_cast<std::size_t>(old.static_end - old.static_at) < words) {
    const std::size_t chunk_bytes = size > kStaticChunkBytes / 4 ? size : kStaticChunkBytes;
    auto* chunk = static_cast<std::uint64_t*>(std::malloc(chunk_bytes));
    if (chunk == nullptr) heap_fatal("out of memory");
    old.static_chunks.push_back(chunk);
    if (chunk_bytes == size) {
      auto* object = reinterpret_cast<Object*>(chunk);
      *chunk = header(kind, words);
      object->gc = kGcOld | kGcStatic | kGcMarked;
      return object;
    }
    old.static_at = chunk;
    old.static_end = chunk + chunk_bytes / 8;
  }
  auto* object = reinterpret_cast<Object*>(old.static_at);
  *old.static_at = header(kind, words);
  old.static_at += words;
  // Always marked: the collector stops at it without a second test.
  object->gc = kGcOld | kGcStatic | kGcMarked;
  return object;
}

Value Heap::copy_to_static(Value v) {
  if (!v.is_object()) return v;
  std::unordered_map<Object*, Object*> copies;
  std::vector<Object*> unscanned;
  const auto copy = [&](Value from) -> Value {
    if (!from.is_object() || (from.as_object()->gc & kGcStatic)) return from;
    Object* o = from.as_object();
    Object*& to = copies[o];
    if (to == nullptr) {
      if (kind_layout(o->kind).layout == Layout::Special)
        heap_fatal("an object with outside state cannot be a constant");
      to = alloc_static(o->kind, o->words);
      to->aux = o->aux;
      std::memcpy(static_cast<void*>(to->raw()), o->raw(), (o->words - std::size_t{1}) * 8);
      if (kind_layout(o->kind).layout == Layout::Slots) unscanned.push_back(to);
    }
    return Value::object(to);
  };
  const Value result = copy(v);
  while (!unscanned.empty()) {
    Object* o = unscanned.back();
    unscanned.pop_back();
    Value* const end = reinterpret_cast<Value*>(o) + o->words;
    for (Value* slot = o->slots(kind_layout(o->kind).prefix_words); slot < end; ++slot)
      *slot = copy(*slot);
  }
  return result;
}

Value Heap::cons_slow(Value car, Value cdr) {
  Root a(*this, car), d(*this, cdr);
  auto* pair = static_cast<Pair*>(alloc_slow(Kind::Pair, 3));
  pair->car = a;
  pair->cdr = d;
  return Value::object(pair);
}

Value Heap::make_cell(Value v) {
  Root root(*this, v);
  auto* cell = static_cast<Cell*>(alloc(Kind::Cell, 2));
  cell->value = root;
  return Value::object(cell);
}

void Heap::barrier_slow(Object* holder, Object* stored) {
  Old& old = *old_;
  if (!is_young(stored)) {
    if (old.marking) old.mark(stored);
  } else if (holder->gc & kGcStatic) {
    heap_fatal("a young object was stored into a constant");
  } else if (holder->words > kCellWordsMax) {
    old.remember_large(holder);
  } else {
    old.remember(holder);
  }
}

void Heap::barrier_slow(Object* holder, const Value* slot, Object* stored) {
  if (is_young(stored) && holder->words > kCellWordsMax && !(holder->gc & kGcStatic))
    old_->remember_slot(holder, slot);
  else
    barrier_slow(holder, stored);
}

void Heap::remember(Object* holder) { old_->remember(holder); }

void Heap::external_grew(std::size_t bytes) {
  Old& old = *old_;
  stats_.external_bytes += bytes;
  old.external_since_minor += bytes;
  if (old.external_since_minor > old.config.nursery_bytes * 4) end_ = next_;
  if (old.config.limit_bytes != 0 && old.total() > old.config.limit_bytes) {
    over_limit_ = true;
    end_ = next_;
  }
}

void Heap::external_shrank(std::size_t bytes) {
  stats_.external_bytes = stats_.external_bytes > bytes ? stats_.external_bytes - bytes : 0;
}

void Heap::pause(bool begins) {
  if (old_->config.on_pause) old_->config.on_pause(old_->config.pause_owner, begins);
}

bool Heap::can_allocate(std::size_t bytes) const {
  const std::size_t limit = old_->config.limit_bytes;
  if (limit == 0) return true;
  const std::size_t used = old_->total();
  return used <= limit && bytes <= limit - used;
}

void Heap::set_limit(std::size_t bytes) {
  old_->config.limit_bytes = bytes;
  if (over_limit_ && (bytes == 0 || old_->total() <= bytes)) over_limit_ = false;
  if (bytes != 0 && old_->total() > bytes) end_ = next_;  // the next allocation finds out
}

std::size_t Heap::limit() const { return old_->config.limit_bytes; }

void Heap::add_root_source(RootSource source, void* owner) {
  old_->sources.push_back({source, owner});
}

void Heap::remove_root_source(void* owner) {
  auto& sources = old_->sources;
  for (std::size_t i = 0; i < sources.size();) {
    if (sources[i].owner == owner)
      sources.erase(sources.begin() + static_cast<std::ptrdiff_t>(i));
    else
      ++i;
  }
}

void Heap::set_special(Kind kind, SpecialHooks hooks) {
  old_->hooks[static_cast<std::uint8_t>(kind)] = hooks;
}

void Heap::register_special(Object* object) {
  (object->gc & kGcOld ? old_->old_specials : old_->young_specials).push_back(object);
}

std::uint32_t Heap::identity_hash(Object* object) {
  Old& old = *old_;
  if (object->gc & kGcHashed) return old.hashes.find(object)->second;
  object->gc |= kGcHashed;
  const auto hash = static_cast<std::uint32_t>(hash_mix(old.next_hash++));
  old.hashes[object] = hash;
  (object->gc & kGcOld ? old.old_hashed : old.young_hashed).push_back(object);
  return hash;
}

void Heap::set_stress(bool on) {
  if (old_->config.stress == on) return;
  collect_minor();
  old_->config.stress = on;
  next_ = old_->cycle_start = begin_;
  end_ = on ? begin_ : begin_ + old_->nursery_now / 8;
}

}  // namespace sx
