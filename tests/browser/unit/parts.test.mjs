// The small pure parts of the client.
import assert from "node:assert/strict";
import { test } from "node:test";
import { imageAddress, linkAddress } from "../../../js/toast/address.js";
import { buttons, markup } from "../../../js/toast/button.js";
import { colour, isDark } from "../../../js/toast/colour.js";
import { escape } from "../../../js/toast/escape.js";
import { command, record } from "../../../js/record.js";
import { sound } from "../../../js/toast/sound.js";

const BASE = "https://site.example/app/";

test("escape", () => assert.equal(escape(`<a b="c" d='e'>&`), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;"));

test("links go to web pages and mail only", () => {
  assert.equal(linkAddress("/x?a=\"b\"", BASE), "https://site.example/x?a=%22b%22");
  assert.equal(linkAddress("//other.example/", BASE), "https://other.example/");
  assert.equal(linkAddress("mailto:a@b.example", BASE), "mailto:a@b.example");
  for (const bad of ["javascript:1", "JAVASCRIPT:1", "java\nscript:1", " javascript:1", "data:text/html,x", "blob:x", "file:///x", "", " ", null, 5, "http://["]) {
    assert.equal(linkAddress(bad, BASE), null, String(bad));
  }
});

test("images cannot leave url(…)", () => {
  assert.equal(imageAddress("x).png", BASE), "https://site.example/app/x%29.png");
  assert.equal(imageAddress("data:image/png;base64,AA==", BASE), "data:image/png;base64,AA==");
  assert.match(imageAddress("data:image/svg+xml,<svg a='(b)'> \"\\", BASE), /^data:image\/svg\+xml,%3Csvg%20a=%27%28b%29%27%3E%20%22%5C$/);
  for (const bad of ["data:text/html,x", "javascript:1", "blob:x", ""]) assert.equal(imageAddress(bad, BASE), null);
});

test("colours are colours", () => {
  assert.deepEqual(colour("red"), { name: "red" });
  for (const css of ["#fff", "#11223344", "navy", "rgb(1 2 3 / 50%)", "hsl(120deg, 5%, 5%)"]) assert.deepEqual(colour(css), { css });
  for (const bad of ["#12345", "url(x)", "rgb(0,0,0) url(x)", "red;x", "var(--x)", "rgb(url(x))", "", 5, null]) assert.deepEqual(colour(bad), {}, String(bad));
});

test("dark colours get light text", () => {
  assert.ok(isDark(0, 0, 128) && isDark(0, 0, 0));
  assert.ok(!isDark(255, 255, 255) && !isDark(255, 200, 0));
});

test("sounds by name, volume as part or percent", () => {
  const volumes = [[undefined, 1], [0, 0], [0.5, 0.5], [1, 1], [50, 0.5], [100, 1], [900, 1], [-1, 0], ["25", 0.25], ["", 1], ["loud", 1], [NaN, 1]];
  for (const [given, volume] of volumes) assert.deepEqual(sound("bell", given), { name: "bell", volume }, String(given));
  for (const bad of ["../x", "a/b", "A", "", "x.wav", null, {}]) assert.equal(sound(bad), null);
});

test("buttons", () => {
  const given = [{ name: " <Go> ", url: "x" }, { name: "Run", cmd: "x", data: 1 }, { name: "no" }, { url: "x" }, { name: "", cmd: "x" }, { name: "js", url: "javascript:1" }, null, "x"];
  const made = buttons(given, BASE);
  assert.deepEqual(made, [{ name: "<Go>", url: `${BASE}x` }, { name: "Run", cmd: "x", data: 1 }]);
  assert.deepEqual(buttons({ name: 5, cmd: "x" }, BASE), [{ name: "5", cmd: "x", data: undefined }]);
  assert.deepEqual(buttons(undefined, BASE), []);
  assert.equal(markup(made[0]), `<a href="${BASE}x">&lt;Go&gt;</a>`);
  assert.equal(markup(made[1]), '<button type="button">Run</button>');
});

test("buttons with func", () => {
  const made = (func) => buttons({ name: "B", func }, BASE);
  assert.deepEqual(made("window.location='/x'"), [{ name: "B", url: "https://site.example/x" }]);
  assert.deepEqual(made("location.replace('x')"), [{ name: "B", how: "replace", url: `${BASE}x` }]);
  assert.deepEqual(made("window.open('x')"), [{ name: "B", how: "open", url: `${BASE}x` }]);
  assert.deepEqual(made("history.back()"), [{ name: "B", how: "back" }]);
  assert.deepEqual(made("alert(1)"), [{ name: "B", func: "alert(1)" }]);
  for (const none of ["", " ", 5, null, {}]) assert.deepEqual(made(none), []);
  // What needs no reading comes first.
  assert.deepEqual(buttons({ name: "B", url: "/u", func: "alert(1)" }, BASE), [{ name: "B", url: "https://site.example/u" }]);
  assert.deepEqual(buttons({ name: "B", cmd: "c", func: "alert(1)" }, BASE), [{ name: "B", cmd: "c", data: undefined }]);
});

test("records", () => {
  assert.deepEqual(record(null, '{"cmd":"x","data":1}', "i"), { event: null, text: '{"cmd":"x","data":1}', id: "i", data: { cmd: "x", data: 1 } });
  assert.equal(record("price", "not json", "").data, "not json");
  assert.deepEqual(command(record(null, '{"cmd":"x","data":1}')), { cmd: "x", data: 1 });
  for (const text of ['{"cmd":1}', "{}", "[]", "null", '"cmd"', "text"]) assert.equal(command(record(null, text)), null);
  assert.equal(command(record("price", '{"cmd":"x"}')), null, "a named event is no command");
});
