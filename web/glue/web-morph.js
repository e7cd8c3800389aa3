// dom/morph: a tree of the page becomes another one, with as few changes as can be. What is kept is told (morph.sx).

import { handleOf, nodeOf, places } from "./dom.js";

/** @typedef {{key: string, keep: string, own: Record<string, string[]>, reset: string}} Rules */

/** What the server said last about a field; what the visitor made of it is known by comparing. @type {WeakMap<Element, string>} */
const said = new WeakMap();

/** Fields are told apart by their names, boxes and options by what they stand for. @param {any} node @returns {string} */
const fieldName = (node) => node.localName === "option" ? `o ${node.value}`
  : !node.name || !/^(input|select|textarea|button)$/.test(node.localName) ? ""
    : `f ${node.localName} ${node.name} ${/^(checkbox|radio)$/.test(node.type) ? node.value : ""}`;
const kEditable = '[contenteditable]:not([contenteditable="false"])';
const kFields = "input[name], select[name], textarea[name]";

/** @param {any} node @param {Rules} rules @returns {string} what an element is known by, or "" */
const nameOf = (node, rules) => node.nodeType !== 1 ? "" : node.getAttribute(rules.key) ? `k ${node.localName} ${node.getAttribute(rules.key)}` : node.id ? `i ${node.localName} ${node.id}` : "";

/** Lets `target` become `content`. @param {Element} target @param {"innerHTML" | "outerHTML"} style @param {any} content
 *  @param {Rules} rules @returns {Element[]} new elements */
