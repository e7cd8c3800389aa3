// The same page with htmx 4's own file and with ours (htmx4.js) in its place: attributes, triggers, swaps, events, headers, history
// and what window.htmx has. What is kept different on purpose is named with the reason at the end, and has to be different.
import { finish } from "../tests/process/harness.mjs";
import { answer } from "./lab.mjs";
import { Parity } from "./parity.mjs";

const parity = await Parity.open({ name: "htmx 4", package: "htmx4", script: "htmx4.js", query: "4" });
const same = parity.same.bind(parity);

const out = "<p id=out>old</p>";
const button = (attributes, more = "") => `<button id=b ${attributes}>go</button>${more}${out}`;
const into = (body, more, attributes = "") => `hx-get="${answer(body, more)}" hx-target="#out" ${attributes}`;
const form = (attributes, fields, after = "") => `<form id=f ${attributes}>${fields}<button id=b>send</button></form>${after}${out}`;
const press = () => document.querySelector("#b").click();
const headers = (given) => ({ h: given });
/** One case per row: name, markup, what is done (a click on #b without), options. */
async function table(rows) {
  for (const [name, html, act = press, options] of rows) await same(name, html, act, options);
}

// --- window.htmx ---------------------------------------------------------------------------------------------

const field = `<form id=f class="k"><input id=i name=a value=1><b id=n1 class="x y">1</b><b id=n2 class=x>2</b><i id=n3>3</i></form>`;
await table([
  ["every function and its kind", "", () => ["on", "onLoad", "trigger", "process", "ajax", "find", "findAll", "swap", "registerExtension", "parseInterval", "timeout", "initialize", "config", "version"].map((name) => `${name} ${typeof htmx[name]}`)],
  ["config: what htmx has by itself", "", () => htmx.config],
  ["find by selector", field, () => htmx.find("#f .x").id],
  ["find within", field, () => htmx.find(htmx.find("#f"), "b").id],
  ["find of nothing", field, () => htmx.find("#nothing") === undefined],
  ["find: closest, next, previous, find, this", field, () => ["closest form", "next i", "next", "previous b", "previous", "this", "body", "<i/>"].map((selector) => htmx.find(htmx.find("#n2"), selector)?.id ?? "none")],
  ["findAll", field, () => [htmx.findAll(".x").map((node) => node.id), Array.isArray(htmx.findAll(".nothing"))]],
  ["findAll within, and lists", field, () => [htmx.findAll(htmx.find("#f"), "b").length, htmx.findAll("#n1, #n3").map((node) => node.id), htmx.findAll(htmx.find("#n3"), "previous b, closest form").map((node) => node.id)]],
  ["parseInterval", field, () => ["1s", "1.5s", "200ms", "2m", "100", "0", "", "x", undefined, "0.1", 7].map((text) => htmx.parseInterval(text) ?? "none")],
  ["timeout", field, async () => { const start = Date.now(); await htmx.timeout("60ms"); return [Date.now() - start >= 55, htmx.timeout(0) === undefined]; }],
  ["on gives the listener, and listens on the document", field, () => { let seen; const f = (event) => { seen = event.detail.n; }; const same = htmx.on("x", f) === f; htmx.trigger("#n1", "x", { n: 3 }); document.removeEventListener("x", f); return [same, seen]; }],
  ["on with an element or a selector", field, () => { let n = 0; htmx.on("#n1", "x", () => n++); htmx.on(htmx.find("#n1"), "x", () => n++); htmx.trigger("#n1", "x"); return n; }],
  ["trigger gives false when it is prevented", field, () => { htmx.on("#n1", "x", (event) => event.preventDefault()); return [htmx.trigger("#n1", "x"), htmx.trigger("#n2", "x")]; }],
  ["trigger's detail, and one that does not bubble", field, () => { let up = 0, detail; htmx.on("#f", "x", () => up++); htmx.on("#n1", "x", (event) => { detail = event.detail; }); htmx.trigger("#n1", "x", { a: 1 }, false); htmx.trigger("#n1", "x", { a: 2 }); return [up, detail]; }],
  ["onLoad hears of new content", field, async () => { const seen = []; htmx.onLoad((node) => seen.push(node.id)); await htmx.ajax("GET", "/answer?body=<u id=u>u</u>", "#n1"); await htmx.timeout(60); return seen.filter((id) => id === "u"); }],
  ["ajax into a selector", field, async () => { await htmx.ajax("GET", "/answer?body=hi", "#n1"); return htmx.find("#n1").innerHTML; }],
  ["ajax into an element", field, async () => { await htmx.ajax("GET", "/answer?body=hi", htmx.find("#n1")); return htmx.find("#n1").innerHTML; }],
  ["ajax with values, headers, swap and select", field, async () => { await htmx.ajax("POST", "/answer?body=<b>no</b><i>{form}</i>", { target: "#n1", swap: "beforeend", select: "i", values: { q: 7 }, headers: { "X-One": "1" } }); return htmx.find("#n1").innerHTML; }],
  ["ajax with a source: its attributes hold", field, async () => { htmx.find("#n2").setAttribute("hx-target", "#n1"); await htmx.ajax("GET", "/answer?body=hi", { source: "#n2" }); return [htmx.find("#n1").innerHTML, htmx.find("#n2").innerHTML]; }],
  ["ajax: a target that is not there is refused", field, () => htmx.ajax("GET", "/answer?body=hi", "#nothing").then(() => "done", (error) => error.message)],
  ["ajax: a source that is not there is refused", field, () => htmx.ajax("GET", "/answer?body=hi", { source: "#nothing" }).then(() => "done", (error) => error.message)],
  ["swap of a text", field, async () => { await htmx.swap({ text: "<i>new</i>", target: htmx.find("#n1"), swap: "innerHTML", sourceElement: document.body }); return htmx.find("#n1").innerHTML; }],
  ["swap of a text with a piece out of band", field, async () => { await htmx.swap({ text: "<i>new</i><b id=n2 hx-swap-oob=true>there</b>", target: htmx.find("#n1"), swap: "beforeend", sourceElement: document.body }); return [htmx.find("#n1").innerHTML, htmx.find("#n2").innerHTML]; }],
  ["process takes up what was put in", `<div id=w></div>${out}`, async () => {
    const made = document.createElement("button");
    made.id = "late";
    made.setAttribute("hx-get", "/answer?body=late");
    made.setAttribute("hx-target", "#out");
    htmx.find("#w").append(made);
    await htmx.process(htmx.find("#w"));
    made.click();
    await htmx.timeout(150);
    return htmx.find("#out").innerHTML;
  }],
  ["process takes up again what was changed", button(into("x", {}, "hx-trigger=ping")), async () => {
    htmx.find("#b").setAttribute("hx-trigger", "pong");
    await htmx.process(htmx.find("#b"), true);
    htmx.trigger("#b", "ping");
    await htmx.timeout(80);
    const before = htmx.find("#out").innerHTML;
    htmx.trigger("#b", "pong");
    await htmx.timeout(120);
    return [before, htmx.find("#out").innerHTML];
  }],
  ["registerExtension: hooks hear of a request and may stop it", button(into("<b>x</b>")), async () => {
    const seen = [];
    const first = htmx.registerExtension("spy", { init: (api) => seen.push(typeof api.attributeValue), htmx_before_request: (elt, detail) => { seen.push(`${elt.id} ${detail.ctx.request.method}`); }, htmx_after_swap: () => { seen.push("swapped"); return true; } });
    const again = htmx.registerExtension("spy", {});
    document.querySelector("#b").click();
    await htmx.timeout(150);
    let stop = true;
    htmx.registerExtension("stopper", { htmx_config_request: () => !stop });
    document.querySelector("#b").click();
    await htmx.timeout(100);
    stop = false;
    return [seen, first, again];
  }],
  ["registerExtension: a swap style of its own", button(into("<b>x</b>", {}, "hx-swap=loud")), async () => {
    htmx.registerExtension("loud", { handle_swap(style, target, fragment) { if (style !== "loud") return false; target.replaceChildren(...fragment.childNodes); target.append("!"); return true; } });
    document.querySelector("#b").click();
    await htmx.timeout(150);
    return htmx.find("#out").innerHTML;
  }],
]);

