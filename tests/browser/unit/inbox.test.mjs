// The pure parts of the inbox.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { kind, look, timeOf } from "../../../js/inbox/note.js";
import { Notes } from "../../../js/inbox/notes.js";
import { loosely, placesOf, Tags } from "../../../js/inbox/places.js";
import { ago, day, language } from "../../../js/inbox/when.js";

const BASE = "https://site.example/app/";
/** The places of two streams, "A" of the user and "B" of everyone, as an id: how many records each has so far. */
const id = (own, all) => `1~A.${own.toString(16)}.${own ? hash(own) : ""}~B.${all.toString(16)}.${all ? hash(all) : ""}`;
const NOW = Math.floor(Date.now() / 1000);
const hash = (n) => `${String(n).padStart(4, "0")}QAAAA`;
const note = (data, time) => ({ ...(time ? { time } : {}), cmd: "notify", data });
const item = (own, all, user, record) => ({ id: id(own, all), user, channel: null, time: record.time, record });
const arriving = (own, all, data, more = {}) => ({ id: id(own, all), event: null, data, ...more });
const shown = (notes) => notes.items.map(({ note }) => note);

test("what counts as a notification", () => {
  assert.deepEqual(kind(note({ title: "t", id: 5 })), { note: { title: "t", id: 5 }, id: "5" });
  assert.deepEqual(kind(note("text")), { note: "text", id: null });
  assert.deepEqual(kind({ cmd: "dismiss", data: { id: 5 } }), { dismiss: "5" });
  assert.deepEqual(kind({ cmd: "dismiss", data: "x" }), { dismiss: "x" });
  const none = [note({ type: "destroy", title: "t" }), note({ sound: "bell" }), note(""), note(null), note(["x"]), { cmd: "paint", data: 1 }, { title: "t" }, "text", null, note({ title: {} })];
  for (const data of none) assert.deepEqual(kind(data), {}, JSON.stringify(data));
  assert.deepEqual(kind({ cmd: "notify", data: JSON.parse('{"__proto__":{"title":"x"}}') }), {});
});

test("what is seen of one", () => {
  assert.deepEqual(look({ title: "<b>", text: 5, icon: "Check Circle", image: "a b.png", url: "x", color: "Red", button: [{ name: "Go", url: "y" }, { name: "Run", cmd: "z" }] }, BASE), {
    title: "<b>", text: "5", icon: "check_circle", image: "https://site.example/app/a%20b.png", url: "https://site.example/app/x", colour: { name: "red" },
    buttons: [{ name: "Go", url: "https://site.example/app/y" }],
  });
  assert.equal(look("only text", BASE).text, "only text");
  assert.equal(look({ url: "javascript:1" }, BASE).url, null);
  assert.equal(look({ text: "x".repeat(5000) }, BASE).text.length, 1001);
  // Close to what a Date can hold there is no midnight before; milliseconds are a mistake.
  for (const time of [NaN, Infinity, "5", null, 1e300, -8.64e12, 8.64e12, -1, NOW * 1000]) assert.equal(timeOf(time), null);
  for (const time of [0, NOW]) assert.equal(timeOf(time), time);
});

test("places do not depend on how far back the server looked", () => {
  assert.deepEqual(placesOf("1~A.1f.abcdefgh~B.0."), ["A.1f.abcde", "B.0."]);
  assert.deepEqual(placesOf("1~A.1f.abcdeX~B.0."), placesOf("1~A.1f.abcdefgh~B.0."));
  assert.equal(loosely("A.1f.abcde"), "A..abcde");
  assert.deepEqual(placesOf("17"), ["17"]);
});

test("each record of a page has its own place, whichever stream it is in", () => {
  const page = [item(1, 0, "ann", note("a")), item(1, 1, "all", note("b")), item(2, 1, "ann", note("c"))];
  const tags = new Tags();
  tags.learn(page);
  assert.deepEqual(page.map((item) => tags.own(item)), ["A.1.0001Q", "B.1.0001Q", "A.2.0002Q"]);
  // Alone in its stream, and alone altogether.
  assert.equal(new Tags().own(item(0, 3, "all", note("x"))), "B.3.0003Q");
});

test("pages and what arrives make one list, without doubles", () => {
  const notes = new Notes();
  notes.page([item(1, 0, "ann", note("a")), item(1, 1, "all", { n: 1 }), item(2, 1, "ann", note("b"))]);
  assert.equal(notes.arrive(arriving(2, 1, note("b"))), null, "the page had it");
  assert.equal(notes.arrive(arriving(2, 2, { n: 2 })), null, "no notification");
  assert.ok(notes.arrive(arriving(3, 2, note("b"))).item, "alike, but another");
  notes.page([]);
  assert.deepEqual(shown(notes), ["b", "b", "a"]);
});

test("a stream that resumes long ago brings only what the pages have not", () => {
  const notes = new Notes();
  notes.page([item(8, 5, "ann", note("eight", 108)), item(9, 5, "ann", note("nine", 109))]);
  const missed = { missed: true };
  // The other stream stands where no page reached.
  assert.equal(notes.arrive(arriving(8, 3, note("eight", 108), missed)), null);
  assert.equal(notes.arrive(arriving(8, 4, note("older than the page", 50), missed)), null);
  assert.equal(notes.arrive(arriving(9, 4, note("nine", 109), missed)), null);
  assert.ok(notes.arrive(arriving(9, 6, note("new", 110), missed)).item);
  assert.deepEqual(shown(notes), ["new", "nine", "eight"]);
});

