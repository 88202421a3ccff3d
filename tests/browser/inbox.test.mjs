// <tailcast-inbox> and <tailcast-badge>: what a person sees of their history.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { assertAccessible, launch, startServer, startSite, visitor } from "./kit.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const AWAY = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE/;
const INBOX = `import("../js/inbox.js").then(() => document.body.append(document.createElement("tailcast-inbox")));`;
const NOW = Math.floor(Date.now() / 1000);
const note = (data, time) => ({ ...(time ? { time } : {}), cmd: "notify", data });

/** Waits until so many are unread. */
const unread = (page, count) => page.waitForFunction((count) => document.querySelector("tailcast-inbox")?.unread === count, count);
/** Waits until the history has come: a first visit has read it then. */
const loaded = (page) => page.waitForFunction(() => Object.keys(localStorage).some((key) => key.startsWith("tailcast.inbox ")));
/** Waits for what stands first in the open list. */
const first = (page, text) => page.waitForSelector(`tailcast-inbox li >> nth=0 >> text=${text}`);
const titles = (page) => page.$$eval("tailcast-inbox .title, tailcast-inbox .text:first-child", (all) => all.map((one) => one.textContent));
const dots = (page) => page.$$eval("tailcast-inbox .dot", (all) => all.length);

async function open(page) {
  await page.click("tailcast-inbox .bell");
  await page.waitForSelector("tailcast-inbox .panel:popover-open");
}

async function close(page) {
  await page.keyboard.press("Escape");
  await page.waitForSelector("tailcast-inbox .bell[aria-expanded=false]");
}

test("old notifications count as read at first, new ones are counted until the panel was open, over a reload, too", async (t) => {
  const server = await startServer(t);
  await server.append("ann", note({ title: "old" }, NOW - 90_000));
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  await loaded(page);
  await unread(page, 0);

  await server.append("ann", note({ title: "one" }), note("two, only text"));
  await unread(page, 2);
  assert.equal(await page.getAttribute("tailcast-inbox .bell", "aria-label"), "Notifications, 2 unread");
  assert.equal(await page.textContent("tailcast-inbox .count"), "2");
  await page.reload();
  await unread(page, 2);

  await open(page);
  await first(page, "two, only text");
  assert.deepEqual(await titles(page), ["two, only text", "one", "old"]);
  assert.equal(await dots(page), 2);
  // The two came without a time, so no day stands over them.
  assert.equal(await page.$$eval("tailcast-inbox h3", (all) => all.length), 1);
  assert.equal(await page.textContent("tailcast-inbox .end"), "No older notifications.");
  await close(page);
  await unread(page, 0);
  assert.equal(await page.getAttribute("tailcast-inbox .bell", "aria-label"), "Notifications");
  await page.reload();
  await server.append("all", note({ title: "to everyone" }, NOW));
  await unread(page, 1);
  await open(page);
  await first(page, "to everyone");
  assert.equal(await page.textContent("tailcast-inbox h3"), "Today");
  await page.click("tailcast-inbox .read");
  await unread(page, 0);
  await page.waitForSelector("tailcast-inbox .dot", { state: "detached" });
});

test("records without a time that are alike are each counted, also those that came while the page was away", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  let page = await ann.open("ann");
  await loaded(page);
  const ping = note({ text: "ping" });
  await server.append("ann", ping);
  await unread(page, 1);
  await open(page);
  await close(page);
  await unread(page, 0);
  await page.close();
  await server.append("ann", ping);
  await server.append("all", ping, { event: "price", data: 1 });
  page = await ann.context.newPage();
  await page.goto(server.url);
  await unread(page, 2);
  await open(page);
  await page.waitForFunction(() => document.querySelector("tailcast-inbox").shadowRoot.querySelectorAll("li").length === 3);
});

test("who edits the file with an editor makes nothing unread but what is new", async (t) => {
  const server = await startServer(t);
  await server.append("ann", note({ title: "a" }), note({ title: "b" }), note({ title: "c" }));
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  await loaded(page);
  await page.goto("about:blank");
  const path = await server.path("ann");
  const lines = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, [lines[1], lines[2], JSON.stringify(note({ title: "d" })), ""].join("\n"));
  await page.goto(server.url);
  await unread(page, 1);
  await open(page);
  await first(page, "d");
  assert.deepEqual(await titles(page), ["d", "c", "b"]);
});

