// Sessions, tokens, users and forged forms against real server processes over real HTTP: who is asking,
// may they, did they mean it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { admin, csrfToken, expect, finish, sleep, startServer, sx, temporaryFolder, test } from "./harness.mjs";

const kToken = "token-of-the-auth-tests-0123456789abcdef";
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const json = { "Content-Type": "application/json", Accept: "application/json" };
const post = { title: "A title", body: "Some words.", published: "true" };

/** The Set-Cookie line of a cookie. @param {{headers: import("node:http").IncomingHttpHeaders}} answer */
const setCookie = (answer, name) => (answer.headers["set-cookie"] ?? []).find((line) => line.startsWith(`${name}=`));
const value = (line) => line.split(";")[0].slice(line.indexOf("=") + 1);

/** A request with exactly this session cookie. */
const withSession = (server, cookie, path = "/drafts", options = {}) =>
  server.visitor().request(path, { ...options, headers: { Cookie: `sx_session=${cookie}`, ...options.headers } });

/** The session cookie of a fresh login. */
async function sessionOf(server, name = admin.name, password = admin.password) {
  const answer = await server.visitor().login(name, password);
  return value(setCookie(answer, "sx_session"));
}

/** A JSON write with a Bearer token. */
const write = (server, token, title) =>
  server.visitor().request("/new", { method: "POST", headers: { ...json, ...bearer(token) }, body: JSON.stringify({ title, body: "Some words.", published: true }) });

/** An sx command on the data of a server. */
const command = (server, args, options = {}) => sx([...args, "--data", server.data], options);

/** The value of a hidden input. */
function hidden(html, name) {
  const found = html.match(new RegExp(`<input[^>]*name="${name}"[^>]*value="([^"]*)"`));
  if (!found) throw new Error(`no input ${name}`);
  return found[1].replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** All bytes of the files below a folder. */
function everythingBelow(folder) {
  return Buffer.concat(readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name)))).toString("latin1");
}

