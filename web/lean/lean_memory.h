// What the lean containers share, once for all element types. Defined in lean_memory.cpp.
#pragma once

#include <__config>
#include <cstddef>
#include <cstdint>
#include <iosfwd>

struct sx_lean_buffer {
  void* data = nullptr;
  std::uint32_t size = 0, capacity = 0;
};
// Room for n elements, at least half as many again as before. grow moves the bytes; grown only
// gives the new memory (in b->data) and leaves moving and freeing to the caller.
void sx_lean_grow(sx_lean_buffer* b, std::size_t n, std::size_t element_bytes);
void* sx_lean_grown(sx_lean_buffer* b, std::size_t n, std::size_t element_bytes);
// Exchanges the stretches [from, middle) and [middle, end), given in bytes.
void sx_lean_turn(void* data, std::size_t from, std::size_t middle, std::size_t end);

// Hash tables: chains of nodes behind buckets, and all nodes in the order of their insertion.
struct sx_lean_node {
  sx_lean_node *chain, *before, *after;
  std::size_t hash;
};
struct sx_lean_table {
  sx_lean_node** buckets = nullptr;
  sx_lean_node *first = nullptr, *last = nullptr;
  std::uint32_t size = 0, mask = 0;
};
// The first node of the chain in which nodes of this hash are, or nullptr.
sx_lean_node* sx_lean_chain(const sx_lean_table* t, std::size_t hash);
void sx_lean_link(sx_lean_table* t, sx_lean_node* node, std::size_t hash);
void sx_lean_unlink(sx_lean_table* t, sx_lean_node* node);
