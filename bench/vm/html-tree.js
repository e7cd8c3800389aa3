// a table of 10,000 rows as a tree of elements, then as HTML text, every cell escaped, forty times
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (value, which) => String(value).replace(which, (found) => entities[found]);
const kVoid = new Set("area base br col embed hr img input link meta source track wbr".split(" "));
const node = (tag, attributes, children) => ({ tag, attributes, children });
function render(out, x) {
  if (Array.isArray(x)) {
    for (const child of x) render(out, child);
  } else if (typeof x === "string") {
    out.push(escape(x, /[&<>]/g));
  } else if (typeof x === "number") {
    out.push(String(x));
  } else if (x) {
    out.push("<", x.tag);
    for (const name in x.attributes) out.push(" ", name, '="', escape(x.attributes[name], /[&<>"']/g), '"');
    out.push(">");
    if (kVoid.has(x.tag)) return;
    render(out, x.children);
    out.push("</", x.tag, ">");
  }
}
const row = (i) =>
  node("tr", { class: i % 2 === 0 ? "even" : "odd", id: `row-${i}` }, [
    node("td", null, i),
    node("td", null, node("a", { href: `/item/${i}?a=1&b=2` }, `Item <${i}> & more`)),
    node("td", { title: `say "${i}"` }, i * i),
  ]);
const page = () => {
  const rows = [];
  for (let i = 1; i <= 10000; i++) rows.push(row(i));
  const out = [];
  render(out, node("table", null, node("tbody", null, rows)));
  return out.join("");
};
let text = "";
for (let i = 0; i < 40; i++) text = page();
console.log(text);
