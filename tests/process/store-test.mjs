// sx store verify, stats, export, import, compact: beside a running server and without one, between
// backends, and on a damaged file.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, expect, finish, root, sleep, startServer, sx, temporaryFolder, test } from "./harness.mjs";
import { Postgres } from "./postgres.mjs";

const app = join(root, "tests/process/store-app.sx");
const store = (what, ...words) => sx(["store", what, ...words]);
const append = (server, stream, body) => server.request(`/append/${stream}`, { method: "POST", body });

/** A store with something in it, and its server, which runs. */
async function filled() {
  const server = await startServer({ args: [app] });
  for (let i = 0; i < 20; i++) await append(server, `s${i % 3}`, `note ${i} é`);
  return server;
}

await test("verify, stats, export and compact are done by the server that owns the store", async () => {
  const server = await filled();
  try {
    const verified = store("verify", "--json", "--data", server.data);
    expect.equal(verified.status, 0, verified.stderr);
    expect.equal(JSON.parse(verified.stdout).events, 60);
    const stats = JSON.parse(store("stats", "--json", "--data", server.data).stdout);
    expect.equal(stats.events, 60);
    expect.equal(stats.streams, 4);
    const lines = store("export", "--data", server.data).stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    expect.equal(lines.filter((line) => line.pos && line.hash).length, 60);
    expect.equal(lines.at(-1).lines, lines.length - 1);
    const compacted = store("compact", "--json", "--data", server.data);
    expect.equal(compacted.status, 0, compacted.stderr);
    expect.ok(JSON.parse(compacted.stdout)["bytes-after"] > 0);
    expect.equal((await append(server, "s0", "after")).status, 200);
  } finally {
    await server.dispose();
  }
});

await test("an export moves a store from SQLite to PostgreSQL and back, hashes and all", async () => {
  const server = await filled();
  await server.stop();
  const folder = temporaryFolder();
  const file = join(folder, "export.jsonl");
  const exported = store("export", "--data", server.data);
  expect.equal(exported.status, 0, exported.stderr);
  writeFileSync(file, exported.stdout);
  const head = JSON.parse(store("verify", "--json", "--data", server.data).stdout).head;

  const url = new Postgres().freshUrl();
  const there = store("import", file, "--data", temporaryFolder(), "--store", url);
  expect.equal(there.status, 0, there.stderr);
  expect.match(there.stdout, /^events 60, keys 3, blobs 0$/m);
  const verified = JSON.parse(store("verify", "--json", "--data", temporaryFolder(), "--store", url).stdout);
  expect.deepEqual([verified.ok, verified.head], [true, head]);
  const again = store("import", file, "--data", temporaryFolder(), "--store", url);
  expect.equal(again.status, 1);
  expect.match(again.stderr, /the store is not empty \(60 events\)/);

  const back = store("export", "--data", temporaryFolder(), "--store", url);
  expect.equal(back.stdout, exported.stdout);
  const home = temporaryFolder();
  writeFileSync(file, back.stdout);
  expect.equal(store("import", file, "--data", home).status, 0);
  const restored = await startServer({ args: [app], data: home });
  try {
    expect.match((await restored.get("/read/s0")).text, /note 18 é/);
  } finally {
    await restored.dispose();
  }
}, 180_000);

await test("an export that was changed is refused, with its line, and nothing is imported", async () => {
  const server = await filled();
  await server.stop();
  const file = join(temporaryFolder(), "export.jsonl");
  writeFileSync(file, store("export", "--data", server.data).stdout.replace("note 7", "note 8"));
  const data = temporaryFolder();
  const refused = store("import", file, "--data", data);
  expect.equal(refused.status, 1);
  expect.match(refused.stderr, /line \d+: the hash of event \d+ does not match .*Nothing was imported/);
  expect.equal(JSON.parse(store("stats", "--json", "--data", data).stdout).events, 0);
});

await test("a damaged store is refused with its place, is not changed, and what is readable is exported", async () => {
  const server = await filled();
  await server.stop();
  const file = join(server.data, "store.db");
  const bytes = readFileSync(file);
  const at = bytes.indexOf("note 10");
  bytes.write("NOTE", at);
  writeFileSync(file, bytes);
  for (const run of [store("verify", "--data", server.data), sx(["serve", app, "--port", "0", "--data", server.data])]) {
    expect.equal(run.status, 1);
    expect.match(run.stderr, /is damaged at position \d+ \(stream \w+, seq \d+\)/);
  }
  const rescued = store("export", "--rescue", "--data", server.data);
  expect.equal(rescued.status, 1);
  expect.match(rescued.stderr, /records were damaged or gone/);
  const lines = rescued.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  expect.equal(lines.filter((line) => line.pos && line.hash).length, 60);
  expect.ok(lines.some((line) => line.damaged > 0 && line.what));
  expect.ok(readFileSync(file).equals(bytes), "the damaged file was changed");
  writeFileSync(join(server.data, "rescued.jsonl"), rescued.stdout);
  const refused = store("import", join(server.data, "rescued.jsonl"), "--data", temporaryFolder());
  expect.equal(refused.status, 1);
  expect.match(refused.stderr, /`sx store import --rescued` takes what is sound[^]*Nothing was imported/);

  // Asked for, all that is sound comes back, with every number as it was, on either database.
  for (const url of [undefined, new Postgres().freshUrl()]) {
    const home = temporaryFolder();
    const where = ["--data", home, ...(url ? ["--store", url] : [])];
    const taken = store("import", "--rescued", join(server.data, "rescued.jsonl"), ...where);
    expect.equal(taken.status, 0, taken.stderr);
    expect.match(taken.stderr, /^warning: 1 events are not what was written; in their places stand events of type :lost/m);
    expect.match(taken.stdout, /^events 60, keys 3, blobs 0$/m);
    expect.equal(store("verify", ...where).status, 0);
    const again = store("export", ...where).stdout.trimEnd().split("\n").map((line) => JSON.parse(line)).filter(({ hash }) => hash);
    const before = lines.filter(({ hash }) => hash);
    expect.deepEqual(again.map(({ pos, stream, seq }) => [pos, stream, seq]), before.map(({ pos, stream, seq }) => [pos, stream, seq]));
    const other = again.filter(({ data }, index) => data !== before[index].data);
    expect.equal(other.length, 1);
    expect.equal(other[0].type, ":lost");
    expect.match(other[0].data, /NOTE 10/);
    const restored = await startServer({ args: [app, ...(url ? ["--store", url] : [])], data: home });
    try {
      expect.match((await restored.get("/read/s0")).text, /note 18 é/);
      expect.equal((await append(restored, "s0", "after the rescue")).status, 200);
    } finally {
      await restored.dispose();
    }
  }
}, 120_000);

