// slowhttptest's four attacks, a thousand connections each: every ordinary request is answered meanwhile, and
// every attacker is cut by its limit. How fast the ordinary answers come is for scripts/bench slow.
import { eventually, expect, finish, test } from "./harness.mjs";
import { attack, kAttacks, metric, ordinary, slowServer } from "./slowhttptest.mjs";

const kConnections = 1000;

/** What the server must have counted at the end, by attack. */
const kCut = {
  "slow heads": ["sx_http_receive_timeouts_total", kConnections],
  "slow bodies": ["sx_http_receive_timeouts_total", kConnections],
  // Not one of them makes more of a file than there is: a short answer, and the connection is closed by its sender.
  "ranges without number": ["sx_http_receive_timeouts_total", 0],
  "slow reads": ["sx_http_receive_timeouts_total", 0],
};

for (const name of /** @type {(keyof typeof kAttacks)[]} */ (Object.keys(kAttacks))) {
  await test(`${name}: ordinary requests are answered, the attackers are cut`, async () => {
    const server = await slowServer();
    try {
      const before = await metric(server, "sx_http_connections_total");
      let over = false;
      const report = attack(name, server.port, { connections: kConnections }).finally(() => (over = true));
      const times = await ordinary(server, () => over);
      const text = await report;
      expect.match(text, /Exit status: (No open connections left|Hit test time limit)/, text);
      expect.doesNotMatch(text, /service available: +NO/, text);
      expect.ok(times.length > 100, `${times.length} ordinary requests`);
      // All of them were there, and none is any more.
      // With sanitizers not all of them come to it before the attack is over.
      const least = process.env.SX_SANITIZED ? kConnections / 10 : kConnections;
      expect.ok(await metric(server, "sx_http_connections_total") - before >= least, "every attacker was let in");
      await eventually(async () => await metric(server, "sx_http_connections") < 10, "their connections are gone", 30_000);
      const [counter, count] = kCut[name];
      const cut = await metric(server, counter);
      if (process.env.SX_SANITIZED) expect.ok(cut >= count / 10 && cut <= count, `${counter}: ${cut}`);
      else expect.equal(cut, count, counter);
      expect.equal(await metric(server, 'sx_http_requests_total{class="5xx"}'), 0);
      expect.equal((await server.get("/")).status, 200);
    } finally {
      await server.dispose();
    }
  });
}

finish();
