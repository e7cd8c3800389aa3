// One bundle, two sides: the same file gives the same output natively and in the kernel, and what
// is foreign or damaged is refused by both with the same sentence.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Report } from "../tools/report.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const sx = join(project, "build/native/sx");
const wasm = join(project, "scripts/sx-wasm");
const folder = mkdtempSync(join(tmpdir(), "sx-parity-"));
const report = new Report();

function run(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: project, encoding: "utf8", timeout: 120_000 });
  return { status, stdout, stderr };
}

function same(name, native, kernel) {
  report.check(
    native.status === kernel.status && native.stdout === kernel.stdout,
    name,
    `native: status ${native.status}\n${native.stdout}${native.stderr}\nkernel: status ${kernel.status}\n${kernel.stdout}${kernel.stderr}`,
  );
}

// The header: magic 0–3, format 4–5, fingerprint 8–39, content hash 40–71.
function reseal(bytes) {
  createHash("sha256").update(bytes.subarray(72)).digest().copy(bytes, 40);
  return bytes;
}

for (const program of ["language", "markup"]) {
  const source = join(project, `tests/parity/programs/${program}.sx`);
  const bundle = join(folder, `${program}.sxbc`);
  const built = run(sx, "build", "-o", bundle, source);
  report.check(built.status === 0, `${program} builds`, built.stderr);
  const again = join(folder, `${program}-again.sxbc`);
  run(sx, "build", "-o", again, source);
  report.check(readFileSync(bundle).equals(readFileSync(again)), `${program}: two builds give the same bytes`);
  const hashBefore = createHash("sha256").update(readFileSync(bundle)).digest("hex");
  const native = run(sx, "run", bundle);
  report.check(native.status === 0 && native.stdout.length > 100, `${program} runs natively from its bundle`, native.stdout + native.stderr);
  same(`${program}: the same bundle gives the same output in the kernel`, native, run(wasm, "run", bundle));
  report.check(createHash("sha256").update(readFileSync(bundle)).digest("hex") === hashBefore, `${program}: the file is untouched`);
  same(`${program}: its source gives the same output as its bundle`, native, run(sx, "run", "--source", source));
  same(`${program}: the kernel compiles the source to the same output`, native, run(wasm, "run", "--source", source));
}

// Where a build runs is not in the bundle: the same sources in two folders, from within each.
{
  const builds = ["first", "second/deeper"].map((name) => {
    const at = join(folder, name);
    mkdirSync(at, { recursive: true });
    copyFileSync(join(project, "tests/parity/programs/language.sx"), join(at, "language.sx"));
    const { status, stderr } = spawnSync(sx, ["build", "-o", "out.sxbc", "language.sx"], { cwd: at, encoding: "utf8" });
    return { status, stderr, bytes: status === 0 ? readFileSync(join(at, "out.sxbc")) : Buffer.alloc(0) };
  });
  report.check(builds.every(({ status }) => status === 0) && builds[0].bytes.equals(builds[1].bytes),
    "builds in two folders give the same bytes", builds.map(({ stderr }) => stderr).join("\n"));
}

const whole = readFileSync(join(folder, "language.sxbc"));
const damages = {
  "a bundle for other tables": [
    () => {
      const bytes = Buffer.from(whole);
      bytes[8] ^= 0xff;
      return bytes;
    },
    /tables [0-9a-f]+.*this engine.*[0-9a-f]+.*rebuild it with `sx build`/s,
  ],
  "a bundle of another format": [
    () => {
      const bytes = Buffer.from(whole);
      bytes.writeUInt16LE(99, 4);
      return bytes;
    },
    new RegExp(`format 99.*this engine reads format ${whole.readUInt16LE(4)}:.*\`sx build\``, "s"),
  ],
  "a truncated bundle": [() => whole.subarray(0, whole.length - 40), /`sx build`/],
  "a bundle with a flipped bit": [
    () => {
      const bytes = Buffer.from(whole);
      bytes[bytes.length - 100] ^= 1;
      return bytes;
    },
    /corrupted: its header says content [0-9a-f]+, its bytes give [0-9a-f]+: rebuild it with `sx build`/,
  ],
  "resealed nonsense code": [
    () => {
      const bytes = Buffer.from(whole);
      for (let i = 200; i < bytes.length; i += 16) bytes[i] = 0xfe;
      return reseal(bytes);
    },
    /./,
  ],
};
for (const [name, [damage, expected]] of Object.entries(damages)) {
  const file = join(folder, "damaged.sxbc");
  writeFileSync(file, damage());
  const native = run(sx, "run", file);
  report.check(native.status === 1 && expected.test(native.stderr), `${name} is refused natively, saying why`, native.stderr);
  const kernel = run(wasm, "run", file);
  report.check(kernel.status === 1 && expected.test(kernel.stderr), `${name} is refused by the kernel, saying why`, kernel.stderr);
}

// A library bundle that is refused does not stop anybody: the source is compiled, and it is said.
const copy = join(folder, "project");
mkdirSync(join(copy, "lib"), { recursive: true });
copyFileSync(join(project, "tests/parity/programs/language.sx"), join(copy, "language.sx"));
const fromSource = run(sx, "run", join(copy, "language.sx"));
report.check(fromSource.status === 0, "a source file elsewhere runs with the embedded library", fromSource.stderr);

rmSync(folder, { recursive: true, force: true });
report.finish();
