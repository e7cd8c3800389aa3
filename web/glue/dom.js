// The page as ports: nodes by number, single changes, fragments parsed without running anything.

import { portError } from "./kernel.js";

// A handle is slot * 4096 + generation, so that the number of a freed node never means another one.
const kGenerations = 4096;
/** @type {{node: any, generation: number}[]} */
const slots = [];
/** @type {number[]} */
const free = [];
/** @type {WeakMap<Element, number>} */
const handles = new WeakMap();

/** @param {any} node @returns {number | null} */
export function handleOf(node) {
  if (!node) return null;
  let handle = handles.get(node);
  if (handle === undefined) {
    const at = free.pop() ?? slots.push({ node, generation: 1 }) - 1;
    slots[at].node = node;
    handle = at * kGenerations + slots[at].generation;
    handles.set(node, handle);
  }
  return handle;
}

/** @param {number} handle */
export function nodeOf(handle) {
  const slot = slots[Math.floor(handle / kGenerations)];
  if (!slot?.node || slot.generation !== handle % kGenerations) throw portError("stale-node", `node ${handle} has left the page`);
  return slot.node;
}

/** Frees the handles of nodes that left the document. */
const sweep = () => slots.flatMap((slot, at) => {
  if (!slot.node || slot.node.isConnected) return [];
  const gone = at * kGenerations + slot.generation;
  handles.delete(slot.node);
  slot.node = null;
  slot.generation = (slot.generation % (kGenerations - 1)) + 1;
  free.push(at);
  return [gone];
});

const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("sx", { createHTML: (/** @type {string} */ text) => text, createScriptURL: (/** @type {string} */ url) => url });
/** @type {Set<string | null>} style texts that the page has */
const adopted = new Set();

/** @param {string} html */
export const trusted = (html) => (policy ? policy.createHTML(html) : html);

/** The address of a script of this site. @param {string} url */
export function trustedScript(url) {
  const { origin, href } = new URL(url, document.baseURI);
  if (origin !== location.origin) throw portError("foreign-script", `${href} is not of ${location.origin}`);
  return policy ? policy.createScriptURL(href) : href;
}

// Scripts in it never run; its styles are adopted, as inline ones are forbidden.
/** @param {string} html */
export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = trusted(html);
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

/** Nodes of answers that are made otherwise than from their text. @type {Map<number, () => DocumentFragment>} */
export const made = new Map();

/** @type {Record<string, (target: Element, content: DocumentFragment) => void>} */
export const places = {
  innerHTML: (target, content) => target.replaceChildren(content),
  outerHTML: (target, content) => target.replaceWith(content),
  beforebegin: (target, content) => target.before(content),
  afterbegin: (target, content) => target.prepend(content),
  beforeend: (target, content) => target.append(content),
  afterend: (target, content) => target.after(content),
  delete: (target) => target.remove(),
  none() {},
};

/** @param {any} node a link or form @param {Element | null} [submitter] */
export function describe(node, submitter) {
  const form = node.localName === "form";
  const said = (/** @type {string} */ name) => submitter?.getAttribute(`form${name}`) ?? node.getAttribute(name);
  const address = form ? said("action") || document.URL : node.getAttribute("href") ?? node.getAttribute("xlink:href");
  return {
    node: handleOf(node), tag: node.localName, id: node.id, url: URL.canParse(address, node.baseURI) ? new URL(address, node.baseURI).href : "",
    target: said("target") ?? "", download: node.hasAttribute("download"), rel: node.getAttribute("rel") ?? "",
    method: form ? (said("method") || "get").toLowerCase() : "get", enctype: said("enctype"), submitter: handleOf(submitter),
    key: node.closest('[sx-offline="queue"]') ? crypto.randomUUID?.() : null,
    boost: node.closest("[sx-boost]")?.getAttribute("sx-boost"), disabled: !!node.closest("[sx-disable]"),
    more: sayings(node).some((name) => /^sx-(?!(boost|offline)$)/.test(name)) || inherits(node),
  };
}
const sayings = (/** @type {Element} */ node) => node.getAttributeNames();
/** Whether something around it says what holds below. @param {Element | null} node @returns {boolean} */
const inherits = (node) => !!node && (sayings(node).some((name) => name.endsWith(":inherited")) || inherits(node.parentElement));

