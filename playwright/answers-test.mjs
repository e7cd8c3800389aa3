// What answers say beside their text: every header and what becomes of it, and headers that are wrong. And each moment
// of which the engine tells that no other story hears.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { answer, Lab } from "./lab.mjs";

const lab = await Lab.open();
const out = `<p id=out>old</p>`;
/** A button whose answer has these headers. */
const button = (headers, { body = "new", more = "", attributes = "", ...rest } = {}) => `<button id=b sx-get="${answer(body, { h: headers, ...rest })}" sx-target="#out" ${attributes}>go</button>${more}${out}`;
const asked = (pattern) => lab.asked.filter((request) => pattern.test(decodeURIComponent(request.url())));
const told = (name) => lab.run((name) => window.details.filter(([one]) => one === name).map(([, detail]) => JSON.parse(JSON.stringify({ ...detail, elt: detail.elt?.id, target: detail.target?.id ?? detail.target, requestConfig: undefined, xhr: undefined }))), name);

// --- headers ----------------------------------------------------------------------------------------------------

await lab.case("SX-Trigger: an event goes to the element that its detail names, the others to the one that asked", button({ "SX-Trigger": '{"ding": {"target": "#o", "n": 1}, "dong": "v"}', "SX-Trigger-After-Settle": '{"last": {"target": "closest div"}}' }, { more: "<p id=o>o</p>" }), async () => {
  await lab.run(() => {
    window.heard = [];
    for (const name of ["ding", "dong", "last"]) document.addEventListener(name, ({ target, detail }) => window.heard.push([name, target.id, detail.n ?? detail.value ?? null]), { once: true });
  });
  await lab.press("#b");
  await lab.until(() => window.heard.length === 3);
  expect.deepEqual(await lab.run(() => window.heard), [["ding", "o", 1], ["dong", "b", "v"], ["last", "lab", null]]);
});
for (const [header, value] of [["SX-Trigger", '{"ding": {'], ["SX-Trigger-After-Swap", '{"ding" 1}'], ["SX-Trigger-After-Settle", "{:ding (f)}"]])
  await lab.case(`${header}: ${value} is named with its element and fires nothing; the answer is shown`, button({ [header]: value }), async () => {
    await lab.press("#b");
    expect.equal(await lab.text("#out"), "new");
    expect.match(lab.warnings.join(), new RegExp(`^${header}: .* \\(<button id=b>\\)$`));
    expect.equal((await told("sx:error")).length, 1);
  });
for (const value of ['{"path": ', '{"target": "#out"}'])
  await lab.case(`SX-Location: ${value} is named, nothing is asked and nothing shown`, button({ "SX-Location": value }), async () => {
    await lab.press("#b", "sx:afterRequest");
    expect.equal(await lab.text("#out"), "old");
    expect.match(lab.warnings.join(), /^SX-Location: .* \(<button id=b>\)$/);
    expect.equal(asked(/answer/).length, 1);
  });
await lab.case("SX-Location with all that it may have: values, headers, target, swap, select, push", button({ "SX-Location": JSON.stringify({ path: "/answer?body=<i>{method} {form} {headers}</i><u>2</u>", verb: "POST", target: "#o", swap: "beforeend", select: "i", values: { a: 1 }, headers: { "X-A": "b" }, push: "/lab?pushed" }) }, { more: "<p id=o>o</p>" }), async () => {
  await lab.press("#b");
  expect.match(await lab.html("#o"), /^o<i>POST a=1 [^<]*x-a: b[^<]*<\/i>$/);
  expect.ok(lab.page.url().endsWith("/lab?pushed"));
});
for (const header of ["SX-Push-Url", "SX-Replace-Url"])
  await lab.case(`${header}: false keeps the address whatever the element says`, button({ [header]: "false" }, { attributes: 'sx-push-url="/lab?never"' }), async () => {
    await lab.press("#b");
    expect.equal(lab.page.url(), lab.home);
    expect.equal((await lab.log()).includes("sx:beforeHistoryUpdate"), false);
  });
