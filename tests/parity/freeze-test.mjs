// A frozen fiber goes on where its bytes go: in another process, in the kernel, and back. Every
// stop of the program is made in a process of its own; whichever sides take turns, the answers are
// the same.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Report } from "../tools/report.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const sides = { native: join(project, "build/native/sx"), kernel: join(project, "scripts/sx-wasm") };
const folder = mkdtempSync(join(tmpdir(), "sx-freeze-"));
const report = new Report();

/** @param {"native" | "kernel"} side @param {string[]} args */
function run(side, ...args) {
  const { status, stdout, stderr } = spawnSync(sides[side], args, { cwd: project, encoding: "utf8", timeout: 120_000 });
  return { status, lines: stdout.split("\n").filter(Boolean), stderr };
}

const source = join(project, "tests/parity/programs/frozen.sx");
const bundle = join(folder, "frozen.sxbc");
const built = run("native", "build", "-o", bundle, source);
report.check(built.status === 0, "the program builds", built.stderr);

/** Runs the program to its end, the next side at each stop. @param {string[]} turns @param {string[]} answers */
function journey(turns, answers, file = bundle) {
  const said = [];
  let frozen;
  for (let i = 0; i <= answers.length; i++) {
    const args = i === 0 ? ["start"] : ["go", frozen, answers[i - 1]];
    const { status, lines, stderr } = run(turns[i % turns.length], "run", file, ...args);
    if (status !== 0) return { said, stderr };
    said.push(lines[0]);
    frozen = lines[1];
  }
  return { said, stderr: "", frozen };
}

const expected = {
  "to its end": [["Ada", "12", "yes"],
    ["request {:ask \"name\" :in \"EUR\"}", "request {:ask \"price\" :in \"EUR\"}", "request {:ask \"sure, Ada?\" :in \"EUR\"}"],
    /^end \{:done \[#item\{:name "Ada" :price "12"\} 11 23 23 "yes" true true true \(0\.1 0\.1 0\.1\) "begun and ended for Ada" #\{1 :a "b"\} \(1 2\.5 "zwölf 😀" #u8"\\x0;\\xFF;" #\\ä :key symbol 123456789012345678901234567890\) \+nan\.0 "<div class=\\"order\\" title=\\"Ada\\"><span>12<\/span>&lt;&amp;&gt;<\/div>" "EUR"\]\}$/],
  "to an error, with its cleanup": [["Bob", "3", "no"], undefined, /^end \{:done \[:failed :cancelled \(:cleaned\)\]\}$/],
};
const journeys = {
  "native → native, each in a process of its own": ["native"],
  "kernel → kernel": ["kernel"],
  "native → kernel → native → kernel": ["native", "kernel"],
  "kernel → native → kernel → native": ["kernel", "native"],
};
for (const [what, [answers, stops, end]] of Object.entries(expected)) {
  for (const [name, turns] of Object.entries(journeys)) {
    const { said, stderr } = journey(turns, answers);
    const good = said.length === 4 && (!stops || stops.every((stop, i) => said[i] === stop)) && end.test(said[3] ?? "");
    report.check(good, `${name}: ${what}`, `${said.join("\n")}\n${stderr}`);
  }
}

// The same fiber has the same bytes on both sides.
const [here, there] = [run("native", "run", bundle, "start"), run("kernel", "run", bundle, "start")];
report.check(here.status === 0 && here.lines[1] === there.lines[1], "both sides freeze to the same bytes",
  `${here.lines[1]?.length} and ${there.lines[1]?.length} digits\n${here.stderr}${there.stderr}`);

// Refusals are the same sentences, and end a program with status 1.
const good = here.lines[1] ?? "";
const other = join(folder, "other.sxbc");
const changed = join(folder, "frozen.sx");
writeFileSync(changed, "(define (main mode &opt frozen answer) (fiber/step (thaw (hex/decode frozen)) answer nil))\n");
run("native", "build", "-o", other, changed);
const refusals = {
  "cut off": [bundle, good.slice(0, good.length - 10), /cut off: \d+ of \d+ bytes are here/],
  "not frozen": [bundle, "00" + good.slice(2), /no frozen fiber: expected them to begin with SXFF/],
  "of another format": [bundle, good.slice(0, 8) + "07" + good.slice(10), /frozen in format 7, this engine thaws format 1/],
  "of other tables": [bundle, good.slice(0, 20) + (good[20] === "0" ? "1" : "0") + good.slice(21), /frozen by an engine with the tables [0-9a-f]+, this one has [0-9a-f]+: thaw it with the version of sx that froze it/],
  "damaged": [bundle, good.slice(0, 400) + (good[400] === "0" ? "1" : "0") + good.slice(401), /damaged: the content has the hash [0-9a-f]+, the header says [0-9a-f]+/],
  "without its code": [other, good, /it runs in frozen \([0-9a-f]+\), which is not loaded here: load the bundle/],
};
for (const [name, [file, bytes, sentence]] of Object.entries(refusals)) {
  const [native, kernel] = [run("native", "run", file, "go", bytes, "x"), run("kernel", "run", file, "go", bytes, "x")];
  report.check(native.status === 1 && sentence.test(native.stderr), `bytes ${name} are refused`, native.stderr);
  const first = (/** @type {string} */ text) => text.split("\n")[0];
  report.check(kernel.status === 1 && first(kernel.stderr) === first(native.stderr), `bytes ${name}: the kernel refuses with the same sentence`, `${native.stderr}\n${kernel.stderr}`);
}

rmSync(folder, { recursive: true, force: true });
report.finish();
