// A page written for htmx with its script tag changed: attributes hx-, events htmx:, headers HX-, its classes, window.htmx.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { answer, Lab } from "./lab.mjs";

const lab = await Lab.open({ query: "?htmx=1" });
const out = `<p id=out>old</p>`;
const kDone = "htmx:afterSettle";
const button = (attributes, more = "") => `<button id=b ${attributes}>go</button>${more}${out}`;

await lab.case("hx-get into hx-target", button(`hx-get="${answer("<b>in</b>")}" hx-target="#out"`), async () => {
  await lab.press("#b", kDone);
  expect.equal(await lab.html("#out"), "<b>in</b>");
});
await lab.case("requests carry HX- headers and no SX- ones", button(`hx-get="${answer("{headers}")}" hx-target="#out"`), async () => {
  await lab.press("#b", kDone);
  const text = await lab.text("#out");
  for (const line of ["hx-request: true", "hx-trigger: b", "hx-target: out"]) expect.ok(text.includes(line), `${line} in ${text}`);
  expect.ok(!text.includes("sx-"));
});
await lab.case("attributes are inherited without a word", `<div hx-target="#out" hx-swap="beforeend" hx-vals='{"a": 1}'>${`<button id=b hx-post="${answer("{form}")}">go</button>`}</div>${out}`, async () => {
  await lab.press("#b", kDone);
  expect.equal(await lab.text("#out"), "olda=1");
});
await lab.case("hx-disinherit and unset stop it", `<div hx-target="#out"><div hx-disinherit="hx-target"><button id=b hx-get="${answer("self")}">go</button></div></div>${out}`, async () => {
  await lab.press("#b", kDone);
  expect.equal(await lab.text("#b"), "self");
});
await lab.case("SxKernel.debug() tells of requests and swaps of pages written for htmx too", button(`hx-get="${answer("in")}" hx-target="#out"`), async () => {
  await lab.run(() => SxKernel.debug());
  await lab.press("#b", kDone);
  const { elements, requests, swaps } = await lab.run(async () => JSON.parse(JSON.stringify(await SxKernel.debug())));
  expect.deepEqual(elements.filter(({ tag }) => tag === "button").map(({ triggers }) => triggers), [["click"]]);
  expect.ok(requests.some(({ path, status, ms }) => path.startsWith("/answer") && status === 200 && ms > 0), JSON.stringify(requests));
  expect.ok(swaps.some(({ settled }) => settled > 0), JSON.stringify(swaps));
});
await lab.case("hx-boost=true, on the link or around it, fills the body in place with a server that answers whole pages", `<a id=b hx-boost=true href="/plain/2/">there</a>`, async () => {
  await lab.run(() => { window.sameDocument = true; });
  await lab.click("#b");
  await lab.until(() => document.querySelector("h1").textContent === "Foreign 2");
  expect.equal(await lab.run(() => window.sameDocument), true);
  expect.equal(await lab.page.title(), "Foreign 2");
  await lab.run(() => { document.body.firstElementChild.setAttribute("hx-boost", "true"); htmx.process(document.body); });
  const sent = lab.page.waitForRequest((request) => request.url().endsWith("/plain/1/"));
  await lab.run(() => [...document.querySelectorAll("a")].find(({ textContent }) => textContent === "foreign one").click());
  expect.equal((await (await sent).allHeaders())["hx-boosted"], "true");
  await lab.until(() => document.querySelector("h1").textContent === "Foreign 1");
  expect.equal(await lab.run(() => window.sameDocument), true);
  await lab.page.goBack();
  await lab.until(() => document.querySelector("h1").textContent === "Foreign 2");
});
await lab.case("an error is not swapped, htmx:responseError tells", button(`hx-get="${answer("bad", { status: 500 })}" hx-target="#out"`), async () => {
  await lab.press("#b", "htmx:responseError");
  expect.equal(await lab.text("#out"), "old");
  expect.equal(await lab.page.locator(".sx-message").count(), 0);
}, /500/);
await lab.case("htmx:beforeSwap with shouldSwap lets it in", button(`hx-get="${answer("bad", { status: 422 })}" hx-target="#out"`), async () => {
  await lab.run(() => document.body.addEventListener("htmx:beforeSwap", ({ detail }) => { if (detail.xhr.status === 422) { detail.shouldSwap = true; detail.isError = false; } }, { once: true }));
  await lab.press("#b", kDone);
  expect.equal(await lab.text("#out"), "bad");
}, /422/);
await lab.case("events are said in both spellings", button(`hx-get="${answer("x")}" hx-target="#out"`), async () => {
  await lab.press("#b", kDone);
  const log = await lab.log();
  for (const name of ["htmx:configRequest", "htmx:config-request", "htmx:afterSwap", "htmx:after-swap"]) expect.ok(log.includes(name), name);
});
await lab.case("htmx:configRequest changes headers and parameters", button(`hx-post="${answer("{form} {headers}")}" hx-target="#out"`), async () => {
  await lab.run(() => htmx.on("htmx:configRequest", ({ detail }) => { detail.headers["X-Csrf"] = "t"; detail.parameters.more = "1"; }));
  await lab.press("#b", kDone);
  expect.match(await lab.text("#out"), /more=1.*x-csrf: t/s);
});
await lab.case("HX-Trigger, HX-Retarget, HX-Reswap, HX-Push-Url", button(`hx-get="${answer("x", { h: { "HX-Trigger": "ding", "HX-Retarget": "#o", "HX-Reswap": "beforeend", "HX-Push-Url": "/lab?htmx=1&x=1" } })}" hx-target="#out"`, "<p id=o>a</p>"), async () => {
  await lab.run(() => document.body.addEventListener("ding", () => { window.ding = true; }, { once: true }));
  await lab.press("#b", kDone);
  expect.equal(await lab.text("#o"), "ax");
  expect.equal(await lab.run(() => window.ding), true);
  expect.ok(lab.page.url().endsWith("x=1"));
});
await lab.case("classes are htmx's", button(`hx-get="${answer("x", { wait: 100 })}" hx-indicator="#spin" hx-target="#out" hx-swap="innerHTML settle:100ms"`, "<i id=spin class=htmx-indicator></i>"), async () => {
  await lab.click("#b");
  await lab.until(() => document.querySelector("#spin.htmx-request"));
  expect.equal(await lab.run(() => getComputedStyle(document.querySelector("#spin")).visibility), "visible");
  await lab.event(kDone);
  await lab.until(() => !document.querySelector(".htmx-request"));
  expect.equal(await lab.run(() => getComputedStyle(document.querySelector("#spin")).visibility), "hidden");
});
await lab.case("hx-swap-oob and hx-select-oob", button(`hx-get="${answer("main<p id=o hx-swap-oob=true>there</p>")}" hx-target="#out"`, "<p id=o>here</p>"), async () => {
  await lab.press("#b", kDone);
  expect.equal(await lab.text("#o"), "there");
  expect.equal(await lab.text("#out"), "main");
});
await lab.case("hx-trigger with a condition, without eval", `<input id=i name=q hx-get="${answer("hit")}" hx-trigger="keyup[key=='Enter']" hx-target="#out">${out}`, async () => {
  await lab.run(() => document.querySelector("#i").dispatchEvent(new KeyboardEvent("keyup", { key: "Enter", bubbles: true })));
  await lab.event(kDone);
});
await lab.case("hx-boost takes links and forms with the body as target", `<div hx-boost=true hx-target="#out"><a id=a href="/answer?body=boosted">a</a></div>${out}`, async () => {
  await lab.press("#a", kDone);
  expect.equal(await lab.text("#out"), "boosted");
  expect.ok(lab.page.url().includes("/answer?body=boosted"));
});
await lab.case("scripts in answers run where the policy lets them; a whole page is its body", button(`hx-get="/plain/2/" hx-select="h1" hx-target="#out"`), async () => {
  await lab.press("#b", kDone);
  expect.equal(await lab.html("#out"), "<h1>Foreign 2</h1>");
});
await lab.case("a request that waits is queued, the last one goes", button(`hx-post="${answer("{n}", { wait: 150 })}" hx-target="#out"`), async () => {
  for (let n = 0; n < 3; n++) await lab.click("#b");
  await lab.event(kDone, 2);
  await sleep(250);
  expect.equal(lab.asked.length, 2);
});
await lab.case("with no delays an answer is swapped within onload", button(`hx-get="${answer("now")}" hx-swap="innerHTML settle:0ms" hx-target="#out"`), async () => {
  await lab.run(() => {
    const load = Object.getOwnPropertyDescriptor(XMLHttpRequestEventTarget.prototype, "onload");
    Object.defineProperty(XMLHttpRequestEventTarget.prototype, "onload", { configurable: true, get: load.get, set(listener) {
      load.set.call(this, (event) => { listener.call(this, event); window.within = document.querySelector("#out").textContent; Object.defineProperty(XMLHttpRequestEventTarget.prototype, "onload", load); });
    } });
  });
  await lab.press("#b", kDone);
  expect.equal(await lab.run(() => window.within), "now");
});

