// The values of a commit between the request and the store's answer, which shows them as they were
// given instead of reading their texts back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/value/root_list.h"

namespace sx {

// Values that the store's answer will need: each has its place until then.
class WaitingValues {
 public:
  explicit WaitingValues(Heap& heap) : values_(heap) {}

  std::size_t keep(Value v) {
    if (free_.empty()) {
      values_.push(v);
      return values_.size() - 1;
    }
    const std::size_t at = free_.back();
    free_.pop_back();
    values_[at] = v;
    return at;
  }
  Value at(std::size_t place) const { return values_.data()[place]; }
  void release(std::size_t place) {
    values_[place] = Value::nil();
    free_.push_back(place);
  }

 private:
  RootList values_;
  std::vector<std::size_t> free_;
};

// An event on its way to the store: the places of its values.
struct SentEvent {
  std::size_t type = 0, data = 0;
  std::int64_t at_ms = 0;
};
// The events of one op of a commit; of none for ops that append nothing.
struct SentOp {
  std::string stream;
  std::vector<SentEvent> events;
};

// Whether a value that prints and reads back as data is the same as what is read: nothing in it is
// mutable or computed later. False also for what is too large to look through.
bool is_plain(Value v);

}  // namespace sx
