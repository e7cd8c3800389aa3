// Runs every program of bench/vm on SX and its peers in one run and prints the ratios.
//
//   node bench/run.mjs [--rounds N] [--only ENGINE,…] [--write] [PROGRAM…]
//
// Engines: build/native/sx, SX in WASM under Node.js, lua5.4, luajit -joff, guile, node, node --jitless.
// All take turns in each round; the figure is the least CPU time (user and system, threads included) of
// the rounds (default 3), less that of a program that does nothing. An engine that needs more than
// three seconds for a program runs it once. Peak memory is the resident set of the whole process, start
// included. If an engine prints something else than SX, there is no figure at all.
// --write puts the tables into bench/RESULTS.md.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { geometricMean, machine, replaceSection, runOnce, versionOf } from "./measure.mjs";

const all = [
  { name: "sx", extension: "sx", command: ["build/native/sx", "run"], version: ["build/native/sx", "version"] },
  { name: "sx wasm", extension: "sx", command: ["scripts/sx-wasm", "run"], version: ["node", "--version"] },
  { name: "lua5.4", extension: "lua", command: ["lua5.4"], version: ["lua5.4", "-v"] },
  { name: "luajit -joff", extension: "lua", command: ["luajit", "-joff"], version: ["luajit", "-v"] },
  { name: "guile", extension: "scm", command: ["guile"], version: ["guile", "--version"] },
  { name: "node", extension: "js", command: ["node"], version: ["node", "--version"] },
  { name: "node --jitless", extension: "js", command: ["node", "--jitless"], version: ["node", "--version"] },
];
const slowMs = 3000;
// Engines that must run every program; a peer that lacks one or crashes gets a dash and a remark.
const required = new Set(["sx", "sx wasm", "lua5.4"]);

