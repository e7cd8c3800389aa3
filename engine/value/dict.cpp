// Persistent dicts. Small ones with keyword keys are a shape and an array of values; all others are
// a persistent vector of entries in insertion order and a hash trie from key to entry index.
// Removing leaves a tombstone in the vector; when more than half are dead, the dict is rebuilt.
// As long as the entries are few they are looked through one by one and there is no trie.
#include <cstring>

#include "engine/value/collections.h"
#include "engine/value/root_list.h"
#include "engine/value/structure.h"

namespace sx {
namespace {

// --- The trie ----------------------------------------------------------------------------------
// A node has a bitmap of leaves and one of children, five bits of the hash per level. Below the
// last level, keys with the same 64-bit hash share a node without bitmaps: all its slots are
// leaves. A leaf is a small integer: 16 bits of the hash, then the index of the entry.

constexpr std::uint32_t kBits = 5;
constexpr std::uint32_t kCollisionShift = 65;
constexpr std::uint32_t kScannedMax = 12;  // entries of a dict without a trie; all in one node

struct TrieNode : Object {
  std::uint32_t leaves, children;
  Value* slots() { return reinterpret_cast<Value*>(this + 1); }
  std::uint32_t slot_count() const { return words - 2; }
  std::uint32_t leaf_slot(std::uint32_t bit) const {
    return static_cast<std::uint32_t>(__builtin_popcount(leaves & (bit - 1)));
  }
  std::uint32_t child_slot(std::uint32_t bit) const {
    return static_cast<std::uint32_t>(__builtin_popcount(leaves) +
                                      __builtin_popcount(children & (bit - 1)));
  }
};

TrieNode* as_node(Value v) { return static_cast<TrieNode*>(v.as_object()); }

Value make_leaf(std::uint64_t hash, std::uint32_t index) {
  return {Value::tagged(Tag::Int, (hash >> 48) << 32 | index)};
}
std::uint32_t leaf_index(Value leaf) { return static_cast<std::uint32_t>(leaf.bits); }
bool leaf_may_match(Value leaf, std::uint64_t hash) {
  return ((leaf.bits >> 32) & 0xFFFF) == hash >> 48;
}

std::uint32_t bit_at(std::uint64_t hash, std::uint32_t shift) {
  return 1u << ((hash >> shift) & 31);
}

// A node that holds what source holds, with one more slot at `gap` (unset until filled).
Value copy_with_gap(Context& cx, const Root& source, std::uint32_t gap) {
  const std::uint32_t count = as_node(source)->slot_count();
  auto* node = static_cast<TrieNode*>(cx.heap.alloc(Kind::TrieNode, 2 + count + 1));
  TrieNode* from = as_node(source);
  node->leaves = from->leaves;
  node->children = from->children;
  std::memcpy(node->slots(), from->slots(), gap * sizeof(Value));
  node->slots()[gap] = Value::unset();
  std::memcpy(node->slots() + gap + 1, from->slots() + gap, (count - gap) * sizeof(Value));
  return Value::object(node);
}

Value copy_without(Context& cx, const Root& source, std::uint32_t slot) {
  const std::uint32_t count = as_node(source)->slot_count();
  auto* node = static_cast<TrieNode*>(cx.heap.alloc(Kind::TrieNode, 2 + count - 1));
  TrieNode* from = as_node(source);
  node->leaves = from->leaves;
  node->children = from->children;
  std::memcpy(node->slots(), from->slots(), slot * sizeof(Value));
  std::memcpy(node->slots() + slot, from->slots() + slot + 1, (count - slot - 1) * sizeof(Value));
  return Value::object(node);
}

Value copy_node(Context& cx, const Root& source) {
  const std::uint32_t words = as_node(source)->words;
  Object* node = cx.heap.alloc(Kind::TrieNode, words);
  std::memcpy(node->raw(), as_node(source)->raw(), (words - 1) * sizeof(std::uint64_t));
  return Value::object(node);
}

// Hands a freshly copied path from the root down, one level at a time.
class PathCopy {
 public:
  explicit PathCopy(Context& cx)
      : cx_(cx), root_(cx.heap, Value::nil()), parent_(cx.heap, Value::nil()) {}
  // node goes where the path has led so far.
  void place(Value node) {
    if (parent_.get().is_nil()) {
      root_ = node;
    } else {
      as_node(parent_)->slots()[slot_] = node;
      cx_.heap.write_barrier(parent_.get().as_object(), node);
    }
  }
  // The next node to be placed goes into this slot of `node`.
  void descend(Value node, std::uint32_t slot) {
    parent_ = node;
    slot_ = slot;
  }
  Value root() const { return root_; }

