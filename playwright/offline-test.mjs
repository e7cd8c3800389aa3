// A site that stays readable without a connection: pages that were visited, forms that wait, a new version of the
// site's scripts while pages are open. The network is a real proxy that goes away.
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, expect, finish, root, sleep, temporaryFolder, test } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const files = temporaryFolder();
cpSync(process.env.SX_STATIC_DIR ?? join(root, "build/static"), files, { recursive: true, preserveTimestamps: true });
const stage = await Stage.open({ proxy: true, args: [join(root, "playwright/app/workshop.sx")], env: { SX_STATIC_DIR: files } });
const proxy = stage.proxy;
const lost = /ERR_|Failed to load|status of 50|status of 4/;

/** @param {string} name @param {(visit: import("./browser.mjs").Visit) => Promise<void>} body */
const story = (name, body) => stage.story(name, async (visit) => {
  proxy.rule = () => undefined;
  try {
    await body(visit);
  } finally {
    if (!proxy.server.listening) await proxy.up();
  }
}, { worker: true, allow: lost });

/** The addresses that are kept, by cache. @param {import("playwright-core").Page} page */
const keptPages = (page, cache = "sx-pages") => page.evaluate(async (name) =>
  (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname).filter((path) => !path.startsWith("/static/")), cache);

/** Loads a page and waits until it is looked after and kept. */
async function enter(visit, path = "/") {
  await visit.go(path);
  await visit.page.waitForFunction(() => navigator.serviceWorker.controller);
  await eventually(async () => (await keptPages(visit.page)).includes(path), `${path} is kept`);
}

/** Waits until a visited page is kept. */
const kept = (visit, path, cache) => eventually(async () => (await keptPages(visit.page, cache)).includes(path), `${path} is kept`);
const click = (visit, name) => visit.page.getByRole("link", { name, exact: true }).first().click();
const heading = (visit, text) => visit.page.getByRole("heading", { level: 1, name: text, exact: true }).waitFor({ timeout: 8000 });
const notice = (visit) => visit.page.locator("#sx-notices .sx-notice");
const notes = async () => [...(await (await fetch(`${stage.server.url}/notes`)).text()).matchAll(/<li>([^<]*)<\/li>/g)].map((match) => match[1]);

await test("the worker's script is not kept by caches on the way, and may look after the whole site", async () => {
  const answer = await fetch(`${stage.server.url}/sw.js`);
  expect.equal(answer.status, 200);
  expect.match(answer.headers.get("content-type"), /^text\/javascript/);
  expect.equal(answer.headers.get("cache-control"), "no-cache");
  expect.match(answer.headers.get("content-security-policy"), /worker-src 'self'/);
});

await story("the page that was there before the worker is kept, with everything it needs", async (visit) => {
  await enter(visit);
  await proxy.down();
  await visit.page.reload();
  await visit.ready();
  await heading(visit, "Workshop");
  expect.equal(await visit.page.evaluate(() => SxKernel.loadedFrom), "bundle");
});

await story("pages that were visited in place, or loaded, are read without a connection", async (visit) => {
  await enter(visit);
  await visit.follow("Page one");
  await kept(visit, "/page/1");
  await visit.page.goto(visit.url("/page/2"));
  await visit.ready();
  await kept(visit, "/page/2");
  await proxy.down();
  await click(visit, "Page one");
  await heading(visit, "Page 1");
  await visit.ready();
  await click(visit, "Start");
  await heading(visit, "Workshop");
  await visit.page.goto(visit.url("/page/2"));
  await heading(visit, "Page 2");
});

await story("back and forward work without a connection", async (visit) => {
  await enter(visit);
  await visit.follow("Page one");
  await visit.follow("Page two");
  await kept(visit, "/page/2");
  await proxy.down();
  await visit.page.goBack();
  await heading(visit, "Page 1");
  await visit.page.goBack();
  await heading(visit, "Workshop");
  await visit.page.goForward();
  await heading(visit, "Page 1");
});

