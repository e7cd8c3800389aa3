// A full disk under PostgreSQL: the server says so (507), nothing acknowledged is lost and nothing is
// there by halves, reading goes on, and so does writing when there is room again. First by a limit on the
// sizes of the database's files, which needs no rights: a table that cannot grow is what it meets on a
// full disk. Then on real disks in memory (tmpfs), which root alone can mount where PostgreSQL, which
// does not run as root, can use them.
import { randomBytes } from "node:crypto";
import { chownSync } from "node:fs";
import { eventually, expect, finish, sleep, startServer, sx, test } from "./harness.mjs";
import { app, append, appendUntilFull, checkStream, smallDisk } from "./full-disk.mjs";
import { Postgres, postgresIds } from "./postgres.mjs";

// PostgreSQL compresses long texts: these do not get smaller.
const random = (bytes) => randomBytes(bytes / 2).toString("hex");

/** Writes until it is full, looks at what holds meanwhile, makes room, and sees that all goes on.
 *  @param {string} url @param {() => void} makeFull @param {() => void} makeRoom */
async function fullAndBack(url, makeFull, makeRoom) {
  const server = await startServer({ args: [app, "--store", url] });
  try {
    makeFull();
    const { acknowledged, failure } = await appendUntilFull(server, "s0", 0, 20_000, random);
    expect.ok(acknowledged.length > 5, `${acknowledged.length} were acknowledged before`);
    expect.equal(failure.status, 507, failure.text);
    expect.match(failure.text, /The server's disk is full\. Nothing was saved; reading still works\./);
    expect.equal(failure.headers["retry-after"], "60");
    await eventually(() => /the database's disk is full, free some space there \(SQLSTATE 53100\)/.test(server.stderr), "the log names the reason");
    // Several at once, of several sizes: small ones may still find room.
    const many = await Promise.all(Array.from({ length: 24 }, (_, i) => append(server, `m${i % 4}`, random(1000 * (1 + (i % 24))))));
    many.forEach(({ status, text }) => expect.ok(status === 507 || status === 200, `${status} ${text}`));
    expect.ok(many.some(({ status }) => status === 507));
    expect.equal((await server.get("/health")).status, 200);
    const length = await checkStream(server, "s0", acknowledged);
    expect.equal(length, 2 * acknowledged.length, "what was refused is not there");
    makeRoom();
    await eventually(async () => (await append(server, "after", "there is room")).status === 200, "writing goes on", 10_000);
    for (let i = 0; i < 10; i++) expect.equal((await append(server, "s0", random(20_000))).status, 200);
    await checkStream(server, "s0", acknowledged);
    await server.stop();
    const verified = sx(["store", "verify", "--store", url, "--data", server.data]);
    expect.equal(verified.status, 0, verified.stderr);
  } finally {
    await server.dispose();
  }
}

await test("a table that cannot grow: 507 with its reason, nothing lost, nothing by halves, then it recovers", async () => {
  const postgres = new Postgres({ small: true });
  try {
    // One byte more than whole pages: the page after it is written short, as on a disk that is full.
    await fullAndBack(postgres.freshUrl(), () => postgres.limitFiles(3 * 1024 * 1024 + 1), () => postgres.limitFiles("unlimited"));
  } finally {
    postgres.stop("immediate");
  }
});

if (process.getuid?.() !== 0) {
  console.log("# skipped: the two cases on a small disk of PostgreSQL's own; mounting one takes root");
} else {
  /** A disk that the user of PostgreSQL may use. */
  const diskForPostgres = (megabytes) => {
    const disk = smallDisk(megabytes);
    if (!disk) console.log("# skipped: mount -t tmpfs is refused here");
    else chownSync(disk.folder, ...postgresIds());
    return disk;
  };

  const tables = diskForPostgres(64);
  if (tables) {
    await test("the disk of the tables is full, that of the log is not: 507, and it recovers", async () => {
      const postgres = new Postgres({ folder: tables.folder, logApart: true, small: true });
      try {
        await fullAndBack(postgres.freshUrl(), () => tables.fill(2_000_000), () => tables.free());
      } finally {
        postgres.stop("immediate");
      }
    });
  }

  const all = diskForPostgres(64);
  if (all) {
    await test("the database stops on a disk without room for its log: 503 in words, and all that was acknowledged is there when it runs again", async () => {
      const postgres = new Postgres({ folder: all.folder, small: true });
      const server = await startServer({ args: [app, "--store", postgres.freshUrl()] });
      try {
        all.fill(5_000_000);
        const { acknowledged, failure } = await appendUntilFull(server, "s0", 0, 20_000, random);
        expect.ok(acknowledged.length > 5, `${acknowledged.length} were acknowledged before`);
        expect.ok([503, 507].includes(failure.status), `${failure.status} ${failure.text}`);
        all.fill();
        for (let i = 0; i < 5; i++) {
          const answer = await append(server, "s0", random(400_000));
          expect.ok([503, 507].includes(answer.status), `${answer.status} ${answer.text}`);
        }
        expect.equal((await server.get("/health")).status, 200);
        all.free();
        await sleep(1000);
        if (!postgres.runs()) postgres.start();
        await eventually(async () => (await append(server, "after", "there is room")).status === 200, "writing goes on", 20_000);
        await checkStream(server, "s0", acknowledged);
        expect.equal((await server.get("/ready")).status, 200);
        await server.stop();
        const verified = sx(["store", "verify", "--store", server.options.args[2], "--data", server.data]);
        expect.equal(verified.status, 0, verified.stderr);
      } finally {
        await server.dispose();
        postgres.stop("immediate");
      }
    });
  }
}

finish();
