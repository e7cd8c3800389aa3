// thirty thousand generators, each yielding five hundred times from two hundred calls down
function* yieldFrom(depth, first, count) {
  if (depth === 0) {
    for (let i = 0; i < count; i++) yield first + i;
  } else {
    yield* yieldFrom(depth - 1, first, count);
  }
}
function consume(first) {
  let total = 0;
  for (const value of yieldFrom(200, first, 500)) total += value;
  return total;
}
let sum = 0;
for (let i = 0; i < 30000; i++) sum += consume(i);
console.log(sum);
