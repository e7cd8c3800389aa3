// Everything that the language cases of markup render goes over the wire and comes in pieces as well: what the reading
// side renders, and what the pieces make, are the bytes that direct rendering gives; natively and in the kernel.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
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
    html))
`;
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
    const { status, stdout, stderr } = spawnSync(join(project, command), ["test", file], { cwd: project, encoding: "utf8", timeout: 120_000 });
    report.check(status === 0 && /[1-9]\d* passed, 0 failed/.test(stdout), `${name}: the same bytes over the wire and in pieces, ${command}`, stdout + stderr);
  }
}
rmSync(folder, { recursive: true, force: true });
report.finish();
