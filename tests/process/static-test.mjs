// Static files of a real server: every byte as it lies on disk, in every coding; and nothing from outside the
// root, however the path is written (STATIC-01 to STATIC-05).
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import zlib from "node:zlib";
import { expect, finish, startServer, temporaryFolder, test } from "./harness.mjs";

const kMark = "this must never be seen";

const folder = temporaryFolder();
const files = join(folder, "static");
mkdirSync(join(files, "css"), { recursive: true });
mkdirSync(join(files, ".git"));
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
/** @param {number} size */
const bytesOf = (size) => Buffer.concat(Array.from({ length: Math.ceil(size / 256) }, () => everyByte)).subarray(0, size);
const kSizes = [0, 1, 255, 4095, 4096, 65_537, 1_048_577, 6_000_000];
for (const size of kSizes) writeFileSync(join(files, `bytes-${size}.bin`), bytesOf(size));
writeFileSync(join(files, "css/site.css"), "body{}");
writeFileSync(join(files, "inside.txt"), kMark);
for (const name of [".env", ".git/config"]) writeFileSync(join(files, name), kMark);
writeFileSync(join(folder, "secret.txt"), kMark);
symlinkSync("../secret.txt", join(files, "out.txt"));
symlinkSync(join(folder, "secret.txt"), join(files, "absolute.txt"));
symlinkSync("..", join(files, "up"));
symlinkSync("/", join(files, "root"));
symlinkSync("loop-b", join(files, "loop-a"));
symlinkSync("loop-a", join(files, "loop-b"));
symlinkSync("css/site.css", join(files, "in.css"));
spawnSync("mkfifo", [join(files, "pipe.txt")]);

/** Ways to write "..", "/" and what stands before; each pair of them is tried. */
const kParents = ["..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%252e%252e", "%25252e%25252e", "%25%32%65%25%32%65", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae",
  "%f0%80%80%ae%f0%80%80%ae", "%c0%2e%c0%2e", "%uff0e%uff0e", "%u002e%u002e", "%ef%bc%8e%ef%bc%8e", "\xc0\xae\xc0\xae", "....", "..;", "..%00", "%00..", "..%20", "..%09", "..%0a", "..?", "..\t", "%5c..", "&#46;&#46;", "..%3b"];
const kSeparators = ["/", "%2f", "%2F", "\\", "%5c", "%255c", "%252f", "%25252f", "%c0%af", "%c1%9c", "%e0%80%af", "\xc0\xaf", "%ef%bc%8f", "//", "/./", "%2f%2f", "/%2e/", "/;/", "%u2215", "/%00/"];
const kPrefixes = ["", "css/"];

/** Every payload, and the file behind it if it were followed. */
function payloads() {
  const list = [];
  for (const parent of kParents)
    for (const separator of kSeparators)
      for (const prefix of kPrefixes) list.push(`${prefix}${`${parent}${separator}`.repeat(prefix ? 2 : 1)}secret.txt`);
  const depth = folder.split("/").length + 1;
  for (const parent of ["..", "%2e%2e", "%252e%252e", "%c0%ae%c0%ae"])
    for (const separator of ["/", "%2f", "%5c"]) list.push(`${`${parent}${separator}`.repeat(depth)}etc/passwd`);
  const absolute = join(folder, "secret.txt");
  list.push(absolute, `/${absolute}`, `//${absolute}`, absolute.replaceAll("/", "%2f"), absolute.replaceAll("/", "%252f"), `file://${absolute}`, `%2f${absolute}`,
    "out.txt", "absolute.txt", "up/secret.txt", "up/static/inside.txt", `root${absolute}`, "loop-a", "loop-b", "pipe.txt", "up", "root",
    ".env", "%2eenv", ".git/config", "%2egit/config", ".git%2fconfig", "css/../.env", "", ".", "..", "css", "css/", "%2e", "css/..", "css/../inside.txt",
    "inside.txt%00", "inside.txt%00.css", "inside.txt%20", "inside.txt.", "inside.txt/", "inside.txt%2f", "inside.txt::$DATA", "INSIDE.TXT", "~root/.profile", "C:/secret.txt", "C:%5csecret.txt",
    "\\\\host\\share", "%5c%5chost%5cshare", "con", "a".repeat(5000), `${"a/".repeat(2000)}b`, `${"../".repeat(1000)}secret.txt`, "%", "%2", "%zz", "inside.txt%");
  return [...new Set(list)];
}

/** The whole answer to one GET of this target, as it is written. @param {number} port @param {string} target */
const fetchRaw = (port, target) => new Promise((done, fail) => {
  const parts = [];
  const socket = net.connect({ host: "127.0.0.1", port });
  socket.setTimeout(20_000, () => fail(new Error(`no answer to ${JSON.stringify(target)}`)));
  socket.on("data", (part) => parts.push(part)).on("error", fail);
  socket.on("close", () => done(Buffer.concat(parts).toString("latin1")));
  socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, "latin1"));
});

