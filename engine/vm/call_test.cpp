// Calls: parameter kinds, arity errors, tail calls, depth, apply, what errors tell.
#include "engine/vm/test_machine.h"

using namespace sx;

TEST_CASE("required parameters are counted exactly") {
  CHECK_SX("(define (f a b) (+ a b)) (f 1 2)", "3");
  CHECK_SX("(define (f a b) (+ a b)) (apply f (list 1))",
           "error: f: Expected 2 arguments, got 1. Usage: (f a b)");
  CHECK_SX("(define (f a b) (+ a b)) (apply f (list 1 2 3))",
           "error: f: Expected 2 arguments, got 3. Usage: (f a b)");
  CHECK_SX("(define (f) 1) ((car (list f)) 1)",
           "error: f: Expected 0 arguments, got 1. Usage: (f)");
}

TEST_CASE("optional parameters default in order, also from earlier ones") {
  CHECK_SX("(define (f a &opt b (c (+ a 1))) (list a b c)) (list (f 1) (f 1 2) (f 1 2 9))",
           "((1 nil 2) (1 2 2) (1 2 9))");
  CHECK_SX("(define (f a &opt b) 0) ((car (list f)))",
           "error: f: Expected 1 to 2 arguments, got 0. Usage: (f a &opt b)");
  CHECK_SX("(define (f a &opt b) 0) ((car (list f)) 1 2 3)",
           "error: f: Expected 1 to 2 arguments, got 3. Usage: (f a &opt b)");
  CHECK_SX("(define (f &opt (a (cons 1 2)) (b (list a a))) b) (f)", "((1 . 2) (1 . 2))");
}

TEST_CASE("keyword parameters bind by name in any order") {
  CHECK_SX(
      "(define (f a &key k (l (list a))) (list a k l)) (list (f 1) (f 1 :l 2) (f 1 :l 2 :k 3))",
      "((1 nil (1)) (1 nil 2) (1 3 2))");
  CHECK_SX("(define (f &key k) k) ((car (list f)) :other 1)",
           "error: f: unknown keyword :other. Usage: (f &key k)");
  CHECK_SX("(define (f &key k) k) ((car (list f)) :k)",
           "error: f: no value after :k. Usage: (f &key k)");
  CHECK_SX("(define (f &key k) k) ((car (list f)) 5)",
           "error: f: Expected keyword arguments, found 5. Usage: (f &key k)");
}

TEST_CASE("a rest parameter takes what is left") {
  CHECK_SX("(define (f a &rest r) (list a r)) (list (f 1) (f 1 2) (f 1 2 3))",
           "((1 ()) (1 (2)) (1 (2 3)))");
  CHECK_SX("((fn args args) 1 (list 2) \"x\")", "(1 (2) \"x\")");
  CHECK_SX("(define (f a &opt b &key k &rest r) (list a b k r)) (f 1 2 3 :k 4 5)", "(1 2 4 (3 5))");
}

TEST_CASE("a component binds keywords and collects children") {
  CHECK_SX(
      "(defcomp ~card (&key title (slug \"x\") &rest children) (div title slug children))"
      "(html/render (~card :title \"a\" \"b\" \"c\"))",
      "\"<div>axbc</div>\"");
}

TEST_CASE("primitives, keywords and parameters are functions") {
  CHECK_SX("(map car '((1 2) (3 4)))", "(1 3)");
  CHECK_SX(
      "(define (at k &rest r) (apply k r)) (list (at :a {:a 1}) (at :b {:a 1}) (at :b {:a 1} 7) "
      "(at :a {:a nil} 7))",
      "(1 nil 7 nil)");
  CHECK_SX("(let ((p (make-parameter 4))) (p))", "4");
  CHECK_SX("(apply car (list))", "error: car: Expected 1 argument, got 0. Usage: (car pair)");
  CHECK_SX("((make-parameter 1) 2)", "error: parameter: Expected 0 arguments, got 1");
  CHECK_SX("(let ((f (fn (g) (g 1)))) (f nil))", "error: Not callable: nil");
  CHECK_SX("(define x \"text\") (x 1)", "error: Not callable: \"text\"");
}

TEST_CASE("apply spreads lists and vectors, also very long ones") {
  CHECK_SX("(apply + 1 2 '(3 4))", "10");
  CHECK_SX("(apply list [1 2])", "(1 2)");
  CHECK_SX("(apply (fn (a &opt b &rest r) (list a b r)) 1 '(2 3))", "(1 2 (3))");
  CHECK_SX("(apply (fn (a) a) '(1 2 3))",
           "error: function: Expected 1 argument, got 3. Usage: (fn a)");
  CHECK_SX("(apply + 5)", "error: apply: Expected list, got integer");
  CHECK_SX("(define (count-them &rest r) (count r)) (apply count-them (range 3000))", "3000");
  CHECK_SX_PLAIN("(define (count-them &rest r) (count r)) (apply count-them (range 100000))",
                 "100000");
  CHECK_SX_PLAIN("(apply + (range 100000))", "4999950000");
  CHECK_SX("(define (f n) (if (= n 0) :done (apply f (list (- n 1))))) (f 2000)", ":done");
}

