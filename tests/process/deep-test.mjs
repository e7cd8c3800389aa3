// Nothing that is nested deep needs a deep C++ stack: data 1,000,000 levels deep is made, printed,
// read, compared, hashed and walked on a stack of 256 KB; source that nests as deep is compiled
// where it is data, and refused with a sentence where it is code.
//
//   SX_SANITIZED=1 SX_BINARY=build/asan/sx node tests/process/deep-test.mjs    not as deep: it is slow
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, expect, finish, root as project, test } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "sx-deep-"));
const deep = join(project, "tests/parity/programs/deep.sx");

/** Runs a command with a C++ stack of so many KB. */
function run(stackKb, ...command) {
  const { status, signal, stdout, stderr } = spawnSync("bash", ["-c", 'ulimit -s "$1"; shift; exec "$@"', "bash", String(stackKb), ...command], {
    cwd: project, encoding: "utf8", timeout: 300_000, maxBuffer: 1 << 28,
  });
  return { status: status ?? signal, stdout, stderr: stderr.slice(0, 2000) };
}

/** The lines of deep.sx with what grows with the depth taken out. */
function lines({ status, stdout, stderr }, depth) {
  expect.equal(status, 0, stderr);
  return stdout.replace(/\b\d{4,}\b/g, (n) => `${Math.floor(Number(n) / depth)}·depth+${Number(n) % depth}`);
}

// What runs it, how deep, on how many KB of stack. The sanitizers' frames and the JavaScript engine
// take more of it.
const sanitized = Boolean(process.env.SX_SANITIZED);
const kDeep = sanitized ? 100_000 : 1_000_000;
const ways = [["natively", [binary], kDeep, sanitized ? 512 : 256]];
const wasm = join(project, "scripts/sx-wasm");
if (existsSync(join(project, "build/wasm/kernel.wasm")) && !sanitized) ways.push(["in WASM", [wasm], 200_000, 8192]);

const source = {
  data: {
    "lists": ["(print (count '", "(", ")", "))"],
    "vectors": ["(print (count '", "[", "]", "))"],
    "vectors that are evaluated": ["(print (count ", "[", "]", "))", "1"],
    "dicts": ["(print (count '", "{:a ", "}", "))", "1"],
    "sets": ["(print (count '", "#{", "}", "))", "1"],
    "records": ["(print (count (list '", "#p{:a ", "}", ")))", "1"],
    "quotes": ["(print (count (list ", "'", "", ")))", "x"],
    "comments": ["#|", "#|", "|#", "|#(print 1)"],
    "datum comments": ["(print 1 ", "#;", "", ")", "x ".repeat(kDeep)],
  },
  code: {
    "calls": ["(print ", "(+ 1 ", ")", ")", "0"],
    "bare parentheses": ["", "(", ")", ""],
    "callees": ["", "(", ")", "", "f"],
    "conditionals": ["(print ", "(if true ", ")", ")", "1"],
    "let": ["(print ", "(let ((x 1)) ", ")", ")", "x"],
    "functions": ["(print ", "(fn () ", ")", ")", "1"],
    "guard": ["(print ", "(guard (e (else 1)) ", ")", ")", "1"],
    "protect": ["(print ", "(protect ", " 2)", ")", "1"],
    "elements": ["(print ", "(div ", ")", ")", "1"],
    "templates": ["(print (count `", "(", ")", "))", ",1"],
    "templates of templates": ["(print (count (list ", "`", "", ")))", "x"],
    "patterns": ["(print (match 1 (", "(list ", ")", " 1) (_ 2)))", "x"],
    "binding patterns": ["(let ((", "[", "]", " 5)) x)", "x"],
    "clauses": ["(print (cond ", "(false 1) ", "", "(else 2)))"],
    "steps": ["(print (-> 1 ", "inc ", "", "))"],
    "do": ["(print ", "(do ", ")", ")", "1"],
  },
};
function write(name, [before, open, close, after, middle = ""], depth) {
  const file = join(folder, `${name.replaceAll(" ", "-")}.sx`);
  writeFileSync(file, before + open.repeat(depth) + middle + close.repeat(depth) + after);
  return file;
}

try {
  let expected;
  for (const [name, command, depth, stack] of ways)
    await test(`data ${depth.toLocaleString("en")} levels deep is handled ${name} on ${stack} KB of stack`, () => {
      const got = lines(run(stack, ...command, "run", deep, String(depth)), depth);
      expected ??= got;
      expect.equal(got, expected);
      expect.equal(got.trim().split("\n").length, 19);
      expect.ok(!got.replace(/(true ){4}false 1 :found/g, "").includes("false"), got);
    });
  const told = kDeep.toLocaleString("en");
  for (const [kind, parts] of Object.entries(source.data))
    await test(`source with ${kind} nested ${told} deep is read and compiled`, () => {
      const { status, stdout, stderr } = run(sanitized ? 512 : 256, binary, "run", write(kind, parts, kDeep));
      expect.equal(status, 0, stderr);
      expect.equal(stdout, "1\n");
    });
  for (const [kind, parts] of Object.entries(source.code))
    await test(`code with ${kind} nested ${told} deep is refused, not crashed on`, () => {
      // Code may nest 1,000 deep; the compiler takes about 1 KB of stack for each level.
      const { status, stdout, stderr } = run(sanitized ? 8192 : 2048, binary, "run", write(kind, parts, kDeep));
      if (status === 0) {
        expect.match(stdout, /^[012]\n$/);
        return;
      }
      expect.equal(status, 1, stderr);
      expect.match(stderr, /nests? (too deeply|more than \d+ deep)/);
    });
} finally {
  rmSync(folder, { recursive: true });
}
finish();
