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
  same("ids that are there twice", '<p id="a">1</p><p id="a">2</p><div><p id="a">3</p></div>', '<div><p id="a">x</p></div><p id="a">y</p><p id="a">z</p>', async (visit) => {
    expect.equal((await nodes(visit)).filter((node) => node >= 0).length >= 1, true);
  }),
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
  await visit.page.locator("#box").evaluate((node) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("#box { height: 20px; overflow: auto } #box p { height: 500px }");
    document.adoptedStyleSheets.push(sheet);
    node.scrollTop = 90;
  });
  await visit.page.locator("#d").evaluate((node) => { node.open = true; });
  await go(visit);
  await test("a part that scrolls stays where it is", async () => expect.equal(await visit.page.locator("#box").evaluate((node) => node.scrollTop), 90));
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

/** What holds in the page after a morph. @param {[string, string, string, (visit: any) => Promise<void>, () => any, any][]} all name, from, to, what a visitor does, what is asked, the answer */
async function stay(all) {
  for (const [name, from, to, before, ask, wanted] of all)
    await stage.story(`morph keeps ${name}`, async (visit) => {
      await zone(visit, from, to);
      await before(visit);
      await go(visit);
      expect.deepEqual(await visit.page.evaluate(ask), wanted);
    });
}
const script = (work) => (visit) => visit.page.evaluate(work);
const list = (...items) => `<ul>${items.map(([key, html]) => `<li data-key="${key}">${html}</li>`).join("")}</ul>`;
const turned = (html, then = html) => [list([1, html], [2, "b"], [3, "c"]), list([3, "c"], [2, "b"], [1, then])];
const row = (n) => `<li><label>${n} <input name="n${n}"></label><input type="checkbox" name="c" value="${n}"></li>`;
const radios = (chosen) => ["a", "b", "c"].map((value) => `<label><input type="radio" name="r" value="${value}"${value === chosen ? " checked" : ""}>${value}</label>`).join("");
const values = () => [...document.querySelectorAll("#zone input")].map((field) => (field.type === "checkbox" ? field.checked : field.value));

await stay([
  ["choices by what they stand for, when options come before them", '<select id="s"><option>one<option>two<option>three</select><select id="m" multiple><option>a<option>b<option>c</select>',
    '<select id="s"><option>zero<option>one<option>two</select><select id="m" multiple><option>x<option>a<option>b<option>c</select>',
    async (visit) => {
      await visit.page.locator("#s").selectOption("two");
      await visit.page.locator("#m").selectOption(["a", "c"]);
    }, () => [document.querySelector("#s").value, ...[...document.querySelector("#m").selectedOptions].map(({ value }) => value)], ["two", "a", "c"]],
  ["what was typed in its row, when rows without ids come before it", `<ul>${row(1)}${row(2)}</ul>`, `<ul>${row(0)}${row(1)}${row(2)}</ul>`,
    async (visit) => {
      await visit.page.locator("[name=n2]").fill("typed");
      await visit.page.locator("[value='1']").check();
    }, values, ["", false, "", true, "typed", false]],
  ["what was typed in fields by their names", '<input name="a"><input name="b">', '<input name="z"><input name="a"><input name="b">',
    async (visit) => {
      await visit.page.locator("[name=a]").fill("A");
      await visit.page.locator("[name=b]").fill("B");
    }, values, ["", "A", "B"]],
  ["the choice of a group of radio buttons", radios("a"), `<p>n</p>${radios("a")}`, (visit) => visit.page.locator("[value=c]").check(),
    () => document.querySelector("#zone :checked").value, "c"],
  ["no choice that the server has changed", radios("a"), `<p>n</p>${radios("b")}`, (visit) => visit.page.locator("[value=c]").check(),
    () => document.querySelector("#zone :checked").value, "b"],
  ["a dialog and a popover that are open", '<p>a</p><dialog id="d"><p>x</p></dialog><div id="pop" popover="">p</div>', '<h3>n</h3><p>b</p><div id="pop" popover="">q</div><dialog id="d"><p>y</p></dialog>',
    script(() => {
      document.querySelector("#d").showModal();
      document.querySelector("#pop").showPopover();
    }), () => [document.querySelector("#d").matches(":modal"), document.querySelector("#d").textContent, document.querySelector("#pop").matches(":popover-open")], [true, "y", true]],
  ["the document of a frame that moves in a list", ...turned('<iframe id="fr"></iframe>'), script(() => { document.querySelector("#fr").contentWindow.mark = 1; }),
    () => document.querySelector("#fr").contentWindow.mark, 1],
  ["text that is selected in an element that moves", '<p id="a">hello world</p><p id="b">other</p>', '<p id="b">other!</p><p id="a">hello world</p>',
    script(() => {
      const text = document.querySelector("#a").firstChild;
      getSelection().setBaseAndExtent(text, 2, text, 7);
    }), () => getSelection().toString(), "llo w"],
  ["the scroll position of what moves in a list", ...turned('<div id="box"><p>1</p></div>'), script(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("#box { height: 20px; overflow: auto } #box p { height: 500px }");
    document.adoptedStyleSheets.push(sheet);
    document.querySelector("#box").scrollTop = 90;
  }), () => document.querySelector("#box").scrollTop, 90],
  ["the size that a visitor gave a text area", "<p>a</p><textarea></textarea>", "<h3>b</h3><textarea></textarea>", script(() => { document.querySelector("textarea").style.height = "200px"; }),
    () => document.querySelector("textarea").style.height, "200px"],
]);

