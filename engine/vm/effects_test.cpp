// Handlers, continuations, fibers.
#include "engine/vm/test_machine.h"

using namespace sx;

TEST_CASE("a performer goes on with the value its handler gives") {
  CHECK_SX("(with-handler (fn (r k) (resume k (* 2 r))) (+ (perform 1) (perform 2)))", "6");
  CHECK_SX("(with-handler (fn (r k) (list :handled (resume k r))) (cons 1 (perform '(2))))",
           "(:handled (1 2))");
  CHECK_SX("(with-handler (fn (r k) :stop) (+ 1 (perform :x)))", ":stop");
}

TEST_CASE("a handler's own requests go to the handler outside") {
  CHECK_SX(
      "(with-handler (fn (r k) (resume k (list :outer r)))"
      " (with-handler (fn (r k) (resume k (list :inner (perform r)))) (perform :x)))",
      "(:inner (:outer :x))");
  // Three levels, each asking outward in the middle of other work.
  CHECK_SX(
      "(define (level n body) (with-handler (fn (r k) (resume k (cons n (perform r)))) (body)))"
      "(with-handler (fn (r k) (resume k (list r))) (level 1 (fn () (level 2 (fn () (level 3 (fn "
      "() (list (perform :a) (perform :b)))))))))",
      "((3 2 1 :a) (3 2 1 :b))");
}

TEST_CASE("a handler that resumes in tail position takes no memory per request") {
  const char* loop =
      "(with-limits {:depth 6000} (with-handler (fn (r k) (resume k (+ r 1))) (let loop ((n 0)) "
      "(if (= n %) n (loop (perform n))))))";
  const auto times = [&](const char* n) {
    std::string s = loop;
    return s.replace(s.find('%'), 1, n);
  };
  CHECK_SX(times("3000"), "3000");
  CHECK_SX_PLAIN(times("1000000"), "1000000");
  // The same at every distance from the end of a stack segment.
  CHECK_SX_PLAIN(
      "(define (deep k) (if (= k 0) (with-handler (fn (r k) (resume k (+ r 1))) (let loop ((n 0)) "
      "(if (= n 2000) n (loop (perform n)))))"
      "  (+ 0 (deep (- k 1)))))"
      "(count (filter (fn (k) (= 2000 (with-limits {:depth 60000} (deep k)))) (range 60)))",
      "60");
}

TEST_CASE("handlers of every shape take requests at every distance from a segment's end") {
  CHECK_SX(
      "(define (deep k h) (if (= k 0) (with-handler h (+ 1 (perform (list k)))) (+ 0 (deep (- k 1) "
      "h))))"
      "(define (all h) (count (filter (fn (k) (= 8 (deep k h))) (range 40))))"
      "(list (all (fn (r k) (resume k 7))) (all (fn args (resume (second args) 7)))"
      "      (all (fn (r k &opt x) (+ 0 (resume k 7)))) (all (fn (r k) (let ((a 1) (b 2) (c 3)) (+ "
      "(- a b) (- b a) (resume k (+ a b c 1)))))))",
      "(40 40 40 40)");
}

TEST_CASE("a continuation is used once") {
  CHECK_SX("(with-handler (fn (r k) (resume k 1) (resume k 2)) (perform :x))",
           "error: resume: this continuation was already resumed or cancelled; copy it with "
           "fiber/copy before to resume it more than once");
  CHECK_SX("(resume 5 1)", "error: resume: Expected continuation, got integer");
  CHECK_SX("(with-handler (fn (r) 1) (perform :x))",
           "error: with-handler: Expected a function of the request and its continuation, got one "
           "with the usage (fn r)");
}

