// Starts the SX kernel on a page that already works without it: links and forms are plain until then,
// and stay plain when any step fails. The console is told in one sentence.
//
// Everything is fetched at once, behind what the page itself wants, and the kernel compiled beside it; nothing of it
// runs before the page is painted, and then in pieces. The build also makes sx.js of this file, for pages that load it
// as a classic script.

/** What the files beside this one are called, by their plain names: filled in by cmake/stage-web.mjs.
 *  @type {Record<string, string>} */
const kFiles = {};
/** SHA-256 of its bundles, which it has verified; filled in there too. @type {Record<string, string>} */
const kSums = {};
const kBundles = ["core.sxbc", "web.sxbc"];
const root = document.documentElement;
let stopEvents = () => {};
/** @type {ReturnType<import("./kernel.js").makeKernel>} */
let kernel;
/** @type {import("./kernel.js").Ports} */
let ports;
/** @type {Record<string, Promise<void>>} */
const features = {};

/** @type {(value?: any) => void} */
let begun = () => {};
/** @type {(error: Error) => void} */
let failed = () => {};
/** What scripts ask for before the engine runs waits for it. */
const started = new Promise((resolve, reject) => { begun = resolve; failed = reject; });
started.catch(() => {});  // told once, by giveUp

/** Back to plain HTML. @param {Error} error */
function giveUp(error) {
  failed(error);
  stopEvents();
  // Entries that SX made show nothing by themselves.
  if (api.ready) addEventListener("popstate", () => location.reload());
  delete root.dataset.sxReady;
  api.error = error;
  console.error(`SX stopped, the page works without it: ${error.message}`);
}

/** @type {import("./kernel.js").Call} */
const call = (name, ...args) => kernel.call(name, ...args);

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
  eval: (text) => started.then(() => kernel.load("sx_eval", text)),
  /** @type {import("./kernel.js").Call} */
  call: (name, ...args) => api.ready ? call(name, ...args) : void started.then(() => call(name, ...args)).catch(() => {}),
  /** Takes up sx-* attributes that other code put into the page. */
  process: () => api.call("web/process"),
  /** How many links and forms of the page are boosted now. */
  boosted: () => api.ready ? Number(kernel.run("sx_call_now", "web/count-boosted", "[]")) : 0,
  /** @type {Record<string, unknown>} settings, as <meta name="sx-config"> has them */
  config: {},
  /** Listens to the event sx:NAME, or with a node to any of its events; returns how to stop.
   *  @param {any} node @param {any} name @param {(event: any) => void} [listener] */
  on(node, name, listener) {
    if (!listener) [node, name, listener] = [document, `sx:${node}`, name];
    node.addEventListener(name, listener);
    return () => node.removeEventListener(name, listener);
  },
  /** Loads a feature before anybody asks for it. @param {string} bundle such as "web-morph" */
  load: (bundle) => started.then(() => ports["bundle/load"](bundle)),
  /** A promise of what the engine holds and did: {elements, requests, swaps, islands, errors}. @returns {Promise<any>} */
  debug: () => api.load("web-debug").then(() => api.debug()),
};

// The rest of it comes with web-more, which takes the place of these.
for (const name of ["ajax", "trigger", "swap", "abort", "values", "defineExtension", "removeExtension", "logAll", "logNone", "off", "find", "closest"])
  /** @type {any} */ (api)[name] = (/** @type {any[]} */ ...args) => api.load("web-more").then(() => /** @type {any} */ (api)[name](...args));

/** Waits until the page is there and painted, or somebody begins to use it. Nobody waits for the paint of a hidden page. */
const calm = () => new Promise((resolve) => {
  const begin = () => document.readyState === "loading" ? addEventListener("DOMContentLoaded", resolve) : resolve(undefined);
  for (const type of ["pointerdown", "keydown", "touchstart"]) addEventListener(type, begin, { once: true, passive: true });
  if (document.hidden) return setTimeout(begin);
  setTimeout(begin, 1000);
  requestAnimationFrame(() => setTimeout(begin));
});

/** @param {string} name */
const place = (name) => new URL(kFiles[name] ?? name, import.meta.url).href;

