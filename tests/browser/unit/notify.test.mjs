import assert from "node:assert/strict";
import { test } from "node:test";
import { toast } from "../../../js/toast/notify.js";

const BASE = "https://site.example/app/";
const options = (data) => toast(data, BASE).options;

test("a whole notification", () => {
  const data = {
    title: "T", text: "<b>", color: "Green", icon: "email", image: "a b.png", sound: "bell", volume: 40, time: 800,
    button: { name: "Go", url: "x" },
  };
  assert.deepEqual(toast(data, BASE), {
    options: {
      title: "T", message: "&lt;b&gt;", icon: "material-icons", iconText: "email", image: "https://site.example/app/a%20b.png",
      layout: 2, color: "green", backgroundColor: "", timeout: 800, progressBar: true,
    },
    buttons: [{ name: "Go", url: "https://site.example/app/x" }],
    sound: { name: "bell", volume: 0.4 },
  });
});

test("what is missing is as by default", () => {
  const { title, message, icon, timeout } = options({ text: "x" });
  assert.deepEqual({ title, message, icon, timeout }, { title: "", message: "x", icon: "", timeout: 5000 });
  assert.equal(options("only text").message, "only text");
});

test("destroy, and nothing to see", () => {
  assert.deepEqual(toast({ type: "destroy", title: "x" }, BASE), { destroy: true });
  for (const data of [undefined, null, 5, [], {}, { title: {} }, { sound: "bell" }]) assert.equal(options(data), null);
  assert.equal(toast({ sound: "bell" }, BASE).sound.name, "bell");
});

test("times", () => {
  const cases = [[0, 0], ["0", 0], ["1500", 1500], [1e12, 2147483647], [-1, 5000], ["soon", 5000], ["", 5000], [null, 5000], [true, 5000], [NaN, 5000]];
  for (const [time, timeout] of cases) assert.equal(options({ text: "x", time }).timeout, timeout, String(time));
  assert.equal(options({ text: "x", time: 0 }).progressBar, false);
});

test("icons are ligatures", () => {
  assert.equal(options({ text: "x", icon: "Check Circle" }).iconText, "check_circle");
  for (const icon of ["a b\"", "<i>", "ico/x", {}, ["x"], ""]) assert.equal(options({ text: "x", icon }).icon, "");
});

test("fields are own fields only", () => {
  const data = Object.create({ title: "inherited" });
  assert.equal(options(data), null);
  assert.equal(options(JSON.parse('{"__proto__":{"title":"x"}}')), null);
});
