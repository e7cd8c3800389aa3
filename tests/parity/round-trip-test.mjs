// What is written reads back equal: 100,000 generated values natively, some thousands in WASM, where
// the texts must be the same bytes. SX text and JSON. (The C++ side has its own generator:
// engine/reader/reader_test.cpp.)
//
//   SX_SEED=n node tests/parity/round-trip-test.mjs
import { spawnSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Report } from "../tools/report.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const program = join(project, "tests/parity/programs/round-trip.sx");
const seed = process.env.SX_SEED ?? String(Math.floor(Date.now() / 1000) % 1_000_000);
const count = process.env.SX_TEST_LONG ? "1000000" : "100000";
const inWasm = "4000";
const report = new Report();

function run(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, ["run", program, ...args], { cwd: project, encoding: "utf8", maxBuffer: 1 << 29, timeout: 300_000 });
  return { status, stdout, stderr, last: stdout.trimEnd().split("\n").at(-1) };
}

console.log(`# seed ${seed}`);
const native = run(join(project, "build/native/sx"), count, seed);
report.check(native.last === `${count} of ${count} equal`, `${count} values and ${count} JSON values read back equal`, native.stdout.slice(0, 3000) + native.stderr);
const texts = run(join(project, "build/native/sx"), inWasm, seed, "print");
const wasm = run(join(project, "scripts/sx-wasm"), inWasm, seed, "print");
report.check(wasm.last === `${inWasm} of ${inWasm} equal`, `${inWasm} of each read back equal in WASM`, wasm.stderr);
const [a, b] = [texts.stdout.split("\n"), wasm.stdout.split("\n")];
const bad = a.findIndex((line, i) => line !== b[i]);
report.check(bad < 0 && a.length === b.length, "the texts are the same bytes on both sides", `native: ${a[bad]}\nWASM:   ${b[bad]}`);
report.finish();
