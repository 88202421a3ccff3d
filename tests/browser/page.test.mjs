// The try-it page: from a line in a file to what a person sees.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { assertAccessible, launch, startServer, toast, toasts, visitor } from "./kit.mjs";

const run = promisify(execFile);
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("a line appended to the file becomes a toast with its icon and sound", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  const heard = ann.requested("/sounds/bell.wav");

  await server.notify("ann", { title: "New mail", text: "From Bob & <Co>", color: "blue", icon: "email", sound: "bell" });

  const shown = await toast(page, "New mail");
  assert.deepEqual(await toasts(page), [{ title: "New mail", text: "From Bob & <Co>", icon: "email", colour: "blue", buttons: [] }]);
  assert.equal(await page.$eval(".tailcast-live[role=status]", (region) => region.textContent), "New mail\nFrom Bob & <Co>");
  await heard;

  await page.waitForFunction(() => document.fonts.check('24px "Material Icons"'));
  // It grows while it comes in.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
  const icon = await page.$eval(".iziToast-icon", (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return { family: getComputedStyle(element).fontFamily, width: range.getBoundingClientRect().width };
  });
  assert.deepEqual(icon, { family: '"Material Icons"', width: 24 }, "the ligature is drawn as one sign");
  assert.equal(await page.textContent("#entries .gist"), "New mail · From Bob & <Co>");
});

test("before it has a name, a browser sees what is sent to everyone", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open();
  await server.notify("ann", { title: "not for you" });
  await server.notify("all", { title: "for everyone" });
  await toast(page, "for everyone");
  assert.equal((await toasts(page)).length, 1);
});

for (const name of ["мойшэ", "ann lee", "a/b", "🦊👩‍👩‍👧", "..", "-n", "o'neill \"q\" $(id)", "<img src=x onerror=alert(1)>", "שלום"]) {
  test(`the name ${name} works from cookie to file`, async (t) => {
    const server = await startServer(t);
    const page = await (await visitor(browser, server)).open(name);
    assert.equal(await page.textContent("#who .name"), name);
    assert.equal(await page.evaluate(() => window.tailcast.user), name);

    await page.click("#check");
    await toast(page, "Check");
    const [check] = await toasts(page);
    assert.ok(check.text.includes(name), check.text);
    await page.waitForSelector('#outcome:has-text("Back here after")');

    for (const line of ["echo", "send", "curl"]) {
      const title = `by ${line}`;
      await page.fill("#title", title);
      await run("sh", ["-c", await page.textContent(`#line-${line}`)]);
      await toast(page, title);
    }
    assert.equal((await toasts(page)).length, 4);
  });
}

test("every shown line does what it says when sh runs it, whatever the text", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  const text = "it's \"quoted\" \\n \\\\ $HOME `id` !! 100% 🦊\nsecond line";
  await page.fill("#text", text);
  await page.click("#swatches [value=red]");
  for (const line of ["echo", "send", "curl"]) {
    await page.fill("#title", `--by ${line}`);
    await run("sh", ["-c", await page.textContent(`#line-${line}`)]);
    await toast(page, `--by ${line}`);
  }
  const expected = ["echo", "send", "curl"].map((line) => ({ title: `--by ${line}`, text, icon: "rocket_launch", colour: "red", buttons: [] }));
  assert.deepEqual(await toasts(page), expected);
});

test("the composer sends all it offers", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  const page = await ann.open("ann");
  await page.fill("#title", "Hello");
  await page.fill("#text", "World");
  await page.click("#swatches [value=yellow]");
  await page.click("#icon-open");
  await page.fill("#icons-search", "coffee");
  await page.press("#icons-search", "Enter");
  await page.selectOption("#sound", "pluck");
  await page.fill("#volume", "40");
  await page.selectOption("#time", "0");
  await page.click(".composer .more summary");
  await page.fill("#image", "favicon.svg");
  await page.fill("#button-name", "Open");
  await page.fill("#button-url", "/?opened");
  await page.fill("#url", "/?followed");
  await page.fill("#toast-id", "greeting");
  await page.selectOption("#position", "topLeft");
  // Nobody allowed them to this browser.
  assert.equal(await page.isVisible("#desktop-no"), false);
  await page.check("#desktop");
  await page.waitForSelector("#desktop-no");

  const record = {
    cmd: "notify",
    data: {
      title: "Hello", text: "World", color: "yellow", icon: "coffee", image: "favicon.svg",
      sound: "pluck", volume: 0.4, time: 0, button: { name: "Open", url: "/?opened" },
      url: "/?followed", position: "topLeft", id: "greeting", desktop: true,
    },
  };
  assert.deepEqual(JSON.parse(await page.textContent("#line-json")), record);
  await page.click("#send");
  const shown = await toast(page, "Hello");
  await ann.requested("/sounds/pluck.wav");
  assert.deepEqual(await toasts(page), [{ title: "Hello", text: "World", icon: "coffee", colour: "yellow", buttons: ["Open"] }]);
  assert.match(await shown.$eval(".iziToast-cover", (cover) => cover.style.backgroundImage), /\/favicon\.svg"\)$/);

  const [line] = (await readFile(await server.path("ann"), "utf8")).trim().split("\n").slice(-1);
  const { time, ...stored } = JSON.parse(line);
  assert.equal(typeof time, "number");
  assert.deepEqual(stored, record);

  assert.equal(await shown.$eval("a", (link) => new URL(link.href).search), "?followed");
  await (await shown.$("text=Open")).click();
  await page.waitForURL("**/?opened");
});

