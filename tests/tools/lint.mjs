// Checks the text of what is tracked (and of new files): format, shell scripts, size, machine paths.
//
//   node tests/tools/lint.mjs
//
// One case per file and check. C++ is checked by clang-format 14 (scripts/fmt mends it), scripts by
// shellcheck, JavaScript by `node --check`, the JSDoc types of the browser glue by tsc.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { Report } from "./report.mjs";

const kMaxLines = 800;
// Files that may be longer, each with its reason.
const kLongFiles = {
  "engine/vm/run.cpp": "the run loop: one function, one place",
};
const kBinary = /\.(png|jpe?g|gif|webp|ico|woff2|sxbc|wasm)$/;
// A home folder or a work tree written into a file works on one machine only.
const kMachinePaths = /[/](home[/][a-z]|root[/][a-z.]+[/]|Users[/][A-Za-z]|work[/](main|shared)|tmp[/]plan)/;
// Data of the tests: whatever the sites need, broken encodings included.
const kNotOurText = /^(tests\/sites\/|tests\/conformance\/data\/|.*package-lock\.json$|tests\/fuzz\/corpus\/)/;

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
report.finish();
