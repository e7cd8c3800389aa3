// Pictures of the main pages on a phone and a desktop, light and dark, for people to look at; and what a machine can
// tell of them: nothing sticks out sideways, text has contrast, everything can be reached.
import { expect, finish } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open();
const screens = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
const pages = { index: "/", post: "/welcome/", table: "/a-table-of-lighthouses/", archive: "/archive", tags: "/tags", login: "/login", missing: "/not-there/" };

/** Contrast of the text of each element with its background, worst first. */
function contrasts() {
  const channel = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => { context.clearRect(0, 0, 1, 1); context.fillStyle = color; context.fillRect(0, 0, 1, 1); return [...context.getImageData(0, 0, 1, 1).data]; };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) { const color = rgba(getComputedStyle(at).backgroundColor); if (color[3] > 200) return color; }
    return rgba(getComputedStyle(document.documentElement).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#fff");
  };
  return [...document.querySelectorAll("#content *, .site-header *")].filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
    .map((node) => {
      const [a, b] = [light(rgba(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
      return { ratio: (a + 0.05) / (b + 0.05), node: node.outerHTML.slice(0, 80) };
    }).sort((x, y) => x.ratio - y.ratio);
}

for (const [screen, viewport] of Object.entries(screens))
  for (const colorScheme of ["light", "dark"])
    await stage.story(`${screen}, ${colorScheme}: every page fits and can be read`, async (visit) => {
      for (const [name, path] of Object.entries(pages)) {
        await visit.page.goto(visit.url(path));
        await visit.ready();
        const wide = await visit.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect.ok(wide <= 0, `${name} is ${wide}px wider than the screen`);
        const [worst] = await visit.page.evaluate(contrasts);
        expect.ok(worst.ratio >= 4.5, `${name}: contrast ${worst.ratio.toFixed(2)} of ${worst.node}`);
        await visit.screenshot(`${screen}-${colorScheme}-${name}`);
      }
    }, { context: { viewport, colorScheme, deviceScaleFactor: screen === "phone" ? 2 : 1, hasTouch: screen === "phone" }, allow: /404/ });

await stage.story("four times the text size still fits", async (visit) => {
  await visit.page.setViewportSize({ width: 320, height: 640 });
  await visit.go("/welcome/");
  expect.ok(await visit.page.evaluate(() => document.documentElement.scrollWidth - innerWidth) <= 0);
  await visit.screenshot("zoomed");
}, { context: { deviceScaleFactor: 4 } });

await stage.close();
finish();
