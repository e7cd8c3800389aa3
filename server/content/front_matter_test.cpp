// Front matter in three notations, well-formed and not.
#include "server/content/front_matter.h"

#include <doctest/doctest.h>

#include <string>

using namespace sx;
using Kind = FrontValue::Kind;

namespace {

std::string message(std::string_view text) {
  const auto result = parse_front_matter(text);
  return result.ok() ? "" : result.error().message;
}

bool starts(const std::string& text, std::string_view part) {
  return text.substr(0, part.size()) == part;
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::int64_t ms(std::string_view text) {
  const auto date = parse_date(text);
  return date ? date->epoch_ms : -1;
}

}  // namespace

TEST_CASE("a text without front matter is all body") {
  for (const char* text : {"", "Hello", "# Title\n\n---\n", "--- not a fence\nx", "{{< figure >}}",
                           "{% include x %}", "---\n\nA thematic break first.\n", "-- -\n"}) {
    const auto result = parse_front_matter(text);
    REQUIRE(result.ok());
    CHECK(result->format == FrontFormat::None);
    CHECK(result->body == text);
    CHECK(result->body_line == 1);
  }
}

TEST_CASE("YAML fields come in order with their lines and kinds") {
  const auto front = parse_front_matter(
      "---\ntitle: Hello\ndraft: true\nn: 42\nx: 1.5\nnone:\ndate: 2024-01-02\ntags: [a, b]\n"
      "author:\n  name: Ann\nquoted: \"2024-01-02\"\nzip: 007\n---\nBody\n");
  REQUIRE(front.ok());
  CHECK(front->format == FrontFormat::Yaml);
  CHECK(front->body == "Body\n");
  CHECK(front->body_line == 14);
  REQUIRE(front->root.fields.size() == 10);
  CHECK(front->root.fields[0].name == "title");
  CHECK(front->root.find("title")->line == 2);
  CHECK(front->root.find("draft")->as_bool() == true);
  CHECK(front->root.find("n")->integer == 42);
  CHECK(front->root.find("x")->real == doctest::Approx(1.5));
  CHECK(front->root.find("none")->is(Kind::Null));
  CHECK(front->root.find("date")->is(Kind::Date));
  CHECK(front->root.find("date")->as_date_ms() == ms("2024-01-02"));
  CHECK(front->root.find("tags")->as_texts() == std::vector<std::string>{"a", "b"});
  CHECK(front->root.find("author")->find("name")->text == "Ann");
  CHECK(front->root.find("quoted")->is(Kind::String));
  CHECK(front->root.find("quoted")->as_date_ms() == ms("2024-01-02"));
  CHECK(front->root.find("zip")->text == "007");
  CHECK(front->root.find("zip")->is(Kind::String));
}

TEST_CASE("Norway stays a country while yes can still be asked for as a truth value") {
  const auto front = parse_front_matter("---\ntitle: No\ndraft: yes\n---\n");
  REQUIRE(front.ok());
  CHECK(front->root.find("title")->as_text() == "No");
  CHECK(front->root.find("draft")->as_bool() == true);
}

TEST_CASE("TOML gives the same tree, in the order of the file") {
  const auto front = parse_front_matter(
      "+++\ntitle = \"Hello\"\ndate = 2024-01-02T10:00:00+02:00\nday = 2024-01-02\n"
      "draft = false\naliases = ['/a', '/b']\nn = 42\n[taxonomies]\ntags = [\"x\", \"y\"]\n"
      "[extra]\nk = 1.5\n+++\n\nBody");
  REQUIRE(front.ok());
  CHECK(front->format == FrontFormat::Toml);
  CHECK(front->root.fields.front().name == "title");
  CHECK(front->root.fields[1].name == "date");
  CHECK(front->root.fields.back().name == "extra");
  CHECK(front->root.find("date")->as_date_ms() == ms("2024-01-02T08:00:00Z"));
  CHECK(front->root.find("day")->as_date_ms() == ms("2024-01-02"));
  CHECK(front->root.find("taxonomies")->find("tags")->as_texts() ==
        std::vector<std::string>{"x", "y"});
  CHECK(front->root.find("draft")->as_bool() == false);
  CHECK(front->body == "\nBody");
}

TEST_CASE("JSON front matter ends where its object ends") {
  const auto front = parse_front_matter(
      "{\n \"title\": \"A \\\"q\\\" \\u00e9 \\ud83d\\ude00\",\n \"draft\": true,\n \"n\": -3,\n"
      " \"x\": 1e2,\n \"tags\": [\"a\", null],\n \"m\": {\"k\": {}}\n}\n\nBody {x}\n");
  REQUIRE(front.ok());
  CHECK(front->format == FrontFormat::Json);
  CHECK(front->root.find("title")->text == "A \"q\" \u00e9 \U0001F600");
  CHECK(front->root.find("n")->integer == -3);
  CHECK(front->root.find("x")->real == doctest::Approx(100));
  CHECK(front->root.find("tags")->line == 6);
  CHECK(front->body == "\nBody {x}\n");
  CHECK(front->body_line == 9);
}

TEST_CASE("byte order mark, CRLF, blank lines before and spaces after the fence are accepted") {
  const auto front =
      parse_front_matter("\xEF\xBB\xBF\r\n---  \r\ntitle: A\r\ntags:\r\n  - b\r\n---\r\nBody\r\n");
  REQUIRE(front.ok());
  CHECK(front->root.find("title")->text == "A");
  CHECK(front->root.find("tags")->as_texts() == std::vector<std::string>{"b"});
  CHECK(front->body == "Body\r\n");
  const auto toml = parse_front_matter("+++\r\ntitle = 'A'\r\n+++\r\nBody");
  REQUIRE(toml.ok());
  CHECK(toml->body == "Body");
}

TEST_CASE("empty blocks give no fields") {
  for (const char* text :
       {"---\n---\nB", "+++\n+++\nB", "{}\nB", "---\n# only a comment\n---\nB"}) {
    const auto front = parse_front_matter(text);
    REQUIRE(front.ok());
    CHECK(front->root.is(Kind::Map));
    CHECK(front->root.fields.empty());
    CHECK(front->body == "B");
  }
}

TEST_CASE("a name given twice keeps the last value and leaves a warning") {
  const auto front = parse_front_matter("---\ntitle: A\nx: 1\ntitle: B\n---\n");
  REQUIRE(front.ok());
  CHECK(front->root.find("title")->text == "B");
  REQUIRE(front->warnings.size() == 1);
  CHECK(front->warnings[0] == "4:1: 'title' is given twice; the last one counts");
  CHECK(starts(message("+++\na = 1\na = 2\n+++\n"), "3:5: TOML:"));
}

TEST_CASE("malformed front matter says where and what to do") {
  CHECK(starts(message("---\ntitle: A: B\n---\n"), "2:9: "));
  CHECK(has(message("---\ntitle: A: B\n---\n"), "quotes"));
  CHECK(has(message("---\na:\n\tb: 1\n---\n"), "tabs"));
  CHECK(starts(message("---\na:\n\tb: 1\n---\n"), "3:1: "));
  CHECK(has(message("---\ntitle: \"A\nx: 1\n---\nbody\n"), "close the quotes"));
  CHECK(has(message("---\ntags: [a, b\n---\n"), "close the bracket"));
  CHECK(has(message("---\n- a\n- b\n---\n"), "fields"));
  CHECK(starts(message("---\ntitle: A\n"), "1:1: the front matter is not closed"));
  CHECK(starts(message("+++\ntitle = 'A'\n"), "1:1: the front matter is not closed"));
  CHECK(starts(message("+++\ntitle = A\n+++\n"), "2:"));
  CHECK(starts(message("{\n\"a\": }\n"), "2:6: JSON:"));
  CHECK(has(message("{\"a\": \"b\n"), "not closed"));
  CHECK(has(message("{\"a\" 1}"), "expected :"));
  CHECK(has(message("---\na: *nobody\n---\n"), "refers to nothing"));
  CHECK(has(message("---\na: \xff\n---\n"), "UTF-8"));
  CHECK(has(message("---\na: \x01\n---\n"), "YAML"));
  CHECK(starts(message("\n\n---\na: [\n---\n"), "5:"));
}

TEST_CASE("aliases and merges work, a bomb of them does not go off") {
  const auto front = parse_front_matter("---\nd: &d {a: 1, b: 2}\nx:\n  <<: *d\n  b: 3\n---\n");
  REQUIRE(front.ok());
  CHECK(front->root.find("x")->find("a")->integer == 1);
  CHECK(front->root.find("x")->find("b")->integer == 3);
  std::string bomb = "---\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k ? ", " : "") + before;
    bomb += "]\n";
  }
  CHECK(has(message(bomb + "---\n"), "aliases count each time"));
  std::string fat = "---\na: &a \"" + std::string(100000, 'x') + "\"\nb: [";
  for (int i = 0; i < 100; ++i) fat += "*a, ";
  CHECK(has(message(fat + "1]\n---\n"), "too large"));
}

