// Markup of every shape by the wire and by the document: the nodes are the same, the first time, when templates are
// compared with what the parser makes of them, and later, when they are cloned and filled with other values. And what
// a server may not do with it.
import { join } from "node:path";
import { expect, finish, root } from "../tests/process/harness.mjs";
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

await stage.close();
finish();
