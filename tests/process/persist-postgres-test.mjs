// lib/persist on PostgreSQL: its whole suite, random operations against the model, and a store that
// goes on in new processes. The server is one of its own, in a temporary folder.
import { join } from "node:path";
import { expect, finish, root, sx, test } from "./harness.mjs";
import { Postgres } from "./postgres.mjs";

const server = new Postgres();
const anySchema = `postgres:///postgres?host=${server.folder}&user=tester`;
const operations = 8_000 * (process.env.SX_TEST_LONG ? 5 : 1);
const seed = Number(process.env.SX_MODEL_SEED ?? (Date.now() % 1_000_000) * 1000);

await test("the suite of lib/persist passes on PostgreSQL", () => {
  const run = sx(["test", "lib/persist", "--store", `${anySchema}&unsafe-no-sync`], { timeoutMs: 400_000 });
  expect.equal(run.status, 0, run.stdout);
  expect.match(run.stdout, /\n(3[5-9]\d|[4-9]\d\d) passed, 0 failed\n$/);
}, 420_000);

await test(`${operations} random operations on PostgreSQL: every reply as the model's (seed ${seed})`, () => {
  const run = sx(["test", "lib/persist/model-test.sx", "--filter", "answered alike", "--store", `${anySchema}&unsafe-no-sync`], {
    env: { SX_MODEL_OPERATIONS: String(operations), SX_MODEL_SEED: String(seed) },
    timeoutMs: 600_000,
  });
  expect.equal(run.status, 0, run.stdout + run.stderr);
}, 620_000);

await test("a store on PostgreSQL goes on in new processes: (3 3 3), and the order ledger", () => {
  const parts = join(root, "tests/process/persist/parts.sx");
  const story = () => {
    const url = server.freshUrl();
    return (...words) => {
      const run = sx(["run", "--store", url, parts, ...words], { env: { SX_PERSIST_DIR: server.folder } });
      expect.equal(run.status, 0, run.stderr);
      return run.stdout.trim();
    };
  };
  const three = story();
  three("append-three");
  expect.equal(three("read-three"), "(3 3 3)");
  const orders = story();
  const before = orders("orders");
  expect.equal(orders("everything"), before);
  expect.equal(orders("order-again"), '[{:value 62 :seq 6} {"a" 30 "c" 8 "d" 5 "e" 7}]');
});

finish();
