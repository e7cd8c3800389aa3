// Random programs have one outcome, however they run: natively, with a heap that moves every object
// at every allocation, in WASM, and in portions of fuel (checked inside each run).
//
//   SX_SEED=n node tests/parity/random-test.mjs [COUNT]     the seed is printed; 2000 programs
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Report } from "../tools/report.mjs";
import { programFile, randomProgram } from "./random-programs.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const sx = process.env.SX_BINARY ?? join(project, "build/native/sx");
const kPerFile = 250;
const count = Number(process.argv[2] ?? process.env.SX_RANDOM_PROGRAMS ?? 2000);
const seed = Number(process.env.SX_SEED ?? Math.floor(Date.now() / 1000) % 1_000_000) * 100_000;
const report = new Report();
const folder = mkdtempSync(join(tmpdir(), "sx-random-"));

const ways = { native: [sx, "run"], "a moving heap": [sx, "run", "--gc-stress"] };
if (existsSync(join(project, "build/wasm/kernel.wasm")) && !process.env.SX_NO_WASM) ways.WASM = [join(project, "scripts/sx-wasm"), "run"];

console.log(`# seed ${seed / 100_000}, ${count} programs, ${Object.keys(ways).join(", ")}`);

/** The outcome of each case by its number. */
function outcomes([command, ...args], file) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, [...args, file], {
    cwd: project, encoding: "utf8", timeout: 300_000, maxBuffer: 1 << 28,
  });
  const lines = new Map();
  for (const line of (stdout ?? "").split("\n")) {
    const space = line.indexOf(" ");
    const number = Number(line.slice(0, space < 0 ? undefined : space));
    if (line !== "" && Number.isInteger(number)) lines.set(number, line.slice(space + 1));
  }
  return { lines, ended: status === 0, why: `${error ?? `status ${status ?? signal}`}\n${(stderr ?? "").slice(-2000)}` };
}

for (let from = seed; from < seed + count; from += kPerFile) {
  const size = Math.min(kPerFile, seed + count - from);
  const file = join(folder, `${from}.sx`);
  writeFileSync(file, programFile(from, size));
  const results = Object.entries(ways).map(([name, command]) => [name, outcomes(command, file)]);
  for (const [name, { ended, why }] of results) if (!ended) report.fail(`programs ${from}… end: ${name}`, why);
  const [, native] = results[0];
  for (let n = from; n < from + size; n++) {
    const expected = native.lines.get(n);
    const others = results.slice(1).filter(([, r]) => r.ended && r.lines.get(n) !== expected);
    if (expected === undefined) {
      if (native.ended) report.fail(`program ${n} has an outcome`, randomProgram(n));
    } else if (expected.includes("IN PORTIONS")) {
      report.fail(`program ${n} gives the same in portions of fuel`, `${randomProgram(n)}\n${expected}`);
    } else if (others.length > 0) {
      const told = others.map(([name, r]) => `${name}: ${r.lines.get(n)}`).join("\n");
      report.fail(`program ${n} gives the same on every way`, `${randomProgram(n)}\nnative: ${expected}\n${told}`);
    } else {
      report.passed++;
    }
  }
}
rmSync(folder, { recursive: true });
report.finish();
