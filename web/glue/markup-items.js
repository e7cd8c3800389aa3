// What the DOM adapter (markup.js) shows: instances of templates, computed elements, places for children. Each item knows
// its nodes and the values that are shown, and writes what is another value.

import { parse } from "./dom.js";
import { drop, patchKeyed, patchRuns } from "./markup-keyed.js";
import { foreign, kNamespaces, kRawText, kSpread, kText, targets } from "./markup-template.js";
import { moveNodes, removeNodes, write } from "./markup-write.js";

/** Handlers of an element that no template speaks of: reference numbers by event. */
const kHandlers = Symbol("sx handlers");
/** The instance whose handlers an element has. */
const kBlock = Symbol("sx block");

/** The number of an element's handler for an event. @param {any} node @param {string} type @returns {number | undefined} */
export const handlerOf = (node, type) => node[kBlock]?.handler(node, type) ?? node[kHandlers]?.[type];

/** @param {ReturnType<import("./markup-tables.js").makeTables>} tables */
export function makeItems(tables) {
  /** An instance: its template, its nodes, what is shown in each hole behind the template's address, first and last node. */
  class Block {
    /** @param {import("./markup-template.js").Template} template @param {any[]} values [T, hole…], kept @param {any[]} nodes
     *  @param {any} start @param {any} last @param {any} key */
    constructor(template, values, nodes, start, last, key) {
      this.template = template;
      this.address = values[0];
      this.values = values;
      this.nodes = nodes;
      this.start = start;
      this.last = last;
      this.key = key;
    }
    first() {
      const { template, start } = this;
      if (template.single || start.nodeType !== 3) return start;
      const slot = this.values[1 + template.places.indexOf(this.nodes.indexOf(start))];
      return slot instanceof Slot ? slot.first() : start;
    }
    /** Puts the values into fresh nodes. */
    fill() {
      const { template: { kinds, names, places, styles }, values, nodes } = this;
      for (const [at, text] of styles) nodes[at].style.cssText = text;
      for (let i = 0; i < kinds.length; i++) {
        const value = values[i + 1], kind = kinds[i];
        if (places[i] < 0) continue;
        if (kind === kText) {
          if (typeof value === "string") nodes[places[i]].data = value;
          else if (value !== null) (values[i + 1] = new Slot(nodes[places[i]])).set(value);
        } else if (kind === kRawText) this.rawText(i, places[i]);
        else if (value !== null) values[i + 1] = this.attribute(nodes[places[i]], names[i], kind, value, undefined);
      }
      this.listen();
    }
    /** Lets its elements lead to their handlers. */
    listen() {
      for (const [hole, at, type] of this.template.events) {
        if (typeof this.values[hole + 1] !== "number") continue;
        this.nodes[at][kBlock] = this;
        tables.listen(type);
      }
    }
    /** @param {any} node @param {string} type */
    handler(node, type) {
      for (const [hole, at, name] of this.template.events)
        if (name === type && this.nodes[at] === node && typeof this.values[hole + 1] === "number") return this.values[hole + 1];
      return undefined;
    }
    /** @param {any[]} value [T, hole…] */
    patch(value) {
      const { kinds, names, places, events } = this.template, { values, nodes } = this;
      for (let i = 0; i < kinds.length; i++) {
        const now = value[i + 1], old = values[i + 1], node = nodes[places[i]], kind = kinds[i];
        if (now === old || places[i] < 0) continue;
        if (kind === kText) {
          if ((now === null || typeof now === "string") && !(old instanceof Slot)) {
            node.data = now ?? "";
            values[i + 1] = now;
          } else (old instanceof Slot ? old : (values[i + 1] = new Slot(node))).set(now);
        } else if (kind === kRawText) {
          values[i + 1] = now;
          this.rawText(i, places[i]);
        } else values[i + 1] = this.attribute(node, names[i], kind, now, old);
      }
      if (events.length) this.listen();
    }
    /** The text of an element that holds nothing else, once with the last of its holes. @param {number} hole @param {number} at */
    rawText(hole, at) {
      const node = this.nodes[at], text = this.template.texts.find(([place]) => place === at);
      if (!text || text[1].filter((piece) => typeof piece === "number").pop() !== hole) return;
      const whole = text[1].map((piece) => (typeof piece === "number" ? plainText(this.values[piece + 1]) : piece)).join("");
      if (node.textContent !== whole) node.textContent = whole;
      if (node.localName === "textarea" && node.value !== whole) node.value = whole;
    }
    /** @param {Element} element @param {string} name @param {number} kind @param {any} value @param {any} old @returns {any} what to remember */
    attribute(element, name, kind, value, old) {
      if (kind === kSpread) return setAttributes(element, value?.a ?? {}, old ?? {}, name);
      if (typeof value === "number") {
        // Found by way of the block.
        if (old !== undefined) disposeValue(old);
        return value;
      }
      return setValue(element, name, value, old);
    }
    dispose() {
      const { values } = this;
      for (let i = 1; i < values.length; i++) if (typeof values[i] !== "string" && values[i] !== null) disposeValue(values[i]);
    }
    /** @param {Node} parent @param {Node | null} before */
    move(parent, before) {
      moveNodes(parent, this.first(), this.last, before);
    }
    remove() {
      removeNodes(this.first(), this.last);
    }
  }

  /** The text of a value where only text can stand. @param {any} value @returns {string} */
  const plainText = (value) => {
    if (value === null || value === true || value === undefined) return "";
    if (Array.isArray(value)) return value.slice(1).map(plainText).join("");
    return typeof value === "object" ? plainText(value.v ?? null) : String(value);
  };

  /** A computed element. */
  class Dynamic {
    /** @param {any[]} value [T, tag, children, {a}…] @param {Node} parent */
    constructor(value, parent) {
      const [, tag] = value, ns = tag === "svg" || tag === "math" ? tag : foreign(parent);
      this.tag = tag;
      this.address = value[0];
      this.element = ns ? document.createElementNS(/** @type {any} */ (kNamespaces)[ns], tag) : document.createElement(tag);
      /** @type {Record<string, any>} */
      this.attributes = {};
      const anchor = document.createTextNode("");
      this.element.append(anchor);
      this.slot = new Slot(anchor);
      /** @type {any} */
      this.key = undefined;
    }
    first() {
      return this.element;
    }
    get last() {
      return this.element;
    }
    /** @param {any[]} value */
    patch(value) {
      this.slot.set(value[2]);
      this.attributes = setAttributes(this.element, Object.assign({}, ...value.slice(3).map((each) => each?.a)), this.attributes, "");
    }
    dispose() {
      this.slot.dispose();
      for (const name in this.attributes) disposeValue(this.attributes[name]);
    }
    /** @param {Node} parent @param {Node | null} before */
    move(parent, before) {
      moveNodes(parent, this.element, this.element, before);
    }
    remove() {
      this.element.remove();
    }
  }

  /** @param {any} value */
  function disposeValue(value) {
    if (typeof value === "number") tables.drop(value);
    else if (value instanceof Slot) value.dispose();
    else if (value instanceof Attribute) {
      tables.drop(value.ref);
      tables.live.delete(value.ref);
    } else if (value && typeof value === "object") for (const name in value) disposeValue(value[name]);
  }

  /** Lets go of a value that is not shown, or only in part. @param {any} value */
  function forget(value) {
    if (Array.isArray(value)) for (let i = 1; i < value.length; i++) forget(value[i]);
    else if (value && typeof value === "object" && "l" in value) {
      tables.drop(value.l);
      tables.live.delete(value.l);
      forget(value.v);
    } else if (value && typeof value === "object" && "a" in value) for (const name in value.a) forget(value.a[name]);
    else disposeValue(value);
  }

  /** An attribute whose value changes by itself. */
  class Attribute {
    /** @param {Element} element @param {string} name @param {number} ref @param {any} value */
    constructor(element, name, ref, value) {
      this.element = element;
      this.name = name;
      this.ref = ref;
      this.value = value;
      tables.live.set(ref, this);
    }
    /** @param {any} value {a: {name: value}} */
    set(value) {
      this.value = setValue(this.element, this.name, Object.values(value.a)[0], this.value);
    }
  }

  /** @param {Element} element @param {string} name @param {any} value @param {any} old @returns {any} what to remember */
  function setValue(element, name, value, old) {
    if (typeof value === "number") {
      if (typeof old === "number") tables.drop(old);
      handle(element, name.slice(3), value);
      return value;
    }
    if (value && typeof value === "object") {
      disposeValue(old);
      const made = new Attribute(element, name, value.l, null);
      made.value = setValue(element, name, value.v, undefined);
      return made;
    }
    if (typeof old === "number") {
      tables.drop(old);
      handle(element, name.slice(3), undefined);
    } else if (value !== old) {
      if (old instanceof Attribute) disposeValue(old);
      if (value !== null || old !== undefined) write(element, name, value, old === undefined);
    }
    return value;
  }

  /** @param {Element} element @param {Record<string, any>} now @param {Record<string, any>} before @param {string} written names that win */
  function setAttributes(element, now, before, written) {
    const fixed = written ? written.toLowerCase().split(" ") : [];
    /** @type {Record<string, any>} */
    const kept = {};
    for (const name in before) if (!(name in now)) {
      disposeValue(before[name]);
      if (typeof before[name] === "number") handle(element, name.slice(3), undefined);
      else write(element, name, null, false);
    }
    for (const name in now) if (!fixed.includes(name.toLowerCase())) kept[name] = setValue(element, name, now[name], before[name]);
    return kept;
  }

  /** @param {any} element @param {string} type @param {number | undefined} ref */
  function handle(element, type, ref) {
    (element[kHandlers] ??= {})[type] = ref;
    tables.listen(type);
  }

  // --- children that change -----------------------------------------------------------------------------------------

  /** A place for children, before a text node of its own. Shows a text in it, one item, or a list of items. */
  class Slot {
    /** @param {Text} anchor */
    constructor(anchor) {
      this.anchor = anchor;
      /** @type {string | null | undefined} */
      this.text = undefined;
      /** @type {any} */
      this.item = null;
      /** @type {any[] | null} */
      this.list = null;
      /** @type {number | undefined} */
      this.ref = undefined;
      /** @type {any} */
      this.key = undefined;
    }
    /** @returns {Node} */
    first() {
      if (this.item) return this.item.first();
      if (this.list?.length) return this.list[0].first();
      return this.anchor;
    }
    get last() {
      return this.anchor;
    }
    /** @param {any} value */
    set(value) {
      if (value && typeof value === "object" && !Array.isArray(value) && "l" in value) {
        if (this.ref !== value.l) {
          this.release();
          this.ref = value.l;
          tables.live.set(value.l, this);
        }
        return this.show(value.v);
      }
      this.release();
      this.show(value);
    }
    release() {
      if (this.ref === undefined) return;
      tables.drop(this.ref);
      tables.live.delete(this.ref);
      this.ref = undefined;
    }
    /** @param {any} value */
    show(value) {
      if (value && typeof value === "object" && !Array.isArray(value) && "l" in value) {
        // Something that changes inside of something that changes: an item of its own.
        value = [0, value];
      }
      if (value === null || value === true || value === undefined || typeof value === "string" || typeof value === "number") {
        if (typeof value === "number") tables.drop(value);
        this.clear();
        const text = typeof value === "string" ? value : "";
        if (this.anchor.data !== text) this.anchor.data = text;
        return;
      }
      if (this.anchor.data) this.anchor.data = "";
      if (!Array.isArray(value) && !("r" in value)) return this.clear();
      if (Array.isArray(value) && value[0] === 0) return this.showList(value);
      if (this.list) this.clear();
      const parent = /** @type {Node} */ (this.anchor.parentNode);
      this.item = this.item ? patchItem(this.item, value, parent) : insertItem(value, parent, this.anchor);
    }
    /** @param {any[]} value [0, item…] */
    showList(value) {
      if (this.item) this.clear();
      const parent = /** @type {Node} */ (this.anchor.parentNode);
      const old = this.list ?? [];
      if (value.length > 1 && tables.isKeyed(value[1])) this.list = patchKeyed(items, old, value, parent, this.anchor);
      else {
        const shown = [];
        const shared = Math.min(old.length, value.length - 1);
        for (let i = 0; i < shared; i++) shown.push(patchItem(old[i], value[i + 1], parent));
        drop(old, shared, old.length);
        appendItems(shown, value, shared + 1, parent, this.anchor);
        this.list = shown;
      }
    }
    /** The list is made of these now. @param {number[]} runs @param {any[]} values @param {any[]} changed places and values, in turns */
    edit(runs, values, changed) {
      const parent = /** @type {Node} */ (this.anchor.parentNode);
      if (this.item) this.clear();
      this.list = patchRuns(items, this.list ?? [], runs, values, parent, this.anchor);
      for (let i = 0; i < changed.length; i += 2) this.list[changed[i]] = patchItem(this.list[changed[i]], changed[i + 1], parent);
    }
    clear() {
      if (this.item) {
        this.item.dispose();
        this.item.remove();
        this.item = null;
      }
      if (this.list) {
        drop(this.list, 0, this.list.length);
        this.list = null;
      }
    }
    dispose() {
      this.release();
      this.item?.dispose();
      for (const item of this.list ?? []) item.dispose();
    }
    // As an item of a list.
    /** @param {Node} parent @param {Node | null} before */
    move(parent, before) {
      moveNodes(parent, this.first(), this.anchor, before);
    }
    remove() {
      removeNodes(this.first(), this.anchor);
    }
  }

  /** Markup that was made as HTML. */
  class Raw {
    /** @param {string} html */
    constructor(html) {
      this.html = html;
      this.content = parse(html);
      if (!this.content.firstChild) this.content.append("");
      this.start = /** @type {Node} */ (this.content.firstChild);
      this.last = /** @type {Node} */ (this.content.lastChild);
      /** @type {any} */
      this.key = undefined;
    }
    first() {
      return this.start;
    }
    dispose() {}
    /** @param {Node} parent @param {Node | null} before */
    move(parent, before) {
      moveNodes(parent, this.start, this.last, before);
    }
    remove() {
      removeNodes(this.start, this.last);
    }
  }

  /** @param {any} parent */
  const home = (parent) => (parent.nodeType === 11 ? parent.home : parent);
  /** A fragment whose nodes will be children of parent. @param {Node} parent */
  const fragmentFor = (parent) => Object.assign(document.createDocumentFragment(), { home: home(parent) });

  /** Makes an item; its nodes stand in a fragment or are one node. @param {any} value @param {Node} parent the coming one
   *  @param {any} [key] @returns {[any, Node]} */
  function make(value, parent, key) {
    if (Array.isArray(value) && value[0]) {
      const address = value[0], found = tables.definition(address);
      if (found === 2) return make(value[2], parent, value[1]);
      if (found === 1) {
        const item = new Dynamic(value, parent);
        item.patch(value);
        item.key = key;
        return [item, item.element];
      }
      const template = tables.template(address, parent);
      const root = /** @type {any} */ (template.root.cloneNode(true));
      if (!template.single) root.home = home(parent);
      const item = template.single ? new Block(template, value, targets(template, root), root, root, key)
        : new Block(template, value, targets(template, root), root.firstChild, root.lastChild, key);
      item.fill();
      return [item, root];
    }
    if (value && typeof value === "object" && !Array.isArray(value) && "r" in value) {
      const item = new Raw(/** @type {string} */ (value.r));
      item.key = key;
      return [item, item.content];
    }
    const anchor = document.createTextNode(""), fragment = fragmentFor(parent);
    fragment.append(anchor);
    const slot = new Slot(anchor);
    slot.key = key;
    slot.set(value);
    return [slot, fragment];
  }

  /** @param {any} value @param {Node} parent @param {Node | null} before */
  function insertItem(value, parent, before) {
    const [item, node] = make(value, parent);
    parent.insertBefore(node, before);
    return item;
  }

  /** @param {any[]} shown @param {any[]} values @param {number} from @param {Node} parent @param {Node | null} before */
  function appendItems(shown, values, from, parent, before) {
    if (from >= values.length) return;
    const fragment = document.createDocumentFragment();
    for (let i = from; i < values.length; i++) {
      const [item, node] = make(values[i], parent);
      shown.push(item);
      fragment.appendChild(node);
    }
    parent.insertBefore(fragment, before);
  }

  /** The item showing the value: the same one where it can. @param {any} item @param {any} value @param {Node} parent @returns {any} */
  function patchItem(item, value, parent) {
    if (tables.isKeyed(value)) {
      if (item.key === value[1]) {
        const next = patchItem(item, value[2], parent);
        next.key = value[1];
        return next;
      }
    } else if (Array.isArray(value) && value[0]) {
      if (item.address === value[0] && (!(item instanceof Dynamic) || item.tag === value[1])) {
        item.patch(value);
        return item;
      }
    } else if (item instanceof Slot) {
      item.set(value);
      return item;
    } else if (item instanceof Raw && value?.r === item.html) return item;
    const next = insertItem(value, parent, item.first());
    item.dispose();
    item.remove();
    return next;
  }

  const items = { Block, Dynamic, Slot, Raw, Attribute, make, insertItem, patchItem, handle, forget };
  return items;
}