 private:
  Context& cx_;
  Root root_, parent_;
  std::uint32_t slot_ = 0;
};

// A subtree from level `shift` on that holds two leaves.
Value node_of_two(Context& cx, std::uint32_t shift, std::uint64_t hash_a, Value leaf_a,
                  std::uint64_t hash_b, Value leaf_b) {
  std::uint32_t split = shift;
  while (split < kCollisionShift && bit_at(hash_a, split) == bit_at(hash_b, split)) split += kBits;
  auto* bottom = static_cast<TrieNode*>(cx.heap.alloc(Kind::TrieNode, 4));
  bottom->children = 0;
  if (split == kCollisionShift) {
    bottom->leaves = 0;
    bottom->slots()[0] = leaf_a;
    bottom->slots()[1] = leaf_b;
  } else {
    const std::uint32_t a = bit_at(hash_a, split), b = bit_at(hash_b, split);
    bottom->leaves = a | b;
    bottom->slots()[0] = a < b ? leaf_a : leaf_b;
    bottom->slots()[1] = a < b ? leaf_b : leaf_a;
  }
  Root tree(cx.heap, Value::object(bottom));
  while (split > shift) {
    split -= kBits;
    auto* node = static_cast<TrieNode*>(cx.heap.alloc(Kind::TrieNode, 3));
    node->leaves = 0;
    node->children = bit_at(hash_a, split);
    node->slots()[0] = tree;
    tree = Value::object(node);
  }
  return tree;
}

Value entry_key(const Root& entries, std::uint32_t index) {
  return car(vector_get(entries, index));
}

// The trie with a leaf for a key that is not in it yet.
Value trie_insert(Context& cx, const Root& root, const Root& entries, std::uint64_t hash,
                  std::uint32_t index) {
  const Value leaf = make_leaf(hash, index);
  if (root.get().is_nil()) {
    auto* node = static_cast<TrieNode*>(cx.heap.alloc(Kind::TrieNode, 3));
    node->leaves = bit_at(hash, 0);
    node->children = 0;
    node->slots()[0] = leaf;
    return Value::object(node);
  }
  PathCopy path(cx);
  Root source(cx.heap, root);
  for (std::uint32_t shift = 0;; shift += kBits) {
    if (shift == kCollisionShift) {
      const std::uint32_t end = as_node(source)->slot_count();
      const Value node = copy_with_gap(cx, source, end);
      as_node(node)->slots()[end] = leaf;
      path.place(node);
      return path.root();
    }
    const std::uint32_t bit = bit_at(hash, shift);
    if (as_node(source)->children & bit) {
      const Value node = copy_node(cx, source);
      path.place(node);
      const std::uint32_t slot = as_node(node)->child_slot(bit);
      path.descend(node, slot);
      source = as_node(source)->slots()[slot];
      continue;
    }
    if (!(as_node(source)->leaves & bit)) {
      const std::uint32_t slot = as_node(source)->leaf_slot(bit);
      const Value node = copy_with_gap(cx, source, slot);
      as_node(node)->leaves |= bit;
      as_node(node)->slots()[slot] = leaf;
      path.place(node);
      return path.root();
    }
    // Another key's leaf sits here: both move one level down.
    const Value other = as_node(source)->slots()[as_node(source)->leaf_slot(bit)];
    const std::uint64_t other_hash = hash_value(cx, entry_key(entries, leaf_index(other)));
    Root pair(cx.heap, node_of_two(cx, shift + kBits, other_hash, other, hash, leaf));
    const Value node = copy_node(cx, source);
    TrieNode* n = as_node(node);
    const std::uint32_t from = n->leaf_slot(bit);
    n->leaves &= ~bit;
    const std::uint32_t to = n->child_slot(bit);
    std::memmove(n->slots() + from, n->slots() + from + 1, (to - from) * sizeof(Value));
    n->children |= bit;
    n->slots()[to] = pair;
    path.place(node);
    return path.root();
  }
}

// The trie without the leaf of entry `index`, which is in it. Nodes may be left empty: they are
// dropped when the dict is rebuilt.
Value trie_remove(Context& cx, const Root& root, std::uint64_t hash, std::uint32_t index) {
  PathCopy path(cx);
  Root source(cx.heap, root);
  for (std::uint32_t shift = 0;; shift += kBits) {
    if (shift == kCollisionShift) {
      std::uint32_t slot = 0;
      while (leaf_index(as_node(source)->slots()[slot]) != index) ++slot;
      path.place(copy_without(cx, source, slot));
      return path.root();
    }
    const std::uint32_t bit = bit_at(hash, shift);
    if (as_node(source)->leaves & bit) {
      const Value node = copy_without(cx, source, as_node(source)->leaf_slot(bit));
      as_node(node)->leaves &= ~bit;
      path.place(node);
      return path.root();
    }
    const Value node = copy_node(cx, source);
    path.place(node);
    const std::uint32_t slot = as_node(node)->child_slot(bit);
    path.descend(node, slot);
    source = as_node(source)->slots()[slot];
  }
}

// The trie of all live entries of a vector of entries.
Value trie_of(Context& cx, const Root& entries) {
  Root root(cx.heap, Value::nil());
  const std::uint32_t count = vector_count(entries);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Value entry = vector_get(entries, i);
    if (!entry.is_unset()) root = trie_insert(cx, root, entries, hash_value(cx, car(entry)), i);
  }
  return root;
}

// --- Hash dicts --------------------------------------------------------------------------------

HashDict* as_hash_dict(Value v) { return static_cast<HashDict*>(v.as_object()); }

Value make_hash_dict(Context& cx, std::uint32_t live, const Root& root, const Root& entries) {
  auto* dict = static_cast<HashDict*>(cx.heap.alloc(Kind::HashDict, 4));
  dict->live = live;
  dict->reserved = 0;
  dict->root = root;
  dict->entries = entries;
  return Value::object(dict);
}

bool find(Context& cx, Value dict, Value key, std::uint64_t hash, DictCandidate& out) {
  return hash_dict_candidate(cx, as_hash_dict(dict), key, hash, out) && equal(cx, key, out.key);
}

Value hash_dict_put(Context& cx, Value d, Value k, Value v) {
  Root key(cx.heap, k), value(cx.heap, v);
  Root root(cx.heap, as_hash_dict(d)->root), entries(cx.heap, as_hash_dict(d)->entries);
  const std::uint32_t live = as_hash_dict(d)->live;
  const std::uint64_t hash = hash_value(cx, k);
  DictCandidate found;
  if (find(cx, d, k, hash, found)) {
    if (found.value == v) return d;
    // The key that was first stays.
    const Value pair = cx.heap.cons(found.key, value);
    entries = vector_set(cx, entries, found.index, pair);
    return make_hash_dict(cx, live, root, entries);
  }
  const std::uint32_t index = vector_count(entries);
  if (root.get().is_nil() && index >= kScannedMax) root = trie_of(cx, entries);
  if (!root.get().is_nil()) root = trie_insert(cx, root, entries, hash, index);
  const Value pair = cx.heap.cons(key, value);
  entries = vector_push(cx, entries, pair);
  return make_hash_dict(cx, live + 1, root, entries);
}

// A dict of the live entries of a vector of entries.
Value rebuild(Context& cx, const Root& old_entries, std::uint32_t live) {
  RootList kept(cx.heap);
  kept.reserve(live);
  const std::uint32_t count = vector_count(old_entries);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Value entry = vector_get(old_entries, i);
    if (!entry.is_unset()) kept.push(entry);
  }
  Root entries(cx.heap,
               make_vector_rooted(cx, kept.data(), static_cast<std::uint32_t>(kept.size())));
  Root root(cx.heap, kept.size() > kScannedMax ? trie_of(cx, entries) : Value::nil());
  return make_hash_dict(cx, live, root, entries);
}

