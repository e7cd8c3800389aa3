// Shapes are found by walking transitions from the empty one, so equal key orders share one id.
#include "engine/value/shape.h"

namespace sx {

ShapeTable::ShapeTable() { shapes_.push_back({kEmpty, 0, {}}); }

std::uint32_t ShapeTable::with_key(std::uint32_t shape, std::uint32_t key) {
  Shape& from = shapes_[shape];
  if (from.next && from.next_key == key) return from.next;
  from.next_key = key;
  const std::uint64_t step = static_cast<std::uint64_t>(shape) << 32 | key;
  if (const auto found = transitions_.find(step); found != transitions_.end())
    return from.next = found->second;
  Shape made = from;
  made.id = static_cast<std::uint32_t>(shapes_.size());
  made.keys[made.count++] = key;
  made.next = 0;
  from.next = made.id;  // before the table grows: `from` is a place in it
  shapes_.push_back(made);
  transitions_.emplace(step, made.id);
  return made.id;
}

std::uint32_t ShapeTable::without(std::uint32_t shape, int slot) {
  const Shape from = shapes_[shape];  // a copy: with_key may grow the table
  std::uint32_t result = kEmpty;
  for (int i = 0; i < from.count; ++i)
    if (i != slot) result = with_key(result, from.keys[i]);
  return result;
}

}  // namespace sx
