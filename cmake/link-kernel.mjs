// Links the kernel as two modules: kernel.wasm, which every page loads, and tools.wasm with the code
// and data that only compiling and the like need (docs/decisions/kernel-size.md).
//
//   node link-kernel.mjs OBJECTS SOURCES OUT-DIRECTORY -- EM++ FLAG…
//
// OBJECTS is a file with all object files, SOURCES one with the sources that are tools
// (sx_tools_files). They are linked as one program, the others first, so that what both define
// comes from the others. Then the cut: a function goes to tools.wasm unless it is reached from the
// kernel's exports, or by its address, without passing through one that only tools define or that is
// a primitive of the tools (engine/prim/modules.def); so do the constants of the tools' object files. tools.wasm imports the kernel's memory, table and functions,
// and fills its slots of the table when it is instantiated.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, normalize } from "node:path";
import {
  counted, encoded, fileOf, kCode, kCustom, kData, kDataCount, kExports, kImports, namesIn, Reader, sectionsOf, segmentsOf, symbolsOf, withSegmentNames,
} from "./wasm-file.mjs";

const [objectList, sourceList, out, , linker, ...flags] = process.argv.slice(2);
const kFeatures = ["--enable-bulk-memory", "--enable-sign-ext", "--enable-nontrapping-float-to-int", "--enable-mutable-globals"];
// As Emscripten does after linking, for speed (-Os costs two to three times in the run loop), but
// inlining less: 5 KB. Functions that are small, or small and called from one place, are worth it: a browser compiles
// each at its first call, and a start calls a quarter fewer (350, not 485). Nothing lies below address 1024.
const kOptimise = ["--post-emscripten", "-O3", "-fimfs", "6", "-ocimfs", "160", "-aimfs", "6", "--low-memory-unused",
  "--zero-filled-memory", "--strip-debug", "--strip-producers"];
const kToolsData = "tools";
// What the kernel calls in tools.wasm, minding by itself that it is there; the rest is called through the table.
const kEntry = /^_ZN2sx14compile_source/;

const parts = join(out, "web/link");
rmSync(parts, { recursive: true, force: true });
mkdirSync(parts, { recursive: true });
const whole = join(parts, "whole.wasm");
const lines = (/** @type {string} */ path) => readFileSync(path, "utf8").split("\n").filter(Boolean);
const run = (/** @type {string} */ program, /** @type {string[]} */ args) =>
  execFileSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] });

/** Where the source of an object file is: CMake keeps it at DIRECTORY/CMakeFiles/TARGET.dir/FILE.o.
 *  @param {string} object */
