// The same bytes to our server and to nginx: how many requests does each see in them, which, and where does
// it stop? A difference is a way to smuggle a request past one of them. We may be stricter, for a reason that
// is listed here; we may take what nginx refuses only where the reason says why that is safe.
//
// SX_TEST_LONG=1 sends many times as many; SX_CORPUS_SEED chooses others.
import net from "node:net";
import { corpus } from "./framing-corpus.mjs";
import { expect, finish, startServer, test } from "./harness.mjs";
import { Nginx } from "./nginx.mjs";

const kSeed = Number(process.env.SX_CORPUS_SEED ?? 1);
const kCount = process.env.SX_TEST_LONG ? 200_000 : 16_000;
const kConnectionsAtOnce = 48;

/** Why we refuse what nginx takes, by our own sentence. */
const kStricter = [
  [/more than one Content-Length|Content-Length is not/, "nginx ignores spaces and repetitions in places; a length is one plain number"],
  [/ends with LF alone/, "RFC 9112 §2.2 allows LF alone, which other readers take for part of a value"],
  [/contains a CR that ends no line/, "RFC 9112 §2.2: a bare CR is invalid or a space, so readers differ"],
  [/has no Host header|more than one Host|Host header is/, "RFC 9112 §3.2: 400 for a Host that is missing, repeated or no host"],
  [/header name contains/, "nginx drops such fields, others pass them on: they are no fields"],
  [/header value contains/, "RFC 9110 §5.5: control characters are invalid in values"],
  [/request target contains/, "RFC 3986: such characters are percent-encoded; a fragment is never sent"],
  [/target does not begin|names no host/, "RFC 9112 §3.2: only the forms of a target that are there"],
  [/method .* is not implemented|method is not a token/, "only the methods that are served"],
  [/request line/, "RFC 9112 §3: one space between the three parts"],
  [/speaks HTTP\/1\.1, not/, "only HTTP/1.0 and 1.1 are spoken"],
  [/more than one Transfer-Encoding|Transfer-Encoding is/, "one coding, once, and not in HTTP/1.0"],
  [/only Expect understood/, "RFC 9110 §10.1.1: 417 for what cannot be met"],
  [/chunk size is not|chunked body is malformed/, "sizes, line ends and extensions of chunks as RFC 9112 §7.1 writes them"],
];

/** Where nginx has seen the end and we wait for more, which never comes: nothing is taken. */
const kWaits = [[/0\r\n(.*[^\r])?\n/s, "a bare LF ends no chunked body; whatever came behind it would be refused as a trailer"]];

