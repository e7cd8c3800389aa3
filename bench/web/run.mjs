// The browser side beside htmx 2, htmx 4 and Turbo: the same pages, server, browser and run. Start-up, clicks (with
// answers in HTML and in the wire form), elements.
//
//   node bench/web/run.mjs [--write] [--clicks N] [--starts N]
//
// Prints tables; --write puts them into bench/RESULTS.md.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { chromium } from "../../tests/node_modules/playwright-core/index.mjs";
import { median, replaceSection } from "../measure.mjs";
import { root, startServer, temporaryFolder } from "../../tests/process/harness.mjs";

const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const clicks = option("--clicks", 200);
const starts = option("--starts", 15);
const modules = join(root, "tests/node_modules");

// --- the server, with the peers' scripts beside ours --------------------------------------------

const files = temporaryFolder();
const own = process.env.SX_STATIC_DIR ?? join(root, "build/static");
for (const name of readdirSync(own)) if (/\.(js|wasm|sxbc|css|br|gz|zst)$/.test(name)) copyFileSync(join(own, name), join(files, name));
copyFileSync(join(modules, "htmx2/dist/htmx.min.js"), join(files, "htmx2.js"));
copyFileSync(join(modules, "htmx4/dist/htmx.min.js"), join(files, "htmx4.js"));
execFileSync("esbuild", ["--minify", join(modules, "@hotwired/turbo/dist/turbo.es2017-esm.js"), `--outfile=${join(files, "turbo.js")}`], { stdio: "ignore" });
const wasm = readdirSync(files).find((name) => /^kernel\..*\.wasm$/.test(name));
// Nothing but the module: the time below which no start can be.
writeFileSync(join(files, "wasm-alone.js"), `performance.mark("first-fetch");
WebAssembly.compileStreaming(fetch("/static/${wasm}")).then(() => performance.mark("compiled"));\n`);
for (const name of ["htmx2.js", "htmx4.js", "turbo.js", "wasm-alone.js"]) execFileSync("brotli", ["-q", "11", "-f", join(files, name)]);

const server = await startServer({ args: [join(root, "bench/web/app.sx")], env: { SX_STATIC_DIR: files } });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });

const sorted = (list) => [...list].sort((a, b) => a - b);
const ms = (value) => (value === undefined ? "–" : `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`);

/** A page in a context of its own: nothing is cached. */
async function visit(path, body) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    const seen = { long: [], lcp: 0 };
    Object.assign(globalThis, { seen });
    // Where a script begins to load the engine.
    const { fetch } = globalThis;
    globalThis.fetch = (...all) => {
      performance.mark("first-fetch");
      globalThis.fetch = fetch;
      return fetch(...all);
    };
    new PerformanceObserver((list) => seen.long.push(...list.getEntries().map(({ startTime, duration }) => [startTime, duration]))).observe({ type: "longtask", buffered: true });
    new PerformanceObserver((list) => (seen.lcp = list.getEntries().at(-1).startTime)).observe({ type: "largest-contentful-paint", buffered: true });
  });
  try {
    await page.goto(server.url + path);
    return await body(page);
  } finally {
    await context.close();
  }
}

// --- start-up -------------------------------------------------------------------------------------

const starting = { sx: [], wasm: [], bare: [] };
for (let n = 0; n < starts; n++) {
  starting.sx.push(await visit("/list/sx/1", async (page) => {
    await page.waitForSelector('html[data-sx-ready="true"]');
    return page.evaluate(() => {
      const at = (name) => performance.getEntriesByName(name)[0].startTime;
      const ready = at("sx-ready"), resources = performance.getEntriesByType("resource");
      const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
      return {
        ready, ownReady: ready - at("first-fetch"),
        afterDom: ready - performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
        blocking: seen.long.filter(([at]) => at >= paint && at <= ready).reduce((sum, [, duration]) => sum + duration - 50, 0),
        bytes: resources.filter(({ name, responseEnd }) => /\.(js|wasm|sxbc)$/.test(name) && responseEnd <= ready).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
        lcp: seen.lcp,
      };
    });
  }));
  starting.wasm.push(await visit("/list/wasm/1", async (page) => {
    await page.waitForFunction(() => performance.getEntriesByName("compiled").length);
    return page.evaluate(() => {
      const at = (name) => performance.getEntriesByName(name)[0].startTime;
      return { compiled: at("compiled"), own: at("compiled") - at("first-fetch") };
    });
  }));
  starting.bare.push(await visit("/list/bare/1", async (page) => {
    await page.waitForFunction(() => seen.lcp);
    return page.evaluate(() => seen.lcp);
  }));
}
const of = (name, page = "sx") => median(starting[page].map((one) => one[name]));

