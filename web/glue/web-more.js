// Elements with requests of their own, as ports: what they say, their listeners, values of requests, pieces of
// answers. It comes with web-more.sxbc; what any of it is for is decided there.

import { handleOf, nodeOf, parse, places, trusted, trustedScript } from "./dom.js";
import { dispatch } from "./events.js";
import { portError } from "./kernel.js";
import { facts, note, open, textOf, transportPorts, transports } from "./transport.js";

/** @typedef {(name: string, ...args: unknown[]) => void} Call */
/** @typedef {any} Any */

/** @type {Any} the engine as scripts of the page see it */
const api = /** @type {Any} */ (globalThis).SxKernel;
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
function element(handle, prefixes) {
  const node = nodeOf(handle);
  const chain = [{ node: handle, said: said(node, prefixes) ?? {} }];
  for (let above = node.parentElement ?? node.getRootNode()?.host; above; above = above.parentElement ?? above.getRootNode()?.host) {
    const words = said(above, prefixes);
    if (words) chain.push({ node: /** @type {number} */ (handleOf(above)), said: words });
  }
  const form = node.localName === "form";
  const address = form ? node.getAttribute("action") || document.URL : node.getAttribute?.("href");
  return {
    node: handle, tag: node.localName, type: node.getAttribute?.("type"), id: node.id ?? "", name: node.name || node.getAttribute?.("name"),
    url: address && URL.canParse(address, document.baseURI) ? new URL(address, document.baseURI).href : null,
    method: form ? (node.getAttribute("method") || "get").toLowerCase() : "get", enctype: form ? node.getAttribute("enctype") : null,
    form: handleOf(form ? node : formOf(node)), novalidate: !!(form && node.noValidate), chain,
  };
}

// --- taking up ---------------------------------------------------------------------------------------------

const kVerbs = ["get", "post", "put", "patch", "delete", "action"];
const kStreams = ["sse-connect", "ws-connect", "ws-send"];
/** @type {WeakMap<Element, string>} what each element said when it was taken up */
const taken = new WeakMap();

/** @param {Any} names */
function elements({ prefixes, boost }) {
  const named = (/** @type {string[]} */ list) => prefixes.flatMap((/** @type {string} */ prefix) => list.map((name) => `[${prefix}${name.replace(":", "\\:")}]`)).join();
  const outside = named(["disable", "ignore"]);
  /** @type {Set<Element>} */
  const found = new Set(document.querySelectorAll(`${named([...kVerbs, ...kStreams, "preload"])},[sse-connect],[ws-connect],[ws-send]`));
  const on = document.evaluate(`//*[@*[${prefixes.map((/** @type {string} */ prefix) => `starts-with(name(), "${prefix}on")`).join(" or ")}]]`, document, null, 7);
  for (let at = 0; at < on.snapshotLength; at++) found.add(/** @type {Element} */ (on.snapshotItem(at)));
  if (boost) for (const link of document.querySelectorAll(`:is(${named(["boost"])}):is(a,form),:is(${named(["boost"])}) :is(a,form)`)) if (boosted(link, prefixes)) found.add(link);
  /** @type {Map<string, Any>} */
  const groups = new Map();
  for (const node of found) {
    const words = said(node, prefixes) ?? {};
    const streams = Object.fromEntries(kStreams.flatMap((name) => {
      const value = words[name] ?? node.getAttribute(name);
      return value === null || value === undefined ? [] : [[name, value]];
    }));
    const group = {
      tag: node.localName, type: node.getAttribute("type"), trigger: words.trigger ?? null, preload: words.preload ?? null,
      asks: kVerbs.some((name) => name in words) || !!(boost && boosted(node, prefixes)),
      handlers: Object.entries(words).filter(([name]) => /^on[:-]/.test(name)).map(([name, text]) => ({ event: name.slice(3), text })),
      stream: Object.keys(streams).length ? streams : null,
    };
    const key = JSON.stringify(group);
    if (taken.get(node) === key || node.closest(outside)) continue;
    taken.set(node, key);
    if (!groups.has(key)) groups.set(key, { ...group, nodes: [] });
    groups.get(key).nodes.push(handleOf(node));
  }
  return [...groups.values()];
}

