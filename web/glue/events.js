// Browser events handed on as data. An event can be prevented while its handler runs synchronously.

import { describe, handleOf, nodeOf } from "./dom.js";

/** @typedef {(name: string, args: unknown[]) => void} Call */

/** @type {Map<number, Event>} */
const live = new Map();
let lastEvent = 0;

/** @param {Event} event @param {(data: Record<string, unknown>) => void} use */
function dispatch(event, use) {
  const id = ++lastEvent;
  const mouse = /** @type {MouseEvent} */ (event);
  const target = /** @type {any} */ (event.target);
  live.set(id, event);
  try {
    use({
      event: id, type: event.type, prevented: event.defaultPrevented, button: mouse.button ?? 0,
      modified: Boolean(mouse.ctrlKey || mouse.metaKey || mouse.shiftKey || mouse.altKey),
      node: target instanceof Element ? handleOf(target) : null, value: target?.value === undefined ? null : String(target.value),
    });
  } finally {
    live.delete(id);
  }
}

/** Listeners of the whole page. `start` returns its `stop`. @param {Call} call */
export function startPageEvents(call) {
  const stops = new AbortController();
  const on = (/** @type {EventTarget} */ target, /** @type {string} */ type, /** @type {(event: any) => void} */ listener, capture = false) =>
    target.addEventListener(type, listener, { capture, signal: stops.signal });
  const click = (/** @type {MouseEvent} */ event) => {
    const link = event.composedPath().find((node) => node instanceof Element && node.matches("a[href], area[href], a[*|href]"));
    if (link) dispatch(event, (data) => call("web/on-click", [data, describe(/** @type {Element} */ (link))]));
  };
  const submit = (/** @type {SubmitEvent} */ event) =>
    dispatch(event, (data) => call("web/on-submit", [data, describe(/** @type {Element} */ (event.target), event.submitter)]));
  // Registered anew for each event, so that it comes after the handlers of the page's own code.
  for (const [type, listener] of Object.entries({ click, submit }))
    on(window, type, () => {
      window.removeEventListener(type, /** @type {any} */ (listener));
      on(window, type, listener);
    }, true);
  on(window, "popstate", (event) => call("web/on-popstate", [event.state, document.URL]));
  on(window, "pagehide", () => call("web/on-hide", []));
  on(window, "pageshow", () => call("web/on-show", []));
  return () => stops.abort();
}

/** @param {Call} call @returns {import("./kernel.js").Ports} */
export function eventPorts(call) {
  /** @type {Map<string, () => void>} by listener: how to stop it */
  const stops = new Map();
  const stop = (/** @type {string} */ id) => {
    stops.get(id)?.();
    stops.delete(id);
  };
  return {
    "event/prevent": (id) => live.get(id)?.preventDefault(),
    "event/listen": (id, node, type) => {
      stop(id);
      const target = node === "document" ? document : node === "window" ? window : nodeOf(node);
      const listener = (/** @type {Event} */ event) => dispatch(event, (data) => call("web/on-trigger", [id, data]));
      target.addEventListener(type, listener);
      stops.set(id, () => target.removeEventListener(type, listener));
    },
    "event/observe": (id, node) => {
      stop(id);
      const observer = new IntersectionObserver((seen) => {
        if (seen.some((entry) => entry.isIntersecting)) call("web/on-trigger", [id, { event: 0, type: "revealed", value: null }]);
      });
      observer.observe(nodeOf(node));
      stops.set(id, () => observer.disconnect());
    },
    "event/unlisten": stop,
  };
}
