// Islands on real pages: rendered by `sx serve`, taken up from their state, changed by the DOM adapter.
import { join } from "node:path";
import { expect, finish, root, test } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open({ args: [join(root, "playwright/islands/app.sx")] });

/** How to measure what a page holds, rubbish collected: bytes of script, nodes, listeners, what islands have. @param {any} visit */
async function memoryOf(visit) {
  const client = await visit.context.newCDPSession(visit.page);
  return async () => {
    await writes(visit);  // which the page keeps for us
    await client.send("HeapProfiler.collectGarbage");
    const { usedSize } = await client.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await client.send("Memory.getDOMCounters");
    return { usedSize, nodes, jsEventListeners, ...(await visit.page.evaluate(() => globalThis.SxKernel.islands())) };
  };
}

const kBundles = "**/sx-islands/**";
/** Keeps answers on their way until what it returns is called. @param {any} visit @param {string} which @param {object} [instead] an answer
 *  @returns {Promise<() => void>} */
async function hold(visit, which, instead) {
  let letGo = () => {};
  const held = new Promise((done) => { letGo = () => done(undefined); });
  await visit.page.route(which, async (/** @type {any} */ route) => { await held; return instead ? route.fulfill(instead) : route.continue(); });
  return letGo;
}

/** Counts what is written below #content from the start on. */
function countWrites() {
  const writes = [];
  Object.assign(window, { writes });
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver((records) => writes.push(...records.map((r) => `${r.type} ${r.target.nodeName} ${r.attributeName ?? ""}`)))
      .observe(document.querySelector("#content"), { subtree: true, childList: true, characterData: true, attributes: true });
  });
}

/** Opens a page and waits until its islands are taken up. */
async function open(visit, path) {
  await visit.page.addInitScript(countWrites);
  await visit.go(path);
  await visit.page.waitForFunction(() => !document.querySelector("[data-sx-island]") || globalThis.SxKernel.islands?.().resumed > 0, null, { timeout: 10_000 });
}
const text = (visit, selector) => visit.page.locator(selector).first().innerText();
const click = (visit, selector) => visit.page.locator(selector).first().click();
const html = (visit, selector) => visit.page.locator(selector).first().evaluate((node) => node.outerHTML);
const writes = (visit) => visit.page.evaluate(() => window.writes.splice(0));

await stage.story("an island resumes without one write to the page", async (visit) => {
  await open(visit, "/one");
  expect.deepEqual(await writes(visit), []);
  expect.equal(await text(visit, "output"), "Count: 3 of 6");
});

await stage.story("a click counts, and writes the texts that changed alone", async (visit) => {
  await open(visit, "/one");
  await click(visit, ".up");
  expect.equal(await text(visit, "output"), "Count: 4 of 8");
  await writes(visit);
  await click(visit, ".up");
  expect.equal(await text(visit, "output"), "Count: 5 of 10");
  expect.deepEqual(await writes(visit), ["characterData #text ", "characterData #text "]);
});

await stage.story("two changes in one handler are one change of the page", async (visit) => {
  await open(visit, "/one");
  await click(visit, ".up");
  await writes(visit);
  await click(visit, ".twice");
  expect.equal(await text(visit, "output"), "Count: 6 of 12");
  expect.equal((await writes(visit)).length, 2);
});


// One page for each island: several cases in it.
/** @param {string} path @param {[string, (visit: any) => Promise<void>][]} cases @param {object} [options] */
async function onPage(path, cases, options) {
  await stage.story(`${path} is taken up without a write`, async (visit) => {
    await open(visit, path);
    expect.deepEqual(await writes(visit), []);
    for (const [name, body] of cases) await test(name, () => body(visit));
  }, options);
}

