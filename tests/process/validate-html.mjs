// Crawls a running server and validates every page: status, HTML, and that author content does nothing.
//
//   node tests/process/validate-html.mjs URL [PATH…]
//
// Starts from /, /sitemap.xml and the paths named, and follows links, images, styles and scripts of the
// same origin. HTML is checked by html-validate (preset "standard", offline). A link that an author wrote
// (inside <article>) may be dead: it is told, not failed. As a module: crawl().
import { HtmlValidate, StaticConfigLoader } from "html-validate";
import { parse } from "parse5";
import { pathToFileURL } from "node:url";
import { Report } from "../tools/report.mjs";

const kConfig = {
  root: true,
  extends: ["html-validate:standard"],
  rules: {
    // Authors may write headings, links, images and tables as they like; that is style, not validity.
    "heading-level": "off",
    "long-title": "off",
    "no-raw-characters": "off",
    "tel-non-breaking": "off",
    // HTML leaves these to the writer; the server writes them in one way that need not be the preset's.
    "void-style": "off",
    "no-trailing-whitespace": "off",
    "doctype-style": "off",
    "attr-quotes": "off",
    "attribute-boolean-style": "off",
    "attribute-empty-style": "off",
    "no-inline-style": "off",
    "require-sri": "off",
  },
};

/** Every element of a parsed document with whether an <article> holds it. */
function* elements(node, inArticle = false) {
  for (const child of node.childNodes ?? []) {
    if (child.tagName) {
      const within = inArticle || child.tagName === "article";
      yield { element: child, inArticle: within };
      yield* elements(child, within);
      if (child.content) yield* elements(child.content, within);
    }
  }
}

const attribute = (element, name) => element.attrs.find((entry) => entry.name === name)?.value;

/** What in a page would run or reach out: must be empty. */
function dangers(found, origin) {
  const list = [];
  for (const { element, inArticle } of found) {
    for (const { name, value } of element.attrs) {
      if (name.startsWith("on")) list.push(`<${element.tagName} ${name}>`);
      // Browsers drop control characters and white space before they look at the scheme.
      if (/^(href|src|action|formaction|xlink:href|data|srcset|poster)$/.test(name) &&
          /^(javascript|vbscript|data:text)/i.test(value.replace(/[\u0000-\u0020]/g, ""))) {
        list.push(`<${element.tagName} ${name}="${value}">`);
      }
      if (inArticle && /^(sx-|data-sx-)/.test(name) && !/^sx-(boost|disable)$/.test(name) && /^(svg|math|p|div|span)$/.test(element.tagName)) {
        list.push(`<${element.tagName} ${name}> in an article`);
      }
    }
    if (element.tagName === "script") {
      const source = attribute(element, "src");
      const type = attribute(element, "type") ?? "";
      const inert = /^(application\/(ld\+)?json|text\/sx|speculationrules)$/.test(type);
      if (!source && !inert) list.push("<script> without src: the policy forbids inline scripts");
      if (source && new URL(source, origin).origin !== new URL(origin).origin) list.push(`<script src="${source}">`);
    }
    if (/^(iframe|object|embed|base|applet|frame)$/.test(element.tagName)) list.push(`<${element.tagName}>`);
    if (element.tagName === "meta" && attribute(element, "http-equiv")?.toLowerCase() === "refresh") list.push("<meta refresh>");
  }
  return list;
}

/** Visits everything reachable and reports one case per page and asset.
 *  @param {string} origin like http://localhost:8000 @param {Report} report
 *  @param {{seeds?: string[], skip?: RegExp, maxPages?: number}} [options]
 *  @returns {Promise<{pages: Map<string, string>, assets: Set<string>, dead: string[]}>} pages by path, with their HTML */
export async function crawl(origin, report, { seeds = [], skip = /^\/logout/, maxPages = 20_000 } = {}) {
  const validator = new HtmlValidate(new StaticConfigLoader(kConfig));
  const pages = new Map();
  const assets = new Set();
  const dead = [];
  const seen = new Map();  // path -> whether the site itself (not only an author) links to it
  const queue = [];
  const enqueue = (path, ours) => {
    if (skip.test(path)) return;
    if (!seen.has(path)) queue.push(path);
    seen.set(path, (seen.get(path) ?? false) || ours);
  };
  for (const path of ["/", "/sitemap.xml", ...seeds]) enqueue(path, true);

  while (queue.length > 0) {
    if (seen.size > maxPages) {
      report.fail("the crawl ends", `more than ${maxPages} addresses: does a page link to ever new ones?`);
      break;
    }
    // What only authors link to comes last: by then we know whether the site links to it too.
    const next = queue.findIndex((path) => seen.get(path));
    const [path] = queue.splice(Math.max(next, 0), 1);
    const response = await fetch(origin + path, { redirect: "manual" });
    const type = response.headers.get("content-type") ?? "";
    if (response.status !== 200) {
      await response.arrayBuffer();
      if (response.status >= 300 && response.status < 400) {
        const location = new URL(response.headers.get("location") ?? "", origin + path);
        if (location.origin === new URL(origin).origin) enqueue(location.pathname + location.search, seen.get(path));
        report.ok(`${path} leads to ${location.pathname}`);
      } else if (seen.get(path)) {
        report.fail(`${path} answers 200`, `answered ${response.status}`);
      } else {
        dead.push(path);
      }
      continue;
    }
    if (path === "/sitemap.xml") {
      const text = await response.text();
      const places = [...text.matchAll(/<loc>([^<]+)<\/loc>/g)].map((match) => match[1].replace(/&amp;/g, "&"));
      report.check(places.length > 0, `/sitemap.xml names pages (${places.length})`, text.slice(0, 500));
      for (const place of places) enqueue(new URL(place).pathname + new URL(place).search, true);
      continue;
    }
    if (!/^text\/html\b/.test(type)) {
      const bytes = await response.arrayBuffer();
      assets.add(path);
      report.check(bytes.byteLength > 0, `${path} is there (${type})`, "empty");
      continue;
    }
    const html = await response.text();
    pages.set(path, html);
    const result = await validator.validateString(html, path);
    const problems = result.results.flatMap((entry) =>
      entry.messages.filter((message) => message.severity === 2)
        .map((message) => `${path}:${message.line}:${message.column}: ${message.ruleId}: ${message.message}`));
    const found = [...elements(parse(html))];
    problems.push(...dangers(found, origin + path).map((danger) => `${path}: author content or page would act: ${danger}`));
    report.check(problems.length === 0, `${path} is valid HTML`, problems.slice(0, 12).join("\n"));
    for (const { element, inArticle } of found) {
      for (const name of ["href", "src"]) {
        const value = attribute(element, name);
        if (value === undefined || value === "" || value.startsWith("#") || element.tagName === "base") continue;
        let url;
        try {
          url = new URL(value, origin + path);
        } catch {
          if (!inArticle) report.fail(`${path}: ${name} is an address`, value);
          continue;
        }
        if (url.origin === new URL(origin).origin) enqueue(url.pathname + url.search, !inArticle);
      }
    }
  }
  return { pages, assets, dead };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [origin, ...seeds] = process.argv.slice(2);
  if (!origin) {
    console.error("validate-html: expected the URL of a running server");
    process.exit(2);
  }
  const report = new Report();
  const { pages, assets, dead } = await crawl(new URL(origin).origin, report, { seeds });
  for (const path of dead) console.log(`# an author's link leads nowhere: ${path}`);
  console.log(`# ${pages.size} pages, ${assets.size} other files`);
  report.finish();
}
