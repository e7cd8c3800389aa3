// One WASM kernel: text in, text out, and requests handed to the ports. Nothing here knows what for.

/** @typedef {Record<string, (...args: any[]) => any>} Ports by op; a promise, or a function of how to answer, answers later */
/** @typedef {(name: string, ...args: unknown[]) => void} Call of an exported SX function, in a task of its own */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @param {string} kind by which SX tells it apart @param {string} message */
export const portError = (kind, message) => Object.assign(new Error(message), { kind });

/** The way to text.wasm, whose memory is its own: copies requests of the kernel in and replies out.
 *  @param {() => WebAssembly.Memory} memory the kernel's */
export function textPort(memory) {
  /** @type {any} */
  let module;
  let reply = 0;
  /** @param {WebAssembly.Memory} memory @param {number} at @param {number} length */
  const bytes = ({ buffer }, at, length) => new Uint8Array(buffer, at, length);
  return {
    /** @param {any} exports */
    use(exports) {
      module = exports;
      module._initialize();
    },
    imports: {
      /** The length of the reply; 0 without the module, or when it failed.
       *  @param {number} op @param {number} a @param {number} aLength @param {number} b @param {number} bLength
       *  @param {number} first @param {number} second */
      sx_host_text(op, a, aLength, b, bLength, first, second) {
        try {
          const at = module.text_input(aLength + bLength);
          if (!at && aLength + bLength) return 0;
          bytes(module.memory, at, aLength).set(bytes(memory(), a, aLength));
          bytes(module.memory, at + aLength, bLength).set(bytes(memory(), b, bLength));
          reply = module.text_call(op, aLength, bLength, first, second);
          return module.text_reply_length();
        } catch {
          module = undefined;
          return 0;
        }
      },
      /** @param {number} to */
      sx_host_text_reply(to) {
        const length = module.text_reply_length();
        bytes(memory(), to, length).set(bytes(module.memory, reply, length));
      },
    },
  };
}

/** @param {Ports} ports @param {(level: number, text: string) => void} log
 *  @param {(file: string, imports: any) => Promise<WebAssembly.Instance>} instantiate
 *  @param {(error: Error) => void} onDeath told about the trap that ended the kernel */
