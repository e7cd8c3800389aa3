// Persistent vectors: a 32-way trie of full leaves plus a tail of 1…32 elements (Bagwell, Hickey).
// A push copies the tail; every 32nd push also copies one path of the trie. Nodes are exactly as
// large as what they hold.
#include <cstring>

#include "engine/value/collections.h"
#include "engine/value/root_list.h"
#include "engine/value/structure.h"

namespace sx {
namespace {

constexpr std::uint32_t kWidth = 32;
constexpr std::uint32_t kBits = 5;

Value* elements(Value node) { return node.as_object()->slots(0); }
std::uint32_t node_count(Value node) { return node.as_object()->words - 1; }

std::uint32_t tail_offset(const Vector* v) {
  return v->count == 0 ? 0 : (v->count - 1) & ~(kWidth - 1);
}

// A fresh node with room for count elements; the first `copied` are those of source. The node is
// small, hence young: what is stored before the next allocation needs no barrier.
Value copy_node(Context& cx, const Root& source, std::uint32_t count, std::uint32_t copied) {
  Object* node = cx.heap.alloc(Kind::VectorNode, 1 + count);
  std::memcpy(node->slots(0), elements(source), copied * sizeof(Value));
  return Value::object(node);
}

Value node_of_one(Context& cx, const Root& child) {
  Object* node = cx.heap.alloc(Kind::VectorNode, 2);
  node->slots(0)[0] = child;
  return Value::object(node);
}

Value make_header(Context& cx, std::uint32_t count, std::uint32_t shift, const Root& root,
                  const Root& tail) {
  auto* v = static_cast<Vector*>(cx.heap.alloc(Kind::Vector, 4));
  v->count = count;
  v->shift = shift;
  v->root = root;
  v->tail = tail;
  return Value::object(v);
}

// The trie with one more full leaf at the right. Returns the new root and may raise shift.
// `leaves` is how many there are now.
Value push_leaf(Context& cx, const Root& root, std::uint32_t leaves, std::uint32_t& shift,
                const Root& leaf) {
  if (root.get().is_nil()) {
    shift = kBits;
    return node_of_one(cx, leaf);
  }
  // The chain of single-child nodes that has to hang below level `level`.
  Root hanging(cx.heap, leaf);
  const auto wrap_up_to = [&](std::uint32_t level) {
    for (std::uint32_t at = 0; at < level; at += kBits) hanging = node_of_one(cx, hanging);
  };
  if (leaves == (kWidth << (shift - kBits))) {  // full: one level more
    wrap_up_to(shift);
    Object* node = cx.heap.alloc(Kind::VectorNode, 3);
    node->slots(0)[0] = root;
    node->slots(0)[1] = hanging;
    shift += kBits;
    return Value::object(node);
  }
  // Copy the path from the root down to where the leaf goes. Each copied node is stored into the
  // one above it, which may have grown old meanwhile.
  const std::uint32_t index = leaves * kWidth;
  // Level of the lowest node on the right edge that has room.
  std::uint32_t room_level = shift;
  {
    Value node = root;
    for (std::uint32_t level = shift; level >= kBits; level -= kBits) {
      const std::uint32_t slot = (index >> level) & (kWidth - 1);
      room_level = level;
      if (slot >= node_count(node)) break;
      node = elements(node)[slot];
    }
  }
  wrap_up_to(room_level - kBits);
  Root new_root(cx.heap, Value::nil()), parent(cx.heap, Value::nil());
  Root source(cx.heap, root);
  for (std::uint32_t level = shift;; level -= kBits) {
    const std::uint32_t slot = (index >> level) & (kWidth - 1);
    const bool last = level == room_level;
    const std::uint32_t count = node_count(source);
    const Value copy = copy_node(cx, source, last ? count + 1 : count, count);
    if (last) elements(copy)[slot] = hanging;
    if (parent.get().is_nil()) {
      new_root = copy;
    } else {
      elements(parent)[node_count(parent) - 1] = copy;
      cx.heap.write_barrier(parent.get().as_object(), copy);
    }
    if (last) return new_root;
    source = elements(source)[slot];
    parent = copy;
  }
}

// The trie without its last leaf; that leaf is returned in `leaf`. There is at least one.
Value pop_leaf(Context& cx, const Root& root, std::uint32_t leaves, std::uint32_t& shift,
               Root& leaf) {
  const std::uint32_t index = (leaves - 1) * kWidth;
  Value node = root;
  std::uint32_t cut_level = 0;  // the lowest node on the path that keeps a child
  for (std::uint32_t level = shift; level >= kBits; level -= kBits) {
    const std::uint32_t slot = (index >> level) & (kWidth - 1);
    if (slot > 0) cut_level = level;
    node = elements(node)[slot];
  }
  leaf = node;
  if (cut_level == 0) {
    shift = 0;
    return Value::nil();
  }
  // A root left with one child gives way to that child.
  if (cut_level == shift && shift > kBits && ((index >> shift) & (kWidth - 1)) == 1) {
    shift -= kBits;
    return elements(root)[0];
  }
  Root new_root(cx.heap, Value::nil()), parent(cx.heap, Value::nil());
  Root source(cx.heap, root);
  for (std::uint32_t level = shift;; level -= kBits) {
    const std::uint32_t slot = (index >> level) & (kWidth - 1);
    const bool last = level == cut_level;
    const Value copy = copy_node(cx, source, last ? slot : slot + 1, last ? slot : slot + 1);
    if (parent.get().is_nil()) {
      new_root = copy;
    } else {
      elements(parent)[node_count(parent) - 1] = copy;
      cx.heap.write_barrier(parent.get().as_object(), copy);
    }
    if (last) return new_root;
    source = elements(source)[slot];
    parent = copy;
  }
}

}  // namespace

Value empty_vector(Context& cx) {
  auto* v = static_cast<Vector*>(cx.heap.alloc(Kind::Vector, 4));
  v->count = 0;
  v->shift = 0;
  v->root = Value::nil();
  v->tail = Value::nil();
  return Value::object(v);
}

Value make_vector(Context& cx, std::span<const Value> values) {
  if (values.empty()) return empty_vector(cx);
  RootList rooted(cx.heap, values);
  return make_vector_rooted(cx, rooted.data(), static_cast<std::uint32_t>(rooted.size()));
}

Value make_pairs_rooted(Context& cx, const Value* slots, std::uint32_t count) {
  Object* const node = cx.heap.alloc(Kind::VectorNode, 1 + count);
  for (std::uint32_t i = 0; i < count; ++i) node->slots(0)[i] = Value::nil();
  Root tail(cx.heap, Value::object(node));
  for (std::uint32_t i = 0; i < count; ++i) {
    const Value pair = cx.heap.cons(slots[2 * i], slots[2 * i + 1]);
    elements(tail)[i] = pair;
    cx.heap.write_barrier(tail.get().as_object(), pair);
  }
  Root root(cx.heap, Value::nil());
  return make_header(cx, count, 0, root, tail);
}

Value make_vector_rooted(Context& cx, const Value* slots, std::uint32_t count) {
  if (count == 0) return empty_vector(cx);
  const std::uint32_t in_tail = (count - 1) % kWidth + 1;
  const std::uint32_t in_trie = count - in_tail;
  Root root(cx.heap, Value::nil());
  std::uint32_t shift = 0;
  if (in_trie) {
    RootList level(cx.heap);
    level.reserve(in_trie / kWidth);
    for (std::uint32_t at = 0; at < in_trie; at += kWidth) {
      Object* leaf = cx.heap.alloc(Kind::VectorNode, 1 + kWidth);
      std::memcpy(leaf->slots(0), slots + at, kWidth * sizeof(Value));
      level.push(Value::object(leaf));
    }
    do {
      std::size_t kept = 0;
      for (std::size_t at = 0; at < level.size(); at += kWidth) {
        const auto n =
            static_cast<std::uint32_t>(level.size() - at < kWidth ? level.size() - at : kWidth);
        Object* node = cx.heap.alloc(Kind::VectorNode, 1 + n);
        std::memcpy(node->slots(0), level.data() + at, n * sizeof(Value));
        level[kept++] = Value::object(node);
      }
      level.truncate(kept);
      shift += kBits;
    } while (level.size() > 1);
    root = level[0];
  }
  Object* node = cx.heap.alloc(Kind::VectorNode, 1 + in_tail);
  std::memcpy(node->slots(0), slots + in_trie, in_tail * sizeof(Value));
  Root tail(cx.heap, Value::object(node));
  return make_header(cx, count, shift, root, tail);
}

std::uint32_t vector_count(Value v) { return as_vector(v)->count; }

Value vector_get(Value v, std::uint32_t i) {
  const Vector* vector = as_vector(v);
  if (i >= tail_offset(vector)) return elements(vector->tail)[i & (kWidth - 1)];
  Value node = vector->root;
  for (std::uint32_t level = vector->shift; level > 0; level -= kBits)
    node = elements(node)[(i >> level) & (kWidth - 1)];
  return elements(node)[i & (kWidth - 1)];
}

Value vector_push(Context& cx, Value v, Value x) {
  Root vector(cx.heap, v), element(cx.heap, x);
  const std::uint32_t count = as_vector(v)->count;
  std::uint32_t shift = as_vector(v)->shift;
  Root root(cx.heap, as_vector(v)->root), tail(cx.heap, as_vector(v)->tail);
  const std::uint32_t in_tail = count - tail_offset(as_vector(v));
  if (count == 0) {
    tail = node_of_one(cx, element);
  } else if (in_tail < kWidth) {
    tail = copy_node(cx, tail, in_tail + 1, in_tail);
    elements(tail)[in_tail] = element;
  } else {
    root = push_leaf(cx, root, (count - kWidth) / kWidth, shift, tail);
    tail = node_of_one(cx, element);
  }
  return make_header(cx, count + 1, shift, root, tail);
}

Value vector_set(Context& cx, Value v, std::uint32_t i, Value x) {
  Root element(cx.heap, x);
  const std::uint32_t count = as_vector(v)->count, shift = as_vector(v)->shift;
  Root root(cx.heap, as_vector(v)->root), tail(cx.heap, as_vector(v)->tail);
  if (i >= tail_offset(as_vector(v))) {
    const std::uint32_t n = node_count(tail);
    tail = copy_node(cx, tail, n, n);
    elements(tail)[i & (kWidth - 1)] = element;
    return make_header(cx, count, shift, root, tail);
  }
  Root new_root(cx.heap, Value::nil()), parent(cx.heap, Value::nil());
  Root source(cx.heap, root.get());
  std::uint32_t parent_slot = 0;
  for (std::uint32_t level = shift;; level -= kBits) {
    const std::uint32_t slot = (i >> level) & (kWidth - 1);
    const std::uint32_t n = node_count(source);
    const Value copy = copy_node(cx, source, n, n);
    if (level == 0) elements(copy)[slot] = element;
    if (parent.get().is_nil()) {
      new_root = copy;
    } else {
      elements(parent)[parent_slot] = copy;
      cx.heap.write_barrier(parent.get().as_object(), copy);
    }
    if (level == 0) break;
    source = elements(source)[slot];
    parent = copy;
    parent_slot = slot;
  }
  return make_header(cx, count, shift, new_root, tail);
}

Value vector_pop(Context& cx, Value v) {
  const std::uint32_t count = as_vector(v)->count;
  if (count == 1) return empty_vector(cx);
  std::uint32_t shift = as_vector(v)->shift;
  Root root(cx.heap, as_vector(v)->root), tail(cx.heap, as_vector(v)->tail);
  const std::uint32_t in_tail = node_count(tail);
  if (in_tail > 1) {
    tail = copy_node(cx, tail, in_tail - 1, in_tail - 1);
  } else {
    root = pop_leaf(cx, root, (count - 1) / kWidth, shift, tail);
  }
  return make_header(cx, count - 1, shift, root, tail);
}

}  // namespace sx
