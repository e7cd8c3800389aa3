// Starts the SX kernel on a page that already works without it: links and forms are plain until then,
// and stay plain when any step fails. The page is told by one sentence in the console.

import { domPorts, handleOf } from "./dom.js";
import { eventPorts, startPageEvents } from "./events.js";
import { historyPorts } from "./history.js";
import { Kernel } from "./kernel.js";
import { textOf, transportPorts } from "./transport.js";

const kBundles = ["core.sxbc", "web.sxbc"];
const kMain = "web/boot";
const root = document.documentElement;
const address = (/** @type {string} */ name) => new URL(name, import.meta.url).href;

/** @type {(value: void) => void} */
let settleReady = () => {};
/** @type {(reason: Error) => void} */
let failReady = () => {};
/** @type {Promise<void>} */
const ready = new Promise((settle, fail) => { settleReady = settle; failReady = fail; });
ready.catch(() => {});
/** @type {Record<string, any>} what SX reported last, by name */
const reported = {};
let stopEvents = () => {};

/** Back to plain HTML. @param {Error} error */
function giveUp(error) {
  stopEvents();
  delete root.dataset.sxReady;
  failReady(error);
  console.error(`SX did not start, the page works without it: ${error.message}`);
}

/** @param {number} level @param {string} text */
const log = (level, text) => [console.debug, console.info, console.warn, console.error][level]?.(text);
/** @param {string} name @param {unknown[]} args */
const call = (name, args) => kernel.call(name, args);

const kernel = new Kernel(
  {
    ...domPorts(textOf), ...transportPorts(), ...historyPorts(call), ...eventPorts(call),
    "page/report": (name, value) => void (reported[name] = value),
    "page/ready": () => {
      root.dataset.sxReady = "true";
      settleReady();
      document.dispatchEvent(new CustomEvent("sx:ready", { bubbles: true }));
    },
  },
  log,
  giveUp,
);

/** What scripts of a page may use. */
const api = {
  version: "",
  ready,
  /** Whether bundles or sources were loaded: "bundle" or "source". */
  loadedFrom: "bundle",
  /** The value of an SX expression as text. @param {string} text */
  eval: (text) => kernel.run("sx_eval", text),
  /** Starts an exported SX function. @param {string} name @param {...unknown} args */
  call: (name, ...args) => call(name, args),
  /** Takes up sx-* attributes of nodes that other code put into the page. @param {Element} [node] */
  process: (node) => call("web/process", [handleOf(node ?? document.body)]),
  /** How many links and forms of the page are boosted now. */
  boosted: () => {
    call("web/count-boosted", []);
    return /** @type {number} */ (reported.boosted);
  },
  /** Listens to sx:before-swap, sx:after-swap, sx:error … and returns how to stop.
   *  @param {string} name @param {(event: CustomEvent) => void} listener */
  on: (name, listener) => {
    document.addEventListener(`sx:${name}`, /** @type {any} */ (listener));
    return () => document.removeEventListener(`sx:${name}`, /** @type {any} */ (listener));
  },
};

/** Resolves when the page has been painted and is idle, or when somebody begins to use it. */
function calm() {
  return new Promise((resolve) => {
    const intents = ["pointerdown", "keydown", "touchstart"];
    const go = () => {
      for (const type of intents) removeEventListener(type, go, true);
      resolve(undefined);
    };
    for (const type of intents) addEventListener(type, go, { capture: true, passive: true });
    if (globalThis.requestIdleCallback) requestIdleCallback(go, { timeout: 200 });
    else setTimeout(go, 50);
  });
}

/** @param {string} name */
async function load(name) {
  const response = await fetch(address(name));
  if (!response.ok) throw new Error(`${name}: status ${response.status}`);
  return response;
}

/** @param {Promise<Response>} loading */
async function instantiate(loading) {
  const response = await loading;
  const copy = response.clone();
  try {
    return (await WebAssembly.instantiateStreaming(response, kernel.imports)).instance;
  } catch (error) {
    // A server that sends another type, or a browser without streaming.
    if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError) throw error;
    return (await WebAssembly.instantiate(await copy.arrayBuffer(), kernel.imports)).instance;
  }
}

/** Bundles as they are; where one is missing or refused, all sources, and the console says why.
 *  @param {Promise<Response>[]} loading */
async function addModules(loading) {
  const refused = [];
  for (const [at, response] of loading.entries()) {
    try {
      kernel.run("sx_add_bundle", new Uint8Array(await (await response).arrayBuffer()));
    } catch (error) {
      if (kernel.dead) throw kernel.dead;
      refused.push(`${kBundles[at]}: ${/** @type {Error} */ (error).message}`);
    }
  }
  if (refused.length === 0) return;
  console.warn(`SX compiles its sources instead of a bundle: ${refused.join("; ")}`);
  const sources = await (await load("web-source.json")).json();
  for (const [module, text] of Object.entries(sources)) kernel.run("sx_add_source", module, /** @type {string} */ (text));
  api.loadedFrom = "source";
}

async function boot() {
  if (typeof WebAssembly !== "object" || !document.adoptedStyleSheets || !globalThis.AbortController)
    throw new Error("this browser lacks WebAssembly or another thing that it needs");
  await calm();
  const bundles = kBundles.map(load);
  for (const bundle of bundles) bundle.catch(() => {});
  kernel.start(await instantiate(load("kernel.wasm")));
  api.version = kernel.run("sx_fingerprint");
  await addModules(bundles);
  kernel.run("sx_require", kMain);
  stopEvents = startPageEvents(call);
  call("web/start", []);
}

if (!("SxKernel" in globalThis)) {
  Object.assign(globalThis, { SxKernel: api });
  boot().catch(giveUp);
}
