// Starts the SX kernel on a page that already works without it: links and forms are plain until then,
// and stay plain when any step fails. The console is told in one sentence.

import { domPorts } from "./dom.js";
import { eventPorts, startPageEvents } from "./events.js";
import { historyPorts } from "./history.js";
import { makeKernel, portError } from "./kernel.js";
import { textOf, transportPorts } from "./transport.js";

const kBundles = ["core.sxbc", "web.sxbc"];
/** What the files beside this one are called, by their plain names: filled in by cmake/stage-web.mjs.
 *  @type {Record<string, string>} */
const kFiles = {};
const root = document.documentElement;
let stopEvents = () => {};

/** Back to plain HTML. @param {Error} error */
function giveUp(error) {
  stopEvents();
  // Entries that SX made show nothing by themselves.
  if (api.ready) addEventListener("popstate", () => location.reload());
  delete root.dataset.sxReady;
  api.error = error;
  console.error(`SX stopped, the page works without it: ${error.message}`);
}

/** @type {import("./kernel.js").Call} */
const call = (name, ...args) => kernel.call(name, ...args);
/** @type {import("./kernel.js").Ports} */
const ports = {
  ...domPorts(textOf), ...transportPorts, ...historyPorts(call), ...eventPorts(call),
  "console/warn": (text) => console.warn(text),
  "page/ready"() {
    root.dataset.sxReady = "true";
    document.dispatchEvent(new CustomEvent("sx:ready", { bubbles: true }));
  },
  "bundle/load": (name) => features[name] ??= loadFeature(name).catch((error) => {
    delete features[name];  // asked for again, it is fetched again
    throw portError("bundle-missing", error.message);
  }),
};
/** @type {Record<string, Promise<void>>} */
const features = {};

/** @type {ReturnType<typeof makeKernel>} */
const kernel = makeKernel(
  ports,
  (level, text) => [console.debug, console.info, console.warn, console.error][level](text),
  instantiate,
  giveUp,
);

/** What scripts of a page may use. */
const api = {
  version: "",
  /** @type {"bundle" | "source"} */
  loadedFrom: "bundle",
  /** @type {Error | undefined} why the page is plain */
  error: undefined,
  get ready() {
    return root.dataset.sxReady === "true";
  },
  /** A promise of the value of an SX expression as text: the compiler is fetched for it. @param {string} text */
  eval: (text) => kernel.load("sx_eval", text),
  call: kernel.call,
  /** Takes up sx-* attributes that other code put into the page. */
  process: () => kernel.call("web/process"),
  /** How many links and forms of the page are boosted now. */
  boosted: () => Number(kernel.run("sx_call_now", "web/count-boosted", "[]")),
  /** Listens to sx:ready, sx:before-swap, sx:after-swap, sx:error; returns how to stop.
   *  @param {string} name @param {(event: any) => void} listener */
  on(name, listener) {
    document.addEventListener(`sx:${name}`, listener);
    return () => document.removeEventListener(`sx:${name}`, listener);
  },
};

/** Waits until the page is painted and idle, or somebody begins to use it. */
const calm = () => new Promise((resolve) => {
  for (const type of ["pointerdown", "keydown", "touchstart"]) addEventListener(type, resolve, { once: true, passive: true });
  (globalThis.requestIdleCallback ?? setTimeout)(resolve, /** @type {any} */ ({ timeout: 200 }));
});

/** @param {string} name */
const place = (name) => new URL(kFiles[name] ?? name, import.meta.url).href;

/** @param {string} name */
async function load(name) {
  const response = await fetch(place(name));
  if (!response.ok) throw new Error(`${name}: status ${response.status}`);
  return response;
}

/** @param {string} name @param {any} imports */
async function instantiate(name, imports) {
  const response = await load(name);
  // Compiling while it arrives needs the right type; a server that sends another one is still good enough.
  if (response.headers.get("content-type") === "application/wasm")
    return (await WebAssembly.instantiateStreaming(response, imports)).instance;
  return (await WebAssembly.instantiate(await response.arrayBuffer(), imports)).instance;
}

/** Takes bundles that are being fetched; where one is missing or refused, all sources, and the console says why.
 *  @param {string[]} names @param {Promise<Response>[]} loading */
async function addModules(names, loading) {
  const refused = [];
  for (const [at, response] of loading.entries()) {
    try {
      kernel.run("sx_add_bundle", new Uint8Array(await (await response).arrayBuffer()));
    } catch (error) {
      refused.push(`${names[at]}: ${/** @type {Error} */ (error).message}`);
    }
  }
  if (!refused.length || api.loadedFrom === "source") return;
  console.warn(`SX compiles its sources instead: ${refused.join("; ")}`);
  const sources = await (await load("sx/web-source.json")).json();
  for (const name in sources) kernel.run("sx_add_source", name, sources[name]);
  api.loadedFrom = "source";
}

/** Loads web-NAME.sxbc, whose entry is the module web/NAME, and the ports of web-NAME.js where there is one.
 *  @param {string} name */
async function loadFeature(name) {
  const bundle = `${name}.sxbc`, script = `${name}.js`;
  const loading = load(bundle);
  loading.catch(() => {});  // looked at later
  if (script in kFiles) Object.assign(ports, (await import(place(script))).ports(call));
  await addModules([bundle], [loading]);
  await kernel.load("sx_require", name.replace("-", "/"));
}

async function boot() {
  await calm();
  const bundles = kBundles.map(load);
  for (const bundle of bundles) bundle.catch(() => {});  // looked at later
  kernel.start(await instantiate("kernel.wasm", kernel.imports));
  api.version = kernel.run("sx_fingerprint");
  await addModules(kBundles, bundles);
  await kernel.load("sx_require", "web/boot");
  stopEvents = startPageEvents(kernel.call);
  kernel.call("web/start");
}

if (!("SxKernel" in globalThis)) {
  Object.assign(globalThis, { SxKernel: api });
  boot().catch(giveUp);
}
