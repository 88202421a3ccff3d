// Makes the pictures of the documentation: docs/screenshots/{page,status}-{light,dark,phone}.png.
import { once } from "node:events";
import { appendFile, mkdir, stat } from "node:fs/promises";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { launch, startServer, toast, visitor } from "./kit.mjs";

const FOLDER = new URL("../../docs/screenshots/", import.meta.url);
/** A README should load quickly. */
const MOST_BYTES = 300_000;
/** How long the load runs that the status page is pictured under, in milliseconds. */
const LOAD_TIME = 40_000;
const PICTURES = [
  ["light", { viewport: { width: 1280, height: 960 }, colorScheme: "light" }],
  ["dark", { viewport: { width: 1280, height: 960 }, colorScheme: "dark" }],
  ["phone", { viewport: { width: 390, height: 844 }, colorScheme: "light", deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
];

const cleanups = [];
const t = { after: (fn) => cleanups.push(fn) };
const browser = await launch();
try {
  await mkdir(FOLDER, { recursive: true });
  for (const [name, options] of PICTURES) await picture(`page-${name}`, options);
  await statusPictures();
} finally {
  for (const cleanup of cleanups) await cleanup();
  await browser.close();
}

async function picture(name, options) {
  const server = await startServer(t);
  const ann = await visitor(browser, server, options);
  await withoutPaths(ann.context);
  const page = await ann.open("ann");
  await page.evaluate(() => window.tailcast.on("event:price", () => {}));

  await server.append("all", { event: "price", data: { symbol: "ACME", eur: 42.17 } });
  await server.append("ann", { cmd: "progress", data: { job: "backup", percent: 64 } });
  await page.evaluate(() => window.tailcast.on("progress", () => {}));
  await server.notify("ann", { title: "Backup", text: "Nightly backup finished, 1.2 GB.", icon: "backup", time: 1 });
  await server.notify("ann", { title: "Deployed", text: "Version 2.1 is live. All checks passed.", color: "green", icon: "rocket_launch", time: 0 });
  await toast(page, "Deployed");
  await server.notify("ann", { title: "New mail", text: "Lunch at noon? The usual place.", color: "blue", icon: "email", sound: "bell", time: 0 });
  await toast(page, "New mail");
  await page.waitForFunction(() => document.querySelectorAll(".iziToast-opened").length === 2 && document.querySelectorAll(".iziToast").length === 2);
  await page.evaluate(() => document.fonts.ready);

  await save(name, page);
}

async function save(name, page) {
  const path = fileURLToPath(new URL(`${name}.png`, FOLDER));
  await page.screenshot({ path, animations: "disabled" });
  const { size } = await stat(path);
  console.log(`${name}.png ${Math.ceil(size / 1000)} kB`);
  if (size > MOST_BYTES) throw new Error(`${name}.png has ${size} bytes, more than ${MOST_BYTES}`);
}

/** The status page of a server under load: all pictures are of the same moment. */
async function statusPictures() {
  const server = await startServer(t);
  const pages = [];
  for (const [name, options] of PICTURES) {
    const page = await (await visitor(browser, server, options)).context.newPage();
    await page.goto(new URL("status", server.url).href);
    await page.waitForSelector("body[data-view=shown][data-link=open]");
    await page.evaluate(() => (document.getElementById("host").textContent = "push.example.org"));
    pages.push([name, page]);
  }
  await load(server);
  for (const [name, page] of pages) await save(`status-${name}`, page);
}

/** Users come, some of them more than once; records are appended in waves; one client reads nothing for a while. */
async function load(server) {
  const users = ["ann", "bob", "carol", "мойшэ", "dave", "erin", "美咲", "frank"];
  const files = await Promise.all([...users, "all"].map((user) => server.path(user)));
  const until = Date.now() + LOAD_TIME;
  const slow = await follow(server, "erin");
  for (let beat = 0; Date.now() < until; beat += 1) {
    if (beat < 80) (await follow(server, users[Math.floor((beat % 9) * (beat % 8) / 8)])).resume();
    const records = Array.from({ length: 4 + Math.round(3 * Math.sin(beat / 25)) }, (_, n) => `{"event":"price","data":${n}}\n`);
    await appendFile(files[beat % 3 === 0 ? users.length : beat % users.length], records.join(""));
    if (beat % 5 === 0) await fetch(new URL("writer", server.url), { method: "POST", body: new URLSearchParams({ user: "bob", data: "{}" }) });
    if (beat === 150) await appendFile(files[5], `{"data":"${"x".repeat(900_000)}"}\n`.repeat(16));
    if (beat === 400) slow.resume();
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

async function follow(server, user) {
  const request = http.get(new URL(`events?user=${encodeURIComponent(user)}`, server.url));
  t.after(() => request.destroy());
  const [answer] = await once(request, "response");
  answer.on("error", () => {});
  return answer;
}

/** A picture for everyone shows the command as it is when installed, not where this machine keeps it. */
async function withoutPaths(context) {
  await context.route("**/me", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), cli: "tailcast" } });
  });
}
