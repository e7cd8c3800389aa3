// three times a million integer keys put, changed and read, then two hundred thousand made strings
function integers() {
  const numbers = new Map();
  for (let i = 0; i < 1000000; i++) numbers.set(i * 7919, i);
  for (let i = 0; i < 1000000; i++) {
    const key = i * 7919;
    numbers.set(key, 1 + (numbers.get(key) ?? 0));
  }
  let sum = 0;
  for (let i = 0; i < 1000000; i++) sum += numbers.get(i * 7919) ?? 0;
  return sum;
}
function strings() {
  const words = new Map();
  for (let i = 0; i < 200000; i++) words.set(`key-${i}`, i);
  let total = 0;
  for (let i = 0; i < 200000; i++) total += words.get(`key-${i}`) ?? 0;
  return total;
}
for (let round = 0; round < 3; round++) console.log(`${integers()} ${strings()}`);
