// The values of events that are read again and again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sx.h"
#include "engine/value/root_list.h"
#include "server/store/store.h"

namespace sx {

// Values made of events, so that an event read again is not parsed again. The store is asked each
// time and everything it says of the event is compared, so nothing here can be out of date. Values
// are immutable, so performers may share them. A place for each of the last few thousand events:
// neighbours in a stream have neighbouring places, and the last one who comes stays.
class EventCache {
 public:
  // Reads of more than this at once are no pages but folds: nobody repeats them at once.
  static constexpr std::size_t kReadMax = 256;

  explicit EventCache(Context& cx) : values_(cx.heap) {}

  // The value made of this very event of this stream, or unset.
  Value find(std::string_view stream, const store::EventView& event) const {
    if (slots_.empty()) return Value::unset();
    const std::size_t at = place(stream, event.seq);
    const Slot& slot = slots_[at];
    if (slot.pos != event.pos || slot.seq != event.seq || slot.at_ms != event.at_ms ||
        slot.stream_bytes != stream.size() || slot.type_bytes != event.type.size() ||
        slot.texts.size() != stream.size() + event.type.size() + event.data.size())
      return Value::unset();
    const std::string_view texts = slot.texts;
    const bool same = texts.substr(0, stream.size()) == stream &&
                      texts.substr(stream.size(), event.type.size()) == event.type &&
                      texts.substr(stream.size() + event.type.size()) == event.data;
    return same ? values_.data()[at] : Value::unset();
  }

  void keep(std::string_view stream, const store::EventView& event, Value value) {
    const std::size_t bytes = stream.size() + event.type.size() + event.data.size();
    if (bytes > kBytesMax / 256) return;
    if (slots_.empty() || bytes_ + bytes > kBytesMax) {
      // Begin anew rather than keep count of what was used when.
      slots_.assign(kPlaces, {});
      values_.truncate(0);
      values_.truncate(kPlaces);
      bytes_ = 0;
    }
    const std::size_t at = place(stream, event.seq);
    Slot& slot = slots_[at];
    bytes_ += bytes;
    bytes_ -= slot.texts.size();
    slot.pos = event.pos;
    slot.seq = event.seq;
    slot.at_ms = event.at_ms;
    slot.stream_bytes = stream.size();
    slot.type_bytes = event.type.size();
    slot.texts.clear();
    slot.texts.append(stream).append(event.type).append(event.data);
    values_[at] = value;
  }

 private:
  static constexpr std::size_t kPlaces = 4096;
  static constexpr std::size_t kBytesMax = std::size_t{4} << 20;

  struct Slot {
    std::uint64_t pos = 0;  // 0: nothing
    std::uint64_t seq = 0;
    std::int64_t at_ms = 0;
    std::size_t stream_bytes = 0, type_bytes = 0;
    std::string texts;  // stream, type, data
  };

  static std::size_t place(std::string_view stream, std::uint64_t seq) {
    return (std::hash<std::string_view>{}(stream) + seq) % kPlaces;
  }

  std::vector<Slot> slots_;
  RootList values_;
  std::size_t bytes_ = 0;
};

}  // namespace sx
