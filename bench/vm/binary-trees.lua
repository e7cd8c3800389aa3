-- many short-lived pairs beside some that live long
local function make(depth)
  if depth == 0 then return {nil, nil} end
  return {make(depth - 1), make(depth - 1)}
end
local function check(tree)
  if tree[1] == nil then return 1 end
  return 1 + check(tree[1]) + check(tree[2])
end
local long_lived = make(16)
local function many(n, depth)
  local sum = 0
  for _ = 1, n do sum = sum + check(make(depth)) end
  return sum
end
print(many(18432, 6))
print(many(4608, 10))
print(many(288, 14))
print(check(long_lived))
