// The store beside plain C on SQLite and a plain libpq program, in the same minutes; folds in SX.
//   scripts/bench store [SECONDS]
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Postgres } from "../../tests/process/postgres.mjs";
import { binary, root, temporaryFolder } from "../../tests/process/harness.mjs";

const seconds = process.argv[2] ?? "5";
const folder = temporaryFolder("sx-bench-");
const run = (program, args) => {
  const done = spawnSync(program, args, { cwd: root, stdio: "inherit" });
  if (done.status !== 0) process.exit(1);
};
run(join(root, "build/native/server/store/sx_store_bench"), [folder, seconds, new Postgres().freshUrl()]);
console.log("\nA fold in SX over events of one stream:");
run(binary, ["run", "--store", `sqlite:${join(folder, "replay.db")}`, "bench/store/replay.sx", "100000"]);
