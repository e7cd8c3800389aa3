-- five megabytes of JSON made, then read ten times by a parser in Lua, which has none of its own
local find, sub, byte, char = string.find, string.sub, string.byte, string.char
local null = setmetatable({}, {__tostring = function() return "null" end})

local function utf8_of(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  return char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end
local escapes = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/"}
local function fail(at, what) error("JSON: expected " .. what .. " at " .. at, 0) end

-- at: the position after the opening quote
local function read_string(text, at)
  local stop = find(text, '["\\]', at)
  if not stop then fail(at, "the end of the string") end
  if byte(text, stop) == 34 then return sub(text, at, stop - 1), stop + 1 end
  local parts, n = {}, 0
  while true do
    n = n + 1
    parts[n] = sub(text, at, stop - 1)
    if byte(text, stop) == 34 then return table.concat(parts), stop + 1 end
    local letter = sub(text, stop + 1, stop + 1)
    n = n + 1
    if letter == "u" then
      parts[n] = utf8_of(tonumber(sub(text, stop + 2, stop + 5), 16) or fail(stop, "four hex digits"))
      at = stop + 6
    else
      parts[n] = escapes[letter] or fail(stop, "an escape")
      at = stop + 2
    end
    stop = find(text, '["\\]', at)
    if not stop then fail(at, "the end of the string") end
  end
end

local function skip(text, at) return find(text, "[^ \t\r\n]", at) or #text + 1 end

local read_value
local function read_array(text, at)
  local out, n = {}, 0
  at = skip(text, at)
  if byte(text, at) == 93 then return out, at + 1 end
  while true do
    n = n + 1
    out[n], at = read_value(text, at)
    at = skip(text, at)
    local c = byte(text, at)
    if c == 93 then return out, at + 1 end
    if c ~= 44 then fail(at, ", or ]") end
    at = skip(text, at + 1)
  end
end
local function read_object(text, at)
  local out = {}
  at = skip(text, at)
  if byte(text, at) == 125 then return out, at + 1 end
  while true do
    if byte(text, at) ~= 34 then fail(at, "a key") end
    local key
    key, at = read_string(text, at + 1)
    at = skip(text, at)
    if byte(text, at) ~= 58 then fail(at, ":") end
    out[key], at = read_value(text, skip(text, at + 1))
    at = skip(text, at)
    local c = byte(text, at)
    if c == 125 then return out, at + 1 end
    if c ~= 44 then fail(at, ", or }") end
    at = skip(text, at + 1)
  end
end
function read_value(text, at)
  local c = byte(text, at)
  if c == 34 then return read_string(text, at + 1) end
  if c == 123 then return read_object(text, at + 1) end
  if c == 91 then return read_array(text, at + 1) end
  if c == 116 and sub(text, at, at + 3) == "true" then return true, at + 4 end
  if c == 102 and sub(text, at, at + 4) == "false" then return false, at + 5 end
  if c == 110 and sub(text, at, at + 3) == "null" then return null, at + 4 end
  local first, last = find(text, "^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  return first and tonumber(sub(text, first, last)) or fail(at, "a value"), last + 1
end

local function record(i)
  return '{"id":' .. i .. ',"name":"User ' .. i .. '","email":"user' .. i .. '@example.org","active":' ..
    (i % 2 == 0 and "true" or "false") .. ',"score":' .. i % 100 .. '.25,"note":null,' ..
    '"text":"a \\"quoted\\" line\\nand caf\\u00e9","tags":["red","green","blue"],' ..
    '"place":{"x":' .. i * 3 .. ',"y":-' .. i .. "}}"
end
local records = {}
for i = 0, 26999 do records[#records + 1] = record(i) end
local source = "[" .. table.concat(records, ",\n") .. "]"
records = nil
local function total_of(all)
  local sum = 0
  for i = 1, #all do
    local r = all[i]
    sum = sum + r.id + #r.tags + r.place.x + (r.active and 1 or 0) + math.floor(4 * r.score) + #r.name
  end
  return string.format("%d", sum)
end
print(#source .. " " .. total_of((read_value(source, 1))))
for _ = 2, 10 do print(total_of((read_value(source, 1)))) end
