// What a reader sees when the network or the server is not at its best: waiting is shown, errors are told and
// announced beside the content, and nothing that is on the screen is lost.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { contentText, Stage } from "./browser.mjs";

const stage = await Stage.open();
const archive = (visit) => visit.page.getByRole("link", { name: "Archive", exact: true });

await stage.story("a slow answer is shown at once to machines, soon to eyes and ears", async (visit) => {
  await visit.go("/");
  await visit.page.route("**/archive", async (route) => { await sleep(900); await route.continue(); });
  await visit.swap(async () => {
    await archive(visit).click();
    expect.equal(await visit.page.locator("#content").getAttribute("aria-busy"), "true");
    expect.equal(await visit.page.locator("html.sx-loading").count(), 1);
    await visit.page.waitForSelector("html.sx-slow");
    expect.equal(await visit.page.locator("#sx-announcer").innerText(), "Loading");
    await visit.screenshot("slow");
  });
  expect.equal(await visit.page.locator("html.sx-loading, html.sx-slow, [aria-busy]").count(), 0);
});

await stage.story("a quick answer shows no waiting", async (visit) => {
  await visit.go("/");
  await visit.page.evaluate(() => {
    window.slow = 0;
    new MutationObserver(() => document.documentElement.classList.contains("sx-slow") && window.slow++)
      .observe(document.documentElement, { attributes: true });
  });
  await visit.follow("Archive");
  await sleep(400);
  expect.equal(await visit.page.evaluate(() => window.slow), 0);
});

await stage.story("a very slow answer is put into words; trying again gives up the first request", async (visit) => {
  await visit.go("/");
  let first = true;
  await visit.page.route("**/archive", async (route) => {
    if (!first) return route.continue();
    first = false;
    await sleep(20_000);
    await route.abort().catch(() => {});
  });
  await archive(visit).click();
  await visit.message().waitFor({ timeout: 15_000 });
  expect.match(await visit.message().innerText(), /Still waiting/);
  await visit.swap(() => visit.page.getByRole("button", { name: "Try again" }).click());
  expect.equal(await visit.heading(), "Archive");
  expect.equal(await visit.message().count(), 0);
});

await stage.story("no connection: the page stays, the message is an alert, trying again goes on", async (visit) => {
  await visit.go("/");
  const before = await contentText(visit.page);
  await visit.context.setOffline(true);
  await archive(visit).click();
  await visit.message().waitFor();
  expect.equal(await visit.page.locator("#sx-messages").getAttribute("role"), "alert");
  expect.match(await visit.message().innerText(), /No connection/);
  expect.equal(await contentText(visit.page), before);
  expect.equal(visit.path(), "/");
  expect.equal(await visit.page.locator("html.sx-loading, [aria-busy]").count(), 0);
  await visit.page.getByRole("button", { name: "Try again" }).click();
  await visit.message().waitFor();
  await visit.context.setOffline(false);
  await visit.swap(() => visit.page.getByRole("button", { name: "Try again" }).click());
  expect.equal(await visit.heading(), "Archive");
}, { allow: /ERR_INTERNET_DISCONNECTED/ });

await stage.story("a connection that breaks in the middle of the answer is told", async (visit) => {
  await visit.go("/");
  await visit.page.route("**/archive", (route) => route.abort("connectionreset"));
  await archive(visit).click();
  await visit.message().waitFor();
  expect.match(await visit.message().innerText(), /No connection/);
  await visit.page.getByRole("button", { name: "Dismiss" }).click();
  expect.equal(await visit.message().count(), 0);
}, { allow: /ERR_CONNECTION_RESET/ });

for (const [status, words] of [[500, /met an error.*500/s], [502, /not available.*502/s], [429, /Too many/], [403, /Not allowed/]])
  await stage.story(`an answer ${status} that is not meant for the content is told beside it`, async (visit) => {
    await visit.go("/");
    const before = await contentText(visit.page);
    await visit.page.route("**/archive", (route) => route.fulfill({ status, contentType: "text/html", body: "<h1>From the proxy</h1>" }));
    await archive(visit).click();
    await visit.message().waitFor();
    expect.match(await visit.message().innerText(), words);
    expect.equal(await contentText(visit.page), before);
    expect.equal(visit.path(), "/");
  }, { allow: new RegExp(String(status)) });

await stage.story("a whole document instead of a fragment is loaded as one", async (visit) => {
  await visit.go("/");
  const marker = await visit.marker();
  await visit.page.route("**/archive", (route) =>
    route.fulfill({ status: 200, contentType: "text/html", body: "<!doctype html><title>Other</title><h1>Another document</h1>" }));
  await archive(visit).click();
  await visit.page.getByText("Another document").waitFor();
  expect.notEqual(await visit.page.evaluate(() => window.seen.marker), marker);
});

await stage.story("a redirect shows the address where it ends", async (visit) => {
  await visit.go("/");
  await visit.page.evaluate(() => {
    const link = Object.assign(document.createElement("a"), { href: "/welcome", textContent: "without its slash" });
    document.querySelector("#content").append(link);
  });
  await visit.follow("without its slash");
  expect.equal(visit.path(), "/welcome/");
});

await stage.story("the answer's scripts, handlers and frames do nothing", async (visit) => {
  await visit.go("/");
  await visit.page.route("**/archive", (route) => route.fulfill({
    status: 200, contentType: "text/html", headers: { "SX-Fragment": "true" },
    body: `<title>Odd</title><h1>Odd</h1><script>window.ran = 1</script><img src="/x.png" onerror="window.ran = 2"><svg><script>window.ran = 3</script></svg>`,
  }));
  await visit.follow("Archive");
  await sleep(200);
  expect.equal(await visit.page.evaluate(() => window.ran), undefined);
  await visit.page.evaluate(() => (window.seen.violations.length = 0));  // the handler was refused: that is the point
}, { allow: /404|inline event handler|violates|Refused/ });

await stage.story("a table's rows and a long page arrive whole", async (visit) => {
  await visit.go("/");
  const rows = Array.from({ length: 20_000 }, (_, n) => `<tr><td>${n}</td><td>row &amp; ${"x".repeat(80)}</td></tr>`).join("");
  await visit.page.route("**/archive", (route) => route.fulfill({
    status: 200, contentType: "text/html; charset=utf-8", headers: { "SX-Fragment": "true" }, body: `<title>Big</title><h1>Big</h1><table><tbody>${rows}</tbody></table>`,
  }));
  await visit.follow("Archive");
  expect.equal(await visit.page.locator("#content tr").count(), 20_000);
});

await stage.story("the server going away and coming back", async (visit) => {
  await visit.go("/");
  await stage.server.stop();
  await archive(visit).click();
  await visit.message().waitFor();
  await stage.server.start();
  await visit.swap(() => visit.page.getByRole("button", { name: "Try again" }).click());
  expect.equal(await visit.heading(), "Archive");
}, { allow: /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/ });

await stage.close();
finish();
