// When requests start and which of them win: triggers, conditions, handlers, sync, what shows that one is out; scripts.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { answer, Lab } from "./lab.mjs";

const lab = await Lab.open();
const out = `<p id=out>old</p>`;
const asked = () => lab.asked.filter((request) => request.url().includes("/answer")).length;
const fire = (selector, type, init = {}) => lab.run(([selector, type, init]) => {
  const Kind = /^key/.test(type) ? KeyboardEvent : /click|mouse/.test(type) ? MouseEvent : Event;
  document.querySelector(selector).dispatchEvent(new Kind(type, { bubbles: true, cancelable: true, ...init }));
}, [selector, type, init]);

// --- triggers -------------------------------------------------------------------------------------------------

for (const [condition, yes, no] of [
  ["key=='Enter'", { key: "Enter" }, { key: "a" }],
  ["ctrlKey&&key=='x'", { key: "x", ctrlKey: true }, { key: "x" }],
  ["!shiftKey", {}, { shiftKey: true }],
  ["key=='a'||key=='b'", { key: "b" }, { key: "c" }],
  ["target.value.length >= 3", null, null],
])
  await lab.case(`a condition without eval: [${condition}]`, `<input id=i name=q sx-get="${answer("hit")}" sx-trigger="keyup[${condition.replaceAll('"', "&quot;").replaceAll("&", "&amp;")}]" sx-target="#out">${out}`, async () => {
    if (!yes) await lab.run(() => { document.querySelector("#i").value = "ab"; });
    await fire("#i", "keyup", no ?? {});
    await sleep(40);
    expect.equal(asked(), 0);
    if (!yes) await lab.run(() => { document.querySelector("#i").value = "abc"; });
    await fire("#i", "keyup", yes ?? {});
    await lab.event("sx:afterSettle");
    expect.equal(await lab.text("#out"), "hit");
  });
await lab.case("a condition may be written in SX", `<input id=i sx-get="${answer("hit")}" sx-trigger='keyup[(and (= "Enter" (get event :key)) (not (get event :shiftKey)))]' sx-target="#out">${out}`, async () => {
  await lab.until(() => SxKernel.find("#i"));
  await sleep(500);
  await fire("#i", "keyup", { key: "a" });
  await fire("#i", "keyup", { key: "Enter", shiftKey: true });
  await sleep(40);
  expect.equal(asked(), 0);
  await fire("#i", "keyup", { key: "Enter" });
  await lab.event("sx:afterSettle");
});
await lab.case("a condition may ask a function of the page", `<button id=b sx-get="${answer("hit")}" sx-trigger="click[isReady()]" sx-target="#out">b</button>${out}`, async () => {
  await lab.run(() => { window.ready = false; window.isReady = () => window.ready; });
  await lab.click("#b");
  await sleep(40);
  expect.equal(asked(), 0);
  await lab.run(() => { window.ready = true; });
  await lab.press("#b");
});
await lab.case("a condition that cannot be read is named; the rest is heard", `<button id=b sx-get="${answer("hit")}" sx-trigger="click[a +], dblclick" sx-target="#out">b</button>${out}`, async () => {
  expect.match(lab.warnings.join(), /\[a \+\]: "\+" is not understood/);
  await fire("#b", "dblclick");
  await lab.event("sx:afterSettle");
});
await lab.case("consume keeps the event from what is around", `<div sx-get="${answer("outer")}" sx-target="#out"><button id=b sx-get="${answer("inner")}" sx-trigger="click consume" sx-target="#out">b</button></div>${out}`, async () => {
  await lab.press("#b");
  await sleep(50);
  expect.equal(asked(), 1);
  expect.equal(await lab.text("#out"), "inner");
});
await lab.case("target: hears of some elements only", `<div sx-get="${answer("hit")}" sx-trigger="click target:.yes" sx-target="#out"><button class=no id=n>n</button><button class=yes id=y>y</button></div>${out}`, async () => {
  await lab.click("#n");
  await sleep(40);
  expect.equal(asked(), 0);
  await lab.press("#y");
});
for (const [from, html] of [["document", ""], ["body", ""], ["#src", "<button id=src>s</button>"], ["closest section", ""], ["next .n", "<i class=n>n</i>"], ["find .f", ""]])
  await lab.case(`from:${from}`, `<section><p id=p sx-get="${answer("hit")}" sx-trigger="ping from:${from}" sx-target="#out"><i class=f>f</i></p>${html}</section>${out}`, async () => {
    await lab.run((from) => {
      const place = { document, body: document.body, "closest section": document.querySelector("section"), "next .n": document.querySelector(".n"), "find .f": document.querySelector(".f") }[from] ?? document.querySelector(from);
      place.dispatchEvent(new Event("ping"));
    }, from);
    await lab.event("sx:afterSettle");
    expect.equal(asked(), 1);
  });
