// The finer points of attributes: values that are worked out, modifiers of swaps, conditions of intervals, extensions with
// all their hooks, mistakes of a page's author, and what none of it needs.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { answer, Lab } from "./lab.mjs";

const lab = await Lab.open();
const out = `<p id=out>old</p>`;
const button = (attributes, more = "") => `<button id=b ${attributes}>go</button>${more}${out}`;
const asked = () => lab.asked.filter((request) => request.url().includes("/answer")).length;
const fetched = (pattern) => lab.asked.filter((request) => pattern.test(request.url())).length;

// --- what it does not need ----------------------------------------------------------------------------------

{
  const files = [];
  lab.page.on("request", (request) => files.push(new URL(request.url()).pathname));
  await lab.restart();
  const loads = [];
  lab.page.on("request", (request) => loads.push(new URL(request.url()).pathname));
  await lab.case("elements, values as JSON or SX, conditions and streams need no compiler", button(`sx-post="${answer("{form}")}" sx-vals='{:a 1 :b "x y" :c [1 2]}' sx-trigger="click[!shiftKey && detail != 7]" sx-target="#out"`, `<div sx-sse-connect="/events"><i sx-sse-swap=greet></i></div>`), async () => {
    await lab.press("#b");
    expect.match(await lab.text("#out"), /^a=1&b=x y&c=/);
    await lab.until(() => document.querySelector("i[sx-sse-swap]").textContent);
    expect.deepEqual([...files, ...loads].filter((path) => /tools|text\./.test(path)), []);
  });
}

// --- values that are worked out ---------------------------------------------------------------------------

await lab.case("sx-vals in SX is worked out when the request is made, with this and event", button(`name=n value=7 sx-post="${answer("{form}")}" sx-vals='(dict :own (page/value-of this) :by (get event :type) :typed (page/value-of (dom/find "#t")))' sx-target="#out"`, `<input id=t value=first>`), async () => {
  await lab.run(() => { document.querySelector("#t").value = "later"; });
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "n=7&own=7&by=click&typed=later");
});
await lab.case("a dict with forms in it, under what is inherited: the nearest wins", `<div sx-vals:inherited='{:a (+ 1 1) :z "far"}'>${`<button id=b sx-post="${answer("{form}")}" sx-vals='{"a": 9}' sx-target="#out">go</button>`}</div>${out}`, async () => {
  await lab.press("#b");
  expect.equal((await lab.text("#out")).split("&").sort().join("&"), "a=9&z=far");
});
await lab.case("sx-headers in SX", button(`sx-get="${answer("{headers}")}" sx-headers='{:X-Sum (+ 2 3)}' sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.match(await lab.text("#out"), /x-sum: 5/);
});
await lab.case("values that cannot be worked out are told with place and element, and nothing is sent", button(`sx-post="${answer("x")}" sx-vals='(dict :a (+ 1 nil))' sx-target="#out"`), async () => {
  await lab.click("#b");
  await lab.event("sx:error");
  expect.equal(asked(), 0);
  expect.match(lab.warnings.join(), /^sx-vals="\(dict :a \(\+ 1 nil\)\)": \+: Expected number, got nil, at \(anonymous function\) \(sx-vals:1:10\) \(<button id=b>\)$/);
  expect.equal(await lab.page.locator(".sx-request,[aria-busy]").count(), 0);
});
await lab.case("values that are no dict are told", button(`sx-post="${answer("x")}" sx-vals='(+ 1 2)' sx-target="#out"`), async () => {
  await lab.click("#b");
  await lab.event("sx:error");
  expect.equal(asked(), 0);
  expect.match(lab.warnings.join(), /it is 3, expected a dict such as \{:a 1\}/);
});
await lab.case("js: in sx-vals is named as what is not evaluated here, with the way to say it; the request goes on", button(`sx-post="${answer("[{form}]")}" sx-vals="js:{a: 1}" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "[]");
  expect.match(lab.warnings.join(), /sx-vals: "js:\{a: 1\}" is JavaScript, which is not evaluated here; write a form of SX.*\(<button id=b>\)/);
  expect.ok((await lab.log()).includes("sx:error"));
});

