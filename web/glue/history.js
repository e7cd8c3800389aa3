// Address, session history and timers as ports.

/** @param {(name: string, args: unknown[]) => void} call @returns {import("./kernel.js").Ports} */
export function historyPorts(call) {
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  const timers = new Map();
  const clear = (/** @type {string} */ id) => {
    clearTimeout(timers.get(id));
    timers.delete(id);
  };
  // What other code keeps in an entry stays there.
  const withState = (/** @type {object} */ state) => ({ ...history.state, ...state });
  return {
    "page/info": () => ({ url: document.URL, title: document.title, state: history.state }),
    "history/push": (state, url) => history.pushState(state, "", url),
    "history/replace": (state, url) => history.replaceState(withState(state), "", url ?? undefined),
    "history/restoration": (mode) => void (history.scrollRestoration = mode),
    "history/visit": (url) => location.assign(url),
    "timer/set": (id, ms) => {
      clear(id);
      timers.set(id, setTimeout(() => { timers.delete(id); call("web/on-timer", [id]); }, ms));
    },
    "timer/clear": clear,
  };
}
