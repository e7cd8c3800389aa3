// Checks the documentation against the program: every example runs, every link leads somewhere.
//
//   node tests/tools/docs-check.mjs [PAGE…]     default: README.md and docs/**/*.md
//
// What stands in a page:
//   ```scheme                  forms, evaluated one by one in one `sx repl` for each page. A comment after a
//                              form says what happens: `;=> value` (as printed), `;=> error: part of the
//                              message`, `;>> a printed line`. Without one the form must not raise.
//                              (use m…) at the start of a block holds for the whole block.
//   ```scheme unit             the definitions of the block are compiled together with each other form of
//                              it, as in a file
//   ```scheme file=NAME        written to a scratch folder of the page, for its console blocks
//   ```scheme sketch           only has to be readable
//   ```console run             `$ command` and the output that it must have, run by bash in the scratch
//                              folder with `sx` in PATH; a line `…` stands for any lines, `…` in a line
//                              for any text
// Also checked: relative links and their anchors, paths of the tree in backticks, environment
// variables, that language.md has an example of every special form, that blog.md explains every
// variable that the server reads, and that the stories which web.md names as proof are there.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { Report } from "./report.mjs";
import { topLevelForms } from "./sx-forms.mjs";

const kRoot = resolve(import.meta.dirname, "../..");
const kSx = join(kRoot, "build/native/sx");
const kScratch = join(kRoot, "build/docs-check");
const kMark = "docs-check: end of form ";
// Environment variables that other programs read, or that only tests set.
const kForeignVariables = new Set(["SX_PROJECT_DIR"]);

const report = new Report();

/** Pages to check, relative to the root. */
function pages() {
  if (process.argv.length > 2) return process.argv.slice(2);
  const found = ["README.md"];
  for (const entry of readdirSync(join(kRoot, "docs"), { recursive: true })) {
    if (String(entry).endsWith(".md")) found.push(join("docs", String(entry)));
  }
  return found.sort();
}

/** The fenced blocks of a page: {line, info, text}. `line` is that of the block's first line. */
function fencedBlocks(text) {
  const blocks = [];
  let open = null;
  text.split("\n").forEach((line, index) => {
    const fence = /^(\s*)(`{3,})\s*([^`]*)$/.exec(line);
    if (!open && fence) open = { fence: fence[2], info: fence[3].trim(), line: index + 2, lines: [] };
    else if (open && fence && fence[3] === "" && fence[2].length >= open.fence.length) {
      blocks.push({ line: open.line, info: open.info, text: open.lines.join("\n") });
      open = null;
    } else if (open) open.lines.push(line);
  });
  if (open) throw new Error(`the block in line ${open.line} is not closed`);
  return blocks;
}

// ---- examples in SX ---------------------------------------------------------------------------------

