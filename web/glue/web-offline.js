// The service worker (sw.js) as ports: started, asked, listened to. It comes with web-offline.sxbc.

import { nodeOf, trustedScript } from "./dom.js";
import { portError } from "./kernel.js";

/** @param {import("./kernel.js").Call} call @returns {import("./kernel.js").Ports} */
export function ports(call) {
  const workers = navigator.serviceWorker;
  /** @type {ServiceWorkerRegistration | undefined} */
  let registration;

  /** Its answer to a message. @param {ServiceWorker} worker @param {object} message */
  const ask = (worker, message) => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage(message, [port2]);
  });

  return {
    async "worker/start"(url) {
      if (!workers) return false;
      const first = !workers.controller;
      registration = await workers.register(trustedScript(url), { updateViaCache: "none" });
      const { active } = await workers.ready;
      // A worker that waits is of another build than the one that this page came from.
      const look = () => registration?.waiting && call("web/on-worker", { type: "update" });
      registration.addEventListener("updatefound", () => registration?.installing?.addEventListener("statechange", look));
      workers.addEventListener("message", ({ data }) => call("web/on-worker", data));
      let claimed = !first;
      workers.addEventListener("controllerchange", () => {
        if (claimed) call("web/on-worker", { type: "replaced" });
        claimed = true;
      });
      look();
      return !!active;
    },
    async "worker/tell"(message) {
      const worker = message.do === "take-over" ? registration?.waiting : registration?.active;
      if (!worker) throw portError("no-worker", "no service worker looks after this page");
      return ask(worker, message);
    },
    "worker/update": () => registration?.update().then(() => {}, () => {}),
    "page/reload": () => location.reload(),
    "form/reset": (form) => nodeOf(form).reset(),
  };
}
