// sixteen million requests to a driver that answers each by resuming the generator
function* ask(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += yield i;
  return sum;
}
const asker = ask(16000000);
let step = asker.next();
while (!step.done) step = asker.next(step.value + 1);
console.log(step.value);
