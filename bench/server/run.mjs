// The server beside its peers: a static file of 1 KB beside nginx, a page of fifty items from the store beside
// Node.js, and what unchanged files and pages cost (304) beside changed ones.
//
//   node bench/server/run.mjs [--rounds N] [--seconds N] [--write]
//
// One worker on each side, 32 connections that are kept, no access logs, no page cache. nginx keeps the file open
// (open_file_cache, looked at again after 60 s); its answer has the headers that ours has. It runs as Debian sets it
// up (sendfile, tcp_nopush), and without sendfile, which is faster for so small a file. Ours keeps the bytes and looks
// at the file again after 250 ms. The pages of the items must have equal bytes, or nothing is measured; on both sides each
// request reads its fifty rows from SQLite and renders them. Ours compares what it reads of an event with what it read before,
// and does not parse it again where it is the same.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, freePort, startServer, temporaryFolder } from "../../tests/process/harness.mjs";
import { fetchPage, load, node22 } from "../load.mjs";
import { machine, median, replaceSection, roundsFrom, versionOf } from "../measure.mjs";

const options = roundsFrom("bench/server", { rounds: 4, seconds: 4 });

const kItems = Array.from({ length: 50 }, (_, n) => ({
  slug: `item-${n + 1}`,
  title: n % 5 === 0 ? `Lamp & lens <no. ${n + 1}>` : `A lamp for the ${n + 1}th lighthouse`,
  author: n % 3 === 0 ? "Augustin Fresnel" : "Die Wärterin",
  price: 100 + 7 * n,
  text: `Seen from ${10 + n} miles in clear weather, tested in the winter of ${1850 + n}, and kept since then.`,
}));

const folder = temporaryFolder("sx-bench-");
const files = join(folder, "static");
mkdirSync(files);
writeFileSync(join(files, "lamp.txt"), "A lamp behind glass is seen far out at sea.\n".repeat(24).slice(0, 1024));

/** The headers of an answer that a peer must give as well. @param {import("node:http").IncomingHttpHeaders} headers */
function shared(headers) {
  const own = new Set(["date", "connection", "keep-alive", "content-length", "transfer-encoding", "etag", "last-modified", "server", "accept-ranges", "content-type"]);
  return Object.entries(headers).filter(([name]) => !own.has(name));
}