Value hash_dict_remove(Context& cx, Value d, Value key) {
  const std::uint64_t hash = hash_value(cx, key);
  DictCandidate found;
  if (!find(cx, d, key, hash, found)) return d;
  const std::uint32_t live = as_hash_dict(d)->live - 1;
  if (live == 0) return empty_dict(cx);
  Root root(cx.heap, as_hash_dict(d)->root), entries(cx.heap, as_hash_dict(d)->entries);
  if (found.index + 1 == vector_count(entries)) {
    entries = vector_pop(cx, entries);
  } else {
    entries = vector_set(cx, entries, found.index, Value::unset());
  }
  const std::uint32_t count = vector_count(entries);
  if (count > 16 && live < count / 2) return rebuild(cx, entries, live);
  if (!root.get().is_nil()) root = trie_remove(cx, root, hash, found.index);
  return make_hash_dict(cx, live, root, entries);
}

// --- Shape dicts -------------------------------------------------------------------------------

ShapeDict* as_shape_dict(Value v) { return static_cast<ShapeDict*>(v.as_object()); }

// A fresh dict of this shape whose first `copied` values are those of source.
ShapeDict* copy_shape_dict(Context& cx, const Root& source, std::uint32_t shape,
                           std::uint32_t copied) {
  auto* dict = static_cast<ShapeDict*>(cx.heap.alloc(Kind::ShapeDict, 2u + cx.shapes[shape].count));
  dict->shape = shape;
  dict->reserved = 0;
  std::memcpy(dict->values(), as_shape_dict(source)->values(), copied * sizeof(Value));
  return dict;
}

