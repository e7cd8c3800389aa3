// The reader and the printer: every literal, every error message, and that what is printed reads
// back equal.
#include "engine/reader/reader.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "engine/base/utf8.h"
#include "engine/reader/generate.h"
#include "engine/reader/printer.h"

using namespace sx;

namespace {

struct Text {
  explicit Text(bool stress = false) : cx(config(stress), 42) {}
  static HeapConfig config(bool stress) {
    HeapConfig c;
    c.stress = stress;
    return c;
  }
  // The printed form of the only value in text, or the error.
  std::string round(std::string_view text) {
    const Result<Value> v = read_data(cx, text);
    return v.ok() ? print(cx, *v) : v.error().message;
  }
  // The error of reading all of text as source.
  std::string error(std::string_view text) {
    ReadOptions options;
    options.file = "f.sx";
    Reader reader(cx, text, options);
    while (true) {
      const Result<Value> v = reader.next();
      if (!v.ok()) {
        incomplete = reader.incomplete();
        return v.error().message;
      }
      if (*v == Value::eof()) return "no error";
    }
  }
  Context cx;
  bool incomplete = false;
};

}  // namespace

TEST_CASE("every literal reads as its value and prints as itself") {
  Text t;
  for (const char* same : {"nil",
                           "true",
                           "false",
                           "()",
                           "42",
                           "-7",
                           "123456789012345678901234567890",
                           "1.5",
                           "1e+21",
                           "+inf.0",
                           "-inf.0",
                           "+nan.0",
                           "\"a\\n\\t\\r\\\"\\\\\\0b\"",
                           "#\\a",
                           "#\\space",
                           "#\\newline",
                           "#\\(",
                           "#\\é",
                           "#\\null",
                           "sym",
                           "a/b",
                           "~ns/name",
                           "->x",
                           "x!",
                           "a--b",
                           "+",
                           "-",
                           "...",
                           ":k",
                           ":a/b",
                           ":&",
                           "[1 2]",
                           "[]",
                           "{:a 1}",
                           "{}",
                           "#{1 2}",
                           "#{}",
                           "(1 . 2)",
                           "(1 2 . 3)",
                           "(a (b [c {:d #{e}}]))",
                           "#u8\"\\x0;abc\\xFF;\"",
                           "'x",
                           "`(a ,b ,@c)",
                           "''x",
                           "(quote)",
                           "(quote 1 2)",
                           "(a quote b)",
                           "|a b|",
                           "|12|",
                           "||",
                           ":|a b|",
                           "|nil|",
                           "|.|",
                           "|a\\|b|",
                           "|#x|",
                           "|:x|",
                           "a#b",
                           "\"\\x7F;\\u{A0}é\"",
                           "(unquote @x)",
                           ",x"})
    CHECK(t.round(same) == same);
}

TEST_CASE("other spellings read as the same values") {
  Text t;
  CHECK(t.round("0x1F") == "31");
  CHECK(t.round("+5") == "5");
  CHECK(t.round("1e9") == "1000000000.0");
  CHECK(t.round("\"\\x41;\\u{1F600}\"") == "\"A😀\"");
  CHECK(t.round("#\\u{1F600}") == "#\\😀");
  CHECK(t.round("#\\u") == "#\\u");
  CHECK(t.round("#\\x20") ==
        "data:1:1: Unknown character name #\\x20: expected one character, \\u{HHHH}, or one of "
        "space newline tab return null escape backspace delete alarm page");
  CHECK(t.round("#\\nul") == "#\\null");
  CHECK(t.round("(quote x)") == "'x");
  CHECK(t.round(" ( 1\n;comment\n#|block #| nested |# |# 2 #;(ignored 3) ) ") == "(1 2)");
  CHECK(t.round("(1 #;2)") == "(1)");
  CHECK(t.round("#; #; 1 2 3") == "3");
  CHECK(t.round("'#;a b") == "'b");
  CHECK(t.round("(1 . #;x 2 #;y)") == "(1 . 2)");
  CHECK(t.round("(1 . (2 3))") == "(1 2 3)");
  CHECK(t.round("\xEF\xBB\xBF#!/usr/bin/env sx\n42") == "42");
  CHECK(t.round("\"two\nlines\"") == "\"two\\nlines\"");
  CHECK(t.round("[1(2)\"3\"]") == "[1 (2) \"3\"]");
  CHECK(t.round("a'b") == "data:1:2: Found a second value, expected the end of the text");
}