// --- what is asked -----------------------------------------------------------------------------------------------------

await table([
  ...["get", "post", "put", "patch", "delete"].map((verb) => [`hx-${verb}`, button(`hx-${verb}="${answer("<b>{method}</b>")}" hx-target="#out"`)]),
  ["hx-action with hx-method", button(`hx-action="${answer("<b>{method}</b>")}" hx-method=put hx-target="#out"`)],
  ["hx-action of a form takes its method", form(`hx-action="${answer("<b>{method} {form}</b>")}" method=post hx-target="#out"`, "<input name=a value=1>")],
  ["data-hx- is hx-", button(`data-hx-get="${answer("x")}" data-hx-target="#out"`)],
  ["a get with a query and values", button(`hx-get="/answer?body=x&amp;a=1&amp;b=2" hx-vals='{"a": 3}' hx-target="#out"`)],
  ["hx-vals as an object, and in short", button(`hx-post="${answer("x")}" hx-vals='{"a": 1, "b": "two words"}' hx-target="#out"`)],
  ["hx-vals in short", button(`hx-post="${answer("x")}" hx-vals="a:1 b:'two words' c:true" hx-target="#out"`)],
  ["hx-vals with js:", button(`hx-post="${answer("x")}" hx-vals="js:{a: 1 + 1, id: this.id}" hx-target="#out"`)],
  ["hx-vals with js: and without braces", button(`hx-post="${answer("x")}" hx-vals="js:a: 1 + 1" hx-target="#out"`)],
  ["hx-headers", button(into("x", {}, `hx-headers='{"X-A": "1"}'`))],
  ["hx-include of a selector", button(`hx-post="${answer("x")}" hx-include="#x" hx-target="#out"`, "<input id=x name=x value=2>")],
  ["hx-include of a form and of the next", `${button(`hx-post="${answer("x")}" hx-include="#g, next input" hx-target="#out"`, `<input name=n value=9><form id=g><input name=a value=1><input name=c type=checkbox value=2 checked><input name=d type=checkbox value=2></form>`)}`],
  ["hx-include with a get", button(into("x", {}, `hx-include="#x"`), "<input id=x name=x value='1 &amp; 2'>")],
  ["a form's fields, its button too", form(`hx-post="${answer("x")}" hx-target="#out"`, `<input name=a value=1><input name=c type=checkbox value=2><select name=s multiple><option selected>1<option selected>2</select><textarea name=t>3</textarea>`)],
  ["the name of the button that sends", `<form hx-post="${answer("x")}" hx-target="#out"><input name=a value=1><button id=b name=go value=yes>b</button></form>${out}`],
  ["a form that gets", form(`hx-get="${answer("x")}" hx-target="#out"`, `<input name=q value="1 &amp; 2">`)],
  ["a get of a button does not take its form along", `<form><input name=a value=1><button id=b type=button ${into("x")}>b</button></form>${out}`],
  ["a post of a button does", `<form><input name=a value=1><button id=b type=button name=n value=v hx-post="${answer("x")}" hx-target="#out">b</button></form>${out}`],
  ["a button of its own sends what it holds", button(`name=n value=v hx-post="${answer("x")}" hx-target="#out"`)],
  ["a post takes the fields in the element", `<div id=b hx-post="${answer("x")}" hx-target="#out"><input name=a value=1><i><input name=c value=2></i></div>${out}`],
  ["a get does not", `<div id=b ${into("x")}><input name=a value=1></div>${out}`],
  ["hx-encoding=multipart/form-data", form(`hx-post="${answer("x")}" hx-encoding="multipart/form-data" hx-target="#out"`, "<input name=a value=1>")],
  ["a form that says multipart/form-data, also of a button in it", `<form enctype="multipart/form-data"><input name=a value=1><button id=b type=button hx-post="${answer("x")}" hx-target="#out">b</button></form>${out}`],
  ["hx-config: headers and another method", button(into("{method}", {}, `hx-config='{"method": "PUT", "headers": {"X-B": "2"}}'`))],
  ["hx-config: a timeout", button(into("x", { wait: 900 }, `hx-config="timeout:100ms"`)), press, { events: /^(error|after:request|finally:request)$/ }],
  ["a field that changes", `<input id=b name=q value=7 ${into("x")}>${out}`, () => document.querySelector("#b").dispatchEvent(new Event("change", { bubbles: true }))],
  ["hx-validate of a field", `<form id=f><input id=b name=a required hx-validate=true hx-post="${answer("x")}" hx-trigger=ping hx-target="#out"></form>${out}`, () => { document.querySelector("#b").dispatchEvent(new Event("ping")); }, { events: /request/, nothing: true }],
  ["a form with wrong fields", form(`hx-post="${answer("x")}" hx-target="#out"`, "<input name=a required>"), () => { document.querySelector("#f").dispatchEvent(new Event("submit", { cancelable: true, bubbles: true })); }, { events: /request/, nothing: true }],
  ["novalidate", form(`novalidate hx-post="${answer("x")}" hx-target="#out"`, "<input name=a required>")],
  ["an answer for the body, and a select, are asked for in full", button(into("<u>1</u><i>2</i>", {}, "hx-select=i"))],
  ["hx-confirm, yes", button(into("x", {}, `hx-confirm="sure?"`))],
  ["hx-confirm, no", button(into("x", {}, `hx-confirm="no?"`))],
  ["htmx:confirm decided later", button(into("x", {}, `hx-confirm="sure?"`)), async () => {
    htmx.find("#b").addEventListener("htmx:confirm", (event) => { event.preventDefault(); setTimeout(() => event.detail.issueRequest(), 50); });
    htmx.find("#b").click();
    await htmx.timeout(250);
  }],
]);

