// text.wasm: fetched only by what uses it, small enough, and the same as the native library.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { makeKernel } from "../../web/glue/kernel.js";
import { Report } from "../tools/report.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const sx = join(project, "build/native/sx");
const built = join(project, "build/wasm");
const folder = mkdtempSync(join(tmpdir(), "sx-text-"));
const report = new Report();
const kBrotliMax = 130_000;

// ---- the file --------------------------------------------------------------------------------------
const bytes = readFileSync(join(built, "text.wasm"));
const packed = brotliCompressSync(bytes, {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
}).length;
report.check(packed <= kBrotliMax, `text.wasm has at most ${kBrotliMax} bytes as brotli -q 11`, packed);
const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(({ module, name }) => `${module}.${name}`).sort();
report.check(imports.join() === "env.emscripten_notify_memory_growth,wasi_snapshot_preview1.proc_exit",
  "text.wasm imports nothing but its host", imports.join(", "));

// ---- who fetches it --------------------------------------------------------------------------------
const sources = {
  plain: '(module plain :export (main)) (define (main) (str "no patterns: " (string/upper "ä")))',
  found: '(module found :use (regex) :export (main)) (define (main) (regex/replace "(\\\\w+) (\\\\w+)" "zwei wörter" "$2 $1"))',
  normal: '(module normal :export (main)) (define (main) (string/normalize "e\\u{301}"))',
};
/** @param {string} name @param {string[]} args */
const run = (name, ...args) => spawnSync(name, args, { cwd: folder, encoding: "utf8", timeout: 60_000, env: { ...process.env, SX_PROJECT_DIR: project } });
for (const [name, text] of Object.entries(sources)) {
  writeFileSync(join(folder, `${name}.sx`), text);
  const made = run(sx, "build", "-o", join(folder, `${name}.sxbc`), join(folder, `${name}.sx`));
  report.check(made.status === 0, `${name} builds`, made.stderr);
}

/** A kernel with the page's own glue; `fetched` lists what it asks for beside the kernel. */
async function page() {
  /** @type {string[]} */
  const fetched = [];
  /** @type {string[]} */
  const logged = [];
  const kernel = makeKernel({}, (_level, text) => void logged.push(text), async (file, wanted) => {
    fetched.push(file);
    return (await WebAssembly.instantiate(readFileSync(join(built, file)), wanted)).instance;
  }, (error) => void logged.push(error.message));
  kernel.start((await WebAssembly.instantiate(readFileSync(join(built, "kernel.wasm")), kernel.imports)).instance);
  kernel.run("sx_add_bundle", readFileSync(join(project, "build/native/bundles/core.sxbc")));
  return { kernel, fetched, logged };
}

/** What main of a bundle gives on a page, and what the page fetched for it. @param {string} name */
async function onPage(name) {
  const { kernel, fetched, logged } = await page();
  kernel.run("sx_add_bundle", readFileSync(join(folder, `${name}.sxbc`)));
  await kernel.load("sx_require", name);
  return { value: kernel.run("sx_call_now", "main", "[]"), fetched: fetched.join(), logged: logged.join("\n") };
}

const expected = {
  plain: { value: '"no patterns: Ä"', fetched: "" },
  found: { value: '"wörter zwei"', fetched: "text.wasm" },
  normal: { value: '"é"', fetched: "text.wasm" },
};
for (const [name, { value, fetched }] of Object.entries(expected)) {
  try {
    const got = await onPage(name);
    report.check(got.value === value, `${name} gives ${value} on a page`, `${got.value}\n${got.logged}`);
    report.check(got.fetched === fetched, `${name} fetches ${fetched || "no module"}`, got.fetched);
  } catch (error) {
    report.fail(`${name} runs on a page`, error);
  }
}

// Where text.wasm is missing, what does not use it runs, and what does says which file is missing.
for (const file of ["kernel.wasm", "tools.wasm"]) copyFileSync(join(built, file), join(folder, file));
process.env.SX_KERNEL = join(folder, "kernel.wasm");
const wasm = join(project, "scripts/sx-wasm");
const without = run(wasm, "run", join(folder, "plain.sx"));
report.check(without.status === 0, "under Node.js a program without patterns never opens text.wasm", without.stderr);
const refused = run(wasm, "run", join(folder, "normal.sx"));
report.check(refused.status === 1 && refused.stderr.includes("text.wasm"), "a program that needs text.wasm names it when it is missing", refused.stderr);
delete process.env.SX_KERNEL;

// ---- the same steps on both sides ------------------------------------------------------------------
// The least fuel that a piece of work takes is the same: PCRE2 tries the same items in the same order.
const measure = `(use regex)
(define (enough? fuel work) (guard (e (else false)) (with-limits {:fuel fuel} (work)) true))
(define (least work) (let loop ((low 0) (high 100000000))
  (if (>= (inc low) high) high
    (let ((middle (quotient (+ low high) 2))) (if (enough? middle work) (loop low middle) (loop middle high))))))
(define text (string/repeat "zwei wörter, 12 Zahlen <a@b.c> " 500))
(define (cost pattern) (least (fn () (count (regex/find-all pattern text)))))
(print (map cost ["\\\\w+@\\\\w+" "(?i)ZAHL" "(a|b|.)*?c" "\\\\p{Lu}\\\\X" "(?<=, )\\\\d+|^z" "(w)ö(r)\\\\1?"]))
(print (least (fn () (string/normalize text :nfkd))))
(print (map (fn (n) (guard (e (else (error-kind e))) (regex/match? "^(a|aa)+$" (str (string/repeat "a" n) "b")))) (range 20 32)))
(print (map (fn (n) (guard (e (else (error-kind e))) (regex/match? "^(?:(a)|b)*$" (string/repeat "a" (* n 20000))))) (range 1 12)))
`;
writeFileSync(join(folder, "measure.sx"), measure);
const native = run(sx, "run", join(folder, "measure.sx"));
const kernel = run(wasm, "run", join(folder, "measure.sx"));
report.check(native.status === 0 && native.stdout === kernel.stdout, "matching takes the same steps and stops at the same limits on both sides",
  `native: ${native.stdout}${native.stderr}\nkernel: ${kernel.stdout}${kernel.stderr}`);
report.check(/:limit/.test(native.stdout) && /true|false/.test(native.stdout), "the limits lie inside what was measured", native.stdout);

rmSync(folder, { recursive: true });
report.finish();
process.exit();  // the ports of the kernels on a page wait for ever
