#!/usr/bin/env node
// sx-wasm run FILE | eval EXPR | test PATH… : the command line through the WebAssembly kernel.
//
// Library modules come from build/native/bundles (--source: from their sources), other modules from files of
// the project as with the native command. `test` takes --filter TEXT, --json and --names as sx test does.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { performFileOp } from "./files.mjs";
import { loadKernel } from "./kernel.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const kernelPath = process.env.SX_KERNEL ?? join(project, "build/wasm/kernel.wasm");
const bundles = ["core", "test"].map((name) => join(project, `build/native/bundles/${name}.sxbc`));

/** Every module that a text names in :use, with what those use. */
function addSources(kernel, text, roots, seen) {
  for (const use of text.matchAll(/\(\s*use\s+([^()]*)\)|:use\s*\(([^()]*)\)/g)) {
    for (const name of (use[1] ?? use[2]).split(/\s+/).filter(Boolean)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const last = name.split("/").at(-1);
      const candidates = [];
      if (name.startsWith("web/")) candidates.push(`web/sx/${name.slice(4)}.sx`);
      candidates.push(`lib/${name}.sx`, `lib/${name}/${last}.sx`, `${name}.sx`);
      for (const path of roots.flatMap((root) => candidates.map((candidate) => join(root, candidate)))) {
        if (!existsSync(path)) continue;
        const source = readFileSync(path, "utf8");
        addSource(kernel, name, source);
        addSources(kernel, source, roots, seen);
        break;
      }
    }
  }
}

function addSource(kernel, name, source) {
  const a = kernel.put(name);
  const b = kernel.put(source);
  kernel.exports.sx_add_source(a.at, a.length, b.at, b.length);
  kernel.exports.sx_free(a.at);
  kernel.exports.sx_free(b.at);
}

async function makeKernel({ near, text, source, stress, write }) {
  const kernel = await loadKernel(kernelPath, { stress, perform: performFileOp, ...(write ? { write } : {}) });
  const roots = [project, ...(near ? [dirname(resolve(near))] : [])];
  if (!source && bundles.every((path) => existsSync(path))) {
    for (const path of bundles) kernel.call("sx_add_bundle", readFileSync(path));
  } else addSources(kernel, "(use core test)", roots, new Set());
  if (text) addSources(kernel, text, roots, new Set());
  return kernel;
}

function testFiles(paths) {
  const files = [];
  const visit = (path) => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else if (path.endsWith(".sx") && !path.includes("/modules/") && (path.endsWith("-test.sx") || path.includes("conformance"))) {
      files.push(path);
    }
  };
  for (const path of paths) {
    if (!existsSync(path)) fail(2, `${path}: no such file or folder`);
    if (statSync(path).isDirectory()) visit(path);
    else files.push(path);
  }
  return files.sort();
}

function fail(status, message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(status);
}

/** Calls the exported (or a script's) main with the arguments, if there is one. */
function callMain(kernel, args) {
  for (const name of ["main", "#main"]) {
    if (kernel.call("sx_has", name) !== "true") continue;
    kernel.call("sx_call_now", name, JSON.stringify(args));
    return;
  }
}

async function runFile(file, args, options) {
  if (!existsSync(file)) fail(1, `${file}: cannot be read: no such file`);
  const bytes = readFileSync(file);
  if (bytes.subarray(0, 4).toString("latin1") === "SXBC") {
    const kernel = await makeKernel({ near: file, ...options });
    const entry = kernel.call("sx_add_bundle", bytes);
    kernel.call("sx_require", entry);
    callMain(kernel, args);
    return;
  }
  const text = bytes.toString("utf8");
  const kernel = await makeKernel({ near: file, text, ...options });
  kernel.call("sx_run_source", relative(process.cwd(), file), bytes);
  callMain(kernel, args);
}

