-- deep calls with three arguments, the last one a tail call
local function tak(x, y, z)
  if y < x then
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))
  end
  return z
end
local sum = 0
for i = 0, 159 do sum = sum + tak(20, 14, 7 - (i < 80 and 0 or 1)) end
print(sum)
