// Freezing and thawing: every kind of object, every kind of frame, and what is refused.
#include "engine/vm/freeze.h"

#include "engine/vm/test_machine.h"

using namespace sx;

namespace {

// (hold v): v, after it has waited in a register of a fiber that was frozen and thawed meanwhile.
const std::string kHold =
    "(define (travel f) (thaw (freeze f)))"
    "(define (hold v) (let ((f (fiber/new (fn () (let ((kept v)) (perform :x) kept)))))"
    "  (fiber/step f nil nil) (get (fiber/step (travel f) nil nil) :done)))";

std::string held(std::string_view expression) { return kHold + std::string(expression); }

std::string bytes_of(Value v) {
  return std::string(reinterpret_cast<const char*>(as_bytes(v)->data()), as_bytes(v)->byte_len);
}

// A script that defines `step` and leaves the frozen bytes of a fiber as its value.
const std::string kOther =
    "(defrecord point (x y))"
    "(define scale (make-parameter 1))"
    "(define (ask n) (protect (+ n (perform [:ask n (scale)])) nil))"
    "(define (work p) (let ((twice (fn (n) (* 2 n)))) (list p (twice (ask 3)) (ask 4) (point-x p) "
    "(div :class \"a\" p))))"
    "(define f (fiber/new (fn () (parameterize ((scale 7)) (work (point 1 2))))))"
    "(fiber/step f nil nil)";

}  // namespace

TEST_CASE("plain values come back as they were") {
  const char* values[] = {"nil",
                          "true",
                          "false",
                          "()",
                          "0",
                          "-1",
                          "140737488355327",
                          "-140737488355328",
                          "140737488355328",
                          "9223372036854775808",
                          "-123456789012345678901234567890",
                          "1.5",
                          "-0.0",
                          "+inf.0",
                          "+nan.0",
                          "1e-320",
                          "#\\a",
                          "#\\u{1F600}",
                          "\"\"",
                          "\"text \\0 with ä and 😀\"",
                          "#u8\"\\x00;\\xFF;abc\"",
                          ":key",
                          "'symbol",
                          "'|odd symbol|",
                          "'(1 2 3)",
                          "'(1 . 2)",
                          "'(1 2 . 3)",
                          "[]",
                          "[1 [2 \"x\"] (3)]",
                          "{}",
                          "{:a 1 :b {:c 2}}",
                          "{\"s\" 1 2 3 nil 4}",
                          "#{}",
                          "#{1 :a \"b\"}"};
  for (const char* value : values) {
    const std::string text = std::string("'") + value;
    const std::string printed = test_machine(false).run(text);
    CAPTURE(value);
    CHECK_SX(held("(hold '" + std::string(value) + ")"), printed);
  }
}

TEST_CASE("collections of every size come back equal") {
  CHECK_SX_PLAIN(held("(map (fn (n) (let ((v (list->vector (range n)))) (= v (hold v))))"
                      " (list 1 31 32 33 1023 1024 1025 1056 1057 32800 40000))"),
                 "(true true true true true true true true true true true)");
  CHECK_SX_PLAIN(
      held("(map (fn (n) (let ((d (reduce (fn (d i) (assoc d [i (str i)] i)) {} (range n))))"
           " (and (= d (hold d)) (= (keys d) (keys (hold d)))))) (list 1 8 16 17 100 5000))"),
      "(true true true true true true)");
  CHECK_SX_PLAIN(held("(let ((d (dissoc (reduce (fn (d i) (assoc d i i)) {} (range 40)) 3 17)))"
                      " (list (= d (hold d)) (= (keys d) (keys (hold d)))))"),
                 "(true true)");
  CHECK_SX_PLAIN(held("(let ((s (apply set (range 3000)))) (= s (hold s)))"), "true");
  CHECK_SX_PLAIN(held("(let ((s (string/repeat \"äb\" 50000))) (= s (hold s)))"), "true");
}

