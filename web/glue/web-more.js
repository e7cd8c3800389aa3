// Elements with requests of their own, as ports: what they say, their listeners, values of requests, pieces of
// answers. It comes with web-more.sxbc; what any of it is for is decided there.

import { handleOf, nodeOf, parse, places, trusted, trustedScript } from "./dom.js";
import { dispatch } from "./events.js";
import * as extensions from "./extensions.js";
import { portError } from "./kernel.js";
import { note, open, textOf, transports } from "./transport.js";
import { gather, meaning, valueOf, valuesProxy } from "./values.js";

/** @typedef {(name: string, ...args: unknown[]) => void} Call */
/** @typedef {any} Any */

/** @type {Any} the engine as scripts of the page see it */
const api = /** @type {Any} */ (globalThis).SxKernel;
/** Where a personality of its own bundle (web-htmx.js) has its own way: how it tells of elements and requests, gathers values,
 *  swaps and runs scripts. @type {Any} */
export const dialect = {};
/** @param {string} id */
const byId = (id) => document.getElementById(id);

/** The name of an attribute without its prefix; undefined for others. @param {string} name @param {string[]} prefixes */
function plainName(name, prefixes) {
  const prefix = prefixes.find((one) => name.startsWith(one));
  return prefix && name.slice(prefix.length);
}

/** @param {Element} node @param {string[]} prefixes @returns {Record<string, string> | null} */
function said(node, prefixes) {
  /** @type {Record<string, string> | null} */
  let found = null;
  for (const { name, value } of node.attributes) {
    const plain = plainName(name, prefixes);
    if (plain) (found ??= {})[plain] = value;
  }
  return found;
}

/** @param {Any} node */
const formOf = (node) => node.form ?? node.closest("form");

/** What an element is and what it and those around it say. @param {number} handle @param {string[]} prefixes */
function element(handle, prefixes, sender = null) {
  const node = nodeOf(handle), submitter = stillThere(sender);
  const chain = [{ node: handle, said: said(node, prefixes) ?? {} }];
  for (let above = node.parentElement ?? node.getRootNode()?.host; above; above = above.parentElement ?? above.getRootNode()?.host) {
    const words = said(above, prefixes);
    if (words) chain.push({ node: /** @type {number} */ (handleOf(above)), said: words });
  }
  const form = node.localName === "form";
  const own = (/** @type {string} */ name) => submitter?.getAttribute(`form${name}`) ?? node.getAttribute(name);
  const address = form ? own("action") || document.URL : node.getAttribute?.("href");
  return {
    node: handle, tag: node.localName, type: node.getAttribute?.("type"), id: node.id ?? "", name: node.name || node.getAttribute?.("name"),
    url: address && URL.canParse(address, document.baseURI) ? new URL(address, document.baseURI).href : null,
    method: form ? (own("method") || "get").toLowerCase() : "get", enctype: form ? own("enctype") : null, "form-enctype": (form ? node : formOf(node))?.getAttribute("enctype"),
    form: handleOf(form ? node : formOf(node)), novalidate: !!(form && (node.noValidate || submitter?.formNoValidate)), chain,
    key: node.closest(["sx-", ...prefixes].map((prefix) => `[${prefix}offline="queue"]`).join()) ? crypto.randomUUID?.() : null,
  };
}

// --- taking up ---------------------------------------------------------------------------------------------

const kVerbs = ["get", "post", "put", "patch", "delete", "query", "action"];
const kStreams = ["sse-connect", "ws-connect", "ws-send"];
/** What an element says of its start, besides its request. */
const kStarts = /^(trigger|preload|sse-connect|ws-connect|ws-send|on[:-].*)$/;
/** @type {WeakMap<Element, string>} what each element said when it was taken up */
const taken = new WeakMap();

/** @param {Any} names */
function elements({ prefixes, boost, off, disable, known }) {
  const outside = prefixes.flatMap((/** @type {string} */ prefix) => (off ?? ["disable", "ignore"]).map((/** @type {string} */ name) => `[${prefix}${name}]`)).concat(disable ?? []).join();
  // What each attribute means here is worked out once for all elements that have it.
  /** @type {Map<string, string>} */
  const meanings = new Map();
  const meaningOf = (/** @type {string} */ name) => {
    let meaning = meanings.get(name);
    if (meaning === undefined) {
      const plain = plainName(name, prefixes) ?? (kStreams.includes(name) ? name : "");
      const other = known && name.startsWith("sx-") && !/^(on[:-]|status:)/.test(plain) && !known.includes(plain.replace(/:inherited$/, ""));
      meaning = other && !extensions.any() ? "?" : kVerbs.includes(plain) ? "asks" : kStarts.test(plain) || (plain === "on" && dialect.name) ? plain : "";
      meanings.set(name, meaning);
    }
    return meaning;
  };
  /** @type {Map<string, Any>} */
  const groups = new Map();
  const wanted = extensions.wanted(), told = extensions.any() || (eventPrefix === "htmx:" && !dialect.name);
  /** @type {Map<Element | null, boolean>} by what stands around elements: whether nothing in it is taken up */
  const hidden = new Map();
  for (const node of document.querySelectorAll("*")) {
    if (!node.hasAttributes()) continue;
    /** @type {[string, string | null][]} */
    const starts = [];
    let asks = false;
    for (const name of node.getAttributeNames()) {
      const meaning = meaningOf(name);
      if (meaning === "asks") asks = true;
      else if (meaning === "?") starts.push([meaning, name]);
      else if (meaning) starts.push([meaning, node.getAttribute(name)]);
    }
    if (boost && !asks) asks = boosted(node, prefixes, boost);
    if (!asks && !starts.some(([name]) => name !== "trigger") && !(wanted && node.matches(wanted))) continue;
    const type = node.getAttribute("type");
    const key = JSON.stringify([node.localName, type, asks, starts]);
    if (taken.get(node) === key) continue;
    const around = node.parentElement;
    if (!hidden.has(around)) hidden.set(around, !!around?.closest(outside));
    if (hidden.get(around) || node.matches(outside)) continue;
    if (dialect.taken?.(node, asks) === false) continue;
    taken.set(node, key);
    if (told) {
      send(node, `${eventPrefix}beforeProcessNode`, { elt: node });
      queueMicrotask(() => send(node, `${eventPrefix}afterProcessNode`, { elt: node }));
    }
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { ...groupOf(node.localName, type, asks, starts), nodes: [] }));
    group.nodes.push(handleOf(node));
  }
  return [...groups.values()];
}