/** Whether the browser would stay on the site with it, in this window. @param {Any} node @param {string[]} prefixes */
function boosted(node, prefixes) {
  if (!/^(a|form)$/.test(node.localName)) return false;
  const around = node.closest(prefixes.map((prefix) => `[${prefix}boost]`).join());
  if (!around || prefixes.every((prefix) => around.getAttribute(`${prefix}boost`) !== "true")) return false;
  if (node.localName === "form") return (node.getAttribute("method") ?? "").toLowerCase() !== "dialog";
  const href = node.getAttribute("href");
  return !!href && !href.startsWith("#") && (!node.target || node.target === "_self") && node.hostname === location.hostname && !node.hasAttribute("download");
}

/** What a path of a condition means: of the event, of the element ("this"), of the page. @param {Any} path @param {Any} event @param {Any} node */
function meaning([path, args], event, node) {
  const names = path.split(".");
  let from = names[0] === "this" ? node : names[0] === "event" ? event : names[0] in event ? event : globalThis;
  if (/^(this|event)$/.test(names[0])) names.shift();
  let before = from;
  for (const name of names) { before = from; from = from?.[name]; }
  const value = args ? from?.apply(before, args) : from;
  return value === null || /^(string|number|boolean)$/.test(typeof value) ? value : value !== undefined;
}

/** @param {Any} node */
const valueOf = (node) => (node.type === "checkbox" || node.type === "radio" ? String(node.checked) : node.value?.toString() ?? null);

/** @param {Call} call */
function listening(call) {
  /** @type {Map<number, (() => void)[]>} how to stop each node's listeners */
  const stops = new Map();
  const stop = (/** @type {number} */ node, /** @type {() => void} */ how) => void stops.set(node, [...(stops.get(node) ?? []), how]);
  return {
    "page/listen": (/** @type {number[]} */ nodes, /** @type {number | string} */ n, /** @type {string} */ type, /** @type {Any} */ { ask, within, from }) => {
      for (const handle of nodes) {
        const node = nodeOf(handle);
        const listener = (/** @type {Any} */ event) => dispatch(event, (data) => call("web/on-element", handle, n, data), {
          value: valueOf(from ? event.target : node), submitter: handleOf(event.submitter ?? null), answers: ask.map((/** @type {Any} */ path) => meaning(path, event, node)),
          inside: within ? !!event.target?.matches?.(within) : true,
        });
        for (const source of from ?? [handle]) {
          const target = source === "document" ? document : source === "window" ? window : nodeOf(source);
          target.addEventListener(type, listener);
          stop(handle, () => target.removeEventListener(type, listener));
        }
      }
    },
    "page/watch": (/** @type {number[]} */ nodes, /** @type {number} */ n, /** @type {Any} */ { root, threshold }) => {
      for (const handle of nodes) {
        const observer = new IntersectionObserver((seen) => {
          if (!seen.some((entry) => entry.isIntersecting)) return;
          if (root === null && !threshold) observer.disconnect();  // seen once
          call("web/on-element", handle, n, { type: "revealed", answers: [] });
        }, { root: root ? document.querySelector(root) : null, threshold });
        observer.observe(nodeOf(handle));
        stop(handle, () => observer.disconnect());
      }
    },
    "page/unlisten": (/** @type {number} */ node) => {
      for (const how of stops.get(node) ?? []) how();
      stops.delete(node);
    },
  };
}

// --- values ---------------------------------------------------------------------------------------------------

/** @param {FormData} data @param {Any} field */
function add(data, field) {
  if (!field.name || field.disabled || field.closest("fieldset[disabled]") || (/^(checkbox|radio)$/.test(field.type) && !field.checked)) return;
  if (/^(submit|button|reset|image)$/.test(field.type) && field.localName === "input") return;
  if (field.type === "file") for (const file of field.files) data.append(field.name, file);
  else if (field.type === "select-multiple") for (const option of field.selectedOptions) data.append(field.name, option.value);
  else if (field.value !== undefined) data.append(field.name, field.value);
}

/** @param {Any} recipe as request/prepare takes it @returns {FormData} */
export function gather({ form, submitter, own, include = [], vals = {}, params, data: given }) {
  const data = form ? new FormData(nodeOf(form), submitter && nodeOf(submitter).form === nodeOf(form) ? nodeOf(submitter) : null) : new FormData();
  const node = own && nodeOf(own);
  if (node?.name && node.value !== undefined && !(form && node.form === nodeOf(form) && !/^(submit|button)$/.test(node.type))) {
    if (/^(submit|button)$/.test(node.type)) data.set(node.name, node.value);
    else add(data, node);
  }
  for (const each of include.map(nodeOf)) {
    if (form && (each === nodeOf(form) || each.form === nodeOf(form))) continue;
    if (each.localName === "form") for (const [name, value] of new FormData(each)) data.append(name, value);
    else if (each.name && "value" in each) add(data, each);
    else for (const field of each.querySelectorAll("input,select,textarea")) add(data, field);
  }
  for (const [name, value] of given ?? []) data.set(name, value);
  for (const [name, value] of Object.entries(vals)) {
    data.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) data.append(name, typeof one === "object" && one ? JSON.stringify(one) : String(one));
  }
  for (const name of new Set(data.keys())) if (params && (params.only ? !params.only.includes(name) : params.not.includes(name))) data.delete(name);
  return data;
}

