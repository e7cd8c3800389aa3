// Makes server/crypto/common_passwords.inc: the passwords that are guessed first, as the beginnings of
// their SHA-256, so that the source reads decently and the binary stays small.
//
//   node tests/tools/generate-passwords.mjs [--check]
//
// From the ranked list in the npm package zxcvbn: those long enough to be taken otherwise.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const kCount = 5000;
const kLengthMin = 8;  // host/password-length-min: shorter ones are refused anyway
const kPerLine = 8;
const file = fileURLToPath(new URL("../../server/crypto/common_passwords.inc", import.meta.url));

const { passwords } = createRequire(import.meta.url)("zxcvbn/lib/frequency_lists.js");
const chosen = passwords.filter((password) => password.length >= kLengthMin).slice(0, kCount);
if (chosen.length < kCount) throw new Error(`the list has ${chosen.length} of that length, expected ${kCount}`);
const beginnings = new Set(chosen.map((password) => createHash("sha256").update(password.toLowerCase()).digest().readUInt32BE(0)));
const numbers = [...beginnings].sort((a, b) => a - b).map((n) => `0x${n.toString(16).padStart(8, "0")}`);

let text = `// Made by tests/tools/generate-passwords.mjs: the first 32 bits of the SHA-256 of the ${kCount} most used\n` +
  `// passwords of at least ${kLengthMin} characters, in lower case; sorted.\n`;
for (let i = 0; i < numbers.length; i += kPerLine) text += `${numbers.slice(i, i + kPerLine).join(", ")},\n`;

if (process.argv.includes("--check")) {
  const same = readFileSync(file, "utf8") === text;
  if (!same) console.log("not ok: server/crypto/common_passwords.inc is not what the generator makes");
  console.log(`${Number(same)} passed, ${Number(!same)} failed`);
  process.exitCode = same ? 0 : 1;
} else {
  writeFileSync(file, text);
}
