// Start-up times and the sizes of what a visitor downloads, each beside its aim.
//
//   node bench/startup.mjs [--write]
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machine, median, replaceSection, runOnce } from "./measure.mjs";

const rows = [];
const add = (what, value, unit, aim) =>
  rows.push(`| ${what} | ${value.toFixed(value < 100 ? 1 : 0)} ${unit} | ≤ ${aim} ${unit} | ${value <= aim ? "yes" : "**no**"} |`);

const walls = Array.from({ length: 15 }, () => runOnce(["build/native/sx", "eval", "1"]).wallMs);
add("`sx eval 1`, median wall time", median(walls), "ms", 5);
writeFileSync("build/bench/hello.sx", '(print "hello")\n');
add("hello, world: resident memory", runOnce(["build/native/sx", "run", "build/bench/hello.sx"]).kb / 1024, "MB", 10);

/** Bytes of a static file, brotli when that sibling is there. */
const size = (file, compressed) => {
  const path = join("build/static", file);
  return statSync(compressed && existsSync(`${path}.br`) ? `${path}.br` : path).size / 1024;
};
const files = readdirSync("build/static").filter((file) => !/\.(br|zst|gz)$/.test(file));
const scripts = files.filter((file) => file.endsWith(".js"));
const bundles = files.filter((file) => file.endsWith(".sxbc"));
const sum = (list, compressed) => list.reduce((total, file) => total + size(file, compressed), 0);
add("`kernel.wasm`, brotli", size("kernel.wasm", true), "KB", 126.9);
// Fetched by pages that evaluate sources, or whose bundles use what is in them.
add("`tools.wasm`, brotli", size("tools.wasm", true), "KB", 112);
if (files.includes("text.wasm")) add("`text.wasm`, brotli", size("text.wasm", true), "KB", 130);
add("all JavaScript, raw", sum(scripts, false), "KB", 20);
add("web bundle, brotli", sum(bundles, true), "KB", 30);
add("everything before ready, brotli", sum([...scripts, ...bundles, "kernel.wasm"], true), "KB", 170);

const table = [`${machine()}.`, "", "| what | found | aim | reached |", "|---|--:|--:|---|", ...rows].join("\n");
console.log(table);
if (process.argv.includes("--write")) {
  writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "startup", table));
}
