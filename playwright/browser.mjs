// Debian's Chromium for the stories of this folder: one browser per file, a context per story, and what every story
// expects without saying so: no script error, no console error, no violation of the content security policy.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "../tests/node_modules/playwright-core/index.mjs";
import { admin, expect, root, startServer, test } from "../tests/process/harness.mjs";
import { Proxy } from "./proxy.mjs";

const kFlags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run",
  "--disable-component-update", "--disable-sync"];
const kScreenshots = join(root, "build/screenshots");
// What a story that failed looked like, and its trace (npx playwright show-trace FILE).
const kFailures = join(root, "build/playwright-failures");

/** What the page itself notes for a story: swaps and refused content. */
function watch() {
  const seen = { swaps: 0, violations: [], marker: Math.random() };
  Object.assign(window, { seen });
  document.addEventListener("sx:afterSwap", () => seen.swaps++);
  document.addEventListener("securitypolicyviolation", (event) => seen.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
}

/** A browser and a real server, with posts to walk through. */
export class Stage {
  /** proxy: visitors come through a proxy that can be slow or gone (stage.proxy); chromium: how it is started.
   *  @param {Parameters<typeof startServer>[0] & {proxy?: boolean, chromium?: object}} [options] */
  static async open({ proxy = false, chromium: how = {}, ...options } = {}) {
    const stage = new Stage();
    stage.server = await startServer({ args: ["--demo"], ...options });
    if (proxy) stage.proxy = await Proxy.open(stage.server.url);
    stage.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: kFlags, ...how });
    return stage;
  }

  async close() {
    await this.browser?.close();
    await this.proxy?.close();
    await this.server?.dispose();
  }

  /** Tells one story in a context of its own.
   *  @param {string} name @param {(page: Visit) => Promise<void>} body
   *  @param {{context?: object, allow?: RegExp, plain?: boolean, worker?: boolean}} [options] allow: console errors that
   *  belong to the story; worker: with the service worker, whose requests page.route() does not see */
  async story(name, body, options = {}) {
    await test(name, async () => {
      try {
        await this.tell(name, body, options, false);
      } catch (error) {
        // Tracing doubles the time of a story, so only one that failed is traced, in a second run.
        const again = await this.tell(name, body, options, true).then(() => "passed: it is not steady", () => "failed too");
        console.log(`# "${name}" ran a second time, for its trace, and ${again}`);
        throw error;
      }
    });
  }

  /** @param {string} name @param {(page: Visit) => Promise<void>} body @param {any} options @param {boolean} traced */
  async tell(name, body, { context = {}, allow, plain = false, worker = false }, traced) {
    const visit = new Visit(this, await this.browser.newContext(context), allow);
    try {
      if (!plain) await visit.context.addInitScript(watch);
      if (!worker) await visit.context.addInitScript(() => Object.defineProperty(Navigator.prototype, "serviceWorker", { get() {} }));
      if (traced) await startTrace(visit.context);
      await visit.open();
      await body(visit);
      expect.deepEqual(visit.problems, [], "errors in the console");
      if (!plain) expect.deepEqual(await visit.page.evaluate(() => window.seen?.violations ?? []), [], "violations of the policy");
    } catch (error) {
      if (!traced) await keepScreenshot(visit.page, name);
      throw error;
    } finally {
      if (traced) await keepTrace(visit.context, name);
      await visit.context.close();
    }
  }
}

/** Where what is left of a failure stands. @param {string} story */
function kept(story) {
  mkdirSync(kFailures, { recursive: true });
  return join(kFailures, story.replace(/[^\w]+/g, "-").slice(0, 80));
}

/** @param {import("playwright-core").Page | undefined} page @param {string} story */
export async function keepScreenshot(page, story) {
  await page?.screenshot({ path: `${kept(story)}.png`, fullPage: true, timeout: 5000 }).then(() => console.log(`# kept: ${kept(story)}.png`), () => {});
}

/** @param {import("playwright-core").BrowserContext} context */
export const startTrace = (context) => context.tracing.start({ screenshots: true, snapshots: true });

