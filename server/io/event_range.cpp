#include "server/io/event_range.h"

#include <algorithm>
#include <utility>

namespace sx {

using store::Event;

Result<EventRange> read_range(store::Store& store, const std::string& stream, std::int64_t from,
                              std::int64_t limit, std::uint64_t pos) {
  EventRange range;
  std::uint64_t at = from < 1 ? 1 : static_cast<std::uint64_t>(from);
  while (static_cast<std::int64_t>(range.events.size()) < limit) {
    SX_TRY(store::Slice slice,
           store.read(stream, at, static_cast<std::size_t>(limit) - range.events.size()));
    range.compacted_through = std::max(range.compacted_through, slice.compacted_through);
    for (Event& event : slice.events) {
      if (event.pos > pos) return range;
      at = event.seq + 1;
      range.events.push_back(std::move(event));
    }
    if (!slice.more || slice.events.empty()) break;
  }
  return range;
}

Result<std::vector<Event>> read_all_range(store::Store& store, std::int64_t from,
                                          std::int64_t limit) {
  std::vector<Event> events;
  std::uint64_t at = from < 1 ? 1 : static_cast<std::uint64_t>(from);
  while (static_cast<std::int64_t>(events.size()) < limit) {
    SX_TRY(store::Slice slice, store.read_all(at, static_cast<std::size_t>(limit) - events.size()));
    for (Event& event : slice.events) {
      at = event.pos + 1;
      events.push_back(std::move(event));
    }
    if (!slice.more || slice.events.empty()) break;
  }
  return events;
}

Value behind_gap(Context& cx, const std::string& stream_name, std::uint64_t through, Value events) {
  Root list(cx.heap, events);
  Root stream(cx.heap, make_string(cx, stream_name));
  Root seq(cx.heap, make_uint(cx, through));
  const Field fields[] = {{"compacted", Value::tru()}, {"stream", stream}, {"seq", seq}};
  const Value marker = make_dict(cx, fields);
  return cx.heap.cons(marker, list);
}

}  // namespace sx
