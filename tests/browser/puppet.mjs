// What the kit's browser cannot do: tabs in the background, which may be frozen, and Firefox as it comes from Debian.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { DEADLINE } from "./kit.mjs";

const CHROMIUM = { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"] };
const FIREFOX = { browser: "firefox", executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr" };

/** Tabs in the background draw no frames, so conditions are not asked for with each of those; in milliseconds. */
const POLLING = { polling: 50 };

/** Waits until a page's function is true there. */
export const until = (page, fn, ...values) => page.waitForFunction(fn, POLLING, ...values);

/** A browser for the server's test, which ends before the server; what it complains about fails the test. */
export async function browse(server, name) {
  const browser = await puppeteer.launch({ ...(name === "firefox" ? FIREFOX : CHROMIUM), headless: true, timeout: 30_000 });
  const complaints = [];
  const allowed = [];
  server.visitors.push({ context: browser, assertClean: () => assert.deepEqual(complaints.filter((text) => !allowed.some((pattern) => pattern.test(text))), [], "the browser complained") });

  /** A new tab, in front of all others. */
  async function tab(url) {
    const page = await browser.newPage();
    page.setDefaultTimeout(DEADLINE);
    page.on("pageerror", (error) => complaints.push(`error: ${error.stack ?? error}`));
    page.on("console", (message) => message.type() === "error" && complaints.push(`console: ${message.text()}`));
    await page.goto(url);
    return page;
  }
  return { browser, tab, allow: (pattern) => allowed.push(pattern) };
}

/** A site of one page with the client; `script` is its own code. Options of a server that serves it as `/site.html`. */
export async function site(t, script) {
  const folder = await mkdtemp(join(tmpdir(), "tailcast web "));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(folder, { recursive: true });
  const html = '<!doctype html><meta charset="utf-8"><title>own</title><link rel="icon" href="data:,"><script src="own.js"></script><script async id="ssescript" src="js/sse.js"></script>';
  await writeFile(join(folder, "site.html"), html);
  await writeFile(join(folder, "own.js"), script);
  return ["--web", folder];
}
