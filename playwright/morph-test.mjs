// sx-swap="morph": what a visitor has in hand stays, whatever the server sends.
import { join } from "node:path";
import { expect, finish, root, test } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open({ args: [join(root, "playwright/islands/app.sx")] });

/** Opens a zone that will become something else. */
async function zone(visit, from, to, how = "morph:inner") {
  await visit.go(`/morph?${new URLSearchParams({ from, to, how })}`);
  await visit.page.evaluate(() => { window.kept = new Map([...document.querySelectorAll("#zone *")].map((node, i) => [node, i])); });
}
const go = async (visit) => {
  const before = await visit.page.evaluate(() => window.seen.swaps);
  await visit.page.evaluate(() => document.querySelector("#go").click());
  await visit.page.waitForFunction((count) => window.seen.swaps > count, before);
};
const inner = (visit) => visit.page.locator("#zone").evaluate((node) => node.innerHTML);
/** Which of the nodes of before are there now, in order; -1 for new ones. */
const nodes = (visit, selector = "#zone *") => visit.page.locator(selector).evaluateAll((all) => all.map((node) => window.kept.get(node) ?? -1));
const same = (name, from, to, check, how) => [name, from, to, check, how];

/** Each case is a page: what it has, what it becomes, what holds then. */
const cases = [
  same("texts change in the nodes that are there", "<p>one</p><p>two</p>", "<p>1</p><p>2</p>", async (visit) => {
    expect.deepEqual(await nodes(visit), [0, 1]);
  }),
  same("attributes are set, changed and taken off", '<a href="/a" title="t">x</a>', '<a href="/b" lang="en">x</a>', async (visit) => {
    expect.deepEqual(await nodes(visit), [0]);
  }),
  same("elements with ids move instead of being made again", '<ul><li id="a">a</li><li id="b">b</li><li id="c">c</li></ul>',
    '<ul><li id="c">c</li><li id="a">a</li><li id="b">b!</li></ul>', async (visit) => {
      expect.deepEqual(await nodes(visit, "#zone li"), [3, 1, 2]);
    }),
  same("elements with data-key too", '<p data-key="1">a</p><p data-key="2">b</p>', '<p data-key="0">n</p><p data-key="2">b</p><p data-key="1">a</p>', async (visit) => {
    expect.deepEqual(await nodes(visit), [-1, 1, 0]);
  }),
  same("an element is known by the ids in it", '<div><p>x</p></div><div><p id="in">y</p></div>', '<div><p id="in">y</p></div>', async (visit) => {
    expect.deepEqual(await nodes(visit), [2, 3]);
  }),
  same("an element with an id finds its new parent", '<section><input id="f"></section><article></article>', '<section></section><article><input id="f"></article>', async (visit) => {
    expect.deepEqual(await nodes(visit, "#f"), [1]);
  }),
  same("and a parent that is new", '<input id="f">', '<fieldset><label>l <input id="f"></label></fieldset>', async (visit) => {
    expect.deepEqual(await nodes(visit, "#f"), [0]);
  }),
  same("what is another kind of element is another one", "<p>x</p>", "<h2>x</h2>", async (visit) => {
    expect.deepEqual(await nodes(visit), [-1]);
  }),
  same("rows of a table", '<table><tbody><tr id="r1"><td>1</td></tr><tr id="r2"><td>2</td></tr></tbody></table>',
    '<table><tbody><tr id="r2"><td>2</td></tr><tr id="r3"><td>3</td></tr></tbody></table>', async (visit) => {
      expect.deepEqual((await nodes(visit, "#zone tr"))[0], 4);
    }),
  same("SVG stays SVG", '<svg><circle id="c" r="1"></circle></svg>', '<svg><circle id="c" r="5"></circle><rect></rect></svg>', async (visit) => {
    expect.equal(await visit.page.locator("#zone rect").evaluate((node) => node.namespaceURI), "http://www.w3.org/2000/svg");
    expect.deepEqual(await nodes(visit, "#c"), [1]);
  }),
  same("ids with odd characters", '<p id="a.b:c d&quot;">1</p><p id="1">2</p>', '<p id="1">2</p><p id="a.b:c d&quot;">1</p>', async (visit) => {
    expect.deepEqual(await nodes(visit), [1, 0]);
  }),
  same("everything goes", "<p>x</p>y<b>z</b>", "", async () => {}),
  same("everything comes", "", "<p>x</p>y<b>z</b>", async () => {}),
  same("comments and texts", "a<!--1-->b", "c<!--2--><i>d</i>", async () => {}),
];
for (const [name, from, to, check, how] of cases)
  await stage.story(`morph: ${name}`, async (visit) => {
    await zone(visit, from, to, how);
    await go(visit);
    expect.equal(await inner(visit), to);
    await check(visit);
  });

