// Elementary functions give the same bits natively and in WASM: 1,000,000 arguments each, compared
// by a digest of every 10,000 results. How near they are to the true values is checked natively
// (engine/prim/libm_test.cpp).
//
//   node tests/parity/libm-test.mjs [COUNT]
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Report } from "../tools/report.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const count = process.argv[2] ?? "1000000";
const program = join(project, "tests/parity/programs/libm.sx");
const report = new Report();

/** The lines that the program prints. */
function lines(command) {
  return new Promise((done) => {
    const child = spawn(command, ["run", program, count], { cwd: project });
    let stdout = "", stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("close", (status) => {
      if (status !== 0) report.fail(`${command} runs the program`, stderr);
      done(stdout.trimEnd().split("\n"));
    });
  });
}

if (!existsSync(join(project, "build/wasm/kernel.wasm"))) {
  report.fail("the kernel is built", "build it with scripts/build static");
} else {
  const started = Date.now();
  const [native, wasm] = await Promise.all([lines(join(project, "build/native/sx")), lines(join(project, "scripts/sx-wasm"))]);
  console.log(`# ${native.length} blocks in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  const functions = new Set(native.map((line) => line.split(" ")[0]));
  report.check(functions.size === 24, "every elementary function is there", [...functions].join(" "));
  report.check(new Set(native.map((line) => line.split(" ")[2])).size === native.length, "every block has a digest of its own");
  for (const name of functions) {
    const of = (all) => all.filter((line) => line.startsWith(`${name} `));
    const [a, b] = [of(native), of(wasm)];
    const bad = a.findIndex((line, i) => line !== b[i]);
    report.check(bad < 0 && a.length === b.length, `${name} gives the same bits natively and in WASM`, `native: ${a[bad]}\nWASM:   ${b[bad]}`);
  }
}
report.finish();
