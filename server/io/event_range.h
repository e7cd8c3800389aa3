// Events of a store, slice after slice, as long as more are wanted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/value/collections.h"
#include "server/store/store.h"

namespace sx {

struct EventRange {
  std::vector<store::Event> events;
  std::uint64_t compacted_through = 0;  // > 0: events of the range are gone
};

// The events of a stream from a seq on, as far as they were there when the store stood at `pos`.
Result<EventRange> read_range(store::Store& store, const std::string& stream, std::int64_t from,
                              std::int64_t limit, std::uint64_t pos);

// The events of the whole store from a position on.
Result<std::vector<store::Event>> read_all_range(store::Store& store, std::int64_t from,
                                                 std::int64_t limit);

// The events behind one marker for all up to the seq `through`, whose payloads are gone.
Value behind_gap(Context& cx, const std::string& stream_name, std::uint64_t through, Value events);

}  // namespace sx
