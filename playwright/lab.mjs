// Many small cases in one page of the stories' own server (app/app.sx): each puts its markup into the page, has the
// engine take it up, and looks at what comes of it.
import { join } from "node:path";
import { parseFragment } from "../tests/node_modules/parse5/dist/index.js";
import { root, test } from "../tests/process/harness.mjs";
import { keepScreenshot, keepTrace, Stage, startTrace } from "./browser.mjs";

/** An address of the server that answers with this. @param {string} body @param {Record<string, unknown>} [more] h: {Header: value} */
export function answer(body, more = {}) {
  const query = new URLSearchParams({ body });
  for (const [name, value] of Object.entries(more)) {
    if (name === "h") for (const [header, text] of Object.entries(/** @type {object} */ (value))) query.append("h", `${header}:${text}`);
    else query.set(name, String(value));
  }
  return `/answer?${query}`.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("'", "%27");
}

export const tree = (node) => node.nodeName === "#text" ? node.value : node.nodeName === "#comment" ? "" : {
  tag: node.tagName, svg: node.namespaceURI?.includes("svg"), attributes: node.attrs.map(({ name, value }) => [name, value]),
  children: (node.content ?? node).childNodes.map(tree),
};

/** In the page: notes events of the engine. */
function watch() {
  Object.assign(window, { log: [], details: [] });
  const dispatch = EventTarget.prototype.dispatchEvent;
  EventTarget.prototype.dispatchEvent = function (event) {
    if (/^(sx|htmx):/.test(event.type)) {
      window.log.push(event.type);
      window.details.push([event.type, event.detail]);
    }
    return dispatch.call(this, event);
  };
}

/** In the page: nodes without the parser, which its policy forbids. */
export function build(trees) {
  const make = (given) => {
    if (typeof given === "string") return document.createTextNode(given);
    const node = given.svg ? document.createElementNS("http://www.w3.org/2000/svg", given.tag) : document.createElement(given.tag);
    for (const [name, value] of given.attributes) {
      const holder = document.createElement("template");
      if (/^[\w:.-]+$/.test(name)) node.setAttribute(name, value);
      holder.remove();
    }
    (node.content ?? node).append(...given.children.map(make));
    return node;
  };
  document.querySelector("#lab").replaceChildren(...trees.map(make));
  window.log.length = window.details.length = 0;
}

export class Lab {
  /** @param {{query?: string, api?: string}} [options] query: of /lab */
  static async open({ query = "", api = "SxKernel" } = {}) {
    const lab = new Lab();
    lab.api = api;
    lab.stage = await Stage.open({ args: [join(root, "playwright/app/app.sx")] });
    lab.query = query;
    await lab.restart();
    return lab;
  }

  /** A fresh page, as after a case that failed. */
  async restart() {
    await this.context?.close();
    this.context = await this.stage.browser.newContext();
    await this.context.addInitScript(watch);
    await this.context.addInitScript(() => Object.defineProperty(Navigator.prototype, "serviceWorker", { get() {} }));
    this.page = await this.context.newPage();
    this.problems = [];
    this.warnings = [];
    this.asked = [];
    this.page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(message.text());
      if (message.type() === "warning") this.warnings.push(message.text());
    });
    this.page.on("pageerror", (error) => this.problems.push(`uncaught: ${error.message}`));
    this.page.on("request", (request) => this.asked.push(request));
    await this.go(`/lab${this.query}`);
  }

  async go(path) {
    await this.page.goto(this.stage.server.url + path);
    await this.page.waitForSelector('html[data-sx-ready="true"]', { timeout: 20_000 });
    this.home = this.page.url();
  }

  /** One case. @param {string} name @param {string} html @param {(lab: Lab) => Promise<void>} body @param {RegExp} [allow] console errors of it */
  async case(name, html, body, allow) {
    await test(name, async () => {
      try {
        await this.tell(html, body, allow);
      } catch (error) {
        const state = await this.page.evaluate(() => ({ html: document.querySelector("#lab")?.innerHTML.slice(0, 800), log: window.log })).catch(() => ({}));
        error.message += `\n${JSON.stringify(state)}\nwarnings: ${this.warnings.join("; ")}\nerrors: ${this.problems.join("; ")}`;
        error.stack = `${error.message}\n${error.stack}`;
        await keepScreenshot(this.page, name);
        await this.trace(name, html, body, allow).catch(() => {});
        await this.restart().catch(() => {});
        throw error;
      }
    }, 40_000);
  }

  /** @param {string} html @param {(lab: Lab) => Promise<void>} body @param {RegExp} [allow] */
  async tell(html, body, allow) {
    this.problems.length = this.warnings.length = this.asked.length = 0;
    if (this.page.url() !== `${this.stage.server.url}/lab${this.query}`) await this.go(`/lab${this.query}`);
    await this.page.evaluate(build, parseFragment(html).childNodes.map(tree));
    await this.page.evaluate((api) => (window[api].process ?? SxKernel.process)(document.body), this.api);
    await body(this);
    const problems = this.problems.filter((text) => !allow?.test(text));
    if (problems.length) throw new Error(`errors in the console: ${problems.join("; ")}`);
  }

  /** A case that failed runs a second time for its trace. @param {string} name @param {string} html @param {(lab: Lab) => Promise<void>} body @param {RegExp} [allow] */
  async trace(name, html, body, allow) {
    await this.restart();
    await startTrace(this.context);
    await this.tell(html, body, allow).catch(() => {});
    await keepTrace(this.context, name);
  }

  /** Until the page says true. @param {any} condition @param {any} [argument] */
  until(condition, argument) {
    return this.page.waitForFunction(condition, argument, { timeout: 4000, polling: 20 });
  }

  /** Until an event of the engine came so often. @param {string} name */
  event(name, times = 1) {
    return this.until(([name, times]) => window.log.filter((one) => one === name).length >= times, [name, times]);
  }

  click(selector) {
    return this.page.evaluate((selector) => document.querySelector(selector).click(), selector);
  }

  /** Clicks and waits for what follows. @param {string} selector */
  async press(selector, event = "sx:afterSettle") {
    await this.page.evaluate(() => { window.log.length = window.details.length = 0; });
    await this.click(selector);
    await this.event(event);
  }

  /** Until handlers and conditions in SX that were taken up before are compiled. */
  async compiled() {
    for (let n = 0; n < 2; n++) await this.page.evaluate(() => SxKernel.eval("1"));
  }

  html(selector) {
    return this.page.evaluate((selector) => document.querySelector(selector)?.innerHTML, selector);
  }

  text(selector) {
    return this.page.evaluate((selector) => document.querySelector(selector)?.textContent, selector);
  }

  log() {
    return this.page.evaluate(() => window.log);
  }

  /** Runs a piece of script in the page. @param {any} script @param {any} [argument] */
  run(script, argument) {
    return this.page.evaluate(script, argument);
  }

  async close() {
    await this.context.close();
    await this.stage.close();
  }
}