test("tabs share what was read; users do not", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const one = await ann.open("ann");
  await loaded(one);
  const two = await ann.context.newPage();
  await two.goto(server.url);
  await two.waitForSelector("#badge[data-state=open]");
  await server.append("ann", note({ title: "for both" }));
  await Promise.all([unread(one, 1), unread(two, 1)]);
  await open(one);
  await close(one);
  await Promise.all([unread(one, 0), unread(two, 0)]);
  await server.append("ann", note({ title: "later" }));
  await Promise.all([unread(one, 1), unread(two, 1)]);

  await server.append("bob", note({ title: "of bob" }));
  await two.click("#who");
  await two.fill("#rename-name", "bob");
  await two.press("#rename-name", "Enter");
  await two.waitForSelector('#who .name:text-is("bob")');
  await two.waitForFunction(() => Object.keys(localStorage).some((key) => key.endsWith(" bob")));
  await unread(two, 0);
  await open(two);
  await first(two, "of bob");
  assert.deepEqual(await titles(two), ["of bob"]);
});

test("the list goes back through all of a long history", async (t) => {
  const server = await startServer(t);
  const records = Array.from({ length: 300 }, (_, n) => [
    note({ title: `n${n}` }, NOW - 3000 + n),
    { cmd: "paint", data: n },
    { event: "price", data: n },
  ]).flat();
  await server.append("ann", ...records);
  // Pages without any notification come first.
  await server.append("ann", ...Array.from({ length: 400 }, (_, n) => ({ n })));
  await server.append("all", note({ title: "for all" }, NOW - 4000));
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  await loaded(page);
  await open(page);
  // Five pages for one scroll, and a button where they held nothing.
  await page.click('tailcast-inbox .end >> text="Load older"');
  await first(page, "n299");
  for (let n = 0; !(await page.$('tailcast-inbox .end[data-state="end"]')); n++) {
    assert.ok(n < 100, "it does not end");
    const before = await page.$$eval("tailcast-inbox li", (all) => all.length);
    await page.$eval("tailcast-inbox .scroll", (scroll) => scroll.scrollTo(0, scroll.scrollHeight));
    await page.waitForFunction((before) => {
      const { shadowRoot } = document.querySelector("tailcast-inbox");
      return shadowRoot.querySelectorAll("li").length > before || shadowRoot.querySelector('.end[data-state="end"]');
    }, before);
  }
  const found = await titles(page);
  assert.deepEqual(found, [...Array.from({ length: 300 }, (_, n) => `n${299 - n}`), "for all"]);
  assert.equal(await page.evaluate(() => document.querySelector("tailcast-inbox").unread), 0);
});

test("more than a page of unread ones is counted, to 99+", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  await loaded(page);
  await page.goto("about:blank");
  await server.append("ann", ...Array.from({ length: 120 }, (_, n) => note({ title: `n${n}` })));
  await page.goto(server.url);
  await unread(page, 120);
  assert.equal(await page.textContent("tailcast-inbox .count"), "99+");
  assert.equal(await page.getAttribute("tailcast-inbox .bell", "aria-label"), "Notifications, 99+ unread");
});

test("what arrives stands on top of the open list and is said; an id replaces, dismiss takes back, in the history, too", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  await loaded(page);
  await server.append("ann", note({ title: "job 10 %", id: "job" }), note({ title: "stays" }), note({ title: "gone", id: 7 }));
  await unread(page, 3);
  await open(page);
  await server.append("ann", note({ title: "job done", id: "job" }));
  await first(page, "job done");
  assert.equal(await page.textContent("tailcast-inbox .panel [role=status]"), "New: job done");
  await server.append("ann", { cmd: "dismiss", data: { id: "7" } }, note({ type: "destroy", title: "no" }), note({ sound: "bell" }), note({ title: "last" }));
  await first(page, "last");
  assert.deepEqual(await titles(page), ["last", "job done", "stays"]);
  await page.reload();
  await open(page);
  await first(page, "last");
  assert.deepEqual(await titles(page), ["last", "job done", "stays"]);
  await close(page);
  await unread(page, 0);
});

