// http-request against real servers: plain and TLS, from the command line and inside a request handler.
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { join } from "node:path";
import { binary, eventually, expect, finish, sleep, startServer, temporaryFolder, test } from "./harness.mjs";

const folder = temporaryFolder();

/** @param {http.RequestListener} listener @returns {Promise<{url: string, port: number, connections: number, close: () => Promise<void>}>} */
function serve(listener, tls = null) {
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  const made = { connections: 0 };
  server.on(tls ? "secureConnection" : "connection", () => (made.connections += 1));
  return new Promise((done) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      done(Object.assign(made, {
        port,
        url: `${tls ? "https" : "http"}://${tls ? "localhost" : "127.0.0.1"}:${port}`,
        close: () => new Promise((closed) => { server.closeAllConnections(); server.close(() => closed(undefined)); }),
      }));
    }));
}

let scripts = 0;
/** Runs a script; the lines it printed. @param {string} source @param {Record<string, string>} [env] */
function run(source, env = {}) {
  const file = join(folder, `script${++scripts}.sx`);
  writeFileSync(file, `(use http/client)\n${source}\n`);
  return new Promise((done, fail) => {
    const child = spawn(binary, ["run", file], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let out = "", err = "";
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (err += text));
    child.on("close", (code) => (code === 0 ? done(out.trimEnd().split("\n")) : fail(new Error(`status ${code}: ${err}`))));
  });
}
const kindOf = (form) => `(print (guard (e (else (error-kind e))) (get ${form} :status)))`;

await test("an answer has status, headers, cookies, body and address; a request what it was given", async () => {
  let seen;
  const peer = await serve((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part)).on("end", () => {
      seen = { method: request.method, url: request.url, headers: request.headers, body };
      response.writeHead(201, [["X-A", "1"], ["X-A", "2"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["Content-Type", "text/plain"]]);
      response.end("grüße");
    });
  });
  try {
    const [line] = await run(`(print (write-string (dissoc (http-request {:url "${peer.url}/in?x=%20" :method "POST" :body "hello" :headers {"X-Mine" "yes" :accept "text/plain"}}) :url)))`);
    expect.match(line, /^\{:status 201 /);
    expect.match(line, /"x-a" "1, 2"/);
    expect.match(line, /:set-cookies \["a=1" "b=2"\]/);
    expect.match(line, /:body "grüße"/);
    expect.deepEqual([seen.method, seen.url, seen.body, seen.headers["x-mine"], seen.headers.accept, seen.headers["content-length"]],
      ["POST", "/in?x=%20", "hello", "yes", "text/plain", "5"]);
  } finally {
    await peer.close();
  }
});

await test("connections are used again, and one that the server closed meanwhile is replaced", async () => {
  const peer = await serve((request, response) => {
    if (request.url === "/last") response.setHeader("Connection", "close");
    response.end("ok");
  });
  try {
    await run(`(for-each (fn (n) (http-request "${peer.url}/")) (range 20))`);
    expect.equal(peer.connections, 1);
    await run(`(http-request "${peer.url}/last") (http-request "${peer.url}/")`);
    expect.equal(peer.connections, 3);
  } finally {
    await peer.close();
  }
});