/** @param {string} tag @param {string | null} type @param {boolean} asks @param {[string, string | null][]} starts */
function groupOf(tag, type, asks, starts) {
  const words = Object.fromEntries(starts);
  const streams = starts.filter(([name]) => kStreams.includes(name));
  return {
    tag, type, asks, trigger: words.trigger ?? null, preload: words.preload ?? null,
    handlers: starts.filter(([name]) => /^on([:-]|$)/.test(name)).map(([name, text]) => ({ event: name.slice(3), text })),
    unknown: starts.filter(([name]) => name === "?").map(([, name]) => name),
    stream: streams.length ? Object.fromEntries(streams) : null,
  };
}

/** Whether the browser would stay on the site with it, in this window. @param {Any} node @param {string[]} prefixes
 *  @param {boolean | string} how "inherited": what stands around it says so with boost:inherited */
function boosted(node, prefixes, how) {
  if (!/^(a|form)$/.test(node.localName)) return false;
  const words = (/** @type {string} */ name) => (/** @type {string} */ prefix) => `[${CSS.escape(prefix + name)}]`;
  const around = how === true || node.matches(prefixes.map(words("boost")).join()) ? node.closest(prefixes.map(words("boost")).join()) : node.closest(prefixes.map(words("boost:inherited")).join());
  const value = around && prefixes.flatMap((prefix) => [`${prefix}boost`, `${prefix}boost:inherited`]).map((name) => around.getAttribute(name)).find((one) => one !== null);
  if (!value || (how === "inherited" || dialect.name ? value === "false" : value !== "true")) return false;
  if (node.localName === "form") return (node.getAttribute("method") ?? "").toLowerCase() !== "dialog";
  const href = node.getAttribute("href");
  return !!href && !href.startsWith("#") && (!node.target || node.target === "_self") && node.hostname === location.hostname && !node.hasAttribute("download");
}

/** @param {Call} call */
function listening(call) {
  /** @type {Map<number, (() => void)[]>} how to stop each node's listeners */
  const stops = new Map();
  const stop = (/** @type {number} */ node, /** @type {() => void} */ how) => {
    const known = stops.get(node);
    if (known) known.push(how);
    else stops.set(node, [how]);
  };
  return {
    "page/listen": (/** @type {number[]} */ nodes, /** @type {number | string} */ n, /** @type {string} */ type, /** @type {Any} */ { ask, within, from, where, capture = false, passive = false }) => {
      const tell = (/** @type {Any} */ event, /** @type {Any} */ node, /** @type {number} */ handle) => dispatch(event, (data) => call("web/on-element", handle, n, data), {
        value: valueOf(from ? event.target : node), submitter: handleOf(event.submitter ?? null), answers: ask.map((/** @type {Any} */ path) => meaning(path, event, node)),
        inside: (within ? !!event.target?.matches?.(within) : true) && (where === "self" ? event.target === node : where !== "outside" || !node.contains(event.target)),
      });
      // One listener for all that listen to themselves.
      const own = (/** @type {Any} */ event) => tell(event, event.currentTarget, /** @type {number} */ (handleOf(event.currentTarget)));
      for (const handle of nodes) {
        const node = nodeOf(handle);
        const listener = from || where === "outside" ? (/** @type {Any} */ event) => tell(event, node, handle) : own;
        for (const source of from ?? [where === "outside" ? "document" : handle]) {
          const target = source === "document" ? document : source === "window" ? window : nodeOf(source);
          target.addEventListener(type, listener, { capture, passive });
          stop(handle, () => target.removeEventListener(type, listener, { capture }));
        }
      }
    },
    "page/watch": (/** @type {number[]} */ nodes, /** @type {number} */ n, /** @type {Any} */ { root, threshold, margin, ask = [] }) => {
      for (const handle of nodes) {
        const observer = new IntersectionObserver((seen) => {
          if (!seen.some((entry) => entry.isIntersecting)) return;
          if (root === null && !threshold) observer.disconnect();  // seen once
          call("web/on-element", handle, n, { type: "revealed", answers: ask.map((/** @type {Any} */ path) => meaning(path, {}, nodeOf(handle))) });
        }, { root: root ? document.querySelector(root) : null, threshold, rootMargin: margin ?? undefined });
        observer.observe(nodeOf(handle));
        stop(handle, () => observer.disconnect());
      }
    },
    "page/unlisten": (/** @type {number[]} */ nodes) => {
      for (const node of nodes) {
        for (const how of stops.get(node) ?? []) how();
        stops.delete(node);
      }
    },
  };
}