await story("a page that was never visited says so at its address, names those that can be read, and can be tried again", async (visit) => {
  await enter(visit);
  await proxy.down();
  const answer = await visit.page.goto(visit.url("/page/7?x=<1>"));
  expect.equal(answer.status(), 503);
  await heading(visit, "No connection");
  expect.equal(new URL(visit.page.url()).pathname, "/page/7");
  await visit.page.getByRole("link", { name: "/", exact: true }).waitFor();
  await proxy.up();
  await visit.page.getByRole("link", { name: "Try again" }).click();
  await heading(visit, "Page 7");
});

await story("a link to a page that was never visited leaves the one that is read, and says why", async (visit) => {
  await enter(visit);
  await proxy.down();
  await click(visit, "Page two");
  await visit.message().waitFor();
  expect.match(await visit.message().innerText(), /No connection/);
  expect.equal(await visit.heading(), "Workshop");
});

await story("a newer answer takes the place of what was kept; an error of the server does not", async (visit) => {
  await enter(visit, "/notes");
  await fetch(`${stage.server.url}/notes`, { method: "POST", body: new URLSearchParams({ text: "newer" }), redirect: "manual" });
  await visit.page.reload();
  await visit.page.getByText("newer", { exact: true }).waitFor();
  proxy.rule = () => ({ status: 502 });
  await visit.page.reload();
  await visit.page.getByText("From the proxy").waitFor();
  await proxy.down();
  await visit.page.reload();
  await visit.page.getByText("newer", { exact: true }).waitFor();
});

await story("what only its reader may see is kept apart and forgotten with the next document that is sent, as logging out", async (visit) => {
  await enter(visit);
  await visit.page.goto(visit.url("/private"));
  await visit.ready();
  await kept(visit, "/private", "sx-private");
  expect.deepEqual((await keptPages(visit.page)).includes("/private"), false);
  await proxy.down();
  await visit.page.reload();
  await heading(visit, "Private");
  await proxy.up();
  await visit.page.goto(visit.url("/"));
  await visit.page.getByRole("button", { name: "Leave" }).click();
  await heading(visit, "Workshop");
  await eventually(async () => (await keptPages(visit.page, "sx-private")).length === 0, "private pages are forgotten");
  await proxy.down();
  await visit.page.goto(visit.url("/private"));
  await heading(visit, "No connection");
});

await story("what must not be stored is not kept", async (visit) => {
  await enter(visit);
  await visit.page.goto(visit.url("/secret"));
  await visit.ready();
  await visit.follow("Page one");
  await visit.follow("Secret");
  await visit.follow("Page two");
  await kept(visit, "/page/2");
  expect.deepEqual([...(await keptPages(visit.page)), ...(await keptPages(visit.page, "sx-private"))].includes("/secret"), false);
  await proxy.down();
  await visit.page.goto(visit.url("/secret"));
  await heading(visit, "No connection");
});

await story("losing the connection is told politely, and taken back when it returns", async (visit) => {
  await enter(visit);
  await visit.context.setOffline(true);
  await notice(visit).waitFor();
  expect.match(await notice(visit).innerText(), /No connection/);
  expect.equal(await visit.page.locator("#sx-notices").getAttribute("role"), "status");
  await visit.context.setOffline(false);
  await notice(visit).waitFor({ state: "detached" });
});

/** Fills the form that waits for a connection and sends it. */
async function write(visit, text) {
  await visit.page.getByLabel("Text").first().fill(text);
  await visit.page.getByRole("button", { name: "Keep", exact: true }).click();
}

await story("a form that may wait is sent as usual while there is a connection", async (visit) => {
  await enter(visit, "/notes");
  await visit.swap(() => write(visit, "at once"));
  await visit.page.locator("#notes").getByText("at once").waitFor();
  expect.equal(await notice(visit).count(), 0);
});

await story("without a connection it waits, the visitor is told, and it is sent once when the connection is back", async (visit) => {
  await enter(visit, "/notes");
  await proxy.down();
  await write(visit, "from the train");
  await notice(visit).waitFor();
  expect.match(await notice(visit).innerText(), /Not sent yet.*as soon as there is one/s);
  expect.equal(await visit.page.getByLabel("Text").first().inputValue(), "", "what was taken is not there to be sent again");
  expect.equal((await notes()).includes("from the train"), false);
  await proxy.up();
  await visit.page.evaluate(() => dispatchEvent(new Event("online")));
  await visit.page.getByText("The form that waited was sent.").waitFor();
  expect.equal((await notes()).filter((text) => text === "from the train").length, 1);
});