TEST_CASE("a million tail calls use no stack") {
  CHECK_SX_PLAIN(
      "(define (even n) (if (= n 0) true (odd (- n 1)))) (define (odd n) (if (= n 0) false (even "
      "(- n 1))))"
      "(with-limits {:depth 2000} (even 1000000))",
      "true");
  // Frames of different sizes at the end of a segment.
  CHECK_SX_PLAIN(
      "(define (small n) (if (= n 0) :done (big n 1 2 3 4 5 6 7 8 9)))"
      "(define (big n a b c d e f g h i) (small (- n (if (= 45 (+ a b c d e f g h i)) 1 0))))"
      "(define (deep k) (if (= k 0) (small 3000) (car (list (deep (- k 1))))))"
      "(map (fn (k) (with-limits {:depth 60000} (deep k))) (range 0 40))",
      "(" +
          [] {
            std::string s;
            for (int i = 0; i < 40; ++i) s += i ? " :done" : ":done";
            return s;
          }() +
          ")");
}

TEST_CASE("a million calls deep, and the memory is given back") {
  TestMachine& m = test_machine(false);
  const std::string program =
      "(define (down n) (if (= n 0) 0 (+ 1 (down (- n 1))))) (down 1000000)";
  CHECK(m.run(program) == "1000000");
  m.engine.cx().heap.collect_full();
  const std::size_t once = m.engine.cx().heap.stats().external_bytes;
  CHECK(once < 2'000'000);
  CHECK(m.run(program) == "1000000");
  m.engine.cx().heap.collect_full();
  CHECK(m.engine.cx().heap.stats().external_bytes == once);
}

TEST_CASE("deep recursion keeps its values through collections") {
  CHECK_SX("(define (build n) (if (= n 0) () (cons n (build (- n 1))))) (count (build 3000))",
           "3000");
  CHECK_SX_PLAIN(
      "(define (build n) (if (= n 0) () (cons n (build (- n 1))))) (reduce + 0 (build 300000))",
      "45000150000");
}

TEST_CASE("what only a deep stack refers to survives many marks, running or suspended") {
  TestMachine& m = test_machine(false);
  // 300,000 frames with a list each; below them old objects die until several marks have ended.
  const std::string parts =
      "(define kept (array/new 20000 nil))"
      "(define (churn n) (when (> n 0) (array/set! kept (modulo (* n 7919) 20000) (list n n n n n))"
      "  (churn (- n 1))))"
      "(define (hold n then) (if (= n 0) (then) (let ((p (list n))) (+ (hold (- n 1) then) (car "
      "p)))))";
  std::uint64_t majors = m.engine.cx().heap.stats().major_collections;
  CHECK(m.run(parts + "(hold 300000 (fn () (churn 1500000) 0))") == "45000150000");
  CHECK(m.engine.cx().heap.stats().major_collections > majors + 1);
  majors = m.engine.cx().heap.stats().major_collections;
  CHECK(m.run(parts + "(let* ((f (fiber/new (fn () (hold 300000 (fn () (perform :wait))))))"
                      "       (s (fiber/step f nil 100000000)))"
                      "  (churn 1500000) (get (fiber/step f 0 100000000) :done))") ==
        "45000150000");
  CHECK(m.engine.cx().heap.stats().major_collections > majors + 1);
}

TEST_CASE("closures in letrec see each other, and an early use is an error") {
  CHECK_SX(
      "(letrec ((a (fn (n) (if (= n 0) :a (b (- n 1))))) (b (fn (n) (if (= n 0) :b (a (- n 1)))))) "
      "(a 5))",
      ":b");
  CHECK_SX("(letrec ((a (+ b 1)) (b 1)) a)",
           "error: A variable was used before its definition was evaluated");
}

TEST_CASE("errors tell where they were raised, frame by frame") {
  TestMachine& m = test_machine(true);
  const auto begins = [&](const char* program, const std::string& expected) {
    const std::string found = m.failure(program);
    CHECK(found.substr(0, expected.size()) == expected);
  };
  begins(
      "(define (inner x)\n  (+ 1 (car x)))\n(define (outer x)\n  (list (inner x)))\n(list (outer "
      "5))",
      "car: Expected pair, got integer\n  data: 5\n  at inner (t.sx:2:8)\n  at outer (t.sx:4:9)\n  "
      "at ");
  begins("(define (f g)\n (list (g 1)))\n(f nil)", "Not callable: nil\n  at f (t.sx:2:8)");
  begins("(define (f)\n (list (not-yet)))\n(define x (f))\n(define (not-yet) 1)",
         "not-yet is used before its definition has run\n  at f (t.sx:2:8)\n  at ");
  begins("(define (f)\n (list (apply (fn (a b)\n a) '(1))))\n(f)",
         "function: Expected 2 arguments, got 1. Usage: (fn a b)\n  at f (t.sx:2:8)");
}

TEST_CASE("arithmetic makes one NaN, equal to itself wherever it comes from") {
  CHECK_SX(
      "(let ((a (/ 0.0 (- 1.0 1.0))) (b (- +inf.0 +inf.0)) (c (* 0.0 +inf.0)))"
      " (list (= a b c +nan.0) (get {+nan.0 5} b) (if (= a +nan.0) 1 2) (case c (+nan.0 :yes) "
      "(else :no)) (== a a) (= (hash a) (hash b))))",
      "(true 5 1 :yes false true)");
}