function usage(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
let rounds = 3;
let write = false;
let engines = all;
const names = [];
for (let args = process.argv.slice(2); args.length > 0; ) {
  const argument = args.shift();
  if (argument === "--rounds") rounds = Number(args.shift());
  else if (argument === "--write") write = true;
  else if (argument === "--only") {
    const wanted = (args.shift() ?? "").split(",");
    for (const name of wanted)
      if (!all.some((engine) => engine.name === name)) usage(`no engine '${name}', there are: ${all.map((e) => e.name).join(", ")}`);
    engines = all.filter((engine) => wanted.includes(engine.name));
  } else if (argument.startsWith("-")) usage(`unknown option '${argument}'`);
  else names.push(argument);
}
if (!Number.isInteger(rounds) || rounds < 1) usage("--rounds wants a whole number from 1 up");
if (write && (names.length > 0 || engines !== all)) usage("--write wants all programs and all engines");
const known = readdirSync("bench/vm").filter((file) => file.endsWith(".sx")).map((file) => file.slice(0, -3)).sort();
for (const name of names) if (!known.includes(name)) usage(`no program '${name}' in bench/vm, there are: ${known.join(", ")}`);
const programs = known.filter((name) => names.length === 0 || names.includes(name));
for (const { command } of engines)
  if (command[0].includes("/") && !existsSync(command[0])) usage(`${command[0]} is missing: run scripts/build`);

mkdirSync("build/bench", { recursive: true });
process.env.XDG_CACHE_HOME = `${process.cwd()}/build/bench/cache`; // guile keeps what it compiles there
writeFileSync("build/bench/empty.sx", "nil\n");
for (const extension of ["lua", "scm", "js"]) writeFileSync(`build/bench/empty.${extension}`, "\n");
/** What starting costs, engine by engine: the loading of a program that does nothing. */
const startUp = engines.map(({ command, extension }) => {
  const runs = Array.from({ length: 7 }, () => runOnce([...command, `build/bench/empty.${extension}`]));
  return { ms: Math.min(...runs.map((run) => run.ms)), kb: Math.min(...runs.map((run) => run.kb)) };
});

const remarks = [];
const rows = programs.map((program) => {
  const best = engines.map(() => null);
  const expected = { hash: "", name: "" };
  const given = engines.map(({ extension }) => existsSync(`bench/vm/${program}.${extension}`));
  engines.forEach(({ name, extension }, at) => {
    if (!given[at] && required.has(name)) usage(`bench/vm/${program}.${extension} is missing`);
    // Guile compiles a file when it runs it for the first time.
    if (given[at] && name === "guile") try { runOnce(["guile", `bench/vm/${program}.scm`]); } catch { /* found out below */ }
  });
  const commandOf = ({ command, extension }) => [...command, `bench/vm/${program}.${extension}`];
  for (let round = 0; round < rounds; round++) {
    engines.forEach((engine, at) => {
      if (!given[at] || best[at]?.ms > slowMs) return;
      let run;
      try {
        run = runOnce(commandOf(engine));
      } catch (error) {
        if (required.has(engine.name)) throw error;
        given[at] = false;
        best[at] = null;
        remarks.push(`${engine.name} fails on ${program}: ${error.message.split("\n")[0].replace(/.*: exit /, "exit ")}`);
        return;
      }
      if (expected.hash === "") Object.assign(expected, { hash: run.hash, name: engine.name, head: run.head });
      if (run.hash !== expected.hash) {
        console.error(`bench: ${program}: ${engine.name} prints something else than ${expected.name}, so nothing is compared`);
        console.error(`  ${expected.name}: ${expected.head.slice(0, 120)}\n  ${engine.name}: ${run.head.slice(0, 120)}`);
        process.exit(1);
      }
      best[at] = { ms: Math.min(run.ms, best[at]?.ms ?? Infinity), kb: Math.min(run.kb, best[at]?.kb ?? Infinity) };
    });
  }
  console.error(`${program}: ${engines.map(({ name }, at) => `${name} ${best[at] ? `${best[at].ms.toFixed(0)} ms` : "–"}`).join(", ")}`);
  return { program, ms: best.map((b, at) => b && Math.max(b.ms - startUp[at].ms, 1)), kb: best.map((b) => b && b.kb) };
});

/** Pauses of the collector and the cost of a pair, measured from inside. */
function collector() {
  const program = "build/native/bench/sx-gc-pauses";
  if (!existsSync(program)) return ["", `Pauses of the collector: not measured, ${program} is missing.`];
  const found = JSON.parse(spawnSync(program, { encoding: "utf8" }).stdout);
  return ["", `Pauses of the collector with ${found.live_mb} MB alive: median ${found.p50_ms} ms, 99th percentile ${found.p99_ms} ms ` +
    `(aim ≤ 2 ms), longest ${found.max_ms} ms of ${found.pauses}. A pair made and dropped, collections and the turn of the loop around it included: ${found.pair_turn_ns} ns (aim ≤ 10 ns); the turn without it: ${found.bare_turn_ns} ns.`];
}

const at = (name) => engines.findIndex((engine) => engine.name === name);
const sx = at("sx"), wasm = at("sx wasm"), lua = at("lua5.4");
const others = engines.map((engine, index) => index).filter((index) => index !== sx);
const ratio = (row, over, under) => (over < 0 || under < 0 || !row.ms[over] || !row.ms[under] ? null : row.ms[over] / row.ms[under]);
const shown = (value, digits = 2) => (value === null ? "–" : value.toFixed(digits));
const mean = (over, under) => {
  const ratios = rows.map((row) => ratio(row, over, under)).filter((value) => value !== null);
  return ratios.length === 0 ? "–" : `**${geometricMean(ratios).toFixed(2)}**`;
};
const line = (...cells) => `| ${cells.join(" | ")} |`;
const head = (...cells) => `${line(...cells)}\n|---|${"--:|".repeat(cells.length - 1)}`;
const mb = (kb) => (kb === null ? "–" : (kb / 1024).toFixed(1));
const versions = new Map(engines.map(({ name, version }) => [name, versionOf(version)]));

const time = [
  head("program", ...engines.map(({ name }) => `${name} ms`), ...(wasm >= 0 && lua >= 0 ? ["lua5.4 ÷ wasm"] : []), ...others.map((index) => `${engines[index].name} ÷ sx`)),
  ...rows.map((row) => line(row.program, ...row.ms.map((ms) => shown(ms, 0)),
    ...(wasm >= 0 && lua >= 0 ? [shown(ratio(row, lua, wasm))] : []), ...others.map((index) => shown(ratio(row, index, sx))))),
  line("**geometric mean**", ...engines.map(() => ""), ...(wasm >= 0 && lua >= 0 ? [mean(lua, wasm)] : []), ...others.map((index) => mean(index, sx))),
  line("start-up, subtracted above", ...startUp.map(({ ms }) => ms.toFixed(0)), ...(wasm >= 0 && lua >= 0 ? [""] : []), ...others.map(() => "")),
];
const memory = [
  head("peak memory, MB", ...engines.map(({ name }) => name), ...(lua >= 0 ? ["sx ÷ lua5.4"] : [])),
  ...rows.map((row) => line(row.program, ...row.kb.map(mb), ...(lua >= 0 ? [shown(row.kb[sx] && row.kb[lua] ? row.kb[sx] / row.kb[lua] : null)] : []))),
  line("a program that does nothing", ...startUp.map(({ kb }) => mb(kb)), ...(lua >= 0 ? [shown(startUp[sx].kb / startUp[lua].kb)] : [])),
];
const table = [
  `${machine()}; ${rounds} rounds.`,
  `${engines.map(({ name }) => `${name}: ${versions.get(name)}`).join("; ")}.`,
  "",
  ...time,
  "",
  "`÷ sx`: how many times faster SX is (above 1: faster), for `sx wasm` how much slower the WASM kernel is.",
  ...(remarks.length > 0 ? ["", `${remarks.join("; ")}.`] : []),
  "",
  ...memory,
  ...(names.length === 0 ? collector() : []),
].join("\n");
console.log(table);
if (write) writeFileSync("bench/RESULTS.md", replaceSection(readFileSync("bench/RESULTS.md", "utf8"), "vm", table));
