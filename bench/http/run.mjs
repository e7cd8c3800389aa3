// The post page: one worker of `sx serve` beside one Node.js process (bench/http/peer.mjs), equal bytes.
//
//   node bench/http/run.mjs [--rounds N] [--seconds N] [--write]
//
// A post is written into a fresh store through the server itself. The peer gets the same content as a row of its
// own SQLite file and the static parts of the page, cut from our answer; then both must answer the same bytes, or
// nothing is measured. wrk asks them in turn. Both read the post's row from SQLite and render the page on every request;
// neither keeps pages or writes an access log. A row holds the Markdown as HTML on both sides.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, freePort, startServer, temporaryFolder } from "../../tests/process/harness.mjs";
import { fetchPage, load, node22 } from "../load.mjs";
import { machine, median, replaceSection, roundsFrom, versionOf } from "../measure.mjs";

const kTitle = "Lamps & lenses: the <Fresnel> question";
const kTags = ["light", "glass and brass", "été"];
const kFirst = "The keeper wrote the first line of this post at dusk";
const kLast = "and the last line of it at dawn.";
const kBody = [
  `${kFirst}, with *ink*.`,
  "## What a lens does",
  ...Array.from({ length: 12 }, (_, n) =>
    `Paragraph ${n + 1}: a lamp behind **glass** is seen from ${10 + n} miles, \`f = ${n}\` & a [chart](https://charts.example/${n}?a=1&b=2) says so. It was read aloud, corrected, and read again until nobody objected.`),
  "| order | focal length | used in |\n|---|--:|---|\n| first | 920 mm | sea lights |\n| sixth | 150 mm | harbours |",
  "```c\nif (depth < 5 && fog) horn(\"long\");\n```",
  "- wick\n- oil\n- patience",
  `All of it was said twice, ${kLast}`,
].join("\n\n");

const options = roundsFrom("bench/http", { rounds: 4, seconds: 5 });

/** What may differ from request to request is no part of the comparison. @param {string} page */
const stable = (page) => page.replace(/ nonce="?[^"\s>]*"?/g, "").replace(/(name="_csrf" value=")[^"]*/g, "$1");

const fail = (message) => {
  throw new Error(`the page cannot be cut into parts: ${message}`);
};

/** Cuts our page into static parts and holes, and reads the row that fills them.
 *  @param {string} page */
function cut(page) {
  const marks = [];
  const mark = (from, text, hole) => marks.push({ from, to: from + text.length, hole });

  const escapedTitles = ["&amp;", "&"].flatMap((amp) =>
    [`Lamps ${amp} lenses: the &lt;Fresnel&gt; question`]).filter((title) => page.includes(title));
  const title = escapedTitles[0] ?? fail("the title is not in it");
  for (let at = page.indexOf(title); at >= 0; at = page.indexOf(title, at + 1)) mark(at, title, "title");

  const from = page.lastIndexOf("<p", page.indexOf(kFirst, page.indexOf("<h1")));
  const to = page.indexOf("</p>", page.indexOf(kLast)) + 4;
  if (from < 0 || to < 4) fail("the text is not in it");
  const html = page.slice(from, to);
  mark(from, html, "html");

  const time = page.match(/<time\b[^>]*\bdatetime="([^"]*)"[^>]*>([^<]*)</) ?? fail("it has no <time>");
  const at = time.index + time[0].indexOf(time[1]);
  mark(at, time[1], "datetime");
  mark(page.indexOf(">", at) + 1, time[2], "date");

  const links = [...page.matchAll(/<a\b[^>]*href="\/tags\/([^"/]+)\/"[^>]*>([^<]*)<\/a>/g)]
    .filter((link) => kTags.some((tag) => encodeURIComponent(tag) === link[1]));
  if (links.length !== kTags.length) fail(`${links.length} links to tags, expected ${kTags.length}`);
  const [first, second] = links;
  const tagText = first[0];
  const pathAt = tagText.indexOf(first[1]);
  const shownAt = tagText.lastIndexOf(`>${first[2]}<`) + 1;
  const tag = {
    before: tagText.slice(0, pathAt),
    middle: tagText.slice(pathAt + first[1].length, shownAt),
    after: tagText.slice(shownAt + first[2].length),
    between: page.slice(first.index + tagText.length, second.index),
  };
  const last = links.at(-1);
  mark(first.index, page.slice(first.index, last.index + last[0].length), "tags");

  marks.sort((a, b) => a.from - b.from);
  const parts = [];
  let end = 0;
  for (const { from: start, to: stop } of marks) {
    if (start < end) fail("holes overlap");
    parts.push(page.slice(end, start));
    end = stop;
  }
  parts.push(page.slice(end));
  const tags = links.map((link) => decodeURIComponent(link[1]));
  return {
    shell: { parts, holes: marks.map(({ hole }) => hole), tag },
    row: { title: kTitle, html, date: time[2], datetime: time[1], tags: JSON.stringify(tags) },
  };
}

