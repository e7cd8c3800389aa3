-- three times eight million requests of a coroutine, each answered by resuming it
local function ask(n)
  local sum = 0
  for i = 0, n - 1 do sum = sum + coroutine.yield(i) end
  return sum
end
local function answered(n)
  local co = coroutine.create(ask)
  local _, value = coroutine.resume(co, n)
  while coroutine.status(co) ~= "dead" do
    _, value = coroutine.resume(co, value + 1)
  end
  return value
end
print(string.format("%d", answered(8000000) + answered(8000000) + answered(8000000)))
