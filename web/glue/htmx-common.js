// What htmx.js and htmx4.js share: functions of window.htmx for elements, settings, the way to the engine.

/** @typedef {any} Any */

/** @param {(given: Any) => Any} one an element that is given as itself or by a selector */
export function elementFunctions(one) {
  /** @param {Any} node @param {() => void} change @param {number} [delay] */
  const soon = (node, change, delay) => void (delay ? setTimeout(change, delay) : node && change());
  return {
    closest: (/** @type {Any} */ node, /** @type {string} */ selector) => one(node).closest(selector),
    values: (/** @type {Any} */ node, /** @type {string} */ verb) => /** @type {Any} */ (globalThis).SxKernel.values(one(node), verb ?? "post"),
    remove: (/** @type {Any} */ node, /** @type {number} */ delay) => soon(one(node), () => one(node).remove(), delay),
    addClass: (/** @type {Any} */ node, /** @type {string} */ name, /** @type {number} */ delay) => soon(one(node), () => one(node)?.classList.add(name), delay),
    removeClass: (/** @type {Any} */ node, /** @type {string} */ name, /** @type {number} */ delay) => soon(one(node), () => {
      const element = one(node);
      element.classList.remove(name);
      if (!element.classList.length) element.removeAttribute("class");
    }, delay),
    toggleClass: (/** @type {Any} */ node, /** @type {string} */ name) => void one(node).classList.toggle(name),
    takeClass(/** @type {Any} */ node, /** @type {string} */ name) {
      for (const sibling of one(node).parentElement.children) sibling.classList.remove(name);
      one(node).classList.add(name);
    },
    /** @param {Any} target @param {Any} name @param {Any} [listener] */
    off(target, name, listener) {
      if (typeof name === "function") [target, name, listener] = [document.body, target, name];
      one(target).removeEventListener(name, listener);
      return listener;
    },
  };
}

/** What the page says of itself becomes part of config. @param {Any} config @param {(text: string) => Any} [read] */
export function takeMeta(config, read = JSON.parse) {
  const said = /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="htmx-config"]'))?.content.trim();
  try {
    if (said) Object.assign(config, read(said));
  } catch (error) {
    console.warn(`<meta name="htmx-config">: ${/** @type {Error} */ (error).message}`);
  }
}

/** What htmx puts into the page for indicators, as a sheet of the page's own, so that no policy is in the way. @param {Any} config */
export function showIndicators({ indicatorClass: indicator, requestClass: request }) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`.${indicator}{opacity:0;visibility:hidden} .${request} .${indicator},.${request}.${indicator}{opacity:1;visibility:visible;transition:opacity 200ms ease-in}`);
  document.adoptedStyleSheets.push(sheet);
}

/** The engine, fetched from beside the facade's own script. @param {HTMLScriptElement} script */
export function engineBeside(script) {
  const page = /** @type {Any} */ (globalThis);
  const started = import(new URL("boot.js", script.src).href).then(() => new Promise((done) => {
    if (page.SxKernel.ready) done(undefined);
    else document.addEventListener("sx:ready", done, { once: true });
  }));
  /** With all it offers. @returns {Promise<Any>} */
  const engine = () => started.then(() => page.SxKernel.load("web-more")).then(() => page.SxKernel);
  const later = (/** @type {string} */ name) => (/** @type {Any[]} */ ...args) => engine().then((api) => api[name](...args));
  return { started, engine, later };
}
