// The engine starts on a page that already works: what a visitor's browser and scripts see of that, and what is left
// when a part of it does not arrive.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open();

/** What a file is called without its hash. @param {string} url */
const plainName = (url) => url.split("/").at(-1).replace(/\.[0-9a-f]{10}\./, ".");

await stage.story("the kernel boots from its bundles, says so, and the console stays silent", async (visit) => {
  await visit.go("/");
  const seen = await visit.page.evaluate(() => ({
    ready: document.documentElement.getAttribute("data-sx-ready"), kernel: typeof SxKernel, from: SxKernel.loadedFrom,
    version: SxKernel.version, error: SxKernel.error,
  }));
  expect.equal(seen.ready, "true");
  expect.equal(seen.kernel, "object");
  expect.equal(seen.from, "bundle", "no source fallback");
  expect.match(seen.version, /[0-9a-f]{8}/);
  expect.equal(seen.error, undefined);
  expect.deepEqual(visit.warnings, []);
});

await stage.story("scripts of a page can evaluate SX and hear of the start", async (visit) => {
  await visit.context.addInitScript(() => document.addEventListener("sx:ready", () => (window.heard = true)));
  await visit.go("/");
  expect.equal(await visit.page.evaluate(() => window.heard), true);
  expect.equal(await visit.page.evaluate(() => SxKernel.eval("(reduce + 0 (map inc [1 2 3]))")), "9");
  const refused = await visit.page.evaluate(async () => { try { return await SxKernel.eval("(no-such-name)"); } catch (error) { return error.message; } });
  expect.match(refused, /no-such-name/);
});

await stage.story("the compiler is fetched when something is evaluated, once, and not before", async (visit) => {
  const fetched = [];
  visit.page.on("request", (request) => /\.wasm$/.test(request.url()) && fetched.push(plainName(request.url())));
  await visit.go("/");
  await visit.follow("Archive");
  expect.deepEqual(fetched, ["kernel.wasm"]);
  expect.deepEqual(await visit.page.evaluate(() => Promise.all([SxKernel.eval("(+ 1 2)"), SxKernel.eval("(read-string \"(a b)\")")])), ["3", "(a b)"]);
  expect.deepEqual(fetched, ["kernel.wasm", "tools.wasm"]);
});

await stage.story("full Unicode is fetched by what uses it, once, and compressed", async (visit) => {
  const fetched = [];
  visit.page.on("response", (response) => /\/text\..*wasm$/.test(response.url()) && fetched.push(response.headers()["content-encoding"]));
  await visit.go("/");
  await visit.follow("Archive");
  expect.equal(await visit.page.evaluate(() => SxKernel.eval("(string/upper \"\u00E4\")")), "\"\u00C4\"");
  expect.deepEqual(fetched, []);
  expect.equal(await visit.page.evaluate(() => SxKernel.eval("(map string/length [(string/normalize \"e\\u{301}\") (unicode/upper \"\u00DF\")])")), "(1 2)");
  expect.equal(await visit.page.evaluate(() => SxKernel.eval("(unicode/category #\\A)")), ":Lu");
  expect.equal(fetched.length, 1);
  expect.match(String(fetched[0]), /^(br|zstd)$/);
});

await stage.story("without the compiler an evaluation is refused by name, the page goes on, and later it works", async (visit) => {
  await visit.page.route("**/tools.*.wasm", (route) => route.fulfill({ status: 404, body: "" }));
  await visit.go("/");
  const refused = () => visit.page.evaluate(() => SxKernel.eval("(+ 1 2)").catch((error) => error.message));
  expect.equal(await refused(), "tools.wasm: status 404");
  await visit.follow("Archive");
  await visit.page.unroute("**/tools.*.wasm");
  expect.equal(await refused(), "3");
}, { allow: /404/ });

await stage.story("the page is painted and stable before the engine starts", async (visit) => {
  await visit.context.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value))).observe({ type: "layout-shift", buffered: true });
    document.addEventListener("sx:ready", () => (window.readyAt = performance.now()));
  });
  await visit.go("/");
  const seen = await visit.page.evaluate(() => ({
    shift: window.shift, readyAt: window.readyAt,
    loaded: performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
  }));
  expect.equal(seen.shift, 0, "no layout shift");
  console.log(`# ready ${Math.round(seen.readyAt - seen.loaded)} ms after DOMContentLoaded`);
});

