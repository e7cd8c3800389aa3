// What the tests of a full disk share: a small disk of their own, writing until it is full, and the check
// that nothing acknowledged is missing and nothing is there by halves. The application is store-app.sx.
import { spawnSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, root, temporaryFolder } from "./harness.mjs";

export const app = join(root, "tests/process/store-app.sx");
export const run = (command, ...words) => spawnSync(command, words, { encoding: "utf8" });

const mounted = [];
// Before the harness removes its folders.
process.prependListener("exit", () => mounted.forEach((folder) => run("umount", "--lazy", folder)));

/** A disk in memory (tmpfs): `fill(left)` leaves so many bytes free, `free()` gives all back. Undefined
 *  without the right to mount.
 *  @param {number} megabytes */
export function smallDisk(megabytes) {
  const folder = temporaryFolder("sx-disk-");
  const made = run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=0700`, "sx-test", folder);
  if (made.status !== 0) return undefined;
  mounted.push(folder);
  const ballast = join(folder, "ballast");
  const left = () => { const { bavail, bsize } = statfsSync(folder); return Number(bavail) * Number(bsize); };
  return {
    folder,
    data: join(folder, "data"),
    fill(keep = 0) {
      const size = left() - keep;
      if (size > 0) writeFileSync(ballast, Buffer.alloc(size), { flag: "a" });
    },
    free: () => rmSync(ballast, { force: true }),
  };
}

export const append = (server, stream, body) => server.request(`/append/${stream}`, { method: "POST", body });

/** Appends until one fails. @param {(bytes: number) => string} [filler]
 *  @returns what was acknowledged: [[seq, data]…], and the failure */
export async function appendUntilFull(server, stream, from, bytes, filler = (n) => "x".repeat(n)) {
  const acknowledged = [];
  for (let i = from; i < from + 4000; i++) {
    const data = `${i}-${filler(bytes)}`;
    const answer = await append(server, stream, data);
    if (answer.status !== 200) return { acknowledged, failure: answer };
    acknowledged.push([Number(answer.text), data]);
  }
  throw new Error("the disk never was full");
}

/** Every acknowledged event is in its stream under its seq, and each commit is there whole.
 *  @returns how many events the stream has */
export async function checkStream(server, stream, acknowledged) {
  const answer = await server.get(`/read/${stream}`);
  expect.equal(answer.status, 200, answer.text.slice(0, 300));
  const events = answer.text.split("\n").filter(Boolean).map((line) => [Number(line.split(" ")[0]), line.slice(line.indexOf(" ") + 1)]);
  events.forEach(([seq], index) => expect.equal(seq, index + 1, "no seq is left out or given twice"));
  expect.equal(events.length % 2, 0, "half a commit");
  for (const [seq, data] of acknowledged) expect.equal(events[seq - 1]?.[1], data, `event ${seq} was acknowledged`);
  return events.length;
}