await onPage("/each/shapes", [
  ["texts that the parser put together are told apart at the first change", async (visit) => {
    expect.equal(await text(visit, ".texts"), "one a two a");
    await click(visit, ".go");
    expect.equal(await text(visit, ".texts"), "one b & <i> two b & <i>");
  }],
  ["what is nothing shows nothing", async (visit) => {
    expect.equal(await visit.page.locator(".when").evaluate((node) => node.innerHTML), "");
  }],
  ["a list of texts changes in place", async (visit) => {
    expect.equal(await text(visit, ".many"), "234");
  }],
  ["raw markup is exchanged as a whole", async (visit) => {
    expect.equal(await visit.page.locator(".raw").evaluate((node) => node.innerHTML), "<em>other</em> raw");
  }],
  ["attributes follow, and go when they are nothing", async (visit) => {
    const p = visit.page.locator(".computed");
    expect.equal(await p.getAttribute("class"), "computed b & <i>");
    expect.equal(await p.getAttribute("title"), "b & <i>");
    expect.equal(await p.getAttribute("hidden"), "");
    expect.equal(await visit.page.locator(".spread").getAttribute("data-x"), "b & <i>");
    expect.equal(await visit.page.locator(".spread").getAttribute("title"), null);
  }],
  ["a computed element becomes another one", async (visit) => {
    expect.equal(await html(visit, ".el"), '<h3 class="el">b &amp; &lt;i&gt;</h3>');
  }],
  ["addresses are checked as on the server", async (visit) => {
    expect.equal(await visit.page.locator(".link").getAttribute("href"), "about:invalid");
  }],
  ["styles are checked as on the server, and set where the policy allows it", async (visit) => {
    expect.equal(await visit.page.locator(".styled").evaluate((node) => node.style.cssText), "color: blue;");
  }],
  ["going on from there nothing is lost", async (visit) => {
    await click(visit, ".go");
    expect.equal(await text(visit, ".many"), "345");
  }],
]);

const items = (visit) => visit.page.locator("#content ul li").evaluateAll((all) => all.map((li) => li.textContent));
await onPage("/each/list", [
  ["reversing moves the nodes that are there", async (visit) => {
    await visit.page.evaluate(() => { window.nodes = [...document.querySelectorAll("#content ul li")]; });
    await click(visit, ".reverse");
    expect.deepEqual(await items(visit), ["5", "4", "3", "2", "1"]);
    expect.ok(await visit.page.evaluate(() => [...document.querySelectorAll("#content ul li")].every((li, i) => li === window.nodes[4 - i])));
  }],
  ["one that moves past all others is the one that moves", async (visit) => {
    await writes(visit);
    await click(visit, ".rotate");
    expect.deepEqual(await items(visit), ["4", "3", "2", "1", "5"]);
    const records = await writes(visit);
    expect.ok(records.length <= 2, records.join("; "));
  }],
  ["what was typed into a row moves with it", async (visit) => {
    await visit.page.locator("#content ul li input").first().fill("typed");
    await click(visit, ".reverse");
    expect.equal(await visit.page.locator("#content ul li input").last().inputValue(), "typed");
  }],
  ["the focus stays in a row that moves", async (visit) => {
    await visit.page.locator("#content ul li input").last().focus();
    await visit.page.evaluate(() => document.querySelector(".reverse").click());
    expect.equal(await visit.page.evaluate(() => document.activeElement.value), "typed");
  }],
  ["rows go and the others stay", async (visit) => {
    await click(visit, ".drop");
    expect.deepEqual(await items(visit), ["3", "1", "5"]);
  }],
  ["rows come at both ends", async (visit) => {
    await click(visit, ".add");
    expect.deepEqual(await items(visit), ["100", "3", "1", "5", "200"]);
  }],
  ["any order comes out right", async (visit) => {
    await click(visit, ".shuffle");
    const sorted = [100, 3, 1, 5, 200].sort((a, b) => (a * 37) % 11 - (b * 37) % 11).map(String);
    expect.deepEqual(await items(visit), sorted);
  }],
  ["all go at once, and come again", async (visit) => {
    await click(visit, ".clear");
    expect.deepEqual(await items(visit), []);
    await click(visit, ".add");
    expect.deepEqual(await items(visit), ["100", "200"]);
  }],
]);

await onPage("/each/form", [
  ["typing keeps the caret where it is", async (visit) => {
    const field = visit.page.locator("input[name=name]");
    await field.focus();
    await field.evaluate((node) => node.setSelectionRange(1, 1));
    await visit.page.keyboard.type("xy");
    expect.equal(await field.inputValue(), "Axynn");
    expect.equal(await field.evaluate((node) => node.selectionStart), 3);
    expect.match(await text(visit, ".says"), /^Axynn,/);
  }],
  ["a signal sets value, checked and selected as properties", async (visit) => {
    await click(visit, ".set");
    expect.equal(await visit.page.locator("input[name=name]").inputValue(), "Bea");
    expect.equal(await visit.page.locator("input[name=ok]").isChecked(), true);
    expect.equal(await visit.page.locator("select").inputValue(), "c");
    expect.equal(await visit.page.locator("textarea").inputValue(), "Bea");
  }],
  ["a handler is told what is checked and chosen", async (visit) => {
    await visit.page.locator("input[name=ok]").uncheck();
    await visit.page.locator("select").selectOption("a");
    expect.equal(await text(visit, ".says"), "Bea,,no,a,");
  }],
  ["a handler prevents what the browser would do, and is told the form", async (visit) => {
    await click(visit, ".send");
    expect.match(await text(visit, ".says"), /sent Bea$/);
    expect.equal(visit.path(), "/each/form");
  }],
  ["a ref finds its element", async (visit) => {
    await click(visit, ".focus");
    expect.equal(await visit.page.evaluate(() => document.activeElement.getAttribute("name")), "name");
  }],
]);

