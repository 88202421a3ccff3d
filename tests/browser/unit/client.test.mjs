// The client without a browser: a link that the test holds in its hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commander } from "../../../js/commands.js";
import { connect } from "../../../js/tailcast.js";
import { Topics } from "../../../js/topics.js";

function held() {
  const link = { listened: [], closed: false };
  const open = (url, hears, options) => {
    Object.assign(link, { url: url.href, hears, options, listen: (name) => link.listened.push(name), close: () => (link.closed = true) });
    return link;
  };
  return { link, tailcast: connect({ root: "https://site.example/sub/", link: open }) };
}

test("the stream stands beside js/, also under a sub-path", () => {
  const { link } = held();
  assert.equal(link.url, "https://site.example/sub/events");
  assert.deepEqual(link.listened, ["ready", "reset"]);
});

test("records, commands, named events and moments reach who asked", () => {
  const { link, tailcast } = held();
  const heard = [];
  for (const name of ["ready", "reset", "state", "x", "event:price"]) tailcast.on(name, (data) => heard.push([name, data]));
  tailcast.on("record", ({ event, data }) => heard.push(["record", event, data]));
  link.hears.state("open");
  link.hears.state("open");
  link.hears.event("ready", '{"user":"ann","channels":[""]}', "c");
  link.hears.event(null, '{"cmd":"x","data":5}', "d");
  link.hears.event("price", "7", "e");
  link.hears.event("reset", '{"stream":"s","reason":"r"}', "f");
  assert.deepEqual(heard, [
    ["state", "open"],
    ["ready", { user: "ann", channels: [""] }],
    ["record", null, { cmd: "x", data: 5 }],
    ["x", 5],
    ["record", "price", 7],
    ["event:price", 7],
    ["reset", { stream: "s", reason: "r" }],
  ]);
  assert.equal(tailcast.user, "ann");
  assert.equal(tailcast.state, "open");
  tailcast.close();
  assert.ok(link.closed);
});

test("closed is closed, and one question about a token is asked at a time", async () => {
  const { link, tailcast } = held();
  const states = [];
  tailcast.on("state", (state) => states.push(state));
  let asked = 0;
  tailcast.onToken = () => new Promise((resolve) => setTimeout(resolve, 1, `token ${(asked += 1)}`));
  const { renew, token } = link.options;
  assert.deepEqual(await Promise.all([renew(), renew()]), ["token 1", "token 1"]);
  assert.equal(token(), "token 1");
  assert.equal(await renew("of another tab"), "of another tab");
  tailcast.onToken = null;
  assert.equal(await renew(), null);
  link.hears.state("closed");
  link.hears.state("open");
  assert.deepEqual(states, ["closed"]);
});

test("a command may bear the name of a moment or of an event", () => {
  const { link, tailcast } = held();
  const heard = [];
  tailcast.on("cmd:ready", (data) => heard.push(data));
  tailcast.on("cmd:event:x", (data) => heard.push(data));
  tailcast.on("ready", () => heard.push("moment"));
  link.hears.event(null, '{"cmd":"ready","data":1}', "");
  link.hears.event(null, '{"cmd":"event:x","data":2}', "");
  assert.deepEqual(heard, [1, 2]);
});

test("the page's functions are own functions with plain names", () => {
  const calls = [];
  const page = Object.assign(Object.create({ sseinherited: () => calls.push("inherited") }), { ssefoo: (data) => calls.push(data), ssetext: "no function" });
  const warnings = [];
  const run = commander({ topics: new Topics(), builtIn: new Map([["built", (data) => calls.push(["built", data])]]), page, warn: (text) => warnings.push(text) });
  run("foo", 1);
  run("built", 2);
  for (const name of ["inherited", "text", "foo()", "text", "x".repeat(500)]) run(name, 3);
  assert.deepEqual(calls, [1, ["built", 2]]);
  assert.equal(warnings.length, 4);
  assert.ok(warnings.every((text) => text.length < 400));
});

test("listeners: off takes off its own, one's error does not stop the next", () => {
  const topics = new Topics();
  const heard = [];
  const listener = (value) => heard.push(value);
  const off = topics.add("x", listener);
  topics.add("x", listener);
  off();
  off();
  assert.equal(topics.emit("cmd:x", 1), true);
  assert.equal(topics.emit("cmd:y", 1), false);
  assert.deepEqual(heard, [1]);
  assert.throws(() => topics.add("x", "no function"), TypeError);
});
