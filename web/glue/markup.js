// The DOM adapter: instances of templates, as dom/encode (engine/prim/prim_dom.cpp) writes them, become nodes. A template
// is parsed once and cloned for each instance; afterwards only holes whose value changed are written.
// docs/decisions/dom-adapter.md

import { parse } from "./dom.js";

/** @typedef {null | true | string | number | any[] | {r?: string, l?: number, v?: Value, a?: Record<string, any>}} Value */

const kText = 1, kSpread = 5, kRawText = 6;  // of TemplateOp
const kTake = 0, kDown = 1, kRight = 2, kUp = 3;  // steps of a walk
const kNamespaces = { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" };
const kXlink = "http://www.w3.org/1999/xlink";
/** Where handlers of an element are kept: reference numbers by event. */
export const kHandlers = Symbol("sx handlers");
/** What waits until the children are there. */
const kLate = /** @type {(() => void)[]} */ ([]);

/** @typedef {{html: boolean, content: DocumentFragment, single: boolean, kinds: number[], names: string[], walk: number[],
 *  slots: number, styles: [number, string][], texts: [number, (string | number)[]][], svg: string}} Template */

/** @param {{template(address: number): any}} kernel @param {(type: string) => void} listen to an event for handlers */
export function makeAdapter(kernel, listen) {
  /** @type {Map<number, any>} definitions: 1 a computed element, 2 a keyed child, or parts */
  const definitions = new Map();
  /** @type {Map<string, Template>} */
  const templates = new Map();
  /** @type {Map<number, Slot | Attribute>} what changes by reference */
  const live = new Map();
  /** @type {number[]} references that mean nothing any more */
  let dead = [];
  /** @type {(() => void)[]} what adoption left to be done before the first change */
  let pending = [];
  let keyedAt = 0;

  /** @param {number} address */
  function definition(address) {
    let found = definitions.get(address);
    if (found === undefined) {
      definitions.set(address, (found = kernel.template(address)));
      if (found === 2) keyedAt = address;
    }
    return found;
  }
  /** @param {Value} value */
  const isKeyed = (value) => Array.isArray(value) && (value[0] === keyedAt || (value[0] && definition(value[0]) === 2));

  // --- templates --------------------------------------------------------------------------------------------------

  /** @param {number} address @param {Node} parent @returns {Template} */
  function templateFor(address, parent) {
    const ns = foreign(parent);
    const key = ns ? address + ns : String(address);
    let found = templates.get(key);
    if (!found) templates.set(key, (found = makeTemplate(definition(address), ns)));
    return found;
  }

  /** @param {Node} parent @returns {"" | "svg" | "math"} the language of children */
  function foreign(parent) {
    const { namespaceURI, localName } = /** @type {any} */ (parent.nodeType === 11 ? /** @type {any} */ (parent).home : parent);
    if (namespaceURI === kNamespaces.svg && localName !== "foreignObject") return "svg";
    return namespaceURI === kNamespaces.math ? "math" : "";
  }

  /** @param {any[]} parts @param {"" | "svg" | "math"} ns @returns {Template} */
  function makeTemplate(parts, ns) {
    const kinds = [], names = [];
    let html = "";
    for (let i = 0; i < parts.length; i += 2) {
      const op = parts[i];
      if (op === 0) html += parts[i + 1];
      else {
        html += op === kText || op === kRawText ? `<!--sx:${kinds.length}-->` : ` sx:${kinds.length}=""`;
        kinds.push(op);
        names.push(parts[i + 1]);
      }
    }
    let content = parse(ns ? `<${ns}>${html}</${ns}>` : html);
    if (ns) {
      const inner = document.createDocumentFragment();
      inner.append(.../** @type {Element} */ (content.firstChild).childNodes);
      content = inner;
    }
    if (!content.firstChild) content.append("");
    // Where each hole stands: the numbers of the nodes in document order are turned into steps of a walk.
    /** @type {Map<Node, number[]>} */
    const at = new Map();
    /** @type {[Node, string][]} */
    const styled = [];
    /** @type {[Element, (string | number)[]][]} */
    const plain = [];
    const walker = document.createTreeWalker(content);
    const note = (/** @type {Node} */ node, /** @type {number} */ hole) => at.set(node, [...(at.get(node) ?? []), hole]);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === 8 && /^sx:\d+$/.test(node.nodeValue ?? "")) {
        const text = document.createTextNode("");
        node.parentNode?.replaceChild(text, node);
        walker.currentNode = text;
        note(text, Number(node.nodeValue?.slice(3)));
      } else if (node.nodeType === 1) {
        const element = /** @type {Element} */ (node);
        for (const { name } of [...element.attributes])
          if (name.startsWith("sx:")) {
            element.removeAttribute(name);
            note(element, Number(name.slice(3)));
          } else if (name === "style") {
            styled.push([element, element.getAttribute("style") ?? ""]);
            element.removeAttribute("style");  // set through CSSOM: the page's policy forbids it as an attribute
          }
        // Elements whose content is text to the parser.
        if (/^(textarea|title|xmp)$/.test(element.localName) && /<!--sx:\d+-->/.test(element.textContent ?? "")) {
          plain.push([element, (element.textContent ?? "").split(/<!--sx:(\d+)-->/).map((part, i) => (i % 2 ? Number(part) : part))]);
          element.textContent = "";
        }
      }
    }
    const walk = [], order = new Map();
    const single = content.childNodes.length === 1 && content.firstChild?.nodeType === 1;
    const root = single ? /** @type {Node} */ (content.firstChild) : content;
    const wanted = [...new Set([...at.keys(), ...styled.map(([node]) => node), ...plain.map(([node]) => node)])]
      .sort((a, b) => (a.compareDocumentPosition(b) & 4 ? -1 : 1));
    /** @type {Node[]} */
    let path = [];
    for (const node of wanted) {
      const chain = [];
      for (let n = node; n !== root; n = /** @type {Node} */ (n.parentNode)) chain.unshift(n);
      let shared = 0;
      while (shared < chain.length && path[shared] === chain[shared]) shared++;
      /** @type {Node | null | undefined} */
      let from;
      if (path.length > shared) {
        for (let depth = path.length - shared - 1; depth > 0; depth--) walk.push(kUp);
        from = path[shared];
      }
      for (let depth = shared; depth < chain.length; depth++) {
        if (!from) {
          walk.push(kDown);
          from = chain[depth].parentNode?.firstChild;
        }
        for (; from !== chain[depth]; from = from?.nextSibling) walk.push(kRight);
        from = null;
      }
      path = chain;
      walk.push(kTake);
      order.set(node, order.size);
    }
    const slotOf = (/** @type {Node} */ node) => order.get(node);
    const places = kinds.map(() => -1);
    for (const [node, holes] of at) for (const hole of holes) places[hole] = slotOf(node);
    const texts = plain.map(([node, pieces]) => {
      for (const piece of pieces) if (typeof piece === "number") { places[piece] = slotOf(node); kinds[piece] = kRawText; }
      return /** @type {[number, any[]]} */ ([slotOf(node), pieces]);
    });
    return /** @type {any} */ ({
      content, single, kinds, names, walk, places, texts, svg: ns,
      styles: styled.map(([node, text]) => [slotOf(node), text]),
    });
  }

  /** The nodes of a fresh clone, or of an adopted tree, in the order of the walk. @param {any} template @param {Node} root */
  function targets(template, root) {
    /** @type {any[]} */
    const found = [];
    /** @type {any} */
    let node = root;
    for (const step of template.walk) {
      if (step === kTake) found.push(node);
      else if (step === kDown) node = node.firstChild;
      else if (step === kRight) node = node.nextSibling;
      else node = node.parentNode;
    }
    return found;
  }

  // --- instances --------------------------------------------------------------------------------------------------

  /** An instance: its template, the node and the value of each hole, and its first and last node. */
  class Block {
    /** @param {any} template @param {number} address @param {Node[]} nodes @param {any} first @param {any} last */
    constructor(template, address, nodes, first, last) {
      this.template = template;
      this.address = address;
      this.nodes = nodes;
      /** @type {any[]} */
      this.values = [];
      this.start = first;
      this.last = last;
    }
    first() {
      const { template, start } = this;
      if (template.single || start.nodeType !== 3) return start;
      const slot = this.values[template.places.indexOf(this.nodes.indexOf(start))];
      return slot instanceof Slot ? slot.first() : start;
    }
    /** @param {any[]} value [T, hole…] */
    patch(value) {
      for (let i = 0; i < this.template.kinds.length; i++) this.hole(i, value[i + 1]);
    }
    /** @param {number} i @param {any} value */
    hole(i, value) {
      const { template, values } = this, old = values[i];
      if (value === old && value !== undefined) return;
      const at = template.places[i], node = /** @type {any} */ (this.nodes[at]);
      if (at < 0) return;
      const kind = template.kinds[i];
      if (kind === kText) {
        if ((value === null || typeof value === "string") && !(old instanceof Slot)) {
          if (old !== undefined || value) node.data = value ?? "";
          values[i] = value;
        } else {
          const slot = old instanceof Slot ? old : (values[i] = new Slot(node));
          slot.set(value);
        }
      } else if (kind === kRawText) {
        values[i] = value;
        // Once, with the last of the holes.
        const text = template.texts.find((/** @type {any} */ [place]) => place === at);
        if (text && text[1].filter((/** @type {any} */ piece) => typeof piece === "number").pop() === i) {
          const whole = text[1].map((/** @type {any} */ piece) => (typeof piece === "number" ? plainText(values[piece]) : piece)).join("");
          if (node.textContent !== whole) node.textContent = whole;
          if (node.localName === "textarea" && node.value !== whole) node.value = whole;
        }
      } else {
        values[i] = this.attribute(node, template.names[i], kind, value, old);
      }
    }
    /** @param {Element} element @param {string} name @param {number} kind @param {any} value @param {any} old @returns {any} what to remember */
    attribute(element, name, kind, value, old) {
      if (kind === kSpread) return setAttributes(element, value?.a ?? {}, old ?? {}, name);
      return setValue(element, name, value, old);
    }
    dispose() {
      for (const value of this.values) disposeValue(value);
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
    if (typeof value === "number") dead.push(value);
    else if (value instanceof Slot) value.dispose();
    else if (value instanceof Attribute) {
      dead.push(value.ref);
      live.delete(value.ref);
    } else if (value && typeof value === "object") for (const name in value) disposeValue(value[name]);
  }

  /** An attribute whose value changes by itself. */
  class Attribute {
    /** @param {Element} element @param {string} name @param {number} ref @param {any} value */
    constructor(element, name, ref, value) {
      this.element = element;
      this.name = name;
      this.ref = ref;
      this.value = setValue(element, name, value, undefined);
      live.set(ref, this);
    }
    /** @param {any} value {a: {name: value}} */
    set(value) {
      this.value = setValue(this.element, this.name, Object.values(value.a)[0], this.value);
    }
  }

  /** @param {Element} element @param {string} name @param {any} value @param {any} old @returns {any} what to remember */
  function setValue(element, name, value, old) {
    if (typeof value === "number") {
      if (typeof old === "number") dead.push(old);
      handle(element, name.slice(3), value);
      return value;
    }
    if (value && typeof value === "object") {
      disposeValue(old);
      return new Attribute(element, name, value.l, value.v);
    }
    if (typeof old === "number") {
      dead.push(old);
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
    listen(type);
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
          live.set(value.l, this);
        }
        return this.show(value.v);
      }
      this.release();
      this.show(value);
    }
    release() {
      if (this.ref === undefined) return;
      dead.push(this.ref);
      live.delete(this.ref);
      this.ref = undefined;
    }
    /** @param {any} value */
    show(value) {
      if (value && typeof value === "object" && !Array.isArray(value) && "l" in value) {
        // Something that changes inside of something that changes: an item of its own.
        value = [0, value];
      }
      if (value === null || value === true || value === undefined || typeof value === "string" || typeof value === "number") {
        if (typeof value === "number") dead.push(value);
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
      if (value.length > 1 && isKeyed(value[1])) this.list = patchKeyed(old, value, parent, this.anchor);
      else {
        const items = [];
        const shared = Math.min(old.length, value.length - 1);
        for (let i = 0; i < shared; i++) items.push(patchItem(old[i], value[i + 1], parent));
        this.drop(old, shared);
        appendItems(items, value, shared + 1, parent, this.anchor);
        this.list = items;
      }
    }
    /** Takes the items from `from` on away. @param {any[]} items @param {number} from */
    drop(items, from) {
      if (from >= items.length) return;
      for (let i = from; i < items.length; i++) items[i].dispose();
      removeNodes(items[from].first(), items[items.length - 1].last);
    }
    clear() {
      if (this.item) {
        this.item.dispose();
        this.item.remove();
        this.item = null;
      }
      if (this.list) {
        this.drop(this.list, 0);
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

  /** Makes an item; its nodes stand in a fragment or are one node. @param {any} value @param {Node} parent the coming one @returns {[any, Node]} */
  function make(value, parent) {
    if (isKeyed(value)) {
      const [item, node] = make(value[2], parent);
      item.key = value[1];
      return [item, node];
    }
    if (Array.isArray(value) && value[0]) {
      const address = value[0];
      if (definition(address) === 1) {
        const item = new Dynamic(value, parent);
        item.patch(value);
        return [item, item.element];
      }
      const template = /** @type {any} */ (templateFor(address, parent));
      const root = (template.single ? template.content.firstChild : template.content).cloneNode(true);
      if (!template.single) root.home = home(parent);
      const nodes = targets(template, root);
      const item = new Block(template, address, nodes, template.single ? root : root.firstChild, template.single ? root : root.lastChild);
      for (const [at, text] of template.styles) /** @type {any} */ (nodes[at]).style.cssText = text;
      item.patch(value);
      return [item, root];
    }
    if (value && typeof value === "object" && !Array.isArray(value) && "r" in value) {
      const item = new Raw(/** @type {string} */ (value.r));
      return [item, item.content];
    }
    const anchor = document.createTextNode(""), fragment = fragmentFor(parent);
    fragment.append(anchor);
    const slot = new Slot(anchor);
    slot.set(value);
    return [slot, fragment];
  }

  /** @param {any} value @param {Node} parent @param {Node | null} before */
  function insertItem(value, parent, before) {
    const [item, node] = make(value, parent);
    parent.insertBefore(node, before);
    return item;
  }

  /** @param {any[]} items @param {any[]} values @param {number} from @param {Node} parent @param {Node | null} before */
  function appendItems(items, values, from, parent, before) {
    if (from >= values.length) return;
    const fragment = document.createDocumentFragment();
    for (let i = from; i < values.length; i++) {
      const [item, node] = make(values[i], parent);
      items.push(item);
      fragment.appendChild(node);
    }
    parent.insertBefore(fragment, before);
  }

  /** The item showing the value: the same one where it can. @param {any} item @param {any} value @param {Node} parent @returns {any} */
  function patchItem(item, value, parent) {
    if (isKeyed(value)) {
      if (value[2] === true) return item;
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

  // --- lists by key -------------------------------------------------------------------------------------------------

  /** @param {any[]} old @param {any[]} values [0, [K, key, markup]…] @param {Node} parent @param {Node} end @returns {any[]} */
  function patchKeyed(old, values, parent, end) {
    const count = values.length - 1;
    /** @type {any[]} */
    const items = new Array(count);
    let from = 0, oldEnd = old.length, newEnd = count;
    const same = (/** @type {any} */ item, /** @type {any} */ value) => item.key === value[1];
    const update = (/** @type {any} */ item, /** @type {any} */ value) => {
      if (value[2] === true) return item;
      const next = patchItem(item, value[2], parent);
      next.key = value[1];
      return next;
    };
    while (from < oldEnd && from < newEnd && same(old[from], values[from + 1])) {
      items[from] = update(old[from], values[from + 1]);
      from++;
    }
    while (from < oldEnd && from < newEnd && same(old[oldEnd - 1], values[newEnd])) {
      oldEnd--;
      newEnd--;
      items[newEnd] = update(old[oldEnd], values[newEnd + 1]);
    }
    const after = newEnd < count ? items[newEnd].first() : end;
    if (from === oldEnd) {
      if (from < newEnd) {
        const fragment = document.createDocumentFragment();
        for (let i = from; i < newEnd; i++) {
          const [item, node] = make(values[i + 1], parent);
          items[i] = item;
          fragment.appendChild(node);
        }
        parent.insertBefore(fragment, after);
      }
      return items;
    }
    if (from === newEnd) {
      for (let i = from; i < oldEnd; i++) old[i].dispose();
      removeNodes(old[from].first(), old[oldEnd - 1].last);
      return items;
    }
    /** @type {Map<any, number>} */
    const places = new Map();
    for (let i = from; i < oldEnd; i++) places.set(old[i].key, i);
    const sources = new Int32Array(newEnd - from).fill(-1);
    const kept = new Set();
    let moved = false, latest = -1;
    for (let i = from; i < newEnd; i++) {
      const at = places.get(values[i + 1][1]);
      if (at === undefined || kept.has(at)) continue;
      kept.add(at);
      sources[i - from] = at;
      if (at < latest) moved = true;
      latest = Math.max(latest, at);
    }
    if (!kept.size) {
      // Nothing stays: all at once.
      for (let i = from; i < oldEnd; i++) old[i].dispose();
      removeNodes(old[from].first(), old[oldEnd - 1].last);
    } else
      for (let i = from; i < oldEnd; i++) if (!kept.has(i)) {
        old[i].dispose();
        old[i].remove();
      }
    const still = moved ? longestRun(sources) : null;
    let next = after;
    for (let i = newEnd - 1; i >= from; i--) {
      const at = sources[i - from];
      if (at < 0) items[i] = insertItem(values[i + 1], parent, next);
      else {
        if (still && !still.has(i - from)) old[at].move(parent, next);
        items[i] = update(old[at], values[i + 1]);
      }
      next = items[i].first();
    }
    return items;
  }

  /** The places of a longest increasing run, which need not move. @param {Int32Array} sources */
  function longestRun(sources) {
    const tails = [], before = new Int32Array(sources.length);
    for (let i = 0; i < sources.length; i++) {
      if (sources[i] < 0) continue;
      let low = 0, high = tails.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sources[tails[middle]] < sources[i]) low = middle + 1;
        else high = middle;
      }
      before[i] = low ? tails[low - 1] : -1;
      tails[low] = i;
    }
    const still = new Set();
    for (let i = tails.length ? tails[tails.length - 1] : -1; i >= 0; i = before[i]) still.add(i);
    return still;
  }

  // --- adoption: markup that is in the page already -------------------------------------------------------------------

  // Walks a template beside nodes that the server's HTML made. Texts that the parser put together, and places that
  // need a node of their own, are only noted: nothing is written until something changes.
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
      if (isKeyed(value)) {
        const item = this.item(value[2]);
        item.key = value[1];
        return item;
      }
      if (Array.isArray(value) && value[0]) {
        const address = value[0];
        if (definition(address) === 1) return this.dynamic(value);
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
        live.set(value.l, slot);
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
      const template = /** @type {any} */ (templateFor(address, this.parent));
      /** @type {any[]} */
      const nodes = [];
      const block = new Block(template, address, nodes, null, null);
      const holes = new Map();
      const root = template.single ? template.content.firstChild : template.content;
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
            for (const piece of text[1]) if (typeof piece === "number") block.values[piece] = value[piece + 1];
          } else this.within(element, () => mark.childNodes.forEach(visit));
          for (const hole of holes.get(mark) ?? []) {
            if (template.kinds[hole] === kRawText) continue;
            const given = value[hole + 1], name = template.names[hole];
            block.values[hole] = template.kinds[hole] === kSpread
              ? Object.fromEntries(Object.entries(given?.a ?? {}).map(([each, v]) => [each, adoptValue(element, each, v)]))
              : adoptValue(element, name, given);
          }
        } else if (mark.nodeType === 3 && holes.has(mark)) {
          const hole = holes.get(mark)[0], given = value[hole + 1];
          if (given === null || given === true) {
            block.values[hole] = null;
            this.takeText("", use);
          } else if (typeof given === "string") {
            block.values[hole] = given;
            this.takeText(given, use);
          } else {
            const slot = this.slot(given);
            block.values[hole] = slot;
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
      const made = Object.create(Attribute.prototype);
      Object.assign(made, { element, name, ref: value.l, value: value.v });
      live.set(value.l, made);
      return made;
    }
    return value;
  }

  // --- the turn ---------------------------------------------------------------------------------------------------------

  /** @type {Map<number, any>} mounted trees by number */
  const roots = new Map();

  /** Carries out commands: [0, command…], each [0, "what", …].
   *  @param {any[]} commands @param {(handle: number) => any} nodeOf @returns {{dead: number[], failed?: string}} */
  function apply(commands, nodeOf) {
    let failed;
    for (const [, what, ...rest] of commands) {
      if (what === "adopt") {
        const [handle, root, value] = rest, adoption = new Adoption(nodeOf(Number(handle)));
        try {
          const slot = adoption.within(nodeOf(Number(handle)), () => adoption.slot(value));
          roots.set(Number(root), slot);
          pending.push(() => adoption.finish());
        } catch (error) {
          failed = /** @type {Error} */ (error).message;
        }
        continue;
      }
      if (pending.length) {
        const work = pending;
        pending = [];
        for (const each of work) each();
      }
      if (what === "mount") {
        const [handle, root, value] = rest, parent = nodeOf(Number(handle)), anchor = document.createTextNode("");
        roots.get(Number(root))?.dispose();
        parent.replaceChildren(anchor);
        const slot = new Slot(anchor);
        roots.set(Number(root), slot);
        slot.set(value);
      } else if (what === "root") {
        roots.get(Number(rest[0]))?.set(rest[1]);
      } else if (what === "set") {
        const target = live.get(Number(rest[0]));
        if (target instanceof Slot) target.show(rest[1]);
        else target?.set(rest[1]);
      } else if (what === "unmount") {
        const slot = roots.get(Number(rest[0]));
        roots.delete(Number(rest[0]));
        slot?.dispose();
        if (rest[1]) slot?.clear();
      }
    }
    for (const late of kLate.splice(0)) late();
    const gone = dead;
    dead = [];
    return { dead: gone, failed };
  }

  return {
    apply,
    /** What is alive, for tests and the debugger. */
    counts: () => ({ live: live.size, roots: roots.size, templates: templates.size }),
    /** A tree of its own, for fragments: its nodes and how to let go of it. @param {any} value @param {Element} parent */
    build(value, parent) {
      const [item, node] = make(value, parent);
      return { node, dispose: () => item.dispose() };
    },
  };
}

// --- writing ------------------------------------------------------------------------------------------------------------

/** @param {any} element @param {string} name @param {null | true | string} value @param {boolean} fresh */
function write(element, name, value, fresh) {
  const text = value === true ? "" : value;
  switch (name) {
    case "style":
      element.style.cssText = text ?? "";
      if (text === null) element.removeAttribute("style");
      return;
    case "class":
      if (text === null) element.removeAttribute("class");
      else element.setAttribute("class", text);
      return;
    case "value":
      if (/^(input|textarea|select|option|progress|meter|button|li|data|param)$/.test(element.localName)) {
        if (element.localName === "select" || element.localName === "textarea") {
          kLate.push(() => { if (element.value !== (text ?? "")) element.value = text ?? ""; });
          return;
        }
        if (text === null) element.removeAttribute("value");
        else if (fresh || element.localName !== "input") element.setAttribute("value", text);
        if (element.localName === "input" && element.type !== "file" && element.value !== (text ?? "")) element.value = text ?? "";
        return;
      }
      break;
    case "checked":
    case "selected":
    case "indeterminate":
    case "muted":
      if (name in element) {
        if (fresh && name !== "indeterminate" && value !== null) element.setAttribute(name, "");
        element[name] = value !== null;
        return;
      }
      break;
    case "xlink:href":
      if (text === null) element.removeAttributeNS(kXlink, "href");
      else element.setAttributeNS(kXlink, name, text);
      return;
  }
  if (text === null) element.removeAttribute(name);
  else element.setAttribute(name, text);
}

/** @param {any} parent @param {Node} first @param {Node} last @param {Node | null} before */
function moveNodes(parent, first, last, before) {
  for (let node = /** @type {any} */ (first); ; ) {
    const next = node.nextSibling;
    // Keeps focus, media and scroll positions, where the browser can.
    if (parent.moveBefore && node.isConnected && parent.isConnected) parent.moveBefore(node, before);
    else parent.insertBefore(node, before);
    if (node === last) return;
    node = next;
  }
}

/** @param {Node} first @param {Node} last */
function removeNodes(first, last) {
  const parent = /** @type {any} */ (first.parentNode);
  if (!parent) return;
  const range = last.nextSibling;
  // All of them but the place behind: the quick way, with that node put back.
  if (first === parent.firstChild && range && range === parent.lastChild && first !== last) {
    parent.replaceChildren(range);
    return;
  }
  for (let node = /** @type {any} */ (first); node && node !== range; ) {
    const next = node.nextSibling;
    parent.removeChild(node);
    node = next;
  }
}
