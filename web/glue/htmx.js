// window.htmx for pages written for htmx: this file in place of htmx's, and their hx- attributes, events, headers and
// classes are understood by SX. A classic script, so that what stands after it finds window.htmx.
// For htmx 4: htmx4.js.

import { elementFunctions, engineBeside, showIndicators, takeMeta } from "./htmx-common.js";

(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  /** @typedef {any} Any */
  /** @type {Any} */
  const config = {
    historyEnabled: true, historyCacheSize: 10, refreshOnHistoryMiss: false, defaultSwapStyle: "innerHTML", defaultSwapDelay: 0, defaultSettleDelay: 20,
    includeIndicatorStyles: true, indicatorClass: "htmx-indicator", requestClass: "htmx-request", addedClass: "htmx-added", settlingClass: "htmx-settling",
    swappingClass: "htmx-swapping", allowEval: true, allowScriptTags: true, inlineStyleNonce: "", attributesToSettle: ["class", "style", "width", "height"],
    withCredentials: false, timeout: 0, disableSelector: "[hx-disable], [data-hx-disable]", scrollBehavior: "instant", defaultFocusScroll: false,
    getCacheBusterParam: false, globalViewTransitions: false, methodsThatUseUrlParams: ["get", "delete"], selfRequestsOnly: true, ignoreTitle: false,
    scrollIntoViewOnBoost: true, disableInheritance: false,
    responseHandling: [{ code: "204", swap: false }, { code: "[23]..", swap: true }, { code: "[45]..", swap: false, error: true }],
    allowNestedOobSwaps: true, historyRestoreAsHxRequest: true, reportValidityOfForms: false,
  };
  const defaults = structuredClone(config);
  takeMeta(config);
  const same = (/** @type {string} */ name) => JSON.stringify(config[name]) === JSON.stringify(defaults[name]);
  const page = /** @type {Any} */ (globalThis);
  // What the page changes before the engine starts counts.
  page.sxSettings = new Proxy({}, {
    ownKeys: () => ["personality", ...Object.keys(config).filter((name) => !same(name))],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_, name) => (name === "personality" ? "htmx2" : config[name]),
  });
  /** @param {Any} given */
  const one = (given) => (typeof given === "string" ? document.querySelector(given) : given);
  const { engine, later } = engineBeside(script);
  let logging = false;

  page.htmx = {
    version: "2.0.0-sx", config,
    location: Object.assign((/** @type {string} */ path, /** @type {Any} */ context) => page.htmx.ajax("GET", path, { push: "true", ...context }), {}),
    process: () => engine().then((api) => api.process()),
    ajax: later("ajax"), swap: later("swap"), defineExtension: later("defineExtension"), removeExtension: later("removeExtension"),
    /** @param {Any} target @param {Any} name @param {Any} [listener] @param {Any} [options] */
    on(target, name, listener, options) {
      if (typeof name === "function") [target, name, listener, options] = [document.body, target, name, listener];
      one(target).addEventListener(name, listener, options);
      return listener;
    },
    trigger: (/** @type {Any} */ node, /** @type {string} */ name, /** @type {Any} */ detail = {}) =>
      one(node).dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, composed: true, detail: { ...detail, elt: one(node) } })),
    onLoad: (/** @type {(node: Element) => void} */ listener) => document.addEventListener("htmx:load", (event) => listener(/** @type {Any} */ (event).detail.elt)),
    find: (/** @type {Any} */ from, /** @type {string} */ selector) => (selector ? one(from).querySelector(selector) : document.querySelector(from)),
    findAll: (/** @type {Any} */ from, /** @type {string} */ selector) => (selector ? one(from).querySelectorAll(selector) : document.querySelectorAll(from)),
    ...elementFunctions(one),
    /** @param {string} text */
    parseInterval(text) {
      if (text === undefined) return undefined;
      const number = parseFloat(text);
      const ms = /ms$/.test(text) ? number : /s$/.test(text) ? number * 1000 : /m$/.test(text) ? number * 60000 : number;
      return Number.isNaN(ms) ? undefined : ms;
    },
    logAll: () => { logging = true; engine().then((api) => api.logAll()); },
    logNone: () => { logging = false; engine().then((api) => api.logNone()); },
    get logger() { return logging ? console.log : null; },
  };
  if (config.includeIndicatorStyles !== false) showIndicators(config);
})();
