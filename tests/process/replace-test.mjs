// One server process in the place of another while requests come: sx serve --replace, and SIGHUP.
import http from "node:http";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, expect, finish, root, Server, sleep, startServer, sx, temporaryFolder, test } from "./harness.mjs";
import { Postgres } from "./postgres.mjs";

const app = join(root, "tests/process/http-app.sx");
const args = [app, "--access-log", "none", "--workers", "2"];

/** The successor of a running server: the same port, the same data. @param {Server} before @param {string[]} [more] */
async function replace(before, more = []) {
  const next = new Server({ args: [...args, "--replace", ...more], data: before.data, port: before.port });
  await next.start();
  await eventually(() => next.stdout.includes("sx: serving"), "the successor serves");
  const end = await before.exited;
  expect.equal(end.code, 0, before.stderr);
  return next;
}

/** Requests without a pause until stop(): readers and writers on kept connections, and visitors that
 *  come anew each time. Every one must be answered as it should be. @param {Server} server */
function load(server) {
  const state = { stopped: false, answered: 0, acknowledged: 0, longest: 0, failures: /** @type {string[]} */ ([]) };
  const ask = (agent, method, path) =>
    new Promise((done) => {
      const begin = Date.now();
      const request = http.request({ host: "127.0.0.1", port: server.port, method, path, agent,
        headers: { Host: `localhost:${server.port}`, ...(method === "POST" ? { "Content-Length": 0 } : {}) } }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part) => (text += part));
        response.on("error", (error) => done({ error: `${method} ${path}: ${error.message}` }));
        response.on("end", () => {
          state.longest = Math.max(state.longest, Date.now() - begin);
          done({ status: response.statusCode, text });
        });
      });
      request.on("error", (error) => done({ error: `${method} ${path}: ${error.message}` }));
      request.end();
    });
  const run = async (agent, method, path, good) => {
    while (!state.stopped) {
      const answer = await ask(agent, method, path);
      if (answer.error || answer.status !== 200 || answer.text !== good) state.failures.push(answer.error ?? `${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
      else if (method === "POST") state.acknowledged++;
      state.answered++;
    }
    agent?.destroy();
  };
  const lines = Array.from({ length: 50 }, (_, n) => `line ${n}\n`).join("");
  const running = [];
  for (let n = 0; n < 8; n++) running.push(run(new http.Agent({ keepAlive: true, maxSockets: 1 }), "GET", "/count/50", lines));
  for (let n = 0; n < 4; n++) running.push(run(new http.Agent({ keepAlive: true, maxSockets: 1 }), "POST", "/append/2", "done\n"));
  for (let n = 0; n < 4; n++) running.push(run(new http.Agent({ keepAlive: false, maxSockets: 1 }), "GET", "/echo", "GET "));
  return { state, stop: async () => { state.stopped = true; await Promise.all(running); return state; } };
}

await test("servers are replaced under load without a failed request or a lost write", async () => {
  let server = await startServer({ args });
  const first = server;
  try {
    const work = load(server);
    // A connection that is kept and says nothing meanwhile is as good afterwards.
    const quiet = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ping = () => new Promise((done, fail) => http.get({ host: "127.0.0.1", port: first.port, path: "/health", agent: quiet,
      headers: { Host: "localhost" } }, (response) => { const { localPort } = response.socket; response.resume(); response.on("end", () => done(localPort)); }).on("error", fail));
    const before = await ping();
    for (let n = 0; n < 3; n++) {
      await sleep(400);
      server = await replace(server);
    }
    expect.equal(await ping(), before, "the very same connection");
    await sleep(300);
    const { failures, acknowledged, answered, longest } = await work.stop();
    quiet.destroy();
    expect.deepEqual(failures.slice(0, 5), []);
    expect.ok(answered > 200, `${answered} requests`);
    console.log(`# ${answered} requests, ${acknowledged} writes, the longest took ${longest} ms`);
    // Two events for each acknowledged write, all of them there, and the log is whole.
    await server.stop();
    const verified = sx(["store", "verify", "--data", server.data, "--json"]);
    expect.equal(verified.status, 0, verified.stderr);
    expect.equal(JSON.parse(verified.stdout).events, 2 * acknowledged);
  } finally {
    await server.dispose();
    await first.dispose();
  }
}, 180_000);

