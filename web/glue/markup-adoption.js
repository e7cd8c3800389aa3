// Adoption: the DOM adapter (markup.js) takes over markup that is in the page already, as the server's HTML has made it.
// It is walked beside the templates. Texts that the parser put together, and places that need a node of their own, are
// only noted: nothing is written until something changes.

import { parse } from "./dom.js";
import { kRawText, kSpread, targets } from "./markup-template.js";
import { awaitChoice } from "./markup-write.js";

/** @param {ReturnType<import("./markup-tables.js").makeTables>} tables @param {ReturnType<import("./markup-items.js").makeItems>} items
 *  @returns {new (parent: Node) => any} */
export function makeAdoption(tables, { Block, Dynamic, Slot, Raw, Attribute, handle }) {
  class Adoption {
    /** @param {Node} parent */
    constructor(parent) {
      /** @type {any} */
      this.parent = parent;
      /** @type {any} */
      this.node = parent.firstChild;
      this.offset = 0;
      /** @type {{text: any, before: any, parent: any, pieces: [number, (node: any) => void][]} | null} */
      this.run = null;
      /** @type {any[]} */
      this.runs = [];
    }
    fail(/** @type {string} */ expected) {
      const { node } = this;
      const found = !node ? "the end" : node.nodeType === 1 ? `<${node.localName}>` : node.nodeType === 3 ? JSON.stringify(node.data.slice(this.offset, this.offset + 40)) : "a comment";
      throw new Error(`expected ${expected} in <${this.parent.localName}>, the page has ${found}`);
    }
    /** @param {string} text @param {(node: any) => void} use */
    takeText(text, use) {
      const length = text.length;
      if (!this.run) {
        this.run = { text: this.node?.nodeType === 3 ? this.node : null, before: this.node, parent: this.parent, pieces: [] };
        this.runs.push(this.run);
      }
      if (length) {
        if (this.node?.nodeType !== 3 || !this.node.data.startsWith(text, this.offset)) this.fail(JSON.stringify(text.slice(0, 40)));
        if (!this.run.text) this.run.text = this.node;
        this.offset += length;
      }
      this.run.pieces.push([length, use]);
    }
    /** Leaves the run of texts. */
    settle() {
      if (this.run?.text) {
        if (this.offset < this.run.text.data.length) this.fail("no more text");
        this.node = this.run.text.nextSibling;
      }
      this.run = null;
      this.offset = 0;
    }
    /** @param {string} name */
    takeElement(name) {
      this.settle();
      if (this.node?.nodeType !== 1 || this.node.localName !== name) this.fail(`<${name}>`);
      const element = this.node;
      this.node = element.nextSibling;
      return element;
    }
    takeComment() {
      this.settle();
      if (this.node?.nodeType !== 8) this.fail("a comment");
      this.node = this.node.nextSibling;
    }
    /** @template T @param {Node} parent @param {() => T} inside @returns {T} */
    within(parent, inside) {
      const saved = [this.parent, this.node, this.offset, this.run];
      this.parent = parent;
      this.node = parent.firstChild;
      this.offset = 0;
      this.run = null;
      const result = inside();
      this.settle();
      if (this.node) this.fail("the end");
      [this.parent, this.node, this.offset, this.run] = /** @type {any} */ (saved);
      return result;
    }
    /** Splits texts and puts in the missing ones. Later. */
    finish() {
      for (const { text, before, parent, pieces } of this.runs) {
        let rest = text, end = text ? null : before;
        let last = pieces.length - 1;
        while (last >= 0 && !pieces[last][0]) last--;
        pieces.forEach((/** @type {[number, (node: any) => void]} */ [length, use], /** @type {number} */ i) => {
          if (!length) return use(parent.insertBefore(document.createTextNode(""), rest ?? end));
          const node = rest;
          if (i === last) end = node.nextSibling;
          rest = i === last ? null : node.splitText(length);
          use(node);
        });
      }
    }
    /** @param {any} value @returns {any} */
    item(value) {
      if (tables.isKeyed(value)) {
        const item = this.item(value[2]);
        item.key = value[1];
        return item;
      }
      if (Array.isArray(value) && value[0]) {
        const address = value[0];
        if (tables.definition(address) === 1) return this.dynamic(value);
        return this.block(value, address);
      }
      if (value && typeof value === "object" && "r" in value) {
        const item = Object.create(Raw.prototype);
        const content = [...parse(value.r).childNodes];
        item.html = value.r;
        if (!content.length) this.takeText("", (node) => (item.start = item.last = node));
        content.forEach((/** @type {any} */ node, i) => {
          const use = (/** @type {any} */ found) => {
            if (i === 0) item.start = found;
            if (i === content.length - 1) item.last = found;
          };
          if (node.nodeType === 1) use(this.takeElement(node.localName));
          else if (node.nodeType === 3) this.takeText(node.data, use);
          else this.takeComment();
        });
        return item;
      }
      return this.slot(value);
    }
    /** @param {any} value */
    slot(value) {
      const slot = new Slot(/** @type {any} */ (null));
      if (value && typeof value === "object" && !Array.isArray(value) && "l" in value) {
        slot.ref = value.l;
        tables.live.set(value.l, slot);
        value = value.v;
        if (value && typeof value === "object" && !Array.isArray(value) && "l" in value) value = [0, value];
      }
      const use = (/** @type {any} */ node) => (slot.anchor = node);
      if (typeof value === "string") this.takeText(value, use);
      else {
        if (Array.isArray(value) && value[0] === 0) slot.list = value.slice(1).map((each) => this.item(each));
        else if (value && typeof value === "object") slot.item = this.item(value);
        this.takeText("", use);
      }
      return slot;
    }
    /** @param {any[]} value */
    dynamic(value) {
      const item = Object.create(Dynamic.prototype);
      item.tag = value[1];
      item.address = value[0];
      item.element = this.takeElement(value[1]);
      item.slot = this.within(item.element, () => this.slot(value[2]));
      item.attributes = {};
      for (const [name, each] of Object.entries(Object.assign({}, ...value.slice(3).map((part) => part?.a))))
        item.attributes[name] = adoptValue(item.element, name, each);
      return item;
    }
    /** @param {any[]} value @param {number} address */
    block(value, address) {
      const template = tables.template(address, this.parent);
      /** @type {any[]} */
      const nodes = [];
      const block = new Block(template, value, nodes, null, null, undefined);
      const holes = new Map();
      const { root } = template;
      const marks = targets(template, root);
      template.places.forEach((/** @type {number} */ at, /** @type {number} */ hole) => holes.set(marks[at], [...(holes.get(marks[at]) ?? []), hole]));
      const visit = (/** @type {any} */ mark) => {
        const at = marks.indexOf(mark);
        const use = (/** @type {any} */ node) => {
          if (at >= 0) nodes[at] = node;
          if (mark === template.content.firstChild) block.start = node;
          if (mark === template.content.lastChild) block.last = node;
        };
        if (mark.nodeType === 1) {
          const element = this.takeElement(mark.localName);
          use(element);
          const text = template.texts.find((/** @type {any} */ [place]) => place === at);
          if (text) {
            // Its values are there.
          } else this.within(element, () => mark.childNodes.forEach(visit));
          for (const hole of holes.get(mark) ?? []) {
            if (template.kinds[hole] === kRawText) continue;
            const given = value[hole + 1], name = template.names[hole];
            value[hole + 1] = template.kinds[hole] === kSpread
              ? Object.fromEntries(Object.entries(given?.a ?? {}).map(([each, v]) => [each, adoptValue(element, each, v)]))
              : typeof given === "number" ? given : adoptValue(element, name, given);
          }
        } else if (mark.nodeType === 3 && holes.has(mark)) {
          const hole = holes.get(mark)[0], given = value[hole + 1];
          if (given === null || given === true) {
            value[hole + 1] = null;
            this.takeText("", use);
          } else if (typeof given === "string") {
            this.takeText(given, use);
          } else {
            const slot = this.slot(given);
            value[hole + 1] = slot;
            // The anchor is the node of the hole.
            const { run } = this;
            const piece = run?.pieces.at(-1);
            if (piece) {
              const first = piece[1];
              piece[1] = (node) => { first(node); use(node); };
            }
          }
        } else if (mark.nodeType === 3) {
          if (mark.data) this.takeText(mark.data, use);
          else this.takeText("", use);
        } else if (mark.nodeType === 8) this.takeComment();
      };
      (template.single ? [root] : [...root.childNodes]).forEach(visit);
      block.listen();
      return block;
    }
  }

  /** @param {any} element @param {string} name @param {any} value @returns {any} what to remember */
  function adoptValue(element, name, value) {
    if (typeof value === "number") {
      handle(element, name.slice(3), value);
      return value;
    }
    if (value && typeof value === "object") {
      if (typeof value.v === "number") handle(element, name.slice(3), value.v);
      return new Attribute(element, name, value.l, value.v);
    }
    if (name === "value" && element.localName === "select" && typeof value === "string") awaitChoice(element, value);
    return value;
  }
  return Adoption;
}
