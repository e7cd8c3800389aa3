// Requests as ports: sent, read and given up by number. What an answer means is decided elsewhere.

import { nodeOf } from "./dom.js";
import { PortError } from "./kernel.js";

/** @typedef {{id: number, url: string, method: string, headers: Record<string, string>, cache?: RequestCache,
 *   encoding?: "query" | "urlencoded" | "multipart" | "plain", form?: number, submitter?: number,
 *   values?: [string, string][]}} SxRequest */

/** @type {Map<number, {abort: AbortController, response?: Response, text?: string}>} */
const open = new Map();

/** @param {number} id */
export const textOf = (id) => open.get(id)?.text ?? "";

/** The entries of a form, as the browser would send them. @param {SxRequest} request */
function entries({ form, submitter, values }) {
  const button = /** @type {HTMLElement | undefined} */ (submitter ? nodeOf(submitter) : undefined);
  const data = form ? new FormData(/** @type {any} */ (nodeOf(form)), button) : new FormData();
  for (const [name, value] of values ?? []) data.append(name, value);
  return data;
}

/** @param {FormData} data */
const texts = (data) => [...data].map(([name, value]) => [name, typeof value === "string" ? value : value.name]);

/** Address and body with the values where the encoding puts them. @param {SxRequest} request
 *  @returns {{url: string, body?: BodyInit}} */
function encode(request) {
  const { url, encoding } = request;
  if (!encoding) return { url };
  const data = entries(request);
  if (encoding === "multipart") return { url, body: data };
  if (encoding === "plain")
    return { url, body: new Blob([texts(data).map(([name, value]) => `${name}=${value}\r\n`).join("")], { type: "text/plain" }) };
  const query = new URLSearchParams(texts(data));
  if (encoding === "urlencoded") return { url, body: query };
  const address = new URL(url);
  address.search = query.toString();
  return { url: address.href };
}

/** @param {any} error @returns {never} */
function lost(error) {
  throw new PortError(error.name === "AbortError" ? "aborted" : "network-error", String(error.message ?? error));
}

/** @returns {import("./kernel.js").Ports} */
export function transportPorts() {
  return {
    "fetch/send": async (/** @type {SxRequest} */ request) => {
      const abort = new AbortController();
      open.set(request.id, { abort });
      const { url, body } = encode(request);
      const response = await fetch(url, {
        method: request.method.toUpperCase(), headers: request.headers, body, cache: request.cache,
        credentials: "same-origin", signal: abort.signal,
      }).catch(lost);
      open.set(request.id, { abort, response });
      return {
        status: response.status, url: response.url, redirected: response.redirected, sent: url,
        headers: Object.fromEntries(response.headers),
      };
    },
    "fetch/text": async (/** @type {number} */ id) => {
      const entry = open.get(id);
      if (!entry?.response) throw new PortError("no-answer", `No answer to request ${id} is at hand`);
      entry.text = await entry.response.text().catch(lost);
      entry.response = undefined;
      return { size: entry.text.length, document: /^\s*(<!doctype|<html)/i.test(entry.text) };
    },
    "fetch/abort": (/** @type {number} */ id) => open.get(id)?.abort.abort(),
    "fetch/forget": (/** @type {number} */ id) => void open.delete(id),
  };
}
