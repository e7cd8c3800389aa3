// Files and standard input of programs, natively and through the WASM kernel: the same script, the same
// lines, the same files.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, expect, finish, root, temporaryFolder, test } from "./harness.mjs";

const folder = temporaryFolder();
const kEngines = [["native", [binary]], ["wasm", [join(root, "scripts/sx-wasm")]]];
let scripts = 0;

/** Runs a script in a folder of its own. @param {string[]} engine @param {string} source */
function run([command, ...first], source, { input = "", args = [] } = {}) {
  const cwd = join(folder, `run${++scripts}`);
  mkdirSync(cwd);
  writeFileSync(join(cwd, "script.sx"), `(use fs)\n${source}\n`);
  const done = spawnSync(command, [...first, "run", "script.sx", ...args], { cwd, input });
  return { cwd, status: done.status, out: done.stdout.toString().trimEnd(), err: done.stderr.toString() };
}
const kindOf = (form) => `(print (guard (e (else (error-kind e))) ${form}))`;

for (const [name, engine] of kEngines) {
  await test(`${name}: a text that is written is read back, and replaced whole`, () => {
    const { out, err, cwd } = run(engine, `
      (fs/write "a.txt" "grüße\\n") (fs/write "a.txt" "eins\\nzwei\\n") (fs/append "a.txt" "drei")
      (print (fs/read-lines "a.txt"))
      (print (get (fs/stat "a.txt") :size) (get (fs/stat "a.txt") :kind))`);
    expect.equal(err, "");
    expect.equal(out, '("eins" "zwei" "drei")\n14 :file');
    expect.deepEqual(readdirSync(cwd).sort(), ["a.txt", "script.sx"]);
  });

  await test(`${name}: folders are made, listed in order, walked and removed`, () => {
    const { out, err, cwd } = run(engine, `
      (fs/make-folder "d/e/f") (fs/make-folder "d/e") (fs/write "d/b" "1") (fs/write "d/a" "22") (fs/write "d/e/f/g" "")
      (print (mapv (fn (x) [(get x :name) (get x :kind)]) (fs/list "d")))
      (print (fs/walk "d"))
      (fs/rename "d/a" "d/b") (print (fs/read "d/b"))
      (print (fs/remove "d/nothing") ${"(guard (e (else (error-kind e))) (fs/remove \"d\"))"})
      (print (fs/remove-all "d") (fs/exists? "d") (fs/remove-all "d"))`);
    expect.equal(err, "");
    expect.equal(out, `[["a" :file] ["b" :file] ["e" :folder]]\n("d/a" "d/b" "d/e/f/g")\n22\nfalse :not-empty\ntrue false false`);
    expect.ok(!existsSync(join(cwd, "d")));
  });

  await test(`${name}: links are named as such and never followed by remove-all`, () => {
    const target = join(folder, `kept-${name}`);
    mkdirSync(target);
    writeFileSync(join(target, "x"), "1");
    const { out, err } = run(engine, `
      (define (main target) (fs/make-folder "d"))`, { args: [target] });
    expect.equal(out + err, "");
    const cwd = join(folder, `run${scripts}`);
    symlinkSync(target, join(cwd, "d/link"));
    writeFileSync(join(cwd, "script.sx"), `(use fs) (print (get (first (fs/list "d")) :kind) (get (fs/stat "d/link") :kind)) (fs/remove-all "d")`);
    const done = spawnSync(engine[0], [...engine.slice(1), "run", "script.sx"], { cwd, encoding: "utf8" });
    expect.equal(done.stdout.trimEnd(), ":link :folder");
    expect.deepEqual(readdirSync(target), ["x"]);
  });

  await test(`${name}: standard input comes line by line, then what is left, then nil`, () => {
    const { out, err } = run(engine, `(print (read-line)) (print (read-line)) (print (string/split (read-all) "\\n")) (print (read-line))`,
      { input: "eins\r\nzwäi\ndrei\nvier" });
    expect.equal(err, "");
    expect.equal(out, 'eins\nzwäi\n("drei" "vier")\nnil');
  });

  await test(`${name}: a last line without an end is a line`, () => {
    expect.equal(run(engine, `(print (read-line) (read-line) (read-line))`, { input: "a\nb" }).out, "a b nil");
  });

  await test(`${name}: what goes wrong has a kind`, () => {
    const { out, cwd } = run(engine, [
      kindOf('(fs/read "missing")'), kindOf('(fs/list "missing")'), kindOf('(fs/read "script.sx/x")'),
      kindOf('(do (fs/write-new "n" "1") (fs/write-new "n" "2"))'), kindOf('(fs/write "missing/x" "1")'),
      kindOf('(fs/read ".")'), kindOf('(fs/rename "missing" "x")'), '(print (fs/read "n"))',
    ].join("\n"));
    expect.equal(out, ":not-found\n:not-found\n:not-found\n:exists\n:not-found\n:io-error\n:not-found\n1");
    expect.deepEqual(readdirSync(cwd).sort(), ["n", "script.sx"]);
  });

  await test(`${name}: a file that is no UTF-8 is refused as text`, () => {
    writeFileSync(join(folder, "latin1"), Buffer.from([0x67, 0x72, 0xfc]));
    expect.equal(run(engine, `(define (main path) ${kindOf("(fs/read path)")} nil)`, { args: [join(folder, "latin1")] }).out, ":encoding-error");
  });

  await test(`${name}: an error that nobody catches names the file and the reason`, () => {
    const { status, err } = run(engine, `(fs/read "missing.txt")`);
    expect.equal(status, 1);
    expect.match(err, /fs\/read: missing\.txt: .*[Nn]o such file/);
  });
}

await test("native: bytes are written and read as they are", () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  writeFileSync(join(folder, "bytes"), all);
  const { out, err, cwd } = run([binary], `
    (define (main path) (let ((b (fs/read-bytes path))) (fs/write "copy" b) (fs/append "copy" b) (print (count b))) nil)`, { args: [join(folder, "bytes")] });
  expect.equal(err, "");
  expect.equal(out, "256");
  expect.ok(readFileSync(join(cwd, "copy")).equals(Buffer.concat([all, all])));
});

await test("native: what may not be written stays as it is", () => {
  if (process.getuid?.() === 0) {
    // To the superuser no file is closed; a path below a file is impossible for everybody.
    const { err, status } = run([binary], `(fs/write "script.sx/x" "1")`);
    expect.equal(status, 1);
    expect.match(err, /fs\/write: script\.sx\/x: cannot be written/);
    return;
  }
  const locked = join(folder, "locked");
  mkdirSync(locked);
  chmodSync(locked, 0o500);
  expect.equal(run([binary], `(define (main path) ${kindOf('(fs/write path "1")')} nil)`, { args: [join(locked, "x")] }).out, ":permission-error");
});

await test("wasm: bytes are refused with the reason", () => {
  expect.match(run([join(root, "scripts/sx-wasm")], `(fs/read-bytes "script.sx")`).err, /only text; run it with sx/);
});

finish();
