// closures over a sequence of a million numbers, eight times
const items = Array.from({ length: 1000000 }, (_, i) => i + 1);
const round = (offset) =>
  items.map((x) => x * 2 + offset).filter((x) => x % 3 === 0).reduce((sum, x) => sum + x, 0);
let sum = 0;
for (let i = 0; i < 8; i++) sum += round(i);
console.log(sum);
