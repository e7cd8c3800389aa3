// What stories about pages in the wire form share.

/** @param {import("playwright-core").Response} response */
export const isWire = (response) => (response.headers()["content-type"] ?? "").startsWith("text/sx");

/** Loads a page and has the engine learn that the server speaks text/sx: the first visit within it, by that link, says so.
 *  @param {import("./browser.mjs").Visit} visit @param {string} path @param {string} link its words or address */
export async function speakWire(visit, path, link) {
  await visit.go(path);
  const bundle = visit.page.waitForResponse("**/web-wire.*.sxbc");
  await visit.follow(link);
  await (await bundle).finished();
  await visit.page.waitForFunction(() => performance.getEntriesByType("resource").some((one) => one.name.includes("web-wire")));
  await visit.page.waitForTimeout(200);
}

/** Goes to a path by a boosted link, as if one were on the page; the response that filled it.
 *  @param {import("./browser.mjs").Visit} visit @param {string} path */
export async function follow(visit, path) {
  const { pathname, search } = new URL(path, visit.url("/"));
  const answered = visit.page.waitForResponse((response) => {
    const url = new URL(response.url());
    return response.request().headers()["sx-boosted"] === "true" && url.pathname === pathname && url.search === search;
  });
  await visit.swap(() => visit.page.evaluate((to) => {
    const link = document.createElement("a");
    link.href = to;
    document.querySelector("[sx-boost='#content']").append(link);
    link.click();
    link.remove();
  }, path));
  return answered;
}