/** The values of a request as an object that listeners may change. @param {FormData} data */
export const valuesProxy = (data) => new Proxy(/** @type {Any} */ (data), {
  get: (_, name) => {
    if (typeof name === "symbol") return Reflect.get(data, name);
    if (name === "toJSON") return () => Object.fromEntries(data);
    if (name in data && typeof (/** @type {Any} */ (data))[name] === "function") return (/** @type {Any} */ (data))[name].bind(data);
    const all = data.getAll(name);
    return all.length > 1 ? all : all[0];
  },
  set: (_, name, value) => {
    data.delete(String(name));
    for (const one of Array.isArray(value) ? value : [value]) data.append(String(name), one);
    return true;
  },
  deleteProperty: (_, name) => { data.delete(String(name)); return true; },
  ownKeys: () => [...new Set(data.keys())],
  has: (_, name) => data.has(String(name)),
  getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, writable: true }),
});

// --- events -----------------------------------------------------------------------------------------------------

const kNodes = ["elt", "target"];

/** What listeners see of a request's answer. @param {number} id */
function answerOf(id) {
  const exchange = open.get(id);
  const head = exchange?.head;
  return {
    status: head?.status ?? 0, responseURL: head?.url ?? "", get response() { return textOf(id); }, get responseText() { return textOf(id); },
    getResponseHeader: (/** @type {string} */ name) => head?.headers[name.toLowerCase()] ?? null,
    getAllResponseHeaders: () => Object.entries(head?.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`).join(""),
    abort: () => exchange?.abort?.abort(),
  };
}

/** What details of events are to listeners, and what they made of them. @param {Call} call */
function dressing(call) {
  const dress = (/** @type {Any} */ detail) => {
    const dressed = { ...detail };
    for (const name of kNodes) if (typeof dressed[name] === "number") try { dressed[name] = nodeOf(dressed[name]); } catch { dressed[name] = null; }
    const id = detail.request;
    if (id) {
      const data = open.get(id)?.data;
      if (data) Object.assign(dressed, { parameters: valuesProxy(data), formData: data });
      dressed.xhr = answerOf(id);
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
    else if (typeof plain[name] === "string") plain[name] = handleOf(document.querySelector(plain[name]));
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
  const stays = extensionsOf(place).some((extension) => extension.onEvent?.(name, event) === false);
  return place.dispatchEvent(event) && !stays;
}

// --- extensions ----------------------------------------------------------------------------------------------------

/** @type {Map<string, Any>} */
const extensions = new Map();

/** Those that sx-ext names on the element and around it; "ignore:NAME" leaves one out. @param {Any} place */
function extensionsOf(place) {
  if (!extensions.size || !(place instanceof Element)) return [];
  /** @type {Set<string>} */
  const names = new Set(), ignored = new Set();
  for (let node = /** @type {Element | null} */ (place); node; node = node.parentElement)
    for (const name of (node.getAttribute("sx-ext") ?? node.getAttribute("hx-ext") ?? node.getAttribute("data-hx-ext") ?? "").split(/[\s,]+/).filter(Boolean))
      if (name.startsWith("ignore:")) ignored.add(name.slice(7));
      else names.add(name);
  return [...names].filter((name) => !ignored.has(name)).flatMap((name) => extensions.get(name) ?? []);
}

/** Lets extensions write the body of a request and read its answer. @type {import("./kernel.js").Ports} */
const extended = {
  "fetch/send"(request) {
    const active = request.elt ? extensionsOf(nodeOf(request.elt)) : [];
    note(request.id, /** @type {Any} */ ({ extensions: active, elt: request.elt }));
    for (const extension of active) {
      const data = open.get(request.id)?.data;
      const xhr = { overrideMimeType() {}, setRequestHeader: (/** @type {string} */ name, /** @type {string} */ value) => { request.headers[name] = value; } };
      const body = data && request.encoding !== "query" && extension.encodeParameters?.(xhr, valuesProxy(data), nodeOf(request.elt));
      if (typeof body === "string") return transportPorts["fetch/send"]({ ...request, body });
    }
    return transportPorts["fetch/send"](request);
  },
  "fetch/text"(id) {
    const known = transportPorts["fetch/text"](id);
    const exchange = /** @type {Any} */ (open.get(id));
    if (!exchange?.extensions?.some((/** @type {Any} */ one) => one.transformResponse)) return known;
    const change = () => {
      let text = textOf(id);
      for (const extension of exchange.extensions) if (extension.transformResponse) text = extension.transformResponse(text, answerOf(id), nodeOf(exchange.elt));
      return facts(note(id, { text }), text);
    };
    return known instanceof Promise ? known.then(change) : change();
  },
};

// --- pieces of answers -----------------------------------------------------------------------------------------

/** @param {Iterable<Node>} nodes */
function gatherNodes(nodes) {
  const fragment = document.createDocumentFragment();
  fragment.append(...nodes);
  return fragment;
}

/** @param {number | null} id @param {Any} options */
function openFragment(id, { select, target, copy, pieces }) {
  if (copy) return { root: handleOf(/** @type {Any} */ (parse(copy))) };
  const text = textOf(/** @type {number} */ (id));
  const whole = /^\s*(<!doctype|<html|<body)/i.test(text);
  let title = null, hasTarget = false;
  /** @type {Any} */
  let content;
  if (whole) {
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
  if (select) content = gatherNodes(content.querySelectorAll(select));
  return { root: handleOf(content), title, document: whole, "has-target": hasTarget };
}

/** Takes out what goes elsewhere, out of templates too. @param {number} handle @param {Any} names */
function outOfBand(handle, { prefixes, picked, partial }) {
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
  for (const selector of picked) {
    const node = root.querySelector(selector);
    if (node) take(node, null, selector);
  }
  for (const scope of scopes) {
    const all = [...prefixes, "sx-"];
    for (const node of scope.querySelectorAll(all.map((/** @type {string} */ prefix) => `[${prefix}swap-oob]`).join())) {
      const prefix = all.find((/** @type {string} */ one) => node.hasAttribute(`${one}swap-oob`));
      const words = node.getAttribute(`${prefix}swap-oob`) || "true";
      node.removeAttribute(`${prefix}swap-oob`);
      if (words === "false") continue;
      // Only what stands in it goes there, unless the element itself takes a place.
      take(node, words, null, !/^(true$|outer|morph(:outer)?(HTML)?(:|$)|delete|none)/i.test(words));
    }
    for (const node of scope.querySelectorAll(partial)) {
      const target = prefixes.map((/** @type {string} */ prefix) => node.getAttribute(`${prefix}target`)).find(Boolean) ?? (node.id ? `#${node.id}` : null);
      const style = prefixes.map((/** @type {string} */ prefix) => node.getAttribute(`${prefix}swap`)).find(Boolean) ?? "innerHTML";
      if (target) take(node, `${style.split(" ")[0]}:${target}`, null, true);
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

/** @param {number} handle @param {string} style @param {number} root @param {Any} options */
function place(handle, style, root, { preserve, scripts, settle, classes }) {
  const target = nodeOf(handle), content = nodeOf(root);
  if (style === "textContent") {
    target.textContent = content.textContent;
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
  return { added: fresh.map(handleOf) };
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

/** @param {number | null} handle @param {string} edge @param {string} what */
function toEdge(handle, edge, what) {
  if (handle === null) return window.scrollTo({ top: edge === "top" ? 0 : document.body.scrollHeight, behavior: "instant" });
  const node = nodeOf(handle);
  if (what === "show") return node.scrollIntoView({ block: edge === "top" ? "start" : "end", behavior: "instant" });
  node.scrollTop = edge === "top" ? 0 : node.scrollHeight;
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
        "target-node": handleOf(elementOf(target ?? null)), "source-node": handleOf(elementOf(source ?? null)),
      }]);
    },
    trigger(/** @type {Any} */ node, /** @type {string} */ name, /** @type {Any} */ detail = {}) {
      return send(elementOf(node), name, detail);
    },
    /** @param {Any} target @param {string} html @param {Any} [spec] as in sx-swap, or {swapStyle swapDelay settleDelay} */
    swap(target, html, spec = "") {
      const text = typeof spec === "string" ? spec : [spec.swapStyle ?? "", spec.swapDelay === undefined ? "" : `swap:${spec.swapDelay}ms`, spec.settleDelay === undefined ? "" : `settle:${spec.settleDelay}ms`].join(" ");
      const id = -Math.ceil(Math.random() * 2 ** 40);
      note(id, { text: html });
      return ask("swap", (token) => [token, id, handleOf(elementOf(target)), text]);
    },
    abort: (/** @type {Any} */ node) => call("web/api", "abort", [handleOf(elementOf(node))]),
    /** The values that an element would send. @param {Any} node @param {string} [verb] */
    values(node, verb = "post") {
      const element = elementOf(node), form = element.localName === "form" ? element : verb === "get" ? null : formOf(element);
      return Object.fromEntries([...new Set(gather({ form: handleOf(form), own: element.localName === "form" ? null : handleOf(element) }).entries())]);
    },
    defineExtension(/** @type {string} */ name, /** @type {Any} */ extension) {
      extension.init?.(api);
      extensions.set(name, extension);
    },
    removeExtension: (/** @type {string} */ name) => void extensions.delete(name),
    off: (/** @type {Any} */ node, /** @type {string} */ name, /** @type {Any} */ listener) => elementOf(node).removeEventListener(name, listener),
    find: (/** @type {Any} */ from, /** @type {string} */ selector) => (selector ? elementOf(from).querySelector(selector) : document.querySelector(from)),
    closest: (/** @type {Any} */ node, /** @type {string} */ selector) => elementOf(node).closest(selector),
    logAll: () => { logging = true; },
    logNone: () => { logging = false; },
  });
}

