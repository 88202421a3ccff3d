// When a sound that was refused is tried again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

test("one click plays it once, and one that waits newly is not forgotten", async () => {
  const gestures = new Map();
  const plays = [];
  globalThis.addEventListener = (name, fn) => gestures.set(name, fn);
  globalThis.removeEventListener = (name) => gestures.delete(name);
  globalThis.Audio = class {
    constructor(address) {
      this.name = address.split("/").at(-1);
    }
    play() {
      return new Promise((heard, fail) => plays.push({ name: this.name, heard, refuse: () => fail(Object.assign(new Error(), { name: "NotAllowedError" })) }));
    }
  };
  const { speak } = await import("../../../js/toast/speaker.js");
  const names = () => plays.map(({ name }) => name);
  const refused = async (name) => {
    const spoken = speak({ name, volume: 1 }, { root: "http://site.example/", link: { voice: async () => true }, record: null }, () => {});
    await setImmediate();
    plays.at(-1).refuse();
    await spoken;
  };
  const gesture = (name) => gestures.get(name)();

  await refused("bell");
  assert.deepEqual([...gestures.keys()], ["pointerdown", "pointerup", "keydown"]);
  gesture("pointerdown");
  gesture("pointerup");
  assert.deepEqual(names(), ["bell.wav", "bell.wav"], "both halves of the click are one try");
  await refused("chime");
  plays[1].heard();
  await setImmediate();
  gesture("pointerdown");
  assert.deepEqual(names().slice(3), ["chime.wav"], "it came while the other was tried");

  // The second half of a tap counts, though the first is not answered yet.
  gesture("pointerup");
  plays.at(-1).refuse();
  await setImmediate();
  assert.deepEqual(names().slice(3), ["chime.wav", "chime.wav"]);
  plays.at(-1).heard();
  await setImmediate();
  assert.equal(gestures.size, 0);
});
