// Toasts: every field, how they come and go, by mouse, keyboard and screen reader.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, launch, startServer, toast, toasts, visitor } from "./kit.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A page of ann's whose link the page itself holds: `voice` is what it answers, `said` what it told, and `other(message)` is another tab. */
const LINKED = `
  var voice = true, said = [], hearers = [];
  function other(message) { for (const fn of hearers) fn(message); }
  window.tailcast = { on() {} };
  Promise.all([import("/js/tailcast.js"), import("/js/link/shared.js")]).then(([{ connect }, { shared }]) => {
    const link = (...given) => {
      const real = shared(...given);
      return {
        listen: (name) => real.listen(name),
        close: () => real.close(),
        voice: async () => voice,
        tell: (message) => said.push(message),
        told: (fn) => hearers.push(fn),
      };
    };
    window.tailcast = connect({ link });
  });
`;

async function ann(t, script = "", { page: options = {}, context = {}, from = browser, init = null } = {}) {
  const server = await startServer(t);
  const visit = await visitor(from, server, context);
  if (init) await visit.context.addInitScript(init);
  const page = await visit.ownPage("ann", script, options);
  return { server, visit, page, notify: (data) => server.notify("ann", data), send: (...records) => server.append("ann", ...records) };
}

/** Waits until no toast has this text. */
function without(page, text) {
  return page.waitForFunction((text) => ![...document.querySelectorAll(".iziToast")].some((one) => one.textContent.includes(text)), text);
}

function live(page, role) {
  return page.$eval(`.tailcast-live[role=${role}]`, (region) => [...region.children].map((line) => line.textContent));
}

test("what the PHP demo sends, and every field", async (t) => {
  const { page, visit, notify } = await ann(t, "var ran = []; function ssepick(data) { ran.push(data); }");
  await notify({ text: "тестовая уведомляшка", title: "user: ann", color: "yellow", sound: "finally", icon: "warning" });
  await toast(page, "тестовая уведомляшка");
  await visit.requested("/sounds/finally.wav");
  assert.deepEqual(await toasts(page), [{ title: "user: ann", text: "тестовая уведомляшка", icon: "warning", colour: "yellow", buttons: [] }]);

  await notify({
    color: "green", icon: "Email", image: PIXEL, title: "All", text: "of it", type: "msg", time: 0, sound: "bell", volume: 30,
    button: { name: "Go", func: "window.location='/?gone'" },
  });
  const shown = await toast(page, "of it");
  await visit.requested("/sounds/bell.wav");
  assert.deepEqual((await toasts(page)).at(-1), { title: "All", text: "of it", icon: "email", colour: "green", buttons: ["Go"] });
  assert.equal(await shown.$eval(".iziToast-cover", (cover) => cover.style.backgroundImage), `url("${PIXEL}")`);
  await notify({ text: "other", button: { name: "Run", cmd: "pick", data: 1 }, time: 0 });
  await (await (await toast(page, "other")).$("text=Run")).click();
  assert.deepEqual(await page.evaluate(() => ran), [1]);
  await (await shown.$("text=Go")).click();
  await page.waitForURL("**/?gone");
});

test("each position is where it says; others are the usual one", async (t) => {
  const { page, notify } = await ann(t);
  const sides = { bottomRight: [1, 1], bottomLeft: [-1, 1], bottomCenter: [0, 1], topRight: [1, -1], topLeft: [-1, -1], topCenter: [0, -1], center: [0, 0] };
  for (const [position, side] of [...Object.entries(sides), ["middle", [1, 1]]]) {
    await notify({ title: `at ${position}`, position, time: 0 });
    await (await toast(page, `at ${position}`)).waitForElementState("stable");
    const found = await page.evaluate((title) => {
      const one = [...document.querySelectorAll(".iziToast")].find((toast) => toast.textContent.includes(title));
      const { x, y, width, height } = one.getBoundingClientRect();
      const third = (at, all) => Math.sign(Math.round(((at / all) * 2 - 1) * 1.5));
      return [third(x + width / 2, innerWidth), third(y + height / 2, innerHeight)];
    }, `at ${position}`);
    assert.deepEqual(found, side, position);
    await notify({ type: "destroy" });
    await page.waitForFunction(() => document.querySelectorAll(".iziToast").length === 0);
  }
});

