// Which stylesheets a changed file stands for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isNamed } from "../../../js/reload.js";

test("an address ends with the path of the file", () => {
  for (const href of ["http://h/css/a.css", "http://h/css/a.css?v=1#x", "http://h/sub/css/a.css"]) {
    assert.ok(isNamed(href, ["b.css", "css/a.css"]), href);
  }
  for (const href of ["http://h/xcss/a.css", "http://h/a.css", "http://h/css/a.css/b"]) {
    assert.ok(!isNamed(href, ["css/a.css"]), href);
  }
  assert.ok(!isNamed("http://[", ["["]));
  assert.ok(isNamed("http://h/a%20%C3%BC.css", ["a ü.css"]));
  assert.ok(isNamed("http://h/100%.css", ["100%.css"]));
});

test("paths that are none name nothing", () => {
  for (const paths of [undefined, null, "css/a.css", [], [7, null, "", {}]]) assert.ok(!isNamed("http://h/css/a.css", paths));
});
