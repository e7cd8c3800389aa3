// Back and forward from data: a page that was shown is made again of its wire text, without asking the server, also when
// another document stood between; with what was typed and where its parts were scrolled to. What is private, not to be
// stored, or out of date since something was written, is asked for again.
import { join } from "node:path";
import { expect, finish, root } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";
import { speakWire } from "./wire.mjs";

const stage = await Stage.open({ args: [join(root, "playwright/app/wired.sx")] });

/** Page 1, with the engine knowing that the server speaks text/sx. */
async function enter(visit) {
  await speakWire(visit, "/page/2", "/page/1");
  visit.asked = [];
  visit.page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (!/^\/(static|sx|wired)/.test(pathname)) visit.asked.push(`${request.method()} ${pathname}${request.isNavigationRequest() ? " document" : ""}`);
  });
}
const visits = (visit) => visit.page.locator("#visits").innerText();
const back = (visit) => visit.swap(() => visit.page.goBack());
const forward = (visit) => visit.swap(() => visit.page.goForward());
/** To another document, which the engine has no part in. */
async function leave(visit) {
  await visit.page.getByRole("link", { name: "outside" }).click();
  await visit.page.waitForFunction(() => document.title === "Outside");
}
async function comeBack(visit) {
  await visit.page.goBack();
  await visit.ready();
}

await stage.story("back and forward make pages of their wire text: no request, the same visit", async (visit) => {
  await enter(visit);
  await visit.follow("/page/2");
  const second = await visits(visit);
  await visit.follow("/page/3");
  const third = await visits(visit);
  visit.asked.length = 0;
  await back(visit);
  expect.deepEqual([await visit.heading(), await visits(visit), await visit.page.title(), visit.path()], ["Page 2", second, "Page 2", "/page/2"]);
  await forward(visit);
  expect.deepEqual([await visit.heading(), await visits(visit)], ["Page 3", third]);
  expect.deepEqual(visit.asked, []);
});

await stage.story("what scripts did to a page is not what comes back", async (visit) => {
  await enter(visit);
  await visit.follow("/page/2");
  await visit.page.evaluate(() => {
    document.querySelector("#content h1").textContent = "Changed";
    document.querySelector("#content").append(Object.assign(document.createElement("u"), { className: "widget" }));
  });
  await visit.follow("/page/3");
  await back(visit);
  expect.equal(await visit.heading(), "Page 2");
  expect.equal(await visit.page.locator("u.widget").count(), 0);
});

await stage.story("pages come back without a request after another document was shown", async (visit) => {
  await enter(visit);
  await visit.follow("/page/2");
  const second = await visits(visit);
  await visit.follow("/page/3");
  const third = await visits(visit);
  await visit.follow("/page/1");
  await leave(visit);
  await comeBack(visit);
  expect.equal(await visit.heading(), "Page 1");
  visit.asked.length = 0;
  await back(visit);
  expect.deepEqual([await visit.heading(), await visits(visit), await visit.page.title(), visit.path()], ["Page 3", third, "Page 3", "/page/3"]);
  await back(visit);
  expect.deepEqual([await visit.heading(), await visits(visit), await visit.page.title(), visit.path()], ["Page 2", second, "Page 2", "/page/2"]);
  expect.deepEqual(visit.asked, []);
});

