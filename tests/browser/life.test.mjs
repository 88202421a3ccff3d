// Tabs that are hidden, frozen and asleep.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startServer } from "./kit.mjs";
import { browse, site, until } from "./puppet.mjs";

const NOTES = `
  var seen = [], life = [];
  document.addEventListener("freeze", () => life.push("freeze"));
  document.addEventListener("tailcast", ({ detail }) => detail.on("n", (n) => seen.push(n)));`;
const n = (value) => ({ cmd: "n", data: value });
const range = (from, to) => Array.from({ length: to - from }, (_, at) => from + at);
const hasSeen = (page, count) => until(page, (count) => seen.length >= count, count);
const leads = (page) => page.evaluate(async () => {
  const { held } = await navigator.locks.query();
  const own = await new Promise((resolve) => navigator.locks.request("mine", async () => resolve((await navigator.locks.query()).held.find(({ name }) => name === "mine").clientId)));
  return held.some(({ name, clientId }) => clientId === own && name.endsWith("/events"));
});

async function stage(t) {
  const server = await startServer(t, { args: await site(t, NOTES) });
  const { tab } = await browse(server, "chromium");
  return { server, tab };
}

/** A tab of ann's, once it hears. */
async function ann({ server, tab }) {
  const page = await tab(new URL("site.html", server.url).href);
  await page.setCookie({ name: "sseid", value: Buffer.from("ann").toString("base64"), url: server.url });
  await page.reload();
  await until(page, () => window.tailcast?.state === "open" && window.tailcast.user === "ann");
  return page;
}

async function freeze(page) {
  const session = await page.createCDPSession();
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  return () => session.send("Page.setWebLifecycleState", { state: "active" });
}

test("a leader that is frozen in the background leaves the lead, and gets what it missed when it thaws", async (t) => {
  const { server, tab } = await stage(t);
  const first = await ann({ server, tab });
  const second = await ann({ server, tab });
  const third = await ann({ server, tab });
  assert.ok(await leads(first));
  await server.append("ann", n(0));
  for (const page of [first, second, third]) await hasSeen(page, 1);

  const thaw = await freeze(first);
  await server.append("ann", ...range(1, 5).map(n));
  for (const page of [second, third]) await hasSeen(page, 5);
  assert.ok(await leads(second));
  await thaw();
  await server.append("ann", n(5));
  for (const page of [first, second, third]) {
    await hasSeen(page, 6);
    assert.deepEqual(await page.evaluate(() => seen), range(0, 6));
  }
  assert.deepEqual(await first.evaluate(() => life), ["freeze"]);
});

test("a laptop that slept shows what was sent meanwhile", async (t) => {
  const { server, tab } = await stage(t);
  const page = await ann({ server, tab });
  const front = await tab("about:blank");
  const wake = await freeze(page);
  await server.append("ann", ...range(0, 4).map(n));
  await wake();
  await page.bringToFront();
  await hasSeen(page, 4);
  await server.append("ann", n(4));
  await hasSeen(page, 5);
  assert.deepEqual(await page.evaluate(() => seen), range(0, 5));
  await front.close();
});

test("a page that slept runs the reload that was sent meanwhile", async (t) => {
  const { server, tab } = await stage(t);
  const page = await ann({ server, tab });
  const front = await tab("about:blank");
  const wake = await freeze(page);
  await server.append("ann", { cmd: "reload" });
  const loaded = page.waitForNavigation();
  await wake();
  await page.bringToFront();
  await loaded;
  await front.close();
});

test("the sound is made by the visible tab, and by the leader where none is", async (t) => {
  const { server, tab } = await stage(t);
  const pages = [await ann({ server, tab }), await ann({ server, tab }), await ann({ server, tab })];
  const voices = () => Promise.all(pages.map((page) => page.evaluate(() => window.tailcast.isHeard())));
  assert.deepEqual(await voices(), [false, false, true]);
  await pages[1].bringToFront();
  await until(pages[1], () => window.tailcast.isHeard());
  assert.deepEqual(await voices(), [false, true, false]);
  const front = await tab("about:blank");
  await until(pages[0], () => window.tailcast.isHeard());
  assert.deepEqual(await voices(), [true, false, false]);
  await front.close();
});