await lab.case("SX-Reswap with modifiers: they hold too", button({ "SX-Reswap": "beforeend settle:0ms" }), async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#out"), "oldnew");
});
await lab.case("SX-Reswap that is no style is told as that header's, once, and the element's own holds", button({ "SX-Reswap": "sideways" }, { attributes: "sx-swap=beforeend" }), async () => {
  await lab.press("#b");
  expect.equal(await lab.html("#out"), "oldnew");
  expect.equal(lab.warnings.length, 1);
  expect.match(lab.warnings[0], /^SX-Reswap="sideways": "sideways" is not known, expected one of .* \(<button id=b>\)$/);
});
for (const [selector, why] of [["#gone", "not in the page"], ["##[", "no selector"]])
  await lab.case(`SX-Retarget: ${selector}, ${why}: told, and shown nowhere`, button({ "SX-Retarget": selector }), async () => {
    await lab.press("#b", "sx:afterRequest");
    expect.equal(await lab.text("#out"), "old");
    expect.deepEqual(lab.warnings, [`"${selector}", the answer's target, is ${why} (<button id=b>)`]);
    expect.equal((await told("sx:targetError"))[0].target, selector);
    expect.equal(await lab.page.locator(".sx-request, [aria-busy]").count(), 0);
  });
await lab.case("SX-Reselect, or sx-select, that finds nothing is told with the element", button({ "SX-Reselect": "#part" }), async () => {
  await lab.press("#b");
  expect.match(lab.warnings.join(), /^sx-select="#part" finds nothing in the answer of \/answer.* \(<button id=b>\)$/);
});
await lab.case("SX-Error marks an error for the target as SX-Fragment does", button({ "SX-Error": "validation" }, { body: "wrong", status: 422 }), async () => {
  await lab.press("#b");
  expect.equal(await lab.text("#out"), "wrong");
}, /422/);
await lab.case("what a request says of itself travels encoded", `<button id=b name="größe" sx-get="${answer("{headers}")}" sx-target="#out">go</button>${out}`, async () => {
  await lab.press("#b");
  expect.match(await lab.text("#out"), /sx-trigger-name: gr%C3%B6%C3%9Fe/);
});

// --- moments ----------------------------------------------------------------------------------------------------------

await lab.case("sx:prompt tells what was typed and can stop it; sx:validation:validate comes before what is wrong is looked for", `<form id=f sx-post="${answer("x")}" sx-prompt="Why?" sx-target="#out"><input id=i name=a></form>${out}`, async () => {
  const send = () => lab.run(() => document.querySelector("#f").requestSubmit());
  lab.page.on("dialog", (dialog) => dialog.accept("because"));
  await lab.run(() => document.addEventListener("sx:prompt", (event) => { if (!window.allowed) event.preventDefault(); window.typed = event.detail.prompt; }));
  await send();
  await lab.until(() => window.typed === "because");
  await lab.run(() => { window.allowed = true; window.log.length = 0; document.querySelector("#f").addEventListener("sx:validation:validate", () => document.querySelector("#i").setCustomValidity("no"), { once: true }); });
  await send();
  await lab.event("sx:validation:halted");
  expect.deepEqual((await lab.log()).filter((name) => /validation/.test(name)), ["sx:validation:validate", "sx:validation:failed", "sx:validation:halted"]);
  expect.equal(asked(/answer/).length, 0);
  lab.page.removeAllListeners("dialog");
});
for (const [attribute, event, key] of [["sx-push-url", "sx:pushedIntoHistory", "push"], ["sx-replace-url", "sx:replacedInHistory", "replace"]])
  await lab.case(`${attribute}: sx:beforeHistoryUpdate has the new address, ${event} comes when it is there`, button({}, { attributes: `${attribute}="/lab?there"` }), async () => {
    await lab.run((event) => document.addEventListener(event, () => { window.then = location.search; }, { once: true }), event);
    await lab.press("#b");
    expect.deepEqual((await told("sx:beforeHistoryUpdate"))[0].history, { [key]: "/lab?there" });
    expect.equal((await told(event))[0].path, "/lab?there");
    expect.equal(await lab.run(() => window.then), "?there");
  });
