// What requests carry and what becomes of answers: attributes, values, headers of both ways, pieces, events.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { answer, Lab } from "./lab.mjs";

const lab = await Lab.open();
const out = `<p id=out>old</p>`;
const button = (attributes, more = "") => `<button id=b ${attributes}>go</button>${more}${out}`;

// --- verbs, values ----------------------------------------------------------------------------------------

for (const verb of ["get", "post", "put", "patch", "delete"])
  await lab.case(`sx-${verb} asks with its verb`, button(`sx-${verb}="${answer("{method}")}" sx-target="#out"`), async () => {
    await lab.press("#b");
    expect.equal(await lab.text("#out"), verb.toUpperCase());
  });
await lab.case("sx-action with sx-method asks with that verb", button(`sx-action="${answer("{method}")}" sx-method="put" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "PUT");
});
await lab.case("requests say what they are, from where and for whom", button(`name=n sx-get="${answer("<pre>{headers}</pre>")}" sx-target="#out"`), async () => {
  await lab.press("#b");
  const text = await lab.text("#out");
  for (const line of ["sx-request: true", `sx-current-url: ${lab.home}`, "sx-trigger: b", "sx-trigger-name: n", "sx-target: out"]) expect.ok(text.includes(line), `${line} in ${text}`);
  expect.ok(!text.includes("sx-boosted"));
});
await lab.case("sx-vals adds values, JSON or SX, and wins over fields", `<form id=f sx-post="${answer("{form}")}" sx-target="#out" sx-vals='{"a": "1", "n": 2}'><input name=a value=field><button id=b>go</button></form>${out}`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "a=1&n=2");
});
await lab.case("sx-vals as an SX dict", button(`sx-post="${answer("{form}")}" sx-vals='{:a 1 :b "x y"}' sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "a=1&b=x y");
});
await lab.case("sx-headers adds headers", button(`sx-get="${answer("{headers}")}" sx-headers='{"X-One": "1"}' sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.match(await lab.text("#out"), /x-one: 1/);
});
await lab.case("sx-include takes in fields and forms elsewhere", button(`sx-post="${answer("{form}")}" sx-include="#x, #g" sx-target="#out"`, `<input id=x name=x value=1><form id=g><input name=y value=2><input type=checkbox name=z></form>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "x=1&y=2");
});
for (const [params, result] of [["none", ""], ["a", "a=1"], ["not a", "b=2"], ["*", "a=1&b=2"]])
  await lab.case(`sx-params="${params}"`, `<form sx-post="${answer("{form}")}" sx-params="${params}" sx-target="#out"><input name=a value=1><input name=b value=2><button id=b>go</button></form>${out}`, async () => {
    await lab.press("#b");
    expect.equal(await lab.text("#out"), result);
  });
