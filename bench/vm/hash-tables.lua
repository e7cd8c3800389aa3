-- one table with integer keys, one with made strings: put, update, get
local numbers = {}
for i = 0, 8999999 do
  local key = (i * 7919) % 50021
  numbers[key] = 1 + (numbers[key] or 0)
end
local words = {}
for i = 0, 599999 do words["key-" .. i] = i end
local total = 0
for i = 0, 599999 do total = total + (words["key-" .. i] or 0) end
local sum = 0
for i = 0, 50020 do sum = sum + (numbers[i] or 0) end
print(sum)
print(string.format("%d", total))
