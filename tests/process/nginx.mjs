// Debian's nginx for tests: over a temporary folder, on a port of its own, run by an unprivileged user.
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, freePort, temporaryFolder } from "./harness.mjs";

const kBinary = ["/usr/sbin/nginx", "/usr/bin/nginx"].find((path) => existsSync(path));
const asRoot = process.getuid?.() === 0;

export class Nginx {
  /** @param {(port: number) => string} server what stands in `server { … }`, for the port it listens on */
  static async start(server) {
    if (!kBinary) throw new Error("nginx is missing: run scripts/setup test");
    const nginx = new Nginx();
    nginx.folder = temporaryFolder("sx-nginx-");
    nginx.port = await freePort();
    const log = join(nginx.folder, "error.log");
    const config = join(nginx.folder, "nginx.conf");
    const scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${nginx.folder}/${of};`);
    writeFileSync(config, `daemon off;
worker_processes 1;
pid ${nginx.folder}/nginx.pid;
error_log ${log} warn;
events { worker_connections 1024; }
http {
  access_log off;
  ${scratch.join(" ")}
  server {
    listen 127.0.0.1:${nginx.port} backlog=1024;
${server(nginx.port)}
  }
}
`);
    const words = [kBinary, "-e", log, "-c", config];
    if (asRoot) {
      const id = (flag) => Number(spawnSync("id", [flag, "nobody"], { encoding: "utf8" }).stdout);
      chownSync(nginx.folder, id("-u"), id("-g"));
      words.unshift("setpriv", `--reuid=${id("-u")}`, `--regid=${id("-g")}`, "--clear-groups");
    }
    nginx.child = spawn(words[0], words.slice(1), { cwd: "/", stdio: "ignore" });
    nginx.child.unref();  // a test that fails does not wait for it
    process.on("exit", () => nginx.stop());
    await eventually(() => {
      if (nginx.child.exitCode !== null) throw new Error(`nginx ended: ${readFileSync(log, "utf8")}`);
      return existsSync(join(nginx.folder, "nginx.pid"));
    }, "nginx listens");
    return nginx;
  }

  /** What it calls itself. */
  static version() {
    return spawnSync(kBinary, ["-v"], { encoding: "utf8" }).stderr.trim().split("/").at(-1);
  }

  stop() {
    this.child.kill("SIGTERM");
  }
}
