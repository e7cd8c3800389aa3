// Loading a server with wrk, and what it costs the server: for the benches of servers.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import http from "node:http";

/** Node.js 22 of the test packages (node:sqlite), or the one that runs this. */
export const node22 = readdirSync("tests/node_modules").filter((name) => name.startsWith("node-linux-"))
  .map((name) => `tests/node_modules/${name}/bin/node`)[0] ?? process.execPath;

/** Microseconds of CPU that processes have used. @param {number[]} pids */
function cpuMicroseconds(pids) {
  // schedstat counts in nanoseconds; stat only in clock ticks.
  return pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}/schedstat`))
    .reduce((sum, file) => sum + Number(readFileSync(file, "utf8").split(" ")[0]) / 1000, 0);
}

/** Asks for one address again and again over 32 connections that are kept.
 *  @param {{port: number, path: string, pids: number[], seconds: number, headers?: Record<string, string>, status?: number}} options
 *  @returns {{perSecond: number, cpu: number, p99: string}} cpu: µs of the server's for a request */
export function load({ port, path, pids, seconds, headers = {}, status = 200 }) {
  const before = cpuMicroseconds(pids);
  const fields = Object.entries({ Accept: "text/html", ...headers }).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const run = spawnSync("wrk", ["-t1", "-c32", `-d${seconds}s`, "--latency", ...fields, `http://127.0.0.1:${port}${path}`], { encoding: "utf8" });
  const cpu = cpuMicroseconds(pids) - before;
  const perSecond = Number(run.stdout.match(/Requests\/sec:\s*([\d.]+)/)?.[1]);
  const requests = Number(run.stdout.match(/(\d+) requests in/)?.[1]);
  const p99 = run.stdout.match(/\n\s+99%\s+(\S+)/)?.[1] ?? "?";
  // To wrk a 304 is no success either: who expects one has asked before.
  const refused = status < 300 && /Non-2xx/.test(run.stdout);
  if (!perSecond || refused || /Socket errors: .*[1-9]/.test(run.stdout)) throw new Error(`wrk: ${run.stdout}${run.stderr}`);
  return { perSecond, cpu: cpu / requests, p99 };
}

/** @param {number} port @param {string} path @param {Record<string, string>} [headers]
 *  @returns {Promise<{status: number, headers: http.IncomingHttpHeaders, bytes: Buffer}>} */
export const fetchPage = (port, path, headers = {}) => new Promise((done, failed) => {
  http.get({ host: "127.0.0.1", port, path, headers: { Accept: "text/html", Host: `127.0.0.1:${port}`, ...headers } }, (response) => {
    const parts = [];
    response.on("data", (part) => parts.push(part));
    response.on("end", () => done({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(parts) }));
  }).on("error", failed);
});