// --- inheritance -----------------------------------------------------------------------------------------------------

await table([
  ["nothing passes on by itself", `<div hx-target="#out"><button id=b hx-get="${answer("x")}">b</button></div>${out}`],
  ["hx-target:inherited", `<div hx-target:inherited="#out"><button id=b hx-get="${answer("x")}">b</button></div>${out}`],
  ["the nearest one wins", `<div hx-target:inherited="#e"><div hx-target:inherited="#out"><button id=b hx-get="${answer("x")}">b</button></div></div><p id=e></p>${out}`],
  ["hx-swap:inherited", `<div hx-swap:inherited=beforeend>${button(into("x"))}</div>`],
  ["hx-target:inherited=this is the one that says it", `<div id=w hx-target:inherited=this><button id=b hx-get="${answer("x")}">b</button></div>`],
  ["hx-include:append", `<input id=x name=x value=1><input id=y name=y value=2><div hx-include:inherited="#x">${button(`hx-post="${answer("x")}" hx-include:append="#y" hx-target="#out"`)}</div>`],
  ["hx-vals:append", `<div hx-vals:inherited='{"a": 1}'>${button(`hx-post="${answer("x")}" hx-vals:append='"b": 2' hx-target="#out"`)}</div>`],
  ["hx-vals of its own in place of what is passed on", `<div hx-vals:inherited='{"a": 1, "b": 2}'>${button(`hx-post="${answer("x")}" hx-vals='{"a": 3}' hx-target="#out"`)}</div>`],
  ["hx-confirm:inherited", `<div hx-confirm:inherited="sure?">${button(into("x"))}</div>`],
  ["hx-headers:inherited", `<div hx-headers:inherited='{"X-A": "1"}'>${button(into("x"))}</div>`],
  ["hx-indicator:inherited", `<div hx-indicator:inherited="#s">${button(into("x", { wait: 80 }), "<i id=s class=htmx-indicator>s</i>")}</div>`, async () => { htmx.find("#b").click(); await htmx.timeout(50); return htmx.find("#s").className; }],
  ["hx-ignore", `<div hx-ignore>${button(into("x"))}</div>`, press, { nothing: true }],
]);

// --- triggers ------------------------------------------------------------------------------------------------------------

