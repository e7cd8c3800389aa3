// Templates of the DOM adapter (markup.js): the parts that the kernel tells become nodes once, with the way to each hole.

import { parse } from "./dom.js";

export const kText = 1, kSpread = 5, kRawText = 6;  // of TemplateOp
const kTake = 0, kDown = 1, kRight = 2, kUp = 3;  // steps of a walk
export const kNamespaces = { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" };

/** What is cloned: one element, or a fragment. By hole: its kind, the attribute's name, and at which of the nodes that
 *  the walk takes it is. Styles and texts of elements that the parser takes for text are put in afterwards; events are
 *  the holes that may hold handlers, with node and type.
 *  @typedef {{content: DocumentFragment, root: Node, single: boolean, kinds: number[], names: string[], places: number[],
 *    walk: number[], styles: [number, string][], texts: [number, (string | number)[]][], events: [number, number, string][]}} Template */

/** @param {Node} parent @returns {"" | "svg" | "math"} the language of children */
export function foreign(parent) {
  const { namespaceURI, localName } = /** @type {any} */ (parent.nodeType === 11 ? /** @type {any} */ (parent).home : parent);
  if (namespaceURI === kNamespaces.svg && localName !== "foreignObject") return "svg";
  return namespaceURI === kNamespaces.math ? "math" : "";
}

/** @param {any[]} parts @param {"" | "svg" | "math"} ns @returns {Template} */
export function makeTemplate(parts, ns) {
  const kinds = /** @type {number[]} */ ([]), names = /** @type {string[]} */ ([]);
  let html = "";
  for (let i = 0; i < parts.length; i += 2) {
    const op = parts[i];
    if (op === 0) html += parts[i + 1];
    else {
      html += op === kText || op === kRawText ? `<!--sx:${kinds.length}-->` : ` sx:${kinds.length}=""`;
      kinds.push(op);
      names.push(parts[i + 1]);
    }
  }
  let content = parse(ns ? `<${ns}>${html}</${ns}>` : html);
  if (ns) {
    const inner = document.createDocumentFragment();
    inner.append(.../** @type {Element} */ (content.firstChild).childNodes);
    content = inner;
  }
  if (!content.firstChild) content.append("");
  // Where each hole stands: the numbers of the nodes in document order are turned into steps of a walk.
  /** @type {Map<Node, number[]>} */
  const at = new Map();
  /** @type {[Node, string][]} */
  const styled = [];
  /** @type {[Element, (string | number)[]][]} */
  const plain = [];
  const walker = document.createTreeWalker(content);
  const note = (/** @type {Node} */ node, /** @type {number} */ hole) => at.set(node, [...(at.get(node) ?? []), hole]);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === 8 && /^sx:\d+$/.test(node.nodeValue ?? "")) {
      const text = document.createTextNode("");
      node.parentNode?.replaceChild(text, node);
      walker.currentNode = text;
      note(text, Number(node.nodeValue?.slice(3)));
    } else if (node.nodeType === 1) {
      const element = /** @type {Element} */ (node);
      for (const { name } of [...element.attributes])
        if (name.startsWith("sx:")) {
          element.removeAttribute(name);
          note(element, Number(name.slice(3)));
        } else if (name === "style") {
          styled.push([element, element.getAttribute("style") ?? ""]);
          element.removeAttribute("style");  // set through CSSOM: the page's policy forbids it as an attribute
        }
      // Elements whose content is text to the parser.
      if (/^(textarea|title|xmp)$/.test(element.localName) && /<!--sx:\d+-->/.test(element.textContent ?? "")) {
        plain.push([element, (element.textContent ?? "").split(/<!--sx:(\d+)-->/).map((part, i) => (i % 2 ? Number(part) : part))]);
        element.textContent = "";
      }
    }
  }
  const walk = [], order = new Map();
  const single = content.childNodes.length === 1 && content.firstChild?.nodeType === 1;
  const root = single ? /** @type {Node} */ (content.firstChild) : content;
  const wanted = [...new Set([...at.keys(), ...styled.map(([node]) => node), ...plain.map(([node]) => node)])]
    .sort((a, b) => (a.compareDocumentPosition(b) & 4 ? -1 : 1));
  /** @type {Node[]} */
  let path = [];
  for (const node of wanted) {
    const chain = [];
    for (let n = node; n !== root; n = /** @type {Node} */ (n.parentNode)) chain.unshift(n);
    let shared = 0;
    while (shared < chain.length && path[shared] === chain[shared]) shared++;
    /** @type {Node | null | undefined} */
    let from;
    if (path.length > shared) {
      for (let depth = path.length - shared - 1; depth > 0; depth--) walk.push(kUp);
      from = path[shared];
    }
    for (let depth = shared; depth < chain.length; depth++) {
      if (!from) {
        walk.push(kDown);
        from = chain[depth].parentNode?.firstChild;
      }
      for (; from !== chain[depth]; from = from?.nextSibling) walk.push(kRight);
      from = null;
    }
    path = chain;
    walk.push(kTake);
    order.set(node, order.size);
  }
  const slotOf = (/** @type {Node} */ node) => order.get(node);
  const places = kinds.map(() => -1);
  for (const [node, holes] of at) for (const hole of holes) places[hole] = slotOf(node);
  const texts = plain.map(([node, pieces]) => {
    for (const piece of pieces) if (typeof piece === "number") { places[piece] = slotOf(node); kinds[piece] = kRawText; }
    return /** @type {[number, any[]]} */ ([slotOf(node), pieces]);
  });
  /** @type {[number, number, string][]} */
  const events = [];
  names.forEach((name, hole) => {
    if (kinds[hole] !== kText && kinds[hole] !== kRawText && kinds[hole] !== kSpread && name.startsWith("on-")) events.push([hole, places[hole], name.slice(3)]);
  });
  return { content, root, single, kinds, names, walk, places, texts, events, styles: styled.map(([node, text]) => [slotOf(node), text]) };
}

/** The nodes of a fresh clone, or of an adopted tree, in the order of the walk. @param {any} template @param {Node} root */
export function targets(template, root) {
  /** @type {any[]} */
  const found = [];
  /** @type {any} */
  let node = root;
  for (const step of template.walk) {
    if (step === kTake) found.push(node);
    else if (step === kDown) node = node.firstChild;
    else if (step === kRight) node = node.nextSibling;
    else node = node.parentNode;
  }
  return found;
}
