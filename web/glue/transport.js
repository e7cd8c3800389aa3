// Requests as ports: sent, read and given up by number. What an answer means is decided elsewhere.

import { nodeOf } from "./dom.js";
import { portError } from "./kernel.js";

/** @typedef {{abort?: AbortController, response?: Response, text?: string, data?: FormData, head?: any, failed?: any}} Exchange */
/** @type {Map<number, Exchange>} */
export const open = new Map();
/** Notes more of an exchange. @param {number} id @param {Exchange} more @returns {Exchange} */
export const note = (id, more) => open.set(id, { ...open.get(id), ...more }).get(id) ?? more;
/** Other ways to send than fetch, by name: how to start, and how to go on with the answer.
 *  @type {Record<string, (request: any, url: string, body: any) => any>} */
export const transports = {};

/** @param {number} id */
export const textOf = (id) => open.get(id)?.text ?? "";

/** @param {any} request whose form's values are meant, when none were prepared */
const valuesOf = ({ id, form, submitter }) => open.get(id)?.data ?? new FormData(nodeOf(form), submitter ? nodeOf(submitter) : null);

/** @param {any} request @returns {[string, BodyInit?]} address and body */
function encode(request) {
  const { url, encoding, form, prepared } = request;
  if (!encoding || !(form || prepared)) return [url];
  const data = valuesOf(request);
  if (encoding === "multipart") return [url, data];
  const texts = [...data].map(([name, value]) => [name, typeof value === "string" ? value : value.name]);
  const query = new URLSearchParams(texts);
  if (encoding === "urlencoded") return [url, query];
  if (encoding === "plain") return [url, new Blob([texts.map(([name, value]) => `${name}=${value}\r\n`).join("")], { type: "text/plain" })];
  const address = new URL(url, document.baseURI);
  // A form's values take the place of the query, others are added to it.
  if (form) address.search = "";
  for (const [name, value] of query) address.searchParams.append(name, value);
  return [address.href];
}

/** @param {any} error @returns {never} */
export function lost(error) {
  const kind = { AbortError: "aborted", TimeoutError: "timeout" }[/** @type {string} */ (error.name)] ?? "network-error";
  throw portError(kind, String(error.message));
}

/** @param {Exchange} exchange @param {string} text what is known of it @returns {object} */
export const facts = (exchange, text) => ({
  size: text.length, document: /^\s*(<!doctype|<html)/i.test(text), form: /<form\b/i.test(text),
  // Pieces for other places, elements that are to stay.
  pieces: /[\s"'](data-)?[sh]x-(swap-oob|preserve)\b|<[sh]x-partial\b/i.test(text),
});

/** @type {import("./kernel.js").Ports} */
export const transportPorts = {
  "fetch/send"(request) {
    const { id, method, headers, cache, timeout, credentials, transport } = request;
    const [url, body] = request.body ? [request.url, request.body] : encode(request);
    const sent = new URL(url, document.baseURI).href;
    if (transports[transport]) return transports[transport](request, sent, body);
    const abort = new AbortController();
    note(id, { abort });
    if (timeout) setTimeout(() => abort.abort(new DOMException(`no answer within ${timeout} ms`, "TimeoutError")), timeout);
    return fetch(url, {
      method: method.toUpperCase(), headers, body, cache, credentials: credentials ? "include" : "same-origin", signal: abort.signal,
    }).then((response) => {
      const { status, redirected } = response;
      const head = { status, redirected, url: response.url, sent, headers: Object.fromEntries(response.headers) };
      note(id, { response, head });
      return head;
    }, lost);
  },
  "fetch/text"(id) {
    const exchange = open.get(id);
    if (exchange?.text !== undefined) return facts(exchange, exchange.text);
    if (!exchange?.response) throw portError("no-answer", `no answer to request ${id} is at hand`);
    return exchange.response.text().then((text) => facts(note(id, { text, response: undefined }), text), lost);
  },
  "fetch/abort": (id) => open.get(id)?.abort?.abort(),
  "fetch/forget": (id) => void open.delete(id),
};
