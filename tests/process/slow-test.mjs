// Slow attacks from many connections at once: heads that never end, bodies that trickle, responses
// that nobody reads, ranges without number. The service stays, and whoever is slow is cut.
//
// A thousand attackers each, written here; those of slowhttptest are in slowhttptest-test.mjs, and how fast ordinary
// visitors are served meanwhile is for scripts/bench slow.
import net from "node:net";
import { eventually, expect, finish, sleep, test } from "./harness.mjs";
import { ordinary, slowServer } from "./slowhttptest.mjs";

const attackers = 1000;

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

/** Runs an attack beside ordinary requests. @param {string} name @param {(port: number, n: number) => ReturnType<typeof attacker>} make
 *  @param {(states: ReturnType<typeof attacker>[]) => void} after looked at when all were cut */
const attack = (name, make, after, reads = true) =>
  test(name, async () => {
    const server = await slowServer();
    const states = [];
    try {
      for (let n = 0; n < attackers; n++) {
        states.push(make(server.port, n));
        if (n % 100 === 99) await sleep(10);
      }
      await sleep(1000);
      await ordinary(server, (count) => count > 400);
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
  const get = `GET /static/large.bin HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n`;
  return attacker(port, get.repeat(40), "", false);
}, () => {}, false);

await attack("ranges without number cost one answer", (port) => {
  const ranges = Array.from({ length: 300 }, (_, n) => `${n}-${n + 1000}`).join(",");
  return attacker(port, `GET /static/small.css HTTP/1.1\r\nHost: localhost\r\nRange: bytes=${ranges}\r\nConnection: close\r\n\r\n`);
}, (states) => {
  for (const state of states) expect.match(state.text, /^HTTP\/1\.1 200 /);
});

await attack("connections that say nothing are closed", (port) => attacker(port, ""), (states) => {
  for (const state of states) expect.equal(state.text, "");
});

await test("one address may not take all connections, when this machine counts as one", async () => {
  const server = await slowServer(["--address-connections-max", "20", "--limit-loopback"]);
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
  const server = await slowServer(["--address-requests-per-second", "5", "--address-requests-burst", "30", "--limit-loopback"]);
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