/** @param {Call} call @returns {import("./kernel.js").Ports} */
export function ports(call) {
  const listeners = listening(call);
  offer(call);
  return {
    ...listeners,
    ...extended,
    "dom/emit": dressing(call),
    "page/settings": () => {
      let settings = {};
      for (const meta of document.querySelectorAll('meta[name="sx-config"],meta[name="htmx-config"]')) {
        try { settings = { ...settings, ...JSON.parse(/** @type {Any} */ (meta).content) }; } catch (error) { console.warn(`<meta name="${/** @type {Any} */ (meta).name}">: its content is no JSON: ${/** @type {Error} */ (error).message}`); }
      }
      settings = { ...settings, ...api.config, .../** @type {Any} */ (globalThis).sxSettings };
      if (/** @type {Any} */ (settings).personality?.startsWith("htmx")) eventPrefix = "htmx:";
      return settings;
    },
    "page/elements": elements,
    "page/element": element,
    "page/near": (node, how, selector) => handleOf(near(nodeOf(node), how, selector)),
    "page/wait": (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    "page/reload": () => location.reload(),
    "page/ask": (how, text) => (how === "confirm" ? confirm(text) : prompt(text)),
    "page/valid": (nodes, quiet) => nodes.flatMap((/** @type {number} */ handle) => {
      const node = nodeOf(handle);
      const wrong = [...(node.localName === "form" ? node.elements : [node])].filter((field) => field.willValidate && !field.checkValidity());
      if (quiet) return [];
      if (wrong.length) node.reportValidity?.();
      return wrong.map((field) => ({ node: handleOf(field), message: field.validationMessage }));
    }),
    "page/mark": mark,
    "page/settle": (nodes, classes) => {
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
    "page/edge": (node, edge, smooth, what) => toEdge(node, edge, what),
    "page/focus-note": noteFocus,
    "page/focus-back": backToFocus,
    "page/head": mergeHead,
    "page/answer": (token, value) => { promised.get(token)?.(value); promised.delete(token); },
    "page/value-of": (node) => valueOf(nodeOf(node)),
    "request/prepare": (id, recipe) => {
      const data = gather(recipe);
      note(id, { data });
      return { files: [...data.values()].some((value) => typeof value !== "string") };
    },
    "fragment/open": openFragment,
    "fragment/oob": outOfBand,
    "fragment/target": targets,
    "view/begin": beginView,
    "view/end": () => endView?.(),
    "page/define": (text) => Promise.resolve().then(() => api.eval(text)).then(() => null),  // when SX has come to rest
    "page/take-text": (from, to) => { const { text, head } = open.get(from) ?? {}; note(to, { text, head }); open.delete(from); },
    "page/script-handler": (node, type, text) => {
      try {
        nodeOf(node).addEventListener(type, new Function("event", text));
      } catch (error) {
        console.warn(`on:${type}="${text}": the page's policy does not let it run: ${/** @type {Error} */ (error).message}`);
      }
    },
  };
}
