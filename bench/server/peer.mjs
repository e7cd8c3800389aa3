// The peer of the page of fifty items: one Node.js process, node:http, node:sqlite, template strings.
//
//   node bench/server/peer.mjs PORT FOLDER
//
// FOLDER holds items.sqlite and headers.json, those of our server's answer. Every request reads the fifty rows and
// renders the page; nothing is kept from request to request but the prepared statement.
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const [port, folder] = process.argv.slice(2);
const headers = JSON.parse(readFileSync(join(folder, "headers.json"), "utf8"));
const database = new DatabaseSync(join(folder, "items.sqlite"), { readOnly: true });
const all = database.prepare("SELECT slug, title, author, price, text FROM item ORDER BY n");

const kEntities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text) => text.replace(/[&<>"']/g, (character) => kEntities[character]);

const page = (items) => `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Fifty items</title></head><body><h1>Fifty items</h1><ul>${
  items.map(({ slug, title, author, price, text }) =>
    `<li class="item" id="${escape(slug)}"><a href="/items/${encodeURI(slug)}">${escape(title)}</a><span class="by">${escape(author)}</span><b>${price}</b><p>${escape(text)}</p></li>`).join("")
}</ul></body></html>`;

http.createServer((_request, response) => {
  const bytes = Buffer.from(page(all.all()));
  response.writeHead(200, { ...headers, "Content-Length": bytes.length });
  response.end(bytes);
}).listen(Number(port), "127.0.0.1");
