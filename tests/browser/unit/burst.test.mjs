// What comes at once is shown at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { burst } from "../../../js/toast/burst.js";

function made() {
  const [shown, timers] = [[], []];
  const waiting = burst((all) => new Promise((end) => shown.push({ all, end })), (fn) => timers.push(fn));
  return { waiting, shown, timers };
}

test("the first at once, the others together, in order, without what was replaced or taken back", async () => {
  const { waiting, shown, timers } = made();
  waiting.add("first", 0);
  for (const [id, one] of [["a", 1], [null, 2], ["b", 3], ["a", 4], [null, 5]]) waiting.add(id, one);
  waiting.drop("b");
  waiting.drop("never");
  assert.deepEqual(shown.map(({ all }) => all), [[0]]);
  timers[0]();
  await setImmediate();
  assert.equal(shown.length, 1, "it has not ended");
  shown[0].end();
  await setImmediate();
  assert.deepEqual(shown[1].all, [2, 4, 5]);
});

test("a moment that nothing came in ends it", async () => {
  const { waiting, shown, timers } = made();
  waiting.add(null, 1);
  waiting.add(null, 2);
  waiting.drop(null);
  shown[0].end();
  timers[0]();
  await setImmediate();
  assert.equal(shown.length, 1);
  waiting.add(null, 3);
  assert.deepEqual(shown[1].all, [3], "at once again");
});

test("no more is kept than a page can use", async () => {
  const { waiting, shown, timers } = made();
  for (let n = 0; n <= 1_200; n++) waiting.add(null, n);
  shown[0].end();
  timers[0]();
  await setImmediate();
  assert.deepEqual([shown[1].all.length, shown[1].all[0]], [1_000, 201]);
});