await lab.case("several triggers on one element", `<button id=b sx-get="${answer("{n}")}" sx-trigger="click, ping, load delay:30ms" sx-target="#out">b</button>${out}`, async () => {
  await lab.event("sx:afterSettle", 1);
  await fire("#b", "ping");
  await lab.event("sx:afterSettle", 2);
  await lab.click("#b");
  await lab.event("sx:afterSettle", 3);
  expect.equal(asked(), 3);
});
await lab.case("intersect with a threshold asks when enough is seen", `<div id=i sx-get="${answer("seen")}" sx-trigger="intersect threshold:0.5 once">waiting</div>`, async () => {
  await lab.event("sx:afterSettle");
  expect.equal(await lab.text("#i"), "seen");
});
await lab.case("delay: starts anew with each event", `<input id=i name=q sx-get="${answer("{query}")}" sx-trigger="input delay:120ms" sx-target="#out">${out}`, async () => {
  for (let n = 0; n < 4; n++) { await fire("#i", "input"); await sleep(30); }
  expect.equal(asked(), 0);
  await lab.event("sx:afterSettle");
  expect.equal(asked(), 1);
});
await lab.case("every asks again and again, and ends with its element", `<p id=p sx-get="${answer("{n}")}" sx-trigger="every 50ms" sx-target="#out"></p>${out}`, async () => {
  await lab.event("sx:afterSettle", 3);
  await lab.run(() => { document.querySelector("#p").remove(); SxKernel.process(); });
  await sleep(60);
  const before = asked();
  await sleep(150);
  expect.equal(asked(), before);
});
await lab.case("an answer to an event of the server starts another element", `<button id=b sx-post="${answer("ok", { h: { "SX-Trigger": "saved" } })}" sx-swap=none>b</button><p id=l sx-get="${answer("list")}" sx-trigger="saved from:body" sx-target="#out"></p>${out}`, async () => {
  await lab.click("#b");
  await lab.until(() => document.querySelector("#out").textContent === "list");
});
await lab.case("a link with a request does not leave the page, with a modifier it is the browser's", `<a id=a href="/page/1/" sx-get="${answer("in place")}" sx-target="#out">a</a>${out}`, async () => {
  await lab.press("#a");
  expect.equal(await lab.text("#out"), "in place");
  await fire("#a", "click", { ctrlKey: true });
  await sleep(30);
  expect.equal(asked(), 1);
  for (const page of lab.context.pages()) if (page !== lab.page) await page.close();
});
await lab.case("below sx-disable nothing is taken up, handlers included", `<div sx-disable><button id=b sx-get="${answer("x")}" sx-on:click='(dom/set-text this "ran")' sx-target="#out">b</button></div>${out}`, async () => {
  await lab.click("#b");
  await sleep(50);
  expect.equal(asked(), 0);
  expect.equal(await lab.text("#b"), "b");
});
await lab.case("an attribute that changes later counts", `<button id=b sx-get="${answer("one")}" sx-target="#out">b</button>${out}`, async () => {
  await lab.run((path) => document.querySelector("#b").setAttribute("sx-get", path), "/answer?body=two");
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "two");
});

// --- who wins ----------------------------------------------------------------------------------------------------

