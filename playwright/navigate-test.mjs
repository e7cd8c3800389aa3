// A reader walks through the blog: links change the content in place, and everything a browser does around that
// stays as it was: address, title, back, forward, scroll, new tabs, reload.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { contentText, Stage } from "./browser.mjs";

const stage = await Stage.open();
// Enough posts for pages that scroll, over the interface for programs.
const author = stage.server.visitor();
await author.login();
for (let n = 1; n <= 30; n++) {
  const body = Array.from({ length: 60 }, (_, i) => `Paragraph ${i + 1} of post ${n}, long enough to be a line of text.`).join("\n\n") +
    `\n\n## Far below\n\nThe end of post ${n}. [To post 1](/numbered-1/#far-below)`;
  await author.submit("/new", { title: `Numbered ${n}`, slug: "", body, tags: "numbers", published: "true" });
}

await stage.story("every link and form of the wrapper that stays on the site is boosted: N of N", async (visit) => {
  for (const path of ["/", "/archive", "/tags", "/welcome/", "/numbered-3/"]) {
    await visit.go(path);
    const [boosted, expected] = await visit.page.evaluate(() => [
      SxKernel.boosted(),
      [...document.querySelectorAll("[sx-boost='#content'] a[href], [sx-boost='#content'] form")].filter((node) => {
        if (node.closest("[sx-boost='false']")) return false;
        const to = new URL(node.href ?? node.action);
        const samePage = to.href.split("#")[0] === location.href.split("#")[0];
        return to.origin === location.origin && !node.target && !node.hasAttribute("download") && !(to.hash && samePage);
      }).length,
    ]);
    expect.ok(expected > 5, `${path}: ${expected} links`);
    expect.equal(boosted, expected, path);
  }
});

await stage.story("a link swaps the content without loading the page: address, title, heading, focus", async (visit) => {
  await visit.go("/");
  const marker = await visit.marker();
  await visit.follow("Archive");
  expect.equal(visit.path(), "/archive");
  expect.match(await visit.page.title(), /^Archive/);
  expect.equal(await visit.heading(), "Archive");
  expect.equal(await visit.marker(), marker, "the page was not loaded anew");
  expect.equal(await visit.page.evaluate(() => document.activeElement?.textContent), "Archive", "the focus is on the new heading");
  expect.match(await visit.page.locator("#sx-announcer").innerText(), /^Archive/);
  expect.equal(await visit.page.evaluate(() => document.querySelectorAll("#content title").length), 0);
  expect.equal(await visit.page.locator("#content").getAttribute("aria-busy"), null);
});

await stage.story("the request says what it is, and the answer is the fragment alone", async (visit) => {
  await visit.go("/");
  const asked = visit.page.waitForRequest("**/tags");
  await visit.follow("Tags");
  const request = await asked;
  const headers = await request.allHeaders();
  expect.equal(headers["sx-request"], "true");
  expect.equal(headers["sx-boosted"], "true");
  expect.equal(headers["sx-target"], "content");
  expect.equal(headers["sx-current-url"], visit.url("/"));
  expect.equal(request.resourceType(), "fetch");
  const body = await (await request.response()).text();
  expect.match(body, /^\s*<title>/);
  expect.doesNotMatch(body, /<html|<main/);
});

await stage.story("swapped content is boosted again, page after page, and equals what a load would show", async (visit) => {
  await visit.go("/");
  const marker = await visit.marker();
  await visit.follow("Tags");
  await visit.follow("#numbers", "#content");
  await visit.follow("Numbered 30", "#content");
  expect.ok((await visit.page.evaluate(() => SxKernel.boosted())) > 5);
  const swapped = await contentText(visit.page);
  expect.equal(await visit.marker(), marker);
  await visit.page.reload();
  expect.equal(await contentText(visit.page), swapped);
});

await stage.story("back and forward restore content, address, title and scroll", async (visit) => {
  await visit.go("/");
  const marker = await visit.marker();
  await visit.page.evaluate(() => scrollTo(0, 700));
  const before = await visit.scrollY();
  expect.ok(before > 300, `the index scrolls: ${before}`);
  await visit.followInPlace("Numbered 25", "#content");
  expect.equal(await visit.scrollY(), 0, "a new page begins at its top");
  await visit.page.evaluate(() => scrollTo(0, 900));
  const inPost = await visit.scrollY();
  expect.ok(inPost > 500, `the post scrolls: ${inPost}`);
  await visit.followInPlace("Archive");

  await visit.swap(() => visit.page.goBack());
  expect.equal(visit.path(), "/numbered-25/");
  expect.equal(await visit.heading(), "Numbered 25");
  expect.match(await visit.page.title(), /^Numbered 25/);
  expect.equal(await visit.scrollY(), inPost);
  await visit.swap(() => visit.page.goBack());
  expect.equal(visit.path(), "/");
  expect.equal(await visit.scrollY(), before);
  await visit.swap(() => visit.page.goForward());
  expect.equal(visit.path(), "/numbered-25/");
  expect.equal(await visit.scrollY(), inPost);
  expect.equal(await visit.marker(), marker, "all in one document");
});

