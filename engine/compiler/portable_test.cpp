// :portable: what makes a component impure is found wherever it stands, and named with its place.
#include "engine/compiler/portable.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <unordered_map>

#include "engine/base/str.h"
#include "engine/sx.h"

using namespace sx;

namespace {

struct Fixture {
  Fixture() : engine(VmConfig{}) {
    engine.find_source = [this](std::string_view module) -> std::optional<SourceFile> {
      if (module == "core") {
        std::ifstream in(str(SX_SOURCE_DIR, "/lib/core/core.sx"));
        std::stringstream text;
        text << in.rdbuf();
        return SourceFile{text.str(), "lib/core/core.sx"};
      }
      const auto found = modules.find(std::string(module));
      if (found == modules.end()) return std::nullopt;
      return SourceFile{found->second, str(module, ".sx")};
    };
    REQUIRE(engine.require_module("core").ok());
  }
  // A module m with the portable component ~c and more definitions.
  std::string refusal(const std::string& body, const std::string& uses = "") {
    const std::string source =
        str("(module m :use (", uses, ") :export (~c) :portable (~c))\n", body);
    auto made = engine.compile({source, "m.sx"});
    if (!made.ok()) return made.error().message.substr(0, made.error().message.find('\n'));
    for (const Export& e : (*made)->exports)
      if (e.name == "~c") hash = e.hash;
    return "";
  }

  std::unordered_map<std::string, std::string> modules;
  Engine engine;
  std::string hash;
};

// "m.sx:1:1: ~c is named in :portable, but it is not pure: WAY. Take it …"
void refused(Fixture& f, const std::string& body, const std::string& way,
             const std::string& uses = "") {
  const std::string found = f.refusal(body, uses);
  const std::string begin = "m.sx:1:1: ~c is named in :portable, but it is not pure: ";
  CHECK_MESSAGE(found.substr(0, begin.size()) == begin, body << " gave " << found);
  CHECK_MESSAGE(found.find(way) == begin.size(), body << " gave " << found);
}

}  // namespace

TEST_CASE("a portable component may compute with data, walk over them, raise, and build markup") {
  Fixture f;
  CHECK(f.refusal("(define names [\"a\" \"b\"]) (define more {:a (list 1 2)})"
                  "(define (show x) (if (string? x) x (error :bad \"no\")))"
                  "(defcomp ~c (&key xs (n 1) &rest children)"
                  " (div :class n (map (fn (x) (li (show x))) (sort (filter string? xs)))"
                  "  (let ((seen 0)) (for-each (fn (x) (set! seen (+ seen 1))) xs) seen)"
                  "  (guard (e (else \"?\")) (show 1)) (nth names 0) (get more :a) children))") ==
        "");
  CHECK(f.hash.size() == 32);
}

TEST_CASE("what is not pure is refused with the way to it") {
  Fixture f;
  refused(f, "(defcomp ~c () (p (perform {:op \"clock/now\" :args ()})))",
          "~c performs a request, m.sx:2:19");
  refused(f, "(defcomp ~c () (p (io/now-ms)))",
          "~c calls io/now-ms, which performs a request, lib/core/");
  refused(f, "(define (a) (b))\n(define (b) (io/now-ms))\n(defcomp ~c () (p (a)))",
          "~c calls a, which calls b, which calls io/now-ms, which performs a request, lib/core/");
  refused(f, "(define n (cell 0)) (defcomp ~c () (p (cell/get n)))",
          "~c uses n, of which only running its module tells what it is, m.sx:2:");
  refused(f, "(define n 0) (define (f) (set! n 1)) (defcomp ~c () (p (str n)))",
          "~c uses n, of which only");
  refused(f, "(define n 0) (defcomp ~c () (set! n 1) (p))",
          "~c changes a global variable, m.sx:2:");
  refused(f, "(define p1 (make-parameter 1)) (defcomp ~c () (p (p1)))",
          "~c uses p1, of which only");
  refused(f, "(defcomp ~c (&key x) (p (raw x)))", "~c uses raw, m.sx:2:");
  refused(f, "(defcomp ~c (&key x) (el x \"a\"))", "~c uses %element, m.sx:2:");
  refused(f, "(defcomp ~c (&key x) (p (hash x)))", "~c uses hash, m.sx:2:");
  refused(f, "(defcomp ~c (&key x) (p (map hash x)))", "~c uses hash, m.sx:2:");
  refused(f, "(defcomp ~c (&key x) (p (map (fn (y) (raw y)) x)))", "~c uses raw, m.sx:2:");
  refused(f, "(defcomp ~c (&key x) (with-handler (fn (r k) (resume k 1)) (p x)))",
          "~c handles requests");
  refused(f, "(defcomp ~c (&key x) (with-limits {:fuel 10} (p x)))", "~c runs fibers");
  refused(f, "(define (f) 1) (define g (let ((n 0)) (fn () n))) (defcomp ~c () (p (g)))",
          "~c uses g, of which only");
  refused(f, "(define (f x) (raw x)) (define d {:f f}) (defcomp ~c (&key x) (p ((get d :f) x)))",
          "~c uses d, of which only");
}

TEST_CASE("code of other modules is followed as well, and is part of the hash") {
  Fixture f;
  f.modules["shop"] =
      "(module shop :export (shop/price shop/now))\n"
      "(define (shop/price n) (* 2 n))\n(define (shop/now) (io/now-ms))";
  CHECK(f.refusal("(defcomp ~c (&key x) (p (shop/price x)))", "shop") == "");
  const std::string first = f.hash;
  refused(f, "(defcomp ~c () (p (shop/now)))",
          "~c calls shop/now, which calls io/now-ms, which performs a request", "shop");
  Fixture again;
  again.modules = f.modules;
  CHECK(again.refusal("(defcomp ~c (&key x) (p (shop/price x)))", "shop") == "");
  CHECK(again.hash == first);
  Fixture other;
  other.modules["shop"] = "(module shop :export (shop/price))\n(define (shop/price n) (* 3 n))";
  CHECK(other.refusal("(defcomp ~c (&key x) (p (shop/price x)))", "shop") == "");
  CHECK(other.hash != first);
}

TEST_CASE(":portable names exported components, whose parameters stay what they are") {
  Fixture f;
  CHECK(f.refusal("(define (~c) 1)")
            .find(":portable names components that the module exports, and ~c is "
                  "none.") != std::string::npos);
  auto hidden =
      f.engine.compile({"(module n :export () :portable (~d))\n(defcomp ~d () (p))", "n.sx"});
  REQUIRE_FALSE(hidden.ok());
  CHECK(hidden.error().message.find(":portable names components") != std::string::npos);
  CHECK(f.refusal("(defcomp ~c (&key x) (set! x 1) (p x))").find("cannot set! its parameter x") !=
        std::string::npos);
}
