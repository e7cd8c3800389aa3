// The table behind unordered_map and unordered_set of the kernel.
#pragma once

#include <functional>
#include <initializer_list>
#include <iterator>
#include <new>
#include <type_traits>
#include <utility>

#include "lean_memory.h"

_LIBCPP_BEGIN_NAMESPACE_STD

// V is what a node holds; KeyOf finds the key in it.
template <class K, class V, class KeyOf, class Hash, class Equal>
class lean_hash {
 public:
  struct node : sx_lean_node {
    template <class... Args>
    explicit node(Args&&... args) : value(std::forward<Args>(args)...) {}
    V value;
  };
  template <class R>
  struct basic_iterator {
    using iterator_category = forward_iterator_tag;
    using value_type = V;
    using difference_type = ptrdiff_t;
    using pointer = R*;
    using reference = R&;
    sx_lean_node* at = nullptr;
    basic_iterator() = default;
    explicit basic_iterator(sx_lean_node* n) : at(n) {}
    operator basic_iterator<const V>() const { return basic_iterator<const V>(at); }
    R& operator*() const { return static_cast<node*>(at)->value; }
    R* operator->() const { return &static_cast<node*>(at)->value; }
    basic_iterator& operator++() {
      at = at->after;
      return *this;
    }
    basic_iterator operator++(int) {
      basic_iterator old = *this;
      at = at->after;
      return old;
    }
    friend bool operator==(basic_iterator a, basic_iterator b) { return a.at == b.at; }
    friend bool operator!=(basic_iterator a, basic_iterator b) { return a.at != b.at; }
  };
  using iterator = basic_iterator<V>;
  using const_iterator = basic_iterator<const V>;
  using value_type = V;
  using key_type = K;

  lean_hash() = default;
  lean_hash(const lean_hash& o) { copy(o); }
  lean_hash(lean_hash&& o) noexcept : t_(o.t_) { o.t_ = {}; }
  lean_hash(initializer_list<V> list) {
    for (const V& v : list) add(v);
  }
  template <class Iterator>
  lean_hash(Iterator from, Iterator to) {
    for (; from != to; ++from) insert(*from);
  }
  ~lean_hash() {
    clear();
    free(t_.buckets);
  }
  lean_hash& operator=(const lean_hash& o) {
    if (this != &o) {
      clear();
      copy(o);
    }
    return *this;
  }
  lean_hash& operator=(lean_hash&& o) noexcept {
    std::swap(t_, o.t_);
    return *this;
  }

  size_t size() const { return t_.size; }
  bool empty() const { return t_.size == 0; }
  iterator begin() { return iterator(t_.first); }
  iterator end() { return iterator(); }
  const_iterator begin() const { return const_iterator(t_.first); }
  const_iterator end() const { return const_iterator(); }
  void reserve(size_t) {}
  iterator find(const K& key) { return iterator(look(key, Hash()(key))); }
  const_iterator find(const K& key) const { return const_iterator(look(key, Hash()(key))); }
  size_t count(const K& key) const { return look(key, Hash()(key)) == nullptr ? 0 : 1; }
  bool contains(const K& key) const { return count(key) != 0; }
  template <class U>
  pair<iterator, bool> insert(U&& v) {
    return add(std::forward<U>(v));
  }
  pair<iterator, bool> insert(V&& v) { return add(std::move(v)); }
  template <class... Args>
  pair<iterator, bool> emplace(Args&&... args) {
    return add(std::forward<Args>(args)...);
  }
  size_t erase(const K& key) {
    sx_lean_node* found = look(key, Hash()(key));
    if (found == nullptr) return 0;
    remove(found);
    return 1;
  }
  iterator erase(iterator it) { return remove(it.at); }
  iterator erase(const_iterator it) { return remove(it.at); }
  void clear() {
    while (t_.first != nullptr) remove(t_.first);
  }
  void swap(lean_hash& o) { std::swap(t_, o.t_); }

 protected:
  sx_lean_node* look(const K& key, size_t hash) const {
    for (sx_lean_node* at = sx_lean_chain(&t_, hash); at != nullptr; at = at->chain)
      if (at->hash == hash && Equal()(KeyOf()(static_cast<node*>(at)->value), key)) return at;
    return nullptr;
  }
  template <class... Args>
  pair<iterator, bool> add(Args&&... args) {
    node* made = new node(std::forward<Args>(args)...);
    const K& key = KeyOf()(made->value);
    const size_t hash = Hash()(key);
    if (sx_lean_node* found = look(key, hash)) {
      delete made;
      return {iterator(found), false};
    }
    sx_lean_link(&t_, made, hash);
    return {iterator(made), true};
  }

 private:
  iterator remove(sx_lean_node* n) {
    iterator next(n->after);
    sx_lean_unlink(&t_, n);
    delete static_cast<node*>(n);
    return next;
  }
  void copy(const lean_hash& o) {
    for (const V& v : o) add(v);
  }
  sx_lean_table t_;
};

_LIBCPP_END_NAMESPACE_STD
