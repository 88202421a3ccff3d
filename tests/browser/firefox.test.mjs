// The client's basics in Firefox, as it comes from Debian.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startServer } from "./kit.mjs";
import { browse, site, until } from "./puppet.mjs";

const NOTES = `
  var seen = [], prices = [];
  document.addEventListener("tailcast", ({ detail }) => {
    detail.on("n", (n) => seen.push(n));
    detail.on("event:price", (price) => prices.push(price));
  });`;
const n = (value) => ({ cmd: "n", data: value });

test("Firefox: toasts, named events, many tabs, takeover, and nothing missed", async (t) => {
  const server = await startServer(t, { args: await site(t, NOTES) });
  const { tab } = await browse(server, "firefox");
  const url = new URL("site.html", server.url).href;
  const hasSeen = (page, count) => until(page, (count) => seen.length >= count, count);
  const open = async () => {
    const page = await tab(url);
    await until(page, () => window.tailcast?.state === "open");
    return page;
  };
  const pages = [];
  for (let count = 0; count < 8; count += 1) pages.push(await open());

  await server.append("all", n(0), { event: "price", data: { eur: 5 } });
  for (const page of pages) await hasSeen(page, 1);
  assert.deepEqual(await pages[7].evaluate(() => prices), [{ eur: 5 }]);
  await server.notify("all", { title: "From Firefox", text: "<b>text</b>", color: "green", icon: "email", time: 0 });
  await pages[7].waitForSelector(".iziToast");
  assert.equal(await pages[7].$eval(".iziToast-message", (text) => text.textContent), "<b>text</b>");

  await pages.shift().close();
  await server.append("all", n(1));
  for (const page of pages) await hasSeen(page, 2);

  await server.stop();
  await server.append("all", n(2));
  await server.start();
  for (const page of pages) {
    await hasSeen(page, 3);
    assert.deepEqual(await page.evaluate(() => seen), [0, 1, 2]);
  }
  while (pages.length > 1) await pages.pop().close();
  await pages[0].goto("about:blank");
  await server.append("all", n(3));
  await pages[0].goto(url);
  await hasSeen(pages[0], 1);
  assert.deepEqual(await pages[0].evaluate(() => seen), [3]);
});
