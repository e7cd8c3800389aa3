// The same blog without JavaScript: every page of the tour is whole, its links and forms work, and its content is
// the text that the engine shows.
import { admin, expect, finish } from "../tests/process/harness.mjs";
import { contentText, Stage } from "./browser.mjs";

const stage = await Stage.open();
const plain = { plain: true, context: { javaScriptEnabled: false } };

/** Every address that the pages link to, from the start page on. */
async function addresses() {
  const seen = new Set(["/"]);
  for (const path of seen) {
    const { text, headers, status } = await stage.server.get(path);
    if (status !== 200 || !/^text\/html/.test(headers["content-type"] ?? "")) {
      seen.delete(path);  // for authors only, or no page
      continue;
    }
    for (const [, href] of text.matchAll(/<a\b[^>]*\bhref="([^"#]*)/g)) {
      const url = new URL(href.replaceAll("&amp;", "&"), stage.server.url + path);
      if (url.origin === stage.server.url && !/^\/(static|blob|feed|rss|sitemap)/.test(url.pathname)) seen.add(url.pathname + url.search);
    }
  }
  return [...seen];
}

const tour = await addresses();
const texts = new Map();

await stage.story("without JavaScript every page of the tour is whole and leads on", async (visit) => {
  expect.ok(tour.length > 8, `pages: ${tour.join(" ")}`);
  for (const path of tour) {
    const answer = await visit.page.goto(visit.url(path));
    expect.equal(answer.status(), 200, path);
    expect.equal(await visit.page.locator("#content").count(), 1, path);
    expect.ok(await visit.page.locator("#content h1").count(), `${path} has a heading`);
    texts.set(path, await visit.page.locator("#content").innerText());
  }
}, plain);

await stage.story("with the engine the content of every page of the tour is the same text", async (visit) => {
  await visit.go("/");
  for (const path of tour) {
    await visit.page.evaluate((path) => {
      const link = Object.assign(document.createElement("a"), { href: path, textContent: "there", id: "there" });
      document.querySelector(".site").append(link);
    }, path);
    await visit.swap(() => visit.page.evaluate(() => document.querySelector("#there").click())).catch((error) => expect.fail(`${path}: ${error.message}, at ${visit.page.url()}`));
    await visit.page.evaluate(() => document.querySelector("#there").remove());
    const flat = (text) => text.replace(/\s+/g, " ").trim();
    expect.equal(flat(await visit.page.locator("#content").innerText()), flat(texts.get(path)), path);
    expect.ok((await contentText(visit.page)).length > 0);
  }
});

await stage.story("without JavaScript a reader walks by links and goes back", async (visit) => {
  await visit.page.goto(visit.url("/"));
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.page.waitForURL("**/archive");
  await visit.page.locator("#content a").first().click();
  await visit.page.waitForURL((url) => url.pathname !== "/archive");
  await visit.page.goBack();
  expect.equal(new URL(visit.page.url()).pathname, "/archive");
}, plain);

await stage.story("without JavaScript an author logs in, writes, edits and deletes", async (visit) => {
  const { page } = visit;
  await page.goto(visit.url("/new"));
  expect.match(page.url(), /\/login\?next=/);
  await page.locator('#content input[name="username"], #content input[name="user"]').first().fill(admin.name);
  await page.locator('#content input[type="password"]').fill(admin.password);
  await page.locator('#content button[type="submit"]').click();
  await page.waitForURL("**/new");
  await page.locator('[name="title"]').fill("By hand");
  await page.locator('[name="body"]').fill("Plain *text*.");
  await page.locator('[name="published"]').check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL("**/by-hand/");
  expect.equal(await page.locator("#content em").innerText(), "text");
  await page.locator("#content").getByRole("link", { name: "Edit", exact: true }).click();
  await page.locator('[name="body"]').fill("Plainer.");
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL("**/by-hand/");
  expect.match(await page.locator("#content").innerText(), /Plainer/);
  await page.locator("#content").getByRole("link", { name: "Edit", exact: true }).click();
  await page.locator("#content details summary").click({ timeout: 2000 }).catch(() => {});
  await page.getByRole("button", { name: /Delete/ }).click();
  await page.waitForURL((url) => !url.pathname.includes("by-hand"));
  expect.notEqual((await stage.server.get("/by-hand/")).status, 200);
}, plain);

await stage.close();
finish();