await story("an answer that was lost on the way does not make the form count twice", async (visit) => {
  await enter(visit, "/notes");
  proxy.rule = (request) => (request.method === "POST" ? { drop: "after" } : undefined);
  await write(visit, "answered into the void");
  await notice(visit).waitFor();
  expect.equal((await notes()).filter((text) => text === "answered into the void").length, 1);
  proxy.rule = () => undefined;
  await visit.page.evaluate(() => dispatchEvent(new Event("online")));
  await visit.page.getByText("The form that waited was sent.").waitFor();
  expect.equal((await notes()).filter((text) => text === "answered into the void").length, 1);
});

await story("several forms wait, also while the page is closed, and are sent in their order", async (visit) => {
  await enter(visit, "/notes");
  await proxy.down();
  await write(visit, "first");
  await notice(visit).waitFor();
  await write(visit, "second");
  await visit.page.getByText("2 forms are sent").waitFor();
  await visit.page.close();
  await proxy.up();
  await visit.open();
  await visit.go("/");
  await eventually(async () => (await notes()).includes("second"), "both were sent");
  const all = await notes();
  expect.ok(all.indexOf("first") >= 0 && all.indexOf("first") < all.indexOf("second"));
});

await story("a form that waited and is refused is told, and no longer waits", async (visit) => {
  await enter(visit, "/notes");
  await proxy.down();
  await write(visit, "refuse me");
  await notice(visit).waitFor();
  await proxy.up();
  await visit.page.evaluate(() => dispatchEvent(new Event("online")));
  await visit.message().waitFor();
  expect.match(await visit.message().innerText(), /refused.*422.*\/notes/s);
});

await story("a form whose sender has to log in first goes on waiting", async (visit) => {
  await enter(visit, "/notes");
  await proxy.down();
  await write(visit, "log in");
  await notice(visit).waitFor();
  await proxy.up();
  for (let n = 0; n < 2; n++) {
    proxy.passed.length = 0;
    await visit.page.evaluate(() => dispatchEvent(new Event("online")));
    await eventually(() => proxy.passed.includes("POST /notes"), "it is tried");
  }
  await visit.page.getByText("Please log in.").waitFor();
});

for (const [what, send] of [
  ["a form with sx-post", (visit, text) => visit.page.evaluate((text) => { document.querySelector("#told").value = text; document.querySelector("#own button").click(); }, text)],
  ["a button with sx-post and values", (visit, text) => visit.page.evaluate((text) => { const button = document.querySelector("#later"); button.setAttribute("sx-vals", JSON.stringify({ text })); button.click(); }, text)],
])
  await story(`${what} that may wait: sent at once with a connection; without one kept, told, put away, and sent once`, async (visit) => {
    await enter(visit, "/notes");
    const said = await visit.page.evaluateHandle(() => { const said = []; for (const name of ["queued", "sendError", "afterRequest"]) document.addEventListener(`sx:${name}`, () => said.push(name)); return said; });
    const [now, later] = [`${what} now`, `${what} later`];
    await send(visit, now);
    await eventually(async () => (await notes()).includes(now), "it was sent at once");
    await eventually(async () => (await said.jsonValue()).includes("afterRequest"), "the request has ended");
    await proxy.down();
    await send(visit, later);
    await notice(visit).waitFor();
    expect.match(await notice(visit).innerText(), /Not sent yet/);
    if (what.includes("form")) expect.equal(await visit.page.locator("#told").inputValue(), "", "what was taken is not there to be sent again");
    expect.equal(await visit.message().count(), 0);
    expect.equal(await visit.page.locator("#own .sx-request, #own[aria-busy], #later[aria-busy]").count(), 0);
    await proxy.up();
    await visit.page.evaluate(() => dispatchEvent(new Event("online")));
    await visit.page.getByText("The form that waited was sent.").waitFor();
    expect.equal((await notes()).filter((text) => text === later).length, 1);
    const names = await said.jsonValue();
    expect.ok(names.includes("queued") && !names.includes("sendError"), names.join());
  });