const ours = await startServer({
  args: ["bench/server/app.sx", "--workers", "1", "--access-log", "none"], env: { SX_STATIC_DIR: files }, quiet: true,
});
const peers = [];
try {
  const file = await fetchPage(ours.port, "/static/lamp.txt");
  if (file.status !== 200 || file.bytes.length !== 1024) throw new Error(`GET /static/lamp.txt: ${file.status}, ${file.bytes.length} bytes`);

  // ---- nginx
  const headerLines = shared(file.headers).map(([name, value]) => `      add_header ${name} ${JSON.stringify(value)};`).join("\n");
  /** @param {string} name @param {string} sending */
  async function startNginx(name, sending) {
    const port = await freePort();
    const place = join(folder, name);
    mkdirSync(place);
    writeFileSync(join(place, "nginx.conf"), `
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
pid ${place}/nginx.pid;
error_log ${place}/error.log;
events { worker_connections 256; }
http {
  types { text/plain txt; }
  charset utf-8;
  access_log off;
  ${sending}
  keepalive_requests 1000000000;
  open_file_cache max=100;
  client_body_temp_path ${place}; proxy_temp_path ${place}; fastcgi_temp_path ${place}; uwsgi_temp_path ${place}; scgi_temp_path ${place};
  server {
    listen 127.0.0.1:${port};
    location /static/ {
      alias ${files}/;
${headerLines}
    }
  }
}
`);
    const nginx = spawn("nginx", ["-c", join(place, "nginx.conf"), "-e", join(place, "error.log")], { stdio: ["ignore", "ignore", "inherit"] });
    peers.push(nginx);
    const theirFile = await eventually(() => fetchPage(port, "/static/lamp.txt").catch(() => null), "nginx answers");
    if (!theirFile.bytes.equals(file.bytes)) throw new Error(`nginx answers ${theirFile.status} with other bytes`);
    const pids = spawnSync("pgrep", ["-P", String(nginx.pid)], { encoding: "utf8" }).stdout.trim().split("\n").map(Number);
    return { port, pids, etag: theirFile.headers.etag ?? "" };
  }
  const debian = await startNginx("debian", "sendfile on;\n  tcp_nopush on;");
  const plain = await startNginx("plain", "sendfile off;");

  // ---- Node.js
  const posted = await ours.request("/items", { method: "POST", body: JSON.stringify(kItems), headers: { "Content-Type": "application/json" } });
  if (posted.status !== 204) throw new Error(`POST /items: ${posted.status} ${posted.text}`);
  const page = await fetchPage(ours.port, "/items");
  if (page.status !== 200) throw new Error(`GET /items: ${page.status}`);
  writeFileSync(join(folder, "headers.json"), JSON.stringify(Object.fromEntries(
    [...shared(page.headers), ["content-type", page.headers["content-type"]]])));
  const fill = `import { DatabaseSync } from "node:sqlite";
    const database = new DatabaseSync(process.argv[1]);
    database.exec("CREATE TABLE item (n INTEGER PRIMARY KEY, slug TEXT, title TEXT, author TEXT, price INTEGER, text TEXT)");
    const put = database.prepare("INSERT INTO item (slug, title, author, price, text) VALUES (?, ?, ?, ?, ?)");
    for (const { slug, title, author, price, text } of JSON.parse(process.argv[2])) put.run(slug, title, author, price, text);`;
  const filled = spawnSync(node22, ["--no-warnings", "--input-type=module", "-e", fill, join(folder, "items.sqlite"), JSON.stringify(kItems)], { encoding: "utf8" });
  if (filled.status !== 0) throw new Error(filled.stderr);
  const nodePort = await freePort();
  const node = spawn(node22, ["--no-warnings", "bench/server/peer.mjs", String(nodePort), folder], { stdio: ["ignore", "ignore", "inherit"] });
  peers.push(node);
  const theirPage = await eventually(() => fetchPage(nodePort, "/items").catch(() => null), "the peer answers");
  if (!theirPage.bytes.equals(page.bytes)) {
    mkdirSync("build/bench", { recursive: true });
    writeFileSync("build/bench/ours.html", page.bytes);
    writeFileSync("build/bench/theirs.html", theirPage.bytes);
    throw new Error("the two pages differ, so nothing is compared: build/bench/ours.html, build/bench/theirs.html");
  }

  // ---- 304
  const etag = file.headers.etag ?? "";
  const unchanged = await fetchPage(ours.port, "/static/lamp.txt", { "If-None-Match": etag });
  if (unchanged.status !== 304) throw new Error(`If-None-Match: ${etag}: ${unchanged.status}, expected 304`);

  // Without a version the page is made to find out that it is the same; with one it is not.
  const tagOf = async (path) => {
    const tag = (await fetchPage(ours.port, path)).headers.etag ?? "";
    const { status } = await fetchPage(ours.port, path, { "If-None-Match": tag });
    if (status !== 304) throw new Error(`${path}, If-None-Match: ${tag}: ${status}, expected 304`);
    return tag;
  };
  const pageTag = await tagOf("/items");
  const versionTag = await tagOf("/versioned-items");

  const our = { port: ours.port, pids: [ours.pid] };
  const nginxIs = versionOf(["nginx", "-v"]).replace("nginx version: ", "");
  const asks = (tag) => ({ headers: { "If-None-Match": tag }, status: 304 });
  const rows = [
    { name: "static file of 1 KB", aim: 1.2, path: "/static/lamp.txt", sides: [
      { name: "sx serve", ...our }, { name: `${nginxIs}, sendfile and tcp_nopush`, ...debian }] },
    { name: "static file of 1 KB", path: "/static/lamp.txt", sides: [
      { name: "sx serve", ...our }, { name: `${nginxIs}, sendfile off`, ...plain }] },
    { name: `page of 50 items (${page.bytes.length} bytes)`, aim: 2.5, path: "/items", sides: [
      { name: "sx serve", ...our }, { name: `Node.js ${versionOf([node22, "--version"])}`, port: nodePort, pids: [node.pid ?? 0] }] },
    { name: "304 of the file", aim: 1.1, path: "/static/lamp.txt", sides: [
      { name: "sx serve, 304", ...our, ...asks(etag) }, { name: "sx serve, 200", ...our }] },
    { name: "304 of the file", path: "/static/lamp.txt", sides: [
      { name: "sx serve, 304", ...our, ...asks(etag) }, { name: `${nginxIs}, 304`, ...debian, ...asks(debian.etag) }] },
    { name: "304 of the page by its version", aim: 1.1, path: "/versioned-items", sides: [
      { name: "sx serve, 304", ...our, ...asks(versionTag) }, { name: "sx serve, 200", ...our }] },
    { name: "304 of the page by its bytes", path: "/items", sides: [
      { name: "sx serve, 304", ...our, ...asks(pageTag) }, { name: "sx serve, 200", ...our }] },
  ];
  const lines = [];
  for (const { name, aim, path, sides } of rows) {
    const runs = sides.map(() => /** @type {ReturnType<typeof load>[]} */ ([]));
    for (const side of sides) load({ ...side, path, seconds: 1 });  // warm on both sides
    for (let round = 0; round < options.rounds; round++) {
      sides.forEach((side, i) => {
        runs[i].push(load({ ...side, path, seconds: options.seconds }));
        console.error(`${name}, ${side.name}: ${runs[i].at(-1)?.perSecond.toFixed(0)} requests/s`);
      });
    }
    const rate = runs.map((all) => median(all.map(({ perSecond }) => perSecond)));
    const cpu = runs.map((all) => median(all.map((run) => run.cpu)));
    lines.push(`| ${name} | ${sides[1].name} | ${rate[0].toFixed(0)} | ${rate[1].toFixed(0)} | **${(rate[0] / rate[1]).toFixed(2)}** | ${(cpu[1] / cpu[0]).toFixed(2)} | ${aim ?? ""} | ${cpu[0].toFixed(1)} | ${cpu[1].toFixed(1)} | ${runs[0].at(-1)?.p99} | ${runs[1].at(-1)?.p99} |`);
  }
  const table = [
    `${machine()}; ${versionOf(["wrk", "-v"])}; ${options.rounds} rounds of ${options.seconds} s, 32 connections, one worker each; medians.`,
    "",
    "| what | beside | our requests/s | theirs | ours ÷ theirs | by CPU time | aim ≥ | our CPU µs/request | theirs | our p99 | theirs |",
    "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ...lines,
  ].join("\n");
  console.log(table);
  if (options.write) writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "server", table));
} finally {
  for (const peer of peers) peer.kill("SIGTERM");
  await ours.dispose();
}
