// Everything that the language cases of markup render goes over the wire and comes in pieces as well: what the reading
// side renders, and what the pieces make, are the bytes that direct rendering gives; natively and in the kernel. So does
// the reader of pages (web/glue/wire.js), which leaves to the kernel what it does not do, and never does otherwise.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Aside, htmlOf, readDefinitions, readWire } from "../../web/glue/wire.js";
import { Report } from "../tools/report.mjs";

const project = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const report = new Report();
const folder = mkdtempSync(join(tmpdir(), "sx-wire-"));

const checked = `
(define compared (cell 0))
(define (pieces-of stream out) (let ((piece (html/next! stream 11))) (if piece (pieces-of stream (str out piece)) out)))
(define (checked-render m)
  (let ((html (html/render m)) (page (render-page m)))
    (unless (= html (html/render (wire/read (wire/write m) {:trusted true}))) (error "other bytes over the wire"))
    (unless (= page (render-page (wire/read (wire/write m {:define true}) {:trusted true}))) (error "other bytes with definitions"))
    (unless (= page (pieces-of (html/stream m) "")) (error "other bytes in pieces"))
    (cell/set! compared (+ 1 (cell/get compared)))
    (when (< (string/length html) 20000)
      (print (str "WIRE " (json/write {:wire (wire/write m) :html html :defined (wire/write m {:define true})}))))
    html))
`;

/** @type {{wire: string, defined: string, html: string}[]} */
const samples = [];
/** What the reader of pages makes of a text: HTML, or undefined for what it leaves to the kernel. */
function inPage({ wire, defined }) {
  try {
    const templates = readDefinitions(defined);
    const read = readWire(wire);
    return read.calls.length || read.hashes.some((hash) => !templates.has(hash)) ? undefined : htmlOf(read, read.hashes.map((hash) => templates.get(hash)), []);
  } catch (error) {
    if (error instanceof Aside) return undefined;
    throw error;
  }
}
for (const name of ["markup", "wire"]) {
  const source = readFileSync(join(project, `tests/conformance/${name}.sx`), "utf8").replace(/^\(use test.*\)$/m, (line) => line + checked);
  const [head, body] = [source.slice(0, source.indexOf(checked) + checked.length), source.slice(source.indexOf(checked) + checked.length)];
  const file = join(folder, `${name}-test.sx`);
  const uses = body.split("(html/render ").length - 1;
  report.check(uses > 10, `${name}: ${uses} places render`);
  writeFileSync(file, `${head}${body.replaceAll("(html/render ", "(checked-render ")}
(test "cases were compared" (check (> (cell/get compared) 40)))
`);
  for (const command of ["build/native/sx", "scripts/sx-wasm"]) {
    const { status, stdout, stderr } = spawnSync(join(project, command), ["test", file], { cwd: project, encoding: "utf8", timeout: 120_000, maxBuffer: 64 << 20 });
    const cases = stdout.split("\n").filter((line) => line.startsWith("WIRE ")).map((line) => JSON.parse(line.slice(5)));
    const here = cases.map((one) => [inPage(one), one]).filter(([html]) => html !== undefined);
    if (command.endsWith("sx")) samples.push(...here.map(([, one]) => one).filter(({ wire }) => wire.length < 2000));
    const wrong = here.find(([html, one]) => html !== one.html);
    report.check(!wrong && here.length > cases.length / 4, `${name}: ${here.length} of ${cases.length} texts are HTML in the page's reader, the same bytes, ${command}`, JSON.stringify(wrong, null, 1));
    report.check(status === 0 && /[1-9]\d* passed, 0 failed/.test(stdout), `${name}: the same bytes over the wire and in pieces, ${command}`, stdout + stderr);
  }
}

// Texts changed at random: what the reader of pages makes HTML of, the kernel's reader shows alike; it refuses no less.
let seed = 20261121;
const random = (/** @type {number} */ n) => {
  for (const step of [13, -17, 5]) seed ^= step > 0 ? seed << step : seed >>> -step;
  return (seed >>> 0) % n;
};
const kPieces = ["(", ")", "[", "]", "{", "}", "\"", "\\", " ", "0", "1", "-1", "2.5", "nil", "true", "(raw \"x\")", "(el \"p\" nil)", "\"class\"", "/", ":k", "(0 ", "\\n", "\\x41;", "\\u{e9}"];
const changed = [];
for (let tries = 0; changed.length < 1500 && tries < 60_000; tries++) {
  const one = samples[random(samples.length)];
  let text = one.wire;
  for (let n = random(2); n >= 0; n--) {
    const at = random(text.length), length = random(4);
    text = text.slice(0, at) + (random(2) ? kPieces[random(kPieces.length)] : "") + text.slice(at + length);
  }
  const html = text === one.wire || !text.isWellFormed() ? undefined : inPage({ ...one, wire: text });
  if (html !== undefined) changed.push({ text, defined: one.defined, html });
}
const [data, script] = [join(folder, "changed.json"), join(folder, "changed.sx")];
writeFileSync(data, JSON.stringify(changed));
writeFileSync(script, `(use core/wire fs)
(define (compare path)
  (for-each (fn (one)
              (wire/parse (get one "defined") {:trusted true})
              (let ((html (guard (e (else (str "refused: " (error-message e))))
                            (html/render (wire/parse (get one "text") {:trusted true})))))
                (unless (= html (get one "html"))
                  (print (json/write {:text (get one "text") :page (get one "html") :kernel html})))))
            (json/read (fs/read path))))
(compare "${data}")
`);
const { status, stdout, stderr } = spawnSync(join(project, "build/native/sx"), ["run", script], { cwd: project, encoding: "utf8", timeout: 120_000, maxBuffer: 64 << 20 });
report.check(status === 0 && stdout === "" && changed.length > 500, `${changed.length} changed texts are shown alike, or refused by both`, stdout.slice(0, 2000) + stderr);
rmSync(folder, { recursive: true, force: true });
report.finish();
