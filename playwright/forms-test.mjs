// An author's day in the browser: log in, write, publish, read, edit, delete; and what forms do when things go wrong.
import { expect, finish, sleep } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open();

const field = (visit, name) => visit.page.locator(`#content [name="${name}"]`);
const save = (visit) => visit.page.locator("#content").getByRole("button", { name: "Save" });

/** Opens the editor in place. */
async function write(visit, fields) {
  await visit.follow("New post");
  for (const [name, value] of Object.entries(fields)) await field(visit, name).fill(value);
}

await stage.story("login, write, publish, read, edit, delete, all in one document", async (visit) => {
  await visit.login();
  const marker = await visit.marker();
  await write(visit, { title: "A day at the sea", body: "It was *windy*.\n\n## Later\n\nIt was not.", tags: "sea, wind" });
  await field(visit, "published").check();
  await visit.screenshot("editor");
  const posted = visit.page.waitForRequest((request) => request.method() === "POST");
  await visit.swap(() => save(visit).click());
  expect.match((await (await posted).allHeaders())["content-type"], /^multipart\/form-data/);
  expect.equal(visit.path(), "/a-day-at-the-sea/");
  expect.equal(await visit.heading(), "A day at the sea");
  expect.match(await visit.page.title(), /^A day at the sea/);
  expect.equal(await visit.page.locator("#content em").innerText(), "windy");

  await visit.follow("Edit", "#content");
  expect.equal(visit.path(), "/a-day-at-the-sea/edit");
  expect.match(await field(visit, "body").inputValue(), /windy/);
  await field(visit, "body").fill("It was **calm**.");
  await visit.swap(() => save(visit).click());
  expect.equal(visit.path(), "/a-day-at-the-sea/");
  expect.equal(await visit.page.locator("#content strong").first().innerText(), "calm");

  const reader = stage.server.visitor();
  expect.match((await reader.get("/a-day-at-the-sea/")).text, /<strong>calm<\/strong>/);

  await visit.follow("Edit", "#content");
  visit.page.on("dialog", (dialog) => dialog.accept());
  await visit.page.locator("#content details summary").click().catch(() => {});
  await visit.swap(() => visit.page.getByRole("button", { name: /Delete/ }).click());
  expect.equal((await reader.get("/a-day-at-the-sea/")).status === 200, false);
  expect.equal(await visit.marker(), marker, "one document from the first word to the last");
});

await stage.story("back after a write never shows the page as it was before", async (visit) => {
  await visit.login();
  await visit.go("/");
  await visit.follow("Archive");
  await visit.follow("Posts");
  await write(visit, { title: "Fresh ink", body: "Still wet." });
  await field(visit, "published").check();
  await visit.swap(() => save(visit).click());
  for (const path of ["/new", "/", "/archive"]) {
    await visit.swap(() => visit.page.goBack());
    expect.equal(visit.path(), path);
  }
  expect.match(await visit.page.locator("#content").innerText(), /Fresh ink/);
});

await stage.story("a form that is not accepted comes back with what was typed, at its own address", async (visit) => {
  await visit.login();
  const marker = await visit.marker();
  await write(visit, { title: "Placeholder", body: "Typed with care." });
  await visit.page.locator("#content form.fields").evaluate((form) => (form.noValidate = true));
  await field(visit, "title").fill("");
  await visit.swap(() => save(visit).click());
  expect.equal(visit.path(), "/new");
  expect.equal(await visit.marker(), marker);
  expect.equal(await field(visit, "body").inputValue(), "Typed with care.");
  expect.ok(await visit.page.locator("#content .problem, #content [aria-invalid=true], #content .error").count(), "the problem is shown");
}, { allow: /422/ });

await stage.story("a second click while a post is being sent does not send it twice", async (visit) => {
  await visit.login();
  await write(visit, { title: "Only once", body: "Said once." });
  await field(visit, "published").check();
  let posts = 0;
  await visit.page.route("**/new", async (route) => {
    if (route.request().method() === "POST") { posts++; await sleep(500); }
    await route.continue();
  });
  await visit.swap(async () => {
    await save(visit).click();
    await save(visit).click({ force: true });
    await field(visit, "title").press("Enter");
  });
  expect.equal(posts, 1);
  expect.equal(visit.path(), "/only-once/");
});

await stage.story("no connection: nothing typed is lost, and trying again sends it", async (visit) => {
  await visit.login();
  await write(visit, { title: "Written in a tunnel", body: "No signal here." });
  await field(visit, "published").check();
  await visit.context.setOffline(true);
  await save(visit).click();
  await visit.message().waitFor();
  expect.match(await visit.message().innerText(), /No connection/);
  expect.equal(await field(visit, "body").inputValue(), "No signal here.");
  expect.equal(await visit.page.locator("[aria-busy], [aria-disabled]").count(), 0);
  await visit.screenshot("no-connection");
  await visit.context.setOffline(false);
  await visit.swap(() => visit.page.getByRole("button", { name: "Try again" }).click());
  expect.equal(visit.path(), "/written-in-a-tunnel/");
  expect.equal(await visit.message().count(), 0);
}, { allow: /ERR_INTERNET_DISCONNECTED/ });