await lab.case("a button that posts takes its form along; one that gets does not", `<form><input name=a value=1><button id=p type=button sx-post="${answer("p{form}")}" sx-target="#out">p</button><button id=b type=button sx-get="${answer("g{query}", { q: 1 })}" sx-target="#out">g</button></form>${out}`, async () => {
  await lab.press("#p");
  expect.equal(await lab.text("#out"), "pa=1");
  await lab.press("#b");
  expect.ok(!(await lab.text("#out")).includes("a=1"));
});
await lab.case("the button that sent a form is among its values", `<form sx-post="${answer("{form}")}" sx-target="#out"><input name=a value=1><button id=b name=how value=fast>go</button></form>${out}`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "a=1&how=fast");
});
await lab.case("a select of several and unchecked boxes send what a form would", `<form sx-post="/answer?body=x" sx-swap=none><select name=s multiple><option selected>1<option selected>2</select><input type=checkbox name=c><button id=b>go</button></form>`, async () => {
  await lab.press("#b");
  expect.equal(lab.asked[0].postData(), "s=1&s=2");
});
await lab.case("multipart sends files and tells of progress", `<form sx-post="${answer("{files}")}" sx-encoding="multipart/form-data" sx-target="#out"><input type=file name=f><button id=b>go</button></form>${out}`, async () => {
  await lab.page.locator("input[type=file]").setInputFiles({ name: "big.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(300_000) });
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "f=big.bin");
  expect.ok((await lab.log()).includes("sx:xhr:progress"));
});
await lab.case("a values that are no pairs are named, the request goes on", button(`sx-get="${answer("ok")}" sx-vals="{a b" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.match(lab.warnings.join(), /sx-vals: "\{a b" is neither a JSON object/);
  expect.match(lab.warnings.join(), /<button id=b>/);
});

// --- inheritance ---------------------------------------------------------------------------------------------

await lab.case("a target does not pass on by itself", `<div sx-target="#out">${button(`sx-get="${answer("in")}"`)}</div>`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "old");
  expect.equal(await lab.text("#b"), "in");
});
await lab.case("sx-target:inherited passes on, the nearest wins", `<div sx-target:inherited="#nowhere"><div sx-target:inherited="#out">${button(`sx-get="${answer("in")}"`)}</div></div>`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "in");
});
await lab.case("sx-inherit names what passes on", `<div sx-inherit="sx-target" sx-target="#out" sx-swap="outerHTML">${button(`sx-get="${answer("in")}"`)}</div>`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "in");
});
await lab.case("sx-disinherit stops it", `<div sx-target:inherited="#out"><div sx-disinherit="target">${button(`sx-get="${answer("in")}"`)}</div></div>`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "old");
});
await lab.case("data-sx- says the same", `<button id=b data-sx-get="${answer("in")}" data-sx-target="#out">go</button>${out}`, async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "in");
});

// --- targets and styles ------------------------------------------------------------------------------------------

for (const [target, html] of [
  ["next .t", `BUTTON<p class=t>old</p>`], ["previous .t", `<p class=t>old</p>BUTTON`], ["next", `BUTTON<p class=t>old</p>`], ["previous", `<p class=t>old</p>BUTTON`],
  ["closest .t", `<div class=t>BUTTON</div>`],
])
  await lab.case(`sx-target="${target}"`, html.replace("BUTTON", `<button id=b sx-get="${answer("new")}" sx-target="${target}">go</button>`), async () => {
    await lab.press("#b");
    expect.equal(await lab.text(".t"), "new");
  });
await lab.case("textContent shows the answer as it is, markup and all", button(`sx-get="${answer("<b>1</b>")}" sx-swap=textContent sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "<b>1</b>");
});
for (const [word, expected] of [["before", "newold"], ["after", "oldnew"], ["prepend", "newold"], ["append", "oldnew"]])
  await lab.case(`sx-swap="${word}"`, button(`sx-get="${answer("<b>new</b>")}" sx-swap="${word}" sx-target="#t"`, `<div id=w><i id=t>old</i></div>`), async () => {
    await lab.press("#b");
    expect.equal(await lab.text("#w"), expected);
  });