test("after the server was away nothing is missing or twice; an error offers another try", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(AWAY);
  ann.allow(/status of 500/);
  const page = await ann.open("ann");
  await loaded(page);
  await page.evaluate(() => window.tailcast.on("notify", () => {}));
  await server.append("ann", note({ title: "before" }));
  await unread(page, 1);
  await server.stop();
  await page.waitForFunction(() => window.tailcast.state === "waiting");
  await server.append("ann", note({ title: "meanwhile" }));
  await server.start();
  await unread(page, 2);

  await page.route("**/history?*", (route) => route.fulfill({ status: 500 }));
  await page.reload();
  await open(page);
  await page.waitForSelector('tailcast-inbox .end[data-state=error]:has-text("could not be loaded")');
  await page.unroute("**/history?*");
  await page.click("tailcast-inbox .again");
  await first(page, "meanwhile");
  assert.deepEqual(await titles(page), ["meanwhile", "before"]);
  assert.equal(await dots(page), 2);
});

test("neither a time that no day has, nor a language that is none, nor one that cannot be shown empties the list", async (t) => {
  const server = await startServer(t);
  await server.append("ann", note({ title: "old" }), note({ title: "long before" }, -8.64e12), note({ title: "long after" }, 8.64e12));
  const ann = await visitor(browser, server);
  const page = await ann.ownPage("ann", INBOX.replace(/document\.createElement\(.*?\)/, 'Object.assign($&, { lang: "de_DE" })'));
  await loaded(page);
  await server.append("ann", note({ title: "new" }, -8.64e12));
  await unread(page, 1);
  await open(page);
  await first(page, "new");
  assert.deepEqual(await titles(page), ["new", "long after", "long before", "old"]);
  assert.equal(await page.$$eval("tailcast-inbox time", (all) => all.length), 1);
  await close(page);

  ann.allow(/cannot list a notification Error: broken/);
  await page.evaluate(async () => {
    const { openMissed } = await import(new URL("js/inbox/missed.js", window.tailcast.root).href);
    let reads = 0;
    const broken = { get title() { if (reads++ > 0) throw new Error("broken"); return "seen once"; } };
    const record = { data: { time: -8.64e12 } };
    openMissed([{ data: "one", record }, { data: broken, record: null }, { data: "two", record: null }], { root: window.tailcast.root });
  });
  await page.waitForSelector("dialog.missed[open]");
  assert.deepEqual(await page.$$eval(".missed li .text", (all) => all.map((one) => one.textContent)), ["two", "one"]);
});

/** A client of the test's own in `window.fake`, whose records come when the page says so, and a count of what `Intl` was made. */
async function puppet(page) {
  await page.evaluate(() => {
    const heard = {};
    let last = 0;
    window.made = 0;
    for (const name of ["RelativeTimeFormat", "DateTimeFormat"]) {
      Intl[name] = new Proxy(Intl[name], { construct: (target, given) => ((window.made += 1), new target(...given)) });
    }
    window.fake = {
      root: window.tailcast.root, state: "open", user: "fake", channels: [],
      on: (name, hear) => ((heard[name] = hear), () => {}),
      fetch: async () => new Response("[]"),
      tell(time) {
        const id = `1~A.${(++last).toString(16)}.${String(last).padStart(5, "0")}`;
        heard.record({ event: null, id, data: { time, cmd: "notify", data: { title: `n${last}` } } });
      },
    };
    window.list = () => [...document.querySelector("tailcast-inbox").shadowRoot.querySelectorAll("li")];
    document.querySelector("tailcast-inbox").client = window.fake;
  });
  await page.waitForFunction(() => Object.keys(localStorage).some((key) => key.endsWith(" fake")));
}