const sourceOf = (object) => normalize(object.replace(/CMakeFiles\/[^/]+\.dir\//, "").replace(/(^|\/)__(?=\/)/g, "$1..").replace(/\.o$/, ""));

const sources = lines(sourceList);
const objects = lines(objectList).map((path) => {
  const sections = sectionsOf(readFileSync(path));
  return { path, sections, tool: sources.find((source) => sourceOf(path).endsWith(`/${source}`)), ...symbolsOf(sections) };
});
for (const source of sources) {
  if (!objects.some(({ tool }) => tool === source)) throw new Error(`${source}: declared with sx_tools_files, but no object file of the kernel is made of it`);
}
const tools = objects.filter(({ tool }) => tool);
const others = objects.filter(({ tool }) => !tool);

/** The mangled names of the tools' primitives. */
function toolPrimitives() {
  const table = (/** @type {string} */ name) => readFileSync(new URL(`../engine/prim/${name}.def`, import.meta.url), "utf8");
  const inTools = new Set([...table("modules").matchAll(/^SX_PRIM_MODULE\("([^"]+)", Tools\)/gm)].map(([, name]) => name));
  const rows = [...table("primitives").matchAll(/^SX_PRIM\("([^"]+)", (\w+),/gm)].filter(([, name]) => inTools.delete(name));
  if (inTools.size) throw new Error(`engine/prim/modules.def names what is no primitive: ${[...inTools].join(", ")}`);
  return new Set(rows.map(([, , fn]) => `_ZN2sx${fn.length}${fn}ERNS_7ContextEPNS_5ValueEi`));
}
const primitives = toolPrimitives();

// --- linking -------------------------------------------------------------------------------------

// The tools' constants get a segment of their own, but not what the kernel's code names.
const wanted = new Set(others.flatMap((object) => object.wanted));
const inputs = others.map(({ path }) => path);
for (const [at, { sections, data }] of tools.entries()) {
  const shared = new Set(data.filter(({ name }) => wanted.has(name)).map(({ segment }) => segment));
  const path = join(parts, `${at}.o`);
  writeFileSync(path, fileOf(withSegmentNames(sections, (name, index) => (/^\.(rodata|data)/.test(name) && !shared.has(index) ? kToolsData : name))));
  inputs.push(path);
}
run(linker, [...flags, "--profiling-funcs", "-Wl,--no-demangle", "-o", whole, ...inputs]);

// --- cutting -------------------------------------------------------------------------------------

const sections = sectionsOf(readFileSync(whole));
const names = namesIn(sections, 1);
const toolsSegment = [...namesIn(sections, 9)].find(([, name]) => name === kToolsData)?.[0];

/** The program without the tools' data and with its functions called f0, f1, …: two files may have
 *  functions of one name. */
function prepared() {
  const list = [...names.keys()].map((index) => Buffer.concat([encoded(index), counted(`f${index}`)]));
  const named = Buffer.concat([Buffer.from([1]), counted(encoded(list.length), ...list)]);
  const kept = sections.filter(({ id }) => id !== kCustom && id !== kDataCount).map((section) => {
    if (section.id !== kData) return section;
    const segments = segmentsOf(section.body).filter((_, index) => index !== toolsSegment);
    return { ...section, body: Buffer.concat([encoded(segments.length), ...segments]) };
  });
  return fileOf([...kept, { id: kCustom, name: "name", body: named }]);
}

/** A module with the tools' data. @param {Buffer} bytes */
function withToolsData(bytes) {
  const data = sections.find(({ id }) => id === kData);
  if (toolsSegment === undefined || !data) return bytes;
  const body = Buffer.concat([encoded(1), segmentsOf(data.body)[toolsSegment]]);
  const own = sectionsOf(bytes);
  const last = own.findIndex(({ id }, index) => id === kCode || index === own.length - 1);
  return fileOf([...own.slice(0, last + 1), { id: kData, name: "", body }, ...own.slice(last + 1)]);
}

/** What calls what; what is exported, and whose address is taken. @param {string} path */
function callGraph(path) {
  /** @type {Map<string, string[]>} */
  const calls = new Map();
  const roots = new Set();
  for (const line of run("wasm-opt", [path, "--print-call-graph", "-q", ...kFeatures]).split("\n")) {
    const [, from, to] = /^ {2}"(f\d+)" -> "(f\d+)"/.exec(line) ?? [];
    if (from) calls.set(from, [...(calls.get(from) ?? []), to]);
    const [, root] = /^ {2}"(f\d+)" \[style="filled, rounded"/.exec(line) ?? [];
    if (root) roots.add(root);
  }
  const exports = sections.find(({ id }) => id === kExports);
  if (!exports) throw new Error("the linked kernel exports nothing");
  const in_ = new Reader(exports.body);
  for (let left = in_.number(); left > 0; left--) {
    in_.text();
    const kind = in_.byte();
    const index = in_.number();
    if (kind === 0) roots.add(`f${index}`);
  }
  return { calls, roots };
}

const ofOthers = new Set(others.flatMap(({ functions }) => functions).map(({ name }) => name));
const ofTools = tools.flatMap(({ functions }) => functions).filter(({ name }) => !ofOthers.has(name));
// Templates and inline functions may be called by the C++ library too: they go where they are reached.
const strong = new Set([...ofTools.filter(({ weak }) => !weak).map(({ name }) => name), ...primitives]);
const weak = new Set(ofTools.filter((one) => one.weak).map(({ name }) => name));
const nameOf = (/** @type {string} */ name) => names.get(Number(name.slice(1))) ?? "";

// Functions of one name that both sides have for themselves: it may be that of the tools.
const ofAnyTool = new Set(tools.flatMap(({ functions }) => functions).map(({ name }) => name));
const ofBoth = (/** @type {string} */ name) => ofAnyTool.has(name.replace(/\.\d+$/, "")) && ofOthers.has(name.replace(/\.\d+$/, ""));

const plain = join(parts, "prepared.wasm");
writeFileSync(plain, prepared());
const { calls, roots } = callGraph(plain);
const kept = new Set();
const todo = [...roots].filter((name) => !strong.has(nameOf(name)) && !weak.has(nameOf(name)));
for (let name; (name = todo.pop());) {
  if (kept.has(name)) continue;
  kept.add(name);
  for (const callee of calls.get(name) ?? []) {
    if (!strong.has(nameOf(callee))) todo.push(callee);
    else if (!kEntry.test(nameOf(callee)) && !ofBoth(nameOf(name)))
      throw new Error(`${nameOf(name)} calls ${nameOf(callee)}, which is in tools.wasm: that is for primitives with a row in engine/prim/modules.def`);
  }
}
const imports = sections.find(({ id }) => id === kImports);
const imported = imports ? new Reader(imports.body).number() : 0;  // all of them functions
const cut = join(parts, "cut.list");
writeFileSync(cut, [...names.keys()].filter((index) => index >= imported).map((index) => `f${index}`).filter((name) => !kept.has(name)).join("\n"));
const halves = ["kernel", "tools"].map((name) => join(parts, `${name}.wasm`));
run("wasm-split", [plain, "--split-funcs", `@${cut}`, "--import-namespace", "kernel", "--placeholder-namespace", "tools",
  "-o1", halves[0], "-o2", halves[1], ...kFeatures]);
writeFileSync(halves[1], withToolsData(readFileSync(halves[1])));
for (const name of ["kernel", "tools"]) run("wasm-opt", [join(parts, `${name}.wasm`), "-o", join(out, `${name}.wasm`), ...kOptimise, ...kFeatures]);
