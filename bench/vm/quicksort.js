// a million numbers twice in an array, in place
const n = 1000000;
const items = [];
function fill(seed) {
  for (let i = 0; i < n; i++) {
    items[i] = seed;
    seed = (seed * 16807) % 2147483647;
  }
}
function sort(a, low, high) {
  if (low >= high) return;
  const pivot = a[Math.floor((low + high) / 2)];
  let i = low;
  let j = high;
  while (i <= j) {
    while (a[i] < pivot) i++;
    while (a[j] > pivot) j--;
    if (i <= j) {
      const kept = a[i];
      a[i] = a[j];
      a[j] = kept;
      i++;
      j--;
    }
  }
  sort(a, low, j);
  sort(a, i, high);
}
for (const seed of [42, 43]) {
  fill(seed);
  sort(items, 0, n - 1);
  let sum = 0;
  for (let i = 0; i < n; i += 1000) sum = (sum * 31 + items[i]) % 1000003;
  console.log(`${items[0]} ${items[n - 1]} ${sum}`);
}
