// deep calls with three arguments, the last one a tail call
function tak(x, y, z) {
  return y < x ? tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y)) : z;
}
let sum = 0;
for (let i = 0; i < 160; i++) sum += tak(20, 14, 7 - (i < 80 ? 0 : 1));
console.log(sum);
