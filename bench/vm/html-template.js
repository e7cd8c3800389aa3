// a table of 10,000 rows as HTML text by template strings, every cell escaped, a hundred and twenty times
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (value) => String(value).replace(/[&<>"']/g, (found) => entities[found]);
const row = (i) =>
  `<tr class="${escape(i % 2 === 0 ? "even" : "odd")}" id="${escape(`row-${i}`)}"><td>${escape(i)}</td>` +
  `<td><a href="${escape(`/item/${i}?a=1&b=2`)}">${escape(`Item <${i}> & more`)}</a></td>` +
  `<td title="${escape(`say "${i}"`)}">${escape(i * i)}</td></tr>`;
const page = () => {
  const out = [];
  for (let i = 1; i <= 10000; i++) out.push(row(i));
  return `<table><tbody>${out.join("")}</tbody></table>`;
};
let text = "";
for (let i = 0; i < 120; i++) text = page();
console.log(text);
