// The same page with htmx's own file and with ours in its place: what was asked of the server, what the page became and what
// was answered is compared. Nothing is expected but that both are the same, and that something happened.
// Both without a content security policy, as pages written for htmx are; under the policy: htmx-test.mjs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseFragment } from "../tests/node_modules/parse5/dist/index.js";
import { expect, root, sleep, test } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";
import { build, tree } from "./lab.mjs";

/** In the page, before anything else: notes events of htmx, and what the visitor is asked. */
function watch() {
  Object.defineProperty(Navigator.prototype, "serviceWorker", { get() {} });
  Object.assign(window, { log: [], details: [], pace: 1 });
  const { setTimeout, setInterval } = window;
  window.setTimeout = (work, ms = 0, ...more) => setTimeout(work, ms * window.pace, ...more);
  window.setInterval = (work, ms = 0, ...more) => setInterval(work, ms * window.pace, ...more);
  window.confirm = (text) => { window.log.push(`confirm ${text}`); return !/no/.test(text); };
  window.prompt = (text) => { window.log.push(`prompt ${text}`); return /no/.test(text) ? null : "typed"; };
  const dispatch = EventTarget.prototype.dispatchEvent;
  EventTarget.prototype.dispatchEvent = function (event) {
    if (/^htmx:[a-zA-Z:]+$/.test(event.type)) window.log.push(event.type.slice(5));
    return dispatch.call(this, event);
  };
}

/** One of the two pages. */
class Side {
  asked = [];
  pending = 0;

  /** @param {Parity} parity @param {string} [theirs] htmx's own file */
  constructor(parity, theirs) { Object.assign(this, { parity, theirs, stage: parity.stage, home: `/lab?htmx=${parity.query}` }); }

  async open() {
    this.context = await this.stage.browser.newContext();
    await this.context.addInitScript(watch);
    if (this.parity.settings) await this.context.addInitScript(this.parity.settings);
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(8000);
    await this.page.route(`**${this.home}*`, async (route) => {
      const response = await route.fetch();
      const headers = { ...response.headers() };
      delete headers["content-security-policy"];
      const body = (await response.text()).replace("<title>", () => `${this.parity.head ?? ""}<title>`);
      await route.fulfill({ response, headers, body });
    });
    if (this.theirs) await this.page.route(`**/static/${this.parity.script}`, (route) => route.fulfill({ contentType: "text/javascript", body: this.theirs }));
    this.page.on("request", (request) => {
      if (!/^\/(answer|plain|page)\b/.test(new URL(request.url()).pathname)) return;
      this.pending++;
      this.asked.push(request);
    });
    const over = (request) => { if (this.asked.includes(request)) this.pending--; };
    this.page.on("requestfinished", over);
    this.page.on("requestfailed", over);
    await this.load();
  }

  async load() {
    await this.page.goto(this.stage.server.url + this.home);
    if (!this.theirs) await this.page.waitForSelector('html[data-sx-ready="true"]');
    await this.page.evaluate(() => Promise.resolve(htmx.process(document.body)));
  }

  /** Until nothing is asked and nothing happens any more. */
  async still(pace = 1) {
    let before = -1;
    for (let n = 0; n < 60; n++) {
      const now = await this.page.evaluate(() => window.log.length).catch(() => -1);
      if (n > 1 && !this.pending && now === before) return;
      before = now;
      await sleep(40 * pace);
    }
  }

  isHome() { return this.page.url() === this.stage.server.url + this.home; }

  /** @param {number} pace how many times as long all waits are: those of the page, of the engine, and of the server */
  async tell(html, act, pace) {
    if (!this.isHome() || !(await this.page.locator("#lab").count())) await this.load();
    await this.page.evaluate((times) => { window.pace = times; }, pace);
    const paced = html.replace(/\bwait=(\d+)/g, (_, ms) => `wait=${ms * pace}`);
    await this.page.evaluate(build, parseFragment(paced).childNodes.map(tree));
    await this.page.evaluate(() => Promise.resolve(htmx.process(document.body)));
    await sleep(5);
    await this.still(pace);
    this.asked.length = 0;
    this.pending = 0;
    const before = await this.look();
    await this.page.evaluate(() => { window.log.length = 0; scrollTo(0, 0); });
    const said = await this.page.evaluate(act).catch((error) => `raised ${error.message.split("\n")[0]}`);
    await sleep(10);
    await this.still(pace);
    const requests = await Promise.all(this.asked.map((request) => this.written(request)));
    const after = await this.look();
    const happened = said !== undefined || requests.length > 0 || after.log.length > 0 || after.html !== before.html;
    return { said, requests, ...after, happened };
  }

