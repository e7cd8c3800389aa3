// The mutable collections: arrays, and tables (open addressing over entries in insertion order).
#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/base/hash.h"
#include "engine/base/str.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

// --- Arrays ------------------------------------------------------------------------------------

constexpr std::uint32_t kArrayCountMax = UINT32_MAX / 4;

Array* as_array(Value v) { return static_cast<Array*>(v.as_object()); }

// A store is large, hence possibly old from the start: every value goes in through the barrier.
void store_value(Context& cx, Object* store, std::uint32_t i, Value v) {
  store->slots(0)[i] = v;
  cx.heap.write_barrier(store, store->slots(0) + i, v);
}

// The store in slot `place` of owner, which holds `used` values, gets room for `capacity`. A large
// one grows where it is.
void grow_store(Context& cx, const Root& owner, std::size_t place, std::uint32_t used,
                std::uint32_t capacity) {
  const auto held = [&]() -> Value& { return owner.get().as_object()->slots(1)[place]; };
  Object* store = cx.heap.grow(held().as_object(), 1 + capacity);
  if (store == nullptr) {
    store = cx.heap.alloc_slots(Kind::ArrayStore, 1 + capacity);
    Object* old = held().as_object();
    for (std::uint32_t i = 0; i < used; ++i) store_value(cx, store, i, old->slots(0)[i]);
    cx.heap.discard(old);
  }
  held() = Value::object(store);
  cx.heap.write_barrier(owner.get().as_object(), held());
}

// --- Tables ------------------------------------------------------------------------------------

// A slot is 0 or 1 + the number of an entry; as that is below the capacity, the bits above it hold
// a part of the key's hash, so that probing rarely looks at an entry in vain. Slots come in groups,
// filled from the left, and a group is looked at as one: where in it a key lies is no branch, so
// that the processor does not wait for a slot that comes from memory before it begins what follows.
constexpr std::uint32_t kGroup = 8;

// The slots of a group whose bits above mask are those of tag, and those that are free: a bit each.
struct GroupMatch {
  unsigned same = 0, free = 0;
  GroupMatch(const std::uint32_t* slots, std::uint32_t tag, std::uint32_t mask) {
#if defined(__SSE2__)
    const __m128i high = _mm_set1_epi32(static_cast<int>(~mask));
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
    const auto bits = [](__m128i x) {
      return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(x)));
    };
    const __m128i left = _mm_loadu_si128(reinterpret_cast<const __m128i*>(slots));
    const __m128i right = _mm_loadu_si128(reinterpret_cast<const __m128i*>(slots + 4));
    const __m128i none = _mm_setzero_si128();
    same = bits(_mm_cmpeq_epi32(_mm_and_si128(left, high), wanted)) |
           bits(_mm_cmpeq_epi32(_mm_and_si128(right, high), wanted)) << 4;
    free = bits(_mm_cmpeq_epi32(left, none)) | bits(_mm_cmpeq_epi32(right, none)) << 4;
#else
    for (unsigned i = 0; i < kGroup && free == 0; ++i) {
      same |= static_cast<unsigned>((slots[i] & ~mask) == tag) << i;
      free |= static_cast<unsigned>(slots[i] == 0) << i;
    }
#endif
    same &= ~free;
  }
};

struct TableIndex : Object {
  std::uint32_t capacity;  // a power of two
  std::uint32_t behind;    // 1 + the number of the entry that was looked up last; 0: none was
  std::uint32_t* slots() { return reinterpret_cast<std::uint32_t*>(this + 1); }
};

constexpr std::uint32_t kTableCapacityMin = 8;

Table* as_table(Value v) { return static_cast<Table*>(v.as_object()); }
TableIndex* as_index(Value v) { return static_cast<TableIndex*>(v.as_object()); }
Value* entries_of(Value table) { return as_table(table)->entries.as_object()->slots(0); }
// Entries that fit before the index is three quarters full.
std::uint32_t room_of(std::uint32_t capacity) { return capacity / 4 * 3; }

Value make_index(Context& cx, std::uint32_t capacity) {
  auto* index = static_cast<TableIndex*>(cx.heap.alloc(Kind::TableIndex, 2 + capacity / 2));
  index->capacity = capacity;
  index->behind = 0;
  std::memset(index->slots(), 0, capacity * sizeof(std::uint32_t));
  return Value::object(index);
}

constexpr std::uint32_t kAbsent = UINT32_MAX;

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

bool same_key(Context& cx, Value key, Value candidate) {
  if (candidate == key) return true;
  if (!key.is_object() && !key.is_double()) return false;
  if (is_string(key)) {
    if (!is_string(candidate)) return false;
    const String *x = as_string(key), *y = as_string(candidate);
    return x->hash == y->hash && x->view() == y->view();
  }
  return !candidate.is_unset() && equal(cx, key, candidate);
}