await stage.story("the loader twice on one page starts one kernel", async (visit) => {
  await visit.page.route(visit.url("/"), async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace("</head>", '<script type="module" src="/static/boot.js?again"></script></head>');
    await route.fulfill({ response, body });
  });
  const kernels = [];
  visit.page.on("request", (request) => request.url().endsWith(".wasm") && kernels.push(request.url()));
  await visit.go("/");
  await sleep(300);
  expect.equal(kernels.length, 1);
  await visit.follow("Archive");
  expect.equal(await visit.page.evaluate(() => window.seen.swaps), 1);
});

await stage.story("without the kernel the page works as plain HTML and the console says so once", async (visit) => {
  await visit.page.route("**/kernel.*.wasm", (route) => route.abort());
  const errors = [];
  visit.page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await visit.page.goto(visit.url("/"));
  await visit.page.waitForFunction(() => window.SxKernel?.error);
  expect.equal(await visit.page.evaluate(() => document.documentElement.dataset.sxReady), undefined);
  expect.equal(errors.filter((text) => /^SX stopped, the page works without it/.test(text)).length, 1);
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.page.waitForURL("**/archive");
  expect.equal(await visit.heading(), "Archive");
}, { allow: /^SX stopped|ERR_FAILED/ });

await stage.story("a kernel that is no WebAssembly leaves the page plain", async (visit) => {
  await visit.page.route("**/kernel.*.wasm", (route) => route.fulfill({ contentType: "application/wasm", body: "not a module" }));
  await visit.page.goto(visit.url("/"));
  await visit.page.waitForFunction(() => window.SxKernel?.error);
  await visit.page.getByRole("link", { name: "Tags", exact: true }).click();
  await visit.page.waitForURL("**/tags");
}, { allow: /^SX stopped/ });

await stage.story("a server that sends the kernel with another type is good enough", async (visit) => {
  await visit.page.route("**/kernel.*.wasm", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), "content-type": "application/octet-stream" } });
  });
  await visit.go("/");
});

/** Serves a bundle with one byte changed. */
const alter = (visit, name, at) => visit.page.route(`**/${name}`, async (route) => {
  const response = await route.fetch();
  const body = await response.body();
  body[at < 0 ? body.length + at : at] ^= 0x55;
  await route.fulfill({ status: 200, contentType: "application/octet-stream", body });
});

await stage.story("a damaged bundle is refused with a sentence, and the sources are compiled instead", async (visit) => {
  await alter(visit, "web.*.sxbc", -200);
  await visit.go("/");
  expect.equal(await visit.page.evaluate(() => SxKernel.loadedFrom), "source");
  expect.equal(visit.warnings.length, 1, visit.warnings.join("\n"));
  expect.match(visit.warnings[0], /^SX compiles its sources instead: web\.sxbc: .{20,}/);
  await visit.follow("Archive");
  expect.equal(await visit.heading(), "Archive");
});

await stage.story("a bundle of another build is refused by both sides' names", async (visit) => {
  await alter(visit, "core.*.sxbc", 12);
  await visit.go("/");
  expect.equal(await visit.page.evaluate(() => SxKernel.loadedFrom), "source");
  expect.match(visit.warnings.join("\n"), /core\.sxbc: .*(sx build|scripts\/build|[Rr]ebuild)/s);
});

await stage.story("a kernel that stops in the middle leaves plain links, and back still works", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  await visit.page.evaluate(() => {
    // What the kernel is given next cannot be decoded: its trap ends it.
    const decode = TextDecoder.prototype.decode;
    TextDecoder.prototype.decode = () => { throw new Error("a trap"); };
    try { SxKernel.call("web/process"); } finally { TextDecoder.prototype.decode = decode; }
  });
  expect.equal(await visit.page.evaluate(() => document.documentElement.dataset.sxReady), undefined);
  const marker = await visit.marker();
  await visit.page.goBack();
  await visit.page.waitForFunction((old) => window.seen?.marker !== old && document.querySelector("#content h1"), marker);
  await visit.ready();
  expect.equal(visit.path(), "/");
}, { allow: /a trap/ });

await stage.story("missing bundles: the sources are compiled", async (visit) => {
  await visit.page.route("**/*.sxbc", (route) => route.fulfill({ status: 404, body: "" }));
  await visit.go("/");
  expect.equal(await visit.page.evaluate(() => SxKernel.loadedFrom), "source");
  await visit.follow("Tags");
  expect.equal(await visit.heading(), "Tags");
}, { allow: /404/ });

await stage.story("neither bundles nor sources: plain HTML and one sentence", async (visit) => {
  await visit.page.route(/\.sxbc$|web-source\..*json$/, (route) => route.abort());
  await visit.page.goto(visit.url("/"));
  await visit.page.waitForFunction(() => window.SxKernel?.error);
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.page.waitForURL("**/archive");
}, { allow: /^SX stopped|ERR_FAILED/ });

await stage.close();
finish();
