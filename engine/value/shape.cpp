// Shapes are found by walking transitions from the empty one, so equal key orders share one id.
#include "engine/value/shape.h"

namespace sx {

ShapeTable::ShapeTable() { shapes_.push_back({kEmpty, 0, {}}); }

std::uint32_t ShapeTable::with_key(std::uint32_t shape, std::uint32_t key) {
  const std::uint64_t step = static_cast<std::uint64_t>(shape) << 32 | key;
  if (const auto found = transitions_.find(step); found != transitions_.end()) return found->second;
  Shape next = shapes_[shape];
  next.id = static_cast<std::uint32_t>(shapes_.size());
  next.keys[next.count++] = key;
  shapes_.push_back(next);
  transitions_.emplace(step, next.id);
  return next.id;
}

std::uint32_t ShapeTable::without(std::uint32_t shape, int slot) {
  const Shape from = shapes_[shape];  // a copy: with_key may grow the table
  std::uint32_t result = kEmpty;
  for (int i = 0; i < from.count; ++i)
    if (i != slot) result = with_key(result, from.keys[i]);
  return result;
}

}  // namespace sx