test("an id replaces, dismiss takes back: what arrives, and what older pages bring", () => {
  const notes = new Notes();
  const n = (id, text) => note({ id, text });
  notes.page([item(3, 0, "ann", n("x", "old")), item(4, 0, "ann", n("y", "kept")), item(5, 0, "ann", n("x", "new")), item(6, 0, "ann", { cmd: "dismiss", data: { id: "z" } })]);
  notes.page([item(1, 0, "ann", n("z", "dismissed")), item(2, 0, "ann", n("x", "oldest"))]);
  assert.deepEqual(shown(notes).map(({ text }) => text), ["new", "kept"]);
  notes.arrive(arriving(7, 0, n("x", "newest")));
  assert.deepEqual(notes.arrive(arriving(8, 0, { cmd: "dismiss", data: "y" })), { item: null });
  assert.deepEqual(shown(notes).map(({ text }) => text), ["newest"]);
});

test("what is unread: behind the mark of its stream", () => {
  const page = [item(1, 0, "ann", note("a")), item(1, 1, "all", note("b")), item(2, 1, "ann", note("c"))];
  const notes = new Notes();
  notes.page(page);
  const unread = (mark) => notes.unread(mark).map(({ note }) => note);
  assert.deepEqual(unread(null), [], "a first visit");
  assert.deepEqual(unread([]), ["c", "b", "a"], "nothing was there");
  assert.deepEqual(unread(["A.1.0001Q", "B.0."]), ["c", "b"]);
  assert.deepEqual(unread(["A.1.0001Q"]), ["c"], "a stream that is newly followed");
  assert.deepEqual(unread(["A.99.0002Q", "B.1.0001Q"]), [], "moved by an edit");
  assert.deepEqual(unread(["A.99.none1", "B.1.0001Q"]), ["c", "a"], "further back than the pages, or gone");
  assert.deepEqual(unread(notes.mark()), []);
  notes.arrive(arriving(2, 2, note("d")));
  assert.deepEqual(unread(null), ["d"]);
  assert.deepEqual(unread(["A.2.0002Q", "B.1.0001Q"]), ["d"]);
  assert.deepEqual(unread(notes.mark()), []);
});

test("when to look further back for what is unread", () => {
  const notes = new Notes();
  notes.page([item(4, 1, "ann", note("a")), item(5, 1, "ann", note("b"))]);
  assert.equal(notes.reaches(["A.4.0004Q", "B.1.0001Q"]), true);
  assert.equal(notes.reaches(["A.2.0002Q", "B.1.0001Q"]), false);
  assert.equal(notes.reaches([]), false);
});

test("no more than 1000 are kept", () => {
  const notes = new Notes();
  for (let n = 1; n <= 1100; n++) notes.arrive(arriving(n, 0, note(`n${n}`)));
  assert.equal(notes.items.length, 1000);
  assert.equal(notes.items[0].note, "n1100");
  assert.ok(notes.isFull);
});

test("what is remembered does not grow with what arrives, and what was read stays so", () => {
  setFlagsFromString("--expose-gc");
  const used = () => {
    runInNewContext("gc")();
    return process.memoryUsage().heapUsed;
  };
  const notes = new Notes();
  notes.page([item(1, 1, "ann", note({ id: "mine", text: "read long ago" })), item(1, 2, "all", note("read, too")), item(2, 2, "ann", note({ id: "gone", text: "read and dismissed" }))]);
  notes.arrive(arriving(3, 2, { cmd: "dismiss", data: "gone" }));
  const mark = notes.mark();
  let n = 3;
  const arrive = (count) => {
    for (const last = n + 2 * count; n < last; n += 2) {
      const id = `${n}`.padStart(120, "x");
      notes.arrive(arriving(3, n, note({ id, text: "x" })));
      notes.arrive(arriving(3, n + 1, { cmd: "dismiss", data: id }));
      notes.unread(mark);
    }
  };
  arrive(6_000);
  const before = used();
  arrive(30_000);
  const grown = used() - before;
  assert.ok(grown < 1e6, `${grown} bytes more`);
  assert.deepEqual(shown(notes).map((note) => note.text ?? note), ["read, too", "read long ago"]);
  assert.deepEqual(notes.unread(mark), []);
});

test("a language that is none is the browser's", () => {
  assert.deepEqual(["de-at", "de_DE", "", undefined].map(language), ["de-AT", undefined, undefined, undefined]);
});

test("times in words", () => {
  const now = new Date(2026, 4, 12, 13, 0).getTime() / 1000;
  const cases = [[0, "now"], [30, "now"], [59, "now"], [60, "1 minute ago"], [3599, "59 minutes ago"], [7200, "2 hours ago"], [-300, "in 5 minutes"], [86_400, "yesterday"], [86_400 * 3, "3 days ago"], [86_400 * 30, "April 12"], [86_400 * 365, "May 12, 2025"]];
  for (const [before, words] of cases) assert.equal(ago(now - before, now, "en"), words);
  assert.equal(day(now, now, "en"), "Today");
  assert.equal(day(now - 13 * 3600 - 60, now, "en"), "Yesterday");
  assert.equal(day(now - 86_400 * 2, now, "en"), "Sunday, May 10");
  assert.equal(day(now, now, "de"), "Heute");
});