TEST_CASE("mutable objects come back with their content, as new objects") {
  CHECK_SX(held("(let* ((c (cell 1)) (d (hold c))) (cell/set! d 2) [(cell/get c) (cell/get d)])"),
           "[1 2]");
  CHECK_SX(held("(let* ((a (let ((a (array/new))) (for-each (fn (x) (array/push! a x)) (range 1 "
                "4)) a)) (b (hold a))) (array/push! b 4) [(array->list a) "
                "(array->list b)])"),
           "[(1 2 3) (1 2 3 4)]");
  CHECK_SX(held("(let* ((t (table/new)) (u nil)) (table/put! t :a 1) (table/put! t \"b\" [2])"
                " (table/put! t 3 4) (table/remove! t 3) (set! u (hold t)) (table/put! u :z 9)"
                " [(table/count t) (table/get u :a) (table/get u \"b\") (table/get u 3) "
                "(table/count u)])"),
           "[2 1 [2] nil 3]");
  CHECK_SX(held("(let ((b (builder/new))) (builder/add! b \"aä\") (let ((c (hold b)))"
                " (builder/add! c \"!\") [(builder/value b) (builder/value c)]))"),
           "[\"aä\" \"aä!\"]");
  CHECK_SX(held("(map (fn (t) (let ((a (array/typed t 3 7))) (array/set! a 1 2)"
                " (let ((b (hold a))) (array/set! b 0 1) [(array->list a) (array->list b) "
                "(array/type b)]))) (list :u8 :i32 :i64 :f64))"),
           "([(7 2 7) (1 2 7) :u8] [(7 2 7) (1 2 7) :i32] [(7 2 7) (1 2 7) :i64] [(7.0 2.0 7.0) "
           "(1.0 2.0 7.0) :f64])");
}

TEST_CASE("records, parameters, markup, secrets, functions come back") {
  CHECK_SX(held("(defrecord point (x y)) (let ((p (hold (point 1 [2]))))"
                " [(point? p) (point-y p) (= p (point 1 [2]))])"),
           "[true [2] true]");
  CHECK_SX(held("(let* ((p (make-parameter 5)) (q (hold [p p]))) [((first q)) (identical? (first "
                "q) (second q)) (parameterize (((first q) 6)) ((second q)))])"),
           "[5 true 6]");
  CHECK_SX(held("(define (card t) (div :class \"c\" :title t (raw \"<b>\") t))"
                "(html/render (hold (card \"a<\")))"),
           "\"<div class=\\\"c\\\" title=\\\"a&lt;\\\"><b>a&lt;</div>\"");
  CHECK_SX(held("(let ((s (hold (secret 5)))) [(secret? s) (reveal s) (str s)])"),
           "[true 5 \"#<secret>\"]");
  CHECK_SX(held("(let* ((n 3) (f (hold (fn (x &opt (y 2) &key k &rest r) (list n x y k r))))) (f 1 "
                "5 :k 6 7))"),
           "(3 1 5 6 (7))");
  CHECK_SX(held("(map (fn (f) ((hold f) 4)) (list inc str list (hold vector)))"),
           "(5 \"4\" (4) [4])");
  CHECK_SX(held("[(identical? car (hold car)) (identical? hold (hold hold))]"), "[true true]");
  CHECK_SX(held("(error-message (hold (guard (e (else e)) (error :bad \"no\"))))"), "\"no\"");
}

TEST_CASE("what was shared stays shared, and circles stay circles") {
  CHECK_SX(held("(let* ((x (list 1 2)) (c (cell 0)) (v (hold [x x c c (rest x)])))"
                " [(identical? (nth v 0) (nth v 1)) (identical? (nth v 2) (nth v 3))"
                "  (identical? (rest (nth v 0)) (nth v 4))])"),
           "[true true true]");
  CHECK_SX(held("(let ((c (cell nil))) (cell/set! c (list c 1)) (let ((d (hold c)))"
                " [(identical? d (first (cell/get d))) (identical? c d)]))"),
           "[true false]");
  CHECK_SX(held("(let ((a (array/new)) (t (table/new))) (array/push! a t) (table/put! t a t) (let "
                "((b (hold "
                "a))) (identical? (array/get b 0) (table/get (array/get b 0) b))))"),
           "true");
  CHECK_SX(
      held("(letrec ((ev? (fn (n) (if (= n 0) true (od? (- n 1))))) (od? (fn (n) (if (= n 0) "
           "false (ev? (- n 1)))))) (let ((fs (hold [ev? od?]))) [((first fs) 10) ((second fs) "
           "10)]))"),
      "[true false]");
  CHECK_SX(held("(let* ((n 0) (up (fn () (set! n (+ n 1)) n)) (fs (hold [up up (fn () n)])))"
                " ((first fs)) ((second fs)) [((nth fs 2)) n])"),
           "[2 0]");
}

