// kill -9 of a real server while clients write, on SQLite and on PostgreSQL, and PostgreSQL stopped and
// started under it: what was acknowledged is there, each commit whole, no seq given twice.
// SX_TEST_LONG=1: 50 kills instead of 10; with sanitizers 3.
import { join } from "node:path";
import { expect, eventually, finish, root, sleep, startServer, sx, temporaryFolder, test } from "./harness.mjs";
import { Postgres } from "./postgres.mjs";

const app = join(root, "tests/process/store-app.sx");
const kills = process.env.SX_SANITIZED ? 3 : process.env.SX_TEST_LONG ? 50 : 10;
const kClients = 6;

/** What the server says of a stream: [[seq, data]…]. */
async function readStream(server, stream) {
  const answer = await server.get(`/read/${stream}`);
  expect.equal(answer.status, 200, answer.text);
  return answer.text.split("\n").filter(Boolean).map((line) => {
    const [seq, data] = line.split(" ");
    return [Number(seq), data];
  });
}

/** Clients that write until `stopped()`; notes what was acknowledged and what failed. */
function writers(server, told, stopped) {
  return Array.from({ length: kClients }, async (_, client) => {
    const visitor = server.visitor();
    const stream = `s${client}`;
    while (!stopped()) {
      const data = `${client}-${told.next++}`;
      try {
        const answer = await visitor.request(`/append/${stream}`, { method: "POST", body: data });
        if (answer.status === 200) told.acknowledged.push({ stream, data, seq: Number(answer.text) });
        else told.failed.push({ data, status: answer.status });
      } catch (error) {
        if (!stopped()) told.failed.push({ data, status: error.message });
      }
    }
  });
}

/** Every acknowledged write is there, whole; none is there twice or in part; seqs have no holes. */
async function checkTold(server, told) {
  const stored = new Map();
  const all = await readStream(server, "all");
  const inAll = new Map(all.map(([, data]) => [data, 0]));
  expect.equal(inAll.size, all.length, "a commit is in the stream of all twice");
  all.forEach(([seq], index) => expect.equal(seq, index + 1, "the stream of all has a hole"));
  for (let client = 0; client < kClients; client++) {
    const events = await readStream(server, `s${client}`);
    events.forEach(([seq, data], index) => {
      expect.equal(seq, index + 1, `s${client} has a hole`);
      if (index % 2) expect.equal(events[index - 1][1], data, "half a commit");
      else stored.set(data, { stream: `s${client}`, seq });
    });
    expect.equal(events.length % 2, 0, "half a commit at the end");
  }
  expect.equal(stored.size, all.length, "a commit is in one of its streams only");
  for (const { stream, data, seq } of told.acknowledged) {
    const found = stored.get(data);
    expect.ok(found, `${data} was acknowledged as ${stream} ${seq} and is gone`);
    expect.deepEqual(found, { stream, seq }, data);
  }
}

async function killAgainAndAgain(options, verify) {
  const told = { next: 0, acknowledged: [], failed: [] };
  for (let round = 0; round < kills; round++) {
    const server = await startServer({ ...options, port: undefined });
    try {
      await checkTold(server, told);
      let killed = false;
      const writing = writers(server, told, () => killed);
      await sleep(120 + 37 * (round % 7));
      killed = true;
      await server.kill9();
      await Promise.all(writing);
    } finally {
      await server.dispose();
    }
  }
  expect.deepEqual(told.failed, [], "while the server ran nothing failed");
  expect.ok(told.acknowledged.length >= 10 * kills, `only ${told.acknowledged.length} writes were acknowledged`);
  const last = await startServer(options);
  try {
    await checkTold(last, told);
  } finally {
    await last.dispose();
  }
  const verified = verify();
  expect.equal(verified.status, 0, verified.stderr);
  expect.ok(JSON.parse(verified.stdout).ok, verified.stdout);
}

await test(`kill -9 under load, ${kills} times on SQLite: nothing acknowledged is lost, nothing is torn`, async () => {
  const data = temporaryFolder();
  await killAgainAndAgain({ args: [app], data }, () => sx(["store", "verify", "--json", "--data", data]));
}, 900_000);

const postgres = new Postgres();

await test(`kill -9 under load, ${kills} times on PostgreSQL: nothing acknowledged is lost, nothing is torn`, async () => {
  const data = temporaryFolder();
  const url = postgres.freshUrl();
  await killAgainAndAgain({ args: [app, "--store", url], data }, () =>
    sx(["store", "verify", "--json", "--data", data, "--store", url]));
}, 900_000);

await test("PostgreSQL stops and starts under a server: errors are answers, and it goes on by itself", async () => {
  const url = postgres.freshUrl();
  const server = await startServer({ args: [app, "--store", url] });
  try {
    for (const mode of ["fast", "immediate"]) {
      const told = { next: mode === "fast" ? 0 : 1_000_000, acknowledged: [], failed: [] };
      let stop = false;
      const writing = writers(server, told, () => stop);
      await eventually(() => told.acknowledged.length > 20, "writes are acknowledged");
      postgres.stop(mode);
      // Also to who only reads; /ready knows as soon as one of them was refused.
      expect.equal((await server.get("/read/s0")).status, 503);
      await eventually(async () => (await server.get("/ready")).status === 503, "/ready says that the store is out of reach", 1500);
      await eventually(() => told.failed.length > 3, "writes fail while it is down", 20_000);
      expect.equal((await server.get("/health")).status, 200, "the server lives on");
      const before = told.acknowledged.length;
      postgres.start();
      await eventually(() => told.acknowledged.length > before + 20, "writes are acknowledged again", 30_000);
      stop = true;
      await Promise.all(writing);
      await eventually(async () => (await server.get("/ready")).status === 200, "/ready is 200 again");
      for (const { status } of told.failed) expect.equal(status, 503, "clear to the client: it passes");
      expect.match(server.stderr, /PostgreSQL/, "the log says what is wrong");
      await checkTold(server, told);
    }
  } finally {
    await server.dispose();
  }
}, 120_000);

await test("a second server on the same database is refused while the first lives", async () => {
  const url = postgres.freshUrl();
  const first = await startServer({ args: [app, "--store", url] });
  try {
    const second = sx(["store", "stats", "--data", temporaryFolder(), "--store", url]);
    expect.equal(second.status, 1);
    expect.match(second.stderr, /is in use by process \d+ on/);
    expect.ok((await first.request("/append/s0", { method: "POST", body: "x" })).status === 200);
  } finally {
    await first.dispose();
  }
}, 60_000);

finish();