// --- events -----------------------------------------------------------------------------------------------------

const kNodes = ["elt", "target"];

/** What details of events are to listeners, and what they made of them. @param {Call} call */
function dressing(call) {
  const dress = (/** @type {Any} */ detail) => {
    const dressed = { ...detail };
    for (const name of kNodes) if (typeof dressed[name] === "number") try { dressed[name] = nodeOf(dressed[name]); } catch { dressed[name] = null; }
    const id = detail.request;
    if (id) {
      const data = open.get(id)?.data;
      if (data) Object.assign(dressed, { parameters: valuesProxy(data), formData: data });
      dressed.xhr = extensions.answerOf(id);
      dressed.requestConfig = dressed;
      dressed.pathInfo = { requestPath: detail.path, finalRequestPath: detail.path, responsePath: open.get(id)?.head?.url ?? null };
      dressed.successful = detail.status ? detail.status < 400 : undefined;
      if ("shouldSwap" in detail) Object.defineProperty(dressed, "serverResponse", { get: () => textOf(id), set: (text) => void note(id, { text: String(text) }), enumerable: true });
    }
    if ("token" in detail) dressed.issueRequest = (/** @type {boolean} */ skip) => call("web/api", "go-on", [detail.token, skip === true]);
    return dressed;
  };
  const undress = (/** @type {Any} */ dressed) => {
    const plain = { ...dressed };
    for (const name of ["parameters", "formData", "xhr", "requestConfig", "pathInfo", "issueRequest", "serverResponse", "successful", "triggeringEvent"]) delete plain[name];
    for (const name of kNodes) if (plain[name] instanceof Element) plain[name] = handleOf(plain[name]);
    else if (typeof plain[name] === "string") try {
      plain[name] = handleOf(document.querySelector(plain[name]));
    } catch { /* no selector */ }
    try {
      return JSON.parse(JSON.stringify(plain));
    } catch {
      // Something in it cannot be written: what can is taken.
      return Object.fromEntries(Object.entries(plain).flatMap(([name, value]) => {
        try { return [[name, JSON.parse(JSON.stringify(value))]]; } catch { return []; }
      }));
    }
  };
  return (/** @type {number | null} */ node, /** @type {string} */ name, /** @type {Any} */ detail, /** @type {boolean} */ back) => {
    if (dialect.emit) return dialect.emit(node, name, detail ?? {}, back);
    const dressed = dress(detail ?? {});
    const place = node === null ? document : nodeOf(node);
    let go = send(place, name, dressed);
    // htmx 2 says each name in both spellings.
    const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (eventPrefix === "htmx:" && kebab !== name) go = send(place, kebab, dressed) && go;
    return back ? { go, detail: undress(dressed) } : go;
  };
}

let logging = false;
/** @param {EventTarget} place @param {string} name @param {Any} detail */
function send(place, name, detail) {
  if (logging) console.log(name, place, detail);
  const event = new CustomEvent(name, { bubbles: true, cancelable: true, composed: true, detail });
  const stays = !extensions.hear(place, name, event);
  return place.dispatchEvent(event) && !stays;
}

// --- pieces of answers -----------------------------------------------------------------------------------------

/** @param {Iterable<Node>} nodes */
function gatherNodes(nodes) {
  const fragment = document.createDocumentFragment();
  fragment.append(...nodes);
  return fragment;
}

/** @param {number | null} id @param {Any} options */
function openFragment(id, { select, target, copy, pieces, of }) {
  if (copy) return { root: handleOf(/** @type {Any} */ (parse(copy))) };
  const text = textOf(/** @type {number} */ (id));
  const whole = /^\s*(<!doctype|<html|<body)/i.test(text);
  let title = null, hasTarget = false;
  /** @type {Any} */
  let content;
  if (of) content = nodeOf(of);
  else if (whole) {
    const page = new DOMParser().parseFromString(/** @type {Any} */ (trusted(text)), "text/html");
    title = page.querySelector("title")?.textContent ?? null;
    const part = target && target !== "body" ? page.querySelector(target) : null;
    hasTarget = !!part || target === "body";
    content = gatherNodes([...(part ?? page.body).childNodes].map((node) => document.importNode(node, true)));
  } else {
    content = parse(text);
    const found = content.querySelector("title:not(svg title)");
    title = found?.textContent ?? null;
    found?.remove();
    for (const head of content.querySelectorAll("head")) head.remove();
  }
  // Each element of a message goes to its own place.
  if (pieces) for (const node of content.children) if (node.id && !/swap-oob/.test(node.getAttributeNames().join())) node.setAttribute("sx-swap-oob", "true");
  const empty = !content.childElementCount && !content.textContent.trim();
  if (select) content = gatherNodes(matching(content, select, "sx-select"));
  return { root: handleOf(content), title, document: whole, "has-target": hasTarget, empty, missed: !!select && !content.hasChildNodes() };
}

