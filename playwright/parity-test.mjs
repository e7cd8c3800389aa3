// The same page with htmx 2's own file and with ours in its place: every function of window.htmx is called on both, and
// every attribute is used on both; what was asked of the server, what the page became and what was answered is compared.
// htmx 4: parity4-test.mjs.
import { finish } from "../tests/process/harness.mjs";
import { answer } from "./lab.mjs";
import { Parity } from "./parity.mjs";

const parity = await Parity.open({ name: "htmx 2", package: "htmx2", script: "htmx.js", query: "1" });
const same = parity.same.bind(parity);

const out = "<p id=out>old</p>";
const button = (attributes, more = "") => `<button id=b ${attributes}>go</button>${more}${out}`;
const press = () => document.querySelector("#b").click();

// --- window.htmx ---------------------------------------------------------------------------------------------

await same("every function and its kind", "", () => ["on", "off", "onLoad", "trigger", "process", "ajax", "find", "findAll", "closest", "values", "remove", "addClass", "removeClass", "toggleClass", "takeClass", "swap", "defineExtension", "removeExtension", "logAll", "logNone", "parseInterval", "config", "version", "location"].map((name) => `${name} ${typeof htmx[name] === "undefined" ? "missing" : typeof htmx[name] === "object" || name === "location" ? "there" : typeof htmx[name]}`));
await same("config: what htmx has by itself", "", () => Object.fromEntries(Object.entries(htmx.config).filter(([name]) => !/^(triggerSpecsCache|inlineScriptNonce|ws)/.test(name))));
const field = `<form id=f class="k"><input id=i name=a value=1><input type=checkbox name=c value=2 checked><select name=s multiple><option selected>1<option selected>2</select><b id=n1 class="x y">1</b><b id=n2 class=x>2</b></form>`;
for (const [name, act] of [
  ["find by selector", () => htmx.find("#f .x").id], ["find within", () => htmx.find(htmx.find("#f"), "b").id], ["find of nothing", () => htmx.find("#nothing") === null],
  ["findAll", () => [...htmx.findAll(".x")].map((node) => node.id)], ["findAll within", () => [...htmx.findAll(htmx.find("#f"), "b")].length], ["findAll of nothing", () => htmx.findAll(".nothing").length],
  ["closest", () => htmx.closest(htmx.find("#n1"), "form").id], ["closest by selectors", () => htmx.closest("#n1", "form").id], ["closest of nothing", () => htmx.closest("#n1", "table") === null],
  ["values of a form", () => JSON.stringify(htmx.values(htmx.find("#f")))], ["values of a field, get", () => JSON.stringify(htmx.values(htmx.find("#i"), "get"))], ["values of a field, post", () => JSON.stringify(htmx.values(htmx.find("#i"), "post"))],
  ["several values of one name", () => htmx.values(htmx.find("#f")).s],
  ["addClass", () => { htmx.addClass(htmx.find("#n1"), "z"); return htmx.find("#n1").className; }], ["addClass by selector", () => { htmx.addClass("#n1", "z"); return htmx.find("#n1").className; }],
  ["addClass later", () => new Promise((done) => { htmx.addClass("#n1", "z", 20); const now = htmx.find("#n1").className; setTimeout(() => done([now, htmx.find("#n1").className]), 80); })],
  ["removeClass", () => { htmx.removeClass("#n1", "x"); return htmx.find("#n1").className; }], ["removeClass of the last", () => { htmx.removeClass("#n2", "x"); return htmx.find("#n2").hasAttribute("class"); }],
  ["removeClass later", () => new Promise((done) => { htmx.removeClass("#n1", "x", 20); setTimeout(() => done(htmx.find("#n1").className), 80); })],
  ["toggleClass", () => { htmx.toggleClass("#n1", "x"); htmx.toggleClass("#n2", "q"); return [htmx.find("#n1").className, htmx.find("#n2").className]; }],
  ["takeClass", () => { htmx.takeClass("#n2", "y"); return [htmx.find("#n1").className, htmx.find("#n2").className]; }],
  ["remove", () => { htmx.remove("#n1"); return htmx.find("#n1") === null; }], ["remove later", () => new Promise((done) => { htmx.remove(htmx.find("#n1"), 20); const now = !!htmx.find("#n1"); setTimeout(() => done([now, !!htmx.find("#n1")]), 80); })],
  ["parseInterval", () => ["1s", "1.5s", "200ms", "2m", "100", "0", "", "x", undefined, "0.1"].map((text) => htmx.parseInterval(text) ?? "none")],
  ["on and off give the listener", () => { const f = () => {}; return [htmx.on("x", f) === f, htmx.on("#n1", "x", f) === f, htmx.off("x", f) === f, htmx.off("#n1", "x", f) === f]; }],
  ["on with options", () => { let n = 0; htmx.on("#n1", "x", () => n++, { once: true }); htmx.trigger("#n1", "x"); htmx.trigger("#n1", "x"); return n; }],
  ["on without a node listens on the body", () => { let seen; const f = (event) => { seen = event.detail.n; }; htmx.on("x", f); htmx.trigger("#n1", "x", { n: 3 }); htmx.off("x", f); return seen; }],
  ["off stops it", () => { let n = 0; const f = () => n++; htmx.on("#n1", "x", f); htmx.off("#n1", "x", f); htmx.trigger("#n1", "x"); return n; }],
  ["trigger gives false when it is prevented", () => { const f = (event) => event.preventDefault(); htmx.on("#n1", "x", f); const said = [htmx.trigger("#n1", "x"), htmx.trigger("#n2", "x")]; htmx.off("#n1", "x", f); return said; }],
  ["trigger's detail has the element", () => { let id; htmx.on("#n1", "x", (event) => { id = event.detail.elt.id; }); htmx.trigger(htmx.find("#n1"), "x"); return id; }],
  ["onLoad hears of new content", async () => { const seen = []; htmx.onLoad((node) => seen.push(node.id)); await htmx.ajax("GET", "/answer?body=<u id=u>u</u>", "#n1"); await new Promise((done) => setTimeout(done, 60)); return seen.filter((id) => id === "u"); }],
  ["swap", async () => { await htmx.swap("#n1", "<i>new</i>", { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 }); await new Promise((done) => setTimeout(done, 40)); return htmx.find("#n1").innerHTML; }],
  ["swap with a piece out of band", async () => { await htmx.swap("#n1", "<i>new</i><b id=n2 hx-swap-oob=true>there</b>", { swapStyle: "beforeend", swapDelay: 0, settleDelay: 0 }); await new Promise((done) => setTimeout(done, 60)); return [htmx.find("#n1").innerHTML, htmx.find("#n2").innerHTML]; }],
  ["ajax into a selector", async () => { await htmx.ajax("GET", "/answer?body=hi", "#n1"); return htmx.find("#n1").innerHTML; }],
  ["ajax into an element", async () => { await htmx.ajax("GET", "/answer?body=hi", htmx.find("#n1")); return htmx.find("#n1").innerHTML; }],
  ["ajax with values, headers, swap and select", async () => { await htmx.ajax("POST", "/answer?body=<b>no</b><i>{form}</i>", { target: "#n1", swap: "beforeend", select: "i", values: { q: 7 }, headers: { "X-One": "1" } }); await new Promise((done) => setTimeout(done, 40)); return htmx.find("#n1").innerHTML; }],
  ["ajax with a source: its attributes hold", async () => { htmx.find("#n2").setAttribute("hx-target", "#n1"); await htmx.ajax("GET", "/answer?body=hi", { source: "#n2" }); return [htmx.find("#n1").innerHTML, htmx.find("#n2").innerHTML]; }],
  ["ajax with a target that is not there changes nothing", async () => { await htmx.ajax("GET", "/answer?body=hi", "#nothing").catch(() => {}); return document.querySelector("#lab").children.length; }],
  ["logAll, logNone, logger", () => { htmx.logAll(); const on = typeof htmx.logger; htmx.logNone(); return [on, htmx.logger === null]; }],
])
  await same(`htmx: ${name}`, field, act);