// --- window.htmx ------------------------------------------------------------------------------------------------

await lab.case("htmx.ajax, with a target or a context", out, async () => {
  await lab.run(() => htmx.ajax("GET", "/answer?body=a", "#out"));
  expect.equal(await lab.text("#out"), "a");
  await lab.run(() => htmx.ajax("GET", "/answer?body=b", { target: "#out", swap: "beforeend" }));
  expect.equal(await lab.text("#out"), "ab");
});
await lab.case("htmx.swap", out, async () => {
  await lab.run(() => htmx.swap("#out", "<i>s</i>", { swapStyle: "innerHTML" }));
  expect.equal(await lab.html("#out"), "<i>s</i>");
});
await lab.case("htmx.on, off, trigger, onLoad", button(`hx-get="${answer("<u>n</u>")}" hx-trigger=ping hx-target="#out"`), async () => {
  await lab.run(() => { window.loaded = []; htmx.onLoad((node) => window.loaded.push(node.localName)); htmx.trigger("#b", "ping"); });
  await lab.event(kDone);
  expect.ok((await lab.run(() => window.loaded)).includes("u"));
});
await lab.case("htmx.find, findAll, closest, values", `<form id=f><input name=a value=1><b class=x></b><b class=x></b></form>`, async () => {
  expect.deepEqual(await lab.run(() => [htmx.find("#f").id, htmx.find(htmx.find("#f"), "b").className, htmx.findAll(".x").length, htmx.closest(".x", "form").id, htmx.values("#f").a]), ["f", "x", 2, "f", "1"]);
});
await lab.case("htmx.addClass, removeClass, toggleClass, takeClass, remove", `<p id=p></p><p id=q class=t></p><p id=r></p>`, async () => {
  expect.deepEqual(await lab.run(() => {
    htmx.addClass("#p", "c"); const one = document.querySelector("#p").className;
    htmx.removeClass("#p", "c"); const two = document.querySelector("#p").hasAttribute("class");
    htmx.toggleClass("#p", "d"); htmx.takeClass(document.querySelector("#p"), "t"); htmx.remove("#r");
    return [one, two, document.querySelector("#p").className, document.querySelector("#q").className, document.querySelector("#r")];
  }), ["c", false, "d t", "", null]);
});
await lab.case("htmx.parseInterval, version, config, logAll", out, async () => {
  expect.deepEqual(await lab.run(() => [htmx.parseInterval("2s"), htmx.parseInterval("300ms"), htmx.parseInterval("1.5m"), htmx.parseInterval("x"), typeof htmx.version, htmx.config.defaultSwapStyle]), [2000, 300, 90000, undefined, "string", "innerHTML"]);
});
await lab.case("htmx.defineExtension and hx-ext", `<div hx-ext=shout>${button(`hx-get="${answer("quiet")}" hx-target="#out"`)}</div>`, async () => {
  await lab.run(() => htmx.defineExtension("shout", { transformResponse: (text) => text.toUpperCase() }));
  await lab.press("#b", kDone);
  expect.equal(await lab.text("#out"), "QUIET");
});
await lab.case("hx-vals with js: where the policy forbids eval: told with the element and what to write, and nothing is sent", button(`hx-post="${answer("x")}" hx-vals="js:{a: 1}" hx-target="#out"`), async () => {
  // In a task of the page's own: what the debugger starts is free of the policy.
  await lab.run(() => { setTimeout(() => document.querySelector("#b").click()); });
  await lab.event("htmx:error");
  expect.equal(lab.asked.length, 0);
  expect.match(lab.warnings.join(), /hx-vals="js:\{a: 1\}": .*does not let JavaScript be evaluated.*write a form of SX.*\(<button id=b>\)/);
}, /Content Security Policy|policy|EvalError|TrustedScript/i);
await lab.case("htmx:beforeProcessNode, afterProcessNode and beforeCleanupElement: elements come and go", `<div id=w><i id=gone></i></div><button id=b hx-get="${answer("<u id=new hx-get=/answer hx-trigger=never></u>")}" hx-target="#w">b</button>`, async () => {
  await lab.run(() => { window.told = []; for (const name of ["beforeProcessNode", "afterProcessNode", "beforeCleanupElement"]) document.addEventListener(`htmx:${name}`, ({ target }) => target.id && window.told.push(`${name} ${target.id}`)); });
  await lab.press("#b", kDone);
  expect.deepEqual(await lab.run(() => window.told), ["beforeCleanupElement gone", "beforeProcessNode new", "afterProcessNode new"]);
});
await lab.case("hx-vals in SX works under any policy", button(`hx-post="${answer("{form}")}" hx-vals='(dict :a (+ 1 2))' hx-target="#out"`), async () => {
  await lab.press("#b", kDone);
  expect.equal(await lab.text("#out"), "a=3");
});
await lab.case("hx-on in JavaScript where the policy forbids it is named, the rest works", button(`hx-on:click="window.ran = 1" hx-get="${answer("x")}" hx-target="#out"`), async () => {
  await lab.press("#b", kDone);
  expect.equal(await lab.text("#out"), "x");
}, /Content Security Policy|policy|EvalError|TrustedScript/i);
await lab.case("requests to other sites are refused, as htmx 2 does by itself; listeners of htmx:validateUrl have a say", `<button id=b hx-get="http://other.invalid/x" hx-target="#out">b</button><button id=c hx-get="${answer("in")}" hx-target="#out">c</button>${out}`, async () => {
  await lab.press("#b", "htmx:invalidPath");
  expect.equal(lab.asked.filter((request) => /other/.test(request.url())).length, 0);
  expect.match(lab.warnings.join(), /"http:\/\/other\.invalid\/x" is not of this site, so it is not asked \(<button id=b>\)/);
  await lab.run(() => document.addEventListener("htmx:validateUrl", (event) => { window.same = event.detail.sameHost; event.preventDefault(); }, { once: true }));
  await lab.press("#c", "htmx:invalidPath");
  expect.equal(await lab.run(() => window.same), true);
  expect.equal(await lab.text("#out"), "old");
});
await lab.case("a page's htmx-config is in htmx.config, and may do without styles for indicators", "<p>x</p>", async () => {
  const facts = () => lab.run(() => [htmx.config.defaultSwapStyle, [...document.adoptedStyleSheets].filter((sheet) => [...sheet.cssRules].some(({ cssText }) => cssText.includes("htmx-indicator"))).length > 0]);
  expect.deepEqual(await facts(), ["innerHTML", true]);
  await lab.page.route("**/lab?htmx=1&set", async (route) => {
    const response = await route.fetch();
    const meta = `<meta name="htmx-config" content='{"includeIndicatorStyles": false, "defaultSwapStyle": "outerHTML"}'>`;
    return route.fulfill({ response, body: (await response.text()).replace("<title>", `${meta}<title>`) });
  });
  const { home } = lab;
  await lab.go("/lab?htmx=1&set");
  await lab.run(() => SxKernel.load("web-more"));
  expect.deepEqual(await facts(), ["outerHTML", false]);
  await lab.page.goto(home);
  lab.home = home;
});
await lab.close();

