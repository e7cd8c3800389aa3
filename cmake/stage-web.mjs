// Puts the browser's files together below build/static: glue, kernel, bundles and, for the day when a bundle is
// refused, the sources.
//
//   node cmake/stage-web.mjs OUT
//
// Files are called after their content (kernel.0a1b2c3d.wasm), so that a browser keeps them for good and never mixes
// two builds. The loader (boot.js, as a module, and sx.js, as a classic script) and the service worker (sw.js) keep
// their names and know those of the others. A file is written only when it changed, so that time stamps tell what to
// compress again.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadKernel } from "../web/node/kernel.mjs";

const out = process.argv[2];
if (!out) throw new Error("stage-web: the folder to write to is missing");
const kBundleFolder = "build/native/bundles";
// What the service worker keeps from the start: all that the engine and its features may need without
// a connection. Not regular expressions, Unicode tables and sources.
const kShell = /\.js$|^(kernel|tools)\.wasm$|\.sxbc$/;

/** @type {Map<string, Buffer>} by the names they are served under */
const files = new Map();
/** @type {Record<string, string>} plain name → name with the hash */
const named = {};

/** @param {string} name @param {Buffer | string} content */
function addHashed(name, content) {
  const bytes = Buffer.from(content);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  named[name] = name.replace(/\.(?=\w+$)/, `.${hash}.`);
  files.set(named[name], bytes);
}

/** A line `const NAME = …;` of a script with the value put in. @param {string} text @param {string} name @param {unknown} value */
function fill(text, name, value) {
  const line = new RegExp(`^const ${name} = .*;$`, "m");
  if (!line.test(text)) throw new Error(`stage-web: no line \`const ${name} = …;\` to fill in`);
  return text.replace(line, () => `const ${name} = ${JSON.stringify(value)};`);
}

/** @param {string} name */
const script = (name) => readFileSync(join("web/glue", name), "utf8");

/** Who reads a page's scripts has the sources: what travels is small. @param {string} text @param {string[]} [flags] */
function small(text, flags = []) {
  const made = spawnSync("esbuild", ["--minify", "--charset=utf8", "--target=es2022", ...flags], { input: text, encoding: "utf8", cwd: "web/glue" });
  if (made.status !== 0) throw new Error(`stage-web: esbuild refuses a script (scripts/setup installs it): ${made.error?.message ?? made.stderr}`);
  return made.stdout;
}

/** {"module": "text"} of the modules that a page may need as sources. */
function sources() {
  /** @type {Record<string, string>} */
  const found = {};
  for (const folder of ["lib/core", "lib/test", "web/sx"])
    for (const file of readdirSync(folder).sort()) {
      if (!file.endsWith(".sx") || file.endsWith("-test.sx") || file.startsWith("mock-")) continue;
      const text = readFileSync(join(folder, file), "utf8");
      const module = /\(module\s+([^\s()]+)/.exec(text);
      if (module) found[module[1]] = text;
    }
  return JSON.stringify(found);
}

for (const name of ["kernel.wasm", "tools.wasm", "text.wasm"])
  if (existsSync(`build/wasm/${name}`)) addHashed(name, readFileSync(`build/wasm/${name}`));
for (const name of readdirSync(kBundleFolder).sort())
  if (/^(core|web|web-.*)\.sxbc$/.test(name)) addHashed(name, readFileSync(join(kBundleFolder, name)));
addHashed("sx/web-source.json", sources());

// What page.js is made of stands in that one file, also for the features that import a part of it.
const inPage = [...script("page.js").matchAll(/^export \* from "\.\/([\w-]+\.js)";$/gm)].map(([, name]) => name);
addHashed("page.js", small(script("page.js"), ["--bundle", "--format=esm"]));
const placeOf = (/** @type {string} */ name) => inPage.includes(name) ? named["page.js"] : named[name];

// Scripts name each other by their hashes: those that are imported come first.
const scripts = readdirSync("web/glue").filter((name) => name.endsWith(".js") && !/^(boot|sw|htmx.*|markup.*)\.js$/.test(name)).sort();
// The parts of the DOM adapter travel within the feature that has them.
const alone = inPage.map((name) => `--external:./${name}`);
const withParts = (/** @type {string} */ text) => /"\.\/markup\b/.test(text) ? small(text, ["--bundle", "--format=esm", ...alone]) : text;
/** @param {string} name @param {string[]} chain */
function addScript(name, chain = []) {
  if (placeOf(name)) return;
  if (chain.includes(name)) throw new Error(`stage-web: scripts import each other in a circle: ${[...chain, name].join(" → ")}`);
  const text = withParts(script(name)).replace(/(\bfrom\s*|\bimport\s*\(?\s*)"\.\/([\w-]+\.js)"/g, (_, before, other) => {
    addScript(other, [...chain, name]);
    return `${before}"./${placeOf(other)}"`;
  });
  addHashed(name, small(text));
}
for (const name of scripts) addScript(name);

// The loader vouches for the bundles of its build by their hashes, so that pages need not verify them: it is done here.
/** @type {Record<string, string>} */
const sums = {};
if (named["kernel.wasm"]) {
  const kernel = await loadKernel("build/wasm/kernel.wasm");
  for (const name of Object.keys(named).filter((one) => one.endsWith(".sxbc"))) {
    const bytes = /** @type {Buffer} */ (files.get(named[name]));
    kernel.call("sx_add_bundle", bytes);
    sums[name] = createHash("sha256").update(bytes).digest("base64");
  }
}
const loader = fill(fill(script("boot.js"), "kFiles", named), "kSums", sums);
const classic = loader.replace(/\bimport\.meta\.url\b/g, "kPlace").replace(/^export default .*\n/m, "");
const boot = small(loader);
files.set("boot.js", Buffer.from(boot));
files.set("sx.js", Buffer.from(small(`(() => {\nconst kPlace = document.currentScript.src;\n${classic}})();\n`)));
// In place of htmx's own file.
for (const name of ["htmx.js", "htmx4.js"]) files.set(name, Buffer.from(small(script(name), ["--bundle", "--format=iife"])));
addHashed("boot.js", boot);  // for the service worker, which must not get that of another build
if (existsSync("web/glue/sw.js")) {
  const shell = Object.fromEntries(Object.entries(named).filter(([name]) => kShell.test(name)));
  const version = createHash("sha256").update(JSON.stringify(named)).digest("hex").slice(0, 16);
  files.set("sw.js", Buffer.from(small(fill(fill(script("sw.js"), "kShell", shell), "kVersion", version))));
}

for (const [name, bytes] of files) {
  const path = join(out, name);
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path) || !readFileSync(path).equals(bytes)) writeFileSync(path, bytes);
}
// What an earlier build made and this one does not.
for (const folder of ["", "sx"])
  for (const name of existsSync(join(out, folder)) ? readdirSync(join(out, folder)) : []) {
    const plain = join(folder, name.replace(/\.(br|gz|zst)$/, ""));
    if (/\.(sxbc|wasm|js|json)$/.test(plain) && !files.has(plain)) rmSync(join(out, folder, name));
  }