TEST_CASE("depth and size are limited in every notation") {
  CHECK(has(message("---\na: " + std::string(100, '[') + std::string(100, ']') + "\n---\n"),
            "nested"));
  CHECK(has(message("{\"a\": " + std::string(100, '[') + std::string(100, ']') + "}"), "nested"));
  CHECK_FALSE(
      message("+++\na = " + std::string(100, '[') + std::string(100, ']') + "\n+++\n").empty());
  CHECK(has(message("---\na: \"" + std::string(300000, 'x') + "\"\n---\n"), "at most"));
  CHECK_FALSE(message("{\"a\": " + std::string(200000, '[')).empty());
}

TEST_CASE("tags are read from lists, commas and words") {
  const auto front = parse_front_matter(
      "---\na: [x, ' y ', x, null, {z: 1}]\nb: one two\nc: one two, three\nd: solo\ne:\n---\n");
  REQUIRE(front.ok());
  using Texts = std::vector<std::string>;
  CHECK(front->root.find("a")->as_texts() == Texts{"x", "y"});
  CHECK(front->root.find("b")->as_texts(true) == Texts{"one", "two"});
  CHECK(front->root.find("b")->as_texts() == Texts{"one two"});
  CHECK(front->root.find("c")->as_texts(true) == Texts{"one two", "three"});
  CHECK(front->root.find("e")->as_texts().empty());
}

