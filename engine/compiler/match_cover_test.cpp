// The value that a match misses: named where the shape is known, and never wrongly.
#include "engine/compiler/match_cover.h"

#include <doctest/doctest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/sx.h"

namespace sx {
namespace {

struct Fixture {
  Fixture() : engine(VmConfig{}) {
    std::ifstream in(str(SX_SOURCE_DIR, "/lib/core/core.sx"));
    std::stringstream text;
    text << in.rdbuf();
    engine.find_source = [core = text.str()](std::string_view module) -> std::optional<SourceFile> {
      if (module != "core") return std::nullopt;
      return SourceFile{core, "lib/core/core.sx"};
    };
    REQUIRE(engine.require_module("core").ok());
  }
  // The value that the compiler says is missed; "complete", or another error.
  std::string missed(const std::string& source) {
    const auto made = engine.compile({source, "t.sx"});
    if (made.ok()) return "complete";
    const std::string message = made.error().message;
    constexpr std::string_view kBefore = "No clause of this match fits ";
    const std::size_t at = message.find(kBefore);
    if (at == std::string::npos) return message;
    const std::size_t from = at + kBefore.size();
    return message.substr(from, message.find(": add one for it", from) - from);
  }
  Engine engine;
};

TEST_CASE("a missing case is named where the clauses name the others of a closed family") {
  Fixture f;
  CHECK(f.missed("(fn (x y) (match [x y] ([true true] 1) ([false false] 2)))") == "[true false]");
  CHECK(f.missed("(fn (x y) (match [x y] ([() ()] 1) ([(cons a b) (cons c d)] 2)))") ==
        "[() (cons _ _)]");
  CHECK(f.missed(
            "(fn (x) (match x ((list) 1) ((cons true (list)) 2) ((cons false (cons _ _)) 3)))") ==
        "(cons true (cons _ _))");
  CHECK(f.missed("(fn (x) (match x ([] 1) ([true] 2) ([false] 3) ([true _ & r] 4)))") ==
        "[false _]");
  CHECK(f.missed("(fn (x) (match x ([] 1) ([true & _] 2) ([false] 3)))") == "[false _]");
  CHECK(f.missed("(defrecord p (a b))(fn (x) (match x ((p true _) 1) ((p false true) 2) ((p true "
                 "false) 3)))") == "(p false false)");
  CHECK(f.missed("(fn (x) (match x ([:a true] 1) ([:a false] 2) ([:b true] 3)))") == "[:b false]");
  CHECK(f.missed("(fn (x) (match x ((or true nil) 1) ([false] 2) ([true] 3) ([[]] 4) "
                 "([[_ & _]] 5)))") == "complete");
}

TEST_CASE("a missing case is named where the form of the value says what there can be") {
  Fixture f;
  CHECK(f.missed("(fn (x) (match (empty? x) (true 1)))") == "false");
  CHECK(f.missed("(fn (x y) (match [(empty? x) (= x y)] ([true _] 1) ([_ true] 2)))") ==
        "[false false]");
  CHECK(f.missed("(fn (x) (match (list x (nil? x)) ((list _ false) 1)))") ==
        "(cons _ (cons true _))");
  CHECK(f.missed("(defrecord p (a b))(fn (x) (match (p (nil? x) x) ((p true _) 1)))") ==
        "(p false _)");
  CHECK(f.missed("(fn (x) (match (cons x (pair? x)) ((cons _ true) 1)))") == "(cons _ false)");
  // A name of the program's own is no function of the language.
  CHECK(f.missed("(fn (empty?) (match (empty? 1) (true 1)))") == "complete");
}

TEST_CASE("nothing is said where the shape is open, or a clause could fit after all") {
  Fixture f;
  for (const char* source :
       {"(fn (x) (match x (true 1)))",
        "(fn (x) (match x (1 :one) (2 :two)))",
        "(fn (s e) (match [s e] ([:idle :start] 1) ([:running :stop] 2)))",
        "(fn (x) (match x ((list) 0) ((list a b) 1)))",
        "(fn (x) (match x ((cons a r) 1)))",
        "(fn (x) (match x ([a b] 1) ([a b c] 2)))",
        "(fn (x) (match x (true 1) (false :when (pair? x) 2)))",
        "(fn (x) (match x (true :when (pair? x) 1) (false 2)))",
        "(fn (x y) (match [x y] ([true _] 1) ([false (? even?)] 2)))",
        "(fn (x y) (match [x y] ([true {:a 1}] 1) ([false {:b 1}] 2)))",
        "(fn (x) (match (nil? x) ((? boolean?) 1)))",
        "(fn (x) (match (list x) ((? pair?) 1)))",
        "(fn (x) (match (vector x) ((? vector?) 1)))",
        "(fn (x) (match x ((list) 0) ((? list? l) 1)))",
        "(fn (x) (match x ((list) 0) ((cons _ (? list?)) 1)))",
        "(defrecord p (a b))(fn (x) (match (p 1 x) ({:a a} a)))",
        "(fn (x) (match (nil? x) ((and t (or true false)) t)))",
        "(fn (x) (match x ((list) 0) ((list a) 1) ((list a b & more) 2)))",
        "(fn (x) (match x ('() 0) ((cons _ _) 1)))",
        "(fn (x y) (match [x y] ([() _] 1) ([_ ()] 2) ([(cons a b) (cons c d)] 3)))"})
    CHECK_MESSAGE(f.missed(source) == "complete", source);
}

TEST_CASE("a match that a macro writes is not checked: it is written for any value") {
  Fixture f;
  CHECK(f.missed("(defmacro m (v) `(match ,v (true 1)))(m (nil? 1))") == "complete");
}

TEST_CASE("patterns whose looking through would take too long count as complete") {
  Fixture f;
  std::string row, source = "(fn (x) (match x ";
  constexpr int kWide = 26;
  for (int i = 0; i < kWide; ++i) {
    std::string yes, no;
    for (int j = 0; j < kWide; ++j) {
      yes += j == i ? "true " : "_ ";
      no += j == i ? "false " : "_ ";
    }
    source += str("([", yes, "] :when (nil? x) 1) ([", no, "] :when (nil? x) 2) ");
  }
  // Every value with as many trues and falses fits a row; the tree of questions has 2^26 leaves.
  std::string all;
  for (int j = 0; j < kWide; ++j) all += "(or true false) ";
  source += str("([", all, "] 3)))");
  CHECK(f.missed(source) == "complete");
}

TEST_CASE("what is missed raises at run time, and where nothing is missed nothing does") {
  Fixture f;
  // In a macro's match nothing is checked, so that it runs.
  REQUIRE(f.engine.eval("(defmacro open-match (v &rest clauses) `(match ,v ,@clauses))", "t", true)
              .ok());
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const std::function<std::string(int)> pattern = [&](int depth) -> std::string {
    const char* leaves[] = {"true", "false", "_", "()"};
    if (depth == 0) return leaves[below(4)];
    switch (below(8)) {
      case 0:
        return str("(cons ", pattern(depth - 1), " ", pattern(depth - 1), ")");
      case 1:
        return str("[", pattern(depth - 1), " ", pattern(depth - 1), "]");
      case 2:
        return str("(or ", pattern(depth - 1), " ", pattern(depth - 1), ")");
      case 3:
        return str("(and ", pattern(depth - 1), " ", pattern(depth - 1), ")");
      case 4:
        return below(2) ? "[]" : str("[", pattern(depth - 1), " & _]");
      case 5:
        return str("(list ", pattern(depth - 1), ")");
      default:
        return leaves[below(4)];
    }
  };
  int missed = 0, complete = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string clauses;
    for (unsigned n = 1 + below(6); n > 0; --n) clauses += str("(", pattern(2), " ", n, ")");
    const std::string what = f.missed(str("(fn (x) (match x ", clauses, "))"));
    if (what == "complete" || what.find("never reached") != std::string::npos) continue;
    REQUIRE_MESSAGE(what.find("t.sx") == std::string::npos, what);
    ++missed;
    // Anything stands for anything.
    for (const char* anything : {":other", "7", "\"s\""}) {
      std::string value;
      for (const char c : what) value += c == '_' ? std::string(anything) : std::string(1, c);
      const auto ran = f.engine.eval(
          str("(guard (e (else (error-kind e))) (open-match ", value, " ", clauses, "))"), "t",
          true);
      REQUIRE(ran.ok());
      CHECK_MESSAGE(print(f.engine.cx(), *ran) == ":match-error", clauses, " misses ", value);
    }
  }
  CHECK(missed > 200);
  // Of pairs of truths all values can be tried.
  for (int i = 0; i < 2000; ++i) {
    std::string clauses;
    const auto one = [&] {
      const char* leaves[] = {"true", "false", "_", "(or true false)", "(and _ true)"};
      return std::string(leaves[below(5)]);
    };
    for (unsigned n = 1 + below(4); n > 0; --n)
      clauses += str("([", one(), " ", one(), "] ", n, ")");
    const std::string what = f.missed(str("(fn (x y) (match [(nil? x) (nil? y)] ", clauses, "))"));
    if (what.find("never reached") != std::string::npos) continue;
    bool raises = false;
    for (const char* value : {"[true true]", "[true false]", "[false true]", "[false false]"}) {
      const auto ran = f.engine.eval(
          str("(guard (e (else :none)) (open-match ", value, " ", clauses, "))"), "t", true);
      REQUIRE(ran.ok());
      raises = raises || print(f.engine.cx(), *ran) == ":none";
    }
    complete += raises ? 0 : 1;
    CHECK_MESSAGE((what != "complete") == raises, clauses, ": ", what);
  }
  CHECK(complete > 200);
}

}  // namespace
}  // namespace sx
