// The compiler seen from outside: what it refuses and how it says so, what expansion keeps apart,
// the code and templates it makes. Every image made here passes the verifier.
#include "engine/compiler/compiler.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "engine/base/str.h"
#include "engine/bytecode/bundle.h"
#include "engine/bytecode/disasm.h"
#include "engine/bytecode/verify.h"
#include "engine/reader/printer.h"
#include "engine/sx.h"

namespace sx {
namespace {

std::string lib_text(const std::string& path) {
  std::ifstream in(str(SX_SOURCE_DIR, "/lib/", path));
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Fixture {
  explicit Fixture(bool stress = false) : engine(VmConfig{}) {
    engine.find_source = [this](std::string_view module) -> std::optional<SourceFile> {
      if (module == "core") return SourceFile{lib_text("core/core.sx"), "lib/core/core.sx"};
      const auto found = modules.find(std::string(module));
      if (found == modules.end()) return std::nullopt;
      return SourceFile{found->second, str(module, ".sx")};
    };
    auto loaded = engine.require_module("core");
    REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
    if (stress) engine.cx().heap.set_stress(true);
  }
  std::unique_ptr<UnitImage> image(const std::string& source) {
    auto made = engine.compile({source, "t.sx"});
    REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
    auto verified = verify_unit(**made, engine_tables());
    CHECK_MESSAGE(verified.ok(), (verified.ok() ? "" : verified.error().message));
    return made.take();
  }
  std::string error(const std::string& source) {
    auto made = engine.compile({source, "t.sx"});
    return made.ok() ? "compiled" : made.error().message.substr(0, made.error().message.find('\n'));
  }
  std::string value(const std::string& source) {
    image(source);
    auto ran = engine.run_source({source, "t.sx"});
    return ran.ok() ? print(engine.cx(), ran.value()) : str("error: ", ran.error().message);
  }
  std::string listing(const std::string& source) {
    return disassemble(*image(source), engine_tables());
  }

  std::unordered_map<std::string, std::string> modules;
  Engine engine;
};

struct Refusal {
  const char *source, *message;
};

TEST_CASE("what can be known to be wrong is refused with file, line, column and remedy") {
  static const Refusal refusals[] = {
      {"(define (f x)\n  (string/lenght x))",
       "t.sx:2:4: Unbound name: string/lenght. Did you mean string/length?"},
      {"(define (f x) x)\n(f 1 2)",
       "t.sx:2:1: f was given 2 arguments, it takes at most 1. Usage: (f x)"},
      {"(define (f x &opt y) x) (f)",
       "t.sx:1:25: f was given 0 arguments, it needs 1. Usage: (f x &opt y)"},
      {"(define (f &key a) a) (f :b 1)", "t.sx:1:23: f has no keyword :b. Usage: (f &key a)"},
      {"(define (f &key a) a) (f :a)",
       "t.sx:1:23: f: the keyword :a has no value. Usage: (f &key a)"},
      {"(with-limits {:feul 1} 2)",
       "t.sx:1:1: with-limits knows no limit :feul. Expected :fuel, :heap or :depth."},
      {"(map li [1])",
       "t.sx:1:6: Unbound name: li. As an element it stands at the head of a form; to pass it as a "
       "function write (fn (x) (li x))."},
      {"(error)",
       "t.sx:1:1: error does not take 0 forms. Usage: (error message [data]) or (error kind "
       "message "
       "[data])"},
      {"(cons 1)", "t.sx:1:1: cons was given 1 argument. Usage: (cons x list)"},
      {"(loop ((i 0)) (+ 1 (recur i)))",
       "t.sx:1:20: recur is not in tail position: something is left to do after it. Only the last "
       "step of a loop's body can recur."},
      {"(loop ((i 0)) (guard (e) (recur 1)))",
       "t.sx:1:26: recur is not in tail position: something is left to do after it. Only the last "
       "step of a loop's body can recur."},
      {"(loop ((i 0)) (recur))", "t.sx:1:15: The loop has 1 variable, recur was given 0."},
      {"(recur)", "t.sx:1:1: recur outside of a loop."},
      {"(let ((x 1) (x 2)) x)",
       "t.sx:1:1: let binds x twice. Use let* where one follows from the other."},
      {"(define a 1)\n(define a 2)", "t.sx:2:1: a is defined twice; the first time in line 1."},
      {"(fn (a a) 1)", "t.sx:1:5: The parameter a is given twice."},
      {"(fn (a &optional b) 1)",
       "t.sx:1:8: Unknown parameter marker &optional. Expected &opt, &key or &rest."},
      {"(if 1)", "t.sx:1:1: if does not take 1 form. Usage: (if test then else)"},
      {"(list when)", "t.sx:1:7: when is a special form, not a value. Usage: (when test body…)"},
      {"(set! count 1)",
       "t.sx:1:1: set! of count: only local variables and definitions of this module can be set."},
      {"(+ 1 (define x 2))",
       "t.sx:1:6: define stands at the top level, in a body or in do. Here a value is expected: "
       "use let."},
      {"(1 2)", "t.sx:1:1: Not callable: 1. Expected a function; quote the list if it is data."},
      {"(br \"x\")", "t.sx:1:1: <br> cannot have children."},
      {"(div :id 1 :id 2)", "t.sx:1:1: The attribute :id is given twice."},
      {"(div :id)",
       "t.sx:1:1: The attribute :id has no value. Expected :name value; true for a bare "
       "attribute."},
      {"(defcomp ~c (&key t) t)\n(~c :u 1)", "t.sx:2:1: ~c has no keyword :u. Usage: (~c &key t)"},
      {"(defcomp ~c (&key t) t)\n(~c 1)", "t.sx:2:1: ~c takes no children. Usage: (~c &key t)"},
      {"(~none)",
       "t.sx:1:2: Unknown component: ~none. Define it, or use the module that exports it."},
      {"(defrecord p (x y))\n(match 1 ((p a) a))", "t.sx:2:11: p has 2 fields, the pattern has 1."},
      {"(match 1 ((list a a) 1))", "t.sx:1:19: The pattern binds a twice."},
      {"(match 1 (n n) (2 :two))",
       "t.sx:1:17: This clause is never reached: the one before it fits everything."},
      {"(match [1 2] ([a b] a) (_ 0))",
       "t.sx:1:25: This clause is never reached: the one before it fits everything."},
      {"(match [1 2] ([a b c] 1))",
       "t.sx:1:15: This pattern never fits: the value is a vector of 2 elements."},
      {"(match [1] ({:a a} 1))",
       "t.sx:1:13: This pattern never fits: the value is a vector of 1 element."},
      {"(let ((f (fn (a) a))) (f 1 2))",
       "t.sx:1:23: f was given 2 arguments, it takes at most 1. Usage: (f a)"},
      {"(define (g)\n  (define (h a &opt b) a)\n  (h))",
       "t.sx:3:3: h was given 0 arguments, it needs 1. Usage: (h a &opt b)"},
      {"(let next ((i 0) (j 1)) (next 1))",
       "t.sx:1:25: next was given 1 argument, it needs 2. Usage: (next (i 0) (j 1))"},
      {"(:k)", "t.sx:1:1: :k was given 0 arguments. Usage: (:k coll [default])"},
      {"(:k {} 1 2)", "t.sx:1:1: :k was given 3 arguments. Usage: (:k coll [default])"},
      {"(defmacro m (x) x)\n(m)",
       "t.sx:2:1: In the macro m: m: Expected 1 argument, got 0. Usage: (m x)"},
      {",x", "t.sx:1:1: An unquote (, or ,@) outside of a quasiquote."},
      {"(module m :export (f))", "t.sx:1:20: The module exports f but does not define it."},
      {"(module m :export (f f))\n(define f 1)", "t.sx:1:22: f is exported twice."},
      {"(module m :export (map))\n(define (map) 1)",
       "t.sx:2:1: The module core, which is used here, already exports map."},
  };
  Fixture f;
  for (const Refusal& r : refusals) CHECK(f.error(r.source) == r.message);
}

TEST_CASE("two used modules that export one name are refused, both named") {
  Fixture f;
  f.modules["m1"] = "(module m1 :export (shared)) (define shared 1)";
  f.modules["m2"] = "(module m2 :export (shared2 shared)) (define shared 1) (define shared2 2)";
  CHECK(f.error("(use m1)\n(use m2)\nshared").find("m1 and m2 export shared") != std::string::npos);
}

TEST_CASE("nesting beyond any person's writing is an error, and quoted data may be deep") {
  Fixture f;
  const std::string open(1500, '('), close(1500, ')');
  std::string sum;
  for (int i = 0; i < 1500; ++i) sum += "(+ 1 ";
  CHECK(f.error(sum + "1" + close).find("nest more than 1000 deep") != std::string::npos);
  CHECK(f.value("(count '" + open + close + ")") == "1");
  // Every kind of form within the limit leaves the C++ stack whole, sanitizers included.
  for (const char* form :
       {"(let ((y x)) (match y (1 (guard (e (else ", "(let* ((y x)) (when y (cond (y (do ",
        "((fn (y) (and y (or nil (-> y (case (1 ", "(map (fn ([a b]) (apply list a (if b "}) {
    std::string nested = "(define (f x) ", end;
    int open_forms = 0;
    for (const char* c = form; *c; ++c) open_forms += *c == '(' ? 1 : *c == ')' ? -1 : 0;
    for (int i = 0; i < 240; ++i)
      nested += form, end += std::string(static_cast<std::size_t>(open_forms), ')');
    const std::string verdict = f.error(nested + "x" + end + ")");
    CHECK_MESSAGE((verdict == "compiled" || verdict.rfind("t.sx:", 0) == 0), verdict);
  }
  std::string cond = "(cond ";
  for (int i = 0; i < 3000; ++i) cond += str("((= 0 ", i + 1, ") ", i, ")");
  CHECK(f.value(cond + "(else :last))") == ":last");
}

TEST_CASE("macros neither capture the caller's names nor are captured by them") {
  for (bool stress : {false, true}) {
    Fixture f(stress);
    CHECK(f.value("(defmacro swap (a b) `(let ((tmp ,a)) (set! ,a ,b) (set! ,b tmp)))"
                  "(let ((tmp 1) (y 2)) (swap tmp y) [tmp y])") == "[2 1]");
    CHECK(f.value("(defmacro or2 (a b) `(let ((t ,a)) (if t t ,b))) (let ((t 5) (if list)) (or2 "
                  "nil t))") == "5");
    CHECK(f.value("(defmacro m () `(list 1 2)) (let ((list vector)) (m))") == "(1 2)");
    CHECK(f.value("(defmacro it (x) `(let ((,'it ,x)) (+ ,'it 1))) (it 4)") == "5");
    CHECK(f.value("(defmacro bare (x) `(let ((,'it 7)) ,x)) (bare it)") == "7");
    CHECK(f.value("(defmacro q () `'(a b)) (m2) (defmacro m2 () '(quote done)) (= (q) '(a b))") ==
          "true");
    CHECK(f.value("(defmacro def (name v) `(define ,name ,v)) (def z 9) z") == "9");
    CHECK(f.value("(defmacro twice (x) `(do ,x ,x)) (defmacro four (x) `(twice (twice ,x)))"
                  "(let ((c (cell 0))) (four (cell/set! c (inc (cell/get c)))) (cell/get c))") ==
          "4");
    CHECK(f.value("(define (helper x) (list 'quote (reverse x))) (defmacro m (x) (helper x)) (m (1 "
                  "2 3))") == "(3 2 1)");
    CHECK(f.value("(defmacro while (t &rest b) `(let again () (when ,t ,@b (again))))"
                  "(let ((i 0) (again 3)) (while (< i again) (set! i (inc i))) i)") == "3");
  }
}

TEST_CASE(
    "a macro's template means its own module's names, private ones too, wherever it is used") {
  Fixture f;
  f.modules["lib1"] =
      "(module lib1 :export (add-all)) (define (total xs) (reduce + 0 xs))"
      "(defmacro inner (x) `(total ,x)) (defmacro add-all (&rest xs) `(inner (list ,@xs)))";
  CHECK(f.value("(use lib1) (define (total x) :wrong) (let ((list vector)) (add-all 1 2 3))") ==
        "6");
  CHECK(f.error("(use lib1)\n(total 1)") ==
        "t.sx:2:2: Unbound name: total. Define it, or use the module that exports it.");
}

TEST_CASE("forms give the values that the language page promises") {
  static const std::pair<const char*, const char*> cases[] = {
      {"(define (f) (define (e n) (if (= n 0) true (o (- n 1)))) (define (o n) (if (= n 0) false "
       "(e (- n 1)))) [(e 10) (e 7)]) (f)",
       "[true false]"},
      {"(let ((n 0)) (let ((f (fn () (set! n (inc n)) n))) (f) (f) n))", "2"},
      {"(map (fn (f) (f)) (loop ((i 0) (fs ())) (if (< i 3) (recur (inc i) (cons (fn () i) fs)) "
       "fs)))",
       "(2 1 0)"},
      {"(loop ((a 1) (b 2) (n 3)) (if (= n 0) [a b] (recur b a (dec n))))", "[2 1]"},
      {"(loop ((a 1) (b 2) (n 3)) (if (= n 0) [a b] (recur (+ a b) a (dec n))))", "[7 4]"},
      {"(let outer ((i 0)) (let inner ((j 0)) (cond ((< j 2) (inner (inc j))) ((< i 3) (outer (inc "
       "i))) (else [i j]))))",
       "[3 2]"},
      {"(let go ((i 0)) (if (< i 5) (+ 1 (go (inc i))) 0))", "5"},
      {"(let go ((i 0)) (if (< i 3) (guard (e (else (go (inc i)))) (raise 1)) i))", "3"},
      {"(define x 1) (set! x (+ x 1)) x", "2"},
      {"(let ((x 1)) (+ x (do (set! x 5) x) x))", "11"},
      {"(let ((x 2)) (set! x (and x (+ x 1))) x)", "3"},
      {"(let ((x 1)) (set! x (guard (e (else [x e])) (raise 2))) x)", "[1 2]"},
      {"(letrec ((a (fn () b)) (b 3)) (a))", "3"},
      {"(define (f a &opt (b (* a 2)) &key (c (+ a b)) d &rest r) [a b c d r]) (f 1)",
       "[1 2 3 nil ()]"},
      {"(define (f &opt (g (fn () a)) (a 1)) 1) 0", "Unbound"},
      {"((fn (a . r) [a r]) 1 2 3)", "[1 (2 3)]"},
      {"(let (([a [b c] & r] [1 [2 3] 4 5]) ({:keys (x (y 9)) :z z} {:x 7 :z 8})) [a b c r x y z])",
       "[1 2 3 (4 5) 7 9 8]"},
      {"(case 'b ((a b) 1) (else 2))", "1"},
      {"(match {:a [1 {:b 2}]} ({:a [x {:b y}]} [x y]))", "[1 2]"},
      {"(match [3 1] ((or [1 x] [x 1]) x))", "3"},
      {"(match '(a 1 2) ((list 'b & _) 0) ((cons 'a r) r))", "(1 2)"},
      {"(match 7 ((and (? integer?) n) :when (odd? n) [n]) (_ 0))", "[7]"},
      {"(match \"s\" ((? number?) 1) (\"s\" 2))", "2"},
      {"(defrecord p (x y)) (match (p 1 2) ((p a b) [a b (p-x (p 3 4)) (p? 1)]))", "[1 2 3 false]"},
      {"(guard (e ((= e 1) :one) ((= e 2) :two)) (raise 2))", ":two"},
      {"(guard (e (else [:outer e])) (guard (f ((= f 1) 1)) (raise 9)))", "[:outer 9]"},
      {"(let ((c (cell ()))) (guard (e (else nil)) (protect (protect (raise 1) (cell/set! c (cons "
       ":in (cell/get c)))) (cell/set! c (cons :out (cell/get c))))) (cell/get c))",
       "(:out :in)"},
      {"(let ((c (cell 0))) [(protect (cell/get c) (cell/set! c 5)) (cell/get c)])", "[0 5]"},
      {"(define p (make-parameter 1)) [(p) (parameterize ((p 2)) (p)) (guard (e (else (p))) "
       "(parameterize ((p 3)) (raise 1)))]",
       "[1 2 1]"},
      {"(with-handler (fn (r k) (if (= r :get) (resume k 41) (perform r))) (+ 1 (perform :get)))",
       "42"},
      {"(with-handler (fn (r k) (resume-raise k r)) (guard (e (else [:raised e])) (perform 1)))",
       "[:raised 1]"},
      {"(guard (e (else (error-kind e))) (with-limits {:fuel 500} (loop () (recur))))", ":limit"},
      {"`(1 ,(+ 1 1) ,@(list 3 4) . 5)", "(1 2 3 4 . 5)"},
      {"`[1 ,@(list 2 3) {:a ,(+ 1 1)} `(x ,(y ,(+ 1 2)))]", "[1 2 3 {:a 2} `(x ,(y 3))]"},
      {"(-> 5 (- 3) inc (list 1))", "(3 1)"},
      {"(->> [1 2 3] (map inc) (reduce + 0))", "9"},
      {"[(< 1 2 3) (< 1 3 2) (= 1 1 1) (+) (*) (- 5) (- 0.0) (+ 1 2 3) (/ 12 2 3)]",
       "[true false true 0 1 -5 -0.0 6 2]"},
      {"[(and) (or) (and nil 1) (or false nil) (and 1 2) (not (and (< 1 2) (> 1 2)))]",
       "[true nil nil nil 2 true]"},
      {"[(cond (nil 1) (5)) (cond) (when nil 1) (unless nil 1 2) (if false 1)]",
       "[5 nil nil 2 nil]"},
      {"(let ((p (fn (x) [x]))) (p 1))", "[1]"},
      {"(apply + 1 [2 3])", "6"},
      {"(map raise ())", "()"},
      {"(guard (e (else e)) (map raise [7]))", "7"},
      {"(do (define z 3) (define (g) z) (g))", "3"},
      {"(define (f x) (when (> x 0) (f (- x 1)))) (f 100000)", "nil"},
  };
  for (bool stress : {false, true}) {
    Fixture f(stress);
    for (const auto& [form, expected] : cases) {
      const char* source = form;  // clang 14: CAPTURE cannot name a structured binding
      CAPTURE(source);
      if (std::string_view(expected) == "Unbound")
        CHECK(f.error(source) ==
              "t.sx:1:27: Unbound name: a. Define it, or use the module that exports it.");
      else
        CHECK(f.value(source) == expected);
    }
  }
}

TEST_CASE("nested literal elements become one template, escaped, with holes by context") {
  Fixture f;
  auto image = f.image(
      "(define (page u t) (div :class \"a&b\" :hidden true :title nil (a :href u :onclick t :style "
      "t \"x < y\" (b t)) (img :srcset u) 5))");
  REQUIRE(image->templates.size() == 1);
  std::string shape;
  for (const TemplatePart& part : image->templates[0].parts)
    shape += part.op == TemplateOp::Static
                 ? part.text
                 : str("{", static_cast<int>(part.op), " ", part.text, "}");
  CHECK(shape ==
        "<div class=\"a&amp;b\" hidden><a{3 href}{8 onclick}{4 style}>x &lt; y<b>{1 "
        "}</b></a><img{7 srcset}>5</div>");
  CHECK(image->templates[0].holes == 5);
}

TEST_CASE("an interactive session knows how to call what earlier inputs defined") {
  Fixture f;
  const auto eval = [&](const char* source) -> std::string {
    auto ran = f.engine.eval(source, "t", true);
    if (ran.ok()) return print(f.engine.cx(), ran.value());
    return ran.error().message.substr(0, ran.error().message.find('\n'));
  };
  CHECK(eval("(defrecord point (x y))") == "nil");
  CHECK(eval("(match (point 1 2) ((point a b) [b a]))") == "[2 1]");
  CHECK(eval("(match 1 ((point a) a))") == "t:1:11: point has 2 fields, the pattern has 1.");
  CHECK(eval("(point 1)") == "t:1:1: point was given 1 argument, it needs 2. Usage: (point x y)");
  CHECK(eval("(defcomp ~c (&key a) (p a))") == "nil");
  CHECK(eval("(~c :b 1)") == "t:1:1: ~c has no keyword :b. Usage: (~c &key a)");
  CHECK(eval("(html/render (~c :a 1))") == "\"<p>1</p>\"");
  // A later definition replaces all that was known.
  CHECK(eval("(define (point x) [x])") == "nil");
  CHECK(eval("(point 1)") == "[1]");
  CHECK(eval("(defmacro twice (x) `(do ,x ,x))") == "nil");
  CHECK(eval("(define (twice x) [x x])") == "nil");
  CHECK(eval("(twice 1)") == "[1 1]");
  // Also names of the core library.
  CHECK(eval("(define sum 1)") == "nil");
  CHECK(eval("sum") == "1");
  CHECK(eval("(define (inc x) [x])") == "nil");
  CHECK(eval("(inc 1)") == "[1]");
  // What a macro's template defines stays the input's own.
  CHECK(eval("(defmacro counter (name) `(do (define n (cell 0)) (define (,name) (cell/set! n (+ 1 "
             "(cell/get n))))))") == "nil");
  CHECK(eval("(counter one)") == "nil");
  CHECK(eval("(one)") == "1");
  CHECK(eval("(counter two)") == "nil");
  CHECK(eval("[(two) (one) (one)]") == "[1 2 3]");
}

TEST_CASE("elements: shadowing, components, many children, raw text") {
  Fixture f;
  CHECK(f.value("(html/render (div (frag 1 (raw \"<i>\") (doctype)) (el :map \"m\")))") ==
        "\"<div>1<i><!DOCTYPE html><map>m</map></div>\"");
  CHECK(f.value("(defcomp ~t (&key title &rest children) (section (title title) children))"
                "(html/render (~t :title \"a<\" (p 1) [2 nil (b 3)]))") ==
        "\"<section><title>a&lt;</title><p>1</p>2<b>3</b></section>\"");
  CHECK(f.value("(define (label x) [x]) (label 1)") == "[1]");
  CHECK(f.value("(html/render (style \"a > b {}\"))") == "\"<style>a > b {}</style>\"");
  std::string many = "(string/length (html/render (ul";
  for (int i = 0; i < 700; ++i) many += " (li (str 1) (str 2))";
  CHECK(f.value(many + ")))") == str(700 * 11 + 9));
  CHECK(f.value("(defmacro row (x) `(li ,x)) (html/render (ul (row 1) (row (inc 1))))") ==
        "\"<ul><li>1</li><li>2</li></ul>\"");
}

TEST_CASE("calls and expressions too wide for the registers work or are refused by name") {
  Fixture f;
  std::string list = "(count (list", text = "(string/length (str", vector = "(count [";
  for (int i = 0; i < 3000; ++i) list += " (inc 1)", text += " (inc 1)", vector += " (inc 1)";
  CHECK(f.value(list + "))") == "3000");
  CHECK(f.value(text + "))") == "3000");
  CHECK(f.value(vector + "])") == "3000");
  std::string call = "(define (f &rest r) r) (f";
  for (int i = 0; i < 201; ++i) call += " 1";
  CHECK(f.error(call + ")").find("A call takes at most 200 arguments") != std::string::npos);
  std::string lets = "(define (g x) (let (";
  for (int i = 0; i < 260; ++i) lets += str("(v", i, " (f x))");
  CHECK(f.error("(define (f x) x)" + lets + ") (list v0 v259)))")
            .find("needs more than 250 registers") != std::string::npos);
}

TEST_CASE("functions longer than a short jump reaches still branch correctly") {
  Fixture f;
  std::string source = "(define (f x) (if (f? x) (do";
  for (int i = 0; i < 9000; ++i) source += str(" (cell/set! c ", 1000 + i, ")");
  source += ") :skipped)) (define c (cell 0)) (define (f? x) x) [(f nil) (f 1) (cell/get c)]";
  CHECK(f.value(source) == "[:skipped 9999 9999]");
}

TEST_CASE("hot code is tight: no booleans between a test and its jump, no moves in a loop") {
  Fixture f;
  const std::string fib =
      f.listing("(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))");
  for (const char* line : {"JumpLtI      r0 2 false", "AddI         r4 r0 -1",
                           "CallSelf     r1 (r4)", "Add          r3 r1 r2"})
    CHECK(fib.find(line) != std::string::npos);
  CHECK(fib.find("Move") == std::string::npos);
  const std::string sum = f.listing(
      "(define (sum n) (loop ((i 0) (acc 0)) (if (< i n) (recur (+ i 1) (+ acc i)) acc)))");
  CHECK(sum.find("Add          r2 r2 r1") != std::string::npos);
  CHECK(sum.find("Move") == std::string::npos);
}

TEST_CASE("primitives of constants are computed when compiled") {
  Fixture f;
  const std::string listing = f.listing("(define (f) (+ 1 (* 2 3) (if (< 1 2) (- 10 4) 0)))");
  CHECK(listing.find("LoadInt      r0 13") != std::string::npos);
  for (const char* op : {"Add", "Mul", "JumpLt", "Lt "})
    CHECK_MESSAGE(listing.find(op) == std::string::npos, op);
}

TEST_CASE("a walk over a sequence with a function in place is a loop without calls") {
  Fixture f;
  const std::string listing =
      f.listing("(define (f n l) (reduce + 0 (filter (fn (x) (> x 1)) (map (fn (x) (* x n)) l))))");
  for (const char* op : {"Call ", "CallGlobal", "TailGlobal", "function 2"})
    CHECK_MESSAGE(listing.find(op) == std::string::npos, op);
  CHECK(listing.find("ListAdd ") != std::string::npos);
  CHECK(f.listing("(define (f g l) (map g l))").find("TailGlobal") != std::string::npos);
  CHECK(f.value("(define (map f l) :mine) (map (fn (x) x) [1])") == ":mine");
}

TEST_CASE("numbers that a loop needs in every turn are loaded before it") {
  Fixture f;
  const std::string listing = f.listing(
      "(define (f n) (loop ((i 0) (x 1.0)) (if (= i n) x (recur (+ i 1) (+ (* x 2.5) 2.5)))))");
  CHECK(listing.find("Const        r3 2.5") != std::string::npos);
  CHECK(listing.find("MulAdd       r4 r2 r3") != std::string::npos);
  CHECK(listing.find("Add          r2 r4 r3") != std::string::npos);
  // A function that calls itself last is a loop as well.
  const std::string turns = f.listing("(define (f n) (if (< n 1000000) (f (+ n 1)) n))");
  CHECK(turns.find("Const") < turns.find("JumpLt"));
  CHECK(turns.find("→ 1\n") != std::string::npos);
  CHECK(
      f.value("(define (f) (loop ((i 0) (l ())) (if (= i 3) l (recur (+ i 1) (cons (+ i 0.5) l)))))"
              "[(f) (f)]") == "[(2.5 1.5 0.5) (2.5 1.5 0.5)]");
}

TEST_CASE("what commonly stands together is fused, and each part remains") {
  Fixture f;
  const auto has = [&](const char* source, std::initializer_list<const char*> lines) {
    const std::string listing = f.listing(source);
    for (const char* line : lines) CHECK_MESSAGE(listing.find(line) != std::string::npos, listing);
  };
  has("(define (f a x) (loop ((i 0)) (if (< (array/get a i) x) (recur (+ i 1)) i)))",
      {"ArrayGetLt   r3 r0 r2", "JumpLt       r3 r1 false", "AddILoop     r2 r2 1", "Loop "});
  has("(define (f l) (reduce + 0 l))",
      {"PairFirst    r2 0 false", "First        r3 r2", "RestLoop     r2 r2", "Loop "});
  has("(define (f a b c) (- c (* a b)))", {"MulSub       r3 r0 r1", "Sub          r4 r2 r3"});
  has("(define (f a b c) (+ a b c))", {"AddAdd       r3 r0 r1", "Add          r4 r3 r2"});
  has("(define (f a b c) (+ (- a b) c))", {"SubAdd       r3 r0 r1", "Add          r4 r3 r2"});
  // One instruction is fused with one other at most.
  has("(define (f a b c d) (+ (* a b) c d))",
      {"MulAdd       r4 r0 r1", "Add          r5 r4 r2", "Add          r6 r5 r3"});
}

TEST_CASE("small constant indices of arrays are in the instruction") {
  Fixture f;
  const std::string listing =
      f.listing("(define (f a) (array/set! a 255 (array/get a 0)) (array/get a 256))");
  CHECK(listing.find("ArrayGetI    r1 r0 0") != std::string::npos);
  CHECK(listing.find("ArraySetI    r0 r1 255") != std::string::npos);
  CHECK(listing.find("ArrayGet     r") != std::string::npos);
}

TEST_CASE("the same source gives the same image") {
  const std::string source =
      "(defmacro m (x) `(let ((t ,x)) (define-it t))) (defmacro define-it (x) x)"
      "(define (f x) (m (match x ([a b] (div :id a b)) (_ {:k x})))) (m 1) (f [1 2])";
  Fixture one, two;
  one.value("(define unrelated 1) (gensym)");
  auto a = one.image(source), b = two.image(source);
  CHECK(a->constants == b->constants);
  CHECK(a->globals == b->globals);
  REQUIRE(a->functions.size() == b->functions.size());
  for (std::size_t i = 0; i < a->functions.size(); ++i)
    CHECK(a->functions[i].code == b->functions[i].code);
}

TEST_CASE("exports carry docs and usage lines, performed ops are declared") {
  Fixture f;
  auto image = f.image(
      "(module m :export (f ~c w)) (define (f a &opt (b 1)) \"Doc.\" (perform {:op \"clock/now\" "
      ":args (list a b)}))"
      "(defcomp ~c (&key t) t) (defmacro w (x) \"W.\" x) (defmacro hidden (x) x)");
  REQUIRE(image->exports.size() == 4);
  CHECK(image->exports[0].name == "f");
  CHECK(image->exports[0].doc == "Doc.");
  CHECK(image->exports[0].usage == "(f a &opt (b 1))");
  CHECK(image->exports[1].kind == ExportKind::Component);
  CHECK(image->exports[2].kind == ExportKind::Macro);
  CHECK(image->exports[3].name == "m#hidden");
  CHECK(image->requires_ops == std::vector<std::string>{"clock/now"});
  CHECK(image->uses == std::vector<std::string>{"core"});
}

TEST_CASE("the libraries in SX compile to images that verify") {
  Fixture f;
  for (const auto& module : f.engine.modules()) {
    auto verified = verify_unit(*module.image, engine_tables());
    CHECK_MESSAGE(verified.ok(), (verified.ok() ? "" : verified.error().message));
  }
}

}  // namespace
}  // namespace sx
