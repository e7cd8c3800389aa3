// The order that `sort` uses when no comparator is given.
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/hash.h"
#include "engine/value/collections.h"
#include "engine/value/structure.h"

namespace sx {
namespace {

constexpr int kUnordered = 2;

int sign_of(int n) { return n < 0 ? -1 : n > 0 ? 1 : 0; }

// Different ranks are ordered by rank; -1: cannot be ordered.
int rank(Value v) {
  if (is_number(v)) return 0;
  if (is_string(v)) return 1;
  if (v.is_keyword()) return 2;
  if (v.is_symbol()) return 3;
  if (v.is_char()) return 4;
  if (v.is_bool()) return 5;
  if (v.is_nil()) return 6;
  if (is_pair(v) || v.is_empty_list()) return 7;
  if (is_vector(v)) return 8;
  return -1;
}

// NaN comes after every other number, so that sorting has a definite result.
int compare_numbers(Value a, Value b) {
  const int order = num_compare(a, b);
  if (order != kUnordered) return order;
  const auto is_nan = [](Value v) { return v.is_double() && v.as_double() != v.as_double(); };
  return is_nan(a) - is_nan(b);
}

// Sequences that are being walked in step. A list is replaced by its rest; a vector is indexed.
struct Walk {
  Value a, b;
  std::uint32_t at = 0;
};

// Pairs of sequences whose comparison has begun. Elements are walked in order and to the end, so
// whoever meets such a pair again knows it to be equal: shared structure is compared once.
class Begun {
 public:
  bool meet(Value a, Value b) {
    if (++steps_ < kStepsBefore) return false;
    const std::uint64_t key = hash_int(a.bits, b.bits);
    const auto known = pairs_.find(key);
    if (known != pairs_.end()) return known->second.first == a && known->second.second == b;
    // Some of them are enough to cut all paths short, and plain deep data stays cheap.
    if (some_.next()) pairs_.emplace(key, std::pair(a, b));
    return false;
  }

 private:
  static constexpr std::size_t kStepsBefore = std::size_t{1} << 16;
  std::size_t steps_ = 0;
  OneInEight some_;
  std::unordered_map<std::uint64_t, std::pair<Value, Value>> pairs_;
};

int compare_leaves(const Context& cx, int kind, Value a, Value b) {
  switch (kind) {
    case 0:
      return compare_numbers(a, b);
    case 1:
      return sign_of(as_string(a)->view().compare(as_string(b)->view()));
    case 2:
    case 3:
      return sign_of(cx.symbols.name(a.id()).compare(cx.symbols.name(b.id())));
    case 4:
      return a.id() < b.id() ? -1 : a.id() > b.id();
    case 5:
      return static_cast<int>(a.truthy()) - static_cast<int>(b.truthy());
    default:
      return 0;
  }
}

}  // namespace

int compare_values(const Context& cx, Value a, Value b) {
  std::vector<Walk> walks;
  Begun begun;
  while (true) {
    const int kind = rank(a), other = rank(b);
    if (kind < 0 || other < 0) return a == b ? 0 : kUnordered;
    if (kind != other) return kind < other ? -1 : 1;
    if (kind < 7) {
      if (const int order = compare_leaves(cx, kind, a, b)) return order;
    } else if (a == b) {
      // Nothing to tell apart.
    } else if (!begun.meet(a, b)) {
      walks.push_back({a, b});
    }
    // On to the next pair of elements.
    while (true) {
      if (walks.empty()) return 0;
      Walk& walk = walks.back();
      if (is_vector(walk.a)) {
        const std::uint32_t n = vector_count(walk.a), m = vector_count(walk.b);
        if (walk.at < n && walk.at < m) {
          a = vector_get(walk.a, walk.at);
          b = vector_get(walk.b, walk.at);
          ++walk.at;
          break;
        }
        if (n != m) return n < m ? -1 : 1;
        walks.pop_back();
      } else if (is_pair(walk.a) && is_pair(walk.b)) {
        a = car(walk.a);
        b = car(walk.b);
        walk.a = cdr(walk.a);
        walk.b = cdr(walk.b);
        break;
      } else if (is_pair(walk.a) || is_pair(walk.b)) {
        return is_pair(walk.b) ? -1 : 1;
      } else {  // both at their end: () or the tails of dotted lists
        a = walk.a;
        b = walk.b;
        walks.pop_back();
        if (a.is_empty_list() && b.is_empty_list()) continue;
        break;
      }
    }
  }
}

}  // namespace sx
