// The npm package in front of another backend: packed, unpacked into a plain Node.js server that speaks HTML and knows
// nothing of SX but one header.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import { extname, join, normalize } from "node:path";
import { expect, finish, root, temporaryFolder, test } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const folder = temporaryFolder();
const run = (command, args, cwd = root) => {
  const done = spawnSync(command, args, { cwd, encoding: "utf8" });
  expect.equal(done.status, 0, `${command} ${args.join(" ")}: ${done.stderr}${done.stdout}`);
  return done.stdout;
};

await test("npm pack makes a package with everything a page needs, and types", () => {
  const made = join(folder, "made");
  run(process.execPath, [join(root, "web/npm/pack.mjs"), made]);
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--silent", made], folder));
  const names = files.map(({ path }) => path);
  for (const wanted of [/^dist\/boot\.js$/, /^dist\/sx\.js$/, /^dist\/sw\.js$/, /^dist\/kernel\.\w+\.wasm$/, /^dist\/core\.\w+\.sxbc$/, /^dist\/web\.\w+\.sxbc$/, /^dist\/htmx\.js$/, /^index\.d\.ts$/, /^README\.md$/, /^GUIDE\.md$/])
    expect.ok(names.some((name) => wanted.test(name)), `${wanted} in ${names.join(" ")}`);
  expect.deepEqual(names.filter((name) => /\.(br|gz|zst|css)$/.test(name)), []);
  mkdirSync(join(folder, "node_modules/sx-htmx"), { recursive: true });
  run("tar", ["-xzf", join(folder, filename), "-C", join(folder, "node_modules/sx-htmx"), "--strip-components=1"]);
  const guide = readFileSync(join(folder, "node_modules/sx-htmx/GUIDE.md"), "utf8");
  for (const wanted of ["| `sx-get` ", "### sx-trigger", "| `SX-Retarget`", "sx:beforeRequest", "defineExtension"]) expect.ok(guide.includes(wanted), wanted);
  expect.deepEqual(guide.match(/\]\((?!https?:|#)[^)]*\)/g) ?? [], [], "links to what is not in the package");
});

await test("its types are those of what a page uses", () => {
  writeFileSync(join(folder, "page.ts"), `import SxKernel, { type SxReport } from "sx-htmx";
const stop: () => void = SxKernel.on("ready", (event) => event.detail);
globalThis.SxKernel.process();
SxKernel.process(document.body);
const value: Promise<string> = SxKernel.eval("(+ 1 2)");
const report: Promise<SxReport> = SxKernel.debug();
SxKernel.ajax("GET", "/x", { target: "#a", values: { b: 1 } });
SxKernel.defineExtension("upper", {
  init: (api) => void api.getInternalData(document.body),
  encodeParameters: (request, values) => { request.setRequestHeader("X-A", "1"); return JSON.stringify(values.a); },
  transformResponse: (text, answer) => (answer.status === 200 ? text.toUpperCase() : text),
  handleSwap: (style, target, fragment) => (style === "mine" ? (target.append(fragment), [target]) : false),
});
const states: Promise<string[][]> = report.then(({ islands }) => islands.map(({ state }) => state));
void states;
// @ts-expect-error: a listener is missing
SxKernel.on("ready");
// @ts-expect-error: no such hook
SxKernel.defineExtension("wrong", { handleSwop: () => true });
stop(); void value; void report;
`);
  const done = spawnSync(process.execPath, [join(root, "tests/node_modules/typescript/bin/tsc"), "--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", join(folder, "page.ts")], { encoding: "utf8", cwd: folder });
  expect.equal(done.status, 0, done.stdout);
});

const dist = join(folder, "node_modules/sx-htmx/dist");
const kTypes = { ".js": "text/javascript", ".wasm": "application/wasm", ".sxbc": "application/octet-stream", ".json": "application/json" };
const kept = [];
/** @param {string} loader @param {string} body */
const shell = (loader, title, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,">${loader}</head>
<body sx-boost="#content"><nav><a href="/">Start</a> <a href="/other">Other</a> <a href="/whole">Whole</a></nav><main id="content">${body}</main></body></html>`;
const kLoaders = {
  module: '<script type="module" src="/vendor/sx-htmx/boot.js"></script>',
  classic: '<script src="/vendor/sx-htmx/sx.js" defer></script>',
  imported: '<script type="importmap">{"imports":{"sx-htmx":"/vendor/sx-htmx/boot.js"}}</script><script type="module">import SxKernel from "sx-htmx"; globalThis.imported = SxKernel;</script>',
};
let loader = kLoaders.module;
const pages = {
  "/": () => "<h1>Start</h1><form method='post' action='/add'><label>Text <input name='text'></label><button>Add</button></form><button sx-get='/time' sx-target='#time'>Time</button><p id='time'></p>",
  "/other": () => "<h1>Other</h1>",
  "/whole": () => "<h1>Whole</h1>",
  "/htmx": () => "<button hx-get='/time' hx-target='#time'>Time</button><p id='time'></p>",
  "/list": () => `<h1>List</h1><ul>${kept.map((text) => `<li>${text.replace(/[<&]/g, "")}</li>`).join("")}</ul>`,
};
const backend = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://x");
  if (pathname.startsWith("/vendor/sx-htmx/")) {
    try {
      const bytes = readFileSync(join(dist, normalize(pathname.slice(16))));
      return response.writeHead(200, { "Content-Type": kTypes[extname(pathname)] }).end(bytes);
    } catch {
      return response.writeHead(404).end();
    }
  }
  if (request.method === "POST") {
    let body = "";
    request.on("data", (piece) => (body += piece)).on("end", () => {
      kept.push(new URLSearchParams(body).get("text"));
      response.writeHead(303, { Location: "/list" }).end();
    });
    return;
  }
  const html = { "Content-Type": "text/html; charset=utf-8" };
  if (pathname === "/sw.js") return response.writeHead(200, { "Content-Type": "text/javascript", "Cache-Control": "no-cache" }).end(readFileSync(join(dist, "sw.js")));
  if (pathname === "/bare") return response.writeHead(200, html).end("<!doctype html><html lang=en><title>Bare</title><link rel=icon href='data:,'><p>no content here");
  if (pathname === "/time") return response.writeHead(200, html).end("<b>noon</b>");
  const content = pages[pathname]?.();
  if (!content) return response.writeHead(404, html).end(shell(loader, "None", "<h1>None</h1>"));
  const fragment = request.headers["sx-request"] && pathname !== "/whole";
  response.writeHead(200, html).end(fragment ? `<title>${pathname}</title>${content}` : shell(loader, pathname, content));
});
await new Promise((done) => backend.listen(0, "localhost", done));
const url = `http://localhost:${backend.address().port}`;
const stage = await Stage.open();
stage.proxy = { url, close: async () => void (backend.close(), backend.closeAllConnections()) };

for (const [name, script] of Object.entries(kLoaders))
  await stage.story(`another backend, the loader ${name === "imported" ? "imported by its name" : `as a ${name} script`}: links, forms and an element's own request`, async (visit) => {
    loader = script;
    await visit.go("/");
    if (name === "imported") expect.equal(await visit.page.evaluate(() => globalThis.imported === SxKernel), true);
    expect.equal(await visit.page.evaluate(() => SxKernel.loadedFrom), "bundle");
    const marker = await visit.marker();
    await visit.follow("Other");
    expect.equal(await visit.heading(), "Other");
    await visit.follow("Start");
    await visit.page.getByLabel("Text").fill(`from ${name}`);
    await visit.swap(() => visit.page.getByRole("button", { name: "Add" }).click());
    expect.equal(visit.path(), "/list");
    await visit.page.getByText(`from ${name}`).waitFor();
    await visit.follow("Start");
    await visit.page.getByRole("button", { name: "Time" }).click();
    await visit.page.locator("#time b").getByText("noon").waitFor();
    await visit.page.goBack();
    await visit.page.getByRole("heading", { name: "List" }).waitFor();
    expect.equal(await visit.marker(), marker, "it was one document all the time");
  });

await stage.story("a backend that answers whole documents: their content is shown in place, and one without it is loaded", async (visit) => {
  loader = kLoaders.module;
  await visit.go("/");
  const marker = await visit.marker();
  await visit.page.getByRole("link", { name: "Whole" }).click();
  await visit.page.getByRole("heading", { name: "Whole" }).waitFor();
  expect.equal(visit.path(), "/whole");
  expect.equal(await visit.page.title(), "/whole");
  expect.equal(await visit.marker(), marker);
  await visit.page.locator("#content").evaluate((node) => { const link = document.createElement("a"); link.href = "/bare"; link.textContent = "Bare"; node.append(link); });
  await visit.page.getByRole("link", { name: "Bare" }).click();
  await visit.page.getByText("no content here").waitFor();
  expect.notEqual(await visit.marker(), marker);
});

await stage.story("a page written for htmx, with htmx.js of the package in place of htmx's own", async (visit) => {
  loader = '<script src="/vendor/sx-htmx/htmx.js"></script>';
  await visit.go("/htmx");
  await visit.page.getByRole("button", { name: "Time" }).click();
  await visit.page.locator("#time b").getByText("noon").waitFor();
});

await stage.story("the worker of the package, its files elsewhere: pages that were visited are read without a connection", async (visit) => {
  loader = `<meta name="sx-worker" content="/sw.js?base=/vendor/sx-htmx/">${kLoaders.module}`;
  await visit.go("/");
  await visit.page.evaluate(() => navigator.serviceWorker.ready);
  await visit.page.reload();
  await visit.ready();
  await visit.follow("Other");
  await visit.page.waitForFunction(async () => !!(await caches.match("/other")));
  await visit.context.setOffline(true);
  await visit.page.reload();
  await visit.page.getByRole("heading", { name: "Other" }).waitFor();
  await visit.ready();
}, { worker: true, allow: /ERR_INTERNET_DISCONNECTED|Failed to load resource/ });

await stage.close();
finish();
