// Markdown as authors write it, and Markdown as nobody should.
#include "server/content/markdown.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "server/content/utf8.h"

using namespace sx;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string repeat(std::string_view part, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += part;
  return out;
}

}  // namespace

TEST_CASE("CommonMark renders to plain HTML") {
  CHECK(markdown_to_html("Hello *world*, **bold** and `code`.") ==
        "<p>Hello <em>world</em>, <strong>bold</strong> and <code>code</code>.</p>\n");
  CHECK(markdown_to_html("> quote\n\n---\n\n1. a\n2. b\n") ==
        "<blockquote>\n<p>quote</p>\n</blockquote>\n<hr>\n<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n");
  CHECK(markdown_to_html("").empty());
}

TEST_CASE("headings get unique ids that cannot clobber names") {
  const std::string html =
      markdown_to_html("# Gig Night\n## Gig Night\n## !!!\n## \u00dcber uns\n");
  CHECK(has(html, "<h1 id=\"h-gig-night\">Gig Night</h1>"));
  CHECK(has(html, "<h2 id=\"h-gig-night-2\">Gig Night</h2>"));
  CHECK(has(html, "<h2 id=\"h-section\">!!!</h2>"));
  CHECK(has(html, "<h2 id=\"h-\u00fcber-uns\">"));
  MarkdownOptions options;
  options.heading_ids = false;
  CHECK(markdown_to_html("# A", options) == "<h1>A</h1>\n");
}

TEST_CASE("links to a heading by its name find it") {
  CHECK(has(markdown_to_html("[x](#the-end)\n\n# The End\n"), "href=\"#h-the-end\""));
  CHECK(has(markdown_to_html("[x](#nowhere)"), "href=\"#nowhere\""));
}

TEST_CASE("headings can be lowered below the page's own") {
  MarkdownOptions options;
  options.top_heading_level = 2;
  const std::string html = markdown_to_html("# A\n## B\n###### F\n", options);
  CHECK(has(html, "<h2 id=\"h-a\">"));
  CHECK(has(html, "<h3 id=\"h-b\">"));
  CHECK(has(html, "<h6 id=\"h-f\">"));
  CHECK(has(markdown_to_html("### C\n", options), "<h3 id=\"h-c\">"));
}

TEST_CASE("code keeps its language as a class of safe characters") {
  CHECK(markdown_to_html("```C++\nint x = 1 < 2;\n```\n") ==
        "<pre><code class=\"language-c++\">int x = 1 &lt; 2;\n</code></pre>\n");
  CHECK(has(markdown_to_html("```objective-c_2 x\n```"), "class=\"language-objective-c_2\""));
  CHECK_FALSE(has(markdown_to_html("```a\"b\n```"), "class"));
}

TEST_CASE("images load lazily, keep their alt and can be given another address") {
  MarkdownOptions options;
  std::vector<std::string> asked;
  options.rewrite_media = [&](std::string_view name) -> std::optional<std::string> {
    asked.emplace_back(name);
    if (name == "cat.png") return "/blob/abc";
    return std::nullopt;
  };
  const std::string html = markdown_to_html("![A \"cat\"](cat.png) ![](other.png)", options);
  CHECK(
      has(html,
          "<img src=\"/blob/abc\" alt=\"A &quot;cat&quot;\" loading=\"lazy\" decoding=\"async\">"));
  CHECK(has(html, "<img src=\"other.png\" alt=\"\" loading=\"lazy\" decoding=\"async\">"));
  CHECK(asked == std::vector<std::string>{"cat.png", "other.png"});
}

TEST_CASE("an address that the callback gives is checked like any other") {
  MarkdownOptions options;
  options.rewrite_media = [](std::string_view) {
    return std::optional<std::string>("javascript:x");
  };
  CHECK(markdown_to_html("![alt text](a.png)", options) == "<p>alt text</p>\n");
}

TEST_CASE("tables, strikethrough, autolinks and task lists work without form elements") {
  const std::string table = markdown_to_html("|a|b|\n|:-|-:|\n|1|2|\n");
  CHECK(has(table, "<th class=\"align-left\" scope=\"col\">a</th>"));
  CHECK(has(table, "<td class=\"align-right\">2</td>"));
  CHECK(has(markdown_to_html("~~old~~"), "<del>old</del>"));
  CHECK(has(markdown_to_html("see https://example.org/x now"),
            "<a href=\"https://example.org/x\" rel=\"noopener\">"));
  const std::string tasks = markdown_to_html("- [x] done\n- [ ] open\n");
  CHECK(has(tasks, "<li class=\"task-list-item\"><span class=\"task-done\">\u2611</span> done"));
  CHECK(has(tasks, "<span class=\"task-open\">\u2610</span> open"));
  CHECK_FALSE(has(tasks, "input"));
}

TEST_CASE("footnotes link there and back under the document's prefix") {
  const std::string html = markdown_to_html("Text[^n].\n\n[^n]: Note.\n");
  CHECK(has(html, "href=\"#h-fn-"));
  CHECK(has(html, "id=\"h-fnref-"));
  CHECK(has(html, "<section class=\"footnotes\">"));
  CHECK(has(html, "class=\"footnote-backref\""));
  MarkdownOptions options;
  options.id_prefix = "h-p7-";
  CHECK(has(markdown_to_html("T[^n]\n\n[^n]: N\n\n# H\n", options), "id=\"h-p7-fn"));
}

