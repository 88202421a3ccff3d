// The client as a package: its types hold, and all that it needs is in it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const JS = fileURLToPath(new URL("../../../js/", import.meta.url));
const TESTS = fileURLToPath(new URL("..", import.meta.url));
async function packed() {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: JS });
  return JSON.parse(stdout)[0].files.map(({ path }) => path);
}

test("the types accept a page, and refuse a wrong one", async () => {
  const tsc = join(TESTS, "node_modules/.bin/tsc");
  const options = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "types/page.ts"];
  await run(tsc, options, { cwd: TESTS }).catch(({ stdout }) => assert.fail(stdout));
});

test("the types name what the client has", async () => {
  const { connect } = await import("../../../js/tailcast.js");
  const link = () => ({ listen() {}, close() {}, voice: async () => true, tell() {}, told() {} });
  const prototype = Object.getPrototypeOf(connect({ root: "https://push.example/", link }));
  const has = Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
  const types = await readFile(join(JS, "tailcast.d.ts"), "utf8");
  const face = types.slice(types.indexOf("export interface Tailcast {"), types.indexOf("/** Connects this page to its event stream. */"));
  for (const name of has) assert.match(face, new RegExp(`^  (readonly )?${name}[(<:]`, "m"), name);
});

test("every file that another imports is in the package", async () => {
  const inside = new Set(await packed());
  for (const path of inside) {
    if (!path.endsWith(".js")) continue;
    const text = await readFile(join(JS, path), "utf8");
    for (const [, wanted] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
      assert.ok(inside.has(relative(JS, join(JS, dirname(path), wanted))), `${path} imports ${wanted}`);
    }
  }
  for (const needed of ["tailcast.js", "tailcast.d.ts", "sse.js", "toast/toast.css", "README.md", "package.json"]) assert.ok(inside.has(needed), needed);
});
