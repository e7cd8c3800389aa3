// Server-sent events and WebSockets as ports. When to connect again, and what a message means, is decided elsewhere.

import { handleOf, nodeOf } from "./dom.js";
import { note } from "./transport.js";
import { gather } from "./values.js";

/** @typedef {any} Any */

const kPrefixes = ["sx-", "data-sx-", "hx-", "data-hx-", ""];
const named = (/** @type {string} */ name) => kPrefixes.map((prefix) => prefix + name);
const kSwap = named("sse-swap"), kClose = named("sse-close"), kTrigger = named("trigger").slice(0, 4), kStyle = named("swap").slice(0, 4);
let last = 0;

/** @param {Element} node @param {string[]} names */
const said = (node, names) => names.map((name) => node.getAttribute(name)).find((value) => value !== null) ?? null;

/** What shows messages of a type: the element itself and what is below, unless that has a connection of its own.
 *  @param {Element} node @param {string} type */
function shows(node, type) {
  const selector = kSwap.map((name) => `[${name}]`).join();
  return [node, ...node.querySelectorAll(selector)]
    .filter((one) => one.matches(selector) && /** @type {string} */ (said(one, kSwap)).split(/\s*,\s*/).includes(type))
    .map((one) => ({ node: handleOf(one), style: said(one, kStyle) ?? "" }));
}

/** @param {(name: string, ...args: unknown[]) => void} call @returns {import("./kernel.js").Ports} */
export function ports(call) {
  /** @type {Map<number, Any>} by the element that has the connection: how to send, how to end it */
  const open = new Map();
  /** @type {WeakMap<Element, string[]>} what waits for its connection */
  const waiting = new WeakMap();
  const state = (/** @type {number} */ handle, /** @type {string} */ name) => call("web/api", "stream-state", [handle, name, Math.random()]);
  /** @param {number} handle @param {string} type @param {string} text */
  function message(handle, type, text) {
    const node = nodeOf(handle);
    const id = -(2 ** 41) - ++last;
    note(id, { text });
    call("web/api", "stream-message", [handle, type, id, shows(node, type)]);
    for (const one of [node, ...node.querySelectorAll(kTrigger.map((name) => `[${name}*="sse:${CSS.escape(type)}"]`).join())])
      one.dispatchEvent(new CustomEvent(`sse:${type}`, { detail: { data: text } }));
  }
  /** @param {Element} node @param {number} handle @param {string} url */
  function events(node, handle, url) {
    const source = new EventSource(url), close = said(node, kClose);
    /** @type {Set<string>} */
    const heard = new Set();
    const hear = (/** @type {string} */ type) => {
      if (heard.has(type)) return;
      heard.add(type);
      source.addEventListener(type, (event) => {
        if (!node.isConnected) return;
        message(handle, type, /** @type {MessageEvent} */ (event).data);
        if (type === close) state(handle, "closed");
      });
    };
    // What shows events of a name may come later.
    const look = () => {
      for (const one of [node, ...node.querySelectorAll("*")]) {
        said(one, kSwap)?.split(/\s*,\s*/).forEach(hear);
        for (const [, type] of (said(one, kTrigger) ?? "").matchAll(/sse:([\w-]+)/g)) hear(type);
      }
    };
    for (const type of ["message", ...(close ? [close] : [])]) hear(type);
    look();
    const watcher = new MutationObserver(look);
    watcher.observe(node, { childList: true, subtree: true });
    source.onopen = () => state(handle, "open");
    // The browser tries again by itself while it may; what it gives up is made anew.
    source.onerror = () => { if (node.isConnected && source.readyState === EventSource.CLOSED) state(handle, "lost"); };
    open.set(handle, { end() { watcher.disconnect(); source.close(); } });
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
    source.onmessage = (event) => { if (node.isConnected) message(handle, "message", String(event.data)); };
    source.onclose = () => { if (node.isConnected && open.get(handle)?.source === source) state(handle, "lost"); };
    open.set(handle, { source, end: () => source.close() });
  }
  const end = (/** @type {number} */ handle) => {
    const one = open.get(handle);
    open.delete(handle);
    one?.end();
  };

  return {
    "stream/connect": (handle, kind, url) => {
      end(handle);
      (kind === "sse" ? events : socket)(nodeOf(handle), handle, url);
    },
    "stream/close": end,
    "stream/sender": (handle) => {
      const node = nodeOf(handle);
      node.addEventListener(node.localName === "form" ? "submit" : /^(input|select|textarea)$/.test(node.localName) ? "change" : "click", (/** @type {Event} */ event) => {
        event.preventDefault();
        const place = node.closest(named("ws-connect").map((name) => `[${name}]`).join());
        if (!place) return;
        const form = node.localName === "form" ? node : node.closest("form");
        const values = Object.fromEntries(gather({ form: handleOf(form), own: node.localName === "form" ? null : handle }));
        const text = JSON.stringify({ ...values, HEADERS: { "SX-Request": "true", "SX-Trigger": node.id || null, "SX-Current-URL": document.URL } });
        const source = open.get(/** @type {number} */ (handleOf(place)))?.source;
        if (source?.readyState === WebSocket.OPEN) source.send(text);
        else waiting.set(place, [...(waiting.get(place) ?? []), text]);
      });
    },
  };
}
