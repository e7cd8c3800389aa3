// Loads the kernel under Node: the same module and the same exports as in a page, with a console,
// a clock and a random source as its only host.
import { readFileSync } from "node:fs";
import { randomFillSync } from "node:crypto";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Calls an op of the host; returns a JSON-able answer or throws {kind, message}.
 *  @typedef {(op: string, args: any[]) => any} HostPerform */

export class Kernel {
  /** @param {WebAssembly.Instance} instance @param {{write: (text: string) => void}} host */
  constructor(instance, host) {
    this.exports = /** @type {any} */ (instance.exports);
    this.host = host;
  }

  /** Copies text or bytes into the module's memory. @param {string | Uint8Array} data */
  put(data) {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    const at = this.exports.sx_alloc(bytes.length);
    new Uint8Array(this.exports.memory.buffer, at, bytes.length).set(bytes);
    return { at, length: bytes.length };
  }

  /** Calls an export whose arguments are texts; throws its error. @param {string} name @param {...(string | Uint8Array)} texts */
  call(name, ...texts) {
    const places = texts.map((text) => this.put(text));
    const status = this.exports[name](...places.flatMap(({ at, length }) => [at, length]));
    for (const { at } of places) this.exports.sx_free(at);
    const text = this.result();
    if (status !== 0) throw new Error(text);
    return text;
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
  const imports = {
    env: {
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
  };
  const { instance } = await WebAssembly.instantiate(readFileSync(path), imports);
  kernel = new Kernel(instance, { write });
  kernel.exports._initialize?.();
  const seed = new Uint32Array(2);
  randomFillSync(seed);
  kernel.exports.sx_start(seed[0], seed[1], options.stress ? 1 : 0);
  return kernel;
}
