// What the engine is doing, for the author of a page: SxKernel.debug() answers with everything noted since it was
// first asked, or since the page was ready where <html data-sx-debug> says so. It comes with web-debug.sxbc.

import { nodeOf } from "./dom.js";

/** The newest are kept. */
const kMost = 200;

/** @param {import("./kernel.js").Call} call @param {any} api @returns {import("./kernel.js").Ports} */
export function ports(call, api) {
  /** @type {Record<string, any[]>} */
  const noted = { requests: [], swaps: [], errors: [] };
  /** @param {string} list @param {object} entry */
  const note = (list, entry) => {
    noted[list].push(entry);
    if (noted[list].length > kMost) noted[list].shift();
  };
  const now = () => Math.round(performance.now() * 100) / 100;
  /** The last entry of a list that is not over, for an address. @param {string} list @param {any} detail */
  const open = (list, detail) => noted[list].findLast((entry) => entry.ms === undefined && (!detail?.path || entry.path === detail.path));
  /** @type {Record<string, (event: any) => void>} by moment */
  const moments = {
    beforeRequest: ({ detail, target }) => note("requests", { path: detail?.path, verb: detail?.verb ?? "get", element: target, at: now() }),
    afterRequest({ detail }) {
      const entry = open("requests", detail);
      if (entry) Object.assign(entry, { ms: now() - entry.at, status: detail?.status ?? detail?.xhr?.status });
    },
    beforeSwap: ({ detail, target }) => note("swaps", { path: detail?.path, target, at: now() }),
    afterSwap({ detail }) {
      const entry = open("swaps", detail);
      if (entry) entry.ms = now() - entry.at;
    },
    afterSettle({ detail }) {
      const entry = noted.swaps.findLast(({ path, settled }) => settled === undefined && (!detail?.path || path === detail.path));
      if (entry) entry.settled = now() - entry.at;
    },
  };
  for (const name of ["error", "responseError", "sendError", "timeout", "swapError", "targetError"])
    moments[name] = ({ detail, target }) => note("errors", { kind: name, path: detail?.path, message: detail?.message, element: target, at: now() });
  // By either name: pages written for htmx hear its own.
  for (const [name, use] of Object.entries(moments))
    for (const prefix of ["sx:", "htmx:"]) document.addEventListener(prefix + name, use);

  /** @type {Map<number, (report: any) => void>} */
  const asked = new Map();
  let token = 0;
  api.debug = async () => {
    const { elements, islands } = await new Promise((resolve) => {
      asked.set(++token, resolve);
      call("web/inspect", token);
    });
    const here = (/** @type {any[]} */ list) => list.map(({ node, ...rest }) => ({ element: nodeOf(node), ...rest }));
    return {
      kernel: { ready: api.ready, version: api.version, loadedFrom: api.loadedFrom },
      elements: here(elements), islands: here(islands),
      requests: [...noted.requests], swaps: [...noted.swaps], errors: [...noted.errors],
    };
  };
  return {
    "debug/report": (answer, report) => {
      asked.get(answer)?.(report);
      asked.delete(answer);
    },
  };
}
