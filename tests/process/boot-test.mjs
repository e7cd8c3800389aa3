// Starting an application and answering its requests: what does not load stops the start by name, handlers
// perform IO of their own, every route of the blog answers and the log stays clean.
import { join } from "node:path";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { eventually, expect, finish, startServer, sx, temporaryFolder, test } from "./harness.mjs";

const folder = temporaryFolder();
/** An application in a file of its own. */
function application(name, text) {
  const path = join(folder, `${name}.sx`);
  writeFileSync(path, text);
  return path;
}
const kHead = (name, use = "dream/response dream/request dream/router") => `(module ${name} :use (${use}) :export (${name}/make-app))\n`;

await test("an application that does not load is named with its place, and nothing is served", () => {
  const broken = {
    unclosed: ["(module unclosed :export (unclosed/make-app)\n(define (f", /unclosed\.sx:\d/],
    unbound: [`${kHead("unbound")}(define (unbound/make-app settings) (no-such-function))`, /unbound\.sx:2:\d+: Unbound name: no-such-function/],
    missing: [kHead("missing", "no/such-module"), /no\/such-module/],
    "no-app": ["(module no-app :export ())\n", /does not export no-app\/make-app/],
    raising: [`${kHead("raising")}(define (raising/make-app settings) (error "cannot start today"))`, /cannot start today/],
  };
  for (const [name, [text, words]] of Object.entries(broken)) {
    const { status, stdout, stderr } = sx(["serve", application(name, text), "--port", "0", "--data", temporaryFolder()], { timeoutMs: 30_000 });
    expect.equal(status, 1, `${name}: ${stderr}`);
    expect.match(stderr, words, name);
    expect.doesNotMatch(stdout, /serving/, name);
  }
});

await test("what is no application is told in one sentence, and no data folder is made for it", () => {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  writeFileSync(join(folder, "junk.sxbc"), "hello\n");
  writeFileSync(join(folder, "none.sxbc"), "");
  const wrong = {
    [join(folder, "absent.sx")]: /^error: .*absent\.sx: cannot be read: No such file or directory\n$/,
    [join(folder, "missing.sxbc")]: /^error: .*missing\.sxbc: cannot be read: No such file or directory\n$/,
    [join(folder, "junk.sxbc")]: /^error: .*junk\.sxbc is not an SX bundle: it does not begin with "SXBC": rebuild it with `sx build`\n$/,
    [join(folder, "none.sxbc")]: /^error: .*none\.sxbc is not an SX bundle.*\n$/,
    [empty]: /^error: .*empty: there is no app\.sx in this folder; give the file or bundle to serve\n$/,
  };
  for (const [path, words] of Object.entries(wrong)) {
    const data = join(folder, "data");
    const { status, stderr } = sx(["serve", path, "--port", "0", "--data", data], { timeoutMs: 30_000 });
    expect.equal(status, 1, stderr);
    expect.match(stderr, words);
    expect.ok(!existsSync(data), path);
  }
});

await test("a module deep below that does not load is named, not the application that uses it alone", () => {
  application("deep-part", "(module deep-part :export (deep-part/x))\n(define (deep-part/x) (undefined-thing))\n");
  const path = application("deep", `(module deep :use (deep-part) :export (deep/make-app))\n(define (deep/make-app settings) (deep-part/x))`);
  const { status, stderr } = sx(["serve", path, "--port", "0", "--data", temporaryFolder()], { timeoutMs: 30_000 });
  expect.equal(status, 1);
  expect.match(stderr, /deep-part\.sx:2:\d+: Unbound name: undefined-thing/);
});

await test("an op that nobody services is an error that names it, at the start or in the request", async () => {
  const path = application("opless", `${kHead("opless")}(define (opless/make-app settings)
  (dream/router (list (dream/get "/" (fn (request) (dream/text (str (perform {:op (str "no/" "such-op") :args (list)}))))))))`);
  const server = await startServer({ args: [path] });
  try {
    expect.equal((await server.get("/")).status, 500);
    await eventually(() => server.stderr.includes("no/such-op"), "the log names the op");
    expect.equal((await server.get("/health")).status, 200);
  } finally {
    await server.dispose();
  }
  const literal = application("opless2", `${kHead("opless2")}(define (opless2/make-app settings)
  (dream/router (list (dream/get "/" (fn (request) (dream/text (str (perform {:op "no/such-op" :args (list)}))))))))`);
  const direct = await startServer({ args: [literal] }).then((started) => started, (error) => error.message);
  if (typeof direct === "string") expect.match(direct, /no\/such-op/);
  else {
    try {
      expect.equal((await direct.get("/")).status, 500);
      await eventually(() => direct.stderr.includes("no/such-op"), "the log names the op");
    } finally {
      await direct.dispose();
    }
  }
});

