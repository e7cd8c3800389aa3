// The same pages in the wire form: a reader and an author follow links to every page of the blog, whose answers are
// template hashes and values (text/sx), and find what a load of the document shows. And what happens when templates
// are unknown, cannot be had, or the text is broken.
import { expect, finish } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";
import { follow, isWire, speakWire as speak } from "./wire.mjs";

const stage = await Stage.open();
const author = stage.server.visitor();
await author.login();
const post = (title, body, more = {}) => author.submit("/new", { title, slug: "", body, tags: "", published: "true", ...more });
await post("Hostile <b>title</b> & \"quotes\"", "Text with **markup**, <em>HTML</em>, `code <x>` & 'quotes'.\n\n| a | b |\n|---|---|\n| 1 | <2> |",
  { tags: "a & b, <c>, été, 日本" });
for (let n = 1; n <= 12; n++) await post(`Numbered ${n}`, `Body ${n}\n\n- one\n- two\n\n[to one](/numbered-1/#x)`, { tags: "numbers" });
await post("مقالة", "نص", { slug: "from-the-right" });
await post("Unfinished", "A draft.", { published: "" });

/** @param {any} visit @param {string} [path] */
const speakWire = (visit, path = "/") => speak(visit, path, "Archive");
/** What the content is, but for what is another each time (form tokens) or says where the focus is. */
const content = (page) => page.locator("#content").evaluate((node) => {
  const copy = node.cloneNode(true);
  for (const field of copy.querySelectorAll("input[name=_csrf]")) field.setAttribute("value", "");
  for (const focused of copy.querySelectorAll("[tabindex='-1']")) focused.removeAttribute("tabindex");
  return copy.innerHTML;
});

/** Every page that links lead to from these. */
async function pagesFrom(visit, starts) {
  const found = new Set(starts);
  for (const path of found) {
    await visit.page.goto(visit.url(path));
    const links = await visit.page.evaluate(() => [...document.querySelectorAll("a[href]:not([sx-boost='false'] a)")]
      .filter((link) => link.origin === location.origin && !link.closest("[sx-boost='false']"))
      .map((link) => link.pathname + link.search));
    for (const link of links) if (!/^\/(static|blob|rss|feed|sitemap)/.test(link)) found.add(link);
  }
  return [...found];
}

/** Each page by the document and by the wire. */
async function compareAll(visit, paths) {
  const documents = new Map();
  for (const path of paths) {
    await visit.go(path);
    documents.set(path, [await content(visit.page), await visit.page.title(), visit.path()]);
  }
  await speakWire(visit);
  const marker = await visit.marker();
  for (const path of paths) {
    const response = await follow(visit, path);
    expect.ok(isWire(response), `${path} came as ${response.headers()["content-type"]}`);
    expect.match(response.headers().vary, /SX-Request.*Accept/);
    const [html, title, address] = documents.get(path);
    expect.equal(await content(visit.page), html, path);
    expect.equal(await visit.page.title(), title, path);
    expect.equal(visit.path(), address, path);
  }
  expect.equal(await visit.marker(), marker, "all of it in one document");
  expect.deepEqual(visit.warnings, []);
}

await stage.story("a reader: every page that links lead to is the same by document and by wire", async (visit) => {
  const paths = (await pagesFrom(visit, ["/"])).filter((path) => path !== "/new");
  expect.ok(paths.length > 25, `${paths.length} pages`);
  await compareAll(visit, [...paths, "/nothing-here", "/?page=99", "/tags/none/", "/unfinished/"]);
}, { allow: /status of 404/ });

await stage.story("an author: drafts, forms and settings are the same by document and by wire", async (visit) => {
  await visit.login();
  await compareAll(visit, ["/drafts", "/new", "/settings", "/numbered-1/", "/numbered-1/edit", "/unfinished/"]);
});