Value to_hash_dict(Context& cx, const Root& source) {
  Root entries(cx.heap, empty_vector(cx)), root(cx.heap, Value::nil());
  const Shape& shape = cx.shapes[as_shape_dict(source)->shape];
  for (std::uint32_t i = 0; i < shape.count; ++i) {
    const Value key = Value::keyword(shape.keys[i]);
    const Value pair = cx.heap.cons(key, as_shape_dict(source)->values()[i]);
    entries = vector_push(cx, entries, pair);
  }
  return make_hash_dict(cx, shape.count, root, entries);
}

Value shape_dict_put(Context& cx, Value d, Value key, Value v) {
  Root dict(cx.heap, d), value(cx.heap, v);
  const std::uint32_t id = as_shape_dict(d)->shape;
  const std::uint32_t count = cx.shapes[id].count;
  if (key.is_keyword()) {
    const int slot = cx.shapes[id].slot_of(key.id());
    if (slot >= 0) {
      ShapeDict* copy = copy_shape_dict(cx, dict, id, count);
      copy->values()[slot] = value;
      return Value::object(copy);
    }
    if (count < kShapeKeysMax) {
      ShapeDict* copy = copy_shape_dict(cx, dict, cx.shapes.with_key(id, key.id()), count);
      copy->values()[count] = value;
      return Value::object(copy);
    }
  }
  Root any_key(cx.heap, key);
  const Value hashed = to_hash_dict(cx, dict);
  return hash_dict_put(cx, hashed, any_key, value);
}

