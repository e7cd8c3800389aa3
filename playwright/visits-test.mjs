// Visits: history, whole pages of servers that do not know the engine, their heads; streams. And the fifteen complaints
// that users of such engines have, each with what becomes of it here.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { answer, Lab } from "./lab.mjs";

const lab = await Lab.open();
const page = () => lab.page;
const out = `<p id=out>old</p>`;
const go = (text) => lab.run((text) => [...document.querySelectorAll("#content a")].find((link) => link.textContent === text).click(), text);
const shows = (heading) => lab.until((heading) => document.querySelector("h1")?.textContent === heading && !document.querySelector("[aria-busy]"), heading);
const from = (name, path, body, allow) => lab.case(name, "", async () => { await lab.go(path); await lab.run(() => { window.sameDocument = true; }); await body(); }, allow);
const same = () => lab.run(() => window.sameDocument === true);

// --- history ------------------------------------------------------------------------------------------------------

await from("back and forward walk pages in place, with title and address", "/page/1/", async () => {
  await go("two"); await shows("Page 2");
  await go("three"); await shows("Page 3");
  await page().goBack(); await shows("Page 2");
  expect.equal(await page().title(), "Page 2");
  await page().goBack(); await shows("Page 1");
  await page().goForward(); await page().goForward(); await shows("Page 3");
  expect.ok(page().url().endsWith("/page/3/"));
  expect.equal(await same(), true);
});
await from("the scroll position comes back", "/page/1/", async () => {
  await lab.run(() => scrollTo(0, 700));
  await go("two"); await shows("Page 2");
  expect.equal(await lab.run(() => scrollY), 0);
  await page().goBack(); await shows("Page 1");
  await lab.until(() => Math.abs(scrollY - 700) < 3);
});
await from("what was typed comes back with its page, passwords do not", "/page/1/", async () => {
  await page().fill("[name=note]", "half a thought");
  await lab.run(() => { const secret = Object.assign(document.createElement("input"), { type: "password", name: "secret", value: "x" }); document.querySelector("#content").append(secret); });
  await go("two"); await shows("Page 2");
  await page().goBack(); await shows("Page 1");
  await lab.until(() => document.querySelector("[name=note]").value === "half a thought");
});
await from("sx-history=false keeps a page from being kept: back asks again", "/page/1/", async () => {
  await lab.run(() => document.querySelector("#side").setAttribute("sx-history", "false"));
  await go("two"); await shows("Page 2");
  await go("three"); await shows("Page 3");
  const asked = page().waitForRequest("**/page/2/");
  await page().goBack();
  await asked;
  await shows("Page 2");
});
await from("out of order: the last click is shown", "/page/1/", async () => {
  await lab.run(() => { for (const text of ["two", "three", "one", "two"]) [...document.querySelectorAll("#content a")].find((link) => link.textContent === text).click(); });
  await shows("Page 2");
  await sleep(150);
  expect.equal(await lab.text("h1"), "Page 2");
  expect.ok(page().url().endsWith("/page/2/"));
}, /ERR_ABORTED/);
await from("entries of other code are left alone", "/page/1/", async () => {
  await lab.run(() => history.pushState({ other: 1 }, "", "/page/1/?other"));
  await go("two"); await shows("Page 2");
  await page().goBack();
  await lab.until(() => location.search === "?other");
  expect.equal(await lab.run(() => history.state.other), 1);
});
await from("a link with more to say than boost goes the same way", "/page/1/", async () => {
  await lab.run(() => { const link = [...document.querySelectorAll("#content a")].find((one) => one.textContent === "two"); link.setAttribute("sx-confirm", "Go?"); window.confirm = (text) => { window.question = text; return true; }; });
  await go("two"); await shows("Page 2");
  expect.equal(await lab.run(() => window.question), "Go?");
  expect.equal(await same(), true);
  expect.equal(await page().title(), "Page 2");
  await go("three"); await shows("Page 3");
  await page().goBack(); await shows("Page 2");
  expect.equal(await lab.text("#text"), "text 2");
  await page().goBack(); await shows("Page 1");
});
await from("a boosted link with sx-push-url=false keeps the address", "/page/1/", async () => {
  await lab.run(() => [...document.querySelectorAll("#content a")].find((one) => one.textContent === "two").setAttribute("sx-push-url", "false"));
  await go("two"); await shows("Page 2");
  expect.ok(page().url().endsWith("/page/1/"));
});
for (const [kind, attributes] of [["a link", ""], ["a link with more to say", 'sx-push-url="true"']])
  await from(`sx-boost="true": ${kind} fills the body, with whole pages and with pieces, there and back`, "/lab", async () => {
    await lab.run((attributes) => {
      const holder = document.querySelector("#lab"), link = document.createElement("a");
      holder.setAttribute("sx-boost", "true");
      if (attributes) link.setAttribute("sx-push-url", "true");
      link.href = "/plain/2/";
      link.id = "b";
      holder.append(link);
      SxKernel.process();
    }, attributes);
    await lab.click("#b");
    await shows("Foreign 2");
    expect.equal(await same(), true);
    expect.equal(await page().title(), "Foreign 2");
    expect.equal(await lab.run(() => document.body.firstElementChild.getAttribute("sx-boost")), "#content", "the body's own wrapper came along");
    await lab.until(() => document.querySelector("#sx-announcer")?.textContent === "Foreign 2");
    await page().goBack();
    await shows("Lab");
    await page().goForward();
    await shows("Foreign 2");
    expect.equal(await same(), true);
    await lab.run(() => { document.body.firstElementChild.setAttribute("sx-boost", "true"); [...document.querySelectorAll("a")].find(({ textContent }) => textContent === "one").click(); });
    await shows("Page 1");
    expect.equal(await lab.run(() => document.querySelector("#content")), null, "the piece is the body");
    expect.equal(await same(), true);
  });
