// Many tabs of one browser: one connection, a leader that may vanish, and nothing lost or doubled.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, startServer, toast, toasts, visitor } from "./kit.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A page that notes what it hears. */
const NOTES = `
  var seen = [], states = [];
  document.addEventListener("tailcast", ({ detail }) => {
    detail.on("n", (n) => seen.push(n));
    detail.on("state", (state) => states.push(state));
  });`;

const n = (value) => ({ cmd: "n", data: value });
const seen = (page) => page.evaluate(() => seen);
const hasSeen = (page, count) => page.waitForFunction((count) => seen.length >= count, count);
const streams = (visitor) => visitor.requests.filter((url) => url.pathname === "/events").length;
const range = (from, to) => Array.from({ length: to - from }, (_, at) => from + at);

async function tabs(visitor, count, script = NOTES) {
  const pages = [];
  for (let tab = 0; tab < count; tab += 1) pages.push(await visitor.ownPage("ann", script));
  return pages;
}

/** The tab that has the connection. */
async function leaderOf(pages) {
  const held = await pages[0].evaluate(async () => (await navigator.locks.query()).held.filter(({ name }) => !name.endsWith(" voice")).map(({ clientId }) => clientId));
  assert.equal(held.length, 1);
  for (const page of pages) {
    const own = await page.evaluate(() => new Promise((resolve) => navigator.locks.request(`who ${Math.random()}`, async ({ name }) => {
      const { held } = await navigator.locks.query();
      resolve(held.find((lock) => lock.name === name).clientId);
    })));
    if (own === held[0]) return page;
  }
  throw new Error("none of these pages leads");
}

test("twelve tabs over HTTP/1.1 share one connection, and each shows everything", async (t) => {
  const server = await startServer(t, { args: ["--bindctl", "127.0.0.1:0"] });
  const ann = await visitor(browser, server);
  const pages = await tabs(ann, 12);
  assert.equal(streams(ann), 1);
  await server.append("ann", ...range(0, 50).map(n));
  await server.append("all", n("everyone"));
  for (const page of pages) {
    await hasSeen(page, 51);
    assert.deepEqual((await seen(page)).filter((value) => value !== "everyone"), range(0, 50));
  }
  const online = await (await fetch(new URL("online", server.control))).json();
  assert.equal(online.length, 1);
});

test("plain EventSource leaves the seventh tab waiting until another goes, ours do not", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const plain = await tabs(ann, 7, "");
  const open = (page) => page.evaluate(() => new Promise((resolve) => {
    window.plain = new EventSource("/events?plain");
    window.plain.onopen = () => resolve(performance.timeOrigin + performance.now());
  }));
  // One connection of six is the client's; these take the others.
  for (const page of plain.slice(0, 5)) await open(page);
  const opened = open(plain[5]);
  const closed = await plain[0].evaluate(() => {
    window.plain.close();
    return performance.timeOrigin + performance.now();
  });
  assert.ok((await opened) > closed, "the sixth beside the client's had to wait");
});

test("when the leader is closed another takes over, nothing lost or doubled", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const pages = await tabs(ann, 4);
  let next = 0;
  let writing = true;
  const writer = (async () => {
    while (writing) await server.append("ann", n(next++));
  })();
  for (const last of [3, 2]) {
    const leader = await leaderOf(pages);
    await leader.close();
    pages.splice(pages.indexOf(leader), 1);
    assert.equal(pages.length, last);
    const reached = next;
    const since = performance.now();
    for (const page of pages) await page.waitForFunction((reached) => seen.includes(reached), reached);
    t.diagnostic(`taken over within ${Math.round(performance.now() - since)} ms`);
  }
  writing = false;
  await writer;
  for (const page of pages) {
    await hasSeen(page, next);
    assert.deepEqual(await seen(page), range(0, next));
  }
});

