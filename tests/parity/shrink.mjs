// Makes a program smaller that shows a difference: subforms are replaced by something simpler as
// long as the difference stays.

/** Text → tree: arrays for bracketed forms (with their brackets), strings for the rest. */
export function parse(text) {
  const tokens = text.match(/"(?:\\.|[^"\\])*"|#\\.|#\{|#u8|,@|[()[\]{}'`,]|[^\s()[\]{}'`,"]+/g) ?? [];
  let at = 0;
  const form = () => {
    const token = tokens[at++];
    if (token === "'" || token === "`" || token === "," || token === ",@") return { open: token, items: [form()], close: "" };
    const close = { "(": ")", "[": "]", "{": "}", "#{": "}" }[token];
    if (!close) return token;
    const items = [];
    while (at < tokens.length && tokens[at] !== close) items.push(form());
    at++;
    return { open: token, items, close };
  };
  return form();
}

export function print(tree) {
  return typeof tree === "string" ? tree : tree.open + tree.items.map(print).join(" ") + tree.close;
}

/** Simpler forms that may stand in place of one. */
function* simpler(tree) {
  if (typeof tree === "string") {
    if (/^-?[0-9.e+]{2,}$/.test(tree)) yield "1";
    return;
  }
  for (const atom of ["1", "nil", "()"]) yield atom;
  for (const item of tree.items) if (typeof item !== "string") yield item;
  for (let i = 1; i < tree.items.length; i++) yield { ...tree, items: tree.items.filter((_, j) => j !== i) };
}

/**
 * The smallest program found that still `shows` it.
 * @param {string} program
 * @param {(program: string) => Promise<boolean>} shows
 * @param {number} trials
 */
export async function shrink(program, shows, trials) {
  let best = parse(program);
  if (!(await shows(print(best)))) return program;
  const replaceAt = (tree, path, made) => {
    if (path.length === 0) return made;
    const [head, ...rest] = path;
    return { ...tree, items: tree.items.map((item, i) => (i === head ? replaceAt(item, rest, made) : item)) };
  };
  const paths = (tree, path = []) =>
    typeof tree === "string" ? [path] : [path, ...tree.items.flatMap((item, i) => paths(item, [...path, i]))];
  const formAt = (tree, path) => path.reduce((at, i) => at.items[i], tree);
  for (let smaller = true; smaller && trials > 0; ) {
    smaller = false;
    // The outermost forms first: what goes with them need not be looked at.
    search: for (const path of paths(best).sort((a, b) => a.length - b.length)) {
      const here = formAt(best, path);
      for (const made of simpler(here)) {
        if (print(made).length >= print(here).length) continue;
        if (trials-- <= 0) break search;
        const candidate = replaceAt(best, path, made);
        if (await shows(print(candidate))) {
          best = candidate;
          smaller = true;
          break search;
        }
      }
    }
  }
  return print(best);
}