TEST_CASE("data of any depth and length comes back") {
  CHECK_SX_PLAIN(held("(let ((l (range 1000000))) (= l (hold l)))"), "true");
  const std::string deep =
      "(define (deep n make) (let loop ((i 0) (v nil)) (if (= i n) v (loop (+ i 1) (make v)))))";
  for (const char* make : {"(fn (v) (list v))", "(fn (v) [v])", "(fn (v) {:a v})",
                           "(fn (v) (cell v))", "(fn (v) #{v})"}) {
    CAPTURE(make);
    const bool list = std::string_view(make).find("list") != std::string_view::npos;
    const bool by_content = std::string_view(make).find("cell") == std::string_view::npos;
    const std::string depth = list || !by_content ? "1000000" : "200000";
    CHECK_SX_PLAIN(held(deep + "(let ((d (deep " + depth + " " + make + "))) " +
                        (by_content ? "(= d (hold d)))" : "(cell? (hold d)))")),
                   "true");
  }
  // Structure with more paths than memory has bytes.
  CHECK_SX_PLAIN(held(deep + "(let ((d (deep 60 (fn (v) [v v])))) (= d (hold d)))"), "true");
}

TEST_CASE("a module's own state stays with its module") {
  CHECK_SX(held("(define log (array/new)) (define total (cell 0)) (define p (make-parameter 1))"
                "(let ((f (fiber/new (fn () (let ((here log) (sum total)) (perform :x)"
                " (array/push! here 1) (cell/set! sum 5) (p))))))"
                " (fiber/step f nil nil) [(fiber/step (travel f) nil nil) (array->list log) "
                "(cell/get total)])"),
           "[{:done 1} (1) 5]");
}

TEST_CASE("a fiber goes on in any depth of calls") {
  CHECK_SX(held("(define (down n) (if (= n 0) (perform :bottom) (+ 1 (down (- n 1)))))"
                "(let ((f (fiber/new (fn () (down 200))))) [(fiber/step f nil nil) (fiber/step "
                "(travel f) 5 nil)])"),
           "[{:request :bottom} {:done 205}]");
  CHECK_SX_PLAIN(
      held("(define (down n) (if (= n 0) (perform :bottom) (+ 1 (down (- n 1)))))"
           "(let ((f (fiber/new (fn () (down 300000))))) (fiber/step f nil nil) (fiber/step "
           "(travel f) 5 nil))"),
      "{:done 300005}");
  // At every distance from a segment's end, with frames of several sizes.
  CHECK_SX_PLAIN(
      held("(define (a n) (if (= n 0) (perform :x) (let ((p n) (q (* 2 n)) (r (list n))) (+ p (- q "
           "q) (b (- n 1)) (- (first r) n)))))"
           "(define (b n) (if (= n 0) (perform :x) (+ 0 (a (- n 1)))))"
           "(define (a0 n) (with-handler (fn (r k) (resume k 1)) (a n)))"
           "(= (map a0 (range 80)) (map (fn (n) (let ((f (fiber/new (fn () (a n))))) (fiber/step f "
           "nil nil) (get (fiber/step (travel f) 1 nil) :done))) (range 80)))"),
      "true");
}

TEST_CASE("a fiber that has not begun, or ran out of fuel, can travel") {
  CHECK_SX(held("(fiber/step (travel (fiber/new (fn () (+ 1 2)))) nil nil)"), "{:done 3}");
  CHECK_SX(
      held("(fiber/step (travel (fiber/new (fn (&opt (a 1) &key (k 2) &rest r) (list a k r)))) "
           "nil nil)"),
      "{:done (1 2 ())}");
  // Whatever instruction the fuel ends at.
  CHECK_SX_PLAIN(
      held("(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))"
           "(define (work) (let loop ((i 0) (out ())) (if (< i 12) (loop (+ i 1) (cons (guard (e "
           "(else e)) (if (= 0 (remainder i 3)) (raise i) (apply + (map fib (list i 2 "
           "(string->number (str i))))))) out)) out)))"
           "(let ((whole (work)))"
           " (map (fn (fuel) (let loop ((f (fiber/new work)) (n 0))"
           "   (let ((s (fiber/step f nil fuel)))"
           "     (if (has-key? s :done) (= whole (get s :done)) (loop (travel f) (+ n 1))))))"
           "  (list 1 2 3 5 7 11 13 17 101)))"),
      "(true true true true true true true true true)");
}