TEST_CASE("pairs carry the position of their form or element") {
  Text t;
  Reader reader(t.cx, "  (aé\n  (c) d)", {});
  Root form(t.cx.heap, *reader.next());
  const auto at = [](Value p) {
    const Value position = as_pair(p)->position();
    return std::pair(position_line(position), position_column(position));
  };
  CHECK(at(form) == std::pair(1u, 3u));
  CHECK(at(cdr(form)) == std::pair(2u, 3u));
  CHECK(at(car(cdr(form))) == std::pair(2u, 3u));
  CHECK(at(cdr(cdr(form))) == std::pair(2u, 7u));
  const Value data = *read_data(t.cx, "(1 2)");
  CHECK_FALSE(as_pair(data)->has_position());
  Reader quoted(t.cx, "\n 'x", {});
  const Value quote = *quoted.next();
  CHECK(at(quote) == std::pair(2u, 2u));
  CHECK(at(cdr(quote)) == std::pair(2u, 3u));
}

TEST_CASE("a reader gives one form after another and then eof") {
  Text t;
  Reader reader(t.cx, "1 (2) ; end", {});
  CHECK(print(t.cx, *reader.next()) == "1");
  CHECK(print(t.cx, *reader.next()) == "(2)");
  CHECK(*reader.next() == Value::eof());
  CHECK(*reader.next() == Value::eof());
}

