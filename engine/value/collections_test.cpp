// The collections against models from the standard library, with random operations, with and
// without a collector that moves every object at every allocation.
#include "engine/value/collections.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/base/utf8.h"
#include "engine/value/builder.h"
#include "engine/value/root_list.h"

using namespace sx;

namespace {

struct World {
  explicit World(bool stress = false, std::uint64_t seed = 42) : cx(config(stress), seed) {}
  static HeapConfig config(bool stress) {
    HeapConfig c;
    c.stress = stress;
    c.nursery_bytes = std::size_t{256} << 10;
    return c;
  }
  unsigned pick(unsigned n) { return static_cast<unsigned>(random() % n); }

  Context cx;
  std::mt19937_64 random{11};
};

Value integer(std::int64_t n) { return Value::small_int(n); }

// A key by number: keywords, integers, strings, floats, lists and vectors, all different.
Value make_key(World& w, unsigned n) {
  const std::string name = "key" + std::to_string(n);
  switch (n % 6) {
    case 0:
      return w.cx.keyword(name);
    case 1:
      return integer(n);
    case 2:
      return make_string(w.cx, name);
    case 3:
      return Value::from_double(n + 0.5);
    case 4: {
      const Value parts[] = {integer(n), w.cx.keyword("x")};
      return make_list(w.cx, parts);
    }
    default: {
      Root text(w.cx.heap, make_string(w.cx, name));
      const Value parts[] = {text, Value::nil()};
      return make_vector(w.cx, parts);
    }
  }
}

using Model = std::vector<std::pair<unsigned, int>>;  // key number → value, in insertion order

Model::iterator model_find(Model& model, unsigned key) {
  return std::find_if(model.begin(), model.end(), [&](const auto& e) { return e.first == key; });
}

void check_dict(World& w, const Root& dict, const Model& model, unsigned keys) {
  REQUIRE(dict_count(dict) == model.size());
  std::map<unsigned, int> by_key(model.begin(), model.end());
  for (unsigned k = 0; k < keys; ++k) {
    const Value key = make_key(w, k);
    const Value found = dict_get(w.cx, dict, key);
    const auto expected = by_key.find(k);
    if (expected == by_key.end()) {
      REQUIRE(found.is_unset());
    } else {
      REQUIRE(found == integer(expected->second));
    }
  }
  DictCursor cursor(w.cx, dict);
  Value key, value;
  for (const auto& entry : model) {
    REQUIRE(cursor.next(key, value));
    REQUIRE(value == integer(entry.second));
  }
  REQUIRE_FALSE(cursor.next(key, value));
}

}  // namespace

TEST_CASE("strings index by code point, short and long, ASCII and not") {
  World w;
  const std::string units[] = {"a", "é", "漢", "😀"};
  for (const unsigned length : {0u, 1u, 63u, 64u, 65u, 66u, 128u, 129u, 193u, 1000u, 5000u}) {
    for (const bool ascii : {true, false}) {
      std::string text;
      std::vector<std::uint32_t> offsets;
      for (unsigned i = 0; i < length; ++i) {
        offsets.push_back(static_cast<std::uint32_t>(text.size()));
        text += ascii ? "x" : units[w.pick(4)];
      }
      offsets.push_back(static_cast<std::uint32_t>(text.size()));
      Root s(w.cx.heap, make_string(w.cx, text));
      w.cx.heap.collect_full();
      REQUIRE(as_string(s)->view() == text);
      REQUIRE(as_string(s)->char_len == length);
      for (unsigned i = 0; i <= length; ++i) {
        REQUIRE(string_offset(as_string(s), i) == offsets[i]);
        REQUIRE(string_index(as_string(s), offsets[i]) == i);
      }
    }
  }
}

TEST_CASE("random access to a long non-ASCII string is not linear in its length") {
  World w;
  std::string text;
  for (int i = 0; i < 2'000'000; ++i) text += "é";
  Root s(w.cx.heap, make_string(w.cx, text));
  // 2,000,000 accesses of up to 4 MB each would take minutes if each scanned from the start.
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < 2'000'000; ++i) sum += string_offset(as_string(s), 1'999'999 - i);
  CHECK(sum == 2'000'000ull * 1'999'999ull);
}

