// The service worker: what a visitor has seen stays readable without a connection, and forms that ask for it wait.
//
// Files that are called after their content come from the cache of this worker's own build, all of it fetched before
// the worker takes part: a page never gets the kernel of one build with the bundles of another. Pages are asked of
// the server first; their documents are kept for the day when it cannot be reached. What is marked private is kept
// apart and forgotten at every document-level write, as logging out is one; no-store is never kept.
//
// A form with sx-offline="queue" is sent with an Idempotency-Key and SX-Queue: true. Where the server cannot be
// reached it is kept (IndexedDB) and delivered later, in order, with the same key: a server that knows the key
// answers it a second time without doing it twice.
//
// The loader's folder is /static/, or said in the worker's own address: /sw.js?base=/vendor/sx-htmx/

const kVersion = "dev";
/** Plain name → name of the file, filled in by cmake/stage-web.mjs. */
const kShell = {};
const kPagesMax = 100;
/** A document that was kept longer ago is fetched again when its fragment is shown. */
const kFreshMs = 60_000;

const base = new URL(new URL(location.href).searchParams.get("base") ?? "/static/", location.origin).href;
const shellName = `sx-shell-${kVersion}`;
const kPages = "sx-pages";
const kPrivate = "sx-private";
const kAge = "x-sx-kept";
// Answers to what was asked before private pages were forgotten are not kept.
let era = 0;

// --- install and update ---------------------------------------------------------------------------

async function install() {
  const shell = await caches.open(shellName);
  // One missing file and this build is not installed: the one before goes on.
  await shell.addAll(Object.values(kShell).map((name) => base + name));
  const others = (await caches.keys()).some((name) => name.startsWith("sx-shell-") && name !== shellName);
  if (!others) await skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) if (name.startsWith("sx-shell-") && name !== shellName) await caches.delete(name);
  await registration.navigationPreload?.enable();
  await clients.claim();
}

// --- pages ----------------------------------------------------------------------------------------

/** @param {string} url */
const plain = (url) => url.replace(/#.*/, "");

/** Keeps the document that was answered at an address, or lets go of what was kept.
 *  @param {string} url @param {Response} response @param {number} began the era in which it was asked for */
async function keep(url, response, began) {
  if (response.status >= 500) return;
  const control = response.headers.get("cache-control") ?? "";
  const html = /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
  const where = !html || !response.ok || /\bno-store\b/i.test(control) ? null : /\bprivate\b/i.test(control) ? kPrivate : kPages;
  const body = where && (await response.arrayBuffer());
  if (began !== era && where !== kPages) return;
  for (const name of [kPages, kPrivate]) await (await caches.open(name)).delete(plain(url));
  if (!where) return;
  const headers = new Headers(response.headers);
  headers.set(kAge, String(Date.now()));
  headers.delete("set-cookie");
  const cache = await caches.open(where);
  // A new answer: one that was redirected may not answer a visit.
  await cache.put(plain(url), new Response(body, { status: 200, headers }));
  const keys = await cache.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - kPagesMax))) await cache.delete(old);
}

/** @param {string} url */
async function kept(url) {
  for (const name of [kPrivate, kPages]) {
    const found = await (await caches.open(name)).match(plain(url), { ignoreVary: true });
    if (found) return found;
  }
}

async function forgetPrivate() {
  era++;
  await caches.delete(kPrivate);
}

/** Fetches the document whose fragment was shown, unless that was done just now. @param {string} url */
async function keepDocument(url) {
  const old = await kept(url);
  if (old && Date.now() - Number(old.headers.get(kAge)) < kFreshMs) return;
  const began = era;
  const response = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-cache", credentials: "same-origin" }).catch(() => null);
  if (response && plain(response.url) === plain(url)) await keep(url, response, began);
}

/** A visit: from the server; without it, what is kept. */
async function visit(event, request) {
  const began = era;
  try {
    const response = (await event.preloadResponse) ?? (await fetch(request));
    if (response.status === 401 || /cache|\*/.test(response.headers.get("clear-site-data") ?? "")) await forgetPrivate();
    if (request.mode !== "navigate") event.waitUntil(keepDocument(response.url));
    // Of one that is redirected only the browser knows the address: its next request is asked here again.
    else if (response.type === "basic") event.waitUntil(keep(request.url, response.clone(), began));
    event.waitUntil(deliver());
    return response;
  } catch (error) {
    const old = await kept(request.url);
    if (old) return old;
    if (request.mode === "navigate") return notKept(new URL(request.url));
    throw error;
  }
}

const kEntities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => kEntities[sign]);