await onPage("/each/stores", [
  ["islands share a store by its name", async (visit) => {
    await click(visit, ".buy");
    await click(visit, ".buy");
    expect.equal(await text(visit, ".buy"), "buy 2");
    expect.deepEqual(await visit.page.locator(".total").allInnerTexts(), ["total 2", "total 2"]);
  }],
]);

await stage.story("an island is told when it lives, and cleans up when its page goes", async (visit) => {
  await open(visit, "/each/clock");
  await visit.page.waitForFunction(() => document.querySelector(".clock").textContent === "ticks 1");
  await visit.follow("Plain");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands().roots === 0);
  expect.ok(visit.warnings.some((words) => words.includes("clock cleaned up")));
});

await stage.story("islands of a page that is swapped in are taken up too", async (visit) => {
  await open(visit, "/plain");
  await visit.follow("One");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands?.().resumed === 1);
  await click(visit, ".up");
  expect.equal(await text(visit, "output"), "Count: 4 of 8");
});

await stage.story("islands of an answer that an element put in are taken up too", async (visit) => {
  await open(visit, `/morph?${new URLSearchParams({ from: "<p>x</p>", to: "", how: "innerHTML" })}`);
  await visit.page.evaluate(() => {
    document.querySelector("#go").setAttribute("sx-get", "/morph-island-answer");
    globalThis.SxKernel.process();
  });
  await visit.swap(() => click(visit, "#go"));
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands?.().resumed === 1);
  await click(visit, ".up");
  expect.equal(await text(visit, "output"), "Count: 4 of 8");
});

await stage.story("a resource loads when its island lives, and again when what it follows changes; the latest answer counts", async (visit) => {
  await open(visit, "/each/loader");
  await visit.page.waitForFunction(() => document.querySelector(".answer").textContent === "ready answer 1");
  for (let i = 0; i < 3; i++) await click(visit, ".next");
  await visit.page.waitForFunction(() => document.querySelector(".answer").textContent === "ready answer 4");
});

await stage.story("a resource that cannot be had says so, keeps what it had, and is had the next time", async (visit) => {
  let gone = false;
  await visit.page.route("**/answer/*", (route) => (gone ? route.abort() : route.continue()));
  await open(visit, "/each/loader");
  const says = (words) => visit.page.waitForFunction((wanted) => document.querySelector(".answer").textContent.trim() === wanted, words);
  await says("ready answer 1");
  gone = true;
  await click(visit, ".next");
  await says("error answer 1");
  gone = false;
  await click(visit, ".next");
  await says("ready answer 3");
}, { allow: /ERR_FAILED/ });

await onPage("/each/nested", [
  ["an island in an island counts for itself", async (visit) => {
    await click(visit, ".up");
    expect.equal(await text(visit, "output"), "Count: 6 of 12");
  }],
  ["and keeps its state while it is not shown", async (visit) => {
    await click(visit, ".toggle");
    expect.equal(await visit.page.locator("output").count(), 0);
    await click(visit, ".toggle");
    await click(visit, ".up");
    expect.equal(await text(visit, "output"), "Count: 7 of 14");
  }],
]);

await onPage("/each/svg", [
  ["SVG elements are made in their own namespace", async (visit) => {
    await click(visit, ".grow");
    const circles = await visit.page.locator("circle").evaluateAll((all) => all.map((c) => [c.namespaceURI, c.getAttribute("cx"), c instanceof SVGCircleElement]));
    expect.equal(circles.length, 4);
    expect.ok(circles.every(([ns, , real]) => ns === "http://www.w3.org/2000/svg" && real));
    expect.deepEqual(circles.map(([, cx]) => cx), ["11", "21", "31", "5"]);
  }],
]);