TEST_CASE("errors say where, what was found and what was expected") {
  Text t;
  const std::pair<const char*, const char*> cases[] = {
      {")", "f.sx:1:1: Found `)` without an open bracket"},
      {"(1\n [2)", "f.sx:2:4: Found `)`, expected `]` to close the `[` at 2:2"},
      {"#{1 2]", "f.sx:1:6: Found `]`, expected `}` to close the `#{` at 1:1"},
      {"(')", "f.sx:1:3: Found `)`, expected a form behind the quote at 1:2"},
      {"(1 #;)", "f.sx:1:6: Found `)`, expected a form behind the `#;` at 1:4"},
      {"(. 1)", "f.sx:1:2: Found a dot at the head of a list, expected an element first"},
      {"(1 . 2 . 3)", "f.sx:1:8: Found a second element behind the dot, expected `)`"},
      {"(1 . . 3)", "f.sx:1:6: Found a second dot in a list"},
      {"(1 . 2 3)", "f.sx:1:8: Found a second element behind the dot, expected `)`"},
      {"(1 . )", "f.sx:1:6: Found `)` behind a dot, expected the rest of the list"},
      {"[1 . 2]", "f.sx:1:4: Found a dot, expected it only inside (…), before the last element"},
      {".", "f.sx:1:1: Found a dot, expected it only inside (…), before the last element"},
      {"{:a 1 :b}",
       "f.sx:1:7: Dict literal with the key :b without a value: expected an even number of forms "
       "in {…}"},
      {"{:a 1\n :a 2}", "f.sx:2:2: Dict literal with the key :a twice: expected different keys"},
      {"#{1 \"x\" 1}", "f.sx:1:9: Set literal with the member 1 twice: expected different members"},
      {"12abc",
       "f.sx:1:1: Bad number 12abc: expected an integer like 42 or 0x2A, or a float like 1.5 or "
       "1e9 (a symbol cannot start with a digit)"},
      {"0xZZ",
       "f.sx:1:1: Bad number 0xZZ: expected an integer like 42 or 0x2A, or a float like 1.5 or 1e9 "
       "(a symbol cannot start with a digit)"},
      {":", "f.sx:1:1: Found `:` alone, expected a keyword such as :name"},
      {"\"a\\q\"",
       "f.sx:1:3: Unknown escape: found `q` behind a backslash, expected one of \\n \\t \\r \\0 "
       "\\\" \\\\ \\xHH; \\u{HHHH} (write \\\\ for a backslash)"},
      {"\"\\x41\"",
       "f.sx:1:2: Bad escape: expected `\\xHH;` with 1 to 8 hexadecimal digits, found `\"`"},
      {"\"\\u41\"", "f.sx:1:2: Incomplete escape: expected `\\u{HHHH}`"},
      {"\"\\u{D800}\"",
       "f.sx:1:2: Escape of U+D800: not a character (expected 0 to D7FF or E000 to 10FFFF)"},
      {"\"\\u{110000}\"",
       "f.sx:1:2: Escape of U+110000: not a character (expected 0 to D7FF or E000 to 10FFFF)"},
      {"#u8\"\\x100;\"", "f.sx:1:5: Escape \\x100; is not a byte: expected at most FF"},
      {"#u8\"é\"", "f.sx:1:5: Found `é` in a byte string, expected ASCII or `\\xHH;`"},
      {"#u8\"\\u{41}\"", "f.sx:1:5: Escape \\u in a byte string: expected `\\xHH;`"},
      {"#\\spce",
       "f.sx:1:1: Unknown character name #\\spce: expected one character, \\u{HHHH}, or one of "
       "space newline tab return null escape backspace delete alarm page"},
      {"#<function f>",
       "f.sx:1:1: Found #<function f>, the printed form of a value that has no literal: it cannot "
       "be read back"},
      {"#t", "f.sx:1:1: Found #t, expected true or false"},
      {"#foo",
       "f.sx:1:1: Found #foo, expected one of #{…} #name{…} #\\char #u8\"…\" #; #|…|# behind `#`"},
      {"a\xC2\xA0"
       "b",
       "f.sx:1:2: Found U+00A0, an invisible character: remove it (inside a string write it as "
       "\\u{00A0})"},
      {"\x01",
       "f.sx:1:1: Found U+0001, an invisible character: remove it (inside a string write it as "
       "\\u{0001})"},
      {"ab\n\xFF",
       "f.sx:2:1: Found invalid UTF-8 at byte offset 3, expected UTF-8 text (save the file as "
       "UTF-8)"},
  };
  for (const auto& [text, message] : cases) {
    CHECK(t.error(text) == message);
    CHECK_FALSE(t.incomplete);
  }
  const std::pair<const char*, const char*> unfinished[] = {
      {"(1 2",
       "f.sx:1:5: Found the end of the text inside the list that starts at 1:1, expected `)`"},
      {"[",
       "f.sx:1:2: Found the end of the text inside the vector that starts at 1:1, expected `]`"},
      {"{:a",
       "f.sx:1:4: Found the end of the text inside the dict that starts at 1:1, expected `}`"},
      {"#{", "f.sx:1:3: Found the end of the text inside the set that starts at 1:1, expected `}`"},
      {"'",
       "f.sx:1:2: Found the end of the text inside the quote form that starts at 1:1, expected a "
       "form"},
      {"#;",
       "f.sx:1:3: Found the end of the text inside the datum comment that starts at 1:1, expected "
       "a form"},
      {"\"ab\nc",
       "f.sx:2:2: Found the end of the text inside the string that starts at 1:1, expected `\"`"},
      {"\"\\",
       "f.sx:1:3: Found the end of the text inside the string that starts at 1:1, expected `\"`"},
      {"\"\\x4",
       "f.sx:1:5: Found the end of the text inside the escape that starts at 1:2, expected "
       "hexadecimal digits and `;`"},
      {"#| a",
       "f.sx:1:5: Found the end of the text inside the block comment that starts at 1:1, expected "
       "`|#`"},
      {"|ab",
       "f.sx:1:4: Found the end of the text inside the symbol that starts at 1:1, expected `|`"},
      {":|ab",
       "f.sx:1:5: Found the end of the text inside the keyword that starts at 1:1, expected `|`"},
      {"#u8\"ab",
       "f.sx:1:7: Found the end of the text inside the byte string that starts at 1:1, expected "
       "`\"`"},
      {"#\\",
       "f.sx:1:3: Found the end of the text inside the character that starts at 1:1, expected a "
       "character or its name behind `#\\`"},
  };
  for (const auto& [text, message] : unfinished) {
    CHECK(t.error(text) == message);
    CHECK(t.incomplete);
  }
  CHECK(t.round("") == "data:1:1: Found the end of the text, expected a value");
  ReadOptions shallow;
  shallow.depth_max = 3;
  Reader reader(t.cx, "((((", shallow);
  CHECK(reader.next().error().message == "<input>:1:4: Nested too deeply: more than 3 open forms");
}

