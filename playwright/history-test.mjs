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

const shows = (visit, heading) => visit.page.waitForFunction((text) => document.querySelector("#content h1")?.textContent === text, heading);
/** A link of the page's own, clicked where it stands. */
const jump = (visit, href) => visit.page.evaluate((to) => {
  const link = Object.assign(document.createElement("a"), { href: to });
  document.querySelector("#content").append(link);
  link.click();
}, href);

await stage.story("entries that other code made show their page when it is no longer there, and keep their state", async (visit) => {
  await enter(visit);
  await visit.page.evaluate(() => history.pushState({ tab: 2 }, "", "?tab=2"));
  await jump(visit, "/page/3");
  await shows(visit, "Page 3");
  await back(visit);
  expect.deepEqual([visit.path(), await visit.heading(), await visit.page.evaluate(() => history.state.tab)], ["/page/1?tab=2", "Page 1", 2]);
  await visit.page.goBack();
  await visit.page.waitForURL((url) => !url.search);
  expect.equal(await visit.heading(), "Page 1");
});

await stage.story("a page that cannot be had leaves what is shown, which comes back without a request; asked for again it is tried again", async (visit) => {
  await enter(visit);
  await visit.follow("/secret");
  await visit.follow("/page/3");
  await visit.page.evaluate(() => { document.querySelector("[name=note]").value = "kept"; });
  let gone = true;
  await visit.page.route("**/secret", (route) => (gone ? route.abort() : route.continue()));
  await visit.page.goBack();
  await visit.message().waitFor();
  expect.deepEqual([visit.path(), await visit.heading()], ["/secret", "Page 3"]);
  visit.asked.length = 0;
  await visit.page.goForward();
  await visit.message().waitFor({ state: "detached" });
  expect.deepEqual([visit.path(), await visit.heading(), visit.asked], ["/page/3", "Page 3", []]);
  gone = false;
  await back(visit);
  expect.deepEqual([await visit.heading(), visit.asked], ["Secret", ["GET /secret"]]);
  await forward(visit);
  expect.equal(await visit.page.locator("[name=note]").inputValue(), "kept");
}, { allow: /ERR_FAILED/ });

await stage.story("back and forward in quick turns over a page that is slow end where they should, and mix up nothing", async (visit) => {
  await enter(visit);
  await visit.page.evaluate(() => { document.querySelector("[name=note]").value = "of one"; scrollTo(0, 500); });
  await jump(visit, "/secret");
  await shows(visit, "Secret");
  await visit.follow("/page/3");
  await visit.page.evaluate(() => { document.querySelector("[name=note]").value = "of three"; scrollTo(0, 300); });
  await visit.page.route("**/secret", async (route) => {
    await new Promise((done) => setTimeout(done, 400));
    await route.continue().catch(() => {});
  });
  const state = () => visit.page.evaluate(() => [document.querySelector("#content h1").textContent, document.querySelector("[name=note]")?.value, Math.round(scrollY)]);
  // Past it, while it is on its way.
  await visit.page.evaluate(() => history.back());
  await visit.page.waitForURL("**/secret");
  await visit.page.evaluate(() => history.back());
  await shows(visit, "Page 1");
  expect.deepEqual(await state(), ["Page 1", "of one", 500]);
  await visit.page.evaluate(() => history.forward());
  await visit.page.waitForURL("**/secret");
  await visit.page.evaluate(() => history.forward());
  await shows(visit, "Page 3");
  expect.deepEqual(await state(), ["Page 3", "of three", 300]);
  // To it and away again: what is shown stays.
  visit.asked.length = 0;
  await visit.page.evaluate(() => history.back());
  await visit.page.waitForURL("**/secret");
  await visit.page.evaluate(() => history.forward());
  await visit.page.waitForURL("**/page/3");
  await visit.page.waitForFunction(() => !document.querySelector("[aria-busy], .sx-loading"));
  expect.deepEqual(await state(), ["Page 3", "of three", 300]);
  await back(visit);
  expect.deepEqual(await state(), ["Secret", undefined, 0]);
}, { allow: /ERR_ABORTED/ });

await stage.story("jumps to a part of a swapped page have their own scroll positions, also after another page", async (visit) => {
  await enter(visit);
  await visit.page.evaluate(() => scrollTo(0, 300));
  const box = await visit.page.evaluate(() => Math.round(document.querySelector("#box").getBoundingClientRect().top + scrollY));
  const scrolled = (y) => visit.page.waitForFunction((want) => Math.abs(scrollY - want) < 2, y);
  await jump(visit, "#box");
  await scrolled(box);
  await jump(visit, "/page/3");
  await shows(visit, "Page 3");
  await back(visit);
  await scrolled(box);
  expect.equal(visit.path(), "/page/1#box");
  await visit.page.goBack();
  await scrolled(300);
  expect.deepEqual([visit.path(), await visit.heading()], ["/page/1", "Page 1"]);
});