TEST_CASE("a continuation may be kept and resumed after its handler has returned") {
  CHECK_SX(
      "(define saved (cell nil))"
      "(define first-value (with-handler (fn (r k) (cell/set! saved k) :parked) (list :resumed "
      "(perform :x))))"
      "(list first-value (resume (cell/get saved) 5))",
      "(:parked (:resumed 5))");
  // Deep: its later requests reach its own handler, whoever resumes.
  CHECK_SX(
      "(define saved (cell nil))"
      "(with-handler (fn (r k) (if (= r :park) (do (cell/set! saved k) :parked) (resume k (list "
      ":own r)))) (perform :park) (list (perform :later)))"
      "(with-handler (fn (r k) (resume k (list :other r))) (list (resume (cell/get saved) nil) "
      "(perform :mine)))",
      "(((:own :later)) (:other :mine))");
}

TEST_CASE("resume-raise raises where the request was made") {
  CHECK_SX(
      "(with-handler (fn (r k) (resume-raise k :bad)) (guard (e (else (list :caught e))) (perform "
      ":x)))",
      "(:caught :bad)");
  CHECK_SX(
      "(guard (e (else (list :outside e))) (with-handler (fn (r k) (resume-raise k :bad)) (perform "
      ":x)))",
      "(:outside :bad)");
  CHECK_SX(
      "(define log (array/new)) (guard (e (else nil)) (with-handler (fn (r k) (resume-raise k "
      ":bad)) (protect (perform :x) (array/push! log 1)))) (array->list log)",
      "(1)");
}

TEST_CASE("generators by fiber/step") {
  CHECK_SX(
      "(define (each f) (let loop ((s (fiber/step f nil nil)) (out ())) (if (has-key? s :request) "
      "(loop (fiber/step f nil nil) (cons (get s :request) out)) (list s out))))"
      "(each (fiber/new (fn () (for-each perform '(1 2 3)) :end)))",
      "({:done :end} (3 2 1))");
  CHECK_SX("(fiber/step (fiber/new (fn () (raise (list 1 2)))) nil nil)", "{:raised (1 2)}");
  CHECK_SX("(let ((f (fiber/new (fn () 1)))) (fiber/step f nil nil) (fiber/step f nil nil))",
           "error: fiber/step: this fiber has finished");
  CHECK_SX(
      "(define f (cell nil)) (cell/set! f (fiber/new (fn () (fiber/step (cell/get f) nil nil)))) "
      "(error-message (get (fiber/step (cell/get f) nil nil) :raised))",
      "\"fiber/step: this fiber is running\"");
  CHECK_SX("(fiber/step 1 nil nil)", "error: fiber/step: Expected fiber, got integer");
}

TEST_CASE("a fiber out of fuel goes on exactly where it was, whatever the slice") {
  CHECK_SX(
      "(define (work n) (let loop ((i 0) (out ())) (if (= i n) (list (count out) (reduce + 0 out)) "
      "(loop (+ i 1) (cons (* i 2) out)))))"
      "(define (steps f fuel) (let loop ((s (fiber/step f nil fuel))) (if (has-key? s :done) (get "
      "s :done) (loop (fiber/step f nil fuel)))))"
      "(map (fn (fuel) (steps (fiber/new (fn () (work 40))) fuel)) '(1 2 3 5 7 11 100))",
      "((40 1560) (40 1560) (40 1560) (40 1560) (40 1560) (40 1560) (40 1560))");
  CHECK_SX("(fiber/step (fiber/new (fn () 1)) nil 0)", "{:out-of-fuel true}");
  // A reply is not lost when there is no fuel to go on with.
  CHECK_SX(
      "(define f (fiber/new (fn () (list (perform :x))))) (fiber/step f nil nil) (list (fiber/step "
      "f 5 0) (fiber/step f 6 0) (fiber/step f nil nil))",
      "({:out-of-fuel true} {:out-of-fuel true} {:done (5)})");
  // Fibers within fibers: the outer one runs out while the inner one works.
  CHECK_SX(
      "(define (drive f) (let loop ((s (fiber/step f nil 7)) (n 0)) (if (has-key? s :out-of-fuel) "
      "(loop (fiber/step f nil 7) (+ n 1)) (list s (>= n 3)))))"
      "(drive (fiber/new (fn () (drive (fiber/new (fn () (let loop ((i 0)) (if (= i 30) :end (loop "
      "(+ i 1))))))))))",
      "({:done ({:done :end} true)} true)");
}