await test("redirects are followed when asked for, and secrets stay with their server", async () => {
  /** @type {Record<string, http.IncomingHttpHeaders & {method?: string}>} */
  const seen = {};
  const other = await serve((request, response) => {
    seen.other = { ...request.headers, method: request.method };
    response.end("there");
  });
  const peer = await serve((request, response) => {
    seen[request.url ?? ""] = { ...request.headers, method: request.method };
    const to = { "/a": "/b", "/b": `${other.url}/c`, "/loop": "/loop", "/see": "/seen", "/file": "file:///etc/passwd" }[request.url ?? ""];
    if (to) response.writeHead(request.url === "/see" ? 303 : 307, { Location: to });
    response.end(to ? "" : "here");
  });
  try {
    const secret = `:headers {"Authorization" "Bearer s3cret" "Cookie" "id=1" "X-Kept" "1"}`;
    expect.deepEqual(await run(`(print (get (http-request {:url "${peer.url}/a" :redirects 5 ${secret}}) :url))`), [`${other.url}/c`]);
    expect.equal(seen["/b"].authorization, "Bearer s3cret");
    expect.deepEqual([seen.other.authorization, seen.other.cookie, seen.other["x-kept"]], [undefined, undefined, "1"]);
    expect.deepEqual(await run(`(print (get (http-request "${peer.url}/a") :status))`), ["307"]);
    expect.deepEqual(await run(`(print (get (http-request {:url "${peer.url}/see" :method "POST" :body "x" :redirects 1}) :body))`), ["here"]);
    expect.deepEqual([seen["/seen"].method, seen["/seen"]["content-length"]], ["GET", undefined]);
    expect.deepEqual(await run(kindOf(`(http-request {:url "${peer.url}/loop" :redirects 5})`)), [":redirect-error"]);
    expect.deepEqual(await run(kindOf(`(http-request {:url "${peer.url}/file" :redirects 5})`)), [":redirect-error"]);
  } finally {
    await peer.close();
    await other.close();
  }
});

await test("every failure has its kind", async () => {
  const peer = await serve((request, response) => {
    if (request.url === "/slow") return;
    if (request.url === "/big") return void response.end("x".repeat(5000));
    request.socket.destroy();
  });
  try {
    const cases = {
      ":timeout": `(http-request {:url "${peer.url}/slow" :timeout-ms 100})`,
      ":too-large": `(http-request {:url "${peer.url}/big" :max-bytes 4999})`,
      ":protocol-error": `(http-request "${peer.url}/cut")`,
      ":private-address": `(http-request {:url "${peer.url}/" :public-only true})`,
      ":connect-error": `(http-request "http://127.0.0.1:1/")`,
      ":dns-error": `(http-request "http://nowhere.invalid/")`,
      ":bad-url": `(http-request "not a url")`,
      ":bad-request": `(http-request {:url "${peer.url}/" :headers {"Host" "other"}})`,
      ":type-error": `(http-request {:url "${peer.url}/" :timeout "soon"})`,
    };
    const lines = await run(Object.values(cases).map(kindOf).join("\n"));
    expect.deepEqual(lines, Object.keys(cases));
  } finally {
    await peer.close();
  }
});

await test("TLS: a certificate that is not trusted, or of another name, is refused; a trusted one is taken", async () => {
  const make = (name) => execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-days", "2", "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`,
    "-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.pem`)], { stdio: "ignore" });
  const tls = (name) => ({ key: readFileSync(join(folder, `${name}.key`)), cert: readFileSync(join(folder, `${name}.pem`)) });
  make("localhost");
  make("other.example");
  const right = await serve((_request, response) => response.end("over tls"), tls("localhost"));
  const wrong = await serve((_request, response) => response.end("over tls"), tls("other.example"));
  try {
    const trust = (name) => ({ SSL_CERT_FILE: join(folder, `${name}.pem`) });
    expect.deepEqual(await run(`(print (get (http-request "${right.url}/") :body))`, trust("localhost")), ["over tls"]);
    expect.deepEqual(await run(kindOf(`(http-request "${right.url}/")`)), [":tls-error"]);
    expect.deepEqual(await run(kindOf(`(http-request "${wrong.url}/")`), trust("other.example")), [":tls-error"]);
    expect.deepEqual(await run(kindOf(`(http-request "https://127.0.0.1:${right.port}/")`), trust("localhost")), [":tls-error"]);
    const plain = await serve((_request, response) => response.end("no tls"));
    expect.deepEqual(await run(kindOf(`(http-request "https://localhost:${plain.port}/")`)), [":tls-error"]);
    await plain.close();
    const down = await serve((_request, response) => { response.writeHead(301, { Location: "http://127.0.0.1:1/" }); response.end(); }, tls("localhost"));
    expect.deepEqual(await run(kindOf(`(http-request {:url "${down.url}/" :redirects 3})`), trust("localhost")), [":redirect-error"]);
    await down.close();
  } finally {
    await right.close();
    await wrong.close();
  }
});

