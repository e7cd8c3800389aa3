// How htmx 4 shows requests to a page: the context that listeners change, its events, hooks of extensions, its transport and
// what it gathers. What is done when is decided in web/sx/htmx.sx; this comes with web-htmx.sxbc.

import { handleOf, nodeOf, places } from "./dom.js";
import { portError } from "./kernel.js";
import { note, open, textOf, transports } from "./transport.js";
import { dialect, leaving, stillThere } from "./web-more.js";

/** @typedef {any} Any */

const page = /** @type {Any} */ (globalThis);
/** @returns {Any} window.htmx, or what little of it stands in where a page has only the personality */
const facade = () => page.htmx ?? { config: {}, extensions: [] };

// --- events -------------------------------------------------------------------------------------------------------

/** Extensions hear first, under the event's name with lines for colons; whoever answers false stops it.
 *  @param {Any} place @param {string} name @param {Any} [detail] @param {boolean} [bubbles] */
export function tell(place, name, detail = {}, bubbles = true) {
  const on = place?.isConnected ? place : document;
  if (detail.error) console.error(`htmx: ${name}: ${detail.error.message ?? detail.error}`, { elt: on, detail });
  else if (facade().config.logAll) console.log(`htmx: ${name}`, { elt: on, detail });
  for (const hear of hooks(name.replaceAll(":", "_")))
    if (hear(on, detail) === false || detail.cancelled) {
      detail.cancelled = true;
      return false;
    }
  return on.dispatchEvent(new CustomEvent(name, { detail, bubbles, cancelable: true, composed: true }));
}
/** @param {string} name */
const hooks = (name) => (facade().extensions ?? []).flatMap((/** @type {Any} */ one) => one[name] ?? []);

// --- the context of a request ----------------------------------------------------------------------------------------

const kWords = ["select", "selectOOB", "swap", "push", "replace", "transition", "confirm"];

/** The object that listeners know a request by, from its first event to its last. @param {number} id @param {Any} given */
function contextOf(id, given) {
  const known = /** @type {Any} */ (open.get(id));
  if (known?.ctx) return known.ctx;
  const abort = new AbortController();
  const ctx = {
    sourceElement: stillThere(given.elt), sourceEvent: page.event ?? {}, status: "created", text: known?.text,
    request: { abort: abort.abort.bind(abort), signal: abort.signal, credentials: "same-origin", mode: facade().config.mode ?? "same-origin", body: known?.data },
  };
  note(id, /** @type {Any} */ ({ ctx, abort: { abort: (/** @type {Any} */ why) => ctx.request.abort(why) } }));
  return ctx;
}

/** @param {Any} ctx @param {Any} given */
function fill(ctx, { elt, target, words, request }) {
  const source = stillThere(elt);
  if (source) ctx.sourceElement = source;
  ctx.target = stillThere(target) ?? undefined;
  for (const name of kWords) ctx[name] = words[name] ?? undefined;
  const { headers, form, submitter, mode, ...more } = request ?? {};
  for (const [name, value] of Object.entries(more)) ctx.request[name] = value ?? undefined;
  if (headers) ctx.request.headers = { ...ctx.request.headers, ...headers };
  if ("form" in (request ?? {})) Object.assign(ctx.request, { form: stillThere(form), submitter: stillThere(submitter) ?? undefined });
}

/** @param {Any} given */
const elementOf = (given) => (typeof given === "string" ? document.querySelector(given) : given ?? null);
/** @param {Any} ctx what listeners left of it */
const read = (ctx) => ({ target: handleOf(elementOf(ctx.target)), words: Object.fromEntries(kWords.map((name) => [name, ctx[name] ?? null])) });

/** @param {Any} ctx @param {boolean} multipart */
function encode({ request }, multipart) {
  if (!/GET|DELETE/.test(request.method)) {
    if (!multipart) request.body = new URLSearchParams(/** @type {Any} */ (request.body));
    return;
  }
  const url = new URL(request.action, document.baseURI);
  for (const name of request.body.keys()) url.searchParams.delete(name);
  for (const [name, value] of request.body) url.searchParams.append(name, value);
  request.action = url.origin === location.origin ? url.pathname + url.search : url.href;
  request.body = null;
}

/** @param {Any} task @param {number} n */
const shown = ({ type, target, root, swap: { said, style, ...spec } }, n) =>
  ({ n, type, target: stillThere(target), fragment: stillThere(root), swapSpec: { style: said ?? style, ...spec } });

