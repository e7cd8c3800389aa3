// Wire text (engine/render/wire.h) in the page: read into values, and written as the HTML that the server would have
// written. What needs the evaluator or its rules for odd values (calls of components, styles, addresses of unusual
// schemes, definitions, anything malformed) is left to lib/core/wire.sx and the kernel: `Aside` says so. Nothing in
// it is ever evaluated. Why it is here, and how it was measured: docs/decisions/wire-in-pages.md

/** Raised for what is not done here. */
export class Aside extends Error {}

/** @typedef {{holes: number, parts: any[], form: boolean, pieces: boolean, dom?: any}} Template parts: [op, text, hole]… */
/** @typedef {null | boolean | string | any[] | {t: number, h: any[]} | {r: string} | {e: any[]} | {d: any[]} | {c: number}} Value
 *  a text or number, children, instance of a template, raw markup, computed element, dict, call of a component */
/** @typedef {{hashes: string[], components: string[], value: Value, calls: string[], raw: string[], odd: boolean}} Wire
 *  calls: the outermost ones, as text; odd: with characters that a parser would change */

// TemplateOp of engine/bytecode/unit.h, by the names that definitions have.
export const kStatic = 0, kText = 1, kAttribute = 2, kUrl = 3, kStyle = 4, kSpread = 5, kForbidden = 8;
const kOps = ["static", "text", "attribute", "url", "style", "spread", "raw-text", "url-list", "forbidden"];
const kDepthMax = 400;

