// Runs every program of bench/vm on SX and its peers in one run and prints the ratios.
//
//   node bench/run.mjs [--rounds N] [--write] [PROGRAM…]
//
// Engines: build/native/sx, SX in WASM under Node.js, lua5.4, luajit -joff. All take turns in each
// round; the figure is the minimum of the rounds (default 5) of the process's CPU time less that of an
// empty program. If an engine prints something else than the others, there is no figure at all.
// --write puts the table into bench/RESULTS.md.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { geometricMean, machine, replaceSection, runOnce, versionOf } from "./measure.mjs";

const engines = [
  { name: "sx", extension: "sx", command: ["build/native/sx", "run"], version: ["build/native/sx", "version"] },
  { name: "sx wasm", extension: "sx", command: ["scripts/sx-wasm", "run"], version: ["node", "--version"] },
  { name: "lua5.4", extension: "lua", command: ["lua5.4"], version: ["lua5.4", "-v"] },
  { name: "luajit -joff", extension: "lua", command: ["luajit", "-joff"], version: ["luajit", "-v"] },
];

let rounds = 5;
let write = false;
const names = [];
for (let args = process.argv.slice(2); args.length > 0; ) {
  const argument = args.shift();
  if (argument === "--rounds") rounds = Number(args.shift());
  else if (argument === "--write") write = true;
  else names.push(argument);
}
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error("bench: --rounds wants a whole number from 1 up");
  process.exit(2);
}
const programs = readdirSync("bench/vm").filter((file) => file.endsWith(".sx"))
  .map((file) => file.slice(0, -3)).filter((name) => names.length === 0 || names.includes(name)).sort();

mkdirSync("build/bench", { recursive: true });
writeFileSync("build/bench/empty.sx", "nil\n");
writeFileSync("build/bench/empty.lua", "\n");
/** What starting costs, engine by engine: the loading of a program that does nothing. */
const startUp = engines.map(({ command, extension }) => {
  const times = Array.from({ length: Math.max(rounds, 5) }, () => runOnce([...command, `build/bench/empty.${extension}`]).ms);
  return Math.min(...times);
});

const rows = [];
for (const program of programs) {
  const best = engines.map(() => Infinity);
  const hashes = engines.map(() => "");
  const heads = engines.map(() => "");
  for (let round = 0; round < rounds; round++) {
    engines.forEach(({ command, extension }, at) => {
      const { ms, hash, head } = runOnce([...command, `bench/vm/${program}.${extension}`]);
      best[at] = Math.min(best[at], ms);
      hashes[at] = hash;
      heads[at] = head;
    });
  }
  if (new Set(hashes).size !== 1) {
    console.error(`bench: ${program}: the engines do not print the same, so nothing is compared`);
    engines.forEach(({ name }, at) => console.error(`  ${name}: ${hashes[at].slice(0, 12)} ${heads[at].slice(0, 120)}`));
    process.exit(1);
  }
  rows.push({ program, ms: best.map((time, at) => Math.max(time - startUp[at], 1)) });
  console.error(`${program}: ${engines.map(({ name }, at) => `${name} ${best[at].toFixed(0)} ms`).join(", ")}`);
}

const ratio = (row, over, under) => row.ms[over] / row.ms[under];
const fixed = (value) => value.toFixed(2);
const mean = (over, under) => fixed(geometricMean(rows.map((row) => ratio(row, over, under))));
const table = [
  `${machine()}; ${rounds} rounds.`,
  `${engines.map(({ name, version }) => `${name}: ${versionOf(version)}`).join("; ")}.`,
  "",
  "| program | sx ms | sx wasm ms | lua5.4 ms | luajit -joff ms | lua5.4 ÷ sx | luajit -joff ÷ sx | wasm ÷ sx |",
  "|---|--:|--:|--:|--:|--:|--:|--:|",
  ...rows.map((row) =>
    `| ${row.program} | ${row.ms.map((ms) => ms.toFixed(0)).join(" | ")} | ${fixed(ratio(row, 2, 0))} | ${fixed(ratio(row, 3, 0))} | ${fixed(ratio(row, 1, 0))} |`),
  `| **geometric mean** | | | | | **${mean(2, 0)}** | **${mean(3, 0)}** | **${mean(1, 0)}** |`,
  `| start-up, subtracted above | ${startUp.map((ms) => ms.toFixed(0)).join(" | ")} | | | |`,
  "",
  "The first two ratios say how many times faster SX is (above 1: faster); the last how much slower the WASM kernel is.",
].join("\n");
console.log(table);
if (write && existsSync("bench/RESULTS.md")) {
  writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "programs", table));
}
