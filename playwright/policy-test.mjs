// The engine under the strict policy, with Trusted Types: what it needs is allowed, what it does not need is not.
import { eventually, expect, finish, sleep } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open();

await stage.story("every page carries the policy, without anything that is unsafe", async (visit) => {
  for (const path of ["/", "/archive", "/tags", "/login", "/nothing-here", "/sw.js"]) {
    const policy = (await fetch(visit.url(path))).headers.get("content-security-policy");
    expect.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'/, path);
    for (const part of ["connect-src 'self'", "worker-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types sx"])
      expect.ok(policy.includes(part), `${path}: ${part}`);
    expect.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|default-src \*/, path);
  }
});

await stage.story("Trusted Types are enforced on the page that the engine swaps", async (visit) => {
  await visit.go("/");
  await visit.follow("Archive");
  const tried = await visit.page.evaluate(() => {
    const attempt = (work) => { try { work(); return "allowed"; } catch (error) { return error.name; } };
    return {
      html: attempt(() => (document.createElement("p").innerHTML = "<b>x</b>")),
      script: attempt(() => (document.createElement("script").text = "1")),
      address: attempt(() => (document.createElement("script").src = "/static/boot.js")),
      again: attempt(() => trustedTypes.createPolicy("sx", {})),
      other: attempt(() => trustedTypes.createPolicy("other", {})),
    };
  });
  expect.deepEqual(tried, { html: "TypeError", script: "TypeError", address: "TypeError", again: "TypeError", other: "TypeError" });
  await visit.follow("Tags");
  await visit.page.evaluate(() => (window.seen.violations.length = 0));
}, { allow: /Trusted|policy|CSP|Content Security/i });

await stage.story("nothing on a page can evaluate text as JavaScript", async (visit) => {
  await visit.go("/");
  // In a task of the page's own: what the debugger evaluates is free of the policy.
  const tried = await visit.page.evaluate(() => new Promise((resolve) => setTimeout(() => {
    const attempt = (work) => { try { work(); return "allowed"; } catch (error) { return error.name; } };
    const inline = document.createElement("button");
    const handler = attempt(() => inline.setAttribute("onclick", "window.ran = 1"));
    inline.click();
    resolve([attempt(() => (0, eval)("1")), attempt(() => new Function("1")()), handler, window.ran]);
  })));
  expect.deepEqual(tried, ["EvalError", "EvalError", "TypeError", undefined]);
  await visit.page.evaluate(() => (window.seen.violations.length = 0));
}, { allow: /Trusted|policy|CSP|Content Security/i });

await stage.story("a kernel evaluates SX where JavaScript may not be evaluated", async (visit) => {
  await visit.go("/");
  expect.equal(await visit.page.evaluate(() => SxKernel.eval("(string/upper \"sx\")")), '"SX"');
});

await stage.story("where WebAssembly is not allowed the page is plain, and one sentence says so", async (visit) => {
  await visit.page.route(visit.url("/"), async (route) => {
    const response = await route.fetch();
    const headers = { ...response.headers() };
    headers["content-security-policy"] = headers["content-security-policy"].replace("'wasm-unsafe-eval'", "");
    await route.fulfill({ response, headers });
  });
  const said = [];
  visit.page.on("console", (message) => /^SX stopped/.test(message.text()) && said.push(message.text()));
  await visit.page.goto(visit.url("/"));
  await visit.page.waitForFunction(() => window.SxKernel?.error);
  expect.equal(said.length, 1);
  await visit.page.getByRole("link", { name: "Archive", exact: true }).click();
  await visit.page.waitForURL("**/archive");
  expect.equal(await visit.heading(), "Archive");
}, { allow: /SX stopped|policy|Content Security/i });

await stage.story("a browser without WebAssembly has the plain page", async (visit) => {
  await visit.context.addInitScript(() => delete globalThis.WebAssembly);
  await visit.page.goto(visit.url("/"));
  await visit.page.waitForFunction(() => window.SxKernel?.error);
  await visit.page.getByRole("link", { name: "Tags", exact: true }).click();
  await visit.page.waitForURL("**/tags");
}, { allow: /SX stopped/ });

await stage.story("styles of a swapped fragment are adopted; its scripts, handlers and addresses with javascript: do nothing", async (visit) => {
  await visit.go("/");
  await visit.page.route("**/archive", (route) => route.fulfill({
    status: 200, contentType: "text/html", headers: { "SX-Fragment": "true" },
    body: `<title>Odd</title><style>#odd{color:rgb(1, 2, 3)}</style><h1 id="odd">Odd</h1><script>window.ran = 1</script><iframe srcdoc="<script>parent.ran = 2</script>"></iframe><a id="bad" href="javascript:window.ran=3">bad</a>`,
  }));
  await visit.follow("Archive");
  expect.equal(await visit.page.locator("#odd").evaluate((node) => getComputedStyle(node).color), "rgb(1, 2, 3)");
  await visit.page.locator("#bad").click();
  await sleep(200);
  expect.equal(await visit.page.evaluate(() => window.ran), undefined);
  await visit.page.evaluate(() => (window.seen.violations.length = 0));
}, { allow: /policy|CSP|Content Security|Refused|javascript:/i });

await stage.story("the service worker starts under the policy", async (visit) => {
  await visit.go("/");
  await visit.page.waitForFunction(() => navigator.serviceWorker.controller);
}, { worker: true });

await stage.story("a service worker of another place is refused in words, and the page goes on", async (visit) => {
  await visit.page.route(visit.url("/"), async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace('content="/sw.js"', 'content="https://elsewhere.example/sw.js"') });
  });
  await visit.go("/");
  await eventually(() => visit.warnings.some((text) => /no service worker: .*elsewhere/.test(text)), "the console says why");
  await visit.page.unroute(visit.url("/"));
  await visit.follow("Archive");
}, { worker: true });

// A second site whose pages have their engine from the first one.
const origin = new URL(stage.server.url).origin;
const elsewhere = await Stage.open({ args: ["--demo", "--kernel-base", origin] });

await elsewhere.story("pages may have the engine's files from another origin, which the policy names", async (visit) => {
  const policy = (await fetch(visit.url("/"))).headers.get("content-security-policy");
  expect.ok(policy.includes(`script-src 'self' ${origin} 'wasm-unsafe-eval';`) && policy.includes(`connect-src 'self' ${origin};`), policy);
  const asked = [];
  visit.page.on("request", (request) => asked.push(request.url()));
  await visit.go("/");
  await visit.follow("Archive");
  const engine = asked.filter((url) => /\.(js|wasm|sxbc)$/.test(new URL(url).pathname));
  expect.ok(engine.length >= 4, `${engine}`);
  for (const url of engine) expect.equal(new URL(url).origin, origin, url);
  expect.equal(await visit.page.evaluate(() => SxKernel.eval("(+ 20 22)")), "42");
});

await elsewhere.story("where that origin cannot be reached the page is plain", async (visit) => {
  await visit.page.route(`${origin}/**`, (route) => route.abort());
  await visit.page.goto(visit.url("/"));
  await visit.page.getByRole("link", { name: "Archive" }).click();
  await visit.page.waitForURL(visit.url("/archive"));
  expect.equal(await visit.page.evaluate(() => document.documentElement.dataset.sxReady), undefined);
}, { allow: /Failed to load resource|net::ERR/ });

await elsewhere.close();
await stage.close();
finish();