TEST_CASE("a generator frozen between any two of its values goes on") {
  CHECK_SX(
      held("(define (tree-walk t) (when t (tree-walk (get t :left)) (perform (get t :value)) "
           "(tree-walk (get t :right))))"
           "(let loop ((f (fiber/new (fn () (tree-walk {:value 2 :left {:value 1} :right "
           "{:value 4 :left {:value 3}}}) :end))) (out []))"
           " (let ((s (fiber/step f nil nil))) (if (has-key? s :request) (loop (travel f) (conj "
           "out (get s :request))) (conj out (get s :done)))))"),
      "[1 2 3 4 :end]");
}

TEST_CASE("handlers inside a fiber travel with it") {
  CHECK_SX(
      held("(let ((f (fiber/new (fn () (with-handler (fn (r k) (if (= r :in) (resume k :inner) "
           "(resume k (perform r)))) (list (perform :in) (perform :out) (perform :in)))))))"
           "[(fiber/step f nil nil) (fiber/step (travel f) :host nil)])"),
      "[{:request :out} {:done (:inner :host :inner)}]");
  // Suspended within a handler: the frame that was called with a continuation.
  CHECK_SX(held("(let ((f (fiber/new (fn () (with-handler (fn (r k) (let ((a (perform [:ask r]))) "
                "(list a (resume k a) (perform :after)))) (+ 1 (perform :x)))))))"
                "(let* ((a (fiber/step f nil nil)) (g (travel f)) (b (fiber/step g 10 nil)) (h "
                "(travel g))) [a b (fiber/step h :z nil)]))"),
           "[{:request [:ask :x]} {:request :after} {:done (10 11 :z)}]");
  CHECK_SX(
      held("(define (nest n) (if (= n 0) (perform :x) (with-handler (fn (r k) (resume k (+ 1 "
           "(perform r)))) (nest (- n 1)))))"
           "(let ((f (fiber/new (fn () (nest 10))))) (fiber/step f nil nil) (fiber/step (travel "
           "f) 0 nil))"),
      "{:done 10}");
  // A handler in tail position, and one whose stack ends there.
  CHECK_SX(held("(define (deep k) (if (= k 0) (with-handler (fn (r k) (resume k (perform r))) (let "
                "loop ((n 0)) (if (= n 5) n (loop (perform n))))) (+ 0 (deep (- k 1)))))"
                "(count (filter (fn (k) (let loop ((f (fiber/new (fn () (deep k)))) (v nil) (n 0)) "
                "(let ((s (fiber/step f v nil))) (if (has-key? s :done) (and (= n 5) (= 5 (get s "
                ":done))) (loop (travel f) (+ 1 (get s :request)) (+ n 1)))))) (range 40)))"),
           "40");
}

TEST_CASE("a captured continuation can be kept as bytes") {
  CHECK_SX(held("(with-handler (fn (r k) (resume (travel k) (* 2 r))) (+ 1 (perform 10)))"), "21");
  CHECK_SX(held("(with-handler (fn (r k) (let ((b (freeze k))) [(resume (thaw b) 1) (resume (thaw "
                "b) 2)])) (+ 10 (perform :x)))"),
           "[11 12]");
  CHECK_SX(held("(with-handler (fn (r k) (let ((b (freeze k))) (guard (e (else (error-message e))) "
                "(resume k 1)))) (+ 10 (perform :x)))"),
           "\"resume: this continuation was already resumed or cancelled; copy it with fiber/copy "
           "before to resume it more than once\"");
  CHECK_SX(held("(guard (e (else [:raised e])) (with-handler (fn (r k) (resume-raise (travel k) "
                ":bad)) (guard (e ((= e :good) 1)) (perform 10))))"),
           "[:raised :bad]");
}

TEST_CASE("pending cleanups travel and run once, where the fiber ends") {
  CHECK_SX(held("(define log (array/new))"
                "(define (work) (protect (do (perform :x) :value) (array/push! log :cleaned)))"
                "(let ((f (fiber/new work))) (fiber/step f nil nil)"
                " (let* ((b (freeze f)) (before (array->list log)) (g (thaw b)))"
                "  [before (fiber/step g nil nil) (array->list log) (fiber/cancel f :late) "
                "(array->list log)]))"),
           "[() {:done :value} (:cleaned) nil (:cleaned)]");
  CHECK_SX(
      held("(define log (array/new))"
           "(let ((f (fiber/new (fn () (protect (perform :x) (array/push! log :cleaned))))))"
           " (fiber/step f nil nil) (let ((g (travel f))) [(fiber/cancel g :stop) (array->list "
           "log) (fiber/cancel g :again)]))"),
      "[{:raised :stop} (:cleaned) nil]");
  CHECK_SX(held("(define log (array/new))"
                "(let ((f (fiber/new (fn () (guard (e (else [:caught e])) (protect (raise (perform "
                ":x)) (array/push! log :cleaned)))))))"
                " (fiber/step f nil nil) [(fiber/step (travel f) :oops nil) (array->list log)])"),
           "[{:done [:caught :oops]} (:cleaned)]");
  // Frozen in the middle of a cleanup that an error runs.
  CHECK_SX(held("(let ((f (fiber/new (fn () (guard (e (else [:caught e])) (protect (raise :first) "
                "(perform :cleaning)))))))"
                " [(fiber/step f nil nil) (fiber/step (travel f) nil nil)])"),
           "[{:request :cleaning} {:done [:caught :first]}]");
}

