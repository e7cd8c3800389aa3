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

await stage.story("a page in a tab behind another one is ready when its reader comes to it", async (visit) => {
  await visit.context.addInitScript(() => {
    if (window.top !== window) return;
    Object.defineProperty(document, "hidden", { get: () => true });
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    // What a browser does not do for hidden pages.
    window.requestAnimationFrame = () => 0;
    window.requestIdleCallback = () => 0;
  });
  await visit.go("/");
  await visit.follow("Archive");
});

await stage.story("a page whose frames never come is ready within two seconds", async (visit) => {
  await visit.context.addInitScript(() => (window.requestAnimationFrame = () => 0));
  await visit.page.goto(visit.url("/"));
  await visit.page.waitForSelector('html[data-sx-ready="true"]', { timeout: 5000 });
});

await stage.story("somebody who begins to use the page does not wait for it to be idle", async (visit) => {
  await visit.context.addInitScript(() => { window.requestIdleCallback = () => 0; window.requestAnimationFrame = () => 0; });
  await visit.page.goto(visit.url("/"));
  await visit.page.mouse.click(5, 5);
  await visit.page.waitForSelector('html[data-sx-ready="true"]', { timeout: 5000 });
});

await stage.story("the classic script boots as the module does, and both on one page start one kernel", async (visit) => {
  await visit.page.route(visit.url("/"), async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace("</head>", '<script src="/static/sx.js" defer></script></head>') });
  });
  const kernels = [];
  visit.page.on("request", (request) => /kernel\..*wasm$/.test(request.url()) && kernels.push(request.url()));
  await visit.go("/");
  await sleep(300);
  expect.equal(kernels.length, 1);
  await visit.follow("Archive");
});

await stage.story("files are called after their content and kept for good; the loader is asked for again", async (visit) => {
  const control = {};
  visit.page.on("response", (response) => /\/static\/.*(js|wasm|sxbc)$/.test(response.url()) && (control[plainName(response.url())] = response.headers()["cache-control"]));
  await visit.go("/");
  expect.equal(control["boot.js"], "no-cache");
  for (const name of ["kernel.wasm", "core.sxbc", "web.sxbc", "page.js"])
    expect.equal(control[name], "public, max-age=31536000, immutable", name);
});

await stage.story("everything is fetched at once: nothing waits for a script to arrive", async (visit) => {
  await visit.go("/");
  const begun = await visit.page.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => /(kernel|core|web|page)\.\w{10}\.(js|wasm|sxbc)$/.test(name)).map(({ fetchStart }) => fetchStart));
  expect.equal(begun.length, 4);
  expect.ok(Math.max(...begun) - Math.min(...begun) < 30, `begun within ${Math.max(...begun) - Math.min(...begun)} ms`);
});

await stage.story("a page that nobody touches does nothing", async (visit) => {
  await visit.context.addInitScript(() => {
    window.posts = 0;
    const post = MessagePort.prototype.postMessage;
    MessagePort.prototype.postMessage = function (...args) { window.posts++; return post.apply(this, args); };
  });
  await visit.go("/");
  await visit.follow("Archive");
  await sleep(1000);
  const before = await visit.page.evaluate(() => window.posts);
  await sleep(500);
  expect.equal(await visit.page.evaluate(() => window.posts), before);
});

await stage.story("where the browser has no digests, as on plain http, the kernel verifies the bundles itself", async (visit) => {
  await visit.context.addInitScript(() => Object.defineProperty(crypto, "subtle", { value: undefined }));
  await visit.go("/");
  expect.equal(await visit.page.evaluate(() => SxKernel.loadedFrom), "bundle");
  await visit.follow("Archive");
});

await stage.story("a loader that came early waits for the page", async (visit) => {
  await visit.page.route(visit.url("/"), async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('type="module" src="/static/boot.js"', '$& async');
    await route.fulfill({ response, body });
  });
  await visit.go("/");
  expect.equal(await visit.page.locator("#sx-announcer").count(), 1);
  await visit.follow("Archive");
});

await stage.story("a feature whose bundle is gone is an error with its name, and the page goes on", async (visit) => {
  await visit.page.route(/web-debug\..*\.(sxbc|js)$|web-source/, (route) => route.fulfill({ status: 404, body: "" }));
  await visit.go("/");
  const said = await visit.page.evaluate(() => SxKernel.load("web-debug").then(() => "loaded", (error) => `${error.kind} ${error.message}`));
  expect.match(said, /^bundle-missing /);
  await visit.follow("Archive");
  await visit.page.unrouteAll();
  expect.equal(await visit.page.evaluate(() => SxKernel.load("web-debug").then(() => "loaded", (error) => error.message)), "loaded", "asked for again, it is fetched again");
}, { allow: /404|Failed to fetch dynamically/ });

