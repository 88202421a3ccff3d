// Browsers that speak older servers' words, and ours, over HTTP/1.1 and over TLS with HTTP/2.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { request } from "playwright-core";
import { launch, startServer, startSite, toast, toasts, visitor } from "./kit.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const SECRET = "a secret of the tests, which is long enough";
const POLYFILL = await readFile(new URL("node_modules/event-source-polyfill/src/eventsource.min.js", import.meta.url), "utf8");
const AWAY = /ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|HTTP2_PROTOCOL_ERROR|SOCKET_NOT_CONNECTED)/;
const KINDS = [
  { name: "HTTP/1.1", tls: false, protocol: "http/1.1" },
  { name: "TLS and HTTP/2", tls: true, protocol: "h2" },
];

/** The page of a site, with this script; a page of the server's own origin is made up. */
async function pageOf(visitor, site, script) {
  const page = await visitor.context.newPage();
  if (typeof site === "string") {
    const html = '<!doctype html><title>page</title><link rel="icon" href="data:,"><script src="/page.js"></script>';
    await page.route(`${site}/page.html`, (route) => route.fulfill({ contentType: "text/html", body: html }));
    await page.route(`${site}/page.js`, (route) => route.fulfill({ contentType: "text/javascript", body: script }));
    await page.goto(`${site}/page.html`);
    return page;
  }
  site.script = script;
  visitor.friends.push(site.origin);
  await page.goto(`${site.origin}/`);
  return page;
}

/** Posts to the control interface, as the site's own programs do. */
async function control(server, path, form) {
  const reply = await fetch(new URL(path, server.control), { method: "POST", body: new URLSearchParams(form) });
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  return text;
}

/** What asked for an address of this server spoke which protocol. */
function protocols(page, path) {
  return page.evaluate(
    (path) => performance.getEntriesByType("resource").filter(({ name }) => new URL(name).pathname === path).map((it) => it.nextHopProtocol),
    path,
  );
}

