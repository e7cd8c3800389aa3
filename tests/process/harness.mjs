// Real `sx serve` processes for tests: started on a free port over a temporary data folder, asked over
// HTTP or raw sockets, killed, restarted and stopped; and a small registry of test cases.
//
//   import { expect, finish, startServer, test } from "./harness.mjs";
//   await test("answers /health", async () => {
//     const server = await startServer();
//     try { expect.equal((await server.get("/health")).status, 200); } finally { await server.dispose(); }
//   });
//   finish();
//
// Node.js 20 or newer, nothing else. SX_BINARY names another binary than build/native/sx; SX_SANITIZED=1 says that
// it has sanitizers: what they report fails the test program.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Report } from "../tools/report.mjs";

export const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));
export const binary = resolve(root, process.env.SX_BINARY ?? "build/native/sx");
export const admin = { name: "admin", password: "correct horse battery staple" };

/** Assertions: those of node:assert, under the name that reads well here. */
export const expect = assert;

const kCaseTimeoutMs = 120_000;
const report = new Report();
const running = new Set();

/** Runs one case now and reports it. Cases run in the order in which they are awaited.
 *  @param {string} name @param {() => Promise<void> | void} body @param {number} [timeoutMs] */
export async function test(name, body, timeoutMs = kCaseTimeoutMs) {
  let timer;
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs} ms`)), timeoutMs);
    });
    await Promise.race([Promise.resolve().then(body), late]);
    report.ok(name);
  } catch (error) {
    report.fail(name, error);
    for (const server of running) console.log(indent(`stderr of the server at ${server.url}:\n${server.stderr.slice(-4000)}`));
  } finally {
    clearTimeout(timer);
  }
}

/** Prints `N passed, N failed`, sets the exit status and stops servers that a failed case left behind. */
export function finish() {
  for (const server of running) server.killNow();
  if (process.env.SX_SANITIZED) {
    if (sanitizerSaid.length > 0) report.fail("the sanitizers found nothing", sanitizerSaid.join("\n"));
    else report.ok("the sanitizers found nothing");
  }
  report.finish();
}

const indent = (text) => text.split("\n").map((line) => `    ${line}`).join("\n");
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `condition` answers something true and returns that.
 *  @template T @param {() => T | Promise<T>} condition @param {string} what @param {number} [timeoutMs] */
export async function eventually(condition, what, timeoutMs = 10_000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(20);
  }
}

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((done, fail) => {
    const probe = net.createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

// What a binary with sanitizers says when it has found something (SX_SANITIZED=1): a case of its own.
const kSanitizerSays = /^.*(?:(?:ERROR|WARNING): \w+Sanitizer|runtime error: ).*$/m;
const sanitizerSaid = [];
function noteReports(stderr) {
  const said = process.env.SX_SANITIZED && kSanitizerSays.exec(stderr);
  if (said) sanitizerSaid.push(stderr.slice(said.index, said.index + 6000));
}

const folders = [];
process.on("exit", () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A folder that is removed when the process ends. */
export function temporaryFolder(prefix = "sx-test-") {
  folders.push(mkdtempSync(join(tmpdir(), prefix)));
  return folders.at(-1);
}

/** Runs an sx command to its end. @param {string[]} args
 *  @param {{cwd?: string, env?: Record<string, string>, input?: string | Buffer, timeoutMs?: number}} [options] */
export function sx(args, { cwd = root, env = {}, input = "", timeoutMs = 120_000 } = {}) {
  const run = spawnSync(binary, args, {
    cwd, env: { ...process.env, ...env }, input, encoding: "utf8", timeout: timeoutMs, maxBuffer: 1 << 28,
  });
  if (run.error && run.status === null) throw new Error(`sx ${args.join(" ")}: ${run.error.message}`);
  noteReports(run.stderr);
  return { status: run.status, signal: run.signal, stdout: run.stdout, stderr: run.stderr };
}

/** One cookie jar: what a browser would send back to this server. */
export class Cookies {
  #values = new Map();

  /** Takes over the Set-Cookie headers of a response. @param {string[]} headers */
  take(headers) {
    for (const header of headers) {
      const [pair, ...attributes] = header.split(";").map((part) => part.trim());
      const at = pair.indexOf("=");
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      const expired = attributes.some((a) => /^max-age=(0|-)/i.test(a)) ||
        attributes.some((a) => /^expires=/i.test(a) && Date.parse(a.slice(8)) < Date.now());
      if (expired) this.#values.delete(name);
      else this.#values.set(name, value);
    }
  }

  get header() {
    return [...this.#values].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  has(name) {
    return this.#values.has(name);
  }

  names() {
    return [...this.#values.keys()];
  }

  set(name, value) {
    this.#values.set(name, value);
  }
}

/** A visitor: requests with cookies of its own; redirects are answers, not followed. */
export class Visitor {
  cookies = new Cookies();

  /** @param {Server} server */
  constructor(server) {
    this.server = server;
  }

  /** @param {string} path sent as it is written: nothing is normalised away
   *  @param {{method?: string, headers?: Record<string, string>, body?: string | Buffer}} [options]
   *  @returns {Promise<{status: number, headers: http.IncomingHttpHeaders, text: string, bytes: Buffer, url: string}>} */
  request(path, { method = "GET", headers = {}, body } = {}) {
    const { port } = this.server;
    return new Promise((done, fail) => {
      const cookie = this.cookies.header;
      const request = http.request(
        {
          host: "127.0.0.1", port, method, path, agent: this.server.agent,
          headers: {
            Host: `localhost:${port}`,
            ...(cookie ? { Cookie: cookie } : {}),
            ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
            ...headers,
          },
        },
        (response) => {
          const parts = [];
          response.on("data", (part) => parts.push(part));
          response.on("error", fail);
          response.on("end", () => {
            const bytes = Buffer.concat(parts);
            this.cookies.take(response.headers["set-cookie"] ?? []);
            done({ status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString("utf8"), url: path });
          });
        },
      );
      request.setTimeout(30_000, () => request.destroy(new Error(`${method} ${path}: no answer within 30 s`)));
      request.on("error", fail);
      request.end(body);
    });
  }

  /** @param {string} path @param {Record<string, string>} [headers] */
  get(path, headers = {}) {
    return this.request(path, { headers });
  }

  /** Posts a form as a browser does. @param {string} path @param {Record<string, string>} fields
   *  @param {Record<string, string>} [headers] */
  post(path, fields, headers = {}) {
    return this.request(path, {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: {
        "Content-Type": "application/x-www-form-urlencoded",
        Origin: `http://localhost:${this.server.port}`,
        ...headers,
      },
    });
  }

  /** Fetches the page of a form, then posts it with the token that the page carries.
   *  @param {string} page @param {Record<string, string>} fields @param {string} [action] */
  async submit(page, fields, action = page) {
    const shown = await this.get(page);
    if (shown.status !== 200) throw new Error(`GET ${page}: ${shown.status}, expected the form`);
    return this.post(action, { ...fields, _csrf: csrfToken(shown.text) });
  }

  /** Logs in as the administrator of startServer(). */
  async login(name = admin.name, password = admin.password) {
    const answer = await this.submit("/login", { user: name, username: name, name, password });
    if (answer.status !== 303) throw new Error(`login as ${name}: ${answer.status}, expected 303\n${answer.text.slice(0, 500)}`);
    return answer;
  }
}