/** Examples of a block: {where, source, expects: {value?, error?, printed[]}}. */
function examplesOf(page, block, asUnit) {
  const { forms, problem } = topLevelForms(block.text);
  if (problem) {
    report.fail(`${page}:${block.line}: the example can be read`, problem);
    return [];
  }
  let before = "";  // what is compiled with every example of the block
  const examples = [];
  forms.forEach((form, index) => {
    if (/^\(use\s/.test(form.text) || (asUnit && /^\(def/.test(form.text))) {
      before += `${form.text} `;
      return;
    }
    const after = block.text.slice(form.end, forms[index + 1]?.start ?? block.text.length);
    const expects = { printed: [] };
    for (const [, kind, text] of after.matchAll(/;(=>|>>)[ \t]*(.*)/g)) {
      const said = text.trimEnd();
      if (kind === ">>") expects.printed.push(said);
      else if (said.startsWith("error: ")) expects.error = said.slice(7);
      else expects.value = said;
    }
    const line = block.line + block.text.slice(0, form.start).split("\n").length - 1;
    examples.push({ where: `${page}:${line}`, source: before + form.text, shown: form.text, expects });
  });
  return examples;
}

/** Runs all examples in one process and compares. */
function runExamples(examples) {
  if (examples.length === 0) return;
  const input = examples.map((one, n) => `${one.source}\n"${kMark}${n}"\n`).join("");
  const run = spawnSync("sh", ["-c", `exec "${kSx}" repl 2>&1`], {
    input, encoding: "utf8", cwd: kRoot, maxBuffer: 1 << 28, timeout: 120_000,
  });
  let at = 0;
  examples.forEach((one, n) => {
    const mark = `"${kMark}${n}"\n`;
    const end = run.stdout.indexOf(mark, at);
    const title = `${one.where}: ${one.shown.replace(/\s+/g, " ").slice(0, 70)}`;
    if (end < 0) {
      report.fail(title, `no answer: the process ended with ${run.status ?? run.signal}`);
      return;
    }
    const problem = compareAnswer(run.stdout.slice(at, end), one.expects);
    report.check(!problem, title, problem);
    at = end + mark.length;
  });
}

/** What is wrong with the answer of the REPL, or null. */
function compareAnswer(output, { value, error, printed }) {
  const lines = output.replace(/\n$/, "").split("\n");
  const failed = lines.findIndex((line) => line.startsWith("error: "));
  if (error !== undefined) {
    if (failed < 0) return `expected the error ${error}\ngot ${output}`;
    return lines.slice(failed).join("\n").includes(error) ? null : `expected the error ${error}\ngot ${lines.slice(failed).join("\n")}`;
  }
  if (failed >= 0) return `expected no error\ngot ${lines.slice(failed).join("\n")}`;
  const got = lines.pop();
  if (printed.length > 0 && printed.join("\n") !== lines.join("\n")) {
    return `expected the printed lines\n${printed.join("\n")}\ngot\n${lines.join("\n")}`;
  }
  if (value === undefined || value === got) return null;
  return `expected ${value}\ngot      ${got}`;
}

// ---- examples of the shell --------------------------------------------------------------------------

function runConsole(page, block, folder) {
  const steps = [];
  for (const line of block.text.split("\n")) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), expected: [] });
    else if (steps.length > 0) steps.at(-1).expected.push(line);
  }
  if (steps.length === 0) report.fail(`${page}:${block.line}: a console block has a command`, "no line begins with '$ '");
  for (const { command, expected } of steps) {
    const env = { PATH: `${dirname(kSx)}:${process.env.PATH}`, HOME: folder, LANG: "C.UTF-8" };
    const run = spawnSync("bash", ["-c", `exec 2>&1; ${command}`], { cwd: folder, encoding: "utf8", env, timeout: 60_000 });
    while (expected.at(-1) === "") expected.pop();
    const pattern = expected
      .map((line) => (line === "…" ? "(?:.*\n)*?" : `${escapePattern(line).replaceAll("…", ".*")}\n`))
      .join("");
    const got = run.stdout.trimEnd() === "" ? "" : `${run.stdout.trimEnd()}\n`;
    report.check(new RegExp(`^${pattern}$`).test(got), `${page}:${block.line}: $ ${command}`,
      `expected\n${expected.join("\n")}\ngot\n${got}`);
  }
}

function escapePattern(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

// ---- links, names ------------------------------------------------------------------------------------

/** The anchors of a page, as GitHub makes them of headings. */
function anchorsOf(text) {
  const seen = new Map();
  const anchors = new Set();
  for (const [, heading] of text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#{1,6}\s+(.*?)\s*$/gm)) {
    const base = heading.toLowerCase().replace(/[`*]/g, "").replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const times = seen.get(base) ?? 0;
    seen.set(base, times + 1);
    anchors.add(times === 0 ? base : `${base}-${times}`);
  }
  return anchors;
}

function checkLinks(page, text) {
  const prose = text.replace(/^(`{3,})[\s\S]*?^\1/gm, "").replace(/`[^`\n]*`/g, "");
  for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file, anchor] = target.split("#");
    const path = file === "" ? page : normalize(join(dirname(page), file));
    if (!existsSync(join(kRoot, path))) report.fail(`${page}: the link to ${target} leads to a file`, `${path} is missing`);
    else if (anchor && !anchorsOf(readFileSync(join(kRoot, path), "utf8")).has(anchor)) {
      report.fail(`${page}: the link to ${target} leads to a heading`, `${path} has no heading #${anchor}`);
    } else report.passed++;
  }
}

const kFolders = "engine|server|web|lib|scripts|tests|bench|docs|cmake|static|playwright|\\.ci";

/** Paths of the tree in backticks exist. Patterns (*), placeholders (NAME, …) and addresses are left out. */
function checkPaths(page, text, shown) {
  for (const [, path] of text.matchAll(new RegExp(`\`((?:${kFolders})/[A-Za-z0-9_./-]*[A-Za-z0-9_/-])\``, "g"))) {
    if (/\b[A-Z]{4,}\b/.test(path) || shown.has(path)) continue;
    report.check(existsSync(join(kRoot, path)), `${page}: ${path} exists`, "no such file or folder");
  }
}

function checkVariables(page, text, known) {
  for (const name of new Set(text.match(/\bSX_[A-Z][A-Z_]*[A-Z]\b/g))) {
    // Macros of the C++ sources (SX_OP, SX_TRY, …) are not variables of the environment.
    if (kForeignVariables.has(name) || known.has(name)) report.passed++;
    else report.fail(`${page}: ${name} is a name of the tree`, "no source mentions it");
  }
}

