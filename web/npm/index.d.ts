// What scripts of a page may use: SxKernel, as a global and as the default export.

export interface SxRequest {
  /** Where the answer goes: an element or a selector. */
  target?: Element | string;
  /** The element that asks: its attributes hold. */
  source?: Element | string;
  values?: Record<string, unknown> | FormData;
  headers?: Record<string, string>;
  /** As in the attribute sx-swap. */
  swap?: string;
  select?: string;
  push?: string;
  replace?: string;
}

export interface SxReport {
  kernel: { ready: boolean; version: string; loadedFrom: "bundle" | "source" };
  elements: { element: Element; tag: string; triggers: string[] }[];
  /** state: what its signals hold, as SX writes it. */
  islands: { element: Element; name: string; phase: "waiting" | "resuming" | "resumed" | "adopted" | "failed"; state: string[] }[];
  /** Times in milliseconds; `ms` is missing while it is under way. */
  requests: { path: string; verb: string; element: EventTarget; at: number; ms?: number; status?: number }[];
  swaps: { path: string; target: EventTarget; at: number; ms?: number; settled?: number }[];
  errors: { kind: string; path?: string; message?: string; element: EventTarget; at: number }[];
}

export interface SxExtension {
  init?(api: SxKernel): void;
  onEvent?(name: string, event: CustomEvent): boolean | void;
  [moment: string]: unknown;
}

export interface SxKernel {
  /** True when the engine runs: <html data-sx-ready="true">, event sx:ready. */
  readonly ready: boolean;
  /** Why the page is plain. */
  readonly error?: Error;
  /** Fingerprint of the kernel's tables. */
  readonly version: string;
  /** "source" when a bundle was refused and the sources were compiled. */
  readonly loadedFrom: "bundle" | "source";
  /** Settings, as <meta name="sx-config"> has them. */
  config: Record<string, unknown>;
  /** The value of an SX expression, as text. */
  eval(text: string): Promise<string>;
  /** Starts an exported SX function in a task of its own. */
  call(name: string, ...args: unknown[]): void;
  /** Takes up sx-* attributes that other code put into the page. */
  process(): void;
  /** How many links and forms are boosted now. */
  boosted(): number;
  /** Listens to the event sx:NAME of the document; answers how to stop. */
  on(name: string, listener: (event: CustomEvent) => void): () => void;
  /** Listens to any event of a node. */
  on(node: EventTarget, name: string, listener: (event: Event) => void): () => void;
  off(node: EventTarget | string, name: string, listener: (event: Event) => void): void;
  /** Loads a feature before anybody asks for it, such as "web-morph". */
  load(bundle: string): Promise<void>;
  /** What the engine holds and did since it was first asked. */
  debug(): Promise<SxReport>;
  /** Sends a request as an element would; fulfilled when its answer is shown. */
  ajax(verb: string, path: string, context?: SxRequest | Element | string): Promise<unknown>;
  trigger(node: Element | string, name: string, detail?: unknown): unknown;
  /** Puts HTML into the page as an answer would be. */
  swap(target: Element | string, html: string, spec?: string): Promise<unknown>;
  abort(node: Element | string): unknown;
  /** The values that an element would send. */
  values(node: Element | string, verb?: string): unknown;
  find(selector: string): unknown;
  closest(node: Element | string, selector: string): unknown;
  defineExtension(name: string, extension: SxExtension): unknown;
  removeExtension(name: string): unknown;
  logAll(): unknown;
  logNone(): unknown;
}

declare global {
  var SxKernel: SxKernel;
  interface DocumentEventMap {
    "sx:ready": CustomEvent;
  }
}

declare const kernel: SxKernel;
export default kernel;
