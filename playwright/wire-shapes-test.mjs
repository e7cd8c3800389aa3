// Markup of every shape by the wire and by the document: the nodes are the same, the first time, when templates are
// compared with what the parser makes of them, and later, when they are cloned and filled with other values. And what
// a server may not do with it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, finish, root, startServer } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";
import { follow, isWire, speakWire as speak } from "./wire.mjs";

const stage = await Stage.open({ args: [join(root, "playwright/app/wired.sx")] });

/** In the page: its content, node by node. */
function nodes() {
  const lines = [];
  const walk = (node, depth) => {
    const name = node.nodeType === 1 ? `<${node.namespaceURI.split("/").pop()} ${node.localName} ${[...node.attributes].filter(({ name }) => name !== "tabindex").map(({ name, value }) => `${name}=${JSON.stringify(value)}`).join(" ")}>`
      : `${node.nodeType} ${JSON.stringify(node.data)}`;
    if (!(node.nodeType === 1 && node.id === "content")) lines.push(" ".repeat(depth) + name);
    for (const child of node.childNodes) walk(child, depth + 1);
  };
  walk(document.querySelector("#content"), 0);
  return lines;
}

const speakWire = (visit) => speak(visit, "/page/1", "/page/2");

for (const name of ["texts", "lists", "attributes", "tables", "nested", "fields", "others", "deep"])
  await stage.story(`${name}: the same nodes by document and by wire, with five values`, async (visit) => {
    const wanted = new Map();
    for (let n = 1; n <= 5; n++) {
      await visit.go(`/shape/${name}?n=${n}`);
      wanted.set(n, [await visit.page.evaluate(nodes), await visit.page.title()]);
    }
    await speakWire(visit);
    for (const n of [1, 2, 3, 4, 5, 2, 1]) {
      const response = await follow(visit, `/shape/${name}?n=${n}`);
      expect.ok(isWire(response), `n=${n}: ${response.headers()["content-type"]}`);
      const [before, title] = wanted.get(n);
      expect.deepEqual(await visit.page.evaluate(nodes), before, `n=${n}`);
      expect.equal(await visit.page.title(), title);
    }
    expect.deepEqual(visit.warnings, []);
  });

await stage.story("a list is cloned from its template, not parsed", async (visit) => {
  await speakWire(visit);
  await visit.page.evaluate(() => {
    window.made = { importNode: 0, createElement: 0 };
    for (const name of Object.keys(window.made)) {
      const make = Document.prototype[name];
      Document.prototype[name] = function (...args) {
        if (name !== "createElement" || args[0] === "template") window.made[name]++;
        return make.apply(this, args);
      };
    }
  });
  await follow(visit, "/shape/lists?n=2");
  await visit.page.evaluate(() => { window.made.importNode = window.made.createElement = 0; });
  await follow(visit, "/shape/lists?n=6");
  expect.deepEqual(await visit.page.evaluate(() => [window.made.importNode >= 18, window.made.createElement]), [true, 0]);
});

/** Answers of the server for one page, made up. @param {string} body */
const answers = (visit, body, headers = {}) => visit.page.route("**/page/3", (route) => route.request().headers().accept.includes("text/sx")
  ? route.fulfill({ status: 200, headers: { "content-type": "text/sx", "sx-templates": "/sx/templates/", ...headers }, body }) : route.continue());
const definition = async (visit) => {
  // A template of the server's own, by which an address can be given.
  const text = await (await visit.context.request.get(visit.url("/shape/attributes?n=1"), { headers: { accept: "text/sx" } })).text();
  const found = /\(template "([0-9a-f]{32})" 2 "<a"[^)]*\(url 0 "href"\)/.exec(text);
  expect.ok(found, text.slice(0, 400));
  return found[1];
};

