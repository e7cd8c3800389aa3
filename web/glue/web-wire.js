// Answers in the wire form as ports: read here, and made into nodes by cloning the templates that the page has and
// filling their holes. What web/sx/wire.sx decides is when it is asked for, and what is done when it is no good.

import { made, parse } from "./dom.js";
import { portError } from "./kernel.js";
import { facts, lost, note, open, transportPorts } from "./transport.js";
import { Aside, attributeValue, htmlOf, kAttribute, kForbidden, kStatic, kStyle, kText, kUrl, looks, namedAttributes, readDefinitions, readWire, tagOf, templateOf } from "./wire.js";

/** @typedef {import("./wire.js").Template} Template */
/** @typedef {any} Any */

/** @type {Map<string, Template>} by hash */
const known = new Map();
/** Where the texts of shown pages are while the document is away. */
const kStored = "sx:pages";
const kKept = ["content-type", "sx-templates", "sx-parts"];
const kStoredMax = 500_000, kStoredAgeMs = 30 * 60_000;

// --- nodes ------------------------------------------------------------------------------------------------------------

// Elements to which a parser does more than to others: what has them is parsed.
const kParsed = /<(style|script|template|textarea|pre|listing|svg|math|noscript|xmp|iframe|noembed|noframes|plaintext|select|frameset)\b|\sstyle=/i;
// Elements that would load something, or run, before they are in the page with their own values.
const kLoads = /<(img|picture|source|video|audio|track|input|object|embed|link|image|iframe|[a-z]+-)/i;
const kDown = 0, kRight = 1, kUp = 2;
const isMark = (/** @type {Any} */ node) => node?.nodeType === 8 && /^sx:\d+$/.test(node.data);
const kInTables = /^(table|tbody|thead|tfoot|tr|colgroup)$/;

/** A template as nodes to clone, with the way to each hole; null where it has to be parsed each time. @param {Template} template */
function nodesOf(template) {
  if (template.dom !== undefined) return template.dom;
  template.dom = null;
  const { parts } = template;
  let html = "";
  for (let i = 0; i < parts.length; i += 3) {
    const [op, text] = [parts[i], parts[i + 1]];
    if (op === kStatic) html += text;
    else if (op === kText) html += `<!--sx:${i}-->`;
    else if (op === kAttribute || op === kUrl) {
      // What changes how a parser takes the element.
      if (!/^[a-z][a-z\d-]*$/.test(text) || /^(type|is|encoding)$/.test(text)) return null;
      html += ` ${text}="sx:${i}"`;  // attributes keep their order
    } else if (op !== kStyle && op !== kForbidden) return null;
  }
  if (kParsed.test(html)) return null;
  const content = parse(html), single = content.childNodes.length === 1 && content.firstChild?.nodeType === 1;
  const from = /** @type {Any} */ (single ? content.firstChild : content);
  /** @type {Any[]} what to fill, each with its node */
  const holes = [];
  // Holes without a node of their own are nil or the template is parsed.
  const seen = new Set(parts.filter((_, i) => i % 3 === 0).flatMap((op, i) => (op === kStyle || op === kForbidden ? [i * 3] : [])));
  for (const i of seen) holes.push({ node: from, op: parts[i], name: parts[i + 1], hole: parts[i + 2] });
  const walker = document.createTreeWalker(content);
  for (let node = /** @type {Any} */ (walker.nextNode()); node; node = walker.nextNode()) {
    if (node.nodeType === 1) {
      for (const { name, value } of node.attributes) {
        const i = Number(/^sx:(\d+)$/.exec(value)?.[1] ?? -1);
        if (parts[i + 1] !== name || seen.has(i)) continue;
        seen.add(i);
        holes.push({ node, op: parts[i], name, hole: parts[i + 2] });
      }
    } else if (node.parentNode.localName === "title") {
      // Only text can stand there, so the marks are text.
      const pieces = node.data.split(/<!--sx:(\d+)-->/).map((/** @type {string} */ piece, /** @type {number} */ i) => {
        if (i % 2 === 0) return piece;
        seen.add(Number(piece));
        return parts[Number(piece) + 2];
      });
      if (pieces.length > 1) holes.push({ node: node.parentNode, alone: true, plain: true, pieces, op: kText });
    } else if (isMark(node) || isMark(node.nextSibling)) {
      // A run of text and holes is one text node, where all of them are texts.
      const pieces = [];
      const text = content.ownerDocument.createTextNode("");
      node.before(text);
      for (let each = node; each && (each.nodeType === 3 || isMark(each)); each = text.nextSibling) {
        if (each.nodeType === 3) pieces.push(each.data);
        else {
          const i = Number(each.data.slice(3));
          seen.add(i);
          pieces.push(parts[i + 2]);
        }
        each.remove();
      }
      walker.currentNode = text;
      const parent = /** @type {Any} */ (text.parentNode), alone = parent !== content && parent.childNodes.length === 1;
      holes.push({ node: alone ? parent : text, alone, pieces, op: kText, inTable: kInTables.test(parent.localName), top: parent === content });
      if (alone) {
        walker.currentNode = parent;
        text.remove();
      }
    }
  }
  if (seen.size !== parts.length / 3 - parts.filter((op, i) => i % 3 === 0 && op === kStatic).length) return null;
  // The way from one to the next, in document order.
  let at = from;
  const order = new Map(holes.map(({ node }) => [node, 0]));
  const all = document.createTreeWalker(from);
  for (let node = /** @type {Any} */ (from), n = 0; node; node = all.nextNode()) if (order.has(node)) order.set(node, n++);
  holes.sort((one, other) => Number(order.get(one.node)) - Number(order.get(other.node)));
  for (const hole of holes) {
    hole.way = [];
    while (at !== hole.node) {
      let right = at.nextSibling;
      while (right && !right.contains(hole.node)) right = right.nextSibling;
      const step = at.contains(hole.node) ? kDown : right ? kRight : kUp;
      hole.way.push(step);
      at = step === kDown ? at.firstChild : step === kRight ? at.nextSibling : at.parentNode;
    }
    delete hole.node;
  }
  return (template.dom = { from, holes, here: !kLoads.test(html) });
}

