// five megabytes of JSON made, then read ten times
const record = (i) =>
  `{"id":${i},"name":"User ${i}","email":"user${i}@example.org","active":${i % 2 === 0},"score":${i % 100}.25,"note":null,` +
  `"text":"a \\"quoted\\" line\\nand caf\\u00e9","tags":["red","green","blue"],"place":{"x":${i * 3},"y":-${i}}}`;
const source = `[${Array.from({ length: 27000 }, (_, i) => record(i)).join(",\n")}]`;
function totalOf(records) {
  let sum = 0;
  for (const r of records) {
    sum += r.id + r.tags.length + r.place.x + (r.active ? 1 : 0) + Math.floor(4 * r.score) + r.name.length;
  }
  return sum;
}
console.log(`${source.length} ${totalOf(JSON.parse(source))}`);
for (let i = 1; i < 10; i++) console.log(totalOf(JSON.parse(source)));