Value shape_dict_remove(Context& cx, Value d, Value key) {
  const std::uint32_t id = as_shape_dict(d)->shape;
  const int slot = key.is_keyword() ? cx.shapes[id].slot_of(key.id()) : -1;
  if (slot < 0) return d;
  Root dict(cx.heap, d);
  const auto at = static_cast<std::uint32_t>(slot);
  const std::uint32_t rest = cx.shapes[id].count - at - 1u;
  ShapeDict* copy = copy_shape_dict(cx, dict, cx.shapes.without(id, slot), at);
  std::memcpy(copy->values() + at, as_shape_dict(dict)->values() + at + 1, rest * sizeof(Value));
  return Value::object(copy);
}

// hash_value, which only fills caches in the objects; that of most strings is there already.
SX_INLINE std::uint64_t quick_hash(const Context& cx, Value v) {
  if (is_string(v) && as_string(v)->hash != 0) return as_string(v)->hash;
  return hash_value(const_cast<Context&>(cx), v);
}

// The same of a dict without a trie.
bool scan_entries(const Context& cx, const HashDict* dict, Value key, std::uint64_t hash,
                  DictCandidate& out) {
  const std::uint32_t count = vector_count(dict->entries);
  if (count == 0) return false;
  const Value* const entries = as_vector(dict->entries)->tail.as_object()->slots(0);
  const bool by_word = !key.is_object() && !key.is_double();
  bool found = false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Value entry = entries[i];
    if (entry.is_unset()) continue;
    const Value k = car(entry);
    if (k != key) {
      if (by_word || (!k.is_object() && !k.is_double())) continue;
      if (quick_hash(cx, k) != hash) continue;
      if (found && !equal(cx, key, k)) continue;
    }
    const bool second = found;
    out = {i, k, cdr(entry)};
    if (k == key || second) return true;
    found = true;
  }
  return found;
}

}  // namespace

bool hash_dict_candidate(const Context& cx, const HashDict* dict, Value key, std::uint64_t hash,
                         DictCandidate& out) {
  if (dict->root.is_nil()) return scan_entries(cx, dict, key, hash, out);
  const auto take = [&](Value leaf) {
    out.index = leaf_index(leaf);
    const Value entry = vector_get(dict->entries, out.index);
    out.key = car(entry);
    out.value = cdr(entry);
  };
  TrieNode* node = as_node(dict->root);
  for (std::uint32_t shift = 0; shift < kCollisionShift; shift += kBits) {
    const std::uint32_t bit = bit_at(hash, shift);
    if (node->leaves & bit) {
      const Value leaf = node->slots()[node->leaf_slot(bit)];
      if (!leaf_may_match(leaf, hash)) return false;
      take(leaf);
      return true;
    }
    if (!(node->children & bit)) return false;
    node = as_node(node->slots()[node->child_slot(bit)]);
  }
  for (std::uint32_t i = 0; i < node->slot_count(); ++i) {
    take(node->slots()[i]);
    if (equal(cx, key, out.key)) return true;
  }
  return false;
}

Value empty_dict(Context& cx) {
  auto* dict = static_cast<ShapeDict*>(cx.heap.alloc(Kind::ShapeDict, 2));
  dict->shape = ShapeTable::kEmpty;
  dict->reserved = 0;
  return Value::object(dict);
}

std::uint32_t dict_count(Value d) {
  if (is_kind(d, Kind::ShapeDict)) return d.as_object()->words - 2;
  return as_hash_dict(d)->live;
}

Value dict_get(Context& cx, Value d, Value key) {
  if (is_kind(d, Kind::ShapeDict)) {
    if (!key.is_keyword()) return Value::unset();
    const int slot = cx.shapes[as_shape_dict(d)->shape].slot_of(key.id());
    return slot < 0 ? Value::unset() : as_shape_dict(d)->values()[slot];
  }
  DictCandidate found;
  return find(cx, d, key, quick_hash(cx, key), found) ? found.value : Value::unset();
}