await test("a stream in flight ends in the old process, events go on in the new one", async () => {
  const server = await startServer({ args });
  let next;
  try {
    await server.request("/append/6", { method: "POST" });
    const events = (headers = {}) => new Promise((done, fail) => {
      const request = http.get({ host: "127.0.0.1", port: server.port, path: "/events", agent: false, headers: { Host: "localhost", ...headers } }, (response) => {
        const stream = { request, text: "", ended: false };
        response.setEncoding("utf8").on("data", (part) => (stream.text += part)).on("end", () => (stream.ended = true)).on("error", fail);
        done(stream);
      }).on("error", fail);
    });
    const reader = await events();
    await eventually(() => reader.text.includes("data: 5"), "three events");
    next = await replace(server);
    await eventually(() => reader.ended, "the stream ended properly");
    await next.request("/append/8", { method: "POST" });
    const again = await events({ "Last-Event-ID": "6" });
    await eventually(() => again.text.includes("data: 7"), "what came since");
    expect.ok(!again.text.includes("id: 6\n"));
    again.request.destroy();
  } finally {
    await next?.dispose();
    await server.dispose();
  }
});

await test("SIGHUP replaces a server by itself", async () => {
  const server = await startServer({ args });
  try {
    const work = load(server);
    await sleep(200);
    const ended = new Promise((done) => server.child.once("exit", (code) => done(code)));
    server.child.kill("SIGHUP");
    expect.equal(await ended, 0, server.stderr);
    await sleep(300);
    const { failures } = await work.stop();
    expect.deepEqual(failures.slice(0, 5), []);
    expect.equal((await server.get("/health")).status, 200);
    const [, successor] = server.stdout.match(/sx: serving [^]*sx: serving [^]*\(process (\d+)\)/) ?? [];
    expect.ok(successor, server.stdout);
    process.kill(Number(successor), "SIGTERM");
    await server.exited;
  } finally {
    await server.dispose();
  }
}, 60_000);

/** An application that says which version it is, as a bundle at `path`. */
function buildVersion(path, version) {
  const source = join(temporaryFolder(), "versioned.sx");
  writeFileSync(source, `(module versioned :use (dream/request dream/response dream/router) :export (versioned/make-app))
(define (versioned/make-app settings)
  (dream/router
    (list (dream/get "/version" (fn (request) (dream/text "${version}")))
          (dream/post "/add" (fn (request)
            (perform {:op "persist/append" :args (list "added" :n 0 ${version})})
            (dream/text "${version}")))
          (dream/get "/added" (fn (request) (dream/text (str (perform {:op "persist/last-seq" :args (list "added")}))))))))
`);
  const built = sx(["build", "-o", `${path}.new`, source]);
  expect.equal(built.status, 0, built.stderr);
  renameSync(`${path}.new`, path);
}