const kInteger = /^(0|-?[1-9]\d*)$/;
// Of these the canonical text is the one that came; the rest of the numbers is left to the kernel.
const kDecimal = /^-?(0|[1-9]\d{0,9})\.(0|\d{0,2}[1-9])$/;
const kEscape = /\\(?:([ntr0"\\])|x([\da-f]{1,7});|u\{([\da-f]{1,7})\}|)/gi;
/** @type {Record<string, string>} */
const kNamed = { n: "\n", t: "\t", r: "\r", 0: "\0", "\"": "\"", "\\": "\\" };

/** @param {string} text */
const unescaped = (text) => text.replace(kEscape, (_, name, hex, braced) => {
  if (name) return kNamed[name];
  const code = parseInt(hex ?? braced, 16);
  if (!(code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) throw new Aside("an escape");
  return String.fromCodePoint(code);
});

/** The place of the quotation mark that ends the string. @param {string} text @param {number} from behind the first one */
function endOfString(text, from) {
  for (let at = text.indexOf("\"", from); at >= 0; at = text.indexOf("\"", at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === 92 && at - 1 - slashes >= from) slashes++;
    if (slashes % 2 === 0) return at;
  }
  throw new Aside("a string without an end");
}

/** The forms of a text: `made(head, values, from)` makes the value of one that begins at from; head is "[", "{" or what
 *  stands behind "(". Inside a call of a component nothing is made.
 *  @param {string} text @param {(head: string, values: any[], from: number) => any} made @param {string[]} calls */
function forms(text, made, calls) {
  const escapes = text.includes("\\");
  /** @type {[string, any[], number][]} */
  const around = [];
  let head = "", values = /** @type {any[]} */ ([]), from = 0, call = 0;
  for (let at = 0; at < text.length;) {
    const c = text.charCodeAt(at);
    if (c === 32 || c === 10 || c === 9 || c === 13) at++;
    else if (c === 34) {
      const end = escapes ? endOfString(text, at + 1) : text.indexOf("\"", at + 1);
      if (end < 0) throw new Aside("a string without an end");
      const piece = text.slice(at + 1, end);
      if (!call) values.push(escapes && piece.includes("\\") ? unescaped(piece) : piece);
      at = end + 1;
    } else if (c === 40 || c === 91 || c === 123) {
      around.push([head, values, from]);
      from = at++;
      head = text[from];
      values = [];
      if (c === 40) {
        const start = at;
        while (at < text.length && " \n\t\r()[]{}\"".indexOf(text[at]) < 0) at++;
        head = text.slice(start, at);
        if (call || head === "call") call++;
      } else if (call) call++;
    } else if (c === 41 || c === 93 || c === 125) {
      at++;
      if ((head === "[" ? 93 : head === "{" ? 125 : 41) !== c || !around.length) throw new Aside("brackets");
      let value;
      if (!call) value = made(head, values, from);
      else if (--call === 0) {
        value = { c: calls.length };
        calls.push(text.slice(from, at));
      }
      [head, values, from] = /** @type {[string, any[], number]} */ (around.pop());
      if (!call) values.push(value);
    } else {
      const start = at;
      while (at < text.length && " \n\t\r()[]{}\"".indexOf(text[at]) < 0) at++;
      if (call) continue;
      const token = text.slice(start, at);
      if (token === "nil") values.push(null);
      else if (token === "true") values.push(true);
      else if (token === "false") values.push(false);
      else if (kInteger.test(token) || kDecimal.test(token)) values.push(token);
      else throw new Aside(`'${token}'`);
    }
  }
  if (around.length || values.length !== 1) throw new Aside("one document");
  return values[0];
}

const allHashes = (/** @type {any} */ list) => Array.isArray(list) && list.every((one) => /^[\da-f]{32}$/.test(one));
const allStrings = (/** @type {any} */ list) => Array.isArray(list) && list.every((one) => typeof one === "string");

/** @param {string} text @returns {Wire} */
export function readWire(text) {
  /** @type {string[]} */
  const calls = [], raw = /** @type {string[]} */ ([]);
  const made = (/** @type {string} */ head, /** @type {any[]} */ values, /** @type {number} */ from) => {
    if (head === "[") return values;
    if (head === "{") {
      if (values.length % 2 || !values.every((name, at) => at % 2 || typeof name === "string")) throw new Aside("a dict");
      return { d: values };
    }
    if (kInteger.test(head)) return { t: Number(head), h: values };
    if (head === "el") return { e: values };
    if (head === "raw" && values.length === 1 && typeof values[0] === "string" && text.startsWith("(raw \"", from)) {
      raw.push(values[0]);
      return { r: values[0] };
    }
    if (head === "sx") return { sx: values };
    throw new Aside(`'(${head}'`);
  };
  const { sx } = forms(text, made, calls) ?? {};
  const version = sx?.[0], components = version === "2" ? sx[2] : [];
  if (!sx || !(version === "2" || (version === "1" && !calls.length)) || sx.length !== Number(version) + 2 || !allHashes(sx[1]) || !allHashes(components))
    throw new Aside("another document");
  return { hashes: sx[1], components, value: sx[sx.length - 1], calls, raw, odd: /\\[xur0]|[\0\r]/.test(text) };
}

/** The definitions in a text that the kernel has accepted, by hash. @param {string} text @returns {Map<string, Template>} */
export function readDefinitions(text) {
  const made = (/** @type {string} */ head, /** @type {any[]} */ values) => (head === "[" ? values : { head, values });
  /** @type {Map<string, Template>} */
  const found = new Map();
  for (const { head, values } of forms(text, made, []).values[1]) {
    if (head !== "template") continue;
    const [hash, holes, ...parts] = values;
    const flat = parts.flatMap((/** @type {any} */ part) => (typeof part === "string" ? [kStatic, part, 0] : [kOps.indexOf(part.head), part.values[1] ?? "", Number(part.values[0])]));
    const statics = parts.map((/** @type {any} */ part) => (typeof part === "string" ? part : ` ${part.values[1] ?? ""} `)).join("");
    found.set(hash, { holes: Number(holes), parts: flat, ...looks(statics) });
  }
  return found;
}

/** Whether HTML has what the engine wants to know of (facts of transport.js). @param {string} html */
export const looks = (html) => ({ form: /<form\b/i.test(html), pieces: /[\s"'](data-)?[sh]x-(swap-oob|preserve)\b|<[sh]x-partial\b/i.test(html) });

// --- values of holes ------------------------------------------------------------------------------------------------

/** An address that the rules of engine/render/attributes.cpp let through for certain. @param {string} url */
const urlAllowed = (url) => /^(?:[/?#]|(?:https?|mailto|tel|sms|ftp):)/i.test(url) || (url.length < 4000 && !url.includes(":"));
// Names without a meaning of their own, for attributes whose name is a value.
const kPlain = /^(aria-[a-z]+|class|id|datetime|lang|dir|title|role|alt|width|height|rel|href|src)$/;
// Elements without rules of their own, for computed ones.
const kTags = /^(h[1-6]|div|span|p|a|time|title|section|article|header|footer|main|nav|aside|[uo]l|li|d[ltd]|strong|em|[bius]|small|code|kbd|samp|mark|label|button|figure|figcaption|blockquote|q|cite|abbr|sub|sup)$/;

/** What an attribute holds: null for none, true without a value. @param {number} op @param {string} name @param {any} value @returns {null | true | string} */
export function attributeValue(op, name, value) {
  if (op === kForbidden && !name.startsWith("on-")) throw new Aside(name);
  if (value === null || value === false) return null;
  if (op === kForbidden) throw new Aside(name);
  if (value === true) return true;
  if (op === kStyle || (op !== kAttribute && op !== kUrl)) throw new Aside(name);
  if (Array.isArray(value)) {
    const words = value.filter((word) => word !== null && typeof word !== "boolean");
    if (!allStrings(words)) throw new Aside(name);
    // An empty word at the beginning takes no space.
    value = words.reduce((text, word) => (text ? `${text} ${word}` : word), "");
  }
  if (typeof value !== "string" || (op === kUrl && !urlAllowed(value))) throw new Aside(name);
  return value;
}

/** [name, value]… of a dict or of a computed element. @param {any[]} pairs @param {string} written names that the element has @returns {[string, true | string][]} */
export function namedAttributes(pairs, written) {
  const fixed = written.toLowerCase().split(" ");
  /** @type {[string, true | string][]} */
  const found = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at];
    if (typeof name !== "string" || !kPlain.test(name) || found.some(([other]) => other === name)) throw new Aside("a name");
    if (fixed.includes(name)) continue;
    const value = attributeValue(name === "href" || name === "src" ? kUrl : kAttribute, name, pairs[at + 1]);
    if (value !== null) found.push([name, value]);
  }
  return found;
}

/** The tag of a computed element. @param {any[]} element [tag, children, name, value…] @returns {string} */
export function tagOf(element) {
  const tag = element[0];
  if (element.length < 2 || element.length % 2 || typeof tag !== "string" || !kTags.test(tag)) throw new Aside("an element");
  return tag;
}

/** The template of an instance. @param {any} value @param {Template[]} templates @returns {Template} */
export function templateOf(value, templates) {
  const template = templates[value.t];
  if (!template || value.h.length !== template.holes) throw new Aside("an instance");
  return template;
}

// --- as HTML ----------------------------------------------------------------------------------------------------------

/** @type {Record<string, string>} */
const kReferences = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;" };
const reference = (/** @type {string} */ c) => kReferences[c];
const shown = (/** @type {string} */ text) => (/[&<>]/.test(text) ? text.replace(/[&<>]/g, reference) : text);
const quoted = (/** @type {string} */ text) => (/[&<>"']/.test(text) ? text.replace(/[&<>"']/g, reference) : text);
const pair = (/** @type {string} */ name, /** @type {null | true | string} */ value) => (value === null ? "" : value === true ? ` ${name}` : ` ${name}="${quoted(value)}"`);

/** The HTML of what was read. @param {Wire} wire @param {Template[]} templates its templates @param {string[]} computed what its calls gave */
export function htmlOf(wire, templates, computed) {
  let out = "";
  const write = (/** @type {any} */ value, /** @type {number} */ depth) => {
    if (typeof value === "string") out += shown(value);
    else if (value === null || typeof value === "boolean") return;
    else if (depth > kDepthMax) throw new Aside("its depth");
    else if (Array.isArray(value)) for (const each of value) write(each, depth + 1);
    else if (value.h) {
      const { parts } = templateOf(value, templates), holes = value.h;
      for (let i = 0; i < parts.length; i += 3) {
        const op = parts[i], text = parts[i + 1];
        if (op === kStatic) out += text;
        else if (op === kText) write(holes[parts[i + 2]], depth + 1);
        else if (op === kSpread) out += spread(holes[parts[i + 2]], text);
        else out += pair(text, attributeValue(op, text, holes[parts[i + 2]]));
      }
    } else if (value.r !== undefined) out += value.r;
    else if (value.c !== undefined) out += computed[value.c];
    else if (value.e) {
      const tag = tagOf(value.e);
      out += `<${tag}${namedAttributes(value.e.slice(2), "").map(([name, each]) => pair(name, each)).join("")}>`;
      write(value.e[1], depth + 1);
      out += `</${tag}>`;
    } else throw new Aside("a dict as a child");
  };
  write(wire.value, 0);
  return out;
}

/** @param {any} value @param {string} written */
function spread(value, written) {
  if (value === null || value === false) return "";
  if (!value.d) throw new Aside("a spread");
  return namedAttributes(value.d, written).map(([name, each]) => pair(name, each)).join("");
}
