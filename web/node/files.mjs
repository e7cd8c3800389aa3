// Files and standard input for programs that sx-wasm runs: the ops that server/cli/script_servicers.cpp
// services natively. Bytes do not cross the kernel's border, which is JSON: files are text here.
import { appendFileSync, lstatSync, mkdirSync, readFileSync, readSync, readdirSync, renameSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const kKinds = { ENOENT: "not-found", ENOTDIR: "not-found", EACCES: "permission-error", EPERM: "permission-error", EROFS: "permission-error", EEXIST: "exists", ENOTEMPTY: "not-empty" };

function failure(kind, message) {
  return Object.assign(new Error(message), { kind });
}

const describe = (info) => ({
  kind: info.isFile() ? "file" : info.isDirectory() ? "folder" : info.isSymbolicLink() ? "link" : "other",
  size: info.size,
  modified: Math.floor(info.mtimeMs),
});

function decoded(bytes, from, op) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw failure("encoding-error", `${op}: ${from}: Expected UTF-8`);
  }
}

// What was read of standard input and not yet given out.
let pending = Buffer.alloc(0);
function more() {
  const part = Buffer.alloc(64 * 1024);
  for (;;) {
    try {
      const n = readSync(0, part);
      pending = Buffer.concat([pending, part.subarray(0, n)]);
      return n > 0;
    } catch (error) {
      if (error.code === "EOF") return false;
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);  // a pipe without data yet
    }
  }
}
function take(length, skip = 0) {
  const taken = pending.subarray(0, length);
  pending = pending.subarray(length + skip);
  return taken;
}

const kOps = {
  "console/read-line": () => {
    let end;
    while ((end = pending.indexOf(10)) < 0 && more());
    if (end < 0 && pending.length === 0) return null;
    const line = end < 0 ? take(pending.length) : take(end, 1);
    return decoded(line.at(-1) === 13 ? line.subarray(0, -1) : line, "standard input", "console/read-line");
  },
  "console/read-all": () => {
    while (more());
    return decoded(take(pending.length), "standard input", "console/read-all");
  },
  "fs/read": (path, as) => {
    if (as !== "text") throw failure("type-error", `fs/read: ${path}: Bytes cannot be read here, only text; run it with sx`);
    return decoded(readFileSync(path), path, "fs/read");
  },
  "fs/write": (path, data, how) => {
    if (how === "append") appendFileSync(path, data);
    else if (how === "new") writeFileSync(path, data, { flag: "wx" });
    else {
      const temporary = `${path}.${process.pid}.tmp`;
      writeFileSync(temporary, data);
      renameSync(temporary, path);
    }
    return null;
  },
  "fs/list": (path) => readdirSync(path).sort().map((name) => ({ name, ...describe(lstatSync(join(path, name))) })),
  "fs/stat": (path) => {
    const info = statSync(path, { throwIfNoEntry: false }) ?? lstatSync(path, { throwIfNoEntry: false });
    return info ? describe(info) : null;
  },
  "fs/make-folder": (path) => {
    mkdirSync(path, { recursive: true });
    return null;
  },
  "fs/rename": (from, to) => {
    renameSync(from, to);
    return null;
  },
  "fs/remove": (path) => {
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (!info) return false;
    if (info.isDirectory()) rmdirSync(path);
    else unlinkSync(path);
    return true;
  },
};

/** Answers an op of files or standard input; what it does not know is refused by name.
 *  @type {import("./kernel.mjs").HostPerform} */
export function performFileOp(op, args) {
  const serve = kOps[op];
  if (!serve) throw failure("no-servicer", `No servicer for the IO op ${op} here; register one, or handle the request with with-handler`);
  try {
    return serve(...args);
  } catch (error) {
    if (error.kind) throw error;
    throw failure(kKinds[error.code] ?? "io-error", `${op}: ${args[0] ?? "standard input"}: ${error.message}`);
  }
}
