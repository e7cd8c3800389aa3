-- a table of 10,000 rows as a tree of elements, then as HTML text, every cell escaped, forty times
local entities = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;"}
local void = {area = true, base = true, br = true, col = true, embed = true, hr = true, img = true,
  input = true, link = true, meta = true, source = true, track = true, wbr = true}
local gsub = string.gsub
-- attributes: a list of names and values, so that their order is kept
local function node(tag, attributes, children)
  return {tag = tag, attributes = attributes, children = children}
end
local function render(out, n, x)
  local kind = type(x)
  if kind == "table" then
    if not x.tag then
      for i = 1, #x do n = render(out, n, x[i]) end
      return n
    end
    out[n + 1] = "<"
    out[n + 2] = x.tag
    n = n + 2
    local attributes = x.attributes
    if attributes then
      for i = 1, #attributes, 2 do
        out[n + 1] = " "
        out[n + 2] = attributes[i]
        out[n + 3] = '="'
        out[n + 4] = gsub(tostring(attributes[i + 1]), "[&<>\"']", entities)
        out[n + 5] = '"'
        n = n + 5
      end
    end
    out[n + 1] = ">"
    n = n + 1
    if void[x.tag] then return n end
    n = render(out, n, x.children)
    out[n + 1] = "</"
    out[n + 2] = x.tag
    out[n + 3] = ">"
    return n + 3
  elseif kind == "string" then
    out[n + 1] = gsub(x, "[&<>]", entities)
    return n + 1
  elseif kind == "number" then
    out[n + 1] = tostring(x)
    return n + 1
  end
  return n
end
local function row(i)
  return node("tr", {"class", i % 2 == 0 and "even" or "odd", "id", "row-" .. i}, {
    node("td", nil, i),
    node("td", nil, node("a", {"href", "/item/" .. i .. "?a=1&b=2"}, "Item <" .. i .. "> & more")),
    node("td", {"title", 'say "' .. i .. '"'}, i * i),
  })
end
local function page()
  local rows = {}
  for i = 1, 10000 do rows[i] = row(i) end
  local out = {}
  render(out, 0, node("table", nil, node("tbody", nil, rows)))
  return table.concat(out)
end
local text = ""
for _ = 1, 40 do text = page() end
print(text)
