// Loads the kernel under Node: the same module and the same exports as in a page, with a console,
// a clock and a random source as its only host.
import { readFileSync } from "node:fs";
import { randomFillSync } from "node:crypto";
import { dirname, join } from "node:path";
import { textPort } from "../glue/kernel.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Calls an op of the host; returns a JSON-able answer or throws {kind, message}.
 *  @typedef {(op: string, args: any[]) => any} HostPerform */

export class Kernel {
  /** @param {WebAssembly.Instance} instance @param {string} folder where the modules beside the kernel are
   *  @param {any} imports the kernel's @param {ReturnType<typeof textPort>} textModule */
  constructor(instance, folder, imports, textModule) {
    this.exports = /** @type {any} */ (instance.exports);
    this.folder = folder;
    // By the bits of sx_needs(): the file, its imports, and what its instance is for.
    /** @type {Record<number, {file: string, imports: () => any, use: (exports: any) => void}>} */
    this.modules = {
      // It fills its slots of the kernel's table by itself.
      1: { file: "tools.wasm", imports: () => ({ kernel: this.exports }), use() {} },
      2: { file: "text.wasm", imports: () => imports, use: (exports) => textModule.use(exports) },
    };
  }

  /** Loads a module beside the kernel. @param {number} bit */
  provide(bit) {
    const { file, imports, use } = this.modules[bit];
    const module = new WebAssembly.Module(readFileSync(join(this.folder, file)));
    use(new WebAssembly.Instance(module, imports()).exports);
    this.exports.sx_provide(bit);
  }

  /** Copies text or bytes into the module's memory. @param {string | Uint8Array} data */
  put(data) {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    const at = this.exports.sx_alloc(bytes.length);
    new Uint8Array(this.exports.memory.buffer, at, bytes.length).set(bytes);
    return { at, length: bytes.length };
  }

  /** Calls an export whose arguments are texts; throws its error. A module that it needs is loaded first.
   *  @param {string} name @param {...(string | Uint8Array)} texts */
  call(name, ...texts) {
    for (;;) {
      const places = texts.map((text) => this.put(text));
      const status = this.exports[name](...places.flatMap(({ at, length }) => [at, length]));
      for (const { at } of places) this.exports.sx_free(at);
      const text = this.result();
      if (status === 0) return text;
      const needs = this.exports.sx_needs();
      const missing = Object.keys(this.modules).map(Number).filter((bit) => needs & bit);
      if (missing.length === 0) throw new Error(text);
      for (const bit of missing) this.provide(bit);
    }
  }

  result() {
    const { memory, sx_result_ptr, sx_result_len } = this.exports;
    return decoder.decode(new Uint8Array(memory.buffer, sx_result_ptr(), sx_result_len()).slice());
  }
}

/** @param {string} path @param {{write?: (text: string) => void, stress?: boolean, perform?: HostPerform}} [options] */
export async function loadKernel(path, options = {}) {
  const write = options.write ?? ((text) => void process.stdout.write(text));
  /** @type {Kernel} */
  let kernel;
  const text = (at, length) => decoder.decode(new Uint8Array(kernel.exports.memory.buffer, at, length).slice());
  const answer = (ticket, value, failed) => {
    const { at, length } = kernel.put(JSON.stringify(value ?? null));
    kernel.exports.sx_reply(ticket, at, length, failed ? 1 : 0);
    kernel.exports.sx_free(at);
  };
  const textModule = textPort(() => kernel.exports.memory);
  const imports = {
    env: {
      ...textModule.imports,
      sx_host_perform(ticket, op, opLength, args, argsLength) {
        const name = text(op, opLength);
        if (!options.perform) {
          answer(ticket, { kind: "no-servicer", message: `No servicer for the IO op ${name} here; register one, or handle the request with with-handler` }, true);
          return;
        }
        try {
          answer(ticket, options.perform(name, JSON.parse(text(args, argsLength))), false);
        } catch (error) {
          answer(ticket, { kind: error.kind ?? "io-error", message: error.message }, true);
        }
      },
      sx_host_write: (at, length) => write(text(at, length)),
      sx_host_log: (_level, at, length) => void process.stderr.write(text(at, length) + "\n"),
      sx_host_now: () => Date.now(),
      sx_host_random: (at, length) => void randomFillSync(new Uint8Array(kernel.exports.memory.buffer, at, length)),
      emscripten_notify_memory_growth() {},
    },
    wasi_snapshot_preview1: {
      proc_exit(code) {
        throw new Error(`the kernel stopped with status ${code}`);
      },
    },
    tools: new Proxy({}, { get: () => () => { throw new Error("the kernel called into tools.wasm before it was loaded"); } }),
  };
  const { instance } = await WebAssembly.instantiate(readFileSync(path), imports);
  kernel = new Kernel(instance, dirname(path), imports, textModule);
  kernel.exports._initialize?.();
  const seed = new Uint32Array(2);
  randomFillSync(seed);
  kernel.exports.sx_start(seed[0], seed[1], options.stress ? 1 : 0);
  return kernel;
}