await stage.story("a server error while saving leaves the form as it is", async (visit) => {
  await visit.login();
  await write(visit, { title: "Unlucky", body: "Second try." });
  await visit.page.route("**/new", (route) =>
    route.request().method() === "POST" ? route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" }) : route.continue());
  await save(visit).click();
  await visit.message().waitFor();
  expect.match(await visit.message().innerText(), /not available.*502/s);
  expect.equal(await field(visit, "body").inputValue(), "Second try.");
  expect.equal(await visit.page.getByText("Bad gateway").count(), 0);
}, { allow: /502/ });

await stage.story("a refusal that brings no form does not take the typed text away", async (visit) => {
  await visit.login();
  await write(visit, { title: "Forged", body: "Kept." });
  await visit.page.locator("#content form.fields [name=_csrf]").evaluate((input) => (input.value = "0".repeat(40)));
  await save(visit).click();
  await visit.message().waitFor();
  expect.match(await visit.message().innerText(), /Not allowed/);
  expect.equal(await field(visit, "body").inputValue(), "Kept.");
}, { allow: /403/ });

await stage.story("an expired session leads to the login, and from there back", async (visit) => {
  await visit.login();
  await visit.context.clearCookies();
  await visit.page.getByRole("link", { name: "New post", exact: true }).click();
  await visit.page.waitForURL("**/login**");
  expect.match(visit.page.url(), /next=/);
  expect.equal(await visit.page.locator(".site-header").count(), 1, "a whole page");
  await visit.page.locator('#content input[name="username"], #content input[name="user"]').first().fill("admin");
  await visit.page.locator('#content input[type="password"]').fill("correct horse battery staple");
  await visit.page.locator('#content button[type="submit"]').click();
  await visit.page.waitForURL("**/new");
}, { allow: /401/ });

await stage.story("a session that ends while somebody writes costs nothing: log in beside it, try again", async (visit) => {
  await visit.login();
  await write(visit, { title: "Long thoughts", body: "Hours of them." });
  await field(visit, "published").check();
  await visit.context.clearCookies();
  await save(visit).click();
  await visit.message().waitFor();
  expect.match(await visit.message().innerText(), /no longer logged in/);
  expect.equal(await field(visit, "body").inputValue(), "Hours of them.");
  const [beside] = await Promise.all([visit.context.waitForEvent("page"), visit.message().getByRole("link", { name: "Log in" }).click()]);
  await beside.locator('#content input[name="username"]').fill("admin");
  await beside.locator('#content input[type="password"]').fill("correct horse battery staple");
  await beside.locator('#content button[type="submit"]').click();
  await beside.waitForURL((url) => url.pathname !== "/login");
  await beside.close();
  await visit.swap(() => visit.page.getByRole("button", { name: "Try again" }).click());
  expect.equal(visit.path(), "/long-thoughts/");
  expect.match(await visit.page.locator("#content").innerText(), /Hours of them/);
}, { allow: /401/ });

await stage.story("a search form sends its values in the address; a button's own address and value count", async (visit) => {
  await visit.go("/");
  await visit.page.evaluate(() => {
    const form = document.createElement("form");
    form.action = "/archive?old=1";
    const add = (tag, attributes) => form.append(Object.assign(document.createElement(tag), attributes));
    add("input", { name: "q", value: "größe & ü" });
    add("button", { name: "by", value: "date", textContent: "Search" });
    add("button", { textContent: "Elsewhere" });
    form.lastElementChild.setAttribute("formaction", "/tags");
    document.querySelector("#content").append(form);
  });
  await visit.swap(() => visit.page.getByRole("button", { name: "Search" }).click());
  expect.equal(new URL(visit.page.url()).search, "?q=gr%C3%B6%C3%9Fe+%26+%C3%BC&by=date");
  expect.equal(await visit.heading(), "Archive");
  await visit.swap(() => visit.page.goBack());
  await visit.page.evaluate(() => {
    const form = document.createElement("form");
    form.action = "/archive";
    const button = Object.assign(document.createElement("button"), { textContent: "Elsewhere" });
    button.setAttribute("formaction", "/tags");
    form.append(button);
    document.querySelector("#content").append(form);
  });
  await visit.swap(() => visit.page.getByRole("button", { name: "Elsewhere" }).click());
  expect.equal(await visit.heading(), "Tags");
});

await stage.story("logging out is an ordinary form", async (visit) => {
  await visit.login();
  await visit.page.getByRole("button", { name: "Log out" }).click();
  await visit.page.waitForSelector(".site-footer");
  await visit.ready();
  await visit.page.getByRole("link", { name: "Log in", exact: true }).first().waitFor();
});

await stage.close();
finish();