TEST_CASE("vectors agree with std::vector under random operations") {
  for (const bool stress : {false, true}) {
    World w(stress);
    for (int round = 0; round < (stress ? 4 : 30); ++round) {
      std::vector<std::int64_t> model;
      RootList start(w.cx.heap);
      const unsigned initial = round % 3 ? w.pick(stress ? 1100 : 3000) : 0;
      for (unsigned i = 0; i < initial; ++i) {
        model.push_back(i);
        start.push(integer(i));
      }
      Root v(w.cx.heap, make_vector_rooted(w.cx, start.data(), initial));
      Root old(w.cx.heap, v.get());
      const std::vector<std::int64_t> old_model = model;
      const unsigned operations = stress ? 600 : 6000;
      // Growing and shrinking in turns crosses the borders of leaves and levels both ways.
      const unsigned growth = 2 + w.pick(7);
      for (unsigned i = 0; i < operations; ++i) {
        const unsigned choice = w.pick(10);
        if (choice < growth) {
          model.push_back(i);
          v = vector_push(w.cx, v, integer(i));
        } else if (choice < 9 && !model.empty()) {
          model.pop_back();
          v = vector_pop(w.cx, v);
        } else if (!model.empty()) {
          const unsigned at = w.pick(static_cast<unsigned>(model.size()));
          model[at] = -static_cast<std::int64_t>(i);
          v = vector_set(w.cx, v, at, integer(model[at]));
        }
        REQUIRE(vector_count(v) == model.size());
      }
      for (unsigned i = 0; i < model.size(); ++i) REQUIRE(vector_get(v, i) == integer(model[i]));
      // Persistence: the first version is what it was.
      REQUIRE(vector_count(old) == old_model.size());
      for (unsigned i = 0; i < old_model.size(); ++i)
        REQUIRE(vector_get(old, i) == integer(old_model[i]));
      // The same elements built at once are equal and hash the same.
      RootList all(w.cx.heap);
      for (const std::int64_t n : model) all.push(integer(n));
      Root built(w.cx.heap,
                 make_vector_rooted(w.cx, all.data(), static_cast<std::uint32_t>(all.size())));
      REQUIRE(equal(w.cx, v, built));
      REQUIRE(hash_value(w.cx, v) == hash_value(w.cx, built));
    }
  }
}

TEST_CASE("a vector grows through three levels and shrinks back to nothing") {
  World w;
  Root v(w.cx.heap, empty_vector(w.cx));
  constexpr std::uint32_t kCount = 32 * 32 * 32 + 32 * 32 + 33;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const Value boxed =
        make_list(w.cx, std::vector<Value>{integer(i)});  // young objects as elements
    v = vector_push(w.cx, v, boxed);
  }
  for (std::uint32_t i = 0; i < kCount; ++i) REQUIRE(car(vector_get(v, i)) == integer(i));
  for (std::uint32_t i = kCount; i-- > 0;) {
    REQUIRE(car(vector_get(v, i)) == integer(i));
    v = vector_pop(w.cx, v);
  }
  CHECK(vector_count(v) == 0);
}

