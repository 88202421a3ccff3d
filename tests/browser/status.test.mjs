// The status page: live pictures of the server for its administrators, and for nobody else.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, launch, startServer, visitor } from "./kit.mjs";

const SECRET = "a secret of the tests, which is long enough";
const SECURED = {
  env: {
    SSE_APP_KEY: SECRET,
    SSE_ADMIN_USERNAME: "root",
    SSE_ADMIN_PASSWORD: "the admin's password",
    SSE_CLIENT_USERNAME: "service",
    SSE_CLIENT_PASSWORD: "the client's password",
  },
};
const REFUSED = /status of 40[13]/;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function open(who) {
  const page = await who.context.newPage();
  await page.goto(new URL("status", who.server.url).href);
  return page;
}

/** The page, once it shows the present. */
async function openLive(who) {
  const page = await open(who);
  await live(page);
  return page;
}

async function live(page) {
  await page.waitForSelector("body[data-view=shown][data-link=open]");
  await page.waitForSelector(".uplot canvas");
  assert.equal(await page.textContent("#badge"), "Live");
}

/** Event streams of somebody, from this program; they end with the test. */
function follow(t, server, query, count = 1) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const one = async () => {
    const answer = await fetch(new URL(`events?${query}`, server.url), { signal: stop.signal });
    const read = async () => {
      for await (const piece of answer.body) void piece;
    };
    read().catch(() => {});
  };
  return Promise.all(Array.from({ length: count }, one)).then(() => () => stop.abort());
}

function token(claims) {
  const text = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const said = `${text({ alg: "HS256", typ: "JWT" })}.${text({ exp, ...claims })}`;
  return `${said}.${createHmac("sha256", SECRET).update(said).digest("base64url")}`;
}

const value = (page, field) => page.textContent(`[data-field=${field}] .value`);

function untilValue(page, field, is) {
  return page.waitForFunction(([field, is]) => new RegExp(is).test(document.querySelector(`[data-field=${field}] .value`)?.textContent), [field, is.source]);
}

test("numbers and charts move with what happens", async (t) => {
  const server = await startServer(t);
  await server.append("ann", { cmd: "x", data: 0 });
  const page = await openLive(await visitor(browser, server));
  await untilValue(page, "followers", /^0$/);
  await page.waitForSelector('#files li:has-text("ann")');
  const leave = await follow(t, server, "user=ann", 3);
  await untilValue(page, "followers", /^3$/);
  await untilValue(page, "streams", /^2$/);
  await page.waitForSelector('.plot[aria-label="Followers: online 3 now"]');
  await page.waitForSelector('#users li:has-text("ann"):has-text("3")');
  assert.equal(await page.$$eval("#newest li", (rows) => rows.length), 3);

  await server.append("ann", { cmd: "x", data: 1 }, { cmd: "x", data: 2 });
  await untilValue(page, "deliveries", /^[1-9]/);
  await untilValue(page, "p99", /^\d.*(µs|ms|s)$/);
  await appendFile(await server.path("ann"), '{"cmd":"x",}\n');
  const rejected = await page.waitForSelector("#rejected li:not(.none)");
  const text = await rejected.textContent();
  assert.match(text, /broken JSON.*YW5u\.stream:4:\d+ · of ann.*correct the line/);
  leave();
  await page.waitForSelector("#recent li:has-text('ann') .mood[data-mood=soft]:text-is('left')");
  await untilValue(page, "followers", /^0$/);
});

test("the charts are drawn, in the colours of light and dark", async (t) => {
  const server = await startServer(t);
  await follow(t, server, "user=ann", 2);
  for (const colorScheme of ["light", "dark"]) {
    const page = await openLive(await visitor(browser, server, { colorScheme }));
    await server.append("ann", { n: 1 });
    await untilValue(page, "p99", /^\d/);
    const reached = await page.waitForFunction(() => {
      const coloured = [...document.querySelectorAll(".uplot canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
          const [red, green, blue, alpha] = data.subarray(at, at + 4);
          if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) count += 1;
        }
        return count;
      });
      return coloured.length === 4 && coloured.every((count) => count > 10);
    });
    assert.ok(await reached.jsonValue());
    await page.check("[name=span][value='900']", { force: true });
    await page.close();
  }
});

