-- the derivative of a formula held as tables and strings, 1,200,000 times
local deriv
local function each(f, list, out)
  for i = 2, #list do out[i] = f(list[i]) end
  return out
end
local function quotient(b) return {"/", deriv(b), b} end
function deriv(a)
  if type(a) ~= "table" then return a == "x" and 1 or 0 end
  local op = a[1]
  if op == "+" then return each(deriv, a, {"+"}) end
  if op == "-" then return each(deriv, a, {"-"}) end
  if op == "*" then return {"*", a, each(quotient, a, {"+"})} end
  error("no derivative")
end
local function show(a)
  if type(a) ~= "table" then return tostring(a) end
  local parts = {}
  for i = 1, #a do parts[i] = show(a[i]) end
  return "(" .. table.concat(parts, " ") .. ")"
end
local formula = {"+", {"*", 3, "x", "x"}, {"*", "a", "x", "x"}, {"*", "b", "x"}, 5}
local d
for _ = 1, 1200000 do d = deriv(formula) end
print(show(d))