await onPage("/each/lives", [
  ["live pieces change without their surroundings being made again", async (visit) => {
    await click(visit, ".tick");
    expect.equal(await text(visit, "p[data-runs]"), "a is 2");
    expect.equal(await visit.page.locator("p[data-runs]").getAttribute("class"), "n2");
    expect.equal(await visit.page.locator("p[data-runs]").getAttribute("data-runs"), "1");
  }],
  ["live pieces in live pieces come and go", async (visit) => {
    expect.equal(await text(visit, ".cond"), "");
    await click(visit, ".tick");
    expect.equal(await text(visit, ".cond"), "odd 3");
  }],
]);

await onPage("/each/rows", [
  ["of a thousand rows two are written when another one is chosen", async (visit) => {
    await click(visit, ".fill");
    expect.equal(await visit.page.locator("tr").count(), 1000);
    await visit.page.locator("tr a").nth(5).click();
    expect.equal(await visit.page.locator("tr.danger").innerText(), "5\trow 5");
    await writes(visit);
    await visit.page.locator("tr a").nth(7).click();
    expect.deepEqual(await writes(visit), ["attributes TR class", "attributes TR class"]);
  }],
  ["ten thousand rows mounted and taken away leave no reference and no memory", async (visit) => {
    const measure = await memoryOf(visit);
    const cycle = async () => {
      await visit.page.evaluate(async () => {
        for (const which of [".fill", ".empty"]) {
          document.querySelector(which).click();
          await new Promise((done) => setTimeout(done));
        }
      });
    };
    for (let i = 0; i < 2; i++) await cycle();
    const before = await measure();
    for (let i = 0; i < 10; i++) await cycle();
    const after = await measure();
    expect.equal(after.live, before.live);
    expect.equal(after.references, before.references);
    expect.equal(after.jsEventListeners, before.jsEventListeners);
    expect.ok(after.nodes <= before.nodes + 20, `${before.nodes} → ${after.nodes} nodes`);
    expect.ok(after.usedSize <= before.usedSize * 1.05 + 50_000, `${before.usedSize} → ${after.usedSize} bytes`);
  }],
]);

await onPage("/each/mounts", [
  ["ten thousand mounts and unmounts leave nothing behind: no reference on either side, no node, no listener, no memory", async (visit) => {
    const measure = await memoryOf(visit);
    const toggle = (times) => visit.page.evaluate(async (count) => {
      const button = document.querySelector(".toggle");
      for (let i = 0; i < count; i++) {
        button.click();
        if (i % 100 === 0) await new Promise((done) => setTimeout(done));
        else await null;
      }
      await new Promise((done) => setTimeout(done, 50));
    }, times);
    await toggle(200);
    expect.equal(await text(visit, "output"), "cleaned 100");
    const before = await measure();
    await toggle(20_000);
    expect.equal(await text(visit, "output"), "cleaned 10100");
    const after = await measure();
    for (const what of ["live", "roots", "templates", "references", "jsEventListeners"]) expect.equal(after[what], before[what], what);
    expect.ok(after.references > 0 && after.references < 20, `${after.references} references`);
    expect.ok(after.nodes <= before.nodes + 20, `${before.nodes} → ${after.nodes} nodes`);
    expect.ok(after.usedSize <= before.usedSize * 1.05 + 50_000, `${before.usedSize} → ${after.usedSize} bytes`);
  }],
]);

// Sound for the stories about media, made here: two seconds of a tone.
const tone = (() => {
  const rate = 8000, samples = 2 * rate, wav = Buffer.alloc(44 + samples);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  [1, 1].forEach((value, i) => wav.writeUInt16LE(value, 20 + 2 * i));
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate, 28);
  [1, 8].forEach((value, i) => wav.writeUInt16LE(value, 32 + 2 * i));
  wav.write("data", 36);
  wav.writeUInt32LE(samples, 40);
  for (let i = 0; i < samples; i++) wav[44 + i] = 128 + Math.round(60 * Math.sin((i * 2 * Math.PI * 440) / rate));
  return wav;
})();

