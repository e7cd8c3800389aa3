// The text module through its one function, as both sides call it.
#include "engine/text/text.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/base/str.h"

using namespace sx;

namespace {

// A reply as text: what the program in it makes. Numbers of work are left out.
struct Shown {
  std::string value;
  std::uint32_t work = 0;
};

Shown show(std::string_view reply, std::string_view subject) {
  std::vector<std::string> stack, keywords;
  Shown shown;
  std::size_t at = 0;
  const auto number = [&] {
    REQUIRE(at + 4 <= reply.size());
    std::uint32_t n;
    std::memcpy(&n, reply.data() + at, 4);
    at += 4;
    return n;
  };
  const auto text = [&] {
    const std::uint32_t n = number();
    REQUIRE(at + n <= reply.size());
    at += n;
    return std::string(reply.substr(at - n, n));
  };
  const auto collect = [&](char open, std::uint32_t n, char close) {
    REQUIRE(n <= stack.size());
    std::string out(1, open);
    for (std::size_t i = stack.size() - n; i < stack.size(); ++i)
      out += (out.size() > 1 ? " " : "") + stack[i];
    stack.resize(stack.size() - n);
    stack.push_back(out + close);
  };
  while (at < reply.size()) {
    switch (reply[at++]) {
      case 'n':
        stack.push_back("nil");
        break;
      case 't':
        stack.push_back("true");
        break;
      case 'f':
        stack.push_back("false");
        break;
      case 'i':
        stack.push_back(str(number()));
        break;
      case 'p': {
        const std::uint32_t offset = number();
        stack.push_back(offset == kNoOffset ? "nil" : str("@", offset));
        break;
      }
      case 's': {
        const std::uint32_t from = number(), to = number();
        REQUIRE(from <= to);
        REQUIRE(to <= subject.size());
        stack.push_back(str('"', subject.substr(from, to - from), '"'));
        break;
      }
      case 'x':
        stack.push_back(str('"', text(), '"'));
        break;
      case 'k':
        keywords.push_back(str(':', text()));
        stack.push_back(keywords.back());
        break;
      case 'K':
        stack.push_back(keywords.at(number()));
        break;
      case 'v':
        collect('[', number(), ']');
        break;
      case 'l':
        collect('(', number(), ')');
        break;
      case 'd':
        collect('{', 2 * number(), '}');
        break;
      case 'S': {
        const std::uint32_t n = number();
        for (std::uint32_t i = 0, from = 0; i < n; ++i) {
          const std::uint32_t length = number();
          stack.push_back(str('"', subject.substr(from, length), '"'));
          from += length;
        }
        collect('(', n, ')');
        break;
      }
      case 'w':
        shown.work += number();
        break;
      case 'e': {
        const std::string kind = text(), message = text();
        shown.value = str("error ", kind, ": ", message, " ", stack.back());
        CHECK(at == reply.size());
        return shown;
      }
      default:
        FAIL("unknown instruction");
    }
  }
  REQUIRE(stack.size() == 1);
  shown.value = stack.back();
  return shown;
}

Shown scan(std::string_view pattern, std::string_view subject, std::uint32_t from = 0,
           std::uint32_t options = 1) {
  return show(text_request(TextOp::Scan, pattern, subject, from, options), subject);
}

std::string of(TextOp op, std::string_view s, std::uint32_t first = 0) {
  return show(text_request(op, {}, s, first, 0), s).value;
}

std::string normal(NormalForm form, std::string_view s) {
  return of(TextOp::Normalize, s, static_cast<std::uint32_t>(form));
}

std::string repeat(std::string_view s, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += s;
  return out;
}

bool is_limit(const std::string& value) { return value.rfind("error limit: ", 0) == 0; }

}  // namespace

TEST_CASE("a scan replies where to go on and the match with its groups") {
  CHECK(scan("b(c)?(d)", "abd bcd").value ==
        "(@3 {:text \"bd\" :start @1 :end @3 :groups [\"bd\" nil \"d\"]})");
}

TEST_CASE("the keys of further matches are numbers of the first one's") {
  CHECK(scan("b", "bb", 0, 5).value ==
        "(nil {:text \"b\" :start @0 :end @1 :groups [\"b\"]}"
        " {:text \"b\" :start @1 :end @2 :groups [\"b\"]})");
}

TEST_CASE("named groups come as a dict, in the order of the pattern") {
  CHECK(scan("(?<y>\\d+)-(?<m>\\d+)?", "2024-", 0, 1).value ==
        "(@5 {:text \"2024-\" :start @0 :end @5 :groups [\"2024-\" \"2024\" nil]"
        " :names {:y \"2024\" :m nil}})");
}

