// the derivative of a formula held as arrays and strings, 1,200,000 times
const each = (f, list, op) => {
  const out = [op];
  for (let i = 1; i < list.length; i++) out.push(f(list[i]));
  return out;
};
const quotient = (b) => ["/", deriv(b), b];
function deriv(a) {
  if (!Array.isArray(a)) return a === "x" ? 1 : 0;
  switch (a[0]) {
    case "+": return each(deriv, a, "+");
    case "-": return each(deriv, a, "-");
    case "*": return ["*", a, each(quotient, a, "+")];
    default: throw new Error("no derivative");
  }
}
const show = (a) => (Array.isArray(a) ? `(${a.map(show).join(" ")})` : String(a));
const formula = ["+", ["*", 3, "x", "x"], ["*", "a", "x", "x"], ["*", "b", "x"], 5];
let d;
for (let i = 1; i < 1200000; i++) d = deriv(formula);
console.log(show(d));
