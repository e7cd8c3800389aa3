// Growth of the lean containers and linking of their nodes.
#include "lean_memory.h"

#include <algorithm>
#include <cstdlib>

namespace {

std::size_t room_for(const sx_lean_buffer* b, std::size_t n) {
  const std::size_t more = b->capacity + b->capacity / 2;
  return n < 4 ? 4 : n < more ? more : n;
}
void* must(void* p) {
  if (p == nullptr) __builtin_trap();
  return p;
}
// Hashes of integers are the integers themselves: their low bits alone would cluster.
std::size_t bucket_of(const sx_lean_table* t, std::size_t hash) {
  return ((hash * 2654435769u) >> 7 ^ hash) & t->mask;
}
void put_in_bucket(sx_lean_table* t, sx_lean_node* node) {
  sx_lean_node*& head = t->buckets[bucket_of(t, node->hash)];
  node->chain = head;
  head = node;
}

}  // namespace

void sx_lean_grow(sx_lean_buffer* b, std::size_t n, std::size_t element_bytes) {
  const std::size_t room = room_for(b, n);
  b->data = must(std::realloc(b->data, room * element_bytes));
  b->capacity = static_cast<std::uint32_t>(room);
}

void* sx_lean_grown(sx_lean_buffer* b, std::size_t n, std::size_t element_bytes) {
  const std::size_t room = room_for(b, n);
  b->data = must(std::malloc(room * element_bytes));
  b->capacity = static_cast<std::uint32_t>(room);
  return b->data;
}

void sx_lean_turn(void* data, std::size_t from, std::size_t middle, std::size_t end) {
  char* bytes = static_cast<char*>(data);
  std::rotate(bytes + from, bytes + middle, bytes + end);
}

sx_lean_node* sx_lean_chain(const sx_lean_table* t, std::size_t hash) {
  return t->buckets == nullptr ? nullptr : t->buckets[bucket_of(t, hash)];
}

void sx_lean_link(sx_lean_table* t, sx_lean_node* node, std::size_t hash) {
  if (t->buckets == nullptr || t->size > t->mask) {
    t->mask = t->mask * 2 + (t->mask == 0 ? 7 : 1);
    std::free(t->buckets);
    t->buckets = static_cast<sx_lean_node**>(must(std::calloc(t->mask + 1, sizeof(sx_lean_node*))));
    for (sx_lean_node* at = t->first; at != nullptr; at = at->after) put_in_bucket(t, at);
  }
  node->hash = hash;
  node->after = nullptr;
  node->before = t->last;
  (t->last == nullptr ? t->first : t->last->after) = node;
  t->last = node;
  ++t->size;
  put_in_bucket(t, node);
}

void sx_lean_unlink(sx_lean_table* t, sx_lean_node* node) {
  sx_lean_node** at = &t->buckets[bucket_of(t, node->hash)];
  while (*at != node) at = &(*at)->chain;
  *at = node->chain;
  (node->before == nullptr ? t->first : node->before->after) = node->after;
  (node->after == nullptr ? t->last : node->after->before) = node->before;
  --t->size;
}
