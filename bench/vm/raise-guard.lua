-- pcall entered seven million times, left by error from five calls down every second time
local function down(depth, i)
  if depth == 0 then
    if i % 2 == 0 then error(i, 0) end
    return i
  end
  return 0 + down(depth - 1, i)
end
local function attempt(i)
  local ok, value = pcall(down, 5, i)
  if ok then return value end
  return value + 1
end
local sum = 0
for i = 0, 6999999 do sum = sum + attempt(i) end
print(string.format("%d", sum))