/** @param {Any} root @param {string} selector @param {string} attribute */
function matching(root, selector, attribute) {
  try {
    return root.querySelectorAll(selector);
  } catch {
    throw portError("bad-selector", `${attribute}="${selector}" is no selector`);
  }
}

/** Takes out what goes elsewhere, out of templates too. @param {number} handle @param {Any} names */
function outOfBand(handle, { prefixes, picked, partial, every, nested = true }) {
  const root = nodeOf(handle);
  /** @type {Any[]} */
  const pieces = [];
  const take = (/** @type {Any} */ node, /** @type {string | null} */ words, /** @type {string | null} */ selector, inner = false) => {
    const holder = node.parentNode;
    node.remove();
    const content = inner ? gatherNodes([...(node.content ?? node).childNodes]) : gatherNodes([node]);
    const copy = [...content.children].map((one) => one.outerHTML).join("");
    pieces.push({ node: handleOf(node), id: node.id, said: words, picked: selector, root: handleOf(/** @type {Any} */ (content)), copy });
    return holder;
  };
  const scopes = [root, ...[...root.querySelectorAll("template")].map((one) => one.content)];
  for (const [selector, style] of picked) {
    const found = [...matching(root, selector, "sx-select-oob")];
    for (const node of every ? found : found.slice(0, 1)) take(node, null, selector, /^(inner|before|after|prepend|append|text)/i.test(style));
  }
  for (const scope of scopes) {
    const all = [...prefixes, "sx-"];
    for (const node of scope.querySelectorAll(all.map((/** @type {string} */ prefix) => `[${prefix}swap-oob]`).join())) {
      const prefix = all.find((/** @type {string} */ one) => node.hasAttribute(`${one}swap-oob`));
      const words = node.getAttribute(`${prefix}swap-oob`) || "true";
      node.removeAttribute(`${prefix}swap-oob`);
      if (words === "false" || !(nested || node.parentNode === scope)) continue;
      // Only what stands in it goes there, unless the element itself takes a place.
      take(node, words, null, !/^(true$|outer|morph(:outer)?(HTML)?(:|$)|delete|none)/i.test(words) && !extensions.inline(words.split(":")[0]));
    }
    for (const node of scope.querySelectorAll(partial)) {
      const target = prefixes.map((/** @type {string} */ prefix) => node.getAttribute(`${prefix}target`)).find(Boolean) ?? (node.id ? `#${node.id}` : null);
      const style = prefixes.map((/** @type {string} */ prefix) => node.getAttribute(`${prefix}swap`)).find(Boolean) ?? "innerHTML";
      if (target) take(node, `${style.split(" ")[0]}:${target}`, null, true);
      if (target) Object.assign(pieces[pieces.length - 1], { target, style });
    }
  }
  for (const template of root.querySelectorAll("template")) if (pieces.length && !template.content.hasChildNodes()) template.remove();
  for (const template of root.querySelectorAll("template")) if (pieces.length && !template.content.children.length && !template.content.textContent.trim()) template.remove();
  return pieces;
}

/** @param {string} selector */
function targets(selector) {
  if (selector.startsWith("#")) {
    const node = byId(selector.slice(1));
    if (node) return [handleOf(node)];
  }
  if (selector === "body" || selector === "document") return [handleOf(document.body)];
  try {
    return [...document.querySelectorAll(selector)].map(handleOf);
  } catch {
    throw portError("bad-selector", `"${selector}" is no selector`);
  }
}

/** Moves a node without losing what plays or is typed in it, where the browser can.
 *  @param {Any} parent @param {Any} node @param {Node | null} before */
const move = (parent, node, before) => (parent.moveBefore && node.isConnected && parent.isConnected ? parent.moveBefore(node, before) : parent.insertBefore(node, before));

/** @type {WeakMap<Element, [string, string | null][]>} what attributes of new elements are to become when things have settled */
const later = new WeakMap();

/** @param {Any} content @param {Any} target */
function keepLooks(content, target) {
  for (const node of content.querySelectorAll("[id]")) {
    const old = byId(node.id);
    if (!old || old.localName !== node.localName || !target.contains(old)) continue;
    const names = new Set([...node.getAttributeNames(), ...old.getAttributeNames()].filter((name) => /^(class|style|width|height)$/.test(name)));
    const becomes = [...names].map((name) => /** @type {[string, string | null]} */ ([name, node.getAttribute(name)]));
    for (const name of names) {
      const value = old.getAttribute(name);
      if (value === null) node.removeAttribute(name);
      else if (name === "style") node.style.cssText = value;
      else node.setAttribute(name, value);
    }
    later.set(node, becomes);
  }
}

/** Scripts that put something of theirs to elements hear before these go: of those that were taken up, in the way of htmx 2 and
 *  where there are extensions of all. @param {Element} target @param {string} style */
export function leaving(target, style) {
  if (!/^(innerHTML|textContent|outerHTML|outerSync|delete)$/.test(style)) return;
  const whole = extensions.any() || (eventPrefix === "htmx:" && !dialect.name);
  const going = /^(outerHTML|delete)$/.test(style) ? [target, ...target.querySelectorAll("*")] : target.querySelectorAll("*");
  // One event for all: most pages have nobody who hears it.
  const detail = /** @type {Any} */ ({}), event = new CustomEvent(`${eventPrefix}beforeCleanupElement`, { bubbles: true, composed: true, detail });
  for (const node of going) {
    if (whole) send(node, event.type, { elt: node });
    else if (taken.has(node)) {
      detail.elt = node;
      dialect.leaving ? dialect.leaving(node) : node.dispatchEvent(event);
    }
  }
}
for (const [style, put] of Object.entries(places)) places[style] = (target, content) => {
  leaving(target, style);
  put(target, content);
};

