-- an evaluator of a small Lisp, written in Lua, computes (fib 27): lists are pairs, symbols strings
local function lookup(name, env)
  while env do
    if env[1][1] == name then return env[1][2] end
    env = env[2]
  end
  error("unbound: " .. name)
end
local function bind(names, values, env)
  if not names then return env end
  return {{names[1], values[1]}, bind(names[2], values[2], env)}
end
local evaluate, evaluate_all
local function call(f, args)
  if type(f) == "function" then return f(args) end
  return evaluate(f.body, bind(f.names, args, f.env))
end
function evaluate(e, env)
  local kind = type(e)
  if kind == "string" then return lookup(e, env) end
  if kind ~= "table" then return e end
  local head = e[1]
  if head == "quote" then return e[2][1] end
  if head == "if" then
    local branches = e[2][2]
    if evaluate(e[2][1], env) then return evaluate(branches[1], env) end
    return evaluate(branches[2][1], env)
  end
  if head == "lambda" then return {names = e[2][1], body = e[2][2][1], env = env} end
  return call(evaluate(head, env), evaluate_all(e[2], env))
end
function evaluate_all(es, env)
  if not es then return nil end
  return {evaluate(es[1], env), evaluate_all(es[2], env)}
end
local function list(...)
  local out = nil
  for i = select("#", ...), 1, -1 do out = {(select(i, ...)), out} end
  return out
end
local globals = list(
  {"+", function(args) return args[1] + args[2][1] end},
  {"-", function(args) return args[1] - args[2][1] end},
  {"<", function(args) return args[1] < args[2][1] end})
local program = list(
  list("lambda", list("fib"), list("fib", "fib", 27)),
  list("lambda", list("self", "n"),
    list("if", list("<", "n", 2), "n",
      list("+", list("self", "self", list("-", "n", 1)), list("self", "self", list("-", "n", 2))))))
print(evaluate(program, globals))
