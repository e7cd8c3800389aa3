// Guards, cleanups, limits, cancellation.
#include "engine/vm/test_machine.h"

using namespace sx;

namespace {
// Programs note what happens in `log`.
std::string logged(const char* body) {
  return std::string(
             "(define log (array/new)) (define (note x) (array/push! log x) x) (define (forever) "
             "(let loop () (loop)))") +
         "(define value (guard (e (else (list :outside (if (error? e) (error-kind e) e)))) " +
         body + "))" + "(list value (array->list log))";
}
}  // namespace

TEST_CASE("a guard takes what its clauses match and lets the rest pass") {
  CHECK_SX("(guard (e ((= e 1) :one) ((= e 2) :two)) (raise 2))", ":two");
  CHECK_SX("(guard (e (else (list :outer e))) (guard (e ((= e 1) :one)) (raise 3)))", "(:outer 3)");
  CHECK_SX("(guard (e (else (error-kind e))) (car 5))", ":type-error");
  CHECK_SX(
      "(define (f n) (if (= n 0) (raise :deep) (+ 1 (f (- n 1))))) (guard (e (else e)) (f 500))",
      ":deep");
}

TEST_CASE("cleanups run innermost first, once, on every way out") {
  CHECK_SX(logged("(protect (protect (note :body) (note :inner)) (note :outer))"),
           "(:body (:body :inner :outer))");
  CHECK_SX(logged("(protect (protect (raise :x) (note :inner)) (note :outer))"),
           "((:outside :x) (:inner :outer))");
  CHECK_SX(logged("(protect (guard (e (else (note :guard))) (protect (raise :x) (note :inner))) "
                  "(note :outer))"),
           "(:guard (:inner :guard :outer))");
  CHECK_SX(
      logged(
          "(with-limits {:fuel 2000} (protect (protect (forever) (note :inner)) (note :outer)))"),
      "((:outside :limit) (:inner :outer))");
}

TEST_CASE("an error in a cleanup takes the place of the one that unwinds") {
  CHECK_SX(logged("(protect (protect (raise :first) (raise :second)) (note :outer))"),
           "((:outside :second) (:outer))");
  CHECK_SX(logged("(protect (raise :first) (guard (e (else (note e))) (raise :inside)))"),
           "((:outside :first) (:inside))");
  CHECK_SX(logged("(protect :value (raise :late))"), "((:outside :late) ())");
}

TEST_CASE("an error in a cleanup does not stop a limit or a cancellation") {
  CHECK_SX(logged("(with-limits {:fuel 2000} (guard (e (else (note :escaped))) (protect (forever) "
                  "(raise :from-cleanup))) (note :went-on))"),
           "((:outside :limit) ())");
  CHECK_SX(logged("(with-limits {:fuel 2000} (guard (e (else (note :escaped))) (protect (protect "
                  "(forever) (do (note 1) (car 5))) (note 2))))"),
           "((:outside :limit) (1 2))");
  CHECK_SX(logged("(let ((f (fiber/new (fn () (guard (e (else (note :escaped))) (protect (perform "
                  ":x) (do (note :cleanup) (raise :bad)))) (note :went-on))))) (fiber/step f nil "
                  "nil) (fiber/cancel f :stop))"),
           "({:raised :stop} (:cleanup))");
  // Guards within the cleanup are its own.
  CHECK_SX(logged("(with-limits {:fuel 2000} (protect (forever) (guard (e (else (note e))) (raise "
                  ":mine))))"),
           "((:outside :limit) (:mine))");
}

TEST_CASE("a continuation that is dropped ends with its handler") {
  CHECK_SX(logged("(with-handler (fn (r k) (note :handler) :value) (protect (protect (perform :x) "
                  "(note :inner)) (note :outer)))"),
           "(:value (:handler :inner :outer))");
  CHECK_SX(
      logged(
          "(with-handler (fn (r k) (raise :from-handler)) (protect (perform :x) (note :cleanup)))"),
      "((:outside :from-handler) (:cleanup))");
  CHECK_SX(logged("(with-limits {:fuel 2000} (with-handler (fn (r k) (forever)) (protect (perform "
                  ":x) (note :cleanup))))"),
           "((:outside :limit) (:cleanup))");
  CHECK_SX(
      logged("(let ((f (fiber/new (fn () (with-handler (fn (r k) (perform :park)) (protect "
             "(perform :x) (note :cleanup))))))) (fiber/step f nil nil) (fiber/cancel f :stop))"),
      "({:raised :stop} (:cleanup))");
  // A guard in the performer does not see it.
  CHECK_SX(logged("(with-handler (fn (r k) :value) (guard (e (else (note :seen))) (protect "
                  "(perform :x) (note :cleanup))))"),
           "(:value (:cleanup))");
}

