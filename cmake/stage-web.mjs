// Puts the browser's files together below build/static: glue, kernel, bundles and, for the day when a bundle is
// refused, the sources.
//
//   node cmake/stage-web.mjs OUT
//
// A file is written only when it changed, so that time stamps tell what to compress again.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const out = process.argv[2];
const kBundleFolder = "build/native/bundles";

/** @param {string} name @param {Buffer | string} content */
function write(name, content) {
  const path = join(out, name);
  mkdirSync(dirname(path), { recursive: true });
  const bytes = Buffer.from(content);
  if (!existsSync(path) || !readFileSync(path).equals(bytes)) writeFileSync(path, bytes);
}

/** Who reads a page's scripts has the sources: what travels is without comments and indentation. @param {string} text */
const lean = (text) => text.replace(/^ *(\/\/|\/\*\*|\*).*\n/gm, "").replace(/^ +/gm, "").replace(/\n\n+/g, "\n");

/** {"module": "text"} of the modules that a page may need as sources. */
function sources() {
  /** @type {Record<string, string>} */
  const found = {};
  for (const folder of ["lib/core", "lib/test", "web/sx"])
    for (const file of readdirSync(folder).sort()) {
      if (!file.endsWith(".sx") || file.endsWith("-test.sx")) continue;
      const text = readFileSync(join(folder, file), "utf8");
      const module = /\(module\s+([^\s()]+)/.exec(text);
      if (module) found[module[1]] = text;
    }
  return JSON.stringify(found);
}

/** @type {Map<string, Buffer | string>} by plain name */
const files = new Map();
for (const name of ["kernel.wasm", "tools.wasm", "text.wasm"])
  if (existsSync(`build/wasm/${name}`)) files.set(name, readFileSync(`build/wasm/${name}`));
for (const name of readdirSync(kBundleFolder).sort())
  if (/^(core|web|web-.*)\.sxbc$/.test(name)) files.set(name, readFileSync(join(kBundleFolder, name)));
files.set("sx/web-source.json", sources());
for (const name of readdirSync("web/glue").sort())
  if (name.endsWith(".js")) files.set(name, lean(readFileSync(join("web/glue", name), "utf8")));

// Scripts of features are named in the loader, so that it knows which features have one.
const scripts = [...files.keys()].filter((name) => /^web-.*\.js$/.test(name));
const named = Object.fromEntries(scripts.map((name) => [name, name]));
const boot = String(files.get("boot.js"));
const filled = boot.replace("const kFiles = {};", `const kFiles = ${JSON.stringify(named)};`);
if (filled === boot && scripts.length) throw new Error("web/glue/boot.js has no line `const kFiles = {};` to fill in");
files.set("boot.js", filled);

for (const [name, content] of files) write(name, content);
// What an earlier build made and this one does not.
for (const name of readdirSync(out)) {
  const plain = name.replace(/\.(br|gz|zst)$/, "");
  if (/\.(sxbc|wasm|js)$/.test(plain) && !files.has(plain)) rmSync(join(out, name));
}