test("an open list of 1000 is drawn once for a frame, however much arrives", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  await puppet(page);
  await page.evaluate((now) => {
    for (let n = 0; n < 1000; n++) window.fake.tell(now - 120);
  }, NOW);
  await open(page);
  await first(page, "n1000");
  const drawn = await page.evaluate(async (now) => {
    const found = [];
    const look = () => found.push(window.list()[0].querySelector(".title").textContent);
    const began = performance.now();
    for (let n = 0; n < 100; n++) window.fake.tell(now);
    look();
    await new Promise((resolve) => requestAnimationFrame(resolve));
    look();
    return { found, made: window.made, took: performance.now() - began };
  }, NOW);
  t.diagnostic(`100 records beside 1000 took ${Math.round(drawn.took)} ms`);
  assert.deepEqual(drawn.found, ["n1000", "n1100"]);
  assert.ok(drawn.made < 10, `${drawn.made} formats were made`);

  // A hidden page has no frames.
  await page.evaluate(async (now) => {
    const { requestAnimationFrame } = window;
    window.requestAnimationFrame = () => 0;
    window.fake.tell(now);
    await new Promise((resolve) => new MutationObserver(resolve).observe(window.list()[0].parentNode, { childList: true }));
    window.requestAnimationFrame = requestAnimationFrame;
  }, NOW);
  await first(page, "n1101");
});

test("words of time are those of the hour when the list opens, and each minute", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  await puppet(page);
  const at = new Date((NOW - (NOW % 86_400)) * 1000 + 43_200_000);
  await page.clock.install({ time: at });
  await page.evaluate((time) => window.fake.tell(time), at / 1000);
  const words = (text) => page.waitForSelector(`tailcast-inbox time:text-is("${text}")`);
  await open(page);
  await words("now");
  await page.clock.fastForward(61_000);
  await words("1 minute ago");
  await close(page);
  await page.clock.fastForward(7_200_000);
  await open(page);
  await words("2 hours ago");
});

test("an empty history says so", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  await open(page);
  await page.waitForSelector('tailcast-inbox .end[data-state=empty]:has-text("Nothing here yet.")');
});

const PAYLOADS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "\"><svg onload=alert(1)>",
  "javascript:alert(1)",
  " JaVa\tScRiPt:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
  "red; background: url(//evil.invalid/a)",
  "x); background: url(//evil.invalid/a",
  "{{constructor.constructor('alert(1)')()}}",
  "\u202e\u2028",
  "__proto__",
];
const ALLOWED = {
  LI: ["part", "class", "data-colour", "data-unread", "style"], SPAN: ["class", "aria-hidden"], DIV: ["class"],
  P: ["class", "dir"], A: ["class", "part", "href", "dir"], TIME: ["datetime", "title"],
  IMG: ["alt", "loading", "decoding", "referrerpolicy", "src"],
};

test("text is never HTML, whatever the field", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(/foreign request: https?:\/\/evil\.invalid|Failed to load resource/);
  await ann.context.route("http://evil.invalid/**", (route) => route.abort());
  const page = await ann.open("ann");
  await loaded(page);
  const fields = ["title", "text", "color", "icon", "image", "url", "id", "time"];
  const records = PAYLOADS.flatMap((payload) => [
    ...fields.map((field) => note({ title: "safe", [field]: payload, ...(field === "id" ? { text: payload } : {}) })),
    note(payload),
    note({ title: "b", button: [{ name: payload, url: payload }, { name: payload, url: "/?safe" }, { name: "x", cmd: payload }] }),
    { time: payload, cmd: "notify", data: { title: "time" } },
  ]);
  await page.evaluate(() => window.tailcast.on("notify", () => {}));
  await server.append("ann", ...records, note({ title: "the last one" }));
  await unread(page, records.length + 1);
  await open(page);
  await first(page, "the last one");
  const seen = await page.$$eval("tailcast-inbox li, tailcast-inbox li *", (all) => all.map((element) => ({
    tag: element.tagName, names: [...element.attributes].map(({ name }) => name), link: element.href ?? "", src: element.src ?? "", style: element.getAttribute("style") ?? "",
  })));
  for (const { tag, names, link, src, style } of seen) {
    assert.ok(Object.hasOwn(ALLOWED, tag), tag);
    assert.deepEqual(names.filter((name) => !ALLOWED[tag].includes(name)), [], tag);
    assert.match(link, /^(https?:|mailto:|$)/);
    assert.match(src, /^(https?:|data:image\/|$)/);
    assert.match(style, /^(--_colour: [^;()]*;)?$/);
  }
  const read = await titles(page);
  for (const payload of PAYLOADS) assert.ok(read.includes(payload), `${payload} is not shown as it is`);
});