// --- clicks ---------------------------------------------------------------------------------------

/** Milliseconds from a click on a link until the other list is in the page, and until the frame with it was made. */
const clickThrough = (page, count) => page.evaluate(async (times) => {
  const took = [], shown = [];
  for (let n = 0; n < times; n++) {
    const link = document.querySelector("#content a");
    const wanted = `List ${link.getAttribute("href").at(-1)}`;
    const began = performance.now();
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        if (document.querySelector("#content h1")?.textContent !== wanted) return;
        observer.disconnect();
        took.push(performance.now() - began);
        resolve(undefined);
      });
      observer.observe(document, { childList: true, subtree: true });
      link.click();
    });
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    shown.push(performance.now() - began);
    // What follows the swap is not part of the next click.
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const requests = performance.getEntriesByType("resource").filter(({ name }) => /\/list\/\w+\/\d$/.test(name)).slice(-times);
  return { took, shown, requests: requests.map(({ duration, encodedBodySize }) => [duration, encodedBodySize]) };
}, count);

const kernelReady = (page) => page.waitForSelector('html[data-sx-ready="true"]');
const ready = {
  sx: kernelReady,
  // As after the first answer of a server that says it speaks the wire form.
  async wire(page) {
    await kernelReady(page);
    await page.evaluate(() => SxKernel.load("web-wire"));
  },
  htmx2: (page) => page.waitForFunction(() => globalThis.htmx),
  htmx4: (page) => page.waitForFunction(() => globalThis.htmx),
  turbo: (page) => page.waitForFunction(() => globalThis.Turbo),
};
/** @type {Record<string, number[]>} */
const took = { sx: [], wire: [], htmx2: [], htmx4: [], turbo: [] };
/** @type {Record<string, number[]>} */
const shown = { sx: [], wire: [], htmx2: [], htmx4: [], turbo: [] };
/** @type {Record<string, [number, number][]>} duration and bytes of the requests of these clicks */
const requests = { sx: [], wire: [], htmx2: [], htmx4: [], turbo: [] };
// In turns, so that a slow minute of the machine is everybody's.
const kTurns = 8;
for (let turn = 0; turn < kTurns; turn++)
  for (const engine of Object.keys(took)) {
    const measured = await visit(`/list/${engine}/1`, async (page) => {
      await ready[engine](page);
      await page.waitForTimeout(200);
      await clickThrough(page, 4);
      let type = "";
      page.on("response", (response) => (type = response.headers()["content-type"] ?? ""));
      await clickThrough(page, 1);
      page.removeAllListeners("response");
      if (type.startsWith("text/sx") !== (engine === "wire")) throw new Error(`an answer came as "${type}"`);
      return clickThrough(page, Math.ceil(clicks / kTurns));
    }).catch((error) => { console.error(`${engine}: ${error.message.split("\n")[0]}`); return { took: [], shown: [], requests: [] }; });
    took[engine].push(...measured.took);
    shown[engine].push(...measured.shown);
    requests[engine].push(...measured.requests);
  }

// --- a thousand elements --------------------------------------------------------------------------