/** @param {number | null} handle */
export function stillThere(handle) {
  try { return handle && nodeOf(handle); } catch { return null; }
}

/** @param {number} handle @param {string} style @param {number} root @param {Any} options */
function place(handle, style, root, { preserve, scripts, settle, classes, strip, elt, other, text }) {
  const target = nodeOf(handle);
  let content = nodeOf(root);
  // What the first element holds, without it.
  if (strip && content.firstElementChild) content = gatherNodes([...(content.firstElementChild.content ?? content.firstElementChild).childNodes]);
  if (other || style === "innerHTML") {
    const own = dialect.swap?.(other, target, content) ?? (extensions.any() && extensions.swap(stillThere(elt) ?? target, other ?? style, target, content));
    if (own) return { added: own.map(handleOf) };
  }
  if (style === "textContent") {
    leaving(target, style);
    target.textContent = text ? textOf(text) : content.textContent;
    return { added: [] };
  }
  // What is to stay waits beside the page while its surroundings change.
  const pantry = document.createElement("div");
  pantry.hidden = true;
  const staying = preserve.flatMap((/** @type {string} */ name) => [...content.querySelectorAll(`[${name}][id]`)]).flatMap((/** @type {Element} */ node) => {
    const old = byId(node.id);
    return old ? [{ node, old }] : [];
  });
  if (staying.length) document.body.append(pantry);
  for (const { old } of staying) move(pantry, old, null);
  if (settle) keepLooks(content, target);
  const added = style === "delete" || style === "none" ? [] : [...content.children];
  if (scripts) for (const script of content.querySelectorAll("script")) renew(script);
  if (settle) for (const node of added) node.classList.add(...classes);
  places[style](target, content);
  for (const { node, old } of staying) {
    const parent = /** @type {Any} */ (node.parentNode);
    if (!parent) continue;
    move(parent, old, node);
    node.remove();
  }
  pantry.remove();
  const fresh = added.map((node) => staying.find((/** @type {Any} */ one) => one.node === node)?.old ?? node);
  for (const node of fresh) {
    const first = node.matches("[autofocus]") ? node : node.querySelector("[autofocus]");
    if (first) { first.focus(); break; }
  }
  return { added: fresh.map(handleOf), unhandled: !!other };
}

/** A script that was parsed does not run; one that was made does. @param {HTMLScriptElement} script */
function renew(script) {
  const made = document.createElement("script");
  for (const { name, value } of script.attributes) if (name !== "src") made.setAttribute(name, value);
  try {
    if (script.hasAttribute("src")) made.src = /** @type {Any} */ (trustedScript(/** @type {string} */ (script.getAttribute("src"))));
    else made.textContent = script.textContent;
  } catch (error) {
    return console.warn(`a script of the answer does not run: ${/** @type {Error} */ (error).message}`);
  }
  made.async = false;
  script.replaceWith(made);
}

// --- what several requests mark ------------------------------------------------------------------------------------

/** @type {WeakMap<Element, Map<string, number>>} */
const marks = new WeakMap();

/** @param {number} handle @param {string} name ".class", "attribute" or "attribute=value" @param {boolean} on */
function mark(handle, name, on) {
  const node = nodeOf(handle);
  const counts = marks.get(node) ?? new Map();
  marks.set(node, counts);
  const before = counts.get(name) ?? 0;
  // Disabled by the page itself, it stays so.
  if (on && !before && name === "disabled" && node.disabled) counts.set("kept", 1);
  counts.set(name, Math.max(0, before + (on ? 1 : -1)));
  const wanted = counts.get(name) > 0;
  const [attribute, value = ""] = name.split("=");
  if (name.startsWith(".")) node.classList.toggle(name.slice(1), wanted);
  else if (wanted) node.setAttribute(attribute, value);
  else if (!(name === "disabled" && counts.get("kept"))) node.removeAttribute(attribute);
}

// --- focus, scrolling, views -----------------------------------------------------------------------------------------

function noteFocus() {
  const node = /** @type {Any} */ (document.activeElement);
  if (!node || node === document.body) return null;
  let caret = null;
  try { caret = [node.selectionStart, node.selectionEnd]; } catch { /* not a text field */ }
  return { node: handleOf(node), id: node.id, caret };
}

/** @param {Any} noted @param {boolean} scroll */
function backToFocus(noted, scroll) {
  if (!noted?.id || (document.activeElement && document.activeElement !== document.body)) return;
  const node = /** @type {Any} */ (byId(noted.id));
  if (!node) return;
  node.focus({ preventScroll: !scroll });
  try { if (noted.caret) node.setSelectionRange(...noted.caret); } catch { /* not a text field */ }
}

