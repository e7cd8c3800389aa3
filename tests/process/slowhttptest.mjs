// The four attacks of slowhttptest (Debian's package) on a server of ours, and ordinary visitors beside them.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startServer, temporaryFolder } from "./harness.mjs";

/** The limits by which attackers are cut, short so that a test sees it. */
export const kDeadlines = ["--header-timeout-ms", "1500", "--body-timeout-ms", "1500", "--write-timeout-ms", "1500"];

/** What each attack is, by slowhttptest's flags. */
export const kAttacks = {
  "slow heads": ["-H", "-x", "24", "-i", "1"],
  "slow bodies": ["-B", "-s", "8192", "-x", "10", "-i", "1", "-path", "/login"],
  "ranges without number": ["-R", "-a", "1", "-b", "3000", "-t", "GET", "-path", "/static/small.css"],
  "slow reads": ["-X", "-w", "1", "-y", "1", "-n", "1", "-z", "1", "-k", "10", "-path", "/static/large.bin"],
};

/** A server of the two files that are asked for. @param {string[]} [args] */
export function slowServer(args = kDeadlines) {
  const files = temporaryFolder();
  writeFileSync(join(files, "small.css"), "p { margin: 0 }\n".repeat(500));
  writeFileSync(join(files, "large.bin"), Buffer.alloc(400_000, "large"));
  return startServer({ args: ["--workers", "2", "--access-log", "none", ...args], env: { SX_STATIC_DIR: files } });
}

/** Runs an attack to its end, at the lowest priority: attackers sit at other machines, and what they compute must not
 *  be taken from the server and its visitors. @param {keyof typeof kAttacks} name @param {number} port
 *  @param {{connections?: number, seconds?: number}} [options] @returns {Promise<string>} what it printed */
export function attack(name, port, { connections = 1000, seconds = 8 } = {}) {
  const flags = [...kAttacks[name]];
  const at = flags.indexOf("-path");
  const path = at < 0 ? "/" : flags.splice(at, 2)[1];
  const child = spawn("nice", ["-n", "19", "slowhttptest", ...flags, "-c", String(connections), "-r", String(connections), "-l", String(seconds),
    "-p", "30", "-v", "1", "-u", `http://127.0.0.1:${port}${path}`], { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((done, fail) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part) => (text += part));
    child.stderr.setEncoding("utf8").on("data", (part) => (text += part));
    child.on("error", (error) => fail(new Error(`slowhttptest: ${error.message}; run scripts/setup test`)));
    // eslint-disable-next-line no-control-regex
    child.on("close", () => done(text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "")));
  });
}

/** Times in milliseconds of ordinary requests on four connections, until `enough` says so; an answer but 200 is an
 *  error. @param {import("./harness.mjs").Server} server @param {(count: number) => boolean} enough */
export async function ordinary(server, enough) {
  /** @type {number[]} */
  const times = [];
  const one = async () => {
    while (!enough(times.length)) {
      const begin = process.hrtime.bigint();
      const answer = await server.get("/health");
      if (answer.status !== 200) throw new Error(`an ordinary request was answered ${answer.status}`);
      times.push(Number(process.hrtime.bigint() - begin) / 1e6);
    }
  };
  await Promise.all([one(), one(), one(), one()]);
  return times.sort((a, b) => a - b);
}

/** @param {number[]} times sorted */
export const p99 = (times) => times[Math.floor(times.length * 0.99)];

/** One number of /metrics. @param {import("./harness.mjs").Server} server @param {string} name */
export async function metric(server, name) {
  const { text } = await server.get("/metrics");
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  if (!line) throw new Error(`/metrics has no ${name}`);
  return Number(line.slice(name.length + 1));
}