await story("a form that does not ask for it does not wait: what was typed stays", async (visit) => {
  await enter(visit, "/notes");
  await proxy.down();
  await visit.page.locator("#now").fill("now or never");
  await visit.page.getByRole("button", { name: "Keep now" }).click();
  await visit.message().waitFor();
  expect.match(await visit.message().innerText(), /No connection/);
  expect.equal(await visit.page.locator("#now").inputValue(), "now or never");
  await proxy.up();
  await visit.swap(() => visit.page.getByRole("button", { name: "Try again" }).click());
  expect.equal((await notes()).filter((text) => text === "now or never").length, 1);
});

let builds = 0;
/** The server gets another build: its loader differs, and that of the build before is gone. @returns {string} the loader */
function nextBuild() {
  const text = (name) => readFileSync(join(files, name), "utf8");
  const old = readdirSync(files).find((name) => /^boot\.\w{10}\.js$/.test(name));
  const mark = (++builds).toString(16).padStart(10, "0");
  const fresh = `boot.${mark}.js`;
  const loader = `${text("boot.js").replace(/;globalThis\.build=\d+\n/, "")};globalThis.build=${builds}\n`;
  for (const name of readdirSync(files)) if (/^(sw|boot.*)\.js\.(br|gz|zst)$/.test(name)) rmSync(join(files, name));
  rmSync(join(files, old));
  for (const name of [fresh, "boot.js"]) writeFileSync(join(files, name), loader);
  writeFileSync(join(files, "sw.js"), text("sw.js").replaceAll(old, fresh).replace(/"[0-9a-f]{16}"/, `"${mark.padStart(16, "a")}"`));
  return fresh;
}
const build = (visit) => visit.page.evaluate(() => globalThis.build ?? 0);
const look = (visit) => visit.page.evaluate(async () => void (await (await navigator.serviceWorker.getRegistration()).update().catch(() => {})));

await story("a new version is told; until it is wanted, pages get the old one whole; then the new one", async (visit) => {
  await enter(visit);
  nextBuild();
  await sleep(300);  // static files are looked at again
  await look(visit);
  await visit.page.getByText("A new version of this site is ready.").waitFor();
  await visit.page.goto(visit.url("/page/1"));
  await visit.ready();
  expect.equal(await build(visit), 0, "the loader is that of the build before, though the server has it no more");
  await visit.follow("Page two");
  await visit.page.getByRole("button", { name: "Load it now" }).click();
  await eventually(() => build(visit).catch(() => 0), "the new build runs");
  await visit.ready();
  expect.equal(await build(visit), builds);
  expect.equal(await visit.page.evaluate(() => SxKernel.loadedFrom), "bundle");
  expect.equal((await visit.page.evaluate(() => caches.keys())).filter((name) => name.startsWith("sx-shell-")).length, 1, "the old build's files are gone");
});

await story("another tab is told that the version was changed under it", async (visit) => {
  await enter(visit);
  const other = await visit.context.newPage();
  await other.goto(visit.url("/page/1"));
  await other.waitForSelector('html[data-sx-ready="true"]');
  await other.waitForTimeout(700);
  nextBuild();
  await sleep(300);
  await look(visit);
  await visit.page.getByRole("button", { name: "Load it now" }).click();
  await eventually(() => build(visit).catch(() => 0), "the new build runs");
  await other.getByText("A new version of this site is ready.").waitFor();
  await other.getByRole("button", { name: "Load it now" }).click();
  await eventually(async () => (await other.evaluate(() => globalThis.build ?? 0).catch(() => 0)) === builds, "there too");
});

await story("a version that does not arrive whole changes nothing", async (visit) => {
  await enter(visit);
  const before = await build(visit);
  const fresh = nextBuild();
  await sleep(300);
  proxy.rule = (request) => (request.url.includes(fresh) ? { drop: "before" } : undefined);
  await look(visit);
  await sleep(500);
  expect.equal(await visit.page.getByText("A new version of this site is ready.").count(), 0);
  await visit.page.reload();
  await visit.ready();
  expect.equal(await build(visit), before);
  proxy.rule = () => undefined;
  await look(visit);
  await visit.page.getByText("A new version of this site is ready.").waitFor();
});


await stage.close();
finish();
