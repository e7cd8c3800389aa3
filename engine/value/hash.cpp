// Hashing by content, keyed per process. Iterative: an explicit stack of the compounds that are
// being hashed, so depth costs memory, never C++ stack. Dicts and sets do not depend on the order
// of their entries. A HashDict remembers its hash, so keys nested in keys stay linear; a hash that
// takes long remembers those of all compounds, so that shared structure is walked once.
#include "engine/base/hash.h"

#include <unordered_map>
#include <vector>

#include "engine/value/collections.h"
#include "engine/value/structure.h"

namespace sx {
namespace {

enum Seed : std::uint64_t {
  kSeedDouble = 0x11,
  kSeedBytes = 0x22,
  kSeedBigInt = 0x33,
  kSeedIdentity = 0x44,
  kSeedPrimitive = 0x55,
  kSeedDict = 0x66,
};

std::uint64_t hash_leaf(Context& cx, Value v) {
  const std::uint64_t seed = cx.hash_seed;
  if (v.is_double()) {
    const double d = v.as_double();
    // 0.0 and -0.0 are equal, and so are all NaNs.
    const std::uint64_t bits = d == 0 ? 0 : Value::from_double(d).bits;
    return hash_int(bits, seed + kSeedDouble);
  }
  if (!v.is_object()) return hash_int(v.bits, seed);
  Object* object = v.as_object();
  switch (object->kind) {
    case Kind::String: {
      auto* s = static_cast<String*>(object);
      if (s->hash == 0) {
        const std::uint64_t h = hash_bytes(s->view(), seed);
        cx.charge(s->byte_len);
        s->hash = h ? h : 1;
      }
      return s->hash;
    }
    case Kind::Bytes: {
      auto* b = static_cast<Bytes*>(object);
      if (b->hash == 0) {
        const std::uint64_t h = hash_bytes(b->data(), b->byte_len, seed + kSeedBytes);
        cx.charge(b->byte_len);
        b->hash = h ? h : 1;
      }
      return b->hash;
    }
    case Kind::BigInt: {
      const auto* big = static_cast<const BigInt*>(object);
      return hash_bytes(big->limbs(), big->limb_count * sizeof(std::uint32_t),
                        seed + kSeedBigInt + big->negative);
    }
    case Kind::Primitive:
      return hash_int(static_cast<PrimitiveObject*>(object)->index, seed + kSeedPrimitive);
    default:
      return hash_int(cx.heap.identity_hash(object), seed + kSeedIdentity);
  }
}

// Below this many parts nothing but the hashes of dicts is remembered.
constexpr std::size_t kStepsBeforeRemembering = std::size_t{1} << 14;

// One compound being hashed. For a dict, `pending` is the value that follows the key being hashed.
struct Frame {
  Object* whole;
  Value rest;  // the compound; for a list the part still to do, unset when nothing is left
  Kind kind;
  bool in_key = false;
  std::uint32_t at = 0;
  std::uint64_t sum;
  std::uint64_t key_hash = 0;
  Value pending = Value::unset();
};

Frame open_frame(Context& cx, Value v) {
  Frame f;
  f.whole = v.as_object();
  f.rest = v;
  f.kind = v.as_object()->kind;
  if (f.kind == Kind::HashDict) f.kind = Kind::ShapeDict;  // one hash for both
  f.sum = hash_int(static_cast<std::uint64_t>(f.kind), cx.hash_seed);
  if (f.kind == Kind::ShapeDict) f.sum = 0;
  if (f.kind == Kind::Template)
    f.sum = hash_combine(f.sum, static_cast<Template*>(v.as_object())->info_bits);
  if (f.kind == Kind::Handle) f.sum = hash_combine(f.sum, static_cast<Handle*>(v.as_object())->id);
  return f;
}

// The next part to hash, or false when the compound is done.
bool next_part(const Context& cx, Frame& f, Value& part) {
  Object* object = f.rest.is_object() ? f.rest.as_object() : nullptr;
  switch (f.kind) {
    case Kind::Pair:
      if (is_pair(f.rest)) {
        part = car(f.rest);
        f.rest = cdr(f.rest);
        return true;
      }
      if (f.rest.is_unset() || f.rest.is_empty_list()) return false;
      part = f.rest;  // the end of a dotted list
      f.rest = Value::unset();
      f.sum = hash_mix(f.sum);
      return true;
    case Kind::Vector:
      if (f.at >= static_cast<Vector*>(object)->count) return false;
      part = vector_get(f.rest, f.at++);
      return true;
    case Kind::ShapeDict: {
      if (!f.pending.is_unset()) {
        part = f.pending;
        f.pending = Value::unset();
        return true;
      }
      DictCursor cursor(cx, f.rest, f.at);
      if (!cursor.next(part, f.pending)) return false;
      f.at = cursor.position();
      f.in_key = true;
      return true;
    }
    case Kind::Template:
      if (f.at >= static_cast<Template*>(object)->hole_count()) return false;
      part = static_cast<Template*>(object)->holes()[f.at++];
      return true;
    default: {  // Set, Record, Raw, Handle: all slots
      const std::uint32_t prefix = kind_info(f.kind).prefix_words;
      if (f.at + prefix + 1 >= object->words) return false;
      part = object->slots(prefix)[f.at++];
      return true;
    }
  }
}

void absorb(Frame& f, std::uint64_t h) {
  if (f.kind != Kind::ShapeDict) {
    f.sum = hash_combine(f.sum, h);
  } else if (f.in_key) {
    f.key_hash = h;
    f.in_key = false;
  } else {
    f.sum += hash_combine(f.key_hash, h);
  }
}

// The hash of a compound that already is known.
bool known_hash(const Context& cx, Value v, std::uint64_t& h) {
  if (!is_kind(v, Kind::HashDict)) return false;
  const std::uint32_t word = static_cast<HashDict*>(v.as_object())->reserved;
  if (word == 0) return false;
  h = hash_int(word, cx.hash_seed + kSeedDict);
  return true;
}

std::uint64_t close_frame(const Context& cx, const Frame& f) {
  if (f.kind != Kind::ShapeDict) return f.sum;
  const std::uint32_t word = dict_hash_word(hash_combine(dict_count(f.rest), f.sum));
  if (is_kind(f.rest, Kind::HashDict)) static_cast<HashDict*>(f.rest.as_object())->reserved = word;
  return hash_int(word, cx.hash_seed + kSeedDict);
}

}  // namespace

std::uint64_t hash_value(Context& cx, Value v) {
  if (!is_compound(v)) return hash_leaf(cx, v);
  std::uint64_t h;
  if (known_hash(cx, v, h)) return h;
  std::vector<Frame> outer;
  std::unordered_map<const Object*, std::uint64_t> done;
  std::size_t steps = 0;
  Frame frame = open_frame(cx, v);
  while (true) {
    Value part;
    if (next_part(cx, frame, part)) {
      --cx.fuel;
      ++steps;
      if (!is_compound(part)) {
        absorb(frame, hash_leaf(cx, part));
      } else if (known_hash(cx, part, h)) {
        absorb(frame, h);
      } else if (const auto known = done.find(part.as_object()); known != done.end()) {
        absorb(frame, known->second);
      } else {
        outer.push_back(frame);
        frame = open_frame(cx, part);
      }
      continue;
    }
    h = close_frame(cx, frame);
    if (outer.empty()) return h;
    if (steps > kStepsBeforeRemembering) done.emplace(frame.whole, h);
    frame = outer.back();
    outer.pop_back();
    absorb(frame, h);
  }
}

}  // namespace sx