await stage.story("morph keeps what is being edited with its caret, until the server says something else", async (visit) => {
  const edited = (text, more) => `<h2>${more}</h2><div contenteditable="true">${text}</div>`;
  await zone(visit, edited("hello", "a"), edited("hello", "b"));
  const field = visit.page.locator("[contenteditable]");
  await field.focus();
  await visit.page.keyboard.press("End");
  await visit.page.keyboard.type(" you");
  await visit.page.keyboard.press("ArrowLeft");
  await go(visit);
  await visit.page.keyboard.type("!");
  expect.equal(await field.innerText(), "hello yo!u");
  await field.blur();
  await go(visit);
  expect.equal(await field.innerText(), "hello yo!u");
  await visit.page.evaluate((to) => {
    document.querySelector("#go").setAttribute("sx-get", `/morph-answer?html=${encodeURIComponent(to)}`);
    globalThis.SxKernel.process();
  }, edited("other", "c"));
  await go(visit);
  expect.equal(await field.innerText(), "other");
});

await stage.story("morph does not end a composition", async (visit) => {
  await zone(visit, '<h2>a</h2><input id="f" value="x">', '<h2>b</h2><p>n</p><input id="f" value="x">');
  await visit.page.locator("#f").focus();
  await visit.page.keyboard.press("End");
  const client = await visit.context.newCDPSession(visit.page);
  await visit.page.evaluate(() => {
    window.heard = [];
    for (const type of ["compositionstart", "compositionend", "blur"]) document.querySelector("#f").addEventListener(type, () => window.heard.push(type));
  });
  await client.send("Input.imeSetComposition", { text: "に", selectionStart: 1, selectionEnd: 1 });
  await go(visit);
  const state = () => visit.page.evaluate(() => [document.querySelector("#f").value, ...window.heard]);
  expect.deepEqual(await state(), ["xに", "compositionstart"]);
  await client.send("Input.insertText", { text: "日" });
  expect.deepEqual(await state(), ["x日", "compositionstart", "compositionend"]);
});