await stage.story("back shows a kept page without asking again", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  await visit.follow("Tags");
  const asked = [];
  visit.page.on("request", (request) => {
    // Features of the engine, and components that pages share, come when the page has time for them.
    if (request.resourceType() === "fetch" && !/^\/(static|sx\/parts)\//.test(new URL(request.url()).pathname)) asked.push(request.url());
  });
  await visit.swap(() => visit.page.goBack());
  expect.equal(await visit.heading(), "Archive");
  expect.deepEqual(asked, []);
});

await stage.story("back works across a reload in the middle", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  await visit.follow("Tags");
  await visit.page.reload();
  await visit.ready();
  expect.equal(await visit.heading(), "Tags");
  await visit.page.goBack();
  await visit.page.waitForFunction(() => document.querySelector("#content h1")?.textContent === "Archive");
  expect.equal(visit.path(), "/archive");
});

await stage.story("going to another site and back leaves a whole, working page", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  await visit.page.goto("about:blank");
  await visit.page.goBack();
  await visit.page.waitForSelector(".site-header");
  await visit.ready();
  expect.equal(await visit.heading(), "Archive");
  await visit.follow("Tags");
});

await stage.story("reload, and a closed and restored tab, show the whole page and never a bare fragment", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  // The browser's cache may hold a fragment of this address: Vary keeps it apart.
  await visit.page.evaluate(() => fetch("/archive", { headers: { "SX-Request": "true" } }).then((answer) => answer.text()));
  await visit.page.reload();
  expect.equal(await visit.page.locator(".site-header").count(), 1);
  expect.equal(await visit.page.locator("link[rel=stylesheet]").count(), 1);
  const restored = await visit.context.newPage();
  await restored.goto(visit.url("/archive"));
  expect.equal(await restored.locator(".site-header").count(), 1);
  await restored.evaluate(() => fetch("/tags", { headers: { "SX-Request": "true" }, cache: "force-cache" }).then((answer) => answer.text()));
  await restored.goto(visit.url("/tags"));
  await restored.goBack();
  expect.equal(await restored.locator(".site-header").count(), 1);
  await restored.goForward();
  await restored.waitForLoadState();
  expect.equal(await restored.locator(".site-header").count(), 1);
});

await stage.story("a modified or middle click opens a tab and leaves this one alone", async (visit) => {
  await visit.go("/");
  const swaps = await visit.page.evaluate(() => window.seen.swaps);
  for (const options of [{ modifiers: ["Control"] }, { button: "middle" }]) {
    const [tab] = await Promise.all([visit.context.waitForEvent("page"), visit.page.getByRole("link", { name: "Archive", exact: true }).click(options)]);
    await tab.waitForLoadState();
    expect.equal(new URL(tab.url()).pathname, "/archive");
    expect.equal(await tab.locator(".site-header").count(), 1, "a whole page");
    await tab.close();
  }
  expect.equal(await visit.page.evaluate(() => window.seen.swaps), swaps);
  expect.equal(visit.path(), "/");
});

