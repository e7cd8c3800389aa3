// Hostile strings in every context of markup, natively and in the kernel: whatever a visitor wrote, the HTML that a
// browser's parser makes of it has the elements and attributes that the page meant, and no more, no handlers, no
// address that runs, and shows the text itself. Over the wire and in pieces the bytes are the same (the program checks).
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "parse5";
import { Report } from "../tools/report.mjs";
import { payloads } from "./hostile-payloads.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const report = new Report();

/** A string as an SX literal. @param {string} text */
const literal = (text) => `"${[...text].map((c) => /[ -!#-[\]-~]/.test(c) ? c : `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`).join("")}"`;

// --- what each context means ---------------------------------------------------------------------

/** How the parser shows text: line ends are \n; NUL goes in body text, elsewhere it becomes U+FFFD. */
const lines = (/** @type {string} */ x) => x.replace(/\r\n?/g, "\n");
const shown = (/** @type {string} */ x) => lines(x).replaceAll("\0", "");
const replaced = (/** @type {string} */ x) => lines(x).replaceAll("\0", "\ufffd");

/** The element names in document order within body (or of the whole page), "name[attributes]", are one of these.
 *  text: [path of the element by number in that order, its text]; refused: the context may refuse the string.
 *  @typedef {{ elements: string[], text?: (x: string) => [number, string][], json?: (x: string) => [number, any][], value?: (x: string) => [number, string, string][], refused?: boolean | "always", page?: boolean }} Meaning */
const end = "i";
/** @type {Record<string, Meaning>} */
const meanings = {
  "text": { elements: ["div", "p", end], text: (x) => [[1, shown(x)]] },
  "text in a list": { elements: ["ul", "li", "li"], text: (x) => [[1, shown(x)], [2, shown(`a${x}b`)]] },
  "text in a table": { elements: ["table", "tbody", "tr", "td", "th"], text: (x) => [[3, shown(x)], [4, shown(x)]] },
  "text in select": { elements: ["select", "option"], text: (x) => [[1, shown(x)]] },
  "text in pre": { elements: ["div", "pre", end], text: (x) => [[1, shown(x)]] },
  "text in textarea": { elements: ["div", "textarea", end], text: (x) => [[1, replaced(x)]] },
  "text in title": { elements: ["html", "head", "title", "body", end], text: (x) => [[2, replaced(x)]], page: true },
  "text in svg": { elements: ["div", "svg", "text", "desc", "title", end], text: (x) => [[2, replaced(x)], [3, shown(x)], [4, shown(x)]] },
  "text in math": { elements: ["div", "math", "mtext", end], text: (x) => [[2, shown(x)]] },
  "text in noscript": { elements: ["div", "noscript", end] },
  "text in a computed element": { elements: ["div", "em", end], text: (x) => [[1, shown(x)]] },
  "text between raw pieces": { elements: ["div", "b", "u", end], text: (x) => [[0, shown(`a${x}bend`)]] },
  "a comment": { elements: ["div", end], text: () => [[0, "end"]] },
  "attributes": { elements: ["div", "input[data-x placeholder title value]", end], value: (x) => ["title", "value", "data-x", "placeholder"].map((name) => [1, name, replaced(x)]) },
  "words of a class": { elements: ["div", "p[class]", end], value: (x) => [[1, "class", replaced(`a ${x}`)]] },
  "attributes of a computed element": { elements: ["div", "p[href title]|p[href style title]", end], value: (x) => [[1, "title", replaced(x)]] },
  "addresses": { elements: ["div", "a[href]", "img[src]", "form[action]", "button[formaction]", "video[poster]", "blockquote[cite]", "object[data]", end] },
  "address lists": { elements: ["div", "img[srcset]", "a[ping]", end] },
  "a list after a good address": { elements: ["div", "img[srcset]", end] },
  "addresses in svg": { elements: ["div", "svg", "a[xlink:href]", "text", "use[href]", "image[href]", "animate[by from to values]", end] },
  "an iframe's address": { elements: ["div", "iframe[src]", "embed[src]", end] },
  "a refresh": { elements: ["html", "head", "meta[content http-equiv]", "body", end], page: true },
  "addresses of requests": { elements: ["div", "p[sx-get sx-post]", end] },
  "a style": { elements: ["div", "p|p[style]", end] },
  "a style after a good one": { elements: ["div", "p[style]", end] },
  "a style's value": { elements: ["div", "p|p[style]", end] },
  "a style's name": { elements: ["div", "p|p[style]", end] },
  "a style element": { elements: [], refused: "always" },
  "a raw style element": { elements: ["div", "style", end], refused: true, text: (x) => [[1, replaced(x)]] },
  "a script": { elements: [], refused: "always" },
  "a raw script": { elements: ["div", "script[type]", end], refused: true, text: (x) => [[1, replaced(x)]] },
  "two raw pieces in a script": { elements: ["div", "script[type]", end], refused: true, text: (x) => [[1, replaced(x)]] },
  "data in a script": { elements: ["div", "script[type]", end], refused: true, text: (x) => [[1, replaced(JSON.stringify({ v: x }))]] },
  "JSON in a script": { elements: ["div", "script[type]", end], json: (x) => [[1, { v: x, list: [x], [x]: 1 }]] },
  "JSON in a style and a text": { elements: ["div", "p", "style", end], json: (x) => [[1, x], [2, x]] },
  "a spread value": { elements: ["div", "p[href src title]|p[href src style title]", end], value: (x) => [[1, "title", replaced(x)]] },
  "a spread name": { elements: ["div", "p|p[*]", end], refused: true },
  "a spread name that is a keyword": { elements: ["div", "p|p[*]", end], refused: true },
  "an attribute name of a computed element": { elements: ["div", "p|p[*]", end], refused: true },
  "a tag": { elements: ["div", "*", end], refused: true },
  "a tag that is a keyword": { elements: ["div", "*", end], refused: true },
  "arguments of a component": { elements: ["div", "section[title]", "a[href]", "div", end], text: (x) => [[2, shown(x)], [3, shown(x)]], value: (x) => [[1, "title", replaced(x)]] },
};
const kAddresses = new Set(["href", "src", "action", "formaction", "poster", "cite", "data", "xlink:href", "sx-get", "sx-post"]);
const kAddressLists = new Set(["srcset", "ping", "by", "from", "to", "values", "content"]);
const kSafe = /^(https?|mailto|tel|sms|ftp|about):$/;
const kForbiddenTags = new Set(["script", "style", "iframe", "object", "embed", "base", "meta", "frame", "frameset", "plaintext", "xmp", "noscript", "template", "portal"]);

