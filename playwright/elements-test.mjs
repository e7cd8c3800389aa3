// Elements with requests of their own: sx-get, sx-post, sx-target, sx-swap, sx-trigger on pieces put into a page.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open();

/** A page with this HTML in its content, and answers of a server to /part/… . @param {(request: any) => object | string} answer */
async function withParts(visit, html, answer = (request) => `<b>${new URL(request.url()).pathname.slice(6)}</b>`) {
  visit.asked = [];
  await visit.page.route("**/part/**", async (route) => {
    visit.asked.push(route.request());
    const given = await answer(route.request());
    await route.fulfill({ status: 200, contentType: "text/html", headers: { "SX-Fragment": "true" }, ...(typeof given === "string" ? { body: given } : given) }).catch(() => {});
  });
  await visit.page.route(visit.url("/welcome/"), async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace(/(<main\b[^>]*>)[\s\S]*<\/main>/, `$1<h1>Parts</h1>${html}</main>`) });
  });
  await visit.go("/welcome/");
}
const text = (visit, selector) => visit.page.locator(selector).innerText();
const asked = (visit) => visit.asked.map((request) => request.method() + " " + new URL(request.url()).pathname + new URL(request.url()).search);

await stage.story("a button fetches a piece into its target, in place, and the address stays", async (visit) => {
  await withParts(visit, `<button sx-get="/part/one" sx-target="#out">Get</button><p id="out">empty</p>`);
  await visit.swap(() => visit.page.getByRole("button", { name: "Get" }).click());
  expect.equal(await text(visit, "#out"), "one");
  expect.equal(visit.path(), "/welcome/");
  const headers = await visit.asked[0].allHeaders();
  expect.equal(headers["sx-request"], "true");
  expect.equal(headers["sx-boosted"], undefined);
});

await stage.story("each swap style puts the answer where it says", async (visit) => {
  const styles = ["innerHTML", "outerHTML", "beforebegin", "afterbegin", "beforeend", "afterend", "delete", "none"];
  await withParts(visit, styles.map((style) =>
    `<div id="w-${style}"><i>old</i></div>`.replace("<i>", `<i id="t-${style}">`) +
    `<button sx-get="/part/new" sx-target="#t-${style}" sx-swap="${style}">${style}</button>`).join(""));
  for (const style of styles) await visit.swap(() => visit.page.getByRole("button", { name: style, exact: true }).click());
  const html = async (style) => (await visit.page.locator(`#w-${style}`).innerHTML()).replace(/ (id|aria-\w+)="[^"]*"/g, "");
  expect.equal(await html("innerHTML"), "<i><b>new</b></i>");
  expect.equal(await html("outerHTML"), "<b>new</b>");
  expect.equal(await html("beforebegin"), "<b>new</b><i>old</i>");
  expect.equal(await html("afterbegin"), "<i><b>new</b>old</i>");
  expect.equal(await html("beforeend"), "<i>old<b>new</b></i>");
  expect.equal(await html("afterend"), "<i>old</i><b>new</b>");
  expect.equal(await html("delete"), "");
  expect.equal(await html("none"), "<i>old</i>");
});

await stage.story("table rows are put into a table", async (visit) => {
  await withParts(visit, `<table><tbody id="rows"><tr><td>a</td></tr></tbody></table><button sx-get="/part/r" sx-target="#rows" sx-swap="beforeend">More</button>`,
    () => "<tr><td>b</td></tr><tr><td>c</td></tr>");
  await visit.swap(() => visit.page.getByRole("button", { name: "More" }).click());
  expect.equal(await visit.page.locator("#rows > tr > td").count(), 3);
});

await stage.story("a form posts itself; a field sends its own value when it changes", async (visit) => {
  await withParts(visit,
    `<form sx-post="/part/form" sx-target="#out"><input name="a" value="1 &amp; 2"><button name="b" value="x">Send</button></form>
     <select name="kind" sx-get="/part/kind?old=1" sx-target="#out"><option>first</option><option>second</option></select><p id="out"></p>`);
  await visit.swap(() => visit.page.getByRole("button", { name: "Send" }).click());
  expect.equal(visit.asked[0].method(), "POST");
  expect.match(visit.asked[0].postData(), /^a=1\+%26\+2/);
  await visit.swap(() => visit.page.locator("select").selectOption("second"));
  expect.equal(asked(visit)[1], "GET /part/kind?old=1&kind=second");
});

