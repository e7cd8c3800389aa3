// Equality by content. Iterative: pairs of parts still to be compared wait on an explicit stack.
//
// Structure that is shared many times over (x, (list x x), a list of two of those, …) has more
// paths than memory has bytes. A comparison that goes on for long therefore joins what it has begun
// to compare into classes (union-find): two objects of one class need no second look, because the
// whole comparison fails at the first difference anyhow.
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/value/collections.h"
#include "engine/value/structure.h"

namespace sx {
namespace {

enum class Quick { No, Yes, Structure };

// Decides without looking into compounds.
Quick quick_equal(Value a, Value b) {
  if (a == b) return Quick::Yes;
  if (a.is_double() && b.is_double()) {
    const double x = a.as_double(), y = b.as_double();
    return x == y || (x != x && y != y) ? Quick::Yes : Quick::No;
  }
  if (!a.is_object() || !b.is_object()) return Quick::No;
  const Object* x = a.as_object();
  const Object* y = b.as_object();
  if (x->kind != y->kind && !(is_dict(a) && is_dict(b))) return Quick::No;
  switch (x->kind) {
    case Kind::String: {
      const auto* s = static_cast<const String*>(x);
      const auto* t = static_cast<const String*>(y);
      if (s->byte_len != t->byte_len) return Quick::No;
      if (s->hash && t->hash && s->hash != t->hash) return Quick::No;
      return std::memcmp(s->data(), t->data(), s->byte_len) == 0 ? Quick::Yes : Quick::No;
    }
    case Kind::Bytes: {
      const auto* s = static_cast<const Bytes*>(x);
      const auto* t = static_cast<const Bytes*>(y);
      if (s->byte_len != t->byte_len) return Quick::No;
      return std::memcmp(s->data(), t->data(), s->byte_len) == 0 ? Quick::Yes : Quick::No;
    }
    case Kind::BigInt: {
      const auto* m = static_cast<const BigInt*>(x);
      const auto* n = static_cast<const BigInt*>(y);
      if (m->limb_count != n->limb_count || m->negative != n->negative) return Quick::No;
      return std::memcmp(m->limbs(), n->limbs(), m->limb_count * sizeof(std::uint32_t)) == 0
                 ? Quick::Yes
                 : Quick::No;
    }
    case Kind::Primitive:
      return static_cast<const PrimitiveObject*>(x)->index ==
                     static_cast<const PrimitiveObject*>(y)->index
                 ? Quick::Yes
                 : Quick::No;
    default:
      return is_compound(a) ? Quick::Structure : Quick::No;
  }
}

// Below this many steps a comparison is not slowed down by remembering.
constexpr std::size_t kStepsBeforeJoining = std::size_t{1} << 16;

class Comparison {
 public:
  explicit Comparison(const Context& cx) : cx_(cx) {}
  // Comparing changes no value, but it is work.
  ~Comparison() { const_cast<Context&>(cx_).charge(steps_ * 8); }

  bool run(Value a, Value b) {
    waiting_.push_back({a, b});
    while (!waiting_.empty()) {
      const auto [x, y] = waiting_.back();
      waiting_.pop_back();
      if (steps_ > kStepsBeforeJoining && joined(x.as_object(), y.as_object())) continue;
      if (!parts(x, y)) return false;
    }
    return true;
  }

 private:
  const Object* class_of(const Object* x) {
    while (true) {
      const auto found = parent_.find(x);
      if (found == parent_.end()) return x;
      const auto above = parent_.find(found->second);
      if (above != parent_.end()) found->second = above->second;  // halves the path
      x = found->second;
    }
  }
  // Are the two of one class already? If not, some are from now on: enough to cut all paths short,
  // and plain deep data stays cheap.
  bool joined(const Object* x, const Object* y) {
    const Object* a = class_of(x);
    const Object* b = class_of(y);
    if (a == b) return true;
    if (some_.next()) parent_.emplace(a, b);
    return false;
  }

