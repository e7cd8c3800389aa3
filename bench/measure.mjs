// Measuring other programs: CPU time and memory of a whole process, interleaved rounds, minima and means.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, readSync } from "node:fs";
import os from "node:os";

/** Runs a command once. CPU time is user + system of the process and its children, to the millisecond; kb the
 *  largest resident set of any of them.
 *  @param {string[]} command @returns {{ms: number, wallMs: number, kb: number, hash: string, head: string}} */
export function runOnce(command, { timeoutMs = 300_000 } = {}) {
  mkdirSync("build/bench", { recursive: true });
  const out = "build/bench/stdout";
  const run = spawnSync("bash", ["-c", 'TIMEFORMAT="SXTIME %3U %3S %3R"; time /usr/bin/time -q -f "SXPEAK %M" "$@" >build/bench/stdout', "bash", ...command],
    { encoding: "utf8", timeout: timeoutMs, env: { ...process.env, LC_ALL: "C" }, maxBuffer: 1 << 26 });
  const times = run.stderr?.match(/SXTIME ([\d.]+) ([\d.]+) ([\d.]+)/);
  const peak = run.stderr?.match(/SXPEAK (\d+)/);
  if (run.status !== 0 || !times || !peak) {
    throw new Error(`${command.join(" ")}: exit ${run.status ?? run.signal}\n${(run.stderr ?? "").replace(/SX(TIME|PEAK).*/g, "").slice(0, 2000)}`);
  }
  const hash = createHash("sha256").update(readFileSync(out)).digest("hex");
  const file = openSync(out, "r");
  const buffer = Buffer.alloc(200);
  const length = readSync(file, buffer, 0, 200, 0);
  closeSync(file);
  return {
    ms: 1000 * (Number(times[1]) + Number(times[2])), wallMs: 1000 * Number(times[3]), kb: Number(peak[1]),
    hash, head: buffer.toString("utf8", 0, length),
  };
}

/** @param {number[]} values */
export function geometricMean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The first line that a command says of itself. @param {string[]} command */
export function versionOf(command) {
  const run = spawnSync(command[0], command.slice(1), { encoding: "utf8" });
  return `${run.stdout ?? ""}${run.stderr ?? ""}`.trim().split("\n")[0] || "unknown";
}

/** What the figures were made on: they mean nothing without it. */
export function machine() {
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown CPU";
  return `${os.cpus().length} × ${cpu}, ${Math.round(os.totalmem() / 2 ** 30)} GB, ${os.type()} ${os.release().split("-")[0]}, load ${os.loadavg()[0].toFixed(1)}`;
}

/** Replaces the part of a Markdown file between `<!-- NAME -->` and `<!-- /NAME -->`.
 *  @param {string} text @param {string} name @param {string} body */
export function replaceSection(text, name, body) {
  const begin = `<!-- ${name} -->`;
  const end = `<!-- /${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no section ${begin} … ${end}`);
  return `${text.slice(0, from)}${begin}\n${body.trim()}\n${text.slice(to)}`;
}

/** The options of a bench that measures for some rounds of some seconds: --rounds N, --seconds N, --write.
 *  @param {string} name of the bench, for complaints @param {{rounds: number, seconds: number}} defaults */
export function roundsFrom(name, defaults) {
  const options = { ...defaults, write: false };
  for (let args = process.argv.slice(2); args.length > 0; ) {
    const argument = args.shift();
    if (argument === "--rounds") options.rounds = Number(args.shift());
    else if (argument === "--seconds") options.seconds = Number(args.shift());
    else if (argument === "--write") options.write = true;
    else {
      console.error(`${name}: unknown option ${argument}`);
      process.exit(2);
    }
  }
  return options;
}