await test("a handler waits for another server without holding up its worker", async () => {
  let waiting = [];
  const peer = await serve((_request, response) => void waiting.push(response));
  const app = join(folder, "app.sx");
  writeFileSync(app, `(module app
  :use (dream/request dream/response dream/router dream/stream http/client)
  :export (app/make-app))
(define (app--mark) (perform {:op "persist/append" :args (list "marks" "mark" 1 nil)}))
(define (app/make-app settings)
  (dream/router
    (list (dream/get "/quick" (fn (request) (dream/text "quick")))
          (dream/get "/slow" (fn (request) (dream/text (get (http-request "${peer.url}/") :body))))
          (dream/any "/held" (fn (request)
            (protect (dream/text (get (http-request {:url "${peer.url}/held" :timeout-ms 60000}) :body)) (app--mark))))
          (dream/get "/held-stream" (fn (request)
            (dream/stream (fn (write)
              (write "begun\n")
              (protect (write (get (http-request {:url "${peer.url}/held" :timeout-ms 60000}) :body)) (app--mark))))))
          (dream/get "/marks" (fn (request) (dream/text (str (perform {:op "persist/last-seq" :args (list "marks")})))))
          (dream/get "/refused" (fn (request)
            (dream/text (guard (e (else (str "caught " (error-kind e)))) (get (http-request "http://127.0.0.1:1/") :body))))))))
`);
  const server = await startServer({ args: [app, "--workers", "1", "--store", "memory:", "--handler-timeout-ms", "2000"] });
  try {
    const slow = Array.from({ length: 20 }, () => server.get("/slow"));
    while (waiting.length < 20) await sleep(10);
    expect.equal((await server.get("/quick")).text, "quick");
    waiting.forEach((response, n) => response.end(`answer ${n}`));
    const texts = (await Promise.all(slow)).map((answer) => answer.text);
    expect.deepEqual(texts.toSorted(), Array.from({ length: 20 }, (_, n) => `answer ${n}`).toSorted());
    expect.equal((await server.get("/refused")).text, "caught :connect-error");
    // A handler that is given up takes its request to the other server along: the peer sees the
    // connection close, long before the minute that the request was given.
    const givenUp = async (path, method, leave) => {
      waiting = [];
      const before = Number((await server.get("/marks")).text);
      const client = http.request({ host: "127.0.0.1", port: server.port, path, method, agent: false, headers: { Host: `localhost:${server.port}` } });
      const answer = new Promise((done) => {
        client.on("response", (response) => response.resume().on("error", () => {}).on("close", () => done(response.statusCode)));
        client.on("error", () => done("gone"));
      });
      client.end();
      while (waiting.length < 1) await sleep(10);
      const held = waiting[0].socket;
      const closed = new Promise((done) => held.on("close", () => done(true)));
      const began = Date.now();
      if (leave) client.destroy();
      expect.ok(await Promise.race([closed, sleep(10_000)]), `${path}: the connection is closed`);
      expect.ok(Date.now() - began < 6000, `${path}: closed after ${Date.now() - began} ms`);
      await eventually(async () => Number((await server.get("/marks")).text) === before + 1, `${path}: its cleanup has run`);
      return leave ? undefined : answer;
    };
    await givenUp("/held", "GET", true);
    await givenUp("/held-stream", "GET", true);
    expect.equal(await givenUp("/held", "POST", false), 503);
    // A request to another server is under way when the server stops.
    waiting = [];
    const cut = server.get("/slow").catch(() => null);
    while (waiting.length < 1) await sleep(10);
    const stopping = server.stop();
    await sleep(100);
    waiting[0].end("late, but in time");
    expect.equal((await cut)?.text, "late, but in time");
    expect.equal((await stopping).code, 0);
  } finally {
    await server.dispose();
    await peer.close();
  }
});

finish();
