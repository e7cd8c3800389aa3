// WebSockets of a real server: a conversation in SX, its fiber's end, a stopping server.
import { createHash, randomBytes } from "node:crypto";
import net from "node:net";
import { join } from "node:path";
import { eventually, expect, finish, root, sleep, startServer, test } from "./harness.mjs";

const app = join(root, "tests/process/http-app.sx");
const start = (options = {}) => startServer({ ...options, args: [app, "--access-log", "none", ...(options.args ?? [])] });

/** A WebSocket client of a page: text and binary frames, the closing handshake; pings are answered. */
class Talker {
  messages = [];
  closed = undefined;
  ended = false;
  #bytes = Buffer.alloc(0);

  /** @param {import("./harness.mjs").Server} server @param {string} path @param {string[]} [headers] */
  static open(server, path, headers = []) {
    const talker = new Talker();
    const key = randomBytes(16).toString("base64");
    talker.socket = net.connect({ host: "127.0.0.1", port: server.port });
    talker.socket.on("error", () => {});
    talker.socket.on("close", () => (talker.ended = true));
    talker.socket.write(["GET " + path + " HTTP/1.1", `Host: localhost:${server.port}`, "Upgrade: websocket",
      "Connection: Upgrade", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${key}`, ...headers, "", ""].join("\r\n"));
    return new Promise((done, fail) => {
      let head = Buffer.alloc(0);
      const read = (part) => {
        head = Buffer.concat([head, part]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        talker.socket.off("data", read);
        const text = head.subarray(0, end).toString("latin1");
        talker.status = Number(text.slice(9, 12));
        if (talker.status === 101) {
          const accept = createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
          if (!text.includes(accept)) return fail(new Error(`the key was not answered:\n${text}`));
          talker.socket.on("data", (more) => talker.#take(more));
          talker.#take(head.subarray(end + 4));
        }
        done(talker);
      };
      talker.socket.on("data", read);
      talker.socket.on("close", () => done(talker));
    });
  }

  /** @param {string | Buffer} message */
  send(message) {
    this.#frame(typeof message === "string" ? 1 : 2, Buffer.from(message));
  }

  close(code = 1000) {
    this.#frame(8, Buffer.from([code >> 8, code & 255]));
  }

  #frame(opcode, data) {
    const mask = randomBytes(4);
    const head = data.length < 126 ? Buffer.from([0x80 | opcode, 0x80 | data.length])
      : data.length < 65536 ? Buffer.from([0x80 | opcode, 0xfe, data.length >> 8, data.length & 255])
      : Buffer.concat([Buffer.from([0x80 | opcode, 0xff, 0, 0, 0, 0]), Buffer.from([data.length >>> 24, data.length >> 16 & 255, data.length >> 8 & 255, data.length & 255])]);
    this.socket.write(Buffer.concat([head, mask, Buffer.from(data.map((byte, i) => byte ^ mask[i % 4]))]));
  }

  #take(part) {
    this.#bytes = Buffer.concat([this.#bytes, part]);
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      const short = bytes[1] & 127;
      const from = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length < from) return;
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
      if (bytes.length < from + length) return;
      const data = bytes.subarray(from, from + length);
      const opcode = bytes[0] & 15;
      this.#bytes = bytes.subarray(from + length);
      if (opcode === 1) this.messages.push(data.toString("utf8"));
      if (opcode === 2) this.messages.push(Buffer.from(data));
      if (opcode === 9) this.#frame(10, data);
      if (opcode === 8) {
        this.closed = { code: data.length ? data.readUInt16BE(0) : 1005, reason: data.subarray(2).toString("utf8") };
        this.#frame(8, data);
        this.socket.end();
      }
    }
  }
}

await test("messages go both ways, text as text and bytes as bytes", async () => {
  const server = await start();
  try {
    const talker = await Talker.open(server, "/talk");
    expect.equal(talker.status, 101);
    talker.send("Grüße");
    talker.send(Buffer.from([0, 255, 254]));
    talker.send("x".repeat(100_000));
    await eventually(() => talker.messages.length === 3, "three answers");
    expect.equal(talker.messages[0], "you said Grüße");
    expect.deepEqual(talker.messages[1], Buffer.from([0, 255, 254]));
    expect.equal(talker.messages[2].length, 100_009);
    talker.send("bye");
    await eventually(() => talker.closed, "it is closed");
    expect.deepEqual(talker.closed, { code: 4000, reason: "as you wish" });
  } finally {
    await server.dispose();
  }
});

await test("a handler that returns closes with 1000, one that fails with 1011 and a line in the log", async () => {
  const server = await start();
  try {
    const short = await Talker.open(server, "/talk-once");
    await eventually(() => short.closed, "it is closed");
    expect.deepEqual(short.messages, ["hello"]);
    expect.equal(short.closed.code, 1000);
    const broken = await Talker.open(server, "/talk-broken");
    await eventually(() => broken.closed, "it is closed");
    expect.equal(broken.closed.code, 1011);
    expect.ok(!broken.closed.reason.includes("on purpose"));
    await eventually(() => /request [0-9a-f]{16} \/talk-broken: .*on purpose/.test(server.stderr), "the log");
  } finally {
    await server.dispose();
  }
});

await test("a peer that goes ends the fiber, whatever it waits for, and its cleanups run", async () => {
  const server = await start();
  try {
    for (const [path, cleaned] of [["/talk", "1"], ["/talk-waiting", "2"]]) {
      const talker = await Talker.open(server, path);
      await sleep(100);
      talker.socket.destroy();
      await eventually(async () => (await server.get("/cleaned")).text === cleaned, `${path} is cleaned up`);
    }
    const polite = await Talker.open(server, "/talk");
    polite.close(1000);
    await eventually(() => polite.closed, "the closing is answered");
    expect.equal(polite.closed.code, 1000);
    await eventually(async () => (await server.get("/cleaned")).text === "3", "it is cleaned up");
    expect.equal(server.stderr, "");
    await eventually(async () => /^sx_http_websockets 0$/m.test((await server.get("/metrics")).text), "none is open");
  } finally {
    await server.dispose();
  }
});

await test("pages of other origins, too long messages and plain requests are refused", async () => {
  const server = await start();
  try {
    expect.equal((await Talker.open(server, "/talk", ["Origin: https://evil.example"])).status, 403);
    expect.equal((await Talker.open(server, "/talk", [`Origin: http://localhost:${server.port}`])).status, 101);
    expect.equal((await Talker.open(server, "/talk", ["Origin: https://friend.example"])).status, 101);
    const plain = await server.get("/talk");
    expect.equal(plain.status, 426);
    expect.equal(plain.headers.upgrade, "websocket");
    const long = await Talker.open(server, "/talk");
    long.send("x".repeat(200_001));
    await eventually(() => long.closed, "it is closed");
    expect.equal(long.closed.code, 1009);
  } finally {
    await server.dispose();
  }
});

await test("two hundred sockets talk at once, and a stopping server closes them with 1001", async () => {
  const server = await start({ args: ["--workers", "2"] });
  try {
    const talkers = await Promise.all(Array.from({ length: 200 }, () => Talker.open(server, "/talk")));
    for (const [n, talker] of talkers.entries()) for (let m = 0; m < 5; m++) talker.send(`${n}.${m}`);
    await eventually(() => talkers.every((talker) => talker.messages.length === 5), "all answers");
    for (const [n, talker] of talkers.entries())
      expect.deepEqual(talker.messages, [0, 1, 2, 3, 4].map((m) => `you said ${n}.${m}`));
    const begin = Date.now();
    expect.equal((await server.stop()).code, 0);
    expect.ok(Date.now() - begin < 6000);
    for (const talker of talkers) expect.equal(talker.closed?.code, 1001);
  } finally {
    await server.dispose();
  }
});

finish();
