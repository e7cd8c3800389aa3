// RootList: any number of values that the collector sees and updates, for code that builds
// something from many values at once (readers, bulk constructors). A minor collection visits those
// that were added or taken out for writing since the last one.
#pragma once

#include <span>
#include <vector>

#include "engine/gc/heap.h"

namespace sx {

class RootList {
 public:
  explicit RootList(Heap& heap) : heap_(heap) { heap_.add_root_source(&RootList::visit, this); }
  RootList(Heap& heap, std::span<const Value> values)
      : heap_(heap), values_(values.begin(), values.end()) {
    heap_.add_root_source(&RootList::visit, this);
  }
  ~RootList() { heap_.remove_root_source(this); }
  RootList(const RootList&) = delete;
  RootList& operator=(const RootList&) = delete;

  void push(Value v) { values_.push_back(v); }
  Value pop() {
    const Value v = values_.back();
    values_.pop_back();
    settle_below(values_.size());
    return v;
  }
  void truncate(std::size_t size) {
    values_.resize(size, Value::nil());
    settle_below(size);
  }
  void reserve(std::size_t size) { values_.reserve(size); }
  std::size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  Value& operator[](std::size_t i) {
    settle_below(i);
    return values_[i];
  }
  Value& back() { return (*this)[values_.size() - 1]; }
  // The values where they lie: the collector updates them there. Valid until the next push.
  const Value* data() const { return values_.data(); }

 private:
  static void visit(void* owner, Visitor& visitor) {
    auto& list = *static_cast<RootList*>(owner);
    Value* const from = list.values_.data();
    visitor.visit_range(visitor.minor() ? from + list.settled_ : from, from + list.size());
    list.settled_ = list.size();
  }
  void settle_below(std::size_t i) {
    if (i < settled_) settled_ = i;
  }
  Heap& heap_;
  std::vector<Value> values_;
  std::size_t settled_ = 0;  // the first ones have not changed since a collection: none is young
};

}  // namespace sx
