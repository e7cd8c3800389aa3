-- how many ways twelve queens stand on a board, counted twice, with linked lists
local function safe(row, distance, placed)
  while placed do
    local other = placed[1]
    if other == row + distance or other == row - distance then return false end
    distance, placed = distance + 1, placed[2]
  end
  return true
end
local function down(n)
  local out = nil
  for i = 1, n do out = {i, out} end
  return out
end
local function prepend(reversed, l)
  while reversed do
    l, reversed = {reversed[1], l}, reversed[2]
  end
  return l
end
-- x: rows still to try here, y: rows tried and kept for the next columns
local function try(x, y, z)
  if not x then return y and 0 or 1 end
  local here = 0
  if safe(x[1], 1, z) then here = try(prepend(y, x[2]), nil, {x[1], z}) end
  return here + try(x[2], {x[1], y}, z)
end
print(try(down(12), nil, nil) + try(down(12), nil, nil))