for (const [selector, why] of [["#gone", "is not there"], ["##[", "is no selector"]])
  await from(`a boost whose target ${why} is told, and the link is the browser's`, "/lab", async () => {
    await lab.run((selector) => {
      const holder = document.querySelector("#lab"), link = document.createElement("a");
      holder.setAttribute("sx-boost", selector);
      link.href = "/page/1/";
      holder.append(link);
      document.addEventListener("sx:error", ({ target, detail }) => { sessionStorage.told = `${target.localName}: ${detail.message}`; });
      link.click();
    }, selector);
    await page().waitForURL("**/page/1/");
    const words = `sx-boost="${selector}" finds nothing`;
    expect.equal(await lab.run(() => sessionStorage.told), `a: ${words}`);
    expect.ok(lab.warnings.includes(words), lab.warnings.join());
  });
await lab.case("what an element pushes, back restores the page for", `<div sx-boost="#content"><button id=b sx-get="${answer("<h1>Pushed</h1>")}" sx-push-url="/page/2/" sx-target="#content">b</button></div>`, async () => {
  await lab.run(() => { window.sameDocument = true; });
  await lab.press("#b");
  expect.ok(page().url().endsWith("/page/2/"));
  await page().goBack();
  await lab.until(() => document.querySelector("h1")?.textContent === "Lab");
});
await from("sx-history-elt names what back and forward fill", "/page/1/", async () => {
  await lab.run(() => { const side = document.querySelector("#side"); side.setAttribute("sx-history-elt", ""); side.textContent = ""; });
  await go("two"); await shows("Page 2");
  await page().goBack();
  await lab.until(() => document.querySelector("#side h1")?.textContent === "Page 1");
  expect.equal(await lab.text("#content h1"), "Page 2");
});
await from("boosted requests can be read and stopped like any other", "/page/1/", async () => {
  await lab.run(() => document.addEventListener("sx:configRequest", ({ detail }) => { detail.headers["X-Seen"] = "1"; }, { once: true }));
  const sent = page().waitForRequest("**/page/2/");
  await go("two");
  expect.equal((await (await sent).allHeaders())["x-seen"], "1");
  await shows("Page 2");
  await lab.run(() => document.addEventListener("sx:beforeRequest", (event) => event.preventDefault(), { once: true }));
  await go("three");
  await sleep(80);
  expect.equal(await lab.text("h1"), "Page 2");
  expect.equal(await page().locator("[aria-busy],.sx-loading").count(), 0);
});
await from("headers change boosted answers too", "/lab", async () => {
  await lab.run((path) => {
    const holder = document.querySelector("#lab"), link = document.createElement("a");
    holder.setAttribute("sx-boost", "#content");
    link.href = path; link.textContent = "go"; holder.append(link);
  }, "/answer?body=" + encodeURIComponent("<b>aside</b>") + "&h=SX-Retarget:%23side");
  await lab.run(() => document.querySelector("#lab a").click());
  await lab.until(() => document.querySelector("#side").innerHTML === "<b>aside</b>");
  expect.ok(await lab.run(() => document.querySelector("h1").textContent === "Lab"));
});