/** @param {number | null} handle @param {string} edge @param {boolean} smooth @param {string} what */
function toEdge(handle, edge, smooth, what) {
  const behavior = smooth && !matchMedia("(prefers-reduced-motion: reduce)").matches ? "smooth" : "instant";
  if (handle === null) return window.scrollTo({ top: edge === "top" ? 0 : document.body.scrollHeight, behavior });
  const node = nodeOf(handle);
  if (what === "show") return node.scrollIntoView({ block: edge === "top" ? "start" : "end", behavior });
  node.scrollTo({ top: edge === "top" ? 0 : node.scrollHeight, behavior });
}

/** @type {(() => void) | undefined} */
let endView;

/** @returns {any} */
function beginView() {
  const start = /** @type {Any} */ (document).startViewTransition?.bind(document);
  if (!start || document.visibilityState !== "visible" || matchMedia("(prefers-reduced-motion: reduce)").matches || endView) return false;
  return (/** @type {(value: boolean) => void} */ done) => {
    start(() => new Promise((resolve) => {
      endView = () => { endView = undefined; resolve(undefined); };
      done(true);
    }));
  };
}

/** Nodes in the order of the page, as "next" and "previous" mean it. @param {Any} from @param {string} how @param {string | null} selector */
function near(from, how, selector) {
  if (how === "body") return document.body;
  if (how === "root") return from.getRootNode().documentElement ?? from.getRootNode();
  if (how === "host") return from.getRootNode().host;
  if (how === "window") return null;
  if (!selector) return how === "next" ? from.nextElementSibling : from.previousElementSibling;
  const all = [...document.querySelectorAll(selector)];
  const bit = how === "next" ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
  const there = all.filter((node) => from.compareDocumentPosition(node) & bit);
  return how === "next" ? there[0] : there[there.length - 1];
}

// --- the head of whole documents -----------------------------------------------------------------------------------

const kSheetMs = 3000;
/** What tells elements of a head apart. @param {Any} node */
function headKey(node) {
  const address = node.getAttribute("src") ?? node.getAttribute("href");
  if (node.localName === "meta") return `meta ${node.name || node.getAttribute("property") || node.httpEquiv}`;
  return address && URL.canParse(address, document.baseURI) ? `${node.localName} ${node.getAttribute("rel")} ${new URL(address, document.baseURI)}` : node.outerHTML;
}

/** Style sheets that are new are waited for, so that nothing is shown without its looks. @param {number} id @param {Any} options */
async function mergeHead(id, { scripts }) {
  const page = new DOMParser().parseFromString(/** @type {Any} */ (trusted(textOf(id))), "text/html");
  if (page.documentElement.lang) document.documentElement.lang = page.documentElement.lang;
  const wanted = new Map([...page.head.children].filter((node) => node.localName !== "title").map((node) => [headKey(node), node]));
  const waits = [];
  for (const node of [...document.head.children]) {
    const key = headKey(node), same = wanted.get(key);
    if (node.localName === "meta" && same && !node.hasAttribute("http-equiv")) node.setAttribute("content", same.getAttribute("content") ?? "");
    else if (!same && /^(meta|base)$/.test(node.localName) && node.hasAttribute("name") && node.getAttribute("name") !== "sx-config" && node.getAttribute("name") !== "viewport") node.remove();
    wanted.delete(key);
  }
  for (const node of wanted.values()) {
    if (node.localName === "script") {
      if (!scripts && !node.hasAttribute("src")) continue;
      const made = document.importNode(node, true);
      document.head.append(made);
      if (scripts || new URL(/** @type {Any} */ (node).src, document.baseURI).origin === location.origin) renew(/** @type {Any} */ (made));
    } else if (node.localName === "style") {
      parse(node.outerHTML);
    } else {
      const made = /** @type {Any} */ (document.importNode(node, true));
      if (made.localName === "link" && made.rel === "stylesheet") waits.push(new Promise((resolve) => {
        made.addEventListener("load", resolve);
        made.addEventListener("error", resolve);
        setTimeout(resolve, kSheetMs);
      }));
      document.head.append(made);
    }
  }
  await Promise.all(waits);
}

// --- another way to send -------------------------------------------------------------------------------------------

/** With progress, and an answer that is handed on within its own event. @param {Any} request @param {string} url @param {Any} body */
transports.xhr = ({ id, method, headers, timeout, credentials, elt }, url, body) => (/** @type {(value: Any) => void} */ done, /** @type {(error: Any) => void} */ failed) => {
  const xhr = new XMLHttpRequest();
  const tell = (/** @type {string} */ name, /** @type {Any} */ event) => {
    const { loaded, total, lengthComputable } = event;
    try { nodeOf(elt).dispatchEvent(new CustomEvent(`${eventPrefix}xhr:${name}`, { bubbles: true, detail: { loaded, total, lengthComputable, elt: nodeOf(elt) } })); } catch { /* it has left the page */ }
  };
  for (const name of ["loadstart", "progress", "loadend", "abort"]) {
    xhr.addEventListener(name, (event) => tell(name, event));
    xhr.upload.addEventListener(name, (event) => tell(name, event));
  }
  xhr.open(method.toUpperCase(), url, true);
  for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, String(value));
  xhr.timeout = timeout ?? 0;
  xhr.withCredentials = !!credentials;
  note(id, { abort: /** @type {Any} */ (xhr) });
  xhr.onload = () => {
    const lines = xhr.getAllResponseHeaders().trim().split(/\r?\n/).filter(Boolean).map((line) => line.split(/:\s*/, 1).concat(line.slice(line.indexOf(":") + 1).trim()));
    const address = xhr.responseURL || url;
    const head = { status: xhr.status, redirected: new URL(address).href.split("#")[0] !== new URL(url).href.split("#")[0], url: address, sent: url, headers: Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value])) };
    note(id, { text: xhr.responseText, head });
    done(head);
  };
  xhr.onerror = () => failed(portError("network-error", "the request failed"));
  xhr.ontimeout = () => failed(portError("timeout", `no answer within ${timeout} ms`));
  xhr.onabort = () => failed(portError("aborted", "given up"));
  xhr.send(body ?? null);
};
let eventPrefix = "sx:";
/** Whether the page lets attributes be JavaScript; its policy has a say too. */
let evaluates = true;
/** @param {string[]} parts of a function */
function compiled(...parts) {
  if (!evaluates) throw new EvalError("allowEval is false");
  return dialect.compiled?.(...parts) ?? new Function(...parts);
}

