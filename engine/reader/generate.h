// Random printable values and random source text, for the tests and the fuzzer of the reader.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include "engine/base/utf8.h"
#include "engine/value/collections.h"
#include "engine/value/root_list.h"

namespace sx {

class ValueGenerator {
 public:
  ValueGenerator(Context& cx, std::uint64_t seed) : cx_(cx), random_(seed), stack_(cx.heap) {}

  // A value with `parts` leaves or so. Built bottom-up on a stack of finished values.
  Value make(unsigned parts) {
    stack_.truncate(0);
    for (unsigned i = 0; i < parts; ++i) {
      stack_.push(leaf());
      while (stack_.size() > 1 && pick(3) == 0) combine();
    }
    while (stack_.size() > 1) combine();
    return stack_[0];
  }
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

 private:
  std::string text() {
    static constexpr const char* kUnits[] = {
        "a",    "Z",    "0",   "9",  " ", "\n",       "\t",
        "\r",   "\"",   "\\",  "|",  "'", "`",        ",",
        "@",    "(",    ")",   "[",  "]", "{",        "}",
        ";",    "#",    ":",   ".",  "-", "+",        "/",
        "~",    "!",    "é",   "漢", "😀", "\xC2\xA0", "\xE2\x80\x8B",
        "\x01", "\x7F", "<",   ">",  "&", "e",        "x",
        "u",    "nil",  "true"};
    std::string out;
    const unsigned n = pick(30) ? pick(8) : pick(300);  // now and then longer than an index step
    for (unsigned i = 0; i < n; ++i) {
      if (pick(40) == 0) {
        out.push_back('\0');
      } else if (pick(6) == 0) {
        utf8_append(out, code_point());
      } else {
        out += kUnits[pick(sizeof kUnits / sizeof *kUnits)];
      }
    }
    return out;
  }

  // Any scalar value: as many from each length of UTF-8.
  std::uint32_t code_point() {
    static constexpr std::uint32_t kEnds[] = {0x80, 0x800, 0x10000, 0x110000};
    const std::uint32_t c = pick(kEnds[pick(4)]);
    return utf8_is_scalar(c) ? c : 'x';
  }

  // Around the borders of the representations, and of any size up to 2,000 bits.
  Value integer() {
    static constexpr int kBorders[] = {7, 8, 15, 31, 32, 46, 47, 48, 62, 63, 64, 127};
    const unsigned bits = pick(3) ? static_cast<unsigned>(kBorders[pick(12)]) : pick(2000);
    Root n(cx_.heap, Value::small_int(1));
    for (unsigned done = 0; done < bits;) {
      const unsigned step = bits - done < 30 ? bits - done : 30;
      n = num_mul(cx_, n, Value::small_int(std::int64_t{1} << step));
      done += step;
    }
    n = num_add(cx_, n, Value::small_int(static_cast<int>(pick(5)) - 2));
    return pick(2) ? n.get() : num_sub(cx_, Value::small_int(0), n);
  }

  // Zeros, subnormals, extremes, neighbours of powers of two and ten, infinities, not a number.
  double float_number() {
    const auto of_bits = [](std::uint64_t bits) {
      double d;
      std::memcpy(&d, &bits, sizeof d);
      return d;
    };
    const std::uint64_t sign = static_cast<std::uint64_t>(pick(2)) << 63;
    switch (pick(8)) {
      case 0:
        return of_bits(sign | (random_() & 0xFFFFFFFFFFFFFu) >> pick(52));  // subnormal or zero
      case 1:
        return of_bits(sign | (0x7FEFFFFFFFFFFFFFu - pick(3)));  // the largest
      case 2:
        return of_bits(sign | static_cast<std::uint64_t>(pick(2047)) << 52) + pick(2);
      case 3:
        return of_bits((sign | static_cast<std::uint64_t>(1 + pick(2045)) << 52) - 1 + pick(3));
      case 4:
        return pick(3) ? of_bits(sign | 0x7FF0000000000000u) : of_bits(0x7FF8000000000000u);
      case 5:
        return std::pow(10.0, static_cast<int>(pick(640)) - 320) * (pick(2) ? 1 : -3);
      case 6:
        return static_cast<double>(static_cast<std::int64_t>(random_()) >> pick(63));
      default:
        return of_bits(random_());
    }
  }