await stage.story("what plays in a row of a list goes on playing while the row moves, and others come before it", async (visit) => {
  await visit.page.route("**/tone.wav", (route) => route.fulfill({ body: tone, contentType: "audio/wav" }));
  await open(visit, "/each/playlist");
  await visit.page.evaluate(async () => {
    const media = document.querySelector('[data-n="3"]');
    Object.assign(window, { media, heard: [] });
    for (const type of ["pause", "emptied", "waiting", "seeking"]) media.addEventListener(type, () => window.heard.push(type));
    await media.play();
  });
  for (const selector of [".turn", ".first", ".turn"]) {
    const at = await visit.page.evaluate(() => window.media.currentTime);
    await click(visit, selector);
    await visit.page.waitForFunction((before) => window.media.currentTime > before, at);
  }
  expect.ok(await visit.page.evaluate(() => !window.media.paused && window.media === document.querySelector('[data-n="3"]')));
  expect.deepEqual(await visit.page.evaluate(() => window.heard.filter((type) => type !== "seeking")), []);
  expect.deepEqual(await visit.page.locator("audio").evaluateAll((all) => all.map((each) => each.dataset.n)), ["1", "2", "3", "9"]);
});

await onPage("/each/defaults", [
  ["all kinds of data travel; a function does not, and its parameter takes the default", async (visit) => {
    const server = await text(visit, ".defaults");
    await visit.page.locator(".defaults button").click();
    const page = await text(visit, ".defaults");
    expect.equal(page, server.replace(":k v", ":k w").replace("callback", "").trim());
    expect.ok(visit.server.stderr.includes("argument number 4 stays on the server: a function cannot travel"), visit.server.stderr.slice(-600));
  }],
]);

await stage.story("an island waits for the first thing that happens in it", async (visit) => {
  await visit.page.addInitScript(countWrites);
  await visit.go("/lazy");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands?.().waiting >= 1);
  expect.equal(await text(visit, "output"), "Count: 1 of 2");
  await click(visit, ".up");
  expect.equal(await text(visit, "output"), "Count: 2 of 4");
});

await stage.story("an island wakes when it comes into view, one when the page is idle", async (visit) => {
  await visit.page.addInitScript(() => addEventListener("DOMContentLoaded", () => { document.querySelector("#far").style.marginTop = "5000px"; }));
  await visit.go("/lazy");
  await visit.page.waitForFunction(() => document.querySelector(".clock").textContent === "ticks 1");
  const before = await visit.page.evaluate(() => globalThis.SxKernel.islands());
  await visit.page.locator("#far .up").scrollIntoViewIfNeeded();
  await visit.page.waitForFunction((count) => globalThis.SxKernel.islands().resumed > count, before.resumed);
  await click(visit, "#far .up");
  expect.equal(await text(visit, "#far output"), "Count: 8 of 16");
});

await stage.story("below sx-disable no island wakes", async (visit) => {
  await visit.go("/disabled");
  await visit.page.waitForTimeout(300);
  await click(visit, ".up");
  expect.equal(await text(visit, "output"), "Count: 0 of 0");
});

await stage.story("a page without islands does not fetch their bundle", async (visit) => {
  const asked = [];
  visit.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await visit.go("/plain");
  await visit.page.waitForTimeout(300);
  expect.deepEqual(asked.filter((path) => /islands|tools/.test(path)), []);
});

await stage.story("the bundle is named after its content and kept for good", async (visit) => {
  let headers;
  visit.page.on("response", (response) => { if (/sx-islands/.test(response.url())) headers = response.headers(); });
  await open(visit, "/one");
  expect.match(headers["cache-control"], /immutable/);
});

await stage.story("an island whose bundle does not come stays as the server sent it, and says so", async (visit) => {
  await visit.page.route("**/sx-islands/**", (route) => route.fulfill({ status: 500, body: "no" }));
  await visit.go("/one");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands);
  await visit.page.waitForTimeout(300);
  expect.equal(await text(visit, "output"), "Count: 3 of 6");
  expect.ok(visit.warnings.some((words) => /~counter stays as the server sent it/.test(words)), visit.warnings.join());
}, { allow: /500/ });

await stage.story("an island whose HTML was changed is made anew at its first change, and says so", async (visit) => {
  await visit.page.addInitScript(() => addEventListener("DOMContentLoaded", () => document.querySelector("output").append(document.createElement("i"))));
  await open(visit, "/one");
  await click(visit, ".up");
  expect.equal(await text(visit, "output"), "Count: 4 of 8");
  expect.ok(visit.warnings.some((words) => /~counter is made anew: expected/.test(words)), visit.warnings.join());
});