// --- modifiers of swaps ------------------------------------------------------------------------------------------

const long = "<p>line</p>".repeat(120);
await lab.case("show:bottom brings the end of the target into view, show:window:top the top of the page, show:none nothing", `<button id=b sx-get="${answer(long)}" sx-swap="innerHTML show:bottom" sx-target="#out">b</button><button id=c sx-get="${answer(long)}" sx-swap="innerHTML show:window:top" sx-target="#out">c</button><button id=d sx-get="${answer(long)}" sx-swap="innerHTML show:none" sx-target="#out">d</button>${out}`, async () => {
  await lab.press("#b");
  const end = await lab.run(() => scrollY);
  expect.ok(end > 1000, `scrolled to ${end}`);
  await lab.press("#d");
  expect.equal(await lab.run(() => scrollY), end);
  await lab.press("#c");
  expect.equal(await lab.run(() => scrollY), 0);
});
await lab.case("show:#id:top brings another element into view, scroll:bottom the target's own end", `<button id=b sx-get="${answer(long)}" sx-swap="innerHTML show:#far:top scroll:bottom" sx-target="#box">b</button><div id=box></div><div id=gap></div><p id=far>far</p>`, async () => {
  await lab.run(() => { Object.assign(document.querySelector("#box").style, { height: "80px", overflow: "auto" }); document.querySelector("#gap").style.height = "3000px"; });
  await lab.press("#b");
  expect.ok(await lab.run(() => scrollY) > 1000);
  expect.ok(await lab.run(() => { const box = document.querySelector("#box"); return box.scrollTop + box.clientHeight >= box.scrollHeight - 2; }));
  await lab.run(() => scrollTo(0, 0));
});
for (const scroll of [true, false])
  await lab.case(`focus-scroll:${scroll} ${scroll ? "scrolls" : "does not scroll"} to the field that keeps the focus`, `<div id=w><input id=q sx-get="${answer(`${"<p>line</p>".repeat(150)}<input id=q>`)}" sx-trigger=ping sx-swap="innerHTML focus-scroll:${scroll}" sx-target="#w"></div>`, async () => {
    await lab.page.focus("#q");
    await lab.run(() => document.querySelector("#q").dispatchEvent(new Event("ping")));
    await lab.event("sx:afterSettle");
    expect.equal(await lab.run(() => document.activeElement.id), "q");
    const y = await lab.run(() => scrollY);
    expect.ok(scroll ? y > 500 : y === 0, `scrolled to ${y}`);
    await lab.run(() => scrollTo(0, 0));
  });
await lab.case("strip:true puts in what the first element holds", button(`sx-get="${answer("<section><b>1</b><i>2</i></section>")}" sx-swap="innerHTML strip:true" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#out"), "<b>1</b><i>2</i>");
});
await lab.case("ignoreTitle:true leaves the title alone, without it the answer's counts", `<button id=b sx-get="${answer("<title>Other</title>x")}" sx-swap="innerHTML ignoreTitle:true" sx-target="#out">b</button><button id=c sx-get="${answer("<title>Third</title>y")}" sx-target="#out">c</button>${out}`, async () => {
  const title = await lab.page.title();
  await lab.press("#b");
  expect.equal(await lab.page.title(), title);
  await lab.press("#c");
  expect.equal(await lab.page.title(), "Third");
  await lab.run((title) => { document.title = title; }, title);
});
await lab.case("target: in sx-swap is the target", button(`sx-get="${answer("x")}" sx-swap="beforeend target:#o"`, `<p id=o>a</p>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#o"), "ax");
});
await lab.case("transition:true asks sx:beforeTransition, which may say no", button(`sx-get="${answer("new")}" sx-swap="innerHTML transition:true" sx-target="#out"`), async () => {
  await lab.run(() => {
    window.views = 0;
    const start = document.startViewTransition.bind(document);
    document.startViewTransition = (work) => { window.views++; return start(work); };
    document.addEventListener("sx:beforeTransition", (event) => event.preventDefault(), { once: true });
  });
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "new");
  expect.equal(await lab.run(() => window.views), 0);
});
await lab.case("sx-replace-url changes the address without an entry", button(`sx-get="${answer("x")}" sx-replace-url="/lab?mine" sx-target="#out"`), async () => {
  const before = await lab.run(() => history.length);
  await lab.press("#b");
  expect.ok(lab.page.url().endsWith("/lab?mine"));
  expect.equal(await lab.run(() => history.length), before);
});

