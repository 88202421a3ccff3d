// The examples: each is driven by the lines that it shows, and by its buttons, and shows its own source.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { assertAccessible, DEADLINE, launch, startServer, visitor } from "./kit.mjs";

const run = promisify(execFile);
const NAMES = ["reload", "feed", "progress", "chart", "htmx", "turbo"];
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A browser of this name, or of none. */
async function someone(t, name, options) {
  const server = await startServer(t);
  const ann = await visitor(browser, server, options);
  if (name !== null) await ann.context.request.get(new URL(`sseCookie?set=${encodeURIComponent(name)}`, server.url).href);
  return { server, ann };
}

/** An example, once everything on it is there and it is connected: htmx and Turbo hear the server's first event, too. */
async function open({ ann, server }, example, hear = () => {}) {
  const page = await ann.context.newPage();
  await page.addInitScript(() => {
    window.streams = new Promise((resolve) => {
      const { EventSource } = window;
      window.EventSource = class extends EventSource {
        constructor(...given) {
          super(...given);
          this.addEventListener("ready", () => resolve(), { once: true });
        }
      };
    });
  });
  await hear(page);
  await page.goto(new URL(`examples/${example}.html`, server.url).href);
  await page.waitForSelector(".source pre");
  await page.evaluate(() => window.streams);
  return page;
}

/** Runs a shown line as a person does who pastes it. */
async function paste(page, number) {
  await run("sh", ["-c", await page.textContent(`#line-${number}`)], { timeout: DEADLINE });
}

async function press(page, number) {
  await page.click(`.here >> nth=${number} >> button`);
  await page.waitForSelector(`.here >> nth=${number} >> .outcome[data-kind=good]`);
}

const ways = [
  ["its shown line", paste],
  ["its button", press],
];

const texts = (page, selector) => page.$$eval(selector, (found) => found.map((it) => it.textContent));

test("the feed shows whatever was posted, from the history and live", async (t) => {
  const it = await someone(t, "ann");
  // Of such an object no text can be made.
  const odd = { toString: 0, valueOf: 0 };
  const post = (data) => ({ event: "post", data });
  await it.server.append("ann", post({ author: odd, text: odd, time: odd }), post({ author: 5, text: "old", time: 0 }));
  const page = await open(it, "feed");
  await page.waitForSelector('#posts p:text-is("old")');
  await it.server.append("ann", post({ author: odd, text: [odd], time: [odd] }), post("text"), post(null), post({ author: "ann", text: "new", time: "5" }));
  await page.waitForSelector('#posts p:text-is("new")');
  assert.deepEqual(await texts(page, "#posts strong"), ["ann", "someone", "someone", "someone", "5", "someone"]);
  assert.deepEqual(await texts(page, "#posts li p:last-child"), ["new", "", "", "", "old", ""]);
  assert.deepEqual(await page.$$eval("#posts time", (all) => all.map((time) => time.dateTime)), ["1970-01-01T00:00:05.000Z"]);
});

test("the gallery leads to each example", async (t) => {
  const { server, ann } = await someone(t, null);
  const page = await ann.context.newPage();
  await page.goto(new URL("examples", server.url).href);
  assert.equal(page.url(), new URL("examples/", server.url).href);
  const links = await page.$$eval(".gallery a", (found) => found.map((link) => link.getAttribute("href")));
  assert.deepEqual(links, NAMES.map((name) => `${name}.html`));
  await page.click('.gallery :text("A live feed")');
  await page.waitForURL("**/examples/feed.html");
  await page.click('nav :text("All examples")');
  await page.waitForURL("**/examples/");
});