TEST_CASE("a name that several groups share is the one that matched") {
  CHECK(scan("(?J)(?<n>a)|(?<n>b)", "b", 0, 1).value ==
        "(@1 {:text \"b\" :start @0 :end @1 :groups [\"b\" nil \"b\"] :names {:n \"b\"}})");
}

TEST_CASE("no match, and a start behind the end, reply nothing to go on with") {
  CHECK(scan("x", "abc").value == "(nil)");
  CHECK(scan("", "abc", 4).value == "(nil)");
}

TEST_CASE("empty matches move on by one character, not one byte") {
  CHECK(scan("", "é", 0, 9 | kScanTest).value == "(nil true true)");
}

TEST_CASE("a match of the whole text is anchored at both ends") {
  CHECK(scan("a|ab", "ab", 0, 1 | kScanWhole | kScanTest).value == "(@2 true)");
  CHECK(scan("a", "ab", 0, 1 | kScanWhole).value == "(nil)");
}

TEST_CASE("a long search is interrupted between two starts and finds the same when it goes on") {
  const std::string text = repeat("ab ", 200'000) + "ac";
  std::uint32_t from = 0;
  int slices = 0;
  for (;; ++slices) {
    const Shown part = scan("a(?=c)", text, from);
    if (part.value.find(":text") != std::string::npos) {
      CHECK(part.value.find(":start @600000") != std::string::npos);
      break;
    }
    REQUIRE(part.value.rfind("(@", 0) == 0);
    const auto next = static_cast<std::uint32_t>(std::stoul(part.value.substr(2)));
    REQUIRE(next > from);
    from = next;
  }
  CHECK(slices > 1);
}

TEST_CASE("work counts the characters that are passed in one item too") {
  const std::string text(1'000'000, 'a');
  CHECK(scan("a+", text).work > 50'000);
  CHECK(scan("a", text).work < 100);
}

TEST_CASE("a pattern that backtracks without end is a limit error") {
  CHECK(is_limit(scan("^(a+)+$", std::string(40, 'a') + "b").value));
  CHECK(is_limit(scan("^(a|aa)*$", std::string(60, 'a') + "b").value));
  CHECK(is_limit(scan("(?:(.*)(.*)(.*)(.*)(.*)(.*)(.*))[xy]", std::string(300, 'a')).value));
  // Comparing a long group costs what it is long.
  CHECK(is_limit(scan("^(a*)(?:b|\\1\\1c)", std::string(200'000, 'a')).value));
}

TEST_CASE("ways back are bounded in memory") {
  CHECK(is_limit(scan("^(?:(a)|b)*$", std::string(2'000'000, 'a')).value));
}

TEST_CASE("recursion without end is an error of the pattern or a limit") {
  const std::string direct = scan("(?R)", "a").value;
  CHECK(direct.rfind("error ", 0) == 0);
  CHECK(is_limit(scan("((?1)a|a)*(?R)?b", std::string(30, 'a')).value) == false);
}

TEST_CASE("an error in a pattern names its position in characters") {
  CHECK(scan("é(a|b", "").value ==
        "error regex-error: The pattern é(a|b is wrong at 5, its end: missing closing "
        "parenthesis: expected ); write \\( for the character itself "
        "{:pattern \"é(a|b\" :position 5}");
}

TEST_CASE("a long pattern is shown around the error") {
  const std::string value = scan(repeat("ä", 100) + "*+*" + repeat("z", 100), "").value;
  CHECK(value.find("is wrong at 102: quantifier does not follow a repeatable item") !=
        std::string::npos);
  CHECK(value.find("The pattern …") != std::string::npos);
}

TEST_CASE("hostile patterns are refused when compiled") {
  CHECK(scan(repeat("(", 300) + repeat(")", 300), "").value.find("too deeply nested") !=
        std::string::npos);
  CHECK(scan("(?:(?:a{1000}){1000}){1000}", "").value.find("too large") != std::string::npos);
  CHECK(scan(std::string(40'000, 'a'), "").value.find("goes on for too long") != std::string::npos);
  CHECK(scan("a{99999}", "").value.find("number too big") != std::string::npos);
  CHECK(scan("a\\Cb", "").value.find("\\C") != std::string::npos);
  CHECK(scan("x\\Gy", "").value.find("is wrong at 1: \\G is not supported") != std::string::npos);
}

TEST_CASE("\\\\G and \\Q\\G\\E are no search anchors") {
  CHECK(scan("\\\\G", "a\\G", 0, 1 | kScanTest).value == "(@3 true)");
  CHECK(scan("\\Q\\G\\E", "a\\G", 0, 1 | kScanTest).value == "(@3 true)");
}

TEST_CASE("many patterns in turn push each other out of the cache and stay right") {
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 100; ++i)
      CHECK(scan(str("^n", i, "$"), str("n", i), 0, 1 | kScanTest).value ==
            str("(@", i < 10 ? 2 : 3, " true)"));
}

TEST_CASE("many matches that ignore case take time in proportion to the text") {
  const std::string text = repeat("example ", 50'000);
  std::uint64_t work = 0;
  for (std::uint32_t from = 0;;) {
    const Shown part = scan("(?i)EXAMPLE", text, from, 1000 | kScanTest);
    work += part.work;
    if (part.value.rfind("(@", 0) != 0) break;
    from = static_cast<std::uint32_t>(std::stoul(part.value.substr(2)));
  }
  CHECK(work < 5'000'000);
}

TEST_CASE("the four normal forms, and the one for identifiers") {
  CHECK(normal(NormalForm::Nfc, "e\u0301") == "\"\u00E9\"");
  CHECK(normal(NormalForm::Nfd, "\u00E9") == "\"e\u0301\"");
  CHECK(normal(NormalForm::Nfkc, "\uFB01\u2460") == "\"fi1\"");
  CHECK(normal(NormalForm::Nfkd, "\u1E9B\u0323") == "\"s\u0323\u0307\"");
  CHECK(normal(NormalForm::NfkcCasefold, "\u00ADStra\u00DFe") == "\"strasse\"");
  CHECK(normal(NormalForm::Nfc, "\u1112\u1161\u11AB") == "\"\uD55C\"");
  CHECK(normal(NormalForm::Nfd, "\uD55C") == "\"\u1112\u1161\u11AB\"");
}

TEST_CASE("marks are ordered by class, equal ones stay in order, however many") {
  CHECK(normal(NormalForm::Nfd, "a\u0301\u0323\u0300") == "\"a\u0323\u0301\u0300\"");
  const std::string run = normal(NormalForm::Nfd, "a" + repeat("\u0301\u0323", 200'000));
  CHECK(run == "\"a" + repeat("\u0323", 200'000) + repeat("\u0301", 200'000) + "\"");
}

TEST_CASE("the longest decomposition is whole") {
  CHECK(normal(NormalForm::Nfkd, "\uFDFA").size() == 2 + 33);
}

TEST_CASE("case maps fully") {
  CHECK(of(TextOp::Upper, "straße \uFB01 \u0149 \u0390") ==
        "\"STRASSE FI \u02BCN \u0399\u0308\u0301\"");
  CHECK(of(TextOp::Lower, "İ") == "\"i̇\"");
  CHECK(of(TextOp::Title, "ﬁne ǆ they're o’neil 3rd ßa") == "\"Fine ǅ They're O’neil 3Rd Ssa\"");
  CHECK(of(TextOp::FoldCase, "Straße ẞ ΣΑΣ") == "\"strasse ss σασ\"");
}

TEST_CASE("sigma is final at the end of a word only") {
  CHECK(of(TextOp::Lower, "ΟΔΥΣΣΕΥΣ") == "\"οδυσσευς\"");
  CHECK(of(TextOp::Lower, "Σ ΑΣ ΑΣ. ΑΣ'Α Σ.Α.Σ") == "\"σ ας ας. ασ'α σ.α.ς\"");
  CHECK(of(TextOp::Lower, "\u0345\u03A3") == "\"\u0345\u03C3\"");  // a mark is no letter before it
}

TEST_CASE("graphemes are what a reader sees as characters") {
  CHECK(of(TextOp::Graphemes, "e\u0301👩‍💻🇩🇪\r\nx") ==
        "(\"e\u0301\" \"👩‍💻\" \"🇩🇪\" \"\r\n\" \"x\")");
  CHECK(of(TextOp::Graphemes, "") == "()");
}

TEST_CASE("width counts columns") {
  CHECK(of(TextOp::Width, "abc") == "3");
  CHECK(of(TextOp::Width, "世界") == "4");
  CHECK(of(TextOp::Width, "e\u0301") == "1");
  CHECK(of(TextOp::Width, "👩‍💻🇩🇪❤️") == "6");
  CHECK(of(TextOp::Width, "\u200B\t") == "0");
}

TEST_CASE("categories and properties of code points") {
  CHECK(of(TextOp::Category, "", 'A') == ":Lu");
  CHECK(of(TextOp::Category, "", 0x378) == ":Cn");
  CHECK(of(TextOp::Category, "", 0x10FFFD) == ":Co");
  CHECK(of(TextOp::Properties, "", 0x5D0) ==
        "{:category :Lo :combining-class 0 :bidi-class :R :mirrored? false :width 1}");
}
