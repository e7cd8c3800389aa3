// A full disk under the real server: clear errors, nothing acknowledged lost, reading goes on, and so
// does writing when there is room again. The disk is a small file system in memory (tmpfs), mounted in a
// mount namespace of the test's own where that is needed; without the right to mount, the server's
// file sizes are limited instead, which it meets as the same kind of failure.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { csrfToken, eventually, expect, finish, startServer, sx, test } from "./harness.mjs";
import { app, append, appendUntilFull, checkStream, run, smallDisk } from "./full-disk.mjs";

// Run anew inside of a namespace in which an ordinary user may mount, where the system has that.
const mayMount = process.getuid?.() === 0 || process.env.SX_TEST_MOUNTS === "1";
if (!mayMount && run("unshare", "--map-root-user", "--mount", "true").status === 0) {
  const inner = spawnSync("unshare", ["--map-root-user", "--mount", process.execPath, import.meta.filename], {
    stdio: "inherit", env: { ...process.env, SX_TEST_MOUNTS: "1" },
  });
  process.exit(inner.status ?? 1);
}

const disk = smallDisk(48);

if (disk) {
  await test("a full disk: 507 with its reason, reading goes on, nothing acknowledged is lost, then it recovers", async () => {
    const server = await startServer({ args: [app], data: disk.data });
    try {
      disk.fill(3_000_000);
      const { acknowledged, failure } = await appendUntilFull(server, "s0", 0, 20_000);
      expect.ok(acknowledged.length > 5, `${acknowledged.length} were acknowledged before`);
      expect.equal(failure.status, 507, failure.text);
      expect.match(failure.text, /The server's disk is full\. Nothing was saved; reading still works\./);
      expect.equal(failure.headers["retry-after"], "60");
      await eventually(() => server.stderr.includes("the disk is full: free some space"), "the log names the reason");
      disk.fill();
      for (let i = 0; i < 20; i++) expect.equal((await append(server, "s0", "y".repeat(20_000))).status, 507);
      // Several at once, of several sizes, on a disk without a byte.
      const many = await Promise.all(Array.from({ length: 40 }, (_, i) => append(server, `m${i % 4}`, "z".repeat(1000 * (1 + (i % 30))))));
      many.forEach(({ status }) => expect.ok(status === 507 || status === 200, `${status}`));
      expect.equal((await server.get("/health")).status, 200);
      await checkStream(server, "s0", acknowledged);
      const stats = sx(["store", "stats", "--json", "--data", disk.data]);
      expect.equal(stats.status, 0, stats.stderr);

      disk.free();
      await eventually(async () => (await append(server, "after", "there is room")).status === 200, "writing goes on", 10_000);
      for (let i = 0; i < 10; i++) expect.equal((await append(server, "s0", `again ${i}`)).status, 200);
      const length = await checkStream(server, "s0", acknowledged);
      const verified = sx(["store", "verify", "--json", "--data", disk.data]);
      expect.equal(verified.status, 0, verified.stderr);
      await server.restart();
      expect.equal(await checkStream(server, "s0", acknowledged), length);
    } finally {
      await server.dispose();
    }
  });

  await test("kill -9 on the full disk, and a start on it: what was acknowledged is there, before and after there is room", async () => {
    disk.free();
    rmSync(disk.data, { recursive: true, force: true });
    const server = await startServer({ args: [app], data: disk.data });
    try {
      disk.fill(2_000_000);
      const { acknowledged } = await appendUntilFull(server, "s0", 0, 10_000);
      await server.kill9();
      disk.fill();
      try {
        // Either it starts and serves what is there, or it says why it cannot.
        await server.start({ timeoutMs: 10_000 });
        await checkStream(server, "s0", acknowledged);
        await server.kill9();
      } catch (error) {
        expect.match(error.message, /disk is full|No space left/);
      }
      disk.free();
      await server.start();
      await checkStream(server, "s0", acknowledged);
      expect.equal((await append(server, "s0", "on we go")).status, 200);
    } finally {
      await server.dispose();
    }
  });

  await test("the blog on a full disk: pages are served, a post, a login and an upload are refused in words", async () => {
    disk.free();
    rmSync(disk.data, { recursive: true, force: true });
    const server = await startServer({ data: disk.data });
    try {
      const author = server.visitor();
      await author.login();
      const token = csrfToken((await author.get("/new")).text);
      disk.fill();
      let refused;
      for (let i = 0; i < 200 && refused?.status !== 507; i++)
        refused = await author.post("/new", { title: `Filling ${i}`, body: "word ".repeat(4000), published: "true", _csrf: token });
      expect.equal(refused.status, 507);
      expect.match(refused.text, /There is no room left[^]*The server&#39;s disk is full|There is no room left[^]*The server's disk is full/);
      expect.doesNotMatch(refused.text, new RegExp(disk.data), "no path is told");
      const program = await author.request("/new", { method: "POST", body: JSON.stringify({ title: "As JSON", body: "word ".repeat(4000), published: true }),
        headers: { "Content-Type": "application/json", "SX-CSRF": token } });
      expect.equal(program.status, 507);
      expect.equal(JSON.parse(program.text).status, 507);
      const upload = [`--b\r\nContent-Disposition: form-data; name="_csrf"\r\n\r\n${token}\r\n`,
        '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nWith a picture\r\n',
        '--b\r\nContent-Disposition: form-data; name="published"\r\n\r\ntrue\r\n',
        '--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'];
      const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), randomBytes(600_000)]);
      const send = () => author.request("/new", { method: "POST", headers: { "Content-Type": "multipart/form-data; boundary=b" },
        body: Buffer.concat([Buffer.from(upload.join("")), png, Buffer.from("\r\n--b--\r\n")]) });
      const files = () => readdirSync(join(disk.data, "blobs"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const before = files().length;
      const picture = await send();
      expect.equal(picture.status, 507, picture.text.slice(0, 300));
      expect.equal(files().length, before, "no blob, and no part of one");
      for (const path of ["/", "/welcome/", "/feed", "/login", "/health", "/new"])
        expect.equal((await author.get(path)).status, 200, path);
      disk.free();
      const done = await author.post("/new", { title: "There is room", body: "word ".repeat(4000), published: "true", _csrf: token });
      expect.equal(done.status, 303, done.text);
      expect.equal((await server.get("/there-is-room/")).status, 200);
      expect.equal((await send()).status, 303);
      const shown = (await server.get("/with-a-picture/")).text.match(/src="(\/blob\/[0-9a-f]{64})"/);
      expect.ok(shown, "the post shows its picture");
      expect.ok((await server.get(shown[1])).bytes.equals(png), "byte by byte");
      await server.visitor().login();
      expect.equal((await server.stop()).code, 0);
      expect.equal(sx(["store", "verify", "--data", disk.data]).status, 0);
    } finally {
      await server.dispose();
    }
  });
}

await test("a limit on file sizes does not end the server: writes beyond it are errors, and go on when it is lifted", async () => {
  const server = await startServer({ args: [app] });
  try {
    const limit = (bytes) => {
      const set = run("prlimit", `--pid=${server.pid}`, `--fsize=${bytes}:unlimited`);
      expect.equal(set.status, 0, set.stderr);
    };
    limit(400_000);
    const { acknowledged, failure } = await appendUntilFull(server, "s0", 0, 20_000);
    expect.ok([503, 507].includes(failure.status), `${failure.status} ${failure.text}`);
    expect.equal((await server.get("/health")).status, 200);
    limit("unlimited");
    await eventually(async () => (await append(server, "after", "x")).status === 200, "writing goes on", 10_000);
    await checkStream(server, "s0", acknowledged);
    expect.equal(sx(["store", "verify", "--data", server.data]).status, 0);
  } finally {
    await server.dispose();
  }
});

finish();
