// Streams, server-sent events and uploads of a real server, over real sockets.
import { createHash, randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { eventually, expect, finish, root, sleep, startServer, test } from "./harness.mjs";

const app = join(root, "tests/process/http-app.sx");
const start = (options = {}) => startServer({ ...options, args: [app, "--access-log", "none", ...(options.args ?? [])] });

/** A request whose answer is looked at while it comes.
 *  @param {import("./harness.mjs").Server} server @param {string} path @param {http.RequestOptions} [options] */
const open = (server, path, options = {}) =>
  new Promise((done, fail) => {
    const request = http.request({ host: "127.0.0.1", port: server.port, path, agent: false,
      ...options, headers: { Host: `localhost:${server.port}`, ...options.headers } });
    request.on("error", fail);
    request.on("response", (response) => {
      const stream = { request, response, text: "", ended: false, failed: undefined };
      response.setEncoding("utf8");
      response.on("data", (part) => (stream.text += part));
      response.on("end", () => (stream.ended = true));
      response.on("error", (error) => (stream.failed = error));
      done(stream);
    });
    request.end();
  });

await test("a streamed answer arrives whole, in chunks, and its connection is used again", async () => {
  const server = await start();
  try {
    const answer = await server.get("/count/1000");
    expect.equal(answer.headers["transfer-encoding"], "chunked");
    expect.equal(answer.text.split("\n").length, 1001);
    expect.ok(answer.text.endsWith("line 999\n"));
    expect.equal((await server.get("/count/0")).text, "");
    const page = await server.get("/page");
    expect.match(page.headers["content-type"], /^text\/html/);
    expect.ok(page.text.startsWith("<!DOCTYPE html><html>"));
    expect.ok(page.text.endsWith("<p>line 4999</p></body></html>"));
    const head = await server.request("/count/5", { method: "HEAD" });
    expect.equal(head.status, 200);
    expect.equal(head.text, "");
    const old = await server.raw("GET /count/2 HTTP/1.0\r\n\r\n");
    expect.ok(old.closed);
    expect.match(old.text, /^HTTP\/1\.1 200 [^]*\r\n\r\nline 0\nline 1\n$/);
    expect.ok(!/chunked/i.test(old.text));
  } finally {
    await server.dispose();
  }
});

await test("a client that goes ends its producer, whose cleanups run", async () => {
  const server = await start();
  try {
    // One that is in the middle of writing, one that waits for something else.
    for (const [path, cleaned] of [["/endless", "1"], ["/quiet", "2"]]) {
      const stream = await open(server, path);
      await eventually(() => stream.text.length > 0, "something has come");
      expect.equal((await server.get("/cleaned")).text, String(cleaned - 1));
      stream.request.destroy();
      await eventually(async () => (await server.get("/cleaned")).text === cleaned, `${path} is cleaned up`);
    }
    expect.ok(!server.stderr.includes("client went away"), "that is nothing for the log");
  } finally {
    await server.dispose();
  }
});

await test("a handler whose client has gone is given up and cleaned up; one that writes goes on to its end", async () => {
  const server = await startServer({ args: ["tests/process/http-app.sx", "--store", "memory:", "--workers", "1"] });
  try {
    const leave = (head) => new Promise((done) => {
      const socket = net.connect({ host: "127.0.0.1", port: server.port }, () => {
        socket.write(`${head} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:${server.port}\r\nContent-Length: 0\r\n\r\n`);
        setTimeout(() => { socket.destroy(); done(undefined); }, 200);
      });
    });
    await Promise.all(Array.from({ length: 20 }, () => leave("GET /wait")));
    await eventually(async () => (await server.get("/cleaned")).text === "20", "twenty cleanups");
    await eventually(() => server.stderr.split('"target":"/wait","status":499').length === 21, "they are in the log as 499");
    expect.doesNotMatch(server.stderr, /client-gone/);
    await leave("POST /wait");
    expect.equal((await server.get("/waits")).text, "1");
    await eventually(async () => (await server.get("/waits")).text === "2", "the second write");
    expect.match((await server.get("/metrics")).text, /^sx_http_requests_in_flight 1$/m);
  } finally {
    await server.dispose();
  }
});

await test("a handler that takes too long is given up, and named in the log", async () => {
  const server = await startServer({ args: ["tests/process/http-app.sx", "--store", "memory:", "--workers", "1", "--handler-timeout-ms", "300"] });
  try {
    const answer = await server.get("/wait");
    expect.equal(answer.status, 503);
    await eventually(async () => (await server.get("/cleaned")).text === "1", "its cleanup");
    await eventually(() => /request [0-9a-f]{16} GET \/wait: timeout: .*--handler-timeout-ms/.test(server.stderr), "the log");
  } finally {
    await server.dispose();
  }
});

await test("a client that does not read holds its producer up, and the memory stays small", async () => {
  const server = await start({ args: ["--workers", "1"] });
  try {
    const memory = async () => Number((await server.get("/metrics")).text.match(/^process_resident_memory_bytes (\S+)/m)[1]);
    const streams = [];
    for (let n = 0; n < 20; n++) {
      const stream = await open(server, "/endless");
      stream.response.pause();
      streams.push(stream);
    }
    await sleep(500);
    const before = await memory();
    await sleep(1500);
    const after = await memory();
    expect.ok(after - before < (process.env.SX_SANITIZED ? 200e6 : 8e6), `${before} bytes, then ${after}`);
    expect.match((await server.get("/metrics")).text, /^sx_http_streams 20$/m);
    for (const stream of streams) stream.request.destroy();
    await eventually(async () => (await server.get("/cleaned")).text === "20", "all are cleaned up");
  } finally {
    await server.dispose();
  }
});

await test("a producer that is stopped while it waits for its reader may say a last word", async () => {
  const server = await start({ args: ["--workers", "1"] });
  try {
    const stream = await open(server, "/farewell");
    stream.response.pause();
    await sleep(500);  // it waits for room by now
    const stopping = server.stop();
    await sleep(200);
    stream.response.resume();
    await eventually(() => stream.ended || stream.failed, "the end");
    expect.ok(stream.text.endsWith("data: farewell\n\n"), stream.text.slice(-200));
    expect.equal((await stopping).code, 0);
    expect.doesNotMatch(server.stderr, /stream-busy|Another fiber/);
  } finally {
    await server.dispose();
  }
});

await test("an error in the middle cuts the answer and is logged with its place", async () => {
  const server = await start();
  try {
    const stream = await open(server, "/broken");
    await eventually(() => stream.failed ?? stream.ended, "the end");
    expect.ok(stream.failed, "the client sees that it is not whole");
    expect.equal(stream.text, "half");
    await eventually(() => server.stderr.includes("on purpose"), "the log has it");
    expect.match(server.stderr, /request [0-9a-f]{16} \/broken: .*on purpose[^]*http-app\.sx:/);
  } finally {
    await server.dispose();
  }
});

/** The events of a text/event-stream. @param {string} text */
const events = (text) =>
  text.split("\n\n").slice(0, -1).map((block) => Object.fromEntries(block.split("\n").map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1).trim()];
  }))).filter((event) => event.data !== undefined);