test("by keys alone, and without what axe complains about", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server, { reducedMotion: "reduce" });
  const page = await ann.open("ann");
  await loaded(page);
  await page.evaluate(() => window.tailcast.on("notify", () => {}));
  await server.append("ann", note({ title: "Go", url: "/?gone", text: "x", icon: "email", color: "red", image: "/favicon.svg", button: { name: "Other", url: "/?other" } }), note("plain"));
  await unread(page, 2);
  const axe = () => assertAccessible(page, "tailcast-inbox, tailcast-badge");
  await axe();

  await page.focus("tailcast-inbox .bell");
  await page.keyboard.press("Enter");
  await first(page, "plain");
  const focused = () => page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.className ?? "");
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.className === "scroll");
  assert.equal(await page.getAttribute("tailcast-inbox .bell", "aria-expanded"), "true");
  await axe();
  await page.emulateMedia({ colorScheme: "dark" });
  await axe();
  await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(), "cross");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.className === "bell");
  await unread(page, 0);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.className === "scroll");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "whole");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/?gone");
});

test("a press elsewhere closes it", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  await open(page);
  await page.click("#composer-title", { position: { x: 1, y: 1 } });
  await page.waitForSelector("tailcast-inbox .bell[aria-expanded=false]");
  await open(page);
  await page.click("tailcast-inbox .bell");
  await page.waitForSelector("tailcast-inbox .bell[aria-expanded=false]");
});

test("on a phone it is as wide as the screen; from right to left it opens at the bell", async (t) => {
  const server = await startServer(t);
  const phone = await (await visitor(browser, server, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, reducedMotion: "reduce" })).open("ann");
  await loaded(phone);
  await phone.evaluate(() => window.tailcast.on("notify", () => {}));
  await server.append("ann", note({ title: "w".repeat(300), text: "https://example.org/".repeat(80) }));
  await unread(phone, 1);
  await open(phone);
  await phone.waitForSelector("tailcast-inbox li");
  const box = await (await phone.$("tailcast-inbox .panel")).boundingBox();
  assert.deepEqual([box.x, box.width, Math.round(box.y + box.height)], [0, 360, 740]);
  const overflow = await phone.$eval("tailcast-inbox .scroll", (scroll) => scroll.scrollWidth - scroll.clientWidth);
  assert.equal(overflow, 0);

  const options = { viewport: { width: 1000, height: 700 }, reducedMotion: "reduce" };
  const page = await (await visitor(browser, server, options)).ownPage("ann", INBOX);
  for (const [dir, align] of [["rtl", "flex-start"], ["ltr", "flex-start"], ["rtl", "flex-end"], ["ltr", "flex-end"]]) {
    await page.evaluate(([dir, align]) => {
      document.documentElement.dir = dir;
      document.body.style.display = "grid";
      document.body.style.justifyItems = align;
    }, [dir, align]);
    await open(page);
    const { x, width } = await (await page.$("tailcast-inbox .panel")).boundingBox();
    assert.ok(x >= 0 && x + width <= 1000, `${dir} ${align}: ${x} ${width}`);
    await close(page);
  }
});

test("a page with its own policy, and a browser that keeps nothing", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  await ann.context.addInitScript(() => {
    Object.defineProperty(window, "localStorage", { get() { throw new DOMException("refused", "SecurityError"); } });
  });
  await server.append("ann", note({ title: "old" }));
  const page = await ann.ownPage("ann", INBOX);
  await page.waitForSelector("tailcast-inbox .bell");
  await page.waitForFunction(() => performance.getEntriesByType("resource").some(({ name, responseEnd }) => name.includes("/history?") && responseEnd > 0));
  await server.append("ann", note({ title: "new" }));
  await unread(page, 1);
  await open(page);
  await first(page, "new");
  assert.deepEqual(await titles(page), ["new", "old"]);
  await close(page);
  await unread(page, 0);
});

