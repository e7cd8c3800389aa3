#!/usr/bin/env node
// sx-wasm run FILE | eval EXPR | test PATH… : the command line through the WebAssembly kernel.
//
// Library modules come from build/native/bundles/core.sxbc (--source: from their sources), other modules from
// files of the project as with the native command.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadKernel } from "./kernel.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const kernelPath = process.env.SX_KERNEL ?? join(project, "build/wasm/kernel.wasm");
const corePath = join(project, "build/native/bundles/core.sxbc");

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

async function makeKernel({ near, text, source, stress }) {
  const kernel = await loadKernel(kernelPath, { stress });
  const roots = [project, ...(near ? [dirname(resolve(near))] : [])];
  if (!source && existsSync(corePath)) kernel.call("sx_add_bundle", readFileSync(corePath));
  else addSources(kernel, "(use core test)", roots, new Set());
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

async function test(paths, options) {
  let passed = 0;
  let failed = 0;
  const files = testFiles(paths);
  if (files.length === 0) fail(2, "no test files found: expected *-test.sx, or a folder with them");
  for (const file of files) {
    const bytes = readFileSync(file);
    try {
      const kernel = await makeKernel({ near: file, text: bytes.toString("utf8"), ...options });
      kernel.call("sx_require", "test");
      kernel.call("sx_run_source", relative(process.cwd(), file), bytes);
      const counts = kernel.call("sx_call_now", "test/run-all", "[]");
      const p = Number(/:passed (\d+)/.exec(counts)?.[1] ?? 0);
      const f = Number(/:failed (\d+)/.exec(counts)?.[1] ?? 0);
      if (p + f === 0) throw new Error(`${file}: has no tests`);
      passed += p;
      failed += f;
    } catch (error) {
      process.stdout.write(`FAIL ${file}: does not load\n`);
      process.stderr.write(`error: ${error.message}\n`);
      failed += 1;
    }
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

const [command, ...rest] = process.argv.slice(2);
const options = { stress: rest.includes("--gc-stress"), source: rest.includes("--source") };
const args = rest.filter((arg) => arg !== "--gc-stress" && arg !== "--source");
try {
  if (command === "eval" && args.length === 1) {
    const kernel = await makeKernel({ text: args[0], ...options });
    process.stdout.write(kernel.call("sx_eval", args[0]) + "\n");
  } else if (command === "run" && args.length >= 1) {
    await runFile(args[0], args.slice(1), options);
  } else if (command === "test" && args.length >= 1) {
    await test(args, options);
  } else {
    fail(2, "usage: sx-wasm run FILE | eval EXPR | test PATH…  [--source] [--gc-stress]");
  }
} catch (error) {
  fail(1, error.message);
}