const server = await startServer({ args: ["--workers", "1", "--access-log", "none"], env: { SX_STATIC_DIR: files } });
try {
  const all = payloads();

  await test(`${all.length} ways to leave the root leave it nowhere`, async () => {
    // What is looked for would be seen if it were sent.
    expect.equal((await server.get("/static/inside.txt")).text, kMark);
    expect.equal((await server.get("/static/in.css")).text, "body{}");
    expect.ok(all.length >= 1000, String(all.length));
    const wrong = [];
    const tally = {};
    for (let at = 0; at < all.length; at += 50) {
      await Promise.all(all.slice(at, at + 50).map(async (payload) => {
        const answer = await fetchRaw(server.port, `/static/${payload}`);
        const status = Number(answer.slice(9, 12));
        tally[status] = (tally[status] ?? 0) + 1;
        if (![400, 404, 414].includes(status) || answer.includes(kMark) || /root:|:0:0:/.test(answer)) wrong.push(`${JSON.stringify(payload)}: ${answer.slice(0, 300)}`);
      }));
    }
    expect.deepEqual(wrong, []);
    console.log(`# answers: ${JSON.stringify(tally)}`);
  });

  await test("the same paths as queries, whole targets and without the folder's name leave it nowhere either", async () => {
    const wrong = [];
    for (const target of ["/../secret.txt", "/%2e%2e/secret.txt", "/static/../../secret.txt", "/static%2f..%2f..%2fsecret.txt", "/static/..%2f..%2fsecret.txt",
      "/./static/../secret.txt", "//static/../secret.txt", "http://localhost/static/../../secret.txt", "http://localhost/../secret.txt", "/static/?../secret.txt",
      "/static/inside.txt/../../secret.txt", "/static", "/static/", "/Static/inside.txt", "/blob/../../secret.txt", "/blob/..%2f..%2fsecret", "/blob/%2e%2e%2f%2e%2e%2fsecret"]) {
      const answer = await fetchRaw(server.port, target);
      if (![308, 400, 404].includes(Number(answer.slice(9, 12))) || answer.includes(kMark)) wrong.push(`${target}: ${answer.slice(0, 300)}`);
    }
    expect.deepEqual(wrong, []);
  });

  await test("files come byte for byte, whole, in ranges and joined from ranges", async () => {
    for (const size of kSizes) {
      const path = `/static/bytes-${size}.bin`;
      const whole = await server.get(path);
      expect.equal(whole.status, 200);
      expect.equal(whole.headers["content-length"], String(size));
      expect.ok(whole.bytes.equals(bytesOf(size)), `${path} differs`);
      if (size < 2) continue;
      const middle = Math.floor(size / 2) + 1;
      const parts = await Promise.all([`bytes=0-${middle - 1}`, `bytes=${middle}-`].map((range) => server.get(path, { Range: range })));
      expect.deepEqual(parts.map((part) => part.status), [206, 206]);
      expect.ok(Buffer.concat(parts.map((part) => part.bytes)).equals(bytesOf(size)), `${path} in ranges differs`);
      expect.ok((await server.get(path, { Range: "bytes=-1" })).bytes.equals(bytesOf(size).subarray(-1)));
    }
  });

  await test("a missing file is 404, other methods are 405 with Allow, HEAD has no body", async () => {
    expect.equal((await server.get("/static/none.txt")).status, 404);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await server.request("/static/css/site.css", { method });
      expect.equal(answer.status, 405, method);
      expect.match(String(answer.headers.allow), /GET/);
    }
    const head = await server.request("/static/bytes-4096.bin", { method: "HEAD" });
    expect.deepEqual([head.status, head.headers["content-length"], head.bytes.length], [200, "4096", 0]);
  });
} finally {
  await server.dispose();
}

const decoders = {
  br: (bytes) => zlib.brotliDecompressSync(bytes),
  gzip: (bytes) => zlib.gunzipSync(bytes),
  zstd: (bytes) => spawnSync("zstd", ["-dc"], { input: bytes, maxBuffer: 1 << 28 }).stdout,
};

await test("the built files come precompressed as the client asks, and unpack to the same bytes", async () => {
  const own = await startServer({ args: ["--workers", "1", "--access-log", "none"] });
  try {
    const names = readdirSync("build/static", { recursive: true }).map(String).filter((name) => /\.(wasm|js|css|sxbc)$/.test(name));
    expect.ok(names.length >= 5, names.join(" "));
    const types = { wasm: "application/wasm", js: "text/javascript", css: "text/css", sxbc: "application/x-sxbc" };
    let compressed = 0;
    for (const name of names) {
      const path = `/static/${name}`;
      const plain = await own.get(path, { "Accept-Encoding": "identity" });
      expect.equal(plain.status, 200, path);
      expect.equal(plain.headers["content-encoding"], undefined, path);
      expect.ok(String(plain.headers["content-type"]).startsWith(types[name.split(".").at(-1)]), `${path}: ${plain.headers["content-type"]}`);
      for (const [coding, decode] of Object.entries(decoders)) {
        const answer = await own.get(path, { "Accept-Encoding": coding });
        if (answer.headers["content-encoding"] === undefined) continue;
        compressed++;
        expect.equal(answer.headers["content-encoding"], coding);
        expect.match(String(answer.headers.vary), /Accept-Encoding/i);
        expect.notEqual(answer.headers.etag, plain.headers.etag);
        expect.ok(answer.bytes.length < plain.bytes.length && decode(answer.bytes).equals(plain.bytes), `${path} as ${coding}`);
      }
    }
    expect.ok(compressed >= 3 * 4, `${compressed} answers were compressed`);
  } finally {
    await own.dispose();
  }
});

finish();