export function makeKernel(ports, log, instantiate, onDeath) {
  /** @type {any} */
  let wasm;
  /** @type {(() => void)[]} */
  const waiting = [];
  let inside = false, dead = false, pumping = false;
  const pump = new MessageChannel();

  const textModule = textPort(() => wasm.memory);
  // Modules beside the kernel by the bits of sx_needs(): the file, its imports, and what its instance is for.
  /** @type {Record<number, {file: string, imports: () => any, use: (exports: any) => void, loading?: Promise<void>}>} */
  const modules = {
    // It fills its slots of the kernel's table by itself.
    1: { file: "tools.wasm", imports: () => ({ kernel: wasm }), use() {} },
    2: { file: "text.wasm", imports: () => imports, use: (exports) => textModule.use(exports) },
  };

  /** @param {number} at @param {number} length */
  const text = (at, length) => decoder.decode(new Uint8Array(wasm.memory.buffer, at, length));
  const result = () => text(wasm.sx_result_ptr(), wasm.sx_result_len());

  // The kernel is entered from one place at a time: what a port causes while SX runs (focus() does) waits.
  /** @param {() => void} work */
  function enter(work) {
    if (dead) return;
    waiting.push(work);
    if (inside) return;
    inside = true;
    try {
      for (let next; (next = waiting.shift());) next();
    } catch (error) {
      dead = true;
      onDeath(/** @type {Error} */ (error));
    }
    inside = false;
    if (dead || pumping || !wasm.sx_waiting()) return;
    pumping = true;
    pump.port2.postMessage(0);
  }
  // A task that used up its slice goes on in a macrotask, so that the page can paint in between.
  pump.port1.onmessage = () => {
    pumping = false;
    enter(() => wasm.sx_run());
  };

  /** Calls an export with each text as pointer and length. @param {string} name @param {(string | Uint8Array)[]} inputs
   *  @param {number[]} [before] @param {number[]} [after] numbers around them */
  function raw(name, inputs, before = [], after = []) {
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

  /** @param {number} ticket @param {unknown} value @param {number} failed */
  const reply = (ticket, value, failed) => raw("sx_reply", [JSON.stringify(value ?? null)], [ticket], [failed]);

  /** @param {number} ticket @param {string} op @param {any[]} args @param {boolean} [outside] SX may be entered meanwhile */
  function perform(ticket, op, args, outside) {
    // Listeners of an event may call SX, so an event is sent when SX has come to rest.
    if (op === "dom/emit" && !outside) return void waiting.push(() => perform(ticket, op, args, true));
    const fail = (/** @type {any} */ error) => reply(ticket, { kind: error.kind ?? "io-error", message: `${op}: ${error.message}` }, 1);
    const done = (/** @type {any} */ late) => enter(() => reply(ticket, late, 0)), failed = (/** @type {any} */ error) => enter(() => fail(error));
    try {
      if (!ports[op]) throw portError("no-servicer", "this op is not serviced in the browser");
      inside = !outside;
      const value = ports[op](...args);
      inside = true;
      if (value instanceof Promise) value.then(done, failed);
      else if (typeof value === "function") value(done, failed);
      else reply(ticket, value, 0);
    } catch (error) {
      inside = true;
      fail(error);
    }
  }

  const tooEarly = () => { throw new Error("the kernel called into tools.wasm before it was loaded"); };
  /** @type {Record<string, Ports>} */
  const imports = {
    env: {
      sx_host_perform: (ticket, op, opLength, args, length) => perform(ticket, text(op, opLength), JSON.parse(text(args, length))),
      sx_host_write: (at, length) => console.log(text(at, length)),
      sx_host_log: (level, at, length) => log(level, text(at, length)),
      sx_host_now: Date.now,
      sx_host_random: (at, length) => void crypto.getRandomValues(new Uint8Array(wasm.memory.buffer, at, length)),
      ...textModule.imports,
      emscripten_notify_memory_growth() {},
    },
    wasi_snapshot_preview1: { proc_exit() { throw new Error("the kernel stopped itself"); } },
    tools: new Proxy({}, { get: () => tooEarly }),
  };

  /** Loads one of `modules`, once. @param {number} bit */
  const provide = (bit) => modules[bit].loading ??= instantiate(modules[bit].file, modules[bit].imports()).then((instance) => {
    modules[bit].use(instance.exports);
    wasm.sx_provide(bit);
  }, (error) => {
    delete modules[bit].loading;  // asked for again, it is fetched again
    throw error;
  });

  /** @param {string} name @param {(string | Uint8Array)[]} inputs @param {number[]} [after] */
  function runWith(name, inputs, after) {
    let status = 1, answer = "the kernel is busy or has stopped";
    enter(() => { status = raw(name, inputs, [], after); answer = result(); });
    if (status) throw new Error(answer);
    return answer;
  }
  /** @param {string} name @param {...(string | Uint8Array)} inputs */
  const run = (name, ...inputs) => runWith(name, inputs);
  return {
    imports,
    /** The parts of a template that dom/encode named; may be asked for while SX runs. @param {number} address */
    template(address) {
      wasm.sx_template(address);
      return JSON.parse(result());
    },
    /** @param {WebAssembly.Instance} instance */
    start(instance) {
      wasm = instance.exports;
      wasm._initialize();
      wasm.sx_start(...crypto.getRandomValues(new Uint32Array(2)), 0);
    },
    /** Runs an export now and returns its result text; throws that text when it refuses. */
    run,
    /** @param {Uint8Array} bytes @param {boolean} vouched it is known to be of the kernel's own build, which verified it */
    addBundle: (bytes, vouched) => runWith("sx_add_bundle", [bytes], [vouched ? 1 : 0]),
    /** The same for exports that load or compile: what it needs of `modules` is fetched first.
     *  @param {string} name @param {...(string | Uint8Array)} inputs */
    async load(name, ...inputs) {
      for (;;) {
        try {
          return run(name, ...inputs);
        } catch (error) {
          const needs = dead ? 0 : wasm.sx_needs();
          const missing = Object.keys(modules).map(Number).filter((bit) => needs & bit);
          if (!missing.length) throw error;
          await Promise.all(missing.map(provide));
        }
      }
    },
    /** Starts an exported SX function in a task of its own. @param {string} name @param {...unknown} args */
    call: (name, ...args) => enter(() => {
      if (raw("sx_call", [name, JSON.stringify(args)])) log(3, `${name}: ${result()}`);
    }),
  };
}
