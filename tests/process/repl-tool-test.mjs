// The REPL at a terminal: what somebody types, and what they see. The terminal is tests/process/on_terminal.py.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, expect, finish, test } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "sx-repl-"));
const state = join(folder, "state");
const kTimeoutMs = 5_000;

/** A session on a terminal of its own. */
class Session {
  constructor() {
    const env = { ...process.env, TERM: "xterm", XDG_STATE_HOME: state, LC_ALL: "C.UTF-8" };
    const pty = join(import.meta.dirname, "on_terminal.py");
    this.child = spawn("python3", [pty, binary, "repl"], { cwd: folder, env, stdio: ["pipe", "pipe", "inherit"] });
    this.shown = "";
    this.seen = 0;
    this.waiting = null;
    this.child.stdout.setEncoding("utf8");
    this.child.stdout.on("data", (text) => {
      this.shown += text;
      this.waiting?.();
    });
    this.ended = new Promise((resolve) => this.child.on("close", resolve));
  }

  /** Waits until text is shown behind what was waited for last; gives back all that was shown until then. */
  async see(text) {
    const deadline = Date.now() + kTimeoutMs;
    for (;;) {
      const at = this.plain().indexOf(text, this.seen);
      if (at >= 0) {
        const passed = this.plain().slice(this.seen, at);
        this.seen = at + text.length;
        return passed;
      }
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`expected ${JSON.stringify(text)} behind ${JSON.stringify(this.plain().slice(this.seen))}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** What was shown without the terminal's control sequences. */
  plain() {
    return this.shown.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replace(/\r/g, "");
  }

  type(keys) {
    this.child.stdin.write(keys);
  }

  async evaluate(line, value) {
    this.type(`${line}\n`);
    await this.see(`\n${value}\n`);
    await this.see("sx> ");
  }

  async leave() {
    this.type("\x04");
    this.child.stdin.end();
    return this.ended;
  }

  kill() {
    this.child.kill("SIGKILL");
  }
}

/** A test with a session that has shown its first prompt. */
function sessionTest(name, body) {
  return test(name, async () => {
    const session = new Session();
    try {
      await session.see("sx> ");
      await body(session);
    } finally {
      session.kill();
    }
  });
}

/** The REPL without a terminal. */
const piped = (input) => spawnSync(binary, ["repl"], { cwd: folder, input, encoding: "utf8" });

try {
  await sessionTest("values are printed, Ctrl-D leaves with status 0", async (repl) => {
    await repl.evaluate("(+ 1 2)", "3");
    await repl.evaluate("(str \"é\" \"漢\")", "\"é漢\"");
    expect.equal(await repl.leave(), 0);
  });

  await sessionTest("a form goes on over lines, with a prompt that says so", async (repl) => {
    repl.type("(define (twice x)\n");
    await repl.see("  > ");
    await repl.evaluate("(* 2 x))", "nil");
    await repl.evaluate("(twice 21)", "42");
  });

  await sessionTest("Ctrl-C drops what is typed and keeps the session", async (repl) => {
    await repl.evaluate("(define kept 7)", "nil");
    repl.type("(this is\n");
    await repl.see("  > ");
    repl.type("not finished");
    repl.type("\x03");
    await repl.see("^C");
    await repl.see("sx> ");
    await repl.evaluate("kept", "7");
  });

  await sessionTest("Ctrl-C stops a program that runs, and the session goes on", async (repl) => {
    await repl.evaluate("(define seen (cell 0))", "nil");
    repl.type("(protect (let loop ((i 0)) (loop (+ i 1))) (cell/set! seen :cleaned))\n");
    await new Promise((resolve) => setTimeout(resolve, 300));
    repl.type("\x03");
    await repl.see("error: interrupted");
    await repl.see("sx> ");
    await repl.evaluate("(cell/get seen)", ":cleaned");
  });

  await sessionTest("Tab completes a name, and lists where there are several", async (repl) => {
    repl.type("(string/starts\t");
    await repl.see("(string/starts-with? ");
    repl.type("\"abc\" \"a\")\n");
    await repl.see("\ntrue\n");
    await repl.see("sx> ");
    await repl.evaluate("(define my-very-own-name 5)", "nil");
    repl.type("my-ve\t\n");
    await repl.see("\n5\n");
    await repl.see("sx> ");
    repl.type("(string/trim\t");
    await repl.see("string/trim-left");
    await repl.see("string/trim-right");
  });

  await sessionTest("commands and modules are completed in their places", async (repl) => {
    repl.type(",ti\t(+ 1 1)\n");
    await repl.see("\n2\n");
    await repl.see(" ms\n");
    await repl.see("sx> ");
    repl.type(",use persist/lo\t\n");
    await repl.see("sx> ");
    repl.type("(nil? persist/append)\n");
    await repl.see("\nfalse\n");
  });

  await sessionTest("names of the project's modules are completed before they are loaded", async (repl) => {
    mkdirSync(join(folder, "lib/shop"), { recursive: true });
    writeFileSync(join(folder, "lib/shop/cart.sx"), '(module shop/cart :export (shop/grand-total))\n(print "it runs")\n(define (shop/grand-total cart)\n  "What everything costs."\n  (sum (vals cart)))\n');
    repl.type("(use sho\t)\n");
    const before = await repl.see("sx> ");
    expect.match(before, /it runs/);
    repl.type("(shop/gr\t {:a 1 :b 2})\n");
    await repl.see("\n3\n");
  });

  await sessionTest("looking for a project's names runs nothing, their manual loads the module", async (repl) => {
    mkdirSync(join(folder, "lib/depot"), { recursive: true });
    writeFileSync(join(folder, "lib/depot/stock.sx"), '(module depot/stock :export (depot/in-stock))\n(print "it runs")\n(define (depot/in-stock x)\n  "How many there are."\n  x)\n');
    repl.type(",doc depot/in\t");
    expect.equal((await repl.see("depot/in-stock ")).includes("it runs"), false);
    repl.type("\n");
    await repl.see("it runs");
    await repl.see("(depot/in-stock x)\nfunction of depot/stock\nHow many there are.");
    await repl.see("sx> ");
    repl.type(",doc depot/in-stok\n");
    await repl.see("Did you mean depot/in-stock?");
  });

  await sessionTest("manuals by ,doc and by (doc name)", async (repl) => {
    repl.type(",doc string/trim\n");
    await repl.see("(string/trim s)");
    await repl.see("sx> ");
    repl.type("(doc map)\n");
    await repl.see("The list of f of each element");
    await repl.see("sx> ");
    repl.type("(doc mapp)\n");
    await repl.see("error: nothing public is called mapp. Did you mean map");
  });

  await sessionTest("manuals of what the session defined", async (repl) => {
    await repl.evaluate('(define (mine a &opt b) "What mine does." a)', "nil");
    repl.type("(doc mine)\n");
    await repl.see("(mine a &opt b)\nWhat mine does.\n");
  });

  await sessionTest(",load evaluates a file here", async (repl) => {
    writeFileSync(join(folder, "loaded.sx"), "(define (from-file) :loaded)\n");
    repl.type(",load loaded.sx\n");
    await repl.see("\nnil\n");
    await repl.see("sx> ");
    await repl.evaluate("(from-file)", ":loaded");
    repl.type(",load missing.sx\n");
    await repl.see("error: missing.sx: cannot be read: No such file or directory");
    await repl.see("sx> ");
  });

  await sessionTest("an error shows its backtrace and its line, and the session goes on", async (repl) => {
    await repl.evaluate("(define (f x) (first x))", "nil");
    repl.type("(f 5)\n");
    await repl.see("error: first: Expected list, got integer\n  data: 5\n  at f (<repl>:1:15)\n  at top level (<repl>:2:1)\n");
    await repl.see("sx> ");
    await repl.evaluate("1", "1");
  });

  await sessionTest("the history outlives the session, for its owner alone", async (repl) => {
    await repl.evaluate("(+ 40 2)", "42");
    repl.type("(list 1\n");
    await repl.see("  > ");
    await repl.evaluate("2)", "(1 2)");
    await repl.leave();
    const file = join(state, "sx/history");
    expect.equal(statSync(file).mode & 0o777, 0o600);
    const next = new Session();
    try {
      await next.see("sx> ");
      next.type("\x1b[A");  // up: a form of two lines is one entry
      await next.see("(list 1 2)");
      next.type("\x1b[A");
      await next.see("40 2)");  // what differs from the entry before is drawn
      next.type("\n");
      await next.see("\n42\n");
    } finally {
      next.kill();
    }
  });

  await test("without a terminal it reads plain lines and keeps no history", () => {
    const before = existsSync(join(state, "sx/history")) ? readFileSync(join(state, "sx/history"), "utf8") : "";
    const { status, stdout, stderr } = piped("(+ 1\n2)\n,time 5\n(doc let)\n");
    expect.equal(status, 0);
    expect.equal(stderr, "");
    expect.match(stdout, /^3\n5\n[\d.]+ ms\n\(let \(\(name value\)…\) body…\)/);
    expect.equal(existsSync(join(state, "sx/history")) ? readFileSync(join(state, "sx/history"), "utf8") : "", before);
  });

  await test("input that ends inside a form is an error", () => {
    const { status, stderr } = piped("(+ 1\n");
    expect.equal(status, 1);
    expect.equal(stderr, "error: the input ended inside a form\n");
  });

  await test("unknown and incomplete commands are told, with what there is", () => {
    const { stderr } = piped(",nothing\n,doc\n");
    expect.equal(stderr, "error: unknown command ,nothing. ,help shows the commands\n" +
      "error: ,doc needs an argument. Usage: ,doc NAME\n");
  });

  await test("a form with an unquote in it is no command", () => {
    expect.match(piped("(quasiquote (a ,(+ 1 1)))\n").stdout, /^\(a 2\)\n/);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
finish();