for (const [way, drive] of ways) {
  test(`the feed shows a post by ${way}`, async (t) => {
    const it = await someone(t, "ann");
    const page = await open(it, "feed");
    const before = Math.floor(Date.now() / 1000);
    await drive(page, 0);
    await page.waitForSelector("#posts li");
    assert.deepEqual(await texts(page, "#posts li p:last-child"), ["This line was appended to a file."]);
    assert.deepEqual(await texts(page, "#posts strong"), ["ann"]);
    const time = Date.parse(await page.getAttribute("#posts time", "datetime")) / 1000;
    assert.ok(time >= before && time <= Date.now() / 1000, `${time}`);
    assert.equal(await page.isVisible("#none"), false);
  });

  test(`the bar moves by ${way}`, async (t) => {
    const page = await open(await someone(t, "ann"), "progress");
    await page.evaluate(() => {
      window.seen = [];
      window.tailcast.on("event:progress", ({ percent }) => window.seen.push([percent, document.querySelector("progress").value]));
    });
    await drive(page, 0);
    await page.waitForSelector('#said:text-is("backup is done")', { state: "attached" });
    const every5 = Array.from({ length: 21 }, (_, step) => [step * 5, step * 5]);
    assert.deepEqual(await page.evaluate(() => window.seen), every5);
    assert.deepEqual(await texts(page, "#jobs p"), ["backupdone"]);
    assert.equal(await page.getAttribute("progress", "aria-label"), "backup");
  });

  test(`the chart draws by ${way}`, async (t) => {
    const page = await open(await someone(t, "ann"), "chart");
    await drive(page, 0);
    await page.waitForSelector('#price:text-is("101.50 €")');
    await page.evaluate(() => {
      window.prices = [];
      window.tailcast.on("event:price", ({ eur }) => window.prices.push(eur));
    });
    const empty = await drawn(page);
    await drive(page, 1);
    await page.waitForFunction(() => window.prices.length === 30);
    const prices = await page.evaluate(() => window.prices);
    assert.ok(prices.every((eur) => typeof eur === "number" && Math.abs(eur - 100) <= 60), `${prices}`);
    assert.ok(new Set(prices).size > 10, "a market moves");
    assert.equal(await page.textContent("#price"), `${prices.at(-1).toFixed(2)} €`);
    assert.ok((await drawn(page)) > empty + 1000, "there is a line now");
  });

  test(`htmx swaps HTML in by ${way}`, async (t) => {
    const page = await open(await someone(t, "ann"), "htmx");
    await drive(page, 0);
    await page.waitForSelector(".news li");
    await drive(page, 0);
    await page.waitForSelector(".news li >> nth=1");
    assert.deepEqual(await texts(page, ".news li strong"), ["Fresh", "Fresh"]);
  });

  test(`Turbo appends, updates and removes by ${way}`, async (t) => {
    const page = await open(await someone(t, "ann"), "turbo");
    await drive(page, 0);
    await page.waitForSelector("#messages li strong");
    await drive(page, 1);
    await page.waitForSelector('#unread:text-is("7")');
    await drive(page, 2);
    await page.waitForSelector("#messages:empty", { state: "attached" });
  });

  test(`a stylesheet is swapped and a page loaded again by ${way}`, async (t) => {
    const page = await open(await someone(t, "ann"), "reload");
    await page.fill("#typed", "what I typed");
    await drive(page, 0);
    await page.waitForSelector('#swapped:text-is("1 time")');
    assert.deepEqual([await page.inputValue("#typed"), await page.textContent("#loaded")], ["what I typed", "1 time"]);
    const sheets = await page.$$eval("link[rel=stylesheet]", (links) => links.filter((link) => link.href.includes("reload.css")).length);
    assert.equal(sheets, 1);

    const again = page.waitForSelector('#loaded:text-is("2 times")');
    // Its answer may come too late for a page that goes.
    if (drive === press) await page.click(".here >> nth=1 >> button");
    else await drive(page, 1);
    await again;
  });
}

/** How many points of the chart are in the line's colour. */
function drawn(page) {
  return page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const canvas = document.querySelector("#chart canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 0 && data[at + 1] > data[at] + 15) count += 1;
    return count;
  });
}

test("the feed begins with the last ten posts, as text, and takes any data", async (t) => {
  const it = await someone(t, "ann");
  const posts = Array.from({ length: 12 }, (_, n) => ({ time: 1_700_000_000 + n, event: "post", data: { author: "bob", text: `post ${n} <b>&` } }));
  await it.server.append("all", ...posts.slice(0, 6), { cmd: "other" });
  await it.server.append("ann", ...posts.slice(6), { event: "price", data: 1 });
  const page = await open(it, "feed");
  await page.waitForSelector("#posts li >> nth=9");
  const shown = await texts(page, "#posts li p:last-child");
  assert.deepEqual(shown, posts.slice(2).reverse().map(({ data }) => data.text));

  for (const data of [null, 7, "text", [], { author: {}, time: "never" }, { text: "last" }]) await it.server.append("ann", { event: "post", data });
  await page.waitForSelector('#posts li:first-child:has-text("last")');
});

test("jobs have bars of their own, and what is no number moves none", async (t) => {
  const it = await someone(t, "ann");
  const page = await open(it, "progress");
  const report = (data) => it.server.append("ann", { event: "progress", data });
  for (const data of [null, 7, "x", { job: "<b>", percent: "x" }]) await report(data);
  for (let n = 0; n < 22; n++) await report({ job: `job ${n}`, percent: n });
  await report({ job: "job 0", percent: 55 });
  await page.waitForFunction(() => document.querySelector("progress")?.value === 55);
  assert.deepEqual(await texts(page, "#jobs strong"), Array.from({ length: 20 }, (_, n) => `job ${n}`));
});

