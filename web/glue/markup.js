// The DOM adapter: instances of templates, as dom/encode (engine/prim/prim_dom.cpp) writes them, become nodes. A template
// is parsed once and cloned for each instance; afterwards only holes whose value changed are written. What is shown is in
// markup-items.js, lists in markup-keyed.js, templates in markup-template.js, what came with the page in markup-adoption.js.
// docs/decisions/dom-adapter.md

import { makeAdoption } from "./markup-adoption.js";
import { makeItems } from "./markup-items.js";
import { makeTables } from "./markup-tables.js";
import { settleLate } from "./markup-write.js";

/** @param {{template(address: number): any}} kernel @param {(type: string) => void} listen to an event for handlers */
export function makeAdapter(kernel, listen) {
  const tables = makeTables(kernel, listen);
  const items = makeItems(tables);
  const { Slot, forget } = items, Adoption = makeAdoption(tables, items);
  /** @type {(() => void)[]} what adoption left to be done before the first change */
  let pending = [];
  /** @type {Map<number, any>} mounted trees by number */
  const roots = new Map();

  /** By name; the arguments are what follows it. @type {Record<string, (...args: any[]) => void>} */
  const commands = {
    /** @param {any} parent @param {string} root @param {any} value */
    mount(parent, root, value) {
      const anchor = document.createTextNode("");
      roots.get(Number(root))?.dispose();
      parent.replaceChildren(anchor);
      const slot = new Slot(anchor);
      roots.set(Number(root), slot);
      slot.set(value);
    },
    // What is not shown any more may change once more.
    set(reference, value) {
      const target = tables.live.get(Number(reference));
      if (target instanceof Slot) target.show(value);
      else if (target) target.set(value);
      else forget(value);
    },
    /** @param {string} reference @param {string} runs @param {any[] | null} made [0, value…] @param {any[] | null} changed [0, place, value…] */
    rows(reference, runs, made, changed) {
      const slot = tables.live.get(Number(reference));
      if (slot) slot.edit(runs ? runs.split(",").map(Number) : [], made ? made.slice(1) : [], changed ? changed.slice(1) : []);
      else [made, changed].forEach(forget);
    },
    unmount(root, empty) {
      const slot = roots.get(Number(root));
      roots.delete(Number(root));
      slot?.dispose();
      if (empty) slot?.clear();
    },
  };

  /** @param {any} parent @param {string} root @param {any} value @returns {string | undefined} why it is not the markup in the page */
  function adopt(parent, root, value) {
    const adoption = new Adoption(parent);
    try {
      const slot = adoption.within(parent, () => adoption.slot(value));
      roots.set(Number(root), slot);
      pending.push(() => adoption.finish());
      return undefined;
    } catch (error) {
      forget(value);
      return /** @type {Error} */ (error).message;
    }
  }

  return {
    /** Carries out commands, each [0, "what", …].
     *  @param {any[]} given @param {(handle: number) => any} nodeOf @returns {{dead: number[], failed?: string}} */
    apply(given, nodeOf) {
      let failed;
      for (const [, what, first, ...rest] of given) {
        if (what === "adopt") {
          failed = adopt(nodeOf(Number(first)), rest[0], rest[1]) ?? failed;
          continue;
        }
        for (const work of pending.splice(0)) work();
        commands[what](what === "mount" ? nodeOf(Number(first)) : first, ...rest);
      }
      settleLate();
      return { dead: tables.takeDead(), failed };
    },
    /** What is alive, for tests and the debugger. */
    counts: () => ({ live: tables.live.size, roots: roots.size, templates: tables.count() }),
  };
}