await stage.story("morph keeps focus and caret in a field that moves and is renamed around", async (visit) => {
  await zone(visit, '<p>a</p><input id="f" value="hello">', '<h3>b</h3><div><input id="f" value="hello"></div>');
  await visit.page.locator("#f").focus();
  await visit.page.locator("#f").evaluate((node) => node.setSelectionRange(1, 3));
  await go(visit);
  expect.deepEqual(await visit.page.evaluate(() => [document.activeElement.id, document.activeElement.selectionStart, document.activeElement.selectionEnd]), ["f", 1, 3]);
});

await stage.story("morph keeps what was typed unless the server sends another value", async (visit) => {
  await zone(visit, '<input id="a" value="1"><input id="b" value="1"><textarea id="t">x</textarea><input id="c" type="checkbox"><select id="s"><option>one<option>two</select>',
    '<input id="a" value="1"><input id="b" value="2"><textarea id="t">x</textarea><input id="c" type="checkbox"><select id="s"><option>one</option><option>two</option></select><p>new</p>');
  for (const id of ["a", "b", "t"]) await visit.page.locator(`#${id}`).fill("typed");
  await visit.page.locator("#c").check();
  await visit.page.locator("#s").selectOption("two");
  await go(visit);
  const value = (id) => visit.page.locator(`#${id}`).inputValue();
  await test("a typed value stays", async () => expect.equal(await value("a"), "typed"));
  await test("a changed one of the server wins", async () => expect.equal(await value("b"), "2"));
  await test("a text area keeps its text", async () => expect.equal(await value("t"), "typed"));
  await test("a box stays checked", async () => expect.equal(await visit.page.locator("#c").isChecked(), true));
  await test("a choice stays", async () => expect.equal(await value("s"), "two"));
});

await stage.story("morph with sx-reset gives the server's values the say", async (visit) => {
  await zone(visit, '<form><input id="a" value="1"></form>', '<form sx-reset><input id="a" value="1"></form>');
  await visit.page.locator("#a").fill("typed");
  await go(visit);
  expect.equal(await visit.page.locator("#a").inputValue(), "1");
});

await stage.story("morph keeps scroll positions, open details and elements to be preserved", async (visit) => {
  await zone(visit, '<div id="box"><p>1</p></div><details id="d"><summary>s</summary>x</details><div id="p" sx-preserve><i>mine</i></div>',
    '<h3>n</h3><div id="box"><p>1</p><p>2</p></div><details id="d"><summary>s</summary>y</details><div id="p" sx-preserve><i>theirs</i></div>');
  await visit.page.locator("#box").evaluate((node) => { node.style.cssText = "height:20px;overflow:auto"; node.firstChild.style.cssText = "height:500px"; node.scrollTop = 90; });
  await visit.page.locator("#d").evaluate((node) => { node.open = true; });
  await go(visit);
  await test("details stay open", async () => expect.equal(await visit.page.locator("#d").evaluate((node) => node.open), true));
  await test("what is preserved stays", async () => expect.equal(await visit.page.locator("#p").innerText(), "mine"));
});

await stage.story("morph keeps the focus without a blur in a field that moves, also where it waits for its new parent", async (visit) => {
  await zone(visit, '<ul><li data-key="1"><input id="f"></li><li data-key="2">b</li></ul><p id="p">c</p>',
    '<p id="p">c</p><section><div data-key="3"><input id="f"></div></section><ul><li data-key="2">b</li></ul>');
  await visit.page.locator("#f").focus();
  await visit.page.evaluate(() => {
    window.heard = [];
    for (const type of ["blur", "focus"]) document.querySelector("#f").addEventListener(type, () => window.heard.push(type));
  });
  await go(visit);
  expect.deepEqual(await nodes(visit, "#f"), [2]);
  expect.equal(await visit.page.evaluate(() => document.activeElement.id), "f");
  expect.deepEqual(await visit.page.evaluate(() => (Element.prototype.moveBefore ? window.heard : [])), []);
});

