-- floats in a loop: how long 1080 × 1080 points stay near the origin
local size = 1080
local function steps(cr, ci)
  local zr, zi, n = 0.0, 0.0, 0
  while true do
    local rr, ii = zr * zr, zi * zi
    if n == 50 or rr + ii > 4.0 then return n end
    zr, zi, n = rr - ii + cr, 2.0 * zr * zi + ci, n + 1
  end
end
local sum = 0
for y = 0, size - 1 do
  for x = 0, size - 1 do
    sum = sum + steps(2.0 * x / size - 1.5, 2.0 * y / size - 1.0)
  end
end
print(sum)