/** @type {Record<string, number[]>} */
const processed = { sx: [], htmx2: [], htmx4: [] };
for (let n = 0; n < 5; n++)
  for (const engine of Object.keys(processed))
    processed[engine].push(...(await visit(`/thousand/${engine}`, async (page) => {
      await ready[engine](page);
      return page.evaluate(async (name) => {
        const prefix = name === "sx" ? "sx" : "hx";
        const fill = () => {
          document.querySelector("#content").innerHTML = Array.from({ length: 1000 }, (_, i) =>
            `<button ${prefix}-get="/none/${i}" ${prefix}-target="#content" ${prefix}-swap="innerHTML">${i}</button>`).join("");
        };
        const times = [];
        if (name === "sx") await SxKernel.load("web-more");
        for (let round = 0; round < 6; round++) {
          fill();
          const began = performance.now();
          if (name === "sx") SxKernel.process();
          else globalThis.htmx.process(document.querySelector("#content"));
          times.push(performance.now() - began);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        return times.slice(1);
      }, engine);
    }).catch((error) => { console.error(`${engine}: ${error.message.split("\n")[0]}`); return []; })));

await browser.close();
await server.dispose();

const size = (name) => readFileSync(join(files, existsSync(join(files, `${name}.br`)) ? `${name}.br` : name)).length;
const row = (...cells) => `| ${cells.join(" | ")} |`;
const ratio = (value, base) => (value && base ? (value / base).toFixed(2) : "–");
const names = { sx: "SX", wire: "SX, wire form", htmx2: "htmx 2.0", htmx4: "htmx 4.0", turbo: "Turbo 8" };
const each = (show) => Object.keys(names).map(show);
const requestOf = (engine, at) => median(requests[engine].map((one) => one[at]));
const text = [
  `Chromium, localhost; medians of ${starts} starts with empty caches, ${clicks} clicks, ${processed.sx.length} rounds. Load of the machine at the end: ${loadavg()[0].toFixed(1)}.`,
  "",
  row("start-up", "measured", "goal"), row("---", "--:", "--:"),
  row("bytes before ready (as sent)", of("bytes"), "170,000"),
  row("ready after DOMContentLoaded", ms(of("afterDom")), "150 ms"),
  row("ready, from the navigation", ms(of("ready")), ""),
  row("the wasm alone compiled, from the navigation", ms(of("compiled", "wasm")), ""),
  row("ratio of the two", ratio(of("ready"), of("compiled", "wasm")), "1.5"),
  row("ready, from the loader's first request", ms(of("ownReady")), ""),
  row("the wasm alone, from its request until compiled", ms(of("own", "wasm")), ""),
  row("ratio of the two", ratio(of("ownReady"), of("own", "wasm")), ""),
  row("total blocking time until ready", ms(of("blocking")), "50 ms"),
  row("LCP with / without the engine", `${ms(of("lcp"))} / ${ms(median(starting.bare))}`, "the same"),
  "",
  row("", ...Object.values(names)), row("---", ...each(() => "--:")),
  row("script as sent (brotli)", `${of("bytes")}`, "", size("htmx2.js"), size("htmx4.js"), size("turbo.js")),
  row("click → content of 50 items, median", ...each((engine) => ms(median(took[engine])))),
  row("… 95 of 100", ...each((engine) => ms(sorted(took[engine])[Math.floor(took[engine].length * 0.95)]))),
  row("… ratio to htmx 2", ...each((engine) => ratio(median(took[engine]), median(took.htmx2)))),
  row("click → the frame that shows it, median", ...each((engine) => ms(median(shown[engine])))),
  row("the request of a click, median", ...each((engine) => ms(requestOf(engine, 0)))),
  row("its answer as sent, bytes", ...each((engine) => requestOf(engine, 1))),
  row("1,000 elements processed", ms(median(processed.sx)), "", ms(median(processed.htmx2)), ms(median(processed.htmx4)), "–"),
  "",
  "Ready: the mark that the engine sets. The wasm alone: an otherwise equal page whose script does nothing but",
  "`compileStreaming(fetch(…))`; both once from the same beginning as a visitor sees it, the navigation, and once from the first",
  "request of the script. Blocking: what tasks between the first paint and ready take beyond 50 ms. A click: from `link.click()`",
  "until an observer of mutations sees the other list; the frame: until the first frame after that is made, with what the engine",
  "does besides (title, focus, scroll position). Frames come every 16.7 ms. Turbo shows a page that it has had before from its",
  "own store, before the answer comes. The wire form: the same page of the same server answered as `text/sx`, its templates known",
  "since the first click; that answers came so is checked. Elements:",
  "new buttons with a request, a target and a swap each, and as many old ones let go.",
].join("\n");
console.log(text);

if (process.argv.includes("--write"))
  writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "web", text));