test("a link is as large as its toast, and a link to the mouse's other buttons and the keyboard", async (t) => {
  const { page, visit, notify } = await ann(t, "var ran = 0; function sseran() { ran += 1; }");
  await notify({ title: "read", text: "me", url: "#there", time: 0, button: { name: "Run", cmd: "ran" } });
  let shown = await toast(page, "read");
  await shown.waitForElementState("stable");
  // The button is above it.
  await (await shown.$("text=Run")).click();
  assert.deepEqual([await page.evaluate(() => ran), new URL(page.url()).hash], [1, ""]);
  await without(page, "read");

  // At its very edge.
  await notify({ text: "only text", url: "#edge", time: 0 });
  shown = await toast(page, "only text");
  await shown.waitForElementState("stable");
  await shown.click({ position: { x: 4, y: 30 } });
  await page.waitForURL("**/own.html#edge");
  await without(page, "only text");

  // In a new tab the toast stays.
  await notify({ title: "new tab", url: "/?tab", time: 0 });
  shown = await toast(page, "new tab");
  await shown.waitForElementState("stable");
  const opened = visit.context.waitForEvent("page");
  await shown.click({ button: "middle" });
  const tab = await opened;
  await tab.waitForURL("**/?tab");
  await tab.close();
  await page.bringToFront();
  assert.equal(await page.evaluate(() => document.querySelectorAll(".iziToast-closing").length), 0);
  await (await shown.$(".iziToast-close")).click();
  await without(page, "new tab");

  await notify({ icon: "email", url: "/?keyboard", time: 0 });
  shown = await page.waitForSelector(".iziToast-opened a", { state: "attached" });
  assert.equal(await shown.getAttribute("aria-label"), new URL("/?keyboard", page.url()).href);
  await shown.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/?keyboard");
});

test("an address that is none makes no link", async (t) => {
  const { page, notify } = await ann(t);
  await notify({ title: "plain", url: "javascript:alert(1)" });
  assert.equal(await (await toast(page, "plain")).$("a"), null);
});

test("the same id replaces a toast where it is, and dismiss takes it back", async (t) => {
  const { page, notify, send } = await ann(t);
  await notify({ title: "10 %", id: "job", time: 0 });
  await notify({ title: "other", time: 0 });
  await toast(page, "other");
  await (await (await toast(page, "10 %")).$(".iziToast-close")).focus();
  await notify({ title: "60 %", id: "job", time: 0 });
  await toast(page, "60 %");
  assert.deepEqual((await toasts(page)).map(({ title }) => title), ["60 %", "other"], "at once, and in its place");
  assert.equal(await page.evaluate(() => document.activeElement.closest(".iziToast").textContent), "60 %", "with the focus");

  await notify({ title: "moved", id: "job", time: 0, position: "topLeft" });
  await toast(page, "moved");
  assert.deepEqual((await toasts(page)).map(({ title }) => title), ["other", "moved"]);
  await notify({ title: "number", id: 5, time: 0 });
  await send({ cmd: "dismiss", data: "no such" }, { cmd: "dismiss", data: {} }, { cmd: "dismiss" }, { cmd: "dismiss", data: { id: "job" } });
  await without(page, "moved");
  await send({ cmd: "dismiss", data: "5" });
  await without(page, "number");
  await send({ cmd: "notify", data: { title: "short", id: "s" } }, { cmd: "dismiss", data: "s" }, { cmd: "notify", data: { title: "last" } });
  await toast(page, "last");
  await without(page, "short");
  assert.ok((await toasts(page)).some(({ title }) => title === "other"));
});

test("what is dismissed before the first toast is loaded is never left behind", async (t) => {
  const { page, send } = await ann(t);
  await send({ cmd: "dismiss", data: "x" }, { cmd: "notify", data: { title: "gone", id: "x", time: 0 } }, { cmd: "dismiss", data: "x" }, { cmd: "notify", data: { title: "stays", id: "y", time: 0 } });
  await toast(page, "stays");
  await without(page, "gone");
});