/** What stands at an address that was never visited. @param {URL} url */
async function notKept(url) {
  const pages = [];
  for (const name of [kPages, kPrivate])
    for (const { url: page } of await (await caches.open(name)).keys()) pages.push(new URL(page).pathname + new URL(page).search);
  const links = pages.reverse().slice(0, 20).map((path) => `<li><a href="${escaped(path)}">${escaped(decodeURI(path))}</a></li>`).join("");
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>No connection</title>
<main><h1>No connection</h1><p>This page was not visited before, so it cannot be shown without a connection. <a href="${escaped(url.pathname + url.search)}">Try again</a></p>${links && `<h2>Pages that can be read now</h2><ul>${links}</ul>`}</main></html>`;
  return new Response(body, {
    status: 503,
    headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'", "Cache-Control": "no-store" },
  });
}

// --- files ----------------------------------------------------------------------------------------

/** @param {string} name */
const hashed = (name) => /\.[0-9a-f]{10}\.\w+$/.test(name);

async function file(event, url) {
  const name = url.href.startsWith(base) ? url.pathname.slice(new URL(base).pathname.length) : "";
  const shell = await caches.open(shellName);
  // The loader is this build's, whatever the server has by now.
  const own = await shell.match(base + (kShell[name] ?? name));
  if (own) return own;
  const response = await fetch(event.request).catch(() => null);
  const control = response?.headers.get("cache-control") ?? "";
  if (response?.status === 200 && response.type === "basic" && !/no-store|private/i.test(control)) {
    const copy = response.clone();
    event.waitUntil((async () => (hashed(name) ? shell : await caches.open(kPages)).put(url.href, copy))());
  }
  return response ?? (await (await caches.open(kPages)).match(url.href, { ignoreVary: true })) ?? Response.error();
}

// --- forms that wait ------------------------------------------------------------------------------

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
/** @param {IDBTransactionMode} mode */
async function outbox(mode) {
  const open = indexedDB.open("sx-outbox", 1);
  open.onupgradeneeded = () => open.result.createObjectStore("forms", { keyPath: "at", autoIncrement: true });
  const database = await done(open);
  const transaction = database.transaction("forms", mode);
  transaction.oncomplete = transaction.onabort = () => database.close();
  return transaction.objectStore("forms");
}

async function tell(message) {
  for (const client of await clients.matchAll({ type: "window" })) client.postMessage(message);
}

async function queueable(event) {
  const { request } = event;
  const copy = request.clone();
  try {
    const response = await fetch(request);
    event.waitUntil(deliver());
    return response;
  } catch (error) {
    if (request.signal.aborted) throw error;
    const { url, method } = copy;
    const headers = [...copy.headers].filter(([name]) => name !== "sx-queue");
    const form = { url, method, headers, body: await copy.arrayBuffer(), since: Date.now() };
    await done((await outbox("readwrite")).add(form));
    waiting = true;
    registration.sync?.register("sx-outbox").catch(() => {});
    await tell({ type: "queued", count: await done((await outbox("readonly")).count()) });
    return new Response(null, { status: 202, headers: { "SX-Queued": "true" } });
  }
}

let waiting = true;  // not known yet: looked up
/** One delivery at a time, also where several of these workers run. */
const deliver = () => (waiting ? navigator.locks.request("sx-outbox", deliverAll) : Promise.resolve());

async function deliverAll() {
  const forms = await done((await outbox("readonly")).getAll());
  waiting = forms.length > 0;
  let count = 0;
  for (const { at, url, method, headers, body } of forms) {
    // A redirect is the answer to a form that was taken: nobody waits for the page that it leads to.
    const response = await fetch(url, { method, headers, body, redirect: "manual", credentials: "same-origin" }).catch(() => null);
    // Later: nobody there, busy, or somebody has to log in first.
    if (!response || response.status >= 500 || [401, 408, 425, 429].includes(response.status)) {
      if (response?.status === 401) await tell({ type: "login", url });
      break;
    }
    await done((await outbox("readwrite")).delete(at));
    if (response.ok || response.type === "opaqueredirect") count++;
    else await tell({ type: "refused", url, status: response.status });
  }
  if (count) await tell({ type: "delivered", count });
}

// --- events ---------------------------------------------------------------------------------------

const orders = {
  /** The page came before this worker: its document is kept now. */
  keep: ({ url }) => keepDocument(url),
  deliver,
  "take-over": () => skipWaiting(),
  forget: forgetPrivate,
  version: () => kVersion,
};

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("sync", (event) => event.tag === "sx-outbox" && event.waitUntil(deliver()));
addEventListener("message", (event) => {
  const work = Promise.resolve(orders[event.data?.do]?.(event.data));
  event.waitUntil(work.then((answer) => event.ports[0]?.postMessage(answer ?? null), () => event.ports[0]?.postMessage(null)));
});
addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin || request.headers.has("range")) return;
  if (request.method !== "GET") {
    // A document-level write may be somebody logging in or out.
    if (request.mode === "navigate") event.waitUntil(forgetPrivate());
    else if (request.headers.get("SX-Queue") === "true") event.respondWith(queueable(event));
  } else if (url.href.startsWith(base) || /^(style|script|font|image|manifest)$/.test(request.destination)) event.respondWith(file(event, url));
  else if (request.mode === "navigate" || request.headers.get("SX-Boosted") === "true") event.respondWith(visit(event, request));
});