await same("htmx: defineExtension with all hooks, removeExtension", `<div hx-ext=all>${button(`hx-post="${answer("<i>{form}</i>")}" hx-vals='{"a": 1}' hx-swap=odd hx-target="#out"`)}</div>`, async () => {
  const seen = new Set();
  await htmx.defineExtension("all", {
    init: () => void seen.add("init"), getSelectors: () => null,
    onEvent(name) { if (/configRequest|afterSwap/.test(name)) seen.add(name); return true; },
    transformResponse: (text) => { seen.add("transform"); return text.replace("i>", "u>").replace("/i>", "/u>"); },
    isInlineSwap: () => false,
    handleSwap(style, target, fragment) { seen.add(`swap ${style}`); target.replaceChildren(...fragment.childNodes); return [...target.children]; },
    encodeParameters(xhr, parameters) { seen.add("encode"); xhr.setRequestHeader("X-Encoded", "yes"); return "z=9"; },
  });
  document.querySelector("#b").click();
  await new Promise((done) => setTimeout(done, 250));
  await htmx.removeExtension("all");
  return [...seen].sort();
});
await same("htmx:abort gives a request up, htmx:sendAbort tells", button(`hx-get="${answer("x", { wait: 400 })}" hx-target="#out"`), async () => {
  document.querySelector("#b").click();
  await new Promise((done) => setTimeout(done, 60));
  htmx.trigger("#b", "htmx:abort");
  await new Promise((done) => setTimeout(done, 60));
}, { events: /^(sendAbort|afterSwap)$/ });

