// The parts of the link without a browser: what is kept, what is seen, when the connection is opened anew.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Alarm } from "../../../js/link/alarm.js";
import { connection } from "../../../js/link/connection.js";
import { feed } from "../../../js/link/feed.js";
import { Kept } from "../../../js/link/kept.js";
import { scope } from "../../../js/link/scope.js";
import { Seen } from "../../../js/link/seen.js";

class FakeSource extends EventTarget {
  static CLOSED = 2;
  static made = [];
  readyState = 0;
  constructor(url) {
    super();
    this.url = url;
    FakeSource.made.push(this);
  }
  close() {
    this.readyState = 2;
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
  fail(forGood) {
    this.readyState = forGood ? 2 : 0;
    this.onerror();
  }
  send(type, data, lastEventId) {
    const event = Object.assign(new Event(type), { data, lastEventId });
    if (type === "message") this.onmessage({ type, data, lastEventId });
    else this.dispatchEvent(event);
  }
}

/** A page whose clock, network and server the test holds in its hand. */
function stage(t, given = {}) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  FakeSource.made = [];
  const page = Object.assign(new EventTarget(), { document: Object.assign(new EventTarget(), { visibilityState: "visible" }) });
  const told = { states: [], events: [], lives: 0, page, statuses: [] };
  const hears = { state: (state) => told.states.push(state), event: (...event) => told.events.push(event), live: () => (told.lives += 1) };
  const status = async () => told.statuses.shift() ?? null;
  const link = connection(new URL("https://site.example/events"), hears, { Source: FakeSource, page, status, ...given });
  t.after(() => {
    link.close();
    mock.timers.reset();
  });
  const settle = async () => {
    for (let turn = 0; turn < 8; turn += 1) await null;
  };
  return { ...told, told, link, settle, source: () => FakeSource.made.at(-1), count: () => FakeSource.made.length };
}

const READY = '{"user":"ann","channels":[""],"heartbeat":1000}';
const PING = '{"heartbeat":1000}';

test("an EventSource that gave up is made anew, later each time, from where it stood", async (t) => {
  const { states, events, page, link, settle, source, count } = stage(t);
  link.listen("price");
  link.listen("price");
  source().open();
  source().send("message", "x", "c~1");
  source().fail(false);
  assert.equal(count(), 1, "while it tries by itself it is left alone");

  source().fail(true);
  await settle();
  mock.timers.tick(1_000);
  assert.equal(count(), 2);
  assert.equal(source().url, "https://site.example/events?lastEventId=c%7E1");
  source().send("price", "7", "c~2");
  assert.deepEqual(events, [[null, "x", "c~1", false], ["price", "7", "c~2", false]]);

  source().fail(true);
  await settle();
  mock.timers.tick(999);
  assert.equal(count(), 2, "the second pause is 1 to 2 s");
  page.dispatchEvent(new Event("online"));
  assert.equal(count(), 3, "back online, it does not wait");

  source().fail(true);
  link.close();
  await settle();
  mock.timers.tick(60_000);
  assert.equal(count(), 3, "closed is closed");
  assert.deepEqual(states, ["open", "waiting", "waiting", "waiting", "closed"]);
});

test("after failures in a row it no longer leaves the pauses to EventSource", (t) => {
  const { source, count } = stage(t);
  for (let failure = 0; failure < 3; failure += 1) source().fail(false);
  assert.equal(source().readyState, FakeSource.CLOSED);
  mock.timers.tick(1_000);
  assert.equal(count(), 2);
});

test("a page is asked for another proof once, and then at every later try", async (t) => {
  let asked = 0;
  const { told, states, settle, source, count } = stage(t, { denied: async () => (asked += 1) > 0 });
  told.statuses.push(401, 401, 403);
  source().fail(true);
  await settle();
  assert.deepEqual([asked, count()], [1, 2], "with a new proof it tries at once");
  source().fail(true);
  await settle();
  assert.deepEqual([asked, count(), states.at(-1)], [2, 2, "unauthorized"], "and not again and again");
  mock.timers.tick(1_000);
  assert.equal(count(), 3);
  source().open();
  assert.equal(states.at(-1), "open");
});