test("from another site", async (t) => {
  const site = await startSite(t, { host: "localhost" });
  const server = await startServer(t, { args: ["--allowed-origin", site.origin] });
  const ann = await visitor(browser, server);
  ann.friends.push(site.origin);
  await ann.context.request.get(new URL("sseCookie?set=ann", server.url).href);
  await server.append("ann", note({ title: "old", icon: "email" }));
  site.script = `
    import("${server.url}js/tailcast.js").then(({ connect }) => { window.tailcast = connect({ query: "user=ann" }); });
    import("${server.url}js/inbox.js").then(async () => {
      const inbox = document.body.appendChild(document.createElement("tailcast-inbox"));
      const { connect } = await import("${server.url}js/tailcast.js");
      inbox.client = window.tailcast ?? connect({ query: "user=ann" });
    });`;
  const page = await ann.context.newPage();
  await page.goto(`${site.origin}/`);
  await loaded(page);
  await server.append("ann", note({ title: "new" }));
  await unread(page, 1);
  await open(page);
  await first(page, "new");
  assert.deepEqual(await titles(page), ["new", "old"]);
});

test("what came while nobody looked opens the inbox, or is listed where there is none", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  const wasHandled = await page.evaluate(() => !document.dispatchEvent(new CustomEvent("tailcast-missed", { cancelable: true, detail: { items: [] } })));
  assert.ok(wasHandled);
  await page.waitForSelector("tailcast-inbox .panel:popover-open");

  const own = await ann.ownPage("ann", "");
  await own.evaluate(async (now) => {
    const { openMissed } = await import(new URL("js/inbox/missed.js", window.tailcast.root).href);
    const record = { data: { time: now - 60 } };
    openMissed([{ data: { title: "<b>one</b>" }, record }, { data: { sound: "bell" }, record }, { data: "two", record: null }], { root: window.tailcast.root });
  }, NOW);
  await own.waitForSelector("dialog.missed[open]");
  assert.deepEqual(await own.$$eval(".missed li", (all) => all.map((one) => one.querySelector(".title, .text").textContent)), ["two", "<b>one</b>"]);
  await assertAccessible(own, ".tailcast-missed");
  await own.keyboard.press("Escape");
  await own.waitForFunction(() => document.querySelector(".tailcast-missed") === null);
});

test("the desktop is offered while nobody has decided", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  await ann.context.addInitScript(() => {
    let permission = "default";
    window.Notification = class {
      static get permission() { return permission; }
      static async requestPermission() { return (permission = navigator.userActivation.isActive ? "granted" : "denied"); }
    };
  });
  const page = await ann.open("ann");
  await open(page);
  await page.click("tailcast-inbox .ask");
  await page.waitForSelector("tailcast-inbox .ask", { state: "hidden" });
  assert.equal(await page.evaluate(() => Notification.permission), "granted");
});

test("taken out and put back, it goes on; another client can be set", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  await loaded(page);
  await open(page);
  await page.evaluate(() => {
    window.inbox = document.querySelector("tailcast-inbox");
    window.inbox.remove();
  });
  await server.append("ann", note({ title: "while out" }));
  await page.waitForSelector("#entries li");
  await page.evaluate(() => document.querySelector("header").append(window.inbox));
  await unread(page, 1);
  await page.evaluate(() => (window.inbox.client = null));
  await unread(page, 0);
  await page.evaluate(() => (window.inbox.client = window.tailcast));
  await unread(page, 1);
});

test("the badge tells each state, in words of the page's choice, and as a dot", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(AWAY);
  const page = await ann.open("ann");
  const words = () => page.$eval("tailcast-badge", (badge) => badge.shadowRoot.querySelector("[role=status]").textContent);
  const state = (name) => page.waitForSelector(`#badge[data-state=${name}]`);
  assert.equal(await words(), "Live");
  await page.$eval("#badge", (badge) => badge.setAttribute("label-open", "Direkt"));
  assert.equal(await words(), "Direkt");
  await page.$eval("#badge", (badge) => badge.setAttribute("compact", ""));
  assert.equal(await page.getAttribute("#badge", "title"), "Direkt");
  assert.ok((await (await page.$("tailcast-badge .words")).boundingBox()).width <= 1);
  await server.stop();
  await state("waiting");
  assert.equal(await words(), "Reconnecting…");
  await server.start();
  await state("open");
  await page.evaluate(() => window.tailcast.close());
  await state("closed");
  assert.equal(await words(), "Closed");
  await page.evaluate(() => (document.querySelector("#badge").client = { state: "unauthorized", on: () => () => {} }));
  await state("unauthorized");
  assert.equal(await words(), "Signed out");
});
