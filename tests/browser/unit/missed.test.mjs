// Notifications that come all at once when a page comes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Missed } from "../../../js/missed.js";

function missed(most) {
  const shown = [];
  const old = new Missed(most, { one: (data, { quiet }) => shown.push([data.title, quiet]), all: (kept) => shown.push(kept.map(({ data }) => data.title)) });
  return { old, shown };
}

test("few are shown one by one, and the newest is heard; many are one", () => {
  const { old, shown } = missed(2);
  for (const title of ["a", "b"]) old.keep({ title }, {});
  old.show();
  for (const title of ["c", "d", "e"]) old.keep({ title }, {});
  old.show();
  old.show();
  assert.deepEqual(shown, [["a", true], ["b", false], ["c", "d", "e"]]);
});

test("an id replaces, dismiss and destroy take back, whatever the ids are", () => {
  const { old, shown } = missed(5);
  const hostile = { id: { toString: 0, valueOf: 0 }, title: "hostile" };
  old.keep({ title: "gone" }, {});
  old.keep({ type: "destroy" }, {});
  for (const title of ["10 %", "20 %"]) old.keep({ id: "job", title }, {});
  for (const id of [7, "7"]) old.keep({ id, title: `seven ${typeof id}` }, {});
  old.keep(hostile, {});
  old.keep({ id: "x", title: "dismissed" }, {});
  for (const id of ["x", undefined, null, hostile.id, "__proto__"]) old.dismiss(id);
  old.keep("only text", {});
  old.show();
  assert.deepEqual(shown.map(([title]) => title), ["20 %", "seven string", "hostile", undefined]);
});