TEST_CASE("what is printed reads back equal") {
  const char* many = std::getenv("SX_TEST_ROUNDS");
  const int rounds = many ? std::atoi(many) : 100'000;
  for (const bool stress : {false, true}) {
    Text t(stress);
    ValueGenerator generator(t.cx, stress ? 5 : 3);
    for (int i = 0; i < (stress ? 300 : rounds); ++i) {
      Root value(t.cx.heap, generator.make(1 + generator.pick(stress ? 12 : 20)));
      const std::string text = print(t.cx, value);
      const Result<Value> back = read_data(t.cx, text);
      INFO(text);
      REQUIRE(back.ok());
      const std::string again = print(t.cx, *back);
      REQUIRE(again == text);
      REQUIRE(equal(t.cx, *back, value));
      REQUIRE(hash_value(t.cx, *back) == hash_value(t.cx, value));
    }
  }
}

TEST_CASE("a million levels of nesting are read and printed") {
  Text t;
  constexpr int kDepth = 1'000'000;
  std::string text, closing;
  const char* const open[] = {"(", "[", "{:k ", "#{", "'", "(a "};
  const char* const close[] = {")", "]", "}", "}", "", ")"};
  for (int i = 0; i < kDepth; ++i) {
    text += open[i % 6];
    closing += close[(kDepth - 1 - i) % 6];
  }
  text += "x" + closing;
  ReadOptions options;
  Reader reader(t.cx, text, options);
  const Result<Value> v = reader.next();
  REQUIRE(v.ok());
  Root value(t.cx.heap, *v);
  CHECK(print(t.cx, value) == text);
  const Result<Value> again = read_data(t.cx, text);
  REQUIRE(again.ok());
  CHECK(equal(t.cx, *again, value));
}

TEST_CASE("values without a literal print as #<…>, cycles as #<cycle>") {
  Text t;
  Context& cx = t.cx;
  Root cell(cx.heap, cx.heap.make_cell(Value::small_int(5)));
  CHECK(print(cx, cell) == "#<cell 5>");
  as_cell(cell)->value = cell;
  cx.heap.write_barrier(cell.get().as_object(), cell);
  CHECK(print(cx, cell) == "#<cell #<cycle>>");
  Root array(cx.heap, make_array(cx, 2, Value::small_int(1)));
  array_push(cx, array, array);
  CHECK(print(cx, array) == "#<array 1 1 #<cycle>>");
  Root table(cx.heap, make_table(cx));
  table_put(cx, table, cx.keyword("a"), array);
  table_put(cx, table, cx.keyword("b"), table);
  CHECK(print(cx, table) == "#<table :a #<array 1 1 #<cycle>> :b #<cycle>>");
  // Twice on different paths is no cycle.
  as_cell(cell)->value = Value::nil();
  const Value both[] = {cell, cell};
  const Value vector = make_vector(cx, both);
  CHECK(print(cx, vector) == "[#<cell nil> #<cell nil>]");
}

