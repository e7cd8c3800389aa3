// The operations of js-framework-benchmark: an island beside plain JavaScript, in the same browser, in turns.
//
//   node bench/web/rows.mjs [--rounds N] [--write] [--profile OPERATION]
//
// First both pages are checked: the same DOM after each operation, and rows that keep their nodes by key. A figure is
// the CPU time that the page's main thread takes from the click until the frame with its outcome is handed over to be
// drawn (script, garbage collection, style, layout, painting), of Chromium's own trace, the median of the rounds.
// Script is that without style, layout and painting. --profile prints where the island's time goes, by function.
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { chromium } from "../../tests/node_modules/playwright-core/index.mjs";
import { root, startServer } from "../../tests/process/harness.mjs";
import { geometricMean, median, replaceSection } from "../measure.mjs";
import { vanilla } from "./rows-vanilla.mjs";

const option = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const rounds = Number(option("--rounds") ?? 10);
const kWarmUp = 3;

/** What is measured: what comes before, the click, and how many rows there are then. */
const operations = {
  "create 1,000": [[["#clear", 0, 0]], ["#run", 0, 1000]],
  "replace 1,000": [[["#run", 0, 1000]], ["#run", 0, 1000]],
  "update every 10th of 1,000": [[["#run", 0, 1000]], ["#update", 0, 1000]],
  "select": [[["#run", 0, 1000], [".lbl", 2, 1000]], [".lbl", 4, 1000]],
  "swap": [[["#run", 0, 1000]], ["#swaprows", 0, 1000]],
  "remove": [[["#run", 0, 1000]], [".remove", 4, 999]],
  "create 10,000": [[["#clear", 0, 0]], ["#runlots", 0, 10000]],
  "append 1,000 to 1,000": [[["#run", 0, 1000]], ["#add", 0, 2000]],
  "clear 1,000": [[["#run", 0, 1000]], ["#clear", 0, 0]],
};

/** In the page: clicks, waits for the rows and until their frame is painted; marks begin and end for the trace. */
const operate = async ([selector, at, rows]) => {
  const node = document.querySelectorAll(selector)[at];
  const body = document.querySelector("#tbody");
  const task = () => new Promise((next) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = next;
    port2.postMessage(0);
  });
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  for (let i = 0; i < 2; i++) await frame();
  globalThis.gc();
  await task();
  performance.mark("begin");
  node.click();
  await task();
  // Long work of an island goes on in later tasks.
  for (let turn = 0; body.childElementCount !== rows; turn++) {
    if (turn > 10_000) throw new Error(`${selector}: ${body.childElementCount} rows, expected ${rows}`);
    await task();
  }
  await frame();
  await task();
  performance.mark("end");
};

const server = await startServer({ args: [join(root, "bench/web/rows-app.sx"), "--access-log", "none"] });
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--js-flags=--expose-gc"],
});

async function open(kind) {
  const page = await (await browser.newContext()).newPage();
  await page.addInitScript(() => {
    // How large the memory of the modules is.
    globalThis.wasmBytes = 0;
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (...args) => {
      const made = await instantiate(...args);
      const exports = (made.instance ?? made).exports;
      if (exports.memory) Object.defineProperty(globalThis, "wasmBytes", { get: () => exports.memory.buffer.byteLength, configurable: true });
      return made;
    };
  });
  page.on("pageerror", (error) => console.error(error));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && console.error(message.text()));
  await page.goto(`${server.url}/${kind}`);
  if (kind === "vanilla") await page.evaluate(vanilla);
  else await page.waitForFunction(() => globalThis.SxKernel?.islands?.().resumed === 1);
  return page;
}
const pages = { vanilla: await open("vanilla"), island: await open("island") };

// --- memory: before anything else has been done ------------------------------------------------------

async function bytes(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize = 0 } = await client.send("Runtime.getHeapUsage");
  await client.detach();
  return { script: usedSize, dom: embedderHeapUsedSize, wasm: await page.evaluate(() => globalThis.wasmBytes) };
}
const memory = {};
for (const [kind, page] of Object.entries(pages)) {
  await page.bringToFront();
  const before = await bytes(page);
  await page.evaluate(operate, ["#run", 0, 1000]);
  memory[kind] = { before, after: await bytes(page) };
}

// --- are they the same, and keyed? ---------------------------------------------------------------------

/** In the page: the table as text, an empty class as none, and which rows are the nodes of before. */
const look = () => {
  const known = (globalThis.known ??= new WeakMap());
  const rows = [...document.querySelectorAll("#tbody > *")];
  const nodes = rows.map((tr) => known.get(tr) ?? -1);
  rows.forEach((tr, i) => known.set(tr, i));
  return { html: document.querySelector("#tbody").innerHTML.replaceAll(' class=""', ""), nodes: nodes.join() };
};
for (const [name, [before, click]] of Object.entries(operations)) {
  const seen = {};
  for (const [kind, page] of Object.entries(pages)) {
    await page.bringToFront();
    for (const each of before) await page.evaluate(operate, each);
    await page.evaluate(look);
    await page.evaluate(operate, click);
    seen[kind] = await page.evaluate(look);
  }
  for (const what of ["html", "nodes"])
    if (seen.vanilla[what] !== seen.island[what]) {
      const at = [...seen.vanilla[what]].findIndex((letter, i) => letter !== seen.island[what][i]);
      throw new Error(`${name}: the ${what} differ: …${seen.vanilla[what].slice(at - 60, at + 60)}… and …${seen.island[what].slice(at - 60, at + 60)}…`);
    }
}