// --- triggers ----------------------------------------------------------------------------------------------------

await lab.case("every with a condition asks only while it holds", `<p id=p sx-get="${answer("{n}")}" sx-trigger="every 40ms [wanted && this.id == 'p']" sx-target="#out"></p>${out}`, async () => {
  await lab.run(() => { window.wanted = false; });
  await sleep(200);
  expect.equal(asked(), 0);
  await lab.run(() => { window.wanted = true; });
  await lab.event("sx:afterSettle", 2);
  await lab.run(() => { window.wanted = false; });
  await sleep(80);
  const before = asked();
  await sleep(160);
  expect.equal(asked(), before);
});
await lab.case("every with a condition in SX", `<p id=p class=on sx-get="${answer("{n}")}" sx-trigger='every 40ms [(dom/find "p.on")]' sx-target="#out"></p>${out}`, async () => {
  await lab.event("sx:afterSettle", 1);
  await lab.run(() => document.querySelector("#p").classList.remove("on"));
  await sleep(100);
  const before = asked();
  await sleep(160);
  expect.equal(asked(), before);
});
for (const [queue, count] of [["first", 2], ["last", 2], ["all", 4], ["none", 1]])
  await lab.case(`queue:${queue}`, button(`sx-post="${answer("{n}", { wait: 80 })}" sx-trigger="click queue:${queue}" sx-target="#out"`), async () => {
    for (let n = 0; n < 4; n++) await lab.click("#b");
    await lab.event("sx:afterRequest", count);
    await sleep(120);
    expect.equal(asked(), count);
  });
await lab.run(() => { const sheet = new CSSStyleSheet(); sheet.replaceSync("#r{height:60px;overflow:auto}#gap{height:400px}"); document.adoptedStyleSheets.push(sheet); window.wanted = false; });
await lab.case("intersect root: and its condition", `<div id=r><div id=gap></div><div id=i sx-get="${answer("seen")}" sx-trigger="intersect root:#r [wanted]">waiting</div></div>`, async () => {
  const scroll = async (top, wanted) => {
    await lab.run(([top, wanted]) => { window.wanted = wanted; document.querySelector("#r").scrollTop = top; }, [top, wanted]);
    await lab.run(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 20)))));
  };
  await scroll(0, true);
  expect.equal(asked(), 0, "out of the root's view");
  await scroll(400, false);
  expect.equal(asked(), 0, "the condition does not hold");
  await scroll(0, true);
  await scroll(400, true);
  await lab.event("sx:afterSettle");
  expect.equal(asked(), 1);
});
await lab.case("indicators are seen while the request is out, by a sheet that any rule of the site overrides", `<button id=b sx-get="${answer("x", { wait: 150 })}" sx-target="#out">b <i id=in class=sx-indicator>…</i></button>${out}`, async () => {
  const shown = () => lab.run(() => getComputedStyle(document.querySelector("#in")).visibility);
  expect.equal(await shown(), "hidden");
  await lab.click("#b");
  await lab.until(() => getComputedStyle(document.querySelector("#in")).visibility === "visible");
  await lab.event("sx:afterRequest");
  expect.equal(await shown(), "hidden");
});

// --- extensions ------------------------------------------------------------------------------------------------------

