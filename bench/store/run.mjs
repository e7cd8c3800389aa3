// The store beside plain C on SQLite and a plain libpq program, in the same minutes; folds in SX.
//
//   node bench/store/run.mjs [--seconds N] [--write]
//
// sx_store_bench measures each line in five rounds that alternate with the bare ones, --seconds in all for a line.
// PostgreSQL is Debian's, started for this in a temporary folder.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Postgres } from "../../tests/process/postgres.mjs";
import { binary, root, temporaryFolder } from "../../tests/process/harness.mjs";
import { machine, replaceSection, roundsFrom } from "../measure.mjs";

const options = roundsFrom("bench/store", { rounds: 5, seconds: 10 });
const folder = temporaryFolder("sx-bench-");
const postgres = new Postgres();

/** @param {string} program @param {string[]} args */
function output(program, args) {
  const done = spawnSync(program, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 24 });
  if (done.status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${done.status ?? done.signal}\n${done.stdout}`);
  return done.stdout;
}

const before = machine();
const lines = output(join(root, "build/native/bench/sx_store_bench"), [folder, String(options.seconds), postgres.freshUrl()])
  .trim().split("\n").map((line) => JSON.parse(line));
const kReplayed = 1_000_000;
const replayed = Object.fromEntries(
  [...output(binary, ["run", "--store", `sqlite:${join(folder, "replay.db")}`, "bench/store/replay.sx", String(kReplayed)])
    .matchAll(/^(\w+): (\d+) events\/s$/gm)].map(([, name, rate]) => [name, Number(rate)]));

const aimed = (value, aim) => (aim > 0 ? ` (≥ ${aim})` : "");
const table = (name, bareIs) => [
  `| ${name} | events/s | p50 | p99 | rate ÷ ${bareIs}'s (aim) | p99 ÷ ${bareIs}'s (aim) |`,
  "|---|--:|--:|--:|--:|--:|",
  ...lines.filter((line) => line.table === name).map((line) =>
    `| ${line.what} | ${line.perSecond} | ${(line.p50 / 1000).toFixed(2)} ms | ${(line.p99 / 1000).toFixed(2)} ms | ${
      line.bare ? "" : `**${line.ratio.toFixed(2)}**${aimed(line.ratio, line.aim)}`} | ${
      line.bare ? "" : `${line.p99Ratio.toFixed(2)}${line.p99Aim > 0 ? ` (≤ ${line.p99Aim})` : ""}`} |`),
].join("\n");
const size = lines.find((line) => line.table === "size");
const text = [
  `${before}; ${options.seconds} s a line in five rounds that alternate with the bare ones; medians; events of 200 bytes.`,
  "",
  table("SQLite", "bare"),
  "",
  table("PostgreSQL", "libpq"),
  "",
  `A fold in SX over ${kReplayed} events of one stream: ${replayed.memory} events/s from memory (aim ≥ 1,000,000), ${replayed.store} events/s from SQLite (aim ≥ 400,000).`,
  `${size.events} events on disk take ${size.ratio.toFixed(2)} × their payload (aim ≤ 1.5).`,
].join("\n");
console.log(text);
if (options.write) writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "store", text));
