// Runs fuzz targets of a build folder for some seconds each, two at a time; a crash, leak or time-out
// fails its case.
//
//   node tests/tools/run-fuzz.mjs BUILD [--seconds N] [--jobs N] [--minimise] [TARGET…]
//
// Targets are the executables `sx_fuzz_*` below BUILD/tests/fuzz, all of them or those named (without
// the prefix). Their seeds are in tests/fuzz/corpus/TARGET. What a run finds stays in BUILD/found/TARGET,
// and the next run goes on from there. --minimise: afterwards the seeds are made again: of the inputs that
// each reach code of their own kSeedsMax, from the smallest to the largest.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Report } from "./report.mjs";

const kSeedsMax = 60;  // of one target, in the repository
const kSeedBytesMax = 2048;

function usageError(message) {
  console.error(`run-fuzz: ${message}`);
  process.exit(2);
}

const options = { seconds: 20, jobs: Math.min(2, availableParallelism()), minimise: false };
const words = [];
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i];
  if (word === "--minimise") options.minimise = true;
  else if (word === "--seconds" || word === "--jobs") {
    const n = Number(process.argv[++i]);
    if (!Number.isInteger(n) || n < 1) usageError(`${word} needs a number from 1, got ${process.argv[i] ?? "nothing"}`);
    options[word.slice(2)] = n;
  } else if (word.startsWith("-")) usageError(`unknown option ${word}`);
  else words.push(word);
}
const [folder, ...wanted] = words;
if (!folder) usageError("a build folder is missing");
const binaries = join(folder, "tests/fuzz");
const known = existsSync(binaries)
  ? readdirSync(binaries).filter((file) => /^sx_fuzz_\w+$/.test(file)).map((file) => file.replace("sx_fuzz_", "")).sort()
  : [];
for (const target of wanted) if (!known.includes(target)) usageError(`there is no target ${target}; there are ${known.join(" ")}`);
const targets = wanted.length > 0 ? wanted : known;

const report = new Report();
const seedsOf = (target) => join("tests/fuzz/corpus", target);
const foundOf = (target) => join(folder, "found", target);

/** @param {string} target @param {string[]} args */
function run(target, args) {
  return new Promise((resolve) => {
    const child = spawn(join(binaries, `sx_fuzz_${target}`), args, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text) => {
      stderr = (stderr + text).slice(-200_000);
    });
    child.on("error", (error) => resolve({ status: -1, stderr: error.message }));
    child.on("close", (status) => resolve({ status, stderr }));
  });
}

async function fuzz(target) {
  const found = foundOf(target);
  mkdirSync(found, { recursive: true });
  const seeds = existsSync(seedsOf(target)) ? [seedsOf(target)] : [];
  const { status, stderr } = await run(target, [
    `-max_total_time=${options.seconds}`, "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
    `-artifact_prefix=${found}/`, found, ...seeds,
  ]);
  const executed = /number_of_executed_units:\s*(\d+)/.exec(stderr)?.[1];
  const kept = seeds.length > 0 ? readdirSync(seeds[0]).length : 0;
  report.check(status === 0 && Number(executed) > 0,
    `${target}: ${executed ?? "no"} inputs in ${options.seconds} s, from ${kept} kept seeds`,
    stderr.split("\n").slice(-60).join("\n"));
  if (status === 0 && options.minimise) await minimise(target, [found, ...seeds]);
}

/** Makes the kept seeds again: the smallest inputs first, as long as they add something. */
async function minimise(target, corpora) {
  const made = mkdtempSync(join(tmpdir(), "sx-corpus-"));
  try {
    const { status, stderr } = await run(target, ["-merge=1", "-rss_limit_mb=2048", "-timeout=10", `-max_len=${kSeedBytesMax}`, made, ...corpora]);
    if (status !== 0) {
      report.fail(`${target}: the seeds are minimised`, stderr.split("\n").slice(-20).join("\n"));
      return;
    }
    const inputs = readdirSync(made)
      .map((name) => ({ name, size: statSync(join(made, name)).size }))
      .filter(({ size }) => size <= kSeedBytesMax)
      .sort((a, b) => a.size - b.size);
    rmSync(seedsOf(target), { recursive: true, force: true });
    mkdirSync(seedsOf(target), { recursive: true });
    const kept = Math.min(kSeedsMax, inputs.length);
    for (let n = 0; n < kept; n++) {
      const { name } = inputs[Math.floor((n * inputs.length) / kept)];
      cpSync(join(made, name), join(seedsOf(target), String(n).padStart(2, "0")));
    }
    console.log(`# ${target}: ${kept} of ${inputs.length} seeds kept in ${seedsOf(target)}`);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

const queue = [...targets];
await Promise.all(Array.from({ length: options.jobs }, async () => {
  for (let target = queue.shift(); target; target = queue.shift()) await fuzz(target);
}));
report.finish();