test("a lost connection is said, with the time that the numbers are from, until it is back", async (t) => {
  const server = await startServer(t);
  const who = await visitor(browser, server);
  who.allow(/ERR_|Failed to load resource/);
  const page = await openLive(who);
  await untilValue(page, "followers", /^0$/);
  assert.ok(await page.isHidden("#lost"));
  await server.stop();
  await page.waitForSelector("#lost:visible");
  assert.equal(await page.textContent("#badge"), "Reconnecting…");
  assert.equal(await page.getAttribute("body", "data-link"), "waiting");
  assert.match(await page.textContent("#lost"), /^No connection since \d\d:\d\d:\d\d \(\d+ s\)\. All numbers are from \d\d:\d\d:\d\d\.$/);
  assert.equal(await value(page, "followers"), "0");
  await assertAccessible(page);
  await server.start();
  await live(page);
  assert.ok(await page.isHidden("#lost"));
});

test("a connection that is silent is opened anew", async (t) => {
  const server = await startServer(t);
  const who = await visitor(browser, server);
  const page = await who.context.newPage();
  await page.clock.install();
  await page.goto(new URL("status", server.url).href);
  await live(page);
  const again = page.waitForRequest((request) => request.method() === "GET" && request.url().endsWith("/status/events"));
  await page.clock.fastForward(11_000);
  await again;
  await live(page);
});

test("an administrator logs in", async (t) => {
  const server = await startServer(t, SECURED);
  const who = await visitor(browser, server);
  who.allow(REFUSED);
  const page = await open(who);
  await page.waitForSelector("#door:visible");
  assert.equal(await page.textContent("#door-title"), "For administrators");
  await assertAccessible(page);
  const logIn = async (name, password) => {
    await page.fill("#username", name);
    await page.fill("#password", password);
    await page.press("#password", "Enter");
  };
  await logIn("root", "wrong");
  await page.waitForSelector('#door-why:text-is("Wrong username or password.")');
  await logIn("service", "the client's password");
  await page.waitForSelector('#door-why:has-text("claim admin")');
  await logIn("root", "the admin's password");
  await live(page);
  assert.ok(await page.isHidden("#door"));
  await page.reload();
  await live(page);
  assert.match(await page.textContent("#about"), /secured: by token/);
});

test("a token that is pasted lets in until it expires, and not beyond the tab", async (t) => {
  const server = await startServer(t, SECURED);
  const who = await visitor(browser, server);
  who.allow(REFUSED);
  const page = await open(who);
  await page.waitForSelector("#door:visible");
  const paste = async (text) => {
    await page.fill("#token", text);
    await page.press("#token", "Enter");
  };
  await paste("<b>x</b>");
  await page.waitForSelector('#door-why:text-is("The token is no JSON Web Token.")');
  await paste(token({ userId: "ann" }));
  await page.waitForSelector('#door-why:has-text("claim admin")');
  await paste(token({ admin: true }));
  await live(page);
  await page.reload();
  await live(page);
  const other = await open(who);
  await other.waitForSelector("#door:visible");
  await other.fill("#token", token({ admin: true, exp: Math.floor(Date.now() / 1000) + 6 }));
  await other.press("#token", "Enter");
  await live(other);
  await other.waitForSelector('#door:visible #door-why:has-text("expired")');
  assert.equal(await other.textContent("#badge"), "Not let in");
  assert.ok(await other.isHidden("#shown"));
});

test("the refusal of one token does not reach the next", async (t) => {
  const server = await startServer(t, SECURED);
  const who = await visitor(browser, server);
  who.allow(REFUSED);
  const page = await open(who);
  await page.waitForSelector("#door:visible");
  let answer;
  const held = new Promise((resolve) => (answer = resolve));
  await page.route("**/status/events?token=first", async (route) => {
    await held;
    await route.continue();
  });
  const asked = page.waitForRequest((request) => request.url().endsWith("token=first"));
  const paste = async (text) => {
    await page.fill("#token", text);
    await page.press("#token", "Enter");
  };
  await paste("first");
  await asked;
  await paste(token({ admin: true }));
  await live(page);
  const refused = page.waitForResponse((answer) => answer.request().method() === "GET" && answer.url().endsWith("token=first"));
  answer();
  await refused;
  // Whatever the page does about it is done before it hears of something else.
  await page.evaluate(() => fetch("me").then((answer) => answer.text()));
  await live(page);
  await page.reload();
  await live(page);
});

