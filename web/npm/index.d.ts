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

/** What a request carries, as an object that may be changed; a name of several values has an array. */
export type SxValues = FormData & Record<string, unknown>;

/** The answer to a request, as listeners and extensions see it. */
export interface SxAnswer {
  readonly status: number;
  readonly responseURL: string;
  readonly response: string;
  readonly responseText: string;
  getResponseHeader(name: string): string | null;
  getAllResponseHeaders(): string;
  abort(): void;
}

/** As htmx 2 has them; sx-ext names the extension on the elements that it is for. */
export interface SxExtension {
  init?(api: SxKernel & Record<string, (...args: any[]) => any>): void;
  /** Elements that it is told of by sx:beforeProcessNode and sx:afterProcessNode. */
  getSelectors?(): string[] | null;
  /** False stops what the event tells of. */
  onEvent?(name: string, event: CustomEvent): boolean | void;
  encodeParameters?(request: { setRequestHeader(name: string, value: string): void; overrideMimeType(type: string): void }, values: SxValues, element: Element): string | null | void;
  transformResponse?(text: string, answer: SxAnswer, element: Element): string;
  isInlineSwap?(style: string): boolean;
  /** The elements that came, or true when it has swapped; false leaves it to others. */
  handleSwap?(style: string, target: Element, fragment: DocumentFragment, settling: { tasks: (() => void)[]; elts: Element[] }): Node[] | boolean;
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
  /** Takes up sx-* attributes that other code put into the page; all of it is looked at, whatever is given. */
  process(node?: Element): void;
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
  /** False when a listener prevented it. */
  trigger(node: Element | string, name: string, detail?: object): boolean | Promise<boolean>;
  /** Puts HTML into the page as an answer would be. */
  swap(target: Element | string, html: string, spec?: string): Promise<unknown>;
  abort(node: Element | string): unknown;
  /** The values that an element would send. */
  values(node: Element | string, verb?: string): SxValues | Promise<SxValues>;
  find(selector: string): Element | null | Promise<Element | null>;
  find(from: Element | string, selector: string): Element | null | Promise<Element | null>;
  closest(node: Element | string, selector: string): Element | null | Promise<Element | null>;
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