test("closed by hand here is closed in the other tabs; what times out is not", async (t) => {
  const { page, notify } = await ann(t, LINKED);
  await notify({ title: "by hand", time: 0 });
  await notify({ title: "by button", time: 0, button: { name: "Go", cmd: "reload-nothing" } });
  await notify({ title: "by link", time: 0, url: "#x" });
  await notify({ title: "in time", time: 1 });
  await toast(page, "in time");
  await without(page, "in time");
  assert.deepEqual(await page.evaluate(() => said), []);
  await (await (await toast(page, "by hand")).$(".iziToast-close")).click();
  await page.waitForFunction(() => said.length === 1);
  await (await (await toast(page, "by button")).$("text=Go")).click();
  await page.waitForFunction(() => said.length === 2);
  await (await toast(page, "by link")).click();
  await page.waitForFunction(() => said.length === 3);
  const said = await page.evaluate(() => said);
  assert.equal(new Set(said.map(({ record }) => record)).size, 3);
  assert.ok(said.every(({ toast, record }) => toast === "closed" && record.length > 0));
});

test("what another tab closed closes here, and is not told again", async (t) => {
  const { page, notify } = await ann(t, `${LINKED}
    var ids = [];
    const wait = setInterval(() => window.tailcast.on && (clearInterval(wait), window.tailcast.on("record", ({ id }) => ids.push(id))), 1);`);
  await page.evaluate(() => window.tailcast.on("record", ({ id }) => window.ids.push(id)));
  await notify({ title: "one", time: 0 });
  await notify({ title: "two", time: 0 });
  await toast(page, "two");
  await page.evaluate(() => {
    other({ toast: "closed", record: window.ids[0] });
    for (const message of [{ toast: "closed" }, { toast: "closed", record: 5 }, { record: "x" }, null, "x"]) other(message);
  });
  await without(page, "one");
  assert.deepEqual((await toasts(page)).map(({ title }) => title), ["two"]);
  assert.deepEqual(await page.evaluate(() => said), []);
});

const NOTIFICATIONS = () => {
  window.notifications = [];
  window.hiddenNow = false;
  window.permissionNow = "granted";
  Object.defineProperty(document, "hidden", { get: () => window.hiddenNow });
  window.Notification = class {
    static get permission() {
      return window.permissionNow;
    }
    static async requestPermission() {
      return window.permissionNow;
    }
    constructor(title, options) {
      Object.assign(this, { title, options, closed: false });
      window.notifications.push(this);
    }
    close() {
      this.closed = true;
      this.onclose?.();
    }
  };
};
const notifications = (page) => page.evaluate(() => notifications.map(({ title, options, closed }) => ({ title, ...options, closed })));

test("a notification of the system, if the tab is hidden and the person allowed it", async (t) => {
  const { page, notify, send } = await ann(t, LINKED, { init: NOTIFICATIONS });
  const data = { title: "T", text: "B", desktop: true, id: "d", image: PIXEL, sound: "bell", url: "#followed", time: 0 };
  const shows = async (title) => {
    await notify({ ...data, title });
    await notify({ title: `after ${title}`, time: 0 });
    await toast(page, `after ${title}`);
  };
  await shows("seen");
  await page.evaluate(() => ((hiddenNow = true), (voice = false)));
  await shows("of the other tab");
  await page.evaluate(() => ((voice = true), (permissionNow = "denied")));
  await shows("denied");
  await page.evaluate(() => (permissionNow = "default"));
  await shows("not asked");
  assert.equal(await page.evaluate(async () => window.tailcast.askDesktop()), false);
  assert.deepEqual(await notifications(page), []);

  await page.evaluate(() => (permissionNow = "granted"));
  assert.equal(await page.evaluate(async () => window.tailcast.askDesktop()), true);
  await shows("hidden");
  await page.waitForFunction(() => notifications.length === 1);
  assert.deepEqual(await notifications(page), [{ title: "hidden", body: "B", silent: false, tag: "d", icon: PIXEL, closed: false }]);
  await toast(page, "hidden");

  await send({ cmd: "dismiss", data: "d" });
  await page.waitForFunction(() => notifications[0].closed);
  await notify({ text: "only text", desktop: true, url: "#followed", time: 0 });
  await page.waitForFunction(() => notifications.length === 2);
  const [, second] = await notifications(page);
  assert.deepEqual({ ...second, tag: "" }, { title: "only text", body: "", silent: true, tag: "", closed: false });
  assert.ok(second.tag, "the record is its tag");
  await page.evaluate(() => notifications[1].onclick());
  await page.waitForURL("**/own.html#followed");
  await without(page, "only text");
  assert.equal(await page.evaluate(() => said.length), 1, "that is by hand");

  await notify({ text: "all", desktop: true });
  await page.waitForFunction(() => notifications.length === 3);
  await notify({ type: "destroy" });
  await page.waitForFunction(() => notifications[2].closed);
});

