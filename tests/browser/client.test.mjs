// The client on pages of its own: handlers, page functions, reconnecting.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, startServer, toast, toasts, visitor } from "./kit.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("a command goes to the handler, else the page's function, else what is built in", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.ownPage(
    "ann",
    `var calls = [];
     function ssefoo(data) { calls.push(["page", data]); }
     function ssebar(data) { calls.push(["page", data]); }
     document.addEventListener("tailcast", ({ detail }) => {
       detail.on("bar", (data) => calls.push(["handler", data]));
       detail.on("dash-ed", (data) => calls.push(["dashed", data]));
     });`,
  );
  await server.append("ann", { cmd: "foo", data: { n: 1 } });
  await server.append("ann", { cmd: "bar", data: [2] });
  await server.append("ann", { cmd: "dash-ed", data: "3" });
  await page.waitForFunction(() => calls.length === 3);
  assert.deepEqual(await page.evaluate(() => calls), [["page", { n: 1 }], ["handler", [2]], ["dashed", "3"]]);
  await server.notify("ann", { text: "built in" });
  await toast(page, "built in");
});

test("the page's ssenotify takes the place of toasts", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.ownPage("ann", "var seen = []; function ssenotify(data) { seen.push(data.text); }");
  await server.notify("ann", { text: "mine" });
  await page.waitForFunction(() => seen.length === 1);
  assert.deepEqual(await page.evaluate(() => seen), ["mine"]);
  assert.ok(!ann.requests.some((url) => url.pathname.includes("iziToast")), "iziToast is loaded only when it is needed");
});

test("a named event reaches its listener until that is taken off, a broken handler harms none", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(/broken on purpose/);
  const page = await ann.ownPage(
    "ann",
    `var prices = [], all = [];
     document.addEventListener("tailcast", ({ detail }) => {
       detail.on("event:price", () => { throw new Error("broken on purpose"); });
       window.off = detail.on("event:price", (data) => prices.push(data));
       detail.on("event:price", (data, record) => all.push(record.event));
     });`,
  );
  await server.append("ann", { event: "price", data: { eur: 5 } });
  // Two streams have no order between them.
  await page.waitForFunction(() => all.length === 1);
  await server.append("all", { event: "price", data: "two\nlines" });
  await page.waitForFunction(() => all.length === 2);
  await page.evaluate(() => off());
  await server.append("ann", { event: "price", data: 3 });
  await page.waitForFunction(() => all.length === 3);
  assert.deepEqual(await page.evaluate(() => prices), [{ eur: 5 }, "two\nlines"]);
});

test("an unknown command warns once, with how to handle it; nasty names find nothing", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.ownPage("ann", "var done = 0; function ssedone() { done += 1; }");
  const names = ["nope", "nope", "__proto__", "constructor", "alert(1)", "", "script"];
  for (const cmd of names) await server.append("ann", { cmd, data: "x" });
  await server.append("ann", { cmd: "done" });
  await page.waitForFunction(() => done === 1);
  const warnings = ann.warnings.filter((text) => text.startsWith("tailcast: "));
  assert.equal(warnings.length, 6, warnings.join("\n"));
  assert.match(warnings[0], /"nope".*tailcast\.on\("nope", .*function ssenope\(data\)/);
});

test("after the server was away, what was appended meanwhile arrives, once and in order", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE/);
  const page = await ann.ownPage(
    "ann",
    `var seen = [], states = [];
     document.addEventListener("tailcast", ({ detail }) => {
       detail.on("n", (n) => seen.push(n));
       detail.on("state", (state) => states.push(state));
     });`,
  );
  await server.append("ann", { cmd: "n", data: 1 });
  await page.waitForFunction(() => seen.length === 1);
  await server.stop();
  await page.waitForFunction(() => tailcast.state === "waiting");
  await server.append("ann", { cmd: "n", data: 2 });
  await server.append("all", { cmd: "n", data: 3 });
  await server.append("ann", { cmd: "n", data: 4 });
  await server.start();
  await page.waitForFunction(() => tailcast.state === "open");
  await server.append("ann", { cmd: "n", data: 5 });
  await page.waitForFunction(() => seen.length === 5);
  const seen = await page.evaluate(() => seen);
  assert.deepEqual(seen.toSorted(), [1, 2, 3, 4, 5]);
  assert.deepEqual(seen.filter((n) => n !== 3), [1, 2, 4, 5], "in the order of the file");
  assert.deepEqual(await page.evaluate(() => states), ["open", "waiting", "open"]);
});

test("reload, destroy, and several toasts in their order", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.ownPage("ann", "");
  const titles = ["one", "two", "three", "four", "five"];
  await server.append("ann", ...titles.map((title) => ({ cmd: "notify", data: { title, time: 0 } })));
  await page.waitForSelector(".iziToast >> nth=4");
  assert.deepEqual((await toasts(page)).map(({ title }) => title), titles);
  // Another right before, which is younger than iziToast's own timers.
  await server.append("ann", { cmd: "notify", data: { title: "young" } }, { cmd: "notify", data: { type: "destroy" } });
  await page.waitForFunction(() => document.querySelectorAll(".iziToast").length === 0);

  const loaded = page.waitForEvent("load");
  await server.append("ann", { cmd: "reload" });
  await loaded;
});

test("buttons run commands and go to addresses", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.ownPage("ann", "var ran = []; function ssepick(data) { ran.push(data); }");
  await server.notify("ann", {
    title: "choose",
    time: 0,
    button: [{ name: "Pick", cmd: "pick", data: { n: 7 } }, { name: "Go", url: "/?gone" }, { name: "broken" }],
  });
  const shown = await toast(page, "choose");
  assert.deepEqual((await toasts(page))[0].buttons, ["Pick", "Go"]);
  await (await shown.$("text=Pick")).click();
  assert.deepEqual(await page.evaluate(() => ran), [{ n: 7 }]);
  await shown.waitForElementState("hidden");
  await server.notify("ann", { title: "again", button: { name: "Go", url: "/?gone" } });
  await (await (await toast(page, "again")).$("text=Go")).click();
  await page.waitForURL("**/?gone");
});

test("a page that closes the client hears no more", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.ownPage("ann", "");
  const closed = page.waitForEvent("requestfinished", (request) => new URL(request.url()).pathname === "/events");
  const failed = page.waitForEvent("requestfailed", (request) => new URL(request.url()).pathname === "/events");
  await page.evaluate(() => window.tailcast.close());
  await Promise.any([closed, failed]);
  assert.equal(await page.evaluate(() => window.tailcast.state), "closed");
});