TEST_CASE("dicts agree with a model under random operations and keep insertion order") {
  for (const bool stress : {false, true}) {
    World w(stress);
    for (int round = 0; round < (stress ? 5 : 40); ++round) {
      const unsigned keys = round % 4 == 0 ? 12 : stress ? 60 : 400;
      const unsigned removal = 1 + w.pick(6);
      Root dict(w.cx.heap, empty_dict(w.cx));
      Root old(w.cx.heap, dict.get());
      Model model, old_model;
      for (unsigned i = 0; i < (stress ? 150u : 1500u); ++i) {
        // Multiples of six are keywords: small rounds with them alone stay shapes.
        const unsigned k = round % 4 == 0 && round % 8 ? w.pick(keys / 6) * 6 : w.pick(keys);
        const Value key = make_key(w, k);
        const auto at = model_find(model, k);
        if (w.pick(10) < removal) {
          dict = dict_remove(w.cx, dict, key);
          if (at != model.end()) model.erase(at);
        } else {
          dict = dict_put(w.cx, dict, key, integer(i));
          if (at != model.end()) {
            at->second = static_cast<int>(i);
          } else {
            model.push_back({k, static_cast<int>(i)});
          }
        }
        REQUIRE(dict_count(dict) == model.size());
        if (i == 70) {
          old = dict.get();
          old_model = model;
        }
      }
      check_dict(w, dict, model, keys);
      check_dict(w, old, old_model, keys);
      // Equality and hash do not depend on the order, nor on the representation.
      Root other(w.cx.heap, empty_dict(w.cx));
      other = dict_put(w.cx, other, integer(-1), Value::nil());
      std::shuffle(model.begin(), model.end(), w.random);
      for (const auto& [k, value] : model) {
        const Value key = make_key(w, k);
        other = dict_put(w.cx, other, key, integer(value));
      }
      REQUIRE_FALSE(equal(w.cx, dict, other));
      other = dict_remove(w.cx, other, integer(-1));
      REQUIRE(equal(w.cx, dict, other));
      REQUIRE(equal(w.cx, other, dict));
      REQUIRE(hash_value(w.cx, dict) == hash_value(w.cx, other));
      if (model.empty()) continue;
      const Value last_key = make_key(w, model.back().first);
      other = dict_put(w.cx, other, last_key, integer(-5));
      REQUIRE_FALSE(equal(w.cx, dict, other));
    }
  }
}

TEST_CASE("a dict that is filled and emptied does not keep its tombstones") {
  World w;
  Root dict(w.cx.heap, empty_dict(w.cx));
  for (int i = 0; i < 20000; ++i) {
    dict = dict_put(w.cx, dict, integer(i), integer(i));
    if (i >= 10) dict = dict_remove(w.cx, dict, integer(i - 10));
  }
  CHECK(dict_count(dict) == 10);
  const Value entries = static_cast<HashDict*>(dict.get().as_object())->entries;
  CHECK(vector_count(entries) < 64);
  for (int i = 0; i < 20000; ++i)
    REQUIRE(dict_get(w.cx, dict, integer(i)).is_unset() == (i < 19990));
}

TEST_CASE("sets hold each member once, in insertion order") {
  for (const bool stress : {false, true}) {
    World w(stress);
    Root set(w.cx.heap, empty_set(w.cx));
    std::vector<unsigned> model;
    for (int i = 0; i < (stress ? 300 : 4000); ++i) {
      const unsigned k = w.pick(100);
      Root key(w.cx.heap, make_key(w, k));
      const auto at = std::find(model.begin(), model.end(), k);
      REQUIRE(set_contains(w.cx, set, key) == (at != model.end()));
      if (w.pick(3) == 0) {
        set = set_remove(w.cx, set, key);
        if (at != model.end()) model.erase(at);
      } else {
        set = set_add(w.cx, set, key);
        if (at == model.end()) model.push_back(k);
      }
      REQUIRE(set_count(set) == model.size());
    }
    RootList members(w.cx.heap);
    DictCursor cursor(w.cx, set_dict(set));
    Value member, unused;
    while (cursor.next(member, unused)) members.push(member);
    REQUIRE(members.size() == model.size());
    for (std::size_t i = 0; i < model.size(); ++i) {
      const Value expected = make_key(w, model[i]);
      REQUIRE(equal(w.cx, members[i], expected));
    }
    Root reversed(w.cx.heap, empty_set(w.cx));
    for (std::size_t i = members.size(); i-- > 0;) reversed = set_add(w.cx, reversed, members[i]);
    CHECK(equal(w.cx, set, reversed));
    CHECK(hash_value(w.cx, set) == hash_value(w.cx, reversed));
  }
}