test("a browser that knows no notifications of the system, or refuses to make one, shows the toast", async (t) => {
  for (const init of [() => delete window.Notification, () => (window.Notification = Object.assign(() => {}, { permission: "granted" }))]) {
    const { page, notify } = await ann(t, "", { init: `(${NOTIFICATIONS})(); hiddenNow = true; (${init})();` });
    await notify({ text: "here", desktop: true });
    await toast(page, "here");
  }
});

const PLAYS = () => {
  window.plays = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    const entry = { name: this.src.split("/").pop(), volume: this.volume, outcome: null };
    window.plays.push(entry);
    const done = play.call(this);
    done.then(() => (entry.outcome = "heard"), (error) => (entry.outcome = error.name));
    return done;
  };
};

test("a sound is played in the tab that has the voice, and a flood is one", async (t) => {
  const { page, notify, send } = await ann(t, LINKED, { init: PLAYS });
  await notify({ text: "first", sound: "bell", volume: 0.25 });
  await page.waitForFunction(() => plays[0]?.outcome === "heard");
  assert.equal(await page.evaluate(() => plays[0].volume), 0.25);
  await page.evaluate(() => ((plays.length = 0), (voice = false)));
  await notify({ text: "elsewhere", sound: "chime" });
  await toast(page, "elsewhere");
  await page.evaluate(() => (voice = true));
  const flood = Array.from({ length: 20 }, (_, n) => ({ cmd: "notify", data: { text: `n${n}`, sound: n % 2 ? "pluck" : "droplet" } }));
  await send(...flood, { cmd: "notify", data: { text: "last", sound: "office" } });
  await toast(page, "last");
  await page.waitForFunction(() => plays.some(({ name, outcome }) => name === "office.wav" && outcome));
  const names = await page.evaluate(() => plays.map(({ name }) => name));
  assert.ok(!names.includes("chime.wav"));
  for (const name of ["pluck.wav", "droplet.wav"]) {
    const times = names.filter((one) => one === name).length;
    assert.ok(times >= 1 && times <= 4, `${name} ${times} times`);
  }
});

/** Waits in the page without what Playwright's own ways make of it: to the browser, each would be a gesture. */
async function quietly(page) {
  const session = await page.context().newCDPSession(page);
  const evaluate = async (expression, awaitPromise = false) => {
    const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise, returnByValue: true, userGesture: false });
    return result.value;
  };
  const until = (condition) => evaluate(`new Promise((done) => { (function look() { (${condition}) ? done() : setTimeout(look, 10); })(); })`, true);
  return { evaluate, until };
}

test("sounds before the first gesture wait for it, the newest alone, and one hint says so", async (t) => {
  const careful = await launch({ autoplay: "user-gesture-required" });
  t.after(() => careful.close());
  const { page, notify } = await ann(t, LINKED, { init: PLAYS, from: careful, page: { wait: false } });
  const { evaluate, until } = await quietly(page);
  const list = () => evaluate("plays.map(({ name, outcome }) => `${name} ${outcome}`)");
  const hints = () => evaluate("[...document.querySelectorAll('.iziToast')].map((one) => one.textContent).filter((text) => text.includes('Sounds are on after your first click or key press.'))");
  const begin = () => until("window.tailcast?.state === 'open' && window.tailcast.user");
  await begin();
  await notify({ text: "one", sound: "bell", time: 0 });
  await until("document.querySelectorAll('.iziToast').length === 2");
  const [hint] = await hints();
  assert.match(hint, /^volume_off/);
  await notify({ text: "two", sound: "chime", time: 0 });
  await until("plays.length === 2 && plays.every(({ outcome }) => outcome)");
  assert.deepEqual(await list(), ["bell.wav NotAllowedError", "chime.wav NotAllowedError"]);
  assert.equal((await hints()).length, 1);

  // Not again in this session, though the page is a new one.
  await page.reload();
  await begin();
  await notify({ text: "four", sound: "error", time: 0 });
  await until("plays.length === 1 && plays[0].outcome");
  await notify({ text: "five" });
  await until("document.body.textContent.includes('five')");
  assert.deepEqual([await list(), await hints()], [["error.wav NotAllowedError"], []]);

  await page.keyboard.press("Escape"); // is no gesture to a browser
  await until("plays.length === 2 && plays[1].outcome");
  await page.keyboard.press("a");
  await until("plays.length === 3 && plays[2].outcome");
  assert.deepEqual(await list(), ["error.wav NotAllowedError", "error.wav NotAllowedError", "error.wav heard"]);
  await page.keyboard.press("b");
  await page.mouse.click(5, 5);
  await notify({ text: "three", sound: "pluck" });
  await until("plays.at(-1).name === 'pluck.wav' && plays.at(-1).outcome === 'heard'");
  assert.equal((await list()).length, 4);
});

