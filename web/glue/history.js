// Address, session history and timers as ports.

const kFields = "input:not([type=password],[type=file],[type=hidden],[autocomplete=off]),textarea,select";
/** @returns {[any, string][]} fields that are told apart by name and place */
const fields = () => [...document.querySelectorAll(kFields)].map((/** @type {any} */ field, at) => [field, `${at} ${field.name || field.id}`]);
const isBox = (/** @type {any} */ field) => /^(checkbox|radio)$/.test(field.type);
const isMany = (/** @type {any} */ field) => field.type === "select-multiple";
/** @param {any} field @param {string} what of its options @returns {string} */
const chosen = (field, what) => [...field.options].filter((one) => one[what]).map(({ value }) => value).join("\n");
const asSent = (/** @type {any} */ field) => isBox(field) ? field.defaultChecked : isMany(field) ? chosen(field, "defaultSelected")
  : field.defaultValue ?? [...field.options].find((one) => one.defaultSelected)?.value ?? field.options[0]?.value;
/** @returns {[any, string][]} what may be scrolled in the page */
const viewports = () => [...document.querySelectorAll("body [id],[sx-keep-scroll]")].map((node, at) => [node, `#${node.id || at}`]);
const asIs = (/** @type {any} */ field) => isBox(field) ? field.checked : isMany(field) ? chosen(field, "selected") : field.value;

/** Whether something in the page may be scrolled: at first nobody knows. */
let inside = true;
addEventListener("scroll", ({ target }) => { if (target !== document) inside = true; }, { capture: true, passive: true });
function scrolled() {
  const found = inside ? viewports().flatMap(([{ scrollLeft: left, scrollTop: top }, key]) => (left || top ? [[key, { left, top }]] : [])) : [];
  inside = found.length > 0;
  return found;
}

/** @returns {any[]} what the focus can be on; what the engine gave it to is not among it */
const stops = () => [...document.querySelectorAll('a[href],button,input,select,textarea,summary,[tabindex]:not([tabindex="-1"])')];
/** @param {any} node @param {number} at */
const stopName = (node, at) => [at, node.localName, node.id, node.name, node.getAttribute("href")].join(" ");
/** @type {Map<string, string>} where the focus was, by entry */
const focused = new Map();
/** @param {string} entry */
function noteFocus(entry) {
  focused.delete(entry);
  if (document.activeElement === document.body) return;
  const all = stops(), at = all.indexOf(document.activeElement);
  if (at >= 0) focused.set(entry, stopName(all[at], at));
}

/** @param {(name: string, ...args: unknown[]) => void} call @returns {import("./kernel.js").Ports} */
export function historyPorts(call) {
  /** @type {Map<string, number>} */
  const timers = new Map();
  const clear = (/** @type {string} */ id) => {
    clearTimeout(timers.get(id));
    timers.delete(id);
  };
  return {
    "page/fields": (entry) => (noteFocus(entry), [
      ...fields().filter(([field]) => asIs(field) !== asSent(field)).map(([field, key]) => [key, asIs(field)]),
      ...scrolled(),
    ]),
    "page/fields-back": (noted, entry) => {
      const known = new Map(noted);
      for (const [node, key] of viewports()) if (known.has(key)) node.scrollTo({ ...known.get(key), behavior: "instant" });
      for (const [field, key] of fields()) if (known.has(key)) {
        const was = known.get(key);
        if (isMany(field)) for (const one of field.options) one.selected = was.split("\n").includes(one.value);
        else field[isBox(field) ? "checked" : "value"] = was;
      }
      const node = stops().find((one, at) => stopName(one, at) === focused.get(entry));
      node?.focus({ preventScroll: true });
      return !!node && node === document.activeElement;
    },
    "page/stored": (forget) => {
      try {
        if (forget) sessionStorage.removeItem("sx:pages");
        return "sx:pages" in sessionStorage;
      } catch {
        return false;
      }
    },
    "page/info": () => ({ url: document.URL, title: document.title, state: history.state }),
    "history/push": (state, url) => history.pushState(state, "", url),
    "history/replace": (state, url) => history.replaceState({ ...history.state, ...state }, "", url),
    "history/restoration": (mode) => void (history.scrollRestoration = mode),
    "history/visit": (url) => {
      const { protocol, href } = new URL(url, document.baseURI);
      if (/^https?:$/.test(protocol)) location.assign(href);
    },
    "timer/set": (id, ms) => {
      clear(id);
      timers.set(id, window.setTimeout(() => { timers.delete(id); call("web/on-timer", id); }, ms));
    },
    "timer/clear": clear,
  };
}