dialect.name = "htmx4";
/** @param {number | null} node @param {string} name @param {Any} given @param {boolean} back */
dialect.emit = (node, name, { ctx: given, request: id, tasks, error, elt, target, ...more }, back) => {
  const detail = { ...more };
  const place = node === null ? document : nodeOf(node);
  let ctx = null;
  if (given) {
    detail.ctx = ctx = contextOf(id, given);
    if (!/:(finally|error)/.test(name)) fill(ctx, given);
    ctx.text ??= /** @type {Any} */ (open.get(id))?.text;
    if (name.endsWith("finally:request")) clearTimeout(ctx.timer);
  }
  if (error !== undefined) detail.error = ctx?.failure ?? new Error(error);
  if (tasks) detail.tasks = tasks.map(shown);
  if (name.endsWith(":confirm"))
    ctx.decided = new Promise((resolve) => Object.assign(detail, { issueRequest: () => resolve(true), dropRequest: () => resolve(false) }));
  if (name.endsWith(":after:process")) tellFresh();
  const go = tell(place, name, detail);
  if (ctx && name.endsWith("config:request") && go) encode(ctx, given.multipart);
  if (ctx && typeof ctx.text === "string" && ctx.text !== textOf(id)) note(id, { text: ctx.text });
  if (!back) return go;
  return { go, detail: {
    ...(ctx ? { ctx: read(ctx) } : {}),
    ...(tasks ? { tasks: detail.tasks.map((/** @type {Any} */ { n, target, swapSpec }) => ({ n, target: handleOf(elementOf(target)), style: swapSpec.style })) } : {}),
  } };
};
/** What listeners of htmx:confirm will have decided. @param {number} id */
dialect.decision = (id) => /** @type {Any} */ (open.get(id))?.ctx?.decided ?? false;

// --- sending -----------------------------------------------------------------------------------------------------------

/** @param {Any} value */
const interval = (value) => (typeof value === "number" ? value : facade().parseInterval?.(value) ?? 0);

transports.htmx4 = ({ id }, sent) => {
  const { ctx } = /** @type {Any} */ (open.get(id));
  const { request } = ctx;
  const ms = interval(request.timeout);
  if (ms) ctx.timer = setTimeout(() => request.abort?.("timeout"), ms);
  ctx.status = "issuing";
  return (ctx.fetch ?? fetch.bind(window))(request.action, request).then((/** @type {Response} */ response) => {
    ctx.response = { raw: response, status: response.status, headers: response.headers };
    const headers = Object.fromEntries(response.headers);
    ctx.hx = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("hx-")).map(([name, value]) => [name.slice(3).replaceAll("-", ""), value]));
    const head = { status: response.status, redirected: response.redirected, url: response.url || new URL(request.action, document.baseURI).href, sent, headers };
    note(id, { response, head });
    return head;
  }).catch((/** @type {Any} */ error) => {
    ctx.failure = error;
    const given = error?.name === "AbortError" && request.signal.reason !== "timeout";
    throw portError(given ? "aborted" : "network-error", String(error?.message ?? error));
  });
};

/** What an element sends: its form, else what it or the fields in it hold, then what is included, then values in words.
 *  @param {Any} recipe */
dialect.gather = ({ form, submitter, own, include = [], vals = {}, read: reads }) => {
  const holder = form && nodeOf(form), node = stillThere(own);
  const sender = stillThere(submitter) ?? (holder && node?.type === "submit" ? node : null);
  const data = holder ? new FormData(holder) : new FormData();
  const included = new Set(holder ? holder.elements : []);
  if (!holder && node) add(data, included, node, reads);
  if (sender?.name) {
    data.append(sender.name, sender.value);
    included.add(sender);
  }
  for (const each of include) add(data, included, nodeOf(each), false);
  for (const [name, value] of Object.entries(vals)) data.set(name, /** @type {Any} */ (value));
  return data;
};

/** @param {FormData} data @param {Set<Any>} included @param {Any} node @param {boolean} reads */
function add(data, included, node, reads) {
  const tag = node.tagName;
  const fields = tag === "BUTTON" || tag.includes("-") ? [node]
    : /^(INPUT|SELECT|TEXTAREA|FIELDSET)$/.test(tag) || (!reads && node !== document.body) ? [...(node.matches("[name]:not(button)") ? [node] : []), ...node.querySelectorAll("[name]:not(button)")] : [];
  for (const field of fields) {
    const name = field.name || field.getAttribute("name");
    if (!name || field.matches(":disabled") || included.has(field)) continue;
    included.add(field);
    const values = field.type === "checkbox" || field.type === "radio" || (field.tagName !== "INPUT" && "checked" in field) ? (field.checked ? [field.value] : [])
      : field.type === "file" ? field.files
      : field.type === "select-multiple" ? [...field.selectedOptions].map((one) => one.value)
      : Array.isArray(field.value) ? field.value : [field.value];
    for (const value of values) data.append(name, value);
  }
}