await lab.case("an id with dots, quotes or a digit first is found", `<button id=b sx-get="${answer("new")}" sx-target="#1.a:b">go</button><p id="1.a:b">old</p>`, async () => {
  await lab.press("#b");
  expect.equal(await lab.run(() => document.getElementById("1.a:b").textContent), "new");
});
await lab.case("sx-select takes a part of the answer", button(`sx-get="${answer("<i>a</i><b id=x>b</b>")}" sx-select="#x" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#out"), `<b id="x">b</b>`);
});
await lab.case("a part is taken out of a whole page", button(`sx-get="/plain/1/" sx-select="h1" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#out"), "<h1>Foreign 1</h1>");
});
await lab.case("swap: waits before the swap, with a class", button(`sx-get="${answer("new")}" sx-swap="innerHTML swap:150ms" sx-target="#out"`), async () => {
  await lab.click("#b");
  await lab.until(() => document.querySelector("#out.sx-swapping")?.textContent === "old");
  await lab.event("sx:afterSettle");
  expect.equal(await lab.text("#out"), "new");
  expect.equal(await lab.page.locator(".sx-swapping").count(), 0);
});
await lab.case("settle: new content carries classes until it has settled", button(`sx-get="${answer("<b id=n>new</b>")}" sx-swap="innerHTML settle:150ms" sx-target="#out"`), async () => {
  await lab.click("#b");
  await lab.until(() => document.querySelector("#n.sx-added.sx-settling"));
  await lab.event("sx:afterSettle");
  expect.equal(await lab.html("#out"), `<b id="n">new</b>`);
});
await lab.case("an element of the same id keeps its looks until it settles, for transitions", button(`sx-get="${answer("<b id=n class=red>new</b>")}" sx-swap="innerHTML settle:120ms" sx-target="#w"`, `<div id=w><b id=n class=blue>old</b></div>`), async () => {
  await lab.click("#b");
  await lab.until(() => document.querySelector("#n.blue")?.textContent === "new");
  await lab.event("sx:afterSettle");
  expect.equal(await lab.run(() => document.querySelector("#n").className), "red");
});
await lab.case("scroll: and show: move what they name", button(`sx-get="${answer("<p>x</p>".repeat(200))}" sx-swap="innerHTML scroll:#box:bottom" sx-target="#box"`, `<textarea id=spacer></textarea><div id=box></div>`), async () => {
  await lab.run(() => { const box = document.querySelector("#box"); box.style.height = "100px"; box.style.overflow = "auto"; });
  await lab.press("#b");
  expect.ok(await lab.run(() => document.querySelector("#box").scrollTop > 500));
});
await lab.case("transition:true goes through a view transition", button(`sx-get="${answer("new")}" sx-swap="innerHTML transition:true" sx-target="#out"`), async () => {
  await lab.run(() => { const start = document.startViewTransition.bind(document); document.startViewTransition = (work) => { window.views = (window.views ?? 0) + 1; return start(work); }; });
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "new");
  expect.equal(await lab.run(() => window.views), 1);
});
await lab.case("the focus and the caret stay in a field that is replaced by one of the same id", `<div id=w><input id=q value=hello sx-get="${answer("<input id=q value=hello>")}" sx-trigger=keyup sx-target="#w"></div>`, async () => {
  await lab.page.focus("#q");
  await lab.run(() => document.querySelector("#q").setSelectionRange(2, 3));
  await lab.run(() => document.querySelector("#q").dispatchEvent(new Event("keyup")));
  await lab.event("sx:afterSettle");
  expect.deepEqual(await lab.run(() => { const q = document.activeElement; return [q.id, q.selectionStart, q.selectionEnd]; }), ["q", 2, 3]);
});

await lab.case("sx-swap=morph keeps the very elements and what is typed in them", button(`sx-get="${answer("<input id=k><b id=n>new</b>")}" sx-swap="morph:inner" sx-target="#w"`, `<div id=w><input id=k><b id=n>old</b></div>`), async () => {
  await lab.run(() => { window.kept = document.querySelector("#k"); window.kept.value = "typed"; });
  await lab.press("#b");
  expect.equal(await lab.text("#n"), "new");
  expect.equal(await lab.run(() => document.querySelector("#k") === window.kept && window.kept.value), "typed");
});
await lab.case("a listener may put into the detail what cannot be written", button(`sx-get="${answer("{headers}")}" sx-target="#out"`), async () => {
  await lab.run(() => document.addEventListener("sx:configRequest", ({ detail }) => { detail.headers["X-Kept"] = "1"; detail.loop = {}; detail.loop.loop = detail.loop; }, { once: true }));
  await lab.press("#b");
  expect.match(await lab.text("#out"), /x-kept: 1/);
});

// --- pieces elsewhere --------------------------------------------------------------------------------------------