// --- whole pages ----------------------------------------------------------------------------------------------------

await from("a server that always sends whole pages is walked in place: content, title, head", "/plain/1/", async () => {
  await go("foreign two"); await shows("Foreign 2");
  expect.equal(await page().title(), "Foreign 2");
  expect.equal(await same(), true);
  expect.equal(await lab.run(() => document.querySelectorAll("#content #content, main main").length), 0);
  expect.equal(await lab.run(() => document.querySelector('meta[name="description"]').content), "second");
  await page().goBack(); await shows("Foreign 1");
  await page().goForward(); await shows("Foreign 2");
  expect.equal(await lab.run(() => document.querySelectorAll("#content #content, main main, main meta, main link").length), 0);
});
await from("a style sheet of the next page is waited for and not doubled; its script runs once", "/plain/1/", async () => {
  await lab.run(() => document.addEventListener("sx:afterSwap", () => { window.colour = getComputedStyle(document.querySelector("#styled")).color; }, { once: true }));
  await go("foreign two"); await shows("Foreign 2");
  await lab.until(() => window.ran);
  expect.equal(await lab.run(() => window.colour), "rgb(1, 2, 3)");
  await go("foreign one"); await shows("Foreign 1");
  await go("foreign two"); await shows("Foreign 2");
  expect.equal(await lab.run(() => document.querySelectorAll("link[href='/sheet.css']").length), 1);
  expect.equal(await lab.run(() => window.ran), 1);
});
await from("from a site's fragments to whole pages and back", "/page/1/", async () => {
  await go("foreign one"); await shows("Foreign 1");
  await go("one"); await shows("Page 1");
  await page().goBack(); await shows("Foreign 1");
  expect.equal(await same(), true);
});

// --- streams -----------------------------------------------------------------------------------------------------------

await lab.case("sx-sse-connect shows events by name, and the plain ones", `<div sx-sse-connect="/events"><p id=g sx-sse-swap="greet"></p><p id=m sx-sse-swap="message" sx-swap=beforeend></p></div>`, async () => {
  await lab.until(() => document.querySelector("#g").innerHTML === "<b>hello new</b>" && document.querySelector("#m").innerHTML === "<i>plain</i>");
  await lab.until(() => document.querySelector("#g").innerHTML === "<b>again</b>");
});
await lab.case("an event of the stream starts a request; children that came later hear too", `<div id=s sx-sse-connect="/events"><p id=t sx-get="${answer("asked")}" sx-trigger="sse:greet"></p></div>`, async () => {
  await lab.run(() => { const late = document.createElement("p"); late.id = "late"; late.setAttribute("sx-sse-swap", "greet"); document.querySelector("#s").append(late); });
  await lab.until(() => document.querySelector("#t").textContent === "asked");
  await lab.until(() => /hello|again/.test(document.querySelector("#late").textContent));
});
await lab.case("a socket sends forms and shows what comes by its ids", `<div sx-ws-connect="/socket"><form id=f sx-ws-send><input name=say value=hi><button id=b>go</button></form><div id=heard></div></div>`, async () => {
  await lab.event("sx:wsOpen");
  await lab.click("#b");
  await lab.until(() => /"say":"hi"/.test(document.querySelector("#heard").textContent));
});