const ping = (id = "b") => `document.querySelector("#${id}").dispatchEvent(new Event("ping", { bubbles: true }))`;
const pings = (times, between) => new Function(`return (async () => { for (let n = 0; n < ${times}; n++) { ${ping()}; await htmx.timeout(${between}); } await htmx.timeout(350); })()`);
await table([
  ["hx-trigger with a condition", button(into("x", {}, "hx-trigger=click[ctrlKey]")), () => { const b = htmx.find("#b"); b.click(); b.dispatchEvent(new MouseEvent("click", { ctrlKey: true })); }],
  ["hx-trigger once", button(into("x", {}, "hx-trigger='ping once'")), pings(3, 60)],
  ["hx-trigger changed", `<input id=b name=q value=1 ${into("x", {}, `hx-trigger="ping changed"`)}>${out}`, async () => { const b = htmx.find("#b"); for (const value of ["1", "2", "2", "3"]) { b.value = value; b.dispatchEvent(new Event("ping")); await htmx.timeout(60); } }],
  ["hx-trigger delay", button(into("x", {}, `hx-trigger="ping delay:60ms"`)), pings(3, 20)],
  ["hx-trigger throttle: the first at once, the last at the end", button(into("x", {}, `hx-trigger="ping throttle:200ms"`)), pings(3, 30)],
  ["hx-trigger from:", button(into("x", {}, `hx-trigger="ping from:#src"`), "<i id=src></i>"), new Function(ping("src"))],
  ["hx-trigger from: with a quoted place", `<form id=src>${button(into("x", {}, `hx-trigger='ping from:"closest form"'`))}</form>`, new Function(ping("src"))],
  ["hx-trigger from:document", button(into("x", {}, `hx-trigger="ping from:document"`)), () => { document.dispatchEvent(new Event("ping")); }],
  ["hx-trigger from:outside", button(into("x", {}, `hx-trigger="click from:outside"`), "<i id=src>s</i>"), async () => { htmx.find("#b").click(); await htmx.timeout(80); htmx.find("#src").click(); }],
  ["hx-trigger from:self", `<div id=w ${into("x", {}, `hx-trigger="click from:self"`)}><i id=in>s</i></div>${out}`, async () => { htmx.find("#in").click(); await htmx.timeout(80); htmx.find("#w").click(); }],
  ["hx-trigger target: and consume", `<div hx-get="${answer("outer")}" hx-trigger="click target:.y" hx-target="#out"><i id=n>n</i><i class=y id=y>y</i><button id=b hx-get="${answer("inner")}" hx-trigger="click consume" hx-target="#out">b</button></div>${out}`, async () => { htmx.find("#n").click(); htmx.find("#b").click(); await htmx.timeout(60); htmx.find("#y").click(); }],
  ["several triggers", button(into("x", {}, `hx-trigger="ping, pong once"`)), async () => { for (const name of ["ping", "pong", "pong", "ping"]) { htmx.trigger("#b", name); await htmx.timeout(50); } }],
  ["hx-trigger load", `<p id=l hx-get="${answer("loaded")}" hx-trigger=load></p>`, () => htmx.timeout(100).then(() => 1)],
  ["hx-trigger every, until the element goes", `<div id=w></div>`, async () => {
    const made = document.createElement("p");
    for (const [name, value] of Object.entries({ id: "l", "hx-get": "/answer?body=again", "hx-trigger": "every 200ms", "hx-swap": "none" })) made.setAttribute(name, value);
    htmx.find("#w").append(made);
    await htmx.process(made);
    await htmx.timeout(500);
    made.remove();
    await htmx.timeout(300);
  }],
  ["hx-trigger revealed", `<p id=l hx-get="${answer("seen")}" hx-trigger=revealed></p>`, () => htmx.timeout(150).then(() => 1)],
  ["hx-trigger intersect once", `<p id=l hx-get="${answer("seen")}" hx-trigger="intersect once threshold:0.5"></p>`, () => htmx.timeout(150).then(() => 1)],
  ["hx-on:click", button(`hx-on:click="document.querySelector('#out').textContent = event.type + this.id"`)],
  ["hx-on with several events", button(`hx-on="ping once -> this.title = (this.title || '') + 'p'; pong -> this.title += event.type"`), async () => { for (const name of ["ping", "ping", "pong"]) htmx.trigger("#b", name); await htmx.timeout(20); return htmx.find("#b").title; }],
  ["hx-on:click has htmx's functions", button(`hx-on:click="find('#out').textContent = find('next p').id"`)],
  ["hx-on::after:swap", `<div id=w hx-on::after:swap="this.title = 'seen ' + ctx.target.id">${button(into("x"))}</div>`],
  ["a link's own way is not gone", `<a id=b href="/plain/9/" ${into("x")}>a</a>${out}`],
  ["a click with a key held stays the browser's", `<a id=b href="#there" ${into("x")}>a</a>${out}`, () => { document.querySelector("#b").dispatchEvent(new MouseEvent("click", { ctrlKey: true, bubbles: true, cancelable: true })); }, { nothing: true }],
]);

// --- swaps ----------------------------------------------------------------------------------------------------------------

