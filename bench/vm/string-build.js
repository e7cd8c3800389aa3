// texts of a thousand lines put together from fields and numbers, eight thousand times
const line = (i) => `${"abcdefghij".slice(0, 1 + (i % 10)).toUpperCase()},${i},${i * i},${"x".repeat(i % 7)}`;
const page = (n) => Array.from({ length: n }, (_, i) => line(i)).join("\n");
let total = 0;
for (let round = 0; round < 8000; round++) {
  const text = page(1000);
  total += text.length + text.replaceAll(",4", ";;;").length;
}
console.log(total);
// and a text that grows by a few characters a million times
let text = "";
for (let i = 0; i < 1000000; i++) text += `<${i}>`;
console.log(`${text.length} ${text.indexOf("<999999>")}`);