test("to everyone and to someone else", async (t) => {
  const server = await startServer(t);
  const ann = await (await visitor(browser, server)).open("ann");
  const bob = await (await visitor(browser, server)).open("bob");
  await ann.fill("#title", "to all");
  await ann.check("[name=to][value=all]");
  await ann.click("#send");
  await Promise.all([toast(ann, "to all"), toast(bob, "to all")]);

  await ann.check("[name=to][value=other]");
  await ann.keyboard.type("bob");
  await ann.fill("#title", "to bob");
  await ann.click("#send");
  await toast(bob, "to bob");
  await ann.waitForSelector('#outcome:has-text("Sent to bob")');
  assert.deepEqual((await toasts(ann)).map(({ title }) => title), ["to all"]);
});

test("what the server refuses is said in its words", async (t) => {
  const server = await startServer(t);
  const ann = await visitor(browser, server);
  ann.allow(/status of 400/);
  const page = await ann.open("ann");
  await page.check("[name=to][value=other]");
  await page.keyboard.type("x".repeat(200));
  await page.click("#send");
  await page.waitForSelector('#outcome[data-kind=bad]:has-text("Not sent: ")');
});

test("the name can be changed, and a name that does not fit is explained", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  await page.click("#who");
  assert.equal(await page.inputValue("#rename-name"), "ann");
  await page.fill("#rename-name", "é".repeat(91));
  assert.match(await page.$eval("#rename-name", (input) => input.validationMessage), /182 bytes/);
  await page.fill("#rename-name", "bob");
  await page.press("#rename-name", "Enter");
  await page.waitForSelector('#who .name:text-is("bob")');
});

test("the log shows all kinds of records, newest first, as text, and no more than 200", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  await page.click(".listen summary");
  await page.fill("#listen input", "price");
  await page.press("#listen input", "Enter");
  await server.append("ann", { event: "price", data: "42 <b>€</b>" });
  await server.append("ann", { some: "object" });
  await page.waitForSelector("#entries li >> nth=1");
  const rows = await page.$$eval("#entries li", (items) => items.map((item) => [".kind", ".gist"].map((part) => item.querySelector(part).textContent)));
  assert.equal(rows[0][0], "object");
  assert.match(rows[0][1], /"some":"object"/);
  assert.deepEqual(rows[1], ["price", "42 <b>€</b>"]);

  const many = Array.from({ length: 210 }, (_, n) => ({ n }));
  await server.append("all", ...many);
  await page.waitForSelector('#entries li:first-child:has-text("\\"n\\":209")');
  assert.equal(await page.$$eval("#entries li", (items) => items.length), 200);
  await page.click("#log-clear");
  await page.waitForSelector("#log-empty:visible");
});

test("a copied line is the line", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server, { permissions: ["clipboard-read", "clipboard-write"] })).open("ann");
  await page.click("[data-copy=line-send]");
  await page.waitForSelector("[data-copy=line-send].done");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.textContent("#line-send"));
});

test("every offered icon is one sign of the font", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  const missing = await page.evaluate(async () => {
    await document.fonts.load("24px 'Material Icons'");
    const { offered } = await import(new URL("page/icons.js", document.baseURI).href);
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = "24px 'Material Icons'";
    return offered.filter((name) => pen.measureText(name).width !== 24);
  });
  assert.deepEqual(missing, []);
});

test("the icon picker is usable by keys alone", async (t) => {
  const server = await startServer(t);
  const page = await (await visitor(browser, server)).open("ann");
  await page.focus("#icon-open");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#icons[open]");
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.icon), "rocket_launch");
  await page.keyboard.press("ArrowRight");
  const next = await page.evaluate(() => document.activeElement.dataset.icon);
  await page.keyboard.press("Enter");
  assert.equal(await page.inputValue("input[name=icon]"), next);
  assert.equal(await page.$("#icons[open]"), null);
});

for (const width of [360, 390, 768]) {
  test(`nothing is cut off at ${width} pixels`, async (t) => {
    const server = await startServer(t);
    const options = { viewport: { width, height: 800 }, isMobile: true, hasTouch: true };
    const ann = await visitor(browser, server, options);
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
    let page = await ann.open();
    assert.equal(await wide(), width);
    await page.close();
    page = await ann.open("a-very-long-name-without-any-place-to-break-".repeat(4));
    await page.click("#check");
    await toast(page, "Check");
    await page.click(".composer .more summary");
    await page.click("#entries summary");
    assert.equal(await wide(), width);
  });
}

for (const [look, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }]]) {
  test(`nothing keeps anyone out, and nothing is cut off: ${look}`, async (t) => {
    const server = await startServer(t);
    const ann = await visitor(browser, server, { reducedMotion: "reduce", ...options });
    const width = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    const welcome = await ann.open();
    await assertAccessible(welcome);
    assert.ok((await width(welcome)) <= 0);
    const page = await ann.open("ann");
    await page.click(".composer .more summary");
    await server.append("ann", { cmd: "paint", data: { text: "long ".repeat(40) } }, { event: "price", data: 1 });
    await page.waitForSelector("#entries li");
    await assertAccessible(page);
    assert.ok((await width(page)) <= 0);
  });
}