TEST_CASE("a request crosses limits to the stepper and comes back") {
  CHECK_SX(
      "(define f (fiber/new (fn () (with-limits {:fuel 100000} (with-limits {:heap 50000000} (+ 1 "
      "(perform :x)))))))"
      "(list (fiber/step f nil nil) (fiber/step f 4 nil))",
      "({:request :x} {:done 5})");
}

TEST_CASE("copies of a suspended computation go their own ways") {
  CHECK_SX(
      "(with-handler (fn (r k) (let ((k2 (fiber/copy k))) (list (resume k 1) (resume k2 2)))) (let "
      "((a (list (perform :x)))) (cons :got a)))",
      "((:got 1) (:got 2))");
  CHECK_SX(
      "(with-handler (fn (choices k) (mapcat (fn (c) (resume (fiber/copy k) c)) choices))"
      " (let* ((a (perform '(1 2 3))) (b (perform '(1 2 3)))) (list (+ a (* 10 b)))))",
      "(11 21 31 12 22 32 13 23 33)");
  // Deep stacks of several segments.
  CHECK_SX(
      "(define (down n) (if (= n 0) (perform :x) (+ 1 (down (- n 1)))))"
      "(with-handler (fn (r k) (let ((a (fiber/copy k)) (b (fiber/copy k))) (list (resume a 1) "
      "(resume b 2) (resume k 3)))) (down 200))",
      "(201 202 203)");
  CHECK_SX(
      "(define f (fiber/new (fn () (let loop ((i 0)) (if (= i 100) i (loop (+ i 1)))))))"
      "(fiber/step f nil 50) (define g (fiber/copy f)) (list (fiber/step f nil nil) (fiber/step g "
      "nil nil))",
      "({:done 100} {:done 100})");
}

TEST_CASE("what has a cleanup pending is not copied, parameters are") {
  CHECK_SX("(with-handler (fn (r k) (resume (fiber/copy k) 1)) (protect (perform :x) nil))",
           "error: fiber/copy: the fiber is inside protect; its cleanup would run twice");
  CHECK_SX(
      "(define p (make-parameter 0))"
      "(with-handler (fn (r k) (let ((k2 (fiber/copy k))) (list (resume k 1) (resume k2 2) (p)))) "
      "(parameterize ((p 5)) (list (perform :x) (p))))",
      "((1 5) (2 5) 0)");
  CHECK_SX(
      "(let ((f (fiber/new (fn () 1)))) (fiber/step f nil nil) (fiber/copy f))",
      "error: fiber/copy: only a suspended fiber can be copied; this one is running or has ended");
}

TEST_CASE("parameters travel with their fiber and are put back on every way out") {
  CHECK_SX(
      "(define p (make-parameter 0))"
      "(define (see) (p))"
      "(define f (parameterize ((p 1)) (fiber/new (fn () (list (see) (perform :x) (see))))))"
      "(parameterize ((p 2)) (fiber/step f nil nil) (list (fiber/step f (see) nil) (see)))",
      "({:done (1 2 1)} 2)");
  CHECK_SX(
      "(define p (make-parameter 0)) (guard (e (else nil)) (parameterize ((p 1)) (raise :x))) (p)",
      "0");
  CHECK_SX(
      "(define p (make-parameter 0)) (guard (e (else nil)) (with-limits {:fuel 500} (parameterize "
      "((p 1)) (let loop () (loop))))) (p)",
      "0");
  // The handler sees its own bindings, the performer keeps its own.
  CHECK_SX(
      "(define p (make-parameter 0)) (with-handler (fn (r k) (resume k (p))) (parameterize ((p 1)) "
      "(list (perform :x) (p))))",
      "(0 1)");
}