// Sound for the stories about media, made here: two seconds of silence with a tick.
const tone = (() => {
  const samples = 16_000, wav = Buffer.alloc(44 + samples, 128);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples, 4);
  wav.write("WAVEfmt ", 8);
  // PCM, one channel, 8,000 samples a second of one byte.
  for (const [at, value] of [[16, 16], [20, 0x10001], [24, 8000], [28, 8000], [32, 0x80001]]) wav.writeUInt32LE(value, at);
  wav.write("data", 36);
  wav.writeUInt32LE(samples, 40);
  wav.fill(200, 60, 90);
  return wav;
})();
const audio = '<audio id="m" src="/tone.wav" loop=""></audio>', video = '<video id="m" src="/tone.wav" loop=""></video>';
for (const [name, from, to] of [
  ["media that stays where it is", `<p>a</p>${audio}`, `<h3>b</h3>${audio}<p>c</p>`],
  ["media that is changed around its address", `<p>a</p>${video}`, `<p>b</p>${video.replace(">", ' title="t">')}`],
  ["media that moves among its siblings", `${audio}<p data-key="1">a</p><p data-key="2">b</p>`, `<p data-key="2">b</p><p data-key="1">a</p>${audio}`],
  ["media in a keyed list that is turned round", `<ul><li data-key="1">a</li><li data-key="2">${audio}</li><li data-key="3">c</li></ul>`,
    `<ul><li data-key="3">c</li><li data-key="2">${audio}</li><li data-key="1">a</li></ul>`],
  ["media that finds a new parent", `<section>${video}</section><article></article>`, `<section></section><article>${video}</article>`],
  ["and a parent that is new", `${audio}`, `<figure><div>${audio}</div></figure>`],
])
  await stage.story(`morph lets play on: ${name}`, async (visit) => {
    await visit.page.route("**/tone.wav", (route) => route.fulfill({ body: tone, contentType: "audio/wav" }));
    await zone(visit, from, to);
    await visit.page.evaluate(async () => {
      const media = document.querySelector("#m");
      Object.assign(window, { media, heard: [] });
      media.muted = true;
      await media.play();
      for (const type of ["pause", "emptied", "loadstart"]) media.addEventListener(type, () => window.heard.push(type));
    });
    await visit.page.waitForFunction(() => window.media.currentTime > 0.1);
    const before = await visit.page.evaluate(() => window.media.currentTime);
    await go(visit);
    expect.equal(await inner(visit), to);
    const { here, paused, now } = await visit.page.evaluate(() => ({ here: window.media === document.querySelector("#m"), paused: window.media.paused, now: window.media.currentTime }));
    expect.ok(here && !paused, `${here ? "the same element" : "another element"}, ${paused ? "paused" : "playing"}`);
    expect.ok(now >= before, `${before} → ${now} seconds`);
    await visit.page.waitForFunction((at) => window.media.currentTime > at, now);
    expect.deepEqual(await visit.page.evaluate(() => window.heard), []);
  });

await stage.story("morph keeps the state of islands", async (visit) => {
  await visit.go("/morph-island");
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands?.().resumed === 1);
  await visit.page.locator(".up").click();
  await go(visit);
  expect.equal(await visit.page.locator("output").innerText(), "Count: 4 of 8");
  await visit.page.locator(".up").click();
  expect.equal(await visit.page.locator("output").innerText(), "Count: 5 of 10");
  expect.equal(await visit.page.locator("#zone h2").innerText(), "new");
});

await stage.story("morph of the target itself keeps it, and changes its attributes", async (visit) => {
  await zone(visit, "<p>x</p>", '<div id="zone" class="new"><p>y</p></div>', "morph");
  await visit.page.evaluate(() => { window.zone = document.querySelector("#zone"); });
  await go(visit);
  expect.ok(await visit.page.evaluate(() => window.zone === document.querySelector("#zone") && window.zone.className === "new"));
  expect.equal(await inner(visit), "<p>y</p>");
});

await stage.close();
finish();