await lab.case("an extension's swap style: handleSwap gets style, target and content; what it gives is taken up", `<div sx-ext=swapper>${button(`sx-get="${answer("<b id=n sx-get='/answer?body=deep' sx-trigger=load sx-target='#deep'>new</b>")}" sx-swap="mirror swap:0ms" sx-target="#out"`, "<i id=deep></i>")}</div>`, async () => {
  await lab.run(() => SxKernel.defineExtension("swapper", {
    isInlineSwap: (style) => style === "mirror",
    handleSwap(style, target, fragment) {
      if (style !== "mirror") return false;
      window.swapped = [style, target.id, fragment.children.length];
      const [node] = fragment.children;
      target.replaceChildren(node);
      return [node];
    },
    onEvent(name, event) { if (name === "sx:load") (window.loads ??= []).push(event.detail.elt.id); },
  }));
  await lab.press("#b");
  expect.deepEqual(await lab.run(() => window.swapped), ["mirror", "out", 1]);
  expect.ok((await lab.run(() => window.loads)).includes("n"));
  await lab.until(() => document.querySelector("#deep").textContent === "deep");
  expect.deepEqual(lab.warnings, []);
});
await lab.case("a style that neither the page nor its extension has is named, and the page's own is used", `<div sx-ext=swapper>${button(`sx-get="${answer("new")}" sx-swap="sideways" sx-target="#out"`)}</div>`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "new");
  expect.match(lab.warnings.join(), /sx-swap="sideways": "sideways" is not known.*\(<button id=b>\)/);
});
await lab.case("a piece out of band in an extension's style", `<div sx-ext=swapper>${button(`sx-get="${answer("main<p id=o sx-swap-oob=mirror><u>1</u></p>")}" sx-target="#out"`, "<p id=o>a</p>")}</div>`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "main");
  expect.equal(await lab.html("#o"), `<p id="o"><u>1</u></p>`);
});
await lab.case("init gets the functions that htmx gives, getSelectors has elements told of", `<p id=picked data-pick=1></p>`, async () => {
  const given = await lab.run(async () => {
    window.told = [];
    let names;
    SxKernel.defineExtension("picker", {
      init: (api) => { names = Object.keys(api); window.api = api; },
      getSelectors: () => ["[data-pick]"],
    });
    document.addEventListener("sx:afterProcessNode", ({ target }) => window.told.push(target.id));
    SxKernel.process();
    await new Promise((done) => setTimeout(done, 30));
    const node = document.querySelector("#picked");
    return { names, told: window.told, attribute: window.api.getAttributeValue(node, "data-pick"), there: window.api.bodyContains(node), same: window.api.getInternalData(node) === window.api.getInternalData(node) };
  });
  for (const name of ["getAttributeValue", "getClosestAttributeValue", "getInternalData", "bodyContains", "makeFragment", "triggerEvent", "withExtensions", "swap", "ajax"]) expect.ok(given.names.includes(name), name);
  expect.deepEqual([given.told, given.attribute, given.there, given.same], [["picked"], "1", true, true]);
  await lab.run(() => { SxKernel.removeExtension("picker"); SxKernel.removeExtension("swapper"); });
});
await lab.case("an extension that throws is told and does not take the request with it", `<div sx-ext=broken>${button(`sx-get="${answer("fine")}" sx-target="#out"`)}</div>`, async () => {
  await lab.run(() => SxKernel.defineExtension("broken", { onEvent() { throw new Error("broken"); }, transformResponse() { throw new Error("broken"); }, handleSwap() { throw new Error("broken"); } }));
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "fine");
  await lab.run(() => SxKernel.removeExtension("broken"));
}, /extension, .*broken/);

// --- mistakes of a page's author ------------------------------------------------------------------------------------------

for (const [attribute, said] of [
  [`sx-swap="sideways"`, /sx-swap="sideways": "sideways" is not known, expected one of innerHTML/],
  [`sx-swap="innerHTML swap:soon"`, /"swap:soon" is no interval, expected swap:300ms/],
  [`sx-swap="innerHTML show:left"`, /"show:left" is no place/],
  [`sx-sync="this:maybe"`, /sx-sync="this:maybe": "maybe" is not known, expected drop/],
  [`sx-headers="{x"`, /sx-headers: "\{x" is neither a JSON object/],
  [`sx-request="fast"`, /sx-request: "fast" is neither a JSON object/],
  [`sx-include="p:::"`, /sx-include="p:::" is no selector/],
  [`sx-indicator="p:::"`, /sx-indicator="p:::" is no selector/],
  [`sx-disabled-elt="find p:::"`, /sx-disabled-elt="p:::" is no selector/],
])
  await lab.case(`a mistake is named with element and attribute, told as sx:error, and the request goes on: ${attribute}`, button(`sx-get="${answer("fine")}" ${attribute} sx-target="#out"`), async () => {
    await lab.press("#b");
    expect.equal(await lab.text("#out"), "fine");
    expect.match(lab.warnings.join("\n"), said);
    expect.match(lab.warnings.join("\n"), /\(<button id=b>\)/);
    expect.equal(await lab.run(() => window.details.find(([name]) => name === "sx:error")?.[1].elt.id), "b");
    expect.equal(await lab.page.locator(".sx-request,[aria-busy]").count(), 0);
  });