await stage.story("typing waits for a pause and asks only for what changed", async (visit) => {
  await withParts(visit, `<input id="q" name="q" sx-get="/part/search" sx-trigger="keyup changed delay:200ms" sx-target="#out"><p id="out"></p>`,
    (request) => new URL(request.url()).search);
  await visit.page.locator("#q").focus();
  await visit.swap(() => visit.page.keyboard.type("sea", { delay: 30 }));
  expect.deepEqual(asked(visit), ["GET /part/search?q=sea"]);
  expect.equal(await text(visit, "#out"), "?q=sea");
  await visit.page.keyboard.press("ArrowLeft");
  await sleep(350);
  expect.equal(visit.asked.length, 1, "an arrow key changes nothing");
  expect.equal(await visit.page.evaluate(() => document.activeElement.id), "q", "the focus stays");
});

await stage.story("load, revealed and intervals start by themselves; an interval ends with its element", async (visit) => {
  await withParts(visit,
    `<p id="l" sx-get="/part/load" sx-trigger="load">…</p><p id="e" sx-get="/part/tick" sx-trigger="every 150ms" sx-swap="beforeend">…</p>
     <div class="tall" id="tall"></div><p id="r" sx-get="/part/seen" sx-trigger="revealed">…</p>`);
  await visit.page.waitForFunction(() => document.querySelector("#l").textContent === "load");
  await visit.page.waitForFunction(() => document.querySelectorAll("#e b").length >= 2);
  await visit.page.evaluate(() => (document.querySelector("#tall").style.height = "3000px"));
  await visit.page.locator("#r").scrollIntoViewIfNeeded();
  await visit.page.waitForFunction(() => document.querySelector("#r").textContent === "seen");
  await visit.follow("Archive");
  await sleep(50);
  const count = visit.asked.length;
  await sleep(500);
  expect.equal(visit.asked.length, count, "nothing asks on after the element has gone");
});

await stage.story("once is once, throttle lets one through, from: listens elsewhere", async (visit) => {
  await withParts(visit,
    `<button id="o" sx-get="/part/once" sx-trigger="click once" sx-target="#out">once</button>
     <button id="t" sx-get="/part/throttled" sx-trigger="click throttle:5s" sx-target="#out">throttled</button>
     <button id="f">elsewhere</button><p sx-get="/part/from" sx-trigger="click from:#f" sx-target="#out"></p><p id="out"></p>`);
  for (const id of ["o", "t"]) {
    await visit.swap(() => visit.page.locator(`#${id}`).click());
    await visit.page.locator(`#${id}`).click();
    await visit.page.locator(`#${id}`).click();
  }
  await visit.swap(() => visit.page.locator("#f").click());
  await sleep(200);
  expect.deepEqual(asked(visit), ["GET /part/once", "GET /part/throttled", "GET /part/from"]);
});

await stage.story("targets: this, closest, find; a missing one is told in the console", async (visit) => {
  await withParts(visit,
    `<button sx-get="/part/this" sx-target="this">A</button><section><button sx-get="/part/closest" sx-target="closest section">B</button></section>
     <div id="d" sx-get="/part/find" sx-target="find .in">C<span class="in"></span></div><button sx-get="/part/none" sx-target="#nowhere">D</button>`);
  await visit.swap(() => visit.page.getByRole("button", { name: "A" }).click());
  await visit.swap(() => visit.page.getByRole("button", { name: "B" }).click());
  await visit.swap(() => visit.page.locator("#d").click());
  expect.equal(await visit.page.locator("section").first().innerHTML().then((html) => html.includes("<b>closest</b>")), true);
  expect.equal(await text(visit, "#d .in"), "find");
  await visit.page.getByRole("button", { name: "D" }).click();
  await sleep(100);
  expect.match(visit.warnings.join("\n"), /sx-target="#nowhere" is not in the page/);
});

await stage.story("a wrong trigger is named in the console, the rest works", async (visit) => {
  await withParts(visit, `<button sx-get="/part/x" sx-trigger="click somtimes" sx-swap="sideways">Go</button>`);
  await visit.swap(() => visit.page.getByRole("button", { name: "Go" }).click());
  expect.match(visit.warnings.join("\n"), /"somtimes" is not known, expected once/);
  expect.match(visit.warnings.join("\n"), /"sideways" is not known, expected one of innerHTML/);
});