const pair = "<i id=o>a</i><u id=p>b</u><u class=q>1</u><u class=q>2</u>";
await table([
  ["the answer goes into the element itself", `<div id=b hx-get="${answer("<b>x</b>")}">old</div>`],
  ...["innerHTML", "outerHTML", "textContent", "beforebegin", "afterbegin", "beforeend", "afterend", "delete", "none", "before", "prepend", "append", "after", "outerSync"].map((style) => [`hx-swap=${style}`, `<div id=w>${button(`hx-get="${answer("<b class=n>n</b>")}" hx-swap=${style} hx-target="#out"`)}</div>`]),
  ["hx-swap=innerMorph keeps elements", `<div id=out><input id=q value=a><p id=gone>g</p></div><button id=b hx-get="${answer("<input id=q value=a class=new><b>n</b>")}" hx-swap=innerMorph hx-target="#out">b</button>`, async () => { const q = htmx.find("#q"); q.focus(); htmx.find("#b").click(); await htmx.timeout(150); return [q === htmx.find("#q"), document.activeElement === q]; }],
  ["hx-swap=outerMorph", `<div id=out class=x><i>1</i></div><button id=b hx-get="${answer("<div id=out class=y><i>2</i><b>3</b></div>")}" hx-swap=outerMorph hx-target="#out">b</button>`, async () => { const node = htmx.find("#out"); htmx.find("#b").click(); await htmx.timeout(150); return node === htmx.find("#out"); }],
  ["hx-morph-skip", `<div id=out><p id=k hx-morph-skip>old</p><i>1</i></div><button id=b hx-get="${answer("<p id=k hx-morph-skip>new</p><i>2</i>")}" hx-swap=innerMorph hx-target="#out">b</button>`],
  ["hx-swap with delays", button(into("x", {}, `hx-swap="innerHTML swap:40ms settle:40ms"`))],
  ["hx-swap with strip and target", button(`hx-get="${answer("<div><b>1</b><b>2</b></div>")}" hx-swap="beforeend strip:true target:#e"`, "<p id=e>e</p>")],
  ["hx-swap with ignoreTitle", button(into("<title>Other</title>x", {}, `hx-swap="innerHTML ignoreTitle:true"`))],
  ["hx-swap with scroll", `<div id=out style="height:40px;overflow:auto"><p style="height:400px">o</p></div><button id=b hx-get="${answer("<p class=long>n</p>")}" hx-swap="beforeend scroll:bottom" hx-target="#out">b</button>`, async () => { htmx.find("#b").click(); await htmx.timeout(150); return htmx.find("#out").scrollTop > 100; }],
  ["hx-swap with scrollTarget", `<div id=s style="height:40px;overflow:auto"><p style="height:400px">o</p></div>${button(into("x", {}, `hx-swap="innerHTML scroll:bottom scrollTarget:#s"`))}`, async () => { htmx.find("#b").click(); await htmx.timeout(150); return htmx.find("#s").scrollTop > 100; }],
  ...["closest div", "find i", "next .t", "previous .t", "next", "previous", "body", "this", "<.t/>"].map((target) => [`hx-target=${target}`, `<p class=t>before</p><div id=w><button id=b hx-get="${answer("new")}" hx-target="${target}"><i>b</i></button></div><p class=t>after</p>`]),
  ["hx-select", button(into("<i>1</i><u id=u>2</u>", {}, `hx-select="#u"`))],
  ["hx-select-oob", button(into("<i id=o>1</i><u id=p>2</u>main", {}, `hx-select-oob="#o,#p:beforeend"`), pair)],
  ...["true", "beforeend", "innerHTML:#p", "afterbegin:.q", "outerHTML", "delete", "innerHTML target:#p"].map((oob) => [`hx-swap-oob=${oob}`, button(into(`main<i id=o hx-swap-oob="${oob}"><s>1</s></i>`), pair)]),
  ["only pieces out of band: the target stays", button(into("<i id=o hx-swap-oob=true>1</i>"), pair)],
  ["… unless it is asked for", button(into("<i id=o hx-swap-oob=true>1</i>", {}, `hx-swap="innerHTML swapEmpty:true"`), pair)],
  ["hx-select of nothing", button(into("<b>1</b>", {}, "hx-select=.none"))],
  ["hx-partial with modifiers, and an answer beside it", button(into(`<i>main</i><hx-partial hx-target="#p" hx-swap="afterbegin settle:20ms"><b>p</b></hx-partial>`), pair)],
  ["an empty answer empties the target", button(into(""))],
  ["nested pieces out of band", button(into("<div>main<i id=o hx-swap-oob=true>1</i></div>"), pair)],
  ["a piece whose place is not there", button(into("main<i id=nowhere hx-swap-oob=true>1</i>"))],
  ["<hx-partial>", button(into(`main<hx-partial hx-target="#o"><b>p</b></hx-partial>`), pair)],
  ["<hx-partial> with a style, for several places", button(into(`<hx-partial hx-target=".q" hx-swap="beforeend"><b>p</b></hx-partial>`), pair)],
  ["<hx-partial> with an id", button(into(`main<hx-partial id=o><b>p</b></hx-partial>`), pair)],
  ["hx-preserve", `<div id=w><input id=k hx-preserve value=kept></div><button id=b hx-get="${answer("<input id=k hx-preserve value=new><b>x</b>")}" hx-target="#w">b</button>`, () => { htmx.find("#k").value = "typed"; htmx.find("#b").click(); }],
  ["the focus stays with a field of the same id", `<div id=w><input id=q value=a></div><button id=b hx-get="${answer("<input id=q value=b>")}" hx-target="#w">b</button>`, () => { htmx.find("#q").focus(); htmx.find("#b").click(); }],
  ["autofocus", button(into("<input id=fresh autofocus>"))],
  ["a title in the answer", button(into("<title>Other</title>x"))],
  ["a whole page as an answer", button(`hx-get="/plain/2/" hx-target="#out" hx-select="h1"`)],
  ["a script in the answer runs", button(into("<b>x</b><script>document.querySelector('#o').textContent = 'ran'</script>"), "<p id=o>a</p>")],
  ["rows as an answer", `<table><tbody id=rows><tr><td>1</td></tr></tbody></table><button id=b hx-get="${answer("<tr><td>2</td></tr>")}" hx-swap=beforeend hx-target="#rows">b</button>`],
  ["new elements ask too", button(into(`<button id=n hx-get='/answer?body=second' hx-target='#out'>n</button>`)), async () => { htmx.find("#b").click(); await htmx.timeout(150); htmx.find("#n").click(); }],
]);

// --- answers ----------------------------------------------------------------------------------------------------------------