test("a button's func: plain moves work, all else is left out and said", async (t) => {
  const { page, visit, notify } = await ann(t);
  const button = [
    { name: "Alert", func: "alert(1)" },
    { name: "Evil", func: "location='javascript:alert(1)'" },
    { name: "Reload", func: "location.reload()" },
    { name: "Open", func: "window.open('/?opened')" },
    { name: "Replace", func: "location.replace(\"#replaced\")" },
  ];
  for (const title of ["first", "second", "third"]) await notify({ title, time: 0, button });
  await toast(page, "third");
  assert.deepEqual((await toasts(page)).map(({ buttons }) => buttons), Array(3).fill(["Reload", "Open", "Replace"]));
  const warnings = visit.warnings.filter((text) => text.startsWith("tailcast: the button"));
  assert.equal(warnings.length, 2, warnings.join("\n"));
  assert.match(warnings[0], /"Alert" is left out.*url or cmd.*data-allow-func/);
  assert.match(warnings[1], /"Evil"/);

  const press = async (title, name) => (await (await toast(page, title)).$(`text=${name}`)).click();
  const opened = visit.context.waitForEvent("page");
  await press("first", "Open");
  const tab = await opened;
  await tab.waitForURL("**/?opened");
  assert.equal(await tab.evaluate(() => window.opener), null);
  await tab.close();
  const length = await page.evaluate(() => history.length);
  await press("second", "Replace");
  await page.waitForURL("**/own.html#replaced");
  assert.equal(await page.evaluate(() => history.length), length);
  const loaded = page.waitForEvent("load");
  await press("third", "Reload");
  await loaded;
  await page.waitForFunction(() => window.tailcast?.state === "open");
  await page.evaluate(() => (location.hash = "forward"));
  await notify({ title: "fourth", button: { name: "Back", func: "history.back()" } });
  await press("fourth", "Back");
  await page.waitForURL("**/own.html#replaced");
  // Nothing else stands there: no empty toast.
  await notify({ button: { name: "Alert", func: "alert(1)" } });
  await notify({ title: "last" });
  await toast(page, "last");
  assert.ok(!(await toasts(page)).some(({ title, text }) => title === null && text === null));
  assert.ok(!visit.requests.some(({ pathname }) => pathname.endsWith("allowed-func.js")));
});

test("with data-allow-func, func is the page's own code", async (t) => {
  const { page, visit, notify } = await ann(t, "var ran = [];", { page: { sse: "data-allow-func", csp: null } });
  visit.allow(/broken on purpose/);
  await notify({ title: "code", time: 0, button: [{ name: "Run", func: "ran.push(this === window, location.pathname)" }, { name: "Move", func: "location='#moved'" }] });
  await (await (await toast(page, "code")).$("text=Run")).click();
  await page.waitForFunction(() => ran.length === 2);
  assert.deepEqual(await page.evaluate(() => ran), [true, "/site/own.html"]);
  await notify({ title: "no code", button: { name: "Broken", func: "this is none" } });
  await (await (await toast(page, "no code")).$("text=Broken")).click();
  await notify({ title: "error", button: { name: "Throw", func: "throw new Error('broken on purpose')" } });
  const thrown = visit.context.waitForEvent("weberror");
  await (await (await toast(page, "error")).$("text=Throw")).click();
  await thrown;
  assert.match(visit.warnings.find((text) => text.includes("Broken")), /is no JavaScript/);
});

test("with data-allow-func under a policy that forbids it, the warning says how to mend it", async (t) => {
  const { page, visit, notify } = await ann(t, "", { page: { sse: "data-allow-func" } });
  visit.allow(/unsafe-eval|content security policy: script-src/);
  await notify({ title: "code", button: { name: "Run", func: "alert(1)" } });
  const warning = page.waitForEvent("console", (message) => message.text().startsWith("tailcast: the button"));
  await (await (await toast(page, "code")).$("text=Run")).click();
  assert.match((await warning).text(), /"Run" cannot run its func: add 'unsafe-eval'/);
});