const slow = (body, wait = 150) => answer(body, { wait });
await lab.case("a read replaces the read before it", `<button id=b sx-get="${slow("{n}")}" sx-target="#out">b</button>${out}`, async () => {
  await lab.click("#b");
  await sleep(30);
  await lab.click("#b");
  await lab.event("sx:afterSettle");
  await sleep(200);
  expect.equal((await lab.log()).filter((name) => name === "sx:afterSettle").length, 1);
  expect.ok((await lab.log()).includes("sx:abort"));
}, /ERR_ABORTED/);
await lab.case("a write is not sent a second time", `<button id=b sx-post="${slow("{n}")}" sx-target="#out">b</button>${out}`, async () => {
  await lab.click("#b");
  await lab.click("#b");
  await lab.event("sx:afterSettle");
  expect.equal(asked(), 1);
});
await lab.case("two elements with one target: the newer wish wins, whichever answers first", `<button id=a sx-get="${slow("slow", 300)}" sx-target="#out">a</button><button id=b sx-get="${answer("fast")}" sx-target="#out">b</button>${out}`, async () => {
  await lab.click("#a");
  await sleep(20);
  await lab.click("#b");
  await lab.event("sx:afterSettle");
  await sleep(350);
  expect.equal(await lab.text("#out"), "fast");
}, /ERR_ABORTED/);
for (const [strategy, sent] of [["drop", [1]], ["replace", [1, 2, 3]], ["queue first", [1, 2]], ["queue last", [1, 3]], ["queue all", [1, 2, 3]]])
  await lab.case(`sx-sync="${strategy}"`, `<div>${[1, 2, 3].map((n) => `<button id=b${n} sx-post="${slow(String(n), 250)}" sx-sync="closest div:${strategy}" sx-target="#out">b</button>`).join("")}</div>${out}`, async () => {
    await lab.run(() => { for (const n of [1, 2, 3]) document.querySelector(`#b${n}`).click(); });
    await lab.until((last) => document.querySelector("#out").textContent === last && !document.querySelector(".sx-request"), String(sent.at(-1)));
    await sleep(350);
    expect.equal(await lab.text("#out"), String(sent.at(-1)));
    expect.deepEqual(lab.asked.filter((request) => request.url().includes("/answer")).map((request) => Number(new URL(request.url()).searchParams.get("body"))), sent);
  }, /ERR_ABORTED/);
await lab.case("sx-sync with a form: the form's own sending aborts a field's check", `<form id=f sx-post="${answer("sent")}" sx-target="#out"><input id=i name=q sx-get="${slow("checked", 300)}" sx-sync="closest form:abort" sx-trigger=change sx-target="#out"><button id=b>go</button></form>${out}`, async () => {
  await fire("#i", "change");
  await sleep(30);
  await lab.press("#b");
  await sleep(350);
  expect.equal(await lab.text("#out"), "sent");
}, /ERR_ABORTED/);
await lab.case("SxKernel.abort gives a request up, and all marks with it", `<button id=b sx-get="${slow("x", 400)}" sx-target="#out">b</button>${out}`, async () => {
  await lab.click("#b");
  await lab.until(() => document.querySelector("#b.sx-request"));
  await lab.run(() => SxKernel.abort("#b"));
  await lab.event("sx:abort");
  await lab.until(() => !document.querySelector(".sx-request,[aria-busy]"));
  expect.equal(await lab.text("#out"), "old");
}, /ERR_ABORTED/);
await lab.case("thirty rapid clicks end in one answer and no marks", `<button id=b sx-get="${slow("{n}", 40)}" sx-target="#out">b</button>${out}`, async () => {
  await lab.run(() => { for (let n = 0; n < 30; n++) document.querySelector("#b").click(); });
  await lab.event("sx:afterSettle");
  await sleep(120);
  expect.equal((await lab.log()).filter((name) => name === "sx:afterSettle").length, 1);
  expect.equal(await lab.page.locator(".sx-request,#out[aria-busy]").count(), 0);
}, /ERR_ABORTED/);

// --- what shows it ---------------------------------------------------------------------------------------------------

await lab.case("the element, or its sx-indicator, carries sx-request while it waits", `<button id=a sx-get="${slow("x")}" sx-target="#out">a</button><button id=b sx-get="${slow("x")}" sx-indicator="#spin" sx-target="#out">b</button><i id=spin></i>${out}`, async () => {
  await lab.click("#a");
  await lab.until(() => document.querySelector("#a.sx-request") && document.querySelector("#out[aria-busy=true]"));
  await lab.event("sx:afterSettle");
  await lab.click("#b");
  await lab.until(() => document.querySelector("#spin.sx-request") && !document.querySelector("#b.sx-request"));
  await lab.event("sx:afterRequest", 2);
  expect.equal(await lab.page.locator(".sx-request,[aria-busy]").count(), 0);
});
await lab.case("sx-disabled-elt disables while it waits; what was disabled stays so", `<form sx-post="${slow("x")}" sx-disabled-elt="find button, #o" sx-swap=none><button id=b>go</button></form><button id=o disabled>o</button>`, async () => {
  await lab.click("#b");
  await lab.until(() => document.querySelector("#b").disabled);
  await lab.event("sx:afterRequest");
  expect.deepEqual(await lab.run(() => [document.querySelector("#b").disabled, document.querySelector("#o").disabled]), [false, true]);
});
await lab.case("the indicator ends after an error too", `<button id=b sx-get="${answer("x", { status: 500, wait: 60 })}" sx-indicator="#spin">b</button><i id=spin></i>`, async () => {
  await lab.press("#b", "sx:afterRequest");
  expect.equal(await lab.page.locator(".sx-request").count(), 0);
  await lab.click(".sx-dismiss");
}, /500/);

