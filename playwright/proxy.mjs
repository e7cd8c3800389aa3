// A real proxy between the browser and the server: it delays, thins out and cuts connections, answers in the server's
// place, or is not there at all.
import http from "node:http";
import { sleep } from "../tests/process/harness.mjs";

/** @typedef {{delayMs?: number, bytesPerSecond?: number, cutAfter?: number, drop?: "before" | "after", status?: number, headers?: Record<string, string>}} Rule
 *  drop "before": the server never sees the request; "after": it does its work, the answer is lost. */

export class Proxy {
  /** What happens to a request; undefined: it passes. @type {(request: http.IncomingMessage) => Rule | undefined} */
  rule = () => undefined;
  /** Requests that reached the server, as "METHOD /path". @type {string[]} */
  passed = [];

  /** @param {string} target address of the server */
  static async open(target) {
    const proxy = new Proxy();
    proxy.target = new URL(target);
    await proxy.up();
    return proxy;
  }

  get url() {
    return `http://localhost:${this.port}`;
  }

  /** Takes connections, on the same port as before. */
  async up() {
    this.server = http.createServer((request, response) => void this.pass(request, response));
    this.server.keepAliveTimeout = 60_000;
    await new Promise((done, fail) => this.server.once("error", fail).listen(this.port ?? 0, "localhost", done));
    this.port = this.server.address().port;
  }

  /** Nobody is there: open connections break, new ones are refused. */
  async down() {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  async pass(request, response) {
    const rule = this.rule(request) ?? {};
    request.on("error", () => {});
    response.on("error", () => {});
    if (rule.drop === "before") return request.socket.destroy();
    if (rule.delayMs) await sleep(rule.delayMs);
    if (rule.status) return response.writeHead(rule.status, rule.headers ?? { "Content-Type": "text/html" }).end("<h1>From the proxy</h1>");
    this.passed.push(`${request.method} ${request.url}`);
    const { hostname, port } = this.target;
    const onward = http.request({ hostname, port, method: request.method, path: request.url, headers: request.headers });
    request.pipe(onward);
    response.once("close", () => onward.destroy());
    onward.on("error", () => request.socket.destroy());
    onward.on("response", (answer) => {
      answer.on("error", () => request.socket.destroy());
      // Who has gone takes no more pieces.
      this.send(rule, answer, request, response).catch(() => request.socket.destroy());
    });
  }

  /** @param {Rule} rule @param {http.IncomingMessage} answer @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  async send(rule, answer, request, response) {
    if (rule.drop === "after") return void answer.resume().on("end", () => request.socket.destroy());
    const headers = { ...answer.headers, ...rule.headers };
    response.writeHead(answer.statusCode, answer.statusMessage, headers);
    let sent = 0;
    for await (const piece of answer) {
      const end = rule.cutAfter === undefined ? piece.length : Math.min(piece.length, Math.max(0, rule.cutAfter - sent));
      for (let at = 0; at < end;) {
        const size = rule.bytesPerSecond ? Math.min(1024, end - at) : end - at;
        response.write(piece.subarray(at, at + size));
        at += size;
        if (rule.bytesPerSecond) await sleep((size * 1000) / rule.bytesPerSecond);
      }
      sent += end;
      if (rule.cutAfter !== undefined && sent >= rule.cutAfter) {
        await sleep(20);  // what was written is on its way
        return request.socket.destroy();
      }
    }
    response.end();
  }

  async close() {
    await this.down().catch(() => {});
  }
}