await stage.story("morph moves custom elements without taking them out: what is in their shadow keeps focus and caret", async (visit) => {
  await visit.page.addInitScript(() => {
    window.calls = [];
    customElements.define("x-one", class extends HTMLElement {
      constructor() {
        super();
        this.attachShadow({ mode: "open" }).append(document.createElement("input"));
      }
      connectedCallback() { window.calls.push("connected"); }
      disconnectedCallback() { window.calls.push("disconnected"); }
      connectedMoveCallback() {}
    });
  });
  await zone(visit, ...turned('<x-one id="x"></x-one>', '<x-one id="x" class="n"></x-one>'));
  await visit.page.evaluate(() => {
    const field = document.querySelector("#x").shadowRoot.querySelector("input");
    field.focus();
    field.value = "typed";
    field.setSelectionRange(1, 2);
  });
  await go(visit);
  expect.deepEqual(await visit.page.evaluate(() => {
    const { activeElement } = document.querySelector("#x").shadowRoot;
    return [document.querySelector("#x").className, activeElement.value, activeElement.selectionStart, window.calls];
  }), ["n", "typed", 1, ["connected"]]);
});

await stage.story("morph makes any tree of any other, and keeps what has the same id", async (visit) => {
  await zone(visit, "", "");
  let seed = 7;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const tree = (depth, ids) => {
    let out = "";
    for (let i = random(4); i >= 0; i--) {
      if (random(6) === 0) {
        if (!out.endsWith(".")) out += `t${random(9)}.`;
        continue;
      }
      const tag = ["div", "section", "ul", "b", "i"][random(5)], id = random(12), named = random(2) && !ids.has(id);
      if (named) ids.add(id);
      out += `<${tag}${named ? ` ${random(2) ? "id" : "data-key"}="x${id}"` : ""}${random(3) ? "" : ` title="${random(5)}"`}>${depth ? tree(depth - 1, ids) : `t${random(9)}.`}</${tag}>`;
    }
    return out;
  };
  for (let n = 0; n < 80; n++) {
    const to = tree(3, new Set()), was = await inner(visit);
    await visit.page.evaluate((html) => {
      window.named = new Map([...document.querySelectorAll("#zone [id]")].map((node) => [node.localName + node.id, node]));
      document.querySelector("#go").setAttribute("sx-get", `/morph-answer?html=${encodeURIComponent(html)}`);
      globalThis.SxKernel.process();
    }, to);
    await go(visit);
    expect.equal(await inner(visit), to, `from ${was}`);
    expect.deepEqual(await visit.page.evaluate(() => [...document.querySelectorAll("#zone [id]")].filter((node) => (window.named.get(node.localName + node.id) ?? node) !== node).map(({ id }) => id)), [], `${was} → ${to}`);
  }
});

await stage.story("morph takes an island of another name up anew, ends the one before it, and turns a list of islands round with their state", async (visit) => {
  const islands = await (await visit.context.request.get(visit.url("/each/clock"))).text();
  const clock = /<sx-island.*<\/sx-island>/s.exec(islands)[0];
  const counter = /<sx-island.*<\/sx-island>/s.exec(await (await visit.context.request.get(visit.url("/one"))).text())[0];
  await zone(visit, `<p>a</p>${clock}`, `<p>b</p>${counter}`);
  await visit.page.waitForFunction(() => document.querySelector(".clock")?.textContent === "ticks 1");
  await go(visit);
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands().resumed === 1);
  await visit.page.locator(".up").click();
  expect.equal(await visit.page.locator("output").innerText(), "Count: 4 of 8");
  expect.ok(visit.warnings.includes("clock cleaned up"), visit.warnings.join());
  await zone(visit, ...[[1, 2], [2, 1]].map((keys) => list(...keys.map((key) => [key, counter]))));
  await visit.page.waitForFunction(() => globalThis.SxKernel.islands?.().resumed === 2);
  await visit.page.locator(".up").first().click();
  await go(visit);
  const counts = () => visit.page.locator("output").allInnerTexts();
  expect.deepEqual(await counts(), ["Count: 3 of 6", "Count: 4 of 8"]);
  await visit.page.locator(".up").last().click();
  await visit.page.locator(".up").first().click();
  expect.deepEqual(await counts(), ["Count: 4 of 8", "Count: 5 of 10"]);
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