for (const [kind, store] of [["SQLite", () => []], ["PostgreSQL", () => ["--store", new Postgres().freshUrl()]]]) {
  await test(`another version of a bundle takes the place of the one before, under load, on ${kind}`, async () => {
    const bundle = join(temporaryFolder(), "versioned.sxbc");
    buildVersion(bundle, 1);
    const where = [bundle, "--access-log", "none", "--workers", "2", ...store()];
    const server = await startServer({ args: where });
    let successor;
    try {
      let stopped = false, added = 0;
      const failures = [];
      const visit = async (method, path) => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        let newest = "1";
        while (!stopped) {
          const answer = await new Promise((done) => {
            const request = http.request({ host: "127.0.0.1", port: server.port, method, path, agent,
              headers: { Host: `localhost:${server.port}`, ...(method === "POST" ? { "Content-Length": 0 } : {}) } }, (response) => {
              let text = "";
              response.setEncoding("utf8").on("data", (part) => (text += part)).on("error", (error) => done(error.message)).on("end", () => done(`${response.statusCode} ${text}`));
            }).on("error", (error) => done(error.message));
            request.end();
          });
          if (answer !== "200 1" && answer !== "200 2") failures.push(`${method} ${path}: ${answer}`);
          else if (answer.slice(4) < newest) failures.push("a connection went back to the version before");
          else newest = answer.slice(4);
          if (method === "POST" && answer.startsWith("200")) added++;
        }
        agent.destroy();
        return newest;
      };
      const visitors = [...Array.from({ length: 6 }, () => visit("GET", "/version")), ...Array.from({ length: 3 }, () => visit("POST", "/add"))];
      await sleep(300);
      buildVersion(bundle, 2);
      const ended = new Promise((done) => server.child.once("exit", (code) => done(code)));
      server.child.kill("SIGHUP");
      expect.equal(await ended, 0, server.stderr);
      await sleep(300);
      stopped = true;
      const newest = await Promise.all(visitors);
      expect.deepEqual(failures.slice(0, 5), []);
      expect.deepEqual(newest, newest.map(() => "2"));
      expect.equal((await server.get("/version")).text, "2");
      expect.ok(added > 20, `${added} writes`);
      expect.equal(Number((await server.get("/added")).text), added, "each acknowledged write, once");
      [, successor] = server.stdout.match(/sx: serving [^]*sx: serving [^]*\(process (\d+)\)/) ?? [];
      expect.ok(successor, server.stdout);
    } finally {
      if (successor) process.kill(Number(successor), "SIGTERM");
      await server.dispose();
    }
  }, 60_000);
}

await test("a successor that cannot load its application changes nothing", async () => {
  const server = await startServer({ args });
  try {
    const broken = join(temporaryFolder(), "broken.sx");
    writeFileSync(broken, "(module broken :export (broken/make-app))\n(define (broken/make-app s) (unknown-name))\n");
    const tried = sx(["serve", broken, "--port", String(server.port), "--data", server.data, "--replace"]);
    expect.notEqual(tried.status, 0);
    expect.match(tried.stderr, /unknown-name/);
    expect.equal((await server.get("/echo")).text, "GET ");
    expect.equal((await server.request("/append/1", { method: "POST" })).text, "done\n");
  } finally {
    await server.dispose();
  }
});

await test("a successor that fails after it has the store gives the place back", async () => {
  const server = await startServer({ args });
  try {
    const broken = join(temporaryFolder(), "late.sx");
    writeFileSync(broken, '(module late :export (late/make-app))\n(define (late/make-app settings) (error :late "not today"))\n');
    const tried = sx(["serve", broken, "--port", String(server.port), "--data", server.data, "--replace", "--workers", "2"]);
    expect.notEqual(tried.status, 0);
    expect.match(tried.stderr, /not today/);
    await eventually(() => server.get("/echo").then((answer) => answer.text === "GET ", () => false), "the old one serves again");
    expect.equal((await server.request("/append/1", { method: "POST" })).text, "done\n");
    expect.equal(server.exit, undefined, "in the same process");
  } finally {
    await server.dispose();
  }
});

await test("--replace without a predecessor just starts; a store in memory is not handed over", async () => {
  const server = await startServer({ args: [...args, "--replace"] });
  try {
    expect.equal((await server.get("/echo")).status, 200);
    const tried = sx(["serve", app, "--data", server.data, "--store", "memory:", "--replace"]);
    expect.notEqual(tried.status, 0);
    expect.match(tried.stderr, /memory/);
    expect.equal((await server.get("/echo")).status, 200);
  } finally {
    await server.dispose();
  }
});

finish();