TEST_CASE("tables agree with a model under random operations") {
  for (const bool stress : {false, true}) {
    World w(stress);
    Root table(w.cx.heap, make_table(w.cx));
    Model model;
    for (int i = 0; i < (stress ? 800 : 20000); ++i) {
      const unsigned k = w.pick(i % 1000 < 500 ? 40 : 300);
      Root key(w.cx.heap, make_key(w, k));
      const auto at = model_find(model, k);
      const Value found = table_get(w.cx, table, key);
      REQUIRE(found.is_unset() == (at == model.end()));
      if (!found.is_unset()) REQUIRE(car(found) == integer(at->second));
      if (w.pick(5) < 2) {
        REQUIRE(table_remove(w.cx, table, key) == (at != model.end()));
        if (at != model.end()) model.erase(at);
      } else {
        const Value boxed = w.cx.heap.cons(integer(i), Value::nil());
        table_put(w.cx, table, key, boxed);
        if (at != model.end()) {
          at->second = i;
        } else {
          model.push_back({k, i});
        }
      }
      REQUIRE(table_count(table) == model.size());
    }
    TableCursor cursor(table);
    Value key, value;
    for (const auto& entry : model) {
      REQUIRE(cursor.next(key, value));
      REQUIRE(car(value) == integer(entry.second));
    }
    CHECK_FALSE(cursor.next(key, value));
  }
}

TEST_CASE("a table finds mutable objects by identity after they have moved") {
  World w;
  RootList cells(w.cx.heap);
  Root table(w.cx.heap, make_table(w.cx));
  for (int i = 0; i < 200; ++i) {
    cells.push(w.cx.heap.make_cell(Value::nil()));
    table_put(w.cx, table, cells.back(), integer(i));
  }
  w.cx.heap.collect_minor();
  w.cx.heap.collect_full();
  for (int i = 0; i < 200; ++i)
    REQUIRE(table_get(w.cx, table, cells[static_cast<std::size_t>(i)]) == integer(i));
  CHECK_FALSE(equal(w.cx, cells[0], cells[1]));
}

TEST_CASE("arrays grow, shrink and keep young objects alive") {
  for (const bool stress : {false, true}) {
    World w(stress);
    Root array(w.cx.heap, make_array(w.cx, 3, Value::tru()));
    CHECK(array_get(array, 2) == Value::tru());
    std::vector<int> model(3, -1);
    for (int i = 0; i < (stress ? 2000 : 40000); ++i) {
      if (w.pick(3) == 0 && !model.empty()) {
        const Value last = array_pop(array);
        if (model.back() >= 0) REQUIRE(car(last) == integer(model.back()));
        model.pop_back();
      } else if (w.pick(4) == 0 && !model.empty()) {
        const unsigned at = w.pick(static_cast<unsigned>(model.size()));
        const Value boxed = w.cx.heap.cons(integer(i), Value::nil());
        array_set(w.cx, array, at, boxed);
        model[at] = i;
      } else {
        const Value boxed = w.cx.heap.cons(integer(i), Value::nil());
        array_push(w.cx, array, boxed);
        model.push_back(i);
      }
      REQUIRE(array_count(array) == model.size());
    }
    for (std::uint32_t i = 0; i < model.size(); ++i)
      if (model[i] >= 0) REQUIRE(car(array_get(array, i)) == integer(model[i]));
    CHECK(make_array(w.cx, 1u << 29, Value::nil()).is_unset());
  }
}

TEST_CASE("equal values hash alike and unlike values differ") {
  for (const bool stress : {false, true}) {
    World w(stress);
    const unsigned keys = stress ? 24 : 120;
    RootList first(w.cx.heap), second(w.cx.heap);
    for (unsigned k = 0; k < keys; ++k) first.push(make_key(w, k));
    for (unsigned k = 0; k < keys; ++k) second.push(make_key(w, k));
    for (unsigned i = 0; i < keys; ++i)
      for (unsigned j = 0; j < keys; ++j) {
        REQUIRE(equal(w.cx, first[i], second[j]) == (i == j));
        REQUIRE((hash_value(w.cx, first[i]) == hash_value(w.cx, second[j])) == (i == j));
      }
  }
}