  // False when the two differ for certain; what needs a closer look is put on the stack.
  bool compare(Value a, Value b) {
    ++steps_;
    switch (quick_equal(a, b)) {
      case Quick::No:
        return false;
      case Quick::Yes:
        return true;
      case Quick::Structure:
        waiting_.push_back({a, b});
    }
    return true;
  }

  bool slots(const Object* a, const Object* b) {
    if (a->words != b->words) return false;
    const std::uint32_t prefix = kind_info(a->kind).prefix_words;
    for (std::uint32_t i = 0; i + prefix + 1 < a->words; ++i)
      if (!compare(a->slots(prefix)[i], b->slots(prefix)[i])) return false;
    return true;
  }

  bool parts(Value a, Value b) {
    const Object* x = a.as_object();
    const Object* y = b.as_object();
    switch (x->kind) {
      case Kind::Pair:
        while (true) {
          if (!compare(car(a), car(b))) return false;
          a = cdr(a);
          b = cdr(b);
          if (a == b) return true;
          if (!is_pair(a) || !is_pair(b)) return compare(a, b);
          // Now and then, so that plain long lists stay cheap.
          if (steps_ > kStepsBeforeJoining && steps_ % 8 == 0 &&
              joined(a.as_object(), b.as_object()))
            return true;
        }
      case Kind::Vector: {
        const std::uint32_t count = vector_count(a);
        if (count != vector_count(b)) return false;
        for (std::uint32_t i = 0; i < count; ++i)
          if (!compare(vector_get(a, i), vector_get(b, i))) return false;
        return true;
      }
      case Kind::ShapeDict:
      case Kind::HashDict:
        return dicts(a, b);
      case Kind::Record:
        return static_cast<const Record*>(x)->type == static_cast<const Record*>(y)->type &&
               slots(x, y);
      case Kind::Template:
        return static_cast<const Template*>(x)->info_bits ==
                   static_cast<const Template*>(y)->info_bits &&
               slots(x, y);
      case Kind::Handle:
        return static_cast<const Handle*>(x)->id == static_cast<const Handle*>(y)->id &&
               slots(x, y);
      default:
        return slots(x, y);  // Set, Raw
    }
  }

  bool dicts(Value a, Value b) {
    if (dict_count(a) != dict_count(b)) return false;
    const Object* x = a.as_object();
    const Object* y = b.as_object();
    if (x->kind == Kind::ShapeDict && y->kind == Kind::ShapeDict &&
        static_cast<const ShapeDict*>(x)->shape == static_cast<const ShapeDict*>(y)->shape)
      return slots(x, y);
    if (x->kind == Kind::HashDict && y->kind == Kind::HashDict) {
      const std::uint32_t h = static_cast<const HashDict*>(x)->reserved;
      const std::uint32_t k = static_cast<const HashDict*>(y)->reserved;
      if (h && k && h != k) return false;
    }
    DictCursor cursor(cx_, a);
    Value key, value;
    while (cursor.next(key, value)) {
      if (y->kind == Kind::ShapeDict) {
        if (!key.is_keyword()) return false;
        const auto* dict = static_cast<const ShapeDict*>(y);
        const int slot = cx_.shapes[dict->shape].slot_of(key.id());
        if (slot < 0 || !compare(value, dict->values()[slot])) return false;
        continue;
      }
      // Hashing only fills caches in the objects.
      const std::uint64_t hash = hash_value(const_cast<Context&>(cx_), key);
      DictCandidate candidate;
      if (!hash_dict_candidate(cx_, static_cast<const HashDict*>(y), key, hash, candidate))
        return false;
      if (!compare(key, candidate.key) || !compare(value, candidate.value)) return false;
    }
    return true;
  }

  const Context& cx_;
  std::vector<std::pair<Value, Value>> waiting_;
  std::size_t steps_ = 0;
  OneInEight some_;
  std::unordered_map<const Object*, const Object*> parent_;
};

}  // namespace

bool equal(const Context& cx, Value a, Value b) {
  const Quick quick = quick_equal(a, b);
  if (quick != Quick::Structure) return quick == Quick::Yes;
  return Comparison(cx).run(a, b);
}

}  // namespace sx