await stage.story("what is kept for another document is data: wire text, no HTML of the page", async (visit) => {
  await enter(visit);
  await visit.follow("/page/2");
  await visit.follow("/page/3");
  await leave(visit);
  const kept = await visit.page.evaluate(() => JSON.parse(sessionStorage.getItem("sx:pages")));
  const texts = Object.values(kept.pages).map(({ wire }) => wire);
  expect.ok(texts.length >= 2, JSON.stringify(kept).slice(0, 300));
  for (const text of texts) {
    expect.match(text, /^\(sx 1 \["[0-9a-f]{32}"/);
    expect.doesNotMatch(text, /<(main|div|p|form)/);
  }
});

await stage.story("a private page is asked for again after another document, one that is not to be stored always", async (visit) => {
  await enter(visit);
  await visit.follow("/private");
  await visit.follow("/page/3");
  visit.asked.length = 0;
  await back(visit);
  expect.deepEqual(visit.asked, []);
  await forward(visit);
  await leave(visit);
  expect.doesNotMatch(await visit.page.evaluate(() => sessionStorage.getItem("sx:pages")), /Private/);
  await comeBack(visit);
  visit.asked.length = 0;
  await back(visit);
  expect.equal(await visit.heading(), "Private");
  expect.deepEqual(visit.asked, ["GET /private"]);
  await visit.follow("/secret");
  await visit.follow("/page/3");
  visit.asked.length = 0;
  await back(visit);
  expect.equal(await visit.heading(), "Secret");
  expect.deepEqual(visit.asked, ["GET /secret"]);
});

await stage.story("what was written makes kept pages out of date: they are asked for again", async (visit) => {
  await enter(visit);
  await visit.follow("/page/2");
  await visit.swap(() => visit.page.getByRole("button", { name: "write", exact: true }).click());
  visit.asked.length = 0;
  await back(visit);
  expect.equal(await visit.heading(), "Page 2");
  expect.deepEqual(visit.asked, ["GET /page/2"]);
});

await stage.story("a form that is sent without the engine does so too", async (visit) => {
  await enter(visit);
  await visit.follow("/page/2");
  await visit.follow("/page/3");
  await visit.page.getByRole("button", { name: "leave and write" }).click();
  await visit.page.waitForFunction(() => document.querySelector("#visits") && document.documentElement.dataset.sxReady === "true" && !window.seen.swaps);
  expect.doesNotMatch(await visit.page.evaluate(() => sessionStorage.getItem("sx:pages") ?? ""), /Page 2/);
});

await stage.story("parts that scroll, the window, and what was typed come back; passwords and fields without completion do not", async (visit) => {
  await enter(visit);
  const fill = () => visit.page.evaluate(() => {
    document.querySelector("[name=note]").value = "half a thought";
    document.querySelector("[name=secret]").value = "secret";
    document.querySelector("[name=off]").value = "never";
    document.querySelector("[name=tick]").checked = true;
    document.querySelector("[name=pick]").value = "two";
    [...document.querySelectorAll(".viewport")].forEach((node, n) => node.scrollTo(30 + n, 200 + n));
    scrollTo(0, 500);
  });
  const state = () => visit.page.evaluate(() => [
    ...["note", "secret", "off", "pick"].map((name) => document.querySelector(`[name=${name}]`).value), document.querySelector("[name=tick]").checked,
    ...[...document.querySelectorAll(".viewport")].map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]), Math.round(scrollY),
  ]);
  const whole = ["half a thought", "", "", "two", true, [30, 200], [31, 201], [0, 0], 500];
  await fill();
  await visit.followInPlace("/page/2");
  expect.deepEqual(await state(), ["", "", "", "one", false, [0, 0], [0, 0], [0, 0], 0]);
  await back(visit);
  expect.deepEqual(await state(), whole);
  // Away by going back and forward, not by a link.
  await forward(visit);
  await back(visit);
  expect.deepEqual(await state(), whole);
  // And after another document.
  await visit.followInPlace("/page/3");
  await leave(visit);
  await comeBack(visit);
  await back(visit);
  expect.equal(await visit.heading(), "Page 1");
  expect.deepEqual(await state(), whole);
});

await stage.story("kept text that is damaged, or of templates that the server no longer has, is asked for again", async (visit) => {
  await enter(visit);
  await visit.follow("/page/2");
  await visit.follow("/page/3");
  await leave(visit);
  await visit.page.evaluate(() => {
    const kept = JSON.parse(sessionStorage.getItem("sx:pages"));
    for (const page of Object.values(kept.pages)) page.wire = page.wire.slice(0, -20);
    sessionStorage.setItem("sx:pages", JSON.stringify(kept));
  });
  await comeBack(visit);
  visit.asked.length = 0;
  await back(visit);
  expect.equal(await visit.heading(), "Page 2");
  expect.deepEqual(visit.asked, ["GET /page/2"]);
});

await stage.close();
finish();
