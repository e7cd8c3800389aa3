// What window.htmx has for elements in htmx.js and htmx4.js alike.

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