test("what a page missed is told from what is new by the first ping", (t) => {
  const { told, events, source } = stage(t, { id: "c~0" });
  source().open();
  source().send("ready", READY, "c~0");
  source().send("message", "old", "c~1");
  assert.equal(told.lives, 0);
  source().send("ping", PING, "c~2");
  source().send("message", "new", "c~3");
  assert.deepEqual(events.map(([, text, , missed]) => [text, missed]).slice(1), [["old", true], ["new", false]]);
});

test("who has much to catch up is told that the stream lives, and not that it is live", (t) => {
  const { told, source, count } = stage(t, { id: "c~0" });
  source().open();
  source().send("ready", READY, "c~0");
  for (const id of ["c~1", "c~2", "c~3"]) {
    mock.timers.tick(2_000);
    source().send("ping", '{"heartbeat":1000,"behind":true}', id);
  }
  assert.deepEqual([count(), told.lives], [1, 0]);
  mock.timers.tick(3_000);
  assert.match(source().url, /lastEventId=c%7E3$/, "it goes on behind what was not heard");
});

test("a page whose onToken fails is asked again later", async (t) => {
  const { told, states, settle, source, count } = stage(t, { denied: async () => { throw new Error("no"); } });
  told.statuses.push(401);
  source().fail(true);
  await settle();
  assert.equal(states.at(-1), "unauthorized");
  mock.timers.tick(1_000);
  assert.equal(count(), 2);
});

test("also of a page that comes for the first time, where it asks for the past", (t) => {
  const { told, events, source } = stage(t);
  source().send("ready", READY, "c~0");
  source().send("message", "last", "c~1");
  source().send("ping", PING, "c~1");
  source().send("message", "new", "c~2");
  assert.deepEqual(events.map(([, text, , missed]) => [text, missed]).slice(1), [["last", true], ["new", false]]);
  assert.equal(told.lives, 1);
});

test("a ping of a publisher's own is an event as any other", (t) => {
  const { events, link, source } = stage(t);
  source().send("ready", READY, "c~0");
  source().send("ping", PING, "c~0");
  source().send("ping", '{"n":1}', "c~1");
  assert.equal(events.length, 1, "nobody listens for it");
  link.listen("ping");
  source().send("ping", '{"n":2}', "c~2");
  source().send("ping", PING, "c~2");
  assert.deepEqual(events.slice(1), [["ping", '{"n":2}', "c~2", false]]);
});

test("a stream that is silent for 2.5 heartbeats is dead, also when the clock went on in sleep", (t) => {
  const { states, page, source, count } = stage(t);
  source().open();
  source().send("ready", READY, "c~0");
  mock.timers.tick(2_000);
  source().send("ping", PING, "c~0");
  mock.timers.tick(2_400);
  assert.equal(count(), 1);
  mock.timers.tick(101);
  assert.equal(count(), 2);
  assert.equal(states.at(-1), "waiting");
  source().open();
  source().send("ready", READY, "c~0");
  // Asleep: the clock goes on, timers do not.
  mock.timers.setTime(Date.now() + 60_000);
  page.document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(count(), 3);
});

test("without pings nothing is missed, and silence is no sign", (t) => {
  const { events, source, count } = stage(t, { id: "c~0" });
  source().open();
  source().send("ready", '{"user":"ann"}', "c~0");
  source().send("message", "x", "c~1");
  assert.equal(events.at(-1)[3], false);
  mock.timers.tick(600_000);
  assert.equal(count(), 1);
});

test("an alarm that is stopped is silent", () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let late = 0;
  const alarm = new Alarm(() => (late += 1), new EventTarget());
  alarm.patience = 100;
  mock.timers.tick(50);
  alarm.heard();
  mock.timers.tick(60);
  assert.equal(late, 0);
  mock.timers.tick(60);
  assert.equal(late, 1);
  alarm.stop();
  mock.timers.tick(1_000);
  assert.equal(late, 1);
  mock.timers.reset();
});