await stage.story("a page that grows after it came back, as with late images, is scrolled when it is tall enough, unless the visitor scrolls", async (visit) => {
  await enter(visit);
  // What comes late: the page is short when it is put in.
  await visit.page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    document.adoptedStyleSheets.push(sheet);
    window.short = (on) => sheet.replaceSync(on ? "#content{height:100px;overflow:hidden}" : "");
  });
  for (const moves of [false, true]) {
    await visit.page.evaluate(() => scrollTo(0, 1500));
    await jump(visit, "/page/3");
    await shows(visit, "Page 3");
    await visit.page.evaluate(() => window.short(true));
    await back(visit);
    expect.equal(await visit.scrollY(), 0);
    if (moves) await visit.page.mouse.wheel(0, 0);
    await visit.page.evaluate(async () => {
      window.short(false);
      for (let i = 0; i < 3; i++) await new Promise((done) => requestAnimationFrame(done));
    });
    expect.equal(await visit.scrollY(), moves ? 0 : 1500);
  }
});

await stage.story("the focus comes back to the link that was followed, and goes to the heading where there was none", async (visit) => {
  await enter(visit);
  const focus = () => visit.page.evaluate(() => document.activeElement.getAttribute("href") ?? document.activeElement.localName);
  await visit.follow("/page/2");
  expect.equal(await focus(), "h1");
  await visit.follow("/page/3");
  await back(visit);
  expect.equal(await focus(), "/page/3");
  await back(visit);
  expect.equal(await focus(), "/page/2");
  await forward(visit);
  expect.equal(await focus(), "/page/3");
  // Not on something else that stands there now.
  await visit.follow("/secret");
  await visit.page.route("**/page/2", (route) => route.fulfill({ contentType: "text/html", headers: { "SX-Fragment": "true" }, body: '<h1>Page 2</h1><a href="/x">other</a>' }));
  await visit.page.evaluate(() => globalThis.sessionStorage.clear());
  await visit.page.evaluate(() => document.querySelector("#content").setAttribute("sx-history", "false"));
  await visit.swap(() => visit.page.getByRole("link", { name: "/page/2" }).click());
  await visit.page.evaluate(() => { document.querySelector("#content a").focus(); });
  await visit.swap(() => visit.page.goBack());
  expect.equal(await focus(), "/page/2");
  await forward(visit);
  expect.equal(await focus(), "/x");
});

await stage.story("several choices of one list come back", async (visit) => {
  await enter(visit);
  const list = () => visit.page.evaluate(() => [...document.querySelector("[name=many]").selectedOptions].map(({ value }) => value));
  await visit.page.locator("[name=many]").selectOption(["one", "three"]);
  await visit.followInPlace("/page/2");
  expect.deepEqual(await list(), ["two"]);
  await back(visit);
  expect.deepEqual(await list(), ["one", "three"]);
});

await stage.close();

// As it is for visitors: the browser keeps whole documents for going back.
const keeping = await Stage.open({ args: [join(root, "playwright/app/wired.sx")], chromium: { ignoreDefaultArgs: ["--disable-back-forward-cache"] } });
await keeping.story("a document that the browser kept goes on where it was: pages, scroll positions, fields", async (visit) => {
  await enter(visit);
  const walk = (step) => visit.swap(() => visit.page.evaluate((by) => history.go(by), step));
  await visit.page.evaluate(() => {
    document.querySelector("[name=note]").value = "of one";
    scrollTo(0, 900);
    addEventListener("pageshow", ({ persisted }) => { window.persisted = persisted; });
  });
  await visit.followInPlace("/page/2");
  await visit.page.evaluate(() => {
    scrollTo(0, 400);
    setTimeout(() => location.assign("/outside"));
  });
  await visit.page.waitForFunction(() => document.title === "Outside");
  await visit.page.evaluate(() => void setTimeout(() => history.back()));
  await visit.page.waitForFunction(() => window.persisted);
  expect.deepEqual([await visit.heading(), await visit.scrollY()], ["Page 2", 400]);
  await walk(-1);
  expect.deepEqual([await visit.heading(), await visit.scrollY(), await visit.page.locator("[name=note]").inputValue()], ["Page 1", 900, "of one"]);
  await walk(1);
  expect.deepEqual([await visit.heading(), await visit.scrollY()], ["Page 2", 400]);
});

await keeping.close();
finish();