await table([
  ["an answer of 404 is swapped, response:error tells", button(into("lost", { status: 404 })), press, { events: /^(response:error|after:swap|before:swap|after:request)$/ }],
  ["an answer of 204", button(into("", { status: 204 })), press, { events: /^(after:swap|before:swap|after:request)$/ }],
  ["hx-status:404 with another target", button(into("lost", { status: 404 }, `hx-status:404="target:#e"`), "<p id=e></p>")],
  ["hx-status:4xx swaps nothing", button(into("lost", { status: 422 }, `hx-status:4xx="swap:none"`))],
  ["hx-status:40x before 4xx", button(into("lost", { status: 403 }, `hx-status:4xx="swap:none" hx-status:40x="swap:beforeend"`))],
  ["hx-status:5xx:inherited", `<div hx-status:5xx:inherited="target:#e">${button(into("broken", { status: 503 }), "<p id=e></p>")}</div>`],
  ["hx-status with select and push", button(into("<i>1</i><b>2</b>", { status: 404 }, `hx-status:404="select:b push:/lab?missing"`))],
  ["HX-Retarget, HX-Reswap, HX-Reselect", button(into("<i>1</i><u>2</u>", headers({ "HX-Retarget": "#o", "HX-Reswap": "beforeend", "HX-Reselect": "u" })), "<p id=o>a</p>")],
  ["HX-Push-Url", button(into("x", headers({ "HX-Push-Url": "/lab?p" })))],
  ["HX-Replace-Url", button(into("x", headers({ "HX-Replace-Url": "/lab?r" })))],
  ["HX-Push-Url: false", button(into("x", headers({ "HX-Push-Url": "false" }), "hx-push-url=true"))],
  ["HX-Location", button(into("x", headers({ "HX-Location": `{"path":"/answer?body=there","target":"#o","push":"false"}` })), "<p id=o>a</p>")],
  ["HX-Location in short", button(into("x", headers({ "HX-Location": "path:/answer?body=there target:#o push:false" })), "<p id=o>a</p>")],
  ["HX-Redirect", button(into("x", headers({ "HX-Redirect": "/plain/1/" }))), async () => { document.querySelector("#b").click(); await new Promise((done) => setTimeout(done, 1)); }],
  ["HX-Trigger, with details and places", button(into("x", headers({ "HX-Trigger": `{"ding":{"n":4},"dong":"v","dang":{"target":"#o"}}` })), "<p id=o>a</p>"), async () => {
    const seen = [];
    for (const name of ["ding", "dong", "dang"]) document.body.addEventListener(name, ({ target, detail }) => seen.push([name, target.id, detail.n ?? detail.value ?? null]), { once: true });
    htmx.find("#b").click();
    await htmx.timeout(150);
    return seen;
  }],
  ["HX-Trigger by names, after the swap", button(into("x", headers({ "HX-Trigger": "ding, dong" }))), async () => {
    const seen = [];
    for (const name of ["ding", "dong"]) document.body.addEventListener(name, () => seen.push([name, htmx.find("#out").textContent]), { once: true });
    htmx.find("#b").click();
    await htmx.timeout(150);
    return seen;
  }],
]);

// --- events --------------------------------------------------------------------------------------------------------------------

const change = (name, change) => new Function(`htmx.find("#b").addEventListener("htmx:${name}", (event) => { const { ctx } = event.detail; ${change} }, { once: true }); htmx.find("#b").click();`);
await table([
  ["the moments of a request, in their order", button(into("<b>x</b>")), press, { events: /^(config:request|confirm|before:request|before:response|after:request|before:swap|before:settle|after:settle|after:swap|finally:swap|finally:request)$/ }],
  ["the moments of a request with an address", button(into("x", {}, "hx-push-url=/lab?moments")), press, { events: /^(before:swap|before:history:update|after:history:push|after:history:update|before:settle|after:swap)$/ }],
  ["the moments of an error", button(into("x", { status: 500 })), press, { events: /^(after:request|response:error|before:swap|after:swap|error|finally:request)$/ }],
  ["the moments of a request that is not to be", button(`hx-get="${answer("x")}" hx-swap=odd hx-target="#out"`), press, { events: /^(error|before:swap|after:swap|finally:swap|finally:request)$/ }],
  ["the moments of elements that come and go", `<div id=w><i id=old hx-get=/answer hx-trigger=never>1</i></div><button id=b hx-get="${answer("<u id=new hx-get=/answer hx-trigger=never></u>")}" hx-target="#w">b</button>`, press, { events: /^(before:init|after:init|before:cleanup|before:process|after:process)$/ }],
  ["the moments of a transition", button(into("x", {}, `hx-swap="innerHTML transition:true"`)), () => new Promise((done) => { document.addEventListener("htmx:finally:request", () => done("over"), { once: true }); document.querySelector("#b").click(); }), { events: /^(before:swap|before:viewTransition|before:settle|after:settle|after:viewTransition|after:swap)$/ }],
  ["the moments of elements that a morph takes away", `<div id=w><p>stays</p><i id=old hx-get=/answer hx-trigger=never>1</i></div><button id=b hx-get="${answer("<p>stays</p>")}" hx-target="#w" hx-swap=innerMorph>b</button>`, press, { events: /cleanup$/ }],
  ["HX-Trigger of an element that replaces itself", `<div id=w><button id=b hx-get="${answer("<u id=n>n</u>", headers({ "HX-Trigger": "ding" }))}" hx-swap=outerHTML>b</button></div>`, async () => {
    const seen = [];
    document.addEventListener("ding", (event) => seen.push(event.target.id || "document"), { once: true });
    htmx.find("#b").click();
    await htmx.timeout(150);
    return seen;
  }],
  ["config:request may change headers and values", button(`hx-post="${answer("x")}" hx-target="#out"`), change("config:request", `ctx.request.headers["X-Late"] = "1"; ctx.request.body.set("p", "2");`)],
  ["config:request may change address, method, target and style", button(`hx-post="${answer("x")}" hx-target="#out"`, "<p id=e>e</p>"), change("config:request", `ctx.request.action = "/answer?body=other"; ctx.request.method = "PUT"; ctx.target = "#e"; ctx.swap = "beforeend";`)],
  ["config:request may stop it", button(into("x")), change("config:request", "event.preventDefault();"), { events: /request/ }],
  ["before:request may stop it", button(into("x")), change("before:request", "event.preventDefault();"), { events: /request/ }],
  ["before:response may stop it", button(into("x")), change("before:response", "event.preventDefault();"), { events: /request|swap/ }],
  ["after:request may change the text", button(into("x")), change("after:request", `ctx.text = "<i>changed</i>";`)],
  ["before:swap may stop it", button(into("x")), change("before:swap", "event.preventDefault();"), { events: /swap|finally/ }],
  ["before:swap may send it elsewhere", button(into("x"), "<p id=e>e</p>"), change("before:swap", `event.detail.tasks[0].target = htmx.find("#e"); event.detail.tasks[0].swapSpec.style = "beforeend";`)],
  ["what the context says", button(`hx-post="${answer("x")}" hx-vals='{"a": 1}' hx-target="#out" hx-select="*" hx-push-url=false`), async () => {
    const seen = [];
    for (const name of ["config:request", "before:request", "after:request", "after:swap"]) htmx.find("#b").addEventListener(`htmx:${name}`, ({ detail: { ctx } }) => seen.push([name, ctx.sourceElement.id, ctx.target.id, ctx.swap, ctx.select, ctx.push, ctx.request.method, ctx.request.action, ctx.request.headers["HX-Source"], String(ctx.request.body instanceof FormData), ctx.response?.status, ctx.response?.headers.get("content-type"), ctx.text]), { once: true });
    htmx.find("#b").click();
    await htmx.timeout(150);
    return seen;
  }],
  ["htmx:abort gives a request up", button(into("x", { wait: 400 })), async () => { htmx.find("#b").click(); await htmx.timeout(60); htmx.trigger("#b", "htmx:abort"); await htmx.timeout(60); return htmx.find("#b").className; }, { events: /^(after:swap|error|finally:request)$/ }],
  ["events go to the document when the element has gone", button(into("x", { wait: 60 })), async () => { const seen = []; document.addEventListener("htmx:finally:request", (event) => seen.push(event.target === document), { once: true }); htmx.find("#b").click(); await htmx.timeout(20); htmx.find("#b").remove(); await htmx.timeout(150); return seen; }],
]);