TEST_CASE("cleanups of a dropped continuation may perform and raise") {
  // The handler is still in force for them.
  CHECK_SX(logged("(with-handler (fn (r k) (note r) (if (= r :first) :value (resume k nil))) "
                  "(protect (perform :first) (do (perform :second) (note :cleaned))))"),
           "(:value (:first :second :cleaned))");
  CHECK_SX(
      logged("(with-handler (fn (r k) (note r) (if (= r :first) (raise :bad) (do (resume k 1) "
             "(note :back)))) (protect (perform :first) (do (perform :second) (note :cleaned))))"),
      "((:outside :bad) (:first :second :cleaned :back))");
  CHECK_SX(logged("(with-handler (fn (r k) (note r) (list r)) (protect (protect (perform :first) "
                  "(do (perform :second) (note :not-reached))) (note :outer)))"),
           "((:first) (:first :second :outer))");
  CHECK_SX(logged("(with-handler (fn (r k) :value) (protect (perform :x) (raise :bad)))"),
           "(:value ())");
}

TEST_CASE("fiber/cancel runs cleanups, past guards, and tells") {
  CHECK_SX(logged("(let ((f (fiber/new (fn () (guard (e (else (note :caught))) (protect (perform "
                  ":x) (note :cleanup))))))) (fiber/step f nil nil) (list (fiber/cancel f :stop) "
                  "(fiber/cancel f :again)))"),
           "(({:raised :stop} nil) (:cleanup))");
  CHECK_SX(logged("(let ((f (fiber/new (fn () (note :ran))))) (fiber/cancel f :stop))"),
           "({:raised :stop} ())");
  // A cleanup that waits goes on when it is stepped.
  CHECK_SX(logged("(let ((f (fiber/new (fn () (protect (perform :x) (note (perform "
                  ":from-cleanup))))))) (fiber/step f nil nil) (let ((c (fiber/cancel f :stop))) "
                  "(list c (fiber/step f :reply nil))))"),
           "(({:request :from-cleanup} {:raised :stop}) (:reply))");
  // In the middle of a loop without calls.
  CHECK_SX(logged("(let ((f (fiber/new (fn () (protect (loop () (recur)) (note :cleanup)))))) "
                  "(fiber/step f nil 50) (fiber/cancel f :stop))"),
           "({:raised :stop} (:cleanup))");
  CHECK_SX(logged("(fiber/cancel (cell 1) :x)"), "((:outside :type-error) ())");
}

TEST_CASE("guards inside a limited run do not see its limit") {
  for (const char* limits : {"{:fuel 3000}", "{:depth 20000}", "{:heap 300000}"}) {
    CAPTURE(limits);
    const std::string program =
        std::string("(with-limits ") + limits +
        " (guard (e (else (note :seen))) (protect (letrec ((eat (fn (l n) (cons 1 (eat (cons n l) "
        "(+ n 1)))))) (eat () 0)) (note :cleanup))))";
    CHECK_SX_PLAIN(logged(program.c_str()), "((:outside :limit) (:cleanup))");
  }
  CHECK_SX(
      "(guard (e (else (list (error-kind e) (error-data e) (error-message e)))) (with-limits "
      "{:fuel 100} (let loop () (loop))))",
      "(:limit {:limit :fuel} \"The fuel limit of this run was exceeded\")");
}

TEST_CASE("a loop that guards its own errors cannot outlive its limit") {
  CHECK_SX(
      logged("(with-limits {:fuel 3000} (let again () (guard (e (else nil)) (forever)) (again)))"),
      "((:outside :limit) ())");
  CHECK_SX(
      logged("(with-limits {:fuel 3000} (let again () (protect (forever) (note :once)) (again)))"),
      "((:outside :limit) (:once))");
  // A cleanup that does not end is left when the reserve is used up, and so are those around it.
  CHECK_SX_PLAIN(
      logged("(with-limits {:fuel 3000} (protect (protect (forever) (forever)) (note :too-late)))"),
      "((:outside :limit) ())");
}

TEST_CASE("limits nest: each error goes to who set the limit") {
  CHECK_SX(logged("(with-limits {:fuel 100000} (list :inner (guard (e (else (note (error-kind e)) "
                  ":caught)) (with-limits {:fuel 500} (forever)))))"),
           "((:inner :caught) (:limit))");
  CHECK_SX(logged("(with-limits {:fuel 500} (guard (e (else (note :wrong))) (with-limits {:fuel "
                  "100000} (forever))))"),
           "((:outside :limit) ())");
  // The inner budget is nearly used up when the outer one runs out: cleanups within still run.
  CHECK_SX(logged("(with-limits {:fuel 500} (guard (e (else (note :wrong))) (with-limits {:fuel "
                  "501} (protect (forever) (do (reduce + 0 (range 50)) (note :cleanup))))))"),
           "((:outside :limit) (:cleanup))");
  // A limit of its own within a cleanup.
  CHECK_SX(logged("(with-limits {:fuel 500} (protect (forever) (do (guard (e (else (note "
                  "(error-kind e)))) (with-limits {:fuel 100} (forever))) (note :cleaned))))"),
           "((:outside :limit) (:limit :cleaned))");
}

