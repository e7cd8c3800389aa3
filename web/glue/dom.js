// The page as ports: nodes by number, single changes, fragments parsed without running anything.

import { PortError } from "./kernel.js";

/** @typedef {Element & {value?: string, disabled?: boolean}} AnyElement */

// A handle is slot * 4096 + generation, so that the number of a freed node never means another one.
const kGenerations = 4096;
/** @type {({node: Element | null, generation: number})[]} */
const slots = [];
/** @type {number[]} */
const free = [];
/** @type {WeakMap<Element, number>} */
const handles = new WeakMap();

/** @param {Element | null | undefined} node @returns {number | null} */
export function handleOf(node) {
  if (!node) return null;
  let handle = handles.get(node);
  if (handle === undefined) {
    const at = free.pop() ?? slots.push({ node: null, generation: 1 }) - 1;
    slots[at].node = node;
    handle = at * kGenerations + slots[at].generation;
    handles.set(node, handle);
  }
  return handle;
}

/** @param {number} handle @returns {AnyElement} */
export function nodeOf(handle) {
  const slot = slots[Math.floor(handle / kGenerations)];
  if (!slot?.node || slot.generation !== handle % kGenerations)
    throw new PortError("stale-node", `The node ${handle} has left the page`);
  return slot.node;
}

/** Frees the handles of nodes that left the document. */
function sweep() {
  const gone = [];
  for (const [at, slot] of slots.entries()) {
    if (!slot.node || slot.node.isConnected) continue;
    gone.push(at * kGenerations + slot.generation);
    handles.delete(slot.node);
    slot.node = null;
    slot.generation = (slot.generation % (kGenerations - 1)) + 1;
    free.push(at);
  }
  return gone;
}

const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("sx", { createHTML: (/** @type {string} */ text) => text });
/** @type {Set<string>} style texts that were adopted */
const adopted = new Set();

/** HTML as nodes. Scripts in it never run; its styles are adopted, as the policy allows no inline ones.
 *  @param {string} html */
function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  for (const style of template.content.querySelectorAll("style")) {
    const text = style.textContent ?? "";
    style.remove();
    if (adopted.has(text)) continue;
    adopted.add(text);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets.push(sheet);
  }
  return template.content;
}

/** @type {Record<string, (target: Element, content: DocumentFragment) => void>} */
const places = {
  innerHTML: (target, content) => target.replaceChildren(content),
  outerHTML: (target, content) => target.replaceWith(content),
  beforebegin: (target, content) => target.before(content),
  afterbegin: (target, content) => target.prepend(content),
  beforeend: (target, content) => target.append(content),
  afterend: (target, content) => target.after(content),
  delete: (target) => target.remove(),
  none: () => {},
};

/** An id is looked up as an id: odd ones need no escaping. @param {string} selector @param {number | null} from
 *  @param {string} [how] "closest" looks upwards from the node itself */
function find(selector, from, how) {
  const start = from ? nodeOf(from) : document;
  if (how === "closest") return from ? nodeOf(from).closest(selector) : null;
  if (!from && /^#[^\s.#:[>+~,*]+$/.test(selector)) return document.getElementById(selector.slice(1));
  return start.querySelector(selector);
}

/** A link or form as data, with what its surroundings say about it. @param {AnyElement} node
 *  @param {Element | null} [submitter] */
export function describe(node, submitter) {
  const said = (/** @type {string} */ name) => submitter?.getAttribute(`form${name}`) ?? node.getAttribute(name);
  const form = node.localName === "form";
  const address = form ? said("action") || document.URL.split("#")[0] : node.getAttribute("href") ?? node.getAttribute("xlink:href") ?? "";
  let url = "";
  try { url = new URL(address, node.baseURI).href; } catch { /* not an address: stays empty */ }
  return {
    node: handleOf(node), tag: node.localName, id: node.id, url, target: said("target") ?? "",
    download: node.hasAttribute("download"), rel: node.getAttribute("rel") ?? "",
    method: form ? (said("method") || "get").toLowerCase() : "get", enctype: form ? said("enctype") : null,
    submitter: handleOf(submitter), boost: node.closest("[sx-boost]")?.getAttribute("sx-boost") ?? null,
    disabled: node.closest("[sx-disable]") !== null,
  };
}

/** @param {(body: number) => string} textOf the text that the transport keeps under a number
 *  @returns {import("./kernel.js").Ports} */
export function domPorts(textOf) {
  return {
    "dom/find": (selector, from, how) => handleOf(find(selector, from, how)),
    "dom/find-all": (selector, from) => [...(from ? nodeOf(from) : document).querySelectorAll(selector)].map(handleOf),
    "dom/describe": (node) => describe(nodeOf(node)),
    "dom/describe-all": (selector) => [...document.querySelectorAll(selector)].map((node) => describe(node)),
    "dom/scan": (selector, names, outside) => [...document.querySelectorAll(selector)]
      .filter((node) => !node.closest(outside))
      .map((node) => ({
        node: handleOf(node), tag: node.localName, type: node.getAttribute("type"), id: node.id,
        said: Object.fromEntries(names.map((/** @type {string} */ name) => [name, node.getAttribute(name)])),
      })),
    "dom/value": (node) => nodeOf(node).value ?? null,
    "dom/focused": () => {
      const node = document.activeElement;
      return node && node !== document.body ? { node: handleOf(node), id: node.id } : null;
    },
    "dom/set-attribute": (node, name, value) => {
      if (value === null) nodeOf(node).removeAttribute(name);
      else nodeOf(node).setAttribute(name, value);
    },
    "dom/set-class": (node, name, on) => void nodeOf(node).classList.toggle(name, on),
    "dom/set-text": (node, text) => void (nodeOf(node).textContent = text),
    "dom/set-title": (text) => void (document.title = text),
    "dom/insert": (node, style, html) => places[style](nodeOf(node), parse(html)),
    "dom/swap": (node, style, body, inner) => {
      let content = parse(textOf(body));
      const title = content.querySelector("title:not(svg title)");
      title?.remove();
      const part = inner ? content.querySelector(inner) : null;
      if (part) content.replaceChildren(...part.childNodes);
      places[style](nodeOf(node), content);
      return { title: title ? title.textContent : null };
    },
    "dom/focus": (node) => {
      const element = /** @type {HTMLElement} */ (nodeOf(node));
      element.focus({ preventScroll: true });
      if (document.activeElement !== element) {
        element.setAttribute("tabindex", "-1");
        element.focus({ preventScroll: true });
      }
    },
    "dom/scroll": () => [Math.round(scrollX), Math.round(scrollY)],
    "dom/scroll-to": (x, y) => scrollTo({ left: x, top: y, behavior: "instant" }),
    "dom/scroll-into-view": (node) => nodeOf(node).scrollIntoView({ behavior: "instant" }),
    "dom/emit": (node, name, detail) =>
      (node ? nodeOf(node) : document).dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail })),
    "dom/sweep": sweep,
  };
}
