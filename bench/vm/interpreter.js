// an evaluator of a small Lisp, written in JavaScript, computes (fib 27): lists are pairs, symbols strings
function lookup(name, env) {
  for (; env; env = env.rest) if (env.first.name === name) return env.first.value;
  throw new Error(`unbound: ${name}`);
}
function bind(names, values, env) {
  return names
    ? { first: { name: names.first, value: values.first }, rest: bind(names.rest, values.rest, env) }
    : env;
}
function evaluate(e, env) {
  if (typeof e === "string") return lookup(e, env);
  if (typeof e !== "object") return e;
  switch (e.first) {
    case "quote": return e.rest.first;
    case "if": {
      const branches = e.rest.rest;
      return evaluate(evaluate(e.rest.first, env) ? branches.first : branches.rest.first, env);
    }
    case "lambda": return { names: e.rest.first, body: e.rest.rest.first, env };
    default: return call(evaluate(e.first, env), evaluateAll(e.rest, env));
  }
}
function evaluateAll(es, env) {
  return es ? { first: evaluate(es.first, env), rest: evaluateAll(es.rest, env) } : null;
}
function call(f, args) {
  return typeof f === "function" ? f(args) : evaluate(f.body, bind(f.names, args, f.env));
}
const list = (...items) => items.reduceRight((rest, first) => ({ first, rest }), null);
const globals = list(
  { name: "+", value: (args) => args.first + args.rest.first },
  { name: "-", value: (args) => args.first - args.rest.first },
  { name: "<", value: (args) => args.first < args.rest.first });
const program = list(
  list("lambda", list("fib"), list("fib", "fib", 27)),
  list("lambda", list("self", "n"),
    list("if", list("<", "n", 2), "n",
      list("+", list("self", "self", list("-", "n", 1)), list("self", "self", list("-", "n", 2))))));
console.log(evaluate(program, globals));
