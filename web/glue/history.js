// Address, session history and timers as ports.

/** @param {(name: string, ...args: unknown[]) => void} call @returns {import("./kernel.js").Ports} */
export function historyPorts(call) {
  /** @type {Map<string, number>} */
  const timers = new Map();
  const clear = (/** @type {string} */ id) => {
    clearTimeout(timers.get(id));
    timers.delete(id);
  };
  return {
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