export function morph(target, style, content, rules) {
  /** @type {Element[]} */
  const added = [];
  // Ids below each element of both trees, and names of fields, so that an element is known again by what it has in it.
  /** @type {WeakMap<Node, Set<string>>} */
  const within = new WeakMap();
  const note = (/** @type {any} */ root, /** @type {any} */ stop) => {
    for (const node of root.querySelectorAll(`[id], [${rules.key}], ${kFields}`)) {
      const name = nameOf(node, rules) || fieldName(node);
      for (let up = node.parentNode; up && up !== stop; up = up.parentNode) {
        const set = within.get(up) ?? new Set();
        set.add(name);
        within.set(up, set);
      }
    }
  };
  const holder = style === "outerHTML" ? target.parentNode : target;
  note(style === "outerHTML" ? target : target, target.parentNode);
  note(content, null);
  // Elements with a name that are anywhere in the old tree, and are asked for in the new one.
  /** @type {Map<string, Element>} */
  const named = new Map();
  const wanted = new Set();
  for (const node of content.querySelectorAll(`[id], [${rules.key}]`)) wanted.add(nameOf(node, rules));
  for (const node of [target, ...target.querySelectorAll(`[id], [${rules.key}]`)]) {
    const name = nameOf(node, rules);
    if (name && wanted.has(name) && !named.has(name)) named.set(name, node);
  }
  const focused = /** @type {any} */ (document.activeElement);
  const selection = focused && target.contains(focused) && typeof focused.selectionStart === "number"
    ? [focused.selectionStart, focused.selectionEnd, focused.selectionDirection] : null;
  const scrolled = [...target.querySelectorAll("*"), target].filter((node) => node.scrollTop || node.scrollLeft)
    .map((node) => /** @type {const} */ ([node, node.scrollTop, node.scrollLeft]));

  const shared = (/** @type {Node} */ a, /** @type {Node} */ b) => {
    const one = within.get(a), other = within.get(b);
    let count = 0;
    if (one && other) for (const name of one) if (other.has(name)) count++;
    return count;
  };
  const alike = (/** @type {any} */ old, /** @type {any} */ now) =>
    old.nodeType === now.nodeType && (old.nodeType !== 1 || (old.localName === now.localName && old.namespaceURI === now.namespaceURI
      && old.getAttribute("data-sx-island") === now.getAttribute("data-sx-island")));
  const move = (/** @type {any} */ parent, /** @type {Node} */ node, /** @type {Node | null} */ before) => {
    if (parent.moveBefore && node.isConnected && parent.isConnected) parent.moveBefore(node, before);
    else parent.insertBefore(node, before);
  };

  /** The children of parent from `first` up to `end` become those of `fresh`. @param {any} parent @param {Node | null} first
   *  @param {Node | null} end @param {Node[]} fresh */
  function children(parent, first, end, fresh) {
    let at = /** @type {any} */ (first);
    for (const now of fresh) {
      const old = partner(parent, now, at, end);
      if (old) {
        if (old !== at) move(parent, old, at);
        one(old, now);
        at = old.nextSibling;
      } else {
        // In its own list an option may have been the chosen one for want of another; a copy is not.
        const fresh = /^opt(ion|group)$/.test(/** @type {any} */ (now).localName) ? now.cloneNode(true) : now;
        parent.insertBefore(fresh, at);
        if (fresh.nodeType === 1) fill(/** @type {Element} */ (fresh));
        // What stood here may have gone into it.
        at = fresh.nextSibling;
      }
    }
    while (at && at !== end) {
      const next = at.nextSibling;
      // A named element that is wanted elsewhere waits for its place.
      const name = nameOf(at, rules);
      if (name && named.get(name) === at) move(shelf, at, null);
      else {
        rescue(at);
        if (at.nodeType === 1) /** @type {any} */ (places).delete(at);
        else at.remove();
      }
      at = next;
    }
  }
  const shelf = document.createElement("div");
  shelf.hidden = true;
  const rescue = (/** @type {any} */ node) => {
    if (node.nodeType !== 1) return;
    for (const inner of node.querySelectorAll(`[id], [${rules.key}]`)) if (named.get(nameOf(inner, rules)) === inner) move(shelf, inner, null);
  };
  /** New elements may hold places for old ones. @param {Element} fresh */
  function fill(fresh) {
    added.push(fresh);
    for (const place of fresh.querySelectorAll(`[id], [${rules.key}]`)) {
      const name = nameOf(place, rules), old = named.get(name);
      if (!old || old.contains(place)) continue;
      named.delete(name);
      move(place.parentNode, old, place);
      place.remove();
      one(old, place);
    }
  }
  /** @param {any} parent @param {any} now @param {Node | null} at @param {Node | null} end @returns {any} */
  function partner(parent, now, at, end) {
    const name = nameOf(now, rules);
    if (name) {
      const old = named.get(name);
      if (old && alike(old, now) && !old.contains(parent)) {
        named.delete(name);
        return old;
      }
      return null;
    }
    let best = null, most = 0;
    let steps = 0;
    const field = fieldName(now);
    if (field) for (let old = at; old && old !== end; old = old.nextSibling) if (alike(old, now) && fieldName(old) === field && !nameOf(old, rules)) return old;
    for (let old = at; old && old !== end; old = old.nextSibling) {
      if (!alike(old, now) || (nameOf(old, rules) && named.get(nameOf(old, rules)) === old)) continue;
      // A field under another name is another one.
      if (field && fieldName(old)) continue;
      const count = shared(old, now);
      if (count > most) {
        best = old;
        most = count;
      } else if (!best && !within.get(now) && !(nameOf(old, rules)) && !kept(old) && ++steps && usable(old, now)) {
        best = old;
        if (!within.get(old)) break;
      }
    }
    return best;
  }
  // Something without a name takes up the next of its kind that holds nothing which is wanted elsewhere.
  const usable = (/** @type {Node} */ old, /** @type {Node} */ now) => {
    for (const name of within.get(old) ?? []) if (named.has(name) && !within.get(now)?.has(name)) return false;
    return true;
  };
  const kept = (/** @type {any} */ node) => node.nodeType === 1 && node.matches("[sx-preserve], [data-sx-preserve]");

  /** @param {any} old @param {any} now */
  function one(old, now) {
    if (old.nodeType !== 1) {
      if (old.data !== now.data) old.data = now.data;
      return;
    }
    const editing = old.matches(kEditable) && keepsText(old, now);
    if (old.isEqualNode(now) && !old.querySelector("input, textarea, select, option") && !/^(input|textarea|select|option)$/.test(old.localName)) return;
    if (keepAsIs(old, now)) return;
    attributes(old, now);
    if (editing) return;
    if (old.localName === "textarea") return field(old, now);
    children(old, old.firstChild, null, [...now.childNodes]);
    if (/^(input|select|option)$/.test(old.localName)) field(old, now);
  }
  // Text that is being edited stays as a field's does. What the server said before the first time nobody knows.
  /** @param {Element} old @param {Element} now */
  function keepsText(old, now) {
    const before = said.get(old), fresh = now.innerHTML;
    said.set(old, fresh);
    return !now.closest(rules.reset) && (before === undefined ? old === focused : before === fresh);
  }
  /** @param {Element} old @param {Element} now */
  function keepAsIs(old, now) {
    if (!old.matches(rules.keep)) return false;
    // An island goes on with its own state; another island under the same name is taken up anew.
    const island = old.getAttribute("data-sx-island");
    return island === null || island === now.getAttribute("data-sx-island");
  }
  /** @param {Element} old @param {Element} now */
  function attributes(old, now) {
    const own = rules.own[old.localName] ?? [];
    for (const { name, namespaceURI, value } of [...now.attributes]) {
      if (own.includes(name) && !now.matches(rules.reset)) continue;
      if (/^(value|checked|selected)$/.test(name) && /^(input|option)$/.test(old.localName)) continue;
      if (old.getAttributeNS(namespaceURI, name.replace(/^.*:/, namespaceURI ? "" : "$&")) !== value && old.getAttribute(name) !== value) {
        if (namespaceURI) old.setAttributeNS(namespaceURI, name, value);
        else if (name === "style") /** @type {any} */ (old).style.cssText = value;
        else old.setAttribute(name, value);
      }
    }
    for (const { name } of [...old.attributes]) {
      if (now.hasAttribute(name) || own.includes(name) || name === "aria-busy") continue;
      if (/^(value|checked|selected)$/.test(name) && /^(input|option)$/.test(old.localName)) continue;
      old.removeAttribute(name);
    }
  }
  // What was typed or chosen stays, unless the server says something else than it said before, or asks for it.
  /** @param {any} old @param {any} now */
  function field(old, now) {
    const before = said.get(old) ?? serverValue(old), fresh = serverValue(now), reset = now.closest(rules.reset);
    said.set(old, fresh);
    if (old.localName === "option") {
      if (now.hasAttribute("selected") !== old.hasAttribute("selected")) old.toggleAttribute("selected", now.hasAttribute("selected"));
      if (now.getAttribute("value") !== old.getAttribute("value")) now.hasAttribute("value") ? old.setAttribute("value", now.getAttribute("value")) : old.removeAttribute("value");
      if (fresh !== before || reset) old.selected = now.hasAttribute("selected");
      return;
    }
    if (old.localName === "select") {
      return;
    }
    if (old.localName === "textarea") {
      const dirty = old.value !== old.defaultValue, typed = old.value;
      if (old.defaultValue !== now.defaultValue) old.defaultValue = now.defaultValue;
      if (reset || fresh !== before) { if (old.value !== now.defaultValue) old.value = now.defaultValue; }
      else if (dirty && old.value !== typed) old.value = typed;
      return;
    }
    const box = /^(checkbox|radio)$/.test(old.type);
    if (box) {
      if (now.getAttribute("value") !== old.getAttribute("value")) old.setAttribute("value", now.getAttribute("value") ?? "on");
      const chosen = old.checked;
      old.toggleAttribute("checked", now.hasAttribute("checked"));
      old.checked = reset || fresh !== before ? now.hasAttribute("checked") : chosen;
      return;
    }
    if (old.type === "file") return;
    const typed = old.value, dirty = typed !== old.defaultValue;
    if (old.getAttribute("value") !== now.getAttribute("value")) now.hasAttribute("value") ? old.setAttribute("value", now.getAttribute("value")) : old.removeAttribute("value");
    const next = reset || fresh !== before || !dirty ? now.getAttribute("value") ?? "" : typed;
    if (old.value !== next) old.value = next;
  }
  const serverValue = (/** @type {any} */ node) =>
    node.localName === "textarea" ? node.defaultValue
      : node.localName === "option" ? String(node.hasAttribute("selected"))
        : /^(checkbox|radio)$/.test(node.type) ? String(node.hasAttribute("checked")) : node.getAttribute("value") ?? "";

  document.body.append(shelf);
  if (style === "outerHTML") {
    const fresh = [...content.childNodes];
    // The element of the answer that is the target: by name, else the first of its kind.
    const index = fresh.findIndex((node) => nameOf(node, rules) && nameOf(node, rules) === nameOf(target, rules));
    const main = index >= 0 ? index : fresh.findIndex((node) => alike(target, node) && !nameOf(node, rules));
    if (main < 0) {
      children(holder, target, target.nextSibling, fresh);
    } else {
      named.delete(nameOf(target, rules));
      fresh.slice(0, main).forEach((node) => target.before(node));
      one(target, fresh[main]);
      target.after(...fresh.slice(main + 1));
      added.push(.../** @type {Element[]} */ (fresh.filter((node, i) => i !== main && node.nodeType === 1)));
    }
  } else children(target, target.firstChild, null, [...content.childNodes]);
  shelf.remove();
  for (const [node, top, left] of scrolled) {
    if (node.scrollTop !== top) node.scrollTop = top;
    if (node.scrollLeft !== left) node.scrollLeft = left;
  }
  if (focused?.isConnected && focused !== document.activeElement && focused !== document.body) focused.focus({ preventScroll: true });
  if (selection && focused.isConnected && (focused.selectionStart !== selection[0] || focused.selectionEnd !== selection[1]))
    focused.setSelectionRange(selection[0], selection[1], selection[2]);
  return added;
}

/** @returns {import("./kernel.js").Ports} */
export function ports() {
  return {
    "dom/morph": (target, style, root, rules) => {
      const content = nodeOf(root);
      return morph(nodeOf(target), style, content.content ?? content, rules).filter((node) => node.isConnected).map(handleOf);
    },
  };
}
