// Makes the npm package sx-htmx of the files that scripts/build static made: a folder for `npm pack`.
//
//   node web/npm/pack.mjs [OUT]        (build/npm/sx-htmx)
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const out = process.argv[2] ?? join(root, "build/npm/sx-htmx");
const built = process.env.SX_STATIC_DIR ?? join(root, "build/static");
const kOwn = /\.(js|wasm|sxbc)$|^web-source\..*\.json$/;

if (!existsSync(join(built, "boot.js"))) throw new Error(`${built} has no boot.js: run scripts/build static`);
rmSync(out, { recursive: true, force: true });
for (const folder of ["", "sx"]) {
  mkdirSync(join(out, "dist", folder), { recursive: true });
  for (const name of readdirSync(join(built, folder)))
    if (kOwn.test(name)) copyFileSync(join(built, folder, name), join(out, "dist", folder, name));
}
for (const name of ["package.json", "index.d.ts", "README.md"]) copyFileSync(join(root, "web/npm", name), join(out, name));
// The guide without what is said for those who have the whole repository.
const guide = readFileSync(join(root, "docs/spa.md"), "utf8")
  .replace(/^## (For other servers|How it is made)\n[\s\S]*?(?=^## |(?![\s\S]))/gm, "")
  .replace(/\[([^\]]+)\]\((?!https?:|#)[^)]*\)/g, "$1");
writeFileSync(join(out, "GUIDE.md"), `${guide.trimEnd()}\n`);
console.log(out);