/** What we take although nginx refuses it, and why nobody is harmed. */
const kLooser = [
  [(bytes) => /^OPTIONS \* /m.test(bytes), "RFC 9112 §3.2.4: the form for the server itself, which nginx does not know"],
  [(bytes) => /^(Content-Length|Transfer-Encoding|Host):.*\t/im.test(bytes), "RFC 9110 §5.6.3: a tab around a value is white space as a space is"],
  [(bytes) => /\/(\.|%2e){2}\//i.test(bytes), "dot segments are not resolved here: routes see them as sent, files are opened beneath their root by the kernel"],
];

/** A peer of nginx's: tells what nginx understood, as our application does. nginx has framed it anew. */
function backend() {
  const server = net.createServer((socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (part) => {
      text += part.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(text.slice(0, end).match(/\r\ncontent-length: (\d+)/i)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const [method, target] = text.split(" ", 2);
      const seen = encodeURIComponent(Buffer.from(`${method} ${target.replace(/[?#].*/s, "")} ${text.slice(end + 4)}`, "latin1").toString("utf8"));
      socket.end(`HTTP/1.0 200 OK\r\nX-Seen: ${seen}\r\nContent-Length: 0\r\n\r\n`);
    });
  });
  server.unref();
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

/** Sends all of it and the end, and reads all that comes. @param {number} port @param {string} bytes */
function exchange(port, bytes) {
  return new Promise((done, fail) => {
    let text = "";
    const socket = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    const finished = () => { socket.destroy(); done(text); };
    socket.setTimeout(20_000, () => fail(new Error(`no end within 20 s: ${JSON.stringify(bytes)}`)));
    socket.on("data", (part) => (text += part.toString("latin1")));
    socket.on("end", finished).on("close", finished);
    socket.on("error", (error) => (error.code === "ECONNRESET" || error.code === "EPIPE" ? finished() : fail(error)));
    socket.on("connect", () => socket.end(Buffer.from(bytes, "latin1")));
  });
}

/** The requests that were seen, and the refusal after them: its status and sentence, 0 where there is none.
 *  @param {string} text */
function understood(text) {
  const seen = [];
  let refused = 0, why = "";
  while (text) {
    const status = Number(text.match(/^HTTP\/1\.[01] (\d{3}) /)?.[1] ?? NaN);
    const end = text.indexOf("\r\n\r\n");
    if (Number.isNaN(status) || end < 0) {
      refused = -1;  // an answer without a head, to HTTP/0.9
      break;
    }
    const head = text.slice(0, end + 2);
    const one = head.match(/\r\nX-Seen: (\S+)\r\n/i)?.[1];
    const length = Number(head.match(/\r\nContent-Length: (\d+)\r\n/i)?.[1] ?? 0);
    if (status >= 200) {
      if (one !== undefined) seen.push(decodeURIComponent(one));
      else if (refused) throw new Error(`two refusals in one answer: ${text}`);
      else [refused, why] = [status, text.slice(end + 4, end + 4 + length)];
    }
    const noBody = status < 200 || /^HEAD /.test(seen.at(-1) ?? "") && one !== undefined;
    text = text.slice(end + 4 + (noBody ? 0 : length));
    if (refused) break;
  }
  return { seen, refused, why };
}

await test(`of ${kCount} connections full of odd requests, we see what nginx ${Nginx.version()} sees, or refuse`, async () => {
  const upstream = await backend();
  const nginx = await Nginx.start(() => `    location / {
      proxy_pass http://127.0.0.1:${upstream.address().port};
      proxy_pass_request_headers off;
      proxy_ignore_client_abort on;
    }`);
  const server = await startServer({ args: ["tests/process/echo-app.sx", "--store", "memory:", "--workers", "1", "--access-log", "none"], env: { SX_HOSTS: "*" } });
  const tally = { same: 0, stricter: 0, looser: 0, requests: 0 };
  const used = new Set();
  const bad = [];
  const cases = corpus(kCount, kSeed);
  const one = async (bytes) => {
    const [ours, theirs] = (await Promise.all([exchange(server.port, bytes), exchange(nginx.port, bytes)])).map(understood);
    tally.requests += ours.seen.length;
    const report = (what) => bad.push(`${what}: ${JSON.stringify(bytes)}\n  ours   ${JSON.stringify(ours)}\n  theirs ${JSON.stringify({ ...theirs, why: undefined })}`);
    const shared = Math.min(ours.seen.length, theirs.seen.length);
    for (let n = 0; n < shared; n++) if (ours.seen[n] !== theirs.seen[n]) return report("one request, seen in two ways");
    if (ours.seen.length > theirs.seen.length) {
      const reason = kLooser.find(([test]) => test(bytes, ours, theirs));
      if (!reason) return report("taken here, refused by nginx");
      used.add(reason);
      tally.looser++;
    } else if (ours.seen.length < theirs.seen.length) {
      // The refusal of a HEAD has no sentence.
      if (ours.refused && !ours.why) ours.why = understood(await exchange(server.port, bytes.replaceAll("HEAD ", "POST "))).why;
      const reason = ours.refused ? kStricter.find(([sentence]) => sentence.test(ours.why)) : kWaits.find(([bare]) => bare.test(bytes));
      if (!reason) return report("refused here without a listed reason, taken by nginx");
      used.add(reason);
      tally.stricter++;
    } else {
      tally.same++;
    }
  };
  try {
    let at = 0;
    const worker = async () => { while (at < cases.length) await one(cases[at++]); };
    await Promise.all(Array.from({ length: kConnectionsAtOnce }, worker));
    console.log(`# ${tally.requests} requests seen; the same ${tally.same}, stricter ${tally.stricter}, looser for a reason ${tally.looser}`);
    expect.equal(bad.length, 0, `${bad.length} differences\n${bad.slice(0, 20).join("\n")}`);
    // A corpus that no server takes or refuses anything of would prove nothing.
    expect.ok(tally.requests > kCount / 3, `${tally.requests} requests seen`);
    expect.deepEqual([...kStricter, ...kWaits, ...kLooser].filter((reason) => !used.has(reason)), [], "reasons that no case needed");
  } finally {
    await server.dispose();
    nginx.stop();
    upstream.close();
  }
}, 1_200_000);

finish();
