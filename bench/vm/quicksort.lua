-- a million numbers twice in an array, in place
local n = 1000000
local items = {}
local function fill(seed)
  for i = 1, n do
    items[i] = seed
    seed = (seed * 16807) % 2147483647
  end
end
local function sort(a, low, high)
  if low < high then
    local pivot = a[math.floor((low + high - 2) / 2) + 1]
    local i, j = low, high
    while i <= j do
      while a[i] < pivot do i = i + 1 end
      while a[j] > pivot do j = j - 1 end
      if i <= j then
        a[i], a[j] = a[j], a[i]
        i, j = i + 1, j - 1
      end
    end
    sort(a, low, j)
    sort(a, i, high)
  end
end
for seed = 42, 43 do
  fill(seed)
  sort(items, 1, n)
  local sum = 0
  for i = 1, n, 1000 do sum = (sum * 31 + items[i]) % 1000003 end
  print(string.format("%d %d %d", items[1], items[n], sum))
end