// The entry of key, or kAbsent. A deleted entry keeps its place in the index until the next growth,
// so that probing goes on behind it. Without equal keys `slot` is where the probing ended.
std::uint32_t probe(Context& cx, Value table, Value key, std::uint64_t hash, std::uint32_t& slot) {
  TableIndex* index = as_index(as_table(table)->index);
  const std::uint32_t mask = index->capacity - 1;
  const std::uint32_t tag = tag_of(hash) & ~mask;
  const std::uint32_t* slots = index->slots();
  const Value* entries = entries_of(table);
  for (std::uint32_t group = static_cast<std::uint32_t>(hash) & mask & ~(kGroup - 1);;
       group = (group + kGroup) & mask) {
    const GroupMatch match(slots + group, tag, mask);
    for (unsigned left = match.same; left != 0; left &= left - 1) {
      const std::uint32_t word = slots[group + static_cast<unsigned>(__builtin_ctz(left))];
      const std::uint32_t entry = (word & mask) - 1;
      if (__builtin_expect(same_key(cx, key, entries[2 * entry]), 1)) return entry;
    }
    if (match.free != 0) {
      slot = group + static_cast<unsigned>(__builtin_ctz(match.free));
      return kAbsent;
    }
  }
}

// What was just looked up is often changed next, and keys are often gone through in the order in
// which they were put in: that entry and the one behind it are tried before anything is hashed. The
// same word is the same key; whatever the number has become since, the key that is there decides.
std::uint32_t try_neighbours(Value table, Value key) {
  TableIndex* index = as_index(as_table(table)->index);
  const std::uint32_t used = as_table(table)->used;
  const Value* entries = entries_of(table);
  const std::uint32_t next = index->behind;
  if (next < used && entries[2 * next] == key) {
    index->behind = next + 1;
    return next;
  }
  const std::uint32_t last = next - 1;
  return last < used && entries[2 * last] == key ? last : kAbsent;
}

std::uint64_t hash_key(Context& cx, Value key) {
  if (!key.is_object() && !key.is_double()) return hash_int(key.bits, cx.hash_seed);
  return hash_value(cx, key);
}

// Without equal keys, hash and slot say where the key belongs.
__attribute__((noinline)) std::uint32_t find_entry(Context& cx, Value table, Value key,
                                                   std::uint64_t& hash, std::uint32_t& slot) {
  std::uint32_t entry = try_neighbours(table, key);
  if (entry != kAbsent) return entry;
  hash = hash_key(cx, key);
  entry = probe(cx, table, key, hash, slot);
  if (entry != kAbsent) as_index(as_table(table)->index)->behind = entry + 1;
  return entry;
}

// Makes room: drops deleted entries, doubles the index when the live ones fill more than half of
// it. Entries and index are replaced one after the other and what they replace is given back at
// once, as a large table would need twice its memory otherwise.
void rebuild_table(Context& cx, const Root& table) {
  const std::uint32_t live = as_table(table)->live;
  // Large tables grow by less: their entries alone are moved as long as the index has room.
  const std::uint32_t wanted = live + (live < 65536 ? live / 2 : live / 4) + 1;
  std::uint32_t capacity = kTableCapacityMin;
  while (room_of(capacity) < wanted) capacity *= 2;
  const bool dense = as_table(table)->used == live;  // entries keep their numbers
  {
    const std::uint32_t room = std::min(room_of(capacity), wanted + kTableCapacityMin);
    if (dense) {
      grow_store(cx, table, 1, 2 * live, 2 * room);
    } else {
      Object* store = cx.heap.alloc_slots(Kind::ArrayStore, 1 + 2 * room);
      Table* t = as_table(table);
      Object* old = t->entries.as_object();
      const Value* from = old->slots(0);
      std::uint32_t count = 0;
      for (std::uint32_t i = 0; i < t->used; ++i) {
        if (from[2 * i].is_unset()) continue;
        store_value(cx, store, 2 * count, from[2 * i]);
        store_value(cx, store, 2 * count + 1, from[2 * i + 1]);
        ++count;
      }
      t->used = count;
      t->entries = Value::object(store);
      cx.heap.write_barrier(t, t->entries);
      cx.heap.discard(old);
    }
  }
  if (as_index(as_table(table)->index)->capacity == capacity) {
    if (dense) return;
    std::memset(as_index(as_table(table)->index)->slots(), 0, capacity * sizeof(std::uint32_t));
  } else {
    Object* old = as_table(table)->index.as_object();
    as_table(table)->index = Value::nil();
    cx.heap.discard(old);
    const Value index = make_index(cx, capacity);
    as_table(table)->index = index;
    cx.heap.write_barrier(as_table(table), index);
  }
  const Table* t = as_table(table);
  std::uint32_t* slots = as_index(t->index)->slots();
  const Value* entries = entries_of(table);
  const std::uint32_t mask = capacity - 1;
  for (std::uint32_t i = 0; i < t->used; ++i) {
    const std::uint64_t hash = hash_key(cx, entries[2 * i]);
    std::uint32_t group = static_cast<std::uint32_t>(hash) & mask & ~(kGroup - 1);
    unsigned free;
    while ((free = GroupMatch(slots + group, 0, mask).free) == 0) group = (group + kGroup) & mask;
    slots[group + static_cast<unsigned>(__builtin_ctz(free))] = (tag_of(hash) & ~mask) | (i + 1);
  }
}

}  // namespace