const set = await Lab.open({ query: `?personality=htmx2` });
await set.run(() => { window.sxSettings = undefined; });
await set.context.addInitScript(() => { window.sxSettings = { personality: "htmx2", disableInheritance: true, responseHandling: [{ code: "204", swap: false }, { code: "422", swap: true, target: "#wrong" }, { code: "[23]..", swap: true }, { code: "[45]..", swap: false, error: true }] }; });
await set.go("/lab?personality=htmx2");
await set.case("responseHandling decides what statuses mean", button(`hx-get="${answer("bad", { status: 422 })}" hx-target="#out"`, "<p id=wrong></p>"), async () => {
  await set.press("#b", kDone);
  expect.equal(await set.text("#wrong"), "bad");
  expect.equal(await set.text("#out"), "old");
}, /422/);
await set.case("disableInheritance: only what is asked for passes on", `<div hx-target="#out"><button id=b hx-get="${answer("self")}">b</button></div>${out}`, async () => {
  await set.press("#b", kDone);
  expect.equal(await set.text("#b"), "self");
});
await set.close();

// --- htmx 4 -------------------------------------------------------------------------------------------------------

const four = await Lab.open({ query: "?htmx=4", api: "htmx" });
const settled = "htmx:finally:request";
await four.case("htmx 4: errors are swapped, inheritance is asked for, events have its names", `<div hx-target="#out"><div hx-target:inherited="#out">${`<button id=b hx-get="${answer("bad", { status: 404 })}">go</button>`}</div></div>${out}`, async () => {
  await four.press("#b", settled);
  expect.equal(await four.text("#out"), "bad");
  const log = await four.log();
  for (const name of ["htmx:config:request", "htmx:before:request", "htmx:after:swap"]) expect.ok(log.includes(name), name);
}, /404/);
await four.case("htmx 4: hx-status:404 decides", button(`hx-get="${answer("lost", { status: 404 })}" hx-status:404="target:#e" hx-target="#out"`, "<p id=e></p>"), async () => {
  await four.press("#b", settled);
  expect.equal(await four.text("#e"), "lost");
}, /404/);
await four.case("htmx 4: <hx-partial>", button(`hx-get="${answer("main<hx-partial hx-target=\"#e\"><b>p</b></hx-partial>")}" hx-target="#out"`, "<p id=e></p>"), async () => {
  await four.press("#b", settled);
  expect.equal(await four.html("#e"), "<b>p</b>");
});
await four.case("htmx 4 under a strict policy: conditions and values without eval", `<input id=i name=q hx-post="${answer("{form}")}" hx-trigger="keyup[key=='Enter']" hx-vals='(dict :a (+ 1 2))' hx-target="#out">${out}`, async () => {
  await four.run(() => document.querySelector("#i").dispatchEvent(new KeyboardEvent("keyup", { key: "Enter", bubbles: true })));
  await four.event(settled);
  expect.equal(await four.text("#out"), "q=&a=3");
});
await four.case("htmx 4 under a strict policy: hx-on in JavaScript does not stop the rest", button(`hx-on:click="window.ran = 1" hx-get="${answer("x")}" hx-target="#out"`), async () => {
  await four.press("#b", settled);
  expect.equal(await four.text("#out"), "x");
}, /Content Security Policy|policy|EvalError|TrustedScript/i);
await four.case("htmx 4 under a strict policy: hx-vals with js: sends nothing and is htmx:error", button(`hx-post="${answer("x")}" hx-vals="js:{a: 1}" hx-target="#out"`), async () => {
  await four.run(() => { setTimeout(() => document.querySelector("#b").click()); });
  await four.event("htmx:error");
  expect.equal(four.asked.length, 0);
}, /Content Security Policy|policy|EvalError|TrustedScript|hx-vals/i);
await four.close();