test("HTML out of a stream runs no script", async (t) => {
  const it = await someone(t, "ann");
  it.ann.allow(/content security policy: script-src-(elem|attr) inline|Executing inline (script|event handler) violates/);
  const html = '<li id="sent">x<img src="data:," onload="window.ran=1" onerror="window.ran=1"><script>window.ran=1</script></li>';
  for (const [example, record] of [
    ["htmx", { event: "news", data: html }],
    ["turbo", { event: "message", data: `<turbo-stream action="append" target="messages"><template>${html}</template></turbo-stream>` }],
  ]) {
    const page = await open(it, example);
    await it.server.append("ann", record);
    await page.waitForSelector("#sent");
    await page.waitForFunction(() => document.querySelector("#sent img").complete);
    assert.equal(await page.evaluate(() => window.ran), undefined, example);
    await page.close();
  }
});

for (const name of NAMES) {
  test(`${name}: its source is what is served`, async (t) => {
    const it = await someone(t, "ann");
    const page = await open(it, name);
    const names = await texts(page, ".source h3");
    assert.equal(names[0], `${name}.html`);
    for (const [number, file] of names.entries()) {
      const served = await (await it.ann.context.request.get(new URL(`examples/${file}`, it.server.url).href)).text();
      assert.equal(await page.textContent(`#source-${number}`), served);
      assert.equal(served, await readFile(new URL(`../../web/examples/${file}`, import.meta.url), "utf8"));
    }
    // Each script of its own is shown.
    const scripts = await page.$$eval("script[src]", (all) => all.map((script) => script.getAttribute("src")));
    const own = scripts.filter((src) => !src.includes("/") && src !== "frame.js");
    assert.deepEqual(own.filter((src) => !names.includes(src)), []);
  });
}

test("whose file it is stands there, whatever the name", async (t) => {
  const name = "o'neill \"percent\":0 $(id) 🦊";
  const it = await someone(t, name);
  let page = await open(it, "progress");
  assert.equal(await page.textContent(".drive .name"), name);
  await paste(page, 0);
  await page.waitForSelector('#jobs:has-text("done")');
  await page.close();
  page = await open(it, "feed");
  await paste(page, 0);
  await page.waitForSelector("#posts time");
  assert.deepEqual(await texts(page, "#posts strong"), [name]);
});

test("a browser without a name writes to everyone", async (t) => {
  const it = await someone(t, null);
  const page = await open(it, "feed");
  assert.match(await page.textContent(".drive"), /no name, so these lines append to the file of everyone, all/);
  await paste(page, 0);
  await page.waitForSelector("#posts li >> nth=0");
  await press(page, 0);
  await page.waitForSelector("#posts li >> nth=1");
  const lines = (await readFile(await it.server.path("all"), "utf8")).trim().split("\n");
  assert.equal(lines.length, 2);
});

test("what the server refuses is said", async (t) => {
  const it = await someone(t, "ann");
  it.ann.allow(/status of 5\d\d/);
  const page = await open(it, "feed");
  await page.route("**/writer", (route) => route.fulfill({ status: 507, body: "ERROR: the disk is full" }));
  await page.click(".here button");
  await page.waitForSelector('.outcome[data-kind=bad]:text-is("Not sent: the disk is full")');
});

test("a line is copied as it is", async (t) => {
  const it = await someone(t, "ann", { permissions: ["clipboard-read", "clipboard-write"] });
  const page = await open(it, "progress");
  for (const id of ["line-0", "source-1"]) {
    await page.click(`[data-copy=${id}]`);
    await page.waitForSelector(`[data-copy=${id}].done`);
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, await page.textContent(`#${id}`));
  }
});

for (const [look, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", PHONE]]) {
  test(`nothing keeps anyone out, and nothing is cut off: ${look}`, async (t) => {
    const it = await someone(t, "ann", options);
    for (const name of ["index", ...NAMES]) {
      const page = await (name === "index" ? gallery(it) : open(it, name));
      if (name === "feed" || name === "progress") await press(page, 0);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), page.viewportSize().width, name);
      // Things that come in are half there for a moment.
      await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
      await assertAccessible(page);
      await page.close();
    }
  });
}

async function gallery({ ann, server }) {
  const page = await ann.context.newPage();
  await page.goto(new URL("examples/", server.url).href);
  await page.waitForSelector("header");
  return page;
}