await stage.story("addresses in the holes of a known template are checked as in HTML", async (visit) => {
  const hash = await definition(visit);
  await speakWire(visit);
  await follow(visit, "/shape/attributes?n=1");
  await follow(visit, "/shape/attributes?n=2");
  await answers(visit, `(sx 1 ["${hash}"] [(0 "javascript:alert(1)" "t") (0 " java\\nscript:alert(1)" "t") (0 "/good" "<b>t</b>") (0 "data:text/html,x" "\\"onclick=\\"x")])`);
  await follow(visit, "/page/3");
  expect.deepEqual(await visit.page.locator("#content a").evaluateAll((all) => all.map((one) => [one.getAttribute("href"), one.title])),
    [["about:invalid", "t"], ["about:invalid", "t"], ["/good", "<b>t</b>"], ["about:invalid", "\"onclick=\"x"]]);
  expect.equal(await visit.page.locator("#content b").count(), 0);
});

for (const [what, body] of [
  ["a hole too few", (hash) => `(sx 1 ["${hash}"] (0 "/x"))`], ["another template's number", (hash) => `(sx 1 ["${hash}"] (7 "/x" "t"))`],
  ["an end in a string", (hash) => `(sx 1 ["${hash}"] [(0 "/x" "t`], ["an end in a list", (hash) => `(sx 1 ["${hash}"] [(0 "/x" "t")`],
  ["a form of the language", (hash) => `(sx 1 ["${hash}"] [(0 "/x" (str "a" "b"))])`], ["a symbol", (hash) => `(sx 1 ["${hash}"] [(0 "/x" location)])`],
  ["a second document", (hash) => `(sx 1 ["${hash}"] nil) (sx 1 [] nil)`], ["a version of the future", () => "(sx 3 [] [] nil)"],
  ["a component that nobody has", () => `(sx 2 [] ["00000000000000000000000000000000"] [(call 0 "a" 1 /)])`],
  ["a template that nobody has", () => `(sx 1 ["00000000000000000000000000000000"] (0 "x"))`],
  ["an element that runs", () => `(sx 1 [] (el "script" "alert(1)"))`], ["a handler", () => `(sx 1 [] (el "p" nil "onclick" "alert(1)"))`],
])
  await stage.story(`wire text with ${what} is not shown: the page comes as HTML, nothing is half swapped`, async (visit) => {
    const hash = await definition(visit);
    await speakWire(visit);
    await follow(visit, "/shape/attributes?n=1");
    await visit.page.evaluate(() => {
      window.contents = [];
      new MutationObserver(() => window.contents.push(document.querySelector("#content h1")?.textContent)).observe(document.querySelector("#content"), { childList: true });
    });
    await answers(visit, body(hash));
    await follow(visit, "/page/3");
    expect.equal(await visit.heading(), "Page 3");
    expect.deepEqual(await visit.page.evaluate(() => window.contents), ["Page 3"]);
    expect.match(visit.warnings.join(), /\/page\/3 is asked for again as HTML: /);
  }, { allow: /status of 404/ });

await stage.story("a definition under another's hash is refused", async (visit) => {
  await visit.page.route("**/sx/templates/**", async (route) => {
    const text = await (await route.fetch()).text();
    return route.fulfill({ status: 200, contentType: "text/sx", body: text.replaceAll("<nav>", "<nav onclick='x'>") });
  });
  await speakWire(visit);
  await follow(visit, "/page/3");
  expect.equal(await visit.heading(), "Page 3");
  expect.equal(await visit.page.locator("[onclick]").count(), 0);
  expect.match(visit.warnings.join(), /hash .* expected/);
});
await stage.story("what comes as another type is not read: the browser goes there itself", async (visit) => {
  await speakWire(visit);
  await answers(visit, "(sx 1 [] \"x\")", { "content-type": "application/octet-stream" });
  await visit.page.evaluate(() => [...document.querySelectorAll("#content a")].find((link) => link.textContent === "/page/3").click());
  await visit.page.waitForFunction(() => document.querySelector("h1")?.textContent === "Page 3");
  await visit.ready();
});