// --- waiting -------------------------------------------------------------------------------------------------------------------

const clicks = (times) => new Function(`return (async () => { for (let n = 0; n < ${times}; n++) htmx.find("#b").click(); await htmx.timeout(450); })()`);
const waits = (sync) => button(`hx-get="${answer("x", { wait: 60 })}" ${sync} hx-swap=none`);
await table([
  ["hx-indicator", button(into("x", { wait: 80 }, "hx-indicator='#s'"), "<i id=s class=htmx-indicator>s</i>"), async () => { htmx.find("#b").click(); await htmx.timeout(40); return [htmx.find("#s").className, htmx.find("#b").className, getComputedStyle(htmx.find("#s")).visibility]; }],
  ["without an indicator the element shows it", button(into("x", { wait: 80 })), async () => { htmx.find("#b").click(); await htmx.timeout(40); return htmx.find("#b").className; }],
  ["hx-disable: what cannot be used meanwhile", button(into("x", { wait: 80 }, "hx-disable='this, #i'"), "<input id=i>"), async () => { htmx.find("#b").click(); await htmx.timeout(40); return [htmx.find("#b").disabled, htmx.find("#i").disabled]; }],
  ["without hx-sync the first that waits goes", waits(""), clicks(4)],
  ["hx-sync=drop", waits("hx-sync=drop"), clicks(3)],
  ["hx-sync=replace", waits("hx-sync=this:replace"), clicks(3)],
  ["hx-sync=abort", waits("hx-sync=abort"), clicks(3)],
  ["hx-sync=queue all", waits("hx-sync='this:queue all'"), clicks(3)],
  ["hx-sync=queue last", waits("hx-sync='this:queue last'"), clicks(4)],
  ["hx-sync of a form: its field gives way to it", `<form id=f hx-post="${answer("sent", { wait: 60 })}" hx-target="#out"><input id=i name=a value=1 hx-post="${answer("checked", { wait: 200 })}" hx-trigger=ping hx-sync="closest form:abort" hx-target="#out"><button id=b>b</button></form>${out}`, async () => { htmx.trigger("#i", "ping"); await htmx.timeout(30); htmx.find("#b").click(); await htmx.timeout(350); }],
]);

// --- addresses and boosted links ---------------------------------------------------------------------------------------------

