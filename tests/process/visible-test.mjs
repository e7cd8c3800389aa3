// What one worker has acknowledged every later request sees, on whichever worker it arrives, and no client
// gets an answer older than what it has seen: with concurrent clients, on SQLite and on PostgreSQL.
import http from "node:http";
import { join } from "node:path";
import { csrfToken, expect, finish, root, sleep, startServer, test } from "./harness.mjs";
import { Postgres } from "./postgres.mjs";

const app = join(root, "tests/process/store-app.sx");
const rounds = process.env.SX_TEST_LONG ? 400 : 60;
const kClients = 8;

/** A request on a connection of its own: the kernel gives it to any of the workers. */
function ask(server, path, { method = "GET", body, headers = {} } = {}) {
  return new Promise((done, fail) => {
    const request = http.request({ host: "127.0.0.1", port: server.port, path, method, agent: false, headers: { Host: `localhost:${server.port}`, ...headers } },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => done({ status: response.statusCode, headers: response.headers, text }));
      });
    request.on("error", fail);
    request.end(body);
  });
}

async function everybodySees(server) {
  const acknowledged = [];
  let reads = 0;
  await Promise.all(Array.from({ length: kClients }, async (_, client) => {
    for (let round = 0; round < rounds; round++) {
      const stream = `v${client}-${round}`;
      const made = await ask(server, `/append/${stream}`, { method: "POST", body: stream });
      expect.equal(made.status, 200, made.text);
      acknowledged.push(stream);
      // One's own write, and the newest that anybody was told of, on other connections.
      const wanted = [stream, stream, acknowledged.at(-1), acknowledged[Math.floor(acknowledged.length / 2)]];
      const seen = await Promise.all(wanted.map((name) => ask(server, `/read/${name}`)));
      seen.forEach(({ text }, index) => {
        expect.equal(text, `1 ${wanted[index]}\n2 ${wanted[index]}\n`, `${wanted[index]} was acknowledged and is not seen`);
        reads++;
      });
    }
  }));
  expect.equal(reads, kClients * rounds * 4);
}

await test(`${kClients} clients, ${rounds} writes each, four workers on SQLite: every acknowledged write is seen by all`, async () => {
  const server = await startServer({ args: [app, "--workers", "4"] });
  try {
    await everybodySees(server);
  } finally {
    await server.dispose();
  }
}, 300_000);

const postgres = new Postgres();

await test(`${kClients} clients, ${rounds} writes each, four workers on PostgreSQL: every acknowledged write is seen by all`, async () => {
  const server = await startServer({ args: [app, "--workers", "4", "--store", postgres.freshUrl()] });
  try {
    await everybodySees(server);
  } finally {
    await server.dispose();
  }
}, 300_000);

await test("a post is on the pages of every worker as soon as it is acknowledged", async () => {
  const server = await startServer({ args: ["--workers", "4"], env: { SX_API_TOKEN: "a-token-of-some-length-0123" } });
  try {
    for (let i = 0; i < 10; i++) {
      const made = await ask(server, "/new", { method: "POST", body: JSON.stringify({ title: `Seen ${i}`, body: "Words.", published: true }),
        headers: { "Content-Type": "application/json", Authorization: "Bearer a-token-of-some-length-0123" } });
      expect.equal(made.status, 201, made.text);
      const pages = await Promise.all(Array.from({ length: 8 }, (_, n) => ask(server, n % 2 ? "/" : new URL(made.headers.location, server.url).pathname)));
      pages.forEach(({ status, text }) => { expect.equal(status, 200); expect.ok(text.includes(`Seen ${i}`)); });
    }
  } finally {
    await server.dispose();
  }
});

await test("an answer names its position; who names one is answered once the store stands there, else 503", async () => {
  const server = await startServer({ env: { SX_API_TOKEN: "a-token-of-some-length-0123" } });
  try {
    const write = (title) => ask(server, "/new", { method: "POST", body: JSON.stringify({ title, body: "Words.", published: true }),
      headers: { "Content-Type": "application/json", Authorization: "Bearer a-token-of-some-length-0123" } });
    const position = Number((await write("First")).headers["sx-position"]);
    expect.ok(position > 0, `${position}`);
    const at = (n) => ask(server, "/", { headers: { "SX-Position": String(n) } });
    expect.equal((await at(position)).status, 200);
    expect.equal((await at("soon")).status, 400);
    const waiting = at(position + 1);
    await sleep(300);
    const [second, waited] = await Promise.all([write("Second"), waiting]);
    expect.equal(second.status, 201);
    expect.equal(waited.status, 200);
    expect.ok(waited.text.includes("Second"), "the answer is not older than the position that was named");
    const began = performance.now();
    const never = await at(position + 100_000);
    expect.equal(never.status, 503);
    expect.equal(never.headers["retry-after"], "1");
    const spent = performance.now() - began;
    expect.ok(spent > 4000 && spent < 15_000, `${spent} ms`);
    expect.equal((await at(position + 1)).headers["set-cookie"], undefined, "one process has SQLite for itself: no cookie");
  } finally {
    await server.dispose();
  }
});

await test("on PostgreSQL a browser carries the position in a cookie for a minute", async () => {
  const server = await startServer({ args: ["--store", postgres.freshUrl()] });
  try {
    const author = server.visitor();
    await author.login();
    const made = await author.post("/new", { title: "In a cookie", body: "Words.", published: "true", _csrf: csrfToken((await author.get("/new")).text) });
    expect.equal(made.status, 303);
    const line = made.headers["set-cookie"].find((each) => each.startsWith("sx_position="));
    expect.match(line, /^sx_position=\d+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=60$/);
    expect.equal((await author.get("/in-a-cookie/")).status, 200);
    const ahead = server.visitor();
    ahead.cookies.set("sx_position", "1000000");
    expect.equal((await ahead.get("/")).status, 503);
    ahead.cookies.set("sx_position", "nonsense");
    expect.equal((await ahead.get("/")).status, 200);
    expect.equal((await server.visitor().get("/", { "If-None-Match": "x" })).headers["set-cookie"], undefined);
  } finally {
    await server.dispose();
  }
});

finish();
