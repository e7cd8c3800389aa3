// A PostgreSQL server for tests: Debian's, in a temporary folder, reached by a socket there, run by an
// unprivileged user.
import { spawnSync } from "node:child_process";
import { chownSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./harness.mjs";

const asRoot = process.getuid?.() === 0;

/** User and group of the unprivileged user, when this is root. @returns {[number, number]} */
export function postgresIds() {
  const id = (flag) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
  return [id("-u"), id("-g")];
}

export class Postgres {
  #schemas = 0;

  /** @param {{folder?: string, logApart?: boolean, small?: boolean}} [options] folder: where the database lies, else
   *    in a temporary one; logApart: its log is in the temporary one all the same; small: the log's files are of
   *    1 MB, not of 16 */
  constructor({ folder, logApart = false, small = false } = {}) {
    this.folder = temporaryFolder("sx-pg-");
    this.db = join(folder ?? this.folder, "db");
    const versions = "/usr/lib/postgresql";
    this.bin = join(versions, readdirSync(versions).sort((a, b) => Number(a) - Number(b)).at(-1), "bin");
    if (asRoot) chownSync(this.folder, ...postgresIds());
    this.#run("initdb", ["-D", this.db, "-U", "tester", "-A", "trust", "-N", "-E", "UTF8", "--locale=C",
      ...(small ? ["--wal-segsize=1"] : []), ...(logApart ? ["-X", join(this.folder, "log")] : [])]);
    this.start();
    process.prependListener("exit", () => existsSync(this.db) && this.#try("pg_ctl", ["-D", this.db, "-m", "immediate", "-w", "stop"]));
  }

  #try(command, args) {
    return this.#asUser(join(this.bin, command), args);
  }

  #asUser(command, args) {
    const words = asRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
    const [first, ...rest] = [...words, command, ...args];
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

  runs() {
    return this.#try("pg_ctl", ["-D", this.db, "status"]).status === 0;
  }

  /** How long its files may become from now on. @param {number | "unlimited"} bytes */
  limitFiles(bytes) {
    // The process that makes the others first: its children have its limit.
    const first = readFileSync(join(this.db, "postmaster.pid"), "utf8").split("\n")[0];
    const others = () => spawnSync("pgrep", ["-P", first], { encoding: "utf8" }).stdout.split("\n");
    for (const pids of [() => [first], others])
      for (const pid of pids().filter(Boolean)) {
        const set = this.#asUser("prlimit", [`--pid=${pid}`, `--fsize=${bytes}:unlimited`]);
        // A session may end between the list and here.
        if (set.status !== 0 && !/No such process/.test(set.stderr)) throw new Error(set.stderr);
      }
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