TEST_CASE("parameters and limits travel with the fiber") {
  CHECK_SX(held("(let* ((p (make-parameter 1)) (f (fiber/new (fn () (parameterize ((p 2)) (perform "
                ":x) (list (p) (parameterize ((p 3)) (p)) (p)))))))"
                " (fiber/step f nil nil) (fiber/step (travel f) nil nil))"),
           "{:done (2 3 2)}");
  CHECK_SX(held("(define (forever) (let loop () (loop)))"
                "(let ((f (fiber/new (fn () (guard (e (else (error-kind e))) (with-limits {:fuel "
                "5000} (perform :x) (forever)))))))"
                " (fiber/step f nil nil) (fiber/step (travel f) nil nil))"),
           "{:done :limit}");
  CHECK_SX_PLAIN(held("(define (grow l) (grow (cons 1 l)))"
                      "(let ((f (fiber/new (fn () (guard (e (else (get (error-data e) :limit))) "
                      "(with-limits {:heap 8000000} (perform :x) (grow ())))))))"
                      " (fiber/step f nil nil) (fiber/step (travel f) nil nil))"),
                 "{:done :heap}");
  CHECK_SX(held("(define (down n) (+ 1 (down n)))"
                "(let ((f (fiber/new (fn () (guard (e (else (get (error-data e) :limit))) "
                "(with-limits {:depth 20000} (perform :x) (down 1)))))))"
                " (fiber/step f nil nil) (fiber/step (travel f) nil nil))"),
           "{:done :depth}");
}

TEST_CASE("fibers and continuations that a fiber holds travel with it") {
  CHECK_SX(held("(let* ((child (fiber/new (fn () (+ 1 (perform :child)))))"
                " (f (fiber/new (fn () (fiber/step child nil nil) (perform :x) (list (fiber/step "
                "child 5 nil) (fiber/step (fiber/new (fn () 1)) nil nil))))))"
                " (fiber/step f nil nil) [(fiber/step (travel f) nil nil) (guard (e (else "
                "(error-message e))) (fiber/step child 5 nil))])"),
           "[{:done ({:done 6} {:done 1})} \"fiber/step: this fiber has finished\"]");
  CHECK_SX(
      held("(let ((f (fiber/new (fn () (let ((k (with-handler (fn (r k) (cell k)) (protect (+ 1 "
           "(perform :in)) nil)))) (perform :x) 1)))))"
           " (fiber/step f nil nil) (fiber/step (travel f) nil nil))"),
      "{:done 1}");
  CHECK_SX(
      held("(let ((f (fiber/new (fn () (let ((k (with-handler (fn (r k) (cell k)) (+ 1 (perform "
           ":in))))) (perform :x) (resume (cell/get k) 41))))))"
           " (fiber/step f nil nil) (fiber/step (travel f) nil nil))"),
      "{:done 42}");
}

