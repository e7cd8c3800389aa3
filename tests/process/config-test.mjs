// The settings of a server and what an operator does with it: mistakes are said together, secrets never;
// logs, signals, backup, and starting as somebody who may not do much.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { admin, binary, eventually, expect, finish, freePort, root, sleep, startServer, sx, temporaryFolder, test } from "./harness.mjs";

/** `sx serve` that must not start: its status and what it says. */
function refused(env = {}, args = []) {
  const data = temporaryFolder();
  return sx(["serve", "--port", "0", "--data", data, ...args], { env, timeoutMs: 20_000 });
}
const checked = (env = {}, args = []) => sx(["serve", "--check-config", "--data", temporaryFolder(), ...args], { env });

/** The rows of the table of settings. */
const rows = [...readFileSync(join(root, "server/config/settings.def"), "utf8")
  .matchAll(/SX_SETTING\((\w+), (\w+), "([^"]*)", "([^"]*)", "([^"]*)", "([^"]*)",\s*(\w+),/g)]
  .map(([, id, kind, variable, option, fallback, expected, scope]) => ({ id, kind, variable, option, fallback, expected, scope }));

await test("the help of sx serve has every option and variable of the table", () => {
  const { stdout } = sx(["serve", "--help"]);
  expect.ok(rows.length > 30);
  for (const { option, variable, scope } of rows) {
    if (scope === "Command" || option === "") continue;
    expect.ok(stdout.includes(`${option} `) || stdout.includes(`${option}\n`), option);
    expect.ok(stdout.includes(`[${variable}]`), variable);
  }
});

await test("a check of the configuration shows every setting, its source, no secret, and starts nothing", () => {
  const data = join(temporaryFolder(), "data");
  const { status, stdout } = sx(["serve", "--check-config", "--port", "8099", "--data", data],
    { env: { SX_TITLE: "My words", SX_API_TOKEN: "hunter2-hunter2-hunter2-hunter2" } });
  expect.equal(status, 0);
  expect.match(stdout, /SX_HTTP_PORT +8099 {2}\(option\)/);
  expect.match(stdout, /SX_TITLE +My words {2}\(environment\)/);
  expect.match(stdout, /SX_API_TOKEN +\(set, not shown\)/);
  expect.ok(!stdout.includes("hunter2"));
  expect.ok(!existsSync(data), "the data folder is not made");
  for (const { variable, scope } of rows) if (scope !== "Command") expect.ok(stdout.includes(variable), variable);
});

await test("everything that is wrong is said at once, status 2, nothing is opened", () => {
  const data = join(temporaryFolder(), "data");
  const { status, stderr, stdout } = sx(["serve", "--data", data, "--workers", "many", "--idle-timeout-ms", "0"], {
    env: { SX_HTTP_PORT: "http", SX_BASE_URL: "blog.example", SX_TRUSTED_PROXIES: "proxy", SX_ADMIN_PASSWORD: "hunter2", SX_SECRET: "hunter2" },
  });
  expect.equal(status, 2);
  expect.equal(stdout, "");
  expect.match(stderr, /7 settings are wrong/);
  for (const part of ['--workers is "many"; expected a whole number from 1 to 256', "--idle-timeout-ms is", 'SX_HTTP_PORT is "http"',
    'SX_BASE_URL is "blog.example"; expected scheme and host', 'SX_TRUSTED_PROXIES is "proxy"; expected addresses or blocks',
    "SX_ADMIN_PASSWORD has 7 characters; expected at least 8", "SX_SECRET has 7 characters; expected at least 32", "--check-config"])
    expect.ok(stderr.includes(part), `${part}\nnot in\n${stderr}`);
  expect.ok(!stderr.includes("hunter2"));
  expect.ok(!existsSync(data));
});

await test("for every number of the table what is not one, or lies outside, is refused by name", () => {
  for (const { variable, expected, kind, scope } of rows) {
    if (kind !== "Number" || scope === "Command") continue;
    const [least, most] = expected.split("..");
    for (const value of ["x", "1.5", String(BigInt(least) - 1n), String(BigInt(most) + 1n)]) {
      const { status, stderr } = checked({ [variable]: value });
      expect.equal(status, 2, `${variable}=${value}`);
      expect.ok(stderr.includes(`${variable} is "${value}"; expected a whole number from ${least} to ${most}`), stderr);
    }
    expect.equal(checked({ [variable]: most }).status, 0, `${variable}=${most}`);
  }
});

await test("a misspelt variable is named with the one that was meant, and the server starts", async () => {
  const server = await startServer({ env: { SX_BASE_ULR: "https://blog.example" } });
  try {
    expect.match(server.stderr, /warning: SX_BASE_ULR is no setting of this version and is ignored; did you mean SX_BASE_URL\?/);
  } finally {
    await server.dispose();
  }
});

await test("the variables of the scripts and tests are no mistakes", () => {
  expect.equal(checked({ SX_ROOT: "x", SX_BINARY: binary, SX_SANITIZED: "1" }).stderr, "");
});

await test("an option that is none, and one without its value, are wrong usage", () => {
  expect.equal(refused({}, ["--prot", "1"]).status, 2);
  expect.match(refused({}, ["--prot", "1"]).stderr, /--prot/);
  expect.equal(refused({}, ["--port"]).status, 2);
});

await test("without SX_HTTP_HOST only this machine is listened to, with 0.0.0.0 every address; an option wins", async () => {
  const reaches = (port, host) => new Promise((done) => {
    const socket = net.connect({ host, port });
    socket.once("connect", () => { socket.destroy(); done(true); });
    socket.once("error", () => done(false));
  });
  for (const [env, args, other] of [[{}, [], false], [{ SX_HTTP_HOST: "0.0.0.0" }, [], true], [{ SX_HTTP_HOST: "0.0.0.0" }, ["--host", "127.0.0.1"], false]]) {
    const port = await freePort();
    const child = spawn(binary, ["serve", "--port", String(port), "--data", temporaryFolder(), ...args],
      { cwd: root, env: { ...process.env, SX_HTTP_HOST: "", ...env }, stdio: "ignore" });
    try {
      await eventually(() => reaches(port, "127.0.0.1"), "it listens", 30_000);
      // The whole of 127/8 is this machine's: an address of its own that the first one is not.
      expect.equal(await reaches(port, "127.0.0.2"), other, JSON.stringify([env, args]));
    } finally {
      child.kill("SIGKILL");
    }
  }
});

await test("a port that is taken, and an address that is not ours, are named", async () => {
  const server = await startServer();
  try {
    const { status, stderr } = sx(["serve", "--port", String(server.port), "--data", temporaryFolder()], { timeoutMs: 20_000 });
    expect.equal(status, 1);
    expect.ok(stderr.includes(String(server.port)), stderr);
    expect.equal(sx(["serve", "--port", "0", "--host", "203.0.113.1", "--data", temporaryFolder()], { timeoutMs: 20_000 }).status, 1);
  } finally {
    await server.dispose();
  }
});

await test("the first start makes a private data folder with a private secret", async () => {
  const data = join(temporaryFolder(), "deep/data");
  const server = await startServer({ data });
  try {
    expect.equal(statSync(data).mode & 0o777, 0o700);
    expect.equal(statSync(join(data, "secret")).mode & 0o777, 0o600);
    for (const name of ["store.db", "store.db-wal"]) if (existsSync(join(data, name))) expect.equal(statSync(join(data, name)).mode & 0o077, 0, name);
    expect.match(readFileSync(join(data, "secret"), "utf8"), /^[0-9a-f]{64}\n$/);
  } finally {
    await server.dispose();
  }
});

await test("a data folder that others can write is refused with the remedy, as is an open secret", async () => {
  const data = temporaryFolder();
  const server = await startServer({ data });
  await server.stop();
  for (const mode of [0o777, 0o770, 0o702]) {
    chmodSync(data, mode);
    const { status, stderr } = sx(["serve", "--port", "0", "--data", data], { timeoutMs: 20_000 });
    expect.equal(status, 2);
    expect.match(stderr, /can be written by others \(mode 0\d+\).*chmod 700/s);
    expect.equal(sx(["user", "list", "--data", data]).status, 1, "commands refuse it too");
  }
  chmodSync(data, 0o700);
  chmodSync(join(data, "secret"), 0o644);
  const { status, stderr } = sx(["serve", "--port", "0", "--data", data], { timeoutMs: 20_000 });
  expect.equal(status, 1);
  expect.match(stderr, /open to others.*chmod 600/);
});

await test("programs read settings by env/get, but no secret", () => {
  const ask = (name) => sx(["eval", `(perform {:op "env/get" :args (list "${name}")})`], { env: { [name]: "the value" } });
  expect.equal(ask("SX_TITLE").stdout, '"the value"\n');
  for (const name of [...rows.filter(({ kind }) => kind === "Secret").map(({ variable }) => variable), "SX_STORE", "SX_FED_SECRET", "HOME"]) {
    const { status, stderr } = ask(name);
    expect.equal(status, 1, name);
    expect.match(stderr, /is not readable by programs/);
  }
});

await test("the log is JSON, common or combined, to a file if asked", async () => {
  const folder = temporaryFolder();
  const shapes = {
    json: /^\{"time":"[^"]+","remote":"127\.0\.0\.1","method":"GET","target":"\/none","status":404,"bytes":\d+,"duration_us":\d+,"id":"[0-9a-f]{16}"\}$/m,
    common: /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:[\d:]{8} \+0000\] "GET \/none HTTP\/1\.1" 404 \d+ \d+ [0-9a-f]{16}$/m,
    combined: /^127\.0\.0\.1 - - \[[^\]]+\] "GET \/none HTTP\/1\.1" 404 \d+ "http:\/\/a\.example\/" "a \\"b\\"" \d+ [0-9a-f]{16}$/m,
  };
  for (const [format, shape] of Object.entries(shapes)) {
    const file = join(folder, `${format}.log`);
    const server = await startServer({ env: { SX_ACCESS_LOG: format, SX_ACCESS_LOG_FILE: file } });
    try {
      await server.get("/none", { Referer: "http://a.example/", "User-Agent": 'a "b"' });
    } finally {
      await server.stop();
    }
    expect.match(readFileSync(file, "utf8"), shape, format);
    expect.equal(statSync(file).mode & 0o007, 0, "nobody else reads the log");
  }
  const silent = await startServer({ args: ["--access-log", "none"] });
  try {
    await silent.get("/none");
  } finally {
    await silent.stop();
  }
  expect.ok(!silent.stderr.includes("/none"));
});