// --- asking, checking ---------------------------------------------------------------------------------------------------

await lab.case("sx-confirm asks; no means no", `<button id=b sx-get="${answer("x")}" sx-confirm="Sure?" sx-target="#out">b</button>${out}`, async () => {
  await lab.run(() => { window.questions = []; window.confirm = (text) => { window.questions.push(text); return window.questions.length > 1; }; });
  await lab.click("#b");
  await sleep(40);
  expect.equal(asked(), 0);
  await lab.press("#b");
  expect.deepEqual(await lab.run(() => window.questions), ["Sure?", "Sure?"]);
});
await lab.case("sx:confirm lets a page ask in its own way and go on later", `<button id=b sx-get="${answer("x")}" sx-confirm="Sure?" sx-target="#out">b</button>${out}`, async () => {
  await lab.run(() => document.addEventListener("sx:confirm", (event) => { event.preventDefault(); window.asked = event.detail.question; setTimeout(() => event.detail.issueRequest(true), 30); }, { once: true }));
  await lab.press("#b");
  expect.equal(await lab.run(() => window.asked), "Sure?");
  expect.equal(await lab.text("#out"), "x");
});
await lab.case("sx-prompt sends what was typed; giving up sends nothing", `<button id=b sx-get="${answer("{headers}")}" sx-prompt="Why?" sx-target="#out">b</button>${out}`, async () => {
  await lab.run(() => { let n = 0; window.prompt = () => (n++ ? "because" : null); });
  await lab.click("#b");
  await sleep(40);
  expect.equal(asked(), 0);
  await lab.press("#b");
  expect.match(await lab.text("#out"), /sx-prompt: because/);
});
await lab.case("a form with wrong fields is not sent, and told", `<form id=f sx-post="${answer("x")}" sx-target="#out"><input name=a required><button id=b type=button>b</button></form>${out}`, async () => {
  await fire("#f", "submit");
  await lab.event("sx:validation:halted");
  expect.equal(asked(), 0);
  await lab.run(() => { document.querySelector("[name=a]").value = "1"; });
  await fire("#f", "submit");
  await lab.event("sx:afterSettle");
});
await lab.case("a button with formnovalidate sends it as it is", `<form sx-post="${answer("{form}")}" sx-target="#out"><input name=a required><button id=b formnovalidate>b</button></form>${out}`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "a=");
});
await lab.case("a boosted form with more to say goes where its button says", `<div sx-boost="#out"><form action="/answer?body=form" method=post sx-params="*"><input name=a value=1><button id=b formaction="/answer?body=button+{form}" name=x value=y>b</button></form></div>${out}`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "button a=1&x=y");
});
await lab.case("novalidate sends it as it is", `<form id=f novalidate sx-post="${answer("x")}" sx-target="#out"><input name=a required></form>${out}`, async () => {
  await fire("#f", "submit");
  await lab.event("sx:afterSettle");
});
await lab.case("sx-validate checks a field outside of a form's sending", `<input id=i name=a required sx-post="${answer("x")}" sx-validate=true sx-target="#out">${out}`, async () => {
  await fire("#i", "change");
  await lab.event("sx:validation:failed");
  expect.equal(asked(), 0);
});

// --- handlers, extensions, preloading --------------------------------------------------------------------------------------