// --- attributes ------------------------------------------------------------------------------------------------------

for (const [name, html, act = press, options] of [
  ...["get", "post", "put", "patch", "delete"].map((verb) => [`hx-${verb}`, button(`hx-${verb}="${answer("<b>{method}</b>")}" hx-target="#out"`)]),
  ["the answer goes into the element itself", `<div id=b hx-get="${answer("<b>x</b>")}">old</div>`],
  ...["innerHTML", "outerHTML", "beforebegin", "afterbegin", "beforeend", "afterend", "delete", "none", "textContent"].map((style) => [`hx-swap=${style}`, `<div id=w>${button(`hx-get="${answer("<b>n</b>")}" hx-swap=${style} hx-target="#out"`)}</div>`]),
  ["hx-swap with delays", button(`hx-get="${answer("x")}" hx-swap="innerHTML swap:40ms settle:40ms" hx-target="#out"`)],
  ["hx-target=this on a parent", `<div id=w hx-target=this><button id=b hx-get="${answer("x")}">b</button></div>`],
  ...["closest div", "find i", "next .t", "previous .t", "next", "previous", "body"].map((target) => [`hx-target=${target}`, `<p class=t>before</p><div id=w><button id=b hx-get="${answer("new")}" hx-target="${target}"><i>b</i></button></div><p class=t>after</p>`]),
  ["hx-select", button(`hx-get="${answer("<i>1</i><u id=u>2</u>")}" hx-select="#u" hx-target="#out"`)],
  ["hx-select-oob", button(`hx-get="${answer("<i id=o>1</i><u id=p>2</u>main")}" hx-select-oob="#o,#p:beforeend" hx-target="#out"`, "<i id=o>a</i><u id=p>b</u>")],
  ...["true", "beforeend", "innerHTML:#p", "afterbegin:.q", "outerHTML", "delete"].map((oob) => [`hx-swap-oob=${oob}`, button(`hx-get="${answer(`main<i id=o hx-swap-oob="${oob}"><s>1</s></i>`)}" hx-target="#out"`, "<i id=o>a</i><u id=p>b</u><u class=q>1</u><u class=q>2</u>")]),
  ["nested pieces out of band", button(`hx-get="${answer("<div>main<i id=o hx-swap-oob=true>1</i></div>")}" hx-target="#out"`, "<i id=o>a</i>")],
  ["a row in a template out of band", button(`hx-get="${answer("main<template><tr id=r hx-swap-oob=true><td>new</td></tr></template>")}" hx-target="#out"`, "<table><tbody><tr id=r><td>old</td></tr></tbody></table>")],
  ["hx-vals and hx-include", `<form id=f hx-post="${answer("x")}" hx-vals='{"v": 1}' hx-include="#x" hx-target="#out"><input name=a value=1><button id=b name=go value=yes>b</button></form><input id=x name=x value=2>${out}`],
  ["hx-vals with js:", button(`hx-post="${answer("{form}")}" hx-vals="js:{a: 1 + 1, id: this.id}" hx-target="#out"`)],
  ["hx-vals inherited and overridden", `<div hx-vals='{"a": 1, "b": 2}'>${button(`hx-post="${answer("x")}" hx-vals='{"a": 3}' hx-target="#out"`)}</div>`],
  ["hx-headers", button(`hx-get="${answer("x")}" hx-headers='{"X-A": "1"}' hx-target="#out"`)],
  ...["*", "none", "a", "a,b", "not a"].map((params) => [`hx-params=${params}`, `<form hx-post="${answer("x")}" hx-params="${params}" hx-target="#out"><input name=a value=1><input name=b value=2><input name=c value=3><button id=b>b</button></form>${out}`]),
  ["a get of a button does not take its form along", `<form><input name=a value=1><button id=b type=button hx-get="${answer("x")}" hx-target="#out">b</button></form>${out}`],
  ["a post of a button does", `<form><input name=a value=1><button id=b type=button name=n value=v hx-post="${answer("x")}" hx-target="#out">b</button></form>${out}`],
  ["a form that gets", `<form hx-get="${answer("x")}" hx-target="#out"><input name=a value="1 &amp; 2"><button id=b>b</button></form>${out}`],
  ["a field that changes", `<input id=b name=q value=7 hx-get="${answer("x")}" hx-target="#out">${out}`, () => document.querySelector("#b").dispatchEvent(new Event("change", { bubbles: true }))],
  ["hx-encoding=multipart/form-data", `<form hx-post="${answer("x")}" hx-encoding="multipart/form-data" hx-target="#out"><input name=a value=1><button id=b>b</button></form>${out}`],
  ["hx-confirm, yes", button(`hx-get="${answer("x")}" hx-confirm="sure?" hx-target="#out"`)], ["hx-confirm, no", button(`hx-get="${answer("x")}" hx-confirm="no?" hx-target="#out"`)],
  ["hx-prompt, typed", button(`hx-get="${answer("x")}" hx-prompt="why?" hx-target="#out"`)], ["hx-prompt, given up", button(`hx-get="${answer("x")}" hx-prompt="no?" hx-target="#out"`)],
  ["hx-disabled-elt", button(`hx-get="${answer("x", { wait: 80 })}" hx-disabled-elt=this hx-target="#out"`), async () => { document.querySelector("#b").click(); await new Promise((done) => setTimeout(done, 40)); return document.querySelector("#b").disabled; }],
  ["hx-indicator", button(`hx-get="${answer("x", { wait: 80 })}" hx-indicator="#s" hx-target="#out"`, "<i id=s class=htmx-indicator>s</i>"), async () => { document.querySelector("#b").click(); await new Promise((done) => setTimeout(done, 40)); return [document.querySelector("#s").className, document.querySelector("#b").className]; }],
  ["hx-preserve", `<div id=w><input id=k hx-preserve value=kept></div><button id=b hx-get="${answer("<input id=k hx-preserve value=new><b>x</b>")}" hx-target="#w">b</button>`, () => { document.querySelector("#k").value = "typed"; document.querySelector("#b").click(); }],
  ["hx-push-url", button(`hx-get="${answer("x")}" hx-push-url="/lab?pushed" hx-target="#out"`)], ["hx-replace-url", button(`hx-get="${answer("x")}" hx-replace-url="/lab?replaced" hx-target="#out"`)],
  ["hx-trigger with a condition", button(`hx-get="${answer("x")}" hx-trigger="click[ctrlKey]" hx-target="#out"`), async () => { const b = document.querySelector("#b"); b.click(); b.dispatchEvent(new MouseEvent("click", { ctrlKey: true })); }],
  ["hx-trigger once", button(`hx-get="${answer("x")}" hx-trigger="click once" hx-target="#out"`), async () => { for (let n = 0; n < 3; n++) { document.querySelector("#b").click(); await new Promise((done) => setTimeout(done, 60)); } }],
  ["hx-trigger changed", `<input id=b name=q value=1 hx-get="${answer("x")}" hx-trigger="ping changed" hx-target="#out">${out}`, async () => { const b = document.querySelector("#b"); for (const value of ["1", "2", "2", "3"]) { b.value = value; b.dispatchEvent(new Event("ping")); await new Promise((done) => setTimeout(done, 60)); } }],
  ["hx-trigger delay", button(`hx-get="${answer("x")}" hx-trigger="ping delay:60ms" hx-target="#out"`), async () => { for (let n = 0; n < 3; n++) { document.querySelector("#b").dispatchEvent(new Event("ping")); await new Promise((done) => setTimeout(done, 20)); } await new Promise((done) => setTimeout(done, 120)); }],
  ["hx-trigger throttle", button(`hx-get="${answer("x")}" hx-trigger="ping throttle:400ms" hx-target="#out"`), async () => { for (let n = 0; n < 3; n++) { document.querySelector("#b").dispatchEvent(new Event("ping")); await new Promise((done) => setTimeout(done, 30)); } }],
  ["hx-trigger from:", button(`hx-get="${answer("x")}" hx-trigger="ping from:#src" hx-target="#out"`, "<i id=src></i>"), () => document.querySelector("#src").dispatchEvent(new Event("ping"))],
  ["hx-trigger target: and consume", `<div hx-get="${answer("outer")}" hx-trigger="click target:.y" hx-target="#out"><i id=n>n</i><i class=y id=y>y</i><button id=b hx-get="${answer("inner")}" hx-trigger="click consume" hx-target="#out">b</button></div>${out}`, async () => { document.querySelector("#n").click(); document.querySelector("#b").click(); await new Promise((done) => setTimeout(done, 60)); document.querySelector("#y").click(); }],
  ["hx-sync drop", button(`hx-get="${answer("{n}", { wait: 100 })}" hx-sync="this:drop" hx-swap=none`), async () => { for (let n = 0; n < 3; n++) document.querySelector("#b").click(); await new Promise((done) => setTimeout(done, 250)); }],
  ["hx-sync queue all", button(`hx-get="${answer("x", { wait: 60 })}" hx-sync="this:queue all" hx-swap=none`), async () => { for (let n = 0; n < 3; n++) document.querySelector("#b").click(); await new Promise((done) => setTimeout(done, 450)); }],
  ["without hx-sync the last that waits goes", button(`hx-get="${answer("x", { wait: 60 })}" hx-swap=none`), async () => { for (let n = 0; n < 4; n++) document.querySelector("#b").click(); await new Promise((done) => setTimeout(done, 300)); }],
  ["hx-disable", `<div hx-disable>${button(`hx-get="${answer("x")}" hx-target="#out"`)}</div>`, press, { nothing: true }],
  ["hx-disinherit", `<div hx-target="#out" hx-disinherit="*"><button id=b hx-get="${answer("x")}">b</button></div>${out}`],
  ["hx-on:click", button(`hx-on:click="document.querySelector('#out').textContent = event.type + this.id"`)],
  ["hx-on::after-swap", `<div id=w hx-on::after-swap="this.title = 'seen'"><button id=b hx-get="${answer("x")}" hx-target="#out">b</button>${out}</div>`],
  ["hx-validate", `<form id=f><input id=b name=a required hx-validate=true hx-post="${answer("x")}" hx-trigger=ping hx-target="#out"></form>${out}`, () => document.querySelector("#b").dispatchEvent(new Event("ping")), { events: /^validation:/ }],
  ["a form with wrong fields", `<form id=f hx-post="${answer("x")}" hx-target="#out"><input name=a required></form>${out}`, () => document.querySelector("#f").dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }))],
  ["an answer of 404", button(`hx-get="${answer("lost", { status: 404 })}" hx-target="#out"`), press, { events: /^(responseError|afterSwap|beforeSwap|afterRequest|afterOnLoad)$/ }],
  ["an answer of 204", button(`hx-get="${answer("", { status: 204 })}" hx-target="#out"`), press, { events: /^(afterSwap|beforeSwap|afterRequest|afterOnLoad)$/ }],
  ["the moments of a request", button(`hx-get="${answer("<b>x</b>")}" hx-target="#out"`), press, { events: /^(configRequest|beforeRequest|beforeSend|beforeOnLoad|beforeSwap|afterSwap|afterRequest|afterOnLoad|load|afterSettle)$/ }],
  ["HX-Retarget, HX-Reswap, HX-Reselect", button(`hx-get="${answer("<i>1</i><u>2</u>", { h: { "HX-Retarget": "#o", "HX-Reswap": "beforeend", "HX-Reselect": "u" } })}" hx-target="#out"`, "<p id=o>a</p>")],
  ["HX-Push-Url", button(`hx-get="${answer("x", { h: { "HX-Push-Url": "/lab?p" } })}" hx-target="#out"`)], ["HX-Replace-Url", button(`hx-get="${answer("x", { h: { "HX-Replace-Url": "/lab?r" } })}" hx-target="#out"`)],
  ["HX-Location", button(`hx-get="${answer("x", { h: { "HX-Location": '{"path":"/answer?body=there","target":"#o","push":"false"}' } })}" hx-target="#out"`, "<p id=o>a</p>")],
  ["HX-Trigger with details", button(`hx-get="${answer("x", { h: { "HX-Trigger": '{"ding":{"n":4},"dong":"v"}', "HX-Trigger-After-Settle": "last" } })}" hx-target="#out"`), async () => {
    const seen = [];
    for (const name of ["ding", "dong", "last"]) document.body.addEventListener(name, ({ detail }) => seen.push([name, detail.n ?? detail.value ?? null]), { once: true });
    document.querySelector("#b").click();
    await new Promise((done) => setTimeout(done, 200));
    return seen;
  }],
  ["a title in the answer", button(`hx-get="${answer("<title>Other</title>x")}" hx-target="#out"`)],
  ["a whole page as an answer", button(`hx-get="/plain/2/" hx-target="#out" hx-select="h1"`)],
  ["a script in the answer runs", button(`hx-get="${answer("<b>x</b><script>document.querySelector('#o').textContent = 'ran'</script>")}" hx-target="#out"`, "<p id=o>a</p>")],
  ["rows as an answer", `<table><tbody id=rows><tr><td>1</td></tr></tbody></table><button id=b hx-get="${answer("<tr><td>2</td></tr>")}" hx-swap=beforeend hx-target="#rows">b</button>`],
  ["a change of headers and parameters by a listener", button(`hx-post="${answer("x")}" hx-target="#out"`), () => { htmx.on("#b", "htmx:configRequest", ({ detail }) => { detail.headers["X-Late"] = "1"; detail.parameters.p = "2"; }); document.querySelector("#b").click(); }],
  ["htmx:beforeSwap lets an error in", button(`hx-get="${answer("bad", { status: 422 })}" hx-target="#out"`), () => { document.body.addEventListener("htmx:beforeSwap", ({ detail }) => { detail.shouldSwap = true; detail.isError = false; }, { once: true }); document.querySelector("#b").click(); }],
  ["the focus stays with a field of the same id", `<div id=w><input id=q value=a></div><button id=b hx-get="${answer("<input id=q value=b>")}" hx-target="#w">b</button>`, () => { document.querySelector("#q").focus(); document.querySelector("#b").click(); }],
  ["load and every ask by themselves", `<p id=l hx-get="${answer("loaded")}" hx-trigger=load></p>`, () => new Promise((done) => setTimeout(done, 100)).then(() => "looked at")],
])
  await same(name, html, act, options);

await parity.close();
finish();