/** @param {string} name @param {RequestPriority} [priority] */
async function load(name, priority) {
  const response = await fetch(place(name), { priority }).catch((error) => { throw new Error(`${name}: ${error.message}`); });
  if (!response.ok) throw new Error(`${name}: status ${response.status}`);
  return response;
}

/** A bundle, and whether it is known to be of this build: others, and all where the browser has no digest for plain http,
 *  are verified by the kernel. @param {string} name @param {RequestPriority} [priority] */
async function bundleOf(name, priority) {
  const bytes = await (await load(name, priority)).arrayBuffer();
  const sum = kSums[name] && (await globalThis.crypto.subtle?.digest("SHA-256", bytes));
  return { bytes: new Uint8Array(bytes), vouched: !!sum && btoa(String.fromCharCode(...new Uint8Array(sum))) === kSums[name] };
}

/** @param {string} name @param {RequestPriority} [priority] */
async function compile(name, priority) {
  const answer = await load(name, priority);
  // Compiling while it arrives needs the right type; a server that sends another one is still good enough.
  return answer.headers.get("content-type") === "application/wasm" ? WebAssembly.compileStreaming(answer) : WebAssembly.compile(await answer.arrayBuffer());
}

/** @param {string} name @param {any} imports */
const instantiate = async (name, imports, module = compile(name)) => WebAssembly.instantiate(await module, imports);

/** Lets the browser do what waits: no piece of the start is to hold up a click or a frame. */
const breathe = () => /** @type {any} */ (globalThis).scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));

/** Takes bundles that are being fetched; where one is missing or refused, all sources, and the console says why.
 *  @param {string[]} names @param {ReturnType<typeof bundleOf>[]} loading */
async function addModules(names, loading) {
  const refused = [];
  for (const [at, bundle] of loading.entries()) {
    try {
      const { bytes, vouched } = await bundle;
      kernel.addBundle(bytes, vouched);
      await breathe();
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
  const loading = bundleOf(bundle);
  loading.catch(() => {});  // looked at later
  if (script in kFiles) Object.assign(ports, (await import(place(script))).ports(call, api, kernel));
  await addModules([bundle], [loading]);
  await kernel.load("sx_require", name.replace("-", "/"));
}

async function boot() {
  const wasm = compile("kernel.wasm", "low");
  const bundles = kBundles.map((name) => bundleOf(name, "low"));
  const script = import(place("page.js"));
  for (const one of [wasm, ...bundles, script]) one.catch(() => {});  // looked at later
  await calm();
  const page = await script;
  ports = {
    ...page.domPorts(page.textOf), ...page.transportPorts, ...page.historyPorts(call), ...page.eventPorts(call),
    "console/warn": (text) => console.warn(text),
    "page/ready"() {
      root.dataset.sxReady = "true";
      begun();
      performance.mark("sx-ready");
      if ("sxDebug" in root.dataset) api.debug();
      document.dispatchEvent(new CustomEvent("sx:ready", { bubbles: true }));
    },
    "bundle/load": (name) => features[name] ??= loadFeature(name).catch((error) => {
      delete features[name];  // asked for again, it is fetched again
      throw page.portError("bundle-missing", error.message);
    }),
  };
  kernel = page.makeKernel(
    ports,
    (/** @type {number} */ level, /** @type {string} */ text) => [console.debug, console.info, console.warn, console.error][level](text),
    instantiate,
    giveUp,
  );
  kernel.start(await instantiate("kernel.wasm", kernel.imports, wasm));
  api.version = kernel.run("sx_fingerprint");
  await breathe();
  await addModules(kBundles, bundles);
  await kernel.load("sx_require", "web/boot");
  await breathe();
  stopEvents = page.startPageEvents(call);
  call("web/start");
}

if (!("SxKernel" in globalThis)) {
  Object.assign(globalThis, { SxKernel: api });
  // In a task of its own, which a page that is being left, and its downloads with it, does not come to.
  boot().catch((error) => setTimeout(giveUp, 0, error));
}
export default /** @type {typeof api} */ (/** @type {any} */ (globalThis).SxKernel);