TEST_CASE("a limit is in force only while its body runs") {
  // The handler outside is not bound by it, and a dropped body leaves nothing behind.
  CHECK_SX_PLAIN(
      "(with-handler (fn (r k) (count (range 200000))) (with-limits {:heap 1000} (perform :x)))",
      "200000");
  CHECK_SX_PLAIN(
      "(with-handler (fn (r k) :dropped) (with-limits {:heap 1000} (perform :x))) (count (range "
      "200000))",
      "200000");
  CHECK_SX_PLAIN(
      "(with-handler (fn (r k) (let loop ((i 0)) (if (< i 5000) (loop (+ i 1)) (resume k i)))) "
      "(with-limits {:fuel 100} (+ 1 (perform :x))))",
      "5001");
  CHECK_SX_PLAIN(
      "(define (hoard n l) (if (= n 0) l (hoard (- n 1) (cons n l))))"
      "(list (guard (e (else (get (error-data e) :limit))) (with-limits {:heap 500000} (hoard -1 "
      "()))) (count (hoard 300000 ())))",
      "(:heap 300000)");
  CHECK_SX_PLAIN(
      "(with-limits {:heap 2000000} (let loop ((i 0)) (if (< i 1000000) (do (list i i i) (loop (+ "
      "i 1))) :garbage-is-free)))",
      ":garbage-is-free");
}

TEST_CASE("handlers inside handlers without end exceed the depth") {
  CHECK_SX_PLAIN(logged("(letrec ((nest (fn (n) (with-handler (fn (r k) r) (+ 1 (nest (+ n "
                        "1))))))) (with-limits {:depth 1000000} (nest 0)))"),
                 "((:outside :limit) ())");
}

TEST_CASE("primitives that work long charge fuel") {
  CHECK_SX_PLAIN(
      "(guard (e (else (get (error-data e) :limit))) (with-limits {:fuel 20000} (let loop () "
      "(string/repeat \"abc\" 100000) (loop))))",
      ":fuel");
  CHECK_SX_PLAIN(
      "(define n (expt 7 20000)) (guard (e (else (get (error-data e) :limit))) (with-limits {:fuel "
      "100000} (let loop () (* n n) (loop))))",
      ":fuel");
}

TEST_CASE("a copy made within a cleanup ends where its original would") {
  CHECK_SX(logged("(with-handler (fn (r k) (let ((k2 (fiber/copy k))) (list (resume k r) (resume "
                  "k2 :copy))))"
                  " (guard (e (else (note (error-kind e)) :limited)) (with-limits {:fuel 200} "
                  "(protect (forever) (note (perform :x))))))"),
           "((:limited :limited) (:x :limit :copy :limit))");
}

TEST_CASE("a wrong limits dict is refused") {
  CHECK_SX("(with-limits 5 1)",
           "error: with-limits: Expected a dict {:fuel :heap :depth}, got integer");
  CHECK_SX("(with-limits {:fuel \"x\"} 1)",
           "error: with-limits: Expected :fuel as an integer from 0, got \"x\"");
  CHECK_SX(logged("(with-limits {:fuel 0} (note :ran))"), "((:outside :limit) ())");
}

TEST_CASE("a native that would exceed the heap limit of a run ends the run, not the guard inside") {
  for (const char* work :
       {"(array/new 5000000 0)", "(string/repeat \"x\" 9000000)",
        "(builder/add! (builder/new) (string/repeat \"x\" 3000000) (string/repeat "
        "\"x\" 3000000) (string/repeat \"x\" 3000000))"}) {
    CAPTURE(work);
    CHECK_SX_PLAIN(
        logged((std::string("(with-limits {:heap 8000000} (protect (guard (e (else (note "
                            ":inside))) ") +
                work + ") (note :cleanup)))")
                   .c_str()),
        "((:outside :limit) (:cleanup))");
  }
  // The limit of the engine is nobody's in the program: an error where it happens.
  CHECK_SX_PLAIN("(guard (e (else (error-kind e))) (string/repeat \"x\" 100000000000))", ":limit");
  CHECK_SX_PLAIN(
      "(with-limits {:heap 8000000} (guard (e (else :mine)) (error :limit \"mine\" {:limit "
      ":fuel})))",
      ":mine");
}