const stay = () => { addEventListener("click", (event) => event.preventDefault(), { once: true }); document.querySelector("#b").click(); };
await table([
  ["hx-push-url", button(into("x", {}, `hx-push-url="/lab?pushed"`)), async () => { const before = history.length; htmx.find("#b").click(); await htmx.timeout(150); return history.length - before; }],
  ["hx-push-url=true is the address of the answer", button(into("x", {}, "hx-push-url=true"))],
  ["hx-replace-url", button(into("x", {}, `hx-replace-url="/lab?replaced"`)), async () => { const before = history.length; htmx.find("#b").click(); await htmx.timeout(150); return history.length - before; }],
  ["hx-boost:inherited takes links", `<div hx-boost:inherited=true hx-target:inherited="#out"><a id=b href="/answer?body=boosted">a</a></div>${out}`],
  ["hx-boost of what stands around does not", `<div hx-boost=true hx-target:inherited="#out"><a id=b href="/answer?body=x">a</a></div>${out}`, stay, { events: /^before:request$/, nothing: true }],
  ["hx-boost of a link itself, and how it swaps", `<a id=b hx-boost="target:#out swap:beforeend" href="/answer?body=boosted">a</a>${out}`],
  ["hx-boost of a form", `<form hx-boost=true hx-target="#out" action="/answer" method=get><input type=hidden name=body value=asked><button id=b>b</button></form>${out}`],
  ["hx-boost of a form that posts", `<form hx-boost=true hx-target="#out" action="/answer?body={form}" method=post><input name=a value=1><button id=b name=go value=1>b</button></form>${out}`],
  ["hx-boost fills the body with a whole page", `<div hx-boost:inherited=true style="margin-top:2000px"><a id=b href="/plain/2/">a</a></div>`, async () => {
    window.same = true;
    scrollTo(0, 500);
    htmx.find("#b").click();
    await htmx.timeout(300);
    return [window.same, document.querySelector("h1").textContent, document.title, location.pathname, scrollY, document.querySelector("#lab")];
  }],
  ["hx-boost=false below", `<div hx-boost:inherited=true><a id=b hx-boost=false href="/answer?body=x">a</a></div>${out}`, stay, { events: /^before:request$/, nothing: true }],
  ["back asks for the page anew", `<p id=e>first</p>${button(into("second", {}, "hx-push-url=/lab?htmx=4&amp;second"))}`, async () => {
    const seen = [];
    document.addEventListener("htmx:before:history:restore", (event) => { seen.push(event.detail.path); });
    htmx.find("#b").click();
    await htmx.timeout(150);
    history.back();
    await htmx.timeout(400);
    return [seen, htmx.find("h1")?.textContent, htmx.find("#out") === undefined, location.search];
  }],
  ["back with an hx-history-elt", `<div id=h hx-history-elt><p id=e>first</p></div>${button(into("second", {}, "hx-push-url=/lab?htmx=4&amp;second"))}`, async () => {
    htmx.find("#b").click();
    await htmx.timeout(150);
    history.back();
    await htmx.timeout(400);
    return [htmx.find("#out").textContent, htmx.find("#h")?.textContent, location.search];
  }],
  ["htmx:before:history:restore may stop it", `<p id=e>first</p>${button(into("second", {}, "hx-push-url=/lab?htmx=4&amp;second"))}`, async () => {
    document.addEventListener("htmx:before:history:restore", (event) => event.preventDefault(), { once: true });
    htmx.find("#b").click();
    await htmx.timeout(150);
    history.back();
    await htmx.timeout(300);
    return [htmx.find("#out").textContent, location.search];
  }],
]);

// --- settings --------------------------------------------------------------------------------------------------------------------

await same("config changed by a script counts at once", button(`hx-get="${answer("<b>x</b>")}" hx-target="#out"`), async () => {
  htmx.config.defaultSwap = "beforeend";
  htmx.find("#b").click();
  await htmx.timeout(150);
  htmx.config.defaultSwap = "innerHTML";
  return htmx.find("#out").innerHTML;
});
await same("config: history: false, requestClass", button(into("x", { wait: 60 }, "hx-push-url=/lab?never")), async () => {
  Object.assign(htmx.config, { history: false, requestClass: "busy" });
  htmx.find("#b").click();
  await htmx.timeout(30);
  const name = htmx.find("#b").className;
  await htmx.timeout(150);
  Object.assign(htmx.config, { history: true, requestClass: "htmx-request" });
  return [name, location.search];
});
await parity.restart({ head: `<meta name="htmx-config" content='{"implicitInheritance": true, "noSwap": [204, 304, "5xx"], "defaultSwap": "beforeend"}'>` });
await table([
  ["meta: what htmx.config has", "", () => [htmx.config.implicitInheritance, htmx.config.noSwap, htmx.config.defaultSwap]],
  ["meta implicitInheritance, defaultSwap", `<div hx-target="#out"><button id=b hx-get="${answer("x")}">b</button></div>${out}`],
  ["meta implicitInheritance: hx-boost around a link", `<div hx-boost=true hx-target="#out"><a id=b href="/answer?body=boosted">a</a></div>${out}`],
  ["meta noSwap", button(into("x", { status: 503 }))],
]);
await parity.restart({ head: `<meta name="htmx-config" content="defaultTimeout:100 defaultSwap:outerHTML">` });
await table([
  ["meta in short: defaultTimeout", button(into("x", { wait: 600 })), press, { events: /^(error|finally:request)$/ }],
  ["meta in short: defaultSwap", button(into("<b id=out>n</b>"))],
]);


// --- kept different on purpose (docs/web.md) -----------------------------------------------------------------------------------
await parity.restart({ head: "" });
for (const [why, html, act = press] of [
  ["a row that goes elsewhere may come in a template, as HTML wants it", button(into("main<template><tr id=r hx-swap-oob=true><td>new</td></tr></template>"), "<table><tbody><tr id=r><td>old</td></tr></tbody></table>")],
  ["conditions of triggers are read, not evaluated: arithmetic is not", button(into("x", {}, `hx-trigger="click[1 + 1 == 2]"`))],
  ["an answer that a newer one has overtaken does not take its place", `<button id=b ${into("slow", { wait: 200 })}>b</button><button id=c ${into("quick")}>c</button>${out}`, async () => { htmx.find("#b").click(); await htmx.timeout(40); htmx.find("#c").click(); await htmx.timeout(350); return htmx.find("#out").textContent; }],
  ["values may be SX, under any policy", button(`hx-post="${answer("x")}" hx-vals="(dict :a (+ 1 2))" hx-target="#out"`)],
  ["from:closest form needs no quotes", `<form id=src>${button(into("x", {}, `hx-trigger="ping from:closest form"`))}</form>`, new Function(ping("src"))],
  ["window.htmx has what htmx 2 had beside", "", () => ["off", "closest", "values", "addClass", "removeClass", "toggleClass", "takeClass", "remove", "logAll", "defineExtension", "location"].map((name) => typeof htmx[name])],
  ["metaCharacter is not known: attributes have colons", `<div hx-target-inherited="#out"><button id=b hx-get="${answer("x")}">b</button></div>${out}`, async () => { htmx.config.metaCharacter = "-"; htmx.find("#b").click(); await htmx.timeout(150); delete htmx.config.metaCharacter; }],
])
  await same(why, html, act, { differs: true });

await parity.close();
finish();
