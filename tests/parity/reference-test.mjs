// Random programs give the same on the VM and on the reference evaluator, an independent one that
// works on the forms (engine/reference); a part of them in WASM and with a heap that moves every
// object at every allocation as well. What differs is made smaller and left in build/test-logs.
//
//   SX_SEED=n node tests/parity/reference-test.mjs [COUNT]     the seed is printed; 20,000 programs,
//   500,000 with SX_TEST_LONG=1
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Report } from "../tools/report.mjs";
import { programFile, programText, randomProgram } from "./random-programs.mjs";
import { shrink } from "./shrink.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const kPerFile = 500;
const kOnEveryWay = 2000;
const count = Number(process.argv[2] ?? process.env.SX_REFERENCE_PROGRAMS ?? (process.env.SX_TEST_LONG ? 500_000 : 20_000));
const seed = Number(process.env.SX_SEED ?? Math.floor(Date.now() / 1000) % 1_000_000);
const first = seed * 1_000_000;
const options = { portions: false, exactFuel: false };
const report = new Report();
const folder = mkdtempSync(join(tmpdir(), "sx-reference-"));
const failures = join(project, "build/test-logs");

const sx = process.env.SX_BINARY ?? join(project, "build/native/sx");
const reference = [join(project, "build/native/engine/reference/sx_reference"), join(project, "lib/core/core.sx"), "--", "--forget"];
const ways = { "the VM": [sx, "run"], "a moving heap": [sx, "run", "--gc-stress"] };
if (existsSync(join(project, "build/wasm/kernel.wasm")) && !process.env.SX_NO_WASM) ways.WASM = [join(project, "scripts/sx-wasm"), "run"];

/** Runs a command on a file; what it printed and how it ended. */
function run([command, ...args], file) {
  return new Promise((done) => {
    const child = spawn(command, [...args, file], { cwd: project, timeout: 300_000 });
    let stdout = "", stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", (error) => done({ stdout, ended: false, why: String(error) }));
    child.on("close", (status, signal) => done({ stdout, ended: status === 0, why: `status ${status ?? signal}\n${stderr.slice(-2000)}` }));
  });
}

/** The outcome of each case by its number. */
function byNumber(stdout) {
  const lines = new Map();
  for (const line of stdout.split("\n")) {
    const space = line.indexOf(" ");
    const number = Number(line.slice(0, space < 0 ? undefined : space));
    if (line !== "" && Number.isInteger(number)) lines.set(number, line.slice(space + 1));
  }
  return lines;
}

/** What an outcome says apart from how a usage line shows long defaults, which is left open. */
function comparable(outcome) {
  return outcome?.replace(/Usage: (?:\\.|[^"\\])*/g, "Usage");
}
/** How far a program came before its limit, or whether it ends at all in time, is not compared. */
function depends(outcome) {
  return outcome === undefined || /limit of this run|:endless/.test(outcome);
}

/** Runs one program on a way and on the reference: do they differ? */
async function differs(way, program, prelude = "") {
  const file = join(folder, `one-${Math.random()}.sx`);
  writeFileSync(file, prelude + programText([[0, program]], options));
  const plain = join(folder, `plain-${Math.random()}.sx`);
  writeFileSync(plain, programText([[0, program]], options));
  const [a, b] = await Promise.all([run(way, file), run(reference, plain)]);
  rmSync(file);
  rmSync(plain);
  const x = byNumber(a.stdout).get(0), y = byNumber(b.stdout).get(0);
  // Made smaller, a variable may have become the name of an element, which the reference does not know.
  if (/Unbound name/.test(y)) return null;
  return a.ended && b.ended && !depends(x) && !depends(y) && comparable(x) !== comparable(y) ? { x, y } : null;
}

/** Makes a program that differs small and leaves it in a file. */
async function explain(name, way, number, program, prelude = "") {
  const small = await shrink(program, async (candidate) => (await differs(way, candidate, prelude)) !== null, 300);
  const told = await differs(way, small, prelude);
  mkdirSync(failures, { recursive: true });
  const file = join(failures, `reference-${number}.sx`);
  writeFileSync(file, prelude + programText([[number, small]], options));
  return { small, text: `${small}\n${name}: ${told?.x}\nreference: ${told?.y}\nwhole file: ${file}` };
}

let skipped = 0, explained = 0;
/** Compares the programs from…from+size-1 on some ways with the reference. */
async function compare(from, size, names) {
  const file = join(folder, `${from}.sx`);
  writeFileSync(file, programFile(from, size, options));
  const expected = run(reference, file);
  const results = await Promise.all(names.map(async (name) => [name, await run(ways[name], file)]));
  const { stdout, ended, why } = await expected;
  rmSync(file);
  if (!ended) report.fail(`programs ${from}… end in the reference evaluator`, why);
  const wanted = byNumber(stdout);
  for (const [name, result] of results) {
    if (!result.ended) report.fail(`programs ${from}… end on ${name}`, result.why);
    const got = byNumber(result.stdout);
    for (let n = from; n < from + size; n++) {
      const a = wanted.get(n), b = got.get(n);
      if (a !== undefined && b !== undefined && (depends(a) || depends(b))) {
        skipped++;
      } else if (a !== undefined && comparable(a) === comparable(b)) {
        report.passed++;
      } else if (ended && result.ended) {
        const program = randomProgram(n, options);
        const text = explained++ < 5 ? (await explain(name, ways[name], n, program)).text : program;
        report.fail(`program ${n} gives the same on ${name} as on the reference evaluator`, text);
      }
    }
  }
}

// The test itself: a library function that is wrong on one side is noticed, and the program that
// shows it is made small.
{
  const wrong = "(define (reverse l) (list->vector l))\n";
  let found = null;
  for (let n = 1; n < 400 && !found; n++) {
    const program = randomProgram(n, options);
    if (program.includes("(reverse ") && (await differs(ways["the VM"], program, wrong))) found = [n, program];
  }
  report.check(found !== null, "a wrong function on one side is noticed");
  if (found) {
    const { small } = await explain("a wrong VM", ways["the VM"], found[0], found[1], wrong);
    rmSync(join(failures, `reference-${found[0]}.sx`));
    report.check(small.length < 80 && small.includes("(reverse "), "the program that shows it is made small", small);
  }
}

console.log(`# seed ${seed}, ${count} programs on the VM, ${Math.min(count, kOnEveryWay)} on ${Object.keys(ways).join(", ")}`);
for (let from = first; from < first + count; from += kPerFile) {
  const size = Math.min(kPerFile, first + count - from);
  await compare(from, size, from - first < kOnEveryWay ? Object.keys(ways) : ["the VM"]);
}
console.log(`# ${skipped} outcomes depend on how much fuel a step takes and were not compared`);
report.check(skipped < count / 20, "nearly all outcomes are compared", `${skipped} of ${count} were not`);
rmSync(folder, { recursive: true });
report.finish();