await lab.case("sx-on:click runs SX, without eval", `<button id=b sx-on:click='(dom/set-text this (str "clicked at " (get event :type)))'>b</button>`, async () => {
  await lab.compiled();
  await lab.click("#b");
  await lab.until(() => document.querySelector("#b").textContent === "clicked at click");
});
await lab.case("sx-on: may prevent the browser's own answer and read keys", `<a id=b href="/page/1/" sx-on:click='(event/prevent event)'>b</a><input id=i sx-on:keydown='(when (= "Enter" (get event :key)) (dom/set-class this "entered" true))'>`, async () => {
  await lab.compiled();
  await lab.click("#b");
  await fire("#i", "keydown", { key: "Enter" });
  await lab.until(() => document.querySelector("#i.entered"));
  expect.equal(lab.page.url(), lab.home);
});
await lab.case("sx-on::after-swap hears of the engine's own events", `<div id=w sx-on::after-swap='(dom/set-class this "seen" true)'><button id=b sx-get="${answer("x")}" sx-target="#out">b</button>${out}</div>`, async () => {
  await lab.compiled();
  await lab.press("#b");
  await lab.until(() => document.querySelector("#w.seen"));
});
await lab.case("handlers reset forms, toggle classes, take elements away, set and read properties, open dialogs, fire events", `<form id=f sx-post="${answer("x")}" sx-target="#out" sx-on::after-request='(when (get event :successful) (dom/call this "reset"))'><input id=t name=a></form>${out}
<ul><li id=li><b id=gone sx-on:click='(dom/call (dom/find "li" this "closest") "remove")'></b></li></ul><b id=toggle sx-on:click='(dom/call this "classList.toggle" "open")'></b>
<b id=put data-id=7 sx-on:click='(do (dom/put (dom/find "#t") "value" (str "id " (dom/get this "dataset.id"))) (dom/call (dom/find "dialog") "showModal"))'></b><dialog></dialog>
<input id=typing sx-on:input='(dom/set-text (dom/find "#out") (str (get event :value)))'><b id=fire sx-on:click='(dom/emit (dom/find "#toggle") "click" {})'></b>`, async () => {
  await lab.compiled();
  await lab.page.fill("#typing", "typed");
  await lab.until(() => document.querySelector("#out").textContent === "typed");
  await lab.page.fill("#t", "written");
  await lab.run(() => document.querySelector("#f").requestSubmit());
  await lab.until(() => document.querySelector("#t").value === "");
  for (const id of ["gone", "toggle", "put"]) await lab.click(`#${id}`);
  await lab.until(() => !document.querySelector("#li") && document.querySelector("#toggle.open") && document.querySelector("#t").value === "id 7" && document.querySelector("dialog").open);
  await lab.click("#fire");
  await lab.until(() => !document.querySelector("#toggle.open"));
});
for (const [form, why] of [['(dom/put this "innerHTML" "<b>x")', '"innerHTML" is no property to set'], ['(dom/put this "onclick" "x")', '"onclick" is no property'], ['(dom/put this "nothing" 1)', '"nothing" is no property'], ['(dom/call this "rset")', 'the element has no method "rset"']])
  await lab.case(`what a handler may not do is told: ${form}`, `<button id=b sx-on:click='${form}'>b</button>`, async () => {
    await lab.compiled();
    await lab.click("#b");
    await lab.event("sx:error");
    expect.ok(lab.warnings[0].includes(why) && lab.warnings[0].endsWith("(<button id=b>)"), lab.warnings[0]);
    expect.equal(await lab.html("#b"), "b");
  });
await lab.case("a handler that does not compile is named, the rest works", `<button id=b sx-on:click="(no-such-thing" sx-get="${answer("x")}" sx-target="#out">b</button>${out}`, async () => {
  await lab.compiled();
  await lab.press("#b");
  expect.match(lab.warnings.join(), /^sx-on:click="\(no-such-thing": sx-on:click:2:3: Found the end of the text.* \(<button id=b>\)$/);
});
await lab.case("a handler that fails is told with its element, attribute and place, and as sx:error; the next one works", `<button id=b sx-on:click="(+ 1 nil)">b</button><button id=c sx-on:click='(dom/set-text this "fine")'>c</button>`, async () => {
  await lab.compiled();
  await lab.click("#b");
  await lab.event("sx:error");
  expect.deepEqual(lab.warnings, ['sx-on:click="(+ 1 nil)": +: Expected number, got nil, at (anonymous function) (sx-on:click:1:1) (<button id=b>)']);
  expect.match(await lab.run(() => window.details.find(([name]) => name === "sx:error")[1].message), /Expected number/);
  await lab.click("#c");
  await lab.until(() => document.querySelector("#c").textContent === "fine");
});
await lab.case("an error inside of what a handler calls is told with the file and line of that", `<button id=b sx-on:click="(dom/insert nil nil nil)">b</button>`, async () => {
  await lab.compiled();
  await lab.click("#b");
  await lab.event("sx:error");
  expect.match(lab.warnings.join(), /, at dom\/insert \(web\/sx\/ports\.sx:\d+:\d+\) \(<button id=b>\)/);
});
await lab.case("an extension sees events, writes bodies and reads answers", `<div sx-ext="lab"><form id=f sx-post="${answer("got")}" sx-target="#out"><input name=a value=1></form></div>${out}`, async () => {
  await lab.run(() => SxKernel.defineExtension("lab", {
    onEvent: (name) => { (window.heard ??= []).push(name); },
    encodeParameters: (xhr, parameters) => { xhr.setRequestHeader("Content-Type", "application/json"); return JSON.stringify(Object.fromEntries(parameters.entries())); },
    transformResponse: (text) => `<u>${text}</u>`,
  }));
  await fire("#f", "submit");
  await lab.event("sx:afterSettle");
  expect.equal(await lab.html("#out"), "<u>got</u>");
  expect.equal(lab.asked[0].postData(), '{"a":"1"}');
  expect.ok((await lab.run(() => window.heard)).includes("sx:configRequest"));
});
await lab.case("sx-ext=ignore:NAME leaves one out; without it nothing changes", `<div sx-ext="lab"><button id=b sx-ext="ignore:lab" sx-get="${answer("plain")}" sx-target="#out">b</button></div>${out}`, async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#out"), "plain");
  await lab.run(() => SxKernel.removeExtension("lab"));
});
await lab.case("sx-preload asks when the pointer comes, the click takes the answer", `<button id=b sx-get="${answer("{n}")}" sx-preload sx-target="#out">b</button>${out}`, async () => {
  await fire("#b", "mouseenter");
  await lab.event("sx:preloaded");
  await lab.press("#b");
  expect.equal(asked(), 1);
  expect.match(await lab.text("#out"), /^\d+$/);
  await lab.press("#b");
  expect.equal(asked(), 2);
});

