// window.htmx for pages written for htmx 4: this file in place of htmx's, and their hx- attributes, events, headers and
// classes are understood by SX. A classic script, so that what stands after it finds window.htmx. For htmx 2: htmx.js.

import { elementFunctions, engineBeside, showIndicators, takeMeta } from "./htmx-common.js";

(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  /** @typedef {any} Any */
  const page = /** @type {Any} */ (globalThis);
  /** @type {Any} */
  const config = {
    logAll: false, prefix: "data-hx-", transitions: false, history: true, mode: "same-origin", defaultSwap: "innerHTML", defaultFocusScroll: false,
    indicatorClass: "htmx-indicator", requestClass: "htmx-request", includeIndicatorCSS: true, defaultTimeout: 60000, extensions: "",
    morphIgnore: ["data-htmx-powered"], morphSkip: "[hx-morph-skip]", morphSkipChildren: "[hx-morph-skip-children]", morphScanLimit: 10,
    noSwap: [204, 304], implicitInheritance: false, defaultSettleDelay: 1, allowEmptySwapAfterOOB: false,
  };
  const defaults = structuredClone(config);
  takeMeta(config, (text) => (text.startsWith("{") ? JSON.parse(text) : words(text)));

  /** name:value name:"a value" name. @param {string} text */
  function words(text) {
    /** @type {Any} */
    const found = {};
    for (const [, name, quoted, plain = "true"] of text.matchAll(/([^\s,:]+)(?:\s*:\s*(?:"([^"]*)"|([^\s,]+)))?/g))
      try { found[name] = JSON.parse(quoted ?? plain); } catch { found[name] = quoted ?? plain; }
    return found;
  }

  // What the page changes counts, also later.
  page.sxSettings = new Proxy({}, {
    ownKeys: () => ["personality", "includeIndicatorStyles", ...Object.keys(config).filter((name) => JSON.stringify(config[name]) !== JSON.stringify(defaults[name]))],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_, name) => (name === "personality" ? "htmx4" : name === "includeIndicatorStyles" ? false : config[name]),
  });

  const { started, engine, later } = engineBeside(script);
  /** @param {Any} given */
  const one = (given) => (typeof given === "string" ? all(given)[0] : given);

  /** The parts of a selector between commas that stand outside of brackets and quotes. @param {string} text */
  const parts = (text) => text.split(/,(?![^[]*\])(?![^(]*\))(?![^<]*\/>)(?=(?:[^"']|"[^"]*"|'[^']*')*$)/).map((part) => part.trim()).map((part) => (/^<.*\/>$/.test(part) ? part.slice(1, -2) : part));
  /** @param {Any} from @param {string} selector @param {number} bit @param {boolean} last */
  const beside = (from, selector, bit, last) => {
    const there = [...from.getRootNode().querySelectorAll(selector)].filter((node) => from.compareDocumentPosition(node) & bit);
    return last ? there.at(-1) : there[0];
  };
  /** @type {[RegExp, (from: Any, rest: string) => Any][]} */
  const kPlaces = [
    [/^closest (.*)/, (from, rest) => from.closest?.(rest)],
    [/^find (.*)/, (from, rest) => from.querySelector(rest)],
    [/^findAll (.*)/, (from, rest) => [...from.querySelectorAll(rest)]],
    [/^next(?:ElementSibling)?$/, (from) => from.nextElementSibling],
    [/^next (.*)/, (from, rest) => beside(from, rest, Node.DOCUMENT_POSITION_FOLLOWING, false)],
    [/^previous(?:ElementSibling)?$/, (from) => from.previousElementSibling],
    [/^previous (.*)/, (from, rest) => beside(from, rest, Node.DOCUMENT_POSITION_PRECEDING, true)],
    [/^document$/, () => document], [/^window$/, () => window], [/^body$/, () => document.body], [/^this$/, (from) => from],
    [/^host$/, (from) => from.getRootNode().host],
  ];
  /** @param {Any} from @param {string} [selector] @returns {Any[]} */
  function all(from, selector) {
    const text = (selector ?? from).replace(/^global /, "");
    const start = selector ? one(from) ?? document.body : document;
    /** @type {Any[]} */
    const found = [], plain = [];
    for (const part of parts(text)) {
      const place = kPlaces.find(([form]) => form.test(part));
      if (place) found.push(place[1](start, part.match(place[0])?.[1] ?? ""));
      else if (part) plain.push(part);
    }
    if (plain.length) found.push(...(start.isConnected ? start.getRootNode() : document).querySelectorAll(plain.join()));
    return [...new Set(found.flat().filter(Boolean))];
  }

  const htmx = page.htmx = {
    version: "4.0.1-sx", config,
    // What htmx 2 had beside, for pages on their way from it.
    ...elementFunctions(one), logAll: () => { config.logAll = true; }, logNone: () => { config.logAll = false; },
    location: (/** @type {string} */ path, /** @type {Any} */ options) => htmx.ajax("GET", path, { push: "true", ...options }),
    defineExtension: later("defineExtension"), removeExtension: later("removeExtension"),
    /** @type {Any[]} those that registerExtension took */
    extensions: [],
    /** @param {string} name @param {Any} extension */
    registerExtension(name, extension) {
      const approved = config.extensions;
      if ((approved && !approved.split(/,\s*/).includes(name)) || registered.has(name)) return false;
      registered.add(name);
      extension.init?.(internals);
      htmx.extensions.push(extension);
    },
    /** @param {Any} node */
    process(node) {
      if (!node?.isConnected || !htmx.trigger(node, "htmx:before:process")) return Promise.resolve();
      return engine().then((api) => api.process()).then(() => void htmx.trigger(node, "htmx:after:process"));
    },
    initialize: () => htmx.process(document.body),
    /** @param {string} verb @param {string} path @param {Any} [options] */
    ajax(verb, path, options) {
      const given = !options || options instanceof Element || typeof options === "string" ? { target: options } : options;
      if (typeof given.source === "string" && !document.querySelector(given.source)) return Promise.reject(new Error("Source not found"));
      if (typeof given.target === "string" && !htmx.find(document.body, given.target)) return Promise.reject(new Error("Target not found"));
      return engine().then((api) => api.ajax(verb, path, typeof given.target === "string" ? { ...given, target: htmx.find(document.body, given.target) } : given));
    },
    /** @param {Any} ctx @param {Any} [more] @param {Any} [spec] also as htmx 2 has it: target, text, spec */
    swap: (ctx, more, spec) => engine().then((api) => api.swap(ctx, more, spec)),
    /** @param {Any} time */
    timeout(time) {
      const ms = htmx.parseInterval(time) ?? 0;
      if (ms > 0) return new Promise((resolve) => setTimeout(resolve, ms));
    },
    onLoad: (/** @type {(node: Any) => void} */ listener) => void htmx.on("htmx:after:process", (/** @type {Any} */ event) => listener(event.target)),
    /** @param {Any} target @param {Any} name @param {Any} [listener] */
    on(target, name, listener) {
      if (listener === undefined) [target, name, listener] = [document, target, name];
      one(target).addEventListener(name, listener);
      return listener;
    },
    find: (/** @type {Any} */ from, /** @type {string} */ selector) => all(from, selector)[0],
    findAll: all,
    /** @param {Any} text */
    parseInterval(text) {
      if (typeof text === "number") return text;
      const [, number, unit] = text?.match(/^([\d.]+)(ms|s|m)?$/) ?? [];
      const ms = parseFloat(number) * ({ s: 1000, m: 60000 }[/** @type {string} */ (unit)] ?? 1);
      return Number.isNaN(ms) ? undefined : ms;
    },
    /** @param {Any} node @param {string} name @param {Any} [detail] @param {boolean} [bubbles] */
    trigger(node, name, detail = {}, bubbles = true) {
      const place = one(node);
      return !detail?.cancelled && (place?.isConnected ? place : document).dispatchEvent(new CustomEvent(name, { detail, bubbles, cancelable: true, composed: true }));
    },
  };
  const registered = new Set();
  // What extensions of a page may call at their start.
  const internals = {
    attributeValue: (/** @type {Any} */ node, /** @type {string} */ name) => [node.getAttribute(name), node.getAttribute(`${name}:inherited`), node.closest(`[${CSS.escape(`${name}:inherited`)}]`)?.getAttribute(`${name}:inherited`)].find((value) => value !== null && value !== undefined),
    triggerHtmxEvent: htmx.trigger,
    parseTriggerSpecs: (/** @type {string} */ text) => parts(text).map((part) => { const [, name, rest] = part.match(/^(\S+)\s*(.*)$/) ?? []; return { name, ...words(rest ?? "") }; }),
    HCON: { parse: words },
  };

  if (config.includeIndicatorCSS !== false) showIndicators(config);
  started.then(() => htmx.trigger(document.body, "htmx:after:process"));
})();