/** Every name SX_… that a source, a script or a library mentions. */
function knownVariables() {
  const out = execFileSync("git", ["grep", "-hoE", "--untracked", "\\bSX_[A-Z][A-Z_]*", "--", "engine", "server", "scripts", "lib", "web", "tests", "cmake"],
    { cwd: kRoot, encoding: "utf8", maxBuffer: 1 << 26 });
  return new Set(out.split("\n"));
}

/** Every variable that the server reads is in the table of settings, and so explained to operators. */
function checkEveryVariable(guide) {
  const out = execFileSync("git", ["grep", "-hoE", "--untracked", '(env_or|getenv)\\("SX_[A-Z_]+"', "--", "server", ":!*test*"], { cwd: kRoot, encoding: "utf8" });
  for (const name of new Set(out.match(/SX_[A-Z_]+/g)))
    report.check(guide.includes(`\`${name}\``), `docs/configuration.md explains ${name}`, "the server reads it");
}

/** Tests that a page cites, `path` “name of the test”, are there; more names may follow the first. */
function checkCitedTests(page, text) {
  for (const [, path, names] of text.matchAll(/`((?:lib|server|tests|playwright)\/[\w./-]+)` ((?:“[^”]+”(?:, )?)+)/g)) {
    const source = existsSync(join(kRoot, path)) ? readFileSync(join(kRoot, path), "utf8") : "";
    for (const [, name] of names.matchAll(/“([^”]+)”/g))
      report.check(source.includes(name), `${page}: ${path} has the test "${name}"`, "no such test");
  }
}

function checkEveryForm(language) {
  const table = readFileSync(join(kRoot, "engine/compiler/special_forms.def"), "utf8");
  const code = fencedBlocks(language).filter((b) => b.info.startsWith("scheme")).map((b) => b.text).join("\n");
  const shorthand = { quote: "'", quasiquote: "`", unquote: ",", "unquote-splicing": ",@" };
  for (const [, name] of table.matchAll(/^SX_(?:INLINE_)?FORM\("([^"%][^"]*)"/gm)) {
    const used = code.includes(`(${name} `) || code.includes(`(${name})`) || (shorthand[name] && code.includes(shorthand[name]));
    report.check(used, `docs/language.md has an example of ${name}`, "a special form without an example");
  }
}

/** The last column of the tables: "FILE: words of its names, others; FILE", of playwright/ or a test in web/sx/. */
function checkStories(page, text) {
  for (const line of text.split("\n").filter((one) => /^\| (?!feature|#)/.test(one))) {
    const cells = line.split(" | ");
    for (const part of cells[cells.length - 1].replace(/ \|$/, "").split("; ")) {
      const [, name, words = ""] = /^([\w/.-]+)(?:: (.*))?$/.exec(part) ?? [];
      if (!name) continue;
      const file = name.includes("/") ? name : `playwright/${name}-test.mjs`;
      if (!existsSync(join(kRoot, file))) {
        report.fail(`${page}: ${file} is there`, line);
        continue;
      }
      const stories = readFileSync(join(kRoot, file), "utf8").replaceAll('\\"', '"');
      for (const word of words.split(", ").filter(Boolean))
        report.check(stories.includes(word.replaceAll("`", "")), `${page}: ${file} tells of "${word}"`, line);
    }
  }
}

// ------------------------------------------------------------------------------------------------------

if (!existsSync(kSx)) {
  report.fail("build/native/sx is there", "run scripts/build native");
  report.finish();
  process.exit();
}
rmSync(kScratch, { recursive: true, force: true });
const known = knownVariables();
for (const page of pages()) {
  const path = join(kRoot, page);
  if (!existsSync(path) || !statSync(path).isFile()) {
    report.fail(`${page} is there`);
    continue;
  }
  const text = readFileSync(path, "utf8");
  const folder = join(kScratch, page.replace(/\W+/g, "-"));
  let blocks = [];
  const examples = [];
  try {
    blocks = fencedBlocks(text);
  } catch (error) {
    report.fail(`${page}: blocks are closed`, error.message);
  }
  mkdirSync(folder, { recursive: true });
  const shown = new Set();  // files that the page itself makes
  for (const block of blocks) {
    const [language, ...words] = block.info.split(/\s+/);
    const file = words.find((word) => word.startsWith("file="))?.slice(5);
    if (file) {
      shown.add(file);
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${block.text}\n`);
    } else if (language === "scheme") {
      const found = examplesOf(page, block, words.includes("unit"));
      if (!words.includes("sketch")) examples.push(...found);
    } else if (language === "console" && words.includes("run")) runConsole(page, block, folder);
  }
  runExamples(examples);
  checkLinks(page, text);
  checkPaths(page, text, shown);
  checkVariables(page, text, known);
  checkCitedTests(page, text);
  if (page === "docs/language.md") checkEveryForm(text);
  if (page === "docs/web.md") checkStories(page, text);
  if (page === "docs/configuration.md") checkEveryVariable(text);
}
report.finish();
