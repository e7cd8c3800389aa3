// The operations of js-framework-benchmark: an island beside plain JavaScript, in the same browser, in turns.
//
//   node bench/web/rows.mjs [ROUNDS]
//
// A figure is the time of script, style and layout after the click, the median of the rounds, and beside it the script
// alone. A machine that does other things meanwhile measures those. Memory: JS heap and WebAssembly memory after 1,000 rows, less an empty page of the kind.
import { join } from "node:path";
import { chromium } from "../../tests/node_modules/playwright-core/index.mjs";
import { root, startServer } from "../../tests/process/harness.mjs";

const rounds = Number(process.argv[2] ?? 10);
const server = await startServer({ args: [join(root, "bench/web/rows-app.sx"), "--access-log", "none"] });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--js-flags=--expose-gc"] });

/** The table in plain JavaScript, keyed, as the benchmark's own. */
function vanilla() {
  const words = [["pretty", "large", "big", "small", "tall", "short", "long", "handsome", "plain", "quaint", "clean", "elegant", "easy", "angry", "crazy", "helpful", "mushy", "odd", "unsightly", "adorable", "important", "inexpensive", "cheap", "expensive", "fancy"],
    ["red", "yellow", "blue", "green", "pink", "brown", "purple", "brown", "white", "black", "orange"],
    ["table", "chair", "house", "bbq", "desk", "car", "pony", "cookie", "sandwich", "burger", "pizza", "mouse", "keyboard"]];
  let next = 1, data = [], selected = null;
  const make = (count) => Array.from({ length: count }, () => ({ id: next, label: `${words[0][(next * 7) % 25]} ${words[1][(next * 5) % 11]} ${words[2][(next++ * 3) % 13]}` }));
  const main = document.querySelector("#main");
  const table = document.createElement("table"), body = document.createElement("tbody");
  body.id = "tbody";
  const template = document.createElement("template");
  template.innerHTML = '<tr><td class="col-md-1"></td><td class="col-md-4"><a class="lbl"></a></td><td class="col-md-1"><a class="remove"><span class="remove-icon" aria-hidden="true"></span></a></td><td class="col-md-6"></td></tr>';
  const row = ({ id, label }) => {
    const tr = template.content.firstChild.cloneNode(true);
    tr.dataId = id;
    tr.firstChild.textContent = id;
    tr.childNodes[1].firstChild.textContent = label;
    return tr;
  };
  const append = (rows) => { for (const each of rows) body.appendChild(row(each)); };
  const clear = () => { body.textContent = ""; selected = null; data = []; };
  const actions = {
    run() { clear(); data = make(1000); append(data); },
    runlots() { clear(); data = make(10000); append(data); },
    add() { const more = make(1000); data = data.concat(more); append(more); },
    update() { for (let i = 0; i < data.length; i += 10) { data[i].label += " !!!"; body.childNodes[i].childNodes[1].firstChild.firstChild.nodeValue = data[i].label; } },
    swaprows() {
      if (data.length < 999) return;
      [data[1], data[998]] = [data[998], data[1]];
      const [a, b, after] = [body.childNodes[1], body.childNodes[998], body.childNodes[2]];
      body.insertBefore(a, b);
      body.insertBefore(b, after);
    },
    clear,
  };
  for (const name in actions) {
    const button = document.createElement("button");
    button.id = button.textContent = name;
    button.onclick = actions[name];
    main.append(button);
  }
  body.onclick = (event) => {
    const tr = event.target.closest("tr");
    if (event.target.matches(".lbl")) {
      if (selected) selected.className = "";
      (selected = tr).className = "danger";
    } else if (event.target.closest(".remove")) {
      data = data.filter((each) => each.id !== tr.dataId);
      tr.remove();
    }
  };
  table.append(body);
  main.append(table);
}

/** Script and layout, without waiting for a frame. */
const worked = ([selector, at, rows]) => new Promise((done) => {
  const node = document.querySelectorAll(selector)[at ?? 0];
  setTimeout(async () => {
    document.body.offsetHeight;
    const before = performance.now();
    node.click();
    await Promise.resolve();
    await Promise.resolve();
    // Long work of an island goes on in later tasks.
    const body = document.querySelector("#tbody");
    while (rows !== undefined && body.childElementCount !== rows)
      await new Promise((next) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = next;
        port2.postMessage(0);
      });
    const script = performance.now() - before;
    document.body.offsetHeight;
    document.body.getBoundingClientRect();
    done([performance.now() - before, script]);
  }, 5);
});

/** What is measured: what comes before, the click. */
const operations = {
  "create 1,000": [["#clear"], ["#run", 0, 1000]],
  "replace 1,000": [["#run"], ["#run", 0, 1000]],
  "update every 10th of 1,000": [["#run"], ["#update"]],
  "select": [["#run", ".lbl"], [".lbl", 4]],
  "swap": [["#run"], ["#swaprows"]],
  "remove": [["#run"], [".remove", 4, 999]],
  "create 10,000": [["#clear"], ["#runlots", 0, 10000]],
  "append 1,000 to 1,000": [["#run"], ["#add", 0, 2000]],
  "clear 1,000": [["#run"], ["#clear", 0, 0]],
};
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

const pages = {};
for (const kind of ["vanilla", "island"]) {
  const page = (pages[kind] = await browser.newPage());
  page.on("pageerror", (error) => console.error(error));
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await page.goto(`${server.url}/${kind}`);
  if (kind === "vanilla") await page.evaluate(vanilla);
  else await page.waitForFunction(() => globalThis.SxKernel?.islands?.().resumed === 1);
}
const heap = async (kind) => {
  const client = await pages[kind].context().newCDPSession(pages[kind]);
  await client.send("HeapProfiler.collectGarbage");
  return (await client.send("Runtime.getHeapUsage")).usedSize;
};
const memory = {};
for (const kind in pages) {
  await pages[kind].bringToFront();
  const before = await heap(kind);
  await pages[kind].evaluate(worked, ["#run", 0, 1000]);
  memory[kind] = [before, await heap(kind)];
}
const times = {};
for (let round = 0; round < rounds + 2; round++)
  for (const kind in pages) {
    await pages[kind].bringToFront();
    for (const [name, [before, click]] of Object.entries(operations)) {
      for (const selector of before) await pages[kind].evaluate(worked, [selector]);
      const [whole, script] = await pages[kind].evaluate(worked, click);
      if (round >= 2) ((times[name] ??= {})[kind] ??= []).push([whole, script]);
    }
    await pages[kind].evaluate(worked, ["#clear"]);
  }
let product = 1;
console.log("operation                     vanilla ms  island ms  ratio   script: vanilla  island");
for (const [name, found] of Object.entries(times)) {
  const [v, s] = [median(found.vanilla.map((t) => t[0])), median(found.island.map((t) => t[0]))];
  const [vs, ss] = [median(found.vanilla.map((t) => t[1])), median(found.island.map((t) => t[1]))];
  product *= s / v;
  console.log(`${name.padEnd(28)} ${v.toFixed(2).padStart(11)} ${s.toFixed(2).padStart(10)} ${(s / v).toFixed(2).padStart(6)} ${vs.toFixed(2).padStart(17)} ${ss.toFixed(2).padStart(7)}`);
}
console.log(`geometric mean of the ratios ${(product ** (1 / Object.keys(times).length)).toFixed(3)}`);
for (const kind in memory) console.log(`${kind}: JS heap ${Math.round(memory[kind][0] / 1024)} KB before, ${Math.round(memory[kind][1] / 1024)} KB with 1,000 rows`);
await browser.close();
await server.dispose();