await onPage("/each/kinds", [
  ["markup of every kind is laid over what is there: no node is exchanged, and only what changed is written", async (visit) => {
    await visit.page.evaluate(() => { window.all = [...document.querySelectorAll(".kinds, .kinds *")]; });
    await click(visit, ".go");
    expect.equal(await text(visit, ".go"), "n is 1");
    expect.deepEqual(await visit.page.evaluate(() => window.all.filter((node) => !node.isConnected).map((node) => node.outerHTML)), []);
    const attributes = (await writes(visit)).filter((one) => one.startsWith("attributes"));
    expect.deepEqual(attributes.map((one) => one.slice(11)), ["SECTION data-n", "INPUT disabled", "PROGRESS value", "TR class", "TR class", "circle cx", "A href"]);
    expect.deepEqual(visit.warnings, []);
    expect.deepEqual(await visit.page.evaluate(() => [...document.querySelectorAll(".kinds input")].map((field) => (/box|radio/.test(field.type) ? field.checked : field.value))), ["v1", true, true, false, true, "1"]);
    expect.equal(await visit.page.locator("rect").evaluate((node) => node instanceof SVGRectElement), true);
  }],
  ["afterwards a change writes what changed alone", async (visit) => {
    await click(visit, ".go");
    expect.equal(await text(visit, ".inside"), "2");
    const records = await writes(visit);
    expect.deepEqual(records.filter((one) => one.startsWith("childList")), ["childList svg ", "childList ARTICLE "]);
  }],
]);

await stage.story("events of every kind come to their handlers", async (visit) => {
  await visit.page.addInitScript(() => customElements.define("x-shell", class extends HTMLElement {
    constructor() {
      super();
      this.attachShadow({ mode: "open" }).append(Object.assign(document.createElement("button"), { textContent: "in" }));
    }
  }));
  await open(visit, "/each/events");
  for (const [name, work, wanted] of [
    ["stopped on its way up", () => document.querySelector(".quiet").click(), ["quiet"]],
    ["one's own, which bubbles", () => document.querySelector(".ping b").dispatchEvent(new CustomEvent("ping", { bubbles: true })), ["ping", "outer ping"]],
    ["one's own, which does not", () => document.querySelector(".ping").dispatchEvent(new CustomEvent("ping")), ["ping"]],
    ["in a shadow", () => document.querySelector("x-shell").shadowRoot.querySelector("button").click(), ["shell", "outer"]],
    ["in SVG", () => document.querySelector("rect").dispatchEvent(new MouseEvent("click", { bubbles: true })), ["rect", "outer"]],
    ["of a dialog", () => { document.querySelector("dialog").showModal(); document.querySelector("dialog").close(); }, ["close"]],
    ["of media", () => { document.querySelector("video").muted = true; }, ["volume"]],
  ]) await test(`an event ${name}`, async () => {
    const before = await text(visit, "output");
    await visit.page.evaluate(work);
    await visit.page.waitForFunction((was) => document.querySelector("output").textContent !== was, before);
    expect.deepEqual((await text(visit, "output")).slice(before.length).split(",").filter(Boolean), wanted);
  });
  await test("an event of entering and leaving, as the pointer does it", async () => {
    await visit.page.locator(".enter").hover();
    await visit.page.locator(".ping").hover();
    await visit.page.waitForFunction(() => /,enter,leave$/.test(document.querySelector("output").textContent));
  });
  await test("a wheel that a handler keeps for itself", async () => {
    await visit.page.evaluate(() => document.querySelector(".wheel").addEventListener("wheel", (event) => setTimeout(() => { window.kept = event.defaultPrevented; })));
    await visit.page.locator(".wheel").hover();
    await visit.page.mouse.wheel(0, 5);
    await visit.page.waitForFunction(() => window.kept === true);
  });
});

await onPage("/each/late", [
  ["a choice whose options come later is chosen then, and stays when they move", async (visit) => {
    const value = () => visit.page.locator("select").inputValue();
    await click(visit, ".come");
    expect.equal(await value(), "c");
    await click(visit, ".turn");
    expect.equal(await value(), "c");
    await visit.page.locator("select").selectOption("a");
    await click(visit, ".turn");
    expect.equal(await value(), "a");
  }],
]);