await test("a handler performs what it needs for each request: clock, store, chance, another server, itself", async () => {
  const path = application("busy", `${kHead("busy", "dream/response dream/request dream/router persist/durable persist/kv http/client")}
(define started (cell 0))
(define (busy/make-app settings)
  (cell/set! started (io/now-ms))
  (let ((backend (persist/durable-backend)))
    (dream/router
      (list (dream/get "/plain" (fn (request) (dream/text "plain")))
            (dream/get "/started" (fn (request) (dream/json (> (cell/get started) 0))))
            (dream/get "/count" (fn (request)
                                  (persist/kv-update backend "hits" (fn (n) (inc (or n 0))))
                                  (dream/json (persist/kv-get backend "hits"))))
            (dream/get "/through/:port"
                       (fn (request)
                         (let* ((url (str "http://localhost:" (dream/param request "port") "/plain"))
                                (answer (http-request url)))
                           (dream/json [(get answer :status) (get answer :body)
                                        (bytes/length (io/random-bytes 8))]))))
            (dream/get "/nowhere" (fn (request)
                                    (dream/text (guard (e (else (name (error-kind e))))
                                                  (get (http-request "http://127.0.0.1:1/") :body)))))
            (dream/get "/cookies" (fn (request)
                                    (-> (dream/text "set")
                                        (dream/with-cookie "a=1")
                                        (dream/with-cookie "b=2; Path=/, x"))))))))`);
  const server = await startServer({ args: [path] });
  try {
    expect.equal((await server.get("/started")).text, "true\n", "IO while the application is made");
    const through = await Promise.all(Array.from({ length: 20 }, () => server.visitor().get(`/through/${server.port}`)));
    for (const { text } of through) expect.deepEqual(JSON.parse(text), [200, "plain", 8]);
    const counts = await Promise.all(Array.from({ length: 50 }, () => server.visitor().get("/count")));
    expect.ok(counts.every(({ status }) => status === 200));
    expect.equal((await server.get("/count")).text, "51\n", "no update is lost among fibers and workers");
    expect.equal((await server.get("/nowhere")).text, "connect-error");
    expect.deepEqual((await server.get("/cookies")).headers["set-cookie"], ["a=1", "b=2; Path=/, x"]);
  } finally {
    await server.dispose();
  }
});

await test("every route of the blog answers, and a start and a visit leave no error in the log", async () => {
  const server = await startServer({ args: ["--demo"] });
  try {
    const author = server.visitor();
    await author.login();
    const known = { ":slug": "welcome", ":tag": "hello", "**": "site.css", ":cid": "0".repeat(64), ":id": "none" };
    const routes = JSON.parse(sx(["routes", "--json"]).stdout);
    expect.ok(routes.length >= 20);
    for (const [method, pattern] of routes) {
      const path = pattern.replace(/:\w+|\*\*/g, (part) => known[part] ?? "x");
      const answer = await author.request(path, { method, ...(method === "GET" ? {} : { body: "" }) });
      const expected = method === "GET" ? [200, 303, 308] : [200, 303, 400, 403, 404];
      // No blob, template or part has this name, and a build need not have a service worker.
      if (pattern.includes(":cid") || /^\/sx\/(templates|parts)\//.test(pattern) || pattern === "/sw.js") expected.push(404);
      expect.ok(expected.includes(answer.status), `${method} ${path}: ${answer.status}`);
      if (answer.status !== 204 && answer.bytes.length > 0) expect.ok(answer.headers["content-type"], `${path} has a type`);
    }
    for (const path of ["/health", "/ready", "/feed", "/rss.xml", "/sitemap.xml", "/robots.txt"]) expect.equal((await server.get(path)).status, 200, path);
    const told = server.stderr.split("\n").filter((line) => line !== "" && !line.startsWith('{"time"'));
    expect.deepEqual(told, [], "nothing but the access log");
  } finally {
    await server.dispose();
  }
});

await test("a program that reads SX gets pages as text/sx, compressed and revalidated like any", async () => {
  const server = await startServer();
  try {
    const page = await server.get("/welcome/", { Accept: "text/sx" });
    expect.equal(page.status, 200);
    expect.equal(page.headers["content-type"], "text/sx; charset=utf-8");
    expect.match(page.headers.vary, /Accept/);
    expect.match(page.text, /^\(sx 1 /);
    expect.equal((await server.get("/welcome/", { Accept: "text/sx", "If-None-Match": page.headers.etag })).status, 304);
    expect.match((await server.get("/welcome/")).headers["content-type"], /^text\/html/);
    expect.equal((await server.get("/none/", { Accept: "text/sx" })).status, 404);
  } finally {
    await server.dispose();
  }
});

finish();