for (const trigger of ["click[a +]", "every soon", "click sometimes", "click delay:x", "click, , keyup"])
  await lab.case(`a trigger that cannot be read is named with its element: ${trigger}`, `<button id=b sx-get="${answer("x")}" sx-trigger="${trigger}">b</button>`, async () => {
    await lab.event("sx:error");
    expect.match(lab.warnings.join(), /^sx-trigger=".*": .* \(<button id=b>\)$/);
  });
await lab.case("sx-select that is no selector changes nothing: no address, no content", button(`sx-get="${answer("<b>x</b>")}" sx-select="p:::" sx-push-url="/lab?half" sx-target="#out"`), async () => {
  await lab.press("#b", "sx:swapError");
  expect.equal(await lab.text("#out"), "old");
  expect.equal(lab.page.url(), lab.home);
  expect.match(lab.warnings.join(), /sx-select="p:::" is no selector \(<button id=b>\)/);
  await lab.click(".sx-dismiss");
});
await lab.case("a piece whose place is no selector is told, the rest is swapped", button(`sx-get="${answer("main<p sx-swap-oob='beforeend:p:::'>x</p>")}" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "main");
  expect.ok((await lab.log()).includes("sx:oobErrorNoTarget"));
});
await lab.case("a target that is no selector is named with its element, and nothing is sent", button(`sx-get="${answer("x")}" sx-target="closest p:::"`), async () => {
  await lab.press("#b", "sx:targetError");
  expect.equal(asked(), 0);
  expect.match(lab.warnings.join(), /sx-target="closest p:::" is no selector \(<button id=b>\)/);
});

// --- what a page's author gets wrong: the element and the attribute are named, what is around goes on -------------------------------

for (const [name, wrong, words, sent = true] of [
  ["from: that is no selector", `sx-get="${answer("x")}" sx-trigger="click from:##("`, /^sx-trigger="click from:##\(": from:##\( is no selector \(<button id=b>\)$/, false],
  ["a stream's address", `sx-sse-connect="http://[bad"`, /^sx-sse-connect="http:\/\/\[bad": .*URL is invalid.* \(<button id=b>\)$/, false],
  ["a socket's address", `sx-ws-connect="http://[bad"`, /^sx-ws-connect="http:\/\/\[bad": .*URL.* \(<button id=b>\)$/, false],
  ["sx-sync that is no selector", `sx-post="${answer("x")}" sx-sync="##(:drop" sx-target="#out"`, /^sx-sync="##\(" is no selector \(<button id=b>\)$/],
  ["sx-select-oob that is no selector", `sx-get="${answer("x")}" sx-select-oob="##(" sx-target="#out"`, /: sx-select-oob="##\(" is no selector \(<button id=b>\)$/, false],
  ["a style that nobody has", `sx-get="${answer("x")}" sx-swap="innerHTML foo" sx-target="#out"`, /^sx-swap="innerHTML foo": "foo" is not known/],
  ["a name that is nearly one", `sx-get="${answer("x")}" sx-targt="#p" sx-target="#out"`, /^there is no attribute sx-targt, perhaps sx-target is meant \(<button id=b>\)$/],
  ["a name like no other", `sx-zzz=1`, /^there is no attribute sx-zzz \(<button id=b>\)$/, false],
])
  await lab.case(`named once, and what comes after it is taken up: ${name}`, `<button id=b ${wrong}>b</button><button id=c sx-get="${answer("fine")}" sx-target="#p">c</button><p id=p></p>${out}`, async () => {
    await lab.press("#c");
    expect.equal(await lab.text("#p"), "fine");
    await lab.click("#b");
    await lab.until(() => !document.querySelector(".sx-request"));
    if (sent) await lab.until(() => document.querySelector("#out").textContent === "x");
    await lab.event("sx:error").catch(() => {});
    expect.equal(lab.warnings.length, 1, lab.warnings.join("\n"));
    expect.match(lab.warnings[0], words);
    if (!sent) expect.equal(await lab.text("#out"), "old");
  });
await lab.case("names with :inherited, of statuses and of events are known; so are data-sx- ones of islands", `<div sx-target:inherited="#out" sx-status:404="none" sx-on:click="1" data-sx-anything=1 sx-keep-scroll></div><button id=b sx-get="${answer("x")}" sx-target="#out" sx-status:4xx:inherited="none">b</button>${out}`, async () => {
  await lab.press("#b");
  expect.deepEqual(lab.warnings, []);
});
await lab.close();

// --- settings -----------------------------------------------------------------------------------------------------------

const set = await Lab.open({ query: `?config=${encodeURIComponent('{"defaultSwapStyle":"outerHTML","scrollBehavior":"smooth","defaultFocusScroll":true,"timeout":90}')}` });
await set.case("settings of the page: the default style and the time to wait", `<div id=w><button id=b sx-get="${answer("<b id=n>new</b>")}">b</button></div><button id=c sx-get="${answer("x", { wait: 600 })}">c</button>`, async () => {
  await set.press("#b");
  expect.equal(await set.html("#w"), `<b id="n">new</b>`);
  await set.press("#c", "sx:timeout");
  await set.click(".sx-dismiss");
});
await set.case("scrollBehavior smooth scrolls smoothly, at once where little motion is wanted", `<button id=b sx-get="${answer(long)}" sx-swap="innerHTML show:bottom settle:0ms" sx-target="#out">b</button>${out}`, async () => {
  await set.run(() => { window.asked = []; const real = Element.prototype.scrollIntoView; Element.prototype.scrollIntoView = function (options) { window.asked.push(options.behavior); real.call(this, options); }; });
  await set.press("#b");
  await set.page.emulateMedia({ reducedMotion: "reduce" });
  await set.press("#b");
  await set.page.emulateMedia({ reducedMotion: null });
  expect.deepEqual(await set.run(() => window.asked), ["smooth", "instant"]);
});
await set.close();

// --- the policy --------------------------------------------------------------------------------------------------------------

const nonce = await Lab.open();
await nonce.page.route("**/lab?nonce", async (route) => {
  const response = await route.fetch();
  const headers = { ...response.headers() };
  headers["content-security-policy"] = headers["content-security-policy"].replace("style-src 'self'", "style-src 'self' 'nonce-c0ffee'");
  await route.fulfill({ response, headers, body: (await response.text()).replace("</head>", "<style nonce=c0ffee>#own{color:rgb(4, 5, 6)}</style></head>") });
});
await nonce.page.addInitScript(() => { window.violations = []; document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective)); });
nonce.query = "?nonce";
await nonce.go("/lab?nonce");
await nonce.case("with a nonce for styles: the page's own inline sheet holds, those of answers are adopted, indicators and messages need none", `<p id=own>own</p><button id=b sx-get="${answer("<style>#new{color:rgb(7, 8, 9)}</style><b id=new>new</b>", { wait: 100 })}" sx-target="#out">b <i id=in class=sx-indicator>…</i></button><button id=c sx-get="${answer("x", { status: 500 })}" sx-target="#out">c</button>${out}`, async () => {
  const colour = (id) => nonce.run((id) => getComputedStyle(document.querySelector(id)).color, id);
  expect.equal(await colour("#own"), "rgb(4, 5, 6)");
  await nonce.click("#b");
  await nonce.until(() => getComputedStyle(document.querySelector("#in")).visibility === "visible");
  await nonce.event("sx:afterSettle");
  expect.equal(await colour("#new"), "rgb(7, 8, 9)");
  await nonce.press("#c", "sx:responseError");
  expect.equal(await nonce.run(() => getComputedStyle(document.querySelector(".sx-message")).position), "fixed");
  await nonce.click(".sx-dismiss");
  expect.deepEqual(await nonce.run(() => window.violations), []);
  expect.equal(await nonce.page.locator("style:not([nonce])").count(), 0);
}, /500/);
await nonce.close();
finish();