let hold = () => {};
/** Scrolls the window. A page that is too short for it yet, as its images have not come, is scrolled when it has grown;
 *  the visitor's own move ends that. @param {number} left @param {number} top */
function scrollWindow(left, top) {
  hold();
  const go = () => scrollTo({ left, top, behavior: "instant" });
  go();
  if (scrollY > top - 2) return;
  const stop = new AbortController(), { signal } = stop;
  const watch = new ResizeObserver(() => { go(); if (scrollY > top - 2) hold(); });
  hold = () => { watch.disconnect(); stop.abort(); };
  watch.observe(document.documentElement);
  for (const type of ["wheel", "touchmove", "pointerdown", "keydown", "popstate"]) addEventListener(type, hold, { signal, capture: true });
  setTimeout(() => signal.aborted || hold(), 5000);
}

/** @param {number | null} from */
const within = (from) => (from ? nodeOf(from) : document);
/** @param {string} selector */
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

/** @param {(request: number) => string} textOf the text kept for a request @returns {import("./kernel.js").Ports} */
export const domPorts = (textOf) => ({
  "dom/find": (selector, from, how) => handleOf(how ? nodeOf(from).closest(selector) : within(from).querySelector(selector)),
  "dom/by-id": (id) => handleOf(document.getElementById(id)),
  "dom/find-all": (selector, from) => all(selector, within(from)).map(handleOf),
  "dom/describe-all": (selector) => all(selector).map((node) => describe(node)),
  "dom/scan": (selector, names, outside) => all(selector).filter((node) => !node.closest(outside)).map((node) => ({
    node: handleOf(node), tag: node.localName, type: node.getAttribute("type"), id: node.id,
    said: Object.fromEntries(names.map((/** @type {string} */ name) => [name, node.getAttribute(name)])),
  })),
  "dom/focused": () => {
    const node = document.activeElement;
    return node && node !== document.body ? { node: handleOf(node), id: node.id } : null;
  },
  "dom/set-attribute": (node, name, value) => value === null ? nodeOf(node).removeAttribute(name) : nodeOf(node).setAttribute(name, value),
  "dom/set-class": (node, name, on) => void nodeOf(node).classList.toggle(name, on),
  "dom/set-title": (text) => void (document.title = text),
  "dom/set-text": (node, text) => void (nodeOf(node).textContent = text),
  "dom/insert": (node, style, html) => places[style](nodeOf(node), parse(html)),
  "dom/swap": (node, style, request) => {
    const content = made.get(request)?.() ?? parse(textOf(request));
    const title = content.querySelector("title:not(svg title)");
    title?.remove();
    places[style](nodeOf(node), content);
    // Who observes the page sees the content before it is tidied up: titles, focus and scrolling take the browser long.
    return Promise.resolve({ title: title?.textContent });
  },
  "dom/copy-values": (form, request, selector) => {
    for (const { name, value } of parse(textOf(request)).querySelectorAll(selector)) {
      const field = nodeOf(form).querySelector(`[name="${CSS.escape(name)}"]`);
      if (field) field.value = value;
    }
  },
  "dom/focus": (node) => {
    const element = nodeOf(node);
    element.focus({ preventScroll: true });
    if (document.activeElement === element) return;
    element.setAttribute("tabindex", "-1");
    element.focus({ preventScroll: true });
  },
  "dom/scroll": () => [Math.round(scrollX), Math.round(scrollY)],
  "dom/scroll-to": scrollWindow,
  "dom/scroll-into-view"(node) {
    hold();
    nodeOf(node).scrollIntoView({ behavior: "instant" });
  },
  "dom/emit": (node, name, detail, back) => {
    const go = within(node).dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail }));
    return back ? { go, detail } : go;
  },
  "page/needs-more": (selector) => !!document.querySelector(`${selector},meta[name="sx-config"]`) || "sxSettings" in globalThis || all("*").some((node) => node.hasAttributes() && sayings(node).some((name) => /^(data-)?sx-on/.test(name))),
  "dom/sweep": sweep,
});