TEST_CASE("what cannot travel is refused with the way to it") {
  CHECK_SX(kHold + "(freeze 5)", "error: freeze: Expected fiber or continuation, got integer");
  CHECK_SX(kHold + "(let ((f (fiber/new (fn () 1)))) (fiber/step f nil nil) (freeze f))",
           "error: freeze: this fiber has finished; only a suspended one can be frozen");
  CHECK_SX(kHold +
               "(let ((f nil)) (set! f (fiber/new (fn () (freeze f)))) (error-message (get "
               "(fiber/step f nil nil) :raised)))",
           "\"freeze: this fiber is running; only a suspended one can be frozen\"");
  CHECK_SX(
      "(define (wait db) (perform :x) db)"
      "(let ((f (fiber/new (fn () (wait {:a [1 (html/stream (div))]}))))) (fiber/step f nil nil) "
      "(freeze f))",
      "error: freeze: #<html-stream> cannot travel. Found in: the parameter db of "
      "wait, which needs it after t.sx:1:19, the value of :a, element 1");
  // What is not read any more is not in the way.
  CHECK_SX(
      "(define (wait db) (let ((n (count (list db)))) (perform :x) n))"
      "(let ((f (fiber/new (fn () (wait (html/stream (div))))))) (fiber/step f nil nil) "
      "(fiber/step (thaw (freeze f)) nil nil))",
      "{:done 1}");
  // Refused, the fiber is as it was.
  CHECK_SX(
      "(define (wait db) (let ((v (perform :x))) [v (nil? db)]))"
      "(let ((f (fiber/new (fn () (wait (html/stream (div))))))) (fiber/step f nil nil) (guard (e "
      "(else nil)) (freeze f)) (fiber/step f 1 nil))",
      "{:done [1 false]}");
  CHECK_SX(
      "(let* ((inner (fiber/new (fn () (let loop () (loop))))) (f (fiber/new (fn () (fiber/step "
      "inner nil nil))))) (fiber/step f nil 100) (freeze f))",
      "error: freeze: it ran out of fuel while it was stepping another fiber: step it on first");
  CHECK_SX(
      "(let ((f (fiber/new (fn () (protect (perform :x) (perform :cleanup)))))) (fiber/step f nil "
      "nil) (fiber/cancel f :stop) (freeze f))",
      "error: freeze: a limit or a cancellation is ending this fiber; it cannot travel now. Found "
      "in: a value of a function without a name, which needs it after t.sx:1:50");
}

TEST_CASE("a refusal names the variables that hold the value") {
  const auto refused = [](std::string_view body, std::string_view way) {
    const std::string source = str(
        "(define (wait db)", body,
        ") (let ((f (fiber/new (fn () (wait (html/stream (div))))))) (fiber/step f nil nil) "
        "(guard (e (else (last (string/split (error-message e) \"Found in: \")))) (freeze f)))");
    CHECK_SX(source, str('"', way, '"'));
  };
  refused("(let ((page [db])) (perform :x) (list page page))",
          "the variable page of wait, which needs it after t.sx:1:37, element 0");
  refused("(let ((a [1])) (let ((b db)) (perform :x) (list a b)))",
          "the parameter db of wait, which needs it after t.sx:1:47");
  refused("(loop ((out [db]) (i 0)) (perform :x) (recur (conj out i) (+ i 1)))",
          "the variable out of wait, which needs it after t.sx:1:43, element 0");
  refused("(guard (e (true (perform :x) e)) (raise [db]))",
          "the variable e of wait, which needs it after t.sx:1:34, element 0");
  refused("(let ((f (fn () db))) (perform :x) (list f f))",
          "the variable f of wait, which needs it after t.sx:1:40, the variable db that f "
          "(t.sx:1:34) uses from outside");
  // A register is used again when its variable is gone.
  refused(
      "(let ((gone [1])) (hash (list gone gone))) (let ((here [db])) (perform :x) (list here "
      "here))",
      "the variable here of wait, which needs it after t.sx:1:80, element 0");
}

TEST_CASE("a portable fiber takes neither secrets nor code of the server along") {
  CHECK_SX(
      "(define (wait s) (perform :x) (reveal s))"
      "(let ((f (fiber/new (fn () (wait (secret 1))) {:portable true}))) (fiber/step f nil nil) "
      "(freeze f))",
      "error: freeze: a secret value does not go into a portable fiber. Found in: the parameter s "
      "of "
      "wait, which needs it after t.sx:1:18");
  CHECK_SX(
      "(define (read) (perform {:op \"persist/read\" :args (list \"s\" 1 nil)}))"
      "(let ((f (fiber/new (fn () (perform :x) (read)) {:portable true}))) (fiber/step f nil nil) "
      "(freeze f))",
      "error: freeze: a portable fiber cannot take along t.sx, which performs persist/read, an "
      "operation of the server");
  CHECK_SX(
      "(let ((f (fiber/new (fn () (+ 1 (perform :x))) {:portable true}))) (fiber/step f nil nil) "
      "(let ((b (freeze f))) [(get (frozen/info b) :portable) (let ((g (thaw b))) (get "
      "(frozen/info (freeze g)) :portable))]))",
      "[true true]");
  CHECK_SX(
      "(let ((f (fiber/new (fn () (let ((s (secret 1))) (perform :x) (reveal s)))))) (fiber/step "
      "f nil nil) (fiber/step (thaw (freeze f)) nil nil))",
      "{:done 1}");
  CHECK_SX("(fiber/new (fn () 1) {:portabel true})",
           "error: fiber/new: Expected the option :portable, got {:portabel true}");
}

