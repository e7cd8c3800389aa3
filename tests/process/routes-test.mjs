// sx routes: the route table of the blog, of an application of one's own, and of what is none.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, expect, finish, temporaryFolder, test } from "./harness.mjs";

const folder = temporaryFolder();
const sx = (...args) => spawnSync(binary, args, { cwd: folder, encoding: "utf8" });

await test("the blog's routes are printed, and nothing is opened or made for it", () => {
  const run = sx("routes");
  expect.equal(run.status, 0, run.stderr);
  const lines = run.stdout.trimEnd().split("\n");
  for (const line of ["GET     /", "GET     /:slug/", "POST    /new", "POST    /login", "GET     /static/**"])
    expect.ok(lines.includes(line), line);
  expect.ok(!existsSync(join(folder, "data")), "no data folder");
});

await test("an application's own table, as text and as JSON", () => {
  writeFileSync(join(folder, "shop.sx"), `(module shop :use (dream/response dream/router) :export (shop/make-app shop/route-table))
(define routes (list (dream/get "/" (fn (request) (dream/text "hi")))
                     (dream/group "/items" [] (dream/put "/:id" (fn (request) (dream/text "put"))))))
(define (shop/make-app settings) (dream/router routes))
(define (shop/route-table settings) (dream/route-table routes))
`);
  expect.equal(sx("routes", "shop.sx").stdout, "GET     /\nPUT     /items/:id\n");
  expect.deepEqual(JSON.parse(sx("routes", "--json", "shop.sx").stdout), [["GET", "/"], ["PUT", "/items/:id"]]);
});

await test("an application without a table is told how to have one", () => {
  writeFileSync(join(folder, "bare.sx"), "(module bare :export (bare/make-app))\n(define (bare/make-app settings) nil)\n");
  const run = sx("routes", "bare.sx");
  expect.equal(run.status, 1);
  expect.match(run.stderr, /does not export bare\/route-table: a function of the settings/);
  expect.equal(sx("routes", "missing.sx").status, 1);
});

finish();