/** @param {import("playwright-core").BrowserContext} context @param {string} story */
export async function keepTrace(context, story) {
  await context.tracing.stop({ path: `${kept(story)}.zip` }).then(() => console.log(`# kept: ${kept(story)}.zip`), () => {});
}

/** A visitor with a page. */
export class Visit {
  problems = [];
  warnings = [];

  constructor(stage, context, allow) {
    this.stage = stage;
    this.server = stage.server;
    this.context = context;
    this.allow = allow;
  }

  async open() {
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(10_000);
    this.listen(this.page);
  }

  /** @param {import("playwright-core").Page} page */
  listen(page) {
    const note = (text) => void (this.allow?.test(text) || this.problems.push(text));
    page.on("console", (message) => {
      if (message.type() === "error") note(message.text());
      if (message.type() === "warning") this.warnings.push(message.text());
    });
    page.on("pageerror", (error) => note(`uncaught: ${error.message}`));
  }

  url(path = "/") {
    return (this.stage.proxy ?? this.server).url + path;
  }

  /** Loads a page as a document and waits until the engine runs. */
  async go(path = "/") {
    await this.page.goto(this.url(path));
    await this.ready();
  }

  async ready() {
    await this.page.waitForFunction(() => document.documentElement.dataset.sxReady === "true", null, { timeout: 15_000, polling: 20 }).catch(async (error) => {
      const state = await this.page.evaluate(() => [document.documentElement.dataset.sxReady, document.visibilityState, performance.getEntriesByName("sx-ready").length, String(globalThis.SxKernel?.error)]).catch(String);
      error.stack += `\nready, visible, became ready, error: ${state}\nconsole: ${this.problems.join("; ")}`;
      throw error;
    });
  }

  /** Does something that must end in one swap, and waits for that. @param {() => Promise<unknown>} action */
  async swap(action) {
    const before = await this.page.evaluate(() => window.seen.swaps);
    await action();
    // Not by frames: some pages of the stories have none.
    await this.page.waitForFunction((count) => window.seen?.swaps > count, before, { timeout: 10_000, polling: 20 });
  }

  /** Clicks the first link with that text. @param {string} text */
  async follow(text, within = "body") {
    await this.swap(() => this.page.locator(within).getByRole("link", { name: text, exact: true }).first().click());
  }

  /** The same without moving the page to the link first, as a click by hand does. @param {string} text */
  async followInPlace(text, within = "body") {
    const link = this.page.locator(within).getByRole("link", { name: text, exact: true }).first();
    await this.swap(() => link.evaluate((node) => /** @type {HTMLElement} */ (node).click()));
  }

  path() {
    const { pathname, search, hash } = new URL(this.page.url());
    return decodeURIComponent(pathname) + search + hash;
  }

  heading() {
    return this.page.locator("#content h1").first().innerText();
  }

  /** What tells this document from another one: it changes when the page is loaded anew. */
  marker() {
    return this.page.evaluate(() => window.seen.marker);
  }

  scrollY() {
    return this.page.evaluate(() => Math.round(scrollY));
  }

  message() {
    return this.page.locator("#sx-messages .sx-message");
  }

  async login() {
    await this.go("/login");
    await this.page.locator('#content input[name="username"], #content input[name="user"]').first().fill(admin.name);
    await this.page.locator('#content input[type="password"]').fill(admin.password);
    await this.page.locator('#content button[type="submit"]').click();
    await this.page.waitForURL((url) => url.pathname !== "/login");
    await this.ready();
  }

  /** @param {string} name */
  async screenshot(name) {
    mkdirSync(kScreenshots, { recursive: true });
    await this.page.screenshot({ path: join(kScreenshots, `${name}.png`), fullPage: true });
  }
}

/** The text of an element with white space put together, for comparing pages. @param {import("playwright-core").Page} page */
export const contentText = (page) =>
  page.locator("#content").evaluate((node) => (node.textContent ?? "").replace(/\s+/g, " ").trim());
