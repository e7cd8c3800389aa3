// Start-up times and the sizes of what a visitor downloads, each beside its aim.
//
//   node bench/startup.mjs [--write]
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { machine, median, replaceSection, runOnce } from "./measure.mjs";

mkdirSync("build/bench", { recursive: true });
const rows = [];
const add = (what, value, unit, aim) =>
  rows.push(`| ${what} | ${Number.isInteger(value) ? value : value.toFixed(1)} ${unit} | ≤ ${aim} ${unit} | ${value <= aim ? "yes" : "**no**"} |`);

// Many at once, from a shell: one alone is shorter than what watching it costs. The shell's fork is part of it.
const kBatch = 40;
const walls = Array.from({ length: 9 }, () => {
  const began = process.hrtime.bigint();
  const run = spawnSync("bash", ["-c", `for ((i = 0; i < ${kBatch}; i++)); do build/native/sx eval 1 || exit 1; done >/dev/null`]);
  if (run.status !== 0) throw new Error(`sx eval 1: ${run.stderr}`);
  return Number(process.hrtime.bigint() - began) / 1e6 / kBatch;
});
add("`sx eval 1`, wall time, forked by a shell", median(walls), "ms", 5);
writeFileSync("build/bench/hello.sx", '(print "hello")\n');
add("hello, world: resident memory", runOnce(["build/native/sx", "run", "build/bench/hello.sx"]).kb / 1024, "MB", 10);

// The sizes are those of the tests, with the same limits.
const { stdout } = spawnSync(process.execPath, ["tests/tools/check-kernel.mjs"], { encoding: "utf8" });
const sizes = [...stdout.matchAll(/^(?:not )?ok (.+?) ha(?:s|ve) at most (\d+) bytes(?: as (brotli)[^:]*)?: (\d+)/gm)];
if (sizes.length === 0) throw new Error(`tests/tools/check-kernel.mjs tells no sizes: ${stdout}`);
for (const [, what, limit, brotli, found] of sizes) add(what + (brotli ? ", brotli" : ", raw"), Number(found), "bytes", Number(limit));

const table = [`${machine()}.`, "", "| what | found | aim | reached |", "|---|--:|--:|---|", ...rows].join("\n");
console.log(table);
if (process.argv.includes("--write")) {
  writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "startup", table));
}
