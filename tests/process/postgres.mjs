// A PostgreSQL server for tests: Debian's, in a temporary folder, reached by a socket there, run by an
// unprivileged user.
import { spawnSync } from "node:child_process";
import { chownSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./harness.mjs";

const asRoot = process.getuid?.() === 0;

export class Postgres {
  #schemas = 0;

  constructor() {
    this.folder = temporaryFolder("sx-pg-");
    const versions = "/usr/lib/postgresql";
    this.bin = join(versions, readdirSync(versions).sort((a, b) => Number(a) - Number(b)).at(-1), "bin");
    if (asRoot) {
      const id = (flag) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
      chownSync(this.folder, id("-u"), id("-g"));
    }
    this.#run("initdb", ["-D", this.db, "-U", "tester", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]);
    this.start();
    process.on("exit", () => this.#try("pg_ctl", ["-D", this.db, "-m", "immediate", "-w", "stop"]));
  }

  get db() {
    return join(this.folder, "db");
  }

  #try(command, args) {
    const words = asRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
    const [first, ...rest] = [...words, join(this.bin, command), ...args];
    return spawnSync(first, rest, { cwd: "/", encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  #run(command, args) {
    const run = this.#try(command, args);
    if (run.status !== 0) throw new Error(`${command}: ${run.stderr}${run.stdout}`);
    return run.stdout.trim();
  }

  start() {
    const options = `-c listen_addresses='' -c unix_socket_directories=${this.folder} -c shared_buffers=32MB`;
    const log = join(this.folder, "server.log");
    const run = this.#try("pg_ctl", ["-D", this.db, "-w", "-t", "60", "-l", log, "-o", options, "start"]);
    if (run.status !== 0) throw new Error(`pg_ctl start: ${run.stderr}\n${readFileSync(log, "utf8")}`);
  }

  /** @param {"fast" | "immediate"} mode */
  stop(mode) {
    this.#run("pg_ctl", ["-D", this.db, "-m", mode, "-w", "stop"]);
  }

  /** The url of tables that nobody else uses. */
  freshUrl() {
    const schema = `t${++this.#schemas}`;
    const server = `postgres:///postgres?host=${this.folder}&user=tester`;
    this.#run("psql", ["-q", server, "-c", `CREATE SCHEMA ${schema}`]);
    return `${server}&options=-csearch_path%3D${schema}`;
  }
}
