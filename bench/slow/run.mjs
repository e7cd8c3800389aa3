// How long ordinary requests take while slowhttptest attacks from a thousand connections: p99 beside that of the same
// minutes without an attack, in turns. The attackers have the lowest priority, as if they were at other machines.
//
//   node bench/slow/run.mjs [--rounds N]
import { attack, kAttacks, ordinary, p99, slowServer } from "../../tests/process/slowhttptest.mjs";
import { machine, median, roundsFrom } from "../measure.mjs";

const options = roundsFrom("bench/slow", { rounds: 3 });
const kRequests = 4000;

console.log(`Ordinary requests (GET /health, four connections) beside 1,000 attackers of slowhttptest, two workers.\n${machine()}\n`);
console.log("| attack | p99 alone | p99 under attack | ratio | requests under attack |\n|---|---|---|---|---|");
for (const name of /** @type {(keyof typeof kAttacks)[]} */ (Object.keys(kAttacks))) {
  const rounds = [];
  for (let round = 0; round < options.rounds; round++) {
    const server = await slowServer();
    try {
      const before = await ordinary(server, (count) => count > kRequests / 2);
      let over = false;
      const report = attack(name, server.port).finally(() => (over = true));
      const under = await ordinary(server, () => over);
      await report;
      const after = await ordinary(server, (count) => count > kRequests / 2);
      const alone = p99([...before, ...after].sort((a, b) => a - b));
      rounds.push({ alone, under: p99(under), ratio: p99(under) / alone, count: under.length });
    } finally {
      await server.dispose();
    }
  }
  const of = (key) => median(rounds.map((one) => one[key]));
  console.log(`| ${name} | ${of("alone").toFixed(2)} ms | ${of("under").toFixed(2)} ms | ${of("ratio").toFixed(2)} | ${of("count")} |`);
}
