// four texts of four hundred thousand words, eight thousand different ones, counted and ranked
const starts = ["ka", "lo", "mi", "re", "su", "to", "va", "ne"];
const word = (n) => starts[n % 8] + (36 + Math.floor(n / 8)).toString(36);
function text(n, seed) {
  const out = new Array(n);
  for (let i = n - 1; i >= 0; i--) {
    out[i] = word(Math.floor(((seed % 8000) * (seed % 7919)) / 7919));
    seed = (seed * 16807) % 2147483647;
  }
  return out.join(" ");
}
const counts = new Map();
for (const seed of [7, 8, 9, 10])
  for (const w of text(400000, seed).split(" ")) counts.set(w, 1 + (counts.get(w) ?? 0));
const ranked = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
console.log(ranked.length);
for (const [w, n] of ranked.slice(0, 5)) console.log(`${w} ${n}`);
