-- three times a million integer keys put, changed and read, then two hundred thousand made strings
local function integers()
  local numbers = {}
  for i = 0, 999999 do numbers[i * 7919] = i end
  for i = 0, 999999 do
    local key = i * 7919
    numbers[key] = 1 + (numbers[key] or 0)
  end
  local sum = 0
  for i = 0, 999999 do sum = sum + (numbers[i * 7919] or 0) end
  return sum
end
local function strings()
  local words = {}
  for i = 0, 199999 do words["key-" .. i] = i end
  local total = 0
  for i = 0, 199999 do total = total + (words["key-" .. i] or 0) end
  return total
end
for _ = 1, 3 do print(string.format("%d %d", integers(), strings())) end