let server;
try {
  server = await startServer({ env: { SX_API_TOKEN: kToken } });

  // ---- login --------------------------------------------------------------------------------------

  await test("GET /login shows a form that nobody keeps, with a random cookie behind its token", async () => {
    const answer = await server.visitor().get("/login");
    expect.equal(answer.status, 200);
    expect.match(answer.text, /<form[^>]*action="\/login"/);
    expect.match(answer.text, /type="password"[^>]*autocomplete="current-password"/);
    expect.equal(answer.headers["cache-control"], "no-store");
    expect.match(setCookie(answer, "sx_login"), /HttpOnly; SameSite=Lax/);
    expect.notEqual(csrfToken(answer.text), csrfToken((await server.visitor().get("/login")).text));
  });

  await test("right credentials answer 303 with a session cookie that scripts and other sites do not get", async () => {
    const answer = await server.visitor().login();
    expect.equal(answer.status, 303);
    const line = setCookie(answer, "sx_session");
    expect.match(line, /^sx_session=[\w-]{43}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
    expect.match(setCookie(answer, "sx_login"), /Max-Age=0/);
    expect.equal(answer.headers["cache-control"], "no-store");
  });

  await test("over https the cookie is Secure with the __Host- prefix, and one without it is nothing", async () => {
    const secure = await startServer({ env: { SX_BASE_URL: "https://blog.example", SX_TRUSTED_PROXIES: "127.0.0.1" } });
    try {
      const visitor = secure.visitor();
      const shown = await visitor.get("/login");
      const answer = await visitor.post("/login", { username: admin.name, password: admin.password, _csrf: csrfToken(shown.text) },
        { Origin: "https://blog.example" });
      expect.equal(answer.status, 303);
      const line = setCookie(answer, "__Host-sx_session");
      expect.match(line, /; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=/);
      expect.doesNotMatch(line, /Domain/i);
      expect.equal((await secure.visitor().get("/drafts", { Cookie: `sx_session=${value(line)}` })).status, 303);
      expect.equal((await secure.visitor().get("/drafts", { Cookie: `__Host-sx_session=${value(line)}` })).status, 200);
      expect.equal(answer.headers["strict-transport-security"], "max-age=31536000");
    } finally {
      await secure.dispose();
    }
  });

  await test("a wrong password and an unknown name get the same answer, 401, and no session", async () => {
    const tried = [];
    for (const name of [admin.name, "nobody-of-that-name"]) {
      const visitor = server.visitor();
      const answer = await visitor.submit("/login", { username: name, password: "not the password" });
      expect.equal(answer.status, 401);
      expect.equal(setCookie(answer, "sx_session"), undefined);
      tried.push(answer.text.replaceAll(name, "NAME").replace(/value="[\w.-]{30,}"/g, ""));
    }
    expect.equal(tried[0], tried[1]);
  });

  await test("an unknown name takes as long as a known one", async () => {
    const times = { [admin.name]: [], "unknown-name": [] };
    for (let n = 0; n < 3; n++) {
      for (const name of Object.keys(times)) {
        const visitor = server.visitor();
        const shown = await visitor.get("/login");
        const began = performance.now();
        await visitor.post("/login", { username: name, password: `wrong ${n}`, _csrf: csrfToken(shown.text) });
        times[name].push(performance.now() - began);
      }
      await server.visitor().login();  // forgets the failures of the known name
    }
    const [known, unknown] = Object.values(times).map((list) => Math.min(...list));
    expect.ok(unknown > known / 3 && unknown < known * 3, `known ${known} ms, unknown ${unknown} ms`);
  });

  await test("after the login one is where one wanted to go, never elsewhere", async () => {
    for (const [next, place] of [["/drafts", "/drafts"], ["/new?x=1", "/new?x=1"], ["https://evil.example/", "/"],
      ["//evil.example", "/"], ["/\\evil.example", "/"], ["javascript:alert(1)", "/"], ["/a\nb", "/"], ["", "/"]]) {
      const visitor = server.visitor();
      const shown = await visitor.get("/login");
      const answer = await visitor.post("/login", { username: admin.name, password: admin.password, next, _csrf: csrfToken(shown.text) });
      expect.equal(answer.status, 303, next);
      expect.equal(answer.headers.location, place, JSON.stringify(next));
    }
  });

  await test("every login has a session of its own, and what was there before ends", async () => {
    const visitor = server.visitor();
    const first = value(setCookie(await visitor.login(), "sx_session"));
    const second = value(setCookie(await visitor.login(), "sx_session"));
    expect.notEqual(first, second);
    expect.equal((await withSession(server, first)).status, 303);
    expect.equal((await withSession(server, second)).status, 200);
  });

  await test("a session that somebody planted is not taken over", async () => {
    const visitor = server.visitor();
    visitor.cookies.set("sx_session", "planted-by-an-attacker.0123456789012345678901234567890123456789012");
    const answer = await visitor.login();
    expect.notEqual(value(setCookie(answer, "sx_session")).split(".")[0], "planted-by-an-attacker");
  });

  // ---- session cookies ----------------------------------------------------------------------------

  await test("a cookie that was forged, cut, lengthened or signed for something else opens nothing", async () => {
    const good = await sessionOf(server);
    const [id, mac] = good.split(".");
    expect.equal((await withSession(server, good)).status, 200);
    const formToken = csrfToken((await withSession(server, good, "/new")).text);
    const flipped = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    const forged = ["", ".", "..", id, `${id}.`, `.${mac}`, `${id}.${mac}x`, `${id}.${mac.slice(0, -1)}`, `${id}x.${mac}`,
      `${mac}.${id}`, `${id}.${"A".repeat(43)}`, flipped(good, 0), flipped(good, 20), flipped(good, 50), flipped(good, good.length - 2),
      `${id}.${mac}=`, `${id}.${mac}.${mac}`, formToken, `${id}.${formToken.split(".")[1]}`, "null", "{}", "admin", "%00",
      "a".repeat(4000), `${id} .${mac}`];
    for (const cookie of forged) {
      expect.equal((await withSession(server, cookie)).status, 303, `opened by ${cookie}`);
      expect.equal((await withSession(server, cookie, "/new", { method: "POST" })).status, 401, `written with ${cookie}`);
    }
  });

  await test("of two session cookies the first counts", async () => {
    const good = await sessionOf(server);
    const ask = (cookie) => server.visitor().get("/drafts", { Cookie: cookie });
    expect.equal((await ask(`sx_session=${good}; sx_session=x.y`)).status, 200);
    expect.equal((await ask(`sx_session=x.y; sx_session=${good}`)).status, 303);
  });

  await test("cookies that are none do not hide the session among them", async () => {
    const good = await sessionOf(server);
    expect.equal((await server.visitor().get("/drafts", { Cookie: `=; a b=c; ;; "q"=1; sx_session=${good}; x` })).status, 200);
  });

  await test("logout ends the session on the server, and its cookie in the browser", async () => {
    const author = server.visitor();
    const good = value(setCookie(await author.login(), "sx_session"));
    const out = await author.submit("/new", {}, "/logout");
    expect.equal(out.status, 303);
    expect.match(setCookie(out, "sx_session"), /^sx_session=; .*Max-Age=0/);
    expect.equal(out.headers["clear-site-data"], '"cache"');
    expect.equal((await withSession(server, good)).status, 303);
    expect.equal((await withSession(server, good, "/new", { method: "POST" })).status, 401);
    expect.match((await author.get("/")).text, /You are logged out/);
    expect.doesNotMatch((await author.get("/")).text, /You are logged out/);
  });

  await test("logout is a POST with the form's token", async () => {
    const author = server.visitor();
    await author.login();
    expect.equal((await author.get("/logout")).status, 405);
    expect.equal((await author.post("/logout", {})).status, 403);
    expect.equal((await author.post("/logout", { _csrf: "x" }, { Origin: "https://evil.example" })).status, 403);
    expect.equal((await author.get("/drafts")).status, 200);
  });

  await test("logging out in one browser leaves the others in", async () => {
    const [one, other] = [server.visitor(), server.visitor()];
    await one.login();
    await other.login();
    await one.submit("/new", {}, "/logout");
    expect.equal((await other.get("/drafts")).status, 200);
  });

  await test("sessions survive a stop, a kill -9 and the start after it", async () => {
    const good = await sessionOf(server);
    await server.restart();
    expect.equal((await withSession(server, good)).status, 200);
    await server.kill9();
    await server.start();
    expect.equal((await withSession(server, good)).status, 200);
  });

  await test("the data folder holds no session id, password or token in the clear", async () => {
    const good = await sessionOf(server);
    await write(server, kToken, "To have something on disk");
    const all = everythingBelow(server.data);
    for (const secret of [good.split(".")[0], admin.password, kToken]) expect.ok(!all.includes(secret), `found ${secret}`);
    expect.ok(all.includes("$argon2id$v=19$m=19456,t=2,p=1$"), "passwords are argon2id");
  });

  await test("nor does the log, and errors are told apart by number", () => {
    for (const secret of [admin.password, kToken, "sx_session="]) expect.ok(!(server.stderr + server.stdout).includes(secret), secret);
    expect.match(server.stderr, /"id":"[0-9a-f]{16}"/);
  });

  // ---- forms --------------------------------------------------------------------------------------

  await test("a form without a token, with a wrong one or that of another session is refused", async () => {
    const author = server.visitor();
    await author.login();
    const other = server.visitor();
    await other.login();
    const foreign = csrfToken((await other.get("/new")).text);
    const own = csrfToken((await author.get("/new")).text);
    for (const token of [undefined, "", "x", "x.y", own.slice(0, -1), `A${own}`, foreign]) {
      const answer = await author.post("/new", token === undefined ? post : { ...post, _csrf: token });
      expect.equal(answer.status, 403, String(token));
    }
    expect.equal((await author.post("/new", { ...post, _csrf: own })).status, 303);
  });

  await test("tokens of two pages differ, and both are good", async () => {
    const author = server.visitor();
    await author.login();
    const [one, two] = [csrfToken((await author.get("/new")).text), csrfToken((await author.get("/new")).text)];
    expect.notEqual(one, two);
    for (const _csrf of [one, two]) expect.equal((await author.post("/new", { ...post, _csrf })).status, 303);
  });

  await test("a write that the browser says comes from another site is refused, token or not", async () => {
    const author = server.visitor();
    await author.login();
    const _csrf = csrfToken((await author.get("/new")).text);
    for (const headers of [{ Origin: "https://evil.example" }, { Origin: "null" }, { Origin: `http://localhost:${server.port}.evil.example` },
      { Origin: "http://localhost:1" }, { "Sec-Fetch-Site": "cross-site" }])
      expect.equal((await author.post("/new", { ...post, _csrf }, headers)).status, 403, JSON.stringify(headers));
    expect.equal((await author.post("/new", { ...post, _csrf }, { "Sec-Fetch-Site": "same-origin" })).status, 303);
  });

  await test("the token may come as the header SX-CSRF, for JSON it must", async () => {
    const author = server.visitor();
    await author.login();
    const token = csrfToken((await author.get("/new")).text);
    const send = (headers) => author.request("/new", { method: "POST", body: JSON.stringify({ title: "A title", published: true, _csrf: token }), headers: { ...json, ...headers } });
    expect.equal((await send({})).status, 403);
    expect.equal((await send({ "SX-CSRF": "x" })).status, 403);
    const made = await send({ "SX-CSRF": token });
    expect.equal(made.status, 201);
    expect.ok(made.headers.location);
  });

  await test("a form with a file needs the token too", async () => {
    const author = server.visitor();
    await author.login();
    const send = (token) => {
      const part = (name, text) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
      const body = Object.entries({ ...post, ...(token ? { _csrf: token } : {}) }).map(([name, text]) => part(name, text)).join("") + "--b--\r\n";
      return author.request("/new", { method: "POST", body, headers: { "Content-Type": "multipart/form-data; boundary=b" } });
    };
    expect.equal((await send()).status, 403);
    expect.equal((await send(csrfToken((await author.get("/new")).text))).status, 303);
  });

  await test("first who (401), then whether (403), then the form (403)", async () => {
    command(server, ["user", "add", "Reading-Rita", "--role", "reader"], { env: { SX_USER_PASSWORD: "a reader's password" } });
    expect.equal((await server.visitor().post("/new", post, { Origin: "https://evil.example" })).status, 401, "nobody, from elsewhere");
    const rita = server.visitor();
    await rita.login("reading-rita", "a reader's password");
    const refused = await rita.post("/new", post, { Accept: "application/json" });
    expect.equal(refused.status, 403);
    expect.match(refused.text, /Your account may not do this/, "not: the form has no token");
  });

  await test("a login form of another site logs nobody in", async () => {
    const visitor = server.visitor();
    expect.equal((await visitor.post("/login", { username: admin.name, password: admin.password }, { Origin: "https://evil.example" })).status, 403);
    const shown = await server.visitor().get("/login");  // a token of the attacker's own visit
    const answer = await visitor.post("/login", { username: admin.name, password: admin.password, _csrf: csrfToken(shown.text) });
    expect.equal(answer.status, 403);
    expect.equal(setCookie(answer, "sx_session"), undefined);
  });

  await test("what was typed when the session ended is still there after the login", async () => {
    const author = server.visitor();
    await author.login();
    const _csrf = csrfToken((await author.get("/new")).text);
    command(server, ["user", "password", admin.name], { env: { SX_USER_PASSWORD: admin.password } });  // ends all sessions
    const refused = await author.post("/new", { ...post, title: "Typed for an hour", _csrf });
    expect.equal(refused.status, 401);
    const again = await author.post("/login", { username: admin.name, password: admin.password, _csrf: csrfToken(refused.text),
      next: "/", again: hidden(refused.text, "again"), sent: hidden(refused.text, "sent") });
    expect.equal(again.status, 200);
    expect.match(again.text, /Typed for an hour/);
    const done = await author.post("/new", { ...post, title: "Typed for an hour", _csrf: csrfToken(again.text) });
    expect.equal(done.status, 303);
    expect.equal((await server.get("/typed-for-an-hour/")).status, 200);
  });

  // ---- answers by who asks ------------------------------------------------------------------------

  await test("a guarded page leads a browser to the login, tells the engine 401 and where, and a program 401", async () => {
    const page = await server.visitor().get("/drafts?x=1", { Accept: "text/html" });
    expect.equal(page.status, 303);
    expect.equal(page.headers.location, "/login?next=%2Fdrafts%3Fx%3D1");
    const engine = await server.visitor().get("/drafts", { "SX-Request": "true" });
    expect.equal(engine.status, 401);
    expect.equal(engine.headers["sx-location"], "/login?next=%2Fdrafts");
    const program = await server.visitor().get("/drafts", { Accept: "application/json" });
    expect.equal(program.status, 401);
    expect.equal(program.headers["www-authenticate"], "Bearer");
    expect.equal(JSON.parse(program.text).status, 401);
  });

  await test("HEAD of a guarded page is refused as GET is", async () => {
    expect.equal((await server.visitor().request("/drafts", { method: "HEAD" })).status, 303);
  });

  await test("a write is answered with 303 to a form, 201 and Location to a program", async () => {
    const author = server.visitor();
    await author.login();
    expect.equal((await author.submit("/new", post)).status, 303);
    const made = await write(server, kToken, "By a program");
    expect.equal(made.status, 201);
    expect.equal(new URL(made.headers.location, server.url).pathname, "/by-a-program/");
  });

  await test("pages of somebody who is logged in are kept by nobody else", async () => {
    const author = server.visitor();
    await author.login();
    expect.match((await author.get("/")).headers["cache-control"], /private/);
    expect.doesNotMatch((await server.visitor().get("/")).headers["cache-control"], /private/);
  });

  // ---- tokens -------------------------------------------------------------------------------------

  await test("a Bearer token opens the same routes without a form token", async () => {
    expect.equal((await write(server, kToken, "By token")).status, 201);
    expect.equal((await server.visitor().get("/drafts", bearer(kToken))).status, 200);
  });

  await test("what is no token of ours is 401, also beside a good session", async () => {
    for (const text of ["Bearer wrong", "Bearer", "Bearer ", `Bearer ${kToken}x`, `Bearer x${kToken}`, `Basic ${kToken}`, `Bearer ${kToken} ${kToken}`])
      expect.equal((await server.visitor().request("/new", { method: "POST", body: "{}", headers: { ...json, Authorization: text } })).status, 401, text);
    const author = server.visitor();
    await author.login();
    const _csrf = csrfToken((await author.get("/new")).text);
    const refused = await author.post("/new", { ...post, _csrf }, bearer("wrong"));
    expect.equal(refused.status, 401);
    expect.match(refused.headers["www-authenticate"], /invalid_token/);
  });

  await test("the scheme's case does not matter, the token's does", async () => {
    expect.equal((await server.visitor().get("/drafts", { Authorization: `bEARER ${kToken}` })).status, 200);
    expect.equal((await server.visitor().get("/drafts", bearer(kToken.toUpperCase()))).status, 401);
  });

  await test("a token in the address or a cookie is none", async () => {
    expect.equal((await server.visitor().get(`/drafts?access_token=${kToken}&token=${kToken}`)).status, 303);
    expect.equal((await server.visitor().get("/drafts", { Cookie: `token=${kToken}` })).status, 303);
  });

  await test("`sx token` makes, lists and ends tokens beside the running server", async () => {
    const made = command(server, ["token", "add", admin.name, "--scope", "post/read", "--label", "a reader"]);
    expect.equal(made.status, 0, made.stderr);
    const token = made.stdout.trim().split("\n").at(-1);
    expect.match(token, /^sx_[\w-]{43}$/);
    const refused = await write(server, token, "Not allowed");
    expect.equal(refused.status, 403);
    expect.match(refused.headers["www-authenticate"], /error="insufficient_scope", scope="post\/write"/);
    const listed = JSON.parse(command(server, ["token", "list", "--json"]).stdout);
    const row = listed.find(({ label }) => label === "a reader");
    expect.deepEqual(row.scopes, ["post/read"]);
    expect.ok(row.seen, "its use is noted");
    expect.ok(!command(server, ["token", "list"]).stdout.includes(token));
    expect.equal(command(server, ["token", "revoke", row.id]).status, 0);
    expect.equal((await write(server, token, "Not known")).status, 401);
    expect.equal(command(server, ["token", "revoke", row.id]).status, 1);
  });

  await test("another SX_API_TOKEN takes the place of the one before", async () => {
    const data = temporaryFolder();
    const first = await startServer({ data, env: { SX_API_TOKEN: "first-token-0123456789abcdef" } });
    expect.equal((await write(first, "first-token-0123456789abcdef", "One")).status, 201);
    await first.stop();
    const second = await startServer({ data, env: { SX_API_TOKEN: "second-token-0123456789abcdef" } });
    try {
      expect.equal((await write(second, "first-token-0123456789abcdef", "Two")).status, 401);
      expect.equal((await write(second, "second-token-0123456789abcdef", "Two")).status, 201);
    } finally {
      await second.dispose();
    }
  });

  await test("tokens are made, listed and ended over HTTP as JSON", async () => {
    const ask = (method, path, body) => server.visitor().request(path, { method, headers: { ...json, ...bearer(kToken) }, ...(body ? { body: JSON.stringify(body) } : {}) });
    const made = await ask("POST", "/settings/tokens", { label: "by program", scopes: ["post/*"], days: 1 });
    expect.equal(made.status, 201);
    const { id, token } = JSON.parse(made.text);
    expect.equal((await write(server, token, "With the new one")).status, 201);
    expect.ok(JSON.parse((await ask("GET", "/settings/tokens")).text).tokens.some((row) => row.id === id));
    expect.equal((await ask("DELETE", `/settings/tokens/${id}`)).status, 204);
    expect.equal((await write(server, token, "With the old one")).status, 401);
  });

  // ---- users --------------------------------------------------------------------------------------

  await test("`sx user add` beside the running server makes a user who can log in", async () => {
    const made = command(server, ["user", "add", "ada"]);
    expect.equal(made.status, 0, made.stderr);
    const password = made.stdout.match(/^password (\S+)$/m)[1];
    await server.visitor().login("ADA", password);
    const again = command(server, ["user", "add", "Ada"]);
    expect.equal(again.status, 1);
    expect.match(again.stderr, /exists already/);
  });

  await test("a password from standard input or the environment is not printed", async () => {
    const made = command(server, ["user", "add", "grace", "--stdin"], { input: "typed by a script\n" });
    expect.equal(made.status, 0, made.stderr);
    expect.ok(!made.stdout.includes("typed by a script"));
    await server.visitor().login("grace", "typed by a script");
    const common = command(server, ["user", "add", "eve"], { env: { SX_USER_PASSWORD: "password123" } });
    expect.equal(common.status, 1);
    expect.match(common.stderr, /among the first that are guessed/);
  });

  await test("another password, disabling and removing end what was open", async () => {
    const author = server.visitor();
    await author.login("grace", "typed by a script");
    command(server, ["user", "password", "grace", "--stdin"], { input: "another long one\n" });
    expect.equal((await author.get("/drafts")).status, 303);
    await author.login("grace", "another long one");
    expect.match(command(server, ["user", "disable", "grace"]).stdout, /1 session ended/);
    expect.equal((await author.get("/drafts")).status, 303);
    expect.equal((await author.submit("/login", { username: "grace", password: "another long one" })).status, 401);
    command(server, ["user", "enable", "grace"]);
    await author.login("grace", "another long one");
    expect.equal(command(server, ["user", "remove", "grace"]).status, 0);
    expect.equal((await author.get("/drafts")).status, 303);
    expect.ok(!JSON.parse(command(server, ["user", "list", "--json"]).stdout).some(({ name }) => name === "grace"));
  });

  await test("a grant lets a reader write, and taking it back ends that", async () => {
    const rita = server.visitor();
    await rita.login("reading-rita", "a reader's password");
    expect.equal((await rita.get("/new")).status, 403);
    expect.equal(command(server, ["user", "grant", "reading-rita", "post/write"]).status, 0);
    expect.equal((await rita.submit("/new", { ...post, title: "Granted" })).status, 303);
    expect.equal(command(server, ["user", "ungrant", "reading-rita", "post/write"]).status, 0);
    expect.equal((await rita.get("/new")).status, 403);
  });

  await test("SX_GRANTS allows from the start on, and no longer when it is gone", async () => {
    await server.stop();
    server.options.env.SX_GRANTS = "reading-rita:post/write";
    await server.start();
    const rita = server.visitor();
    await rita.login("reading-rita", "a reader's password");
    expect.equal((await rita.get("/new")).status, 200);
    delete server.options.env.SX_GRANTS;
    await server.restart();
    expect.equal((await rita.get("/new")).status, 403);
  });

  await test("a user changes the password on the settings page; other logins end", async () => {
    command(server, ["user", "add", "lin", "--stdin"], { input: "first of lin's words\n" });
    const [here, there] = [server.visitor(), server.visitor()];
    await here.login("lin", "first of lin's words");
    await there.login("lin", "first of lin's words");
    expect.match((await here.get("/settings")).text, /one other place/);
    const change = (current, password) => here.submit("/settings", { current, password }, "/settings/password");
    expect.equal((await change("not it", "second of lin's words")).status, 403);
    expect.equal((await change("first of lin's words", "12345678")).status, 422);
    expect.equal((await change("first of lin's words", "second of lin's words")).status, 303);
    expect.match((await here.get("/settings")).text, /Your password is changed/);
    expect.equal((await there.get("/drafts")).status, 303);
    await there.login("lin", "second of lin's words");
  });

  // ---- headers ------------------------------------------------------------------------------------

  await test("every answer has the security headers: pages, errors, files, redirects, refusals", async () => {
    const author = server.visitor();
    await author.login();
    const asset = (await server.get("/")).text.match(/href="(\/static\/[^"]+\.css)"/)[1];
    for (const path of ["/", "/login", "/none", "/health", asset, "/static/none.css", "/feed", "/welcome", "/drafts", "/settings/tokens", "/favicon.ico"]) {
      const { headers, status } = await author.get(path);
      expect.equal(headers["x-content-type-options"], "nosniff", path);
      expect.match(headers["content-security-policy"] ?? "", /frame-ancestors 'none'/, `${path} ${status}`);
      expect.doesNotMatch(headers["content-security-policy"], /unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')/, path);
      expect.ok(headers["referrer-policy"], path);
      expect.ok(headers["cross-origin-resource-policy"], path);
      expect.equal(headers["strict-transport-security"], undefined, "plain http");
    }
    const misdirected = await server.get("/", { Host: "evil.example" });
    expect.equal(misdirected.status, 421);
    expect.equal(misdirected.headers["x-content-type-options"], "nosniff");
    const { text } = await server.raw("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    expect.match(text, /^HTTP\/1\.1 400 [^]*nosniff/);
    expect.equal((await server.get("/")).headers["cross-origin-opener-policy"], "same-origin");
  });

  await test("a 304 does not replace the headers of the page that the browser has", async () => {
    const page = await server.get("/welcome/");
    const again = await server.get("/welcome/", { "If-None-Match": page.headers.etag });
    expect.equal(again.status, 304);
    const policy = again.headers["content-security-policy"];
    expect.ok(policy === undefined || policy === page.headers["content-security-policy"], policy);
  });

  await test("the answers of handlers and the server name no version", async () => {
    for (const path of ["/", "/none", "/health"]) {
      const { headers } = await server.get(path);
      expect.equal(headers.server, undefined);
      expect.equal(headers["x-powered-by"], undefined);
    }
  });
} catch (error) {
  await test("the server starts", () => { throw error; });
} finally {
  await server?.dispose();
}

// ---- guessing ---------------------------------------------------------------------------------------

await test("after five wrong passwords the next try waits, the right one too; other accounts do not", async () => {
  const guarded = await startServer();
  try {
    command(guarded, ["user", "add", "ada", "--stdin"], { input: "the words of ada\n" });
    const visitor = guarded.visitor();
    for (let n = 0; n < 5; n++) expect.equal((await visitor.submit("/login", { username: "ada", password: `guess ${n}` })).status, 401);
    const refused = await visitor.submit("/login", { username: "ADA", password: "the words of ada" });
    expect.equal(refused.status, 429);
    expect.match(refused.headers["retry-after"], /^\d+$/);
    expect.match(refused.text, /The next one is possible in \d+ seconds?\./);
    const forged = guarded.visitor();
    const shown = await forged.get("/login");
    expect.equal((await forged.post("/login", { username: "ada", password: "the words of ada", _csrf: csrfToken(shown.text) },
      { "X-Forwarded-For": "203.0.113.7", Forwarded: "for=203.0.113.7" })).status, 429, "an address that anybody can claim is not believed");
    await guarded.visitor().login();
    await sleep(1100 * Number(refused.headers["retry-after"]));
    await guarded.visitor().login("ada", "the words of ada");
  } finally {
    await guarded.dispose();
  }
});

await test("behind a trusted proxy each visitor has an address of their own", async () => {
  const guarded = await startServer({ env: { SX_TRUSTED_PROXIES: "127.0.0.1" } });
  try {
    const from = async (address, password) => {
      const visitor = guarded.visitor();
      const shown = await visitor.get("/login");
      return visitor.post("/login", { username: admin.name, password, _csrf: csrfToken(shown.text) }, { "X-Forwarded-For": address });
    };
    for (let n = 0; n < 6; n++) await from("203.0.113.7", `guess ${n}`);
    expect.equal((await from("203.0.113.7", admin.password)).status, 429);
    expect.equal((await from("203.0.113.8", admin.password)).status, 303);
  } finally {
    await guarded.dispose();
  }
});

await test("the wait outlives a restart", async () => {
  const guarded = await startServer();
  try {
    for (let n = 0; n < 9; n++) await guarded.visitor().submit("/login", { username: admin.name, password: `guess ${n}` });
    await guarded.restart();
    expect.equal((await guarded.visitor().submit("/login", { username: admin.name, password: admin.password })).status, 429);
  } finally {
    await guarded.dispose();
  }
});

await test("two hundred logins at once are answered or put off, and readers are served meanwhile", async () => {
  const guarded = await startServer();
  try {
    const shown = await guarded.visitor().get("/login");
    const cookie = setCookie(shown, "sx_login").split(";")[0];
    const tries = Array.from({ length: 200 }, (_, n) => guarded.visitor().post("/login",
      { username: `user${n}`, password: "a guess of some length", _csrf: csrfToken(shown.text) }, { Cookie: cookie }));
    const began = performance.now();
    expect.equal((await guarded.get("/welcome/")).status, 200);
    const waited = performance.now() - began;
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect.deepEqual([...new Set(statuses)].filter((status) => ![401, 429, 503].includes(status)), []);
    expect.ok(waited < 5000, `a reader waited ${waited} ms`);
    expect.equal((await guarded.get("/health")).status, 200);
  } finally {
    await guarded.dispose();
  }
});

// ---- time and keys ----------------------------------------------------------------------------------

await test("a session that nobody used for two weeks has ended", async () => {
  const old = await startServer();
  try {
    const good = await sessionOf(old);
    await old.stop();
    const program = join(old.data, "age.sx");
    writeFileSync(program, `(use persist/durable persist/kv)
(define backend (persist/durable-backend))
(for-each (fn (key)
            (persist/kv-update backend key
                               (fn (record) (assoc record :seen (- (get record :seen) (* 14 86400000))))))
          (persist/kv-keys backend "session/"))
(print (count (persist/kv-keys backend "session/")))
`);
    const aged = sx(["run", "--store", `sqlite:${join(old.data, "store.db")}`, program]);
    expect.equal(aged.stdout.trim(), "1", aged.stderr);
    await old.start();
    const refused = await withSession(old, good);
    expect.equal(refused.status, 303);
    const login = await withSession(old, good, refused.headers.location);
    expect.match(login.text, /Your session has ended/);
    expect.equal((await withSession(old, good, "/new", { method: "POST" })).status, 401);
  } finally {
    await old.dispose();
  }
});

await test("a new secret signs, the former one is still good until it is given up", async () => {
  const keyed = await startServer();
  try {
    const before = await sessionOf(keyed);
    await keyed.stop();
    expect.match(command(keyed, ["secret", "rotate"]).stdout, /1 former one is accepted/);
    await keyed.start();
    expect.equal((await withSession(keyed, before)).status, 200);
    const after = await sessionOf(keyed);
    await keyed.stop();
    expect.equal(readFileSync(join(keyed.data, "secret"), "utf8").trim().split("\n").length, 2);
    expect.equal(command(keyed, ["secret", "rotate", "--keep", "1"]).status, 0);
    await keyed.start();
    expect.equal((await withSession(keyed, before)).status, 303, "signed by the one before the last");
    expect.equal((await withSession(keyed, after)).status, 200);
    await keyed.stop();
    expect.equal(command(keyed, ["secret", "rotate", "--keep", "0"]).status, 0);
    await keyed.start();
    expect.equal((await withSession(keyed, after)).status, 303);
  } finally {
    await keyed.dispose();
  }
});

await test("SX_SECRET and SX_SECRETS_BEFORE do the same for secrets of the environment", async () => {
  const [one, two] = ["1".repeat(64), "2".repeat(64)];
  const keyed = await startServer({ env: { SX_SECRET: one } });
  try {
    const cookie = await sessionOf(keyed);
    await keyed.stop();
    Object.assign(keyed.options.env, { SX_SECRET: two, SX_SECRETS_BEFORE: one });
    await keyed.start();
    expect.equal((await withSession(keyed, cookie)).status, 200);
    await keyed.stop();
    delete keyed.options.env.SX_SECRETS_BEFORE;
    await keyed.start();
    expect.equal((await withSession(keyed, cookie)).status, 303);
    expect.ok(!readdirSync(keyed.data).includes("secret"), "no file is made beside a configured secret");
    expect.equal(command(keyed, ["secret", "rotate"], { env: { SX_SECRET: two } }).status, 2);
  } finally {
    await keyed.dispose();
  }
});

finish();