// --- elements ------------------------------------------------------------------------------------------------------------

/** @param {Any} node @param {boolean} asks */
dialect.taken = (node, asks) => {
  if (!asks) return true;
  if (!tell(node, "htmx:before:init", {})) return false;
  if (fresh.push(node) === 1) queueMicrotask(tellFresh);
  return true;
};
/** @type {Any[]} elements that are being taken up */
const fresh = [];
const tellFresh = () => fresh.splice(0).forEach((node) => tell(node, "htmx:after:init", {}));
/** @param {Any} node */
dialect.leaving = (node) => {
  tell(node, "htmx:before:cleanup");
  tell(node, "htmx:after:cleanup");
};

/** An extension's own style; one that nobody knows changes nothing. @param {string | null} style @param {Any} target @param {Any} fragment */
dialect.swap = (style, target, fragment) => {
  if (!style) return undefined;
  for (const swap of hooks("handle_swap")) {
    const done = swap(style, target, fragment, { style });
    if (done) return Array.isArray(done) ? done.filter((node) => node instanceof Element) : [];
  }
  throw portError("bad-style", `Unknown swap style: ${style}`);
};
/** The first element of what came gives the target its attributes and what is in it. @param {Any} target @param {Any} content */
places.outerSync = (target, content) => {
  const wanted = content.firstElementChild;
  if (!wanted) return;
  leaving(target, "innerHTML");
  for (const name of target.getAttributeNames()) if (!wanted.hasAttribute(name)) target.removeAttribute(name);
  for (const { name, value } of wanted.attributes) target.setAttribute(name, value);
  target.replaceChildren(...wanted.childNodes);
};

/** @param {Any} request {text target swap sourceElement select …} @param {(what: string, args: (token: number) => unknown[]) => Promise<void>} ask */
dialect.swapText = ({ text, target, swap, select, selectOOB, sourceElement }, ask) => {
  const id = -Math.ceil(Math.random() * 2 ** 40);
  note(id, { text });
  return ask("swap", (token) => [token, id, null, {
    swap, select, selectOOB, target: typeof target === "string" ? target : null,
    "target-node": handleOf(typeof target === "string" ? null : target ?? null), "source-node": handleOf(elementOf(sourceElement)),
  }]);
};

// --- scripts in attributes -----------------------------------------------------------------------------------------------

const AsyncFunction = /** @type {Any} */ (Object.getPrototypeOf(async () => {}).constructor);
const kOffered = ["find", "findAll", "on", "trigger", "ajax", "swap", "process", "timeout", "parseInterval"];

/** The functions of htmx are in reach of scripts in attributes, and what the event's detail has. @param {...string} parts */
dialect.compiled = (...parts) => {
  const values = (/** @type {Any} */ node) => kOffered.map((name) => /^find/.test(name)
    ? (/** @type {Any} */ one, /** @type {Any} */ other) => (other === undefined ? facade()[name](node, one) : facade()[name](one, other))
    : facade()[name]?.bind(facade()));
  if (parts[0] === "event") {
    const made = new AsyncFunction(...kOffered, "event", `with(event?.detail||{}){${parts[1]}\n}`);
    return async (/** @type {Any} */ event) => {
      const node = event.currentTarget;
      try {
        await made.call(node, ...values(node), event);
      } catch (error) {
        tell(node, "htmx:error", { error });
      }
    };
  }
  const made = new Function(...kOffered, ...parts);
  return { call: (/** @type {Any} */ node) => made.call(node, ...values(node)) };
};

/** hx-on="click once -> doThis(); blur -> doThat()". @param {string} text */
dialect.handlers = (text) => text.split(/;(?=[^;]*->)/).filter((part) => part.includes("->")).map((part) => {
  const at = part.indexOf("->"), [type, ...words] = part.slice(0, at).trim().split(/\s+/);
  return { type, text: part.slice(at + 2).trim(), once: words.includes("once"), capture: words.includes("capture"), passive: words.includes("passive") };
});

export const ports = () => ({});