const chosen = await Lab.open({ query: "?personality=htmx4" });
await chosen.case("htmx 4 as a personality, without window.htmx", button(`hx-get="${answer("<b>in</b>")}" hx-target="#out" hx-swap=append`), async () => {
  await chosen.press("#b", settled);
  expect.equal(await chosen.html("#out"), "old<b>in</b>");
  expect.equal(await chosen.run(() => typeof window.htmx), "undefined");
});
await chosen.close();

// What else a page may set (its loader is boot.js here; window.htmx is not needed for attributes).
const settings = { personality: "htmx2", selfRequestsOnly: false, methodsThatUseUrlParams: ["get"], allowNestedOobSwaps: false, disableSelector: "[data-off]", indicatorClass: "spin", requestClass: "busy", addedClass: "fresh", settlingClass: "moving", swappingClass: "going" };
const told = await Lab.open({ query: `?config=${encodeURIComponent(JSON.stringify(settings))}` });
await told.case("methodsThatUseUrlParams: a delete sends its values in the body", `<form hx-delete="${answer("{form}|{query}")}" hx-target="#out"><input name=a value=1><button id=b>b</button></form>${out}`, async () => {
  await told.press("#b", kDone);
  expect.match(await told.text("#out"), /^a=1\|/);
  expect.equal(/[?&]a=1/.test(told.asked.find((request) => request.method() === "DELETE").url()), false);
});
await told.case("allowNestedOobSwaps false: pieces that stand in others stay there", `<button id=b hx-get="${answer("<div>main <i id=o hx-swap-oob=true>inner</i></div><u id=p hx-swap-oob=true>top</u>")}" hx-target="#out">b</button><u id=p>old</u>${out}`, async () => {
  await told.press("#b", kDone);
  expect.equal(await told.text("#p"), "top");
  expect.equal(await told.text("#out"), "main inner");
});
await told.case("disableSelector: nothing below is taken up", `<div data-off><button id=b hx-get="${answer("x")}" hx-target="#out">b</button></div><button id=c hx-get="${answer("c")}" hx-target="#out">c</button>${out}`, async () => {
  await told.click("#b");
  await told.press("#c", kDone);
  expect.equal(await told.text("#out"), "c");
  expect.equal(told.asked.filter((request) => request.url().includes("/answer")).length, 1);
});
await told.case("names of classes, of indicators too", `<button id=b hx-get="${answer("<b id=n>n</b>", { wait: 120 })}" hx-target="#out" hx-swap="innerHTML swap:60ms settle:60ms">b <i id=i class=spin>…</i></button>${out}`, async () => {
  await told.run(() => {
    window.seen = new Set();
    new MutationObserver(() => { for (const name of ["busy", "going", "fresh", "moving"]) if (document.querySelector(`#lab .${name}`)) window.seen.add(name); if (getComputedStyle(document.querySelector("#i")).visibility === "visible") window.seen.add("shown"); }).observe(document.querySelector("#lab"), { subtree: true, childList: true, attributes: true });
  });
  expect.equal(await told.run(() => getComputedStyle(document.querySelector("#i")).visibility), "hidden");
  await told.press("#b", kDone);
  expect.deepEqual(await told.run(() => [...window.seen].sort()), ["busy", "fresh", "going", "moving", "shown"]);
  expect.equal(await told.page.locator("#lab [class*=htmx-]").count(), 0);
});
await told.close();
finish();
