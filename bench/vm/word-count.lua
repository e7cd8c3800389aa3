-- four texts of four hundred thousand words, eight thousand different ones, counted and ranked
local starts = {"ka", "lo", "mi", "re", "su", "to", "va", "ne"}
local digits = "0123456789abcdefghijklmnopqrstuvwxyz"
local floor, sub = math.floor, string.sub
local function base36(n)
  local out = ""
  repeat
    local d = n % 36
    out = sub(digits, d + 1, d + 1) .. out
    n = floor(n / 36)
  until n == 0
  return out
end
local function word(n) return starts[n % 8 + 1] .. base36(36 + floor(n / 8)) end
local function text(n, seed)
  local out = {}
  for i = n, 1, -1 do
    out[i] = word(floor((seed % 8000) * (seed % 7919) / 7919))
    seed = (seed * 16807) % 2147483647
  end
  return table.concat(out, " ")
end
local counts = {}
for seed = 7, 10 do
  for w in string.gmatch(text(400000, seed), "[^ ]+") do counts[w] = 1 + (counts[w] or 0) end
end
local ranked = {}
for w, n in pairs(counts) do ranked[#ranked + 1] = {w, n} end
table.sort(ranked, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] < b[1]) end)
print(#ranked)
for i = 1, 5 do print(ranked[i][1] .. " " .. ranked[i][2]) end
