// Slow attacks from many connections at once: heads that never end, bodies that trickle, responses
// that nobody reads, ranges without number. The service stays, and whoever is slow is cut.
//
// A thousand attackers each; SX_SLOW_CONNECTIONS names another number, and SX_SLOW_FIGURES=1 prints
// the figures: p99 of ordinary requests with and without the attack, measured in turns.
import { readdirSync } from "node:fs";
import net from "node:net";
import { eventually, expect, finish, sleep, startServer, test } from "./harness.mjs";

const attackers = Number(process.env.SX_SLOW_CONNECTIONS ?? 1000);
const deadlines = ["--header-timeout-ms", "1500", "--body-timeout-ms", "1500", "--write-timeout-ms", "1500", "--idle-timeout-ms", "1500"];
const quick = (server) => startServer({ args: ["--workers", "2", "--access-log", "none", ...(server ?? [])] });

/** One attacker: connects, says something, goes on as `drip` says every 200 ms.
 *  @param {number} port @param {string} first @param {string} [drip] @param {boolean} [reads] */
function attacker(port, first, drip = "", reads = true) {
  const state = { text: "", closed: false, sent: 0, socket: net.connect({ host: "127.0.0.1", port }) };
  const { socket } = state;
  socket.on("error", () => {});
  socket.on("close", () => (state.closed = true));
  if (reads) socket.on("data", (part) => (state.text += part.toString("latin1")));
  else socket.pause();
  socket.on("connect", () => socket.write(first));
  const timer = drip ? setInterval(() => { if (!socket.destroyed && socket.writable) { socket.write(drip); state.sent++; } }, 200) : undefined;
  socket.on("close", () => clearInterval(timer));
  state.end = () => { clearInterval(timer); socket.destroy(); };
  return state;
}

/** Times of n ordinary requests one after the other on four connections, sorted. @param {import("./harness.mjs").Server} server */
async function ordinary(server, n = 400) {
  const times = [];
  const one = async () => {
    for (let k = 0; k < n / 4; k++) {
      const begin = process.hrtime.bigint();
      const answer = await server.get("/health");
      if (answer.status !== 200) throw new Error(`an ordinary request was answered ${answer.status}`);
      times.push(Number(process.hrtime.bigint() - begin) / 1e6);
    }
  };
  await Promise.all([one(), one(), one(), one()]);
  return times.sort((a, b) => a - b);
}
const p99 = (times) => times[Math.floor(times.length * 0.99)];

/** Runs an attack beside ordinary requests. @param {string} name @param {(port: number, n: number) => ReturnType<typeof attacker>} make
 *  @param {(states: ReturnType<typeof attacker>[]) => void} after looked at when all were cut */
const attack = (name, make, after, reads = true) =>
  test(name, async () => {
    const server = await quick(deadlines);
    const states = [];
    try {
      const calm = [...await ordinary(server), ...await ordinary(server)].sort((a, b) => a - b);
      for (let n = 0; n < attackers; n++) {
        states.push(make(server.port, n));
        if (n % 100 === 99) await sleep(10);
      }
      await sleep(1000);
      const under = [...await ordinary(server), ...await ordinary(server)].sort((a, b) => a - b);
      if (process.env.SX_SLOW_FIGURES)
        console.log(`# ${name}: p99 ${p99(calm).toFixed(2)} ms, under attack ${p99(under).toFixed(2)} ms, ratio ${(p99(under) / p99(calm)).toFixed(2)}`);
      // A bound that a loaded machine keeps to as well; the ratio is for the figures.
      expect.ok(p99(under) < Math.max(100, 10 * p99(calm)), `p99 ${p99(calm)} ms, under attack ${p99(under)} ms`);
      // Who does not read does not see the end: that all are gone is asked of the server below.
      if (reads) await eventually(() => states.every((state) => state.closed), "every attacker is cut", 30_000);
      after(states);
      expect.equal((await server.get("/")).status, 200);
      await eventually(async () => Number((await server.get("/metrics")).text.match(/^sx_http_connections (\d+)$/m)[1]) < 10, "their connections are gone", 30_000);
    } finally {
      for (const state of states) state.end();
      await server.dispose();
    }
  }, 120_000);

await attack("slow heads are answered 408 and closed", (port) =>
  attacker(port, "GET / HTTP/1.1\r\nHost: localhost\r\n", "X-a: b\r\n"), (states) => {
  for (const state of states) expect.match(state.text, /^HTTP\/1\.1 408 /);
});

await attack("slow bodies are answered 408 and closed", (port) =>
  attacker(port, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n", "a=b"), (states) => {
  for (const state of states) expect.match(state.text, /^HTTP\/1\.1 408 /);
});

await attack("responses that nobody takes are cut", (port) => {
  const large = readdirSync("build/static").find((name) => /^kernel\..*wasm$/.test(name));
  const get = `GET /static/${large} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n`;
  return attacker(port, get.repeat(40), "", false);
}, () => {}, false);

await attack("ranges without number cost one answer", (port) => {
  const ranges = Array.from({ length: 300 }, (_, n) => `${n}-${n + 1000}`).join(",");
  return attacker(port, `GET /static/site.css HTTP/1.1\r\nHost: localhost\r\nRange: bytes=${ranges}\r\nConnection: close\r\n\r\n`);
}, (states) => {
  for (const state of states) expect.match(state.text, /^HTTP\/1\.1 200 /);
});

await attack("connections that say nothing are closed", (port) => attacker(port, ""), (states) => {
  for (const state of states) expect.equal(state.text, "");
});

await test("one address may not take all connections, when this machine counts as one", async () => {
  const server = await quick(["--address-connections-max", "20", "--limit-loopback"]);
  const states = [];
  try {
    for (let n = 0; n < 60; n++) states.push(attacker(server.port, ""));
    await eventually(() => states.filter((state) => /^HTTP\/1\.1 429 /.test(state.text)).length >= 40, "the others are told 429");
    expect.ok(states.filter((state) => !state.closed).length <= 20);
    for (const state of states) state.end();
    await eventually(() => server.get("/health").then((answer) => answer.status === 200, () => false), "there is room again");
  } finally {
    for (const state of states) state.end();
    await server.dispose();
  }
});

await test("one address may not take all requests, and is told how long to wait", async () => {
  const server = await quick(["--address-requests-per-second", "5", "--address-requests-burst", "30", "--limit-loopback"]);
  try {
    const answers = [];
    for (let n = 0; n < 60; n++) answers.push(await server.get("/health"));
    const refused = answers.filter((answer) => answer.status === 429);
    expect.ok(refused.length >= 15, `${refused.length} refused`);
    for (const answer of refused) expect.match(String(answer.headers["retry-after"]), /^[1-9]\d*$/);
    await sleep(1100);
    expect.equal((await server.get("/health")).status, 200);
  } finally {
    await server.dispose();
  }
});

finish();