TEST_CASE("another engine goes on where the first one stopped") {
  TestMachine first(false), second(false);
  const auto frozen = first.engine.eval(kOther + "(freeze f)", "other.sx");
  REQUIRE(frozen.ok());
  const std::string bytes = bytes_of(*frozen);
  Vm& vm = second.engine.vm;
  SUBCASE("with the same code") {
    // The same text: the script's own fiber is not needed, its code is.
    REQUIRE(second.engine.eval(kOther + "(freeze f)", "other.sx").ok());
    Root fiber(vm.cx.heap, thaw(vm, bytes));
    REQUIRE_FALSE(fiber.get().is_unset());
    const auto call =
        second.engine.eval("(fn (f) [(fiber/step f 10 nil) (fiber/step f 20 nil)])", "c");
    REQUIRE(call.ok());
    const Value args[] = {fiber};
    const auto steps = second.engine.runner.run_now(*call, args, 1);
    REQUIRE(steps.ok());
    CHECK(print(vm.cx, *steps) ==
          "[{:request [:ask 4 7]} {:done (#point{:x 1 :y 2} 26 24 1 #<markup>)}]");
  }
  SUBCASE("not without the code") {
    CHECK(thaw(vm, bytes).is_unset());
    CHECK(error_summary(vm.cx, vm.cx.error).find("thaw: it runs in other.sx (") !=
          std::string::npos);
    CHECK(error_summary(vm.cx, vm.cx.error).find("not loaded here: load the bundle") !=
          std::string::npos);
  }
  SUBCASE("not with changed code") {
    REQUIRE(second.engine.eval(kOther + "(list (freeze f))", "other.sx").ok());
    CHECK(thaw(vm, bytes).is_unset());
    const std::string why = error_summary(vm.cx, vm.cx.error);
    CHECK(why.find("thaw: it runs in other.sx as of ") != std::string::npos);
    CHECK(why.find(", here other.sx is ") != std::string::npos);
  }
}

TEST_CASE("an embedder's thaw loads the modules that the fiber needs") {
  const std::string module =
      "(module demo/flow :export (demo/start)) (define (work) (protect (* 2 (perform :n)) nil))"
      "(define (demo/start) (let ((f (fiber/new work))) (fiber/step f nil nil) f))";
  TestMachine first(false), second(false);
  first.files["demo/flow"] = second.files["demo/flow"] = module;
  const auto fiber = first.engine.eval("(use demo/flow) (demo/start)");
  REQUIRE(fiber.ok());
  const auto bytes = first.engine.freeze(*fiber);
  REQUIRE(bytes.ok());
  const auto again = second.engine.thaw(*bytes);
  REQUIRE(again.ok());
  Root root(second.engine.cx().heap, *again);
  const auto step = second.engine.eval("(fn (f) (fiber/step f 21 nil))");
  REQUIRE(step.ok());
  const Value args[] = {root};
  CHECK(print(second.engine.cx(), *second.engine.runner.run_now(*step, args, 1)) == "{:done 42}");
  second.files["demo/flow"].clear();
  TestMachine third(false);
  const auto refused = third.engine.thaw(*bytes);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("Module demo/flow was not found") != std::string::npos);
  CHECK_FALSE(third.engine.thaw("nothing").ok());
}

TEST_CASE("frozen bytes say what they need before they are thawed") {
  TestMachine machine(false);
  const auto frozen = machine.engine.eval(kOther + "(freeze f)", "other.sx");
  REQUIRE(frozen.ok());
  const auto info = frozen_info(machine.engine.vm, bytes_of(*frozen));
  REQUIRE(info.ok());
  CHECK_FALSE(info->portable);
  REQUIRE(info->units.size() == 1);
  CHECK(info->units[0].file == "other.sx");
  CHECK(info->units[0].hash.size() == 32);
}