await test("an error page shows the number under which the log has the error", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "broken.sx"), `(module broken :use (dream/response dream/router) :export (broken/make-app))
(define (broken/make-app settings)
  (dream/router (list (dream/get "/" (fn (request) (error "a secret detail"))))))
`);
  const server = await startServer({ args: [join(folder, "broken.sx")] });
  try {
    const answer = await server.get("/");
    expect.equal(answer.status, 500);
    expect.ok(!answer.text.includes("a secret detail"));
    const id = answer.text.match(/<code>([0-9a-f]{16})<\/code>/)[1];
    await eventually(() => server.stderr.includes(`request ${id} GET /: `), "the error is logged");
    expect.match(server.stderr, new RegExp(`request ${id} GET /: [^]*a secret detail[^]*broken\\.sx:3`));
    await eventually(() => server.stderr.includes(`"id":"${id}"`), "so is the request");
  } finally {
    await server.dispose();
  }
});

await test("TERM lets requests in flight end, and a post that was being sent is kept", async () => {
  const server = await startServer({ env: { SX_API_TOKEN: "drain-token-0123456789abcdef" } });
  try {
    const body = JSON.stringify({ title: "Sent while stopping", body: "x", published: true });
    const socket = net.connect({ host: "127.0.0.1", port: server.port });
    let answer = "";
    socket.on("data", (data) => (answer += data));
    const closed = new Promise((done) => socket.once("close", done));
    socket.write(`POST /new HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer drain-token-0123456789abcdef\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
    await sleep(200);
    server.child.kill("SIGTERM");
    await sleep(300);
    await expect.rejects(server.visitor().get("/health"), "nobody new is let in");
    socket.write(body.slice(10));
    await closed;
    expect.match(answer, /^HTTP\/1\.1 201 [^]*Connection: close/i);
    expect.deepEqual(await server.exited, { code: 0, signal: null });
    await server.start();
    expect.equal((await server.get("/sent-while-stopping/")).status, 200);
  } finally {
    await server.dispose();
  }
});

await test("the time to drain is a setting, and a second TERM does not wait for it", async () => {
  for (const [env, signals, most] of [[{ SX_HTTP_DRAIN_TIMEOUT_MS: "300" }, 1, 3000], [{ SX_HTTP_DRAIN_TIMEOUT_MS: "60000" }, 2, 3000]]) {
    const server = await startServer({ env });
    try {
      const socket = net.connect({ host: "127.0.0.1", port: server.port });
      socket.on("error", () => {});
      socket.write("POST /new HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf");
      await sleep(200);
      const began = performance.now();
      server.child.kill("SIGTERM");
      if (signals === 2) {
        await sleep(200);
        server.child.kill("SIGTERM");
      }
      expect.equal((await server.exited).code, 0);
      expect.ok(performance.now() - began < most, `${performance.now() - began} ms`);
      socket.destroy();
    } finally {
      await server.dispose();
    }
  }
});

await test("a copy made in the order of the manual is a whole site, users and sessions included", async () => {
  const server = await startServer({ env: { SX_API_TOKEN: "backup-token-0123456789abcdef" } });
  const cookie = (await server.visitor().login()).headers["set-cookie"].find((line) => line.startsWith("sx_session=")).split(";")[0];
  await server.stop();
  const copy = join(temporaryFolder(), "copy");
  cpSync(server.data, copy, { recursive: true });
  chmodSync(copy, 0o700);
  const verified = sx(["store", "verify", "--data", copy]);
  expect.equal(verified.status, 0, verified.stderr);
  expect.match(verified.stdout, /^verified \d+ events/);
  const restored = await startServer({ data: copy });
  try {
    expect.equal((await restored.get("/welcome/")).status, 200);
    expect.equal((await restored.visitor().get("/drafts", { Cookie: cookie })).status, 200);
  } finally {
    await restored.dispose();
  }
});

await test("the backup of the manual beside a running server has every post that was acknowledged", async () => {
  const server = await startServer({ env: { SX_API_TOKEN: "backup-token-0123456789abcdef" } });
  const copy = temporaryFolder();
  const paths = [];
  let done = false;
  try {
    const writer = (async () => {
      for (let n = 0; !done; n++) {
        const answer = await server.visitor().request("/new", { method: "POST", body: JSON.stringify({ title: `Post ${n}`, body: "x", published: true }),
          headers: { "Content-Type": "application/json", Accept: "application/json", Authorization: "Bearer backup-token-0123456789abcdef" } });
        expect.equal(answer.status, 201);
        paths.push(new URL(answer.headers.location, server.url).pathname);
      }
    })();
    await eventually(() => paths.length >= 20, "some posts are written");
    const before = [...paths];
    const backup = spawnSync("sqlite3", [join(server.data, "store.db"), `.backup ${join(copy, "store.db")}`], { encoding: "utf8" });
    if (backup.error?.code === "ENOENT") {  // the tool is the operator's, not the server's
      done = true;
      await writer;
      return;
    }
    expect.equal(backup.status, 0, backup.stderr);
    cpSync(join(server.data, "blobs"), join(copy, "blobs"), { recursive: true });
    cpSync(join(server.data, "secret"), join(copy, "secret"));
    done = true;
    await writer;
    expect.match(sx(["store", "verify", "--data", copy]).stdout, /^verified \d+ events/);
    const restored = await startServer({ data: copy });
    try {
      for (const path of before) expect.equal((await restored.get(path)).status, 200, path);
      await restored.visitor().login();
    } finally {
      await restored.dispose();
    }
  } finally {
    done = true;
    await server.dispose();
  }
});

await test("a user without rights serves: nothing outside the data folder is written", async () => {
  if (process.getuid() !== 0) return;  // only root can become somebody else
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  const { chownSync } = await import("node:fs");
  chownSync(data, 65534, 65534);
  const copy = join(folder, "sx");
  cpSync(binary, copy, { dereference: true });
  chmodSync(copy, 0o755);
  const child = spawn(copy, ["serve", "--port", "0", "--data", data],
    { cwd: "/", uid: 65534, gid: 65534, env: { PATH: process.env.PATH, SX_ADMIN_PASSWORD: admin.password }, stdio: ["ignore", "pipe", "pipe"] });
  try {
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
    await eventually(() => /serving blog\/app on/.test(output) || child.exitCode !== null, "it serves", 30_000);
    expect.match(output, /serving blog\/app on/);
    expect.equal(statSync(join(data, "secret")).uid, 65534);
    expect.equal(statSync(join(data, "secret")).mode & 0o777, 0o600);
  } finally {
    child.kill("SIGKILL");
  }
});

await test("USR1 opens the access log anew, so it can be moved away", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "access.log");
  const server = await startServer({ args: ["--access-log-file", file] });
  try {
    await server.get("/one");
    await eventually(() => readFileSync(file, "utf8").includes("/one"), "the first request is logged");
    renameSync(file, `${file}.1`);
    server.child.kill("SIGUSR1");
    await eventually(() => existsSync(file), "a new file is made");
    await server.get("/two");
    await eventually(() => readFileSync(file, "utf8").includes("/two"), "the second request is logged");
    expect.ok(!readFileSync(`${file}.1`, "utf8").includes("/two"));
  } finally {
    await server.dispose();
  }
});

finish();