await stage.story("templates come once, then only their hashes and values", async (visit) => {
  await speakWire(visit);
  const definitions = [];
  visit.page.on("request", (request) => {
    if (new URL(request.url()).pathname.startsWith("/sx/templates/")) definitions.push(request.url());
  });
  const first = await follow(visit, "/numbered-1/");
  expect.equal(definitions.length, 1);
  const again = await follow(visit, "/numbered-2/");
  expect.equal(definitions.length, 1, "nothing new in the second post");
  for (const response of [first, again]) {
    const text = await response.text();
    expect.match(text, /^\(sx [12] \["[0-9a-f]{32}"/);
    expect.doesNotMatch(text, /\(template|<article/);
  }
  await follow(visit, "/tags");
  const before = definitions.length;
  await follow(visit, "/numbered-3/");
  await follow(visit, "/tags");
  expect.equal(definitions.length, before);
});

/** Until the page has the components of the blog, which the first answer by wire tells it of. */
async function haveParts(visit) {
  await speakWire(visit);
  await follow(visit, "/tags");
  await visit.page.waitForFunction(() => performance.getEntriesByType("resource").some(({ name, responseEnd }) => name.includes("/sx/parts/") && responseEnd));
  await visit.page.waitForTimeout(150);
}

await stage.story("lists come as calls of components, once the page has them: the same page, and only its data", async (visit) => {
  const documents = new Map();
  for (const path of ["/", "/?page=2", "/tags/numbers/", "/tags/a%20%26%20b/", "/numbered-1/"]) {
    await visit.go(path);
    documents.set(path, await content(visit.page));
  }
  const modules = [];
  visit.page.on("request", (request) => { if (request.url().includes("tools.")) modules.push(request.url()); });
  await haveParts(visit);
  for (const [path, html] of documents) {
    const response = await follow(visit, path), text = await response.text();
    expect.match(response.request().headers()["sx-components"], /^[0-9a-f]{32}( [0-9a-f]{32})+$/);
    expect.match(text, /^\(sx 2 \[.*\] \["[0-9a-f]{32}".*\(call 0 /s, path);
    expect.doesNotMatch(text, /post\/card|<article|\(template/);
    expect.equal(await content(visit.page), html, path);
  }
  expect.equal((await (await follow(visit, "/")).text()).split("(call ").length - 1, 11);
  expect.deepEqual(modules, [], "no second module of the kernel for it");
  expect.deepEqual(visit.warnings, []);
});

await stage.story("back makes a page of the calls that it came as, without a request, also after another document", async (visit) => {
  await haveParts(visit);
  await follow(visit, "/");
  const index = await content(visit.page);
  await follow(visit, "/numbered-1/");
  const asked = [];
  visit.page.on("request", (request) => { if (!/\/(static|sx)\//.test(request.url())) asked.push(new URL(request.url()).pathname); });
  await visit.swap(() => visit.page.goBack());
  expect.equal(await content(visit.page), index);
  await visit.swap(() => visit.page.goForward());
  expect.deepEqual(asked, []);
  await visit.page.goto(visit.url("/robots.txt"));
  expect.match(await visit.page.evaluate(() => sessionStorage.getItem("sx:pages")), /\(call 0 /);
  await visit.page.goBack();
  await visit.ready();
  asked.length = 0;
  await visit.swap(() => visit.page.goBack());
  expect.equal(await content(visit.page), index);
  expect.deepEqual(asked, []);
});

await stage.story("a call that is hostile shows its arguments as text, and one that runs for ever is given up", async (visit) => {
  await haveParts(visit);
  const text = await (await follow(visit, "/tags/numbers/")).text();
  const components = /^\(sx 2 \[.*?\] (\[[^\]]*\])/s.exec(text)[1];
  const call = (args) => `(sx 2 [] ${components} [(call 0 ${args} /)])`;
  let body = call(`"title" "<img src=x onerror=alert(1)>" "href" "javascript:alert(1)" "ms" 0 "excerpt" "</p><script>" "tags" [["\\"><b>" "javascript:x"]]`);
  await visit.page.route("**/numbered-1/", (route) => route.request().headers().accept.includes("text/sx")
    ? route.fulfill({ status: 200, contentType: "text/sx", headers: { "SX-Templates": "/sx/templates/" }, body }) : route.continue());
  await follow(visit, "/numbered-1/");
  expect.equal(await visit.page.locator("#content h2").textContent(), "<img src=x onerror=alert(1)>");
  expect.deepEqual(await visit.page.locator("#content a").evaluateAll((all) => all.map((one) => one.getAttribute("href"))), ["about:invalid", "about:invalid"]);
  expect.equal(await visit.page.locator("#content img, #content script, #content b").count(), 0);
  await follow(visit, "/tags");
  body = call(`"title" "x" "tags" [${"[\"t\" \"/\"] ".repeat(60_000)}] "ms" "not a number"`);
  await follow(visit, "/numbered-1/");
  expect.equal(await visit.heading(), "Numbered 1");
  expect.match(visit.warnings.join(), /asked for again as HTML/);
});

await stage.story("back and forward show pages that came by wire", async (visit) => {
  await speakWire(visit);
  await follow(visit, "/numbered-1/");
  await follow(visit, "/tags");
  await visit.swap(() => visit.page.goBack());
  expect.equal(await visit.heading(), "Numbered 1");
  await visit.swap(() => visit.page.goForward());
  expect.equal(await visit.heading(), "Tags");
});

await stage.story("a page that is not there is told by wire too", async (visit) => {
  await speakWire(visit);
  const response = await follow(visit, "/nothing-here");
  expect.equal(response.status(), 404);
  expect.ok(isWire(response));
  expect.match(await visit.heading(), /Nothing is here/);
}, { allow: /status of 404/ });

await stage.story("templates that the server no longer has: the page comes as HTML, never a failure", async (visit) => {
  await visit.page.route("**/sx/templates/**", (route) => route.fulfill({ status: 404, contentType: "text/plain", body: "no" }));
  await speakWire(visit);
  const html = visit.page.waitForResponse((response) => response.url().endsWith("/numbered-1/") && !isWire(response));
  await follow(visit, "/numbered-1/");
  expect.match((await html).headers()["content-type"], /text\/html/);
  expect.equal(await visit.heading(), "Numbered 1");
  expect.match(visit.warnings.join(), /asked for again as HTML/);
}, { allow: /status of 404/ });

for (const [what, body] of [["cut off", "(sx 1 [] [\"half"], ["evaluated", "(sx 1 [] (print 1))"], ["HTML", "<p>x</p>"], ["empty", ""]])
  await stage.story(`wire text that is ${what} is not shown: the page comes as HTML`, async (visit) => {
    await speakWire(visit);
    await visit.page.route("**/numbered-1/", async (route) => {
      if (!route.request().headers().accept.includes("text/sx")) return route.continue();
      return route.fulfill({ status: 200, contentType: "text/sx; charset=utf-8", headers: { "SX-Templates": "/sx/templates/" }, body });
    });
    await follow(visit, "/numbered-1/");
    expect.equal(await visit.heading(), "Numbered 1");
    expect.match(visit.warnings.join(), /asked for again as HTML/);
  });

await stage.story("what is hostile stays text: no element, no script, no address comes of a value", async (visit) => {
  await speakWire(visit);
  await visit.page.route("**/numbered-1/", (route) => route.request().headers().accept.includes("text/sx")
    ? route.fulfill({ status: 200, contentType: "text/sx", headers: { "SX-Templates": "/sx/templates/" },
      body: `(sx 1 [] [(el "h1" "<img src=x onerror=alert(1)>") (el "a" "x" "href" "javascript:alert(1)" "title" "\\"><script>")])` })
    : route.continue());
  await follow(visit, "/numbered-1/");
  expect.equal(await visit.heading(), "<img src=x onerror=alert(1)>");
  expect.equal(await visit.page.locator("#content a").getAttribute("href"), "about:invalid");
  expect.equal(await visit.page.locator("#content a").getAttribute("title"), "\"><script>");
  expect.equal(await visit.page.locator("#content img, #content script").count(), 0);
});

await stage.close();
finish();