test("when the leader's renderer is killed another takes over, nothing lost or doubled", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const pages = await tabs(ann, 3);
  await server.append("ann", ...range(0, 5).map(n));
  for (const page of pages) await hasSeen(page, 5);
  const leader = await leaderOf(pages);
  const others = pages.filter((page) => page !== leader);
  const crashed = leader.waitForEvent("crash");
  const session = await ann.context.newCDPSession(leader);
  session.send("Page.crash").catch(() => {});
  await server.append("ann", ...range(5, 10).map(n));
  await crashed;
  const since = performance.now();
  await server.append("ann", ...range(10, 20).map(n));
  for (const page of others) {
    await hasSeen(page, 20);
    assert.deepEqual(await seen(page), range(0, 20));
  }
  t.diagnostic(`taken over within ${Math.round(performance.now() - since)} ms`);
});

test("a leader that hangs is replaced, and follows when it is back", async (t) => {
  const server = await startServer(t, { args: ["--heartbeat", "0.4"] });
  const ann = await visitor(browser, server);
  const pages = await tabs(ann, 2);
  const leader = await leaderOf(pages);
  const [other] = pages.filter((page) => page !== leader);
  // Longer than 2.5 heartbeats and the time to answer.
  const hangs = leader.evaluate(() => {
    const until = performance.now() + 9_000;
    while (performance.now() < until);
  });
  await server.append("ann", ...range(0, 3).map(n));
  await hasSeen(other, 3);
  await hangs;
  await server.append("ann", n(3));
  for (const page of pages) await page.waitForFunction(() => seen.includes(3));
  assert.deepEqual(await seen(other), range(0, 4));
  assert.equal(await leaderOf(pages), other);
});

test("what is sent while a page is exchanged is shown by the next one", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const [page] = await tabs(ann, 1);
  await server.append("ann", n(0));
  await hasSeen(page, 1);
  const url = page.url();
  await page.goto("about:blank");
  await server.append("ann", n(1), n(2));
  await page.goto(url);
  await hasSeen(page, 2);
  await server.append("ann", n(3));
  await hasSeen(page, 3);
  assert.deepEqual(await seen(page), [1, 2, 3]);
});

test("a page's deferred scripts hear what it missed", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.ownPage("ann", NOTES);
  await page.goto("about:blank");
  await server.append("ann", n(1));
  const html = '<!doctype html><title>slow</title><link rel="icon" href="data:,"><script async id="ssescript" src="js/sse.js"></script><script type="module" src="slow.js"></script>';
  const script = 'window.seen = []; const hear = (tailcast) => tailcast.on("n", (n) => seen.push(n)); if (window.tailcast) hear(tailcast); else document.addEventListener("tailcast", ({ detail }) => hear(detail));';
  const asked = page.waitForRequest("**/js/tailcast.js");
  await page.route("**/slow.html", (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.route("**/slow.js", async (route) => {
    await asked;
    await route.fulfill({ contentType: "text/javascript", body: script });
  });
  await page.goto(new URL("slow.html", server.url).href);
  await hasSeen(page, 1);
});

test("also when another tab leads meanwhile", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const [page, other] = await tabs(ann, 2);
  await server.append("ann", n(0));
  await hasSeen(page, 1);
  await hasSeen(other, 1);
  const url = page.url();
  await page.goto("about:blank");
  await server.append("ann", n(1), n(2));
  await hasSeen(other, 3);
  await page.goto(url);
  await hasSeen(page, 2);
  await server.append("ann", n(3));
  await hasSeen(page, 3);
  assert.deepEqual(await seen(page), [1, 2, 3]);
  assert.deepEqual(await seen(other), [0, 1, 2, 3]);
  const fresh = await ann.ownPage("ann", NOTES);
  await server.append("ann", n(4));
  await hasSeen(fresh, 1);
  assert.deepEqual(await seen(fresh), [4], "a tab that is new has missed nothing");
});

