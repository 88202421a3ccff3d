// How much of the client travels: the files as the server has them, without iziToast and the icon font.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { startServer } from "./kit.mjs";

/** Bytes of all files together, compressed. */
const MOST_BYTES = 25_000;
const NAMED = ["js/sse.js", "js/tailcast.js", "js/inbox.js", "js/badge.js", "js/badge.css", "js/inbox/inbox.css", "js/toast/toast.css"];

const bytes = (text) => gzipSync(text, { level: 9 }).length;

test("the client is small, and a page waits for few files", async (t) => {
  const server = await startServer(t);
  const found = new Map();
  const walk = async (path) => {
    if (found.has(path)) return;
    found.set(path, "");
    const answer = await fetch(new URL(path, server.url));
    assert.equal(answer.status, 200, path);
    found.set(path, await answer.text());
    for (const [, how, wanted] of found.get(path).matchAll(/(from|import|import\()"(\.\.?\/[^"]+\.js)"/g)) {
      // A page that is open while the server becomes another one loads them from that.
      if (how === "import(") assert.doesNotMatch(wanted, /-[A-Z0-9]{8}\.js$/, path);
      await walk(new URL(wanted, new URL(path, server.url)).pathname.slice(1));
    }
  };
  for (const path of NAMED) await walk(path);
  const texts = [...found.keys()].toSorted().map((path) => found.get(path));
  const inAll = bytes(texts.join(""));
  t.diagnostic(`${texts.length} files: ${inAll} bytes in all, ${texts.reduce((sum, text) => sum + bytes(text), 0)} one by one`);
  assert.ok(inAll < MOST_BYTES, `${inAll} bytes`);
  const atOnce = [...found.get("js/tailcast.js").matchAll(/from"(\.\/[^"]+\.js)"/g)];
  t.diagnostic(`a page begins with sse.js, tailcast.js and ${atOnce.length} more: ${bytes(found.get("js/sse.js")) + bytes(found.get("js/tailcast.js"))} bytes without those`);
  assert.ok(atOnce.length <= 3, String(atOnce));
  for (const text of texts) assert.doesNotMatch(text, /\beval\(/);
});
