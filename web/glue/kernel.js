// One WASM kernel: text in, text out, and requests handed to the ports. Nothing here knows what for.
//
// The kernel is entered from one place at a time: a port may cause a browser event while SX runs
// (focus() does), and what that event calls waits until the kernel has returned.

/** @typedef {Record<string, (...args: any[]) => any>} Ports by op; a promise answers later */
/** @typedef {{kind: string, message: string}} Failure */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An error whose kind the SX side can tell apart. */
export class PortError extends Error {
  /** @param {string} kind @param {string} message */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

export class Kernel {
  /** @type {Record<string, any>} */
  #wasm = {};
  /** @type {(() => void)[]} */
  #waiting = [];
  #inside = false;
  #pumping = false;
  #channel = new MessageChannel();
  /** @type {Error | undefined} the trap that ended it */
  dead;

  /** @param {Ports} ports @param {(level: number, text: string) => void} log
   *  @param {(error: Error) => void} onDeath */
  constructor(ports, log, onDeath) {
    this.ports = ports;
    this.log = log;
    this.onDeath = onDeath;
    this.#channel.port1.onmessage = () => this.#pump();
  }

  /** What the module imports. */
  get imports() {
    const text = (/** @type {number} */ at, /** @type {number} */ length) => this.#text(at, length);
    const end = () => { throw new Error("the kernel stopped itself"); };
    const env = {
      sx_host_perform: (/** @type {[number, number, number, number, number]} */ ...[ticket, op, opLength, args, argsLength]) =>
        this.#perform(ticket, text(op, opLength), text(args, argsLength)),
      sx_host_write: (/** @type {number} */ at, /** @type {number} */ length) => console.log(text(at, length).replace(/\n$/, "")),
      sx_host_log: (/** @type {number} */ level, /** @type {number} */ at, /** @type {number} */ length) => this.log(level, text(at, length)),
      sx_host_now: () => Date.now(),
      sx_host_random: (/** @type {number} */ at, /** @type {number} */ length) =>
        void crypto.getRandomValues(new Uint8Array(this.#wasm.memory.buffer, at, length)),
      emscripten_notify_memory_growth: () => {},
    };
    return { env, wasi_snapshot_preview1: { proc_exit: end } };
  }

  /** @param {WebAssembly.Instance} instance */
  start(instance) {
    this.#wasm = instance.exports;
    this.#wasm._initialize();
    const [low, high] = crypto.getRandomValues(new Uint32Array(2));
    this.#wasm.sx_start(low, high);
  }

  #text(/** @type {number} */ at, /** @type {number} */ length) {
    return decoder.decode(new Uint8Array(this.#wasm.memory.buffer, at, length));
  }

  /** What the kernel left as its last value or error. */
  result() {
    return this.#text(this.#wasm.sx_result_ptr(), this.#wasm.sx_result_len());
  }

  /** Calls an export with texts or bytes as (pointer, length) pairs, then numbers.
   *  @param {string} name @param {(string | Uint8Array)[]} inputs @param {number[]} [before] @param {number[]} [after] */
  #raw(name, inputs, before = [], after = []) {
    const wasm = this.#wasm;
    const placed = inputs.map((input) => {
      const bytes = typeof input === "string" ? encoder.encode(input) : input;
      const at = wasm.sx_alloc(bytes.length);
      new Uint8Array(wasm.memory.buffer).set(bytes, at);
      return [at, bytes.length];
    });
    const status = wasm[name](...before, ...placed.flat(), ...after);
    for (const [at] of placed) wasm.sx_free(at);
    return status;
  }

  /** Runs an export now and returns its result text; throws that text when it refuses.
   *  @param {string} name @param {...(string | Uint8Array)} inputs */
  run(name, ...inputs) {
    let status = 1;
    let text = "The kernel is busy or has stopped";
    this.#enter(() => { status = this.#raw(name, inputs); text = this.result(); });
    if (status !== 0) throw new Error(text);
    return text;
  }

  /** Starts the exported SX function in a task of its own. @param {string} name @param {unknown[]} args */
  call(name, args) {
    this.#enter(() => {
      if (this.#raw("sx_call", [name, JSON.stringify(args)]) !== 0) this.log(3, `${name}: ${this.result()}`);
    });
  }

  /** @param {() => void} work */
  #enter(work) {
    if (this.dead) return;
    if (this.#inside) {
      this.#waiting.push(work);
      return;
    }
    this.#inside = true;
    try {
      work();
    } catch (error) {
      this.dead = /** @type {Error} */ (error);
      this.onDeath(this.dead);
    } finally {
      this.#inside = false;
    }
    const next = this.#waiting.shift();
    if (next) this.#enter(next);
    else this.#schedule();
  }

  // A task that used up its slice goes on in a macrotask, so that the page can paint in between.
  #schedule() {
    if (this.#pumping || this.dead) return;
    this.#pumping = true;
    this.#channel.port2.postMessage(0);
  }

  #pump() {
    this.#pumping = false;
    if (this.dead) return;
    let left = 0;
    this.#inside = true;
    try {
      left = this.#wasm.sx_run(1);
    } catch (error) {
      this.dead = /** @type {Error} */ (error);
      this.onDeath(this.dead);
    } finally {
      this.#inside = false;
    }
    const next = this.#waiting.shift();
    if (next) this.#enter(next);
    else if (left > 0) this.#schedule();
  }

  /** @param {number} ticket @param {unknown} value @param {boolean} failed */
  #reply(ticket, value, failed) {
    this.#raw("sx_reply", [JSON.stringify(value ?? null)], [ticket], [failed ? 1 : 0]);
  }

  /** @param {number} ticket @param {string} op @param {string} args */
  #perform(ticket, op, args) {
    const fail = (/** @type {any} */ error) => ({ kind: error.kind ?? "io-error", message: `${op}: ${error.message ?? error}` });
    try {
      const port = this.ports[op];
      if (!port) throw new PortError("no-servicer", "No servicer for this IO op in the browser");
      const value = port(...JSON.parse(args));
      if (value instanceof Promise)
        value.then(
          (late) => this.#enter(() => this.#reply(ticket, late, false)),
          (error) => this.#enter(() => this.#reply(ticket, fail(error), true)),
        );
      else this.#reply(ticket, value, false);
    } catch (error) {
      this.#reply(ticket, fail(error), true);
    }
    return 0;
  }
}