test("a tab that another opens has missed nothing, and one whose leader is gone is known by its place", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const [one, two] = await tabs(ann, 2);
  await server.append("ann", n(0));
  for (const page of [one, two]) await hasSeen(page, 1);
  await one.reload();
  await one.waitForFunction(() => window.tailcast?.state === "open");
  await server.append("ann", n(1), n(2));
  for (const page of [one, two]) await hasSeen(page, 2);
  const opened = ann.context.waitForEvent("page");
  await one.route("**/site/*", (route) => route.fallback());
  await ann.context.route("**/site/own.html", (route) => route.fulfill({ contentType: "text/html", body: '<!doctype html><title>own</title><link rel="icon" href="data:,"><script src="own.js"></script><script async id="ssescript" src="../js/sse.js"></script>' }));
  await ann.context.route("**/site/own.js", (route) => route.fulfill({ contentType: "text/javascript", body: NOTES }));
  await one.evaluate(() => void window.open(location.href));
  const third = await opened;
  await third.waitForFunction(() => window.tailcast?.state === "open");
  await server.append("ann", n(3));
  await hasSeen(third, 1);
  assert.deepEqual(await seen(third), [3]);

  // Both are between two pages when something comes.
  const url = one.url();
  await third.close();
  for (const page of [one, two]) await page.goto("about:blank");
  await server.append("ann", n(4), n(5));
  await Promise.all([one, two].map((page) => page.goto(url)));
  for (const page of [one, two]) await hasSeen(page, 2);
  for (const page of [one, two]) assert.deepEqual(await seen(page), [4, 5]);
});

test("a browser that becomes another's hears the other's, in all its tabs", async (t) => {
  const server = await startServer(t);
  const browsers = await visitor(browser, server);
  const first = await browsers.ownPage("ann", NOTES);
  await server.append("ann", n("for ann"));
  await hasSeen(first, 1);
  const second = await browsers.ownPage("bob", NOTES);
  await second.waitForFunction(() => tailcast.user === "bob");
  await first.waitForFunction(() => tailcast.user === "bob");
  await server.append("ann", n("not for bob"));
  await server.append("bob", n("for bob"));
  for (const page of [first, second]) await page.waitForFunction(() => seen.includes("for bob"));
  const third = await browsers.ownPage("ann", NOTES);
  await third.waitForFunction(() => tailcast.user === "ann");
  await first.waitForFunction(() => seen.includes("not for bob"));
  assert.deepEqual(await seen(first), ["for ann", "for bob", "not for bob"]);
});

test("a sound is made by one tab of many", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const pages = await tabs(ann, 3);
  await server.notify("ann", { title: "ding", sound: "bell" });
  for (const page of pages) await toast(page, "ding");
  await server.notify("ann", { title: "dong", sound: "chime" });
  for (const page of pages) await toast(page, "dong");
  await ann.requested("/sounds/chime.wav");
  const sounds = ann.requests.map(({ pathname }) => pathname).filter((path) => path.startsWith("/sounds/"));
  assert.deepEqual(sounds, ["/sounds/bell.wav", "/sounds/chime.wav"]);
});

test("a toast that is closed in one tab goes in the others", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const pages = await tabs(ann, 3);
  await server.notify("ann", { title: "one", time: 0 });
  await server.notify("ann", { title: "two", time: 0 });
  for (const page of pages) await page.waitForFunction(() => document.querySelectorAll(".iziToast-opened").length === 2);
  await pages[1].click('.iziToast:has-text("one") .iziToast-close');
  for (const page of pages) {
    await page.waitForFunction(() => document.querySelectorAll(".iziToast").length === 1);
    assert.deepEqual((await toasts(page)).map(({ title }) => title), ["two"]);
  }
});

test("without Web Locks each tab has a connection of its own", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  await ann.context.addInitScript(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }));
  const pages = await tabs(ann, 3);
  await server.append("ann", n(0));
  for (const page of pages) {
    await hasSeen(page, 1);
    assert.deepEqual(await seen(page), [0]);
  }
  assert.equal(streams(ann), 3);
});