TEST_CASE("equality is by content and kind") {
  World w;
  Context& cx = w.cx;
  CHECK_FALSE(equal(cx, integer(1), Value::from_double(1.0)));
  const double nan = std::stod("nan");
  CHECK(equal(cx, Value::from_double(nan), Value::from_double(-nan)));
  CHECK(hash_value(cx, Value::from_double(nan)) == hash_value(cx, Value::raw_double(-nan)));
  CHECK(equal(cx, Value::from_double(0.0), Value::from_double(-0.0)));
  CHECK(hash_value(cx, Value::from_double(0.0)) == hash_value(cx, Value::from_double(-0.0)));
  CHECK_FALSE(equal(cx, Value::nil(), Value::empty_list()));
  CHECK_FALSE(equal(cx, Value::nil(), Value::fals()));
  CHECK_FALSE(equal(cx, cx.symbol("a"), cx.keyword("a")));
  const Value one[] = {integer(1)};
  Root list(cx.heap, make_list(cx, one)), vector(cx.heap, make_vector(cx, one));
  CHECK_FALSE(equal(cx, list, vector));
  Root cell(cx.heap, cx.heap.make_cell(integer(1)));
  const Value other = cx.heap.make_cell(integer(1));
  CHECK_FALSE(equal(cx, cell, other));
  CHECK(equal(cx, cell, cell));
  Root big(cx.heap, make_int(cx, INT64_MAX));
  const Value same = make_int(cx, INT64_MAX);
  CHECK(equal(cx, big, same));
  CHECK(hash_value(cx, big) == hash_value(cx, same));
  // A dotted list is not the list of the same elements.
  Root dotted(cx.heap, cx.heap.cons(integer(1), integer(2)));
  const Value two[] = {integer(1), integer(2)};
  const Value proper = make_list(cx, two);
  CHECK_FALSE(equal(cx, dotted, proper));
  CHECK(hash_value(cx, dotted) != hash_value(cx, proper));
}

TEST_CASE("hashes depend on the key of the process") {
  World a(false, 1), b(false, 2);
  const Value s = make_string(a.cx, "same"), t = make_string(b.cx, "same");
  CHECK(hash_value(a.cx, s) != hash_value(b.cx, t));
  CHECK(hash_value(a.cx, integer(7)) != hash_value(b.cx, integer(7)));
}

TEST_CASE("a million levels of nesting are compared, hashed and ordered without the C++ stack") {
  World w;
  Context& cx = w.cx;
  Root a(cx.heap, Value::nil()), b(cx.heap, Value::nil());
  for (int i = 0; i < 1'000'000; ++i)
    for (Root* v : {&a, &b}) {
      if (i % 4 == 0) {
        const Value inner[] = {*v};
        *v = make_vector(cx, inner);
      } else if (i % 4 == 1) {
        Root dict(cx.heap, empty_dict(cx));
        *v = dict_put(cx, dict, i % 8 == 1 ? cx.keyword("k") : integer(i), *v);
      } else {
        *v = cx.heap.cons(*v, Value::empty_list());
      }
    }
  CHECK(equal(cx, a, b));
  CHECK(hash_value(cx, a) == hash_value(cx, b));
}

