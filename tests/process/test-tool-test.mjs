// sx test and sx doc as people and programs use them: what is chosen, shown, counted, and given back.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, expect, finish, root, test } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "sx-test-"));

/** Runs `sx` in the folder. @param {string[]} args */
function sx(args, input = "") {
  const { status, stdout, stderr } = spawnSync(binary, args, { cwd: folder, input, encoding: "utf8" });
  return { status, stdout: stdout.replaceAll(/\d+ ms/g, "N ms"), stderr };
}
const file = (name, text) => writeFileSync(join(folder, name), text);

file("good-test.sx", '(use test)\n(test "adds" (check= 3 (+ 1 2)))\n(test "joins" (check= "ab" (str "a" "b")))\n');
file("bad-test.sx", '(use test)\n(test "a dict" (check= {:a 1 :b 2} (assoc {:a 1} :b 3)))\n' +
  '(test "raises" (print "loud") (first 5))\n(test "adds too" (check (= 2 (+ 1 1))))\n');
file("broken-test.sx", '(use test)\n(test "x" (chekc 1))\n');
mkdirSync(join(folder, "tree/sub"), { recursive: true });
file("tree/one-test.sx", '(use test)\n(test "one" (check true))\n');
file("tree/sub/two-test.sx", '(use test)\n(test "two" (check true))\n');
file("tree/library.sx", "(this is no test)\n");

const kBadOutput = "bad-test.sx:2: a dict: not as expected: (assoc {:a 1} :b 3)\n    - expected  + got\n      {\n" +
  "       … 1 equal\n    -  :b 2\n    +  :b 3\n      }\nloud\n" +
  'bad-test.sx:3: raises: raised :type-error: first: Expected list, got integer\n  at test "raises" (bad-test.sx:3:31)\n' +
  "# 1 file, N ms\n1 passed, 2 failed\n";

try {
  await test("passing tests are counted, status 0", () => {
    expect.deepEqual(sx(["test", "good-test.sx"]), { status: 0, stdout: "# 1 file, N ms\n2 passed, 0 failed\n", stderr: "" });
  });

  await test("failing tests are shown with their differences, status 1", () => {
    expect.deepEqual(sx(["test", "bad-test.sx"]), { status: 1, stdout: kBadOutput, stderr: "" });
  });

  await test("a raised value that is no error is shown with its place", () => {
    file("raise-test.sx", "(use test)\n(define (price item)\n  (raise {:no-price item}))\n" +
      '(test "a dict" (price :tea))\n(test "a number" (map (fn (x) (raise 42)) [1]))\n');
    expect.deepEqual(sx(["test", "raise-test.sx"]), { status: 1, stderr: "", stdout:
      "raise-test.sx:4: a dict: raised {:no-price :tea}\n  at price (raise-test.sx:3:3)\n" +
      'raise-test.sx:5: a number: raised 42\n  at test "a number" (raise-test.sx:5:31)\n# 1 file, N ms\n0 passed, 2 failed\n' });
  });

  await test("folders are searched for *-test.sx", () => {
    const { stdout } = sx(["test", "--names", "tree"]);
    expect.equal(stdout, "# tree/one-test.sx\nok   one (N ms)\n# tree/sub/two-test.sx\nok   two (N ms)\n# 2 files, N ms\n2 passed, 0 failed\n");
  });

  await test("a file named twice runs once", () => {
    expect.match(sx(["test", "tree", "tree/one-test.sx"]).stdout, /2 passed, 0 failed\n$/);
  });

  await test("--filter runs what has the text in its name", () => {
    expect.deepEqual(sx(["test", "--filter", "adds", "good-test.sx", "bad-test.sx"]),
      { status: 0, stdout: "# 2 files, N ms, 3 skipped\n2 passed, 0 failed\n", stderr: "" });
    const nothing = sx(["test", "--filter", "nowhere", "good-test.sx"]);
    expect.deepEqual(nothing, { status: 2, stdout: "", stderr: "error: no test has nowhere in its name (2 were skipped)\n" });
  });

  await test("--json is one object, what tests print goes to stderr", () => {
    const { status, stdout, stderr } = sx(["test", "--json", "good-test.sx", "bad-test.sx", "broken-test.sx"]);
    expect.equal(status, 1);
    expect.equal(stderr, "loud\n");
    const report = JSON.parse(stdout);
    expect.deepEqual([report.passed, report.failed, report.skipped], [3, 3, 0]);
    expect.deepEqual(report.files.map(({ file: name }) => name), ["good-test.sx", "bad-test.sx", "broken-test.sx"]);
    expect.deepEqual(report.files[0].cases.map(({ name, line, ok }) => ({ name, line, ok })),
      [{ name: "adds", line: 2, ok: true }, { name: "joins", line: 3, ok: true }]);
    expect.match(report.files[1].cases[0].failures[0], /\n {4}- {2}:b 2\n {4}\+ {2}:b 3\n/);
    expect.match(report.files[2].error, /^broken-test\.sx:2:12: Unbound name: chekc/);
    expect.deepEqual(report.files[2].cases, []);
  });

  if (existsSync(join(root, "build/wasm/kernel.wasm"))) {
    await test("--engine wasm says the same", () => {
      expect.deepEqual(sx(["test", "--engine", "wasm", "bad-test.sx"]), { status: 1, stdout: kBadOutput, stderr: "" });
      const { stdout, status } = sx(["test", "--engine", "wasm", "--json", "--filter", "adds", "bad-test.sx", "good-test.sx"]);
      expect.equal(status, 0);
      const report = JSON.parse(stdout.replaceAll(/"N ms"/g, "0"));
      expect.deepEqual([report.passed, report.failed, report.skipped], [2, 0, 3]);
      expect.equal(sx(["test", "--engine", "wasm", "broken-test.sx"]).status, 1);
    });
  }

  await test("every name of the reference has its manual, in the project and away from it", () => {
    const reference = readFileSync(join(root, "docs/reference.md"), "utf8");
    const names = [...new Set([...reference.matchAll(/^\| `\(?([^\s)`]+)/gm)].map((match) => match[1]))].filter((name) => name !== "form");
    expect.ok(names.length > 400, String(names.length));
    for (const cwd of [root, folder]) {
      const { stderr } = spawnSync(binary, ["repl"], { cwd, input: names.map((name) => `,doc ${name}\n`).join(""), encoding: "utf8", maxBuffer: 1 << 24 });
      expect.equal(stderr, "");
    }
  });

  await test("every special form and IO op has its manual", () => {
    const table = (path, pattern) => [...readFileSync(join(root, path), "utf8").matchAll(pattern)].map((match) => match[1]);
    const names = [
      ...table("engine/compiler/special_forms.def", /^SX_(?:INLINE_)?FORM\("([^"%][^"]*)"/gm),
      ...table("engine/io/io_ops.def", /^SX_IO\("([^"]+)"/gm),
    ];
    expect.ok(names.length > 60, String(names.length));
    expect.equal(sx(["repl"], names.map((name) => `,doc ${name}\n`).join("")).stderr, "");
  });

  await test("doc --json is one object", () => {
    const found = JSON.parse(sx(["doc", "--json", "string/trim"]).stdout);
    expect.deepEqual({ ...found, text: "" }, { name: "string/trim", kind: "primitive", usage: "(string/trim s)", text: "", module: "" });
    expect.equal(JSON.parse(sx(["doc", "--json", "check="]).stdout).kind, "macro");
    expect.equal(JSON.parse(sx(["doc", "--json", "persist/log"]).stdout).kind, "module");
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
finish();
