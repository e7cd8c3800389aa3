// Constants as bytes: round trips of random values, exact bytes, and refusals.
#include "engine/bytecode/constant.h"

#include <doctest/doctest.h>

#include <random>

#include "engine/bytecode/bytes.h"
#include "engine/bytecode/disasm.h"
#include "engine/value/collections.h"

using namespace sx;

namespace {

struct Generator {
  Generator(Context& cx, unsigned seed) : cx(cx), random(seed) {}
  Context& cx;
  std::mt19937_64 random;
  std::uint64_t pick(std::uint64_t n) { return random() % n; }

  std::string text() {
    static const char* const parts[] = {"a", "", "\u00E9", "\U0001F600", "name", "\"", "\n", "x y"};
    std::string out;
    for (std::uint64_t n = pick(4); n > 0; --n) out += parts[pick(8)];
    return out;
  }

  Value atom() {
    switch (pick(12)) {
      case 0:
        return Value::nil();
      case 1:
        return Value::boolean(pick(2) == 0);
      case 2:
        return Value::empty_list();
      case 3:
        return make_int(cx, static_cast<std::int64_t>(random()) >> pick(64));
      case 4: {
        Root n(cx.heap, make_uint(cx, random()));
        for (std::uint64_t i = pick(5); i > 0; --i) n = num_mul(cx, n, n);
        return pick(2) == 0 ? n.get() : num_sub(cx, Value::small_int(0), n);
      }
      case 5: {
        std::uint64_t bits = random();
        double d;
        std::memcpy(&d, &bits, sizeof d);
        return Value::from_double(d);
      }
      case 6:
        return make_string(cx, text());
      case 7: {
        const std::string s = text();
        return make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()});
      }
      case 8:
        return Value::character(pick(2) == 0 ? 0x10FFFF : 'q');
      case 9:
        return cx.symbol(text());
      case 10:
        return cx.keyword(text());
      default: {
        Root s(cx.heap, make_string(cx, text()));
        auto* raw = static_cast<RawMarkup*>(cx.heap.alloc(Kind::Raw, 2));
        raw->text = s;
        return Value::object(raw);
      }
    }
  }

  Value value(int depth) {
    if (depth == 0 || pick(3) == 0) return atom();
    Root out(cx.heap, Value::nil());
    const std::uint64_t count = pick(25) == 0 ? pick(80) : pick(5);
    switch (pick(4)) {
      case 0:
        out = pick(4) == 0 ? value(0) : Value::empty_list();
        for (std::uint64_t i = 0; i < count; ++i) {
          const Value v = value(depth - 1);
          out = cx.heap.cons(v, out);
        }
        break;
      case 1:
        out = empty_vector(cx);
        for (std::uint64_t i = 0; i < count; ++i) {
          const Value v = value(depth - 1);
          out = vector_push(cx, out, v);
        }
        break;
      case 2:
        out = empty_dict(cx);
        for (std::uint64_t i = 0; i < count; ++i) {
          Root key(cx.heap, pick(2) == 0 ? cx.keyword(text()) : value(depth - 1));
          const Value v = value(depth - 1);
          out = dict_put(cx, out, key, v);
        }
        break;
      default:
        out = empty_set(cx);
        for (std::uint64_t i = 0; i < count; ++i) {
          const Value v = value(depth - 1);
          out = set_add(cx, out, v);
        }
        break;
    }
    return out;
  }
};

std::string bytes_of(const Context& cx, Value v) {
  Result<std::string> r = encode_constant(cx, v);
  REQUIRE(r.ok());
  return r.take();
}

}  // namespace

TEST_CASE("random values come back equal, with the same bytes, in the heap and as statics") {
  for (const bool stress : {false, true}) {
    HeapConfig config;
    config.stress = stress;
    Context cx(config, 99);
    Generator make(cx, 7);
    for (int i = 0; i < (stress ? 60 : 2000); ++i) {
      Root v(cx.heap, make.value(3));
      const std::string bytes = bytes_of(cx, v);
      REQUIRE(check_constant(bytes).ok());
      Result<Value> moved = decode_constant(cx, bytes, false);
      REQUIRE(moved.ok());
      Root back(cx.heap, moved.value());
      REQUIRE(equal(cx, v, back));
      REQUIRE(bytes_of(cx, back) == bytes);
      Result<Value> fixed = decode_constant(cx, bytes, true);
      REQUIRE(fixed.ok());
      const Value constant = fixed.value();
      if (constant.is_object()) REQUIRE((constant.as_object()->gc & kGcStatic) != 0);
      cx.heap.collect_minor();
      REQUIRE(equal(cx, v, constant));
      REQUIRE(hash_value(cx, v) == hash_value(cx, constant));
    }
    cx.heap.collect_full();
  }
}

