// Extensions that scripts of a page define, as htmx 2 has them: what they hear of, write and read, and the swap styles
// that are theirs. Whether one takes part is said by sx-ext on an element or around it.

import { nodeOf } from "./dom.js";
import { facts, note, open, textOf, transportPorts } from "./transport.js";
import { valuesProxy } from "./values.js";

/** @typedef {any} Any */

/** @type {Map<string, Any>} */
const extensions = new Map();
const kNames = ["sx-ext", "data-sx-ext", "hx-ext", "data-hx-ext"];

/** One that goes wrong must not take others with it. @template T @param {string} what @param {() => T} work */
function tried(what, work) {
  try {
    return work();
  } catch (error) {
    console.error(`extension, ${what}:`, error);
  }
}

/** @param {string} name @param {Any} extension @param {object} api what init is given */
export function define(name, extension, api) {
  tried(`${name}.init`, () => extension.init?.(api));
  extensions.set(name, extension);
}
/** @param {string} name */
export const undefine = (name) => void extensions.delete(name);
export const any = () => extensions.size > 0;

/** Those that sx-ext names on the element and around it; "ignore:NAME" leaves one out. @param {Any} place @returns {Any[]} */
export function of(place) {
  if (!extensions.size || !(place instanceof Element)) return [];
  /** @type {Set<string>} */
  const names = new Set(), ignored = new Set();
  for (let node = /** @type {Element | null} */ (place); node; node = node.parentElement) {
    const said = kNames.map((name) => /** @type {Element} */ (node).getAttribute(name)).find((value) => value !== null) ?? "";
    for (const name of said.split(/[\s,]+/).filter(Boolean))
      if (name.startsWith("ignore:")) ignored.add(name.slice(7));
      else names.add(name);
  }
  return [...names].filter((name) => !ignored.has(name)).flatMap((name) => extensions.get(name) ?? []);
}

/** False when one of them stops what the event tells of. @param {Any} place @param {string} name @param {CustomEvent} event */
export const hear = (place, name, event) => of(place).every((one) => tried("onEvent", () => one.onEvent?.(name, event)) !== false);

/** A selector for the elements that they want to be told of, or "". */
export const wanted = () => [...extensions.values()].flatMap((one) => tried("getSelectors", () => one.getSelectors?.()) ?? []).join();

/** Whether a style of theirs puts the piece itself into its place, not only what stands in it. @param {string} style */
export const inline = (style) => [...extensions.values()].some((one) => tried("isInlineSwap", () => one.isInlineSwap?.(style)));

/** The elements that came when one of them swapped; undefined when none did.
 *  @param {Any} place where sx-ext is looked for @param {string} style @param {Any} target @param {Any} fragment @returns {Element[] | undefined} */
export function swap(place, style, target, fragment) {
  for (const one of of(place)) {
    const done = tried("handleSwap", () => one.handleSwap?.(style, target, fragment, { tasks: [], elts: [], title: undefined }));
    if (done) return Array.isArray(done) ? done.filter((node) => node instanceof Element) : [];
  }
}

/** Lets them write the body of a request and read its answer. @type {import("./kernel.js").Ports} */
export const extended = {
  "fetch/send"(request) {
    const active = request.elt ? of(nodeOf(request.elt)) : [];
    note(request.id, /** @type {Any} */ ({ extensions: active, elt: request.elt }));
    for (const extension of active) {
      const data = open.get(request.id)?.data;
      const xhr = { overrideMimeType() {}, setRequestHeader: (/** @type {string} */ name, /** @type {string} */ value) => { request.headers[name] = value; } };
      const body = data && request.encoding !== "query" && tried("encodeParameters", () => extension.encodeParameters?.(xhr, valuesProxy(data), nodeOf(request.elt)));
      if (typeof body !== "string") continue;
      if (!Object.keys(request.headers).some((name) => /^content-type$/i.test(name))) request.headers["Content-Type"] = "application/x-www-form-urlencoded";
      return transportPorts["fetch/send"]({ ...request, body });
    }
    return transportPorts["fetch/send"](request);
  },
  "fetch/text"(id) {
    const known = transportPorts["fetch/text"](id);
    const exchange = /** @type {Any} */ (open.get(id));
    if (!exchange?.extensions?.some((/** @type {Any} */ one) => one.transformResponse)) return known;
    const change = () => {
      let text = textOf(id);
      for (const extension of exchange.extensions)
        if (extension.transformResponse) text = tried("transformResponse", () => extension.transformResponse(text, answerOf(id), nodeOf(exchange.elt))) ?? text;
      return facts(note(id, { text }), text);
    };
    return known instanceof Promise ? known.then(change) : change();
  },
};

/** What listeners and extensions see of a request's answer. @param {number} id */
export function answerOf(id) {
  const exchange = open.get(id);
  const head = exchange?.head;
  return {
    status: head?.status ?? 0, responseURL: head?.url ?? "", get response() { return textOf(id); }, get responseText() { return textOf(id); },
    getResponseHeader: (/** @type {string} */ name) => head?.headers[name.toLowerCase()] ?? null,
    getAllResponseHeaders: () => Object.entries(head?.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`).join(""),
    abort: () => exchange?.abort?.abort(),
  };
}

/** What htmx gives to init beside its public functions, by the same names.
 *  @param {Any} api the public functions @param {(node: Any, name: string, detail?: object) => boolean} send @param {(markup: string) => DocumentFragment} parse */
export function internals(api, send, parse) {
  const data = new WeakMap();
  const attribute = (/** @type {Any} */ node, /** @type {string} */ name) => node?.getAttribute?.(name) ?? node?.getAttribute?.(`data-${name}`) ?? null;
  const upwards = (/** @type {Any} */ node, /** @type {(one: Any) => boolean} */ fits) => {
    while (node && !fits(node)) node = node.parentElement;
    return node ?? null;
  };
  return {
    ...api,
    bodyContains: (/** @type {Node} */ node) => node.isConnected,
    canAccessLocalStorage: () => { try { return !!localStorage; } catch { return false; } },
    hasAttribute: (/** @type {Any} */ node, /** @type {string} */ name) => attribute(node, name) !== null,
    getAttributeValue: attribute,
    getClosestMatch: upwards,
    getClosestAttributeValue: (/** @type {Any} */ node, /** @type {string} */ name) => attribute(upwards(node, (one) => attribute(one, name) !== null), name),
    findThisElement: (/** @type {Any} */ node, /** @type {string} */ name) => upwards(node, (one) => attribute(one, name) !== null),
    getInternalData(/** @type {object} */ node) {
      if (!data.has(node)) data.set(node, {});
      return data.get(node);
    },
    getInputValues: (/** @type {Any} */ node, /** @type {string} */ verb) => ({ values: api.values(node, verb), errors: [] }),
    makeFragment: parse,
    mergeObjects: (/** @type {object} */ one, /** @type {object} */ other) => ({ ...one, ...other }),
    makeSettleInfo: (/** @type {Any} */ target) => ({ tasks: [], elts: [target] }),
    querySelectorExt: (/** @type {Any} */ node, /** @type {string} */ selector) => (selector.startsWith("closest ") ? node.closest(selector.slice(8)) : selector.startsWith("find ") ? node.querySelector(selector.slice(5)) : document.querySelector(selector)),
    triggerEvent: send,
    triggerErrorEvent: (/** @type {Any} */ node, /** @type {string} */ name, /** @type {object} */ detail) => send(node, name, { error: name, ...detail }),
    withExtensions: (/** @type {Any} */ node, /** @type {(one: Any) => void} */ use) => of(node).forEach(use),
  };
}