Value make_array(Context& cx, std::uint32_t count, Value fill) {
  if (count > kArrayCountMax || !cx.heap.can_allocate(std::size_t{count} * sizeof(Value))) {
    const Field which[] = {{"limit", cx.keyword("heap")}};
    return cx.fail("limit", str("An array of ", count, " elements does not fit in the heap limit"),
                   make_dict(cx, which));
  }
  Root value(cx.heap, fill);
  Root store(cx.heap,
             Value::object(cx.heap.alloc_slots(Kind::ArrayStore, 1 + (count ? count : 1))));
  for (std::uint32_t i = 0; i < count; ++i) store.get().as_object()->slots(0)[i] = value;
  cx.heap.write_barrier(store.get().as_object(), value);
  auto* array = static_cast<Array*>(cx.heap.alloc(Kind::Array, 3));
  array->count = count;
  array->reserved = 0;
  array->store = store;
  return Value::object(array);
}

void array_push(Context& cx, Value a, Value x) {
  const std::uint32_t count = as_array(a)->count;
  const std::uint32_t capacity = as_array(a)->store.as_object()->words - 1;
  if (count < capacity) {
    store_value(cx, as_array(a)->store.as_object(), count, x);
    ++as_array(a)->count;
    return;
  }
  Root array(cx.heap, a), element(cx.heap, x);
  grow_store(cx, array, 0, count, capacity < 4 ? 8 : capacity * 2);
  store_value(cx, as_array(array)->store.as_object(), count, element);
  ++as_array(array)->count;
}

std::uint32_t array_count(Value array) { return as_array(array)->count; }

Value array_get(Value array, std::uint32_t i) {
  return as_array(array)->store.as_object()->slots(0)[i];
}

void array_set(Context& cx, Value array, std::uint32_t i, Value x) {
  store_value(cx, as_array(array)->store.as_object(), i, x);
}

Value array_pop(Value array) {
  Array* a = as_array(array);
  Value& last = a->store.as_object()->slots(0)[--a->count];
  const Value v = last;
  last = Value::nil();
  return v;
}

Value make_table(Context& cx) {
  Root index(cx.heap, make_index(cx, kTableCapacityMin));
  Root entries(cx.heap, Value::object(cx.heap.alloc_slots(Kind::ArrayStore,
                                                          1 + 2 * room_of(kTableCapacityMin))));
  auto* table = static_cast<Table*>(cx.heap.alloc(Kind::Table, 4));
  table->live = 0;
  table->used = 0;
  table->index = index;
  table->entries = entries;
  return Value::object(table);
}

std::uint32_t table_count(Value table) { return as_table(table)->live; }

Value table_get(Context& cx, Value table, Value key) {
  std::uint64_t hash;
  std::uint32_t slot;
  const std::uint32_t entry = find_entry(cx, table, key, hash, slot);
  return entry == kAbsent ? Value::unset() : entries_of(table)[2 * entry + 1];
}

void table_put(Context& cx, Value t, Value k, Value v) {
  std::uint64_t hash;
  std::uint32_t slot;
  const std::uint32_t entry = find_entry(cx, t, k, hash, slot);
  if (entry != kAbsent) {
    store_value(cx, as_table(t)->entries.as_object(), 2 * entry + 1, v);
    return;
  }
  Root table(cx.heap, t), key(cx.heap, k), value(cx.heap, v);
  if (2 * as_table(table)->used + 1 >= as_table(table)->entries.as_object()->words) {
    rebuild_table(cx, table);
    probe(cx, table, key, hash, slot);
  }
  Table* target = as_table(table);
  Object* store = target->entries.as_object();
  store_value(cx, store, 2 * target->used, key);
  store_value(cx, store, 2 * target->used + 1, value);
  TableIndex* index = as_index(target->index);
  index->slots()[slot] = (tag_of(hash) & ~(index->capacity - 1)) | ++target->used;
  ++target->live;
}

bool table_remove(Context& cx, Value table, Value key) {
  std::uint64_t hash;
  std::uint32_t slot;
  const std::uint32_t entry = find_entry(cx, table, key, hash, slot);
  if (entry == kAbsent) return false;
  Value* entries = entries_of(table);
  entries[2 * entry] = Value::unset();
  entries[2 * entry + 1] = Value::nil();
  --as_table(table)->live;
  return true;
}

bool TableCursor::next(Value& key, Value& value) {
  const Table* table = as_table(table_);
  const Value* entries = table->entries.as_object()->slots(0);
  while (at_ < table->used) {
    key = entries[2 * at_];
    value = entries[2 * at_ + 1];
    ++at_;
    if (!key.is_unset()) return true;
  }
  return false;
}

}  // namespace sx
