// Every reader: axe-core finds nothing on any page, before and after swaps and while something is told; focus, announcements,
// motion and waiting behave.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, finish, root, sleep } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open({ proxy: true });
const proxy = stage.proxy;
const axe = readFileSync(join(root, "tests/node_modules/axe-core/axe.min.js"), "utf8");

/** All rules but those marked experimental; nothing is left out. @param {import("./browser.mjs").Visit} visit @param {string} where */
async function clean(visit, where) {
  if (!(await visit.page.evaluate(() => "axe" in window))) await visit.page.evaluate(axe);
  const found = await visit.page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`));
  expect.deepEqual(found, [], where);
}
const focused = (visit) => visit.page.evaluate(() => document.activeElement.localName + (document.activeElement.id && `#${document.activeElement.id}`));
const spoken = (visit) => visit.page.locator("#sx-announcer").innerText();

const kPaths = ["/", "/archive", "/tags", "/login", "/welcome/", "/none"];
for (const path of kPaths)
  await stage.story(`axe finds nothing at ${path}`, async (visit) => {
    await visit.go(path);
    await clean(visit, path);
  }, { allow: /404/ });

await stage.story("axe finds nothing after swaps from page to page, nor on the way back", async (visit) => {
  await visit.go("/");
  for (const name of ["Archive", "Tags"]) {
    await visit.follow(name);
    await clean(visit, `swapped: ${name}`);
  }
  await visit.page.goBack();
  await visit.page.getByRole("heading", { level: 1, name: "Archive" }).waitFor();
  await clean(visit, "back");
  await visit.swap(() => visit.page.locator("#content a").first().click());
  await clean(visit, "a post");
});

await stage.story("axe finds nothing on the pages of the author", async (visit) => {
  await visit.login();
  for (const path of ["/new", "/drafts", "/settings"]) {
    await visit.go(path);
    await clean(visit, path);
  }
});

await stage.story("axe finds nothing while an error is told, a notice stands, or an answer is late", async (visit) => {
  await visit.go("/");
  proxy.rule = () => ({ status: 500 });
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.message().waitFor();
  await clean(visit, "an error");
  await visit.page.getByRole("button", { name: "Dismiss" }).click();
  await visit.context.setOffline(true);
  await visit.page.locator(".sx-notice").waitFor();
  await clean(visit, "a notice");
  await visit.context.setOffline(false);
  await visit.page.locator(".sx-notice").waitFor({ state: "detached" });
  proxy.rule = () => ({ delayMs: 2500 });
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.page.waitForSelector("html.sx-slow");
  await clean(visit, "waiting");
  proxy.rule = () => undefined;
  // What the engine fetches ahead when it is idle may be on its way when the connection goes: the browser notes that.
}, { allow: /500|ERR_INTERNET_DISCONNECTED/ });

await stage.story("a visit in place moves the focus to the heading and tells its title", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  expect.equal(await focused(visit), "h1");
  expect.match(await spoken(visit), /Archive/);
  expect.equal(await visit.page.locator("#sx-announcer").getAttribute("aria-live"), "polite");
  const box = await visit.page.locator("#sx-announcer").boundingBox();
  expect.ok(box.width <= 1 && box.height <= 1, "it is heard, not seen");
});

await stage.story("the keyboard alone: skip link, navigation, a link, back", async (visit) => {
  await visit.go("/");
  await visit.page.keyboard.press("Tab");
  expect.equal(await visit.page.evaluate(() => document.activeElement.getAttribute("href")), "#content");
  await visit.page.keyboard.press("Enter");
  expect.equal(await focused(visit), "main#content");
  await visit.page.evaluate(() => [...document.querySelectorAll("nav a")].find((link) => link.textContent === "Archive").focus());
  await visit.swap(() => visit.page.keyboard.press("Enter"));
  expect.equal(await focused(visit), "h1");
  await visit.page.keyboard.press("Tab");
  expect.equal(await visit.page.evaluate(() => document.querySelector("#content").contains(document.activeElement)), true, "the focus goes on inside the content");
});

await stage.story("the bar comes after 300 ms and not before, and the target says that it is busy from the start", async (visit) => {
  await visit.go("/");
  proxy.rule = (request) => (request.url === "/archive" ? { delayMs: 900 } : undefined);
  const times = await visit.page.evaluate(() => new Promise((resolve) => {
    const began = performance.now();
    /** @type {Record<string, number>} */
    const seen = {};
    const look = () => {
      const root = document.documentElement;
      if (root.classList.contains("sx-slow")) seen.bar ??= performance.now() - began;
      if (document.querySelector("#content").getAttribute("aria-busy") === "true") seen.busy ??= performance.now() - began;
      if (seen.busy !== undefined && !document.querySelector("[aria-busy]")) resolve({ ...seen, over: performance.now() - began, left: root.className });
    };
    new MutationObserver(look).observe(document, { attributes: true, subtree: true });
    [...document.querySelectorAll("nav a")].find((link) => link.textContent === "Archive").click();
    look();
  }));
  expect.ok(times.busy < 250, `busy after ${times.busy} ms`);
  expect.ok(times.bar >= 295 && times.bar < 850, `the bar after ${times.bar} ms`);
  expect.doesNotMatch(times.left, /sx-(slow|loading)/);
  proxy.rule = () => undefined;
});

await stage.story("who wants little motion gets a bar that stands still, and no smooth scrolling", async (visit) => {
  await visit.go("/");
  proxy.rule = (request) => (request.url === "/archive" ? { delayMs: 1200 } : undefined);
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.page.waitForSelector("html.sx-slow");
  expect.equal(await visit.page.evaluate(() => getComputedStyle(document.documentElement, "::before").animationName), "none");
  await visit.page.getByRole("heading", { level: 1, name: "Archive" }).waitFor();
  proxy.rule = () => undefined;
}, { context: { reducedMotion: "reduce" } });

await stage.story("a connection that is cut in the middle of the answer leaves the page, and trying again works", async (visit) => {
  await visit.go("/");
  proxy.rule = (request) => (request.url === "/archive" ? { cutAfter: 200, headers: { "content-encoding": "identity" } } : undefined);
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.message().waitFor();
  expect.notEqual(await visit.heading(), "Archive");
  proxy.rule = () => undefined;
  await visit.swap(() => visit.page.getByRole("button", { name: "Try again" }).click());
  expect.equal(await visit.heading(), "Archive");
}, { allow: /ERR_/ });

await stage.story("a thin line: the page is read while the kernel arrives, and links work meanwhile", async (visit) => {
  proxy.rule = (request) => (/kernel\..*wasm/.test(request.url) ? { bytesPerSecond: 40_000 } : undefined);
  await visit.page.goto(visit.url("/"));
  await sleep(300);
  expect.equal(await visit.page.evaluate(() => SxKernel.ready), false);
  await visit.page.getByRole("link", { name: "Tags", exact: true }).click();
  await visit.page.waitForURL("**/tags");
  proxy.rule = () => undefined;
});

await stage.story("four times the size of text: nothing is cut off, nothing scrolls sideways", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  expect.equal(await visit.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await visit.screenshot("zoom-400");
}, { context: { viewport: { width: 320, height: 256 } } });

await stage.story("colours of the reader's choice: the message is still framed", async (visit) => {
  await visit.go("/");
  proxy.rule = () => ({ status: 502 });
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.message().waitFor();
  expect.notEqual(await visit.message().evaluate((node) => getComputedStyle(node).borderTopWidth), "0px");
  await visit.screenshot("forced-colors");
  proxy.rule = () => undefined;
}, { context: { forcedColors: "active" }, allow: /502/ });

await stage.close();
finish();
