// What the parts of the DOM adapter (markup.js) share: templates by their address in the kernel, what changes by
// reference number, and the numbers that mean nothing any more.

import { foreign, makeTemplate } from "./markup-template.js";

/** @param {{template(address: number): any}} kernel @param {(type: string) => void} listen to an event for handlers */
export function makeTables(kernel, listen) {
  /** @type {Map<number, any>} 1 a computed element, 2 a keyed child, or parts */
  const definitions = new Map();
  /** @type {Record<string, Map<number, import("./markup-template.js").Template>>} by the language around */
  const templates = { "": new Map(), svg: new Map(), math: new Map() };
  /** @type {Map<number, any>} what changes by itself, by reference number */
  const live = new Map();
  /** @type {number[]} ranges: first number and how many */
  let dead = [];

  /** @param {number} address */
  function definition(address) {
    let found = definitions.get(address);
    if (found === undefined) definitions.set(address, (found = kernel.template(address)));
    return found;
  }
  return {
    listen, live, definition,
    /** @param {any} value */
    isKeyed: (value) => Array.isArray(value) && value[0] !== 0 && definition(value[0]) === 2,
    /** @param {number} address @param {Node} parent where it is going to stand */
    template(address, parent) {
      const ns = foreign(parent);
      let found = templates[ns].get(address);
      if (!found) templates[ns].set(address, (found = makeTemplate(definition(address), ns)));
      return found;
    },
    /** A reference number is not used any more. @param {number} reference */
    drop(reference) {
      const end = dead.length;
      if (end && dead[end - 2] + dead[end - 1] === reference) dead[end - 1]++;
      else dead.push(reference, 1);
    },
    /** Those of which the kernel was not told. */
    takeDead: () => dead.splice(0),
    count: () => templates[""].size + templates.svg.size + templates.math.size,
  };
}