// --- scripts of the page ------------------------------------------------------------------------------------------------------

await lab.case("SxKernel.ajax asks and its promise ends when it is swapped", out, async () => {
  await lab.run(async () => { await SxKernel.ajax("GET", "/answer?body=by+script", "#out"); window.after = document.querySelector("#out").textContent; });
  expect.equal(await lab.run(() => window.after), "by script");
});
await lab.case("SxKernel.ajax with values, headers, swap and select", out, async () => {
  await lab.run(() => SxKernel.ajax("POST", "/answer?body=" + encodeURIComponent("<i>{form}</i><b>{headers}</b>"), { target: "#out", swap: "beforeend", select: "i", values: { a: 1 }, headers: { "X-A": "1" } }));
  expect.equal(await lab.html("#out"), "old<i>a=1</i>");
});
await lab.case("SxKernel.swap puts a text there as sx-swap would", out, async () => {
  await lab.run(() => SxKernel.swap("#out", "<b>s</b>", "beforeend"));
  expect.equal(await lab.html("#out"), "old<b>s</b>");
});
await lab.case("SxKernel.trigger, on, off, find, closest, values", `<form id=f><input name=a value=1><button id=b name=x sx-get="${answer("hit")}" sx-trigger=ping sx-target="#out">b</button></form>${out}`, async () => {
  const seen = await lab.run(() => {
    const heard = [];
    const listener = (event) => heard.push(event.detail.n);
    const b = SxKernel.find("#b");
    SxKernel.on(b, "ping", listener);
    SxKernel.trigger(b, "ping", { n: 1 });
    SxKernel.off(b, "ping", listener);
    SxKernel.trigger(b, "ping", { n: 2 });
    return [heard, SxKernel.closest(b, "form").id, SxKernel.values("#f")];
  });
  expect.deepEqual(seen, [[1], "f", { a: "1" }]);
  await lab.event("sx:afterSettle");
});
await lab.case("SxKernel.logAll writes each event to the console", `<button id=b sx-get="${answer("x")}" sx-target="#out">b</button>${out}`, async () => {
  const lines = [];
  const listen = (message) => lines.push(message.text());
  lab.page.on("console", listen);
  await lab.run(() => SxKernel.logAll());
  await lab.press("#b");
  await lab.run(() => SxKernel.logNone());
  lab.page.off("console", listen);
  expect.ok(lines.some((line) => line.startsWith("sx:beforeRequest")));
});
await lab.case("a thousand elements are taken up within reason", "", async () => {
  const took = await lab.run(() => {
    const holder = document.querySelector("#lab");
    for (let n = 0; n < 1000; n++) {
      const node = document.createElement("button");
      node.setAttribute("sx-get", `/answer?n=${n}`);
      holder.append(node);
    }
    const start = performance.now();
    SxKernel.process();
    return performance.now() - start;
  });
  console.log(`# 1000 elements taken up in ${took.toFixed(1)} ms`);
  expect.ok(took < 250);
});

await lab.close();
finish();