TEST_CASE("what nobody handles goes to the host") {
  CHECK_SX("(perform {:op \"test/echo\" :args (list '(1 2))})", "(1 2)");
  CHECK_SX("(guard (e (else (error-kind e))) (perform {:op \"test/fail\"}))", ":io-error");
  CHECK_SX("(perform {:op \"no/such-op\"})",
           "error: No servicer for the IO op no/such-op here; register one, or handle the request "
           "with with-handler");
  CHECK_SX("(perform 5)",
           "error: perform: no handler took the request 5; a request to the host is {:op \"name\" "
           ":args (…)}");
  CHECK_SX(
      "(with-limits {:fuel 10000} (with-handler (fn (r k) (resume k (perform r))) (list (perform "
      "{:op \"test/echo\" :args [7]}))))",
      "(7)");
}

TEST_CASE("fibers that nobody finishes give their stacks back") {
  TestMachine& m = test_machine(false);
  const std::string program =
      "(let loop ((i 0)) (when (< i 20000) (fiber/step (fiber/new (fn () (list i (perform :x)))) "
      "nil nil) (with-handler (fn (r k) r) (perform i)) (loop (+ i 1))))";
  CHECK(m.run(program) == "nil");
  m.engine.cx().heap.collect_full();
  const std::size_t once = m.engine.cx().heap.stats().external_bytes;
  CHECK(once < 2'000'000);
  CHECK_SX(
      "(define (go i) (when (< i 400) (fiber/step (fiber/new (fn () (list i (perform :x)))) nil "
      "nil) (with-handler (fn (r k) r) (perform i)) (go (+ i 1)))) (go 0)",
      "nil");
}

TEST_CASE("bindings of parameters that are none are passed over") {
  CHECK_SX("(let ((p (make-parameter 3))) (%set-dynamic '(1 (2) :x)) (p))", "3");
  CHECK_SX("(let ((p (make-parameter 3))) (%set-dynamic 5) (p))", "3");
}

TEST_CASE("a fiber that is in the middle of another one's step goes on with that one only") {
  CHECK_SX(
      "(let* ((b (fiber/new (fn () (let loop ((i 0)) (if (< i 500) (loop (+ i 1)) :b)))))"
      "       (a (fiber/new (fn () (fiber/step b nil nil))))"
      "       (try (fn (f) (guard (e (else (error-message e))) (f)))))"
      " (list (fiber/step a nil 100) (try (fn () (fiber/step b nil nil))) (try (fn () "
      "(fiber/cancel b "
      ":x))) (fiber/step a nil nil)))",
      "({:out-of-fuel true} \"fiber/step: this fiber is running\" \"fiber/cancel: this fiber is "
      "running\" {:done {:done :b}})");
}

TEST_CASE("a copy of a handler in the middle of its work has a continuation of its own") {
  const char* forwarding =
      "(with-handler (fn (r k) (list (resume (fiber/copy k) 1) (resume (fiber/copy k) 2) (resume k "
      "3)))"
      " (with-handler (fn (r k) (let ((v (perform r))) (resume k (* 10 v))))"
      "  (with-handler (fn (r k) (resume k (+ 1 (perform r)))) (+ (perform :a) 1000))))";
  CHECK_SX(forwarding, "(1011 1021 1031)");
  CHECK_SX(
      "(with-handler (fn (r k) (mapcat (fn (c) (resume (fiber/copy k) c)) r))"
      " (with-handler (fn (r k) (resume k (perform r)))"
      "  (let* ((a (perform '(1 2 3))) (b (perform '(1 2 3)))) (if (= 4 (+ a b)) (list [a b]) "
      "()))))",
      "([1 3] [2 2] [3 1])");
  CHECK_SX(
      "(with-handler (fn (r k) (guard (e (else (error-message e))) (fiber/copy k)))"
      " (with-handler (fn (r k) (resume k (perform r))) (protect (perform :a) nil)))",
      "\"fiber/copy: the fiber is inside protect; its cleanup would run twice\"");
}