TEST_CASE("the bytes of a constant are fixed for ever") {
  Context cx({}, 1);
  CHECK(bytes_of(cx, Value::nil()) == std::string("\0", 1));
  CHECK(bytes_of(cx, Value::small_int(-3)) == "\x04\x05");
  CHECK(bytes_of(cx, Value::small_int(300)) == "\x04\xD8\x04");
  CHECK(bytes_of(cx, make_string(cx, "h\u00E9")) == "\x07\x03h\xC3\xA9");
  CHECK(bytes_of(cx, cx.keyword("ab")) ==
        "\x0B\x02"
        "ab");
  CHECK(bytes_of(cx, cx.heap.cons(Value::tru(), Value::empty_list())) == "\x0C\x01\x02");
  CHECK(bytes_of(cx, cx.heap.cons(Value::tru(), Value::tru())) == "\x0D\x01\x02\x02");
  CHECK(bytes_of(cx, Value::raw_double(1.5)) == std::string("\x06\0\0\0\0\0\0\xF8\x3F", 9));
}

TEST_CASE("the least and greatest 64-bit integers are plain, the next ones big") {
  Context cx({}, 1);
  const std::int64_t least = INT64_MIN, greatest = INT64_MAX;
  CHECK(bytes_of(cx, make_int(cx, least))[0] == '\x04');
  CHECK(bytes_of(cx, make_int(cx, greatest))[0] == '\x04');
  CHECK(bytes_of(cx, make_uint(cx, std::uint64_t{1} << 63))[0] == '\x05');
  Root below(cx.heap, num_sub(cx, make_int(cx, least), Value::small_int(1)));
  const std::string bytes = bytes_of(cx, below);
  CHECK(bytes[0] == '\x05');
  CHECK(equal(cx, decode_constant(cx, bytes, false).value(), below));
}

TEST_CASE("a value without fixed content is refused by the name of its type") {
  Context cx({}, 1);
  const Result<std::string> cell = encode_constant(cx, cx.heap.make_cell(Value::nil()));
  REQUIRE_FALSE(cell.ok());
  CHECK(cell.error().message.find("type cell") != std::string::npos);
  Root array(cx.heap, make_array(cx, 2, Value::nil()));
  const Result<std::string> inside = encode_constant(cx, cx.heap.cons(array, Value::empty_list()));
  REQUIRE_FALSE(inside.ok());
  CHECK(inside.error().message.find("type array") != std::string::npos);
}

TEST_CASE("a constant nested 300,000 deep needs no C++ stack") {
  Context cx({}, 1);
  Root v(cx.heap, Value::nil());
  for (int i = 0; i < 300000; ++i) v = cx.heap.cons(v, Value::empty_list());
  const std::string bytes = bytes_of(cx, v);
  const Result<Value> back = decode_constant(cx, bytes, true);
  REQUIRE(back.ok());
  CHECK(bytes_of(cx, back.value()) == bytes);
}

TEST_CASE("every cut, every unknown tag and every ill-formed payload is refused") {
  Context cx({}, 1);
  Generator make(cx, 21);
  for (int i = 0; i < 100; ++i) {
    Root v(cx.heap, make.value(3));
    const std::string bytes = bytes_of(cx, v);
    const std::size_t step = bytes.size() / 500 + 1;
    for (std::size_t cut = 0; cut < bytes.size(); cut += step)
      if (check_constant(std::string_view(bytes).substr(0, cut)).ok())
        FAIL("accepted a cut constant");
    CHECK_FALSE(check_constant(bytes + '\0').ok());
  }
  using namespace std::string_literals;
  for (const std::string& bad :
       {"\x12"s, "\xFF"s, "\x04\x80\x00"s, "\x07\x01\xFF"s, "\x09\x80\xB0\x03"s, "\x0C\x00"s,
        "\x06\x01\0\0\0\0\0\xF8\x7F"s, "\x06\0\0\0\0\0\0\xFA\xFF"s, "\x05\x00\x01\x01\0\0\0"s,
        "\x05\x02\x03\x01\0\0\0\x01\0\0\0\x01\0\0\0"s, "\x05\x00\x03\x01\0\0\0\x01\0\0\0\0\0\0\0"s,
        "\x0E\xFF\xFF\xFF\xFF\x0F\x00"s, "\x0F\x01\x00"s})
    CHECK_FALSE(check_constant(bad).ok());
}

TEST_CASE("random bytes are refused or decode to a value, never more") {
  Context cx({}, 1);
  std::mt19937_64 random(3);
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string bytes;
    for (std::uint64_t n = random() % 12 + 1; n > 0; --n)
      bytes.push_back(static_cast<char>(random() % 3 == 0 ? random() : random() % 18));
    if (!check_constant(bytes).ok()) continue;
    ++accepted;
    REQUIRE(decode_constant(cx, bytes, false).ok());
    if (bytes.size() > 2) REQUIRE(constant_text(bytes).find("malformed") == std::string::npos);
  }
  CHECK(accepted > 1000);
}
