// The peer of the post page: one Node.js process, node:http, node:sqlite, template strings.
//
//   node bench/http/peer.mjs PORT FOLDER
//
// FOLDER holds posts.sqlite (table post: slug, title, html, date, datetime, tags as JSON), shell.json (the
// static parts of the page, cut from our server's answer: `parts` between holes, `holes` naming what goes
// there, `tag` the template of one tag) and headers.json. Every request reads the row and renders the
// page; nothing is kept from request to request but the prepared statement, as somebody would write it.
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const [port, folder] = process.argv.slice(2);
const shell = JSON.parse(readFileSync(join(folder, "shell.json"), "utf8"));
const headers = JSON.parse(readFileSync(join(folder, "headers.json"), "utf8"));
const database = new DatabaseSync(join(folder, "posts.sqlite"), { readOnly: true });
const bySlug = database.prepare("SELECT title, html, date, datetime, tags FROM post WHERE slug = ?");

const kEntities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text) => text.replace(/[&<>"']/g, (character) => kEntities[character]);

function renderTags(row) {
  const { before, middle, after, between } = shell.tag;
  return JSON.parse(row.tags)
    .map((tag) => `${before}${encodeURIComponent(tag)}${middle}${escape(tag)}${after}`)
    .join(between);
}

const holes = {
  title: (row) => escape(row.title),
  date: (row) => row.date,
  datetime: (row) => row.datetime,
  html: (row) => row.html,
  tags: renderTags,
};

function render(row) {
  let page = shell.parts[0];
  for (let at = 0; at < shell.holes.length; at++) page += `${holes[shell.holes[at]](row)}${shell.parts[at + 1]}`;
  return page;
}

http.createServer((request, response) => {
  const slug = decodeURIComponent(new URL(request.url, "http://localhost").pathname.slice(1, -1));
  const row = bySlug.get(slug);
  if (!row) {
    response.writeHead(404, { "Content-Type": "text/plain" });
    response.end("not found\n");
    return;
  }
  const page = Buffer.from(render(row));
  response.writeHead(200, { ...headers, "Content-Length": page.length });
  response.end(page);
}).listen(Number(port), "127.0.0.1");