/** The value of a :key of a printed dict whose values are numbers, nil and one text. */
function field(dict, key) {
  const number = new RegExp(`:${key} (\\d+)`).exec(dict);
  if (number) return Number(number[1]);
  const text = new RegExp(`:${key} ("(?:[^"\\\\]|\\\\.)*")`).exec(dict);
  if (!text) return undefined;
  return text[1].slice(1, -1).replace(/\\(x([0-9A-Fa-f]+);|u\{([0-9A-Fa-f]+)\}|.)/g, (whole, letter, x, u) =>
    x ?? u ? String.fromCodePoint(parseInt(x ?? u, 16)) : ({ n: "\n", t: "\t", r: "\r", 0: "\0" }[letter] ?? letter));
}

async function test(paths, options) {
  const files = testFiles(paths);
  if (files.length === 0) fail(2, "no test files found: expected *-test.sx, or a folder with them");
  const started = Date.now();
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const results = [];
  const write = options.json ? (text) => void process.stderr.write(text) : undefined;
  const runOptions = JSON.stringify([{ ...(options.filter ? { filter: options.filter } : {}), json: options.json, names: options.names && !options.json }]);
  for (const file of files) {
    const fileStarted = Date.now();
    const result = { file, ms: 0, cases: [] };
    if (options.names && !options.json) process.stdout.write(`# ${file}\n`);
    try {
      const bytes = readFileSync(file);
      const kernel = await makeKernel({ near: file, text: bytes.toString("utf8"), ...options, write });
      kernel.call("sx_require", "test");
      kernel.call("sx_run_source", relative(process.cwd(), file), bytes);
      const counts = kernel.call("sx_call_now", "test/run-all", runOptions);
      const seen = ["passed", "failed", "skipped"].map((key) => field(counts, key) ?? 0);
      if (seen.every((n) => n === 0)) throw new Error(`${file}: has no tests: expected (test "name" (check …))`);
      [sum.passed, sum.failed, sum.skipped] = [sum.passed + seen[0], sum.failed + seen[1], sum.skipped + seen[2]];
      if (options.json) result.cases = JSON.parse(field(counts, "report"));
    } catch (error) {
      result.error = error.message;
      sum.failed += 1;
      if (!options.json) {
        process.stdout.write(`FAIL ${file}: does not load\n`);
        process.stderr.write(`error: ${error.message}\n`);
      }
    }
    result.ms = Date.now() - fileStarted;
    results.push(result);
  }
  const ms = Date.now() - started;
  if (sum.passed + sum.failed === 0) fail(2, `no test has ${options.filter} in its name (${sum.skipped} were skipped)`);
  if (options.json) {
    process.stdout.write(JSON.stringify({ ...sum, ms, files: results }) + "\n");
  } else {
    process.stdout.write(`# ${files.length} file${files.length === 1 ? "" : "s"}, ${ms} ms${sum.skipped ? `, ${sum.skipped} skipped` : ""}\n`);
    process.stdout.write(`${sum.passed} passed, ${sum.failed} failed\n`);
  }
  process.exitCode = sum.failed === 0 ? 0 : 1;
}

const kUsage = "usage: sx-wasm run FILE | eval EXPR | test PATH…  [--source] [--gc-stress]";
/** Takes the options out of a command's words; behind -- and behind the FILE of run all are arguments. */
function parse([command, ...words]) {
  const options = { stress: false, source: false, json: false, names: false, filter: "" };
  const flags = { "--gc-stress": "stress", "--source": "source", ...(command === "test" ? { "--json": "json", "--names": "names" } : {}) };
  const args = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === "--") return { command, options, args: [...args, ...words.slice(i + 1)] };
    if (flags[word]) options[flags[word]] = true;
    else if (command === "test" && word === "--filter" && i + 1 < words.length) options.filter = words[++i];
    else if (command === "test" && word.startsWith("--")) fail(2, `unknown option ${word}; ${kUsage}`);
    else args.push(word);
  }
  return { command, options, args };
}

const { command, options, args } = parse(process.argv.slice(2));
try {
  if (command === "eval" && args.length === 1) {
    const kernel = await makeKernel({ text: args[0], ...options });
    process.stdout.write(kernel.call("sx_eval", args[0]) + "\n");
  } else if (command === "run" && args.length >= 1) {
    await runFile(args[0], args.slice(1), options);
  } else if (command === "test" && args.length >= 1) {
    await test(args, options);
  } else {
    fail(2, kUsage);
  }
} catch (error) {
  fail(1, error.message);
}