function storage() {
  const map = new Map();
  return { getItem: (key) => map.get(key) ?? null, setItem: (key, value) => map.set(key, value), map };
}

test("each user's place is kept, and another user goes on from an own one", () => {
  FakeSource.made = [];
  const kept = new Kept("https://site.example/events", storage());
  kept.save("=bob", "b~5");
  kept.save("=ann", "a~1");
  assert.deepEqual(kept.last(), { user: "=ann", id: "a~1" });
  const events = [];
  const hears = { state() {}, event: (...event) => events.push(event), live() {} };
  const page = new EventTarget();
  const link = feed(new URL("https://site.example/events"), hears, { kept, Source: FakeSource, page });
  assert.match(FakeSource.made[0].url, /lastEventId=a%7E1$/);
  for (const name of ["ready", "reset"]) link.listen(name);
  FakeSource.made[0].send("ready", '{"user":"bob","heartbeat":1000}', "a~1");
  assert.match(FakeSource.made[1].url, /lastEventId=b%7E5$/);
  assert.equal(kept.of("=bob"), "b~5", "the other's place does not become his");
  FakeSource.made[1].send("ready", '{"user":"bob","heartbeat":1000}', "b~5");
  FakeSource.made[1].send("message", "{}", "b~6");
  assert.deepEqual(events.at(-1), [null, "{}", { id: "b~6", missed: true, first: true }]);
  FakeSource.made[1].send("ping", PING, "b~7");
  FakeSource.made[1].send("message", "{}", "b~8");
  assert.deepEqual(events.at(-1), [null, "{}", { id: "b~8", missed: false, first: false }]);
  assert.deepEqual([kept.of("=bob"), kept.of("=ann")], ["b~8", "a~1"]);
  link.close();
});

test("a storage that refuses is no error", () => {
  const refusing = { getItem() { throw new Error("no"); }, setItem() { throw new Error("no"); } };
  for (const storage of [refusing, null]) {
    const kept = new Kept("x", storage);
    kept.save("=ann", "a~1");
    assert.equal(kept.last(), null);
  }
});

test("what was seen is found again by its place, and old messages are let go", () => {
  const seen = new Seen();
  assert.equal(seen.last, null);
  assert.equal(seen.after(null), null);
  const message = (seq, text = "x") => ({ term: "t", seq, id: `c~${seq}`, text });
  seen.start({ term: "s", seq: 9, id: "c~0" });
  for (let seq = 1; seq <= 1100; seq += 1) seen.push(message(seq));
  assert.deepEqual(seen.last, { term: "t", seq: 1100, id: "c~1100" });
  assert.equal(seen.after({ term: "t", seq: 1098 }).length, 2);
  assert.equal(seen.after({ term: "t", seq: 100 }).length, 1000);
  assert.equal(seen.after({ term: "t", seq: 99 }), null);
  assert.equal(seen.after({ term: "u", seq: 1099 }), null);
  assert.equal(seen.after({ term: "u", seq: 1, id: "c~1099" }).length, 1, "a leader that is gone is known by the cursor");
  assert.ok(seen.isNews(message(1101)) && !seen.isNews(message(1100)));
  seen.push(message(1101, "y".repeat(600_000)));
  assert.deepEqual(seen.newest(9).map(({ seq }) => seq), [1101]);
});

test("tokens of one user share, of two do not, and none is given away", () => {
  const token = (claims, signature) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${signature}`;
  assert.equal(scope(null), "");
  assert.equal(scope(token({ userId: "мойшэ", exp: 1 }, "one")), scope(token({ userId: "мойшэ", exp: 2 }, "two")));
  assert.notEqual(scope(token({ sub: "ann" }, "s")), scope(token({ sub: "bob" }, "s")));
  const wrapped = (token) => Buffer.from(JSON.stringify({ token, id: "ann" })).toString("base64");
  assert.equal(scope(wrapped(token({ userId: "ann", exp: 1 }, "one"))), scope(token({ userId: "ann", exp: 2 }, "two")), "goSSE's form");
  assert.notEqual(scope("opaque-one"), scope("opaque-two"));
  assert.ok(!scope("opaque-one").includes("opaque"));
});
