// Writes the parts of the documentation that repeat a table of the sources, or checks that they are
// as they would be written.
//
//   node tests/tools/generate-reference.mjs           writes
//   node tests/tools/generate-reference.mjs --check   one case per part; `N passed, N failed`
//
// A page holds its parts between <!-- begin generated: NAME --> and <!-- end generated: NAME -->;
// what stands around them is written by hand and stays.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Report } from "./report.mjs";
import { topLevelForms } from "./sx-forms.mjs";

const kRoot = resolve(import.meta.dirname, "../..");
const read = (path) => readFileSync(join(kRoot, path), "utf8");

// ---- tables of the engine ------------------------------------------------------------------------

/** The C string literals of a row, unescaped. @param {string} row */
function literals(row) {
  return [...row.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => JSON.parse(`"${text}"`));
}

/** "(f a b) what it does" → ["(f a b)", "what it does"]: cut behind the matching parentheses. */
function splitUsage(text) {
  let depth = 0;
  let end = 0;
  while (text[end] === "(") {
    for (let i = end; i < text.length; i++) {
      if (text[i] === "(") depth++;
      if (text[i] === ")" && --depth === 0) {
        end = i + 1;
        break;
      }
    }
    // Several usages may stand one after another: (range end) (range start end [step]).
    if (text[end] === " " && text[end + 1] === "(" && /^\(\S*\w/.test(text.slice(end + 1)) && text.slice(1, 4) === text.slice(end + 2, end + 5)) end++;
    else break;
  }
  return [text.slice(0, end), text.slice(end).trim()];
}

function cell(text) {
  return text.replaceAll("|", "\\|").replace(/\s*\n\s*/g, " ").replaceAll("<", "&lt;");
}

function table(heads, rows) {
  return [`| ${heads.join(" | ")} |`, `|${heads.map(() => "---").join("|")}|`, ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");
}

const code = (text) => (text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``).replaceAll("|", "\\|");

/** primitives.def, a table per comment line of the form "// Numbers (prim_number.cpp)". */
function primitives() {
  const sections = [];
  for (const line of read("engine/prim/primitives.def").split("\n").slice(4)) {
    const heading = /^\/\/ ([A-Z][^(:]*)(?:[(:].*)?$/.exec(line);
    if (heading) sections.push({ title: heading[1].trim(), rows: [] });
    if (!line.startsWith("SX_PRIM(")) continue;
    const [name, usage] = [literals(line)[0], literals(line).at(-1)];
    if (name.startsWith("%")) continue;
    const [form, meaning] = splitUsage(usage);
    sections.at(-1).rows.push([code(form), cell(meaning)]);
  }
  return sections
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) => `### ${title === "Appended later" ? "Further ones" : title}\n\n${table(["form", "what it gives"], rows)}`)
    .join("\n\n");
}

/** io_ops.def, a table per prefix of the name. */
function ioOps() {
  const groups = new Map();
  for (const line of read("engine/io/io_ops.def").split("\n")) {
    if (!line.startsWith("SX_IO(")) continue;
    const side = /,\s*(Both|Server|Browser|Tool)\s*,/.exec(line)[1];
    const [name, contract] = literals(line);
    const [args, rest] = splitUsage(contract);
    const group = name.split("/")[0];
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push([code(name), side.toLowerCase(), code(args), cell(rest.replace(/^→\s*/, ""))]);
  }
  return [...groups].map(([name, rows]) => `### ${name}\n\n${table(["op", "side", "arguments", "reply"], rows)}`).join("\n\n");
}

/** opcodes.def, a table per group. */
function opcodes() {
  const sections = [];
  for (const line of read("engine/bytecode/opcodes.def").split("\n")) {
    const heading = /^\/\/ ([A-Z][^.:]*)$/.exec(line);
    if (heading) sections.push({ title: heading[1], rows: [] });
    const row = /^SX_OP\((0x[0-9A-F]{2}), (\w+),\s+(\w+),/.exec(line);
    if (!row) continue;
    if (row[1] === "0x00") sections.push({ title: "None", rows: [] });
    sections.at(-1).rows.push([`\`${row[1].slice(2)}\``, `\`${row[2]}\``, row[3], code(literals(line)[0])]);
  }
  return sections
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) => `${title === "None" ? "" : `### ${title}\n\n`}${table(["code", "name", "format", "meaning"], rows)}`)
    .join("\n\n");
}

function objectKinds() {
  const rows = [...read("engine/value/object_kinds.def").matchAll(/^SX_KIND\((\d+),\s*(\w+),\s*"([^"]+)",\s*(\d+),\s*(\w+)\)\s*\/\/ (.*)$/gm)];
  return table(["code", "kind", "type", "raw words", "then", "what lies in it"],
    rows.map(([, number, name, type, words, layout, what]) => [number, `\`${name}\``, type, words, layout.toLowerCase(), cell(what)]));
}

/** server/config/settings.def, a table per group. */
function settings() {
  const groups = new Map();
  const rows = read("server/config/settings.def").matchAll(/^SX_SETTING\((\w+), (\w+),((?:[^"()]|"(?:[^"\\]|\\.)*")*)\)$/gm);
  for (const [row, , kind] of rows) {
    const [variable, option, fallback, expected, group, meaning] = literals(row);
    const everywhere = /,\s*Installation,/.test(row);
    if (!groups.has(group)) groups.set(group, []);
    const limits = kind === "Number" ? ` (${expected.replace("..", " to ")})` : kind === "Choice" ? ` (${expected.split("|").join(", ")})` : "";
    groups.get(group).push([code(variable), option ? code(option) : kind === "Secret" ? "*secret*" : "", fallback ? code(fallback) : "",
      cell(meaning + limits) + (everywhere ? "; *all commands*" : "")]);
  }
  return [...groups].map(([group, rows]) => `### ${group}\n\n${table(["variable", "option", "default", "what"], rows)}`).join("\n\n");
}

// ---- libraries -----------------------------------------------------------------------------------

/** The exports of a module: {module, about, names}, and its definitions by name. */
function libraryModule(path) {
  const text = read(path);
  const about = /^;;; \S+ (?:—|-) (.*)$/m.exec(text)?.[1] ?? "";
  const { forms, problem } = topLevelForms(text);
  if (problem) throw new Error(`${path}: ${problem}`);
  const head = forms.find((form) => form.text.startsWith("(module"));
  const exports = /:export\s*\(([^)]*)\)/.exec(head?.text ?? "")?.[1].trim().split(/\s+/) ?? [];
  const definitions = new Map();
  for (const { start, text: form } of forms) {
    const found = /^\((define|defmacro|defcomp|defisland|defrecord)\s+(\(?)([^\s()]+)/.exec(form);
    if (found) definitions.set(found[3], { kind: found[1], isFunction: found[2] === "(", form, start });
  }
  return { module: /^\(module\s+(\S+)/.exec(head?.text ?? "")?.[1], about, exports, definitions, text };
}

/** The usage line and the manual of one definition. */
function manual(name, definition) {
  if (!definition) return [name, ""];
  const { kind, isFunction, form } = definition;
  const inside = topLevelForms(form.slice(1, -1)).forms;
  if (kind === "define" && !isFunction) return [name, inside[2]?.text.length > 60 ? "a value" : `\`${inside[2]?.text.replace(/\s+/g, " ")}\``];
  const parameters = kind === "define" ? inside[1].text : `(${name} ${inside[2].text.slice(1)}`.replace(/ \)$/, ")");
  const doc = inside[kind === "define" ? 2 : 3]?.text ?? "";
  return [parameters.replace(/\s+/g, " "), doc.startsWith('"') ? JSON.parse(doc.replace(/\n\s*/g, " ")) : ""];
}

/** Exported functions, macros and components without a manual: found while the tables are made. */
const withoutManual = new Set();

/** The row of one export. */
function exported(module, name, definition) {
  const [usage, doc] = manual(name, definition);
  const value = definition?.kind === "define" && !definition.isFunction;
  if (!doc && !value && definition?.kind !== "defrecord") withoutManual.add(`${name} (${module})`);
  return [code(usage), cell(doc)];
}

/** lib/core/core.sx, in the sections of its source. */
function core() {
  const { exports, definitions, text } = libraryModule("lib/core/core.sx");
  const headings = [...text.matchAll(/^;; --- (.*?) -*$/gm)].map((m) => ({ at: m.index, title: m[1], rows: [] }));
  for (const name of exports) {
    const definition = definitions.get(name);
    const section = headings.filter(({ at }) => at < (definition?.start ?? 0)).at(-1);
    if (!section) throw new Error(`lib/core/core.sx: ${name} is exported, and defined in no section`);
    section.rows.push(exported("core", name, definition));
  }
  return headings
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) => `### ${title[0].toUpperCase()}${title.slice(1)}\n\n${table(["form", "what it gives"], rows)}`)
    .join("\n\n");
}

/** Every module of a folder of lib/, but for those shown elsewhere. */
function library(folder, elsewhere = []) {
  const files = readdirSync(join(kRoot, "lib", folder))
    .filter((name) => name.endsWith(".sx") && !/^mock-|-test\.sx$/.test(name) && !elsewhere.includes(name))
    .sort();
  return files
    .map((file) => libraryModule(`lib/${folder}/${file}`))
    .map(({ module, about, exports, definitions }) => {
      const rows = exports.map((name) => exported(module, name, definitions.get(name)));
      return `### ${module}\n\n${about[0].toUpperCase()}${about.slice(1)}.\n\n${table(["form", "what it gives"], rows)}`;
    })
    .join("\n\n");
}

// ---------------------------------------------------------------------------------------------------

const kParts = [
  ["docs/reference.md", "primitives", primitives],
  ["docs/reference.md", "core", core],
  ["docs/reference.md", "core libraries", () => library("core", ["core.sx"])],
  ["docs/reference.md", "regex", () => library("regex")],
  ["docs/reference.md", "fs", () => library("fs")],
  ["docs/reference.md", "http", () => library("http")],
  ["docs/reference.md", "test", () => library("test")],
  ["docs/reference.md", "persist", () => library("persist")],
  ["docs/reference.md", "dream", () => library("dream")],
  ["docs/reference.md", "host", () => library("host")],
  ["docs/configuration.md", "settings", settings],
  ["docs/io-ops.md", "io_ops", ioOps],
  ["docs/bytecode.md", "opcodes", opcodes],
  ["docs/bytecode.md", "object_kinds", objectKinds],
];

const check = process.argv.includes("--check");
const report = new Report();
for (const [page, name, make] of kParts) {
  const begin = `<!-- begin generated: ${name} -->\n`;
  const end = `\n<!-- end generated: ${name} -->`;
  const text = read(page);
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) {
    report.fail(`${page} has the part ${name}`, `expected the lines ${begin.trim()} and ${end.trim()}`);
    continue;
  }
  const wanted = `\n${make()}\n`;
  const found = text.slice(from + begin.length, to);
  if (check) {
    report.check(found === wanted, `${page}: ${name} is as the sources have it`, "run node tests/tools/generate-reference.mjs");
  } else if (found !== wanted) {
    writeFileSync(join(kRoot, page), text.slice(0, from + begin.length) + wanted + text.slice(to));
    console.log(`${page}: ${name} written`);
  }
}
if (check) report.check(withoutManual.size === 0, "every exported function has a manual", [...withoutManual].join(", "));
else for (const name of withoutManual) console.log(`without a manual: ${name}`);
if (check || report.failed > 0) report.finish();