await onPage("/each/choices", [
  ["numbers that JSON has no form for travel", async (visit) => {
    const sent = await text(visit, ".choices");
    expect.match(sent, /\[\+nan\.0 \+inf\.0 -inf\.0 12345678901234567890123 -0\.5\]/);
    await click(visit, ".go");
    expect.equal(await text(visit, ".choices"), sent.replace("]", " 1]"));
    expect.deepEqual(visit.warnings, []);
  }],
]);

// Mistakes of an island's author: a clear error each, and the page goes on.
await stage.story("effects and markup that change what they follow are stopped with an error, and go on when they do not any more", async (visit) => {
  await open(visit, "/each/circle");
  await click(visit, ".view");
  await visit.page.waitForFunction(() => document.querySelector("output").textContent);
  expect.match(visit.problems.splice(0).join(), /signal-circle: .* again and again: after \d+ rounds it was given up/);
  await click(visit, ".off");
  const now = Number(await text(visit, "output"));
  expect.ok(now > 0, `${now}`);
  await click(visit, ".effect");
  await click(visit, ".effect");  // which changes what the first one follows
  expect.match(visit.problems.splice(0).join(), /signal-circle: Effects change/);
  expect.ok(Number(await text(visit, "output")) > now);
});

await stage.story("a computed value that fails is told with its place, what is shown stays, and follows again when it can", async (visit) => {
  await open(visit, "/each/fails");
  const shown = async () => [await text(visit, "output"), await text(visit, ".n")];
  await click(visit, ".up");
  expect.deepEqual(await shown(), ["10", "1"]);
  expect.match(visit.problems.splice(0).join(), /2 is even[^]*trials\.sx:\d+/);
  await click(visit, ".up");
  expect.deepEqual([...(await shown()), ...visit.problems], ["3", "3"]);
  await click(visit, ".up");
  expect.match(visit.problems.splice(0).join(), /an effect fails at four[^]*trials\.sx:\d+/);
  await click(visit, ".up");
  expect.deepEqual([...(await shown()), ...visit.problems], ["2", "5"]);
});

await stage.story("a list with two items of one key is an error that names it, and stays as it was", async (visit) => {
  await open(visit, "/each/twins");
  await click(visit, ".double");
  await visit.page.waitForFunction(() => document.querySelector("#content ul").textContent === "ab");
  expect.match(visit.problems.splice(0).join(), /duplicate-key: each: Two items have the key "a"/);
  await click(visit, ".single");
  expect.deepEqual(await items(visit), ["b", "c"]);
});

await stage.story("an island whose setup fails in the page is told, leaves nothing behind, and is the plain HTML that it was", async (visit) => {
  await open(visit, "/each/unlucky");
  expect.ok(visit.warnings.includes("The island ~unlucky stays as the server sent it: there is no page"), visit.warnings.join());
  const { failed, resumed } = await visit.page.evaluate(() => globalThis.SxKernel.islands());
  expect.deepEqual([failed, resumed], [1, 1]);
  await click(visit, ".twice");
  expect.equal(await text(visit, "output"), "Count: 2 of 4");
  await visit.page.locator(".unlucky input").check();
  await visit.page.locator(".unlucky button").click();
  await visit.page.waitForURL("**/plain?**");
});

await stage.story("a form in an island that is on its way is sent when the island fails, or does not want it; boxes can be ticked meanwhile", async (visit) => {
  const letGo = await hold(visit, kBundles);
  await visit.go("/each/unlucky");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands);
  await visit.page.locator(".unlucky input").check();
  expect.equal(await visit.page.locator(".unlucky input").isChecked(), true);
  await visit.page.locator(".unlucky button").click();
  await visit.page.waitForTimeout(100);
  expect.equal(visit.path(), "/each/unlucky");
  letGo();
  await visit.page.waitForURL("**/plain?tick=on");
});

await stage.story("an island that leaves while its bundle is on the way does not begin", async (visit) => {
  const letGo = await hold(visit, kBundles);
  await visit.go("/each/beacon");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands);
  await visit.follow("Plain");
  const came = visit.page.waitForResponse("**/sx-islands/**");
  letGo();
  await (await came).finished();
  await visit.page.waitForTimeout(100);
  expect.deepEqual(visit.warnings, []);
  const { waiting, resumed, failed } = await visit.page.evaluate(() => globalThis.SxKernel.islands());
  expect.deepEqual([waiting, resumed, failed], [0, 0, 0]);
});

