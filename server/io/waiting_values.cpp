#include "server/io/waiting_values.h"

#include "engine/value/collections.h"

namespace sx {

bool is_plain(Value v) {
  constexpr std::size_t kObjectsMax = 4096;
  std::vector<const Object*> left;
  std::size_t seen = 0;
  const auto look = [&](Value each) {
    if (!each.is_object()) return true;
    switch (each.as_object()->kind) {
      case Kind::String:
      case Kind::Bytes:
      case Kind::BigInt:
        return true;
      case Kind::Pair:
      case Kind::Vector:
      case Kind::VectorNode:
      case Kind::ShapeDict:
      case Kind::HashDict:
      case Kind::TrieNode:
      case Kind::Set:
        left.push_back(each.as_object());
        return ++seen <= kObjectsMax;
      default:
        return false;
    }
  };
  if (!look(v)) return false;
  while (!left.empty()) {
    const Object* object = left.back();
    left.pop_back();
    const std::size_t prefix = kind_layout(object->kind).prefix_words;
    for (std::size_t i = 0; i + 1 + prefix < object->words; ++i)
      if (!look(object->slots(prefix)[i])) return false;
  }
  return true;
}

}  // namespace sx