await stage.story("wire text that is cut off anywhere, or garbled, ends in a whole page: never half of one, and nothing that runs", async (visit) => {
  const whole = await (await visit.context.request.get(visit.url("/shape/attributes?n=2"), { headers: { accept: "text/sx" } })).text();
  const known = /^\(sx 1 \[[^\]]*\] /.exec(whole);
  expect.ok(known && whole.length > 600, whole.slice(0, 300));
  await speakWire(visit);
  await follow(visit, "/shape/attributes?n=1");
  const marker = await visit.marker();
  let body = "";
  await visit.page.route("**/page/3", (route) => route.request().headers().accept.includes("text/sx")
    ? route.fulfill({ status: 200, headers: { "content-type": "text/sx", "sx-templates": "/sx/templates/" }, body }) : route.continue());
  let seed = 11;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const to = async () => {
    await visit.follow("/page/3");
    const now = await visit.page.evaluate(() => [document.querySelector("#content h1")?.textContent, document.querySelectorAll("#content script, #content [onclick], #content [onerror]").length, document.querySelectorAll("[aria-busy], .sx-loading").length]);
    await follow(visit, "/shape/attributes?n=1");
    return now;
  };
  await visit.page.evaluate(() => {
    const link = Object.assign(document.createElement("a"), { href: "/page/3", textContent: "/page/3" });
    document.querySelector("[sx-boost]").append(link);
  });
  for (let n = 0; n < 12; n++) {
    body = whole.slice(0, 1 + random(whole.length - 2));
    expect.deepEqual(await to(), ["Page 3", 0, 0], body.slice(-60));
  }
  const pieces = ["(", ")", "\"", "]", "[", " nil ", "(el \"script\" \"x\")", "(0)", "\\", "(raw 1)", "{", "99", "(call 0 /)", "onclick"];
  for (let n = 0; n < 12; n++) {
    const at = known[0].length + random(whole.length - known[0].length), piece = pieces[n % pieces.length];
    body = whole.slice(0, at) + piece + whole.slice(at + random(3));
    const [heading, ...rest] = await to();
    // What can still be read is as good as another text.
    expect.match(heading ?? "", /^(Page 3|Attributes)/, body.slice(Math.max(0, at - 40), at + 40));
    expect.deepEqual(rest, [0, 0]);
  }
  expect.equal(await visit.marker(), marker, "all of it in one document");
});

await stage.close();

// The server is replaced while a page is open: other templates stand behind the same addresses.
const folder = mkdtempSync(join(tmpdir(), "sx-wire-"));
const source = readFileSync(join(root, "playwright/app/wired.sx"), "utf8");
writeFileSync(join(folder, "wired.sx"), source.replaceAll('(p "line "', '(p :class "other" "row "').replaceAll('(h1 "Page " n)', '(h1 :title "new" "Page " n)'));
const before = await Stage.open({ args: [join(root, "playwright/app/wired.sx")], proxy: true });
const after = await startServer({ args: [join(folder, "wired.sx")] });
await before.story("a server of another build behind the same address: its templates are had, pages of the old one go on, kept ones are asked for again", async (visit) => {
  const lines = () => visit.page.evaluate(() => [document.querySelector("#content h1").title, document.querySelector("#content > p:last-child").textContent]);
  await speakWire(visit);
  await visit.follow("/page/3");
  before.proxy.target = new URL(after.url);
  await visit.follow("/page/2");
  expect.deepEqual(await lines(), ["new", "row 119 of page 2"]);
  await visit.swap(() => visit.page.goBack());
  expect.deepEqual(await lines(), ["", "line 119 of page 3"]);
  await visit.swap(() => visit.page.goForward());
  await visit.follow("/page/1");
  const learned = [];
  visit.page.on("request", (request) => { if (request.url().includes("/sx/templates/")) learned.push(request.url()); });
  expect.deepEqual([await lines(), learned], [["new", "row 119 of page 1"], []]);
  // The old server's text is kept for the tab, its templates are not.
  await visit.page.getByRole("link", { name: "outside" }).click();
  await visit.page.waitForFunction(() => document.title === "Outside");
  await visit.page.goBack();
  await visit.ready();
  await visit.swap(() => visit.page.goBack());
  await visit.swap(() => visit.page.goBack());
  expect.deepEqual(await lines(), ["new", "row 119 of page 3"]);
  expect.deepEqual(visit.problems.splice(0).filter((words) => !/status of 404/.test(words)), []);
});
await after.dispose();
await before.close();
rmSync(folder, { recursive: true });
finish();