await test("a reader of events gets each once and in order, also across a restart and kill -9", async () => {
  const server = await start();
  try {
    const seen = [];
    let lastId;
    const follow = async (until) => {
      const stream = await open(server, "/events", { headers: lastId === undefined ? {} : { "Last-Event-ID": lastId } });
      expect.equal(stream.response.headers["content-type"], "text/event-stream");
      await eventually(() => events(stream.text).length + seen.length >= until || stream.failed, `${until} events`);
      for (const event of events(stream.text)) {
        seen.push(Number(event.data));
        lastId = event.id;
      }
      stream.request.destroy();
    };
    await server.request("/append/20", { method: "POST" });
    await follow(10);
    await server.request("/append/20", { method: "POST" });
    await follow(20);
    await server.restart();
    await follow(20);
    await server.request("/append/20", { method: "POST" });
    await server.kill9();
    await server.start();
    await follow(30);
    const odd = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19];
    expect.deepEqual(seen, [...odd, ...odd, ...odd]);
  } finally {
    await server.dispose();
  }
});

await test("an event comes as soon as it is stored, whichever worker stored it, and signs of life between", async () => {
  const server = await start({ args: ["--workers", "2"] });
  try {
    const readers = await Promise.all(Array.from({ length: 8 }, () => open(server, "/events")));
    await sleep(700);
    for (const reader of readers) expect.ok((reader.text.match(/^: ?$/gm) ?? []).length >= 2, "heartbeats");
    const begin = Date.now();
    await server.request("/append/2", { method: "POST" });
    await eventually(() => readers.every((reader) => events(reader.text).length === 1), "everybody has it");
    expect.ok(Date.now() - begin < 1000);
    // The position that moved on unseen is told, so that nobody comes back with an old one.
    await eventually(() => readers.every((reader) => /^id: 2$/m.test(reader.text) || /^id: 3$/m.test(reader.text)), "the position");
    for (const reader of readers) reader.request.destroy();
  } finally {
    await server.dispose();
  }
});