TEST_CASE("foreign and damaged bytes are refused with both sides and a remedy") {
  TestMachine machine(false);
  const auto frozen = machine.engine.eval(kOther + "(freeze f)", "other.sx");
  REQUIRE(frozen.ok());
  const std::string whole = bytes_of(*frozen);
  Vm& vm = machine.engine.vm;
  const auto refusal = [&](std::string bytes) {
    const Value v = thaw(vm, bytes);
    return v.is_unset() ? error_summary(vm.cx, vm.cx.error) : std::string("accepted");
  };
  const auto changed = [&](std::size_t at, char byte) {
    std::string bytes = whole;
    bytes[at] = byte;
    return bytes;
  };
  CHECK(refusal("") ==
        "thaw: these bytes are no frozen fiber: expected them to begin with SXFF, as "
        "freeze makes them");
  CHECK(refusal(changed(0, 'T')).find("no frozen fiber") != std::string::npos);
  CHECK(refusal(changed(4, 9)) ==
        "thaw: frozen in format 9, this engine thaws format 1: thaw it with the version of sx that "
        "froze it");
  CHECK(refusal(changed(6, 8)).find("the header is damaged") != std::string::npos);
  CHECK(refusal(changed(9, static_cast<char>(whole[9] ^ 1)))
            .find("frozen by an engine with the tables ") != std::string::npos);
  CHECK(refusal(changed(45, static_cast<char>(whole[45] ^ 1)))
            .find("damaged: the content has the hash ") != std::string::npos);
  for (std::size_t size = 4; size < whole.size(); size += 7) {
    CAPTURE(size);
    CHECK(refusal(whole.substr(0, size)).find("cut off: ") != std::string::npos);
  }
  std::string longer = whole + "x";
  reseal_frozen(longer);
  CHECK(refusal(longer).find("the header says ") != std::string::npos);
  CHECK(refusal(whole) == "accepted");
}

TEST_CASE("thawing keeps to the heap limit") {
  CHECK_SX_PLAIN(
      held("(let* ((f (fiber/new (fn () (let ((v (range 300000))) (perform :x) v)))) (b "
           "(do (fiber/step f nil nil) (freeze f))))"
           " [(guard (e (else (error-kind e))) (with-limits {:heap 1000000} (thaw b) :done))"
           "  (type-of (thaw b))])"),
      "[:limit :fiber]");
}

TEST_CASE("every object kind is accounted for") {
  // What a program can hold of each kind, or why it cannot. A new kind needs a line here, and a
  // decision in freeze.cpp.
  const std::map<std::string, std::string> holders = {
      {"Pair", "(list 1)"},
      {"String", "\"s\""},
      {"Bytes", "#u8\"b\""},
      {"BigInt", "123456789012345678901"},
      {"Vector", "[1]"},
      {"VectorNode", "(list->vector (range 100))"},
      {"ShapeDict", "{:a 1}"},
      {"HashDict", "{\"a\" 1}"},
      {"TrieNode", "(reduce (fn (d i) (assoc d i i)) {} (range 50))"},
      {"Set", "#{1}"},
      {"Closure", "(let ((n 1)) (fn () n))"},
      {"Primitive", "car"},
      {"Cell", "(cell 1)"},
      {"Array", "(array/new 2 0)"},
      {"ArrayStore", "(array/new 100 0)"},
      {"Table", "(table/new)"},
      {"TableIndex", "(let ((t (table/new))) (table/put! t 1 2) t)"},
      {"RecordType", "(list point)"},
      {"Record", "(point 1 2)"},
      {"Fiber", "(fiber/new (fn () 1))"},
      {"Continuation", "(with-handler (fn (r k) (list (fiber/copy k))) (perform :x))"},
      {"Parameter", "(make-parameter 1)"},
      {"Template", "(div :class \"a\" \"b\")"},
      {"Raw", "(raw \"<b>\")"},
      {"StringBuilder", "(builder/new)"},
      {"Handle", ""},  // made by hosts only
      {"TypedArray", "(array/typed :i32 3)"},
      {"HtmlStream", "refused: (html/stream (div))"},
      {"Secret", "(secret 1)"}};
  std::vector<std::string> kinds;
#define SX_KIND(code, name, type_name, prefix, layout) kinds.push_back(#name);
#include "engine/value/object_kinds.def"
#undef SX_KIND
  for (const std::string& kind : kinds) {
    CAPTURE(kind);
    const auto holder = holders.find(kind);
    REQUIRE(holder != holders.end());
    const std::string& make = holder->second;
    const bool refused = make.rfind("refused: ", 0) == 0;
    if (make.empty()) continue;
    const std::string program =
        "(defrecord point (x y))" +
        held("(let ((v " + (refused ? make.substr(9) : make) +
             ")) (guard (e (else (error-kind e))) (= (type-of v) (type-of (hold v)))))");
    const std::string expected = refused ? ":freeze-error" : "true";
    CHECK_SX(program, expected);
  }
}
