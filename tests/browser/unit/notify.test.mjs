import assert from "node:assert/strict";
import { test } from "node:test";
import { identity } from "../../../js/identity.js";
import { toast } from "../../../js/toast/notify.js";

const BASE = "https://site.example/app/";
const options = (data) => toast(data, BASE).options;

test("a whole notification", () => {
  const data = {
    title: "T", text: "<b>", color: "Green", icon: "email", image: "a b.png", sound: "bell", volume: 40, time: 800,
    button: { name: "Go", url: "x" }, position: "topLeft", url: "/y", id: 7, desktop: true,
  };
  assert.deepEqual(toast(data, BASE), {
    options: {
      title: "T", message: "&lt;b&gt;", icon: "material-icons", iconText: "email", image: "https://site.example/app/a%20b.png",
      layout: 2, color: "green", backgroundColor: "", timeout: 800, progressBar: true, position: "topLeft",
    },
    title: "T",
    text: "<b>",
    buttons: [{ name: "Go", url: "https://site.example/app/x" }],
    sound: { name: "bell", volume: 0.4 },
    url: "https://site.example/y",
    id: "7",
    desktop: true,
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

test("positions are iziToast's, and nothing else", () => {
  for (const position of ["bottomRight", "bottomLeft", "bottomCenter", "topRight", "topLeft", "topCenter", "center"]) {
    assert.equal(options({ text: "x", position }).position, position);
  }
  for (const position of ["middle", "TopLeft", "", "__proto__", null, 5, {}, ["center"]]) assert.ok(!Object.hasOwn(options({ text: "x", position }), "position"));
});

test("ids are short texts or numbers", () => {
  for (const [given, id] of [["x", "x"], [0, "0"], [1.5, "1.5"], ["a".repeat(128), "a".repeat(128)], ["\ud800", "\ud800"]]) assert.equal(identity(given), id);
  for (const bad of ["", "a".repeat(129), NaN, Infinity, null, undefined, true, {}, []]) assert.equal(identity(bad), null, String(bad));
});

test("addresses that are none, and what is not exactly true", () => {
  for (const url of ["javascript:1", "data:text/html,x", "", 5]) assert.equal(toast({ text: "x", url }, BASE).url, null);
  for (const desktop of [1, "true", {}, null]) assert.equal(toast({ text: "x", desktop }, BASE).desktop, false);
});

test("buttons that are not usable are left out, and a toast with nothing else is nothing to see", () => {
  const data = { button: [{ name: "A", func: "evil()" }] };
  assert.deepEqual(toast(data, BASE).buttons, [{ name: "A", func: "evil()" }]);
  const usable = ({ func }) => !func;
  assert.equal(toast(data, BASE, usable).options, null);
  assert.deepEqual(toast({ text: "x", ...data }, BASE, usable).buttons, []);
});

test("what the PHP demo's Check button sends", () => {
  const { options, sound } = toast({ text: "тестовая уведомляшка", title: "user: ann", color: "yellow", sound: "finally", icon: "warning" }, BASE);
  const { title, message, color, iconText, timeout } = options;
  assert.deepEqual([title, message, color, iconText, timeout], ["user: ann", "тестовая уведомляшка", "yellow", "warning", 5000]);
  assert.deepEqual(sound, { name: "finally", volume: 1 });
});
