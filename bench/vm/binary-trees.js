// many short-lived pairs beside some that live long
function make(depth) {
  return depth === 0 ? { left: null, right: null } : { left: make(depth - 1), right: make(depth - 1) };
}
function check(tree) {
  return tree.left === null ? 1 : 1 + check(tree.left) + check(tree.right);
}
const longLived = make(16);
function many(n, depth) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += check(make(depth));
  return sum;
}
console.log(many(18432, 6));
console.log(many(4608, 10));
console.log(many(288, 14));
console.log(check(longLived));
