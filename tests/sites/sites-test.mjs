// Real input, end to end: three sites in the conventions of Jekyll, Hugo and Zola and 300 generated
// posts are imported into a fresh store, served by a real process, and every page is visited.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "parse5";
import { eventually, expect, finish, root, startServer, sx, temporaryFolder, test } from "../process/harness.mjs";
import { crawl } from "../process/validate-html.mjs";
import { Report } from "../tools/report.mjs";
import { spawnSync } from "node:child_process";
import { sites } from "./expected.mjs";

const kGenerated = process.env.SX_TEST_LONG ? 1000 : 300;
const data = temporaryFolder();
const generated = join(temporaryFolder(), "posts");
const importSite = (folder, more = []) => sx(["blog", "import", folder, ...more], { env: { SX_PERSIST_DIR: data } });

/** The text of a page, as a reader sees it. */
function textOf(html) {
  let text = "";
  const walk = (node) => {
    if (node.nodeName === "#text") text += node.value;
    if (!/^(script|style|template)$/.test(node.nodeName)) (node.childNodes ?? []).forEach(walk);
  };
  walk(parse(html));
  return text.replace(/\s+/g, " ");
}

/** The text of the first <h1>: the title of a post's page. */
function headingOf(html) {
  const heading = html.match(/<h1\b[^>]*>([\s\S]*?)<\/h1>/i);
  return heading ? textOf(heading[1]).trim() : "";
}

let server;
try {
  const made = spawnSync(process.execPath, [join(root, "tests/tools/generate-posts.mjs"), generated, String(kGenerated)], { encoding: "utf8" });
  const { drafts: generatedDrafts } = JSON.parse(made.stdout);

  await test("a dry run reports and writes nothing", async () => {
    const run = importSite("tests/sites/jekyll-walks", ["--dry-run"]);
    expect.equal(run.status, 0, run.stderr);
    expect.match(run.stdout + run.stderr, /2022-01-10-broken-front-matter\.md/);
  });

  for (const site of sites) {
    await test(`${site.folder} is imported and what was not understood is named`, async () => {
      const run = importSite(join("tests/sites", site.folder));
      expect.equal(run.status, 0, run.stderr);
      for (const text of site.reported) {
        expect.ok((run.stdout + run.stderr).includes(text), `the report does not mention ${text}:\n${run.stdout}${run.stderr}`);
      }
    });
  }
  await test(`${kGenerated} generated posts are imported`, async () => {
    const run = importSite(generated);
    expect.equal(run.status, 0, run.stderr);
  }, 600_000);

  await test("a folder that is not there is refused with its name", async () => {
    const run = importSite("tests/sites/nowhere");
    expect.notEqual(run.status, 0);
    expect.match(run.stderr, /nowhere/);
  });

  server = await startServer({ data });

  let addresses = [];
  const sitemap = async () => [...(await server.get("/sitemap.xml")).text.matchAll(/<loc>([^<]+)<\/loc>/g)].map((match) => match[1]);
  await test("importing the same sites again, while the server runs, adds nothing", async () => {
    addresses = await sitemap();
    for (const site of sites) {
      const run = importSite(join("tests/sites", site.folder));
      expect.equal(run.status, 0, run.stderr);
    }
    expect.deepEqual(await sitemap(), addresses);
  });

  // One case per page, asset and redirect, counted with ours.
  const visits = new Report();
  const { pages, assets, dead } = await crawl(server.url, visits, { seeds: ["/archive", "/tags", "/feed", "/rss.xml", "/login"] });
  for (const path of dead) console.log(`# an author's link leads nowhere: ${path}`);
  await test(`every page answers 200 and is valid HTML (${visits.passed} of ${visits.passed + visits.failed})`, () => {
    expect.equal(visits.failed, 0);
  });
  const headings = new Map([...pages].map(([path, html]) => [path, headingOf(html)]));
  const titles = [...headings.values()];

  for (const site of sites) {
    await test(`${site.folder}: every published post has its page, no draft has one`, () => {
      for (const title of site.published) expect.ok(titles.includes(title), `no page is headed ${JSON.stringify(title)}`);
      for (const title of site.drafts) expect.ok(!titles.includes(title), `the draft ${JSON.stringify(title)} is public`);
    });
    await test(`${site.folder}: its tags have pages`, () => {
      for (const tag of site.tags) expect.ok(pages.has(`/tags/${encodeURIComponent(tag)}/`), `/tags/${tag}/`);
    });
    await test(`${site.folder}: its pictures are served from the blob store`, () => {
      const shown = new Set();
      for (const [path, title] of headings) {
        if (!site.published.includes(title)) continue;
        for (const match of pages.get(path).matchAll(/<img\b[^>]*\bsrc="?(\/blob\/[^"\s>]+)/g)) shown.add(match[1]);
      }
      expect.ok(shown.size >= site.images, `${shown.size} pictures, expected ${site.images}`);
      for (const path of shown) expect.ok(assets.has(path), `${path} was not served`);
    });
  }

  await test("every published generated post has a page of its own", () => {
    const posts = kGenerated - generatedDrafts + sites.reduce((sum, site) => sum + site.published.length, 0);
    expect.ok(addresses.length >= posts, `the sitemap names ${addresses.length} pages, expected at least ${posts}`);
    expect.equal(new Set(addresses).size, addresses.length, "an address stands twice in the sitemap");
  });

  await test("text in old encodings arrives as Unicode, hostile text stays text", () => {
    const text = [...pages.values()].map(textOf).join("\n");
    for (const part of ["Noël", "été", "Öffnung: 70 cm", "Größe und Maß", "星垂平野阔", "نص من اليمين"]) {
      expect.ok(text.includes(part), part);
    }
    expect.ok(!text.includes("\uFFFD"), "a replacement character is shown");
  });

  await test("an edited source is updated in place, under its old address", async () => {
    const copy = join(temporaryFolder(), "walks");
    cpSync(join(root, "tests/sites/jekyll-walks"), copy, { recursive: true });
    const before = await sitemap();
    expect.equal(importSite(copy).status, 0);
    const file = join(copy, "_posts/2019-04-07-the-ridge-before-breakfast.md");
    mkdirSync(join(copy, "_posts"), { recursive: true });
    writeFileSync(file, `${readFileSync(file, "utf8")}\nA later remark about the seventh cairn.\n`);
    expect.equal(importSite(copy).status, 0);
    expect.deepEqual((await sitemap()).sort(), before.sort());
    const path = [...headings].find(([, title]) => title === "The ridge before breakfast")?.[0] ?? "/";
    await eventually(async () => (await server.get(path)).text.includes("seventh cairn"), "the remark is shown");
  });

  await test("the server wrote no error while all of this was read", async () => {
    expect.doesNotMatch(server.stderr, /\b(panic|abort|assert|internal error|uncaught)\b/i);
    expect.equal((await server.stop()).code, 0);
  });
  // The visits belong to the sum: what passed and what failed there is told line by line above.
  console.log(`# visited: ${visits.passed} passed, ${visits.failed} failed`);
} catch (error) {
  await test("the sites can be imported and served", () => { throw error; });
} finally {
  await server?.dispose();
  finish();
}
