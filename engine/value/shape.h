// Shapes of small dicts: an ordered list of at most 16 keyword keys, interned per VM.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

namespace sx {

// Requests, posts and events have ten to fourteen keys: they stay small dicts.
inline constexpr std::uint32_t kShapeKeysMax = 16;

struct Shape {
  std::uint32_t id;
  std::uint8_t count;
  std::uint32_t keys[kShapeKeysMax];  // keyword ids in insertion order
  // The step taken last: records of one kind grow by the same keys every time.
  std::uint32_t next_key = 0, next = 0;
  // The slot of a key, or -1.
  int slot_of(std::uint32_t key) const {
    for (int i = 0; i < count; ++i)
      if (keys[i] == key) return i;
    return -1;
  }
};

class ShapeTable {
 public:
  ShapeTable();
  static constexpr std::uint32_t kEmpty = 0;  // the shape of {}
  const Shape& operator[](std::uint32_t id) const { return shapes_[id]; }
  // The shape with one more key. key must not be in it, and its count be below kShapeKeysMax.
  std::uint32_t with_key(std::uint32_t shape, std::uint32_t key);
  // The shape without its i-th key.
  std::uint32_t without(std::uint32_t shape, int slot);

 private:
  std::deque<Shape> shapes_;
  std::unordered_map<std::uint64_t, std::uint32_t> transitions_;  // (shape, key) → shape
};

}  // namespace sx
