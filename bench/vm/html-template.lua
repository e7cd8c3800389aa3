-- a table of 10,000 rows as HTML text from pieces of strings, every cell escaped, a hundred and twenty times
local entities = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;"}
local function escape(value)
  return (string.gsub(tostring(value), "[&<>\"']", entities))
end
local function row(out, n, i)
  out[n + 1] = '<tr class="'
  out[n + 2] = escape(i % 2 == 0 and "even" or "odd")
  out[n + 3] = '" id="'
  out[n + 4] = escape("row-" .. i)
  out[n + 5] = '"><td>'
  out[n + 6] = escape(i)
  out[n + 7] = '</td><td><a href="'
  out[n + 8] = escape("/item/" .. i .. "?a=1&b=2")
  out[n + 9] = '">'
  out[n + 10] = escape("Item <" .. i .. "> & more")
  out[n + 11] = '</a></td><td title="'
  out[n + 12] = escape('say "' .. i .. '"')
  out[n + 13] = '">'
  out[n + 14] = escape(i * i)
  out[n + 15] = "</td></tr>"
  return n + 15
end
local function page()
  local out, n = {"<table><tbody>"}, 1
  for i = 1, 10000 do n = row(out, n, i) end
  out[n + 1] = "</tbody></table>"
  return table.concat(out)
end
local text = ""
for _ = 1, 120 do text = page() end
print(text)
