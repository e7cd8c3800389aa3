// The security headers of every kind of answer of an application that says nothing of them itself: whoever makes the
// answer, the router, a file, a stream, a blob or the HTTP layer.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, finish, startServer, temporaryFolder, test } from "./harness.mjs";

const files = temporaryFolder();
writeFileSync(join(files, "site.css"), "p { margin: 0 }\n".repeat(100));
const app = join(temporaryFolder(), "plain.sx");
writeFileSync(app, `(module plain
  :use (dream/request dream/response dream/router dream/stream)
  :export (plain/make-app))
(define (plain/make-app settings)
  (dream/router
    (list (dream/get "/text" (fn (request) (dream/text "text\\n")))
          (dream/get "/away" (fn (request) (dream/redirect "/text")))
          (dream/get "/empty" (fn (request) (dream/response 204 {} "")))
          (dream/get "/fails" (fn (request) (error :broken "on purpose")))
          (dream/get "/nonsense" (fn (request) 7))
          (dream/get "/stream" (fn (request) (dream/stream (fn (write) (write "a") (write "b")))))
          (dream/get "/events" (fn (request) (dream/events request (fn (send last-id) (send {:data "x"})))))
          (dream/post "/blob" (fn (request) (dream/text (get (perform {:op "blob/put" :args (list (string->bytes "content"))}) :cid))))
          (dream/get "/blob/:cid" (fn (request) (dream/blob (dream/param request "cid"))))
          (dream/get "/slow" (fn (request) (perform {:op "persist/wait-past" :args (list 1000000000 60000)}) (dream/text "late")))
          (dream/get "/own" (fn (request) (dream/with-header (dream/text "own") "Content-Security-Policy" "default-src 'none'")))
          (dream/get "/static/:file" (fn (request) {:file (dream/param request "file")})))))
`);

const required = {
  "x-content-type-options": /^nosniff$/,
  "content-security-policy": /default-src 'self'.*frame-ancestors 'none'/,
  "referrer-policy": /^strict-origin-when-cross-origin$/,
  "cross-origin-resource-policy": /^same-origin$/,
};

for (const [base, hsts] of [["", undefined], ["https://blog.example", "max-age=31536000"]]) {
  await test(`every kind of answer has them, ${base || "over plain http"}`, async () => {
    const server = await startServer({
      args: [app, "--store", "memory:", "--handler-timeout-ms", "400", "--body-bytes-max", "1000"],
      env: { SX_STATIC_DIR: files, ...(base ? { SX_BASE_URL: base } : {}) },
    });
    try {
      const host = base ? { Host: "blog.example" } : {};
      const ask = (path, { method = "GET", headers = {}, body } = {}) => server.request(path, { method, headers: { ...host, ...headers }, body });
      const css = await ask("/static/site.css");
      const { text: cid } = await ask("/blob", { method: "POST", body: "" });
      /** @type {[number, string, object?][]} */
      const kinds = [
        [200, "/text"], [200, "/text", { method: "HEAD" }], [303, "/away"], [204, "/empty"], [404, "/none"], [405, "/text", { method: "POST", body: "" }],
        [308, "/text/"], [500, "/fails"], [500, "/nonsense"], [503, "/slow"], [200, "/stream"], [200, "/events"], [200, "/health"], [200, "/ready"],
        [200, "/static/site.css"], [206, "/static/site.css", { headers: { Range: "bytes=0-9" } }], [206, "/static/site.css", { headers: { Range: "bytes=0-1,5-6" } }],
        [416, "/static/site.css", { headers: { Range: "bytes=99999-" } }], [412, "/static/site.css", { headers: { "If-Match": '"other"' } }],
        [404, "/static/none.css"], [200, `/blob/${cid}`], [206, `/blob/${cid}`, { headers: { Range: "bytes=0-2" } }], [404, "/blob/none"],
        [400, "/%"], [413, "/text", { method: "POST", body: "x".repeat(1001) }], [414, `/${"x".repeat(9000)}`], [417, "/text", { headers: { Expect: "cake" } }],
        [421, "/text", { headers: { Host: "evil.example" } }], [431, "/text", { headers: { "X-Long": "x".repeat(40_000) } }], [501, "/text", { method: "PROPFIND" }],
      ];
      for (const [status, path, options] of kinds) {
        const answer = await ask(path, options);
        const name = `${options?.method ?? "GET"} ${path.slice(0, 40)} ${JSON.stringify(options?.headers ?? {}).slice(0, 60)}`;
        expect.equal(answer.status, status, name);
        for (const [header, value] of Object.entries(required)) expect.match(String(answer.headers[header]), value, `${name}: ${header}`);
        expect.equal(answer.headers["strict-transport-security"], hsts, name);
        expect.equal(answer.headers.server, undefined, name);
      }
      // What an answer says itself is left to it, and a 304 leaves what the browser has.
      expect.equal((await ask("/own")).headers["content-security-policy"], "default-src 'none'");
      const unchanged = await ask("/static/site.css", { headers: { "If-None-Match": String(css.headers.etag) } });
      expect.equal(unchanged.status, 304);
      expect.equal(unchanged.headers["content-security-policy"], undefined);
    } finally {
      await server.dispose();
    }
  });
}

await test("docs/security.md names only tests that there are", () => {
  let file = "", named = 0;
  for (const [, path, name] of readFileSync("docs/security.md", "utf8").matchAll(/`([\w./-]+\.(?:mjs|cpp|sx))`|“([^”]+)”/g)) {
    if (path) {
      expect.ok(existsSync(path), `${path} is not there`);
      file = path;
    } else if (file) {
      // Long names are written in two pieces.
      expect.ok(readFileSync(file, "utf8").replace(/"\n\s*"/g, "").includes(name.replace(/\s+/g, " ")), `${file} has no case “${name}”`);
      named++;
    }
  }
  expect.ok(named >= 40, `${named} cases are named`);
});

finish();
