// Runs each fuzz target of a build folder for some seconds; a crash, leak or time-out fails its case.
//
//   node tests/tools/run-fuzz.mjs build/fuzz SECONDS
//
// Targets are the executables `sx_fuzz_*` below the folder's tests/fuzz; their seeds are in
// tests/fuzz/corpus/NAME when that folder exists. Found inputs stay below build/.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Report } from "./report.mjs";

const [folder, seconds = "20"] = process.argv.slice(2);
if (!folder) {
  console.error("run-fuzz: a build folder is missing");
  process.exit(2);
}
const report = new Report();
const binaries = join(folder, "tests/fuzz");
const targets = existsSync(binaries)
  ? readdirSync(binaries).filter((file) => /^sx_fuzz_\w+$/.test(file)).sort()
  : [];
for (const target of targets) {
  const found = join(folder, "found", target);
  mkdirSync(found, { recursive: true });
  const seeds = join("tests/fuzz/corpus", target.replace("sx_fuzz_", ""));
  const corpora = [found, ...(existsSync(seeds) ? [seeds] : [])];
  const run = spawnSync(
    join(binaries, target),
    [`-max_total_time=${seconds}`, "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
     `-artifact_prefix=${found}/`, ...corpora],
    { encoding: "utf8", maxBuffer: 1 << 28 },
  );
  const executed = run.stderr?.match(/number_of_executed_units:\s*(\d+)/)?.[1];
  const ran = executed !== undefined && Number(executed) > 0;
  report.check(run.status === 0 && ran, `${target}: ${executed ?? "no"} inputs in ${seconds} s`,
    run.stderr?.split("\n").slice(-60).join("\n"));
}
report.finish();
