// Hot reload: a file of a site is saved, and a browser shows it.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, startServer, visitor } from "./kit.mjs";

const TALL = "div { height: 5000px }";
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A site of its own, watched by its server, and a page on it that is connected. */
async function site(t, files) {
  const folder = await mkdtemp(join(tmpdir(), "tailcast site "));
  const save = async (name, text) => {
    await mkdir(join(folder, name, ".."), { recursive: true });
    // As editors save: what is served is never half of it.
    await writeFile(join(folder, `${name}~`), text);
    await rename(join(folder, `${name}~`), join(folder, name));
  };
  for (const [name, text] of Object.entries(files)) await save(name, text);
  const server = await startServer(t, { args: ["--web", folder, "--reload", folder] });
  t.after(() => rm(folder, { recursive: true, force: true }));
  const ann = await visitor(browser, server);
  const page = await ann.context.newPage();
  await page.goto(server.url);
  await connected(page);
  return { server, ann, page, save };
}

const connected = (page) => page.waitForFunction(() => window.tailcast?.user === null && window.tailcast.state === "open");
const head = (...more) => `<!doctype html><title>site</title><link rel="icon" href="data:,">${more.join("")}<script async id="ssescript" src="/js/sse.js"></script>`;
const sheet = (href) => `<link rel="stylesheet" href="${href}">`;
const colour = (page, value) => page.waitForFunction((value) => getComputedStyle(document.body).color === value, value);
const count = (ann, path) => ann.requests.filter((url) => url.pathname === path).length;

test("a stylesheet is swapped, and the page stays as it is", async (t) => {
  const html = head(sheet("/css/site.css"), sheet("/other.css")) + "<input><p>text";
  const { ann, page, save } = await site(t, { "index.html": html, "css/site.css": "body { color: red }", "other.css": TALL });
  await colour(page, "rgb(255, 0, 0)");
  await page.fill("input", "typed");

  for (const [name, value] of [["blue", "rgb(0, 0, 255)"], ["green", "rgb(0, 128, 0)"]]) {
    await save("css/site.css", `body { color: ${name} }`);
    await colour(page, value);
    // The old one leaves, so that none of its rules stay.
    await page.waitForFunction(() => document.querySelectorAll("link[rel=stylesheet]").length === 2);
  }
  assert.equal(await page.inputValue("input"), "typed");
  assert.deepEqual([count(ann, "/"), count(ann, "/css/site.css"), count(ann, "/other.css")], [1, 3, 1]);
});

test("an address that is none is left as it is", async (t) => {
  const html = head(sheet("http://["), sheet("/a.css")) + '<style>@import "http://[";</style><input>';
  const { ann, page, save } = await site(t, { "index.html": html, "a.css": "body { color: red }" });
  await colour(page, "rgb(255, 0, 0)");
  await page.fill("input", "typed");
  await save("a.css", "body { color: blue }");
  await colour(page, "rgb(0, 0, 255)");
  assert.deepEqual([await page.inputValue("input"), count(ann, "/")], ["typed", 1]);
});

test("a stylesheet that others import brings them anew", async (t) => {
  const { ann, page, save } = await site(t, {
    "index.html": head(sheet("/all.css"), sheet("/other.css")) + "<input>",
    "all.css": '@import "parts/more.css";',
    "other.css": TALL,
    "parts/more.css": '@import "base.css";',
    "parts/base.css": "body { color: red }",
  });
  await colour(page, "rgb(255, 0, 0)");
  await page.fill("input", "typed");
  await save("parts/base.css", "body { color: blue }");
  await colour(page, "rgb(0, 0, 255)");

  // Also when one that the page links changes with it.
  await Promise.all([save("other.css", `${TALL} p { color: red }`), save("parts/base.css", "body { color: green }")]);
  await colour(page, "rgb(0, 128, 0)");
  assert.deepEqual([await page.inputValue("input"), count(ann, "/")], ["typed", 1]);
});

test("a stylesheet that cannot be loaded leaves the old one", async (t) => {
  const { ann, server, page, save } = await site(t, { "index.html": head(sheet("/a.css")), "a.css": "body { color: red }" });
  ann.allow(/console: Failed to load resource/);
  await colour(page, "rgb(255, 0, 0)");
  await page.route("**/a.css?*", (route) => route.fulfill({ status: 503 }));
  const failed = page.waitForResponse((response) => response.status() === 503);
  await server.append("all", { cmd: "reload", data: { paths: ["a.css"], css: true } });
  await failed;
  await page.waitForFunction(() => document.querySelectorAll("link[rel=stylesheet]").length === 1);
  await colour(page, "rgb(255, 0, 0)");

  await page.unroute("**/a.css?*");
  await save("a.css", "body { color: blue }");
  await colour(page, "rgb(0, 0, 255)");
  assert.equal(count(ann, "/"), 1);
});

