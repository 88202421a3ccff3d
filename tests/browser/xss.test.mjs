// Text is never HTML: every payload through every field, in a real browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, startServer, toast, visitor } from "./kit.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const PAYLOADS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "\"><img src=x onerror=alert(1)>",
  "' onmouseover='alert(1)",
  "\" autofocus onfocus=\"alert(1)",
  "</strong></div><form action=//evil.invalid><input>",
  "&lt;img src=x onerror=alert(1)&gt;",
  "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
  "<a href=javascript:alert(1)>x</a>",
  "javascript:alert(1)",
  " JaVa\tScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "vbscript:msgbox(1)",
  "data:text/html,<script>alert(1)</script>",
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
  "x); background: url(//evil.invalid/a",
  "red; background: url(//evil.invalid/a)",
  "rgb(0,0,0) url(//evil.invalid/a)",
  "#fff url(//evil.invalid/a)",
  "../../../etc/passwd",
  "material-icons onclick=alert(1)",
  "{{constructor.constructor('alert(1)')()}}",
  "\ud800 half a pair",
  "\u0000\u202e\u2028",
  "__proto__",
];
const FIELDS = ["title", "text", "color", "icon", "image", "type", "time", "sound", "volume", "position", "url", "id", "desktop", "button.name", "button.url", "button.cmd", "button.func"];

function data(field, payload) {
  const data = { title: "safe", time: 0, button: [{ name: "Button", url: "/?safe" }] };
  const [name, part] = field.split(".");
  if (part) data.button.push({ name: "Other", ...(part === "name" ? { cmd: "none" } : {}), [part]: payload });
  else data[name] = payload;
  return data;
}

/** What a toast may consist of; anything else was injected. */
function foreign(toast) {
  const allowed = new Map([
    ["DIV", ["class", "style", "id", "role", "aria-label", "data-izitoast-ref"]],
    ["I", ["class", "aria-hidden"]],
    ["STRONG", ["class", "style", "dir"]],
    ["P", ["class", "style", "dir"]],
    ["BUTTON", ["class", "type", "aria-label"]],
    ["A", ["class", "href", "aria-label"]],
  ]);
  return [toast, ...toast.querySelectorAll("*")].flatMap((element) => {
    const wrong = [...element.attributes].filter(({ name }) => !allowed.get(element.tagName)?.includes(name.toLowerCase()));
    const link = element.tagName === "A" && !/^(https?|mailto):/.test(element.protocol) ? [element.href] : [];
    const tag = allowed.has(element.tagName) ? [] : [element.tagName];
    const classes = [...element.classList].filter((name) => !/^(iziToast|material-icons$|tailcast(-own|-cover)?$|fade|slideIn|revealIn)/.test(name));
    return [...tag, ...wrong.map(({ name }) => name), ...link, ...classes];
  });
}

for (const field of FIELDS) {
  test(`payloads in ${field} stay text`, async (t) => {
    const server = await startServer(t);
    const ann = await visitor(browser, server);
    // An image of a broken or foreign address is only an image; that it is asked for is no injection.
    if (field === "image") {
      ann.allow(/foreign request: http:\/\/evil\.invalid|Failed to load resource/);
      await ann.context.route("http://evil.invalid/**", (route) => route.abort());
    }
    if (field === "sound") ann.allow(/Failed to load resource/);
    const page = await ann.open("ann");
    const all = [...PAYLOADS.map((payload) => data(field, payload)), { title: "the last one" }];
    // Of more at once only the newest are shown.
    for (let at = 0; at < all.length; at += 20) {
      await server.append("ann", ...all.slice(at, at + 20).map((data) => ({ cmd: "notify", data })));
      await page.waitForFunction((count) => document.querySelectorAll(".iziToast").length === count, Math.min(at + 20, all.length));
    }
    const last = await toast(page, "the last one");
    await last.waitForElementState("stable");

    const shown = await page.$$(".iziToast");
    assert.equal(shown.length, PAYLOADS.length + 1);
    for (const element of shown) assert.deepEqual(await element.evaluate(foreign), []);
    const covers = await page.$$eval(".iziToast-cover", (all) => all.map((cover) => cover.style.backgroundImage));
    for (const cover of covers) assert.match(cover, /^url\("(https?:|data:image\/)[^"]*"\)$/);
    const backgrounds = await page.$$eval(".iziToast", (all) => all.map((one) => one.style.background));
    for (const background of backgrounds) assert.ok(!background.includes("url("), background);

    const part = new Map([["title", ".iziToast-title"], ["text", ".iziToast-message"], ["button.name", ".iziToast-buttons-child:nth-child(2)"]]).get(field);
    if (part) {
      const read = await page.$$eval(part, (all) => all.map((one) => one.textContent));
      const expected = field === "button.name" ? PAYLOADS.map((payload) => payload.trim()) : PAYLOADS;
      // Neither can stand in a document: browsers leave out the NUL, and show half a pair as the replacement character.
      const plain = (text) => text.replaceAll("\u0000", "").toWellFormed();
      for (const payload of expected) assert.ok(read.map(plain).includes(plain(payload)), `${payload} is not shown as it is: ${read}`);
    }

    const inLog = await page.$$eval("#entries *", (all) => all.map((one) => one.tagName));
    assert.deepEqual([...new Set(inLog)].toSorted(), ["BDI", "DETAILS", "LI", "PRE", "SPAN", "SUMMARY", "TIME"]);
  });
}

test("payloads as data itself, as event and as command show nothing foreign", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  for (const payload of PAYLOADS) {
    await server.append("ann", { cmd: "notify", data: payload });
    await server.append("ann", { cmd: payload, data: payload });
    await server.append("ann", { [payload]: payload });
  }
  await server.notify("ann", { title: "the last one" });
  await toast(page, "the last one");
  for (const element of await page.$$(".iziToast")) assert.deepEqual(await element.evaluate(foreign), []);
});