test("a sandboxed frame, which may neither lock nor store, hears by itself", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(/blocked by CORS policy|ERR_FAILED/);
  const page = await ann.context.newPage();
  const html = '<!doctype html><title>outer</title><link rel="icon" href="data:,"><iframe sandbox="allow-scripts" src="inner.html"></iframe>';
  const inner = '<!doctype html><title>inner</title><script src="inner.js"></script>';
  const script = `
    var seen = [];
    class Source extends EventTarget {
      constructor() {
        super();
        setTimeout(() => this.onmessage({ type: "message", data: "x", lastEventId: "c" }));
      }
      close() {}
    }
    window.EventSource = Source;
    import(new URL("/js/link/shared.js", document.baseURI).href).then(({ shared }) => {
      const hears = { state() {}, live() {}, event: (name, text) => seen.push(text) };
      shared(new URL("https://site.example/events"), hears, { renew: async () => null });
    }, (error) => seen.push(String(error)));`;
  await page.route("**/outer.html", (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.route("**/inner.html", (route) => route.fulfill({ contentType: "text/html", body: inner }));
  await page.route("**/inner.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  await page.route("**/js/**", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, headers: { ...answer.headers(), "access-control-allow-origin": "*" } });
  });
  await page.goto(new URL("outer.html", server.url).href);
  const frame = page.frames()[1];
  await frame.waitForFunction(() => seen.length > 0);
  assert.deepEqual(await frame.evaluate(() => seen), ["x"]);
});

test("a tab hears only the names that it listens for, whatever others listen for", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const listening = 'var got = []; document.addEventListener("tailcast", ({ detail }) => { detail.on("record", ({ event }) => got.push(event)); NAMES });';
  const price = await ann.ownPage("ann", listening.replace("NAMES", 'detail.on("event:price", () => {})'));
  const stock = await ann.ownPage("ann", listening.replace("NAMES", 'detail.on("event:stock", () => {})'));
  for (const event of ["price", "stock", "other"]) await server.append("ann", { event, data: 1 });
  await server.append("ann", n(1));
  for (const page of [price, stock]) await page.waitForFunction(() => got.includes(null));
  assert.deepEqual(await price.evaluate(() => got), ["price", null]);
  assert.deepEqual(await stock.evaluate(() => got), ["stock", null]);
});

test("many missed notifications are one toast, few are shown", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  for (const [count, expected] of [[3, 3], [8, 1]]) {
    await page.goto("about:blank");
    for (const number of range(0, count)) await server.notify("ann", { title: `missed ${count} ${number}`, time: 0 });
    await page.goto(server.url);
    await page.waitForSelector(".iziToast");
    await page.waitForFunction((count) => document.querySelectorAll("#entries li").length === count, count);
    await page.waitForFunction((expected) => document.querySelectorAll(".iziToast").length === expected, expected);
    t.diagnostic(JSON.stringify((await toasts(page)).map(({ title }) => title)));
  }
});

test("a reload out of the past is not run, also in a browser that keeps nothing", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  await ann.context.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(window, name, { get: () => { throw new DOMException("refused", "SecurityError"); } });
    }
  });
  await server.append("ann", n(1), { cmd: "reload" }, n(2));
  const page = await ann.ownPage("ann", NOTES, { sse: 'data-query="last=10"' });
  await hasSeen(page, 2);
  await server.append("ann", n(3));
  await hasSeen(page, 3);
  assert.deepEqual(await seen(page), [1, 2, 3], "it is the same page");
  assert.equal(ann.requests.filter(({ pathname }) => pathname === "/site/own.html").length, 1);
  await server.append("ann", { cmd: "reload" });
  await page.waitForEvent("load");
});

test("what takes toasts back while a page is away takes those on it, too", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(/ERR_/);
  const page = await ann.ownPage("ann", NOTES);
  for (const id of ["a", "b"]) await server.notify("ann", { id, title: `sticky ${id}`, time: 0 });
  await toast(page, "sticky b");
  await server.stop();
  await server.append("ann", { cmd: "dismiss", data: { id: "a" } });
  await server.notify("ann", { title: "later", time: 0 });
  await server.start();
  await toast(page, "later");
  await page.waitForFunction(() => document.querySelectorAll(".iziToast").length === 2);
  assert.deepEqual((await toasts(page)).map(({ title }) => title), ["sticky b", "later"]);
  await server.stop();
  await server.notify("ann", { type: "destroy" });
  await server.notify("ann", { title: "last", time: 0 });
  await server.start();
  await toast(page, "last");
  await page.waitForFunction(() => document.querySelectorAll(".iziToast").length === 1);
});
