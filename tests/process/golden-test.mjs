// What somebody sees who made a mistake: every mistake in tests/golden, compared with what is kept beside
// it, word for word.
//
//   node tests/process/golden-test.mjs [--update] [NAME…]
//
// NAME.sx is run; NAME.json is a command line {"args": […], "stdin": "…"}, where "@" stands for a bundle
// made as "bundle" says: {"of": SOURCE, "cut": bytes kept, "flip": byte to change} or {"text": …}. What is
// said, and the exit status where it is not 1, is in NAME.expected. --update writes it: read each text as
// somebody would who does not know SX yet, before committing it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, expect, finish, root, test } from "./harness.mjs";

const folder = join(root, "tests/golden");
const scratch = mkdtempSync(join(tmpdir(), "sx-golden-"));
const update = process.argv.includes("--update");
const wanted = process.argv.slice(2).filter((word) => word !== "--update");

function run(args, input = "") {
  const env = { ...process.env };
  delete env.SX_PROJECT_DIR;
  return spawnSync(binary, args, { cwd: folder, input, encoding: "utf8", env, timeout: 60_000 });
}

/** Makes the bundle of a case and returns its path. */
function makeBundle(name, { of, text, cut, flip }) {
  const path = join(scratch, `${name}.sxbc`);
  if (text !== undefined) {
    writeFileSync(path, text);
    return path;
  }
  const built = run(["build", "-o", path, of]);
  if (built.status !== 0) throw new Error(`${of} does not build: ${built.stderr}`);
  const bytes = readFileSync(path);
  if (flip !== undefined) bytes[flip] ^= 0x55;
  writeFileSync(path, cut === undefined ? bytes : bytes.subarray(0, cut));
  return path;
}

/** What is said, without what differs from build to build: hashes, sizes, commands, the scratch folder. */
function said({ status, stderr, error }) {
  if (error) throw error;
  const text = stderr.replaceAll(scratch, "SCRATCH").replaceAll(/\b[0-9a-f]{12,64}\b/g, "HASH")
    .replaceAll(/\b\d+ bytes\b/g, "N bytes").replaceAll(/version \d+/g, "version N").replaceAll(binary, "sx")
    .replace(/The commands are: [a-z ]+\./, "The commands are: LIST.");
  return status === 1 ? text : `${text}status ${status}\n`;
}

const names = [...new Set(readdirSync(folder).map((file) => /^(.*)\.(sx|json)$/.exec(file)?.[1]).filter(Boolean))].sort();
try {
  for (const name of names) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    await test(name.replaceAll("-", " "), () => {
      let result;
      if (existsSync(join(folder, `${name}.json`))) {
        const { args, stdin, bundle } = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
        const path = bundle ? makeBundle(name, bundle) : "";
        result = run(args.map((word) => (word === "@" ? path : word)), stdin);
      } else {
        result = run(["run", `${name}.sx`]);
      }
      expect.notEqual(result.stderr, "", "a mistake must not go unnoticed");
      const text = said(result);
      const kept = join(folder, `${name}.expected`);
      if (update) writeFileSync(kept, text);
      expect.equal(text, readFileSync(kept, "utf8"));
    });
  }
  if (wanted.length === 0) {
    await test("there are at least 60 different mistakes", () => expect.ok(names.length >= 60, String(names.length)));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
finish();
