// try entered seven million times, left by throw from five calls down every second time
function down(depth, i) {
  if (depth === 0) {
    if (i % 2 === 0) throw i;
    return i;
  }
  return 0 + down(depth - 1, i);
}
function attempt(i) {
  try {
    return down(5, i);
  } catch (e) {
    return e + 1;
  }
}
let sum = 0;
for (let i = 0; i < 7000000; i++) sum += attempt(i);
console.log(sum);