test("of swaps that overtake each other the last one stays", async (t) => {
  const { server, page } = await site(t, { "index.html": head(sheet("/a.css")), "a.css": "body { color: red }" });
  const asked = new EventEmitter();
  await page.route("**/a.css?*", (route) => asked.emit("route", route));
  const swap = async (name) => {
    const [[route]] = await Promise.all([once(asked, "route"), server.append("all", { cmd: "reload", data: { paths: ["a.css"], css: true } })]);
    // Nobody waits for the first one's answer any more.
    return () => route.fulfill({ contentType: "text/css", body: `body { color: ${name} }` }).catch(() => {});
  };
  const first = await swap("blue");
  const second = await swap("green");
  await second();
  await colour(page, "rgb(0, 128, 0)");
  await first();
  await page.waitForFunction(() => document.querySelectorAll("link[rel=stylesheet]").length === 1);
  await colour(page, "rgb(0, 128, 0)");
});

test("a page is loaded again and stays where it was, even if its content comes late", async (t) => {
  // The browser would restore the place by itself, had the page not said no.
  const script = 'history.scrollRestoration = "manual"; addEventListener("load", () => setTimeout(() => document.body.append(document.createElement("div")), 200));';
  const html = (title) => `${head(sheet("/a.css"), '<script src="/page.js"></script>')}<h1>${title}</h1>`;
  const { page, save } = await site(t, { "index.html": html("one"), "a.css": TALL, "page.js": script });
  await page.waitForSelector("div", { state: "attached" });
  await page.evaluate(() => scrollTo(0, 1234));
  await save("index.html", html("two"));
  await page.waitForSelector('h1:text-is("two")', { state: "attached" });
  await page.waitForFunction(() => scrollY === 1234);

  // It was for that time only.
  await connected(page);
  await page.goto(`${page.url()}?other`);
  await page.goBack();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("tailcast.place")), null);
});

test("a person who scrolls is not brought back", async (t) => {
  const script = 'history.scrollRestoration = "manual"; addEventListener("wheel", () => document.body.append(document.createElement("div")));';
  const { page, save } = await site(t, { "index.html": `${head(sheet("/a.css"), '<script src="/page.js"></script>')}<h1>one</h1>`, "a.css": TALL, "page.js": script });
  await page.clock.install();
  await page.mouse.wheel(0, 1);
  await page.waitForSelector("div", { state: "attached" });
  await page.evaluate(() => scrollTo(0, 1234));
  await save("late.js", "1");
  await page.waitForFunction(() => !document.querySelector("div"));
  await connected(page);
  // The page grows because of the same wheel, so the place could be taken up now.
  await page.mouse.wheel(0, 1);
  await page.waitForSelector("div", { state: "attached" });
  // Whatever waits has its time.
  await page.clock.runFor(10_000);
  assert.ok((await page.evaluate(() => scrollY)) < 100);
});

test("scripts and deleted stylesheets reload the page", async (t) => {
  const { ann, page, save } = await site(t, { "index.html": head(sheet("/a.css"), '<script src="/page.js"></script>'), "a.css": "body { color: red }", "page.js": "window.version = 1" });
  await save("page.js", "window.version = 2");
  await page.waitForFunction(() => window.version === 2);
  await connected(page);
  // Both in one save: the page is what counts.
  await Promise.all([save("a.css", "body { color: blue }"), save("page.js", "window.version = 3")]);
  await page.waitForFunction(() => window.version === 3);
  await colour(page, "rgb(0, 0, 255)");
  assert.equal(count(ann, "/"), 3);
});

test("a page's own reload comes first", async (t) => {
  const { ann, page, save } = await site(t, { "index.html": head('<script src="/page.js"></script>'), "page.js": "function ssereload(data) { window.got = data }" });
  await save("index.html", "other");
  await page.waitForFunction(() => window.got);
  assert.deepEqual(await page.evaluate(() => window.got), { paths: ["index.html"], css: false });
  assert.equal(count(ann, "/"), 1);
});
