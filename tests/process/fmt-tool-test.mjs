// sx fmt and sx build as somebody uses them: what is written, what is left alone, what is said.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, expect, finish, root, test } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "sx-fmt-"));

/** Runs `sx` in the folder. @param {string[]} args @param {string} [input] */
function sx(args, input = "") {
  const { status, stdout, stderr } = spawnSync(binary, args, { cwd: folder, input, encoding: "utf8" });
  return { status, stdout, stderr };
}
const file = (name, text) => writeFileSync(join(folder, name), text);
const text = (name) => readFileSync(join(folder, name), "utf8");
const kUgly = "(define (f x)\n(when x\n   (g  x )))  ; why\n";
const kGood = "(define (f x)\n  (when x\n    (g x)))  ; why\n";

try {
  await test("fmt writes the formatted text in place and names the file", () => {
    file("a.sx", kUgly);
    chmodSync(join(folder, "a.sx"), 0o640);
    expect.deepEqual(sx(["fmt", "a.sx"]), { status: 0, stdout: "a.sx: formatted\n", stderr: "" });
    expect.equal(text("a.sx"), kGood);
    expect.equal(statSync(join(folder, "a.sx")).mode & 0o777, 0o640);
    expect.deepEqual(sx(["fmt", "a.sx"]), { status: 0, stdout: "", stderr: "" });
  });

  await test("fmt --check changes nothing and has status 1 when something would change", () => {
    file("a.sx", kUgly);
    file("b.sx", kGood);
    expect.deepEqual(sx(["fmt", "--check", "a.sx", "b.sx"]), {
      status: 1,
      stdout: "a.sx: is not formatted\n",
      stderr: "1 of 2 files would change: run sx fmt on them\n",
    });
    expect.equal(text("a.sx"), kUgly);
    expect.equal(sx(["fmt", "--check", "b.sx"]).status, 0);
  });

  await test("fmt --diff shows what would change", () => {
    file("a.sx", kUgly);
    const { status, stdout } = sx(["fmt", "--diff", "a.sx"]);
    expect.equal(status, 0);
    expect.equal(stdout, "--- a.sx\n+++ a.sx (formatted)\n@@ -1,3 +1,3 @@\n (define (f x)\n-(when x\n-   (g  x )))  ; why\n" +
      "+  (when x\n+    (g x)))  ; why\n");
    expect.equal(text("a.sx"), kUgly);
    // What diff -u makes of it, patch understands.
    const patched = spawnSync("git", ["apply", "--check", "-p0", "--unsafe-paths", "-"], {
      cwd: folder,
      input: stdout.replace("a.sx (formatted)", "a.sx"),
      encoding: "utf8",
    });
    expect.equal(patched.stderr, "");
  });

  await test("fmt - formats stdin to stdout", () => {
    expect.deepEqual(sx(["fmt", "-"], kUgly), { status: 0, stdout: kGood, stderr: "" });
  });

  await test("fmt formats the sources of a folder", () => {
    mkdirSync(join(folder, "tree/sub"), { recursive: true });
    file("tree/one.sx", "( a )");
    file("tree/sub/two.sx", "( b )");
    file("tree/notes.txt", "( c )");
    expect.equal(sx(["fmt", "tree"]).stdout, "tree/one.sx: formatted\ntree/sub/two.sx: formatted\n");
    expect.equal(text("tree/notes.txt"), "( c )");
  });

  await test("a source that does not read is told with its place and left alone; the others are formatted", () => {
    file("bad.sx", "(define x\n  (f 1]\n");
    file("a.sx", kUgly);
    const { status, stdout, stderr } = sx(["fmt", "bad.sx", "a.sx"]);
    expect.equal(status, 1);
    expect.equal(stdout, "a.sx: formatted\n");
    expect.equal(stderr, "error: bad.sx:2:7: Found `]`, expected `)` to close the `(` at 2:3\n" +
      "     2 |   (f 1]\n       |       ^\n");
    expect.equal(text("bad.sx"), "(define x\n  (f 1]\n");
  });

  await test("stdin that does not read shows its line", () => {
    expect.equal(sx(["fmt", "-"], "(a").stderr,
      "error: <stdin>:1:3: Found the end of the text inside the list that starts at 1:1, expected `)`\n     1 | (a\n       | ^\n");
  });

  await test("a missing file is wrong usage", () => {
    expect.deepEqual(sx(["fmt", "none.sx"]), { status: 2, stdout: "", stderr: "error: none.sx: no such file or folder\n" });
  });

  await test("a link stays a link", () => {
    file("target.sx", "( a )");
    symlinkSync("target.sx", join(folder, "link.sx"));
    expect.equal(sx(["fmt", "link.sx"]).status, 0);
    expect.equal(text("target.sx"), "(a)\n");
    expect.ok(spawnSync("test", ["-L", join(folder, "link.sx")]).status === 0);
  });

  await test("the libraries of this project read the same before and after", () => {
    expect.equal(spawnSync(binary, ["fmt", "--diff", "lib", "web/sx", "tests/conformance", "bench"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 }).status, 0);
  });

  await test("a bundle that cannot be written whole is not written at all", () => {
    file("p.sx", "(print 1)\n");
    file("out.sxbc", "what was there");
    const { status, stderr } = sx(["build", "-o", "/dev/full", "p.sx"]);
    expect.equal(status, 1);
    expect.equal(stderr, "error: /dev/full: writing failed: No space left on device\n");
    // A limit on the size of files stands in for a full disk.
    const limited = spawnSync("bash", ["-c", `trap '' XFSZ; ulimit -f 0; exec "$0" build -o out.sxbc p.sx`, binary], { cwd: folder, encoding: "utf8" });
    expect.equal(limited.status, 1);
    expect.match(limited.stderr, /^error: out\.sxbc: writing failed: File too large; what was there before is unchanged\n$/);
    expect.equal(text("out.sxbc"), "what was there");
    expect.deepEqual(readdirSync(folder).filter((name) => name.includes(".tmp")), []);
  });

  await test("a folder that is not there or not ours is named", () => {
    expect.match(sx(["build", "-o", "none/out.sxbc", "p.sx"]).stderr, /^error: none\/out\.sxbc: cannot be written: No such file or directory\n$/);
    expect.match(sx(["build", "-o", "tree", "p.sx"]).stderr, /^error: tree: cannot be written: Is a directory\n$/);
  });

  await test("build --json says what was written", () => {
    const { status, stdout } = sx(["build", "--json", "-o", "p.sxbc", "p.sx"]);
    expect.equal(status, 0);
    const report = JSON.parse(stdout);
    expect.deepEqual({ ...report, bytes: 0 }, { file: "p.sxbc", bytes: 0, entry: "p", modules: ["p"] });
    expect.equal(report.bytes, statSync(join(folder, "p.sxbc")).size);
    expect.equal(sx(["run", "p.sxbc"]).stdout, "1\n");
  });

  await test("main of a bundle gets the arguments, its integer is the exit status", () => {
    file("m.sx", "(module m :export (main))\n(define (main &rest args) (print args) (count args))\n");
    sx(["build", "-o", "m.sxbc", "m.sx"]);
    expect.deepEqual(sx(["run", "m.sxbc", "a", "--b"]), { status: 2, stdout: '("a" "--b")\n', stderr: "" });
    expect.deepEqual(sx(["run", "m.sx", "a", "--b"]), { status: 2, stdout: '("a" "--b")\n', stderr: "" });
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
finish();