test("many old notifications are one, which opens their list", async (t) => {
  const { page, server } = await ann(t, "var shown = []; document.addEventListener('tailcast-missed', (event) => { event.preventDefault(); shown.push(event.detail.items); });");
  const show = (count) =>
    page.evaluate(async (count) => {
      const { missed } = await import("/js/toast/toaster.js");
      const link = { voice: async () => true, tell() {}, told() {} };
      const context = (n) => ({ root: new URL("/", location.href), run() {}, record: { id: `r${n}`, missed: true }, allowFunc: false, link, quiet: false });
      await missed(Array.from({ length: count }, (_, n) => ({ data: { title: `title ${n}`, sound: "bell" }, context: context(n) })));
    }, count);
  await show(12);
  const one = await toast(page, "12 missed");
  assert.deepEqual(await toasts(page), [{ title: "12 missed", text: "title 11", icon: "notifications", colour: null, buttons: ["Show"] }]);
  assert.deepEqual(await live(page, "status"), ["12 missed\ntitle 11"]);
  await one.waitForElementState("stable");
  await one.click({ position: { x: 4, y: 30 } });
  await page.waitForFunction(() => shown.length === 1);
  const [items] = await page.evaluate(() => shown);
  assert.equal(items.length, 12);
  assert.deepEqual(items[3], { data: { title: "title 3", sound: "bell" }, record: { id: "r3", missed: true } });
  await without(page, "12 missed");

  await show(7);
  await (await (await toast(page, "7 missed")).$("text=Show")).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => shown.length === 2);

  // Nobody else opens it: our own list does.
  await page.route("**/js/inbox/missed.js", (route) =>
    route.fulfill({ contentType: "text/javascript", body: "export function openMissed(items, { root }) { window.opened = [items.length, String(root)]; }" }),
  );
  await page.evaluate(() => document.addEventListener("tailcast-missed", (event) => event.stopImmediatePropagation(), { capture: true, once: true }));
  await page.evaluate(() => window.addEventListener("tailcast-missed", (event) => event.stopImmediatePropagation(), { capture: true }));
  await show(6);
  await (await (await toast(page, "6 missed")).$("text=Show")).click();
  await page.waitForFunction(() => window.opened);
  assert.deepEqual(await page.evaluate(() => window.opened), [6, server.url]);
});

test("a screen reader hears each toast once, and red ones at once", async (t) => {
  const { page, notify } = await ann(t);
  await notify({ title: "Polite", text: "<b>text</b>", time: 0 });
  await toast(page, "Polite");
  assert.deepEqual(await live(page, "status"), ["Polite\n<b>text</b>"]);
  assert.deepEqual(await live(page, "alert"), []);
  await notify({ text: "Alarm", color: "red", time: 0 });
  await toast(page, "Alarm");
  assert.deepEqual(await live(page, "alert"), ["Alarm"]);
  // The toasts themselves say nothing, and what was said goes.
  const roles = await page.$$eval(".iziToast, .iziToast *", (all) => [...new Set(all.map((one) => one.getAttribute("role") ?? one.getAttribute("aria-live")))]);
  assert.deepEqual(roles, ["group", null]);
  assert.deepEqual(await page.$$eval(".iziToast", (all) => all.map((one) => one.getAttribute("aria-label"))), ["Polite\n<b>text</b>", "Alarm"]);
  await page.waitForFunction(() => document.querySelectorAll(".tailcast-live > *").length === 0);
  const box = await page.$eval(".tailcast-live", (region) => getComputedStyle(region).width);
  assert.equal(box, "1px");
});

