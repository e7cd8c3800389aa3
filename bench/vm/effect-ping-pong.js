// three times eight million requests to a driver that answers each by resuming the generator
function* ask(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += yield i;
  return sum;
}
function answered(n) {
  const asker = ask(n);
  let step = asker.next();
  while (!step.done) step = asker.next(step.value + 1);
  return step.value;
}
console.log(answered(8000000) + answered(8000000) + answered(8000000));
