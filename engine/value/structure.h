// What equality, hashing and the dict agree on: which values are compared by content, and how.
// Internal to engine/value.
#pragma once

#include "engine/gc/context.h"

namespace sx {

// Kinds with parts that are values themselves: compared and hashed part by part.
inline bool is_compound(Value v) {
  if (!v.is_object()) return false;
  switch (v.as_object()->kind) {
    case Kind::Pair:
    case Kind::Vector:
    case Kind::ShapeDict:
    case Kind::HashDict:
    case Kind::Set:
    case Kind::Record:
    case Kind::Template:
    case Kind::Raw:
    case Kind::Handle:
      return true;
    default:
      return false;
  }
}

// The entry of a HashDict that can be equal to a key with this hash: there is at most one, up to
// collisions of the whole 64-bit hash, which are told apart with `equal`. Whether the candidate's
// key really is equal is for the caller to find out.
struct DictCandidate {
  std::uint32_t index;
  Value key, value;
};
bool hash_dict_candidate(const Context& cx, const HashDict* dict, Value key, std::uint64_t hash,
                         DictCandidate& out);

// 32 bits of the content hash of a dict, kept in HashDict::reserved once known; 0: not known.
inline std::uint32_t dict_hash_word(std::uint64_t hash) {
  const auto word = static_cast<std::uint32_t>(hash >> 32);
  return word ? word : 1;
}

// True one time in eight, in no rhythm that data could have too.
class OneInEight {
 public:
  bool next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ >> 61 == 0;
  }

 private:
  std::uint64_t state_ = 1;
};

// A vector of 1…32 pairs: of slots[0] and slots[1], and so on. The slots are registers or other
// roots that stay where they are.
Value make_pairs_rooted(Context& cx, const Value* slots, std::uint32_t count);

}  // namespace sx