await lab.case("sx-swap-oob replaces the element of the same id", button(`sx-get="${answer("<b>main</b><p id=o sx-swap-oob=true>there</p>")}" sx-target="#out"`, `<p id=o>here</p>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#o"), "there");
  expect.equal(await lab.html("#out"), "<b>main</b>");
});
await lab.case("sx-swap-oob with a style and a selector puts what stands in it there", button(`sx-get="${answer("<ul sx-swap-oob=\"beforeend:#list\"><li>2</li></ul>main")}" sx-target="#out"`, `<ul id=list><li>1</li></ul>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#list"), "<li>1</li><li>2</li>");
  expect.equal(await lab.text("#out"), "main");
});
await lab.case("pieces inside of pieces and of the content go to their places", button(`sx-get="${answer("<div><p>main</p><div><i id=o sx-swap-oob=true>deep</i></div></div>")}" sx-target="#out2"`, `<i id=o>x</i><div id=out2></div>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#o"), "deep");
});
await lab.case("a table row out of band, in a template or not", button(`sx-get="${answer("main<template><tr id=r1 sx-swap-oob=true><td>new</td></tr></template>")}" sx-target="#out"`, `<table><tbody><tr id=r1><td>old</td></tr></tbody></table>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.run(() => document.querySelector("tr#r1 > td").textContent), "new");
  expect.equal(await lab.html("#out"), "main");
});
await lab.case("rows and cells as an answer", button(`sx-get="${answer("<td>new</td>")}" sx-swap=outerHTML sx-target="#cell"`, `<table><tbody><tr><td id=cell>old</td><td>b</td></tr></tbody></table>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.run(() => document.querySelectorAll("table td").length), 2);
  expect.equal(await lab.run(() => document.querySelector("table td").textContent), "new");
});
await lab.case("sx-select-oob picks pieces of an answer", button(`sx-get="${answer("<p id=o>there</p><p id=l>more</p>main")}" sx-select-oob="#o, #l:beforeend" sx-target="#out"`, `<p id=o>here</p><p id=l>a</p>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#o"), "there");
  expect.match(await lab.text("#l"), /^a/);
  expect.equal(await lab.text("#out"), "main");
});
await lab.case("a piece without a place is named and the rest is swapped", button(`sx-get="${answer("main<p id=gone sx-swap-oob=true>x</p>")}" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "main");
  expect.match(lab.warnings.join(), /"#gone" is not in the page/);
  expect.ok((await lab.log()).includes("sx:oobErrorNoTarget"));
});
await lab.case("oob swaps are told before and after, and can be stopped", button(`sx-get="${answer("main<p id=o sx-swap-oob=true>there</p>")}" sx-target="#out"`, `<p id=o>here</p>`), async () => {
  await lab.run(() => document.querySelector("#o").addEventListener("sx:oobBeforeSwap", (event) => event.preventDefault(), { once: true }));
  await lab.press("#b");
  expect.equal(await lab.text("#o"), "here");
  await lab.press("#b");
  expect.equal(await lab.text("#o"), "there");
  expect.ok((await lab.log()).includes("sx:oobAfterSwap"));
});
await lab.case("<sx-partial> fills the target that it names", button(`sx-get="${answer("main<sx-partial sx-target=\"#o\"><b>part</b></sx-partial>")}" sx-target="#out"`, `<p id=o>here</p>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#o"), "<b>part</b>");
  expect.equal(await lab.text("#out"), "main");
});
await lab.case("sx-preserve keeps the very element", button(`sx-get="${answer("<input id=k sx-preserve>new")}" sx-target="#w"`, `<div id=w><input id=k sx-preserve>old</div>`), async () => {
  await lab.run(() => { const k = document.querySelector("#k"); k.value = "typed"; window.kept = k; });
  await lab.press("#b");
  expect.equal(await lab.run(() => document.querySelector("#k") === window.kept && window.kept.value), "typed");
  expect.match(await lab.text("#w"), /new/);
});

// --- headers of answers --------------------------------------------------------------------------------------------

