// Requests as ports: sent, read and given up by number. What an answer means is decided elsewhere.

import { nodeOf } from "./dom.js";
import { portError } from "./kernel.js";

/** @type {Map<number, {abort: AbortController, response?: Response, text?: string}>} */
const open = new Map();

/** @param {number} id */
export const textOf = (id) => open.get(id)?.text ?? "";

/** @param {any} request whose form's, or element's own, values are meant */
function entries({ form, submitter, element }) {
  const data = form ? new FormData(nodeOf(form), submitter ? nodeOf(submitter) : null) : new FormData();
  const own = !form && element && nodeOf(element);
  if (own?.name && (own.checked || !/^(checkbox|radio)$/.test(own.type))) data.append(own.name, own.value);
  return data;
}

/** @param {any} request @returns {[string, BodyInit?]} address and body */
function encode(request) {
  const { url, encoding } = request;
  if (!encoding) return [url];
  const data = entries(request);
  if (encoding === "multipart") return [url, data];
  const texts = [...data].map(([name, value]) => [name, typeof value === "string" ? value : value.name]);
  const query = new URLSearchParams(texts);
  if (encoding === "urlencoded") return [url, query];
  const address = new URL(url, document.baseURI);
  // A form's values take the place of the query, an element's own are added to it.
  if (request.form) address.search = "";
  for (const [name, value] of query) address.searchParams.append(name, value);
  return [address.href];
}

/** @param {any} error @returns {never} */
function lost(error) {
  throw portError(error.name === "AbortError" ? "aborted" : "network-error", String(error.message));
}

/** @type {import("./kernel.js").Ports} */
export const transportPorts = {
  async "fetch/send"(request) {
    const abort = new AbortController();
    const { id, method, headers, cache } = request;
    open.set(id, { abort });
    const [url, body] = encode(request);
    const response = await fetch(url, {
      method: method.toUpperCase(), headers, body, cache, credentials: "same-origin", signal: abort.signal,
    }).catch(lost);
    open.set(id, { abort, response });
    const { status, redirected } = response;
    return { status, redirected, url: response.url, sent: new URL(url, document.baseURI).href, headers: Object.fromEntries(response.headers) };
  },
  async "fetch/text"(id) {
    const entry = open.get(id);
    if (!entry?.response) throw portError("no-answer", `no answer to request ${id} is at hand`);
    const text = await entry.response.text().catch(lost);
    open.set(id, { abort: entry.abort, text });
    return { size: text.length, document: /^\s*(<!doctype|<html)/i.test(text), form: /<form\b/i.test(text) };
  },
  "fetch/abort": (id) => open.get(id)?.abort.abort(),
  "fetch/forget": (id) => void open.delete(id),
};
