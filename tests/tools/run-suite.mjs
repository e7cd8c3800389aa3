// Runs every test program of a folder, each in a process of its own, and adds up their cases.
//
//   node tests/tools/run-suite.mjs FOLDER [NAME…]
//
// A test program is a file `*-test.mjs` or `*.test.mjs` whose last line is `N passed, N failed`. With
// names only files that contain one of them run. A program that dies, hangs or counts nothing is one
// failed case.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { closingCounts, Report } from "./report.mjs";

const kProgramTimeoutMs = Number(process.env.SX_TEST_TIMEOUT_MS ?? 600_000);

/** Runs one program, passing its output through. @param {string} file */
function runProgram(file) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, kProgramTimeoutMs);
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text) => {
      output += text;
      // The closing line of a part would look like that of the whole: only the sum is printed.
      process.stdout.write(text.replace(/^(\d+ passed, \d+ failed)$/gm, `# ${file}: $1`));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ output, code, signal, timedOut });
    });
  });
}

const [folder, ...names] = process.argv.slice(2);
if (!folder) {
  console.error("run-suite: a folder is missing");
  process.exit(2);
}
const files = readdirSync(folder)
  .filter((file) => /[-.]test\.mjs$/.test(file))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .sort();

const report = new Report();
for (const file of files) {
  const path = join(folder, file);
  console.log(`# ${path}`);
  const { output, code, signal, timedOut } = await runProgram(path);
  const counts = closingCounts(output);
  if (counts) report.add(counts.passed, counts.failed);
  if (timedOut) report.fail(`${path} ends within ${kProgramTimeoutMs / 1000} s`);
  else if (!counts) report.fail(`${path} counts its cases`, `exit ${code ?? signal}, no closing line`);
  else if (code !== 0 && counts.failed === 0) report.fail(`${path} exits with 0`, `exit ${code ?? signal}`);
}
report.finish();
