// Checks the linked kernel: the sizes of its modules on the wire, its imports, that the run loop is a
// function of its own (an optimiser that inlines it into its caller makes the whole loop slower), and that
// pages do without the second module. And the sizes of everything else that a page fetches before it is ready.
//
//   node tests/tools/check-kernel.mjs [DIRECTORY with kernel.wasm] [DIRECTORY with the static files]
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { Reader, kCode, kExports, sectionsOf } from "../../cmake/wasm-file.mjs";
import { loadKernel } from "../../web/node/kernel.mjs";

// What they may be as brotli -q 11: docs/decisions/kernel-size.md. Never raise the kernel's.
const kBytesMax = { "kernel.wasm": 130_000, "tools.wasm": 122_880, "text.wasm": 133_120 };
const kImports = ["env.emscripten_notify_memory_growth", "env.sx_host_log", "env.sx_host_now", "env.sx_host_perform",
  "env.sx_host_random", "env.sx_host_text", "env.sx_host_text_reply", "env.sx_host_write", "wasi_snapshot_preview1.proc_exit"];
// Everything before ready: scripts as they are served, bundles and the sum as brotli.
const kBoot = { loader: 8_000, scripts: 20_000, bundles: 30_000, all: 170_000 };
// Below this the loop cannot be inside: one case per instruction of engine/bytecode/opcodes.def.
const kRunBytesMin = 12_000;
// Above this something else was inlined into it.
const kRunBytesMax = 60_000;
const kRunExport = "_ZN2sx11run_machineERNS_11InterpreterE";

let passed = 0;
let failed = 0;
/** @param {boolean} holds @param {string} what @param {string} found */
function check(holds, what, found) {
  if (holds) passed += 1;
  else failed += 1;
  process.stdout.write(`${holds ? "ok" : "FAIL"} ${what}: ${found}\n`);
}

/** The size of the exported function with this name, 0 when there is none. @param {Buffer} bytes */
function exportedSize(bytes, wanted) {
  const sections = sectionsOf(bytes);
  const reader = (id) => new Reader(sections.find((section) => section.id === id)?.body ?? Buffer.from([0]));
  const exports = reader(kExports);
  let index = -1;
  for (let left = exports.number(); left > 0; left--) {
    const name = exports.text();
    const isFunction = exports.byte() === 0;
    const number = exports.number();
    if (isFunction && name === wanted) index = number;
  }
  // Functions are numbered through: the imported ones first.
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).filter(({ kind }) => kind === "function").length;
  const code = reader(kCode);
  const sizes = Array.from({ length: code.number() }, () => {
    const size = code.number();
    code.at += size;
    return size;
  });
  return sizes[index - imported] ?? 0;
}

/** @param {Buffer} bytes */
const brotli = (bytes) => brotliCompressSync(bytes, { params: {
  [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
} }).length;

const folder = process.argv[2] ?? "build/wasm";
for (const [name, most] of Object.entries(kBytesMax)) {
  if (!existsSync(join(folder, name)) && name === "text.wasm") continue;  // built as a target of its own
  const bytes = readFileSync(join(folder, name));
  const packed = brotli(bytes);
  check(packed <= most, `${name} has at most ${most} bytes as brotli -q 11`, `${packed} (${bytes.length} raw)`);
}

const site = process.argv[3] ?? "build/static";
const staged = readdirSync(site);
/** @param {RegExp} names */
const files = (names) => staged.filter((name) => names.test(name)).map((name) => readFileSync(join(site, name)));
const raw = (/** @type {Buffer[]} */ list) => list.reduce((sum, { length }) => sum + length, 0);
const packed = (/** @type {Buffer[]} */ list) => list.reduce((sum, bytes) => sum + brotli(bytes), 0);
const loader = files(/^boot\.js$/);
// What the loader imports by itself: web/glue/page.js.
const scripts = [...loader, ...files(/^page\.[0-9a-f]{10}\.js$/)];
const bundles = files(/^(core|web)\.[0-9a-f]{10}\.sxbc$/);
check(scripts.length === 2 && bundles.length === 2, "one build is in the static files", `${scripts.length} scripts, ${bundles.length} bundles`);
check(raw(loader) <= kBoot.loader, `the loader has at most ${kBoot.loader} bytes`, `${raw(loader)}`);
check(raw(scripts) <= kBoot.scripts, `all scripts before ready have at most ${kBoot.scripts} bytes`, `${raw(scripts)}`);
check(packed(bundles) <= kBoot.bundles, `core.sxbc and web.sxbc have at most ${kBoot.bundles} bytes as brotli -q 11`, `${packed(bundles)}`);
const everything = packed([...scripts, ...bundles, ...files(/^kernel\.[0-9a-f]{10}\.wasm$/)]);
check(everything <= kBoot.all, `everything before ready has at most ${kBoot.all} bytes as brotli -q 11`, `${everything}`);

const bytes = readFileSync(join(folder, "kernel.wasm"));
const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(({ module, name }) => `${module}.${name}`);
const strange = imports.filter((name) => !kImports.includes(name) && !/^tools\.\d+$/.test(name));
check(strange.length === 0, "the kernel imports nothing but its host and its slots for tools", strange.join(", ") || `${imports.length} functions`);

const size = exportedSize(bytes, kRunExport);
check(size >= kRunBytesMin && size <= kRunBytesMax, `run_machine is a function of its own (${kRunBytesMin} to ${kRunBytesMax} bytes)`, `${size} bytes`);

const kernel = await loadKernel(join(folder, "kernel.wasm"));
for (const module of Object.values(kernel.modules)) module.imports = () => { throw new Error(`${module.file} is needed`); };
let needed = "nothing more";
try {
  for (const name of ["core", "web"]) kernel.call("sx_add_bundle", readFileSync(`build/native/bundles/${name}.sxbc`));
  kernel.call("sx_require", "web/boot");
} catch (error) {
  needed = /** @type {Error} */ (error).message;
}
check(needed === "nothing more", "core.sxbc and web.sxbc run on the kernel alone", needed);

process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
