-- thirty thousand generators, each yielding five hundred times from two hundred calls down
local yield = coroutine.yield
local function yield_from(depth, first, count)
  if depth == 0 then
    for i = 0, count - 1 do yield(first + i) end
  else
    yield_from(depth - 1, first, count)
    return nil
  end
end
local function consume(first)
  local total = 0
  for value in coroutine.wrap(function() yield_from(200, first, 500) end) do total = total + value end
  return total
end
local sum = 0
for i = 0, 29999 do sum = sum + consume(i) end
print(string.format("%d", sum))
