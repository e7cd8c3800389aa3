// how many ways twelve queens stand on a board, counted twice, with linked lists
function safe(row, distance, placed) {
  for (; placed; distance++, placed = placed.rest) {
    if (placed.first === row + distance || placed.first === row - distance) return false;
  }
  return true;
}
function down(n) {
  let out = null;
  for (let i = 1; i <= n; i++) out = { first: i, rest: out };
  return out;
}
function prepend(reversed, l) {
  for (; reversed; reversed = reversed.rest) l = { first: reversed.first, rest: l };
  return l;
}
// x: rows still to try here, y: rows tried and kept for the next columns
function attempt(x, y, z) {
  if (!x) return y ? 0 : 1;
  const here = safe(x.first, 1, z) ? attempt(prepend(y, x.rest), null, { first: x.first, rest: z }) : 0;
  return here + attempt(x.rest, { first: x.first, rest: y }, z);
}
console.log(attempt(down(12), null, null) + attempt(down(12), null, null));