await lab.case("sx:historyRestore comes when back has filled the page", "", async () => {
  await lab.go("/page/1/");
  await lab.run(() => [...document.querySelectorAll("#content a")].find(({ textContent }) => textContent === "two").click());
  await lab.until(() => document.querySelector("h1").textContent === "Page 2");
  await lab.run(() => document.addEventListener("sx:historyRestore", () => { window.restored = document.querySelector("h1").textContent; }, { once: true }));
  await lab.page.goBack();
  await lab.until(() => window.restored === "Page 1");
});
await lab.case("sx:xhr:loadstart, progress and loadend tell of files on their way, up and down", `<form id=f sx-post="${answer("x")}" sx-encoding="multipart/form-data" sx-target="#out"><input type=file name=file></form>${out}`, async () => {
  await lab.page.setInputFiles("[type=file]", { name: "a.txt", mimeType: "text/plain", buffer: Buffer.alloc(40_000) });
  await lab.run(() => document.querySelector("#f").requestSubmit());
  await lab.event("sx:afterSettle");
  const log = await lab.log();
  for (const name of ["loadstart", "progress", "loadend"]) expect.equal(log.filter((one) => one === `sx:xhr:${name}`).length >= 2, true, `${name} in ${log}`);
  expect.ok((await told("sx:xhr:progress")).some(({ loaded, total, lengthComputable }) => lengthComputable && loaded === total && total > 40_000));
});
await lab.case("sx-sse-close shows the event that it names and ends the stream with it", `<div id=s sx-sse-connect="/events" sx-sse-close=greet><i id=g sx-sse-swap=greet></i></div>`, async () => {
  await lab.event("sx:sseClose");
  await lab.until(() => /hello/.test(document.querySelector("#g").textContent));
  expect.deepEqual((await lab.log()).filter((name) => /sse(Open|Close|Error)/.test(name)), ["sx:sseOpen", "sx:sseClose"]);
  await sleep(700);
  expect.match(await lab.text("#g"), /hello/, "nothing comes after it");
  expect.equal(asked(/events/).length, 1, "it is not asked for again");
});
await lab.case("what came into a stream's element later hears events of names that nobody heard before", `<div id=s sx-sse-connect="/events"></div>`, async () => {
  await lab.event("sx:sseOpen");
  await lab.run(() => { const late = Object.assign(document.createElement("i"), { id: "l" }); late.setAttribute("sx-sse-swap", "late"); document.querySelector("#s").append(late); });
  await lab.until(() => document.querySelector("#l").textContent === "late");
});
await lab.case("a stream ends when its element says another address, and with its element", `<div id=s sx-sse-connect="/events"></div>`, async () => {
  await lab.event("sx:sseOpen");
  await lab.run(() => {
    window.ended = [];
    const close = EventSource.prototype.close;
    EventSource.prototype.close = function () { window.ended.push(new URL(this.url).search); return close.call(this); };
    document.querySelector("#s").setAttribute("sx-sse-connect", "/events?again");
    SxKernel.process();
  });
  await lab.event("sx:sseOpen", 2);
  expect.deepEqual(await lab.run(() => window.ended), [""]);
  await lab.run(() => { document.querySelector("#s").remove(); SxKernel.process(); });
  await lab.until(() => window.ended.join() === ",?again");
});
await lab.case("sx:wsOpen tells of a socket; it ends with its element, though nothing comes", `<div id=s sx-ws-connect="/socket"><p id=heard></p></div>`, async () => {
  await lab.event("sx:wsOpen");
  const closed = lab.page.waitForEvent("console", { predicate: (message) => message.text() === "socket closed" });
  await lab.run(() => {
    const close = WebSocket.prototype.close;
    WebSocket.prototype.close = function () { console.log("socket closed"); return close.call(this); };
    document.querySelector("#s").remove();
    SxKernel.process();
  });
  await closed;
  expect.equal((await lab.log()).includes("sx:wsClose"), false, "nobody asks for it again");
});
await lab.case("where there are extensions: sx:beforeProcessNode and sx:afterProcessNode of each element", `<div sx-ext=seen></div>`, async () => {
  await lab.run(() => SxKernel.defineExtension("seen", { getSelectors: () => ["[data-seen]"] }));
  await lab.run(() => { document.querySelector("#lab").append(Object.assign(document.createElement("u"), { id: "u" })); document.querySelector("#u").dataset.seen = "1"; SxKernel.process(); });
  await lab.event("sx:afterProcessNode");
  expect.deepEqual((await told("sx:beforeProcessNode")).map(({ elt }) => elt), ["u"]);
  await lab.run(() => SxKernel.removeExtension("seen"));
});

await lab.close();
finish();