await stage.story("links that leave the site, the window or the page stay the browser's", async (visit) => {
  await visit.go("/welcome/");
  const left = await visit.page.evaluate(async () => {
    const results = {};
    const kinds = {
      external: { href: "https://example.org/x" }, mail: { href: "mailto:me@example.org" }, download: { href: "/feed", download: "feed.json" },
      window: { href: "/archive", target: "_blank" }, hash: { href: "#content" }, disabled: { href: "/archive", "sx-disable": "" },
      unboosted: { href: "/archive", "sx-boost": "false" }, svg: null,
    };
    for (const [kind, attributes] of Object.entries(kinds)) {
      if (!attributes) continue;
      const link = document.createElement("a");
      for (const [name, value] of Object.entries(attributes)) link.setAttribute(name, value);
      document.querySelector("#content").append(link);
      const prevented = new Promise((done) => addEventListener("click", (event) => {
        // After the engine: whether it took the click. Then the browser's own answer is kept out of this story.
        setTimeout(() => done(event.sxTook), 0);
        event.sxTook = event.defaultPrevented;
      }, { once: true, capture: true }));
      const stop = (event) => { event.sxTook = event.defaultPrevented; event.preventDefault(); };
      document.documentElement.addEventListener("click", () => setTimeout(() => {}, 0), { once: true });
      window.addEventListener("click", () => window.addEventListener("click", stop, { once: true }), { once: true, capture: true });
      link.click();
      results[kind] = await prevented;
      link.remove();
    }
    return results;
  });
  for (const [kind, took] of Object.entries(left)) expect.notEqual(took, true, kind);
  expect.equal(visit.path().replace("#content", ""), "/welcome/");
});

await stage.story("a jump within the page is the browser's, and back from it scrolls", async (visit) => {
  await visit.go("/");
  await visit.followInPlace("Archive");
  await visit.followInPlace("Numbered 1", "#content");
  await visit.page.evaluate(() => {
    const part = Object.assign(document.createElement("p"), { id: "a-part", textContent: "a part" });
    const link = Object.assign(document.createElement("a"), { href: "#a-part", textContent: "jump" });
    document.querySelector("#content").append(part);
    document.querySelector("#content h1").after(link);
    scrollTo({ top: 50, behavior: "instant" });
  });
  const before = await visit.scrollY();
  await visit.page.getByRole("link", { name: "jump" }).evaluate((link) => link.click());
  await sleep(100);
  expect.equal(visit.path(), "/numbered-1/#a-part");
  await visit.page.waitForFunction(() => scrollY > 500);
  await sleep(1000);  // the page scrolls smoothly
  await visit.page.goBack();
  await sleep(200);
  expect.equal(visit.path(), "/numbered-1/");
  expect.equal(await visit.scrollY(), before);
  expect.equal(await visit.heading(), "Numbered 1");
});

await stage.story("a link to a part of another page goes to that part", async (visit) => {
  await visit.go("/numbered-2/");
  const marker = await visit.marker();
  await visit.follow("To post 1");
  expect.equal(visit.path(), "/numbered-1/#far-below");
  expect.equal(await visit.marker(), marker);
  if (await visit.page.locator("#far-below").count()) expect.ok((await visit.scrollY()) > 300, "scrolled to the part");
});

await stage.story("what is no page is left to the browser", async (visit) => {
  await visit.go("/");
  await visit.page.evaluate(() => {
    const link = document.createElement("a");
    link.href = "/feed";
    link.textContent = "the feed";
    document.querySelector("#content").append(link);
  });
  await visit.page.getByRole("link", { name: "the feed" }).click();
  await visit.page.waitForURL("**/feed");
  expect.match(await visit.page.evaluate(() => document.contentType), /json/);
});

await stage.story("a missing page is shown in its place with its own address", async (visit) => {
  await visit.go("/");
  const marker = await visit.marker();
  await visit.page.evaluate(() => {
    const link = document.createElement("a");
    link.href = "/nothing-there/";
    link.textContent = "nowhere";
    document.querySelector("#content").append(link);
  });
  await visit.follow("nowhere");
  expect.equal(visit.path(), "/nothing-there/");
  expect.equal(await visit.marker(), marker);
  expect.equal(await visit.page.locator("#content h1").count(), 1);
  await visit.swap(() => visit.page.goBack());
  expect.equal(visit.path(), "/");
}, { allow: /404/ });

await stage.story("a double click is one visit; of several clicks the last one wins", async (visit) => {
  await visit.go("/");
  const asked = [];
  visit.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await visit.swap(() => visit.page.getByRole("link", { name: "Archive", exact: true }).dblclick());
  expect.equal(asked.filter((path) => path === "/archive").length <= 2, true);
  await visit.page.goBack();
  await visit.page.waitForFunction(() => location.pathname === "/");

  // The first answer is slow and comes last: it must not appear.
  await visit.page.route("**/archive", async (route) => { await sleep(600); await route.continue().catch(() => {}); });
  await visit.swap(async () => {
    await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
    await visit.page.getByRole("link", { name: "Tags", exact: true }).click();
  });
  await sleep(900);
  expect.equal(await visit.heading(), "Tags");
  expect.equal(visit.path(), "/tags");
  expect.equal(await visit.page.evaluate(() => document.documentElement.classList.contains("sx-loading")), false);
}, { allow: /ERR_ABORTED/ });

