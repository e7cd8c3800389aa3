-- closures over a sequence of a million numbers, eight times
local function map(f, items)
  local out = {}
  for i = 1, #items do out[i] = f(items[i]) end
  return out
end
local function filter(f, items)
  local out, n = {}, 0
  for i = 1, #items do
    local x = items[i]
    if f(x) then n = n + 1; out[n] = x end
  end
  return out
end
local function reduce(f, init, items)
  local acc = init
  for i = 1, #items do acc = f(acc, items[i]) end
  return acc
end
local items = {}
for i = 1, 1000000 do items[i] = i end
local function round(offset)
  return reduce(function(sum, x) return sum + x end, 0,
    filter(function(x) return x % 3 == 0 end,
      map(function(x) return x * 2 + offset end, items)))
end
local sum = 0
for i = 0, 7 do sum = sum + round(i) end
print(string.format("%d", sum))
