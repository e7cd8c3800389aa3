// lib/persist on real stores: its whole suite, and what several processes in turn make of one store,
// kill -9 included. `sx run --store` and `sx test --store` are how programs and tests reach a store.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, eventually, expect, finish, root, sx, temporaryFolder, test } from "./harness.mjs";

const parts = join(root, "tests/process/persist/parts.sx");

/** A new store: its URL, and `part(…)`, which runs one process over it. */
function story() {
  const folder = temporaryFolder();
  const url = `sqlite:${join(folder, "store.db")}`;
  const part = (...words) => {
    const run = sx(["run", "--store", url, parts, ...words]);
    expect.equal(run.status, 0, run.stderr);
    return run.stdout.trim();
  };
  return { folder, url, part };
}

/** Starts a part, lets it run until `enough(stderr)`, and kills it. @returns {Promise<string>} its stderr */
async function killed(url, words, enough) {
  const child = spawn(binary, ["run", "--store", url, parts, ...words], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (piece) => (said += piece));
  const ended = new Promise((done) => child.once("exit", (status, signal) => done({ status, signal })));
  await eventually(() => enough(said) || child.exitCode !== null, `${words.join(" ")} gets going`, 60_000);
  child.kill("SIGKILL");
  const { signal } = await ended;
  expect.equal(signal, "SIGKILL", `it ended by itself: ${said.slice(-400)}`);
  return said;
}

const summary = (run) => run.stdout.trim().split("\n").at(-1);

await test("the suite of lib/persist passes on SQLite", () => {
  const run = sx(["test", "lib/persist", "--store", "sqlite:?unsafe-no-sync"], { timeoutMs: 300_000 });
  expect.equal(run.status, 0, run.stdout);
  expect.match(summary(run), /^(3[5-9]\d|[4-9]\d\d) passed, 0 failed$/);
}, 320_000);

await test("the suite of lib/persist passes on the store in memory", () => {
  const run = sx(["test", "lib/persist", "--store", "memory:"], { timeoutMs: 300_000 });
  expect.equal(run.status, 0, run.stdout);
  expect.match(summary(run), /^(3[5-9]\d|[4-9]\d\d) passed, 0 failed$/);
}, 320_000);

await test("recovery, commits and compaction pass on SQLite with every sync", () => {
  const files = ["recovery", "compact", "once"].map((name) => `lib/persist/${name}-test.sx`);
  const run = sx(["test", ...files, "--store", "sqlite:"], { timeoutMs: 300_000 });
  expect.equal(run.status, 0, run.stdout);
  expect.match(summary(run), / passed, 0 failed$/);
}, 320_000);

await test("three appends, then a fresh process: (3 3 3)", () => {
  const { part } = story();
  part("append-three");
  expect.equal(part("read-three"), "(3 3 3)");
});

await test("numbers, streams and keys go on in a new process, also behind a truncation", () => {
  const { part } = story();
  expect.equal(part("basics"), "[2 4]");
  expect.equal(part("basics-again"), '[3 ("a" "b") {:v 1} (2 3) 5]');
});

await test("the order ledger survives the end of its process: log, read model, snapshot, compaction, blob", () => {
  const { part } = story();
  const before = part("orders");
  const after = part("everything");
  expect.equal(after, before);
  expect.match(after, /:invoice "Invoice for d"/);
  expect.match(after, /:compacted true/);
});

await test("two restarts converge", () => {
  const { part } = story();
  part("orders");
  expect.equal(part("everything"), part("everything"));
});

await test("in a new process a repeated order is known and a new one goes on", () => {
  const { part } = story();
  part("orders");
  expect.equal(part("order-again"), '[{:value 62 :seq 6} {"a" 30 "c" 8 "d" 5 "e" 7}]');
});

await test("kill -9 of a writer loses nothing that was acknowledged and tears nothing", async () => {
  const { url, part } = story();
  let least = 0;
  for (let round = 0; round < 5; round++) {
    const said = await killed(url, ["write-on"], (text) => (text.match(/acknowledged/g) ?? []).length >= 20 + 7 * round);
    const acknowledged = [...said.matchAll(/acknowledged (\d+)/g)].map((match) => Number(match[1]));
    const look = part("look");
    const there = Number(/^whole (\d+)$/.exec(look)?.[1]);
    expect.ok(there >= acknowledged.at(-1), `acknowledged ${acknowledged.at(-1)}, found: ${look}`);
    expect.equal(acknowledged[0], least + 1, "the writer goes on at the next seq");
    least = there;
  }
});

await test("kill -9 of a follower makes it neither skip nor repeat an event", async () => {
  const { url, part } = story();
  part("fill", "400");
  for (let round = 1; round <= 4; round++)
    await killed(url, ["copy-on"], (text) => (text.match(/copying/g) ?? []).length >= 15 * round);
  part("copy-on");
  expect.equal(part("copied"), "[400 true]");
});

await test("a program on a store that another process has open is told who has it", async () => {
  const { url } = story();
  const child = spawn(binary, ["run", "--store", url, parts, "write-on"], { stdio: ["ignore", "ignore", "pipe"] });
  try {
    let said = "";
    child.stderr.on("data", (piece) => (said += piece));
    await eventually(() => said.includes("acknowledged 1"), "the first process writes");
    const run = sx(["run", "--store", url, parts, "look"]);
    expect.equal(run.status, 1);
    expect.match(run.stderr, new RegExp(String(child.pid)));
  } finally {
    child.kill("SIGKILL");
  }
});

await test("a wrong --store is refused with what there is", () => {
  for (const [command, file] of [["run", parts], ["test", "lib/persist/kv-test.sx"]]) {
    const run = sx([command, "--store", "mongodb://x", file]);
    expect.notEqual(run.status, 0);
    expect.match(run.stderr + run.stdout, /'mongodb:\/\/x(\?[^']*)?' is not a store: supported are sqlite:PATH/);
  }
});

await test("sx serve does not take a store that is not synced", () => {
  const run = sx(["store", "stats", "--data", temporaryFolder(), "--store", "sqlite:x.db?unsafe-no-sync"]);
  expect.notEqual(run.status, 0);
  expect.match(run.stderr, /unsafe-no-sync/);
  expect.equal(existsSync("x.db?unsafe-no-sync"), false);
});

await test("sx test leaves nothing behind and touches no store that is there", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "1.db"), "mine");
  const run = sx(["test", "lib/persist/once-test.sx", "--store", `sqlite:${folder}?unsafe-no-sync`]);
  expect.equal(run.status, 0, run.stdout + run.stderr);
  expect.deepEqual(readdirSync(folder), ["1.db"]);
});

await test("without --store a program's write is an error that names the op", () => {
  const run = sx(["run", parts, "append-three"]);
  expect.equal(run.status, 1);
  expect.match(run.stderr, /persist\/append/);
});

finish();