await stage.story("thirty quick clicks end on the last page, with nothing left hanging", async (visit) => {
  await visit.go("/");
  const names = ["Archive", "Tags", "Posts"];
  await visit.page.evaluate((names) => {
    for (let n = 0; n < 30; n++)
      [...document.querySelectorAll(".site-nav a")].find((link) => link.textContent === names[n % 3]).click();
  }, names);
  await visit.page.waitForFunction(() => !document.documentElement.classList.contains("sx-loading"));
  await sleep(300);
  expect.equal(visit.path(), "/");
  expect.equal(await visit.page.locator("[aria-busy]").count(), 0);
});

await stage.story("back while a page is on its way wins over it", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  await visit.page.route("**/tags", async (route) => { await sleep(500); await route.continue().catch(() => {}); });
  await visit.page.getByRole("link", { name: "Tags", exact: true }).click();
  await visit.page.goBack();
  await visit.page.waitForFunction(() => location.pathname === "/" && !document.querySelector("[aria-busy]"));
  await sleep(700);
  expect.equal(visit.path(), "/");
});

await stage.story("a page's own script can keep a click, and a swap, for itself", async (visit) => {
  await visit.go("/");
  await visit.page.evaluate(() => document.addEventListener("click", (event) => event.preventDefault(), { once: true }));
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await sleep(300);
  expect.equal(visit.path(), "/");
  await visit.page.evaluate(() => {
    const stop = SxKernel.on("beforeSwap", (event) => { event.preventDefault(); window.refused = event.detail.path; stop(); });
  });
  await visit.page.getByRole("link", { name: "Tags", exact: true }).click();
  await visit.page.waitForFunction(() => window.refused);
  expect.equal(visit.path(), "/");
});

await stage.story("the way by keyboard alone", async (visit) => {
  await visit.go("/");
  await visit.page.getByRole("link", { name: "Archive", exact: true }).focus();
  await visit.swap(() => visit.page.keyboard.press("Enter"));
  expect.equal(await visit.heading(), "Archive");
  await visit.page.keyboard.press("Tab");
  expect.equal(await visit.page.evaluate(() => document.querySelector("#content").contains(document.activeElement)), true);
});

await stage.story("200 pages later nothing has piled up", async (visit) => {
  await visit.go("/");
  const walk = (count) => visit.page.evaluate(async (count) => {
    const names = ["Archive", "Tags", "Posts"];
    for (let n = 0; n < count; n++) {
      const swapped = new Promise((done) => document.addEventListener("sx:afterSwap", done, { once: true }));
      [...document.querySelectorAll(".site-nav a")].find((link) => link.textContent === names[n % 3]).click();
      await swapped;
    }
  }, count);
  const client = await visit.context.newCDPSession(visit.page);
  const measure = async () => {
    await client.send("HeapProfiler.collectGarbage");
    const { nodes, jsEventListeners } = await client.send("Memory.getDOMCounters");
    return { nodes, jsEventListeners };
  };
  await walk(30);
  const before = await measure();
  await walk(180);
  // The page that was left last may be held a moment longer; what has piled up never goes.
  let after = await measure();
  const small = () => after.nodes <= before.nodes * 1.05 + 50 && after.jsEventListeners <= before.jsEventListeners + 5;
  for (let tries = 0; tries < 20 && !small(); tries++) {
    await sleep(250);
    after = await measure();
  }
  expect.ok(small(), `nodes ${before.nodes} → ${after.nodes}, listeners ${before.jsEventListeners} → ${after.jsEventListeners}`);
});

await stage.story("how long from the click to the content", async (visit) => {
  await visit.go("/");
  const times = await visit.page.evaluate(async () => {
    const names = ["Archive", "Tags", "Posts"];
    const times = [];
    for (let n = 0; n < 45; n++) {
      const swapped = new Promise((done) => document.addEventListener("sx:afterSwap", done, { once: true }));
      const from = performance.now();
      [...document.querySelectorAll(".site-nav a")].find((link) => link.textContent === names[n % 3]).click();
      await swapped;
      times.push(performance.now() - from);
      await new Promise((done) => setTimeout(done, 10));
    }
    return times.slice(6).sort((a, b) => a - b);
  });
  console.log(`# click to content: median ${times[times.length >> 1].toFixed(1)} ms, worst ${times.at(-1).toFixed(1)} ms`);
  expect.ok(times.length > 30);
});

await stage.close();
finish();
