// The pure parts of the page.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { check, compose } from "../../../web/page/compose.js";
import { gist } from "../../../web/page/gist.js";
import { find, offered } from "../../../web/page/icons.js";
import { lines } from "../../../web/page/lines.js";
import { quote } from "../../../web/page/shell.js";
import { complaint } from "../../../web/page/who.js";

const NASTY = ["", "ann", "ann lee", "o'neill", "''", "a\"b", "$HOME `id` $(id)", "мойшэ", "🦊", "a\\b\\n", "-x", "!!", "~", "*", "a\nb", "=x", "#x", "a;b&c|d>e"];

test("sh reads a quoted word back as it was", () => {
  for (const text of NASTY) assert.equal(execFileSync("sh", ["-c", `printf %s ${quote(text)}`], { encoding: "utf8" }), text);
  assert.equal(quote("plain-1.2_x/y:z@h,w%+"), "plain-1.2_x/y:z@h,w%+");
});

const shown = (user, data) => lines({ cli: "tailcast --streams s", writer: "http://127.0.0.1:8000/writer", user, record: { cmd: "notify", data } });

test("the lines of a plain notification", () => {
  const json = '{"cmd":"notify","data":{"title":"Hi","text":"it\'s me"}}';
  const quoted = `'${json.replace("'", "'\\''")}'`;
  const { echo, send, curl } = shown("ann", { title: "Hi", text: "it's me" });
  assert.equal(echo, `echo ${quoted} >> "$(tailcast --streams s path ann)"`);
  assert.equal(send, "tailcast --streams s send ann --title Hi --text 'it'\\''s me'");
  assert.equal(curl, `curl http://127.0.0.1:8000/writer --data-urlencode 'user=ann' --data-urlencode 'data=${quoted.slice(1)}`);
});

test("a backslash in the JSON is not left to echo", () => {
  assert.match(shown("ann", { text: "a\nb" }).echo, /^printf '%s\\n' '\{.*a\\nb/);
});

test("names and values that look like flags", () => {
  const { echo, send } = shown("-n", { title: "--x" });
  assert.match(echo, / path -- -n\)"$/);
  assert.equal(send, "tailcast --streams s send --title=--x -- -n");
});

test("what flags cannot say goes as JSON", () => {
  for (const data of [{ title: "\u001b[31m" }, { title: "x", button: { name: "a=b", url: "/" } }, {}]) {
    assert.equal(shown("ann", data).send, `tailcast --streams s send ann ${quote(JSON.stringify({ cmd: "notify", data }))}`);
  }
  assert.match(shown("-n", {}).send, / send -- -n '\{/);
  assert.match(shown("ann", { title: "x", button: { name: "Go", url: "/?a=b" } }).send, /--button 'Go=\/\?a=b'$/);
});

test("url, position, id and desktop are flags", () => {
  const { send } = shown("ann", { title: "x", url: "/u", position: "topLeft", id: "-7", desktop: true });
  assert.equal(send, "tailcast --streams s send ann --title x --url /u --position topLeft --id=-7 --desktop");
});

test("compose leaves out what is as by default", () => {
  const empty = { title: " ", text: "", color: "", icon: "", image: "", sound: "", volume: "100", time: "5000", buttonName: "x", buttonUrl: "" };
  assert.deepEqual(compose(empty), { cmd: "notify", data: {} });
  assert.deepEqual(compose({ ...empty, title: " a ", sound: "bell", volume: "5", time: "0", buttonUrl: "/y" }).data, {
    title: "a", sound: "bell", volume: 0.05, time: 0, button: { name: "x", url: "/y" },
  });
  assert.deepEqual(compose({ ...empty, title: "a", url: " /u ", position: "topLeft", toastId: "x", desktop: "1" }).data, {
    title: "a", url: "/u", position: "topLeft", id: "x", desktop: true,
  });
  assert.match(check("ann").data.text, /ann/);
});

test("records in one line", () => {
  const of = (data, event = null) => gist({ event, data, text: JSON.stringify(data) });
  assert.deepEqual(of({ cmd: "notify", data: { title: "a", text: "b" } }), { kind: "cmd", name: "notify", gist: "a · b" });
  assert.deepEqual(of({ cmd: "x" }), { kind: "cmd", name: "x", gist: "" });
  assert.deepEqual(of({ cmd: "x", data: { n: 1 } }), { kind: "cmd", name: "x", gist: '{"n":1}' });
  assert.deepEqual(of({ n: 1 }), { kind: "other", name: "object", gist: '{"n":1}' });
  assert.deepEqual(of("plain"), { kind: "other", name: "text", gist: "plain" });
  assert.deepEqual(of({ eur: 5 }, "price"), { kind: "event", name: "price", gist: '{"eur":5}' });
});

test("every offered icon can be found", () => {
  assert.equal(new Set(offered).size, offered.length);
  assert.equal(find("")[0], "");
  assert.ok(find("mail new").includes("mark_email_unread"));
  assert.deepEqual(find("Abc", (name) => name === "abc"), ["abc"]);
  assert.deepEqual(find("nothing like it"), []);
});

test("names that do not fit are explained", () => {
  assert.equal(complaint("мойшэ"), "");
  assert.match(complaint("é".repeat(91)), /182 bytes/);
  assert.match(complaint("all"), /everyone/);
});
