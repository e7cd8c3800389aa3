// floats in a loop: how long 1080 × 1080 points stay near the origin
const size = 1080;
function steps(cr, ci) {
  let zr = 0.0;
  let zi = 0.0;
  for (let n = 0; ; n++) {
    const rr = zr * zr;
    const ii = zi * zi;
    if (n === 50 || rr + ii > 4.0) return n;
    zi = 2.0 * zr * zi + ci;
    zr = rr - ii + cr;
  }
}
let sum = 0;
for (let y = 0; y < size; y++) {
  for (let x = 0; x < size; x++) sum += steps((2.0 * x) / size - 1.5, (2.0 * y) / size - 1.0);
}
console.log(sum);