await lab.case("SX-Retarget and SX-Reswap", button(`sx-get="${answer("<b>x</b>", { h: { "SX-Retarget": "#o", "SX-Reswap": "beforeend" } })}" sx-target="#out"`, `<p id=o>a</p>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#o"), "ax");
  expect.equal(await lab.text("#out"), "old");
});
await lab.case("SX-Reselect", button(`sx-get="${answer("<i>a</i><b>b</b>", { h: { "SX-Reselect": "b" } })}" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#out"), "<b>b</b>");
});
await lab.case("SX-Trigger, after the swap, after settling: in this order, with details", button(`sx-get="${answer("x", { h: { "SX-Trigger": '{"one": {"n": 1}}', "SX-Trigger-After-Swap": "two", "SX-Trigger-After-Settle": "three" } })}" sx-target="#out"`), async () => {
  await lab.run(() => { window.order = []; for (const name of ["one", "two", "three", "sx:afterSwap", "sx:afterSettle"]) document.addEventListener(name, (event) => window.order.push([name, event.detail?.n ?? 0]), { once: true }); });
  await lab.press("#b");
  await lab.until(() => window.order.length === 5);
  expect.deepEqual((await lab.run(() => window.order)).map(([name]) => name), ["one", "sx:afterSwap", "two", "sx:afterSettle", "three"]);
  expect.equal(await lab.run(() => window.order[0][1]), 1);
});
await lab.case("SX-Push-Url and SX-Replace-Url change the address", button(`sx-get="${answer("x", { h: { "SX-Push-Url": "/lab?pushed" } })}" sx-target="#out"`), async () => {
  const before = await lab.run(() => history.length);
  await lab.press("#b");
  expect.ok(lab.page.url().endsWith("/lab?pushed"));
  expect.equal(await lab.run(() => history.length), before + 1);
  expect.ok((await lab.log()).includes("sx:pushedIntoHistory"));
});
await lab.case("SX-Replace-Url makes no entry", button(`sx-get="${answer("x", { h: { "SX-Replace-Url": "/lab?replaced" } })}" sx-target="#out"`), async () => {
  const before = await lab.run(() => history.length);
  await lab.press("#b");
  expect.ok(lab.page.url().endsWith("/lab?replaced"));
  expect.equal(await lab.run(() => history.length), before);
});
await lab.case("SX-Redirect leads the browser elsewhere", button(`sx-post="${answer("x", { h: { "SX-Redirect": "/page/1/" } })}"`), async () => {
  await lab.click("#b");
  await lab.page.waitForURL("**/page/1/");
});
await lab.case("SX-Refresh loads the page anew", button(`sx-post="${answer("x", { h: { "SX-Refresh": "true" } })}"`), async () => {
  await lab.run(() => { window.stale = true; });
  await lab.click("#b");
  await lab.page.waitForFunction(() => !window.stale && document.documentElement.dataset.sxReady === "true");
});
await lab.case("SX-Location as an object is another request", button(`sx-post="${answer("x", { status: 204, h: { "SX-Location": '{"path": "/answer?body=moved", "target": "#out"}' } })}"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "moved");
});
await lab.case("SX-Location as an address is a visit", button(`sx-post="${answer("x", { status: 204, h: { "SX-Location": "/page/2/" } })}"`), async () => {
  await lab.click("#b");
  await lab.page.waitForURL("**/page/2/");
});
await lab.case("204 changes nothing but tells its events", button(`sx-get="${answer("", { status: 204, h: { "SX-Trigger": "told" } })}" sx-target="#out"`), async () => {
  await lab.run(() => document.addEventListener("told", () => { window.told = true; }, { once: true }));
  await lab.press("#b", "sx:afterRequest");
  expect.equal(await lab.run(() => window.told), true);
  expect.equal(await lab.text("#out"), "old");
});
await lab.case("286 ends an interval", `<p id=t sx-get="${answer("{n}", { status: 286 })}" sx-trigger="every 60ms"></p>`, async () => {
  await lab.event("sx:afterSettle");
  await sleep(250);
  expect.equal(lab.asked.length, 1);
});

// --- statuses and trouble -------------------------------------------------------------------------------------------

await lab.case("an error that is not marked stays out of the target and is told beside it", button(`sx-get="${answer("trace", { status: 500 })}" sx-target="#out"`), async () => {
  await lab.press("#b", "sx:responseError");
  await lab.page.locator("#sx-messages .sx-message").waitFor();
  expect.equal(await lab.text("#out"), "old");
  await lab.click(".sx-dismiss");
}, /500/);
await lab.case("a marked error is swapped", button(`sx-get="${answer("wrong", { status: 422, h: { "SX-Fragment": "true" } })}" sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "wrong");
}, /422/);
await lab.case("sx-status:404 says where an answer goes", button(`sx-get="${answer("lost", { status: 404 })}" sx-status:404="target:#e swap:innerHTML" sx-target="#out"`, `<p id=e></p>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#e"), "lost");
  expect.equal(await lab.text("#out"), "old");
}, /404/);
await lab.case("sx-status:5xx stands for all of them", button(`sx-get="${answer("down", { status: 503 })}" sx-status:5xx="target:#e" sx-target="#out"`, `<p id=e></p>`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#e"), "down");
}, /503/);
await lab.case("a listener of sx:beforeSwap may let an error in", button(`sx-get="${answer("let in", { status: 500 })}" sx-target="#out"`), async () => {
  await lab.run(() => document.addEventListener("sx:beforeSwap", (event) => { event.detail.shouldSwap = true; event.detail.isError = false; }, { once: true }));
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "let in");
}, /500/);
await lab.case("an answer that is no HTML is named and kept out", button(`sx-get="${answer("{}", { type: "application/json" })}" sx-target="#out"`), async () => {
  await lab.press("#b", "sx:responseError");
  expect.equal(await lab.text("#out"), "old");
  expect.match(lab.warnings.join(), /answered with application\/json, expected a piece of HTML/);
  await lab.click(".sx-dismiss");
});
await lab.case("a whole page for a piece leads there, as after a session that expired", button(`sx-get="${answer("x", { status: 302, to: "/page/3/" })}" sx-headers='{"SX-Request": "no"}' sx-target="#out"`), async () => {
  await lab.click("#b");
  await lab.page.waitForURL("**/page/3/");
});
await lab.case("a server that says nothing: told, and the page goes on", button(`sx-get="http://127.0.0.1:1/x" sx-target="#out"`), async () => {
  await lab.press("#b", "sx:sendError");
  expect.equal(await lab.text("#out"), "old");
  expect.equal(await lab.page.locator(".sx-request, #out[aria-busy]").count(), 0);
  await lab.page.locator("#sx-messages .sx-message").waitFor();
  await lab.click(".sx-dismiss");
}, /ERR_|Refused to connect|Content Security|violates/);
await lab.case("sx-request gives up after its time", button(`sx-get="${answer("late", { wait: 1500 })}" sx-request='{"timeout": 100}' sx-target="#out"`), async () => {
  await lab.press("#b", "sx:timeout");
  expect.equal(await lab.text("#out"), "old");
  await lab.click(".sx-dismiss");
});
await lab.case("sx-request without headers", button(`sx-get="${answer("[{headers}]")}" sx-request='{"noHeaders": true}' sx-target="#out"`), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "[]");
});
await lab.case("a target that is not there is named and told, and nothing is sent", button(`sx-get="${answer("x")}" sx-target="#nowhere"`), async () => {
  await lab.press("#b", "sx:targetError");
  expect.equal(lab.asked.length, 0);
  expect.match(lab.warnings.join(), /sx-target="#nowhere" is not in the page \(<button id=b>\)/);
});
await lab.case("a selector that is none is told and the page stays usable", button(`sx-get="${answer("x")}" sx-target="p:::"`, `<button id=c sx-get="${answer("fine")}" sx-target="#out">c</button>`), async () => {
  await lab.click("#b");
  await lab.until(() => true);
  await lab.press("#c");
  expect.equal(await lab.text("#out"), "fine");
  expect.match(lab.warnings.join(), /"p:::" is no selector/);
});

// --- events -----------------------------------------------------------------------------------------------------------

await lab.case("the moments of a request come in htmx's order", button(`sx-get="${answer("<b>x</b>")}" sx-target="#out"`), async () => {
  await lab.press("#b");
  const log = (await lab.log()).filter((name) => !name.startsWith("sx:validation") && !name.startsWith("sx:xhr"));
  expect.deepEqual(log, ["sx:confirm", "sx:configRequest", "sx:beforeRequest", "sx:beforeSend", "sx:beforeOnLoad", "sx:beforeSwap", "sx:afterSwap", "sx:afterRequest", "sx:afterOnLoad", "sx:load", "sx:afterSettle"]);
});
await lab.case("sx:configRequest may change address, verb, headers and values", button(`sx-get="/nowhere" sx-target="#out" sx-vals='{"a": 1}'`), async () => {
  await lab.run((path) => document.addEventListener("sx:configRequest", ({ detail }) => {
    detail.path = path;
    detail.headers["X-Added"] = "yes";
    detail.parameters.b = "2";
    delete detail.parameters.a;
  }, { once: true }), `/answer?body=${encodeURIComponent("{headers}|{asked}")}&q=-`);
  await lab.press("#b");
  expect.match(await lab.text("#out"), /x-added: yes/);
  expect.match(lab.asked[0].url(), /b=2/);
  expect.doesNotMatch(lab.asked[0].url(), /a=1/);
});
for (const name of ["confirm", "configRequest", "beforeRequest"])
  await lab.case(`sx:${name} can stop a request`, button(`sx-get="${answer("x")}" sx-target="#out"`), async () => {
    await lab.run((name) => document.addEventListener(`sx:${name}`, (event) => event.preventDefault(), { once: true }), name);
    await lab.click("#b");
    await sleep(60);
    expect.equal(lab.asked.length, 0);
    expect.equal(await lab.page.locator(".sx-request, [aria-busy]").count(), 0);
    await lab.press("#b");
    expect.equal(await lab.text("#out"), "x");
  });
for (const name of ["beforeOnLoad", "beforeSwap"])
  await lab.case(`sx:${name} can keep the content`, button(`sx-get="${answer("x")}" sx-target="#out"`), async () => {
    await lab.run((name) => document.addEventListener(`sx:${name}`, (event) => event.preventDefault(), { once: true }), name);
    await lab.press("#b", "sx:afterRequest");
    expect.equal(await lab.text("#out"), "old");
  });
await lab.case("sx:beforeSwap may change target, style and text", button(`sx-get="${answer("x")}" sx-target="#out"`, `<p id=o>a</p>`), async () => {
  await lab.run(() => document.addEventListener("sx:beforeSwap", ({ detail }) => { detail.target = document.querySelector("#o"); detail.swapOverride = "beforeend"; detail.serverResponse = detail.serverResponse + "!"; }, { once: true }));
  await lab.press("#b");
  expect.equal(await lab.text("#o"), "ax!");
});
await lab.case("a listener may start another request at once", button(`sx-get="${answer("one")}" sx-target="#out"`, `<button id=c sx-get="${answer("two")}" sx-target="#o">c</button><form id=f sx-post="${answer("three")}" sx-target="#o2"></form><p id=o></p><p id=o2></p>`), async () => {
  await lab.run(() => document.addEventListener("sx:afterSwap", () => { document.querySelector("#c").click(); document.querySelector("#f").requestSubmit(); }, { once: true }));
  await lab.press("#b");
  await lab.until(() => document.querySelector("#o").textContent === "two" && document.querySelector("#o2").textContent === "three");
});

await lab.close();
finish();
