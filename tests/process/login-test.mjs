// Login as JSON, first passwords, and how passwords are kept and refused, against real servers.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { admin, eventually, expect, finish, startServer, sx, temporaryFolder, test } from "./harness.mjs";

const json = { "Content-Type": "application/json", Accept: "application/json" };
const kDayMs = 86_400_000;

/** A login as a program sends it. */
const login = (visitor, username, password, headers = {}) =>
  visitor.request("/login", { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify({ username, password }) });
const command = (server, args, options = {}) => sx([...args, "--data", server.data], options);

/** Changes a user's record in the store of a stopped server: `change` is SX over `user`. */
function changeUser(server, name, change) {
  const program = join(temporaryFolder(), "change.sx");
  writeFileSync(program, `(use persist/durable persist/kv)
(define backend (persist/durable-backend))
(persist/kv-update backend "user/${name}" (fn (user) ${change}))
(print (get (persist/kv-get backend "user/${name}") :hash))
`);
  const run = sx(["run", "--store", `sqlite:${join(server.data, "store.db")}`, program]);
  expect.equal(run.status, 0, run.stderr);
  return run.stdout.trim();
}

const server = await startServer();
try {
  await test("a program logs in with JSON, writes with the token it was told, and logs out", async () => {
    const program = server.visitor();
    const answer = await login(program, admin.name, admin.password);
    expect.equal(answer.status, 200, answer.text);
    expect.match(answer.headers["content-type"], /^application\/json/);
    expect.equal(answer.headers["cache-control"], "no-store");
    expect.match(answer.headers["set-cookie"].find((line) => line.startsWith("sx_session=")), /HttpOnly; SameSite=Lax/);
    const { user, role, csrf } = JSON.parse(answer.text);
    expect.deepEqual([user, role], [admin.name, "admin"]);
    const write = (headers) => program.request("/new", { method: "POST", headers: { ...json, ...headers },
      body: JSON.stringify({ title: "Sent by a program", body: "Words.", published: true }) });
    expect.equal((await write({})).status, 403, "without the token");
    const made = await write({ "SX-CSRF": csrf });
    expect.equal(made.status, 201, made.text);
    expect.equal((await server.get(new URL(made.headers.location, server.url).pathname)).status, 200);
    const out = await program.request("/logout", { method: "POST", headers: { ...json, "SX-CSRF": csrf }, body: "{}" });
    expect.equal(out.status, 204);
    expect.equal((await write({ "SX-CSRF": csrf })).status, 401);
  });

  await test("a form that asks for JSON is answered with JSON", async () => {
    const visitor = server.visitor();
    const shown = await visitor.get("/login");
    const token = shown.text.match(/name="_csrf" value="([^"]+)"/)[1];
    const answer = await visitor.post("/login", { username: admin.name, password: admin.password, _csrf: token }, { Accept: "application/json" });
    expect.equal(answer.status, 200);
    expect.equal(JSON.parse(answer.text).user, admin.name);
  });

  await test("what is wrong with a login as JSON is said as JSON", async () => {
    const send = (body, headers = {}) => server.visitor().request("/login", { method: "POST", headers: { ...json, ...headers }, body });
    for (const [status, body] of [[401, `{"username":"${admin.name}","password":"no"}`], [401, '{"username":"nobody-here","password":"no"}'],
      [400, "{}"], [400, "[1]"], [400, '{"username":"a"'], [400, ""], [400, '{"username":["a"],"password":{}}'], [400, Buffer.from([0xff, 0xfe])]]) {
      const answer = await send(body);
      expect.equal(answer.status, status, String(body));
      expect.equal(JSON.parse(answer.text).status, status);
      expect.equal(answer.headers["set-cookie"], undefined, String(body));
    }
    expect.equal((await send("{}", { "Content-Type": "text/csv" })).status, 415);
  });

  await test("a page of another site logs nobody in with JSON", async () => {
    for (const headers of [{ Origin: "https://evil.example" }, { Origin: "null" }, { "Sec-Fetch-Site": "cross-site" }]) {
      const answer = await login(server.visitor(), admin.name, admin.password, headers);
      expect.equal(answer.status, 403);
      expect.equal(answer.headers["set-cookie"], undefined);
    }
    // What a form of another site can send: it is no JSON to us.
    const plain = await server.visitor().request("/login", { method: "POST", headers: { "Content-Type": "text/plain" },
      body: JSON.stringify({ username: admin.name, password: admin.password }) });
    expect.equal(plain.status, 415);
  });

  await test("passwords that are used most are refused everywhere", async () => {
    for (const common of ["samantha", "TrustNo1", "jordan23", "1qaz2wsx", "qwer1234"]) {
      const made = command(server, ["user", "add", "somebody"], { env: { SX_USER_PASSWORD: common } });
      expect.equal(made.status, 1, common);
      expect.match(made.stderr, /among the first that are guessed/);
    }
    const author = server.visitor();
    await author.login();
    const refused = await author.submit("/settings", { current: admin.password, password: "samantha" }, "/settings/password");
    expect.equal(refused.status, 422);
    expect.match(refused.text, /among the first that are guessed/);
  });

  await test("so is one in SX_ADMIN_PASSWORD, before anything is served", async () => {
    const run = sx(["serve", "--port", "0", "--data", temporaryFolder()], { env: { SX_ADMIN_PASSWORD: "samantha" }, timeoutMs: 20_000 });
    expect.equal(run.status, 1, run.stderr);
    expect.match(run.stderr, /user admin cannot be made: This password is among the first that are guessed/);
    expect.ok(!run.stderr.includes("samantha"));
  });

  await test("a password that was made up is a first one: it ends after a week, unless its user chooses another", async () => {
    const passwordOf = ({ status, stdout, stderr }) => {
      expect.equal(status, 0, stderr);
      expect.match(stdout, /within 7 days the user chooses another password/);
      return stdout.match(/^password (\S+)$/m)[1];
    };
    const [late, prompt] = ["late-lou", "prompt-pam"].map((name) => ({ name, password: passwordOf(command(server, ["user", "add", name])) }));
    const pam = server.visitor();
    expect.ok(JSON.parse((await login(pam, prompt.name, prompt.password)).text)["password-ends"]);
    expect.match((await pam.get("/settings")).text, /was made up for you and ends on/);
    const changed = await pam.submit("/settings", { current: prompt.password, password: "words that pam chose" }, "/settings/password");
    expect.equal(changed.status, 303);
    const lou = server.visitor();
    await lou.login(late.name, late.password);
    expect.match((await lou.get("/")).text, /Your password is a first one and ends on/);
    await server.stop();
    for (const { name } of [late, prompt])
      changeUser(server, name, `(if (get user :first-until) (assoc user :first-until (- (get user :first-until) ${7 * kDayMs})) user)`);
    await server.start();
    const refused = await login(server.visitor(), late.name, late.password);
    expect.equal(refused.status, 403);
    expect.match(refused.text, /its time is over/);
    expect.equal((await login(server.visitor(), prompt.name, "words that pam chose")).status, 200);
    const anew = passwordOf(command(server, ["user", "password", late.name]));
    expect.equal((await login(server.visitor(), late.name, anew)).status, 200);
  });

  await test("a hash with the figures of former days is renewed at the next login, and only then", async () => {
    const kOld = "$argon2id$v=19$m=8192,t=1,p=1$pkjUoQeW/w3ll2Gi2pVosg$HWs2fzbSBLuJEItWTsjcdPW0jSjaOE1XV9odYWMGydQ";
    const password = "kept since long ago";
    expect.equal(command(server, ["user", "add", "old-olga"], { env: { SX_USER_PASSWORD: "for the time being" } }).status, 0);
    await server.stop();
    expect.equal(changeUser(server, "old-olga", `(assoc user :hash "${kOld}")`), kOld);
    await server.start();
    expect.equal((await login(server.visitor(), "old-olga", "not the password")).status, 401);
    expect.equal((await login(server.visitor(), "old-olga", password)).status, 200);
    expect.equal((await login(server.visitor(), "old-olga", password)).status, 200);
    await server.stop();
    expect.match(changeUser(server, "old-olga", "user"), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await server.start();
    expect.equal((await login(server.visitor(), "old-olga", password)).status, 200);
  });
} finally {
  await server.dispose();
}

await test("the password of the first start that nobody chose is a first one", async () => {
  const first = await startServer({ env: { SX_ADMIN_PASSWORD: "" } });
  try {
    await eventually(() => /password \S{10,}/.test(first.stdout), "the password is printed");
    const password = first.stdout.match(/password (\S{10,})$/m)[1];
    expect.match(first.stdout, /choose your own within a week/);
    expect.ok(JSON.parse((await login(first.visitor(), admin.name, password)).text)["password-ends"]);
  } finally {
    await first.dispose();
  }
});

finish();