await stage.story("an island that leaves while its resource is loading ends quietly", async (visit) => {
  const letGo = await hold(visit, "**/slow", { body: "x", contentType: "text/plain" });
  await open(visit, "/each/waiter");
  const asked = visit.page.waitForRequest("**/slow");
  await visit.page.evaluate(() => globalThis.SxKernel.islands());
  await asked.catch(() => {});
  await visit.follow("Plain");
  letGo();
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands().roots === 0);
  for (let i = 0; i < 50 && !visit.warnings.length; i++) await visit.page.waitForTimeout(20);
  expect.deepEqual(visit.warnings, ["the answer came"]);
});

await stage.story("islands that wait are forgotten when they leave before anybody wants them", async (visit) => {
  await visit.page.addInitScript(() => addEventListener("DOMContentLoaded", () => { document.querySelector("#far")?.style.setProperty("margin-top", "5000px"); }));
  await visit.go("/lazy");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands?.().waiting >= 2);
  await visit.follow("Plain");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands().waiting === 0);
  const { resumed, references, live, roots } = await visit.page.evaluate(() => globalThis.SxKernel.islands());
  expect.deepEqual([resumed, references, live, roots], [0, 0, 0, 0]);
  expect.deepEqual(visit.warnings.filter((words) => words !== "clock cleaned up"), []);
});

await stage.story("pages with islands come and go and leave nothing: no node, no handle, no memory", async (visit) => {
  await open(visit, "/each/mounts");
  const measure = await memoryOf(visit);
  const round = async (path) => {
    await visit.swap(() => visit.page.evaluate((to) => {
      const link = Object.assign(document.createElement("a"), { href: to });
      document.querySelector("#content").append(link);
      link.click();
      link.remove();
    }, path));
    await visit.page.waitForFunction((none) => (document.querySelector("[data-sx-island]") === null) === none && globalThis.SxKernel.islands().resumed > 0 !== none, path === "/plain");
  };
  const walk = async (times) => {
    for (let i = 0; i < times; i++) {
      await round("/each/list");
      await click(visit, ".reverse");
      await round("/lazy");
      await round("/plain");
    }
  };
  await walk(24);  // more pages than are kept for going back
  const before = await measure();
  await walk(16);
  const after = await measure();
  for (const what of ["live", "roots", "references", "resumed", "waiting", "jsEventListeners"]) expect.equal(after[what], before[what], what);
  expect.ok(after.nodes <= before.nodes + 60, `${before.nodes} → ${after.nodes} nodes`);
  expect.ok(after.usedSize <= before.usedSize * 1.05 + 50_000, `${before.usedSize} → ${after.usedSize} bytes`);
});

await stage.story("an island that comes later shows what a store holds by then", async (visit) => {
  await open(visit, "/each/stores");
  await click(visit, ".buy");
  await click(visit, ".buy");
  await visit.swap(() => visit.page.evaluate(() => {
    const link = Object.assign(document.createElement("a"), { href: "/each/total" });
    document.querySelector("#content").append(link);
    link.click();
  }));
  await visit.page.waitForFunction(() => document.querySelector(".total").textContent === "total 2");
  expect.deepEqual(visit.warnings, []);
});

await stage.story("SxKernel.debug() names each island, how far it is, and what its signals hold", async (visit) => {
  await open(visit, "/");
  const counter = () => visit.page.evaluate(async () => (await SxKernel.debug()).islands.filter(({ name }) => name === "~counter").map(({ element, phase, state }) => [element.isConnected, phase, state[0]]));
  const [first] = await counter();
  expect.deepEqual([first[0], first[1]], [true, "resumed"]);
  await click(visit, ".up");
  const [then] = await counter();
  expect.equal(then[1], "adopted");
  expect.equal(Number(then[2]), Number(first[2]) + 1);
});

await stage.story("an error in a handler shows where it is, and the page goes on", async (visit) => {
  await open(visit, "/each/fails");
  await click(visit, ".bad");
  await visit.page.waitForFunction(() => document.querySelector(".n"));
  expect.match(visit.problems.splice(0).join(), /this handler fails[^]*trials\.sx:\d+/);
  await click(visit, ".up");
  await click(visit, ".up");
  expect.equal(await text(visit, ".n"), "3");
  visit.problems.length = 0;
});

await stage.story("without JavaScript islands are what the server sent", async (visit) => {
  await visit.page.goto(visit.url("/one"));
  expect.equal(await text(visit, "output"), "Count: 3 of 6");
}, { context: { javaScriptEnabled: false }, plain: true });

await stage.close();
finish();