for (const { name, tls, protocol } of KINDS) {
  test(`event-source-polyfill with a token in a header, over ${name}`, async (t) => {
    const site = await startSite(t, { host: "localhost", tls });
    const args = ["--bindctl", "127.0.0.1:0", "--secret", SECRET, "--retry", "100", "--allowed-origin", site.origin];
    const server = await startServer(t, { args, tls });
    const alex = await visitor(browser, server);
    alex.allow(AWAY);
    const token = await control(server, "token/", { userId: "alex", channel: "chat", exp: "86400" });
    const script = `${POLYFILL}
      var seen = [], opened = 0;
      var sse = new EventSourcePolyfill(${JSON.stringify(new URL("events/", server.url).href)}, { headers: { Authorization: "Bearer ${token}" } });
      sse.addEventListener("message", (event) => seen.push(JSON.parse(event.data)));
      sse.addEventListener("open", () => (opened += 1));`;
    for (const from of [new URL(server.url).origin, site]) {
      const page = await pageOf(alex, from, script);
      await page.waitForFunction(() => opened === 1);
      for (const n of [1, 2]) {
        await control(server, "emit/", { userId: "alex", channel: "chat", payload: `event: message\ndata: {"n":${n}}\n` });
        await page.waitForFunction((n) => seen.length === n, n);
      }
      await control(server, "emit/", { userId: "*", channel: "news", payload: '{"n":0}' });
      // What is missed comes once.
      const count = await page.evaluate(() => opened);
      await server.stop();
      await server.append("alex", { event: "message", data: { n: "of no channel" } });
      await server.append(["alex", "--channel", "chat"], { event: "message", data: { n: 3 } });
      await server.start();
      await page.waitForFunction((count) => opened > count, count);
      await control(server, "emit/", { userId: "*", channel: "chat", payload: '{"n":4}' });
      await page.waitForFunction(() => seen.length === 4);
      assert.deepEqual(await page.evaluate(() => seen.map(({ n }) => n)), [1, 2, 3, 4]);
      await page.close();
    }
  });

  test(`goSSE's flow from a page of another origin, over ${name}`, async (t) => {
    // Over plain HTTP, browsers send cookies to other ports, but not to other sites.
    const site = await startSite(t, { host: tls ? "localhost" : "127.0.0.1", tls });
    const env = { SSE_APP_KEY: SECRET, ALLOWED_ORIGIN: site.origin };
    for (const role of ["CLIENT", "BROADCASTER"]) {
      env[`SSE_${role}_USERNAME`] = role.toLowerCase();
      env[`SSE_${role}_PASSWORD`] = `the ${role}'s password`;
    }
    const server = await startServer(t, { args: ["--retry", "100"], env, tls });
    const program = await request.newContext({ baseURL: server.url, ignoreHTTPSErrors: true });
    t.after(() => program.dispose());
    const login = async (role, id) => {
      const data = { username: role.toLowerCase(), password: env[`SSE_${role}_PASSWORD`], id };
      return (await (await program.post("login", { data })).json()).token;
    };
    const broadcast = async (data) => {
      const headers = { authorization: `Bearer ${await login("BROADCASTER", "backend")}` };
      assert.equal((await program.post("broadcast", { headers, data })).status(), 201);
    };
    const given = await login("CLIENT", "x~1");
    const config = JSON.stringify({ url: server.url.replace(/\/$/, ""), password: env.SSE_CLIENT_PASSWORD, given });
    const follow = `var seen = [], opened = 0, config = ${config};
      function follow(more) {
        const source = new EventSource(config.url + "/events?type=sse" + more, { withCredentials: true });
        source.onopen = () => (opened += 1);
        source.onmessage = (event) => seen.push(event.data);
      }`;
    const scripts = [
      `${follow}
       const xhr = new XMLHttpRequest();
       xhr.open("POST", config.url + "/login", true);
       xhr.withCredentials = true;
       xhr.setRequestHeader("Content-type", "application/json");
       xhr.addEventListener("loadend", () => follow(""));
       xhr.send(JSON.stringify({ username: "client", password: config.password, id: "x1" }));`,
      `${follow} follow("&token=" + btoa(JSON.stringify({ token: config.given, id: "x~1" })));`,
    ];
    for (const [at, script] of scripts.entries()) {
      const user = ["x1", "x~1"][at];
      const ann = await visitor(browser, server);
      ann.allow(AWAY);
      const page = await pageOf(ann, site, script);
      await page.waitForFunction(() => opened === 1);
      const say = async (data, count) => {
        await broadcast(data);
        await page.waitForFunction((count) => seen.length === count, count);
      };
      await say({ content: "to all" }, 1);
      await broadcast({ content: "another type", type: "other" });
      await say({ content: "of this type", type: "sse" }, 2);
      await say({ content: "to this user", type: "other", user }, 3);
      await server.stop();
      await server.append("all", { event: "sse", data: "missed" });
      await server.start();
      await page.waitForFunction(() => seen.length === 4);
      assert.deepEqual(await page.evaluate(() => seen), ["to all", "of this type", "to this user", "missed"]);
      await ann.context.close();
    }
    // No other page gets anything.
    const eve = await visitor(browser, server);
    eve.allow(/CORS policy|ERR_FAILED|Failed to load resource|401|403/);
    const page = await pageOf(eve, await startSite(t, { tls }), follow);
    const state = page.evaluate(
      () =>
        new Promise((resolve) => {
          const token = btoa(JSON.stringify({ token: config.given, id: "x~1" }));
          const source = new EventSource(`${config.url}/events?type=sse&token=${token}`, { withCredentials: true });
          source.onopen = () => resolve("open");
          source.onerror = () => resolve(source.readyState === EventSource.CLOSED ? "closed" : "waiting");
        }),
    );
    assert.equal(await state, "closed");
  });

  test(`our own page and client, over ${name}`, async (t) => {
    const server = await startServer(t, { args: ["--retry", "100"], tls });
    const ann = await visitor(browser, server);
    ann.allow(AWAY);
    const page = await ann.open("ann");
    await server.notify("ann", { title: "one", time: 0 });
    await toast(page, "one");
    assert.deepEqual(await protocols(page, "/js/sse.js"), [protocol]);
    const [cookie] = await ann.context.cookies();
    assert.deepEqual([cookie.name, cookie.secure], ["sseid", tls]);
    await server.stop();
    await server.notify("ann", { title: "two", time: 0 });
    await server.start();
    await toast(page, "two");
    await server.notify("ann", { title: "three", time: 0 });
    await toast(page, "three");
    assert.deepEqual((await toasts(page)).map(({ title }) => title), ["one", "two", "three"]);
    // Another tab, and a page of one's own.
    const other = await ann.ownPage("ann", "var seen = []; function ssefoo(data) { seen.push(data); }");
    await server.append("ann", { cmd: "foo", data: 7 });
    await other.waitForFunction(() => seen.length === 1);
  });
}

test("one connection of HTTP/2 carries more streams than HTTP/1.1 has connections", async (t) => {
  const server = await startServer(t, { tls: true });
  const ann = await visitor(browser, server);
  const page = await pageOf(ann, new URL(server.url).origin, "var seen = new Set();");
  await page.evaluate(() => {
    for (let n = 0; n < 30; n++) {
      const source = new EventSource(`/events?user=ann&n=${n}`);
      source.addEventListener("ready", () => seen.add(`ready ${n}`));
      source.onmessage = () => seen.add(n);
    }
  });
  await page.waitForFunction(() => seen.size === 30);
  await server.append("ann", { cmd: "x" });
  await page.waitForFunction(() => seen.size === 60);
  const reply = await page.evaluate(async () => (await fetch("/me")).status);
  assert.equal(reply, 200);
});