  /** A request as one line. */
  async written(request) {
    const headers = await request.allHeaders();
    const kept = Object.keys(headers).filter((name) => /^(hx-|x-)/.test(name) && !/current-url|history/.test(name)).sort().map((name) => `${name}: ${headers[name]}`);
    const sent = request.postData() ?? "";
    const type = sent ? (headers["content-type"] ?? "").split(";")[0] : "";
    const body = type === "multipart/form-data" ? [...sent.matchAll(/name="([^"]+)"/g)].map(([, name]) => name).join() : decodeURIComponent(sent.replace(/\+/g, " "));
    return [request.method(), decodeURIComponent(request.url().replace(this.stage.server.url, "").replaceAll("+", " ")), type, body, ...kept].join(" | ");
  }

  look() {
    return this.page.evaluate(() => ({
      html: document.querySelector("#lab")?.innerHTML.replace(/ (class|aria-busy|aria-disabled)=""/g, "").replace(/ (aria-busy|data-htmx-powered)="true"/g, ""),
      title: document.title, path: location.pathname + location.search + location.hash, focus: document.activeElement?.id ?? "",
      log: [...window.log], value: [...document.querySelectorAll("#lab input")].map((input) => input.value).join(),
    }));
  }
}

export class Parity {
  /** @param {{package: string, script: string, query: string, name: string, head?: string}} options package: below tests/node_modules;
   *  script: our file in place of theirs; head: markup of the page's head */
  static async open(options) {
    const parity = Object.assign(new Parity(), options);
    parity.stage = await Stage.open({ args: [join(root, "playwright/app/app.sx")] });
    await parity.restart(options);
    return parity;
  }

  /** Fresh pages, with other options. */
  async restart(options = {}) {
    Object.assign(this, options);
    await Promise.all([this.theirs, this.ours].map((side) => side?.context.close()));
    this.theirs = new Side(this, readFileSync(join(root, "tests/node_modules", this.package, "dist/htmx.js"), "utf8"));
    this.ours = new Side(this);
    await Promise.all([this.theirs.open(), this.ours.open()]);
  }

  async both(html, act, events, pace) {
    const sides = await Promise.all([this.theirs.tell(html, act, pace), this.ours.tell(html, act, pace)]);
    const picked = sides.map(({ log, happened, ...rest }) => ({ ...rest, log: log.filter((name) => /^(confirm|prompt) /.test(name) || events?.test(name)) }));
    return { picked, happened: sides[0].happened };
  }

  /** @param {string} name @param {string} html @param {() => unknown} act in the page @param {{events?: RegExp, nothing?: boolean, differs?: boolean}} [options]
   *  events: those that must come, in the same order; nothing: nothing is to happen; differs: ours is kept different, for the reason that
   *  is the name, and then must be */
  async same(name, html, act, { events, nothing = false, differs } = {}) {
    // For whoever mends one: node playwright/parity4-test.mjs "words of its name".
    if (process.argv[2] && !name.includes(process.argv[2])) return;
    const compare = async (/** @type {number} */ pace) => {
      try {
        const { picked: [one, other], happened } = await this.both(html, act, events, pace);
        if (!differs) expect.equal(happened, !nothing, nothing ? "something happened" : "nothing happened");
        if (differs) expect.notDeepEqual(other, one);
        else expect.deepEqual(other, one);
      } catch (error) {
        await Promise.all([this.theirs.load(), this.ours.load()]);
        throw error;
      }
    };
    await test(`${differs ? "not " : ""}as ${this.name}: ${name}`, async () => {
      // What a slow machine makes of short waits is no difference: it would be gone where time runs slower.
      await compare(1).catch((error) => {
        if (differs) throw error;
        console.log(`# once more, with time running four times slower: ${name}`);
        return compare(4);
      });
      if (!this.theirs.isHome() || !this.ours.isHome()) await Promise.all([this.theirs.load(), this.ours.load()]);
    });
  }

  async close() {
    await this.theirs.context.close();
    await this.ours.context.close();
    await this.stage.close();
  }
}