// --- where the time goes -------------------------------------------------------------------------------

const wanted = option("--profile");
if (wanted) {
  const [before, click] = operations[wanted];
  for (const [kind, page] of Object.entries(pages)) {
    await page.bringToFront();
    const client = await page.context().newCDPSession(page);
    await client.send("Profiler.enable");
    await client.send("Profiler.setSamplingInterval", { interval: 100 });
    for (let i = 0; i < kWarmUp; i++) for (const each of [...before, click]) await page.evaluate(operate, each);
    const self = new Map();
    for (let i = 0; i < rounds; i++) {
      for (const each of before) await page.evaluate(operate, each);
      await client.send("Profiler.start");
      await page.evaluate(operate, click);
      const { profile } = await client.send("Profiler.stop");
      const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName || "(anonymous)"} ${callFrame.url.split("/").at(-1)}:${callFrame.lineNumber}`]));
      profile.samples.forEach((id, at) => self.set(names.get(id), (self.get(names.get(id)) ?? 0) + profile.timeDeltas[at]));
    }
    console.log(`${kind}: ${wanted}, ms by function`);
    for (const [name, time] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 30))
      console.log(`${(time / 1000 / rounds).toFixed(3).padStart(9)}  ${name}`);
  }
  await browser.close();
  await server.dispose();
  process.exit();
}

// --- the figures -----------------------------------------------------------------------------------------

const kRendering = new Set(["UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "Commit", "UpdateLayer", "CompositeLayers"]);

/** CPU milliseconds of the main thread between the marks, for each pair of them, and those of it that are no rendering. */
function readTrace(buffer) {
  const { traceEvents } = JSON.parse(buffer.toString());
  const marks = traceEvents.filter(({ cat, name }) => cat.includes("blink.user_timing") && (name === "begin" || name === "end")).sort((a, b) => a.ts - b.ts);
  const found = [];
  for (let i = 0; i + 1 < marks.length; i += 2) {
    const [{ ts, pid, tid }, { ts: end }] = [marks[i], marks[i + 1]];
    let all = 0, rendering = 0, last = 0;
    for (const event of traceEvents.filter((each) => each.tid === tid && each.pid === pid && each.ph === "X" && each.ts <= end && each.ts + each.dur >= ts).sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      const time = (event.tdur ?? event.dur) / 1000;
      if (event.name === "RunTask") all += time;
      else if (kRendering.has(event.name) && event.ts >= last) {
        // What lies within another one has been counted with it.
        rendering += time;
        last = event.ts + event.dur;
      }
    }
    found.push([all, all - rendering]);
  }
  return found;
}

const times = {};
for (let round = 0; round < rounds + kWarmUp; round++)
  for (const [kind, page] of Object.entries(pages)) {
    await page.bringToFront();
    for (const [name, [before, click]] of Object.entries(operations)) {
      for (const each of before) await page.evaluate(operate, each);
      if (round < kWarmUp) {
        await page.evaluate(operate, click);
        continue;
      }
      await browser.startTracing(page, { categories: ["-*", "devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing"] });
      await page.evaluate(operate, click);
      ((times[name] ??= {})[kind] ??= []).push(readTrace(await browser.stopTracing())[0]);
    }
  }
await browser.close();
await server.dispose();

const row = (...cells) => `| ${cells.join(" | ")} |`;
const lines = [
  `Chromium, medians of ${rounds} rounds, load of the machine at the end ${loadavg()[0].toFixed(1)}. Milliseconds of the main thread's CPU from the click until the frame is painted; script: without style, layout and painting.`,
  "",
  row("operation", "vanilla", "island", "ratio", "script: vanilla", "script: island"),
  row("---", "--:", "--:", "--:", "--:", "--:"),
];
const ratios = [];
for (const [name, found] of Object.entries(times)) {
  const of = (kind, at) => median(found[kind].map((one) => one[at]));
  ratios.push(of("island", 0) / of("vanilla", 0));
  lines.push(row(name, ...["vanilla", "island"].map((kind) => of(kind, 0).toFixed(2)), ratios.at(-1).toFixed(2), ...["vanilla", "island"].map((kind) => of(kind, 1).toFixed(2))));
}
const kb = (parts) => Math.round(Object.values(parts).reduce((sum, part) => sum + part, 0) / 1024);
const limit = 2 * kb(memory.vanilla.after) + kb(memory.island.before) - kb(memory.vanilla.before);
lines.push("", `Geometric mean of the ratios: ${geometricMean(ratios).toFixed(2)} (goal 1.6, aim 1.35).`, "",
  row("memory, KB (script, DOM, WebAssembly)", "before", "with 1,000 rows"), row("---", "--:", "--:"),
  ...Object.entries(memory).map(([kind, { before, after }]) => row(kind, ...[before, after].map((parts) => `${kb(parts)} (${Object.values(parts).map((part) => Math.round(part / 1024)).join(", ")})`))),
  "", `Goal with 1,000 rows: ${limit} KB, twice vanilla and what the kernel takes before.`);
console.log(lines.join("\n"));
if (process.argv.includes("--write"))
  writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "rows", lines.join("\n")));