// Whether cloning gives what parsing gives depends on what stands in what, not on the values: a <p> in a <p>, a row in a
// table without a body. So each way from the root, of templates in holes of templates, is compared once with what the
// parser makes of it, and from then on cloned, or never.
class Site {
  /** @type {boolean | undefined} */
  good = undefined;
  /** @type {Map<string, Site>} */
  inside = new Map();
  /** @param {string} what @returns {Site} */
  to(what) {
    let found = this.inside.get(what);
    if (!found) this.inside.set(what, (found = new Site()));
    return found;
  }
}
const root = new Site();

/** The nodes of what was read, and the sites that were not compared yet. @param {Any} wire @param {Template[]} templates
 *  @param {DocumentFragment} into */
function cloned(wire, templates, into) {
  const { ownerDocument } = into;
  /** @type {Site[]} */
  const fresh = [];
  const visit = (/** @type {Site} */ site) => {
    if (site.good === false) throw new Aside("a place that is parsed");
    if (!site.good) fresh.push(site);
  };
  let mixed = false;
  /** Texts and holes that stand beside each other: all that an element holds, or in the place of a text node. */
  const run = (/** @type {Any} */ node, /** @type {Any} */ { pieces, alone, plain }, /** @type {any[]} */ given, /** @type {Site} */ site, /** @type {boolean} */ inTable, /** @type {number} */ depth) => {
    const parent = alone ? node : node.parentNode, before = alone ? null : node;
    let text = "", only = true;
    for (const piece of pieces) {
      const value = typeof piece === "string" ? piece : given[piece];
      if (typeof value === "string") text += value;
      else if (value !== null && typeof value === "object") {
        if (plain) throw new Aside("elements where only text can stand");
        if (text) put(text, parent, before, site, inTable, depth);
        text = "";
        only = false;
        put(value, parent, before, site.to(String(piece)), inTable, depth + 1);
      }
    }
    if (inTable && text.trim()) throw new Aside("text between cells");
    if (alone && !only) put(text || null, parent, before, site, inTable, depth);
    else if (alone) node.textContent = text;
    else if (text) node.data = text;
    else node.remove();
  };
  const put = (/** @type {Any} */ value, /** @type {Any} */ parent, /** @type {Node | null} */ before, /** @type {Site} */ site, /** @type {boolean} */ inTable, /** @type {number} */ depth) => {
    if (typeof value === "string") {
      if (inTable && value.trim()) throw new Aside("text between cells");
      parent.insertBefore(ownerDocument.createTextNode(value), before);
      mixed = true;
    } else if (value === null || typeof value === "boolean") return;
    else if (depth > 200) throw new Aside("its depth");
    else if (Array.isArray(value)) for (const each of value) put(each, parent, before, site, inTable, depth + 1);
    else if (value.h) {
      const template = templateOf(value, templates), dom = nodesOf(template);
      if (!dom) throw new Aside("a template that is parsed");
      const here = site.to(wire.hashes[value.t]);
      visit(here);
      const copy = ownerDocument.importNode(dom.from, true), { holes } = dom, nodes = [];
      let at = copy;
      for (const { way } of holes) {
        for (const step of way) at = step === kDown ? at.firstChild : step === kRight ? at.nextSibling : at.parentNode;
        nodes.push(at);
      }
      for (let i = 0; i < holes.length; i++) {
        const { op, name, hole } = holes[i], node = nodes[i];
        if (op === kText) run(node, holes[i], value.h, here, holes[i].inTable || (holes[i].top && inTable), depth);
        else {
          const text = attributeValue(op, name, value.h[hole]);
          if (op === kStyle || op === kForbidden) {
            if (text !== null) throw new Aside(name);
          } else if (text === null) node.removeAttribute(name);
          else node.setAttribute(name, text === true ? "" : text);
        }
      }
      if (copy.nodeType === 11) mixed = true;
      parent.insertBefore(copy, before);
    } else if (value.e) {
      const tag = tagOf(value.e), here = site.to(`<${tag}`), element = ownerDocument.createElement(tag);
      visit(here);
      for (const [name, text] of namedAttributes(value.e.slice(2), "")) element.setAttribute(name, text === true ? "" : text);
      put(value.e[1], element, null, here, false, depth + 1);
      parent.insertBefore(element, before);
    } else throw new Aside("what is parsed");
  };
  put(wire.value, into, null, root, false, 0);
  if (mixed) into.normalize();  // as a parser leaves texts
  return fresh;
}