await test("the same commands work beside a server whose store is named, by option or variable", async () => {
  const url = new Postgres().freshUrl();
  const server = await startServer({ args: ["--store", url] });
  try {
    for (const [args, env] of [[["--store", url], {}], [[], { SX_STORE: url }]]) {
      const run = (...words) => sx([...words, "--data", server.data, ...args], { env });
      const stats = run("store", "stats", "--json");
      expect.equal(stats.status, 0, stats.stderr);
      expect.ok(JSON.parse(stats.stdout).events > 0);
      expect.equal(run("user", "add", args.length ? "ada" : "bob").status, 0);
    }
    expect.match(sx(["user", "list", "--data", server.data]).stdout, /ada[^]*bob/, "without a name it is asked which it has");
    // Another store than the one that the server has is another store.
    const other = store("stats", "--json", "--data", server.data, "--store", `sqlite:${join(server.data, "other.db")}`);
    expect.equal(other.status, 1);
    expect.match(other.stderr, /there is no store at .*other\.db/);
  } finally {
    await server.dispose();
  }
}, 60_000);

await test("a client that does not read on holds up nobody, and who stops reading ends the export", async () => {
  const server = await startServer({ args: [app] });
  try {
    for (let i = 0; i < 60; i++) expect.equal((await append(server, "big", "x".repeat(200_000))).status, 200);
    const stuck = spawn(binary, ["store", "export", "--data", server.data], { stdio: ["ignore", "pipe", "pipe"] });
    stuck.stdout.pause();
    await sleep(500);
    const began = performance.now();
    expect.equal(store("stats", "--data", server.data).status, 0);
    expect.equal(store("verify", "--data", server.data).status, 0);
    expect.ok(performance.now() - began < 8000, "another command waited for it");
    expect.equal((await append(server, "big", "meanwhile")).status, 200);
    stuck.kill("SIGKILL");
    expect.equal((await server.stop()).code, 0);
  } finally {
    await server.dispose();
  }
}, 60_000);

await test("a folder without a store is told, and none is made by looking", async () => {
  const nowhere = join(temporaryFolder(), "mis-spelled");
  for (const words of [["store", "stats"], ["store", "verify"], ["store", "export"], ["store", "export", "--rescue"], ["store", "compact"],
    ["user", "list"], ["user", "password", "ada"], ["user", "remove", "ada"], ["token", "list"], ["token", "add", "ada"]]) {
    const run = sx([...words, "--data", nowhere]);
    expect.equal(run.status, 1, words.join(" "));
    expect.match(run.stderr, /mis-spelled/, words.join(" "));
    expect.match(run.stderr, /there is no store at|could not be opened/, words.join(" "));
    expect.equal(run.stdout, "", words.join(" "));
  }
  expect.equal(existsSync(nowhere), false);
  expect.equal(sx(["user", "add", "ada", "--data", nowhere]).status, 0, "the first user makes one");
  expect.equal(store("stats", "--data", nowhere).status, 0);
  const empty = store("export", "--rescue", "--data", nowhere);
  expect.equal(empty.status, 0, "nothing is damaged in a store without events");
});

await test("what cannot be done says why", async () => {
  const data = temporaryFolder();
  const missing = store("import", "/nowhere/export.jsonl", "--data", data);
  expect.equal(missing.status, 1);
  expect.match(missing.stderr, /\/nowhere\/export.jsonl: the export cannot be read/);
  expect.match(store("import", data, "--data", data).stderr, /this is a folder, expected a file that `sx store export` wrote/);
  for (const [words, what] of [[["store", "frobnicate"], "there is no command frobnicate. The commands are: verify stats"],
    [["user", "ad", "bob"], "there is no command ad. The commands are: add"], [["store"], "a command is missing"]]) {
    const run = sx(words);
    expect.equal(run.status, 2);
    expect.ok(run.stderr.includes(what), run.stderr);
  }
  const elsewhere = store("stats", "--data", data, "--store", "postgres://me:hush@127.0.0.1:1/x");
  expect.equal(elsewhere.status, 1);
  expect.match(elsewhere.stderr, /PostgreSQL at postgres:\/\/me@127\.0\.0\.1:1\/x cannot be reached/);
  expect.ok(!elsewhere.stderr.includes("hush"));
});

finish();
