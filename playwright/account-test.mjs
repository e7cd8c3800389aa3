// Logging in and what belongs to it, as somebody meets it: wrong passwords, two tabs, a session that ends while one
// writes, the settings page; with and without JavaScript.
import { admin, expect, finish, sx } from "../tests/process/harness.mjs";
import { Stage } from "./browser.mjs";

const stage = await Stage.open();
const plain = { plain: true, context: { javaScriptEnabled: false }, allow: /Failed to load resource/ };
const allow = /Failed to load resource/;

const logIn = async (page, password = admin.password) => {
  await page.getByLabel("User name").fill(admin.name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
};
/** Ends every session of the administrator. */
const endSessions = () => {
  const { status, stderr } = sx(["user", "password", admin.name, "--data", stage.server.data], { env: { SX_USER_PASSWORD: admin.password } });
  expect.equal(status, 0, stderr);
};

for (const [how, options] of [["with the engine", { allow }], ["without JavaScript", plain]]) {
  await stage.story(`${how}: a wrong password is said beside the form, the name stays, the right one leads on`, async (visit) => {
    const { page } = visit;
    await page.goto(visit.url("/drafts"));
    await page.waitForURL("**/login?next=%2Fdrafts");
    await logIn(page, "not the password");
    await page.locator("#content [role=alert]").waitFor();
    expect.match(await page.locator("#content [role=alert]").innerText(), /do not belong together/);
    expect.equal(await page.getByLabel("User name").inputValue(), admin.name);
    expect.equal(await page.getByLabel("Password", { exact: true }).inputValue(), "");
    await visit.screenshot(`login-wrong-${options.plain ? "plain" : "engine"}`);
    await logIn(page);
    await page.waitForURL("**/drafts");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("You are logged out.").waitFor();
    await visit.screenshot(`logged-out-${options.plain ? "plain" : "engine"}`);
  }, options);
}

await stage.story("without JavaScript: what was typed when the session ended is kept over the login", async (visit) => {
  const { page } = visit;
  await page.goto(visit.url("/login"));
  await logIn(page);
  await page.goto(visit.url("/new"));
  await page.locator('[name="title"]').fill("Written for an hour");
  await page.locator('textarea[name="body"]').fill("First line.\n\nSecond & <last> line.");
  endSessions();
  await page.locator('#content form button[type="submit"]').first().click();
  await page.locator("#content [role=alert]").waitFor();
  await visit.screenshot("session-ended-while-writing");
  await logIn(page);
  await page.getByRole("heading", { name: "Send this again?" }).waitFor();
  await visit.screenshot("send-again");
  expect.equal(await page.locator('textarea[name="body"]').inputValue(), "First line.\n\nSecond & <last> line.");
  await page.getByRole("button", { name: "Send again" }).click();
  await page.waitForURL(/written-for-an-hour|new|drafts/);
  expect.match(await page.locator("#content").innerText(), /Written for an hour/);
}, plain);

await stage.story("without JavaScript: a login in a second tab loses nothing in the first", async (visit) => {
  const { page } = visit;
  await page.goto(visit.url("/login"));
  await logIn(page);
  await page.goto(visit.url("/new"));
  await page.locator('[name="title"]').fill("In two tabs");
  await page.locator('textarea[name="body"]').fill("Typed in the first.");
  const second = await visit.context.newPage();
  await second.goto(visit.url("/login"));
  await logIn(second);
  await second.waitForURL((url) => url.pathname === "/");
  await page.locator('#content form button[type="submit"]').first().click();
  await page.getByRole("heading", { name: "Send this again?" }).waitFor();
  await page.getByRole("button", { name: "Send again" }).click();
  expect.match(await page.locator("#content").innerText(), /In two tabs/);
}, plain);

await stage.story("two login forms that were open at once both work", async (visit) => {
  const { page } = visit;
  await page.goto(visit.url("/login?next=/drafts"));
  const second = await visit.context.newPage();
  await second.goto(visit.url("/login?next=/drafts"));
  await logIn(second);
  await second.waitForURL("**/drafts");
  await logIn(page);
  await page.locator("#content [role=alert]").waitFor();
  await logIn(page);
  await page.waitForURL("**/drafts");
}, { allow });

await stage.story("an author makes a token, sees it once, revokes it, and changes the password", async (visit) => {
  const { page } = visit;
  await visit.login();
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await page.getByLabel("What it is for").fill("A script");
  await page.getByRole("button", { name: "Make a token" }).click();
  const shown = page.locator("code", { hasText: /^sx_/ });
  await shown.waitFor();
  const token = await shown.innerText();
  await visit.screenshot("settings-token");
  const answer = await stage.server.visitor().get("/drafts", { Authorization: `Bearer ${token}` });
  expect.equal(answer.status, 200);
  await page.goto(visit.url("/settings"));
  expect.ok(!(await page.content()).includes(token));
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("The token is revoked.").waitFor();
  await page.getByLabel("Present password").fill("not it");
  await page.getByLabel("New password").fill("another sentence that is long");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("That is not your present password.").waitFor();
  await visit.screenshot("settings-problem");
  await page.getByLabel("Present password").fill(admin.password);
  await page.getByLabel("New password").fill("another sentence that is long");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Your password is changed.").waitFor();
  await visit.screenshot("settings-changed");
}, { allow });

await stage.close();
finish();