test("in open mode, who comes from elsewhere is told how to see it", async (t) => {
  const server = await startServer(t);
  const who = await visitor(browser, server, { extraHTTPHeaders: { "x-forwarded-for": "192.0.2.1" } });
  who.allow(REFUSED);
  const page = await open(who);
  await page.waitForSelector("#door:visible");
  assert.equal(await page.textContent("#door-title"), "Only on the server's own machine");
  assert.match(await page.textContent("#door-line"), /^ssh -L 8000:127\.0\.0\.1:\d+ 127\.0\.0\.1\nhttp:\/\/127\.0\.0\.1:8000\/status$/);
  assert.ok(await page.isHidden("#login"));
  assert.ok(await page.isHidden("#by-token"));
  await assertAccessible(page);
});

test("names stay text", async (t) => {
  const server = await startServer(t);
  const names = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "\"><svg onload=alert(1)>",
    "</li></ol><form action=//evil.invalid><input>",
    "' onmouseover='alert(1)",
    "&lt;b&gt;&amp;",
    "\u202eright to left",
    "__proto__",
    "constructor",
    "n".repeat(180),
  ];
  const paths = [];
  for (const name of names) {
    const channel = [...name].slice(0, 60).join("");
    const path = await server.path([name, `--channel=${channel}`]);
    await mkdir(dirname(path), { recursive: true });
    await appendFile(path, "{}\n");
    await follow(t, server, `user=${encodeURIComponent(name)}&channel=${encodeURIComponent(channel)}`);
    paths.push(path);
  }
  const page = await openLive(await visitor(browser, server));
  for (const path of paths) await appendFile(path, "[]\n");
  const leave = await follow(t, server, `user=${encodeURIComponent(names[0])}`);
  leave();
  await page.waitForSelector("#recent .mood[data-mood=soft]");
  await page.waitForFunction((count) => document.querySelectorAll("#users li").length >= count, names.length);
  await page.waitForFunction((count) => document.querySelectorAll("#files li").length >= count, names.length);
  await page.waitForFunction((count) => document.querySelectorAll("#rejected li").length >= count, names.length);
  const read = await page.$$eval("#users .name, #newest .name, #recent .name", (all) => all.map((one) => one.textContent));
  for (const name of names) assert.ok(read.includes(name), `${name} is not shown as it is`);
  const tags = await page.$$eval(".lists ol *", (all) => all.map((one) => one.tagName));
  assert.deepEqual([...new Set(tags)].toSorted(), ["BDI", "LI", "SPAN", "TIME"]);
  const attributes = await page.$$eval(".lists ol *", (all) => all.flatMap((one) => one.getAttributeNames()));
  assert.deepEqual([...new Set(attributes)].toSorted(), ["class", "data-mood", "datetime", "style", "title"]);
  await assertAccessible(page);
});

for (const width of [360, 390, 768, 1280]) {
  test(`nothing is cut off at ${width} pixels, and all is accessible`, async (t) => {
    const server = await startServer(t);
    const isMobile = width < 800;
    const options = { viewport: { width, height: 844 }, isMobile, hasTouch: isMobile, colorScheme: width === 390 ? "dark" : "light" };
    const long = "a-very-long-name-without-any-place-to-break-".repeat(4);
    await follow(t, server, `user=${long}&channel=${"c".repeat(80)}`, 2);
    await server.append(long, { n: 1 });
    await appendFile(await server.path(long), "[]\n");
    const page = await openLive(await visitor(browser, server, options));
    await page.waitForSelector("#newest li:not(.none)");
    await page.waitForSelector("#files li:not(.none)");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    for (const plot of await page.$$(".plot")) {
      const { width: drawn } = await (await plot.$("canvas")).boundingBox();
      assert.ok(drawn <= (await plot.boundingBox()).width + 1);
    }
    await assertAccessible(page);
  });
}
