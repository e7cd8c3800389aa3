// The command line as a person meets it: what is shown when a program fails or is called wrongly.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, expect, finish, test } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "sx-cli-"));

/** Runs `sx` in the folder. @param {string[]} args @param {string} [input] */
function sx(args, input = "") {
  const { status, stdout, stderr } = spawnSync(binary, args, { cwd: folder, input, encoding: "utf8" });
  return { status, stdout, stderr };
}
const file = (name, text) => writeFileSync(join(folder, name), text);

try {
  await test("an uncaught error shows its kind, data, backtrace, and the program's line", () => {
    file("x.sx", '(define (f n)\n  (error :bad "no" n))\n(print (f 1))\n');
    const { status, stderr } = sx(["run", "x.sx"]);
    expect.equal(status, 1);
    expect.equal(stderr, "error: bad: no\n  data: 1\n  at f (x.sx:2:3)\n  at top level (x.sx:3:8)\n" +
      '     2 |   (error :bad "no" n))\n       |   ^\n');
  });

  await test("an error inside the core library shows the line that called it", () => {
    file("z.sx", "(define (f l)\n  (reverse (map inc l)))\n(define (main) (print (f 5)) 0)\n");
    const { stderr } = sx(["run", "z.sx"]);
    expect.match(stderr, /^error: ->list: Expected list, got integer\n/);
    expect.match(stderr, /\n {5}2 \| {3}\(reverse \(map inc l\)\)\)\n {7}\| {12}\^\n$/);
  });

  await test("an error of kind alone is named by its kind", () => {
    expect.match(sx(["eval", "(error :k)"]).stderr, /^error: k\n/);
    expect.match(sx(["eval", '(error :not-found "x")']).stderr, /^error: not-found: x\n/);
  });

  await test("eval shows the line of the expression", () => {
    const { status, stderr } = sx(["eval", "(let ((x 5))\n  (first x))"]);
    expect.equal(status, 1);
    expect.match(stderr, /at top level \(<eval>:2:3\)\n {5}2 \| {3}\(first x\)\)\n {7}\| {3}\^\n$/);
    expect.match(sx(["eval", "(frist 1)"]).stderr,
      /^error: <eval>:1:2: Unbound name: frist\. Did you mean first.*\n {5}1 \| \(frist 1\)\n {7}\| {2}\^\n$/);
  });

  await test("the repl counts lines through the session and shows them", () => {
    const { status, stdout, stderr } = sx(["repl"], "(define (bad x)\n  (first x))\n1\n(bad 5)\n");
    expect.equal(status, 0);
    expect.equal(stdout, "nil\n1\n");
    expect.match(stderr, /at bad \(<repl>:2:3\)\n {2}at top level \(<repl>:4:1\)\n {5}2 \| {3}\(first x\)\)\n/);
  });

  await test("the repl knows records and components of earlier lines", () => {
    const { stdout, stderr } = sx(["repl"], "(defrecord p (x))\n(match (p 1) ((p x) x))\n(defcomp ~c (&key a) (p a))\n(~c :b 1)\n");
    expect.equal(stdout, "nil\n1\nnil\n");
    expect.match(stderr, /^error: <repl>:4:1: ~c has no keyword :b\. Usage: \(~c &key a\)\n/);
  });

  await test("a test that raises shows the backtrace down to the test", () => {
    file("a-test.sx", '(use test)\n(define (f x) (first x))\n(test "a" (check= 1 (+ 1 (f 5))))\n');
    const { status, stdout } = sx(["test", "a-test.sx"]);
    expect.equal(status, 1);
    expect.equal(stdout.replace(/\d+ ms/, "N ms"), "a-test.sx:3: a: raised :type-error: first: Expected list, got integer\n" +
      '  at f (a-test.sx:2:15)\n  at test "a" (a-test.sx:3:26)\n# 1 file, N ms\n0 passed, 1 failed\n');
  });

  await test("a test file that does not compile shows the place", () => {
    file("b-test.sx", '(use test)\n(test "b" (chekc 1))\n');
    const { status, stdout, stderr } = sx(["test", "b-test.sx"]);
    expect.equal(status, 1);
    expect.match(stdout, /FAIL b-test\.sx/);
    expect.match(stderr, /^error: b-test\.sx:2:12: Unbound name: chekc\. Did you mean check.*\n {5}2 \| /);
  });

  await test("an unknown command is named, with those there are", () => {
    const { status, stderr } = sx(["bogus"]);
    expect.equal(status, 2);
    expect.match(stderr, /^error: unknown command 'bogus'\. The commands are: run eval test /);
  });

  await test("sx doc finds what a module of the project exports, by the folder of the name or without one", () => {
    mkdirSync(join(folder, "lib/shop/parts"), { recursive: true });
    file("lib/shop/parts/box.sx", ';;; boxes\n(module shop/parts/box\n  :use ()\n  :export (~shop/box shop/box-size with-box))\n(defcomp ~shop/box (&key size) (div :class "box" size))\n(define (shop/box-size box)\n  "How large it is."\n  (get box :size))\n(defmacro with-box (form) form)\n');
    file("lib/shop/broken.sx", "(module shop/broken :export (shop/nothing))\n(define shop/nothing (nowhere))\n");
    expect.equal(sx(["doc", "shop/box-size"]).stdout, "(shop/box-size box)\nfunction of shop/parts/box\nHow large it is.\n");
    expect.match(sx(["doc", "~shop/box"]).stdout, /^\(~shop\/box &key size\)\ncomponent of shop\/parts\/box/);
    expect.match(sx(["doc", "with-box"]).stdout, /macro of shop\/parts\/box/);
    expect.match(sx(["doc", "shop/nothing"]).stdout, /name of shop\/broken\nThe module does not load: .*Unbound name: nowhere/s);
    expect.match(sx(["doc", "shop/box-sise"]).stderr, /Did you mean shop\/box-size\?/);
    expect.equal(sx(["doc", "shop/unheard"]).status, 1);
  });

  await test("functions that are also compiled in place keep their manuals", () => {
    expect.match(sx(["doc", "error"]).stdout, /Raise an error value/);
    expect.match(sx(["doc", "let"]).stdout, /^\(let /);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
finish();