TEST_CASE("dates in the forms people write mean the same moment") {
  const std::int64_t ten = 1704189600000;  // 2024-01-02T10:00:00Z
  for (const char* text :
       {"2024-01-02T10:00:00Z", "2024-01-02 10:00:00", "2024-01-02 10:00",
        "2024-01-02T10:00:00+00:00", "2024-01-02 12:00:00 +0200", "2024-01-02T12:00:00+02:00",
        "2024-01-02T05:00:00-05:00", "2024-01-02 10:00:00 UTC", "2024-01-02T10:00:00.000Z",
        "2024-1-2 10:00:00", "2024/01/02 10:00:00", " 2024-01-02 10:00:00 +0000 UTC ",
        "2024-01-02t10:00:00z", "2024-01-02 11:00:00 +01"})
    CHECK(ms(text) == ten);
  CHECK(ms("2024-01-02T10:00:00.123456Z") == ten + 123);
  CHECK(ms("2024-01-02") == 1704153600000);
  CHECK(ms("1969-12-31T23:59:59Z") == -1000);
  CHECK(parse_date("2024-01-02")->has_time == false);
  CHECK(parse_date("2024-01-02 10:00")->has_zone == false);
  CHECK(parse_date("2024-01-02 10:00 +0200")->has_zone == true);
  CHECK(ms("2024-02-29") == 1709164800000);
}

TEST_CASE("what is not a date is nothing") {
  for (const char* text :
       {"", "today", "2024", "2024-13-01", "2023-02-29", "2024-00-10", "2024-01-32",
        "2024-01-02T25:00:00Z", "2024-01-02 10", "2024-01-02 10:00:00 Mars time",
        "2024-01-02 10:00:00 +9900", "01/02/2024", "2024-01/02", "2024-01-02x"})
    CHECK_FALSE(parse_date(text).has_value());
}
