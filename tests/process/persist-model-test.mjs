// Random operations on lib/persist, every reply compared between a simple model, mem-backend,
// mock-durable and a real store (lib/persist/model-test.sx): 200,000 and more in a run.
//
//   SX_MODEL_SEED=n   begin at another seed; SX_TEST_LONG=1 five times as many
//
// The counts per store: what the store writes is the same with and without syncs, so most of them go
// without; durability has its own tests.
import { expect, finish, sx, test } from "./harness.mjs";

const long = process.env.SX_TEST_LONG ? 5 : 1;
const seed = Number(process.env.SX_MODEL_SEED ?? (Date.now() % 1_000_000) * 1000);

/** @param {string} what @param {string} store @param {number} operations */
async function compare(what, store, operations) {
  await test(`${operations} random operations on ${what}: every reply as the model's (seed ${seed})`, () => {
    const run = sx(["test", "lib/persist/model-test.sx", "--filter", "answered alike", "--store", store], {
      env: { SX_MODEL_OPERATIONS: String(operations), SX_MODEL_SEED: String(seed) },
      timeoutMs: 600_000,
    });
    expect.equal(run.status, 0, run.stdout + run.stderr);
    expect.match(run.stdout, /\n1 passed, 0 failed\n$/);
  }, 620_000);
}

await compare("SQLite without syncs", "sqlite:?unsafe-no-sync", 196_000 * long);
await compare("SQLite with every sync", "sqlite:", 2_000 * long);
await compare("the store in memory", "memory:", 4_000 * long);

finish();
