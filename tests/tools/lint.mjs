// Checks the text of what is tracked (and of new files): format, shell scripts, size, machine paths.
//
//   node tests/tools/lint.mjs
//
// One case per file and check. C++ is checked by clang-format 14 and SX by sx fmt (scripts/fmt mends it), scripts by
// shellcheck, JavaScript by `node --check`, the JSDoc types of the browser glue by tsc. clang-tidy 14
// (.clang-tidy says what for) reads the C++ files that differ from the merge base with the main branch, or
// without one from the last commit but one; it needs build/native configured, and stops after kTidySeconds.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { Report } from "./report.mjs";

const kMaxLines = 800;
const kTidySeconds = 100;
// Files that may be longer, each with its reason.
const kLongFiles = {
  "engine/vm/run.cpp": "the run loop: one function, one place",
};
const kBinary = /\.(png|jpe?g|gif|webp|ico|woff2|sxbc|wasm)$/;
// A home folder or a work tree written into a file works on one machine only.
const kMachinePaths = /[/](home[/][a-z]|root[/][a-z.]+[/]|Users[/][A-Za-z]|work[/](main|shared)|tmp[/]plan)/;
// Data of the tests: whatever the sites need, broken encodings included.
const kNotOurText = /^(tests\/sites\/|tests\/conformance\/data\/|.*package-lock\.json$|tests\/fuzz\/corpus\/)/;

// SX sources laid out as `sx fmt` does it; those in tests/golden are wrong on purpose.
const kFormatted = /^(lib|web\/sx|bench|tests\/(?!golden\/))\/?.*\.sx$/;

const report = new Report();
const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
  maxBuffer: 1 << 26,
})
  .split("\0")
  .filter((file) => {
    try {
      return file !== "" && statSync(file).isFile();
    } catch {
      return false;  // deleted, not yet committed
    }
  });

/** Only failures are printed one by one: thousands of `ok` lines would hide them. */
function check(good, name, detail) {
  if (good) report.passed++;
  else report.fail(name, detail);
}

/** Runs a checker over files and says for each whether it passed. */
function checkEach(what, list, command, leading) {
  for (const file of list) {
    const run = spawnSync(command, [...leading, file], { encoding: "utf8", maxBuffer: 1 << 26 });
    if (run.error) {
      report.fail(`${what}: ${command} runs`, `${run.error.message}: run scripts/setup test`);
      return;
    }
    check(run.status === 0, `${what}: ${file}`, `${run.stdout}${run.stderr}`.split("\n").slice(0, 12).join("\n"));
  }
}