TEST_CASE("raw HTML in Markdown passes the allowlist") {
  CHECK(markdown_to_html("<script>alert(1)</script>\n\nok").find("script") == std::string::npos);
  CHECK(has(markdown_to_html("a <kbd>Ctrl</kbd> b"), "<kbd>Ctrl</kbd>"));
  CHECK_FALSE(has(markdown_to_html("<div sx-get=\"/x\" onclick=\"y\">t</div>"), "sx-get"));
  CHECK_FALSE(has(markdown_to_html("[x](javascript:alert(1))"), "javascript"));
  CHECK_FALSE(has(markdown_to_html("<javascript:alert(1)>"), "href"));
}

TEST_CASE("invalid UTF-8, NUL and odd line ends come out as valid text") {
  const std::string html = markdown_to_html(std::string("a\xff b\0c\r\nd\re", 11));
  CHECK(is_valid_utf8(html));
  CHECK(has(html, "a\uFFFD b"));
  CHECK(html.find('\0') == std::string::npos);
  CHECK(html.find('\r') == std::string::npos);
}

TEST_CASE("right-to-left text, emoji and non-Latin scripts come through unchanged") {
  for (const char* text : {"\u0645\u0631\u062d\u0628\u0627", "\u05e9\u05dc\u05d5\u05dd",
                           "\U0001F469\u200D\U0001F4BB", "\u65e5\u672c\u8a9e", "\u0928\u092e"})
    CHECK(markdown_to_html(text) == std::string("<p>") + text + "</p>\n");
}

TEST_CASE("text nested beyond reason is answered in bounded time and never markup") {
  constexpr std::size_t kBytes = 300'000;
  std::vector<std::string> cases;
  for (const char* part :
       {"[",          "![",         "]",        ">",          "> ",     "*",         "**",
        "_",          "*a **b ",    "[a](",     "[a](<b",     "![[]()", "`",         "<",
        "<a ",        "<!--",       "</",       "- ",         "* ",     "1. ",       "|a",
        "|-",         "a|b\n-|-\n", "&",        "\\",         "~",      "<div>",     "<b>",
        "<p><b a=1>", "<table>",    "</p>",     "<a href=x>", "[^a]",   "http://a.", "a@b.",
        "# a\n",      "a\n=\n",     "[a]: b\n", "\t",         "<x><y>"})
    cases.push_back(repeat(part, kBytes));
  cases.push_back(repeat("[", kBytes / 2) + "a" + repeat("]", kBytes / 2));
  cases.push_back("[r]: /" + std::string(kBytes / 2, 'u') + "\n\n" + repeat("[r]", kBytes / 2));
  cases.push_back(repeat("|a", kBytes / 3) + "\n" + repeat("|-", kBytes / 3) + "\n" +
                  repeat("|b\n", kBytes / 3));
  std::string lists;
  for (std::size_t i = 0; lists.size() < kBytes; ++i) lists += std::string(i * 2, ' ') + "* a\n";
  cases.push_back(lists);
  for (const std::string& text : cases) {
    const auto start = std::chrono::steady_clock::now();
    const std::string html = markdown_to_html(text);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    INFO(text.substr(0, 20));
    CHECK(took.count() < 12.0);
    CHECK(html.size() < 60 * kBytes);
    CHECK_FALSE(has(html, "<x>"));
  }
}

TEST_CASE("a line of a megabyte is a paragraph like any other") {
  const std::string html = markdown_to_html(repeat("word ", 1'000'000));
  CHECK(has(html, "<p>word word"));
}

TEST_CASE("threads can render at the same time") {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong)
    threads.emplace_back([&count] {
      for (int i = 0; i < 200; ++i)
        if (markdown_to_html("~~a~~ www.example.org") !=
            "<p><del>a</del> <a href=\"http://www.example.org\" "
            "rel=\"noopener\">www.example.org</a></p>\n")
          ++count;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("an excerpt is the first prose, plain and cut at a word") {
  CHECK(excerpt("# Title\n\nHello *there*, [friend](/x).\n\n```\ncode\n```\n\nMore.") ==
        "Hello there, friend. More.");
  CHECK(excerpt("One.\n\n<!--more-->\n\nTwo.") == "One.");
  CHECK(excerpt("One.\n\n<!-- more -->\n\nTwo.") == "One.");
  CHECK(excerpt("alpha beta gamma delta", 12) == "alpha beta\u2026");
  CHECK(count_code_points(excerpt(repeat("\u65e5\u672c", 3000), 50)) == 51);
  CHECK(excerpt("## Only a heading") == "Only a heading");
  CHECK(excerpt("") == "");
  CHECK_FALSE(has(excerpt("<script>alert(1)</script> hi <b>x</b>"), "alert"));
}

TEST_CASE("words are counted in spaced and unspaced scripts") {
  CHECK(word_count("Don't count well-known words twice, 3 times") == 7);
  CHECK(word_count("\u65e5\u672c\u8a9e") == 3);
  CHECK(word_count("\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440") == 2);
  CHECK(word_count(" -- !! ") == 0);
}