/** @param {Any} wire @param {Template[]} templates @param {() => string} html */
function built(wire, templates, html) {
  if (wire.odd || wire.raw.length || wire.calls.length) return parse(html());
  let fresh;
  // In the page's own document nodes need not be adopted.
  const here = templates.every((template) => nodesOf(template)?.here);
  const content = here ? document.createDocumentFragment() : parse("");
  try {
    fresh = cloned(wire, templates, content);
  } catch (error) {
    if (error instanceof Aside) return parse(html());
    throw error;
  }
  if (!fresh.length) return content;
  const parsed = parse(html()), good = content.isEqualNode(parsed);
  for (const site of fresh) site.good = good;
  return parsed;
}

// --- answers ------------------------------------------------------------------------------------------------------------

/** @param {Any} exchange */
const isWire = ({ head }) => /^text\/sx\b/i.test(head?.headers["content-type"] ?? "") && new URL(head.url).origin === location.origin;

/** What an answer says: facts as of HTML, or what is to be done first. @param {number} id */
function look(id) {
  const { wire: text, head } = /** @type {Any} */ (open.get(id));
  const more = { path: head.headers["sx-templates"] ?? null, url: head.url };
  try {
    const wire = readWire(text);
    const unknown = wire.hashes.filter((hash) => !known.has(hash));
    if (unknown.length) return { ...more, unknown };
    // The calls as a document of their own, whose value they are.
    const quoted = (/** @type {string[]} */ list) => `[${list.map((each) => JSON.stringify(each)).join(" ")}]`;
    if (wire.calls.length) return { ...more, calls: `(sx 2 ${quoted(wire.hashes)} ${quoted(wire.components)} [${wire.calls.join(" ")}])` };
    return ready(id, wire, []);
  } catch (error) {
    if (error instanceof Aside) return { ...more, aside: true };
    throw error;
  }
}

/** Makes the nodes of an answer, and notes how to make them again. @param {number} id @param {Any} wire @param {string[]} computed what its calls gave */
function ready(id, wire, computed) {
  const templates = wire.hashes.map((/** @type {string} */ hash) => /** @type {Template} */ (known.get(hash)));
  const html = () => htmlOf(wire, templates, computed);
  const seen = [...templates, ...[...wire.raw, ...computed].map(looks)];
  let content = /** @type {DocumentFragment | null} */ (built(wire, templates, html));
  const { wire: text, head, asked, data, abort } = /** @type {Any} */ (open.get(id));
  open.set(id, /** @type {Any} */ ({ wire: text, head, asked, data, abort, get text() { return html(); } }));
  made.set(id, () => {
    const taken = content ?? built(wire, templates, html);
    content = null;
    return taken;
  });
  return { size: text.length, wire: true, document: false, form: seen.some(({ form }) => form), pieces: seen.some(({ pieces }) => pieces) };
}