Value dict_put(Context& cx, Value d, Value key, Value value) {
  if (is_kind(d, Kind::ShapeDict)) return shape_dict_put(cx, d, key, value);
  return hash_dict_put(cx, d, key, value);
}

Value dict_remove(Context& cx, Value d, Value key) {
  if (is_kind(d, Kind::ShapeDict)) return shape_dict_remove(cx, d, key);
  return hash_dict_remove(cx, d, key);
}

bool DictCursor::next(Value& key, Value& value) {
  if (is_kind(dict_, Kind::ShapeDict)) {
    const ShapeDict* dict = as_shape_dict(dict_);
    const Shape& shape = cx_.shapes[dict->shape];
    if (at_ >= shape.count) return false;
    key = Value::keyword(shape.keys[at_]);
    value = dict->values()[at_++];
    return true;
  }
  const Value entries = as_hash_dict(dict_)->entries;
  const std::uint32_t count = vector_count(entries);
  while (at_ < count) {
    const Value entry = vector_get(entries, at_++);
    if (entry.is_unset()) continue;
    key = car(entry);
    value = cdr(entry);
    return true;
  }
  return false;
}

Value make_dict(Context& cx, std::span<const Field> fields) {
  RootList slots(cx.heap);
  for (const Field& field : fields) {
    slots.push(cx.keyword(field.key));
    slots.push(field.value);
  }
  return dict_from_entries(cx, slots.data(), static_cast<std::uint32_t>(fields.size()));
}

namespace {

// Few keys, no two alike, not all of them keywords: such a dict is its entries.
bool is_plain_record(Context& cx, const Value* slots, std::uint32_t count) {
  if (count == 0 || count > kScannedMax) return false;
  std::uint64_t hashes[kScannedMax];
  bool keywords = true;
  for (std::uint32_t i = 0; i < count; ++i) {
    keywords = keywords && slots[2 * i].is_keyword();
    hashes[i] = quick_hash(cx, slots[2 * i]);
    for (std::uint32_t k = 0; k < i; ++k)
      if (hashes[k] == hashes[i]) return false;
  }
  return !keywords;
}

// The shape of a small dict with these keys, keywords of which no two are alike; else kEmpty.
std::uint32_t shape_of_keys(Context& cx, const Value* slots, std::uint32_t count) {
  std::uint32_t shape = ShapeTable::kEmpty;
  if (count > kShapeKeysMax) return shape;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Value key = slots[2 * i];
    if (!key.is_keyword() || cx.shapes[shape].slot_of(key.id()) >= 0) return ShapeTable::kEmpty;
    shape = cx.shapes.with_key(shape, key.id());
  }
  return shape;
}

}  // namespace

Value dict_from_entries(Context& cx, const Value* slots, std::uint32_t count) {
  if (const std::uint32_t shape = shape_of_keys(cx, slots, count)) {
    auto* dict = static_cast<ShapeDict*>(cx.heap.alloc(Kind::ShapeDict, 2 + count));
    dict->shape = shape;
    dict->reserved = 0;
    for (std::uint32_t i = 0; i < count; ++i) dict->values()[i] = slots[2 * i + 1];
    return Value::object(dict);
  }
  if (is_plain_record(cx, slots, count)) {
    Root entries(cx.heap, make_pairs_rooted(cx, slots, count));
    Root root(cx.heap, Value::nil());
    return make_hash_dict(cx, count, root, entries);
  }
  Root dict(cx.heap, empty_dict(cx));
  for (std::uint32_t i = 0; i < count; ++i)
    dict = dict_put(cx, dict, slots[2 * i], slots[2 * i + 1]);
  return dict;
}

}  // namespace sx