  Value record() {
    static constexpr const char* kNames[] = {"point", "m#p", "a-b?", "~x"};
    static constexpr const char* kFields[] = {"x", "y", "long name", ":", "z"};
    const unsigned count = pick(5);
    Value fields[5];
    for (unsigned i = 0; i < count; ++i) fields[i] = cx_.keyword(kFields[i]);
    const Value type = record_type(cx_, cx_.symbol(kNames[pick(4)]), {fields, count});
    auto* made = static_cast<Record*>(cx_.heap.alloc_slots(Kind::Record, 2 + count));
    made->type = type;
    for (unsigned i = 0; i < count; ++i)
      made->fields()[i] = pick(2) ? Value::small_int(pick(9)) : cx_.keyword("k");
    return Value::object(made);
  }

  Value leaf() {
    switch (pick(19)) {
      case 16:
        return integer();
      case 17:
        return Value::from_double(float_number());
      case 18:
        return record();
      case 0:
        return Value::nil();
      case 1:
        return Value::boolean(pick(2));
      case 2:
        return Value::empty_list();
      case 3:
        return Value::small_int(static_cast<int>(pick(2000)) - 1000);
      case 4:
        return make_int(cx_, static_cast<std::int64_t>(random_()));
      case 5: {
        Root a(cx_.heap, make_int(cx_, static_cast<std::int64_t>(random_())));
        a = num_mul(cx_, a, a);
        return num_mul(cx_, a, a);
      }
      case 6: {
        const std::uint64_t bits = random_();
        double d;
        std::memcpy(&d, &bits, sizeof d);
        return Value::from_double(d);
      }
      case 7:
        return Value::from_double(static_cast<double>(pick(1000)) / 8);
      case 8:
      case 9:
        return make_string(cx_, text());
      case 10:
      case 11:
        return cx_.symbol(text());
      case 12:
        return cx_.keyword(text());
      case 13: {
        std::uint32_t c = pick(3) ? pick(256) : pick(0x110000);
        if (c >= 0xD800 && c < 0xE000) c = 'x';
        return Value::character(c);
      }
      case 14: {
        std::uint8_t data[16];
        const unsigned n = pick(16);
        for (unsigned i = 0; i < n; ++i) data[i] = static_cast<std::uint8_t>(pick(256));
        return make_bytes(cx_, {data, n});
      }
      default: {
        static constexpr const char* kQuotes[] = {"quote", "quasiquote", "unquote",
                                                  "unquote-splicing", "@x"};
        return cx_.symbol(kQuotes[pick(5)]);
      }
    }
  }

  // The topmost few values become one.
  void combine() {
    const std::size_t n = 1 + pick(static_cast<unsigned>(stack_.size() < 12 ? stack_.size() : 12));
    const std::size_t base = stack_.size() - n;
    Root made(cx_.heap, Value::nil());
    switch (pick(6)) {
      case 0:
        made = make_vector_rooted(cx_, stack_.data() + base, static_cast<std::uint32_t>(n));
        break;
      case 1:
        made = dict_from_entries(cx_, stack_.data() + base, static_cast<std::uint32_t>(n / 2));
        break;
      case 2:
        made = empty_set(cx_);
        for (std::size_t i = base; i < stack_.size(); ++i) made = set_add(cx_, made, stack_[i]);
        break;
      case 3:  // dotted, unless the last is a list
        made = stack_[stack_.size() - 1];
        for (std::size_t i = stack_.size() - 1; i-- > base;) made = cx_.heap.cons(stack_[i], made);
        break;
      default:
        made = make_list_rooted(cx_, stack_.data() + base, static_cast<std::uint32_t>(n));
    }
    stack_.truncate(base);
    stack_.push(made);
  }

  Context& cx_;
  std::mt19937_64 random_;
  RootList stack_;
};

}  // namespace sx
