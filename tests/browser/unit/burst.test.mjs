// What comes at once is shown at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { burst } from "../../../js/toast/burst.js";

function made() {
  const [shown, timers] = [[], []];
  const waiting = burst((all) => new Promise((end, fail) => shown.push({ all, end, fail })), (fn) => timers.push(fn));
  return { waiting, shown, timers };
}

test("together, in order, without what was replaced or taken back", () => {
  const { waiting, shown, timers } = made();
  for (const [id, one] of [["a", 1], [null, 2], ["b", 3], ["a", 4], [null, 5]]) waiting.add(id, one);
  waiting.drop("b");
  waiting.drop("never");
  assert.equal(timers.length, 1);
  timers[0]();
  assert.deepEqual(shown.map(({ all }) => all), [[2, 4, 5]]);
});

test("the next when these are shown", async () => {
  const { waiting, shown, timers } = made();
  waiting.add(null, 1);
  timers[0]();
  waiting.add(null, 2);
  assert.equal(timers.length, 1);
  shown[0].end();
  await setImmediate();
  timers[1]();
  assert.deepEqual(shown[1].all, [2]);
});

test("also if that failed", async () => {
  const [asked, timers] = [[], []];
  const waiting = burst(async (all) => { asked.push(all); throw new Error("on purpose"); }, (fn) => timers.push(fn));
  waiting.add(null, 1);
  await assert.rejects(timers[0](), /on purpose/);
  waiting.add(null, 2);
  await assert.rejects(timers[1](), /on purpose/);
  assert.deepEqual(asked, [[1], [2]]);
});

test("nothing is shown where all was taken back, and no more is kept than a page can use", async () => {
  const { waiting, shown, timers } = made();
  waiting.add(null, 1);
  waiting.drop(null);
  timers[0]();
  await setImmediate();
  assert.equal(shown.length, 0);
  for (let n = 0; n < 1_200; n++) waiting.add(null, n);
  timers[1]();
  assert.deepEqual([shown[0].all.length, shown[0].all[0]], [1_000, 200]);
});
