// What a request carries: the values of forms and fields, and those values as an object that scripts may change; and what
// conditions ask for.

import { nodeOf } from "./dom.js";

/** @typedef {any} Any */

/** @param {FormData} data @param {Any} field */
function add(data, field) {
  if (!field.name || field.disabled || field.closest("fieldset[disabled]") || (/^(checkbox|radio)$/.test(field.type) && !field.checked)) return;
  if (/^(submit|button|reset|image)$/.test(field.type) && field.localName === "input") return;
  if (field.type === "file") for (const file of field.files) data.append(field.name, file);
  else if (field.type === "select-multiple") for (const option of field.selectedOptions) data.append(field.name, option.value);
  else if (field.value !== undefined) data.append(field.name, field.value);
}

/** Fields first, then what is included; the form's own fields win over both, and values given in words over all.
 *  @param {Any} recipe as request/prepare takes it @returns {FormData} */
export function gather({ form, submitter, own, include = [], vals = {}, params, data: given }) {
  const holder = form && nodeOf(form);
  const data = new FormData();
  const first = holder ? new FormData(holder, submitter && nodeOf(submitter).form === holder ? nodeOf(submitter) : null) : new FormData();
  const node = own && nodeOf(own);
  if (node?.name && node.value !== undefined) {
    if (/^(submit|button)$/.test(node.type)) first.append(node.name, node.value);
    else if (!holder || node.form !== holder) add(data, node);
  }
  for (const each of include.map(nodeOf)) {
    if (holder && (each === holder || each.form === holder)) continue;
    if (each.localName === "form") for (const [name, value] of new FormData(each)) data.append(name, value);
    else if (each.name && "value" in each) add(data, each);
    else for (const field of each.querySelectorAll("input,select,textarea")) add(data, field);
  }
  for (const name of new Set(first.keys())) data.delete(name);
  for (const [name, value] of first) data.append(name, value);
  for (const [name, value] of given ?? []) data.set(name, value);
  for (const [name, value] of Object.entries(vals)) {
    data.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) data.append(name, typeof one === "object" && one ? JSON.stringify(one) : String(one));
  }
  for (const name of new Set(data.keys())) if (params && (params.only ? !params.only.includes(name) : params.not.includes(name))) data.delete(name);
  return data;
}

/** The values of a request as an object that listeners may change. @param {FormData} data */
export const valuesProxy = (data) => new Proxy(/** @type {Any} */ (data), {
  get: (_, name) => {
    if (typeof name === "symbol") return Reflect.get(data, name);
    if (name === "toJSON") return () => Object.fromEntries(data);
    if (name in data && typeof (/** @type {Any} */ (data))[name] === "function") return (/** @type {Any} */ (data))[name].bind(data);
    const all = data.getAll(name);
    return all.length > 1 ? all : all[0];
  },
  set: (_, name, value) => {
    data.delete(String(name));
    for (const one of Array.isArray(value) ? value : [value]) data.append(String(name), one);
    return true;
  },
  deleteProperty: (_, name) => { data.delete(String(name)); return true; },
  ownKeys: () => [...new Set(data.keys())],
  has: (_, name) => data.has(String(name)),
  getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, writable: true }),
});

/** What a path of a condition means: of the event, of the element ("this"), of the page. @param {Any} path @param {Any} event @param {Any} node */
export function meaning([path, args], event, node) {
  const names = path.split(".");
  let from = names[0] === "this" ? node : names[0] === "event" ? event : names[0] in event ? event : globalThis;
  if (/^(this|event)$/.test(names[0])) names.shift();
  let before = from;
  for (const name of names) { before = from; from = from?.[name]; }
  const value = args ? from?.apply(before, args) : from;
  return value === null || /^(string|number|boolean)$/.test(typeof value) ? value : value !== undefined;
}

/** @param {Any} node */
export const valueOf = (node) => (node.type === "checkbox" || node.type === "radio" ? String(node.checked) : node.value?.toString() ?? null);