const firstLine = (file) => readFileSync(file, "latin1").split("\n", 1)[0];
checkEach("format", files.filter((file) => /\.(cpp|h)$/.test(file)), "clang-format-14", ["--dry-run", "-Werror"]);
const sx = "build/native/sx";
if (existsSync(sx)) checkEach("format", files.filter((file) => kFormatted.test(file)), sx, ["fmt", "--check"]);
else console.log(`# SX sources: their format is not checked, there is no ${sx}: run scripts/build native`);
const scripts = files.filter(
  (file) => file.endsWith(".sh") || (/^(scripts|\.ci)\//.test(file) && /^#!.*\bbash\b/.test(firstLine(file))),
);
checkEach("shellcheck", scripts, "shellcheck", ["-x"]);
checkEach("syntax", files.filter((file) => /\.(mjs|js)$/.test(file) && !kNotOurText.test(file)), process.execPath, ["--check"]);

if (files.some((file) => /^web\/glue\/.*\.js$/.test(file))) {
  const run = spawnSync(process.execPath, ["tests/node_modules/typescript/bin/tsc", "-p", "tests/tsconfig.glue.json"], { encoding: "utf8" });
  check(run.status === 0, "types: web/glue/*.js", run.stdout);
}

for (const file of scripts) {
  const text = readFileSync(file, "utf8");
  check(file.endsWith("lib.sh") || /^set -euo pipefail$/m.test(text), `script: ${file} stops at the first failure`,
    "expected a line 'set -euo pipefail'");
}
for (const file of files) {
  if (kBinary.test(file) || kNotOurText.test(file)) continue;
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n").length - 1;
  if (!/\.(md|json|txt)$/.test(file)) {
    check(lines <= kMaxLines || file in kLongFiles, `size: ${file}`,
      `${lines} lines, at most ${kMaxLines}: split it by concept, or name it in tests/tools/lint.mjs with the reason`);
  }
  const at = text.split("\n").findIndex((line) => kMachinePaths.test(line));
  check(at < 0, `no path of one machine: ${file}`, at < 0 ? "" : `${file}:${at + 1}: ${text.split("\n")[at].trim()}`);
}

/** What git prints, or null when it refuses. @param {...string} args */
function git(...args) {
  const run = spawnSync("git", args, { encoding: "utf8", maxBuffer: 1 << 26 });
  return run.status === 0 ? run.stdout.trim() : null;
}

/** The commit that changes are counted from: where this branch left the main one, or the one before the last. */
function tidyBase() {
  const head = git("rev-parse", "HEAD");
  for (const main of ["origin/main", "origin/master", "main", "master"]) {
    const base = git("merge-base", "HEAD", main);
    if (base !== null && base !== head) return base;
  }
  return git("rev-parse", "--verify", "--quiet", "HEAD~1");
}

/** Runs clang-tidy over one file: "good", "skipped" (clang 14 does not compile it), or its findings. */
function tidy(file) {
  return new Promise((resolve) => {
    const child = spawn("clang-tidy-14", ["-p", "build/native", "--quiet", "--extra-arg=-Wno-unknown-warning-option", file], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text) => (output += text));
    child.on("error", (error) => resolve(error.message));
    child.on("close", () => {
      const found = output.split("\n").filter((line) => /\[[\w.-]+(,[\w.-]+)*\]$/.test(line));
      if (found.some((line) => line.includes("[clang-diagnostic-error"))) resolve("skipped");
      else resolve(found.length === 0 ? "good" : output);
    });
  });
}

async function tidyChanged() {
  const base = tidyBase();
  const database = "build/native/compile_commands.json";
  if (base === null || !existsSync(database)) {
    console.log(`# clang-tidy: nothing is checked, ${base === null ? "there is no earlier commit" : `there is no ${database}: run scripts/build native`}`);
    return;
  }
  const compiled = new Set(JSON.parse(readFileSync(database, "utf8")).map((entry) => entry.file));
  const changed = new Set((git("diff", "--name-only", base) ?? "").split("\n"));
  for (const file of (git("ls-files", "--others", "--exclude-standard") ?? "").split("\n")) changed.add(file);
  const queue = [...changed].filter((file) => file.endsWith(".cpp") && compiled.has(`${process.cwd()}/${file}`)).sort();
  const total = queue.length;
  const end = Date.now() + kTidySeconds * 1000;
  const skipped = [];
  await Promise.all([0, 1].map(async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      if (Date.now() > end) {
        queue.unshift(file);
        return;
      }
      const result = await tidy(file);
      if (result === "skipped") skipped.push(file);
      else check(result === "good", `clang-tidy: ${file}`, result.split("\n").slice(0, 20).join("\n"));
    }
  }));
  console.log(`# clang-tidy: ${total - queue.length - skipped.length} of ${total} files that differ from ${base.slice(0, 12)}` +
    (skipped.length > 0 ? `; clang 14 does not compile ${skipped.join(" ")}` : "") +
    (queue.length > 0 ? `; no time in ${kTidySeconds} s for ${queue.join(" ")}` : ""));
}

await tidyChanged();
const kinds = { "C++": /\.(cpp|h)$/, JavaScript: /\.(mjs|js)$/, SX: /\.sx$/, documents: /\.md$/ };
console.log(`# ${files.length} files: ${Object.entries(kinds).map(([kind, ending]) => `${files.filter((file) => ending.test(file)).length} ${kind}`).join(", ")}, ${scripts.length} scripts`);
report.finish();
