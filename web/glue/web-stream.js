// Server-sent events and WebSockets as ports. When to connect again, and what a message means, is decided elsewhere.

import { handleOf, nodeOf } from "./dom.js";
import { note } from "./transport.js";
import { gather } from "./values.js";

/** @typedef {any} Any */

const kSwap = ["sx-sse-swap", "hx-sse-swap", "sse-swap"], kClose = ["sx-sse-close", "sse-close"];
let last = 0;

/** @param {Element} node @param {string[]} names */
const said = (node, names) => names.map((name) => node.getAttribute(name)).find((value) => value !== null) ?? null;

/** What shows messages of a type: the element itself and what is below, unless that has a connection of its own.
 *  @param {Element} node @param {string} type */
function shows(node, type) {
  const selector = kSwap.map((name) => `[${name}]`).join();
  return [node, ...node.querySelectorAll(selector)]
    .filter((one) => one.matches(selector) && /** @type {string} */ (said(one, kSwap)).split(/\s*,\s*/).includes(type))
    .map((one) => ({ node: handleOf(one), style: one.getAttribute("sx-swap") ?? one.getAttribute("hx-swap") ?? "" }));
}

/** @param {(name: string, ...args: unknown[]) => void} call @returns {import("./kernel.js").Ports} */
export function ports(call) {
  /** @type {WeakMap<Element, Any>} */
  const open = new WeakMap();
  /** @type {WeakMap<Element, string[]>} what waits for its connection */
  const waiting = new WeakMap();
  const state = (/** @type {number} */ handle, /** @type {string} */ name) => call("web/api", "stream-state", [handle, name, Math.random()]);
  /** @param {number} handle @param {string} type @param {string} text */
  function message(handle, type, text) {
    const node = nodeOf(handle);
    const id = -(2 ** 41) - ++last;
    note(id, { text });
    call("web/api", "stream-message", [handle, type, id, shows(node, type)]);
    for (const one of [node, ...node.querySelectorAll(`[sx-trigger*="sse:${CSS.escape(type)}"],[hx-trigger*="sse:${CSS.escape(type)}"]`)])
      one.dispatchEvent(new CustomEvent(`sse:${type}`, { detail: { data: text } }));
  }
  /** Whether the element is still there; its connection ends with it. @param {Element} node @param {Any} source */
  const alive = (node, source) => node.isConnected || (source.close(), open.delete(node), false);

  /** @param {Element} node @param {number} handle @param {string} url */
  function events(node, handle, url) {
    const source = new EventSource(url);
    const types = new Set(["message"]);
    for (const one of [node, ...node.querySelectorAll("*")]) {
      for (const type of said(one, kSwap)?.split(/\s*,\s*/) ?? []) types.add(type);
      for (const [, type] of (one.getAttribute("sx-trigger") ?? one.getAttribute("hx-trigger") ?? "").matchAll(/sse:([\w-]+)/g)) types.add(type);
    }
    const close = said(node, kClose);
    if (close) types.add(close);
    for (const type of types) source.addEventListener(type, (event) => {
      if (!alive(node, source)) return;
      if (type === close) { source.close(); state(handle, "gone"); return; }
      message(handle, type, /** @type {MessageEvent} */ (event).data);
    });
    source.onopen = () => state(handle, "open");
    source.onerror = () => {
      if (!alive(node, source)) return;
      // The browser tries again by itself while it may; what it gives up is made anew.
      if (source.readyState === EventSource.CLOSED) state(handle, "lost");
    };
    open.set(node, source);
  }

  /** @param {Element} node @param {number} handle @param {string} url */
  function socket(node, handle, url) {
    const address = new URL(url, document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const source = new WebSocket(address);
    source.onopen = () => {
      for (const text of waiting.get(node) ?? []) source.send(text);
      waiting.delete(node);
      state(handle, "open");
    };
    source.onmessage = (event) => { if (alive(node, source)) message(handle, "message", String(event.data)); };
    source.onclose = () => { if (node.isConnected && open.get(node) === source) state(handle, "lost"); };
    open.set(node, source);
  }

  return {
    "stream/connect": (handle, kind, url) => (kind === "sse" ? events : socket)(nodeOf(handle), handle, url),
    "stream/sender": (handle) => {
      const node = nodeOf(handle);
      node.addEventListener(node.localName === "form" ? "submit" : /^(input|select|textarea)$/.test(node.localName) ? "change" : "click", (/** @type {Event} */ event) => {
        event.preventDefault();
        const place = node.closest("[sx-ws-connect],[hx-ws-connect],[ws-connect],[data-sx-ws-connect]");
        if (!place) return;
        const form = node.localName === "form" ? node : node.closest("form");
        const values = Object.fromEntries(gather({ form: handleOf(form), own: node.localName === "form" ? null : handle }));
        const text = JSON.stringify({ ...values, HEADERS: { "SX-Request": "true", "SX-Trigger": node.id || null, "SX-Current-URL": document.URL } });
        const source = open.get(place);
        if (source?.readyState === WebSocket.OPEN) source.send(text);
        else waiting.set(place, [...(waiting.get(place) ?? []), text]);
      });
    },
  };
}
