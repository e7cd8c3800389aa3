// Makes small SX programs from a seed: arithmetic, closures, lists, loops, errors, cleanups, effects,
// fibers, parameters, limits. Every program ends; most use several of these inside one another.

/** A reproducible stream of numbers (mulberry32). @param {number} seed */
export function randomStream(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const kIntegers = [
  "0", "1", "-1", "2", "7", "-13", "100", "127", "128", "-129", "32767", "65536", "140737488355327",
  "-140737488355328", "140737488355328", "9223372036854775807", "-9223372036854775809", "36893488147419103232",
];
const kNumbers = [...kIntegers, "0.5", "-2.25", "1e300", "3.0"];

class Maker {
  /**
   * @param {() => number} random
   * @param {boolean} exactFuel programs may show how much fuel a step takes
   */
  constructor(random, exactFuel = true) {
    this.random = random;
    this.exactFuel = exactFuel;
    this.names = 0;
  }
  below(n) {
    return Math.floor(this.random() * n);
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  fresh(prefix) {
    return `${prefix}${this.names++}`;
  }

  /** An expression that gives a number (or raises). scope: names by what they hold. */
  number(depth, scope) {
    if (depth <= 0 || this.random() < 0.12) {
      return scope.numbers.length > 0 && this.random() < 0.7 ? this.pick(scope.numbers) : this.pick(kNumbers);
    }
    const d = depth - 1;
    const n = () => this.number(d, scope);
    const kinds = [
      () => `(${this.pick(["+", "-", "*"])} ${n()} ${n()})`,
      () => `(${this.pick(["+", "-", "min", "max"])} ${n()} ${n()} ${n()})`,
      () => `(${this.pick(["quotient", "remainder", "modulo"])} ${n()} ${this.pick([...kIntegers, n()])})`,
      () => `(${this.pick(["inc", "dec", "abs", "-"])} ${n()})`,
      () => `(if ${this.test(d, scope)} ${n()} ${n()})`,
      () => `(cond (${this.test(d, scope)} ${n()}) (${this.test(d, scope)} ${n()}) (else ${n()}))`,
      () => {
        const x = this.fresh("x");
        return `(let ((${x} ${n()})) ${this.number(d, { ...scope, numbers: [...scope.numbers, x] })})`;
      },
      () => {
        const x = this.fresh("x"), y = this.fresh("y");
        return `(let* ((${x} ${n()}) (${y} ${n()})) (set! ${x} (+ ${y} ${x})) ${this.number(d, { ...scope, numbers: [...scope.numbers, x, y] })})`;
      },
      () => {
        const f = this.fresh("f"), a = this.fresh("a"), b = this.fresh("b");
        const body = this.number(d, { ...scope, numbers: [...scope.numbers, a, b] });
        const parameters = this.pick([`(${a} ${b})`, `(${a} &opt (${b} ${a}))`, `(${a} &key (${b} 4))`]);
        const second = parameters.includes("&key") ? `:${b} ${n()}` : n();
        return `(let ((${f} (fn ${parameters} ${body}))) (+ (${f} ${n()} ${second}) ${this.random() < 0.3 ? `(${f} ${n()} ${second})` : n()}))`;
      },
      () => {
        const i = this.fresh("i"), acc = this.fresh("acc");
        const body = this.number(d - 1, { ...scope, numbers: [...scope.numbers, i, acc] });
        return `(let go ((${i} 0) (${acc} ${n()})) (if (< ${i} ${1 + this.below(4)}) (go (+ ${i} 1) ${body}) ${acc}))`;
      },
      () => {
        const f = this.fresh("down"), i = this.fresh("i");
        const body = this.number(d - 1, { ...scope, numbers: [...scope.numbers, i] });
        return `(letrec ((${f} (fn (${i}) (if (<= ${i} 0) ${n()} (+ 1 (${f} (- ${i} 1)) ${this.random() < 0.4 ? body : "0"}))))) (${f} ${this.below(40)}))`;
      },
      () => `(count ${this.list(d, scope)})`,
      () => `(reduce + 0 ${this.list(d, scope)})`,
      () => `(first ${this.list(d, scope)})`,
      () => `(nth ${this.list(d, scope)} ${this.below(4)})`,
      () => `(apply + ${n()} ${this.list(d, scope)})`,
      () => `(get {:a ${n()} :b ${n()}} ${this.pick([":a", ":b", ":c"])})`,
      () => `(get (assoc {:a ${n()}} :b ${n()}) :b)`,
      () => `(string/length (str ${n()} "-" ${n()}))`,
      () => `(let (([p q] [${n()} ${n()}])) (- p q))`,
      () => `(match ${this.list(d, scope)} ((list) 0) ((list a) a) ((list a b) (+ a b)) ((cons a r) (+ a (count r))))`,
      () => `(let ((c (cell ${n()}))) (cell/set! c (+ (cell/get c) ${n()})) (cell/get c))`,
      () => `(do (note ${n()}) ${n()})`,
      ...this.moreNumbers(d, scope),
      () => this.guarded(d, scope),
      () => this.guarded(d, scope),
      () => `(protect ${n()} (note ${n()}))`,
      () => `(raise ${n()})`,
      () => `(perform ${n()})`,
      () => `(perform ${n()})`,
      () => this.handled(d, scope),
      () => this.handled(d, scope),
      () => this.handled(d, scope),
      () => `(parameterize ((p ${n()})) (+ (p) ${n()}))`,
      () => "(p)",
      () => `(with-limits {:fuel 100000} ${n()})`,
      () => `(guard (e (else (note (error-kind e)) ${n()})) (with-limits {:fuel ${20 + this.below(200)}} (protect (forever) (note ${n()}))))`,
      () => `(drive (fiber/new (fn () ${n()})) ${this.pick(["nil", "1", "3", "50"])})`,
      () => `(let ((f (fiber/new (fn () ${n()})))) (fiber/step f nil ${this.exactFuel ? this.pick(["nil", "2", "20"]) : "nil"}) (note (get (fiber/cancel f 5) :raised)) ${n()})`,
    ];
    return this.pick(kinds)();
  }

  /** Kinds of numbers that need more than arithmetic. */
  moreNumbers(d, scope) {
    const n = () => this.number(d, scope);
    const inner = (...names) => ({ ...scope, numbers: [...scope.numbers, ...names] });
    return [
      () => `(${this.pick(["bit-and", "bit-or", "bit-xor"])} ${this.pick(kIntegers)} ${n()})`,
      () => `(${this.pick(["floor", "ceil", "round", "truncate", "float", "int"])} ${n()})`,
      () => `(/ ${n()} ${this.pick(["2", "3", "0.5", "-7", n()])})`,
      () => `(expt ${this.pick(["2", "-3", "10", "1.5"])} ${this.below(70)})`,
      () => `(gcd ${this.pick(kIntegers)} ${n()})`,
      () => `(i64/${this.pick(["add", "sub", "mul"])} ${n()} ${this.pick(kIntegers)})`,
      () => `(string/length ${this.string(d, scope)})`,
      () => `(or (string->number ${this.string(d, scope)}) ${n()})`,
      () => `(or (string/index-of ${this.string(d, scope)} ${this.pick(['"a"', '"é"', '"-"', '""'])}) -1)`,
      () => `(count ${this.collection(d, scope)})`,
      () => `(get ${this.dict(d, scope)} ${this.pick([":a", ":b", '"k"', "1"])} ${n()})`,
      () => `(get-in ${this.dict(d, scope)} [:a ${this.below(3)}] ${n()})`,
      () => `(nth ${this.vector(d, scope)} ${this.below(4)})`,
      () => `(let (([v w & more] ${this.vector(d, scope)})) (list v w) (count more))`,
      () => `(let (({:keys (a (b ${n()})) :c c} ${this.dict(d, scope)})) (if (integer? b) b (count (list a c))))`,
      () => `(case ${n()} ((0 1 2) ${n()}) (7 ${n()}) (else ${n()}))`,
      () => `(case ${this.pick([":a", ":b", '"s"', "'x", "nil"])} (:a ${n()}) (("s" x) ${n()}) (else ${n()}))`,
      () => `(when ${this.test(d, scope)} (note ${n()}) ${n()})`,
      () => `(-> ${n()} (+ ${n()}) (- ${n()}) abs)`,
      () => `(->> ${this.list(d, scope)} (map (fn (m) ${this.number(d - 1, inner("m"))})) (reduce + ${n()}))`,
      () => `((fn (a &rest more) (+ a (count more))) ${n()} ${n()} ${n()})`,
      () => `((fn all (reduce + 0 all)) ${n()} ${n()})`,
      () => `(apply (fn (a &key (b ${n()}) c) (list a b c) a) ${n()} ${this.pick(["()", "(list :b 2)", "(list :c)", "(list :d 1)", "(list 5)", "[:c 1 :b 2]"])})`,
      () => `((identity (fn (a b &opt c) (+ a b))) ${this.pick(["", n(), `${n()} ${n()}`, `${n()} ${n()} 3 4`])})`,
      () => `((identity ${this.pick(["5", "nil", '"f"', ":a", "first", "+", "'x"])}) ${n()})`,
      () => `(:a ${this.dict(d, scope)} ${n()})`,
      () => {
        // A body with definitions that see each other.
        const f = this.fresh("even"), g = this.fresh("odd");
        return `(do (define (${f} k) (if (<= k 0) ${n()} (${g} (- k 1)))) (define (${g} k) (if (<= k 0) ${n()} (${f} (- k 1)))) (${f} ${this.below(60)}))`;
      },
      () => {
        // Closures over a loop's variables, called after the loop.
        const i = this.fresh("i"), fs = this.fresh("fs");
        return `(loop ((${i} 0) (${fs} ())) (if (>= ${i} ${1 + this.below(4)}) (reduce (fn (sum f) (+ sum (f))) 0 ${fs}) (recur (+ ${i} 1) (cons (fn () ${this.number(d - 1, inner(i))}) ${fs}))))`;
      },
      () => {
        // A variable that two closures share and set.
        const x = this.fresh("x");
        return `(let ((${x} ${n()})) (let ((up (fn () (set! ${x} (+ ${x} 1)) ${x})) (put (fn (v) (set! ${x} v)))) (up) (put ${this.number(d - 1, inner(x))}) (up) (+ ${x} (up))))`;
      },
      () => `(let go ((i 0) (sum ${n()})) (if (< i ${this.pick([300, 3000])}) (go (+ i 1) (+ sum (if (= 0 (remainder i 64)) ${n()} i))) sum))`,
      () => `(letrec ((deep (fn (k) (if (= k 0) ${n()} (+ 1 (deep (- k 1))))))) (deep ${this.pick([100, 2000])}))`,
      () => `(let ((t (table/new))) (table/put! t ${n()} 1) (table/put! t :k ${n()}) (table/update! t :k + ${n()}) (+ (table/count t) (table/get t :k)))`,
      () => `(let ((a (array/new))) (array/push! a ${n()}) (array/push! a ${n()}) (array/set! a ${this.below(3)} ${n()}) (reduce + 0 (array->list a)))`,
      () => `(swap-and-add ${n()} ${n()})`,
      () => `(my-or ${this.pick(["nil", "false", n()])} ${n()})`,
      () => `(repeat-times ${this.below(4)} ${n()})`,
      () => `(with-it ${n()} (+ it ${n()}))`,
      () => `(let ((held ${n()}) (value ${n()})) (swap! held value) (- held value))`,
      () => this.matched(d, scope),
      () => `(pair-x (pair ${n()} ${n()}))`,
      () => `(get (assoc (pair ${n()} ${n()}) ${this.pick([":x", ":y", ":z"])} ${n()}) :y)`,
      () => `(${this.pick(["pair-x", "pair-y"])} (identity ${this.pick(["5", "{:x 1}", `(pair ${n()} 2)`])}))`,
      () => this.generator(d, scope),
      () => this.state(d, scope),
      () => this.choices(d, scope),
      () => this.stepped(d, scope),
      () => this.cleanups(d, scope),
      () => `(count (read-string (write-string ${this.collection(d, scope)})))`,
      () => `(string/length (str ${this.collection(d, scope)}))`,
      () => `(string/length (json/write ${this.collection(d, scope)}))`,
    ];
  }

  string(depth, scope) {
    if (depth <= 0) return this.pick(['""', '"a"', '"naïve 世界"', '"12"', '"-0x1F"', '"a-b-c"', '"😀"']);
    const d = depth - 1;
    const s = () => this.string(d, scope);
    return this.pick([
      () => `(str ${s()} ${this.number(d, scope)})`,
      () => `(string/upper ${s()})`,
      () => `(string/reverse ${s()})`,
      () => `(string/slice ${s()} ${this.below(3)})`,
      () => `(string/join (string/split ${s()} "-") ${s()})`,
      () => `(string/replace ${s()} "a" ${s()})`,
      () => `(string/repeat ${s()} ${this.below(4)})`,
      () => `(write-string ${this.collection(d, scope)})`,
      () => `(str (string->symbol ${s()}) (string->keyword ${s()}))`,
      () => `(list->string (sort (string->list ${s()})))`,
      () => `(format "{} of {}" ${s()} ${this.number(d, scope)})`,
    ])();
  }

  vector(depth, scope) {
    if (depth <= 0) return this.pick(["[]", "[1 2 3]", "[nil]", '["x" :y]']);
    const d = depth - 1;
    return this.pick([
      () => `[${this.number(d, scope)} ${this.number(d, scope)}]`,
      () => `(conj ${this.vector(d, scope)} ${this.number(d, scope)})`,
      () => `(assoc ${this.vector(d, scope)} ${this.below(3)} ${this.number(d, scope)})`,
      () => `(vec ${this.list(d, scope)})`,
      () => `(mapv (fn (m) ${this.number(d - 1, { ...scope, numbers: [...scope.numbers, "m"] })}) ${this.list(d, scope)})`,
      () => `(subvec ${this.vector(d, scope)} ${this.below(2)})`,
      () => "`[1 ,(+ 1 1) ,@" + this.list(d, scope) + "]",
    ])();
  }

  dict(depth, scope) {
    if (depth <= 0) return this.pick(["{}", "{:a 1}", '{:a [1 2] "k" 3 1 :one}', "{:b nil}"]);
    const d = depth - 1;
    return this.pick([
      () => `{:a ${this.number(d, scope)} :b ${this.vector(d, scope)}}`,
      () => `(assoc ${this.dict(d, scope)} ${this.pick([":a", ":c", '"k"', this.number(d, scope)])} ${this.number(d, scope)})`,
      () => `(dissoc ${this.dict(d, scope)} :a)`,
      () => `(merge ${this.dict(d, scope)} ${this.dict(d, scope)})`,
      () => `(update ${this.dict(d, scope)} :a + ${this.number(d, scope)})`,
      () => `(assoc-in ${this.dict(d, scope)} [:n :m] ${this.number(d, scope)})`,
      () => `(group-by even? ${this.list(d, scope)})`,
      () => `(frequencies ${this.list(d, scope)})`,
      () => `(map-vals (fn (m) ${this.number(d - 1, { ...scope, numbers: [...scope.numbers, "m"] })}) ${this.dict(d, scope)})`,
      () => `(zipmap ${this.list(d, scope)} ${this.list(d, scope)})`,
    ])();
  }

  collection(depth, scope) {
    return this.pick([
      () => this.list(depth, scope),
      () => this.vector(depth, scope),
      () => this.dict(depth, scope),
      () => `(->set ${this.list(depth - 1, scope)})`,
      () => `(set ${this.number(depth - 1, scope)} ${this.number(depth - 1, scope)})`,
      () => this.string(depth, scope),
    ])();
  }

  matched(d, scope) {
    const n = () => this.number(d - 1, { ...scope, numbers: [...scope.numbers, "u"] });
    const clauses = [
      `([u _] ${n()})`, `([u & _] ${n()})`, `({:a u} ${n()})`, `({:b [u _ & _]} ${n()})`, `((? integer? u) ${n()})`,
      `((and u (or 1 2 3)) ${n()})`, `((or [:x u] (list u _)) ${n()})`, `((pair u _) ${n()})`, `((cons u _) :when (integer? u) ${n()})`,
      `((list (list u) _) ${n()})`, `("a" 1)`, `(u :when (not (number? u)) 5)`, `('x 6)`, `((list 1 & u) (count u))`,
    ];
    const subject = this.pick([
      () => this.number(d, scope), () => this.list(d, scope), () => this.vector(d, scope), () => this.dict(d, scope),
      () => `(pair ${this.number(d, scope)} 1)`, () => this.string(d, scope), () => "'x", () => "[:x 4]",
    ])();
    const chosen = Array.from({ length: 1 + this.below(4) }, () => this.pick(clauses));
    return `(match (identity ${subject}) ${chosen.join(" ")}${this.random() < 0.6 ? ` (_ ${this.number(d, scope)})` : ""})`;
  }

  /** Values that a computation yields, collected or stopped by a handler. */
  generator(d, scope) {
    const each = this.number(d - 1, { ...scope, numbers: [...scope.numbers, "j"] });
    const producer = `(let walk ((j 0)) (when (< j ${1 + this.below(30)}) (perform [:yield ${each}]) (walk (+ j 1))))`;
    return this.pick([
      () => `(sum (let ((out (array/new))) (with-handler (fn (r k) (match r ([:yield v] (array/push! out v) (resume k nil)) (_ (resume k (perform r))))) ${producer}) (array->list out)))`,
      () => `(with-handler (fn (r k) (match r ([:yield v] (+ v (or (resume k nil) 0))) (_ (resume k (perform r))))) ${producer} 0)`,
      () => `(with-handler (fn (r k) (match r ([:yield v] (if (= v 2) v (resume k nil))) (_ (resume k (perform r))))) (protect (do ${producer} -1) (note :left)))`,
      () => `(let ((g (fiber/new (fn () (protect ${producer} (note :done)) 0)))) (let pull ((s (fiber/step g nil nil)) (n 0)) (cond ((has-key? s :request) (if (> n 3) (do (fiber/cancel g :enough) n) (pull (fiber/step g n nil) (+ n 1)))) ((has-key? s :raised) (raise (get s :raised))) (else n))))`,
    ])();
  }

  /** State passed from request to request: the handler's answers are functions. */
  state(d, scope) {
    const body = this.number(d, scope);
    return `((with-handler (fn (r k) (match r (:get (fn (s) ((resume k s) s))) ([:put v] (fn (s) ((resume k nil) v))) (_ (fn (s) ((resume k (perform r)) s))))) (let ((result (do (perform [:put (+ 1 (perform :get))]) ${body}))) (fn (s) (+ s (if (number? result) result 0))))) ${this.number(d - 1, scope)})`;
  }

  /** Computations that go on in several ways. */
  choices(d, scope) {
    const inner = { ...scope, numbers: [...scope.numbers, "a"] };
    return this.pick([
      () => `(count (with-handler (fn (r k) (if (list? r) (mapcat (fn (c) (resume (fiber/copy k) c)) r) (resume k (perform r)))) (let ((a (perform (list 1 2 3))) (b (perform (list 1 2)))) (if (> (+ a b) 2) (list ${this.number(d - 1, inner)}) ()))))`,
      () => `(with-handler (fn (r k) (guard (e (else (note (what e)) (resume k 1))) (resume (fiber/copy k) r))) ${this.number(d, scope)})`,
      () => `(with-handler (fn (r k) (if (list? r) (let ((c (fiber/copy k))) (min (resume k (first r)) (resume c (last r)))) (resume k (perform r)))) (+ ${this.number(d - 1, scope)} (perform (list ${this.number(d - 1, scope)} 2))))`,
    ])();
  }

  stepped(d, scope) {
    const body = this.number(d, scope);
    return this.pick([
      () => `(let ((f (fiber/new (fn () ${body})))) (fiber/step f nil nil) (let ((copy (guard (e (else (note (what e)) nil)) (fiber/copy f)))) (note (keys (guard (e (else {})) (fiber/step f 1 nil)))) (if copy (get (fiber/step copy 2 nil) :done 0) 1)))`,
      () => `(let ((f (fiber/new (fn () (parameterize ((p ${this.number(d - 1, scope)})) (+ (perform :x) (p) ${body}))))))  (fiber/step f nil nil) (parameterize ((p 5)) (drive f nil)))`,
      () => `(let ((f (fiber/new (fn () (guard (e (else (note (what e)) 4)) (protect (perform ${body}) (note (perform :cleanup)))))))) (fiber/step f nil nil) (note (keys (or (fiber/cancel f :stop) {}))) (drive f nil))`,
      () => `(guard (e (else (note (what e)) 0)) (fiber/step ${this.pick(["5", "(fiber/new 5)", "(fiber/new (fn (x) x))", "(fiber/new (fn () 1))"])} nil ${this.pick(["nil", "-1", ":x"])}) 1)`,
    ])();
  }

  /** Cleanups that raise, perform, or nest. */
  cleanups(d, scope) {
    const n = () => this.number(d - 1, scope);
    return this.pick([
      () => `(guard (e (else (note (what e)) 1)) (protect (raise ${n()}) (note :a) (raise ${n()})))`,
      () => `(with-handler (fn (r k) (resume k 3)) (guard (e ((integer? e) e)) (protect (raise ${n()}) (note (perform :cleanup)))))`,
      () => `(protect (protect ${n()} (note :inner)) (note :outer) ${n()})`,
      () => `(guard (e (else (note (error-kind e)) 2)) (with-limits {:fuel ${50 + this.below(100)}} (guard (x (else (note :never) 1)) (protect (forever) (note :cleaned) (raise ${n()})))))`,
      () => `(with-handler (fn (r k) ${this.pick(["7", "(raise r)", "(do (fiber/cancel k r) 8)"])}) (protect (+ 1 (perform ${n()})) (note :ended) (note (perform :late))))`,
      () => `(guard (e (else (note (what e)) 1)) (error ${this.pick([":my-kind", ":limit", '"plain"'])} ${this.pick(['"told"', '(str "told " 2)'])}))`,
      () => `(guard (e ((= :a e) 1)) (guard (e ((= :b e) 2)) (raise ${this.pick([":a", ":b", ":c", "{:kind :x}"])})))`,
    ])();
  }

  guarded(d, scope) {
    const clause = this.pick(["(else (note (what e)) 3)", "((integer? e) (+ e 1))", "((error? e) (note (error-kind e)) 9)"]);
    return `(guard (e ${clause}) ${this.number(d, scope)})`;
  }

  handled(d, scope) {
    const inner = { ...scope, numbers: [...scope.numbers, "r"] };
    const handler = this.pick([
      () => `(resume k ${this.number(d - 1, inner)})`,
      () => `(resume k (+ r 1))`,
      () => `(+ 1 (resume k r))`,
      () => `(let ((v (resume k ${this.number(d - 1, inner)}))) (note v) v)`,
      () => this.number(d - 1, inner),
      () => `(raise r)`,
      () => `(resume-raise k r)`,
      () => `(resume k (perform (+ r 10)))`,
      () => `(let ((k2 (fiber/copy k))) (+ (resume k r) (resume k2 1)))`,
      () => `(do (fiber/cancel k 1) r)`,
      () => `(do (cell/set! saved k) r)`,
      () => `(let ((old (cell/get saved))) (cell/set! saved k) (if old (resume old r) (resume k r)))`,
    ])();
    return `(with-handler (fn (r k) ${handler}) ${this.number(d, scope)})`;
  }

  test(depth, scope) {
    const n = () => this.number(depth - 1, scope);
    return this.pick([
      () => `(${this.pick(["<", "<=", ">", ">=", "=", "=="])} ${n()} ${n()})`,
      () => `(${this.pick(["zero?", "pos?", "nil?", "integer?"])} ${n()})`,
      () => `(empty? ${this.list(depth - 1, scope)})`,
      () => `(and (< ${n()} ${n()}) (not (= ${n()} 1)))`,
      () => `(or (> ${n()} 5) (pair? ${this.list(depth - 1, scope)}))`,
    ])();
  }

  list(depth, scope) {
    if (depth <= 0) return scope.lists.length > 0 && this.random() < 0.5 ? this.pick(scope.lists) : this.pick(["()", "(list 1 2 3)", "'(4)", "(range 4)"]);
    const d = depth - 1;
    return this.pick([
      () => `(list ${this.number(d, scope)} ${this.number(d, scope)})`,
      () => `(cons ${this.number(d, scope)} ${this.list(d, scope)})`,
      () => `(rest ${this.list(d, scope)})`,
      () => `(reverse ${this.list(d, scope)})`,
      () => `(append ${this.list(d, scope)} ${this.list(d, scope)})`,
      () => `(map (fn (m) ${this.number(d - 1, { ...scope, numbers: [...scope.numbers, "m"] })}) ${this.list(d, scope)})`,
      () => `(filter (fn (m) ${this.test(d - 1, { ...scope, numbers: [...scope.numbers, "m"] })}) ${this.list(d, scope)})`,
      () => `(sort ${this.list(d, scope)})`,
      () => {
        const l = this.fresh("l");
        return `(let ((${l} ${this.list(d, scope)})) ${this.list(d, { ...scope, lists: [...scope.lists, l] })})`;
      },
    ])();
  }
}

/** One program: an expression. @param {number} seed */
export function randomProgram(seed, { exactFuel = true } = {}) {
  const maker = new Maker(randomStream(seed), exactFuel);
  return maker.number(3 + maker.below(4), { numbers: [], lists: [] });
}

// What every program may use. A case prints its number, its outcome and what it noted. Each runs
// twice: at one go, and in a fiber that gets fuel in small portions: the outcome must be the same.
const kPrelude = `
(defrecord pair (x y))
(defmacro swap! (a b) \`(let ((held ,a)) (set! ,a ,b) (set! ,b held)))
(defmacro my-or (a b) \`(let ((value ,a)) (if value value ,b)))
(defmacro with-it (value form) \`(let ((,'it ,value)) ,form))
(defmacro repeat-times (n form) \`(let again ((i 0) (value 0)) (if (< i ,n) (again (+ i 1) (+ value ,form)) value)))
(defmacro swap-and-add (a b) \`(let ((x ,a) (y ,b)) (swap! x y) (my-or (+ x (* 2 y)) nil)))
(define log (array/new))
(define saved (cell nil))
(define p (make-parameter 1000))
(define (note x) (array/push! log x) x)
(define (forever) (let loop () (loop)))
(define (what e) (if (error? e) (list (error-kind e) (error-message e)) e))
;; An error's trace tells how it was run, which differs on purpose.
(define (untraced x)
  (cond ((error? x) (what x))
        ((list? x) (map untraced x))  ; pair? is the record's
        ((vector? x) (mapv untraced x))
        ((dict? x) (map-vals untraced x))
        (else x)))
(define (drive f fuel)
  (let loop ((s (fiber/step f nil fuel)) (n 0))
    (cond ((> n 3000) (note :endless) 0)
          ((has-key? s :done) (get s :done))
          ((has-key? s :raised) (raise (get s :raised)))
          ((has-key? s :request) (loop (fiber/step f (get s :request) fuel) (+ n 1)))
          (else (loop (fiber/step f nil fuel) (+ n 1))))))
(define (outcome run)
  (let clear () (when (> (array/length log) 0) (array/pop! log) (clear)))
  (cell/set! saved nil)
  (let ((value (guard (e (else (list :raised (what e))))
                 (with-limits {:fuel 2000000 :depth 20000000}
                   (with-handler (fn (r k) (resume k r)) (run))))))
    (write-string (untraced (list value (array->list log))))))
(define (portions thunk fuel)
  (fn ()
    (let ((f (fiber/new (fn () (with-handler (fn (r k) (resume k r)) (thunk))))))
      (let loop ((s (fiber/step f nil fuel)))
        (cond ((has-key? s :done) (get s :done))
              ((has-key? s :raised) (raise (get s :raised)))
              (else (loop (fiber/step f nil fuel))))))))
`;

const kInPortions = `
(define (run-case n thunk)
  (let ((whole (outcome thunk))
        (parts (outcome (portions thunk (+ 1 (modulo n 97))))))
    (print n whole (if (or (= whole parts) (string/contains? whole "limit of this run")) "" (str " IN PORTIONS " parts)))))
`;

const kAtOnce = `
(define (run-case n thunk) (print n (outcome thunk)))
`;

/**
 * A file of numbered programs.
 * @param {[number, string][]} programs
 * @param {{portions?: boolean}} options portions: each runs twice, see above
 */
export function programText(programs, { portions = true } = {}) {
  const cases = programs.map(([number, program]) => `(run-case ${number} (fn () ${program}))`);
  return `${kPrelude}${portions ? kInPortions : kAtOnce}\n${cases.join("\n")}\n`;
}

/** The programs with the seeds from…from+count-1. */
export function programFile(from, count, options = {}) {
  return programText(Array.from({ length: count }, (_, i) => [from + i, randomProgram(from + i, options)]), options);
}