// --- what the parser made of it -------------------------------------------------------------------

/** @param {any} node @param {any[]} [found] */
function elementsOf(node, found = []) {
  if (node.tagName) found.push(node);
  for (const child of node.content?.childNodes ?? node.childNodes ?? []) elementsOf(child, found);
  return found;
}
/** @param {any} node @returns {string} */
const textOf = (node) => node.nodeName === "#text" ? node.value : (node.childNodes ?? []).map(textOf).join("");
const attributeName = (/** @type {any} */ a) => (a.prefix ? `${a.prefix}:${a.name}` : a.name);

/** Would a browser run or read something foreign at this address? @param {string} address */
function runs(address) {
  try {
    const { protocol } = new URL(address, "https://page.example/");
    return !kSafe.test(protocol) && !/^data:image\/(png|jpeg|gif|webp|avif)[,;]/i.test(address);
  } catch {
    return false;
  }
}

/** The first thing that is wrong, or "". @param {Meaning} meaning @param {string} html @param {string} x @param {boolean} scripting */
function wrong(meaning, html, x, scripting) {
  const tree = parse(html, { scriptingEnabled: scripting });
  let all = elementsOf(tree);
  if (!meaning.page) all = all.slice(all.findIndex((e) => e.tagName === "body") + 1);
  const found = all.map((e) => {
    const names = e.attrs.map(attributeName).sort();
    return names.length > 0 ? `${e.tagName}[${names.join(" ")}]` : e.tagName;
  });
  const fits = (/** @type {string} */ name, /** @type {number} */ at) =>
    meaning.elements[at]?.split("|").some((wanted) => wanted === name || wanted === "*" && /^[a-z][\w:.-]*$/i.test(name) || wanted.endsWith("[*]") && name.startsWith(wanted.slice(0, -2)) && all[at].attrs.length === 1);
  if (found.length !== meaning.elements.length || !found.every(fits)) return `the elements are ${found.join(", ")}, expected ${meaning.elements.join(", ")}`;
  for (const [at, e] of all.entries()) {
    if (meaning.elements[at] === "*" && kForbiddenTags.has(e.tagName.replace(/^.*:/, "").toLowerCase())) return `an element ${e.tagName}`;
    for (const a of e.attrs) {
      const name = attributeName(a).toLowerCase();
      if (name.startsWith("on") || name.startsWith("sx-on") || name === "srcdoc") return `a handler: ${name}="${a.value}"`;
      if (kAddresses.has(name) && runs(a.value)) return `an address that runs: ${name}="${a.value}"`;
      if (kAddressLists.has(name))
        for (const part of a.value.split(/[\s,;]+/)) if (runs(part.replace(/^url=/i, "").replace(/^["'=]+/, ""))) return `an address that runs: ${name}="${a.value}"`;
      if (name === "style" && /url\(|expression|import|behavior|binding|image-set|src\(|element\(|attr\(|[<>{}\\]/i.test(a.value)) return `a style: ${a.value}`;
    }
  }
  for (const [at, text] of meaning.text?.(x) ?? []) {
    if (textOf(all[at]) !== text) return `the text of element ${at} is ${JSON.stringify(textOf(all[at]))}, expected ${JSON.stringify(text)}`;
  }
  for (const [at, value] of meaning.json?.(x) ?? []) {
    const text = textOf(all[at]);
    if (/[<>&\u2028\u2029]/.test(text)) return `JSON with a character that means something: ${text}`;
    try {
      if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(value)) return `the data of element ${at} are ${text}`;
    } catch (error) {
      return `no JSON in element ${at}: ${error}`;
    }
  }
  for (const [at, name, value] of meaning.value?.(x) ?? []) {
    const is = all[at].attrs.find((/** @type {any} */ a) => a.name === name)?.value;
    if (is !== value) return `${name} is ${JSON.stringify(is)}, expected ${JSON.stringify(value)}`;
  }
  return "";
}

// --- does this test see what it looks for? ---------------------------------------------------------

for (const [name, context, html] of [
  ["a new element", "text", "<div><p><script>1</script></p><i>end</i></div>"],
  ["a closed element", "text", "<div><p></p></div><i>end</i>"],
  ["text that is lost", "text", "<div><p></p><i>end</i></div>"],
  ["a handler", "attributes", "<div><input title=x value=x data-x=x placeholder=x onfocus=x><i>end</i></div>"],
  ["another value", "attributes", "<div><input title=y value=x data-x=x placeholder=x><i>end</i></div>"],
  ["an address that runs", "addresses of requests", "<div><p sx-get='java\nscript:x' sx-post='/'></p><i>end</i></div>"],
  ["an address that runs in a list", "address lists", "<div><img srcset='/a, javascript:x 2x'><a ping=/>t</a><i>end</i></div>"],
  ["a style that loads", "a style", "<div><p style='background:url(x)'></p><i>end</i></div>"],
  ["other data", "JSON in a style and a text", '<div><p>"x"</p><style>"y"</style><i>end</i></div>'],
  ["JSON that is not escaped", "JSON in a style and a text", '<div><p>"x"</p><style>"x>"</style><i>end</i></div>'],
  ["an element that runs", "a tag", "<div><object>t</object><i>end</i></div>"],
]) report.check(wrong(meanings[context], html, "x", true) !== "", `the test sees ${name}`);

// --- the run ---------------------------------------------------------------------------------------

const folder = mkdtempSync(join(tmpdir(), "sx-hostile-"));
const program = join(folder, "hostile.sx");
writeFileSync(program, `(define payloads (list\n${payloads.map(literal).join("\n")}))\n${readFileSync(join(project, "tests/parity/programs/hostile.sx"), "utf8")}`);
const run = (/** @type {string} */ command) => spawnSync(join(project, command), ["run", program], { cwd: project, encoding: "utf8", timeout: 120_000, maxBuffer: 1 << 28 });

const native = run("build/native/sx");
report.check(native.status === 0, "the program runs natively", native.stderr);
const kernel = run("scripts/sx-wasm");
report.check(kernel.status === 0, "the program runs in the kernel", kernel.stderr);
report.check(native.stdout === kernel.stdout, "native and kernel print the same bytes", "the outputs differ");
report.check(payloads.length >= 200, "there are at least 200 hostile strings");

/** @type {Map<string, { cases: number, refused: number, failures: string[] }>} */
const results = new Map(Object.keys(meanings).map((name) => [name, { cases: 0, refused: 0, failures: [] }]));
for (const line of native.stdout.split("\n").filter(Boolean)) {
  const [name, at, html, error] = JSON.parse(line);
  const meaning = meanings[name];
  const result = results.get(name);
  if (!meaning || !result) {
    report.fail(`the context ${name} has a meaning here`);
    continue;
  }
  const x = payloads[at];
  result.cases++;
  if (html === null) {
    result.refused++;
    if (!meaning.refused) result.failures.push(`${JSON.stringify(x)}: refused: ${error}`);
    continue;
  }
  if (meaning.refused === "always") result.failures.push(`${JSON.stringify(x)}: not refused`);
  for (const scripting of [true, false]) {
    const what = wrong(meaning, html, x, scripting);
    if (what) result.failures.push(`${JSON.stringify(x)}: ${what} in ${html.slice(0, 300)}`);
  }
}
for (const [name, { cases, refused, failures }] of results)
  report.check(cases === payloads.length && failures.length === 0, `${name}: ${cases} strings, ${refused} refused`, failures.slice(0, 10).join("\n"));
rmSync(folder, { recursive: true, force: true });
report.finish();