const server = await startServer({ args: ["--workers", "1", "--access-log", "none"], quiet: true });
let peer;
try {
  await server.login();
  const made = await server.submit("/new", { title: kTitle, slug: "", body: kBody, tags: kTags.join(", "), published: "true" });
  const path = new URL(made.headers.location ?? fail(`POST /new answered ${made.status}`), server.url).pathname;
  const ours = await fetchPage(server.port, path);
  if (ours.status !== 200) throw new Error(`GET ${path}: ${ours.status}`);
  const { shell, row } = cut(ours.bytes.toString("utf8"));

  const folder = temporaryFolder("sx-bench-");
  const dropped = new Set(["date", "connection", "keep-alive", "content-length", "transfer-encoding", "etag", "server"]);
  writeFileSync(join(folder, "shell.json"), JSON.stringify(shell));
  writeFileSync(join(folder, "headers.json"),
    JSON.stringify(Object.fromEntries(Object.entries(ours.headers).filter(([name]) => !dropped.has(name)))));
  const fill = `import { DatabaseSync } from "node:sqlite";
    const database = new DatabaseSync(process.argv[1]);
    database.exec("CREATE TABLE post (slug TEXT PRIMARY KEY, title TEXT, html TEXT, date TEXT, datetime TEXT, tags TEXT) WITHOUT ROWID");
    const row = JSON.parse(process.argv[2]);
    database.prepare("INSERT INTO post VALUES (?, ?, ?, ?, ?, ?)").run(row.slug, row.title, row.html, row.date, row.datetime, row.tags);
    // Neighbours, so that the row is found and not just there.
    for (let n = 0; n < 300; n++) database.prepare("INSERT INTO post VALUES (?, ?, ?, ?, ?, ?)").run("other-" + n, row.title, row.html, row.date, row.datetime, row.tags);`;
  const slug = decodeURIComponent(path.slice(1, -1));
  const filled = spawnSync(node22, ["--no-warnings", "--input-type=module", "-e", fill, join(folder, "posts.sqlite"), JSON.stringify({ slug, ...row })], { encoding: "utf8" });
  if (filled.status !== 0) throw new Error(filled.stderr);

  const peerPort = await freePort();
  peer = spawn(node22, ["--no-warnings", "bench/http/peer.mjs", String(peerPort), folder], { stdio: ["ignore", "ignore", "inherit"] });
  const theirs = await eventually(() => fetchPage(peerPort, path).catch(() => null), "the peer answers");
  if (stable(theirs.bytes.toString("utf8")) !== stable(ours.bytes.toString("utf8"))) {
    writeFileSync("build/bench/ours.html", ours.bytes);
    writeFileSync("build/bench/theirs.html", theirs.bytes);
    throw new Error("the two pages differ, so nothing is compared: build/bench/ours.html, build/bench/theirs.html");
  }

  const sides = [
    { name: "sx serve, 1 worker", port: server.port, pids: [server.pid], runs: [] },
    { name: `Node.js ${versionOf([node22, "--version"])}, node:sqlite`, port: peerPort, pids: [peer.pid], runs: [] },
  ];
  for (const side of sides) load({ ...side, path, seconds: 2 });  // caches, JIT: warm on both sides
  for (let round = 0; round < options.rounds; round++) {
    for (const side of sides) {
      side.runs.push(load({ ...side, path, seconds: options.seconds }));
      console.error(`${side.name}: ${side.runs.at(-1).perSecond.toFixed(0)} requests/s`);
    }
  }
  const middle = (side, key) => median(side.runs.map((run) => run[key]));
  const best = (side) => Math.max(...side.runs.map((run) => run.perSecond));
  const table = [
    `${machine()}; ${versionOf(["wrk", "-v"])}; page of ${ours.bytes.length} bytes, the same on both sides; ${options.rounds} rounds of ${options.seconds} s, 32 connections.`,
    "",
    "| server | requests/s, median | best | CPU µs/request | p99 of the last round |",
    "|---|--:|--:|--:|--:|",
    ...sides.map((side) => `| ${side.name} | ${middle(side, "perSecond").toFixed(0)} | ${best(side).toFixed(0)} | ${middle(side, "cpu").toFixed(1)} | ${side.runs.at(-1).p99} |`),
    `| **ours ÷ theirs** | **${(middle(sides[0], "perSecond") / middle(sides[1], "perSecond")).toFixed(2)}** | ${(best(sides[0]) / best(sides[1])).toFixed(2)} | ${(middle(sides[0], "cpu") / middle(sides[1], "cpu")).toFixed(2)} | |`,
  ].join("\n");
  console.log(table);
  if (options.write) writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "http", table));
} finally {
  peer?.kill("SIGKILL");
  await server.dispose();
}
