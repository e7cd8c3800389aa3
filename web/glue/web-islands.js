// Islands as ports: which are in the page, what wakes them, events by delegation, and the commands of the DOM adapter.

import { handleOf, nodeOf } from "./dom.js";
import { dispatch } from "./events.js";
import { handlerOf } from "./markup-items.js";
import { makeAdapter } from "./markup.js";

const kSelector = "[data-sx-island]";
/** Listened to before an island says what it wants. */
const kWaking = ["click", "input", "change", "submit", "keydown", "pointerdown", "focusin"];
/** Of these, what comes before another event that is meant. */
const kBefore = new Set(["pointerdown", "focusin", "keydown"]);

/** @param {any} node @param {any} event @returns {object} what a handler is told */
const facts = (node, event) => ({
  value: event.target?.value?.toString() ?? null, checked: event.target?.checked ?? null, name: event.target?.name ?? null,
  key: event.key ?? null, code: event.code ?? null, x: event.clientX ?? null, y: event.clientY ?? null,
  data: { ...node.dataset }, detail: typeof event.detail === "object" ? event.detail : null,
  form: event.type === "submit" ? Object.fromEntries([...new FormData(event.target, event.submitter)].filter(([, value]) => typeof value === "string")) : null,
});

/** @param {import("./kernel.js").Call} call @param {any} api @param {any} kernel @returns {import("./kernel.js").Ports} */
export function ports(call, api, kernel) {
  /** @type {Map<Element, string>} islands that were found, and how far they are */
  const known = new Map();
  /** @type {Map<Element, [any, number[]][]>} what happened in an island that is on its way, and where */
  const early = new Map();
  /** @type {Set<string>} */
  const listening = new Set();

  // An island that is made anew under a finger that is down would take the click's target away: that waits for the click.
  let pressing = false;
  /** @type {Map<Element, any[]>} */
  let postponed = new Map();
  /** @type {number[]} */
  let owed = [];
  function showPostponed() {
    const all = postponed;
    postponed = new Map();
    for (const [node, commands] of all) {
      owed.push(...adapter.apply(commands, nodeOf).dead);
      known.set(node, "adopted");
    }
  }

  /** @param {any} node @param {Element} top @returns {number[]} */
  const pathOf = (node, top) => node === top ? [] : [...pathOf(node.parentNode, top), [...node.parentNode.children].indexOf(node)];

  // Made anew, an island has another element in that place.
  const stillThere = (/** @type {any} */ target, /** @type {number[]} */ path, /** @type {any} */ island) =>
    target.isConnected ? target : path.reduce((node, at) => node?.children[at], island) ?? target;
  const isAwaited = (/** @type {Element} */ island) => /^(waiting|resumed)$/.test(known.get(island) ?? "");

  /** @param {any} event */
  function onEvent(event) {
    // What happens in a shadow root happens to its host here.
    let { target } = event;
    const island = target.closest?.(kSelector);
    if (island && isAwaited(island)) {
      const path = pathOf(target, island);
      pressing = kBefore.has(event.type);
      call("islands/wake", handleOf(island));
      pressing = false;
      if (!kBefore.has(event.type)) showPostponed();
      target = stillThere(target, path, island);
      if (isAwaited(island)) {
        // Its bundle is on the way: the event is handed on when it is there.
        if (event.type === "submit") event.preventDefault();
        early.set(island, [...(early.get(island) ?? []), [event, path]]);
        return;
      }
    }
    deliver(event, target);
  }
  /** @param {any} event @param {any} target @returns {boolean} whether somebody heard of it */
  function deliver(event, target) {
    let heard = false;
    for (let node = target; node; node = event.bubbles ? node.parentNode : null) {
      const reference = handlerOf(node, event.type);
      if (reference !== undefined) {
        heard = true;
        dispatch(event, (data) => call("islands/on-event", reference, data), facts(node, event));
      }
      if (event.cancelBubble) break;
    }
    return heard;
  }
  /** Hands on what happened before an island was there. A form that nobody in it sends goes its own way. @param {Element} island */
  function deliverEarly(island) {
    const events = early.get(island) ?? [];
    early.delete(island);
    for (const [event, path] of events) queueMicrotask(() => {
      const target = stillThere(event.target, path, island);
      const heard = known.get(island) === "adopted" && deliver(event, target);
      if (event.type === "submit" && !heard && target.isConnected) target.requestSubmit(event.submitter?.isConnected ? event.submitter : null);
    });
  }
  /** @param {string} type */
  function listen(type) {
    if (listening.has(type)) return;
    listening.add(type);
    document.addEventListener(type, onEvent, { passive: false });
    // What does not bubble is caught on the way down, for the element itself.
    document.addEventListener(type, (event) => event.bubbles || onEvent(event), { capture: true, passive: false });
  }
  kWaking.forEach(listen);

  /** @type {Record<string, Promise<void>>} */
  const bundles = {};
  /** @param {string} url */
  async function loadBundle(url) {
    const address = new URL(url, document.baseURI);
    if (address.origin !== location.origin) throw new Error(`${url} is not of this site`);
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${url}: status ${response.status}`);
    kernel.run("sx_add_bundle", new Uint8Array(await response.arrayBuffer()));
    // Which modules of it are wanted stands behind the #.
    for (const module of decodeURIComponent(address.hash.slice(1)).split(",")) await kernel.load("sx_require", module);
  }
  const adapter = makeAdapter(kernel, listen);
  const wake = (/** @type {Element} */ node) => node.isConnected && call("islands/wake", handleOf(node));
  const seenOf = (/** @type {Element} */ node) => node.firstElementChild ?? node;
  const observer = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) if (isIntersecting) {
      observer.unobserve(target);
      wake(/** @type {Element} */ (target.closest(kSelector)));
    }
  });

  /** How many functions and live nodes the kernel keeps for the page. */
  const references = () => {
    try {
      return Number(/:references (\d+)/.exec(kernel.run("sx_call_now", "islands/counts", "[]"))?.[1]);
    } catch {
      return 0;  // its bundle is on the way
    }
  };
  // For scripts of the page and the inspector: how many islands there are, by how far they are, and what is alive.
  api.islands = () => {
    const counts = { waiting: 0, resumed: 0, adopted: 0, failed: 0, references: references(), ...adapter.counts() };
    for (const phase of known.values()) counts[/** @type {"waiting"} */ (phase)]++;
    return { ...counts, resumed: counts.resumed + counts.adopted };
  };

  return {
    "island/find": () => [...document.querySelectorAll(kSelector)]
      .filter((node) => !known.has(node) && !node.parentElement?.closest(`${kSelector}, [sx-disable]`))
      .map((/** @type {any} */ node) => {
        known.set(node, "waiting");
        const { sxIsland, sxState, sxWhen, sxBundle } = node.dataset;
        return { node: handleOf(node), name: sxIsland, state: sxState, when: sxWhen ?? null, bundle: sxBundle ?? null };
      }),
    "island/gone"(/** @type {number[]} */ nodes) {
      for (const node of known.keys()) if (!node.isConnected) {
        known.delete(node);
        early.delete(node);
        observer.unobserve(seenOf(node));
      }
      // A node that left may have lost its number.
      return nodes.filter((handle) => {
        try {
          return !nodeOf(handle).isConnected;
        } catch {
          return true;
        }
      });
    },
    "island/watch": (handle, when) => {
      const node = nodeOf(handle);
      if (when === "visible") observer.observe(seenOf(node));
      else if (when === "idle") (globalThis.requestIdleCallback ?? setTimeout)(() => wake(node), /** @type {any} */ ({ timeout: 2000 }));
    },
    "island/note"(handle, phase) {
      const node = nodeOf(handle);
      known.set(node, phase);
      if (phase === "failed") deliverEarly(node);
    },
    "island/bundle": (url) => bundles[url] ??= loadBundle(url).catch((error) => {
      delete bundles[url];  // asked for again, it is fetched again
      throw error;
    }),
    "island/spawn": (id) => queueMicrotask(() => call("islands/run", id)),
    "island/soon": () => queueMicrotask(() => call("islands/flush")),
    "dom/commands": (...commands) => {
      const [, [, what, handle]] = commands;
      if (pressing && what === "mount") {
        postponed.set(nodeOf(Number(handle)), commands.slice(1));
        setTimeout(showPostponed, 500);
        return { dead: [] };
      }
      if (what === "set" && postponed.size) showPostponed();
      const answer = adapter.apply(commands.slice(1), nodeOf);
      answer.dead.push(...owed.splice(0));
      for (const [, what, handle] of commands.slice(1)) {
        if (what !== "adopt" && what !== "mount") continue;
        const node = nodeOf(Number(handle));
        if (!known.has(node) || (what === "adopt" && answer.failed)) continue;
        known.set(node, "adopted");
        deliverEarly(node);
      }
      return answer;
    },
  };
}
