// Browser events handed on as data. An event can be prevented while its handler runs synchronously.

import { describe, handleOf, nodeOf } from "./dom.js";

/** @type {Map<number, Event>} */
const live = new Map();
let last = 0;

/** @param {any} event @param {(data: object) => void} use @param {object} [more] what else is told of it */
export function dispatch(event, use, more) {
  const id = ++last;
  live.set(id, event);
  use({
    event: id, type: event.type, prevented: event.defaultPrevented, button: event.button ?? 0,
    modified: !!(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey), ...more,
  });
  live.delete(id);
}

/** Listens to what happens to the whole page; returns how to stop. @param {import("./kernel.js").Call} call */
export function startPageEvents(call) {
  const stop = new AbortController();
  const { signal } = stop;
  /** @type {Record<string, (event: any) => void>} */
  const handlers = {
    click(event) {
      const link = event.composedPath().find((/** @type {any} */ node) => node.matches?.("a[*|href], area[href]"));
      if (link) dispatch(event, (data) => call("web/on-click", data, describe(link)));
    },
    submit: (event) => dispatch(event, (data) => call("web/on-submit", data, describe(event.target, event.submitter))),
  };
  // Registered anew for each event, so that the page's own handlers come first and can prevent it.
  for (const [type, handler] of Object.entries(handlers))
    addEventListener(type, () => {
      removeEventListener(type, handler);
      addEventListener(type, handler, { signal });
    }, { capture: true, signal });
  addEventListener("popstate", (event) => call("web/on-popstate", event.state, document.URL), { signal });
  addEventListener("pagehide", () => call("web/on-hide"), { signal });
  return () => stop.abort();
}

/** @param {import("./kernel.js").Call} call @returns {import("./kernel.js").Ports} */
export function eventPorts(call) {
  /** @type {Map<string, () => void>} how to stop each listener */
  const stops = new Map();
  const unlisten = (/** @type {string} */ id) => {
    stops.get(id)?.();
    stops.delete(id);
  };
  return {
    "event/prevent": (id) => live.get(id)?.preventDefault(),
    "event/consume": (id) => live.get(id)?.stopPropagation(),
    "event/listen": (id, node, type) => {
      unlisten(id);
      const target = node === "document" ? document : node === "window" ? window : nodeOf(node);
      const listener = (/** @type {Event} */ event) => dispatch(event, (data) => call("web/on-trigger", id, data));
      target.addEventListener(type, listener);
      stops.set(id, () => target.removeEventListener(type, listener));
    },
    "event/unlisten": unlisten,
  };
}
