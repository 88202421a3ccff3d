// Tabs that are opened, closed, reloaded and killed at random while records are written and the server restarts: each tab that
// lives has heard every record from its first to the last, once and in order.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, startServer, visitor } from "./kit.mjs";

/** So many things happen; a hundred take about two minutes. */
const ACTS = Number(process.env.CHAOS_ACTS ?? 25);
const MOST_TABS = 8;
/** Milliseconds between writes, at most. */
const PAUSE = 30;
const NOTES = `
  var seen = [];
  document.addEventListener("tailcast", ({ detail }) => detail.on("n", (n) => seen.push(n)));
  window.addEventListener("pagehide", () => sessionStorage.setItem("last", JSON.stringify(seen.at(-1) ?? null)));`;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** Numbers that can be had again by their seed (mulberry32). */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function assertWhole(page, what) {
  const seen = await page.evaluate(() => seen);
  const wrong = seen.findIndex((value, at) => at > 0 && value !== seen[at - 1] + 1);
  assert.equal(wrong, -1, `${what}: …${seen.slice(Math.max(wrong - 3, 0), wrong + 3)}…`);
}

test("tabs come and go at random, and nothing is lost or doubled", async (t) => {
  const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`CHAOS_SEED=${seed}`);
  const roll = dice(seed);
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(/ERR_/);
  const pages = [];
  const pick = () => pages.splice(Math.floor(roll() * pages.length), 1)[0];
  let next = 0;
  let writing = true;
  const writer = (async () => {
    while (writing) {
      const count = 1 + Math.floor(Math.random() * 4);
      await server.append("ann", ...Array.from({ length: count }, () => ({ cmd: "n", data: next++ })));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE));
    }
  })();

  const acts = {
    open: async () => pages.push(await ann.ownPage("ann", NOTES)),
    async close() {
      const page = pick();
      await assertWhole(page, "before it was closed");
      await page.close();
    },
    async kill() {
      const page = pick();
      await assertWhole(page, "before it was killed");
      const crashed = page.waitForEvent("crash");
      (await ann.context.newCDPSession(page)).send("Page.crash").catch(() => {});
      await crashed;
    },
    async reload() {
      const page = pages[Math.floor(roll() * pages.length)];
      await page.reload();
      await page.waitForFunction(() => window.tailcast?.state === "open" && seen.length > 0);
      const [last, first] = await page.evaluate(() => [JSON.parse(sessionStorage.getItem("last")), seen[0]]);
      if (last !== null) assert.equal(first, last + 1, "a page goes on where the one before it ended");
    },
    async restart() {
      await server.stop();
      await server.start();
    },
  };
  const done = {};
  for (let act = 0; act < ACTS; act += 1) {
    const rolled = roll();
    const [name] = [["open", 0.3], ["close", 0.5], ["kill", 0.65], ["reload", 0.9], ["restart", 1]].find(([, upto]) => rolled < upto);
    const chosen = pages.length < 3 ? "open" : name === "open" && pages.length >= MOST_TABS ? "close" : name;
    await acts[chosen]();
    done[chosen] = (done[chosen] ?? 0) + 1;
  }
  writing = false;
  await writer;
  // A page that was opened last may have begun behind all that was written.
  const last = next++;
  await server.append("ann", { cmd: "n", data: last });
  for (const page of pages) {
    await page.waitForFunction((last) => seen.at(-1) === last, last);
    await assertWhole(page, "at the end");
  }
  t.diagnostic(`${JSON.stringify(done)}, ${next} records`);
});