test("by keyboard: in order, Escape closes, and the focus goes on", async (t) => {
  const { page, notify } = await ann(t, "document.addEventListener('DOMContentLoaded', () => document.body.prepend(Object.assign(document.createElement('input'), { id: 'field' }))); var escapes = 0; document.addEventListener('keydown', ({ key }) => (escapes += key === 'Escape'));");
  await page.focus("#field");
  await notify({ title: "one", time: 0, url: "#x", button: { name: "Do", cmd: "x" } });
  await notify({ title: "two", time: 0 });
  await toast(page, "two");
  assert.equal(await page.evaluate(() => document.activeElement.id), "field", "the focus is never taken");
  const at = () => page.evaluate(() => `${document.activeElement.closest(".iziToast")?.ariaLabel ?? document.activeElement.id}: ${document.activeElement.textContent || document.activeElement.ariaLabel}`);
  const stops = [];
  const ringed = () => page.$eval(".iziToast", (one) => getComputedStyle(one).outlineStyle);
  await page.keyboard.press("Tab");
  assert.equal(await ringed(), "solid", "the whole toast is the link, and shows the focus");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await ringed(), "none");
  for (let n = 0; n < 4; n++) {
    await page.keyboard.press("Tab");
    stops.push(await at());
  }
  assert.deepEqual(stops, ["one: one", "one: Do", "one: Close", "two: Close"]);
  await page.keyboard.press("Escape");
  assert.equal(await at(), "one: Close");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.id), "field");
  assert.equal(await page.evaluate(() => escapes), 0, "the page does not take them for its own");
  await without(page, "two");

  // A mouse leaves the focus where it was.
  await notify({ title: "three", time: 0 });
  await notify({ title: "four", time: 0 });
  await toast(page, "four");
  await (await (await toast(page, "three")).$(".iziToast-close")).click();
  assert.equal(await page.evaluate(() => document.activeElement.id), "field");
});

test("a toast that is pointed at or has the focus stays, and goes after that", async (t) => {
  const { page, notify } = await ann(t);
  const paused = (text) => page.waitForFunction((text) => [...document.querySelectorAll(".iziToast-paused")].some((one) => one.textContent.includes(text)), text);
  await notify({ title: "held", time: 600 });
  await (await (await toast(page, "held")).$(".iziToast-close")).focus();
  await paused("held");
  await notify({ title: "measure", time: 1500, position: "topLeft" });
  await toast(page, "measure");
  await without(page, "measure");
  assert.deepEqual((await toasts(page)).map(({ title }) => title), ["held"]);
  await (await toast(page, "held")).hover();
  await page.evaluate(() => document.activeElement.blur());
  await notify({ title: "again", time: 1500, position: "topLeft" });
  await toast(page, "again");
  await without(page, "again");
  assert.deepEqual((await toasts(page)).map(({ title }) => title), ["held"]);
  await page.mouse.move(1, 1);
  await without(page, "held");
});

/** Counts the toasts that are on the page at most, and those that iziToast is done with. */
const MOST = `
  var most = 0, done = 0;
  document.addEventListener("iziToast-closed", () => (done += 1));
  new MutationObserver(() => (most = Math.max(most, document.querySelectorAll(".iziToast").length))).observe(document, { childList: true, subtree: true });
`;

test("no more than fit any screen are on the page, and the oldest go at once", async (t) => {
  const { page, send } = await ann(t, MOST);
  for (let at = 0; at < 70; at += 10) {
    await send(...Array.from({ length: 10 }, (_, n) => ({ cmd: "notify", data: { title: `n${at + n}.`, time: 60_000 } })));
    await toast(page, `n${at + 9}.`);
    if (at === 0) await (await (await toast(page, "n0.")).$(".iziToast-close")).focus();
  }
  assert.deepEqual([(await toasts(page)).length, (await toasts(page))[0].title], [50, "n20."]);
  assert.ok((await page.evaluate(() => most)) <= 51);
  assert.equal(await page.evaluate(() => document.activeElement.className), "iziToast-close", "the focus goes on");
  // Its timers of those that went at once run to their end, and throw nothing.
  await page.waitForFunction(() => done === 20);
});

test("a burst is one toast with the newest, and its list has all", async (t) => {
  const { page, send } = await ann(t, `${MOST} var shown = []; document.addEventListener("tailcast-missed", (event) => { event.preventDefault(); shown = event.detail.items; });`);
  const burst = (from, to) => send(...Array.from({ length: to - from }, (_, n) => ({ cmd: "notify", data: { title: `n${from + n}.` } })));
  const titles = async () => (await toasts(page)).map(({ title }) => title);
  await send({ cmd: "notify", data: { title: "10 %", id: "job", time: 0 } });
  await toast(page, "10 %");
  await send(
    { cmd: "notify", data: { title: "60 %", id: "job", time: 0 } },
    { cmd: "notify", data: { title: "taken back", id: "x" } },
    ...Array.from({ length: 299 }, (_, n) => ({ cmd: "notify", data: { title: `n${n}.` } })),
    { cmd: "dismiss", data: "x" },
  );
  // The first is shown at once, before there is a burst.
  await toast(page, "299 notifications");
  await toast(page, "n298.");
  assert.ok((await titles()).includes("60 %") && !(await titles()).includes("taken back"));
  assert.ok((await page.evaluate(() => most)) <= 40, "at any time");

  // A burst that goes on makes it count on, in its place.
  await burst(299, 399);
  await toast(page, "398 notifications");
  assert.equal((await titles()).filter((title) => title.endsWith("notifications")).length, 1);
  await (await (await toast(page, "398 notifications")).$("text=Show")).click();
  assert.deepEqual(await page.evaluate(() => shown.map(({ data }) => data.title)), Array.from({ length: 399 }, (_, n) => `n${n}.`).toSpliced(299, 1));
  assert.ok(await page.evaluate(() => shown.every(({ record }) => record.id)));
});

