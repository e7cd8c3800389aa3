// Lists of the DOM adapter (markup.js) become other lists: as few nodes move as can be, those outside of a longest
// increasing run.

import { removeNodes } from "./markup-write.js";

/** @typedef {{make: (value: any, parent: Node) => [any, Node], insertItem: (value: any, parent: Node, before: Node | null) => any,
 *    patchItem: (item: any, value: any, parent: Node) => any}} Items */

/** Takes the items from `from` up to `to` away. @param {any[]} items @param {number} from @param {number} to */
export function drop(items, from, to) {
  if (from >= to) return;
  for (let i = from; i < to; i++) items[i].dispose();
  removeNodes(items[from].first(), items[to - 1].last);
}

/** A list of which is told what it is made of now. @param {Items} items @param {any[]} old
 *  @param {number[]} runs in pairs: from which item on, and how many; or -1, and how many of the new values
 *  @param {any[]} values @param {Node} parent @param {Node} end @returns {any[]} */
export function patchRuns({ make }, old, runs, values, parent, end) {
  // What goes, stretch by stretch; does anything change its order?
  let ordered = true, at = 0, count = 0;
  for (let i = 0; i < runs.length; i += 2) {
    count += runs[i + 1];
    if (runs[i] < 0) continue;
    if (runs[i] < at) ordered = false;
    else at = runs[i] + runs[i + 1];
  }
  if (ordered) {
    at = 0;
    for (let i = 0; i < runs.length; i += 2) if (runs[i] >= 0) {
      drop(old, at, runs[i]);
      at = runs[i] + runs[i + 1];
    }
    drop(old, at, old.length);
  } else {
    const stays = new Uint8Array(old.length);
    for (let i = 0; i < runs.length; i += 2) if (runs[i] >= 0) stays.fill(1, runs[i], runs[i] + runs[i + 1]);
    for (let from = 0, to; from < old.length; from = to + 1) {
      for (to = from; to < old.length && !stays[to]; ) to++;
      drop(old, from, to);
    }
  }
  /** @type {any[]} */
  const items = new Array(count);
  const sources = ordered ? null : new Int32Array(count).fill(-1);
  let to = 0;
  for (let i = 0; i < runs.length; to += runs[i + 1], i += 2)
    if (runs[i] >= 0) for (let j = 0; j < runs[i + 1]; j++) {
      items[to + j] = old[runs[i] + j];
      if (sources) sources[to + j] = runs[i] + j;
    }
  const still = sources && longestRun(sources);
  // From the end on, so that what follows is in its place.
  let next = /** @type {Node} */ (end), value = values.length;
  for (let i = runs.length - 2; i >= 0; i -= 2) {
    to -= runs[i + 1];
    if (runs[i] < 0) {
      const fragment = document.createDocumentFragment();
      value -= runs[i + 1];
      for (let j = 0; j < runs[i + 1]; j++) {
        const [item, node] = make(values[value + j], parent);
        items[to + j] = item;
        fragment.appendChild(node);
      }
      parent.insertBefore(fragment, next);
    } else if (still)
      for (let j = to + runs[i + 1] - 1; j >= to; j--) {
        if (!still.has(j)) items[j].move(parent, next);
        next = items[j].first();
      }
    next = items[to].first();
  }
  return items;
}

/** A list that is shown anew: who has the same key stays. @param {Items} items of markup-items.js @param {any[]} old
 *  @param {any[]} values [0, [K, key, markup]…] @param {Node} parent @param {Node} end @returns {any[]} */
export function patchKeyed({ make, insertItem, patchItem }, old, values, parent, end) {
  const count = values.length - 1;
  /** @type {any[]} */
  const items = new Array(count);
  let from = 0, oldEnd = old.length, newEnd = count;
  const same = (/** @type {any} */ item, /** @type {any} */ value) => item.key === value[1];
  const update = (/** @type {any} */ item, /** @type {any} */ value) => {
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
    drop(old, from, oldEnd);
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
  if (!kept.size) drop(old, from, oldEnd);  // all at once
  else
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
