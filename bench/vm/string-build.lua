-- texts of a thousand lines put together from fields and numbers, eight thousand times
local function line(i)
  return string.upper(string.sub("abcdefghij", 1, 1 + i % 10)) .. "," .. i .. "," .. i * i .. "," .. string.rep("x", i % 7)
end
local function page(n)
  local lines = {}
  for i = 0, n - 1 do lines[#lines + 1] = line(i) end
  return table.concat(lines, "\n")
end
local total = 0
for _ = 1, 8000 do
  local text = page(1000)
  total = total + #text + #string.gsub(text, ",4", ";;;")
end
print(total)
-- and a text that grows by a few characters a million times
local parts = {}
for i = 0, 999999 do
  parts[#parts + 1] = "<"
  parts[#parts + 1] = i
  parts[#parts + 1] = ">"
end
local text = table.concat(parts)
print(#text .. " " .. string.find(text, "<999999>", 1, true) - 1)
