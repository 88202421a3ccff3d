// The pure parts of the status page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, clock, duration, latency, number, several } from "../../../web/status/format.js";
import { Past } from "../../../web/status/past.js";
import { words } from "../../../web/status/recent.js";
import { fromZero, lately, powers, wholePowers } from "../../../web/status/scales.js";
import { points } from "../../../web/status/spark.js";

test("numbers as people read them", () => {
  assert.deepEqual([0, 0.25, 1.25, 12.6, 1234, 12_345, 2e6].map(number), ["0", "0.25", "1.3", "13", "1,234", "12.3K", "2M"]);
  assert.equal(number(null), "–");
  assert.deepEqual([0, 1023, 1024, 10_240, 3 * 2 ** 30].map(bytes), ["0 B", "1,023 B", "1 KiB", "10 KiB", "3 GiB"]);
  assert.deepEqual([0.016, 0.4, 7.25, 49, 2500].map((it) => latency(it).join(" ")), ["16 µs", "400 µs", "7.3 ms", "49 ms", "2.5 s"]);
  assert.deepEqual([0, 0.0004, 0.25, 3.21, 59, 60, 61, 3700, 90_000].map(duration), ["0 s", "1 ms", "250 ms", "3.2 s", "59 s", "1 min", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
  assert.deepEqual([several(1, "file"), several(1200, "file")], ["1 file", "1,200 files"]);
  assert.match(clock(1_700_000_000, 1_700_000_000), /^\d\d:\d\d:\d\d$/);
  assert.match(clock(1_600_000_000, 1_700_000_000), /Sep/);
});

test("the past is as long as the server's, and a new field has none", () => {
  const past = new Past();
  assert.deepEqual([past.length, past.last("at"), past.column("at")], [0, null, []]);
  past.replace({ at: [1, 2], followers: [5, 6] });
  past.add({ at: 3, followers: 7, fresh: 1 });
  assert.deepEqual(past.column("fresh"), [null, null, 1]);
  for (let at = 4; at < 2000; at += 1) past.add({ at, followers: at, fresh: at });
  assert.deepEqual([past.length, past.column("fresh").length, past.last("at"), past.column("at")[0]], [900, 900, 1999, 1100]);
  past.add(JSON.parse('{"at":1,"__proto__":2}'));
  assert.equal({}.at, undefined);
});

test("axes reach as far as there is something", () => {
  assert.deepEqual(fromZero(4)(null, 0, 1), [0, 4]);
  assert.equal(fromZero(4)(null, 0, 100)[1].toFixed(3), "110.000");
  assert.deepEqual(fromZero(4)(null, null, null), [0, 4]);
  assert.deepEqual(powers(null, null, null), [0.1, 10]);
  assert.deepEqual(powers(null, 0.4, 49), [0.1, 100]);
  assert.deepEqual(powers(null, 10, 10), [10, 100]);
  assert.deepEqual(wholePowers(null, [0.01, 0.02, 1, 5, 10, 100]), [0.01, null, 1, null, 10, 100]);
  assert.deepEqual(lately(300, [], 50), [20, 50]);
  assert.deepEqual(lately(300, [100, 110], 0), [80, 110]);
  assert.deepEqual(lately(300, [100, 900], 0), [600, 900]);
});

test("a small line ends at the right", () => {
  assert.equal(points([]), "");
  assert.equal(points([1]), "");
  assert.equal(points([0, 2, null]), "57 92.0L58 8.0L59 92.0");
  assert.equal(points(Array(100).fill(0)).split("L").length, 60);
});

test("comings and goings in words", () => {
  assert.deepEqual(words({ what: "connect" }), ["good", "connected"]);
  assert.deepEqual(words({ what: "end", why: "left", behind: 0 }), ["soft", "left"]);
  assert.deepEqual(words({ what: "end", why: "stalled", behind: 61 }), ["bad", "stalled, 1 min 1 s behind"]);
  assert.deepEqual(words({ what: "refused", why: "user", times: 3 }), ["bad", "refused 3 times: too many of this user"]);
  assert.deepEqual(words({ what: "end", why: "constructor", behind: 0 }), ["soft", "constructor"]);
});
