// The blog as a visitor and an author meet it: one real server process, its addresses, guards and forms,
// and what is left after kill -9.
import { admin, csrfToken, eventually, expect, finish, sleep, startServer, temporaryFolder, test } from "./harness.mjs";

const kToken = "token-of-the-process-tests-0123456789";
const env = { SX_API_TOKEN: kToken };
const bearer = { Authorization: `Bearer ${kToken}` };

/** Publishes a post over the JSON interface and returns its path. */
async function publish(visitor, fields) {
  const answer = await visitor.request("/new", {
    method: "POST", body: JSON.stringify({ published: true, ...fields }),
    headers: { ...bearer, "Content-Type": "application/json", Accept: "application/json" },
  });
  if (answer.status !== 201) throw new Error(`POST /new ${JSON.stringify(fields).slice(0, 80)}: ${answer.status} ${answer.text.slice(0, 300)}`);
  return new URL(answer.headers.location, "http://localhost").pathname;
}

let server;
try {
  server = await startServer({ env });

  await test("health, index and the seeded post answer", async () => {
    for (const path of ["/health", "/", "/welcome/"]) expect.equal((await server.get(path)).status, 200, path);
  });

  await test("each kind of page says what it is", async () => {
    const types = {
      "/": /^text\/html; ?charset=utf-8$/i, "/archive": /^text\/html/, "/tags": /^text\/html/,
      "/feed": /^application\/(feed\+)?json/, "/rss.xml": /^application\/(rss\+)?xml/, "/sitemap.xml": /xml/,
    };
    for (const [path, type] of Object.entries(types)) {
      const answer = await server.get(path);
      expect.equal(answer.status, 200, path);
      expect.match(answer.headers["content-type"] ?? "", type, path);
    }
    JSON.parse((await server.get("/feed")).text);
  });

  await test("pages of other sites may read the files of the engine and nothing else", async () => {
    const stranger = { Origin: "https://elsewhere.example" };
    const asked = [["GET", "/"], ["GET", "/welcome/"], ["GET", "/login"], ["GET", "/feed"], ["GET", "/none"], ["GET", "/health"], ["GET", "/sw.js"],
      ["OPTIONS", "/login"], ["OPTIONS", "/static/boot.js"]];
    for (const [method, path] of asked) {
      const { headers } = await server.request(path, { method, headers: { ...stranger, "Access-Control-Request-Method": "POST" } });
      if (method === "GET") expect.equal(headers["access-control-allow-origin"], undefined, path);
      for (const name of ["credentials", "methods", "headers"]) expect.equal(headers[`access-control-allow-${name}`], undefined, `${method} ${path}`);
    }
    // Twice: the second answer comes without the application.
    for (const path of ["/static/boot.js", "/static/boot.js", "/static/site.css"]) {
      const { status, headers } = await server.request(path, { headers: stranger });
      expect.equal(status, 200, path);
      expect.equal(headers["access-control-allow-origin"], "*", path);
      expect.equal(headers["cross-origin-resource-policy"], "cross-origin", path);
      expect.equal(headers["access-control-allow-credentials"], undefined, path);
    }
  });

  await test("a post without its last slash is told where it lives", async () => {
    const answer = await server.get("/welcome");
    expect.equal(answer.status, 308);
    expect.equal(new URL(answer.headers.location, server.url).pathname, "/welcome/");
  });

  await test("what is not there is 404 and says so in a page", async () => {
    const answer = await server.get("/no-such-post/");
    expect.equal(answer.status, 404);
    expect.match(answer.headers["content-type"], /^text\/html/);
    expect.equal((await server.get("/tags/no-such-tag-anywhere/")).status, 404);
    expect.equal((await server.get("/blob/0000")).status, 404);
  });

  await test("the policy forbids foreign and inline scripts, and answers vary by what was asked", async () => {
    const { headers } = await server.get("/welcome/");
    const policy = headers["content-security-policy"] ?? "";
    expect.match(policy, /default-src 'none'/);
    expect.match(policy, /script-src 'self' 'wasm-unsafe-eval'/);
    expect.match(policy, /require-trusted-types-for 'script'/);
    expect.doesNotMatch(policy, /script-src[^;]*'unsafe-inline'/);
    for (const name of ["SX-Request", "Accept", "Accept-Encoding"]) {
      expect.ok((headers.vary ?? "").toLowerCase().split(/,\s*/).includes(name.toLowerCase()), `Vary lacks ${name}: ${headers.vary}`);
    }
  });

  await test("a fragment request gets the fragment, with its title first", async () => {
    const { text, status } = await server.get("/welcome/", { "SX-Request": "true" });
    expect.equal(status, 200);
    expect.match(text.trimStart(), /^<title>/);
    expect.doesNotMatch(text, /<html\b/i);
  });

  await test("writes without a session are refused with 401", async () => {
    const stranger = server.visitor();
    for (const path of ["/new", "/welcome/edit", "/welcome/delete"]) {
      const answer = await stranger.post(path, { title: "x", body: "x" });
      expect.equal(answer.status, 401, `POST ${path}`);
    }
    stranger.cookies.set("sx_session", "forged");
    expect.equal((await stranger.post("/new", { title: "x", body: "x" })).status, 401);
    const page = await stranger.get("/new", { Accept: "text/html" });
    expect.equal(page.status, 303);
    expect.match(page.headers.location, /^\/login\?next=/);
  });

  await test("a wrong password does not log in", async () => {
    const stranger = server.visitor();
    const shown = await stranger.get("/login");
    const answer = await stranger.post("/login", { user: admin.name, username: admin.name, name: admin.name, password: "wrong", _csrf: csrfToken(shown.text) });
    expect.notEqual(answer.status, 303);
    expect.equal((await stranger.post("/new", { title: "x", body: "x" })).status, 401);
  });

  await test("login, write, publish, read, edit, delete, logout", async () => {
    const author = server.visitor();
    await author.login();
    const made = await author.submit("/new", { title: "A day's work", slug: "", body: "It *began* early.", tags: "work, day", published: "true" });
    expect.equal(made.status, 303);
    const path = new URL(made.headers.location, server.url).pathname;
    const reader = server.visitor();
    const shown = await reader.get(path);
    expect.equal(shown.status, 200);
    expect.match(shown.text, /<em>began<\/em>/);
    expect.match((await reader.get("/")).text, /A day(&#39;|&#x27;|&apos;|'|’)s work/);
    expect.equal((await reader.get("/tags/work/")).status, 200);

    const edited = await author.submit(`${path}edit`, { title: "A day's work", slug: "", body: "It **ended** late.", tags: "work", published: "true" });
    expect.equal(edited.status, 303);
    expect.match((await reader.get(path)).text, /<strong>ended<\/strong>/);

    const page = await author.get(`${path}edit`);
    const deleted = await author.post(`${path}delete`, { _csrf: csrfToken(page.text) });
    expect.equal(deleted.status, 303);
    expect.ok([404, 410].includes((await reader.get(path)).status), "the deleted post is gone");

    const before = author.cookies.header;
    const out = await author.submit(`/welcome/edit`, {}, "/logout");
    expect.equal(out.status, 303);
    author.cookies.take(before.split("; "));
    expect.equal((await author.post("/new", { title: "x", body: "x" })).status, 401, "the old cookie is worth nothing");
  });

  await test("a form without its token, or from another site, is refused with 403 and writes nothing", async () => {
    const author = server.visitor();
    await author.login();
    const shown = await author.get("/new");
    const fields = { title: "Forged post", body: "x", published: "true" };
    expect.equal((await author.post("/new", fields)).status, 403);
    expect.equal((await author.post("/new", { ...fields, _csrf: "0".repeat(40) })).status, 403);
    const whole = { ...fields, _csrf: csrfToken(shown.text) };
    expect.equal((await author.post("/new", whole, { Origin: "https://evil.example" })).status, 403);
    expect.equal((await author.post("/new", whole, { "Sec-Fetch-Site": "cross-site" })).status, 403);
    expect.equal((await server.get("/forged-post/")).status, 404);
  });

  await test("a JSON post with a Bearer token answers 201 and Location; a wrong token 401", async () => {
    const path = await publish(server.visitor(), { title: "From a script", body: "Hello.", tags: "script" });
    expect.equal(path, "/from-a-script/");
    expect.equal((await server.get(path)).status, 200);
    const refused = await server.visitor().request("/new", {
      method: "POST", body: "{}", headers: { Authorization: "Bearer wrong", "Content-Type": "application/json", Accept: "application/json" },
    });
    expect.equal(refused.status, 401);
  });

  await test("malformed input is refused with a reason and the server goes on", async () => {
    const visitor = server.visitor();
    for (const body of ["{", "[]", '{"title": 5}', '{"title": ""}', '{"body": "no title"}', "\xff\xfe"]) {
      const answer = await visitor.request("/new", { method: "POST", body, headers: { ...bearer, "Content-Type": "application/json", Accept: "application/json" } });
      expect.ok(answer.status >= 400 && answer.status < 500, `${body}: ${answer.status}`);
      expect.ok(answer.text.length > 0, `${body}: no reason given`);
    }
    expect.equal((await server.get("/health")).status, 200);
  });

  await test("titles that own a route or are taken get -2, other scripts keep their letters", async () => {
    const visitor = server.visitor();
    for (const [title, path] of [
      ["Login", "/login-2/"], ["sw.js", null], ["Metrics", "/metrics-2/"], ["Twice", "/twice/"], ["Twice", "/twice-2/"],
      ["观测日志", "/观测日志/"], ["ورشة", "/ورشة/"], ["Ärger im Büro", null],
    ]) {
      const found = await publish(visitor, { title, body: "text" });
      if (path) expect.equal(decodeURIComponent(found), path, title);
      expect.equal((await server.get(found)).status, 200, `${title} at ${found}`);
    }
  });

  await test("drafts are not public", async () => {
    const path = await publish(server.visitor(), { title: "Still thinking", body: "hm", published: false });
    expect.equal((await server.visitor().get(path)).status, 404);
    expect.doesNotMatch((await server.get("/sitemap.xml")).text, /still-thinking/);
    expect.notEqual((await server.visitor().get("/drafts")).status, 200);
  });

  await test("the index has pages", async () => {
    const visitor = server.visitor();
    for (let n = 0; n < 25; n++) await publish(visitor, { title: `Numbered ${n}`, body: "text" });
    const first = (await server.get("/")).text;
    const second = (await server.get("/?page=2")).text;
    expect.match(first, /[?&]page=2/);
    expect.notEqual(first, second);
    expect.ok([404, 200].includes((await server.get("/?page=9999")).status));
    expect.ok((await server.get("/?page=-1")).status < 500 && (await server.get("/?page=x")).status < 500);
  });

  await test("requests that are not HTTP, or too much of it, do not stop the others", async () => {
    const raw = ["\x00\x01\x02\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(200_000)}\r\n\r\n`,
      "POST /new HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /new HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"];
    for (const bytes of raw) {
      const { text } = await server.raw(bytes, { silenceMs: 800 });
      expect.ok(text === "" || /^HTTP\/1\.[01] 4\d\d /.test(text), `${JSON.stringify(bytes.slice(0, 40))}: ${text.slice(0, 60)}`);
      expect.equal((await server.get("/health")).status, 200);
    }
    const pipelined = await server.raw("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect.equal(pipelined.text.match(/HTTP\/1\.1 200/g)?.length, 2);
  });

  await test("a foreign Host is refused with 421", async () => {
    expect.equal((await server.get("/", { Host: "evil.example" })).status, 421);
  });

  await test("SIGTERM ends it in order, status 0, and the posts are there after a restart", async () => {
    expect.equal((await server.stop()).code, 0);
    await server.restart();
    expect.equal((await server.get("/from-a-script/")).status, 200);
  });
} catch (error) {
  await test("the server starts", () => { throw error; });
} finally {
  await server?.dispose();
}

await test("kill -9 while posts are written loses no post that was acknowledged, five times over", async () => {
  const data = temporaryFolder();
  const written = [];
  let number = 0;
  for (let round = 0; round < 5; round++) {
    const victim = await startServer({ data, env });
    try {
      for (const path of written) expect.equal((await victim.get(path)).status, 200, `${path} after ${round} kills`);
      let killed = false;
      const writers = Array.from({ length: 4 }, async () => {
        while (!killed) {
          try {
            written.push(await publish(victim.visitor(), { title: `Written ${number++}`, body: "acknowledged" }));
          } catch (error) {
            if (!killed) throw error;
          }
        }
      });
      await sleep(300 + 150 * round);
      killed = true;
      await victim.kill9();
      await Promise.all(writers);
    } finally {
      await victim.dispose();
    }
  }
  const last = await startServer({ data, env });
  try {
    for (const path of written) expect.equal((await last.get(path)).status, 200, path);
    expect.ok(written.length > 20, `only ${written.length} posts were acknowledged`);
  } finally {
    await last.dispose();
  }
});

await test("without SX_ADMIN_PASSWORD the first start prints a password once, with the address of the login", async () => {
  const data = temporaryFolder();
  const first = await startServer({ data, env: { SX_ADMIN_PASSWORD: "", SX_ADMIN_USER: "" } });
  try {
    const output = () => first.stdout + first.stderr;
    await eventually(() => /\/login/.test(output()), "the login address is printed");
    const password = output().match(/password[^\n]*?[:\s]\s*(\S{10,})\s*$/im)?.[1];
    expect.ok(password, output());
    await first.visitor().login("admin", password);
    await first.restart();
    expect.equal(output().split(password).length - 1, 1, "printed again at the second start");
  } finally {
    await first.dispose();
  }
});

finish();
