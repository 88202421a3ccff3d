// The client on pages of another origin, below a path of a proxy, and with tokens that expire.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import { launch, startServer, startSite, toast, visitor } from "./kit.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const SECRET = "a secret of the tests, which is long enough";
const n = (value) => ({ cmd: "n", data: value });
const hasSeen = (page, count) => page.waitForFunction((count) => seen.length >= count, count);

/** Asks the control interface for a token that lasts so many seconds. */
async function token(server, user, seconds) {
  const reply = await fetch(new URL("token/", server.control), { method: "POST", body: new URLSearchParams({ userId: user, exp: String(seconds) }) });
  return reply.text();
}

/** A script that connects by the client's module, and notes what it hears. */
const connecting = (root, options) => `
  var seen = [], states = [], asked = 0;
  import(${JSON.stringify(new URL("js/tailcast.js", root).href)}).then(({ connect }) => {
    window.tailcast = connect(${options});
    tailcast.on("n", (n) => seen.push(n));
    tailcast.on("state", (state) => states.push(state));
  });`;

test("a page of another origin has everything: toasts, icons, sounds, history, one connection for its tabs", async (t) => {
  const site = await startSite(t, { host: "localhost" });
  const server = await startServer(t, { args: ["--bindctl", "127.0.0.1:0", "--secret", SECRET, "--allowed-origin", site.origin] });
  const ann = await visitor(browser, server);
  ann.friends.push(site.origin);
  site.script = connecting(server.url, JSON.stringify({ token: await token(server, "ann", 3600) }));
  const pages = [];
  for (let tab = 0; tab < 3; tab += 1) {
    const page = await ann.context.newPage();
    await page.goto(`${site.origin}/`);
    await page.waitForFunction(() => window.tailcast?.state === "open");
    pages.push(page);
  }
  await server.append("ann", n(1));
  for (const page of pages) await hasSeen(page, 1);
  assert.equal(ann.requests.filter(({ pathname }) => pathname === "/events").length, 1);
  const heard = ann.requested("/sounds/bell.wav");
  await server.notify("ann", { title: "across", icon: "email", sound: "bell" });
  for (const page of pages) await toast(page, "across");
  await heard;
  await pages[0].waitForFunction(() => document.fonts.check('24px "Material Icons"'));
  const history = await pages[0].evaluate(async () => (await (await tailcast.fetch("history?limit=2")).json()).map(({ record }) => record.cmd));
  assert.deepEqual(history, ["n", "notify"]);
});

test("below a path of a proxy", async (t) => {
  const server = await startServer(t);
  const proxy = http.createServer((request, response) => {
    assert.ok(request.url.startsWith("/push/here/"), request.url);
    const { port } = new URL(server.url);
    const onward = http.request({ port, path: request.url.slice("/push/here".length), method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
    response.on("close", () => onward.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const at = `http://127.0.0.1:${proxy.address().port}/push/here/`;
  const ann = await visitor(browser, server);
  ann.friends.push(new URL(at).origin);
  const page = await ann.context.newPage();
  await page.goto(at);
  await page.fill("#welcome-name", "ann");
  await page.press("#welcome-name", "Enter");
  await page.waitForSelector("#badge[data-state=open]");
  await page.waitForFunction(() => window.tailcast.user === "ann");
  const heard = ann.requested("/push/here/sounds/chime.wav");
  await page.click("#send");
  await toast(page, "Deployed");
  await heard;
  const outside = ann.requests.filter(({ origin, pathname }) => origin === new URL(at).origin && !pathname.startsWith("/push/here/"));
  assert.deepEqual(outside, []);
});

test("when a token has expired the page is asked for another, and nothing is lost", async (t) => {
  const server = await startServer(t, { args: ["--bindctl", "127.0.0.1:0", "--secret", SECRET, "--retry", "100"] });
  const ann = await visitor(browser, server);
  ann.allow(/401 \(Unauthorized\)/);
  const [short, long] = [await token(server, "ann", 2), await token(server, "ann", 3600)];
  const script = connecting(server.url, `{ token: ${JSON.stringify(short)}, onToken: async () => { asked += 1; await window.allowed; return ${JSON.stringify(long)}; } }`);
  const page = await ann.context.newPage();
  await page.route("**/own.html", (route) => route.fulfill({ contentType: "text/html", body: '<!doctype html><title>own</title><link rel="icon" href="data:,"><script src="own.js"></script>' }));
  await page.route("**/own.js", (route) => route.fulfill({ contentType: "text/javascript", body: `var allow; window.allowed = new Promise((resolve) => (allow = resolve)); ${script}` }));
  await page.goto(new URL("own.html", server.url).href);
  await page.waitForFunction(() => window.tailcast?.state === "open");
  await server.append("ann", n(0));
  await hasSeen(page, 1);
  await page.waitForFunction(() => asked === 1);
  await server.append("ann", n(1), n(2));
  await page.evaluate(() => allow());
  await hasSeen(page, 3);
  await server.append("ann", n(3));
  await hasSeen(page, 4);
  assert.deepEqual(await page.evaluate(() => seen), [0, 1, 2, 3]);
  assert.equal(await page.evaluate(() => tailcast.state), "open");
});

test("without a token the page is told that it may not, and goes on once it may", async (t) => {
  const server = await startServer(t, { args: ["--bindctl", "127.0.0.1:0", "--secret", SECRET] });
  const ann = await visitor(browser, server);
  ann.allow(/401 \(Unauthorized\)/);
  const page = await ann.context.newPage();
  await page.goto(server.url);
  await page.waitForFunction(() => window.tailcast?.state === "unauthorized");
  const value = await token(server, "ann", 3600);
  await ann.context.addCookies([{ name: "sse_token", value, url: server.url }]);
  const second = await ann.context.newPage();
  await second.goto(server.url);
  for (const page of ann.context.pages()) await page.waitForFunction(() => window.tailcast?.state === "open" && window.tailcast.user === "ann");
});

test("a server that falls silent is noticed, and what it sends afterwards comes", async (t) => {
  const server = await startServer(t, { args: ["--heartbeat", "0.4"] });
  const ann = await visitor(browser, server);
  const page = await ann.ownPage("ann", 'var seen = [], states = []; document.addEventListener("tailcast", ({ detail }) => { detail.on("n", (n) => seen.push(n)); detail.on("state", (state) => states.push(state)); });');
  server.pause();
  await page.waitForFunction(() => tailcast.state === "waiting");
  await server.append("ann", n(0));
  server.resume();
  await hasSeen(page, 1);
  assert.deepEqual(await page.evaluate(() => seen), [0]);
  await page.waitForFunction(() => tailcast.state === "open");
});

test("offline and online again", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED/);
  const page = await ann.ownPage("ann", 'var seen = []; document.addEventListener("tailcast", ({ detail }) => detail.on("n", (n) => seen.push(n)));');
  await ann.context.setOffline(true);
  await page.waitForFunction(() => !navigator.onLine);
  await server.append("ann", n(0));
  await ann.context.setOffline(false);
  await hasSeen(page, 1);
  await server.append("ann", n(1));
  await hasSeen(page, 2);
  assert.deepEqual(await page.evaluate(() => seen), [0, 1]);
});