test("who wants no motion sees none", async (t) => {
  const { page, notify } = await ann(t, "", { context: { reducedMotion: "reduce" } });
  await notify({ title: "still", text: "x", icon: "email", time: 60_000, button: { name: "Go", url: "/" } });
  const shown = await toast(page, "still");
  const moving = () => page.evaluate(() => document.getAnimations().map(({ effect }) => effect.target.className));
  assert.deepEqual(await moving(), []);
  await page.waitForFunction(() => document.querySelector(".iziToast-opened"));
  assert.deepEqual(await moving(), []);
  await (await shown.$(".iziToast-close")).click();
  assert.deepEqual(await moving(), []);
  assert.equal(await shown.isVisible(), false, "it is gone at once");
  await without(page, "still");
});

test("on a page of a script from right to left", async (t) => {
  const { page, notify } = await ann(t, "", { page: { html: 'dir="rtl"' } });
  await notify({ title: "מחר בשעה 9", text: "פגישה", icon: "event", image: PIXEL, time: 0, button: { name: "כן", cmd: "x" } });
  const shown = await toast(page, "פגישה");
  await shown.waitForElementState("stable");
  const box = async (selector) => page.$eval(selector, (one) => one.getBoundingClientRect().toJSON());
  const [whole, close, icon, title, cover] = await Promise.all([".iziToast", ".iziToast-close", ".iziToast-icon", ".iziToast-title", ".iziToast-cover"].map(box));
  assert.ok(whole.left < 40, "on the side where lines end");
  assert.ok(close.left - whole.left < 5 && close.right < title.right, "the close button is left");
  assert.ok(whole.right - cover.right < 2 && icon.left > title.left && icon.right <= cover.left, "the image is right, the icon beside it");
  assert.equal(await page.$eval(".iziToast-title", (one) => getComputedStyle(one).direction), "rtl");
  // A place that is asked for is as it says.
  await notify({ title: "right", position: "bottomRight", time: 0 });
  await (await toast(page, "right")).waitForElementState("stable");
  assert.ok((await page.$$eval(".iziToast", (all) => all.at(-1).getBoundingClientRect().right)) > 1_200);
});

const KINDS = [
  ["plain", [{ title: "Title", text: "Text", time: 0 }]],
  ["in every colour", ["blue", "green", "yellow", "orange", "red", "#fde68a", "#1e293b"].map((color) => ({ title: color, text: "Text on it", icon: "email", color, time: 0, button: { name: "Go", url: "/" } }))],
  ["with everything", [{ title: "Title", text: "Text", icon: "email", image: PIXEL, url: "/", time: 60_000, button: [{ name: "A", url: "/" }, { name: "B", cmd: "b" }] }]],
  ["in corners", ["topLeft", "center", "bottomRight"].map((position) => ({ title: position, position, time: 0 }))],
  ["with an icon alone", [{ icon: "email", url: "/", time: 0 }]],
];
for (const [name, all] of KINDS) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing wrong with toasts ${name}, ${colorScheme}`, async (t) => {
      const { page, send } = await ann(t, "", { context: { colorScheme, reducedMotion: "reduce" }, page: { html: 'style="color-scheme: light dark"', csp: null } });
      await page.evaluate(() => document.body.prepend(Object.assign(document.createElement("main"), { innerHTML: "<h1>Page</h1>" })));
      await send(...all.map((data) => ({ cmd: "notify", data })));
      await page.waitForFunction((count) => document.querySelectorAll(".iziToast-opened").length === count, all.length);
      await assertAccessible(page);
    });
  }
}
