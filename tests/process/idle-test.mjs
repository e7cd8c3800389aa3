// Ten thousand connections that are kept and say nothing, on one process: they cost little memory and no thread,
// everybody else is served, and each of them still answers when it speaks again.
import { execSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import net from "node:net";
import { expect, finish, startServer, test } from "./harness.mjs";

const kWanted = 10_000;
const open = Number(execSync("ulimit -Hn", { shell: "/bin/bash", encoding: "utf8" }).trim()) || Infinity;
const count = Math.min(kWanted, open - 500);
if (count < kWanted) console.log(`# ${count} connections instead of ${kWanted}: this machine lets a process have ${open} open files (ulimit -Hn)`);

const kRequest = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** A kept connection. @param {number} port @param {number} n */
function connection(port, n) {
  const state = { text: "", closed: false, socket: net.connect({ host: "127.0.0.1", port, localAddress: `127.0.1.${1 + (n % 200)}` }) };
  state.socket.on("data", (part) => (state.text += part.toString("latin1")));
  state.socket.on("close", () => (state.closed = true)).on("error", () => {});
  return state;
}

/** Asks on it and waits for the answer. @param {ReturnType<typeof connection>} state */
const ask = (state) => new Promise((done, fail) => {
  state.text = "";
  const look = () => {
    if (!/^HTTP\/1\.1 200 [^]*\r\n\r\nok/.test(state.text)) return;
    state.socket.off("data", look);
    done(undefined);
  };
  state.socket.on("data", look);
  state.socket.once("close", () => fail(new Error("closed without an answer")));
  state.socket.write(kRequest);
});

/** @param {number} pid */
const memoryOf = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB/m)?.[1]) * 1024;
const threadsOf = (pid) => readdirSync(`/proc/${pid}/task`).length;

await test(`${count} kept connections: little memory, no threads, and all of them still answer`, async () => {
  const server = await startServer({ args: ["--workers", "2", "--access-log", "none", "--idle-timeout-ms", "600000", "--connections-max", String(kWanted)] });
  /** @type {ReturnType<typeof connection>[]} */
  const states = [];
  const inTurn = async (some, work) => {
    for (let at = 0; at < some.length; at += 200) await Promise.all(some.slice(at, at + 200).map(work));
  };
  try {
    await server.get("/");
    const [memory, threads] = [memoryOf(server.pid), threadsOf(server.pid)];
    for (let n = 0; n < count; n++) states.push(connection(server.port, n));
    await inTurn(states, ask);
    const each = (memoryOf(server.pid) - memory) / count;
    console.log(`# ${each.toFixed(0)} bytes of memory for each of ${count} connections`);
    expect.ok(each < 16 * 1024, `${each} bytes each`);
    expect.equal(threadsOf(server.pid), threads);
    expect.ok(Number((await server.get("/metrics")).text.match(/^sx_http_connections (\d+)$/m)[1]) >= count);
    for (let n = 0; n < 200; n++) expect.equal((await server.get("/health")).status, 200);
    expect.equal((await server.get("/")).status, 200);
    expect.equal(states.filter((state) => state.closed).length, 0);
    await inTurn(states, ask);
  } finally {
    for (const state of states) state.socket.destroy();
    await server.dispose();
  }
});

await test("with few open files the longest idle connections make room, and as many are used as the system allows", async () => {
  const server = await startServer({ args: ["--workers", "1", "--access-log", "none"], via: ["prlimit", "--nofile=64:200"] });
  const connections = [];
  try {
    expect.match((await server.get("/metrics")).text, /^process_max_fds 200$/m);
    for (let n = 0; n < 400; n++) {
      connections.push(connection(server.port, n));
      await ask(connections[n]);
    }
    await ask(connections[399]);
    expect.ok(connections.filter(({ closed }) => closed).length >= 250, "the first ones made room");
    expect.equal((await server.visitor().get("/health")).status, 200);
    expect.doesNotMatch(server.stderr, /cannot accept/);
  } finally {
    for (const { socket } of connections) socket.destroy();
    await server.dispose();
  }
});

finish();