/** The _csrf value of the first form of a page. @param {string} html */
export function csrfToken(html) {
  const field = html.match(/<input\b[^>]*\bname="?_csrf"?[^>]*>/);
  const value = field?.[0].match(/\bvalue="?([^"\s>]*)/);
  if (!value) throw new Error("the page has no _csrf field");
  return value[1];
}

/** A running `sx serve`. */
export class Server extends Visitor {
  stdout = "";
  stderr = "";
  agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  /** @param {{args?: string[], env?: Record<string, string>, data?: string, port?: number, quiet?: boolean, via?: string[]}} options
   *  quiet: its output goes nowhere, for runs of a million requests; via: a command that runs it, such as prlimit */
  constructor(options) {
    super(/** @type {any} */ (undefined));
    this.server = this;
    this.options = options;
    this.port = options.port ?? 0;
    this.data = options.data ?? temporaryFolder();
  }

  get url() {
    return `http://localhost:${this.port}`;
  }

  get pid() {
    return this.child.pid;
  }

  /** Starts the process and waits until /health answers 200. */
  async start({ timeoutMs = 30_000 } = {}) {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: run scripts/build native`);
    if (!this.port) this.port = await freePort();
    const args = ["serve", "--host", "127.0.0.1", "--port", String(this.port), "--data", this.data,
      ...(this.options.args ?? [])];
    const [program, ...words] = [...(this.options.via ?? []), binary, ...args];
    this.child = spawn(program, words, {
      cwd: root,
      env: { ...process.env, SX_ADMIN_USER: admin.name, SX_ADMIN_PASSWORD: admin.password, ...this.options.env },
      stdio: this.options.quiet ? "ignore" : ["ignore", "pipe", "pipe"],
    });
    running.add(this);
    this.exited = new Promise((done) => {
      this.child.once("close", (code, signal) => {
        running.delete(this);
        noteReports(this.stderr);
        this.exit = { code, signal };
        done(this.exit);
      });
    });
    this.exit = undefined;
    this.child.once("error", (error) => (this.stderr += error.message));
    this.child.stdout?.setEncoding("utf8").on("data", (text) => (this.stdout += text));
    this.child.stderr?.setEncoding("utf8").on("data", (text) => (this.stderr += text));
    try {
      await eventually(async () => {
        if (this.exit) throw new Error(`ended with ${this.exit.code ?? this.exit.signal}`);
        return this.request("/health").then((answer) => answer.status === 200, () => false);
      }, "GET /health answers 200", timeoutMs);
    } catch (error) {
      this.killNow();
      throw new Error(`sx ${args.join(" ")}: ${error.message}\n${this.stderr}`);
    }
    return this;
  }

  killNow() {
    this.agent.destroy();
    this.child?.kill("SIGKILL");
  }

  /** kill -9: no chance to finish anything. */
  async kill9() {
    this.killNow();
    await this.exited;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }

  /** Asks it to stop (SIGTERM) and waits. @returns {Promise<{code: number | null, signal: string | null}>} */
  async stop(timeoutMs = 20_000) {
    if (this.exit) return this.exit;
    this.child.kill("SIGTERM");
    let timer;
    const late = new Promise((_, fail) => {
      timer = setTimeout(() => fail(new Error(`still running ${timeoutMs} ms after SIGTERM`)), timeoutMs);
    });
    try {
      return await Promise.race([this.exited, late]);
    } finally {
      clearTimeout(timer);
      this.agent.destroy();
      this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
    }
  }

  /** Starts the same server again: same port, same data. */
  async restart() {
    if (!this.exit) await this.stop();
    return this.start();
  }

  /** Ends it whatever its state. For `finally`. */
  async dispose() {
    if (this.child && !this.exit) {
      this.killNow();
      await this.exited;
    }
    this.agent.destroy();
  }

  /** A second visitor with cookies of its own. */
  visitor() {
    return new Visitor(this);
  }

  /** Sends bytes as they are and returns all that comes back until the peer closes or falls silent.
   *  @param {string | Buffer | (string | Buffer)[]} bytes several are sent with a pause between them
   *  @param {{pauseMs?: number, silenceMs?: number, endWriting?: boolean}} [options] */
  raw(bytes, { pauseMs = 30, silenceMs = 1500, endWriting = false } = {}) {
    return new Promise((done, fail) => {
      const parts = [];
      const socket = net.connect({ host: "127.0.0.1", port: this.port, allowHalfOpen: true });
      let closed = false;
      const end = (how) => {
        socket.destroy();
        const all = Buffer.concat(parts);
        done({ bytes: all, text: all.toString("latin1"), closed, how });
      };
      socket.setTimeout(silenceMs, () => end("silence"));
      socket.on("data", (part) => parts.push(part));
      socket.on("end", () => { closed = true; end("closed"); });
      socket.on("error", (error) => {
        if (error.code !== "ECONNRESET" && error.code !== "EPIPE") return fail(error);
        closed = true;
        end("reset");
      });
      socket.on("connect", async () => {
        for (const part of Array.isArray(bytes) ? bytes : [bytes]) {
          if (socket.destroyed) return;
          socket.write(part);
          if (Array.isArray(bytes)) await sleep(pauseMs);
        }
        if (endWriting && !socket.destroyed) socket.end();
      });
    });
  }
}

/** Starts `sx serve` on a free port over an empty temporary data folder and waits for /health.
 *  @param {{args?: string[], env?: Record<string, string>, data?: string, port?: number, quiet?: boolean, via?: string[]}} [options] */
export function startServer(options = {}) {
  return new Server(options).start();
}