await stage.story("below sx-disable nothing is taken up", async (visit) => {
  await withParts(visit, `<div sx-disable><button sx-get="/part/no">No</button><p sx-get="/part/no" sx-trigger="load"></p><a href="/archive">plain</a></div>`);
  await visit.page.getByRole("button", { name: "No" }).click();
  await sleep(200);
  expect.deepEqual(asked(visit), []);
  const marker = await visit.marker();
  await visit.page.getByRole("link", { name: "plain" }).click();
  await visit.page.waitForURL("**/archive");
  expect.notEqual(await visit.marker(), marker, "an ordinary load");
});

await stage.story("pieces in an answer, and pieces that other code adds, are taken up", async (visit) => {
  await withParts(visit, `<div id="out"><button sx-get="/part/next" sx-target="#out">First</button></div>`,
    (request) => request.url().endsWith("next") ? `<button sx-get="/part/last" sx-target="#out">Second</button>` : "<b>done</b>");
  await visit.swap(() => visit.page.getByRole("button", { name: "First" }).click());
  await visit.swap(() => visit.page.getByRole("button", { name: "Second" }).click());
  expect.equal(await text(visit, "#out"), "done");
  await visit.page.evaluate(() => {
    const button = Object.assign(document.createElement("button"), { textContent: "Added" });
    button.setAttribute("sx-get", "/part/last");
    document.querySelector("#content").append(button);
    SxKernel.process();
  });
  await visit.swap(() => visit.page.getByRole("button", { name: "Added" }).click());
});

await stage.story("asking again replaces the request; posting again waits for the first", async (visit) => {
  let n = 0;
  await withParts(visit, `<button sx-get="/part/slow" sx-target="#out">Get</button><button sx-post="/part/post" sx-target="#out">Post</button><p id="out"></p>`,
    async (request) => { const mine = ++n; await sleep(mine === 1 ? 500 : 100); return `<b>${request.method()} ${mine}</b>`; });
  await visit.swap(async () => {
    await visit.page.getByRole("button", { name: "Get" }).click();
    await visit.page.getByRole("button", { name: "Get" }).click();
  });
  await sleep(600);
  expect.equal(await text(visit, "#out"), "GET 2");
  await visit.swap(async () => {
    await visit.page.getByRole("button", { name: "Post" }).click();
    await visit.page.getByRole("button", { name: "Post" }).click();
  });
  await sleep(300);
  expect.equal(asked(visit).filter((line) => line.startsWith("POST")).length, 1);
}, { allow: /ERR_ABORTED/ });

await stage.story("an error of an element's request is told beside the content", async (visit) => {
  await withParts(visit, `<button sx-get="/part/x" sx-target="#out">Get</button><p id="out">kept</p>`,
    () => ({ status: 500, headers: {}, contentType: "text/html", body: "trace" }));
  await visit.page.getByRole("button", { name: "Get" }).click();
  await visit.message().waitFor();
  expect.equal(await text(visit, "#out"), "kept");
  expect.equal(await visit.page.locator(".sx-request, [aria-busy]").count(), 0);
}, { allow: /500/ });

await stage.story("elements that were taken up hear sx:beforeCleanupElement while they are still there, others do not", async (visit) => {
  await withParts(visit, `<div id="w"><i id="plain"></i><i id="own" sx-get="/part/x" sx-trigger="never"></i></div>
    <button id="in" sx-get="/part/new" sx-target="#w">In</button><p id="gone" sx-get="/part/x" sx-trigger="never"></p>
    <button id="away" sx-get="/part/new" sx-target="#gone" sx-swap="delete">Away</button>
    <ul id="list"><li id="morphed" sx-get="/part/x" sx-trigger="never"></li></ul><button id="turn" sx-get="/part/new" sx-target="#list" sx-swap="morph:inner">Turn</button>`);
  await visit.page.evaluate(() => {
    window.told = [];
    document.addEventListener("sx:beforeCleanupElement", ({ target, detail }) => window.told.push(`${target.id} ${target.isConnected} ${detail.elt === target}`));
  });
  const told = () => visit.page.evaluate(() => window.told.splice(0));
  await visit.swap(() => visit.page.locator("#in").click());
  expect.deepEqual(await told(), ["own true true"]);
  await visit.swap(() => visit.page.locator("#away").click());
  expect.deepEqual(await told(), ["gone true true"]);
  await visit.swap(() => visit.page.locator("#turn").click());
  expect.deepEqual(await told(), ["morphed true true"]);
  // A boosted visit takes the whole content away.
  await visit.swap(() => visit.page.locator("header a, nav a").first().click());
  expect.deepEqual((await told()).sort(), ["away true true", "in true true", "turn true true"]);
});

await stage.close();
finish();
