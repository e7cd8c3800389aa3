// /health, /ready and /metrics of a real server: what operators and load balancers ask.
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { expect, finish, sleep, startServer, sx, temporaryFolder, test } from "./harness.mjs";

/** The value of one metric line. @param {string} text @param {string} name */
const metric = (text, name) => {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};

await test("a server that serves is healthy and ready, and nobody keeps the answer", async () => {
  const server = await startServer();
  try {
    for (const path of ["/health", "/ready"]) {
      const answer = await server.get(path);
      expect.equal(answer.status, 200, path);
      expect.equal(answer.headers["cache-control"], "no-store", path);
    }
    const written = await server.request("/ready", { method: "POST" });
    expect.equal(written.status, 405);
    expect.equal(written.headers.allow, "GET, HEAD");
  } finally {
    await server.dispose();
  }
});

await test("/metrics counts what was answered, by class and duration", async () => {
  const server = await startServer();
  try {
    const before = (await server.get("/metrics")).text;
    for (let n = 0; n < 5; n++) await server.get("/welcome/");
    for (let n = 0; n < 3; n++) await server.get("/nothing-here/");
    const answer = await server.get("/metrics");
    expect.match(answer.headers["content-type"], /^text\/plain; version=0\.0\.4/);
    const grown = (name) => metric(answer.text, name) - metric(before, name);
    // The first look at the metrics itself is among the 2xx.
    expect.equal(grown('sx_http_requests_total{class="2xx"}'), 6);
    expect.equal(grown('sx_http_requests_total{class="4xx"}'), 3);
    expect.equal(grown("sx_http_request_duration_seconds_count"), 9);
    expect.ok(metric(answer.text, "sx_store_position") >= 1, "the welcome post is an event");
    expect.ok(metric(answer.text, "process_resident_memory_bytes") > 1e6);
    expect.ok(metric(answer.text, "process_open_fds") > 3);
    const bucket = 'sx_http_request_duration_seconds_bucket{le="+Inf"}';
    expect.equal(metric(answer.text, bucket), metric(answer.text, "sx_http_request_duration_seconds_count"));
  } finally {
    await server.dispose();
  }
});

await test("every line of /metrics is a comment or a sample, every sample has a type", async () => {
  const server = await startServer();
  try {
    const { text } = await server.get("/metrics");
    const typed = new Set();
    for (const line of text.trimEnd().split("\n")) {
      const type = line.match(/^# TYPE (\S+) (counter|gauge|histogram)$/);
      if (type) typed.add(type[1]);
      if (line.startsWith("#")) continue;
      const sample = line.match(/^([a-z_]+)(\{[a-z]+="[^"\n]*"\})? [0-9.e+-]+$/);
      expect.ok(sample, line);
      expect.ok(typed.has(sample[1].replace(/_(bucket|sum|count)$/, "")) || typed.has(sample[1]), line);
    }
  } finally {
    await server.dispose();
  }
});

await test("through a proxy nobody reads /metrics without the token", async () => {
  const server = await startServer();
  try {
    for (const headers of [{ "X-Forwarded-For": "203.0.113.9" }, { Forwarded: "for=203.0.113.9" }, { Via: "1.1 caddy" }])
      expect.equal((await server.get("/metrics", headers)).status, 403, JSON.stringify(headers));
  } finally {
    await server.dispose();
  }
});

await test("behind a public address nobody reads /metrics without the token", async () => {
  const named = { SX_BASE_URL: "https://blog.example" };
  const closed = await startServer({ env: named });
  try {
    const refused = await closed.get("/metrics");
    expect.equal(refused.status, 403, "a proxy that adds no header must not open it");
    expect.match(refused.text, /SX_METRICS_TOKEN/);
  } finally {
    await closed.dispose();
  }
  const server = await startServer({ env: { ...named, SX_METRICS_TOKEN: "counting-sheep" } });
  try {
    expect.equal((await server.get("/metrics", { Authorization: "Bearer counting-sheep" })).status, 200);
  } finally {
    await server.dispose();
  }
});

await test("programs read settings from the environment, never secrets", async () => {
  const source = join(temporaryFolder(), "ask.sx");
  const ask = (name) => {
    writeFileSync(source, `(print (guard (e (else (error-kind e))) (perform {:op "env/get" :args (list "${name}")})))\n`);
    return sx(["run", source], { env: { [name]: "given" } }).stdout.trim();
  };
  expect.equal(ask("SX_TITLE"), "given");
  for (const name of ["SX_SECRET", "SX_FED_SECRET", "SX_API_TOKEN", "SX_ADMIN_PASSWORD", "SX_USER_PASSWORD", "SX_METRICS_TOKEN", "PATH"])
    expect.match(ask(name), /permission-error/, name);
});

await test("with a token in force only who has it reads /metrics", async () => {
  const server = await startServer({ env: { SX_METRICS_TOKEN: "counting-sheep" } });
  try {
    expect.equal((await server.get("/metrics")).status, 401);
    expect.equal((await server.get("/metrics", { Authorization: "Bearer counting-shee" })).status, 401);
    expect.equal((await server.get("/metrics", { Authorization: "Basic counting-sheep" })).status, 401);
    expect.equal((await server.get("/metrics", { Authorization: "Bearer counting-sheep", "X-Forwarded-For": "203.0.113.9" })).status, 200);
    expect.ok(!server.stderr.includes("counting-sheep"), "the token is in no log");
  } finally {
    await server.dispose();
  }
});

await test("a server that is stopping is not ready while it finishes what is in flight", async () => {
  const server = await startServer();
  try {
    // A connection with a request half sent is waited for.
    const socket = net.connect({ host: "127.0.0.1", port: server.port });
    let answer = "";
    socket.on("data", (data) => (answer += data));
    const closed = new Promise((done) => socket.once("close", done));
    socket.write("GET /ready HTTP/1.1\r\nHost: localhost\r\n");
    await sleep(200);
    server.child.kill("SIGTERM");
    await sleep(200);
    socket.write("\r\n");
    await closed;
    expect.match(answer, /^HTTP\/1\.1 503 [^]*the server is stopping/);
    expect.equal((await server.exited).code, 0);
  } finally {
    await server.dispose();
  }
});

finish();