TEST_CASE("dicts nested in the keys of dicts are hashed in linear time") {
  World w;
  Context& cx = w.cx;
  Root a(cx.heap, Value::nil()), b(cx.heap, Value::nil());
  for (int i = 0; i < 50'000; ++i)
    for (Root* v : {&a, &b}) {
      Root dict(cx.heap, empty_dict(cx));
      *v = dict_put(cx, dict, *v, integer(1));
    }
  CHECK(equal(cx, a, b));
  CHECK(hash_value(cx, a) == hash_value(cx, b));
}

TEST_CASE("sorting without a comparator has one order for everything it can order") {
  World w;
  Context& cx = w.cx;
  RootList v(cx.heap);
  v.push(Value::from_double(-1.5));
  v.push(integer(1));
  v.push(Value::from_double(1.5));
  v.push(make_int(cx, INT64_MAX));
  v.push(Value::from_double(std::stod("nan")));
  v.push(make_string(cx, "a"));
  v.push(make_string(cx, "ab"));
  v.push(make_string(cx, "é"));
  v.push(cx.keyword("a"));
  v.push(cx.symbol("a"));
  v.push(Value::character('a'));
  v.push(Value::fals());
  v.push(Value::tru());
  v.push(Value::nil());
  v.push(Value::empty_list());
  v.push(make_list(cx, std::vector<Value>{integer(1)}));
  v.push(make_list(cx, std::vector<Value>{integer(1), integer(2)}));
  v.push(make_list(cx, std::vector<Value>{integer(2)}));
  v.push(make_vector(cx, std::vector<Value>{}));
  v.push(make_vector(cx, std::vector<Value>{integer(1), integer(5)}));
  v.push(make_vector(cx, std::vector<Value>{integer(2)}));
  for (std::size_t i = 0; i < v.size(); ++i)
    for (std::size_t j = 0; j < v.size(); ++j)
      CHECK(compare_values(cx, v[i], v[j]) == (i < j ? -1 : i > j ? 1 : 0));
  Root dict(cx.heap, empty_dict(cx));
  CHECK(compare_values(cx, dict, integer(1)) == 2);
  // Deep lists are ordered by what lies deepest.
  Root a(cx.heap, integer(1)), b(cx.heap, integer(2));
  for (int i = 0; i < 200'000; ++i)
    for (Root* r : {&a, &b}) *r = cx.heap.cons(*r, Value::empty_list());
  CHECK(compare_values(cx, a, b) == -1);
  CHECK(compare_values(cx, a, a) == 0);
}

TEST_CASE("builders account for their text and give it back when unreachable") {
  World w;
  const std::size_t before = w.cx.heap.stats().external_bytes;
  {
    Root builder(w.cx.heap, make_builder(w.cx));
    for (int i = 0; i < 1000; ++i) REQUIRE(builder_add(w.cx, builder, "hello "));
    w.cx.heap.collect_full();
    CHECK(builder_text(builder).size() == 6000);
    CHECK(w.cx.heap.stats().external_bytes >= before + 6000);
  }
  w.cx.heap.collect_full();
  CHECK(w.cx.heap.stats().external_bytes == before);
  HeapConfig small;
  small.limit_bytes = std::size_t{4} << 20;
  Context cx(small, 1);
  Root builder(cx.heap, make_builder(cx));
  CHECK_FALSE(builder_add(cx, builder, std::string(std::size_t{8} << 20, 'x')));
  CHECK(builder_text(builder).empty());
}

TEST_CASE(
    "keyword dicts of one literal share a shape and change to a hash dict past the keys a shape "
    "holds") {
  World w;
  Context& cx = w.cx;
  const Field fields[] = {{"a", integer(1)}, {"b", integer(2)}};
  Root x(cx.heap, make_dict(cx, fields));
  Root y(cx.heap, make_dict(cx, fields));
  CHECK(is_kind(x, Kind::ShapeDict));
  CHECK(static_cast<ShapeDict*>(x.get().as_object())->shape ==
        static_cast<ShapeDict*>(y.get().as_object())->shape);
  constexpr int kMore = kShapeKeysMax - 1;  // one more than fits
  for (int i = 0; i < kMore; ++i)
    y = dict_put(cx, y, cx.keyword("k" + std::to_string(i)), integer(i));
  CHECK(is_kind(y, Kind::HashDict));
  for (int i = 0; i < kMore; ++i) y = dict_remove(cx, y, cx.keyword("k" + std::to_string(i)));
  CHECK(is_kind(y, Kind::HashDict));
  CHECK(equal(cx, x, y));
  CHECK(hash_value(cx, x) == hash_value(cx, y));
  y = dict_remove(cx, y, cx.keyword("a"));
  y = dict_remove(cx, y, cx.keyword("b"));
  Root empty(cx.heap, empty_dict(cx));
  CHECK(equal(cx, y, empty));
}