TEST_CASE("display shows text bare at the top only, and long output can be cut") {
  Text t;
  PrintOptions display;
  display.display = true;
  CHECK(print(t.cx, *read_data(t.cx, "\"a\\nb\""), display) == "a\nb");
  CHECK(print(t.cx, Value::character(0xE9), display) == "é");
  CHECK(print(t.cx, *read_data(t.cx, "(\"a\" #\\b :c)"), display) == "(\"a\" #\\b :c)");
  PrintOptions cut;
  cut.bytes_max = 10;
  CHECK(print(t.cx, *read_data(t.cx, "(1 2 3 4 5 6 7 8)"), cut) == "(1 2 3 4 5…");
  CHECK(print(t.cx, *read_data(t.cx, "\"ééééééééé\""), cut) == "\"éééé…");
  CHECK(print(t.cx, *read_data(t.cx, "(1 2 3 4)"), cut) == "(1 2 3 4)");
}

TEST_CASE("errors in data name the same place as errors in source") {
  Text t;
  for (const char* bad : {"(1 2\n \"é漢\" [3\n 4)", "(1\n\n  2]", "\n\n  \"never closed", "'(a . )",
                          "\"ok\n é \\q\"", "#u8\"a\né\"", "(\"é\n\n\" \"b\" |never", "  (a\n #; )",
                          "\xEF\xBB\xBF(\n]", "#!line\n(é\n]"}) {
    ReadOptions source, data;
    data.positions = false;
    std::string messages[2];
    for (int i = 0; i < 2; ++i) {
      Reader reader(t.cx, bad, i ? data : source);
      const Result<Value> v = reader.next();
      REQUIRE(!v.ok());
      messages[i] = v.error().message;
    }
    CHECK(messages[0] == messages[1]);
  }
  CHECK(t.round("(a\n b) é (c)") == "data:2:5: Found a second value, expected the end of the text");
}

TEST_CASE("every kind of character is read, written and cut at every offset of a long string") {
  Text t;
  const std::uint32_t odd[] = {0,      1,      '\n',   '\t',   '\r',   0x1F,   ' ',     '"',
                               '\\',   '|',    0x7E,   0x7F,   0x80,   0xA0,   0xA1,    0xAD,
                               0xE9,   0x1680, 0x2000, 0x200F, 0x2010, 0x2028, 0x206F,  0x3000,
                               0x6F22, 0xD7FF, 0xE000, 0xFEFF, 0xFFF9, 0xFFFD, 0x1F600, 0x10FFFF};
  for (const std::uint32_t c : odd) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (std::size_t after = 0; after < 20; after += 3) {
        std::string text(before, 'x');
        utf8_append(text, c);
        text.append(after, 'y');
        Root value(t.cx.heap, make_string(t.cx, text));
        const std::string printed = print(t.cx, value);
        const Result<Value> back = read_data(t.cx, printed);
        REQUIRE(back.ok());
        REQUIRE(as_string(*back)->view() == text);
        Root name(t.cx.heap, t.cx.symbol(text));
        const Result<Value> symbol = read_data(t.cx, print(t.cx, name));
        REQUIRE(symbol.ok());
        REQUIRE(*symbol == name.get());
        for (const std::size_t most : {before, before + 1, before + 2, before + 5}) {
          const std::string cut = print(t.cx, value, {.bytes_max = most});
          REQUIRE(utf8_valid(cut));
          if (printed.size() <= most) {
            REQUIRE(cut == printed);
          } else {
            const std::string kept = cut.substr(0, cut.size() - 3);  // without the …
            REQUIRE(kept.size() <= most);
            REQUIRE(printed.compare(0, kept.size(), kept) == 0);
          }
        }
      }
    }
  }
}