let indicated = false;
/** Indicators are seen while the class of a request is on them or around them. A sheet of the page's own: no policy is in
 *  the way, and any rule of the site wins. @param {string} prefix */
function indicate(prefix, indicator = `${prefix}indicator`, request = `${prefix}request`) {
  if (indicated) return;
  indicated = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:where(.${indicator}){opacity:0;visibility:hidden}:where(.${request} .${indicator},.${request}.${indicator}){opacity:1;visibility:visible;transition:opacity 200ms ease-in}`);
  document.adoptedStyleSheets.push(sheet);
}

/** @type {Map<number, (value: Any) => void>} promises that scripts wait for */
const promised = new Map();
let lastPromise = 0;
/** @param {(token: number) => void} start */
export const promise = (start) => new Promise((resolve, reject) => {
  promised.set(++lastPromise, (value) => (value?.error ? reject(new Error(value.error)) : resolve(undefined)));
  start(lastPromise);
});

/** An element that a script gave, as itself or by a selector. @param {Any} given */
const elementOf = (given) => (typeof given === "string" ? document.querySelector(given) : given);

/** Fills in what scripts of the page may use. @param {Call} call */
function offer(call) {
  const ask = (/** @type {string} */ what, /** @type {(token: number) => unknown[]} */ args) => promise((token) => call("web/api", what, args(token)));
  Object.assign(api, {
    /** @param {string} verb @param {string} path @param {Any} [context] a target, or {target swap select values headers source event push} */
    ajax(verb, path, context = {}) {
      const given = typeof context === "string" || context instanceof Element ? { target: context } : context;
      const { target, source, values, headers, swap, select, push, replace } = given;
      return ask("ajax", (token) => [token, {
        verb, path, swap, select, push, replace, headers: headers ?? {}, values: values instanceof FormData ? Object.fromEntries(values) : values ?? {},
        target: typeof target === "string" ? target : null, "target-node": handleOf(typeof target === "string" ? null : target ?? null), "source-node": handleOf(elementOf(source ?? null)),
      }]);
    },
    trigger(/** @type {Any} */ node, /** @type {string} */ name, /** @type {Any} */ detail = {}) {
      return send(elementOf(node), name, detail);
    },
    /** @param {Any} target @param {string} html @param {Any} [spec] as in sx-swap, or {swapStyle swapDelay settleDelay} */
    swap(target, html, spec = "") {
      if (dialect.name && target?.text !== undefined) return dialect.swapText(target, ask);
      const text = typeof spec === "string" ? spec : [spec.swapStyle ?? "", spec.swapDelay === undefined ? "" : `swap:${spec.swapDelay}ms`, spec.settleDelay === undefined ? "" : `settle:${spec.settleDelay}ms`].join(" ");
      const id = -Math.ceil(Math.random() * 2 ** 40);
      note(id, { text: html });
      return ask("swap", (token) => [token, id, handleOf(elementOf(target)), text]);
    },
    abort: (/** @type {Any} */ node) => call("web/api", "abort", [handleOf(elementOf(node))]),
    /** The values that an element would send. @param {Any} node @param {string} [verb] */
    values(node, verb = "post") {
      const element = elementOf(node), form = element.localName === "form" ? element : verb === "get" ? null : formOf(element);
      const data = gather({ form: handleOf(form), own: element.localName === "form" ? null : handleOf(element) });
      return valuesProxy(data);
    },
    defineExtension(/** @type {string} */ name, /** @type {Any} */ extension) {
      extensions.define(name, extension, extensions.internals(api, (node, event, detail = {}) => send(elementOf(node), event, detail), parse));
    },
    removeExtension: extensions.undefine,
    off: (/** @type {Any} */ node, /** @type {string} */ name, /** @type {Any} */ listener) => elementOf(node).removeEventListener(name, listener),
    find: (/** @type {Any} */ from, /** @type {string} */ selector) => (selector ? elementOf(from).querySelector(selector) : document.querySelector(from)),
    closest: (/** @type {Any} */ node, /** @type {string} */ selector) => elementOf(node).closest(selector),
    logAll: () => { logging = true; },
    logNone: () => { logging = false; },
  });
}

/** @param {Event} event */
const giveUp = ({ target }) => target instanceof Element && api.abort(target);

/** @param {Call} call @param {object} _ @param {Any} kernel @returns {import("./kernel.js").Ports} */
export function ports(call, _, kernel) {
  const listeners = listening(call);
  offer(call);
  return {
    ...listeners,
    ...extensions.extended,
    "dom/emit": dressing(call),
    "page/settings": () => {
      let settings = {};
      const own = /** @type {Any} */ (globalThis).sxSettings;
      for (const meta of document.querySelectorAll(`meta[name="sx-config"]${own?.personality === "htmx4" ? "" : ',meta[name="htmx-config"]'}`)) {
        try { settings = { ...settings, ...JSON.parse(/** @type {Any} */ (meta).content) }; } catch (error) { console.warn(`<meta name="${/** @type {Any} */ (meta).name}">: its content is no JSON: ${/** @type {Error} */ (error).message}`); }
      }
      settings = { ...settings, ...api.config, ...own };
      if (/** @type {Any} */ (settings).personality?.startsWith("htmx")) eventPrefix = "htmx:";
      evaluates = /** @type {Any} */ (settings).allowEval !== false;
      if (/** @type {Any} */ (settings).includeIndicatorStyles !== false) indicate(eventPrefix === "htmx:" ? "htmx-" : "sx-", /** @type {Any} */ (settings).indicatorClass, /** @type {Any} */ (settings).requestClass);
      // htmx.trigger(element, "htmx:abort") gives a request up.
      if (eventPrefix === "htmx:") document.addEventListener("htmx:abort", giveUp);
      return settings;
    },
    "page/elements": elements,
    "page/element": element,
    "page/near": (node, how, selector) => handleOf(near(nodeOf(node), how, selector)),
    "page/wait": (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    "page/reload": () => location.reload(),
    "page/ask": (how, text) => (how === "decision" ? dialect.decision(text) : how === "confirm" ? confirm(text) : prompt(text)),
    "page/valid": (nodes, quiet, report) => nodes.flatMap((/** @type {number} */ handle) => {
      const node = nodeOf(handle);
      const wrong = [...(node.localName === "form" ? node.elements : [node])].filter((field) => field.willValidate && !field.checkValidity());
      if (quiet) return [];
      if (wrong.length && report) node.reportValidity?.();
      return wrong.map((field) => ({ node: handleOf(field), message: field.validationMessage }));
    }),
    "page/mark": mark,
    "page/settle": (nodes, classes) => {
      if (!classes) return nodes.some((/** @type {number} */ handle) => {
        const node = stillThere(handle);
        return node && [node, ...node.querySelectorAll("[id]")].some((each) => later.has(each));
      });
      for (const handle of nodes) {
        let node;
        try { node = nodeOf(handle); } catch { continue; }
        node.classList.remove(...classes);
        if (!node.getAttribute("class")) node.removeAttribute("class");
        for (const each of [node, ...node.querySelectorAll("[id]")]) {
          for (const [name, value] of later.get(each) ?? []) {
            if (value === null) each.removeAttribute(name);
            else if (name === "style") each.style.cssText = value;
            else each.setAttribute(name, value);
          }
          later.delete(each);
        }
      }
    },
    "page/place": place,
    "page/edge": toEdge,
    "page/focus-note": noteFocus,
    "page/focus-back": backToFocus,
    "page/head": mergeHead,
    "page/answer": (token, value) => { promised.get(token)?.(value); promised.delete(token); },
    "page/value-of": (node) => valueOf(nodeOf(node)),
    "request/prepare": (id, recipe) => {
      const data = (dialect.gather ?? gather)(recipe);
      note(id, { data });
      return { files: [...data.values()].some((value) => typeof value !== "string") };
    },
    "fragment/open": openFragment,
    "fragment/oob": outOfBand,
    "fragment/target": targets,
    "view/begin": beginView,
    "view/end": () => endView?.(),
    "page/define": (text, file) => Promise.resolve().then(() => kernel.load("sx_run_source", file, text)).then(() => null),  // when SX has come to rest
    "page/take-text": (from, to) => { const { text, head } = open.get(from) ?? {}; note(to, { text, head }); open.delete(from); },
    "dom/put": (node, name, value) => {
      const element = nodeOf(node);
      if (!(name in element) || typeof element[name] === "function" || /^(on|(inner|outer)HTML|srcdoc)/i.test(name)) throw portError("no-property", `"${name}" is no property to set, expected one such as value, checked, disabled, open`);
      element[name] = value;
    },
    "page/answers": (node, paths) => paths.map((/** @type {Any} */ path) => meaning(path, {}, nodeOf(node))),
    "page/script-value": (node, text) => {
      try {
        return JSON.parse(JSON.stringify(compiled(`return (${text}\n)`).call(nodeOf(node)) ?? null));
      } catch (error) {
        const { name, message } = /** @type {Error} */ (error);
        throw portError("script-error", name === "EvalError" ? `the page's policy, or its allowEval, does not let JavaScript be evaluated; write a form of SX, such as (dict :a (page/value-of this))` : message);
      }
    },
    "page/script-handler": (node, type, text) => {
      try {
        if (type) nodeOf(node).addEventListener(type, compiled("event", text));
        else for (const one of dialect.handlers(text)) nodeOf(node).addEventListener(one.type, compiled("event", one.text), one);
      } catch (error) {
        console.warn(`on:${type}="${text}": the page does not let it run: ${/** @type {Error} */ (error).message}`);
      }
    },
  };
}
