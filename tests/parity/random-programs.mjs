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
        return `(let loop ((${i} 0) (${acc} ${n()})) (if (< ${i} ${1 + this.below(4)}) (loop (+ ${i} 1) ${body}) ${acc}))`;
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
(define log (array/new))
(define saved (cell nil))
(define p (make-parameter 1000))
(define (note x) (array/push! log x) x)
(define (forever) (let loop () (loop)))
(define (what e) (if (error? e) (list (error-kind e) (error-message e)) e))
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
    (write-string (list value (array->list log)))))
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
 * A file of programs with the seeds from…from+count-1.
 * @param {{portions?: boolean, exactFuel?: boolean}} options portions: each runs twice, see above
 */
export function programFile(from, count, { portions = true, ...options } = {}) {
  const cases = [];
  for (let seed = from; seed < from + count; seed++) cases.push(`(run-case ${seed} (fn () ${randomProgram(seed, options)}))`);
  return `${kPrelude}${portions ? kInPortions : kAtOnce}\n${cases.join("\n")}\n`;
}