// --- what users of such engines complain of -----------------------------------------------------------------------------

await from("complaint 1: back shows no dead snapshot: what scripts did to the page is not doubled", "/page/1/", async () => {
  await lab.run(() => { const add = () => document.querySelector("#content h1").insertAdjacentElement("afterend", Object.assign(document.createElement("u"), { className: "widget" })); add(); document.addEventListener("sx:afterSwap", add); });
  await go("two"); await shows("Page 2");
  await page().goBack(); await shows("Page 1");
  expect.equal(await page().locator("u.widget").count(), 1);
});
await lab.case("complaint 3: an error page never lands in a small target, and is said to screen readers", `<button id=b sx-get="${answer("<h1>Proxy error</h1>", { status: 502 })}" sx-target="#out">b</button>${out}`, async () => {
  await lab.press("#b", "sx:responseError");
  expect.equal(await lab.text("#out"), "old");
  expect.match(await page().locator("[role=alert]").innerText(), /502/);
  await lab.click(".sx-dismiss");
}, /502/);
await lab.case("complaint 5: the focus stays with a button whose swap replaces it", `<div id=w><button id=b sx-get="${answer("<button id=b>again</button>")}" sx-target="#w">b</button></div>`, async () => {
  await page().focus("#b");
  await lab.press("#b");
  expect.equal(await lab.run(() => document.activeElement.id), "b");
});
await lab.case("complaint 6: a redirect to a whole page is followed by the browser, not put into a piece", `<button id=b sx-get="${answer("", { status: 302, to: "/plain/1/" })}" sx-target="#out">b</button>${out}`, async () => {
  await lab.click("#b");
  await page().waitForURL("**/plain/1/");
});
for (const status of [200, 201, 422])
  await lab.case(`complaint 7: a form may be answered with ${status}`, `<form sx-post="${answer("done", { status, h: status > 400 ? { "SX-Fragment": "true" } : {} })}" sx-target="#out"><button id=b>b</button></form>${out}`, async () => {
    await lab.press("#b");
    expect.equal(await lab.text("#out"), "done");
  }, /422/);
await lab.case("complaint 8: confirm, target and select of a wrapper do not leak into what is in it", `<div sx-confirm="Sure?" sx-target="#nowhere" sx-select="#nothing"><button id=b sx-get="${answer("x")}">b</button></div>`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#b"), "x");
});
await lab.case("complaint 10: a double click on a form sends it once, and its button is marked until then", `<form sx-post="${answer("{n}", { wait: 120 })}" sx-target="#out"><button id=b>b</button></form>${out}`, async () => {
  await lab.run(() => { const b = document.querySelector("#b"); b.click(); b.click(); });
  await lab.until(() => document.querySelector("#b[aria-disabled=true]"));
  await lab.event("sx:afterRequest");
  expect.equal(lab.asked.length, 1);
  expect.equal(await page().locator("[aria-disabled]").count(), 0);
});
await lab.case("complaint 12: what leaves is let go: a hundred swaps leave no listeners behind", `<div id=w><button id=b sx-get="${answer("<button id=c sx-get=/answer sx-trigger='ping from:body'>c</button>")}" sx-target="#side">b</button></div>`, async () => {
  await lab.run(() => { const add = EventTarget.prototype.addEventListener, remove = EventTarget.prototype.removeEventListener; window.listening = 0; document.body.addEventListener = function (...args) { window.listening++; return add.apply(this, args); }; document.body.removeEventListener = function (...args) { window.listening--; return remove.apply(this, args); }; });
  for (let n = 0; n < 40; n++) await lab.press("#b");
  expect.ok(await lab.run(() => window.listening) <= 1);
});
await lab.case("complaint 13: a stream that cannot be had is asked for again, later and later", `<div sx-sse-connect="/answer?status=503"></div>`, async () => {
  await lab.event("sx:sseError", 2);
  expect.ok(lab.asked.filter((one) => one.url().includes("503")).length >= 2);
}, /503|EventSource/);

await lab.close();
finish();