/** @type {Map<string, Promise<void>>} bundles of components, by address */
const parts = new Map();
/** @param {string} url @param {Any} kernel */
function loadParts(url, kernel) {
  const load = async () => {
    const address = new URL(url, document.baseURI);
    if (address.origin !== location.origin) throw new Error("it is not of this site");
    const response = await fetch(address);
    if (!response.ok) throw new Error(`status ${response.status}`);
    kernel.run("sx_add_bundle", new Uint8Array(await response.arrayBuffer()));
    for (const module of decodeURIComponent(address.hash.slice(1)).split(",")) await kernel.load("sx_require", module);
  };
  let loading = parts.get(url);
  if (!loading) parts.set(url, (loading = load().catch((error) => console.warn(`SX: ${url}: ${error.message}`))));
  return loading;
}

// --- while the document is away ---------------------------------------------------------------------------------------------

/** @returns {Any} */
function stored() {
  try {
    const { at, pages } = JSON.parse(sessionStorage.getItem(kStored) ?? "");
    return Date.now() - at < kStoredAgeMs ? pages : {};
  } catch {
    return {};
  }
}

/** @param {import("./kernel.js").Call} call @param {Any} api @param {Any} kernel @returns {import("./kernel.js").Ports} */
export const ports = (call, api, kernel) => ({
  "fetch/send"(request) {
    const sent = transportPorts["fetch/send"](request);
    if (request.wire) note(request.id, /** @type {Any} */ ({ asked: request }));
    return sent;
  },
  "fetch/forget"(id) {
    made.delete(id);
    open.delete(id);
  },
  "wire/open"(id) {
    const exchange = /** @type {Any} */ (open.get(id));
    if (exchange?.wire !== undefined) return look(id);
    if (!exchange?.response || !isWire(exchange)) return transportPorts["fetch/text"](id);
    return exchange.response.text().then((/** @type {string} */ wire) => {
      note(id, /** @type {Any} */ ({ wire, response: undefined }));
      return look(id);
    }, lost);
  },
  "wire/body"(id) {
    const response = open.get(id)?.response;
    if (!response) throw portError("no-answer", `no answer to request ${id} is at hand`);
    return response.text().catch(lost);
  },
  "wire/text": (id) => /** @type {Any} */ (open.get(id)).wire,
  "wire/fill": (id, computed) => ready(id, readWire(/** @type {Any} */ (open.get(id)).wire), computed),
  "wire/hold"(id, html) {
    made.set(id, () => parse(html));
    return facts(note(id, { text: html }), html);
  },
  // The request that an answer in the wire form came for, which is given up.
  "wire/asked"(id) {
    const { asked, data } = /** @type {Any} */ (open.get(id));
    made.delete(id);
    open.set(id, { data });
    return asked ?? null;
  },
  // Components whose calls may come from then on; without them they come as what they give.
  "wire/parts": (/** @type {string} */ url) => void (globalThis.requestIdleCallback ?? setTimeout)(() => loadParts(url, kernel), /** @type {any} */ ({ timeout: 2000 })),
  "wire/learn"(text) {
    for (const [hash, template] of readDefinitions(text)) known.set(hash, template);
  },
  // Pages that are for everybody stay for the next document of this tab, the newest ones.
  "wire/keep"(pages) {
    const now = pages.reverse().flatMap((/** @type {[string, number]} */ [page, id]) => {
      const { wire, head } = /** @type {Any} */ (open.get(id) ?? {});
      if (wire === undefined || /private|no-store/.test(head.headers["cache-control"] ?? "")) return [];
      const kept = Object.fromEntries(kKept.map((name) => [name, head.headers[name]]));
      return [[page, { wire, url: head.url, headers: kept }]];
    });
    let size = 0;
    const kept = [...now, ...Object.entries(stored())].filter(([, { wire }]) => (size += wire.length) < kStoredMax);
    try {
      sessionStorage.setItem(kStored, JSON.stringify({ at: Date.now(), pages: Object.fromEntries(kept.reverse()) }));
    } catch {}
  },
  "wire/kept"(page, id) {
    const found = stored()[page];
    if (!found) return false;
    open.set(id, /** @type {Any} */ ({ wire: found.wire, head: { url: found.url, status: 200, headers: found.headers } }));
    const url = found.headers["sx-parts"];
    if (url) return loadParts(url, kernel).then(() => true);
    return true;
  },
});
