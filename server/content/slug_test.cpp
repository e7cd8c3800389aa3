// Slugs of titles in many scripts, and the UTF-8 below them.
#include "server/content/slug.h"

#include <doctest/doctest.h>

#include "server/content/utf8.h"

using namespace sx;

TEST_CASE("a title becomes lower-case words with hyphens") {
  CHECK(slugify("Gig Night") == "gig-night");
  CHECK(slugify("  Hello,   World!  ") == "hello-world");
  CHECK(slugify("C++ & Rust: 10 tips") == "c-rust-10-tips");
  CHECK(slugify("a_b/c\\d.e") == "a-b-c-d-e");
  CHECK(slugify("---already-a-slug---") == "already-a-slug");
}

TEST_CASE("apostrophes vanish without a gap") {
  CHECK(slugify("Don't stop") == "dont-stop");
  CHECK(slugify("L\u2019\u00e9t\u00e9 d\u2019Albert") == "l\u00e9t\u00e9-dalbert");
}

TEST_CASE("letters of every script stay, lower-cased and composed") {
  CHECK(slugify("\u00dcber Caf\u00e9") == "\u00fcber-caf\u00e9");
  CHECK(slugify("Cafe\u0301") == "caf\u00e9");  // decomposed input
  CHECK(slugify("\u041f\u0440\u0438\u0432\u0435\u0442 \u041c\u0438\u0440") ==
        "\u043f\u0440\u0438\u0432\u0435\u0442-\u043c\u0438\u0440");
  CHECK(slugify("\u65e5\u672c\u8a9e\u306e\u984c") == "\u65e5\u672c\u8a9e\u306e\u984c");
  CHECK(slugify("\u0645\u0631\u062d\u0628\u0627 \u0628\u0643") ==
        "\u0645\u0631\u062d\u0628\u0627-\u0628\u0643");
  CHECK(slugify("\u0939\u093f\u0928\u094d\u0926\u0940 \u092a\u094b\u0938\u094d\u091f") ==
        "\u0939\u093f\u0928\u094d\u0926\u0940-\u092a\u094b\u0938\u094d\u091f");
  CHECK(slugify("\u0130stanbul") == "istanbul");
}

TEST_CASE("a title without letters or digits gives post") {
  CHECK(slugify("") == "post");
  CHECK(slugify("!!! \U0001F389 ---") == "post");
  CHECK(slugify("\U0001F389 Party \U0001F469\u200D\U0001F4BB") == "party");
}

TEST_CASE("invalid UTF-8 does not reach the slug") {
  CHECK(slugify("a\xff\xfe"
                "b") == "a-b");
  CHECK(is_valid_utf8(slugify("\xc3\x28 \xe2\x82 \xf0\x9f")));
}

TEST_CASE("long titles are cut at a hyphen within 80 code points") {
  std::string title;
  for (int i = 0; i < 60; ++i) title += "w\u00f6rd ";
  const std::string slug = slugify(title);
  CHECK(count_code_points(slug) <= kSlugCodePointsMax);
  CHECK(count_code_points(slug) > 70);
  CHECK(slug.substr(slug.size() - 5) == "w\u00f6rd");
  CHECK(count_code_points(slugify(std::string(500, 'x'))) == kSlugCodePointsMax);
  std::string marks = "a";
  for (int i = 0; i < 200; ++i) marks += "\u0324";
  CHECK(is_valid_utf8(slugify(marks)));
}

TEST_CASE("a slug slugs to itself") {
  for (const char* title : {"Gig Night", "\u00dcber Caf\u00e9", "post", "\u65e5\u672c \u8a9e",
                            "\u0645\u0631 \u062d", "x'y", "a b c 1 2 3"})
    CHECK(is_slug(slugify(title)));
  CHECK_FALSE(is_slug("Not A Slug"));
  CHECK_FALSE(is_slug(""));
  CHECK_FALSE(is_slug("-a"));
  CHECK_FALSE(is_slug("../etc/passwd"));
}

TEST_CASE("repair_utf8 replaces each invalid piece once and keeps the rest") {
  CHECK(repair_utf8("plain") == "plain");
  CHECK(repair_utf8("a\x80z") == "a\uFFFDz");
  CHECK(repair_utf8("\xe2\x82") == "\uFFFD");                  // cut short
  CHECK(repair_utf8("\xc0\xaf") == "\uFFFD\uFFFD");            // overlong
  CHECK(repair_utf8("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(repair_utf8("\xf4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");
  CHECK(is_valid_utf8("\U0010FFFF"));
}