await test("a stopping server ends streams of events properly and at once", async () => {
  const server = await start();
  try {
    const reader = await open(server, "/events");
    await eventually(() => reader.text.includes("retry: 100"), "the beginning");
    const begin = Date.now();
    const ended = await server.stop();
    expect.equal(ended.code, 0);
    expect.ok(Date.now() - begin < 5000);
    await eventually(() => reader.ended || reader.failed, "the end");
    expect.equal(reader.failed, undefined);
  } finally {
    await server.dispose();
  }
});

// --- uploads ------------------------------------------------------------------------------------------

const boundary = "----sx-boundary";
/** @param {[disposition: string, content: string | Buffer, more?: string][]} parts */
const form = (...parts) =>
  Buffer.concat([...parts.flatMap(([disposition, content, more = ""]) =>
    [Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n`), Buffer.from(content), Buffer.from("\r\n")]),
    Buffer.from(`--${boundary}--\r\n`)]);
const multipart = { "Content-Type": `multipart/form-data; boundary=${boundary}` };
const post = (server, path, body, headers = {}) => server.request(path, { method: "POST", body, headers: { ...multipart, ...headers } });
const blobs = (server) => readdirSync(join(server.data, "blobs"), { recursive: true }).filter((name) => /[0-9a-f]{64}/.test(String(name)));

await test("an upload goes to the blob store while it arrives, byte for byte, within little memory", async () => {
  const server = await start({ args: ["--workers", "1"] });
  try {
    const bytes = randomBytes(40_000_000);
    const cid = createHash("sha256").update(bytes).digest("hex");
    const memory = async () => Number((await server.get("/metrics")).text.match(/^process_resident_memory_bytes (\S+)/m)[1]);
    const before = await memory();
    const answer = await post(server, "/upload", form(['name="title"', "Grüße"], ['name="f"; filename="a b.bin"', bytes, "Content-Type: image/png\r\n"]));
    expect.equal(answer.status, 200, answer.text);
    const after = await memory();
    expect.deepEqual(JSON.parse(answer.text), {
      again: true, fields: { title: "Grüße" },
      files: { f: { field: "f", filename: "a b.bin", type: "image/png", size: bytes.length, cid, mime: "application/octet-stream" } },
    });
    // Sanitizers keep what was freed for a while.
    expect.ok(after - before < (process.env.SX_SANITIZED ? 300e6 : 20e6), `${before} bytes, then ${after}`);
    const stored = await server.get(`/blob/${cid}`);
    expect.equal(createHash("sha256").update(stored.bytes).digest("hex"), cid);
  } finally {
    await server.dispose();
  }
});

await test("a blob is served in whole and in ranges, with its validator, small or large", async () => {
  const server = await start();
  try {
    for (const size of [1000, 5_000_000]) {
      const bytes = randomBytes(size);
      const { files } = JSON.parse((await post(server, "/upload", form(['name="f"; filename="x"', bytes]))).text);
      const path = `/blob/${files.f.cid}`;
      const whole = await server.get(path);
      expect.equal(whole.headers["content-length"], String(size));
      expect.equal(whole.headers["x-content-type-options"], "nosniff");
      expect.ok(whole.bytes.equals(bytes));
      const part = await server.get(path, { Range: "bytes=500-699" });
      expect.equal(part.status, 206);
      expect.equal(part.headers["content-range"], `bytes 500-699/${size}`);
      expect.ok(part.bytes.equals(bytes.subarray(500, 700)));
      expect.ok((await server.get(path, { Range: "bytes=-10" })).bytes.equals(bytes.subarray(size - 10)));
      expect.equal((await server.get(path, { Range: `bytes=${size}-` })).status, 416);
      expect.equal((await server.get(path, { "If-None-Match": whole.headers.etag })).status, 304);
      expect.equal((await server.get(path, { "If-Match": '"other"' })).status, 412);
      expect.equal((await server.get(path, { Range: "bytes=0-1", "If-Range": '"other"' })).status, 200);
      const head = await server.request(path, { method: "HEAD" });
      expect.equal(head.headers["content-length"], String(size));
    }
    expect.equal((await server.get(`/blob/${"0".repeat(64)}`)).status, 404);
    expect.equal((await server.get("/blob/..%2f..%2fsecret")).status, 404);
  } finally {
    await server.dispose();
  }
});

await test("small forms are read the same way: fields, several files, files that were not chosen", async () => {
  const server = await start();
  try {
    const body = form(['name="a"', ""], ['name="a"', "last"], ['name="none"; filename=""', ""], ['name="f"; filename="x.txt"', "hello"]);
    const memory = JSON.parse((await post(server, "/memory", body)).text);
    expect.deepEqual(memory, { again: true, fields: { a: "last" },
      files: { f: { field: "f", filename: "x.txt", type: "application/octet-stream", size: 5, length: 5 } } });
    const stored = JSON.parse((await post(server, "/upload", body)).text);
    expect.equal(stored.files.f.cid, createHash("sha256").update("hello").digest("hex"));
    expect.match(stored.files.f.mime, /^text\/plain/);
    // The connection goes on after a form that was read to its end.
    expect.equal((await server.request("/echo", { method: "POST", body: "x" })).text, "POST x");
  } finally {
    await server.dispose();
  }
});

await test("what is too big or malformed gets its status and leaves no blob behind", async () => {
  const server = await start();
  try {
    const big = Buffer.alloc(50_000_001, "x");
    expect.equal((await post(server, "/upload", form(['name="f"; filename="x"', big]))).status, 413);
    const parts = Array.from({ length: 21 }, () => /** @type {[string, string]} */ (['name="a"', "1"]));
    expect.equal((await post(server, "/upload", form(...parts))).status, 413);
    const file = form(['name="f"; filename="x"', "content of a file"]);
    const cut = await post(server, "/upload", file.subarray(0, file.length - 10));
    expect.equal(cut.status, 400);
    expect.match(cut.text, /ends before its last boundary/);
    expect.equal((await post(server, "/upload", file, { "Content-Type": "multipart/form-data" })).status, 400);
    expect.equal((await post(server, "/upload", form(["filename=x", "no name"]))).status, 400);
    expect.equal((await post(server, "/memory", form(['name="f"; filename="x"', big.subarray(0, 17_000_000)]))).status, 413);
    expect.deepEqual(blobs(server), []);
    expect.equal((await post(server, "/upload", file)).status, 200);
    expect.equal(blobs(server).length, 1);
  } finally {
    await server.dispose();
  }
});

await test("an upload that its sender breaks off leaves no blob and no file behind", async () => {
  const server = await start();
  try {
    const request = http.request({ host: "127.0.0.1", port: server.port, path: "/upload", method: "POST",
      headers: { Host: `localhost:${server.port}`, ...multipart, "Content-Length": "30000000" } });
    request.on("error", () => {});
    request.write(form(['name="f"; filename="x"', randomBytes(1_000_000)]).subarray(0, 900_000));
    await sleep(300);
    request.destroy();
    const files = () => readdirSync(join(server.data, "blobs"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    await eventually(() => files().length === 0, "nothing is left");
  } finally {
    await server.dispose();
  }
});

await test("who may not upload is refused before anything is sent", async () => {
  const server = await start();
  try {
    const answer = await server.raw(`POST /guarded HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipart["Content-Type"]}\r\n` +
      "Content-Length: 200000000\r\nExpect: 100-continue\r\n\r\n");
    expect.match(answer.text, /^HTTP\/1\.1 403 /);
    expect.ok(answer.closed);
    const asked = await server.raw(`POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipart["Content-Type"]}\r\n` +
      `Content-Length: ${form().length}\r\nExpect: 100-continue\r\n\r\n`, { silenceMs: 500 });
    expect.match(asked.text, /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  } finally {
    await server.dispose();
  }
});

finish();