await stage.story("SxKernel.debug() shows what was requested, swapped and went wrong", async (visit) => {
  await visit.go("/");
  await visit.page.evaluate(() => SxKernel.debug());
  await visit.follow("Archive");
  await visit.page.route("**/tags", (route) => route.fulfill({ status: 500, body: "no" }));
  await visit.page.getByRole("link", { name: "Tags", exact: true }).click();
  await visit.message().waitFor();
  const report = await visit.page.evaluate(async () => {
    const { kernel, elements, islands, requests, swaps, errors } = await SxKernel.debug();
    return { kernel, elements: elements.length, islands: islands.length, requests: requests.map(({ path, ms }) => [new URL(path).pathname, ms > 0]), swaps: swaps.map(({ ms }) => ms >= 0), errors: errors.length };
  });
  expect.equal(report.kernel.ready, true);
  expect.equal(report.kernel.loadedFrom, "bundle");
  expect.deepEqual(report.requests[0], ["/archive", true]);
  expect.equal(report.requests.length, 2);
  expect.deepEqual(report.swaps, [true]);
  expect.ok(report.errors >= 1);
}, { allow: /500/ });

await stage.story("SxKernel.debug() names the elements that were taken up and what starts them", async (visit) => {
  await visit.go("/");
  const elements = await visit.page.evaluate(async () => {
    const button = Object.assign(document.createElement("button"), { id: "one" });
    for (const [name, value] of [["sx-get", "/archive"], ["sx-trigger", "click, mouseenter once"], ["sx-target", "#content"]]) button.setAttribute(name, value);
    document.querySelector("#content").append(button);
    SxKernel.process();
    await SxKernel.load("web-more");
    for (let n = 0; n < 50 && !(await SxKernel.debug()).elements.length; n++) await new Promise((resolve) => setTimeout(resolve, 50));
    return (await SxKernel.debug()).elements.map(({ element, tag, triggers }) => ({ id: element.id, tag, triggers }));
  });
  expect.deepEqual(elements, [{ id: "one", tag: "button", triggers: ["click", "mouseenter"] }]);
});

await stage.story("an error of a task is told with file, line and what called it", async (visit) => {
  await visit.go("/");
  const said = visit.page.waitForEvent("console", { predicate: (message) => message.type() === "error" && /\.sx:\d+/.test(message.text()) });
  await visit.page.evaluate(() => SxKernel.call("web/on-timer", 7));
  expect.match((await said).text(), /web\/sx\/\w+\.sx:\d+:\d+/);
}, { allow: /\.sx:/ });

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

await stage.story("what scripts ask for before the engine runs waits for it", async (visit) => {
  let arrive = () => {};
  const held = new Promise((resolve) => { arrive = resolve; });
  await visit.page.route("**/kernel.*.wasm", async (route) => { await held; await route.continue(); });
  await visit.page.goto(visit.url("/"));
  await visit.page.waitForFunction(() => window.SxKernel);
  await visit.page.evaluate(() => {
    window.early = [SxKernel.ready, SxKernel.boosted(), SxKernel.process(), SxKernel.call("web/process")];
    window.promised = Promise.all([SxKernel.eval("(+ 1 2)"), SxKernel.load("web-more"), SxKernel.ajax("GET", "/archive", "#content"), SxKernel.find("#content")]);
  });
  expect.deepEqual(await visit.page.evaluate(() => window.early), [false, 0, undefined, undefined]);
  arrive();
  await visit.ready();
  expect.equal((await visit.page.evaluate(async () => (await window.promised).map((value) => value?.id ?? value ?? null))).join(), "3,,,content");
  await visit.page.locator("#content h1").getByText("Archive").waitFor();
});

await stage.story("where the engine does not run, what scripts ask of it is refused with the reason, and nothing else is said", async (visit) => {
  const errors = [];
  visit.page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await visit.page.route("**/kernel.*.wasm", (route) => route.abort());
  await visit.page.goto(visit.url("/"));
  await visit.page.waitForFunction(() => window.SxKernel?.error);
  const said = await visit.page.evaluate(() => { SxKernel.process(); SxKernel.call("web/process"); return SxKernel.ajax("GET", "/archive", "#content").catch(({ message }) => message); });
  expect.match(said, /^kernel\.wasm: /);
  expect.deepEqual(errors.filter((text) => !/ERR_FAILED/.test(text)), [`SX stopped, the page works without it: ${said}`]);
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
