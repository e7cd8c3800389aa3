// Runs the C++ unit tests that a build folder registers with ctest and counts their test cases.
//
//   node tests/tools/run-doctest.mjs build/native [NAME…]
//
// doctest prints its own summary, which is turned into ours; another program that prints
// `N passed, N failed` is counted by that line, and any other is one case: its exit status.
import { execFileSync, spawnSync } from "node:child_process";
import { closingCounts, Report } from "./report.mjs";

const [folder, ...names] = process.argv.slice(2);
if (!folder) {
  console.error("run-doctest: a build folder is missing");
  process.exit(2);
}

/** The commands that ctest would run. */
function registeredTests() {
  const json = execFileSync("ctest", ["--test-dir", folder, "--show-only=json-v1"], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  return JSON.parse(json).tests.map((test) => {
    const property = (key) => test.properties?.find((entry) => entry.name === key)?.value;
    const environment = Object.fromEntries(
      (property("ENVIRONMENT") ?? []).map((entry) => [
        entry.slice(0, entry.indexOf("=")),
        entry.slice(entry.indexOf("=") + 1),
      ]),
    );
    return { name: test.name, command: test.command, environment, folder: property("WORKING_DIRECTORY") };
  });
}

const report = new Report();
for (const { name, command, environment, folder: workingFolder } of registeredTests()) {
  if (names.length > 0 && !names.some((part) => name.includes(part))) continue;
  console.log(`# ${name}`);
  if (!command) {
    report.fail(`${name} is built`, "ctest knows no command for it: build the folder first");
    continue;
  }
  const run = spawnSync(command[0], command.slice(1), {
    cwd: workingFolder,
    env: { ...process.env, ...environment },
    encoding: "utf8",
    timeout: 600_000,
    maxBuffer: 1 << 28,
  });
  const output = `${run.stdout ?? ""}${run.stderr ?? ""}`;
  const summary = output.match(/test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed/);
  const counts = summary ? { passed: Number(summary[2]), failed: Number(summary[3]) } : closingCounts(output);
  if (counts) report.add(counts.passed, counts.failed);
  const died = run.status === null ? `killed by ${run.signal ?? run.error}` : `exit ${run.status}`;
  if (!counts) report.check(run.status === 0, name, `${died}\n${output}`);
  else if (run.status !== 0) {
    console.log(output.replace(/^(\d+ passed, \d+ failed)$/gm, "# $1"));
    if (counts.failed === 0) report.fail(`${name} exits with 0`, died);
  }
}
report.finish();
